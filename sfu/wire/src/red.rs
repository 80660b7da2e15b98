//! Redundant audio (RFC 2198): the blocks of a packet, newest last, read and written.

use crate::cursor::{Reader, Writer};
use crate::{Error, PayloadType};

/// Blocks of one packet: browsers send one or two redundant ones and the primary.
pub const MAX_BLOCKS: usize = 8;
/// The oldest that a redundant block can be, in ticks: 14 bits, a third of a second at 48 kHz.
pub const MAX_TIMESTAMP_OFFSET: u32 = (1 << 14) - 1;
/// The longest redundant block: 10 bits.
pub const MAX_BLOCK_BYTES: usize = (1 << 10) - 1;
/// Bytes of a redundant block's header, and of the primary's.
const HEADER_BYTES: usize = 4;
const PRIMARY_HEADER_BYTES: usize = 1;

/// One block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// The codec.
    pub payload_type: PayloadType,
    /// Ticks before the packet's timestamp; 0 for the primary block.
    pub timestamp_offset: u16,
    /// The encoded sound.
    pub data: &'a [u8],
}

/// A packet's blocks; their headers and lengths fit.
#[derive(Debug, Clone, Copy)]
pub struct Blocks<'a> {
    headers: Reader<'a>,
    data: Reader<'a>,
}

/// One header: payload type, timestamp offset, and the length; `None` for the primary block.
struct Header {
    payload_type: PayloadType,
    timestamp_offset: u16,
    len: Option<usize>,
}

fn header(reader: &mut Reader<'_>) -> Result<Header, Error> {
    let first = reader.u8()?;
    let payload_type = PayloadType::from_low_bits(first);
    if first & 0x80 == 0 {
        return Ok(Header { payload_type, timestamp_offset: 0, len: None });
    }
    let bits = reader.u24()?;
    Ok(Header {
        payload_type,
        timestamp_offset: (bits >> 10) as u16,
        len: Some((bits & 0x3ff) as usize),
    })
}

