//! Journals that were cut, rotted or forged: never a panic, never wrong data, only blocks are missing.

use crate::disk::Memory;
use crate::said::{HEADER_BYTES, LABEL, entries, journal, key, number, numbers, write_each};
use lectern_journal::key::DataKey;
use lectern_journal::{Damage, Error, Reader, VERSION, Writer};

fn resumed(bytes: &[u8], key: &DataKey) -> Writer<Memory> {
    Writer::resume(Memory::holding(bytes), key, LABEL).expect("resumes")
}

#[test]
fn a_kill_at_any_byte_loses_what_was_not_whole_and_the_next_life_goes_on() {
    let key = key();
    let (bytes, ends) = journal(&key, 12);
    for len in 0..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= len).count();
        let kept = Vec::from_iter(0..whole as u64);
        let end = ends[..whole].last().copied().unwrap_or_default();
        let (read, damage) = entries(&bytes[..len], &key);
        assert_eq!(read.iter().map(number).collect::<Vec<_>>(), kept, "{len}");
        assert_eq!((damage.bytes as usize, damage.torn), (len - end, len > end), "{len}");

        let mut writer = resumed(&bytes[..len], &key);
        assert_eq!(writer.len() as usize, end, "the torn tail is cut off");
        write_each(&mut writer, 100..103);
        let (read, damage) = entries(writer.into_disk(), &key);
        let numbers: Vec<u64> = read.iter().map(number).collect();
        assert_eq!(numbers, [&kept[..], &[100, 101, 102]].concat(), "{len}");
        assert_eq!(damage, Damage::default());
    }
}

#[test]
fn a_changed_byte_costs_its_block_and_nothing_else() {
    let key = key();
    let (bytes, ends) = journal(&key, 8);
    for at in 0..bytes.len() {
        let hit = ends.iter().filter(|end| **end <= at).count() as u64;
        let left: Vec<u64> = (0..8).filter(|number| *number != hit).collect();
        for mask in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= mask;
            assert_eq!(numbers(&changed, &key), left, "byte {at}");
        }
        // Who goes on appends behind it, and leaves the rest as it is.
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        let mut writer = resumed(&changed, &key);
        write_each(&mut writer, [50]);
        let read = numbers(&writer.into_disk().bytes, &key);
        assert_eq!(read, [&left[..], &[50]].concat(), "byte {at}");
    }
}

#[test]
fn bytes_put_in_or_taken_out_cost_the_blocks_they_touch() {
    let key = key();
    let (bytes, ends) = journal(&key, 6);
    for at in 0..bytes.len() {
        let mut fewer = bytes.clone();
        fewer.remove(at);
        let mut more = bytes.clone();
        more.insert(at, !bytes[at]);
        let hit = ends.iter().filter(|end| **end <= at).count() as u64;
        let left: Vec<u64> = (0..6).filter(|number| *number != hit).collect();
        // Of two equal bytes it cannot be told which is missing, on an edge not even whose it was.
        if bytes.get(at + 1) != Some(&bytes[at]) {
            assert_eq!(numbers(&fewer, &key), left, "byte {at}");
        }
        let read = numbers(&more, &key);
        let between = at == 0 || ends.contains(&at);
        assert_eq!(read, if between { Vec::from_iter(0..6) } else { left }, "byte {at}");
    }
}

fn blocks<'a>(bytes: &'a [u8], ends: &[usize]) -> Vec<&'a [u8]> {
    let starts = [0].into_iter().chain(ends.iter().copied());
    starts.zip(ends).map(|(from, to)| &bytes[from..*to]).collect()
}

#[test]
fn blocks_that_were_moved_repeated_or_taken_out_are_told() {
    let key = key();
    let (bytes, ends) = journal(&key, 4);
    let blocks = blocks(&bytes, &ends);
    let cases: [(&[usize], &[u64], u64, u64); 5] = [
        (&[0, 1, 1, 2, 3], &[0, 1, 2, 3], 1, 0),
        (&[0, 2, 1, 3], &[0, 2, 3], 1, 1),
        (&[0, 3], &[0, 3], 0, 2),
        (&[0, 1, 2, 3, 0, 1, 2, 3], &[0, 1, 2, 3], 4, 0),
        (&[3, 2, 1, 0], &[3], 3, 3),
    ];
    for (order, expected, misplaced, missing) in cases {
        let moved: Vec<u8> = order.iter().flat_map(|at| blocks[*at]).copied().collect();
        let (read, damage) = entries(moved.as_slice(), &key);
        assert_eq!(read.iter().map(number).collect::<Vec<_>>(), expected);
        assert_eq!(damage, Damage { misplaced, missing, ..Damage::default() }, "{order:?}");
    }
}

