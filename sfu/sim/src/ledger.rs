//! What a subscriber received of one track, and what is wrong with it: bytes that differ, packets
//! that come twice, content that disappears without a hole, numbers and times that do not follow.

use crate::client::Received;
use crate::frame::{self, Codec, Numbers, Stamp};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// A hole at least this wide is a jump: nobody loses as much and goes on.
pub const JUMP: u64 = 300;
/// Findings kept; more of the same help nobody.
const MAX_FAULTS: usize = 20;
/// How far a timestamp after a switch may be from the time that passed: jitter, waiting for a
/// keyframe's packets, and clocks that senders round.
const SWITCH_TOLERANCE: Duration = Duration::from_millis(400);

/// What is expected of the stream.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Stands in every stamp.
    pub track: u8,
    /// The codec.
    pub codec: Codec,
    /// The stream.
    pub ssrc: u32,
    /// The subscriber's payload type.
    pub payload_type: u8,
    /// From frame to frame.
    pub interval: Duration,
}

/// All packets of one received track.
#[derive(Debug)]
pub struct Ledger {
    expected: Expected,
    packets: BTreeMap<u64, Entry>,
    has_keyframe: bool,
    faults: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    stamp: Stamp,
    numbers: Numbers,
    timestamp: u64,
    marker: bool,
    arrival: Instant,
}

/// What a ledger says in the end.
#[derive(Debug, Clone)]
pub struct Report {
    /// Different packets received.
    pub received: u64,
    /// Packets that never came, between the first and the last; jumps do not count.
    pub missing: u64,
    /// Jumps of the sequence numbers.
    pub jumps: u64,
    /// Jumps after which video does not begin with a keyframe.
    pub blind_jumps: u64,
    /// Frames of which every packet has come.
    pub whole_frames: u64,
    /// Keyframes of which every packet has come.
    pub whole_keyframes: u64,
    /// When the first packet came.
    pub first_at: Option<Instant>,
    /// How often the stream went back to a keyframe it had shown before, as after a pause.
    pub replays: u64,
    /// Times that follow faster than at the source: what a late joiner is sent to catch up.
    pub squeezed: u64,
    /// The longest time between two frames of which something came.
    pub longest_gap: Duration,
    /// The first and the last packet's stamp, by sequence number.
    pub ends: Option<(Stamp, Stamp)>,
    /// What is wrong; empty for a stream in order.
    pub faults: Vec<String>,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(expected: Expected) -> Ledger {
        Ledger { expected, packets: BTreeMap::new(), has_keyframe: false, faults: Vec::new() }
    }

    /// What is expected.
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Packets so far.
    pub fn received(&self) -> u64 {
        self.packets.len() as u64
    }

    /// Whether video comes, but never the beginning of a keyframe: a decoder would ask for one.
    pub fn is_blind(&self) -> bool {
        self.expected.codec.is_video() && !self.packets.is_empty() && !self.has_keyframe
    }

    /// The stamp of the packet with the highest sequence number.
    pub fn newest(&self) -> Option<Stamp> {
        self.packets.values().next_back().map(|entry| entry.stamp)
    }

    /// Notes a packet.
    pub fn record(&mut self, now: Instant, packet: &Received) {
        let Expected { track, codec, ssrc, payload_type, .. } = self.expected;
        if (packet.ssrc, packet.payload_type) != (ssrc, payload_type) {
            let (ssrc, payload_type) = (packet.ssrc, packet.payload_type);
            return self.fault(format!("SSRC {ssrc} with payload type {payload_type}"));
        }
        let read = match frame::decode(codec, &packet.payload) {
            Ok(read) => read,
            Err(error) => {
                return self.fault(format!("sequence {}: {error}", packet.sequence));
            }
        };
        if read.stamp.track != track {
            return self.fault(format!("a packet of track {}: {:?}", read.stamp.track, read.stamp));
        }
        let entry = Entry {
            stamp: read.stamp,
            numbers: read.numbers,
            timestamp: packet.timestamp,
            marker: packet.marker,
            arrival: now,
        };
        self.has_keyframe |= read.stamp.starts_keyframe();
        if let Some(before) = self.packets.insert(packet.sequence, entry) {
            self.fault(format!("sequence {} came twice: {before:?}", packet.sequence));
        }
    }

