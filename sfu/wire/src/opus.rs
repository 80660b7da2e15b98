//! Opus packets (RFC 6716 section 3.1): how long the sound lasts, and whether there is any.

use crate::Error;
use std::time::Duration;

/// The longest packet (RFC 6716 section 3.2.5).
const MAX_MICROS: u64 = 120_000;

/// What the first bytes of a packet tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toc {
    /// How long the sound lasts, at most 120 ms.
    pub duration: Duration,
    /// Two channels.
    pub stereo: bool,
    /// Nothing but comfort noise: the packet is a table of contents with next to no frame (RFC 6716
    /// section 2.1.9, as libopus makes it).
    pub discontinuous: bool,
}

impl Toc {
    /// Reads a packet's table of contents.
    pub fn parse(payload: &[u8]) -> Result<Toc, Error> {
        let (toc, rest) = payload.split_first().ok_or(Error::Truncated)?;
        let frame_micros = frame_micros(toc >> 3);
        let frames = match toc & 0x03 {
            0 => 1,
            1 | 2 => 2,
            _ => u64::from(rest.first().ok_or(Error::Truncated)? & 0x3f),
        };
        let micros = frame_micros.saturating_mul(frames);
        if micros == 0 || micros > MAX_MICROS {
            return Err(Error::Invalid);
        }
        Ok(Toc {
            duration: Duration::from_micros(micros),
            stereo: toc & 0x04 != 0,
            discontinuous: payload.len() <= 2,
        })
    }
}

/// RFC 6716 table 2.
const fn frame_micros(configuration: u8) -> u64 {
    match (configuration, configuration & 3) {
        (0..=11, 0) => 10_000,
        (0..=11, 1) => 20_000,
        (0..=11, 2) => 40_000,
        (0..=11, _) => 60_000,
        (12..=15, size) => {
            if size & 1 == 0 {
                10_000
            } else {
                20_000
            }
        }
        (_, 0) => 2_500,
        (_, 1) => 5_000,
        (_, 2) => 10_000,
        (_, _) => 20_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_has_the_duration_of_the_table() {
        let silk = [10_000, 20_000, 40_000, 60_000];
        let celt = [2_500, 5_000, 10_000, 20_000];
        for configuration in 0..32u8 {
            let column = usize::from(configuration % 4);
            let expected = match configuration {
                0..12 => silk[column],
                12..16 => silk[column % 2],
                _ => celt[column],
            };
            let toc = Toc::parse(&[configuration << 3, 1, 2]).expect("valid");
            assert_eq!(toc.duration, Duration::from_micros(expected), "{configuration}");
            assert!(!toc.discontinuous);
        }
    }

    #[test]
    fn a_packet_of_several_frames_lasts_up_to_120_ms() {
        assert_eq!(Toc::parse(&[0x78 | 3, 6, 1]).map(|toc| toc.duration.as_millis()), Ok(120));
        assert_eq!(Toc::parse(&[0x78 | 3, 7, 1]), Err(Error::Invalid));
        assert_eq!(Toc::parse(&[0x78 | 3, 0, 1]), Err(Error::Invalid));
        assert_eq!(Toc::parse(&[0x78 | 3]), Err(Error::Truncated));
        assert_eq!(Toc::parse(&[]), Err(Error::Truncated));
        assert_eq!(Toc::parse(&[0x78 | 1, 1, 2]).map(|toc| toc.duration.as_millis()), Ok(40));
    }

    #[test]
    fn next_to_no_frame_is_silence() {
        assert!(Toc::parse(&[0x78]).is_ok_and(|toc| toc.discontinuous && !toc.stereo));
        assert!(Toc::parse(&[0x7c, 0]).is_ok_and(|toc| toc.discontinuous && toc.stereo));
    }
}
