//! Who was wrong too often is blocked for a while, whatever it shows then.
//!
//! Beside [`crate::rates`], which bound how fast anybody may try before it is known how the try ends.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures count for so long, and a block lasts as long.
pub const BLOCK: Duration = Duration::from_secs(900);
/// Who is remembered. Where more have failed lately, whoever is new is not counted until others are
/// forgotten: what one room may be asked is bounded elsewhere.
const MAX_KEYS: usize = 100_000;

/// Failures of many.
#[derive(Debug)]
pub struct Failures<K> {
    limit: NonZeroU32,
    known: Mutex<HashMap<K, Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    count: u32,
    until: Instant,
}

impl<K: Eq + Hash> Failures<K> {
    /// After so many failures within [`BLOCK`], the next `BLOCK` is blocked.
    pub fn new(limit: NonZeroU32) -> Failures<K> {
        Failures { limit, known: Mutex::new(HashMap::new()) }
    }

    /// Whether somebody may try; otherwise how long it is blocked.
    pub fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(key) {
            Some(one) if one.count >= self.limit.get() && one.until > now => Err(one.until - now),
            _ => Ok(()),
        }
    }

    /// Somebody failed.
    pub fn failed(&self, key: K, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KEYS && !known.contains_key(&key) {
            known.retain(|_, one| one.until > now);
            if known.len() >= MAX_KEYS {
                return;
            }
        }
        let one = known.entry(key).or_insert(Known { count: 0, until: now });
        if one.until <= now {
            one.count = 0;
        }
        // What comes in while somebody is blocked does not make it longer.
        if one.count < self.limit.get() {
            *one = Known { count: one.count + 1, until: now + BLOCK };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(limit: u32) -> Failures<u32> {
        Failures::new(NonZeroU32::new(limit).expect("not zero"))
    }

    #[test]
    fn who_fails_too_often_is_blocked_for_a_while_and_nobody_else() {
        let (failures, now) = (failures(3), Instant::now());
        for _ in 0..3 {
            assert_eq!(failures.check(&1, now), Ok(()));
            failures.failed(1, now);
        }
        assert_eq!(failures.check(&1, now), Err(BLOCK));
        assert_eq!(failures.check(&2, now), Ok(()));
        let soon = now + BLOCK / 2;
        failures.failed(1, soon);
        assert_eq!(failures.check(&1, soon), Err(BLOCK / 2), "trying on makes it no longer");
        let later = now + BLOCK;
        assert_eq!(failures.check(&1, later), Ok(()));
        failures.failed(1, later);
        assert_eq!(failures.check(&1, later), Ok(()), "it begins anew");
    }

    /// An hour of guesses from five hundred addresses, each as fast as it is let.
    #[test]
    fn an_hour_of_guessing_links_from_many_addresses_finds_none() {
        let (failures, start) = (failures(60), Instant::now());
        let mut looked_at = 0_u64;
        for address in 0..500 {
            for second in 0..3_600 {
                let now = start + Duration::from_secs(second);
                if failures.check(&address, now).is_ok() {
                    failures.failed(address, now);
                    looked_at += 1;
                }
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
    fn memory_has_a_bound() {
        let (failures, now) = (failures(1), Instant::now());
        for key in 0..MAX_KEYS as u32 + 10 {
            failures.failed(key, now);
        }
        assert_eq!(failures.known.lock().expect("not poisoned").len(), MAX_KEYS);
        failures.failed(u32::MAX, now + 2 * BLOCK);
        assert_eq!(failures.known.lock().expect("not poisoned").len(), 1);
    }
}
