//! The egress state of one subscription: select, rewrite, remember.

mod clock;
mod content;
mod select;
mod sent;
mod slot;
mod write;

use crate::DropReason;
use crate::arena::PeerKey;
use crate::clock::WallClock;
use crate::encoding::Encoding;
use crate::extensions::Extensions;
use crate::frame::Target;
use crate::layers::Selection;
use crate::limits::INDEX_JUMP;
use crate::nack::Repairs;
use crate::pacer::Class;
use crate::packet::{Packet, Picture};
use crate::rewrite::{Latest, Moment, Rewriter, Segment, Stream};
use content::Content;
use lectern_control::media::{MediaKind, PayloadMapping, SlotCodec, SubscriptionParameters, Wish};
use lectern_wire::{Mid, RtpTime, SeqNo, Ssrc};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::{Duration, Instant};
use write::Header;

pub use content::Earlier;

/// One subscription: what a peer is sent of a track.
#[derive(Debug)]
pub struct Forwarder {
    /// The subscriber.
    pub peer: PeerKey,
    /// The subscriber does not show the track for now.
    pub paused: bool,
    /// What the subscriber wants of the track.
    pub wish: Wish,
    /// When an allocator last gave it less than before.
    pub lowered: Option<Instant>,
    /// Since when a keyframe is waited for rather than the group that is there.
    pub awaits_fresh: Option<Instant>,
    /// The stream at the subscriber.
    pub ssrc: Ssrc,
    /// The stream of retransmissions at the subscriber.
    pub repair_ssrc: Option<Ssrc>,
    /// What went out, for sender reports.
    pub sent: Sent,
    /// Which packets were sent again lately.
    pub repairs: Repairs,
    /// Lost sound is sent again as it left, under its own number.
    pub repeats: bool,
    /// The highest number that was asked for, and what had been sent then.
    asked: Option<(SeqNo, u32)>,
    /// The subscriber has reported about the stream: it knows what the SSRC means.
    pub acknowledged: bool,
    /// What the last two sender reports said: the middle of their NTP time, and when they left.
    pub reported: [Option<(u32, Instant)>; 2],
    mid: Option<Mid>,
    payloads: SmallVec<[PayloadMapping; 8]>,
    /// The payload type of redundant sound, where the subscriber knows it.
    red: Option<u8>,
    /// Of a sound slot, which carries tracks of all publishers; otherwise none.
    codecs: SmallVec<[SlotCodec; 2]>,
    /// Nothing is sent until a keyframe comes.
    waits: bool,
    goal: Goal,
    /// Once some layers were left out.
    selection: Option<Box<Selection>>,
    rewriter: Rewriter,
    next_repair: SeqNo,
    /// The number after the highest one that has left; what has a higher one waits.
    left: SeqNo,
    last_sent: Option<Instant>,
    /// How far its timestamps are ahead of the time that has passed, in ticks.
    ahead: i32,
    /// At the former node: the publisher's SSRC, and what was added to its timestamps.
    resumes: Option<(u32, u32)>,
}

/// What a subscriber is to get of a track.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Goal {
    /// All layers of the best encoding that is live: nobody allocates.
    #[default]
    Best,
    /// What an allocator has room for.
    Target(Target),
    /// Nothing: there is no room.
    Nothing,
}

/// What went out on a stream (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Packets.
    pub packets: u32,
    /// Bytes of payload.
    pub payload_bytes: u32,
}

/// What a forwarder must know of the track a packet belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Sound or picture.
    pub kind: MediaKind,
    /// How much it matters when it leaves.
    pub class: Class,
    /// All encodings of the track.
    pub encodings: &'a [Encoding],
    /// The one the packet belongs to.
    pub encoding: &'a Encoding,
    /// Its place in the track.
    pub place: usize,
    /// The place of the best encoding that is live.
    pub best: Option<usize>,
    /// What was sent right before, where that is sound.
    pub earlier: Earlier<'a>,
}

/// A packet as it is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// The extended sequence number to seal it under.
    pub index: SeqNo,
    /// Its bytes before sealing.
    pub len: usize,
    timestamp: RtpTime,
    payload_len: u32,
    /// Where its transport-wide number stands; 0 where it has none.
    transport_number: u8,
}

impl Rewritten {
    /// The place of its transport-wide number, which is given when it leaves.
    #[inline]
    pub fn transport_number<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let start = usize::from(self.transport_number);
        buffer.get_mut(start..start + 2).filter(|_| start > 0)
    }
}

