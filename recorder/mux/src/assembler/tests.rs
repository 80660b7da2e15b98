//! Assembling small made-up payloads, and bytes of nobody's making.

use super::*;
use crate::clock::ClockBuilder;
use crate::unit::Size;
use bytes::Bytes;
use lectern_control::media::CodecName;
use proptest::prelude::*;

const TRACK: TrackId = TrackId(9);
/// 640 x 360, baseline.
const SEQUENCE: [u8; 24] = [
    0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01,
    0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e,
];
const PICTURE_SET: [u8; 3] = [0x68, 0xcb, 0x83];
/// A VP8 keyframe of 320 x 240, with a descriptor of one byte.
const VP8_KEYFRAME: [u8; 11] = [0x10, 0x02, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00];
const VP8_INTER: [u8; 3] = [0x10, 0x01, 0x00];
/// A VP9 keyframe of 320 x 240.
const VP9_KEYFRAME: [u8; 10] = [0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0e, 0xf6, 0x00];

/// A packet at thirty a second: number, stream, timestamp and arrival follow from `index`.
fn packet(codec: CodecName, stream: u32, index: u64, payload: &[u8]) -> Packet {
    at(codec, stream, index, index, true, payload)
}

fn at(
    codec: CodecName,
    stream: u32,
    number: u64,
    frame: u64,
    marker: bool,
    payload: &[u8],
) -> Packet {
    let mut rtp = vec![0x80, if marker { 0xe0 } else { 0x60 }, 0, 0];
    rtp.extend((frame as u32 * 3_000).to_be_bytes());
    rtp.extend([0; 4]);
    rtp.extend_from_slice(payload);
    Packet {
        track: TRACK,
        stream: StreamId { node: 0, number: stream },
        arrival_us: frame as i64 * 33_333,
        number,
        codec,
        keyframe: codec == CodecName::Vp8 && payload == VP8_KEYFRAME,
        quarter_turns: 0,
        rtp: Bytes::from(rtp),
    }
}

fn assemble(packets: &[Packet]) -> (Vec<Unit>, Counts) {
    let mut builder = ClockBuilder::new();
    packets.iter().for_each(|packet| builder.packet(packet));
    let mut assembler = Assembler::new(TRACK, builder.build());
    let mut units = Vec::new();
    for packet in packets {
        assembler.push(packet.clone());
        units.extend(std::iter::from_fn(|| assembler.poll()));
    }
    assembler.finish();
    units.extend(std::iter::from_fn(|| assembler.poll()));
    (units, assembler.counts())
}

fn lengths(units: &[&[u8]]) -> Vec<u8> {
    let with_length = |unit: &&[u8]| [&(unit.len() as u32).to_be_bytes()[..], unit].concat();
    units.iter().flat_map(with_length).collect()
}

#[test]
fn parameter_sets_that_came_once_stand_before_each_idr_picture() {
    let h264 = |index, payload: &[u8]| packet(CodecName::H264, 1, index, payload);
    let packets = [
        h264(0, &SEQUENCE),
        h264(1, &PICTURE_SET),
        h264(2, &[0x65, 1]),
        h264(3, &[0x41, 2]),
        h264(4, &[0x65, 3]),
        // Delimiter and filler are for transport alone.
        h264(5, &[0x78, 0, 2, 0x09, 0xf0, 0, 2, 0x41, 4, 0, 2, 0x0c, 0xff]),
    ];
    let (units, counts) = assemble(&packets);
    let data: Vec<&Bytes> = units.iter().map(|unit| &unit.data).collect();
    assert_eq!(data[0], &lengths(&[&SEQUENCE, &PICTURE_SET, &[0x65, 1]]));
    assert_eq!(data[1], &lengths(&[&[0x41, 2]]));
    assert_eq!(data[2], &lengths(&[&SEQUENCE, &PICTURE_SET, &[0x65, 3]]));
    assert_eq!(data[3], &lengths(&[&[0x41, 4]]));
    assert_eq!(units[2].size, Some(Size { width: 640, height: 360 }));
    assert_eq!((counts.dropped, counts.broken), (0, 0));
}

#[test]
fn an_idr_picture_without_parameter_sets_is_left_out() {
    let h264 = |index, payload: &[u8]| packet(CodecName::H264, 1, index, payload);
    let (units, counts) = assemble(&[h264(0, &[0x65, 1]), h264(1, &[0x41, 2])]);
    assert!(units.is_empty());
    assert_eq!(counts.dropped, 2);
}

#[test]
fn spatial_layers_become_one_superframe() {
    // Begins and ends a frame, layers; no picture id. Temporal 0, spatial 0 and 1, TL0PICIDX.
    let lower = [&[0x2c, 0x00, 0][..], &VP9_KEYFRAME].concat();
    // Not a keyframe, resilient, no reference's size: 640 x 480.
    let inter = [0x87, 0x00, 0x00, 0x00, 0x00, 0x4f, 0xe0, 0x3b, 0xe0];
    let upper = [&[0x6c, 0x03, 0][..], &inter].concat();
    let packets =
        [at(CodecName::Vp9, 1, 0, 0, false, &lower), at(CodecName::Vp9, 1, 1, 0, true, &upper)];
    let (units, counts) = assemble(&packets);
    assert_eq!(units.len(), 1, "{counts:?}");
    let index = [0xd9, 10, 0, 0, 0, 9, 0, 0, 0, 0xd9];
    assert_eq!(units[0].data, [&VP9_KEYFRAME[..], &inter, &index].concat());
    assert!(units[0].keyframe);
}

