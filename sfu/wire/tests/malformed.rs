//! Mutated packets of every kind: each parser is fed with 100,000 broken versions of valid packets,
//! every truncation, and every first byte at every short length. None may panic, loop or allocate.

use lectern_wire::rtcp::feedback::IntraEntry;
use lectern_wire::rtcp::transport_wide::FeedbackHeader;
use lectern_wire::rtcp::{ReportBlock, SenderInfo};
use lectern_wire::rtp::{Fields, Form, HeaderWriter};
use lectern_wire::stun::{Builder, ErrorCode, Key, Kind, Role, TransactionId};
use lectern_wire::{
    Bitrate, Class, Error, Mid, NtpTime, PayloadType, Rid, RtpTime, Ssrc, av1, classify,
    dependency, extension, h264, opus, red, rtcp, rtp, rtx, stun, vp8, vp9,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::hint::black_box;
use std::time::Duration;

/// Broken packets of each kind.
const MUTATIONS: usize = 100_000;
/// The longest packet a mutation makes; a few go up to 64 KiB.
const MAX_LEN: usize = 1_500;

/// What a parser made of a packet: whether it took it.
type Consume = fn(&[u8]) -> bool;

/// Adds packets to a compound.
type Write<'a> = dyn Fn(&mut rtcp::Writer<'_>) -> Result<(), Error> + 'a;

const SSRC: Ssrc = Ssrc(0x1234_5678);

#[test]
fn mutated_packets_of_every_kind_are_taken_or_refused() {
    for (index, (name, consume, packets)) in kinds().into_iter().enumerate() {
        let mut random = StdRng::seed_from_u64(index as u64);
        let mut taken = 0;
        for count in 0..MUTATIONS {
            let packet = mutate(&mut random, &packets, count);
            taken += usize::from(consume(&packet));
        }
        // A loop that only made noise, or whose mutations never broke anything, would test nothing.
        assert!((1..MUTATIONS).contains(&taken), "{name}: {taken} of {MUTATIONS} were taken");
    }
}

#[test]
fn every_truncation_of_valid_packets_is_taken_or_refused() {
    for (name, consume, packets) in kinds() {
        for packet in &packets {
            assert!(consume(packet), "{name} is valid: {packet:02x?}");
            for len in 0..packet.len() {
                black_box(consume(&packet[..len]));
            }
        }
    }
}

#[test]
fn every_first_byte_at_every_short_length_is_taken_or_refused() {
    for (_, consume, _) in kinds() {
        for first in 0..=u8::MAX {
            for fill in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                for len in 0..64 {
                    let mut packet = vec![fill; len];
                    if let Some(byte) = packet.first_mut() {
                        *byte = first;
                    }
                    black_box((classify(&packet), consume(&packet)));
                }
            }
        }
    }
}

#[test]
fn packets_of_64_kib_are_taken_or_refused() {
    let mut random = StdRng::seed_from_u64(64);
    for (_, consume, packets) in kinds() {
        for packet in &packets {
            let mut long = packet.clone();
            long.resize(65_535, 0);
            black_box(consume(&long));
            random.fill(&mut long[packet.len()..]);
            black_box(consume(&long));
        }
    }
}

