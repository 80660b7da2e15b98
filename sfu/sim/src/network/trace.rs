//! What a link did over time, for plots and for judging a sender by what it sent.

use lectern_wire::{Bitrate, DataSize};
use std::time::{Duration, Instant};

/// Samples of one trace: ten minutes of 10 ms. Later ones are not kept.
pub const MAX_SAMPLES: usize = 60_000;

/// What happened in one interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// Handed to the link, losses and drops included.
    pub offered: DataSize,
    /// Out of the queue and not lost.
    pub delivered: DataSize,
    /// Packets lost at random, in bursts or in outages.
    pub lost: u32,
    /// Packets dropped because the queue was full.
    pub dropped: u32,
    /// The longest that a packet had to wait which came within the interval, or at its beginning.
    pub queue_delay: Duration,
    /// The rate at its beginning.
    pub rate: Option<Bitrate>,
}

/// Samples of equal intervals, without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    began: Instant,
    every: Duration,
    samples: Vec<Sample>,
}

impl Trace {
    pub(super) fn new(now: Instant, every: Duration) -> Trace {
        Trace { began: now, every: every.max(Duration::from_millis(1)), samples: Vec::new() }
    }

    /// When the first sample begins.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// How long each sample is.
    pub fn every(&self) -> Duration {
        self.every
    }

    /// The samples so far, the last one perhaps unfinished.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The sample of a time that does not lie before the last one's, where there is still room.
    /// Samples between were silent: `silent` says how each begins.
    pub(super) fn at(
        &mut self,
        now: Instant,
        silent: impl Fn(Instant) -> (Duration, Option<Bitrate>),
    ) -> Option<&mut Sample> {
        let passed = now.saturating_duration_since(self.began).as_nanos();
        let index = usize::try_from(passed / self.every.as_nanos()).ok()?;
        while self.samples.len() <= index.min(MAX_SAMPLES - 1) {
            let count = u32::try_from(self.samples.len()).ok()?;
            let (queue_delay, rate) = silent(self.began + self.every * count);
            self.samples.push(Sample { queue_delay, rate, ..Sample::default() });
        }
        self.samples.get_mut(index)
    }
}
