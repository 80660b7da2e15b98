//! Disks that say no: the journal stays usable up to the last good block, and nothing is lost twice.

use crate::disk::{Fault, Memory};
use crate::said::{HEADER_BYTES, LABEL, key, numbers, packet, write_each};
use lectern_journal::{Error, MAX_UNSYNCED_BYTES, Writer};
use std::collections::HashMap;
use std::io::ErrorKind;

const KINDS: [ErrorKind; 3] = [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::WriteZero];

/// A writer whose fourth block is refused, after some of its bytes were written.
fn failed(
    cuts_fail: Option<u32>,
    kind: ErrorKind,
    written: usize,
) -> (Writer<Memory>, lectern_journal::key::DataKey) {
    let key = key();
    let faults = [None, None, None, Some(Fault { kind, written })].into();
    let disk = Memory { faults, cuts_fail, ..Memory::default() };
    let mut writer = Writer::create(disk, &key, LABEL).expect("creates");
    write_each(&mut writer, 0..3);
    writer.append(&packet(3, 100)).expect("appends");
    let Err(Error::Disk(error)) = writer.commit() else { panic!("the disk said no") };
    assert_eq!(error.kind(), kind);
    (writer, key)
}

/// Bytes of the block that fails, and a little more: a disk may say no after all of it was written.
const BLOCK_BYTES: usize = 64 + 5 + 2 + 34 + 100 + 16;

#[test]
fn what_was_refused_is_kept_and_written_by_the_next_commit() {
    for (cuts_fail, written) in
        [None, Some(0)].into_iter().flat_map(|c| (0..=BLOCK_BYTES).map(move |w| (c, w)))
    {
        let (mut writer, key) = failed(cuts_fail, KINDS[written % 3], written);
        assert!(writer.pending_bytes() >= 100);
        writer.append(&packet(4, 5)).expect("appends");
        writer.commit().expect("commits");
        write_each(&mut writer, 5..7);
        let bytes = writer.into_disk().bytes;
        assert_eq!(numbers(&bytes, &key), Vec::from_iter(0..7), "{written}");
    }
}

#[test]
fn what_was_refused_can_be_given_up_and_others_written() {
    for (cuts_fail, written) in
        [None, Some(0)].into_iter().flat_map(|c| (0..BLOCK_BYTES).map(move |w| (c, w)))
    {
        let (mut writer, key) = failed(cuts_fail, KINDS[written % 3], written);
        writer.discard();
        write_each(&mut writer, [4]);
        let bytes = writer.into_disk().bytes;
        assert_eq!(numbers(&bytes, &key), [0, 1, 2, 4], "{written}");
        let mut writer = Writer::resume(Memory::holding(&bytes), &key, LABEL).expect("resumes");
        write_each(&mut writer, 5..7);
        let bytes = writer.into_disk().bytes;
        assert_eq!(numbers(&bytes, &key), [0, 1, 2, 4, 5, 6], "{written}");
    }
}

#[test]
fn a_kill_after_a_refused_write_loses_that_block_at_most() {
    for (cuts_fail, written) in
        [None, Some(0)].into_iter().flat_map(|c| (0..BLOCK_BYTES).map(move |w| (c, w)))
    {
        let (writer, key) = failed(cuts_fail, KINDS[written % 3], written);
        let bytes = writer.into_disk().bytes;
        assert_eq!(numbers(&bytes, &key), [0, 1, 2], "{written}");
        let mut writer = Writer::resume(Memory::holding(&bytes), &key, LABEL).expect("resumes");
        write_each(&mut writer, 4..6);
        let bytes = writer.into_disk().bytes;
        assert_eq!(numbers(&bytes, &key), [0, 1, 2, 4, 5], "{written}");
    }
}

