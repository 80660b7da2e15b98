//! H.264 parameter sets (ITU-T H.264 sections 7.3.2.1 and 7.3.2.2): what containers ask for.

use super::bits::Bits;
use crate::unit::Size;
use lectern_wire::Error;

/// NAL unit types (ITU-T H.264 table 7-1).
pub mod unit_type {
    /// A slice of a picture that depends on no other.
    pub const IDR_SLICE: u8 = 5;
    /// A sequence parameter set.
    pub const SEQUENCE_PARAMETERS: u8 = 7;
    /// A picture parameter set.
    pub const PICTURE_PARAMETERS: u8 = 8;
    /// Where a picture begins: containers say so otherwise.
    pub const DELIMITER: u8 = 9;
    /// The end of a sequence.
    pub const END_OF_SEQUENCE: u8 = 10;
    /// The end of a stream.
    pub const END_OF_STREAM: u8 = 11;
    /// Bytes for nothing.
    pub const FILLER: u8 = 12;
}

/// Bytes of a parameter set at most: scaling lists and all of the usability information fit.
pub const MAX_SET_BYTES: usize = 1_024;
/// Sequence parameter sets of a stream (ITU-T H.264 section 7.4.2.1.1).
const MAX_SEQUENCES: u32 = 32;
/// Picture parameter sets of a stream (ITU-T H.264 section 7.4.2.2).
const MAX_PICTURE_SETS: u32 = 256;
/// Macroblocks along one side: 16,384 pixels, more than any level has.
const MAX_SIDE_MACROBLOCKS: u32 = 1_024;
/// Profiles that say their chroma format (ITU-T H.264 section 7.3.2.1.1).
const WITH_CHROMA: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// A sequence parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// Its number.
    pub id: u8,
    /// profile_idc, the constraint flags and level_idc.
    pub profile: [u8; 3],
    /// Of high profiles: chroma_format_idc, and the bits of luma and chroma.
    pub chroma: Option<(u8, u8, u8)>,
    /// The picture, cropped.
    pub size: Size,
}

impl Sequence {
    /// Reads a NAL unit, its header included.
    pub fn parse(unit: &[u8]) -> Result<Sequence, Error> {
        let raw = without_emulation(unit)?;
        let (header, raw) = raw.split_first_chunk::<4>().ok_or(Error::Truncated)?;
        let [first, profile @ ..] = *header;
        if first & 0x1f != unit_type::SEQUENCE_PARAMETERS {
            return Err(Error::Unsupported);
        }
        let mut bits = Bits::new(raw);
        let id = bits.golomb()?;
        if id >= MAX_SEQUENCES {
            return Err(Error::Invalid);
        }
        let [profile_idc, ..] = profile;
        let chroma =
            if WITH_CHROMA.contains(&profile_idc) { Some(chroma(&mut bits)?) } else { None };
        order(&mut bits)?;
        let size = size(&mut bits, chroma.map_or(1, |(format, ..)| format))?;
        Ok(Sequence { id: (id & 0xff) as u8, profile, chroma, size })
    }
}

/// The number of a picture parameter set, its NAL unit header included.
pub fn picture_set_id(unit: &[u8]) -> Result<u8, Error> {
    let (first, rest) = unit.split_first().ok_or(Error::Truncated)?;
    if first & 0x1f != unit_type::PICTURE_PARAMETERS {
        return Err(Error::Unsupported);
    }
    let id = Bits::new(rest).golomb()?;
    if id >= MAX_PICTURE_SETS || unit.len() > MAX_SET_BYTES {
        return Err(Error::Invalid);
    }
    Ok((id & 0xff) as u8)
}

/// Takes out the bytes that keep start codes from appearing (ITU-T H.264 section 7.4.1).
fn without_emulation(unit: &[u8]) -> Result<Vec<u8>, Error> {
    if unit.len() > MAX_SET_BYTES {
        return Err(Error::TooMany);
    }
    let mut raw = Vec::with_capacity(unit.len());
    let mut zeros = 0u32;
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros.saturating_add(1) } else { 0 };
        raw.push(*byte);
    }
    Ok(raw)
}

