//! Negative acknowledgements (RFC 4585 section 6.2.1): what is missing from a publisher, and how
//! much may be sent again to a subscriber.

use crate::limits::{
    ASSUMED_ROUND_TRIP, MAX_MISSING, MAX_NACK_TRIES, NACK_AGE, NACK_DELAY, NACK_INTERVAL,
    REMEMBERED_REPAIRS, REPAIR_BURST_BYTES, REPAIR_INTERVAL, REPAIR_SHARE, SOUND_PATIENCE,
};
use lectern_control::media::MediaKind;
use lectern_wire::SeqNo;
use std::time::{Duration, Instant};

/// The part of lost packets that may be lost again at a try.
const FAILING: f64 = 0.003;
/// No packet is sent again more often than this at once, at the first try and at each later one.
const MOST_COPIES: [u32; 2] = [3, 5];

/// A packet that has not come yet.
#[derive(Debug, Clone, Copy)]
struct Missing {
    number: SeqNo,
    since: Instant,
    asked: Option<Instant>,
    due: Instant,
    tries: u8,
}

/// Packets of one encoding that are missing, lowest number first.
#[derive(Debug)]
pub struct Losses {
    missing: Vec<Missing>,
    round_trip: Duration,
    /// The round trip is that of a packet that was asked for.
    is_measured: bool,
    /// Within this after it was missed an answer must come, or none is asked for.
    patience: Duration,
}

impl Losses {
    /// Of a picture: asked for while some jitter buffer may wait. Of sound: only while the answer is
    /// in time for the usual one, as receivers do themselves (libwebrtc's NackTracker asks while the
    /// time to play is longer than the round trip).
    pub fn new(kind: MediaKind) -> Losses {
        let patience = match kind {
            MediaKind::Audio => SOUND_PATIENCE,
            MediaKind::Video => Duration::MAX,
        };
        let (missing, round_trip) = (Vec::new(), ASSUMED_ROUND_TRIP);
        Losses { missing, round_trip, is_measured: false, patience }
    }

    /// The round trip as the transport knows it: better than a guess until a packet was asked for.
    pub fn assume(&mut self, round_trip: Option<Duration>) {
        if let Some(round_trip) = round_trip.filter(|_| !self.is_measured) {
            self.round_trip = round_trip;
        }
    }

    /// All numbers from `from` up to but without `to` were skipped. `false` where they are too
    /// many to be asked for: then nothing is asked for, and a keyframe is needed.
    #[must_use]
    pub fn skipped(&mut self, now: Instant, from: SeqNo, to: SeqNo) -> bool {
        let count = to.since(from).unwrap_or(0);
        if count > MAX_MISSING as u64 {
            self.missing.clear();
            return false;
        }
        let free = MAX_MISSING - count as usize;
        let excess = self.missing.len().saturating_sub(free);
        self.missing.drain(..excess);
        self.missing.reserve_exact(MAX_MISSING.saturating_sub(self.missing.len()));
        let due = now + NACK_DELAY;
        let numbers = (from.0..to.0).map(SeqNo);
        let missing = |number| Missing { number, since: now, asked: None, due, tries: 0 };
        self.missing.extend(numbers.map(missing));
        true
    }

    /// A late packet or a retransmission has come. Learns the round trip where it was asked for
    /// exactly once.
    pub fn arrived(&mut self, now: Instant, number: SeqNo) {
        let Ok(place) = self.missing.binary_search_by_key(&number, |missing| missing.number) else {
            return;
        };
        let missing = self.missing.remove(place);
        if let (1, Some(asked)) = (missing.tries, missing.asked) {
            let sample = now.saturating_duration_since(asked);
            self.round_trip = (self.round_trip * 7 + sample) / 8;
            self.is_measured = true;
        }
    }

    /// When [`Self::take_due`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        self.missing.iter().map(|missing| missing.due).min()
    }

    /// Gives each number that is to be asked for now to `ask`, lowest first, and forgets those that
    /// were asked for often or long enough.
    pub fn take_due(&mut self, now: Instant, mut ask: impl FnMut(SeqNo)) {
        let next = now + self.interval();
        let (round_trip, patience) = (self.round_trip, self.patience);
        self.missing.retain_mut(|missing| {
            if missing.due > now {
                return true;
            }
            let age = now.saturating_duration_since(missing.since);
            let too_old = age > NACK_AGE || age.saturating_add(round_trip) > patience;
            if too_old || missing.tries >= MAX_NACK_TRIES {
                return false;
            }
            missing.tries += 1;
            missing.asked = Some(now);
            missing.due = next;
            ask(missing.number);
            true
        });
    }

    /// Forgets everything: the stream begins anew.
    pub fn clear(&mut self) {
        self.missing.clear();
    }

    /// The round trip to the publisher, as retransmissions show it.
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }

    fn interval(&self) -> Duration {
        (self.round_trip * 5 / 4).clamp(NACK_INTERVAL, NACK_AGE)
    }
}

