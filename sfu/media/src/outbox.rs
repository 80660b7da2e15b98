//! The outbox: one flat buffer of datagrams to send, grouped by destination when polled.
//!
//! It keeps its memory between batches, so that nothing is allocated per packet. It holds no
//! socket and sends nothing.

use std::net::SocketAddr;

/// One datagram in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub remote: SocketAddr,
    /// Where its bytes begin; see [`Outbox::bytes`].
    pub start: u32,
    /// How many bytes it has.
    pub len: u16,
    /// Groups the datagrams of one destination.
    group: u32,
}

/// Datagrams to send. After [`crate::Engine::poll`] those of one destination stand next to each
/// other, in the order in which they were made.
#[derive(Debug)]
pub struct Outbox {
    buffer: Vec<u8>,
    used: usize,
    packets: Vec<Outgoing>,
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

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// An outbox that asks to be flushed when it holds more than `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Outbox {
        Outbox { buffer: vec![0; capacity], used: 0, packets: Vec::new(), capacity }
    }

    /// Whether it should be sent before more is put in.
    pub(crate) fn is_full(&self) -> bool {
        self.used >= self.capacity
    }

    /// Forgets all datagrams and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.packets.clear();
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
