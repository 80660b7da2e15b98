//! The node between its workers and its controller: commands to the right worker, events back.
//!
//! It never stands between a packet and its way: when it or the controller halts, media go on.

use crate::directory::{Directory, Route, WorkerIndex};
use crate::link::{Protocol, Received};
use crate::load::Meter;
use crate::metrics::Metrics;
use crate::worker::{Ended, Failure, Handle, Order, SAMPLE_EVERY, Sample};
use crate::{Error, Link};
use bytes::Bytes;
use lectern_control::node::{Event, Heartbeat, Hello};
use lectern_control::{RequestId, RoomId, Version};
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{Notify, mpsc::error::TrySendError};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// A controller believes a node dead after three of these.
const HEARTBEAT_EVERY: Duration = Duration::from_millis(100);
/// How long an order waits for a worker whose ring is full; then the command has failed.
const ORDER_PATIENCE: Duration = Duration::from_millis(200);
/// How long workers may take to end: one that hangs must not keep the process alive.
const JOIN_PATIENCE: Duration = Duration::from_secs(2);
/// Events moved from one worker before the others get their turn.
const EVENTS_PER_TURN: usize = 256;

/// All of a running node but its threads.
#[derive(Debug)]
pub(crate) struct Node {
    /// What it says of itself.
    pub(crate) hello: Hello,
    /// Its workers.
    pub(crate) workers: Vec<Handle>,
    /// Told when a worker has events.
    pub(crate) notify: Arc<Notify>,
    /// Told when a worker has ended.
    pub(crate) ended: Receiver<Ended>,
    /// Its rooms and peers.
    pub(crate) directory: Directory,
    /// Its figures.
    pub(crate) metrics: Metrics,
    /// The load.
    pub(crate) meter: Meter,
    protocol: Protocol,
    out: Option<Sender<Bytes>>,
    incoming: Option<Receiver<Bytes>>,
    sampled: Instant,
}

/// What the node waits for.
enum Happened {
    Stop,
    Ended(Option<Ended>),
    Link(Option<Link>),
    Message(Option<Bytes>),
    Events,
    Beat,
    Room,
}

impl Node {
    /// A node whose workers run already.
    pub(crate) fn new(
        hello: Hello,
        workers: Vec<Handle>,
        notify: Arc<Notify>,
        ended: Receiver<Ended>,
        metrics: Metrics,
    ) -> Node {
        let now = Instant::now();
        let directory = Directory::new(workers.len(), hello.capacity.peers as usize);
        let meter = Meter::new(workers.len(), now);
        Node {
            hello,
            workers,
            notify,
            ended,
            directory,
            metrics,
            meter,
            protocol: Protocol::default(),
            out: None,
            incoming: None,
            sampled: now,
        }
    }

