//! Recordings made by FFmpeg for tests, and what is seen and heard in a film.

#![allow(dead_code, unused_imports, reason = "each test uses its part")]

mod film;
pub mod matroska;
pub use matroska::frames;
mod recording;

pub use film::Watched;
pub use film::beeps;
pub use recording::{Kept, Recording, joined, moved, plan, published, sound, tools, video};
