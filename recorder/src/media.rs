//! A recording as its films and files are made of it: journals, read back as frames on one clock.

mod packets;

use crate::catalogue::Entry;
use crate::timeline::Timeline;
use lectern_compose as compose;
use lectern_control::media::{CodecName, Source};
use lectern_control::recorder::Event;
use lectern_control::{ParticipantId, RecordingId, TrackId};
use lectern_journal::key::DataKey;
use lectern_journal::{Entry as Line, Kinds, Reader};
use lectern_mux::{Assembler, ClockBuilder, Clocks, Unit};
use packets::{Item, Packets};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// How a journal's name ends.
pub(crate) const JOURNAL: &str = ".journal";
/// Events of one recording that are read: a busy day of them.
const MAX_EVENTS: usize = 500_000;

/// A recording that is read.
pub(crate) struct Recorded {
    folder: PathBuf,
    recording: RecordingId,
    key: DataKey,
    timeline: Arc<Timeline>,
    events: Vec<(i64, Event)>,
    tracks: BTreeMap<TrackId, Known>,
    until_us: i64,
}

/// What is known of a track.
struct Known {
    shown: compose::Track,
    clocks: Clocks,
}

/// What the session says of a track.
#[derive(Debug, Clone, Copy)]
struct Said {
    participant: ParticipantId,
    source: Source,
}

/// When a track's packets came.
#[derive(Debug, Clone, Copy)]
struct Seen {
    codec: CodecName,
    first_us: i64,
    last_us: i64,
}

impl Recorded {
    /// Reads through all journals in a folder once, to learn the clocks. Blocks for as long as that
    /// takes, unless `stop` is set.
    pub(crate) fn open(entry: &Entry, folder: &Path, stop: &AtomicBool) -> io::Result<Recorded> {
        let key = entry.key().ok_or(io::ErrorKind::NotFound)?;
        let started_unix_us = entry.look(|m| m.status.started_unix_ms).saturating_mul(1_000);
        let mut recorded = Recorded {
            folder: folder.to_owned(),
            recording: entry.id,
            key,
            timeline: Arc::new(Timeline::new(started_unix_us)),
            events: Vec::new(),
            tracks: BTreeMap::new(),
            until_us: 0,
        };
        recorded.read_session()?;
        recorded.learn_clocks(stop)?;
        Ok(recorded)
    }

    /// All that happened, on the session's clock.
    pub(crate) fn events(&self) -> &[(i64, Event)] {
        &self.events
    }

    /// The last moment of which there is anything.
    pub(crate) fn until_us(&self) -> i64 {
        self.until_us
    }

