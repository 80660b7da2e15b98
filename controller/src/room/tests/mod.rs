//! Behaviour of a room: everything goes in and comes out as it would in a process.

mod backup;
mod commands;
mod door;
mod losses;
mod moderation;
mod moves;
mod properties;
mod recording;
mod roster;
mod sound;
mod streams;

use super::*;
use crate::records::AuditKind;
use lectern_control::Secret;
use lectern_control::access::Access;
use lectern_control::edge::{Joined, Request, Response};
use lectern_control::media::{MediaKind, PublicationParameters, Source, SubscriptionParameters};
use lectern_control::node::{CommandError, Event, Security};
use lectern_control::room::{Participant, Role, Track};
use lectern_control::transport::{Candidate, DtlsRole};
use lectern_control::transport::{
    DataParameters, DtlsIdentity, Duty, Fingerprint, IceCredentials, IceRole, PeerParameters,
    Permissions, RemoteParameters,
};
use lectern_control::{EdgeId, LinkId, RecordingId};

const ROOM: RoomId = RoomId(77);
const PRESENTER_LINK: LinkId = LinkId(1);
const VIEWER_LINK: LinkId = LinkId(2);
const HOUR_MS: u64 = 3_600_000;

fn node(name: &str) -> NodeId {
    name.parse().expect("a name")
}

fn edge(name: &str) -> EdgeId {
    name.parse().expect("a name")
}

fn place(name: &str, last: u8) -> Place {
    Place { node: node(name), addresses: vec![([192, 0, 2, last], 7_882).into()] }
}

/// A room on node `a` with the standby `b`, and everything that came out of it.
struct Bench {
    room: Room,
    start: Instant,
    ms: u64,
    requests: u64,
    responses: Vec<(u64, Result<Response, RequestError>)>,
    commands: Vec<(NodeId, RequestId, Command)>,
    notices: Vec<(EdgeId, Notice)>,
    audit: Vec<(AuditKind, String)>,
    kept: Vec<(String, Standing)>,
    /// What the recorder was told.
    notes: Vec<lectern_control::recorder::Event>,
    /// Recordings that have ended.
    over: Vec<RecordingId>,
    /// What nodes send to the recorder, as they were told.
    relays: BTreeMap<NodeId, BTreeSet<TrackId>>,
    /// Names of all commands and notices, in order.
    all: Vec<String>,
    /// All that came out, as short words and in order.
    story: Vec<String>,
}

impl Bench {
    fn new() -> Bench {
        Bench::at(Home { primary: place("a", 1), standby: Some(place("b", 2)), generation: 0 })
    }

