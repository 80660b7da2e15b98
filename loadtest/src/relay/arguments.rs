//! The command line of the relay.

use anyhow::{Context, Error, Result};
use lectern_sim::network::{Burst, Config, Outage};
use lectern_wire::{Bitrate, DataSize};
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Where the relay stands and what it does to datagrams, in each direction alike.
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
    /// Up to this many milliseconds more for a datagram, each way, without changing the order.
    #[arg(long, default_value_t = 0.0, value_parser = milliseconds)]
    jitter_ms: f64,
    /// The chance that a datagram is lost, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = chance)]
    loss: f64,
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
    /// Kilobytes that may wait for the rate.
    #[arg(long, default_value_t = 256)]
    queue_kb: u64,
    /// A time in which nothing passes, as START:LENGTH in milliseconds after a client's first
    /// datagram; may be given several times.
    #[arg(long = "outage-ms")]
    outages: Vec<OutageArgument>,
    /// Makes chance the same again.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Ends by itself after this many seconds.
    #[arg(long)]
    pub duration_s: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct OutageArgument(Outage);

impl FromStr for OutageArgument {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (start, length) = text.split_once(':').context("an outage is START:LENGTH")?;
        let [start, length] = [start, length].map(|part| part.parse().map(Duration::from_millis));
        Ok(OutageArgument(Outage { start: start?, length: length? }))
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
    /// The path in one direction.
    pub fn network(&self) -> Config {
        let ms = |count: f64| Duration::from_secs_f64(count / 1_000.0);
        let burst =
            Burst { enter: self.burst_enter, leave: self.burst_leave, loss: self.burst_loss };
        Config {
            rate: self.rate_kbps.map(Bitrate::kbps),
            queue: DataSize::bytes(self.queue_kb.saturating_mul(1_000)),
            delay: ms(self.rtt_ms / 2.0),
            jitter: ms(self.jitter_ms),
            loss: self.loss,
            burst: (self.burst_enter > 0.0).then_some(burst),
            reordering: self.reorder,
            reordering_delay: ms(self.reorder_ms),
            duplication: self.duplicate,
            outages: self.outages.iter().map(|outage| outage.0).collect(),
        }
    }
}
