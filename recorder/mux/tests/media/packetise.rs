//! Frames into RTP packets, as browsers send them.

use crate::elementary::{Frame, units};
use bytes::Bytes;
use lectern_control::TrackId;
use lectern_control::media::CodecName;
use lectern_mux::{Packet, StreamId};

/// Bytes of a payload.
const MTU: usize = 1_100;

/// The numbers that a stream begins with.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// The stream.
    pub stream: u32,
    /// The extended sequence number.
    pub number: u64,
    /// The timestamp.
    pub rtp: u32,
    /// When the first frame is captured.
    pub at_us: i64,
}

/// Near both wraps.
pub const WRAPPING: Start = Start { stream: 1, number: 65_500, rtp: u32::MAX - 30_000, at_us: 0 };

/// A stream of packets, each as it would arrive without any delay.
pub fn packets(codec: CodecName, frames: &[Frame], start: Start) -> Vec<Packet> {
    let mut packets = Vec::new();
    let (mut number, mut rtp, mut ticks) = (start.number, start.rtp, 0u64);
    let mut red: Vec<(u32, Vec<u8>)> = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let payloads = match codec {
            CodecName::Opus => vec![frame.data.clone()],
            CodecName::Red => vec![with_redundancy(&mut red, rtp, &frame.data)],
            CodecName::Vp8 => vp8(frame, index),
            CodecName::Vp9 => vp9(frame, index),
            CodecName::H264 => h264(frame),
            CodecName::Av1 => av1(frame),
        };
        let count = payloads.len();
        for (index, payload) in payloads.into_iter().enumerate() {
            let is_last = index + 1 == count;
            packets.push(Packet {
                track: TrackId(7),
                stream: StreamId { node: 0, number: start.stream },
                arrival_us: start.at_us
                    + (ticks * 1_000_000 / u64::from(codec.clock_rate())) as i64,
                number,
                codec,
                keyframe: frame.keyframe && index == 0,
                quarter_turns: 0,
                rtp: packet(number, rtp, is_last, &payload),
            });
            number += 1;
        }
        rtp = rtp.wrapping_add(frame.duration);
        ticks += u64::from(frame.duration);
    }
    packets
}

fn packet(number: u64, rtp: u32, marker: bool, payload: &[u8]) -> Bytes {
    let mut packet = vec![0x80, if marker { 0xe0 } else { 0x60 }];
    packet.extend((number as u16).to_be_bytes());
    packet.extend(rtp.to_be_bytes());
    packet.extend(7u32.to_be_bytes());
    packet.extend_from_slice(payload);
    Bytes::from(packet)
}

/// The two packets before, then this one (RFC 2198).
fn with_redundancy(before: &mut Vec<(u32, Vec<u8>)>, rtp: u32, data: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (earlier, data) in before.iter() {
        let offset = rtp.wrapping_sub(*earlier);
        let bits = offset << 10 | data.len() as u32;
        payload.push(0x80 | 111);
        payload.extend(&bits.to_be_bytes()[1..]);
    }
    payload.push(111);
    payload.extend(before.iter().flat_map(|(_, data)| data.clone()));
    payload.extend_from_slice(data);
    before.push((rtp, data.to_vec()));
    if before.len() > 2 {
        before.remove(0);
    }
    payload
}

fn vp8(frame: &Frame, index: usize) -> Vec<Vec<u8>> {
    let id = (index as u16 | 0x8000).to_be_bytes();
    let payload = |(piece, data): (usize, &[u8])| {
        let first = if piece == 0 { 0x90 } else { 0x80 };
        [&[first, 0x80, id[0], id[1]], data].concat()
    };
    frame.data.chunks(MTU).enumerate().map(payload).collect()
}

fn vp9(frame: &Frame, index: usize) -> Vec<Vec<u8>> {
    let id = (index as u16 | 0x8000).to_be_bytes();
    let last = frame.data.len().div_ceil(MTU) - 1;
    let payload = |(piece, data): (usize, &[u8])| {
        let inter = if frame.keyframe { 0 } else { 0x40 };
        let starts = if piece == 0 { 0x08 } else { 0 };
        let ends = if piece == last { 0x04 } else { 0 };
        [&[0x80 | inter | starts | ends, id[0], id[1]], data].concat()
    };
    frame.data.chunks(MTU).enumerate().map(payload).collect()
}

