//! Sealed files that were changed do not open; those that were not give what was put in.
#![no_main]

use arbitrary::Arbitrary;
use lectern_journal::fuzzing::{LABEL, key};
use lectern_journal::seal::{Opener, SealReader, SealWriter};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Read, Write};

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Bytes(&'a [u8]),
    Changed { fill: u32, plain: &'a [u8], edits: Vec<(u32, u8)>, keep: Option<u32> },
    Range { len: u32, from: u64, to: u64 },
}

fn sealed(plain: &[u8]) -> Vec<u8> {
    let mut writer = SealWriter::new(Vec::new(), &key(), LABEL).expect("begins");
    writer.write_all(plain).expect("writes");
    writer.finish().expect("finishes")
}

fn opened(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    SealReader::new(Cursor::new(bytes), &key(), LABEL).ok()?.read_to_end(&mut plain).ok()?;
    Some(plain)
}

fuzz_target!(|input: Input<'_>| match input {
    Input::Bytes(bytes) => assert_eq!(opened(bytes), None),
    Input::Changed { fill, plain, edits, keep } => {
        let mut plain = plain.to_vec();
        plain.resize(plain.len() + fill as usize % 200_000, 7);
        let bytes = sealed(&plain);
        let mut changed = bytes.clone();
        for (at, by) in edits {
            let at = at as usize % changed.len();
            changed[at] ^= by;
        }
        if let Some(keep) = keep {
            changed.truncate(keep as usize % (bytes.len() + 1));
        }
        assert_eq!(opened(&changed), (changed == bytes).then_some(plain));
    }
    Input::Range { len, from, to } => {
        let plain = vec![7; len as usize % 300_000];
        let bytes = sealed(&plain);
        let header = bytes.first_chunk().expect("a header");
        let opener = Opener::new(&key(), LABEL, header, bytes.len() as u64).expect("opens");
        let stored = opener.sealed_range(from..to);
        let chunks = &bytes[stored.start as usize..stored.end as usize];
        if let Ok(read) = opener.open_range(from..to, chunks) {
            assert_eq!(read.len() as u64, to.saturating_sub(from));
        }
        let _ = opener.open(from, chunks);
    }
});
