//! Sound slots: streams of subscribers that carry whoever holds the seats of their room.
//!
//! A slot is a forwarder that goes from track to track. While it carries a track it lies with the
//! track's others, so that a packet costs what it costs its listeners, and nothing where it has none.

use super::Engine;
use super::command::limit;
use crate::arena::{Key, PeerKey, RoomKey, TrackKey};
use crate::cache::Pool;
use crate::egress::{Slot, Subscription};
use crate::forwarder::Forwarder;
use crate::packet::Packet;
use crate::peer::Peer;
use crate::rewrite::Segment;
use crate::router::{Router, retire};
use crate::seats::Contender;
use crate::snapshot;
use lectern_control::limits::{MAX_CODECS_PER_TRACK, MAX_SOUND_SLOTS};
use lectern_control::media::{MediaKind, SoundSlot};
use lectern_control::node::{CommandError, Event};
use lectern_control::{PeerId, TrackId};
use lectern_wire::{PayloadType, SeqNo, Ssrc};
use rand::RngExt;
use std::time::Instant;

impl Engine {
    /// A peer is to have these sound slots, and no others.
    pub(super) fn set_sound_slots(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: PeerId,
        slots: &[SoundSlot],
    ) -> Result<(), CommandError> {
        let key = self.router.peer(room, id)?;
        let peer = self.router.peers.get(key).ok_or(CommandError::UnknownPeer)?;
        if !peer.permissions.subscribe && !slots.is_empty() {
            return Err(CommandError::NotPermitted);
        }
        self.router.check_slots(key, slots)?;
        let mut first = || SeqNo(self.rng.random_range(0..1 << 15));
        let random: Vec<[SeqNo; 2]> = slots.iter().map(|_| [first(), first()]).collect();
        self.router.set_slots(key, slots, &random);
        let most = self.router.most_slots(room);
        if let Some(room) = self.router.rooms.get_mut(room) {
            room.seats.set_slots(most);
        }
        self.settle(now, key);
        self.call(now, room);
        self.count();
        Ok(())
    }

    /// Sound slots may carry a track from now on, or may not.
    pub(super) fn set_open(
        &mut self,
        now: Instant,
        room: RoomKey,
        id: TrackId,
        open: bool,
    ) -> Result<(), CommandError> {
        let key = self.router.track(room, id)?;
        if let Some(track) = self.router.tracks.get_mut(key) {
            track.is_open = open;
        }
        if !open {
            self.vacate(now, key);
        }
        Ok(())
    }

    /// A track is heard in no slot any more.
    pub(super) fn vacate(&mut self, now: Instant, key: TrackKey) {
        let Some(room) = self.router.tracks.get(key).map(|track| track.room) else { return };
        let had = self.router.rooms.get_mut(room).is_some_and(|room| room.seats.vacate(key));
        if had {
            self.settle_all(now, room);
            self.call(now, room);
        }
    }

    /// Somebody speaks who may have no seat.
    #[inline]
    pub(super) fn call_for_seat(&mut self, now: Instant, room: RoomKey, track: TrackKey) {
        let seats = self.router.rooms.get(room).map(|room| &room.seats);
        if seats.is_some_and(|seats| seats.is_used() && !seats.has_slot(track)) {
            self.call(now, room);
        }
    }

    /// Has a look at the seats as soon as one is due.
    fn call(&mut self, now: Instant, key: RoomKey) {
        let Some(room) = self.router.rooms.get_mut(key) else { return };
        let due = room.seats.call(now);
        self.room_timers.advance(key.index(), due);
    }

    /// Gives the seats to those who are to have them, and has the slots follow.
    pub(super) fn look_at_seats(&mut self, now: Instant, key: RoomKey) {
        let Router { rooms, tracks, .. } = &mut self.router;
        let Some(room) = rooms.get_mut(key) else { return };
        room.seats.begin(now);
        for key in &room.tracks {
            let Some(track) = tracks.get(*key) else { continue };
            if !track.is_open || track.is_muted() || !track.is_voice() {
                continue;
            }
            room.seats.add(Contender {
                track: *key,
                id: track.id,
                participant: track.participant,
                strength_db: track.voice.strength_db(now),
                is_voiced: track.voice.is_voiced(now),
            });
        }
        if room.seats.finish(now) {
            self.settle_all(now, key);
        }
    }

    /// Tells who sits where, where that is news.
    pub(super) fn tell_seats(&mut self, now: Instant, key: RoomKey) {
        let Some(room) = self.router.rooms.get_mut(key) else { return };
        if let Some(seats) = room.seats.news(now) {
            self.events.push((room.id, Event::SoundSeats { seats }));
        }
    }

    fn settle_all(&mut self, now: Instant, key: RoomKey) {
        let peers = self.router.rooms.get(key).map_or(0, |room| room.peers.len());
        for place in 0..peers {
            let peer = self.router.rooms.get(key).and_then(|room| room.peers.get(place)).copied();
            if let Some(peer) = peer {
                self.settle(now, peer);
            }
        }
    }

