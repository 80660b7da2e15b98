//! How much redundancy (RFC 2198) a subscriber's sound is sent with: none on a clean path, then up to
//! two earlier packets beside each. `sfu/docs/sound-repair.md` has the thresholds with their reasons.

use lectern_wire::rtcp::TransportFeedback;
use std::time::{Duration, Instant};

/// Earlier packets that go with one, at most.
pub const MAX_DISTANCE: usize = 2;
/// Losses count less and less, by a factor of e in this time: a hundred packets of one voice.
const MEMORY: Duration = Duration::from_secs(2);
/// Of fewer packets nothing is concluded.
const LEAST_EXPECTED: f32 = 5.0;
/// Nor of fewer losses: one is an accident.
const LEAST_LOST: f32 = 1.5;
/// The part of all packets whose loss begins a distance. One copy leaves the square of it, which at
/// four in a hundred is 0.16 %: half of what is to be concealed at most.
const BEGINS_AT: [f32; MAX_DISTANCE] = [0.01, 0.04];
/// The part below which it is done without again, well under that which began it.
const ENDS_BELOW: [f32; MAX_DISTANCE] = [0.005, 0.02];
/// For how long it must stay below: bad radio comes back within seconds, and each beginning comes after
/// losses that nothing repairs.
const CALM: Duration = Duration::from_secs(10);
/// Packets between two feedbacks that are taken for lost; more are a new beginning.
const MOST_BETWEEN: u16 = 100;
/// Packets of sound between two reports of a client that tells nothing else.
const REPORTED_PACKETS: f32 = 50.0;

/// What one subscriber loses, and the redundancy that answers it.
#[derive(Debug, Default)]
pub struct Redundancy {
    lost: f32,
    expected: f32,
    learned_at: Option<Instant>,
    /// The highest transport-wide number that was counted, and in which feedback.
    counted: Option<(u16, u8)>,
    distance: usize,
    /// Since when less would do.
    calm_since: Option<Instant>,
}

impl Redundancy {
    /// How many earlier packets are sent beside each.
    #[inline]
    pub fn distance(&self) -> usize {
        self.distance
    }

    /// The subscriber tells which packets have come. What it tells again is not counted again, nor are
    /// numbers that no packet had. What lies between two feedbacks that follow each other was lost as
    /// well: some clients begin each with a packet that has come.
    pub fn handle_feedback(
        &mut self,
        now: Instant,
        feedback: &TransportFeedback<'_>,
        was_sent: impl Fn(u16) -> bool,
    ) {
        let (mut lost, mut expected) = (0.0, 0.0);
        let mut count = |sequence: u16, is_lost: bool| {
            if was_sent(sequence) {
                expected += 1.0;
                lost += f32::from(u8::from(is_lost));
            }
        };
        if let Some((counted, which)) = self.counted
            && feedback.feedback_count == which.wrapping_add(1)
        {
            let between = feedback.base_sequence.wrapping_sub(counted).wrapping_sub(1);
            let lost = if between <= MOST_BETWEEN { between } else { 0 };
            (1..=lost).for_each(|step| count(counted.wrapping_add(step), true));
        }
        for status in feedback.statuses() {
            let is_newer = |(counted, _): (u16, u8)| {
                matches!(status.sequence.wrapping_sub(counted), 1..=0x7fff)
            };
            if self.counted.is_none_or(is_newer) {
                count(status.sequence, status.arrival.is_none());
                self.counted = Some((status.sequence, feedback.feedback_count));
            }
        }
        if let Some((_, which)) = &mut self.counted {
            *which = feedback.feedback_count;
        }
        self.learn(now, lost, expected);
    }

    /// A report block about a stream of sound: 256ths of its packets were lost. Counts where the
    /// subscriber tells nothing better.
    pub fn handle_report(&mut self, now: Instant, fraction_lost: u8) {
        if self.counted.is_none() {
            let lost = f32::from(fraction_lost) / 256.0 * REPORTED_PACKETS;
            self.learn(now, lost, REPORTED_PACKETS);
        }
    }

    /// So many packets of sound are asked for again, for the first time, of so many that were sent since
    /// that was last the case. Counts where the subscriber tells nothing better: reports are seconds
    /// apart, and what was repeated is not lost in them.
    pub fn handle_nack(&mut self, now: Instant, lost: u32, sent: u32) {
        if self.counted.is_none() && lost > 0 {
            // However long it was quiet, now is what matters.
            let sent = (sent as f32).min(REPORTED_PACKETS);
            self.learn(now, lost as f32, sent.max(lost as f32));
        }
    }

