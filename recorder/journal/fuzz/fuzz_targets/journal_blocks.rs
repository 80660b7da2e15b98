//! Genuine blocks with any bytes inside, in any order, with any bytes between them: what was read
//! before a writer goes on is read after it as well.
#![no_main]

use arbitrary::Arbitrary;
use lectern_control::relay;
use lectern_journal::fuzzing::{LABEL, Marks, block, key};
use lectern_journal::{Disk, Entry, Index, Kinds, Reader, Report, Source, Writer};
use libfuzzer_sys::fuzz_target;
use std::io;

#[derive(Debug, Arbitrary)]
enum Piece<'a> {
    Block {
        life: u8,
        counter: u8,
        kinds: u16,
        first: u64,
        last: u64,
        plain: &'a [u8],
    },
    /// As a writer would do it next.
    Next {
        plain: &'a [u8],
    },
    Torn {
        plain: &'a [u8],
        keep: u16,
    },
    Bytes(&'a [u8]),
}

fn journal(pieces: &[Piece<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut next = Marks { life: 0, counter: 0, kinds: 1, first_unix_us: 0, last_unix_us: 0 };
    for piece in pieces {
        match piece {
            Piece::Block { life, counter, kinds, first, last, plain } => {
                next = Marks {
                    life: (*life).into(),
                    counter: (*counter).into(),
                    kinds: *kinds,
                    first_unix_us: *first,
                    last_unix_us: *last,
                };
                bytes.extend(block(next, plain).unwrap_or_default());
            }
            Piece::Next { plain } => {
                next.counter += 1;
                bytes.extend(block(next, plain).unwrap_or_default());
            }
            Piece::Torn { plain, keep } => {
                next.counter += 1;
                let mut torn = block(next, plain).unwrap_or_default();
                torn.truncate(usize::from(*keep));
                bytes.extend(torn);
            }
            Piece::Bytes(more) => bytes.extend_from_slice(more),
        }
    }
    bytes
}

fn read(bytes: &[u8]) -> Vec<Entry> {
    let reader = Reader::new(bytes, &key(), LABEL);
    reader.map(|entry| entry.expect("memory")).collect()
}

struct Memory(Vec<u8>);

impl Source for Memory {
    fn size(&mut self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.as_slice().read_at(at, buffer)
    }
}

impl Disk for Memory {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(at as usize, self.0.len());
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.truncate(len as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|pieces: Vec<Piece<'_>>| {
    let bytes = journal(&pieces);
    let before = read(&bytes);
    for entry in &before {
        if let Entry::Records { records, .. } = entry {
            relay::records(records).for_each(drop);
        }
    }
    let index = Index::read(bytes.as_slice()).expect("memory");
    let mut reader = Reader::new(bytes.as_slice(), &key(), LABEL);
    reader.seek(index.keyframe_before(7));
    reader.only(Kinds::NODES.with(Kinds::CLOCKS));
    reader.for_each(drop);
    let _ = Report::of(bytes.as_slice(), Some((&key(), LABEL))).expect("memory").to_string();
    if let Ok(mut writer) = Writer::resume(Memory(bytes), &key(), LABEL) {
        writer.append(&Entry::End).expect("appends");
        writer.commit().expect("commits");
        let after = read(&writer.into_disk().0);
        assert_eq!(after.get(..before.len()), Some(&before[..]));
    }
});