    /// Looks at everything in the order of the sequence numbers.
    pub fn report(&self) -> Report {
        let mut report = Report {
            received: self.received(),
            missing: 0,
            jumps: 0,
            blind_jumps: 0,
            whole_frames: 0,
            whole_keyframes: 0,
            replays: 0,
            squeezed: 0,
            first_at: self.packets.values().map(|entry| entry.arrival).min(),
            longest_gap: self.longest_gap(),
            ends: self
                .packets
                .values()
                .next()
                .zip(self.packets.values().next_back())
                .map(|(first, last)| (first.stamp, last.stamp)),
            faults: self.faults.clone(),
        };
        // The very first packets may be lost: nothing tells the receiver that they were sent.
        let starts_well = |stamp: Stamp| !self.expected.codec.is_video() || stamp.is_key;
        if let Some((first, _)) = report.ends.filter(|(first, _)| !starts_well(*first)) {
            report.faults.push(format!("begins with {first:?}, which is no keyframe"));
        }
        for (before, after) in self.packets.iter().zip(self.packets.iter().skip(1)) {
            let hole = after.0 - before.0 - 1;
            if hole >= JUMP {
                report.jumps += 1;
                let is_blind = self.expected.codec.is_video() && !after.1.stamp.is_key;
                report.blind_jumps += u64::from(is_blind);
            } else {
                report.missing += hole;
            }
            match self.fault_between(before, after) {
                None => {}
                Some(Finding::Replayed) => report.replays += 1,
                Some(Finding::Squeezed) => report.squeezed += 1,
                Some(Finding::Fault(what)) => {
                    report.faults.push(format!("{what}: {before:?}, then {after:?}"));
                }
            }
        }
        self.count_frames(&mut report);
        report.faults.truncate(MAX_FAULTS);
        report
    }

    fn fault(&mut self, fault: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    /// What does not follow between two packets next to each other.
    fn fault_between(&self, before: (&u64, &Entry), after: (&u64, &Entry)) -> Option<Finding> {
        let ((sequence, from), (next_sequence, to)) = (before, after);
        let is_hole = next_sequence - sequence > 1;
        if is_switch(from.stamp, to.stamp) {
            let begins_well = to.stamp.starts_keyframe() || (is_hole && to.stamp.is_key);
            if self.expected.codec.is_video() && !begins_well {
                return Some(Finding::Fault("another source or encoding without a keyframe"));
            }
            return self.fault_of_switch(from, to).map(Finding::Fault);
        }
        let position = |stamp: Stamp| (stamp.frame, stamp.index);
        if position(from.stamp) >= position(to.stamp) {
            // A decoder takes a keyframe at any time; its numbers go on.
            let fault = match to.stamp.starts_keyframe() {
                true => self.fault_of_switch(from, to),
                false => Some("the order is wrong"),
            };
            return Some(fault.map_or(Finding::Replayed, Finding::Fault));
        }
        if !is_hole && !follows(from.stamp, to.stamp) && !self.may_skip(to.stamp) {
            return Some(Finding::Fault("content is missing without a hole"));
        }
        self.fault_of_numbers(from, to)
    }

    /// Whether something may have been left out before a packet without a hole: a keyframe needs
    /// nothing before it, and a subscriber of sound may have paused.
    fn may_skip(&self, stamp: Stamp) -> bool {
        stamp.starts_keyframe() || !self.expected.codec.is_video()
    }

    /// Within one encoding of one source everything follows exactly.
    fn fault_of_numbers(&self, from: &Entry, to: &Entry) -> Option<Finding> {
        let frames = u64::from(to.stamp.frame - from.stamp.frame);
        let is_video = self.expected.codec.is_video();
        if is_video && (from.marker, to.marker) != (from.stamp.is_last(), to.stamp.is_last()) {
            return Some(Finding::Fault("the marker is not on the last packet"));
        }
        let Some(passed) = to.timestamp.checked_sub(from.timestamp) else {
            return Some(Finding::Fault("the time goes back"));
        };
        if self.may_skip(to.stamp) && !follows(from.stamp, to.stamp) {
            // The subscriber may have paused: then all numbers were mapped anew.
            return self.fault_of_switch(from, to).map(Finding::Fault);
        }
        if self.expected.codec.has_picture_id() {
            let pictures = (to.numbers.picture_id.wrapping_sub(from.numbers.picture_id)) & 0x7fff;
            let indices = to.numbers.tl0_picture_index.wrapping_sub(from.numbers.tl0_picture_index);
            if (u64::from(pictures), u64::from(indices)) != (frames & 0x7fff, frames & 0xff) {
                return Some(Finding::Fault("the picture numbers do not follow"));
            }
        }
        let expected = self.ticks(to.stamp.frame) - self.ticks(from.stamp.frame);
        if passed == expected {
            return None;
        }
        let is_squeezed = expected > 0 && (1..expected).contains(&passed);
        let fault = Finding::Fault("the time does not follow");
        Some(if is_squeezed { Finding::Squeezed } else { fault })
    }

    /// The time of a frame at its source.
    fn ticks(&self, frame: u32) -> u64 {
        let micros = (self.expected.interval * frame).as_micros();
        (u128::from(self.expected.codec.clock_rate()) * micros / 1_000_000) as u64
    }

    /// Between sources or encodings numbers go on, and the time with the clock.
    fn fault_of_switch(&self, from: &Entry, to: &Entry) -> Option<&'static str> {
        let Some(ticks) = to.timestamp.checked_sub(from.timestamp) else {
            return Some("the time goes back at a switch");
        };
        let rate = f64::from(self.expected.codec.clock_rate());
        // Encodings of one source count the same frames; other sources have only the clock.
        let on_clock = to.arrival.saturating_duration_since(from.arrival).as_secs_f64();
        let at_source = if from.stamp.incarnation == to.stamp.incarnation {
            let frames = f64::from(to.stamp.frame) - f64::from(from.stamp.frame);
            self.expected.interval.as_secs_f64() * frames
        } else {
            on_clock
        };
        // A keyframe from the node's memory is old at its source, and what follows it catches up: it
        // stands at most where the clock does.
        let latest = if to.stamp.starts_keyframe() { at_source.max(on_clock) } else { at_source };
        // What came before may be the beginning of such a catching up, the rest of which was withdrawn: it
        // stood ahead of its source, and at most where the clock did.
        let earliest = at_source.min(on_clock);
        let (ticks, tolerance) = (ticks as f64 / rate, SWITCH_TOLERANCE.as_secs_f64());
        let is_off = ticks < earliest - tolerance || ticks > latest + tolerance;
        // One that is shown again lies back at its source.
        if is_off && at_source > 0.0 {
            return Some("the time at a switch is not that of the clock");
        }
        let pictures = (to.numbers.picture_id.wrapping_sub(from.numbers.picture_id)) & 0x7fff;
        if self.expected.codec.has_picture_id() && !(1..0x4000).contains(&pictures) {
            return Some("the picture id goes back at a switch");
        }
        None
    }

