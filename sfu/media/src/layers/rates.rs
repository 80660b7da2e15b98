//! How much comes in each layer of an encoding: sums per packet, a rate when somebody asks.

use crate::frame::{SPATIAL_LAYERS, TEMPORAL_LAYERS};
use crate::limits::RATE_WINDOW;
use lectern_wire::Bitrate;
use std::time::{Duration, Instant};

const SPATIAL: usize = SPATIAL_LAYERS as usize;
const TEMPORAL: usize = TEMPORAL_LAYERS as usize;

/// What has come within one window.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    bytes: [[u32; TEMPORAL]; SPATIAL],
    frames: [[u16; TEMPORAL]; SPATIAL],
}

/// What has come in each layer: the present window, and the one before.
#[derive(Debug, Default)]
pub struct Rates {
    began: Option<Instant>,
    present: Window,
    former: Window,
    /// How long the former window was; zero where there is none.
    former_len: Duration,
    heard: [[Option<Instant>; TEMPORAL]; SPATIAL],
}

impl Rates {
    /// A packet has come.
    #[inline]
    pub fn note(&mut self, now: Instant, layer: (u8, u8), bytes: usize, begins_frame: bool) {
        let began = *self.began.get_or_insert(now);
        let passed = now.saturating_duration_since(began);
        if passed >= RATE_WINDOW {
            self.turn(now, passed);
        }
        let (spatial, temporal) = place(layer);
        let sum = &mut self.present.bytes[spatial][temporal];
        *sum = sum.saturating_add(bytes as u32);
        let frames = &mut self.present.frames[spatial][temporal];
        *frames = frames.saturating_add(u16::from(begins_frame));
        self.heard[spatial][temporal] = Some(now);
    }

    /// When the last packet of a layer came.
    pub fn heard(&self, layer: (u8, u8)) -> Option<Instant> {
        let (spatial, temporal) = place(layer);
        self.heard[spatial][temporal]
    }

    /// The rate of one layer, without those below, in bits and in frames a second.
    pub fn rate(&self, now: Instant, layer: (u8, u8)) -> (Bitrate, f32) {
        let (spatial, temporal) = place(layer);
        let passed =
            self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        // A window that ended long ago says nothing of now.
        let counts_former = passed < 2 * RATE_WINDOW;
        let former_len = if counts_former { self.former_len } else { Duration::ZERO };
        let length = (passed + former_len).max(RATE_WINDOW / 2);
        let sum = |window: &Window| {
            let bytes = u64::from(window.bytes[spatial][temporal]);
            (bytes, f32::from(window.frames[spatial][temporal]))
        };
        let (mut bytes, mut frames) = sum(&self.present);
        if counts_former {
            let former = sum(&self.former);
            bytes += former.0;
            frames += former.1;
        }
        let bits = u128::from(bytes) * 8 * 1_000_000 / length.as_micros().max(1);
        (Bitrate::bps(u64::try_from(bits).unwrap_or(u64::MAX)), frames / length.as_secs_f32())
    }

    fn turn(&mut self, now: Instant, passed: Duration) {
        self.former = std::mem::take(&mut self.present);
        self.former_len = passed;
        if passed >= 2 * RATE_WINDOW {
            // Silence in between: what came before it is no measure.
            self.former = Window::default();
            self.former_len = Duration::ZERO;
        }
        self.began = Some(now);
    }
}

fn place((spatial, temporal): (u8, u8)) -> (usize, usize) {
    (usize::from(spatial).min(SPATIAL - 1), usize::from(temporal).min(TEMPORAL - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_has_its_own_rate() {
        let start = Instant::now();
        let mut rates = Rates::default();
        let mut now = start;
        for frame in 0..90u32 {
            now = start + Duration::from_micros(33_333) * frame;
            let temporal = u8::from(frame % 2 == 1);
            rates.note(now, (0, temporal), 1_000, true);
            rates.note(now, (0, temporal), 1_000, false);
        }
        let (bitrate, frames) = rates.rate(now, (0, 1));
        assert!((14.0..16.0).contains(&frames), "{frames} frames a second");
        let kbps = bitrate.as_bps() / 1_000;
        assert!((220..260).contains(&kbps), "{kbps} kbit/s");
        assert_eq!(rates.rate(now, (1, 0)).0, Bitrate::bps(0));
        assert_eq!(rates.heard((0, 1)), Some(now));
    }

    #[test]
    fn a_layer_that_stops_has_no_rate_after_a_second() {
        let start = Instant::now();
        let mut rates = Rates::default();
        for frame in 0..90u32 {
            rates.note(start + Duration::from_millis(33) * frame, (0, 0), 1_000, true);
        }
        let later = start + Duration::from_secs(10);
        assert!(rates.rate(later, (0, 0)).0 < Bitrate::kbps(20));
        rates.note(later, (0, 0), 1_000, true);
        let (bitrate, _) = rates.rate(later + Duration::from_millis(250), (0, 0));
        assert_eq!(bitrate, Bitrate::kbps(32), "one packet in a quarter of a second");
    }
}
