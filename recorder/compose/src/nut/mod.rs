//! Reads pictures as FFmpeg writes them to a pipe in NUT: one stream, raw frames with exact times.
//!
//! FFmpeg's muxer of Matroska copies a frame a kilobyte at a time: raw pictures of 1,920 × 1,080 cost
//! it more than to decode them. Its muxer of NUT (<https://ffmpeg.org/~michael/nut.txt>) hands them on.

mod codes;
mod number;

#[cfg(test)]
mod tests;

use crate::pipe::{nonsense, skip};
use codes::{Code, Codes, flag};
use number::{Bytes, number};
use std::io::{self, Read};

/// Begins each stream.
const FILE_ID: &[u8; 25] = b"nut/multimedia container\0";
/// All packets that are no frames begin with this, which is no frame's code.
const NO_FRAME: u8 = b'N';
const MAIN: u64 = 0x4e4d_7a56_1f5f_04ad;
const STREAM: u64 = 0x4e53_1140_5bf2_f9db;
const SYNC_POINT: u64 = 0x4e4b_e4ad_eeca_4569;
/// Headers with more than so many bytes have a checksum of their own.
const CHECKED_BYTES: u64 = 4_096;
/// No header that is needed is larger.
const MAX_HEADER_BYTES: u64 = 64 << 10;
/// One frame at most: the largest raw picture that is handed over is 2,304 × 1,080 in 3.7 MB.
const MAX_FRAME_BYTES: u64 = 64 << 20;

/// Reads from a pipe.
pub struct Reader<R> {
    from: R,
    began: bool,
    /// Times are in so many seconds: numerator and denominator.
    time_base: (u64, u64),
    /// How many of the lowest bits of a time are told.
    short_bits: u32,
    last: i64,
    codes: Codes,
}

