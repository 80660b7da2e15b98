//! Who was wrong too often is blocked for a while, whatever it shows then.
//!
//! Beside [`crate::rates`], which bound how fast anybody may try before it is known how the try ends.

use crate::rates::SWEEP_INTERVAL;
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures count for so long, and a block lasts as long.
pub const BLOCK: Duration = Duration::from_secs(900);
/// When to try again where only tries that are still under way stand in the way: they end in a moment.
pub const UNDER_WAY: Duration = Duration::from_secs(1);
/// Who is remembered. Where more have failed lately, whoever is new is not counted until others are
/// forgotten: what one room may be asked is bounded elsewhere.
const MAX_KEYS: usize = 100_000;

/// Failures of many.
#[derive(Debug)]
pub struct Failures<K: Eq + Hash> {
    limit: NonZeroU32,
    known: Mutex<Known<K>>,
}

#[derive(Debug)]
struct Known<K> {
    tries: HashMap<K, Tries>,
    swept_at: Option<Instant>,
}

/// Of one: those that failed, and those of which it is not known yet.
#[derive(Debug, Clone, Copy)]
struct Tries {
    failed: u32,
    under_way: u32,
    /// Failures are forgotten, and a block is over.
    until: Instant,
}

/// A try that is under way. It has failed unless it is said to have been right, so that many at once
/// are all counted, and so are those whose end nobody waits for.
#[derive(Debug)]
#[must_use]
pub struct Try<'a, K: Eq + Hash> {
    failures: &'a Failures<K>,
    /// None where nothing is counted for want of room.
    key: Option<K>,
    began: Instant,
}

impl<K: Eq + Hash + Clone> Failures<K> {
    /// After so many failures within [`BLOCK`], the next `BLOCK` is blocked.
    pub fn new(limit: NonZeroU32) -> Failures<K> {
        let known = Known { tries: HashMap::new(), swept_at: None };
        Failures { limit, known: Mutex::new(known) }
    }

    /// Begins a try; otherwise says how long to wait.
    pub fn begin(&self, key: K, now: Instant) -> Result<Try<'_, K>, Duration> {
        let mut known = self.known();
        if !known.has_room(&key, now) {
            return Ok(Try { failures: self, key: None, began: now });
        }
        let fresh = Tries { failed: 0, under_way: 0, until: now };
        let tries = known.tries.entry(key.clone()).or_insert(fresh);
        if tries.until <= now {
            tries.failed = 0;
        }
        if tries.failed >= self.limit.get() {
            return Err(tries.until - now);
        }
        if tries.failed.saturating_add(tries.under_way) >= self.limit.get() {
            return Err(UNDER_WAY);
        }
        tries.under_way += 1;
        Ok(Try { failures: self, key: Some(key), began: now })
    }
}

impl<K: Eq + Hash> Failures<K> {
    /// Nothing is left half-done under this lock, so a panic elsewhere does not spoil it.
    fn known(&self) -> MutexGuard<'_, Known<K>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Try<'_, K> {
    /// It was no wrong one: nothing is counted.
    pub fn was_right(mut self) {
        let Some(key) = self.key.take() else { return };
        let mut known = self.failures.known();
        let Some(tries) = known.tries.get_mut(&key) else { return };
        tries.under_way = tries.under_way.saturating_sub(1);
        if tries.failed + tries.under_way == 0 {
            known.tries.remove(&key);
        }
    }
}

impl<K: Eq + Hash> Drop for Try<'_, K> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let mut known = self.failures.known();
        if let Some(tries) = known.tries.get_mut(&key) {
            tries.under_way = tries.under_way.saturating_sub(1);
            tries.failed = tries.failed.saturating_add(1);
            tries.until = tries.until.max(self.began + BLOCK);
        }
    }
}

