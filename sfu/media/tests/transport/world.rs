//! Transports and clients on a network of lossy paths, in virtual time from a seed.

use lectern_control::transport::{
    Candidate, ChannelParameters, DataParameters, DtlsIdentity, DtlsRole, Duty, Fingerprint,
    IceCredentials, IceRole, PeerParameters, Permissions, RemoteParameters, candidate_priority,
};
use lectern_control::{ParticipantId, Secret};
use lectern_media::DropReason;
use lectern_media::transport::{Event, Transport};
use lectern_sim::{Client, client};
use lectern_wire::stun::Message;
use lectern_wire::{Class, classify};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub const NODE_A: &str = "198.51.100.1:3478";
pub const NODE_B: &str = "198.51.100.2:3478";
pub const CLIENT: &str = "203.0.113.9:40000";

pub fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A certificate with its key, and its fingerprint.
pub fn identity() -> (DtlsIdentity, Fingerprint) {
    let made =
        rcgen::generate_simple_self_signed(vec!["webrtc".to_owned()]).expect("a certificate");
    identity_of(made.cert.der().to_vec(), made.signing_key.serialize_der())
}

pub fn identity_of(certificate: Vec<u8>, key: Vec<u8>) -> (DtlsIdentity, Fingerprint) {
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
    let fingerprint = Fingerprint(digest.as_ref().try_into().expect("32 bytes"));
    (DtlsIdentity { certificate, private_key: Secret::new(key) }, fingerprint)
}

pub fn credentials(name: &str) -> IceCredentials {
    let pwd = Secret::new(format!("{name}-password-of-many-bits"));
    IceCredentials { ufrag: format!("ufrag-{name}"), pwd }
}

pub fn channel(label: &str, max_retransmits: Option<u16>) -> ChannelParameters {
    let ordered = max_retransmits.is_none();
    ChannelParameters { label: label.to_owned(), ordered, max_retransmits }
}

/// Parameters of a transport that the server offers: controlling, DTLS server.
pub fn parameters(identity: &DtlsIdentity) -> PeerParameters {
    PeerParameters {
        participant: ParticipantId(1),
        duty: Duty::Active,
        ice_role: IceRole::Controlling,
        ice: credentials("node"),
        generation: 0,
        dtls: identity.clone(),
        remote: None,
        extensions: Vec::new(),
        permissions: Permissions::ALL,
        data: DataParameters::default(),
    }
}

pub fn remote(
    ice: IceCredentials,
    fingerprint: Fingerprint,
    dtls_role: DtlsRole,
    candidates: &[SocketAddr],
) -> RemoteParameters {
    let candidate =
        |address: &SocketAddr| Candidate { address: *address, priority: candidate_priority(0, 0) };
    let candidates = candidates.iter().map(candidate).collect();
    RemoteParameters { ice, fingerprint, dtls_role, candidates }
}

/// One of our transports and what it did.
pub struct Node {
    pub transport: Transport,
    pub events: Vec<Event>,
    pub drops: Vec<DropReason>,
    /// SSRC and index of each RTP packet that was opened, with its payload.
    pub rtp: Vec<(u32, u64, Vec<u8>)>,
    pub rtcp: usize,
}

impl Node {
    pub fn new(transport: Transport) -> Node {
        Node { transport, events: Vec::new(), drops: Vec::new(), rtp: Vec::new(), rtcp: 0 }
    }

    pub fn is_connected(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Connected(_)))
    }

    pub fn messages(&self, wanted: &str) -> Vec<Vec<u8>> {
        let payload = |event: &Event| match event {
            Event::Message { label, payload, .. } if label == wanted => Some(payload.to_vec()),
            _ => None,
        };
        self.events.iter().filter_map(payload).collect()
    }

    pub fn receive(&mut self, now: Instant, local: SocketAddr, from: SocketAddr, bytes: &mut [u8]) {
        let outcome = match classify(bytes) {
            Class::Stun => match Message::parse(bytes) {
                Ok(message) => self.transport.handle_stun(now, local, from, &message),
                Err(_) => Err(DropReason::Malformed),
            },
            Class::Dtls => self.transport.handle_dtls(now, from, bytes),
            Class::Rtp if self.transport.accepts(from) => {
                self.transport.open_rtp(bytes).map(|opened| {
                    let ssrc = u32::from_be_bytes(bytes[8..12].try_into().expect("4 bytes"));
                    self.rtp.push((ssrc, opened.index, bytes[12..opened.len].to_vec()));
                })
            }
            Class::Rtcp if self.transport.accepts(from) => {
                self.transport.open_rtcp(bytes).map(|_| self.rtcp += 1)
            }
            Class::Rtp | Class::Rtcp => Err(DropReason::UnknownAddress),
            Class::Unknown => Err(DropReason::UnknownProtocol),
        };
        self.drops.extend(outcome.err());
    }
}

