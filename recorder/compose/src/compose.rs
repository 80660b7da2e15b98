//! From tracks to a film.

use crate::assemble::Assembly;
use crate::confine::step_behind;
use crate::decode::Studio;
use crate::encode::{FRAME_RATE, Press};
use crate::error::Error;
use crate::film::{Film, Note};
use crate::media::{Media, Track};
use crate::parts::Parts;
use crate::plan::Plan;
use crate::reel::{self, Pictures, Piece, REEL_FRAMES};
use crate::scene::{Timeline, extent, heard};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::cell::Cell;
use std::io;
use std::sync::atomic::AtomicBool;

/// A film's length at most; what a recorder that went wrong says is longer is refused.
const MAX_DURATION_US: i64 = 48 * 3_600 * 1_000_000;
/// Thousandths of the work, as measured: pictures take nearly all of it.
const PICTURES_PERMILLE: u64 = 900;
const SOUND_PERMILLE: u64 = 80;
/// Pictures of the film: a list shows one, and a page that tells more of it a few.
const THUMBNAILS: u64 = 5;
/// Threads of the video encoder at most: more make it no faster for pictures of this size.
const MAX_THREADS: usize = 4;

/// Makes a film and writes it to `out`, from its first byte to its last. `progress` is told
/// thousandths that are done, never fewer than before.
///
/// Blocks for minutes to hours, on a thread of its own, which it gives the lowest priority for good
/// and keeps on [`Plan::cores`] of the cores, like the processes that it starts. Soon after `stop` is
/// set it ends with [`Error::Stopped`], and no process is left; a thread that waits for the next
/// unit of [`Media`] just then may live until it has it.
pub fn compose(
    media: &dyn Media,
    plan: &Plan,
    parts: &dyn Parts,
    out: &mut dyn io::Write,
    progress: &dyn Fn(u16),
    stop: &AtomicBool,
) -> Result<Film, Error> {
    let tracks = media.tracks();
    if plan.duration_us <= 0 || plan.duration_us > MAX_DURATION_US || tracks.is_empty() {
        return Err(Error::Nothing);
    }
    step_back(plan.cores);
    plan.tools.check(stop)?;
    let work = Work {
        plan,
        tracks: &tracks,
        parts,
        studio: Studio { media, tools: &plan.tools, stop },
        press: Press { tools: &plan.tools, stop, threads: plan.cores.clamp(1, MAX_THREADS) },
        progress: Told { tell: progress, last: Cell::new(0) },
    };
    work.run(out)
}

/// Tells progress, each number once.
struct Told<'a> {
    tell: &'a dyn Fn(u16),
    last: Cell<u64>,
}

impl Told<'_> {
    fn tell(&self, permille: u64) {
        if permille > self.last.get() {
            self.last.set(permille);
            (self.tell)(permille.min(1_000) as u16);
        }
    }
}

struct Work<'a> {
    plan: &'a Plan,
    tracks: &'a [Track],
    parts: &'a dyn Parts,
    studio: Studio<'a>,
    press: Press<'a>,
    progress: Told<'a>,
}

impl Work<'_> {
    fn run(&self, out: &mut dyn io::Write) -> Result<Film, Error> {
        let duration_us = self.plan.duration_us as u64;
        let frames = (duration_us * FRAME_RATE).div_ceil(1_000_000);
        let screen = extent(self.studio.media, self.plan, self.tracks, self.studio.stop)?;
        let timeline = Timeline::of(self.plan, self.tracks, screen);
        let (pictures, lacks_fonts) = self.pictures(&timeline, frames)?;
        let sound = self.sound(frames)?;
        let load = |piece: Piece| Ok((piece.clone(), piece.index(self.parts)?));
        let assembly = Assembly {
            pictures: pictures.into_iter().map(load).collect::<Result<_, Error>>()?,
            sound: load(sound)?,
            size: timeline.size,
            frames,
            chapters: timeline.chapters.clone(),
        };
        let bytes = assembly.write(self.parts, out, self.studio.stop, &mut |written, whole| {
            let before = PICTURES_PERMILLE + SOUND_PERMILLE;
            self.progress.tell(before + written * (1_000 - before) / whole.max(1));
        })?;
        let mut notes = assembly.notes();
        if lacks_fonts {
            notes.push(Note::NoFont);
        }
        self.progress.tell(1_000);
        Ok(Film {
            width: timeline.size.width,
            height: timeline.size.height,
            duration_ms: frames * 1_000 / FRAME_RATE,
            bytes,
            thumbnails: assembly.thumbnails(),
            chapters: timeline.chapters,
            notes,
        })
    }

    /// Makes the pieces with pictures that are not there yet; whether names were left out.
    fn pictures(&self, timeline: &Timeline, frames: u64) -> Result<(Vec<Piece>, bool), Error> {
        let thumbnails = (0..THUMBNAILS).map(|index| frames * (2 * index + 1) / (2 * THUMBNAILS));
        let mut thumbnails: Vec<u64> = thumbnails.collect();
        thumbnails.dedup();
        let mut pictures = Pictures::new(timeline, self.studio, self.press, thumbnails);
        let mut pieces = Vec::new();
        for number in 0..frames.div_ceil(REEL_FRAMES) {
            let piece = Piece::pictures(number);
            let span = (number * REEL_FRAMES, ((number + 1) * REEL_FRAMES).min(frames));
            let mut done = |frame: u64| self.progress.tell(frame * PICTURES_PERMILLE / frames);
            if piece.is_there(self.parts) {
                done(span.1);
            } else {
                pictures.reel(&piece, span, self.parts, &mut done)?;
            }
            pieces.push(piece);
        }
        Ok((pieces, pictures.lacks_fonts()))
    }

    fn sound(&self, frames: u64) -> Result<Piece, Error> {
        let piece = Piece::sound();
        if !piece.is_there(self.parts) {
            let until_us = reel::at_us(frames);
            let tracks: Vec<Track> = heard(self.plan, self.tracks).copied().collect();
            let mut done = |us: i64| {
                let share = us.clamp(0, until_us) as u64 * SOUND_PERMILLE / until_us.max(1) as u64;
                self.progress.tell(PICTURES_PERMILLE + share);
            };
            reel::sound(self.studio, self.press, &tracks, until_us, self.parts, &mut done)?;
        }
        Ok(piece)
    }
}

/// Live media on the same machine comes first: this thread and all that it starts take what is left,
/// of so many cores.
fn step_back(cores: usize) {
    step_behind();
    let Ok(mut allowed) = sched_getaffinity(None) else { return };
    let cores = cores.max(1) as u32;
    // The first cores are those that others are pinned to.
    for cpu in 0..CpuSet::MAX_CPU {
        if allowed.count() <= cores {
            break;
        }
        allowed.unset(cpu);
    }
    let _ = sched_setaffinity(None, &allowed);
}
