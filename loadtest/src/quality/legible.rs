//! Whether the text of a slide can be read in a picture that a viewer saw: by Tesseract.

use super::seen::{Seen, Slide, Still};
use super::words;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// So many of the words must be read right.
pub const LEAST_SHARE: f64 = 0.9;

/// A picture, and how much of the slide that was shown then can be read in it.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// When the viewer saw it, in milliseconds since 1970.
    pub at: f64,
    /// When the slide was drawn.
    pub drawn: f64,
    /// The share of its words, 0 to 1.
    pub share: f64,
}

impl Reading {
    /// Whether the text can be read.
    pub fn is_legible(&self) -> bool {
        self.share >= LEAST_SHARE
    }
}

/// Reads the text of a picture.
fn text(picture: &Path) -> Result<String> {
    let mut command = Command::new("tesseract");
    command.arg(picture).args(["stdout", "--psm", "6"]).env("OMP_THREAD_LIMIT", "1");
    let output = command.output().context("cannot run tesseract: install tesseract-ocr")?;
    ensure!(output.status.success(), "tesseract: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn slide_at(slides: &[Slide], at: f64) -> Option<&Slide> {
    slides.iter().rev().find(|slide| slide.at <= at)
}

fn stills<'a>(seen: &'a Seen, viewer: &str, name: &'a str) -> impl Iterator<Item = &'a Still> {
    let stills = seen.viewers.get(viewer).map(|person| person.stills.as_slice());
    stills.unwrap_or_default().iter().filter(move |still| still.name == name)
}

fn read(seen: &Seen, still: &Still) -> Result<Option<Reading>> {
    let Some(slide) = slide_at(&seen.slides, still.at) else { return Ok(None) };
    let share = words::share_in(&slide.words, &text(&still.file)?);
    Ok(Some(Reading { at: still.at, drawn: slide.at, share }))
}

/// Reads all pictures that were kept under a name.
pub fn all(seen: &Seen, viewer: &str, name: &str) -> Result<Vec<Reading>> {
    let read = stills(seen, viewer, name).map(|still| read(seen, still));
    Ok(read.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// For each slide drawn between two times: after how many milliseconds its text could be read. Looks
/// at the pictures kept under `name` and stops at the first that can be read.
pub fn delays(
    seen: &Seen,
    viewer: &str,
    name: &str,
    (from, until): (f64, f64),
) -> Result<Vec<Option<f64>>> {
    let mut delays = Vec::new();
    for slide in seen.slides.iter().filter(|slide| (from..until).contains(&slide.at)) {
        let mut delay = None;
        for still in stills(seen, viewer, name) {
            let shown = slide_at(&seen.slides, still.at).map(|slide| slide.at);
            if shown != Some(slide.at) {
                continue;
            }
            if read(seen, still)?.is_some_and(|reading| reading.is_legible()) {
                delay = Some(still.at - slide.at);
                break;
            }
        }
        delays.push(delay);
    }
    Ok(delays)
}
