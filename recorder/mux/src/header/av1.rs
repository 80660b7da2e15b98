//! AV1 sequence headers and the front of frame headers (AV1 bitstream specification sections 5.5 and
//! 5.9), and OBUs as units.

use super::bits::Bits;
use crate::unit::Size;
use lectern_wire::Error;
use lectern_wire::cursor::Reader;

/// OBU types (AV1 specification section 6.2.2).
pub mod obu_type {
    /// What all frames of a sequence have in common.
    pub const SEQUENCE_HEADER: u8 = 1;
    /// The header of a frame.
    pub const FRAME_HEADER: u8 = 3;
    /// Tiles of a frame.
    pub const TILE_GROUP: u8 = 4;
    /// About the picture.
    pub const METADATA: u8 = 5;
    /// Header and tiles of a frame.
    pub const FRAME: u8 = 6;
    /// A frame header once more.
    pub const REDUNDANT_FRAME_HEADER: u8 = 7;
}

const FRAME_TYPE_KEY: u32 = 0;
/// Operating points of a sequence: a count of five bits.
const MAX_OPERATING_POINTS: u32 = 32;
/// Bytes of one LEB128 number (AV1 specification section 4.10.5).
const MAX_LEB128_LEN: u32 = 8;

/// An OBU, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obu<'a> {
    /// Its type.
    pub kind: u8,
    /// Its layers, where it says them: the extension byte.
    pub extension: Option<u8>,
    /// What follows header and size.
    pub payload: &'a [u8],
}

impl<'a> Obu<'a> {
    /// Reads an OBU that is all of `bytes`, with or without a size of its own.
    pub fn parse(bytes: &'a [u8]) -> Result<Obu<'a>, Error> {
        Obu::first(bytes).map(|(obu, _)| obu)
    }

    /// Reads the first of the OBUs in `bytes`, and gives the rest.
    pub fn first(bytes: &'a [u8]) -> Result<(Obu<'a>, &'a [u8]), Error> {
        let mut reader = Reader::new(bytes);
        let header = reader.u8()?;
        if header & 0x80 != 0 {
            return Err(Error::Invalid);
        }
        let extension = if header & 0x04 != 0 { Some(reader.u8()?) } else { None };
        let has_size = header & 0x02 != 0;
        let len = if has_size { leb128(&mut reader)? } else { reader.rest().len() };
        let payload = reader.take(len)?;
        Ok((Obu { kind: header >> 3 & 0x0f, extension, payload }, reader.rest()))
    }

    /// Appends it with a size of its own (AV1 specification section 5.2).
    pub fn write(&self, out: &mut impl Extend<u8>) {
        let has_extension = if self.extension.is_some() { 0x04 } else { 0 };
        out.extend([(self.kind & 0x0f) << 3 | has_extension | 0x02]);
        out.extend(self.extension);
        let mut len = self.payload.len();
        loop {
            let more = len > 0x7f;
            out.extend([(len & 0x7f) as u8 | if more { 0x80 } else { 0 }]);
            len >>= 7;
            if !more {
                return;
            }
        }
    }
}

/// A number of up to 8 bytes that must fit 32 bits (AV1 specification section 4.10.5).
pub fn leb128(reader: &mut Reader<'_>) -> Result<usize, Error> {
    let mut value = 0u64;
    for index in 0..MAX_LEB128_LEN {
        let byte = reader.u8()?;
        value |= u64::from(byte & 0x7f).wrapping_shl(index.saturating_mul(7));
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| Error::Invalid)?;
            return usize::try_from(value).map_err(|_| Error::Invalid);
        }
    }
    Err(Error::Invalid)
}

/// A sequence header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// seq_profile.
    pub profile: u8,
    /// seq_level_idx and seq_tier of the first operating point.
    pub level: u8,
    /// The high tier.
    pub high_tier: bool,
    /// The largest picture.
    pub size: Size,
    /// More than 8 bits.
    pub high_bit_depth: bool,
    /// 12 bits.
    pub twelve_bit: bool,
    /// No chroma.
    pub monochrome: bool,
    /// Chroma has half the columns, half the rows.
    pub subsampling: (bool, bool),
    /// chroma_sample_position.
    pub sample_position: u8,
    /// Several spatial layers: no single frame tells the size that is shown.
    pub layered: bool,
    frame: FrameFields,
}

/// What the front of a frame header depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct FrameFields {
    reduced: bool,
    decoder_model: bool,
    presentation_time_bits: u32,
    width_bits: u32,
    height_bits: u32,
    frame_id_bits: u32,
    select_screen_content: bool,
    force_screen_content: bool,
    select_integer_mv: bool,
    order_hint_bits: u32,
}

