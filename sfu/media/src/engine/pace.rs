//! What waits for its turn leaves, and probes of a subscriber's path.

use super::Engine;
use crate::DropReason;
use crate::arena::{Key, PeerKey};
use crate::congestion::Sent;
use crate::egress::Subscription;
use crate::forwarder::Earlier;
use crate::limits::{LEAST_PROBE_PAYLOAD, PROBE_MEMORY};
use crate::pacer::{Class, Waiting};
use lectern_control::PeerId;
use lectern_control::media::MediaKind;
use lectern_wire::{Bitrate, SeqNo};
use std::time::{Duration, Instant};

/// The path to one subscriber, for whoever looks for a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathFigures {
    /// The subscriber.
    pub peer: PeerId,
    /// What it can take.
    pub target: Bitrate,
    /// How long the last of what waits for its turn will have waited.
    pub queue: Duration,
}

impl Engine {
    /// What is known of the path to each subscriber.
    pub fn paths(&self) -> impl Iterator<Item = PathFigures> {
        self.router.peers.iter().filter_map(|(_, peer)| {
            let path = &peer.egress.path;
            Some(PathFigures { peer: peer.id, target: path.target()?, queue: path.pacer.delay() })
        })
    }

    /// Lets go what is due to a subscriber.
    pub(super) fn pace(&mut self, now: Instant, key: PeerKey) {
        while !self.outbox.is_full() {
            let Some(peer) = self.router.peers.get_mut(key) else { return };
            peer.egress.path.look_at_probe(now);
            let sent = match peer.egress.path.pop(now) {
                Some((class, waiting)) => self.send_waiting(now, key, class, &waiting),
                None if peer.egress.path.is_probe_due(now) => self.fill_probe(now, key),
                None => return,
            };
            if let Err(reason) = sent {
                self.counters.drop(reason);
            }
        }
    }

    /// Everything that waits leaves at once: the transport is given away.
    pub(super) fn let_all_go(&mut self, now: Instant, key: PeerKey) {
        loop {
            let peer = self.router.peers.get_mut(key);
            let Some((class, waiting)) = peer.and_then(|peer| peer.egress.path.pacer.pop_ahead())
            else {
                return;
            };
            if let Err(reason) = self.send_waiting(now, key, class, &waiting) {
                self.counters.drop(reason);
            }
        }
    }

    fn send_waiting(
        &mut self,
        now: Instant,
        key: PeerKey,
        class: Class,
        waiting: &Waiting,
    ) -> Result<(), DropReason> {
        let peer = self.router.peers.get(key).ok_or(DropReason::NotConnected)?;
        let subscription = peer.egress.by_ssrc(waiting.ssrc).ok_or(DropReason::NotSelected)?;
        let again = class == Class::Repair;
        let sent = self.send_from_cache(now, key, subscription, waiting.number, again);
        if sent == Err(DropReason::PacedTooLong) {
            // A hole that nobody could fill: all that waits behind it is of no use either.
            self.withdraw(key, subscription);
        }
        sent?;
        match again {
            true => self.counters.rtx_out += 1,
            false => self.counters.rtp_out += 1,
        }
        Ok(())
    }

    /// Sends a packet that has its number already, for the first time or again.
    pub(super) fn send_from_cache(
        &mut self,
        now: Instant,
        key: PeerKey,
        subscription: Subscription,
        number: SeqNo,
        again: bool,
    ) -> Result<(), DropReason> {
        let Engine { router, outbox, pool, .. } = self;
        let remote = router.peers.get(key).ok_or(DropReason::NotConnected)?.receives_media()?;
        let missed = if again { DropReason::NackMissed } else { DropReason::PacedTooLong };
        let forwarder = router.forwarder_mut(subscription).ok_or(DropReason::UnknownReport)?;
        let (segment, original) = forwarder.find_numbered(number).ok_or(missed)?;
        let kept = router.kept(pool, subscription.track, &segment, original);
        let (packet, bytes) = kept.ok_or(missed)?;
        let (peer, forwarder) = router.sending(key, subscription)?;
        let (slot, extensions) = (outbox.slot(), &peer.extensions);
        let (rewritten, kind) = match again {
            true => (
                forwarder.rewrite_repair(&segment, &packet, bytes, extensions, slot)?,
                Sent::Repair,
            ),
            false => {
                // Sound never waits, so that no redundancy goes with what did.
                let none = Earlier::default();
                let rewritten =
                    forwarder.rewrite(&segment, &packet, bytes, &none, extensions, slot)?;
                (rewritten, Sent::Media)
            }
        };
        if !again {
            forwarder.has_left(&segment, &packet, &rewritten);
        }
        let len = peer.seal(now, &rewritten, slot, kind)?;
        outbox.commit(key.index(), remote, len);
        Ok(())
    }

