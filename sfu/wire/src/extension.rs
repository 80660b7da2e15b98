//! Values of RTP header extensions: bytes ↔ types. Which id means which value is negotiated elsewhere.

use crate::cursor::Reader;
use crate::{Error, NtpTime};
use std::time::Duration;

/// Loudness of a packet's sound (RFC 6464), as the sender claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// Voice, not noise.
    pub voice: bool,
    /// 0 (loudest) to 127 (silence): decibels below overload.
    pub below_overload_db: u8,
}

impl AudioLevel {
    /// Reads the value; more than one byte is accepted (RFC 6464 section 3: two in two-byte form).
    pub fn parse(value: &[u8]) -> Result<AudioLevel, Error> {
        let byte = *value.first().ok_or(Error::Truncated)?;
        Ok(AudioLevel { voice: byte & 0x80 != 0, below_overload_db: byte & 0x7f })
    }

    /// The value's bytes.
    pub fn to_bytes(self) -> [u8; 1] {
        [if self.voice { 0x80 } else { 0 } | self.below_overload_db.min(127)]
    }
}

/// A packet's number among all of its transport (draft-holmer-rmcat-transport-wide-cc-extensions-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportSequence(pub u16);

impl TransportSequence {
    /// Reads the value; version 2 with its four bytes is read up to the number.
    #[inline]
    pub fn parse(value: &[u8]) -> Result<TransportSequence, Error> {
        Reader::new(value).u16().map(TransportSequence)
    }

    /// The value's bytes.
    #[inline]
    pub fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

/// When a packet left its sender: 24 bits, 6 of seconds and 18 of fraction; wraps after 64 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsoluteSendTime(u32);

impl AbsoluteSendTime {
    /// From the time on the sender's clock.
    pub fn from_duration(time: Duration) -> AbsoluteSendTime {
        let fraction = time.as_nanos().wrapping_shl(18).checked_div(1_000_000_000).unwrap_or(0);
        AbsoluteSendTime((fraction & 0xff_ffff) as u32)
    }

    /// The time on the sender's clock, modulo 64 s.
    pub fn to_duration(self) -> Duration {
        Duration::from_nanos(u64::from(self.0).saturating_mul(1_000_000_000) >> 18)
    }

    /// Reads the value.
    pub fn parse(value: &[u8]) -> Result<AbsoluteSendTime, Error> {
        Reader::new(value).u24().map(AbsoluteSendTime)
    }

    /// The value's bytes.
    pub fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}

/// When the first sample of a packet was captured
/// (<http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsoluteCaptureTime {
    /// The capturer's NTP clock at that moment.
    pub captured: NtpTime,
    /// What to add to the capturer's clock for the sender's, in 2^-32ths of a second.
    pub clock_offset: Option<i64>,
}

impl AbsoluteCaptureTime {
    /// The longest value.
    pub const MAX_LEN: usize = 16;

    /// Reads the value: 8 bytes, or 16 with the offset.
    pub fn parse(value: &[u8]) -> Result<AbsoluteCaptureTime, Error> {
        let mut reader = Reader::new(value);
        let captured = NtpTime(reader.u64()?);
        let clock_offset = if reader.is_empty() { None } else { Some(reader.u64()?.cast_signed()) };
        Ok(AbsoluteCaptureTime { captured, clock_offset })
    }

    /// The value's bytes and how many of them count.
    pub fn to_bytes(self) -> ([u8; Self::MAX_LEN], usize) {
        let mut bytes = [0; Self::MAX_LEN];
        let (captured, offset) = bytes.split_at_mut(8);
        captured.copy_from_slice(&self.captured.0.to_be_bytes());
        offset.copy_from_slice(&self.clock_offset.unwrap_or_default().to_be_bytes());
        (bytes, if self.clock_offset.is_some() { 16 } else { 8 })
    }
}

/// Least and greatest delay a receiver should play at
/// (<http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>), in steps of 10 ms to 40.95 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayoutDelay {
    /// At least this many hundredths of a second.
    pub min_centiseconds: u16,
    /// At most this many hundredths of a second.
    pub max_centiseconds: u16,
}

