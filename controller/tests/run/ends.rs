//! The other ends of a controller's links, and the process around it.

use bytes::Bytes;
use lectern_control::access::PinChange;
use lectern_control::delivery::Number;
use lectern_control::edge::{
    FromEdge, Joined, Meeting, Notice, Request, RequestError, Response, ToEdge,
};
use lectern_control::node::{Capacity, Command, Event, FromNode, Heartbeat, Hello, ToNode};
use lectern_control::recorder::{FromRecorder, ToRecorder};
use lectern_control::room::Role;
use lectern_control::transport::{
    DataParameters, DtlsIdentity, Duty, IceCredentials, IceRole, PeerParameters, Permissions,
};
use lectern_control::{
    LinkId, NodeId, ParticipantId, PeerId, RecordingId, RequestId, Revision, RoomId, Secret,
    Version, frame,
};
use lectern_controller::{Config, Error, Link};
use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const OWNER: [u8; 32] = [8; 32];
const PATIENCE: Duration = Duration::from_secs(20);

/// A running controller.
pub struct Process {
    nodes: mpsc::Sender<Link>,
    edges: mpsc::Sender<Link>,
    recorders: mpsc::Sender<Link>,
    registry: prometheus::Registry,
    stop: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
}

fn crossed() -> (Link, Link) {
    let (near, from_near) = mpsc::channel(64);
    let (far, from_far) = mpsc::channel(64);
    ((near, from_far), (far, from_near))
}

impl Process {
    pub fn start(folder: Option<&Path>) -> Process {
        Process::start_with(Config { data_dir: folder.map(Path::to_owned), ..Config::default() })
    }

    pub fn start_with(config: Config) -> Process {
        let (nodes, node_links) = mpsc::channel(4);
        let (edges, edge_links) = mpsc::channel(4);
        let (recorders, recorder_links) = mpsc::channel(4);
        let registry = prometheus::Registry::new();
        let stop = CancellationToken::new();
        let run = lectern_controller::run(
            config,
            registry.clone(),
            node_links,
            edge_links,
            recorder_links,
            stop.clone(),
        );
        Process { nodes, edges, recorders, registry, stop, task: tokio::spawn(run) }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.ended().await.expect("a clean end");
    }

    pub async fn ended(self) -> Result<(), Error> {
        tokio::time::timeout(PATIENCE, self.task).await.expect("in time").expect("no panic")
    }

    pub fn metrics(&self) -> String {
        // The gauges are a tick old at most.
        let families = self.registry.gather();
        prometheus::TextEncoder::new().encode_to_string(&families).expect("text")
    }

    pub async fn node(&self, name: &str) -> Node {
        self.node_with(name, &[]).await
    }

