//! Whether less is sent than could be: then what arrives says nothing of what the link can do.

use super::meter::Meter;
use super::units::{MILLI, Micros};

/// The time over which what is sent is compared with the estimate.
const WINDOW: Micros = 500 * MILLI;
/// Below the first part of the estimate sending is limited, above the second it is not.
const ENTER: f64 = 0.70;
const LEAVE: f64 = 0.85;

/// What is sent, against what may be.
#[derive(Debug)]
pub struct Limited {
    sent: Meter,
    is_limited: bool,
}

impl Limited {
    /// Nothing was sent yet.
    pub fn new() -> Limited {
        Limited { sent: Meter::new(20 * MILLI), is_limited: true }
    }

    /// Bytes went out.
    pub fn sent(&mut self, now: Micros, bytes: u32) {
        self.sent.add(now, bytes);
    }

    /// Bits a second over the last half second.
    pub fn rate(&self) -> f64 {
        self.sent.rate(WINDOW).unwrap_or(0.0)
    }

    /// Bits a second over a time of up to two seconds.
    pub fn rate_over(&self, window: Micros) -> f64 {
        self.sent.rate(window).unwrap_or(0.0)
    }

    /// Compares with the estimate.
    pub fn update(&mut self, now: Micros, estimate: f64) {
        self.sent.advance(now);
        let part = self.rate() / estimate.max(1.0);
        self.is_limited = part < if self.is_limited { LEAVE } else { ENTER };
    }

    /// Whether less is sent than could be.
    pub fn is_limited(&self) -> bool {
        self.is_limited
    }
}
