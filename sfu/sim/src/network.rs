//! One direction of a network path: rate and queue, delay, jitter, loss, reordering, duplication,
//! outages. Pure: time is an argument, all chance comes from a seed.

mod bottleneck;
mod config;
mod trace;

#[cfg(test)]
mod tests;

pub use config::{Burst, Config, Order, Outage, Place, RateStep};
pub use trace::{MAX_SAMPLES, Sample, Trace};

use bottleneck::Bottleneck;
use lectern_wire::{Bitrate, DataSize};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Packets under way at once: at 1,200 bytes, 600 ms of 1 Gb/s. More are dropped and counted.
pub const MAX_IN_FLIGHT: usize = 1 << 16;

/// What became of the packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Handed to the link.
    pub pushed: u64,
    /// Taken out at the other end, duplicates included.
    pub popped: u64,
    /// Lost at random or in a burst.
    pub lost: u64,
    /// Lost in an outage.
    pub cut: u64,
    /// Dropped because the queue, or the whole link, was full.
    pub overflowed: u64,
    /// Held back.
    pub reordered: u64,
    /// Sent twice.
    pub duplicated: u64,
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Counters) {
        self.pushed += other.pushed;
        self.popped += other.popped;
        self.lost += other.lost;
        self.cut += other.cut;
        self.overflowed += other.overflowed;
        self.reordered += other.reordered;
        self.duplicated += other.duplicated;
    }
}

/// One direction of a path, with the packets under way on it.
#[derive(Debug)]
pub struct Link<P> {
    config: Config,
    random: StdRng,
    began: Instant,
    /// The latest time it was told.
    now: Instant,
    is_bad: bool,
    bottleneck: Bottleneck<P>,
    /// When the last packet in order arrives.
    last_arrival: Instant,
    sequence: u64,
    in_flight: BinaryHeap<Reverse<InFlight<P>>>,
    counters: Counters,
    trace: Option<Trace>,
}

/// A packet behind the queue, ordered by its arrival, then by its sending.
#[derive(Debug)]
struct InFlight<P> {
    arrival: Instant,
    sequence: u64,
    packet: P,
}

impl<P> PartialEq for InFlight<P> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<P> Eq for InFlight<P> {}

impl<P> PartialOrd for InFlight<P> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> Ord for InFlight<P> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.arrival, self.sequence).cmp(&(other.arrival, other.sequence))
    }
}

impl<P: Clone> Link<P> {
    /// A link that behaves the same each time it is made from the same seed.
    pub fn new(now: Instant, config: Config, seed: u64) -> Link<P> {
        Link {
            config,
            random: StdRng::seed_from_u64(seed),
            began: now,
            now,
            is_bad: false,
            bottleneck: Bottleneck::new(now),
            last_arrival: now,
            sequence: 0,
            in_flight: BinaryHeap::new(),
            counters: Counters::default(),
            trace: None,
        }
    }

    /// Changes what the link does to packets from now on; its times go on counting.
    pub fn set_config(&mut self, config: Config) {
        self.bottleneck.settle(self.now, &self.config, self.began);
        self.config = config;
    }

    /// Changes what the link does to packets, with times that count from `now`.
    pub fn begin(&mut self, now: Instant, config: Config) {
        self.advance(now);
        self.set_config(config);
        self.began = self.now;
    }

