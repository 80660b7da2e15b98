//! What the network does to packets, in virtual time.

use super::*;

const PACKET: DataSize = DataSize::bytes(1_000);
const MS: Duration = Duration::from_millis(1);

/// Sends `count` numbered packets, one a millisecond, and returns them with their delays.
fn send(config: Config, seed: u64, count: u32) -> (Vec<(u32, Duration)>, Counters) {
    let began = Instant::now();
    let mut link = Link::new(began, config, seed);
    let mut received = Vec::new();
    for step in 0..count + 60_000 {
        let now = began + MS * step;
        if step < count {
            link.push(now, PACKET, step);
        }
        while let Some(number) = link.pop(now) {
            received.push((number, now - (began + MS * number)));
        }
        if step >= count && link.deadline().is_none() {
            break;
        }
    }
    (received, link.counters())
}

#[test]
fn a_perfect_path_changes_nothing() {
    let (received, counters) = send(Config::default(), 1, 1_000);
    assert!(received.iter().enumerate().all(|(n, got)| *got == (n as u32, Duration::ZERO)));
    assert_eq!((counters.pushed, counters.popped), (1_000, 1_000));
}

#[test]
fn the_same_seed_gives_the_same_network() {
    let config = Config {
        delay: 10 * MS,
        jitter: 30 * MS,
        loss: 0.1,
        reordering: 0.1,
        duplication: 0.1,
        ..Config::default()
    };
    assert_eq!(send(config.clone(), 7, 2_000), send(config.clone(), 7, 2_000));
    assert_ne!(send(config.clone(), 7, 2_000), send(config, 8, 2_000));
}

