//! Keyframes for those who come late: from the cache where it holds the whole group, otherwise
//! from the publisher.

use super::{Engine, count, send};
use crate::arena::PeerKey;
use crate::cache::Pool;
use crate::egress::Subscription;
use crate::encoding::Encoding;
use crate::ingress::Binding;
use crate::limits::{
    FRESH_KEYFRAME, FRESH_PATIENCE, LONGEST_REPLAY, SPARED_GROUP, SWITCH_REPLAY, UNDER_RTP_BYTES,
    YOUNG_GROUP,
};
use crate::rewrite::Moment;
use lectern_control::media::MediaKind;
use lectern_wire::{DataSize, SeqNo};
use std::time::{Duration, Instant};

/// What became of a group that was to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replay {
    Done,
    /// The path does not take it in time; when it began.
    TooLong {
        began: Instant,
    },
    /// Not all of it is there.
    Incomplete,
}

impl Engine {
    /// The peer can receive from now on: brings every picture it waits for.
    pub(super) fn refresh(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.router.peers.get(key) else { return };
        for place in 0..peer.egress.subscriptions().len() {
            let subscriptions = self.router.peers.get(key).map(|peer| peer.egress.subscriptions());
            let subscription = subscriptions.and_then(|all| all.get(place)).copied();
            if let Some(subscription) = subscription {
                self.refresh_one(now, key, subscription);
            }
        }
    }

    /// Everything sent so far is lost to the peer: all pictures begin anew.
    pub(super) fn restart(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.router.peers.get(key) else { return };
        for subscription in peer.egress.subscriptions().to_vec() {
            self.withdraw(key, subscription);
            self.refresh_one(now, key, subscription);
        }
    }

    /// Brings the picture of one subscription, if it waits for one.
    pub(super) fn refresh_one(&mut self, now: Instant, key: PeerKey, subscription: Subscription) {
        let waits = self.router.forwarder_mut(subscription).is_some_and(|f| f.waits());
        let Some(track) = self.router.tracks.get(subscription.track) else { return };
        if !waits || track.kind() != MediaKind::Video || track.is_muted() {
            return;
        }
        let publisher = track.publisher;
        if self.router.peers.get(key).is_none_or(|peer| peer.receives_media().is_err()) {
            return;
        }
        let longest = track.class().longest_wait() * LONGEST_REPLAY / 100;
        let found = match self.awaits_fresh(now, subscription) {
            true => Replay::Incomplete,
            false => self.replay(now, subscription, longest),
        };
        match found {
            Replay::Done => return,
            // Whose path is too slow for a young group is too slow for another keyframe as well, which all
            // others would pay for: it is tried again as the path drains.
            Replay::TooLong { began } if now.saturating_duration_since(began) <= SPARED_GROUP => {
                return;
            }
            Replay::TooLong { .. } | Replay::Incomplete => {}
        }
        if let Some(track) = self.router.tracks.get_mut(subscription.track) {
            track.want_keyframe_for(subscription.slot);
        }
        self.wake(now, publisher);
    }

    /// Brings a picture of which all that waited was withdrawn: by the group that is there, or by a new
    /// keyframe where that is seen sooner. A screen's group holds all slides since it began.
    pub(super) fn begin_anew(&mut self, now: Instant, key: PeerKey, subscription: Subscription) {
        if self.is_fresh_sooner(now, key, subscription).unwrap_or(false)
            && let Some(forwarder) = self.router.forwarder_mut(subscription)
        {
            forwarder.awaits_fresh = Some(now);
        }
        self.refresh_one(now, key, subscription);
    }

    fn is_fresh_sooner(
        &mut self,
        now: Instant,
        key: PeerKey,
        subscription: Subscription,
    ) -> Option<bool> {
        let Engine { router, pool, .. } = self;
        let track = router.tracks.get_mut(subscription.track)?;
        let (source, _) = track.split_for(subscription.slot)?;
        let (first, last) = whole_group(source.encoding, pool)?;
        let is_young =
            now.saturating_duration_since(source.encoding.cache.group_began()?) <= SPARED_GROUP;
        let group = bytes_of_group(source.encoding, pool, first, last).as_bytes();
        let keyframe = u64::from(source.encoding.group.keyframe_bytes());
        let path = &router.peers.get(key)?.egress.path;
        let more = path.time_for(DataSize::bytes(group.saturating_sub(keyframe)));
        Some(!is_young && more > FRESH_KEYFRAME)
    }

