//! A sealed file of the store, opened for reading parts of it.

use crate::catalogue::Entry;
use crate::storage::{self, Storage};
use lectern_control::RecordingId;
use lectern_control::recording::Refusal;
use lectern_journal::seal::{HEADER_BYTES, Opener};
use std::ops::Range;
use std::sync::Arc;

/// A file whose length is proven.
pub(super) struct OpenedFile {
    entry: Arc<Entry>,
    name: String,
    opener: Opener,
}

impl OpenedFile {
    /// Opens one; nothing of it is given out before its end has been seen.
    pub(super) async fn open(
        entry: Arc<Entry>,
        storage: &Storage,
        name: String,
    ) -> Result<OpenedFile, Refusal> {
        let known = entry.look(|manifest| manifest.file(&name).is_some());
        let key = entry.key().filter(|_| known).ok_or(Refusal::Gone)?;
        let sealed_len = storage.len(entry.id, &name).await.map_err(refusal)?;
        let header = 0..(HEADER_BYTES as u64).min(sealed_len);
        let header = storage.range(entry.id, &name, header).await.map_err(refusal)?;
        let header = header.first_chunk::<HEADER_BYTES>().ok_or_else(changed)?;
        let label = format!("{}/{name}", entry.id);
        let opener = Opener::new(&key, &label, header, sealed_len).map_err(|_| changed())?;
        let last = opener.last_chunk();
        let sealed = storage.range(entry.id, &name, last).await.map_err(refusal)?;
        opener.open(opener.chunks() - 1, &sealed).map_err(|_| changed())?;
        Ok(OpenedFile { entry, name, opener })
    }

    /// Whether it is that file.
    pub(super) fn is(&self, recording: RecordingId, name: &str) -> bool {
        self.entry.id == recording && self.name == name
    }

    /// How long it is.
    pub(super) fn plain_len(&self) -> u64 {
        self.opener.plain_len()
    }

    /// A part of it.
    pub(super) async fn read(
        &self,
        storage: &Storage,
        plain: Range<u64>,
    ) -> Result<Vec<u8>, Refusal> {
        // It may have been destroyed since.
        self.entry.key().ok_or(Refusal::Gone)?;
        let range = self.opener.sealed_range(plain.clone());
        let sealed = storage.range(self.entry.id, &self.name, range).await.map_err(refusal)?;
        self.opener.open_range(plain, &sealed).map_err(|_| changed())
    }
}

fn refusal(error: storage::Error) -> Refusal {
    match error {
        storage::Error::NotFound => Refusal::Gone,
        error => Refusal::Storage(error.to_string()),
    }
}

fn changed() -> Refusal {
    Refusal::Storage("the file was changed where it is kept".to_owned())
}
