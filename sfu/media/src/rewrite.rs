//! Rewriting: one continuous stream for a subscriber out of whatever the publisher sends.
//!
//! Sequence numbers, timestamps and picture numbers go on where they stopped when the layer
//! changes, the publisher begins anew, or the subscriber was paused. A stretch without such a
//! change is a [`Segment`]; within it every number moves by a constant, so that a retransmission
//! is rewritten as the original was.

use crate::frame::{Frame, Targets};
use crate::layers::runs::Piece;
use crate::layers::selection::Placement;
use crate::limits::REMEMBERED_SWITCHES;
use crate::packet::{Packet, Picture};
use lectern_control::TrackId;
use lectern_wire::{RtpTime, SeqNo};
use serde::{Deserialize, Serialize};

/// Which life of which encoding: numbers of two have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stream {
    /// The track.
    pub track: TrackId,
    /// Counts the lives of the track's encodings.
    pub life: u32,
}

impl Stream {
    /// Nothing has come yet.
    pub const NONE: Stream = Stream { track: TrackId(0), life: 0 };
}

/// A packet's place in a publisher's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Its number.
    pub number: SeqNo,
    /// Its timestamp.
    pub timestamp: RtpTime,
}

impl Moment {
    /// The place of a packet.
    #[inline]
    pub fn of(packet: &Packet) -> Moment {
        Moment { number: packet.number, timestamp: packet.timestamp }
    }
}

/// A constant mapping from a publisher's stream to a subscriber's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Which life of which encoding it maps; see [`crate::encoding::Encoding::stream`].
    pub stream: Stream,
    /// The first number of the publisher's that it maps.
    pub first_in: SeqNo,
    /// What that number becomes.
    pub first_out: SeqNo,
    /// From this packet of the publisher's on, time passes for the subscriber as it does for the
    /// publisher. What came before is old by the time it is sent, and squeezed together. The number
    /// decides what came before: timestamps wrap within hours, and a segment may last for days.
    live_from: Moment,
    offsets: Offsets,
    layers: Option<Layers>,
}

/// Which layers of a segment are sent, where not all of them are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layers {
    targets: Targets,
    /// The highest spatial layer.
    top: u8,
    /// The decode targets that the subscriber can decode, to be told to it; none where it knows.
    active: Targets,
}

/// How much faster time passes in what a late joiner is sent to catch up, as a power of two: a
/// group of five seconds takes 80 ms, and frames a 60th of a second apart keep their order.
const SQUEEZE_BITS: u32 = 6;

/// What is added, with wrapping, to the publisher's numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Offsets {
    timestamp: u32,
    picture_id: u16,
    tl0_index: u8,
    frame_number: u16,
}

impl Segment {
    /// The subscriber's sequence number; `None` for a packet from before the segment.
    #[inline]
    pub fn number(&self, number: SeqNo) -> Option<SeqNo> {
        number.since(self.first_in).map(|since| self.first_out.plus(since))
    }

    /// The subscriber's timestamp.
    #[inline]
    pub fn timestamp(&self, moment: Moment) -> RtpTime {
        let before = self.live_from.timestamp.since(moment.timestamp);
        if moment.number >= self.live_from.number || before <= 0 {
            return self.live_timestamp(moment.timestamp);
        }
        self.live_timestamp(self.live_from.timestamp).plus(-(before >> SQUEEZE_BITS))
    }

    /// The subscriber's timestamp of a moment that is live.
    #[inline]
    pub fn live_timestamp(&self, timestamp: RtpTime) -> RtpTime {
        RtpTime(timestamp.0.wrapping_add(self.offsets.timestamp))
    }

    /// The subscriber's picture numbers.
    #[inline]
    pub fn picture(&self, picture: Picture) -> Picture {
        let Offsets { picture_id, tl0_index, frame_number, .. } = self.offsets;
        Picture {
            id: picture.id.map(|id| id.wrapping_add(picture_id)),
            tl0_index: picture.tl0_index.map(|index| index.wrapping_add(tl0_index)),
            frame_number: picture.frame_number.map(|number| number.wrapping_add(frame_number)),
        }
    }

    /// Whether picture numbers stay as they are: then nothing in the payload is to be written.
    #[inline]
    pub fn keeps_pictures(&self) -> bool {
        self.offsets.picture_id == 0
            && self.offsets.tl0_index == 0
            && self.offsets.frame_number == 0
    }

