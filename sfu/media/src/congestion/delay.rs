//! How long packets wait in the network: the one-way delay above the least one of the last half
//! minute. The two clocks need not agree, only run at about the same speed.

use super::units::{MILLI, Micros};

/// Lengths of the intervals whose minima are kept: for the path itself, and for what stands now.
const BASE_INTERVAL: Micros = 2_000 * MILLI;
const BASE_INTERVALS: usize = 16;
const STANDING_INTERVAL: Micros = 25 * MILLI;
const STANDING_INTERVALS: usize = 16;
/// Packets that the minimum of now is taken from, at least, and the time.
const STANDING_PACKETS: u32 = 8;
const STANDING_TIME: usize = 4;
/// The same for the latest moment.
const LATEST_PACKETS: u32 = 3;

/// Minima of consecutive intervals.
#[derive(Debug, Clone, Copy)]
struct Minimum {
    delay: Micros,
    packets: u32,
}

const NONE: Minimum = Minimum { delay: Micros::MAX, packets: 0 };

#[derive(Debug)]
struct Minima<const N: usize> {
    interval: Micros,
    ring: [Minimum; N],
    head: i64,
    is_empty: bool,
}

impl<const N: usize> Minima<N> {
    fn new(interval: Micros) -> Self {
        Minima { interval, ring: [NONE; N], head: 0, is_empty: true }
    }

    fn add(&mut self, at: Micros, delay: Micros) {
        let interval = at.div_euclid(self.interval);
        if self.is_empty {
            self.head = interval;
            self.is_empty = false;
        }
        let passed = interval.saturating_sub(self.head).min(N as i64);
        for step in 1..=passed {
            let place = interval.saturating_sub(passed - step).rem_euclid(N as i64) as usize;
            if let Some(minimum) = self.ring.get_mut(place) {
                *minimum = NONE;
            }
        }
        self.head = self.head.max(interval);
        let place = self.head.rem_euclid(N as i64) as usize;
        if let Some(minimum) = self.ring.get_mut(place) {
            minimum.delay = minimum.delay.min(delay);
            minimum.packets = minimum.packets.saturating_add(1);
        }
    }

    /// The latest interval first.
    fn latest(&self) -> impl Iterator<Item = Minimum> + '_ {
        (0..N as i64).filter_map(|ago| {
            let place = self.head.saturating_sub(ago).rem_euclid(N as i64) as usize;
            self.ring.get(place).copied()
        })
    }
}

/// The delays of the packets of one transport.
#[derive(Debug)]
pub struct Delay {
    base: Minima<BASE_INTERVALS>,
    standing: Minima<STANDING_INTERVALS>,
    /// Mean difference between neighbours.
    jitter: f64,
    previous: Option<Micros>,
    /// The longest wait of late; shrinks by a five-hundredth with each packet.
    longest: f64,
}

impl Delay {
    /// Without a packet yet.
    pub fn new() -> Delay {
        Delay {
            base: Minima::new(BASE_INTERVAL),
            standing: Minima::new(STANDING_INTERVAL),
            jitter: 0.0,
            previous: None,
            longest: 0.0,
        }
    }

    /// A packet arrived at this time with this delay, which may be negative: it compares two
    /// clocks. Says how long the packet has waited.
    pub fn add(&mut self, arrival: Micros, delay: Micros) -> Micros {
        self.base.add(arrival, delay);
        self.standing.add(arrival, delay);
        if let Some(previous) = self.previous.replace(delay) {
            let difference = delay.saturating_sub(previous).unsigned_abs() as f64;
            self.jitter += (difference.min(1e6) - self.jitter) / 32.0;
        }
        let waited = delay.saturating_sub(self.path().unwrap_or(delay)).max(0);
        self.longest = (self.longest * 0.998).max(waited as f64);
        waited
    }

    /// How long every packet waits now, at least: what is left when jitter is taken out.
    pub fn queue(&self) -> Micros {
        let Some(path) = self.path() else { return 0 };
        let (mut least, mut packets) = (Micros::MAX, 0u32);
        for (index, minimum) in self.standing.latest().enumerate() {
            if index >= STANDING_TIME && packets >= STANDING_PACKETS {
                break;
            }
            least = least.min(minimum.delay);
            packets = packets.saturating_add(minimum.packets);
        }
        if packets == 0 { 0 } else { least.saturating_sub(path).max(0) }
    }

    /// How long the latest packets wait, at least: grows at once, and knows less of jitter.
    pub fn latest(&self) -> Micros {
        let Some(path) = self.path() else { return 0 };
        let latest = self.standing.latest().find(|minimum| minimum.packets >= LATEST_PACKETS);
        latest.map_or(0, |minimum| minimum.delay.saturating_sub(path).max(0))
    }

    /// The longest wait of late.
    pub fn longest(&self) -> Micros {
        self.longest as Micros
    }

    /// The mean difference between the delays of neighbours.
    pub fn jitter(&self) -> Micros {
        self.jitter as Micros
    }

    fn path(&self) -> Option<Micros> {
        self.base.latest().map(|minimum| minimum.delay).min().filter(|delay| *delay != Micros::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_told_from_jitter() {
        let mut delay = Delay::new();
        let jitter = |step: i64| step * 7_919 % 40_000;
        for step in 0..1_000 {
            delay.add(step * 2 * MILLI, -5_000_000 + jitter(step));
        }
        assert!(delay.queue() < 3 * MILLI, "{}", delay.queue());
        assert!(delay.jitter() > 5 * MILLI);
        for step in 1_000..1_100 {
            delay.add(step * 2 * MILLI, -5_000_000 + jitter(step) + 50 * MILLI);
        }
        assert!((47..55).contains(&(delay.queue() / MILLI)), "{}", delay.queue());
    }

    #[test]
    fn a_longer_path_is_accepted_after_half_a_minute() {
        let mut delay = Delay::new();
        delay.add(0, 10 * MILLI);
        for step in 0..3_500 {
            delay.add(step * 10 * MILLI, 90 * MILLI);
        }
        assert_eq!(delay.queue(), 0);
    }

    #[test]
    fn garbage_is_harmless() {
        let mut delay = Delay::new();
        for at in [i64::MIN, 0, i64::MAX, 5, -7, i64::MAX] {
            for value in [i64::MAX, 0, i64::MIN] {
                assert!(delay.add(at, value) >= 0);
                assert!(delay.queue() >= 0 && delay.jitter() >= 0 && delay.longest() >= 0);
            }
        }
    }
}
