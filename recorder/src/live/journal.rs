//! One journal that is being written.

use crate::disks::{Disks, Opened};
use crate::metrics::Metrics;
use lectern_journal::key::DataKey;
use lectern_journal::{Entry, Error, Synced, Syncing, Writer};
use std::path::Path;
use std::time::Instant;

/// Bytes that wait for the next write; more are written at once.
const WRITE_AT_BYTES: usize = 4 << 20;

/// A journal and what is not yet safe of it.
pub(super) struct Journal {
    writer: Writer<Opened>,
    written: u64,
    is_syncing: bool,
}

impl Journal {
    /// Opens it, cutting off what a crash left of a last write.
    pub(super) fn open(
        disks: &dyn Disks,
        path: &Path,
        key: &DataKey,
        label: &str,
    ) -> Result<Journal, Error> {
        let mut disk = disks.open(path)?;
        let is_new = lectern_journal::Source::size(&mut disk)? == 0;
        let writer = match is_new {
            true => Writer::create(disk, key, label)?,
            false => Writer::resume(disk, key, label)?,
        };
        let written = writer.len();
        Ok(Journal { writer, written, is_syncing: false })
    }

    /// Takes an entry.
    pub(super) fn append(&mut self, entry: &Entry, metrics: &Metrics) -> Result<(), Error> {
        if self.writer.pending_bytes() >= WRITE_AT_BYTES {
            self.commit(metrics)?;
        }
        self.writer.append(entry)
    }

    /// Writes what was taken.
    pub(super) fn commit(&mut self, metrics: &Metrics) -> Result<(), Error> {
        if self.writer.pending_bytes() == 0 {
            return Ok(());
        }
        let begun = Instant::now();
        self.writer.commit()?;
        metrics.write_seconds.observe(begun.elapsed().as_secs_f64());
        let len = self.writer.len();
        metrics.written_bytes.inc_by(len.saturating_sub(self.written));
        self.written = len;
        Ok(())
    }

    /// Begins to make what is written survive a power cut, if it does not yet.
    pub(super) fn begin_sync(&mut self) -> Result<Option<Syncing>, Error> {
        let syncing = self.writer.begin_sync()?;
        self.is_syncing |= syncing.is_some();
        Ok(syncing)
    }

    /// It has come to an end.
    pub(super) fn end_sync(&mut self, synced: Synced) -> Result<(), Error> {
        self.is_syncing = false;
        self.writer.end_sync(synced)
    }

    /// Whether another thread syncs it.
    pub(super) fn is_syncing(&self) -> bool {
        self.is_syncing
    }

    /// Makes what is written survive a power cut, here and now.
    pub(super) fn sync(&mut self, metrics: &Metrics) -> Result<(), Error> {
        let begun = Instant::now();
        self.writer.sync()?;
        metrics.sync_seconds.observe(begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// Writes and syncs all.
    pub(super) fn settle(&mut self, metrics: &Metrics) -> Result<(), Error> {
        self.commit(metrics)?;
        self.sync(metrics)
    }
}
