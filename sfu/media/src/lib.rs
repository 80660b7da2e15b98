//! The media engine: sans-IO, one thread, no clock, no locks.

pub mod counters;
pub mod drop;
pub mod engine;
pub mod outbox;
pub mod transport;

pub use counters::Counters;
pub use drop::DropReason;
pub use engine::{Config, Datagram, Engine, Output, Progress};
pub use outbox::{Outbox, Outgoing};
