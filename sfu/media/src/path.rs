//! The path to one subscriber: what it can take, what waits for it, and when it is probed.

use crate::congestion::{Carried, Config, Estimator, Probe, Sent};
use crate::limits::{LEAST_ESTIMATE, MOST_ESTIMATE, START_ESTIMATE, UNDER_RTP_BYTES};
use crate::nack;
use crate::pacer::{Class, Pacer, Waiting};
use lectern_wire::rtcp::TransportFeedback;
use lectern_wire::{Bitrate, DataSize};
use std::time::{Duration, Instant};

/// A probe that goes out.
#[derive(Debug, Clone, Copy)]
struct Probing {
    probe: Probe,
    began: Instant,
    sent: DataSize,
}

/// The path to one subscriber.
#[derive(Debug, Default)]
pub struct Path {
    /// What waits.
    pub pacer: Pacer,
    estimator: Option<Box<Estimator>>,
    probing: Option<Probing>,
}

fn config(sequence: u16, seed: u64) -> Config {
    let (least, start, most) = (LEAST_ESTIMATE, START_ESTIMATE, MOST_ESTIMATE);
    Config { least, start, most, sequence, seed }
}

impl Path {
    /// Begins to estimate, where that has not begun: the client tells what comes.
    pub fn open(&mut self, now: Instant, sequence: u16, seed: u64) {
        if self.estimator.is_none() {
            self.estimator = Some(Box::new(Estimator::new(now, config(sequence, seed))));
            self.settle(now);
        }
    }

    /// Goes on with what another node knew of the path.
    pub fn resume(&mut self, now: Instant, carried: Carried, seed: u64) {
        let estimator = Estimator::resume(now, config(carried.next, seed), carried);
        self.estimator = Some(Box::new(estimator));
        self.settle(now);
    }

    /// What is known of the path; nothing where the client tells nothing.
    pub fn estimator(&self) -> Option<&Estimator> {
        self.estimator.as_deref()
    }

    /// Whether so much more, and all that waits, can be sent in so long.
    pub fn takes(&self, more: DataSize, longest: Duration) -> bool {
        self.time_for(self.pacer.backlog().plus(more)) <= longest
    }

    /// How long it takes to send so much; no time where nothing is known of the path.
    pub fn time_for(&self, size: DataSize) -> Duration {
        let rate = self.estimator.as_ref().map(|estimator| estimator.pacing_rate());
        rate.map_or(Duration::ZERO, |rate| rate.time_for(size))
    }

    /// Whether a packet may leave at once.
    #[inline]
    pub fn is_open(&mut self, now: Instant, class: Class) -> bool {
        self.pacer.is_open(now, class)
    }

    /// A packet of `len` bytes leaves now. Gives its transport-wide number, where the client counts.
    #[inline]
    pub fn leaves(&mut self, now: Instant, len: usize, kind: Sent) -> Option<u16> {
        let size = DataSize::bytes((len + UNDER_RTP_BYTES) as u64);
        self.pacer.spend(size);
        let estimator = self.estimator.as_mut()?;
        let kind = match &mut self.probing {
            Some(probing) => {
                probing.sent = probing.sent.plus(size);
                Sent::Probe(probing.probe.id)
            }
            None => kind,
        };
        Some(estimator.sent(now, size, kind))
    }

    /// The next packet whose turn has come: what belongs to a probe is not counted against the rate.
    pub fn pop(&mut self, now: Instant) -> Option<(Class, Waiting)> {
        if self.probing.is_some() && self.is_probe_due(now) {
            return self.pacer.pop_ahead();
        }
        self.pacer.pop(now)
    }

    /// Begins the probe that is asked for, ends the one that is done.
    pub fn look_at_probe(&mut self, now: Instant) {
        let asked = self.estimator.as_ref().and_then(|estimator| estimator.probe());
        self.probing = match (asked, self.probing) {
            (Some(probe), Some(probing)) if probing.probe.id == probe.id => Some(probing),
            (Some(probe), _) => Some(Probing { probe, began: now, sent: DataSize::ZERO }),
            (None, _) => None,
        };
    }

