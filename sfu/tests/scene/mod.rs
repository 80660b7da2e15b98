//! A running node with real sockets, the controller's end of its link, and clients of another make.

use bytes::Bytes;
use lectern_control::delivery::Number;
use lectern_control::media::{
    Codec, CodecName, EncodingParameters, Extension, ExtensionId, Feedback, MediaKind,
    PayloadMapping, PublicationParameters, Source, SubscriptionParameters,
};
use lectern_control::node::{Command, Event, FromNode, Hello, ToNode};
use lectern_control::transport::{
    Candidate, DataParameters, DtlsIdentity, DtlsRole, Duty, Fingerprint, IceCredentials, IceRole,
    PeerParameters, Permissions, RemoteParameters,
};
use lectern_control::{
    ParticipantId, PeerId, RequestId, Revision, RoomId, Secret, TrackId, Version, frame, relay,
};
use lectern_sfu::{Config, Dial, Error, Link};
use lectern_sim::client::{self, Client};
use lectern_sim::frame::Codec as SimCodec;
use lectern_sim::ledger::{Expected, Ledger};
use lectern_sim::negotiated::{self, HeaderExtension};
use lectern_sim::source;
use prometheus::{Registry, TextEncoder};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer, even on a machine that does other things.
pub const PATIENCE: Duration = Duration::from_secs(20);
const FRAME: Duration = Duration::from_millis(33);
const PAYLOAD_LEN: usize = 1_100;

/// A node, and the controller's end of its link.
pub struct Scene {
    runtime: Runtime,
    links: mpsc::Sender<Link>,
    link: Option<(mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>)>,
    stop: CancellationToken,
    node: JoinHandle<Result<(), Error>>,
    registry: Registry,
    dials: mpsc::Receiver<Dial>,
    requests: u64,
    /// What the node said of itself on the latest link.
    pub hello: Hello,
    /// Heartbeats and events so far.
    pub heard: Vec<FromNode>,
}

impl Scene {
    /// A node with so many workers, linked and welcomed.
    pub fn new(workers: u16) -> Scene {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let config = Config {
            name: "node-1".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            workers,
            ..Config::default()
        };
        let (links, links_in) = mpsc::channel(1);
        let (stop, registry) = (CancellationToken::new(), Registry::new());
        let (dials_in, dials) = mpsc::channel(4);
        let running = lectern_sfu::run(config, registry.clone(), links_in, dials_in, stop.clone());
        let node = runtime.spawn(running);
        let mut scene = Scene {
            runtime,
            links,
            link: None,
            stop,
            node,
            registry,
            dials,
            requests: 0,
            hello: Hello {
                version: Version::CURRENT,
                node: "nobody".parse().expect("a name"),
                region: String::new(),
                failure_domain: String::new(),
                capacity: lectern_control::node::Capacity { workers: 0, peers: 0, egress_bps: 0 },
                addresses: Vec::new(),
                rooms: Vec::new(),
                heard: None,
                kept_after: Number::default(),
            },
            heard: Vec::new(),
        };
        scene.link(Version::CURRENT);
        scene
    }

    /// Makes a new link and answers the node's hello with a version.
    pub fn link(&mut self, version: Version) {
        let (out, out_in) = mpsc::channel(1_024);
        let (to_node, in_out) = mpsc::channel(1_024);
        self.runtime.block_on(self.links.send((out, in_out))).expect("the node takes links");
        self.link = Some((to_node, out_in));
        match self.next_message() {
            Some(FromNode::Hello(hello)) => self.hello = hello,
            other => panic!("the first message is {other:?}"),
        }
        let (heard, said) = (self.hello.kept_after, Number::default());
        self.tell(&ToNode::Welcome { version, heard, said });
    }

    /// Cuts the link.
    pub fn unlink(&mut self) {
        self.link = None;
    }

    /// Waits until the node has let go of the link.
    pub fn wait_for_hang_up(&mut self) {
        let end = Instant::now() + PATIENCE;
        while self.next_message().is_some() {
            assert!(Instant::now() < end, "the link is still up");
        }
    }

