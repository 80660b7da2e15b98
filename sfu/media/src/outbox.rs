//! The outbox: one flat buffer of datagrams to send, grouped by destination when polled.
//!
//! It keeps its memory between batches, so that nothing is allocated per packet. It holds no
//! socket and sends nothing.

use crate::limits::MAX_DATAGRAM_BYTES;
use std::net::SocketAddr;

/// Bytes a datagram may need while it is made.
const SLOT_BYTES: usize = MAX_DATAGRAM_BYTES;

/// One datagram in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub remote: SocketAddr,
    /// Where its bytes begin; see [`Outbox::bytes`].
    pub start: u32,
    /// How many bytes it has.
    pub len: u16,
    /// The peer it goes to.
    owner: u32,
}

/// Datagrams to send. After [`crate::Engine::poll`] those of one destination stand next to each
/// other, in the order in which they were made.
///
/// The buffer grows past its capacity by what one received datagram, one command or one timeout
/// makes at most: a copy for each subscriber of a track.
#[derive(Debug)]
pub struct Outbox {
    buffer: Vec<u8>,
    used: usize,
    packets: Vec<Outgoing>,
    /// Whether those of one peer stand together already.
    is_grouped: bool,
    /// Memory for [`Self::group`].
    keys: Vec<u64>,
    grouped: Vec<Outgoing>,
    capacity: usize,
}

impl Outbox {
    /// The datagrams.
    pub fn packets(&self) -> &[Outgoing] {
        &self.packets
    }

    /// The bytes of one datagram.
    pub fn bytes(&self, packet: &Outgoing) -> &[u8] {
        let start = packet.start as usize;
        self.buffer.get(start..start + usize::from(packet.len)).unwrap_or_default()
    }

    /// The datagrams as runs: each has one destination, and all its datagrams have the same
    /// length except the last, which may be shorter. A run is at most `max_len` datagrams long.
    ///
    /// One run is one GSO send. The bytes of a run do not lie next to each other: gather them.
    pub fn runs(&self, max_len: usize) -> Runs<'_> {
        Runs { rest: &self.packets, max_len: max_len.max(1) }
    }

    /// Bytes of all datagrams together.
    pub fn total_bytes(&self) -> u64 {
        self.packets.iter().map(|packet| u64::from(packet.len)).sum()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// An outbox that asks to be flushed when it holds more than `capacity` bytes.
    pub fn new(capacity: usize) -> Outbox {
        let packets = capacity / SLOT_BYTES + 1;
        Outbox {
            buffer: vec![0; capacity + SLOT_BYTES],
            used: 0,
            packets: Vec::with_capacity(packets),
            is_grouped: true,
            keys: Vec::with_capacity(packets),
            grouped: Vec::with_capacity(packets),
            capacity,
        }
    }

    /// Whether it should be sent before more is put in.
    pub(crate) fn is_full(&self) -> bool {
        self.used >= self.capacity
    }

    /// Room for one datagram of up to [`MAX_DATAGRAM_BYTES`], to be filled and then committed.
    #[inline]
    pub(crate) fn slot(&mut self) -> &mut [u8] {
        let end = self.used + SLOT_BYTES;
        if self.buffer.len() < end {
            self.buffer.resize(end + end / 2, 0);
        }
        &mut self.buffer[self.used..end]
    }

    /// Adds the first `len` bytes of the slot as a datagram to `remote`.
    #[inline]
    pub(crate) fn commit(&mut self, owner: u32, remote: SocketAddr, len: usize) {
        let len = len.min(SLOT_BYTES);
        self.is_grouped &= self.packets.last().is_none_or(|last| last.owner <= owner);
        self.packets.push(Outgoing { remote, start: self.used as u32, len: len as u16, owner });
        self.used += len;
    }

    /// Adds a datagram that was made elsewhere. One that is too long for a datagram is left out.
    pub fn push(&mut self, owner: u32, remote: SocketAddr, bytes: &[u8]) -> bool {
        let Some(place) = self.slot().get_mut(..bytes.len()) else { return false };
        place.copy_from_slice(bytes);
        self.commit(owner, remote, bytes.len());
        true
    }

    /// Brings the datagrams of one peer together, each peer's in the order they were made. Sorts
    /// numbers of eight bytes, not the datagrams' descriptions of fifty.
    pub(crate) fn group(&mut self) {
        if self.is_grouped {
            return;
        }
        self.keys.clear();
        self.keys.extend(
            self.packets
                .iter()
                .zip(0u64..)
                .map(|(packet, place)| u64::from(packet.owner) << 32 | place),
        );
        self.keys.sort_unstable();
        self.grouped.clear();
        let packets = &self.packets;
        let place = |key: &u64| (*key & 0xffff_ffff) as usize;
        self.grouped.extend(self.keys.iter().filter_map(|key| packets.get(place(key))));
        std::mem::swap(&mut self.packets, &mut self.grouped);
        self.is_grouped = true;
    }

    /// Takes out all datagrams to a peer.
    pub(crate) fn purge(&mut self, owner: u32) {
        self.packets.retain(|packet| packet.owner != owner);
    }

    /// Forgets all datagrams and keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
        self.packets.clear();
        self.is_grouped = true;
    }
}

