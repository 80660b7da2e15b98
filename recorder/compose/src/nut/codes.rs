//! What the first byte of a frame stands for: a table at the beginning of the stream says so.

use super::NO_FRAME;
use super::number::Bytes;
use crate::pipe::nonsense;
use std::io;

/// What a frame's head has.
pub mod flag {
    /// The stream is over.
    pub const END: u64 = 1 << 1;
    /// A time.
    pub const CODED_PTS: u64 = 1 << 3;
    /// The stream's number.
    pub const STREAM_ID: u64 = 1 << 4;
    /// More of its size.
    pub const SIZE_MSB: u64 = 1 << 5;
    /// A checksum.
    pub const CHECKSUM: u64 = 1 << 6;
    /// Numbers without a meaning.
    pub const RESERVED: u64 = 1 << 7;
    /// Data besides the frame.
    pub const SIDE_DATA: u64 = 1 << 8;
    /// Which bytes were left out.
    pub const HEADER_INDEX: u64 = 1 << 10;
    /// A time of another kind.
    pub const MATCH_TIME: u64 = 1 << 11;
    /// Other flags than its code's.
    pub const CODED: u64 = 1 << 12;
    /// No frame has it.
    pub const INVALID: u64 = 1 << 13;
}

/// What one code stands for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Code {
    /// What its head has.
    pub flags: u64,
    /// The time since the frame before, where none is coded.
    pub pts_delta: i64,
    /// What more of its size is multiplied with, and what is added to it.
    pub size_factor: u64,
    pub size: u64,
    /// Numbers without a meaning.
    pub reserved: u64,
    /// Which bytes were left out.
    pub prefix: usize,
}

/// All codes, and the bytes that frames may have left out.
#[derive(Debug, Default)]
pub struct Codes {
    codes: Vec<Code>,
    prefixes: Vec<Vec<u8>>,
}

const COUNT: usize = 256;
/// Kinds of bytes that are left out, besides none.
const MAX_PREFIXES: u64 = 127;

impl Codes {
    /// What a code stands for.
    pub fn of(&self, code: u8) -> Option<&Code> {
        self.codes.get(usize::from(code)).filter(|code| code.flags & flag::INVALID == 0)
    }

    /// Bytes that were left out.
    pub fn prefix(&self, place: usize) -> Option<&[u8]> {
        match place.checked_sub(1) {
            None => Some(&[]),
            Some(place) => self.prefixes.get(place).map(Vec::as_slice),
        }
    }

    /// As a main header has them.
    pub fn read(bytes: &mut Bytes<'_>) -> io::Result<Codes> {
        let mut codes = Vec::with_capacity(COUNT);
        let (mut pts_delta, mut size_factor, mut prefix) = (0, 1, 0);
        while codes.len() < COUNT {
            let (flags, fields) = (bytes.number()?, bytes.number()?);
            let mut size = 0;
            let mut reserved = 0;
            let mut count = None;
            for field in 0..fields {
                match field {
                    0 => pts_delta = bytes.signed()?,
                    1 => size_factor = bytes.number()?,
                    3 => size = bytes.number()?,
                    4 => reserved = bytes.number()?,
                    5 => count = Some(bytes.number()?),
                    6 => _ = bytes.signed()?,
                    7 => prefix = usize::try_from(bytes.number()?).map_err(|_| nonsense())?,
                    _ => _ = bytes.number()?,
                }
            }
            // So many follow each other, each one byte larger than the one before.
            let count = count.map_or_else(|| size_factor.checked_sub(size), Some);
            let count = count.filter(|count| *count > 0 && *count <= COUNT as u64);
            let group = 0..count.ok_or_else(nonsense)?;
            for larger in group {
                skip_no_frame(&mut codes);
                let size = size.saturating_add(larger);
                codes.push(Code { flags, pts_delta, size_factor, size, reserved, prefix });
            }
            skip_no_frame(&mut codes);
        }
        if codes.len() != COUNT {
            return Err(nonsense());
        }
        let kinds = bytes.number()?;
        if kinds > MAX_PREFIXES {
            return Err(nonsense());
        }
        let prefixes = (0..kinds).map(|_| bytes.string().map(<[u8]>::to_vec));
        Ok(Codes { codes, prefixes: prefixes.collect::<io::Result<_>>()? })
    }
}

/// The code that begins what is no frame stands for none.
fn skip_no_frame(codes: &mut Vec<Code>) {
    if codes.len() == usize::from(NO_FRAME) {
        codes.push(Code { flags: flag::INVALID, ..Code::default() });
    }
}
