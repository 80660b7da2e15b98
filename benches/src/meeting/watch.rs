//! Looks at what was made: unsealed, decoded by FFmpeg, every flash and beep found.

use super::cast::Person;
use super::detect::{Beeps, Flashes};
use crate::ffmpeg;
use crate::folder::Folder;
use anyhow::{Context, Result, ensure};
use lectern_control::media::MediaKind;
use lectern_control::recording::{File, FileKind, Status};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Pictures are looked at in this size.
const WIDTH: usize = 64;
const HEIGHT: usize = 36;
/// Times are told in whole microseconds: as seconds they are written with six digits, which after
/// three hours are tenths of a second.
const LOOK: &str = "scale=64:36:flags=area,format=gray,settb=1/1000000,showinfo";
/// Pixels in the middle of a tile, where one fills all and where two stand beside each other.
const WHOLE: Place = Place { x: 16, y: 9, width: 32, height: 18 };
const LEFT: Place = Place { x: 5, y: 12, width: 22, height: 12 };
const RIGHT: Place = Place { x: 37, y: 12, width: 22, height: 12 };

#[derive(Debug, Clone, Copy)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// What was found of one person, in seconds of the recording.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub flashes: Vec<f64>,
    pub beeps: Vec<f64>,
}

/// What is found in the film, of each person.
pub fn film(folder: &Folder, status: &Status, people: &[Person], kept: &Path) -> Result<Vec<Seen>> {
    let is_film = |file: &&File| matches!(file.kind, FileKind::Composed { .. });
    let file = status.files.iter().find(is_film).context("there is no film")?;
    let path = unseal(folder, file, kept)?;
    eprintln!("looking at the film, {} MiB", file.bytes >> 20);
    let flashes = flashes(&path, &[LEFT, RIGHT])?;
    let tones: Vec<f64> = people.iter().map(|person| person.tone).collect();
    let beeps = beeps(&path, &tones)?;
    Ok(flashes.into_iter().zip(beeps).map(|(flashes, beeps)| Seen { flashes, beeps }).collect())
}

/// What is found in the files of tracks, of each person.
pub fn tracks(
    folder: &Folder,
    status: &Status,
    people: &[Person],
    kept: &Path,
) -> Result<Vec<Seen>> {
    let look = |person: &Person| -> Result<Seen> {
        let mut seen = Seen::default();
        for file in &status.files {
            let FileKind::Track { participant, offset_ms, .. } = file.kind else { continue };
            if participant != person.participant {
                continue;
            }
            let path = unseal(folder, file, kept)?;
            let kind = match file.content_type.starts_with("audio/") {
                true => MediaKind::Audio,
                false => MediaKind::Video,
            };
            let (found, place) = match kind {
                MediaKind::Audio => (beeps(&path, &[person.tone])?, &mut seen.beeps),
                MediaKind::Video => (flashes(&path, &[WHOLE])?, &mut seen.flashes),
            };
            let offset_s = offset_ms as f64 / 1e3;
            place.extend(found.into_iter().flatten().map(|at_s| at_s + offset_s));
        }
        seen.flashes.sort_by(f64::total_cmp);
        seen.beeps.sort_by(f64::total_cmp);
        Ok(seen)
    };
    eprintln!("looking at the files of tracks");
    people.iter().map(look).collect()
}

fn unseal(folder: &Folder, file: &File, kept: &Path) -> Result<PathBuf> {
    let path = kept.join(&file.name);
    let len = std::io::copy(&mut folder.stored(&file.name)?, &mut std::fs::File::create(&path)?)?;
    ensure!(len == file.bytes, "{} has {len} bytes, not {}", file.name, file.bytes);
    Ok(path)
}

