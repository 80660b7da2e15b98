//! What each subscriber gets of what it watches, as far as its path goes.

use super::Engine;
use crate::allocation::{self, Demand, Grant, Rank};
use crate::arena::{Key, PeerKey, TrackKey};
use crate::egress::Subscription;
use crate::forwarder::Goal;
use crate::frame::Target;
use crate::limits::{ALLOCATION_INTERVAL, REST_AFTER_LOWERING, SOUND_RESERVE, STALE_BACKLOG};
use crate::offer::{self, Targets};
use crate::pacer::Class;
use crate::router::Router;
use lectern_control::TrackId;
use lectern_control::media::{Extension, MediaKind};
use lectern_control::node::{Event, StreamState};
use lectern_wire::Bitrate;
use rand::RngExt;
use smallvec::SmallVec;
use std::time::Instant;

/// Pictures of one subscriber that are shared out without a detour over the heap.
const USUAL_PICTURES: usize = 8;

/// A picture that a subscriber watches.
struct Picture {
    subscription: Subscription,
    targets: Targets,
    demand: Demand,
}

impl Picture {
    /// Whether a grant is less than what is sent now.
    fn is_lowered(&self, grant: Grant) -> bool {
        match (self.demand.current, grant) {
            (Some(current), Grant::Layer(layer)) => layer < current,
            (Some(_), Grant::Starved) => true,
            (_, Grant::Hidden) | (None, _) => false,
        }
    }

    /// Whether a grant is less than what is sent now, and of another encoding.
    fn changes_down(&self, grant: Grant) -> bool {
        let encoding = |layer: usize| self.targets.get(layer).map(|target| target.encoding);
        match (self.demand.current, grant) {
            (Some(current), Grant::Layer(layer)) => encoding(layer) < encoding(current),
            _ => false,
        }
    }
}

type Pictures = SmallVec<[Picture; USUAL_PICTURES]>;

impl Engine {
    /// Begins to estimate the path to a subscriber whose client counts what comes.
    pub(super) fn open_path(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.router.peers.get_mut(key).filter(|_| self.estimates) else { return };
        let counts = peer.extensions.id(Extension::TransportWideSequence).is_some();
        if counts && !peer.egress.subscriptions().is_empty() {
            peer.extensions.start_counting();
            self.begin_to_estimate(now, key);
        }
    }

    /// The same where a client tells what it estimates itself.
    pub(super) fn open_path_by_estimate(&mut self, now: Instant, key: PeerKey) {
        let peer = self.router.peers.get(key).filter(|_| self.estimates);
        if peer.is_some_and(|peer| peer.egress.path.estimator().is_none()) {
            self.begin_to_estimate(now, key);
        }
    }

    fn begin_to_estimate(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        peer.egress.path.open(now, self.rng.random(), self.rng.random());
        peer.egress.allocate_at = Some(now);
        self.wake(now, key);
    }

    /// A track offers more than before: those who watch it get it as soon as they can.
    pub(super) fn offer_anew(&mut self, now: Instant, track: TrackKey) {
        let Engine { router, peer_timers, .. } = self;
        let Some(track) = router.tracks.get(track) else { return };
        for forwarder in &track.forwarders {
            if router.peers.get_mut(forwarder.peer).is_some_and(|peer| peer.egress.reallocate(now))
            {
                peer_timers.advance(forwarder.peer.index(), now);
            }
        }
    }

    /// A subscriber wants something else.
    pub(super) fn allocate_soon(&mut self, now: Instant, key: PeerKey) {
        if self.router.peers.get_mut(key).is_some_and(|peer| peer.egress.reallocate(now)) {
            self.wake(now, key);
        }
    }

    /// Shares out what a subscriber's path can take, where that is due or has become less.
    pub(super) fn allocate(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        let target = peer.egress.path.target();
        let is_due = peer.egress.allocate_at.is_some_and(|at| at <= now);
        if !is_due && !peer.egress.is_overdrawn(target) {
            return;
        }
        let pictures = self.router.pictures(now, key);
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        // Who is subscribed to nothing will be looked at with the next subscription.
        let watches = !peer.egress.subscriptions().is_empty();
        peer.egress.allocate_at = watches.then(|| now + ALLOCATION_INTERVAL);
        if pictures.is_empty() {
            return peer.egress.path.set_wanted(now, Bitrate::ZERO);
        }
        peer.egress.allocated = target;
        let demands: SmallVec<[Demand; USUAL_PICTURES]> =
            pictures.iter().map(|picture| picture.demand.clone()).collect();
        let useful = allocation::useful_rate(&demands);
        let sound = SOUND_RESERVE.as_bps();
        // What is lost is sent again, and has to fit as well.
        let repaired = 1.0 + peer.egress.path.repair_share();
        let scaled = |rate: Bitrate, factor: f64| (rate.as_bps() as f64 * factor) as u64;
        let wanted = scaled(useful, repaired).saturating_add(sound);
        peer.egress.path.set_wanted(now, Bitrate::bps(wanted));
        let pictures_bps = |target: Bitrate| scaled(target, 1.0 / repaired).saturating_sub(sound);
        let budget = target.map_or(u64::MAX, pictures_bps);
        let grants = allocation::allocate(Bitrate::bps(budget), &demands);
        self.carry_out(now, key, &pictures, &grants);
    }

