//! The node between its workers and its controller: commands to the right worker, events back.
//!
//! It never stands between a packet and its way: when it or the controller halts, media go on.

use crate::directory::{Directory, Route, WorkerIndex};
use crate::link::{Protocol, Received};
use crate::load::Meter;
use crate::metrics::Metrics;
use crate::relay::{self, WantKeyframe};
use crate::worker::{Ended, Failure, Handle, Order, Sample};
use crate::{Error, Link};
use bytes::Bytes;
use lectern_control::node::{Command, CommandError, Event, Heartbeat, Hello};
use lectern_control::{RequestId, RoomId, Version};
use std::collections::VecDeque;
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
/// Orders that wait for workers without room, of all together: a worker so far behind is hanging,
/// and the node about to end.
const MAX_LATE: usize = 16_384;
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
    /// The way to recorders.
    pub(crate) relays: relay::Handle,
    /// Its figures.
    pub(crate) metrics: Metrics,
    /// The load.
    pub(crate) meter: Meter,
    protocol: Protocol,
    /// Orders that are carried out whatever happens, and found no room yet; oldest first.
    late: VecDeque<(WorkerIndex, Order)>,
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
    WantKeyframe(WantKeyframe),
}

impl Node {
    /// A node whose workers run already.
    pub(crate) fn new(
        hello: Hello,
        workers: Vec<Handle>,
        notify: Arc<Notify>,
        ended: Receiver<Ended>,
        relays: relay::Handle,
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
            relays,
            metrics,
            meter,
            protocol: Protocol::default(),
            late: VecDeque::new(),
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
                Happened::WantKeyframe(wanted) => self.want_keyframe(wanted),
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
            Some(wanted) = self.relays.wanted.recv() => Happened::WantKeyframe(wanted),
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
                if let Err(error) = self.relays.command(worker, &command) {
                    return self.fail(room, request, error);
                }
                // Whoever is to receive nothing more must not go on because a worker is slow.
                let is_end = matches!(*command, Command::RemovePeer { .. } | Command::CloseRoom);
                let order = Order::Command { request, room, revision, command };
                match self.order(worker, order).await {
                    Ok(()) => {}
                    Err(order) if is_end => self.keep_late(worker, order),
                    Err(_) => {
                        let limit = "commands that wait for a worker".to_owned();
                        let error = CommandError::Limit(limit);
                        let event = Event::CommandFailed { request, error };
                        let routes = self.directory.event(room, &event);
                        self.protocol.keep(room, event);
                        self.tell_routes(routes).await;
                    }
                }
            }
        }
    }

    fn want_keyframe(&mut self, wanted: WantKeyframe) {
        let WantKeyframe { worker, recording, track } = wanted;
        if let Some(handle) = self.workers.get_mut(worker) {
            // A worker without room is behind: the recorder asks again.
            let _ = handle.order(Order::WantKeyframe { recording, track });
        }
    }

    fn fail(&mut self, room: RoomId, request: RequestId, error: CommandError) {
        self.protocol.keep(room, Event::CommandFailed { request, error });
    }

    /// Tells every worker where user fragments lead.
    async fn tell_routes(&mut self, routes: Vec<Route>) {
        for route in routes {
            for worker in 0..self.workers.len() {
                if let Err(order) = self.order(worker, Order::Route(route.clone())).await {
                    self.keep_late(worker, order);
                }
            }
        }
    }

    /// Gives an order, after those that are late; waits a little where the worker has too many
    /// already, and then gives it back.
    async fn order(&mut self, worker: WorkerIndex, mut order: Order) -> Result<(), Order> {
        let begun = Instant::now();
        loop {
            self.give_late();
            let is_next = self.late.iter().all(|(late, _)| *late != worker);
            match self.workers.get_mut(worker).filter(|_| is_next) {
                Some(handle) => match handle.order(order) {
                    Ok(()) => return Ok(()),
                    Err(refused) => order = refused,
                },
                None if is_next => return Err(order),
                None => {}
            }
            if begun.elapsed() >= ORDER_PATIENCE {
                return Err(order);
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Keeps an order until there is room for it.
    fn keep_late(&mut self, worker: WorkerIndex, order: Order) {
        if self.late.len() >= MAX_LATE {
            self.late.pop_front();
            self.metrics.count_lost_order();
        }
        self.late.push_back((worker, order));
    }

    /// Gives the late orders to workers that have room, each worker's in their order.
    fn give_late(&mut self) {
        let mut full = Vec::new();
        for (worker, order) in std::mem::take(&mut self.late) {
            let handle = self.workers.get_mut(worker).filter(|_| !full.contains(&worker));
            let refused = match handle {
                Some(handle) => handle.order(order).err(),
                None => Some(order),
            };
            if let Some(order) = refused {
                full.push(worker);
                self.late.push_back((worker, order));
            }
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
        if now.saturating_duration_since(self.sampled) >= self.metrics.every() {
            self.sampled = now;
            let samples: Vec<Sample> = self.workers.iter().map(Handle::sample).collect();
            self.metrics.update(&samples, self.protocol.counts(), self.protocol.is_linked());
            if let Some(worker) = self.meter.take(now, &samples) {
                return Err(Error::WorkerHangs(worker));
            }
        }
        self.give_late();
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
        let relay::Handle { orders, task, .. } = self.relays;
        drop(orders);
        if !matches!(timeout(JOIN_PATIENCE, task).await, Ok(Ok(()))) {
            tracing::error!("the way to recorders does not end; it is left behind");
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
    use lectern_control::node::{Capacity, FromNode, ToNode};
    use lectern_control::transport::{
        DataParameters, DtlsIdentity, Duty, IceCredentials, IceRole, PeerParameters, Permissions,
    };
    use lectern_control::{ParticipantId, PeerId, Revision, Secret, frame};
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
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, 1, false).expect("registers");
        let (dials, _) = mpsc::channel(1);
        let epoch = (Instant::now(), Duration::ZERO);
        let relays = relay::start(hello.node.clone(), epoch, Vec::new(), dials, &registry);
        let relays = relays.expect("registers");
        Node::new(hello, Vec::new(), Arc::new(Notify::new()), ended, relays, metrics)
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

    fn add(peer: u64) -> Command {
        let ice = IceCredentials { ufrag: format!("u{peer}"), pwd: Secret::new("p".repeat(22)) };
        let parameters = PeerParameters {
            participant: ParticipantId(peer),
            duty: Duty::Active,
            ice_role: IceRole::Controlled,
            ice,
            generation: 0,
            dtls: DtlsIdentity { certificate: Vec::new(), private_key: Secret::new(Vec::new()) },
            remote: None,
            extensions: Vec::new(),
            permissions: Permissions::ALL,
            data: DataParameters::default(),
        };
        Command::AddPeer { peer: PeerId(peer), parameters: Box::new(parameters) }
    }

    async fn tell(node: &mut Node, request: u64, command: Command) {
        let (request, room, revision) = (RequestId(request), RoomId(1), Revision(1));
        let number = Number(request.0);
        let message = ToNode::Command { request, room, revision, command, number };
        node.receive(&frame::encode(&message).expect("encodes")).await;
    }

    /// Route or peer of each order that a worker would get now.
    fn given(orders: &mut rtrb::Consumer<Order>) -> Vec<String> {
        let name = |order: Order| match order {
            Order::Route(Route::Add(ufrag, _)) => format!("+{ufrag}"),
            Order::Route(Route::Remove(ufrag)) => format!("-{ufrag}"),
            Order::Command { command, .. } => match *command {
                Command::AddPeer { peer, .. } => format!("add {}", peer.0),
                Command::RemovePeer { peer } => format!("remove {}", peer.0),
                other => format!("{other:?}"),
            },
            Order::WantKeyframe { .. } => "keyframe".to_owned(),
            Order::Stop => "stop".to_owned(),
        };
        std::iter::from_fn(|| orders.pop().ok()).map(name).collect()
    }

    #[tokio::test]
    async fn a_removal_reaches_a_worker_that_was_full_and_what_failed_takes_no_place() {
        let (_end, ended) = mpsc::channel(1);
        let mut node = node(ended);
        let (handle, mut orders) = Handle::without_thread(2);
        node.workers = vec![handle];
        node.protocol.begin(node.hello.clone()).expect("encodes");
        let (heard, said) = (Number::default(), Number::default());
        let welcome = ToNode::Welcome { version: Version::CURRENT, heard, said };
        node.receive(&frame::encode(&welcome).expect("encodes")).await;
        node.directory = Directory::new(1, 2);
        tell(&mut node, 1, add(1)).await;
        // From here on there is no room.
        tell(&mut node, 2, add(2)).await;
        tell(&mut node, 3, Command::RemovePeer { peer: PeerId(1) }).await;
        assert_eq!(node.directory.rooms().count(), 0, "neither takes a place any more");
        let failed = node.protocol.next_event().expect("an event").expect("encodes");
        let told = frame::decode::<FromNode>(&failed).expect("decodes");
        let FromNode::Event { event: Event::CommandFailed { request, .. }, .. } = told else {
            panic!("{told:?}");
        };
        assert_eq!(request, RequestId(2));
        assert!(node.protocol.next_event().is_none(), "the removal has not failed");
        let mut all = Vec::new();
        for _ in 0..4 {
            all.extend(given(&mut orders));
            node.give_late();
        }
        assert_eq!(all, ["+u1", "add 1", "+u2", "-u2", "-u1", "remove 1"]);
    }
}
