//! What waits to be made, in the order in which people miss it.

use super::Patience;
use super::budget::Budget;
use super::class::Class;
use crate::catalogue::Entry;
use crate::metrics::Metrics;
use lectern_control::{JobId, RecordingId};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread sleeps where nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);

/// Within a class the small come before the large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) class: Class,
    pub(super) size: u64,
}

/// What is done with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// One of its jobs.
    Job(JobId),
    /// Its journals go to where recordings are kept.
    Keep,
}

/// Something to do.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) entry: Arc<Entry>,
    pub(super) work: Work,
    pub(super) rank: Rank,
    /// Failures of the store in a row.
    pub(super) failures: u32,
    not_before: Instant,
}

impl Item {
    /// To be done as soon as its turn comes.
    pub(super) fn new(entry: Arc<Entry>, work: Work, rank: Rank) -> Item {
        Item { entry, work, rank, failures: 0, not_before: Instant::now() }
    }

    /// To be done later, as the store has failed.
    pub(super) fn later(mut self, patience: Patience) -> Item {
        let wait = patience.first.saturating_mul(1 << self.failures.min(16)).min(patience.longest);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Instant::now() + wait;
        self
    }

    fn is(&self, recording: RecordingId, work: Work) -> bool {
        self.entry.id == recording && self.work == work
    }
}

/// What runs now, and how it is stopped.
#[derive(Debug)]
struct Running {
    recording: RecordingId,
    work: Work,
    stop: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Inside {
    waiting: Vec<Item>,
    running: Vec<Running>,
    budget: Budget,
    stopped: bool,
}

/// The queue of all threads.
#[derive(Debug)]
pub(super) struct Queue {
    inside: Mutex<Inside>,
    wake: Condvar,
    metrics: Metrics,
}

/// An item that a thread has taken; it is running until this is dropped.
pub(super) struct Taken<'a> {
    queue: &'a Queue,
    recording: RecordingId,
    work: Work,
    /// Set where it is to end.
    pub(super) stop: Arc<AtomicBool>,
    /// Processor cores it may use.
    pub(super) cores: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut inside = self.queue.inside();
        let is_this =
            |running: &Running| running.recording == self.recording && running.work == self.work;
        inside.running.retain(|running| !is_this(running));
        inside.budget.give_back(self.cores);
        self.queue.count(&inside);
        drop(inside);
        self.queue.wake.notify_all();
    }
}

impl Queue {
    /// For so many processor cores.
    pub(super) fn new(cores: usize, metrics: Metrics) -> Queue {
        let (waiting, running, budget) = (Vec::new(), Vec::new(), Budget::new(cores));
        let inside = Mutex::new(Inside { waiting, running, budget, stopped: false });
        Queue { inside, wake: Condvar::new(), metrics }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, inside: &Inside) {
        let jobs = &self.metrics.jobs;
        jobs.with_label_values(&["waiting"]).set(inside.waiting.len() as i64);
        jobs.with_label_values(&["running"]).set(inside.running.len() as i64);
    }

    /// One more; what waits or runs already is not done twice.
    pub(super) fn put(&self, item: Item) {
        let mut inside = self.inside();
        let (recording, work) = (item.entry.id, item.work);
        let waits = inside.waiting.iter().any(|known| known.is(recording, work));
        let runs = inside
            .running
            .iter()
            .any(|running| running.recording == recording && running.work == work);
        if !waits && !runs {
            inside.waiting.push(item);
            self.count(&inside);
            self.wake.notify_all();
        }
    }

    /// Puts an item back that has run and is not done.
    pub(super) fn put_back(&self, item: Item, taken: Taken<'_>) {
        drop(taken);
        self.put(item);
    }

    /// The next that is due; waits for one. `None` where the threads are to end.
    pub(super) fn take(&self) -> Option<(Item, Taken<'_>)> {
        let mut inside = self.inside();
        loop {
            if inside.stopped {
                return None;
            }
            let now = Instant::now();
            if inside.budget.is_left()
                && let Some(index) = next_of(&inside.waiting, &inside.running, now)
            {
                let item = inside.waiting.swap_remove(index);
                let cores = inside.budget.take(item.rank.class);
                let (recording, work) = (item.entry.id, item.work);
                let stop = Arc::new(AtomicBool::new(false));
                inside.running.push(Running { recording, work, stop: Arc::clone(&stop) });
                self.count(&inside);
                return Some((item, Taken { queue: self, recording, work, stop, cores }));
            }
            let due =
                inside.waiting.iter().map(|item| item.not_before).filter(|at| *at > now).min();
            let wait = due.map_or(IDLE, |due| due.saturating_duration_since(now));
            let waited = self.wake.wait_timeout(inside, wait);
            inside = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nothing more is made of a recording.
    pub(super) fn cancel(&self, recording: RecordingId) {
        let mut inside = self.inside();
        inside.waiting.retain(|item| item.entry.id != recording);
        for running in inside.running.iter().filter(|running| running.recording == recording) {
            running.stop.store(true, Relaxed);
        }
        self.count(&inside);
    }

    /// Whether something is being made of a recording.
    pub(super) fn is_running(&self, recording: RecordingId) -> bool {
        self.inside().running.iter().any(|running| running.recording == recording)
    }

    /// How many wait or run.
    pub(super) fn len(&self) -> usize {
        let inside = self.inside();
        inside.waiting.len() + inside.running.len()
    }

    /// All threads are to end.
    pub(super) fn stop(&self) {
        let mut inside = self.inside();
        inside.stopped = true;
        for running in &inside.running {
            running.stop.store(true, Relaxed);
        }
        drop(inside);
        self.wake.notify_all();
    }
}

/// The first that is due. A recording's journals are moved when nothing else is done with it, and one
/// job at a time reads them.
fn next_of(waiting: &[Item], running: &[Running], now: Instant) -> Option<usize> {
    let free = |item: &Item| !running.iter().any(|running| running.recording == item.entry.id);
    let due = waiting.iter().enumerate().filter(|(_, item)| item.not_before <= now && free(item));
    due.min_by_key(|(_, item)| item.rank).map(|(index, _)| index)
}
