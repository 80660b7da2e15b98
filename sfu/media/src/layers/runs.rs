//! Numbers where packets are left out: a bounded record of what was not sent.
//!
//! Between two runs of packets that are left out numbers move by a constant. Numbers that nobody has
//! seen yet, because packets were lost or swapped, keep their places.

use crate::DropReason;
use crate::limits::REMEMBERED_RUNS;
use lectern_wire::SeqNo;

/// How a stretch of numbers is mapped; it ends where the next one begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Piece {
    /// The first number of the publisher's.
    pub first_in: SeqNo,
    /// What it becomes.
    pub first_out: SeqNo,
    /// Pictures left out since the segment began.
    pub pictures: u16,
}

impl Piece {
    #[inline]
    fn number(&self, number: SeqNo) -> Option<SeqNo> {
        number.since(self.first_in).map(|since| self.first_out.plus(since))
    }
}

/// The latest pieces of a subscriber's stream, over all its segments.
#[derive(Debug)]
pub struct Runs {
    /// The piece with the serial number i lies at i modulo the length.
    pieces: [Piece; REMEMBERED_RUNS],
    /// Pieces there were, but for those taken back.
    count: usize,
    /// The first serial number that is kept.
    kept_from: usize,
    /// Where the latest piece began that was overwritten.
    forgotten: Option<SeqNo>,
}

impl Default for Runs {
    fn default() -> Self {
        Runs {
            pieces: [Piece::default(); REMEMBERED_RUNS],
            count: 0,
            kept_from: 0,
            forgotten: None,
        }
    }
}

impl Runs {
    /// A segment begins with `first_out`: whatever was mapped to there was not sent.
    pub fn begin(&mut self, first_out: SeqNo) {
        while self.count > self.kept_from && self.piece(self.count - 1).first_out >= first_out {
            self.count -= 1;
        }
        self.forgotten = self.forgotten.filter(|forgotten| *forgotten < first_out);
    }

    /// The newest mapping of the segment that begins with `base`.
    #[inline]
    pub fn newest(&self, base: Piece) -> Piece {
        let newest = self.count.checked_sub(1).filter(|newest| *newest >= self.kept_from);
        let newest = newest.map(|newest| *self.piece(newest));
        newest.filter(|piece| piece.first_out >= base.first_out).unwrap_or(base)
    }

    /// Leaves out the packets from `first` to `last`, the newest ones, and so many pictures.
    pub fn leave_out(&mut self, base: Piece, first: SeqNo, last: SeqNo, pictures: u16) {
        let newest = self.newest(base);
        let Some(first_out) = newest.number(first) else { return };
        let pictures = newest.pictures.wrapping_add(pictures);
        let piece = Piece { first_in: last.next(), first_out, pictures };
        let extends = newest.first_in == first && newest != base;
        let place = if extends { self.count - 1 } else { self.count };
        if place >= self.kept_from + REMEMBERED_RUNS {
            self.forgotten = Some(self.piece(self.kept_from).first_out);
            self.kept_from += 1;
        }
        self.pieces[place % REMEMBERED_RUNS] = piece;
        self.count = place + 1;
    }

    /// How a packet of the segment that begins with `base` is mapped, new or late; an error where
    /// it was left out, or is older than what is remembered.
    pub fn find(&self, base: Piece, number: SeqNo) -> Result<Piece, DropReason> {
        let mut after: Option<&Piece> = None;
        for place in (self.kept_from..self.count).rev() {
            let piece = self.piece(place);
            if piece.first_out < base.first_out {
                return fits(base, number, after);
            }
            if piece.first_in <= number {
                return fits(*piece, number, after);
            }
            after = Some(piece);
        }
        if self.has_forgotten(base) {
            Err(DropReason::BeforeSwitch)
        } else {
            fits(base, number, after)
        }
    }

    /// The mapping that made a number of the segment that begins with `base`.
    pub fn made(&self, base: Piece, out: SeqNo) -> Option<Piece> {
        for place in (self.kept_from..self.count).rev() {
            let piece = self.piece(place);
            if piece.first_out < base.first_out {
                return Some(base);
            }
            if piece.first_out <= out {
                return Some(*piece);
            }
        }
        (!self.has_forgotten(base)).then_some(base)
    }