#[test]
fn jitter_keeps_the_order_and_its_bounds() {
    let config = Config { delay: 10 * MS, jitter: 30 * MS, ..Config::default() };
    let (received, _) = send(config, 2, 2_000);
    assert!(received.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
    assert!(received.iter().all(|(_, delay)| (10 * MS..=41 * MS).contains(delay)));
    assert!(received.iter().any(|(_, delay)| *delay > 30 * MS));
}

#[test]
fn random_loss_takes_its_share() {
    let (received, counters) = send(Config { loss: 0.2, ..Config::default() }, 3, 20_000);
    assert!((15_700..16_300).contains(&received.len()), "{}", received.len());
    assert_eq!(counters.lost + counters.popped, 20_000);
}

#[test]
fn losses_in_bursts_come_together() {
    let burst = Burst { enter: 0.01, leave: 0.2, loss: 1.0 };
    let (received, counters) = send(Config { burst: Some(burst), ..Config::default() }, 4, 50_000);
    let gaps: Vec<u32> = received
        .windows(2)
        .map(|pair| pair[1].0 - pair[0].0 - 1)
        .filter(|lost| *lost > 0)
        .collect();
    let mean = gaps.iter().sum::<u32>() as f64 / gaps.len() as f64;
    // A burst lasts 1 / leave packets; bad is 1 / 21 of the time.
    assert!((4.3..5.7).contains(&mean), "mean burst {mean}");
    assert!((1_900..2_900).contains(&counters.lost), "{}", counters.lost);
}

#[test]
fn held_back_packets_are_passed_by_others() {
    let config = Config { reordering: 0.05, ..Config::default() };
    let (received, counters) = send(config, 5, 2_000);
    let overtaken = received.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
    assert!(overtaken > 50 && counters.reordered > 50);
    let late = received.iter().filter(|(_, delay)| *delay == 20 * MS).count() as u64;
    assert_eq!((received.len(), late), (2_000, counters.reordered));
}

#[test]
fn duplicates_come_right_after_the_original() {
    let (received, counters) = send(Config { duplication: 0.1, ..Config::default() }, 6, 2_000);
    let twice = received.windows(2).filter(|pair| pair[0].0 == pair[1].0).count() as u64;
    assert!(twice > 150);
    assert_eq!((twice, received.len() as u64), (counters.duplicated, 2_000 + twice));
}

#[test]
fn a_slow_path_queues_and_then_drops() {
    // 8 Mb/s come in, 4 Mb/s go out, 20 packets may wait.
    let config = Config {
        rate: Some(Bitrate::kbps(4_000)),
        queue: DataSize::bytes(20_000),
        ..Config::default()
    };
    let (received, counters) = send(config, 7, 1_000);
    let longest = received.iter().map(|(_, delay)| *delay).max();
    assert!((38 * MS..=40 * MS).contains(&longest.expect("some")), "{longest:?}");
    assert!((480..=500).contains(&counters.overflowed), "{}", counters.overflowed);
}

#[test]
fn nothing_passes_in_an_outage() {
    let outages = vec![Outage { start: 100 * MS, length: 50 * MS, every: None }];
    let (received, counters) = send(Config { outages, ..Config::default() }, 8, 1_000);
    assert_eq!((received.len(), counters.cut), (950, 50));
    assert!(received.iter().all(|(number, _)| !(100..150).contains(number)));
}

#[test]
fn no_more_than_the_limit_is_under_way() {
    let began = Instant::now();
    let config = Config { delay: Duration::from_secs(1), ..Config::default() };
    let mut link = Link::new(began, config, 9);
    for number in 0..MAX_IN_FLIGHT + 5 {
        link.push(began, PACKET, number);
    }
    assert_eq!((link.in_flight(), link.counters().overflowed), (MAX_IN_FLIGHT, 5));
}

#[test]
fn free_jitter_changes_the_order_and_keeps_its_bounds() {
    let config =
        Config { delay: 10 * MS, jitter: 80 * MS, order: Order::Free, ..Config::default() };
    let (received, _) = send(config, 10, 2_000);
    let overtaken = received.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
    assert!(overtaken > 500, "{overtaken}");
    assert!(received.iter().all(|(_, delay)| (10 * MS..=91 * MS).contains(delay)));
    let mean = received.iter().map(|(_, delay)| *delay).sum::<Duration>() / 2_000;
    assert!((47 * MS..=53 * MS).contains(&mean), "{mean:?}");
}

#[test]
fn outages_come_again() {
    let outages =
        vec![Outage { start: 100 * MS, length: 30 * MS, every: Some(Duration::from_millis(500)) }];
    let (received, counters) = send(Config { outages, ..Config::default() }, 11, 2_000);
    assert_eq!(counters.cut, 4 * 30);
    let passed = |number: &u32| number % 500 < 100 || number % 500 >= 130;
    assert!(received.iter().all(|(number, _)| passed(number)));
}

#[test]
fn a_rate_that_changes_serves_what_waits_at_the_new_one() {
    // 8 Mb/s take a packet a millisecond; 0.8 Mb/s take one in ten.
    let slow = RateStep { at: 100 * MS, rate: Some(Bitrate::kbps(800)) };
    let fast = RateStep { at: 200 * MS, rate: Some(Bitrate::kbps(8_000)) };
    let config = Config {
        rate: Some(Bitrate::kbps(8_000)),
        rates: vec![slow, fast],
        queue: DataSize::bytes(1_000_000),
        ..Config::default()
    };
    let (received, _) = send(config, 12, 400);
    let arrivals: Vec<u32> =
        received.iter().map(|(number, delay)| number + delay.as_millis() as u32).collect();
    let between = |from: u32, to: u32| arrivals.iter().filter(|at| (from..to).contains(at)).count();
    assert_eq!((received.len(), between(0, 101), between(101, 201)), (400, 100, 10));
    assert!((99..=101).contains(&between(201, 301)), "{}", between(201, 301));
}

#[test]
fn a_rate_set_by_hand_keeps_what_was_sent_of_a_packet() {
    let began = Instant::now();
    let rate = |kbps| Config { rate: Some(Bitrate::kbps(kbps)), ..Config::default() };
    let mut link = Link::new(began, rate(8), 13);
    // A second at 8 kb/s; after half of it ten times as fast.
    link.push(began, PACKET, ());
    assert_eq!(link.pop(began + 500 * MS), None);
    link.set_config(rate(80));
    assert_eq!(link.deadline(), Some(began + 550 * MS));
    assert_eq!(link.pop(began + 549 * MS), None);
    assert_eq!(link.pop(began + 550 * MS), Some(()));
}

#[test]
fn losses_behind_the_queue_have_used_the_rate() {
    // Twice what fits, a half of which is lost: before the queue the rest fits, behind it not.
    let at = |losses_at| Config {
        rate: Some(Bitrate::kbps(4_000)),
        queue: DataSize::bytes(20_000),
        loss: 0.5,
        losses_at,
        ..Config::default()
    };
    let (before, counters) = send(at(Place::BeforeQueue), 14, 4_000);
    assert!((1_900..2_050).contains(&before.len()), "{}", before.len());
    assert!(counters.overflowed < 100, "{}", counters.overflowed);
    let (behind, counters) = send(at(Place::AfterQueue), 14, 4_000);
    assert!((900..1_100).contains(&behind.len()), "{}", behind.len());
    assert!((1_950..2_050).contains(&counters.overflowed), "{}", counters.overflowed);
}

#[test]
fn a_queue_of_one_bandwidth_delay_product_doubles_the_delay_at_most() {
    let config = Config::bottleneck(Bitrate::kbps(4_000), 50 * MS);
    assert_eq!(config.queue, DataSize::bytes(25_000));
    let (received, _) = send(config, 15, 1_000);
    let longest = received.iter().map(|(_, delay)| *delay).max().expect("some");
    assert!((73 * MS..=76 * MS).contains(&longest), "{longest:?}");
}

#[test]
fn the_trace_tells_what_the_counters_tell_and_when() {
    let began = Instant::now();
    let config = Config {
        rate: Some(Bitrate::kbps(4_000)),
        queue: DataSize::bytes(20_000),
        loss: 0.1,
        ..Config::default()
    };
    let mut link = Link::new(began, config, 16);
    link.start_trace(began, 10 * MS);
    for step in 0..1_000 {
        let now = began + MS * step;
        if step < 500 {
            link.push(now, PACKET, step);
        }
        while link.pop(now).is_some() {}
    }
    let (counters, trace) = (link.counters(), link.trace().expect("a trace"));
    let samples = trace.samples();
    let sum = |of: fn(&Sample) -> u64| samples.iter().map(of).sum::<u64>();
    assert_eq!((samples.len(), trace.every()), (100, 10 * MS));
    assert_eq!(sum(|sample| sample.offered.as_bytes()), 500_000);
    assert_eq!(sum(|sample| sample.delivered.as_bytes()), counters.popped * 1_000);
    assert_eq!(sum(|sample| sample.lost.into()), counters.lost);
    assert_eq!(sum(|sample| sample.dropped.into()), counters.overflowed);
    // 4 Mb/s are 5,000 bytes in 10 ms; the queue fills, and empties when no more comes.
    assert!(samples[1..40].iter().all(|sample| sample.delivered == DataSize::bytes(5_000)));
    assert!((38 * MS..=40 * MS).contains(&samples[45].queue_delay));
    assert!(samples[46].rate == Some(Bitrate::kbps(4_000)));
    assert_eq!(samples[99].queue_delay, Duration::ZERO);
}
