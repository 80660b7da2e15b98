//! Source descriptions (RFC 3550 section 6.5): here, the canonical name.

use super::{MAX_COUNT, Writer, packet_type};
use crate::cursor::Reader;
use crate::{Error, Ssrc};

/// Items of all chunks of one description: sources have one to three each.
const MAX_ITEMS: usize = 4 * MAX_COUNT;
/// What one length byte can say.
const MAX_TEXT_LEN: usize = 255;

/// Item types (RFC 3550 section 12.2).
pub mod item_type {
    /// The canonical name, the same for all streams of an endpoint.
    pub const CNAME: u8 = 1;
    /// The mid (RFC 8843).
    pub const MID: u8 = 15;
}

/// One item of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// The source it is about.
    pub ssrc: Ssrc,
    /// Which kind, see [`item_type`].
    pub item_type: u8,
    /// The text: should be UTF-8, is whatever came.
    pub text: &'a [u8],
}

/// A description: all chunks are terminated and hold whole items.
#[derive(Debug, Clone, Copy)]
pub struct Description<'a> {
    count: u8,
    chunks: &'a [u8],
}

impl<'a> Description<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Description<'a>, Error> {
        let description = Description { count, chunks: body };
        let mut items = description.walk();
        let mut seen = 0usize;
        while items.step()?.is_some() {
            seen = seen.saturating_add(1);
            if seen > MAX_ITEMS {
                return Err(Error::TooMany);
            }
        }
        Ok(description)
    }

    /// The items of all chunks.
    pub fn items(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let mut walk = self.walk();
        std::iter::from_fn(move || walk.step().ok().flatten())
    }

    fn walk(&self) -> Walk<'a> {
        Walk { reader: Reader::new(self.chunks), chunks_left: self.count, chunk: None }
    }
}

/// Walks over chunks and their items.
struct Walk<'a> {
    reader: Reader<'a>,
    chunks_left: u8,
    /// Source and first byte of the chunk being read.
    chunk: Option<(Ssrc, usize)>,
}

impl<'a> Walk<'a> {
    fn step(&mut self) -> Result<Option<Item<'a>>, Error> {
        loop {
            let Some((ssrc, start)) = self.chunk else {
                let Some(left) = self.chunks_left.checked_sub(1) else { return Ok(None) };
                self.chunks_left = left;
                let start = self.reader.rest().len();
                self.chunk = Some((Ssrc(self.reader.u32()?), start));
                continue;
            };
            let item_type = self.reader.u8()?;
            if item_type == 0 {
                // Zeros fill the chunk up to a whole word (RFC 3550 section 6.5).
                let read = start.saturating_sub(self.reader.rest().len());
                self.reader.take(read.wrapping_neg() & 3)?;
                self.chunk = None;
                continue;
            }
            let len = self.reader.u8()?;
            let text = self.reader.take(usize::from(len))?;
            return Ok(Some(Item { ssrc, item_type, text }));
        }
    }
}

impl Writer<'_> {
    /// Adds a description that gives one canonical name to up to 31 sources. A name over 255 bytes
    /// is [`Error::Invalid`].
    pub fn canonical_name(&mut self, ssrcs: &[Ssrc], name: &[u8]) -> Result<(), Error> {
        let len = u8::try_from(name.len()).map_err(|_| Error::Invalid)?;
        debug_assert!(name.len() <= MAX_TEXT_LEN);
        self.packet(ssrcs.len(), packet_type::DESCRIPTION, |writer| {
            for ssrc in ssrcs {
                writer.u32(ssrc.0)?;
                writer.put(&[item_type::CNAME, len])?;
                writer.put(name)?;
                writer.u8(0)?;
                writer.pad_to_word()?;
            }
            Ok(())
        })
    }
}
