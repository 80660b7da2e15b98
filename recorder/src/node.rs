//! Links of nodes: batches to their recordings, pings to their clocks.

mod pings;

use crate::Link;
use crate::catalogue::Catalogue;
use crate::live::{ClockSample, Feed, Live, Order};
use crate::metrics::Metrics;
use bytes::Bytes;
use lectern_control::frame;
use lectern_control::recording::State;
use lectern_control::relay::{Content, FromNode, MAX_BATCH_BYTES, ToNode, records};
use lectern_control::{NodeId, RecordingId, Version};
use pings::Pings;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long batches of a recording wait that no controller has opened yet: it tells nodes and
/// recorders at the same time.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether it was.
const UNKNOWN_RETRY: Duration = Duration::from_millis(50);
/// Bytes of batches that wait so, on one link.
const MAX_UNKNOWN_BYTES: usize = 16 << 20;
/// Recordings that one node sends for at once, as far as they are remembered.
const MAX_FED: usize = 4_096;

/// What all links of nodes work with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) live: Arc<Live>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) metrics: Metrics,
}

/// A batch whose recording is not open yet.
struct Early {
    since: Instant,
    recording: RecordingId,
    number: u64,
    records: Bytes,
}

/// One node's link.
struct NodeLink {
    context: Context,
    out: mpsc::Sender<Bytes>,
    feed: Option<Arc<Feed>>,
    fed: BTreeSet<RecordingId>,
    pings: Pings,
    early: VecDeque<Early>,
    early_bytes: usize,
}

/// Why a link is over.
enum Over {
    Incompatible,
    Slow,
}

/// Takes what a node sends, until the link or the process ends.
pub(crate) async fn serve(context: Context, (out, mut incoming): Link, stop: CancellationToken) {
    let mut link = NodeLink {
        context,
        out,
        feed: None,
        fed: BTreeSet::new(),
        pings: Pings::new(Instant::now()),
        early: VecDeque::new(),
        early_bytes: 0,
    };
    let mut retry = interval(UNKNOWN_RETRY);
    retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let ping_at = link.pings.next_at();
        let over = tokio::select! {
            () = stop.cancelled() => return,
            message = incoming.recv() => match message {
                Some(message) => link.receive(&message),
                None => return,
            },
            () = sleep_until(ping_at.into()), if link.feed.is_some() => link.ping(),
            _ = retry.tick(), if !link.early.is_empty() => {
                link.retry(Instant::now());
                None
            }
        };
        match over {
            Some(Over::Incompatible) => {
                tracing::error!(
                    "a node speaks another major version: run the same release on both"
                );
                return;
            }
            Some(Over::Slow) => {
                tracing::warn!("a node does not take what it is told: its link is ended");
                return;
            }
            None => {}
        }
    }
}

impl NodeLink {
    fn receive(&mut self, message: &[u8]) -> Option<Over> {
        match (frame::decode(message), &self.feed) {
            (Ok(FromNode::Hello { version, node, life }), _) => self.hello(version, node, life),
            (Ok(FromNode::Batch { recording, number, records }), Some(_))
                if records.len() <= MAX_BATCH_BYTES =>
            {
                self.batch(recording, number, records);
                None
            }
            (Ok(FromNode::End { recording }), Some(feed)) => {
                let node = feed.node.clone();
                self.retry(Instant::now());
                self.fed.remove(&recording);
                if let Some(handle) = self.context.live.get(recording) {
                    handle.order(Order::NodeEnd(node));
                }
                None
            }
            (Ok(FromNode::Pong { sent_unix_us, at_unix_us }), Some(_)) => {
                if let Some(sample) = self.pings.pong(Instant::now(), sent_unix_us, at_unix_us) {
                    self.clock(sample);
                }
                None
            }
            _ => {
                self.context.metrics.ignored_messages.with_label_values(&["node"]).inc();
                None
            }
        }
    }

