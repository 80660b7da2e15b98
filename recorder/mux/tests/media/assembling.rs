//! Packets through a bad network come out as the frames that went in.

use crate::elementary::{Frame, pictures, sound};
use crate::network::{assemble, rough, without};
use crate::packetise::{Start, WRAPPING, packets};
use lectern_control::media::CodecName;
use lectern_mux::{Packet, Size, Unit};

const PICTURES: [CodecName; 4] = [CodecName::Vp8, CodecName::Vp9, CodecName::H264, CodecName::Av1];

/// What a frame must be like when it was put together again.
fn expected(codec: CodecName, frame: &Frame) -> Vec<u8> {
    match codec {
        CodecName::H264 => {
            let units = crate::elementary::units(&frame.data);
            let with_length =
                |unit: &&[u8]| [&(unit.len() as u32).to_be_bytes()[..], unit].concat();
            units.iter().flat_map(with_length).collect()
        }
        // The delimiter, two bytes, is left out.
        CodecName::Av1 => frame.data[2..].to_vec(),
        _ => frame.data.clone(),
    }
}

#[test]
fn every_codec_survives_jitter_loss_and_wraps() {
    for codec in PICTURES {
        let frames = pictures(codec, "320x240", 3);
        let sent = packets(codec, &frames, WRAPPING);
        let (units, counts) = assemble(&rough(&sent));
        assert_eq!(units.len(), frames.len(), "{codec:?} {counts:?}");
        assert_eq!((counts.lost, counts.dropped, counts.broken), (0, 0, 0), "{codec:?}");
        assert!(counts.duplicates > 0);
        for (index, (unit, frame)) in units.iter().zip(&frames).enumerate() {
            assert_eq!(unit.data, expected(codec, frame), "{codec:?} {index}");
            assert_eq!((unit.keyframe, unit.after_gap), (frame.keyframe, false), "{index}");
            let size = frame.keyframe.then_some(Size { width: 320, height: 240 });
            assert_eq!(unit.size, size, "{codec:?} {index}");
            let off = unit.at_us - units[0].at_us - index as i64 * 33_333;
            assert!(off.abs() < 100, "{codec:?} {index}: {off} us");
        }
    }
}

#[test]
fn a_lost_packet_costs_pictures_until_the_next_keyframe() {
    for codec in PICTURES {
        let frames = pictures(codec, "320x240", 3);
        let sent = packets(codec, &frames, WRAPPING);
        // The last packet of the 40th frame.
        let lost = packets(codec, &frames[..40], WRAPPING).len() - 1;
        let (units, counts) = assemble(&without(&sent, |index| index == lost));
        assert_eq!(units.len(), 39 + 30, "{codec:?} {counts:?}");
        assert_eq!((counts.lost, counts.broken), (1, 0), "{codec:?}");
        assert!((20..=21).contains(&counts.dropped), "{codec:?} {counts:?}");
        assert!(units[39].keyframe && units[39].after_gap);
        assert_eq!(units.iter().filter(|unit| unit.after_gap).count(), 1);
    }
}

#[test]
fn nothing_is_shown_before_the_first_keyframe() {
    for codec in PICTURES {
        let frames = pictures(codec, "320x240", 2);
        let sent = packets(codec, &frames, WRAPPING);
        let skipped = packets(codec, &frames[..10], WRAPPING).len();
        let (units, counts) = assemble(&sent[skipped..]);
        assert_eq!((units.len(), counts.dropped), (30, 20), "{codec:?}");
        assert!(units[0].keyframe && !units[0].after_gap);
    }
}

/// A stream, then another one that begins while the last packets of the first are still to come.
fn two_layers(codec: CodecName) -> Vec<Packet> {
    let large = packets(codec, &pictures(codec, "640x360", 2), WRAPPING);
    let small = Start { stream: 2, number: 500, rtp: 77, at_us: 2_000_000 };
    let small = packets(codec, &pictures(codec, "320x240", 3), small);
    let back = Start { at_us: 5_000_000, number: 70_000, rtp: WRAPPING.rtp, ..WRAPPING };
    let mut back = packets(codec, &pictures(codec, "640x360", 1), back);
    for packet in &mut back {
        packet.number += 10_000;
    }
    rough(&[large, small, back].concat())
}

#[test]
fn a_change_of_layer_shows_every_picture_once() {
    for codec in PICTURES {
        let (units, counts) = assemble(&two_layers(codec));
        assert_eq!(units.len(), 180, "{codec:?} {counts:?}");
        assert_eq!((counts.lost, counts.dropped), (0, 0), "{codec:?}");
        let sizes: Vec<u32> =
            units.iter().filter_map(|unit| unit.size).map(|size| size.width).collect();
        assert_eq!(sizes, [640, 640, 320, 320, 320, 640], "{codec:?}");
        assert!(units.iter().all(|unit| !unit.after_gap));
    }
}

#[test]
fn sound_is_given_with_its_samples_and_pauses() {
    let mut frames = sound(2);
    let sent = packets(CodecName::Opus, &frames, WRAPPING);
    let (units, counts) = assemble(&rough(&sent));
    assert_eq!(units.len(), frames.len(), "{counts:?}");
    let same = units.iter().zip(&frames).all(|(unit, frame)| unit.data == frame.data);
    assert!(same && units.iter().all(|unit| unit.samples == 960 && !unit.after_gap));
    // A pause of ten seconds.
    frames[50].duration = 480_000;
    let (units, _) = assemble(&packets(CodecName::Opus, &frames, WRAPPING));
    let gaps: Vec<usize> = gaps(&units);
    assert_eq!(gaps, [51]);
    assert!((units[51].at_us - units[50].at_us - 10_000_000).abs() < 1_000);
}

fn gaps(units: &[Unit]) -> Vec<usize> {
    units.iter().enumerate().filter(|(_, unit)| unit.after_gap).map(|(at, _)| at).collect()
}

#[test]
fn redundancy_fills_holes_of_two_packets() {
    let frames = sound(2);
    let sent = packets(CodecName::Red, &frames, WRAPPING);
    let lost = |index: usize| matches!(index, 20 | 40 | 41 | 60 | 61 | 62);
    let (units, counts) = assemble(&without(&sent, lost));
    assert_eq!((counts.lost, counts.restored), (6, 5));
    assert_eq!(units.len(), frames.len() - 1);
    assert_eq!(gaps(&units), [60]);
    assert!(units.iter().all(|unit| unit.codec == CodecName::Opus));
    assert_eq!(units[41].data, frames[41].data);
}
