//! The command line of the relay.

use super::Network;
use anyhow::{Context, Error, Result};
use lectern_sim::network::{Burst, Config, Order, Outage, Place, RateStep};
use lectern_wire::{Bitrate, DataSize};
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Where the relay stands and what it does to datagrams.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Where clients send to: what the node advertises as its candidate.
    #[arg(long)]
    pub listen: SocketAddr,
    /// Where the node is.
    #[arg(long)]
    pub forward: SocketAddr,
    /// The round trip added, in milliseconds: half of it each way.
    #[arg(long, default_value_t = 0.0, value_parser = milliseconds)]
    rtt_ms: f64,
    /// Which direction suffers what follows, but for the round trip: both, or only one.
    #[arg(long, value_enum, default_value_t)]
    only: Only,
    /// All clients share one line in each direction; else each has its own.
    #[arg(long)]
    shared: bool,
    /// Up to this many milliseconds more for a datagram, each way.
    #[arg(long, default_value_t = 0.0, value_parser = milliseconds)]
    jitter_ms: f64,
    /// Lets jitter change the order of datagrams.
    #[arg(long)]
    jitter_reorders: bool,
    /// The chance that a datagram is lost, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = chance)]
    loss: f64,
    /// Losses and outages are behind the queue, as on a radio link, and use the rate.
    #[arg(long)]
    loss_after_queue: bool,
    /// The chance to enter a burst of losses with each datagram, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = chance)]
    burst_enter: f64,
    /// The chance to leave a burst with each datagram, 0 to 1.
    #[arg(long, default_value_t = 0.25, value_parser = chance)]
    burst_leave: f64,
    /// The chance that a datagram is lost within a burst, 0 to 1.
    #[arg(long, default_value_t = 1.0, value_parser = chance)]
    burst_loss: f64,
    /// The chance that a datagram is held back while others pass it, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = chance)]
    reorder: f64,
    /// How long it is held back, in milliseconds.
    #[arg(long, default_value_t = 20.0, value_parser = milliseconds)]
    reorder_ms: f64,
    /// The chance that a datagram comes twice, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = chance)]
    duplicate: f64,
    /// Kilobits a second for each client and direction; without limit where not given.
    #[arg(long)]
    rate_kbps: Option<u64>,
    /// Another rate from a time on, as START:KBPS, in milliseconds after a client's first datagram;
    /// may be given several times, the earliest first.
    #[arg(long = "rate-at")]
    rates: Vec<RateArgument>,
    /// Kilobytes that may wait for the rate.
    #[arg(long, default_value_t = 256)]
    queue_kb: u64,
    /// As many bytes may wait as pass in the round trip; instead of `--queue-kb`.
    #[arg(long)]
    queue_bdp: bool,
    /// A time in which nothing passes, as START:LENGTH or, where it comes again, as
    /// START:LENGTH:EVERY, in milliseconds after a client's first datagram; may be given several times.
    #[arg(long = "outage-ms")]
    outages: Vec<OutageArgument>,
    /// Makes chance the same again.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Ends by itself after this many seconds.
    #[arg(long)]
    pub duration_s: Option<u64>,
}

/// Which direction is bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    #[default]
    Both,
    /// From the clients to the node.
    Up,
    /// From the node to the clients.
    Down,
}

#[derive(Debug, Clone, Copy)]
struct OutageArgument(Outage);

impl FromStr for OutageArgument {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split(':').map(|part| part.parse().map(Duration::from_millis));
        match parts.collect::<Result<Vec<_>, _>>()?.as_slice() {
            [start, length] => Ok(Outage { start: *start, length: *length, every: None }),
            [start, length, every] => {
                Ok(Outage { start: *start, length: *length, every: Some(*every) })
            }
            _ => anyhow::bail!("an outage is START:LENGTH or START:LENGTH:EVERY"),
        }
        .map(OutageArgument)
    }
}

#[derive(Debug, Clone, Copy)]
struct RateArgument(RateStep);

impl FromStr for RateArgument {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (at, kbps) = text.split_once(':').context("a rate is START:KBPS")?;
        let (at, rate) = (Duration::from_millis(at.parse()?), Bitrate::kbps(kbps.parse()?));
        Ok(RateArgument(RateStep { at, rate: Some(rate) }))
    }
}

/// The longest delay that makes sense: a minute.
const MAX_MS: f64 = 60_000.0;

fn chance(text: &str) -> Result<f64> {
    let chance: f64 = text.parse()?;
    anyhow::ensure!((0.0..=1.0).contains(&chance), "a chance is between 0 and 1");
    Ok(chance)
}

fn milliseconds(text: &str) -> Result<f64> {
    let milliseconds: f64 = text.parse()?;
    let range = 0.0..=MAX_MS;
    anyhow::ensure!(range.contains(&milliseconds), "a delay is between 0 and {MAX_MS} ms");
    Ok(milliseconds)
}

impl Arguments {
    /// Both directions.
    pub fn network(&self) -> Result<Network> {
        let ms = |count: f64| Duration::from_secs_f64(count / 1_000.0);
        let rate = self.rate_kbps.map(Bitrate::kbps);
        let queue = match (self.queue_bdp, rate) {
            (false, _) => DataSize::bytes(self.queue_kb.saturating_mul(1_000)),
            (true, Some(rate)) => rate.data_in(ms(self.rtt_ms)),
            (true, None) => anyhow::bail!("--queue-bdp needs --rate-kbps"),
        };
        let burst =
            Burst { enter: self.burst_enter, leave: self.burst_leave, loss: self.burst_loss };
        let bad = Config {
            rate,
            rates: self.rates.iter().map(|rate| rate.0).collect(),
            queue,
            delay: ms(self.rtt_ms / 2.0),
            jitter: ms(self.jitter_ms),
            order: if self.jitter_reorders { Order::Free } else { Order::Kept },
            loss: self.loss,
            burst: (self.burst_enter > 0.0).then_some(burst),
            outages: self.outages.iter().map(|outage| outage.0).collect(),
            losses_at: if self.loss_after_queue { Place::AfterQueue } else { Place::BeforeQueue },
            reordering: self.reorder,
            reordering_delay: ms(self.reorder_ms),
            duplication: self.duplicate,
        };
        let good = Config { delay: bad.delay, ..Config::default() };
        let [up, down] = match self.only {
            Only::Both => [bad.clone(), bad],
            Only::Up => [bad, good],
            Only::Down => [good, bad],
        };
        Ok(Network { up, down, is_shared: self.shared })
    }
}