    pub async fn node_with(&self, name: &str, rooms: &[RoomId]) -> Node {
        let (near, far) = crossed();
        self.nodes.send(far).await.expect("running");
        let name: NodeId = name.parse().expect("a name");
        let hello = Hello {
            version: Version::CURRENT,
            node: name.clone(),
            region: "eu".to_owned(),
            failure_domain: name.to_string(),
            capacity: Capacity { workers: 1, peers: 10_000, egress_bps: 1_000_000 },
            addresses: vec![([192, 0, 2, 1], 7_882).into()],
            rooms: rooms.to_vec(),
            heard: None,
            kept_after: Number::default(),
        };
        let (outgoing, incoming) = near;
        let hello = frame::encode(&FromNode::Hello(hello)).expect("encodes");
        outgoing.send(hello).await.expect("open");
        let beats = outgoing.clone();
        let heart = tokio::spawn(async move {
            for sequence in 0.. {
                let beat = FromNode::Heartbeat(Heartbeat { sequence, ..Heartbeat::default() });
                let beat = frame::encode(&beat).expect("encodes");
                if beats.send(beat).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let mut node = Node { name, outgoing, incoming, heart };
        assert!(matches!(node.hear().await, ToNode::Welcome { version: Version::CURRENT, .. }));
        node
    }

    /// A recorder; it has been welcomed, and these are to go on.
    pub async fn recorder(&self, name: &str) -> (Recorder, Vec<RecordingId>) {
        let (near, far) = crossed();
        self.recorders.send(far).await.expect("running");
        let (outgoing, incoming) = near;
        let mut recorder = Recorder { outgoing, incoming };
        let (version, name) = (Version::CURRENT, name.parse().expect("a name"));
        let (region, addresses) = ("eu".to_owned(), Vec::new());
        recorder.say(&FromRecorder::Hello { version, recorder: name, region, addresses }).await;
        recorder.say(&FromRecorder::Heartbeat(Default::default())).await;
        match recorder.hear().await {
            ToRecorder::Welcome { version: Version::CURRENT, live } => (recorder, live),
            other => panic!("{other:?}"),
        }
    }

    pub async fn edge(&self, name: &str) -> Edge {
        let (near, far) = crossed();
        self.edges.send(far).await.expect("running");
        let (outgoing, incoming) = near;
        let mut edge = Edge { outgoing, incoming, next_request: 1_000, notices: Vec::new() };
        let (version, name) = (Version::CURRENT, name.parse().expect("a name"));
        let region = "eu".to_owned();
        edge.say(&FromEdge::Hello { version, edge: name, region, heard: None }).await;
        assert!(matches!(edge.hear().await, ToEdge::Welcome { version: Version::CURRENT, .. }));
        edge
    }
}

async fn receive(incoming: &mut mpsc::Receiver<Bytes>) -> Bytes {
    let message = tokio::time::timeout(PATIENCE, incoming.recv()).await.expect("in time");
    message.expect("an open link")
}

/// The node's end of a link. Its heart beats by itself.
pub struct Node {
    pub name: NodeId,
    outgoing: mpsc::Sender<Bytes>,
    incoming: mpsc::Receiver<Bytes>,
    heart: JoinHandle<()>,
}

impl Node {
    async fn hear(&mut self) -> ToNode {
        frame::decode(&receive(&mut self.incoming).await).expect("a message to a node")
    }

    pub async fn told(&mut self) -> (RoomId, Revision, Command) {
        match self.hear().await {
            ToNode::Command { room, revision, command, .. } => (room, revision, command),
            other => panic!("{other:?}"),
        }
    }

    pub async fn command(&mut self) -> Command {
        self.told().await.2
    }

    pub async fn tell(&self, meeting: &Meeting, event: Event) {
        let number = Number::default();
        self.say(&FromNode::Event { room: meeting.room, event, number }).await;
    }

    pub async fn say(&self, message: &impl Serialize) {
        self.outgoing.send(frame::encode(message).expect("encodes")).await.expect("open");
    }

    pub async fn say_bytes(&self, bytes: Vec<u8>) {
        self.outgoing.send(bytes.into()).await.expect("open");
    }

    pub fn die(self) {
        self.heart.abort();
    }
}

/// The recorder's end of a link.
pub struct Recorder {
    outgoing: mpsc::Sender<Bytes>,
    incoming: mpsc::Receiver<Bytes>,
}

impl Recorder {
    pub async fn hear(&mut self) -> ToRecorder {
        frame::decode(&receive(&mut self.incoming).await).expect("a message to a recorder")
    }

    /// The next message that is no note.
    pub async fn told(&mut self) -> ToRecorder {
        loop {
            match self.hear().await {
                ToRecorder::Note { .. } => {}
                other => return other,
            }
        }
    }

    pub async fn say(&self, message: &FromRecorder) {
        self.outgoing.send(frame::encode(message).expect("encodes")).await.expect("open");
    }
}

/// The edge's end of a link.
pub struct Edge {
    outgoing: mpsc::Sender<Bytes>,
    incoming: mpsc::Receiver<Bytes>,
    next_request: u64,
    /// News so far that nobody waited for.
    pub notices: Vec<Notice>,
}

impl Edge {
    pub async fn hear(&mut self) -> ToEdge {
        frame::decode(&receive(&mut self.incoming).await).expect("a message to an edge")
    }

    pub async fn say(&self, message: &impl Serialize) {
        self.outgoing.send(frame::encode(message).expect("encodes")).await.expect("open");
    }

    pub async fn say_bytes(&self, bytes: Vec<u8>) {
        self.outgoing.send(bytes.into()).await.expect("open");
    }

    pub async fn ask(&mut self, body: Request) -> Result<Response, RequestError> {
        self.next_request += 1;
        let wanted = RequestId(self.next_request);
        self.say(&FromEdge::Request { request: wanted, body }).await;
        loop {
            match self.hear().await {
                ToEdge::Response { request, result } if request == wanted => return result,
                ToEdge::Notice { notice, .. } => self.notices.push(notice),
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn must(&mut self, body: Request) -> Response {
        self.ask(body).await.expect("granted")
    }

    /// The first notice that is wanted, be it one that came before.
    pub async fn notice(&mut self, wanted: impl Fn(&Notice) -> bool) -> Notice {
        let mut seen = 0;
        loop {
            if let Some(notice) = self.notices[seen..].iter().find(|notice| wanted(notice)) {
                return notice.clone();
            }
            seen = self.notices.len();
            match self.hear().await {
                ToEdge::Notice { notice, .. } => self.notices.push(notice),
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn create_meeting(&mut self) -> Meeting {
        match self.must(meeting_request()).await {
            Response::Meeting(meeting) => meeting,
            other => panic!("{other:?}"),
        }
    }

    pub async fn create_link(
        &mut self,
        meeting: &Meeting,
        role: Role,
        number: u8,
    ) -> (LinkId, [u8; 32]) {
        let secret_hash = link_secret(number);
        let request = Request::CreateLink {
            room: meeting.room,
            owner_key_hash: OWNER,
            role,
            expires_at_unix_ms: meeting.expires_at_unix_ms,
            secret_hash,
        };
        match self.must(request).await {
            Response::Link(link) => (link.id, secret_hash),
            other => panic!("{other:?}"),
        }
    }

    pub async fn join(
        &mut self,
        meeting: &Meeting,
        identity: &str,
        link: LinkId,
        role: Role,
    ) -> Joined {
        let request = Request::Join {
            room: meeting.room,
            link: Some(link),
            identity: identity.to_owned(),
            name: identity.to_owned(),
            role,
            permissions: role.permissions(),
            metadata: String::new(),
            attributes: BTreeMap::new(),
            admitted: false,
            issued_at_unix_ms: 0,
        };
        match self.must(request).await {
            Response::Joined(joined) => *joined,
            other => panic!("{other:?}"),
        }
    }

    pub async fn open(&mut self, meeting: &Meeting, who: ParticipantId, peer: u64, warm: bool) {
        let parameters = PeerParameters {
            participant: who,
            duty: Duty::Active,
            ice_role: IceRole::Controlling,
            ice: IceCredentials { ufrag: "ours".into(), pwd: Secret::new("password".into()) },
            generation: 0,
            dtls: DtlsIdentity { certificate: vec![1], private_key: Secret::new(vec![2]) },
            remote: None,
            extensions: Vec::new(),
            permissions: Permissions::ALL,
            data: DataParameters::default(),
        };
        let request = Request::OpenPeer {
            room: meeting.room,
            participant: who,
            peer: PeerId(peer),
            parameters: Box::new(parameters),
            warm,
        };
        self.must(request).await;
    }

    pub async fn command(&mut self, meeting: &Meeting, who: ParticipantId, command: Command) {
        self.must(Request::Node { room: meeting.room, participant: who, command }).await;
    }
}

pub fn meeting_request() -> Request {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Request::CreateMeeting {
        keep_recordings_days: None,
        name: "Weekly".to_owned(),
        expires_at_unix_ms: now.as_millis() as u64 + 3_600_000,
        owner_key_hash: OWNER,
        lobby: false,
        pin: PinChange::Keep,
    }
}

pub fn link_secret(number: u8) -> [u8; 32] {
    [number; 32]
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).connect().await.expect("a database")
}

/// Keeps everybody else from writing or reading until it is dropped.
pub async fn lock(file: &Path) -> SqliteConnection {
    let mut connection = connect(file).await;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.expect("a lock");
    connection
}

/// The kinds of all audit entries, oldest first.
pub async fn audit(file: &Path) -> Vec<String> {
    let mut connection = connect(file).await;
    let rows = sqlx::query("SELECT kind FROM audit ORDER BY id").fetch_all(&mut connection).await;
    let kinds = rows.expect("rows").iter().map(|row| row.get("kind")).collect();
    connection.close().await.expect("closed");
    kinds
}
