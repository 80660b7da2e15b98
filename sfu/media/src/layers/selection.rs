//! Which frames of an encoding one subscriber gets, where it does not get all of them.
//!
//! One rule for all codecs: a set of decode targets is *whole*, which means that every frame of
//! them was sent since their last switching point. What is whole can be chosen at the next picture;
//! everything else waits until a frame opens it.

use super::runs::{Piece, Runs};
use super::scalability::Scalability;
use crate::DropReason;
use crate::frame::{Frame, Opens, TEMPORAL_LAYERS, Target, Targets};
use crate::limits::REMEMBERED_CHOICES;
use crate::packet::Packet;
use lectern_control::media::CodecName;
use lectern_wire::{RtpTime, SeqNo};

/// The decode target that is forwarded from some packet on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choice {
    /// From this number of the subscriber's on.
    from: SeqNo,
    /// Its number.
    target: u8,
    /// As a set.
    pub targets: Targets,
    /// The highest spatial and temporal layer in it.
    pub layers: (u8, u8),
    /// The decode targets that the subscriber can still decode.
    pub active: Targets,
}

/// How a packet is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Its stretch of numbers.
    pub piece: Piece,
    /// Under which choice its frame was treated.
    pub choice: Choice,
}

/// The layers of one subscription.
#[derive(Debug)]
pub struct Selection {
    runs: Runs,
    choices: [Choice; REMEMBERED_CHOICES],
    latest_choice: usize,
    /// Targets of which everything has been sent.
    whole: Targets,
    /// Whether a choice has been made in this segment.
    has_chosen: bool,
    /// The frame whose packets come now, and whether it is forwarded.
    frame: Option<(u32, u16)>,
    forwards: bool,
    /// The highest number so far.
    newest: Option<SeqNo>,
    /// Bit d: the frame d numbers before `frame_number` was forwarded.
    forwarded: u64,
    frame_number: Option<u16>,
}

impl Default for Selection {
    fn default() -> Self {
        Selection {
            runs: Runs::default(),
            choices: [Choice::default(); REMEMBERED_CHOICES],
            latest_choice: 0,
            whole: Targets::NONE,
            has_chosen: false,
            frame: None,
            forwards: false,
            newest: None,
            forwarded: 0,
            frame_number: None,
        }
    }
}

impl Selection {
    /// A segment begins: the next packet begins a keyframe.
    pub fn begin(&mut self, first_out: SeqNo) {
        self.runs.begin(first_out);
        for _ in 0..REMEMBERED_CHOICES {
            if self.latest().targets.is_empty() || self.latest().from < first_out {
                break;
            }
            self.choices[self.latest_choice] = Choice::default();
            self.latest_choice = back(self.latest_choice, 1);
        }
        self.whole = Targets::ALL;
        self.has_chosen = false;
        self.frame = None;
        self.newest = None;
        self.forwarded = 0;
        self.frame_number = None;
    }

    /// Goes on in a segment of which everything was forwarded up to `newest`, a packet of the
    /// picture with this timestamp.
    pub fn take_over(&mut self, first_out: SeqNo, newest: SeqNo, timestamp: RtpTime) {
        self.begin(first_out);
        self.newest = Some(newest);
        self.frame = Some((timestamp.0, u16::MAX));
        self.forwards = true;
        self.forwarded = u64::MAX;
        let (targets, layers) = (Targets::ALL, (u8::MAX, u8::MAX));
        self.record(Choice { from: first_out, targets, layers, ..Choice::default() });
    }

    /// What the next packet's number would be for the subscriber.
    #[inline]
    pub fn next_number(&self, base: Piece, number: SeqNo) -> Option<SeqNo> {
        let piece = self.runs.newest(base);
        number.since(piece.first_in).map(|since| piece.first_out.plus(since))
    }

    /// Whether packets after this one have come.
    pub fn is_late(&self, number: SeqNo) -> bool {
        self.newest.is_some_and(|newest| number <= newest)
    }

    /// The present choice, once there is one.
    pub fn choice(&self) -> Option<&Choice> {
        self.has_chosen.then(|| self.latest())
    }

    /// Whether a packet is for the subscriber, and how it is mapped.
    #[inline]
    pub fn take(
        &mut self,
        goal: Target,
        scalability: &Scalability,
        base: Piece,
        packet: &Packet,
    ) -> Result<Placement, DropReason> {
        let number = packet.number;
        if self.newest.is_some_and(|newest| number <= newest) {
            return self.take_late(base, packet);
        }
        let expected = self.newest.map_or(number, SeqNo::next);
        let id = Some((packet.timestamp.0, packet.frame.part));
        let mut first = expected;
        let mut pictures = 0;
        if self.frame != id {
            first = number;
            let out = self.next_number(base, number).unwrap_or(base.first_out);
            let missing = number.since(expected).unwrap_or(0);
            self.start(goal, scalability, packet, out, missing);
            pictures = u16::from(!self.forwards && packet.codec == Some(CodecName::Vp8));
        }
        self.newest = Some(number);
        if !self.forwards {
            self.runs.leave_out(base, first, number, pictures);
            return Err(DropReason::LayerNotSelected);
        }
        Ok(Placement { piece: self.runs.newest(base), choice: *self.latest() })
    }

