//! The transport of one peer: ICE, DTLS, SRTP, data channels. Sans-IO, one thread.
//!
//! Bytes and `now` go in, datagrams and events come out. The whole of it can be exported as plain
//! data and restored on another node; no SRTP, SRTCP or DTLS index is ever used twice.

pub mod data;
pub mod dtls;
mod event;
pub mod ice;
pub mod srtp;
mod state;
mod takeover;

pub use event::{Event, Opened, Transmit};
pub use srtp::INDEX_JUMP;
pub use state::State;
use takeover::align;

use crate::DropReason;
use bytes::Bytes;
use data::Channels;
use dtls::{Dtls, RtcDtls};
use lectern_control::node::DisconnectReason;
use lectern_control::transport::{
    Candidate, ChannelParameters, DtlsIdentity, Duty, Fingerprint, IceCredentials, PeerParameters,
    RemoteParameters, candidate_priority,
};
use lectern_wire::stun::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// From the client's description to a connection; people give up sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// DTLS datagrams kept until the client's description has come: a ClientHello is two of them.
const MAX_EARLY: usize = 4;

/// Why a transport cannot be made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter cannot be used.
    #[error("{0}")]
    Invalid(&'static str),
    /// There is no connection to give away.
    #[error("the transport is not connected")]
    NotConnected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// On its way, or held warm.
    Waiting,
    /// Media flows.
    Connected,
    /// Given away: takes media, sends nothing.
    Exported,
    /// Nothing any more.
    Over,
}

/// The transport of one peer.
pub struct Transport {
    phase: Phase,
    agent: ice::Agent,
    dtls: Option<Box<dyn Dtls>>,
    srtp: Option<srtp::Session>,
    channels: Option<Channels>,
    identity: DtlsIdentity,
    wanted_channels: Vec<ChannelParameters>,
    remote: Option<Promised>,
    is_standby: bool,
    early: VecDeque<Bytes>,
    connect_until: Option<Instant>,
    random: StdRng,
    events: VecDeque<Event>,
}

/// What the client's description says about DTLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Promised {
    fingerprint: Fingerprint,
    role: lectern_control::transport::DtlsRole,
}

impl Transport {
    /// Bytes by which sealing may make a packet longer.
    pub const MAX_OVERHEAD: usize = srtp::MAX_OVERHEAD;

    /// Makes a transport. `addresses` are this node's, best first; `random` must be secret and
    /// used once: it seeds tie-breaker, transaction ids and cookies.
    pub fn new(
        now: Instant,
        parameters: &PeerParameters,
        addresses: &[SocketAddr],
        random: [u8; 32],
    ) -> Result<Transport, Error> {
        let mut random = StdRng::from_seed(random);
        let agent = ice::Agent::new(
            now,
            ice::Config {
                duty: parameters.duty,
                role: parameters.ice_role,
                local: parameters.ice.clone(),
                priority: candidate_priority(parameters.generation, 0),
                addresses,
                random: random.random(),
            },
        );
        let mut transport = Transport {
            phase: Phase::Waiting,
            agent,
            dtls: None,
            srtp: None,
            channels: None,
            identity: parameters.dtls.clone(),
            wanted_channels: parameters.data.channels.clone(),
            remote: None,
            is_standby: parameters.duty == Duty::Standby,
            early: VecDeque::new(),
            connect_until: None,
            random,
            events: VecDeque::new(),
        };
        if let Some(remote) = &parameters.remote {
            transport.set_remote(now, remote)?;
        }
        Ok(transport)
    }

    /// The client's description has come. It may come again with more candidates; new credentials
    /// are a matter of [`Self::restart_ice`].
    pub fn set_remote(&mut self, now: Instant, remote: &RemoteParameters) -> Result<(), Error> {
        let promised = Promised { fingerprint: remote.fingerprint, role: remote.dtls_role };
        if self.remote.is_some_and(|known| known != promised) {
            return Err(Error::Invalid("fingerprint and DTLS role cannot change"));
        }
        if self.agent.remote().is_some_and(|known| *known != remote.ice) {
            return Err(Error::Invalid("new ICE credentials need a restart of ICE"));
        }
        if self.dtls.is_none() && !self.is_standby && self.phase == Phase::Waiting {
            let config = dtls::Config {
                role: remote.dtls_role,
                identity: &self.identity,
                fingerprint: remote.fingerprint,
                random: self.random.random(),
            };
            self.dtls = Some(Box::new(RtcDtls::new(now, config)?));
            self.connect_until = Some(now + CONNECT_TIMEOUT);
        }
        self.remote = Some(promised);
        self.agent.set_remote(now, remote.ice.clone(), &remote.candidates);
        self.take_early(now);
        Ok(())
    }

    /// The client found another candidate. One that no client can have, or is over the limit, is
    /// ignored.
    pub fn add_candidate(&mut self, now: Instant, candidate: Candidate) {
        self.agent.add_candidate(now, candidate);
    }

    /// New credentials on both sides; media stays on the old pair until a new one is valid.
    pub fn restart_ice(
        &mut self,
        now: Instant,
        local: IceCredentials,
        remote: IceCredentials,
        candidates: &[Candidate],
    ) {
        self.agent.restart(now, local, remote, candidates);
    }

    /// The active node's handshake is done: a standby answers checks from now on.
    pub fn warm(&mut self, _now: Instant) {
        self.agent.warm();
    }

    /// Opens data channels, except those whose label there is already.
    pub fn open_channels(&mut self, now: Instant, wanted: &[ChannelParameters]) {
        match &mut self.channels {
            Some(channels) => channels.open(now, wanted),
            None => self.wanted_channels = wanted.to_vec(),
        }
        self.settle_at_ease(now);
    }

