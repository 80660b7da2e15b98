//! A film on one core: a shared screen of 1,920 × 1,080 at 30 pictures a second with slides, a text that
//! scrolls and an editor, two cameras of 640 × 360 at 30, three voices.
//!
//! Everything is kept on one core: decoders, the composer, encoders. Text must be as sharp as it was
//! shared: the film is compared with the shared screen.

mod legible;
mod party;

pub use party::Party;

use crate::clip::Shelf;
use crate::cpu::{self, Moment};
use crate::folder::Folder;
use crate::numbers::{median, rounded};
use crate::told::Measured;
use anyhow::Result;
use lectern_control::recording::Layout;
use lectern_recorder::{Film, Request};
use serde::Serialize;
use std::fmt;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Times real time: what it must be, and what is wanted.
const LEAST: f64 = 1.0;
const GOAL: f64 = 2.0;
/// Likeness of the film's screen and the shared one (SSIM of its brightness).
const LEAST_LIKENESS: f64 = 0.97;

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seconds of the meeting, 60 at most.
    #[arg(long, default_value_t = party::SECONDS)]
    seconds: u64,
    /// Runs of which the middle one counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Keeps the film here.
    #[arg(long)]
    film: Option<std::path::PathBuf>,
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct Composed {
    seconds: u64,
    /// Times real time, by the clock on the wall.
    by_wall: f64,
    /// The same by time of the processor: what a core would do that has nothing else to do.
    by_cpu: f64,
    least: f64,
    goal: f64,
    width: u32,
    height: u32,
    bytes: u64,
    /// How alike the film's screen and the shared one are, at the worst of some moments and on average.
    likeness_least: f64,
    likeness_mean: f64,
}

impl Measured for Composed {
    fn is_good(&self) -> bool {
        self.by_cpu >= LEAST && self.likeness_least >= LEAST_LIKENESS
    }
}

impl fmt::Display for Composed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Composed { seconds, by_wall, by_cpu, width, height, bytes, .. } = self;
        let kbits = bytes * 8 / 1_000 / seconds.max(&1);
        write!(
            f,
            "a film of {seconds} s, {width} × {height}, {kbits} kbit/s, on one core: {by_cpu}× real time by \
             CPU time, {by_wall}× by wall (must be {LEAST}, goal {GOAL}); its screen is like the shared one \
             to {:.4}, at the worst {:.4} (must be {LEAST_LIKENESS})",
            self.likeness_mean, self.likeness_least
        )
    }
}

/// Measures.
pub fn run(arguments: &Arguments, shelf: &Shelf) -> Result<Composed> {
    cpu::keep_to_one_core()?;
    let temporary = tempfile::tempdir()?;
    let party = Party::new(shelf, arguments.seconds)?;
    let folder = party.record(&temporary.path().join("recorder"))?;
    let path = arguments.film.clone().unwrap_or_else(|| temporary.path().join("film.mp4"));
    let (mut by_wall, mut by_cpu, mut film) = (Vec::new(), Vec::new(), None);
    for _ in 0..arguments.runs.max(1) {
        let begun = Moment::now()?;
        film = Some(make(&folder, &path, &AtomicBool::new(false))?);
        let passed = begun.elapsed()?;
        eprintln!("{:.1?} of CPU, {:.1?} on the wall", passed.cpu, passed.wall);
        by_wall.push(party.seconds as f64 / passed.wall.as_secs_f64());
        by_cpu.push(party.seconds as f64 / passed.cpu.as_secs_f64());
    }
    let alike = legible::likeness(&path, &party.screen_path(shelf), &party.moments())?;
    let (width, height, bytes) =
        film.map(|film| (film.width, film.height, film.bytes)).unwrap_or_default();
    Ok(Composed {
        seconds: party.seconds,
        by_wall: rounded(median(&by_wall)),
        by_cpu: rounded(median(&by_cpu)),
        least: LEAST,
        goal: GOAL,
        width,
        height,
        bytes,
        likeness_least: alike.iter().copied().fold(f64::INFINITY, f64::min),
        likeness_mean: alike.iter().sum::<f64>() / alike.len().max(1) as f64,
    })
}

/// Makes the film of a recording as the recorder does, with one core.
pub fn make(folder: &Folder, to: &Path, stop: &AtomicBool) -> Result<Film> {
    let layout = Layout::default();
    let request = Request { recording: folder.recording, layout, without: Vec::new() };
    let mut out = BufWriter::new(File::create(to)?);
    let config = folder.config(1)?;
    let film = lectern_recorder::compose(&config, &request, &mut out, &|_| {}, stop)?;
    std::io::Write::flush(&mut out)?;
    Ok(film)
}
