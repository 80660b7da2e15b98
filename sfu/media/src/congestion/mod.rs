//! Send-side bandwidth estimation: how much one subscriber's path can take (RFC 8836; the note is
//! `sfu/docs/congestion.md`). Time is an argument; nothing allocates after construction.

mod alr;
mod answered;
mod busy;
mod carried;
mod clock;
mod cluster;
mod control;
mod delay;
mod history;
mod loss;
mod meter;
mod probe;
mod rate;
mod trendline;
mod units;

#[cfg(test)]
mod tests;

pub use carried::Carried;
pub use probe::{Probe, ProbeId};
pub use trendline::Usage;

use alr::Limited;
use answered::Answered;
use busy::Busy;
use clock::ReceiverClock;
use control::is_forgiven;
use delay::Delay;
use history::{Answer, History, Packet};
use lectern_wire::rtcp::TransportFeedback;
use lectern_wire::{Bitrate, DataSize};
use loss::Loss;
use meter::Meter;
use probe::Prober;
use rate::Rate;
use std::time::{Duration, Instant};
use trendline::Trendline;
use units::{MILLI, Micros, SECOND, bitrate, bps};

/// The pacer's rate as a multiple of the estimate; more where packets would wait longer than so
/// many seconds, by up to so much. All of that goes as a queue of the network grows between two waits:
/// what is lowered to drain a queue must drain it. And little is left of it for so long after a
/// decrease: what waited meanwhile would fill the queue again at once.
const DRAINING: f64 = 0.95;
const EASED_PACING: f64 = 0.05;
const EASED_FOR: Micros = 3 * SECOND;
const PACING: f64 = 1.25;
const PACED: f64 = 0.25;
const MORE_PACING: f64 = 0.5;
const QUEUED: [f64; 2] = [8.0 * MILLI as f64, 24.0 * MILLI as f64];

/// What the estimate may be, and where it begins.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// The estimate is never below this.
    pub least: Bitrate,
    /// Where it begins.
    pub start: Bitrate,
    /// It is never above this.
    pub most: Bitrate,
    /// The transport-wide number of the first packet.
    pub sequence: u16,
    /// Chooses the numbers that are left out; a receiver must not know it.
    pub seed: u64,
}

/// Why a packet is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// For the first time.
    Media,
    /// Again, or to repair others.
    Repair,
    /// To fill up.
    Padding,
    /// As part of a cluster; whatever is in it.
    Probe(ProbeId),
}

/// The numbers behind the estimate, for metrics and plots.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// What the delay says.
    pub usage: Usage,
    /// The slope of the delay, in milliseconds, and the threshold that it is compared with.
    pub trend: (f64, f64),
    /// How long every packet waits in the network.
    pub queue: Duration,
    /// The mean difference between the delays of neighbours.
    pub jitter: Duration,
    /// What arrived in the last half second.
    pub acknowledged: Bitrate,
    /// The rate by delay, before REMB.
    pub by_delay: Bitrate,
    /// The part of all packets that is lost whatever the rate, 0 to 1.
    pub inherent_loss: f64,
    /// Bytes under way.
    pub outstanding: DataSize,
}

/// The estimator of one subscriber's path.
#[derive(Debug)]
pub struct Estimator {
    config: Config,
    began: Instant,
    random: u64,
    /// Packets until a number is left out.
    until_skip: u32,
    history: History,
    clock: ReceiverClock,
    delay: Delay,
    trendline: Trendline,
    /// What arrived, by the receiver's clock, and by ours when we were told.
    arrivals: Meter,
    answers: Meter,
    answered: Answered,
    busy: Busy,
    /// When the last packet that arrived was sent and came, and when packets began to come again
    /// after a gap in which none was sent, or all were lost.
    latest: Option<(Micros, Micros)>,
    resumed: Micros,
    limited: Limited,
    loss: Loss,
    rate: Rate,
    prober: Prober,
    backlog: DataSize,
    wanted: f64,
    /// Until then the path is looked at further than is wanted.
    look_until: Micros,
    round_trip: Option<Micros>,
    remb: Option<f64>,
    /// When feedback came last, and when the rate was last lowered for want of it.
    heard: Option<Micros>,
    silenced: Micros,
    /// Until then nothing is raised: what feedback says is not understood.
    hold_until: Micros,
    /// Whether much less arrives than is sent.
    is_unanswered: bool,
    /// When numbers that were never sent were last told of.
    mistrusted: Option<Micros>,
    reported_bytes: u64,
    sent_bytes: u64,
    last_report: Option<Micros>,
}

