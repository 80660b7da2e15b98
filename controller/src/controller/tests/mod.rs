//! The controller as a whole: nodes and edges come and go, leases are lost, stores fall silent.

mod entering;
mod links;
mod liveness;
mod ownership;
mod recordings;
mod requests;

use super::*;
use crate::coordination::LeaseId;
use crate::job::{
    Claimed, KeptAlive, LeaseDone, RecordingDone, RecordingJob, RecordsDone, RecordsJob,
};
use crate::records::{self, Answer, Doomed, Kept, LiveRecording};
use lectern_control::access::{Access, Entry, EntryKey};
use lectern_control::edge::{FromEdge, LinkInfo, Meeting, Notice, Request, RequestError};
use lectern_control::node::{Capacity, Command, FromNode, Heartbeat, Hello, ToNode};
use lectern_control::recorder::ToRecorder;
use lectern_control::room::Role as MeetingRole;
use lectern_control::transport::{
    DataParameters, DtlsIdentity, Duty, IceCredentials, IceRole, PeerParameters, Permissions,
};
use lectern_control::{
    EntryId, LinkId, ParticipantId, PeerId, RequestId, Revision, Secret, Version,
};

const ROOM: RoomId = RoomId(9);
/// The PIN that the records know.
const RIGHT_PIN: &str = "135790";
const LINK: LinkId = LinkId(4);
const FOREVER_MS: u64 = 1 << 40;

/// What the stores do, when they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Works,
    Silent,
    Fails,
}

/// A controller with links that are numbers and stores that answer as told.
struct Bench {
    controller: Controller,
    start: Instant,
    ms: u64,
    /// By so much the clock on the wall has jumped.
    ahead_ms: u64,
    next_link: u64,
    next_request: u64,
    records: Store,
    /// Decisions about people that the records were asked to keep.
    kept: Vec<RecordsJob>,
    coordination: Store,
    revision: u64,
    lease: u64,
    /// Peers that a node which introduces itself can carry.
    capacity: u32,
    /// Who else has the room.
    others: Option<&'static str>,
    to_node: Vec<(u64, ToNode)>,
    to_edge: Vec<(u64, ToEdge)>,
    to_recorder: Vec<(u64, ToRecorder)>,
    /// The number of the last command or notice said on each link.
    said: BTreeMap<u64, Number>,
    unlinked: Vec<u64>,
    lease_jobs: Vec<LeaseJob>,
    audit: Vec<AuditEntry>,
    /// What was asked of the records about recordings.
    archive: Vec<RecordingJob>,
    /// What they have not answered.
    pending: Vec<RecordingJob>,
    /// Recordings that a former process began.
    former: Vec<LiveRecording>,
    /// What the records say about recordings, once.
    catalogued: Option<Result<Answer, records::Error>>,
    /// What is to be destroyed.
    doomed: Doomed,
}

impl Bench {
    fn new() -> Bench {
        let metrics = Metrics::new(&prometheus::Registry::new()).expect("metrics");
        let mut bench = Bench {
            controller: Controller::new(Duration::from_millis(300), 1, metrics),
            start: Instant::now(),
            ms: 0,
            ahead_ms: 0,
            next_link: 0,
            next_request: 0,
            records: Store::Works,
            kept: Vec::new(),
            coordination: Store::Works,
            revision: 100,
            lease: 0,
            capacity: 1_000,
            others: None,
            to_node: Vec::new(),
            to_edge: Vec::new(),
            to_recorder: Vec::new(),
            said: BTreeMap::new(),
            unlinked: Vec::new(),
            lease_jobs: Vec::new(),
            audit: Vec::new(),
            archive: Vec::new(),
            pending: Vec::new(),
            former: Vec::new(),
            catalogued: None,
            doomed: Doomed::default(),
        };
        bench.tick(0);
        bench
    }

    fn now(&self) -> Now {
        Now { at: self.start + Duration::from_millis(self.ms), unix_ms: self.ms + self.ahead_ms }
    }

    fn input(&mut self, input: Input) {
        self.controller.handle(self.now(), input);
        self.settle();
    }

