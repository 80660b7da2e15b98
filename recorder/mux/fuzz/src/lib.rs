//! Packets out of a fuzzer's bytes, through assembler, clocks and files.

use bytes::Bytes;
use lectern_control::TrackId;
use lectern_control::media::CodecName;
use lectern_mux::{Assembler, ClockBuilder, Packet, Report, StreamId, TrackFile, Unit};

/// A packet takes this many bytes of the input before its payload.
const HEADER_BYTES: usize = 5;

/// Flags, steps of number and time, length, arrival; then the payload.
pub fn packets(codec: CodecName, mut input: &[u8]) -> Vec<Packet> {
    let (mut number, mut rtp, mut arrival_us) = (1_000u64, 0u32, 0i64);
    let mut packets = Vec::new();
    while let Some((header, rest)) = input.split_first_chunk::<HEADER_BYTES>() {
        let [flags, step, passed, len, late] = *header;
        let (payload, rest) = rest.split_at(usize::from(len).min(rest.len()));
        input = rest;
        number = number.wrapping_add_signed(i64::from(step as i8));
        rtp = rtp.wrapping_add_signed(i32::from(passed as i8).wrapping_mul(960));
        arrival_us += i64::from(late) * 2_000;
        let mut bytes = vec![0x80, (flags & 1) << 7, 0, 0];
        bytes.extend(rtp.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend_from_slice(payload);
        // Now and then another codec, as no honest sender does.
        let codec = match flags >> 5 {
            7 => CodecName::Vp8,
            6 => CodecName::Opus,
            _ => codec,
        };
        packets.push(Packet {
            track: TrackId(1),
            stream: StreamId { node: 0, number: u32::from(flags >> 1 & 3) },
            arrival_us,
            number,
            codec,
            keyframe: flags & 8 != 0,
            quarter_turns: flags >> 3 & 3,
            rtp: Bytes::from(bytes),
        });
    }
    packets
}

/// Puts packets together and writes what comes out; checks what always holds.
pub fn run(codec: CodecName, input: &[u8]) {
    let packets = packets(codec, input);
    let mut builder = ClockBuilder::new();
    for packet in &packets {
        builder.packet(packet);
        if packet.quarter_turns == 1 {
            builder.report(&Report {
                track: packet.track,
                stream: packet.stream,
                arrival_us: packet.arrival_us,
                ntp: packet.number << 32,
                rtp: packet.number as u32,
            });
        }
    }
    let mut assembler = Assembler::new(TrackId(1), builder.build());
    let mut units = Vec::new();
    for packet in packets {
        assembler.push(packet);
        units.extend(std::iter::from_fn(|| assembler.poll()));
    }
    assembler.finish();
    units.extend(std::iter::from_fn(|| assembler.poll()));
    assert!(units.is_sorted_by(|a, b| a.at_us < b.at_us));
    write(units);
}

fn write(units: Vec<Unit>) {
    let mut file: Option<TrackFile> = None;
    for unit in units {
        if unit.keyframe && file.as_ref().is_none_or(|file| !file.takes(&unit)) {
            if let Some(mut file) = file.take() {
                file.finish(Some(unit.at_us)).expect("an end");
            }
            file = TrackFile::new(&unit, unit.at_us).ok();
        }
        if let Some(file) = &mut file {
            // A frame of another codec needs a keyframe first.
            let _ = file.push(unit);
            while file.poll().is_some() {}
        }
    }
    if let Some(mut file) = file {
        file.finish(None).expect("an end");
    }
}
