//! Whether the shared screen can be read in the film as it could where it was shared.

use crate::ffmpeg;
use anyhow::{Result, ensure};
use std::path::Path;

/// The film's picture is looked for among those that were shared so long before and after: it was some
/// milliseconds on its way.
const AROUND_S: f64 = 0.25;

/// How alike the film's screen and the shared one are at some seconds: structural similarity (SSIM) of
/// brightness, 1 where they are the same.
pub fn likeness(film: &Path, shared: &Path, moments: &[f64]) -> Result<Vec<f64>> {
    moments.iter().map(|at| best(film, shared, *at)).collect()
}

fn best(film: &Path, shared: &Path, at: f64) -> Result<f64> {
    let (film, shared) = (film.to_string_lossy(), shared.to_string_lossy());
    let (at, from) = (at.to_string(), (at - AROUND_S).to_string());
    let (short, around) = ("0.2".to_owned(), (2.0 * AROUND_S).to_string());
    let graph = "[0:v]trim=end_frame=1,crop=1920:1080:0:0,loop=loop=60:size=1:start=0,setpts=N/30/TB[film];\
                 [1:v]setpts=N/30/TB[shared];[film][shared]ssim=stats_file=-:shortest=1";
    let args = [
        "-ss", &at, "-t", &short, "-i", &film, "-ss", &from, "-t", &around, "-i", &shared,
        "-lavfi", graph, "-f", "null", "-",
    ];
    let told = ffmpeg::output(&args)?;
    let told = String::from_utf8_lossy(&told);
    let alike = told.lines().filter_map(|line| {
        line.split_whitespace().find_map(|word| word.strip_prefix("Y:"))?.parse::<f64>().ok()
    });
    let best = alike.fold(f64::NEG_INFINITY, f64::max);
    ensure!(best.is_finite(), "FFmpeg compared nothing at {at} s");
    Ok(best)
}