impl Estimator {
    /// An estimator whose path is unknown.
    pub fn new(now: Instant, config: Config) -> Estimator {
        let start =
            bps(config.start).clamp(bps(config.least), bps(config.most).max(bps(config.least)));
        let mut estimator = Estimator {
            config,
            began: now,
            random: config.seed | 1,
            until_skip: 0,
            history: History::new(config.sequence),
            clock: ReceiverClock::default(),
            delay: Delay::new(),
            trendline: Trendline::new(),
            arrivals: Meter::new(10 * MILLI),
            answers: Meter::new(20 * MILLI),
            answered: Answered::new(),
            busy: Busy::new(),
            latest: None,
            resumed: 0,
            limited: Limited::new(),
            loss: Loss::new(),
            rate: Rate::new(start),
            prober: Prober::new(start),
            backlog: DataSize::ZERO,
            wanted: 0.0,
            look_until: control::LOOKED_AT_FOR,
            round_trip: None,
            remb: None,
            heard: None,
            silenced: 0,
            hold_until: 0,
            is_unanswered: false,
            mistrusted: None,
            reported_bytes: 0,
            sent_bytes: 0,
            last_report: None,
        };
        estimator.until_skip = estimator.draw();
        estimator
    }

    /// A packet goes out: how many bytes it is on the wire, headers below RTP included. Gives its
    /// transport-wide number.
    pub fn sent(&mut self, now: Instant, size: DataSize, kind: Sent) -> u16 {
        let at = self.micros(now);
        let size = u16::try_from(size.as_bytes()).unwrap_or(u16::MAX);
        let mut cluster = 0;
        if let Sent::Probe(id) = kind
            && self.prober.sent(at, id, size)
        {
            cluster = id.0;
        }
        self.until_skip = self.until_skip.saturating_sub(1);
        if self.until_skip == 0 && cluster == 0 {
            self.until_skip = self.draw();
            self.history.skip();
        }
        self.limited.sent(at, u32::from(size));
        self.sent_bytes = self.sent_bytes.saturating_add(u64::from(size));
        self.history.push(Packet { sent: at, size, cluster })
    }

    /// Whether a packet was sent under a number: some are left out.
    pub fn has_sent(&self, sequence: u16) -> bool {
        self.history.has_sent(sequence)
    }

    /// The subscriber tells which packets arrived, and when. False where it tells of such as were never
    /// sent, and nothing excuses it.
    pub fn handle_transport_feedback(
        &mut self,
        now: Instant,
        feedback: &TransportFeedback<'_>,
    ) -> bool {
        let at = self.micros(now);
        if self.clock.begin(at, feedback.reference()) {
            self.delay = Delay::new();
            self.trendline = Trendline::new();
            self.arrivals.clear();
            self.busy = Busy::new();
            // Times before and after have nothing to do with each other.
            self.prober.abandon(at);
            self.latest = None;
            self.hold_until = at.saturating_add(SECOND / 2);
        }
        self.heard = Some(at);
        self.answers.advance(at);
        let (mut newest, mut is_believed) = (None, true);
        for status in feedback.statuses() {
            let Some(arrival) = status.arrival else {
                self.history.miss(status.sequence);
                continue;
            };
            match self.history.acknowledge(status.sequence) {
                Answer::First(packet) | Answer::Late(packet) => {
                    newest = newest.max(Some(packet.sent));
                    self.arrived(at, status.sequence, packet, self.clock.time(arrival));
                }
                Answer::Again => {}
                Answer::Unknown => is_believed = false,
            }
        }
        if let Some(sent) = newest {
            self.note_round_trip(at.saturating_sub(sent));
        }
        is_believed |= is_forgiven(at);
        if !is_believed {
            self.mistrust(at);
        }
        self.judge(at);
        self.control(at);
        is_believed
    }

    /// The subscriber's own estimate (draft-alvestrand-rmcat-remb-03): the target follows it where
    /// there is no transport-wide feedback, and is never above it.
    pub fn handle_remb(&mut self, _now: Instant, limit: Bitrate) {
        self.remb = Some(bps(limit));
        if self.heard.is_none() {
            self.follow_remb();
        }
    }

