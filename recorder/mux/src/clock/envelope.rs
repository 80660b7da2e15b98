//! The lower envelope of (arrival - media time) over hours: the difference of two clocks, whatever the
//! network does to single packets.

/// A stretch of time on either side from which the least delay is taken: long enough that one packet in
/// it was not held up, short enough that drift is no more than the slope says.
const REACH_US: f64 = 60e6;
/// Over which the least delays are averaged, so that the envelope bends but never jumps. Less than the
/// reach, so that it stays below every delay.
const SMOOTH_US: f64 = 50e6;
/// Distance of the envelope's knots.
const KNOT_US: f64 = 5e6;
/// Nothing came for so long: what follows says nothing about what was before.
const PAUSE_US: f64 = 120e6;
/// Clocks that drift more are not quartz.
pub const MAX_DRIFT: f64 = 1e-3;
/// For the slope: least delays of blocks this long, compared at this distance or more.
const BLOCK_US: f64 = 60e6;
const MIN_APART_US: f64 = 300e6;
/// Blocks compared with each other; their number counts squared.
const MAX_BLOCKS: usize = 256;

/// A delay at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    /// On the session clock.
    pub at_us: f64,
    /// Arrival less media time.
    pub delay_us: f64,
}

/// The envelope over a stretch without pause.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    from_us: f64,
    step_us: f64,
    knots: Vec<f64>,
}

impl Span {
    fn until_us(&self) -> f64 {
        self.from_us + self.step_us * self.knots.len().saturating_sub(1) as f64
    }

    fn at(&self, at_us: f64) -> f64 {
        let place = ((at_us - self.from_us) / self.step_us).max(0.0);
        let index = place.floor();
        let (low, high) = (index as usize, (index as usize).saturating_add(1));
        let last = self.knots.last().copied().unwrap_or(0.0);
        let low = self.knots.get(low).copied().unwrap_or(last);
        let high = self.knots.get(high).copied().unwrap_or(last);
        low + (high - low) * (place - index)
    }
}

/// The difference of two clocks over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Envelope {
    spans: Vec<Span>,
}

impl Envelope {
    /// Of delays in the order of time; `breaks` are times at which one of the clocks stepped.
    pub fn of(delays: &[Delay], breaks: &[f64]) -> Envelope {
        let stretches = stretches(delays, breaks);
        let slope = slope(&stretches);
        Envelope { spans: stretches.iter().map(|stretch| span(stretch, slope)).collect() }
    }

    /// The difference at a time; before, after and between what is known, the nearest known.
    pub fn at(&self, at_us: f64) -> f64 {
        let after = self.spans.partition_point(|span| span.from_us <= at_us);
        let before = after.checked_sub(1).and_then(|index| self.spans.get(index));
        match (before, self.spans.get(after)) {
            (Some(before), Some(next)) => {
                let is_nearer = next.from_us - at_us < at_us - before.until_us();
                if is_nearer { next.at(at_us) } else { before.at(at_us) }
            }
            (Some(span), None) | (None, Some(span)) => span.at(at_us),
            (None, None) => 0.0,
        }
    }

    /// Whether nothing leads from one time to the other.
    pub fn is_broken_between(&self, earlier_us: f64, later_us: f64) -> bool {
        let begun = |at_us: f64| self.spans.partition_point(|span| span.from_us <= at_us);
        begun(earlier_us) != begun(later_us)
    }
}

/// Cuts where nothing came for long, and at breaks.
fn stretches<'a>(delays: &'a [Delay], breaks: &[f64]) -> Vec<&'a [Delay]> {
    let is_cut = |a: &Delay, b: &Delay| {
        let next = breaks.partition_point(|at_us| *at_us <= a.at_us);
        b.at_us - a.at_us > PAUSE_US || breaks.get(next).is_some_and(|at_us| *at_us <= b.at_us)
    };
    delays.chunk_by(|a, b| !is_cut(a, b)).collect()
}

/// The drift: the median over all pairs of blocks that are far apart (Theil and Sen), of their least
/// delays.
fn slope(stretches: &[&[Delay]]) -> f64 {
    let mut slopes = Vec::new();
    for stretch in stretches {
        let block = |delay: &Delay| (delay.at_us / BLOCK_US).floor();
        let blocks = stretch.chunk_by(|a, b| block(a) == block(b));
        let least = blocks.filter_map(|block| {
            block.iter().min_by(|a, b| a.delay_us.total_cmp(&b.delay_us)).copied()
        });
        let least: Vec<Delay> = least.collect();
        let every = least.len().div_ceil(MAX_BLOCKS).max(1);
        let least: Vec<Delay> = least.into_iter().step_by(every).collect();
        for (index, a) in least.iter().enumerate() {
            for b in least.iter().skip(index.saturating_add(1)) {
                if b.at_us - a.at_us >= MIN_APART_US {
                    slopes.push((b.delay_us - a.delay_us) / (b.at_us - a.at_us));
                }
            }
        }
    }
    median(&mut slopes).unwrap_or(0.0).clamp(-MAX_DRIFT, MAX_DRIFT)
}

