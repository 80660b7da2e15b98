//! The virtual world: nodes, clients and the networks between them, one event after another.

use crate::audit::traced;
use crate::node::{Node, Sent};
use crate::peer::{Join, Make, Message, Peer, media_kind};
use lectern_control::media::{
    EncodingParameters, PublicationParameters, Source as TrackSource, SubscriptionParameters,
};
use lectern_control::node::{Command, Event};
use lectern_control::transport::{Duty, PeerParameters};
use lectern_control::{RoomId, Secret, TrackId};
use lectern_sim::Source;
use lectern_sim::client;
use lectern_sim::frame::Codec;
use lectern_sim::ledger::{Expected, Ledger, Report};
use lectern_sim::network::Config;
use lectern_sim::source::{Config as SourceConfig, EncodingConfig};
use lectern_wire::DataSize;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The room in which everything happens, and one that must not notice.
pub const ROOM: RoomId = RoomId(1);
/// Bytes of IPv4 and UDP headers.
const HEADERS_LEN: u64 = 28;
/// From one request for a keyframe to the next.
const PATIENCE: Duration = Duration::from_millis(300);
/// A world that makes more steps than this in one run stands still.
const MAX_STEPS: u64 = 4_000_000;

/// A track that is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    pub id: TrackId,
    pub publisher: usize,
    /// Its place among the publisher's sources.
    pub source: usize,
    pub codec: Codec,
    pub interval: Duration,
    /// What stands in its stamps, for so many tracks.
    number: u8,
}

/// How a track is published.
#[derive(Debug, Clone)]
pub struct Publish {
    pub codec: Codec,
    pub interval: Duration,
    /// The rids, lowest quality first; one encoding without a rid where empty.
    pub rids: Vec<&'static str>,
    pub first_sequence: Option<u16>,
    pub max_packets: u8,
}

impl Publish {
    pub fn of(codec: Codec) -> Publish {
        Publish {
            codec,
            interval: Duration::from_millis(if codec.is_video() { 33 } else { 20 }),
            rids: Vec::new(),
            first_sequence: None,
            max_packets: 3,
        }
    }
}

/// Everything there is.
pub struct World {
    pub now: Instant,
    pub began: Instant,
    pub nodes: Vec<Node>,
    pub peers: Vec<Peer>,
    pub random: StdRng,
    pub tracks: Vec<Track>,
    /// What nodes sent to addresses that are no client's.
    others: Vec<(SocketAddr, Vec<u8>)>,
    room: RoomId,
}

impl World {
    /// A world with `nodes` nodes and nobody in it.
    pub fn new(seed: u64, nodes: u8) -> World {
        let began = Instant::now();
        client::seed(seed);
        World {
            now: began,
            began,
            nodes: (0..nodes).map(|number| Node::new(began, number, seed)).collect(),
            peers: Vec::new(),
            random: StdRng::seed_from_u64(seed),
            tracks: Vec::new(),
            others: Vec::new(),
            room: ROOM,
        }
    }

    /// A client that begins to connect to the first node.
    pub fn join(&mut self, join: &Join) -> usize {
        let number = self.peers.len() as u16 + 1;
        let standby = join.standby.map(|node| (node, self.nodes[node].candidate(1)));
        let peer = Peer::new(&Make {
            number,
            began: self.began,
            now: self.now,
            node: (0, self.nodes[0].candidate(0)),
            standby,
            join,
            seed: self.random.random(),
        });
        let add = |parameters: PeerParameters| Command::AddPeer {
            peer: peer.id,
            parameters: Box::new(parameters),
        };
        let active = add(peer.parameters.clone());
        let warm =
            add(PeerParameters { duty: Duty::Standby, generation: 1, ..peer.parameters.clone() });
        self.peers.push(peer);
        self.command(0, active);
        if let Some((node, _)) = standby {
            self.command(node, warm);
        }
        self.peers.len() - 1
    }

    /// Joins over the path without its faults, and waits until the client is connected and its
    /// data channels' association stands. What is resent in a handshake is resent at random
    /// moments: no seed could replay what comes after.
    pub fn connect(&mut self, join: &Join) -> usize {
        let Config { delay, jitter, rate, queue, .. } = join.network;
        let network = Config { delay, jitter, rate, queue, ..Config::default() };
        let peer = self.join(&Join { network, ..join.clone() });
        let limit = self.now + Duration::from_secs(20);
        while self.peers[peer].connected_at.is_none() {
            assert!(self.now < limit, "client {peer} is not connected after 20 s");
            self.run_for(Duration::from_millis(10));
        }
        self.run_for((delay + jitter) * 6);
        if let Some(node) = self.peers[peer].standby {
            let peer = self.peers[peer].id;
            self.command(node, Command::WarmStandby { peer });
            self.run_for((delay + jitter) * 6);
        }
        self.set_network(peer, &join.network);
        peer
    }

