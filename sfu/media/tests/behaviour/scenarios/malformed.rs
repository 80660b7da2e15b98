//! Datagrams that nobody should send, into a live call: before and after authentication. A bystander
//! notices nothing, and each is counted under its reason.

use super::{MS, assert_whole, settle, some_path};
use crate::intruder::{FIRST_RTX_SSRC, FIRST_SSRC, Intruder, MID_ID, TRACKS};
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, World};
use lectern_control::media::{Extension, ExtensionId, PayloadMapping, SubscriptionParameters};
use lectern_control::node::Command;
use lectern_media::DropReason;
use lectern_sim::frame::Codec;
use lectern_wire::rtcp::transport_wide::FeedbackHeader;
use lectern_wire::rtcp::{ReportBlock, Writer};
use lectern_wire::{Bitrate, Class, Ssrc, classify};
use rand::RngExt;
use std::net::SocketAddr;
use std::time::Duration;

/// A call of a publisher and a bystander, and an intruder in the same room.
struct Scene {
    world: World,
    bystander: usize,
    intruder: Intruder,
}

const EXTENSIONS: [ExtensionId; 3] = [
    ExtensionId { id: 1, extension: Extension::AudioLevel },
    ExtensionId { id: 3, extension: Extension::TransportWideSequence },
    ExtensionId { id: MID_ID, extension: Extension::Mid },
];

impl Scene {
    fn new(seed: u64) -> Scene {
        let mut world = World::new(seed, 1);
        let network = some_path(&mut world);
        let publisher = world.connect(&Join::over(&network));
        let bystander = world.connect(&Join::over(&network));
        for codec in [Codec::Opus, Codec::Vp8] {
            let track = world.publish(publisher, &Publish::of(codec));
            world.subscribe(bystander, track);
        }
        let intruder = Intruder::join(&mut world, &EXTENSIONS);
        // Somebody receives the intruder's tracks, so that they are rewritten and forwarded.
        let peer = world.peers[publisher].id;
        for (place, (track, _, from, rtx)) in Intruder::tracks().enumerate() {
            let ssrc = 0x7000_0000 + 2 * place as u32;
            let payloads = vec![PayloadMapping { from, to: from, rtx }];
            let rtx_ssrc = rtx.map(|_| ssrc + 1);
            let mid = format!("x{place}");
            let parameters =
                SubscriptionParameters { mid, ssrc, rtx_ssrc, payloads, red: None, repeats: false };
            world.command(0, Command::Subscribe { peer, track, parameters });
        }
        world.run_for(500 * MS);
        Scene { world, bystander, intruder }
    }

    fn drops(&self) -> u64 {
        self.world.nodes[0].engine.counters().drops.iter().sum()
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.world.nodes[0].dropped(reason)
    }

    /// The bystander has received everything, and the call goes on.
    fn assert_unhurt(mut self) {
        self.world.run_for(500 * MS);
        settle(&mut self.world);
        for ledger in [0, 1] {
            let report = self.world.report(self.bystander, ledger);
            assert_whole("what the bystander receives", &report);
            assert!(report.longest_gap < 60 * MS, "{report:?}");
        }
    }
}

/// Every first byte at every short length, and some long ones: from strangers, and in the name of a
/// client and of the intruder.
#[test]
fn malformed_datagrams() {
    seeds::run("malformed_datagrams", |seed| {
        let mut scene = Scene::new(seed);
        let stranger = SocketAddr::from(([10, 77, 7, 7], 7_777));
        let known = scene.world.peers[0].address();
        let (before, mut given) = (scene.drops(), 0);
        for first in 0..=u8::MAX {
            for len in (0..64).chain([600, 1_500, 9_000, 65_507]) {
                let fill = scene.world.random.random();
                let mut bytes = vec![fill; len];
                scene.world.random.fill(&mut bytes[..len.min(64)]);
                if let Some(byte) = bytes.first_mut() {
                    *byte = first;
                }
                for from in [stranger, known, scene.intruder.address] {
                    scene.world.inject(0, from, bytes.clone());
                    given += 1;
                }
            }
            scene.world.run_for(MS);
        }
        // DTLS silently discards what is no record of its own (RFC 6347 section 4.1.2.7).
        let dropped = scene.drops() - before;
        assert!(
            dropped >= given * 8 / 10,
            "{dropped} of {given}: {:?}",
            scene.world.nodes[0].drops()
        );
        for reason in [
            DropReason::UnknownProtocol,
            DropReason::UnknownAddress,
            DropReason::Malformed,
            DropReason::SrtpUnauthenticated,
        ] {
            assert!(scene.dropped(reason) > 0, "{}", reason.name());
        }
        scene.assert_unhurt();
    });
}

