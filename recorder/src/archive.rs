//! What operators do with recordings from a command line, beside a recorder that runs or without one.
//!
//! All of it blocks, and is for threads outside of a runtime.

use crate::catalogue::{Catalogue, Entry};
use crate::config::{Config, InvalidConfig};
use crate::disks::remove;
use crate::jobs::{Failure, SealedParts, Wanted, fetch, make_film};
use crate::keys::Keys;
use crate::manifest::{Manifest, Place};
use crate::media::Recorded;
use crate::role::open_keys;
use crate::storage::{self, Retry, Storage};
use crate::{Error, catalogue};
use lectern_compose::{Film, Tools};
use lectern_control::recording::{Layout, Status};
use lectern_control::{ParticipantId, RecordingId};
use lectern_journal::key::MasterKeys;
use prometheus::IntCounter;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::runtime::Runtime;

/// Times that all manifests are looked through for keys that are not wrapped anew: a recorder that
/// runs begins recordings meanwhile.
const MAX_PASSES: usize = 5;

/// One recording of a list.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its id.
    pub recording: RecordingId,
    /// How it is, or why that cannot be said.
    pub status: Result<Status, String>,
}

/// What came of a rotation.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// The name of the new first master key.
    pub primary: String,
    /// Recordings whose keys are wrapped by it now.
    pub rewrapped: usize,
    /// Recordings that could not be done, and why: old master keys are kept for them.
    pub left: Vec<(RecordingId, String)>,
    /// Names of the old master keys that were taken out.
    pub retired: Vec<String>,
}

/// A recorder's folder and store, without a recorder.
struct Archive {
    catalogue: Catalogue,
    keys: Arc<Keys>,
    storage: Storage,
    folder: PathBuf,
    /// Carries the requests to the store; the last to go.
    _runtime: Runtime,
}

impl Archive {
    fn open(config: &Config) -> Result<Archive, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build()?;
        let errors = IntCounter::new("storage_errors", "Of this command.")?;
        let storage = Storage::open(config, Retry::USUAL, runtime.handle().clone(), errors)?;
        let folder = config.folder()?.to_owned();
        let live = folder.join("live");
        crate::disks::make_folder(&live)?;
        let keys = Arc::new(open_keys(config, &live)?);
        let catalogue = Catalogue::new(live, Arc::clone(&keys))?;
        Ok(Archive { catalogue, keys, storage, folder, _runtime: runtime })
    }

    /// All recordings here and in the store.
    fn recordings(&self) -> Result<BTreeSet<RecordingId>, Error> {
        let mut known: BTreeSet<RecordingId> = self.catalogue.ids()?.into_iter().collect();
        let stored = self.storage.wait(self.storage.recordings());
        known.extend(stored.map_err(|error| Error::Recording(error.to_string()))?);
        Ok(known)
    }

    fn find(&self, recording: RecordingId) -> Result<Arc<Entry>, Error> {
        match self.catalogue.find(recording, &self.storage) {
            Ok(Some(entry)) => Ok(entry),
            Ok(None) => Err(Error::Recording("there is no such recording".to_owned())),
            Err(error) => Err(Error::Recording(error.to_string())),
        }
    }
}

/// All recordings of a recorder, here and in its store.
pub fn list(config: &Config) -> Result<Vec<Line>, Error> {
    let archive = Archive::open(config)?;
    let status = |recording| {
        let found = archive.find(recording);
        found.map(|entry| entry.status()).map_err(|error| error.to_string())
    };
    let line = |recording| Line { recording, status: status(recording) };
    Ok(archive.recordings()?.into_iter().map(line).collect())
}

/// What is in a journal, for people; of more than its outside only where the recording's key is found
/// beside it.
pub fn inspect(path: &Path, config: &Config) -> Result<String, Error> {
    let key = key_beside(path, config);
    let report = match &key {
        Ok((key, label)) => lectern_journal::inspect(path, Some((key, label)))?,
        Err(_) => lectern_journal::inspect(path, None)?,
    };
    Ok(match key {
        Ok(_) => report.to_string(),
        Err(reason) => format!("{report}\nnot opened: {reason}"),
    })
}

