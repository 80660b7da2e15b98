//! What a link passes while it is busy. Packets that queue one behind the other leave it at its rate,
//! however little is sent on the whole: a keyframe among little else shows what the link can do, and so
//! does what a receiver reads at once after it stood still.

use super::meter::Meter;
use super::units::{MILLI, Micros, seconds};

/// A shorter wait may be noise of the clocks.
const LEAST_WAIT: Micros = 5 * MILLI;
/// Bits over which the rate of a busy link is measured, at least.
const LEAST_BITS: f64 = 48_000.0;

/// Packets that queued, and the time it took to pass them, by the receiver's clock. Never grows.
#[derive(Debug)]
pub struct Busy {
    bytes: Meter,
    micros: Meter,
    previous: Option<Micros>,
}

impl Busy {
    /// Nothing is known yet.
    pub fn new() -> Busy {
        Busy { bytes: Meter::new(10 * MILLI), micros: Meter::new(10 * MILLI), previous: None }
    }

    /// A packet arrived that has waited for so long in the network. It queued behind the one before
    /// where it waited longer than has passed since that one came.
    pub fn add(&mut self, arrival: Micros, waited: Micros, size: u16) {
        let passed = arrival.saturating_sub(self.previous.unwrap_or(arrival));
        if passed < 0 {
            return;
        }
        let is_first = self.previous.replace(arrival).is_none();
        let queued = !is_first && waited >= LEAST_WAIT && waited > passed;
        let (bytes, micros) = if queued { (u32::from(size), passed) } else { (0, 0) };
        self.bytes.add(arrival, bytes);
        self.micros.add(arrival, u32::try_from(micros).unwrap_or(u32::MAX));
    }

    /// Bits a second while the link was busy, in the last `window`; `None` where it hardly was.
    pub fn rate(&self, window: Micros) -> Option<f64> {
        let bits = self.bytes.rate(window)?;
        let is_enough = bits * seconds(window) >= LEAST_BITS;
        // Both are sums over the same time: what is left of their quotient is bits in a microsecond.
        let micros = self.micros.rate(window)? / 8.0;
        is_enough.then(|| bits / micros.max(1e-3) * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 1,000 bytes: when each came, and how long it had waited.
    fn rate_of(packets: impl Iterator<Item = (Micros, Micros)>) -> Option<f64> {
        let mut busy = Busy::new();
        packets.for_each(|(arrival, waited)| busy.add(arrival, waited, 1_000));
        busy.rate(500 * MILLI)
    }

    #[test]
    fn a_short_burst_shows_the_rate_of_the_link() {
        // 20 packets that a link of 5 Mbit/s passes at 1.6 ms each, among silence.
        let burst = (0..20).map(|n| (1_000 * MILLI + n * 1_600, 2 * MILLI + n * 1_600));
        let later = (1..8).map(|n| (1_032 * MILLI + n * 40 * MILLI, 0));
        let rate = rate_of(burst.chain(later)).expect("it was busy");
        assert!((4.9e6..5.4e6).contains(&rate), "{rate}");
    }

    #[test]
    fn what_stood_still_and_comes_at_once_shows_no_slow_link() {
        let stalled = (0..15).map(|n| (2_000 * MILLI + n * 50, 300 * MILLI - n * 20 * MILLI));
        let before = (0..10).map(|n| (1_500 * MILLI + n * 20 * MILLI, 0));
        assert!(rate_of(before.chain(stalled)).is_some_and(|rate| rate > 50e6));
    }

    #[test]
    fn an_idle_link_shows_nothing() {
        assert_eq!(rate_of((0..50).map(|n| (n * 10 * MILLI, 3 * MILLI))), None);
        assert_eq!(rate_of((0..50).map(|n| (n * 10 * MILLI, 8 * MILLI))), None);
        assert_eq!(rate_of(std::iter::empty()), None);
    }
}
