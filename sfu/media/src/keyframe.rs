//! Keyframe requests towards the publisher, one state for each encoding.
//!
//! However many subscribers ask, one request is sent at most every [`KEYFRAME_INTERVAL`], and it is
//! repeated until the keyframe has come: requests get lost like any packet.

use crate::limits::{KEYFRAME_EAGER_TRIES, KEYFRAME_INTERVAL};
use std::time::Instant;

/// Whether a keyframe of an encoding is wanted, and when it was last asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Requests {
    wanted: bool,
    tries: u32,
    sent: Option<Instant>,
}

impl Requests {
    /// Somebody needs a keyframe.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// A keyframe has begun: nobody waits any more.
    pub fn arrived(&mut self) {
        self.wanted = false;
        self.tries = 0;
    }

    /// Whether a keyframe is wanted.
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// When the next request is to be sent; `None` where none is wanted. It may have passed.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        if !self.wanted {
            return None;
        }
        let eager = self.tries < KEYFRAME_EAGER_TRIES;
        let interval = if eager { KEYFRAME_INTERVAL } else { 4 * KEYFRAME_INTERVAL };
        Some(self.sent.map_or(now, |sent| sent + interval))
    }

    /// Whether a request is to be sent now; if so it counts as sent.
    pub fn take(&mut self, now: Instant) -> bool {
        let due = self.deadline(now).is_some_and(|at| at <= now);
        if due {
            self.sent = Some(now);
            self.tries = self.tries.saturating_add(1);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_storm_of_requests_becomes_two_a_second() {
        let start = Instant::now();
        let mut requests = Requests::default();
        let mut sent = 0;
        for millisecond in 0..2_000 {
            let now = start + Duration::from_millis(millisecond);
            requests.want();
            sent += u32::from(requests.take(now));
            if millisecond % 100 == 0 {
                requests.arrived();
            }
        }
        assert_eq!(sent, 4);
    }

    #[test]
    fn a_request_is_repeated_until_the_keyframe_comes() {
        let start = Instant::now();
        let mut requests = Requests::default();
        requests.want();
        assert!(requests.take(start));
        assert!(!requests.take(start + KEYFRAME_INTERVAL / 2));
        assert_eq!(requests.deadline(start), Some(start + KEYFRAME_INTERVAL));
        assert!(requests.take(start + KEYFRAME_INTERVAL));
        requests.arrived();
        assert_eq!(requests.deadline(start), None);
        assert!(!requests.take(start + 10 * KEYFRAME_INTERVAL));
    }

    #[test]
    fn a_publisher_that_never_answers_is_asked_more_rarely() {
        let start = Instant::now();
        let mut requests = Requests::default();
        requests.want();
        let ticks = (0..200).map(|tick| start + tick * KEYFRAME_INTERVAL);
        let sent = ticks.filter(|now| requests.take(*now)).count();
        assert!((50..=60).contains(&sent), "{sent} requests in 100 s");
    }
}
