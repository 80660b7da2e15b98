//! The order of one stream's packets: which have come already, and which were mere padding.
//!
//! Padding is not forwarded, so its numbers are taken out of the sequence: what comes out of here
//! has gaps only where packets are missing.

use crate::DropReason;
use lectern_wire::SeqNo;

/// Packets behind the highest one that are still accepted: two seconds of 4 Mbit/s.
const WINDOW: u64 = 1_024;
const WORDS: usize = (WINDOW / 64) as usize;
/// Places of padding remembered, so that packets from before it keep their numbers.
const PLACES: usize = 32;

/// Which packets of one stream have come.
#[derive(Debug, Default)]
pub struct Order {
    highest: Option<SeqNo>,
    seen: [u64; WORDS],
    /// Numbers after which everything moves down by one, newest at `taken_out % PLACES`.
    padding: [u64; PLACES],
    taken_out: u64,
}

/// What the place of a packet in the order tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number, with padding taken out.
    pub number: SeqNo,
    /// The first number that was skipped, where the packet came after a gap.
    pub gap_from: Option<SeqNo>,
    /// It came before others with higher numbers had come: the usual case.
    pub in_order: bool,
    /// It is padding, and its number goes to the packet after it.
    pub is_padding: bool,
}

impl Order {
    /// The highest number that has come, as sent.
    pub fn highest(&self) -> Option<SeqNo> {
        self.highest
    }

    /// The highest number that has come, with padding taken out.
    pub fn highest_number(&self) -> Option<SeqNo> {
        self.highest.and_then(|highest| self.number(highest))
    }

    /// Where a packet belongs; `sent` is its extended sequence number. Each is taken once.
    pub fn take(&mut self, sent: SeqNo, padding: bool) -> Result<Place, DropReason> {
        let Some(highest) = self.highest else {
            return self.advance(sent, sent, padding);
        };
        if sent > highest {
            return self.advance(highest.next(), sent, padding);
        }
        let behind = highest.0 - sent.0;
        if behind >= WINDOW || self.was_seen(sent) {
            return Err(DropReason::Duplicate);
        }
        self.mark(sent);
        let number = self.number(sent).ok_or(DropReason::Duplicate)?;
        Ok(Place { number, gap_from: None, in_order: false, is_padding: padding })
    }

    /// Takes the packet `sent` where `expected` is the next number.
    fn advance(
        &mut self,
        expected: SeqNo,
        sent: SeqNo,
        padding: bool,
    ) -> Result<Place, DropReason> {
        let skipped = sent.0 - expected.0;
        if skipped >= WINDOW {
            self.seen = [0; WORDS];
        } else {
            (expected.0..sent.0).for_each(|number| self.unmark(SeqNo(number)));
        }
        self.highest = Some(sent);
        self.mark(sent);
        if padding {
            self.padding[(self.taken_out % PLACES as u64) as usize] = sent.0;
            self.taken_out += 1;
        }
        let number = SeqNo(sent.0.saturating_sub(self.taken_out));
        let gap_from = (skipped > 0).then_some(expected);
        Ok(Place { number, gap_from, in_order: true, is_padding: padding })
    }

    /// The number of a packet with padding taken out; `None` where too much padding came since.
    fn number(&self, sent: SeqNo) -> Option<SeqNo> {
        let remembered = self.taken_out.min(PLACES as u64);
        let places = (self.taken_out - remembered..self.taken_out)
            .map(|place| self.padding[(place % PLACES as u64) as usize]);
        let later = places.filter(|place| *place > sent.0).count() as u64;
        if later == remembered && self.taken_out > remembered {
            return None;
        }
        sent.0.checked_sub(self.taken_out - later).map(SeqNo)
    }

    fn was_seen(&self, sent: SeqNo) -> bool {
        let (word, bit) = place(sent);
        self.seen[word] & bit != 0
    }

    fn mark(&mut self, sent: SeqNo) {
        let (word, bit) = place(sent);
        self.seen[word] |= bit;
    }

    fn unmark(&mut self, sent: SeqNo) {
        let (word, bit) = place(sent);
        self.seen[word] &= !bit;
    }
}

fn place(sent: SeqNo) -> (usize, u64) {
    let place = sent.0 % WINDOW;
    ((place / 64) as usize, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(place: Result<Place, DropReason>) -> u64 {
        place.expect("a new packet").number.0
    }

    #[test]
    fn each_packet_is_taken_once() {
        let mut order = Order::default();
        for sent in [100, 103, 101, 102] {
            assert_eq!(number(order.take(SeqNo(sent), false)), sent);
        }
        for sent in 100..=103 {
            assert_eq!(order.take(SeqNo(sent), false), Err(DropReason::Duplicate));
        }
    }

    #[test]
    fn a_gap_is_told_once() {
        let mut order = Order::default();
        order.take(SeqNo(100), false).expect("new");
        let place = order.take(SeqNo(105), false).expect("new");
        assert_eq!(place.gap_from, Some(SeqNo(101)));
        assert_eq!(order.take(SeqNo(106), false).expect("new").gap_from, None);
        let late = order.take(SeqNo(103), false).expect("new");
        assert_eq!((late.gap_from, late.in_order), (None, false));
    }

    #[test]
    fn padding_leaves_no_gap_and_packets_from_before_it_keep_their_numbers() {
        let mut order = Order::default();
        assert_eq!(number(order.take(SeqNo(100), false)), 100);
        assert_eq!(number(order.take(SeqNo(102), false)), 102);
        for sent in 103..106 {
            let place = order.take(SeqNo(sent), true).expect("new");
            assert!(place.is_padding && place.gap_from.is_none());
        }
        assert_eq!(number(order.take(SeqNo(106), false)), 103);
        assert_eq!(number(order.take(SeqNo(101), false)), 101);
        assert_eq!(order.highest_number(), Some(SeqNo(103)));
    }

    #[test]
    fn a_gap_before_padding_is_told_too() {
        let mut order = Order::default();
        order.take(SeqNo(100), false).expect("new");
        let place = order.take(SeqNo(103), true).expect("new");
        assert_eq!((place.gap_from, place.is_padding), (Some(SeqNo(101)), true));
        assert_eq!(number(order.take(SeqNo(104), false)), 103);
        assert_eq!(number(order.take(SeqNo(101), false)), 101);
    }

    #[test]
    fn much_padding_never_gives_two_packets_one_number() {
        let mut order = Order::default();
        let mut given = std::collections::BTreeSet::new();
        for sent in 1_000..3_000u64 {
            // Every seventh packet is late by ten; two of three others are padding.
            let sent = if sent % 7 == 0 { sent - 10 } else { sent };
            let place = order.take(SeqNo(sent), sent % 3 != 0);
            if let Some(place) = place.ok().filter(|place| !place.is_padding) {
                assert!(given.insert(place.number), "{place:?} was given before");
            }
        }
        assert!(given.len() > 500);
    }

    #[test]
    fn what_is_far_behind_is_refused_and_a_far_jump_forgets() {
        let mut order = Order::default();
        order.take(SeqNo(5_000), false).expect("new");
        assert_eq!(order.take(SeqNo(5_000 - WINDOW), false), Err(DropReason::Duplicate));
        assert!(order.take(SeqNo(5_000 - WINDOW + 1), false).is_ok());
        order.take(SeqNo(5_000 + 10 * WINDOW), false).expect("new");
        assert!(order.take(SeqNo(5_000 + 10 * WINDOW - 1), false).is_ok());
        assert_eq!(order.take(SeqNo(5_000), false), Err(DropReason::Duplicate));
    }
}
