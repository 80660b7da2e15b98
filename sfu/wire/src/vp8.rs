//! VP8 payload descriptors (RFC 7741 section 4): reading, and rewriting in place.

use crate::Error;
use crate::cursor::Reader;

const EXTENDED_BIT: u8 = 0x80;
const START_BIT: u8 = 0x10;
const PICTURE_ID_BIT: u8 = 0x80;
const TL0PICIDX_BIT: u8 = 0x40;
const TID_BIT: u8 = 0x20;
const KEYIDX_BIT: u8 = 0x10;
const LONG_PICTURE_ID_BIT: u8 = 0x80;

/// Numbers the frames of a stream; wraps after 7 or 15 bits, as long as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureId {
    /// 7 bits.
    Short(u8),
    /// 15 bits.
    Long(u16),
}

impl PictureId {
    /// The number.
    pub fn value(self) -> u16 {
        match self {
            PictureId::Short(value) => u16::from(value),
            PictureId::Long(value) => value,
        }
    }
}

/// A keyframe's size in pixels (RFC 6386 section 9.1), without scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// 14 bits.
    pub width: u16,
    /// 14 bits.
    pub height: u16,
}

/// A packet's descriptor, and what the frame's first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// The frame's number, where sent.
    pub picture_id: Option<PictureId>,
    /// Counts frames of the lowest temporal layer, where sent.
    pub tl0_picture_index: Option<u8>,
    /// The temporal layer, 0 to 3, where sent.
    pub temporal_layer: Option<u8>,
    /// With a temporal layer: depends on the lowest layer only.
    pub layer_sync: bool,
    /// No other frame depends on this one.
    pub non_reference: bool,
    /// First packet of a frame.
    pub starts_frame: bool,
    /// First packet of a keyframe.
    pub starts_keyframe: bool,
    /// Size of the keyframe, where the packet begins one.
    pub size: Option<Size>,
    /// Bytes of the descriptor.
    pub len: usize,
    picture_id_at: usize,
    tl0_at: usize,
}

impl Descriptor {
    /// Reads the descriptor at the front of an RTP payload.
    pub fn parse(payload: &[u8]) -> Result<Descriptor, Error> {
        let mut reader = Reader::new(payload);
        let read = |reader: &Reader<'_>| payload.len().saturating_sub(reader.rest().len());
        let first = reader.u8()?;
        let flags = if first & EXTENDED_BIT != 0 { reader.u8()? } else { 0 };
        let picture_id_at = read(&reader);
        let mut picture_id = None;
        if flags & PICTURE_ID_BIT != 0 {
            let byte = reader.u8()?;
            let high = byte & 0x7f;
            picture_id = Some(if byte & LONG_PICTURE_ID_BIT == 0 {
                PictureId::Short(high)
            } else {
                PictureId::Long(u16::from_be_bytes([high, reader.u8()?]))
            });
        }
        let tl0_at = read(&reader);
        let tl0_picture_index = if flags & TL0PICIDX_BIT != 0 { Some(reader.u8()?) } else { None };
        let layer_byte = if flags & (TID_BIT | KEYIDX_BIT) != 0 { reader.u8()? } else { 0 };
        let len = read(&reader);
        let starts_frame = first & START_BIT != 0 && first & 0x07 == 0;
        // The frame's own first bit says "inter frame" (RFC 6386 section 9.1). Only a descriptor
        // without a frame is broken: senders do not make such packets.
        let frame_first = *reader.rest().first().ok_or(Error::Truncated)?;
        let starts_keyframe = starts_frame && frame_first & 1 == 0;
        Ok(Descriptor {
            picture_id,
            tl0_picture_index,
            temporal_layer: (flags & TID_BIT != 0).then_some(layer_byte >> 6),
            layer_sync: flags & TID_BIT != 0 && layer_byte & 0x20 != 0,
            non_reference: first & 0x20 != 0,
            starts_frame,
            starts_keyframe,
            size: if starts_keyframe { keyframe_size(reader.rest()) } else { None },
            len,
            picture_id_at,
            tl0_at,
        })
    }

    /// Overwrites picture id and index of the lowest temporal layer in the payload this was read
    /// from. The picture id keeps its 7 or 15 bits; what was not sent is not written.
    pub fn rewrite(
        &self,
        payload: &mut [u8],
        picture_id: u16,
        tl0_picture_index: u8,
    ) -> Result<(), Error> {
        write_picture_id(payload, self.picture_id_at, self.picture_id, picture_id)?;
        if self.tl0_picture_index.is_some() {
            *payload.get_mut(self.tl0_at).ok_or(Error::Truncated)? = tl0_picture_index;
        }
        Ok(())
    }
}

