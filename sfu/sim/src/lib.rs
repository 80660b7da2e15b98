//! A seeded network and independent WebRTC clients for tests, all in virtual time. Never shipped.
//! ([`arrival`] alone is for real sockets.)
//!
//! [`network`] loses, delays and reorders; [`client`] wraps `str0m`; [`source`] makes frames whose
//! bytes tell what they are; [`ledger`] checks what arrives, [`listener`] what is
//! heard of it. Nothing here knows our engine.

#![forbid(unsafe_code)]

pub mod arrival;
pub mod client;
pub mod frame;
pub mod ledger;
pub mod listener;
pub mod negotiated;
pub mod network;
pub mod source;

pub use client::Client;
pub use ledger::Ledger;
pub use listener::Listener;
pub use network::Link;
pub use source::Source;
