//! One film of many tracks: decode, lay out, mix, encode. Decoders and encoders are processes of
//! FFmpeg in a sandbox; what is in between is here.

mod assemble;
mod check;
mod compose;
mod confine;
mod decode;
mod draw;
mod encode;
mod error;
mod ffmpeg;
mod film;
mod matroska;
mod media;
mod mix;
mod nut;
mod parts;
mod pipe;
mod plan;
mod reel;
mod scene;
mod tools;

pub use compose::compose;
pub use confine::confine;
pub use error::Error;
pub use film::{Chapter, Film, Note, Thumbnail};
pub use media::{Media, Track, Units};
pub use parts::{Part, Parts};
pub use plan::Plan;
pub use tools::Tools;
