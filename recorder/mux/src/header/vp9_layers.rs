//! Hides the lower spatial layers of a VP9 picture: one bit says whether a frame is shown, and another
//! one follows where it is not. For that the whole uncompressed header is walked through (VP9 bitstream
//! specification sections 6.2 and 7.2), which depends on the sizes of references.

use super::bits::Bits;
use super::vp9::{format, size, sync};
use crate::unit::Size;
use lectern_wire::Error;

const SLOTS: usize = 8;
/// Bits of the features of a segment, and whether each has a sign (section 6.2.11).
const FEATURES: [(u32, bool); 4] = [(8, true), (6, true), (2, false), (0, false)];
/// Columns of a tile: 4 to 64 blocks of 64 (section 6.2.14).
const MIN_TILE_BLOCKS: u32 = 4;
const MAX_TILE_BLOCKS: u32 = 64;

/// The sizes of the frames that a decoder holds.
#[derive(Debug, Clone, Default)]
pub struct References {
    slots: [Option<Size>; SLOTS],
    last: Option<Size>,
}

/// What the walk found.
struct Header {
    keyframe: bool,
    shown: bool,
    /// The place of the bit that says whether it is shown.
    shown_at: usize,
    /// The first bit after the header, before it is filled up to a byte.
    end: usize,
    refreshed: u8,
    size: Size,
}

impl References {
    /// Takes note of the next frame of the stream. Gives it with the mark that it is hidden, where
    /// that is wanted, and harmless: a decoder takes motion from the frame before only where that was
    /// shown and had the same size, and layers have different sizes.
    pub fn decode(&mut self, frame: &[u8], hide: bool) -> Option<Vec<u8>> {
        let Ok(header) = self.walk(frame) else {
            *self = References::default();
            return None;
        };
        for (slot, place) in self.slots.iter_mut().enumerate() {
            if header.refreshed.wrapping_shr(slot as u32) & 1 == 1 {
                *place = Some(header.size);
            }
        }
        let is_like_last = self.last.replace(header.size) == Some(header.size);
        let wanted = hide && header.shown && (header.keyframe || !is_like_last);
        wanted.then(|| hidden(frame, &header)).flatten()
    }

    fn walk(&self, frame: &[u8]) -> Result<Header, Error> {
        let mut bits = Bits::new(frame);
        if bits.take(2)? != 2 {
            return Err(Error::Version);
        }
        let profile = bits.byte(1)? | bits.byte(1)? << 1;
        if profile == 3 {
            bits.skip(1)?;
        }
        if bits.flag()? {
            return Err(Error::Unsupported);
        }
        let keyframe = !bits.flag()?;
        let shown_at = bits.position();
        let shown = bits.flag()?;
        let resilient = bits.flag()?;
        let (refreshed, size) = if keyframe {
            sync(&mut bits)?;
            format(&mut bits, profile)?;
            (0xff, size_and_render_size(&mut bits)?)
        } else {
            self.inter(&mut bits, profile, shown, resilient)?
        };
        if !resilient {
            bits.skip(2)?;
        }
        bits.skip(2)?;
        loop_filter(&mut bits)?;
        quantization(&mut bits)?;
        segmentation(&mut bits)?;
        tiles(&mut bits, size.width)?;
        bits.skip(16)?;
        Ok(Header { keyframe, shown, shown_at, end: bits.position(), refreshed, size })
    }

    /// A frame that is no keyframe, up to what all frames have: which slots it refreshes, and its size.
    fn inter(
        &self,
        bits: &mut Bits<'_>,
        profile: u8,
        shown: bool,
        resilient: bool,
    ) -> Result<(u8, Size), Error> {
        let intra_only = !shown && bits.flag()?;
        if !resilient {
            bits.skip(2)?;
        }
        if intra_only {
            sync(bits)?;
            if profile > 0 {
                format(bits, profile)?;
            }
            return Ok((bits.byte(8)?, size_and_render_size(bits)?));
        }
        let refreshed = bits.byte(8)?;
        let mut references = [0usize; 3];
        for reference in &mut references {
            *reference = usize::from(bits.byte(3)?);
            bits.skip(1)?;
        }
        let mut found = None;
        for reference in references {
            if bits.flag()? {
                let size = self.slots.get(reference).copied().flatten();
                found = Some(size.ok_or(Error::Unsupported)?);
                break;
            }
        }
        let size = match found {
            Some(size) => {
                render_size(bits)?;
                size
            }
            None => size_and_render_size(bits)?,
        };
        bits.skip(1)?;
        if !bits.flag()? {
            bits.skip(2)?;
        }
        Ok((refreshed, size))
    }
}