fn key_beside(
    path: &Path,
    config: &Config,
) -> Result<(lectern_journal::key::DataKey, String), String> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or("the file has no name")?;
    let folders = path.ancestors().skip(1).take(2);
    let found = folders.filter_map(|folder| {
        let id: RecordingId = folder.file_name()?.to_str()?.parse().ok()?;
        Some((id, std::fs::read(folder.join(storage::MANIFEST)).ok()?))
    });
    let (id, bytes) = found.into_iter().next().ok_or("no manifest lies beside it")?;
    let manifest = Manifest::from_bytes(&bytes, id).map_err(|error| error.to_string())?;
    let wrapped = manifest.key.ok_or("the recording is destroyed")?;
    let keys =
        Keys::open(config, crate::keys::Absent::Refuse).map_err(|error| error.to_string())?;
    let key = keys.unwrap(&wrapped).map_err(|error| error.to_string())?;
    Ok((key, format!("{id}/{name}")))
}

/// What film is wanted of which recording.
#[derive(Debug, Clone)]
pub struct Request {
    /// The recording.
    pub recording: RecordingId,
    /// How it looks.
    pub layout: Layout,
    /// Who is left out.
    pub without: Vec<ParticipantId>,
}

/// Makes a film and writes it, unsealed, to `out`; the recording stays as it is. `progress` is told
/// thousandths.
pub fn compose(
    config: &Config,
    request: &Request,
    out: &mut dyn Write,
    progress: &dyn Fn(u16),
    stop: &AtomicBool,
) -> Result<Film, Error> {
    let archive = Archive::open(config)?;
    let entry = archive.find(request.recording)?;
    let work = archive.folder.join(format!("compose-{}", std::process::id()));
    let (place, duration_ms) = entry.look(|manifest| (manifest.place, manifest.status.duration_ms));
    let wanted = Wanted {
        layout: request.layout,
        without: request.without.clone(),
        duration_us: i64::try_from(duration_ms.saturating_mul(1_000)).unwrap_or(i64::MAX),
        tools: Tools::new(config.ffmpeg.clone(), config.confine.clone()),
        cores: config.cores.max(1),
    };
    let make = || {
        let folder = match place {
            Place::Here => entry.folder(),
            Place::Stored => {
                fetch(entry.id, &work, &archive.storage, stop)?;
                &work
            }
        };
        let media = Recorded::open(&entry, folder, stop);
        let media = media.map_err(|error| Failure::reading(&error))?;
        let key = entry.key().ok_or(Failure::Nothing)?;
        let label = format!("{}/parts/compose", entry.id);
        let parts = SealedParts::new(work.join("parts"), key, label, Arc::new(|| {}));
        make_film(&media, wanted, &parts.map_err(Failure::writing)?, out, progress, stop)
    };
    let made = make();
    remove(&work)?;
    made.map_err(|failure| Error::Recording(failure.to_string()))
}

/// Makes a new first master key, wraps the keys of all recordings by it, and takes the old ones out
/// of the ring. A recorder that runs meanwhile goes on.
pub fn rotate(config: &Config) -> Result<Rotated, Error> {
    let archive = Archive::open(config)?;
    let Some(file) = archive.keys.file().cloned() else {
        return Err(InvalidConfig::KeysInConfiguration.into());
    };
    let keys = |error| Error::Keys(crate::keys::Error::Key(error));
    let old: Vec<_> = MasterKeys::load(&file).map_err(keys)?.ids().cloned().collect();
    let primary = MasterKeys::rotate(&file).map_err(keys)?;
    let mut rotated = Rotated {
        primary: primary.to_string(),
        rewrapped: 0,
        left: Vec::new(),
        retired: Vec::new(),
    };
    for _ in 0..MAX_PASSES {
        rotated.left.clear();
        let before = rotated.rewrapped;
        for recording in archive.recordings()? {
            match rewrap(&archive, recording) {
                Ok(rewrapped) => rotated.rewrapped += usize::from(rewrapped),
                Err(error) => rotated.left.push((recording, error.to_string())),
            }
        }
        if rotated.rewrapped == before {
            break;
        }
    }
    if rotated.left.is_empty() {
        for id in old {
            MasterKeys::retire(&file, &id).map_err(keys)?;
            rotated.retired.push(id.to_string());
        }
    }
    Ok(rotated)
}

/// Wraps one recording's key anew, wherever its manifest lies; says whether that was needed.
fn rewrap(archive: &Archive, recording: RecordingId) -> Result<bool, catalogue::Error> {
    let Archive { catalogue, storage, .. } = archive;
    let store = || {
        let Some(bytes) = storage.wait(storage.manifest(recording))? else { return Ok(false) };
        let manifest = Manifest::from_bytes(&bytes, recording)?;
        let Some(anew) = catalogue.rewrap(manifest)? else { return Ok(false) };
        storage.wait(storage.put(recording, storage::MANIFEST, anew.into()))?;
        Ok(true)
    };
    if catalogue.ids()?.contains(&recording) {
        catalogue.rewrap_here(recording, store)
    } else {
        store()
    }
}