    /// Whether a piece of the segment, or of a later one, was overwritten.
    fn has_forgotten(&self, base: Piece) -> bool {
        self.forgotten.is_some_and(|forgotten| forgotten >= base.first_out)
    }

    #[inline]
    fn piece(&self, place: usize) -> &Piece {
        &self.pieces[place % REMEMBERED_RUNS]
    }
}

/// The piece, unless the packet lies between its end and the next one's beginning.
fn fits(piece: Piece, number: SeqNo, after: Option<&Piece>) -> Result<Piece, DropReason> {
    let out = piece.number(number).ok_or(DropReason::BeforeSwitch)?;
    let is_left_out = after.is_some_and(|after| out >= after.first_out);
    if is_left_out { Err(DropReason::LayerNotSelected) } else { Ok(piece) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Piece = Piece { first_in: SeqNo(100), first_out: SeqNo(7), pictures: 0 };

    fn out(runs: &Runs, number: u64) -> Result<u64, DropReason> {
        let piece = runs.find(BASE, SeqNo(number))?;
        Ok(piece.number(SeqNo(number)).expect("in the piece").0)
    }

    fn leave_out(runs: &mut Runs, first: u64, last: u64) {
        runs.leave_out(BASE, SeqNo(first), SeqNo(last), 1);
    }

    #[test]
    fn what_is_left_out_leaves_no_hole_and_what_is_missing_keeps_its_place() {
        let mut runs = Runs::default();
        // 102 to 104 are left out, 105 and 106 are missing, 107 is left out.
        leave_out(&mut runs, 102, 102);
        leave_out(&mut runs, 103, 104);
        leave_out(&mut runs, 107, 107);
        assert_eq!([100, 101, 105, 106, 108].map(|n| out(&runs, n)), [7, 8, 9, 10, 11].map(Ok));
        for left_out in [102, 103, 104, 107] {
            assert_eq!(out(&runs, left_out), Err(DropReason::LayerNotSelected), "{left_out}");
        }
        assert_eq!(out(&runs, 99), Err(DropReason::BeforeSwitch));
        let made = |number| {
            let piece = runs.made(BASE, SeqNo(number)).expect("remembered");
            piece.first_in.0 + number - piece.first_out.0
        };
        assert_eq!([7, 8, 9, 10, 11, 12].map(made), [100, 101, 105, 106, 108, 109]);
        assert_eq!(runs.newest(BASE).pictures, 3);
    }

    #[test]
    fn a_segment_forgets_what_was_never_sent() {
        let mut runs = Runs::default();
        leave_out(&mut runs, 102, 103);
        leave_out(&mut runs, 105, 105);
        // 104 became 9 and was the last one sent; the next segment begins with 10.
        let next = Piece { first_in: SeqNo(5_000), first_out: SeqNo(10), pictures: 0 };
        runs.begin(next.first_out);
        assert_eq!(runs.newest(next), next);
        assert_eq!(runs.find(next, SeqNo(5_003)), Ok(next));
        assert_eq!(runs.made(next, SeqNo(12)), Some(next));
        let former = runs.made(BASE, SeqNo(9)).expect("remembered");
        assert_eq!(former.first_in, SeqNo(104));
    }

    #[test]
    fn what_is_older_than_the_record_is_not_mapped_wrongly() {
        let mut runs = Runs::default();
        let total = 3 * REMEMBERED_RUNS as u64;
        for run in 0..total {
            leave_out(&mut runs, 101 + 2 * run, 101 + 2 * run);
        }
        for run in 0..total {
            let kept = run + REMEMBERED_RUNS as u64 >= total;
            let expected = if kept { Ok(8 + run) } else { Err(DropReason::BeforeSwitch) };
            assert_eq!(out(&runs, 102 + 2 * run), expected, "run {run}");
            assert_eq!(runs.made(BASE, SeqNo(8 + run)).is_some(), kept);
        }
    }
}
