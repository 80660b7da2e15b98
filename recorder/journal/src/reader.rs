//! Reads entries back, block by block, past whatever is damaged.

use crate::Source;
use crate::block::{Kinds, Opening, Order};
use crate::entry::{self, Entry};
use crate::index::Index;
use crate::key::DataKey;
use crate::scan::{Damage, Scan};
use bytes::Bytes;
use std::io;

/// Reads one journal; holds a block in memory, whatever the bytes say.
pub struct Reader<S: Source> {
    scan: Scan<S>,
    opening: Opening,
    order: Order,
    wanted: Kinds,
    block: Bytes,
}

impl<S: Source> Reader<S> {
    /// Reads nothing yet; key and label as they were for the writer.
    pub fn new(source: S, key: &DataKey, label: &str) -> Reader<S> {
        Reader {
            scan: Scan::new(source),
            opening: Opening::new(key, label),
            order: Order::default(),
            wanted: Kinds::ALL,
            block: Bytes::new(),
        }
    }

    /// Only blocks that hold one of these kinds are opened from now on; missing blocks are not
    /// counted then.
    pub fn only(&mut self, kinds: Kinds) {
        self.wanted = kinds;
    }

    /// Goes on at a place that an index named. Damage is counted from there.
    pub fn seek(&mut self, offset: u64) {
        self.scan.seek(offset);
        self.order = if offset == 0 { Order::Beginning } else { Order::Anywhere };
        self.block = Bytes::new();
    }

    /// Reads the headers of all blocks, without opening any. The next entry stays the next.
    pub fn index(&mut self) -> io::Result<Index> {
        Index::read(&mut self.scan.source)
    }

    /// What was missing, as far as was read.
    pub fn damage(&self) -> Damage {
        self.scan.damage
    }

    /// Opens the next block that is wanted and genuine; `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        while let Some(found) = self.scan.next(self.wanted)? {
            if !found.header.kinds.any(self.wanted) {
                continue;
            }
            let block = self.scan.block(&found)?;
            let Some(plain) = self.opening.open(&found.header, block) else {
                self.scan.damage.sealed += 1;
                continue;
            };
            let Some(missing) = self.order.follow(&found.header) else {
                self.scan.damage.misplaced += 1;
                continue;
            };
            if self.wanted == Kinds::ALL {
                let damage = &mut self.scan.damage;
                damage.missing = damage.missing.saturating_add(missing);
            }
            self.block = Bytes::from(plain);
            return Ok(true);
        }
        Ok(false)
    }
}

/// An error is one of the source, never of the bytes: whoever goes on after it misses a page.
impl<S: Source> Iterator for Reader<S> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        loop {
            match entry::take(&mut self.block) {
                Some(Ok(entry)) => return Some(Ok(entry)),
                Some(Err(entry::Strange)) => self.scan.damage.entries += 1,
                None => match self.advance() {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }
}
