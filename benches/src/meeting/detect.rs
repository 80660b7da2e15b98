//! Beeps in sound and flashes in brightness. Pure.

use std::collections::VecDeque;

/// Sound is looked at over so many samples: 5 ms, whole waves of every tone.
const WINDOW: usize = 240;
const RATE: f64 = 48_000.0;
/// Half of how loud beeps are made.
const LOUD: f64 = 0.25;
/// A tone that is weaker is over.
const QUIET: f64 = 0.08;
/// After a beep there is none for so long.
const APART_SAMPLES: u64 = 48_000;
/// Brightness of white and of all else.
const BRIGHT: f64 = 150.0;
const DARK: f64 = 110.0;

/// Finds where a tone begins.
#[derive(Debug)]
pub struct Beeps {
    turn: (f64, f64),
    wave: (f64, f64),
    window: VecDeque<(f64, f64)>,
    sum: (f64, f64),
    count: u64,
    last: Option<u64>,
    on: bool,
    /// Seconds at which beeps begin.
    pub found: Vec<f64>,
}

impl Beeps {
    /// Of a tone, in hertz.
    pub fn new(tone: f64) -> Beeps {
        let angle = std::f64::consts::TAU * tone / RATE;
        Beeps {
            turn: (angle.cos(), angle.sin()),
            wave: (1.0, 0.0),
            window: VecDeque::from(vec![(0.0, 0.0); WINDOW]),
            sum: (0.0, 0.0),
            count: 0,
            last: None,
            on: false,
            found: Vec::new(),
        }
    }

    /// Takes the next sample.
    pub fn push(&mut self, sample: f32) {
        let sample = f64::from(sample);
        let new = (sample * self.wave.0, sample * self.wave.1);
        let old = self.window.pop_front().unwrap_or_default();
        self.window.push_back(new);
        self.sum = (self.sum.0 + new.0 - old.0, self.sum.1 + new.1 - old.1);
        let ((a, b), (c, d)) = (self.wave, self.turn);
        self.wave = (a * c - b * d, a * d + b * c);
        self.count += 1;
        if self.count.is_multiple_of(RATE as u64) {
            self.tidy_up();
        }
        let level = 2.0 * self.sum.0.hypot(self.sum.1) / WINDOW as f64;
        let apart = self.last.is_none_or(|last| self.count - last > APART_SAMPLES);
        if !self.on && level >= LOUD && apart {
            // Half of the window is over the beginning.
            let at = self.count as f64 - WINDOW as f64 / 2.0;
            self.found.push(at / RATE);
            self.last = Some(self.count);
        }
        self.on = level >= if self.on { QUIET } else { LOUD };
    }

    /// Takes out what rounding has left.
    fn tidy_up(&mut self) {
        let length = self.wave.0.hypot(self.wave.1);
        self.wave = (self.wave.0 / length, self.wave.1 / length);
        let sum = self.window.iter().fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        self.sum = sum;
    }
}

/// Finds where it becomes white.
#[derive(Debug, Default)]
pub struct Flashes {
    on: bool,
    /// Seconds at which flashes begin.
    pub found: Vec<f64>,
}

impl Flashes {
    /// Takes a picture's brightness, from 0 to 255, and its time.
    pub fn push(&mut self, at_s: f64, brightness: f64) {
        if !self.on && brightness >= BRIGHT {
            self.found.push(at_s);
        }
        self.on = brightness >= if self.on { DARK } else { BRIGHT };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beep_is_found_where_it_begins_among_others() {
        let (mut low, mut high) = (Beeps::new(1_000.0), Beeps::new(2_400.0));
        for index in 0..480_000_u64 {
            let wave = |begin: u64, tone: f64| {
                let since = index.checked_sub(begin).filter(|since| *since < 9_600)?;
                Some(0.5 * (since as f64 / RATE * tone * std::f64::consts::TAU).sin())
            };
            let sum = wave(100_000, 1_000.0).unwrap_or(0.0) + wave(300_007, 2_400.0).unwrap_or(0.0);
            low.push(sum as f32);
            high.push(sum as f32);
        }
        let errors = [low.found[0] - 100_000.0 / RATE, high.found[0] - 300_007.0 / RATE];
        assert_eq!((low.found.len(), high.found.len()), (1, 1));
        assert!(errors.iter().all(|error| error.abs() < 5e-4), "{errors:?}");
    }

    #[test]
    fn a_flash_is_found_once() {
        let mut flashes = Flashes::default();
        for (index, brightness) in [40.0, 250.0, 140.0, 250.0, 40.0, 251.0].into_iter().enumerate()
        {
            flashes.push(index as f64, brightness);
        }
        assert_eq!(flashes.found, [1.0, 5.0]);
    }
}