    fn read_session(&mut self) -> io::Result<()> {
        let name = format!("session{JOURNAL}");
        let file = match File::open(self.folder.join(&name)) {
            Ok(file) => file,
            // Tracks alone are better than nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut timeline = Timeline::clone(&self.timeline);
        let label = format!("{}/{name}", self.recording);
        for line in Reader::new(file, &self.key, &label) {
            match line? {
                Line::Clock { node, at_unix_us, offset_us, rtt_us } => {
                    timeline.sample(node, at_unix_us, offset_us, rtt_us);
                }
                Line::Event { at_unix_ms, event } if self.events.len() < MAX_EVENTS => {
                    let at_us = timeline.since_us(at_unix_ms.saturating_mul(1_000));
                    self.until_us = self.until_us.max(at_us);
                    self.events.push((at_us, event));
                }
                _ => {}
            }
        }
        self.timeline = Arc::new(timeline);
        Ok(())
    }

    fn learn_clocks(&mut self, stop: &AtomicBool) -> io::Result<()> {
        let said = self.said();
        let unknown = Said { participant: ParticipantId(0), source: Source::Unknown };
        let mut participants: BTreeMap<ParticipantId, Vec<TrackId>> = BTreeMap::new();
        for track in tracks_in(&self.folder)? {
            let owner = said.get(&track).unwrap_or(&unknown).participant;
            participants.entry(owner).or_default().push(track);
        }
        for (participant, tracks) in participants {
            let mut clocks = ClockBuilder::new();
            let mut seen = Vec::new();
            for track in tracks {
                if let Some(found) = self.learn_track(track, &mut clocks, stop)? {
                    seen.push((track, found));
                }
            }
            let clocks = clocks.build();
            for (id, Seen { codec, first_us, last_us }) in seen {
                self.until_us = self.until_us.max(last_us);
                let Said { source, .. } = *said.get(&id).unwrap_or(&unknown);
                let (kind, from_us, until_us) = (codec.kind(), first_us, last_us);
                let shown = compose::Track { id, participant, kind, source, from_us, until_us };
                self.tracks.insert(id, Known { shown, clocks: clocks.clone() });
            }
        }
        Ok(())
    }

    fn learn_track(
        &self,
        track: TrackId,
        clocks: &mut ClockBuilder,
        stop: &AtomicBool,
    ) -> io::Result<Option<Seen>> {
        let mut seen: Option<Seen> = None;
        for item in self.packets(track)? {
            if stop.load(Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match item? {
                Item::Report(report) => clocks.report(&report),
                Item::Packet(packet) => {
                    clocks.packet(&packet);
                    let at_us = packet.arrival_us;
                    let seen = seen.get_or_insert(Seen {
                        codec: packet.codec,
                        first_us: at_us,
                        last_us: at_us,
                    });
                    seen.first_us = seen.first_us.min(at_us);
                    seen.last_us = seen.last_us.max(at_us);
                }
            }
        }
        Ok(seen)
    }

    /// The last that was said of each track.
    fn said(&self) -> BTreeMap<TrackId, Said> {
        let mut said = BTreeMap::new();
        for (_, event) in &self.events {
            if let Event::Track { track, participant, source, .. } = event {
                said.insert(*track, Said { participant: *participant, source: *source });
            }
        }
        said
    }

    fn packets(&self, track: TrackId) -> io::Result<Packets> {
        let name = format!("{track}{JOURNAL}");
        let file = File::open(self.folder.join(&name))?;
        let label = format!("{}/{name}", self.recording);
        let mut reader = Reader::new(file, &self.key, &label);
        reader.only(Kinds::RECORDS);
        Ok(Packets::new(reader, track, Arc::clone(&self.timeline)))
    }
}

impl compose::Media for Recorded {
    fn tracks(&self) -> Vec<compose::Track> {
        self.tracks.values().map(|known| known.shown).collect()
    }

    fn units(&self, track: TrackId, from_us: i64) -> io::Result<compose::Units> {
        let known = self.tracks.get(&track).ok_or(io::ErrorKind::NotFound)?;
        let mut packets = self.packets(track)?;
        if from_us > known.shown.from_us {
            let at_unix_us = self.timeline.earliest_unix_us(from_us);
            packets.seek(known.shown.kind, at_unix_us)?;
        }
        let assembler = Assembler::new(track, known.clocks.clone());
        Ok(Box::new(Units { packets, assembler, ended: false }))
    }
}

/// The frames of one track.
struct Units {
    packets: Packets,
    assembler: Assembler,
    ended: bool,
}

impl Iterator for Units {
    type Item = io::Result<Unit>;

    fn next(&mut self) -> Option<io::Result<Unit>> {
        loop {
            if let Some(unit) = self.assembler.poll() {
                return Some(Ok(unit));
            }
            if self.ended {
                return None;
            }
            match self.packets.next() {
                Some(Ok(Item::Packet(packet))) => self.assembler.push(packet),
                Some(Ok(Item::Report(_))) => {}
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    self.ended = true;
                    self.assembler.finish();
                }
            }
        }
    }
}

/// Tracks that have a journal in a folder; other names are left alone.
pub(crate) fn tracks_in(folder: &Path) -> io::Result<Vec<TrackId>> {
    let id = |name: &str| name.strip_suffix(JOURNAL)?.parse().ok();
    let mut tracks: Vec<TrackId> =
        journals_in(folder)?.iter().filter_map(|name| id(name)).collect();
    tracks.sort_unstable();
    Ok(tracks)
}

/// Names of the journals in a folder.
pub(crate) fn journals_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder)? {
        if let Ok(name) = file?.file_name().into_string()
            && is_journal(&name)
        {
            found.push(name);
        }
    }
    Ok(found)
}

/// Whether a text is the name of a journal, so that it never leads out of its folder.
pub(crate) fn is_journal(name: &str) -> bool {
    let stem = name.strip_suffix(JOURNAL);
    stem.is_some_and(|stem| stem == "session" || stem.parse::<TrackId>().is_ok())
}

/// Bytes of the journals in a folder.
pub(crate) fn journal_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for name in journals_in(folder)? {
        bytes = bytes.saturating_add(std::fs::metadata(folder.join(name))?.len());
    }
    Ok(bytes)
}
