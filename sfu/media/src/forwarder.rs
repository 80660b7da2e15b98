//! The egress state of one subscription: select, rewrite, remember.

mod write;

use crate::DropReason;
use crate::arena::PeerKey;
use crate::clock::WallClock;
use crate::encoding::Encoding;
use crate::extensions::Extensions;
use crate::limits::{INDEX_JUMP, MAX_SEQUENCE_GAP};
use crate::nack::Repairs;
use crate::packet::Packet;
use crate::rewrite::{Latest, Moment, Rewriter, Segment};
use lectern_control::media::{MediaKind, PayloadMapping, SubscriptionParameters};
use lectern_wire::{MediaTime, Mid, NtpTime, PayloadType, RtpTime, SeqNo, Ssrc};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::{Duration, Instant};
use write::Header;

/// How far the timestamp that follows from two sender reports may be from the one that follows
/// from the time that has passed, in seconds; a report further off is not believed.
const MAX_CLOCK_ERROR_SECONDS: u32 = 2;

/// One subscription: what a peer is sent of a track.
#[derive(Debug)]
pub struct Forwarder {
    /// The subscriber.
    pub peer: PeerKey,
    /// The subscriber does not show the track for now.
    pub paused: bool,
    /// The stream at the subscriber.
    pub ssrc: Ssrc,
    /// The stream of retransmissions at the subscriber.
    pub repair_ssrc: Option<Ssrc>,
    /// What went out, for sender reports.
    pub sent: Sent,
    /// Which packets were sent again lately.
    pub repairs: Repairs,
    /// The subscriber has reported about the stream: it knows what the SSRC means.
    pub acknowledged: bool,
    /// What the last two sender reports said: the middle of their NTP time, and when they left.
    pub reported: [Option<(u32, Instant)>; 2],
    mid: Option<Mid>,
    payloads: SmallVec<[PayloadMapping; 8]>,
    /// Nothing is sent until a keyframe comes.
    waits: bool,
    rewriter: Rewriter,
    next_repair: SeqNo,
    last_sent: Option<Instant>,
    /// At the former node: the publisher's SSRC, and what was added to its timestamps.
    resumes: Option<(u32, u32)>,
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
    /// All encodings of the track.
    pub encodings: &'a [Encoding],
    /// The one the packet belongs to.
    pub encoding: &'a Encoding,
    /// The packet belongs to the best encoding that is live.
    pub is_best: bool,
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
            ssrc: Ssrc(parameters.ssrc),
            repair_ssrc: parameters.rtx_ssrc.map(Ssrc),
            sent: Sent::default(),
            repairs: Repairs::default(),
            acknowledged: false,
            reported: [None; 2],
            mid: parameters.mid.parse().ok(),
            payloads: SmallVec::from_slice(&parameters.payloads),
            waits: true,
            rewriter: Rewriter::new(first[0]),
            next_repair: first[1],
            last_sent: None,
            resumes: None,
        }
    }

    /// Goes on where another node stopped. All numbers jump by [`INDEX_JUMP`], and video waits for
    /// a keyframe.
    pub fn restore(
        now: Instant,
        wall: &WallClock,
        peer: PeerKey,
        parameters: &SubscriptionParameters,
        state: &State,
    ) -> Forwarder {
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
            ..Forwarder::new(peer, parameters, [SeqNo::default(), next_repair])
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
        self.acknowledged = false;
    }

    /// Whether the next packet sent begins with a keyframe.
    pub fn waits(&self) -> bool {
        self.waits && !self.paused
    }

    /// Sends nothing more until a keyframe comes.
    pub fn wait(&mut self) {
        self.waits = true;
    }

    /// Which life of which encoding is forwarded.
    pub fn stream(&self) -> Option<u32> {
        self.rewriter.current().map(|segment| segment.stream)
    }

    /// Whether what is forwarded began with this packet of this life of an encoding.
    pub fn began_with(&self, stream: u32, number: SeqNo) -> bool {
        let began = self.rewriter.current().map(|segment| (segment.stream, segment.first_in));
        began == Some((stream, number)) && !self.waits
    }

    /// The next unused number of the stream and of its retransmissions.
    pub fn next_numbers(&self) -> [SeqNo; 2] {
        [self.rewriter.next(), self.next_repair]
    }

    /// Whether a packet is for this subscriber, and how it is mapped. Switches where the packet
    /// lets it: to a better layer, after a pause, to a publisher that began anew.
    #[inline]
    pub fn select(
        &mut self,
        now: Instant,
        source: &Source<'_>,
        packet: &Packet,
    ) -> Result<Segment, DropReason> {
        if self.paused {
            return Err(DropReason::Paused);
        }
        let stream = source.encoding.stream;
        if let Some(segment) = self.rewriter.current()
            && segment.stream == stream
            && !self.waits
        {
            let number = segment.number(packet.number).ok_or(DropReason::BeforeSwitch)?;
            if number.since(self.rewriter.next()).unwrap_or(0) < MAX_SEQUENCE_GAP {
                return Ok(*segment);
            }
            self.waits = true;
        }
        let begins = source.kind == MediaKind::Audio || packet.starts_keyframe;
        match (self.waits, begins) {
            (true, false) => Err(DropReason::AwaitsKeyframe),
            (false, false) => Err(DropReason::NotSelected),
            (false, true) if !source.is_best => Err(DropReason::NotSelected),
            (_, true) => {
                // A keyframe that was repaired is late; what came after it follows at once.
                let newest = match source.kind {
                    MediaKind::Video => source.encoding.newest_moment(),
                    MediaKind::Audio => None,
                };
                let live = newest.unwrap_or(Moment::of(packet));
                Ok(self.switch(now, source, packet, live))
            }
        }
    }

    /// Begins a new mapping with a packet that may be older than `live`, the newest one.
    pub fn switch(
        &mut self,
        now: Instant,
        source: &Source<'_>,
        packet: &Packet,
        live: Moment,
    ) -> Segment {
        let out = self.timestamp_at_switch(now, source, live.timestamp);
        self.waits = false;
        *self.rewriter.switch(source.encoding.stream, packet, live, out)
    }

    /// Writes a packet as the subscriber sees it into `buffer`.
    #[inline]
    pub fn rewrite(
        &self,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        extensions: &Extensions,
        buffer: &mut [u8],
    ) -> Result<Rewritten, DropReason> {
        let index = segment.number(packet.number).ok_or(DropReason::BeforeSwitch)?;
        let payload_type = self.payload_type(packet)?.to;
        let header = Header { index, ssrc: self.ssrc, payload_type, original: None };
        self.write(&header, segment, packet, bytes, extensions, buffer)
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
        let payload_type = self.payload_type(packet)?.rtx.ok_or(DropReason::UnmappedPayloadType)?;
        let header =
            Header { index: self.next_repair, ssrc, payload_type, original: Some(original) };
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
        self.rewriter.sent(rewritten.index, rewritten.timestamp, segment.picture(packet.picture));
    }

    /// The packet behind a sequence number that a NACK names: its mapping and its number.
    pub fn find_sent(&self, sequence: u16) -> Option<(Segment, SeqNo)> {
        let latest = SeqNo(self.rewriter.next().0.checked_sub(1)?);
        let (segment, number) = self.rewriter.original(latest.nearest(sequence)?)?;
        Some((*segment, number))
    }

    /// The sender's clock as the subscriber is to be told it: the publisher's wall clock, and the
    /// same moment on the rewritten stream, so that lips stay in step over every switch.
    pub fn sender_clock(&self, now: Instant, encodings: &[Encoding]) -> Option<(NtpTime, RtpTime)> {
        let segment = self.rewriter.current()?;
        let source = encodings.iter().find(|encoding| encoding.stream == segment.stream)?;
        let (ntp, rtp) = source.clock?.at(now);
        Some((ntp, segment.live_timestamp(rtp)))
    }

    /// Notes a sender report that left at `now`.
    pub fn reported(&mut self, now: Instant, ntp: NtpTime) {
        self.reported = [Some((ntp.middle(), now)), self.reported[0]];
    }

    fn payload_type(&self, packet: &Packet) -> Result<PayloadMapping, DropReason> {
        self.mapping(packet.payload_type).ok_or(DropReason::UnmappedPayloadType)
    }

    fn mapping(&self, from: PayloadType) -> Option<PayloadMapping> {
        self.payloads.iter().find(|mapping| mapping.from == from.value()).copied()
    }

    /// The timestamp that goes on where the stream stopped.
    fn timestamp_at_switch(&self, now: Instant, source: &Source<'_>, live: RtpTime) -> RtpTime {
        let (Some(latest), Some(last_sent)) = (self.rewriter.latest_timestamp(), self.last_sent)
        else {
            return live;
        };
        let rate = source.encoding.clock_rate();
        let passed = now.saturating_duration_since(last_sent);
        let guess = latest.plus(MediaTime::from_duration(passed, rate).wrapped_ticks().max(1));
        let exact = self.translate(source, live).filter(|exact| {
            let error = exact.since(guess).unsigned_abs();
            exact.since(latest) > 0 && error <= rate * MAX_CLOCK_ERROR_SECONDS
        });
        exact.unwrap_or(guess)
    }

    /// A timestamp of an encoding on the subscriber's clock as it was before a switch.
    fn translate(&self, source: &Source<'_>, timestamp: RtpTime) -> Option<RtpTime> {
        let Some(segment) = self.rewriter.current() else {
            let (ssrc, offset) = self.resumes?;
            let same = source.encoding.ssrc == Some(Ssrc(ssrc));
            return same.then_some(RtpTime(timestamp.0.wrapping_add(offset)));
        };
        if segment.stream == source.encoding.stream {
            return Some(segment.live_timestamp(timestamp));
        }
        let former = source.encodings.iter().find(|former| former.stream == segment.stream)?;
        let translated = source.encoding.clock?.translate(timestamp, &former.clock?);
        Some(segment.live_timestamp(translated))
    }
}

#[cfg(test)]
mod tests;
