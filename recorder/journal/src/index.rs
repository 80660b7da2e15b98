//! Where in a journal what time stands.

use crate::Source;
use crate::block::Kinds;
use crate::scan::{Found, Scan};
use std::io;

/// Stretches kept: with blocks of 50 ms each is a block for almost an hour, then two blocks, and
/// so on; 32 bytes each.
pub const MAX_STRETCHES: usize = 1 << 16;

/// Stretches of blocks of a journal, by time; bounded, however long the journal is.
#[derive(Debug, Clone)]
pub struct Index {
    stretches: Vec<Stretch>,
    /// Blocks to a stretch.
    width: u64,
    /// Blocks in the last one.
    filled: u64,
}

/// Blocks beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Where the first begins.
    pub offset: u64,
    /// The earliest time in them, in microseconds since 1970, on the clocks that stamped it.
    pub first_unix_us: u64,
    /// The latest.
    pub last_unix_us: u64,
    /// What they hold.
    pub kinds: Kinds,
}

impl Stretch {
    fn join(&mut self, next: &Stretch) {
        self.first_unix_us = self.first_unix_us.min(next.first_unix_us);
        self.last_unix_us = self.last_unix_us.max(next.last_unix_us);
        self.kinds = self.kinds.with(next.kinds);
    }
}

impl Index {
    /// Reads the headers of a journal's blocks; no key is needed, and nothing is proven by one.
    pub fn read(source: impl Source) -> io::Result<Index> {
        let mut scan = Scan::new(source);
        let mut index = Index { stretches: Vec::new(), width: 1, filled: 0 };
        while let Some(found) = scan.next(Kinds::NONE)? {
            index.push(&found);
        }
        Ok(index)
    }

    fn push(&mut self, found: &Found) {
        let header = &found.header;
        let next = Stretch {
            offset: found.offset,
            first_unix_us: header.first_unix_us,
            last_unix_us: header.last_unix_us,
            kinds: header.kinds,
        };
        match self.stretches.last_mut() {
            Some(last) if self.filled < self.width => {
                last.join(&next);
                self.filled += 1;
            }
            _ => {
                if self.stretches.len() >= MAX_STRETCHES {
                    self.halve();
                }
                self.stretches.push(next);
                self.filled = 1;
            }
        }
    }

    /// Joins pairs; their number is even.
    fn halve(&mut self) {
        self.stretches = self.stretches.chunks(2).filter_map(pair).collect();
        self.width = self.width.saturating_mul(2);
    }

    /// All of them, in the order of the file.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Where to begin reading so that a keyframe comes at or before `at_unix_us`, if there is one;
    /// else the beginning.
    pub fn keyframe_before(&self, at_unix_us: u64) -> u64 {
        let fits = |s: &&Stretch| s.kinds.any(Kinds::KEYFRAME) && s.last_unix_us <= at_unix_us;
        self.stretches.iter().rev().find(fits).map_or(0, |stretch| stretch.offset)
    }

    /// Where to begin reading so that nothing from `at_unix_us` on is missed.
    pub fn before(&self, at_unix_us: u64) -> u64 {
        let holds = |stretch: &&Stretch| stretch.last_unix_us >= at_unix_us;
        let found = self.stretches.iter().find(holds).or(self.stretches.last());
        found.map_or(0, |stretch| stretch.offset)
    }
}

fn pair(stretches: &[Stretch]) -> Option<Stretch> {
    let (first, rest) = stretches.split_first()?;
    let mut joined = *first;
    rest.iter().for_each(|next| joined.join(next));
    Some(joined)
}

#[cfg(test)]
mod tests;
