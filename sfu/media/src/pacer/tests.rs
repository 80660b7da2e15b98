//! When packets leave, in which order, and how much may wait.

use super::*;

const PACKET: DataSize = DataSize::bytes(1_250);
const MS: Duration = Duration::from_millis(1);

fn waiting(number: u64) -> Waiting {
    Waiting { ssrc: Ssrc(1), number: SeqNo(number), size: PACKET }
}

fn paced(now: Instant, rate: Bitrate) -> Pacer {
    let mut pacer = Pacer::default();
    pacer.set_rate(now, Some(rate));
    // What may leave at once after a time of silence.
    pacer.fill(now + PACING_BURST);
    pacer
}

/// Lets go what is due, as an engine does, until `until`; when each packet left.
fn drain(pacer: &mut Pacer, begun: Instant, until: Instant) -> Vec<(Duration, u64)> {
    let (mut now, mut left) = (begun, Vec::new());
    while let Some(due) = pacer.deadline(now).filter(|due| *due <= until) {
        now = now.max(due) + MS / 10;
        while let Some((_, waiting)) = pacer.pop(now) {
            pacer.spend(waiting.size);
            left.push((now - begun, waiting.number.0));
        }
    }
    left
}

#[test]
fn copies_stop_where_much_waits_and_first_tries_do_not() {
    let now = Instant::now();
    let mut pacer = paced(now, Bitrate::kbps(10_000));
    let copies = (0..1_000).filter(|number| pacer.push_copy(waiting(*number))).count();
    assert_eq!(copies, MAX_WAITING_COPIES);
    assert!(pacer.push(Class::Repair, waiting(1_000)));
    assert!(!pacer.push_copy(waiting(1_000)));
}

#[test]
fn without_a_rate_nothing_waits() {
    let now = Instant::now();
    let mut pacer = Pacer::default();
    for class in [Class::Sound, Class::Repair, Class::Screen, Class::Camera] {
        assert!(pacer.is_open(now, class));
    }
    assert_eq!((pacer.deadline(now), pacer.delay()), (None, Duration::ZERO));
}

#[test]
fn a_burst_leaves_at_its_rate() {
    let begun = Instant::now();
    let mut pacer = paced(begun, Bitrate::kbps(10_000));
    let now = begun + PACING_BURST;
    let mut at_once = 0;
    for number in 0..200 {
        if pacer.is_open(now, Class::Camera) {
            pacer.spend(PACKET);
            at_once += 1;
        } else {
            assert!(pacer.push(Class::Camera, waiting(number)));
        }
    }
    // 10 Mbit/s are one packet of 1,250 bytes a millisecond.
    let burst = PACING_BURST.as_millis() as usize;
    assert!((burst..=burst + 1).contains(&at_once), "{at_once}");
    let left = drain(&mut pacer, now, now + 500 * MS);
    assert_eq!(left.len(), 200 - at_once);
    assert!(left.windows(2).all(|pair| pair[0].1 < pair[1].1), "in order");
    let (last, _) = left[left.len() - 1];
    let expected = MS * left.len() as u32;
    assert!(last.abs_diff(expected) < 8 * MS, "{last:?} of {expected:?}");
    assert_eq!((pacer.backlog(), pacer.deadline(now)), (DataSize::ZERO, None));
}

#[test]
fn packets_leave_in_quanta_that_one_send_call_can_take() {
    let begun = Instant::now();
    let mut pacer = paced(begun, Bitrate::kbps(10_000));
    for number in 0..100 {
        assert!(pacer.push(Class::Screen, waiting(number)));
    }
    let left = drain(&mut pacer, begun + PACING_BURST, begun + Duration::from_secs(1));
    let mut runs = vec![0];
    for pair in left.windows(2) {
        if pair[0].0 == pair[1].0 {
            *runs.last_mut().expect("one") += 1;
        } else {
            runs.push(0);
        }
    }
    let mean = left.len() as f64 / runs.len() as f64;
    assert!(mean >= 4.0, "runs of {mean} packets");
}

#[test]
fn what_matters_most_leaves_first() {
    let begun = Instant::now();
    let mut pacer = paced(begun, Bitrate::kbps(1_000));
    let mut now = begun + PACING_BURST;
    while pacer.is_open(now, Class::Camera) {
        pacer.spend(PACKET);
    }
    for (class, number) in [
        (Class::Camera, 1),
        (Class::Screen, 2),
        (Class::Camera, 3),
        (Class::Repair, 4),
        (Class::Sound, 5),
    ] {
        assert!(pacer.push(class, waiting(number)));
    }
    assert!(pacer.is_open(now, Class::Sound), "sound passes everything");
    assert!(!pacer.is_open(now, Class::Screen));
    let mut order = Vec::new();
    for _ in 0..500 {
        now += MS;
        while let Some((class, waiting)) = pacer.pop(now) {
            pacer.spend(waiting.size);
            order.push((class, waiting.number.0));
        }
    }
    let numbers: Vec<u64> = order.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [5, 4, 2, 1, 3]);
}

#[test]
fn a_better_class_passes_what_waits_of_a_worse_one() {
    let begun = Instant::now();
    let mut pacer = paced(begun, Bitrate::kbps(1_000));
    let now = begun + PACING_BURST;
    assert!(pacer.push(Class::Camera, waiting(1)));
    assert!(pacer.is_open(now, Class::Screen));
    assert!(!pacer.is_open(now, Class::Camera), "in its order");
}

#[test]
fn the_queue_has_an_end_in_time_and_in_packets() {
    let now = Instant::now();
    let mut slow = paced(now, Bitrate::kbps(100));
    let taken = (0..10_000).take_while(|number| slow.push(Class::Camera, waiting(*number))).count();
    assert!(slow.delay() > PACED_DELAY && slow.delay() < PACED_DELAY + 150 * MS);
    assert!(taken < 20, "{taken}");
    let mut fast = paced(now, Bitrate::kbps(1_000_000));
    let taken = (0..100_000).take_while(|number| fast.push(Class::Camera, waiting(*number)));
    assert_eq!(taken.count(), MAX_PACED_PACKETS);
}

#[test]
fn a_stream_that_ends_is_forgotten_and_its_repairs_are_not() {
    let now = Instant::now();
    let mut pacer = paced(now, Bitrate::kbps(5_000));
    let other = Waiting { ssrc: Ssrc(2), ..waiting(9) };
    for (class, waiting) in
        [(Class::Camera, waiting(1)), (Class::Repair, waiting(2)), (Class::Screen, other)]
    {
        assert!(pacer.push(class, waiting));
    }
    assert_eq!(pacer.forget(Ssrc(1)), 1);
    assert_eq!(pacer.backlog(), DataSize::bytes(2 * PACKET.as_bytes()));
    let left: Vec<u64> =
        std::iter::from_fn(|| pacer.pop_ahead()).map(|(_, waiting)| waiting.number.0).collect();
    assert_eq!((left, pacer.backlog()), (vec![2, 9], DataSize::ZERO));
}

#[test]
fn a_long_silence_earns_no_more_than_a_burst() {
    let begun = Instant::now();
    let mut pacer = paced(begun, Bitrate::kbps(10_000));
    let now = begun + Duration::from_secs(3_600);
    let mut at_once = 0;
    while pacer.is_open(now, Class::Camera) {
        pacer.spend(PACKET);
        at_once += 1;
    }
    assert!(at_once <= 1 + PACING_BURST.as_millis());
}
