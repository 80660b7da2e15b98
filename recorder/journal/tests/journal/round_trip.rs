//! What was committed is read back, in order, whoever wrote it.

use crate::disk::Memory;
use crate::said::{LABEL, entries, garbage, journal, key, number, numbers, packet, write_each};
use lectern_control::media::{MediaKind, Source};
use lectern_control::recorder::Event;
use lectern_control::{ParticipantId, TrackId};
use lectern_journal::{
    Damage, Entry, Error, Kinds, MAX_BLOCK_BYTES, MAX_PENDING_BYTES, Reader, Writer,
};
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    let participant = any::<u64>().prop_map(ParticipantId);
    let track = any::<u64>().prop_map(TrackId);
    prop_oneof![
        (participant.clone(), ".*", ".*").prop_map(|(participant, identity, name)| {
            Event::Joined { participant, identity, name }
        }),
        participant.clone().prop_map(|participant| Event::Left { participant }),
        (track.clone(), participant.clone(), any::<bool>()).prop_map(
            |(track, participant, muted)| {
                let (kind, source) = (MediaKind::Video, Source::Camera);
                Event::Track { track, participant, kind, source, muted }
            }
        ),
        (track, any::<bool>()).prop_map(|(track, muted)| Event::Muted { track, muted }),
        prop::collection::vec(participant, 0..9).prop_map(|speakers| Event::Speakers { speakers }),
        "[a-z]{1,9}".prop_map(|node| Event::Node { node: node.parse().expect("a name") }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        (0..1_000_000u64, 0..2_000usize).prop_map(|(number, len)| packet(number, len)),
        (any::<u16>(), "[a-z0-9._-]{1,64}").prop_map(|(index, node)| {
            Entry::Node { index, node: node.parse().expect("a name") }
        }),
        (any::<u16>(), any::<u64>(), any::<i64>(), any::<u32>()).prop_map(
            |(node, at_unix_us, offset_us, rtt_us)| {
                Entry::Clock { node, at_unix_us, offset_us, rtt_us }
            }
        ),
        (any::<u64>(), event()).prop_map(|(at_unix_ms, event)| Entry::Event { at_unix_ms, event }),
        Just(Entry::End),
    ]
}

/// What happens to a writer.
#[derive(Debug, Clone)]
enum Step {
    Append(Entry),
    Commit,
    Sync,
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => entry().prop_map(Step::Append),
        3 => Just(Step::Commit),
        1 => Just(Step::Sync),
        1 => Just(Step::Resume),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_is_committed_is_read_back(steps in prop::collection::vec(step(), 0..60)) {
        let key = key();
        let mut writer = Writer::create(Memory::default(), &key, LABEL).expect("creates");
        let (mut appended, mut committed) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Append(entry) => {
                    writer.append(&entry).expect("appends");
                    appended.push(entry);
                }
                Step::Commit => {
                    writer.commit().expect("commits");
                    committed.append(&mut appended);
                }
                Step::Sync => writer.sync().expect("syncs"),
                Step::Resume => {
                    writer = Writer::resume(writer.into_disk(), &key, LABEL).expect("resumes");
                    appended.clear();
                }
            }
        }
        let (read, damage) = entries(writer.into_disk(), &key);
        prop_assert_eq!(read, committed);
        prop_assert_eq!(damage, Damage::default());
    }

    #[test]
    fn any_bytes_are_read_as_nothing(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let (read, damage) = entries(bytes.as_slice(), &key());
        prop_assert_eq!(read.len(), 0);
        prop_assert_eq!(damage.bytes, bytes.len() as u64);
    }
}

#[test]
fn one_commit_is_one_block_and_one_write() {
    let key = key();
    let mut writer = Writer::create(Memory::default(), &key, LABEL).expect("creates");
    writer.commit().expect("nothing to do");
    for number in 0..100 {
        writer.append(&packet(number, 1_000)).expect("appends");
    }
    assert_eq!((writer.len(), writer.is_empty()), (0, true));
    writer.commit().expect("commits");
    assert_eq!(writer.pending_bytes(), 0);
    let len = writer.len();
    let disk = writer.into_disk();
    assert_eq!(disk.attempts.len(), 1);
    assert_eq!(disk.bytes.len() as u64, len);
    assert_eq!(numbers(&disk.bytes, &key), Vec::from_iter(0..100));
}

