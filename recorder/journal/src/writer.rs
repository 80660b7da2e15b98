//! Appends entries, seals them as blocks, and survives a disk that says no.

mod syncing;
mod unsynced;

pub use syncing::{Synced, Syncing};
pub use unsynced::MAX_UNSYNCED_BYTES;

use crate::block::{self, Facts, HEADER_BYTES, Kinds, Life, MAX_BLOCK_BYTES, Opening};
use crate::entry::{Entry, Traits};
use crate::key::DataKey;
use crate::scan::Scan;
use crate::{Disk, Error, SyncsApart};
use ring::aead::LessSafeKey;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::mem;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use syncing::{Flight, State};
use unsynced::Unsynced;

/// Bytes that wait to be written: seconds of a large screen, while a disk does not answer.
pub const MAX_PENDING_BYTES: usize = 16 << 20;
/// Blocks tried with the key before a journal is gone on with, the latest first, until one is whole: a
/// power cut damages fewer.
const MAX_TRIED: usize = 32;
/// The owner alone reads journals, sealed as they are.
const MODE: u32 = 0o600;

/// Writes one journal.
///
/// Every 50 ms [`Writer::commit`], every 500 ms [`Writer::sync`]: a kill loses what was not
/// committed, a power cut what was not synced.
pub struct Writer<D: Disk> {
    disk: D,
    life: Life,
    key: LessSafeKey,
    /// The next block's number: a number is used up where a block is sealed, written or not.
    counter: u32,
    /// Plain entries behind room for a header.
    open: Vec<u8>,
    traits: Traits,
    /// The latest time said, for blocks in which none is.
    latest_unix_us: u64,
    sealed: VecDeque<Vec<u8>>,
    sealed_bytes: usize,
    end: u64,
    synced: u64,
    unsynced: Unsynced,
    flight: Flight,
}

impl Writer<File> {
    /// Makes a file that only its owner reads, locked against other writers.
    pub fn create_file(path: &Path, key: &DataKey, label: &str) -> Result<Self, Error> {
        let mut file = OpenOptions::new();
        file.read(true).write(true).create_new(true).mode(MODE);
        Writer::create(locked(path, &file)?, key, label)
    }

    /// Goes on with a file, or makes it.
    pub fn resume_file(path: &Path, key: &DataKey, label: &str) -> Result<Self, Error> {
        let mut file = OpenOptions::new();
        file.read(true).write(true).create(true).truncate(false).mode(MODE);
        Writer::resume(locked(path, &file)?, key, label)
    }
}

impl<D: SyncsApart> Writer<D> {
    /// As [`Writer::sync`], in two halves: commits need not wait for a slow disk. `None` where there
    /// is nothing to sync, or the last one has not ended.
    pub fn begin_sync(&mut self) -> Result<Option<Syncing>, Error> {
        if self.synced == self.end || self.flight.state() == State::UnderWay {
            return Ok(None);
        }
        self.prepare_sync()?;
        let sync = self.disk.sync_apart()?;
        Ok(Some(self.flight.begin(sync, self.end)))
    }

    /// The second half.
    pub fn end_sync(&mut self, synced: Synced) -> Result<(), Error> {
        if !self.flight.end(&synced) {
            return Ok(());
        }
        self.note_sync(synced.result, synced.until)
    }
}

fn locked(path: &Path, options: &OpenOptions) -> Result<File, Error> {
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::Busy),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    // A power cut must not take the name of a file whose bytes were synced.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file)
}

impl<D: Disk> Writer<D> {
    /// Begins a journal on an empty disk; the label, such as `RC_…/TR_….journal`, is not written,
    /// and must be said again to read it.
    pub fn create(mut disk: D, key: &DataKey, label: &str) -> Result<Self, Error> {
        if disk.size()? != 0 {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
        }
        Writer::new(disk, key, label, 0, 0)
    }

    /// Goes on after a crash: a torn tail is cut off, and a new life begins. Reads headers, and the
    /// latest whole block.
    pub fn resume(mut disk: D, key: &DataKey, label: &str) -> Result<Self, Error> {
        let tail = tail(&mut disk, key, label)?;
        if disk.size()? != tail.end {
            disk.cut(tail.end)?;
        }
        disk.sync()?;
        Writer::new(disk, key, label, tail.next_life, tail.end)
    }

    fn new(disk: D, key: &DataKey, label: &str, life: u32, end: u64) -> Result<Self, Error> {
        let life = Life::random(life).map_err(|_| Error::Seal)?;
        let key = life.key(key, label).ok_or(Error::Seal)?;
        Ok(Writer {
            disk,
            life,
            key,
            counter: 0,
            open: vec![0; HEADER_BYTES],
            traits: Traits::default(),
            latest_unix_us: 0,
            sealed: VecDeque::new(),
            sealed_bytes: 0,
            end,
            synced: end,
            unsynced: Unsynced::default(),
            flight: Flight::default(),
        })
    }

