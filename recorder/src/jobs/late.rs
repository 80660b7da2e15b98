//! A sealed file in the store that is begun with its first byte: a film is made for hours before.

use super::retry::Failure;
use crate::storage::{Storage, Upload};
use lectern_control::RecordingId;
use lectern_journal::key::DataKey;
use lectern_journal::seal::SealWriter;
use std::io::{self, Write};

/// A file on its way.
pub(super) struct LateFile<'a> {
    storage: &'a Storage,
    recording: RecordingId,
    name: &'a str,
    key: &'a DataKey,
    begun: Option<SealWriter<Upload>>,
}

impl<'a> LateFile<'a> {
    /// Of this name in a recording.
    pub(super) fn new(
        storage: &'a Storage,
        recording: RecordingId,
        name: &'a str,
        key: &'a DataKey,
    ) -> LateFile<'a> {
        LateFile { storage, recording, name, key, begun: None }
    }

    fn begin(&mut self) -> io::Result<&mut SealWriter<Upload>> {
        let begun = match self.begun.take() {
            Some(begun) => begun,
            None => {
                let upload = self.storage.upload(self.recording, self.name)?;
                let label = format!("{}/{}", self.recording, self.name);
                SealWriter::new(upload, self.key, &label)?
            }
        };
        Ok(self.begun.insert(begun))
    }

    /// All is written: waits until the store has it.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.begin().map_err(Failure::writing)?;
        let Some(file) = self.begun.take() else { return Ok(()) };
        Ok(file.finish().map_err(Failure::writing)?.finish()?)
    }
}

impl Write for LateFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begin()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
