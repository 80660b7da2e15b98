//! Sealed files open in their place only, and whole.

use super::*;
use proptest::prelude::*;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};

const CANARY: &[u8] = b"the canary sings at dawn";

fn key() -> DataKey {
    DataKey::random().expect("random")
}

fn plain(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 251 + at) as u8).collect()
}

fn sealed(key: &DataKey, label: &str, plain: &[u8]) -> Vec<u8> {
    let mut writer = SealWriter::new(Vec::new(), key, label).expect("begins");
    writer.write_all(plain).expect("writes");
    writer.finish().expect("finishes")
}

fn opened(key: &DataKey, label: &str, sealed: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    SealReader::new(Cursor::new(sealed), key, label)?.read_to_end(&mut plain)?;
    Ok(plain)
}

const LENGTHS: [usize; 8] = [
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    2 * CHUNK_BYTES,
    3 * CHUNK_BYTES - 7,
    4 * CHUNK_BYTES + 9,
];

#[test]
fn a_file_is_read_as_it_was_written_whatever_its_length() {
    let key = key();
    for len in LENGTHS {
        let plain = plain(len);
        let sealed = sealed(&key, "RC_1/film.mp4", &plain);
        assert_eq!(plain_len(sealed.len() as u64).expect("a length"), len as u64);
        assert_eq!(opened(&key, "RC_1/film.mp4", &sealed).expect("opens"), plain, "{len}");
    }
}

#[test]
fn another_key_another_label_or_another_file_opens_nothing() {
    let (one, two) = (key(), key());
    let bytes = sealed(&one, "a", &plain(100));
    assert!(opened(&two, "a", &bytes).is_err());
    assert!(opened(&one, "b", &bytes).is_err());
    assert!(opened(&one, "", &bytes).is_err());
    // The same bytes under the same key and label are another file: its chunks do not fit in here.
    let mut swapped = bytes.clone();
    let other = sealed(&one, "a", &plain(100));
    assert_ne!(other, bytes);
    swapped[HEADER_BYTES..].copy_from_slice(&other[HEADER_BYTES..]);
    assert!(opened(&one, "a", &swapped).is_err());
}

#[test]
fn chunks_cannot_change_places_or_be_left_out_or_come_twice() {
    let key = key();
    let bytes = sealed(&key, "a", &plain(4 * CHUNK_BYTES));
    let (header, body) = bytes.split_at(HEADER_BYTES);
    let chunks: Vec<&[u8]> = body.chunks(SEALED_CHUNK_BYTES).collect();
    let orders: [&[usize]; 9] = [
        &[0, 1, 2],
        &[1, 2, 3],
        &[0, 1, 3],
        &[1, 0, 2, 3],
        &[0, 2, 1, 3],
        &[3, 1, 2, 0],
        &[0, 1, 2, 3, 3],
        &[0, 0, 1, 2, 3],
        &[3],
    ];
    for order in orders {
        let mut other = header.to_vec();
        order.iter().for_each(|index| other.extend_from_slice(chunks[*index]));
        assert!(opened(&key, "a", &other).is_err(), "{order:?}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_before_it_is_used() {
    let key = key();
    let small = sealed(&key, "a", &plain(60));
    for len in 0..small.len() {
        assert!(SealReader::new(Cursor::new(&small[..len]), &key, "a").is_err(), "{len}");
    }
    let large = sealed(&key, "a", &plain(2 * CHUNK_BYTES + 5));
    let edges = [1, 2].map(|chunks| HEADER_BYTES + chunks * SEALED_CHUNK_BYTES);
    for len in (HEADER_BYTES..large.len()).step_by(997).chain(edges) {
        assert!(SealReader::new(Cursor::new(&large[..len]), &key, "a").is_err(), "{len}");
    }
}

#[test]
fn every_changed_byte_is_found() {
    let key = key();
    let bytes = sealed(&key, "a", &plain(300));
    for at in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            assert!(opened(&key, "a", &changed).is_err(), "byte {at}");
        }
    }
}

#[test]
fn a_file_that_was_not_finished_never_opens() {
    let key = key();
    for len in LENGTHS {
        let mut bytes = Vec::new();
        let mut writer = SealWriter::new(&mut bytes, &key, "a").expect("begins");
        writer.write_all(&plain(len)).expect("writes");
        writer.flush().expect("flushes");
        drop(writer);
        assert!(opened(&key, "a", &bytes).is_err(), "{len}");
    }
}

