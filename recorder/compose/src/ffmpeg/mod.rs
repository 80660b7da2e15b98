//! Processes of FFmpeg: what comes out of a pipe of one, what goes into it, and why it ended.

mod process;
mod stage;

pub use process::Role;
pub use stage::{Counted, Sink, Source};
