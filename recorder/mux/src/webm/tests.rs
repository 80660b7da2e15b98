//! WebM files, read back element by element.

use super::*;

fn unit(at_us: i64, keyframe: bool) -> Unit {
    Unit {
        at_us,
        codec: CodecName::Vp8,
        keyframe,
        size: keyframe.then_some(Size { width: 320, height: 240 }),
        quarter_turns: 0,
        samples: 0,
        after_gap: false,
        data: Bytes::from_static(&[7; 300]),
    }
}

/// Ids and sizes of the elements in `bytes`, clusters and the segment opened.
fn elements(bytes: &[u8]) -> Vec<(u32, u64)> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let id_len = first.leading_zeros() as usize + 1;
        let id = rest[..id_len].iter().fold(0u32, |id, byte| id << 8 | u32::from(*byte));
        rest = &rest[id_len..];
        let size_len = rest[0].leading_zeros() as usize + 1;
        let size = rest[..size_len].iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte));
        let size = size & !(1 << (7 * size_len));
        rest = &rest[size_len..];
        found.push((id, size));
        if !matches!(id, element::SEGMENT | element::CLUSTER) {
            rest = &rest[size as usize..];
        }
    }
    found
}

fn written(units: &[Unit]) -> (Vec<u8>, Vec<(u64, Bytes)>) {
    let mut writer = Writer::new(&units[0], units[0].at_us).expect("a file");
    for unit in units {
        writer.push(unit.clone()).expect("a frame");
    }
    writer.finish(None).expect("an end");
    let (mut file, mut rewrites) = (Vec::new(), Vec::new());
    while let Some(output) = writer.poll() {
        match output {
            Output::Append(bytes) => file.extend_from_slice(&bytes),
            Output::Rewrite { at, bytes } => rewrites.push((at, bytes)),
        }
    }
    (file, rewrites)
}

#[test]
fn a_cluster_begins_every_two_seconds_and_at_keyframes() {
    let units: Vec<Unit> = (0..200).map(|index| unit(index * 50_000, index % 100 == 0)).collect();
    let (file, _) = written(&units);
    let elements = elements(&file);
    let count = |kind| elements.iter().filter(|(id, _)| *id == kind).count();
    // Of ten seconds, keyframes at 0 and 5: 0, 2, 4, 5, 7, 9.
    assert_eq!((count(element::CLUSTER), count(element::SIMPLE_BLOCK)), (6, 200));
    assert_eq!(count(element::CUES), 1);
}

#[test]
fn what_is_written_over_keeps_every_length() {
    let units: Vec<Unit> = (0..100).map(|index| unit(index * 33_333, index == 0)).collect();
    let (file, rewrites) = written(&units);
    let before = elements(&file);
    let mut after = file.clone();
    for (at, bytes) in rewrites {
        assert!(at + bytes.len() as u64 <= crate::output::HEAD_BYTES);
        after[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
    }
    let ended = elements(&after);
    assert_eq!(before.len(), ended.len());
    let segment = ended.iter().find(|(id, _)| *id == element::SEGMENT).expect("a segment");
    let head = file.len() as u64 - segment.1;
    assert!((20..60).contains(&head), "{head}");
}

#[test]
fn another_codec_or_turn_needs_another_file() {
    let first = unit(0, true);
    let mut writer = Writer::new(&first, 0).expect("a file");
    assert!(writer.takes(&first));
    let turned = Unit { quarter_turns: 1, ..unit(1, true) };
    assert!(!writer.takes(&turned));
    assert!(writer.takes(&Unit { quarter_turns: 1, ..unit(1, false) }));
    let other = Unit { codec: CodecName::Vp9, ..unit(1, true) };
    assert!(!writer.takes(&other));
    assert_eq!(writer.push(other), Err(Error::OtherConfiguration));
    assert_eq!(Writer::new(&unit(0, false), 0).err(), Some(Error::NotAKeyframe));
}
