//! What sender reports say of a stream's clock: from its timestamps to the publisher's clock.
//!
//! Reports lie: a clock not set yet, a moment computed from the wrong frame. One that its neighbours
//! contradict is left out; where they all go over to something else, the clock has stepped.

use super::envelope::{MAX_DRIFT, median};
use super::observed::{Bin, Observed, Said};

/// Reports of one clock differ by this much at most: browsers take the moment of the last frame for
/// the current one, give or take a frame of sound.
const NOISE_US: f64 = 30e3;
/// Reports after a contradiction that are asked which of the two is right.
const JURY: usize = 3;
/// Steps of one stream's clock that are followed; a device is changed a few times in a meeting.
const MAX_GROUPS: usize = 64;
/// Reports on either side that the line is fitted to.
const REACH_US: f64 = 60e6;
const MIN_FITTED: usize = 16;
/// Below this span a slope is noise.
const MIN_SPAN_US: f64 = 30e6;

/// Reports that agree, and the bins that they speak of.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// In the order of the stream's clock.
    pub reports: Vec<Said>,
    /// The first bin after the clock's step.
    pub first_bin: usize,
}

fn agree(a: &Said, b: &Said) -> bool {
    let apart = (a.media_us - b.media_us).abs();
    (a.offset_us() - b.offset_us()).abs() <= NOISE_US + MAX_DRIFT * apart
}

/// The groups of a stream's reports, in order.
pub fn groups(stream: &Observed) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, report) in stream.reports.iter().enumerate() {
        let known = groups.last_mut().and_then(|group| {
            let last = group.reports.last().copied()?;
            Some((group, last))
        });
        let Some((group, last)) = known else {
            groups.push(Group { reports: vec![*report], first_bin: 0 });
            continue;
        };
        if agree(&last, report) {
            group.reports.push(*report);
            continue;
        }
        let jury = stream.reports.iter().skip(index.saturating_add(1)).take(JURY);
        let votes = |said: &Said| jury.clone().filter(|other| agree(said, other)).count();
        if votes(report) > votes(&last) {
            groups.push(Group { reports: vec![*report], first_bin: 0 });
        }
    }
    if groups.len() > 1 {
        groups.retain(|group| group.reports.len() > 1);
    }
    groups.truncate(MAX_GROUPS);
    place(&mut groups, &stream.bins);
    for group in &mut groups {
        group.reports.sort_by(|a, b| a.media_us.total_cmp(&b.media_us));
    }
    groups
}

/// Finds the bin at which each group begins: between its first report and the last one before, where
/// the delay steps as the reports do; where none does, at the report.
fn place(groups: &mut [Group], bins: &[Bin]) {
    let mut before: Option<Said> = None;
    for group in groups {
        let (first, last) = (group.reports.first().copied(), group.reports.last().copied());
        if let (Some(before), Some(first)) = (before, first) {
            let step = first.offset_us() - before.offset_us();
            let low = bins.partition_point(|bin| bin.arrival_us < before.arrival_us);
            let high = bins.partition_point(|bin| bin.from_us <= first.arrival_us);
            let error = |index: usize| {
                let earlier = bins.get(index.checked_sub(1)?)?;
                Some((bins.get(index)?.delay_us() - earlier.delay_us() - step).abs())
            };
            let candidates = (low..=high).filter_map(|index| Some((index, error(index)?)));
            let best = candidates.min_by(|(_, a), (_, b)| a.total_cmp(b));
            let fits = best.filter(|(_, error)| *error <= step.abs() / 2.0);
            group.first_bin = fits.map_or(high, |(index, _)| index);
        }
        before = last.or(before);
    }
}

impl Group {
    /// From the stream's clock to the publisher's at a moment of the stream's clock: a line fitted to
    /// the reports around it.
    pub fn offset_us(&self, media_us: f64) -> f64 {
        let reports = &self.reports;
        let low = reports.partition_point(|said| said.media_us < media_us - REACH_US);
        let high = reports.partition_point(|said| said.media_us <= media_us + REACH_US);
        let short = MIN_FITTED.saturating_sub(high.saturating_sub(low));
        // Before the first reports and after the last ones, and where they are rare: the nearest.
        let low = low.saturating_sub(short);
        let high = high.saturating_add(short).min(reports.len());
        let near = reports.get(low..high).unwrap_or(reports);
        let count = near.len().max(1) as f64;
        let mean = |value: fn(&Said) -> f64| near.iter().map(value).sum::<f64>() / count;
        let (x, y) = (mean(|said| said.media_us), mean(Said::offset_us));
        let ends = near.first().zip(near.last());
        let span = ends.map_or(0.0, |(first, last)| last.media_us - first.media_us);
        if span < MIN_SPAN_US {
            return y;
        }
        let moment = |value: fn(&Said) -> f64, mean: f64| {
            near.iter().map(|said| (said.media_us - x) * (value(said) - mean)).sum::<f64>()
        };
        let spread = moment(|said| said.media_us, x);
        let slope = moment(Said::offset_us, y) / spread.max(1.0);
        y + slope.clamp(-MAX_DRIFT, MAX_DRIFT) * (media_us - x)
    }
}

