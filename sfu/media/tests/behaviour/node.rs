//! An engine in the virtual world: commands and datagrams in, datagrams and events out.

use lectern_control::node::{Command, Event};
use lectern_control::transport::{Candidate, candidate_priority};
use lectern_control::{RequestId, Revision, RoomId};
use lectern_media::{Config, Datagram, DropReason, Engine, Output, Progress};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Bytes of the outbox: small, so that the engine asks for a flush now and then.
const OUTBOX_BYTES: usize = 64 << 10;
/// The time since 1970 at which every world begins.
const UNIX_EPOCH: Duration = Duration::from_secs(1_800_000_000);
/// A timeout that leaves work twenty thousand times in a row never ends.
const MAX_ROUNDS: usize = 20_000;

/// A datagram on its way from a node.
pub struct Sent {
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// One media node.
pub struct Node {
    pub engine: Engine,
    pub address: SocketAddr,
    pub deadline: Option<Instant>,
    /// What has come from the network and is not handled yet.
    pub inbox: Vec<(SocketAddr, Vec<u8>)>,
    pub outbox: VecDeque<Sent>,
    /// Everything that has happened in its rooms.
    pub events: Vec<(Instant, Event)>,
    requests: u64,
}

impl Node {
    pub fn new(began: Instant, number: u8, seed: u64) -> Node {
        let address = SocketAddr::from(([10, 255, 0, number], 7_000));
        let mut engine_seed = [number; 32];
        engine_seed[..8].copy_from_slice(&seed.to_be_bytes());
        let config = Config {
            seed: engine_seed,
            addresses: vec![address],
            epoch: (began, UNIX_EPOCH),
            outbox_bytes: OUTBOX_BYTES,
            estimates: true,
        };
        Node {
            engine: Engine::new(began, config),
            address,
            deadline: None,
            inbox: Vec::new(),
            outbox: VecDeque::new(),
            events: Vec::new(),
            requests: 0,
        }
    }

    /// Where clients reach it in its `generation`-th life.
    pub fn candidate(&self, generation: u16) -> Candidate {
        Candidate { address: self.address, priority: candidate_priority(generation, 0) }
    }

    /// Carries out a command; a refusal comes back.
    pub fn command(
        &mut self,
        now: Instant,
        room: RoomId,
        command: Command,
    ) -> Result<(), lectern_control::node::CommandError> {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.engine.handle_command(now, room, Revision(1), request, command);
        self.drain(now);
        let refused = self.events.iter().find_map(|(_, event)| match event {
            Event::CommandFailed { request: of, error } if *of == request => Some(error.clone()),
            _ => None,
        });
        refused.map_or(Ok(()), Err)
    }

    /// Handles what has come and what is due.
    pub fn step(&mut self, now: Instant) {
        let address = self.address;
        let mut inbox = std::mem::take(&mut self.inbox);
        let mut batch = inbox.iter_mut().map(|(remote, bytes)| Datagram {
            local: address,
            remote: *remote,
            bytes: bytes.as_mut_slice(),
        });
        while self.engine.handle_batch(now, &mut batch) == Progress::Flush {
            self.drain(now);
        }
        self.drain(now);
        for round in 0.. {
            if self.deadline.is_none_or(|deadline| deadline > now) {
                return;
            }
            assert!(round < MAX_ROUNDS, "the engine's deadline stays in the past");
            self.engine.handle_timeout(now);
            self.drain(now);
        }
    }

    fn drain(&mut self, now: Instant) {
        let Output { outbox, events, deadline } = self.engine.poll(now);
        for packet in outbox.packets() {
            self.outbox.push_back(Sent { to: packet.remote, bytes: outbox.bytes(packet).to_vec() });
        }
        self.events.extend(events.map(|(_, event)| (now, event)));
        self.deadline = deadline;
        self.engine.sent();
    }

    /// Every reason for which packets were dropped, and how many; for messages of failed tests.
    pub fn drops(&self) -> Vec<(&'static str, u64)> {
        let counted = DropReason::ALL.iter().map(|reason| (reason.name(), self.dropped(*reason)));
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// Packets dropped for a reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.engine.counters().dropped(reason)
    }
}
