//! Voices on clocks of their own.

use super::limiter::Limiter;
use super::{Frame, RATE, Voice};
use crate::decode::Sound;
use std::convert::Infallible;

const SECOND: i64 = RATE;
/// What an encoder of WebRTC looks ahead, in microseconds: taken off by the voice.
const LOOKAHEAD_US: f64 = 6_500.0;

/// Packets of 20 ms whose clock runs at `speed`, of a function of the publisher's seconds.
fn packets(count: usize, speed: f64, wave: impl Fn(f64) -> f32) -> Vec<Sound> {
    (0..count).map(|index| packet(index, speed, &wave)).collect()
}

fn packet(index: usize, speed: f64, wave: &impl Fn(f64) -> f32) -> Sound {
    let sample = |offset: usize| [wave((index * 960 + offset) as f64 / RATE as f64); 2];
    Sound {
        at_us: (index as f64 * 20_000.0 * speed + LOOKAHEAD_US).round() as i64,
        after_gap: index == 0,
        samples: (0..960).map(sample).collect(),
    }
}

fn mixed(
    voice: &mut Voice,
    packets: &mut impl Iterator<Item = Sound>,
    from: i64,
    len: i64,
) -> Vec<Frame> {
    let mut mix = vec![[0.0; 2]; len as usize];
    let next = || Ok::<_, Infallible>(packets.next());
    let Ok(()) = voice.fill(from + len, next);
    voice.add_to(&mut mix, from);
    mix
}

fn sine(frequency: f64) -> impl Fn(f64) -> f32 {
    move |at_s| (0.5 * (at_s * frequency * std::f64::consts::TAU).sin()) as f32
}

/// The largest step from one sample to the next, and where.
fn steepest(sound: &[Frame]) -> (usize, f32) {
    let steps = sound.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).enumerate();
    steps.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
}

#[test]
fn sound_on_the_film_s_clock_is_not_touched() {
    let sent = packets(50, 1.0, sine(997.0));
    let wanted: Vec<Frame> = sent.iter().flat_map(|sound| sound.samples.clone()).collect();
    let mut voice = Voice::new();
    let heard = mixed(&mut voice, &mut sent.into_iter(), 0, SECOND);
    for (index, (heard, wanted)) in heard.iter().zip(&wanted).enumerate().skip(144).take(47_000) {
        assert!((heard[0] - wanted[0]).abs() < 2e-4, "{index}: {heard:?} {wanted:?}");
    }
}

#[test]
fn an_hour_with_clocks_100_ppm_apart_stays_together_without_a_click() {
    const SPEED: f64 = 1.000_1;
    const MINUTES: usize = 60;
    // 440 Hz are the same again after 1,200 samples.
    let cycle: Vec<f32> = (0..1_200).map(|at| sine(440.0)(f64::from(at) / RATE as f64)).collect();
    let wave = |at_s: f64| cycle[(at_s * RATE as f64).round() as usize % cycle.len()];
    // One packet after the other, as they come: all of them are 1.4 GB.
    let mut sent = (0..MINUTES * 3_000).map(|index| packet(index, SPEED, &wave));
    let (mut voice, mut before) = (Voice::new(), 0.0);
    for second in 0..MINUTES as i64 * 60 - 2 {
        let heard = mixed(&mut voice, &mut sent, second * SECOND, SECOND);
        // A sine of this height and pitch changes by 0.029 from one sample to the next.
        let (joint, (at, step)) = (heard[0][0] - before, steepest(&heard));
        before = heard[heard.len() - 1][0];
        assert!(joint.abs() < 0.03 && step < 0.03, "{second}: {joint} {step} at {at}");
        // 20 microseconds later it would be 0.028 more where it is steepest.
        let wanted = sine(440.0)((second as f64 + 0.5) / SPEED);
        assert!((heard[24_000][0] - wanted).abs() < 0.005, "{second}");
    }
}

