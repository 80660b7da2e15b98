//! The calm move of a live room: each transport is exported, restored elsewhere, then forgotten.
//!
//! Before the first state is taken a failure changes nothing. A state that was not used yet goes
//! back. One that was used is never used again, whatever happens: its indices are spent.

use super::home::MAX_GENERATION;
use super::output::{Issued, Output};
use super::{Home, Place, Room};
use crate::clock::Now;
use crate::records::AuditKind;
use lectern_control::edge::{Notice, RequestError};
use lectern_control::node::{Command, CommandError, DisconnectReason};
use lectern_control::transport::Duty;
use lectern_control::{NodeId, PeerId, Secret};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long a move waits for handshakes under way: their state cannot be taken. Browsers on bad
/// paths need a second or two; who takes longer comes again.
const SETTLE: Duration = Duration::from_secs(3);
/// How long a move waits for states, from the first on: media stands still meanwhile.
const EXPORT: Duration = Duration::from_secs(1);
/// How long the former node goes on receiving: a browser's path has changed within 300 ms.
const LEFTOVER: Duration = Duration::from_millis(500);

/// A move under way.
#[derive(Debug)]
pub(super) struct Relocation {
    to: Place,
    next_standby: Option<Place>,
    generation: u16,
    began: Instant,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Waits for handshakes under way; the room works as ever.
    Settling { until: Instant },
    /// States are on their way; requests wait.
    Moving { until: Instant, steps: BTreeMap<PeerId, Step> },
}

#[derive(Debug)]
enum Step {
    /// The former node was asked for the state.
    Exporting,
    /// The state is here.
    Exported(Secret<Vec<u8>>),
    /// The state was given to the new node.
    Restored,
}

/// Transports that the former node still receives for.
#[derive(Debug)]
pub(super) struct Removal {
    pub(super) at: Instant,
    pub(super) node: NodeId,
    pub(super) peers: Vec<PeerId>,
}

impl Relocation {
    pub(super) fn target(&self) -> &NodeId {
        &self.to.node
    }

    pub(super) fn is_moving(&self) -> bool {
        matches!(self.stage, Stage::Moving { .. })
    }

    fn step(&mut self, peer: PeerId) -> Option<&mut Step> {
        match &mut self.stage {
            Stage::Settling { .. } => None,
            Stage::Moving { steps, .. } => steps.get_mut(&peer),
        }
    }

    pub(super) fn is_restored(&self, peer: PeerId) -> bool {
        match &self.stage {
            Stage::Settling { .. } => false,
            Stage::Moving { steps, .. } => matches!(steps.get(&peer), Some(Step::Restored)),
        }
    }

    /// Leaves a transport out from now on; whether the new node has it.
    pub(super) fn forget(&mut self, peer: PeerId) -> bool {
        let restored = self.is_restored(peer);
        if let Stage::Moving { steps, .. } = &mut self.stage {
            steps.remove(&peer);
        }
        restored
    }

    /// Whether no state was taken yet.
    fn is_untouched(&self) -> bool {
        match &self.stage {
            Stage::Settling { .. } => true,
            Stage::Moving { steps, .. } => {
                steps.values().all(|step| matches!(step, Step::Exporting))
            }
        }
    }
}

impl Room {
    /// Begins to move to another node, which is alive. The room has a new standby afterwards, for
    /// transports that are opened then. Those that move have none any more: how browsers take a
    /// standby that changes in the middle of a call is not known.
    pub fn begin_move(
        &mut self,
        now: Now,
        to: Place,
        next_standby: Option<Place>,
    ) -> Result<(), RequestError> {
        if self.closed {
            return Err(RequestError::NotFound);
        }
        if self.revision.is_none() {
            return Err(RequestError::Unavailable("the room's lease is lost".to_owned()));
        }
        if self.relocation.is_some() {
            return Err(RequestError::Unavailable("the room is moving already".to_owned()));
        }
        if to.node == self.home.primary.node {
            return Err(RequestError::Invalid("the room is there already".to_owned()));
        }
        let generation = self.home.next_generation(&to.node);
        if generation > MAX_GENERATION {
            return Err(RequestError::Limit("moves of a room".to_owned()));
        }
        // What an earlier move left there would be taken for what comes now.
        self.remove_leftovers(|removal| removal.node == to.node);
        let stage = Stage::Settling { until: now.at + SETTLE };
        self.relocation = Some(Relocation { to, next_standby, generation, began: now.at, stage });
        self.advance_move(now);
        Ok(())
    }

