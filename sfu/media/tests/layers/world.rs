//! A publisher, a network that loses and swaps, the forwarding of one subscription, and what the
//! subscriber gets: in virtual time.

use crate::bytes::{DESCRIPTOR, PAYLOAD_TYPE, packet};
use crate::encoder::{Encoder, Mode, Sent, Stamp, Syntax};
use lectern_control::media::{
    Codec, CodecName, EncodingParameters, Extension, ExtensionId, Feedback, MediaKind,
    PayloadMapping, PublicationParameters, Source, SubscriptionParameters,
};
use lectern_control::{ParticipantId, TrackId};
use lectern_media::arena::{Key, PeerKey, RoomKey};
use lectern_media::cache::Pool;
use lectern_media::encoding::Arrival;
use lectern_media::extensions::Extensions;
use lectern_media::forwarder::{Earlier, Forwarder};
use lectern_media::frame::Target;
use lectern_media::limits::MAX_DATAGRAM_BYTES;
use lectern_media::packet::Packet;
use lectern_media::rewrite::Moment;
use lectern_media::track::{Role, Track};
use lectern_wire::rtp::View;
use lectern_wire::{Extender, SeqNo, Ssrc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// From picture to picture, in milliseconds.
pub const INTERVAL_MS: u64 = 33;
/// From a keyframe request to the encoder.
const REQUEST_MS: u64 = 40;

/// What happens to packets on their way up.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// Lost at first, in percent.
    pub loss: u32,
    /// Of those: lost for ever, in percent.
    pub unrepaired: u32,
    /// Late without being lost, in percent.
    pub swapped: u32,
    /// And by how much at most, in milliseconds.
    pub jitter_ms: u64,
}

/// A packet as the subscriber got it.
#[derive(Debug, Clone)]
pub struct Got {
    pub bytes: Vec<u8>,
    pub at_ms: u64,
    pub stamp: Option<Stamp>,
}

pub struct World {
    pub mode: Mode,
    pub random: StdRng,
    pub track: Track,
    pub now_ms: u64,
    pub got: BTreeMap<u64, Got>,
    /// Packets that came to the node, and those that never will.
    pub arrived: BTreeSet<Stamp2>,
    pub drops: BTreeMap<&'static str, u64>,
    start: Instant,
    pool: Pool,
    encoders: Vec<Encoder>,
    network: Network,
    extenders: Vec<Option<Extender>>,
    upstream: BTreeMap<(u64, u64), Sent>,
    requests: Vec<(u64, usize)>,
    sent: u64,
    tables: [Extensions; 2],
    pub requested: u64,
    pub asked_again: u64,
    pub repaired: u64,
}

/// A packet's identity.
pub type Stamp2 = (crate::encoder::FrameId, u8);

fn codec_name(syntax: Syntax) -> CodecName {
    match syntax {
        Syntax::Vp8 => CodecName::Vp8,
        Syntax::Vp9 { .. } => CodecName::Vp9,
        Syntax::H264Prefix | Syntax::H264Described => CodecName::H264,
        Syntax::Av1 => CodecName::Av1,
    }
}

impl World {
    pub fn new(mode: Mode, network: Network, seed: u64) -> World {
        let mut random = StdRng::seed_from_u64(seed);
        let encoding =
            |place| EncodingParameters { rid: format!("r{place}"), ..Default::default() };
        let parameters = PublicationParameters {
            kind: MediaKind::Video,
            source: Source::Camera,
            mid: "0".to_owned(),
            codecs: vec![Codec {
                name: codec_name(mode.syntax),
                payload_type: PAYLOAD_TYPE,
                rtx_payload_type: None,
                format: String::new(),
                feedback: Feedback::default(),
            }],
            encodings: (0..mode.encodings).map(encoding).collect(),
            muted: false,
        };
        let (room, peer) = (RoomKey::from_index(0), PeerKey::from_index(0));
        let mut track =
            Track::new(TrackId(1), room, peer, ParticipantId(1), &parameters).expect("usable");
        let mut pool = Pool::default();
        for place in 0..mode.encodings {
            track.bind(&mut pool, place, Role::Media, Ssrc(1_000 + place as u32));
        }
        let subscription = SubscriptionParameters {
            mid: "0".to_owned(),
            ssrc: 50,
            rtx_ssrc: Some(51),
            payloads: vec![PayloadMapping { from: PAYLOAD_TYPE, to: 100, rtx: Some(101) }],
            red: None,
            repeats: false,
        };
        let first = SeqNo(random.random_range(1..66_000));
        track.forwarders.push(Forwarder::new(PeerKey::from_index(1), &subscription, [first; 2]));
        let encoders = (0..mode.encodings as u8).map(|e| Encoder::new(mode, e, &mut random));
        let encoders = encoders.collect();
        let table =
            |id| Extensions::new(&[ExtensionId { id, extension: Extension::DependencyDescriptor }]);
        World {
            mode,
            track,
            now_ms: 0,
            got: BTreeMap::new(),
            arrived: BTreeSet::new(),
            drops: BTreeMap::new(),
            start: Instant::now(),
            pool,
            encoders,
            network,
            extenders: vec![None; mode.encodings],
            upstream: BTreeMap::new(),
            requests: Vec::new(),
            sent: 0,
            tables: DESCRIPTOR.map(table),
            requested: 0,
            asked_again: 0,
            repaired: 0,
            random,
        }
    }

