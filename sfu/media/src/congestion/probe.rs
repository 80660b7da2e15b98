//! When to probe, how far, and what follows from it. One cluster at a time; each is bounded, and
//! none is sent beyond what the subscriber could use.

use super::cluster::{Cluster, Finding};
use super::history::Packet;
use super::units::{MILLI, Micros, SECOND, bitrate};
use lectern_wire::{Bitrate, DataSize};

/// A cluster lasts this long, and longer where jitter hides what it says.
const LENGTH: Micros = 15 * MILLI;
const MOST_LENGTH: Micros = 120 * MILLI;
/// Packets of a cluster, at least, and their usual size.
const LEAST_PACKETS: u32 = 6;
const PACKET_BYTES: f64 = 1_200.0;
/// A cluster is no larger than this: a queue of 64 ms at 8 Mbit/s.
const MOST_BYTES: f64 = 65_536.0;
/// How long a cluster may wait to be sent, and be under way.
const PATIENCE: Micros = 2 * SECOND;
/// From the last packet of a cluster, how long its answers are waited for beyond a round trip.
const ANSWER: Micros = 250 * MILLI;
/// How far a probe reaches above the estimate, and above what can be used.
const REACH: f64 = 2.0;
const BEYOND_USE: f64 = 2.0;
/// The first two probes, as multiples of the rate at the start.
const STARTUP: [f64; 2] = [3.0, 6.0];
/// A result of this part of what was sent is followed by the next step at once.
const STEP_ON: f64 = 0.85;
/// After promises that did not hold the next probe comes so many times later, at most.
const MOST_PATIENCE: Micros = 32;
/// Probing after a decrease: the first time, and the longest time between two.
const AFTER_DECREASE: Micros = SECOND;
const RECOVERY_INTERVAL: Micros = 1_500 * MILLI;
/// Between two probes while the subscriber could use more than the estimate.
const USUAL_INTERVAL: Micros = 5 * SECOND;
/// The estimate is far under what it was: the link may get better at any moment.
const FAR_UNDER: f64 = 0.75;
/// How long what the estimate was is remembered.
const REMEMBERED: Micros = 5 * 60 * SECOND;

/// Names a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProbeId(pub(super) u8);

/// A cluster that is to be sent: packets of any kind at this rate, none of them counted against the
/// pacing rate, until so many bytes and packets have gone out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Its name, for [`super::Sent::Probe`].
    pub id: ProbeId,
    /// The rate at which its packets are to be sent.
    pub rate: Bitrate,
    /// What is still to be sent.
    pub bytes: DataSize,
    /// Packets that are still to be sent, at least.
    pub packets: u32,
}

/// What a probe depends on, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// The estimate, bits a second.
    pub estimate: f64,
    /// The most that the subscriber could use.
    pub wanted: f64,
    /// The most there may be.
    pub most: f64,
    /// Whether the link is known to be full, or was within the last moments.
    pub is_congested: bool,
    /// The mean difference of delays.
    pub jitter: Micros,
    /// The round trip.
    pub round_trip: Micros,
    /// What is lost anyhow.
    pub inherent: f64,
}

#[derive(Debug)]
struct Active {
    id: ProbeId,
    rate: f64,
    bytes: f64,
    asked: Micros,
    cluster: Cluster,
    /// When its last packet went out.
    sent: Option<Micros>,
}

/// The probing of one transport.
#[derive(Debug)]
pub struct Prober {
    active: Option<Active>,
    last: u8,
    startup: usize,
    start: f64,
    next: Option<Micros>,
    /// The next step, at once.
    step: Option<f64>,
    wanted: f64,
    /// The highest estimate of late, and when it was.
    best: (f64, Micros),
    /// How much longer clusters are made.
    stretch: Micros,
    /// How much longer to wait after a decrease: grows while probes promise what does not hold.
    patience: Micros,
}

impl Prober {
    /// Probing from so many bits a second.
    pub fn new(start: f64) -> Prober {
        Prober {
            active: None,
            last: 0,
            startup: 0,
            start,
            next: None,
            step: None,
            wanted: 0.0,
            best: (0.0, 0),
            stretch: 1,
            patience: 1,
        }
    }

    /// Probing of a path that is known to take so many bits a second.
    pub fn resumed(known: f64) -> Prober {
        Prober { startup: STARTUP.len(), ..Prober::new(known) }
    }

    /// The cluster that is to be sent.
    pub fn probe(&self) -> Option<Probe> {
        let active = self.active.as_ref().filter(|active| active.sent.is_none())?;
        let (bytes, packets) = active.cluster.sent_so_far();
        Some(Probe {
            id: active.id,
            rate: bitrate(active.rate),
            bytes: DataSize::bytes((active.bytes - bytes).max(0.0) as u64),
            packets: LEAST_PACKETS.saturating_sub(packets as u32),
        })
    }

    /// A packet of a cluster went out; false where that is not the cluster to be sent.
    pub fn sent(&mut self, now: Micros, id: ProbeId, size: u16) -> bool {
        let Some(active) = self.active.as_mut() else { return false };
        if active.id != id || active.sent.is_some() {
            return false;
        }
        active.cluster.sent(now, size);
        let (bytes, packets) = active.cluster.sent_so_far();
        if bytes >= active.bytes && packets >= f64::from(LEAST_PACKETS) {
            active.sent = Some(now);
        }
        true
    }

