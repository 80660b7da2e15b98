//! How many bytes passed in the last moments: a ring of short intervals.

use super::units::{Micros, rate_of};

const INTERVALS: usize = 128;

/// Bytes by the time at which they passed. Never grows.
#[derive(Debug)]
pub struct Meter {
    interval: Micros,
    sums: [u32; INTERVALS],
    /// The interval of the latest time.
    head: i64,
    /// The first time ever.
    first: Option<Micros>,
    /// The latest time.
    last: Micros,
}

impl Meter {
    /// Counts in intervals of this length, and remembers 128 of them.
    pub fn new(interval: Micros) -> Meter {
        Meter { interval: interval.max(1), sums: [0; INTERVALS], head: 0, first: None, last: 0 }
    }

    /// So many bytes passed at this time.
    pub fn add(&mut self, at: Micros, bytes: u32) {
        if self.first.is_none() {
            self.first = Some(at);
            self.head = at.div_euclid(self.interval);
            self.last = at;
        }
        self.advance(at);
        let interval = at.div_euclid(self.interval);
        if self.head.saturating_sub(interval) >= INTERVALS as i64 {
            return;
        }
        let place = interval.rem_euclid(INTERVALS as i64) as usize;
        if let Some(sum) = self.sums.get_mut(place) {
            *sum = sum.saturating_add(bytes);
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Micros) {
        if self.first.is_none() || now <= self.last {
            return;
        }
        self.last = now;
        let interval = now.div_euclid(self.interval);
        let passed = interval.saturating_sub(self.head).min(INTERVALS as i64);
        for step in 1..=passed {
            let place = interval.saturating_sub(passed - step).rem_euclid(INTERVALS as i64);
            if let Some(sum) = self.sums.get_mut(place as usize) {
                *sum = 0;
            }
        }
        self.head = interval;
    }

    /// Bits a second over the last `window`, or since the first byte where that is less; `None`
    /// before two intervals have passed.
    pub fn rate(&self, window: Micros) -> Option<f64> {
        let first = self.first?;
        let wanted = (window / self.interval).clamp(1, INTERVALS as i64 - 1);
        let mut begins = self.head.saturating_sub(wanted).saturating_add(1);
        begins = begins.max(first.div_euclid(self.interval));
        let since = self.last.saturating_sub(begins.saturating_mul(self.interval).max(first));
        if since < 2 * self.interval {
            return None;
        }
        let bytes = (begins..=self.head).map(|interval| {
            let place = interval.rem_euclid(INTERVALS as i64) as usize;
            self.sums.get(place).copied().map_or(0.0, f64::from)
        });
        Some(rate_of(bytes.sum(), since))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Meter::new(self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::congestion::units::MILLI;

    #[test]
    fn a_steady_stream_has_its_rate() {
        let mut meter = Meter::new(10 * MILLI);
        for at in 0..1_000 {
            meter.add(at * MILLI, 125);
        }
        let rate = meter.rate(200 * MILLI).expect("long enough");
        assert!((rate - 1_000_000.0).abs() < 10_000.0, "{rate}");
        meter.advance(1_100 * MILLI);
        let rate = meter.rate(200 * MILLI).expect("long enough");
        assert!((rate - 500_000.0).abs() < 50_000.0, "{rate}");
        meter.advance(100_000 * MILLI);
        assert_eq!(meter.rate(1_000 * MILLI), Some(0.0));
    }

    #[test]
    fn jumps_of_time_are_harmless() {
        let mut meter = Meter::new(10 * MILLI);
        for at in [0, i64::MAX, i64::MIN, -5, 0, i64::MAX - 1, 7] {
            meter.add(at, u32::MAX);
            meter.advance(at);
            assert!(meter.rate(i64::MAX).is_none_or(f64::is_finite));
        }
    }
}
