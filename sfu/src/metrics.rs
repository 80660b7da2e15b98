//! Prometheus metrics, from the workers' figures once a second.

use crate::link::Counts;
use crate::socket::{Refusal, SendReport};
use crate::worker::{Sample, sample_every};
use lectern_media::{Counters, DropReason};
use prometheus::core::{Atomic, AtomicF64, GenericCounter};
use prometheus::{
    Counter, CounterVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A counter that follows a number counted elsewhere.
#[derive(Debug)]
struct Follower<P: Atomic> {
    counter: GenericCounter<P>,
}

impl Follower<prometheus::core::AtomicU64> {
    fn follow(&self, total: u64) {
        self.counter.inc_by(total.saturating_sub(self.counter.get()));
    }
}

impl Follower<AtomicF64> {
    fn follow(&self, total: f64) {
        self.counter.inc_by((total - self.counter.get()).max(0.0));
    }
}

type Number = Follower<prometheus::core::AtomicU64>;

/// How one counter is read out of the workers' figures.
type OfEngine = fn(&Counters) -> u64;
type OfSocket = fn(&SendReport) -> u64;
type OfWorker = fn(&Sample) -> u64;
type OfLink = fn(Counts) -> u64;

const ENGINE_COUNTERS: [(&str, &str, OfEngine); 21] = [
    ("datagrams_received_total", "Datagrams the engine received.", |c| c.datagrams_in),
    ("received_bytes_total", "Bytes of those, without UDP and IP headers.", |c| c.bytes_in),
    ("datagrams_made_total", "Datagrams the engine wanted to send.", |c| c.datagrams_out),
    ("stun_received_total", "STUN messages received.", |c| c.stun_in),
    ("dtls_received_total", "DTLS records received.", |c| c.dtls_in),
    ("rtp_received_total", "RTP packets received and authenticated.", |c| c.rtp_in),
    ("rtp_forwarded_total", "RTP packets forwarded, one for each subscriber.", |c| c.rtp_out),
    ("rtp_relayed_total", "RTP packets given to recorders, one for each.", |c| c.relayed),
    ("rtcp_received_total", "RTCP datagrams received and authenticated.", |c| c.rtcp_in),
    ("rtcp_sent_total", "RTCP datagrams sent.", |c| c.rtcp_out),
    ("rtx_received_total", "Packets that came as retransmissions.", |c| c.rtx_in),
    ("rtx_sent_total", "Packets sent as retransmissions.", |c| c.rtx_out),
    (
        "sound_restored_total",
        "Packets of sound lost on the way from a publisher and restored from its redundancy.",
        |c| c.restored,
    ),
    ("probe_packets_sent_total", "Packets sent to fill probes.", |c| c.padding_out),
    (
        "feedback_disbelieved_total",
        "Transport-wide feedback that tells of packets which were never sent.",
        |c| c.disbelieved,
    ),
    ("nack_sent_total", "Packets asked for again from publishers.", |c| c.nacked_out),
    ("nack_received_total", "Packets asked for again by subscribers.", |c| c.nacked_in),
    ("pli_sent_total", "Keyframe requests sent to publishers.", |c| c.keyframe_requests_out),
    ("pli_received_total", "Keyframe requests received.", |c| c.keyframe_requests_in),
    ("messages_received_total", "Data messages received.", |c| c.messages_in),
    ("messages_sent_total", "Data messages sent, one for each receiver.", |c| c.messages_out),
];

const SOCKET_COUNTERS: [(&str, &str, OfSocket); 7] = [
    ("packets_sent_total", "Packets the kernel took.", |s| s.packets),
    ("sent_bytes_total", "Bytes of those, without UDP and IP headers.", |s| s.bytes),
    ("runs_sent_total", "Runs of packets sent; packets by runs is their mean length.", |s| s.runs),
    ("send_calls_total", "System calls that sent something.", |s| s.calls),
    ("runs_refused_total", "Runs that had to be sent packet by packet.", |s| s.runs_refused),
    ("send_waits_total", "Times the send buffer was full and was waited for.", |s| s.waits.into()),
    ("send_retries_total", "Sends repeated after an interruption.", |s| s.retries.into()),
];

const WORKER_COUNTERS: [(&str, &str, OfWorker); 8] = [
    ("unusable_datagrams_total", "Datagrams that were empty or cut off.", |s| s.unusable),
    ("failed_reads_total", "Reads of the socket that failed.", |s| s.failed_reads),
    ("handed_over_total", "Datagrams that came to another worker's socket.", |s| s.handed_over),
    ("handover_drops_total", "Datagrams lost on the way to their worker.", |s| s.handover_drops),
    ("unlearned_addresses_total", "Addresses not remembered: table full.", |s| s.unlearned),
    ("commands_total", "Commands that reached a worker.", |s| s.commands),
    ("worker_events_lost_total", "Events lost between worker and link.", |s| s.events_lost),
    ("wakeups_total", "Times a worker woke up.", |s| s.wakeups),
];

const LINK_COUNTERS: [(&str, &str, OfLink); 4] = [
    ("links_total", "Links to a controller taken up.", |c| c.links),
    ("link_messages_ignored_total", "Damaged, unknown or early messages.", |c| c.ignored),
    ("links_incompatible_total", "Links to a controller of another version.", |c| c.incompatible),
    ("link_events_lost_total", "Events lost because no controller took them.", |c| c.events_lost),
];

const GAUGES: [(&str, &str, OfEngine); 4] = [
    ("rooms", "Rooms with something in them.", |c| c.rooms),
    ("peers", "Peers.", |c| c.peers),
    ("tracks", "Published tracks.", |c| c.tracks),
    ("subscriptions", "Subscriptions.", |c| c.subscriptions),
];

/// A node's metrics, named `lectern_node_…`.
#[derive(Debug)]
pub(crate) struct Metrics {
    engine: Vec<(Number, OfEngine)>,
    socket: Vec<(Number, OfSocket)>,
    worker: Vec<(Number, OfWorker)>,
    link: Vec<(Number, OfLink)>,
    gauges: Vec<(IntGauge, OfEngine)>,
    drops: Vec<(Number, DropReason)>,
    refused: Vec<(Number, Refusal)>,
    busy: Vec<Follower<AtomicF64>>,
    linked: IntGauge,
    sends_runs: IntGauge,
    lost_orders: IntCounter,
    every: Duration,
    paths: Option<Paths>,
}

/// What is known of the path to each subscriber.
#[derive(Debug)]
struct Paths {
    target: IntGaugeVec,
    queue: IntGaugeVec,
    /// Those told of last.
    peers: Mutex<BTreeSet<String>>,
}

impl Paths {
    fn new(registry: &Registry) -> prometheus::Result<Paths> {
        let of_peer = |name, help| {
            let gauges = IntGaugeVec::new(options(name, help), &["peer"])?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        Ok(Paths {
            target: of_peer("subscriber_target_bps", "What the path to a subscriber can take.")?,
            queue: of_peer("subscriber_queue_ms", "How long packets wait for a subscriber.")?,
            peers: Mutex::default(),
        })
    }

    fn update(&self, samples: &[Sample]) {
        let mut peers = BTreeSet::new();
        for path in samples.iter().flat_map(|sample| &sample.paths) {
            let peer = path.peer.to_string();
            let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            self.target.with_label_values(&[&peer]).set(whole(path.target.as_bps()));
            self.queue.with_label_values(&[&peer]).set(whole(path.queue.as_millis() as u64));
            peers.insert(peer);
        }
        // Who has gone is not told of any more; whoever looks meanwhile sees all the others.
        let mut known = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.difference(&peers) {
            for gauges in [&self.target, &self.queue] {
                if let Err(error) = gauges.remove_label_values(&[gone]) {
                    tracing::warn!(%error, "figures of a peer that has gone stay");
                }
            }
        }
        *known = peers;
    }
}

impl Metrics {
    /// Registers all of them, for so many workers.
    pub(crate) fn new(
        registry: &Registry,
        workers: usize,
        traces_paths: bool,
    ) -> prometheus::Result<Metrics> {
        let drops = labelled(registry, "drops_total", "Packets dropped.", "reason")?;
        let refused =
            labelled(registry, "send_refused_total", "Packets the kernel refused.", "cause")?;
        let busy = CounterVec::new(options("busy_seconds_total", "Time awake."), &["worker"])?;
        registry.register(Box::new(busy.clone()))?;
        let of_worker = |worker: usize| -> Follower<AtomicF64> {
            let counter: Counter = busy.with_label_values(&[&worker.to_string()]);
            Follower { counter }
        };
        Ok(Metrics {
            engine: numbers(registry, &ENGINE_COUNTERS)?,
            socket: numbers(registry, &SOCKET_COUNTERS)?,
            worker: numbers(registry, &WORKER_COUNTERS)?,
            link: numbers(registry, &LINK_COUNTERS)?,
            gauges: GAUGES
                .iter()
                .map(|(name, help, of)| Ok((gauge(registry, name, help)?, *of)))
                .collect::<prometheus::Result<_>>()?,
            drops: DropReason::ALL
                .iter()
                .map(|reason| {
                    (Follower { counter: drops.with_label_values(&[reason.name()]) }, *reason)
                })
                .collect(),
            refused: Refusal::ALL
                .iter()
                .map(|cause| {
                    (Follower { counter: refused.with_label_values(&[cause.name()]) }, *cause)
                })
                .collect(),
            busy: (0..workers).map(of_worker).collect(),
            linked: gauge(registry, "linked", "1 while linked to a controller.")?,
            sends_runs: gauge(registry, "workers_sending_runs", "Workers that send in runs.")?,
            lost_orders: number(registry, "lost_orders_total", "Orders no worker took.")?,
            every: sample_every(traces_paths),
            paths: traces_paths.then(|| Paths::new(registry)).transpose()?,
        })
    }

    /// How often they are to be updated.
    pub(crate) fn every(&self) -> Duration {
        self.every
    }

    /// Copies the workers' figures.
    pub(crate) fn update(&self, samples: &[Sample], link: Counts, linked: bool) {
        let sum = |of: &dyn Fn(&Sample) -> u64| samples.iter().map(of).sum::<u64>();
        for (number, of) in &self.engine {
            number.follow(sum(&|sample| of(&sample.counters)));
        }
        for (number, of) in &self.socket {
            number.follow(sum(&|sample| of(&sample.sent)));
        }
        for (number, of) in &self.worker {
            number.follow(sum(of));
        }
        for (number, of) in &self.link {
            number.follow(of(link));
        }
        for (gauge, of) in &self.gauges {
            gauge.set(sum(&|sample| of(&sample.counters)) as i64);
        }
        for (number, reason) in &self.drops {
            number.follow(sum(&|sample| sample.counters.dropped(*reason)));
        }
        for (number, cause) in &self.refused {
            number.follow(sum(&|sample| sample.sent.refused(*cause)));
        }
        for (busy, sample) in self.busy.iter().zip(samples) {
            busy.follow(sample.busy.as_secs_f64());
        }
        if let Some(paths) = &self.paths {
            paths.update(samples);
        }
        self.linked.set(i64::from(linked));
        self.sends_runs.set(sum(&|sample| u64::from(sample.sends_runs)) as i64);
    }

    /// Counts an order that no worker took.
    pub(crate) fn count_lost_order(&self) {
        self.lost_orders.inc();
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(format!("lectern_node_{name}"), help)
}

fn number(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    let counter = IntCounter::with_opts(options(name, help))?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::with_opts(options(name, help))?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn labelled(
    registry: &Registry,
    name: &str,
    help: &str,
    label: &str,
) -> prometheus::Result<IntCounterVec> {
    let counters = IntCounterVec::new(options(name, help), &[label])?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn numbers<F: Copy>(
    registry: &Registry,
    table: &[(&str, &str, F)],
) -> prometheus::Result<Vec<(Number, F)>> {
    let make = |(name, help, of): &(&str, &str, F)| {
        Ok((Follower { counter: number(registry, name, help)? }, *of))
    };
    table.iter().map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::PeerId;
    use lectern_media::PathFigures;
    use lectern_wire::Bitrate;
    use prometheus::TextEncoder;

    #[test]
    fn every_metric_has_a_help_text_and_follows_the_workers() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, 2, true).expect("registers");
        let mut sample = Sample { busy: Duration::from_millis(1500), ..Sample::default() };
        sample.counters.rtp_in = 7;
        sample.counters.peers = 2;
        sample.counters.drop(DropReason::Malformed);
        let (target, queue) = (Bitrate::kbps(3_000), Duration::from_millis(12));
        sample.paths.push(PathFigures { peer: PeerId(7), target, queue });
        for _ in 0..2 {
            // Told twice, counted once.
            metrics.update(&[sample.clone(), sample.clone()], Counts::default(), true);
        }
        let text = TextEncoder::new().encode_to_string(&registry.gather()).expect("encodes");
        for line in [
            "lectern_node_rtp_received_total 14",
            "lectern_node_peers 4",
            "lectern_node_linked 1",
            "lectern_node_subscriber_target_bps{peer=\"PEER\"} 3000000",
            "lectern_node_subscriber_queue_ms{peer=\"PEER\"} 12",
            "lectern_node_drops_total{reason=\"malformed\"} 2",
            "lectern_node_drops_total{reason=\"unknown_address\"} 0",
            "lectern_node_busy_seconds_total{worker=\"1\"} 1.5",
            "lectern_node_send_refused_total{cause=\"full\"} 0",
        ] {
            let line = line.replace("PEER", &PeerId(7).to_string());
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        for family in registry.gather() {
            assert!(family.name().starts_with("lectern_node_") && !family.help().is_empty());
        }
        assert!(Metrics::new(&registry, 1, false).is_err(), "one node in one registry");
    }
}
