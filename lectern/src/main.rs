//! The binary: reads the configuration, starts roles, links them, stops them in order.

mod admin;
mod cluster;
mod config;
mod descriptors;
mod dials;
mod link;
mod quic;
mod recordings;
mod roles;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Share a screen by a link: the media platform in one binary.
#[derive(Parser)]
#[command(name = "lectern", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How log lines look.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Subcommand)]
enum Command {
    /// Everything in one process, with embedded stores.
    Serve(Settings),
    /// The controller alone: owns rooms, places them on nodes.
    Controller(Settings),
    /// The edge alone: HTTPS, WebSocket and the web app.
    Edge(Settings),
    /// A media node alone: forwards packets.
    Node(Settings),
    /// A recorder alone: writes meetings down, and makes films of them.
    Recorder(Settings),
    /// What is in a journal.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Recordings, beside a recorder that runs or without one.
    Recordings {
        #[command(subcommand)]
        command: recordings::Command,
        #[command(flatten)]
        settings: Settings,
    },
    /// Becomes another program with hardly any rights.
    #[command(hide = true, name = CONFINE)]
    Confine {
        /// The program, and what it is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// The certificates of a cluster.
    #[command(subcommand)]
    Cluster(ClusterCommand),
}

#[derive(Subcommand)]
enum JournalCommand {
    /// Says what is in a journal, and whether it is whole.
    Inspect {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Subcommand)]
enum ClusterCommand {
    /// Makes an authority and a certificate for each role.
    Init {
        /// Where to; copy the folder to every machine, without ca.key.
        #[arg(long, alias = "dir", default_value = "lectern-cluster")]
        directory: PathBuf,
    },
}

#[derive(Args)]
struct Settings {
    /// A TOML file; every key may also come as LECTERN_KEY or LECTERN_PART__KEY.
    #[arg(long, env = "LECTERN_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// Sets one key, such as --set node.workers=2; may be given often.
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    set: Vec<String>,
}

/// The command by which a recorder starts decoders and encoders.
const CONFINE: &str = "confine";

/// What is logged where nothing is said: these two libraries tell of every packet, and warn of each
/// that came twice.
const LOG_FILTER: &str = "info,dcsctp=error,rtc_dtls=error";

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log(cli.log_format);
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lectern: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log(format: LogFormat) {
    let filter =
        EnvFilter::try_from_env("LECTERN_LOG").unwrap_or_else(|_| EnvFilter::new(LOG_FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}

fn run(command: Command) -> Result<()> {
    let settings = match &command {
        Command::Serve(settings)
        | Command::Controller(settings)
        | Command::Edge(settings)
        | Command::Node(settings)
        | Command::Recorder(settings)
        | Command::Recordings { settings, .. }
        | Command::Journal(JournalCommand::Inspect { settings, .. }) => settings,
        // Returns only where it fails.
        Command::Confine { arguments } => {
            return Err(lectern_recorder::confine(arguments.iter().cloned()).into());
        }
        Command::Cluster(ClusterCommand::Init { directory }) => {
            cluster::init(directory)?;
            println!("made the cluster's certificates in {}", directory.display());
            return Ok(());
        }
    };
    let config = config::load(settings.config.as_deref(), &settings.set)?;
    match &command {
        Command::Recordings { command, .. } => return recordings::run(&config, command),
        Command::Journal(JournalCommand::Inspect { file, .. }) => {
            return recordings::inspect(&config, file);
        }
        _ => {}
    }
    if matches!(command, Command::Serve(_) | Command::Edge(_)) {
        descriptors::raise_limit();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(async {
        match command {
            Command::Serve(_) => roles::serve(config).await,
            Command::Controller(_) => roles::controller(config).await,
            Command::Edge(_) => roles::edge(config).await,
            Command::Node(_) => roles::node(config).await,
            Command::Recorder(_) => roles::recorder(config).await,
            // Done already.
            Command::Cluster(_)
            | Command::Recordings { .. }
            | Command::Journal(_)
            | Command::Confine { .. } => Ok(()),
        }
    });
    // What hangs is left behind; what should end in order has ended.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}
