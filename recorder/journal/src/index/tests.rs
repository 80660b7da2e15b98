//! Times are found in an index of bounded size.

use super::*;
use crate::block::{self, Facts, HEADER_BYTES, Header, Life};
use crate::key::DataKey;

fn found() -> Found {
    let life = Life::random(0).expect("random");
    let key = life.key(&DataKey::random().expect("random"), "").expect("a key");
    let (first_unix_us, last_unix_us) = (0, 0);
    let facts = Facts { life, counter: 0, kinds: Kinds::RECORDS, first_unix_us, last_unix_us };
    let block = block::seal(&key, &facts, vec![0; HEADER_BYTES]).expect("seals");
    Found { offset: 0, header: Header::parse(&block).expect("a header") }
}

/// Blocks of 100 ms from one second on, 10 bytes apart, every twentieth with a keyframe.
fn index(blocks: u64) -> Index {
    let mut index = Index { stretches: Vec::new(), width: 1, filled: 0 };
    let mut found = found();
    for number in 0..blocks {
        found.offset = number * 10;
        found.header.first_unix_us = 1_000_000 + number * 100_000;
        found.header.last_unix_us = found.header.first_unix_us + 99_999;
        let keyframe = if number % 20 == 0 { Kinds::KEYFRAME } else { Kinds::NONE };
        found.header.kinds = Kinds::RECORDS.with(keyframe);
        index.push(&found);
    }
    index
}

#[test]
fn a_keyframe_is_found_at_or_before_any_time() {
    let index = index(100);
    let cases = [(0, 0), (1_000_000, 0), (2_999_999, 0), (3_100_000, 200), (u64::MAX, 800)];
    for (at, offset) in cases {
        assert_eq!(index.keyframe_before(at), offset, "{at}");
    }
}

#[test]
fn nothing_from_a_time_on_is_missed() {
    let index = index(100);
    let cases = [(0, 0), (1_000_000, 0), (1_099_999, 0), (1_100_000, 10), (u64::MAX, 990)];
    for (at, offset) in cases {
        assert_eq!(index.before(at), offset, "{at}");
    }
}

#[test]
fn an_empty_index_points_to_the_beginning() {
    assert_eq!((index(0).before(7), index(0).keyframe_before(7)), (0, 0));
}

#[test]
fn a_long_journal_has_a_coarser_index_of_the_same_size() {
    let blocks = 5 * MAX_STRETCHES as u64;
    let index = index(blocks);
    assert!((MAX_STRETCHES / 2..=MAX_STRETCHES).contains(&index.stretches().len()));
    for number in [0, 1, 77_777, blocks - 1] {
        let at = 1_000_000 + number * 100_000 + 5;
        let before = index.before(at) / 10;
        assert!((number.saturating_sub(8)..=number).contains(&before), "{number}: {before}");
        let keyframe = index.keyframe_before(at) / 10;
        assert!((number.saturating_sub(36)..=number).contains(&keyframe), "{number}: {keyframe}");
    }
}
