//! From recorded packets to files: order, frames, one clock for all tracks, MP4 and WebM.
//!
//! Sans-IO: packets and bytes go in, frames and bytes come out.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

pub mod assembler;
pub mod clock;
pub mod error;
mod header;
pub mod mp4;
mod output;
mod packet;
mod ticks;
mod track_file;
mod unit;
pub mod webm;

pub use assembler::Assembler;
pub use clock::{ClockBuilder, Clocks};
pub use error::Error;
pub use output::{HEAD_BYTES, Output};
pub use packet::{Packet, Report, StreamId};
pub use track_file::TrackFile;
pub use unit::{Size, Unit};
