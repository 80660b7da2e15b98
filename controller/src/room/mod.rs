//! One room: owns its roster, its permissions and its placement.
//!
//! Sans-IO: requests, events, losses and the time go in; answers, commands and notices come out.
//! It chooses no nodes (see [`crate::placement`]) and knows no links.

mod ask;
mod audience;
mod check;
mod command;
mod door;
mod event;
mod home;
mod lobby;
mod loss;
mod moderation;
mod output;
mod peer;
mod recording;
mod relays;
mod relocation;
mod request;
mod roster;
mod told;

pub use home::{Home, Place};
pub use moderation::Authority;
pub use output::{Output, Ticket};
pub use recording::{Begin, Recorder};

use crate::clock::Now;
use crate::standing::Standing;
use ask::Ask;
use door::Standings;
use lectern_control::edge::{
    Admission, LinkInfo, Meeting, Notice, Reception, RequestError, RoomInfo,
};
use lectern_control::node::Command;
use lectern_control::room::{LeaveReason, Role};
use lectern_control::{
    LinkId, NodeId, ParticipantId, PeerId, RequestId, Revision, RoomId, TrackId,
};
use lobby::Lobby;
use output::Issued;
use peer::{Peer, Publication};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use recording::Recording;
use relocation::{Relocation, Removal};
use roster::Roster;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// How long a room without people stays: whoever lost the connection finds it as it was.
pub const EMPTY_ROOM_LINGER: Duration = Duration::from_secs(20);
/// Who left lately and can still be removed: somebody disturbs, and is gone before anybody acts.
const MAX_DEPARTED: usize = 100;
/// Commands that wait until a lost lease is regained; a room that needs more has changed too much.
const MAX_HELD_COMMANDS: usize = 4_096;
/// Commands whose failure can still be told to whom it concerns: more than a move of a big room needs.
const MAX_ISSUED: usize = 16_384;
/// How long a failure can be told at least, and at most twice as long. A node answers at once, or
/// when its link has been made anew; longer would only keep what nobody asks for any more.
const ISSUED_FOR: Duration = Duration::from_secs(15);

/// What a room begins with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The meeting, with its links.
    pub meeting: Meeting,
    /// What was decided about people before.
    pub standings: Vec<(String, Standing)>,
    /// Near which region it was placed.
    pub region: String,
    /// The revision under which it is owned.
    pub revision: Revision,
    /// Where it is.
    pub home: Home,
    /// Makes its random ids.
    pub seed: u64,
}

/// A live room.
#[derive(Debug)]
pub struct Room {
    meeting: Meeting,
    region: String,
    began_at_unix_ms: u64,
    /// `None` while the lease is lost: no command goes out.
    revision: Option<Revision>,
    held: VecDeque<(NodeId, RequestId, Command)>,
    roster: Roster,
    standings: Standings,
    lobby: Lobby,
    /// By which link somebody came.
    came_by: BTreeMap<ParticipantId, LinkId>,
    peers: BTreeMap<PeerId, Peer>,
    publications: BTreeMap<TrackId, Publication>,
    home: Home,
    relocation: Option<Relocation>,
    removals: Vec<Removal>,
    recording: Option<Recording>,
    deferred: VecDeque<(Ticket, Ask)>,
    /// What edges were told of the door is not what it is now.
    reception_stale: bool,
    /// They are told no sooner.
    reception_at: Instant,
    reception_told: Option<Reception>,
    /// Who left lately: they can still be removed.
    departed: VecDeque<(String, Role)>,
    /// When the latest decision about somebody was made.
    decided_at_unix_ms: u64,
    issued: BTreeMap<RequestId, Issued>,
    /// At this time what was issued before this request is forgotten.
    forget: (Instant, RequestId),
    next_request: u64,
    ids: StdRng,
    empty_since: Option<Instant>,
    closed: bool,
    out: VecDeque<Output>,
}

