//! The scenarios: one test each, its share of the seeds beside its name.

mod data;
mod faults;
mod joining;
mod lines;
mod malformed;
mod moving;
mod numbers;
mod simulcast;
mod sound;
mod talkers;

use crate::world::World;
use lectern_sim::frame::Codec;
use lectern_sim::ledger::Report;
use lectern_sim::network::Config;
use rand::RngExt;
use std::time::Duration;

/// One millisecond.
pub const MS: Duration = Duration::from_millis(1);
/// Time for the last repairs, after the sources have stopped.
pub const SETTLE: Duration = Duration::from_millis(1_500);

/// A path with a delay of 2 to 60 ms and a little jitter, and no faults.
pub fn some_path(world: &mut World) -> Config {
    Config {
        delay: MS * world.random.random_range(2..60),
        jitter: MS * world.random.random_range(0..5),
        ..Config::default()
    }
}

/// One of the video codecs.
pub fn some_video(world: &mut World) -> Codec {
    [Codec::Vp8, Codec::Vp9, Codec::H264][world.random.random_range(0..3)]
}

/// Nothing is wrong with what was received.
pub fn assert_clean(what: &str, report: &Report) {
    assert!(report.faults.is_empty(), "{what}: {:#?}", report.faults);
    assert!(report.received > 0, "{what}: nothing was received");
}

/// Nothing is wrong and nothing is missing.
pub fn assert_whole(what: &str, report: &Report) {
    assert_clean(what, report);
    assert_eq!(report.missing, 0, "{what}: packets are missing after repair: {report:?}");
}

/// Lets every source rest for as long as the last repairs take.
pub fn settle(world: &mut World) {
    for peer in &mut world.peers {
        for source in &mut peer.sources {
            source.pause(SETTLE * 2);
        }
    }
    world.run_for(SETTLE);
}
