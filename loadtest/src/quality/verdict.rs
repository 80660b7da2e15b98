//! What is asked of each scenario.

use super::estimate;
use super::figures::{Figures, median};
use super::judge::{self, CAMERA, Evidence, SCREEN, VIEWER};
use super::legible::{self, Reading};
use super::seen::{Person, Slide};
use super::series::Series;
use super::timeline::{DROP_S, LINK, NARROW, OUTAGES_S, SLIDES_S, TURN};
use anyhow::{Context, Result};
use std::time::Duration;

/// Judges a run.
pub type Judge = fn(&Evidence) -> Result<Figures>;

/// An estimate counts from this share of the link on.
const ENOUGH: f64 = 0.9;

fn viewer(evidence: &Evidence) -> Result<&Person> {
    evidence.viewer().context("there was no viewer")
}

fn down(evidence: &Evidence) -> Result<&Series> {
    evidence.down.as_ref().context("nothing came through the relay")
}

/// A clean link of 5 Mbit/s.
pub fn clean(evidence: &Evidence) -> Result<Figures> {
    let (one, link) = (viewer(evidence)?, down(evidence)?);
    let connected = one.first("joined").context("the viewer never joined")?;
    let wanted = LINK.as_bps() as f64 * ENOUGH;
    let mut figures = Figures::default();
    let ramp = estimate::reaches(&evidence.estimates, connected, wanted);
    figures.at_most("ramp_s", ramp, 5.0);
    let (from, until) = (connected, evidence.end);
    figures.at_most("freezes", Some(judge::freezes(one, CAMERA, from, until)), 0.0);
    figures.at_most("screen_freezes", Some(judge::freezes(one, SCREEN, from, until)), 0.0);
    let sent = link.rate(evidence.at(5.0), until, |sample| sample.offered);
    figures.told("sent_kbps", Some(sent.as_bps() as f64 / 1e3));
    figures.told("camera_height", judge::height(one.frames(CAMERA, evidence.at(5.0), until)));
    figures.told("camera_fps", judge::decoded_fps(one, CAMERA, evidence.at(5.0), until));
    figures.told("screen_height", judge::height(one.frames(SCREEN, evidence.at(5.0), until)));
    let queue = link.longest_queue(evidence.t0, until);
    figures.told("longest_queue_ms", Some(queue.as_secs_f64() * 1e3));
    Ok(figures)
}

/// 5, then 0.8, then 5 Mbit/s.
pub fn drop(evidence: &Evidence) -> Result<Figures> {
    const WINDOW_MS: f64 = 500.0;
    let (one, link) = (viewer(evidence)?, down(evidence)?);
    let (fell, returned) = (evidence.at(DROP_S.0), evidence.at(DROP_S.1));
    let mut figures = Figures::default();
    figures.at_most("under_s", link.under_rate_after(fell, NARROW, WINDOW_MS), 1.0);
    let short = link.queue_under_after(fell, Duration::from_millis(100), 1_000.0);
    figures.at_most("queue_under_s", short, 1.5);
    let readings = legible::all(&evidence.seen, VIEWER, "slide")?;
    let display = Display { readings: &readings, slides: &evidence.seen.slides };
    let share = display.legible_share(fell, returned);
    let after_s = display.first_legible(fell, returned).map(|at| (at - fell) / 1e3);
    figures.at_most("legible_s", after_s, 1.0);
    figures.at_least("legible_share", share, 1.0);
    let full = judge::full_again(one, CAMERA, fell, returned);
    figures.at_most("recover_s", full, 3.0);
    figures.told("freeze_ratio", judge::freeze_ratio(one, CAMERA, fell, returned));
    figures.told("concealed_ratio", judge::concealed_ratio(one, fell, returned));
    let narrow = one.frames(CAMERA, fell + 2_000.0, returned);
    figures.told("camera_height_narrow", judge::height(narrow));
    figures.told("screen_height_narrow", judge::height(one.frames(SCREEN, fell, returned)));
    figures.told("screen_fps_narrow", judge::decoded_fps(one, SCREEN, fell, returned));
    let requests = judge::upstream_requests(&evidence.seen, fell, evidence.end);
    figures.told("upstream_pli", Some(requests));
    Ok(figures)
}

/// What stood on the viewer's screen: the latest picture, however old it is.
struct Display<'a> {
    readings: &'a [Reading],
    slides: &'a [Slide],
}

