//! Sound between its samples: a windowed sinc, which passes what lies on a sample unchanged.

use crate::mix::Frame;
use std::f64::consts::PI;

/// Samples on each side: what is lost lies above 18 kHz.
pub const REACH: usize = 8;
const TAPS: usize = 2 * REACH;
/// Places between two samples; between those it is drawn straight.
const STEPS: usize = 256;
/// The window's shape (Kaiser and Schafer, 1980): side lobes at -80 dB.
const BETA: f64 = 8.0;

/// Finds values between samples.
pub struct Resampler {
    kernel: Vec<[f32; TAPS]>,
}

impl Resampler {
    /// Works out the kernel.
    pub fn new() -> Resampler {
        let row = |step: usize| {
            let fraction = step as f64 / STEPS as f64;
            let mut row = [0.0; TAPS];
            let mut sum = 0.0;
            for (tap, weight) in row.iter_mut().enumerate() {
                let distance = tap as f64 - (REACH as f64 - 1.0) - fraction;
                *weight = sinc(distance) * window(distance / REACH as f64);
                sum += *weight;
            }
            row.map(|weight| (weight / sum) as f32)
        };
        Resampler { kernel: (0..=STEPS).map(row).collect() }
    }

    /// The value `fraction` (0 to 1) after the sample at `at`; `samples` reach [`REACH`] to both
    /// sides, and are silent where they do not.
    pub fn at(&self, samples: &[Frame], at: usize, fraction: f64) -> Frame {
        let place = fraction.clamp(0.0, 1.0) * STEPS as f64;
        let step = (place as usize).min(STEPS - 1);
        let between = (place - step as f64) as f32;
        let (Some(below), Some(above)) = (self.kernel.get(step), self.kernel.get(step + 1)) else {
            return [0.0; 2];
        };
        let first = (at + 1) as isize - REACH as isize;
        let mut sum = [0.0_f32; 2];
        for (tap, (below, above)) in below.iter().zip(above).enumerate() {
            let index = usize::try_from(first + tap as isize).ok();
            let Some([left, right]) = index.and_then(|index| samples.get(index)) else { continue };
            let weight = below + (above - below) * between;
            sum[0] += left * weight;
            sum[1] += right * weight;
        }
        sum
    }
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn window(x: f64) -> f64 {
    if x.abs() > 1.0 { 0.0 } else { bessel(BETA * (1.0 - x * x).sqrt()) / bessel(BETA) }
}

/// The modified Bessel function of the first kind and order zero.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..40 {
        let factor = x / (2.0 * f64::from(k));
        term *= factor * factor;
        sum += term;
    }
    sum
}
