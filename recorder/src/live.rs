//! Recordings that go on: one thread for each, which alone writes its journals.

mod journal;
mod picture;
mod session;
mod track;
mod writer;

use crate::catalogue::Entry;
use crate::clock::unix_ms;
use crate::disks::Disks;
use crate::metrics::Metrics;
use bytes::Bytes;
use lectern_control::recorder::Event;
use lectern_control::recording::Trouble;
use lectern_control::relay::{Content, records};
use lectern_control::{NodeId, RecordingId, TrackId};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use writer::Writer;

/// Orders that wait for one recording's disk.
const QUEUED_ORDERS: usize = 4_096;
/// Bytes of batches that wait for one recording's disk: ten seconds of a large meeting. What comes on
/// top is lost, and counted.
const MAX_WAITING_BYTES: usize = 48 << 20;
/// Recordings that go on at once: each has a thread and files of its own.
pub(crate) const MAX_LIVE: usize = 256;

/// Where batches come from, and where answers to them go.
#[derive(Debug)]
pub(crate) struct Feed {
    /// The node.
    pub(crate) node: NodeId,
    /// Which process of it.
    pub(crate) life: u64,
    /// The way back.
    pub(crate) out: mpsc::Sender<Bytes>,
}

/// A sample of a node's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockSample {
    /// When, on the recorder's clock, in microseconds since 1970.
    pub(crate) at_unix_us: u64,
    /// The node's clock less the recorder's, in microseconds.
    pub(crate) offset_us: i64,
    /// How long the question and the answer took, in microseconds.
    pub(crate) rtt_us: u32,
}

/// What a recording's thread is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Packets came.
    Batch { feed: Arc<Feed>, number: u64, records: Bytes },
    /// A node has said all.
    NodeEnd(NodeId),
    /// A node's clock was asked for.
    Clock(NodeId, ClockSample),
    /// All that is true now is about to be said: what is not has ended meanwhile.
    Opened { at_unix_ms: u64 },
    /// Something happened.
    Event { at_unix_ms: u64, event: Event },
}

/// What a recording's thread is told however much waits for it; what is stronger stands further down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It ends, once the nodes have said all.
    Close,
    /// The process ends; the recording goes on in another one.
    Halt,
    /// It cannot go on.
    Fail(Trouble),
    /// It is to be destroyed: nothing more is written.
    Abandon,
}

impl Demand {
    fn strength(&self) -> u8 {
        match self {
            Demand::Close => 0,
            Demand::Halt => 1,
            Demand::Fail(_) => 2,
            Demand::Abandon => 3,
        }
    }
}

/// How a recording's thread came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is written.
    Closed,
    /// It could not go on.
    Failed(Trouble),
    /// It goes on in another process.
    Halted,
    /// It is being destroyed.
    Abandoned,
}

/// Said once by each thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The recording.
    pub(crate) recording: RecordingId,
    /// How.
    pub(crate) outcome: Outcome,
}

/// What all recordings' threads work with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The disk.
    pub(crate) disks: Arc<dyn Disks>,
    /// Their figures.
    pub(crate) metrics: Metrics,
    /// How often journals are synced.
    pub(crate) sync_every: Duration,
    /// Who is told of their ends.
    pub(crate) ended: mpsc::UnboundedSender<Ended>,
}

/// What may wait for a thread, counted by both sides.
#[derive(Debug, Default)]
struct Backlog {
    bytes: AtomicUsize,
    /// Packets of batches that found no room, until the thread has written down that they are lost.
    lost: Mutex<BTreeMap<TrackId, u32>>,
    demand: Mutex<Option<Demand>>,
}

