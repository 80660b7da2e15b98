//! Sealed files of finished media: chunks that open one by one, and only in their place.
//!
//! Cut, reordered, swapped or changed bytes are errors, as in the STREAM construction (Hoang,
//! Reyhanitabar, Rogaway, Vizár, 2015): the nonce holds the chunk's number and whether it is the last.

mod reader;
mod writer;

pub use reader::SealReader;
pub use writer::SealWriter;

use crate::key::{self, DataKey, TAG_BYTES};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use std::io;
use std::ops::Range;

/// Plain bytes of a chunk: small enough to seek in a film, large enough that tags cost nothing.
pub const CHUNK_BYTES: usize = 64 << 10;
/// Bytes of a chunk as it is stored.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Bytes before the first chunk: magic, version, salt.
pub const HEADER_BYTES: usize = MAGIC.len() + 1 + SALT_BYTES;
/// Chunks of one file: 4 TiB, far from what one key of AES-GCM may seal.
pub const MAX_CHUNKS: u64 = 1 << 26;

const MAGIC: &[u8; 7] = b"LctSeal";
const VERSION: u8 = 1;
const SALT_BYTES: usize = 32;
const PURPOSE: &[u8] = b"lectern sealed file 1:";

/// Why a sealed file cannot be written or opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file begins otherwise than a sealed file of a version known here.
    #[error("this is no sealed file, or of a newer version")]
    Header,
    /// No sealed file has this length: it was cut.
    #[error("the sealed file is cut off")]
    Length,
    /// A chunk does not open: changed, cut, in another place, or under another key or label.
    #[error("chunk {0} is damaged, or belongs to another key, label or place")]
    Chunk(u64),
    /// Chunks other than the last are full, nothing follows the last, and there are not too many.
    #[error("a chunk has a wrong length, or follows the last one")]
    Shape,
    /// The range lies outside the file, or the bytes given are not the chunks of the range.
    #[error("the range lies outside the file")]
    Range,
    /// No random salt.
    #[error(transparent)]
    Key(#[from] key::Error),
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// Where a chunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// More follow.
    Inner,
    /// None follows.
    Last,
}

fn nonce(index: u64, place: Place) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    let number = index.to_be_bytes();
    nonce[3..11].copy_from_slice(&number);
    nonce[11] = u8::from(place == Place::Last);
    Nonce::assume_unique_for_key(nonce)
}

/// Seals the chunks of one file, in order.
pub struct Sealer {
    key: LessSafeKey,
    header: [u8; HEADER_BYTES],
    next: u64,
    ended: bool,
}

impl Sealer {
    /// For a new file; the label, such as `RC_…/film.mp4`, is not written, and must be said again to
    /// open it.
    pub fn new(key: &DataKey, label: &str) -> Result<Sealer, Error> {
        let salt: [u8; SALT_BYTES] = key::random()?;
        let mut header = [0; HEADER_BYTES];
        let (magic, rest) = header.split_at_mut(MAGIC.len());
        magic.copy_from_slice(MAGIC);
        rest[0] = VERSION;
        rest[1..].copy_from_slice(&salt);
        let key = key.derive(&salt, PURPOSE, label).ok_or(key::Error::Random)?;
        Ok(Sealer { key, header, next: 0, ended: false })
    }

    /// What the file begins with.
    pub fn header(&self) -> &[u8; HEADER_BYTES] {
        &self.header
    }

    /// Appends the next chunk, sealed, to `to`. Chunks have [`CHUNK_BYTES`], only the last may be
    /// shorter, and is empty only in an empty file.
    pub fn seal_chunk(
        &mut self,
        place: Place,
        plain: &[u8],
        to: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let fits = match place {
            Place::Inner => plain.len() == CHUNK_BYTES,
            Place::Last => plain.len() <= CHUNK_BYTES && (!plain.is_empty() || self.next == 0),
        };
        if !fits || self.ended || self.next >= MAX_CHUNKS {
            return Err(Error::Shape);
        }
        let index = self.next;
        self.next += 1;
        self.ended = place == Place::Last;
        let from = to.len();
        to.extend_from_slice(plain);
        let once = nonce(index, place);
        match self.key.seal_in_place_separate_tag(once, Aad::empty(), &mut to[from..]) {
            Ok(tag) => to.extend_from_slice(tag.as_ref()),
            Err(_) => {
                to.truncate(from);
                return Err(Error::Chunk(index));
            }
        }
        Ok(())
    }
}

