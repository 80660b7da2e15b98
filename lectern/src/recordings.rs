//! What operators do with recordings from the command line, whether a recorder runs or not.

use crate::config::Config;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use lectern_control::recording::{Layout, Progress, State, Status};
use lectern_control::{ParticipantId, RecordingId};
use lectern_recorder::{Line, Request, Rotated};
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

/// Commands about recordings.
#[derive(Subcommand)]
pub enum Command {
    /// All recordings, and how far the work on them is.
    List,
    /// Makes a film of a recording, and writes it in the clear.
    Compose(Compose),
    /// Makes a new master key, and wraps the key of every recording by it.
    RotateKey,
}

/// Which film, and where to.
#[derive(Args)]
pub struct Compose {
    /// The recording, such as `RC_…`.
    recording: RecordingId,
    /// The file to be made; it must not be there.
    #[arg(long, short)]
    output: PathBuf,
    /// How it looks.
    #[arg(long, value_enum, default_value_t = Look::Beside)]
    layout: Look,
    /// Leaves somebody out, such as `PA_…`; may be given often.
    #[arg(long)]
    without: Vec<ParticipantId>,
}

/// How a film looks.
#[derive(Clone, Copy, ValueEnum)]
enum Look {
    /// The shared screen large, cameras beside it.
    Beside,
    /// The shared screen alone.
    Screen,
    /// Who speaks large, the others beside.
    Speaker,
    /// All of the same size.
    Grid,
}

impl From<Look> for Layout {
    fn from(look: Look) -> Layout {
        match look {
            Look::Beside => Layout::Beside,
            Look::Screen => Layout::Screen,
            Look::Speaker => Layout::Speaker,
            Look::Grid => Layout::Grid,
        }
    }
}

/// The recorder's part of the configuration, with what follows from the rest of it.
pub fn config(config: &Config) -> Result<lectern_recorder::Config> {
    let mut recorder = config.recorder.clone();
    recorder.data_dir.get_or_insert_with(|| config.data_dir.join("recorder"));
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    recorder.confine = vec![program.into(), crate::CONFINE.into()];
    Ok(recorder)
}

/// Carries a command out.
pub fn run(config: &Config, command: &Command) -> Result<()> {
    let config = self::config(config)?;
    match command {
        Command::List => {
            let all = lectern_recorder::list(&config)?;
            all.iter().for_each(print_line);
            println!("{} recordings", all.len());
            Ok(())
        }
        Command::Compose(wanted) => compose(&config, wanted),
        Command::RotateKey => rotate(&lectern_recorder::rotate(&config)?),
    }
}

/// Says what is in a journal.
pub fn inspect(config: &Config, file: &Path) -> Result<()> {
    let report = lectern_recorder::inspect(file, &self::config(config)?)
        .with_context(|| format!("cannot read {}", file.display()))?;
    match writeln!(std::io::stdout(), "{report}") {
        // Whoever reads it has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot print what is in it"),
    }
}

fn print_line(line: &Line) {
    match &line.status {
        Ok(status) => println!("{}", describe(status)),
        Err(reason) => println!("{}  cannot be read: {reason}", line.recording),
    }
}

fn describe(status: &Status) -> String {
    let seconds = status.duration_ms / 1_000;
    let state = match status.state {
        State::Recording => "recording",
        State::Processing => "processing",
        State::Ready => "ready",
        State::Failed => "failed",
        State::Deleted => "deleted",
    };
    let bytes: u64 = status.files.iter().map(|file| file.bytes).sum();
    let mut text = format!(
        "{}  {state:10}  {:02}:{:02}:{:02}  {:>8.1} MB",
        status.recording,
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        bytes as f64 / 1e6
    );
    for job in &status.jobs {
        match &job.progress {
            Progress::Waiting => text += &format!("\n    {} waits", job.id),
            Progress::Running { permille } => {
                text += &format!("\n    {} {:.1} %", job.id, f64::from(*permille) / 10.0);
            }
            Progress::Failed { reason } => text += &format!("\n    {} failed: {reason}", job.id),
            Progress::Done => {}
        }
    }
    if let Some(trouble) = &status.trouble {
        text += &format!("\n    {:?}: {}", trouble.kind, trouble.detail);
    }
    text
}

fn compose(config: &lectern_recorder::Config, wanted: &Compose) -> Result<()> {
    let path = &wanted.output;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("cannot make {}", path.display()))?;
    let request = Request {
        recording: wanted.recording,
        layout: wanted.layout.into(),
        without: wanted.without.clone(),
    };
    let told = AtomicU16::new(u16::MAX);
    let progress = |permille: u16| {
        let percent = permille / 10;
        if told.swap(percent, Ordering::Relaxed) != percent {
            print_progress(percent);
        }
    };
    let never = AtomicBool::new(false);
    let made = lectern_recorder::compose(config, &request, &mut file, &progress, &never);
    let film = match made.map_err(anyhow::Error::from).and_then(|film| {
        file.sync_all()?;
        Ok(film)
    }) {
        Ok(film) => film,
        Err(error) => {
            // Half a film is none.
            std::fs::remove_file(path).with_context(|| format!("cannot remove {path:?}"))?;
            return Err(error);
        }
    };
    println!(
        "\n{}: {} x {}, {:.1} s",
        path.display(),
        film.width,
        film.height,
        film.duration_ms as f64 / 1e3
    );
    Ok(())
}

fn print_progress(percent: u16) {
    let end = if std::io::stdout().is_terminal() { "\r" } else { "\n" };
    print!("{percent:3} %{end}");
    // Where nobody reads it, nobody misses it.
    let _ = std::io::stdout().flush();
}

fn rotate(rotated: &Rotated) -> Result<()> {
    println!("the first master key is {} now", rotated.primary);
    println!("{} recordings are wrapped by it", rotated.rewrapped);
    for id in &rotated.retired {
        println!("{id} is not needed any more, and gone from the file");
    }
    for (recording, reason) in &rotated.left {
        println!("{recording} was left: {reason}");
    }
    if rotated.left.is_empty() {
        return Ok(());
    }
    bail!("the old keys stay for what was left; mend that, and run this again")
}
