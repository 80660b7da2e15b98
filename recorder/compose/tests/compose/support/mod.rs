//! Recordings made by FFmpeg for tests, and what is seen and heard in a film.

mod film;
pub mod matroska;
mod recording;

pub use film::Watched;
pub use recording::{Kept, Recording, joined, moved, plan, published, sound, tools, video};