    fn learn(&mut self, now: Instant, lost: f32, expected: f32) {
        let since = self.learned_at.map_or(Duration::MAX, |at| now.saturating_duration_since(at));
        let kept = (-since.as_secs_f32() / MEMORY.as_secs_f32()).exp();
        self.learned_at = Some(now);
        self.lost = self.lost * kept + lost;
        self.expected = self.expected * kept + expected;
        if self.expected < LEAST_EXPECTED {
            return;
        }
        let share = self.lost / self.expected;
        let is_lossy = self.lost >= LEAST_LOST;
        let wanted = BEGINS_AT.iter().filter(|begin| is_lossy && share >= **begin).count();
        if wanted >= self.distance {
            self.distance = wanted;
            self.calm_since = None;
            return;
        }
        let ends_below = self.distance.checked_sub(1).and_then(|place| ENDS_BELOW.get(place));
        if ends_below.is_some_and(|end| share >= *end) {
            self.calm_since = None;
            return;
        }
        let since = *self.calm_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= CALM {
            self.distance -= 1;
            self.calm_since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_wire::Ssrc;
    use lectern_wire::rtcp::transport_wide::FeedbackHeader;
    use lectern_wire::rtcp::{self, Packet, packets};

    /// Twenty packets every 100 ms, of which one in `every` is lost; 0 for none.
    fn run(redundancy: &mut Redundancy, now: &mut Instant, seconds: u32, every: u32) {
        for step in 0..seconds * 10 {
            let numbers = step * 20..step * 20 + 20;
            let lost = numbers.filter(|n| every > 0 && n % every == 0).count();
            redundancy.learn(*now, lost as f32, 20.0);
            *now += Duration::from_millis(100);
        }
    }

    #[test]
    fn loss_begins_redundancy_and_more_loss_makes_it_more() {
        let (mut now, mut redundancy) = (Instant::now(), Redundancy::default());
        run(&mut redundancy, &mut now, 30, 0);
        assert_eq!(redundancy.distance(), 0);
        run(&mut redundancy, &mut now, 5, 50);
        assert_eq!(redundancy.distance(), 1);
        run(&mut redundancy, &mut now, 2, 10);
        assert_eq!(redundancy.distance(), 2);
    }

    #[test]
    fn a_clean_path_ends_it_step_by_step_and_a_single_loss_begins_nothing() {
        let (mut now, mut redundancy) = (Instant::now(), Redundancy::default());
        run(&mut redundancy, &mut now, 3, 10);
        assert_eq!(redundancy.distance(), 2);
        run(&mut redundancy, &mut now, 9, 0);
        assert_eq!(redundancy.distance(), 2, "not at the first quiet moment");
        run(&mut redundancy, &mut now, 9, 0);
        assert_eq!(redundancy.distance(), 1);
        run(&mut redundancy, &mut now, 12, 0);
        assert_eq!(redundancy.distance(), 0);
        for _ in 0..10 {
            redundancy.learn(now, 1.0, 100.0);
            now += Duration::from_secs(10);
        }
        assert_eq!(redundancy.distance(), 0);
    }

    #[test]
    fn loss_between_the_thresholds_changes_nothing() {
        let (mut now, mut redundancy) = (Instant::now(), Redundancy::default());
        run(&mut redundancy, &mut now, 5, 60);
        assert_eq!(redundancy.distance(), 1);
        // Seven in a thousand would not begin it, and do not end it.
        run(&mut redundancy, &mut now, 60, 140);
        assert_eq!(redundancy.distance(), 1);
    }

    /// A feedback about numbers from `base` on, and whether each has come.
    fn feedback(bytes: &mut [u8], count: u8, base: u16, came: &[bool]) -> usize {
        let times = (0..).map(|place| Duration::from_millis(20 * place));
        let arrivals = came.iter().zip(times).map(|(came, time)| came.then_some(time));
        let arrivals: Vec<Option<Duration>> = arrivals.collect();
        let (sender, media) = (Ssrc(1), Ssrc(2));
        let header = FeedbackHeader { sender, media, base_sequence: base, feedback_count: count };
        let mut writer = rtcp::Writer::new(bytes);
        writer.transport_feedback(&header, &arrivals).expect("room");
        writer.len()
    }

    #[test]
    fn each_number_that_was_sent_is_counted_once_and_a_hole_between_feedbacks_too() {
        let (now, mut redundancy) = (Instant::now(), Redundancy::default());
        let mut hear = |count: u8, base: u16, came: &[bool]| {
            let mut bytes = [0; 200];
            let len = feedback(&mut bytes, count, base, came);
            let Some(Ok(Packet::TransportFeedback(read))) = packets(&bytes[..len]).next() else {
                panic!("a feedback");
            };
            redundancy.handle_feedback(now, &read, |sequence| sequence != 65_534);
            (redundancy.lost, redundancy.expected)
        };
        assert_eq!(hear(255, 65_530, &[true, false, true]), (1.0, 3.0));
        assert_eq!(hear(0, 65_531, &[true, true, true, true]), (1.0, 4.0), "one is new");
        // Nothing was sent under 65,534, and what is between is lost.
        assert_eq!(hear(1, 0, &[true]), (2.0, 6.0));
        assert_eq!(hear(3, 5, &[true]), (2.0, 7.0), "a feedback is missing: nobody knows");
    }

    #[test]
    fn what_is_asked_for_counts_at_once_where_there_is_no_feedback() {
        let (mut now, mut redundancy) = (Instant::now(), Redundancy::default());
        redundancy.handle_nack(now, 1, 100_000);
        assert_eq!(redundancy.distance(), 0);
        for _ in 0..5 {
            now += Duration::from_millis(200);
            redundancy.handle_nack(now, 1, 10);
        }
        assert_eq!(redundancy.distance(), 2);
    }

    #[test]
    fn reports_count_where_there_is_nothing_else() {
        let (now, mut redundancy) = (Instant::now(), Redundancy::default());
        redundancy.handle_report(now, 25);
        assert_eq!(redundancy.distance(), 2);
        let mut other = Redundancy { counted: Some((1, 1)), ..Redundancy::default() };
        other.handle_report(now, 25);
        assert_eq!(other.distance(), 0);
    }
}