    /// Changes a client's path, in both directions.
    pub fn set_network(&mut self, peer: usize, network: &Config) {
        let peer = &mut self.peers[peer];
        peer.up.set_config(network.clone());
        peer.down.set_config(network.clone());
    }

    /// Publishes a track; frames come from now on.
    pub fn publish(&mut self, publisher: usize, publish: &Publish) -> Track {
        let id = self.tracks.len() as u64 + 1;
        let [incarnation, number] = (id as u16).to_be_bytes();
        let rids: Vec<Option<&str>> = match publish.rids.as_slice() {
            [] => vec![None],
            rids => rids.iter().copied().map(Some).collect(),
        };
        let encodings: Vec<EncodingConfig> =
            rids.iter().map(|rid| self.encoding(publish, *rid)).collect();
        let mid = format!("m{id}");
        let peer = &mut self.peers[publisher];
        let streams: Vec<_> = encodings
            .iter()
            .map(|encoding| (encoding.ssrc, encoding.rtx, encoding.rid.as_deref()))
            .collect();
        peer.client.publish(&mid, publish.codec, &streams);
        let parameters = PublicationParameters {
            kind: media_kind(publish.codec),
            source: TrackSource::Camera,
            mid: mid.clone(),
            codecs: vec![peer.codec(publish.codec)],
            encodings: rids
                .iter()
                .map(|rid| EncodingParameters {
                    rid: rid.unwrap_or_default().to_owned(),
                    ..EncodingParameters::default()
                })
                .collect(),
            muted: false,
        };
        let config = SourceConfig {
            track: number,
            codec: publish.codec,
            mid,
            incarnation,
            interval: publish.interval,
            payload_len: if publish.codec.is_video() { 1_000 } else { 120 },
            encodings,
        };
        let seed = self.random.random();
        let source = peer.sources.len();
        peer.sources.push(Source::new(self.now, config, seed));
        let (id, node, peer) = (TrackId(id), peer.node, peer.id);
        self.command(node, Command::Publish { peer, track: id, parameters });
        let Publish { codec, interval, .. } = *publish;
        let track = Track { id, publisher, source, codec, interval, number };
        self.tracks.push(track);
        track
    }

    fn encoding(&mut self, publish: &Publish, rid: Option<&str>) -> EncodingConfig {
        EncodingConfig {
            ssrc: self.random.random_range(1..u32::MAX),
            rtx: publish.codec.is_video().then(|| self.random.random_range(1..u32::MAX)),
            rid: rid.map(str::to_owned),
            // As RFC 3711 section 3.3.1 advises: the first packets may be lost.
            first_sequence: publish.first_sequence.unwrap_or(self.random.random_range(0..1 << 15)),
            first_timestamp: self.random.random(),
            max_packets: publish.max_packets,
        }
    }

    /// Begins a track anew under other SSRCs, as a page does that reopened its camera.
    pub fn restart(&mut self, track: Track) {
        let source = &self.peers[track.publisher].sources[track.source];
        let old = source.config().clone();
        let publish = Publish {
            max_packets: old.encodings[0].max_packets,
            interval: old.interval,
            ..Publish::of(track.codec)
        };
        let encodings: Vec<_> = old
            .encodings
            .iter()
            .map(|encoding| self.encoding(&publish, encoding.rid.as_deref()))
            .collect();
        let peer = &mut self.peers[track.publisher];
        for encoding in &encodings {
            let EncodingConfig { ssrc, rtx, rid, .. } = encoding;
            peer.client.change_ssrc(&old.mid, rid.as_deref(), *ssrc, *rtx);
        }
        peer.sources[track.source].restart(encodings);
    }

    /// Subscribes a client to a track; returns the place of its ledger.
    pub fn subscribe(&mut self, subscriber: usize, track: Track) -> usize {
        let (node, command) = self.subscription(subscriber, track);
        self.command(node, command);
        self.peers[subscriber].ledgers.len() - 1
    }

    /// Tries to subscribe a client that may not.
    pub fn subscribe_refused(
        &mut self,
        subscriber: usize,
        track: Track,
    ) -> Result<(), lectern_control::node::CommandError> {
        let (node, command) = self.subscription(subscriber, track);
        self.peers[subscriber].ledgers.pop();
        self.try_command(node, command)
    }