/// Each kind: its name, its parser, and valid packets.
fn kinds() -> Vec<(&'static str, Consume, Vec<Vec<u8>>)> {
    vec![
        ("rtp", consume_rtp, rtp_packets()),
        ("rtcp", consume_rtcp, rtcp_packets()),
        ("stun", consume_stun, stun_packets()),
        (
            "vp8",
            consume_vp8,
            vec![
                vec![0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00],
                vec![0xb0, 0xf0, 0x92, 0x34, 0x56, 0xa7, 0x01, 0x02],
                vec![0x90, 0x80, 0x12, 0x01],
            ],
        ),
        (
            "vp9",
            consume_vp9,
            vec![
                vec![0xf8, 0x92, 0x34, 0x35, 0x03, 0x04, 0xaa],
                vec![
                    0xaa, 0x12, 0x00, 0x07, 0x38, 1, 64, 0, 240, 2, 128, 1, 224, 2, 4, 1, 40, 1, 2,
                    0,
                ],
            ],
        ),
        (
            "h264",
            consume_h264,
            vec![
                vec![0x65, 0xaa],
                vec![0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 3, 0x65, 1, 2],
                vec![0x7c, 0x85, 0xaa],
                vec![0x18, 0, 4, 0x0e, 0x80, 0x00, 0x47, 0, 2, 0x01, 0xaa],
                vec![0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x1e, 0x90],
            ],
        ),
        ("dependency", consume_dependency, vec![DEPENDENCY_KEYFRAME.to_vec()]),
        (
            "av1",
            consume_av1,
            vec![
                vec![0x18, 0x30, 0xaa],
                vec![0x20, 1, 0x08, 0x30, 0xaa],
                vec![0x00, 0x81, 0x80, 0x00, 0x30, 2, 0x30, 0xaa],
            ],
        ),
        (
            "red",
            consume_red,
            vec![
                vec![0xef, 0x1e, 0x00, 0x02, 0xef, 0x0f, 0x00, 0x01, 111, 1, 2, 3, 4, 5, 6],
                vec![111, 1, 2, 3],
            ],
        ),
        ("opus", consume_opus, vec![vec![0x78, 1, 2, 3], vec![0x7b, 6, 1], vec![0x78]]),
        ("extension", consume_extension, vec![vec![0x30, 0x31, 0x61], vec![0x61; 16]]),
        ("rtx", |packet| rtx::split(packet).is_ok(), vec![vec![1, 2, 3]]),
    ]
}

/// One to four changes of a valid packet.
fn mutate(random: &mut StdRng, packets: &[Vec<u8>], count: usize) -> Vec<u8> {
    let mut packet = packets[count % packets.len()].clone();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=packet.len());
        match random.random_range(0..8) {
            0 => packet.truncate(at),
            1 => packet.extend((0..random.random_range(0..40)).map(|_| at as u8)),
            2 => packet.insert(at, random.random()),
            3 => {
                let other = &packets[random.random_range(0..packets.len())];
                let from = random.random_range(0..=other.len());
                packet.truncate(at);
                packet.extend_from_slice(&other[from..]);
            }
            change => {
                if let Some(byte) = packet.get_mut(at) {
                    *byte = match change {
                        4 => random.random(),
                        5 => *byte ^ 1 << random.random_range(0..8),
                        6 => 0xff,
                        _ => 0x00,
                    };
                }
            }
        }
        packet.truncate(MAX_LEN);
    }
    packet
}

fn consume_rtp(packet: &[u8]) -> bool {
    let Ok(view) = rtp::View::parse(packet) else { return false };
    assert_eq!(
        view.header.payload_start() + view.payload().len() + view.padding_len(),
        packet.len()
    );
    assert!(view.contributing_sources().count() <= 15);
    for (id, value) in view.extensions() {
        assert!(value.len() <= 255 && id != 0);
        black_box(view.extensions().find(id));
        consume_extension(value);
    }
    let mut copy = packet.to_vec();
    let set = rtp::set_marker(&mut copy, true)
        .and_then(|()| rtp::set_payload_type(&mut copy, PayloadType::from_low_bits(1)))
        .and_then(|()| rtp::set_sequence(&mut copy, 1))
        .and_then(|()| rtp::set_timestamp(&mut copy, RtpTime(1)))
        .and_then(|()| rtp::set_ssrc(&mut copy, Ssrc(1)));
    set.is_ok() && classify(packet) != Class::Stun
}

fn consume_extension(value: &[u8]) -> bool {
    let taken = [
        extension::AudioLevel::parse(value).map(|level| level.to_bytes()[0]).is_ok(),
        extension::TransportSequence::parse(value).is_ok(),
        extension::AbsoluteSendTime::parse(value).map(|time| time.to_duration()).is_ok(),
        extension::AbsoluteCaptureTime::parse(value).map(|time| time.captured.to_unix()).is_ok(),
        extension::PlayoutDelay::parse(value).is_ok(),
        extension::VideoOrientation::parse(value).is_ok(),
        Mid::parse(value).map(|mid| mid.as_str().len()) == Ok(value.len()),
        Rid::parse(value).map(|rid| rid.as_str().len()) == Ok(value.len()),
    ];
    taken[0] && taken[6]
}

