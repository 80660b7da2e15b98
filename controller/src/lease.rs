//! The lease under which this controller owns its rooms. Pure: says what to ask of the store.
//!
//! A store that cannot be reached is not a lost lease: rooms go on, and the fencing revision keeps
//! them safe. Only an answer of the store, or a node that was told by another owner, ends it.

use crate::clock::Now;
use crate::coordination::LeaseId;
use std::time::{Duration, Instant};

/// How long a lease lives without a keep-alive: until then a dead controller's rooms wait.
pub const TTL: Duration = Duration::from_secs(10);
/// How often it is kept alive: two may fail.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(3);
/// How soon a failure is followed by another attempt.
pub const RETRY_AFTER: Duration = Duration::from_millis(500);

/// What to ask of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A new lease.
    Grant,
    /// Its whole time again.
    KeepAlive(LeaseId),
}

/// The lease's state.
#[derive(Debug, Default)]
pub struct Lease {
    id: Option<LeaseId>,
    /// When to ask next; `None` while an answer is awaited, and in the beginning.
    due: Option<Instant>,
    asked: bool,
}

impl Lease {
    /// The lease, while there is one.
    pub fn id(&self) -> Option<LeaseId> {
        self.id
    }

    /// What to ask now.
    pub fn handle_timeout(&mut self, now: Now) -> Option<Step> {
        if self.asked || self.due.is_some_and(|due| now.at < due) {
            return None;
        }
        self.asked = true;
        Some(self.id.map_or(Step::Grant, Step::KeepAlive))
    }

    /// A lease was granted.
    pub fn granted(&mut self, now: Now, id: LeaseId) {
        *self = Lease { id: Some(id), due: Some(now.at + KEEP_ALIVE_EVERY), asked: false };
    }

    /// It was kept alive.
    pub fn kept(&mut self, now: Now) {
        (self.due, self.asked) = (Some(now.at + KEEP_ALIVE_EVERY), false);
    }

    /// The store has no such lease any more; whether that is news.
    pub fn lost(&mut self, lease: LeaseId) -> bool {
        if self.id != Some(lease) {
            return false;
        }
        *self = Lease::default();
        true
    }

    /// The store did not answer.
    pub fn failed(&mut self, now: Now) {
        (self.due, self.asked) = (Some(now.at + RETRY_AFTER), false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_asked_for_kept_alive_and_asked_for_again() {
        let start = Instant::now();
        let at = |s: u64| Now { at: start + Duration::from_secs(s), unix_ms: 0 };
        let mut lease = Lease::default();
        assert_eq!(lease.handle_timeout(at(0)), Some(Step::Grant));
        assert_eq!(lease.handle_timeout(at(1)), None, "one question at a time");
        lease.granted(at(1), LeaseId(7));
        assert_eq!(lease.handle_timeout(at(3)), None);
        assert_eq!(lease.handle_timeout(at(4)), Some(Step::KeepAlive(LeaseId(7))));
        lease.failed(at(4));
        assert_eq!(lease.id(), Some(LeaseId(7)), "no answer is not a loss");
        assert_eq!(lease.handle_timeout(at(5)), Some(Step::KeepAlive(LeaseId(7))));
        lease.kept(at(5));
        assert!(!lease.lost(LeaseId(6)), "another lease");
        assert!(lease.lost(LeaseId(7)));
        assert!(!lease.lost(LeaseId(7)), "no news");
        assert_eq!(lease.id(), None);
        assert_eq!(lease.handle_timeout(at(5)), Some(Step::Grant));
    }
}