/// Iterates over runs; made by [`Outbox::runs`].
#[derive(Debug)]
pub struct Runs<'a> {
    rest: &'a [Outgoing],
    max_len: usize,
}

impl<'a> Iterator for Runs<'a> {
    type Item = &'a [Outgoing];

    fn next(&mut self) -> Option<&'a [Outgoing]> {
        let first = self.rest.first()?;
        let mut len = 1;
        for packet in self.rest.iter().take(self.max_len).skip(1) {
            if packet.remote != first.remote || packet.len > first.len {
                break;
            }
            len += 1;
            if packet.len < first.len {
                break;
            }
        }
        let (run, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn datagrams_of_one_peer_come_together_in_their_order() {
        let mut outbox = Outbox::new(1 << 16);
        for number in 0..5u8 {
            for peer in 0..3u32 {
                assert!(outbox.push(peer, remote(1 + peer as u16), &[number; 4]));
            }
        }
        outbox.group();
        assert!(outbox.push(1, remote(2), &[5; 4]));
        outbox.group();
        let order: Vec<_> =
            outbox.packets().iter().map(|p| (p.remote.port(), outbox.bytes(p)[0])).collect();
        let numbers = |port| 0..5 + u8::from(port == 2);
        let expected: Vec<_> =
            (1..4).flat_map(|port| numbers(port).map(move |n| (port, n))).collect();
        assert_eq!(order, expected);
    }

    #[test]
    fn a_run_has_one_destination_and_one_length_but_for_its_last() {
        let mut outbox = Outbox::new(1 << 16);
        for (peer, len) in [(1, 10), (1, 10), (1, 7), (1, 7), (1, 9), (2, 9), (2, 9), (2, 9)] {
            outbox.push(peer, remote(peer as u16), &vec![0; len]);
        }
        outbox.group();
        let runs: Vec<Vec<u16>> =
            outbox.runs(64).map(|run| run.iter().map(|packet| packet.len).collect()).collect();
        assert_eq!(runs, [vec![10, 10, 7], vec![7], vec![9], vec![9, 9, 9]]);
        assert_eq!(outbox.runs(2).map(<[Outgoing]>::len).collect::<Vec<_>>(), [2, 2, 1, 2, 1]);
    }

    #[test]
    fn what_is_over_the_longest_datagram_is_left_out() {
        let mut outbox = Outbox::new(1);
        assert!(!outbox.push(0, remote(1), &[0; SLOT_BYTES + 1]));
        assert!(outbox.is_empty());
        assert!(outbox.push(0, remote(1), &[0; MAX_DATAGRAM_BYTES]));
        assert!(outbox.is_full());
        assert!(outbox.push(0, remote(1), &[1; MAX_DATAGRAM_BYTES]));
        let last = outbox.packets()[1];
        assert_eq!(outbox.bytes(&last), [1; MAX_DATAGRAM_BYTES]);
        outbox.clear();
        assert!(outbox.is_empty() && !outbox.is_full());
    }

    #[test]
    fn a_removed_peer_gets_nothing_of_what_was_made_for_it() {
        let mut outbox = Outbox::new(1 << 16);
        for peer in [1, 2, 1] {
            outbox.push(peer, remote(peer as u16), b"x");
        }
        outbox.purge(1);
        assert_eq!(outbox.packets().iter().map(|p| p.remote.port()).collect::<Vec<_>>(), [2]);
    }
}
