//! What a viewer got, from what the pages and the relay wrote down.

use super::bots;
use super::estimate::Estimate;
use super::figures::median;
use super::seen::{Frame, Person, Sample, Seen};
use super::series::Series;
use std::collections::{HashMap, HashSet};

/// The name of a viewer in every plan.
pub const VIEWER: &str = "vera";
/// The sources, as LiveKit's client names them.
pub const CAMERA: &str = "camera";
/// The shared screen.
pub const SCREEN: &str = "screen_share";
/// The voice.
pub const VOICE: &str = "microphone";

/// A picture that is older than this at the end is frozen.
const FROZEN_MS: f64 = 500.0;

/// A packet of a voice that came to a listener; its time is in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// When it came.
    pub at: f64,
    /// What came.
    pub packet: bots::Heard,
}

/// All that was seen in one run. Times are milliseconds since 1970.
pub struct Evidence {
    /// In the pages.
    pub seen: Seen,
    /// On the link from the node to whoever is behind the relay.
    pub down: Option<Series>,
    /// On the link to the node.
    pub up: Option<Series>,
    /// In the node.
    pub estimates: Vec<Estimate>,
    /// What a flow beside ours received: bytes so far, at times.
    pub competitor: Vec<(f64, u64)>,
    /// Packets of voices that came to listeners who are no browsers.
    pub heard: Vec<Heard>,
    /// Packets that came to joiners who are no browsers.
    pub crowd_packets: u64,
    /// Frames that a decoder could not decode, as Chromium's log has it.
    pub decode_errors: usize,
    /// Processors that the server used on average.
    pub server_cpu: f64,
    /// When the timeline began.
    pub t0: f64,
    /// When it ended.
    pub end: f64,
}

impl Evidence {
    /// The viewer of the plan.
    pub fn viewer(&self) -> Option<&Person> {
        self.seen.viewers.get(VIEWER)
    }

    /// A time of the timeline, from seconds after its beginning.
    pub fn at(&self, seconds: f64) -> f64 {
        self.t0 + seconds * 1e3
    }
}

/// The share of the time in which the picture stood still, as W3C defines a freeze (webrtc-stats,
/// totalFreezesDuration). One that has not ended counts as well.
pub fn freeze_ratio(person: &Person, source: &str, from: f64, until: f64) -> Option<f64> {
    let [before, after] = [from, until].map(|at| person.inbound(source, at));
    let frozen_s = after.total_freezes_duration - before.total_freezes_duration;
    let last = person.frames(source, from, until).last().map_or(from, Frame::at);
    let open_s = if until - last > FROZEN_MS { (until - last) / 1e3 } else { 0.0 };
    (after.frames_received > 0).then(|| (frozen_s + open_s) * 1e3 / (until - from))
}

/// How often it stood still.
pub fn freezes(person: &Person, source: &str, from: f64, until: f64) -> f64 {
    let [before, after] = [from, until].map(|at| person.inbound(source, at).freeze_count);
    after.saturating_sub(before) as f64
}

/// The share of the sound that was made up.
pub fn concealed_ratio(person: &Person, from: f64, until: f64) -> Option<f64> {
    let [before, after] = [from, until].map(|at| person.inbound(VOICE, at));
    let concealed = after.concealed_samples.saturating_sub(before.concealed_samples);
    let all = after.total_samples_received.saturating_sub(before.total_samples_received);
    (all > 0).then(|| concealed as f64 / all as f64)
}

/// The middle of the heights of the pictures shown.
pub fn height(frames: &[Frame]) -> Option<f64> {
    median(&frames.iter().map(|frame| f64::from(frame.height())).collect::<Vec<_>>())
}

/// Pictures a second that were decoded; what the page had no time to draw counts.
pub fn decoded_fps(person: &Person, source: &str, from: f64, until: f64) -> Option<f64> {
    let [before, after] = [from, until].map(|at| person.inbound(source, at).frames_decoded);
    (after > 0).then(|| after.saturating_sub(before) as f64 * 1e3 / (until - from))
}

/// How long after `from` the picture is what it was before `reference` for a second: its height, and
/// most of its pictures a second.
pub fn full_again(person: &Person, source: &str, reference: f64, from: f64) -> Option<f64> {
    const WINDOW_MS: f64 = 1_000.0;
    const LEAST_SHARE: f64 = 0.75;
    let before = person.frames(source, reference - 2.0 * WINDOW_MS, reference);
    let (height_before, count_before) = (height(before)?, before.len() as f64 / 2.0);
    let is_full = |at: f64| {
        let frames = person.frames(source, at, at + WINDOW_MS);
        let is_high = frames.iter().all(|frame| f64::from(frame.height()) >= height_before);
        is_high && frames.len() as f64 >= LEAST_SHARE * count_before
    };
    let later = person.frames(source, from, f64::MAX);
    later.iter().map(Frame::at).find(|at| is_full(*at)).map(|at| (at - from) / 1e3)
}

/// How long after each of `ends` the next picture came, in milliseconds; the longest.
pub fn longest_return_ms(person: &Person, source: &str, ends: &[f64]) -> Option<f64> {
    let returns = ends
        .iter()
        .map(|end| person.frames(source, *end, f64::MAX).first().map(|frame| frame.at() - end));
    returns.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
}

/// For each talker whose turn began between two times: how long it took until a packet of theirs came,
/// in milliseconds. `later` is how long after one turn the next one begins.
pub fn switches_ms(heard: &[Heard], from: f64, until: f64, later: f64) -> Vec<Option<f64>> {
    let turns = (0..).map(|number: u32| (number, from + later * f64::from(number)));
    let of = |(number, begins): (u32, f64)| {
        let theirs = heard.iter().filter(|one| one.packet.voice == number && one.at >= begins);
        theirs.map(|one| one.at - begins).reduce(f64::min)
    };
    turns.take_while(|(_, begins)| begins + later <= until).map(of).collect()
}