/// Datagrams of the live call itself: cut anywhere, changed anywhere, sent again.
#[test]
fn mutilated_datagrams() {
    seeds::run("mutilated_datagrams", |seed| {
        let mut scene = Scene::new(seed);
        let publisher = scene.world.peers[0].address();
        scene.world.peers[0].captured = Some(Vec::new());
        scene.world.run_for(1_000 * MS);
        let captured = scene.world.peers[0].captured.take().expect("was set");
        assert!(captured.len() > 80, "{}", captured.len());
        // Those that are under way arrive first.
        scene.world.run_for(100 * MS);
        let replayed = scene.dropped(DropReason::SrtpReplayed);
        for bytes in &captured {
            scene.world.inject(0, publisher, bytes.clone());
        }
        assert!(scene.dropped(DropReason::SrtpReplayed) > replayed + 50);
        let forged = scene.dropped(DropReason::SrtpUnauthenticated);
        let (before, mut given, mut futures) = (scene.drops(), 0, 0);
        for bytes in &captured {
            for _ in 0..40 {
                let mut changed = bytes.clone();
                let at = scene.world.random.random_range(0..changed.len());
                if scene.world.random.random() {
                    changed.truncate(at);
                } else {
                    changed[at] ^= 1 << scene.world.random.random_range(0..8);
                }
                scene.world.inject(0, publisher, changed);
                given += 1;
            }
            if classify(bytes) == Class::Rtp {
                // As if it were one of the next packets: it must not move the rollover counter.
                let mut future = bytes.clone();
                future[2] = future[2].wrapping_add(0x20);
                scene.world.inject(0, publisher, future);
                futures += 1;
            }
            scene.world.run_for(MS);
        }
        let dropped = scene.drops() - before;
        let drops = scene.world.nodes[0].drops();
        // What changes only a check's FINGERPRINT leaves a valid check.
        assert!(dropped + 20 >= given + futures, "{dropped} of {given} and {futures}: {drops:?}");
        assert!(scene.dropped(DropReason::SrtpUnauthenticated) >= forged + futures, "{drops:?}");
        scene.assert_unhurt();
    });
}

/// RTP whose authentication is right and whose contents are not.
#[test]
fn broken_rtp() {
    seeds::run("broken_rtp", |seed| {
        let mut scene = Scene::new(seed);
        let malformed = scene.dropped(DropReason::Malformed);
        for (place, packets) in broken_packets().into_iter().enumerate() {
            for packet in packets {
                let Scene { world, intruder, .. } = &mut scene;
                intruder.send_rtp(world, &packet);
                if place % 8 == 0 {
                    world.run_for(MS);
                }
            }
        }
        for _ in 0..4_000 {
            let Scene { world, intruder, .. } = &mut scene;
            let (track, (_, payload_type, _)) = {
                let track = world.random.random_range(0..TRACKS.len());
                (track, TRACKS[track])
            };
            let len = world.random.random_range(0..40);
            let payload: Vec<u8> = (0..len).map(|_| world.random.random()).collect();
            intruder.send_rtp(world, &rtp(0x80, payload_type, ssrc(track), &payload));
            if world.random.random_bool(0.02) {
                world.run_for(MS);
                intruder.exchange(world);
            }
        }
        assert!(scene.dropped(DropReason::Malformed) > malformed + 20);
        for reason in
            [DropReason::UnknownStream, DropReason::UnknownPayloadType, DropReason::AwaitsKeyframe]
        {
            assert!(scene.dropped(reason) > 0, "{}", reason.name());
        }
        scene.assert_unhurt();
    });
}

fn ssrc(track: usize) -> u32 {
    FIRST_SSRC + track as u32
}

fn rtp(first: u8, payload_type: u8, ssrc: u32, rest: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = ssrc.to_be_bytes();
    [&[first, payload_type, 0, 0, 0, 0, 0, 1, a, b, c, d], rest].concat()
}