    /// Time passes in steps, as it does in a process that does not stand still.
    fn tick(&mut self, ms: u64) {
        let end = self.ms + ms;
        loop {
            self.controller.handle_timeout(self.now());
            self.settle();
            if self.ms >= end {
                return;
            }
            self.ms = (self.ms + 25).min(end);
        }
    }

    /// The same, while some nodes send their heartbeats.
    fn tick_with(&mut self, ms: u64, alive: &[u64]) {
        for _ in 0..ms / 25 {
            for link in alive {
                let message = FromNode::Heartbeat(Heartbeat::default());
                self.input(Input::FromNode { link: *link, message });
            }
            self.tick(25);
        }
    }

    fn settle(&mut self) {
        while let Some(output) = self.controller.poll() {
            match output {
                Output::ToNode { link, message } => {
                    if let ToNode::Welcome { said: number, .. } | ToNode::Command { number, .. } =
                        &message
                    {
                        self.said.insert(link, *number);
                    }
                    self.to_node.push((link, message));
                }
                Output::ToEdge { link, message } => {
                    if let ToEdge::Welcome { said: number, .. } | ToEdge::Notice { number, .. } =
                        &message
                    {
                        self.said.insert(link, *number);
                    }
                    self.to_edge.push((link, message));
                }
                Output::ToRecorder { link, message } => self.to_recorder.push((link, message)),
                Output::Unlink { link } => self.unlinked.push(link),
                Output::Audit(entry) => self.audit.push(entry),
                Output::Records(job) => self.answer_records(job),
                Output::Lease(job) => self.answer_lease(job),
            }
        }
    }

    fn answer_records(&mut self, job: RecordsJob) {
        if self.records == Store::Silent {
            if let RecordsJob::Recording(job) = job {
                self.pending.push(job);
            }
            return;
        }
        let error = || records::Error::Unavailable("down".to_owned());
        let works = self.records == Store::Works;
        let done = match job {
            RecordsJob::Recording(job) => {
                self.archive.push(job.clone());
                RecordsDone::Recording(self.archived(job, works))
            }
            RecordsJob::Load { room, .. } => {
                let result = if works { Ok((meeting(room), Vec::new())) } else { Err(error()) };
                RecordsDone::Loaded { room, result }
            }
            RecordsJob::Enter { ticket, entry, opens, pin, .. } => {
                let right = pin.as_ref().is_none_or(|pin| pin.expose() == RIGHT_PIN);
                let result = Ok(right.then(|| meeting(opens.room)));
                RecordsDone::Entered { ticket, entry, opens, tried: pin.is_some(), result }
            }
            RecordsJob::Remember { .. } => {
                self.kept.push(job.clone());
                let result = if works { Ok(()) } else { Err(error()) };
                RecordsDone::Remembered { job: Box::new(job), result }
            }
            RecordsJob::Ask { ticket, request, fresh, .. } if works && is_entry(&request) => {
                let opened = Entry {
                    id: EntryId(fresh),
                    role: MeetingRole::Viewer,
                    link: meeting(ROOM).links.into_iter().next(),
                    meeting: meeting(ROOM),
                };
                let result = Ok(Response::Entry(Box::new(opened)));
                RecordsDone::Answered { ticket, request, result }
            }
            RecordsJob::Ask { ticket, request, .. } => {
                let result = if works { Err(records::Error::NotFound) } else { Err(error()) };
                RecordsDone::Answered { ticket, request, result }
            }
        };
        self.controller.handle(self.now(), Input::Records(done));
    }

