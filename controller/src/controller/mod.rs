//! All rooms, nodes, edges and recorders together: the desired state and the observed one, and what follows.
//!
//! Pure: messages, answers of the stores and the time go in; messages and jobs for the stores come
//! out. Nothing here waits for a store: live rooms go on while there is none.

mod access;
mod catalogue;
mod edge;
mod node;
mod opening;
mod output;
mod ownership;
mod recorder;
mod recording;
mod tick;

pub use output::{Input, Output, Role, Unreadable};
pub use tick::TICK;

use crate::attempts::Attempts;
use crate::clock::Now;
use crate::edges::Edges;
use crate::entries::Entries;
use crate::job::{LeaseJob, RecordsJob};
use crate::lease::Lease;
use crate::metrics::Metrics;
use crate::nodes::{Nodes, Order};
use crate::placement::{Site, Wish};
use crate::recorders::Recorders;
use crate::recordings::Recordings;
use crate::records::{AuditEntry, AuditKind};
use crate::room::{self, Room, Ticket};
use lectern_control::delivery::Number;
use lectern_control::edge::{RequestError, Response, ToEdge};
use lectern_control::{NodeId, RoomId};
use opening::Opening;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Rooms that are live at once: the list of them fits one message.
pub const MAX_ROOMS: usize = 5_000;
/// Peers a new room is expected to bring; it must fit before anybody is in it.
const EXPECTED_PEERS: u32 = 2;

/// The controller, without its links and stores.
#[derive(Debug)]
pub struct Controller {
    metrics: Metrics,
    nodes: Nodes,
    edges: Edges,
    rooms: HashMap<RoomId, Room>,
    opening: HashMap<RoomId, Opening>,
    /// Rooms that must end on nodes, once they are claimed.
    strays: BTreeMap<RoomId, BTreeSet<NodeId>>,
    lease: Lease,
    /// When rooms that should be ours are claimed again.
    claim_due: Option<Instant>,
    /// Links on which nobody has introduced itself yet, and until when it may.
    strangers: BTreeMap<u64, (Role, Instant)>,
    unreadable: BTreeMap<u64, u32>,
    entries: Entries,
    attempts: Attempts,
    /// Decisions about people that the records could not keep yet.
    unkept: VecDeque<RecordsJob>,
    keep_again_at: Option<Instant>,
    refusals: access::Refusals,
    recorders: Recorders,
    recordings: Recordings,
    /// The records have said which recordings go on.
    knows_recordings: bool,
    /// When they are asked again.
    ask_live_at: Option<Instant>,
    /// When recordings whose time is over are looked for.
    doom_due: Option<Instant>,
    ticked: Option<Instant>,
    settled: bool,
    ids: StdRng,
    out: VecDeque<Output>,
    /// How often all sites were looked at.
    #[cfg(test)]
    surveys: std::cell::Cell<u64>,
}

impl Controller {
    /// Nothing is known yet. Nodes that are silent for `node_silence` are dead; random ids come
    /// from `seed`.
    pub fn new(node_silence: Duration, seed: u64, metrics: Metrics) -> Controller {
        Controller {
            metrics,
            nodes: Nodes::new(node_silence),
            edges: Edges::default(),
            rooms: HashMap::new(),
            opening: HashMap::new(),
            strays: BTreeMap::new(),
            lease: Lease::default(),
            claim_due: None,
            strangers: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            entries: Entries::default(),
            attempts: Attempts::default(),
            unkept: VecDeque::new(),
            keep_again_at: None,
            refusals: access::Refusals::default(),
            recorders: Recorders::default(),
            recordings: Recordings::default(),
            knows_recordings: false,
            ask_live_at: None,
            doom_due: None,
            ticked: None,
            settled: false,
            ids: StdRng::seed_from_u64(seed),
            out: VecDeque::new(),
            #[cfg(test)]
            surveys: std::cell::Cell::default(),
        }
    }

