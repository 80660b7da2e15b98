//! From units to pictures and samples, each by a process of its own.

mod audio;
mod faults;
mod feed;
mod shape;
mod video;

pub use audio::{Sound, Sounds};
pub use faults::Faults;
pub use shape::{Fit, Shape};
pub use video::Pictures;

use crate::media::Media;
use crate::tools::Tools;
use std::sync::atomic::AtomicBool;

/// What decoding needs.
#[derive(Clone, Copy)]
pub struct Studio<'a> {
    /// The recording.
    pub media: &'a dyn Media,
    /// FFmpeg.
    pub tools: &'a Tools,
    /// Told to stop.
    pub stop: &'a AtomicBool,
}

#[cfg(test)]
mod tests;
