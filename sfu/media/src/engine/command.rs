//! Commands: what the controller wants, turned into state.

use super::Engine;
use crate::arena::{PeerKey, RoomKey, TrackKey};
use crate::limits::{
    MAX_PEERS, MAX_PEERS_PER_ROOM, MAX_ROOMS, QUALITY_INTERVAL, SPEAKERS_INTERVAL,
};
use crate::peer::Peer;
use crate::room::Room;
use crate::transport::Transport;
use lectern_control::limits::{MAX_CHANNELS_PER_PEER, MAX_EXTENSIONS_PER_PEER, MAX_SPLICE_BYTES};
use lectern_control::media::{ExtensionId, PublicationParameters, SubscriptionParameters};
use lectern_control::node::{Command, CommandError};
use lectern_control::transport::{DataParameters, IceCredentials, PeerParameters};
use lectern_control::{PeerId, Revision, RoomId, TrackId};
use lectern_wire::{SeqNo, Ssrc};
use rand::RngExt;
use std::time::Instant;

impl Engine {
    pub(super) fn command(
        &mut self,
        now: Instant,
        id: RoomId,
        revision: Revision,
        command: Command,
    ) -> Result<(), CommandError> {
        self.check_revision(id, revision)?;
        if let Command::AddPeer { peer, parameters } = command {
            let room = self.room_or_new(now, id, revision)?;
            let added = self.add_peer(now, room, peer, &parameters);
            self.remove_room_if_empty(room);
            return added;
        }
        if let Command::Restore { peer, parameters, state } = command {
            let room = self.room_or_new(now, id, revision)?;
            let restored = self.restore(now, room, peer, &parameters, &state);
            self.remove_room_if_empty(room);
            return restored;
        }
        match self.router.room(id) {
            Some(room) => self.command_in(now, room, command),
            None => match command {
                Command::CloseRoom | Command::SendData { .. } => Ok(()),
                Command::Unpublish { .. } | Command::SetMuted { .. } => {
                    Err(CommandError::UnknownTrack)
                }
                _ => Err(CommandError::UnknownPeer),
            },
        }
    }

    /// A command about a room that is here.
    fn command_in(
        &mut self,
        now: Instant,
        room: RoomKey,
        command: Command,
    ) -> Result<(), CommandError> {
        match command {
            Command::AddPeer { .. } | Command::Restore { .. } => Ok(()),
            Command::SetRemote { peer, remote } => {
                self.with_transport(now, room, peer, |transport| {
                    transport.set_remote(now, &remote).map_err(invalid)
                })
            }
            Command::AddCandidate { peer, candidate } => {
                self.with_transport(now, room, peer, |transport| {
                    transport.add_candidate(now, candidate);
                    Ok(())
                })
            }
            Command::WarmStandby { peer } => self.with_transport(now, room, peer, |transport| {
                transport.warm(now);
                Ok(())
            }),
            Command::RestartIce { peer, local, remote, candidates } => {
                self.add_fragment(room, peer, &local)?;
                self.with_transport(now, room, peer, |transport| {
                    transport.restart_ice(now, local, remote, &candidates);
                    Ok(())
                })
            }
            Command::SetExtensions { peer, extensions } => {
                self.set_extensions(room, peer, &extensions)
            }
            Command::SetPermissions { peer, permissions } => {
                let key = self.router.peer(room, peer)?;
                if let Some(peer) = self.router.peers.get_mut(key) {
                    peer.permissions = permissions;
                }
                self.refresh(now, key);
                Ok(())
            }
            Command::SetData { peer, data } => self.set_data(room, peer, data),
            Command::RemovePeer { peer } => {
                let key = self.router.peer(room, peer)?;
                self.remove_peer(now, key);
                self.remove_room_if_empty(room);
                Ok(())
            }
            Command::Publish { peer, track, parameters } => {
                self.publish(now, room, peer, track, &parameters)
            }
            Command::Unpublish { track } => {
                let key = self.router.track(room, track)?;
                self.router.unpublish(&mut self.pool, key);
                self.count();
                Ok(())
            }
            Command::SetMuted { track, muted } => {
                let key = self.router.track(room, track)?;
                self.set_muted(now, key, muted);
                Ok(())
            }
            Command::Subscribe { peer, track, parameters } => {
                self.subscribe(now, room, peer, track, &parameters)
            }
            Command::Unsubscribe { peer, track } => self.unsubscribe(room, peer, track),
            Command::SetPaused { peer, track, paused } => {
                self.set_paused(now, room, peer, track, paused)
            }
            Command::SendData { label, to, payload } => {
                self.send_data(now, room, &label, &to, &payload)
            }
            Command::Export { peer } => self.export(now, room, peer),
            Command::CloseRoom => {
                self.close_room(now, room);
                Ok(())
            }
        }
    }

