//! Relays to recorders: which tracks, and what of them.

use super::Engine;
use crate::arena::{RelayKey, TrackKey};
use crate::clock::SenderClock;
use crate::ingress::Binding;
use crate::packet::Packet;
use crate::relay::{Relay, Relays, Subscription, with_record};
use crate::track::{Role, Track};
use crate::{Counters, DropReason};
use lectern_control::media::MediaKind;
use lectern_control::node::CommandError;
use lectern_control::relay::{Content, Record};
use lectern_control::{RecordingId, RoomId, TrackId};
use lectern_wire::rtcp::SenderReport;
use lectern_wire::{NtpTime, RtpTime, SeqNo};
use std::time::{Duration, Instant};

impl Engine {
    /// Relays that have something for their recorder. What is not taken waits, up to a limit.
    pub fn outgoing_relays(&mut self) -> impl Iterator<Item = &mut Relay> {
        self.relays.outgoing()
    }

    /// Forgets the relays that have ended and said all.
    pub fn sweep_relays(&mut self) {
        self.relays.sweep();
    }

    /// A recorder cannot decode a track's picture.
    pub fn want_keyframe(&mut self, now: Instant, recording: RecordingId, track: TrackId) {
        let Some(relay) = self.relays.find(recording) else { return };
        let Some(key) = self.router.any_track(track) else { return };
        let Some(track) = self.router.tracks.get_mut(key) else { return };
        let Some(subscription) = track.relays.iter().find(|known| known.relay == relay) else {
            return;
        };
        track.want_keyframe_of(subscription.stream);
        let publisher = track.publisher;
        self.wake(now, publisher);
    }

    pub(super) fn relay_track(
        &mut self,
        now: Instant,
        room: RoomId,
        recording: RecordingId,
        id: TrackId,
    ) -> Result<(), CommandError> {
        let relay = self.relays.want(recording, room, id)?;
        let here = self.router.room(room).and_then(|room| self.router.track(room, id).ok());
        if let Some(track) = here {
            self.attach_relay(now, track, relay);
        }
        Ok(())
    }

    /// Nothing more of a track goes to a recording, now or when it is published again.
    pub(super) fn unrelay_track(&mut self, recording: RecordingId, id: TrackId) {
        let Some(relay) = self.relays.unwant(recording, id) else { return };
        let Some(track) = self.router.any_track(id) else { return };
        if let Some(track) = self.router.tracks.get_mut(track) {
            track.relays.retain(|known| known.relay != relay);
        }
    }

    /// A track was published: whoever waits for it gets it.
    pub(super) fn attach_relays(&mut self, now: Instant, key: TrackKey) {
        let Some(track) = self.router.tracks.get(key) else { return };
        let wanting: Vec<RelayKey> = self.relays.wanting(track.id).collect();
        for relay in wanting {
            self.attach_relay(now, key, relay);
        }
    }

    fn attach_relay(&mut self, now: Instant, key: TrackKey, relay: RelayKey) {
        let Some(track) = self.router.tracks.get_mut(key) else { return };
        if track.relays.iter().any(|known| known.relay == relay) {
            return;
        }
        track.relays.push(Subscription::new(relay));
        if track.kind() == MediaKind::Video && !track.is_muted() && !self.replay_to(now, key, relay)
        {
            let Some(track) = self.router.tracks.get_mut(key) else { return };
            track.want_keyframe();
            let publisher = track.publisher;
            self.wake(now, publisher);
        }
    }

    pub(super) fn close_relay(&mut self, relay: RelayKey) {
        for (_, track) in self.router.tracks.iter_mut() {
            track.relays.retain(|known| known.relay != relay);
        }
        self.relays.end(relay);
    }

    pub(super) fn close_relays_of(&mut self, room: RoomId) {
        for relay in self.relays.of_room(room) {
            self.close_relay(relay);
        }
    }

    pub(super) fn close_all_relays(&mut self) {
        for relay in self.relays.all() {
            self.close_relay(relay);
        }
    }