#[test]
fn what_was_written_shows_nothing_of_what_was_said() {
    let key = key();
    let said: Vec<u8> = CANARY.iter().copied().cycle().take(100_000).collect();
    let bytes = sealed(&key, "a name", &said);
    let shows = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(!shows(CANARY) && !shows(&CANARY[..8]) && !shows(b"a name") && !shows(&[0; 8]));
}

#[test]
fn a_sealer_takes_no_chunk_that_an_opener_would_look_for_elsewhere() {
    let mut sealer = Sealer::new(&key(), "a").expect("begins");
    let mut to = Vec::new();
    let (full, long) = (plain(CHUNK_BYTES), plain(CHUNK_BYTES + 1));
    assert!(sealer.seal_chunk(Place::Inner, &full[1..], &mut to).is_err());
    assert!(sealer.seal_chunk(Place::Last, &long, &mut to).is_err());
    assert!(sealer.seal_chunk(Place::Inner, &full, &mut to).is_ok());
    assert!(sealer.seal_chunk(Place::Last, &[], &mut to).is_err());
    assert!(sealer.seal_chunk(Place::Last, &[1], &mut to).is_ok());
    assert!(sealer.seal_chunk(Place::Last, &[1], &mut to).is_err());
    assert_eq!(to.len(), 2 * SEALED_CHUNK_BYTES - CHUNK_BYTES + 1);
}

#[test]
fn a_reader_seeks_as_in_a_plain_file() {
    let key = key();
    let plain = plain(3 * CHUNK_BYTES + 100);
    let sealed = sealed(&key, "a", &plain);
    let mut reader = SealReader::new(Cursor::new(sealed), &key, "a").expect("opens");
    let mut buffer = [0; 10];
    for at in [0, CHUNK_BYTES - 5, 3 * CHUNK_BYTES + 90, 70_000] {
        reader.seek(SeekFrom::Start(at as u64)).expect("seeks");
        reader.read_exact(&mut buffer).expect("reads");
        assert_eq!(buffer, plain[at..at + 10]);
    }
    assert_eq!(reader.seek(SeekFrom::End(-3)).expect("seeks"), plain.len() as u64 - 3);
    assert_eq!(reader.read(&mut buffer).expect("reads"), 3);
    assert_eq!(reader.read(&mut buffer).expect("reads"), 0);
    reader.seek(SeekFrom::Start(u64::MAX)).expect("seeks");
    assert_eq!(reader.read(&mut buffer).expect("reads"), 0);
    assert!(reader.seek(SeekFrom::Current(1)).is_err());
}

/// A file that fails once, after some bytes.
struct Fails {
    bytes: Vec<u8>,
    at: usize,
}

impl Write for Fails {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.at {
            self.at = usize::MAX;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_write_that_failed_is_not_papered_over_by_a_later_one() {
    let file = Fails { bytes: Vec::new(), at: CHUNK_BYTES };
    let mut writer = SealWriter::new(file, &key(), "a").expect("begins");
    assert!(writer.write_all(&plain(3 * CHUNK_BYTES)).is_err());
    assert!(writer.write_all(&plain(3 * CHUNK_BYTES)).is_err());
    assert!(writer.finish().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_range_is_read_from_the_chunks_that_hold_it(
        len in 0..4 * CHUNK_BYTES,
        from in 0..5 * CHUNK_BYTES,
        wanted in 0..2 * CHUNK_BYTES,
    ) {
        let key = key();
        let plain = plain(len);
        let bytes = sealed(&key, "a", &plain);
        let (header, _) = bytes.split_first_chunk().expect("a header");
        let opener = Opener::new(&key, "a", header, bytes.len() as u64).expect("opens");
        let range = from as u64..(from + wanted) as u64;
        let stored = opener.sealed_range(range.clone());
        let chunks = &bytes[stored.start as usize..stored.end as usize];
        let end = (from + wanted).min(len);
        if from + wanted > len && from < end {
            prop_assert!(opener.open_range(range.clone(), chunks).is_err());
        }
        let cut = from.min(end) as u64..end as u64;
        let read = opener.open_range(cut, chunks).expect("opens");
        prop_assert_eq!(&read[..], &plain[from.min(end)..end]);
        if !chunks.is_empty() {
            let whole = opener.open(opener.chunk_of(from as u64), chunks).expect("opens");
            prop_assert!(whole.len() >= read.len());
            prop_assert!(opener.open(opener.chunk_of(from as u64) + 1, chunks).is_err());
        }
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(opened(&key(), "a", &bytes).is_err());
        let mut known = MAGIC.to_vec();
        known.push(VERSION);
        known.extend(bytes);
        prop_assert!(opened(&key(), "a", &known).is_err());
    }
}
