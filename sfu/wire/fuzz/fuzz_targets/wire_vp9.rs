//! VP9 payload descriptors, read and rewritten.

#![no_main]

use lectern_wire::vp9::Descriptor;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(read) = Descriptor::parse(input) else { return };
    assert!(read.references.iter().count() <= 3);
    let mut copy = input.to_vec();
    read.rewrite(&mut copy, 0x1234, 0x56).expect("of the same length");
    let again = Descriptor::parse(&copy).expect("still whole");
    assert_eq!((again.len, again.structure), (read.len, read.structure));
});