    pub fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.now_ms)
    }

    pub fn has_losses(&self) -> bool {
        self.network.loss > 0
    }

    pub fn forwarder(&self) -> &Forwarder {
        &self.track.forwarders[0]
    }

    /// What an allocator does.
    pub fn set_target(&mut self, target: Option<Target>) {
        if self.track.set_target(0, target) {
            self.track.urge(0);
        }
        if self.forwarder().waits() && !self.replay() {
            self.track.want_keyframe_for(0);
        }
    }

    /// One millisecond.
    pub fn step(&mut self) {
        self.now_ms += 1;
        if self.now_ms.is_multiple_of(INTERVAL_MS) {
            let ticks = (self.now_ms * 90) as u32;
            for place in 0..self.encoders.len() {
                for sent in self.encoders[place].encode(ticks, &mut self.random) {
                    self.send(sent);
                }
            }
        }
        if self.now_ms.is_multiple_of(250) && !self.forwarder().has_reached_now(&self.track) {
            self.track.urge(0);
        }
        let now = self.now();
        for (place, encoding) in self.track.encodings.iter_mut().enumerate() {
            if encoding.keyframes.take(now) {
                self.requested += 1;
                self.requests.push((self.now_ms + REQUEST_MS, place));
            }
        }
        let due = self.requests.iter().filter(|(at, _)| *at <= self.now_ms);
        due.for_each(|(_, place)| self.encoders[*place].wants_keyframe = true);
        self.requests.retain(|(at, _)| *at > self.now_ms);
        while let Some(entry) = self.upstream.first_entry().filter(|e| e.key().0 <= self.now_ms) {
            let sent = entry.remove();
            self.receive(&sent);
        }
    }

    fn send(&mut self, sent: Sent) {
        let Network { loss, unrepaired, swapped, jitter_ms } = self.network;
        let mut at = self.now_ms + 10;
        if self.random.random_range(0..100) < swapped {
            at += self.random.random_range(1..=jitter_ms);
        }
        self.sent += 1;
        if self.random.random_range(0..100) < loss {
            if self.random.random_range(0..100) < unrepaired {
                return;
            }
            at += self.random.random_range(30..200);
        }
        self.upstream.insert((at, self.sent), sent);
    }

    /// What `Engine::receive` does with a packet.
    fn receive(&mut self, sent: &Sent) {
        let bytes = packet(sent);
        let view = View::parse(&bytes).expect("well-formed");
        let sequence = view.header.fields.sequence;
        let extender = self.extenders[sent.encoding]
            .get_or_insert_with(|| Extender::after(SeqNo(sent.sequence)));
        let number = extender.extend(sequence);
        let now = self.now();
        let arrival = Arrival {
            sent: number,
            timestamp: view.header.fields.timestamp,
            padding: false,
            repair: false,
        };
        let encoding = &mut self.track.encodings[sent.encoding];
        let Ok(place) = encoding.receive(now, &arrival, false) else { return };
        let codec = codec_name(self.mode.syntax);
        let payload_type = view.header.fields.payload_type;
        let range = view.payload_range();
        let packet = Packet::read(&view, range, payload_type, codec, &self.tables[0]);
        let mut packet = packet.expect("readable");
        packet.number = place.number;
        encoding.note_layers(now, &mut packet, &bytes);
        self.track.heard(now, sent.encoding);
        let encoding = &mut self.track.encodings[sent.encoding];
        assert!(encoding.keep(&mut self.pool, now, &packet, &bytes));
        self.arrived.insert((sent.stamp.frame, sent.stamp.index));
        self.forward(sent.encoding, &packet, &bytes);
        if packet.starts_keyframe {
            self.catch_up(sent.encoding, packet.number);
        }
    }

    fn forward(&mut self, place: usize, packet: &Packet, bytes: &[u8]) {
        let now = self.now();
        let (source, forwarders) = self.track.split(place).expect("an encoding");
        let forwarder = &mut forwarders[0];
        let segment = match forwarder.select(now, &source, packet) {
            Ok(segment) => segment,
            Err(reason) => return *self.drops.entry(reason.name()).or_default() += 1,
        };
        let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
        let written = forwarder
            .rewrite(&segment, packet, bytes, &Earlier::default(), &self.tables[1], &mut buffer)
            .expect("written");
        forwarder.remember(now, &segment, packet, &written);
        buffer.truncate(written.len);
        let payload = View::parse(&buffer).expect("well-formed").payload().to_vec();
        let stamp = if payload.is_empty() { None } else { Stamp::read(&payload) };
        let got = Got { bytes: buffer, at_ms: self.now_ms, stamp };
        let former = self.got.insert(written.index.0, got);
        assert!(former.is_none(), "number {} was used twice", written.index.0);
    }

    fn catch_up(&mut self, place: usize, beginning: SeqNo) {
        let encoding = &self.track.encodings[place];
        let (stream, newest) = (encoding.stream, encoding.newest().expect("some"));
        if self.forwarder().began_with(stream, beginning) {
            self.send_cached(place, beginning.next(), newest);
        }
    }

    /// What `Engine::replay` does.
    fn replay(&mut self) -> bool {
        let now = self.now();
        let Some((source, _)) = self.track.split_for(0) else { return false };
        let (place, cache) = (source.place, &source.encoding.cache);
        let Some((first, last)) = cache.group().zip(cache.newest()) else { return false };
        if !(first.0..=last.0).all(|number| cache.find(&self.pool, SeqNo(number)).is_some()) {
            return false;
        }
        let packet = *cache.find(&self.pool, first).expect("kept").0;
        let (source, forwarders) = self.track.split(place).expect("an encoding");
        let live = source.encoding.newest_moment().unwrap_or(Moment::of(&packet));
        forwarders[0].switch(now, &source, &packet, live);
        self.send_cached(place, first, last);
        true
    }

    fn send_cached(&mut self, place: usize, first: SeqNo, last: SeqNo) {
        for number in first.0..=last.0 {
            let cache = &self.track.encodings[place].cache;
            let cached = cache.find(&self.pool, SeqNo(number));
            let cached = cached.map(|(packet, bytes)| (*packet, bytes.to_vec()));
            if let Some((packet, bytes)) = cached {
                self.forward(place, &packet, &bytes);
            }
        }
    }

    /// The subscriber asks for a packet that it got: it gets the same again.
    pub fn check_retransmission(&mut self, index: u64) {
        let expected = self.got[&index].bytes.clone();
        let Some((again, payload)) = self.retransmit(index) else { return };
        let (again, first) = (View::parse(&again), View::parse(&expected));
        let (again, first) = (again.expect("well-formed"), first.expect("well-formed"));
        assert_eq!(payload[2..], *first.payload());
        assert_eq!(again.header.fields.marker, first.header.fields.marker);
        assert_eq!(again.header.fields.timestamp, first.header.fields.timestamp);
        let elements = |view: &View<'_>| {
            view.extensions().map(|(id, value)| (id, value.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(elements(&again), elements(&first));
        self.asked_again += 1;
    }

    /// The subscriber asks for what it lacks of the latest numbers. What has come to the node
    /// meanwhile is sent, however the subscription has changed since.
    pub fn repair_holes(&mut self) {
        let Some(newest) = self.got.keys().next_back().copied() else { return };
        let first =
            self.got.keys().next().copied().unwrap_or(newest).max(newest.saturating_sub(300));
        let holes: Vec<u64> = (first..newest).filter(|n| !self.got.contains_key(n)).collect();
        for index in holes {
            let Some((bytes, payload)) = self.retransmit(index) else { continue };
            let mut bytes = bytes;
            // As it would have come the first time: without the number in front of the payload.
            let at = bytes.len() - payload.len();
            bytes.drain(at..at + 2);
            let stamp = Stamp::read(&payload[2..]);
            self.got.insert(index, Got { bytes, at_ms: self.now_ms, stamp });
            self.repaired += 1;
        }
    }

    /// A packet sent again: its bytes without padding, and its payload.
    fn retransmit(&mut self, index: u64) -> Option<(Vec<u8>, Vec<u8>)> {
        let (segment, number) = self.forwarder().find_sent(index as u16)?;
        assert_eq!(segment.number(number), Some(SeqNo(index)), "the mapping goes both ways");
        let mut encodings = self.track.encodings.iter();
        let source = encodings.find(|encoding| encoding.stream == segment.stream)?;
        let (packet, bytes) = source.cache.find(&self.pool, number)?;
        let (packet, bytes) = (*packet, bytes.to_vec());
        let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
        let forwarder = &mut self.track.forwarders[0];
        let written = forwarder
            .rewrite_repair(&segment, &packet, &bytes, &self.tables[1], &mut buffer)
            .expect("written");
        buffer.truncate(written.len);
        let view = View::parse(&buffer).expect("well-formed");
        let (payload, padding) = (view.payload().to_vec(), view.padding_len());
        assert_eq!(payload[..2], (index as u16).to_be_bytes());
        buffer.truncate(buffer.len() - padding);
        Some((buffer, payload))
    }
}

/// Whether the goal of a forwarder is reached in its track.
pub trait Reached {
    fn has_reached_now(&self, track: &Track) -> bool;
}

impl Reached for Forwarder {
    fn has_reached_now(&self, track: &Track) -> bool {
        let best = track.encodings.iter().rposition(|encoding| encoding.heard.is_some());
        self.has_reached(&track.encodings, best)
    }
}
