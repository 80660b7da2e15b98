//! One track's packets, as they came → its frames, in order.
//!
//! Holds a bounded window of packets, so that what was sent again finds its place.

mod av1;
mod frame;
mod h264;
mod lane;
mod picture;
mod sound;
mod vp8;
mod vp9;
mod window;

#[cfg(test)]
mod tests;

use self::frame::Frame;
use self::lane::Lane;
use self::window::Pushed;
use crate::clock::Clocks;
use crate::packet::{Packet, StreamId};
use crate::unit::Unit;
use lectern_control::TrackId;
use lectern_control::media::MediaKind;
use std::collections::{BTreeMap, VecDeque};

/// Streams that were left, remembered for packets of theirs that come late. A track changes its
/// encoding a few times a minute, so that these reach back far longer than a retransmission.
const MAX_LEFT: usize = 64;
/// Two pictures are this far apart at least, whatever timestamps say: a container's ticks must grow.
const MIN_STEP_US: i64 = 1_000;
/// Sound that begins this much after the end of the sound before has a gap before it: half of the
/// shortest packet that browsers send.
const SOUND_GAP_US: i64 = 5_000;
/// Pictures this far apart have a pause between them: a shared screen where nothing moves is sent
/// once a second.
const PICTURE_GAP_US: i64 = 5_000_000;

/// What was seen and what was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets given.
    pub packets: u64,
    /// Packets that had been seen before.
    pub duplicates: u64,
    /// Packets that came when their place had been given up, or of a stream that was left.
    pub late: u64,
    /// Packets that cannot be read.
    pub broken: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets of sound that never came, and were found in a later one (RFC 2198).
    pub restored: u64,
    /// Frames given.
    pub units: u64,
    /// Frames left out because a part is missing, or something they depend on.
    pub dropped: u64,
}

/// Makes frames of packets. [`Assembler::push`] packets, and [`Assembler::poll`] after each.
#[derive(Debug)]
pub struct Assembler {
    track: TrackId,
    clocks: Clocks,
    counts: Counts,
    now_us: i64,
    current: Option<Lane>,
    /// A stream that follows on the current one, which may still have packets to come.
    following: Option<Lane>,
    /// Streams that were left, and the number after the last packet taken of each.
    left: BTreeMap<StreamId, u64>,
    frames: VecDeque<Frame>,
    ready: VecDeque<Unit>,
    last: Option<Last>,
}

/// When the unit before began and ended.
#[derive(Debug, Clone, Copy)]
struct Last {
    at_us: i64,
    end_us: i64,
}

impl Assembler {
    /// For a track of the participant whose clocks these are.
    pub fn new(track: TrackId, clocks: Clocks) -> Assembler {
        Assembler {
            track,
            clocks,
            counts: Counts::default(),
            now_us: i64::MIN,
            current: None,
            following: None,
            left: BTreeMap::new(),
            frames: VecDeque::new(),
            ready: VecDeque::new(),
            last: None,
        }
    }

    /// Takes a packet, in the order of arrival. Packets of other tracks are not looked at.
    pub fn push(&mut self, packet: Packet) {
        if packet.track != self.track {
            return;
        }
        self.counts.packets = self.counts.packets.saturating_add(1);
        self.now_us = self.now_us.max(packet.arrival_us);
        let kind = packet.codec.kind();
        match self.lane(&packet).map_or(Pushed::Late, |lane| lane.push(packet)) {
            Pushed::Held => {}
            Pushed::Duplicate => self.counts.duplicates = self.counts.duplicates.saturating_add(1),
            Pushed::Late => self.counts.late = self.counts.late.saturating_add(1),
        }
        self.follow(kind);
        if let Some(current) = &mut self.current {
            current.frames(self.now_us, &mut self.counts, &mut self.frames);
            let stream = current.stream;
            self.give(stream);
        }
    }

    /// No more packets come: what is held is given out, holes or not.
    pub fn finish(&mut self) {
        while self.current.is_some() {
            self.leave();
        }
    }

