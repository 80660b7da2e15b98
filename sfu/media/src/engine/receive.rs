//! Ingress: what becomes of an authenticated packet before it is forwarded.

use super::Engine;
use super::fill::Gap;
use crate::DropReason;
use crate::arena::{Key, PeerKey};
use crate::encoding::Arrival;
use crate::forwarder::Forwarder;
use crate::ingress::Binding;
use crate::limits::MAX_RTP_BYTES;
use crate::order::Place;
use crate::packet::Packet;
use crate::track::{Format, Role, Track};
use crate::voice::Heard;
use lectern_control::media::{Extension, MediaKind, Source};
use lectern_control::node::Event;
use lectern_wire::extension::{AudioLevel, TransportSequence};
use lectern_wire::rtp::View;
use lectern_wire::{SeqNo, rtx};
use std::ops::Range;
use std::time::Instant;

impl Engine {
    /// The packet's place in its encoding, statistics, losses, cache.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        key: PeerKey,
        binding: Binding,
        index: SeqNo,
        view: &View<'_>,
    ) -> Result<(Packet, Option<Gap>), DropReason> {
        let peer = self.router.peers.get(key).ok_or(DropReason::UnknownStream)?;
        let track = self.router.tracks.get_mut(binding.track).ok_or(DropReason::UnknownStream)?;
        if !peer.permissions.publish {
            return Err(DropReason::NotPermitted);
        }
        let (format, payload, sent) = original(track, binding, index, view)?;
        let encoding =
            track.encodings.get_mut(binding.encoding).ok_or(DropReason::UnknownStream)?;
        let arrival = Arrival {
            sent,
            timestamp: view.header.fields.timestamp,
            padding: payload.is_empty(),
            repair: binding.role == Role::Repair,
        };
        let before = encoding.newest_moment();
        if format.nack {
            encoding.losses.assume(peer.transport.rtt());
        }
        let Place { number, gap_from, .. } = encoding.receive(now, &arrival, format.nack)?;
        let mut longest = MAX_RTP_BYTES;
        if arrival.repair {
            self.counters.rtx_in += 1;
            longest += rtx::HEADER_LEN;
        }
        if view.bytes().len() > longest {
            // Only now: it has come, and is not to be asked for again.
            return Err(DropReason::TooLarge);
        }
        let payload_type = format.payload_type;
        let mut packet = Packet::read(view, payload, payload_type, format.codec, &peer.extensions)?;
        packet.number = number;
        encoding.note_layers(now, &mut packet, view.bytes());
        track.heard(now, binding.encoding);
        if track.is_muted() {
            return Err(DropReason::Muted);
        }
        let began = track.encodings.get(binding.encoding).and_then(|encoding| encoding.began);
        let is_back = began == Some(now) && track.kind() == MediaKind::Video;
        let id = peer.extensions.id(Extension::AudioLevel);
        let level = id.and_then(|id| view.extensions().find(id)).map(AudioLevel::parse);
        let level = level.and_then(Result::ok);
        if let Some(level) = level {
            track.level.hear(now, level.below_overload_db);
        }
        if track.is_voice() && !arrival.repair {
            let heard = Heard {
                below_overload_db: level.map(|level| level.below_overload_db),
                is_voice: level.is_some_and(|level| level.voice),
                payload_len: packet.payload(view.bytes()).len(),
            };
            track.voice.hear(now, &heard);
            if track.is_open && track.voice.is_voiced(now) {
                let room = track.room;
                self.call_for_seat(now, room, binding.track);
            }
        }
        self.keep(now, key, binding, &packet, view.bytes());
        if is_back {
            self.offer_anew(now, binding.track);
        }
        let gap = gap_from.zip(before).map(|(from, before)| Gap { sent, from, before });
        Ok((packet, gap))
    }

    /// Notes when a packet came, for transport-wide feedback.
    pub(super) fn note_arrival(&mut self, now: Instant, key: PeerKey, view: &View<'_>) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        let Some(id) = peer.extensions.id(Extension::TransportWideSequence) else { return };
        let sequence = view.extensions().find(id).map(TransportSequence::parse);
        if let Some(Ok(TransportSequence(sequence))) = sequence {
            let due = peer.ingress.arrivals.record(now, self.wall.unix(now), sequence);
            self.peer_timers.advance(key.index(), due);
        }
    }

    /// Keeps a packet for those who lose it or come late, and has what is missing asked for.
    pub(super) fn keep(
        &mut self,
        now: Instant,
        key: PeerKey,
        binding: Binding,
        packet: &Packet,
        bytes: &[u8],
    ) {
        let Some(track) = self.router.tracks.get_mut(binding.track) else { return };
        if !track.started {
            track.started = true;
            if let Some(room) = self.router.rooms.get(track.room) {
                self.events.push((room.id, Event::TrackStarted { track: track.id }));
            }
        }
        let is_video = track.kind() == MediaKind::Video;
        let needs = |f: &Forwarder| f.repair_ssrc.is_some() || f.takes_redundancy();
        let keeps = is_video || track.forwarders.iter().any(needs);
        let is_screen = track.parameters.source == Source::Screen;
        let refreshes = is_video && is_screen && !track.forwarders.is_empty();
        let Some(encoding) = track.encodings.get_mut(binding.encoding) else { return };
        if keeps && !encoding.keep(&mut self.pool, now, packet, bytes) {
            self.counters.uncached += 1;
        }
        if refreshes
            && encoding.group.grow(now, packet.timestamp, packet.starts_keyframe, bytes.len())
        {
            encoding.keyframes.want();
        }
        let request = encoding.keyframes.deadline(now).filter(|_| is_video);
        if let Some(due) = encoding.losses.deadline().into_iter().chain(request).min() {
            self.peer_timers.advance(key.index(), due);
        }
    }
}

/// Which packet it is when it is one that was sent before: its format, payload and number.
fn original(
    track: &Track,
    binding: Binding,
    index: SeqNo,
    view: &View<'_>,
) -> Result<(Format, Range<usize>, SeqNo), DropReason> {
    let payload_type = view.header.fields.payload_type;
    let (format, role) = track.format(payload_type).ok_or(DropReason::UnknownPayloadType)?;
    let payload = view.payload_range();
    match (binding.role, role) {
        (Role::Media, Role::Media) => Ok((format, payload, index)),
        (Role::Repair, Role::Repair) => {
            let repair = rtx::split(view.payload()).map_err(|_| DropReason::Malformed)?;
            let (sequence, _) = repair.ok_or(DropReason::Padding)?;
            let encoding = track.encodings.get(binding.encoding);
            let sent = encoding.and_then(|encoding| encoding.original(sequence));
            let sent = sent.ok_or(DropReason::UnknownStream)?;
            Ok((format, payload.start + rtx::HEADER_LEN..payload.end, sent))
        }
        _ => Err(DropReason::UnknownPayloadType),
    }
}
