//! Entries of a block are taken one by one, and what is strange among them is passed over.

use super::*;
use lectern_control::ParticipantId;
use lectern_control::recorder::Event;

fn some() -> Vec<Entry> {
    let speakers = vec![ParticipantId(1), ParticipantId(2)];
    vec![
        Entry::Node { index: 7, node: "node-1".parse().expect("a name") },
        Entry::Records { node: 7, records: Bytes::new() },
        Entry::Clock { node: 7, at_unix_us: 9, offset_us: i64::MIN, rtt_us: u32::MAX },
        Entry::Event { at_unix_ms: u64::MAX, event: Event::Speakers { speakers } },
        Entry::End,
    ]
}

fn taken(block: &[u8]) -> Vec<Result<Entry, Strange>> {
    let mut block = Bytes::copy_from_slice(block);
    std::iter::from_fn(|| take(&mut block)).collect()
}

fn encoded(entries: &[Entry]) -> Vec<u8> {
    let mut block = Vec::new();
    for entry in entries {
        entry.encode(&mut block).expect("encodes");
    }
    block
}

#[test]
fn entries_are_taken_as_they_were_put() {
    let all: Vec<_> = some().into_iter().map(Ok).collect();
    assert_eq!(taken(&encoded(&some())), all);
}

#[test]
fn an_unknown_kind_costs_itself_only() {
    let mut block = encoded(&some()[..1]);
    block.extend_from_slice(&[99, 0, 0, 0, 3, 1, 2, 3]);
    block.extend_from_slice(&encoded(&[Entry::End]));
    assert_eq!(taken(&block), [Ok(some()[0].clone()), Err(Strange), Ok(Entry::End)]);
}

#[test]
fn a_block_cut_anywhere_gives_what_is_whole_and_then_something_strange() {
    let block = encoded(&some());
    let ends: Vec<usize> = (0..=5).map(|count| encoded(&some()[..count]).len()).collect();
    for len in 0..block.len() {
        let read = taken(&block[..len]);
        let whole = ends.iter().filter(|end| **end <= len).count() - 1;
        let cut = usize::from(!ends.contains(&len));
        assert_eq!(read.iter().filter(|entry| entry.is_ok()).count(), whole, "{len}");
        assert_eq!(read.len(), whole + cut, "{len}");
    }
}

#[test]
fn what_is_too_large_or_damaged_is_not_put_at_all() {
    let name = "x".repeat(MAX_EVENT_BYTES);
    let joined = Event::Joined { participant: ParticipantId(1), identity: String::new(), name };
    let refused = [
        Entry::Event { at_unix_ms: 0, event: joined },
        Entry::Records { node: 0, records: Bytes::from_static(&[1, 2, 3]) },
        Entry::Records { node: 0, records: Bytes::from(vec![0; MAX_RECORDS_BYTES + 1]) },
    ];
    for entry in refused {
        let mut block = vec![1, 2, 3];
        assert!(matches!(entry.encode(&mut block), Err(Error::Entry)));
        assert_eq!(block, [1, 2, 3]);
    }
}
