//! One direction of a network path: rate and queue, delay, jitter, loss, reordering, duplication,
//! outages. Pure: time is an argument, all chance comes from a seed.

use lectern_wire::{Bitrate, DataSize};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Packets under way at once: at 1,200 bytes, 600 ms of 1 Gb/s. More are dropped and counted.
pub const MAX_IN_FLIGHT: usize = 1 << 16;

/// What a path does to packets.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Bits a second; `None` for a path without limit.
    pub rate: Option<Bitrate>,
    /// Bytes that may wait for the rate; what comes on top is dropped.
    pub queue: DataSize,
    /// From one end to the other, without waiting.
    pub delay: Duration,
    /// Added to the delay: anything up to this, without changing the order.
    pub jitter: Duration,
    /// The chance that a packet is lost, 0 to 1.
    pub loss: f64,
    /// Losses that come together.
    pub burst: Option<Burst>,
    /// The chance that a packet is held back while others pass it, 0 to 1.
    pub reordering: f64,
    /// How long it is held back.
    pub reordering_delay: Duration,
    /// The chance that a packet comes twice, 0 to 1.
    pub duplication: f64,
    /// When nothing passes at all.
    pub outages: Vec<Outage>,
}

/// Losses in bursts, by a chain of two states (Gilbert 1960, Elliott 1963).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// The chance to go from good to bad with each packet.
    pub enter: f64,
    /// The chance to go from bad to good with each packet.
    pub leave: f64,
    /// The chance that a packet is lost while bad; while good none is.
    pub loss: f64,
}

/// A time in which every packet sent is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it begins, after the link was made.
    pub start: Duration,
    /// How long it lasts.
    pub length: Duration,
}

impl Default for Config {
    /// A perfect path.
    fn default() -> Self {
        Config {
            rate: None,
            queue: DataSize::bytes(256 << 10),
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: 0.0,
            burst: None,
            reordering: 0.0,
            reordering_delay: Duration::from_millis(20),
            duplication: 0.0,
            outages: Vec::new(),
        }
    }
}

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
    is_bad: bool,
    /// When the last packet will have left the queue.
    free_at: Instant,
    /// When the last packet in order arrives.
    last_arrival: Instant,
    sequence: u64,
    in_flight: BinaryHeap<Reverse<InFlight<P>>>,
    counters: Counters,
}