    /// Has the slots of a peer carry who sits in the seats.
    pub(super) fn settle(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.router.peers.get(key) else { return };
        let had_any = !peer.egress.subscriptions().is_empty();
        let mut has_begun = false;
        for place in 0..peer.egress.slots().len() {
            let wanted = self.router.wanted_in_slot(key, place);
            has_begun |= self.router.carry(key, place, wanted) && wanted.is_some();
        }
        if !has_begun {
            return;
        }
        if !had_any {
            self.open_path(now, key);
        }
        // Another clock: lips are in step again with the next report.
        if let Some(peer) = self.router.peers.get_mut(key) {
            let due = peer.egress.report_soon(now);
            self.peer_timers.advance(key.index(), due);
        }
    }

    /// Where the slots of a peer stand.
    pub(super) fn export_slots(&self, now: Instant, peer: &Peer) -> Vec<snapshot::SoundSlot> {
        let slots = peer.egress.slots().iter().filter_map(|slot| {
            let carried = peer.egress.by_ssrc(slot.ssrc);
            let track = carried.and_then(|carried| self.router.tracks.get(carried.track));
            let forwarder = carried.zip(track).and_then(|(c, track)| track.forwarders.get(c.slot));
            let forwarder = forwarder.or(slot.parked.as_ref())?;
            let encodings = track.map_or(&[][..], |track| &track.encodings);
            let state = forwarder.export(now, &self.wall, encodings);
            Some(snapshot::SoundSlot { parameters: forwarder.slot_parameters()?, state })
        });
        slots.collect()
    }

    /// The slots of a peer that comes from another node.
    pub(super) fn resume_slots(
        &mut self,
        now: Instant,
        room: RoomKey,
        key: PeerKey,
        slots: &[snapshot::SoundSlot],
    ) -> Result<(), CommandError> {
        let parameters: Vec<SoundSlot> = slots.iter().map(|slot| slot.parameters.clone()).collect();
        self.router.check_slots(key, &parameters)?;
        let random = vec![[SeqNo::default(); 2]; slots.len()];
        self.router.set_slots(key, &parameters, &random);
        for (place, slot) in slots.iter().enumerate() {
            let Some(peer) = self.router.peers.get_mut(key) else { continue };
            if let Some(forwarder) = peer.egress.unpark(place) {
                peer.egress.park(forwarder.resume(now, &self.wall, &slot.state));
            }
        }
        if let Some(room) = self.router.rooms.get_mut(room) {
            room.seats.set_slots(room.seats.slots().max(slots.len()));
        }
        self.settle(now, key);
        Ok(())
    }

    /// A track that had a seat on the node where it was before has it here.
    pub(super) fn resume_seat(&mut self, now: Instant, key: TrackKey, seat: Option<u8>) {
        let Some(track) = self.router.tracks.get(key) else { return };
        let Some(place) = seat.filter(|_| track.is_open && !track.is_muted()) else { return };
        let room = track.room;
        let holder = Contender {
            track: key,
            id: track.id,
            participant: track.participant,
            strength_db: track.voice.strength_db(now),
            is_voiced: false,
        };
        if let Some(room) = self.router.rooms.get_mut(room) {
            room.seats.resume(now, usize::from(place), holder);
        }
        self.settle_all(now, room);
    }
}

impl Router {
    /// Whether a peer can have these slots.
    fn check_slots(&self, key: PeerKey, slots: &[SoundSlot]) -> Result<(), CommandError> {
        let egress = &self.peers.get(key).ok_or(CommandError::UnknownPeer)?.egress;
        if slots.len() > MAX_SOUND_SLOTS {
            return Err(limit("sound slots"));
        }
        for (place, slot) in slots.iter().enumerate() {
            let ssrc = Ssrc(slot.ssrc);
            let is_twice = slots.iter().skip(place + 1).any(|other| other.ssrc == slot.ssrc);
            let is_other = egress.by_ssrc(ssrc).is_some() && !egress.is_slot(ssrc);
            if is_twice || is_other {
                return Err(CommandError::Invalid("the SSRC is taken".to_owned()));
            }
            let types = slot.codecs.iter().flat_map(|codec| {
                [Some(codec.payload_type), codec.rtx_payload_type].into_iter().flatten()
            });
            let is_sound = slot.codecs.iter().all(|codec| codec.name.kind() == MediaKind::Audio);
            let fits = (1..=MAX_CODECS_PER_TRACK).contains(&slot.codecs.len());
            if !fits || !is_sound || types.clone().any(|pt| PayloadType::new(pt).is_none()) {
                return Err(CommandError::Invalid("codecs".to_owned()));
            }
        }
        Ok(())
    }

