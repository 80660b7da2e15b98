//! The packet cache: one for each source encoding, shared by all its subscribers.
//!
//! Packets lie in blocks of a pool that all caches of an engine share: memory follows what is sent,
//! not what could be sent. Used for retransmissions and for people who join late.

use crate::limits::{
    CACHE_AGE, CACHED_AUDIO_PACKETS, CACHED_CAMERA_PACKETS, CACHED_SCREEN_AGE,
    CACHED_SCREEN_PACKETS, MAX_CACHE_BYTES, MAX_GROUP_PACKETS, MAX_RTP_BYTES,
    MAX_SCREEN_GROUP_PACKETS,
};
use crate::pacer::Class;
use crate::packet::Packet;
use lectern_wire::{SeqNo, rtx};
use std::time::{Duration, Instant};

/// Blocks that are allocated together: few allocations while rates rise, none after.
const BLOCKS_PER_CHUNK: usize = 64;
/// Places in a cache's first table.
const FIRST_LEN: usize = 64;
/// Bytes of a block: any packet that is accepted fits, and its retransmission too.
const BLOCK_BYTES: usize = MAX_RTP_BYTES + rtx::HEADER_LEN;

/// Blocks of memory for packets.
#[derive(Debug, Default)]
pub struct Pool {
    chunks: Vec<Box<[u8]>>,
    free: Vec<u32>,
}

impl Pool {
    /// Takes a block; `None` where all of [`MAX_CACHE_BYTES`] is in use.
    fn take(&mut self) -> Option<u32> {
        if let Some(block) = self.free.pop() {
            return Some(block);
        }
        let first = self.chunks.len() * BLOCKS_PER_CHUNK;
        if (first + BLOCKS_PER_CHUNK) * BLOCK_BYTES > MAX_CACHE_BYTES {
            return None;
        }
        self.chunks.push(vec![0; BLOCKS_PER_CHUNK * BLOCK_BYTES].into_boxed_slice());
        // Room for every block, so that giving one back never allocates.
        self.free.reserve(first + BLOCKS_PER_CHUNK);
        self.free.extend((first + 1..first + BLOCKS_PER_CHUNK).rev().map(|block| block as u32));
        Some(first as u32)
    }

    fn give_back(&mut self, block: u32) {
        self.free.push(block);
    }

    fn bytes(&self, block: u32) -> &[u8] {
        let (chunk, start) = place(block);
        &self.chunks[chunk][start..start + BLOCK_BYTES]
    }

    fn bytes_mut(&mut self, block: u32) -> &mut [u8] {
        let (chunk, start) = place(block);
        &mut self.chunks[chunk][start..start + BLOCK_BYTES]
    }

    /// Blocks in use.
    pub fn used(&self) -> usize {
        self.chunks.len() * BLOCKS_PER_CHUNK - self.free.len()
    }
}

fn place(block: u32) -> (usize, usize) {
    let block = block as usize;
    (block / BLOCKS_PER_CHUNK, block % BLOCKS_PER_CHUNK * BLOCK_BYTES)
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    packet: Packet,
    block: u32,
    len: u16,
    arrived: Instant,
}

/// How much a cache keeps.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Packets in all.
    pub packets: usize,
    /// Packets of a keyframe and what depends on it.
    pub group: u64,
    /// How long packets are kept that belong to no such group.
    pub age: Duration,
}

impl Extent {
    /// What is worth keeping of a kind of media.
    pub fn of(class: Class) -> Extent {
        let (packets, group, age) = match class {
            Class::Sound => (CACHED_AUDIO_PACKETS, MAX_GROUP_PACKETS, CACHE_AGE),
            Class::Screen => (CACHED_SCREEN_PACKETS, MAX_SCREEN_GROUP_PACKETS, CACHED_SCREEN_AGE),
            Class::Camera | Class::Repair => (CACHED_CAMERA_PACKETS, MAX_GROUP_PACKETS, CACHE_AGE),
        };
        Extent { packets, group, age }
    }
}

/// The latest packets of one encoding, by number.
#[derive(Debug)]
pub struct Cache {
    /// A packet lies at its number modulo the length, which grows with the rate.
    ring: Vec<Option<Entry>>,
    extent: Extent,
    /// Below this, nothing is left.
    oldest: SeqNo,
    newest: Option<SeqNo>,
    /// Where the latest keyframe begins, while all that depends on it is kept.
    group: Option<SeqNo>,
}

impl Cache {
    /// A cache of that extent; its table is made with the first packet.
    pub fn new(extent: Extent) -> Cache {
        Cache { ring: Vec::new(), extent, oldest: SeqNo::default(), newest: None, group: None }
    }

