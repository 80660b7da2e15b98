//! The engine: four verbs around one packet path.

use crate::{Counters, Outbox};
use lectern_control::node::{Command, Event};
use lectern_control::{RequestId, Revision, RoomId};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What an engine is made from.
#[derive(Debug, Clone)]
pub struct Config {
    /// All randomness of the engine except that of DTLS comes from here.
    pub seed: [u8; 32],
    /// Where clients reach this node, best first.
    pub addresses: Vec<SocketAddr>,
    /// One moment on both clocks: the engine's, and the time since 1970. Sender reports carry the
    /// wall clock that follows from it.
    pub epoch: (Instant, Duration),
    /// Bytes in the outbox at which the engine asks to be flushed.
    pub outbox_bytes: usize,
}

/// A datagram as it came from the socket; decrypted in place.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// The address it came to.
    pub local: SocketAddr,
    /// The address it came from.
    pub remote: SocketAddr,
    /// Its bytes.
    pub bytes: &'a mut [u8],
}

/// How far a batch got.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All of it is handled.
    Done,
    /// The outbox is full: poll, send, call [`Engine::sent`], and go on with the rest.
    Flush,
}

/// What [`Engine::poll`] gives out.
#[derive(Debug)]
pub struct Output<'a> {
    /// Datagrams to send; they stay until [`Engine::sent`].
    pub outbox: &'a Outbox,
    /// What happened, oldest first; taken out by reading, or by dropping this.
    pub events: std::vec::Drain<'a, (RoomId, Event)>,
    /// When [`Engine::handle_timeout`] wants to be called, if nothing else comes first.
    pub deadline: Option<Instant>,
}

/// The media engine of one worker.
#[derive(Debug)]
pub struct Engine {
    outbox: Outbox,
    events: Vec<(RoomId, Event)>,
    counters: Counters,
}

impl Engine {
    /// An engine without rooms.
    pub fn new(now: Instant, config: Config) -> Engine {
        let _ = now;
        Engine {
            outbox: Outbox::new(config.outbox_bytes),
            events: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Handles datagrams until the batch is empty or the outbox is full. Pass the iterator by
    /// reference (`&mut batch`) and call again with the rest after [`Progress::Flush`].
    pub fn handle_batch<'a>(
        &mut self,
        now: Instant,
        batch: impl Iterator<Item = Datagram<'a>>,
    ) -> Progress {
        for datagram in batch {
            let _ = now;
            self.counters.datagrams_in += 1;
            self.counters.bytes_in += datagram.bytes.len() as u64;
            if self.outbox.is_full() {
                return Progress::Flush;
            }
        }
        Progress::Done
    }

    /// Carries out a command. What cannot be done becomes [`Event::CommandFailed`].
    pub fn handle_command(
        &mut self,
        now: Instant,
        room: RoomId,
        revision: Revision,
        request: RequestId,
        command: Command,
    ) {
        let _ = (now, room, revision, request, command);
    }

    /// Does what is due. May leave work for the next call when the outbox is full; the deadline is
    /// then not after `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// What there is to send and to tell, and when to come back.
    pub fn poll(&mut self, now: Instant) -> Output<'_> {
        let _ = now;
        Output { outbox: &self.outbox, events: self.events.drain(..), deadline: None }
    }

    /// The outbox has been sent: forgets it.
    pub fn sent(&mut self) {
        self.outbox.clear();
    }

    /// What has been counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The rooms that live here.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> {
        std::iter::empty()
    }
}
