//! Puts the packets of one stream in order, and gives up on what does not come.

use crate::packet::Packet;
use std::collections::BTreeMap;

/// How long what comes after a hole waits for it. Retransmissions take some round trips; waiting
/// longer costs memory alone, for nobody watches.
pub const WAIT_US: i64 = 2_000_000;
/// How long the first packets wait for some that were sent before them.
pub const FIRST_WAIT_US: i64 = 300_000;
/// Packets held at most: a second of a shared screen at 20 Mbit/s.
pub const MAX_PACKETS: usize = 2_048;
/// Packets in a row that are all before what was given: the numbers began anew.
const MAX_LATE_IN_ROW: u32 = 512;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It is held.
    Held,
    /// It is held already, or was the last given.
    Duplicate,
    /// What comes after it has been given.
    Late,
}

/// A packet in its place.
#[derive(Debug)]
pub struct Ordered {
    /// The packet.
    pub packet: Packet,
    /// Packets missing just before it.
    pub missing: u64,
}

/// A stream's packets that wait for others.
#[derive(Debug, Default)]
pub struct Window {
    held: BTreeMap<u64, Packet>,
    next: Option<u64>,
    first_us: Option<i64>,
    late_in_row: u32,
    is_ending: bool,
}

impl Window {
    /// Takes a packet.
    pub fn push(&mut self, packet: Packet) -> Pushed {
        if let Some(next) = self.next.filter(|next| packet.number < *next) {
            if next.checked_sub(1) == Some(packet.number) {
                return Pushed::Duplicate;
            }
            self.late_in_row = self.late_in_row.saturating_add(1);
            if self.late_in_row < MAX_LATE_IN_ROW {
                return Pushed::Late;
            }
            *self = Window::default();
        }
        self.late_in_row = 0;
        self.first_us.get_or_insert(packet.arrival_us);
        match self.held.entry(packet.number) {
            std::collections::btree_map::Entry::Occupied(_) => Pushed::Duplicate,
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(packet);
                Pushed::Held
            }
        }
    }

    /// The next packet, where it need not wait any more at `now_us`.
    pub fn pop(&mut self, now_us: i64) -> Option<Ordered> {
        let (number, first) = self.held.first_key_value()?;
        let waited = |since: i64, limit: i64| now_us.saturating_sub(since) >= limit;
        let is_over = self.is_ending || self.held.len() >= MAX_PACKETS;
        let missing = match self.next {
            None if is_over || waited(self.first_us.unwrap_or(now_us), FIRST_WAIT_US) => 0,
            None => return None,
            Some(next) => number.saturating_sub(next),
        };
        if missing > 0 && !is_over && !waited(first.arrival_us, WAIT_US) {
            return None;
        }
        let (number, packet) = self.held.pop_first()?;
        self.next = Some(number.saturating_add(1));
        Some(Ordered { packet, missing })
    }

    /// No more packets come: holes are not waited for.
    pub fn end(&mut self) {
        self.is_ending = true;
    }

    /// The number after the last that was given.
    pub fn next(&self) -> Option<u64> {
        self.next
    }

    /// Drops the oldest packets beyond the limit, for a window that nothing is taken from.
    pub fn trim(&mut self) {
        while self.held.len() > MAX_PACKETS {
            self.held.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use lectern_control::TrackId;
    use lectern_control::media::CodecName;
    use proptest::prelude::*;

    fn packet(number: u64, arrival_us: i64) -> Packet {
        Packet {
            track: TrackId(1),
            stream: crate::packet::StreamId { node: 0, number: 0 },
            arrival_us,
            number,
            codec: CodecName::Opus,
            keyframe: false,
            quarter_turns: 0,
            rtp: Bytes::new(),
        }
    }

    fn drain(window: &mut Window, now_us: i64) -> Vec<(u64, u64)> {
        let next = std::iter::from_fn(|| window.pop(now_us));
        next.map(|ordered| (ordered.packet.number, ordered.missing)).collect()
    }

    #[test]
    fn what_comes_late_finds_its_place() {
        let mut window = Window::default();
        for number in [11, 10, 13] {
            assert_eq!(window.push(packet(number, 0)), Pushed::Held);
        }
        assert!(drain(&mut window, FIRST_WAIT_US - 1).is_empty());
        assert_eq!(drain(&mut window, FIRST_WAIT_US), [(10, 0), (11, 0)]);
        assert_eq!(window.push(packet(12, 900_000)), Pushed::Held);
        assert_eq!(drain(&mut window, 900_000), [(12, 0), (13, 0)]);
        assert_eq!(window.push(packet(13, 900_000)), Pushed::Duplicate);
        assert_eq!(window.push(packet(12, 900_000)), Pushed::Late);
    }

    #[test]
    fn a_hole_is_given_up_after_the_wait() {
        let mut window = Window::default();
        window.push(packet(1, 0));
        window.push(packet(5, 1_000_000));
        assert_eq!(drain(&mut window, 1_000_000 + WAIT_US - 1), [(1, 0)]);
        assert_eq!(drain(&mut window, 1_000_000 + WAIT_US), [(5, 3)]);
    }

    #[test]
    fn numbers_that_begin_anew_are_followed() {
        let mut window = Window::default();
        window.push(packet(60_000, 0));
        window.end();
        assert_eq!(drain(&mut window, 0), [(60_000, 0)]);
        let pushed: Vec<_> = (0..600).map(|number| window.push(packet(number, 1))).collect();
        assert_eq!(pushed.iter().filter(|p| **p == Pushed::Late).count(), 511);
        assert_eq!(drain(&mut window, 1 + FIRST_WAIT_US).len(), 89);
    }

    proptest! {
        #[test]
        fn packets_leave_in_order_and_few_are_held(
            steps in proptest::collection::vec((0u64..6_000, 0i64..50_000), 0..4_000),
        ) {
            let mut window = Window::default();
            let mut now_us = 0;
            let mut last = None;
            for (number, passed) in steps {
                now_us += passed;
                window.push(packet(number, now_us));
                prop_assert!(window.held.len() <= MAX_PACKETS);
                while let Some(ordered) = window.pop(now_us) {
                    if let Some(last) = last.filter(|last| ordered.packet.number > *last) {
                        prop_assert_eq!(ordered.missing, ordered.packet.number - last - 1);
                    }
                    last = Some(ordered.packet.number);
                }
            }
        }
    }
}
