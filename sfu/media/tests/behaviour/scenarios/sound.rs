//! Sound over a path that loses much of it: what a listener has to do without.

use super::{MS, some_path};
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, Track, World};
use lectern_control::media::SubscriptionParameters;
use lectern_control::node::Command;
use lectern_sim::frame::Codec;
use lectern_sim::listener::{Expected, Heard, Listener};
use lectern_sim::network::Config;
use rand::RngExt;
use std::cell::Cell;
use std::time::Duration;

/// How long somebody talks.
const LENGTH: Duration = Duration::from_secs(120);
/// How long a path must be clean until nothing is paid for it any more, where reports are five seconds
/// apart: two steps of ten seconds, and a report more for each.
const CALM: Duration = Duration::from_secs(50);
/// One way: a round trip of 50 ms.
const DELAY: Duration = Duration::from_millis(25);
/// Of fewer packets the share is a matter of chance, as where one seed is replayed.
const ENOUGH: u64 = 50_000;

impl World {
    /// Subscribes a client that knows redundancy and asks for lost sound again.
    fn listen(&mut self, subscriber: usize, track: Track, depth: Duration) {
        let ssrc = self.random.random_range(1..u32::MAX);
        let payloads = self.peers[subscriber].payloads_from(&self.peers[track.publisher]);
        let (now, peer) = (self.now, &mut self.peers[subscriber]);
        let mid = format!("l{}", peer.listeners.len());
        peer.client.expect_repeats(&mid, ssrc);
        let config = peer.client.config();
        let (plain, _) = config.payload_types(Codec::Opus);
        let payload_types = [plain, config.redundant_type()];
        let expected = Expected { track: track.id.0 as u8, ssrc, payload_types, depth };
        peer.listeners.push(Listener::new(now, expected));
        let red = Some(payload_types[1]);
        let parameters =
            SubscriptionParameters { mid, ssrc, rtx_ssrc: None, payloads, red, repeats: true };
        let (node, peer) = (peer.node, peer.id);
        self.command(node, Command::Subscribe { peer, track: track.id, parameters });
    }
}

/// One talks, and one listens over a path that loses so much of what comes down, with a jitter buffer
/// of the usual depth.
fn talk(seed: u64, loss: f64) -> Heard {
    let mut world = World::new(seed, 1);
    let good = some_path(&mut world);
    let publisher = world.connect(&Join::over(&good));
    let near = Config { delay: DELAY, jitter: MS * 3, ..Config::default() };
    let listener = world.connect(&Join::over(&near));
    let track = world.publish(publisher, &Publish::of(Codec::Opus));
    let depth = MS * world.random.random_range(60..=100);
    world.listen(listener, track, depth);
    world.peers[listener].down.set_config(Config { loss, ..near.clone() });
    world.run_for(LENGTH);
    // And a path that is clean again needs no redundancy.
    let heard = world.peers[listener].listeners[0].report();
    world.peers[listener].down.set_config(near);
    world.run_for(CALM);
    let before = world.peers[listener].listeners[0].report();
    world.run_for(MS * 2_000);
    let after = world.peers[listener].listeners[0].report();
    assert_eq!(after.redundant, before.redundant, "a clean path pays nothing");
    assert!(world.peers[listener].audit.repeats > 0, "what is asked for is repeated");
    heard
}

/// The part of all packets that listeners did without, over many calls.
fn concealed(scenario: &str, loss: f64, at_most: f64) {
    let sum = Cell::new(Heard::default());
    seeds::run(scenario, |seed| {
        let mut all = sum.get();
        all += talk(seed, loss);
        sum.set(all);
    });
    let all = sum.get();
    let share = all.concealed as f64 / all.expected as f64;
    let [bytes, primary] = [all.bytes, all.primary_bytes].map(|bytes| bytes as f64);
    println!(
        "{:.0} % lost: {:.3} % of {} packets concealed, {:.2} times the bytes of the sound itself",
        loss * 100.0,
        share * 100.0,
        all.expected,
        bytes / primary
    );
    assert!(all.expected < ENOUGH || share <= at_most, "{share}: {all:?}");
}

#[test]
fn lossy_sound() {
    concealed("lossy_sound", 0.1, 0.003);
}

#[test]
fn very_lossy_sound() {
    concealed("very_lossy_sound", 0.3, 0.03);
}