/// How many bytes may be sent again to one subscriber: a share of what was forwarded to it.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    bytes: u32,
    /// For what is sent more than once, so that this never costs anybody a first try.
    copies: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { bytes: REPAIR_BURST_BYTES, copies: REPAIR_BURST_BYTES }
    }
}

impl Budget {
    /// A packet was forwarded.
    #[inline]
    pub fn earn(&mut self, bytes: usize) {
        let all = u32::try_from(bytes).unwrap_or(u32::MAX);
        let of_copies = all.saturating_add(self.copies);
        self.copies = of_copies.min(REPAIR_BURST_BYTES);
        self.bytes = self.bytes.saturating_add(all / REPAIR_SHARE).min(REPAIR_BURST_BYTES);
    }

    /// Takes what a retransmission costs; `false` where the budget does not hold it.
    #[must_use]
    pub fn spend(&mut self, bytes: usize) -> bool {
        spend(&mut self.bytes, bytes)
    }

    /// Takes what one more copy of a retransmission costs.
    #[must_use]
    pub fn spend_on_copy(&mut self, bytes: usize) -> bool {
        spend(&mut self.copies, bytes)
    }
}

fn spend(purse: &mut u32, bytes: usize) -> bool {
    let left = u32::try_from(bytes).ok().and_then(|bytes| purse.checked_sub(bytes));
    if let Some(left) = left {
        *purse = left;
    }
    left.is_some()
}

/// How often a packet is sent when it is asked for the `asked`th time, on a path that loses this part of
/// all packets whatever is sent. A receiver asks again after a round trip, or a tenth of a second where it
/// knows none (libwebrtc, of pictures): a picture that needs another try mostly stands still. So nearly
/// none may fail, as far as that does not cost more than it is worth.
pub fn copies(inherent_loss: f64, asked: u32) -> u32 {
    let [first, later] = MOST_COPIES;
    let most = if asked <= 1 { first } else { later };
    let is_enough = |copies: &u32| inherent_loss.powi(copies.cast_signed()) <= FAILING;
    (1..most).find(is_enough).unwrap_or(most)
}

/// What repair adds to all that is sent on such a path: each lost packet is sent again so often.
pub fn repair_share(inherent_loss: f64) -> f64 {
    inherent_loss * f64::from(copies(inherent_loss, 1))
}

