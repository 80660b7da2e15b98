//! What people are told where a recording cannot be written: without paths and names.

use lectern_control::recording::{Trouble, TroubleKind};
use std::io;

/// There is no room left.
pub(crate) fn disk_full() -> Trouble {
    let detail = "there is no room left where the recorder writes".to_owned();
    Trouble { kind: TroubleKind::DiskFull, detail }
}

/// It could not be written, for this reason.
pub(crate) fn write_failed(detail: impl Into<String>) -> Trouble {
    Trouble { kind: TroubleKind::WriteFailed, detail: detail.into() }
}

/// The disk refuses.
pub(crate) fn of_disk(error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => disk_full(),
        kind => write_failed(format!("the recorder's disk: {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let kind_of = |error: io::ErrorKind| of_disk(&error.into()).kind;
        assert_eq!(kind_of(io::ErrorKind::StorageFull), TroubleKind::DiskFull);
        assert_eq!(kind_of(io::ErrorKind::QuotaExceeded), TroubleKind::DiskFull);
        assert_eq!(kind_of(io::ErrorKind::PermissionDenied), TroubleKind::WriteFailed);
    }
}
