//! Layers inside an encoding: what its packets tell of them, which of them a subscriber gets, and
//! how its numbers stay continuous where frames are left out. See `sfu/docs/rewriting.md`.

pub mod rates;
pub mod runs;
pub mod scalability;
pub mod selection;

pub use scalability::Scalability;
pub use selection::Selection;

use crate::frame::Target;
use lectern_wire::Bitrate;
use std::time::Instant;

/// What a subscriber would get under a target, for an allocator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// The target.
    pub target: Target,
    /// What comes in it, all layers that it needs together, over the last half to one second;
    /// headers of RTP counted, those below not.
    pub bitrate: Bitrate,
    /// Width and height of its pictures in pixels, where the stream tells them.
    pub size: Option<(u16, u16)>,
    /// Pictures a second over the same time.
    pub frames_per_second: f32,
    /// When the last packet of its highest layer came.
    pub heard: Option<Instant>,
}
