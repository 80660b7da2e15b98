//! The queue before a rate: first in, first out, what does not fit is dropped.

use super::Config;
use lectern_wire::{Bitrate, DataSize};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A packet takes no longer than this, however low the rate: time must not overflow.
const MAX_TRANSMISSION: Duration = Duration::from_secs(3_600);

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// Packets that wait for the rate; the first of them is being sent.
#[derive(Debug)]
pub(super) struct Bottleneck<P> {
    waiting: VecDeque<(DataSize, P)>,
    size: DataSize,
    /// What is left of the first packet at `since`: bits times nanoseconds in a second.
    left: u128,
    since: Instant,
}

impl<P> Bottleneck<P> {
    pub fn new(now: Instant) -> Bottleneck<P> {
        Bottleneck { waiting: VecDeque::new(), size: DataSize::ZERO, left: 0, since: now }
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a packet, unless there is no room; an idle line takes any.
    pub fn push(&mut self, now: Instant, size: DataSize, packet: P, limit: DataSize) -> bool {
        let total = self.size.plus(size);
        if !self.waiting.is_empty() && total > limit {
            return false;
        }
        if self.waiting.is_empty() {
            (self.left, self.since) = (work(size), now);
        }
        self.size = total;
        self.waiting.push_back((size, packet));
        true
    }

    /// When the first packet will have left, under a configuration whose times count from `began`.
    pub fn next(&self, config: &Config, began: Instant) -> Option<Instant> {
        self.waiting.front()?;
        let (mut at, mut left) = (self.since, self.left);
        loop {
            let (rate, ends) = config.rate_at(at.saturating_duration_since(began));
            let Some(rate) = rate else { return Some(at) };
            let leaves = at + time_for(left, rate);
            let Some(ends) = ends.map(|ends| began + ends).filter(|ends| *ends < leaves) else {
                return Some(leaves);
            };
            left = left.saturating_sub(done(rate, ends.saturating_duration_since(at)));
            at = ends;
        }
    }

    /// Takes out the packet that left at `at`, as [`Self::next`] says.
    pub fn pop(&mut self, at: Instant) -> Option<(DataSize, P)> {
        let (size, packet) = self.waiting.pop_front()?;
        self.size = DataSize::bytes(self.size.as_bytes().saturating_sub(size.as_bytes()));
        self.left = self.waiting.front().map_or(0, |(size, _)| work(*size));
        self.since = at;
        Some((size, packet))
    }

    /// Notes how far the first packet has come, before the configuration changes.
    pub fn settle(&mut self, now: Instant, config: &Config, began: Instant) {
        while self.since < now && !self.waiting.is_empty() {
            let (rate, ends) = config.rate_at(self.since.saturating_duration_since(began));
            let until = ends.map_or(now, |ends| (began + ends).min(now));
            let passed = until.saturating_duration_since(self.since);
            let sent = rate.map_or(u128::MAX, |rate| done(rate, passed));
            self.left = self.left.saturating_sub(sent);
            self.since = until;
        }
    }

    /// How long a packet that came now would wait at `rate`.
    pub fn delay(&self, now: Instant, rate: Option<Bitrate>) -> Duration {
        let Some(rate) = rate else { return Duration::ZERO };
        let Some((first, _)) = self.waiting.front() else { return Duration::ZERO };
        let sent = done(rate, now.saturating_duration_since(self.since));
        let behind = work(self.size).saturating_sub(work(*first));
        time_for(behind.saturating_add(self.left.saturating_sub(sent)), rate)
    }
}

fn work(size: DataSize) -> u128 {
    u128::from(size.as_bytes()) * 8 * NANOS_PER_SECOND
}

fn done(rate: Bitrate, time: Duration) -> u128 {
    u128::from(rate.as_bps()).saturating_mul(time.as_nanos())
}

fn time_for(work: u128, rate: Bitrate) -> Duration {
    let rate = u128::from(rate.as_bps());
    let nanos = if rate == 0 { u128::MAX } else { work.div_ceil(rate) };
    u64::try_from(nanos).map_or(MAX_TRANSMISSION, Duration::from_nanos).min(MAX_TRANSMISSION)
}