    /// How it maps numbers until the first packet is left out.
    #[inline]
    pub fn base(&self) -> Piece {
        Piece { first_in: self.first_in, first_out: self.first_out, pictures: 0 }
    }

    /// The mapping of a packet some of whose predecessors were left out.
    #[inline]
    pub fn placed(&self, placement: &Placement) -> Segment {
        let Placement { piece, choice } = placement;
        let mut segment = Segment { first_in: piece.first_in, first_out: piece.first_out, ..*self };
        let picture_id = &mut segment.offsets.picture_id;
        *picture_id = picture_id.wrapping_sub(piece.pictures);
        let (top, _) = choice.layers;
        segment.layers = Some(Layers { targets: choice.targets, top, active: choice.active });
        segment
    }

    /// Whether a packet is of a layer that is not sent. Its place was kept while it was missing,
    /// and is filled with an empty packet.
    #[inline]
    pub fn empties(&self, frame: &Frame) -> bool {
        self.layers.is_some_and(|layers| !frame.targets.meets(layers.targets))
    }

    /// Whether a packet is the last of its picture because the layers above are not sent.
    #[inline]
    pub fn ends_picture(&self, frame: &Frame) -> bool {
        self.layers.is_some_and(|layers| frame.ends && frame.spatial == layers.top)
    }

    /// The decode targets that the subscriber is to be told of.
    #[inline]
    pub fn active_targets(&self) -> Option<Targets> {
        self.layers.map(|layers| layers.active).filter(|active| !active.is_empty())
    }

    /// The publisher's number of a packet of this segment.
    pub fn original(&self, out: SeqNo) -> Option<SeqNo> {
        out.since(self.first_out).map(|since| self.first_in.plus(since))
    }
}

/// The latest packet as the subscriber sees it, in the order of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    number: u64,
    timestamp: u32,
    picture_id: u16,
    tl0_index: u8,
    frame_number: u16,
}

impl Latest {
    /// What a packet does not tell stays as it was.
    fn after(
        before: Option<Latest>,
        number: SeqNo,
        timestamp: RtpTime,
        picture: Picture,
    ) -> Latest {
        let before = before
            .map_or((0, 0, 0), |latest| (latest.picture_id, latest.tl0_index, latest.frame_number));
        Latest {
            number: number.0,
            timestamp: timestamp.0,
            picture_id: picture.id.unwrap_or(before.0),
            tl0_index: picture.tl0_index.unwrap_or(before.1),
            frame_number: picture.frame_number.unwrap_or(before.2),
        }
    }
}

/// The mappings of one subscription: the present one and a few former ones.
#[derive(Debug)]
pub struct Rewriter {
    current: Option<Segment>,
    former: [Option<Segment>; REMEMBERED_SWITCHES],
    oldest_former: usize,
    /// The number the next segment begins with.
    next: SeqNo,
    latest: Option<Latest>,
    /// The latest that has left: what came after it may be taken back.
    left: Option<Latest>,
}

impl Rewriter {
    /// The first packet gets the number `first`.
    pub fn new(first: SeqNo) -> Rewriter {
        Rewriter {
            current: None,
            former: [None; REMEMBERED_SWITCHES],
            oldest_former: 0,
            next: first,
            latest: None,
            left: None,
        }
    }

    /// Goes on where another node stopped: after `latest`, with numbers that jump by `jump`.
    pub fn after(next: SeqNo, latest: Option<Latest>, jump: u64) -> Rewriter {
        Rewriter { latest, left: latest, ..Rewriter::new(next.plus(jump)) }
    }

    /// The present mapping.
    #[inline]
    pub fn current(&self) -> Option<&Segment> {
        self.current.as_ref()
    }

    /// The number of the next new packet.
    pub fn next(&self) -> SeqNo {
        self.next
    }

    /// The latest packet.
    pub fn latest(&self) -> Option<Latest> {
        self.latest
    }

    /// The latest packet of the present mapping, as the publisher numbers it, where nothing was
    /// left out of it.
    pub fn latest_original(&self) -> Option<(SeqNo, RtpTime)> {
        let (segment, latest) = (self.current?, self.latest?);
        let number = segment.original(SeqNo(latest.number))?;
        Some((number, RtpTime(latest.timestamp.wrapping_sub(segment.offsets.timestamp))))
    }

