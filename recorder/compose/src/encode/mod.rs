//! From pictures and samples to H.264, AAC and JPEG, each by a process of its own.

mod adts;
mod audio;
mod jpeg;
mod video;

pub use audio::SoundEncoder;
pub use jpeg::jpeg;
pub use video::{FRAME_RATE, Packet, PictureEncoder};

use crate::tools::Tools;
use std::sync::atomic::AtomicBool;

/// What encoding needs.
#[derive(Clone, Copy)]
pub struct Press<'a> {
    /// FFmpeg.
    pub tools: &'a Tools,
    /// Told to stop.
    pub stop: &'a AtomicBool,
    /// Threads of the video encoder.
    pub threads: usize,
}
