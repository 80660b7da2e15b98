//! Journals on their way to where a power cut does not reach, while their recording goes on.

use super::Error;
use crate::metrics::Metrics;
use lectern_control::TrackId;
use lectern_journal::{Synced, Syncing};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

/// Syncs at once: file systems do many for the price of one.
const AT_ONCE: usize = 8;

/// Which journal: a track's, or the session's.
type Which = Option<TrackId>;

/// The syncs of one recording; one round of them at a time.
pub(super) struct Syncs {
    round: Option<Receiver<Vec<(Which, Synced)>>>,
    begun: Instant,
}

impl Syncs {
    /// None yet.
    pub(super) fn new(now: Instant) -> Syncs {
        Syncs { round: None, begun: now }
    }

    /// Whether a round is to begin.
    pub(super) fn is_due(&self, now: Instant, every: Duration) -> bool {
        self.round.is_none() && now.saturating_duration_since(self.begun) >= every
    }

    /// Begins a round, on a thread of its own.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        due: Vec<(Which, Syncing)>,
        metrics: &Metrics,
    ) -> Result<(), Error> {
        self.begun = now;
        if due.is_empty() {
            return Ok(());
        }
        let (done, round) = channel();
        let metrics = metrics.clone();
        let thread = std::thread::Builder::new().name("sync".to_owned());
        thread.spawn(move || {
            // Nobody waits for it where the recording has ended otherwise.
            let _ = done.send(carry_out(due, &metrics));
        })?;
        self.round = Some(round);
        Ok(())
    }

    /// What a round came to, once it is over.
    pub(super) fn ended(&mut self) -> Vec<(Which, Synced)> {
        let Some(round) = &self.round else { return Vec::new() };
        match round.try_recv() {
            Err(TryRecvError::Empty) => Vec::new(),
            ended => {
                self.round = None;
                ended.unwrap_or_default()
            }
        }
    }

    /// Waits for the end of a round.
    pub(super) fn wait(&mut self) -> Vec<(Which, Synced)> {
        let round = self.round.take();
        round.and_then(|round| round.recv().ok()).unwrap_or_default()
    }
}

fn carry_out(due: Vec<(Which, Syncing)>, metrics: &Metrics) -> Vec<(Which, Synced)> {
    let sync = |(which, syncing): (Which, Syncing)| {
        let begun = Instant::now();
        let synced = syncing.wait();
        metrics.sync_seconds.observe(begun.elapsed().as_secs_f64());
        (which, synced)
    };
    let share = due.len().div_ceil(AT_ONCE);
    let mut due = due.into_iter();
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        loop {
            let part: Vec<_> = due.by_ref().take(share).collect();
            if part.is_empty() {
                break;
            }
            let sync = &sync;
            threads.push(scope.spawn(move || part.into_iter().map(sync).collect::<Vec<_>>()));
        }
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}