fn consume_rtcp(packet: &[u8]) -> bool {
    let mut packets = 0;
    let mut whole = true;
    for packet in rtcp::packets(packet) {
        packets += 1;
        assert!(packets <= rtcp::MAX_PACKETS + 1);
        match packet {
            Ok(packet) => consume_rtcp_packet(&packet),
            Err(_) => whole = false,
        }
    }
    whole && packets > 0
}

fn consume_rtcp_packet(packet: &rtcp::Packet<'_>) {
    match packet {
        rtcp::Packet::SenderReport(report) => {
            black_box(report.info.ntp.to_unix());
            black_box(report.blocks().filter_map(|b| b.round_trip(report.info.ntp)).max());
        }
        rtcp::Packet::ReceiverReport(report) => assert!(report.blocks().count() <= 31),
        rtcp::Packet::Description(description) => assert!(description.items().count() <= 124),
        rtcp::Packet::Goodbye(goodbye) => assert!(goodbye.sources().count() <= 31),
        rtcp::Packet::Nack(nack) => {
            assert!(nack.sequences().count() <= rtcp::nack::MAX_PAIRS * 17);
        }
        rtcp::Packet::TransportFeedback(feedback) => {
            let read = feedback.statuses().count();
            assert_eq!(read, usize::from(feedback.status_count));
            let first = feedback.statuses().find_map(|status| status.arrival);
            black_box(first.map(|arrival| arrival.micros_since(feedback.reference())));
        }
        rtcp::Packet::FullIntraRequest(request) => {
            assert!(request.entries().count() <= rtcp::feedback::MAX_ENTRIES);
        }
        rtcp::Packet::BitrateEstimate(estimate) => assert!(estimate.sources().count() <= 255),
        rtcp::Packet::PictureLoss(_) | rtcp::Packet::Skipped { .. } => {}
    }
}

fn consume_stun(packet: &[u8]) -> bool {
    let Ok(message) = stun::Message::parse(packet) else { return false };
    black_box(message.username_fragments());
    message.verify(&Key::new(b"password")) || !message.has_integrity()
}

fn consume_vp8(packet: &[u8]) -> bool {
    let Ok(descriptor) = vp8::Descriptor::parse(packet) else { return false };
    descriptor.rewrite(&mut packet.to_vec(), 0xffff, 0xff).is_ok()
}

fn consume_vp9(packet: &[u8]) -> bool {
    let Ok(descriptor) = vp9::Descriptor::parse(packet) else { return false };
    black_box(descriptor.starts_keyframe());
    descriptor.rewrite(&mut packet.to_vec(), 0xffff, 0xff).is_ok()
}

fn consume_h264(packet: &[u8]) -> bool {
    h264::Payload::parse(packet).is_ok_and(|payload| payload.units <= h264::MAX_AGGREGATED_UNITS)
}

/// The keyframe of L1T2: template ids 60 to 62, two decode targets, one chain, 640×360.
const DEPENDENCY_KEYFRAME: [u8; 15] =
    [0xfc, 0x00, 0x07, 0x87, 0x81, 0x1e, 0xa8, 0x51, 0x41, 0x01, 0x0c, 0x09, 0xfc, 0x05, 0x9c];

fn consume_dependency(value: &[u8]) -> bool {
    let Ok(structure) = dependency::Structure::parse(value) else { return false };
    assert!(structure.target_layers().len() <= dependency::MAX_TARGETS);
    let Ok(descriptor) = dependency::Descriptor::parse(value, &structure) else { return false };
    let mut out = [0; 70_000];
    let written = dependency::write_active_targets(value, descriptor.mask, 1, &mut out);
    written.is_ok_and(|len| len <= value.len() + 5)
}

fn consume_av1(packet: &[u8]) -> bool {
    av1::Payload::parse(packet).is_ok_and(|payload| payload.elements <= av1::MAX_ELEMENTS)
}

fn consume_red(packet: &[u8]) -> bool {
    let Ok(blocks) = red::Blocks::parse(packet) else { return false };
    assert!(blocks.count() <= red::MAX_BLOCKS);
    red::map_payload_types(&mut packet.to_vec(), Some).is_ok()
}

fn consume_opus(packet: &[u8]) -> bool {
    opus::Toc::parse(packet).is_ok_and(|toc| toc.duration <= Duration::from_millis(120))
}

