//! What a cluster can do, and tools to find out. For now: `relay`, a bad network between clients
//! and a node.

#![forbid(unsafe_code)]

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
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Relay(arguments) => relay::run(arguments).await,
    }
}
