//! What feedback does to the estimate: the parts of the estimator, put together.

use super::cluster::Finding;
use super::history::Packet;
use super::probe::Needs;
use super::rate::Signals;
use super::trendline::Usage;
use super::units::{MILLI, Micros, SECOND, bps};
use super::{EASED_FOR, Estimator};
use lectern_wire::DataSize;
use std::time::Instant;

/// A round trip before one was measured.
const ASSUMED_ROUND_TRIP: Micros = 100 * MILLI;
const LONGEST_ROUND_TRIP: Micros = 5 * SECOND;
/// A packet is lost when another that was sent so much later has arrived, plus jitter.
const PATIENCE: Micros = 60 * MILLI;
/// Feedback about numbers that were never sent: forgiven after the start, when it may be meant for
/// who sent before us; later the rate falls to this part, at most so often.
const FORGIVEN: Micros = 3 * SECOND;
const MISTRUST: f64 = 0.5;
const MISTRUST_INTERVAL: Micros = 200 * MILLI;
const MISTRUSTED_FOR: Micros = 10 * SECOND;
/// The rate is halved each time feedback stays out for so long beyond a round trip.
const SILENCE: Micros = SECOND;
/// Congestive loss under this is left to the delay.
const LEAST_CONGESTIVE: f64 = 0.02;
/// What passes is measured over ten packets, or a tenth of a second.
const PASSING_BITS: f64 = 96_000.0;
/// After such a gap between the sending of packets that arrived the measurement begins anew, and
/// says nothing before so long.
const GAP: Micros = 100 * MILLI;
const LEAST_PASSING: Micros = 60 * MILLI;
/// Where packets are lost with so much of a queue, the estimate is this part of what arrives.
const STANDING_QUEUE: Micros = 10 * MILLI;
const FULL: f64 = 0.95;
/// The estimate against what is acknowledged, over this time.
const ACKNOWLEDGED_WINDOW: Micros = 1_500 * MILLI;
/// Where less than this part of what was sent has arrived, nothing is probed.
const UNANSWERED: f64 = 0.68;
/// Where less than this part has arrived, the estimate is held to what does, whatever is sent.
const HALF: f64 = 0.45;
/// So long after it has begun, a path that takes what is wanted is looked at up to this rate: more will
/// be wanted soon.
pub const LOOKED_AT_FOR: Micros = 5 * SECOND;
const LOOKED_AT_BPS: f64 = 5_000_000.0;
/// With less of a queue than this the link is idle now and then.
const IDLE_QUEUE: Micros = 10 * MILLI;
/// More than that waits in our own queue, in seconds, only while more is to be sent than may be.
const WAITING: f64 = 0.02;
/// With more jitter than this it is not known what passes in a tenth of a second.
const STEADY: Micros = 4 * MILLI;
/// A queue with which nothing is probed.
const PROBED_QUEUE: Micros = 40 * MILLI;

/// Whether feedback about numbers that were never sent may still be meant for who sent before us.
pub(super) const fn is_forgiven(at: Micros) -> bool {
    at < FORGIVEN
}

impl Estimator {
    pub(super) fn micros(&self, now: Instant) -> Micros {
        let passed = now.saturating_duration_since(self.began).as_micros();
        Micros::try_from(passed).unwrap_or(Micros::MAX / 4).min(Micros::MAX / 4)
    }

    pub(super) fn range(&self) -> (f64, f64) {
        let least = bps(self.config.least);
        (least, bps(self.config.most).max(least))
    }

    /// A number below which another one is drawn (xorshift, Marsaglia 2003).
    pub(super) fn draw(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        100 + (self.random >> 33) as u32 % 400
    }

    pub(super) fn arrived(&mut self, at: Micros, sequence: u16, packet: Packet, arrival: Micros) {
        let (sent, _) = self.latest.unwrap_or((Micros::MIN, 0));
        if packet.sent.saturating_sub(sent) > GAP {
            self.resumed = arrival;
        }
        if packet.sent >= sent {
            self.latest = Some((packet.sent, arrival));
        }
        let waited = self.delay.add(arrival, arrival.saturating_sub(packet.sent));
        self.history.note_queue(sequence, waited);
        self.busy.add(arrival, waited, packet.size);
        self.trendline.add(packet.sent, arrival);
        self.arrivals.add(arrival, u32::from(packet.size));
        self.answers.add(at, u32::from(packet.size));
        self.prober.arrived(&packet, arrival);
    }

