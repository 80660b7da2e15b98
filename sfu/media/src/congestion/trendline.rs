//! Whether the delay grows: groups of packets, the slope of their delays, and a threshold that
//! adapts (draft-ietf-rmcat-gcc-02 sections 5.1 to 5.4, with a regression for the Kalman filter).
//!
//! Carlucci et al., "Congestion Control for Web Real-Time Communication", ToN 2017.

use super::units::{MILLI, Micros};

/// Packets sent within this time are one group (section 5.2).
const GROUP_TIME: Micros = 5 * MILLI;
/// A group does not grow longer than this, however tightly its packets arrive.
const MAX_BURST: Micros = 100 * MILLI;
/// Groups the slope is taken from.
const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
/// What the slope is multiplied by, besides the number of groups, to be compared in milliseconds.
const GAIN: f64 = 4.0;
const MAX_GROUPS: u32 = 60;
const INITIAL_THRESHOLD: f64 = 12.5;
const THRESHOLD_RANGE: (f64, f64) = (6.0, 600.0);
/// How quickly the threshold follows, a millisecond: up and down (section 5.4).
const FOLLOW_UP: f64 = 0.0087;
const FOLLOW_DOWN: f64 = 0.039;
/// A slope this far above the threshold is a sudden change; the threshold does not follow it.
const SUDDEN: f64 = 15.0;
/// How long the slope must stay too steep.
const OVERUSE_MILLIS: f64 = 10.0;

/// What the delay says of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Usage {
    /// Queues stay as they are.
    #[default]
    Normal,
    /// Queues grow.
    Over,
    /// Queues drain.
    Under,
}

/// Packets sent at about the same time.
#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Micros,
    last_sent: Micros,
    first_arrival: Micros,
    last_arrival: Micros,
}

/// The detector of one transport.
#[derive(Debug)]
pub struct Trendline {
    current: Option<Group>,
    previous: Option<Group>,
    groups: u32,
    accumulated: f64,
    smoothed: f64,
    /// Arrival and smoothed delay of the last groups, in milliseconds.
    points: [(f64, f64); WINDOW],
    next: usize,
    filled: usize,
    threshold: f64,
    slope: f64,
    trend: f64,
    over_millis: f64,
    over_groups: u32,
    usage: Usage,
}

impl Trendline {
    /// Without a packet yet.
    pub fn new() -> Trendline {
        Trendline {
            current: None,
            previous: None,
            groups: 0,
            accumulated: 0.0,
            smoothed: 0.0,
            points: [(0.0, 0.0); WINDOW],
            next: 0,
            filled: 0,
            threshold: INITIAL_THRESHOLD,
            slope: 0.0,
            trend: 0.0,
            over_millis: 0.0,
            over_groups: 0,
            usage: Usage::Normal,
        }
    }

    /// What the delay says now.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The slope as it is compared with the threshold, and the threshold; for plots.
    pub fn trend(&self) -> (f64, f64) {
        (self.trend, self.threshold)
    }

    /// A packet, in the order of sending.
    pub fn add(&mut self, sent: Micros, arrival: Micros) {
        let Some(group) = self.current else {
            self.current = Some(Group::new(sent, arrival));
            return;
        };
        if sent < group.first_sent {
            return; // Out of order: its group is closed.
        }
        if group.takes(sent, arrival) {
            self.current = Some(group.with(sent, arrival));
            return;
        }
        if let Some(previous) = self.previous {
            let arrived = group.last_arrival.saturating_sub(previous.last_arrival);
            let left = group.last_sent.saturating_sub(previous.last_sent);
            if arrived >= 0 {
                self.add_group(millis(arrived), millis(left), millis(group.last_arrival));
            }
        }
        self.previous = Some(group);
        self.current = Some(Group::new(sent, arrival));
    }

    fn add_group(&mut self, arrived: f64, left: f64, at: f64) {
        let difference = (arrived - left).clamp(-1e5, 1e5);
        self.groups = self.groups.saturating_add(1).min(MAX_GROUPS);
        self.accumulated = (self.accumulated + difference).clamp(-1e7, 1e7);
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        if let Some(point) = self.points.get_mut(self.next) {
            *point = (at, self.smoothed);
        }
        self.next = (self.next + 1) % WINDOW;
        self.filled = (self.filled + 1).min(WINDOW);
        let slope = if self.filled == WINDOW { self.regression() } else { self.slope };
        self.detect(slope, left.clamp(0.0, 1e5), arrived.clamp(0.0, 1e5));
    }

