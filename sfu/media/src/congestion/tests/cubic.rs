//! A TCP flow with Cubic (RFC 9438) that always has data: the competitor.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Bytes of a segment on the wire.
pub const SEGMENT: u64 = 1_500;
const C: f64 = 0.4;
const BETA: f64 = 0.7;
const TIMEOUT: Duration = Duration::from_millis(400);

/// The sender's state; windows are in segments.
pub struct Cubic {
    window: f64,
    threshold: f64,
    most: f64,
    /// When the epoch began, and the window then.
    epoch: Option<(Instant, f64)>,
    reno: f64,
    next: u64,
    highest: u64,
    /// Segments under way, with the time they were sent.
    in_flight: BTreeMap<u64, Instant>,
    recovery_until: u64,
    last_ack: Instant,
    round_trip: f64,
}

impl Cubic {
    /// In slow start with ten segments (RFC 6928).
    pub fn new(now: Instant) -> Cubic {
        Cubic {
            window: 10.0,
            threshold: f64::INFINITY,
            most: 0.0,
            epoch: None,
            reno: 0.0,
            next: 1,
            highest: 0,
            in_flight: BTreeMap::new(),
            recovery_until: 0,
            last_ack: now,
            round_trip: 0.05,
        }
    }

    /// The next segment, where the window allows one.
    pub fn poll(&mut self, now: Instant) -> Option<u64> {
        if !self.in_flight.is_empty() && now - self.last_ack > TIMEOUT {
            self.in_flight.clear();
            self.threshold = (self.window * BETA).max(2.0);
            (self.window, self.epoch, self.last_ack) = (1.0, None, now);
        }
        if (self.in_flight.len() as f64) >= self.window {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.in_flight.insert(number, now);
        Some(number)
    }

    /// A segment was acknowledged. Lost data is replaced by new data.
    pub fn acknowledge(&mut self, now: Instant, number: u64) {
        self.last_ack = now;
        let Some(sent) = self.in_flight.remove(&number) else { return };
        let sample = (now - sent).as_secs_f64();
        self.round_trip += (sample - self.round_trip) / 8.0;
        self.highest = self.highest.max(number);
        let lost = self.in_flight.range(..self.highest.saturating_sub(3)).map(|(n, _)| *n);
        let lost: Vec<u64> = lost.collect();
        for number in &lost {
            self.in_flight.remove(number);
        }
        if lost.iter().any(|number| *number > self.recovery_until) {
            self.recovery_until = self.next - 1;
            let fast = if self.window < self.most { (1.0 + BETA) / 2.0 } else { 1.0 };
            self.most = self.window * fast;
            self.window = (self.window * BETA).max(2.0);
            self.threshold = self.window;
            self.epoch = None;
        } else if number > self.recovery_until {
            self.grow(now);
        }
    }

    fn grow(&mut self, now: Instant) {
        if self.window < self.threshold {
            self.window += 1.0;
            return;
        }
        let (began, window) = *self.epoch.get_or_insert((now, self.window));
        if began == now {
            self.reno = window;
        }
        let most = self.most.max(window);
        let k = ((most - window) / C).cbrt();
        let t = (now - began).as_secs_f64() + self.round_trip;
        let target = (C * (t - k).powi(3) + most).clamp(self.window, 1.5 * self.window);
        self.reno += 3.0 * (1.0 - BETA) / (1.0 + BETA) / self.window;
        self.window += (target - self.window) / self.window;
        self.window = self.window.max(self.reno);
    }
}
