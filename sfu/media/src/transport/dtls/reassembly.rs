//! Puts handshake messages together from fragments (RFC 6347 section 4.2.3), within bounds.

use super::record::Fragment;

/// The longest handshake message: certificates of browsers have under 1 KiB, chains of gateways a
/// few.
pub const MAX_MESSAGE_LEN: usize = 16 << 10;
/// Bytes kept of one handshake: enough for the longest message and the flight around it.
pub const MAX_BUFFERED_LEN: usize = 24 << 10;
/// Messages kept ahead of the one awaited: a flight has at most five.
const MAX_AHEAD: u16 = 8;

/// A whole handshake message.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub message_type: u8,
    /// Its number.
    pub sequence: u16,
    /// Its body.
    pub body: Vec<u8>,
}

struct Partial {
    message: Message,
    /// One bit for each byte that is there.
    present: Vec<u64>,
    missing: usize,
}

impl Partial {
    fn new(fragment: &Fragment<'_>) -> Partial {
        Partial {
            message: Message {
                message_type: fragment.message_type,
                sequence: fragment.message_sequence,
                body: vec![0; fragment.message_len],
            },
            present: vec![0; fragment.message_len.div_ceil(64)],
            missing: fragment.message_len,
        }
    }

    fn fits(&self, fragment: &Fragment<'_>) -> bool {
        self.message.message_type == fragment.message_type
            && self.message.body.len() == fragment.message_len
    }

    /// Adds what is new; of bytes that come twice the first counts.
    fn add(&mut self, fragment: &Fragment<'_>) {
        let places = self.message.body.iter_mut().enumerate().skip(fragment.offset);
        for ((place, byte), from) in places.zip(fragment.body) {
            let Some(word) = self.present.get_mut(place / 64) else { return };
            if *word & (1 << (place % 64)) == 0 {
                *word |= 1 << (place % 64);
                *byte = *from;
                self.missing -= 1;
            }
        }
    }
}

/// Why a fragment was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Of a message that was delivered already: the client repeats itself.
    Repeated,
    /// Of a message too far ahead, or too long.
    Overflow,
}

/// Messages of one direction, delivered in order.
#[derive(Default)]
pub struct Reassembly {
    next: u16,
    partial: Vec<Partial>,
}

impl Reassembly {
    /// Begins with message `next`.
    pub fn new(next: u16) -> Reassembly {
        Reassembly { next, partial: Vec::new() }
    }

    /// Takes a fragment. One that contradicts what came before begins its message anew: the
    /// earlier one may have been forged.
    pub fn push(&mut self, fragment: &Fragment<'_>) -> Result<(), Refused> {
        if fragment.message_sequence < self.next {
            return Err(Refused::Repeated);
        }
        let is_ahead = fragment.message_sequence - self.next >= MAX_AHEAD;
        if is_ahead || fragment.message_len > MAX_MESSAGE_LEN {
            return Err(Refused::Overflow);
        }
        let sequence = fragment.message_sequence;
        self.partial.retain(|part| part.message.sequence != sequence || part.fits(fragment));
        let place = self.partial.iter().position(|part| part.message.sequence == sequence);
        if let Some(partial) = place.and_then(|place| self.partial.get_mut(place)) {
            partial.add(fragment);
            return Ok(());
        }
        self.make_room(fragment)?;
        let mut partial = Partial::new(fragment);
        partial.add(fragment);
        self.partial.push(partial);
        Ok(())
    }

    /// Messages further ahead give way: who forges them must not keep out those that come first.
    fn make_room(&mut self, fragment: &Fragment<'_>) -> Result<(), Refused> {
        let buffered = |partial: &[Partial]| -> usize {
            partial.iter().map(|part| part.message.body.len()).sum()
        };
        while buffered(&self.partial) + fragment.message_len > MAX_BUFFERED_LEN {
            let ahead = self.partial.iter().enumerate();
            let ahead = ahead.map(|(place, part)| (part.message.sequence, place)).max();
            match ahead.filter(|(sequence, _)| *sequence > fragment.message_sequence) {
                Some((_, place)) => drop(self.partial.swap_remove(place)),
                None => return Err(Refused::Overflow),
            }
        }
        Ok(())
    }

