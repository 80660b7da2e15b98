//! From the clocks of nodes to the clock of a session: when a packet came, seen from its beginning.
//! Pure.

use std::collections::BTreeMap;

/// Of the samples of so long the one with the shortest way counts: the longer it took, the less is
/// known of where in it the node's clock was read.
const WINDOW_US: u64 = 15_000_000;
/// Samples kept of one node: two days of windows; of longer recordings every second one, and so on.
const MAX_SAMPLES: usize = 16_384;

/// A sample: when, on the recorder's clock, and the node's clock less that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    at_unix_us: u64,
    offset_us: i64,
    rtt_us: u32,
}

/// The clocks of all nodes of one recording.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timeline {
    started_unix_us: u64,
    nodes: BTreeMap<u16, Vec<Sample>>,
}

impl Timeline {
    /// Of a recording that began then, in microseconds since 1970.
    pub(crate) fn new(started_unix_us: u64) -> Timeline {
        Timeline { started_unix_us, nodes: BTreeMap::new() }
    }

    /// Takes a sample of a node's clock; in the order of time.
    pub(crate) fn sample(&mut self, node: u16, at_unix_us: u64, offset_us: i64, rtt_us: u32) {
        let samples = self.nodes.entry(node).or_default();
        let new = Sample { at_unix_us, offset_us, rtt_us };
        match samples.last_mut() {
            Some(last) if at_unix_us / WINDOW_US == last.at_unix_us / WINDOW_US => {
                if rtt_us < last.rtt_us {
                    *last = new;
                }
            }
            Some(last) if at_unix_us < last.at_unix_us => {}
            _ => {
                if samples.len() >= MAX_SAMPLES {
                    let mut index = 0_usize;
                    samples.retain(|_| {
                        index += 1;
                        index % 2 == 1
                    });
                }
                samples.push(new);
            }
        }
    }

    /// Microseconds from the session's beginning to something that a node stamped.
    pub(crate) fn session_us(&self, node: u16, node_unix_us: u64) -> i64 {
        let since = i128::from(node_unix_us) - i128::from(self.started_unix_us);
        let offset = self.offset_us(node, node_unix_us);
        clamp(since - i128::from(offset))
    }

    /// The earliest that any node's clock may show at a moment of the session.
    pub(crate) fn earliest_unix_us(&self, session_us: i64) -> u64 {
        let offsets = self.nodes.values().flatten().map(|sample| sample.offset_us);
        let least = offsets.min().unwrap_or_default();
        let at = i128::from(self.started_unix_us) + i128::from(session_us) + i128::from(least);
        u64::try_from(at.max(0)).unwrap_or(u64::MAX)
    }

    /// Microseconds from the session's beginning to a moment of the recorder's clock.
    pub(crate) fn since_us(&self, unix_us: u64) -> i64 {
        clamp(i128::from(unix_us) - i128::from(self.started_unix_us))
    }

    /// A node's clock less the recorder's, when the node's shows this: between samples on a line.
    fn offset_us(&self, node: u16, node_unix_us: u64) -> i64 {
        let Some(samples) = self.nodes.get(&node) else { return 0 };
        let shown = |sample: &Sample| i128::from(sample.at_unix_us) + i128::from(sample.offset_us);
        let at = i128::from(node_unix_us);
        let next = samples.partition_point(|sample| shown(sample) <= at);
        let after = samples.get(next);
        match (next.checked_sub(1).and_then(|before| samples.get(before)), after) {
            (Some(before), Some(after)) => {
                let (from, to) = (shown(before), shown(after));
                let share = (at - from) as f64 / (to - from).max(1) as f64;
                let step = (after.offset_us.saturating_sub(before.offset_us)) as f64;
                before.offset_us.saturating_add((step * share) as i64)
            }
            (Some(only), None) | (None, Some(only)) => only.offset_us,
            (None, None) => 0,
        }
    }
}

fn clamp(us: i128) -> i64 {
    i64::try_from(us).unwrap_or(if us < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000_000;

    #[test]
    fn a_node_whose_clock_is_wrong_and_drifts_is_set_right() {
        let mut timeline = Timeline::new(START);
        // 3 s ahead, and 50 ppm fast; every fourth ping took long, and says something wrong.
        for second in 0..600_u64 {
            let at = START + second * 1_000_000;
            let truth = 3_000_000 + 50 * second as i64;
            let (error, rtt) = if second % 4 == 0 { (40_000, 90_000) } else { (100, 400) };
            timeline.sample(1, at, truth + error, rtt);
        }
        for second in 0..600_u64 {
            let node = START + second * 1_000_000 + 3_000_000 + 50 * second;
            let session = timeline.session_us(1, node);
            let truth = second as i64 * 1_000_000;
            assert!((session - truth).abs() < 1_000, "{second}: {}", session - truth);
        }
    }

    #[test]
    fn a_node_of_which_nothing_is_known_has_the_recorder_s_clock() {
        let timeline = Timeline::new(START);
        assert_eq!(timeline.session_us(7, START + 5), 5);
        assert_eq!(timeline.session_us(7, START - 5), -5);
    }

    #[test]
    fn no_time_is_out_of_range() {
        let mut timeline = Timeline::new(START);
        for (at, offset) in [(0, i64::MIN), (START, i64::MAX), (u64::MAX, i64::MIN)] {
            timeline.sample(1, at, offset, 0);
        }
        for at in [0, 1, START, u64::MAX] {
            timeline.session_us(1, at);
            timeline.since_us(at);
        }
        for at in [i64::MIN, 0, i64::MAX] {
            timeline.earliest_unix_us(at);
        }
    }

    #[test]
    fn samples_are_bounded() {
        let mut timeline = Timeline::new(START);
        for window in 0..2 * MAX_SAMPLES as u64 {
            timeline.sample(1, START + window * WINDOW_US, 7, 1);
        }
        assert!(timeline.nodes[&1].len() <= MAX_SAMPLES);
        assert_eq!(timeline.session_us(1, START + 1_000_007), 1_000_000);
    }
}
