//! Reads a sealed file as if it were plain, from any place.

use super::{CHUNK_BYTES, Error, HEADER_BYTES, Opener};
use crate::key::DataKey;
use std::io::{self, Read, Seek, SeekFrom};

/// A sealed file as plain bytes; holds one chunk in memory.
pub struct SealReader<R> {
    from: R,
    opener: Opener,
    at: u64,
    /// Which chunk `plain` is.
    chunk: Option<u64>,
    plain: Vec<u8>,
}

impl<R: Read + Seek> SealReader<R> {
    /// Opens the last chunk first, so that a file that was cut is refused before it is used.
    pub fn new(mut from: R, key: &DataKey, label: &str) -> io::Result<SealReader<R>> {
        let sealed_len = from.seek(SeekFrom::End(0))?;
        from.seek(SeekFrom::Start(0))?;
        let mut header = [0; HEADER_BYTES];
        if sealed_len < HEADER_BYTES as u64 {
            return Err(Error::Length.into());
        }
        from.read_exact(&mut header)?;
        let opener = Opener::new(key, label, &header, sealed_len)?;
        let last = opener.chunks() - 1;
        let mut reader = SealReader { from, opener, at: 0, chunk: None, plain: Vec::new() };
        reader.fetch(last)?;
        Ok(reader)
    }

    /// Plain bytes of the file.
    pub fn plain_len(&self) -> u64 {
        self.opener.plain_len()
    }

    fn fetch(&mut self, chunk: u64) -> io::Result<()> {
        if self.chunk == Some(chunk) {
            return Ok(());
        }
        let stored = self.opener.stored(chunk..chunk + 1);
        self.chunk = None;
        self.plain.resize((stored.end - stored.start) as usize, 0);
        self.from.seek(SeekFrom::Start(stored.start))?;
        self.from.read_exact(&mut self.plain)?;
        self.opener.open_in_place(chunk, &mut self.plain)?;
        self.chunk = Some(chunk);
        Ok(())
    }
}

impl<R: Read + Seek> Read for SealReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.opener.plain_len() {
            return Ok(0);
        }
        self.fetch(self.opener.chunk_of(self.at))?;
        let from = (self.at % CHUNK_BYTES as u64) as usize;
        let rest = self.plain.get(from..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        self.at += len as u64;
        Ok(len)
    }
}

impl<R: Read + Seek> Seek for SealReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.opener.plain_len().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
