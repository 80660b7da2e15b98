//! File descriptors: each connection takes one, and what a shell gives a process is a thousand.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors a full edge needs: twice 10,000 connections, and stores, listeners and links besides.
/// With fewer it still runs, and refuses people earlier.
const WANTED: u64 = 24_000;

/// Takes as many descriptors as the system lets this process have without asking anybody.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    // None is no limit at all.
    if let Some(current) = getrlimit(Resource::Nofile).current.filter(|count| *count < WANTED) {
        tracing::warn!(current, wanted = WANTED, "few open files are allowed: raise LimitNOFILE");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let limit = getrlimit(Resource::Nofile);
        let less = limit.current.map_or(4_096, |current| current - 1);
        let lower = Rlimit { current: Some(less), maximum: limit.maximum };
        setrlimit(Resource::Nofile, lower).expect("lowering is always allowed");
        raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, limit.maximum);
    }
}
