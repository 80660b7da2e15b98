//! A node in this process forwards a shared screen of some 2.5 Mbit/s to several viewers, while a film is
//! made beside it and while none is, in turns: how long packets take from the publisher's socket to the
//! viewers', at the 99th percentile. They arrive when the kernel has them: viewers are elsewhere.
//!
//! The recorder has the last core, the node and all else the others, as operators are told to arrange it
//! (`node.workers`, `node.pin`): threads that may run anywhere wait for a film's core now and then.

mod node;
mod publisher;
mod sent;
mod viewer;

use crate::clip::Shelf;
use crate::compose::{self, Party};
use crate::cpu;
use crate::numbers::{median, quantile, rounded};
use crate::told::Measured;
use anyhow::{Context, Result, ensure};
use node::Node;
use sent::Sent;
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// How much longer packets may take while a film is made.
const MOST: f64 = 1.2;
/// Until estimates of bandwidth have settled.
const WARM_UP: Duration = Duration::from_secs(8);
/// Of each turn so much does not count: a film begins, or its processes end.
const BETWEEN: Duration = Duration::from_secs(2);

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seconds of each turn.
    #[arg(long, default_value_t = 20)]
    turn: u64,
    /// Turns of each kind.
    #[arg(long, default_value_t = 3)]
    turns: usize,
    /// Viewers.
    #[arg(long, default_value_t = 4)]
    viewers: u64,
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct Live {
    viewers: u64,
    packets: usize,
    lost: u64,
    /// The 99th percentile of all packets, in milliseconds.
    alone_p99_ms: f64,
    beside_p99_ms: f64,
    ratio: f64,
    most: f64,
    /// The same of each turn, and the ratio of the middle ones.
    alone_turns_p99_ms: Vec<f64>,
    beside_turns_p99_ms: Vec<f64>,
    ratio_of_turns: f64,
    alone_p50_ms: f64,
    beside_p50_ms: f64,
}

impl Measured for Live {
    fn is_good(&self) -> bool {
        self.ratio <= MOST
    }
}

impl fmt::Display for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "forwarding to {} viewers at the 99th percentile: {} ms alone, {} ms beside a film, ratio {:.2} \
             (must be {MOST}); of the middle turns {:.2}; {} packets, {} lost",
            self.viewers,
            self.alone_p99_ms,
            self.beside_p99_ms,
            self.ratio,
            self.ratio_of_turns,
            self.packets,
            self.lost,
        )
    }
}

/// A stretch of time of one kind.
struct Turn {
    from: SystemTime,
    until: SystemTime,
    beside: bool,
}

/// A packet's way.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    sent: SystemTime,
    took: Duration,
}

/// Measures.
pub fn run(arguments: &Arguments, shelf: &Shelf) -> Result<Live> {
    ensure!(arguments.turn > BETWEEN.as_secs(), "turns are longer than {BETWEEN:?}");
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path().join("recorder");
    let recording = Party::new(shelf, u64::MAX)?.record(&folder)?;
    let all_cores = cpu::keep_off_last_core()?;
    let mut node = Node::start()?;
    let (sent, stop) = (Arc::new(Sent::new()), Arc::new(AtomicBool::new(false)));
    let publisher = publisher::start(&mut node, Arc::clone(&sent), Arc::clone(&stop))?;
    let viewers = (0..arguments.viewers)
        .map(|number| viewer::start(&mut node, number, Arc::clone(&sent), Arc::clone(&stop)))
        .collect::<Result<Vec<_>>>()?;
    let turns = node.with(|| {
        std::thread::sleep(WARM_UP);
        take_turns(arguments, |stop| {
            cpu::keep_to(&all_cores)?;
            film(&recording, temporary.path(), stop)
        })
    });
    stop.store(true, Ordering::Relaxed);
    let mut ways = Vec::new();
    for viewer in viewers {
        ways.extend(viewer.join().ok().context("a viewer panicked")??);
    }
    publisher.join().ok().context("the publisher panicked")??;
    node.stop()?;
    Ok(judge(arguments, &turns?, &ways, sent.count()))
}

/// Makes the film again and again until it is told to stop.
fn film(recording: &crate::folder::Folder, folder: &Path, stop: &AtomicBool) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let made = compose::make(recording, &folder.join("film.mp4"), stop);
        if !stop.load(Ordering::Relaxed) {
            made?;
            eprintln!("a whole film was made");
        }
    }
    Ok(())
}

fn take_turns(
    arguments: &Arguments,
    film: impl Fn(&AtomicBool) -> Result<()> + Sync,
) -> Result<Vec<Turn>> {
    let mut turns = Vec::new();
    for number in 0..2 * arguments.turns.max(1) {
        let beside = number % 2 == 1;
        let from = SystemTime::now() + BETWEEN;
        let length = Duration::from_secs(arguments.turn);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let film = beside.then(|| scope.spawn(|| film(&stop)));
            std::thread::sleep(length);
            let until = SystemTime::now();
            turns.push(Turn { from, until, beside });
            stop.store(true, Ordering::Relaxed);
            let made = film.map(|film| film.join().ok().context("the composer panicked"));
            made.transpose()?.unwrap_or(Ok(()))
        })?;
        let kind = if beside { "beside a film" } else { "alone" };
        eprintln!("turn {} of {} was {kind}", number + 1, 2 * arguments.turns.max(1));
    }
    Ok(turns)
}

fn judge(arguments: &Arguments, turns: &[Turn], ways: &[Way], sent: u64) -> Live {
    let took = |turn: &Turn| -> Vec<f64> {
        let of_it = ways.iter().filter(|way| (turn.from..turn.until).contains(&way.sent));
        of_it.map(|way| way.took.as_secs_f64() * 1e3).collect()
    };
    let of_kind = |beside| -> Vec<Vec<f64>> {
        turns.iter().filter(|turn| turn.beside == beside).map(took).collect()
    };
    let (alone, beside) = (of_kind(false), of_kind(true));
    let p99 = |all: &[f64]| rounded(quantile(all, 0.99));
    let each = |turns: &[Vec<f64>]| turns.iter().map(|turn| p99(turn)).collect::<Vec<_>>();
    let (alone_turns, beside_turns) = (each(&alone), each(&beside));
    let (alone, beside) = (alone.concat(), beside.concat());
    Live {
        viewers: arguments.viewers,
        packets: alone.len() + beside.len(),
        lost: (sent * arguments.viewers).saturating_sub(ways.len() as u64),
        alone_p99_ms: p99(&alone),
        beside_p99_ms: p99(&beside),
        ratio: quantile(&beside, 0.99) / quantile(&alone, 0.99),
        most: MOST,
        ratio_of_turns: median(&beside_turns) / median(&alone_turns),
        alone_turns_p99_ms: alone_turns,
        beside_turns_p99_ms: beside_turns,
        alone_p50_ms: rounded(median(&alone)),
        beside_p50_ms: rounded(median(&beside)),
    }
}
