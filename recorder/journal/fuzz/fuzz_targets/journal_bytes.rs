//! Bytes that are no journal, or were one before they were changed: never a panic, never wrong data.
#![no_main]

use arbitrary::Arbitrary;
use lectern_journal::fuzzing::{LABEL, Marks, block, key};
use lectern_journal::{Entry, Index, Reader, Report};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

#[derive(Debug, Arbitrary)]
enum Edit {
    Change { at: u16, by: u8 },
    Cut { at: u16 },
    Remove { at: u16, len: u8 },
    Insert { at: u16, bytes: Vec<u8> },
    Copy { at: u16, len: u8, to: u16 },
}

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Bytes(&'a [u8]),
    Edits(Vec<Edit>),
}

static JOURNAL: LazyLock<Vec<u8>> = LazyLock::new(journal);

/// Blocks with a node's name each.
fn journal() -> Vec<u8> {
    let blocks = (0..6).filter_map(|counter| {
        let marks =
            Marks { life: 0, counter, kinds: 4, first_unix_us: 0, last_unix_us: counter.into() };
        block(marks, &[2, 0, 0, 0, 3, 0, counter as u8, b'n'])
    });
    blocks.flatten().collect()
}

fn edited(edits: &[Edit]) -> Vec<u8> {
    let mut bytes = JOURNAL.clone();
    for edit in edits {
        let place = |at: &u16| usize::from(*at) % (bytes.len() + 1);
        match edit {
            Edit::Change { at, by } => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= by;
                }
            }
            Edit::Cut { at } => bytes.truncate(place(at)),
            Edit::Remove { at, len } => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + usize::from(*len)));
            }
            Edit::Insert { at, bytes: more } => {
                let at = place(at);
                bytes.splice(at..at, more.iter().copied());
            }
            Edit::Copy { at, len, to } => {
                let (at, to) = (place(at), place(to));
                let more = bytes[at..bytes.len().min(at + usize::from(*len))].to_vec();
                bytes.splice(to..to, more);
            }
        }
    }
    bytes
}

fuzz_target!(|input: Input<'_>| {
    let bytes = match &input {
        Input::Bytes(bytes) => bytes.to_vec(),
        Input::Edits(edits) => edited(edits),
    };
    let mut last = None;
    for entry in Reader::new(bytes.as_slice(), &key(), LABEL) {
        let Entry::Node { index, node } = entry.expect("memory") else { panic!("wrong data") };
        assert!(index < 6 && node.as_str() == "n" && last < Some(index), "wrong data");
        last = Some(index);
    }
    let index = Index::read(bytes.as_slice()).expect("memory");
    assert!(index.before(3) <= bytes.len() as u64);
    for key in [None, Some((&key(), LABEL))] {
        let _ = Report::of(bytes.as_slice(), key).expect("memory").to_string();
    }
});