/// A picture.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it is shown, in milliseconds.
    pub at_ms: i64,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads from the first byte on.
    pub fn new(from: R) -> Reader<R> {
        let codes = Codes::default();
        Reader { from, began: false, time_base: (1, 1_000), short_bits: 0, last: 0, codes }
    }

    /// What the stream is read from.
    pub fn source(&mut self) -> &mut R {
        &mut self.from
    }

    /// The next picture, or `None` at the end. `reuse` is taken for its bytes.
    pub fn next(&mut self, reuse: Vec<u8>) -> io::Result<Option<Frame>> {
        if !self.began && !self.begin()? {
            return Ok(None);
        }
        loop {
            let mut first = [0; 1];
            if self.from.read(&mut first)? == 0 {
                return Ok(None);
            }
            let [code] = first;
            if code == NO_FRAME {
                self.packet()?;
            } else if let Some((pts, size, prefix)) = self.frame(code)? {
                return self.take(pts, size, prefix, reuse).map(Some);
            }
        }
    }

    /// Whether there is anything at all.
    fn begin(&mut self) -> io::Result<bool> {
        let mut id = [0; FILE_ID.len()];
        let (first, rest) = id.split_at_mut(1);
        if self.from.read(first)? == 0 {
            return Ok(false);
        }
        self.from.read_exact(rest)?;
        self.began = id == *FILE_ID;
        if self.began { Ok(true) } else { Err(nonsense()) }
    }

    /// A packet that is no frame, from its second byte on.
    fn packet(&mut self) -> io::Result<()> {
        let mut name = [NO_FRAME; 8];
        self.from.read_exact(name.get_mut(1..).unwrap_or_default())?;
        let len = number(&mut self.from)?;
        if len > CHECKED_BYTES {
            skip(&mut self.from, 4)?;
        }
        let name = u64::from_be_bytes(name);
        if ![MAIN, STREAM, SYNC_POINT].contains(&name) {
            return skip(&mut self.from, len);
        }
        if len > MAX_HEADER_BYTES {
            return Err(nonsense());
        }
        let mut bytes = vec![0; len as usize];
        self.from.read_exact(&mut bytes)?;
        let mut bytes = Bytes::new(&bytes);
        match name {
            MAIN => self.main(&mut bytes),
            STREAM => self.stream(&mut bytes),
            _ => self.sync_point(&mut bytes),
        }
    }

    fn main(&mut self, bytes: &mut Bytes<'_>) -> io::Result<()> {
        /// From this version on a minor one follows.
        const HAS_MINOR: u64 = 4;
        if bytes.number()? >= HAS_MINOR {
            bytes.number()?;
        }
        let (_streams, _most_distance) = (bytes.number()?, bytes.number()?);
        // One stream has one.
        if bytes.number()? != 1 {
            return Err(nonsense());
        }
        self.time_base = (bytes.number()?, bytes.number()?);
        let (ticks, seconds) = self.time_base;
        if ticks == 0 || seconds == 0 || ticks.max(seconds) > u64::from(u32::MAX) {
            return Err(nonsense());
        }
        self.codes = Codes::read(bytes)?;
        Ok(())
    }

    fn stream(&mut self, bytes: &mut Bytes<'_>) -> io::Result<()> {
        let (_id, _class) = (bytes.number()?, bytes.number()?);
        bytes.string()?;
        let _time_base = bytes.number()?;
        let bits = bytes.number()?;
        if bits >= 16 {
            return Err(nonsense());
        }
        self.short_bits = bits as u32;
        Ok(())
    }

    fn sync_point(&mut self, bytes: &mut Bytes<'_>) -> io::Result<()> {
        self.last = i64::try_from(bytes.number()?).map_err(|_| nonsense())?;
        Ok(())
    }

    /// A frame's head: its time, how many bytes follow, and those that stand before them and were left
    /// out. Nothing where it only says that the stream is over.
    fn frame(&mut self, code: u8) -> io::Result<Option<(i64, u64, usize)>> {
        let Code { mut flags, mut prefix, pts_delta, size_factor, size, mut reserved } =
            *self.codes.of(code).ok_or_else(nonsense)?;
        let from = &mut self.from;
        if flags & flag::CODED != 0 {
            flags ^= number(from)?;
        }
        if flags & flag::STREAM_ID != 0 && number(from)? != 0 {
            return Err(nonsense());
        }
        let pts = match flags & flag::CODED_PTS {
            0 => self.last.saturating_add(pts_delta),
            _ => full(number(from)?, self.last, self.short_bits)?,
        };
        let mut len = size;
        if flags & flag::SIZE_MSB != 0 {
            let more = number(from)?.checked_mul(size_factor);
            len = more.and_then(|more| more.checked_add(size)).ok_or_else(nonsense)?;
        }
        if flags & flag::MATCH_TIME != 0 {
            number(from)?;
        }
        if flags & flag::HEADER_INDEX != 0 {
            prefix = usize::try_from(number(from)?).map_err(|_| nonsense())?;
        }
        if flags & flag::RESERVED != 0 {
            reserved = number(from)?;
        }
        for _ in 0..reserved {
            number(from)?;
        }
        if flags & flag::CHECKSUM != 0 {
            skip(from, 4)?;
        }
        if flags & (flag::SIDE_DATA | flag::INVALID) != 0 || len > MAX_FRAME_BYTES {
            return Err(nonsense());
        }
        self.last = pts;
        Ok((flags & flag::END == 0).then_some((pts, len, prefix)))
    }

    fn take(&mut self, pts: i64, len: u64, prefix: usize, reuse: Vec<u8>) -> io::Result<Frame> {
        let prefix = self.codes.prefix(prefix).ok_or_else(nonsense)?;
        let len = len as usize;
        let mut data = reuse;
        data.resize(len, 0);
        let (left_out, rest) = data.split_at_mut_checked(prefix.len()).ok_or_else(nonsense)?;
        left_out.copy_from_slice(prefix);
        self.from.read_exact(rest)?;
        let (ticks, seconds) = self.time_base;
        let at_ms = i128::from(pts) * i128::from(ticks) * 1_000 / i128::from(seconds);
        Ok(Frame { at_ms: i64::try_from(at_ms).map_err(|_| nonsense())?, data })
    }
}

/// A whole time of one that may tell its lowest bits only: the one that is nearest to the last.
fn full(coded: u64, last: i64, bits: u32) -> io::Result<i64> {
    let coded = i64::try_from(coded).map_err(|_| nonsense())?;
    let wrap = 1_i64 << bits;
    if coded >= wrap {
        return Ok(coded - wrap);
    }
    let mask = wrap - 1;
    let before = last.saturating_sub(mask / 2);
    Ok((coded.wrapping_sub(before) & mask).saturating_add(before))
}
