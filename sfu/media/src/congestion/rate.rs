//! The rate by delay: additive or multiplicative increase while queues are empty, a decrease to
//! what really passes when they grow (draft-ietf-rmcat-gcc-02 section 5.5).

use super::trendline::Usage;
use super::units::{MILLI, Micros, SECOND, seconds};

/// Growth a second while nothing is known of the link, far from its capacity, and while it is
/// learned what a link that got better can do.
const STARTUP_GROWTH: f64 = 1.5;
const FAR_GROWTH: f64 = 1.08;
const QUIET_GROWTH: f64 = 1.25;
/// So long after a decrease the capacity that was learned then is doubted, and more so.
const FAR_QUIET: Micros = 2_500 * MILLI;
const QUIET: Micros = 5 * SECOND;
/// Bits of the packet that is added for each response time near the capacity.
const PACKET_BITS: f64 = 1_200.0 * 8.0;
/// What is added to the round trip to get the time in which a change of ours is answered.
const RESPONSE: Micros = 50 * MILLI;
/// The rate after a decrease, of what passes: at most this, so that the queue does drain, and at
/// least that, since the picture must go on.
const MILDEST: f64 = 0.95;
const HARDEST: f64 = 0.5;
/// The time in which a decrease is to drain the queue, in seconds.
const DRAIN_SECONDS: f64 = 0.5;
/// Low rates give way less to queues that disturb nobody: they are not what fills them, and would be
/// starved by a flow that does.
const GRACE_SECONDS: f64 = 0.06;
const GRACE_BPS: f64 = 1_250_000.0;
/// What passes is so far below the estimate that the last decrease cannot have been enough.
const FAR_BELOW: f64 = 0.6;
/// While less than the estimate is sent, what passes says nothing of the link, but for when so much
/// waits that it is busy all the time.
const LIMITED_DECREASE: f64 = 0.85;
const BUSY_QUEUE: Micros = 50 * MILLI;
/// Where this part of what is sent passes, the link does not fall behind; and how much more than what is
/// sent the estimate may be then, which was not tried.
const KEEPS_UP: f64 = 0.9;
const MOST_UNTRIED: f64 = 1.5;
/// Of what passed, the rate that is taken up again once the queue is empty.
const RESUMED: f64 = 0.95;
/// For how long that is worth something.
const RESUMED_FOR: Micros = 3 * SECOND;
/// A queue that is as good as empty.
const EMPTY_QUEUE: Micros = 8 * MILLI;
/// With less of a queue than this the link is idle now and then: what passes in a tenth of a second is
/// what was sent, and says less of the link than what passed when it was full.
const SHORT_QUEUE: Micros = 16 * MILLI;
/// Growth of the delay without so much of a queue is jitter.
const LEAST_QUEUE: Micros = 4 * MILLI;
/// Chance losses up to this part do not keep the rate from growing.
const TOLERATED_LOSS: f64 = 0.3;

/// What the rate depends on, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Signals {
    /// What the delay says.
    pub usage: Usage,
    /// How long every packet waits.
    pub queue: Micros,
    /// Bits a second that arrived lately, by the receiver's clock: in the last tenth of a second or
    /// the last few packets, and in the last half.
    pub passing: f64,
    /// The longer mean.
    pub acknowledged: f64,
    /// Bits a second that are sent, over half a second.
    pub sent: f64,
    /// Whether all that is to be sent leaves at once, and what passes is known well.
    pub has_room: bool,
    /// Whether less than the estimate is sent.
    pub is_limited: bool,
    /// The part of all packets that is lost whatever the rate.
    pub inherent: f64,
    /// The round trip.
    pub round_trip: Micros,
}

/// What passed when the queue was not empty: the capacity of the link for us.
#[derive(Debug, Clone, Copy)]
struct Capacity {
    mean: f64,
    /// Variance, relative to the mean (section 5.5).
    variance: f64,
}

/// The rate by delay.
#[derive(Debug)]
pub struct Rate {
    bps: f64,
    capacity: Option<Capacity>,
    decreased: Option<Micros>,
    updated: Option<Micros>,
    /// The rate to go back to when the queue is empty, and until when.
    resume: Option<(f64, Micros)>,
    is_startup: bool,
}

impl Rate {
    /// At so many bits a second.
    pub fn new(bps: f64) -> Rate {
        Rate { bps, capacity: None, decreased: None, updated: None, resume: None, is_startup: true }
    }

    /// At so many bits a second, which the path is known to take.
    pub fn resumed(bps: f64) -> Rate {
        Rate { is_startup: false, ..Rate::new(bps) }
    }

    /// Bits a second.
    pub fn bps(&self) -> f64 {
        self.bps
    }

    /// When the rate was last decreased.
    pub fn decreased(&self) -> Option<Micros> {
        self.decreased
    }

    /// Takes what is seen at `now` into account; true where the rate was decreased.
    pub fn update(&mut self, now: Micros, signals: &Signals) -> bool {
        let passed = now.saturating_sub(self.updated.replace(now).unwrap_or(now)).clamp(0, SECOND);
        match signals.usage {
            Usage::Over if signals.queue >= LEAST_QUEUE => self.overuse(now, signals),
            Usage::Over | Usage::Under => {
                self.resume(now, signals);
                false
            }
            Usage::Normal => {
                self.resume(now, signals);
                self.increase(now, passed, signals);
                false
            }
        }
    }

    /// Sets the rate to a result of probing, where that is more.
    pub fn raise(&mut self, bps: f64) {
        if bps <= self.bps {
            return;
        }
        self.bps = bps;
        if self.capacity.is_some_and(|capacity| bps > capacity.upper()) {
            self.capacity = None;
        }
    }

