//! The recordings that this recorder knows of, each with its manifest on the disk.
//!
//! What changes is told to whoever waits for it; what must survive is saved, by threads that may wait
//! for a disk.

mod entry;
mod folder;

pub(crate) use entry::Entry;
pub(crate) use folder::recordings_in;

use crate::disks::{make_folder, remove, replace};
use crate::keys::Keys;
use crate::manifest::{self, Manifest};
use crate::storage::{self, Storage};
use folder::{lock, read, wipe};
use lectern_control::{RecordingId, RoomId};
use lectern_journal::key::DataKey;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Recordings in memory at once; more are read from the disk when they are asked for.
const MAX_LOADED: usize = 10_000;
/// The manifest's name.
const MANIFEST: &str = "manifest.json";

/// Why a recording cannot be found or saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Its manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// Its folder cannot be read or written.
    #[error("the recording's folder: {0}")]
    Disk(#[from] io::Error),
    /// The store does not say.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl From<lectern_journal::key::Error> for Error {
    fn from(error: lectern_journal::key::Error) -> Error {
        Error::Manifest(error.into())
    }
}

/// All recordings.
#[derive(Debug)]
pub(crate) struct Catalogue {
    folder: PathBuf,
    keys: Arc<Keys>,
    entries: Mutex<BTreeMap<RecordingId, Arc<Entry>>>,
    changed: Arc<Notify>,
}