/// Where a stream's clock stepped, by its packets alone: where the delay rises and stays, and where it
/// falls below all that was before for long. What is lower after a short while is no step: the packets
/// before were held up, or had waited in a node's cache.
pub fn steps(bins: &[Bin]) -> Vec<f64> {
    use super::observed::STEP_US;
    const BEFORE_US: f64 = 60e6;
    const AFTER_US: f64 = 30e6;
    /// What a network does is over by then.
    const LASTS_US: f64 = 10e6;
    /// A rise that a network does not make, however short.
    const LARGE_STEP_US: f64 = 5.0 * STEP_US;
    /// Bins looked at on either side: there is one a second, but for hostile timestamps.
    const NEAR: usize = 128;
    let mut steps: Vec<f64> = Vec::new();
    let mut since_us = bins.first().map_or(0.0, |bin| bin.arrival_us);
    for (index, bin) in bins.iter().enumerate().skip(1) {
        let from_us = since_us.max(bin.arrival_us - BEFORE_US);
        let before = bins.get(..index).unwrap_or_default().iter().rev();
        let before = before.take(NEAR).take_while(|bin| bin.arrival_us >= from_us);
        let Some(before) = before.map(Bin::delay_us).min_by(f64::total_cmp) else { continue };
        let after = bins.get(index..).unwrap_or_default();
        let after = after.iter().take(NEAR);
        let (mut least, mut until_us) = (f64::MAX, bin.arrival_us);
        for later in after.take_while(|later| later.arrival_us <= bin.arrival_us + AFTER_US) {
            least = least.min(later.delay_us());
            until_us = later.arrival_us;
        }
        let rise = least - before;
        let rises =
            rise > LARGE_STEP_US || (rise > STEP_US && until_us - bin.arrival_us >= LASTS_US);
        let falls = bin.delay_us() < before - STEP_US && bin.arrival_us - since_us >= LASTS_US;
        if rises || falls {
            since_us = bin.arrival_us;
            steps.push(since_us);
        }
    }
    steps
}

/// The delay of reports nearest to a time, as the publisher's clock has it, and how far the nearest of
/// them is; `None` without reports.
pub fn delay_near(reports: &[(f64, f64)], at_us: f64) -> Option<(f64, f64)> {
    const NEAR: usize = 9;
    let middle = reports.partition_point(|(time, _)| *time < at_us);
    let low = middle.saturating_sub(NEAR / 2);
    let near = reports.get(low..low.saturating_add(NEAR).min(reports.len()))?;
    let apart = near.iter().map(|(time, _)| (time - at_us).abs()).min_by(f64::total_cmp)?;
    let mut delays: Vec<f64> = near.iter().map(|(_, delay)| *delay).collect();
    Some((median(&mut delays)?, apart))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(reports: impl IntoIterator<Item = (f64, f64)>) -> Observed {
        let mut stream = Observed::new(90_000);
        for (media_us, offset_us) in reports {
            stream.reports.push(Said {
                arrival_us: media_us + 50e3,
                media_us,
                ntp_us: media_us + offset_us,
            });
        }
        stream
    }

    #[test]
    fn a_lie_is_left_out_and_a_step_is_followed() {
        let truth = |second: u32| if second < 100 { 5e6 } else { 9e6 };
        let said = (0..200).step_by(5).map(|second| {
            let lie = if second % 35 == 0 { f64::from(second) * 1e6 } else { 0.0 };
            (f64::from(second) * 1e6, truth(second) + lie)
        });
        let mut stream = stream(said);
        for second in 0..200 {
            let media_us = f64::from(second) * 1e6;
            let arrival_us = media_us + truth(second + 3);
            stream.bins.push(Bin { from_us: arrival_us, arrival_us, media_us });
        }
        // Bins and reports are on one clock here.
        for report in &mut stream.reports {
            report.arrival_us = report.media_us + 9e6;
        }
        let groups = groups(&stream);
        assert_eq!(groups.len(), 2, "{groups:?}");
        assert_eq!(stream.bins[groups[1].first_bin].media_us, 97e6);
        assert!((groups[0].offset_us(50e6) - 5e6).abs() < 1.0);
        assert!((groups[1].offset_us(150e6) - 9e6).abs() < 1.0);
    }

    #[test]
    fn noise_is_averaged_and_drift_followed() {
        let noise = |second: u32| f64::from(second * 7_919 % 21) * 1e3 - 10e3;
        let drift = |media_us: f64| 100e-6 * media_us;
        let said = (0..3_600).step_by(3).map(|second| {
            let media_us = f64::from(second) * 1e6;
            (media_us, drift(media_us) + noise(second))
        });
        let groups = groups(&stream(said));
        assert_eq!(groups.len(), 1);
        for second in (0..3_600).step_by(100) {
            let media_us = f64::from(second) * 1e6;
            let error = groups[0].offset_us(media_us) - drift(media_us);
            assert!(error.abs() < 5e3, "{error} at {second}");
        }
    }

    #[test]
    fn a_burst_is_no_step_and_a_stall_is_one() {
        let bin = |second: u32, delay_us: f64| {
            let media_us = f64::from(second) * 1e6;
            let arrival_us = media_us + delay_us;
            Bin { from_us: arrival_us, arrival_us, media_us }
        };
        let held_up = |second: u32| if (50..53).contains(&second) { 1.5e6 } else { 0.0 };
        let burst: Vec<Bin> = (0..100).map(|second| bin(second, held_up(second))).collect();
        assert!(steps(&burst).is_empty(), "{:?}", steps(&burst));
        let stalled = |second: u32| if second >= 50 { 700e3 } else { 0.0 };
        let stall: Vec<Bin> = (0..100).map(|second| bin(second, stalled(second))).collect();
        assert_eq!(steps(&stall), [50.7e6]);
        let ahead = |second: u32| if second >= 50 { -700e3 } else { 0.0 };
        let ahead: Vec<Bin> = (0..100).map(|second| bin(second, ahead(second))).collect();
        assert_eq!(steps(&ahead), [49.3e6]);
        let waited = |second: u32| if second < 5 { 5e6 - f64::from(second) * 1e6 } else { 0.0 };
        let cached: Vec<Bin> = (0..100).map(|second| bin(second, waited(second))).collect();
        assert!(steps(&cached).is_empty(), "{:?}", steps(&cached));
    }
}