impl<'a> Blocks<'a> {
    /// Reads an RTP payload.
    pub fn parse(payload: &'a [u8]) -> Result<Blocks<'a>, Error> {
        let headers = Reader::new(payload);
        let mut reader = headers;
        let mut redundant_len = 0usize;
        for _ in 0..MAX_BLOCKS {
            match header(&mut reader)?.len {
                Some(len) => redundant_len = redundant_len.saturating_add(len),
                None => {
                    if redundant_len > reader.rest().len() {
                        return Err(Error::Length);
                    }
                    return Ok(Blocks { headers, data: reader });
                }
            }
        }
        Err(Error::TooMany)
    }
}

impl<'a> Block<'a> {
    /// A redundant block of sound that is `age` ticks older than the packet it goes with; `None`
    /// where no header can say that: it is as new as the packet or newer, too old, too long or empty.
    pub fn redundant(payload_type: PayloadType, age: i32, data: &'a [u8]) -> Option<Block<'a>> {
        let age = u32::try_from(age).ok().filter(|age| (1..=MAX_TIMESTAMP_OFFSET).contains(age))?;
        let fits = !data.is_empty() && data.len() <= MAX_BLOCK_BYTES;
        fits.then_some(Block { payload_type, timestamp_offset: age as u16, data })
    }
}

/// How long the payload will be that [`write`] makes of redundant blocks and a primary of so many
/// bytes.
pub fn written_len(redundant: &[Block<'_>], primary: usize) -> usize {
    let start = primary.saturating_add(PRIMARY_HEADER_BYTES);
    redundant
        .iter()
        .fold(start, |len, block| len.saturating_add(HEADER_BYTES).saturating_add(block.data.len()))
}

/// Writes redundant blocks, oldest first, and the primary. Gives the payload's length. Blocks that
/// [`Block::redundant`] would not make are refused, and so are too many of them.
pub fn write(
    buffer: &mut [u8],
    redundant: &[Block<'_>],
    primary: (PayloadType, &[u8]),
) -> Result<usize, Error> {
    if redundant.len() >= MAX_BLOCKS {
        return Err(Error::TooMany);
    }
    let mut writer = Writer::new(buffer);
    for block in redundant {
        let age = i32::from(block.timestamp_offset);
        Block::redundant(block.payload_type, age, block.data).ok_or(Error::Invalid)?;
        let [_, high, middle, low] =
            (u32::from(block.timestamp_offset) << 10 | block.data.len() as u32).to_be_bytes();
        writer.put(&[0x80 | block.payload_type.value(), high, middle, low])?;
    }
    let (payload_type, data) = primary;
    writer.put(&[payload_type.value()])?;
    redundant.iter().try_for_each(|block| writer.put(block.data))?;
    writer.put(data)?;
    Ok(writer.len())
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let header = header(&mut self.headers).ok()?;
        let data = match header.len {
            Some(len) => self.data.take(len).ok()?,
            None => {
                self.headers = Reader::new(&[]);
                self.data.rest()
            }
        };
        let Header { payload_type, timestamp_offset, .. } = header;
        Some(Block { payload_type, timestamp_offset, data })
    }
}

impl std::iter::FusedIterator for Blocks<'_> {}

/// Overwrites the payload type of every block in place. A payload that cannot be read, or a block
/// for which `map` has no type, is an error and leaves everything as it was.
pub fn map_payload_types(
    payload: &mut [u8],
    map: impl Fn(PayloadType) -> Option<PayloadType>,
) -> Result<(), Error> {
    let mut blocks = Blocks::parse(payload)?;
    if blocks.any(|block| map(block.payload_type).is_none()) {
        return Err(Error::Unsupported);
    }
    let mut at = 0usize;
    for _ in 0..MAX_BLOCKS {
        let first = payload.get_mut(at).ok_or(Error::Truncated)?;
        let is_primary = *first & 0x80 == 0;
        let mapped = map(PayloadType::from_low_bits(*first)).ok_or(Error::Unsupported)?;
        *first = *first & 0x80 | mapped.value();
        if is_primary {
            break;
        }
        at = at.saturating_add(4);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two redundant blocks of 2 and 1 bytes, 1,920 and 960 ticks old, and a primary of 3.
    const PACKET: [u8; 15] =
        [0x80 | 111, 0x1e, 0x00, 0x02, 0x80 | 111, 0x0f, 0x00, 0x01, 111, 1, 2, 3, 4, 5, 6];

    #[test]
    fn the_blocks_come_oldest_first() {
        let blocks: Vec<_> = Blocks::parse(&PACKET).expect("valid").collect();
        let parts: Vec<_> =
            blocks.iter().map(|block| (block.timestamp_offset, block.data)).collect();
        assert_eq!(parts, [(1_920, &[1, 2][..]), (960, &[3]), (0, &[4, 5, 6])]);
        assert!(blocks.iter().all(|block| block.payload_type.value() == 111));
    }

    #[test]
    fn every_truncation_is_refused_or_shortens_the_primary() {
        for len in 0..PACKET.len() {
            match Blocks::parse(&PACKET[..len]) {
                Ok(blocks) => {
                    assert_eq!(blocks.last().map(|block| block.data.len()), Some(len - 12))
                }
                Err(error) => {
                    assert!(len < 12);
                    assert!(matches!(error, Error::Truncated | Error::Length));
                }
            }
        }
    }

    #[test]
    fn blocks_longer_than_the_payload_or_too_many_are_refused() {
        assert_eq!(Blocks::parse(&[0xef, 0, 3, 0xff, 111, 1]).map(|_| ()), Err(Error::Length));
        let endless = [0xef, 0, 0, 0].repeat(400);
        assert_eq!(Blocks::parse(&endless).map(|_| ()), Err(Error::TooMany));
    }

    #[test]
    fn payload_types_are_mapped_in_place_or_not_at_all() {
        let mut bytes = PACKET;
        let opus = PayloadType::from_low_bits(96);
        map_payload_types(&mut bytes, |from| (from.value() == 111).then_some(opus))
            .expect("mapped");
        let blocks = Blocks::parse(&bytes).expect("valid");
        assert!(blocks.clone().all(|block| block.payload_type == opus));
        assert_eq!(bytes[9..], PACKET[9..]);
        let before = bytes;
        assert_eq!(map_payload_types(&mut bytes, |_| None), Err(Error::Unsupported));
        assert_eq!(bytes, before);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let opus = PayloadType::from_low_bits(111);
        let block = |age, data| Block::redundant(opus, age, data).expect("fits");
        let mut buffer = [0; 20];
        let redundant = [block(1_920, &[1, 2]), block(960, &[3])];
        let len = write(&mut buffer, &redundant, (opus, &[4, 5, 6])).expect("room");
        assert_eq!((len, &buffer[..len]), (written_len(&redundant, 3), &PACKET[..]));
        assert_eq!(
            write(&mut buffer[..len - 1], &redundant, (opus, &[4, 5, 6])),
            Err(Error::NoSpace)
        );
        let many = [block(960, &[3]); MAX_BLOCKS];
        assert_eq!(write(&mut buffer, &many, (opus, &[4])), Err(Error::TooMany));
    }

    #[test]
    fn a_block_that_no_header_can_tell_of_is_not_made() {
        let opus = PayloadType::from_low_bits(111);
        let long = [0; MAX_BLOCK_BYTES + 1];
        for (age, data) in [(0, &[1][..]), (-960, &[1]), (1 << 14, &[1]), (960, &[]), (960, &long)]
        {
            assert_eq!(Block::redundant(opus, age, data), None, "{age} {}", data.len());
            let block = Block { payload_type: opus, timestamp_offset: age as u16, data };
            assert_eq!(write(&mut [0; 1_500], &[block], (opus, &[])), Err(Error::Invalid));
        }
        assert!(Block::redundant(opus, (1 << 14) - 1, &long[1..]).is_some());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(blocks) = Blocks::parse(&bytes) {
                let (count, len) =
                    blocks.fold((0, 0), |(count, len), block| (count + 1, len + block.data.len()));
                prop_assert!(count <= MAX_BLOCKS);
                prop_assert_eq!(len + count * 4 - 3, bytes.len());
                map_payload_types(&mut bytes, Some).expect("valid");
            }
        }
    }
}
