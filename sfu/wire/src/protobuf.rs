//! The outermost layer of a protobuf message: fields one after the other, whatever they mean.
//!
//! Stricter than protobuf: tags and lengths in their shortest form only, no groups. What two parsers
//! could read in two ways is an error here.

use crate::Error;
use crate::cursor::Reader;

/// Bits of a tag that are the wire type.
const WIRE_TYPE_BITS: u32 = 3;
/// Bytes of the longest varint of 64 bits.
const MAX_VARINT_BYTES: usize = 10;
/// Bytes of the longest varint of 32 bits, which tags and lengths are.
const MAX_SHORT_VARINT_BYTES: usize = 5;

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number, never 0.
    pub number: u32,
    /// Its content where it is delimited by a length: a string, bytes, or a message inside.
    pub content: Option<&'a [u8]>,
}

/// The fields of a message, in their order. After an error comes nothing more.
pub fn fields(message: &[u8]) -> impl Iterator<Item = Result<Field<'_>, Error>> {
    let mut reader = Reader::new(message);
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || reader.is_empty() {
            return None;
        }
        let field = field(&mut reader);
        failed = field.is_err();
        Some(field)
    })
}

fn field<'a>(reader: &mut Reader<'a>) -> Result<Field<'a>, Error> {
    let tag = short_varint(reader)?;
    let number = tag >> WIRE_TYPE_BITS;
    if number == 0 {
        return Err(Error::Invalid);
    }
    let content = match tag & 7 {
        0 => varint(reader).map(|()| None)?,
        1 => reader.take(8).map(|_| None)?,
        2 => {
            let len = usize::try_from(short_varint(reader)?).map_err(|_| Error::Length)?;
            Some(reader.take(len)?)
        }
        5 => reader.take(4).map(|_| None)?,
        _ => return Err(Error::Unsupported),
    };
    Ok(Field { number, content })
}

/// A number of 32 bits in its shortest form.
fn short_varint(reader: &mut Reader<'_>) -> Result<u32, Error> {
    let mut value = 0u64;
    for place in 0..MAX_SHORT_VARINT_BYTES {
        let byte = reader.u8()?;
        let shift = u32::try_from(place.saturating_mul(7)).map_err(|_| Error::Invalid)?;
        value |= u64::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            let is_shortest = byte != 0 || place == 0;
            return if is_shortest {
                u32::try_from(value).map_err(|_| Error::Invalid)
            } else {
                Err(Error::Invalid)
            };
        }
    }
    Err(Error::Invalid)
}

/// A number of 64 bits, whose value does not matter.
fn varint(reader: &mut Reader<'_>) -> Result<(), Error> {
    for _ in 0..MAX_VARINT_BYTES {
        if reader.u8()? & 0x80 == 0 {
            return Ok(());
        }
    }
    Err(Error::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Result<Vec<Field<'_>>, Error> {
        fields(message).collect()
    }

    #[test]
    fn fields_of_every_kind_are_found() {
        let mut message = vec![0x08, 0x96, 0x01]; // Field 1: 150.
        message.extend([0x12, 0x02, b'h', b'i']); // Field 2: "hi".
        message.extend([0x19, 0, 1, 2, 3, 4, 5, 6, 7]); // Field 3: 64 bits.
        message.extend([0x25, 0, 1, 2, 3]); // Field 4: 32 bits.
        message.extend([0x82, 0x01, 0x00]); // Field 16: nothing.
        let found = read(&message).expect("fields");
        let expected: [(u32, Option<&[u8]>); 5] =
            [(1, None), (2, Some(b"hi")), (3, None), (4, None), (16, Some(b""))];
        assert_eq!(found.len(), expected.len());
        for (field, (number, content)) in found.iter().zip(expected) {
            assert_eq!((field.number, field.content), (number, content));
        }
        assert_eq!(read(&[]), Ok(Vec::new()));
    }

    #[test]
    fn what_reaches_over_the_end_is_an_error() {
        // An unknown field that would swallow what is appended to the message.
        assert_eq!(read(&[0x12, 0x02, b'h', b'i', 0x7a, 0x29]), Err(Error::Truncated));
        for cut in [&[0x08][..], &[0x08, 0x80], &[0x19, 0], &[0x25, 0], &[0x80]] {
            assert_eq!(read(cut), Err(Error::Truncated), "{cut:?}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_an_error() {
        let longer_than_needed = [0x8a, 0x00, 0x00];
        let too_large_a_tag = [0x80, 0x80, 0x80, 0x80, 0x10];
        let no_number = [0x02, 0x00];
        for message in [&longer_than_needed[..], &too_large_a_tag, &no_number] {
            assert_eq!(read(message), Err(Error::Invalid), "{message:?}");
        }
        let group = [0x0b, 0x0c];
        assert_eq!(read(&group), Err(Error::Unsupported));
    }

    #[test]
    fn nothing_follows_an_error() {
        let mut fields = fields(&[0x0b, 0x0c, 0x08, 0x01]);
        assert!(fields.next().is_some_and(|field| field.is_err()));
        assert_eq!(fields.next(), None);
    }
}
