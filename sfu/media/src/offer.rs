//! What a track offers to allocation: its layers, lowest first, and what each costs now.

use crate::allocation::{Layer, Layers};
use crate::encoding::Encoding;
use crate::frame::Target;
use crate::limits::{LAYER_GONE, MAX_LAYERS_PER_TRACK};
use crate::pacer::Class;
use crate::track::Track;
use lectern_wire::Bitrate;
use smallvec::SmallVec;
use std::time::Instant;

/// The targets that belong to [`Layers`], in the same order.
pub type Targets = SmallVec<[Target; MAX_LAYERS_PER_TRACK]>;

/// Lists the layers of a track. Encodings that have not come for a while are not there, but for the
/// best one: a screen that stands still sends nothing. Frames are left out of the lowest pictures
/// only, and of screens: larger and slower is no step up for a face, but it is for text.
pub fn layers_of(now: Instant, track: &Track, class: Class) -> (Targets, Layers) {
    let (mut targets, mut layers) = (Targets::new(), Layers::new());
    for (place, encoding) in track.encodings.iter().enumerate() {
        let is_there = |at: Instant| now.saturating_duration_since(at) < LAYER_GONE;
        if !track.is_best(place) && !encoding.heard.is_some_and(is_there) {
            continue;
        }
        let slowly = class == Class::Screen || layers.is_empty();
        for (spatial, temporal) in steps(encoding, slowly) {
            if layers.len() == MAX_LAYERS_PER_TRACK {
                break;
            }
            let encoding_number = u8::try_from(place).unwrap_or(u8::MAX);
            targets.push(Target { encoding: encoding_number, spatial, temporal });
            layers.push(layer(now, track, place, encoding, (spatial, temporal)));
        }
    }
    (targets, layers)
}

/// The layers of one encoding that are worth a step.
fn steps(encoding: &Encoding, slowly: bool) -> SmallVec<[(u8, u8); MAX_LAYERS_PER_TRACK]> {
    let top = encoding.layers.as_ref().map_or((0, 0), |layers| layers.top_layers());
    let (spatial, temporal) = top;
    (0..=spatial)
        .flat_map(|s| (0..=temporal).map(move |t| (s, t)))
        .filter(|(s, t)| *t == temporal || slowly && *s == 0)
        .collect()
}

fn layer(
    now: Instant,
    track: &Track,
    place: usize,
    encoding: &Encoding,
    (spatial, temporal): (u8, u8),
) -> Layer {
    let told = track.parameters.encodings.get(place);
    let told = told.map_or((0, 0), |told| (told.width, told.height));
    let Some(known) = &encoding.layers else {
        let (width, height) = told;
        return Layer { rate: Bitrate::ZERO, width, height, frames_per_second: 0 };
    };
    let (mut bits, mut frames) = (0u64, 0.0f32);
    for t in 0..=temporal {
        for s in 0..=spatial {
            bits = bits.saturating_add(known.rates.rate(now, (s, t)).0.as_bps());
        }
        frames += known.rates.rate(now, (spatial, t)).1;
    }
    let seen = known.size(spatial).map(|(width, height)| (u32::from(width), u32::from(height)));
    let (width, height) = seen.unwrap_or(told);
    let frames_per_second = frames.round().clamp(0.0, 240.0) as u32;
    Layer { rate: Bitrate::bps(bits), width, height, frames_per_second }
}