    /// A receiver report: the part of so many packets that was lost, 0 to 1. Counts where there is
    /// no transport-wide feedback.
    pub fn handle_report(&mut self, now: Instant, fraction_lost: f64, packets: u32) {
        let at = self.micros(now);
        if self.heard.is_some() {
            return;
        }
        let lost = if fraction_lost.is_finite() { fraction_lost.clamp(0.0, 1.0) } else { 1.0 };
        let sent = self.sent_bytes.saturating_sub(self.reported_bytes);
        let since = at.saturating_sub(self.last_report.unwrap_or(0));
        if since < 100 * MILLI {
            return;
        }
        self.reported_bytes = self.sent_bytes;
        self.last_report = Some(at);
        self.loss.report(lost, f64::from(packets));
        self.limited.update(at, self.rate.bps());
        let round_trip = self.round_trip_micros();
        let above = self.loss.above(lost, f64::from(packets));
        if above > 0.0 && self.rate.may_decrease(at, round_trip) {
            self.rate.lower(at, self.rate.bps() * (1.0 - 0.5 * above));
        }
        let arrived = units::rate_of(sent as f64, since) * (1.0 - lost);
        self.rate.report(arrived, self.limited.is_limited(), since);
        self.bound();
    }

    /// A round trip that was measured by reports (RFC 3550 section 6.4.1) or by checks.
    pub fn handle_round_trip(&mut self, _now: Instant, round_trip: Duration) {
        let micros = i64::try_from(round_trip.as_micros()).unwrap_or(i64::MAX);
        self.note_round_trip(micros);
    }

    /// What waits in our own pacer.
    pub fn set_backlog(&mut self, _now: Instant, backlog: DataSize) {
        self.backlog = backlog;
    }

    /// The most that the subscriber's tracks could use.
    pub fn set_wanted(&mut self, now: Instant, wanted: Bitrate) {
        let at = self.micros(now);
        self.wanted = bps(wanted);
        self.prober.set_wanted(self.wanted, self.rate.bps());
        self.probe_on(at);
    }

    /// To be called at [`Estimator::deadline`].
    pub fn handle_timeout(&mut self, now: Instant) {
        let at = self.micros(now);
        self.silence(at);
        self.probe_on(at);
        self.bound();
    }

    /// When [`Estimator::handle_timeout`] is to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let silence = self.silent_at();
        let next = [self.prober.deadline(), silence].into_iter().flatten().min()?;
        self.began.checked_add(Duration::from_micros(u64::try_from(next).unwrap_or(0)))
    }

    /// What the path can take, for everything that is sent on it.
    pub fn target(&self) -> Bitrate {
        let (least, most) = self.range();
        let limit = self.remb.unwrap_or(f64::INFINITY);
        bitrate(self.rate.bps().min(limit).clamp(least, most))
    }

    /// How fast the pacer may send: more than the estimate, so that a frame leaves before the next
    /// one comes, and little more, so that it does not overflow the link's queue.
    pub fn pacing_rate(&self) -> Bitrate {
        let target = bps(self.target());
        let waits = self.backlog.as_bytes() as f64 * 8.0 / target.max(1.0);
        let more = PACING - 1.0 + (waits - PACED).clamp(0.0, MORE_PACING);
        let more = if self.is_eased() { more.min(EASED_PACING) } else { more };
        let [none, full] = QUEUED;
        let free = (full - self.waiting() as f64) / (full - none);
        bitrate(target * (DRAINING + (1.0 - DRAINING + more) * free.clamp(0.0, 1.0)))
    }

    /// The cluster that is to be sent now, one at a time.
    pub fn probe(&self) -> Option<Probe> {
        self.prober.probe()
    }

    /// The cluster that was asked for cannot be sent.
    pub fn give_up_probe(&mut self, now: Instant) {
        let at = self.micros(now);
        self.prober.abandon(at);
    }

    /// The round trip, where it is known.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    }

    /// The part of all packets that was lost of late, 0 to 1.
    pub fn loss(&self) -> f64 {
        self.loss.recent()
    }

    /// The part of all packets that is lost whatever the rate, 0 to 1.
    pub fn inherent_loss(&self) -> f64 {
        self.loss.inherent()
    }

    /// Whether less is sent than could be.
    pub fn is_application_limited(&self) -> bool {
        self.limited.is_limited()
    }

    /// The numbers behind the estimate.
    pub fn state(&self) -> State {
        let duration = |micros: Micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        State {
            usage: self.trendline.usage(),
            trend: self.trendline.trend(),
            queue: duration(self.delay.queue()),
            jitter: duration(self.delay.jitter()),
            acknowledged: bitrate(self.acknowledged()),
            by_delay: bitrate(self.rate.bps()),
            inherent_loss: self.loss.inherent(),
            outstanding: DataSize::bytes(self.history.outstanding()),
        }
    }
}
