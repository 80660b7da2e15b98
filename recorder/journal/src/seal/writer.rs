//! Seals what is written, chunk by chunk.

use super::{CHUNK_BYTES, Place, SEALED_CHUNK_BYTES, Sealer};
use crate::key::DataKey;
use std::io::{self, Write};

/// Writes a sealed file. Without [`SealWriter::finish`] it never opens: its last chunk is missing.
pub struct SealWriter<W: Write> {
    to: W,
    sealer: Sealer,
    plain: Vec<u8>,
    sealed: Vec<u8>,
    failed: bool,
}

impl<W: Write> SealWriter<W> {
    /// Begins a file; the label as for [`Sealer::new`].
    pub fn new(mut to: W, key: &DataKey, label: &str) -> io::Result<SealWriter<W>> {
        let sealer = Sealer::new(key, label)?;
        to.write_all(sealer.header())?;
        let plain = Vec::with_capacity(CHUNK_BYTES);
        let sealed = Vec::with_capacity(SEALED_CHUNK_BYTES);
        Ok(SealWriter { to, sealer, plain, sealed, failed: false })
    }

    /// Seals the last chunk, and gives the file back.
    pub fn finish(mut self) -> io::Result<W> {
        self.chunk(Place::Last)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn chunk(&mut self, place: Place) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier chunk of the sealed file was not written"));
        }
        self.sealed.clear();
        self.failed = true;
        self.sealer.seal_chunk(place, &self.plain, &mut self.sealed)?;
        self.to.write_all(&self.sealed)?;
        self.failed = false;
        self.plain.clear();
        Ok(())
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // A full chunk waits until more comes: it may be the last.
        if self.plain.len() == CHUNK_BYTES {
            self.chunk(Place::Inner)?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.plain.len());
        self.plain.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// What does not fill a chunk stays: only [`SealWriter::finish`] writes all.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
