//! Clocks of the wire: NTP time, RTP ticks, media time.

use std::time::Duration;

/// Seconds from 1900 (NTP) to 1970 (Unix).
const UNIX_IN_NTP_SECONDS: u64 = 2_208_988_800;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A moment in NTP's 64 bits: seconds since 1900, and 2^-32ths of a second (RFC 3550 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// From the time since 1970. The seconds wrap in 2036, as NTP's do.
    pub fn from_unix(unix: Duration) -> NtpTime {
        let seconds = unix.as_secs().wrapping_add(UNIX_IN_NTP_SECONDS);
        let fraction = (u64::from(unix.subsec_nanos()) << 32)
            .checked_div(NANOS_PER_SECOND)
            .unwrap_or_default();
        NtpTime(seconds.wrapping_shl(32) | fraction)
    }

    /// The time since 1970; zero for moments before.
    pub fn to_unix(self) -> Duration {
        let seconds = (self.0 >> 32).saturating_sub(UNIX_IN_NTP_SECONDS);
        let nanos = (self.0 & 0xffff_ffff).saturating_mul(NANOS_PER_SECOND) >> 32;
        Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos))
    }

    /// The middle 32 bits, as reports quote them: 16 bits of seconds, 16 of fraction.
    pub const fn middle(self) -> u32 {
        ((self.0 >> 16) & 0xffff_ffff) as u32
    }
}

/// A stream's RTP timestamp: 32 bits of ticks that wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// Ticks from `earlier` to this, negative where this is before it; right up to 2^31 either way.
    #[inline]
    pub const fn since(self, earlier: RtpTime) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The timestamp `ticks` later, or earlier where negative.
    #[inline]
    #[must_use]
    pub const fn plus(self, ticks: i32) -> RtpTime {
        RtpTime(self.0.wrapping_add_signed(ticks))
    }
}

/// A span on a stream's clock: ticks, and how many of them make a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MediaTime {
    ticks: i64,
    clock_rate: u32,
}

impl MediaTime {
    /// `ticks` of a clock of `clock_rate` ticks a second; a rate of zero is taken as one.
    pub const fn new(ticks: i64, clock_rate: u32) -> MediaTime {
        MediaTime { ticks, clock_rate: if clock_rate == 0 { 1 } else { clock_rate } }
    }

    /// A duration in ticks of a clock, rounded down.
    pub fn from_duration(duration: Duration, clock_rate: u32) -> MediaTime {
        let nano_ticks = duration.as_nanos().saturating_mul(u128::from(clock_rate));
        let ticks = nano_ticks.checked_div(u128::from(NANOS_PER_SECOND)).unwrap_or_default();
        MediaTime::new(i64::try_from(ticks).unwrap_or(i64::MAX), clock_rate)
    }

    /// The ticks.
    pub const fn ticks(self) -> i64 {
        self.ticks
    }

    /// The ticks as they change an RTP timestamp.
    pub const fn wrapped_ticks(self) -> i32 {
        (self.ticks & 0xffff_ffff) as u32 as i32
    }

    /// Ticks a second.
    pub const fn clock_rate(self) -> u32 {
        self.clock_rate
    }

    /// The duration; zero where negative.
    pub fn to_duration(self) -> Duration {
        let ticks = u128::from(u64::try_from(self.ticks).unwrap_or(0));
        let nanos = ticks
            .saturating_mul(u128::from(NANOS_PER_SECOND))
            .checked_div(u128::from(self.clock_rate))
            .unwrap_or_default();
        u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_middle_of_ntp_time_is_what_reports_quote() {
        // RFC 3550 section 6.4.1, the example of a round trip.
        assert_eq!(NtpTime(0xb44d_b705_2000_0000).middle(), 0xb705_2000);
    }

    #[test]
    fn timestamps_wrap_both_ways() {
        assert_eq!(RtpTime(5).since(RtpTime(u32::MAX)), 6);
        assert_eq!(RtpTime(u32::MAX).since(RtpTime(5)), -6);
        assert_eq!(RtpTime(u32::MAX).plus(6), RtpTime(5));
        assert_eq!(RtpTime(0).since(RtpTime(1 << 31)), i32::MIN);
    }

    #[test]
    fn extremes_of_a_senders_clock_do_not_overflow() {
        for ntp in [NtpTime(0), NtpTime(u64::MAX)] {
            assert!(ntp.to_unix() < Duration::from_secs(1 << 32));
        }
        assert_eq!(NtpTime::from_unix(Duration::MAX).0 & 0xffff_ffff, 4_294_967_291);
        assert_eq!(MediaTime::new(i64::MAX, 0).to_duration(), Duration::MAX);
        assert_eq!(MediaTime::from_duration(Duration::MAX, u32::MAX).ticks(), i64::MAX);
    }

    proptest! {
        #[test]
        fn unix_time_survives_ntp(seconds in 0u64..2_000_000_000, nanos in 0u32..1_000_000_000) {
            let unix = Duration::new(seconds, nanos);
            let back = NtpTime::from_unix(unix).to_unix();
            prop_assert!(unix.abs_diff(back) <= Duration::from_nanos(1));
        }

        #[test]
        fn a_tick_survives_a_duration(ticks in 0i64..1 << 40, rate in prop_oneof![Just(48_000u32), Just(90_000)]) {
            let back = MediaTime::from_duration(MediaTime::new(ticks, rate).to_duration(), rate);
            prop_assert!(back.ticks().abs_diff(ticks) <= 1);
        }
    }
}
