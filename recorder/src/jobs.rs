//! What is made of recordings that have ended: films, a file of each track, a safe place for all.
//!
//! Jobs are in the manifests: whatever ends the process, the next one goes on with them.

mod budget;
mod class;
mod film;
mod keep;
mod late;
mod parts;
mod queue;
mod retry;
mod spool;
mod tracks;
mod work;

pub(crate) use film::{Wanted, make as make_film};
pub(crate) use keep::fetch;
pub(crate) use parts::SealedParts;
pub(crate) use retry::Failure;

use crate::catalogue::Entry;
use crate::manifest::{Place, Try};
use crate::media;
use crate::metrics::Metrics;
use crate::storage::Storage;
use class::Class;
use lectern_compose::Tools;
use lectern_control::recording::{Job, JobKind, Layout, Progress, State};
use lectern_control::{JobId, ParticipantId, RecordingId};
use queue::{Item, Queue, Rank, Work};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

/// A job that was begun so often and ended the process each time is not begun again.
const MAX_TRIES: u8 = 2;

/// What jobs work with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) storage: Storage,
    pub(crate) metrics: Metrics,
    pub(crate) tools: Tools,
    pub(crate) cores: usize,
    pub(crate) patience: Patience,
}

/// How patient jobs are with a store that does not answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The first wait; each further one is twice as long.
    pub(crate) first: std::time::Duration,
    /// The longest.
    pub(crate) longest: std::time::Duration,
    /// So many failures in a row are told of.
    pub(crate) failures: u32,
}

impl Patience {
    /// With requests that were tried for half a minute each, people hear of it after a minute, and it
    /// is tried every ten minutes from then on.
    pub(crate) const USUAL: Patience = Patience {
        first: std::time::Duration::from_secs(5),
        longest: std::time::Duration::from_secs(600),
        failures: 2,
    };
}

/// Whether an earlier process has begun a recording's jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The recording has just ended.
    Now,
    /// It had ended when this process started.
    Earlier,
}

/// All jobs.
#[derive(Debug)]
pub(crate) struct Jobs {
    context: Context,
    queue: Arc<Queue>,
}

impl Jobs {
    /// None yet.
    pub(crate) fn new(context: Context) -> Jobs {
        let queue = Arc::new(Queue::new(context.cores, context.metrics.clone()));
        Jobs { context, queue }
    }

    /// Starts the threads that work on them.
    pub(crate) fn start(&self) -> io::Result<Vec<JoinHandle<()>>> {
        let start = |_| {
            let (context, queue) = (self.context.clone(), Arc::clone(&self.queue));
            let thread = std::thread::Builder::new().name("job".to_owned());
            thread.spawn(move || work::run(&context, &queue))
        };
        (0..self.context.cores.max(1)).map(start).collect()
    }

    /// Makes the first jobs of a recording that has ended, or goes on with those it has.
    pub(crate) fn take_up(&self, entry: &Arc<Entry>, begun: Begun) {
        match begun {
            Begun::Now => {
                if media::tracks_in(entry.folder()).is_ok_and(|tracks| !tracks.is_empty()) {
                    entry.update(|status| status.jobs = first_jobs());
                }
            }
            Begun::Earlier => self.look_at_tries(entry),
        }
        if let Err(error) = entry.save() {
            // It is written with the next change; after a crash it is found as it was before.
            tracing::warn!(recording = %entry.id, %error, "a manifest cannot be written");
        }
        self.enqueue(entry);
    }

    /// What ended the process again and again is given up.
    fn look_at_tries(&self, entry: &Entry) {
        let tries = entry.look(|manifest| manifest.tries.clone());
        entry.update(|status| {
            for job in &mut status.jobs {
                let count = count_of(&tries, job.id);
                match job.progress {
                    Progress::Waiting | Progress::Running { .. } if count >= MAX_TRIES => {
                        let reason =
                            "the recorder ended while it worked on this, twice: see its log";
                        job.progress = Progress::Failed { reason: reason.to_owned() };
                    }
                    Progress::Running { .. } => job.progress = Progress::Waiting,
                    _ => {}
                }
            }
        });
    }

    /// Puts all that is left to do with a recording into the queue.
    fn enqueue(&self, entry: &Arc<Entry>) {
        enqueue(&self.queue, entry);
    }

    /// Another film of a recording. It is written down by the caller.
    pub(crate) fn add_film(
        &self,
        entry: &Arc<Entry>,
        id: JobId,
        layout: Layout,
        without: Vec<ParticipantId>,
    ) {
        let kind = JobKind::Compose { layout, without };
        entry.update(|status| {
            status.jobs.push(Job { id, kind, progress: Progress::Waiting });
            status.state = State::Processing;
        });
        self.enqueue(entry);
    }

    /// Nothing more is made of a recording.
    pub(crate) fn cancel(&self, recording: RecordingId) {
        self.queue.cancel(recording);
    }

    /// Whether something is being made of a recording.
    pub(crate) fn is_running(&self, recording: RecordingId) -> bool {
        self.queue.is_running(recording)
    }

    /// How many wait or run.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The threads are to end; what is finished is kept.
    pub(crate) fn stop(&self) {
        self.queue.stop();
    }
}

fn first_jobs() -> Vec<Job> {
    let job = |kind| Job { id: JobId(rand::random()), kind, progress: Progress::Waiting };
    let layout = Layout::default();
    vec![job(JobKind::Compose { layout, without: Vec::new() }), job(JobKind::Tracks)]
}

fn count_of(tries: &[Try], job: JobId) -> u8 {
    tries.iter().find(|known| known.job == job).map_or(0, |known| known.count)
}

/// Puts all that is left to do with a recording into the queue: its jobs, then its keeping.
fn enqueue(queue: &Queue, entry: &Arc<Entry>) {
    let (jobs, place) = entry.look(|manifest| (manifest.status.jobs.clone(), manifest.place));
    if entry.look(|manifest| manifest.end.is_some()) {
        return;
    }
    let size = media::journal_bytes(entry.folder()).unwrap_or(u64::MAX);
    let mut is_first = true;
    let mut waits = false;
    for job in jobs {
        let class = match job.kind {
            JobKind::Compose { .. } if std::mem::take(&mut is_first) => Class::FirstFilm,
            JobKind::Compose { .. } => Class::Film,
            JobKind::Tracks => Class::Tracks,
        };
        if job.progress == Progress::Waiting {
            waits = true;
            let rank = Rank { class, size };
            queue.put(Item::new(Arc::clone(entry), Work::Job(job.id), rank));
        }
    }
    if waits {
        return;
    }
    // Other recorders find in the store what this one knows, once nothing is left to do here.
    let rank = Rank { class: Class::Keep, size };
    if place == Place::Here || entry.look(|manifest| manifest.status.state == State::Processing) {
        queue.put(Item::new(Arc::clone(entry), Work::Keep, rank));
    }
}
