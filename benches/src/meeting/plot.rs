//! Errors over time as a picture.

use super::judge::{Errors, MOST_MS, Point};
use crate::ffmpeg;
use anyhow::{Context, Result, anyhow, ensure};
use cosmic_text::fontdb;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const WIDTH: u32 = 1_600;
const HEIGHT: u32 = 500;
/// Milliseconds above and below zero.
const RANGE_MS: f64 = 60.0;
const FONT: &str = "sans-serif";

/// A kind of error: its name, its colour, and where it is found.
type Kind = (&'static str, RGBColor, fn(&Point) -> Option<f64>);

const KINDS: [Kind; 3] = [
    ("picture after truth", RGBColor(210, 120, 20), |point| point.picture_ms),
    ("picture after sound", RGBColor(30, 90, 200), Point::apart_ms),
    ("sound after truth", RGBColor(20, 140, 70), |point| point.sound_ms),
];

/// Draws errors of several kinds of files, one below the other.
pub fn draw(to: &Path, files: &[(&str, &Errors)]) -> Result<()> {
    let height = HEIGHT * files.len() as u32;
    let mut pixels = vec![0; (3 * WIDTH * height) as usize];
    let has_font = choose_font();
    {
        let root = BitMapBackend::with_buffer(&mut pixels, (WIDTH, height)).into_drawing_area();
        let drawn = root.fill(&WHITE).map_err(|error| anyhow!("{error}"));
        let areas = root.split_evenly((files.len(), 1));
        let each = areas.iter().zip(files).map(|(area, (name, errors))| {
            chart(area, name, errors, has_font).map_err(|error| anyhow!("the plot: {error}"))
        });
        drawn.and_then(|()| each.collect::<Result<()>>())?;
    }
    write(to, &pixels, height)
}

/// The system's own font: whether there is one.
fn choose_font() -> bool {
    let mut fonts = fontdb::Database::new();
    fonts.load_system_fonts();
    let families = [fontdb::Family::Name("DejaVu Sans"), fontdb::Family::SansSerif];
    let query = fontdb::Query { families: &families, ..fontdb::Query::default() };
    let id = fonts.query(&query).or_else(|| fonts.faces().next().map(|face| face.id));
    let data = id.and_then(|id| fonts.with_face_data(id, |data, _| data.to_vec()));
    // It is used to the end of the process.
    data.is_some_and(|data| register_font(FONT, FontStyle::Normal, data.leak()).is_ok())
}

fn chart<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    name: &str,
    errors: &Errors,
    has_font: bool,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let hours = |point: &Point| point.at_us / 3_600e6;
    let until = errors.points.iter().map(hours).fold(0.01, f64::max);
    let mut builder = ChartBuilder::on(area);
    builder.margin(12);
    if has_font {
        builder.x_label_area_size(40).y_label_area_size(60);
        builder.caption(format!("errors in the {name}"), (FONT, 22));
    }
    let mut chart = builder.build_cartesian_2d(0.0..until, -RANGE_MS..RANGE_MS)?;
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(WHITE).x_desc("hours").y_desc("milliseconds").label_style((FONT, 16));
    if has_font {
        mesh.draw()?;
    } else {
        mesh.x_labels(0).y_labels(0).draw()?;
    }
    for limit in [-MOST_MS, 0.0, MOST_MS] {
        let line = [(0.0, limit), (until, limit)];
        chart.draw_series(LineSeries::new(line, RED.mix(0.6)))?;
    }
    for (name, colour, error) in KINDS {
        let points = errors
            .points
            .iter()
            .filter_map(|point| Some((hours(point), error(point)?.clamp(-RANGE_MS, RANGE_MS))));
        let dots = points.map(|place| Circle::new(place, 2, colour.mix(0.7).filled()));
        let series = chart.draw_series(dots)?;
        if has_font {
            series.label(name).legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
        }
    }
    if has_font {
        let mut legend = chart.configure_series_labels();
        legend.background_style(WHITE.mix(0.8)).border_style(BLACK).label_font((FONT, 16));
        legend.position(SeriesLabelPosition::UpperRight).draw()?;
    }
    Ok(())
}

/// As PNG, which FFmpeg writes.
fn write(to: &Path, pixels: &[u8], height: u32) -> Result<()> {
    let (to, size) = (to.to_string_lossy(), format!("{WIDTH}x{height}"));
    let args = ["-loglevel", "error", "-f", "rawvideo", "-pixel_format", "rgb24"];
    let args = [&args[..], &["-video_size", &size, "-i", "pipe:0", "-frames:v", "1", &to]].concat();
    let mut child = ffmpeg::command(&args).stdin(Stdio::piped()).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(pixels)?;
    ensure!(child.wait()?.success(), "FFmpeg cannot write {to}");
    Ok(())
}
