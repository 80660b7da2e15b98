//! A file on its way into the store, written in order by a thread.

use super::Error;
use object_store::{MultipartUpload, WriteMultipart};
use prometheus::IntCounter;
use std::io::{self, Write};
use tokio::runtime::Handle;

/// Bytes of a part. Stores take 10,000 parts, all but the last of the same size: files of 80 GB.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at once; so much memory an upload takes.
const PARTS_AT_ONCE: usize = 3;

/// A file that is there once it is finished, and never was where it is dropped before.
#[derive(Debug)]
pub(crate) struct Upload {
    parts: Option<WriteMultipart>,
    handle: Handle,
    errors: IntCounter,
}

impl Upload {
    pub(super) fn new(
        upload: Box<dyn MultipartUpload>,
        handle: Handle,
        errors: IntCounter,
    ) -> Upload {
        let parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        Upload { parts: Some(parts), handle, errors }
    }

    /// All is written: waits until the store has it.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        let Some(parts) = self.parts.take() else { return Err(Error::Unreachable) };
        let finished = self.handle.block_on(parts.finish());
        finished.map(drop).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: object_store::Error) -> Error {
        self.errors.inc();
        Error::from(error)
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(parts) = &mut self.parts else { return Err(Error::Unreachable.into()) };
        if let Err(error) = self.handle.block_on(parts.wait_for_capacity(PARTS_AT_ONCE)) {
            return Err(self.failed(error).into());
        }
        let _runtime = self.handle.enter();
        let bytes = bytes.get(..PART_BYTES).unwrap_or(bytes);
        parts.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            // What cannot be taken back is left to the bucket's rules for uploads never finished.
            let _ = self.handle.block_on(parts.abort());
        }
    }
}