/// A client of another make and what it did.
pub struct Browser {
    pub client: Client,
    pub events: Vec<client::Event>,
}

impl Browser {
    pub fn is_connected(&self) -> bool {
        self.events.iter().any(|event| matches!(event, client::Event::Connected))
    }

    pub fn received(&self) -> impl Iterator<Item = &client::Received> {
        self.events.iter().filter_map(|event| match event {
            client::Event::Received(received) => Some(received),
            _ => None,
        })
    }

    pub fn messages(&self) -> Vec<Vec<u8>> {
        let bytes = |event: &client::Event| match event {
            client::Event::Message { bytes, .. } => Some(bytes.clone()),
            _ => None,
        };
        self.events.iter().filter_map(bytes).collect()
    }
}

pub enum End {
    Node(Box<Node>),
    Browser(Box<Browser>),
}

/// A datagram as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at: Instant,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// A NAT before one address: another outer port for each destination, nothing unsolicited let in.
#[derive(Default)]
pub struct Nat {
    inside: Option<SocketAddr>,
    first_port: u16,
    mappings: BTreeMap<SocketAddr, SocketAddr>,
}

impl Nat {
    pub fn before(inside: SocketAddr) -> Nat {
        Nat { inside: Some(inside), first_port: 50_000, mappings: BTreeMap::new() }
    }

    /// Forgets all mappings; new ones get other ports.
    pub fn rebind(&mut self) {
        self.mappings.clear();
        self.first_port += 1_000;
    }

    fn out(&mut self, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        if self.inside != Some(from) {
            return from;
        }
        let next = SocketAddr::new(from.ip(), self.first_port + self.mappings.len() as u16);
        *self.mappings.entry(to).or_insert(next)
    }

    fn back(&self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        match self.inside {
            Some(inside) if inside.ip() == to.ip() => {
                (self.mappings.get(&from) == Some(&to)).then_some(inside)
            }
            _ => Some(to),
        }
    }
}

/// Says which datagrams are to be dropped.
pub type Filter = Box<dyn FnMut(&Sent) -> bool>;

pub struct World {
    pub now: Instant,
    pub began: Instant,
    pub loss: f64,
    pub delay: Duration,
    pub nat: Nat,
    /// Everything sent, if it is to be kept.
    pub wire: Option<Vec<Sent>>,
    /// Ends that neither send nor receive any more.
    pub dead: BTreeSet<SocketAddr>,
    /// Drops, on top of chance, what it says yes to.
    pub filter: Option<Filter>,
    ends: Vec<(SocketAddr, End)>,
    queue: BTreeMap<(Instant, u64), Sent>,
    count: u64,
    random: StdRng,
}

impl World {
    pub fn new(seed: u64) -> World {
        let now = Instant::now();
        World {
            now,
            began: now,
            loss: 0.0,
            delay: Duration::from_millis(10),
            nat: Nat::default(),
            wire: None,
            dead: BTreeSet::new(),
            filter: None,
            ends: Vec::new(),
            queue: BTreeMap::new(),
            count: 0,
            random: StdRng::seed_from_u64(seed),
        }
    }

    pub fn random(&mut self) -> [u8; 32] {
        self.random.random()
    }

    pub fn add_node(&mut self, at: &str, parameters: &PeerParameters) {
        let at = address(at);
        let random = self.random();
        let transport = Transport::new(self.now, parameters, &[at], random).expect("a transport");
        self.ends.push((at, End::Node(Box::new(Node::new(transport)))));
    }

    pub fn add_transport(&mut self, at: &str, transport: Transport) {
        self.ends.push((address(at), End::Node(Box::new(Node::new(transport)))));
    }