impl Room {
    /// A room nobody is in yet.
    pub fn new(now: Now, start: Start) -> Room {
        let mut ids = StdRng::seed_from_u64(start.seed);
        // Not from 1: a node may still answer what an earlier owner of the room asked.
        let next_request = ids.next_u64() >> 1;
        Room {
            meeting: start.meeting,
            region: start.region,
            began_at_unix_ms: now.unix_ms,
            revision: Some(start.revision),
            held: VecDeque::new(),
            roster: Roster::default(),
            standings: Standings::new(start.standings),
            lobby: Lobby::default(),
            came_by: BTreeMap::new(),
            peers: BTreeMap::new(),
            publications: BTreeMap::new(),
            home: start.home,
            relocation: None,
            removals: Vec::new(),
            recording: None,
            deferred: VecDeque::new(),
            reception_stale: false,
            reception_at: now.at,
            reception_told: None,
            departed: VecDeque::new(),
            decided_at_unix_ms: 0,
            issued: BTreeMap::new(),
            forget: (now.at + ISSUED_FOR, RequestId(next_request)),
            next_request,
            ids,
            empty_since: Some(now.at),
            closed: false,
            out: VecDeque::new(),
        }
    }

    /// The room's id.
    pub fn id(&self) -> RoomId {
        self.meeting.room
    }

    /// Where it is.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Near which region it wants to be.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The revision under which it is owned, unless its lease is lost.
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// Transports in it.
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// Transports of it that a node has, active or warm.
    pub fn peers_on(&self, node: &NodeId) -> usize {
        let is_primary = self.home.primary.node == *node;
        let is_standby = self.home.standby.as_ref().is_some_and(|place| place.node == *node);
        match (is_primary, is_standby) {
            (true, _) => self.peers.len(),
            (_, true) => self.peers.values().filter(|p| p.standby.as_ref() == Some(node)).count(),
            (false, false) => 0,
        }
    }

    /// People in it.
    pub fn participant_count(&self) -> usize {
        self.roster.len()
    }

    /// Where it is moving to.
    pub fn moving_to(&self) -> Option<&NodeId> {
        self.relocation.as_ref().map(Relocation::target)
    }

    /// Whether it has, or soon will have, anything on a node.
    pub fn uses(&self, node: &NodeId) -> bool {
        self.nodes().contains(node)
    }

