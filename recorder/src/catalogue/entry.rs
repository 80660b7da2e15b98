//! One recording and its manifest, which threads change and save.

use super::folder::{lock, wipe};
use super::{Error, MANIFEST};
use crate::disks::{make_folder, replace};
use crate::keys::Keys;
use crate::manifest::{End, Manifest, renew};
use crate::storage::{self, Storage};
use lectern_control::RecordingId;
use lectern_control::recording::{State, Status};
use lectern_journal::key::DataKey;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// One recording.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its id.
    pub(crate) id: RecordingId,
    folder: PathBuf,
    keys: Arc<Keys>,
    state: Mutex<Kept>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Kept {
    manifest: Manifest,
    key: Option<DataKey>,
}

impl Entry {
    /// Of a recording that lies in `folder`; `changed` is told of each change.
    pub(super) fn new(
        folder: PathBuf,
        keys: Arc<Keys>,
        manifest: Manifest,
        key: Option<DataKey>,
        changed: Arc<Notify>,
    ) -> Entry {
        let id = manifest.status.recording;
        Entry { id, folder, keys, state: Mutex::new(Kept { manifest, key }), changed }
    }

    fn state(&self) -> MutexGuard<'_, Kept> {
        // Each change is whole before the lock is given back, whatever panics elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where its journals and its manifest lie.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How it is.
    pub(crate) fn status(&self) -> Status {
        self.state().manifest.status.clone()
    }

    /// Looks at what is known of it.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&Manifest) -> T) -> T {
        at(&self.state().manifest)
    }

    /// What opens its files, unless it is destroyed.
    pub(crate) fn key(&self) -> Option<DataKey> {
        self.state().key.clone()
    }

    /// Changes what the controller is to hear, unless it is to be destroyed.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        let mut state = self.state();
        if state.manifest.end.is_some() {
            return;
        }
        change(&mut state.manifest.status);
        renew(&mut state.manifest.status);
        drop(state);
        self.changed.notify_one();
    }

    /// Nothing of it is left. Blocks.
    pub(crate) fn destroyed(&self) -> Result<(), Error> {
        let mut state = self.state();
        state.manifest.end = Some(End::Done);
        state.manifest.status.state = State::Deleted;
        renew(&mut state.manifest.status);
        drop(state);
        self.save()?;
        self.changed.notify_one();
        Ok(())
    }

    /// Changes what only this recorder knows.
    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut Manifest) -> T) -> T {
        change(&mut self.state().manifest)
    }

    /// Writes it down so that it survives a power cut; its key is wrapped by the first master key of
    /// now. Blocks. Says whether that was another one before.
    pub(crate) fn save(&self) -> Result<bool, Error> {
        let lock = self.lock()?;
        self.write(&lock)
    }

    /// The same, and in the store as well: another recorder finds it there. Blocks.
    pub(crate) fn save_stored(&self, storage: &Storage) -> Result<bool, Error> {
        let lock = self.lock()?;
        let rewrapped = self.write(&lock)?;
        self.put_stored(storage)?;
        Ok(rewrapped)
    }

    /// Writes into the store what is written down here. Blocks.
    pub(crate) fn put_stored(&self, storage: &Storage) -> Result<(), Error> {
        let bytes = self.bytes()?;
        storage.wait(storage.put(self.id, storage::MANIFEST, bytes.into()))?;
        Ok(())
    }

    /// Destroys what opens it, here. Blocks.
    pub(crate) fn destroy(&self) -> Result<(), Error> {
        let lock = self.lock()?;
        let mut state = self.state();
        state.manifest.destroy();
        state.key = None;
        drop(state);
        if let Some(old) = self.replace(&lock)? {
            wipe(old)?;
        }
        Ok(())
    }

    fn lock(&self) -> Result<File, Error> {
        make_folder(&self.folder)?;
        lock(&self.folder)
    }

    fn write(&self, lock: &File) -> Result<bool, Error> {
        let mut state = self.state();
        let rewrapped = match (&state.key, &state.manifest.key) {
            (Some(key), Some(wrapped)) => self.keys.rewrap(key, wrapped)?,
            (Some(key), None) => Some(self.keys.wrap(key)?),
            (None, _) => None,
        };
        let is_new = rewrapped.is_some();
        if is_new {
            state.manifest.key = rewrapped;
        }
        drop(state);
        let old = self.replace(lock)?;
        if let Some(old) = old.filter(|_| is_new) {
            wipe(old)?;
        }
        Ok(is_new)
    }

    fn replace(&self, _lock: &File) -> Result<Option<File>, Error> {
        Ok(replace(&self.folder.join(MANIFEST), &self.bytes()?)?)
    }

    fn bytes(&self) -> Result<Vec<u8>, Error> {
        let state = self.state();
        Ok(state.manifest.to_bytes(state.key.as_ref())?)
    }
}