    fn archived(&mut self, job: RecordingJob, works: bool) -> RecordingDone {
        if !works {
            return crate::archive::refused(job, records::Error::Unavailable("down".to_owned()));
        }
        match job {
            RecordingJob::Catalogue { ticket, request, .. } => {
                let result = self.catalogued.take().unwrap_or(Err(records::Error::Absent));
                RecordingDone::Catalogue { ticket, request, result }
            }
            RecordingJob::Begin(new) => RecordingDone::Begun { new, result: Ok(()) },
            RecordingJob::Note(recording, turn) => {
                RecordingDone::Noted { recording, turn, result: Ok(()) }
            }
            RecordingJob::KeepStatus(recorder, status) => {
                RecordingDone::StatusKept { recorder, status, result: Ok(Kept::Kept) }
            }
            RecordingJob::Live => RecordingDone::Live(Ok(self.former.clone())),
            RecordingJob::Doomed { .. } => {
                RecordingDone::Doomed(Ok(std::mem::take(&mut self.doomed)))
            }
        }
    }

    fn answer_lease(&mut self, job: LeaseJob) {
        self.lease_jobs.push(job.clone());
        if self.coordination == Store::Silent {
            return;
        }
        let works = self.coordination == Store::Works;
        let done = match job {
            LeaseJob::Grant if works => {
                self.lease += 1;
                LeaseDone::Granted(Some(LeaseId(self.lease)))
            }
            LeaseJob::Grant => LeaseDone::Granted(None),
            LeaseJob::KeepAlive(lease) => {
                let kept = if works { KeptAlive::Alive } else { KeptAlive::Unavailable };
                LeaseDone::KeptAlive(lease, kept)
            }
            LeaseJob::Claim { room, lease } => {
                let result = match (works, self.others) {
                    (false, _) => Claimed::Unavailable,
                    (true, Some(owner)) => Claimed::Others(owner.to_owned()),
                    (true, None) => {
                        self.revision += 1;
                        Claimed::Ours(Revision(self.revision))
                    }
                };
                LeaseDone::Claimed { room, lease, result }
            }
            LeaseJob::Release { .. } => return,
        };
        self.controller.handle(self.now(), Input::Lease(done));
    }

    fn link(&mut self, role: Role) -> u64 {
        self.next_link += 1;
        let link = self.next_link;
        self.input(Input::Linked { link, role });
        link
    }

    fn node(&mut self, name: &str, rooms: &[RoomId]) -> u64 {
        self.node_after(name, rooms, None)
    }

    /// A new link of a node that has heard so much.
    fn node_after(&mut self, name: &str, rooms: &[RoomId], heard: Option<Number>) -> u64 {
        let link = self.link(Role::Node);
        self.hello(link, name, rooms, heard);
        link
    }

    fn hello(&mut self, link: u64, name: &str, rooms: &[RoomId], heard: Option<Number>) {
        let hello = Hello {
            version: Version::CURRENT,
            node: name.parse().expect("a name"),
            region: "eu".to_owned(),
            failure_domain: name.to_owned(),
            capacity: Capacity { workers: 1, peers: self.capacity, egress_bps: 1_000_000 },
            addresses: vec![([192, 0, 2, 1], 7_882).into()],
            rooms: rooms.to_vec(),
            heard,
            kept_after: Number::default(),
        };
        self.input(Input::FromNode { link, message: FromNode::Hello(hello) });
    }

    fn edge(&mut self, name: &str) -> u64 {
        self.edge_after(name, None)
    }

    /// A new link of an edge that has heard so much.
    fn edge_after(&mut self, name: &str, heard: Option<Number>) -> u64 {
        let link = self.link(Role::Edge);
        let (version, edge) = (Version::CURRENT, name.parse().expect("a name"));
        let message = FromEdge::Hello { version, edge, region: "eu".to_owned(), heard };
        self.input(Input::FromEdge { link, message });
        link
    }

    fn ask(&mut self, link: u64, body: Request) -> RequestId {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        self.input(Input::FromEdge { link, message: FromEdge::Request { request, body } });
        request
    }

    fn answer(&self, wanted: RequestId) -> Option<Result<Response, RequestError>> {
        let mut answers = self.to_edge.iter().filter_map(|(_, message)| match message {
            ToEdge::Response { request, result } if *request == wanted => Some(result.clone()),
            _ => None,
        });
        let answer = answers.next();
        assert!(answers.next().is_none(), "one answer");
        answer
    }