    pub fn add_browser(&mut self, client: Client) {
        let at = client.config().address;
        let browser = Browser { client, events: Vec::new() };
        self.ends.push((at, End::Browser(Box::new(browser))));
    }

    pub fn node(&mut self, at: &str) -> &mut Node {
        let at = address(at);
        let end = self.ends.iter_mut().find(|(there, _)| *there == at);
        match end {
            Some((_, End::Node(node))) => node,
            _ => panic!("no node at {at}"),
        }
    }

    pub fn browser(&mut self) -> &mut Browser {
        let browser = |(_, end)| match end {
            &mut End::Browser(ref mut browser) => Some(browser),
            End::Node(_) => None,
        };
        self.ends.iter_mut().map(|(at, end)| (at, end)).find_map(browser).expect("a browser")
    }

    /// Puts a datagram on the wire.
    pub fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if self.dead.contains(&from) {
            return;
        }
        let from = self.nat.out(from, to);
        let sent = Sent { at: self.now, from, to, bytes };
        if let Some(wire) = &mut self.wire {
            wire.push(sent.clone());
        }
        let is_filtered = self.filter.as_mut().is_some_and(|filter| filter(&sent));
        if is_filtered || self.random.random_bool(self.loss) {
            return;
        }
        self.count += 1;
        let jitter = self.delay.mul_f64(self.random.random_range(0.0..0.2));
        self.queue.insert((self.now + self.delay + jitter, self.count), sent);
    }

    /// Seals and sends an RTP packet of a node.
    pub fn send_rtp(&mut self, at: &str, ssrc: u32, index: u64, payload: &[u8]) {
        let packet = rtp(ssrc, index, payload);
        let len = packet.len();
        let mut buffer = packet;
        buffer.resize(len + Transport::MAX_OVERHEAD, 0);
        let transport = &mut self.node(at).transport;
        let len = transport.seal_rtp(index, &mut buffer, len).expect("seals");
        let to = transport.send_to().expect("connected");
        buffer.truncate(len);
        self.send(address(at), to, buffer);
    }

    /// Seals and sends a picture loss indication of a node.
    pub fn send_rtcp(&mut self, at: &str, media: u32) {
        let mut buffer = vec![0x81, 206, 0, 2, 0, 0, 0, 1];
        buffer.extend(media.to_be_bytes());
        let len = buffer.len();
        buffer.resize(len + Transport::MAX_OVERHEAD, 0);
        let transport = &mut self.node(at).transport;
        let len = transport.seal_rtcp(&mut buffer, len).expect("seals");
        let to = transport.send_to().expect("connected");
        buffer.truncate(len);
        self.send(address(at), to, buffer);
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until something is so; says whether it came to be.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut World) -> bool) -> bool {
        let end = self.now + limit;
        let mut steps_at_once = 0;
        loop {
            self.flush();
            if done(self) {
                return true;
            }
            let arrival = self.queue.first_key_value().map(|((at, _), _)| *at);
            let deadlines = self.ends.iter().filter(|(at, _)| !self.dead.contains(at));
            let deadline = deadlines.filter_map(|(_, end)| match end {
                End::Node(node) => node.transport.deadline(),
                End::Browser(browser) => Some(browser.client.deadline()),
            });
            let next = deadline.chain(arrival).min().map(|next| next.max(self.now));
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            steps_at_once = if next > self.now { 0 } else { steps_at_once + 1 };
            assert!(steps_at_once < 1_000, "something is due for ever at {:?}", self.due(next));
            self.now = next;
            self.step();
        }
    }

    fn due(&self, now: Instant) -> Vec<SocketAddr> {
        let is_due = |end: &End| match end {
            End::Node(node) => node.transport.deadline().is_some_and(|deadline| deadline <= now),
            End::Browser(browser) => browser.client.deadline() <= now,
        };
        self.ends.iter().filter(|(_, end)| is_due(end)).map(|(at, _)| *at).collect()
    }

    fn step(&mut self) {
        let now = self.now;
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let sent = entry.remove();
            self.deliver(sent);
        }
        for (at, end) in &mut self.ends {
            if self.dead.contains(at) {
                continue;
            }
            match end {
                End::Node(node) => {
                    if node.transport.deadline().is_some_and(|deadline| deadline <= now) {
                        node.transport.handle_timeout(now);
                    }
                }
                End::Browser(browser) => {
                    if browser.client.deadline() <= now {
                        browser.client.handle_timeout(now);
                    }
                }
            }
        }
    }

    fn deliver(&mut self, mut sent: Sent) {
        let Some(to) = self.nat.back(sent.from, sent.to) else { return };
        if self.dead.contains(&to) {
            return;
        }
        let end = self.ends.iter_mut().find(|(at, _)| *at == to);
        match end {
            Some((_, End::Node(node))) => node.receive(self.now, to, sent.from, &mut sent.bytes),
            Some((_, End::Browser(browser))) => {
                browser.client.handle_datagram(self.now, sent.from, &sent.bytes);
            }
            None => {}
        }
    }

    /// Takes what the ends want to send and to tell.
    fn flush(&mut self) {
        let mut all = Vec::new();
        for (at, end) in &mut self.ends {
            match end {
                End::Node(node) => {
                    while let Some(transmit) = node.transport.poll_transmit() {
                        all.push((*at, transmit.remote, transmit.bytes.to_vec()));
                    }
                    while let Some(event) = node.transport.poll_event() {
                        node.events.push(event);
                    }
                }
                End::Browser(browser) => {
                    while let Some((to, bytes)) = browser.client.poll_transmit() {
                        all.push((*at, to, bytes));
                    }
                    while let Some(event) = browser.client.poll_event() {
                        browser.events.push(event);
                    }
                }
            }
        }
        for (from, to, bytes) in all {
            self.send(from, to, bytes);
        }
    }
}

