//! Figures of one worker, published once a second. Numbers only grow, unless they say otherwise.

use crate::socket::SendReport;
use lectern_media::{Counters, PathFigures};
use std::time::{Duration, Instant};

/// What a worker has done so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// When it was taken; none before the first.
    pub(crate) taken: Option<Instant>,
    /// What the engine counted.
    pub(crate) counters: Counters,
    /// What the socket sent, and what the kernel refused.
    pub(crate) sent: SendReport,
    /// Datagrams that were empty, cut off, or from no address.
    pub(crate) unusable: u64,
    /// Reads that failed.
    pub(crate) failed_reads: u64,
    /// Datagrams handed to other workers.
    pub(crate) handed_over: u64,
    /// Datagrams lost on the way to other workers.
    pub(crate) handover_drops: u64,
    /// Addresses of other workers' clients that were not remembered.
    pub(crate) unlearned: u64,
    /// Commands carried out or refused.
    pub(crate) commands: u64,
    /// Events lost because the controller link did not take them.
    pub(crate) events_lost: u64,
    /// Times the worker woke up.
    pub(crate) wakeups: u64,
    /// Time it was awake.
    pub(crate) busy: Duration,
    /// The paths to subscribers, where they are traced.
    pub(crate) paths: Vec<PathFigures>,
    /// Whether packets leave in runs now.
    pub(crate) sends_runs: bool,
}
