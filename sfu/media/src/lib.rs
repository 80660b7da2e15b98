//! The media engine: sans-IO, one thread, no clock, no locks.

pub mod drop;
pub mod transport;

pub use drop::DropReason;
