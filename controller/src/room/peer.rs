//! Transports of a room and what they publish: the desired state of its nodes.

use super::Room;
use super::output::Issued;
use lectern_control::edge::Notice;
use lectern_control::media::{MediaKind, Source};
use lectern_control::node::{Command, DisconnectReason, LayerWanted};
use lectern_control::transport::PeerParameters;
use lectern_control::{NodeId, ParticipantId, PeerId, TrackId};
use std::collections::BTreeSet;

/// A transport.
#[derive(Debug)]
pub(super) struct Peer {
    /// As the active node was told, with all that changed since.
    pub(super) parameters: Box<PeerParameters>,
    /// The node that holds it warm.
    pub(super) standby: Option<NodeId>,
    /// ICE and DTLS are done.
    pub(super) connected: bool,
    /// Tracks that it is not sent for want of bandwidth.
    pub(super) paused: BTreeSet<TrackId>,
}

impl Peer {
    pub(super) fn participant(&self) -> ParticipantId {
        self.parameters.participant
    }
}

/// A track that a node was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Publication {
    /// Whose.
    pub(super) participant: ParticipantId,
    /// On which transport.
    pub(super) peer: PeerId,
    /// Somebody has asked for it.
    pub(super) subscribed: bool,
    /// Sound or picture.
    pub(super) kind: MediaKind,
    /// Where it comes from.
    pub(super) source: Source,
    /// As the node was told.
    pub(super) muted: bool,
    /// It stands in for another track, which is the one that is recorded.
    pub(super) backup: bool,
    /// Which of its encodings are wanted, as its publisher was told; empty where nothing was said.
    pub(super) layers: Vec<LayerWanted>,
}

impl Publication {
    /// Somebody speaks: sound, but not a shared tab's.
    pub(super) fn is_voice(&self) -> bool {
        self.kind == MediaKind::Audio && self.source != Source::ScreenAudio
    }
}

impl Room {
    /// Tells the active node for a participant.
    pub(super) fn tell_active(
        &mut self,
        participant: ParticipantId,
        peer: Option<PeerId>,
        command: Command,
    ) {
        let node = self.home.primary.node.clone();
        self.command_for(node, command, Issued::For(participant, peer));
    }

    /// Tells the active node, and the standby where the peer is held warm.
    pub(super) fn tell_both(&mut self, participant: ParticipantId, peer: PeerId, command: Command) {
        let standby = self.peers.get(&peer).and_then(|peer| peer.standby.clone());
        let copy = standby.map(|node| (node, command.clone()));
        self.tell_active(participant, Some(peer), command);
        if let Some((node, command)) = copy {
            self.command(node, command);
        }
    }

    /// Ends a transport wherever it is.
    pub(super) fn remove_peer(&mut self, id: PeerId) {
        let Some(peer) = self.peers.remove(&id) else { return };
        self.publications.retain(|_, publication| publication.peer != id);
        let mut nodes = vec![self.home.primary.node.clone()];
        nodes.extend(peer.standby);
        if let Some(relocation) = &mut self.relocation
            && relocation.forget(id)
        {
            nodes.push(relocation.target().clone());
        }
        nodes.dedup();
        for node in nodes {
            self.command(node, Command::RemovePeer { peer: id });
        }
    }

    /// Ends a transport that cannot go on, and tells its edge.
    pub(super) fn drop_peer(&mut self, id: PeerId, reason: DisconnectReason) {
        let Some(participant) = self.peers.get(&id).map(Peer::participant) else { return };
        self.remove_peer(id);
        self.notify(participant, Notice::PeerDisconnected { participant, peer: id, reason });
    }
}
