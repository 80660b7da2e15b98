//! A virtual meeting of four hours: clocks that drift and step, a network that holds up, bursts and
//! changes, reports that lie. Truth is known to the microsecond.

use super::{ClockBuilder, Clocks};
use crate::packet::{Packet, Report, StreamId};
use bytes::Bytes;
use lectern_control::TrackId;
use lectern_control::media::CodecName;

const SOUND: TrackId = TrackId(1);
const PICTURE: TrackId = TrackId(2);
const HOUR: f64 = 3_600e6;
/// The least delay from publisher to node.
const PATH_US: f64 = 8e3;

/// A small generator, so that each run is the same.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A moment that was captured, as a packet came that carries it.
#[derive(Clone, Copy)]
struct Captured {
    truth_us: f64,
    track: TrackId,
    stream: StreamId,
    rtp: u32,
    arrival_us: i64,
}

/// What the meeting is like.
#[derive(Clone, Copy)]
struct Weather {
    hours: f64,
    /// Publisher's clock against the session's.
    drift: f64,
    /// Sound card against the publisher's clock.
    card_drift: f64,
    jitter_us: f64,
    has_reports: bool,
    lies: bool,
    noise_us: f64,
    /// The sound card stands still for a while, and its clock with it.
    stall: bool,
    /// Another node from this hour on.
    node_change_hours: f64,
    /// Hours between which the camera is off.
    camera_off: (f64, f64),
}

const CALM: Weather = Weather {
    hours: 4.0,
    drift: 100e-6,
    card_drift: -60e-6,
    jitter_us: 200e3,
    has_reports: true,
    lies: false,
    noise_us: 0.0,
    stall: false,
    node_change_hours: f64::MAX,
    camera_off: (f64::MAX, f64::MAX),
};

struct Meeting {
    weather: Weather,
    chance: Chance,
    builder: ClockBuilder,
    numbers: u64,
    seen: Vec<Captured>,
}

impl Meeting {
    fn new(weather: Weather) -> Meeting {
        let chance = Chance(0x9e37_79b9_7f4a_7c15);
        Meeting { weather, chance, builder: ClockBuilder::new(), numbers: 0, seen: Vec::new() }
    }

    /// The publisher's clock, in microseconds since 1900.
    fn publisher_us(&self, truth_us: f64) -> f64 {
        4e15 + truth_us * (1.0 + self.weather.drift)
    }

    /// Unwrapped ticks of a track; both wrap within the first minutes.
    fn ticks(&self, track: TrackId, truth_us: f64) -> f64 {
        let wraps = 4_294_967_296.0;
        if track == PICTURE {
            return wraps - 9e6 + truth_us * (1.0 + self.weather.drift) * 0.09;
        }
        let stalled = if self.weather.stall { (truth_us - HOUR).clamp(0.0, 3e6) } else { 0.0 };
        let card = (1.0 + self.weather.drift) * (1.0 + self.weather.card_drift);
        wraps - 2e6 + (truth_us - stalled) * card * 0.048
    }

    fn stream(&self, track: TrackId, truth_us: f64) -> StreamId {
        let node = u16::from(truth_us >= self.weather.node_change_hours * HOUR);
        StreamId { node, number: (track.0 as u32) * 10 }
    }

    /// Mostly quick, at times held up; every seven minutes nothing comes through for two seconds.
    fn arrival_us(&mut self, truth_us: f64) -> i64 {
        let jitter = self.chance.next().powi(2) * self.weather.jitter_us;
        let outage = 420e6;
        let into = truth_us % outage;
        let held_up = if into < 2e6 { 2e6 - into } else { 0.0 };
        (truth_us + PATH_US + jitter.max(held_up)) as i64
    }

    fn packet(&mut self, track: TrackId, truth_us: f64) {
        let rtp = self.ticks(track, truth_us).round() as u64 as u32;
        let stream = self.stream(track, truth_us);
        let arrival_us = self.arrival_us(truth_us);
        self.numbers += 1;
        let mut header = [0u8; 12];
        header[0] = 0x80;
        header[4..8].copy_from_slice(&rtp.to_be_bytes());
        let packet = Packet {
            track,
            stream,
            arrival_us,
            number: self.numbers,
            codec: if track == SOUND { CodecName::Opus } else { CodecName::Vp8 },
            keyframe: false,
            quarter_turns: 0,
            rtp: Bytes::copy_from_slice(&header),
        };
        self.builder.packet(&packet);
        self.seen.push(Captured { truth_us, track, stream, rtp, arrival_us });
    }

