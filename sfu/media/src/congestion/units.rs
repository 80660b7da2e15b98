//! Rates as floating point inside the estimator, and the numbers that all of its parts share.

use lectern_wire::Bitrate;

/// Microseconds since the estimator was made, or on the receiver's clock.
pub type Micros = i64;

/// One millisecond.
pub const MILLI: Micros = 1_000;
/// One second.
pub const SECOND: Micros = 1_000_000;

/// Bits a second.
pub fn bps(rate: Bitrate) -> f64 {
    rate.as_bps() as f64
}

/// The nearest rate; what is no number is no rate.
pub fn bitrate(bps: f64) -> Bitrate {
    // A cast of a float saturates, and makes zero of what is no number.
    Bitrate::bps(bps.round() as u64)
}

/// Seconds.
pub fn seconds(time: Micros) -> f64 {
    time as f64 / SECOND as f64
}

/// Bits a second, of so many bytes in a time; zero where no time passes.
pub fn rate_of(bytes: f64, time: Micros) -> f64 {
    if time <= 0 { 0.0 } else { bytes * 8.0 / seconds(time) }
}
