//! The receiver's clock as its feedback tells it: 24 bits of 64 ms that wrap, and may jump.

use super::units::{Micros, SECOND};
use lectern_wire::rtcp::transport_wide::Arrival;

const MICROS_PER_TICK: i64 = 250;
/// So much more or less than here has passed there from one feedback to the next: the clock jumped.
const LARGEST_STEP: Micros = 3 * SECOND;

/// One moment on the receiver's clock.
#[derive(Debug, Clone, Copy)]
struct Moment {
    ticks: u32,
    micros: Micros,
    local: Micros,
}

/// Makes a clock that goes on out of the receiver's.
#[derive(Debug, Default)]
pub struct ReceiverClock {
    last: Option<Moment>,
}

impl ReceiverClock {
    /// Feedback from `reference` on came at `local`; true where the clock has jumped.
    pub fn begin(&mut self, local: Micros, reference: Arrival) -> bool {
        let ticks = reference.0 as u32;
        let Some(last) = self.last else {
            self.last = Some(Moment { ticks, micros: 0, local });
            return false;
        };
        let there = difference(ticks, last.ticks);
        let here = local.saturating_sub(last.local);
        let jumped = there.saturating_sub(here).saturating_abs() > LARGEST_STEP;
        let passed = if jumped { here } else { there };
        self.last = Some(Moment { ticks, micros: last.micros.saturating_add(passed), local });
        jumped
    }

    /// The time of an arrival in that feedback.
    pub fn time(&self, arrival: Arrival) -> Micros {
        let Some(last) = self.last else { return 0 };
        last.micros.saturating_add(difference(arrival.0 as u32, last.ticks))
    }
}

fn difference(later: u32, earlier: u32) -> Micros {
    i64::from(later.wrapping_sub(earlier).cast_signed()) * MICROS_PER_TICK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_over_its_wrap() {
        let mut clock = ReceiverClock::default();
        let edge = (1i64 << 31) - 256;
        assert!(!clock.begin(0, Arrival(edge)));
        assert_eq!(clock.time(Arrival(edge + 4)), 1_000);
        assert!(!clock.begin(100_000, Arrival(-(1i64 << 31))));
        assert_eq!(clock.time(Arrival(-(1i64 << 31))), 64_000);
    }

    #[test]
    fn a_jump_is_seen_once() {
        let mut clock = ReceiverClock::default();
        clock.begin(0, Arrival(0));
        assert!(clock.begin(50_000, Arrival(1 << 24)));
        assert_eq!(clock.time(Arrival(1 << 24)), 50_000);
        assert!(!clock.begin(100_000, Arrival((1 << 24) + 200)));
        assert_eq!(clock.time(Arrival((1 << 24) + 200)), 100_000);
    }
}