    /// Notes what passed while the link was full.
    pub fn learn(&mut self, bps: f64) {
        if bps > 0.0 && bps.is_finite() {
            self.capacity =
                Some(self.capacity.map_or(Capacity { mean: bps, variance: 0.0025 }, |capacity| {
                    capacity.with(bps)
                }));
        }
    }

    /// Lowers the rate, where it is higher, for a reason other than delay.
    pub fn lower(&mut self, now: Micros, bps: f64) -> bool {
        if bps >= self.bps {
            return false;
        }
        self.bps = bps;
        self.decreased = Some(now);
        self.is_startup = false;
        self.resume = None;
        true
    }

    /// What a receiver report says has arrived, where nothing else is told.
    pub fn report(&mut self, arrived: f64, is_limited: bool, passed: Micros) {
        if !is_limited {
            let raised = self.bps * FAR_GROWTH.powf(seconds(passed.clamp(0, SECOND)));
            self.bps = raised.min(1.5 * arrived + 10_000.0).max(self.bps);
        }
    }

    /// Keeps the rate within limits.
    pub fn clamp(&mut self, least: f64, most: f64) {
        self.bps = if self.bps.is_finite() { self.bps.min(most).max(least) } else { least };
    }

    /// Holds the rate to a bound that is no sign of congestion.
    pub fn cap(&mut self, bps: f64) {
        self.bps = self.bps.min(bps);
    }

    /// Whether a decrease may follow: the last one has had the time to show.
    pub fn may_decrease(&self, now: Micros, round_trip: Micros) -> bool {
        let wait = round_trip.saturating_add(2 * RESPONSE).clamp(150 * MILLI, SECOND);
        self.decreased.is_none_or(|decreased| now.saturating_sub(decreased) >= wait)
    }

    fn overuse(&mut self, now: Micros, signals: &Signals) -> bool {
        let is_limited = signals.is_limited && signals.queue < BUSY_QUEUE;
        let falls_far = !is_limited && signals.passing < FAR_BELOW * self.bps;
        if !self.may_decrease(now, signals.round_trip) && !falls_far {
            return false;
        }
        self.is_startup = false;
        if is_limited {
            let lowered = (self.bps * LIMITED_DECREASE).max(signals.passing);
            return self.lower(now, lowered);
        }
        let grace = GRACE_SECONDS * (1.0 - self.bps / GRACE_BPS).max(0.0);
        let queue = seconds(signals.queue);
        let mut passing = signals.passing;
        if queue < grace || signals.queue < SHORT_QUEUE {
            passing = passing.max(self.bps);
        }
        self.learn(passing);
        if signals.has_room && signals.passing >= KEEPS_UP * signals.sent {
            // All that is sent passes, and what is left of the estimate was not tried.
            passing *= (self.bps / signals.sent.max(1.0)).clamp(1.0, MOST_UNTRIED);
        }
        let factor = (1.0 - (queue - grace).max(0.0) / DRAIN_SECONDS).clamp(HARDEST, MILDEST);
        if !self.lower(now, factor * passing) {
            return false;
        }
        self.resume = Some((RESUMED * passing, now.saturating_add(RESUMED_FOR)));
        true
    }

    fn resume(&mut self, now: Micros, signals: &Signals) {
        let Some((bps, until)) = self.resume else { return };
        if now > until {
            self.resume = None;
        } else if signals.queue < EMPTY_QUEUE && signals.usage != Usage::Over {
            self.bps = self.bps.max(bps);
            self.resume = None;
        }
    }

    fn increase(&mut self, now: Micros, passed: Micros, signals: &Signals) {
        if signals.is_limited {
            return;
        }
        if self.capacity.is_some_and(|capacity| self.bps > capacity.upper()) {
            self.capacity = None;
        }
        let passed = seconds(passed);
        let quiet = now.saturating_sub(self.decreased.unwrap_or(now));
        let is_near = self.capacity.is_some_and(|capacity| self.bps > capacity.lower());
        let growth = match quiet {
            _ if self.is_startup => STARTUP_GROWTH,
            QUIET.. => QUIET_GROWTH,
            FAR_QUIET.. => FAR_GROWTH,
            _ if is_near => 1.0,
            _ => FAR_GROWTH,
        };
        let response = seconds(signals.round_trip.saturating_add(RESPONSE)).max(0.05);
        let least = (PACKET_BITS / response).max(4_000.0) * passed;
        let raised = (self.bps * growth.powf(passed)).max(self.bps + least);
        // Nothing is known of rates far above what arrives.
        let sent = signals.acknowledged / (1.0 - signals.inherent.clamp(0.0, TOLERATED_LOSS));
        let most = 1.5 * sent + 10_000.0;
        self.bps = raised.min(most).max(self.bps);
    }
}

impl Capacity {
    fn with(self, bps: f64) -> Capacity {
        let mean = 0.9 * self.mean + 0.1 * bps;
        // A link that has changed is known by one look at it.
        let mean = if (bps - self.mean).abs() > 3.0 * self.deviation() { bps } else { mean };
        let error = ((bps - mean) / mean.max(1.0)).clamp(-1.0, 1.0);
        let variance = (0.9 * self.variance + 0.1 * error * error).clamp(0.0004, 0.01);
        Capacity { mean, variance }
    }

    fn deviation(self) -> f64 {
        self.mean * self.variance.sqrt()
    }

    fn upper(self) -> f64 {
        self.mean + 3.0 * self.deviation()
    }

    fn lower(self) -> f64 {
        self.mean - 3.0 * self.deviation()
    }
}
