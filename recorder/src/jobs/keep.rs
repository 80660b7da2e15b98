//! Journals on their way to where recordings are kept, and back when another film is wanted.

use super::retry::Failure;
use crate::catalogue::Entry;
use crate::disks::{make_folder, remove};
use crate::manifest::Place;
use crate::media::{is_journal, journals_in};
use crate::storage::{self, Storage};
use lectern_control::RecordingId;
use lectern_control::recording::{Progress, State, Trouble, TroubleKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The folder of journals in the store.
const FOLDER: &str = "journal";

/// Moves a recording's journals to where its files are, and says that all is done.
pub(super) fn keep(entry: &Entry, storage: &Storage, stop: &AtomicBool) -> Result<(), Failure> {
    if entry.look(|manifest| manifest.place == Place::Here) {
        for name in journals_in(entry.folder()).map_err(Failure::writing)? {
            if stop.load(Relaxed) {
                return Err(Failure::Stopped);
            }
            let path = entry.folder().join(&name);
            storage.put_file(entry.id, &format!("{FOLDER}/{name}"), &path)?;
        }
        entry.edit(|manifest| manifest.place = Place::Stored);
        entry.save_stored(storage)?;
    }
    drop_local(entry)?;
    conclude(entry);
    entry.save_stored(storage)?;
    Ok(())
}

/// Says that all is done.
pub(super) fn conclude(entry: &Entry) {
    entry.update(|status| {
        let failed = status.jobs.iter().any(|job| matches!(job.progress, Progress::Failed { .. }));
        let empty = status.files.is_empty();
        status.state = if failed && empty { State::Failed } else { State::Ready };
        status.trouble = status.trouble.take().filter(|trouble| !is_of_storage(trouble));
    });
}

/// Journals that are in the store need not be here; nor do parts of films that are whole.
fn drop_local(entry: &Entry) -> Result<(), Failure> {
    for name in journals_in(entry.folder()).map_err(Failure::writing)? {
        remove(&entry.folder().join(name)).map_err(Failure::writing)?;
    }
    remove(&entry.folder().join("parts")).map_err(Failure::writing)
}

/// Brings a recording's journals from the store into a folder, as far as they are not there.
pub(crate) fn fetch(
    recording: RecordingId,
    folder: &Path,
    storage: &Storage,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    make_folder(folder).map_err(Failure::writing)?;
    let names = storage.wait(storage.names(recording, FOLDER))?;
    for name in names.iter().filter(|name| is_journal(name)) {
        if stop.load(Relaxed) {
            return Err(Failure::Stopped);
        }
        let path = folder.join(name);
        if path.exists() {
            continue;
        }
        let new = path.with_extension("fetched");
        storage.get_file(recording, &format!("{FOLDER}/{name}"), &new)?;
        std::fs::rename(&new, &path).map_err(Failure::writing)?;
    }
    Ok(())
}

/// Says that the store does not take what is made.
pub(super) fn trouble(error: &storage::Error) -> Trouble {
    let kind = match error {
        storage::Error::Full => TroubleKind::DiskFull,
        _ => TroubleKind::StorageFailed,
    };
    Trouble { kind, detail: format!("{error}; it is tried again") }
}

/// Whether a trouble is over once the store has taken all. A disk that was full while the recording
/// went on has cost a part of it, which does not come back.
fn is_of_storage(trouble: &Trouble) -> bool {
    trouble.kind == TroubleKind::StorageFailed || trouble.detail.ends_with("it is tried again")
}
