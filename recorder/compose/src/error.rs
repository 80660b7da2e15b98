//! Why there is no film.

use std::io;
use std::path::PathBuf;

/// What keeps a film from being made. The text is for operators, and holds no names of people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was asked to stop. Finished parts are kept.
    #[error("stopped")]
    Stopped,
    /// There is nothing to show: no time, or no track of it.
    #[error("there is nothing to show")]
    Nothing,
    /// FFmpeg is not there.
    #[error(
        "{path} cannot be run ({reason}): install FFmpeg 5.1 or later (Debian: apt-get install ffmpeg)"
    )]
    NoFfmpeg {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// FFmpeg is there, and lacks something.
    #[error(
        "{path} lacks {lacks}: install a full build of FFmpeg (Debian: apt-get install ffmpeg)"
    )]
    PoorFfmpeg {
        /// Where it is.
        path: PathBuf,
        /// What it lacks.
        lacks: String,
    },
    /// A process of FFmpeg ended, hung or gave nonsense.
    #[error("FFmpeg, as {role}: {reason}")]
    Ffmpeg {
        /// What it was to do.
        role: &'static str,
        /// What it did, with the end of what it wrote about that.
        reason: String,
    },
    /// The recording cannot be read.
    #[error("the recording cannot be read: {0}")]
    Media(#[source] io::Error),
    /// A part cannot be kept or found again.
    #[error("a part of the film cannot be kept: {0}")]
    Parts(#[source] io::Error),
    /// The film cannot be written.
    #[error("the film cannot be written: {0}")]
    Write(#[source] io::Error),
}