    /// The mapping behind a number that was sent in the segment that begins with `base`.
    pub fn made(&self, base: Piece, out: SeqNo) -> Option<Placement> {
        Some(Placement { piece: self.runs.made(base, out)?, choice: *self.choice_at(out) })
    }

    /// A packet that was missing. Its place is kept where its frame may have been forwarded; what
    /// comes to be of another layer fills it with an empty packet.
    fn take_late(&mut self, base: Piece, packet: &Packet) -> Result<Placement, DropReason> {
        let piece = self.runs.find(base, packet.number)?;
        let since = packet.number.since(piece.first_in).unwrap_or(0);
        let choice = *self.choice_at(piece.first_out.plus(since));
        if packet.frame.targets.meets(choice.targets) {
            let behind = self.frame_number.unwrap_or(0).wrapping_sub(packet.frame.part);
            self.forwarded |= 1u64.checked_shl(u32::from(behind)).unwrap_or(0);
        }
        Ok(Placement { piece, choice })
    }

    /// A frame begins, or its beginning is missing.
    fn start(
        &mut self,
        goal: Target,
        scalability: &Scalability,
        packet: &Packet,
        out: SeqNo,
        missing: u64,
    ) {
        let frame = &packet.frame;
        let after_gap = missing > 0;
        let is_same = self.frame.is_some_and(|(picture, _)| picture == packet.timestamp.0);
        // An upper layer after a gap: the lower ones of its picture may be missing.
        let is_new_picture = !is_same && (frame.spatial == 0 || !after_gap);
        self.frame = Some((packet.timestamp.0, frame.part));
        self.count_frame(frame.part);
        if after_gap && self.has_chosen && self.latest().targets != Targets::ALL {
            // What is missing may be of a layer that is not forwarded.
            self.whole = self.whole.and(scalability.within(self.latest().target));
        }
        if frame.begins || !self.has_chosen {
            let opened = self.opened(frame, scalability);
            self.whole = self.whole.or(opened);
            let opened = if is_new_picture { Targets::ALL } else { opened };
            self.choose(goal, scalability, out, opened);
        }
        if frame.targets == Targets::ALL && scalability.structure().is_some() {
            self.record_unknown(out.0 - missing.min(out.0));
        }
        self.forwards = frame.targets.meets(self.latest().targets);
        if self.forwards {
            self.forwarded |= 1;
        } else {
            self.whole = self.whole.without(frame.needed);
        }
    }

    /// What becomes whole with a frame, provided that it is forwarded.
    fn opened(&self, frame: &Frame, scalability: &Scalability) -> Targets {
        let lane = Targets::lane(frame.spatial);
        match frame.opens {
            Opens::Nothing => Targets::NONE,
            Opens::All => Targets::ALL,
            Opens::Targets { targets, references } => {
                if references & !self.forwarded == 0 {
                    targets
                } else {
                    Targets::NONE
                }
            }
            _ if scalability.structure().is_some() => Targets::NONE,
            Opens::Temporal { above, upto } => {
                let is_whole = self.whole.meets(Targets::one(frame.spatial, above));
                let upper = Targets::temporal_to(upto).without(Targets::temporal_to(above));
                if is_whole { upper.and(lane) } else { Targets::NONE }
            }
            Opens::Spatial { on_lower, all_temporal } => {
                let lower = frame.spatial.saturating_sub(1);
                let needs_lower = on_lower && frame.spatial > 0;
                if needs_lower && !self.whole.meets(Targets::one(lower, frame.temporal)) {
                    return Targets::NONE;
                }
                let one = Targets::one(frame.spatial, frame.temporal);
                if all_temporal { Targets::temporal_from(frame.temporal).and(lane) } else { one }
            }
        }
    }

    /// Chooses the best target that is whole. At a new picture all are `eligible`; within one only
    /// a higher spatial layer that begins there, for the lower ones have been sent already.
    fn choose(&mut self, goal: Target, scalability: &Scalability, out: SeqNo, eligible: Targets) {
        let present = *self.latest();
        let best = match scalability.structure() {
            Some(structure) => {
                best_described(goal, self.whole, scalability.active(), structure.target_layers())
            }
            None => best_lane(goal.spatial.min(scalability.top()), goal.temporal, self.whole),
        };
        let Some((target, layers)) = best.or_else(|| self.fallback(goal, scalability)) else {
            return;
        };
        let active = match scalability.structure() {
            Some(_) => scalability.within(target),
            None => Targets::NONE,
        };
        let targets = Targets(1 << (target & 31));
        let is_possible =
            eligible == Targets::ALL || eligible.meets(targets) && layers.0 > present.layers.0;
        let choice = Choice { from: out, target, targets, layers, active };
        if self.has_chosen && (!is_possible || choice == (Choice { from: out, ..present })) {
            return;
        }
        self.record(choice);
    }

