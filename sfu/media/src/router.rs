//! The router: rooms, peers and tracks, and who is subscribed to what. Keeps all of it consistent;
//! moves no packet.

use crate::DropReason;
use crate::arena::{Arena, PeerKey, RoomKey, TrackKey};
use crate::cache::Pool;
use crate::egress::Subscription;
use crate::forwarder::Forwarder;
use crate::hash::{Keyed, Map};
use crate::ingress::Binding;
use crate::limits::{MAX_SUBSCRIPTIONS_PER_PEER, MAX_TRACKS_PER_PEER};
use crate::peer::Peer;
use crate::room::Room;
use crate::track::{Role, Track};
use lectern_control::media::{PublicationParameters, SubscriptionParameters};
use lectern_control::node::CommandError;
use lectern_control::{PeerId, RoomId, TrackId};
use lectern_wire::{SeqNo, Ssrc};

/// Everything that lives on an engine.
pub struct Router {
    /// Rooms.
    pub rooms: Arena<RoomKey, Room>,
    /// Peers of all rooms.
    pub peers: Arena<PeerKey, Peer>,
    /// Tracks of all rooms.
    pub tracks: Arena<TrackKey, Track>,
    room_keys: Map<RoomId, RoomKey>,
    peer_keys: Map<PeerId, PeerKey>,
    track_keys: Map<TrackId, TrackKey>,
}

impl Router {
    /// An empty router.
    pub fn new(keyed: Keyed) -> Router {
        Router {
            rooms: Arena::default(),
            peers: Arena::default(),
            tracks: Arena::default(),
            room_keys: keyed.map(),
            peer_keys: keyed.map(),
            track_keys: keyed.map(),
        }
    }

    /// The room of an id.
    pub fn room(&self, id: RoomId) -> Option<RoomKey> {
        self.room_keys.get(&id).copied()
    }

    /// The peer of an id, if it is in the room.
    pub fn peer(&self, room: RoomKey, id: PeerId) -> Result<PeerKey, CommandError> {
        let found = self.peer_keys.get(&id).copied();
        let here = found.filter(|key| self.peers.get(*key).is_some_and(|peer| peer.room == room));
        here.ok_or(CommandError::UnknownPeer)
    }

    /// The track of an id, if it is in the room.
    pub fn track(&self, room: RoomKey, id: TrackId) -> Result<TrackKey, CommandError> {
        let found = self.track_keys.get(&id).copied();
        let here =
            found.filter(|key| self.tracks.get(*key).is_some_and(|track| track.room == room));
        here.ok_or(CommandError::UnknownTrack)
    }

    /// The track of an id, in whatever room.
    pub fn any_track(&self, id: TrackId) -> Option<TrackKey> {
        self.track_keys.get(&id).copied()
    }

    /// Whether a peer of that id is anywhere on the engine.
    pub fn knows_peer(&self, id: PeerId) -> bool {
        self.peer_keys.contains_key(&id)
    }

    /// Adds a room.
    pub fn add_room(&mut self, room: Room) -> RoomKey {
        let id = room.id;
        let key = self.rooms.insert(room);
        self.room_keys.insert(id, key);
        key
    }

    /// Takes a room out, which must be empty.
    pub fn remove_room(&mut self, key: RoomKey) -> Option<Room> {
        let room = self.rooms.remove(key)?;
        self.room_keys.remove(&room.id);
        Some(room)
    }

    /// Adds a peer to its room.
    pub fn add_peer(&mut self, peer: Peer) -> PeerKey {
        let (id, room) = (peer.id, peer.room);
        let key = self.peers.insert(peer);
        self.peer_keys.insert(id, key);
        if let Some(room) = self.rooms.get_mut(room) {
            room.peers.push(key);
        }
        key
    }

    /// Takes a peer out, with all it publishes and all it is subscribed to. Gives it, and the
    /// tracks that ended.
    pub fn remove_peer(&mut self, pool: &mut Pool, key: PeerKey) -> Option<Peer> {
        // Its keys go with it, so that no number is to be remembered.
        for subscription in self.peers.get_mut(key)?.egress.take_subscriptions() {
            self.take_forwarder(subscription);
        }
        let published = self.peers.get(key)?.ingress.tracks.clone();
        for track in published {
            self.unpublish(pool, track);
        }
        let peer = self.peers.remove(key)?;
        self.peer_keys.remove(&peer.id);
        if let Some(room) = self.rooms.get_mut(peer.room) {
            room.peers.retain(|known| *known != key);
            room.pending.retain(|pending| pending.peer != key);
        }
        Some(peer)
    }

