//! The estimator on links of many kinds. Each test prints its figures; the bounds are a little
//! wider than what was found.

use super::cubic::Cubic;
use super::figures::over_seeds;
use super::world::{MS, Sample, Setup, World, link, mean};
use lectern_sim::network::{Config, Outage};
use std::time::Duration;

const MBIT: f64 = 1e6;

fn least_target(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.target).fold(f64::INFINITY, f64::min) / MBIT
}

fn most_target(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.target).fold(0.0, f64::max) / MBIT
}

fn mean_target(samples: &[Sample]) -> f64 {
    mean(samples, |sample| sample.target) / MBIT
}

/// Mbit/s.
fn arrived(samples: &[Sample]) -> f64 {
    mean(samples, |sample| sample.arrived as f64) * 800.0 / MBIT
}

/// The part of the samples of which this holds.
fn part(samples: &[Sample], of: impl Fn(&Sample) -> bool) -> f64 {
    samples.iter().filter(|sample| of(sample)).count() as f64 / samples.len() as f64
}

/// Seconds until this holds.
fn first(samples: &[Sample], of: impl Fn(&Sample) -> bool) -> f64 {
    let found = samples.iter().find(|sample| of(sample));
    found.map_or(f64::INFINITY, |sample| sample.at - samples[0].at)
}

/// Seconds until this holds no more.
fn last(samples: &[Sample], of: impl Fn(&Sample) -> bool) -> f64 {
    let found = samples.iter().rev().find(|sample| of(sample));
    found.map_or(0.0, |sample| sample.at - samples[0].at)
}

#[test]
fn a_clean_link_is_filled_and_stays_so() {
    let names = ["clean: 90 % s", "mean target", "part under 90 %", "queue ms", "lost"];
    let [ramp, target, under, queue, lost] = over_seeds(names, |seed| {
        let mut world = World::new(Setup::new(seed, link(5_000)));
        world.run(30.0);
        let later = world.span(5.0, 30.0);
        let sum = |of: fn(&Sample) -> u64| later.iter().map(of).sum::<u64>() as f64;
        [
            first(&world.samples, |sample| sample.target >= 4.5 * MBIT),
            mean_target(later),
            part(later, |sample| sample.target < 4.5 * MBIT),
            mean(later, |sample| sample.queue),
            1.0 - sum(|sample| sample.arrived) / sum(|sample| sample.sent),
        ]
    });
    assert!(ramp.most() <= 5.0 && ramp.median() <= 0.5);
    assert!(target.least() >= 4.7 && target.most() <= 5.0);
    assert!(under.most() <= 0.03 && under.median() == 0.0);
    assert!(queue.most() <= 30.0 && lost.most() <= 0.02);
}

/// 5 Mbit/s, 0.8 for 15 s, 5 again.
fn step(seed: u64, low: Config) -> [f64; 7] {
    let mut world = World::new(Setup::new(seed, link(5_000)));
    world.run(10.0);
    world.set_link(low);
    world.run(15.0);
    world.set_link(link(5_000));
    world.run(10.0);
    let (drop, low) = (world.span(10.0, 25.0), world.span(11.5, 25.0));
    let sent: Vec<f64> =
        drop.windows(20).map(|w| w.iter().map(|sample| sample.sent as f64 * 40.0).sum()).collect();
    let under = sent.iter().position(|bps| *bps <= 0.8 * MBIT).unwrap_or(sent.len());
    let back = world.span(25.0, 35.0);
    [
        under as f64 / 100.0,
        last(&drop[..300], |sample| sample.queue > 100.0),
        part(low, |sample| sample.queue > 100.0),
        mean_target(low),
        1.0 - arrived(low) / (mean(low, |sample| sample.sent as f64) * 800.0 / MBIT),
        first(back, |sample| sample.target >= 4.5 * MBIT),
        part(world.span(28.0, 35.0), |sample| sample.target < 4.5 * MBIT),
    ]
}

