//! Asks a node for its clock, and what the answers say. Pure.

use crate::clock::unix_us;
use crate::live::ClockSample;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time between two pings: clocks drift by some microseconds in it.
const PING_EVERY: Duration = Duration::from_secs(1);
/// The first come faster, so that the best of some is known before much is recorded.
const FIRST_EVERY: Duration = Duration::from_millis(50);
/// How many are the first.
const FIRST: u32 = 6;
/// Pings that may be answered; an older answer says little.
const MAX_UNANSWERED: usize = 8;
/// Samples of which the best is given to a recording that begins.
const REMEMBERED: usize = 8;
/// A longer way than this says nothing of a clock.
const MAX_RTT: Duration = Duration::from_secs(10);

/// Pings of one link.
#[derive(Debug)]
pub(super) struct Pings {
    sent: VecDeque<(u64, Instant)>,
    samples: VecDeque<ClockSample>,
    count: u32,
    next_at: Instant,
}

impl Pings {
    /// The first is due at once.
    pub(super) fn new(now: Instant) -> Pings {
        let (sent, samples) = (VecDeque::new(), VecDeque::new());
        Pings { sent, samples, count: 0, next_at: now }
    }

    /// When the next is due.
    pub(super) fn next_at(&self) -> Instant {
        self.next_at
    }

    /// Sends one: what it carries.
    pub(super) fn ping(&mut self, now: Instant) -> u64 {
        let sent_unix_us = unix_us();
        self.sent.push_back((sent_unix_us, now));
        if self.sent.len() > MAX_UNANSWERED {
            self.sent.pop_front();
        }
        self.count = self.count.saturating_add(1);
        self.next_at = now + if self.count < FIRST { FIRST_EVERY } else { PING_EVERY };
        sent_unix_us
    }

    /// Takes an answer. One that was not asked for, or that cannot be true, is nothing.
    pub(super) fn pong(
        &mut self,
        now: Instant,
        sent_unix_us: u64,
        at_unix_us: u64,
    ) -> Option<ClockSample> {
        let index = self.sent.iter().position(|(sent, _)| *sent == sent_unix_us)?;
        let (_, sent) = self.sent.remove(index)?;
        let rtt = now.saturating_duration_since(sent);
        if rtt > MAX_RTT {
            return None;
        }
        let rtt_us = u32::try_from(rtt.as_micros()).ok()?;
        let middle = sent_unix_us.checked_add(u64::from(rtt_us / 2))?;
        let offset_us = i64::try_from(i128::from(at_unix_us) - i128::from(middle)).ok()?;
        let sample = ClockSample { at_unix_us: middle, offset_us, rtt_us };
        self.samples.push_back(sample);
        if self.samples.len() > REMEMBERED {
            self.samples.pop_front();
        }
        Some(sample)
    }

    /// The best of the last samples.
    pub(super) fn best(&self) -> Option<ClockSample> {
        self.samples.iter().min_by_key(|sample| sample.rtt_us).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_the_node_s_clock_in_the_middle_of_the_way() {
        let begun = Instant::now();
        let mut pings = Pings::new(begun);
        let sent = pings.ping(begun);
        let now = begun + Duration::from_millis(20);
        let sample = pings.pong(now, sent, sent + 10_000 + 777).expect("a sample");
        assert_eq!((sample.offset_us, sample.rtt_us), (777, 20_000));
        assert_eq!(pings.pong(now, sent, sent), None, "answered already");
        assert_eq!(pings.best(), Some(sample));
    }

    #[test]
    fn answers_that_cannot_be_true_are_nothing() {
        let begun = Instant::now();
        let mut pings = Pings::new(begun);
        let sent = pings.ping(begun);
        assert_eq!(pings.pong(begun, sent ^ 1, 0), None);
        assert!(pings.pong(begun, sent, u64::MAX).is_none_or(|sample| sample.offset_us > 0));
        let sent = pings.ping(begun);
        assert_eq!(pings.pong(begun + Duration::from_secs(60), sent, sent), None);
    }

    #[test]
    fn the_first_pings_come_faster() {
        let begun = Instant::now();
        let mut pings = Pings::new(begun);
        for _ in 0..FIRST + 2 {
            pings.ping(pings.next_at());
        }
        let took = pings.next_at() - begun;
        assert_eq!(took, FIRST_EVERY * (FIRST - 1) + PING_EVERY * 3);
    }
}
