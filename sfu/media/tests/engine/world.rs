//! Engines and clients on one network, in virtual time.

use crate::client::{Client, Introduction};
use lectern_control::media::{
    Codec, CodecName, EncodingParameters, Feedback, MediaKind, PayloadMapping,
    PublicationParameters, Source, SubscriptionParameters,
};
use lectern_control::node::{Command, CommandError, Event};
use lectern_control::transport::{DataParameters, PeerParameters, Permissions};
use lectern_control::{ParticipantId, PeerId, RequestId, Revision, RoomId, TrackId};
use lectern_media::{Config, Datagram, DropReason, Engine, Output, Progress};
use lectern_wire::{Class, classify};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub const ROOM: RoomId = RoomId(1);
pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;
pub const VP8_RTX: u8 = 97;
/// Payload types at subscribers are other ones.
pub const SUBSCRIBER_OFFSET: u8 = 4;

pub fn node_address(place: usize) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1 + place as u8], 3_478))
}

pub fn track_id(number: u64) -> TrackId {
    TrackId(number)
}

/// A datagram on its way.
struct Flying {
    arrives: Instant,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

pub struct World {
    pub now: Instant,
    pub began: Instant,
    pub engines: Vec<Engine>,
    pub clients: Vec<Client>,
    pub parameters: Vec<PeerParameters>,
    pub events: Vec<(usize, Event)>,
    /// One way.
    pub delay: Duration,
    /// Whether the next client offers, and nominates.
    pub next_offers: fn(usize) -> bool,
    /// The next packet of media to this address is lost.
    pub lose_to: Option<SocketAddr>,
    /// What was lost so.
    pub lost: Vec<Vec<u8>>,
    flying: VecDeque<Flying>,
    requests: u64,
}

impl World {
    pub fn new(nodes: usize) -> World {
        let now = Instant::now();
        let engine = |place: usize| {
            let config = Config {
                seed: [place as u8; 32],
                addresses: vec![node_address(place)],
                epoch: (now, Duration::from_secs(1_700_000_000)),
                outbox_bytes: 1 << 20,
                estimates: true,
            };
            Engine::new(now, config)
        };
        World {
            now,
            began: now,
            engines: (0..nodes).map(engine).collect(),
            clients: Vec::new(),
            parameters: Vec::new(),
            events: Vec::new(),
            delay: Duration::from_millis(10),
            next_offers: |place| place % 2 == 0,
            lose_to: None,
            lost: Vec::new(),
            flying: VecDeque::new(),
            requests: 0,
        }
    }

    /// Adds a client of its own participant, whose number is that of the client plus one, and its
    /// peer on the first node.
    pub fn join(&mut self, permissions: Permissions) -> usize {
        let participant = self.clients.len() as u64 + 1;
        self.join_as(participant, permissions, DataParameters::default())
    }

    pub fn join_as(
        &mut self,
        participant: u64,
        permissions: Permissions,
        data: DataParameters,
    ) -> usize {
        let place = self.clients.len();
        let name = format!("n{place}");
        let offers = (self.next_offers)(place);
        let introduction = Introduction { name, participant, offers, permissions, data };
        let address = SocketAddr::from(([203, 0, 113, 1 + place as u8], 40_000));
        let seed = 100 + place as u8;
        let (client, parameters) =
            Client::new(self.now, &introduction, address, node_address(0), seed);
        self.clients.push(client);
        self.parameters.push(parameters.clone());
        let parameters = Box::new(parameters);
        self.command(0, Command::AddPeer { peer: peer(place), parameters });
        place
    }

    /// Joins so many clients who may do everything, and waits until they are connected.
    pub fn with_clients(count: usize) -> World {
        World::with_clients_who_offer(count, |place| place % 2 == 0)
    }

    /// The same, where it is said who offers.
    pub fn with_clients_who_offer(count: usize, offers: fn(usize) -> bool) -> World {
        let mut world = World::new(1);
        world.next_offers = offers;
        for _ in 0..count {
            world.join(Permissions::ALL);
        }
        world.run(Duration::from_secs(2));
        assert!(world.clients.iter().all(|client| client.is_connected), "all are connected");
        world
    }

    /// Gives a command that must succeed.
    pub fn command(&mut self, node: usize, command: Command) {
        let text = format!("{command:?}");
        let error = self.try_command(node, Revision(1), command);
        assert_eq!(error, None, "{text}");
    }

    /// Gives a command and says how it failed.
    pub fn try_command(
        &mut self,
        node: usize,
        revision: Revision,
        command: Command,
    ) -> Option<CommandError> {
        self.requests += 1;
        let asked = RequestId(self.requests);
        let known = self.events.len();
        self.engines[node].handle_command(self.now, ROOM, revision, asked, command);
        self.take_output(node);
        let failed = self.events[known..].iter().find_map(|(_, event)| match event {
            Event::CommandFailed { request, error } if *request == asked => Some(error.clone()),
            _ => None,
        });
        self.events.retain(|(_, event)| !matches!(event, Event::CommandFailed { .. }));
        failed
    }

    pub fn publish(&mut self, place: usize, track: u64, parameters: PublicationParameters) {
        let track = track_id(track);
        self.command(0, Command::Publish { peer: peer(place), track, parameters });
    }

    pub fn subscribe(&mut self, place: usize, track: u64) {
        let parameters = subscription(track);
        let track = track_id(track);
        self.command(0, Command::Subscribe { peer: peer(place), track, parameters });
    }

