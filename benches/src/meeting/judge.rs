//! How far what was found is from what happened. Pure.

use super::play::Moment;
use super::watch::Seen;
use crate::numbers::quantile;
use serde::Serialize;
use std::fmt;

/// Sound and picture may be apart by so much, and either from the truth: more can be seen on lips.
pub const MOST_MS: f64 = 40.0;
/// What is farther away belongs to something else.
const REACH_S: f64 = 0.4;
/// Over which errors are told one by one.
const SPAN_US: f64 = 1_800e6;

/// Errors of all moments.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Errors {
    flashes: usize,
    beeps: usize,
    missing_flashes: usize,
    missing_beeps: usize,
    /// Picture after sound, of the same moment.
    apart_ms: Spread,
    /// Sound after the truth.
    sound_ms: Spread,
    /// Picture after the truth.
    picture_ms: Spread,
    /// The largest of each half hour: apart, sound, picture.
    half_hours: Vec<[f64; 3]>,
    /// Where something is missing, in seconds of the recording.
    missing_at_s: Vec<f64>,
    #[serde(skip)]
    pub points: Vec<Point>,
}

/// What is known of one moment; errors in milliseconds, positive where it comes late.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub at_us: f64,
    pub sound_ms: Option<f64>,
    pub picture_ms: Option<f64>,
}

impl Point {
    /// Picture after sound.
    pub fn apart_ms(&self) -> Option<f64> {
        Some(self.picture_ms? - self.sound_ms?)
    }
}

/// How errors are spread: the middle one, and sizes without their sign.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Spread {
    middle: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    fn of(errors: &[f64]) -> Spread {
        if errors.is_empty() {
            return Spread::default();
        }
        let sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        let tenths = |number: f64| (number * 10.0).round() / 10.0;
        Spread {
            middle: tenths(quantile(errors, 0.5)),
            p95: tenths(quantile(&sizes, 0.95)),
            p99: tenths(quantile(&sizes, 0.99)),
            max: tenths(quantile(&sizes, 1.0)),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread { middle, p95, p99, max } = self;
        write!(f, "middle {middle:+}, 95 % {p95}, 99 % {p99}, max {max} ms")
    }
}

impl Errors {
    /// Of moments, in what was found of each person.
    pub fn of(moments: &[Moment], seen: &[Seen]) -> Errors {
        let mut errors = Errors::default();
        for moment in moments {
            let Some(seen) = seen.get(moment.person) else { continue };
            let error = |happens: bool, found: &[f64]| {
                happens.then(|| nearest(found, moment.at_us / 1e6).map(|error| error * 1e3))
            };
            let flash = error(moment.flashes, &seen.flashes);
            let beep = error(moment.beeps, &seen.beeps);
            errors.flashes += usize::from(flash.is_some());
            errors.beeps += usize::from(beep.is_some());
            let missing = [flash == Some(None), beep == Some(None)];
            errors.missing_flashes += usize::from(missing[0]);
            errors.missing_beeps += usize::from(missing[1]);
            if missing != [false; 2] {
                errors.missing_at_s.push((moment.at_us / 1e3).round() / 1e3);
            }
            let (sound_ms, picture_ms) = (beep.flatten(), flash.flatten());
            errors.points.push(Point { at_us: moment.at_us, sound_ms, picture_ms });
        }
        errors.measure();
        errors
    }

    fn measure(&mut self) {
        let all = |error: fn(&Point) -> Option<f64>, points: &[Point]| -> Vec<f64> {
            points.iter().filter_map(error).collect()
        };
        let kinds: [fn(&Point) -> Option<f64>; 3] =
            [Point::apart_ms, |point| point.sound_ms, |point| point.picture_ms];
        let spreads = kinds.map(|kind| Spread::of(&all(kind, &self.points)));
        [self.apart_ms, self.sound_ms, self.picture_ms] = spreads;
        let span = |point: &Point| (point.at_us / SPAN_US) as u64;
        let of_span = self.points.chunk_by(|a, b| span(a) == span(b));
        self.half_hours =
            of_span.map(|points| kinds.map(|kind| Spread::of(&all(kind, points)).max)).collect();
    }

    /// Whether nothing is missing, and all is where it belongs.
    pub fn are_small(&self) -> bool {
        let largest = [self.apart_ms, self.sound_ms, self.picture_ms].map(|spread| spread.max);
        self.missing_flashes + self.missing_beeps == 0 && largest.iter().all(|max| *max < MOST_MS)
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} flashes ({} missing), {} beeps ({} missing)\n  picture after sound: {}\n  sound after \
             truth: {}\n  picture after truth: {}",
            self.flashes,
            self.missing_flashes,
            self.beeps,
            self.missing_beeps,
            self.apart_ms,
            self.sound_ms,
            self.picture_ms
        )
    }
}

/// How much later than some second the nearest of some is.
fn nearest(found: &[f64], at_s: f64) -> Option<f64> {
    let next = found.partition_point(|found| *found < at_s);
    let near = [next.checked_sub(1).and_then(|before| found.get(before)), found.get(next)];
    let errors = near.into_iter().flatten().map(|found| found - at_s);
    errors.filter(|error| error.abs() <= REACH_S).min_by(|a, b| a.abs().total_cmp(&b.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_belongs_to_the_nearest_moment() {
        let moment = |at_us, flashes| Moment { person: 0, at_us, flashes, beeps: true };
        let moments = [moment(10e6, true), moment(20e6, true), moment(30e6, false)];
        let seen = Seen { flashes: vec![10.02, 25.0], beeps: vec![9.99, 20.0, 30.03] };
        let errors = Errors::of(&moments, &[seen]);
        assert_eq!((errors.flashes, errors.missing_flashes, errors.missing_beeps), (2, 1, 0));
        assert_eq!((errors.apart_ms.max, errors.sound_ms.max), (30.0, 30.0));
        assert_eq!(errors.missing_at_s, [20.0]);
        assert!(!errors.are_small());
    }
}