#[test]
fn a_former_life_cannot_follow_a_later_one() {
    let key = key();
    let (first, _) = journal(&key, 2);
    let mut writer = resumed(&first, &key);
    write_each(&mut writer, 2..4);
    let both = writer.into_disk().bytes;
    let second = &both[first.len()..];
    assert_eq!(numbers(&both, &key), [0, 1, 2, 3]);
    let swapped = [second, &first[..]].concat();
    let (read, damage) = entries(swapped.as_slice(), &key);
    assert_eq!(read.iter().map(number).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(damage.misplaced, 2);
}

#[test]
fn another_key_or_label_reads_nothing_and_goes_on_with_nothing() {
    let (one, two) = (key(), key());
    let (bytes, _) = journal(&one, 3);
    for (key, label) in [(&two, LABEL), (&one, "RC_1/TR_2.journal"), (&one, "")] {
        let mut reader = Reader::new(bytes.as_slice(), key, label);
        assert!(reader.by_ref().next().is_none());
        assert_eq!(reader.damage(), Damage { sealed: 3, ..Damage::default() });
        let resumed = Writer::resume(Memory::holding(&bytes), key, label);
        assert!(matches!(resumed, Err(Error::Key)));
    }
    // Blocks of another journal under the same key are as strange.
    let mut other = Writer::create(Memory::default(), &one, "RC_1/TR_2.journal").expect("creates");
    write_each(&mut other, [7]);
    let mixed = [&other.into_disk().bytes[..], &bytes[..]].concat();
    let (read, damage) = entries(mixed.as_slice(), &one);
    assert_eq!(read.iter().map(number).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(damage.sealed, 1);
}

#[test]
fn damage_at_the_end_neither_locks_out_the_right_key_nor_lets_in_a_wrong_one() {
    let (one, two) = (key(), key());
    let (mut bytes, ends) = journal(&one, 6);
    for end in &ends[3..] {
        bytes[end - 1] ^= 1;
    }
    assert!(matches!(Writer::resume(Memory::holding(&bytes), &two, LABEL), Err(Error::Key)));
    let mut writer = resumed(&bytes, &one);
    write_each(&mut writer, [9]);
    assert_eq!(numbers(&writer.into_disk().bytes, &one), [0, 1, 2, 9]);
}

#[test]
fn what_a_newer_version_wrote_is_told_and_never_cut_off() {
    let key = key();
    let (bytes, ends) = journal(&key, 3);
    let mut newer = bytes[ends[1]..].to_vec();
    newer[7] = VERSION + 1;
    let sum = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&newer[..HEADER_BYTES - 4]);
    newer[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&sum.to_be_bytes());
    let bytes = [&bytes[..ends[1]], &newer[..]].concat();
    let (read, damage) = entries(bytes.as_slice(), &key);
    assert_eq!((read.len(), damage.newer), (2, 1));
    let resumed = Writer::resume(Memory::holding(&bytes), &key, LABEL);
    assert!(matches!(resumed, Err(Error::Newer)));
}

#[test]
fn a_damaged_stretch_of_any_size_is_passed_over() {
    let key = key();
    let (bytes, ends) = journal(&key, 6);
    let mut random = fastrand::Rng::with_seed(3);
    for len in [1, 63, 64, 65, 5_000, 300_000, 3_000_000] {
        let mut noise = vec![0; len];
        for _ in 0..2 {
            let mixed = [&bytes[..ends[2]], &noise[..], &bytes[ends[2]..]].concat();
            let (read, damage) = entries(mixed.as_slice(), &key);
            assert_eq!(read.len(), 6, "{len}");
            assert_eq!((damage.stretches, damage.bytes), (1, len as u64));
            random.fill(&mut noise);
        }
    }
}
