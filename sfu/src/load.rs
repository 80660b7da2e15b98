//! What a node carries, from the figures of its workers; and whether one of them hangs.

use crate::directory::WorkerIndex;
use crate::worker::Sample;
use lectern_control::node::Load;
use std::time::{Duration, Instant};

/// A worker that has published nothing for this long hangs: it does so every second, even idle.
const HANGS_AFTER: Duration = Duration::from_secs(10);
/// Looks in a row that must find a worker hanging: after the whole process was halted, for
/// instance by a debugger, the first look may come before the worker's turn.
const LOOKS: u32 = 3;

/// Turns samples into load.
#[derive(Debug)]
pub(crate) struct Meter {
    began: Instant,
    former: Vec<Sample>,
    silent_looks: Vec<u32>,
    load: Load,
}

impl Meter {
    /// For so many workers.
    pub(crate) fn new(workers: usize, now: Instant) -> Meter {
        Meter {
            began: now,
            former: vec![Sample::default(); workers],
            silent_looks: vec![0; workers],
            load: Load::default(),
        }
    }

    /// The load by the latest samples.
    pub(crate) fn load(&self) -> Load {
        self.load
    }

    /// Takes the workers' latest samples; says which worker hangs, if one does.
    pub(crate) fn take(&mut self, now: Instant, samples: &[Sample]) -> Option<WorkerIndex> {
        let mut load = Load::default();
        let mut hanging = None;
        let formers = self.former.iter_mut().zip(&mut self.silent_looks);
        for (worker, (sample, (former, silent_looks))) in samples.iter().zip(formers).enumerate() {
            let over =
                |from: Option<Instant>| now.saturating_duration_since(from.unwrap_or(self.began));
            let silent = over(sample.taken) >= HANGS_AFTER;
            *silent_looks = if silent { *silent_looks + 1 } else { 0 };
            if *silent_looks >= LOOKS {
                hanging = Some(worker);
            }
            load.peers = load.peers.saturating_add(saturated(sample.counters.peers));
            load.rooms = load.rooms.saturating_add(saturated(sample.counters.rooms));
            let span = over(former.taken).saturating_sub(over(sample.taken));
            if sample.taken == former.taken || span.is_zero() {
                continue;
            }
            let bits = sample.sent.bytes.saturating_sub(former.sent.bytes).saturating_mul(8);
            load.egress_bps += (bits as f64 / span.as_secs_f64()) as u64;
            let busy = sample.busy.saturating_sub(former.busy).as_secs_f64() / span.as_secs_f64();
            load.busy_permille = load.busy_permille.max((busy.min(1.0) * 1000.0) as u16);
            *former = sample.clone();
        }
        self.load = load;
        hanging
    }
}

fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(taken: Instant, bytes: u64, busy_ms: u64) -> Sample {
        let mut sample = Sample { taken: Some(taken), ..Sample::default() };
        sample.sent.bytes = bytes;
        sample.busy = Duration::from_millis(busy_ms);
        (sample.counters.peers, sample.counters.rooms) = (3, 1);
        sample
    }

    #[test]
    fn load_is_the_sum_of_all_workers_and_the_busy_time_of_the_busiest() {
        let began = Instant::now();
        let mut meter = Meter::new(2, began);
        let second = began + Duration::from_secs(1);
        assert_eq!(
            meter.take(second, &[sample(second, 1000, 100), sample(second, 500, 400)]),
            None
        );
        let load = Load { peers: 6, rooms: 2, egress_bps: 12_000, busy_permille: 400 };
        assert_eq!(meter.load(), load);
        let third = second + Duration::from_secs(1);
        meter.take(third, &[sample(third, 1000, 100), sample(third, 500, 400)]);
        assert_eq!(meter.load(), Load { egress_bps: 0, busy_permille: 0, ..load });
    }

    #[test]
    fn a_worker_hangs_after_three_looks_without_a_sample() {
        let began = Instant::now();
        let mut meter = Meter::new(2, began);
        let at = |seconds| began + Duration::from_secs(seconds);
        for (now, hanging) in [(9, None), (10, None), (11, None), (12, Some(1))] {
            assert_eq!(meter.take(at(now), &[sample(at(now), 0, 0), Sample::default()]), hanging);
        }
        // A halt of the whole process is no hang of a worker.
        let mut meter = Meter::new(1, began);
        assert_eq!(meter.take(at(500), &[sample(at(1), 0, 0)]), None);
        assert_eq!(meter.take(at(501), &[sample(at(501), 0, 0)]), None);
        assert_eq!(meter.take(at(502), &[sample(at(501), 0, 0)]), None);
    }
}
