//! What operators can watch: `lectern_recorder_…`.

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

/// Seconds a write or a sync takes: a good disk at the left, one that is about to cost packets at the right.
const DISK_BUCKETS: [f64; 9] = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];
/// Seconds a job takes: from a short talk to a day of them.
const JOB_BUCKETS: [f64; 8] = [1.0, 10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];

/// All metrics; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    /// Live recordings.
    pub(crate) recordings: IntGauge,
    /// Bytes written to journals.
    pub(crate) written_bytes: IntCounter,
    /// Seconds of one write to a journal.
    pub(crate) write_seconds: Histogram,
    /// Seconds of one sync of a journal.
    pub(crate) sync_seconds: Histogram,
    /// Packets that were not written, by cause.
    pub(crate) lost_packets: IntCounterVec,
    /// Batches that came twice.
    pub(crate) repeated_batches: IntCounter,
    /// Messages that could not be read, by role.
    pub(crate) ignored_messages: IntCounterVec,
    /// Keyframes asked for.
    pub(crate) keyframe_requests: IntCounter,
    /// Recordings that stopped by themselves, by cause.
    pub(crate) troubles: IntCounterVec,
    /// Jobs that wait or run.
    pub(crate) jobs: IntGaugeVec,
    /// Jobs that ended, by kind and result.
    pub(crate) jobs_ended: IntCounterVec,
    /// Seconds of jobs, by kind.
    pub(crate) job_seconds: HistogramVec,
    /// Requests to the store that failed after all tries.
    pub(crate) storage_errors: IntCounter,
    /// Bytes of files that edges read.
    pub(crate) served_bytes: IntCounter,
    /// Reads that were refused, by cause.
    pub(crate) refused_reads: IntCounterVec,
    /// Bytes free where journals are written.
    pub(crate) free_bytes: IntGauge,
}

impl Metrics {
    /// Registers all of them.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Metrics> {
        let add = Registrar(registry);
        Ok(Metrics {
            recordings: add.gauge("recordings", "Recordings that go on.")?,
            written_bytes: add.counter("written_bytes_total", "Bytes written to journals.")?,
            write_seconds: add.histogram("write_seconds", "Time of one write to a journal.")?,
            sync_seconds: add.histogram("sync_seconds", "Time of one sync of a journal.")?,
            lost_packets: add.counters("lost_packets_total", "Packets not written.", "cause")?,
            repeated_batches: add.counter("repeated_batches_total", "Batches that came twice.")?,
            ignored_messages: add.counters(
                "ignored_messages_total",
                "Messages that could not be read.",
                "role",
            )?,
            keyframe_requests: add.counter("keyframe_requests_total", "Keyframes asked for.")?,
            troubles: add.counters(
                "troubles_total",
                "Recordings that are not all they should be.",
                "kind",
            )?,
            jobs: add
                .add(IntGaugeVec::new(options("jobs", "Jobs that are not done."), &["state"])?)?,
            jobs_ended: add.add(IntCounterVec::new(
                options("jobs_ended_total", "Jobs that ended."),
                &["kind", "result"],
            )?)?,
            job_seconds: add.add(HistogramVec::new(
                HistogramOpts::from(options("job_seconds", "Time of one job."))
                    .buckets(JOB_BUCKETS.to_vec()),
                &["kind"],
            )?)?,
            storage_errors: add.counter("storage_errors_total", "Requests the store refused.")?,
            served_bytes: add.counter("served_bytes_total", "Bytes of files read by edges.")?,
            refused_reads: add.counters("refused_reads_total", "Reads refused.", "cause")?,
            free_bytes: add.gauge("free_bytes", "Bytes free where journals are written.")?,
        })
    }
}

struct Registrar<'a>(&'a Registry);

impl Registrar<'_> {
    fn add<C: Collector + Clone + 'static>(&self, collector: C) -> prometheus::Result<C> {
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.add(IntGauge::with_opts(options(name, help))?)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.add(IntCounter::with_opts(options(name, help))?)
    }

    fn counters(&self, name: &str, help: &str, label: &str) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(options(name, help), &[label])?)
    }

    fn histogram(&self, name: &str, help: &str) -> prometheus::Result<Histogram> {
        let options = HistogramOpts::from(options(name, help)).buckets(DISK_BUCKETS.to_vec());
        self.add(Histogram::with_opts(options)?)
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(format!("lectern_recorder_{name}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_help_text_and_there_is_one_recorder_in_a_registry() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).expect("registers");
        metrics.recordings.set(2);
        metrics.lost_packets.with_label_values(&["slow_disk"]).inc_by(3);
        for family in registry.gather() {
            assert!(family.name().starts_with("lectern_recorder_") && !family.help().is_empty());
        }
        assert!(Metrics::new(&registry).is_err());
    }
}
