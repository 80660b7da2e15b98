//! Transport-wide feedback to a publisher: when its packets arrived, so that the estimator of the
//! browser works (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use crate::limits::{FEEDBACK_INTERVAL, FEEDBACK_WINDOW};
use lectern_wire::rtcp::Writer;
use lectern_wire::rtcp::transport_wide::FeedbackHeader;
use lectern_wire::{Error, Extender, SeqNo, Ssrc};
use std::time::{Duration, Instant};

/// Arrivals of one peer's packets that have not been reported yet.
#[derive(Debug, Default)]
pub struct Arrivals {
    extender: Extender,
    /// The number of the first entry of `times`.
    base: SeqNo,
    /// From `base` on; the last one has arrived.
    times: Vec<Option<Duration>>,
    sent: u8,
    due: Option<Instant>,
}

impl Arrivals {
    /// A packet has arrived at `now`, which is `time` on the wall clock: nodes have much the same
    /// one, so that a publisher that moves sees no jump. Gives the time of the next feedback.
    pub fn record(&mut self, now: Instant, time: Duration, sequence: u16) -> Instant {
        let first = self.extender.highest().is_none();
        let number = self.extender.extend(sequence);
        if first {
            self.base = number;
            self.times.reserve_exact(FEEDBACK_WINDOW);
        }
        let due = *self.due.get_or_insert(now + FEEDBACK_INTERVAL);
        // What was reported as missing stays so.
        let Some(mut place) = number.since(self.base) else { return due };
        if place >= FEEDBACK_WINDOW as u64 {
            // More than a window at once: what lies between was never sent, or is lost for good.
            self.times.clear();
            self.base = number;
            place = 0;
        }
        let place = place as usize;
        if self.times.len() <= place {
            self.times.resize(place + 1, None);
        }
        self.times[place].get_or_insert(time);
        due
    }

    /// When the next feedback is to be sent.
    pub fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Adds one feedback packet to a compound and forgets what it reports. Feedback stays due
    /// until everything is reported.
    pub fn write(
        &mut self,
        now: Instant,
        writer: &mut Writer<'_>,
        sender: Ssrc,
        media: Ssrc,
    ) -> Result<(), Error> {
        self.due = None;
        if self.times.is_empty() {
            return Ok(());
        }
        let base_sequence = self.base.wire();
        let header = FeedbackHeader { sender, media, base_sequence, feedback_count: self.sent };
        let reported = writer.transport_feedback(&header, &self.times)?;
        self.sent = self.sent.wrapping_add(1);
        self.times.drain(..reported.min(self.times.len()));
        self.base = self.base.plus(reported as u64);
        if !self.times.is_empty() {
            self.skip_missing();
            self.due = Some(now);
        }
        Ok(())
    }

    /// Forgets what has not been reported: there is nobody to report it to.
    pub fn forget(&mut self) {
        self.due = None;
        self.times.clear();
        self.base = self.extender.highest().map_or(self.base, SeqNo::next);
    }

    /// A feedback packet begins with a packet that has arrived.
    fn skip_missing(&mut self) {
        let missing = self.times.iter().take_while(|time| time.is_none()).count();
        self.times.drain(..missing);
        self.base = self.base.plus(missing as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_wire::rtcp::{Packet, packets};
    use std::collections::BTreeMap;

    /// Writes what is due and reads it back: number and milliseconds of each arrival.
    fn report(arrivals: &mut Arrivals, now: Instant, seen: &mut BTreeMap<u16, Option<i64>>) {
        while arrivals.deadline().is_some_and(|due| due <= now) {
            let mut buffer = [0; 1_200];
            let mut writer = Writer::new(&mut buffer);
            arrivals.write(now, &mut writer, Ssrc(1), Ssrc(2)).expect("room");
            let len = writer.len();
            for packet in packets(&buffer[..len]) {
                let Ok(Packet::TransportFeedback(feedback)) = packet else { panic!("{packet:?}") };
                for status in feedback.statuses() {
                    let before = seen.insert(status.sequence, status.arrival.map(|a| a.0 / 4));
                    assert_eq!(before, None, "{} was reported twice", status.sequence);
                }
            }
        }
    }

    #[test]
    fn every_packet_is_reported_once_with_its_time() {
        let start = Instant::now();
        let mut arrivals = Arrivals::default();
        let mut seen = BTreeMap::new();
        for number in 0..1_000u64 {
            let now = start + Duration::from_millis(5 * number);
            if number % 10 != 3 {
                arrivals.record(now, now - start, (65_000 + number) as u16);
            }
            report(&mut arrivals, now, &mut seen);
        }
        report(&mut arrivals, start + Duration::from_secs(6), &mut seen);
        for number in 0..1_000u64 {
            let arrival = seen[&((65_000 + number) as u16)];
            assert_eq!(arrival, (number % 10 != 3).then_some(5 * number as i64), "{number}");
        }
    }

    #[test]
    fn a_jump_does_not_fill_memory() {
        let start = Instant::now();
        let mut arrivals = Arrivals::default();
        for number in [0u16, 20_000, 40_000, 60_000, 1_000] {
            arrivals.record(start, Duration::ZERO, number);
            assert!(arrivals.times.len() <= FEEDBACK_WINDOW);
        }
        assert_eq!(arrivals.times.capacity(), FEEDBACK_WINDOW);
        let mut seen = BTreeMap::new();
        report(&mut arrivals, start + FEEDBACK_INTERVAL, &mut seen);
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [1_000]);
    }

    #[test]
    fn what_was_forgotten_is_not_reported_later() {
        let start = Instant::now();
        let mut arrivals = Arrivals::default();
        let mut seen = BTreeMap::new();
        for number in [7, 8, 12] {
            arrivals.record(start, Duration::ZERO, number);
        }
        arrivals.forget();
        assert_eq!(arrivals.deadline(), None);
        let later = start + Duration::from_secs(1);
        let due = arrivals.record(later, later - start, 14);
        assert_eq!(due, later + FEEDBACK_INTERVAL);
        report(&mut arrivals, due, &mut seen);
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(13, None), (14, Some(1_000))]);
    }

    #[test]
    fn silence_between_packets_splits_the_feedback() {
        let start = Instant::now();
        let mut arrivals = Arrivals::default();
        let mut seen = BTreeMap::new();
        arrivals.record(start, Duration::ZERO, 1);
        let minute = Duration::from_secs(60);
        arrivals.record(start + minute, minute, 4);
        report(&mut arrivals, start + Duration::from_secs(61), &mut seen);
        assert_eq!(seen[&1], Some(0));
        assert_eq!(seen[&4], Some(60_000));
    }
}
