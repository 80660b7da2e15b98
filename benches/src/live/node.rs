//! The node, the controller's end of its link, and clients on their way to it.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use lectern_control::delivery::Number;
use lectern_control::media::{Extension, ExtensionId};
use lectern_control::node::{Command, FromNode, ToNode};
use lectern_control::transport::{
    Candidate, DataParameters, DtlsIdentity, DtlsRole, Duty, Fingerprint, IceCredentials, IceRole,
    PeerParameters, Permissions, RemoteParameters, candidate_priority,
};
use lectern_control::{ParticipantId, PeerId, RequestId, Revision, RoomId, Secret, Version, frame};
use lectern_sfu::Config;
use lectern_sim::arrival;
use lectern_sim::client::Client;
use lectern_sim::negotiated::{self, HeaderExtension};
use prometheus::Registry;
use std::io::ErrorKind::{Interrupted, WouldBlock};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ROOM: RoomId = RoomId(0x0123_4567_89ab_cdef);
const QUEUED: usize = 1_024;
const HOST_PRIORITY: u32 = 2_130_706_431;
/// How often what the node says is thrown away.
const LISTEN_EVERY: Duration = Duration::from_millis(50);

/// A node that runs.
pub struct Node {
    runtime: Runtime,
    running: JoinHandle<Result<(), lectern_sfu::Error>>,
    stop: CancellationToken,
    to_node: mpsc::Sender<Bytes>,
    from_node: mpsc::Receiver<Bytes>,
    addresses: Vec<SocketAddr>,
    requests: u64,
}

/// A client and its socket.
pub struct Joined {
    /// Its transport, as the node names it.
    pub peer: PeerId,
    /// The client.
    pub client: Client,
    /// Where it sends from.
    pub socket: UdpSocket,
}

impl Node {
    /// Starts it with one worker.
    pub fn start() -> Result<Node> {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build()?;
        let config = Config {
            name: "node-1".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            workers: 1,
            ..Config::default()
        };
        let stop = CancellationToken::new();
        let (links, links_in) = mpsc::channel(1);
        let (dials, _) = mpsc::channel(1);
        let node = lectern_sfu::run(config, Registry::new(), links_in, dials, stop.clone());
        let running = runtime.spawn(node);
        let (out, mut from_node) = mpsc::channel(QUEUED);
        let (to_node, incoming) = mpsc::channel(QUEUED);
        runtime.block_on(links.send((out, incoming))).context("the node takes no link")?;
        let hello = runtime.block_on(from_node.recv()).context("the node does not speak")?;
        let FromNode::Hello(hello) = frame::decode(&hello)? else { bail!("no hello") };
        let (requests, addresses) = (0, hello.addresses);
        let node = Node { runtime, running, stop, to_node, from_node, addresses, requests };
        let (heard, said) = (hello.kept_after, Number::default());
        node.tell(&ToNode::Welcome { version: Version::CURRENT, heard, said })?;
        Ok(node)
    }

    fn tell(&self, message: &ToNode) -> Result<()> {
        let message = frame::encode(message)?;
        self.runtime.block_on(self.to_node.send(message)).context("the node does not listen")
    }

    /// Tells it something about the room.
    pub fn command(&mut self, command: Command) -> Result<()> {
        self.requests += 1;
        let (request, number) = (RequestId(self.requests), Number(self.requests));
        self.tell(&ToNode::Command { request, room: ROOM, revision: Revision(1), command, number })
    }

    /// Takes what the node says while something else goes on.
    pub fn with<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        let from_node = &mut self.from_node;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    while from_node.try_recv().is_ok() {}
                    std::thread::sleep(LISTEN_EVERY);
                }
            });
            let result = work();
            done.store(true, Ordering::Relaxed);
            result
        })
    }

    /// Ends it.
    pub fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.runtime.block_on(self.running)??)
    }

    /// Brings a client into the room; it begins to connect.
    pub fn join(&mut self, number: u64) -> Result<Joined> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        arrival::stamp(&socket)?;
        let config = negotiated::Config {
            address: socket.local_addr()?,
            ufrag: format!("client{number}"),
            password: format!("password-of-client-{number:08}"),
            is_controlling: true,
            begins_dtls: true,
            first_payload_type: 96,
            first_extension: 1,
        };
        let mut client = Client::new(Instant::now(), config.clone());
        let (dtls, fingerprint) = identity()?;
        let ice = IceCredentials {
            ufrag: format!("node{number}"),
            pwd: Secret::new(format!("password-of-the-node-{number:08}")),
        };
        let remote = RemoteParameters {
            ice: IceCredentials {
                ufrag: config.ufrag.clone(),
                pwd: Secret::new(config.password.clone()),
            },
            fingerprint: Fingerprint(client.fingerprint()),
            dtls_role: DtlsRole::Server,
            candidates: vec![Candidate { address: config.address, priority: HOST_PRIORITY }],
        };
        let peer = PeerId(number);
        let parameters = PeerParameters {
            participant: ParticipantId(number),
            duty: Duty::Active,
            ice_role: IceRole::Controlled,
            ice: ice.clone(),
            generation: 0,
            dtls,
            remote: Some(remote),
            extensions: extensions(&config),
            permissions: Permissions::ALL,
            data: DataParameters::default(),
        };
        self.command(Command::AddPeer { peer, parameters: Box::new(parameters) })?;
        let priority = candidate_priority(0, 0);
        client.connect(&negotiated::Remote {
            ufrag: ice.ufrag,
            password: ice.pwd.expose().clone(),
            fingerprint,
            candidates: self.addresses.iter().map(|address| (*address, priority)).collect(),
        });
        Ok(Joined { peer, client, socket })
    }
}

impl Joined {
    /// Waits for a datagram until the client has something to do or `until`, and takes it; when the
    /// kernel got it, where one has come.
    pub fn wait(&mut self, until: Instant) -> Result<Option<SystemTime>> {
        let until = until.min(self.client.deadline());
        let wait = until.saturating_duration_since(Instant::now());
        self.socket.set_read_timeout(Some(wait.max(Duration::from_micros(200))))?;
        let mut buffer = [0; 2_048];
        let received = match arrival::receive(&self.socket, &mut buffer) {
            Err(error) if matches!(error.kind(), WouldBlock | Interrupted) => None,
            received => Some(received?),
        };
        let now = Instant::now();
        if let Some(received) = &received {
            let datagram = buffer.get(..received.len).unwrap_or_default();
            self.client.handle_datagram(now, received.from, datagram);
        }
        if self.client.deadline() <= now {
            self.client.handle_timeout(now);
        }
        Ok(received.map(|received| received.at))
    }

    /// Sends what there is to send.
    pub fn flush(&mut self) -> Result<()> {
        while let Some((to, bytes)) = self.client.poll_transmit() {
            self.socket.send_to(&bytes, to)?;
        }
        Ok(())
    }
}

fn identity() -> Result<(DtlsIdentity, [u8; 32])> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let parameters = rcgen::CertificateParams::new(Vec::new())?;
    let certificate = parameters.self_signed(&key)?.der().to_vec();
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
    let fingerprint = digest.as_ref().try_into()?;
    Ok((DtlsIdentity { certificate, private_key: Secret::new(key.serialize_der()) }, fingerprint))
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