    fn carry_out(&mut self, now: Instant, key: PeerKey, pictures: &Pictures, grants: &[Grant]) {
        let mut states: Vec<(TrackId, StreamState)> = Vec::new();
        for (picture, grant) in pictures.iter().zip(grants) {
            let target = match grant {
                Grant::Hidden => continue,
                Grant::Layer(layer) => picture.targets.get(*layer).copied(),
                Grant::Starved => None,
            };
            if picture.is_lowered(*grant)
                && let Some(forwarder) = self.router.forwarder_mut(picture.subscription)
            {
                forwarder.lowered = Some(now);
            }
            let hurries = picture.changes_down(*grant);
            if let Some(state) = self.aim(now, key, picture.subscription, target, hurries) {
                states.push(state);
            }
        }
        let Some(peer) = self.router.peers.get(key).filter(|_| !states.is_empty()) else { return };
        if let Some(room) = self.router.rooms.get(peer.room) {
            self.events.push((room.id, Event::StreamStates { peer: peer.id, states }));
        }
    }

    /// A picture is lowered, and much of the better one waits still: that would take longer than to begin
    /// with the lower one at once.
    fn hurry(&mut self, now: Instant, key: PeerKey, subscription: Subscription) {
        let peer = self.router.peers.get(key);
        if peer.is_some_and(|peer| peer.egress.path.pacer.delay() > STALE_BACKLOG) {
            self.withdraw(key, subscription);
            self.begin_anew(now, key, subscription);
        }
    }

    /// Sets what one subscription gets, and `hurries` where that is another encoding than what waits. Says
    /// so where it becomes nothing, or something again.
    fn aim(
        &mut self,
        now: Instant,
        key: PeerKey,
        subscription: Subscription,
        target: Option<Target>,
        hurries: bool,
    ) -> Option<(TrackId, StreamState)> {
        let track = self.router.tracks.get_mut(subscription.track)?;
        let (id, publisher, best) = (track.id, track.publisher, track.best_place());
        let was_starved = track.forwarders.get(subscription.slot)?.goal() == Goal::Nothing;
        track.set_target(subscription.slot, target);
        if hurries {
            self.hurry(now, key, subscription);
        }
        let track = self.router.tracks.get(subscription.track)?;
        let forwarder = track.forwarders.get(subscription.slot)?;
        let reached = forwarder.has_reached(&track.encodings, best);
        let begins_starving = target.is_none() && !was_starved;
        let waits = forwarder.waits();
        if !reached && !self.switch_from_cache(now, subscription) {
            let track = self.router.tracks.get_mut(subscription.track)?;
            if track.urge(subscription.slot) {
                self.wake(now, publisher);
            }
        }
        if begins_starving {
            self.withdraw(key, subscription);
        }
        if waits {
            self.refresh_one(now, key, subscription);
        }
        (was_starved != target.is_none()).then_some(match target {
            None => (id, StreamState::Paused),
            Some(_) => (id, StreamState::Active),
        })
    }
}

impl Router {
    /// All pictures that a peer is subscribed to and of which something has come.
    fn pictures(&self, now: Instant, key: PeerKey) -> Pictures {
        let Some(peer) = self.peers.get(key) else { return Pictures::new() };
        let room = self.rooms.get(peer.room);
        let speaker = room.and_then(|room| room.speakers.dominant());
        let mut pictures = Pictures::new();
        for subscription in peer.egress.subscriptions() {
            let Some(track) = self.tracks.get(subscription.track) else { continue };
            let Some(forwarder) = track.forwarders.get(subscription.slot) else { continue };
            if track.kind() != MediaKind::Video || track.is_muted() {
                continue;
            }
            let class = track.class();
            let (targets, layers) = offer::layers_of(now, track);
            if layers.is_empty() {
                continue;
            }
            let rank = match class {
                Class::Screen => Rank::Screen,
                _ if speaker == Some(track.participant) => Rank::Speaker,
                _ => Rank::Other,
            };
            let current = forwarder
                .target()
                .and_then(|current| targets.iter().rposition(|target| target.is_within(&current)));
            let rests = forwarder
                .lowered
                .is_some_and(|at| now.saturating_duration_since(at) < REST_AFTER_LOWERING);
            let demand = Demand { rank, wish: forwarder.wish, layers, current, rests };
            pictures.push(Picture { subscription: *subscription, targets, demand });
        }
        pictures
    }
}
