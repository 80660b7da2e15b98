//! Entries that can be told apart, and what is read of them.

use crate::disk::Memory;
use bytes::Bytes;
use lectern_control::TrackId;
use lectern_control::media::CodecName;
use lectern_control::relay::{self, Content, Record};
use lectern_journal::key::DataKey;
use lectern_journal::{Damage, Entry, Reader, Source, Writer};

/// The label of these journals.
pub const LABEL: &str = "RC_1/TR_1.journal";
/// Bytes of a block's header, as the format says.
pub const HEADER_BYTES: usize = 64;

/// A new key.
pub fn key() -> DataKey {
    DataKey::random().expect("random")
}

/// A packet of some bytes; keyframes every tenth.
pub fn packet(number: u64, len: usize) -> Entry {
    let rtp = vec![number as u8; len];
    let content = Content::Packet {
        number,
        codec: CodecName::Vp8,
        keyframe: number.is_multiple_of(10),
        quarter_turns: 0,
        level: None,
        rtp: &rtp,
    };
    let arrival_unix_us = 1_700_000_000_000_000 + number * 20_000;
    let record = Record { track: TrackId(5), stream: 0, arrival_unix_us, content };
    let mut records = Vec::new();
    assert!(record.encode(&mut records));
    Entry::Records { node: 1, records: records.into() }
}

/// The number of such a packet.
pub fn number(entry: &Entry) -> u64 {
    let Entry::Records { records, .. } = entry else { panic!("{entry:?}") };
    let record = relay::records(records).next().expect("a record").expect("a good one");
    let Content::Packet { number, rtp, .. } = record.content else { panic!("{record:?}") };
    assert_eq!(*entry, packet(number, rtp.len()), "wrong data");
    number
}

/// All entries that can be read, and what is missing.
pub fn entries(source: impl Source, key: &DataKey) -> (Vec<Entry>, Damage) {
    let mut reader = Reader::new(source, key, LABEL);
    let entries = reader.by_ref().map(|entry| entry.expect("no error of the disk")).collect();
    (entries, reader.damage())
}

/// Numbers of all packets that can be read.
pub fn numbers(bytes: &[u8], key: &DataKey) -> Vec<u64> {
    entries(bytes, key).0.iter().map(number).collect()
}

/// Writes each of these packets as a block of its own.
pub fn write_each(writer: &mut Writer<Memory>, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        writer.append(&packet(number, number as usize % 7)).expect("appends");
        writer.commit().expect("commits");
    }
}

/// A journal of some blocks with a packet each, and where the blocks end.
pub fn journal(key: &DataKey, blocks: u64) -> (Vec<u8>, Vec<usize>) {
    let mut writer = Writer::create(Memory::default(), key, LABEL).expect("creates");
    let mut ends = Vec::new();
    for number in 0..blocks {
        write_each(&mut writer, [number]);
        ends.push(writer.len() as usize);
    }
    (writer.into_disk().bytes, ends)
}

/// Bytes as records that are none.
pub fn garbage() -> Entry {
    Entry::Records { node: 0, records: Bytes::from_static(b"these are no records") }
}