    /// A command under an older lease than the last one is refused.
    fn check_revision(&mut self, id: RoomId, revision: Revision) -> Result<(), CommandError> {
        let room = self.router.room(id).and_then(|key| self.router.rooms.get_mut(key));
        let last = room.as_ref().map(|room| room.revision).or(self.fences.revision(id));
        if last.is_some_and(|last| revision < last) {
            return Err(CommandError::Fenced);
        }
        if let Some(room) = room {
            room.revision = revision;
        }
        Ok(())
    }

    fn room_or_new(
        &mut self,
        now: Instant,
        id: RoomId,
        revision: Revision,
    ) -> Result<RoomKey, CommandError> {
        if let Some(key) = self.router.room(id) {
            return Ok(key);
        }
        if self.router.rooms.len() >= MAX_ROOMS {
            return Err(limit("rooms"));
        }
        let room = Room {
            id,
            revision,
            peers: Vec::new(),
            tracks: Vec::new(),
            pending: Vec::new(),
            speakers: Default::default(),
            speakers_due: now + SPEAKERS_INTERVAL,
            quality_due: now + QUALITY_INTERVAL,
            figures: Vec::new(),
        };
        let due = room.speakers_due;
        let key = self.router.add_room(room);
        self.room_timers.set(crate::arena::Key::index(key), Some(due));
        self.count();
        Ok(key)
    }

    fn add_peer(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        parameters: &PeerParameters,
    ) -> Result<(), CommandError> {
        self.check_new_peer(room, id, parameters)?;
        let random = self.rng.random();
        let transport =
            Transport::new(now, parameters, &self.addresses, random).map_err(invalid)?;
        self.insert_peer(now, room, id, parameters, transport);
        Ok(())
    }

    pub(super) fn check_new_peer(
        &self,
        room: RoomKey,
        id: PeerId,
        parameters: &PeerParameters,
    ) -> Result<(), CommandError> {
        if self.router.knows_peer(id) {
            return Err(CommandError::AlreadyExists);
        }
        let in_room = self.router.rooms.get(room).map_or(0, |room| room.peers.len());
        if in_room >= MAX_PEERS_PER_ROOM || self.router.peers.len() >= MAX_PEERS {
            return Err(limit("peers"));
        }
        if self.demux.by_fragment(&parameters.ice.ufrag).is_some() {
            return Err(CommandError::Invalid("the user fragment is taken".to_owned()));
        }
        check_extensions(&parameters.extensions)?;
        check_data(&parameters.data)
    }

    pub(super) fn insert_peer(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        parameters: &PeerParameters,
        transport: Transport,
    ) -> PeerKey {
        let check_tag = transport.check_tag();
        let ssrc = Ssrc(self.rng.random());
        let mut peer = Peer::new(now, id, room, parameters, transport, ssrc);
        peer.add_fragment(&parameters.ice.ufrag);
        let key = self.router.add_peer(peer);
        self.demux.insert_fragment(key, &parameters.ice.ufrag);
        self.demux.insert_checks(key, check_tag);
        self.count();
        self.serve(now, key);
        key
    }

    /// Takes a peer out at once: what waits in the outbox for it is not sent either.
    pub(super) fn remove_peer(&mut self, now: Instant, key: PeerKey) -> Option<Peer> {
        let peer = self.router.remove_peer(&mut self.pool, key)?;
        let index = crate::arena::Key::index(key);
        for address in &peer.addresses {
            self.demux.close(*address, key);
        }
        for fragment in &peer.fragments {
            self.demux.remove_fragment(key, fragment);
        }
        self.demux.remove_checks(key, peer.transport.check_tag());
        self.peer_timers.set(index, None);
        self.outbox.purge(index);
        self.count();
        let _ = now;
        Some(peer)
    }

    pub(super) fn remove_room_if_empty(&mut self, key: RoomKey) {
        let empty = self.router.rooms.get(key).is_some_and(|room| room.peers.is_empty());
        if let Some(room) = empty.then(|| self.router.remove_room(key)).flatten() {
            self.room_timers.set(crate::arena::Key::index(key), None);
            self.fences.raise(room.id, room.revision);
            self.count();
        }
    }

    fn close_room(&mut self, now: Instant, key: RoomKey) {
        let peers = self.router.rooms.get(key).map(|room| room.peers.clone());
        for peer in peers.unwrap_or_default() {
            self.remove_peer(now, peer);
        }
        self.remove_room_if_empty(key);
    }

    fn with_transport(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        change: impl FnOnce(&mut Transport) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        let peer = self.router.peers.get_mut(key).ok_or(CommandError::UnknownPeer)?;
        let result = change(&mut peer.transport);
        self.serve(now, key);
        result
    }

    fn add_fragment(
        &mut self,
        room: RoomKey,
        id: PeerId,
        local: &IceCredentials,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        match self.demux.by_fragment(&local.ufrag) {
            Some(owner) if owner == key => return Ok(()),
            Some(_) => return Err(CommandError::Invalid("the user fragment is taken".to_owned())),
            None => {}
        }
        self.demux.insert_fragment(key, &local.ufrag);
        let forgotten =
            self.router.peers.get_mut(key).and_then(|peer| peer.add_fragment(&local.ufrag));
        if let Some(forgotten) = forgotten {
            self.demux.remove_fragment(key, &forgotten);
        }
        Ok(())
    }