    /// The tag in the transaction id of every check this transport sends: the engine finds by it
    /// whose a STUN response from an unknown address is.
    pub fn check_tag(&self) -> u64 {
        self.agent.check_tag()
    }

    /// Our ICE user fragment: the first half of USERNAME in the client's checks. After
    /// [`Self::restart_ice`] the former one goes on to be answered for a while.
    pub fn ufrag(&self) -> &str {
        &self.agent.local().ufrag
    }

    /// Takes a STUN message. `Ok` means it was authenticated: `remote` may be noted as this peer's.
    pub fn handle_stun(
        &mut self,
        now: Instant,
        _local: SocketAddr,
        remote: SocketAddr,
        message: &Message<'_>,
    ) -> Result<(), DropReason> {
        self.agent.handle(now, remote, message)?;
        self.settle(now)
    }

    /// Takes a DTLS datagram; only from an address that ICE has validated.
    pub fn handle_dtls(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        datagram: &[u8],
    ) -> Result<(), DropReason> {
        if !self.agent.accepts(remote) {
            return Err(DropReason::UnknownAddress);
        }
        if self.is_standby || matches!(self.phase, Phase::Exported | Phase::Over) {
            return Err(DropReason::NotConnected);
        }
        let Some(dtls) = &mut self.dtls else {
            if self.early.len() >= MAX_EARLY {
                return Err(DropReason::DtlsOverflow);
            }
            self.early.push_back(Bytes::copy_from_slice(datagram));
            return Ok(());
        };
        let outcome = dtls.handle(now, datagram);
        outcome.and(self.settle(now))
    }

    /// Whether ICE has validated the address: DTLS and media may come from it.
    pub fn accepts(&self, remote: SocketAddr) -> bool {
        self.agent.accepts(remote)
    }

    /// Whether the client has answered a check of ours at the address within the time for which
    /// consent lasts (RFC 7675 section 5.1): nobody can do that who is not there.
    pub fn consents(&self, now: Instant, remote: SocketAddr) -> bool {
        self.agent.consents(now, remote)
    }

    /// Whether media may flow.
    pub fn is_connected(&self) -> bool {
        self.phase == Phase::Connected
    }

    /// Where media goes now: the selected pair's address.
    pub fn send_to(&self) -> Option<SocketAddr> {
        self.agent.send_to().filter(|_| self.phase == Phase::Connected)
    }

    /// The latest round trip of a check on the selected pair.
    pub fn rtt(&self) -> Option<Duration> {
        self.agent.rtt()
    }

    /// Authenticates and decrypts an SRTP packet in place.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<Opened, DropReason> {
        let srtp = self.srtp.as_mut().ok_or(DropReason::NotConnected)?;
        let (len, index) = srtp.open_rtp(packet)?;
        Ok(Opened { len, index })
    }

    /// Authenticates and decrypts an SRTCP packet in place; gives the compound packet's length.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        self.srtp.as_mut().ok_or(DropReason::NotConnected)?.open_rtcp(packet)
    }

    /// Encrypts the RTP packet in `buffer[..len]` in place and gives its new length; the buffer
    /// needs [`Self::MAX_OVERHEAD`] bytes more. The low 16 bits of `index` must be the packet's
    /// sequence number. Each index of an SSRC is sealed once at most; one that comes late is refused
    /// when it lies far below the highest one, or below the first. A stream should begin below
    /// 2^15, so that a receiver that misses its first packets can tell its rollovers.
    pub fn seal_rtp(
        &mut self,
        index: u64,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, DropReason> {
        match &mut self.srtp {
            Some(srtp) if self.phase == Phase::Connected => srtp.seal_rtp(index, buffer, len),
            _ => Err(DropReason::NotConnected),
        }
    }

    /// Encrypts the compound RTCP packet in `buffer[..len]` in place and gives its new length.
    pub fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, DropReason> {
        match &mut self.srtp {
            Some(srtp) if self.phase == Phase::Connected => srtp.seal_rtcp(buffer, len),
            _ => Err(DropReason::NotConnected),
        }
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Exported | Phase::Over) {
            return;
        }
        self.agent.handle_timeout(now);
        if let Some(dtls) = &mut self.dtls {
            dtls.handle_timeout(now);
        }
        if let Some(channels) = &mut self.channels {
            channels.handle_timeout(now);
        }
        self.settle_at_ease(now);
        if self.phase == Phase::Waiting && self.connect_until.is_some_and(|until| until <= now) {
            self.end(DisconnectReason::HandshakeTimeout);
        }
    }

    /// When [`Self::handle_timeout`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        if matches!(self.phase, Phase::Exported | Phase::Over) {
            return None;
        }
        let connect = self.connect_until.filter(|_| self.phase == Phase::Waiting);
        let parts = [
            self.agent.deadline(),
            self.dtls.as_ref().and_then(|dtls| dtls.deadline()),
            self.channels.as_ref().and_then(Channels::deadline),
            connect,
        ];
        parts.into_iter().flatten().min()
    }

    /// The next datagram to send. DTLS waits for a pair that ICE has selected.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if let Some(transmit) = self.agent.poll_transmit() {
            return Some(transmit);
        }
        let remote = self.agent.send_to()?;
        let bytes = self.dtls.as_mut()?.poll_transmit()?;
        Some(Transmit { remote, bytes })
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Sends a message on the channels of that label.
    pub fn send_message(
        &mut self,
        now: Instant,
        label: &str,
        binary: bool,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let channels = self.channels.as_mut().ok_or(DropReason::NotConnected)?;
        let outcome = channels.send(now, label, binary, payload);
        outcome.and(self.settle(now))
    }

    /// Says good-bye: close_notify is the last datagram.
    pub fn close(&mut self, now: Instant) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close(now);
        }
        self.agent.silence();
        self.phase = Phase::Over;
    }
}
