//! Moving a peer: its state given away, or taken over from another node.

use super::Engine;
use crate::arena::{PeerKey, RoomKey, TrackKey};
use crate::congestion::Estimator;
use crate::forwarder::Forwarder;
use crate::limits::{
    EXPORT_PATIENCE, EXPORTED_LINGER, MAX_PENDING_PER_ROOM, MAX_STATE_BYTES, REPORT_INTERVAL,
};
use crate::room::Pending;
use crate::snapshot::{Publication, Snapshot, Subscription};
use crate::transport::{State, Transport};
use lectern_control::node::{CommandError, DisconnectReason, Event};
use lectern_control::transport::PeerParameters;
use lectern_control::{PeerId, Secret};
use lectern_wire::{SeqNo, Ssrc};
use rand::RngExt;
use std::time::Instant;

impl Engine {
    /// Gives a peer's state away, at once or as soon as no data message is on its way.
    pub(super) fn export(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        let peer = self.router.peers.get_mut(key).ok_or(CommandError::UnknownPeer)?;
        if peer.sends_to().is_err() {
            return Err(CommandError::Invalid("the peer is not connected".to_owned()));
        }
        if !peer.transport.is_export_ready() {
            peer.export_until.get_or_insert(now + EXPORT_PATIENCE);
            self.serve(now, key);
            return Ok(());
        }
        self.export_now(now, key)
    }

    /// Goes on with an export that waits.
    pub(super) fn go_on_with_export(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.router.peers.get(key) else { return };
        let Some(until) = peer.export_until.filter(|_| !peer.is_exported) else { return };
        if !peer.transport.is_export_ready() && now < until {
            return;
        }
        // A peer that has lost its connection meanwhile has said so itself.
        if self.export_now(now, key).is_err() {
            self.counters.unexported += 1;
        }
    }

    /// From now on the peer is sent nothing; what it sends still comes.
    fn export_now(&mut self, now: Instant, key: PeerKey) -> Result<(), CommandError> {
        self.let_all_go(now, key);
        let peer = self.router.peers.get_mut(key).ok_or(CommandError::UnknownPeer)?;
        let (id, room) = (peer.id, peer.room);
        peer.export_until = None;
        let state = peer.transport.export(now).map_err(invalid)?;
        peer.is_exported = true;
        peer.forgotten_at = Some(now + EXPORTED_LINGER);
        let held = std::mem::take(&mut peer.held);
        let mut snapshot = self.snapshot(now, key, state).ok_or(CommandError::UnknownPeer)?;
        snapshot.held = held;
        let state = Secret::new(snapshot.encode().map_err(invalid)?);
        if state.expose().len() > MAX_STATE_BYTES {
            // It sends nothing any more and cannot go anywhere: the client is to come anew.
            self.disconnect(key, DisconnectReason::Closed);
            return Err(CommandError::Limit("bytes of a peer's state".to_owned()));
        }
        self.serve(now, key);
        self.rest_data(now, room);
        if let Some(room) = self.router.rooms.get(room) {
            self.events.push((room.id, Event::Exported { peer: id, state }));
        }
        Ok(())
    }

