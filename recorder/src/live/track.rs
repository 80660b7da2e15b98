//! One recorded track: its journal, and whether what is in it can be decoded.

use super::Feed;
use super::journal::Journal;
use super::picture::Picture;
use bytes::BytesMut;
use lectern_control::media::MediaKind;
use lectern_control::relay::{Content, Record};
use lectern_journal::MAX_RECORDS_BYTES;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tracks of one recording: a large meeting in which everybody comes and goes some times. Packets of
/// more are lost, and counted.
pub(super) const MAX_TRACKS: usize = 8_192;
/// Journals of one recording that are open at once.
pub(super) const MAX_OPEN: usize = 256;
/// The journal of a track that sends nothing is closed, until it does again.
pub(super) const IDLE_AFTER: Duration = Duration::from_secs(30);

/// One recorded track.
pub(super) struct Track {
    /// Its journal, while it is open.
    pub(super) journal: Option<Journal>,
    /// Nodes that are named in the open journal.
    pub(super) named: BTreeSet<u16>,
    /// Records that came since the last write, encoded, by the number of the node they came from.
    pub(super) incoming: Vec<(u16, BytesMut)>,
    /// Where its packets come from.
    pub(super) feed: Option<Arc<Feed>>,
    /// When the last came.
    pub(super) heard: Instant,
    picture: Option<Picture>,
}

impl Track {
    /// Of which nothing has come.
    pub(super) fn new(now: Instant) -> Track {
        Track {
            journal: None,
            named: BTreeSet::new(),
            incoming: Vec::new(),
            feed: None,
            heard: now,
            picture: None,
        }
    }

    /// Takes a record, which is written with the next commit.
    pub(super) fn take(&mut self, now: Instant, node: u16, record: &Record<'_>) {
        self.heard = now;
        let len = record.encoded_len();
        match self.incoming.last_mut() {
            Some((last, records)) if *last == node && records.len() + len <= MAX_RECORDS_BYTES => {
                record.encode(records);
            }
            _ => {
                let mut records = BytesMut::new();
                record.encode(&mut records);
                self.incoming.push((node, records));
            }
        }
        match record.content {
            Content::Packet { number, codec, keyframe, .. } => {
                if codec.kind() == MediaKind::Video {
                    let picture = self.picture.get_or_insert_with(|| Picture::new(now));
                    picture.packet(now, record.stream, number, keyframe);
                }
            }
            Content::Lost { .. } => self.lost(now),
            Content::Report { .. } => {}
        }
    }

    /// Packets are lost for good.
    pub(super) fn lost(&mut self, now: Instant) {
        if let Some(picture) = &mut self.picture {
            picture.lost(now);
        }
    }

    /// Whether a keyframe is to be asked for now.
    pub(super) fn wants_keyframe(&mut self, now: Instant) -> bool {
        self.picture.as_mut().is_some_and(|picture| picture.wants_keyframe(now))
    }

    /// Whether its journal need not be open.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.journal.is_some() && now.saturating_duration_since(self.heard) >= IDLE_AFTER
    }
}
