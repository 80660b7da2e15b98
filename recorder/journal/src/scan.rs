//! Finds good blocks in bytes of which nothing is sure.
//!
//! After a damaged block it looks for the next magic behind the damaged one's first byte, not where
//! its length points: the length may be older than what was written over it.

use crate::Source;
use crate::block::{self, HEADER_BYTES, Header, Kinds, MAGIC};
use std::io;

/// Bytes read at once where all blocks are wanted.
const READ_BYTES: usize = 256 << 10;
/// Bytes read at once where blocks are passed over: their headers lie far from each other.
const SKIM_BYTES: usize = 4 << 10;
/// What is passed over where the source cannot be read: a disk loses sectors, mostly by the page.
const PAGE_BYTES: u64 = 4 << 10;
/// How often more a byte may be summed in vain than once: bytes made for it cost no more than this.
const MAX_WASTE: u64 = 16;

/// What is missing of a journal, as far as was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Damage {
    /// Stretches of bytes that are no good block, a torn tail included.
    pub stretches: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Blocks that are whole, but do not open: another key or label, or forged.
    pub sealed: u64,
    /// Blocks that are good, but repeat or follow a later one.
    pub misplaced: u64,
    /// Blocks that were numbered, and are not there.
    pub missing: u64,
    /// Blocks of a version that is not known here; among the stretches as well.
    pub newer: u64,
    /// Entries of a kind that is not known here, or damaged before they were sealed.
    pub entries: u64,
    /// The journal stops in the middle of a block.
    pub torn: bool,
}

/// Goes through a journal from block to block.
pub(crate) struct Scan<S> {
    pub(crate) source: S,
    pub(crate) damage: Damage,
    /// Where to look next.
    at: u64,
    /// Where the last good block ended, or the scan began.
    good_until: u64,
    window: Vec<u8>,
    window_at: u64,
    /// How long the source was when the scan began: what is written meanwhile is not seen.
    size: Option<u64>,
    wasted: u64,
    begun: u64,
    ended: bool,
}

/// A good block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) offset: u64,
    pub(crate) header: Header,
}

impl<S: Source> Scan<S> {
    pub(crate) fn new(source: S) -> Scan<S> {
        Scan {
            source,
            damage: Damage::default(),
            at: 0,
            good_until: 0,
            window: Vec::new(),
            window_at: 0,
            size: None,
            wasted: 0,
            begun: 0,
            ended: false,
        }
    }

    pub(crate) fn seek(&mut self, offset: u64) {
        self.damage = Damage::default();
        self.window.clear();
        self.size = None;
        (self.at, self.good_until, self.begun) = (offset, offset, offset);
        (self.wasted, self.ended) = (0, false);
    }

    /// The next good block. Blocks of other kinds than those wanted are not read whole where the next
    /// header stands where theirs says. After an error of the source it goes on behind the place.
    pub(crate) fn next(&mut self, wanted: Kinds) -> io::Result<Option<Found>> {
        while !self.ended {
            let offset = self.at;
            let bytes = self.fill(offset, HEADER_BYTES, wanted)?;
            let Some(header) = Header::parse(bytes) else {
                let (len, step) = (bytes.len(), to_magic(bytes));
                self.damage.newer += u64::from(block::is_newer(bytes));
                if len < HEADER_BYTES {
                    self.end(len);
                } else {
                    self.at = offset.saturating_add(step as u64);
                }
                continue;
            };
            let vouched = !header.kinds.any(wanted) && self.vouched(offset, &header)?;
            if vouched || self.sums(offset, &header, wanted)? {
                self.note_gap(offset);
                self.at = offset.saturating_add(header.block_len() as u64);
                self.good_until = self.at;
                return Ok(Some(Found { offset, header }));
            }
            self.pass(&header);
        }
        Ok(None)
    }

    /// The bytes of a block that was found; fewer where they have gone meanwhile.
    pub(crate) fn block(&mut self, found: &Found) -> io::Result<&[u8]> {
        let len = found.header.block_len();
        let bytes = self.fill(found.offset, len, Kinds::NONE)?;
        Ok(bytes.get(..len).unwrap_or(bytes))
    }

    fn vouched(&mut self, offset: u64, header: &Header) -> io::Result<bool> {
        let next = offset.saturating_add(header.block_len() as u64);
        Ok(Header::parse(self.fill(next, HEADER_BYTES, Kinds::NONE)?).is_some())
    }

    fn sums(&mut self, offset: u64, header: &Header, wanted: Kinds) -> io::Result<bool> {
        let block = self.fill(offset, header.block_len(), wanted)?;
        let sealed = block.get(HEADER_BYTES..header.block_len());
        Ok(sealed.is_some_and(|sealed| header.sums(sealed)))
    }

    /// Passes over the start of a damaged block; over all of it where too much was summed in vain.
    fn pass(&mut self, header: &Header) {
        self.wasted = self.wasted.saturating_add(header.sealed_len as u64);
        let read = self.at.saturating_sub(self.begun).saturating_add(header.block_len() as u64);
        let wasteful = self.wasted > read.saturating_mul(MAX_WASTE);
        let step = if wasteful { header.block_len() as u64 } else { 1 };
        self.at = self.at.saturating_add(step);
    }

    fn note_gap(&mut self, until: u64) {
        let bytes = until.saturating_sub(self.good_until);
        if bytes > 0 {
            self.damage.stretches += 1;
            self.damage.bytes = self.damage.bytes.saturating_add(bytes);
        }
    }

    fn end(&mut self, rest: usize) {
        let until = self.at.saturating_add(rest as u64);
        self.note_gap(until);
        self.damage.torn = until > self.good_until;
        self.ended = true;
    }

    /// The bytes from a place on: as many as wanted or more, fewer only at the end.
    fn fill(&mut self, at: u64, len: usize, wanted: Kinds) -> io::Result<&[u8]> {
        let behind = at.checked_sub(self.window_at).and_then(|by| usize::try_from(by).ok());
        match behind {
            Some(by) if by <= self.window.len() => {
                if self.window.len() - by < len {
                    self.window.drain(..by);
                    self.window_at = at;
                }
            }
            _ => {
                self.window.clear();
                self.window_at = at;
            }
        }
        let from = (at - self.window_at) as usize;
        let size = match self.size {
            Some(size) => size,
            None => {
                let size = self.source.size();
                self.ended = size.is_err();
                *self.size.insert(size?)
            }
        };
        let ahead = if wanted == Kinds::NONE { SKIM_BYTES } else { READ_BYTES };
        while self.window.len() - from < len {
            let had = self.window.len();
            let place = self.window_at.saturating_add(had as u64);
            let more = (len - (had - from)).max(ahead) as u64;
            let more = more.min(size.saturating_sub(place)) as usize;
            if more == 0 {
                break;
            }
            self.window.resize(had + more, 0);
            let read = self.source.read_at(place, &mut self.window[had..]);
            self.window.truncate(had + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let page = (place / PAGE_BYTES).saturating_add(1);
                    self.at = page.saturating_mul(PAGE_BYTES);
                    return Err(error);
                }
            }
        }
        Ok(&self.window[from..])
    }
}

/// How far it is to the next place where a header may begin.
fn to_magic(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(by) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == MAGIC[0])) {
        at += by;
        let rest = &bytes[at..];
        let len = rest.len().min(MAGIC.len());
        if rest[..len] == MAGIC[..len] {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests;
