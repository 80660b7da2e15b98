//! A disk in memory that fails when told to, and forgets what was not synced when its power is cut.

use lectern_journal::{Disk, Source};
use std::collections::VecDeque;
use std::io;
use std::ops::Range;

/// How one write goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// What is said.
    pub kind: io::ErrorKind,
    /// Bytes that are written all the same.
    pub written: usize,
}

/// The disk.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    /// What a process sees.
    pub bytes: Vec<u8>,
    /// What survives a power cut for certain.
    pub durable: Vec<u8>,
    /// What may not.
    pub dirty: Vec<Range<usize>>,
    /// What befalls the next writes; `None` is a good one.
    pub faults: VecDeque<Option<Fault>>,
    /// Nothing can be cut off after so many times.
    pub cuts_fail: Option<u32>,
    /// What befalls the next syncs; `true` is a good one.
    pub syncs: VecDeque<bool>,
    /// All that was ever to be written, whole.
    pub attempts: Vec<(u64, Vec<u8>)>,
}

impl Memory {
    /// With bytes that survived.
    pub fn holding(bytes: &[u8]) -> Memory {
        Memory { bytes: bytes.to_vec(), durable: bytes.to_vec(), ..Memory::default() }
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        if self.bytes.len() < end {
            self.dirty.push(self.bytes.len()..end);
            self.bytes.resize(end, 0);
        }
        self.bytes[at..end].copy_from_slice(bytes);
        self.dirty.push(at..end);
    }

    /// What is there after a power cut: of each piece of what was not synced the new, the old, or
    /// zeros; and the file as long as it was, is, or anything between.
    pub fn power_cut(&self, random: &mut fastrand::Rng) -> Vec<u8> {
        let (a, b) = (self.durable.len(), self.bytes.len());
        let len = random.usize(a.min(b)..=a.max(b));
        let piece = [1, 16, 64, 512, 4_096][random.usize(..5)];
        let fates: Vec<u8> = (0..=len / piece).map(|_| random.u8(..4)).collect();
        // What is neither durable nor dirty was lost by a sync that failed.
        let mut left = self.durable.clone();
        left.resize(len, 0);
        // What was cut off without a sync may be there again.
        let cut = b..a;
        for range in self.dirty.iter().chain([&cut]) {
            for at in range.start..range.end.min(len) {
                left[at] = match fates[at / piece] {
                    0 => 0,
                    1 => self.durable.get(at).copied().unwrap_or_default(),
                    _ => self.bytes.get(at).copied().unwrap_or(left[at]),
                };
            }
        }
        left
    }
}

impl Source for Memory {
    fn size(&mut self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.as_slice().read_at(at, buffer)
    }
}

impl Disk for Memory {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.attempts.push((at, bytes.to_vec()));
        match self.faults.pop_front().flatten() {
            None => self.put(at as usize, bytes),
            Some(fault) => {
                self.put(at as usize, &bytes[..fault.written.min(bytes.len())]);
                return Err(fault.kind.into());
            }
        }
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        if let Some(left) = &mut self.cuts_fail {
            *left = left.checked_sub(1).ok_or(io::ErrorKind::PermissionDenied)?;
        }
        self.bytes.truncate(len as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        // As Linux has it: after a sync that failed, the pages count as clean.
        let dirty = std::mem::take(&mut self.dirty);
        if !self.syncs.pop_front().unwrap_or(true) {
            return Err(io::Error::other("an error of the disk"));
        }
        self.durable.resize(self.bytes.len(), 0);
        for range in dirty {
            let range = range.start.min(self.bytes.len())..range.end.min(self.bytes.len());
            self.durable[range.clone()].copy_from_slice(&self.bytes[range]);
        }
        Ok(())
    }
}
