//! What operators can watch: `lectern_controller_…`.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

/// Seconds a calm move takes: from one that hands over nothing to one that waits for handshakes.
const MOVE_BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 4.0];
/// Seconds an answer of a store takes.
const STORE_BUCKETS: [f64; 8] = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];

/// All metrics; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Links by `role`.
    pub links: IntGaugeVec,
    /// Nodes by `state`: alive, draining, dead.
    pub nodes: IntGaugeVec,
    /// Live rooms.
    pub rooms: IntGauge,
    /// People in them.
    pub participants: IntGauge,
    /// Their transports.
    pub peers: IntGauge,
    /// 1 while the lease is held.
    pub lease_held: IntGauge,
    /// Requests of edges by `kind`.
    pub requests: IntCounterVec,
    /// Answers to them by `result`.
    pub responses: IntCounterVec,
    /// Messages of links that were ignored, by `role` and `reason`.
    pub ignored: IntCounterVec,
    /// Links ended by this side, by `role` and `reason`.
    pub links_ended: IntCounterVec,
    /// Commands sent to nodes.
    pub commands: IntCounter,
    /// Notices sent to edges.
    pub notices: IntCounter,
    /// Nodes that fell silent.
    pub node_deaths: IntCounter,
    /// Rooms ended on nodes because they belong elsewhere or to nobody.
    pub strays_closed: IntCounter,
    /// Calm moves by `result`.
    pub moves: IntCounterVec,
    /// How long calm moves took.
    pub move_seconds: Histogram,
    /// Recorders by `state`: free, full, dead.
    pub recorders: IntGaugeVec,
    /// Recordings that go on.
    pub recordings: IntGauge,
    /// Recordings that went on at another recorder.
    pub recordings_moved: IntCounter,
    /// Leases lost.
    pub lease_losses: IntCounter,
    /// Rooms given up because somebody else owns them.
    pub rooms_lost: IntCounter,
    /// Calls of stores that failed, by `store`.
    pub store_errors: IntCounterVec,
    /// How long answers of stores took, by `store`.
    pub store_seconds: HistogramVec,
    /// Audit entries that could not be written.
    pub audit_lost: IntCounter,
}

impl Metrics {
    /// Registers all metrics.
    pub fn new(registry: &Registry) -> Result<Metrics, prometheus::Error> {
        let make = Maker { registry };
        Ok(Metrics {
            links: make.gauges("links", "Links, by role.", &["role"])?,
            nodes: make.gauges("nodes", "Nodes, by state.", &["state"])?,
            rooms: make.gauge("rooms", "Live rooms.")?,
            participants: make.gauge("participants", "People in live rooms.")?,
            peers: make.gauge("peers", "Transports in live rooms.")?,
            lease_held: make.gauge("lease_held", "1 while this controller holds its lease.")?,
            requests: make.counters("requests_total", "Requests of edges, by kind.", &["kind"])?,
            responses: make.counters(
                "responses_total",
                "Answers to edges, by result.",
                &["result"],
            )?,
            ignored: make.counters(
                "ignored_messages_total",
                "Messages that were ignored, by role and reason.",
                &["role", "reason"],
            )?,
            links_ended: make.counters(
                "links_ended_total",
                "Links this side ended, by role and reason.",
                &["role", "reason"],
            )?,
            commands: make.counter("commands_total", "Commands sent to nodes.")?,
            notices: make.counter("notices_total", "Notices sent to edges.")?,
            node_deaths: make.counter("node_deaths_total", "Nodes that fell silent.")?,
            strays_closed: make.counter(
                "stray_rooms_closed_total",
                "Rooms ended on nodes because they belong elsewhere or to nobody.",
            )?,
            moves: make.counters("moves_total", "Calm moves, by result.", &["result"])?,
            move_seconds: make.histogram()?,
            recorders: make.gauges("recorders", "Recorders, by state.", &["state"])?,
            recordings: make.gauge("recordings", "Recordings that go on.")?,
            recordings_moved: make.counter(
                "recordings_moved_total",
                "Recordings that went on at another recorder.",
            )?,
            lease_losses: make.counter("lease_losses_total", "Leases lost.")?,
            rooms_lost: make
                .counter("rooms_lost_total", "Rooms given up because somebody else owns them.")?,
            store_errors: make.counters(
                "store_errors_total",
                "Calls of stores that failed, by store.",
                &["store"],
            )?,
            store_seconds: make.histograms()?,
            audit_lost: make
                .counter("audit_entries_lost_total", "Audit entries that could not be written.")?,
        })
    }
}

struct Maker<'a> {
    registry: &'a Registry,
}

impl Maker<'_> {
    fn opts(name: &str, help: &str) -> Opts {
        Opts::new(name, help).namespace("lectern").subsystem("controller")
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        let counter = IntCounter::with_opts(Self::opts(name, help))?;
        self.registry.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        let counters = IntCounterVec::new(Self::opts(name, help), labels)?;
        self.registry.register(Box::new(counters.clone()))?;
        Ok(counters)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        let gauge = IntGauge::with_opts(Self::opts(name, help))?;
        self.registry.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        let gauges = IntGaugeVec::new(Self::opts(name, help), labels)?;
        self.registry.register(Box::new(gauges.clone()))?;
        Ok(gauges)
    }

    fn histogram(&self) -> Result<Histogram, prometheus::Error> {
        let opts = Self::opts("move_seconds", "How long calm moves took.");
        let opts = HistogramOpts::from(opts).buckets(MOVE_BUCKETS.to_vec());
        let histogram = Histogram::with_opts(opts)?;
        self.registry.register(Box::new(histogram.clone()))?;
        Ok(histogram)
    }

    fn histograms(&self) -> Result<HistogramVec, prometheus::Error> {
        let opts = Self::opts("store_seconds", "How long answers of stores took, by store.");
        let opts = HistogramOpts::from(opts).buckets(STORE_BUCKETS.to_vec());
        let histograms = HistogramVec::new(opts, &["store"])?;
        self.registry.register(Box::new(histograms.clone()))?;
        Ok(histograms)
    }
}
