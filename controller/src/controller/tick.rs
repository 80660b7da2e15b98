//! What the time brings, and the coming and going of links.

use super::{Controller, Output, Role, Unreadable};
use crate::clock::Now;
use crate::edges::Elapsed;
use crate::job::LeaseJob;
use crate::lease::Step;
use crate::placement::{Site, Wish};
use crate::recorders::State;
use lectern_control::edge::{NodeInfo, RequestError};
use lectern_control::{EdgeId, NodeId, RoomId};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often [`Controller::handle_timeout`] is called.
pub const TICK: Duration = Duration::from_millis(25);
/// A pause between two ticks after which nobody else's silence says anything: this process, or the
/// whole machine, stood still.
const STALL: Duration = Duration::from_millis(100);
/// How long whoever opens a link may take to introduce itself.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// Unreadable messages on one link before it is ended: something is wrong with the other side.
const MAX_UNREADABLE: u32 = 1_000;

impl Controller {
    /// Looks at everything that depends on the time; to be called every [`TICK`].
    pub fn handle_timeout(&mut self, now: Now) {
        if let Some(before) = self.ticked.replace(now.at) {
            let pause = now.at.saturating_duration_since(before);
            if pause > STALL {
                self.nodes.excuse(pause);
                self.recorders.excuse(pause);
            }
        }
        let late: Vec<(u64, Role)> = self
            .strangers
            .iter()
            .filter(|(_, (_, until))| now.at >= *until)
            .map(|(link, (role, _))| (*link, *role))
            .collect();
        for (link, role) in late {
            self.end_link(role, link, "silent");
        }
        for node in self.nodes.handle_timeout(now) {
            self.node_died(&node);
        }
        for (link, message) in self.nodes.confirmations() {
            self.out.push_back(Output::ToNode { link, message });
        }
        for elapsed in self.edges.handle_timeout(now) {
            match elapsed {
                Elapsed::Lost(edge) => self.edge_lost(now, &edge),
                Elapsed::Settled(edge) => {
                    self.each_room(now, |room| room.handle_edge_settled(now, &edge));
                }
            }
        }
        for recorder in self.recorders.handle_timeout(now) {
            tracing::warn!(%recorder, "a recorder has fallen silent");
        }
        let mut sites = None;
        for id in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.look_after(now, id, &mut sites);
        }
        match self.lease.handle_timeout(now) {
            Some(Step::Grant) => self.out.push_back(Output::Lease(LeaseJob::Grant)),
            Some(Step::KeepAlive(lease)) => {
                self.out.push_back(Output::Lease(LeaseJob::KeepAlive(lease)));
            }
            None => {}
        }
        self.look_after_recordings(now);
        self.keep_again(now);
        self.claim_unowned(now);
        self.measure();
    }

    /// Brings one room from what is to what should be. The sites are looked at once for all rooms, and
    /// only if one of them must be placed: a node that dies may have thousands.
    fn look_after(&mut self, now: Now, id: RoomId, sites: &mut Option<Vec<Site>>) {
        let Some(room) = self.rooms.get(&id) else { return };
        let is_dead = |node: &NodeId| !self.nodes.is_alive(node);
        let target_lost = room.moving_to().is_some_and(is_dead);
        let standby_lost = room.home().standby.as_ref().is_some_and(|place| is_dead(&place.node));
        let primary_lost = is_dead(&room.home().primary.node) && room.revision().is_some();
        let mut next = None;
        if primary_lost {
            let peers = u32::try_from(room.peer_count()).unwrap_or(u32::MAX);
            let dead = &room.home().primary.node;
            let wish = Wish { region: room.region(), peers, avoid: Some(dead) };
            let sites = sites.get_or_insert_with(|| self.sites());
            next = self.place_on(&wish, sites);
            if let Some((place, _)) = &next
                && let Some(site) = site_of(sites, &place.node)
            {
                site.load.rooms = site.load.rooms.saturating_add(1);
                site.load.peers = site.load.peers.saturating_add(peers);
            }
        }
        self.with_room(now, id, |room| {
            if target_lost {
                room.handle_target_lost(now);
            }
            if standby_lost {
                room.handle_standby_lost();
            }
            if primary_lost {
                room.handle_node_lost(now, next);
            }
            room.handle_timeout(now);
        });
    }

    fn node_died(&mut self, node: &NodeId) {
        let rooms = self.rooms.values().filter(|room| room.uses(node)).map(|room| room.id());
        let rooms: BTreeSet<RoomId> = rooms.collect();
        tracing::warn!(%node, rooms = rooms.len(), "a node has fallen silent");
        self.metrics.node_deaths.inc();
        self.nodes.note_death(node, rooms);
    }

    pub(super) fn edge_lost(&mut self, now: Now, edge: &EdgeId) {
        tracing::warn!(%edge, "an edge did not come back: its participants have left");
        self.each_room(now, |room| room.handle_edge_lost(now, edge));
    }

    fn each_room(&mut self, now: Now, mut act: impl FnMut(&mut crate::room::Room)) {
        for id in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.with_room(now, id, &mut act);
        }
    }

    fn measure(&self) {
        let sum = |count: fn(&crate::room::Room) -> usize| {
            let total: usize = self.rooms.values().map(count).sum();
            i64::try_from(total).unwrap_or(i64::MAX)
        };
        self.metrics.rooms.set(sum(|_| 1));
        self.metrics.participants.set(sum(|room| room.participant_count()));
        self.metrics.peers.set(sum(|room| room.peer_count()));
        let recordings = i64::try_from(self.recordings.len()).unwrap_or(i64::MAX);
        self.metrics.recordings.set(recordings);
        for (state, label) in RECORDER_STATES {
            let count = self.recorders.states().filter(|one| *one == state).count();
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.metrics.recorders.with_label_values(&[label]).set(count);
        }
        let infos = self.nodes.infos();
        for label in NODE_STATES {
            let count = infos.iter().filter(|node| node_state(node) == label).count();
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.metrics.nodes.with_label_values(&[label]).set(count);
        }
    }

    pub(super) fn linked(&mut self, now: Now, link: u64, role: Role) {
        self.metrics.links.with_label_values(&[role.label()]).inc();
        self.strangers.insert(link, (role, now.at + INTRODUCTION));
    }

    pub(super) fn unlinked(&mut self, now: Now, link: u64, role: Role) {
        self.metrics.links.with_label_values(&[role.label()]).dec();
        self.strangers.remove(&link);
        self.unreadable.remove(&link);
        match role {
            Role::Node => self.nodes.handle_unlinked(link),
            Role::Edge => {
                for opening in self.opening.values_mut() {
                    opening.forget_link(link);
                }
                self.edges.handle_unlinked(now, link);
            }
            Role::Recorder => self.recorders.handle_unlinked(link),
        }
    }

    /// Ends a link; that it is gone will be said in its turn.
    pub(super) fn end_link(&mut self, role: Role, link: u64, reason: &str) {
        self.strangers.remove(&link);
        self.metrics.links_ended.with_label_values(&[role.label(), reason]).inc();
        self.out.push_back(Output::Unlink { link });
    }

    pub(super) fn ignore(&mut self, role: Role, reason: &str) {
        self.metrics.ignored.with_label_values(&[role.label(), reason]).inc();
    }

    pub(super) fn unreadable(&mut self, link: u64, role: Role, what: Unreadable) {
        let (reason, request) = match what {
            Unreadable::Unknown(request) => ("unknown_kind", request),
            Unreadable::Malformed(request) => ("malformed", request),
        };
        self.ignore(role, reason);
        // Whoever asked waits for an answer, whether it was understood or not.
        if let (Some(request), Some(edge)) = (request, self.edges.on_link(link).cloned()) {
            let ticket = crate::room::Ticket { edge, link, request };
            let error = RequestError::Invalid(format!("the request is {reason}"));
            self.conclude(&ticket, Err(error));
        }
        let count = self.unreadable.entry(link).or_default();
        *count += 1;
        if *count == MAX_UNREADABLE {
            self.end_link(role, link, "unreadable");
        }
    }
}

fn site_of<'a>(sites: &'a mut [Site], node: &NodeId) -> Option<&'a mut Site> {
    sites.iter_mut().find(|site| site.node == *node)
}

const RECORDER_STATES: [(State, &str); 3] =
    [(State::Free, "free"), (State::Full, "full"), (State::Dead, "dead")];
const NODE_STATES: [&str; 3] = ["alive", "draining", "dead"];

/// A node's state, as metric labels have it.
fn node_state(node: &NodeInfo) -> &'static str {
    match (node.alive, node.draining) {
        (true, false) => NODE_STATES[0],
        (true, true) => NODE_STATES[1],
        (false, _) => NODE_STATES[2],
    }
}