    /// The message awaited, once it is whole. It counts as delivered only after [`Self::advance`].
    pub fn take(&mut self) -> Option<Message> {
        let next = self.next;
        let is_whole = |part: &Partial| part.message.sequence == next && part.missing == 0;
        let place = self.partial.iter().position(is_whole)?;
        Some(self.partial.swap_remove(place).message)
    }

    /// The message awaited has been used: on to the next.
    pub fn advance(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    /// Any message that is whole, whatever its number.
    pub fn take_any(&mut self) -> Option<Message> {
        let place = self.partial.iter().position(|part| part.missing == 0)?;
        Some(self.partial.swap_remove(place).message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment<'a>(sequence: u16, len: usize, offset: usize, body: &'a [u8]) -> Fragment<'a> {
        let message_sequence = sequence;
        Fragment { message_type: 11, message_len: len, message_sequence, offset, body }
    }

    #[test]
    fn fragments_in_any_order_and_overlapping_make_the_message() {
        let body: Vec<u8> = (0..200).collect();
        let cuts: [&[(usize, usize)]; 4] = [
            &[(0, 200)],
            &[(100, 200), (0, 100)],
            &[(150, 200), (150, 200), (50, 160), (0, 60)],
            &[(0, 1), (1, 2), (2, 3), (3, 199), (0, 50), (199, 200)],
        ];
        for cut in cuts {
            let mut reassembly = Reassembly::new(2);
            for (from, to) in cut {
                assert_eq!(reassembly.take(), None);
                assert_eq!(reassembly.push(&fragment(2, 200, *from, &body[*from..*to])), Ok(()));
            }
            let message = reassembly.take().expect("whole");
            assert_eq!(message.body, body);
            reassembly.advance();
            assert_eq!(reassembly.push(&fragment(2, 200, 0, &body)), Err(Refused::Repeated));
        }
    }

    #[test]
    fn a_message_that_announces_too_much_takes_no_memory() {
        let mut reassembly = Reassembly::default();
        for sequence in 0..16 {
            let fragment = fragment(sequence, 0xff_ffff, 0, &[1]);
            assert_eq!(reassembly.push(&fragment), Err(Refused::Overflow));
        }
        assert!(reassembly.partial.is_empty());
        for sequence in 0..16 {
            let pushed = reassembly.push(&fragment(sequence, 16_000, 0, &[1]));
            assert_eq!(pushed.is_ok(), sequence == 0, "{sequence}");
        }
    }

    #[test]
    fn a_forged_fragment_does_not_stand_in_the_way() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.push(&fragment(0, 9_000, 5, &[1; 50])), Ok(()));
        assert_eq!(reassembly.push(&fragment(0, 3, 0, &[7, 8])), Ok(()));
        assert_eq!(reassembly.push(&fragment(0, 3, 2, &[9])), Ok(()));
        assert_eq!(reassembly.take().map(|message| message.body), Some(vec![7, 8, 9]));
    }

    #[test]
    fn messages_far_ahead_give_way_to_those_that_come_first() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.push(&fragment(7, 16_384, 0, &[1])), Ok(()));
        assert_eq!(reassembly.push(&fragment(6, 8_192, 0, &[1])), Ok(()));
        assert_eq!(reassembly.push(&fragment(7, 16_000, 0, &[1])), Ok(()), "in its own place");
        for sequence in 0..3 {
            let body = vec![sequence as u8; 6_000];
            assert_eq!(reassembly.push(&fragment(sequence, 6_000, 0, &body)), Ok(()));
            assert_eq!(reassembly.take().map(|message| message.body), Some(body));
            reassembly.advance();
        }
        assert_eq!(reassembly.push(&fragment(5, 8_192, 0, &[1])), Ok(()));
        assert_eq!(reassembly.push(&fragment(8, 16_384, 0, &[1])), Err(Refused::Overflow));
    }

    #[test]
    fn later_messages_wait_for_earlier_ones() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.push(&fragment(1, 1, 0, &[1])), Ok(()));
        assert_eq!(reassembly.take(), None);
        assert_eq!(reassembly.push(&fragment(0, 0, 0, &[])), Ok(()));
        assert_eq!(reassembly.take().map(|message| message.sequence), Some(0));
        reassembly.advance();
        assert_eq!(reassembly.take().map(|message| message.sequence), Some(1));
    }
}
