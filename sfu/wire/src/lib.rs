//! RTP, RTCP, STUN and codec descriptors: bytes ↔ types. No state, no I/O, no clock, no allocation.
//!
//! Every parser borrows what it reads and checks all of it: a value that exists is well-formed.
//! Every writer fills a buffer of the caller's.

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

pub mod av1;
pub mod bits;
pub mod class;
pub mod cursor;
pub mod dependency;
pub mod error;
pub mod extension;
pub mod h264;
pub mod id;
pub mod opus;
pub mod protobuf;
pub mod rate;
pub mod red;
pub mod rtcp;
pub mod rtp;
pub mod rtx;
pub mod sequence;
pub mod stun;
pub mod time;
pub mod vp8;
pub mod vp9;

pub use class::{Class, classify};
pub use error::Error;
pub use id::{Mid, PayloadType, Rid, Ssrc};
pub use rate::{Bitrate, DataSize};
pub use sequence::{Extender, SeqNo};
pub use time::{MediaTime, NtpTime, RtpTime};
