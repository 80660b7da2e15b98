//! Power cuts: what was synced is read back, and as much more as is whole.

use crate::disk::{Fault, Memory};
use crate::said::{LABEL, key, numbers, packet};
use lectern_journal::Writer;
use lectern_journal::key::DataKey;
use std::io::ErrorKind;
use std::ops::Range;

const SEEDS: u64 = 400;
const LIVES: usize = 4;

/// What is known of a journal while it is written.
#[derive(Default)]
struct Known {
    next: u64,
    /// Numbers that must be read.
    synced: Vec<u64>,
    /// Blocks since, and the numbers in them.
    since: Vec<(Range<usize>, Vec<u8>, Vec<u64>)>,
    pending: Vec<u64>,
    /// How long it was when nothing was pending.
    settled: usize,
}

fn fault(random: &mut fastrand::Rng) -> Option<Fault> {
    let kind = if random.bool() { ErrorKind::StorageFull } else { ErrorKind::Other };
    (random.u8(..4) == 0).then(|| Fault { kind, written: random.usize(..400) })
}

fn live(writer: &mut Writer<Memory>, known: &mut Known, random: &mut fastrand::Rng) {
    for _ in 0..random.usize(..40) {
        match random.u8(..10) {
            0..4 => {
                let number = known.next;
                known.next += 1;
                writer.append(&packet(number, random.usize(..200))).expect("appends");
                known.pending.push(number);
            }
            4..8 => {
                if writer.commit().is_ok() && !known.pending.is_empty() {
                    let range = known.settled..writer.len() as usize;
                    known.since.push((range, Vec::new(), std::mem::take(&mut known.pending)));
                    known.settled = writer.len() as usize;
                }
            }
            8 => {
                writer.discard();
                known.pending.clear();
                known.settled = writer.len() as usize;
            }
            _ => {
                if writer.sync().is_ok() {
                    let since = known.since.drain(..).flat_map(|(_, _, numbers)| numbers);
                    known.synced.extend(since);
                }
            }
        }
    }
}

/// Checks what is left, and gives it.
fn check(left: &[u8], known: &Known, key: &DataKey, seed: u64) -> Vec<u64> {
    let read = numbers(left, key);
    assert!(read.is_sorted_by(|a, b| a < b), "seed {seed}: {read:?}");
    let lost: Vec<_> = known.synced.iter().filter(|number| !read.contains(number)).collect();
    assert!(lost.is_empty(), "seed {seed}: {lost:?} were synced");
    for (range, block, numbers) in &known.since {
        if left.get(range.clone()) == Some(block) {
            assert!(numbers.iter().all(|n| read.contains(n)), "seed {seed}: {numbers:?} are whole");
        }
    }
    read
}

#[test]
fn what_was_synced_survives_and_what_is_whole_is_found() {
    let (mut more, mut less) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = fastrand::Rng::with_seed(seed);
        let key = key();
        let mut known = Known::default();
        let mut disk = Memory::default();
        for _ in 0..LIVES {
            disk.faults = (0..random.usize(..40)).map(|_| fault(&mut random)).collect();
            disk.syncs = [true].into_iter().chain((0..9).map(|_| random.u8(..3) > 0)).collect();
            // The first is that of the torn tail.
            disk.cuts_fail = random.bool().then_some(1);
            let mut writer = Writer::resume(disk, &key, LABEL).expect("resumes");
            known.settled = writer.len() as usize;
            live(&mut writer, &mut known, &mut random);
            disk = writer.into_disk();
            for (range, block, _) in &mut known.since {
                *block = disk.bytes[range.clone()].to_vec();
            }
            let left = disk.power_cut(&mut random);
            let read = check(&left, &known, &key, seed);
            more += read.len() - known.synced.len();
            less += known.since.iter().filter(|block| !read.contains(&block.2[0])).count();
            // What was found once is durable, and is found for ever.
            known.synced = read;
            known.since.clear();
            known.pending.clear();
            disk = Memory::holding(&left);
        }
        let writer = Writer::resume(disk, &key, LABEL).expect("resumes");
        assert_eq!(numbers(&writer.into_disk().bytes, &key), known.synced, "seed {seed}");
    }
    assert!(more > 100 && less > 100, "{more} beyond the syncs were read, {less} blocks were lost");
}
