//! RTCP that comes in: sender's clocks, reports, lost packets, lost pictures.

use super::{Datagram, Engine};
use crate::DropReason;
use crate::arena::{Key, PeerKey};
use crate::clock::SenderClock;
use crate::egress::{Egress, Subscription};
use crate::limits::{MAX_REPAIRS_PER_NACK, UNDER_RTP_BYTES};
use crate::pacer::{Class, Waiting};
use crate::path::Path;
use crate::router::Router;
use crate::track::Role;
use lectern_control::media::MediaKind;
use lectern_wire::rtcp::{Nack, Packet, ReportBlock, SenderReport, packets};
use lectern_wire::{DataSize, Ssrc};
use std::time::{Duration, Instant};

/// One 65536th of a second, in which reports count delays.
const DELAY_UNIT_NANOS: u64 = 1_000_000_000 >> 16;

impl Engine {
    pub(super) fn handle_rtcp(
        &mut self,
        now: Instant,
        datagram: &mut Datagram<'_>,
    ) -> Result<(), DropReason> {
        let key = self.demux.by_address(datagram.remote)?;
        let peer = self.router.peers.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let len = peer.transport.open_rtcp(datagram.bytes)?;
        self.counters.rtcp_in += 1;
        let bytes = datagram.bytes.get(..len).ok_or(DropReason::Malformed)?;
        for packet in packets(bytes) {
            match packet {
                Ok(packet) => self.handle_rtcp_packet(now, key, &packet),
                Err(_) => self.counters.drop(DropReason::Malformed),
            }
        }
        Ok(())
    }

    /// Something is known of a subscriber's path: what waits may leave sooner.
    fn on_path(&mut self, now: Instant, key: PeerKey, learn: impl FnOnce(&mut Path)) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        learn(&mut peer.egress.path);
        self.allocate(now, key);
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        if let Some(due) = peer.egress.path.deadline(now) {
            self.peer_timers.advance(key.index(), due);
        }
    }

    /// What a sender says of itself beyond its clock is left alone.
    fn handle_rtcp_packet(&mut self, now: Instant, key: PeerKey, packet: &Packet<'_>) {
        match packet {
            Packet::SenderReport(report) => {
                self.router.note_clock(now, key, report);
                self.relay_report(now, key, report);
                report.blocks().for_each(|block| self.router.note_report(now, key, &block));
            }
            Packet::ReceiverReport(report) => {
                report.blocks().for_each(|block| self.router.note_report(now, key, &block));
            }
            Packet::Nack(nack) => self.repair(now, key, nack),
            Packet::PictureLoss(loss) => self.picture_lost(now, key, loss.media),
            Packet::FullIntraRequest(request) => {
                request.entries().for_each(|entry| self.picture_lost(now, key, entry.media));
            }
            Packet::TransportFeedback(feedback) => {
                if let Some(peer) = self.router.peers.get_mut(key) {
                    peer.egress.handle_feedback(now, feedback);
                }
                let mut is_believed = true;
                self.on_path(now, key, |path| is_believed = path.handle_feedback(now, feedback));
                self.counters.disbelieved += u64::from(!is_believed);
            }
            Packet::BitrateEstimate(estimate) => {
                self.open_path_by_estimate(now, key);
                self.on_path(now, key, |path| path.handle_remb(now, estimate.bitrate));
            }
            Packet::Description(_) | Packet::Goodbye(_) | Packet::Skipped { .. } => {}
        }
    }

    /// A subscriber's decoder has lost its picture.
    fn picture_lost(&mut self, now: Instant, key: PeerKey, ssrc: Ssrc) {
        self.counters.keyframe_requests_in += 1;
        let Some(subscription) = self.subscription(key, ssrc) else { return };
        let Some(track) = self.router.tracks.get_mut(subscription.track) else { return };
        match track.forwarders.get(subscription.slot) {
            Some(forwarder) if !forwarder.waits() => {
                let stream = forwarder.stream();
                track.want_keyframe_of(stream);
            }
            _ => track.want_keyframe_for(subscription.slot),
        }
        let publisher = track.publisher;
        self.wake(now, publisher);
    }

    fn subscription(&mut self, key: PeerKey, ssrc: Ssrc) -> Option<Subscription> {
        let found = self.router.peers.get(key).and_then(|peer| peer.egress.by_ssrc(ssrc));
        if found.is_none() {
            self.counters.drop(DropReason::UnknownReport);
        }
        found
    }

    /// A subscriber has lost packets: sends them again from the cache (RFC 4588). Without a stream
    /// of retransmissions the same packet again needs its index again, and bytes that differ under one
    /// index would give the key away (RFC 3711 section 9.1): sound is repeated as it left, where that
    /// was negotiated, and nothing else is.
    fn repair(&mut self, now: Instant, key: PeerKey, nack: &Nack<'_>) {
        let Some(subscription) = self.subscription(key, nack.media) else { return };
        let asked = nack.count();
        self.counters.nacked_in += asked as u64;
        let Some(forwarder) = self.router.forwarder_mut(subscription) else { return };
        let has_stream = forwarder.repair_ssrc.is_some();
        if !has_stream && !forwarder.repeats {
            return self.counters.drop_all(DropReason::UnmappedPayloadType, asked as u64);
        }
        if !has_stream {
            let (lost, sent) = forwarder.note_asked(nack.sequences().take(MAX_REPAIRS_PER_NACK));
            if let Some(peer) = self.router.peers.get_mut(key) {
                peer.egress.handle_nack(now, lost, sent);
            }
        }
        let mut served = 0;
        for sequence in nack.sequences().take(MAX_REPAIRS_PER_NACK) {
            let peer = self.router.peers.get_mut(key);
            if !peer.is_some_and(|peer| peer.egress.requests.take(now, 1)) {
                break;
            }
            served += 1;
            let sent = match has_stream {
                true => self.repair_one(now, key, subscription, sequence),
                false => self.repeat_one(now, key, subscription, sequence),
            };
            match sent {
                Ok(()) => {}
                Err(reason) => self.counters.drop(reason),
            }
        }
        self.counters.drop_all(DropReason::NackRate, asked.saturating_sub(served) as u64);
    }

    fn repair_one(
        &mut self,
        now: Instant,
        key: PeerKey,
        subscription: Subscription,
        sequence: u16,
    ) -> Result<(), DropReason> {
        let track = self.router.tracks.get(subscription.track).ok_or(DropReason::UnknownReport)?;
        let class = if track.kind() == MediaKind::Audio { Class::Sound } else { Class::Repair };
        let forwarder = track.forwarders.get(subscription.slot).ok_or(DropReason::UnknownReport)?;
        let (segment, number) = forwarder.find_sent(sequence).ok_or(DropReason::NackMissed)?;
        let kept = self.router.kept(&self.pool, subscription.track, &segment, number);
        let (_, bytes) = kept.ok_or(DropReason::NackMissed)?;
        let (peer, forwarder) = self.router.sending(key, subscription)?;
        let out = segment.number(number).unwrap_or_default();
        if out >= forwarder.left() {
            return Err(DropReason::NackMissed);
        }
        let asked = forwarder.repairs.permit(now, out.0).ok_or(DropReason::NackRate)?;
        let Egress { budget, path, .. } = &mut peer.egress;
        if !budget.spend(bytes.len()) {
            return Err(DropReason::NackRate);
        }
        let size = DataSize::bytes((bytes.len() + UNDER_RTP_BYTES) as u64);
        let waiting = Waiting { ssrc: forwarder.ssrc, number: out, size };
        let leaves_at_once = path.is_open(now, class);
        if !leaves_at_once && !path.pacer.push(Class::Repair, waiting) {
            return Err(DropReason::PacerFull);
        }
        for _ in 1..path.copies(asked) {
            if !budget.spend_on_copy(bytes.len()) || !path.pacer.push_copy(waiting) {
                break;
            }
        }
        if let Some(due) = path.pacer.deadline(now) {
            self.peer_timers.advance(key.index(), due);
        }
        if leaves_at_once {
            self.send_from_cache(now, key, subscription, out, true)?;
            self.counters.rtx_out += 1;
        }
        Ok(())
    }

    /// Sends a datagram of sound once more as it left, at once. Whatever is not kept was sent before
    /// anything was lost, or long ago.
    fn repeat_one(
        &mut self,
        now: Instant,
        key: PeerKey,
        subscription: Subscription,
        sequence: u16,
    ) -> Result<(), DropReason> {
        let (peer, forwarder) = self.router.sending(key, subscription)?;
        let remote = peer.receives_media()?;
        let Egress { sealed, budget, path, .. } = &mut peer.egress;
        let (number, datagram) =
            sealed.find(subscription.ssrc, sequence).ok_or(DropReason::NackMissed)?;
        if forwarder.repairs.permit(now, number.0).is_none() || !budget.spend(datagram.len()) {
            return Err(DropReason::NackRate);
        }
        // Its transport-wide number has been given, and is reported to have come late.
        path.pacer.spend(DataSize::bytes((datagram.len() + UNDER_RTP_BYTES) as u64));
        if !self.outbox.push(key.index(), remote, datagram) {
            return Err(DropReason::TooLarge);
        }
        self.counters.rtx_out += 1;
        Ok(())
    }
}

