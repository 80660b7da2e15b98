//! People who come late, come back, pause, or are muted.

use super::{MS, assert_clean, assert_whole, settle, some_path, some_video};
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, World};
use lectern_control::media::Wish;
use lectern_control::node::{Command, CommandError};
use lectern_control::transport::Permissions;
use lectern_sim::frame::Codec;
use lectern_sim::network::Config;
use rand::RngExt;

#[test]
fn late_join() {
    seeds::run("late_join", |seed| {
        let mut world = World::new(seed, 1);
        let network = some_path(&mut world);
        let publisher = world.connect(&Join::over(&network));
        let codec = some_video(&mut world);
        let tracks = [Codec::Opus, codec].map(|c| world.publish(publisher, &Publish::of(c)));
        world.run_for_some(500..5_000);
        let asked_before = world.peers[publisher].keyframe_requests;
        let late = world.join(&Join::over(&network));
        for track in tracks {
            world.subscribe(late, track);
        }
        world.run_for(3_000 * MS);
        settle(&mut world);
        let connected_at = world.peers[late].connected_at.expect("connected");
        let round_trip = network.delay * 2 + network.jitter * 2;
        for ledger in [0, 1] {
            let report = world.report(late, ledger);
            assert_whole("after joining late", &report);
            let waited = report.first_at.expect("something").duration_since(connected_at);
            assert!(waited < round_trip * 2 + 40 * MS, "waited {waited:?} for {round_trip:?}");
        }
        let asked = world.peers[publisher].keyframe_requests - asked_before;
        assert_eq!(asked, 0, "the keyframe came from the node's memory");
        assert!(world.report(late, 1).whole_keyframes >= 1);
    });
}

#[test]
fn late_join_lossy() {
    // str0m asks for what is missing among the latest 100 packets only: the burst that brings a late
    // joiner up to date must be shorter, and the round trip short.
    seeds::run("late_join_lossy", |seed| {
        let mut world = World::new(seed, 1);
        let loss = world.random.random_range(0.01..0.05);
        let delay = MS * world.random.random_range(2..30);
        let network = Config { loss, delay, ..some_path(&mut world) };
        let publisher = world.connect(&Join::over(&network));
        let codec = some_video(&mut world);
        let tracks = [Codec::Opus, codec].map(|c| world.publish(publisher, &Publish::of(c)));
        world.run_for_some(200..600);
        let late = world.connect(&Join::over(&network));
        for track in tracks {
            world.subscribe(late, track);
        }
        world.run_for(5_000 * MS);
        settle(&mut world);
        assert_clean("sound after joining late", &world.report(late, 0));
        let video = world.report(late, 1);
        if video.missing > 0 {
            eprintln!("{:?} {:?}", world.nodes[0].drops(), world.nodes[0].engine.counters());
        }
        assert_whole("video after joining late", &video);
        assert!(video.whole_keyframes >= 1, "{video:?}");
    });
}

#[test]
fn pause_and_resume() {
    seeds::run("pause_and_resume", |seed| {
        let mut world = World::new(seed, 1);
        let network = some_path(&mut world);
        let publisher = world.connect(&Join::over(&network));
        let viewer = world.connect(&Join::over(&network));
        let codec = some_video(&mut world);
        let tracks = [Codec::Opus, codec].map(|codec| {
            let track = world.publish(publisher, &Publish::of(codec));
            world.subscribe(viewer, track);
            track
        });
        let peer = world.peers[viewer].id;
        for _ in 0..3 {
            world.run_for_some(200..1_500);
            for hidden in [true, false] {
                let wish = Wish { hidden, ..Wish::default() };
                for track in tracks {
                    world.command(0, Command::SetWish { peer, track: track.id, wish });
                }
                if hidden {
                    // What was under way when the pause began still comes.
                    world.run_for(network.delay + network.jitter + MS);
                    let before = world.peers[viewer].ledgers[1].received();
                    world.run_for_some(100..1_500);
                    let after = world.peers[viewer].ledgers[1].received();
                    assert_eq!(before, after, "nothing comes while hidden");
                }
            }
        }
        world.run_for(1_000 * MS);
        settle(&mut world);
        for ledger in [0, 1] {
            assert_whole("over pauses", &world.report(viewer, ledger));
        }
    });
}

#[test]
fn publisher_restart() {
    seeds::run("publisher_restart", |seed| {
        let mut world = World::new(seed, 1);
        let network = some_path(&mut world);
        let viewer = world.connect(&Join::over(&network));
        let codec = some_video(&mut world);
        for life in 0..2 {
            let publisher = world.connect(&Join::over(&network));
            for codec in [Codec::Opus, codec] {
                let track = world.publish(publisher, &Publish::of(codec));
                world.subscribe(viewer, track);
            }
            let subscribed_at = world.now;
            world.run_for_some(1_000..3_000);
            let video = world.report(viewer, 2 * life + 1);
            let waited = video.first_at.expect("a picture").duration_since(subscribed_at);
            assert!(waited < network.delay * 4 + 100 * MS, "waited {waited:?}");
            // The page is gone at once: no BYE, no DTLS alert.
            let peer = world.peers[publisher].id;
            world.command(0, Command::RemovePeer { peer });
            world.run_for(network.delay + network.jitter + MS);
            let ledgers = |world: &World| {
                world.peers[viewer].ledgers.iter().map(|l| l.received()).collect::<Vec<_>>()
            };
            let before = ledgers(&world);
            world.run_for(500 * MS);
            assert_eq!(before, ledgers(&world), "nothing comes of a peer that was removed");
        }
        for ledger in 0..4 {
            assert_whole("one life", &world.report(viewer, ledger));
        }
        assert_eq!(world.nodes[0].engine.counters().peers, 1);
        assert_eq!(world.nodes[0].engine.counters().tracks, 0);
    });
}

/// What was not admitted gets not one packet; what is taken away ends at once.
#[test]
fn permissions() {
    seeds::run("permissions", |seed| {
        let mut world = World::new(seed, 1);
        let network = some_path(&mut world);
        let publisher = world.connect(&Join::over(&network));
        let lobby = world.connect(&Join { permissions: Permissions::NONE, ..Join::over(&network) });
        let video = world.publish(publisher, &Publish::of(Codec::Vp8));
        let ledger = world.subscribe_refused(lobby, video);
        assert_eq!(ledger, Err(CommandError::NotPermitted));
        world.run_for(1_000 * MS);
        assert_eq!(world.peers[lobby].audit.rtp_packets, 0, "nobody admitted it");

        let peer = world.peers[lobby].id;
        let permissions = Permissions { publish: false, ..Permissions::ALL };
        world.command(0, Command::SetPermissions { peer, permissions });
        world.subscribe(lobby, video);
        world.run_for(1_000 * MS);
        assert_clean("admitted", &world.report(lobby, 0));

        world.command(0, Command::SetPermissions { peer, permissions: Permissions::NONE });
        let sent = world.peers[lobby].audit.rtp_packets;
        world.run_for(1_000 * MS);
        assert_eq!(world.peers[lobby].audit.rtp_packets, sent, "not one packet more");
    });
}