/// A packet under way, ordered by its arrival, then by its sending.
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
            is_bad: false,
            free_at: now,
            last_arrival: now,
            sequence: 0,
            in_flight: BinaryHeap::new(),
            counters: Counters::default(),
        }
    }

    /// Changes what the link does to packets from now on.
    pub fn set_config(&mut self, config: Config) {
        self.config = config;
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
        self.in_flight.len()
    }

    /// Sends a packet of `size` at `now`, which never goes back.
    pub fn push(&mut self, now: Instant, size: DataSize, packet: P) {
        self.counters.pushed += 1;
        let since_began = now.saturating_duration_since(self.began);
        let is_cut = |outage: &Outage| {
            since_began >= outage.start && since_began - outage.start < outage.length
        };
        if self.config.outages.iter().any(is_cut) {
            self.counters.cut += 1;
            return;
        }
        if self.is_lost() {
            self.counters.lost += 1;
            return;
        }
        let Some(departure) = self.depart(now, size) else {
            self.counters.overflowed += 1;
            return;
        };
        if self.chance(self.config.duplication) {
            self.counters.duplicated += 1;
            self.deliver(departure, packet.clone());
        }
        self.deliver(departure, packet);
    }

    /// The next packet that has arrived by `now`.
    pub fn pop(&mut self, now: Instant) -> Option<P> {
        if self.deadline()? > now {
            return None;
        }
        let Reverse(next) = self.in_flight.pop()?;
        self.counters.popped += 1;
        Some(next.packet)
    }

    /// When the next packet arrives.
    pub fn deadline(&self) -> Option<Instant> {
        self.in_flight.peek().map(|Reverse(next)| next.arrival)
    }

    fn chance(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.random.random_bool(chance.min(1.0))
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

    /// When a packet leaves the queue; `None` where the queue has no room for it.
    fn depart(&mut self, now: Instant, size: DataSize) -> Option<Instant> {
        let Some(rate) = self.config.rate else { return Some(now) };
        let starts = self.free_at.max(now);
        let waiting = rate.data_in(starts.saturating_duration_since(now));
        if waiting.plus(size) > self.config.queue {
            return None;
        }
        self.free_at = starts + rate.time_for(size).min(MAX_TRANSMISSION);
        Some(self.free_at)
    }

    fn deliver(&mut self, departure: Instant, packet: P) {
        if self.in_flight.len() >= MAX_IN_FLIGHT {
            self.counters.overflowed += 1;
            return;
        }
        let jitter = self.config.jitter.mul_f64(self.random.random());
        let mut arrival = departure + self.config.delay + jitter;
        if self.chance(self.config.reordering) {
            self.counters.reordered += 1;
            arrival += self.config.reordering_delay;
        } else {
            arrival = arrival.max(self.last_arrival);
            self.last_arrival = arrival;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        self.in_flight.push(Reverse(InFlight { arrival, sequence, packet }));
    }
}

/// A packet takes no longer than this, however low the rate: time must not overflow.
const MAX_TRANSMISSION: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: DataSize = DataSize::bytes(1_000);
    const MS: Duration = Duration::from_millis(1);

    /// Sends `count` numbered packets, one a millisecond, and returns them with their delays.
    fn send(config: Config, seed: u64, count: u32) -> (Vec<(u32, Duration)>, Counters) {
        let began = Instant::now();
        let mut link = Link::new(began, config, seed);
        let mut received = Vec::new();
        for step in 0..count + 60_000 {
            let now = began + MS * step;
            if step < count {
                link.push(now, PACKET, step);
            }
            while let Some(number) = link.pop(now) {
                received.push((number, now - (began + MS * number)));
            }
            if step >= count && link.deadline().is_none() {
                break;
            }
        }
        (received, link.counters())
    }

    #[test]
    fn a_perfect_path_changes_nothing() {
        let (received, counters) = send(Config::default(), 1, 1_000);
        assert!(received.iter().enumerate().all(|(n, got)| *got == (n as u32, Duration::ZERO)));
        assert_eq!((counters.pushed, counters.popped), (1_000, 1_000));
    }

    #[test]
    fn the_same_seed_gives_the_same_network() {
        let config = Config {
            delay: 10 * MS,
            jitter: 30 * MS,
            loss: 0.1,
            reordering: 0.1,
            duplication: 0.1,
            ..Config::default()
        };
        assert_eq!(send(config.clone(), 7, 2_000), send(config.clone(), 7, 2_000));
        assert_ne!(send(config.clone(), 7, 2_000), send(config, 8, 2_000));
    }

    #[test]
    fn jitter_keeps_the_order_and_its_bounds() {
        let config = Config { delay: 10 * MS, jitter: 30 * MS, ..Config::default() };
        let (received, _) = send(config, 2, 2_000);
        assert!(received.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
        assert!(received.iter().all(|(_, delay)| (10 * MS..=41 * MS).contains(delay)));
        assert!(received.iter().any(|(_, delay)| *delay > 30 * MS));
    }

    #[test]
    fn random_loss_takes_its_share() {
        let (received, counters) = send(Config { loss: 0.2, ..Config::default() }, 3, 20_000);
        assert!((15_700..16_300).contains(&received.len()), "{}", received.len());
        assert_eq!(counters.lost + counters.popped, 20_000);
    }

    #[test]
    fn losses_in_bursts_come_together() {
        let burst = Burst { enter: 0.01, leave: 0.2, loss: 1.0 };
        let (received, counters) =
            send(Config { burst: Some(burst), ..Config::default() }, 4, 50_000);
        let gaps: Vec<u32> = received
            .windows(2)
            .map(|pair| pair[1].0 - pair[0].0 - 1)
            .filter(|lost| *lost > 0)
            .collect();
        let mean = gaps.iter().sum::<u32>() as f64 / gaps.len() as f64;
        // A burst lasts 1 / leave packets; bad is 1 / 21 of the time.
        assert!((4.3..5.7).contains(&mean), "mean burst {mean}");
        assert!((1_900..2_900).contains(&counters.lost), "{}", counters.lost);
    }

    #[test]
    fn held_back_packets_are_passed_by_others() {
        let config = Config { reordering: 0.05, ..Config::default() };
        let (received, counters) = send(config, 5, 2_000);
        let overtaken = received.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
        assert!(overtaken > 50 && counters.reordered > 50);
        let late = received.iter().filter(|(_, delay)| *delay == 20 * MS).count() as u64;
        assert_eq!((received.len(), late), (2_000, counters.reordered));
    }

    #[test]
    fn duplicates_come_right_after_the_original() {
        let (received, counters) = send(Config { duplication: 0.1, ..Config::default() }, 6, 2_000);
        let twice = received.windows(2).filter(|pair| pair[0].0 == pair[1].0).count() as u64;
        assert!(twice > 150);
        assert_eq!((twice, received.len() as u64), (counters.duplicated, 2_000 + twice));
    }

    #[test]
    fn a_slow_path_queues_and_then_drops() {
        // 8 Mb/s come in, 4 Mb/s go out, 20 packets may wait.
        let config = Config {
            rate: Some(Bitrate::kbps(4_000)),
            queue: DataSize::bytes(20_000),
            ..Config::default()
        };
        let (received, counters) = send(config, 7, 1_000);
        let longest = received.iter().map(|(_, delay)| *delay).max();
        assert!((38 * MS..=40 * MS).contains(&longest.expect("some")), "{longest:?}");
        assert!((480..=500).contains(&counters.overflowed), "{}", counters.overflowed);
    }

    #[test]
    fn nothing_passes_in_an_outage() {
        let outages = vec![Outage { start: 100 * MS, length: 50 * MS }];
        let (received, counters) = send(Config { outages, ..Config::default() }, 8, 1_000);
        assert_eq!((received.len(), counters.cut), (950, 50));
        assert!(received.iter().all(|(number, _)| !(100..150).contains(number)));
    }

    #[test]
    fn no_more_than_the_limit_is_under_way() {
        let began = Instant::now();
        let config = Config { delay: Duration::from_secs(1), ..Config::default() };
        let mut link = Link::new(began, config, 9);
        for number in 0..MAX_IN_FLIGHT + 5 {
            link.push(began, PACKET, number);
        }
        assert_eq!((link.in_flight(), link.counters().overflowed), (MAX_IN_FLIGHT, 5));
    }
}