    fn must(&mut self, link: u64, body: Request) -> Response {
        let request = self.ask(link, body);
        self.answer(request).expect("an answer").expect("granted")
    }

    fn join(&mut self, link: u64, identity: &str) -> ParticipantId {
        match self.must(link, join(identity)) {
            Response::Joined(joined) => joined.participant.id,
            other => panic!("{other:?}"),
        }
    }

    fn open(&mut self, link: u64, who: ParticipantId, peer: u64) {
        let generation = self.controller.rooms[&ROOM].home().generation;
        self.must(link, open(who, peer, generation));
    }

    fn commands(&self, link: u64) -> Vec<(RoomId, Revision, Command)> {
        let to = self.to_node.iter().filter(|(to, _)| *to == link);
        let command = |(_, message): &(u64, ToNode)| match message {
            ToNode::Command { room, revision, command, .. } => {
                Some((*room, *revision, command.clone()))
            }
            ToNode::Welcome { .. } | ToNode::Heard { .. } => None,
        };
        to.filter_map(command).collect()
    }

    fn closes(&self, link: u64) -> Vec<(RoomId, Revision)> {
        let closes = self.commands(link).into_iter();
        closes.filter(|(_, _, c)| *c == Command::CloseRoom).map(|(r, rev, _)| (r, rev)).collect()
    }

    fn notices(&self, link: u64) -> Vec<Notice> {
        let to = self.to_edge.iter().filter(|(to, _)| *to == link);
        let notice = |(_, message): &(u64, ToEdge)| match message {
            // Of the door everybody is told at times of its own.
            ToEdge::Notice { notice: Notice::Reception(_), .. } => None,
            ToEdge::Notice { notice, .. } => Some(notice.clone()),
            _ => None,
        };
        to.filter_map(notice).collect()
    }

    /// What was said last on a link; whoever has heard it has heard everything.
    fn said(&self, link: u64) -> Option<Number> {
        self.said.get(&link).copied()
    }

    fn forget(&mut self) {
        self.to_node.clear();
        self.to_edge.clear();
        self.to_recorder.clear();
        self.lease_jobs.clear();
        self.unlinked.clear();
    }
}

fn news(event: lectern_control::node::Event) -> FromNode {
    FromNode::Event { room: ROOM, event, number: Number::default() }
}

fn meeting(room: RoomId) -> Meeting {
    let link = LinkInfo {
        id: LINK,
        role: MeetingRole::Presenter,
        expires_at_unix_ms: FOREVER_MS,
        revoked: false,
    };
    Meeting {
        room,
        name: "Weekly".to_owned(),
        created_at_unix_ms: 0,
        expires_at_unix_ms: FOREVER_MS,
        links: vec![link],
        access: Access { locked: false, lobby: false, pin_set: true },
    }
}

/// The link whose entry the records open.
const GOOD_SECRET: [u8; 32] = [7; 32];

fn is_entry(request: &Request) -> bool {
    *request == Request::OpenEntry { key: EntryKey::Link { secret_hash: GOOD_SECRET } }
}

fn join(identity: &str) -> Request {
    Request::Join {
        room: ROOM,
        link: Some(LINK),
        identity: identity.to_owned(),
        name: String::new(),
        role: MeetingRole::Presenter,
        permissions: Permissions::ALL,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        admitted: false,
        issued_at_unix_ms: 0,
    }
}

fn open(participant: ParticipantId, peer: u64, generation: u16) -> Request {
    let parameters = PeerParameters {
        participant,
        duty: Duty::Active,
        ice_role: IceRole::Controlling,
        ice: IceCredentials { ufrag: "ufrag".to_owned(), pwd: Secret::new("pwd".to_owned()) },
        generation,
        dtls: DtlsIdentity { certificate: vec![1], private_key: Secret::new(vec![2]) },
        remote: None,
        extensions: Vec::new(),
        permissions: Permissions::ALL,
        data: DataParameters::default(),
    };
    Request::OpenPeer {
        room: ROOM,
        participant,
        peer: PeerId(peer),
        parameters: Box::new(parameters),
        warm: true,
    }
}