/// The middle value; `None` where there is none.
pub fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() >> 1;
    if values.is_empty() {
        return None;
    }
    let (_, middle, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*middle)
}

/// Least delays within reach, averaged: after the slope was taken out, and with it put back.
fn span(stretch: &[Delay], slope: f64) -> Span {
    let from_us = stretch.first().map_or(0.0, |delay| delay.at_us);
    let until_us = stretch.last().map_or(from_us, |delay| delay.at_us);
    let count = ((until_us - from_us) / KNOT_US).ceil().max(0.0) as usize;
    let step_us = KNOT_US;
    let time = |index: usize| from_us + step_us * index as f64;
    let level = |delay: &Delay| delay.delay_us - slope * (delay.at_us - from_us);
    let mut least = Vec::with_capacity(count.saturating_add(1));
    for index in 0..=count {
        let at_us = time(index);
        let low = stretch.partition_point(|delay| delay.at_us < at_us - REACH_US);
        let high = stretch.partition_point(|delay| delay.at_us <= at_us + REACH_US);
        let near = stretch.get(low..high).unwrap_or_default().iter().map(level);
        let value = near.min_by(f64::total_cmp);
        least.push(value.or(least.last().copied()).unwrap_or(0.0));
    }
    let reach = (SMOOTH_US / step_us) as usize;
    let knots = (0..=count).map(|index| {
        let low = index.saturating_sub(reach);
        let high = index.saturating_add(reach).min(count);
        let near = least.get(low..=high).unwrap_or_default();
        let mean = near.iter().sum::<f64>() / near.len().max(1) as f64;
        mean + slope * (time(index) - from_us)
    });
    Span { from_us, step_us, knots: knots.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delays(count: usize, drift: f64, jitter: impl Fn(usize) -> f64) -> Vec<Delay> {
        let delay = |index: usize| {
            let at_us = index as f64 * 1e6;
            Delay { at_us, delay_us: 7e6 + at_us * drift + jitter(index) }
        };
        (0..count).map(delay).collect()
    }

    #[test]
    fn drift_is_followed_over_hours_to_a_millisecond() {
        let noise = |index: usize| (index.wrapping_mul(0x9e37_79b9) >> 7 & 0xffff) as f64 * 3.0;
        let seen = delays(4 * 3_600, 100e-6, noise);
        let envelope = Envelope::of(&seen, &[]);
        for delay in &seen {
            let truth = 7e6 + delay.at_us * 100e-6;
            let found = envelope.at(delay.at_us);
            assert!(
                (-1e3..=20e3).contains(&(found - truth)),
                "{} at {}",
                found - truth,
                delay.at_us
            );
        }
    }

    #[test]
    fn a_spell_of_congestion_does_not_lift_it() {
        let held_up = |index: usize| if (500..580).contains(&index) { 900e3 } else { 0.0 };
        let envelope = Envelope::of(&delays(1_200, 0.0, held_up), &[]);
        assert!((envelope.at(540e6) - 7e6).abs() < 1.0);
    }

    #[test]
    fn a_break_is_sharp() {
        let stepped = |index: usize| if index >= 600 { 5e6 } else { 0.0 };
        let envelope = Envelope::of(&delays(1_200, 0.0, stepped), &[600e6]);
        assert_eq!((envelope.at(599e6), envelope.at(600e6)), (7e6, 12e6));
        assert!(envelope.is_broken_between(599e6, 600e6));
        assert!(!envelope.is_broken_between(600e6, 1_100e6));
    }

    proptest! {
        #[test]
        fn it_is_never_above_a_delay(
            steps in proptest::collection::vec((0.0..200e6f64, 0.0..1e6f64), 1..200),
        ) {
            let mut at_us = 0.0;
            let seen: Vec<Delay> = steps.iter().map(|(passed, delay_us)| {
                at_us += passed;
                Delay { at_us, delay_us: *delay_us }
            }).collect();
            let envelope = Envelope::of(&seen, &[]);
            for delay in &seen {
                prop_assert!(envelope.at(delay.at_us) <= delay.delay_us + 1.0);
            }
        }
    }
}
