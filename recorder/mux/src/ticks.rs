//! Microseconds of the recording ↔ a container's ticks.

const MICROS: i128 = 1_000_000;

/// A clock that is zero at a moment of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticks {
    /// The moment, in microseconds of the recording.
    pub origin_us: i64,
    /// Ticks a second.
    pub rate: u32,
}

impl Ticks {
    /// Ticks from the origin to a moment; 0 before it.
    pub fn at(self, at_us: i64) -> u64 {
        self.span(at_us.saturating_sub(self.origin_us))
    }

    /// A span in ticks, rounded to the nearest; 0 where negative.
    pub fn span(self, span_us: i64) -> u64 {
        let ticks = i128::from(span_us.max(0)).saturating_mul(i128::from(self.rate));
        let rounded = ticks.saturating_add(MICROS / 2).checked_div(MICROS).unwrap_or(0);
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }

    /// Ticks in microseconds.
    pub fn to_us(self, ticks: u64) -> i64 {
        let micros = i128::from(ticks).saturating_mul(MICROS);
        let span = micros.checked_div(i128::from(self.rate)).unwrap_or(0);
        i64::try_from(span).unwrap_or(i64::MAX)
    }
}