    fn at(home: Home) -> Bench {
        let start = Instant::now();
        let link = |id, role| LinkInfo { id, role, expires_at_unix_ms: HOUR_MS, revoked: false };
        let meeting = Meeting {
            room: ROOM,
            name: "Weekly".to_owned(),
            created_at_unix_ms: 0,
            expires_at_unix_ms: HOUR_MS,
            links: vec![link(PRESENTER_LINK, Role::Presenter), link(VIEWER_LINK, Role::Viewer)],
            access: Access::default(),
        };
        let begin = Start {
            meeting,
            standings: Vec::new(),
            region: "eu".to_owned(),
            revision: Revision(5),
            home,
            seed: 1,
        };
        Bench {
            room: Room::new(Now { at: start, unix_ms: 0 }, begin),
            start,
            ms: 0,
            requests: 0,
            responses: Vec::new(),
            commands: Vec::new(),
            notices: Vec::new(),
            audit: Vec::new(),
            kept: Vec::new(),
            notes: Vec::new(),
            over: Vec::new(),
            relays: BTreeMap::new(),
            all: Vec::new(),
            story: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now { at: self.start + Duration::from_millis(self.ms), unix_ms: self.ms }
    }

    /// Takes what came out.
    fn settle(&mut self) {
        while let Some(output) = self.room.poll() {
            match output {
                Output::Respond(ticket, result) => {
                    let word = if result.is_ok() { "ok" } else { "refused" };
                    self.story.push(format!("{word} to {}", ticket.edge));
                    self.responses.push((ticket.request.0, result));
                }
                Output::Command { node, request, revision, command } => {
                    assert_eq!(Some(revision), self.room.revision());
                    self.story.push(format!("{} at {node}", name_of(&command)));
                    self.all.push(name_of(&command));
                    self.relay(&node, &command);
                    self.commands.push((node, request, command));
                }
                // Told of at times of its own.
                Output::Notice { edge, notice: notice @ Notice::Reception(_) } => {
                    self.all.push(name_of(&notice));
                    self.notices.push((edge, notice));
                }
                Output::Notice { edge, notice } => {
                    self.story.push(format!("{} for {edge}", name_of(&notice)));
                    self.notices.push((edge, notice));
                }
                Output::Audit { kind, actor, .. } => self.audit.push((kind, actor)),
                Output::Remember { identity, standing } => self.kept.push((identity, standing)),
                Output::Note { event, .. } => self.notes.push(event),
                Output::RecordingOver { recording } => self.over.push(recording),
                Output::Moved { .. } => self.story.push("moved".to_owned()),
                Output::MoveFailed => self.story.push("move failed".to_owned()),
                Output::Lost => self.story.push("lost".to_owned()),
                Output::Closed => self.story.push("closed".to_owned()),
            }
        }
    }

    /// Does what a node does about relays.
    fn relay(&mut self, node: &NodeId, command: &Command) {
        match command {
            Command::OpenRelay { .. } => {
                self.relays.entry(node.clone()).or_default();
            }
            Command::RelayTrack { track, .. } => {
                self.relays.get_mut(node).map(|tracks| tracks.insert(*track));
            }
            Command::UnrelayTrack { track, .. } => {
                self.relays.get_mut(node).map(|tracks| tracks.remove(track));
            }
            Command::CloseRelay { .. } | Command::CloseRoom => {
                self.relays.remove(node);
            }
            _ => {}
        }
    }

    fn ask(&mut self, by: &str, request: Request) -> u64 {
        self.requests += 1;
        let number = self.requests;
        let ticket = Ticket { edge: edge(by), link: 0, request: RequestId(number) };
        self.room.handle_request(self.now(), ticket, request);
        self.settle();
        number
    }

    fn answer(&self, number: u64) -> Option<&Result<Response, RequestError>> {
        self.responses.iter().find(|(request, _)| *request == number).map(|(_, result)| result)
    }

    fn try_ask(&mut self, by: &str, request: Request) -> Result<Response, RequestError> {
        let number = self.ask(by, request);
        self.answer(number).expect("an answer").clone()
    }

    fn must(&mut self, by: &str, request: Request) -> Response {
        self.try_ask(by, request).expect("granted")
    }

    fn join(&mut self, by: &str, identity: &str, link: LinkId) -> Joined {
        match self.must(by, join_request(identity, Some(link))) {
            Response::Joined(joined) => *joined,
            other => panic!("{other:?}"),
        }
    }

    fn open(&mut self, by: &str, who: ParticipantId, peer: u64, warm: bool) {
        self.must(by, open_request(who, peer, self.room.home.generation, warm));
    }

    fn command(
        &mut self,
        by: &str,
        who: ParticipantId,
        command: Command,
    ) -> Result<Response, RequestError> {
        self.try_ask(by, Request::Node { room: ROOM, participant: who, command })
    }

    fn event(&mut self, from: &str, event: Event) {
        self.room.handle_event(self.now(), &node(from), event);
        self.settle();
    }

    fn connect(&mut self, at: &str, peer: u64) {
        let security = Security { dtls: "DTLS 1.2".into(), srtp: "AEAD_AES_128_GCM".into() };
        self.event(at, Event::PeerConnected { peer: PeerId(peer), security });
    }

    /// A connected transport.
    fn connected(&mut self, by: &str, who: ParticipantId, peer: u64, warm: bool) {
        self.open(by, who, peer, warm);
        let at = self.room.home.primary.node.to_string();
        self.connect(&at, peer);
    }

    fn pass(&mut self, ms: u64) {
        self.ms += ms;
        self.room.handle_timeout(self.now());
        self.settle();
    }

    fn forget(&mut self) {
        self.commands.clear();
        self.notices.clear();
        self.story.clear();
        self.all.clear();
    }

    /// The request of the last command of a kind to a node about a peer.
    fn asked(&self, at: &str, wanted: impl Fn(&Command) -> bool) -> RequestId {
        let found = self.commands.iter().rev().find(|(n, _, c)| n.as_str() == at && wanted(c));
        found.expect("such a command").1
    }

    /// Short words for what nodes were told.
    fn told(&self) -> Vec<String> {
        self.commands.iter().map(|(node, _, c)| format!("{} at {node}", name_of(c))).collect()
    }
}

/// The variant's name, and the peer or track where it has one.
fn name_of(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find([' ', '(', '{']).unwrap_or(text.len());
    text[..end].to_owned()
}

fn join_request(identity: &str, link: Option<LinkId>) -> Request {
    let role = if link == Some(VIEWER_LINK) { Role::Viewer } else { Role::Presenter };
    Request::Join {
        room: ROOM,
        link,
        identity: identity.to_owned(),
        name: identity.to_uppercase(),
        role,
        permissions: role.permissions(),
        metadata: String::new(),
        attributes: BTreeMap::new(),
        admitted: false,
        issued_at_unix_ms: 0,
    }
}

fn credentials(text: &str) -> IceCredentials {
    IceCredentials { ufrag: text.to_owned(), pwd: Secret::new(text.repeat(4)) }
}

fn remote(text: &str) -> RemoteParameters {
    RemoteParameters {
        ice: credentials(text),
        fingerprint: Fingerprint([3; 32]),
        dtls_role: DtlsRole::Server,
        candidates: Vec::new(),
    }
}

fn candidate(last: u8) -> Candidate {
    Candidate { address: ([198, 51, 100, last], 5_000).into(), priority: 1 }
}

fn parameters(participant: ParticipantId, generation: u16) -> Box<PeerParameters> {
    Box::new(PeerParameters {
        participant,
        duty: Duty::Active,
        ice_role: IceRole::Controlling,
        ice: credentials("ours"),
        generation,
        dtls: DtlsIdentity { certificate: vec![1], private_key: Secret::new(vec![2]) },
        remote: None,
        extensions: Vec::new(),
        permissions: Permissions::ALL,
        data: DataParameters::default(),
    })
}

fn open_request(who: ParticipantId, peer: u64, generation: u16, warm: bool) -> Request {
    Request::OpenPeer {
        room: ROOM,
        participant: who,
        peer: PeerId(peer),
        parameters: parameters(who, generation),
        warm,
    }
}

fn publish(peer: u64, track: u64) -> Command {
    let parameters = PublicationParameters {
        kind: MediaKind::Video,
        source: Source::Screen,
        mid: "0".to_owned(),
        codecs: Vec::new(),
        encodings: Vec::new(),
        muted: false,
    };
    Command::Publish { peer: PeerId(peer), track: TrackId(track), parameters }
}

fn subscribe(peer: u64, track: u64) -> Command {
    let parameters = SubscriptionParameters {
        mid: "1".to_owned(),
        ssrc: 9,
        rtx_ssrc: None,
        payloads: Vec::new(),
        red: None,
        repeats: false,
    };
    Command::Subscribe { peer: PeerId(peer), track: TrackId(track), parameters }
}

fn add_track(who: ParticipantId, track: u64) -> Request {
    let track = Track::new(TrackId(track), MediaKind::Video, Source::Screen);
    Request::AddTrack { room: ROOM, participant: who, track }
}

fn leave(who: ParticipantId, reason: LeaveReason) -> Request {
    Request::Leave { room: ROOM, participant: who, reason }
}

fn state(text: &str) -> Secret<Vec<u8>> {
    Secret::new(text.as_bytes().to_vec())
}
