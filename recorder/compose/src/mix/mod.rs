//! Sound of many tracks, each on its own clock, to one.

mod limiter;
mod resample;
mod voice;

pub use limiter::Limiter;
pub use voice::Voice;

/// Samples a second of the film, and of Opus.
pub const RATE: i64 = 48_000;

/// Left and right; full scale is 1.
pub type Frame = [f32; 2];

/// The film's samples up to a moment.
pub fn samples_until(at_us: i64) -> i64 {
    (i128::from(at_us) * i128::from(RATE) / 1_000_000) as i64
}

#[cfg(test)]
mod tests;
