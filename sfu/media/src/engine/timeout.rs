//! What is done for a peer from time to time: its transport, feedback to it, reports to it.

use super::Engine;
use crate::arena::{Key, PeerKey};
use crate::limits::REPORT_INTERVAL;
use crate::peer::Peer;
use crate::reports::Sender;
use crate::router::Router;
use lectern_control::node::DisconnectReason;
use lectern_wire::rtcp::SenderInfo;
use std::time::Instant;

impl Engine {
    /// Looks after a peer.
    pub(super) fn peer_timeout(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        if peer.forgotten_at.is_some_and(|at| at <= now) {
            // No consent since then, nor asked for: the client is elsewhere.
            return self.disconnect(key, DisconnectReason::ConsentExpired);
        }
        if peer.transport.deadline().is_some_and(|due| due <= now) {
            peer.transport.handle_timeout(now);
        }
        peer.egress.path.handle_timeout(now);
        self.allocate(now, key);
        self.pace(now, key);
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        let reports = peer.egress.report_due.is_some_and(|due| due <= now);
        if reports {
            peer.egress.report_due = Some(now + REPORT_INTERVAL);
        }
        self.send_feedback(now, key, reports);
        if reports {
            self.send_reports(now, key);
        }
        self.serve(now, key);
    }

    /// Sender reports about all that is sent to a subscriber, each with the publisher's clock.
    fn send_reports(&mut self, now: Instant, key: PeerKey) {
        let Router { peers, tracks, .. } = &mut self.router;
        let Some(peer) = peers.get_mut(key) else { return };
        let Ok(remote) = peer.receives_media() else { return };
        let Peer { transport, egress, ssrc, .. } = peer;
        let (outbox, counters) = (&mut self.outbox, &mut self.counters);
        let mut sender = Sender::new(*ssrc, key.index(), remote, transport, outbox, counters);
        for subscription in egress.subscriptions() {
            let Some(track) = tracks.get_mut(subscription.track) else { continue };
            let Some(forwarder) = track.forwarders.get_mut(subscription.slot) else { continue };
            let Some((ntp, rtp)) = forwarder.sender_clock(now, &track.encodings) else { continue };
            let ssrc = forwarder.ssrc;
            let (packets, payload_bytes) = (forwarder.sent.packets, forwarder.sent.payload_bytes);
            let info = SenderInfo { ntp, rtp, packets, payload_bytes };
            let name = track.canonical_name.as_bytes();
            let written = sender.add_report(|writer, _| {
                writer.sender_report(ssrc, &info, &[])?;
                writer.canonical_name(&[ssrc], name)
            });
            if written {
                forwarder.reported(now, ntp);
            }
        }
        sender.finish();
    }
}
