//! A peer: one participant's transport, what it publishes and what it receives.

use crate::DropReason;
use crate::arena::RoomKey;
use crate::congestion::Sent;
use crate::data::{Allowance, Held};
use crate::egress::Egress;
use crate::extensions::Extensions;
use crate::forwarder::Rewritten;
use crate::ingress::Ingress;
use crate::limits::MAX_ADDRESSES_PER_PEER;
use crate::transport::Transport;
use lectern_control::transport::{DataParameters, Duty, PeerParameters, Permissions};
use lectern_control::{ParticipantId, PeerId};
use lectern_wire::Ssrc;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::time::Instant;

/// User fragments that checks may name: the present one, and the one before an ICE restart.
const MAX_FRAGMENTS: usize = 2;

/// One transport of a participant.
pub struct Peer {
    /// Its id.
    pub id: PeerId,
    /// Its room.
    pub room: RoomKey,
    /// Whose it is.
    pub participant: ParticipantId,
    /// ICE, DTLS, SRTP and data channels.
    pub transport: Transport,
    /// What it may do.
    pub permissions: Permissions,
    /// Its header extensions.
    pub extensions: Extensions,
    /// Its data channels.
    pub data: DataParameters,
    /// How much data it may still send.
    pub allowance: Allowance,
    /// Its messages that wait until the room has moved.
    pub held: Held,
    /// Held warm: nothing but checks passes.
    pub is_standby: bool,
    /// Its state was given away: it is received from, and sent nothing.
    pub is_exported: bool,
    /// Until when an export that was asked for may wait.
    pub export_until: Option<Instant>,
    /// When it is forgotten, after its state was given away.
    pub forgotten_at: Option<Instant>,
    /// What it publishes.
    pub ingress: Ingress,
    /// What it receives.
    pub egress: Egress,
    /// Our SSRC in RTCP to it.
    pub ssrc: Ssrc,
    /// Addresses that its checks have opened, oldest first.
    pub addresses: SmallVec<[SocketAddr; MAX_ADDRESSES_PER_PEER]>,
    /// Our user fragments that its checks may name, oldest first.
    pub fragments: SmallVec<[String; MAX_FRAGMENTS]>,
}

impl Peer {
    /// A peer whose transport was just made.
    pub fn new(
        now: Instant,
        id: PeerId,
        room: RoomKey,
        parameters: &PeerParameters,
        transport: Transport,
        ssrc: Ssrc,
    ) -> Peer {
        Peer {
            id,
            room,
            participant: parameters.participant,
            transport,
            permissions: parameters.permissions,
            extensions: Extensions::new(&parameters.extensions),
            data: parameters.data.clone(),
            allowance: Allowance::new(now),
            held: Held::default(),
            is_standby: parameters.duty == Duty::Standby,
            is_exported: false,
            export_until: None,
            forgotten_at: None,
            ingress: Ingress::default(),
            egress: Egress::new(now),
            ssrc,
            addresses: SmallVec::new(),
            fragments: SmallVec::new(),
        }
    }

    /// Where media goes, if the peer may have any: who was not admitted gets not one byte.
    #[inline]
    pub fn receives_media(&self) -> Result<SocketAddr, DropReason> {
        if !self.permissions.subscribe {
            return Err(DropReason::NotPermitted);
        }
        self.sends_to()
    }

    /// Where RTCP goes, if anything may be sent.
    #[inline]
    pub fn sends_to(&self) -> Result<SocketAddr, DropReason> {
        if self.is_exported || self.is_standby || !self.transport.is_connected() {
            return Err(DropReason::NotConnected);
        }
        self.transport.send_to().ok_or(DropReason::NotConnected)
    }

    /// Numbers a packet that leaves now for the transport, and seals it. Gives its length.
    #[inline]
    pub fn seal(
        &mut self,
        now: Instant,
        rewritten: &Rewritten,
        slot: &mut [u8],
        kind: Sent,
    ) -> Result<usize, DropReason> {
        let number = self.egress.path.leaves(now, rewritten.len, kind);
        if let (Some(number), Some(place)) = (number, rewritten.transport_number(slot)) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        self.transport.seal_rtp(rewritten.index.0, slot, rewritten.len)
    }

    /// An authenticated check came from an address. Gives one that is forgotten for it.
    pub fn open(&mut self, remote: SocketAddr) -> Option<SocketAddr> {
        if self.addresses.contains(&remote) {
            return None;
        }
        let full = self.addresses.len() >= MAX_ADDRESSES_PER_PEER;
        let oldest = full.then(|| self.addresses.remove(0));
        self.addresses.push(remote);
        oldest
    }

    /// Checks name another user fragment from now on. Gives one that is forgotten for it.
    pub fn add_fragment(&mut self, fragment: &str) -> Option<String> {
        let full = self.fragments.len() >= MAX_FRAGMENTS;
        let oldest = full.then(|| self.fragments.remove(0));
        self.fragments.push(fragment.to_owned());
        oldest
    }
}
