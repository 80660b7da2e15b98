//! The composer with FFmpeg: films of many kinds, and programs that misbehave.

mod film;
mod sandbox;
mod support;
