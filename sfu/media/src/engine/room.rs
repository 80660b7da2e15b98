//! What is done for a whole room from time to time: who speaks, and how well transports do.

use super::Engine;
use crate::arena::{Key, RoomKey};
use crate::egress::Subscription;
use crate::limits::{QUALITY_INTERVAL, SPEAKERS_INTERVAL};
use crate::peer::Peer;
use crate::room::Figures;
use crate::router::Router;
use lectern_control::media::MediaKind;
use lectern_control::node::Event;
use std::time::Instant;

impl Engine {
    /// Looks after a room.
    pub(super) fn room_timeout(&mut self, now: Instant, index: u32) {
        let key = RoomKey::from_index(index);
        let Some(room) = self.router.rooms.get_mut(key) else { return };
        let looks = room.speakers_due <= now;
        let tells = room.quality_due <= now;
        if looks {
            room.speakers_due = now + SPEAKERS_INTERVAL;
        }
        if tells {
            room.quality_due = now + QUALITY_INTERVAL;
        }
        let rested = room.data_rests.is_some_and(|until| until <= now);
        let rests = room.data_rests.filter(|_| !rested);
        if room.seats.is_due(now) {
            self.look_at_seats(now, key);
        }
        self.tell_seats(now, key);
        let Some(room) = self.router.rooms.get(key) else { return };
        let next = room.speakers_due.min(room.quality_due);
        let due = rests.into_iter().chain(room.seats.deadline());
        self.room_timers.set(index, due.chain([next]).min());
        if rested {
            self.release_data(now, key);
        }
        if looks {
            self.tell_speakers(now, key);
            self.look_at_watched(now, key);
        }
        if tells {
            self.tell_quality(key);
        }
    }

    fn tell_speakers(&mut self, now: Instant, key: RoomKey) {
        let Router { rooms, tracks, .. } = &mut self.router;
        let Some(room) = rooms.get_mut(key) else { return };
        room.speakers.begin();
        for track in &room.tracks {
            let Some(track) = tracks.get_mut(*track) else { continue };
            if let Some(level) = track.level.speaking(now).filter(|_| track.is_voice()) {
                room.speakers.add(track.participant, track.voice.counted_db(now, level));
            }
        }
        if let Some(speakers) = room.speakers.finish(now) {
            self.events.push((room.id, Event::Speakers { speakers }));
        }
    }

    /// What nobody watches any more is told to its publisher.
    fn look_at_watched(&mut self, now: Instant, key: RoomKey) {
        let Router { rooms, tracks, .. } = &mut self.router;
        let Some(room) = rooms.get(key) else { return };
        for id in &room.tracks {
            let Some(track) = tracks.get_mut(*id) else { continue };
            if track.kind() == MediaKind::Video && track.look_at_watched(now) {
                let layers = track.layers_wanted();
                self.events.push((room.id, Event::LayersWanted { track: track.id, layers }));
            }
        }
    }

    /// A subscription has begun, or wants something else: its publisher is told at once of what was
    /// switched off.
    pub(super) fn tell_if_wants_more(&mut self, subscription: Subscription) {
        let Router { rooms, tracks, .. } = &mut self.router;
        let Some(track) = tracks.get_mut(subscription.track) else { return };
        if track.kind() == MediaKind::Video
            && track.wants_more(subscription.slot)
            && let Some(room) = rooms.get(track.room)
        {
            let layers = track.layers_wanted();
            self.events.push((room.id, Event::LayersWanted { track: track.id, layers }));
        }
    }

    fn tell_quality(&mut self, key: RoomKey) {
        let Some(room) = self.router.rooms.get_mut(key) else { return };
        let (id, peers) = (room.id, room.peers.len());
        let mut figures = std::mem::take(&mut room.figures);
        figures.clear();
        for place in 0..peers {
            let peer = self.router.rooms.get(key).and_then(|room| room.peers.get(place)).copied();
            figures.extend(peer.and_then(|peer| self.router.figures(peer)));
        }
        figures.sort_unstable_by_key(|figures| figures.participant);
        for one in figures.chunk_by(|a, b| a.participant == b.participant) {
            let Some((first, rest)) = one.split_first() else { continue };
            let mut merged = *first;
            rest.iter().for_each(|other| merged.merge(other));
            let (participant, quality) = (merged.participant, merged.quality());
            self.events.push((id, Event::Quality { participant, quality }));
        }
        if let Some(room) = self.router.rooms.get_mut(key) {
            room.figures = figures;
        }
    }
}

impl Router {
    /// How well a connected transport did since the last call.
    fn figures(&mut self, key: crate::arena::PeerKey) -> Option<Figures> {
        let peer = self.peers.get_mut(key).filter(|peer: &&mut Peer| peer.sends_to().is_ok())?;
        let mut figures = Figures {
            participant: peer.participant,
            expected: 0,
            complete: 0,
            downlink_loss: peer.egress.take_loss(),
            round_trip: peer.egress.round_trip.or(peer.transport.rtt()),
        };
        for track in &peer.ingress.tracks {
            let Some(track) = self.tracks.get_mut(*track) else { continue };
            for encoding in &mut track.encodings {
                let (expected, complete) = encoding.reception.take_quality();
                figures.expected += expected;
                figures.complete += complete;
            }
        }
        Some(figures)
    }
}
