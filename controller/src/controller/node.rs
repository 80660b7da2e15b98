//! What nodes say.

use super::{Controller, Output, Role};
use crate::clock::Now;
use crate::job::LeaseJob;
use crate::nodes::{Refusal, Welcomed};
use lectern_control::node::{Command, FromNode, Hello, ToNode};
use lectern_control::{NodeId, RequestId, Revision, RoomId, Version};
use std::collections::BTreeSet;

/// Rooms on nodes that wait for being ended; what is more is ended when the node comes again.
const MAX_STRAYS: usize = super::MAX_ROOMS;

impl Controller {
    pub(super) fn node_said(&mut self, now: Now, link: u64, message: FromNode) {
        if let FromNode::Hello(hello) = message {
            return self.node_hello(now, link, hello);
        }
        let Some((node, had)) = self.nodes.handle_sign_of_life(now, link) else {
            return self.ignore(Role::Node, "early");
        };
        self.close_strays(&node, had);
        match message {
            FromNode::Heartbeat(heartbeat) => self.nodes.handle_heartbeat(&node, heartbeat),
            FromNode::Event { room, event } => {
                if !self.rooms.contains_key(&room) {
                    return self.ignore(Role::Node, "no_such_room");
                }
                self.with_room(now, room, |room| room.handle_event(now, &node, event));
            }
            FromNode::Hello(_) => {}
        }
    }

    fn node_hello(&mut self, now: Now, link: u64, hello: Hello) {
        let held_rooms: BTreeSet<RoomId> = hello.rooms.iter().copied().collect();
        let node = hello.node.clone();
        tracing::info!(%node, region = hello.region, rooms = held_rooms.len(), "a node is here");
        let welcome = ToNode::Welcome { version: Version::CURRENT };
        self.out.push_back(Output::ToNode { link, message: welcome });
        match self.nodes.handle_hello(now, link, hello) {
            Ok(welcomed) => self.node_welcomed(now, link, &node, held_rooms, welcomed),
            Err(refusal) => {
                tracing::warn!(%node, %refusal, "a node is refused");
                let reason = if refusal == Refusal::Version { "version" } else { "refused" };
                self.end_link(Role::Node, link, reason);
            }
        }
    }

    fn node_welcomed(
        &mut self,
        now: Now,
        link: u64,
        node: &NodeId,
        held_rooms: BTreeSet<RoomId>,
        welcomed: Welcomed,
    ) {
        self.strangers.remove(&link);
        if let Some(replaced) = welcomed.replaced {
            self.end_link(Role::Node, replaced, "replaced");
        }
        for message in welcomed.held {
            self.out.push_back(Output::ToNode { link, message });
        }
        // What it should have and has not is gone: it was another process until now.
        for id in self.rooms.keys().copied().collect::<Vec<_>>() {
            if welcomed.missed_too_much || !held_rooms.contains(&id) {
                self.with_room(now, id, |room| room.handle_node_emptied(now, node));
            }
        }
        if welcomed.missed_too_much {
            return self.close_all(node, held_rooms);
        }
        self.close_strays(node, held_rooms);
    }

    /// Ends rooms on a node that has no business with them.
    fn close_strays(&mut self, node: &NodeId, held: impl IntoIterator<Item = RoomId>) {
        let strays = held.into_iter().filter(|id| {
            !self.opening.contains_key(id) && self.rooms.get(id).is_none_or(|room| !room.uses(node))
        });
        let strays = strays.collect();
        self.close_all(node, strays);
    }

    fn close_all(&mut self, node: &NodeId, rooms: BTreeSet<RoomId>) {
        for id in rooms {
            match self.rooms.get(&id).map(|room| room.revision()) {
                Some(Some(revision)) => self.close_stray(node.clone(), id, revision),
                // Its lease is being regained; the node will be told when it introduces itself
                // again, or by whoever owns the room then.
                Some(None) => {}
                // Only its owner may end it: it is claimed first, unless somebody else has it.
                None if self.strays.len() < MAX_STRAYS => {
                    self.strays.entry(id).or_default().insert(node.clone());
                    self.claim(id);
                }
                None => self.ignore(Role::Node, "too_many_rooms"),
            }
        }
    }

    pub(super) fn close_stray(&mut self, node: NodeId, room: RoomId, revision: Revision) {
        self.metrics.strays_closed.inc();
        let (request, command) = (RequestId(0), Command::CloseRoom);
        let message = ToNode::Command { request, room, revision, command };
        if let Some((link, message)) = self.nodes.send(&node, message) {
            self.out.push_back(Output::ToNode { link, message });
        }
    }

    /// Asks for a room, if there is a lease to hold it by.
    pub(super) fn claim(&mut self, room: RoomId) -> bool {
        let Some(lease) = self.lease.id() else { return false };
        self.out.push_back(Output::Lease(LeaseJob::Claim { room, lease }));
        true
    }
}
