//! Which rooms are ours: leases granted and lost, rooms claimed, regained and given up.

use super::{Controller, Output};
use crate::clock::Now;
use crate::coordination::LeaseId;
use crate::job::{Claimed, KeptAlive, LeaseDone, LeaseJob};
use lectern_control::edge::RequestError;
use lectern_control::{Revision, RoomId};
use std::time::Duration;

/// How soon a room that could not be claimed is claimed again: not before the store has had the
/// time to answer.
const CLAIM_AGAIN_AFTER: Duration = Duration::from_secs(4);

impl Controller {
    pub(super) fn lease_done(&mut self, now: Now, done: LeaseDone) {
        self.settled = true;
        match done {
            LeaseDone::Granted(Some(lease)) => self.granted(now, lease),
            LeaseDone::Granted(None) => self.lease.failed(now),
            LeaseDone::KeptAlive(lease, KeptAlive::Alive) if self.lease.id() == Some(lease) => {
                self.lease.kept(now);
            }
            LeaseDone::KeptAlive(lease, KeptAlive::Gone) => self.lease_lost(now, lease),
            LeaseDone::KeptAlive(..) => self.lease.failed(now),
            LeaseDone::Claimed { room, lease, result } => self.claimed(now, room, lease, result),
        }
    }

    fn granted(&mut self, now: Now, lease: LeaseId) {
        self.lease.granted(now, lease);
        self.metrics.lease_held.set(1);
        self.claim_due = Some(now.at);
        self.claim_unowned(now);
    }

    /// Claims what should be ours and is not: rooms of a lease that was lost, which nobody else may
    /// have had time to take, and rooms that must be ended. Again and again until all are answered.
    pub(super) fn claim_unowned(&mut self, now: Now) {
        if self.lease.id().is_none() || self.claim_due.is_none_or(|due| now.at < due) {
            return;
        }
        let unowned = self.rooms.values().filter(|room| room.revision().is_none());
        let mut due: Vec<RoomId> = unowned.map(|room| room.id()).collect();
        due.extend(self.strays.keys().copied());
        self.claim_due = (!due.is_empty()).then_some(now.at + CLAIM_AGAIN_AFTER);
        for room in due {
            self.claim(room);
        }
    }

    /// The store says that the lease is over: until there is another, nothing is commanded.
    fn lease_lost(&mut self, now: Now, lease: LeaseId) {
        if !self.lease.lost(lease) {
            return;
        }
        tracing::warn!(rooms = self.rooms.len(), "the lease is lost; trying to regain the rooms");
        self.metrics.lease_losses.inc();
        self.metrics.lease_held.set(0);
        for id in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.with_room(now, id, |room| room.set_revision(None));
        }
    }

    fn claimed(&mut self, now: Now, id: RoomId, lease: LeaseId, result: Claimed) {
        match result {
            // Gone again, with the lease under which it was claimed.
            Claimed::Ours(_) if self.lease.id() != Some(lease) => {
                self.opening_failed(id, &unavailable("this controller's lease is lost"));
            }
            Claimed::Ours(revision) => self.owned(now, id, revision),
            Claimed::LeaseGone => {
                self.lease_lost(now, lease);
                self.opening_failed(id, &unavailable("this controller's lease is lost"));
            }
            Claimed::Others(owner) => {
                tracing::info!(room = %id, owner, "another controller has the room");
                self.strays.remove(&id);
                self.opening_failed(id, &unavailable("another controller has the room"));
                if self.rooms.get(&id).is_some_and(|room| room.revision().is_none()) {
                    self.give_up(now, id);
                }
            }
            Claimed::Unavailable => {
                self.opening_failed(id, &unavailable("the coordination store does not answer"));
                self.claim_due.get_or_insert(now.at + CLAIM_AGAIN_AFTER);
            }
        }
    }

    fn owned(&mut self, now: Now, id: RoomId, revision: Revision) {
        let strays = self.strays.remove(&id).unwrap_or_default();
        for node in strays {
            if self.rooms.get(&id).is_none_or(|room| !room.uses(&node)) {
                self.close_stray(node, id, revision);
            }
        }
        if self.is_claiming(id) {
            self.opened(now, id, revision);
        } else if let Some(room) = self.rooms.get(&id) {
            if room.revision().is_none() {
                self.with_room(now, id, |room| room.set_revision(Some(revision)));
            }
        } else if !self.opening.contains_key(&id) {
            self.out.push_back(Output::Lease(LeaseJob::Release { room: id, revision }));
        }
    }

    /// Forgets a room that somebody else owns: its people come again, to the owner.
    pub(super) fn give_up(&mut self, now: Now, id: RoomId) {
        if !self.rooms.contains_key(&id) {
            return;
        }
        tracing::warn!(room = %id, "gave a room up");
        self.metrics.rooms_lost.inc();
        self.with_room(now, id, |room| room.forsake(now));
        self.rooms.remove(&id);
    }
}

fn unavailable(why: &str) -> RequestError {
    RequestError::Unavailable(why.to_owned())
}