    /// The slope of the least squares line; the last one where all points have one time.
    fn regression(&self) -> f64 {
        let count = WINDOW as f64;
        let (x, y) = self.points.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
        let (x, y) = (x / count, y / count);
        let (mut above, mut below) = (0.0, 0.0);
        for point in &self.points {
            above += (point.0 - x) * (point.1 - y);
            below += (point.0 - x) * (point.0 - x);
        }
        if below > 1e-9 { (above / below).clamp(-1e3, 1e3) } else { self.slope }
    }

    fn detect(&mut self, slope: f64, left: f64, arrived: f64) {
        if self.groups < 2 {
            return;
        }
        self.trend = f64::from(self.groups) * slope * GAIN;
        if self.trend > self.threshold {
            self.over_millis += if self.over_groups == 0 { left / 2.0 } else { left };
            self.over_groups = self.over_groups.saturating_add(1);
            let lasts = self.over_millis > OVERUSE_MILLIS && self.over_groups > 1;
            if lasts && slope >= self.slope {
                self.over_millis = 0.0;
                self.over_groups = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_millis = 0.0;
            self.over_groups = 0;
            let is_under = self.trend < -self.threshold;
            self.usage = if is_under { Usage::Under } else { Usage::Normal };
        }
        self.slope = slope;
        self.follow(arrived.min(100.0));
    }

    /// Moves the threshold towards the slope (section 5.4): who shares a queue with a flow that
    /// fills it would give way for ever with a fixed one.
    fn follow(&mut self, passed: f64) {
        let size = self.trend.abs();
        if size > self.threshold + SUDDEN {
            return;
        }
        let speed = if size < self.threshold { FOLLOW_DOWN } else { FOLLOW_UP };
        self.threshold += speed * (size - self.threshold) * passed;
        self.threshold = self.threshold.clamp(THRESHOLD_RANGE.0, THRESHOLD_RANGE.1);
    }
}

impl Group {
    fn new(sent: Micros, arrival: Micros) -> Group {
        Group { first_sent: sent, last_sent: sent, first_arrival: arrival, last_arrival: arrival }
    }

    fn with(self, sent: Micros, arrival: Micros) -> Group {
        Group {
            last_sent: self.last_sent.max(sent),
            last_arrival: self.last_arrival.max(arrival),
            ..self
        }
    }

    /// Whether a packet belongs to this group: it was sent at the same time, or the network has
    /// held it back and let it go together with the group.
    fn takes(&self, sent: Micros, arrival: Micros) -> bool {
        let left = sent.saturating_sub(self.last_sent);
        if sent.saturating_sub(self.first_sent) <= GROUP_TIME {
            return true;
        }
        let arrived = arrival.saturating_sub(self.last_arrival);
        arrived <= GROUP_TIME
            && arrived < left
            && arrival.saturating_sub(self.first_arrival) < MAX_BURST
    }
}

fn millis(time: Micros) -> f64 {
    time as f64 / MILLI as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a packet each 10 ms whose delay grows by `growth` microseconds each time.
    fn send(trendline: &mut Trendline, from: i64, count: i64, growth: i64) -> Vec<Usage> {
        let mut seen = Vec::new();
        for step in 0..count {
            let sent = (from + step) * 10 * MILLI;
            trendline.add(sent, sent + 77 * MILLI + step * growth);
            seen.push(trendline.usage());
        }
        seen
    }

    #[test]
    fn growing_delay_is_overuse_and_shrinking_delay_underuse() {
        let mut trendline = Trendline::new();
        assert!(send(&mut trendline, 0, 100, 0).iter().all(|usage| *usage == Usage::Normal));
        let seen = send(&mut trendline, 100, 30, 2 * MILLI);
        let found = seen.iter().position(|usage| *usage == Usage::Over).expect("overuse");
        assert!(found < 15, "after {found} groups");
        send(&mut trendline, 130, 60, -MILLI);
        assert_eq!(trendline.usage(), Usage::Under);
    }

    #[test]
    fn the_threshold_follows_noise() {
        let mut trendline = Trendline::new();
        let mut over = 0;
        for step in 0..3_000i64 {
            let sent = step * 10 * MILLI;
            trendline.add(sent, sent + step * 7_919 % 40_000);
            over += u32::from(step > 500 && trendline.usage() == Usage::Over);
        }
        assert!(over < 25, "{over} of 2,500");
    }

    #[test]
    fn garbage_stays_finite() {
        let mut trendline = Trendline::new();
        let times = [0, i64::MAX, i64::MIN, 1, -1, 1 << 40, -(1 << 40)];
        for step in 0..10_000usize {
            trendline.add(times[step % 7], times[step * step % 7]);
            let (trend, threshold) = trendline.trend();
            assert!(trend.is_finite() && (6.0..=600.0).contains(&threshold));
        }
    }
}