impl Display<'_> {
    /// A slide that was drawn within the last second needs not be there yet.
    const GRACE_MS: f64 = 1_000.0;
    const STEP_MS: f64 = 250.0;

    /// The share of the time from a second after `fell` on in which the slide that was due could be read.
    fn legible_share(&self, fell: f64, returned: f64) -> Option<f64> {
        let times = (0..).map(|step| fell + Self::GRACE_MS + Self::STEP_MS * f64::from(step));
        let each: Vec<bool> =
            times.take_while(|at| *at < returned).map(|at| self.is_legible(at)).collect();
        let legible = each.iter().filter(|is_legible| **is_legible).count();
        (!each.is_empty()).then(|| legible as f64 / each.len() as f64)
    }

    fn is_legible(&self, at: f64) -> bool {
        let due = self.slides.iter().rev().find(|slide| slide.at + Self::GRACE_MS <= at);
        let shown = self.readings.iter().rev().find(|reading| reading.at <= at);
        let Some((due, shown)) = due.zip(shown) else { return false };
        // A picture of the slide that follows is read against that one, and may be unfinished.
        shown.drawn >= due.at && (shown.is_legible() || shown.drawn > due.at)
    }

    /// When the first slide drawn after `fell` could be read.
    fn first_legible(&self, fell: f64, returned: f64) -> Option<f64> {
        let mut while_narrow =
            self.readings.iter().filter(|one| one.drawn >= fell && one.at < returned);
        while_narrow.find(|one| one.is_legible()).map(|one| one.at)
    }
}

/// Slides change at 0.8 Mbit/s.
pub fn slide(evidence: &Evidence) -> Result<Figures> {
    let one = viewer(evidence)?;
    let range = (evidence.t0, evidence.end);
    let delays = legible::delays(&evidence.seen, VIEWER, "slide", range)?;
    let mut figures = Figures::default();
    let all: Vec<f64> = delays.iter().flatten().copied().collect();
    let are_all = all.len() == SLIDES_S.len();
    let middle = median(&all).filter(|_| are_all);
    figures.at_most("legible_ms", middle, 1_000.0);
    figures.told("slowest_ms", all.iter().copied().reduce(f64::max).filter(|_| are_all));
    figures.told("screen_height", judge::height(one.frames(SCREEN, range.0, range.1)));
    figures.told("camera_height", judge::height(one.frames(CAMERA, range.0, range.1)));
    figures.told("concealed_ratio", judge::concealed_ratio(one, range.0, range.1));
    let requests = judge::upstream_requests(&evidence.seen, range.0, range.1);
    figures.told("upstream_pli", Some(requests));
    Ok(figures)
}

/// What is asked where packets are lost at random.
struct Loss {
    freeze_ratio: f64,
    height: f64,
    fps: f64,
    concealed_ratio: f64,
}

/// 10 % of loss to the viewer.
pub fn down10(evidence: &Evidence) -> Result<Figures> {
    let goal = Loss { freeze_ratio: 0.005, height: 540.0, fps: 20.0, concealed_ratio: 0.003 };
    loss(evidence, &goal)
}

/// 30 % of loss to the viewer.
pub fn down30(evidence: &Evidence) -> Result<Figures> {
    let goal = Loss { freeze_ratio: 0.03, height: 360.0, fps: 15.0, concealed_ratio: 0.03 };
    loss(evidence, &goal)
}

fn loss(evidence: &Evidence, goal: &Loss) -> Result<Figures> {
    let one = viewer(evidence)?;
    let (from, until) = (evidence.t0, evidence.end);
    let mut figures = Figures::default();
    let frozen = judge::freeze_ratio(one, CAMERA, from, until);
    figures.at_most("freeze_ratio", frozen, goal.freeze_ratio);
    figures.at_least("height", judge::height(one.frames(CAMERA, from, until)), goal.height);
    figures.at_least("fps", judge::decoded_fps(one, CAMERA, from, until), goal.fps);
    let concealed = judge::concealed_ratio(one, from, until);
    figures.at_most("concealed_ratio", concealed, goal.concealed_ratio);
    figures.told("freezes", Some(judge::freezes(one, CAMERA, from, until)));
    figures.told("upstream_pli", Some(judge::upstream_requests(&evidence.seen, from, until)));
    Ok(figures)
}

/// Loss from the presenter: told, with what bounds it.
pub fn up(evidence: &Evidence) -> Result<Figures> {
    let one = viewer(evidence)?;
    let (from, until) = (evidence.t0, evidence.end);
    let mut figures = Figures::default();
    figures.told("freeze_ratio", judge::freeze_ratio(one, CAMERA, from, until));
    figures.told("height", judge::height(one.frames(CAMERA, from, until)));
    figures.told("fps", judge::decoded_fps(one, CAMERA, from, until));
    figures.told("concealed_ratio", judge::concealed_ratio(one, from, until));
    figures.told("upstream_pli", Some(judge::upstream_requests(&evidence.seen, from, until)));
    // Chromium lowers what it sends by its own estimate, which loss drives: that is what bounds it.
    let link = evidence.up.as_ref().context("nothing came through the relay")?;
    let sent = link.rate(from, until, |sample| sample.offered);
    figures.told("sent_kbps", Some(sent.as_bps() as f64 / 1e3));
    Ok(figures)
}