    /// A peer publishes a track, or negotiates it again.
    pub fn publish(
        &mut self,
        pool: &mut Pool,
        key: PeerKey,
        id: TrackId,
        parameters: &PublicationParameters,
    ) -> Result<TrackKey, CommandError> {
        let peer = self.peers.get(key).ok_or(CommandError::UnknownPeer)?;
        let invalid = |what: &str| CommandError::Invalid(what.to_owned());
        let track = match self.track_keys.get(&id).copied() {
            Some(known) => {
                let track = self.tracks.get_mut(known).ok_or(CommandError::UnknownTrack)?;
                if track.publisher != key {
                    return Err(CommandError::AlreadyExists);
                }
                track.set_parameters(pool, parameters).map_err(invalid)?;
                self.rebind(key, known);
                known
            }
            None => {
                if peer.ingress.tracks.len() >= MAX_TRACKS_PER_PEER {
                    return Err(CommandError::Limit("tracks".to_owned()));
                }
                let (room, participant) = (peer.room, peer.participant);
                let track = Track::new(id, room, key, participant, parameters).map_err(invalid)?;
                self.insert_track(key, track)
            }
        };
        for (place, encoding) in parameters.encodings.iter().enumerate() {
            let named = [(Role::Media, encoding.ssrc), (Role::Repair, encoding.rtx_ssrc)];
            for (role, ssrc) in named {
                let Some(ssrc) = ssrc.map(Ssrc) else { continue };
                let binding = Binding { track, encoding: place, role };
                if !self.bind(pool, key, ssrc, binding) {
                    self.unpublish(pool, track);
                    return Err(CommandError::Limit("SSRCs".to_owned()));
                }
            }
        }
        Ok(track)
    }

    /// The encodings of a track stand at other places: their SSRCs lead there.
    fn rebind(&mut self, key: PeerKey, known: TrackKey) {
        let (Some(peer), Some(track)) = (self.peers.get_mut(key), self.tracks.get(known)) else {
            return;
        };
        peer.ingress.unbind_all(known);
        for (place, role, ssrc) in track.ssrcs() {
            let binding = Binding { track: known, encoding: place, role };
            if !peer.ingress.bind(ssrc, binding) {
                // Cannot be: no more are bound than before.
                return;
            }
        }
    }

    /// Binds an SSRC of a publisher to an encoding; `false` where it has too many.
    #[must_use]
    pub fn bind(&mut self, pool: &mut Pool, key: PeerKey, ssrc: Ssrc, binding: Binding) -> bool {
        let (Some(peer), Some(track)) =
            (self.peers.get_mut(key), self.tracks.get_mut(binding.track))
        else {
            return false;
        };
        let known = peer.ingress.binding(ssrc);
        if known == Some(binding) {
            return true;
        }
        if !peer.ingress.bind(ssrc, binding) {
            return false;
        }
        if let Some(former) = track.bind(pool, binding.encoding, binding.role, ssrc)
            && former != ssrc
        {
            peer.ingress.unbind(former);
        }
        true
    }

    /// A track ends: for its publisher and for all its subscribers.
    pub fn unpublish(&mut self, pool: &mut Pool, key: TrackKey) {
        let Some(mut track) = self.tracks.remove(key) else { return };
        track.clear(pool);
        self.track_keys.remove(&track.id);
        for forwarder in std::mem::take(&mut track.forwarders) {
            let Some(peer) = self.peers.get_mut(forwarder.peer) else { continue };
            if peer.egress.is_slot(forwarder.ssrc) {
                peer.egress.leave(forwarder.ssrc);
                peer.egress.park(forwarder);
                continue;
            }
            peer.egress.remove(key);
            retire(peer, &forwarder);
        }
        if let Some(publisher) = self.peers.get_mut(track.publisher) {
            publisher.ingress.remove(key);
        }
        if let Some(room) = self.rooms.get_mut(track.room) {
            room.tracks.retain(|known| *known != key);
            room.seats.vacate(key);
        }
    }

    /// A peer wants a track. `random` are the first sequence numbers of streams that were never
    /// sent to it.
    pub fn subscribe(
        &mut self,
        key: PeerKey,
        track: TrackKey,
        parameters: &SubscriptionParameters,
        random: [SeqNo; 2],
    ) -> Result<(), CommandError> {
        let peer = self.peers.get(key).ok_or(CommandError::UnknownPeer)?;
        if let Some(known) = peer.egress.by_track(track) {
            if known.ssrc.0 == parameters.ssrc {
                self.negotiate_again(key, known, parameters, random[1]);
                return Ok(());
            }
            self.unsubscribe(key, track);
        }
        let first = [
            self.first_number(key, Some(parameters.ssrc), random[0]),
            self.first_number(key, parameters.rtx_ssrc, random[1]),
        ];
        self.insert_forwarder(track, Forwarder::new(key, parameters, first))
    }

