//! A live call goes from one node to another: export, restore, nothing used twice.

use super::{MS, assert_clean, settle, some_path, some_video};
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, World};
use lectern_control::node::{Command, Event};
use lectern_sim::frame::Codec;
use lectern_sim::network::Config;
use rand::RngExt;
use std::time::Duration;

const OLD: usize = 0;
const NEW: usize = 1;
/// How long the old node goes on receiving.
const OVERLAP: Duration = Duration::from_millis(500);

/// Moves everybody: the state of each peer is some milliseconds on its way.
fn move_all(world: &mut World, way: Duration) {
    let peers = 0..world.peers.len();
    let states: Vec<_> = peers.clone().map(|peer| world.export(OLD, peer)).collect();
    world.run_for(way);
    for (peer, state) in peers.clone().zip(states) {
        world.restore(NEW, peer, state);
    }
    world.run_for(OVERLAP);
    for peer in peers {
        let peer = world.peers[peer].id;
        world.command(OLD, Command::RemovePeer { peer });
    }
}

/// A call of one publisher and two viewers, each held warm on the new node.
fn call(seed: u64, loss: f64) -> (World, [usize; 2]) {
    call_of(seed, loss, |join| join)
}

/// A call whose publisher joins in another way.
fn call_of(seed: u64, loss: f64, publisher: impl Fn(Join) -> Join) -> (World, [usize; 2]) {
    let mut world = World::new(seed, 2);
    let network = Config { loss, ..some_path(&mut world) };
    let join = Join { standby: Some(NEW), ..Join::over(&network) };
    let publisher = world.connect(&publisher(join.clone()));
    let viewers = [0; 2].map(|_| world.connect(&join));
    let codec = some_video(&mut world);
    for codec in [Codec::Opus, codec] {
        let track = world.publish(publisher, &Publish::of(codec));
        for viewer in viewers {
            world.subscribe(viewer, track);
        }
    }
    (world, viewers)
}

fn assert_moved(world: &mut World, viewers: [usize; 2], longest_gap: Duration) {
    settle(world);
    for viewer in viewers {
        for ledger in [0, 1] {
            let report = world.report(viewer, ledger);
            assert_clean("over the move", &report);
            assert_eq!(report.jumps, 1, "the move is one jump: {report:?}");
            assert_eq!(report.blind_jumps, 0, "video resumes with a keyframe: {report:?}");
            assert!(report.longest_gap < longest_gap, "{report:?}");
        }
    }
    let connected = |event: &&Event| matches!(event, Event::PeerConnected { .. });
    let handshakes = world.nodes[NEW].events.iter().filter(|(_, e)| connected(&e)).count();
    assert_eq!(handshakes, 0, "the new node shook no hands");
    assert_eq!(world.nodes[OLD].engine.counters().peers, 0);
    assert_eq!(world.nodes[NEW].engine.counters().peers, world.peers.len() as u64);
}

#[test]
fn export_and_restore() {
    seeds::run("export_and_restore", |seed| {
        let (mut world, viewers) = call(seed, 0.0);
        world.run_for_some(1_000..3_000);
        let way = MS * world.random.random_range(0..60);
        move_all(&mut world, way);
        world.run_for(2_000 * MS);
        assert_moved(&mut world, viewers, 500 * MS);
        let moved = world.nodes[NEW].events.iter();
        let moved = moved.filter(|(_, event)| matches!(event, Event::PeerMoved { .. })).count();
        assert_eq!(moved, world.peers.len(), "every client's path has moved");
        for viewer in viewers {
            // Live to the end, and what repair can bring is there.
            for ledger in [0, 1] {
                let report = world.report(viewer, ledger);
                assert_eq!(report.missing, 0, "{report:?}");
            }
        }
    });
}

#[test]
fn export_and_restore_lossy() {
    seeds::run("export_and_restore_lossy", |seed| {
        let loss = 0.005 + (seed % 5) as f64 * 0.005;
        let (mut world, viewers) = call(seed, loss);
        world.run_for_some(1_000..3_000);
        let way = MS * world.random.random_range(0..60);
        move_all(&mut world, way);
        world.run_for(3_000 * MS);
        // The request for the keyframe may be lost, and what makes it up again.
        assert_moved(&mut world, viewers, 1_500 * MS);
    });
}

/// The browser offered, and only the first node is named: the new one makes itself known by a
/// request of higher priority.
#[test]
fn restore_unannounced() {
    seeds::run("restore_unannounced", |seed| {
        let (mut world, viewers) =
            call_of(seed, 0.0, |join| Join { client_is_controlling: true, standby: None, ..join });
        world.run_for_some(1_000..3_000);
        move_all(&mut world, 20 * MS);
        world.run_for(2_000 * MS);
        assert_moved(&mut world, viewers, 1_000 * MS);
    });
}
