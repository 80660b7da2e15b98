//! The project's commands: `cargo xtask serve`, `cargo xtask test`, and the longer runs.
//!
//! Installs what is missing, by package name, before it builds anything.

mod crash;
mod fuzz;
mod install;
mod long;
mod quality;
mod serve;
mod sim;
mod step;
mod test;
mod web;

use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  serve [ARGS]      build everything, start all roles in one process, print the link to open
                    (ARGS go to `lectern serve`; see `cargo xtask serve --help`)
  test [STEP...]    everything that must be green before a change lands; with STEP, only that:
                    fmt, web, clippy, unit, pages, browser
  sim [--seeds N] [--scenario NAME] [--seed N]
                    the media core's behaviour tests over many seeds, or over one
  crash [--rounds N] [--seed N]
                    recordings through many deaths of the server and of the recorder
  fuzz [TARGET...] [--seconds N]
                    the readers of recordings against bytes of every kind, for two minutes each
  long-recording [--hours N]
                    a meeting of four hours in virtual time: recorded, made into a film, and sound
                    held against picture in it
  quality [ARGS]    what people see and hear in real browsers over bad networks
                    (ARGS go to `loadtest quality`; see `cargo xtask quality --help`)
  web               build the web app only
  help              this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{USAGE}");
        bail!("no command given");
    };
    match command.as_str() {
        "serve" => serve::run(rest),
        "test" => test::run(rest),
        "sim" => sim::run(rest),
        "crash" => crash::run(rest),
        "fuzz" => fuzz::run(rest),
        "long-recording" => long::run(rest),
        "quality" => quality::run(rest),
        "web" => {
            install::node()?;
            web::build()
        }
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => {
            print!("{USAGE}");
            bail!("there is no command {other:?}")
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