#[test]
fn a_full_disk_fills_memory_to_its_limit_and_not_beyond() {
    let full = Some(Fault { kind: ErrorKind::StorageFull, written: 10 });
    let key = key();
    let disk = Memory { faults: vec![full; 2_000].into(), ..Memory::default() };
    let mut writer = Writer::create(disk, &key, LABEL).expect("creates");
    let mut taken = 0;
    while writer.append(&packet(taken, 2_000)).is_ok() {
        taken += 1;
        if taken % 100 == 0 {
            assert!(matches!(writer.commit(), Err(Error::Disk(_))));
        }
    }
    let mut disk = writer.into_disk();
    assert!(disk.bytes.is_empty());
    disk.faults.clear();
    let mut writer = Writer::create(disk, &key, LABEL).expect("creates");
    assert!(taken > 7_000);
    write_each(&mut writer, 0..3);
    assert_eq!(numbers(&writer.into_disk().bytes, &key), [0, 1, 2]);
}

#[test]
fn what_a_failed_sync_lost_is_written_again_by_the_next_one() {
    let key = key();
    let disk = Memory { syncs: [false, false].into(), ..Memory::default() };
    let mut writer = Writer::create(disk, &key, LABEL).expect("creates");
    writer.sync().expect("nothing to sync");
    write_each(&mut writer, 0..3);
    assert!(matches!(writer.sync(), Err(Error::Disk(_))));
    write_each(&mut writer, 3..5);
    assert!(matches!(writer.sync(), Err(Error::Disk(_))));
    assert_eq!(writer.synced_len(), 0);
    write_each(&mut writer, 5..6);
    writer.sync().expect("syncs");
    assert_eq!(writer.synced_len(), writer.len());
    assert_eq!(numbers(&writer.into_disk().durable, &key), Vec::from_iter(0..6));
}

#[test]
fn what_is_kept_for_a_failed_sync_is_bounded() {
    let key = key();
    let disk = Memory { syncs: [false].into(), ..Memory::default() };
    let mut writer = Writer::create(disk, &key, LABEL).expect("creates");
    for number in 0..2 * (MAX_UNSYNCED_BYTES as u64 / 2_000) {
        writer.append(&packet(number, 2_000)).expect("appends");
        writer.commit().expect("commits");
    }
    let written = writer.len() as usize;
    assert!(matches!(writer.sync(), Err(Error::Disk(_))));
    writer.sync().expect("syncs");
    let again: usize = writer.into_disk().attempts.iter().map(|(_, block)| block.len()).sum();
    assert!((MAX_UNSYNCED_BYTES - 3_000..=MAX_UNSYNCED_BYTES).contains(&(again - written)));
}

#[test]
fn no_nonce_seals_two_blocks_whatever_happens() {
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let key = key();
        let mut writer = Writer::create(Memory::default(), &key, LABEL).expect("creates");
        let mut written = Vec::new();
        for number in 0..60 {
            writer.append(&packet(number, random.usize(..50))).expect("appends");
            match random.u8(..12) {
                0 => drop(writer.discard()),
                1 | 2 => {
                    let mut disk = writer.into_disk();
                    written.append(&mut disk.attempts);
                    disk.bytes.truncate(random.usize(..=disk.bytes.len()));
                    for _ in 0..random.u8(..4) {
                        let written = random.usize(..300);
                        let fault = Fault { kind: ErrorKind::StorageFull, written };
                        disk.faults.push_back(random.bool().then_some(fault));
                    }
                    disk.cuts_fail = random.bool().then_some(1);
                    writer = Writer::resume(disk, &key, LABEL).expect("resumes");
                }
                _ => drop(writer.commit()),
            }
        }
        written.append(&mut writer.into_disk().attempts);
        let mut sealed: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        for (_, block) in written {
            assert!(block.len() > HEADER_BYTES);
            // The salt names the key, the counter is the nonce.
            let nonce = [&block[8..24], &block[28..32]].concat();
            let first = sealed.entry(nonce).or_insert_with(|| block.clone());
            assert_eq!(*first, block, "seed {seed}");
        }
        assert!(sealed.len() > 20);
    }
}
