//! What a track offers to allocation: its layers, lowest first, and what each costs now.

use crate::allocation::{Layer, Layers};
use crate::frame::Target;
use crate::layers::Report;
use crate::limits::{LAYER_GONE, MAX_LAYERS_PER_TRACK, NEXT_SLIDE, RATE_WINDOW};
use crate::pacer::Class;
use crate::track::Track;
use lectern_wire::Bitrate;
use smallvec::SmallVec;
use std::time::Instant;

/// The targets that belong to [`Layers`], in the same order.
pub type Targets = SmallVec<[Target; MAX_LAYERS_PER_TRACK]>;

/// Those layers of a track that are worth a step. Encodings that have not come for a while are not
/// there, but for the best one: a screen that stands still sends nothing. Frames are left out of the
/// lowest pictures only, and of screens: larger and slower is no step up for a face, but it is for
/// text.
pub fn layers_of(now: Instant, track: &Track) -> (Targets, Layers) {
    let (mut targets, mut layers) = (Targets::new(), Layers::new());
    let reports = track.layers(now);
    for (place, report) in reports.iter().enumerate() {
        let target = report.target;
        if !is_there(now, track, target) {
            continue;
        }
        let is_other = |next: &Report| {
            (next.target.encoding, next.target.spatial) != (target.encoding, target.spatial)
        };
        let is_whole = reports.get(place + 1).is_none_or(is_other);
        let is_lowest = targets.first().is_none_or(|first| first.encoding == target.encoding);
        let slowly = is_lowest || track.class() == Class::Screen;
        if is_whole || slowly && target.spatial == 0 {
            targets.push(target);
            layers.push(layer(now, track, report));
        }
    }
    (targets, layers)
}

fn is_there(now: Instant, track: &Track, target: Target) -> bool {
    let place = usize::from(target.encoding);
    let heard = track.encodings.get(place).and_then(|encoding| encoding.heard);
    let lately = heard.is_some_and(|at| now.saturating_duration_since(at) < LAYER_GONE);
    lately || track.is_best(place)
}

/// What an encoding costs that has just begun is not measured yet: up to as much as was announced. A
/// screen that stands still costs little, but its next slide is to come at once: it may cost most of what
/// was announced at any moment, so that nobody is given a layer which the next slide would take away.
fn layer(now: Instant, track: &Track, report: &Report) -> Layer {
    let place = usize::from(report.target.encoding);
    let told = track.parameters.encodings.get(place);
    let began = track.encodings.get(place).and_then(|encoding| encoding.began);
    let is_new = began.is_some_and(|at| now.saturating_duration_since(at) < 2 * RATE_WINDOW);
    let announced = told.map_or(0, |told| told.max_bitrate_bps);
    let rate = report.bitrate.max(Bitrate::bps(if is_new { announced } else { 0 }));
    let next_slide = match track.class() {
        Class::Screen => announced.saturating_mul(NEXT_SLIDE) / 100,
        _ => 0,
    };
    let peak = rate.max(Bitrate::bps(next_slide));
    let seen = report.size.map(|(width, height)| (u32::from(width), u32::from(height)));
    let (width, height) = seen.or(told.map(|told| (told.width, told.height))).unwrap_or_default();
    let frames_per_second = report.frames_per_second.round().clamp(0.0, 240.0) as u32;
    Layer { rate, peak, width, height, frames_per_second }
}
