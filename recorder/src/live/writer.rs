//! The thread of one recording: sorts what comes by track, writes twenty times a second, syncs twice.

mod round;
mod syncs;

use super::journal::Journal;
use super::session::{Session, add_person};
use super::track::{MAX_TRACKS, Track};
use super::{Backlog, ClockSample, Context, Demand, Ended, Feed, Order, Outcome};
use crate::catalogue::Entry;
use crate::clock::unix_us;
use crate::trouble;
use bytes::Bytes;
use lectern_control::recorder::Event;
use lectern_control::recording::Trouble;
use lectern_control::relay::records;
use lectern_control::{NodeId, TrackId};
use lectern_journal::key::DataKey;
use lectern_journal::{Entry as Line, Error, Kinds, Reader};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use syncs::Syncs;

/// How often what came is written: what a killed recorder has not written, nodes still have.
const WRITE_EVERY: Duration = Duration::from_millis(50);
/// Bytes of batches that are written at once, even before it is time.
const ROUND_BYTES: usize = 4 << 20;
/// How long the end of a recording waits for nodes to say all that they have.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// How long it waits for the disk to take what waits for it.
const BACKLOG_PATIENCE: Duration = Duration::from_secs(60);
/// Processes of nodes whose last batch is remembered, the latest of them.
const MAX_LIVES: usize = 64;

/// How far the batches of one process of a node have come.
struct Life {
    last: u64,
    feed: Arc<Feed>,
    unsaid: bool,
}

/// All of a recording that goes on.
pub(super) struct Writer {
    context: Context,
    entry: Arc<Entry>,
    key: DataKey,
    session: Session,
    journal: Journal,
    tracks: BTreeMap<TrackId, Track>,
    lives: Vec<Life>,
    said_all: BTreeSet<NodeId>,
    /// When it was told to end, also in microseconds since 1970: what still comes then was before.
    closing: Option<(Instant, u64)>,
    /// Another process began it.
    resumed: bool,
    /// Bytes of batches that are not written yet.
    taken_bytes: usize,
    syncs: Syncs,
    reported: Instant,
    refused_tracks: bool,
}

/// Says how the thread ended, whatever ended it.
struct Farewell(Option<(Context, Ended)>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if let Some((context, ended)) = self.0.take() {
            // Nobody listens where the process ends.
            let _ = context.ended.send(ended);
        }
    }
}

impl Writer {
    /// Writes until the recording ends, and says how it did.
    pub(super) fn run(
        context: Context,
        entry: Arc<Entry>,
        orders: Receiver<Order>,
        backlog: &Backlog,
    ) {
        let recording = entry.id;
        let fault = "the recording's thread ended by a fault of the program";
        let broken = Outcome::Failed(trouble::write_failed(fault));
        let ended = Ended { recording, outcome: broken };
        let mut farewell = Farewell(Some((context.clone(), ended)));
        let outcome = match Writer::open(context, entry) {
            Ok(mut writer) => writer.work(&orders, backlog).unwrap_or_else(|error| {
                writer.save_what_is_written();
                Outcome::Failed(trouble_of(&error))
            }),
            Err(error) => Outcome::Failed(trouble_of(&error)),
        };
        if let Some((_, ended)) = &mut farewell.0 {
            ended.outcome = outcome;
        }
    }

    fn open(context: Context, entry: Arc<Entry>) -> Result<Writer, Error> {
        let key = entry.key().ok_or(Error::Key)?;
        let path = entry.folder().join("session.journal");
        let label = format!("{}/session.journal", entry.id);
        let mut session = Session::default();
        let mut disk = context.disks.open(&path)?;
        let resumed = lectern_journal::Source::size(&mut disk)? > 0;
        if resumed {
            let mut reader = Reader::new(disk, &key, &label);
            reader.only(Kinds::NODES.with(Kinds::CLOCKS).with(Kinds::EVENTS));
            for line in reader {
                session.replay(&line?);
            }
        }
        let journal = Journal::open(context.disks.as_ref(), &path, &key, &label)?;
        Ok(Writer {
            context,
            entry,
            key,
            session,
            journal,
            tracks: BTreeMap::new(),
            lives: Vec::new(),
            said_all: BTreeSet::new(),
            closing: None,
            resumed,
            taken_bytes: 0,
            syncs: Syncs::new(Instant::now()),
            reported: Instant::now(),
            refused_tracks: false,
        })
    }

