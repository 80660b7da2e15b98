//! AV1 payloads (AOM, RTP Payload Format for AV1, section 4.4): the aggregation header and a bounded
//! walk over its OBU elements, to see where a keyframe begins.

use crate::Error;
use crate::cursor::Reader;

/// OBU elements of one packet; encoders make a handful, and a temporal unit has few more.
pub const MAX_ELEMENTS: usize = 64;

/// Bytes of one LEB128 number (AV1 specification section 4.10.5).
const MAX_LEB128_LEN: u32 = 8;
/// The OBU type of a sequence header (AV1 specification section 6.2.2).
const OBU_SEQUENCE_HEADER: u8 = 1;

/// What a packet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// The first element continues one of the packet before.
    pub continues: bool,
    /// The last element goes on in the next packet.
    pub continued: bool,
    /// The sender says that a coded video sequence begins: bit N.
    pub new_sequence: bool,
    /// A sequence header begins in this packet.
    pub sequence_header: bool,
    /// Elements in this packet.
    pub elements: usize,
}

impl Payload {
    /// Reads an RTP payload.
    pub fn parse(payload: &[u8]) -> Result<Payload, Error> {
        let mut reader = Reader::new(payload);
        let header = reader.u8()?;
        let counted = usize::from(header >> 4 & 0x03);
        let mut found = Payload {
            continues: header & 0x80 != 0,
            continued: header & 0x40 != 0,
            new_sequence: header & 0x08 != 0,
            sequence_header: false,
            elements: 0,
        };
        if found.continues && found.new_sequence {
            return Err(Error::Invalid);
        }
        while !reader.is_empty() {
            found.elements = found.elements.saturating_add(1);
            if found.elements > MAX_ELEMENTS || (counted != 0 && found.elements > counted) {
                return Err(Error::TooMany);
            }
            let is_last_counted = found.elements == counted;
            let len = if is_last_counted { reader.rest().len() } else { leb128(&mut reader)? };
            let element = reader.take(len)?;
            let is_fragment = found.continues && found.elements == 1;
            if let Some(first) = element.first().filter(|_| !is_fragment) {
                found.sequence_header |= first >> 3 & 0x0f == OBU_SEQUENCE_HEADER;
            }
        }
        if found.elements == 0 || (counted != 0 && found.elements != counted) {
            return Err(Error::Truncated);
        }
        Ok(found)
    }

    /// Whether a keyframe begins: a new coded video sequence.
    pub fn starts_keyframe(&self) -> bool {
        self.new_sequence || self.sequence_header
    }
}

/// A number of up to 8 bytes that must fit 32 bits (AV1 specification section 4.10.5).
fn leb128(reader: &mut Reader<'_>) -> Result<usize, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEQUENCE_HEADER: u8 = OBU_SEQUENCE_HEADER << 3;
    const FRAME: u8 = 6 << 3;

    #[test]
    fn bit_n_or_a_sequence_header_begins_a_keyframe() {
        let by_bit = Payload::parse(&[0x18, FRAME, 0xaa]).expect("valid");
        assert!(by_bit.starts_keyframe() && !by_bit.sequence_header);
        let by_header = Payload::parse(&[0x20, 1, SEQUENCE_HEADER, FRAME, 0xaa]).expect("valid");
        assert!(by_header.starts_keyframe() && by_header.elements == 2);
        let neither = Payload::parse(&[0x10, FRAME, SEQUENCE_HEADER]).expect("valid");
        assert!(!neither.starts_keyframe());
    }

    #[test]
    fn a_continued_fragment_is_not_taken_for_a_header() {
        let found = Payload::parse(&[0x90, SEQUENCE_HEADER, 1]).expect("valid");
        assert!(found.continues && !found.starts_keyframe());
        assert_eq!(Payload::parse(&[0x98, SEQUENCE_HEADER]), Err(Error::Invalid));
    }

    #[test]
    fn a_count_that_does_not_fit_the_elements_is_refused() {
        assert_eq!(Payload::parse(&[0x30, 1, FRAME, 1, FRAME]), Err(Error::Truncated));
        assert!(Payload::parse(&[0x30, 1, FRAME, 1, FRAME, FRAME]).is_ok());
        assert!(Payload::parse(&[0x00, 1, FRAME, 1, FRAME]).is_ok());
        assert_eq!(Payload::parse(&[0x00, 1, FRAME, 2, FRAME]), Err(Error::Truncated));
        assert_eq!(Payload::parse(&[0x00]), Err(Error::Truncated));
        assert_eq!(Payload::parse(&[]), Err(Error::Truncated));
        let many = [&[0][..], &[0; MAX_ELEMENTS + 1]].concat();
        assert_eq!(Payload::parse(&many), Err(Error::TooMany));
    }

    #[test]
    fn a_length_over_32_bits_is_refused() {
        assert_eq!(Payload::parse(&[&[0][..], &[0xff; 20]].concat()), Err(Error::Invalid));
        let high = [0, 0x80, 0x80, 0x80, 0x80, 0x10, FRAME];
        assert_eq!(Payload::parse(&high), Err(Error::Invalid));
        let last_byte = [0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, FRAME];
        assert_eq!(Payload::parse(&last_byte), Err(Error::Invalid));
        let padded_one = [0, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, FRAME];
        assert!(Payload::parse(&padded_one).is_ok());
        assert_eq!(
            Payload::parse(&[0, 0xff, 0xff, 0xff, 0xff, 0x0f, FRAME]),
            Err(Error::Truncated)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(found) = Payload::parse(&bytes) {
                prop_assert!((1..=MAX_ELEMENTS).contains(&found.elements));
            }
        }
    }
}