    /// The same, whose recordings wait so long for rooms that are not there.
    pub fn awaiting_rooms(self, room_awaited: Duration) -> Controller {
        Controller { recordings: Recordings::new(room_awaited), ..self }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Whether the coordination store has answered once, be it to refuse.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// Something came in.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Linked { link, role } => self.linked(now, link, role),
            Input::Unlinked { link, role } => self.unlinked(now, link, role),
            Input::FromNode { link, message } => self.node_said(now, link, message),
            Input::FromEdge { link, message } => self.edge_said(now, link, message),
            Input::FromRecorder { link, message } => self.recorder_said(now, link, message),
            Input::Unreadable { link, role, what } => self.unreadable(link, role, what),
            Input::Records(done) => self.records_done(now, done),
            Input::Lease(done) => self.lease_done(now, done),
        }
    }

    fn respond(&mut self, ticket: &Ticket, result: Result<Response, RequestError>) {
        // On another link the answer would be taken for one to another request.
        if self.edges.on_link(ticket.link) != Some(&ticket.edge) {
            return;
        }
        let message = ToEdge::Response { request: ticket.request, result };
        self.out.push_back(Output::ToEdge { link: ticket.link, message });
    }

    fn audit(
        &mut self,
        now: Now,
        kind: AuditKind,
        room: Option<RoomId>,
        (actor, detail): (&str, String),
    ) {
        let (at_unix_ms, actor) = (now.unix_ms, actor.to_owned());
        self.out.push_back(Output::Audit(AuditEntry { at_unix_ms, kind, room, actor, detail }));
    }

    /// Lets a room do something, and carries out what comes of it.
    fn with_room(&mut self, now: Now, id: RoomId, act: impl FnOnce(&mut Room)) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        act(room);
        let mut lost = false;
        let outputs: Vec<room::Output> = std::iter::from_fn(|| room.poll()).collect();
        for output in outputs {
            lost |= self.carry_out(now, id, output);
        }
        if lost {
            self.give_up(now, id);
        }
    }

    /// Whether the room must be given up.
    fn carry_out(&mut self, now: Now, id: RoomId, output: room::Output) -> bool {
        match output {
            room::Output::Respond(ticket, result) => {
                self.count_result(&result);
                self.respond(&ticket, result);
            }
            room::Output::Command { node, request, revision, command } => {
                self.metrics.commands.inc();
                self.order(&node, Order { request, room: id, revision, command });
            }
            room::Output::Notice { edge, notice } => {
                self.metrics.notices.inc();
                if let Some((link, message)) = self.edges.notify(&edge, id, notice) {
                    self.out.push_back(Output::ToEdge { link, message });
                }
            }
            room::Output::Audit { kind, actor, detail } => {
                let at_unix_ms = now.unix_ms;
                let entry = AuditEntry { at_unix_ms, kind, room: Some(id), actor, detail };
                self.out.push_back(Output::Audit(entry));
            }
            room::Output::Remember { identity, standing } => {
                // Rooms that integrators name have no record: who comes in is theirs to say.
                if !id.is_named() {
                    let job = RecordsJob::Remember { room: id, identity, standing };
                    self.out.push_back(Output::Records(job));
                }
            }
            room::Output::Note { recording, event } => self.note(now, recording, event),
            room::Output::RecordingOver { recording } => self.recording_over(now, recording),
            room::Output::Moved { took } => {
                self.metrics.moves.with_label_values(&["done"]).inc();
                self.metrics.move_seconds.observe(took.as_secs_f64());
            }
            room::Output::MoveFailed => {
                self.metrics.moves.with_label_values(&["failed"]).inc();
            }
            room::Output::Lost => return true,
            room::Output::Closed => self.closed(id),
        }
        false
    }

    fn order(&mut self, node: &NodeId, order: Order) {
        if let Some((link, message)) = self.nodes.send(node, order) {
            self.out.push_back(Output::ToNode { link, message });
        }
    }

    /// Where the numbers of messages to somebody begin: not guessable, and far from the last one.
    fn start(&mut self) -> Number {
        Number(self.ids.next_u64() >> 1)
    }

    fn closed(&mut self, id: RoomId) {
        let Some(room) = self.rooms.remove(&id) else { return };
        if let Some(revision) = room.revision() {
            self.out.push_back(Output::Lease(LeaseJob::Release { room: id, revision }));
        }
    }

    /// All nodes as placement sees them, with what was placed on each.
    fn sites(&self) -> Vec<Site> {
        #[cfg(test)]
        self.surveys.set(self.surveys.get() + 1);
        let mut placed: BTreeMap<&NodeId, (u32, u32)> = BTreeMap::new();
        for room in self.rooms.values() {
            let peers = u32::try_from(room.peer_count()).unwrap_or(u32::MAX);
            let entry = placed.entry(&room.home().primary.node).or_default();
            *entry = (entry.0 + 1, entry.1.saturating_add(peers));
        }
        self.nodes.sites(|node| placed.get(node).copied().unwrap_or_default())
    }

    /// Where a room may go, with the places' addresses.
    fn place(&self, wish: &Wish<'_>) -> Option<(room::Place, Option<room::Place>)> {
        self.place_on(wish, &self.sites())
    }

    /// The same, where the nodes have been looked at already.
    fn place_on(
        &self,
        wish: &Wish<'_>,
        sites: &[Site],
    ) -> Option<(room::Place, Option<room::Place>)> {
        let choice = crate::placement::place(wish, sites)?;
        let standby = choice.standby.and_then(|node| self.nodes.place(&node));
        Some((self.nodes.place(&choice.node)?, standby))
    }
}

#[cfg(test)]
mod tests;
