//! What a room loses: edges that do not come back, nodes that die or come back empty.

use super::{Home, Place, Room};
use crate::clock::Now;
use crate::records::AuditKind;
use lectern_control::edge::Notice;
use lectern_control::node::{Command, DisconnectReason};
use lectern_control::room::LeaveReason;
use lectern_control::{EdgeId, NodeId};

impl Room {
    /// An edge was gone for longer than a resume may take: so are its participants.
    pub fn handle_edge_lost(&mut self, now: Now, edge: &EdgeId) {
        for participant in self.roster.of_edge(edge) {
            self.leave(now, participant, LeaveReason::ConnectionLost);
        }
    }

    /// An edge came back a while ago, perhaps as another process: who has no transport by now was
    /// not brought back.
    pub fn handle_edge_settled(&mut self, now: Now, edge: &EdgeId) {
        for participant in self.roster.of_edge(edge) {
            if !self.peers.values().any(|peer| peer.participant() == participant) {
                self.leave(now, participant, LeaveReason::ConnectionLost);
            }
        }
    }

    /// A node has nothing any more of what the room had there, or nothing that can be relied upon.
    pub fn handle_node_emptied(&mut self, now: Now, node: &NodeId) {
        self.forget_relays(node);
        if self.relocation.as_ref().is_some_and(|relocation| relocation.target() == node) {
            self.handle_target_lost(now);
        }
        if self.home.standby.as_ref().is_some_and(|place| place.node == *node) {
            for peer in self.peers.values_mut() {
                peer.standby = None;
            }
        }
        if self.home.primary.node == *node && !self.peers.is_empty() {
            let (primary, standby) = (self.home.primary.clone(), self.home.standby.clone());
            self.handle_node_lost(now, Some((primary, standby)));
        }
    }

    /// Whatever a node holds of the room is ended there; what is said later begins anew.
    pub fn end_on(&mut self, node: &NodeId) {
        if self.uses(node) {
            self.command(node.clone(), Command::CloseRoom);
        }
    }

    /// The room's node died. With a place to go, everything begins anew there: transports die with
    /// their node, because nobody else has their indices. The edges hear first that each is gone,
    /// so that clients come again, and then where to.
    pub fn handle_node_lost(&mut self, now: Now, next: Option<(Place, Option<Place>)>) {
        if self.finish_without_source(now) {
            return;
        }
        if self.relocation.is_some() {
            self.cancel_move(now, "the node died");
        }
        let Some((primary, standby)) = next else { return };
        for peer in self.peers.keys().copied().collect::<Vec<_>>() {
            self.drop_peer(peer, DisconnectReason::ConsentExpired);
        }
        self.publications.clear();
        self.forget_relays(&self.home.primary.node.clone());
        let generation = self.home.next_generation(&primary.node);
        let from = std::mem::replace(&mut self.home, Home { primary, standby, generation });
        let detail = format!("{} died; now on {}", from.primary.node, self.home.primary.node);
        self.audit(AuditKind::NodeLost, String::new(), detail);
        self.notify_all(&Notice::Moved { placement: self.home.placement(self.id()) });
        self.answer_deferred(now);
    }

    /// The standby died. Another one would stand in no description that clients have, so there is
    /// none until the room moves.
    pub fn handle_standby_lost(&mut self) {
        let Some(standby) = self.home.standby.take() else { return };
        for peer in self.peers.values_mut() {
            peer.standby.take_if(|node| *node == standby.node);
        }
    }
}
