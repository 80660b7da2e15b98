//! Data messages: how much a peer may send, and what its messages become on the way.

use crate::DropReason;
use crate::bucket::Bucket;
use crate::limits::{
    DATA_BURST_BYTES, DATA_BURST_MESSAGES, DATA_BYTES_PER_SECOND, DATA_MESSAGES_PER_SECOND,
    MAX_LABEL_BYTES,
};
use lectern_control::limits::MAX_DATA_MESSAGE_BYTES;
use std::time::Instant;

/// How many messages and bytes a peer may still send.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    messages: Bucket,
    bytes: Bucket,
}

impl Allowance {
    /// A full allowance.
    pub fn new(now: Instant) -> Allowance {
        Allowance {
            messages: Bucket::new(now, DATA_BURST_MESSAGES, DATA_MESSAGES_PER_SECOND),
            bytes: Bucket::new(now, DATA_BURST_BYTES, DATA_BYTES_PER_SECOND),
        }
    }

    /// Whether a message may pass; if so it is counted.
    pub fn admit(&mut self, now: Instant, label: &str, payload: &[u8]) -> Result<(), DropReason> {
        if label.is_empty()
            || label.len() > MAX_LABEL_BYTES
            || payload.len() > MAX_DATA_MESSAGE_BYTES
        {
            return Err(DropReason::DataTooLarge);
        }
        // A message that finds no room for its bytes has used up its place among the messages.
        if self.messages.take(now, 1) && self.bytes.take(now, payload.len()) {
            Ok(())
        } else {
            Err(DropReason::DataRate)
        }
    }
}

/// A message as others get it: with the sender's identity at its end, as the edge wrote it.
pub fn splice(payload: &[u8], identity: &[u8]) -> Vec<u8> {
    [payload, identity].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_flood_is_held_to_the_rate() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let mut passed = 0;
        for millisecond in 0..10_000 {
            let now = start + Duration::from_millis(millisecond);
            for _ in 0..10 {
                passed += u32::from(allowance.admit(now, "chat", b"hello").is_ok());
            }
        }
        let most = DATA_BURST_MESSAGES + 10 * DATA_MESSAGES_PER_SECOND;
        assert!((most - 5..=most).contains(&passed), "{passed} messages in 10 s");
    }

    #[test]
    fn bytes_are_held_to_their_rate_too() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let big = vec![0; MAX_DATA_MESSAGE_BYTES];
        let passed = (0..1_000).filter(|_| allowance.admit(start, "file", &big).is_ok()).count();
        assert_eq!(passed, DATA_BURST_BYTES as usize / MAX_DATA_MESSAGE_BYTES);
        let later = start + Duration::from_secs(1);
        assert_eq!(allowance.admit(later, "file", &big), Ok(()));
    }

    #[test]
    fn a_message_over_a_limit_is_refused() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let too_big = vec![0; MAX_DATA_MESSAGE_BYTES + 1];
        let long_label = "x".repeat(MAX_LABEL_BYTES + 1);
        for (label, payload) in [("", &b"x"[..]), (&long_label, b"x"), ("a", &too_big)] {
            assert_eq!(allowance.admit(start, label, payload), Err(DropReason::DataTooLarge));
        }
        assert_eq!(allowance.admit(start, "a", b""), Ok(()));
    }
}
