//! Relays of a node: takes what workers give for recorders, and brings it there.
//!
//! A task of its own: a recorder that is slow or away costs memory up to a limit, then parts of its
//! recording, and never a packet of anybody else.

mod metrics;
mod ring;
mod sending;

pub(crate) use ring::{Inward, Outward, ring};

use crate::Link;
use bytes::Bytes;
use lectern_control::node::{Command, CommandError};
use lectern_control::relay::{FromNode, ToNode};
use lectern_control::{NodeId, RecorderId, RecordingId, TrackId, Version, frame};
use metrics::Metrics;
use prometheus::Registry;
use sending::Sending;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often rings are emptied: what is gathered meanwhile is one batch.
const GATHER_EVERY: Duration = Duration::from_millis(20);
/// How long a link may take to stand; as long again is waited before the next try.
const DIAL_PATIENCE: Duration = Duration::from_secs(3);
/// The first wait before a link is tried again; doubles up to [`RETRY_LONGEST`].
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// The longest wait: a recorder that is started again is found within a second.
const RETRY_LONGEST: Duration = Duration::from_secs(1);
/// How long recorders may take for the last batches when the node stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// Orders and news that wait for the task.
const QUEUED: usize = 1_024;

/// Wants a link to a recorder; whoever carries links fulfils it.
#[derive(Debug)]
pub struct Dial {
    /// Where it is; empty where everything is in one process.
    pub addresses: Vec<SocketAddr>,
    /// Takes the link. Dropped: there is none.
    pub link: oneshot::Sender<Link>,
}

/// What the relay task is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// A recording begins, or goes on elsewhere.
    Open {
        /// Which.
        recording: RecordingId,
        /// Who gets it.
        recorder: RecorderId,
        /// Where that is.
        addresses: Vec<SocketAddr>,
        /// The worker from which it comes.
        worker: usize,
    },
}

/// A recorder cannot go on without a keyframe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WantKeyframe {
    /// The worker that has the track.
    pub(crate) worker: usize,
    /// For which recording.
    pub(crate) recording: RecordingId,
    /// Of which track.
    pub(crate) track: TrackId,
}

/// The node's end of the task.
#[derive(Debug)]
pub(crate) struct Handle {
    /// Orders to it.
    pub(crate) orders: mpsc::Sender<Order>,
    /// What recorders want.
    pub(crate) wanted: mpsc::Receiver<WantKeyframe>,
    /// Ends soon after its orders have ended.
    pub(crate) task: tokio::task::JoinHandle<()>,
}

impl Handle {
    /// Whoever brings packets to recorders must know of a recording before its first packet.
    pub(crate) fn command(&self, worker: usize, command: &Command) -> Result<(), CommandError> {
        let Command::OpenRelay { recording, recorder, addresses } = command else { return Ok(()) };
        let (recording, recorder) = (*recording, recorder.clone());
        let addresses = addresses.clone();
        let order = Order::Open { recording, recorder, addresses, worker };
        let limit = |_| CommandError::Limit("orders that wait for the relay".to_owned());
        self.orders.try_send(order).map_err(limit)
    }
}

/// A link to a recorder, or the lack of one.
#[derive(Debug)]
enum Recorder {
    Dialing,
    Waiting { until: Instant },
    Linked { out: mpsc::Sender<Bytes>, welcomed: bool },
}

#[derive(Debug)]
struct Way {
    recorder: Recorder,
    /// Which link it is: news of former ones are stale.
    link: u64,
    wait: Duration,
}

/// News of links.
#[derive(Debug)]
enum News {
    Dialed(RecorderId, u64, mpsc::Sender<Bytes>),
    Said(RecorderId, u64, Bytes),
    Over(RecorderId, u64),
}

/// The task.
pub(crate) struct Relays {
    node: NodeId,
    life: u64,
    /// One moment on the engines' two clocks: arrivals are told on the same.
    epoch: (Instant, Duration),
    rings: Vec<Inward>,
    dials: mpsc::Sender<Dial>,
    wanted: mpsc::Sender<WantKeyframe>,
    news: mpsc::Sender<News>,
    sendings: HashMap<RecordingId, Sending>,
    ways: HashMap<RecorderId, Way>,
    next_link: u64,
    metrics: Metrics,
}