    /// Whether a subscription waits for a keyframe that has not begun yet.
    fn awaits_fresh(&mut self, now: Instant, subscription: Subscription) -> bool {
        let Some(track) = self.router.tracks.get_mut(subscription.track) else { return false };
        let Some((source, forwarders)) = track.split_for(subscription.slot) else { return false };
        let Some(forwarder) = forwarders.get_mut(subscription.slot) else { return false };
        let Some(since) = forwarder.awaits_fresh else { return false };
        let has_begun = source.encoding.cache.group_began().is_some_and(|began| began >= since);
        let is_patient = now.saturating_duration_since(since) < FRESH_PATIENCE;
        if has_begun || !is_patient {
            forwarder.awaits_fresh = None;
        }
        is_patient && !has_begun
    }

    /// Goes over to the encoding that a subscription is to get with the keyframe that has just come of
    /// it; `false` where none has.
    pub(super) fn switch_from_cache(&mut self, now: Instant, subscription: Subscription) -> bool {
        let Some(track) = self.router.tracks.get_mut(subscription.track) else { return false };
        let Some((source, forwarders)) = track.split_for(subscription.slot) else { return false };
        let Some(forwarder) = forwarders.get(subscription.slot) else { return false };
        let is_other = forwarder.stream() != Some(source.encoding.stream);
        let began = source.encoding.cache.group_began();
        let is_young = began.is_some_and(|at| now.saturating_duration_since(at) <= YOUNG_GROUP);
        let is_possible = is_other && !forwarder.waits() && is_young;
        is_possible && self.replay(now, subscription, SWITCH_REPLAY) == Replay::Done
    }

    /// Sends the latest keyframe and all that came after it, where that takes no longer than `longest`.
    fn replay(&mut self, now: Instant, subscription: Subscription, longest: Duration) -> Replay {
        self.try_replay(now, subscription, longest).unwrap_or(Replay::Incomplete)
    }

    fn try_replay(
        &mut self,
        now: Instant,
        subscription: Subscription,
        longest: Duration,
    ) -> Option<Replay> {
        let Engine { router, pool, outbox, counters, peer_timers, .. } = self;
        let track = router.tracks.get_mut(subscription.track)?;
        let (source, forwarders) = track.split_for(subscription.slot)?;
        let (first, last) = whole_group(source.encoding, pool)?;
        let forwarder = forwarders.get_mut(subscription.slot)?;
        let peer = router.peers.get_mut(forwarder.peer)?;
        let size = bytes_of_group(source.encoding, pool, first, last);
        if !peer.egress.path.takes(size, longest) {
            let began = source.encoding.cache.group_began()?;
            return Some(Replay::TooLong { began });
        }
        for number in first.0..=last.0 {
            let cache = &source.encoding.cache;
            let (packet, bytes) = cache.find(pool, SeqNo(number))?;
            if number == first.0 {
                let live = source.encoding.newest_moment().unwrap_or(Moment::of(packet));
                forwarder.switch(now, &source, packet, live);
            }
            let sent = send(now, &source, packet, bytes, forwarder, peer, outbox);
            count(counters, peer_timers, forwarder.peer, sent);
        }
        Some(Replay::Done)
    }

    /// The beginning of a keyframe came late, and was forwarded: those who waited for it get what
    /// had come after it, which was not for them then.
    pub(super) fn catch_up(&mut self, now: Instant, binding: Binding, beginning: SeqNo) {
        let Engine { router, pool, outbox, counters, peer_timers, .. } = self;
        let Some(track) = router.tracks.get_mut(binding.track) else { return };
        let Some((source, forwarders)) = track.split(binding.encoding) else { return };
        let Some(newest) = source.encoding.newest() else { return };
        let stream = source.encoding.stream;
        for forwarder in forwarders.iter_mut().filter(|f| f.began_with(stream, beginning)) {
            let Some(peer) = router.peers.get_mut(forwarder.peer) else { continue };
            for number in beginning.next().0..=newest.0 {
                let cached = source.encoding.cache.find(pool, SeqNo(number));
                let Some((packet, bytes)) = cached else { continue };
                let sent = send(now, &source, packet, bytes, forwarder, peer, outbox);
                count(counters, peer_timers, forwarder.peer, sent);
            }
        }
    }
}

/// About how much of a path a group takes.
fn bytes_of_group(encoding: &Encoding, pool: &Pool, first: SeqNo, last: SeqNo) -> DataSize {
    let len = |number| encoding.cache.find(pool, SeqNo(number)).map_or(0, |(_, bytes)| bytes.len());
    let bytes: usize = (first.0..=last.0).map(|number| len(number) + UNDER_RTP_BYTES).sum();
    DataSize::bytes(bytes as u64)
}

/// The group of the latest keyframe, where none of its packets is missing.
pub(super) fn whole_group(encoding: &Encoding, pool: &Pool) -> Option<(SeqNo, SeqNo)> {
    let first = encoding.cache.group()?;
    let last = encoding.cache.newest()?;
    let whole = (first.0..=last.0).all(|number| encoding.cache.find(pool, SeqNo(number)).is_some());
    whole.then_some((first, last))
}
