//! What people see and hear on bad networks: real Chromium on both sides, the server between them, and a
//! relay on the network model of `lectern-sim` before one of them.

mod bots;
mod call;
mod camera;
mod clock;
mod competitor;
mod estimate;
mod figures;
mod judge;
mod legible;
mod plot;
mod scenario;
mod seen;
mod series;
mod server;
mod stage;
mod timeline;
mod verdict;
mod words;

pub use competitor::{Arguments as FloodArguments, flood};

use anyhow::{Result, ensure};
use figures::Figures;
use server::Peer;
use stage::Stage;
use std::path::PathBuf;

/// What is measured, and with what.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// One JSON object a scenario instead of a table.
    #[arg(long)]
    json: bool,
    /// Only these scenarios; may be given several times.
    #[arg(long)]
    only: Vec<String>,
    /// Runs of each scenario; the middle of each figure counts.
    #[arg(long, default_value_t = 1)]
    runs: u64,
    /// Whose server is measured; another than ours knows only some of the scenarios.
    #[arg(long, value_enum, default_value_t)]
    peer: Peer,
    /// Our server's program.
    #[arg(long, env = "LECTERN_BIN", default_value = "target/release/lectern")]
    server: PathBuf,
    /// The repository, in which the scripts for the browsers are.
    #[arg(long, default_value = ".")]
    repository: PathBuf,
    /// Where plots, pictures and what was written down go.
    #[arg(long, default_value = "target/quality")]
    folder: PathBuf,
    /// Makes the chance of the network the same again.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Names the scenarios, and ends.
    #[arg(long)]
    list: bool,
}

/// Runs the scenarios and prints what came out.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut all = scenario::all();
    all.retain(|one| arguments.peer == Peer::Lectern || one.is_plain());
    if arguments.list {
        all.iter().for_each(|one| println!("{:10} {}", one.name, one.title));
        return Ok(());
    }
    let unknown = arguments.only.iter().find(|name| !all.iter().any(|one| one.name == **name));
    ensure!(unknown.is_none(), "there is no scenario {unknown:?}; see --list");
    let binary = arguments.peer.binary(&arguments.server)?;
    let stage = Stage::prepare(&arguments.repository, arguments.peer, binary, &arguments.folder)?;
    let is_wanted =
        |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == name);
    let mut failed = Vec::new();
    for scenario in all.iter().filter(|scenario| is_wanted(scenario.name)) {
        let runs = (0..arguments.runs.max(1)).filter_map(|number| {
            stage.run(scenario, arguments.seed + number, number).map_or_else(
                |error| {
                    eprintln!("{}: {error:#}", scenario.name);
                    None
                },
                Some,
            )
        });
        let runs: Vec<Figures> = runs.collect();
        if runs.is_empty() {
            failed.push(scenario.name);
            continue;
        }
        let middle = Figures::middle(&runs);
        match arguments.json {
            true => println!("{}", middle.json(scenario.name, &runs)),
            false => println!("{}", middle.table(scenario.name)),
        }
    }
    ensure!(failed.is_empty(), "no run came to its end of: {}", failed.join(", "));
    Ok(())
}
