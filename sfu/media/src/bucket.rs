//! A token bucket: so much at once, so much a second after that.

use std::time::Instant;

/// What may still pass.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    level: f64,
    capacity: f64,
    per_second: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(now: Instant, capacity: u32, per_second: u32) -> Bucket {
        let capacity = f64::from(capacity);
        Bucket { level: capacity, capacity, per_second: f64::from(per_second), filled: now }
    }

    /// Takes an amount out, if it is there.
    #[must_use]
    pub fn take(&mut self, now: Instant, amount: usize) -> bool {
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.level = (self.level + seconds * self.per_second).min(self.capacity);
        let amount = amount as f64;
        if self.level < amount {
            return false;
        }
        self.level -= amount;
        true
    }

    /// Whether there is anything left, or the debt of an earlier [`Bucket::owe`] is paid off.
    #[must_use]
    pub fn is_positive(&mut self, now: Instant) -> bool {
        self.take(now, 0) && self.level > 0.0
    }

    /// Takes an amount out, even where it is more than there is.
    pub fn owe(&mut self, amount: usize) {
        self.level -= amount as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, 100, 10);
        assert_eq!((0..1_000).filter(|_| bucket.take(start, 1)).count(), 100);
        let later = start + Duration::from_secs(3);
        assert_eq!((0..1_000).filter(|_| bucket.take(later, 1)).count(), 30);
        let much_later = start + Duration::from_secs(1_000);
        assert!(!bucket.take(much_later, 101), "never more than its capacity");
        assert!(bucket.take(much_later, 100));
    }

    #[test]
    fn a_debt_is_paid_off_first() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, 100, 10);
        assert!(bucket.is_positive(start));
        bucket.owe(150);
        assert!(!bucket.is_positive(start + Duration::from_secs(5)));
        assert!(bucket.is_positive(start + Duration::from_secs(6)));
    }
}
