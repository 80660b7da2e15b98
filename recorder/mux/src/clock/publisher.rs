//! One publisher's streams, joined by the clock that their reports speak of.

use super::Key;
use super::envelope::{Delay, Envelope, MAX_DRIFT};
use super::map::{Knot, Map, Piece};
use super::observed::{Bin, Observed};
use super::reports::{Group, delay_near, groups, steps};
use std::collections::BTreeMap;
use std::ops::Range;

/// Streams whose reports differ by more, at one time, do not speak of one clock.
const SAME_CLOCK_US: f64 = 300e3;
/// Clocks that streams are compared with: a publisher has one, and few more where it steps.
const MAX_COMPARED: usize = 32;
/// Times at which two of them are compared.
const PROBES: usize = 5;
/// Knots of a map are this far apart.
const KNOT_US: f64 = 5e6;

/// Bins of a stream with one line from its clock to the publisher's.
struct Part {
    key: Key,
    bins: Range<usize>,
    /// `None`: no reports; the stream's own clock is taken for the publisher's.
    group: Option<Group>,
    clock: usize,
}

impl Part {
    /// From the stream's clock to the one that it is joined by.
    fn media_us(&self, bin: &Bin) -> f64 {
        bin.media_us + self.group.as_ref().map_or(0.0, |group| group.offset_us(bin.media_us))
    }

    /// Report delays by arrival.
    fn said(&self) -> Vec<(f64, f64)> {
        let reports = self.group.iter().flat_map(|group| &group.reports);
        let mut said: Vec<_> = reports.map(|said| (said.arrival_us, said.delay_us())).collect();
        said.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        said
    }
}

/// A clock that streams are joined by.
#[derive(Default)]
struct Clock {
    said: Vec<(f64, f64)>,
    delays: Vec<Delay>,
    breaks: Vec<f64>,
}

impl Clock {
    /// Whether reports speak of this clock: at most times, as far as drift lets one say.
    fn is_of(&self, said: &[(f64, f64)]) -> bool {
        let every = said.len().div_ceil(PROBES).max(1);
        let probes = said.iter().step_by(every);
        let agreeing = probes.clone().filter(|(at_us, _)| {
            let (Some((ours, apart)), Some((theirs, _))) =
                (delay_near(&self.said, *at_us), delay_near(said, *at_us))
            else {
                return false;
            };
            (ours - theirs).abs() <= SAME_CLOCK_US + MAX_DRIFT * apart
        });
        agreeing.count() > probes.count() >> 1
    }
}

/// The maps of all streams.
pub fn maps(streams: &BTreeMap<Key, Observed>) -> BTreeMap<Key, Map> {
    let mut parts: Vec<Part> =
        streams.iter().flat_map(|(key, stream)| parts(*key, stream)).collect();
    let clocks = join(streams, &mut parts);
    let envelopes: Vec<Envelope> =
        clocks.iter().map(|clock| Envelope::of(&clock.delays, &clock.breaks)).collect();
    let mut maps = BTreeMap::new();
    for (key, stream) in streams {
        let mut pieces = Vec::new();
        for part in parts.iter().filter(|part| part.key == *key) {
            if let Some(envelope) = envelopes.get(part.clock) {
                pieces.extend(pieces_of(part, stream, envelope));
            }
        }
        maps.insert(*key, Map { rate: stream.rate, pieces });
    }
    maps
}

/// Cuts a stream where its reports say that its clock stepped.
fn parts(key: Key, stream: &Observed) -> Vec<Part> {
    let groups = groups(stream);
    if groups.is_empty() {
        return vec![Part { key, bins: 0..stream.bins.len(), group: None, clock: 0 }];
    }
    let starts: Vec<usize> = groups.iter().map(|group| group.first_bin).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.bins.len()]);
    let parts = groups.into_iter().zip(ends);
    let parts = parts.map(|(group, end)| Part {
        key,
        bins: group.first_bin.min(end)..end,
        group: Some(group),
        clock: 0,
    });
    parts.collect()
}

/// Joins parts by the clock that their reports speak of, those with most reports first.
fn join(streams: &BTreeMap<Key, Observed>, parts: &mut [Part]) -> Vec<Clock> {
    let count = |part: &Part| part.group.as_ref().map_or(0, |group| group.reports.len());
    parts.sort_by_key(|part| std::cmp::Reverse(count(part)));
    let mut clocks: Vec<Clock> = Vec::new();
    for part in parts.iter_mut() {
        let said = part.said();
        let mut compared = clocks.iter().take(MAX_COMPARED);
        let known = compared.position(|clock| !said.is_empty() && clock.is_of(&said));
        part.clock = known.unwrap_or(clocks.len());
        if known.is_none() {
            clocks.push(Clock::default());
        }
        let bins = streams.get(&part.key).and_then(|stream| stream.bins.get(part.bins.clone()));
        let (Some(clock), Some(bins)) = (clocks.get_mut(part.clock), bins) else { continue };
        if part.group.is_none() {
            clock.breaks = steps(bins);
        }
        clock.said.extend(said);
        clock.said.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        clock.delays.extend(bins.iter().map(|bin| Delay {
            at_us: bin.arrival_us,
            delay_us: bin.arrival_us - part.media_us(bin),
        }));
    }
    for clock in &mut clocks {
        clock.delays.sort_by(|a, b| a.at_us.total_cmp(&b.at_us));
    }
    parts.sort_by_key(|part| part.bins.start);
    clocks
}

/// A part's map: at each of its bins, the joined clock and the envelope.
fn pieces_of(part: &Part, stream: &Observed, envelope: &Envelope) -> Vec<Piece> {
    let bins = stream.bins.get(part.bins.clone()).unwrap_or_default();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut last: Option<f64> = None;
    for (index, bin) in bins.iter().enumerate() {
        let is_broken =
            last.is_none_or(|last_us| envelope.is_broken_between(last_us, bin.arrival_us));
        let is_last = bins
            .get(index.saturating_add(1))
            .is_none_or(|next| envelope.is_broken_between(bin.arrival_us, next.arrival_us));
        let is_near = last.is_some_and(|last_us| bin.arrival_us < last_us + KNOT_US);
        if is_near && !is_broken && !is_last {
            continue;
        }
        let knot = Knot {
            arrival_us: bin.arrival_us,
            media_us: bin.media_us,
            session_us: part.media_us(bin) + envelope.at(bin.arrival_us),
        };
        match pieces.last_mut() {
            Some(piece) if !is_broken => piece.push(knot),
            _ => pieces.push(Piece::new(knot)),
        }
        last = Some(bin.arrival_us);
    }
    pieces
}
