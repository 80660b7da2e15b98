//! Relays: tracks that go to a recorder, as records in a batch that somebody takes away.
//!
//! A relay gets a track's packets as the publisher sent them, from its best encoding, and its clock.
//! Where the batch is full, packets are lost to the recorder, counted, and to nobody else.

use crate::DropReason;
use crate::arena::{Arena, RelayKey};
use crate::limits::{MAX_RELAYED_TRACKS, MAX_RELAYS, MAX_RTP_BYTES};
use crate::packet::Packet;
use crate::rewrite::{Moment, Stream};
use lectern_control::media::{Extension, MediaKind};
use lectern_control::node::CommandError;
use lectern_control::relay::{Content, MAX_BATCH_BYTES, Record};
use lectern_control::{RecordingId, RoomId, TrackId};
use lectern_wire::Ssrc;
use lectern_wire::rtp::{Fields, Form, HeaderWriter};

/// Bytes of an RTP header without extensions.
const RTP_HEADER_BYTES: usize = 12;
/// What a level means that is not loud.
const LEVEL_BITS: u8 = 0x7f;

/// All relays of an engine.
#[derive(Debug, Default)]
pub struct Relays {
    arena: Arena<RelayKey, Relay>,
}

/// What goes to a recorder for one recording.
#[derive(Debug)]
pub struct Relay {
    /// The recording.
    pub recording: RecordingId,
    /// The room that is recorded.
    pub room: RoomId,
    /// Its tracks, whether they are here already or not.
    wanted: Vec<TrackId>,
    batch: Vec<u8>,
    /// Lost since the last record that found room.
    lost: u32,
    ended: bool,
}

/// A track's part in a relay.
#[derive(Debug, Clone, Copy)]
pub struct Subscription {
    /// The relay.
    pub relay: RelayKey,
    /// The life of the encoding that is sent; `None` before the first keyframe, and after a mute.
    pub stream: Option<Stream>,
}

impl Relays {
    /// Begins a relay; one that is there already goes on.
    pub fn open(&mut self, recording: RecordingId, room: RoomId) -> Result<(), CommandError> {
        if self.find(recording).is_some() {
            return Ok(());
        }
        if self.arena.len() >= MAX_RELAYS {
            return Err(CommandError::Limit("relays".to_owned()));
        }
        let batch = Vec::with_capacity(MAX_BATCH_BYTES);
        let wanted = Vec::new();
        self.arena.insert(Relay { recording, room, wanted, batch, lost: 0, ended: false });
        Ok(())
    }

    /// Wants a track, now or when it is published.
    pub fn want(
        &mut self,
        recording: RecordingId,
        room: RoomId,
        track: TrackId,
    ) -> Result<RelayKey, CommandError> {
        let unknown = || CommandError::Invalid("no such relay in this room".to_owned());
        let key = self.find(recording).ok_or_else(unknown)?;
        let relay = self.arena.get_mut(key).filter(|relay| relay.room == room);
        let relay = relay.ok_or_else(unknown)?;
        if !relay.wanted.contains(&track) {
            if relay.wanted.len() >= MAX_RELAYED_TRACKS {
                return Err(CommandError::Limit("tracks of a relay".to_owned()));
            }
            relay.wanted.push(track);
        }
        Ok(key)
    }

    /// Wants a track no longer; the relay that did.
    pub fn unwant(&mut self, recording: RecordingId, track: TrackId) -> Option<RelayKey> {
        let key = self.find(recording)?;
        self.arena.get_mut(key)?.wanted.retain(|wanted| *wanted != track);
        Some(key)
    }

    /// The relays that want a track.
    pub fn wanting(&self, track: TrackId) -> impl Iterator<Item = RelayKey> {
        let wants = move |relay: &Relay| !relay.ended && relay.wanted.contains(&track);
        self.arena.iter().filter(move |(_, relay)| wants(relay)).map(|(key, _)| key)
    }

    /// The relay of a recording.
    pub fn find(&self, recording: RecordingId) -> Option<RelayKey> {
        let is_it = |relay: &Relay| relay.recording == recording && !relay.ended;
        self.arena.iter().find(|(_, relay)| is_it(relay)).map(|(key, _)| key)
    }