#[test]
fn more_than_a_block_holds_becomes_more_blocks() {
    let key = key();
    let mut writer = Writer::create(Memory::default(), &key, LABEL).expect("creates");
    let count = 3 * MAX_BLOCK_BYTES as u64 / 2_000;
    for number in 0..count {
        writer.append(&packet(number, 2_000)).expect("appends");
    }
    writer.commit().expect("commits");
    let disk = writer.into_disk();
    assert_eq!(disk.attempts.len(), 4);
    assert!(disk.attempts.iter().all(|(_, block)| block.len() <= MAX_BLOCK_BYTES + 80));
    assert_eq!(numbers(&disk.bytes, &key), Vec::from_iter(0..count));
}

#[test]
fn what_waits_is_bounded_and_can_be_given_up() {
    let key = key();
    let mut writer = Writer::create(Memory::default(), &key, LABEL).expect("creates");
    let mut taken = 0;
    let refused = loop {
        match writer.append(&packet(taken, 2_000)) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Behind));
    assert!((MAX_PENDING_BYTES - 3_000..=MAX_PENDING_BYTES).contains(&writer.pending_bytes()));
    assert!(writer.discard() > MAX_PENDING_BYTES - 3_000);
    write_each(&mut writer, [taken]);
    let (read, damage) = entries(writer.into_disk(), &key);
    assert_eq!(read.iter().map(number).collect::<Vec<_>>(), [taken]);
    assert_eq!(damage.missing, 16, "blocks that were sealed and given up are missing");
}

#[test]
fn records_that_are_none_are_refused_and_spoil_nothing() {
    let key = key();
    let mut writer = Writer::create(Memory::default(), &key, LABEL).expect("creates");
    writer.append(&packet(1, 10)).expect("appends");
    assert!(matches!(writer.append(&garbage()), Err(Error::Entry)));
    writer.append(&packet(2, 10)).expect("appends");
    writer.commit().expect("commits");
    assert_eq!(numbers(&writer.into_disk().bytes, &key), [1, 2]);
}

#[test]
fn a_journal_is_not_begun_where_something_lies() {
    let begun = Writer::create(Memory::holding(b"something"), &key(), LABEL);
    assert!(matches!(begun, Err(Error::Disk(_))));
}

#[test]
fn who_seeks_gets_the_last_keyframe_before_and_all_that_follows() {
    let key = key();
    let (bytes, _) = journal(&key, 60);
    let mut reader = Reader::new(bytes.as_slice(), &key, LABEL);
    let index = reader.index().expect("an index");
    assert_eq!(index.stretches().len(), 60);
    let at = |number: u64| 1_700_000_000_000_000 + number * 20_000;
    for (wanted, first) in [(0, 0), (9, 0), (10, 10), (35, 30), (59, 50)] {
        reader.seek(index.keyframe_before(at(wanted)));
        let read: Vec<u64> = reader.by_ref().map(|e| number(&e.expect("reads"))).collect();
        assert_eq!(read, Vec::from_iter(first..60));
        assert_eq!(reader.damage(), Damage::default());
    }
}

#[test]
fn an_index_does_not_move_the_reader() {
    let key = key();
    let (bytes, _) = journal(&key, 5);
    let mut reader = Reader::new(bytes.as_slice(), &key, LABEL);
    let mut next = || number(&reader.next().expect("an entry").expect("reads"));
    assert_eq!((next(), next()), (0, 1));
    reader.index().expect("an index");
    let rest: Vec<u64> = reader.map(|e| number(&e.expect("reads"))).collect();
    assert_eq!(rest, [2, 3, 4]);
}

#[test]
fn blocks_of_other_kinds_are_passed_over_where_only_some_are_wanted() {
    let key = key();
    let mut writer = Writer::create(Memory::default(), &key, LABEL).expect("creates");
    let node = Entry::Node { index: 1, node: "n".parse().expect("a name") };
    for block in 0..9 {
        if block % 4 == 1 {
            writer.append(&node).expect("appends");
        }
        write_each(&mut writer, [block]);
    }
    let bytes = writer.into_disk().bytes;
    let mut reader = Reader::new(bytes.as_slice(), &key, LABEL);
    reader.only(Kinds::NODES.with(Kinds::END));
    let read: Vec<Entry> = reader.by_ref().map(|entry| entry.expect("reads")).collect();
    assert_eq!(read, [node.clone(), packet(1, 1), node, packet(5, 5)]);
    assert_eq!(reader.damage(), Damage::default());
}