    fn work(&mut self, orders: &Receiver<Order>, backlog: &Backlog) -> Result<Outcome, Error> {
        let mut next = Instant::now() + WRITE_EVERY;
        loop {
            let wait = next.saturating_duration_since(Instant::now());
            let mut outcome = None;
            match orders.recv_timeout(wait) {
                Ok(order) => self.take(order)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => outcome = Some(Outcome::Halted),
            }
            let now = Instant::now();
            if let Some(outcome) = outcome.or_else(|| self.demanded(now, backlog)) {
                return self.end(now, backlog, outcome);
            }
            if now >= next || self.taken_bytes >= ROUND_BYTES {
                self.round(now, backlog)?;
                next = Instant::now() + WRITE_EVERY;
            }
        }
    }

    /// What outside is wanted of it, once it is time for that.
    fn demanded(&mut self, now: Instant, backlog: &Backlog) -> Option<Outcome> {
        match backlog.demand()? {
            Demand::Close => self.is_closed(now, backlog).then_some(Outcome::Closed),
            Demand::Halt => Some(Outcome::Halted),
            Demand::Fail(trouble) => Some(Outcome::Failed(trouble)),
            Demand::Abandon => Some(Outcome::Abandoned),
        }
    }

    fn take(&mut self, order: Order) -> Result<(), Error> {
        match order {
            // It counts as waiting until it is written.
            Order::Batch { feed, number, records } => {
                self.taken_bytes += records.len();
                self.take_batch(feed, number, &records)?;
            }
            Order::NodeEnd(node) => {
                self.said_all.insert(node);
            }
            Order::Clock(node, sample) => self.take_clock(&node, sample)?,
            Order::Opened { at_unix_ms } => self.session.opened(Instant::now(), at_unix_ms),
            Order::Event { at_unix_ms, event } => self.take_event(at_unix_ms, event)?,
        }
        Ok(())
    }

    /// Sorts a batch by track. One that came before is only answered.
    fn take_batch(&mut self, feed: Arc<Feed>, number: u64, batch: &Bytes) -> Result<(), Error> {
        self.said_all.remove(&feed.node);
        let repeated = self.is_repeated(&feed, number);
        if repeated {
            self.context.metrics.repeated_batches.inc();
            return Ok(());
        }
        let now = Instant::now();
        self.passes(unix_us());
        let Some(node) = self.node(&feed.node)? else { return Ok(()) };
        let mut refused = 0;
        for record in records(batch).map_while(Result::ok) {
            let known = self.tracks.len();
            match self.tracks.entry(record.track) {
                std::collections::btree_map::Entry::Vacant(_) if known >= MAX_TRACKS => {
                    refused += 1
                }
                entry => {
                    let track = entry.or_insert_with(|| Track::new(now));
                    track.feed = Some(Arc::clone(&feed));
                    track.take(now, node, &record);
                }
            }
        }
        if refused > 0 {
            self.context.metrics.lost_packets.with_label_values(&["tracks"]).inc_by(refused);
            if !std::mem::replace(&mut self.refused_tracks, true) {
                tracing::warn!(recording = %self.entry.id, "too many tracks: some are not written");
            }
        }
        Ok(())
    }

    fn is_repeated(&mut self, feed: &Arc<Feed>, number: u64) -> bool {
        let same = |life: &&mut Life| life.feed.node == feed.node && life.feed.life == feed.life;
        let Some(life) = self.lives.iter_mut().find(same) else {
            if self.lives.len() >= MAX_LIVES {
                self.lives.remove(0);
            }
            self.lives.push(Life { last: number, feed: Arc::clone(feed), unsaid: true });
            return false;
        };
        life.feed = Arc::clone(feed);
        life.unsaid = true;
        let repeated = number <= life.last;
        life.last = life.last.max(number);
        repeated
    }

    /// The number of a node in this recording.
    fn node(&mut self, node: &NodeId) -> Result<Option<u16>, Error> {
        if let Some(index) = self.session.node(node) {
            return Ok(Some(index));
        }
        let Some(index) = self.session.number(node) else { return Ok(None) };
        let line = Line::Node { index, node: node.clone() };
        self.journal.append(&line, &self.context.metrics)?;
        Ok(Some(index))
    }

