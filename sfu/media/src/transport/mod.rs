//! The transport of one peer: ICE, DTLS, SRTP, data channels. Sans-IO, one thread.
//!
//! Bytes and `now` go in, datagrams and events come out. The whole of it can be exported as plain
//! data and restored on another node; no SRTP, SRTCP or DTLS index is ever used twice.

use crate::DropReason;
use bytes::Bytes;
use lectern_control::node::{DisconnectReason, Security};
use lectern_control::transport::{Candidate, IceCredentials, PeerParameters, RemoteParameters};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Instant;

/// Why a transport cannot be made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter cannot be used.
    #[error("{0}")]
    Invalid(&'static str),
}

/// A datagram to send: STUN or DTLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub remote: SocketAddr,
    /// What.
    pub bytes: Bytes,
}

/// A packet that was authenticated and decrypted in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The packet's length without its tag.
    pub len: usize,
    /// The extended sequence number: rollover counter and sequence number (RFC 3711 section 3.3.1).
    pub index: u64,
}

/// What a transport tells its engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// ICE and DTLS are done: media may flow.
    Connected(Security),
    /// After [`Transport::restore`], the first authenticated STUN message has come from the client:
    /// the path is open, a keyframe sent from now on arrives.
    FirstCheck,
    /// Media goes to another address from now on.
    Moved(SocketAddr),
    /// The transport is over; nothing more comes from it.
    Disconnected(DisconnectReason),
    /// A data channel is open, whoever opened it.
    ChannelOpen {
        /// Its label.
        label: String,
    },
    /// A data channel is gone.
    ChannelClosed {
        /// Its label.
        label: String,
    },
    /// A data message has come.
    Message {
        /// The label of its channel.
        label: String,
        /// Bytes, not text.
        binary: bool,
        /// The message.
        payload: Bytes,
    },
}

/// A transport as plain data; as secret as the keys in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    version: u16,
}

/// The transport of one peer.
pub struct Transport {
    check_tag: u64,
}

impl Transport {
    /// Makes a transport. `addresses` are this node's, best first; `random` must be secret and
    /// used once: it seeds tie-breaker, transaction ids and SCTP tags.
    pub fn new(
        _now: Instant,
        _parameters: &PeerParameters,
        _addresses: &[SocketAddr],
        random: [u8; 32],
    ) -> Result<Transport, Error> {
        Ok(Transport { check_tag: u64::from_le_bytes([random[0]; 8]) })
    }

    /// Takes over what another node exported: indices jump, the path is claimed at once.
    pub fn restore(
        now: Instant,
        parameters: &PeerParameters,
        addresses: &[SocketAddr],
        random: [u8; 32],
        _state: State,
    ) -> Result<Transport, Error> {
        Transport::new(now, parameters, addresses, random)
    }

    /// A transport that was warm takes over what the active node exported, and keeps the address
    /// that its own checks have learned.
    pub fn take_over(
        &mut self,
        _now: Instant,
        _generation: u16,
        _state: State,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Gives the transport's state away. From then on it sends nothing; it still opens packets.
    pub fn export(&mut self) -> Result<State, Error> {
        Err(Error::Invalid("not connected"))
    }

    /// The client's description has come. Repeating it with other ICE credentials is an error:
    /// that is [`Self::restart_ice`].
    pub fn set_remote(&mut self, _now: Instant, _remote: &RemoteParameters) -> Result<(), Error> {
        Ok(())
    }

    /// The client found another candidate. One that is not sane or is over the limit is ignored.
    pub fn add_candidate(&mut self, _now: Instant, _candidate: Candidate) {}

    /// New credentials on both sides; media stays on the old pair until a new one is valid.
    pub fn restart_ice(
        &mut self,
        _now: Instant,
        _local: IceCredentials,
        _remote: IceCredentials,
        _candidates: &[Candidate],
    ) {
    }

    /// The active node's handshake is done: a standby answers checks from now on.
    pub fn warm(&mut self, _now: Instant) {}

    /// The first eight bytes (big-endian) of the transaction id of every check this transport
    /// sends: the engine finds by it whose a STUN response from an unknown address is.
    pub fn check_tag(&self) -> u64 {
        self.check_tag
    }

    /// Takes a STUN message. `Ok` means it was authenticated: `remote` may be noted as this peer's.
    pub fn handle_stun(
        &mut self,
        _now: Instant,
        _local: SocketAddr,
        _remote: SocketAddr,
        _datagram: &[u8],
    ) -> Result<(), DropReason> {
        Err(DropReason::NotConnected)
    }

    /// Takes a DTLS datagram; only from an address that ICE has validated.
    pub fn handle_dtls(
        &mut self,
        _now: Instant,
        _remote: SocketAddr,
        _datagram: &[u8],
    ) -> Result<(), DropReason> {
        Err(DropReason::NotConnected)
    }

    /// Whether ICE has validated the address: DTLS and media may come from it.
    pub fn accepts(&self, _remote: SocketAddr) -> bool {
        false
    }

    /// Whether media may flow.
    pub fn is_connected(&self) -> bool {
        false
    }

    /// Authenticates and decrypts an SRTP packet in place.
    pub fn open_rtp(&mut self, _packet: &mut [u8]) -> Result<Opened, DropReason> {
        Err(DropReason::NotConnected)
    }

    /// Authenticates and decrypts an SRTCP packet in place; gives the compound packet's length.
    pub fn open_rtcp(&mut self, _packet: &mut [u8]) -> Result<usize, DropReason> {
        Err(DropReason::NotConnected)
    }

    /// Encrypts the RTP packet in `buffer[..len]` in place and gives its new length; the buffer
    /// needs [`Self::MAX_OVERHEAD`] bytes more. The low 16 bits of `index` must be the packet's
    /// sequence number, and `index` must be above all indices of its SSRC before.
    pub fn seal_rtp(
        &mut self,
        _index: u64,
        _buffer: &mut [u8],
        _len: usize,
    ) -> Result<usize, DropReason> {
        Err(DropReason::NotConnected)
    }

    /// Encrypts the compound RTCP packet in `buffer[..len]` in place and gives its new length.
    pub fn seal_rtcp(&mut self, _buffer: &mut [u8], _len: usize) -> Result<usize, DropReason> {
        Err(DropReason::NotConnected)
    }

    /// Bytes by which a packet may grow: SRTCP index and the longer tag.
    pub const MAX_OVERHEAD: usize = 20;

    /// Where media goes now: the source of the latest valid check on the selected pair.
    pub fn send_to(&self) -> Option<SocketAddr> {
        None
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When [`Self::handle_timeout`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// Sends a message on the channels of that label.
    pub fn send_message(
        &mut self,
        _now: Instant,
        _label: &str,
        _binary: bool,
        _payload: &[u8],
    ) -> Result<(), DropReason> {
        Err(DropReason::NotConnected)
    }

    /// Says good-bye: sends close_notify and then nothing more.
    pub fn close(&mut self, _now: Instant) {}
}