const STEP: [&str; 7] = [
    "step: under capacity s",
    "queue under 100 ms s",
    "part over 100 ms later",
    "mean target at 0.8",
    "lost at 0.8",
    "back at 90 % s",
    "part under 90 % after 3 s",
];

#[test]
fn a_link_that_gets_worse_is_followed_and_taken_up_again() {
    // The queue stays as many bytes as it was: six times longer in time.
    let long = Config { queue: link(5_000).queue, ..link(800) };
    let [under, queue, over, target, _, back, after] =
        over_seeds(STEP, |seed| step(seed, long.clone()));
    assert!(under.most() <= 1.0 && queue.median() <= 1.5);
    assert!(over.median() <= 0.1 && target.least() >= 0.7);
    assert!(back.most() <= 3.0 && after.median() <= 0.02 && after.most() <= 0.2);
    // The queue is one bandwidth-delay product of the slow link: four packets.
    let [under, queue, _, target, lost, back, after] =
        over_seeds(STEP, |seed| step(seed, link(800)));
    // What the queue held before takes a third of a second to leave.
    assert!(under.most() <= 1.0 && queue.most() <= 0.35);
    assert!(target.least() >= 0.7 && lost.most() <= 0.08);
    assert!(back.most() <= 3.0 && after.median() <= 0.02 && after.most() <= 0.2);
}

#[test]
fn random_loss_is_not_taken_for_congestion() {
    for (loss, least, usual) in [(0.02, 4.0, 4.7), (0.1, 3.0, 4.7), (0.3, 0.7, 4.7)] {
        let names = ["loss: 1.2 Mbit/s s", "mean target", "least target", "mean arrived"];
        let [ramp, target, worst, _] = over_seeds(names, |seed| {
            let mut world = World::new(Setup::new(seed, Config { loss, ..link(5_000) }));
            world.run(30.0);
            let later = world.span(5.0, 30.0);
            [
                first(&world.samples, |sample| sample.target >= 1.2 * MBIT),
                mean_target(later),
                least_target(later),
                arrived(later),
            ]
        });
        assert!(ramp.most() <= 6.0 && ramp.median() <= 0.5, "{loss}");
        assert!(worst.least() >= least && target.median() >= usual, "{loss}");
        assert!(target.least() >= 0.85 * usual, "{loss}");
    }
}

#[test]
fn jitter_and_reordering_leave_the_link_in_use() {
    let ordered = Config { jitter: 80 * MS, reordering: 0.05, ..link(5_000) };
    for (link, scatter) in [(ordered, Duration::ZERO), (link(5_000), 80 * MS)] {
        let names = ["jitter: 4 Mbit/s s", "utilisation 10-40 s", "least target", "most target"];
        let [_, used, _, most] = over_seeds(names, |seed| {
            let mut world = World::new(Setup { scatter, ..Setup::new(seed, link.clone()) });
            world.run(40.0);
            let later = world.span(10.0, 40.0);
            [
                first(&world.samples, |sample| sample.target >= 4.0 * MBIT),
                arrived(later) / 5.0,
                least_target(later),
                most_target(later),
            ]
        });
        assert!(used.median() >= 0.85 && used.least() >= 0.75);
        assert!(most.most() <= 12.0);
    }
}

#[test]
fn a_path_that_is_cut_for_moments_keeps_its_rate() {
    let outage = |n: u32| Outage { start: 5_000 * MS * n, length: 300 * MS, every: None };
    let names = ["outages: mean target", "least target"];
    let [target, least] = over_seeds(names, |seed| {
        let outages = (1..8).map(outage).collect();
        let mut world = World::new(Setup::new(seed, Config { outages, ..link(5_000) }));
        world.run(40.0);
        let later = world.span(5.0, 40.0);
        [mean_target(later), least_target(later)]
    });
    assert!(target.least() >= 4.6 && least.least() >= 4.0);
}

