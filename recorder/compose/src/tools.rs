//! FFmpeg and its sandbox, as configured.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What decodes and encodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// FFmpeg 5.1 or later; a name without `/` is looked for in `PATH`.
    pub ffmpeg: PathBuf,
    /// The program, and its first arguments, that gives its further arguments to [`crate::confine`]:
    /// `["/usr/bin/lectern", "confine"]`.
    pub confine: Vec<OsString>,
    /// A process that moves nothing for so long has hung; see [`Tools::PATIENCE`].
    pub patience: Duration,
    /// Address space of each process, in bytes; see [`Tools::MEMORY_BYTES`].
    pub memory_bytes: u64,
}

impl Tools {
    /// Storage may be slow to give the next bytes, and a large picture slow to decode on a loaded
    /// machine; a film waits so long for each of a few broken stretches at most.
    pub const PATIENCE: Duration = Duration::from_secs(60);
    /// Measured address space: 0.6 GB for encoding 2,304 × 1,080 with four threads, as much for
    /// decoding 7,680 × 4,320. What wants more than twice that is up to something.
    pub const MEMORY_BYTES: u64 = 1_536 << 20;

    /// With the usual limits.
    pub fn new(ffmpeg: PathBuf, confine: Vec<OsString>) -> Tools {
        let (patience, memory_bytes) = (Tools::PATIENCE, Tools::MEMORY_BYTES);
        Tools { ffmpeg, confine, patience, memory_bytes }
    }
}