    /// A packet of a cluster arrived.
    pub fn arrived(&mut self, packet: &Packet, arrival: Micros) {
        if let Some(active) = self.active.as_mut()
            && packet.cluster == active.id.0
        {
            active.cluster.arrived(packet, arrival);
        }
    }

    /// Stops what was begun: the link is full. The next try comes later.
    pub fn abandon(&mut self, now: Micros) {
        self.active = None;
        self.step = None;
        self.startup = STARTUP.len();
        self.next = Some(now.saturating_add(AFTER_DECREASE.saturating_mul(self.patience)));
    }

    /// What a probe had promised did not hold.
    pub fn doubt(&mut self, now: Micros) {
        self.patience = self.patience.saturating_mul(2).min(MOST_PATIENCE);
        self.abandon(now);
    }

    /// The subscriber could use another rate.
    pub fn set_wanted(&mut self, wanted: f64, estimate: f64) {
        if wanted > self.wanted && wanted > estimate {
            self.next = None;
        }
        self.wanted = wanted;
    }

    /// When something is to be done.
    pub fn deadline(&self) -> Option<Micros> {
        match &self.active {
            Some(active) => Some(active.sent.unwrap_or(active.asked).saturating_add(PATIENCE)),
            None => self.next,
        }
    }

    /// Evaluates the cluster under way, where its answers have come, and asks for the next one.
    pub fn update(&mut self, now: Micros, needs: &Needs) -> Option<Finding> {
        self.remember(now, needs.estimate);
        let finding = self.evaluate(now, needs);
        if self.active.is_none() {
            self.ask(now, needs);
        }
        finding
    }

    fn remember(&mut self, now: Micros, estimate: f64) {
        if estimate >= self.best.0 || now.saturating_sub(self.best.1) > REMEMBERED {
            self.best = (estimate, now);
        }
    }

    fn evaluate(&mut self, now: Micros, needs: &Needs) -> Option<Finding> {
        let active = self.active.as_ref()?;
        let Some(sent) = active.sent else {
            if now.saturating_sub(active.asked) > PATIENCE {
                self.active = None;
                self.next = Some(now.saturating_add(USUAL_INTERVAL));
            }
            return None;
        };
        let waited = now.saturating_sub(sent);
        if !active.cluster.is_whole() && waited < needs.round_trip.saturating_add(ANSWER) {
            return None;
        }
        let finding = active.cluster.finding(needs.inherent);
        let rate = active.rate;
        self.active = None;
        self.follow(now, needs, finding, rate);
        Some(finding)
    }

    fn follow(&mut self, now: Micros, needs: &Needs, finding: Finding, rate: f64) {
        let interval = self.interval(needs);
        self.next = Some(now.saturating_add(interval));
        match finding {
            Finding::Passed(bps) => {
                self.stretch = 1;
                if bps >= STEP_ON * rate && bps > needs.estimate {
                    self.step = Some(REACH * bps);
                }
            }
            Finding::Full(bps) => {
                self.stretch = 1;
                self.patience = 1;
                // The link got better, by less than the step.
                if bps > 1.3 * needs.estimate {
                    self.next = Some(now.saturating_add(AFTER_DECREASE));
                }
            }
            Finding::Unclear => {
                self.stretch = self.stretch.saturating_mul(2).min(MOST_LENGTH / LENGTH);
                self.next = Some(now.saturating_add(AFTER_DECREASE));
            }
        }
    }

    fn interval(&self, needs: &Needs) -> Micros {
        let is_under = needs.estimate < FAR_UNDER * self.best.0.min(needs.wanted);
        if is_under { RECOVERY_INTERVAL } else { USUAL_INTERVAL }
    }

    fn ask(&mut self, now: Micros, needs: &Needs) {
        let limit = needs.most.min(BEYOND_USE * needs.wanted);
        let step = self.step.take();
        let is_due = step.is_some() || self.next.is_none_or(|next| next <= now);
        if !is_due || needs.is_congested {
            return;
        }
        if needs.estimate >= needs.wanted.min(needs.most) {
            // Nothing more can be used. It is looked at again when that changes.
            self.next = Some(now.saturating_add(USUAL_INTERVAL));
            return;
        }
        let rate = match (STARTUP.get(self.startup), step) {
            (Some(factor), _) => {
                self.startup += 1;
                (factor * self.start).max(step.unwrap_or(0.0))
            }
            (None, Some(step)) => step,
            (None, None) => REACH * needs.estimate,
        };
        let rate = rate.min(limit);
        if rate <= 1.05 * needs.estimate {
            self.next = Some(now.saturating_add(USUAL_INTERVAL));
            return;
        }
        self.begin(now, rate, needs);
    }

    fn begin(&mut self, now: Micros, rate: f64, needs: &Needs) {
        let (jitter, inherent) = (needs.jitter, needs.inherent);
        self.last = if self.last == u8::MAX { 1 } else { self.last + 1 };
        let length = LENGTH.saturating_mul(self.stretch).max(jitter.min(40 * MILLI));
        let length = length.min(MOST_LENGTH) as f64 / SECOND as f64;
        let least = PACKET_BYTES * f64::from(LEAST_PACKETS);
        // Enough of it is to come through, and to tell chance from congestion.
        let more = 1.0 + 3.0 * inherent.clamp(0.0, 0.5);
        let bytes = (rate * length / 8.0).max(least) * more;
        let bytes = bytes.min(MOST_BYTES);
        self.active = Some(Active {
            id: ProbeId(self.last),
            rate,
            bytes,
            asked: now,
            cluster: Cluster::default(),
            sent: None,
        });
    }
}