    /// All relays.
    pub fn all(&self) -> Vec<RelayKey> {
        self.arena.iter().map(|(key, _)| key).collect()
    }

    /// The relays of a room.
    pub fn of_room(&self, room: RoomId) -> Vec<RelayKey> {
        let of_room = self.arena.iter().filter(|(_, relay)| relay.room == room);
        of_room.map(|(key, _)| key).collect()
    }

    /// Ends a relay: what is in its batch can still be taken.
    pub fn end(&mut self, key: RelayKey) {
        if let Some(relay) = self.arena.get_mut(key) {
            relay.ended = true;
        }
    }

    /// A relay.
    pub fn get_mut(&mut self, key: RelayKey) -> Option<&mut Relay> {
        self.arena.get_mut(key)
    }

    /// Those that have something to say.
    pub fn outgoing(&mut self) -> impl Iterator<Item = &mut Relay> {
        let all = self.arena.iter_mut().map(|(_, relay)| relay);
        all.filter(|relay| relay.ended || !relay.batch.is_empty())
    }

    /// Forgets those that have ended and said all.
    pub fn sweep(&mut self) {
        let over = |relay: &Relay| relay.ended && relay.batch.is_empty();
        let key = self.arena.iter().find(|(_, relay)| over(relay)).map(|(key, _)| key);
        if let Some(key) = key {
            self.arena.remove(key);
            self.sweep();
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.arena.len() == 0
    }
}

impl Relay {
    /// The batch so far: encoded records.
    pub fn records(&self) -> &[u8] {
        &self.batch
    }

    /// Nothing follows on what is in the batch.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The batch was taken away.
    pub fn taken(&mut self) {
        self.batch.clear();
    }

    /// Appends a record, unless the batch is full.
    pub fn put(&mut self, record: &Record<'_>) -> Result<(), DropReason> {
        let lost = Record { content: Content::Lost { count: self.lost }, ..*record };
        let needed = record.encoded_len() + lost.encoded_len();
        if self.ended || self.batch.len() + needed > MAX_BATCH_BYTES {
            self.lost = self.lost.saturating_add(1);
            return Err(DropReason::RelayFull);
        }
        if self.lost > 0 && lost.encode(&mut self.batch) {
            self.lost = 0;
        }
        if record.encode(&mut self.batch) { Ok(()) } else { Err(DropReason::TooLarge) }
    }
}

impl Subscription {
    /// A track that nothing was sent of.
    pub fn new(relay: RelayKey) -> Subscription {
        Subscription { relay, stream: None }
    }