/// A forwarder's state as plain data, for another node to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    next: u64,
    next_repair: u64,
    latest: Option<Latest>,
    sent: Sent,
    /// The publisher's SSRC and what is added to its timestamps.
    timestamps: Option<(u32, u32)>,
    /// When the last packet left, in microseconds since 1970.
    last_sent_unix_us: Option<u64>,
}

impl Forwarder {
    /// A subscription of which nothing has been sent. The first sequence numbers come from outside:
    /// they are random, or go on after what was sent under the same SSRC before.
    pub fn new(peer: PeerKey, parameters: &SubscriptionParameters, first: [SeqNo; 2]) -> Forwarder {
        Forwarder {
            peer,
            paused: false,
            wish: Wish::default(),
            lowered: None,
            awaits_fresh: None,
            ssrc: Ssrc(parameters.ssrc),
            repair_ssrc: parameters.rtx_ssrc.map(Ssrc),
            sent: Sent::default(),
            repairs: Repairs::default(),
            repeats: parameters.repeats,
            asked: None,
            acknowledged: false,
            reported: [None; 2],
            mid: parameters.mid.parse().ok(),
            payloads: SmallVec::from_slice(&parameters.payloads),
            red: parameters.red,
            codecs: SmallVec::new(),
            waits: true,
            goal: Goal::Best,
            selection: None,
            rewriter: Rewriter::new(first[0]),
            next_repair: first[1],
            left: first[0],
            last_sent: None,
            ahead: 0,
            resumes: None,
        }
    }

    /// Goes on where another node stopped. All numbers jump by [`INDEX_JUMP`], and video waits for
    /// a keyframe.
    pub fn resume(self, now: Instant, wall: &WallClock, state: &State) -> Forwarder {
        let next_repair = SeqNo(state.next_repair).plus(INDEX_JUMP);
        let last_sent = state.last_sent_unix_us.and_then(|sent| {
            let passed = wall.unix(now).saturating_sub(Duration::from_micros(sent));
            now.checked_sub(passed)
        });
        Forwarder {
            sent: state.sent,
            rewriter: Rewriter::after(SeqNo(state.next), state.latest, INDEX_JUMP),
            last_sent,
            resumes: state.timestamps,
            left: SeqNo(state.next).plus(INDEX_JUMP),
            next_repair,
            ..self
        }
    }

    /// Everything another node needs to go on.
    pub fn export(&self, now: Instant, wall: &WallClock, encodings: &[Encoding]) -> State {
        let current = self.rewriter.current();
        let timestamps = current.and_then(|segment| {
            let source = encodings.iter().find(|source| source.stream == segment.stream)?;
            Some((source.ssrc?.0, segment.live_timestamp(RtpTime(0)).0))
        });
        let last_sent_unix_us = self.last_sent.map(|sent| {
            let unix = wall.unix(now).saturating_sub(now.saturating_duration_since(sent));
            unix.as_micros() as u64
        });
        State {
            next: self.rewriter.next().0,
            next_repair: self.next_repair.0,
            latest: self.rewriter.latest(),
            sent: self.sent,
            timestamps: timestamps.or(self.resumes),
            last_sent_unix_us,
        }
    }

    /// How the subscription was asked for.
    pub fn parameters(&self) -> SubscriptionParameters {
        SubscriptionParameters {
            mid: self.mid.map(|mid| mid.to_string()).unwrap_or_default(),
            ssrc: self.ssrc.0,
            rtx_ssrc: self.repair_ssrc.map(|ssrc| ssrc.0),
            payloads: self.payloads.to_vec(),
            red: self.red,
            repeats: self.repeats,
        }
    }

    /// The subscriber negotiated again; the stream goes on. `first` is the first number of the
    /// stream of retransmissions, where that is another one.
    pub fn set_parameters(&mut self, parameters: &SubscriptionParameters, first: SeqNo) {
        let repair_ssrc = parameters.rtx_ssrc.map(Ssrc);
        if repair_ssrc != self.repair_ssrc {
            (self.repair_ssrc, self.next_repair) = (repair_ssrc, first);
        }
        self.mid = parameters.mid.parse().ok();
        self.payloads = SmallVec::from_slice(&parameters.payloads);
        (self.red, self.repeats) = (parameters.red, parameters.repeats);
        self.acknowledged = false;
    }

    /// Which life of which encoding is forwarded.
    pub fn stream(&self) -> Option<Stream> {
        self.rewriter.current().map(|segment| segment.stream)
    }

    /// Whether what is forwarded began with this packet of this life of an encoding.
    pub fn began_with(&self, stream: Stream, number: SeqNo) -> bool {
        let began = self.rewriter.current().map(|segment| (segment.stream, segment.first_in));
        began == Some((stream, number)) && !self.waits
    }