/// A plain RTP packet of payload type 96.
pub fn rtp(ssrc: u32, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend((index as u16).to_be_bytes());
    packet.extend((index as u32).wrapping_mul(3_000).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// All (key owner, SSRC or kind, index) that nodes sent; panics where one comes twice.
///
/// SRTP sequence numbers are extended as their receiver does it; SRTCP indices and DTLS record
/// numbers stand in the packets.
pub fn assert_no_index_twice(wire: &[Sent], nodes: &[&str], rtcp_tag_len: usize) -> Indices {
    let nodes: Vec<SocketAddr> = nodes.iter().map(|at| address(at)).collect();
    let mut indices = Indices::default();
    let mut highest: BTreeMap<u32, u64> = BTreeMap::new();
    for sent in wire.iter().filter(|sent| nodes.contains(&sent.from)) {
        let bytes = &sent.bytes;
        match classify(bytes) {
            Class::Rtp => {
                let ssrc = u32::from_be_bytes(bytes[8..12].try_into().expect("4 bytes"));
                let sequence = u16::from_be_bytes([bytes[2], bytes[3]]);
                let last = highest.entry(ssrc).or_insert(u64::from(sequence));
                let delta = sequence.wrapping_sub(*last as u16) as i16;
                let index = last.checked_add_signed(delta.into()).expect("no wrap below zero");
                *last = (*last).max(index);
                assert!(indices.rtp.insert((ssrc, index)), "SRTP index {index} of {ssrc} twice");
            }
            Class::Rtcp => {
                let ssrc = u32::from_be_bytes(bytes[4..8].try_into().expect("4 bytes"));
                let end = bytes.len() - rtcp_tag_len;
                let word = bytes[end - 4..end].try_into().expect("4 bytes");
                let index = u32::from_be_bytes(word);
                assert!(indices.rtcp.insert((ssrc, index)), "SRTCP index {index:x} twice");
            }
            Class::Dtls => {
                let mut rest = &bytes[..];
                while rest.len() >= 13 {
                    let number = u64::from_be_bytes(rest[3..11].try_into().expect("8 bytes"));
                    assert!(indices.dtls.insert(number), "DTLS record {number:x} twice");
                    let len = usize::from(u16::from_be_bytes([rest[11], rest[12]]));
                    rest = &rest[13 + len..];
                }
            }
            Class::Stun | Class::Unknown => {}
        }
    }
    indices
}

#[derive(Default)]
pub struct Indices {
    pub rtp: BTreeSet<(u32, u64)>,
    pub rtcp: BTreeSet<(u32, u32)>,
    pub dtls: BTreeSet<u64>,
}
