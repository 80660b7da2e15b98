//! Tests of the packet cache: order, age, memory, and what a late joiner needs.

use super::*;
use std::time::Duration;

const LEN: usize = 256;

struct Store {
    pool: Pool,
    cache: Cache,
    now: Instant,
}

impl Store {
    fn new() -> Store {
        let extent = Extent { packets: LEN, ..Extent::of(Class::Camera) };
        Store { pool: Pool::default(), cache: Cache::new(extent), now: Instant::now() }
    }

    fn insert(&mut self, number: u64, starts_keyframe: bool) {
        let packet = Packet { number: SeqNo(number), starts_keyframe, ..Packet::default() };
        let bytes = number.to_be_bytes();
        assert!(self.cache.insert(&mut self.pool, self.now, &packet, &bytes));
        self.now += Duration::from_millis(1);
    }

    fn has(&self, number: u64) -> bool {
        let found = self.cache.find(&self.pool, SeqNo(number));
        if let Some((packet, bytes)) = found {
            assert_eq!((packet.number.0, bytes), (number, &number.to_be_bytes()[..]));
        }
        found.is_some()
    }
}

#[test]
fn the_latest_packets_are_found_whatever_their_order() {
    let mut store = Store::new();
    for number in [1_000, 1_002, 1_001, 1_003] {
        store.insert(number, false);
    }
    assert!((1_000..=1_003).all(|number| store.has(number)));
    assert!(!store.has(999) && !store.has(1_004) && !store.has(1_000 + LEN as u64));
}

#[test]
fn memory_follows_the_rate_and_is_given_back() {
    let mut store = Store::new();
    for number in 0..10_000 {
        store.insert(number, false);
        assert!(store.pool.used() <= LEN);
    }
    assert!((10_000 - LEN as u64..10_000).all(|number| store.has(number)));
    store.now += CACHE_AGE * 2;
    store.insert(10_000, false);
    assert_eq!(store.pool.used(), 1);
    store.cache.clear(&mut store.pool);
    assert_eq!(store.pool.used(), 0);
    assert!(!store.has(10_000));
}

#[test]
fn a_slow_stream_keeps_a_small_table() {
    let mut store = Store::new();
    for number in 0..10_000 {
        store.now += Duration::from_millis(50);
        store.insert(number, false);
    }
    assert_eq!(store.cache.ring.len(), FIRST_LEN);
    assert!(store.has(9_999) && store.has(9_980) && !store.has(9_960));
}

#[test]
fn a_jump_forgets_what_was_before() {
    let mut store = Store::new();
    (0..100).for_each(|number| store.insert(number, false));
    store.insert(100_000, false);
    assert!(store.has(100_000));
    assert_eq!(store.pool.used(), 1);
}

#[test]
fn holes_and_late_packets_leave_no_block_behind() {
    let mut store = Store::new();
    let mut number = 0;
    for step in 0..20_000u64 {
        number += 1 + step % 7 * (step % 13) / 5;
        store.insert(number, step % 97 == 0);
        if step % 5 == 0 {
            store.insert(number.saturating_sub(step % 300), false);
        }
    }
    let kept = (0..=number).filter(|number| store.has(*number)).count();
    assert_eq!(store.pool.used(), kept);
    store.cache.clear(&mut store.pool);
    assert_eq!(store.pool.used(), 0);
}

#[test]
fn a_keyframe_and_what_depends_on_it_outlive_the_others() {
    let mut store = Store::new();
    (0..50).for_each(|number| store.insert(number, false));
    store.insert(50, true);
    for number in 51..100 {
        store.now += Duration::from_millis(100);
        store.insert(number, false);
    }
    assert_eq!(store.cache.group(), Some(SeqNo(50)));
    assert!((50..100).all(|number| store.has(number)) && !store.has(49));
    (100..50 + LEN as u64).for_each(|number| store.insert(number, false));
    assert_eq!(store.cache.group(), Some(SeqNo(50)));
    store.insert(50 + LEN as u64, false);
    assert_eq!(store.cache.group(), None, "the group has outgrown the cache");
}