    /// Takes a link that the node wants to a recorder, and welcomes it.
    pub fn recorder_link(&mut self) -> Link {
        let dial = self.runtime.block_on(self.dials.recv()).expect("a node");
        let (to_recorder, from_node) = mpsc::channel(1_024);
        let (to_node, from_recorder) = mpsc::channel(1_024);
        dial.link.send((to_recorder, from_recorder)).expect("it waits");
        let welcome = relay::ToNode::Welcome { version: Version::CURRENT };
        let welcome = frame::encode(&welcome).expect("encodes");
        self.runtime.block_on(to_node.send(welcome)).expect("it listens");
        (to_node, from_node)
    }

    /// Sends raw bytes to the node.
    pub fn tell_bytes(&mut self, bytes: Bytes) {
        let (to_node, _) = self.link.as_ref().expect("linked");
        self.runtime.block_on(to_node.send(bytes)).expect("the node listens");
    }

    /// Sends a command about a room.
    pub fn command(&mut self, room: RoomId, command: Command) {
        self.requests += 1;
        let (request, revision) = (RequestId(self.requests), Revision(1));
        let number = Number(self.requests);
        self.tell(&ToNode::Command { request, room, revision, command, number });
    }

    /// Takes what the node has said, without waiting.
    pub fn listen(&mut self) {
        let Some((_, from_node)) = &mut self.link else { return };
        while let Ok(message) = from_node.try_recv() {
            self.heard.push(frame::decode(&message).expect("a message"));
        }
    }

    /// The events of a room so far.
    pub fn events(&self, room: RoomId) -> impl Iterator<Item = &Event> {
        self.heard.iter().filter_map(move |message| match message {
            FromNode::Event { room: of, event, .. } if *of == room => Some(event),
            _ => None,
        })
    }

    /// The value of one metric, by its whole name with labels.
    pub fn metric(&self, name: &str) -> f64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).expect("metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no metric {name}")).parse().expect("a number")
    }

    /// Waits until a metric says what is wanted.
    pub fn wait_for_metric(&mut self, name: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        let end = Instant::now() + PATIENCE;
        loop {
            self.listen();
            let value = self.metric(name);
            if wanted(value) {
                return value;
            }
            assert!(Instant::now() < end, "{name} is {value}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops the node and says how it ended.
    pub fn stop(self) -> Result<(), Error> {
        self.stop.cancel();
        self.runtime.block_on(self.node).expect("the node does not panic")
    }

    /// Lets the clients run until something is so.
    pub fn run_until(&mut self, people: &mut [Person], done: impl Fn(&Scene, &[Person]) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done(self, people) {
            assert!(Instant::now() < end, "it did not happen: {}", describe(people));
            self.step(people);
        }
    }

    /// Lets the clients run for a while.
    pub fn run_for(&mut self, people: &mut [Person], time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.step(people);
        }
    }

    fn step(&mut self, people: &mut [Person]) {
        self.listen();
        let moved = people.iter_mut().map(Person::step).fold(false, |moved, more| moved | more);
        if !moved {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn tell(&mut self, message: &ToNode) {
        self.tell_bytes(frame::encode(message).expect("encodes"));
    }

    fn next_message(&mut self) -> Option<FromNode> {
        let (_, from_node) = self.link.as_mut()?;
        let message = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, from_node.recv()).await.expect("the node speaks")
        });
        message.map(|message| frame::decode(&message).expect("a message"))
    }
}

