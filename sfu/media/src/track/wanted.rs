//! What subscriptions want of a track: keyframes, layers, and whether anybody watches at all.

use super::Track;
use crate::allocation::{Layer, useful_layer};
use crate::encoding::Encoding;
use crate::forwarder::Forwarder;
use crate::frame::Target;
use crate::rewrite::Stream;
use lectern_control::limits::MAX_ENCODINGS_PER_TRACK;
use lectern_control::node::LayerWanted;
use lectern_wire::Bitrate;
use smallvec::SmallVec;
use std::time::Instant;

impl Track {
    /// Somebody waits for a keyframe of whatever is best.
    pub fn want_keyframe(&mut self) {
        if let Some(encoding) = self.best.and_then(|best| self.encodings.get_mut(best)) {
            encoding.keyframes.want();
        }
    }

    /// One subscription waits for a keyframe of what it is to get.
    pub fn want_keyframe_for(&mut self, slot: usize) {
        let wanted = self.wanted(slot);
        if let Some(encoding) = wanted.and_then(|place| self.encodings.get_mut(place)) {
            encoding.keyframes.want();
        }
    }

    /// What a subscription is to get from now on; `None` is nothing, for want of room. Says whether that
    /// is something else than before: see [`Self::urge`].
    pub fn set_target(&mut self, slot: usize, target: Option<Target>) -> bool {
        let target = target.map(|target| self.without_limits(target));
        let Some(forwarder) = self.forwarders.get_mut(slot) else { return false };
        let former = forwarder.goal();
        forwarder.set_target(target);
        former != forwarder.goal()
    }

    /// Asks for a keyframe where a subscription lacks a layer that may not come without one; to be
    /// called now and then while [`Forwarder::has_reached`] says no. Says whether the publisher is
    /// to be woken.
    pub fn urge(&mut self, slot: usize) -> bool {
        let Some(place) = self.wanted(slot) else { return false };
        let Some(forwarder) = self.forwarders.get(slot) else { return false };
        let lacks = !forwarder.waits() && forwarder.lacks_keyframe(&self.encodings, place);
        let encoding = self.encodings.get_mut(place).filter(|_| lacks && !self.parameters.muted);
        encoding.map(|encoding| encoding.keyframes.want()).is_some()
    }

    /// A target that limits nothing is told by its encoding alone: such subscriptions cost less.
    fn without_limits(&self, target: Target) -> Target {
        let encoding = self.encodings.get(usize::from(target.encoding));
        let Some(encoding) = encoding.filter(|encoding| encoding.heard.is_some()) else {
            return target;
        };
        let Some(layers) = &encoding.layers else { return Target::whole(target.encoding) };
        let (spatial, temporal) = layers.top_layers();
        let is_whole = target.spatial >= spatial && target.temporal >= temporal;
        // Where upper layers do without the lower ones, those need not be sent.
        if is_whole && (spatial == 0 || layers.is_nested()) {
            return Target::whole(target.encoding);
        }
        target
    }

    /// The encoding that a subscription is to get.
    pub(super) fn wanted(&self, slot: usize) -> Option<usize> {
        self.forwarders.get(slot)?.wanted(&self.encodings, self.best)
    }

    /// A decoder has lost its picture: wants a keyframe of what it is sent.
    pub fn want_keyframe_of(&mut self, stream: Option<Stream>) {
        let sent = self.encodings.iter_mut().find(|encoding| Some(encoding.stream) == stream);
        match sent {
            Some(encoding) => encoding.keyframes.want(),
            None => self.want_keyframe(),
        }
    }

    /// A subscription has begun, or wants something else. Says whether encodings are wanted that
    /// were not.
    pub fn wants_more(&mut self, slot: usize) -> bool {
        let count = self.forwarders.get(slot).map_or(0, |forwarder| self.useful(forwarder));
        self.watched.want(count)
    }

    /// Says whether it has changed which encodings anybody wants.
    pub fn look_at_watched(&mut self, now: Instant) -> bool {
        let (all, mut count) = (self.encodings.len(), 0);
        if !self.relays.is_empty() {
            count = all;
        }
        let mut forwarders = self.forwarders.iter();
        while count < all
            && let Some(forwarder) = forwarders.next()
        {
            count = count.max(self.useful(forwarder));
        }
        self.watched.look(now, count, all)
    }

    /// What the publisher is told of its encodings.
    pub fn layers_wanted(&self) -> Vec<LayerWanted> {
        let rid = |encoding: &Encoding| encoding.rid.map(|rid| rid.to_string()).unwrap_or_default();
        let layers = self.encodings.iter().enumerate();
        layers
            .map(|(place, encoding)| LayerWanted {
                rid: rid(encoding),
                wanted: self.watched.is_wanted(place),
            })
            .collect()
    }

    /// How many encodings, lowest first, a subscriber could make use of, as they were announced: one
    /// that is switched off now is not seen.
    fn useful(&self, forwarder: &Forwarder) -> usize {
        if forwarder.wish.hidden {
            return 0;
        }
        let announced = self.parameters.encodings.iter().map(|announced| Layer {
            rate: Bitrate::bps(announced.max_bitrate_bps),
            peak: Bitrate::bps(announced.max_bitrate_bps),
            width: announced.width,
            height: announced.height,
            frames_per_second: 0,
        });
        let announced: SmallVec<[Layer; MAX_ENCODINGS_PER_TRACK]> = announced.collect();
        let best = useful_layer(&forwarder.wish, &announced);
        best.map_or(self.encodings.len(), |best| best + 1)
    }
}