    /// The next frame, in the order of decoding; their times grow.
    pub fn poll(&mut self) -> Option<Unit> {
        self.ready.pop_front()
    }

    /// What was seen and lost so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Where a packet of a stream goes; `None` where the stream was left, and the packet is from
    /// before that.
    fn lane(&mut self, packet: &Packet) -> Option<&mut Lane> {
        let Packet { stream, number, arrival_us, codec, .. } = *packet;
        if self.current.as_ref().is_some_and(|lane| lane.stream == stream) {
            return self.current.as_mut();
        }
        if self.following.as_ref().is_some_and(|lane| lane.stream == stream) {
            return self.following.as_mut();
        }
        if self.left.get(&stream).is_some_and(|next| number < *next) {
            return None;
        }
        let kind = codec.kind();
        if self.following.as_ref().is_some_and(|following| following.can_begin(kind)) {
            self.leave();
        }
        let lane = Lane::new(stream, arrival_us);
        if self.current.is_none() {
            return Some(self.current.insert(lane));
        }
        Some(self.following.insert(lane))
    }

    /// Goes over to the following stream where it can begin, and the current one has had its time.
    fn follow(&mut self, kind: MediaKind) {
        let (Some(current), Some(following)) = (&self.current, &mut self.following) else { return };
        following.trim();
        let is_past = |since: i64| self.now_us.saturating_sub(since) >= window::WAIT_US;
        let is_due = is_past(following.first_us);
        if is_due && (following.can_begin(kind) || is_past(current.last_us)) {
            self.leave();
        }
    }

    /// Ends the current stream; the following one is the current one now.
    fn leave(&mut self) {
        let Some(mut lane) = self.current.take() else { return };
        lane.end(&mut self.counts, &mut self.frames);
        self.give(lane.stream);
        if self.left.len() >= MAX_LEFT {
            self.left.pop_first();
        }
        self.left.insert(lane.stream, lane.next().unwrap_or(0));
        self.current = self.following.take();
    }

    /// Puts frames on the session clock.
    fn give(&mut self, stream: StreamId) {
        let until_us = self.following.as_ref().and_then(|following| {
            let (rtp, arrival_us) = following.keyframe?;
            Some(self.clocks.at(self.track, following.stream, rtp, arrival_us))
        });
        while let Some(frame) = self.frames.pop_front() {
            let at_us = self.clocks.at(self.track, stream, frame.rtp, frame.arrival_us);
            let unit = match frame.codec.kind() {
                MediaKind::Audio => self.sound(frame, at_us),
                // The following stream shows this moment.
                MediaKind::Video if until_us.is_some_and(|until_us| at_us >= until_us) => None,
                MediaKind::Video => Some(self.picture(frame, at_us)),
            };
            if let Some(unit) = unit {
                self.counts.units = self.counts.units.saturating_add(1);
                self.ready.push_back(unit);
            }
        }
    }

    /// `None` where most of it was heard already.
    fn sound(&mut self, frame: Frame, at_us: i64) -> Option<Unit> {
        let duration_us = i64::from(frame.samples).saturating_mul(1_000).div_euclid(48);
        let mut unit = frame.unit(at_us);
        if let Some(last) = self.last {
            let middle_us = at_us.saturating_add(duration_us >> 1);
            if middle_us <= last.end_us || at_us <= last.at_us {
                self.counts.dropped = self.counts.dropped.saturating_add(1);
                return None;
            }
            unit.after_gap |= at_us > last.end_us.saturating_add(SOUND_GAP_US);
        }
        self.last = Some(Last { at_us, end_us: at_us.saturating_add(duration_us) });
        Some(unit)
    }

    fn picture(&mut self, frame: Frame, at_us: i64) -> Unit {
        let mut unit = frame.unit(at_us);
        if let Some(last) = self.last {
            unit.at_us = at_us.max(last.at_us.saturating_add(MIN_STEP_US));
            unit.after_gap |= unit.at_us.saturating_sub(last.at_us) > PICTURE_GAP_US;
        }
        self.last = Some(Last { at_us: unit.at_us, end_us: unit.at_us });
        unit
    }
}