    fn longest_gap(&self) -> Duration {
        let mut frames = HashMap::new();
        for entry in self.packets.values() {
            let key = (entry.stamp.incarnation, entry.stamp.frame);
            let first = frames.entry(key).or_insert(entry.arrival);
            *first = entry.arrival.min(*first);
        }
        let mut arrivals: Vec<Instant> = frames.into_values().collect();
        arrivals.sort_unstable();
        let gaps = arrivals.windows(2).map(|pair| pair[1] - pair[0]);
        gaps.max().unwrap_or_default()
    }

    fn count_frames(&self, report: &mut Report) {
        let mut frames: HashMap<(u8, u32, u8), (u8, Stamp)> = HashMap::new();
        for entry in self.packets.values() {
            let Stamp { incarnation, frame, encoding, .. } = entry.stamp;
            let counted = frames.entry((incarnation, frame, encoding)).or_insert((0, entry.stamp));
            counted.0 += 1;
        }
        for (received, stamp) in frames.values().filter(|(count, stamp)| *count == stamp.count) {
            debug_assert!(*received > 0);
            report.whole_frames += 1;
            report.whole_keyframes += u64::from(stamp.is_key);
        }
    }
}

/// What two packets next to each other show.
enum Finding {
    /// A keyframe comes again.
    Replayed,
    /// Time passes faster than at the source.
    Squeezed,
    /// Something is wrong.
    Fault(&'static str),
}

fn is_switch(from: Stamp, to: Stamp) -> bool {
    (from.incarnation, from.encoding) != (to.incarnation, to.encoding)
}

/// Whether one packet comes right after another at the source.
fn follows(from: Stamp, to: Stamp) -> bool {
    if from.frame == to.frame {
        return from.index + 1 == to.index;
    }
    from.frame + 1 == to.frame && from.is_last() && to.index == 0
}

#[cfg(test)]
mod tests;
