//! What nodes tell a room.

use super::Room;
use super::output::{Issued, Output};
use super::peer::Peer;
use crate::clock::Now;
use lectern_control::edge::Notice;
use lectern_control::node::{
    Command, CommandError, DisconnectReason, Event, LayerWanted, Security, StreamState,
};
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
            Event::SoundSeats { seats } if is_active => {
                self.notify_all(&Notice::SoundSeats { seats });
            }
            Event::Quality { participant, quality }
                if is_active && self.roster.get(participant).is_some() =>
            {
                self.notify_all(&Notice::Quality { participant, quality });
            }
            Event::StreamStates { peer, states } => self.stream_states(from, peer, states),
            Event::LayersWanted { track, layers } => self.layers_wanted(from, track, layers),
            // The path has moved by itself; nobody waits for it.
            Event::PeerMoved { .. } => {}
            Event::Exported { .. }
            | Event::PeerConnected { .. }
            | Event::TrackStarted { .. }
            | Event::Speakers { .. }
            | Event::SoundSeats { .. }
            | Event::Quality { .. } => {}
        }
        if moves_tracks {
            self.sync_recording(now);
        }
    }

    fn stream_states(&mut self, from: &NodeId, id: PeerId, states: Vec<(TrackId, StreamState)>) {
        if !self.holds(from, id) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.paused.retain(|track| self.publications.contains_key(track));
        for (track, state) in &states {
            match state {
                StreamState::Paused => peer.paused.insert(*track),
                StreamState::Active => peer.paused.remove(track),
            };
        }
        let participant = peer.participant();
        self.notify(participant, Notice::StreamStates { participant, states });
    }

    /// A publisher does not stop before anybody could have come to watch: who comes first is then
    /// served at once.
    fn layers_wanted(&mut self, from: &NodeId, track: TrackId, layers: Vec<LayerWanted>) {
        let known = self.publications.get(&track);
        if !known.is_some_and(|publication| self.holds(from, publication.peer)) {
            return;
        }
        let Some(publication) = self.publications.get_mut(&track) else { return };
        let unwatched = layers.iter().all(|layer| !layer.wanted);
        if unwatched && !publication.subscribed {
            return;
        }
        publication.layers.clone_from(&layers);
        let participant = publication.participant;
        self.notify(participant, Notice::LayersWanted { participant, track, layers });
    }

    /// A node that takes a transport over sends all, and wants all, until it says otherwise.
    pub(super) fn streams_begin_anew(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let participant = peer.participant();
        let paused = std::mem::take(&mut peer.paused).into_iter();
        let states: Vec<_> = paused.map(|track| (track, StreamState::Active)).collect();
        let mut told = Vec::new();
        if !states.is_empty() {
            told.push(Notice::StreamStates { participant, states });
        }
        for (track, publication) in self.publications.iter_mut().filter(|(_, one)| one.peer == id) {
            if publication.layers.iter().any(|layer| !layer.wanted) {
                publication.layers.iter_mut().for_each(|layer| layer.wanted = true);
                let (track, layers) = (*track, publication.layers.clone());
                told.push(Notice::LayersWanted { participant, track, layers });
            }
        }
        told.into_iter().for_each(|notice| self.notify(participant, notice));
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