    /// The client expects a track under new SSRCs; the command that makes it come.
    fn subscription(&mut self, subscriber: usize, track: Track) -> (usize, Command) {
        let (ssrc, rtx) = (self.random.random_range(1..u32::MAX), self.random.random());
        let rtx = track.codec.is_video().then_some(rtx);
        let mid = format!("s{}x{}", track.number, self.peers[subscriber].ledgers.len());
        let publisher = &self.peers[track.publisher];
        let payloads = self.peers[subscriber].payloads_from(publisher);
        let peer = &mut self.peers[subscriber];
        peer.client.expect(&mid, track.codec, ssrc, rtx);
        let (payload_type, _) = peer.client.config().payload_types(track.codec);
        peer.ledgers.push(Ledger::new(Expected {
            track: track.number,
            codec: track.codec,
            ssrc,
            payload_type,
            interval: track.interval,
        }));
        let parameters = SubscriptionParameters {
            mid,
            ssrc,
            rtx_ssrc: rtx,
            payloads,
            red: None,
            repeats: false,
        };
        let (node, peer) = (peer.node, peer.id);
        (node, Command::Subscribe { peer, track: track.id, parameters })
    }

    /// Carries out a command that must succeed.
    pub fn command(&mut self, node: usize, command: Command) {
        let done = self.nodes[node].command(self.now, self.room, command);
        done.expect("the command is carried out");
        self.deliver_from_nodes();
    }

    /// Carries out a command that may be refused.
    pub fn try_command(
        &mut self,
        node: usize,
        command: Command,
    ) -> Result<(), lectern_control::node::CommandError> {
        let done = self.nodes[node].command(self.now, self.room, command);
        self.deliver_from_nodes();
        done
    }

    /// Gives a datagram to a node, as if it had come from `source`.
    pub fn inject(&mut self, node: usize, source: SocketAddr, bytes: Vec<u8>) {
        self.nodes[node].inbox.push((source, bytes));
        self.nodes[node].step(self.now);
        self.deliver_from_nodes();
    }

