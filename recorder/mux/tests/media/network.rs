//! What a network does to packets, and what becomes of them afterwards.

use bytes::Bytes;
use lectern_control::TrackId;
use lectern_mux::assembler::Counts;
use lectern_mux::{Assembler, ClockBuilder, HEAD_BYTES, Output, Packet, TrackFile, Unit};

/// A small generator, so that each run is the same.
pub struct Chance(pub u64);

impl Chance {
    /// From 0 to below 1.
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Jitter, reordering, duplicates; of a hundred packets some are lost and sent again.
pub fn rough(packets: &[Packet]) -> Vec<Packet> {
    let mut chance = Chance(0x1234_5678_9abc_def1);
    let mut sent: Vec<Packet> = Vec::new();
    for packet in packets {
        let mut packet = packet.clone();
        packet.arrival_us += 10_000 + (chance.next() * 30_000.0) as i64;
        let luck = chance.next();
        if luck < 0.05 {
            packet.arrival_us += 100_000 + (chance.next() * 500_000.0) as i64;
        } else if luck < 0.08 {
            let mut again = packet.clone();
            again.arrival_us += 200_000;
            sent.push(again);
        }
        sent.push(packet);
    }
    sent.sort_by_key(|packet| packet.arrival_us);
    sent
}

/// Packets whose places are these never come.
pub fn without(packets: &[Packet], lost: impl Fn(usize) -> bool) -> Vec<Packet> {
    let kept = packets.iter().enumerate().filter(|(index, _)| !lost(*index));
    kept.map(|(_, packet)| packet.clone()).collect()
}

/// The frames of packets in the order of arrival.
pub fn assemble(packets: &[Packet]) -> (Vec<Unit>, Counts) {
    let mut builder = ClockBuilder::new();
    for packet in packets {
        builder.packet(packet);
    }
    let mut assembler = Assembler::new(TrackId(7), builder.build());
    let mut units = Vec::new();
    for packet in packets {
        assembler.push(packet.clone());
        units.extend(std::iter::from_fn(|| assembler.poll()));
    }
    assembler.finish();
    units.extend(std::iter::from_fn(|| assembler.poll()));
    assert!(units.is_sorted_by(|a, b| a.at_us < b.at_us), "times grow");
    (units, assembler.counts())
}

/// The file of frames, which all go into it.
pub fn file(units: &[Unit], origin_us: i64) -> (TrackFile, Vec<u8>) {
    let mut writer = TrackFile::new(&units[0], origin_us).expect("a file");
    let mut bytes = Vec::new();
    for unit in units {
        assert!(writer.takes(unit));
        writer.push(unit.clone()).expect("a frame");
        drain(&mut writer, &mut bytes);
    }
    writer.finish(None).expect("an end");
    drain(&mut writer, &mut bytes);
    (writer, bytes)
}

/// Carries out what a writer wants.
pub fn drain(writer: &mut TrackFile, file: &mut Vec<u8>) {
    while let Some(output) = writer.poll() {
        match output {
            Output::Append(bytes) => file.extend_from_slice(&bytes),
            Output::Rewrite { at, bytes } => rewrite(file, at, &bytes),
        }
    }
}

fn rewrite(file: &mut [u8], at: u64, bytes: &Bytes) {
    let (start, end) = (at as usize, at as usize + bytes.len());
    assert!(end as u64 <= HEAD_BYTES);
    file[start..end].copy_from_slice(bytes);
}
