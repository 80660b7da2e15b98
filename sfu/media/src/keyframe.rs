//! Keyframes of one encoding: requests towards the publisher, and when a group has grown old.
//!
//! However many subscribers ask, one request is sent at most every [`KEYFRAME_INTERVAL`], and it is
//! repeated until the keyframe has come: requests get lost like any packet.

use crate::limits::{
    KEYFRAME_EAGER_TRIES, KEYFRAME_INTERVAL, REFRESH_FRAMES, REFRESH_GROWTH, REFRESH_INTERVAL,
};
use lectern_wire::RtpTime;
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

/// How a keyframe and what depends on it have grown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Group {
    keyframe: RtpTime,
    keyframe_bytes: u32,
    bytes: u32,
    latest: RtpTime,
    frames: u32,
    begun: Option<Instant>,
}

impl Group {
    /// How large its keyframe is, as far as it has come.
    pub fn keyframe_bytes(&self) -> u32 {
        self.keyframe_bytes
    }

    /// A packet has come. Says whether the group has grown so much that a new keyframe is due for
    /// the sake of those who will join.
    pub fn grow(
        &mut self,
        now: Instant,
        timestamp: RtpTime,
        starts_keyframe: bool,
        bytes: usize,
    ) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        if starts_keyframe && (self.begun.is_none() || timestamp != self.keyframe) {
            let begun = Some(now);
            *self = Group { keyframe: timestamp, latest: timestamp, begun, ..Group::default() };
        }
        let Some(begun) = self.begun else { return false };
        self.bytes = self.bytes.saturating_add(bytes);
        if timestamp == self.keyframe {
            self.keyframe_bytes = self.keyframe_bytes.saturating_add(bytes);
        }
        if timestamp != self.latest {
            self.latest = timestamp;
            self.frames = self.frames.saturating_add(1);
        }
        let is_big = self.bytes > self.keyframe_bytes.saturating_mul(REFRESH_GROWTH);
        let is_old = now.saturating_duration_since(begun) >= REFRESH_INTERVAL;
        is_old && (is_big || self.frames > REFRESH_FRAMES)
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

    /// Frames of so many bytes, 30 a second for a minute: how often a refresh is wanted.
    fn refreshes(keyframe_bytes: usize, frame_bytes: usize, answers: bool) -> usize {
        let start = Instant::now();
        let mut group = Group::default();
        let mut keyframe = true;
        let mut refreshes = 0;
        for frame in 0..1_800u32 {
            let now = start + Duration::from_millis(33) * frame;
            let bytes = if keyframe { keyframe_bytes } else { frame_bytes };
            let wanted = group.grow(now, RtpTime(frame * 3_000), keyframe, bytes);
            refreshes += usize::from(wanted);
            keyframe = wanted && answers;
        }
        refreshes
    }

    #[test]
    fn a_group_that_grows_is_begun_anew_every_ten_seconds() {
        assert_eq!(refreshes(100_000, 2_000, true), 5);
    }

    #[test]
    fn a_still_screen_is_left_alone() {
        let start = Instant::now();
        let mut group = Group::default();
        assert!(!group.grow(start, RtpTime(0), true, 150_000));
        for second in 1..100u32 {
            let now = start + Duration::from_secs(1) * second;
            assert!(!group.grow(now, RtpTime(second * 90_000), false, 500));
        }
    }

    #[test]
    fn nothing_is_wanted_before_the_first_keyframe() {
        let mut group = Group::default();
        let now = Instant::now() + REFRESH_INTERVAL * 2;
        assert!((0..1_000).all(|frame| !group.grow(now, RtpTime(frame), false, 1_000)));
        assert!(refreshes(1_000, 1_000, false) > 100, "wanted until it comes");
    }
}
