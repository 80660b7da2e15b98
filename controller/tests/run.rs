//! The whole controller through `run`: encoded messages on links, real stores, real time.
//!
//! The ends of the links are the tests' own; what they say is the protocol of nodes and edges.

#[path = "run/ends.rs"]
mod ends;

use ends::{Edge, Node, Process, link_secret, meeting_request};
use lectern_control::access::{EntryKey, Moderator};
use lectern_control::edge::{Meeting, Notice, Request, RequestError, Response, ToEdge};
use lectern_control::media::{MediaKind, PublicationParameters, Source, SubscriptionParameters};
use lectern_control::node::{Command, DisconnectReason, Event, Security};
use lectern_control::recorder::{FromRecorder, ToRecorder};
use lectern_control::recording::{Change, State, Status};
use lectern_control::room::{LeaveReason, Role, Track};
use lectern_control::transport::{DtlsRole, Fingerprint, IceCredentials, RemoteParameters};
use lectern_control::{LinkId, PeerId, RecordingId, RequestId, RoomId, Secret, TrackId};
use lectern_controller::Config;
use serde::Serialize;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_from_its_making_to_its_end_over_two_nodes() {
    let process = Process::start(None);
    let (mut a, mut b) = (process.node("a").await, process.node("b").await);
    let mut edge = process.edge("edge-1").await;

    // Made, linked, resolved.
    let meeting = edge.create_meeting().await;
    let (presenter, secret) = edge.create_link(&meeting, Role::Presenter, 1).await;
    let (viewer, _) = edge.create_link(&meeting, Role::Viewer, 2).await;
    two_steps(&mut edge, &meeting, secret, presenter).await;

    // Joined, opened, connected, warmed.
    let ada = edge.join(&meeting, "ada", presenter, Role::Presenter).await;
    let bob = edge.join(&meeting, "bob", viewer, Role::Viewer).await;
    assert_eq!(ada.placement.node, a.name);
    assert_eq!(ada.placement.standby, Some(b.name.clone()));
    let (ada, bob) = (ada.participant.id, bob.participant.id);
    edge.open(&meeting, ada, 10, false).await;
    edge.open(&meeting, bob, 20, true).await;
    assert!(matches!(a.command().await, Command::AddPeer { peer: PeerId(10), .. }));
    assert!(matches!(a.command().await, Command::AddPeer { peer: PeerId(20), .. }));
    assert!(matches!(b.command().await, Command::AddPeer { peer: PeerId(20), .. }));
    let remote = remote();
    let peer = PeerId(20);
    edge.command(&meeting, bob, Command::SetRemote { peer, remote: remote.clone() }).await;
    assert!(matches!(a.command().await, Command::SetRemote { .. }));
    assert!(matches!(b.command().await, Command::SetRemote { .. }));
    for peer in [10, 20] {
        let security = Security { dtls: "DTLS 1.2".into(), srtp: "AEAD_AES_128_GCM".into() };
        a.tell(&meeting, Event::PeerConnected { peer: PeerId(peer), security }).await;
    }
    assert_eq!(b.command().await, Command::WarmStandby { peer });
    edge.notice(|notice| matches!(notice, Notice::PeerConnected { peer: PeerId(20), .. })).await;

    // Published, announced, subscribed.
    let track = TrackId(5);
    edge.command(&meeting, ada, publish(10, track)).await;
    let announced = Track::new(track, MediaKind::Video, Source::Screen);
    let add = Request::AddTrack { room: meeting.room, participant: ada, track: announced };
    edge.must(add).await;
    edge.notice(|n| matches!(n, Notice::Participant(p) if p.tracks.len() == 1)).await;
    edge.command(&meeting, bob, subscribe(20, track)).await;
    assert!(matches!(a.command().await, Command::Publish { .. }));
    assert!(matches!(a.command().await, Command::Subscribe { .. }));
    a.tell(&meeting, Event::TrackStarted { track }).await;
    edge.notice(|notice| matches!(notice, Notice::TrackStarted { .. })).await;

    // Moved, and left.
    move_both(&mut edge, &mut a, &mut b, &meeting, &remote).await;
    let told = Instant::now();
    assert!(matches!(a.command().await, Command::RemovePeer { .. }));
    assert!(told.elapsed() > Duration::from_millis(400), "the old node goes on receiving");
    assert!(matches!(a.command().await, Command::RemovePeer { .. }));
    for who in [ada, bob] {
        let (room, reason) = (meeting.room, LeaveReason::ClientLeft);
        edge.must(Request::Leave { room, participant: who, reason }).await;
        assert!(matches!(b.command().await, Command::RemovePeer { .. }));
    }
    let metrics = process.metrics();
    for line in ["moves_total{result=\"done\"} 1", "nodes{state=\"alive\"} 2", "rooms 1"] {
        assert!(metrics.contains(&format!("lectern_controller_{line}")), "{line} in {metrics}");
    }
    process.stop().await;
}

