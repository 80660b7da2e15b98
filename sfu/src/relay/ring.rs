//! From a worker to the relay task: batches of records in a ring of bytes, so that nothing is
//! allocated on the worker.

use lectern_control::RecordingId;
use lectern_media::relay::Relay;
use rtrb::{Consumer, Producer, RingBuffer};

/// Bytes that may wait: a quarter of a second of ten screens at 10 Mbit/s, or one large picture.
const WAITING_BYTES: usize = 4 << 20;
/// Recording, whether it ends, length.
const HEADER_BYTES: usize = 8 + 1 + 4;

/// The worker's end.
#[derive(Debug)]
pub(crate) struct Outward {
    ring: Producer<u8>,
}

/// The relay task's end.
#[derive(Debug)]
pub(crate) struct Inward {
    ring: Consumer<u8>,
}

/// What a worker gives of one recording.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// The recording.
    pub(crate) recording: RecordingId,
    /// Encoded records.
    pub(crate) records: Vec<u8>,
    /// Nothing follows.
    pub(crate) ended: bool,
}

/// A ring between a worker and the relay task.
pub(crate) fn ring() -> (Outward, Inward) {
    let (producer, consumer) = RingBuffer::new(WAITING_BYTES);
    (Outward { ring: producer }, Inward { ring: consumer })
}

impl Outward {
    /// Takes what a relay has, if there is room for it; otherwise the relay keeps it.
    pub(crate) fn take(&mut self, relay: &mut Relay) {
        let records = relay.records();
        let Ok(len) = u32::try_from(records.len()) else { return };
        if self.ring.slots() < HEADER_BYTES + records.len() {
            return;
        }
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&relay.recording.0.to_ne_bytes());
        header[8] = u8::from(relay.is_ended());
        header[9..].copy_from_slice(&len.to_ne_bytes());
        // There is room, and only this thread puts anything in.
        if self.ring.push_entire_slice(&header).is_ok()
            && self.ring.push_entire_slice(records).is_ok()
        {
            relay.taken();
        }
    }
}

impl Inward {
    /// The next that waits whole.
    pub(crate) fn take(&mut self) -> Option<Given> {
        let waiting = self.ring.slots();
        let mut header = [0; HEADER_BYTES];
        let peeked = self.ring.read_chunk(HEADER_BYTES).ok()?;
        let (first, second) = peeked.as_slices();
        for (place, byte) in header.iter_mut().zip(first.iter().chain(second)) {
            *place = *byte;
        }
        let [a, b, c, d, e, f, g, h, ended, len @ ..] = header;
        let len = u32::from_ne_bytes(len) as usize;
        if waiting < HEADER_BYTES + len {
            // The records become visible after the header.
            return None;
        }
        peeked.commit_all();
        let mut records = vec![0; len];
        let chunk = self.ring.read_chunk(len).ok()?;
        let (first, second) = chunk.as_slices();
        let (head, tail) = records.split_at_mut(first.len());
        head.copy_from_slice(first);
        tail.copy_from_slice(second);
        chunk.commit_all();
        let recording = RecordingId(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
        Some(Given { recording, records, ended: ended != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::relay::{Content, Record};
    use lectern_control::{RoomId, TrackId};
    use lectern_media::relay::Relays;

    fn fill(relays: &mut Relays, count: u32) {
        for relay in 0..2 {
            let recording = RecordingId(relay);
            relays.open(recording, RoomId(1)).expect("room");
            let key = relays.want(recording, RoomId(1), TrackId(1)).expect("a relay");
            for count in 0..count {
                let content = Content::Lost { count };
                let record = Record { track: TrackId(1), stream: 0, arrival_unix_us: 0, content };
                relays.get_mut(key).expect("a relay").put(&record).expect("room");
            }
        }
    }

    #[test]
    fn batches_come_out_as_they_went_in_however_often_the_ring_goes_round() {
        let (mut outward, mut inward) = ring();
        let mut relays = Relays::default();
        for round in 0..3_000 {
            fill(&mut relays, round % 50);
            let sent: Vec<_> = relays.outgoing().map(|relay| relay.records().to_vec()).collect();
            relays.outgoing().for_each(|relay| outward.take(relay));
            for records in sent {
                assert_eq!(inward.take().expect("whole").records, records);
            }
            assert_eq!(inward.take(), None);
        }
    }

    #[test]
    fn what_finds_no_room_stays_where_it_was() {
        let (mut outward, mut inward) = ring();
        let mut relays = Relays::default();
        let mut stayed = false;
        for _ in 0..2_000 {
            fill(&mut relays, 100);
            relays.outgoing().for_each(|relay| outward.take(relay));
            stayed |= relays.outgoing().next().is_some();
            if stayed {
                break;
            }
        }
        assert!(stayed, "the ring is bounded");
        while inward.take().is_some() {}
        relays.outgoing().for_each(|relay| outward.take(relay));
        assert!(inward.take().is_some() && relays.outgoing().next().is_none());
    }
}
