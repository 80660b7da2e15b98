//! Measures the recorder: how fast files of tracks and films are made, whether live media suffers from
//! it, and how exactly sound and picture lie on each other after hours.
//!
//! Each command builds its own recording, of streams that FFmpeg encodes, runs the real jobs of
//! `lectern-recorder` on it, and prints one line, or one JSON object with `--json`.

#![forbid(unsafe_code)]

mod clip;
mod compose;
mod cpu;
mod ffmpeg;
mod folder;
mod live;
mod meeting;
mod numbers;
mod role;
mod rtp;
mod told;
mod tracks;

use anyhow::Result;
use clap::{Parser, Subcommand};
use clip::Shelf;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use told::{Form, tell};

/// Measures the recorder of Lectern. Needs `ffmpeg` in the path.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Prints one JSON object instead of a line.
    #[arg(long, global = true)]
    json: bool,
    /// A folder in which encoded streams are kept for the next time.
    #[arg(long, global = true)]
    clips: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How fast files of tracks are made of journals, on one core.
    Tracks(tracks::Arguments),
    /// How fast a film is made on one core, and whether its text can be read.
    Compose(compose::Arguments),
    /// Whether a node forwards as fast while a film is made.
    Live(live::Arguments),
    /// How exactly sound and picture lie on each other in a meeting of hours.
    Meeting(meeting::Arguments),
    /// Gives up all rights and becomes FFmpeg.
    #[command(hide = true, disable_help_flag = true)]
    Confine {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let Arguments { command, json, clips } = Arguments::parse();
    match run(command, if json { Form::Json } else { Form::Line }, clips) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, form: Form, clips: Option<PathBuf>) -> Result<bool> {
    if let Command::Confine { rest } = command {
        return Err(lectern_recorder::confine(rest).into());
    }
    let shelf = Shelf::new(clips)?;
    match command {
        Command::Tracks(arguments) => tell(&tracks::run(&arguments, &shelf)?, form),
        Command::Compose(arguments) => tell(&compose::run(&arguments, &shelf)?, form),
        Command::Live(arguments) => tell(&live::run(&arguments, &shelf)?, form),
        Command::Meeting(arguments) => tell(&meeting::run(&arguments, &shelf)?, form),
        Command::Confine { .. } => Ok(false),
    }
}