    fn report(&mut self, track: TrackId, truth_us: f64) {
        let noise = (self.chance.next() - 0.5) * 2.0 * self.weather.noise_us;
        let mut ntp_us = self.publisher_us(truth_us + noise);
        let lie = if self.weather.lies { self.chance.next() } else { 1.0 };
        if lie < 0.05 {
            ntp_us = 0.0;
        } else if lie < 0.1 {
            ntp_us += (lie - 0.07) * 1e9;
        }
        let (seconds, fraction) = ((ntp_us / 1e6).floor(), (ntp_us / 1e6).fract());
        let ntp = ((seconds as u64) << 32) | (fraction * 4_294_967_296.0) as u64;
        let rtp = self.ticks(track, truth_us).round() as u64 as u32;
        let stream = self.stream(track, truth_us);
        let arrival_us = self.arrival_us(truth_us);
        self.builder.report(&Report { track, stream, arrival_us, ntp, rtp });
    }

    /// Each track in turn, as journals are read.
    fn run(mut self) -> (Clocks, Vec<Captured>) {
        let end = self.weather.hours * HOUR;
        let is_silent = |truth_us: f64| (truth_us / 600e6) as u64 % 3 == 2;
        let mut now = 0.0;
        let mut said = 12e6;
        while now < end {
            let is_stalled = self.weather.stall && (HOUR..HOUR + 3e6).contains(&now);
            if !is_stalled {
                self.packet(SOUND, now);
            }
            if self.weather.has_reports && now >= said {
                said = now + 5e6;
                self.report(SOUND, now);
            }
            now += if is_silent(now) { 400e3 } else { 20e3 };
        }
        (now, said) = (0.0, 12e6);
        let (off, on) = self.weather.camera_off;
        while now < end {
            if !(off * HOUR..on * HOUR).contains(&now) {
                self.packet(PICTURE, now);
            }
            if self.weather.has_reports && now >= said {
                said = now + 2e6;
                self.report(PICTURE, now);
            }
            now += 33_333.0;
        }
        (self.builder.build(), self.seen)
    }
}

/// The largest error against truth, and the largest difference of sound and picture captured at the
/// same time, in microseconds.
fn errors(weather: Weather) -> (f64, f64) {
    let (clocks, seen) = Meeting::new(weather).run();
    let error =
        |c: &Captured| clocks.at(c.track, c.stream, c.rtp, c.arrival_us) as f64 - c.truth_us;
    let worst = seen.iter().map(|c| error(c).abs()).fold(0.0, f64::max);
    let mut sound = seen.iter().filter(|c| c.track == SOUND).peekable();
    let mut apart = 0f64;
    for picture in seen.iter().filter(|c| c.track == PICTURE) {
        while sound.next_if(|c| c.truth_us < picture.truth_us - 20e3).is_some() {}
        let Some(sound) = sound.peek() else { break };
        if (sound.truth_us - picture.truth_us).abs() < 20e3 {
            apart = apart.max((error(picture) - error(sound)).abs());
        }
    }
    (worst, apart)
}

#[test]
fn four_hours_of_drift_and_jitter_stay_within_20_ms_and_lips_within_5() {
    let weather = Weather { noise_us: 5e3, lies: true, node_change_hours: 1.5, ..CALM };
    let (worst, apart) = errors(weather);
    assert!(worst < 20e3, "{worst} us");
    assert!(apart < 5e3, "{apart} us between sound and picture");
}

#[test]
fn without_reports_each_track_stays_within_20_ms() {
    let (worst, _) = errors(Weather { has_reports: false, ..CALM });
    assert!(worst < 20e3, "{worst} us");
}

#[test]
fn a_camera_that_was_off_for_hours_is_in_time_again() {
    let weather = Weather { camera_off: (0.5, 2.5), hours: 3.0, ..CALM };
    let (worst, apart) = errors(weather);
    assert!(worst < 20e3 && apart < 5e3, "{worst} us, {apart} us");
    let (worst, _) = errors(Weather { has_reports: false, ..weather });
    assert!(worst < 20e3, "{worst} us without reports");
}

#[test]
fn a_sound_card_that_stood_still_goes_on_in_time() {
    let weather = Weather { stall: true, hours: 1.5, ..CALM };
    let (worst, apart) = errors(weather);
    assert!(worst < 20e3 && apart < 5e3, "{worst} us, {apart} us");
    let (worst, _) = errors(Weather { has_reports: false, ..weather });
    assert!(worst < 20e3, "{worst} us without reports");
}

#[test]
fn a_stream_that_is_not_known_is_put_where_it_came() {
    let clocks = ClockBuilder::new().build();
    assert_eq!(clocks.at(SOUND, StreamId { node: 0, number: 1 }, 7, 123), 123);
}