fn rtp_packets() -> Vec<Vec<u8>> {
    let fields = Fields {
        marker: true,
        payload_type: PayloadType::from_low_bits(96),
        sequence: 65_535,
        timestamp: RtpTime(u32::MAX),
        ssrc: SSRC,
    };
    let one: &[(u8, &[u8])] = &[(1, b"0"), (3, &[1, 2]), (10, b"hi"), (14, &[9; 16])];
    let two: &[(u8, &[u8])] = &[(1, b"0"), (0x20, &[7; 40]), (255, b"")];
    [(Form::OneByte, one), (Form::TwoByte, two), (Form::OneByte, &[])]
        .into_iter()
        .map(|(form, elements)| {
            let mut buffer = [0; 400];
            let mut writer = HeaderWriter::new(&mut buffer, &fields, form).expect("fits");
            for (id, value) in elements {
                writer.extension(*id, value).expect("fits");
            }
            let len = writer.finish().expect("fits") + 20;
            let len = rtp::pad(&mut buffer, len, 5).expect("fits");
            buffer[..len].to_vec()
        })
        .collect()
}

fn rtcp_packets() -> Vec<Vec<u8>> {
    let info = SenderInfo { ntp: NtpTime(u64::MAX), rtp: RtpTime(0), packets: 1, payload_bytes: 2 };
    let block = ReportBlock {
        ssrc: SSRC,
        fraction_lost: 1,
        cumulative_lost: -1,
        highest_sequence: 3,
        jitter: 4,
        last_sender_report: 5,
        delay_since_last: 6,
    };
    let header =
        FeedbackHeader { sender: SSRC, media: SSRC, base_sequence: 65_530, feedback_count: 0 };
    let arrivals: Vec<_> =
        (0..60).map(|n| (n % 7 != 3).then(|| Duration::from_millis(n * n))).collect();
    let write: [&Write<'_>; 8] = [
        &|w| w.sender_report(SSRC, &info, &[block; 2]),
        &|w| w.receiver_report(SSRC, &[block; 3]),
        &|w| w.canonical_name(&[SSRC, Ssrc(1)], b"name").and_then(|()| w.goodbye(&[SSRC])),
        &|w| w.nack(SSRC, SSRC, [1, 2, 5, 65_535]).map(|_| ()),
        &|w| w.picture_loss(SSRC, SSRC),
        &|w| w.full_intra_request(SSRC, &[IntraEntry { media: SSRC, sequence: 1 }; 2]),
        &|w| w.bitrate_estimate(SSRC, Bitrate::kbps(2_500), &[SSRC]),
        &|w| w.transport_feedback(&header, &arrivals).map(|_| ()),
    ];
    let mut packets: Vec<Vec<u8>> = write
        .iter()
        .map(|write| {
            let mut buffer = [0; 600];
            let mut writer = rtcp::Writer::new(&mut buffer);
            write(&mut writer).expect("fits");
            let len = writer.len();
            buffer[..len].to_vec()
        })
        .collect();
    packets.push(packets.concat());
    packets
}

fn stun_packets() -> Vec<Vec<u8>> {
    let key = Key::new(b"password");
    let transaction = TransactionId([7; 12]);
    let mut packets = Vec::new();
    let mut buffer = [0; stun::MAX_BUILT_LEN];
    for kind in [Kind::Request, Kind::Indication, Kind::Success, Kind::Error] {
        let builder = Builder::new(&mut buffer, kind, transaction).expect("fits");
        let builder = match kind {
            Kind::Request => builder
                .username(b"ours", b"theirs")
                .and_then(|b| b.priority(1))
                .and_then(|b| b.role(Role::Controlling(2)))
                .and_then(Builder::use_candidate),
            Kind::Indication => Ok(builder),
            Kind::Success => builder.mapped_address("[2001:db8::1]:5".parse().expect("an address")),
            Kind::Error => builder.error_code(ErrorCode { code: 487, reason: b"Role Conflict" }),
        };
        let len = builder.and_then(|b| b.finish(&key)).expect("fits");
        packets.push(buffer[..len].to_vec());
        // Without the fingerprint, so that mutations come further than its check.
        let mut bare = buffer[..len - 8].to_vec();
        let body = (bare.len() - 20) as u16;
        bare[2..4].copy_from_slice(&body.to_be_bytes());
        packets.push(bare);
    }
    packets
}