    /// The latest packet has left.
    #[inline]
    pub fn latest_left(&mut self) {
        self.left = self.latest;
    }

    /// A packet has left that had to wait.
    pub fn left(&mut self, number: SeqNo, timestamp: RtpTime, picture: Picture) {
        // One that came late leaves late as well.
        if self.left.is_none_or(|left| left.number < number.0) {
            self.left = Some(Latest::after(self.left, number, timestamp, picture));
        }
    }

    /// Numbers from `next` on were not sent and are used anew, and so are times and pictures; those before
    /// stay.
    pub fn take_back(&mut self, next: SeqNo) {
        if next < self.next {
            (self.next, self.latest) = (next, self.left);
        }
    }

    /// The latest timestamp.
    pub fn latest_timestamp(&self) -> Option<RtpTime> {
        self.latest.map(|latest| RtpTime(latest.timestamp))
    }

    /// Begins a new mapping with a packet. `live_from` is a packet of the publisher's that is not
    /// old now, and `live_out` what its timestamp becomes; all else goes on by one.
    pub fn switch(
        &mut self,
        stream: Stream,
        packet: &Packet,
        live_from: Moment,
        live_out: RtpTime,
    ) -> &Segment {
        let timestamp = live_out.0.wrapping_sub(live_from.timestamp.0);
        let mut offsets = Offsets { timestamp, ..Offsets::default() };
        if let Some(latest) = self.latest {
            let Picture { id, tl0_index, frame_number } = packet.picture;
            offsets.picture_id = latest.picture_id.wrapping_add(1).wrapping_sub(id.unwrap_or(0));
            offsets.tl0_index =
                latest.tl0_index.wrapping_add(1).wrapping_sub(tl0_index.unwrap_or(0));
            offsets.frame_number =
                latest.frame_number.wrapping_add(1).wrapping_sub(frame_number.unwrap_or(0));
        }
        let mut segment = Segment {
            stream,
            first_in: packet.number,
            first_out: self.next,
            live_from,
            offsets,
            layers: None,
        };
        if let Some(latest) = self.latest.filter(|_| packet.number < live_from.number) {
            // What is squeezed together must not reach back behind what was sent.
            let behind = RtpTime(latest.timestamp).since(segment.timestamp(Moment::of(packet)));
            let timestamp = &mut segment.offsets.timestamp;
            *timestamp = timestamp.wrapping_add_signed(behind.saturating_add(1).max(0));
        }
        // Of what began with numbers that were taken back nothing was sent.
        let was_sent = |former: &Segment| former.first_out < segment.first_out;
        for former in &mut self.former {
            *former = former.filter(was_sent);
        }
        if let Some(former) = self.current.replace(segment).filter(was_sent) {
            self.former[self.oldest_former] = Some(former);
            self.oldest_former = (self.oldest_former + 1) % REMEMBERED_SWITCHES;
        }
        self.current.get_or_insert(segment)
    }

    /// A packet of the present mapping was sent.
    #[inline]
    pub fn sent(&mut self, number: SeqNo, timestamp: RtpTime, picture: Picture) {
        if number < self.next {
            return;
        }
        self.next = number.next();
        self.latest = Some(Latest::after(self.latest, number, timestamp, picture));
    }

