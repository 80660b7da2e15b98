//! A token bucket: so much at once, and so much over time.
//!
//! Libraries for this neither give back what was taken, which keeps good links out of the count of
//! guesses, nor tell which bucket is as good as new, which bounds a table of them.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// How much a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    each: Duration,
    burst: NonZeroU32,
}

impl Quota {
    /// So many a minute on average, and `burst` at once.
    pub fn per_minute(count: NonZeroU32, burst: NonZeroU32) -> Quota {
        Quota { each: Duration::from_secs(60) / count.get(), burst }
    }

    /// So many a second on average, and `burst` at once.
    pub fn per_second(count: NonZeroU32, burst: NonZeroU32) -> Quota {
        Quota { each: Duration::from_secs(1) / count.get(), burst }
    }
}

/// A bucket; its quota is kept by whoever has many of them.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// The moment at which the bucket would be full again.
    full_at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(now: Instant) -> Bucket {
        Bucket { full_at: now }
    }

    /// Takes so much, and never asks for more than a full bucket holds. Where that is not there
    /// nothing is taken, and the answer says how long to wait.
    pub fn take(&mut self, quota: Quota, now: Instant, count: u32) -> Result<(), Duration> {
        let burst = quota.burst.get();
        let full_at = self.full_at.max(now) + quota.each * count.min(burst);
        let wait = full_at.duration_since(now).saturating_sub(quota.each * burst);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Gives back one that was taken.
    pub fn give_back(&mut self, quota: Quota) {
        self.full_at = self.full_at.checked_sub(quota.each).unwrap_or(self.full_at);
    }

    /// Whether it is as good as new.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota() -> Quota {
        let number = |n| NonZeroU32::new(n).expect("not zero");
        Quota::per_second(number(50), number(500))
    }

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        let passed = (0..1_000).filter(|_| bucket.take(quota(), now, 1).is_ok()).count();
        assert_eq!(passed, 500);
        let later = now + Duration::from_secs(1);
        let passed = (0..500).filter(|_| bucket.take(quota(), later, 1).is_ok()).count();
        assert_eq!(passed, 50);
        assert_eq!(bucket.take(quota(), later, 2), Err(Duration::from_millis(40)));
    }

    #[test]
    fn what_does_not_fit_takes_nothing_and_what_is_given_back_can_be_taken_again() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        assert!(bucket.take(quota(), now, 499).is_ok());
        assert!(bucket.take(quota(), now, 2).is_err());
        assert!(bucket.take(quota(), now, 1).is_ok());
        bucket.give_back(quota());
        assert!(bucket.take(quota(), now, 1).is_ok());
        assert!(bucket.take(quota(), now, 1).is_err());
        let mut fresh = Bucket::new(now);
        fresh.give_back(quota());
        let passed = (0..1_000).filter(|_| fresh.take(quota(), now, 1).is_ok()).count();
        assert_eq!(passed, 500, "never more than full");
    }
}
