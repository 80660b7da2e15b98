//! The subscriber's side of a peer: its subscriptions, and what it may be sent again.

use crate::arena::TrackKey;
use crate::bucket::Bucket;
use crate::forwarder::Forwarder;
use crate::limits::{
    FIRST_REPORT_DELAY, MAX_SUBSCRIPTIONS_PER_PEER, NACKED_AT_ONCE, NACKED_PER_SECOND,
};
use crate::nack::Budget;
use crate::path::Path;
use crate::redundancy::Redundancy;
use crate::sealed::Sealed;
use lectern_wire::rtcp::TransportFeedback;
use lectern_wire::{Bitrate, SeqNo, Ssrc};
use std::time::{Duration, Instant};

/// Streams that ended and whose numbers must go on if they begin again: sequence numbers are
/// indices of encryption and must never repeat under one key.
const MAX_RETIRED: usize = 4 * MAX_SUBSCRIPTIONS_PER_PEER;

/// Below so many hundredths of what was shared out, that is done anew at once.
const OVERDRAWN: u64 = 95;

/// Where the forwarder of a subscription lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscription {
    /// The stream at the subscriber.
    pub ssrc: Ssrc,
    /// The track.
    pub track: TrackKey,
    /// The forwarder's place in the track.
    pub slot: usize,
}

/// A sound slot of a peer.
#[derive(Debug)]
pub struct Slot {
    /// The stream at the subscriber.
    pub ssrc: Ssrc,
    /// Its forwarder while it carries nobody; otherwise it is the track's.
    pub parked: Option<Forwarder>,
}

/// What a peer receives.
#[derive(Debug)]
pub struct Egress {
    /// What may be sent again.
    pub budget: Budget,
    /// What may be asked for again.
    pub requests: Bucket,
    /// The smoothed round trip, from the peer's reports.
    pub round_trip: Option<Duration>,
    /// When it is to be shared out what the path can take; `None` while nothing is watched.
    pub allocate_at: Option<Instant>,
    /// What was shared out last.
    pub allocated: Option<Bitrate>,
    /// What the path can take, and what waits for it.
    pub path: Path,
    /// What goes with its sound against loss.
    pub redundancy: Redundancy,
    /// Its sound as it left.
    pub sealed: Sealed,
    /// When reports are to be sent next.
    pub report_due: Option<Instant>,
    /// Ordered by SSRC; sound slots among them while they carry somebody.
    subscriptions: Vec<Subscription>,
    slots: Vec<Slot>,
    retired: Vec<(Ssrc, SeqNo)>,
    lost_256ths: u64,
    blocks: u64,
    turn: u64,
}

impl Egress {
    /// Nothing is received yet.
    pub fn new(now: Instant) -> Egress {
        Egress {
            budget: Budget::default(),
            requests: Bucket::new(now, NACKED_AT_ONCE, NACKED_PER_SECOND),
            round_trip: None,
            allocate_at: None,
            allocated: None,
            path: Path::default(),
            redundancy: Redundancy::default(),
            sealed: Sealed::default(),
            report_due: None,
            turn: 0,
            subscriptions: Vec::new(),
            slots: Vec::new(),
            retired: Vec::new(),
            lost_256ths: 0,
            blocks: 0,
        }
    }

    /// Whether much less can be sent than was shared out.
    pub fn is_overdrawn(&self, target: Option<Bitrate>) -> bool {
        let (Some(target), Some(allocated)) = (target, self.allocated) else { return false };
        target.as_bps().saturating_mul(100) < allocated.as_bps().saturating_mul(OVERDRAWN)
    }

    /// What is watched, or what there is of it, has changed: bandwidth is to be shared out anew, where
    /// it is. Says whether.
    pub fn reallocate(&mut self, now: Instant) -> bool {
        let is_shared_out = self.path.target().is_some();
        if is_shared_out {
            self.allocate_at = Some(now);
        }
        is_shared_out
    }