    fn take_clock(&mut self, node: &NodeId, sample: ClockSample) -> Result<(), Error> {
        let Some(node) = self.node(node)? else { return Ok(()) };
        let ClockSample { at_unix_us, offset_us, rtt_us } = sample;
        self.passes(at_unix_us);
        let line = Line::Clock { node, at_unix_us, offset_us, rtt_us };
        self.journal.append(&line, &self.context.metrics)
    }

    fn take_event(&mut self, at_unix_ms: u64, event: Event) -> Result<(), Error> {
        if !self.session.is_news(&event) {
            return Ok(());
        }
        self.passes(at_unix_ms.saturating_mul(1_000));
        let changes = matches!(event, Event::Joined { .. });
        if changes {
            let mut people = self.entry.look(|manifest| manifest.status.people.clone());
            if add_person(&mut people, &event) {
                self.entry.update(|status| status.people = people);
            }
        }
        self.journal.append(&Line::Event { at_unix_ms, event }, &self.context.metrics)
    }

    /// The recording has come so far, unless its end has been told.
    fn passes(&mut self, unix_us: u64) {
        if self.closing.is_none() {
            self.session.passes(unix_us);
        }
    }

    fn is_closed(&mut self, now: Instant, backlog: &Backlog) -> bool {
        let (since, _) = *self.closing.get_or_insert_with(|| (now, unix_us()));
        let waited = now.saturating_duration_since(since);
        let mut nodes = self.lives.iter().map(|life| &life.feed.node).peekable();
        let all = nodes.peek().is_some() && nodes.all(|node| self.said_all.contains(node));
        let patient = all || waited >= CLOSE_PATIENCE;
        (patient && backlog.is_empty()) || waited >= BACKLOG_PATIENCE
    }

    /// Writes what is left, as far as that makes sense.
    fn end(&mut self, now: Instant, backlog: &Backlog, outcome: Outcome) -> Result<Outcome, Error> {
        match &outcome {
            Outcome::Abandoned => return Ok(outcome),
            Outcome::Failed(_) => {
                // There may be no room for it; what was said to be kept is written already.
                let _ = self.round(now, backlog);
                self.save_what_is_written();
            }
            Outcome::Halted => self.settle(now, backlog)?,
            Outcome::Closed => {
                // Where a crash ended it, it is as long as what was written before.
                let goes_on = !self.resumed || !self.lives.is_empty();
                if let Some((_, at_unix_us)) = self.closing.filter(|_| goes_on) {
                    self.session.passes(at_unix_us);
                }
                self.journal.append(&Line::End, &self.context.metrics)?;
                self.settle(now, backlog)?;
            }
        }
        self.report();
        Ok(outcome)
    }

    fn settle(&mut self, now: Instant, backlog: &Backlog) -> Result<(), Error> {
        self.round(now, backlog)?;
        let ended = self.syncs.wait();
        self.end_syncs(ended)?;
        for journal in self.tracks.values_mut().filter_map(|track| track.journal.as_mut()) {
            journal.settle(&self.context.metrics)?;
        }
        self.journal.settle(&self.context.metrics)
    }

    /// What can be saved after a write has failed: what earlier ones wrote.
    fn save_what_is_written(&mut self) {
        let ended = self.syncs.wait();
        // The failure has been told of already, here and below.
        let _ = self.end_syncs(ended);
        let tracks = self.tracks.values_mut().filter_map(|track| track.journal.as_mut());
        for journal in tracks.chain([&mut self.journal]) {
            let _ = journal.sync(&self.context.metrics);
        }
        self.report();
    }

    /// Tells how long it is by now.
    fn report(&mut self) {
        let end_unix_ms = self.session.last_unix_us() / 1_000;
        self.entry.update(|status| {
            let duration_ms = end_unix_ms.saturating_sub(status.started_unix_ms);
            status.duration_ms = status.duration_ms.max(duration_ms);
        });
    }
}

/// What people are told of an error.
fn trouble_of(error: &Error) -> Trouble {
    match error {
        Error::Disk(error) => trouble::of_disk(error),
        error => trouble::write_failed(error.to_string()),
    }
}
