//! Datagrams of sound as they left for one subscriber, to be sent once more where they are lost.
//!
//! Browsers have no retransmission stream for sound, so that a repeat has the number of what was lost,
//! and with it the index of its encryption. Only the very same bytes may go out under an index again
//! (RFC 3711 section 9.1, RFC 7714 section 8.2): they are kept, and nothing is ever sealed twice.

use crate::limits::{SEALED_BYTES, SEALED_LINGER, SEALED_PACKETS};
use lectern_wire::{SeqNo, Ssrc};
use std::collections::VecDeque;
use std::time::Instant;

/// Where a datagram lies.
#[derive(Debug, Clone, Copy)]
struct Entry {
    ssrc: Ssrc,
    number: SeqNo,
    start: usize,
    len: usize,
}

/// The last datagrams of sound, of all tracks together; none while nothing is lost.
#[derive(Debug, Default)]
pub struct Sealed {
    store: Option<Store>,
}

#[derive(Debug)]
struct Store {
    /// Since when nobody has needed it.
    idle_since: Instant,
    bytes: Box<[u8]>,
    /// Where the next one goes.
    next: usize,
    /// Oldest first.
    entries: VecDeque<Entry>,
}

impl Sealed {
    /// The subscriber loses packets: keeps what it is sent from now on.
    pub fn begin(&mut self, now: Instant) {
        let store = self.store.get_or_insert_with(|| Store {
            idle_since: now,
            bytes: vec![0; SEALED_BYTES].into_boxed_slice(),
            next: 0,
            entries: VecDeque::with_capacity(SEALED_PACKETS),
        });
        store.idle_since = now;
    }

    /// It loses nothing now: gives the memory back after a while.
    pub fn rest(&mut self, now: Instant) {
        let is_idle =
            |store: &mut Store| now.saturating_duration_since(store.idle_since) >= SEALED_LINGER;
        self.store.take_if(is_idle);
    }

    /// A datagram leaves.
    #[inline]
    pub fn keep(&mut self, ssrc: Ssrc, number: SeqNo, datagram: &[u8]) {
        if let Some(store) = &mut self.store {
            store.keep(ssrc, number, datagram);
        }
    }

    /// The datagram behind a sequence number that a NACK names, and its number.
    pub fn find(&self, ssrc: Ssrc, sequence: u16) -> Option<(SeqNo, &[u8])> {
        let Store { bytes, entries, .. } = self.store.as_ref()?;
        let is_it = |entry: &&Entry| entry.ssrc == ssrc && entry.number.wire() == sequence;
        let entry = entries.iter().rev().find(is_it)?;
        Some((entry.number, bytes.get(entry.start..entry.start + entry.len)?))
    }
}

impl Store {
    fn keep(&mut self, ssrc: Ssrc, number: SeqNo, datagram: &[u8]) {
        let len = datagram.len();
        if len > self.bytes.len() {
            return;
        }
        if self.next + len > self.bytes.len() {
            // What lies behind was put there last time round.
            let next = self.next;
            self.forget_while(|oldest| oldest.start >= next);
            self.next = 0;
        }
        let (start, end) = (self.next, self.next + len);
        self.forget_while(|oldest| oldest.start < end && oldest.start + oldest.len > start);
        if self.entries.len() >= SEALED_PACKETS {
            self.entries.pop_front();
        }
        if let Some(place) = self.bytes.get_mut(start..end) {
            place.copy_from_slice(datagram);
            self.entries.push_back(Entry { ssrc, number, start, len });
            self.next = end;
        }
    }

    fn forget_while(&mut self, is_over: impl Fn(&Entry) -> bool) {
        while self.entries.front().is_some_and(&is_over) {
            self.entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn nothing_is_kept_before_something_is_lost_nor_long_after() {
        let now = Instant::now();
        let mut sealed = Sealed::default();
        sealed.keep(Ssrc(1), SeqNo(70_000), b"before");
        assert_eq!(sealed.find(Ssrc(1), SeqNo(70_000).wire()), None);
        sealed.begin(now);
        sealed.keep(Ssrc(1), SeqNo(70_001), b"after");
        let found = Some((SeqNo(70_001), &b"after"[..]));
        assert_eq!(sealed.find(Ssrc(1), SeqNo(70_001).wire()), found);
        assert_eq!(sealed.find(Ssrc(2), SeqNo(70_001).wire()), None);
        sealed.rest(now + SEALED_LINGER / 2);
        assert!(sealed.find(Ssrc(1), SeqNo(70_001).wire()).is_some());
        sealed.rest(now + SEALED_LINGER);
        assert_eq!(sealed.find(Ssrc(1), SeqNo(70_001).wire()), None);
    }

    #[test]
    fn what_is_found_is_what_was_kept() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..200 {
            let longest = random.random_range(1..1_500);
            let count = random.random_range(1..600);
            let lens: Vec<usize> = (0..count).map(|_| random.random_range(0..longest)).collect();
            let datagram = |number: usize| vec![(number % 251) as u8; lens[number]];
            let mut sealed = Sealed::default();
            sealed.begin(Instant::now());
            (0..count).for_each(|n| sealed.keep(Ssrc(1), SeqNo(n as u64), &datagram(n)));
            let found = |number: &usize| sealed.find(Ssrc(1), *number as u16);
            let kept: Vec<usize> = (0..count).filter(|number| found(number).is_some()).collect();
            let is_right = |number: &usize| found(number).map(|f| f.1) == Some(&datagram(*number));
            assert!(kept.iter().all(is_right));
            // The newest ones, all of them as long as there is room.
            assert!(kept.contains(&(count - 1)) && kept.len() == count - kept[0]);
            let bytes: usize = kept.iter().map(|number| lens[*number]).sum();
            let is_full = kept.len() == SEALED_PACKETS || bytes + 2 * longest > SEALED_BYTES;
            assert!(bytes <= SEALED_BYTES && (is_full || kept.len() == count));
        }
    }
}