/// Chroma format and bit depths; passes over scaling lists.
fn chroma(bits: &mut Bits<'_>) -> Result<(u8, u8, u8), Error> {
    let format = bits.golomb()?;
    if format > 3 {
        return Err(Error::Invalid);
    }
    if format == 3 {
        bits.skip(1)?;
    }
    let (luma, chroma) = (bits.golomb()?, bits.golomb()?);
    if luma > 6 || chroma > 6 {
        return Err(Error::Invalid);
    }
    bits.skip(1)?;
    if bits.flag()? {
        let lists = if format == 3 { 12 } else { 8 };
        for list in 0..lists {
            if bits.flag()? {
                scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    let depth = |minus_8: u32| (minus_8 & 7).saturating_add(8) as u8;
    Ok((format as u8, depth(luma), depth(chroma)))
}

fn scaling_list(bits: &mut Bits<'_>, len: usize) -> Result<(), Error> {
    let mut next = 8i32;
    for _ in 0..len {
        if next != 0 {
            next = next.wrapping_add(bits.signed_golomb()?) & 0xff;
        }
    }
    Ok(())
}

/// Frame numbers, picture order, references.
fn order(bits: &mut Bits<'_>) -> Result<(), Error> {
    bits.golomb()?;
    match bits.golomb()? {
        0 => drop(bits.golomb()?),
        1 => {
            bits.skip(1)?;
            bits.signed_golomb()?;
            bits.signed_golomb()?;
            let references = bits.golomb()?;
            if references > 255 {
                return Err(Error::TooMany);
            }
            for _ in 0..references {
                bits.signed_golomb()?;
            }
        }
        2 => {}
        _ => return Err(Error::Invalid),
    }
    bits.golomb()?;
    bits.skip(1)
}

fn size(bits: &mut Bits<'_>, chroma_format: u8) -> Result<Size, Error> {
    let columns = bits.golomb()?.saturating_add(1);
    let rows = bits.golomb()?.saturating_add(1);
    if columns > MAX_SIDE_MACROBLOCKS || rows > MAX_SIDE_MACROBLOCKS {
        return Err(Error::Invalid);
    }
    let frames_only = bits.flag()?;
    if !frames_only {
        bits.skip(1)?;
    }
    let fields = if frames_only { 1 } else { 2 };
    bits.skip(1)?;
    let mut size = Size {
        width: columns.saturating_mul(16),
        height: rows.saturating_mul(16).saturating_mul(fields),
    };
    if bits.flag()? {
        let (left, right) = (bits.golomb()?, bits.golomb()?);
        let (top, bottom) = (bits.golomb()?, bits.golomb()?);
        let (unit_x, unit_y) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let across = left.saturating_add(right).saturating_mul(unit_x);
        let down = top.saturating_add(bottom).saturating_mul(unit_y).saturating_mul(fields);
        size.width = size.width.checked_sub(across).ok_or(Error::Invalid)?;
        size.height = size.height.checked_sub(down).ok_or(Error::Invalid)?;
    }
    if size.width == 0 || size.height == 0 { Err(Error::Invalid) } else { Ok(size) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As libx264 writes it for 1,920 x 1,080, high profile, level 4.
    const HIGH: [u8; 27] = [
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03,
        0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58, 0x00,
    ];
    /// As libx264 writes it for 640 x 360, constrained baseline, level 3.
    const BASELINE: [u8; 24] = [
        0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00,
        0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e,
    ];

    #[test]
    fn a_size_is_cropped() {
        let high = Sequence::parse(&HIGH).expect("valid");
        assert_eq!(high.size, Size { width: 1_920, height: 1_080 });
        assert_eq!((high.id, high.profile, high.chroma), (0, [0x64, 0, 0x28], Some((1, 8, 8))));
        let baseline = Sequence::parse(&BASELINE).expect("valid");
        assert_eq!(baseline.size, Size { width: 640, height: 360 });
        assert_eq!(baseline.chroma, None);
    }

    #[test]
    fn every_truncation_before_the_size_is_refused() {
        for len in 0..9 {
            assert!(Sequence::parse(&HIGH[..len]).is_err(), "{len} bytes");
        }
        assert_eq!(Sequence::parse(&[0x67; MAX_SET_BYTES + 1]), Err(Error::TooMany));
        assert_eq!(Sequence::parse(&[0x68, 1, 2, 3, 4, 5]), Err(Error::Unsupported));
    }

    #[test]
    fn a_picture_set_tells_its_number() {
        assert_eq!(picture_set_id(&[0x68, 0xeb]), Ok(0));
        assert_eq!(picture_set_id(&[0x68, 0b0100_0000]), Ok(1));
        assert_eq!(picture_set_id(&[0x67, 0xeb]), Err(Error::Unsupported));
        assert_eq!(picture_set_id(&[0x68, 0, 1, 0, 0]), Err(Error::Invalid));
        assert_eq!(picture_set_id(&[0x68, 0, 1, 0]), Err(Error::Truncated));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 4..80)) {
            bytes[0] = 0x67;
            if let Ok(sequence) = Sequence::parse(&bytes) {
                prop_assert!(sequence.size.width <= 16_384 && sequence.size.height <= 32_768);
            }
            let _ = picture_set_id(&bytes);
        }
    }
}
