//! A worker: one thread, outside tokio, with one engine and one socket.
//!
//! Its loop: sleep until there is something to do, do it, send what came of it, tell what happened.
//! Orders come and reports go through bounded rings; nobody else touches the engine.

mod sample;
#[cfg(test)]
mod tests;
mod thread;

pub(crate) use sample::Sample;
pub use thread::Failure;
pub(crate) use thread::{Ended, Handle, Plan, spawn};

use crate::alarm::Alarm;
use crate::directory::{Route, WorkerIndex};
use crate::handover::{Handed, Inward, Outward};
use crate::relay;
use crate::socket::{Inbox, Socket};
use crate::steer::Steering;
use lectern_control::node::{Command, Event};
use lectern_control::{RecordingId, RequestId, Revision, RoomId, TrackId};
use lectern_media::{Datagram, Engine, Output, Progress};
use rtrb::{Consumer, Producer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Orders that wait for one worker: a join storm of a thousand people fits.
pub(crate) const MAX_ORDERS: usize = 8_192;
/// Events that wait for the controller link, for one worker.
pub(crate) const MAX_EVENTS: usize = 8_192;
/// Events kept by the worker itself while the ring is full; then the oldest is lost, and counted.
const MAX_BACKLOG: usize = 16_384;
/// Orders carried out between two looks at the socket: a handful of microseconds each.
const ORDERS_PER_TURN: usize = 64;
/// Batches taken from each other worker between two looks at the socket.
const HANDED_BATCHES_PER_TURN: usize = 4;
/// How often figures are published, and the longest sleep.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// The same where paths are traced.
const TRACE_EVERY: Duration = Duration::from_millis(100);
/// Reads that fail one after another until the worker gives up: the socket is broken for good.
const MAX_FAILED_READS: u32 = 1_000;

/// How often figures are published.
pub(crate) fn sample_every(traces_paths: bool) -> Duration {
    if traces_paths { TRACE_EVERY } else { SAMPLE_EVERY }
}

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// A command of the controller.
    Command {
        /// Names it in a failure.
        request: RequestId,
        /// The room, which lives on this worker.
        room: RoomId,
        /// The lease's revision.
        revision: Revision,
        /// What to do.
        command: Box<Command>,
    },
    /// A user fragment leads to another worker from now on.
    Route(Route),
    /// A recorder needs a keyframe.
    WantKeyframe {
        /// For which recording.
        recording: RecordingId,
        /// Of which track.
        track: TrackId,
    },
    /// The node shuts down.
    Stop,
}

/// One worker's own things.
struct Worker {
    index: WorkerIndex,
    inbox: Inbox,
    handed: Handed,
    steering: Steering,
    outward: Vec<Option<Outward>>,
    inward: Vec<Inward>,
    orders: Consumer<Order>,
    alarm: Alarm,
    desk: Desk,
    published: Arc<Mutex<Sample>>,
    sampled: Instant,
    sample_every: Duration,
    traces_paths: bool,
    failed_reads: u32,
}

/// Where work is done and leaves: kept apart so that it can be used while a batch is being read.
struct Desk {
    engine: Engine,
    socket: Socket,
    relays: relay::Outward,
    events: Producer<(RoomId, Event)>,
    backlog: VecDeque<(RoomId, Event)>,
    notify: Arc<Notify>,
    sample: Sample,
}

impl Worker {
    /// Works until it is told to stop or its socket breaks.
    fn run(&mut self) -> io::Result<()> {
        let mut deadline = Some(Instant::now());
        loop {
            let busy_since = self.sleep(deadline)?;
            if self.take_orders(busy_since) {
                self.desk.flush(busy_since);
                return Ok(());
            }
            self.receive(busy_since)?;
            self.take_handed(busy_since);
            if deadline.is_some_and(|deadline| deadline <= busy_since) {
                self.desk.engine.handle_timeout(busy_since);
            }
            deadline = self.desk.flush(busy_since);
            self.steering.sweep(busy_since);
            self.account(busy_since);
        }
    }