    /// Lets time pass.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.take_all_output();
        while let Some(next) = self.next_moment().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.deliver();
            for node in 0..self.engines.len() {
                self.engines[node].handle_timeout(self.now);
            }
            for client in &mut self.clients {
                if client.transport.deadline().is_some_and(|due| due <= self.now) {
                    client.transport.handle_timeout(self.now);
                    client.collect();
                }
            }
            self.take_all_output();
        }
        self.now = end;
    }

    pub fn run_ms(&mut self, milliseconds: u64) {
        self.run(Duration::from_millis(milliseconds));
    }

    /// Calls of an engine's timeout while time passes and nothing else happens.
    pub fn count_timeouts(&mut self, node: usize, duration: Duration) -> usize {
        let end = self.now + duration;
        let mut calls = 0;
        loop {
            let due = self.engines[node].poll(self.now).deadline;
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.now = self.now.max(due);
            self.engines[node].handle_timeout(self.now);
            self.take_output(node);
            calls += 1;
        }
        self.now = end;
        calls
    }

    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.engines[0].counters().dropped(reason)
    }

    /// Whether a datagram is on its way.
    pub fn is_flying(&self, bytes: &[u8]) -> bool {
        self.flying.iter().any(|flying| flying.bytes == bytes)
    }

    fn next_moment(&mut self) -> Option<Instant> {
        let flying = self.flying.iter().map(|flying| flying.arrives);
        let clients = self.clients.iter().filter_map(|client| client.transport.deadline());
        let moments = flying.chain(clients).min();
        let now = self.now;
        let engines = self.engines.iter_mut().filter_map(|engine| engine.poll(now).deadline);
        engines.chain(moments).min()
    }

    fn deliver(&mut self) {
        let now = self.now;
        for _ in 0..self.flying.len() {
            let Some(mut flying) = self.flying.pop_front() else { return };
            if flying.arrives > now {
                self.flying.push_back(flying);
                continue;
            }
            let Flying { from, to, bytes, .. } = &mut flying;
            if let Some(client) = self.clients.iter_mut().find(|client| client.address == *to) {
                client.receive(now, *from, bytes);
            } else if let Some(node) = (0..self.engines.len()).find(|n| node_address(*n) == *to) {
                self.give(node, *from, bytes);
            }
        }
    }

    /// Gives an engine a datagram.
    pub fn give(&mut self, node: usize, from: SocketAddr, bytes: &mut [u8]) {
        let datagram = Datagram { local: node_address(node), remote: from, bytes };
        let progress = self.engines[node].handle_batch(self.now, std::iter::once(datagram));
        assert!(matches!(progress, Progress::Done | Progress::Flush));
    }

    pub fn take_all_output(&mut self) {
        for place in 0..self.clients.len() {
            let client = &mut self.clients[place];
            let from = client.address;
            for (to, bytes) in std::mem::take(&mut client.outgoing) {
                let arrives = self.now + self.delay;
                self.flying.push_back(Flying { arrives, from, to, bytes });
            }
        }
        for node in 0..self.engines.len() {
            self.take_output(node);
        }
    }

    fn take_output(&mut self, node: usize) {
        let from = node_address(node);
        let Output { outbox, events, .. } = self.engines[node].poll(self.now);
        for packet in outbox.packets() {
            let bytes = outbox.bytes(packet).to_vec();
            if self.lose_to == Some(packet.remote) && classify(&bytes) == Class::Rtp {
                self.lose_to = None;
                self.lost.push(bytes);
                continue;
            }
            let arrives = self.now + self.delay;
            self.flying.push_back(Flying { arrives, from, to: packet.remote, bytes });
        }
        self.events.extend(events.map(|(room, event)| {
            assert_eq!(room, ROOM);
            (node, event)
        }));
        self.engines[node].sent();
    }
}

pub fn peer(place: usize) -> PeerId {
    PeerId(1_000 + place as u64)
}

pub fn participant(place: usize) -> ParticipantId {
    ParticipantId(1 + place as u64)
}

pub fn codec(name: CodecName, payload_type: u8, rtx_payload_type: Option<u8>) -> Codec {
    let nack = rtx_payload_type.is_some();
    let feedback = Feedback { nack, pli: nack, fir: false, transport_wide: true, remb: false };
    Codec { name, payload_type, rtx_payload_type, format: String::new(), feedback }
}

/// A microphone that is found by its mid.
pub fn microphone(mid: &str) -> PublicationParameters {
    PublicationParameters {
        kind: MediaKind::Audio,
        source: Source::Microphone,
        mid: mid.to_owned(),
        codecs: vec![codec(CodecName::Opus, OPUS, None)],
        encodings: Vec::new(),
        muted: false,
    }
}

/// A video track with one encoding for each rid, whose SSRCs are not known beforehand.
pub fn camera(mid: &str, rids: &[&str]) -> PublicationParameters {
    let encoding = |rid: &&str| EncodingParameters { rid: (*rid).to_owned(), ..Default::default() };
    PublicationParameters {
        kind: MediaKind::Video,
        source: Source::Camera,
        mid: mid.to_owned(),
        codecs: vec![codec(CodecName::Vp8, VP8, Some(VP8_RTX))],
        encodings: rids.iter().map(encoding).collect(),
        muted: false,
    }
}

/// How every subscriber gets a track.
pub fn subscription(track: u64) -> SubscriptionParameters {
    let map =
        |from: u8, rtx: Option<u8>| PayloadMapping { from, to: from + SUBSCRIBER_OFFSET, rtx };
    SubscriptionParameters {
        mid: format!("s{track}"),
        ssrc: subscriber_ssrc(track),
        rtx_ssrc: Some(subscriber_ssrc(track) + 1),
        payloads: vec![map(OPUS, None), map(VP8, Some(VP8_RTX + SUBSCRIBER_OFFSET))],
        red: None,
        repeats: false,
    }
}

pub fn subscriber_ssrc(track: u64) -> u32 {
    7_000 + 10 * track as u32
}
