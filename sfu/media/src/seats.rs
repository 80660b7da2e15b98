//! The seats of a room: who of all that speak is heard in sound slots.
//!
//! Ranked once for a room, whoever listens. A seat is kept by who holds it while he speaks and is
//! not clearly quieter than somebody without one, and changes hands only so often. One seat more
//! than there are slots is for those who hold one of the others: nobody hears himself.

use crate::arena::TrackKey;
use crate::voice::{MARGIN_DB, VOICE_DB};
use lectern_control::limits::MAX_SOUND_SLOTS;
use lectern_control::node::SoundSeat;
use lectern_control::{ParticipantId, TrackId};
use smallvec::SmallVec;
use std::time::{Duration, Instant};

/// Seats of a room at most.
const MAX_SEATS: usize = MAX_SOUND_SLOTS + 1;
/// How long a seat stays with who took it: long enough for a word.
const TENURE: Duration = Duration::from_millis(500);
/// Shortest time between two looks at who is to have a seat: a frame.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Shortest time between two times that the room is told: each goes to everybody.
const TELL_INTERVAL: Duration = Duration::from_millis(250);

/// A track that may have a seat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contender {
    /// Which.
    pub track: TrackKey,
    /// Its id.
    pub id: TrackId,
    /// Whose it is: nobody has two seats.
    pub participant: ParticipantId,
    /// How loud it is and lately was, in decibels below overload.
    pub strength_db: f32,
    /// It is a voice now.
    pub is_voiced: bool,
}

#[derive(Debug, Clone, Copy)]
struct Seat {
    holder: Contender,
    since: Instant,
    /// Whether this look has found the holder.
    is_here: bool,
}

/// The seats of a room, and who waits for one.
#[derive(Debug, Default)]
pub struct Seats {
    /// One for each slot, and the last; none while nobody has slots.
    seats: SmallVec<[Option<Seat>; MAX_SEATS]>,
    /// Who has none, loudest first, one track of each participant.
    waiting: SmallVec<[Contender; MAX_SEATS]>,
    told: SmallVec<[Option<SoundSeat>; MAX_SEATS]>,
    told_at: Option<Instant>,
    looked_at: Option<Instant>,
    look_at: Option<Instant>,
}

impl Seats {
    /// Whether anybody has sound slots.
    #[inline]
    pub fn is_used(&self) -> bool {
        !self.seats.is_empty()
    }

    /// How many slots there are seats for.
    pub fn slots(&self) -> usize {
        self.seats.len().saturating_sub(1)
    }

    /// So many slots from now on. Who holds a seat that stays keeps it.
    pub fn set_slots(&mut self, slots: usize) {
        let slots = slots.min(MAX_SOUND_SLOTS);
        if slots == self.slots() && (slots > 0) == self.is_used() {
            return;
        }
        let last = self.seats.pop().flatten();
        self.seats.resize(slots, None);
        if slots > 0 {
            self.seats.push(last);
        }
    }

    /// Whether a track is heard in slots already.
    #[inline]
    pub fn has_slot(&self, track: TrackKey) -> bool {
        self.seat_of(track).is_some_and(|place| place < self.slots())
    }

    /// The seat of a track.
    pub fn seat_of(&self, track: TrackKey) -> Option<usize> {
        self.seats.iter().position(|seat| seat.is_some_and(|seat| seat.holder.track == track))
    }

    /// What the slot of a participant's peer is to carry.
    pub fn for_slot(&self, place: usize, participant: ParticipantId) -> Option<TrackKey> {
        let holder = |place: usize| self.seats.get(place).copied().flatten().map(|s| s.holder);
        match holder(place).filter(|_| place < self.slots()) {
            Some(own) if own.participant == participant => {
                let last = holder(self.slots()).filter(|last| last.participant != participant);
                last.map(|last| last.track)
            }
            other => other.map(|other| other.track),
        }
    }

    /// A track had a seat on the node where it was before.
    pub fn resume(&mut self, now: Instant, place: usize, holder: Contender) {
        if place >= MAX_SOUND_SLOTS || self.seat_of(holder.track).is_some() {
            return;
        }
        self.set_slots(self.slots().max(place + 1));
        if let Some(free @ None) = self.seats.get_mut(place) {
            *free = Some(Seat { holder, since: now, is_here: true });
        }
    }

    /// A track ends, is muted, or may not be heard any more. Says whether it had a seat.
    pub fn vacate(&mut self, track: TrackKey) -> bool {
        let place = self.seat_of(track);
        if let Some(seat) = place.and_then(|place| self.seats.get_mut(place)) {
            *seat = None;
        }
        place.is_some()
    }

    /// Somebody without a seat speaks, or a seat is free: gives when to look.
    #[inline]
    pub fn call(&mut self, now: Instant) -> Instant {
        let soonest = self.looked_at.map_or(now, |at| now.max(at + LOOK_INTERVAL));
        *self.look_at.get_or_insert(soonest)
    }

    /// When to look or to tell.
    pub fn deadline(&self) -> Option<Instant> {
        let tell = self.told_at.filter(|_| self.is_news()).map(|at| at + TELL_INTERVAL);
        self.look_at.into_iter().chain(tell).min()
    }

