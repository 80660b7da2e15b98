//! Simulcast by rid: the best live encoding is forwarded, and every change is seamless.

use super::{MS, assert_whole, settle, some_path};
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, World};
use lectern_sim::frame::Codec;
use lectern_sim::network::Config;
use rand::RngExt;
use std::collections::BTreeSet;

#[test]
fn simulcast() {
    seeds::run("simulcast", |seed| {
        let mut world = World::new(seed, 1);
        let loss = world.random.random_range(0.0..0.02);
        let network = Config { loss, ..some_path(&mut world) };
        let publisher =
            world.connect(&Join { client_is_controlling: true, ..Join::over(&network) });
        let viewer = world.connect(&Join::over(&network));
        let codec = [Codec::Vp8, Codec::H264][world.random.random_range(0..2)];
        let publish = Publish { rids: vec!["q", "h", "f"], max_packets: 2, ..Publish::of(codec) };
        let track = world.publish(publisher, &publish);
        world.subscribe(viewer, track);
        let mut newest = BTreeSet::new();
        // The encoder gives the best layer up, then the next, and takes them back.
        for (encoding, is_live) in [(2, false), (1, false), (1, true), (2, true)] {
            world.run_for(3_000 * MS);
            newest.extend(world.peers[viewer].ledgers[0].newest().map(|stamp| stamp.encoding));
            world.peers[publisher].sources[0].set_live(encoding, is_live);
        }
        world.run_for(3_000 * MS);
        newest.extend(world.peers[viewer].ledgers[0].newest().map(|stamp| stamp.encoding));
        settle(&mut world);
        let report = world.report(viewer, 0);
        assert_whole("over the layers", &report);
        assert_eq!(newest, BTreeSet::from([0, 1, 2]), "each layer was the best in its time");
        assert_eq!(report.ends.expect("some").1.encoding, 2, "the best layer came back");
        // The node waits 700 ms for the layer that is gone, and 500 ms for a request that is lost.
        assert!(report.longest_gap < 2_500 * MS, "{report:?}");
    });
}
