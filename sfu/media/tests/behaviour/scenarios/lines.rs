//! Lines that cannot take all: what a subscriber gets, and what it is told.

use super::{MS, assert_clean};
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, World};
use lectern_control::node::{Event, StreamState};
use lectern_sim::frame::Codec;
use lectern_sim::network::Config;
use lectern_wire::Bitrate;
use rand::RngExt;

/// What the node has told of a viewer's pictures.
fn states(world: &World, viewer: usize) -> Vec<StreamState> {
    let id = world.peers[viewer].id;
    let told = world.nodes[0].events.iter().filter_map(|(_, event)| match event {
        Event::StreamStates { peer, states } if *peer == id => Some(states.clone()),
        _ => None,
    });
    told.flatten().map(|(_, state)| state).collect()
}

#[test]
fn slow_line() {
    seeds::run("slow_line", |seed| {
        let mut world = World::new(seed, 1);
        let round_trip = MS * world.random.random_range(20..100);
        let wide = Config::bottleneck(Bitrate::kbps(5_000), round_trip);
        let publisher = world.connect(&Join::over(&Config::default()));
        let viewer = world.connect(&Join::over(&wide));
        let codec = [Codec::Vp8, Codec::H264][world.random.random_range(0..2)];
        for codec in [Codec::Opus, codec] {
            let track = world.publish(publisher, &Publish::of(codec));
            world.subscribe(viewer, track);
        }
        world.run_for(3_000 * MS);
        assert_eq!(states(&world, viewer), [], "there is room for all");
        // A third of what the picture needs: it is paused and said to be, and the sound goes on.
        // The queue keeps its bytes: of a tenth of a second at such a rate not one packet would fit.
        let narrow = Config { rate: Some(Bitrate::kbps(150)), ..wide.clone() };
        world.peers[viewer].down.set_config(narrow);
        world.run_for(5_000 * MS);
        assert_eq!(states(&world, viewer).last(), Some(&StreamState::Paused));
        let before = world.peers[viewer].down.counters();
        world.run_for(3_000 * MS);
        let after = world.peers[viewer].down.counters();
        let lost = after.overflowed - before.overflowed;
        assert!(lost * 10 <= after.pushed - before.pushed, "{lost} of a line that was full");
        // And back, without anybody's asking.
        world.peers[viewer].down.set_config(wide.clone());
        world.run_for(8_000 * MS);
        assert_eq!(states(&world, viewer).last(), Some(&StreamState::Active));
        let source = &world.peers[publisher].sources[1];
        let (_, next_frame) = source.next_frame();
        let video = world.report(viewer, 1);
        assert_clean("video", &video);
        assert_clean("sound", &world.report(viewer, 0));
        let (_, last) = video.ends.expect("something was received");
        assert!(last.frame + 30 > next_frame, "the picture is live again: {last:?} {next_frame}");
    });
}
