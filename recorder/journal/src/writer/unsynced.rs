//! Blocks that were written and not yet synced, in case the sync fails.
//!
//! After a sync that failed the kernel takes the pages for clean, and the next sync succeeds without
//! them: what failed must be written once more before it. The bytes are the same, so is the nonce.

use crate::Disk;
use std::collections::VecDeque;
use std::io;

/// Bytes kept of one journal: half a second of 64 Mbit/s. What is beyond is not written again.
pub const MAX_UNSYNCED_BYTES: usize = 4 << 20;

#[derive(Default)]
pub(super) struct Unsynced {
    /// Where each began.
    blocks: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
    /// A sync failed: all of them must be written again.
    doubtful: bool,
}

impl Unsynced {
    /// Keeps a block that was written.
    pub(super) fn keep(&mut self, at: u64, block: Vec<u8>) {
        self.bytes += block.len();
        self.blocks.push_back((at, block));
        while self.bytes > MAX_UNSYNCED_BYTES {
            let Some((_, oldest)) = self.blocks.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    /// A sync succeeded that began when the journal had this length.
    pub(super) fn confirm(&mut self, until: u64) {
        while let Some((_, oldest)) = self.blocks.pop_front_if(|(at, _)| *at < until) {
            self.bytes -= oldest.len();
        }
    }

    /// A sync failed.
    pub(super) fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// Before a sync: writes again what an earlier one may have lost.
    pub(super) fn rewrite(&mut self, disk: &mut impl Disk) -> io::Result<()> {
        if self.doubtful {
            for (at, block) in &self.blocks {
                disk.write_at(*at, block)?;
            }
            self.doubtful = false;
        }
        Ok(())
    }
}
