//! What somebody hears: sound that is there when its time comes, in a jitter buffer of a fixed depth,
//! whether it came by itself, as a copy in another packet (RFC 2198), or repeated.

use crate::client::Received;
use crate::frame::{self, Codec};
use lectern_wire::red;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Added before anything is taken away: timestamps begin anywhere, and only differences count.
const BEFORE: Duration = Duration::from_secs(1 << 40);
/// Ticks of one packet: 20 ms at 48 kHz.
const STEP: u64 = 960;
const RATE: u64 = 48_000;

/// What is expected of the stream.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// Stands in every stamp.
    pub track: u8,
    /// The stream.
    pub ssrc: u32,
    /// Payload types of plain and of redundant sound.
    pub payload_types: [u8; 2],
    /// How long sound waits, beside the shortest time that it takes.
    pub depth: Duration,
}

/// All sound of one received track.
#[derive(Debug)]
pub struct Listener {
    expected: Expected,
    began: Instant,
    /// When the sound of a timestamp was there first.
    heard: BTreeMap<u64, Instant>,
    /// The least that arrival is behind the timestamp's time, from `began` on.
    transit: Option<Duration>,
    heard_of: Heard,
}

/// What a listener says in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// Packets of sound that should have been heard.
    pub expected: u64,
    /// Those that were not there when their time came.
    pub concealed: u64,
    /// Packets that came.
    pub packets: u64,
    /// Those with copies of earlier ones.
    pub redundant: u64,
    /// Bytes of payload that came.
    pub bytes: u64,
    /// Those of them that are no copies.
    pub primary_bytes: u64,
}

impl Listener {
    /// Hears nothing yet.
    pub fn new(now: Instant, expected: Expected) -> Listener {
        let (heard, heard_of) = (BTreeMap::new(), Heard::default());
        Listener { expected, began: now, heard, transit: None, heard_of }
    }

    /// What is expected.
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Takes a packet. What is wrong with it ends the test.
    pub fn record(&mut self, now: Instant, packet: &Received) {
        let [plain, redundant] = self.expected.payload_types;
        self.heard_of.packets += 1;
        self.heard_of.bytes += packet.payload.len() as u64;
        let since_began = now.saturating_duration_since(self.began);
        let transit = (since_began + BEFORE).saturating_sub(time(packet.timestamp));
        self.transit = Some(self.transit.map_or(transit, |least| least.min(transit)));
        match packet.payload_type {
            pt if pt == plain => {
                self.heard_of.primary_bytes += packet.payload.len() as u64;
                self.note(now, packet.timestamp, &packet.payload);
            }
            pt if pt == redundant => {
                let blocks = red::Blocks::parse(&packet.payload).expect("well-formed redundancy");
                self.heard_of.redundant += 1;
                for block in blocks {
                    assert_eq!(block.payload_type.value(), plain, "the subscriber's own type");
                    if block.timestamp_offset == 0 {
                        self.heard_of.primary_bytes += block.data.len() as u64;
                    }
                    let timestamp = packet.timestamp - u64::from(block.timestamp_offset);
                    self.note(now, timestamp, block.data);
                }
            }
            other => panic!("payload type {other}"),
        }
    }

    fn note(&mut self, now: Instant, timestamp: u64, payload: &[u8]) {
        let read = frame::decode(Codec::Opus, payload).expect("whole sound");
        assert_eq!(read.stamp.track, self.expected.track);
        self.heard.entry(timestamp).or_insert(now);
    }

    /// What was heard between the first and the last packet.
    pub fn report(&self) -> Heard {
        let ends = self.heard.keys().next().zip(self.heard.keys().next_back());
        let Some(((first, last), transit)) = ends.zip(self.transit) else { return self.heard_of };
        let due = |timestamp: u64| {
            self.began + (time(timestamp) + transit + self.expected.depth).saturating_sub(BEFORE)
        };
        let mut report = self.heard_of;
        for timestamp in (*first..=*last).step_by(STEP as usize) {
            report.expected += 1;
            let in_time = self.heard.get(&timestamp).is_some_and(|came| *came <= due(timestamp));
            report.concealed += u64::from(!in_time);
        }
        report
    }
}

impl std::ops::AddAssign for Heard {
    fn add_assign(&mut self, other: Heard) {
        self.expected += other.expected;
        self.concealed += other.concealed;
        self.packets += other.packets;
        self.redundant += other.redundant;
        self.bytes += other.bytes;
        self.primary_bytes += other.primary_bytes;
    }
}

fn time(timestamp: u64) -> Duration {
    Duration::from_micros(timestamp.saturating_mul(1_000) / (RATE / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Numbers, Stamp};
    use lectern_wire::PayloadType;

    fn sound(frame: u32) -> Vec<u8> {
        let stamp = Stamp {
            track: 3,
            incarnation: 0,
            frame,
            encoding: 0,
            index: 0,
            count: 1,
            is_key: true,
        };
        frame::encode(Codec::Opus, &stamp, Numbers::default(), 60)
    }

    fn packet(frame: u32, payload_type: u8, payload: Vec<u8>) -> Received {
        Received {
            ssrc: 1,
            payload_type,
            sequence: u64::from(frame),
            timestamp: (1 << 31) + u64::from(frame) * STEP,
            marker: false,
            below_overload_db: None,
            payload: payload.into(),
        }
    }

    #[test]
    fn a_copy_and_a_repeat_count_only_while_there_is_time() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let depth = Duration::from_millis(60);
        let expected = Expected { track: 3, ssrc: 1, payload_types: [96, 104], depth };
        let mut listener = Listener::new(start, expected);
        let (opus, old, new) = (PayloadType::from_low_bits(96), sound(2), sound(4));
        let block = red::Block::redundant(opus, 1_920, &old).expect("fits");
        let mut payload = vec![0; 400];
        let len = red::write(&mut payload, &[block], (opus, &new)).expect("room");
        payload.truncate(len);
        // Of six packets the third comes as a copy, the second repeated, the fourth too late.
        listener.record(at(1_025), &packet(0, 96, sound(0)));
        listener.record(at(1_100), &packet(1, 96, sound(1)));
        listener.record(at(1_105), &packet(4, 104, payload));
        listener.record(at(1_125), &packet(5, 96, sound(5)));
        listener.record(at(1_146), &packet(3, 96, sound(3)));
        let report = listener.report();
        assert_eq!((report.expected, report.concealed), (6, 1));
        assert_eq!((report.packets, report.redundant), (5, 1));
        assert_eq!(report.bytes - report.primary_bytes, old.len() as u64 + 5);
    }
}