    fn snapshot(&self, now: Instant, key: PeerKey, state: State) -> Option<Snapshot> {
        let peer = self.router.peers.get(key)?;
        let mut snapshot = Snapshot::new(state);
        for track in peer.ingress.tracks.iter().filter_map(|key| self.router.tracks.get(*key)) {
            let mut parameters = track.parameters.clone();
            // A track whose encodings nobody listed has one.
            parameters.encodings.resize_with(track.encodings.len(), Default::default);
            let encodings = parameters.encodings.iter_mut().zip(&track.encodings);
            for (parameters, encoding) in encodings {
                parameters.ssrc = encoding.ssrc.map(|ssrc| ssrc.0);
                parameters.rtx_ssrc = encoding.repair_ssrc.map(|ssrc| ssrc.0);
            }
            let (track, started, open) = (track.id, track.started, track.is_open);
            let seat = self.router.seat_of(track);
            snapshot.publications.push(Publication { track, parameters, started, open, seat });
        }
        snapshot.slots = self.export_slots(now, peer);
        let is_slot = |known: &&crate::egress::Subscription| peer.egress.is_slot(known.ssrc);
        for subscription in peer.egress.subscriptions().iter().filter(|known| !is_slot(known)) {
            let Some(track) = self.router.tracks.get(subscription.track) else { continue };
            let Some(forwarder) = track.forwarders.get(subscription.slot) else { continue };
            snapshot.subscriptions.push(Subscription {
                track: track.id,
                parameters: forwarder.parameters(),
                wish: forwarder.wish,
                state: forwarder.export(now, &self.wall, &track.encodings),
            });
        }
        let pending = self.router.rooms.get(peer.room).map(|room| room.pending.iter());
        for pending in pending.into_iter().flatten().filter(|pending| pending.peer == key) {
            snapshot.subscriptions.push(Subscription {
                track: pending.track,
                parameters: pending.parameters.clone(),
                wish: pending.wish,
                state: pending.state.clone(),
            });
        }
        snapshot.path = peer.egress.path.estimator().map(Estimator::carried);
        let retired = peer.egress.all_retired().iter();
        snapshot.retired = retired.map(|(ssrc, next)| (ssrc.0, next.0)).collect();
        Some(snapshot)
    }

    /// Takes over a peer that another node exported; one that was held warm keeps the address it
    /// has learned.
    pub(super) fn restore(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        parameters: &PeerParameters,
        state: &Secret<Vec<u8>>,
    ) -> Result<(), CommandError> {
        let snapshot = Snapshot::decode(state.expose().clone()).map_err(invalid)?;
        let Snapshot { transport, publications, subscriptions, slots, path, retired, held, .. } =
            snapshot;
        let known = self.router.peer(room, id).ok();
        let exported =
            known.filter(|key| self.router.peers.get(*key).is_some_and(|peer| peer.is_exported));
        if let Some(exported) = exported {
            // It comes back to where it was given away, before it was removed here.
            self.remove_peer(exported);
        }
        let key = match self.router.peer(room, id) {
            Ok(key) => self.take_over(now, key, parameters, &transport)?,
            Err(_) => {
                self.check_new_peer(room, id, parameters)?;
                let random = self.rng.random();
                let addresses = &self.addresses;
                let transport = Transport::restore(now, parameters, addresses, random, &transport)
                    .map_err(invalid)?;
                self.insert_peer(now, room, id, parameters, transport)
            }
        };
        self.note_fragment(key);
        if let Some(peer) = self.router.peers.get_mut(key) {
            for (ssrc, next) in retired {
                peer.egress.retire(Ssrc(ssrc), SeqNo(next).plus(crate::limits::INDEX_JUMP));
            }
            peer.egress.report_due = Some(now + REPORT_INTERVAL);
            peer.held = held;
            if let Some(carried) = path.filter(|_| self.estimates) {
                peer.egress.path.resume(now, carried, self.rng.random());
            }
        }
        for publication in publications {
            self.republish(now, room, id, &publication)?;
        }
        for subscription in subscriptions {
            self.resubscribe(now, room, key, subscription)?;
        }
        self.resume_slots(now, room, key, &slots)?;
        self.rest_data(now, room);
        self.count();
        self.serve(now, key);
        Ok(())
    }

