//! One time for the relay, the server and the pages: milliseconds since 1970.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Compares the process's clock with the machine's, once.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    instant: Instant,
    at_ms: f64,
}

impl Clock {
    /// Now both are read.
    pub fn start() -> Clock {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { instant: Instant::now(), at_ms: since.as_secs_f64() * 1e3 }
    }

    /// Milliseconds since 1970.
    pub fn ms(&self, at: Instant) -> f64 {
        let after = at.saturating_duration_since(self.instant).as_secs_f64();
        let before = self.instant.saturating_duration_since(at).as_secs_f64();
        self.at_ms + (after - before) * 1e3
    }

    /// Now, in milliseconds since 1970.
    pub fn now_ms(&self) -> f64 {
        self.ms(Instant::now())
    }

    /// The process's time of a time, in milliseconds since 1970.
    pub fn instant(&self, at_ms: f64) -> Instant {
        let after = Duration::from_secs_f64((at_ms - self.at_ms).max(0.0) / 1e3);
        let before = Duration::from_secs_f64((self.at_ms - at_ms).max(0.0) / 1e3);
        (self.instant + after).checked_sub(before).unwrap_or(self.instant)
    }

    /// Sleeps until a time, in milliseconds since 1970.
    pub fn sleep_until(&self, at_ms: f64) {
        let left_ms = (at_ms - self.now_ms()).max(0.0);
        std::thread::sleep(Duration::from_secs_f64(left_ms / 1e3));
    }
}