    /// Whether a packet of `stream` is for the recorder. Switches where the packet lets it.
    pub fn select(
        &mut self,
        kind: MediaKind,
        stream: Stream,
        is_best: bool,
        packet: &Packet,
    ) -> Result<(), DropReason> {
        if self.stream == Some(stream) {
            return Ok(());
        }
        let begins = kind == MediaKind::Audio || packet.starts_keyframe;
        match (self.stream, begins, is_best) {
            (_, true, true) => self.stream = Some(stream),
            (None, _, _) => return Err(DropReason::AwaitsKeyframe),
            (Some(_), _, _) => return Err(DropReason::NotSelected),
        }
        Ok(())
    }
}

/// A packet without what stands between neighbours: retransmission header, extensions, padding.
pub fn with_record<T>(
    packet: &Packet,
    bytes: &[u8],
    at: (TrackId, u32, u64),
    put: impl FnOnce(&Record<'_>) -> Result<T, DropReason>,
) -> Result<T, DropReason> {
    let mut rtp = [0; RTP_HEADER_BYTES + MAX_RTP_BYTES];
    let Moment { number, timestamp } = Moment::of(packet);
    let fields = Fields {
        marker: packet.marker,
        payload_type: packet.payload_type,
        sequence: number.wire(),
        timestamp,
        ssrc: Ssrc(at.1),
    };
    let too_large = |_| DropReason::TooLarge;
    let writer = HeaderWriter::new(&mut rtp, &fields, Form::OneByte).map_err(too_large)?;
    let start = writer.finish().map_err(too_large)?;
    let payload = packet.payload(bytes);
    let len = start + payload.len();
    rtp.get_mut(start..len).ok_or(DropReason::TooLarge)?.copy_from_slice(payload);
    let mut level = None;
    let mut quarter_turns = 0;
    for (element, value) in packet.elements(bytes) {
        match (element.extension, value.first()) {
            (Extension::AudioLevel, Some(value)) => level = Some(value & LEVEL_BITS),
            (Extension::VideoOrientation, Some(value)) => quarter_turns = value & 3,
            _ => {}
        }
    }
    let (track, stream, arrival_unix_us) = at;
    let content = Content::Packet {
        number: number.0,
        codec: packet.codec.ok_or(DropReason::UnknownPayloadType)?,
        keyframe: packet.starts_keyframe,
        quarter_turns,
        level,
        rtp: rtp.get(..len).ok_or(DropReason::TooLarge)?,
    };
    put(&Record { track, stream, arrival_unix_us, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rtp: &[u8]) -> Record<'_> {
        let content = Content::Packet {
            number: 1,
            codec: lectern_control::media::CodecName::Opus,
            keyframe: false,
            quarter_turns: 0,
            level: None,
            rtp,
        };
        Record { track: TrackId(1), stream: 1, arrival_unix_us: 1, content }
    }

    fn relay() -> (Relays, RelayKey) {
        let mut relays = Relays::default();
        relays.open(RecordingId(1), RoomId(1)).expect("room");
        let key = relays.want(RecordingId(1), RoomId(1), TrackId(1)).expect("a relay");
        (relays, key)
    }

    #[test]
    fn what_finds_no_room_is_counted_and_said() {
        let (mut relays, key) = relay();
        let relay = relays.get_mut(key).expect("a relay");
        let rtp = [0; 1_000];
        let mut full = 0;
        for _ in 0..2 * MAX_BATCH_BYTES / rtp.len() {
            full += u32::from(relay.put(&record(&rtp)).is_err());
        }
        assert!(full > 0 && relay.records().len() <= MAX_BATCH_BYTES);
        relay.taken();
        relay.put(&record(&rtp)).expect("room again");
        let all = lectern_control::relay::records(relay.records()).collect::<Result<Vec<_>, _>>();
        let all = all.expect("whole");
        assert_eq!(all[0].content, Content::Lost { count: full });
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn a_relay_that_ended_gives_what_it_has_and_is_forgotten() {
        let (mut relays, key) = relay();
        relays.get_mut(key).expect("a relay").put(&record(&[1])).expect("room");
        relays.end(key);
        assert_eq!(relays.wanting(TrackId(1)).count(), 0);
        relays.sweep();
        assert_eq!(relays.outgoing().count(), 1);
        relays.outgoing().for_each(Relay::taken);
        relays.sweep();
        assert!(relays.is_empty());
    }

    #[test]
    fn a_relay_of_another_room_gives_nothing_away() {
        let (mut relays, _) = relay();
        assert!(relays.want(RecordingId(1), RoomId(2), TrackId(9)).is_err());
        assert!(relays.want(RecordingId(2), RoomId(1), TrackId(9)).is_err());
        assert_eq!(relays.wanting(TrackId(9)).count(), 0);
    }

    #[test]
    fn relays_and_their_tracks_are_bounded() {
        let (mut relays, _) = relay();
        for id in 0..2 * MAX_RELAYS as u64 {
            let _ = relays.open(RecordingId(id), RoomId(1));
        }
        assert!(relays.open(RecordingId(u64::MAX), RoomId(1)).is_err());
        for id in 0..MAX_RELAYED_TRACKS as u64 {
            let _ = relays.want(RecordingId(1), RoomId(1), TrackId(id));
        }
        let one_more = relays.want(RecordingId(1), RoomId(1), TrackId(u64::MAX));
        assert!(matches!(one_more, Err(CommandError::Limit(_))));
        relays.want(RecordingId(1), RoomId(1), TrackId(5)).expect("known");
    }
}