    /// A packet of a track, to all that record it.
    pub(super) fn relay(&mut self, now: Instant, binding: Binding, packet: &Packet, bytes: &[u8]) {
        let at = microseconds(self.wall.unix(now));
        let Engine { router, relays, counters, pool, wall, .. } = self;
        let Some(track) = router.tracks.get_mut(binding.track) else { return };
        let is_best = track.is_best(binding.encoding);
        let (kind, id) = (track.kind(), track.id);
        let Track { relays: subscriptions, encodings, .. } = track;
        let Some(encoding) = encodings.get(binding.encoding) else { return };
        for subscription in subscriptions {
            let before = subscription.stream;
            if let Err(reason) = subscription.select(kind, encoding.stream, is_best, packet) {
                counters.drop(reason);
                continue;
            }
            let mut out = Out { relays, counters, track: id, relay: subscription.relay };
            if before != subscription.stream
                && let Some(clock) = &encoding.clock
            {
                let heard = microseconds(wall.unix(clock.heard()));
                out.clock(encoding.stream.life, heard, clock);
            }
            out.packet(encoding.stream.life, at, packet, bytes);
            // The beginning of a keyframe came late: what came after it follows at once.
            let newest = encoding.newest().filter(|_| before != subscription.stream);
            for number in newest.into_iter().flat_map(|newest| packet.number.0 + 1..=newest.0) {
                if let Some((packet, bytes)) = encoding.cache.find(pool, SeqNo(number)) {
                    out.packet(encoding.stream.life, at, packet, bytes);
                }
            }
        }
    }

    /// Begins a track with the cached group of pictures, where that is whole.
    fn replay_to(&mut self, now: Instant, key: TrackKey, relay: RelayKey) -> bool {
        let at = microseconds(self.wall.unix(now));
        let Engine { router, relays, counters, pool, wall, .. } = self;
        let Some(track) = router.tracks.get_mut(key) else { return false };
        let Some(encoding) = track.best() else { return false };
        let Some((first, last)) = super::replay::whole_group(encoding, pool) else { return false };
        let mut out = Out { relays, counters, track: track.id, relay };
        if let Some(clock) = &encoding.clock {
            out.clock(encoding.stream.life, microseconds(wall.unix(clock.heard())), clock);
        }
        for number in first.0..=last.0 {
            if let Some((packet, bytes)) = encoding.cache.find(pool, SeqNo(number)) {
                out.packet(encoding.stream.life, at, packet, bytes);
            }
        }
        let stream = Some(encoding.stream);
        if let Some(known) = track.relays.iter_mut().find(|known| known.relay == relay) {
            known.stream = stream;
        }
        true
    }

    /// A publisher's clock, to all that record its stream.
    pub(super) fn relay_report(
        &mut self,
        now: Instant,
        key: crate::arena::PeerKey,
        report: &SenderReport<'_>,
    ) {
        let binding = self.router.peers.get(key).and_then(|peer| peer.ingress.binding(report.ssrc));
        let Some(binding) = binding.filter(|binding| binding.role == Role::Media) else { return };
        let at = microseconds(self.wall.unix(now));
        let Engine { router, relays, counters, .. } = self;
        let Some(track) = router.tracks.get(binding.track) else { return };
        let Some(encoding) = track.encodings.get(binding.encoding) else { return };
        for subscription in &track.relays {
            if subscription.stream == Some(encoding.stream) {
                let mut out = Out { relays, counters, track: track.id, relay: subscription.relay };
                out.report(encoding.stream.life, at, report.info.ntp, report.info.rtp);
            }
        }
    }
}

/// The way of one track into one relay.
struct Out<'a> {
    relays: &'a mut Relays,
    counters: &'a mut Counters,
    track: TrackId,
    relay: RelayKey,
}

impl Out<'_> {
    fn packet(&mut self, stream: u32, at: u64, packet: &Packet, bytes: &[u8]) {
        let relay = self.relays.get_mut(self.relay);
        let put = |record: &Record<'_>| relay.ok_or(DropReason::RelayFull)?.put(record);
        match with_record(packet, bytes, (self.track, stream, at), put) {
            Ok(()) => self.counters.relayed += 1,
            Err(reason) => self.counters.drop(reason),
        }
    }

    fn clock(&mut self, stream: u32, heard: u64, clock: &SenderClock) {
        let (ntp, rtp) = clock.at(clock.heard());
        self.report(stream, heard, ntp, rtp);
    }

    fn report(&mut self, stream: u32, at: u64, ntp: NtpTime, rtp: RtpTime) {
        let content = Content::Report { ntp: ntp.0, rtp: rtp.0 };
        let record = Record { track: self.track, stream, arrival_unix_us: at, content };
        let put = self.relays.get_mut(self.relay).map(|relay| relay.put(&record));
        if let Some(Err(reason)) = put {
            self.counters.drop(reason);
        }
    }
}

fn microseconds(since_1970: Duration) -> u64 {
    u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX)
}