    /// What it does to packets.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What became of the packets so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Packets under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len() + self.bottleneck.len()
    }

    /// Begins to write down what happens, in samples of `every`; what was written before is gone.
    pub fn start_trace(&mut self, now: Instant, every: Duration) {
        self.trace = Some(Trace::new(now, every));
    }

    /// What happened since [`Self::start_trace`].
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// How long a packet would wait in the queue that came now.
    pub fn queue_delay(&self) -> Duration {
        self.bottleneck.delay(self.now, self.rate(self.now))
    }

    /// Sends a packet of `size` at `now`, which never goes back.
    pub fn push(&mut self, now: Instant, size: DataSize, packet: P) {
        self.advance(now);
        self.counters.pushed += 1;
        self.note(now, |sample| sample.offered = sample.offered.plus(size));
        if self.config.losses_at == Place::BeforeQueue && self.loses(now) {
            return;
        }
        let has_room = self.in_flight() < MAX_IN_FLIGHT;
        if self.rate(now).is_none() && self.bottleneck.len() == 0 && has_room {
            return self.leave(now, size, packet);
        }
        let limit = self.config.queue;
        if !has_room || !self.bottleneck.push(now, size, packet, limit) {
            self.counters.overflowed += 1;
            return self.note(now, |sample| sample.dropped += 1);
        }
        let delay = self.queue_delay();
        self.note(now, |sample| sample.queue_delay = sample.queue_delay.max(delay));
    }

    /// The next packet that has arrived by `now`.
    pub fn pop(&mut self, now: Instant) -> Option<P> {
        self.advance(now);
        if self.in_flight.peek()?.0.arrival > now {
            return None;
        }
        let Reverse(next) = self.in_flight.pop()?;
        self.counters.popped += 1;
        Some(next.packet)
    }

    /// When the next packet leaves the queue or arrives: when to look again.
    pub fn deadline(&self) -> Option<Instant> {
        let arrival = self.in_flight.peek().map(|Reverse(next)| next.arrival);
        let departure = self.bottleneck.next(&self.config, self.began);
        arrival.into_iter().chain(departure).min()
    }

    fn rate(&self, at: Instant) -> Option<Bitrate> {
        self.config.rate_at(at.saturating_duration_since(self.began)).0
    }

    /// Lets leave the queue what has left it by `now`.
    fn advance(&mut self, now: Instant) {
        while let Some(at) = self.bottleneck.next(&self.config, self.began).filter(|at| *at <= now)
        {
            self.note(at, |_| ());
            let Some((size, packet)) = self.bottleneck.pop(at) else { break };
            self.now = self.now.max(at);
            if self.config.losses_at == Place::BeforeQueue || !self.loses(at) {
                self.leave(at, size, packet);
            }
        }
        self.now = self.now.max(now);
        self.note(now, |_| ());
    }

    /// Whether a packet is lost at `at`, which is counted.
    fn loses(&mut self, at: Instant) -> bool {
        let is_cut = self.config.is_out(at.saturating_duration_since(self.began));
        let is_lost = !is_cut && self.is_lost();
        self.counters.cut += u64::from(is_cut);
        self.counters.lost += u64::from(is_lost);
        if is_cut || is_lost {
            self.note(at, |sample| sample.lost += 1);
        }
        is_cut || is_lost
    }

    fn is_lost(&mut self) -> bool {
        if let Some(burst) = self.config.burst {
            let turns = if self.is_bad { burst.leave } else { burst.enter };
            self.is_bad ^= self.chance(turns);
            if self.is_bad && self.chance(burst.loss) {
                return true;
            }
        }
        self.chance(self.config.loss)
    }

    fn chance(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.random.random_bool(chance.min(1.0))
    }

    /// A packet goes from the queue onto the line.
    fn leave(&mut self, at: Instant, size: DataSize, packet: P) {
        self.note(at, |sample| sample.delivered = sample.delivered.plus(size));
        if self.chance(self.config.duplication) && self.in_flight() < MAX_IN_FLIGHT {
            self.counters.duplicated += 1;
            self.deliver(at, packet.clone());
        }
        self.deliver(at, packet);
    }

    fn deliver(&mut self, departure: Instant, packet: P) {
        let jitter = self.config.jitter.mul_f64(self.random.random());
        let mut arrival = departure + self.config.delay + jitter;
        if self.chance(self.config.reordering) {
            self.counters.reordered += 1;
            arrival += self.config.reordering_delay;
        } else if self.config.order == Order::Kept {
            arrival = arrival.max(self.last_arrival);
            self.last_arrival = arrival;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        self.in_flight.push(Reverse(InFlight { arrival, sequence, packet }));
    }

    /// Writes into the trace, where there is one.
    fn note(&mut self, at: Instant, write: impl FnOnce(&mut Sample)) {
        let Some(trace) = &mut self.trace else { return };
        let (bottleneck, config, began) = (&self.bottleneck, &self.config, self.began);
        let silent = |at: Instant| {
            let rate = config.rate_at(at.saturating_duration_since(began)).0;
            (bottleneck.delay(at, rate), rate)
        };
        if let Some(sample) = trace.at(at, silent) {
            write(sample);
        }
    }
}
