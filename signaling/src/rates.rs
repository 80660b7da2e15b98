//! How often each of many may try: one bucket for each, and a bound on how many are kept.

use crate::bucket::{Bucket, Quota};
use lectern_control::RoomId;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Buckets that are kept. Where more have tried lately, whoever is new waits: those who are known
/// are served on, and memory has a bound.
const MAX_KEYS: usize = 100_000;
/// Buckets that are full again are forgotten no more often than this: looking at all of them for
/// every newcomer would be the flood's own work done for it.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What counts as one place to try from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// One customer has one IPv4 address, or at least a /64 of IPv6 (RFC 6177 section 2).
    pub fn of(address: IpAddr) -> Network {
        Network(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
        })
    }
}

/// One budget for each identity in each room, hashed under a key of this process: the longest take no
/// more memory.
#[derive(Debug)]
pub struct PersonRates {
    rates: Rates<u64>,
    hasher: RandomState,
}

impl PersonRates {
    /// A full budget for everybody.
    pub fn new(quota: Quota) -> PersonRates {
        PersonRates { rates: Rates::new(quota), hasher: RandomState::new() }
    }

    /// Takes one try; otherwise says how long to wait.
    pub fn take(&self, room: RoomId, identity: &str, now: Instant) -> Result<(), Duration> {
        self.rates.take(self.hasher.hash_one((room, identity)), now)
    }
}

/// One budget for each key.
#[derive(Debug)]
pub struct Rates<K> {
    quota: Quota,
    known: Mutex<Known<K>>,
}

#[derive(Debug)]
struct Known<K> {
    buckets: HashMap<K, Bucket>,
    swept_at: Option<Instant>,
}

impl<K: Eq + Hash> Rates<K> {
    /// A full budget for everybody.
    pub fn new(quota: Quota) -> Rates<K> {
        let known = Known { buckets: HashMap::new(), swept_at: None };
        Rates { quota, known: Mutex::new(known) }
    }

    /// Takes one try; otherwise says how long to wait.
    pub fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut known = self.known();
        known.make_room(&key, now)?;
        known.buckets.entry(key).or_insert_with(|| Bucket::new(now)).take(self.quota, now, 1)
    }

    /// Gives back a try that turned out to be none.
    pub fn give_back(&self, key: &K) {
        if let Some(bucket) = self.known().buckets.get_mut(key) {
            bucket.give_back(self.quota);
        }
    }

    /// Nothing is left half-done under this lock, so a panic elsewhere does not spoil it.
    fn known(&self) -> MutexGuard<'_, Known<K>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Known<K> {
    fn make_room(&mut self, key: &K, now: Instant) -> Result<(), Duration> {
        if self.buckets.len() < MAX_KEYS || self.buckets.contains_key(key) {
            return Ok(());
        }
        if self.swept_at.is_none_or(|at| now.duration_since(at) >= SWEEP_INTERVAL) {
            self.swept_at = Some(now);
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        if self.buckets.len() < MAX_KEYS { Ok(()) } else { Err(SWEEP_INTERVAL) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn three_a_minute() -> Quota {
        let three = NonZeroU32::new(3).expect("not zero");
        Quota::per_minute(three, three)
    }

    fn network(text: &str) -> Network {
        Network::of(text.parse().expect("an address"))
    }

    #[test]
    fn a_budget_is_one_address_s_own() {
        let (rates, now) = (Rates::new(three_a_minute()), Instant::now());
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(network);
        for _ in 0..3 {
            assert!(rates.take(a, now).is_ok());
        }
        assert_eq!(rates.take(a, now), Err(Duration::from_secs(20)));
        assert!(rates.take(b, now).is_ok());
        rates.give_back(&a);
        assert!(rates.take(a, now).is_ok());
        assert!(rates.take(a, now + Duration::from_secs(20)).is_ok());
    }

    #[test]
    fn all_addresses_of_one_ipv6_customer_share_a_budget() {
        let [a, b, c] = ["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"].map(network);
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_leaves_those_alone_who_are_known() {
        let (rates, now) = (Rates::new(three_a_minute()), Instant::now());
        for key in 0..MAX_KEYS {
            assert!(rates.take(key, now).is_ok());
        }
        assert_eq!(rates.take(MAX_KEYS, now), Err(SWEEP_INTERVAL));
        assert!(rates.take(0, now).is_ok(), "known");
        assert_eq!(rates.known().buckets.len(), MAX_KEYS);
        let soon = now + SWEEP_INTERVAL / 2;
        assert!(rates.take(MAX_KEYS, soon).is_err());
        assert_eq!(rates.known().swept_at, Some(now), "not every newcomer looks at all");
        let later = now + Duration::from_secs(20);
        assert!(rates.take(MAX_KEYS, later).is_ok(), "the others are as good as new");
        assert_eq!(rates.known().buckets.len(), 2);
    }
}
