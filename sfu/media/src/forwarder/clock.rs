//! Timestamps over a switch: they go on by the time that has passed.

use super::{Forwarder, Source};
use lectern_wire::{MediaTime, RtpTime, Ssrc};
use std::time::Instant;

/// How far the timestamp that follows from two sender reports may be from the one that follows
/// from the time that has passed, in seconds; a report further off is not believed.
const MAX_CLOCK_ERROR_SECONDS: u32 = 2;

/// Frames of sound a second, as nearly everybody sends them.
const SOUND_FRAMES_PER_SECOND: u32 = 50;

impl Forwarder {
    /// The timestamp that goes on where the stream stopped, and how far that is ahead of the time
    /// that has passed: where one voice follows on another in a slot, the last frame of the former
    /// is to be heard out.
    pub(super) fn timestamp_at_switch(
        &self,
        now: Instant,
        source: &Source<'_>,
        live: RtpTime,
    ) -> (RtpTime, i32) {
        let (Some(latest), Some(last_sent)) = (self.rewriter.latest_timestamp(), self.last_sent)
        else {
            return (live, 0);
        };
        let rate = source.encoding.clock_rate();
        let passed = MediaTime::from_duration(now.saturating_duration_since(last_sent), rate);
        let passed = passed.wrapped_ticks().saturating_sub(self.ahead);
        let frame = (rate / SOUND_FRAMES_PER_SECOND).cast_signed();
        let least = if self.follows_another(source) { frame } else { 1 };
        let step = passed.max(least);
        let guess = latest.plus(step);
        let exact = self.translate(source, live).filter(|exact| {
            let error = exact.since(guess).unsigned_abs();
            exact.since(latest) > 0 && error <= rate * MAX_CLOCK_ERROR_SECONDS
        });
        let ahead = if least == frame { step.saturating_sub(passed).clamp(0, frame) } else { 0 };
        exact.map_or((guess, ahead), |exact| (exact, 0))
    }

    /// Whether another track was forwarded before.
    fn follows_another(&self, source: &Source<'_>) -> bool {
        let stream = self.stream();
        stream.is_some_and(|stream| stream.track != source.encoding.stream.track)
    }

    /// A timestamp of an encoding on the subscriber's clock as it was before a switch.
    fn translate(&self, source: &Source<'_>, timestamp: RtpTime) -> Option<RtpTime> {
        let Some(segment) = self.rewriter.current() else {
            let (ssrc, offset) = self.resumes?;
            let same = source.encoding.ssrc == Some(Ssrc(ssrc));
            return same.then_some(RtpTime(timestamp.0.wrapping_add(offset)));
        };
        if segment.stream == source.encoding.stream {
            return Some(segment.live_timestamp(timestamp));
        }
        let former = source.encodings.iter().find(|former| former.stream == segment.stream)?;
        let translated = source.encoding.clock?.translate(timestamp, &former.clock?);
        Some(segment.live_timestamp(translated))
    }
}