/// Our share of the link from 20 s to 100 s, the least of ten seconds of that, and the most.
fn shares(world: &World) -> [f64; 3] {
    let share = |from: f64, to: f64| {
        let samples = world.span(from, to);
        let ours = mean(samples, |sample| sample.arrived as f64);
        ours / (ours + mean(samples, |sample| sample.competitor as f64))
    };
    let parts = (2..10).map(|n| share(f64::from(n) * 10.0, f64::from(n) * 10.0 + 10.0));
    let parts: Vec<f64> = parts.collect();
    let least = parts.iter().copied().fold(1.0, f64::min);
    [share(20.0, 100.0), least, parts.iter().copied().fold(0.0, f64::max)]
}

#[test]
fn a_link_is_shared_with_tcp() {
    for is_late in [false, true] {
        let names = ["cubic: share 20-100 s", "least share in 10 s", "most share in 10 s"];
        let [share, least, most] = over_seeds(names, |seed| {
            let mut world = World::new(Setup::new(seed, link(5_000)));
            if is_late {
                (world.wanted, world.cubic) = (0.0, Some(Cubic::new(world.now)));
            }
            world.run(10.0);
            world.wanted = 8.0 * MBIT;
            if !is_late {
                world.cubic = Some(Cubic::new(world.now));
            }
            world.run(90.0);
            shares(&world)
        });
        assert!(share.least() >= 0.3 && share.most() <= 0.7);
        assert!(least.median() >= 0.3 && most.median() <= 0.7);
    }
}

#[test]
fn what_comes_in_coarse_layers_gets_its_share_beside_tcp() {
    let names = ["layers beside cubic: share", "least share in 10 s", "most share in 10 s"];
    let [share, ..] = over_seeds(names, |seed| {
        let mut world = World::new(Setup::new(seed, link(4_000)));
        world.layers = &[0.15e6, 0.5e6, 0.65e6, 1.0e6, 1.2e6, 1.5e6, 2.2e6, 4.2e6];
        world.wanted = 4.2 * MBIT;
        world.run(10.0);
        world.cubic = Some(Cubic::new(world.now));
        world.run(90.0);
        shares(&world)
    });
    assert!(share.median() >= 0.33 && share.least() >= 0.27 && share.most() <= 0.7);
}

#[test]
fn a_screen_that_was_silent_gets_its_rate_at_once() {
    let names = ["silence: target after it", "Mbit/s in the second after", "probes kB"];
    let [target, rate, probes] = over_seeds(names, |seed| {
        let mut world = World::new(Setup::new(seed, link(5_000)));
        (world.wanted, world.content) = (2.0 * MBIT, 0.0);
        world.run(20.0);
        let probes = world.probes;
        world.content = f64::INFINITY;
        world.run(2.0);
        [mean_target(world.span(19.9, 20.0)), arrived(world.span(20.2, 21.2)), probes as f64 / 1e3]
    });
    assert!(target.least() >= 2.0 && rate.least() >= 1.8);
    assert!(probes.most() <= 60.0, "nothing is probed beyond what can be used");
}

#[test]
fn more_is_probed_for_when_more_is_wanted() {
    let names = ["wanted: 2.7 Mbit/s after s"];
    let [raised] = over_seeds(names, |seed| {
        let mut world = World::new(Setup::new(seed, link(5_000)));
        world.wanted = 0.4 * MBIT;
        // A new path is looked at further than that.
        world.estimator.look_until = 0;
        world.run(10.0);
        assert!(most_target(&world.samples) <= 0.85, "twice what is wanted");
        world.wanted = 3.0 * MBIT;
        world.run(10.0);
        [first(world.span(10.0, 20.0), |sample| sample.target >= 2.7 * MBIT)]
    });
    assert!(raised.median() <= 1.0 && raised.most() <= 3.0);
}
