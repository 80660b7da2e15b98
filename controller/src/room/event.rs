//! What nodes tell a room.

use super::Room;
use super::output::{Issued, Output};
use super::peer::Peer;
use crate::clock::Now;
use lectern_control::edge::Notice;
use lectern_control::node::{Command, CommandError, DisconnectReason, Event, Security};
use lectern_control::{NodeId, PeerId, RequestId, TrackId};

/// Speakers told of at once: nobody shows more.
const MAX_SPEAKERS: usize = 16;

impl Room {
    /// Something happened on a node. News of nodes that are not the room's own are stale.
    pub fn handle_event(&mut self, now: Now, from: &NodeId, event: Event) {
        let is_active = self.home.primary.node == *from;
        let moves_tracks = matches!(event, Event::Exported { .. } | Event::CommandFailed { .. });
        match event {
            Event::CommandFailed { request, error } => self.command_failed(now, request, error),
            Event::Exported { peer, state } if is_active => self.exported(now, peer, state),
            Event::PeerDisconnected { peer, reason } => {
                self.peer_disconnected(now, from, peer, reason);
            }
            Event::PeerConnected { peer, security } if is_active => {
                self.peer_connected(now, peer, security);
            }
            Event::TrackStarted { track } if is_active => {
                if let Some(publication) = self.publications.get(&track) {
                    let participant = publication.participant;
                    self.notify_all(&Notice::TrackStarted { participant, track });
                }
            }
            Event::Speakers { mut speakers } if is_active => {
                speakers.retain(|(speaker, _)| self.roster.get(*speaker).is_some());
                speakers.truncate(MAX_SPEAKERS);
                self.note_speakers(&speakers);
                self.notify_all(&Notice::Speakers { speakers });
            }
            Event::Quality { participant, quality }
                if is_active && self.roster.get(participant).is_some() =>
            {
                self.notify_all(&Notice::Quality { participant, quality });
            }
            // The path has moved by itself; nobody waits for it.
            Event::PeerMoved { .. } => {}
            Event::Exported { .. }
            | Event::PeerConnected { .. }
            | Event::TrackStarted { .. }
            | Event::Speakers { .. }
            | Event::Quality { .. } => {}
        }
        if moves_tracks {
            self.sync_recording(now);
        }
    }

    fn peer_connected(&mut self, now: Now, id: PeerId, security: Security) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.connected = true;
        let (participant, standby) = (peer.participant(), peer.standby.clone());
        // Not before: an answering standby would draw the handshake to itself.
        if let Some(node) = standby {
            self.command(node, Command::WarmStandby { peer: id });
        }
        self.notify(participant, Notice::PeerConnected { participant, peer: id, security });
        self.advance_move(now);
    }

    fn peer_disconnected(&mut self, now: Now, from: &NodeId, id: PeerId, reason: DisconnectReason) {
        if self.holds(from, id) {
            self.drop_peer(id, reason);
            self.advance_move(now);
        } else if let Some(peer) = self.peers.get_mut(&id) {
            peer.standby.take_if(|node| node == from);
        }
    }

    fn command_failed(&mut self, now: Now, request: RequestId, error: CommandError) {
        let issued = self.issued.remove(&request);
        if error == CommandError::Fenced {
            return self.out.push_back(Output::Lost);
        }
        match issued {
            Some(Issued::For(participant, peer))
                if peer.is_none_or(|peer| self.peers.contains_key(&peer)) =>
            {
                self.notify(participant, Notice::CommandFailed { participant, error });
            }
            // Of a transport that is gone, its edge has heard already.
            Some(Issued::For(..)) => {}
            Some(Issued::Open(peer)) => {
                self.drop_peer(peer, DisconnectReason::Refused);
                self.advance_move(now);
            }
            Some(Issued::Publish(peer, track)) => self.publish_failed(peer, track, error),
            Some(Issued::Export(peer)) => self.export_failed(now, peer, &error),
            Some(Issued::Relay(recording)) => self.relay_failed(now, recording, &error),
            Some(Issued::Restore(peer)) => {
                self.drop_peer(peer, DisconnectReason::ConsentExpired);
                self.advance_move(now);
            }
            None => {}
        }
    }

    /// Nobody is shown a track that the node does not have; its publisher hears of it.
    fn publish_failed(&mut self, peer: PeerId, track: TrackId, error: CommandError) {
        let Some(participant) = self.peers.get(&peer).map(Peer::participant) else { return };
        match error {
            // The transport is what is missing, and with it more than one track.
            CommandError::UnknownPeer => {
                self.notify(participant, Notice::CommandFailed { participant, error });
            }
            // Then the node has it.
            CommandError::AlreadyExists => {}
            _ => {
                self.publications.remove(&track);
                self.withdraw(participant, track);
                self.notify(participant, Notice::TrackRefused { participant, track, error });
            }
        }
    }
}
