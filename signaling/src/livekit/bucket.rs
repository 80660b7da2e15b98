//! How much one socket may send.

use std::time::{Duration, Instant};

/// Messages a second, on average: the busiest interfaces send a few dozen.
const MESSAGES_A_SECOND: u32 = 50;
/// Messages at once: a client that comes back sends everything it held back.
const BURST: u32 = 500;
/// A long message counts once more for each of these: reading it costs as much as many short ones.
/// The descriptions of ordinary meetings count as three.
const BYTES_A_MESSAGE: usize = 4 << 10;

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

    /// Takes a message of so many bytes; false where the bucket does not hold it.
    pub fn take(&mut self, now: Instant, bytes: usize) -> bool {
        let each = Duration::from_secs(1) / MESSAGES_A_SECOND;
        let counts = u32::try_from(1 + bytes / BYTES_A_MESSAGE).unwrap_or(BURST);
        let full_at = self.full_at.max(now) + each * counts.min(BURST);
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
        let passed = (0..2 * BURST).filter(|_| bucket.take(now, 100)).count();
        assert_eq!(passed, BURST as usize);
        let later = now + Duration::from_secs(1);
        let passed = (0..BURST).filter(|_| bucket.take(later, 100)).count();
        assert_eq!(passed, MESSAGES_A_SECOND as usize);
    }

    #[test]
    fn long_messages_count_more() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        let passed = (0..BURST).filter(|_| bucket.take(now, 256 << 10)).count();
        assert_eq!(passed, 7);
        assert!(bucket.take(now, 100), "what does not fit takes nothing");
    }
}