/// 300 ms of total loss every 5 s.
pub fn outages(evidence: &Evidence) -> Result<Figures> {
    let one = viewer(evidence)?;
    let (first, length, every) = OUTAGES_S;
    let last_s = (evidence.end - evidence.t0) / 1e3 - 1.0;
    let ends = (0..).map(|count| first + length + every * f64::from(count));
    let ends: Vec<f64> = ends.take_while(|end| *end < last_s).map(|end| evidence.at(end)).collect();
    let mut figures = Figures::default();
    figures.at_most("back_ms", judge::longest_return_ms(one, CAMERA, &ends), 400.0);
    let (from, until) = (evidence.t0, evidence.end);
    figures.told("freeze_ratio", judge::freeze_ratio(one, CAMERA, from, until));
    figures.told("height", judge::height(one.frames(CAMERA, from, until)));
    figures.told("upstream_pli", Some(judge::upstream_requests(&evidence.seen, from, until)));
    Ok(figures)
}

/// Jitter with reordering.
pub fn jitter(evidence: &Evidence) -> Result<Figures> {
    let (one, link) = (viewer(evidence)?, down(evidence)?);
    let (from, until) = (evidence.at(4.0), evidence.end);
    let mut figures = Figures::default();
    figures.at_least("utilisation", link.utilisation(from, until), 0.8);
    figures.told("height", judge::height(one.frames(CAMERA, from, until)));
    figures.told("freeze_ratio", judge::freeze_ratio(one, CAMERA, from, until));
    figures.told("concealed_ratio", judge::concealed_ratio(one, from, until));
    figures.told("upstream_pli", Some(judge::upstream_requests(&evidence.seen, from, until)));
    Ok(figures)
}

/// Against one Cubic TCP flow.
pub fn tcp(evidence: &Evidence) -> Result<Figures> {
    const WINDOW_S: f64 = 5.0;
    let one = viewer(evidence)?;
    let shares = |from_s: f64| {
        let (from, until) = (evidence.at(from_s), evidence.at(from_s + WINDOW_S));
        let ours = judge::received_bps(one, from, until);
        let bytes = |at: f64| {
            let before = evidence.competitor.partition_point(|(when, _)| *when <= at);
            before.checked_sub(1).map_or(0, |last| evidence.competitor[last].1)
        };
        let other = bytes(until).saturating_sub(bytes(from)) as f64 * 8.0 / WINDOW_S;
        ours / (ours + other)
    };
    let end_s = (evidence.end - evidence.t0) / 1e3;
    let starts = (2..).map(|count| WINDOW_S * f64::from(count));
    let all: Vec<f64> = starts.take_while(|from| from + WINDOW_S <= end_s).map(shares).collect();
    let mut figures = Figures::default();
    let mean = (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64);
    figures.at_least("share", mean, 0.3);
    figures.at_most("share_at_most", mean, 0.7);
    figures.told("lowest_share", all.iter().copied().reduce(f64::min));
    figures.told("highest_share", all.iter().copied().reduce(f64::max));
    let (from, until) = (evidence.at(10.0), evidence.end);
    figures.told("freeze_ratio", judge::freeze_ratio(one, CAMERA, from, until));
    figures.told("height", judge::height(one.frames(CAMERA, from, until)));
    Ok(figures)
}

/// A hundred who come within a second.
pub fn late(evidence: &Evidence) -> Result<Figures> {
    let one = viewer(evidence)?;
    let connected = one.first("connected").context("the viewer never connected")?;
    let first = one.frames(SCREEN, connected, evidence.end).first().map(|frame| frame.at());
    let picture_ms = first.map(|at| at - connected);
    // What had come when the first picture was decoded holds the keyframe, and what followed it.
    let bytes = first.map_or(0, |at| one.inbound(SCREEN, at + 100.0).bytes_received);
    let bits_ms = bytes as f64 * 8e3 / LINK.as_bps() as f64;
    let allowed_ms = (bits_ms + 2.0 * 50.0 + 100.0).max(300.0);
    let mut figures = Figures::default();
    figures.at_most("picture_ms", picture_ms, allowed_ms);
    figures.told("allowed_ms", Some(allowed_ms));
    let requests = judge::upstream_requests(&evidence.seen, evidence.t0, evidence.at(5.0));
    figures.at_most("upstream_pli", Some(requests), 0.0);
    figures.told("screen_height", judge::height(one.frames(SCREEN, connected, evidence.end)));
    figures.told("viewer_pli", Some(judge::viewer_requests(one, SCREEN, connected, evidence.end)));
    figures.told("crowd_packets", Some(evidence.crowd_packets as f64));
    Ok(figures)
}