    /// The peer tells what has come.
    pub fn handle_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        let path = &self.path;
        self.redundancy.handle_feedback(now, feedback, |number| path.has_sent(number));
        self.heed_loss(now);
    }

    /// The peer asks for sound again: so many packets of so many.
    pub fn handle_nack(&mut self, now: Instant, lost: u32, sent: u32) {
        self.redundancy.handle_nack(now, lost, sent);
        self.sealed.begin(now);
    }

    /// The peer tells in 256ths how much it has lost of its sound.
    pub fn handle_loss_of_sound(&mut self, now: Instant, fraction_lost: u8) {
        self.redundancy.handle_report(now, fraction_lost);
        self.heed_loss(now);
    }

    /// Where something is lost, sound is kept to be repeated.
    fn heed_loss(&mut self, now: Instant) {
        match self.redundancy.distance() {
            0 => self.sealed.rest(now),
            _ => self.sealed.begin(now),
        }
    }

    /// Counts packets of probes, so that each is another one.
    pub fn next_turn(&mut self) -> u64 {
        self.turn = self.turn.wrapping_add(1);
        self.turn
    }

    /// A stream has begun: its first sender report is to follow soon. Gives when.
    pub fn report_soon(&mut self, now: Instant) -> Instant {
        let soon = now + FIRST_REPORT_DELAY;
        let due = self.report_due.map_or(soon, |due| due.min(soon));
        *self.report_due.insert(due)
    }

    /// All subscriptions, ordered by SSRC.
    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// The subscription that is sent under an SSRC.
    pub fn by_ssrc(&self, ssrc: Ssrc) -> Option<Subscription> {
        let place = self.subscriptions.binary_search_by_key(&ssrc, |known| known.ssrc).ok()?;
        self.subscriptions.get(place).copied()
    }

    /// The subscription to a track; a sound slot that carries it is none.
    pub fn by_track(&self, track: TrackKey) -> Option<Subscription> {
        let is_to = |known: &&Subscription| known.track == track && !self.is_slot(known.ssrc);
        self.subscriptions.iter().find(is_to).copied()
    }

    /// The sound slots, in their order.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Replaces the sound slots; gives the former ones.
    pub fn set_slots(&mut self, slots: Vec<Slot>) -> Vec<Slot> {
        std::mem::replace(&mut self.slots, slots)
    }

    /// Whether a stream is a sound slot's.
    pub fn is_slot(&self, ssrc: Ssrc) -> bool {
        self.slots.iter().any(|slot| slot.ssrc == ssrc)
    }

    /// A sound slot does not carry its track any more.
    pub fn leave(&mut self, ssrc: Ssrc) {
        if let Ok(place) = self.subscriptions.binary_search_by_key(&ssrc, |known| known.ssrc) {
            self.subscriptions.remove(place);
        }
    }

    /// Keeps the forwarder of a sound slot that carries nobody.
    pub fn park(&mut self, mut forwarder: Forwarder) {
        forwarder.wait();
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.ssrc == forwarder.ssrc) {
            slot.parked = Some(forwarder);
        }
    }

    /// Takes the forwarder of a sound slot that carries nobody.
    pub fn unpark(&mut self, place: usize) -> Option<Forwarder> {
        self.slots.get_mut(place)?.parked.take()
    }

    /// Adds a subscription; `false` where its SSRC is taken.
    #[must_use]
    pub fn insert(&mut self, subscription: Subscription) -> bool {
        let ssrc = subscription.ssrc;
        if self.slots.iter().any(|slot| slot.ssrc == ssrc && slot.parked.is_some()) {
            return false;
        }
        match self.subscriptions.binary_search_by_key(&ssrc, |known| known.ssrc) {
            Ok(_) => false,
            Err(place) => {
                self.subscriptions.insert(place, subscription);
                true
            }
        }
    }

    /// Takes the subscription to a track out.
    pub fn remove(&mut self, track: TrackKey) -> Option<Subscription> {
        let ssrc = self.by_track(track)?.ssrc;
        let place = self.subscriptions.iter().position(|known| known.ssrc == ssrc)?;
        Some(self.subscriptions.remove(place))
    }

    /// Takes all subscriptions out: the peer goes.
    pub fn take_subscriptions(&mut self) -> Vec<Subscription> {
        std::mem::take(&mut self.subscriptions)
    }

    /// A forwarder has moved to another place in its track.
    pub fn moved(&mut self, ssrc: Ssrc, slot: usize) {
        if let Ok(place) = self.subscriptions.binary_search_by_key(&ssrc, |known| known.ssrc) {
            self.subscriptions[place].slot = slot;
        }
    }

    /// A stream has ended; `next` is its first number that was not used.
    pub fn retire(&mut self, ssrc: Ssrc, next: SeqNo) {
        self.retired.retain(|(retired, _)| *retired != ssrc);
        if self.retired.len() >= MAX_RETIRED {
            self.retired.remove(0);
        }
        self.retired.push((ssrc, next));
    }

    /// The number with which a stream goes on that was sent before.
    pub fn retired(&self, ssrc: Ssrc) -> Option<SeqNo> {
        self.retired.iter().find(|(retired, _)| *retired == ssrc).map(|(_, next)| *next)
    }

    /// All streams that have ended.
    pub fn all_retired(&self) -> &[(Ssrc, SeqNo)] {
        &self.retired
    }

    /// A report block has come: loss in 256ths, and the round trip where it tells one.
    pub fn report(&mut self, fraction_lost: u8, round_trip: Option<Duration>) {
        self.lost_256ths += u64::from(fraction_lost);
        self.blocks += 1;
        if let Some(sample) = round_trip {
            let smoothed = self.round_trip.map_or(sample, |before| (before * 7 + sample) / 8);
            self.round_trip = Some(smoothed);
        }
    }

    /// The mean loss that was reported since the last call, 0 to 1.
    pub fn take_loss(&mut self) -> Option<f32> {
        let blocks = std::mem::take(&mut self.blocks);
        let lost = std::mem::take(&mut self.lost_256ths);
        (blocks > 0).then(|| lost as f32 / (blocks as f32 * 256.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Key;

    #[test]
    fn an_ssrc_names_one_subscription() {
        let mut egress = Egress::new(Instant::now());
        let track = TrackKey::from_index;
        for (ssrc, key) in [(7, 1), (3, 2), (5, 3)] {
            let subscription = Subscription { ssrc: Ssrc(ssrc), track: track(key), slot: 0 };
            assert!(egress.insert(subscription));
        }
        assert!(!egress.insert(Subscription { ssrc: Ssrc(5), track: track(9), slot: 0 }));
        egress.moved(Ssrc(5), 4);
        assert_eq!(egress.by_ssrc(Ssrc(5)).map(|s| (s.track, s.slot)), Some((track(3), 4)));
        assert_eq!(egress.remove(track(3)).map(|s| s.ssrc), Some(Ssrc(5)));
        assert_eq!(egress.by_ssrc(Ssrc(5)), None);
        assert_eq!(egress.by_track(track(2)).map(|s| s.ssrc), Some(Ssrc(3)));
    }

    #[test]
    fn the_numbers_of_an_ended_stream_are_remembered() {
        let mut egress = Egress::new(Instant::now());
        egress.retire(Ssrc(1), SeqNo(10));
        egress.retire(Ssrc(1), SeqNo(20));
        assert_eq!(egress.retired(Ssrc(1)), Some(SeqNo(20)));
        for ssrc in 0..2 * MAX_RETIRED as u32 {
            egress.retire(Ssrc(100 + ssrc), SeqNo(1));
        }
        assert_eq!(egress.all_retired().len(), MAX_RETIRED);
    }

    #[test]
    fn loss_is_the_mean_of_the_reports() {
        let mut egress = Egress::new(Instant::now());
        egress.report(64, Some(Duration::from_millis(80)));
        egress.report(0, None);
        assert_eq!(egress.take_loss(), Some(0.125));
        assert_eq!(egress.take_loss(), None);
        assert_eq!(egress.round_trip, Some(Duration::from_millis(80)));
    }
}