    /// What an allocator has granted; `None` where nothing, or where none has said anything.
    pub fn target(&self) -> Option<Target> {
        match self.goal {
            Goal::Target(target) => Some(target),
            Goal::Nothing | Goal::Best => None,
        }
    }

    /// The next unused number of the stream and of its retransmissions.
    pub fn next_numbers(&self) -> [SeqNo; 2] {
        [self.rewriter.next(), self.next_repair]
    }

    /// The number after the highest one that has left. Nothing from it on may be sent again: what waits
    /// may be withdrawn, and its number given to another packet.
    pub fn left(&self) -> SeqNo {
        self.left
    }

    /// A packet has left without waiting.
    #[inline]
    pub fn has_left_at_once(&mut self, number: SeqNo) {
        self.left = self.left.max(number.next());
        self.rewriter.latest_left();
    }

    /// A packet has left that had to wait.
    pub fn has_left(&mut self, segment: &Segment, packet: &Packet, rewritten: &Rewritten) {
        self.left = self.left.max(rewritten.index.next());
        let picture = picture_of(segment, packet);
        self.rewriter.left(rewritten.index, rewritten.timestamp, picture);
    }

    /// What waits does not leave any more: its numbers are given to what comes instead. Nothing is
    /// sent until a keyframe comes.
    pub fn withdraw(&mut self) {
        self.waits = true;
        self.rewriter.take_back(self.left);
    }

    /// Writes a packet as the subscriber sees it into `buffer`, with copies of `earlier` ones where the
    /// subscriber takes such.
    #[inline]
    pub fn rewrite(
        &self,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        earlier: &Earlier<'_>,
        extensions: &Extensions,
        buffer: &mut [u8],
    ) -> Result<Rewritten, DropReason> {
        let index = segment.number(packet.number).ok_or(DropReason::BeforeSwitch)?;
        let (payload_type, content) = self.content(segment, packet, bytes, earlier)?;
        let header = Header { index, ssrc: self.ssrc, payload_type, content, original: None };
        self.write(&header, segment, packet, bytes, extensions, buffer)
    }

    /// The numbers of a packet that is to be written when its turn comes.
    pub fn place(
        &self,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
    ) -> Result<Rewritten, DropReason> {
        let index = segment.number(packet.number).ok_or(DropReason::BeforeSwitch)?;
        self.payload_type(packet)?;
        Ok(Rewritten {
            index,
            len: bytes.len(),
            timestamp: segment.timestamp(Moment::of(packet)),
            payload_len: packet.payload(bytes).len() as u32,
            transport_number: 0,
        })
    }

    /// Writes a packet that was sent before as a retransmission (RFC 4588) into `buffer`.
    pub fn rewrite_repair(
        &mut self,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        extensions: &Extensions,
        buffer: &mut [u8],
    ) -> Result<Rewritten, DropReason> {
        let original = segment.number(packet.number).ok_or(DropReason::BeforeSwitch)?;
        let ssrc = self.repair_ssrc.ok_or(DropReason::UnmappedPayloadType)?;
        let index = self.next_repair;
        // A retransmission of sound goes without redundancy.
        let payload_type = self.mapping(packet.primary_type).and_then(|mapping| mapping.rtx);
        let payload_type = payload_type.ok_or(DropReason::UnmappedPayloadType)?;
        let content = Content::Primary;
        let header = Header { index, ssrc, payload_type, content, original: Some(original) };
        let rewritten = self.write(&header, segment, packet, bytes, extensions, buffer)?;
        self.next_repair = self.next_repair.next();
        Ok(rewritten)
    }

    /// A packet that was rewritten has been sent.
    #[inline]
    pub fn remember(
        &mut self,
        now: Instant,
        segment: &Segment,
        packet: &Packet,
        rewritten: &Rewritten,
    ) {
        self.sent.packets = self.sent.packets.wrapping_add(1);
        self.sent.payload_bytes = self.sent.payload_bytes.wrapping_add(rewritten.payload_len);
        self.last_sent = Some(now);
        let picture = picture_of(segment, packet);
        self.rewriter.sent(rewritten.index, rewritten.timestamp, picture);
    }
}

/// The picture's numbers as the subscriber sees them; none where the packet is sent empty.
#[inline]
fn picture_of(segment: &Segment, packet: &Packet) -> Picture {
    let is_empty = segment.empties(&packet.frame);
    if is_empty { Picture::default() } else { segment.picture(packet.picture) }
}

#[cfg(test)]
mod tests;
