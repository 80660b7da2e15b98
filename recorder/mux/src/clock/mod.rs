//! One clock for all tracks of a participant: from RTP timestamps to microseconds of the recording.
//!
//! The algorithm and its sources are in `recorder/docs/clock.md`.

mod envelope;
mod map;
mod observed;
mod publisher;
mod reports;
#[cfg(test)]
mod tests;

use self::map::Map;
use self::observed::Observed;
use crate::packet::{Packet, Report, StreamId};
use lectern_control::TrackId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Streams of one participant: every life of every encoding of every track. Packets of more are put
/// where they came.
const MAX_STREAMS: usize = 256;
/// A frame was captured this long before its packet came at most: those of a still screen wait in a
/// node's cache. What timestamps say beyond is wrong.
const MAX_AGE_US: i64 = 180_000_000;
/// Nothing is captured after it came; clocks of nodes and reports are off by a little.
const MAX_AHEAD_US: i64 = 20_000;

/// Names a stream among all tracks of a participant.
type Key = (TrackId, StreamId);

/// Learns the clocks of one participant, from all packets and reports of all its tracks. Tracks may
/// come interleaved or one after the other; each in the order of arrival.
#[derive(Debug, Default)]
pub struct ClockBuilder {
    streams: BTreeMap<Key, Observed>,
    /// Reports before the first packet, when the stream's rate is not known.
    waiting: Vec<Report>,
}

impl ClockBuilder {
    /// Knows nothing yet.
    pub fn new() -> ClockBuilder {
        ClockBuilder::default()
    }

    /// Takes note of a packet's timestamp and arrival. The payload is not looked at.
    pub fn packet(&mut self, packet: &Packet) {
        let Some(rtp) = packet.rtp.get(4..8).and_then(|bytes| bytes.try_into().ok()) else {
            return;
        };
        let key = (packet.track, packet.stream);
        if !self.streams.contains_key(&key) {
            if self.streams.len() >= MAX_STREAMS {
                return;
            }
            self.begin(key, packet.codec.clock_rate());
        }
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.packet(packet.number, u32::from_be_bytes(rtp), packet.arrival_us as f64);
        }
    }

    /// Takes note of a sender report.
    pub fn report(&mut self, report: &Report) {
        match self.streams.get_mut(&(report.track, report.stream)) {
            Some(stream) => stream.report(report.ntp, report.rtp, report.arrival_us as f64),
            None if self.waiting.len() < MAX_STREAMS => self.waiting.push(*report),
            None => {}
        }
    }

    fn begin(&mut self, key: Key, rate: u32) {
        let mut stream = Observed::new(rate);
        self.waiting.retain(|report| {
            let is_other = (report.track, report.stream) != key;
            if !is_other {
                stream.report(report.ntp, report.rtp, report.arrival_us as f64);
            }
            is_other
        });
        self.streams.insert(key, stream);
    }

    /// The clocks.
    pub fn build(self) -> Clocks {
        Clocks { maps: Arc::new(publisher::maps(&self.streams)) }
    }
}

/// Tells when something was captured. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Clocks {
    maps: Arc<BTreeMap<Key, Map>>,
}

impl Clocks {
    /// When the moment `rtp` of a stream was, in microseconds of the recording, for a packet that
    /// came at `arrival_us`. Never later than the arrival by more than a small error, whatever the
    /// timestamp says; of a stream that is not known, the arrival.
    pub fn at(&self, track: TrackId, stream: StreamId, rtp: u32, arrival_us: i64) -> i64 {
        let map = self.maps.get(&(track, stream));
        let found = map.and_then(|map| map.at(rtp, arrival_us as f64));
        let found = found.map_or(arrival_us, |at_us| at_us.round() as i64);
        let (earliest, latest) =
            (arrival_us.saturating_sub(MAX_AGE_US), arrival_us.saturating_add(MAX_AHEAD_US));
        found.clamp(earliest, latest)
    }
}
