//! What a peer's transport says and sends, and when the peer is to be looked after again.

use super::Engine;
use crate::arena::{Key, PeerKey};
use crate::limits::REPORT_INTERVAL;
use crate::peer::Peer;
use crate::transport::{self, Transmit};
use crate::{DropReason, router::Router};
use lectern_control::media::MediaKind;
use lectern_control::node::{DisconnectReason, Event};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The shortest time between two looks at a peer, so that a deadline that has passed cannot keep
/// the engine busy for ever.
const LEAST_WAIT: Duration = Duration::from_millis(1);

impl Engine {
    /// Takes the transport's events and datagrams, and sets the peer's timer.
    pub(super) fn serve(&mut self, now: Instant, key: PeerKey) {
        // First what ends the handshake: media that overtakes it cannot be decrypted yet.
        self.transmit(key);
        while let Some(event) =
            self.router.peers.get_mut(key).and_then(|peer| peer.transport.poll_event())
        {
            self.handle_event(now, key, event);
        }
        self.transmit(key);
        self.go_on_with_export(now, key);
        self.arm(now, key);
    }

    /// Takes the transport's datagrams.
    pub(super) fn transmit(&mut self, key: PeerKey) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        while let Some(Transmit { remote, bytes }) = peer.transport.poll_transmit() {
            if !self.outbox.push(key.index(), remote, &bytes) {
                self.counters.drop(DropReason::TooLarge);
            }
        }
    }

    /// Sets the peer's timer to its next deadline.
    pub(super) fn arm(&mut self, now: Instant, key: PeerKey) {
        let deadline = self.router.peers.get(key).and_then(|peer| self.router.deadline(now, peer));
        let at = deadline.map(|at| at.max(now + LEAST_WAIT));
        self.peer_timers.set(key.index(), at);
    }

    /// Has a peer looked after at the next timeout, which is due at once.
    pub(super) fn wake(&mut self, now: Instant, key: PeerKey) {
        self.peer_timers.advance(key.index(), now);
    }

    /// Notes an address that an authenticated check has opened. Anybody can send a request in the
    /// name of another's address, so it takes the address from nobody who has answered a check of
    /// ours there; an answer does, for it shows who is there now (RFC 8445 section 19.1).
    pub(super) fn open_address(
        &mut self,
        now: Instant,
        key: PeerKey,
        remote: SocketAddr,
    ) -> Result<(), DropReason> {
        let consents = |key: PeerKey| {
            let peer = self.router.peers.get(key);
            peer.is_some_and(|peer| peer.transport.consents(now, remote))
        };
        let owner = self.demux.by_address(remote).ok().filter(|owner| *owner != key);
        if owner.is_some_and(consents) && !consents(key) {
            return Err(DropReason::AddressTaken);
        }
        let peer = self.router.peers.get_mut(key).ok_or(DropReason::UnknownUfrag)?;
        if let Some(forgotten) = peer.open(remote) {
            self.demux.close(forgotten, key);
        }
        if let Some(former) = self.demux.open(remote, key).filter(|former| *former != key)
            && let Some(former) = self.router.peers.get_mut(former)
        {
            former.addresses.retain(|address| *address != remote);
        }
        Ok(())
    }

    fn handle_event(&mut self, now: Instant, key: PeerKey, event: transport::Event) {
        let Some(peer) = self.router.peers.get_mut(key) else { return };
        let (id, room) = (peer.id, peer.room);
        let event = match event {
            transport::Event::Connected(security) => {
                peer.egress.report_due = Some(now + REPORT_INTERVAL);
                self.open_path(now, key);
                self.refresh(now, key);
                Some(Event::PeerConnected { peer: id, security })
            }
            transport::Event::FirstCheck => {
                // What was sent before the path was open is lost.
                self.open_path(now, key);
                self.restart(now, key);
                Some(Event::PeerMoved { peer: id })
            }
            transport::Event::Disconnected(reason) => {
                self.disconnect(key, reason);
                return;
            }
            transport::Event::Message { label, binary, payload } => {
                if let Err(reason) = self.route_message(now, key, &label, binary, &payload) {
                    self.counters.drop(reason);
                }
                None
            }
            transport::Event::Moved(_)
            | transport::Event::ChannelOpen { .. }
            | transport::Event::ChannelClosed { .. } => None,
        };
        if let (Some(event), Some(room)) = (event, self.router.rooms.get(room)) {
            self.events.push((room.id, event));
        }
    }

    pub(super) fn disconnect(&mut self, key: PeerKey, reason: DisconnectReason) {
        self.transmit(key);
        let Some(peer) = self.remove_peer(key) else { return };
        if let Some(room) = self.router.rooms.get(peer.room) {
            self.events.push((room.id, Event::PeerDisconnected { peer: peer.id, reason }));
        }
        self.remove_room_if_empty(peer.room);
    }
}

impl Router {
    /// When the peer is to be looked after next.
    fn deadline(&self, now: Instant, peer: &Peer) -> Option<Instant> {
        let given = [peer.transport.deadline(), peer.export_until, peer.forgotten_at];
        let transport = given.into_iter().flatten().min();
        if peer.sends_to().is_err() {
            return transport;
        }
        let tracks = peer.ingress.tracks.iter().filter_map(|key| self.tracks.get(*key));
        let repairs = tracks.flat_map(|track| {
            let is_video = track.kind() == MediaKind::Video;
            track.encodings.iter().filter(|encoding| encoding.ssrc.is_some()).flat_map(
                move |encoding| {
                    let request = encoding.keyframes.deadline(now).filter(|_| is_video);
                    encoding.losses.deadline().into_iter().chain(request)
                },
            )
        });
        let feedback = peer.ingress.arrivals.deadline();
        let path = peer.egress.path.deadline(now);
        let own = [transport, feedback, path, peer.egress.report_due, peer.egress.allocate_at];
        repairs.chain(own.into_iter().flatten()).min()
    }
}
