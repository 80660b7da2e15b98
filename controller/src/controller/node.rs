//! What nodes say.

use super::{Controller, Output, Role};
use crate::clock::Now;
use crate::job::LeaseJob;
use crate::nodes::{Order, Refusal, Welcomed};
use lectern_control::delivery::Number;
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
            FromNode::Event { room, event, number } => {
                self.nodes.handle_event(&node, number);
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
        let start = self.start();
        match self.nodes.handle_hello(now, link, hello, start) {
            Ok(welcomed) => self.node_welcomed(now, link, &node, held_rooms, welcomed),
            Err(refusal) => {
                tracing::warn!(%node, %refusal, "a node is refused");
                let (heard, said) = (Number::default(), Number::default());
                let message = ToNode::Welcome { version: Version::CURRENT, heard, said };
                self.out.push_back(Output::ToNode { link, message });
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
        for message in welcomed.messages {
            self.out.push_back(Output::ToNode { link, message });
        }
        if welcomed.began_anew {
            self.begin_anew(now, node, &held_rooms);
        }
        self.close_strays(node, held_rooms);
    }

    /// Nothing that rooms have on a node can be relied upon: it was another process until now, or
    /// has not heard all that it was told. What it holds of them is ended there.
    fn begin_anew(&mut self, now: Now, node: &NodeId, held_rooms: &BTreeSet<RoomId>) {
        for id in self.rooms.keys().copied().collect::<Vec<_>>() {
            let holds = held_rooms.contains(&id);
            self.with_room(now, id, |room| {
                room.handle_node_emptied(now, node);
                if holds {
                    room.end_on(node);
                }
            });
        }
    }

    /// Ends rooms on a node that has no business with them.
    fn close_strays(&mut self, node: &NodeId, held: impl IntoIterator<Item = RoomId>) {
        let is_stray = |id: &RoomId| self.rooms.get(id).is_none_or(|room| !room.uses(node));
        for id in held.into_iter().filter(is_stray).collect::<Vec<_>>() {
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
        self.order(&node, Order { request, room, revision, command });
    }

    /// Asks for a room, if there is a lease to hold it by.
    pub(super) fn claim(&mut self, room: RoomId) -> bool {
        let Some(lease) = self.lease.id() else { return false };
        self.out.push_back(Output::Lease(LeaseJob::Claim { room, lease }));
        true
    }
}