    /// The node a room moves to died.
    pub fn handle_target_lost(&mut self, now: Now) {
        self.cancel_move(now, "the new node died");
    }

    /// Takes the next step of a move, if one is due.
    pub(super) fn advance_move(&mut self, now: Now) {
        let Some(relocation) = &self.relocation else { return };
        if let Stage::Settling { until } = relocation.stage {
            let settled = self.peers.values().all(|peer| peer.connected);
            if !settled && now.at < until {
                return;
            }
            self.export_all(now);
        }
        self.restore_ready();
        let Some(Relocation { stage: Stage::Moving { until, steps }, .. }) = &self.relocation
        else {
            return;
        };
        let waiting = |(id, step): (&PeerId, &Step)| matches!(step, Step::Exporting).then_some(*id);
        let late: Vec<PeerId> = steps.iter().filter_map(waiting).collect();
        if late.is_empty() {
            return self.finish_move(now);
        }
        if now.at < *until {
            return;
        }
        if self.relocation.as_ref().is_some_and(Relocation::is_untouched) {
            return self.cancel_move(now, "the node gives no state away");
        }
        for peer in late {
            self.drop_peer(peer, DisconnectReason::ConsentExpired);
        }
        self.restore_ready();
        self.finish_move(now);
    }

    fn export_all(&mut self, now: Now) {
        let unsettled = self.peers.iter().filter(|(_, peer)| !peer.connected).map(|(id, _)| *id);
        for peer in unsettled.collect::<Vec<_>>() {
            self.drop_peer(peer, DisconnectReason::ConsentExpired);
        }
        let publishers = self.publishers();
        let mut peers: Vec<PeerId> = self.peers.keys().copied().collect();
        peers.sort_by_key(|peer| !publishers.contains(peer));
        let node = self.home.primary.node.clone();
        for peer in &peers {
            self.command_for(node.clone(), Command::Export { peer: *peer }, Issued::Export(*peer));
        }
        if let Some(relocation) = &mut self.relocation {
            let steps = peers.into_iter().map(|peer| (peer, Step::Exporting)).collect();
            relocation.stage = Stage::Moving { until: now.at + EXPORT, steps };
        }
    }

    fn publishers(&self) -> BTreeSet<PeerId> {
        self.publications.values().map(|publication| publication.peer).collect()
    }

    pub(super) fn exported(&mut self, now: Now, peer: PeerId, state: Secret<Vec<u8>>) {
        let Some(relocation) = &mut self.relocation else {
            return self.give_back(peer, state);
        };
        match relocation.step(peer) {
            Some(step @ Step::Exporting) => *step = Step::Exported(state),
            // An answer to an earlier move's request.
            Some(_) => return,
            None => return self.give_back(peer, state),
        }
        self.advance_move(now);
    }

