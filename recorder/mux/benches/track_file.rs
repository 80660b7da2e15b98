//! How many times faster than real time a track's file is made. `cargo bench -p lectern-mux`.
//!
//! Ten minutes of made-up pictures at 30 a second and 4 Mbit/s, or of sound; clocks, order, frames and
//! file, all in memory, with one packet of a hundred sent again.

use bytes::Bytes;
use lectern_control::TrackId;
use lectern_control::media::{CodecName, MediaKind};
use lectern_mux::{Assembler, ClockBuilder, Packet, StreamId, TrackFile};
use std::time::Instant;

const SECONDS: u64 = 600;
const PACKETS_OF_PICTURE: u64 = 14;
const PAYLOAD_BYTES: usize = 1_190;
/// 320 x 240.
const VP8_KEYFRAME: [u8; 11] = [0x10, 0x02, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00];
const VP9_KEYFRAME: [u8; 11] = [0x08, 0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0e, 0xf6, 0x00];
const H264_SETS: [u8; 34] = [
    0x78, 0, 24, 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00,
    0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0, 5, 0x68, 0xcb, 0x83, 0xcb,
    0x20,
];
const AV1_SEQUENCE: [u8; 14] =
    [0x08, 0x0c, 0x08, 0x00, 0x00, 0x00, 0x04, 0x3c, 0xff, 0xbc, 0xda, 0xf9, 0x00, 0x40];

/// The payload of a packet: enough of each format that it is taken for what it should be.
fn payload(codec: CodecName, picture: u64, index: u64) -> Vec<u8> {
    let is_key = picture.is_multiple_of(300);
    let (first, last) = (index == 0, index + 1 == PACKETS_OF_PICTURE);
    let head: Vec<u8> = match (codec, first, is_key) {
        (CodecName::Opus | CodecName::Red, ..) => return vec![0xf8; 80],
        (CodecName::Vp8, true, true) => VP8_KEYFRAME.to_vec(),
        (CodecName::Vp8, true, false) => vec![0x10, 0x01],
        (CodecName::Vp8, ..) => vec![0x00],
        (CodecName::Vp9, true, true) => VP9_KEYFRAME.to_vec(),
        (CodecName::Vp9, true, false) => vec![0x48, 0x86],
        (CodecName::Vp9, ..) => vec![if is_key { 0x00 } else { 0x40 }],
        (CodecName::H264, true, true) => return H264_SETS.to_vec(),
        (CodecName::H264, ..) => {
            let starts = if index == u64::from(is_key) { 0x80 } else { 0 };
            let ends = if last { 0x40 } else { 0 };
            vec![0x7c, starts | ends | if is_key { 5 } else { 1 }]
        }
        (CodecName::Av1, true, true) => return AV1_SEQUENCE.to_vec(),
        (CodecName::Av1, ..) => {
            let begins = index == u64::from(is_key);
            let aggregation = 0x10 | if begins { 0 } else { 0x80 } | if last { 0 } else { 0x40 };
            vec![aggregation, if begins { 0x30 } else { 0 }, if is_key { 0x10 } else { 0x30 }]
        }
    };
    [head, vec![0x55; PAYLOAD_BYTES]].concat()
}

fn packets(codec: CodecName) -> Vec<Packet> {
    let (rate, parts, ticks) = match codec.kind() {
        MediaKind::Video => (30, PACKETS_OF_PICTURE, 3_000),
        MediaKind::Audio => (50, 1, 960),
    };
    let mut packets = Vec::new();
    for picture in 0..SECONDS * rate {
        for index in 0..parts {
            let payload = payload(codec, picture, index);
            let mut rtp = vec![0x80, if index + 1 == parts { 0xe0 } else { 0x60 }, 0, 0];
            rtp.extend(((picture * ticks) as u32).to_be_bytes());
            rtp.extend([0; 4]);
            rtp.extend(payload);
            packets.push(Packet {
                track: TrackId(1),
                stream: StreamId { node: 0, number: 1 },
                arrival_us: (picture * 1_000_000 / rate) as i64,
                number: packets.len() as u64,
                codec,
                keyframe: picture % 300 == 0 && index == 0,
                quarter_turns: 0,
                rtp: Bytes::from(rtp),
            });
        }
    }
    for index in (100..packets.len().saturating_sub(100)).step_by(100) {
        packets[index].arrival_us += 100_000;
    }
    packets.sort_by_key(|packet| packet.arrival_us);
    packets
}

fn main() {
    for codec in [CodecName::Vp8, CodecName::Vp9, CodecName::H264, CodecName::Av1, CodecName::Opus]
    {
        let packets = packets(codec);
        let begun = Instant::now();
        let mut builder = ClockBuilder::new();
        packets.iter().for_each(|packet| builder.packet(packet));
        let mut assembler = Assembler::new(TrackId(1), builder.build());
        let mut file: Option<TrackFile> = None;
        let (mut written, mut units) = (0usize, 0u64);
        for packet in packets {
            assembler.push(packet);
            while let Some(unit) = assembler.poll() {
                let file =
                    file.get_or_insert_with(|| TrackFile::new(&unit, unit.at_us).expect("a file"));
                file.push(unit).expect("a frame");
                units += 1;
                while let Some(output) = file.poll() {
                    if let lectern_mux::Output::Append(bytes) = output {
                        written += bytes.len();
                    }
                }
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        let times = SECONDS as f64 / seconds;
        println!("{codec:?}: {units} frames, {written} bytes, {times:.0} times real time");
    }
}