    fn hello(&mut self, version: Version, node: NodeId, life: u64) -> Option<Over> {
        if !version.is_compatible(Version::CURRENT) {
            return Some(Over::Incompatible);
        }
        tracing::info!(%node, "linked to a node");
        self.feed = Some(Arc::new(Feed { node, life, out: self.out.clone() }));
        self.say(&ToNode::Welcome { version: Version::CURRENT })
    }

    fn say(&self, message: &ToNode) -> Option<Over> {
        match frame::encode(message) {
            Ok(message) => self.out.try_send(message).err().map(|_| Over::Slow),
            Err(error) => {
                tracing::error!(%error, "a message to a node cannot be encoded");
                None
            }
        }
    }

    fn ping(&mut self) -> Option<Over> {
        let sent_unix_us = self.pings.ping(Instant::now());
        self.say(&ToNode::Ping { sent_unix_us })
    }

    fn clock(&mut self, sample: ClockSample) {
        let Some(feed) = &self.feed else { return };
        let live = &self.context.live;
        self.fed.retain(|recording| match live.get(*recording) {
            Some(handle) => {
                handle.order(Order::Clock(feed.node.clone(), sample));
                true
            }
            None => false,
        });
    }

    fn batch(&mut self, recording: RecordingId, number: u64, records: Bytes) {
        // In their order: what came before may still wait.
        let waits = self.early.iter().any(|early| early.recording == recording);
        if waits || !self.pass_on(recording, number, &records) {
            self.keep_early(Early { since: Instant::now(), recording, number, records });
        }
    }

    /// Gives a batch to its recording; `false` where that may still be opened.
    fn pass_on(&mut self, recording: RecordingId, number: u64, records: &Bytes) -> bool {
        let Some(feed) = &self.feed else { return true };
        if let Some(handle) = self.context.live.get(recording) {
            if self.fed.len() < MAX_FED && self.fed.insert(recording) {
                // It must not wait for the next ping to know this node's clock.
                if let Some(sample) = self.pings.best() {
                    handle.order(Order::Clock(feed.node.clone(), sample));
                }
            }
            handle.batch(feed, number, records.clone());
            return true;
        }
        let state = self.context.catalogue.get(recording).map(|entry| entry.status().state);
        if state.is_none_or(|state| state == State::Recording) {
            return false;
        }
        self.give_up(recording, number, records, "late");
        true
    }

    fn keep_early(&mut self, early: Early) {
        self.early_bytes += early.records.len();
        self.early.push_back(early);
        while self.early_bytes > MAX_UNKNOWN_BYTES {
            let Some(early) = self.early.pop_front() else { break };
            self.early_bytes -= early.records.len();
            self.give_up(early.recording, early.number, &early.records, "unknown");
        }
    }

    /// Looks whether recordings that were not open are so now.
    fn retry(&mut self, now: Instant) {
        let mut still = BTreeSet::new();
        for early in std::mem::take(&mut self.early) {
            let waits = still.contains(&early.recording);
            if !waits && self.pass_on(early.recording, early.number, &early.records) {
                self.early_bytes -= early.records.len();
            } else if now.saturating_duration_since(early.since) >= UNKNOWN_PATIENCE {
                self.early_bytes -= early.records.len();
                self.give_up(early.recording, early.number, &early.records, "unknown");
            } else {
                still.insert(early.recording);
                self.early.push_back(early);
            }
        }
    }

    /// Nobody will write it: the node must not keep it for ever.
    fn give_up(&self, recording: RecordingId, number: u64, batch: &[u8], cause: &str) {
        let packets = records(batch).map_while(Result::ok);
        let packets = packets.filter(|record| matches!(record.content, Content::Packet { .. }));
        let lost = self.context.metrics.lost_packets.with_label_values(&[cause]);
        lost.inc_by(packets.count() as u64);
        // A link that is full is told with the next one.
        let _ = self.say(&ToNode::Kept { recording, number });
    }
}