fn size_and_render_size(bits: &mut Bits<'_>) -> Result<Size, Error> {
    let size = size(bits)?;
    render_size(bits)?;
    Ok(size)
}

fn render_size(bits: &mut Bits<'_>) -> Result<(), Error> {
    if bits.flag()? { bits.skip(32) } else { Ok(()) }
}

fn loop_filter(bits: &mut Bits<'_>) -> Result<(), Error> {
    bits.skip(9)?;
    if bits.flag()? && bits.flag()? {
        for _ in 0..6 {
            if bits.flag()? {
                bits.skip(7)?;
            }
        }
    }
    Ok(())
}

fn quantization(bits: &mut Bits<'_>) -> Result<(), Error> {
    bits.skip(8)?;
    for _ in 0..3 {
        if bits.flag()? {
            bits.skip(5)?;
        }
    }
    Ok(())
}

fn segmentation(bits: &mut Bits<'_>) -> Result<(), Error> {
    if !bits.flag()? {
        return Ok(());
    }
    if bits.flag()? {
        for _ in 0..7 {
            probability(bits)?;
        }
        if bits.flag()? {
            for _ in 0..3 {
                probability(bits)?;
            }
        }
    }
    if bits.flag()? {
        bits.skip(1)?;
        for (len, is_signed) in std::iter::repeat_n(FEATURES, 8).flatten() {
            if bits.flag()? {
                bits.skip(len)?;
                bits.skip(u32::from(is_signed))?;
            }
        }
    }
    Ok(())
}

fn probability(bits: &mut Bits<'_>) -> Result<(), Error> {
    if bits.flag()? { bits.skip(8) } else { Ok(()) }
}

fn tiles(bits: &mut Bits<'_>, width: u32) -> Result<(), Error> {
    let blocks = width.div_ceil(64);
    let log2_where =
        |is_enough: &dyn Fn(u32) -> bool| (0..6).find(|log2| is_enough(*log2)).unwrap_or(6);
    let least = log2_where(&|log2| MAX_TILE_BLOCKS.wrapping_shl(log2) >= blocks);
    let most = (1..=6)
        .find(|log2| blocks.wrapping_shr(*log2) < MIN_TILE_BLOCKS)
        .unwrap_or(6)
        .saturating_sub(1);
    for _ in least..most {
        if !bits.flag()? {
            break;
        }
    }
    if bits.flag()? { bits.skip(1) } else { Ok(()) }
}

/// The frame with the mark that it is hidden; one that is no keyframe says besides that it is not
/// intra-only.
fn hidden(frame: &[u8], header: &Header) -> Option<Vec<u8>> {
    let mut bits = Bits::new(frame);
    let mut written = Written { bytes: Vec::with_capacity(frame.len().saturating_add(1)), free: 0 };
    for at in 0..header.end {
        let bit = bits.flag().ok()?;
        written.push(bit && at != header.shown_at);
        if at == header.shown_at.saturating_add(1) && !header.keyframe {
            written.push(false);
        }
    }
    let data = frame.get(header.end.div_ceil(8)..)?;
    written.bytes.extend_from_slice(data);
    Some(written.bytes)
}

/// Bits being written, highest first.
struct Written {
    bytes: Vec<u8>,
    /// Bits left in the last byte.
    free: u32,
}

impl Written {
    fn push(&mut self, bit: bool) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        self.free = self.free.saturating_sub(1);
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit).wrapping_shl(self.free);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As Chromium sends the lower of two layers, 320 x 180, up to some bytes of compressed data.
    const KEYFRAME: [u8; 24] = [
        0x83, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0b, 0x30, 0x70, 0xe0, 0x90, 0x70, 0x63, 0xf8,
        0x00, 0x06, 0xc0, 0x5f, 0x5e, 0x0c, 0xff, 0xfc, 0x6d,
    ];

    #[test]
    fn a_keyframe_is_hidden_by_one_bit() {
        let hidden = References::default().decode(&KEYFRAME, true).expect("hidden");
        assert_eq!(hidden[0], KEYFRAME[0] & !0x02);
        assert_eq!(hidden[1..], KEYFRAME[1..]);
        assert!(References::default().decode(&KEYFRAME, false).is_none());
    }

    #[test]
    fn a_frame_of_an_unknown_reference_stays_as_it_is() {
        assert!(References::default().decode(&[0x86, 0, 0, 0, 0x80, 0, 0, 0], true).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 1..8),
        ) {
            let mut references = References::default();
            references.decode(&KEYFRAME, true);
            for mut frame in frames {
                frame[0] = frame[0] & 0x3f | 0x80;
                if let Some(hidden) = references.decode(&frame, true) {
                    prop_assert!(hidden.len() <= frame.len() + 1);
                }
            }
        }
    }
}