/// The most voices that came within one interval.
pub fn most_voices(heard: &[Heard], from: f64, until: f64, interval: f64) -> f64 {
    let mut slots: HashMap<u64, HashSet<u32>> = HashMap::new();
    for one in heard.iter().filter(|one| (from..until).contains(&one.at)) {
        slots.entry(((one.at - from) / interval) as u64).or_default().insert(one.packet.voice);
    }
    slots.values().map(HashSet::len).max().unwrap_or_default() as f64
}

/// Pictures that were shown after a later one.
pub fn out_of_order(frames: &[Frame]) -> f64 {
    let is_back = |pair: &&[Frame]| pair[1].2.wrapping_sub(pair[0].2) as i32 <= 0;
    frames.windows(2).filter(is_back).filter(|pair| pair[1].2 != pair[0].2).count() as f64
}

/// The share of the time in which the presenter's browser sent all that it was meant to. Where it is low
/// the machine or the way to the node was the limit, and figures of the viewer tell little.
pub fn presenter_full(seen: &Seen, from: f64, until: f64) -> Option<f64> {
    let within = seen.presenter.samples.iter().filter(|one| (from..until).contains(&one.at));
    let is_full = |sample: &&Sample| {
        sample
            .outbound
            .iter()
            .all(|sent| matches!(sent.quality_limitation_reason.as_str(), "" | "none"))
    };
    let (all, full) = (within.clone().count(), within.filter(is_full).count());
    (all > 0).then(|| full as f64 / all as f64)
}

/// Keyframe requests that reached the presenter between two times.
pub fn upstream_requests(seen: &Seen, from: f64, until: f64) -> f64 {
    let presenter = &seen.presenter;
    presenter.keyframe_requests(until).saturating_sub(presenter.keyframe_requests(from)) as f64
}

/// Keyframe requests that a viewer sent between two times.
pub fn viewer_requests(person: &Person, source: &str, from: f64, until: f64) -> f64 {
    let [before, after] = [from, until].map(|at| person.inbound(source, at).pli_count);
    after.saturating_sub(before) as f64
}

/// Bits a second that a viewer received, of everything, between two times.
pub fn received_bps(person: &Person, from: f64, until: f64) -> f64 {
    let sum = |at: f64| {
        let of = |source| {
            let inbound = person.inbound(source, at);
            inbound.bytes_received + inbound.header_bytes_received
        };
        [CAMERA, SCREEN, VOICE].map(of).iter().sum::<u64>()
    };
    sum(until).saturating_sub(sum(from)) as f64 * 8e3 / (until - from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::seen::Inbound;

    fn person(frames: Vec<Frame>, samples: Vec<(f64, Inbound)>) -> Person {
        let samples = samples.into_iter().map(|(at, inbound)| {
            let inbound = Inbound { source: Some(CAMERA.to_owned()), ..inbound };
            Sample { at, ports: Vec::new(), inbound: vec![inbound], outbound: Vec::new() }
        });
        Person {
            samples: samples.collect(),
            frames: HashMap::from([(CAMERA.to_owned(), frames)]),
            ..Person::default()
        }
    }

    fn frames(from: u32, until: u32, every: u32, height: u32) -> Vec<Frame> {
        let each = (from..until).step_by(every as usize);
        each.map(|at| Frame(f64::from(at), height, at * 90)).collect()
    }

    #[test]
    fn a_freeze_counts_also_before_it_ends() {
        let inbound = |frozen| Inbound {
            frames_received: 1,
            total_freezes_duration: frozen,
            ..Inbound::default()
        };
        let shown = frames(0, 8_000, 40, 720);
        let one = person(shown, vec![(0.0, inbound(0.0)), (9_900.0, inbound(1.0))]);
        let ratio = freeze_ratio(&one, CAMERA, 0.0, 8_000.0).expect("a ratio");
        assert!(ratio < 1e-9, "{ratio}");
        let ratio = freeze_ratio(&one, CAMERA, 0.0, 10_000.0).expect("a ratio");
        assert!((ratio - 0.304).abs() < 1e-3, "{ratio}");
        assert_eq!(freeze_ratio(&person(Vec::new(), Vec::new()), CAMERA, 0.0, 1.0), None);
    }

    #[test]
    fn full_quality_is_height_and_rate_for_a_second() {
        let before = frames(0, 4_000, 40, 720);
        let low = frames(4_000, 6_000, 40, 360);
        let slow = frames(6_000, 7_000, 200, 720);
        let shown = [before, low, slow, frames(7_000, 10_000, 40, 720)].concat();
        let one = person(shown, Vec::new());
        let again = full_again(&one, CAMERA, 4_000.0, 5_000.0).expect("it returns");
        assert!((1.8..=2.0).contains(&again), "{again}");
    }

    #[test]
    fn returns_and_order_are_those_of_the_pictures() {
        let shown = [frames(0, 2_000, 40, 720), frames(2_450, 4_000, 40, 720)].concat();
        let one = person(shown.clone(), Vec::new());
        assert_eq!(longest_return_ms(&one, CAMERA, &[1_000.0, 2_300.0]), Some(150.0));
        assert_eq!(longest_return_ms(&one, CAMERA, &[4_000.0]), None);
        assert_eq!(out_of_order(&shown), 0.0);
        assert_eq!(out_of_order(&[shown[3], shown[2], shown[4]]), 1.0);
    }
}
