//! Tests of the ledger: a stream in order is clean, and every fault it is for is found.

use super::*;
use crate::client::Outgoing;
use crate::source::{Config, EncodingConfig, Source};

const INTERVAL: Duration = Duration::from_millis(20);

/// One second of a track, packet by packet as it was sent.
fn sent(codec: Codec) -> Vec<(Instant, Outgoing)> {
    let now = Instant::now();
    let encoding = EncodingConfig {
        ssrc: 5,
        rtx: None,
        rid: None,
        first_sequence: 65_500,
        first_timestamp: 4_294_960_000,
        max_packets: 3,
    };
    let config = Config {
        track: 1,
        codec,
        mid: "m".to_owned(),
        incarnation: 0,
        interval: INTERVAL,
        payload_len: 400,
        encodings: vec![encoding],
    };
    let mut source = Source::new(now, config, 3);
    let frames = (0..50).map(|frame| now + INTERVAL * frame);
    frames.flat_map(|at| source.produce(at).into_iter().map(move |packet| (at, packet))).collect()
}

fn ledger(codec: Codec) -> Ledger {
    let expected = Expected { track: 1, codec, ssrc: 5, payload_type: 96, interval: INTERVAL };
    Ledger::new(expected)
}

fn received(packet: &Outgoing) -> Received {
    let wrapped = if packet.timestamp < 1 << 31 { 1 << 32 } else { 0 };
    Received {
        ssrc: packet.ssrc,
        payload_type: 96,
        sequence: packet.sequence,
        timestamp: u64::from(packet.timestamp) + wrapped,
        marker: packet.marker,
        below_overload_db: packet.below_overload_db,
        payload: packet.payload.clone().into(),
    }
}

/// The report on a track after `change` has worked on what is received.
fn report(codec: Codec, change: impl FnOnce(&mut Vec<(Instant, Received)>)) -> Report {
    let mut packets: Vec<_> =
        sent(codec).iter().map(|(at, packet)| (*at, received(packet))).collect();
    change(&mut packets);
    let mut ledger = ledger(codec);
    for (at, packet) in &packets {
        ledger.record(*at, packet);
    }
    ledger.report()
}

#[test]
fn a_stream_in_order_is_clean() {
    for codec in crate::negotiated::CODECS {
        let count = sent(codec).len() as u64;
        let report = report(codec, |_| ());
        assert_eq!(report.faults, [""; 0], "{codec:?}");
        assert_eq!((report.received, report.missing, report.jumps), (count, 0, 0));
        assert_eq!(report.whole_frames, 50);
        assert_eq!(report.whole_keyframes, u64::from(codec.is_video()));
        assert_eq!(report.longest_gap, INTERVAL);
    }
}

#[test]
fn lost_packets_are_holes_and_no_fault() {
    let report = report(Codec::Vp8, |packets| {
        packets.drain(30..33);
    });
    assert_eq!((report.faults.len(), report.missing), (0, 3));
}

#[test]
fn every_fault_is_found() {
    type Change = fn(&mut Vec<(Instant, Received)>);
    let changes: [(&str, Change); 10] = [
        ("the checksum is wrong", |packets| {
            let mut payload = packets[30].1.payload.to_vec();
            let middle = payload.len() / 2;
            payload[middle] ^= 1;
            packets[30].1.payload = payload.into();
        }),
        ("came twice", |packets| packets.push(packets[30].clone())),
        ("the order is wrong", |packets| {
            let mut again = packets[30].clone();
            again.1.sequence += 5_000;
            packets.push(again);
        }),
        ("missing without a hole", |packets| {
            packets.remove(30);
            packets[30..].iter_mut().for_each(|(_, packet)| packet.sequence -= 1);
        }),
        ("the order is wrong", |packets| {
            let (a, b) = (packets[30].1.sequence, packets[31].1.sequence);
            (packets[30].1.sequence, packets[31].1.sequence) = (b, a);
        }),
        ("the time does not follow", |packets| packets[30].1.timestamp += 9_000),
        ("the time goes back", |packets| packets[30].1.timestamp -= 9_000),
        ("the marker", |packets| packets[30].1.marker ^= true),
        ("no keyframe", |packets| drop(packets.drain(..20))),
        ("SSRC 6", |packets| packets[30].1.ssrc = 6),
    ];
    for (expected, change) in changes {
        let faults = report(Codec::Vp8, change).faults;
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:?}");
    }
}

#[test]
fn a_picture_id_that_does_not_follow_is_found() {
    for codec in [Codec::Vp8, Codec::Vp9] {
        let faults = report(codec, |packets| {
            let mut payload = packets[30].1.payload.to_vec();
            let low = if codec == Codec::Vp8 { 3 } else { 2 };
            payload[low] ^= 1;
            packets[30].1.payload = payload.into();
        });
        assert!(faults.faults.iter().any(|fault| fault.contains("picture numbers")), "{faults:?}");
    }
}

#[test]
fn a_jump_is_no_loss() {
    let report = report(Codec::Opus, |packets| {
        packets[30..].iter_mut().for_each(|(_, packet)| packet.sequence += 512);
    });
    assert_eq!((report.faults.len(), report.missing, report.jumps), (0, 0, 1));
}