/// Pictures of several spatial layers, each of which is one frame or more (RFC 9628 section 4.2).
pub fn vp9_layers(pictures: &[Vec<Vec<u8>>], start: Start) -> Vec<Packet> {
    let mut packets = Vec::new();
    for (index, layers) in pictures.iter().enumerate() {
        let rtp = start.rtp.wrapping_add(index as u32 * 3_000);
        for (layer, frame) in layers.iter().enumerate() {
            let last = frame.len().div_ceil(MTU) - 1;
            for (piece, data) in frame.chunks(MTU).enumerate() {
                let inter = if index == 0 { 0 } else { 0x40 };
                let starts = if piece == 0 { 0x08 } else { 0 };
                let ends = if piece == last { 0x04 } else { 0 };
                let below = u8::from(layer > 0);
                let descriptor = [0x20 | inter | starts | ends, (layer as u8) << 1 | below, 0];
                let number = start.number + packets.len() as u64;
                let marker = layer + 1 == layers.len() && piece == last;
                packets.push(Packet {
                    track: TrackId(7),
                    stream: StreamId { node: 0, number: start.stream },
                    arrival_us: start.at_us + index as i64 * 33_333,
                    number,
                    codec: CodecName::Vp9,
                    keyframe: index == 0 && layer == 0 && piece == 0,
                    quarter_turns: 0,
                    rtp: packet(number, rtp, marker, &[&descriptor, data].concat()),
                });
            }
        }
    }
    packets
}

/// Parameter sets together, then slices, whole or in fragments (RFC 6184).
fn h264(frame: &Frame) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let mut aggregate = vec![0x78];
    for unit in units(&frame.data) {
        if matches!(unit[0] & 0x1f, 6..=8) && unit.len() < 500 {
            aggregate.extend((unit.len() as u16).to_be_bytes());
            aggregate.extend_from_slice(unit);
            continue;
        }
        if aggregate.len() > 1 {
            payloads.push(std::mem::replace(&mut aggregate, vec![0x78]));
        }
        if unit.len() <= MTU {
            payloads.push(unit.to_vec());
            continue;
        }
        let last = (unit.len() - 1).div_ceil(MTU) - 1;
        for (piece, data) in unit[1..].chunks(MTU).enumerate() {
            let starts = if piece == 0 { 0x80 } else { 0 };
            let ends = if piece == last { 0x40 } else { 0 };
            let header = [unit[0] & 0xe0 | 28, starts | ends | unit[0] & 0x1f];
            payloads.push([&header, data].concat());
        }
    }
    payloads
}

/// OBUs without sizes, in pieces over packets.
fn av1(frame: &Frame) -> Vec<Vec<u8>> {
    let obus = obus(&frame.data);
    let mut payloads: Vec<Vec<u8>> = Vec::new();
    let mut payload: Vec<u8> = vec![if frame.keyframe { 0x08 } else { 0 }];
    for obu in &obus {
        let mut rest = &obu[..];
        while !rest.is_empty() {
            let room = MTU - payload.len();
            if room < 8 {
                payloads.push(std::mem::replace(&mut payload, vec![0]));
                continue;
            }
            let (piece, after) = rest.split_at(rest.len().min(room - 3));
            let mut len = piece.len();
            while len > 0x7f {
                payload.push((len & 0x7f) as u8 | 0x80);
                len >>= 7;
            }
            payload.push(len as u8);
            payload.extend_from_slice(piece);
            rest = after;
            if !rest.is_empty() {
                payload[0] |= 0x40;
                payloads.push(std::mem::replace(&mut payload, vec![0x80]));
            }
        }
    }
    if payload.len() > 1 {
        payloads.push(payload);
    }
    payloads
}

/// All but delimiters, without their sizes.
fn obus(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut obus = Vec::new();
    while !bytes.is_empty() {
        let header = bytes[0];
        let (mut len, mut at) = (0usize, 1);
        for shift in (0..).step_by(7) {
            len |= usize::from(bytes[at] & 0x7f) << shift;
            at += 1;
            if bytes[at - 1] & 0x80 == 0 {
                break;
            }
        }
        if header >> 3 & 0x0f != 2 {
            obus.push([&[header & !0x02], &bytes[at..at + len]].concat());
        }
        bytes = &bytes[at + len..];
    }
    obus
}