    /// How long packets wait in a queue, without jitter.
    pub(super) fn waiting(&self) -> Micros {
        let jitter = self.delay.jitter();
        let standing = self.delay.queue().saturating_sub(jitter / 4);
        standing.max(self.delay.latest().saturating_sub(2 * jitter)).max(0)
    }

    /// Whether the rate was lowered a moment before the last feedback.
    pub(super) fn is_eased(&self) -> bool {
        let lowered = self.heard.zip(self.rate.decreased());
        lowered.is_some_and(|(heard, decreased)| heard.saturating_sub(decreased) < EASED_FOR)
    }

    /// The bits a second that the link passed lately: as short a time as holds enough packets, and of
    /// that only while it was busy, where it was. `None` right after a gap.
    fn passing(&self) -> Option<f64> {
        let window = PASSING_BITS / self.rate.bps().max(1.0) * SECOND as f64;
        let window = window.clamp(100_000.0, 500_000.0) as Micros;
        let since = self.latest.map_or(0, |(_, arrival)| arrival.saturating_sub(self.resumed));
        if since < LEAST_PASSING {
            return None;
        }
        let window = window.min(since);
        Some(self.arrivals.rate(window)?.max(self.busy_rate(window)))
    }

    /// The bits a second that passed while the link was busy; nothing beyond the estimate.
    fn busy_rate(&self, window: Micros) -> f64 {
        self.busy.rate(window).unwrap_or(0.0).min(self.rate.bps())
    }

    /// The bits a second that arrived in the last half second, by the receiver's clock but no more
    /// than we were told of by ours.
    pub(super) fn acknowledged(&self) -> f64 {
        let there = self.arrivals.rate(500 * MILLI).unwrap_or(0.0);
        let here = self.answers.rate(SECOND).unwrap_or(there);
        there.min(1.5 * here)
    }

    pub(super) fn judge(&mut self, at: Micros) {
        let jitter = self.delay.jitter().clamp(0, 100 * MILLI);
        while let Some(judged) = self.history.judge(PATIENCE + 2 * jitter) {
            self.answered.add(at, &judged);
            let Some(verdict) = self.loss.add(&judged, self.delay.longest(), jitter) else {
                continue;
            };
            let round_trip = self.round_trip_micros();
            if verdict.congestive > LEAST_CONGESTIVE && self.rate.may_decrease(at, round_trip) {
                let mut lowered = self.rate.bps() * (1.0 - 0.5 * verdict.congestive);
                if self.delay.queue() > STANDING_QUEUE && !self.limited.is_limited() {
                    // The queue is full, so what arrives is what the link can do.
                    let window = 250 * MILLI;
                    let passing = self.arrivals.rate(window).unwrap_or(lowered);
                    let passing = passing.max(self.busy_rate(window));
                    lowered = lowered.min(FULL * passing);
                }
                if self.rate.lower(at, lowered) {
                    self.prober.abandon(at);
                }
            }
        }
    }

    pub(super) fn control(&mut self, at: Micros) {
        self.limited.update(at, self.rate.bps());
        let holds = at < self.hold_until || self.is_mistrusted(at);
        let passing = self.passing();
        let usage = match self.trendline.usage() {
            Usage::Normal if holds => Usage::Under,
            Usage::Over if passing.is_none() => Usage::Under,
            usage => usage,
        };
        let signals = Signals {
            usage,
            queue: self.waiting(),
            passing: passing.unwrap_or(0.0),
            acknowledged: self.acknowledged(),
            sent: self.limited.rate(),
            has_room: self.has_room(),
            is_limited: self.limited.is_limited(),
            inherent: self.loss.inherent(),
            round_trip: self.round_trip_micros(),
        };
        // A cluster speaks before the delay that it may have caused does.
        self.probe_on(at);
        if self.rate.update(at, &signals) {
            self.prober.abandon(at);
        }
        self.hold_to_acknowledged(at);
        self.bound();
    }

    fn has_room(&self) -> bool {
        let waits = self.backlog.as_bytes() as f64 * 8.0;
        waits <= WAITING * self.rate.bps() && self.delay.jitter() < STEADY
    }