impl Sequence {
    /// Reads the payload of a sequence header OBU.
    pub fn parse(payload: &[u8]) -> Result<Sequence, Error> {
        let mut bits = Bits::new(payload);
        let mut frame = FrameFields::default();
        let profile = bits.byte(3)?;
        bits.skip(1)?;
        frame.reduced = bits.flag()?;
        let points = if frame.reduced {
            Points { level: bits.byte(5)?, high_tier: false, layered: false }
        } else {
            operating_points(&mut bits, &mut frame)?
        };
        frame.width_bits = bits.take(4)?.saturating_add(1);
        frame.height_bits = bits.take(4)?.saturating_add(1);
        let size = Size {
            width: bits.take(frame.width_bits)?.saturating_add(1),
            height: bits.take(frame.height_bits)?.saturating_add(1),
        };
        tools(&mut bits, &mut frame)?;
        let color = Color::parse(&mut bits, profile)?;
        Ok(Sequence {
            profile,
            level: points.level,
            high_tier: points.high_tier,
            size,
            high_bit_depth: color.high_bit_depth,
            twelve_bit: color.twelve_bit,
            monochrome: color.monochrome,
            subsampling: color.subsampling,
            sample_position: color.sample_position,
            layered: points.layered,
            frame,
        })
    }

    /// Whether a decoder that was made for the other can go on with this one.
    pub fn is_like(&self, other: &Sequence) -> bool {
        let format =
            |s: &Sequence| (s.profile, s.high_bit_depth, s.twelve_bit, s.monochrome, s.subsampling);
        format(self) == format(other)
    }

    /// The size of a keyframe, by its frame header; `None` where the frame is no keyframe.
    pub fn keyframe_size(&self, header: &[u8]) -> Result<Option<Size>, Error> {
        let fields = &self.frame;
        if fields.reduced {
            return Ok(Some(self.size));
        }
        let mut bits = Bits::new(header);
        if bits.flag()? || bits.take(2)? != FRAME_TYPE_KEY {
            return Ok(None);
        }
        let shown = bits.flag()?;
        if !shown || self.layered {
            return Ok(Some(self.size));
        }
        bits.skip(fields.presentation_time_bits)?;
        bits.skip(1)?;
        let screen_content =
            if fields.select_screen_content { bits.flag()? } else { fields.force_screen_content };
        if screen_content && fields.select_integer_mv {
            bits.skip(1)?;
        }
        bits.skip(fields.frame_id_bits)?;
        let is_smaller = bits.flag()?;
        bits.skip(fields.order_hint_bits)?;
        if !is_smaller || (fields.decoder_model && bits.flag()?) {
            return Ok(Some(self.size));
        }
        Ok(Some(Size {
            width: bits.take(fields.width_bits)?.saturating_add(1),
            height: bits.take(fields.height_bits)?.saturating_add(1),
        }))
    }
}

struct Points {
    level: u8,
    high_tier: bool,
    layered: bool,
}

fn operating_points(bits: &mut Bits<'_>, frame: &mut FrameFields) -> Result<Points, Error> {
    let mut delay_bits = 0;
    if bits.flag()? {
        bits.skip(64)?;
        let equal_interval = bits.flag()?;
        if equal_interval {
            bits.golomb()?;
        }
        frame.decoder_model = bits.flag()?;
        if frame.decoder_model {
            delay_bits = bits.take(5)?.saturating_add(1);
            bits.skip(32)?;
            bits.skip(5)?;
            let time_bits = bits.take(5)?.saturating_add(1);
            frame.presentation_time_bits = if equal_interval { 0 } else { time_bits };
        }
    }
    let display_delay = bits.flag()?;
    let count = bits.take(5)?.saturating_add(1).min(MAX_OPERATING_POINTS);
    let mut first = None;
    for _ in 0..count {
        let layers = bits.take(12)?;
        let level = bits.byte(5)?;
        let high_tier = level > 7 && bits.flag()?;
        if frame.decoder_model && bits.flag()? {
            bits.skip(delay_bits.saturating_mul(2))?;
            bits.skip(1)?;
        }
        if display_delay && bits.flag()? {
            bits.skip(4)?;
        }
        let layered = (layers >> 8).count_ones() > 1;
        first.get_or_insert(Points { level, high_tier, layered });
    }
    first.ok_or(Error::Invalid)
}

