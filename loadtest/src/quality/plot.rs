//! A run as a picture: above, rates against capacity; below, how long packets waited; with marks where
//! pictures stood still and where keyframes were asked for.

use super::judge::{CAMERA, Evidence, SCREEN};
use super::seen::Person;
use super::series::Series;
use anyhow::{Context, Result, anyhow, ensure};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const SIZE: (u32, u32) = (1_600, 900);
const FONT: &str = "sans-serif";
/// What fonts-dejavu installs.
const FONT_FILE: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
/// Rates are averages over so much.
const WINDOW_MS: f64 = 200.0;
/// So much is shown before the timeline begins.
const BEFORE_S: f64 = 6.0;

const CAPACITY: RGBColor = RGBColor(120, 120, 120);
const OFFERED: RGBColor = RGBColor(30, 90, 200);
const DELIVERED: RGBColor = RGBColor(20, 140, 70);
const ESTIMATE: RGBColor = RGBColor(210, 120, 20);
const OTHER: RGBColor = RGBColor(140, 60, 160);
const FROZEN: RGBColor = RGBColor(200, 30, 30);

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Drawn =
    Result<(), DrawingAreaErrorKind<<BitMapBackend<'static> as DrawingBackend>::ErrorType>>;
type Points = Vec<(f64, f64)>;

/// A line with its name.
struct Line {
    name: &'static str,
    colour: RGBColor,
    points: Points,
}

/// What is drawn, in seconds after the beginning.
struct Drawing {
    title: String,
    until: f64,
    rates: Vec<Line>,
    waits: Vec<Line>,
    freezes: Vec<f64>,
    requests: Vec<f64>,
}

/// Draws a run.
pub fn draw(to: &Path, title: &str, evidence: &Evidence) -> Result<()> {
    let font = std::fs::read(FONT_FILE).context("no font: install fonts-dejavu")?;
    // Plotters keeps a font to the end of the process.
    let font: &'static [u8] = Box::leak(font.into_boxed_slice());
    register_font(FONT, FontStyle::Normal, font).map_err(|_| anyhow!("{FONT_FILE} is no font"))?;
    let drawing = Drawing::of(title, evidence);
    let mut pixels = vec![0; (3 * SIZE.0 * SIZE.1) as usize];
    {
        let root = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|error| anyhow!("the plot: {error}"))?;
        let (above, below) = root.split_vertically(SIZE.1 * 2 / 3);
        let drawn = drawing.rates(&above).and_then(|()| drawing.waits(&below));
        drawn.map_err(|error| anyhow!("the plot: {error}"))?;
    }
    write(to, &pixels)
}

impl Drawing {
    fn of(title: &str, evidence: &Evidence) -> Drawing {
        let seconds = |at: f64| (at - evidence.t0) / 1e3;
        let is_up = |series: &&Series| {
            let down = evidence.down.as_ref().map_or(0, total);
            total(series) > down
        };
        let media = evidence.up.as_ref().filter(is_up).or(evidence.down.as_ref());
        let mut rates = media.map(|series| lines(series, &seconds)).unwrap_or_default();
        let estimate = evidence.estimates.iter().map(|one| (seconds(one.at), one.target_bps / 1e6));
        rates.push(Line { name: "estimate", colour: ESTIMATE, points: estimate.collect() });
        let other = evidence.competitor.windows(2).map(|pair| {
            let bits = (pair[1].1 - pair[0].1) as f64 * 8.0;
            (seconds(pair[1].0), bits / (pair[1].0 - pair[0].0) / 1e3)
        });
        rates.push(Line { name: "TCP beside it", colour: OTHER, points: other.collect() });
        let link = media.map(|series| {
            series.iter().map(|(at, s)| (seconds(at), s.queue_delay.as_secs_f64() * 1e3)).collect()
        });
        let pacer = evidence.estimates.iter().map(|one| (seconds(one.at), one.queue_ms));
        let waits = vec![
            Line { name: "queue of the link", colour: OFFERED, points: link.unwrap_or_default() },
            Line { name: "queue of the pacer", colour: ESTIMATE, points: pacer.collect() },
        ];
        Drawing {
            title: title.to_owned(),
            until: seconds(evidence.end),
            rates,
            waits,
            freezes: evidence.viewer().map(|viewer| freezes(viewer, &seconds)).unwrap_or_default(),
            requests: requests(&evidence.seen.presenter, &seconds),
        }
    }

    fn rates(&self, area: &Area<'_>) -> Drawn {
        let most = highest(&self.rates, 1.0);
        let mut builder = ChartBuilder::on(area);
        builder.margin(10).x_label_area_size(30).y_label_area_size(60);
        builder.caption(&self.title, (FONT, 24));
        let mut chart = builder.build_cartesian_2d(-BEFORE_S..self.until, 0.0..most * 1.1)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(WHITE).y_desc("Mbit/s").label_style((FONT, 15)).draw()?;
        put(&mut chart, &self.rates, 2)?;
        let frozen = self.freezes.iter().map(|at| (*at, most * 1.05));
        chart
            .draw_series(frozen.map(|place| TriangleMarker::new(place, 7, FROZEN.filled())))?
            .label("stood still")
            .legend(|(x, y)| TriangleMarker::new((x + 8, y), 7, FROZEN.filled()));
        let asked = self.requests.iter().map(|at| (*at, most));
        chart
            .draw_series(asked.map(|place| Circle::new(place, 4, BLACK.filled())))?
            .label("keyframe asked for")
            .legend(|(x, y)| Circle::new((x + 8, y), 4, BLACK.filled()));
        name(&mut chart)
    }

