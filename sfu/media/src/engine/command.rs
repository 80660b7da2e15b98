//! Commands: what the controller wants, turned into state.

use super::Engine;
use crate::arena::{RoomKey, TrackKey};
use crate::transport::Transport;
use lectern_control::limits::{
    MAX_CHANNELS_PER_PEER, MAX_EXTENSIONS_PER_PEER, MAX_RESERVED_FIELDS, MAX_SPLICE_BYTES,
};
use lectern_control::media::{ExtensionId, PublicationParameters, SubscriptionParameters, Wish};
use lectern_control::node::{Command, CommandError};
use lectern_control::transport::{DataParameters, IceCredentials, Permissions};
use lectern_control::{PeerId, Revision, RoomId, TrackId};
use lectern_wire::SeqNo;
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
        match command {
            Command::OpenRelay { recording, .. } => return self.relays.open(recording, id),
            Command::RelayTrack { recording, track } => {
                return self.relay_track(now, id, recording, track);
            }
            Command::UnrelayTrack { recording, track } => {
                self.unrelay_track(recording, track);
                return Ok(());
            }
            Command::CloseRelay { recording } => {
                self.relays.find(recording).into_iter().for_each(|relay| self.close_relay(relay));
                return Ok(());
            }
            Command::CloseRoom => self.close_relays_of(id),
            _ => {}
        }
        match self.router.room(id) {
            Some(room) => self.command_in(now, room, command),
            None => match command {
                Command::CloseRoom | Command::SendData { .. } => Ok(()),
                Command::Unpublish { .. } | Command::SetMuted { .. } | Command::SetOpen { .. } => {
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
            Command::AddPeer { .. }
            | Command::Restore { .. }
            | Command::OpenRelay { .. }
            | Command::RelayTrack { .. }
            | Command::UnrelayTrack { .. }
            | Command::CloseRelay { .. } => Ok(()),
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
                self.set_extensions(now, room, peer, &extensions)
            }
            Command::SetPermissions { peer, permissions } => {
                self.set_permissions(now, room, peer, permissions)
            }
            Command::SetData { peer, data } => self.set_data(now, room, peer, data),
            Command::RemovePeer { peer } => self.end_peer(now, room, peer),
            Command::Publish { peer, track, parameters } => {
                self.publish(now, room, peer, track, &parameters)
            }
            Command::Unpublish { track } => self.unpublish(room, track),
            Command::SetMuted { track, muted } => {
                let key = self.router.track(room, track)?;
                self.set_muted(now, key, muted);
                Ok(())
            }
            Command::Subscribe { peer, track, parameters } => {
                self.subscribe(now, room, peer, track, &parameters)
            }
            Command::Unsubscribe { peer, track } => self.unsubscribe(room, peer, track),
            Command::EndSubscriptions { track, peers } => {
                self.end_subscriptions(room, track, &peers)
            }
            Command::SetWish { peer, track, wish } => self.set_wish(now, room, peer, track, wish),
            Command::SetSoundSlots { peer, slots } => self.set_sound_slots(now, room, peer, &slots),
            Command::SetOpen { track, open } => self.set_open(now, room, track, open),
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

    fn end_peer(&mut self, now: Instant, room: RoomKey, id: PeerId) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        self.dismiss(now, key);
        self.remove_room_if_empty(room);
        Ok(())
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
        now: Instant,
        room: RoomKey,
        id: PeerId,
        extensions: &[ExtensionId],
    ) -> Result<(), CommandError> {
        check_extensions(extensions)?;
        let key = self.router.peer(room, id)?;
        if let Some(peer) = self.router.peers.get_mut(key) {
            peer.extensions = crate::extensions::Extensions::new(extensions);
        }
        self.open_path(now, key);
        Ok(())
    }

    fn set_permissions(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        permissions: Permissions,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        if let Some(peer) = self.router.peers.get_mut(key) {
            peer.permissions = permissions;
        }
        self.refresh(now, key);
        Ok(())
    }

    fn set_data(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        data: DataParameters,
    ) -> Result<(), CommandError> {
        check_data(&data)?;
        let key = self.router.peer(room, id)?;
        let peer = self.router.peers.get_mut(key).ok_or(CommandError::UnknownPeer)?;
        if !peer.is_standby {
            peer.transport.open_channels(now, &data.channels);
        }
        peer.data = data;
        self.serve(now, key);
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
        self.set_muted(now, track, parameters.muted);
        self.attach_pending(now, room, track);
        self.attach_relays(now, track);
        self.count();
        Ok(())
    }

    fn unpublish(&mut self, room: RoomKey, track: TrackId) -> Result<(), CommandError> {
        let key = self.router.track(room, track)?;
        self.router.unpublish(&mut self.pool, key);
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
        track.voice.silence();
        // What comes after has nothing to do with what came before.
        track.clear(&mut self.pool);
        track.forwarders.iter_mut().for_each(|forwarder| forwarder.wait());
        track.relays.iter_mut().for_each(|relay| relay.stream = None);
        if muted {
            self.vacate(now, key);
        } else if let Some(track) = self.router.tracks.get_mut(key) {
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
            self.tell_if_wants_more(subscription);
            self.refresh_one(now, key, subscription);
        }
        self.open_path(now, key);
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

    fn end_subscriptions(
        &mut self,
        room: RoomKey,
        track: TrackId,
        peers: &[PeerId],
    ) -> Result<(), CommandError> {
        for peer in peers {
            // Gone already, or never subscribed: then nothing is to be ended.
            let _ = self.unsubscribe(room, *peer, track);
        }
        Ok(())
    }

    fn set_wish(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        track: TrackId,
        wish: Wish,
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        let track = self.router.track(room, track)?;
        let subscription = self.router.peers.get(key).and_then(|peer| peer.egress.by_track(track));
        let subscription = subscription.ok_or(CommandError::UnknownTrack)?;
        let Some(forwarder) = self.router.forwarder_mut(subscription) else { return Ok(()) };
        forwarder.wish = wish;
        if forwarder.paused != wish.hidden {
            forwarder.paused = wish.hidden;
            self.withdraw(key, subscription);
            self.refresh_one(now, key, subscription);
        }
        self.tell_if_wants_more(subscription);
        self.open_path(now, key);
        self.allocate_soon(now, key);
        Ok(())
    }
}

pub(super) fn invalid(error: crate::transport::Error) -> CommandError {
    CommandError::Invalid(error.to_string())
}

pub(super) fn limit(what: &str) -> CommandError {
    CommandError::Limit(what.to_owned())
}

pub(super) fn check_extensions(extensions: &[ExtensionId]) -> Result<(), CommandError> {
    if extensions.len() > MAX_EXTENSIONS_PER_PEER { Err(limit("extensions")) } else { Ok(()) }
}

pub(super) fn check_data(data: &DataParameters) -> Result<(), CommandError> {
    if data.channels.len() > MAX_CHANNELS_PER_PEER {
        return Err(limit("channels"));
    }
    if data.address.len() > MAX_SPLICE_BYTES {
        return Err(limit("address"));
    }
    match &data.envelope {
        Some(envelope) if envelope.splice.len() > MAX_SPLICE_BYTES => Err(limit("splice")),
        Some(envelope) if envelope.reserved.len() > MAX_RESERVED_FIELDS => Err(limit("fields")),
        _ => Ok(()),
    }
}