impl<K: Eq + Hash> Known<K> {
    fn has_room(&mut self, key: &K, now: Instant) -> bool {
        if self.tries.len() < MAX_KEYS || self.tries.contains_key(key) {
            return true;
        }
        if self.swept_at.is_none_or(|at| now.duration_since(at) >= SWEEP_INTERVAL) {
            self.swept_at = Some(now);
            self.tries.retain(|_, tries| tries.under_way > 0 || tries.until > now);
        }
        self.tries.len() < MAX_KEYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(limit: u32) -> Failures<u32> {
        Failures::new(NonZeroU32::new(limit).expect("not zero"))
    }

    fn is_free(failures: &Failures<u32>, key: u32, now: Instant) -> Result<(), Duration> {
        failures.begin(key, now).map(Try::was_right)
    }

    #[test]
    fn who_fails_too_often_is_blocked_for_a_while_and_nobody_else() {
        let (failures, now) = (failures(3), Instant::now());
        for _ in 0..3 {
            assert_eq!(is_free(&failures, 1, now), Ok(()));
            drop(failures.begin(1, now));
        }
        assert_eq!(is_free(&failures, 1, now), Err(BLOCK));
        assert_eq!(is_free(&failures, 2, now), Ok(()));
        let soon = now + BLOCK / 2;
        assert!(failures.begin(1, soon).is_err());
        assert_eq!(is_free(&failures, 1, soon), Err(BLOCK / 2), "trying on makes it no longer");
        let later = now + BLOCK;
        assert_eq!(is_free(&failures, 1, later), Ok(()));
        drop(failures.begin(1, later));
        assert_eq!(is_free(&failures, 1, later), Ok(()), "it begins anew");
    }

    #[test]
    fn many_tries_at_once_are_all_counted_and_right_ones_are_given_back() {
        let (failures, now) = (failures(5), Instant::now());
        let at_once: Vec<_> = (0..100).filter_map(|_| failures.begin(1, now).ok()).collect();
        assert_eq!(at_once.len(), 5);
        assert_eq!(is_free(&failures, 1, now), Err(UNDER_WAY));
        at_once.into_iter().for_each(Try::was_right);
        assert_eq!(failures.known().tries.len(), 0, "nothing is remembered of who was right");
        let wrong: Vec<_> = (0..100).filter_map(|_| failures.begin(1, now).ok()).collect();
        drop(wrong);
        assert_eq!(is_free(&failures, 1, now), Err(BLOCK));
    }

    /// An hour of guesses from five hundred addresses, each as fast as it is let.
    #[test]
    fn an_hour_of_guessing_links_from_many_addresses_finds_none() {
        let (failures, start) = (failures(60), Instant::now());
        let mut looked_at = 0_u64;
        for address in 0..500 {
            for second in 0..3_600 {
                let now = start + Duration::from_secs(second);
                looked_at += u64::from(failures.begin(address, now).is_ok());
            }
        }
        // A link has 192 random bits, and no more than 256 links lead to each of 100,000 meetings.
        let chance = looked_at as f64 * 256.0 * 1e5 / 2_f64.powi(192);
        println!("{looked_at} guesses looked at: success {chance:.1e} an hour");
        assert!(looked_at <= 500 * 60 * 4);
        // Less than 2^-40 a year.
        assert!(chance * 24.0 * 366.0 < 2_f64.powi(-40));
    }

    #[test]
    fn memory_has_a_bound_and_a_flood_does_not_look_at_all_of_it_each_time() {
        let (failures, now) = (failures(1), Instant::now());
        for key in 0..MAX_KEYS as u32 + 10 {
            assert!(failures.begin(key, now).is_ok());
        }
        assert_eq!(failures.known().tries.len(), MAX_KEYS);
        assert!(failures.begin(u32::MAX, now + SWEEP_INTERVAL / 2).is_ok());
        assert_eq!(failures.known().swept_at, Some(now));
        assert_eq!(is_free(&failures, 0, now), Err(BLOCK), "who is known is blocked on");
        drop(failures.begin(u32::MAX, now + 2 * BLOCK));
        assert_eq!(failures.known().tries.len(), 1);
    }
}
