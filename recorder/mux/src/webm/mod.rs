//! WebM files (RFC 9559): one track of VP8, VP9 or Opus.
//!
//! Written as a live stream is, clusters of two seconds with sizes; duration, size and index follow in
//! the end, where the head can be written over.

mod ebml;
mod head;
#[cfg(test)]
mod tests;

use self::ebml::{bytes, id, long_size, nest, size, unsigned};
use self::head::{Places, element};
use crate::error::Error;
use crate::output::Output;
use crate::ticks::Ticks;
use crate::unit::{Size, Unit};
use bytes::Bytes;
use lectern_control::media::{CodecName, MediaKind};
use std::collections::VecDeque;

/// Milliseconds of a cluster: what a player reads at least when it seeks.
const CLUSTER_MS: u64 = 2_000;
/// Bytes of a cluster, so that hostile timestamps cannot make one grow without end.
const MAX_CLUSTER_BYTES: usize = 32 << 20;
/// Entries of the index; beyond, every other one is left out.
const MAX_CUES: usize = 8_192;
/// How long the last picture is shown where nobody knows.
const LAST_HOLD_US: i64 = 33_333;
/// A block's flag for a keyframe.
const KEYFRAME: u8 = 0x80;
/// Track number, relative timestamp, flags.
const BLOCK_HEADER_BYTES: u64 = 4;

/// Writes one track to WebM. [`Writer::push`] frames, and [`Writer::poll`] after each until there is
/// nothing more.
#[derive(Debug)]
pub struct Writer {
    codec: CodecName,
    quarter_turns: u8,
    ticks: Ticks,
    size: Option<Size>,
    out: VecDeque<Output>,
    places: Places,
    written: u64,
    cluster: Option<Cluster>,
    cues: Vec<Cue>,
    last_us: i64,
    last_samples: u32,
    end_us: i64,
}

/// The cluster in the making.
#[derive(Debug)]
struct Cluster {
    at: u64,
    len: usize,
    is_sync: bool,
    pieces: Vec<Bytes>,
}

/// A place to begin playing.
#[derive(Debug, Clone, Copy)]
struct Cue {
    at: u64,
    position: u64,
}

impl Writer {
    /// Begins a file that `first` fits in, a keyframe or a packet of sound, which is then pushed as
    /// all others. `origin_us` is the moment of the recording that is the file's zero, not after
    /// `first`; what lies between is an empty beginning.
    pub fn new(first: &Unit, origin_us: i64) -> Result<Writer, Error> {
        if !first.keyframe {
            return Err(Error::NotAKeyframe);
        }
        let (head, places) = head::head(first)?;
        Ok(Writer {
            codec: first.codec,
            quarter_turns: first.quarter_turns,
            ticks: Ticks { origin_us, rate: 1_000 },
            size: first.size,
            written: head.len() as u64,
            out: VecDeque::from([Output::Append(Bytes::from(head))]),
            places,
            cluster: None,
            cues: Vec::new(),
            last_us: first.at_us,
            last_samples: 0,
            end_us: first.at_us,
        })
    }

    /// Whether the frame can go into this file; if not, it begins a new one. VP8 and VP9 say their
    /// size with each keyframe, and may change it. A picture that is turned otherwise needs a new file,
    /// from the next keyframe on.
    pub fn takes(&self, unit: &Unit) -> bool {
        let is_turned = unit.keyframe && unit.quarter_turns != self.quarter_turns;
        !is_turned && unit.codec == self.codec
    }

