//! Dependency descriptors: a structure, and descriptors under it.

#![no_main]

use lectern_wire::dependency::{self, Descriptor, Structure};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (first, second) = input.split_at(input.len() / 2);
    let Ok(structure) = Structure::parse(first) else { return };
    assert!(structure.target_layers().len() <= dependency::MAX_TARGETS);
    for value in [first, second, input] {
        let Ok(read) = Descriptor::parse(value, &structure) else { continue };
        let mut out = [0; 300];
        let Ok(len) = dependency::write_active_targets(value, read.mask, 0x5555_5555, &mut out)
        else {
            continue;
        };
        let again = Descriptor::parse(&out[..len], &structure).expect("still whole");
        assert_eq!(again.indications, read.indications);
        assert_eq!(again.references, read.references);
        assert!(again.mask.present);
    }
});
