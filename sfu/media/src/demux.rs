//! Which peer a datagram belongs to: by its address once a check has opened it, before that by the
//! user fragment or the transaction of the check (RFC 8445 section 7.3).

use crate::DropReason;
use crate::arena::PeerKey;
use crate::hash::{Keyed, Map};
use lectern_wire::stun::{Kind, Message};
use std::net::SocketAddr;

/// The tables that lead from a datagram to its peer.
#[derive(Debug)]
pub struct Demux {
    addresses: Map<SocketAddr, PeerKey>,
    fragments: Map<Vec<u8>, PeerKey>,
    checks: Map<u64, PeerKey>,
}

impl Demux {
    /// Empty tables.
    pub fn new(keyed: Keyed) -> Demux {
        Demux { addresses: keyed.map(), fragments: keyed.map(), checks: keyed.map() }
    }

    /// The peer that an authenticated check from the address has opened.
    #[inline]
    pub fn by_address(&self, remote: SocketAddr) -> Result<PeerKey, DropReason> {
        self.addresses.get(&remote).copied().ok_or(DropReason::UnknownAddress)
    }

    /// The peer a STUN message claims to be about; it is still to be authenticated.
    pub fn by_message(&self, message: &Message<'_>) -> Result<PeerKey, DropReason> {
        let found = match message.kind {
            Kind::Request | Kind::Indication => {
                message.username_fragments().and_then(|(ours, _)| self.fragments.get(ours))
            }
            Kind::Success | Kind::Error => message
                .transaction
                .0
                .first_chunk()
                .and_then(|tag| self.checks.get(&u64::from_be_bytes(*tag))),
        };
        found.copied().ok_or(DropReason::UnknownUfrag)
    }

    /// Whose user fragment it is.
    pub fn by_fragment(&self, fragment: &str) -> Option<PeerKey> {
        self.fragments.get(fragment.as_bytes()).copied()
    }

    /// Checks under a user fragment are for this peer.
    pub fn insert_fragment(&mut self, peer: PeerKey, fragment: &str) {
        self.fragments.insert(fragment.as_bytes().to_vec(), peer);
    }

    /// Answers to checks whose transactions begin with a tag are for this peer.
    pub fn insert_checks(&mut self, peer: PeerKey, check_tag: u64) {
        self.checks.insert(check_tag, peer);
    }

    /// An authenticated check has come from an address. Gives the peer that had it before.
    pub fn open(&mut self, remote: SocketAddr, peer: PeerKey) -> Option<PeerKey> {
        self.addresses.insert(remote, peer)
    }

    /// An address is this peer's no more.
    pub fn close(&mut self, remote: SocketAddr, peer: PeerKey) {
        if self.addresses.get(&remote) == Some(&peer) {
            self.addresses.remove(&remote);
        }
    }

    /// A user fragment is this peer's no more.
    pub fn remove_fragment(&mut self, peer: PeerKey, fragment: &str) {
        if self.by_fragment(fragment) == Some(peer) {
            self.fragments.remove(fragment.as_bytes());
        }
    }

    /// The peer sends no checks any more.
    pub fn remove_checks(&mut self, peer: PeerKey, check_tag: u64) {
        if self.checks.get(&check_tag) == Some(&peer) {
            self.checks.remove(&check_tag);
        }
    }
}