    /// A frame that its structure does not describe, because that was lost, is forwarded. So is what
    /// is missing before it: it may depend on that.
    fn record_unknown(&mut self, from: u64) {
        if self.latest().targets != Targets::ALL {
            let (targets, layers) = (Targets::ALL, (u8::MAX, u8::MAX));
            let from = SeqNo(from).max(self.latest().from);
            self.record(Choice { from, targets, layers, ..Choice::default() });
        }
    }

    fn record(&mut self, choice: Choice) {
        self.has_chosen = true;
        if self.latest().from != choice.from && !self.latest().targets.is_empty() {
            self.latest_choice = (self.latest_choice + 1) % REMEMBERED_CHOICES;
        }
        self.choices[self.latest_choice] = choice;
    }

    /// Nothing that is wanted is whole: the layers above it go on, with as few pictures as are
    /// wanted, until a keyframe comes.
    fn fallback(&self, goal: Target, scalability: &Scalability) -> Option<(u8, (u8, u8))> {
        let present = self.latest();
        if !self.has_chosen {
            // The first packet begins a keyframe; without one, everything is sent.
            return match scalability.structure() {
                Some(structure) => best_described(
                    Target::whole(0),
                    Targets::ALL,
                    Targets::ALL,
                    structure.target_layers(),
                ),
                None => best_lane(scalability.top(), u8::MAX, Targets::ALL),
            };
        }
        let lower = Target {
            spatial: present.layers.0,
            temporal: goal.temporal.min(present.layers.1),
            ..goal
        };
        match scalability.structure() {
            Some(structure) => {
                best_described(lower, self.whole, Targets::ALL, structure.target_layers())
            }
            None => best_lane(lower.spatial.min(scalability.top()), lower.temporal, self.whole),
        }
    }

    /// Moves the record of forwarded frames on to a frame.
    fn count_frame(&mut self, number: u16) {
        let ahead = self.frame_number.map_or(1, |newest| number.wrapping_sub(newest));
        if ahead == 0 || ahead >= 1 << 15 {
            return;
        }
        self.forwarded = self.forwarded.checked_shl(u32::from(ahead)).unwrap_or(0);
        self.frame_number = Some(number);
    }

    #[inline]
    fn latest(&self) -> &Choice {
        &self.choices[self.latest_choice % REMEMBERED_CHOICES]
    }

    /// The choice that a number of the subscriber's was made under.
    fn choice_at(&self, out: SeqNo) -> &Choice {
        let all =
            (0..REMEMBERED_CHOICES).map(|count| &self.choices[back(self.latest_choice, count)]);
        let mut oldest = self.latest();
        for choice in all.filter(|choice| !choice.targets.is_empty()) {
            if choice.from > oldest.from {
                break;
            }
            oldest = choice;
            if choice.from <= out {
                break;
            }
        }
        oldest
    }
}

/// The place so many places before.
fn back(place: usize, count: usize) -> usize {
    (place + REMEMBERED_CHOICES - count) % REMEMBERED_CHOICES
}

/// The highest spatial layer up to `spatial` that is whole, and of it the highest temporal one.
fn best_lane(spatial: u8, temporal: u8, whole: Targets) -> Option<(u8, (u8, u8))> {
    let wanted = whole.and(Targets::temporal_to(temporal));
    let lanes = (0..=spatial.min(crate::frame::SPATIAL_LAYERS - 1)).rev();
    lanes.map(|lane| (lane, wanted.and(Targets::lane(lane)))).find(|(_, set)| !set.is_empty()).map(
        |(lane, set)| {
            let target = (u32::BITS - 1 - set.0.leading_zeros()) as u8;
            (target, (lane, target % TEMPORAL_LAYERS))
        },
    )
}

/// The same among the targets of a dependency descriptor.
fn best_described(
    goal: Target,
    whole: Targets,
    active: Targets,
    layers: &[(u8, u8)],
) -> Option<(u8, (u8, u8))> {
    let usable = whole.and(active).0;
    let all = (0u8..32).zip(layers.iter().copied());
    let usable = all.filter(|(target, (spatial, temporal))| {
        usable & 1 << target != 0 && *spatial <= goal.spatial && *temporal <= goal.temporal
    });
    usable.max_by_key(|(_, layers)| *layers)
}