/// The link gives an entry, and the entry one session.
async fn two_steps(edge: &mut Edge, meeting: &Meeting, secret_hash: [u8; 32], link: LinkId) {
    let grant = edge.must(Request::OpenEntry { key: EntryKey::Link { secret_hash } }).await;
    let Response::Entry(entry) = grant else { panic!("{grant:?}") };
    let shown = entry.link.expect("by a link");
    assert_eq!((shown.id, entry.meeting.room), (link, meeting.room));
    let open = || Request::OpenSession { entry: entry.id, pin: None };
    let Response::Opened(opened) = edge.must(open()).await else { panic!("not opened") };
    assert_eq!((opened.link, opened.role), (Some(link), Role::Presenter));
    assert_eq!(edge.ask(open()).await, Err(RequestError::EntryInvalid), "used once");
}

/// Moves the room from `a` to `b`, with a transport of each participant.
async fn move_both(
    edge: &mut Edge,
    a: &mut Node,
    b: &mut Node,
    meeting: &Meeting,
    remote: &RemoteParameters,
) {
    let began = Instant::now();
    edge.must(Request::MoveRoom { room: meeting.room, node: Some(b.name.clone()) }).await;
    for peer in [10, 20].map(PeerId) {
        assert_eq!(a.command().await, Command::Export { peer });
        let state = Secret::new(vec![peer.0 as u8]);
        a.tell(meeting, Event::Exported { peer, state: state.clone() }).await;
        let Command::Restore { peer: restored, parameters, state: given } = b.command().await
        else {
            panic!("restored")
        };
        assert_eq!((restored, parameters.generation, given), (peer, 1, state));
        if peer == PeerId(20) {
            assert_eq!(parameters.remote, Some(remote.clone()));
        }
    }
    let moved = edge.notice(|notice| matches!(notice, Notice::Moved { .. })).await;
    let Notice::Moved { placement } = moved else { panic!("{moved:?}") };
    assert_eq!((&placement.node, placement.standby.as_ref()), (&b.name, Some(&a.name)));
    println!("a move over encoded messages took {:?}", began.elapsed());
}

fn remote() -> RemoteParameters {
    RemoteParameters {
        ice: IceCredentials { ufrag: "theirs".into(), pwd: Secret::new("secret".into()) },
        fingerprint: Fingerprint([7; 32]),
        dtls_role: DtlsRole::Server,
        candidates: Vec::new(),
    }
}

fn publish(peer: u64, track: TrackId) -> Command {
    let parameters = PublicationParameters {
        kind: MediaKind::Video,
        source: Source::Screen,
        mid: "0".to_owned(),
        codecs: Vec::new(),
        encodings: Vec::new(),
        muted: false,
    };
    Command::Publish { peer: PeerId(peer), track, parameters }
}

