//! What can be said of a journal, for people; less where there is no key.

mod words;

use crate::Source;
use crate::block::{Header, Kinds, Opening, Order};
use crate::entry::{self, Entry};
use crate::key::DataKey;
use crate::scan::{Damage, Scan};
use bytes::Bytes;
use lectern_control::relay::{self, Content, Record};
use lectern_control::{NodeId, TrackId};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

/// Silence between two blocks that is told: five times the rhythm in which they are written.
const GAP_US: u64 = 500_000;
/// Gaps that are listed, the first ones; the rest is counted.
const MAX_GAPS: usize = 20;
/// Tracks, and nodes, that are told apart; of a track's own journal there is one.
const MAX_TRACKS: usize = 1_024;

/// Nothing came, or nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Since when, in microseconds since 1970.
    pub from_unix_us: u64,
    /// Until when.
    pub until_unix_us: u64,
}

/// What is in a journal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Bytes of the file.
    pub bytes: u64,
    /// Good blocks.
    pub blocks: u64,
    /// How often a writer began or went on.
    pub lives: u64,
    /// The earliest and latest time, in microseconds since 1970; `None` where there is no block.
    pub span: Option<(u64, u64)>,
    /// Blocks with a keyframe.
    pub keyframe_blocks: u64,
    /// Times without a block for more than half a second: the first twenty.
    pub gaps: Vec<Gap>,
    /// How many there are.
    pub gap_count: u64,
    /// It was ended in good order.
    pub ended: bool,
    /// What is missing.
    pub damage: Damage,
    /// What needs the key.
    pub inside: Option<Inside>,
}

/// What is in a journal's entries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inside {
    /// What came of each track.
    pub tracks: BTreeMap<TrackId, TrackReport>,
    /// Names of the nodes by number.
    pub nodes: BTreeMap<u16, NodeId>,
    /// Samples of nodes' clocks.
    pub clocks: u64,
    /// Events.
    pub events: u64,
    /// Records that are damaged, or of more tracks than are told apart.
    pub unknown_records: u64,
}

/// What came of one track.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrackReport {
    /// RTP packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets that begin a keyframe.
    pub keyframes: u64,
    /// Sender reports.
    pub reports: u64,
    /// Packets that a node said were lost before they were written.
    pub lost: u64,
}

/// Reads all of a journal; with its key and label it tells of tracks as well.
pub fn inspect(path: &Path, key: Option<(&DataKey, &str)>) -> io::Result<Report> {
    Report::of(File::open(path)?, key)
}

impl Report {
    /// As [`inspect`], wherever the journal lies.
    pub fn of(source: impl Source, key: Option<(&DataKey, &str)>) -> io::Result<Report> {
        let mut scan = Scan::new(source);
        let mut report = Report { bytes: scan.source.size()?, ..Report::default() };
        report.inside = key.is_some().then(Inside::default);
        let mut opening = key.map(|(key, label)| Opening::new(key, label));
        let (mut order, mut life) = (Order::default(), None);
        while let Some(found) = scan.next(Kinds::ALL)? {
            let mut plain = None;
            if let Some(opening) = &mut opening {
                plain = opening.open(&found.header, scan.block(&found)?);
                if plain.is_none() {
                    scan.damage.sealed += 1;
                    continue;
                }
            }
            let Some(missing) = order.follow(&found.header) else {
                scan.damage.misplaced += 1;
                continue;
            };
            scan.damage.missing = scan.damage.missing.saturating_add(missing);
            let new = life.replace(found.header.life) != Some(found.header.life);
            report.lives += u64::from(new);
            report.note(&found.header);
            if let (Some(inside), Some(plain)) = (&mut report.inside, plain) {
                inside.note_block(plain.into(), &mut scan.damage.entries);
            }
        }
        report.damage = scan.damage;
        Ok(report)
    }

    fn note(&mut self, header: &Header) {
        self.blocks += 1;
        self.keyframe_blocks += u64::from(header.kinds.any(Kinds::KEYFRAME));
        self.ended = header.kinds.any(Kinds::END);
        let (first, last) = (header.first_unix_us, header.last_unix_us);
        let Some((from, until)) = self.span else {
            self.span = Some((first, last));
            return;
        };
        if first > until.saturating_add(GAP_US) {
            self.gap_count += 1;
            if self.gaps.len() < MAX_GAPS {
                self.gaps.push(Gap { from_unix_us: until, until_unix_us: first });
            }
        }
        self.span = Some((from.min(first), until.max(last)));
    }
}

impl Inside {
    fn note_block(&mut self, mut block: Bytes, strange: &mut u64) {
        while let Some(entry) = entry::take(&mut block) {
            match entry {
                Ok(Entry::Records { records, .. }) => {
                    relay::records(&records).for_each(|record| self.note_record(record.ok()));
                }
                Ok(Entry::Node { index, node }) => {
                    if self.nodes.len() < MAX_TRACKS || self.nodes.contains_key(&index) {
                        self.nodes.insert(index, node);
                    }
                }
                Ok(Entry::Clock { .. }) => self.clocks += 1,
                Ok(Entry::Event { .. }) => self.events += 1,
                Ok(Entry::End) => {}
                Err(entry::Strange) => *strange += 1,
            }
        }
    }

    fn note_record(&mut self, record: Option<Record<'_>>) {
        let full = self.tracks.len() >= MAX_TRACKS;
        let known = record.filter(|it| !full || self.tracks.contains_key(&it.track));
        let Some(record) = known else {
            self.unknown_records += 1;
            return;
        };
        let track = self.tracks.entry(record.track).or_default();
        match record.content {
            Content::Packet { keyframe, rtp, .. } => {
                track.packets += 1;
                track.bytes += rtp.len() as u64;
                track.keyframes += u64::from(keyframe);
            }
            Content::Report { .. } => track.reports += 1,
            Content::Lost { count } => track.lost += u64::from(count),
        }
    }
}
