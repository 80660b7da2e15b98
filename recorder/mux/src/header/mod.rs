//! What codecs write at the front of their frames: sizes, profiles, whether a picture stands alone.

pub mod av1;
mod bits;
pub mod h264;
pub mod vp9;
pub mod vp9_layers;