    /// Takes an entry into memory. Records that are malformed are refused.
    pub fn append(&mut self, entry: &Entry) -> Result<(), Error> {
        let from = self.open.len();
        let traits = entry.encode(&mut self.open)?;
        if self.pending_bytes() > MAX_PENDING_BYTES {
            self.open.truncate(from);
            return Err(Error::Behind);
        }
        if self.open.len() > HEADER_BYTES + MAX_BLOCK_BYTES {
            let entry = self.open.split_off(from);
            self.seal()?;
            self.open.extend_from_slice(&entry);
        }
        self.traits.kinds = self.traits.kinds.with(traits.kinds);
        self.traits.span = match (self.traits.span, traits.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        Ok(())
    }

    /// Seals what was appended as one block, and writes it. After an error all of it is kept, and the
    /// next commit tries again; [`Writer::discard`] gives it up.
    pub fn commit(&mut self) -> Result<(), Error> {
        self.seal()?;
        while let Some(block) = self.sealed.pop_front() {
            if let Err(error) = self.disk.write_at(self.end, &block) {
                self.sealed.push_front(block);
                // Where it cannot be cut off, the next block is written over it, and a reader
                // passes over the rest.
                let _ = self.disk.cut(self.end);
                return Err(error.into());
            }
            self.sealed_bytes -= block.len();
            let at = self.end;
            self.end += block.len() as u64;
            self.unsynced.keep(at, block);
        }
        Ok(())
    }

    /// Returns when all that was committed survives a power cut. After an error the next sync writes
    /// once more what this one may have lost, [`MAX_UNSYNCED_BYTES`] at most. An error as well while
    /// [`Writer::begin_sync`] has not been ended.
    pub fn sync(&mut self) -> Result<(), Error> {
        if self.synced == self.end {
            return Ok(());
        }
        self.prepare_sync()?;
        let result = self.disk.sync();
        self.note_sync(result, self.end)
    }

    fn prepare_sync(&mut self) -> io::Result<()> {
        match self.flight.state() {
            State::Ended => {}
            State::UnderWay => return Err(io::ErrorKind::ResourceBusy.into()),
            State::Forgotten => self.unsynced.doubt(),
        }
        self.unsynced.rewrite(&mut self.disk)
    }

    fn note_sync(&mut self, result: io::Result<()>, until: u64) -> Result<(), Error> {
        match result {
            Ok(()) => {
                self.unsynced.confirm(until);
                self.synced = self.synced.max(until);
                Ok(())
            }
            Err(error) => {
                self.unsynced.doubt();
                Err(error.into())
            }
        }
    }

    /// Gives up what waits to be written: how many bytes.
    pub fn discard(&mut self) -> usize {
        let pending = self.pending_bytes();
        self.open.truncate(HEADER_BYTES);
        self.traits = Traits::default();
        self.sealed.clear();
        self.sealed_bytes = 0;
        pending
    }

    /// Bytes that wait to be written.
    pub fn pending_bytes(&self) -> usize {
        self.open.len() - HEADER_BYTES + self.sealed_bytes
    }

    /// Bytes of the journal that were committed.
    pub fn len(&self) -> u64 {
        self.end
    }

    /// Whether nothing was committed yet.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Bytes of the journal that survive a power cut.
    pub fn synced_len(&self) -> u64 {
        self.synced
    }

    /// The disk, without what waits to be written.
    pub fn into_disk(self) -> D {
        self.disk
    }

    /// Closes the open block, if there is anything in it. A block that was sealed is never sealed
    /// again: what a failed write left of it stays the same bytes under the same nonce.
    fn seal(&mut self) -> Result<(), Error> {
        if self.open.len() == HEADER_BYTES {
            return Ok(());
        }
        let next = self.counter.checked_add(1).ok_or(Error::Seal)?;
        let (first, last) = self.traits.span.unwrap_or((self.latest_unix_us, self.latest_unix_us));
        let facts = Facts {
            life: self.life,
            counter: self.counter,
            kinds: self.traits.kinds,
            first_unix_us: first,
            last_unix_us: last,
        };
        let mut open = Vec::with_capacity(self.open.len());
        open.resize(HEADER_BYTES, 0);
        let plain = mem::replace(&mut self.open, open);
        self.counter = next;
        self.traits = Traits::default();
        self.latest_unix_us = last;
        let block = block::seal(&self.key, &facts, plain).ok_or(Error::Seal)?;
        self.sealed_bytes += block.len();
        self.sealed.push_back(block);
        Ok(())
    }
}

/// Where to go on.
struct Tail {
    end: u64,
    next_life: u32,
}

fn tail(disk: &mut impl Disk, key: &DataKey, label: &str) -> Result<Tail, Error> {
    let mut scan = Scan::new(disk);
    let mut tail = Tail { end: 0, next_life: 0 };
    let mut latest = VecDeque::new();
    while let Some(found) = scan.next(Kinds::NONE)? {
        let next = found.header.life.number.checked_add(1).ok_or(Error::Seal)?;
        tail.next_life = tail.next_life.max(next);
        tail.end = found.offset + found.header.block_len() as u64;
        latest.push_front(found);
        latest.truncate(MAX_TRIED);
    }
    // What cannot be read here would be cut off.
    if scan.damage.newer > 0 {
        return Err(Error::Newer);
    }
    let mut opening = Opening::new(key, label);
    for found in latest {
        let block = scan.block(&found)?;
        if found.header.sums(block.get(HEADER_BYTES..).unwrap_or_default()) {
            opening.open(&found.header, block).ok_or(Error::Key)?;
            break;
        }
    }
    Ok(tail)
}