/// Plain bytes of a sealed file of this length; no chunk has been opened to prove it.
pub fn plain_len(sealed_len: u64) -> Result<u64, Error> {
    let body = sealed_len.checked_sub(HEADER_BYTES as u64).ok_or(Error::Length)?;
    let (full, rest) = (body / SEALED_CHUNK_BYTES as u64, body % SEALED_CHUNK_BYTES as u64);
    if full > MAX_CHUNKS {
        return Err(Error::Length);
    }
    let plain = full * CHUNK_BYTES as u64;
    match rest.checked_sub(TAG_BYTES as u64) {
        None if rest == 0 && full > 0 => Ok(plain),
        Some(last) if last > 0 || full == 0 => Ok(plain + last),
        _ => Err(Error::Length),
    }
}

/// Opens the chunks of one file, in any order.
pub struct Opener {
    key: LessSafeKey,
    sealed_len: u64,
    plain_len: u64,
}

impl Opener {
    /// For a file of `sealed_len` bytes that begins with `header`. That the file was not cut at the
    /// edge of a chunk is proven only where [`Opener::last_chunk`] has been opened.
    pub fn new(
        key: &DataKey,
        label: &str,
        header: &[u8; HEADER_BYTES],
        sealed_len: u64,
    ) -> Result<Opener, Error> {
        let (magic, rest) = header.split_at(MAGIC.len());
        let (version, salt) = rest.split_first().ok_or(Error::Header)?;
        if magic != MAGIC || *version != VERSION {
            return Err(Error::Header);
        }
        let plain_len = plain_len(sealed_len)?;
        let key = key.derive(salt, PURPOSE, label).ok_or(Error::Header)?;
        Ok(Opener { key, sealed_len, plain_len })
    }

    /// Plain bytes of the file.
    pub fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// Chunks of the file: at least one.
    pub fn chunks(&self) -> u64 {
        self.plain_len.div_ceil(CHUNK_BYTES as u64).max(1)
    }

    /// The chunk a plain byte stands in.
    pub fn chunk_of(&self, plain_at: u64) -> u64 {
        plain_at / CHUNK_BYTES as u64
    }

    /// Where whole chunks with this range of plain bytes are stored; cut to the file's end, and
    /// empty for an empty range.
    pub fn sealed_range(&self, plain: Range<u64>) -> Range<u64> {
        let end = plain.end.min(self.plain_len);
        if plain.start >= end {
            return 0..0;
        }
        self.stored(self.chunk_of(plain.start)..self.chunk_of(end - 1) + 1)
    }

    /// Where the last chunk is stored: opening it proves the file's length.
    pub fn last_chunk(&self) -> Range<u64> {
        self.stored(self.chunks() - 1..self.chunks())
    }

    fn stored(&self, chunks: Range<u64>) -> Range<u64> {
        let at = |chunk: u64| HEADER_BYTES as u64 + chunk * SEALED_CHUNK_BYTES as u64;
        at(chunks.start)..at(chunks.end).min(self.sealed_len)
    }

    /// Opens consecutive chunks, which are given whole: the plain bytes from the first one's start.
    pub fn open(&self, first_chunk: u64, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let mut plain = sealed.to_vec();
        self.open_in_place(first_chunk, &mut plain)?;
        Ok(plain)
    }

    /// Opens the chunks of [`Opener::sealed_range`]: exactly the plain bytes of that range.
    pub fn open_range(&self, plain: Range<u64>, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let stored = self.sealed_range(plain.clone());
        if stored.end - stored.start != sealed.len() as u64 || plain.end > self.plain_len {
            return Err(Error::Range);
        }
        if stored.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.chunk_of(plain.start);
        let mut bytes = self.open(first, sealed)?;
        let from = (plain.start - first * CHUNK_BYTES as u64) as usize;
        let len = (plain.end - plain.start) as usize;
        bytes.drain(..from.min(bytes.len()));
        bytes.truncate(len);
        if bytes.len() == len { Ok(bytes) } else { Err(Error::Range) }
    }

    /// As [`Opener::open`], where the bytes lie; after an error they are worth nothing.
    pub fn open_in_place(&self, first_chunk: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let (mut index, mut from, mut to) = (first_chunk, 0, 0);
        while from < bytes.len() {
            if index >= self.chunks() {
                bytes.clear();
                return Err(Error::Range);
            }
            let place = if index + 1 == self.chunks() { Place::Last } else { Place::Inner };
            let end = bytes.len().min(from + SEALED_CHUNK_BYTES);
            let chunk = &mut bytes[from..end];
            match self.key.open_in_place(nonce(index, place), Aad::empty(), chunk) {
                Ok(plain) => {
                    let len = plain.len();
                    bytes.copy_within(from..from + len, to);
                    to += len;
                }
                Err(_) => {
                    bytes.clear();
                    return Err(Error::Chunk(index));
                }
            }
            from = end;
            index += 1;
        }
        bytes.truncate(to);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
