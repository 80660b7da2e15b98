//! DTLS (RFC 6347) behind a small trait, so that another implementation can take its place.
//!
//! What comes off the network meets our own gate first: records, fragments, cookie, order of
//! messages and certificate are checked before a library sees them.

mod gate;
mod hello;
mod library;
mod order;
mod reassembly;
mod record;
mod rtc;
#[cfg(test)]
mod tests;

use crate::DropReason;
use crate::transport::srtp;
use bytes::Bytes;
use lectern_control::node::DisconnectReason;
use lectern_control::transport::{DtlsRole, Fingerprint};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Instant;

pub use rtc::RtcDtls;

/// What a handshake gives.
#[derive(Debug)]
pub struct Established {
    /// Keys for SRTP.
    pub keys: srtp::Keys,
    /// Such as `DTLS 1.2`.
    pub version: &'static str,
}

/// What a connection tells its transport.
#[derive(Debug)]
pub enum Event {
    /// The handshake is done and the certificate is the one promised.
    Established(Box<Established>),
    /// The payload of one record.
    Data(Bytes),
    /// The client has closed the connection.
    Closed,
    /// The handshake has failed.
    Failed(DisconnectReason),
}

/// A connection as plain data; as secret as its keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// In the library's own form.
    #[serde(with = "serde_bytes")]
    session: Vec<u8>,
    /// Records seen.
    received: srtp::replay::State,
    /// Our part in the handshake.
    role: DtlsRole,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl State {
    /// Our part in the handshake: it decides who opens which SCTP streams.
    pub fn role(&self) -> DtlsRole {
        self.role
    }
}

/// What a connection is made of.
#[derive(Debug, Clone, Copy)]
pub struct Config<'a> {
    /// Our part.
    pub role: DtlsRole,
    /// Our certificate and key.
    pub identity: &'a lectern_control::transport::DtlsIdentity,
    /// The fingerprint the client's certificate must have.
    pub fingerprint: Fingerprint,
    /// Seeds cookies.
    pub random: [u8; 32],
}

/// A DTLS connection, sans-IO.
pub trait Dtls {
    /// Begins the handshake, where that is our part.
    fn start(&mut self, now: Instant);
    /// Takes a datagram from an address that ICE has validated.
    fn handle(&mut self, now: Instant, datagram: &[u8]) -> Result<(), DropReason>;
    /// Sends `payload` in one record; only once established.
    fn write(&mut self, now: Instant, payload: &[u8]) -> Result<(), DropReason>;
    /// Sends close_notify.
    fn close(&mut self, now: Instant);
    /// Repeats what was not answered.
    fn handle_timeout(&mut self, now: Instant);
    /// When [`Self::handle_timeout`] is next needed.
    fn deadline(&self) -> Option<Instant>;
    /// The next datagram to send.
    fn poll_transmit(&mut self) -> Option<Bytes>;
    /// The next event.
    fn poll_event(&mut self) -> Option<Event>;
    /// The connection as data; `None` before it is established.
    fn export(&self) -> Option<State>;
}