/// Which packets were sent again lately on one subscription.
#[derive(Debug, Default)]
pub struct Repairs {
    recent: Vec<Repair>,
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Repair {
    number: u64,
    at: Instant,
    asked: u32,
}

impl Repairs {
    /// Whether a packet may be sent again now; if so, that is remembered. Says how often it was asked for.
    #[must_use]
    pub fn permit(&mut self, now: Instant, number: u64) -> Option<u32> {
        if let Some(repair) = self.recent.iter_mut().find(|repair| repair.number == number) {
            let passed = now.saturating_duration_since(repair.at);
            return (passed >= REPAIR_INTERVAL).then(|| {
                (repair.at, repair.asked) = (now, repair.asked.saturating_add(1));
                repair.asked
            });
        }
        let repair = Repair { number, at: now, asked: 1 };
        if self.recent.len() < REMEMBERED_REPAIRS {
            self.recent.reserve_exact(REMEMBERED_REPAIRS - self.recent.len());
            self.recent.push(repair);
        } else {
            self.recent[self.next] = repair;
            self.next = (self.next + 1) % REMEMBERED_REPAIRS;
        }
        Some(repair.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(losses: &mut Losses, now: Instant) -> Vec<u64> {
        let mut numbers = Vec::new();
        losses.take_due(now, |number| numbers.push(number.0));
        numbers
    }

    #[test]
    fn a_packet_that_merely_came_late_is_not_asked_for() {
        let start = Instant::now();
        let mut losses = Losses::new(MediaKind::Video);
        assert!(losses.skipped(start, SeqNo(10), SeqNo(12)));
        assert!(due(&mut losses, start).is_empty());
        losses.arrived(start + NACK_DELAY / 2, SeqNo(11));
        assert_eq!(due(&mut losses, start + NACK_DELAY), [10]);
    }

    #[test]
    fn a_packet_is_asked_for_a_limited_number_of_times() {
        let start = Instant::now();
        let mut losses = Losses::new(MediaKind::Video);
        assert!(losses.skipped(start, SeqNo(10), SeqNo(11)));
        let ticks = (0..3_000).map(|ms| start + Duration::from_millis(ms));
        let asked: usize = ticks.map(|now| due(&mut losses, now).len()).sum();
        assert!((2..=usize::from(MAX_NACK_TRIES)).contains(&asked), "asked {asked} times");
        assert_eq!(losses.deadline(), None);
    }

    #[test]
    fn the_round_trip_sets_the_pace() {
        let start = Instant::now();
        let mut losses = Losses::new(MediaKind::Video);
        let round_trip = Duration::from_millis(10);
        for number in 0..50u64 {
            let now = start + Duration::from_secs(number);
            assert!(losses.skipped(now, SeqNo(number), SeqNo(number + 1)));
            let asked = now + NACK_DELAY;
            assert_eq!(due(&mut losses, asked), [number]);
            losses.arrived(asked + round_trip, SeqNo(number));
        }
        assert!(losses.round_trip() < round_trip * 3 / 2, "{:?}", losses.round_trip());
    }

    #[test]
    fn sound_is_asked_for_only_while_the_answer_is_in_time() {
        let asked = |round_trip_ms| {
            let start = Instant::now();
            let mut losses = Losses::new(MediaKind::Audio);
            losses.assume(Some(Duration::from_millis(round_trip_ms)));
            assert!(losses.skipped(start, SeqNo(10), SeqNo(11)));
            let ticks = (0..500u64).map(|ms| (ms, start + Duration::from_millis(ms)));
            let asked = ticks.filter(|(_, now)| !due(&mut losses, *now).is_empty());
            let asked: Vec<u64> = asked.map(|(ms, _)| ms + round_trip_ms).collect();
            assert_eq!(losses.deadline(), None);
            assert!(asked.iter().all(|answer| Duration::from_millis(*answer) <= SOUND_PATIENCE));
            asked.len()
        };
        assert_eq!([20, 50, 90, 120].map(asked), [4, 1, 1, 0]);
    }

    #[test]
    fn a_round_trip_that_was_measured_is_known_better() {
        let start = Instant::now();
        let mut losses = Losses::new(MediaKind::Audio);
        losses.assume(Some(Duration::from_millis(40)));
        assert_eq!(losses.round_trip(), Duration::from_millis(40));
        assert!(losses.skipped(start, SeqNo(10), SeqNo(11)));
        assert_eq!(due(&mut losses, start + NACK_DELAY), [10]);
        losses.arrived(start + NACK_DELAY + Duration::from_millis(48), SeqNo(10));
        losses.assume(Some(Duration::from_millis(5)));
        assert_eq!(losses.round_trip(), Duration::from_millis(41));
    }

    #[test]
    fn a_hole_too_big_is_not_asked_for_and_memory_stays_bounded() {
        let start = Instant::now();
        let mut losses = Losses::new(MediaKind::Video);
        assert!(!losses.skipped(start, SeqNo(0), SeqNo(MAX_MISSING as u64 + 1)));
        assert_eq!(losses.deadline(), None);
        for hole in 0..100u64 {
            assert!(losses.skipped(start, SeqNo(hole * 100), SeqNo(hole * 100 + 50)));
            assert!(losses.missing.len() <= MAX_MISSING);
        }
        assert_eq!(losses.missing.capacity(), MAX_MISSING);
    }

    #[test]
    fn a_storm_of_nacks_is_served_within_the_budget() {
        let mut budget = Budget::default();
        let mut served = 0;
        for _ in 0..10_000 {
            budget.earn(1_200);
            for _ in 0..100 {
                served += u64::from(budget.spend(1_200));
            }
        }
        assert!(served <= u64::from(REPAIR_BURST_BYTES) / 1_200 + 10_000 / 2);
    }

    #[test]
    fn what_is_lost_more_often_is_sent_more_often() {
        let first_and_second = |loss| [copies(loss, 1), copies(loss, 2)];
        assert_eq!(first_and_second(0.0), [1, 1]);
        assert_eq!(first_and_second(0.002), [1, 1]);
        assert_eq!(first_and_second(0.02), [2, 2]);
        assert_eq!(first_and_second(0.1), [3, 3]);
        assert_eq!(first_and_second(0.3), [3, 5]);
        assert_eq!(first_and_second(1.0), MOST_COPIES);
        assert_eq!(first_and_second(f64::NAN), MOST_COPIES);
        assert!((0.29..0.31).contains(&repair_share(0.1)));
    }

    #[test]
    fn copies_cost_no_first_try() {
        let mut budget = Budget::default();
        while budget.spend_on_copy(1_200) {}
        assert!(budget.spend(1_200));
        budget.earn(1_200);
        assert!(budget.spend_on_copy(1_200), "as much as is forwarded");
        assert!(!budget.spend_on_copy(1_200));
    }

    #[test]
    fn the_same_packet_is_not_sent_twice_at_once() {
        let start = Instant::now();
        let mut repairs = Repairs::default();
        assert_eq!(repairs.permit(start, 1), Some(1));
        assert_eq!(repairs.permit(start, 1), None);
        assert_eq!(repairs.permit(start, 2), Some(1));
        assert_eq!(repairs.permit(start + REPAIR_INTERVAL, 1), Some(2));
        for number in 0..1_000 {
            assert_eq!(repairs.permit(start + REPAIR_INTERVAL * 3, 10 + number), Some(1));
        }
        assert_eq!(repairs.recent.len(), REMEMBERED_REPAIRS);
    }
}