    /// Waits for a datagram, an order, the engine's deadline or the next sample, and says when it
    /// ended. Under load it does not wait at all: packets that came meanwhile make the next batch.
    fn sleep(&mut self, deadline: Option<Instant>) -> io::Result<Instant> {
        let now = Instant::now();
        let sample_at = self.sampled + self.sample_every;
        let wake_at = deadline.map_or(sample_at, |deadline| deadline.min(sample_at));
        let wait = wake_at.saturating_duration_since(now);
        if wait.is_zero() || self.inbox.was_filled() {
            return Ok(now);
        }
        self.alarm.lie_down();
        if !self.orders.is_empty() || self.inward.iter().any(|ring| !ring.is_empty()) {
            self.alarm.get_up(false);
            return Ok(now);
        }
        let rung = {
            let timeout =
                Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
            let mut interest = [
                PollFd::from_borrowed_fd(self.desk.socket.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.alarm.as_fd(), PollFlags::IN),
            ];
            match poll(&mut interest, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            interest[1].revents().contains(PollFlags::IN)
        };
        self.alarm.get_up(rung);
        self.desk.sample.wakeups += 1;
        Ok(Instant::now())
    }

    /// Carries out orders; `true`: the last one was to stop.
    fn take_orders(&mut self, now: Instant) -> bool {
        for _ in 0..ORDERS_PER_TURN {
            match self.orders.pop() {
                Ok(Order::Command { request, room, revision, command }) => {
                    self.desk.engine.handle_command(now, room, revision, request, *command);
                    self.desk.sample.commands += 1;
                }
                Ok(Order::Route(route)) => self.steering.change(route),
                Ok(Order::WantKeyframe { recording, track }) => {
                    self.desk.engine.want_keyframe(now, recording, track);
                }
                Ok(Order::Stop) => {
                    self.desk.engine.close(now);
                    return true;
                }
                Err(_) => break,
            }
        }
        false
    }

    /// Reads one batch from the socket, hands on what belongs to others, handles the rest.
    fn receive(&mut self, now: Instant) -> io::Result<()> {
        match self.desk.socket.recv(&mut self.inbox) {
            Ok(_) => self.failed_reads = 0,
            Err(error) => {
                self.failed_reads += 1;
                self.desk.sample.failed_reads += 1;
                if self.failed_reads >= MAX_FAILED_READS {
                    return Err(error);
                }
            }
        }
        let Worker { index, inbox, steering, outward, desk, .. } = self;
        let (mut handed_over, mut lost) = (0, 0);
        let mut mine = inbox.datagrams().filter(|datagram| {
            let worker = steering.judge(now, datagram);
            if worker == *index {
                return true;
            }
            let put = outward.get_mut(worker).and_then(Option::as_mut);
            if put.is_some_and(|ring| ring.put(datagram)) {
                handed_over += 1
            } else {
                lost += 1
            }
            false
        });
        desk.handle(now, &mut mine);
        drop(mine);
        desk.sample.handed_over += handed_over;
        desk.sample.handover_drops += lost;
        outward.iter_mut().flatten().for_each(Outward::deliver);
        Ok(())
    }

    /// Handles what other workers handed over.
    fn take_handed(&mut self, now: Instant) {
        let Worker { inward, handed, desk, .. } = self;
        for ring in inward {
            for _ in 0..HANDED_BATCHES_PER_TURN {
                if handed.take(ring) == 0 {
                    break;
                }
                desk.handle(now, &mut handed.datagrams());
            }
        }
    }

    /// Adds up the turn's time, and publishes figures when it is time to.
    fn account(&mut self, busy_since: Instant) {
        let now = Instant::now();
        let desk = &mut self.desk;
        desk.sample.busy += now.saturating_duration_since(busy_since);
        if now.saturating_duration_since(self.sampled) < self.sample_every {
            return;
        }
        self.sampled = now;
        let sample = &mut desk.sample;
        sample.counters.clone_from(desk.engine.counters());
        if self.traces_paths {
            sample.paths.clear();
            sample.paths.extend(desk.engine.paths());
        }
        sample.taken = Some(now);
        sample.unusable = self.inbox.unusable();
        sample.unlearned = self.steering.refused();
        sample.sends_runs = desk.socket.sends_runs();
        // Never waits: a reader that holds it just now gets the next one.
        if let Ok(mut published) = self.published.try_lock() {
            published.clone_from(sample);
        }
    }
}

impl Desk {
    /// Handles a batch to its end, sending in between where the outbox fills.
    fn handle<'a>(&mut self, now: Instant, batch: &mut impl Iterator<Item = Datagram<'a>>) {
        while self.engine.handle_batch(now, &mut *batch) == Progress::Flush {
            self.flush(now);
        }
    }

    /// Sends what is in the outbox, passes events on, and says when the engine wants to be called.
    ///
    /// Here packets can be held for up to a millisecond, to make longer runs of them; a busy worker
    /// makes long runs by itself.
    fn flush(&mut self, now: Instant) -> Option<Instant> {
        // First, for the answers to these checks are among what is sent.
        for (remote, local) in self.engine.accepted() {
            self.socket.answer_from(now, *remote, *local);
        }
        let Output { outbox, events, deadline } = self.engine.poll(now);
        if !outbox.is_empty() {
            self.sample.sent.add(&self.socket.send(outbox));
        }
        let before = self.backlog.len();
        self.backlog.extend(events);
        let news = self.backlog.len() > before;
        self.engine.sent();
        self.engine.outgoing_relays().for_each(|relay| self.relays.take(relay));
        self.engine.sweep_relays();
        if news || before > 0 {
            self.tell();
        }
        deadline
    }

    /// Moves events from the backlog to the ring, as far as there is room.
    fn tell(&mut self) {
        while !self.events.is_full()
            && let Some(event) = self.backlog.pop_front()
        {
            // There is room, and only this thread puts anything in.
            if self.events.push(event).is_err() {
                break;
            }
        }
        while self.backlog.len() > MAX_BACKLOG {
            self.backlog.pop_front();
            self.sample.events_lost += 1;
        }
        self.notify.notify_one();
    }
}
