//! What a path does to packets: data only.

use lectern_wire::{Bitrate, DataSize};
use std::time::Duration;

/// What a path does to packets. All times count from when the link was made or last begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Bits a second; `None` for a path without limit.
    pub rate: Option<Bitrate>,
    /// Other rates from later times on, the earliest first.
    pub rates: Vec<RateStep>,
    /// Bytes that may wait for the rate or be under way at it; what comes on top is dropped.
    pub queue: DataSize,
    /// From one end to the other, without waiting.
    pub delay: Duration,
    /// Added to the delay: anything up to this, with the same chance.
    pub jitter: Duration,
    /// Whether jitter changes the order.
    pub order: Order,
    /// The chance that a packet is lost, 0 to 1.
    pub loss: f64,
    /// Losses that come together.
    pub burst: Option<Burst>,
    /// When nothing passes at all.
    pub outages: Vec<Outage>,
    /// Where on the path losses and outages are.
    pub losses_at: Place,
    /// The chance that a packet is held back while others pass it, 0 to 1.
    pub reordering: f64,
    /// How long it is held back.
    pub reordering_delay: Duration,
    /// The chance that a packet comes twice, 0 to 1.
    pub duplication: f64,
}

/// A rate that holds from some time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStep {
    /// From when on.
    pub at: Duration,
    /// Bits a second; `None` for no limit.
    pub rate: Option<Bitrate>,
}

/// Whether jitter lets packets pass each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// A packet waits for those before it, as in a queue.
    #[default]
    Kept,
    /// Each packet is as late as chance will have it, as over several paths.
    Free,
}

/// Where on the path something happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// Before the queue: what is lost takes no room in it.
    #[default]
    BeforeQueue,
    /// After the queue, as on a radio link behind it: what is lost has used the rate before.
    AfterQueue,
}

/// Losses in bursts, by a chain of two states (Gilbert 1960, Elliott 1963).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// The chance to go from good to bad with each packet.
    pub enter: f64,
    /// The chance to go from bad to good with each packet.
    pub leave: f64,
    /// The chance that a packet is lost while bad; while good none is.
    pub loss: f64,
}

/// A time in which every packet sent is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it begins.
    pub start: Duration,
    /// How long it lasts.
    pub length: Duration,
    /// From one beginning to the next, where it comes again.
    pub every: Option<Duration>,
}

impl Default for Config {
    /// A perfect path.
    fn default() -> Self {
        Config {
            rate: None,
            rates: Vec::new(),
            queue: DataSize::bytes(256 << 10),
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            order: Order::Kept,
            loss: 0.0,
            burst: None,
            outages: Vec::new(),
            losses_at: Place::BeforeQueue,
            reordering: 0.0,
            reordering_delay: Duration::from_millis(20),
            duplication: 0.0,
        }
    }
}

impl Config {
    /// A path of so many bits a second and half of `round_trip`, whose queue holds one bandwidth-delay
    /// product of the whole round trip. The queue keeps its size when the rate changes.
    pub fn bottleneck(rate: Bitrate, round_trip: Duration) -> Config {
        Config {
            rate: Some(rate),
            queue: rate.data_in(round_trip),
            delay: round_trip / 2,
            ..Config::default()
        }
    }

    /// The rate at a time, and until when it holds.
    pub(super) fn rate_at(&self, at: Duration) -> (Option<Bitrate>, Option<Duration>) {
        let passed = self.rates.partition_point(|step| step.at <= at);
        let last = passed.checked_sub(1).and_then(|last| self.rates.get(last));
        let rate = last.map_or(self.rate, |step| step.rate);
        (rate, self.rates.get(passed).map(|step| step.at))
    }

    /// Whether nothing passes at a time.
    pub(super) fn is_out(&self, at: Duration) -> bool {
        self.outages.iter().any(|outage| outage.holds(at))
    }
}

impl Outage {
    fn holds(&self, at: Duration) -> bool {
        let Some(since) = at.checked_sub(self.start) else { return false };
        let Some(every) = self.every.filter(|every| !every.is_zero()) else {
            return since < self.length;
        };
        let since = since.as_nanos() % every.as_nanos();
        since < self.length.as_nanos()
    }
}
