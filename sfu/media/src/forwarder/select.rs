//! What a subscriber is to get of a track, and when it can: encodings, layers, pauses.

use super::{Forwarder, Goal, Source};
use crate::DropReason;
use crate::encoding::Encoding;
use crate::frame::Target;
use crate::layers::Selection;
use crate::limits::{LAYER_SILENCE, MAX_SEQUENCE_GAP};
use crate::packet::Packet;
use crate::rewrite::{Moment, Segment};
use lectern_control::media::MediaKind;
use std::time::Instant;

impl Forwarder {
    /// Whether the next packet sent begins with a keyframe.
    pub fn waits(&self) -> bool {
        self.waits && !self.paused && self.goal != Goal::Nothing
    }

    /// Sends nothing more until a keyframe comes.
    pub fn wait(&mut self) {
        self.waits = true;
    }

    /// What the subscriber is to get from now on, as an allocator has it; `None` is nothing, for
    /// want of room. Layers below are taken at the next picture, those above where a frame opens
    /// them, another encoding with its next keyframe: see [`crate::track::Track::set_target`],
    /// which asks for that.
    pub fn set_target(&mut self, target: Option<Target>) {
        self.set_goal(target.map_or(Goal::Nothing, Goal::Target));
    }

    /// Nobody allocates any more: all layers of the best encoding.
    pub fn follow_best(&mut self) {
        self.set_goal(Goal::Best);
    }

    pub(super) fn set_goal(&mut self, goal: Goal) {
        self.goal = goal;
        self.waits |= goal == Goal::Nothing;
        let is_whole = |target: Target| target == Target::whole(target.encoding);
        let Goal::Target(target) = goal else { return };
        if is_whole(target) || self.selection.is_some() {
            return;
        }
        let selection = self.selection.insert(Box::default());
        let latest = self.rewriter.latest_original();
        if let Some((segment, (number, timestamp))) = self.rewriter.current().zip(latest) {
            selection.take_over(segment.first_out, number, timestamp);
        }
    }

    /// What the subscriber is to get.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// The spatial and temporal layer up to which frames are forwarded now; `None` where no layer
    /// is left out or nothing was sent.
    pub fn layers(&self) -> Option<(u8, u8)> {
        let choice = self.selection.as_ref()?.choice()?;
        Some(choice.layers).filter(|layers| *layers != (u8::MAX, u8::MAX))
    }

    /// Whether what is forwarded is what the goal says, as far as the publisher sends it.
    pub fn has_reached(&self, encodings: &[Encoding], best: Option<usize>) -> bool {
        let Some(place) = self.wanted(encodings, best) else { return true };
        let Some(encoding) = encodings.get(place) else { return true };
        if self.waits || self.stream() != Some(encoding.stream) {
            return false;
        }
        let (Some((spatial, temporal)), Some(known)) = (self.layers(), &encoding.layers) else {
            return true;
        };
        let (spatial_goal, temporal_goal) = self.layer_goal(place);
        let (top, top_temporal) = known.top_layers();
        spatial == spatial_goal.min(top)
            && temporal.min(top_temporal) == temporal_goal.min(top_temporal)
    }

    /// Whether what is wanted begins with a keyframe of this encoding, the one that is wanted: it is
    /// not the one that is forwarded, or an upper spatial layer is lacking, or a temporal one of a
    /// codec that does not tell where those begin.
    pub fn lacks_keyframe(&self, encodings: &[Encoding], place: usize) -> bool {
        let Some(encoding) = encodings.get(place) else { return false };
        if self.stream() != Some(encoding.stream) {
            return true;
        }
        let (Some(layers), Some(known)) = (self.layers(), &encoding.layers) else { return false };
        let goal = self.layer_goal(place);
        layers.0 != goal.0.min(known.top())
            || layers.1 < goal.1.min(known.top_layers().1) && !known.tells_openings()
    }

    /// The layers wanted of an encoding: all of one below the target's.
    fn layer_goal(&self, place: usize) -> (u8, u8) {
        match self.goal {
            Goal::Target(target) if usize::from(target.encoding) == place => {
                (target.spatial, target.temporal)
            }
            _ => (u8::MAX, u8::MAX),
        }
    }