/// Padding, extensions, retransmissions, descriptors: each kind of contradiction.
fn broken_packets() -> Vec<Vec<Vec<u8>>> {
    let vp8 = 2;
    let (pt, rtx) = (TRACKS[vp8].1, TRACKS[vp8].2.expect("VP8 has repairs"));
    let padding = (0..=255).map(|count| rtp(0xa0, pt, ssrc(vp8), &[1, 2, 3, count])).collect();
    let sources = (0..15).map(|words| {
        let rest = vec![0; words * 4];
        rtp(0x80 | words as u8, pt, ssrc(vp8), &rest)
    });
    let elements: [&[u8]; 9] = [
        &[0xbe, 0xde, 0, 1, 0, 0, 0, 0],
        &[0xbe, 0xde, 0, 1, 0xf0, 0, 0, 0],
        &[0xbe, 0xde, 0, 1, 0x0f, 0, 0, 0],
        &[0xbe, 0xde, 0, 1, 0x4f, 0, 0, 0],
        &[0xbe, 0xde, 0, 1, 0x40, 0xff, 0x10, 0],
        &[0xbe, 0xde, 0, 2, 0x43, 0, b'i', b'2', 0, 0, 0, 0],
        &[0x10, 0x00, 0, 1, MID_ID, 255, 0, 0],
        &[0x10, 0x0f, 0, 1, MID_ID, 0, 3, 1],
        &[0x12, 0x34, 0, 0],
    ];
    let extensions =
        elements.map(|element| rtp(0x90, pt, ssrc(vp8), &[element, &[0x10, 0x00]].concat()));
    // Under SSRCs not seen before, so that the mid decides.
    let long_mid = [&[0x10, 0x00, 0, 64, MID_ID, 253][..], &[b'i'; 254]].concat();
    let mids = (0..40).map(|n| rtp(0x90, pt, 0xbad_2000 + n, &long_mid));
    let repairs = [&[][..], &[1], &[0xff, 0xff], &[0xff, 0xff, 0x10, 0x00], &[3, 0xe8, 0]];
    let repairs = repairs.map(|payload| rtp(0x80, rtx, FIRST_RTX_SSRC + vp8 as u32, payload));
    // A repair's payload type on the media's SSRC, and the other way round.
    let crossed = vec![
        rtp(0x80, rtx, ssrc(vp8), &[0, 1, 0x10, 0]),
        rtp(0x80, pt, FIRST_RTX_SSRC + vp8 as u32, &[0x10, 0]),
        rtp(0x80, 127, ssrc(vp8), &[0x10, 0]),
        rtp(0x80, 127, 0xbad_3000, &[0x10, 0]),
    ];
    let descriptors = TRACKS.iter().enumerate().flat_map(|(place, (_, pt, _))| {
        let starts: [&[u8]; 7] = [
            &[0x90, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xff; 8],
            &[0x0a, 0x08, 255, 0xff, 0xff, 0xff],
            &[0x78, 0xff, 0xff, 0x67, 0x00, 0x00],
            &[0x7c, 0xc5, 0x00],
            &[0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xef, 0xff, 0xff, 0xff, 0x6f],
        ];
        starts.into_iter().flat_map(move |start| {
            (0..=start.len()).map(move |len| rtp(0x80, *pt, ssrc(place), &start[..len]))
        })
    });
    vec![
        padding,
        sources.collect(),
        extensions.to_vec(),
        mids.collect(),
        repairs.to_vec(),
        crossed,
        descriptors.collect(),
        vec![rtp(0x80, pt, ssrc(vp8), &[0x55; 1_400]), rtp(0x80, pt, ssrc(vp8), &[0; 9_000])],
    ]
}

/// RTCP whose authentication is right and whose contents are not.
#[test]
fn broken_rtcp() {
    seeds::run("broken_rtcp", |seed| {
        let mut scene = Scene::new(seed);
        let malformed = scene.dropped(DropReason::Malformed);
        let unknown = scene.dropped(DropReason::UnknownReport);
        let valid = valid_rtcp();
        for round in 0..8_000 {
            let Scene { world, intruder, .. } = &mut scene;
            let mut packet = valid[round % valid.len()].clone();
            for _ in 0..world.random.random_range(0..4) {
                // The first eight bytes name version, type and sender, which SRTCP needs.
                let at = world.random.random_range(0..packet.len());
                packet[at] = [0, 0xff, world.random.random()][world.random.random_range(0..3)];
            }
            if world.random.random_bool(0.2) {
                packet.truncate(world.random.random_range(8..=packet.len()));
            }
            if packet[0] >> 6 == 2 && (192..224).contains(&packet[1]) {
                intruder.send_rtcp(world, &packet);
            }
            if round % 100 == 0 {
                world.run_for(MS);
                intruder.exchange(world);
            }
        }
        assert!(scene.dropped(DropReason::Malformed) > malformed + 500);
        assert!(scene.dropped(DropReason::UnknownReport) > unknown);
        scene.assert_unhurt();
    });
}

