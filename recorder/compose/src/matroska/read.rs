//! Reads the stream that FFmpeg writes to a pipe: one track, blocks without lacing.

use crate::matroska::id;
use crate::pipe::{nonsense, skip};
use std::io::{self, Read};

/// Reads from a pipe. Elements that are not needed are skipped; nesting is not kept track of, since
/// no id means two things.
pub struct Reader<R> {
    from: R,
    cluster_ms: i64,
}

/// What is found.
#[derive(Debug)]
pub enum Item {
    /// The codec's configuration.
    CodecPrivate(Vec<u8>),
    /// A frame.
    Block(Block),
}

/// A frame, as it is in the stream.
#[derive(Debug)]
pub struct Block {
    /// When, in milliseconds.
    pub at_ms: i64,
    /// It needs none before it; only told of simple blocks.
    pub keyframe: bool,
    /// The frame.
    pub data: Vec<u8>,
}

/// One block at most: the largest raw picture that is handed over is 2,304 × 1,080 in 3.7 MB.
const MAX_BLOCK_BYTES: u64 = 64 << 20;
/// A codec's configuration at most.
const MAX_PRIVATE_BYTES: u64 = 64 << 10;
/// Track number, time, flags.
const BLOCK_HEAD_BYTES: u64 = 4;

impl<R: Read> Reader<R> {
    /// Reads from the first byte on.
    pub fn new(from: R) -> Reader<R> {
        Reader { from, cluster_ms: 0 }
    }

    /// What the stream is read from.
    pub fn source(&mut self) -> &mut R {
        &mut self.from
    }

    /// The next thing, or `None` at the end. `reuse` is taken for a frame's bytes.
    pub fn next(&mut self, reuse: Vec<u8>) -> io::Result<Option<Item>> {
        loop {
            let Some(id) = self.id()? else { return Ok(None) };
            let len = self.len()?;
            match id {
                id::SEGMENT | id::CLUSTER | id::TRACKS | id::TRACK_ENTRY | id::BLOCK_GROUP => {}
                id::TIMESTAMP => self.cluster_ms = self.number(len)?,
                id::CODEC_PRIVATE => {
                    return Ok(Some(Item::CodecPrivate(self.bytes(len, MAX_PRIVATE_BYTES)?)));
                }
                id::SIMPLE_BLOCK | id::BLOCK => return self.block(len, reuse).map(Some),
                _ => skip(&mut self.from, len)?,
            }
        }
    }

    fn block(&mut self, len: u64, mut data: Vec<u8>) -> io::Result<Item> {
        let body = len.checked_sub(BLOCK_HEAD_BYTES).ok_or_else(nonsense)?;
        if body > MAX_BLOCK_BYTES {
            return Err(nonsense());
        }
        let [track, time @ .., flags] = self.array::<4>()?;
        if track != 0x81 {
            return Err(nonsense());
        }
        let at_ms = self.cluster_ms.saturating_add(i64::from(i16::from_be_bytes(time)));
        data.resize(body as usize, 0);
        self.from.read_exact(&mut data)?;
        Ok(Item::Block(Block { at_ms, keyframe: flags & 0x80 != 0, data }))
    }

    /// An element's id, with its length mark; `None` at the end of the stream.
    fn id(&mut self) -> io::Result<Option<u32>> {
        let mut first = [0; 1];
        if self.from.read(&mut first)? == 0 {
            return Ok(None);
        }
        let more = first[0].leading_zeros();
        if more > 3 {
            return Err(nonsense());
        }
        let mut id = u32::from(first[0]);
        for _ in 0..more {
            id = id << 8 | u32::from(self.array::<1>()?[0]);
        }
        Ok(Some(id))
    }

    fn len(&mut self) -> io::Result<u64> {
        let [first] = self.array::<1>()?;
        let more = first.leading_zeros();
        if more > 7 {
            return Err(nonsense());
        }
        let mut len = u64::from(first) & ((1 << (7 - more)) - 1);
        for _ in 0..more {
            len = len << 8 | u64::from(self.array::<1>()?[0]);
        }
        Ok(len)
    }

    fn number(&mut self, len: u64) -> io::Result<i64> {
        let bytes = self.bytes(len, 8)?;
        let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        i64::try_from(number).map_err(|_| nonsense())
    }

    fn bytes(&mut self, len: u64, limit: u64) -> io::Result<Vec<u8>> {
        if len > limit {
            return Err(nonsense());
        }
        let mut bytes = vec![0; len as usize];
        self.from.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
