//! What a recording's thread does twenty times a second: write, answer, ask, sync.

use super::super::journal::Journal;
use super::super::track::{MAX_OPEN, Track};
use super::super::{Backlog, Feed};
use super::{Error, Line, Writer, unix_us};
use crate::metrics::Metrics;
use lectern_control::TrackId;
use lectern_control::frame;
use lectern_control::relay::{Content, Record, ToNode};
use lectern_journal::Synced;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How often it is told how long a recording is by now.
const REPORT_EVERY: Duration = Duration::from_secs(10);

impl Writer {
    pub(super) fn round(&mut self, now: Instant, backlog: &Backlog) -> Result<(), Error> {
        self.write_lost(now, backlog)?;
        for (at_unix_ms, event) in self.session.missing(now) {
            self.take_event(at_unix_ms, event)?;
        }
        self.write_tracks(now)?;
        self.journal.commit(&self.context.metrics)?;
        backlog.bytes.fetch_sub(std::mem::take(&mut self.taken_bytes), Relaxed);
        self.say_kept();
        self.ask_for_keyframes(now);
        self.sync(now)?;
        if now.saturating_duration_since(self.reported) >= REPORT_EVERY {
            self.reported = now;
            self.report();
        }
        Ok(())
    }

    /// Writes down what found no room in the queue.
    fn write_lost(&mut self, now: Instant, backlog: &Backlog) -> Result<(), Error> {
        let arrival_unix_us = unix_us();
        for (track, count) in backlog.take_lost() {
            let Some(known) = self.tracks.get_mut(&track) else { continue };
            let content = Content::Lost { count };
            let record = Record { track, stream: 0, arrival_unix_us, content };
            let node = known.feed.as_ref().and_then(|feed| self.session.node(&feed.node));
            if let Some(node) = node {
                known.take(now, node, &record);
            }
        }
        Ok(())
    }

    fn write_tracks(&mut self, now: Instant) -> Result<(), Error> {
        let waiting = self.tracks.iter().filter(|(_, track)| !track.incoming.is_empty());
        let waiting: Vec<TrackId> = waiting.map(|(id, _)| *id).collect();
        self.close_idle(now, waiting.len())?;
        for id in waiting {
            self.write_track(id)?;
        }
        Ok(())
    }

    fn write_track(&mut self, id: TrackId) -> Result<(), Error> {
        let Some(track) = self.tracks.get_mut(&id) else { return Ok(()) };
        let metrics = &self.context.metrics;
        let mut journal = match track.journal.take() {
            Some(journal) => journal,
            None => {
                track.named.clear();
                let path = self.entry.folder().join(format!("{id}.journal"));
                let label = format!("{}/{id}.journal", self.entry.id);
                Journal::open(self.context.disks.as_ref(), &path, &self.key, &label)?
            }
        };
        for (index, records) in track.incoming.drain(..) {
            if track.named.insert(index)
                && let Some(node) = self.session.node_of(index)
            {
                journal.append(&Line::Node { index, node: node.clone() }, metrics)?;
            }
            let records = records.freeze();
            journal.append(&Line::Records { node: index, records }, metrics)?;
        }
        journal.commit(metrics)?;
        track.journal = Some(journal);
        Ok(())
    }

    /// Closes journals of tracks that send nothing, and more where too many are open.
    fn close_idle(&mut self, now: Instant, waiting: usize) -> Result<(), Error> {
        let metrics = &self.context.metrics;
        for track in self.tracks.values_mut().filter(|track| track.is_idle(now)) {
            if is_quiet(track) {
                close(track, metrics)?;
            }
        }
        let mut open: Vec<&mut Track> =
            self.tracks.values_mut().filter(|track| is_quiet(track)).collect();
        let surplus = (open.len() + waiting).saturating_sub(MAX_OPEN);
        if surplus > 0 {
            open.sort_by_key(|track| track.heard);
            for track in open.into_iter().take(surplus) {
                close(track, metrics)?;
            }
        }
        Ok(())
    }

    /// Nodes may forget what is written.
    fn say_kept(&mut self) {
        let recording = self.entry.id;
        for life in self.lives.iter_mut().filter(|life| life.unsaid) {
            life.unsaid = !say(&life.feed, &ToNode::Kept { recording, number: life.last });
        }
    }

    fn ask_for_keyframes(&mut self, now: Instant) {
        let recording = self.entry.id;
        for (id, track) in &mut self.tracks {
            if track.wants_keyframe(now)
                && let Some(feed) = &track.feed
            {
                self.context.metrics.keyframe_requests.inc();
                say(feed, &ToNode::WantKeyframe { recording, track: *id });
            }
        }
    }

    /// Makes what is written survive a power cut; the recording goes on meanwhile.
    fn sync(&mut self, now: Instant) -> Result<(), Error> {
        let ended = self.syncs.ended();
        self.end_syncs(ended)?;
        // One round early rather than one late.
        let every = self.context.sync_every.saturating_sub(super::WRITE_EVERY);
        if !self.syncs.is_due(now, every) {
            return Ok(());
        }
        let mut due = Vec::new();
        let tracks = self.tracks.iter_mut().filter_map(|(id, track)| {
            let journal = track.journal.as_mut()?;
            Some((Some(*id), journal))
        });
        for (which, journal) in tracks.chain([(None, &mut self.journal)]) {
            due.extend(journal.begin_sync()?.map(|syncing| (which, syncing)));
        }
        self.syncs.begin(now, due, &self.context.metrics)
    }

    /// Takes note of syncs that are over.
    pub(super) fn end_syncs(&mut self, ended: Vec<(Option<TrackId>, Synced)>) -> Result<(), Error> {
        for (which, synced) in ended {
            let journal = match which {
                None => Some(&mut self.journal),
                Some(id) => self.tracks.get_mut(&id).and_then(|track| track.journal.as_mut()),
            };
            if let Some(journal) = journal {
                journal.end_sync(synced)?;
            }
        }
        Ok(())
    }
}

/// Whether a track's journal is open, and in nobody else's hands.
fn is_quiet(track: &Track) -> bool {
    track.journal.as_ref().is_some_and(|journal| !journal.is_syncing())
}

fn close(track: &mut Track, metrics: &Metrics) -> Result<(), Error> {
    match track.journal.take() {
        Some(mut journal) => journal.settle(metrics),
        None => Ok(()),
    }
}

/// Says something to a node, if it listens.
fn say(feed: &Arc<Feed>, message: &ToNode) -> bool {
    match frame::encode(message) {
        Ok(message) => feed.out.try_send(message).is_ok(),
        Err(error) => {
            tracing::error!(%error, "a message to a node cannot be encoded");
            false
        }
    }
}