    /// Takes the next frame.
    pub fn push(&mut self, unit: Unit) -> Result<(), Error> {
        if unit.codec != self.codec {
            return Err(Error::OtherConfiguration);
        }
        self.size = Size::larger(self.size, unit.size);
        self.last_us = unit.at_us.max(self.last_us);
        self.last_samples = unit.samples;
        let at = self.ticks.at(self.last_us);
        let is_sound = self.codec.kind() == MediaKind::Audio;
        let is_over = self.cluster.as_ref().is_some_and(|cluster| {
            let is_new = unit.keyframe && !is_sound;
            let is_long = at.saturating_sub(cluster.at) >= CLUSTER_MS;
            is_new || is_long || cluster.len >= MAX_CLUSTER_BYTES
        });
        if is_over {
            self.flush();
        }
        let cluster = self.cluster.get_or_insert(Cluster {
            at,
            len: 0,
            is_sync: unit.keyframe,
            pieces: Vec::new(),
        });
        let relative = i16::try_from(at.saturating_sub(cluster.at)).map_err(|_| Error::TooMuch)?;
        let [high, low] = relative.to_be_bytes();
        let mut header = Vec::with_capacity(16);
        id(&mut header, element::SIMPLE_BLOCK);
        size(&mut header, BLOCK_HEADER_BYTES.saturating_add(unit.data.len() as u64));
        header.extend([0x81, high, low, if unit.keyframe { KEYFRAME } else { 0 }]);
        cluster.len = cluster.len.saturating_add(header.len()).saturating_add(unit.data.len());
        cluster.pieces.push(Bytes::from(header));
        cluster.pieces.push(unit.data);
        Ok(())
    }

    /// Ends the file. The last picture is shown until `end_us` of the recording, where that is known.
    pub fn finish(&mut self, end_us: Option<i64>) -> Result<(), Error> {
        self.flush();
        self.end_us = match self.codec.kind() {
            MediaKind::Audio => {
                let micros = i64::from(self.last_samples).saturating_mul(1_000).div_euclid(48);
                self.last_us.saturating_add(micros)
            }
            MediaKind::Video => {
                end_us.unwrap_or(self.last_us.saturating_add(LAST_HOLD_US)).max(self.last_us)
            }
        };
        let cues_at = self.written.saturating_sub(self.places.segment);
        let cues = self.index();
        self.append(Bytes::from(cues));
        let duration = self.ticks.at(self.end_us) as f64;
        let segment = self.written.saturating_sub(self.places.segment);
        let rewrites = [
            (self.places.duration, head::duration(duration)),
            (self.places.cues, head::seek_to_cues(cues_at)),
            (self.places.segment_size, long_size(segment).to_vec()),
        ];
        let rewrites = rewrites.into_iter();
        self.out
            .extend(rewrites.map(|(at, bytes)| Output::Rewrite { at, bytes: Bytes::from(bytes) }));
        Ok(())
    }

    /// The next piece of the file.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// From the file's zero to the end of the last frame.
    pub fn duration_us(&self) -> i64 {
        self.end_us.saturating_sub(self.ticks.origin_us).max(0)
    }

    /// The largest picture, of pictures.
    pub fn size(&self) -> Option<Size> {
        self.size
    }

    /// Writes the cluster in the making, where there is one.
    fn flush(&mut self) {
        let Some(cluster) = self.cluster.take() else { return };
        let mut timestamp = Vec::with_capacity(12);
        unsigned(&mut timestamp, element::TIMESTAMP, cluster.at);
        let mut header = Vec::with_capacity(32);
        id(&mut header, element::CLUSTER);
        size(&mut header, timestamp.len().saturating_add(cluster.len) as u64);
        header.extend(timestamp);
        if cluster.is_sync {
            if self.cues.len() >= MAX_CUES {
                let mut is_kept = false;
                self.cues.retain(|_| {
                    is_kept = !is_kept;
                    is_kept
                });
            }
            let position = self.written.saturating_sub(self.places.segment);
            self.cues.push(Cue { at: cluster.at, position });
        }
        self.append(Bytes::from(header));
        for piece in cluster.pieces {
            self.append(piece);
        }
    }

    fn append(&mut self, piece: Bytes) {
        self.written = self.written.saturating_add(piece.len() as u64);
        self.out.push_back(Output::Append(piece));
    }

    fn index(&self) -> Vec<u8> {
        let mut points = Vec::new();
        for cue in &self.cues {
            nest(&mut points, element::CUE_POINT, |out| {
                unsigned(out, element::CUE_TIME, cue.at);
                nest(out, element::CUE_TRACK_POSITIONS, |out| {
                    unsigned(out, element::CUE_TRACK, 1);
                    unsigned(out, element::CUE_CLUSTER_POSITION, cue.position);
                });
            });
        }
        let mut cues = Vec::with_capacity(points.len().saturating_add(16));
        bytes(&mut cues, element::CUES, &points);
        cues
    }
}
