//! The VP9 uncompressed header (VP9 bitstream specification section 6.2), up to the size.

use super::bits::Bits;
use crate::unit::Size;
use lectern_wire::Error;

const SYNC_CODE: u32 = 0x49_83_42;
const COLOR_SPACE_RGB: u8 = 7;

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Depends on no other, and resets the decoder.
    pub keyframe: bool,
    /// Is to be shown.
    pub shown: bool,
    /// How it is coded, where told: by keyframes.
    pub format: Option<Format>,
    /// Its size, where it is not that of a reference.
    pub size: Option<Size>,
}

/// What does not change between two keyframes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// 0 to 3.
    pub profile: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// color_space.
    pub color_space: u8,
    /// Luma uses all values.
    pub full_range: bool,
    /// Chroma has half the columns, half the rows.
    pub subsampling: (bool, bool),
}

impl Frame {
    /// Reads the front of a frame.
    pub fn parse(frame: &[u8]) -> Result<Frame, Error> {
        let mut bits = Bits::new(frame);
        if bits.take(2)? != 2 {
            return Err(Error::Version);
        }
        let profile = bits.byte(1)? | bits.byte(1)? << 1;
        if profile == 3 && bits.flag()? {
            return Err(Error::Unsupported);
        }
        if bits.flag()? {
            return Ok(Frame { keyframe: false, shown: true, format: None, size: None });
        }
        let keyframe = !bits.flag()?;
        let shown = bits.flag()?;
        let resilient = bits.flag()?;
        if keyframe {
            sync(&mut bits)?;
            let format = Some(format(&mut bits, profile)?);
            let size = Some(size(&mut bits)?);
            return Ok(Frame { keyframe, shown, format, size });
        }
        let size = size_of_inter(&mut bits, profile, shown, resilient)?;
        Ok(Frame { keyframe, shown, format: None, size })
    }
}

/// The code that keyframes have.
pub(super) fn sync(bits: &mut Bits<'_>) -> Result<(), Error> {
    if bits.take(24)? == SYNC_CODE { Ok(()) } else { Err(Error::Invalid) }
}

/// color_config.
pub(super) fn format(bits: &mut Bits<'_>, profile: u8) -> Result<Format, Error> {
    let bit_depth = match profile {
        0 | 1 => 8,
        _ => {
            if bits.flag()? {
                12
            } else {
                10
            }
        }
    };
    let color_space = bits.byte(3)?;
    let is_rgb = color_space == COLOR_SPACE_RGB;
    let full_range = is_rgb || bits.flag()?;
    let mut subsampling = (!is_rgb, !is_rgb);
    if profile & 1 == 1 {
        if !is_rgb {
            subsampling = (bits.flag()?, bits.flag()?);
        }
        bits.skip(1)?;
    } else if is_rgb {
        return Err(Error::Invalid);
    }
    Ok(Format { profile, bit_depth, color_space, full_range, subsampling })
}

/// frame_size.
pub(super) fn size(bits: &mut Bits<'_>) -> Result<Size, Error> {
    let width = bits.take(16)?.saturating_add(1);
    let height = bits.take(16)?.saturating_add(1);
    Ok(Size { width, height })
}

/// `None` where the size is that of a reference.
fn size_of_inter(
    bits: &mut Bits<'_>,
    profile: u8,
    shown: bool,
    resilient: bool,
) -> Result<Option<Size>, Error> {
    let intra_only = !shown && bits.flag()?;
    if !resilient {
        bits.skip(2)?;
    }
    if intra_only {
        sync(bits)?;
        if profile > 0 {
            format(bits, profile)?;
        }
        bits.skip(8)?;
        return size(bits).map(Some);
    }
    bits.skip(8)?;
    bits.skip(12)?;
    for _ in 0..3 {
        if bits.flag()? {
            return Ok(None);
        }
    }
    size(bits).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As libvpx writes it for 320 x 240, profile 0.
    const KEYFRAME: [u8; 10] = [0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0e, 0xf6, 0x00];

    #[test]
    fn a_keyframe_tells_its_size() {
        let frame = Frame::parse(&KEYFRAME).expect("valid");
        assert!(frame.keyframe && frame.shown);
        assert_eq!(frame.size, Some(Size { width: 320, height: 240 }));
        let format = frame.format.expect("told");
        assert_eq!((format.profile, format.bit_depth, format.subsampling), (0, 8, (true, true)));
    }

    #[test]
    fn every_truncation_is_refused() {
        for len in 0..9 {
            assert_eq!(Frame::parse(&KEYFRAME[..len]), Err(Error::Truncated), "{len} bytes");
        }
        assert_eq!(Frame::parse(&[0x42, 0, 0]), Err(Error::Version));
        let mut wrong = KEYFRAME;
        wrong[1] = 0x48;
        assert_eq!(Frame::parse(&wrong), Err(Error::Invalid));
    }

    #[test]
    fn a_frame_that_is_shown_again_is_no_keyframe() {
        let frame = Frame::parse(&[0x88]).expect("valid");
        assert!(!frame.keyframe && frame.shown && frame.size.is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 1..24)) {
            bytes[0] = bytes[0] & 0x3f | 0x80;
            let _ = Frame::parse(&bytes);
        }
    }
}
