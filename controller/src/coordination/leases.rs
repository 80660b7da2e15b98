//! When leases expire. Pure: time is an argument.

use super::LeaseId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The leases of a store that is one process.
///
/// Deadlines are not stored: after a restart every lease lives for its whole time again, as etcd
/// does it after its leader changed. A clock that jumps thus ends no lease.
#[derive(Debug, Default)]
pub(super) struct Leases {
    all: BTreeMap<LeaseId, Lease>,
}

#[derive(Debug)]
struct Lease {
    ttl: Duration,
    expires: Instant,
}

impl Leases {
    pub(super) fn insert(&mut self, now: Instant, id: LeaseId, ttl: Duration) {
        self.all.insert(id, Lease { ttl, expires: now + ttl });
    }

    pub(super) fn contains(&self, id: LeaseId) -> bool {
        self.all.contains_key(&id)
    }

    /// Whether there was such a lease, which now lives for its whole time again.
    pub(super) fn keep_alive(&mut self, now: Instant, id: LeaseId) -> bool {
        let Some(lease) = self.all.get_mut(&id) else { return false };
        lease.expires = now + lease.ttl;
        true
    }

    pub(super) fn remove(&mut self, id: LeaseId) {
        self.all.remove(&id);
    }

    /// Leases whose time is over.
    pub(super) fn expired(&self, now: Instant) -> Vec<LeaseId> {
        let over = |(id, lease): (&LeaseId, &Lease)| (lease.expires <= now).then_some(*id);
        self.all.iter().filter_map(over).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_expires_unless_it_is_kept_alive() {
        let start = Instant::now();
        let ttl = Duration::from_secs(10);
        let mut leases = Leases::default();
        leases.insert(start, LeaseId(1), ttl);
        leases.insert(start, LeaseId(2), ttl);
        let later = start + Duration::from_secs(6);
        assert!(leases.keep_alive(later, LeaseId(1)));
        assert!(leases.expired(later).is_empty());
        assert_eq!(leases.expired(start + ttl), [LeaseId(2)]);
        assert_eq!(leases.expired(later + ttl), [LeaseId(1), LeaseId(2)]);
    }

    #[test]
    fn a_lease_that_ended_cannot_be_kept_alive() {
        let start = Instant::now();
        let mut leases = Leases::default();
        leases.insert(start, LeaseId(1), Duration::from_secs(1));
        leases.remove(LeaseId(1));
        assert!(!leases.contains(LeaseId(1)));
        assert!(!leases.keep_alive(start, LeaseId(1)));
    }
}
