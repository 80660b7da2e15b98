//! Sequence numbers: 16 bits on the wire, extended to 64 inside (RFC 3711 section 3.3.1).

/// A sequence number that does not wrap: the rollover counter above the 16 bits of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SeqNo(pub u64);

/// Numbers of one rollover.
const ROLLOVER: u64 = 1 << 16;
/// Half of them: a number more than this away is taken to be on the other side of the wrap.
const HALF: u64 = 1 << 15;

impl SeqNo {
    /// The 16 bits that travel.
    #[inline]
    pub const fn wire(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// How often the 16 bits have wrapped.
    #[inline]
    pub const fn rollover(self) -> u64 {
        self.0 >> 16
    }

    /// The number `count` further on.
    #[inline]
    #[must_use]
    pub const fn plus(self, count: u64) -> SeqNo {
        SeqNo(self.0.saturating_add(count))
    }

    /// The number after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> SeqNo {
        self.plus(1)
    }

    /// How far this number is after `earlier`; `None` where it is before.
    #[inline]
    pub const fn since(self, earlier: SeqNo) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }

    /// The number nearest to this one whose 16 bits are `wire`. `None` where it would be below 0.
    #[inline]
    pub const fn nearest(self, wire: u16) -> Option<SeqNo> {
        let ahead = wire.wrapping_sub(self.wire()) as u64;
        if ahead < HALF {
            return Some(self.plus(ahead));
        }
        match self.0.checked_sub(ROLLOVER.saturating_sub(ahead)) {
            Some(number) => Some(SeqNo(number)),
            None => None,
        }
    }
}

/// Extends the sequence numbers of one stream, in whatever order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extender {
    highest: Option<SeqNo>,
}

impl Extender {
    /// The first packet gets rollover 1, so that packets sent before it still have numbers.
    pub const fn new() -> Extender {
        Extender { highest: None }
    }

    /// Goes on after `highest`.
    pub const fn after(highest: SeqNo) -> Extender {
        Extender { highest: Some(highest) }
    }

    /// The highest number so far.
    #[inline]
    pub const fn highest(&self) -> Option<SeqNo> {
        self.highest
    }

    /// The number a packet would have, without taking note of it: for packets that are still to be
    /// authenticated.
    #[inline]
    pub const fn peek(&self, wire: u16) -> SeqNo {
        let first = SeqNo(ROLLOVER.saturating_add(wire as u64));
        match self.highest {
            None => first,
            Some(highest) => match highest.nearest(wire) {
                Some(number) => number,
                None => SeqNo(wire as u64),
            },
        }
    }

    /// The number of a packet. A jump of 2^15 or more is taken as a step back.
    #[inline]
    pub const fn extend(&mut self, wire: u16) -> SeqNo {
        let number = self.peek(wire);
        match self.highest {
            Some(highest) if highest.0 >= number.0 => {}
            _ => self.highest = Some(number),
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_go_on_over_the_wrap_and_back() {
        let mut extender = Extender::new();
        assert_eq!(extender.extend(65_534), SeqNo(0x1_fffe));
        assert_eq!(extender.extend(1), SeqNo(0x2_0001));
        assert_eq!(extender.extend(65_535), SeqNo(0x1_ffff));
        assert_eq!(extender.extend(0), SeqNo(0x2_0000));
        assert_eq!(extender.highest(), Some(SeqNo(0x2_0001)));
    }

    #[test]
    fn a_packet_sent_before_the_first_one_has_a_number() {
        let mut extender = Extender::new();
        assert_eq!(extender.extend(3), SeqNo(0x1_0003));
        assert_eq!(extender.extend(65_533), SeqNo(0xfffd));
    }

    #[test]
    fn below_zero_there_is_no_number() {
        assert_eq!(SeqNo(3).nearest(65_533), None);
        assert_eq!(SeqNo(0).nearest(0), Some(SeqNo(0)));
        assert_eq!(SeqNo(0).nearest(32_767), Some(SeqNo(32_767)));
        assert_eq!(SeqNo(0).nearest(32_768), None);
        assert_eq!(SeqNo(u64::MAX).nearest(0), Some(SeqNo(u64::MAX)));
    }

    proptest! {
        #[test]
        fn the_nearest_number_is_within_half_a_rollover(from in ROLLOVER..u64::MAX / 2, wire: u16) {
            let number = SeqNo(from).nearest(wire).expect("above zero");
            prop_assert_eq!(number.wire(), wire);
            prop_assert!(number.0.abs_diff(from) <= HALF);
        }

        #[test]
        fn reordering_under_half_a_rollover_changes_no_number(
            start in 0u64..1 << 40,
            steps in proptest::collection::vec((0u64..30_000, 0u64..30_000), 1..100),
        ) {
            let mut extender = Extender::after(SeqNo(start + ROLLOVER));
            let mut highest = start + ROLLOVER;
            for (ahead, back) in steps {
                highest += ahead;
                prop_assert_eq!(extender.extend(SeqNo(highest).wire()), SeqNo(highest));
                let late = highest - back;
                prop_assert_eq!(extender.extend(SeqNo(late).wire()), SeqNo(late));
            }
        }
    }
}
