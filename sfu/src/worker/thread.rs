//! The thread of a worker: started, pinned, watched, stopped.

use super::{
    Alarm, Desk, Handed, Inbox, Inward, MAX_EVENTS, MAX_ORDERS, Order, Outward, Sample, Socket,
    Steering, Worker, WorkerIndex, sample_every,
};
use crate::relay;
use lectern_control::RoomId;
use lectern_control::node::Event;
use lectern_media::Engine;
use rtrb::{Consumer, Producer, RingBuffer};
use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{Notify, mpsc};

/// What a worker is made from.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Its number, and how many there are.
    pub(crate) index: WorkerIndex,
    /// How many there are.
    pub(crate) workers: usize,
    /// The core it is pinned to, if any.
    pub(crate) core: Option<core_affinity::CoreId>,
    /// Its engine's configuration.
    pub(crate) engine: lectern_media::Config,
    /// Its samples tell of the paths to subscribers, and are taken more often.
    pub(crate) traces_paths: bool,
    /// Its socket.
    pub(crate) socket: Socket,
    /// Wakes it.
    pub(crate) alarm: Alarm,
    /// To the other workers, by their number; none to itself.
    pub(crate) outward: Vec<Option<Outward>>,
    /// From the other workers.
    pub(crate) inward: Vec<Inward>,
    /// To recorders.
    pub(crate) relays: relay::Outward,
}

/// The controller link's end of a worker.
#[derive(Debug)]
pub(crate) struct Handle {
    orders: Producer<Order>,
    alarm: Alarm,
    /// What happened, oldest first.
    pub(crate) events: Consumer<(RoomId, Event)>,
    published: Arc<Mutex<Sample>>,
    thread: Option<JoinHandle<()>>,
}

/// A worker ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Which.
    pub(crate) worker: WorkerIndex,
    /// How.
    pub(crate) result: Result<(), Failure>,
}

/// Why a worker ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A defect: the message of the panic.
    #[error("it panicked: {0}")]
    Panic(String),
    /// The socket cannot be read any more.
    #[error("its socket failed: {0}")]
    Socket(#[from] io::Error),
}

/// Starts a worker's thread. `notify` is told when there are events, `ended` when it is over.
pub(crate) fn spawn(
    plan: Plan,
    notify: Arc<Notify>,
    ended: mpsc::Sender<Ended>,
) -> io::Result<Handle> {
    let (orders, orders_in) = RingBuffer::new(MAX_ORDERS);
    let (events_out, events) = RingBuffer::new(MAX_EVENTS);
    let alarm = plan.alarm.clone();
    let published = Arc::new(Mutex::new(Sample::default()));
    let sample = Arc::clone(&published);
    let builder = std::thread::Builder::new().name(format!("worker-{}", plan.index));
    let thread = builder.spawn(move || {
        let index = plan.index;
        if let Some(core) = plan.core
            && !core_affinity::set_for_current(core)
        {
            tracing::warn!(worker = index, core = core.id, "cannot pin the worker to its core");
        }
        let result = contained(|| work(plan, orders_in, events_out, sample, Arc::clone(&notify)));
        // Fails where nobody waits for it any more.
        if ended.blocking_send(Ended { worker: index, result }).is_err() {
            tracing::debug!(worker = index, "ended after its node");
        }
        notify.notify_one();
    })?;
    Ok(Handle { orders, alarm, events, published, thread: Some(thread) })
}

/// Runs a worker; a panic ends here and becomes a failure.
pub(super) fn contained(work: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Failure::Socket),
        Err(panic) => Err(Failure::Panic(message(panic.as_ref()))),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

fn work(
    plan: Plan,
    orders: Consumer<Order>,
    events: Producer<(RoomId, Event)>,
    published: Arc<Mutex<Sample>>,
    notify: Arc<Notify>,
) -> io::Result<()> {
    let now = Instant::now();
    let desk = Desk {
        engine: Engine::new(now, plan.engine),
        socket: plan.socket,
        relays: plan.relays,
        events,
        backlog: VecDeque::new(),
        notify,
        sample: Sample::default(),
    };
    let mut worker = Worker {
        index: plan.index,
        inbox: Inbox::default(),
        handed: Handed::default(),
        steering: Steering::new(plan.index, plan.workers, now),
        outward: plan.outward,
        inward: plan.inward,
        orders,
        alarm: plan.alarm,
        desk,
        published,
        sampled: now,
        sample_every: sample_every(plan.traces_paths),
        traces_paths: plan.traces_paths,
        failed_reads: 0,
    };
    worker.run()
}

impl Handle {
    /// A handle that leads to no thread, with room for so many orders, and where they go.
    #[cfg(test)]
    pub(crate) fn without_thread(orders: usize) -> (Handle, Consumer<Order>) {
        let (orders, orders_out) = RingBuffer::new(orders);
        let (_, events) = RingBuffer::new(1);
        let alarm = Alarm::new().expect("a descriptor");
        (Handle { orders, alarm, events, published: Arc::default(), thread: None }, orders_out)
    }

    /// Gives an order; given back where the ring is full.
    pub(crate) fn order(&mut self, order: Order) -> Result<(), Order> {
        let rtrb_full = self.orders.push(order);
        self.alarm.ring();
        rtrb_full.map_err(|rtrb::PushError::Full(order)| order)
    }

    /// The latest figures.
    pub(crate) fn sample(&self) -> Sample {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells the worker to stop. Not to be awaited where the ring is full: then it is stuck.
    pub(crate) fn stop(&mut self) {
        if self.order(Order::Stop).is_err() {
            self.thread = None;
        }
    }

    /// Waits until the thread is over.
    pub(crate) fn join(mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a worker panicked outside its work");
        }
    }
}
