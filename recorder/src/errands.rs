//! What may take long and must come to an end all the same: destroying, and finding what another
//! recorder has left. One thread; what fails is tried again.

use crate::catalogue::{Catalogue, Error};
use crate::disks::remove;
use crate::jobs::Jobs;
use crate::live::Live;
use crate::manifest::End;
use crate::storage::Storage;
use lectern_control::recording::{Layout, MAX_JOBS, State};
use lectern_control::{JobId, ParticipantId, RecordingId};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The first wait before an errand is tried again; each further one is twice as long.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// The longest.
const RETRY_LONGEST: Duration = Duration::from_secs(300);
/// Errands that wait; a controller says again what is not done.
const MAX_WAITING: usize = 100_000;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Destroys all that is left of a recording.
    Purge(RecordingId),
    /// Has another film made of a recording.
    Compose { recording: RecordingId, job: JobId, layout: Layout, without: Vec<ParticipantId> },
}

#[derive(Debug)]
struct Waiting {
    errand: Errand,
    tries: u32,
    not_before: Instant,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    stopped: bool,
}

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) live: Arc<Live>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) storage: Storage,
}

/// The errands of a recorder.
#[derive(Debug)]
pub(crate) struct Errands {
    context: Context,
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// Why an errand is not done yet.
enum NotYet {
    /// Something of it is still in use.
    Busy,
    Failed(Error),
}

impl From<Error> for NotYet {
    fn from(error: Error) -> NotYet {
        NotYet::Failed(error)
    }
}

impl Errands {
    /// None yet.
    pub(crate) fn new(context: Context) -> Errands {
        Errands { context, queue: Mutex::default(), wake: Condvar::new() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more to do; one that waits already is not done twice.
    pub(crate) fn give(&self, errand: Errand) {
        let mut queue = self.queue();
        let known = queue.waiting.iter().any(|waiting| waiting.errand == errand);
        if !known && queue.waiting.len() < MAX_WAITING {
            let not_before = Instant::now();
            queue.waiting.push_back(Waiting { errand, tries: 0, not_before });
            self.wake.notify_one();
        }
    }

    /// The thread is to end.
    pub(crate) fn stop(&self) {
        self.queue().stopped = true;
        self.wake.notify_all();
    }

    /// Does errands until it is stopped. Blocks.
    pub(crate) fn run(&self) {
        while let Some(mut next) = self.next() {
            match self.carry_out(&next.errand) {
                Ok(()) => continue,
                Err(NotYet::Busy) => {}
                Err(NotYet::Failed(error)) => {
                    tracing::warn!(errand = ?next.errand, %error, "to be tried again");
                    next.tries = next.tries.saturating_add(1);
                }
            }
            let wait = RETRY_FIRST.saturating_mul(1 << next.tries.min(16)).min(RETRY_LONGEST);
            next.not_before = Instant::now() + wait;
            self.queue().waiting.push_back(next);
        }
    }

    fn next(&self) -> Option<Waiting> {
        let mut queue = self.queue();
        loop {
            if queue.stopped {
                return None;
            }
            let now = Instant::now();
            let due = queue.waiting.iter().position(|waiting| waiting.not_before <= now);
            if let Some(due) = due {
                return queue.waiting.remove(due);
            }
            let next = queue.waiting.iter().map(|waiting| waiting.not_before).min();
            let wait = next.map_or(RETRY_LONGEST, |next| next.saturating_duration_since(now));
            let waited = self.wake.wait_timeout(queue, wait);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn carry_out(&self, errand: &Errand) -> Result<(), NotYet> {
        match errand {
            Errand::Purge(recording) => self.purge(*recording),
            Errand::Compose { recording, job, layout, without } => {
                self.compose(*recording, *job, *layout, without)
            }
        }
    }

    /// The key first, here and in the store, then all that it opened, then the traces of that.
    fn purge(&self, recording: RecordingId) -> Result<(), NotYet> {
        let Context { catalogue, live, jobs, storage } = &self.context;
        if live.get(recording).is_some() || jobs.is_running(recording) {
            return Err(NotYet::Busy);
        }
        let entry = catalogue.find_to_destroy(recording, storage)?;
        if entry.look(|manifest| manifest.end == Some(End::Done)) {
            return Ok(());
        }
        if entry.look(|manifest| manifest.end.is_none()) {
            entry.destroy()?;
        }
        if storage.wait(storage.manifest(recording)).map_err(Error::from)?.is_some() {
            entry.put_stored(storage)?;
        }
        storage.wait(storage.delete_files(recording)).map_err(Error::from)?;
        let files = std::fs::read_dir(entry.folder()).map_err(Error::from)?;
        for file in files {
            let path = file.map_err(Error::from)?.path();
            if path.file_name().is_none_or(|name| name != "manifest.json") {
                remove(&path).map_err(Error::from)?;
            }
        }
        storage.wait(storage.delete_manifest(recording)).map_err(Error::from)?;
        entry.destroyed()?;
        tracing::info!(%recording, "a recording is destroyed");
        Ok(())
    }

    fn compose(
        &self,
        recording: RecordingId,
        job: JobId,
        layout: Layout,
        without: &[ParticipantId],
    ) -> Result<(), NotYet> {
        let Context { catalogue, jobs, storage, .. } = &self.context;
        let Some(entry) = catalogue.find(recording, storage)? else {
            tracing::warn!(%recording, "a film is wanted of a recording that is not here");
            return Ok(());
        };
        let takes = entry.look(|manifest| {
            let jobs = &manifest.status.jobs;
            let has_ended = manifest.status.state != State::Recording && manifest.end.is_none();
            has_ended && jobs.len() < MAX_JOBS && jobs.iter().all(|known| known.id != job)
        });
        if !takes {
            return Ok(());
        }
        jobs.add_film(&entry, job, layout, without.to_vec());
        entry.save()?;
        Ok(())
    }
}
