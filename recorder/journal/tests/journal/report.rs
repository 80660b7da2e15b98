//! A report tells people what is in a journal, and without the key what can be said.

use crate::disk::Memory;
use crate::said::{LABEL, key, packet, write_each};
use lectern_control::TrackId;
use lectern_control::recorder::Event;
use lectern_journal::key::DataKey;
use lectern_journal::{Entry, Gap, Report, TrackReport, Writer, inspect};

const START: u64 = 1_700_000_000_000_000;

/// 40 packets, a gap of two seconds in the middle, two lives, ended.
fn journal(key: &DataKey) -> Vec<u8> {
    let mut writer = Writer::create(Memory::default(), key, LABEL).expect("creates");
    let node = Entry::Node { index: 1, node: "eu-1".parse().expect("a name") };
    writer.append(&node).expect("appends");
    write_each(&mut writer, 0..20);
    let mut writer = Writer::resume(writer.into_disk(), key, LABEL).expect("resumes");
    write_each(&mut writer, 119..139);
    let clock = Entry::Clock { node: 1, at_unix_us: START, offset_us: 3, rtt_us: 4 };
    writer.append(&clock).expect("appends");
    let event = Event::Muted { track: TrackId(5), muted: true };
    writer.append(&Entry::Event { at_unix_ms: START / 1_000, event }).expect("appends");
    writer.append(&Entry::End).expect("appends");
    writer.commit().expect("commits");
    writer.into_disk().bytes
}

#[test]
fn with_the_key_it_tells_of_tracks() {
    let key = key();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.journal");
    let bytes = journal(&key);
    std::fs::write(&path, &bytes).expect("writes");
    let report = inspect(&path, Some((&key, LABEL))).expect("inspects");
    assert_eq!((report.bytes, report.blocks, report.lives), (bytes.len() as u64, 41, 2));
    assert_eq!(report.span, Some((START, START + 138 * 20_000)));
    let gap = Gap { from_unix_us: START + 380_000, until_unix_us: START + 2_380_000 };
    assert_eq!((report.gap_count, &report.gaps[..]), (1, &[gap][..]));
    assert!(report.ended);
    let inside = report.inside.as_ref().expect("the key");
    let track = TrackReport { packets: 40, bytes: 114, keyframes: 4, reports: 0, lost: 0 };
    assert_eq!(inside.tracks, [(TrackId(5), track)].into());
    assert_eq!((inside.nodes[&1].as_str(), inside.clocks, inside.events), ("eu-1", 1, 1));
    let text = report.to_string();
    for line in [
        "version   1\n",
        "lives     2\n",
        "time      2023-11-14T22:13:20Z to 2023-11-14T22:13:22.76Z, 2.760 s\n",
        "ended     yes\n",
        "gaps      1\n          2.000 s from 2023-11-14T22:13:20.38Z\n",
        "damage    none\n",
        "node 1    eu-1\n",
        ": 40 packets, ",
        " 4 keyframes",
    ] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
}

#[test]
fn without_the_key_it_tells_what_stands_in_the_clear() {
    let key = key();
    let bytes = journal(&key);
    let with = Report::of(bytes.as_slice(), Some((&key, LABEL))).expect("memory");
    let without = Report::of(bytes.as_slice(), None).expect("memory");
    assert_eq!(without, Report { inside: None, ..with });
    assert!(without.to_string().contains("not opened: no key was given"));
}

#[test]
fn damage_is_told() {
    let key = key();
    let mut bytes = journal(&key);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes.truncate(bytes.len() - 3);
    let report = Report::of(bytes.as_slice(), None).expect("memory");
    assert_eq!((report.blocks, report.damage.stretches, report.ended), (39, 2, false));
    let text = report.to_string();
    for line in ["in 2 places\n", "stops in the middle of a block\n", "1 blocks are missing\n"] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
    let wrong = Report::of(bytes.as_slice(), Some((&key, "another"))).expect("memory");
    assert_eq!((wrong.blocks, wrong.damage.sealed), (0, 39));
    assert!(wrong.to_string().contains("another key or label"));
}

#[test]
fn an_empty_file_is_a_journal_in_which_nothing_was_written() {
    let report = Report::of([].as_slice(), None).expect("memory");
    assert_eq!(report, Report::default());
    assert!(report.to_string().contains("nothing was written"));
}

#[test]
fn a_long_list_of_gaps_is_cut() {
    let key = key();
    let mut writer = Writer::create(Memory::default(), &key, LABEL).expect("creates");
    for number in 0..50 {
        writer.append(&packet(number * 100, 1)).expect("appends");
        writer.commit().expect("commits");
    }
    let report = Report::of(writer.into_disk(), None).expect("memory");
    assert_eq!((report.gap_count, report.gaps.len()), (49, 20));
    assert!(report.to_string().contains("and 29 more"));
}
