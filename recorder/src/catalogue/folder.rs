//! The folder of one recording: one process at a time changes what lies in it.

use super::{Error, MANIFEST};
use crate::manifest::Manifest;
use lectern_control::RecordingId;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Overwrites a file that has no name any more. Where the disk writes elsewhere it does not help, and
/// the master key still guards what was in it.
pub(super) fn wipe(mut file: File) -> io::Result<()> {
    let mut len = file.metadata()?.len();
    let zeros = [0; 4096];
    while len > 0 {
        let part = zeros.len().min(usize::try_from(len).unwrap_or(usize::MAX));
        file.write_all(zeros.get(..part).unwrap_or_default())?;
        len -= part as u64;
    }
    file.sync_all()
}

/// Other processes wait meanwhile: one may wrap keys anew, while the other knows how the recording is.
pub(super) fn lock(folder: &Path) -> Result<File, Error> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// The manifest in a folder, where there is one.
pub(super) fn read(folder: &Path, recording: RecordingId) -> Result<Option<Manifest>, Error> {
    match std::fs::read(folder.join(MANIFEST)) {
        Ok(bytes) => Ok(Some(Manifest::from_bytes(&bytes, recording)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Ids of the recordings that have a folder below this one; other names are left alone.
pub(crate) fn recordings_in(folder: &Path) -> io::Result<Vec<RecordingId>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok())
        {
            found.push(id);
        }
    }
    found.sort_unstable();
    Ok(found)
}
