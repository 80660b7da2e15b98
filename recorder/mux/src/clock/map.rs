//! The lookup: a stream's timestamps, piece by piece, on the session clock.

use super::observed::nearest;

/// Packets this far from a piece in time may still be of it: they were sent again.
const NEAR_US: f64 = 5e6;

/// One moment on three clocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knot {
    /// When a packet came.
    pub arrival_us: f64,
    /// Its timestamp, unwrapped.
    pub media_us: f64,
    /// When that was, on the session clock.
    pub session_us: f64,
}

/// A stretch in which the clock did not step.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// At least one; arrival and timestamp grow.
    knots: Vec<Knot>,
}

impl Piece {
    /// Begins with this knot.
    pub fn new(first: Knot) -> Piece {
        Piece { knots: vec![first] }
    }

    /// Takes the next knot; one that is not after the last in both clocks tells nothing.
    pub fn push(&mut self, knot: Knot) {
        let grows = self.knots.last().is_none_or(|last| {
            knot.media_us > last.media_us
                && knot.arrival_us > last.arrival_us
                && knot.session_us >= last.session_us
        });
        if grows {
            self.knots.push(knot);
        }
    }

    fn begin_us(&self) -> f64 {
        self.knots.first().map_or(f64::MAX, |knot| knot.arrival_us)
    }

    fn end_us(&self) -> f64 {
        self.knots.last().map_or(f64::MIN, |knot| knot.arrival_us)
    }

    /// The value of one clock at a value of another; beyond the ends both go on alike.
    fn read(&self, of: fn(&Knot) -> f64, to: fn(&Knot) -> f64, value: f64) -> f64 {
        let after = self.knots.partition_point(|knot| of(knot) <= value);
        let before = after.checked_sub(1).and_then(|index| self.knots.get(index));
        match (before, self.knots.get(after)) {
            (Some(a), Some(b)) => {
                let share = (value - of(a)) / (of(b) - of(a));
                to(a) + (to(b) - to(a)) * share
            }
            (Some(end), None) | (None, Some(end)) => to(end) + (value - of(end)),
            (None, None) => value,
        }
    }
}

/// All pieces of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Ticks a second.
    pub rate: f64,
    /// In the order of arrival.
    pub pieces: Vec<Piece>,
}

impl Map {
    /// When the moment `rtp` was, for a packet that came at `arrival_us`; `None` where nothing is
    /// known.
    pub fn at(&self, rtp: u32, arrival_us: f64) -> Option<f64> {
        let first = self.pieces.partition_point(|piece| piece.end_us() < arrival_us - NEAR_US);
        // The pieces that are near, and at least the ones before and after.
        let first = first.saturating_sub(1);
        let candidates = self.pieces.get(first..)?.iter().enumerate();
        let near = candidates
            .take_while(|(index, piece)| *index <= 1 || piece.begin_us() <= arrival_us + NEAR_US);
        let guesses = near.map(|(_, piece)| {
            let expected = piece.read(|knot| knot.arrival_us, |knot| knot.media_us, arrival_us);
            let ticks = nearest(rtp, expected * self.rate / 1e6);
            let media_us = ticks * 1e6 / self.rate;
            let outside = (piece.begin_us() - arrival_us).max(arrival_us - piece.end_us()).max(0.0);
            ((media_us - expected).abs() + outside / 10.0, piece, media_us)
        });
        let (_, piece, media_us) = guesses.min_by(|(a, ..), (b, ..)| a.total_cmp(b))?;
        Some(piece.read(|knot| knot.media_us, |knot| knot.session_us, media_us))
    }
}