/// Starts the task for the rings of a node's workers.
pub(crate) fn start(
    node: NodeId,
    epoch: (Instant, Duration),
    rings: Vec<Inward>,
    dials: mpsc::Sender<Dial>,
    registry: &Registry,
) -> prometheus::Result<Handle> {
    let (orders, orders_out) = mpsc::channel(QUEUED);
    let (wanted_in, wanted) = mpsc::channel(QUEUED);
    let (news, news_out) = mpsc::channel(QUEUED);
    let relays = Relays {
        node,
        life: rand::random(),
        epoch,
        rings,
        dials,
        wanted: wanted_in,
        news,
        sendings: HashMap::new(),
        ways: HashMap::new(),
        next_link: 0,
        metrics: Metrics::new(registry)?,
    };
    let task = tokio::spawn(relays.run(orders_out, news_out));
    Ok(Handle { orders, wanted, task })
}

impl Relays {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>, mut news: mpsc::Receiver<News>) {
        let mut gather = interval(GATHER_EVERY);
        gather.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Open { recording, recorder, addresses, worker }) => {
                        self.open(recording, recorder, addresses, worker);
                    }
                    None => break,
                },
                Some(news) = news.recv() => self.handle(news),
                _ = gather.tick(), if !self.sendings.is_empty() => self.gather(Instant::now()),
            }
        }
        // The node has ended: what is left is brought, if recorders take it soon.
        let end = Instant::now() + FAREWELL;
        self.gather(Instant::now());
        while !self.sendings.is_empty() && Instant::now() < end {
            if let Ok(Some(news)) = timeout(GATHER_EVERY, news.recv()).await {
                self.handle(news);
            }
            self.gather(Instant::now());
        }
    }

    fn open(
        &mut self,
        recording: RecordingId,
        recorder: RecorderId,
        addresses: Vec<SocketAddr>,
        worker: usize,
    ) {
        let sending = || Sending::new(recording, recorder.clone(), addresses.clone(), worker);
        let sending = self.sendings.entry(recording).or_insert_with(sending);
        sending.redirect(recorder, addresses);
        self.look_after_links(Instant::now());
    }

    /// Empties the rings, makes batches, sends what links take.
    fn gather(&mut self, now: Instant) {
        let mut lost = 0;
        for ring in &mut self.rings {
            while let Some(given) = ring.take() {
                // Nobody took the rest of it for a minute: there is nobody to send it to any more.
                let Some(sending) = self.sendings.get_mut(&given.recording) else {
                    lost += 1;
                    continue;
                };
                lost += sending.gather(&given.records);
                if given.ended {
                    sending.end(now);
                }
            }
        }
        lost += self.sendings.values_mut().map(Sending::batch).sum::<u64>();
        self.metrics.lost_batches.inc_by(lost);
        self.sendings.retain(|_, sending| !sending.is_over(now));
        self.look_after_links(now);
        self.send();
    }

    fn send(&mut self) {
        for sending in self.sendings.values_mut() {
            let Some(Way { recorder: Recorder::Linked { out, welcomed: true }, .. }) =
                self.ways.get(&sending.recorder)
            else {
                continue;
            };
            while let Ok(permit) = out.try_reserve()
                && let Some(message) = sending.next_message()
            {
                match frame::encode(&message) {
                    Ok(bytes) => {
                        self.metrics.bytes.inc_by(bytes.len() as u64);
                        permit.send(bytes);
                    }
                    Err(error) => tracing::error!(%error, "a batch cannot be sent"),
                }
            }
        }
    }

    /// Dials where a link is wanted, and lets go of those that nobody wants.
    fn look_after_links(&mut self, now: Instant) {
        let sendings = &self.sendings;
        let is_wanted =
            |recorder: &RecorderId| sendings.values().any(|sending| sending.recorder == *recorder);
        self.ways.retain(|recorder, _| is_wanted(recorder));
        for sending in sendings.values() {
            let way = self.ways.entry(sending.recorder.clone()).or_insert_with(|| Way {
                recorder: Recorder::Waiting { until: now },
                link: 0,
                wait: RETRY_FIRST,
            });
            if matches!(way.recorder, Recorder::Waiting { until } if until <= now) {
                self.next_link += 1;
                way.link = self.next_link;
                way.recorder = Recorder::Dialing;
                let (recorder, addresses) = (sending.recorder.clone(), sending.addresses.clone());
                let dial = dial(self.dials.clone(), addresses);
                tokio::spawn(read(self.news.clone(), recorder, way.link, dial));
            }
        }
    }

    fn handle(&mut self, news: News) {
        let (recorder, link) = match &news {
            News::Dialed(recorder, link, _)
            | News::Said(recorder, link, _)
            | News::Over(recorder, link) => (recorder.clone(), *link),
        };
        let Some(way) = self.ways.get_mut(&recorder).filter(|way| way.link == link) else { return };
        match news {
            News::Dialed(_, _, out) => {
                let version = Version::CURRENT;
                let hello = FromNode::Hello { version, node: self.node.clone(), life: self.life };
                let said = frame::encode(&hello).is_ok_and(|hello| out.try_send(hello).is_ok());
                if said {
                    way.recorder = Recorder::Linked { out, welcomed: false };
                }
            }
            News::Said(_, _, message) => self.receive(&recorder, &message),
            News::Over(..) => {
                let until = Instant::now() + way.wait;
                way.recorder = Recorder::Waiting { until };
                way.wait = (way.wait * 2).min(RETRY_LONGEST);
            }
        }
    }

    fn receive(&mut self, recorder: &RecorderId, message: &[u8]) {
        match frame::decode::<ToNode>(message) {
            Ok(ToNode::Welcome { version }) => self.welcomed(recorder, version),
            Ok(ToNode::Kept { recording, number }) => {
                let sending = self.sendings.get_mut(&recording);
                if let Some(sending) = sending.filter(|sending| sending.recorder == *recorder) {
                    sending.kept(number);
                }
            }
            Ok(ToNode::WantKeyframe { recording, track }) => {
                let Some(sending) = self.sendings.get(&recording) else { return };
                let wanted = WantKeyframe { worker: sending.worker, recording, track };
                // Full: the recorder asks again.
                let _ = self.wanted.try_send(wanted);
            }
            Ok(ToNode::Ping { sent_unix_us }) => {
                let unix = self.epoch.1 + self.epoch.0.elapsed();
                let at_unix_us = u64::try_from(unix.as_micros()).unwrap_or(u64::MAX);
                self.say(recorder, &FromNode::Pong { sent_unix_us, at_unix_us });
            }
            Err(error) => tracing::warn!(%recorder, %error, "a recorder's message cannot be read"),
        }
    }

    fn welcomed(&mut self, recorder: &RecorderId, version: Version) {
        let Some(way) = self.ways.get_mut(recorder) else { return };
        if !version.is_compatible(Version::CURRENT) {
            tracing::error!(
                %recorder,
                theirs = version.major,
                ours = Version::CURRENT.major,
                "the recorder speaks another major version: run the same release on both"
            );
            // Its reader ends with the link, and it is dialed again later.
            way.recorder = Recorder::Dialing;
            return;
        }
        if let Recorder::Linked { welcomed, .. } = &mut way.recorder {
            *welcomed = true;
            way.wait = RETRY_FIRST;
            self.metrics.links.inc();
            let to_it = |sending: &&mut Sending| sending.recorder == *recorder;
            self.sendings.values_mut().filter(to_it).for_each(Sending::link_begins);
            tracing::info!(%recorder, "linked to a recorder");
        }
    }

    fn say(&self, recorder: &RecorderId, message: &FromNode) {
        let way = self.ways.get(recorder);
        if let Some(Way { recorder: Recorder::Linked { out, .. }, .. }) = way
            && let Ok(bytes) = frame::encode(message)
        {
            // A full link answers no ping: the recorder asks again.
            let _ = out.try_send(bytes);
        }
    }
}

/// Asks whoever carries links for one.
async fn dial(dials: mpsc::Sender<Dial>, addresses: Vec<SocketAddr>) -> Option<Link> {
    let (link, linked) = oneshot::channel();
    dials.send(Dial { addresses, link }).await.ok()?;
    timeout(DIAL_PATIENCE, linked).await.ok()?.ok()
}

/// Passes on what a recorder says, until its link is over.
async fn read(
    news: mpsc::Sender<News>,
    recorder: RecorderId,
    link: u64,
    dial: impl Future<Output = Option<Link>>,
) {
    // Each send fails only where the task has ended.
    if let Some((out, mut incoming)) = dial.await {
        let _ = news.send(News::Dialed(recorder.clone(), link, out)).await;
        while let Some(message) = incoming.recv().await {
            if news.send(News::Said(recorder.clone(), link, message)).await.is_err() {
                return;
            }
        }
    }
    let _ = news.send(News::Over(recorder, link)).await;
}

#[cfg(test)]
mod tests;