/// Overwrites a picture id with the low bits of `value`, in as many bits as `was` has.
pub(crate) fn write_picture_id(
    payload: &mut [u8],
    at: usize,
    was: Option<PictureId>,
    value: u16,
) -> Result<(), Error> {
    let [high, low] = value.to_be_bytes();
    let bytes: &[u8] = match was {
        None => &[],
        Some(PictureId::Short(_)) => &[low & 0x7f],
        Some(PictureId::Long(_)) => &[high | LONG_PICTURE_ID_BIT, low],
    };
    let end = at.saturating_add(bytes.len());
    payload.get_mut(at..end).ok_or(Error::Truncated)?.copy_from_slice(bytes);
    Ok(())
}

/// Three bytes of tag, three of start code, then 14 bits each of width and height.
fn keyframe_size(frame: &[u8]) -> Option<Size> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = frame else { return None };
    Some(Size {
        width: u16::from_le_bytes([*w0, *w1]) & 0x3fff,
        height: u16::from_le_bytes([*h0, *h1]) & 0x3fff,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYFRAME: [u8; 10] = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x81, 0xf0, 0x00];

    fn packet(descriptor: &[u8], frame: &[u8]) -> Vec<u8> {
        [descriptor, frame].concat()
    }

    #[test]
    fn a_descriptor_of_one_byte_begins_a_frame() {
        let descriptor = Descriptor::parse(&packet(&[0x10], &[0x01])).expect("valid");
        assert_eq!((descriptor.len, descriptor.starts_frame), (1, true));
        assert_eq!((descriptor.starts_keyframe, descriptor.picture_id), (false, None));
        assert!(!Descriptor::parse(&packet(&[0x00], &[0])).expect("valid").starts_frame);
        assert!(!Descriptor::parse(&packet(&[0x11], &[0])).expect("valid").starts_keyframe);
    }

    #[test]
    fn a_keyframe_tells_its_size_without_the_scale_bits() {
        let descriptor = Descriptor::parse(&packet(&[0x10], &KEYFRAME)).expect("valid");
        assert!(descriptor.starts_keyframe);
        assert_eq!(descriptor.size, Some(Size { width: 320, height: 240 }));
        for len in 1..KEYFRAME.len() {
            let cut = Descriptor::parse(&packet(&[0x10], &KEYFRAME[..len])).expect("valid");
            assert_eq!((cut.starts_keyframe, cut.size), (true, None));
        }
    }

    #[test]
    fn a_full_descriptor_is_read_and_rewritten_in_place() {
        let mut bytes = packet(&[0xb0, 0xf0, 0x92, 0x34, 0x56, 0xa7], &KEYFRAME);
        let descriptor = Descriptor::parse(&bytes).expect("valid");
        assert_eq!(descriptor.picture_id, Some(PictureId::Long(0x1234)));
        assert_eq!(descriptor.tl0_picture_index, Some(0x56));
        assert_eq!((descriptor.temporal_layer, descriptor.layer_sync), (Some(2), true));
        assert!(descriptor.non_reference);
        assert_eq!(descriptor.len, 6);
        descriptor.rewrite(&mut bytes, 0xffff, 0x99).expect("fits");
        assert_eq!(bytes[..6], [0xb0, 0xf0, 0xff, 0xff, 0x99, 0xa7]);
        assert_eq!(bytes[6..], KEYFRAME);
    }

    #[test]
    fn a_short_picture_id_stays_short() {
        let mut bytes = packet(&[0x90, 0x80, 0x7f], &[1]);
        let descriptor = Descriptor::parse(&bytes).expect("valid");
        assert_eq!(descriptor.picture_id, Some(PictureId::Short(0x7f)));
        descriptor.rewrite(&mut bytes, 0x1281, 0).expect("fits");
        assert_eq!(bytes, [0x90, 0x80, 0x01, 1]);
    }

    #[test]
    fn every_truncation_of_a_descriptor_is_refused() {
        let bytes = packet(&[0xb0, 0xf0, 0x92, 0x34, 0x56, 0xa7], &[0]);
        for len in 0..bytes.len() {
            assert_eq!(Descriptor::parse(&bytes[..len]), Err(Error::Truncated), "{len} bytes");
        }
        assert!(Descriptor::parse(&bytes).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..24), id: u16, tl0: u8) {
            if let Ok(descriptor) = Descriptor::parse(&bytes) {
                let rest = bytes[descriptor.len..].to_vec();
                descriptor.rewrite(&mut bytes, id, tl0).expect("of the same length");
                prop_assert_eq!(&bytes[descriptor.len..], rest.as_slice());
                let again = Descriptor::parse(&bytes).expect("still valid");
                prop_assert_eq!(again.len, descriptor.len);
                prop_assert_eq!(again.temporal_layer, descriptor.temporal_layer);
                prop_assert_eq!(again.tl0_picture_index, descriptor.tl0_picture_index.map(|_| tl0));
                let expected = descriptor.picture_id.map(|was| match was {
                    PictureId::Short(_) => PictureId::Short((id & 0x7f) as u8),
                    PictureId::Long(_) => PictureId::Long(id & 0x7fff),
                });
                prop_assert_eq!(again.picture_id, expected);
            }
        }
    }
}
