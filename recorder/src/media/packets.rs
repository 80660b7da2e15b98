//! The packets of one track's journal, on the session's clock.

use crate::timeline::Timeline;
use bytes::Bytes;
use lectern_control::TrackId;
use lectern_control::media::MediaKind;
use lectern_control::relay::{Content, records};
use lectern_journal::{Entry as Line, Reader};
use lectern_mux::{Packet, Report, StreamId};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// What a journal has of a track.
pub(super) enum Item {
    /// A packet.
    Packet(Packet),
    /// A moment on two clocks.
    Report(Report),
}

/// Reads one journal from its beginning, or from where it is told to.
pub(super) struct Packets {
    reader: Reader<File>,
    track: TrackId,
    timeline: Arc<Timeline>,
    ready: VecDeque<Item>,
}

impl Packets {
    pub(super) fn new(reader: Reader<File>, track: TrackId, timeline: Arc<Timeline>) -> Packets {
        Packets { reader, track, timeline, ready: VecDeque::new() }
    }

    /// Goes on where a picture can be decoded, or sound begins, at or before a moment.
    pub(super) fn seek(&mut self, kind: MediaKind, at_unix_us: u64) -> io::Result<()> {
        let index = self.reader.index()?;
        let offset = match kind {
            MediaKind::Video => index.keyframe_before(at_unix_us),
            MediaKind::Audio => index.before(at_unix_us),
        };
        self.reader.seek(offset);
        Ok(())
    }

    fn take(&mut self, node: u16, batch: &Bytes) {
        for record in records(batch).map_while(Result::ok) {
            if record.track != self.track {
                continue;
            }
            let stream = StreamId { node, number: record.stream };
            let arrival_us = self.timeline.session_us(node, record.arrival_unix_us);
            match record.content {
                Content::Packet { number, codec, keyframe, quarter_turns, rtp, .. } => {
                    self.ready.push_back(Item::Packet(Packet {
                        track: self.track,
                        stream,
                        arrival_us,
                        number,
                        codec,
                        keyframe,
                        quarter_turns,
                        rtp: batch.slice_ref(rtp),
                    }));
                }
                Content::Report { ntp, rtp } => {
                    let track = self.track;
                    self.ready.push_back(Item::Report(Report {
                        track,
                        stream,
                        arrival_us,
                        ntp,
                        rtp,
                    }));
                }
                // The hole is seen by its numbers.
                Content::Lost { .. } => {}
            }
        }
    }
}

impl Iterator for Packets {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<io::Result<Item>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            match self.reader.next()? {
                Ok(Line::Records { node, records }) => self.take(node, &records),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