#[test]
fn a_gap_is_silence_with_soft_edges_and_what_follows_is_in_its_place() {
    let mut sent = packets(100, 1.0, |_| 0.5);
    sent.drain(30..50);
    sent[30].after_gap = true;
    let mut voice = Voice::new();
    let heard = mixed(&mut voice, &mut sent.into_iter(), 0, 2 * SECOND);
    let (_, step) = steepest(&heard);
    assert!(step < 0.01, "{step}");
    let at_ms = |ms: usize| heard[ms * 48][0];
    assert_eq!(
        [at_ms(590), at_ms(610), at_ms(990), at_ms(1_010)].map(|it| it > 0.49),
        [true, false, false, true]
    );
    assert!(heard[700 * 48..900 * 48].iter().all(|frame| *frame == [0.0; 2]));
}

#[test]
fn a_single_lost_packet_is_20_ms_of_silence() {
    let mut sent = packets(50, 1.0, |_| 0.5);
    sent.remove(20);
    sent[20].after_gap = true;
    let heard = mixed(&mut Voice::new(), &mut sent.into_iter(), 0, SECOND);
    let silent = heard[4_800..40_000].iter().filter(|frame| frame[0].abs() < 1e-6).count();
    assert!((900..=1_000).contains(&silent), "{silent}");
}

#[test]
fn a_clock_that_is_set_anew_is_followed_without_a_click() {
    for jump_us in [8_000, -8_000, 60_000, -60_000] {
        let mut sent = packets(1_000, 1.0, sine(200.0));
        for sound in &mut sent[100..] {
            sound.at_us += jump_us;
        }
        let mut voice = Voice::new();
        let heard = mixed(&mut voice, &mut sent.into_iter(), 0, 20 * SECOND);
        let (at, step) = steepest(&heard);
        assert!(step < 0.02, "{jump_us}: {step} at {at}");
        // Ten seconds later it is where it belongs.
        let place = 15 * SECOND as usize;
        let wanted = sine(200.0)((place as f64) / RATE as f64 - jump_us as f64 / 1e6);
        assert!((heard[place][0] - wanted).abs() < 0.01, "{jump_us}: {} {wanted}", heard[place][0]);
    }
}

#[test]
fn packets_at_impossible_times_are_harmless() {
    fastrand::seed(5);
    for _ in 0..50 {
        let mut sent = packets(40, 1.0, sine(100.0));
        for sound in &mut sent {
            match fastrand::u8(..6) {
                0 => sound.at_us = fastrand::i64(..),
                1 => sound.at_us = [i64::MIN, i64::MAX, 0, -1][fastrand::usize(..4)],
                2 => sound.samples.truncate(fastrand::usize(..960)),
                3 => sound.after_gap = true,
                _ => {}
            }
        }
        let (mut voice, mut sent) = (Voice::new(), sent.into_iter());
        for window in 0..4 {
            let heard = mixed(&mut voice, &mut sent, window * SECOND / 2, SECOND / 2);
            assert!(heard.iter().all(|frame| frame[0].abs() < 1.0));
        }
    }
}

#[test]
fn many_loud_voices_stay_below_full_scale_and_one_soft_is_not_touched() {
    let limited = |gain: f32| {
        let wave = sine(300.0);
        let loud: Vec<Frame> =
            (0..96_000).map(|at| [wave(f64::from(at) / 48e3) * gain; 2]).collect();
        let (mut limiter, mut out) = (Limiter::new(), Vec::new());
        for part in loud.chunks(777) {
            limiter.push(part, &mut out);
        }
        limiter.flush(&mut out);
        assert_eq!(out.len(), loud.len());
        (loud, out)
    };
    let (soft, out) = limited(1.0);
    assert_eq!(soft, out);
    let (_, out) = limited(12.0);
    let loudest = out.iter().fold(0.0_f32, |most, frame| most.max(frame[0].abs()));
    assert!((0.8..=0.9).contains(&loudest), "{loudest}");
    assert!(steepest(&out).1 < 0.3);
}