    /// Nobody gets more than half as much again as arrives: neither who says nothing of delay nor
    /// who says nothing of loss.
    fn hold_to_acknowledged(&mut self, at: Micros) {
        let Some(arrived) = self.answers.rate(ACKNOWLEDGED_WINDOW) else { return };
        let soon = self.answers.rate(ACKNOWLEDGED_WINDOW / 2).unwrap_or(arrived);
        let sent = self.limited.rate_over(ACKNOWLEDGED_WINDOW);
        let most = 1.5 * arrived + 10_000.0;
        let is_under = |part: f64, window| self.answered.part(window).is_some_and(|p| p < part);
        let is_half_lost = is_under(HALF, ACKNOWLEDGED_WINDOW / 2);
        self.is_unanswered = is_under(UNANSWERED, ACKNOWLEDGED_WINDOW);
        let uses_it = sent >= 0.8 * self.rate.bps();
        let bound = match (is_half_lost, uses_it) {
            (true, _) => 1.5 * soon + 10_000.0,
            (false, true) => most,
            (false, false) => return,
        };
        if bound > 0.9 * self.rate.bps() {
            self.rate.cap(bound);
        } else if self.rate.lower(at, bound) {
            self.prober.doubt(at);
        }
    }

    pub(super) fn probe_on(&mut self, at: Micros) {
        let needs = self.needs(at);
        match self.prober.update(at, &needs) {
            Some(Finding::Passed(bps) | Finding::Full(bps)) => self.rate.raise(bps.min(needs.most)),
            Some(Finding::Unclear) | None => {}
        }
    }

    fn needs(&self, at: Micros) -> Needs {
        let (_, most) = self.range();
        let recently = |time: Micros| at.saturating_sub(time) < SECOND;
        let is_congested = self.trendline.usage() == Usage::Over
            || self.rate.decreased().is_some_and(recently)
            || self.delay.queue() > PROBED_QUEUE
            || at < self.hold_until
            || self.is_unanswered
            || self.is_mistrusted(at);
        let is_idle = self.backlog == DataSize::ZERO && self.waiting() < IDLE_QUEUE;
        let is_met = self.wanted > 0.0 && self.rate.bps() >= self.wanted;
        let is_new = at < self.look_until && is_met && is_idle;
        Needs {
            estimate: self.rate.bps(),
            wanted: if is_new { self.wanted.max(LOOKED_AT_BPS) } else { self.wanted },
            most,
            is_congested,
            jitter: self.delay.jitter(),
            round_trip: self.round_trip_micros(),
            inherent: self.loss.inherent(),
        }
    }

    pub(super) fn mistrust(&mut self, at: Micros) {
        let is_due =
            self.mistrusted.is_none_or(|last| at.saturating_sub(last) >= MISTRUST_INTERVAL);
        if is_due {
            self.mistrusted = Some(at);
            self.rate.lower(at, self.rate.bps() * MISTRUST);
            self.prober.abandon(at);
        }
    }

    fn is_mistrusted(&self, at: Micros) -> bool {
        self.mistrusted.is_some_and(|last| at.saturating_sub(last) < MISTRUSTED_FOR)
    }

    pub(super) fn note_round_trip(&mut self, sample: Micros) {
        let sample = sample.clamp(0, LONGEST_ROUND_TRIP);
        self.round_trip = Some(match self.round_trip {
            Some(smoothed) => smoothed + (sample - smoothed) / 8,
            None => sample,
        });
    }

    pub(super) fn round_trip_micros(&self) -> Micros {
        self.round_trip.unwrap_or(ASSUMED_ROUND_TRIP)
    }

    /// When feedback will have stayed out for too long, while there is something to hear of.
    pub(super) fn silent_at(&self) -> Option<Micros> {
        let heard = self.heard?.max(self.silenced);
        let awaited = self.history.outstanding() > 0 && self.rate.bps() > self.range().0;
        awaited.then(|| heard.saturating_add(SILENCE).saturating_add(self.round_trip_micros()))
    }

    pub(super) fn silence(&mut self, at: Micros) {
        let Some(due) = self.silent_at() else { return };
        if at >= due {
            self.silenced = at;
            let sends = self.limited.rate_over(SILENCE) > 0.0;
            if sends && self.rate.lower(at, self.rate.bps() * 0.5) {
                self.prober.abandon(at);
            }
        }
    }

    pub(super) fn follow_remb(&mut self) {
        let Some(limit) = self.remb else { return };
        let most = 1.5 * self.limited.rate_over(SECOND).max(self.rate.bps());
        self.rate.raise(limit.min(most));
        self.bound();
    }

    pub(super) fn bound(&mut self) {
        let (least, most) = self.range();
        self.rate.clamp(least, most);
    }
}