    /// What waits of a subscription does not leave any more.
    pub(super) fn withdraw(&mut self, key: PeerKey, subscription: Subscription) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        let waiting = peer.egress.path.pacer.forget(subscription.ssrc);
        self.counters.drop_all(DropReason::Withdrawn, waiting as u64);
        if let Some(forwarder) = self.router.forwarder_mut(subscription) {
            forwarder.withdraw();
        }
    }

    /// One packet more for a probe: the latest of a picture once again, so that it may even repair
    /// something. Without any the probe is given up.
    fn fill_probe(&mut self, now: Instant, key: PeerKey) -> Result<(), DropReason> {
        let sent = match self.spare_packet(key) {
            Some((subscription, number)) => {
                self.send_from_cache(now, key, subscription, number, true)
            }
            None => self.send_padding(now, key),
        };
        match sent {
            Ok(()) => self.counters.padding_out += 1,
            Err(_) => {
                let peer = self.router.peers.get_mut(key).ok_or(DropReason::NotConnected)?;
                peer.egress.path.give_up_probe(now);
            }
        }
        Ok(())
    }

    /// A packet that carries nothing, for whichever picture may be sent again.
    fn send_padding(&mut self, now: Instant, key: PeerKey) -> Result<(), DropReason> {
        let Engine { router, outbox, .. } = self;
        let peer = router.peers.get_mut(key).ok_or(DropReason::NotConnected)?;
        let remote = peer.receives_media()?;
        let mut written = Err(DropReason::UnmappedPayloadType);
        for subscription in peer.egress.subscriptions() {
            let track = router.tracks.get_mut(subscription.track);
            let forwarder = track.and_then(|track| track.forwarders.get_mut(subscription.slot));
            let Some(forwarder) = forwarder else { continue };
            written = forwarder.write_padding(&peer.extensions, outbox.slot());
            if written.is_ok() {
                break;
            }
        }
        let len = peer.seal(now, &written?, outbox.slot(), Sent::Padding)?;
        outbox.commit(key.index(), remote, len);
        Ok(())
    }

    /// A packet of a picture that was sent lately and is large.
    fn spare_packet(&mut self, key: PeerKey) -> Option<(Subscription, SeqNo)> {
        let peer = self.router.peers.get_mut(key)?;
        let turn = peer.egress.next_turn();
        for subscription in peer.egress.subscriptions() {
            let track = self.router.tracks.get(subscription.track)?;
            let forwarder = track.forwarders.get(subscription.slot);
            let Some(forwarder) = forwarder.filter(|forwarder| forwarder.repair_ssrc.is_some())
            else {
                continue;
            };
            if track.kind() != MediaKind::Video || forwarder.sent.packets == 0 {
                continue;
            }
            for back in 0..PROBE_MEMORY {
                let back = 1 + (turn + back) % PROBE_MEMORY;
                let number = SeqNo(forwarder.left().0.saturating_sub(back));
                let Some((segment, original)) = forwarder.find_numbered(number) else { continue };
                let mut encodings = track.encodings.iter();
                let source = encodings.find(|source| source.stream == segment.stream);
                let cached = source.and_then(|source| source.cache.find(&self.pool, original));
                let is_large = |bytes: &[u8]| bytes.len() >= LEAST_PROBE_PAYLOAD;
                if cached.is_some_and(|(_, bytes)| is_large(bytes)) {
                    return Some((*subscription, number));
                }
            }
        }
        None
    }
}