/// RTCP of each kind about streams of the intruder, of others, and of nobody.
fn valid_rtcp() -> Vec<Vec<u8>> {
    let sender = Ssrc(FIRST_SSRC);
    let media = [Ssrc(FIRST_SSRC), Ssrc(0x7000_0000), Ssrc(1), Ssrc(0)];
    let arrivals: Vec<_> = (0..200).map(|n| (n % 3 != 0).then_some(MS * n)).collect();
    let blocks = media.map(|ssrc| ReportBlock {
        ssrc,
        fraction_lost: 255,
        cumulative_lost: -1,
        highest_sequence: u32::MAX,
        jitter: u32::MAX,
        last_sender_report: 1,
        delay_since_last: u32::MAX,
    });
    let write = |fill: &dyn Fn(&mut Writer<'_>)| {
        let mut buffer = [0; 1_400];
        let mut writer = Writer::new(&mut buffer);
        fill(&mut writer);
        let len = writer.len();
        buffer[..len].to_vec()
    };
    let header =
        FeedbackHeader { sender, media: media[0], base_sequence: 65_530, feedback_count: 9 };
    let mut all = vec![
        write(&|w| w.receiver_report(sender, &blocks).expect("fits")),
        write(&|w| w.canonical_name(&media, &[b'x'; 100]).expect("fits")),
        write(&|w| w.goodbye(&media).expect("fits")),
        write(&|w| w.bitrate_estimate(sender, Bitrate::bps(u64::MAX), &media).expect("fits")),
        write(&|w| {
            w.transport_feedback(&header, &arrivals).expect("fits");
        }),
    ];
    for media in media {
        all.push(write(&|w| {
            w.nack(sender, media, 0..2_000).expect("fits");
        }));
        all.push(write(&|w| w.picture_loss(sender, media).expect("fits")));
    }
    // Bodies without length, without end, and of no kind.
    let [a, b, c, d] = sender.0.to_be_bytes();
    for (count, packet_type) in [(31, 200), (31, 201), (31, 202), (31, 203), (1, 205), (15, 205)]
        .into_iter()
        .chain([(1, 206), (4, 206), (15, 206), (0, 204), (0, 207), (0, 223)])
    {
        all.push(vec![0x80 | count, packet_type, 0, 1, a, b, c, d]);
        all.push(vec![0x80 | count, packet_type, 0xff, 0xff, a, b, c, d, 0, 0, 0, 0]);
        all.push([&[0xa0 | count, packet_type, 0, 9, a, b, c, d][..], &[0xff; 32]].concat());
    }
    all
}

/// The bystander's call takes no harm from whom it shares a room with, over the whole of it.
#[test]
fn storm_of_requests() {
    seeds::run("storm_of_requests", |seed| {
        let mut scene = Scene::new(seed);
        let asked = scene.world.peers[0].keyframe_requests;
        let began = scene.world.now;
        let request = {
            let mut buffer = [0; 1_400];
            let mut writer = Writer::new(&mut buffer);
            let (sender, media) = (Ssrc(FIRST_SSRC), Ssrc(0x7000_0004));
            writer.picture_loss(sender, media).expect("fits");
            writer.nack(sender, media, 0..3_000).expect("fits");
            let len = writer.len();
            buffer[..len].to_vec()
        };
        while scene.world.now < began + Duration::from_secs(2) {
            let Scene { world, intruder, .. } = &mut scene;
            for _ in 0..20 {
                intruder.send_rtcp(world, &request);
            }
            world.run_for(MS);
            intruder.exchange(world);
        }
        let asked = scene.world.peers[0].keyframe_requests - asked;
        assert_eq!(asked, 0, "the publisher is asked for nothing that is not its own");
        scene.assert_unhurt();
    });
}