    /// After an ICE restart at the former node, checks name another user fragment than that which
    /// the peer was made with.
    fn note_fragment(&mut self, key: PeerKey) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        let fragment = peer.transport.ufrag().to_owned();
        if self.demux.by_fragment(&fragment).is_none() {
            self.demux.insert_fragment(key, &fragment);
            if let Some(forgotten) = peer.add_fragment(&fragment) {
                self.demux.remove_fragment(key, &forgotten);
            }
        }
    }

    /// A peer that was held warm becomes active.
    fn take_over(
        &mut self,
        now: Instant,
        key: PeerKey,
        parameters: &PeerParameters,
        state: &State,
    ) -> Result<PeerKey, CommandError> {
        let peer = self.router.peers.get_mut(key).ok_or(CommandError::UnknownPeer)?;
        if !peer.is_standby {
            return Err(CommandError::AlreadyExists);
        }
        peer.transport.take_over(now, parameters.generation, state).map_err(invalid)?;
        peer.is_standby = false;
        peer.permissions = parameters.permissions;
        peer.extensions = crate::extensions::Extensions::new(&parameters.extensions);
        peer.data = parameters.data.clone();
        self.serve(now, key);
        Ok(key)
    }

    /// A restored peer publishes what it published; permissions may have changed since.
    fn republish(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        publication: &Publication,
    ) -> Result<(), CommandError> {
        let Publication { track, parameters, started, open, seat } = publication;
        match self.publish(now, room, id, *track, parameters) {
            Err(CommandError::NotPermitted) => return Ok(()),
            published => published?,
        }
        let key = self.router.track(room, *track)?;
        if let Some(track) = self.router.tracks.get_mut(key) {
            (track.started, track.is_open) = (*started, *open);
        }
        self.resume_seat(now, key, *seat);
        Ok(())
    }

    /// A restored peer is subscribed to what it was; where the track is not here yet, it waits.
    fn resubscribe(
        &mut self,
        now: Instant,
        room: RoomKey,
        key: PeerKey,
        subscription: Subscription,
    ) -> Result<(), CommandError> {
        let Subscription { track, parameters, wish, state } = subscription;
        let pending = Pending { track, peer: key, parameters, wish, state };
        match self.router.track(room, track) {
            Ok(track) => self.attach(now, track, &pending),
            Err(_) => {
                let room = self.router.rooms.get_mut(room).ok_or(CommandError::UnknownPeer)?;
                if room.pending.len() >= MAX_PENDING_PER_ROOM {
                    return Err(CommandError::Limit("subscriptions".to_owned()));
                }
                room.pending.push(pending);
                Ok(())
            }
        }
    }

    /// A track has come: the subscriptions that wait for it go on.
    pub(super) fn attach_pending(&mut self, now: Instant, room: RoomKey, track: TrackKey) {
        let Some(id) = self.router.tracks.get(track).map(|track| track.id) else { return };
        let Some(room) = self.router.rooms.get_mut(room) else { return };
        let (waiting, rest) = std::mem::take(&mut room.pending)
            .into_iter()
            .partition(|pending: &Pending| pending.track == id);
        room.pending = rest;
        let waiting: Vec<Pending> = waiting;
        for pending in waiting {
            // Fails only where the peer has subscribed anew meanwhile, or is full.
            if self.attach(now, track, &pending).is_err() {
                self.counters.unattached += 1;
            }
        }
    }

    fn attach(
        &mut self,
        now: Instant,
        track: TrackKey,
        pending: &Pending,
    ) -> Result<(), CommandError> {
        let Pending { peer, parameters, state, .. } = pending;
        let forwarder = Forwarder::new(*peer, parameters, [SeqNo::default(); 2]);
        let mut forwarder = forwarder.resume(now, &self.wall, state);
        forwarder.paused = pending.wish.hidden;
        forwarder.wish = pending.wish;
        self.router.insert_forwarder(track, forwarder)?;
        self.count();
        let subscription =
            self.router.peers.get(*peer).and_then(|peer| peer.egress.by_track(track));
        if let Some(subscription) = subscription {
            self.refresh_one(now, *peer, subscription);
        }
        self.open_path(now, *peer);
        Ok(())
    }
}

fn invalid(error: impl std::fmt::Display) -> CommandError {
    CommandError::Invalid(error.to_string())
}
