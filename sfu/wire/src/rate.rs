//! Amounts of data, and amounts a second.

use std::time::Duration;

/// Bits a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitrate(u64);

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DataSize(u64);

const NANOS_PER_SECOND: u128 = 1_000_000_000;

impl Bitrate {
    /// No data at all.
    pub const ZERO: Bitrate = Bitrate(0);

    /// From bits a second.
    pub const fn bps(bits: u64) -> Bitrate {
        Bitrate(bits)
    }

    /// From thousands of bits a second.
    pub const fn kbps(kilobits: u64) -> Bitrate {
        Bitrate(kilobits.saturating_mul(1_000))
    }

    /// In bits a second.
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// How long `size` takes at this rate; [`Duration::MAX`] at rate zero.
    pub fn time_for(self, size: DataSize) -> Duration {
        let bit_nanos = u128::from(size.0).saturating_mul(8).saturating_mul(NANOS_PER_SECOND);
        let Some(nanos) = bit_nanos.checked_div(u128::from(self.0)) else { return Duration::MAX };
        u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
    }

    /// How much passes in `time` at this rate.
    pub fn data_in(self, time: Duration) -> DataSize {
        let bit_nanos = u128::from(self.0).saturating_mul(time.as_nanos());
        let bytes = bit_nanos.checked_div(NANOS_PER_SECOND.saturating_mul(8)).unwrap_or(0);
        DataSize(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

impl DataSize {
    /// Nothing.
    pub const ZERO: DataSize = DataSize(0);

    /// From bytes.
    pub const fn bytes(bytes: u64) -> DataSize {
        DataSize(bytes)
    }

    /// In bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// The rate at which this much passes in `time`; zero where no time passes.
    pub fn per(self, time: Duration) -> Bitrate {
        let bit_nanos = u128::from(self.0).saturating_mul(8).saturating_mul(NANOS_PER_SECOND);
        let bits = bit_nanos.checked_div(time.as_nanos()).unwrap_or(0);
        Bitrate(u64::try_from(bits).unwrap_or(u64::MAX))
    }

    /// Both together, at most [`u64::MAX`] bytes.
    #[must_use]
    pub const fn plus(self, other: DataSize) -> DataSize {
        DataSize(self.0.saturating_add(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_times_a_duration_is_a_size() {
        let second = Duration::from_secs(1);
        assert_eq!(Bitrate::kbps(8).data_in(second), DataSize::bytes(1_000));
        assert_eq!(Bitrate::kbps(8).time_for(DataSize::bytes(1_000)), second);
        assert_eq!(DataSize::bytes(1_000).per(second), Bitrate::kbps(8));
    }

    #[test]
    fn nothing_overflows() {
        let most = DataSize::bytes(u64::MAX);
        assert_eq!(Bitrate::ZERO.time_for(most), Duration::MAX);
        assert_eq!(Bitrate::bps(1).time_for(most), Duration::MAX);
        assert_eq!(Bitrate::bps(u64::MAX).data_in(Duration::MAX), most);
        assert_eq!(most.per(Duration::ZERO), Bitrate::ZERO);
        assert_eq!(most.per(Duration::from_nanos(1)), Bitrate::bps(u64::MAX));
        assert_eq!(most.plus(most), most);
    }
}
