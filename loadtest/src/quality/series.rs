//! What a link did, by the machine's time: rates, waits and when they cross a limit.

use super::clock::Clock;
use lectern_sim::network::{Sample, Trace};
use lectern_wire::{Bitrate, DataSize};
use std::time::Duration;

/// A trace in milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Series {
    began_ms: f64,
    step_ms: f64,
    samples: Vec<Sample>,
}

impl Series {
    /// The trace of the link on which most passed; the others carried handshakes.
    pub fn busiest(traces: &[Trace], clock: &Clock) -> Option<Series> {
        let carried = |trace: &&Trace| {
            trace.samples().iter().map(|sample| sample.offered.as_bytes()).sum::<u64>()
        };
        traces.iter().max_by_key(carried).map(|trace| Series {
            began_ms: clock.ms(trace.began()),
            step_ms: trace.every().as_secs_f64() * 1e3,
            samples: trace.samples().to_vec(),
        })
    }

    /// When it began.
    pub fn began_ms(&self) -> f64 {
        self.began_ms
    }

    /// Each sample with the time at which it began.
    pub fn iter(&self) -> impl Iterator<Item = (f64, &Sample)> {
        let at = |index: usize| self.began_ms + self.step_ms * index as f64;
        self.samples.iter().enumerate().map(move |(index, sample)| (at(index), sample))
    }

    /// The samples between two times.
    fn between(&self, from_ms: f64, until_ms: f64) -> &[Sample] {
        let index = |ms: f64| {
            (((ms - self.began_ms) / self.step_ms).max(0.0) as usize).min(self.samples.len())
        };
        let (from, until) = (index(from_ms), index(until_ms));
        &self.samples[from..until.max(from)]
    }

    /// Bits a second of `what` between two times.
    pub fn rate(&self, from_ms: f64, until_ms: f64, what: fn(&Sample) -> DataSize) -> Bitrate {
        let samples = self.between(from_ms, until_ms);
        let sum = samples.iter().fold(DataSize::ZERO, |sum, sample| sum.plus(what(sample)));
        sum.per(Duration::from_secs_f64(samples.len() as f64 * self.step_ms / 1e3))
    }

    /// The share of what could have passed that did, where there is a rate.
    pub fn utilisation(&self, from_ms: f64, until_ms: f64) -> Option<f64> {
        let samples = self.between(from_ms, until_ms);
        let step = Duration::from_secs_f64(self.step_ms / 1e3);
        let could = samples.iter().map(|sample| Some(sample.rate?.data_in(step).as_bytes()));
        let could: u64 = could.sum::<Option<u64>>()?;
        let did: u64 = samples.iter().map(|sample| sample.delivered.as_bytes()).sum();
        (could > 0).then(|| did as f64 / could as f64)
    }

    /// How long after `from_ms` what is offered comes under a rate for the first time, over `window_ms`.
    pub fn under_rate_after(&self, from_ms: f64, rate: Bitrate, window_ms: f64) -> Option<f64> {
        let starts = self.iter().map(|(at, _)| at).filter(|at| *at >= from_ms);
        let mut under = starts.filter(|at| self.rate(*at, at + window_ms, |s| s.offered) <= rate);
        under.next().map(|at| (at - from_ms) / 1e3)
    }

    /// How long after `from_ms` the queue stays shorter than `limit` for `window_ms`.
    pub fn queue_under_after(&self, from_ms: f64, limit: Duration, window_ms: f64) -> Option<f64> {
        let is_short = |at: &f64| {
            self.between(*at, at + window_ms).iter().all(|sample| sample.queue_delay < limit)
        };
        let mut starts = self.iter().map(|(at, _)| at).filter(|at| *at >= from_ms);
        starts.find(is_short).map(|at| (at - from_ms) / 1e3)
    }

    /// The longest wait between two times.
    pub fn longest_queue(&self, from_ms: f64, until_ms: f64) -> Duration {
        let waits = self.between(from_ms, until_ms).iter().map(|sample| sample.queue_delay);
        waits.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 ms steps: a second at 1 Mbit/s with a queue of 150 ms, a second at half of it without.
    fn series() -> Series {
        let sample = |bytes, queue_ms| Sample {
            offered: DataSize::bytes(bytes),
            delivered: DataSize::bytes(bytes),
            queue_delay: Duration::from_millis(queue_ms),
            rate: Some(Bitrate::kbps(1_000)),
            ..Sample::default()
        };
        let samples = [vec![sample(1_250, 150); 100], vec![sample(625, 5); 100]].concat();
        Series { began_ms: 5_000.0, step_ms: 10.0, samples }
    }

    #[test]
    fn rates_and_waits_are_those_of_their_time() {
        let series = series();
        let offered = |sample: &Sample| sample.offered;
        assert_eq!(series.rate(5_000.0, 6_000.0, offered), Bitrate::kbps(1_000));
        assert_eq!(series.rate(6_000.0, 7_000.0, offered), Bitrate::kbps(500));
        assert_eq!(series.utilisation(5_000.0, 7_000.0), Some(0.75));
        let under = series.under_rate_after(5_500.0, Bitrate::kbps(500), 200.0);
        assert_eq!(under, Some(0.5));
        let short = series.queue_under_after(5_500.0, Duration::from_millis(100), 500.0);
        assert_eq!(short, Some(0.5));
        assert_eq!(series.longest_queue(6_000.0, 7_000.0), Duration::from_millis(5));
    }
}
