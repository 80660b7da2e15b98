//! A clock that runs at another speed than the recorder's. Pure.

/// Shows microseconds as a straight line of the recorder's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    at_zero_us: f64,
    rate: f64,
}

impl Clock {
    /// One that shows this when the recorder's shows zero, and gains so many millionths.
    pub fn new(at_zero_us: f64, ppm: f64) -> Clock {
        Clock { at_zero_us, rate: 1.0 + ppm / 1e6 }
    }

    /// One that shows this when the recorder's shows zero, and gains so many millionths on `other`.
    pub fn beside(other: Clock, at_zero_us: f64, ppm: f64) -> Clock {
        Clock { at_zero_us, rate: other.rate * (1.0 + ppm / 1e6) }
    }

    /// What it shows when the recorder's shows this.
    pub fn shows(self, true_us: f64) -> f64 {
        self.at_zero_us + self.rate * true_us
    }

    /// What the recorder's shows when it shows this.
    pub fn truth(self, shown_us: f64) -> f64 {
        (shown_us - self.at_zero_us) / self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_a_tenth_of_a_thousandth_fast_gains_a_second_and_a_half_in_four_hours() {
        let clock = Clock::new(5e6, 100.0);
        let four_hours = 4.0 * 3_600e6;
        assert!((clock.shows(four_hours) - four_hours - 5e6 - 1.44e6).abs() < 1.0);
        assert!((clock.truth(clock.shows(four_hours)) - four_hours).abs() < 1e-3);
    }
}
