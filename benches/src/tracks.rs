//! Files of tracks: a sealed journal of minutes is read, put together, written as MP4 or WebM and sealed
//! into the store, by the recorder's own job on one core. Nothing is decoded.
//!
//! Streams are of 1,920 × 1,080 at 30 pictures and 4 Mbit a second, and of sound; ten seconds of each are
//! encoded, and repeated with running numbers and sender reports.

use crate::clip::{Clip, Recipe, Shelf};
use crate::cpu::{self, Moment};
use crate::folder::Folder;
use crate::numbers::{median, rounded};
use crate::role;
use crate::rtp::{Stream, ntp_of};
use crate::told::Measured;
use anyhow::{Context, Result, ensure};
use lectern_control::media::{CodecName, Source};
use lectern_control::recorder::Event;
use lectern_control::recording::JobKind;
use lectern_control::{ParticipantId, TrackId};
use prometheus::Registry;
use serde::Serialize;
use std::cell::Cell;
use std::fmt;
use std::path::Path;

/// Times real time that are wanted.
const GOAL: f64 = 200.0;
const STARTED_UNIX_MS: u64 = 1_790_000_000_000;
const TRACK: TrackId = TrackId(1);
/// Seconds of each stream that are encoded.
const CLIP_S: u32 = 10;
/// From capture to the node.
const DELAY_US: u64 = 30_000;

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Minutes that each track lasts.
    #[arg(long, default_value_t = 4)]
    minutes: u64,
    /// Runs of which the middle one counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct Tracks {
    tracks: Vec<Track>,
    goal: f64,
}

#[derive(Debug, Serialize)]
struct Track {
    codec: String,
    minutes: u64,
    journal_bytes: u64,
    file_bytes: u64,
    /// Times real time, by time of the processor.
    by_cpu: f64,
    /// The same by the clock on the wall.
    by_wall: f64,
}

impl Measured for Tracks {
    fn is_good(&self) -> bool {
        self.tracks.iter().all(|track| track.by_cpu >= GOAL)
    }
}

impl fmt::Display for Tracks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "files of tracks, times real time on one core (goal {GOAL}):")?;
        for Track { codec, minutes, journal_bytes, by_cpu, by_wall, .. } in &self.tracks {
            let mib = journal_bytes >> 20;
            write!(
                f,
                " {codec} {by_cpu}× by CPU time, {by_wall}× by wall ({minutes} min, {mib} MiB);"
            )?;
        }
        Ok(())
    }
}

/// Measures.
pub fn run(arguments: &Arguments, shelf: &Shelf) -> Result<Tracks> {
    cpu::keep_to_one_core()?;
    let folder = tempfile::tempdir()?;
    let mut tracks = Vec::new();
    for recipe in recipes() {
        let clip = shelf.clip(&recipe)?;
        let path = folder.path().join(recipe.name);
        tracks.push(measure(arguments, &clip, &path)?);
        std::fs::remove_dir_all(&path)?;
    }
    Ok(Tracks { tracks, goal: GOAL })
}

fn recipes() -> [Recipe<'static>; 3] {
    let pictures = "testsrc2=s=1920x1080:r=30:d=10,noise=alls=12:allf=t";
    let video = |name, codec| Recipe {
        name,
        codec,
        source: pictures,
        rate: 30,
        bitrate: 4_000_000,
        keyframe_every: 30 * CLIP_S,
    };
    let voice =
        "aevalsrc=0.3*sin(2*PI*(140+30*sin(2*PI*0.7*t))*t)*abs(sin(2*PI*1.3*t)):s=48000:d=10";
    let sound = Recipe {
        name: "tracks.opus",
        codec: CodecName::Opus,
        source: voice,
        rate: 50,
        bitrate: 32_000,
        keyframe_every: 1,
    };
    [video("tracks.h264", CodecName::H264), video("tracks.vp8", CodecName::Vp8), sound]
}

fn measure(arguments: &Arguments, clip: &Clip, path: &Path) -> Result<Track> {
    let seconds = arguments.minutes * 60;
    let folder = Folder::new(&path.join("first"), STARTED_UNIX_MS)?;
    write(&folder, clip, seconds)?;
    let (mut by_cpu, mut by_wall, mut file_bytes) = (Vec::new(), Vec::new(), 0);
    for run in 0..arguments.runs.max(1) {
        let twin = folder.twin(&path.join(run.to_string()))?;
        twin.wants(seconds * 1_000, &[JobKind::Tracks])?;
        let (registry, begun, passed) = (Registry::new(), Moment::now()?, Cell::new(None));
        let note = || {
            passed.set(Some(begun.elapsed()?));
            Ok(())
        };
        let status = role::work(twin.config(1)?, registry.clone(), note)?;
        let passed = passed.get().context("the job ended unseen")?;
        file_bytes = status.files.iter().map(|file| file.bytes).sum();
        let whole = status.files.iter().map(|file| file.duration_ms).sum::<u64>() / 1_000;
        ensure!(whole.abs_diff(seconds) <= 1, "the files play {whole} s, not {seconds}");
        let wall = role::job_seconds(&registry, &JobKind::Tracks);
        eprintln!("{:?}: {:.2?} of CPU, {wall:.2} s of the job", clip.codec, passed.cpu);
        by_cpu.push(seconds as f64 / passed.cpu.as_secs_f64());
        by_wall.push(seconds as f64 / wall);
        std::fs::remove_dir_all(path.join(run.to_string()))?;
    }
    Ok(Track {
        codec: format!("{:?}", clip.codec),
        minutes: arguments.minutes,
        journal_bytes: folder.journal_bytes()?,
        file_bytes,
        by_cpu: rounded(median(&by_cpu)),
        by_wall: rounded(median(&by_wall)),
    })
}

/// Writes the journals of a meeting with one track.
fn write(folder: &Folder, clip: &Clip, seconds: u64) -> Result<()> {
    let participant = ParticipantId(1);
    let mut session = folder.session()?;
    session.node(0, "node-1")?;
    let name = "Somebody".to_owned();
    session.event(STARTED_UNIX_MS, Event::Joined { participant, identity: name.clone(), name })?;
    let (kind, source) = (clip.codec.kind(), Source::Unknown);
    let track = Event::Track { track: TRACK, participant, kind, source, muted: false };
    session.event(STARTED_UNIX_MS, track)?;
    session.end()?;

    let mut journal = folder.track(TRACK)?;
    journal.node(0, "node-1")?;
    let mut random = fastrand::Rng::with_seed(1);
    let mut stream = Stream::new(TRACK, 1, clip.codec, &mut random);
    let rate = u64::from(clip.codec.clock_rate());
    let (mut ticks, mut reported) = (0, 0);
    for frame in clip.frames.iter().cycle() {
        let at_us = ticks * 1_000_000 / rate;
        if at_us >= seconds * 1_000_000 {
            break;
        }
        let unix_us = folder.started_unix_us() + at_us + DELAY_US;
        for packet in stream.packets(frame, ticks) {
            let jitter_us = random.u64(0..5_000);
            journal.record(0, &stream.record(&packet, unix_us + jitter_us, Some(30)))?;
        }
        if at_us >= reported {
            reported += 1_000_000;
            let ntp = ntp_of(folder.started_unix_us() + at_us);
            journal.record(0, &stream.report(ticks, ntp, unix_us))?;
        }
        ticks += u64::from(clip.step);
    }
    journal.end()
}