/// Three hundred talkers.
pub fn talkers(evidence: &Evidence) -> Result<Figures> {
    const SLOTS: f64 = 3.0;
    let one = viewer(evidence)?;
    let (from, until) = (evidence.t0, evidence.end);
    let later_ms = TURN.as_secs_f64() * 1e3;
    let mut figures = Figures::default();
    let switches = judge::switches_ms(&evidence.heard, from, until, later_ms);
    let all = switches.iter().copied().collect::<Option<Vec<f64>>>().filter(|all| !all.is_empty());
    figures.at_most("switch_ms", all.and_then(|all| all.into_iter().reduce(f64::max)), 200.0);
    let heard = switches.iter().flatten().count() as f64 / switches.len().max(1) as f64;
    figures.told("heard_share", Some(heard));
    // Within half a second one voice may end and another begin.
    let voices = judge::most_voices(&evidence.heard, from, until, 500.0);
    figures.at_most("voices", Some(voices), SLOTS + 1.0);
    let renegotiations = one.count("negotiated", from, until);
    figures.at_most("renegotiations", Some(renegotiations), 0.0);
    Ok(figures)
}

/// A viewer who changes the layer ten times a second.
pub fn toggle(evidence: &Evidence) -> Result<Figures> {
    let one = viewer(evidence)?;
    let (from, until) = (evidence.t0, evidence.end);
    let mut figures = Figures::default();
    figures.at_most("decode_errors", Some(evidence.decode_errors as f64), 0.0);
    let seconds = (until - from) / 1e3;
    let requests = judge::upstream_requests(&evidence.seen, from, until) / seconds;
    figures.at_most("upstream_pli_per_s", Some(requests), 1.0);
    let frames = one.frames(CAMERA, from, until);
    figures.at_most("out_of_order", Some(judge::out_of_order(frames)), 0.0);
    figures.told("viewer_pli", Some(judge::viewer_requests(one, CAMERA, from, until)));
    figures.told("freeze_ratio", judge::freeze_ratio(one, CAMERA, from, until));
    figures.told("fps", judge::decoded_fps(one, CAMERA, from, until));
    Ok(figures)
}

/// Layers of a codec that are forced up and down.
pub fn layers(evidence: &Evidence) -> Result<Figures> {
    let one = viewer(evidence)?;
    let (from, until) = (evidence.t0, evidence.end);
    let mut figures = Figures::default();
    figures.at_most("decode_errors", Some(evidence.decode_errors as f64), 0.0);
    let frames = one.frames(CAMERA, from, until);
    figures.at_most("out_of_order", Some(judge::out_of_order(frames)), 0.0);
    let heights = frames.windows(2).filter(|pair| pair[0].height() != pair[1].height()).count();
    figures.at_least("layer_changes", Some(heights as f64), 50.0);
    figures.told("freeze_ratio", judge::freeze_ratio(one, CAMERA, from, until));
    figures.told("fps", judge::decoded_fps(one, CAMERA, from, until));
    figures.told("viewer_pli", Some(judge::viewer_requests(one, CAMERA, from, until)));
    figures.told("upstream_pli", Some(judge::upstream_requests(&evidence.seen, from, until)));
    figures.say("codec", one.inbound(CAMERA, until).codec.unwrap_or_default());
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_slide_on_a_frozen_screen_is_not_legible() {
        let slide = |at| Slide { at, words: Vec::new() };
        let slides = [slide(0.0), slide(5_000.0)];
        let reading = |at, drawn, share| Reading { at, drawn, share };
        let frozen = [reading(900.0, 0.0, 1.0)];
        let display = Display { readings: &frozen, slides: &slides };
        assert_eq!(display.legible_share(1_000.0, 10_000.0), Some(0.5));
        assert_eq!(display.first_legible(1_000.0, 10_000.0), None);
        let late = [frozen[0], reading(5_300.0, 5_000.0, 0.4), reading(5_700.0, 5_000.0, 0.95)];
        let display = Display { readings: &late, slides: &slides };
        assert_eq!(display.legible_share(1_000.0, 10_000.0), Some(1.0));
        assert_eq!(display.first_legible(1_000.0, 10_000.0), Some(5_700.0));
    }
}
