//! A sync in two halves, so that commits need not wait for a slow disk.
//!
//! Only one at a time: the kernel tells an error of the disk once for each open file, and of two
//! syncs the one that did not hear it would take lost bytes for kept.

use crate::Apart;
use std::fmt;
use std::io;
use std::sync::Arc;

/// A sync that another thread can wait for, while the writer goes on.
pub struct Syncing {
    sync: Apart,
    until: u64,
    alive: Arc<()>,
}

/// How it went; for [`Writer::end_sync`](super::Writer::end_sync).
#[derive(Debug)]
pub struct Synced {
    pub(super) result: io::Result<()>,
    pub(super) until: u64,
    alive: Arc<()>,
}

impl Syncing {
    /// Returns when the disk has answered.
    pub fn wait(self) -> Synced {
        let Syncing { sync, until, alive } = self;
        Synced { result: sync(), until, alive }
    }
}

impl fmt::Debug for Syncing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Syncing").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Whether a sync is under way.
#[derive(Default)]
pub(super) struct Flight(Option<Arc<()>>);

/// How the sync before stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It was ended, or there was none.
    Ended,
    /// It is under way.
    UnderWay,
    /// Nobody will ever tell how it went.
    Forgotten,
}

impl Flight {
    pub(super) fn begin(&mut self, sync: Apart, until: u64) -> Syncing {
        let alive = Arc::new(());
        self.0 = Some(alive.clone());
        Syncing { sync, until, alive }
    }

    /// `false` where it was another writer's.
    pub(super) fn end(&mut self, synced: &Synced) -> bool {
        self.0.take_if(|alive| Arc::ptr_eq(alive, &synced.alive)).is_some()
    }

    pub(super) fn state(&mut self) -> State {
        match &self.0 {
            None => State::Ended,
            Some(alive) if Arc::strong_count(alive) > 1 => State::UnderWay,
            Some(_) => {
                self.0 = None;
                State::Forgotten
            }
        }
    }
}