    fn waits(&self, area: &Area<'_>) -> Drawn {
        let most = highest(&self.waits, 50.0);
        let mut builder = ChartBuilder::on(area);
        builder.margin(10).x_label_area_size(40).y_label_area_size(60);
        let mut chart = builder.build_cartesian_2d(-BEFORE_S..self.until, 0.0..most * 1.1)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(WHITE).x_desc("seconds").y_desc("ms waited");
        mesh.label_style((FONT, 15)).draw()?;
        put(&mut chart, &self.waits, 1)?;
        name(&mut chart)
    }
}

type Chart<'a, 'b> =
    ChartContext<'a, BitMapBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn put<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, lines: &[Line], width: u32) -> Drawn {
    for line in lines.iter().filter(|line| !line.points.is_empty()) {
        let style = line.colour.stroke_width(width);
        let series = chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
        let colour = line.colour;
        let legend = move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour);
        series.label(line.name).legend(legend);
    }
    Ok(())
}

fn name<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>) -> Drawn {
    let mut legend = chart.configure_series_labels();
    legend.background_style(WHITE.mix(0.8)).border_style(BLACK).label_font((FONT, 15));
    legend.position(SeriesLabelPosition::UpperLeft).draw()
}

fn total(series: &Series) -> u64 {
    series.iter().map(|(_, sample)| sample.offered.as_bytes()).sum()
}

fn highest(lines: &[Line], least: f64) -> f64 {
    // An estimate without limit would make all else flat.
    const MOST: f64 = 2_000.0;
    let values = lines.iter().flat_map(|line| &line.points).filter(|(at, _)| *at > -BEFORE_S);
    values.map(|(_, value)| *value).fold(least, f64::max).min(MOST)
}

fn lines(series: &Series, seconds: &impl Fn(f64) -> f64) -> Vec<Line> {
    let step = (WINDOW_MS / 2.0).max(1.0);
    let ends: Vec<f64> = {
        let last = series.iter().last().map_or(0.0, |(at, _)| at);
        let first = series.began_ms() + WINDOW_MS;
        (0..).map(|n| first + step * f64::from(n)).take_while(|at| *at < last).collect()
    };
    let rate = |what: fn(&lectern_sim::network::Sample) -> lectern_wire::DataSize| {
        let of = |end: &f64| {
            let bps = series.rate(end - WINDOW_MS, *end, what).as_bps();
            (seconds(*end), bps as f64 / 1e6)
        };
        ends.iter().map(of).collect::<Points>()
    };
    let capacity = series
        .iter()
        .filter_map(|(at, sample)| Some((seconds(at), sample.rate?.as_bps() as f64 / 1e6)));
    vec![
        Line { name: "capacity", colour: CAPACITY, points: capacity.collect() },
        Line { name: "sent", colour: OFFERED, points: rate(|sample| sample.offered) },
        Line { name: "arrived", colour: DELIVERED, points: rate(|sample| sample.delivered) },
    ]
}

/// When the count of freezes rose.
fn freezes(person: &Person, seconds: &impl Fn(f64) -> f64) -> Vec<f64> {
    let mut found = Vec::new();
    for source in [CAMERA, SCREEN] {
        let counts = person.samples.iter().filter_map(|sample| {
            let of = |one: &&super::seen::Inbound| one.source.as_deref() == Some(source);
            Some((sample.at, sample.inbound.iter().find(of)?.freeze_count))
        });
        let counts: Vec<(f64, u64)> = counts.collect();
        let rises = counts.windows(2).filter(|pair| pair[1].1 > pair[0].1);
        found.extend(rises.map(|pair| seconds(pair[1].0)));
    }
    found
}

/// When keyframes were asked for at the presenter.
fn requests(presenter: &Person, seconds: &impl Fn(f64) -> f64) -> Vec<f64> {
    let count = |sample: &super::seen::Sample| {
        sample.outbound.iter().map(|sent| sent.pli_count + sent.fir_count).sum::<u64>()
    };
    let rises = presenter.samples.windows(2).filter(|pair| count(&pair[1]) > count(&pair[0]));
    rises.map(|pair| seconds(pair[1].at)).collect()
}

/// As PNG, which FFmpeg writes.
fn write(to: &Path, pixels: &[u8]) -> Result<()> {
    let size = format!("{}x{}", SIZE.0, SIZE.1);
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24"]);
    command.args(["-video_size", &size, "-i", "pipe:0", "-frames:v", "1"]).arg(to);
    let mut child = command.stdin(Stdio::piped()).spawn().context("cannot run ffmpeg")?;
    child.stdin.take().context("a pipe")?.write_all(pixels)?;
    ensure!(child.wait()?.success(), "FFmpeg cannot write {}", to.display());
    Ok(())
}
