//! Dependency descriptors written bit by bit, as section A.8.2 of the AV1 RTP specification has them.

use super::*;
use proptest::prelude::*;

/// Writes descriptors as section A.8.2 has them.
struct Build {
    bytes: Vec<u8>,
    bits: usize,
}

impl Build {
    fn new(start: bool, end: bool, template: u32, number: u32) -> Build {
        let mut build = Build { bytes: Vec::new(), bits: 0 };
        build.bits(start.into(), 1).bits(end.into(), 1).bits(template, 6).bits(number, 16);
        build
    }

    fn bits(&mut self, value: u32, count: u32) -> &mut Build {
        for place in (0..count).rev() {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("some");
            *last |= ((value >> place & 1) as u8) << (7 - self.bits % 8);
            self.bits += 1;
        }
        self
    }

    /// L1T2 with template ids from 60 on: a keyframe, T0, T1; two decode targets, one chain.
    fn structure(&mut self) -> &mut Build {
        self.bits(60, 6).bits(1, 5);
        self.bits(0, 2).bits(1, 2).bits(3, 2);
        self.bits(0b10_10, 4).bits(0b10_10, 4).bits(0b00_01, 4);
        self.bits(0, 1).bits(1, 1).bits(1, 4).bits(0, 1).bits(1, 1).bits(0, 4).bits(0, 1);
        // One chain: ns(3) of 1 is "10"; ns(1) takes no bit.
        self.bits(0b10, 2).bits(0, 4).bits(2, 4).bits(1, 4);
        self.bits(1, 1).bits(639, 16).bits(359, 16)
    }
}

fn keyframe() -> Vec<u8> {
    let mut build = Build::new(true, true, 60, 7);
    build.bits(0b10000, 5).structure();
    build.bytes
}

fn structure() -> Structure {
    Structure::parse(&keyframe()).expect("valid")
}

#[test]
fn a_structure_tells_of_targets_layers_and_sizes() {
    let structure = structure();
    assert_eq!(structure.target_layers(), [(0, 0), (0, 1)]);
    assert_eq!([structure.within(0), structure.within(1)], [0b01, 0b11]);
    assert_eq!(structure.sizes()[..2], [Some((640, 360)), None]);
    let top = structure.template(62).expect("there");
    let expected = Indications { present: 0b10, switch: 0, discardable: 0b10 };
    assert_eq!((top.temporal, top.indications, top.references), (1, expected, 0b10));
    assert_eq!(structure.template(63), None);
    assert_eq!(structure.template(59), None);
}

#[test]
fn three_bytes_tell_what_their_template_does() {
    let bytes = Build::new(true, false, 61, 0xfffe).bytes;
    let descriptor = Descriptor::parse(&bytes, &structure()).expect("valid");
    assert!(descriptor.starts_frame && !descriptor.ends_frame && !descriptor.has_structure);
    assert_eq!((descriptor.frame_number, descriptor.references), (0xfffe, 0b100));
    assert_eq!(descriptor.indications, Indications { present: 0b11, switch: 0b11, discardable: 0 });
    let unknown = Build::new(true, false, 10, 0).bytes;
    assert_eq!(Descriptor::parse(&unknown, &structure()), Err(Error::Unsupported));
}

#[test]
fn a_frame_may_differ_from_its_template() {
    let mut build = Build::new(true, true, 61, 9);
    build.bits(0b01111, 5).bits(0b01, 2).bits(0b11_00, 4);
    build.bits(1, 2).bits(4, 4).bits(3, 2).bits(99, 12).bits(0, 2).bits(200, 8);
    let descriptor = Descriptor::parse(&build.bytes, &structure()).expect("valid");
    assert_eq!(descriptor.active_targets, Some(0b01));
    assert_eq!(descriptor.indications, Indications { present: 0b01, switch: 0, discardable: 0 });
    assert_eq!(descriptor.references, 1 << 5 | 1, "one is 100 frames before");
}

#[test]
fn the_mask_of_active_targets_is_put_in_or_changed() {
    let structure = structure();
    let mut custom = Build::new(true, true, 61, 9);
    custom.bits(0b00110, 5).bits(0b11_01, 4).bits(1, 2).bits(4, 4).bits(0, 2);
    let mut active = Build::new(true, true, 61, 9);
    active.bits(0b01100, 5).bits(0b11, 2).bits(0b11_01, 4);
    for value in [keyframe(), Build::new(true, true, 62, 3).bytes, custom.bytes, active.bytes] {
        let before = Descriptor::parse(&value, &structure).expect("valid");
        let mut out = [0xff; 80];
        let len = write_active_targets(&value, before.mask, 0b01, &mut out).expect("room");
        let after = Descriptor::parse(&out[..len], &structure).expect("valid");
        assert_eq!(after.active_targets, Some(0b01));
        let mask = MaskPlace { present: true, ..before.mask };
        let expected = Descriptor { active_targets: Some(0b01), mask, ..before };
        assert_eq!(after, expected);
        if before.has_structure {
            assert_eq!(Structure::parse(&out[..len]), Ok(structure.clone()));
        }
        assert_eq!(
            write_active_targets(&value, before.mask, 0b01, &mut [0; 3]),
            Err(Error::NoSpace)
        );
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = keyframe();
    for len in 4..bytes.len() {
        assert_eq!(Structure::parse(&bytes[..len]), Err(Error::Truncated), "{len} bytes");
    }
    for len in 0..3 {
        assert_eq!(Descriptor::parse(&bytes[..len], &structure()), Err(Error::Truncated));
    }
}

#[test]
fn templates_and_layers_are_bounded() {
    let mut same = Build::new(true, true, 0, 0);
    same.bits(0b10000, 5).bits(0, 6).bits(0, 5);
    for _ in 0..100 {
        same.bits(0, 2);
    }
    assert_eq!(Structure::parse(&same.bytes), Err(Error::TooMany));
    for step in [1, 2] {
        let mut steps = Build::new(true, true, 0, 0);
        steps.bits(0b10000, 5).bits(0, 6).bits(31, 5);
        for _ in 0..20 {
            steps.bits(step, 2);
        }
        assert_eq!(Structure::parse(&steps.bytes), Err(Error::TooMany));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256), active: u32) {
        let known = structure();
        let own = Structure::parse(&bytes).ok();
        for structure in own.iter().chain([&known]) {
            let Ok(descriptor) = Descriptor::parse(&bytes, structure) else { continue };
            let mut out = [0; 300];
            let mask = descriptor.mask;
            if let Ok(len) = write_active_targets(&bytes, mask, active, &mut out) {
                let again = Descriptor::parse(&out[..len], structure).expect("still valid");
                prop_assert_eq!(again.indications, descriptor.indications);
                prop_assert_eq!(again.references, descriptor.references);
            }
        }
    }
}