    /// As operators see it.
    pub fn info(&self) -> RoomInfo {
        RoomInfo {
            room: self.id(),
            node: self.home.primary.node.clone(),
            standby: self.home.standby.as_ref().map(|place| place.node.clone()),
            participants: u32::try_from(self.roster.len()).unwrap_or(u32::MAX),
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// The time has come for something, perhaps.
    pub fn handle_timeout(&mut self, now: Now) {
        self.remove_leftovers(|removal| removal.at <= now.at);
        self.advance_move(now);
        self.forget_issued(now);
        if self.closed {
            return;
        }
        if self.lobby.expire(now.at) {
            self.reception_changed();
        }
        self.tell_reception(now);
        self.sync_recording(now);
        if !self.lobby.is_empty() && self.roster.is_empty() {
            // Who waits keeps the room as well as who is in it.
            self.empty_since = Some(now.at);
        }
        let lingered = |since: Instant| now.at >= since + EMPTY_ROOM_LINGER;
        if self.meeting.expires_at_unix_ms <= now.unix_ms || self.empty_since.is_some_and(lingered)
        {
            self.close(now);
        }
    }

    /// A link was made while the room is live.
    pub fn add_link(&mut self, link: LinkInfo) {
        self.meeting.links.push(link);
    }

    /// A link was ended while the room is live: nobody comes in by it any more, and who came by it
    /// goes.
    pub fn revoke_link(&mut self, now: Now, link: LinkId) {
        self.meeting.links.retain(|known| known.id != link);
        self.dismiss_link(now, link);
    }

    /// The lease was lost or regained. What was to be commanded meanwhile is commanded now.
    pub fn set_revision(&mut self, revision: Option<Revision>) {
        self.revision = revision;
        let Some(revision) = revision else { return };
        for (node, request, command) in std::mem::take(&mut self.held) {
            self.out.push_back(Output::Command { node, request, revision, command });
        }
    }

    /// Ends the room for everybody.
    pub fn close(&mut self, now: Now) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.stop_recording(now, "");
        self.notify_all(&Notice::RoomClosed);
        for participant in self.roster.ids() {
            self.leave(now, participant, LeaveReason::RoomClosed);
        }
        for waiter in self.lobby.take_if(|_| true) {
            self.tell_waiter(waiter, Admission::Ended);
        }
        for node in self.nodes() {
            self.command(node, Command::CloseRoom);
        }
        for (ticket, _) in std::mem::take(&mut self.deferred) {
            self.out.push_back(Output::Respond(ticket, Err(RequestError::NotFound)));
        }
        self.out.push_back(Output::Closed);
    }

    /// Lets go of a room that somebody else owns: people come again, nodes are told nothing.
    pub fn forsake(&mut self, now: Now) {
        self.closed = true;
        self.revision = None;
        self.relocation = None;
        for participant in self.roster.ids() {
            self.leave(now, participant, LeaveReason::ServerShutdown);
        }
        for (ticket, _) in std::mem::take(&mut self.deferred) {
            let error = RequestError::Unavailable("the room's lease is lost".to_owned());
            self.out.push_back(Output::Respond(ticket, Err(error)));
        }
    }

    /// All nodes on which the room has something.
    fn nodes(&self) -> BTreeSet<NodeId> {
        let mut nodes = BTreeSet::from([self.home.primary.node.clone()]);
        nodes.extend(self.home.standby.as_ref().map(|place| place.node.clone()));
        nodes.extend(self.relocation.as_ref().map(|relocation| relocation.target().clone()));
        nodes.extend(self.removals.iter().map(|removal| removal.node.clone()));
        nodes.extend(self.peers.values().filter_map(|peer| peer.standby.clone()));
        nodes
    }

    fn leave(&mut self, now: Now, participant: ParticipantId, reason: LeaveReason) {
        let Some(known) = self.roster.get(participant) else { return };
        let (identity, notice) = (
            known.identity.clone(),
            Notice::ParticipantLeft { participant, identity: known.identity.clone(), reason },
        );
        let owned =
            |(id, peer): (&PeerId, &Peer)| (peer.participant() == participant).then_some(*id);
        for peer in self.peers.iter().filter_map(owned).collect::<Vec<_>>() {
            self.remove_peer(peer);
        }
        // While it still counts: its own edge hears of it too.
        self.notify_all(&notice);
        if let Some(known) = self.roster.get(participant) {
            self.departed.push_back((known.identity.clone(), known.role));
            if self.departed.len() > MAX_DEPARTED {
                self.departed.pop_front();
            }
        }
        self.roster.remove(participant);
        self.came_by.remove(&participant);
        self.reception_changed();
        if self.roster.is_empty() {
            self.empty_since = Some(now.at);
        }
        self.audit(crate::records::AuditKind::Left, identity, format!("{participant} {reason:?}"));
    }

    fn notify(&mut self, participant: ParticipantId, notice: Notice) {
        if let Some(known) = self.roster.get(participant) {
            let edge = known.edge.clone();
            self.out.push_back(Output::Notice { edge, notice });
        }
    }

    fn notify_all(&mut self, notice: &Notice) {
        for edge in self.roster.edges() {
            let (edge, notice) = (edge.clone(), notice.clone());
            self.out.push_back(Output::Notice { edge, notice });
        }
    }

    fn audit(&mut self, kind: crate::records::AuditKind, actor: String, detail: String) {
        self.out.push_back(Output::Audit { kind, actor, detail });
    }

    /// Commands a node, or keeps the command until the lease is regained.
    fn command(&mut self, node: NodeId, command: Command) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request = self.next_request.wrapping_add(1);
        match self.revision {
            Some(revision) => {
                self.out.push_back(Output::Command { node, request, revision, command });
            }
            None if self.closed => {} // It is somebody else's to command.
            None if self.held.len() < MAX_HELD_COMMANDS => {
                self.held.push_back((node, request, command));
            }
            None => self.out.push_back(Output::Lost),
        }
        request
    }

    /// Forgets whom failures concern that a node would have told of by now.
    fn forget_issued(&mut self, now: Now) {
        let (at, before) = self.forget;
        if now.at >= at {
            self.issued = self.issued.split_off(&before);
            self.forget = (now.at + ISSUED_FOR, RequestId(self.next_request));
        }
    }

    /// Commands a node, and remembers whom a failure concerns.
    fn command_for(&mut self, node: NodeId, command: Command, issued: Issued) {
        let request = self.command(node, command);
        self.issued.insert(request, issued);
        while self.issued.len() > MAX_ISSUED {
            self.issued.pop_first();
        }
    }
}

#[cfg(test)]
mod tests;