    /// A state that no move waits for goes back to the node that gave it: it sends nothing without.
    fn give_back(&mut self, id: PeerId, state: Secret<Vec<u8>>) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (parameters, node) = (peer.parameters.clone(), self.home.primary.node.clone());
        let command = Command::Restore { peer: id, parameters, state };
        self.command_for(node, command, Issued::Restore(id));
        self.streams_begin_anew(id);
    }

    /// Restores what is there: publishers first, so that subscribers find their tracks.
    fn restore_ready(&mut self) {
        let publishers = self.publishers();
        let Some(relocation) = &mut self.relocation else { return };
        let (node, generation) = (relocation.to.node.clone(), relocation.generation);
        let Stage::Moving { steps, .. } = &mut relocation.stage else { return };
        let publishers_wait = steps
            .iter()
            .any(|(peer, step)| publishers.contains(peer) && matches!(step, Step::Exporting));
        let mut ready = Vec::new();
        for (peer, step) in steps.iter_mut() {
            let is_publisher = publishers.contains(peer);
            if !is_publisher && publishers_wait {
                continue;
            }
            if let Step::Exported(state) = step {
                ready.push((!is_publisher, *peer, state.clone()));
                *step = Step::Restored;
            }
        }
        ready.sort_by_key(|(later, peer, _)| (*later, *peer));
        for (_, id, state) in ready {
            let Some(peer) = self.peers.get(&id) else { continue };
            let mut parameters = peer.parameters.clone();
            (parameters.generation, parameters.duty) = (generation, Duty::Active);
            let command = Command::Restore { peer: id, parameters, state };
            self.command_for(node.clone(), command, Issued::Restore(id));
            self.streams_begin_anew(id);
        }
    }

    fn finish_move(&mut self, now: Now) {
        let Some(relocation) = self.relocation.take() else { return };
        let Relocation { to, next_standby, generation, began, .. } = relocation;
        let home = Home { primary: to, standby: next_standby, generation };
        let former = std::mem::replace(&mut self.home, home);
        let mut forsaken = Vec::new();
        for (id, peer) in &mut self.peers {
            peer.parameters.generation = generation;
            let standby = peer.standby.take();
            forsaken
                .extend(standby.filter(|node| *node != self.home.primary.node).map(|n| (n, *id)));
        }
        for (node, peer) in forsaken {
            self.command(node, Command::RemovePeer { peer });
        }
        let peers = self.peers.keys().copied().collect();
        let at = now.at + LEFTOVER;
        self.removals.push(Removal { at, node: former.primary.node.clone(), peers });
        self.notify_all(&Notice::Moved { placement: self.home.placement(self.id()) });
        let took = now.at.saturating_duration_since(began);
        let detail = format!(
            "{} to {}, {} transports, {} ms",
            former.primary.node,
            self.home.primary.node,
            self.peers.len(),
            took.as_millis()
        );
        self.audit(AuditKind::RoomMoved, String::new(), detail);
        self.out.push_back(Output::Moved { took });
        self.answer_deferred(now);
    }

    /// Gives a move up. What was not handed over stays; what was, is lost with the new node.
    pub(super) fn cancel_move(&mut self, now: Now, why: &str) {
        let Some(relocation) = self.relocation.take() else { return };
        let to = relocation.to.node;
        let steps = match relocation.stage {
            Stage::Settling { .. } => BTreeMap::new(),
            Stage::Moving { steps, .. } => steps,
        };
        for (peer, step) in steps {
            match step {
                Step::Exporting => {} // It goes back when it comes.
                Step::Exported(state) => self.give_back(peer, state),
                Step::Restored => {
                    self.command(to.clone(), Command::RemovePeer { peer });
                    self.drop_peer(peer, DisconnectReason::ConsentExpired);
                }
            }
        }
        let detail = format!("{} to {to}: {why}", self.home.primary.node);
        self.audit(AuditKind::MoveFailed, String::new(), detail);
        self.out.push_back(Output::MoveFailed);
        self.answer_deferred(now);
    }

    /// The former node died in the middle of a move: whose state was taken lives on. Whether there
    /// was anything to be saved.
    pub(super) fn finish_without_source(&mut self, now: Now) -> bool {
        let Some(Relocation { stage: Stage::Moving { steps, .. }, .. }) = &self.relocation else {
            return false;
        };
        if self.relocation.as_ref().is_some_and(Relocation::is_untouched) {
            return false;
        }
        let lost = |(id, step): (&PeerId, &Step)| matches!(step, Step::Exporting).then_some(*id);
        for peer in steps.iter().filter_map(lost).collect::<Vec<_>>() {
            self.drop_peer(peer, DisconnectReason::ConsentExpired);
        }
        self.advance_move(now);
        true
    }

    pub(super) fn export_failed(&mut self, now: Now, peer: PeerId, error: &CommandError) {
        let Some(relocation) = &mut self.relocation else { return };
        if !matches!(relocation.step(peer), Some(Step::Exporting)) {
            return;
        }
        if *error != CommandError::UnknownPeer && relocation.is_untouched() {
            return self.cancel_move(now, &error.to_string());
        }
        self.drop_peer(peer, DisconnectReason::ConsentExpired);
        self.advance_move(now);
    }

    /// Ends what an earlier move left behind, where `is_due` says so.
    pub(super) fn remove_leftovers(&mut self, is_due: impl Fn(&Removal) -> bool) {
        let removals = std::mem::take(&mut self.removals);
        let (due, later): (Vec<_>, Vec<_>) = removals.into_iter().partition(is_due);
        self.removals = later;
        for removal in due {
            for peer in removal.peers {
                self.command(removal.node.clone(), Command::RemovePeer { peer });
            }
        }
    }

    /// Whether this node is the one that forwards for a transport.
    pub(super) fn holds(&self, node: &NodeId, peer: PeerId) -> bool {
        let moved = self.relocation.as_ref().filter(|relocation| relocation.is_restored(peer));
        let holder = moved.map_or(&self.home.primary.node, Relocation::target);
        holder == node
    }
}