fn subscribe(peer: u64, track: TrackId) -> Command {
    let parameters = SubscriptionParameters {
        mid: "1".to_owned(),
        ssrc: 1,
        rtx_ssrc: None,
        payloads: Vec::new(),
        red: None,
        repeats: false,
    };
    Command::Subscribe { peer: PeerId(peer), track, parameters }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_is_replaced_and_the_edge_hears_in_order() {
    let process = Process::start_with(Config { node_silence_ms: 300, ..Config::default() });
    let (a, b) = (process.node("a").await, process.node("b").await);
    let mut edge = process.edge("edge-1").await;
    let meeting = edge.create_meeting().await;
    let (link, _) = edge.create_link(&meeting, Role::Presenter, 1).await;
    let ada = edge.join(&meeting, "ada", link, Role::Presenter).await;
    assert_eq!(ada.placement.node, a.name);
    edge.open(&meeting, ada.participant.id, 10, true).await;
    edge.notices.clear();
    let died = Instant::now();
    a.die();
    edge.notice(|notice| matches!(notice, Notice::Moved { .. })).await;
    let took = died.elapsed();
    // Of the door edges are told at times of its own.
    edge.notices.retain(|notice| !matches!(notice, Notice::Reception(_)));
    println!("placed anew {took:?} after the node stopped");
    assert!(took > Duration::from_millis(150), "not at the first silence");
    let [Notice::PeerDisconnected { reason, .. }, Notice::Moved { placement }] = &edge.notices[..]
    else {
        panic!("{:?}", edge.notices)
    };
    assert_eq!((*reason, &placement.node), (DisconnectReason::ConsentExpired, &b.name));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_and_unknown_messages_disturb_nobody() {
    #[derive(Serialize)]
    enum Later {
        Request { request: RequestId, body: LaterRequest },
        Telepathy,
    }
    #[derive(Serialize)]
    enum LaterRequest {
        Levitate { height: u8 },
    }
    let process = Process::start(None);
    let mut node = process.node("a").await;
    let mut edge = process.edge("edge-1").await;
    let body = LaterRequest::Levitate { height: 1 };
    edge.say(&Later::Request { request: RequestId(77), body }).await;
    edge.say(&Later::Telepathy).await;
    node.say(&Later::Telepathy).await;
    for length in [0, 1, 7, 100_000] {
        for byte in [0x00, 0x81, 0xc1, 0xdf, 0xff] {
            edge.say_bytes(vec![byte; length]).await;
            node.say_bytes(vec![byte; length]).await;
        }
    }
    edge.say_bytes(vec![0; lectern_control::limits::MAX_FRAME_BYTES + 1]).await;
    let refused = edge.hear().await;
    let ToEdge::Response { request: RequestId(77), result } = refused else { panic!("refused") };
    assert!(matches!(result, Err(RequestError::Invalid(_))));
    // Everybody else goes on.
    let meeting = edge.create_meeting().await;
    let (link, _) = edge.create_link(&meeting, Role::Presenter, 1).await;
    let ada = edge.join(&meeting, "ada", link, Role::Presenter).await;
    edge.open(&meeting, ada.participant.id, 10, false).await;
    assert!(matches!(node.command().await, Command::AddPeer { .. }));
    let metrics = process.metrics();
    for (role, reason, count) in [
        ("edge", "unknown_kind", 2),
        ("edge", "malformed", 21),
        ("node", "unknown_kind", 1),
        ("node", "malformed", 20),
    ] {
        let line = format!(
            "lectern_controller_ignored_messages_total{{reason=\"{reason}\",role=\"{role}\"}} {count}"
        );
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_starts_again_knows_its_meetings_and_clears_its_nodes() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(Some(folder.path()));
    let mut edge = process.edge("edge-1").await;
    let mut node = process.node("a").await;
    let meeting = edge.create_meeting().await;
    let (link, secret) = edge.create_link(&meeting, Role::Presenter, 1).await;
    let ada = edge.join(&meeting, "ada", link, Role::Presenter).await;
    edge.open(&meeting, ada.participant.id, 10, false).await;
    let (_, before, _) = node.told().await;
    process.stop().await;

    let process = Process::start(Some(folder.path()));
    let mut node = process.node_with("a", &[meeting.room]).await;
    let (room, after, command) = node.told().await;
    assert_eq!((room, command), (meeting.room, Command::CloseRoom));
    assert!(after > before, "a revision is never given out twice");
    let mut edge = process.edge("edge-1").await;
    edge.must(Request::OpenEntry { key: EntryKey::Link { secret_hash: secret } }).await;
    edge.join(&meeting, "ada", link, Role::Presenter).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_serves_one_controller_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Process::start(Some(folder.path()));
    let mut edge = first.edge("edge-1").await;
    edge.must(Request::Rooms).await;
    let second = Process::start(Some(folder.path()));
    let error = second.ended().await.expect_err("the folder is taken");
    assert!(matches!(error, lectern_controller::Error::Coordination(_)), "{error}");
    edge.must(Request::Rooms).await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_out_of_order_do_not_disturb_a_live_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(Some(folder.path()));
    let _node = process.node("a").await;
    let mut edge = process.edge("edge-1").await;
    let meeting = edge.create_meeting().await;
    let (link, _) = edge.create_link(&meeting, Role::Presenter, 1).await;
    edge.join(&meeting, "ada", link, Role::Presenter).await;
    let lock = ends::lock(&folder.path().join("records.db")).await;
    let began = Instant::now();
    let bob = edge.join(&meeting, "bob", link, Role::Presenter).await;
    assert_eq!(bob.others.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(1), "nobody waits for the store");
    let refused = edge.ask(meeting_request()).await;
    assert!(matches!(refused, Err(RequestError::Unavailable(_))), "{refused:?}");
    let rooms = edge.must(Request::Rooms).await;
    let Response::Rooms(rooms) = rooms else { panic!("{rooms:?}") };
    assert_eq!(rooms[0].participants, 2);
    drop(lock);
    edge.create_meeting().await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_done_to_a_meeting_is_in_the_audit_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(Some(folder.path()));
    let _node = process.node("a").await;
    let mut edge = process.edge("edge-1").await;
    let meeting = edge.create_meeting().await;
    let (link, secret) = edge.create_link(&meeting, Role::Presenter, 1).await;
    edge.join(&meeting, "ada", link, Role::Presenter).await;
    let revoke = Request::RevokeLink { room: meeting.room, owner_key_hash: ends::OWNER, link };
    edge.must(revoke).await;
    for hash in [secret, link_secret(9)] {
        let refused =
            edge.ask(Request::OpenEntry { key: EntryKey::Link { secret_hash: hash } }).await;
        assert_eq!(refused, Err(RequestError::NotFound));
    }
    process.stop().await;
    let log = ends::audit(&folder.path().join("records.db")).await;
    let kinds: Vec<&str> = log.iter().map(String::as_str).collect();
    let expected = [
        "meeting_created",
        "link_created",
        "joined",
        "link_revoked",
        "left",
        "link_refused",
        "link_refused",
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_people_join_one_room() {
    let process = Process::start(None);
    let node: Node = process.node("a").await;
    let mut edge: Edge = process.edge("edge-1").await;
    let meeting = edge.create_meeting().await;
    let (link, _) = edge.create_link(&meeting, Role::Viewer, 1).await;
    let began = Instant::now();
    for number in 0..300 {
        edge.join(&meeting, &format!("viewer {number}"), link, Role::Viewer).await;
        edge.notices.clear();
    }
    println!("300 joins, one after the other: {:?}", began.elapsed());
    let rooms = edge.must(Request::Rooms).await;
    let Response::Rooms(rooms) = rooms else { panic!("{rooms:?}") };
    assert_eq!(rooms[0].participants, 300);
    node.die();
    process.stop().await;
}

/// A status of a recording.
fn status(recording: RecordingId, room: RoomId, state: State, version: u64) -> Status {
    Status {
        recording,
        room,
        version,
        state,
        started_unix_ms: 0,
        duration_ms: 5,
        trouble: None,
        jobs: Vec::new(),
        files: Vec::new(),
        people: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_outlives_a_restart_and_is_destroyed_when_its_owner_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(Some(folder.path()));
    let _node = process.node("a").await;
    let mut edge = process.edge("edge-1").await;
    let meeting = edge.create_meeting().await;
    let (link, _) = edge.create_link(&meeting, Role::Presenter, 1).await;
    edge.join(&meeting, "ada", link, Role::Presenter).await;
    let by = || Moderator::Participant("ada".to_owned());
    let record = |on| Request::Record { room: meeting.room, by: by(), on };
    assert_eq!(edge.ask(record(true)).await, Err(RequestError::NoRecorder));
    let (mut recorder, live) = process.recorder("r1").await;
    assert!(live.is_empty());
    let Response::Recorded(Some(recorded)) = edge.must(record(true)).await else { panic!("on") };
    let id = recorded.recording;
    edge.notice(|notice| matches!(notice, Notice::Reception(r) if r.recorded.is_some())).await;
    assert!(matches!(recorder.told().await, ToRecorder::Open { recording, .. } if recording == id));
    process.stop().await;

    let process = Process::start(Some(folder.path()));
    let (mut recorder, live) = process.recorder("r1").await;
    assert_eq!(live, [id], "it goes on");
    let _node = process.node("a").await;
    let mut edge = process.edge("edge-1").await;
    let joined = edge.join(&meeting, "ada", link, Role::Presenter).await;
    assert_eq!(joined.reception.recorded.expect("told at once").recording, id);
    assert_eq!(edge.must(record(false)).await, Response::Recorded(None));
    loop {
        if let ToRecorder::Close { recording } = recorder.told().await {
            assert_eq!(recording, id);
            break;
        }
    }
    let ready = status(id, meeting.room, State::Ready, 2);
    recorder.say(&FromRecorder::Status(Box::new(ready.clone()))).await;
    assert_eq!(recorder.told().await, ToRecorder::Heard { recording: id, version: 2 });
    let owner = || Moderator::Owner { owner_key_hash: ends::OWNER };
    let room = meeting.room;
    let list = || Request::Recordings { room, by: owner(), before_unix_ms: None };
    let Response::Recordings { recordings, more: false } = edge.must(list()).await else {
        panic!("listed")
    };
    assert_ne!(recordings[0].status.state, State::Recording);
    let delete =
        Request::ChangeRecording { room, by: owner(), recording: id, change: Change::Delete };
    assert_eq!(edge.must(delete).await, Response::Done);
    assert_eq!(recorder.told().await, ToRecorder::Delete { recording: id });
    let deleted = status(id, room, State::Deleted, 3);
    recorder.say(&FromRecorder::Status(Box::new(deleted))).await;
    assert_eq!(recorder.told().await, ToRecorder::Heard { recording: id, version: 3 });
    let empty = Response::Recordings { recordings: Vec::new(), more: false };
    assert_eq!(edge.must(list()).await, empty);
    let line = "lectern_controller_recorders{state=\"free\"} 1";
    assert!(process.metrics().contains(line));
    process.stop().await;
    let kinds = ends::audit(&folder.path().join("records.db")).await;
    for kind in ["recording_started", "recording_stopped", "recording_deleted"] {
        assert_eq!(kinds.iter().filter(|known| *known == kind).count(), 1, "{kind}");
    }
}
