//! Why a job is not done, and what that means for it.

use crate::{catalogue, storage};
use lectern_compose as compose;
use std::io;

/// Why a job is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was asked to stop: it is gone on with later.
    #[error("stopped")]
    Stopped,
    /// Where files are kept, or this machine's disk, does not take them: it is tried again.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// There is nothing to make it of; that is no trouble.
    #[error("there is nothing to show")]
    Nothing,
    /// It cannot be done.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// Of an error while files were written.
    pub(crate) fn writing(error: io::Error) -> Failure {
        Failure::Storage(storage::Error::from(error))
    }

    /// Of an error while journals were read.
    pub(crate) fn reading(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::Interrupted => Failure::Stopped,
            kind => Failure::Failed(format!("the recording cannot be read: {kind}")),
        }
    }
}

impl From<catalogue::Error> for Failure {
    fn from(error: catalogue::Error) -> Failure {
        match error {
            catalogue::Error::Storage(error) => Failure::Storage(error),
            catalogue::Error::Disk(error) => Failure::writing(error),
            catalogue::Error::Manifest(error) => Failure::Failed(error.to_string()),
        }
    }
}

impl From<compose::Error> for Failure {
    fn from(error: compose::Error) -> Failure {
        match error {
            compose::Error::Stopped => Failure::Stopped,
            compose::Error::Nothing => Failure::Nothing,
            compose::Error::Parts(error) | compose::Error::Write(error) => Failure::writing(error),
            compose::Error::Media(error) => Failure::reading(&error),
            error => Failure::Failed(error.to_string()),
        }
    }
}