impl PlayoutDelay {
    /// Reads the value; a least delay over the greatest is refused.
    pub fn parse(value: &[u8]) -> Result<PlayoutDelay, Error> {
        let bits = Reader::new(value).u24()?;
        let min_centiseconds = (bits >> 12 & 0xfff) as u16;
        let max_centiseconds = (bits & 0xfff) as u16;
        if min_centiseconds > max_centiseconds {
            return Err(Error::Invalid);
        }
        Ok(PlayoutDelay { min_centiseconds, max_centiseconds })
    }

    /// The value's bytes.
    pub fn to_bytes(self) -> [u8; 3] {
        let [min, max] = [self.min_centiseconds, self.max_centiseconds].map(|d| d.min(0xfff));
        let [_, a, b, c] = (u32::from(min) << 12 | u32::from(max)).to_be_bytes();
        [a, b, c]
    }
}

/// How a picture is to be turned before it is shown (3GPP TS 26.114 section 7.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoOrientation {
    /// The back camera.
    pub back: bool,
    /// Mirrored.
    pub flipped: bool,
    /// Quarter turns clockwise.
    pub quarter_turns: u8,
}

impl VideoOrientation {
    /// Reads the value.
    pub fn parse(value: &[u8]) -> Result<VideoOrientation, Error> {
        let byte = *value.first().ok_or(Error::Truncated)?;
        Ok(VideoOrientation {
            back: byte & 0x08 != 0,
            flipped: byte & 0x04 != 0,
            quarter_turns: byte & 0x03,
        })
    }

    /// The value's bytes.
    pub fn to_bytes(self) -> [u8; 1] {
        let back = if self.back { 0x08 } else { 0 };
        let flipped = if self.flipped { 0x04 } else { 0 };
        [back | flipped | self.quarter_turns & 0x03]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_too_short_is_refused() {
        assert_eq!(AudioLevel::parse(&[]), Err(Error::Truncated));
        assert_eq!(TransportSequence::parse(&[1]), Err(Error::Truncated));
        assert_eq!(AbsoluteSendTime::parse(&[1, 2]), Err(Error::Truncated));
        assert_eq!(AbsoluteCaptureTime::parse(&[0; 7]), Err(Error::Truncated));
        assert_eq!(AbsoluteCaptureTime::parse(&[0; 15]), Err(Error::Truncated));
        assert_eq!(PlayoutDelay::parse(&[0; 2]), Err(Error::Truncated));
        assert_eq!(VideoOrientation::parse(&[]), Err(Error::Truncated));
    }

    #[test]
    fn levels_and_orientations_read_back() {
        for byte in 0..=u8::MAX {
            assert_eq!(AudioLevel::parse(&[byte]).map(AudioLevel::to_bytes), Ok([byte]));
            let orientation = VideoOrientation::parse(&[byte]).map(VideoOrientation::to_bytes);
            assert_eq!(orientation, Ok([byte & 0x0f]));
        }
    }

    #[test]
    fn a_least_delay_over_the_greatest_is_refused() {
        assert_eq!(PlayoutDelay::parse(&[0x00, 0x20, 0x01]), Err(Error::Invalid));
        let delay = PlayoutDelay { min_centiseconds: 1, max_centiseconds: 4_095 };
        assert_eq!(PlayoutDelay::parse(&delay.to_bytes()), Ok(delay));
    }

    #[test]
    fn send_time_wraps_after_64_seconds() {
        let time = AbsoluteSendTime::from_duration(Duration::from_millis(65_500));
        assert_eq!(time.to_duration(), Duration::from_millis(1_500));
        assert_eq!(AbsoluteSendTime::parse(&time.to_bytes()), Ok(time));
        assert!(AbsoluteSendTime::from_duration(Duration::MAX).to_duration().as_secs() < 64);
    }

    proptest! {
        #[test]
        fn capture_time_reads_back(captured: u64, clock_offset: Option<i64>) {
            let time = AbsoluteCaptureTime { captured: NtpTime(captured), clock_offset };
            let (bytes, len) = time.to_bytes();
            prop_assert_eq!(AbsoluteCaptureTime::parse(&bytes[..len]), Ok(time));
        }
    }
}