    /// Keeps a packet. `false` where there is no memory left for it.
    #[must_use]
    pub fn insert(&mut self, pool: &mut Pool, now: Instant, packet: &Packet, bytes: &[u8]) -> bool {
        if bytes.len() > BLOCK_BYTES {
            return false;
        }
        let number = packet.number;
        match self.newest {
            Some(newest) if number <= newest => {
                if newest.0 - number.0 >= self.ring.len() as u64 {
                    return true;
                }
                // Late ones may be older than the first that came.
                self.oldest = self.oldest.min(number);
            }
            _ => self.advance(pool, now, number),
        }
        if packet.starts_keyframe && self.group.is_none_or(|group| group < number) {
            self.group = Some(number);
        }
        let len = self.ring.len() as u64;
        let slot = &mut self.ring[(number.0 % len) as usize];
        let Some(block) = slot.take().map(|entry| entry.block).or_else(|| pool.take()) else {
            return false;
        };
        pool.bytes_mut(block)[..bytes.len()].copy_from_slice(bytes);
        let len = bytes.len() as u16;
        *slot = Some(Entry { packet: *packet, block, len, arrived: now });
        true
    }

    /// A packet that is kept, and its bytes as they came.
    pub fn find<'c, 'p>(&'c self, pool: &'p Pool, number: SeqNo) -> Option<(&'c Packet, &'p [u8])> {
        let len = self.ring.len() as u64;
        if len == 0 {
            return None;
        }
        let entry = self.ring[(number.0 % len) as usize].as_ref()?;
        let bytes = &pool.bytes(entry.block)[..usize::from(entry.len)];
        (entry.packet.number == number).then_some((&entry.packet, bytes))
    }

    /// The first packet of the latest keyframe, where all that came after is still kept.
    pub fn group(&self) -> Option<SeqNo> {
        self.group
    }

    /// When that packet came.
    pub fn group_began(&self) -> Option<Instant> {
        let number = self.group?;
        let entry = self.ring.get((number.0 % self.ring.len() as u64) as usize)?.as_ref()?;
        (entry.packet.number == number).then_some(entry.arrived)
    }

    /// The highest number kept.
    pub fn newest(&self) -> Option<SeqNo> {
        self.newest
    }

    /// Forgets everything.
    pub fn clear(&mut self, pool: &mut Pool) {
        for entry in self.ring.iter_mut().filter_map(Option::take) {
            pool.give_back(entry.block);
        }
        self.newest = None;
        self.group = None;
    }

    /// Makes room for a new highest number: gives back what has grown old, and grows while there
    /// is more to keep.
    fn advance(&mut self, pool: &mut Pool, now: Instant, number: SeqNo) {
        let before = self.newest.replace(number);
        if before.is_none_or(|newest| number.0 - newest.0 >= self.extent.packets as u64) {
            self.clear(pool);
            self.newest = Some(number);
            self.oldest = number;
        }
        if self.group.is_some_and(|group| number.0 - group.0 >= self.extent.group) {
            self.group = None;
        }
        let (group, age) = (self.group, self.extent.age);
        self.evict(pool, |entry, number| {
            let is_old = now.saturating_duration_since(entry.arrived) > age;
            is_old && group.is_none_or(|group| number < group)
        });
        let needed = number.0 - self.oldest.0 + 1;
        while (self.ring.len() as u64) < needed && self.ring.len() < self.extent.packets {
            self.grow();
        }
        let least = SeqNo((number.0 + 1).saturating_sub(self.ring.len() as u64));
        self.evict(pool, |_, number| number < least);
        if self.group.is_some_and(|group| group < least) {
            self.group = None;
        }
    }

    /// Gives back the oldest packets while `is_done` with them.
    fn evict(&mut self, pool: &mut Pool, is_done: impl Fn(&Entry, SeqNo) -> bool) {
        let len = self.ring.len() as u64;
        let Some(newest) = self.newest.filter(|_| len > 0) else { return };
        while self.oldest < newest {
            let slot = &mut self.ring[(self.oldest.0 % len) as usize];
            if let Some(entry) = slot {
                if !is_done(entry, self.oldest) {
                    return;
                }
                pool.give_back(entry.block);
                *slot = None;
            }
            self.oldest = self.oldest.next();
        }
    }

    /// Doubles the table.
    fn grow(&mut self) {
        let len =
            (self.ring.len() * 2).clamp(FIRST_LEN.min(self.extent.packets), self.extent.packets);
        let mut ring: Vec<Option<Entry>> = Vec::new();
        ring.resize_with(len, || None);
        for entry in self.ring.drain(..).flatten() {
            ring[(entry.packet.number.0 % len as u64) as usize] = Some(entry);
        }
        self.ring = ring;
    }
}

#[cfg(test)]
mod tests;