    /// Whether it is time to look.
    pub fn is_due(&self, now: Instant) -> bool {
        self.look_at.is_some_and(|at| at <= now)
    }

    /// Begins a look at who speaks.
    pub fn begin(&mut self, now: Instant) {
        (self.looked_at, self.look_at) = (Some(now), None);
        self.waiting.clear();
        self.seats.iter_mut().flatten().for_each(|seat| seat.is_here = false);
    }

    /// A track that may be heard by everybody.
    pub fn add(&mut self, contender: Contender) {
        let mut held = self.seats.iter_mut().flatten();
        if let Some(seat) = held.find(|seat| seat.holder.participant == contender.participant) {
            if seat.holder.track == contender.track {
                (seat.holder, seat.is_here) = (contender, true);
            }
            return;
        }
        if contender.is_voiced {
            self.wait(contender);
        }
    }

    /// Ends the look: whoever is to have a seat has it. Says whether any has changed hands.
    pub fn finish(&mut self, now: Instant) -> bool {
        let slots = self.slots();
        let before: SmallVec<[Option<TrackKey>; MAX_SEATS]> = self.holders().collect();
        for seat in &mut self.seats {
            *seat = seat.filter(|seat| seat.is_here);
        }
        // Who has the last seat waits for another one.
        let last = self.seats.last_mut().and_then(Option::take);
        if let Some(last) = last.filter(|last| last.holder.is_voiced) {
            self.wait(last.holder);
        }
        for _ in 0..slots {
            if !self.seat_first(now, 0..slots) {
                break;
            }
        }
        let is_free = |last: &Seat| self.seat_of(last.holder.track).is_none();
        if let Some(place) = self.seats.last().map(|_| slots) {
            self.seats[place] = last.filter(is_free);
            self.waiting.retain(|waiting| last.is_none_or(|l| l.holder.track != waiting.track));
            self.seat_first(now, place..place + 1);
        }
        !before.into_iter().eq(self.holders())
    }

    /// Who sits where, where that is not what was told last and it is time to tell.
    pub fn news(&mut self, now: Instant) -> Option<Vec<Option<SoundSeat>>> {
        let is_early =
            self.told_at.is_some_and(|at| now.saturating_duration_since(at) < TELL_INTERVAL);
        if is_early || !self.is_news() {
            return None;
        }
        self.told_at = Some(now);
        self.told = self.seen().collect();
        Some(self.told.to_vec())
    }

    fn is_news(&self) -> bool {
        let is_empty = self.told.is_empty() && self.seen().all(|seat| seat.is_none());
        !is_empty && !self.seen().eq(self.told.iter().copied())
    }

    fn seen(&self) -> impl Iterator<Item = Option<SoundSeat>> {
        let told =
            |seat: Seat| SoundSeat { participant: seat.holder.participant, track: seat.holder.id };
        self.seats.iter().map(move |seat| seat.map(told))
    }

    fn holders(&self) -> impl Iterator<Item = Option<TrackKey>> {
        self.seats.iter().map(|seat| seat.map(|seat| seat.holder.track))
    }

    /// Puts somebody among those who wait, by how loud he is.
    fn wait(&mut self, contender: Contender) {
        let same = |other: &Contender| other.participant == contender.participant;
        if let Some(place) = self.waiting.iter().position(same) {
            if self.waiting[place].strength_db <= contender.strength_db {
                return;
            }
            self.waiting.remove(place);
        }
        let is_quieter = |other: &Contender| {
            (other.strength_db, other.id) > (contender.strength_db, contender.id)
        };
        let place = self.waiting.iter().position(is_quieter).unwrap_or(self.waiting.len());
        if place >= MAX_SEATS {
            return;
        }
        self.waiting.truncate(MAX_SEATS - 1);
        self.waiting.insert(place, contender);
    }

    /// Gives one of some seats to who waits first: a free one, or that of somebody clearly quieter.
    fn seat_first(&mut self, now: Instant, places: std::ops::Range<usize>) -> bool {
        let Some(first) = self.waiting.first().copied() else { return false };
        let Some(seats) = self.seats.get_mut(places) else { return false };
        let taken = Some(Seat { holder: first, since: now, is_here: true });
        if let Some(free) = seats.iter_mut().find(|seat| seat.is_none()) {
            *free = taken;
            self.waiting.remove(0);
            return true;
        }
        let may_lose = |seat: &&mut Option<Seat>| {
            seat.is_some_and(|seat| now.saturating_duration_since(seat.since) >= TENURE)
        };
        let strength = |seat: &Option<Seat>| seat.map_or(0.0, |seat| seat.holder.strength_db);
        let quietest =
            seats.iter_mut().filter(may_lose).max_by(|a, b| strength(a).total_cmp(&strength(b)));
        let Some(seat) = quietest else { return false };
        if strength(seat) < first.strength_db + MARGIN_DB {
            return false;
        }
        let former = std::mem::replace(seat, taken);
        self.waiting.remove(0);
        // Who has just spoken is next.
        if let Some(former) = former.filter(|seat| seat.holder.strength_db < VOICE_DB) {
            self.wait(former.holder);
        }
        true
    }
}

#[cfg(test)]
mod tests;