    /// Nothing is there that could fill the probe.
    pub fn give_up_probe(&mut self, now: Instant) {
        if let Some(estimator) = &mut self.estimator {
            estimator.give_up_probe(now);
        }
        self.probing = None;
    }

    /// Whether the next packet of a probe is to leave now.
    pub fn is_probe_due(&self, now: Instant) -> bool {
        self.probe_deadline().is_some_and(|due| due <= now)
    }

    fn probe_deadline(&self) -> Option<Instant> {
        let Probing { probe, began, sent } = self.probing.as_ref()?;
        Some(*began + probe.rate.time_for(*sent))
    }

    /// Whether a packet was sent under a transport-wide number, lately.
    pub fn has_sent(&self, sequence: u16) -> bool {
        self.estimator.as_ref().is_some_and(|estimator| estimator.has_sent(sequence))
    }

    /// The client tells what has come. False where that is a lie.
    pub fn handle_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) -> bool {
        let Some(estimator) = &mut self.estimator else { return true };
        let is_believed = estimator.handle_transport_feedback(now, feedback);
        self.settle(now);
        is_believed
    }

    /// The client tells what it estimates.
    pub fn handle_remb(&mut self, now: Instant, limit: Bitrate) {
        if let Some(estimator) = &mut self.estimator {
            estimator.handle_remb(now, limit);
            self.settle(now);
        }
    }

    /// A report block of the client: 256ths of so many packets were lost.
    pub fn handle_report(&mut self, now: Instant, fraction_lost: u8, round_trip: Option<Duration>) {
        /// Packets between two reports of a stream, about: a report tells a part, not a number.
        const USUAL_PACKETS: u32 = 100;
        let Some(estimator) = &mut self.estimator else { return };
        if let Some(round_trip) = round_trip {
            estimator.handle_round_trip(now, round_trip);
        }
        estimator.handle_report(now, f64::from(fraction_lost) / 256.0, USUAL_PACKETS);
        self.settle(now);
    }

    /// How often a packet is sent that is asked for the `asked`th time.
    pub fn copies(&self, asked: u32) -> u32 {
        nack::copies(self.inherent_loss(), asked)
    }

    /// What repair adds to all that is sent, as a part of it.
    pub fn repair_share(&self) -> f64 {
        nack::repair_share(self.inherent_loss())
    }

    fn inherent_loss(&self) -> f64 {
        self.estimator.as_ref().map_or(0.0, |estimator| estimator.inherent_loss())
    }

    /// The most that the client could make use of.
    pub fn set_wanted(&mut self, now: Instant, wanted: Bitrate) {
        if let Some(estimator) = &mut self.estimator {
            estimator.set_wanted(now, wanted);
            self.settle(now);
        }
    }

    /// What the path can take; `None` where nothing is known of it.
    pub fn target(&self) -> Option<Bitrate> {
        self.estimator.as_ref().map(|estimator| estimator.target())
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(estimator) = &mut self.estimator else { return };
        if estimator.deadline().is_some_and(|due| due <= now) {
            estimator.handle_timeout(now);
        }
        self.settle(now);
    }

    /// When something is due.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let estimator = self.estimator.as_ref().and_then(|estimator| estimator.deadline());
        let all = [self.pacer.deadline(now), self.probe_deadline(), estimator];
        all.into_iter().flatten().min()
    }

    /// The pacer follows the estimate, and the estimator knows of what waits.
    fn settle(&mut self, now: Instant) {
        if let Some(estimator) = &mut self.estimator {
            estimator.set_backlog(now, self.pacer.backlog());
            self.pacer.set_rate(now, Some(estimator.pacing_rate()));
        }
        self.look_at_probe(now);
    }
}
