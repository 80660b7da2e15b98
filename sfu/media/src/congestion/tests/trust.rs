//! Receivers that lie, feedback that is lost or makes no sense, and clients without any.

use super::figures::over_seeds;
use super::world::{Honesty, MS, Sample, Setup, World, link, mean};
use crate::congestion::{Config, Estimator, Sent};
use lectern_sim::network;
use lectern_wire::rtcp::transport_wide::FeedbackHeader;
use lectern_wire::rtcp::{Packet, Writer, packets};
use lectern_wire::{Bitrate, DataSize, Ssrc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

fn most_target(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.target).fold(0.0, f64::max) / 1e6
}

#[test]
fn a_liar_gets_little_more_than_what_arrives() {
    for (honesty, most) in [(Honesty::NoDelay, 1.7), (Honesty::Everything, 1.5)] {
        let names = ["liar on 0.5 Mbit/s: sent, as a multiple", "most target at last, Mbit/s"];
        let [sent, target] = over_seeds(names, |seed| {
            let mut world = World::new(Setup { honesty, ..Setup::new(seed, link(500)) });
            world.run(30.0);
            let later = world.span(5.0, 30.0);
            let sent = mean(later, |sample| sample.sent as f64) * 800.0 / 0.5e6;
            [sent, most_target(world.span(20.0, 30.0))]
        });
        assert!(sent.most() <= most, "{honesty:?}");
        assert!(target.median() <= 0.8 && target.most() <= 1.8, "{honesty:?}");
    }
}

#[test]
fn feedback_that_is_lost_doubled_late_or_broken_leaves_an_estimate() {
    let bad = network::Config {
        loss: 0.1,
        duplication: 0.3,
        reordering: 0.3,
        reordering_delay: 120 * MS,
        delay: 25 * MS,
        ..network::Config::default()
    };
    for (loss, mutilate, usual) in [(0.1, false, 3.0), (0.3, false, 0.4), (0.1, true, 0.0)] {
        let names = ["bad feedback: mean target", "most target"];
        let [target, most] = over_seeds(names, |seed| {
            let back = network::Config { loss, ..bad.clone() };
            let mut world = World::new(Setup { back, ..Setup::new(seed, link(5_000)) });
            world.mutilate = mutilate;
            world.run(30.0);
            let later = world.span(5.0, 30.0);
            [mean(later, |sample| sample.target) / 1e6, most_target(later)]
        });
        assert!(target.median() >= usual && most.most() <= 8.0);
    }
}

#[test]
fn a_receiver_whose_clock_jumps_is_understood() {
    let [target] = over_seeds(["clock jumps: mean target"], |seed| {
        let mut world = World::new(Setup::new(seed, link(5_000)));
        for jump in [0, 1_000_000, 5, 1_073_700, 40_000, 0] {
            world.jump = Duration::from_secs(jump);
            world.run(5.0);
        }
        [mean(world.span(5.0, 30.0), |sample| sample.target) / 1e6]
    });
    assert!(target.least() >= 4.0);
}

#[test]
fn a_client_without_transport_feedback_is_held_by_remb_and_reports() {
    for (loss, least) in [(0.0, 4.0), (0.1, 3.0), (0.3, 1.0)] {
        let [target, most] = over_seeds(["REMB: mean target", "most target"], |seed| {
            let config = network::Config { loss, ..link(5_000) };
            let mut world =
                World::new(Setup { honesty: Honesty::Remb, ..Setup::new(seed, config) });
            world.run(30.0);
            let later = world.span(10.0, 30.0);
            [mean(later, |sample| sample.target) / 1e6, most_target(later)]
        });
        assert!(target.least() >= least && most.most() <= 4.75);
    }
}

fn estimator(now: Instant) -> Estimator {
    let config = Config {
        least: Bitrate::kbps(50),
        start: Bitrate::kbps(1_000),
        most: Bitrate::kbps(20_000),
        sequence: 65_000,
        seed: 7,
    };
    Estimator::new(now, config)
}

/// Feedback about packets from `first` on, with the arrival of each.
fn feed(estimator: &mut Estimator, now: Instant, first: u16, arrivals: &[Option<Duration>]) {
    let header =
        FeedbackHeader { sender: Ssrc(1), media: Ssrc(2), base_sequence: first, feedback_count: 0 };
    let mut bytes = vec![0; 4_000];
    let mut writer = Writer::new(&mut bytes);
    if writer.transport_feedback(&header, arrivals).is_err() {
        return;
    }
    let len = writer.len();
    for packet in packets(&bytes[..len]) {
        if let Ok(Packet::TransportFeedback(feedback)) = packet {
            estimator.handle_transport_feedback(now, &feedback);
        }
    }
}

