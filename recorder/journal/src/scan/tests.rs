//! Whatever the bytes are, a scan ends, holds little, and does not read them again and again.

use super::*;
use crate::block::{self, Facts, Life, MAX_BLOCK_BYTES};
use crate::key::DataKey;

fn block(counter: u32, len: usize) -> Vec<u8> {
    let life = Life::random(0).expect("random");
    let key = life.key(&DataKey::random().expect("random"), "").expect("a key");
    let (kinds, first_unix_us, last_unix_us) = (Kinds::RECORDS, 0, 0);
    let facts = Facts { life, counter, kinds, first_unix_us, last_unix_us };
    block::seal(&key, &facts, vec![0; HEADER_BYTES + len]).expect("seals")
}

fn found(bytes: &[u8], wanted: Kinds) -> (Vec<u64>, Damage) {
    let mut scan = Scan::new(bytes);
    let mut offsets = Vec::new();
    while let Some(found) = scan.next(wanted).expect("memory") {
        offsets.push(found.offset);
    }
    (offsets, scan.damage)
}

/// Counts what is read, and fails on some pages.
struct Watched<'a> {
    bytes: &'a [u8],
    read: u64,
    bad: &'a [u64],
}

impl Source for Watched<'_> {
    fn size(&mut self) -> io::Result<u64> {
        self.bytes.size()
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bad.contains(&(at / PAGE_BYTES)) {
            return Err(io::Error::other("a bad sector"));
        }
        let good = self.bad.iter().map(|page| page * PAGE_BYTES).filter(|start| *start > at).min();
        let limit = good.map_or(u64::MAX, |start| start - at).min(buffer.len() as u64);
        self.read += limit;
        self.bytes.read_at(at, &mut buffer[..limit as usize])
    }
}

#[test]
fn a_block_written_over_another_s_rest_is_found() {
    let (long, short) = (block(0, 1_000), block(1, 10));
    for torn in HEADER_BYTES..long.len() {
        let bytes = [&long[..torn], &short[..], &long[torn..]].concat();
        for wanted in [Kinds::ALL, Kinds::NONE] {
            let (offsets, damage) = found(&bytes, wanted);
            assert_eq!(offsets, [torn as u64], "{torn}");
            assert_eq!((damage.bytes, damage.stretches), (long.len() as u64, 2));
        }
    }
}

#[test]
fn a_torn_block_whose_end_meets_a_good_header_hides_nothing_from_who_reads_all() {
    // The blocks behind the torn one are as long as what it lacks, so that its length points at the
    // third of them.
    let (torn, behind) = (block(0, 300), block(1, 100));
    let keep = torn.len() - behind.len();
    let bytes = [&torn[..keep], &behind[..], &block(2, 50)[..]].concat();
    let (offsets, damage) = found(&bytes, Kinds::ALL);
    assert_eq!(offsets, [keep as u64, torn.len() as u64]);
    assert_eq!(damage.bytes, keep as u64);
}

#[test]
fn headers_made_to_be_summed_in_vain_cost_a_bounded_multiple_of_their_bytes() {
    let header = block(0, MAX_BLOCK_BYTES)[..HEADER_BYTES].to_vec();
    let bytes: Vec<u8> = header.iter().copied().cycle().take(3 << 20).collect();
    let mut scan = Scan::new(Watched { bytes: &bytes, read: 0, bad: &[] });
    assert!(scan.next(Kinds::ALL).expect("memory").is_none());
    let most = (bytes.len() + MAX_BLOCK_BYTES) as u64 * (MAX_WASTE + 1);
    assert!(scan.wasted <= most, "{} bytes were summed", scan.wasted);
    assert!(scan.source.read <= most, "{} bytes were read", scan.source.read);
    assert!(scan.window.capacity() <= 4 * MAX_BLOCK_BYTES, "{}", scan.window.capacity());
}

#[test]
fn a_scan_of_headers_leaves_bodies_unread() {
    let bytes = [block(0, 500_000), block(1, 500_000), block(2, 500_000)].concat();
    let mut scan = Scan::new(Watched { bytes: &bytes, read: 0, bad: &[] });
    let mut offsets = Vec::new();
    while let Some(found) = scan.next(Kinds::NONE).expect("memory") {
        offsets.push(found.offset as usize);
    }
    assert_eq!(offsets, [0, bytes.len() / 3, 2 * (bytes.len() / 3)]);
    // The last body is read, as no header behind it vouches for it.
    assert!(scan.source.read < 600_000, "{} bytes were read", scan.source.read);
}

#[test]
fn a_bad_sector_costs_the_block_on_it_and_an_error() {
    let bytes: Vec<u8> = (0..40).flat_map(|counter| block(counter, 1_000)).collect();
    let len = (bytes.len() / 40) as u64;
    let mut scan = Scan::new(Watched { bytes: &bytes, read: 0, bad: &[3, 4] });
    let (mut offsets, mut errors) = (Vec::new(), 0);
    loop {
        match scan.next(Kinds::ALL) {
            Ok(Some(found)) => offsets.push(found.offset),
            Ok(None) => break,
            Err(_) => errors += 1,
        }
    }
    let bad = 3 * PAGE_BYTES..5 * PAGE_BYTES;
    let whole = |offset: &u64| *offset + len <= bad.start || *offset >= bad.end;
    let expected: Vec<u64> = (0..40).map(|n| n * len).filter(whole).collect();
    assert_eq!((offsets, errors), (expected, 2));
    assert!(scan.damage.bytes >= 2 * PAGE_BYTES);
}

#[test]
fn any_bytes_end() {
    let mut random = fastrand::Rng::with_seed(1);
    for len in [0, 1, HEADER_BYTES - 1, HEADER_BYTES, 1_000, 600_000] {
        let mut bytes = vec![0; len];
        assert_eq!(found(&bytes, Kinds::ALL).0, [0; 0]);
        random.fill(&mut bytes);
        let (offsets, damage) = found(&bytes, Kinds::ALL);
        assert_eq!((offsets.len(), damage.bytes, damage.torn), (0, len as u64, len > 0));
        bytes.chunks_mut(7).for_each(|chunk| chunk.copy_from_slice(&MAGIC[..chunk.len()]));
        assert_eq!(found(&bytes, Kinds::NONE).0, [0; 0]);
    }
}
