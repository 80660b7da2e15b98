//! Faults of the network: loss, bursts of it, reordering, duplication, outages.

use super::{MS, assert_clean, assert_whole, settle, some_path, some_video};
use crate::audit::Trace;
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, Track, World};
use lectern_media::DropReason;
use lectern_sim::frame::Codec;
use lectern_sim::network::{Burst, Config, Outage};
use rand::RngExt;
use std::time::Duration;

/// A call of one publisher and two viewers over one kind of network each way.
struct Call {
    world: World,
    viewers: [usize; 2],
    video: Track,
}

const AUDIO: usize = 0;
const VIDEO: usize = 1;
/// How long the sources send.
const LENGTH: Duration = Duration::from_secs(5);

impl Call {
    /// Everybody is connected and subscribed, nothing was sent yet.
    fn begin(seed: u64, network: impl FnOnce(&mut World) -> Config) -> Call {
        let mut world = World::new(seed, 1);
        let network = network(&mut world);
        let codec = some_video(&mut world);
        let publisher =
            world.connect(&Join { client_is_controlling: true, ..Join::over(&network) });
        let viewers = [0; 2].map(|_| world.connect(&Join::over(&network)));
        let audio = world.publish(publisher, &Publish::of(Codec::Opus));
        let video = world.publish(publisher, &Publish::of(codec));
        for viewer in viewers {
            assert_eq!(world.subscribe(viewer, audio), AUDIO);
            assert_eq!(world.subscribe(viewer, video), VIDEO);
        }
        Call { world, viewers, video }
    }

    /// A whole call.
    fn over(seed: u64, network: impl FnOnce(&mut World) -> Config) -> Call {
        let mut call = Call::begin(seed, network);
        call.world.run_for(LENGTH);
        settle(&mut call.world);
        call
    }

    /// Video is whole; sound has only those holes that the network made.
    fn assert_repaired(&self) {
        for viewer in self.viewers {
            assert_clean("sound", &self.world.report(viewer, AUDIO));
            let video = self.world.report(viewer, VIDEO);
            assert_whole("video", &video);
            assert!(video.longest_gap < 700 * MS, "{video:?}");
            assert_eq!((video.squeezed, video.replays), (0, 0), "live all the time: {video:?}");
        }
    }
}

/// A seed that failed can be replayed: nothing depends on anything else.
#[test]
fn replay() {
    seeds::run("replay", |seed| {
        let [first, second] = [0, 1].map(|_| {
            let call = Call::over(seed, |world| Config {
                loss: 0.03,
                reordering: 0.03,
                duplication: 0.03,
                ..some_path(world)
            });
            call.world.peers.into_iter().map(|peer| peer.trace).collect::<Vec<_>>()
        });
        for (peer, (first, second)) in first.iter().zip(&second).enumerate() {
            let same = first.iter().zip(second).take_while(|(a, b)| a == b).count();
            let around = |trace: &Trace| -> Trace {
                trace.iter().skip(same.saturating_sub(3)).take(6).copied().collect()
            };
            assert!(
                same == first.len() && same == second.len(),
                "client {peer}, from datagram {same} on: {:?}, {:?}",
                around(first),
                around(second)
            );
        }
    });
}

#[test]
fn good_network() {
    seeds::run("good_network", |seed| {
        let call = Call::over(seed, some_path);
        for viewer in call.viewers {
            for ledger in [AUDIO, VIDEO] {
                let report = call.world.report(viewer, ledger);
                assert_whole("a good network", &report);
                assert!(report.whole_frames > 120, "{report:?}");
            }
        }
        call.assert_repaired();
    });
}

#[test]
fn loss() {
    seeds::run("loss", |seed| {
        let call = Call::over(seed, |world| Config {
            loss: world.random.random_range(0.005..0.05),
            ..some_path(world)
        });
        call.assert_repaired();
    });
}

#[test]
fn burst_loss() {
    seeds::run("burst_loss", |seed| {
        let call = Call::over(seed, |world| {
            let leave = world.random.random_range(0.3..0.6);
            let burst = Burst { enter: 0.005, leave, loss: 0.9 };
            Config { burst: Some(burst), ..some_path(world) }
        });
        call.assert_repaired();
    });
}

#[test]
fn reordering() {
    seeds::run("reordering", |seed| {
        // str0m takes nothing from before the first packet that came: that one is in its place.
        let mut call = Call::begin(seed, some_path);
        call.world.run_for(300 * MS);
        let network = Config {
            reordering: call.world.random.random_range(0.01..0.1),
            reordering_delay: MS * call.world.random.random_range(1..40),
            ..some_path(&mut call.world)
        };
        (0..call.world.peers.len()).for_each(|peer| call.world.set_network(peer, &network));
        call.world.run_for(LENGTH);
        settle(&mut call.world);
        call.assert_repaired();
        for viewer in call.viewers {
            let sound = call.world.report(viewer, AUDIO);
            let drops = call.world.nodes[0].drops();
            assert_eq!(sound.missing, 0, "sound only changed places: {sound:?} {drops:?}");
        }
    });
}

#[test]
fn duplication() {
    seeds::run("duplication", |seed| {
        let call = Call::over(seed, |world| Config {
            duplication: world.random.random_range(0.02..0.3),
            ..some_path(world)
        });
        call.assert_repaired();
        let replayed = call.world.nodes[0].dropped(DropReason::SrtpReplayed);
        assert!(replayed > 0, "the node counts what came twice");
    });
}

#[test]
fn outage() {
    seeds::run("outage", |seed| {
        let mut call = Call::begin(seed, some_path);
        call.world.run_for(2_000 * MS);
        let length = MS * call.world.random.random_range(100..2_500);
        // Of the publisher, or of one viewer.
        let cut = call.world.random.random_range(0..2);
        let start = call.world.now - call.world.began;
        let peer = &mut call.world.peers[cut];
        for link in [&mut peer.up, &mut peer.down] {
            let outages = vec![Outage { start, length, every: None }];
            link.set_config(Config { outages, ..link.config().clone() });
        }
        call.world.run_for(length + 3_000 * MS);
        let publisher = &call.world.peers[call.video.publisher];
        let (_, next_frame) = publisher.sources[call.video.source].next_frame();
        for viewer in call.viewers {
            assert_clean("sound", &call.world.report(viewer, AUDIO));
            let video = call.world.report(viewer, VIDEO);
            assert_clean("video", &video);
            assert!(video.longest_gap < length + 1_000 * MS, "{length:?}: {video:?}");
            let (_, last) = video.ends.expect("something was received");
            assert!(last.frame + 15 > next_frame, "the picture is live again: {last:?}");
        }
    });
}
