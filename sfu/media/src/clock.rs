//! Two clocks: the engine's own wall clock, and the sender's clock of one stream as its sender
//! reports tell it (RFC 3550 section 6.4.1).

use lectern_wire::{MediaTime, NtpTime, RtpTime};
use std::time::{Duration, Instant};

/// The engine's wall clock: follows from one moment known on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    instant: Instant,
    unix: Duration,
}

impl WallClock {
    /// A clock that showed `unix` at `instant`.
    pub fn new(instant: Instant, unix: Duration) -> WallClock {
        WallClock { instant, unix }
    }

    /// The time since 1970.
    pub fn unix(&self, now: Instant) -> Duration {
        match now.checked_duration_since(self.instant) {
            Some(passed) => self.unix.saturating_add(passed),
            None => self.unix.saturating_sub(self.instant.saturating_duration_since(now)),
        }
    }
}

/// One moment on a sender's wall clock, on its stream's clock, and on ours.
#[derive(Debug, Clone, Copy)]
pub struct SenderClock {
    ntp: NtpTime,
    rtp: RtpTime,
    heard: Instant,
    rate: u32,
}

impl SenderClock {
    /// What a sender report says that came at `heard`; `rate` is in ticks a second.
    pub fn new(ntp: NtpTime, rtp: RtpTime, heard: Instant, rate: u32) -> SenderClock {
        SenderClock { ntp, rtp, heard, rate }
    }

    /// The sender's wall clock as the report told it.
    pub fn reported(&self) -> NtpTime {
        self.ntp
    }

    /// When the report came.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Both of the sender's clocks now.
    pub fn at(&self, now: Instant) -> (NtpTime, RtpTime) {
        let passed = now.saturating_duration_since(self.heard);
        let ticks = MediaTime::from_duration(passed, self.rate).wrapped_ticks();
        (NtpTime(self.ntp.0.wrapping_add(ntp_units(passed))), self.rtp.plus(ticks))
    }

    /// The same moment on the clock of another stream of the same sender.
    pub fn translate(&self, timestamp: RtpTime, other: &SenderClock) -> RtpTime {
        let since_report = i128::from(timestamp.since(self.rtp));
        let between_reports = i128::from(self.ntp.0.wrapping_sub(other.ntp.0).cast_signed());
        let in_other = (since_report << 32) / i128::from(self.rate.max(1)) + between_reports;
        let ticks = (in_other * i128::from(other.rate) + (1 << 31)) >> 32;
        other.rtp.plus(ticks as i32)
    }
}

fn ntp_units(duration: Duration) -> u64 {
    ((duration.as_nanos() << 32) / 1_000_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_on_after_its_report() {
        let start = Instant::now();
        let ntp = NtpTime::from_unix(Duration::from_secs(1_700_000_000));
        let clock = SenderClock::new(ntp, RtpTime(u32::MAX - 44_999), start, 90_000);
        let (later, rtp) = clock.at(start + Duration::from_millis(1_500));
        assert_eq!(rtp, RtpTime(90_000));
        assert_eq!(later.to_unix(), Duration::from_millis(1_700_000_001_500));
    }

    #[test]
    fn one_moment_has_a_timestamp_on_each_stream() {
        let start = Instant::now();
        let unix = Duration::from_secs(1_700_000_000);
        let low = SenderClock::new(NtpTime::from_unix(unix), RtpTime(1_000), start, 90_000);
        let later = NtpTime::from_unix(unix + Duration::from_millis(700));
        let high = SenderClock::new(later, RtpTime(4_000_000_000), start, 90_000);
        // 700 ms after the first report is the moment of the second.
        assert_eq!(low.translate(RtpTime(64_000), &high), RtpTime(4_000_000_000));
        assert_eq!(high.translate(RtpTime(4_000_000_000), &low), RtpTime(64_000));
        assert_eq!(high.translate(RtpTime(4_000_000_090), &low), RtpTime(64_090));
        let before = low.translate(RtpTime(1_000), &high);
        assert_eq!(before, RtpTime(4_000_000_000 - 63_000));
    }

    #[test]
    fn garbage_in_a_report_does_not_overflow() {
        let start = Instant::now();
        let one = SenderClock::new(NtpTime(u64::MAX), RtpTime(0), start, 90_000);
        let other = SenderClock::new(NtpTime(0), RtpTime(u32::MAX), start, 48_000);
        for clock in [one, other] {
            for timestamp in [0, 1 << 31, u32::MAX] {
                let _ = one.translate(RtpTime(timestamp), &clock);
                let _ = other.translate(RtpTime(timestamp), &clock);
            }
            let _ = clock.at(start + Duration::from_secs(1 << 40));
        }
    }

    #[test]
    fn the_wall_clock_runs_both_ways_from_its_epoch() {
        let start = Instant::now();
        let clock = WallClock::new(start + Duration::from_secs(5), Duration::from_secs(100));
        assert_eq!(clock.unix(start), Duration::from_secs(95));
        assert_eq!(clock.unix(start + Duration::from_secs(6)), Duration::from_secs(101));
    }
}
