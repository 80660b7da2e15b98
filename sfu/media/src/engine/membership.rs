//! Rooms and peers come and go.

use super::Engine;
use super::command::{check_data, check_extensions, invalid, limit};
use crate::DropReason;
use crate::arena::{Key, PeerKey, RoomKey};
use crate::data::room_deliveries;
use crate::limits::{
    MAX_PEERS, MAX_PEERS_PER_ROOM, MAX_ROOMS, QUALITY_INTERVAL, SPEAKERS_INTERVAL,
};
use crate::peer::Peer;
use crate::room::Room;
use crate::transport::{Transmit, Transport};
use lectern_control::node::CommandError;
use lectern_control::transport::PeerParameters;
use lectern_control::{PeerId, Revision, RoomId};
use lectern_wire::Ssrc;
use rand::RngExt;
use std::time::Instant;

impl Engine {
    /// The node shuts down: closes all rooms and says good-bye to everybody who is still here.
    pub fn close(&mut self, now: Instant) {
        let rooms: Vec<_> = self.router.rooms.iter().map(|(key, _)| key).collect();
        self.close_all_relays();
        rooms.into_iter().for_each(|room| self.close_room(now, room));
    }

    pub(super) fn room_or_new(
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
            data_rests: None,
            deliveries: room_deliveries(now),
            seats: Default::default(),
            speakers: Default::default(),
            speakers_due: now + SPEAKERS_INTERVAL,
            quality_due: now + QUALITY_INTERVAL,
            figures: Vec::new(),
        };
        let due = room.speakers_due;
        let key = self.router.add_room(room);
        self.room_timers.set(key.index(), Some(due));
        self.count();
        Ok(key)
    }

    pub(super) fn add_peer(
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
    pub(super) fn remove_peer(&mut self, key: PeerKey) -> Option<Peer> {
        let peer = self.router.remove_peer(&mut self.pool, key)?;
        let index = key.index();
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
        Some(peer)
    }

    /// Takes a peer out that the client may still believe to be there: says good-bye, unless
    /// another node has its state, and with it the right to speak.
    pub(super) fn dismiss(&mut self, now: Instant, key: PeerKey) {
        let Some(mut peer) = self.remove_peer(key) else { return };
        if peer.is_exported || peer.is_standby {
            return;
        }
        peer.transport.close(now);
        while let Some(Transmit { remote, bytes }) = peer.transport.poll_transmit() {
            if !self.outbox.push(key.index(), remote, &bytes) {
                self.counters.drop(DropReason::TooLarge);
            }
        }
    }

    pub(super) fn remove_room_if_empty(&mut self, key: RoomKey) {
        let empty = self.router.rooms.get(key).is_some_and(|room| room.peers.is_empty());
        if let Some(room) = empty.then(|| self.router.remove_room(key)).flatten() {
            self.room_timers.set(key.index(), None);
            self.fences.raise(room.id, room.revision);
            self.count();
        }
    }

    pub(super) fn close_room(&mut self, now: Instant, key: RoomKey) {
        let peers = self.router.rooms.get(key).map(|room| room.peers.clone());
        for peer in peers.unwrap_or_default() {
            self.dismiss(now, peer);
        }
        self.remove_room_if_empty(key);
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
