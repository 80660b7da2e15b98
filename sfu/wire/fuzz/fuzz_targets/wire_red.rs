//! Redundant audio: blocks read, mapped in place, and written again.

#![no_main]

use lectern_wire::PayloadType;
use lectern_wire::red::{self, Block, Blocks};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(read) = Blocks::parse(input) else { return };
    let blocks: Vec<Block<'_>> = read.collect();
    let bytes: usize = blocks.iter().map(|block| block.data.len()).sum();
    assert_eq!(bytes + blocks.len() * 4 - 3, input.len());
    let mut copy = input.to_vec();
    let opus = PayloadType::from_low_bits(96);
    red::map_payload_types(&mut copy, |_| Some(opus)).expect("it was read");
    let again = Blocks::parse(&copy).expect("of the same lengths");
    assert!(again.zip(&blocks).all(|(a, b)| a.payload_type == opus && a.data == b.data));
    let Some((primary, redundant)) = blocks.split_last() else { return };
    let mut buffer = vec![0; input.len()];
    let written = red::write(&mut buffer, redundant, (primary.payload_type, primary.data));
    // A block without age or bytes is read, but not made.
    let is_made = |block: &Block<'_>| {
        let age = i32::from(block.timestamp_offset);
        Block::redundant(block.payload_type, age, block.data).is_some()
    };
    match written {
        Ok(len) => {
            assert_eq!(len, red::written_len(redundant, primary.data.len()));
            assert_eq!(buffer[..len], *input);
        }
        Err(_) => assert!(!redundant.iter().all(is_made)),
    }
});
