//! Keeps many voices at once below full scale, without a click: it sees loud samples before they come.

use crate::mix::Frame;
use std::collections::VecDeque;

/// What is never passed: -1 dB, since AAC overshoots a little.
const CEILING: f32 = 0.89;
/// How long before a loud sample it begins to be lowered: 5 ms at 48 kHz.
const AHEAD: usize = 240;
/// How fast it rises again: 90 % of the way in 0.2 s.
const RISE: f32 = 2.4e-4;

/// Lowers what is too loud. What goes in comes out [`AHEAD`] samples later, from [`Limiter::push`] or
/// [`Limiter::flush`].
#[derive(Debug)]
pub struct Limiter {
    waiting: VecDeque<Frame>,
    /// Gains that the waiting samples need, with their places: rising, so that the first is least.
    needs: VecDeque<(u64, f32)>,
    pushed: u64,
    /// Samples of silence that are still to be dropped.
    before: usize,
    gain: f32,
    fall: f32,
}

impl Limiter {
    /// At rest.
    pub fn new() -> Limiter {
        // Silence goes before, in which it can be lowered for a loud beginning; it is not given.
        let (waiting, needs) = (VecDeque::from([[0.0; 2]; AHEAD]), VecDeque::new());
        Limiter { waiting, needs, pushed: AHEAD as u64, before: AHEAD, gain: 1.0, fall: 0.0 }
    }

    /// Takes samples, and gives those that are ready.
    pub fn push(&mut self, samples: &[Frame], out: &mut Vec<Frame>) {
        for sample in samples {
            let peak = sample[0].abs().max(sample[1].abs());
            let need = if peak > CEILING { CEILING / peak } else { 1.0 };
            while self.needs.pop_back_if(|(_, last)| *last >= need).is_some() {}
            self.needs.push_back((self.pushed, need));
            self.waiting.push_back(*sample);
            self.pushed += 1;
            self.give(out);
        }
    }

    /// Gives all that is left.
    pub fn flush(&mut self, out: &mut Vec<Frame>) {
        while !self.waiting.is_empty() {
            self.give(out);
        }
    }

    fn give(&mut self, out: &mut Vec<Frame>) {
        let Some(sample) = self.take() else { return };
        match self.before.checked_sub(1) {
            Some(before) => self.before = before,
            None => out.push(sample),
        }
    }

    fn take(&mut self) -> Option<Frame> {
        let sample = self.waiting.pop_front()?;
        let least = self.needs.front().map_or(1.0, |(_, need)| *need);
        if least < self.gain {
            // Down in a straight line that arrives before the loud sample does.
            self.fall = self.fall.max((self.gain - least) / AHEAD as f32);
            self.gain = (self.gain - self.fall).max(least);
        } else {
            self.fall = 0.0;
            self.gain += (least - self.gain) * RISE;
        }
        let place = self.pushed - self.waiting.len() as u64 - 1;
        while self.needs.pop_front_if(|(at, _)| *at <= place).is_some() {}
        Some(sample.map(|part| (part * self.gain).clamp(-1.0, 1.0)))
    }
}
