//! A meeting of hours in a minute: two people whose clocks run at other speeds than the node's, and a
//! node whose clock runs at another speed than the recorder's, flash and beep at the same moments.
//!
//! Journals are written in the meeting's own time, with all that networks do; the recorder's jobs make
//! the film and the tracks' files of them; flashes and beeps are found in those again.

mod cast;
mod clock;
mod detect;
mod judge;
mod line;
mod play;
mod plot;
mod script;
mod tape;
mod watch;
mod weather;

use crate::clip::Shelf;
use crate::cpu::Moment;
use crate::folder::Folder;
use crate::role;
use crate::told::Measured;
use anyhow::Result;
use cast::{Clips, cast};
use judge::Errors;
use lectern_control::recording::{JobKind, Layout};
use prometheus::Registry;
use script::Script;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

const STARTED_UNIX_MS: u64 = 1_790_000_000_000;

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How long the meeting is.
    #[arg(long, default_value_t = 4.0)]
    hours: f64,
    /// Where errors over time are drawn.
    #[arg(long, default_value = "long-recording.png")]
    plot: PathBuf,
    /// Keeps the film and the tracks' files here.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Makes chances fall in another way.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct Meeting {
    hours: f64,
    moments: usize,
    /// In the film.
    film: Errors,
    /// In the files of tracks.
    tracks: Errors,
    most_ms: f64,
    written_cpu_s: f64,
    jobs_cpu_s: f64,
    jobs_wall_s: f64,
    plot: PathBuf,
}

impl Measured for Meeting {
    fn is_good(&self) -> bool {
        self.moments > 0 && self.film.are_small() && self.tracks.are_small()
    }
}

impl fmt::Display for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Meeting { hours, moments, jobs_cpu_s, plot, .. } = self;
        writeln!(f, "{hours} h, {moments} moments; jobs took {jobs_cpu_s:.0} s of CPU")?;
        writeln!(f, "film: {}", self.film)?;
        writeln!(f, "tracks: {}", self.tracks)?;
        write!(f, "must be under {} ms; see {}", self.most_ms, plot.display())
    }
}

/// Measures.
pub fn run(arguments: &Arguments, shelf: &Shelf) -> Result<Meeting> {
    let temporary = tempfile::tempdir()?;
    let kept = match &arguments.keep {
        Some(folder) => folder.clone(),
        None => temporary.path().join("files"),
    };
    std::fs::create_dir_all(&kept)?;
    let script = Script::new(arguments.hours, arguments.seed);
    let folder = Folder::new(&temporary.path().join("recorder"), STARTED_UNIX_MS)?;
    let begun = Moment::now()?;
    let people = cast();
    let moments = play::write(&folder, &script, &people, &Clips::new(shelf, &people)?)?;
    let written_cpu_s = begun.elapsed()?.cpu.as_secs_f64();
    eprintln!("{} moments are written down", moments.len());

    let film = JobKind::Compose { layout: Layout::default(), without: Vec::new() };
    folder.wants(script.duration_us as u64 / 1_000, &[film, JobKind::Tracks])?;
    let begun = Moment::now()?;
    let mut took = None;
    let status = role::work(folder.config(2)?, Registry::new(), || {
        took = Some(begun.elapsed()?);
        Ok(())
    })?;
    let took = took.map_or_else(|| begun.elapsed(), Ok)?;
    eprintln!("the jobs are done in {:.1?}", took.wall);

    let film = watch::film(&folder, &status, &people, &kept)?;
    let film = Errors::of(&moments, &film);
    let tracks = watch::tracks(&folder, &status, &people, &kept)?;
    let tracks = Errors::of(&moments, &tracks);
    plot::draw(&arguments.plot, &[("film", &film), ("tracks", &tracks)])?;
    Ok(Meeting {
        hours: arguments.hours,
        moments: moments.len(),
        film,
        tracks,
        most_ms: judge::MOST_MS,
        written_cpu_s,
        jobs_cpu_s: took.cpu.as_secs_f64(),
        jobs_wall_s: took.wall.as_secs_f64(),
        plot: arguments.plot.clone(),
    })
}