    /// A stream that was sent to the peer before goes on where it stopped.
    pub fn first_number(&self, key: PeerKey, ssrc: Option<u32>, random: SeqNo) -> SeqNo {
        let egress = self.peers.get(key).map(|peer| &peer.egress);
        let retired = egress.zip(ssrc).and_then(|(egress, ssrc)| egress.retired(Ssrc(ssrc)));
        retired.unwrap_or(random)
    }

    /// A subscription that stays; its retransmissions may come on another stream.
    fn negotiate_again(
        &mut self,
        key: PeerKey,
        known: Subscription,
        parameters: &SubscriptionParameters,
        random: SeqNo,
    ) {
        let first = self.first_number(key, parameters.rtx_ssrc, random);
        let (Some(peer), Some(track)) = (self.peers.get_mut(key), self.tracks.get_mut(known.track))
        else {
            return;
        };
        let Some(forwarder) = track.forwarders.get_mut(known.slot) else { return };
        let former = forwarder.repair_ssrc.filter(|ssrc| Some(ssrc.0) != parameters.rtx_ssrc);
        if let Some(former) = former {
            let [_, next] = forwarder.next_numbers();
            peer.egress.retire(former, next);
        }
        forwarder.set_parameters(parameters, first);
    }

    /// Adds a forwarder to its track and to its peer.
    pub fn insert_forwarder(
        &mut self,
        track: TrackKey,
        forwarder: Forwarder,
    ) -> Result<(), CommandError> {
        let peer = self.peers.get_mut(forwarder.peer).ok_or(CommandError::UnknownPeer)?;
        let source = self.tracks.get_mut(track).ok_or(CommandError::UnknownTrack)?;
        if peer.egress.subscriptions().len() >= MAX_SUBSCRIPTIONS_PER_PEER {
            return Err(CommandError::Limit("subscriptions".to_owned()));
        }
        let slot = source.forwarders.len();
        if !peer.egress.insert(Subscription { ssrc: forwarder.ssrc, track, slot }) {
            return Err(CommandError::Invalid("the SSRC is taken".to_owned()));
        }
        source.forwarders.push(forwarder);
        Ok(())
    }

    /// A peer no longer wants a track; `false` where it did not.
    pub fn unsubscribe(&mut self, key: PeerKey, track: TrackKey) -> bool {
        let Some(peer) = self.peers.get_mut(key) else { return false };
        let Some(subscription) = peer.egress.remove(track) else { return false };
        let Some(forwarder) = self.take_forwarder(subscription) else { return false };
        if let Some(peer) = self.peers.get_mut(key) {
            retire(peer, &forwarder);
        }
        true
    }

    /// Takes a forwarder out of its track; the last one there moves to its place.
    pub fn take_forwarder(&mut self, subscription: Subscription) -> Option<Forwarder> {
        let source = self.tracks.get_mut(subscription.track)?;
        if subscription.slot >= source.forwarders.len() {
            return None;
        }
        let forwarder = source.forwarders.swap_remove(subscription.slot);
        if let Some(moved) = source.forwarders.get(subscription.slot)
            && let Some(owner) = self.peers.get_mut(moved.peer)
        {
            owner.egress.moved(moved.ssrc, subscription.slot);
        }
        Some(forwarder)
    }

    /// A subscriber and what it is sent of one track.
    pub fn sending(
        &mut self,
        key: PeerKey,
        subscription: Subscription,
    ) -> Result<(&mut Peer, &mut Forwarder), DropReason> {
        let peer = self.peers.get_mut(key).ok_or(DropReason::NotConnected)?;
        let track = self.tracks.get_mut(subscription.track).ok_or(DropReason::UnknownReport)?;
        let forwarder =
            track.forwarders.get_mut(subscription.slot).ok_or(DropReason::UnknownReport)?;
        Ok((peer, forwarder))
    }

    /// The forwarder of a subscription.
    pub fn forwarder_mut(&mut self, subscription: Subscription) -> Option<&mut Forwarder> {
        let track = self.tracks.get_mut(subscription.track)?;
        track.forwarders.get_mut(subscription.slot)
    }

    fn insert_track(&mut self, publisher: PeerKey, track: Track) -> TrackKey {
        let (id, room) = (track.id, track.room);
        let key = self.tracks.insert(track);
        self.track_keys.insert(id, key);
        if let Some(peer) = self.peers.get_mut(publisher) {
            peer.ingress.tracks.push(key);
        }
        if let Some(room) = self.rooms.get_mut(room) {
            room.tracks.push(key);
        }
        key
    }
}

/// Remembers with which numbers a subscription's streams would go on.
pub fn retire(peer: &mut Peer, forwarder: &Forwarder) {
    let [next, next_repair] = forwarder.next_numbers();
    peer.egress.retire(forwarder.ssrc, next);
    if let Some(ssrc) = forwarder.repair_ssrc {
        peer.egress.retire(ssrc, next_repair);
    }
}