#[test]
fn a_picture_ends_where_the_next_one_begins() {
    let packets = [
        at(CodecName::Vp8, 1, 0, 0, false, &VP8_KEYFRAME),
        at(CodecName::Vp8, 1, 1, 1, false, &VP8_INTER),
        at(CodecName::Vp8, 1, 2, 2, true, &VP8_INTER),
    ];
    let (units, counts) = assemble(&packets);
    assert_eq!((units.len(), counts.dropped), (3, 0));
}

#[test]
fn a_layer_without_a_keyframe_does_not_take_over() {
    let vp8 = |stream, index, payload: &[u8]| packet(CodecName::Vp8, stream, index, payload);
    let mut packets = vec![vp8(1, 0, &VP8_KEYFRAME)];
    for index in 1..150 {
        packets.push(vp8(1, index, &VP8_INTER));
        packets.push(vp8(2, index, &VP8_INTER));
    }
    packets.push(vp8(2, 150, &VP8_KEYFRAME));
    packets.extend((151..300).map(|index| vp8(2, index, &VP8_INTER)));
    let (units, counts) = assemble(&packets);
    assert_eq!(units.len(), 300, "{counts:?}");
    assert_eq!(units.iter().filter(|unit| unit.keyframe).count(), 2);
    assert!(units.iter().all(|unit| !unit.after_gap));
}

#[test]
fn padding_alone_is_no_gap() {
    let mut padding = packet(CodecName::Vp8, 1, 1, &[0, 0, 0, 4]);
    padding.rtp = [&[0xa0], &padding.rtp[1..]].concat().into();
    let packets = [
        packet(CodecName::Vp8, 1, 0, &VP8_KEYFRAME),
        padding,
        packet(CodecName::Vp8, 1, 2, &VP8_INTER),
    ];
    let (units, counts) = assemble(&packets);
    assert_eq!((units.len(), counts.broken, counts.lost), (2, 0, 0));
    assert!(!units[1].after_gap);
}

#[test]
fn a_picture_that_never_ends_goes_no_further_than_the_limit() {
    let piece = [&[0x00][..], &[0; 1_400]].concat();
    let mut packets = vec![at(CodecName::Vp8, 1, 0, 0, false, &VP8_KEYFRAME)];
    packets.extend((1..8_000).map(|number| at(CodecName::Vp8, 1, number, 0, false, &piece)));
    let (units, counts) = assemble(&packets);
    assert!(units.is_empty());
    assert_eq!((counts.dropped, counts.broken), (1, 0));
}

/// Any bytes, and bytes that begin as payloads of the codec do.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let seeds = prop_oneof![
        Just(VP8_KEYFRAME.to_vec()),
        Just(VP8_INTER.to_vec()),
        Just([&[0x0c][..], &VP9_KEYFRAME].concat()),
        Just([&[0x78, 0, 24][..], &SEQUENCE, &[0, 3], &PICTURE_SET, &[0, 2, 0x65, 1]].concat()),
        Just(vec![0x7c, 0x85, 1]),
        Just(vec![0x7c, 0x45, 1]),
        Just(vec![0x18, 0x0a, 0x0b, 0, 0, 0, 4, 0x3c, 0xff, 0xbc, 0xda, 0xf9, 0, 0x40]),
        Just(vec![0x50, 0x32, 1]),
        Just(vec![0x80 | 111, 0x0f, 0, 1, 111, 0xf8, 0xf8]),
        Just(vec![0xf8, 1, 2]),
    ];
    let noise = proptest::collection::vec(any::<u8>(), 0..40);
    (seeds, noise, any::<bool>()).prop_map(|(mut seed, noise, is_seeded)| {
        if is_seeded {
            seed.extend(noise)
        } else {
            seed = noise
        }
        seed
    })
}

fn codec() -> impl Strategy<Value = CodecName> {
    prop_oneof![
        Just(CodecName::Opus),
        Just(CodecName::Red),
        Just(CodecName::Vp8),
        Just(CodecName::Vp9),
        Just(CodecName::H264),
        Just(CodecName::Av1),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_times_grow_and_frames_are_few(
        packets in proptest::collection::vec(
            (codec(), 0u32..3, 0u64..300, 0u64..300, any::<bool>(), payload(), any::<bool>()), 0..300),
    ) {
        let packets: Vec<Packet> = packets
            .into_iter()
            .enumerate()
            .map(|(index, (codec, stream, number, frame, marker, payload, keyframe))| {
                let mut packet = at(codec, stream, number, frame, marker, &payload);
                packet.arrival_us = index as i64 * 10_000;
                packet.keyframe = keyframe;
                packet
            })
            .collect();
        let (units, counts) = assemble(&packets);
        prop_assert_eq!(counts.packets, packets.len() as u64);
        prop_assert_eq!(counts.units, units.len() as u64);
        // At most eight blocks of sound, or two pictures, for each packet.
        prop_assert!(units.len() <= packets.len() * 8);
        for pair in units.windows(2) {
            prop_assert!(pair[0].at_us < pair[1].at_us);
        }
        for unit in &units {
            prop_assert!(unit.keyframe || unit.size.is_none());
            prop_assert!((0..=300 * 10_000 + 20_000).contains(&unit.at_us) || unit.at_us < 0);
        }
    }
}
