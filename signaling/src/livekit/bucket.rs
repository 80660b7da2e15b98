//! How many messages one socket may send.

use std::time::{Duration, Instant};

/// Messages a second, on average: the busiest interfaces send a few dozen.
const MESSAGES_A_SECOND: u32 = 50;
/// Messages at once: a client that comes back sends everything it held back.
const BURST: u32 = 500;

/// A token bucket.
#[derive(Debug)]
pub struct Bucket {
    /// The moment at which the bucket would be full again.
    full_at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(now: Instant) -> Bucket {
        Bucket { full_at: now }
    }

    /// Takes one message; false where the bucket is empty.
    pub fn take(&mut self, now: Instant) -> bool {
        let each = Duration::from_secs(1) / MESSAGES_A_SECOND;
        let full_at = self.full_at.max(now) + each;
        let allowed = full_at.duration_since(now) <= each * BURST;
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        let passed = (0..2 * BURST).filter(|_| bucket.take(now)).count();
        assert_eq!(passed, BURST as usize);
        let later = now + Duration::from_secs(1);
        let passed = (0..BURST).filter(|_| bucket.take(later)).count();
        assert_eq!(passed, MESSAGES_A_SECOND as usize);
    }
}