    /// Replaces the slots of a peer, which then carry nobody unless they are where they were.
    fn set_slots(&mut self, key: PeerKey, slots: &[SoundSlot], random: &[[SeqNo; 2]]) {
        let kept = |ssrc: Ssrc| slots.iter().any(|slot| slot.ssrc == ssrc.0);
        let Some(peer) = self.peers.get(key) else { return };
        let former: Vec<Ssrc> = peer.egress.slots().iter().map(|slot| slot.ssrc).collect();
        for place in 0..former.len() {
            self.carry(key, place, None);
        }
        let Some(peer) = self.peers.get_mut(key) else { return };
        let mut parked: Vec<Forwarder> =
            peer.egress.set_slots(Vec::new()).into_iter().filter_map(|slot| slot.parked).collect();
        for gone in parked.extract_if(.., |forwarder| !kept(forwarder.ssrc)) {
            retire(peer, &gone);
        }
        let mut made = Vec::with_capacity(slots.len());
        for (slot, random) in slots.iter().zip(random) {
            let ssrc = Ssrc(slot.ssrc);
            let first = [
                self.first_number(key, Some(slot.ssrc), random[0]),
                self.first_number(key, slot.rtx_ssrc, random[1]),
            ];
            let known = parked.iter().position(|forwarder| forwarder.ssrc == ssrc);
            let forwarder = match known.map(|known| parked.swap_remove(known)) {
                Some(mut forwarder) => {
                    self.retire_repair(key, &forwarder, slot);
                    forwarder.set_slot(slot, first[1]);
                    forwarder
                }
                None => Forwarder::slot(key, slot, first),
            };
            made.push(Slot { ssrc, parked: Some(forwarder) });
        }
        if let Some(peer) = self.peers.get_mut(key) {
            peer.egress.set_slots(made);
        }
    }

    /// Retransmissions of a slot come on another stream from now on.
    fn retire_repair(&mut self, key: PeerKey, forwarder: &Forwarder, slot: &SoundSlot) {
        let former = forwarder.repair_ssrc.filter(|ssrc| Some(ssrc.0) != slot.rtx_ssrc);
        if let (Some(former), Some(peer)) = (former, self.peers.get_mut(key)) {
            let [_, next] = forwarder.next_numbers();
            peer.egress.retire(former, next);
        }
    }

    /// The most slots that any peer of a room has.
    fn most_slots(&self, room: RoomKey) -> usize {
        let peers = self.rooms.get(room).into_iter().flat_map(|room| &room.peers);
        let slots = peers.filter_map(|key| self.peers.get(*key)).map(|p| p.egress.slots().len());
        slots.max().unwrap_or(0)
    }

    /// The seat of a track, of those that slots carry.
    pub(super) fn seat_of(&self, id: TrackId) -> Option<u8> {
        let key = self.any_track(id)?;
        let seats = &self.rooms.get(self.tracks.get(key)?.room)?.seats;
        let place = seats.seat_of(key).filter(|place| *place < seats.slots())?;
        u8::try_from(place).ok()
    }

    /// What a slot of a peer is to carry.
    fn wanted_in_slot(&self, key: PeerKey, place: usize) -> Option<TrackKey> {
        let peer = self.peers.get(key)?;
        self.rooms.get(peer.room)?.seats.for_slot(place, peer.participant)
    }

    /// Has a slot carry a track, or nobody. Says whether that is a change.
    fn carry(&mut self, key: PeerKey, place: usize, to: Option<TrackKey>) -> bool {
        let Some(peer) = self.peers.get(key) else { return false };
        let Some(slot) = peer.egress.slots().get(place) else { return false };
        let carried = peer.egress.by_ssrc(slot.ssrc);
        if carried.map(|carried| carried.track) == to {
            return false;
        }
        if let Some(forwarder) = carried.and_then(|carried| self.take_forwarder(carried))
            && let Some(peer) = self.peers.get_mut(key)
        {
            peer.egress.leave(forwarder.ssrc);
            peer.egress.park(forwarder);
        }
        let Some(to) = to else { return true };
        let (Some(peer), Some(track)) = (self.peers.get_mut(key), self.tracks.get_mut(to)) else {
            return true;
        };
        let Some(forwarder) = peer.egress.unpark(place) else { return true };
        let subscription =
            Subscription { ssrc: forwarder.ssrc, track: to, slot: track.forwarders.len() };
        match peer.egress.insert(subscription) {
            true => track.forwarders.push(forwarder),
            // Its stream is somebody else's meanwhile.
            false => peer.egress.park(forwarder),
        }
        true
    }

    /// A packet that was sent on a subscription, and its bytes: of the track that was forwarded then.
    /// A slot may carry another one now.
    pub(super) fn kept<'p>(
        &self,
        pool: &'p Pool,
        carried: TrackKey,
        segment: &Segment,
        number: SeqNo,
    ) -> Option<(Packet, &'p [u8])> {
        let present = self.tracks.get(carried).filter(|track| track.id == segment.stream.track);
        let elsewhere = || self.tracks.get(self.any_track(segment.stream.track)?);
        let track = present.or_else(elsewhere)?;
        let mut encodings = track.encodings.iter();
        let source = encodings.find(|source| source.stream == segment.stream)?;
        let (packet, bytes) = source.cache.find(pool, number)?;
        Some((*packet, bytes))
    }
}