    fn set_extensions(
        &mut self,
        room: RoomKey,
        id: PeerId,
        extensions: &[ExtensionId],
    ) -> Result<(), CommandError> {
        check_extensions(extensions)?;
        let key = self.router.peer(room, id)?;
        if let Some(peer) = self.router.peers.get_mut(key) {
            peer.extensions = crate::extensions::Extensions::new(extensions);
        }
        Ok(())
    }

    fn set_data(
        &mut self,
        room: RoomKey,
        id: PeerId,
        data: DataParameters,
    ) -> Result<(), CommandError> {
        check_data(&data)?;
        let key = self.router.peer(room, id)?;
        if let Some(peer) = self.router.peers.get_mut(key) {
            peer.data = data;
        }
        Ok(())
    }

    pub(super) fn publish(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        track: TrackId,
        parameters: &PublicationParameters,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        if !self.router.peers.get(key).is_some_and(|peer| peer.permissions.publish) {
            return Err(CommandError::NotPermitted);
        }
        let track = self.router.publish(&mut self.pool, key, track, parameters)?;
        self.attach_pending(now, room, track);
        self.count();
        Ok(())
    }

    fn set_muted(&mut self, now: Instant, key: TrackKey, muted: bool) {
        let Some(track) = self.router.tracks.get_mut(key) else { return };
        if track.is_muted() == muted {
            return;
        }
        track.parameters.muted = muted;
        track.level.silence();
        // What comes after has nothing to do with what came before.
        track.clear(&mut self.pool);
        track.forwarders.iter_mut().for_each(|forwarder| forwarder.wait());
        if !muted {
            track.want_keyframe();
            let publisher = track.publisher;
            self.wake(now, publisher);
        }
    }

    fn subscribe(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        track: TrackId,
        parameters: &SubscriptionParameters,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        let track = self.router.track(room, track)?;
        if !self.router.peers.get(key).is_some_and(|peer| peer.permissions.subscribe) {
            return Err(CommandError::NotPermitted);
        }
        // Below 2^15, so that a receiver knows the rollover counter is zero (RFC 3711 section 3.3.1).
        let mut first = || SeqNo(self.rng.random_range(0..1 << 15));
        let random = [first(), first()];
        self.router.subscribe(key, track, parameters, random)?;
        self.count();
        let subscription = self.router.peers.get(key).and_then(|peer| peer.egress.by_track(track));
        if let Some(subscription) = subscription {
            self.refresh_one(now, key, subscription);
        }
        Ok(())
    }

    fn unsubscribe(
        &mut self,
        room: RoomKey,
        id: PeerId,
        track: TrackId,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        if let Some(room) = self.router.rooms.get_mut(room) {
            room.pending.retain(|pending| pending.peer != key || pending.track != track);
        }
        let track = self.router.track(room, track)?;
        self.router.unsubscribe(key, track);
        self.count();
        Ok(())
    }

    fn set_paused(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        track: TrackId,
        paused: bool,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        let track = self.router.track(room, track)?;
        let subscription = self.router.peers.get(key).and_then(|peer| peer.egress.by_track(track));
        let subscription = subscription.ok_or(CommandError::UnknownTrack)?;
        if let Some(forwarder) = self.router.forwarder_mut(subscription) {
            if forwarder.paused == paused {
                return Ok(());
            }
            forwarder.paused = paused;
            forwarder.wait();
        }
        self.refresh_one(now, key, subscription);
        Ok(())
    }

    /// Brings the gauges up to date.
    pub(super) fn count(&mut self) {
        self.counters.rooms = self.router.rooms.len() as u64;
        self.counters.peers = self.router.peers.len() as u64;
        self.counters.tracks = self.router.tracks.len() as u64;
        let subscriptions = self.router.tracks.iter().map(|(_, track)| track.forwarders.len());
        self.counters.subscriptions = subscriptions.sum::<usize>() as u64;
    }
}

fn invalid(error: crate::transport::Error) -> CommandError {
    CommandError::Invalid(error.to_string())
}

fn limit(what: &str) -> CommandError {
    CommandError::Limit(what.to_owned())
}

fn check_extensions(extensions: &[ExtensionId]) -> Result<(), CommandError> {
    if extensions.len() > MAX_EXTENSIONS_PER_PEER { Err(limit("extensions")) } else { Ok(()) }
}

fn check_data(data: &DataParameters) -> Result<(), CommandError> {
    if data.channels.len() > MAX_CHANNELS_PER_PEER {
        return Err(limit("channels"));
    }
    if data.splice.len() > MAX_SPLICE_BYTES { Err(limit("splice")) } else { Ok(()) }
}