impl Router {
    /// The sender's clock of one encoding.
    fn note_clock(&mut self, now: Instant, key: PeerKey, report: &SenderReport<'_>) {
        let binding = self.peers.get(key).and_then(|peer| peer.ingress.binding(report.ssrc));
        let Some(binding) = binding.filter(|binding| binding.role == Role::Media) else { return };
        let track = self.tracks.get_mut(binding.track);
        if let Some(encoding) = track.and_then(|track| track.encodings.get_mut(binding.encoding)) {
            let rate = encoding.clock_rate();
            encoding.clock = Some(SenderClock::new(report.info.ntp, report.info.rtp, now, rate));
        }
    }

    /// How a subscriber receives one stream. Blocks about retransmissions are of no use.
    fn note_report(&mut self, now: Instant, key: PeerKey, block: &ReportBlock) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let Some(subscription) = peer.egress.by_ssrc(block.ssrc) else { return };
        let track = self.tracks.get_mut(subscription.track);
        let is_sound = track.as_ref().is_some_and(|track| track.kind() == MediaKind::Audio);
        let forwarder = track.and_then(|track| track.forwarders.get_mut(subscription.slot));
        let Some(forwarder) = forwarder else { return };
        forwarder.acknowledged = true;
        let reported = forwarder.reported.iter().flatten();
        let quoted = reported.filter(|(middle, _)| *middle == block.last_sender_report);
        let round_trip = quoted.map(|(_, left)| *left).next().and_then(|left| {
            let held = u64::from(block.delay_since_last).saturating_mul(DELAY_UNIT_NANOS);
            now.saturating_duration_since(left).checked_sub(Duration::from_nanos(held))
        });
        peer.egress.report(block.fraction_lost, round_trip);
        peer.egress.path.handle_report(now, block.fraction_lost, round_trip);
        if is_sound {
            peer.egress.handle_loss_of_sound(now, block.fraction_lost);
        }
    }
}