impl Catalogue {
    /// Over the folder of all recordings, which is made where it is missing.
    pub(crate) fn new(folder: PathBuf, keys: Arc<Keys>) -> io::Result<Catalogue> {
        make_folder(&folder)?;
        let (entries, changed) = (Mutex::default(), Arc::new(Notify::new()));
        Ok(Catalogue { folder, keys, entries, changed })
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<RecordingId, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a status has changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// All that are in memory.
    pub(crate) fn loaded(&self) -> Vec<Arc<Entry>> {
        self.entries().values().cloned().collect()
    }

    /// One that is in memory.
    pub(crate) fn get(&self, recording: RecordingId) -> Option<Arc<Entry>> {
        self.entries().get(&recording).cloned()
    }

    /// Ids of all that have a folder here.
    pub(crate) fn ids(&self) -> io::Result<Vec<RecordingId>> {
        recordings_in(&self.folder)
    }

    /// Reads those that something is left to do with. One that cannot be read is told of, and does
    /// not keep the others from being read.
    pub(crate) fn load(&self) -> io::Result<()> {
        for id in self.ids()? {
            match self.read(id) {
                Ok(Some(manifest)) if manifest.is_settled() => {}
                Ok(Some(manifest)) => {
                    if let Err(error) = self.take(id, manifest) {
                        tracing::error!(recording = %id, %error, "a recording cannot be opened");
                    }
                }
                // It was never begun, or removed but for its folder.
                Ok(None) => {
                    if std::fs::remove_dir(self.folder.join(id.to_string())).is_err() {
                        tracing::warn!(recording = %id, "a recording has no manifest");
                    }
                }
                Err(error) => {
                    tracing::error!(recording = %id, %error, "a manifest cannot be read");
                }
            }
        }
        Ok(())
    }

    fn read(&self, recording: RecordingId) -> Result<Option<Manifest>, Error> {
        read(&self.folder.join(recording.to_string()), recording)
    }

    fn take(&self, id: RecordingId, mut manifest: Manifest) -> Result<Arc<Entry>, Error> {
        let key = match &manifest.key {
            Some(wrapped) => Some(self.keys.unwrap(wrapped)?),
            None => None,
        };
        if let Some(key) = &key {
            manifest.open_people(key)?;
        }
        Ok(self.insert(id, manifest, key))
    }

    fn insert(&self, id: RecordingId, manifest: Manifest, key: Option<DataKey>) -> Arc<Entry> {
        self.put(self.entry(id, manifest, key))
    }

    fn entry(&self, id: RecordingId, manifest: Manifest, key: Option<DataKey>) -> Arc<Entry> {
        let folder = self.folder.join(id.to_string());
        let (keys, changed) = (Arc::clone(&self.keys), Arc::clone(&self.changed));
        Arc::new(Entry::new(folder, keys, manifest, key, changed))
    }

    fn put(&self, entry: Arc<Entry>) -> Arc<Entry> {
        let mut entries = self.entries();
        if entries.len() >= MAX_LOADED {
            entries.retain(|_, entry| Arc::strong_count(entry) > 1 || !is_settled(entry));
        }
        let entry = Arc::clone(entries.entry(entry.id).or_insert(entry));
        drop(entries);
        self.changed.notify_one();
        entry
    }

    /// A new recording, with a key of its own, written down; nobody hears of it before. Blocks.
    pub(crate) fn create(&self, manifest: Manifest) -> Result<Arc<Entry>, Error> {
        let id = manifest.status.recording;
        let entry = self.entry(id, manifest, Some(DataKey::random()?));
        // The key is wrapped once the folder stands and is locked: who wraps all keys anew has either
        // seen the folder, and waits for it, or the new master key is in use already.
        entry.save()?;
        Ok(self.put(entry))
    }

    /// One that could not even be begun: only told of, whatever was said of it before.
    pub(crate) fn create_failed(&self, mut manifest: Manifest) -> Arc<Entry> {
        manifest::renew(&mut manifest.status);
        self.insert(manifest.status.recording, manifest, None)
    }

    /// Wraps a recording's key anew where it lies on the disk, and then in the store, which `store`
    /// does: a recorder that writes either waits meanwhile. Says whether one of them needed it. Blocks.
    pub(crate) fn rewrap_here(
        &self,
        recording: RecordingId,
        store: impl FnOnce() -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let folder = self.folder.join(recording.to_string());
        let _lock = lock(&folder)?;
        let Some(manifest) = read(&folder, recording)? else { return store() };
        let anew = self.rewrap(manifest)?;
        if let Some(bytes) = &anew
            && let Some(old) = replace(&folder.join(MANIFEST), bytes)?
        {
            wipe(old)?;
        }
        Ok(store()? || anew.is_some())
    }

    /// A manifest with its key wrapped by the first master key, where another wrapped it.
    pub(crate) fn rewrap(&self, mut manifest: Manifest) -> Result<Option<Vec<u8>>, Error> {
        let Some(wrapped) = &manifest.key else { return Ok(None) };
        let key = self.keys.unwrap(wrapped)?;
        let Some(anew) = self.keys.rewrap(&key, wrapped)? else { return Ok(None) };
        manifest.key = Some(anew);
        Ok(Some(manifest.to_bytes(None)?))
    }

    /// One in memory or on the disk. Blocks.
    pub(crate) fn find_here(&self, recording: RecordingId) -> Result<Option<Arc<Entry>>, Error> {
        if let Some(entry) = self.get(recording) {
            return Ok(Some(entry));
        }
        match self.read(recording)? {
            Some(manifest) => self.take(recording, manifest).map(Some),
            None => Ok(None),
        }
    }

    /// One wherever it is: here, or in the store, where another recorder may have put it. Blocks.
    pub(crate) fn find(
        &self,
        recording: RecordingId,
        storage: &Storage,
    ) -> Result<Option<Arc<Entry>>, Error> {
        if let Some(entry) = self.find_here(recording)? {
            return Ok(Some(entry));
        }
        match storage.wait(storage.manifest(recording))? {
            Some(bytes) => {
                let manifest = Manifest::from_bytes(&bytes, recording)?;
                self.take(recording, manifest).map(Some)
            }
            None => Ok(None),
        }
    }

    /// One that is to be destroyed, wherever it is: nothing of it need open for that. Blocks.
    pub(crate) fn find_to_destroy(
        &self,
        recording: RecordingId,
        storage: &Storage,
    ) -> Result<Arc<Entry>, Error> {
        if let Some(entry) = self.get(recording) {
            return Ok(entry);
        }
        let here = match self.read(recording) {
            Err(Error::Disk(error)) => return Err(error.into()),
            here => here.ok().flatten(),
        };
        let stored = match here {
            Some(_) => None,
            None => storage.wait(storage.manifest(recording))?,
        };
        let stored = stored.and_then(|bytes| Manifest::from_bytes(&bytes, recording).ok());
        let unknown = || Manifest::new(recording, RoomId(0), 0, None);
        Ok(self.insert(recording, here.or(stored).unwrap_or_else(unknown), None))
    }

    /// Nothing is to be known of it any more, here. Blocks.
    pub(crate) fn remove(&self, recording: RecordingId) -> io::Result<()> {
        self.forget(recording);
        remove(&self.folder.join(recording.to_string()))
    }

    fn forget(&self, recording: RecordingId) {
        self.entries().remove(&recording);
    }
}

fn is_settled(entry: &Entry) -> bool {
    entry.look(Manifest::is_settled)
}

#[cfg(test)]
mod tests;
