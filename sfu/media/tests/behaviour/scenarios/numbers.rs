//! Numbers that wrap and change: sequence numbers, rollover counters, SSRCs.

use super::{MS, assert_clean, assert_whole, settle, some_path, some_video};
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, World};
use lectern_sim::frame::Codec;
use lectern_sim::network::Config;
use lectern_wire::SeqNo;
use rand::RngExt;

/// A publisher and a viewer.
fn pair(world: &mut World, network: &Config) -> (usize, usize) {
    let publisher = world.connect(&Join { client_is_controlling: true, ..Join::over(network) });
    (publisher, world.connect(&Join::over(network)))
}

#[test]
fn sequence_wraps() {
    seeds::run("sequence_wraps", |seed| {
        let mut world = World::new(seed, 1);
        let loss = world.random.random_range(0.0..0.03);
        let network = Config { loss, ..some_path(&mut world) };
        let (publisher, viewer) = pair(&mut world, &network);
        let first_sequence = Some(65_535 - world.random.random_range(64..150));
        let video = Publish { first_sequence, ..Publish::of(some_video(&mut world)) };
        let tracks = [
            world.publish(publisher, &Publish { first_sequence, ..Publish::of(Codec::Opus) }),
            world.publish(publisher, &video),
        ];
        for track in tracks {
            world.subscribe(viewer, track);
        }
        world.run_for(4_000 * MS);
        settle(&mut world);
        assert_clean("sound over the wrap", &world.report(viewer, 0));
        assert_whole("video over the wrap", &world.report(viewer, 1));
    });
}

#[test]
fn rollover_counter() {
    seeds::run("rollover_counter", |seed| {
        let mut world = World::new(seed, 1);
        let network = some_path(&mut world);
        let (publisher, viewer) = pair(&mut world, &network);
        let codec = some_video(&mut world);
        for codec in [Codec::Opus, codec] {
            let track = world.publish(publisher, &Publish::of(codec));
            world.subscribe(viewer, track);
        }
        // Some 12 rollovers; the jumps are within what SRTP can tell (RFC 3711 section 3.3.1).
        for _ in 0..40 {
            world.run_for_some(60..200);
            let skip = world.random.random_range(1..30_000);
            for source in &mut world.peers[publisher].sources {
                source.skip_sequences(skip);
            }
        }
        settle(&mut world);
        for ledger in [0, 1] {
            let report = world.report(viewer, ledger);
            assert_clean("over the rollovers", &report);
            assert!(report.longest_gap < 700 * MS, "{report:?}");
        }
        let sound = world.report(viewer, 0);
        assert_eq!(sound.received, sound.whole_frames);
        assert!(sound.received > 200, "{sound:?}");
    });
}

#[test]
fn egress_rollover() {
    seeds::run("egress_rollover", |seed| {
        let mut world = World::new(seed, 1);
        let network = some_path(&mut world);
        let (publisher, viewer) = pair(&mut world, &network);
        // Two rollovers' worth of packets, one each millisecond.
        let fast = Publish { interval: MS, ..Publish::of(Codec::Opus) };
        let track = world.publish(publisher, &fast);
        world.subscribe(viewer, track);
        world.run_for(MS * 140_000);
        settle(&mut world);
        let report = world.report(viewer, 0);
        assert_whole("over two rollovers", &report);
        assert!(report.received > 139_000, "{report:?}");
        let highest = world.peers[viewer].audit.highest.values().max().copied();
        assert!(highest > Some(SeqNo(3 << 16)), "{highest:?}");
    });
}

#[test]
fn ssrc_change() {
    seeds::run("ssrc_change", |seed| {
        let mut world = World::new(seed, 1);
        let network = some_path(&mut world);
        let (publisher, viewer) = pair(&mut world, &network);
        let codec = some_video(&mut world);
        let tracks = [Codec::Opus, codec].map(|codec| {
            let track = world.publish(publisher, &Publish::of(codec));
            world.subscribe(viewer, track);
            track
        });
        let changes = world.random.random_range(1..4);
        for _ in 0..changes {
            world.run_for_some(300..2_000);
            tracks.iter().for_each(|track| world.restart(*track));
        }
        world.run_for(1_000 * MS);
        settle(&mut world);
        for ledger in [0, 1] {
            let report = world.report(viewer, ledger);
            assert_whole("over the change", &report);
            let (_, last) = report.ends.expect("something was received");
            assert_eq!(last.incarnation, changes, "the last SSRC is forwarded");
            assert!(report.longest_gap < 300 * MS, "{report:?}");
        }
    });
}