/// Passes over the coding tools, and keeps what frame headers depend on.
fn tools(bits: &mut Bits<'_>, frame: &mut FrameFields) -> Result<(), Error> {
    if !frame.reduced && bits.flag()? {
        let delta_bits = bits.take(4)?.saturating_add(2);
        frame.frame_id_bits = bits.take(3)?.saturating_add(1).saturating_add(delta_bits);
    }
    bits.skip(3)?;
    frame.select_screen_content = true;
    frame.select_integer_mv = true;
    if !frame.reduced {
        bits.skip(4)?;
        let order_hint = bits.flag()?;
        if order_hint {
            bits.skip(2)?;
        }
        frame.select_screen_content = bits.flag()?;
        if !frame.select_screen_content {
            frame.force_screen_content = bits.flag()?;
        }
        if frame.select_screen_content || frame.force_screen_content {
            frame.select_integer_mv = bits.flag()?;
            if !frame.select_integer_mv {
                bits.skip(1)?;
            }
        }
        if order_hint {
            frame.order_hint_bits = bits.take(3)?.saturating_add(1);
        }
    }
    bits.skip(3)
}

struct Color {
    high_bit_depth: bool,
    twelve_bit: bool,
    monochrome: bool,
    subsampling: (bool, bool),
    sample_position: u8,
}

impl Color {
    /// color_config (AV1 specification section 5.5.2).
    fn parse(bits: &mut Bits<'_>, profile: u8) -> Result<Color, Error> {
        if profile > 2 {
            return Err(Error::Invalid);
        }
        let high_bit_depth = bits.flag()?;
        let twelve_bit = profile == 2 && high_bit_depth && bits.flag()?;
        let monochrome = profile != 1 && bits.flag()?;
        let described = bits.flag()?;
        let described =
            if described { (bits.take(8)?, bits.take(8)?, bits.take(8)?) } else { (2, 2, 2) };
        let is_srgb = described == (1, 13, 0);
        let mut color = Color {
            high_bit_depth,
            twelve_bit,
            monochrome,
            subsampling: (true, true),
            sample_position: 0,
        };
        if monochrome {
            bits.skip(1)?;
            return Ok(color);
        }
        if is_srgb {
            color.subsampling = (false, false);
            return Ok(color);
        }
        bits.skip(1)?;
        color.subsampling = match profile {
            0 => (true, true),
            1 => (false, false),
            _ if twelve_bit => {
                let across = bits.flag()?;
                (across, across && bits.flag()?)
            }
            _ => (true, false),
        };
        if color.subsampling == (true, true) {
            color.sample_position = bits.byte(2)?;
        }
        Ok(color)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As libaom writes it for 320 x 240, main profile.
    const SEQUENCE: [u8; 11] = [0x00, 0x00, 0x00, 0x04, 0x3c, 0xff, 0xbc, 0xda, 0xf9, 0x00, 0x40];

    /// As Chromium sends it for two spatial and three temporal layers of 640 x 360.
    const LAYERED: [u8; 21] = [
        0x00, 0x53, 0x07, 0x09, 0x81, 0x84, 0xc0, 0x42, 0x20, 0xe1, 0x10, 0x30, 0x88, 0x08, 0x66,
        0x27, 0xfb, 0x38, 0x03, 0x40, 0x10,
    ];

    #[test]
    fn a_size_of_its_own_is_written_and_read() {
        let payload = [7u8; 300];
        let obu = Obu { kind: obu_type::FRAME, extension: Some(0x08), payload: &payload };
        let mut bytes = Vec::new();
        obu.write(&mut bytes);
        bytes.extend(payload);
        bytes.push(0x12);
        let (read, rest) = Obu::first(&bytes).expect("valid");
        assert_eq!((read, rest), (obu, &[0x12][..]));
        for len in 0..bytes.len() - 1 {
            assert!(Obu::first(&bytes[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn an_obu_without_size_is_all_there_is() {
        let obu = Obu::parse(&[obu_type::FRAME << 3, 1, 2, 3]).expect("valid");
        assert_eq!(obu.payload, [1, 2, 3]);
        assert_eq!(Obu::parse(&[0x80]), Err(Error::Invalid));
        assert_eq!(Obu::parse(&[]), Err(Error::Truncated));
    }

    #[test]
    fn a_sequence_tells_its_size() {
        let sequence = Sequence::parse(&SEQUENCE).expect("valid");
        assert_eq!(sequence.size, Size { width: 320, height: 240 });
        assert_eq!((sequence.profile, sequence.subsampling), (0, (true, true)));
        assert!(!sequence.layered);
        let layered = Sequence::parse(&LAYERED).expect("valid");
        assert_eq!(layered.size, Size { width: 640, height: 360 });
        assert!(layered.layered);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            header in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            if let Ok(sequence) = Sequence::parse(&bytes) {
                let _ = sequence.keyframe_size(&header);
            }
            if let Ok(obu) = Obu::parse(&bytes) {
                prop_assert!(obu.payload.len() < bytes.len());
            }
            let _ = Obu::first(&bytes);
        }
    }
}