fn describe(people: &[Person]) -> String {
    let one = |person: &Person| {
        let Person { peer, connected, wrong, .. } = person;
        format!("{peer}: connected {connected}, received {}, {wrong:?}", person.received())
    };
    people.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A client in a room, on a socket of its own.
pub struct Person {
    room: RoomId,
    /// Its transport.
    pub peer: PeerId,
    client: Client,
    socket: UdpSocket,
    sources: Vec<lectern_sim::Source>,
    ledgers: Vec<Ledger>,
    sends: bool,
    /// ICE and DTLS are done.
    pub connected: bool,
    /// What should not have happened.
    pub wrong: Vec<String>,
}

impl Person {
    /// Brings a person into a room: the node gets the peer, the client begins to connect.
    pub fn join(scene: &mut Scene, room: RoomId, number: u64, ice_role: IceRole) -> Person {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("binds");
        socket.set_nonblocking(true).expect("non-blocking");
        let config = negotiated::Config {
            address: socket.local_addr().expect("bound"),
            ufrag: format!("client{number}"),
            password: format!("password-of-client-{number:08}"),
            is_controlling: ice_role == IceRole::Controlled,
            begins_dtls: true,
            first_payload_type: 96,
            first_extension: 1,
        };
        let mut client = Client::new(Instant::now(), config.clone());
        let (dtls, fingerprint) = identity();
        let ice = IceCredentials {
            ufrag: format!("node{number}"),
            pwd: Secret::new(format!("password-of-the-node-{number:08}")),
        };
        let peer = PeerId(number);
        let remote = RemoteParameters {
            ice: IceCredentials {
                ufrag: config.ufrag.clone(),
                pwd: Secret::new(config.password.clone()),
            },
            fingerprint: Fingerprint(client.fingerprint()),
            dtls_role: DtlsRole::Server,
            candidates: vec![Candidate { address: config.address, priority: 2_130_706_431 }],
        };
        let parameters = PeerParameters {
            participant: ParticipantId(number),
            duty: Duty::Active,
            ice_role,
            ice: ice.clone(),
            generation: 0,
            dtls,
            remote: Some(remote),
            extensions: extensions(&config),
            permissions: Permissions::ALL,
            data: DataParameters::default(),
        };
        scene.command(room, Command::AddPeer { peer, parameters: Box::new(parameters) });
        let priority = lectern_control::transport::candidate_priority(0, 0);
        client.connect(&negotiated::Remote {
            ufrag: ice.ufrag,
            password: ice.pwd.expose().clone(),
            fingerprint,
            candidates: scene.hello.addresses.iter().map(|a| (*a, priority)).collect(),
        });
        let (sources, ledgers) = (Vec::new(), Vec::new());
        Person {
            room,
            peer,
            client,
            socket,
            sources,
            ledgers,
            sends: false,
            connected: false,
            wrong: Vec::new(),
        }
    }

    /// Publishes a picture.
    pub fn publish(&mut self, scene: &mut Scene, track: TrackId) {
        let (ssrc, rtx) = (10_000 + track.0 as u32, 20_000 + track.0 as u32);
        let (payload_type, rtx_payload_type) = self.client.config().payload_types(SimCodec::Vp8);
        let mid = format!("m{}", track.0);
        self.client.publish(&mid, SimCodec::Vp8, &[(ssrc, Some(rtx), None)]);
        let feedback =
            Feedback { nack: true, pli: true, fir: false, transport_wide: true, remb: false };
        let encoding =
            EncodingParameters { ssrc: Some(ssrc), rtx_ssrc: Some(rtx), ..Default::default() };
        let parameters = PublicationParameters {
            kind: MediaKind::Video,
            source: Source::Screen,
            mid: mid.clone(),
            codecs: vec![Codec {
                name: CodecName::Vp8,
                payload_type,
                rtx_payload_type,
                format: String::new(),
                feedback,
            }],
            encodings: vec![encoding],
            muted: false,
        };
        scene.command(self.room, Command::Publish { peer: self.peer, track, parameters });
        let config = source::Config {
            track: track.0 as u8,
            incarnation: 0,
            codec: SimCodec::Vp8,
            mid,
            interval: FRAME,
            payload_len: PAYLOAD_LEN,
            encodings: vec![source::EncodingConfig {
                ssrc,
                rtx: Some(rtx),
                rid: None,
                first_sequence: 65_500,
                first_timestamp: 7,
                max_packets: 6,
            }],
        };
        self.sources.push(lectern_sim::Source::new(Instant::now(), config, track.0));
    }

    /// Sends what it publishes from now on, beginning with a keyframe.
    pub fn begin(&mut self) {
        self.sends = true;
        for source in &mut self.sources {
            *source = lectern_sim::Source::new(Instant::now(), source.config().clone(), 1);
        }
    }

    /// Subscribes to a picture.
    pub fn subscribe(&mut self, scene: &mut Scene, track: TrackId) {
        let (ssrc, rtx) = (30_000 + track.0 as u32, 40_000 + track.0 as u32);
        let (payload_type, rtx_payload_type) = self.client.config().payload_types(SimCodec::Vp8);
        let mid = format!("s{}", track.0);
        self.client.expect(&mid, SimCodec::Vp8, ssrc, Some(rtx));
        let mapping =
            PayloadMapping { from: payload_type, to: payload_type, rtx: rtx_payload_type };
        let parameters = SubscriptionParameters {
            mid,
            ssrc,
            rtx_ssrc: Some(rtx),
            payloads: vec![mapping],
            red: None,
            repeats: false,
        };
        scene.command(self.room, Command::Subscribe { peer: self.peer, track, parameters });
        self.ledgers.push(Ledger::new(Expected {
            track: track.0 as u8,
            codec: SimCodec::Vp8,
            ssrc,
            payload_type,
            interval: FRAME,
        }));
    }

    /// Leaves; the client goes on listening.
    pub fn leave(&mut self, scene: &mut Scene) {
        scene.command(self.room, Command::RemovePeer { peer: self.peer });
    }

    /// Packets received so far, of all tracks.
    pub fn received(&self) -> u64 {
        self.ledgers.iter().map(Ledger::received).sum()
    }

    /// Whether what it received first begins a keyframe.
    pub fn began_with_a_keyframe(&self) -> bool {
        let first = |ledger: &Ledger| ledger.report().ends.map(|(first, _)| first);
        self.ledgers.iter().all(|ledger| first(ledger).is_some_and(|stamp| stamp.starts_keyframe()))
    }

    /// Reads the ledgers: nothing missing, nothing wrong.
    pub fn assert_whole(&self) {
        assert!(self.wrong.is_empty(), "{:?}: {:?}", self.peer, self.wrong);
        for ledger in &self.ledgers {
            let report = ledger.report();
            assert!(report.faults.is_empty(), "{:?}: {:?}", self.peer, report.faults);
            assert_eq!((report.missing, report.jumps), (0, 0), "{:?}: {report:?}", self.peer);
            assert!(report.whole_keyframes > 0, "{:?}: {report:?}", self.peer);
        }
    }

    /// Does what there is to do; says whether there was anything.
    fn step(&mut self) -> bool {
        let mut moved = false;
        let mut buffer = [0; 2048];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((len, from)) => {
                    moved = true;
                    self.client.handle_datagram(Instant::now(), from, &buffer[..len]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("a client's socket: {error}"),
            }
        }
        let now = Instant::now();
        if self.sends && self.connected {
            for source in &mut self.sources {
                for packet in source.produce(now) {
                    self.client.send(now, packet);
                }
            }
        }
        if self.client.deadline() <= now {
            self.client.handle_timeout(now);
        }
        while let Some((to, bytes)) = self.client.poll_transmit() {
            moved = true;
            self.socket.send_to(&bytes, to).expect("loopback takes it");
        }
        while let Some(event) = self.client.poll_event() {
            self.note(now, event);
        }
        moved
    }

    fn note(&mut self, now: Instant, event: client::Event) {
        match event {
            client::Event::Connected => self.connected = true,
            client::Event::Received(packet) => {
                let ledger = self.ledgers.iter_mut().find(|l| l.expected().ssrc == packet.ssrc);
                match ledger {
                    Some(ledger) => ledger.record(now, &packet),
                    None => self.wrong.push(format!("a packet of SSRC {}", packet.ssrc)),
                }
            }
            client::Event::KeyframeWanted { .. } => {
                self.sources.iter_mut().for_each(|source| source.request_keyframe(None));
            }
            client::Event::Closed => self.connected = false,
            client::Event::Failed(error) => self.wrong.push(error),
            client::Event::ChannelOpen { .. } | client::Event::Message { .. } => {}
        }
    }
}

fn identity() -> (DtlsIdentity, [u8; 32]) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let parameters = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    let certificate = parameters.self_signed(&key).expect("a certificate").der().to_vec();
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
    let fingerprint = digest.as_ref().try_into().expect("32 bytes");
    (DtlsIdentity { certificate, private_key: Secret::new(key.serialize_der()) }, fingerprint)
}

fn extensions(config: &negotiated::Config) -> Vec<ExtensionId> {
    let ours = |extension| match extension {
        HeaderExtension::AudioLevel => Extension::AudioLevel,
        HeaderExtension::AbsoluteSendTime => Extension::AbsoluteSendTime,
        HeaderExtension::TransportSequence => Extension::TransportWideSequence,
        HeaderExtension::Mid => Extension::Mid,
        HeaderExtension::Rid => Extension::Rid,
        HeaderExtension::RepairedRid => Extension::RepairedRid,
    };
    let id = |(id, extension)| ExtensionId { id, extension: ours(extension) };
    config.extension_ids().map(id).collect()
}