    /// The encoding that the subscriber is to get: the target's, or one beside it where that is
    /// silent while others are not.
    pub fn wanted(&self, encodings: &[Encoding], best: Option<usize>) -> Option<usize> {
        let best = best?;
        let target = match self.goal {
            Goal::Nothing => return None,
            Goal::Best => return Some(best),
            Goal::Target(target) => usize::from(target.encoding),
        };
        if target >= best {
            return Some(best);
        }
        let newest = encodings.get(best)?.heard?;
        let is_live = |place: &usize| {
            let heard = encodings.get(*place).and_then(|encoding| encoding.heard);
            heard.is_some_and(|at| newest.saturating_duration_since(at) < LAYER_SILENCE)
        };
        let lower = (0..=target).rev().find(is_live);
        lower.or_else(|| (target..best).find(is_live)).or(Some(best))
    }

    /// Whether a packet is for this subscriber, and how it is mapped. Switches where the packet
    /// lets it: to another encoding or layer, after a pause, to a publisher that began anew.
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
            let number = match &self.selection {
                None => segment.number(packet.number),
                Some(selection) => selection.next_number(segment.base(), packet.number),
            };
            let is_far = |number: lectern_wire::SeqNo| {
                number.since(self.rewriter.next()).unwrap_or(0) >= MAX_SEQUENCE_GAP
            };
            match (number, &self.selection) {
                (None, None) => return Err(DropReason::BeforeSwitch),
                (Some(number), _) if is_far(number) => self.waits = true,
                (_, None) => return Ok(*segment),
                (_, Some(_)) if self.misses_keyframe(source, packet) => {}
                (_, Some(_)) => return self.select_layers(source, packet),
            }
        }
        self.select_beginning(now, source, packet)
    }

    /// A packet of what is not forwarded now: begins with it where it may.
    fn select_beginning(
        &mut self,
        now: Instant,
        source: &Source<'_>,
        packet: &Packet,
    ) -> Result<Segment, DropReason> {
        if self.goal == Goal::Nothing {
            return Err(DropReason::NotAllocated);
        }
        let begins = source.kind == MediaKind::Audio || packet.starts_keyframe;
        if !begins {
            let waits = self.waits;
            return Err(if waits { DropReason::AwaitsKeyframe } else { DropReason::NotSelected });
        }
        let wanted = self.wanted(source.encodings, source.best);
        // Who waits takes what comes first, if it is not more than there is room for.
        let is_taken = wanted
            .is_none_or(|wanted| source.place == wanted || self.waits && source.place < wanted);
        if !is_taken {
            return Err(DropReason::NotSelected);
        }
        // A keyframe that was repaired is late; what came after it follows at once.
        let newest = match source.kind {
            MediaKind::Video => source.encoding.newest_moment(),
            MediaKind::Audio => None,
        };
        let segment = self.switch(now, source, packet, newest.unwrap_or(Moment::of(packet)));
        match self.selection {
            Some(_) => self.select_layers(source, packet),
            None => Ok(segment),
        }
    }

    /// Whether a packet is the late beginning of a keyframe that the subscriber needs to get an
    /// upper layer: then everything from it on is sent anew, for what came after it meanwhile was
    /// treated as without it.
    fn misses_keyframe(&self, source: &Source<'_>, packet: &Packet) -> bool {
        let is_late = |selection: &Selection| selection.is_late(packet.number);
        packet.starts_keyframe
            && self.selection.as_deref().is_some_and(is_late)
            && source.encoding.cache.group() == Some(packet.number)
            && self.wanted(source.encodings, source.best) == Some(source.place)
            && self.lacks_keyframe(source.encodings, source.place)
    }

    /// Whether a packet of what is forwarded is of a layer that is.
    fn select_layers(
        &mut self,
        source: &Source<'_>,
        packet: &Packet,
    ) -> Result<Segment, DropReason> {
        let (spatial, temporal) = self.layer_goal(source.place);
        let segment = self.rewriter.current().ok_or(DropReason::NotSelected)?;
        let (Some(selection), Some(known)) = (&mut self.selection, &source.encoding.layers) else {
            return Ok(*segment);
        };
        let goal = Target { encoding: 0, spatial, temporal };
        let placement = selection.take(goal, known, segment.base(), packet)?;
        Ok(segment.placed(&placement))
    }

    /// Begins a new mapping with a packet that may be older than `live`, the newest one.
    pub fn switch(
        &mut self,
        now: Instant,
        source: &Source<'_>,
        packet: &Packet,
        live: Moment,
    ) -> Segment {
        let (out, ahead) = self.timestamp_at_switch(now, source, live.timestamp);
        (self.waits, self.ahead) = (false, ahead);
        let segment = *self.rewriter.switch(source.encoding.stream, packet, live, out);
        if let Some(selection) = &mut self.selection {
            selection.begin(segment.first_out);
        }
        segment
    }
}