    /// Takes what nodes sent to an address that is no client's.
    pub fn take_for(&mut self, address: SocketAddr) -> Vec<Vec<u8>> {
        let (taken, rest) =
            std::mem::take(&mut self.others).into_iter().partition(|(to, _)| *to == address);
        self.others = rest;
        let taken: Vec<(SocketAddr, Vec<u8>)> = taken;
        taken.into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// Peers that have connected to a node so far.
    pub fn connected_peers(&self, node: usize) -> usize {
        let connected = |event: &Event| matches!(event, Event::PeerConnected { .. });
        self.nodes[node].events.iter().filter(|(_, event)| connected(event)).count()
    }

    /// Takes a peer's state from a node.
    pub fn export(&mut self, node: usize, peer: usize) -> Secret<Vec<u8>> {
        let id = self.peers[peer].id;
        self.command(node, Command::Export { peer: id });
        self.exported(node, peer)
    }

    /// The state of a peer that a node has given away.
    pub fn exported(&self, node: usize, peer: usize) -> Secret<Vec<u8>> {
        let id = self.peers[peer].id;
        let exported = self.nodes[node].events.iter().rev().find_map(|(_, event)| match event {
            Event::Exported { peer, state } if *peer == id => Some(state.clone()),
            _ => None,
        });
        exported.expect("the node gives the state away")
    }

    /// Gives a peer's state to another node, which goes on.
    pub fn restore(&mut self, node: usize, peer: usize, state: Secret<Vec<u8>>) {
        let moved = &mut self.peers[peer];
        moved.node = node;
        let parameters = PeerParameters { generation: 1, ..moved.parameters.clone() };
        let peer = moved.id;
        self.command(node, Command::Restore { peer, parameters: Box::new(parameters), state });
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        for steps in 0.. {
            assert!(steps < MAX_STEPS, "time stands still");
            let next = self.deadlines().min().unwrap_or(until);
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            self.step();
        }
        self.now = until;
    }

    /// Lets some of a range of milliseconds pass.
    pub fn run_for_some(&mut self, range_ms: std::ops::Range<u64>) {
        let time = self.random.random_range(range_ms);
        self.run_for(Duration::from_millis(time));
    }

    fn deadlines(&self) -> impl Iterator<Item = Instant> {
        let nodes = self.nodes.iter().filter_map(|node| node.deadline);
        let peers = self.peers.iter().flat_map(|peer| {
            let sources = peer.sources.iter().map(Source::deadline);
            let sources = sources.filter(|_| peer.connected_at.is_some() && !peer.is_closed);
            let links = peer.up.deadline().into_iter().chain(peer.down.deadline());
            [peer.client.deadline()].into_iter().chain(links).chain(sources)
        });
        nodes.chain(peers)
    }

    /// Everything that is due now.
    fn step(&mut self) {
        let now = self.now;
        for peer in &mut self.peers {
            while let Some((to, bytes)) = peer.up.pop(now) {
                if let Some(node) = self.nodes.iter_mut().find(|node| node.address == to) {
                    node.inbox.push((peer.client.config().address, bytes));
                }
            }
        }
        for node in &mut self.nodes {
            node.step(now);
        }
        self.deliver_from_nodes();
        for peer in &mut self.peers {
            peer.step(now);
        }
    }

    /// Puts what nodes have sent on the clients' links.
    fn deliver_from_nodes(&mut self) {
        let now = self.now;
        for node in &mut self.nodes {
            while let Some(Sent { to, bytes }) = node.outbox.pop_front() {
                let Some(peer) = self.peers.iter_mut().find(|peer| peer.address() == to) else {
                    self.others.push((to, bytes));
                    continue;
                };
                peer.audit.record(&bytes);
                peer.trace.push(traced(now - self.began, &bytes));
                let size = DataSize::bytes(bytes.len() as u64 + HEADERS_LEN);
                peer.down.push(now, size, (node.address, bytes));
            }
        }
    }

    /// What a subscriber has received of its `ledger`-th subscription.
    pub fn report(&self, subscriber: usize, ledger: usize) -> Report {
        self.peers[subscriber].ledgers[ledger].report()
    }
}

impl Peer {
    /// Takes what has arrived, sends what is due, notes what happened.
    fn step(&mut self, now: Instant) {
        while let Some((from, bytes)) = self.down.pop(now) {
            self.client.handle_datagram(now, from, &bytes);
        }
        if self.client.deadline() <= now {
            self.client.handle_timeout(now);
        }
        self.take_events(now);
        if self.connected_at.is_some() && !self.is_closed {
            for source in &mut self.sources {
                for packet in source.produce(now) {
                    self.client.send(now, packet);
                }
            }
        }
        self.take_events(now);
        self.ask_for_keyframes(now);
        while let Some((to, bytes)) = self.client.poll_transmit() {
            let size = DataSize::bytes(bytes.len() as u64 + HEADERS_LEN);
            self.trace.push(traced(now - self.began, &bytes));
            if let Some(captured) = &mut self.captured {
                captured.push(bytes.clone());
            }
            self.up.push(now, size, (to, bytes));
        }
    }

    /// As a decoder does that has nothing to begin with: the first packet was lost.
    fn ask_for_keyframes(&mut self, now: Instant) {
        if self.asked_at.is_some_and(|asked| now < asked + PATIENCE) {
            return;
        }
        for ledger in self.ledgers.iter().filter(|ledger| ledger.is_blind()) {
            self.client.request_keyframe(ledger.expected().ssrc);
            self.asked_at = Some(now);
        }
    }

    fn take_events(&mut self, now: Instant) {
        while let Some(event) = self.client.poll_event() {
            match event {
                client::Event::Connected => {
                    self.connected_at.get_or_insert(now);
                }
                client::Event::Closed => self.is_closed = true,
                client::Event::Received(packet) => {
                    let ssrc = packet.ssrc;
                    if let Some(ledger) =
                        self.ledgers.iter_mut().find(|l| l.expected().ssrc == ssrc)
                    {
                        ledger.record(now, &packet);
                    } else if let Some(listener) =
                        self.listeners.iter_mut().find(|l| l.expected().ssrc == ssrc)
                    {
                        listener.record(now, &packet);
                    } else {
                        self.strays.push(packet);
                    }
                }
                client::Event::KeyframeWanted { mid, rid } => {
                    self.keyframe_requests += 1;
                    for source in self.sources.iter_mut().filter(|s| s.config().mid == mid) {
                        source.request_keyframe(rid.as_deref());
                    }
                }
                client::Event::ChannelOpen { channel, label } => {
                    self.channels.push((channel, label));
                }
                client::Event::Message { channel, bytes } => {
                    let known = self.channels.iter().find(|(known, _)| *known == channel);
                    let label = known.map(|(_, label)| label.clone()).unwrap_or_default();
                    self.messages.push(Message { label, bytes });
                }
                client::Event::Failed(error) => panic!("the client failed: {error}"),
            }
        }
    }
}