impl Backlog {
    fn demand(&self) -> Option<Demand> {
        self.demand.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_empty(&self) -> bool {
        self.bytes.load(Relaxed) == 0
    }

    fn take_lost(&self) -> BTreeMap<TrackId, u32> {
        std::mem::take(&mut *self.lost.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One recording's thread, from outside.
#[derive(Debug)]
pub(crate) struct Handle {
    orders: SyncSender<Order>,
    backlog: Arc<Backlog>,
    heard_unix_ms: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
    metrics: Metrics,
}

impl Handle {
    /// Gives it a batch. Never waits: what finds no room is lost and counted.
    pub(crate) fn batch(&self, feed: &Arc<Feed>, number: u64, batch: Bytes) {
        self.heard_unix_ms.store(unix_ms(), Relaxed);
        let len = batch.len();
        let waiting = self.backlog.bytes.fetch_add(len, Relaxed);
        let order = Order::Batch { feed: Arc::clone(feed), number, records: batch.clone() };
        if waiting + len > MAX_WAITING_BYTES || self.orders.try_send(order).is_err() {
            self.backlog.bytes.fetch_sub(len, Relaxed);
            self.lose(&batch);
        }
    }

    fn lose(&self, batch: &[u8]) {
        let mut lost = self.backlog.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let mut packets = 0;
        for record in records(batch).map_while(Result::ok) {
            if let Content::Packet { .. } = record.content {
                packets += 1;
                if lost.len() < track::MAX_TRACKS || lost.contains_key(&record.track) {
                    let count = lost.entry(record.track).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
        self.metrics.lost_packets.with_label_values(&["slow_disk"]).inc_by(packets);
    }

    /// Tells it something else. Never waits; `false` where it has too much to do already, or has
    /// ended.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// Tells it what must not be lost; it takes note within a tenth of a second.
    pub(crate) fn demand(&self, demand: Demand) {
        let mut known = self.backlog.demand.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|known| known.strength() < demand.strength()) {
            *known = Some(demand);
        }
    }

    /// The last sign of it, in milliseconds since 1970.
    pub(crate) fn heard_unix_ms(&self) -> u64 {
        self.heard_unix_ms.load(Relaxed)
    }

    /// Something of it came from elsewhere than a node.
    pub(crate) fn hear(&self) {
        self.heard_unix_ms.store(unix_ms(), Relaxed);
    }

    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // One that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

/// All recordings that go on.
#[derive(Debug)]
pub(crate) struct Live {
    table: Mutex<HashMap<RecordingId, Arc<Handle>>>,
    context: Context,
}

impl Live {
    /// None yet.
    pub(crate) fn new(context: Context) -> Live {
        Live { table: Mutex::default(), context }
    }

    /// Begins a recording, or goes on with what is written of it.
    pub(crate) fn open(&self, entry: &Arc<Entry>) -> io::Result<()> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.contains_key(&entry.id) {
            return Ok(());
        }
        let (orders, queue) = sync_channel(QUEUED_ORDERS);
        let backlog = Arc::<Backlog>::default();
        let (context, entry_of_it) = (self.context.clone(), Arc::clone(entry));
        let waiting = Arc::clone(&backlog);
        let thread = std::thread::Builder::new().name("recording".to_owned()).spawn(move || {
            Writer::run(context, entry_of_it, queue, &waiting);
        })?;
        let handle = Handle {
            orders,
            backlog,
            heard_unix_ms: AtomicU64::new(unix_ms()),
            thread: Mutex::new(Some(thread)),
            metrics: self.context.metrics.clone(),
        };
        table.insert(entry.id, Arc::new(handle));
        self.context.metrics.recordings.set(table.len() as i64);
        Ok(())
    }

    /// One of them.
    pub(crate) fn get(&self, recording: RecordingId) -> Option<Arc<Handle>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&recording).cloned()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<(RecordingId, Arc<Handle>)> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.iter().map(|(id, handle)| (*id, Arc::clone(handle))).collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// One has ended. Blocks for a moment.
    pub(crate) fn remove(&self, recording: RecordingId) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = table.remove(&recording);
        self.context.metrics.recordings.set(table.len() as i64);
        drop(table);
        if let Some(handle) = handle {
            handle.join();
        }
    }

    /// Lets all come to a place from which another process goes on. Blocks.
    pub(crate) fn halt(&self) {
        let all = self.all();
        for (_, handle) in &all {
            handle.demand(Demand::Halt);
        }
        for (_, handle) in all {
            handle.join();
        }
    }
}
