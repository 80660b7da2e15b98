//! What a cluster can do, what a call is like on a bad network, and tools to find out.

#![forbid(unsafe_code)]

mod quality;
mod relay;

use clap::{Parser, Subcommand};

/// Measures and torments a running Lectern.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Passes UDP datagrams on, as a network does: late, not all, not in order.
    Relay(relay::Arguments),
    /// Measures what people see and hear in real browsers over bad networks.
    Quality(quality::Arguments),
    /// Sends by TCP to whoever connects, as fast as it goes.
    #[command(hide = true)]
    Flood(quality::FloodArguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Relay(arguments) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(relay::run(arguments))
        }
        Command::Quality(arguments) => quality::run(&arguments),
        Command::Flood(arguments) => quality::flood(&arguments),
    }
}