#[test]
fn feedback_about_what_was_never_sent_is_congestion() {
    let start = Instant::now();
    let mut estimator = estimator(start);
    let invented = [Some(Duration::from_secs(9))];
    feed(&mut estimator, start + 100 * MS, 30_000, &invented);
    assert_eq!(estimator.target(), Bitrate::kbps(1_000), "may be meant for who sent before");
    for step in 1..=30 {
        let now = start + Duration::from_secs(4) + 300 * MS * step;
        feed(&mut estimator, now, 30_000 + step as u16, &invented);
    }
    assert_eq!(estimator.target(), Bitrate::kbps(50));
}

#[test]
fn silence_of_the_receiver_lowers_the_rate() {
    let start = Instant::now();
    let mut estimator = estimator(start);
    let mut now = start;
    let sequence = estimator.sent(now, DataSize::bytes(1_000), Sent::Media);
    feed(&mut estimator, now + 50 * MS, sequence, &[Some(Duration::from_secs(1))]);
    let before = estimator.target();
    for _ in 0..300 {
        now += 20 * MS;
        estimator.sent(now, DataSize::bytes(1_000), Sent::Media);
        while estimator.deadline().is_some_and(|at| at <= now) {
            estimator.handle_timeout(now);
        }
    }
    assert!(estimator.target().as_bps() * 8 <= before.as_bps(), "{:?}", estimator.target());
}

#[test]
fn nothing_is_probed_where_nothing_is_wanted() {
    let start = Instant::now();
    let mut estimator = estimator(start);
    estimator.set_wanted(start, Bitrate::ZERO);
    assert_eq!(estimator.probe(), None);
    estimator.set_wanted(start, Bitrate::kbps(1_200));
    let probe = estimator.probe().expect("more is wanted");
    assert_eq!(probe.rate, Bitrate::kbps(2_400));
    assert!(probe.bytes <= DataSize::bytes(20_000) && probe.packets <= 6);
    // Nobody has anything to send it with.
    estimator.handle_timeout(start + Duration::from_secs(3));
    assert_eq!(estimator.probe(), None);
}

#[test]
fn the_pacer_is_faster_than_the_estimate_and_drains_its_queue() {
    let start = Instant::now();
    let mut estimator = estimator(start);
    assert_eq!(estimator.pacing_rate(), Bitrate::kbps(1_250));
    estimator.set_backlog(start, DataSize::bytes(125_000));
    assert_eq!(estimator.pacing_rate(), Bitrate::kbps(1_750));
}

#[test]
fn no_input_leads_out_of_bounds() {
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let start = Instant::now();
        let mut estimator = estimator(start);
        let mut now = start;
        for _ in 0..300 {
            let far = random.random_bool(0.02);
            now += Duration::from_micros(
                random.random_range(0..if far { u64::MAX >> 24 } else { 1 << 17 }),
            );
            let wild = Bitrate::bps(random.random::<u64>() >> random.random_range(0..64));
            match random.random_range(0..9) {
                0 => estimator.handle_remb(now, wild),
                1 => estimator.handle_report(now, f64::from_bits(random.random()), random.random()),
                2 => estimator.handle_round_trip(now, Duration::from_nanos(random.random())),
                3 => estimator.set_wanted(now, wild),
                4 => estimator.set_backlog(now, DataSize::bytes(random.random())),
                5 => estimator.handle_timeout(now),
                6 => {
                    let first = random.random();
                    let arrivals: Vec<_> = (0..random.random_range(1..50))
                        .map(|_| Some(Duration::from_micros(random.random::<u64>() >> 20)))
                        .collect();
                    feed(&mut estimator, now, first, &arrivals);
                }
                _ => {
                    let kind = estimator.probe().map_or(Sent::Media, |probe| Sent::Probe(probe.id));
                    let size =
                        DataSize::bytes(random.random::<u64>() >> random.random_range(40..64));
                    let sequence = estimator.sent(now, size, kind);
                    let arrival = Duration::from_micros(random.random_range(0..1 << 30));
                    feed(&mut estimator, now, sequence, &[Some(arrival)]);
                }
            }
            let target = estimator.target();
            assert!((Bitrate::kbps(50)..=Bitrate::kbps(20_000)).contains(&target), "{target:?}");
            assert!((0.0..=1.0).contains(&estimator.loss()));
            assert!(estimator.pacing_rate() <= Bitrate::kbps(40_000));
        }
    }
}