    /// Runs until it is told to stop or a worker ends.
    pub(crate) async fn run(
        &mut self,
        mut links: mpsc::Receiver<Link>,
        stop: CancellationToken,
    ) -> Result<(), Error> {
        let mut beat = interval(HEARTBEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut links_end = false;
        loop {
            match self.wait(&mut links, links_end, &mut beat, &stop).await {
                Happened::Stop => return Ok(()),
                Happened::Ended(ended) => return Err(failure(ended)),
                Happened::Link(None) => links_end = true,
                Happened::Link(Some(link)) => self.take_link(link),
                Happened::Message(Some(message)) => self.receive(&message).await,
                Happened::Message(None) => {
                    tracing::warn!("the controller link is gone; media go on without it");
                    self.drop_link();
                }
                Happened::Events => self.collect_events().await,
                Happened::Beat => self.beat()?,
                Happened::Room => self.send_events(),
            }
        }
    }

    async fn wait(
        &mut self,
        links: &mut mpsc::Receiver<Link>,
        links_end: bool,
        beat: &mut Interval,
        stop: &CancellationToken,
    ) -> Happened {
        let has_news = self.protocol.has_news();
        tokio::select! {
            biased;
            () = stop.cancelled() => Happened::Stop,
            ended = self.ended.recv() => Happened::Ended(ended),
            _ = beat.tick() => Happened::Beat,
            link = links.recv(), if !links_end => Happened::Link(link),
            () = self.notify.notified() => Happened::Events,
            () = room_in(self.out.as_ref()), if has_news => Happened::Room,
            message = next_of(self.incoming.as_mut()) => Happened::Message(message),
        }
    }

    /// A new link replaces the former one: the carrier found another way.
    fn take_link(&mut self, (out, incoming): Link) {
        self.drop_link();
        let rooms = self.directory.rooms().collect();
        let hello = Hello { version: Version::CURRENT, rooms, ..self.hello.clone() };
        let hello = match self.protocol.begin(hello) {
            Ok(hello) => hello,
            Err(error) => {
                tracing::error!(%error, "cannot say hello to the controller");
                return self.protocol.end();
            }
        };
        match out.try_send(hello) {
            Ok(()) => (self.out, self.incoming) = (Some(out), Some(incoming)),
            // A new link takes at least one message, or it is dead already.
            Err(_) => self.protocol.end(),
        }
    }

    fn drop_link(&mut self) {
        (self.out, self.incoming) = (None, None);
        self.protocol.end();
    }

    async fn receive(&mut self, message: &[u8]) {
        match self.protocol.receive(message) {
            Received::Welcomed => tracing::info!("linked to the controller"),
            Received::Incompatible(version) => {
                tracing::error!(
                    theirs = version.major,
                    ours = Version::CURRENT.major,
                    "the controller speaks another major version: run the same release on both"
                );
                self.drop_link();
            }
            Received::Confirmed | Received::Ignored => {}
            Received::Command { request, room, revision, command } => {
                let worker = self.directory.worker_of(room);
                let routes = match self.directory.command(room, revision, request, &command) {
                    Ok(routes) => routes,
                    Err(error) => return self.fail(room, request, error),
                };
                self.tell_routes(routes).await;
                let order = Order::Command { request, room, revision, command };
                if !self.order(worker, order).await {
                    let limit = "commands that wait for a worker".to_owned();
                    self.fail(room, request, lectern_control::node::CommandError::Limit(limit));
                }
            }
        }
    }

    fn fail(
        &mut self,
        room: RoomId,
        request: RequestId,
        error: lectern_control::node::CommandError,
    ) {
        self.protocol.keep(room, Event::CommandFailed { request, error });
    }

    /// Tells every worker where user fragments lead.
    async fn tell_routes(&mut self, routes: Vec<Route>) {
        for route in routes {
            for worker in 0..self.workers.len() {
                if !self.order(worker, Order::Route(route.clone())).await {
                    self.metrics.count_lost_order();
                }
            }
        }
    }

    /// Gives an order; waits a little where the worker has too many already.
    async fn order(&mut self, worker: WorkerIndex, mut order: Order) -> bool {
        let begun = Instant::now();
        loop {
            let Some(handle) = self.workers.get_mut(worker) else { return false };
            match handle.order(order) {
                Ok(()) => return true,
                Err(refused) => order = refused,
            }
            if begun.elapsed() >= ORDER_PATIENCE {
                return false;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn collect_events(&mut self) {
        let mut routes = Vec::new();
        let mut more = false;
        for handle in &mut self.workers {
            for _ in 0..EVENTS_PER_TURN {
                let Ok((room, event)) = handle.events.pop() else { break };
                routes.extend(self.directory.event(room, &event));
                self.protocol.keep(room, event);
            }
            more |= !handle.events.is_empty();
        }
        if more {
            self.notify.notify_one();
        }
        self.tell_routes(routes).await;
        self.send_events();
    }

    /// Sends events as long as the link takes them.
    fn send_events(&mut self) {
        let Some(out) = &self.out else { return };
        while out.capacity() > 0 {
            match self.protocol.next_event() {
                None => return,
                Some(Err(error)) => tracing::error!(%error, "an event cannot be sent"),
                Some(Ok(event)) => match out.try_send(event) {
                    Ok(()) => {}
                    // Not full, for only this task sends. A closed link ends the reading as well.
                    Err(TrySendError::Full(_) | TrySendError::Closed(_)) => return,
                },
            }
        }
    }

    fn beat(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        if now.saturating_duration_since(self.sampled) >= SAMPLE_EVERY {
            self.sampled = now;
            let samples: Vec<Sample> = self.workers.iter().map(Handle::sample).collect();
            self.metrics.update(&samples, self.protocol.counts(), self.protocol.is_linked());
            if let Some(worker) = self.meter.take(now, &samples) {
                return Err(Error::WorkerHangs(worker));
            }
        }
        self.send_heartbeat(false);
        Ok(())
    }

    fn send_heartbeat(&mut self, draining: bool) {
        let Some(out) = &self.out else { return };
        let beat = Heartbeat { load: self.meter.load(), draining, ..Heartbeat::default() };
        match self.protocol.heartbeat(beat) {
            // A link too slow for a heartbeat is a sign as well: it is left out, not queued.
            Ok(beat) => drop(out.try_send(beat)),
            Err(error) => tracing::error!(%error, "a heartbeat cannot be sent"),
        }
    }

    /// Ends the workers, and says so.
    pub(crate) async fn shut_down(mut self) {
        self.send_heartbeat(true);
        for handle in &mut self.workers {
            handle.stop();
        }
        let workers = std::mem::take(&mut self.workers);
        let join = tokio::task::spawn_blocking(|| workers.into_iter().for_each(Handle::join));
        if !matches!(timeout(JOIN_PATIENCE, join).await, Ok(Ok(()))) {
            tracing::error!("a worker does not end; it is left behind");
        }
    }
}

fn failure(ended: Option<Ended>) -> Error {
    match ended {
        Some(Ended { worker, result: Err(failure) }) => Error::Worker { worker, failure },
        Some(Ended { worker, result: Ok(()) }) => {
            let failure = Failure::Panic("it stopped untold".to_owned());
            Error::Worker { worker, failure }
        }
        None => Error::NoWorkers,
    }
}

async fn room_in(out: Option<&Sender<Bytes>>) {
    match out {
        // Closed: nothing to wait for; the reading side notices.
        Some(out) => match out.reserve().await {
            Ok(permit) => drop(permit),
            Err(_) => pending().await,
        },
        None => pending().await,
    }
}

async fn next_of(incoming: Option<&mut Receiver<Bytes>>) -> Option<Bytes> {
    match incoming {
        Some(incoming) => incoming.recv().await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::delivery::Number;
    use lectern_control::node::Capacity;
    use prometheus::Registry;

    fn node(ended: Receiver<Ended>) -> Node {
        let hello = Hello {
            version: Version::CURRENT,
            node: "node-1".parse().expect("a name"),
            region: String::new(),
            failure_domain: String::new(),
            capacity: Capacity { workers: 1, peers: 1, egress_bps: 1 },
            addresses: Vec::new(),
            rooms: Vec::new(),
            heard: None,
            kept_after: Number::default(),
        };
        let metrics = Metrics::new(&Registry::new(), 1).expect("registers");
        Node::new(hello, Vec::new(), Arc::new(Notify::new()), ended, metrics)
    }

    #[tokio::test]
    async fn a_worker_that_panics_ends_the_node_with_its_message() {
        let (end, ended) = mpsc::channel(1);
        let (_links, links) = mpsc::channel(1);
        let failure = Failure::Panic("the lectern broke".to_owned());
        end.send(Ended { worker: 3, result: Err(failure) }).await.expect("room");
        let error = node(ended).run(links, CancellationToken::new()).await.expect_err("ended");
        assert_eq!(error.to_string(), "worker 3 ended: it panicked: the lectern broke");
    }

    #[tokio::test]
    async fn a_node_without_a_controller_runs_until_it_is_told_to_stop() {
        let (_end, ended) = mpsc::channel(1);
        let (no_links, links) = mpsc::channel(1);
        drop(no_links);
        let stop = CancellationToken::new();
        let (mut node, told) = (node(ended), stop.clone());
        let running = tokio::spawn(async move { node.run(links, told).await });
        sleep(3 * HEARTBEAT_EVERY).await;
        assert!(!running.is_finished());
        stop.cancel();
        running.await.expect("no panic").expect("a clean end");
    }
}