/// Flashes in these places of a file's pictures.
fn flashes(path: &Path, places: &[Place]) -> Result<Vec<Vec<f64>>> {
    let path = path.to_string_lossy();
    let args = ["-nostats", "-i", &path, "-map", "0:v:0", "-vf", LOOK];
    let args = [&args[..], &["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]].concat();
    let mut child = ffmpeg::command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let times = times(stderr.context("a pipe")?);
    let mut pictures = BufReader::new(stdout.context("a pipe")?);
    let mut found: Vec<Flashes> = places.iter().map(|_| Flashes::default()).collect();
    let mut picture = vec![0; WIDTH * HEIGHT];
    while read_whole(&mut pictures, &mut picture)? {
        let at_s = times.recv().context("FFmpeg does not say when pictures are shown")?;
        for (place, flashes) in places.iter().zip(&mut found) {
            flashes.push(at_s, brightness(&picture, *place));
        }
    }
    ensure!(child.wait()?.success(), "FFmpeg cannot decode {path}");
    Ok(found.into_iter().map(|flashes| flashes.found).collect())
}

/// Reads a whole picture; `false` at the end.
fn read_whole(from: &mut impl Read, picture: &mut [u8]) -> Result<bool> {
    match from.read_exact(picture) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn brightness(picture: &[u8], place: Place) -> f64 {
    let rows = picture.chunks_exact(WIDTH).skip(place.y).take(place.height);
    let pixels = rows.flat_map(|row| row.iter().skip(place.x).take(place.width));
    let sum: u64 = pixels.map(|pixel| u64::from(*pixel)).sum();
    sum as f64 / (place.width * place.height) as f64
}

/// When pictures are shown, in seconds, as FFmpeg's filter says among other things.
fn times(stderr: ChildStderr) -> Receiver<f64> {
    let (send, times) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let said = line.contains("showinfo").then(|| line.split_once(" pts:")).flatten();
            let micros = said.and_then(|(_, after)| after.split_whitespace().next()?.parse().ok());
            let time = micros.map(|micros: f64| micros / 1e6);
            // What is said after the last picture is of no interest.
            if time.is_some_and(|time| send.send(time).is_err()) {
                break;
            }
        }
    });
    times
}

/// Beeps of these tones in a file's sound.
fn beeps(path: &Path, tones: &[f64]) -> Result<Vec<Vec<f64>>> {
    let path = path.to_string_lossy();
    // Gaps of the file are gaps of what comes out.
    let fill = "aresample=48000:async=1:min_hard_comp=0.001:first_pts=0";
    let args = ["-loglevel", "error", "-i", &path, "-map", "0:a:0", "-af", fill];
    let args = [&args[..], &["-ac", "1", "-f", "f32le", "pipe:1"]].concat();
    let mut child = ffmpeg::command(&args).stdout(Stdio::piped()).spawn()?;
    let mut sound = BufReader::with_capacity(1 << 16, child.stdout.take().context("a pipe")?);
    let mut found: Vec<Beeps> = tones.iter().map(|tone| Beeps::new(*tone)).collect();
    let mut piece = vec![0; 4 * 4_800];
    loop {
        let len = fill_up(&mut sound, &mut piece)?;
        let samples = piece.get(..len).unwrap_or_default().chunks_exact(4);
        for bytes in samples {
            let sample = bytes.first_chunk().map_or(0.0, |bytes| f32::from_le_bytes(*bytes));
            found.iter_mut().for_each(|beeps| beeps.push(sample));
        }
        if len < piece.len() {
            break;
        }
    }
    ensure!(child.wait()?.success(), "FFmpeg cannot decode {path}");
    Ok(found.into_iter().map(|beeps| beeps.found).collect())
}

/// Reads until a piece is full, or all was read.
fn fill_up(from: &mut impl Read, piece: &mut [u8]) -> Result<usize> {
    let mut len = 0;
    while let Some(room) = piece.get_mut(len..).filter(|room| !room.is_empty()) {
        match from.read(room)? {
            0 => break,
            read => len += read,
        }
    }
    Ok(len)
}