    /// Which mapping made a number that was sent, and which packet it was.
    pub fn original(&self, out: SeqNo) -> Option<(&Segment, SeqNo)> {
        if out >= self.next {
            return None;
        }
        // The mapping that began last before the number made it.
        let all = self.former.iter().flatten().chain(&self.current);
        let made = all.filter(|segment| segment.first_out <= out);
        let segment = made.max_by_key(|segment| segment.first_out)?;
        Some((segment, segment.original(out)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(life: u32) -> Stream {
        Stream { track: TrackId(1), life }
    }

    fn packet(number: u64, timestamp: u32, id: u16) -> Packet {
        let picture = Picture {
            id: Some(id),
            tl0_index: Some(id as u8),
            frame_number: Some(id.wrapping_mul(3)),
        };
        Packet {
            number: SeqNo(number),
            timestamp: RtpTime(timestamp),
            picture,
            ..Packet::default()
        }
    }

    fn send(rewriter: &mut Rewriter, packet: &Packet) -> (u64, u32, Picture) {
        let segment = *rewriter.current().expect("a segment");
        let number = segment.number(packet.number).expect("in the segment");
        let (timestamp, picture) =
            (segment.timestamp(Moment::of(packet)), segment.picture(packet.picture));
        rewriter.sent(number, timestamp, picture);
        (number.0, timestamp.0, picture)
    }

    #[test]
    fn the_first_stretch_keeps_timestamps_and_pictures() {
        let mut rewriter = Rewriter::new(SeqNo(7));
        let first = packet(1_000, 90_000, 50);
        rewriter.switch(stream(1), &first, Moment::of(&first), first.timestamp);
        assert!(rewriter.current().is_some_and(Segment::keeps_pictures));
        assert_eq!(send(&mut rewriter, &first), (7, 90_000, first.picture));
        let second = packet(1_001, 93_000, 51);
        assert_eq!(send(&mut rewriter, &second), (8, 93_000, second.picture));
    }

    #[test]
    fn everything_goes_on_by_one_over_a_switch() {
        let mut rewriter = Rewriter::new(SeqNo(7));
        let first = packet(1_000, 90_000, 0x7fff);
        rewriter.switch(stream(1), &first, Moment::of(&first), first.timestamp);
        send(&mut rewriter, &first);
        let other = packet(40, 5, 3);
        rewriter.switch(stream(2), &other, Moment::of(&other), RtpTime(93_000));
        let (number, timestamp, picture) = send(&mut rewriter, &other);
        assert_eq!((number, timestamp), (8, 93_000));
        assert_eq!(picture.id.map(|id| id & 0x7fff), Some(0), "15 bits wrap");
        assert_eq!(picture.tl0_index, Some(0xff_u8.wrapping_add(1)));
        assert_eq!(picture.frame_number, Some(0x7fff_u16.wrapping_mul(3).wrapping_add(1)));
        assert!(rewriter.current().is_some_and(|segment| !segment.keeps_pictures()));
    }

    #[test]
    fn what_was_taken_back_leaves_no_trace() {
        let mut rewriter = Rewriter::new(SeqNo(100));
        let first = packet(10, 1_000, 1);
        rewriter.switch(stream(1), &first, Moment::of(&first), first.timestamp);
        send(&mut rewriter, &first);
        rewriter.latest_left();
        let left = rewriter.latest();
        // All of this waits, and none of it leaves.
        send(&mut rewriter, &packet(11, 4_000, 2));
        let waits = packet(500, 700, 9);
        rewriter.switch(stream(2), &waits, Moment::of(&waits), RtpTime(7_000));
        send(&mut rewriter, &waits);
        rewriter.take_back(SeqNo(101));
        assert_eq!(rewriter.latest(), left);
        let other = packet(40, 5, 3);
        rewriter.switch(stream(3), &other, Moment::of(&other), RtpTime(8_000));
        for number in 40..60 {
            let (out, _, picture) = send(&mut rewriter, &packet(number, 5, 3));
            assert_eq!(picture.id, Some(2), "after the picture that has left");
            let (segment, original) = rewriter.original(SeqNo(out)).expect("it was sent");
            assert_eq!((segment.stream, original), (stream(3), SeqNo(number)));
        }
        let (segment, original) = rewriter.original(SeqNo(100)).expect("it was sent");
        assert_eq!((segment.stream, original), (stream(1), SeqNo(10)));
    }

    #[test]
    fn a_late_packet_changes_nothing_that_a_switch_goes_on_from() {
        let mut rewriter = Rewriter::new(SeqNo(0));
        let early = packet(10, 1_000, 1);
        rewriter.switch(stream(1), &early, Moment::of(&early), early.timestamp);
        send(&mut rewriter, &early);
        send(&mut rewriter, &packet(13, 4_000, 4));
        let latest = rewriter.latest();
        send(&mut rewriter, &packet(11, 2_000, 2));
        assert_eq!(rewriter.latest(), latest);
        assert_eq!(rewriter.next(), SeqNo(4));
    }

    #[test]
    fn a_retransmission_finds_its_original_over_switches() {
        let mut rewriter = Rewriter::new(SeqNo(100));
        for (life, first) in [(1, 1_000), (2, 50), (1, 1_500)] {
            let begin = packet(first, 0, 0);
            rewriter.switch(stream(life), &begin, Moment::of(&begin), RtpTime(0));
            for number in first..first + 10 {
                send(&mut rewriter, &packet(number, 0, 0));
            }
        }
        let original =
            |out| rewriter.original(SeqNo(out)).map(|(s, number)| (s.stream.life, number.0));
        assert_eq!(original(100), Some((1, 1_000)));
        assert_eq!(original(109), Some((1, 1_009)));
        assert_eq!(original(110), Some((2, 50)));
        assert_eq!(original(125), Some((1, 1_505)));
        assert_eq!(original(130), None, "not sent yet");
        assert_eq!(original(99), None, "before the first");
    }

    #[test]
    fn a_restored_stream_jumps_ahead_and_goes_on() {
        let mut rewriter = Rewriter::new(SeqNo(65_530));
        let first = packet(1, 90_000, 9);
        rewriter.switch(stream(1), &first, Moment::of(&first), first.timestamp);
        send(&mut rewriter, &first);
        let mut restored = Rewriter::after(rewriter.next(), rewriter.latest(), 512);
        assert_eq!(restored.original(SeqNo(65_530)), None);
        let next = packet(77, 100, 0);
        restored.switch(stream(4), &next, Moment::of(&next), RtpTime(96_000));
        let (number, timestamp, picture) = send(&mut restored, &next);
        assert_eq!((number, timestamp, picture.id), (65_531 + 512, 96_000, Some(10)));
    }

    #[test]
    fn what_is_old_is_squeezed_together_and_what_is_live_is_not() {
        let mut rewriter = Rewriter::new(SeqNo(0));
        let keyframe = packet(10, 1_000, 1);
        let newest = packet(160, 1_000 + 5 * 90_000, 150);
        let segment = *rewriter.switch(stream(1), &keyframe, Moment::of(&newest), newest.timestamp);
        let at = |number: u64| {
            let timestamp = RtpTime(1_000 + (number as u32 - 10) * 3_000);
            segment.timestamp(Moment { number: SeqNo(number), timestamp })
        };
        let squeezed: Vec<_> = (10..=160).map(|number| at(number).0).collect();
        assert!(squeezed.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(newest.timestamp.since(RtpTime(squeezed[0])) <= 90_000 / 10);
        assert_eq!(at(160), newest.timestamp);
        assert_eq!(at(161), newest.timestamp.plus(3_000));
    }

    #[test]
    fn time_does_not_go_back_where_a_switch_begins_with_what_is_old() {
        let mut rewriter = Rewriter::new(SeqNo(0));
        let first = packet(1_000, 90_000, 1);
        rewriter.switch(stream(1), &first, Moment::of(&first), first.timestamp);
        send(&mut rewriter, &first);
        let (keyframe, newest) = (packet(10, 4_000, 2), packet(20, 10_000, 4));
        rewriter.switch(stream(2), &keyframe, Moment::of(&newest), RtpTime(90_001));
        let (_, begun, _) = send(&mut rewriter, &keyframe);
        assert_eq!(begun, 90_001);
        let (_, live, _) = send(&mut rewriter, &newest);
        assert_eq!(live, 90_001 + (6_000 >> SQUEEZE_BITS));
    }

    #[test]
    fn a_segment_lasts_longer_than_timestamps_do() {
        const HOURS: u32 = 30;
        let mut rewriter = Rewriter::new(SeqNo(0));
        let mut timestamp = 4_000_000_000_u32;
        let first = packet(10, timestamp, 1);
        rewriter.switch(stream(1), &first, Moment::of(&first), RtpTime(77));
        send(&mut rewriter, &first);
        for second in 1..HOURS * 3_600 {
            timestamp = timestamp.wrapping_add(90_000);
            let sent = send(&mut rewriter, &packet(10 + u64::from(second), timestamp, 1));
            assert_eq!(sent.1, 77_u32.wrapping_add(second.wrapping_mul(90_000)), "{second} s");
        }
    }

    #[test]
    fn a_frame_shown_before_the_one_it_follows_keeps_its_distance() {
        let mut rewriter = Rewriter::new(SeqNo(0));
        let keyframe = packet(10, 9_000, 1);
        let segment =
            *rewriter.switch(stream(1), &keyframe, Moment::of(&keyframe), RtpTime(50_000));
        let earlier = packet(11, 6_000, 2);
        assert_eq!(segment.timestamp(Moment::of(&earlier)), RtpTime(47_000));
    }
}
