//! Messages of a client in, messages and requests out, without a socket.

use super::adapter::{Adapter, Out, Terms};
use super::message::{Now, Outcome};
use super::reply::told;
use crate::news::News;
use crate::session::{Entrance, Equipment, Purpose, SoundSlots, Sources, TrackIds};
use lectern_control::edge::{Joined, Notice, Request, RequestError, Response};
use lectern_control::media::{MediaKind, Source};
use lectern_control::node::Quality;
use lectern_control::room::{LeaveReason, Participant, Placement, Role, Track};
use lectern_control::transport::{
    Candidate, DataParameters, DtlsIdentity, Fingerprint, Permissions,
};
use lectern_control::{EdgeId, ParticipantId, RoomId, Secret, TrackId};
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message as Ask;
use proto::signal_response::Message as Tell;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

mod resume;
mod streams;

const CAMERA: &str = include_str!("../../tests/sdp/chromium-camera.sdp");
const CAMERA_KEY: &str = "6e0695e9-98a9-4f02-a753-826e5e83e0f8";
const NOW_UNIX_MS: i64 = 1_700_000_000_000;

fn participant(id: u64) -> Participant {
    Participant {
        audience: lectern_control::room::Audience::Everybody,
        id: ParticipantId(id),
        identity: format!("identity-{id}"),
        name: format!("Name {id}"),
        role: Role::Presenter,
        permissions: Permissions::ALL,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        joined_at_unix_ms: 5_500,
        version: 1,
        tracks: Vec::new(),
        edge: "edge-1".parse::<EdgeId>().expect("a name"),
    }
}

fn placement(last: u8) -> Placement {
    let candidate = Candidate { address: ([203, 0, 113, last], 7_000).into(), priority: 1 << 24 };
    Placement {
        room: RoomId(9),
        node: "node-1".parse().expect("a name"),
        standby: None,
        generation: u16::from(last),
        candidates: vec![candidate],
        standby_candidates: Vec::new(),
    }
}

/// A client's end of an adapter.
struct Client {
    began: Instant,
    adapter: Adapter,
    messages: Vec<Tell>,
    requests: Vec<(Purpose, Request)>,
}

impl Client {
    fn join(others: Vec<Participant>) -> Client {
        Client::with(Sources::All, others)
    }

    fn with(sources: Sources, others: Vec<Participant>) -> Client {
        let entrance = Entrance {
            admitted: false,
            issued_at_unix_ms: 0,
            room: RoomId(9),
            link: None,
            identity: "identity-1".to_owned(),
            name: "Name 1".to_owned(),
            role: Role::Presenter,
            permissions: Permissions::ALL,
            sources,
            metadata: String::new(),
            attributes: BTreeMap::new(),
            auto_subscribe: true,
            track_ids: TrackIds::Shown,
            sound: SoundSlots::NONE,
        };
        let joined = Joined {
            reception: lectern_control::edge::Reception::default(),
            participant: participant(1),
            others,
            room_name: "A meeting".to_owned(),
            created_at_unix_ms: 7_000,
            placement: placement(1),
        };
        let equipment = Equipment {
            dtls: DtlsIdentity { certificate: vec![1], private_key: Secret::new(vec![2]) },
            fingerprint: Fingerprint([7; 32]),
            up_data: DataParameters::default(),
            down_data: DataParameters::default(),
        };
        let terms = Terms { region: "here".to_owned(), may_update: true, forgets: true };
        let rng = StdRng::seed_from_u64(5);
        let began = Instant::now();
        let adapter = Adapter::new(&entrance, joined, equipment, terms, began, rng);
        let mut client = Client { began, adapter, messages: Vec::new(), requests: Vec::new() };
        client.drain();
        client
    }

    fn drain(&mut self) {
        while let Some(out) = self.adapter.poll() {
            match out {
                Out::Message(message) => self.messages.push(*message),
                Out::News(news) => {
                    let response = proto::SignalResponse::decode(told(&news)).expect("protobuf");
                    self.messages.extend(response.message);
                }
                Out::Request { purpose, body } => self.requests.push((purpose, *body)),
            }
        }
    }

    /// All of it happens at once.
    fn now(&self) -> Now {
        Now { at: self.began, unix_ms: NOW_UNIX_MS }
    }

    /// Forgets what was said before.
    fn says(&mut self, message: Ask) -> Outcome {
        self.messages.clear();
        self.requests.clear();
        let bytes = proto::SignalRequest { message: Some(message) }.encode_to_vec();
        let outcome = self.adapter.handle_message(&bytes, self.now());
        self.drain();
        outcome
    }

    fn hears(&mut self, notice: &Notice) {
        self.messages.clear();
        self.requests.clear();
        self.adapter.handle_notice(&Arc::new(News::new(notice.clone())));
        self.drain();
    }

    fn adds(&mut self, cid: &str) {
        let add = proto::AddTrackRequest {
            cid: cid.to_owned(),
            r#type: proto::TrackType::Video.into(),
            source: proto::TrackSource::Camera.into(),
            width: 1280,
            height: 720,
            ..Default::default()
        };
        self.says(Ask::AddTrack(add));
    }
}

fn offer(sdp: &str, id: u32) -> Ask {
    Ask::Offer(proto::SessionDescription {
        r#type: "offer".to_owned(),
        sdp: sdp.to_owned(),
        id,
        ..Default::default()
    })
}

#[test]
fn join_comes_first_and_then_an_offer() {
    let client = Client::join(vec![participant(2)]);
    let [Tell::Join(join), Tell::Offer(offer)] = &client.messages[..] else {
        panic!("{:?}", client.messages);
    };
    assert!(join.subscriber_primary && join.fast_publish);
    assert_eq!(join.participant.as_ref().map(|me| me.identity.as_str()), Some("identity-1"));
    assert_eq!(join.other_participants[0].sid, ParticipantId(2).to_string());
    assert_eq!(join.other_participants[0].joined_at, 5);
    assert_eq!(join.room.as_ref().map(|room| room.name.as_str()), Some("A meeting"));
    assert!(join.ping_interval > 0 && join.ping_timeout > join.ping_interval);
    let server = join.server_info.as_ref().expect("a server");
    assert!(!server.version.is_empty() && server.node_id.is_empty());
    assert_eq!((offer.r#type.as_str(), offer.id), ("offer", 1));
    let attributes = &join.other_participants[0].attributes;
    assert_eq!(attributes.get("lectern.role").map(String::as_str), Some("presenter"));
}

#[test]
fn an_offer_is_answered_under_its_number() {
    let mut client = Client::join(vec![]);
    client.adds(CAMERA_KEY);
    let [Tell::TrackPublished(published)] = &client.messages[..] else { panic!("published") };
    assert_eq!(published.cid, CAMERA_KEY);
    let sid = published.track.as_ref().map(|track| track.sid.clone()).expect("a track");
    assert!(sid.starts_with("TR_"));
    client.says(offer(CAMERA, 41));
    let [Tell::Answer(answer)] = &client.messages[..] else { panic!("{:?}", client.messages) };
    assert_eq!((answer.r#type.as_str(), answer.id), ("answer", 41));
    let added = client.requests.iter().any(|(_, request)| match request {
        Request::AddTrack { track, .. } => track.id.to_string() == sid,
        _ => false,
    });
    assert!(added);
}

#[test]
fn a_track_that_is_not_taken_is_unpublished_even_for_a_client_that_learns_its_id_late() {
    let mut client = Client::join(vec![]);
    client.adds(CAMERA_KEY);
    client.says(offer(CAMERA, 1));
    let added = client.requests.iter().find_map(|(purpose, request)| match request {
        Request::AddTrack { track, .. } => Some((*purpose, track.id.to_string())),
        _ => None,
    });
    let (purpose, sid) = added.expect("added");
    client.messages.clear();
    client.adapter.handle_response(purpose, Err(RequestError::Limit("tracks".to_owned())));
    client.drain();
    let unpublished = |client: &Client| {
        let of = |message: &Tell| match message {
            Tell::TrackUnpublished(response) => Some(response.track_sid.clone()),
            _ => None,
        };
        client.messages.iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(unpublished(&client), [sid.as_str()]);
    let after = [0, 1, 2].map(|_| {
        client.says(Ask::Ping(1));
        unpublished(&client).len()
    });
    assert_eq!(after, [0, 1, 0], "once more, when the answer is surely applied");
}

#[test]
fn pings_of_both_kinds_are_answered() {
    let mut client = Client::join(vec![]);
    client.says(Ask::Ping(3));
    assert_eq!(client.messages, [Tell::Pong(NOW_UNIX_MS)]);
    client.says(Ask::PingReq(proto::Ping { timestamp: 77, rtt: 5 }));
    let pong = proto::Pong { last_ping_timestamp: 77, timestamp: NOW_UNIX_MS };
    assert_eq!(client.messages, [Tell::PongResp(pong)]);
}

#[test]
fn every_numbered_request_gets_its_answer() {
    use proto::request_response::Reason;
    let mut client = Client::join(vec![]);
    let reason = |client: &Client| match &client.messages[..] {
        [Tell::RequestResponse(response)] => (response.request_id, response.reason()),
        other => panic!("{other:?}"),
    };
    let update = |attributes: &[(&str, &str)], name: &str| {
        Ask::UpdateMetadata(proto::UpdateParticipantMetadata {
            request_id: 12,
            name: name.to_owned(),
            attributes: attributes
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..Default::default()
        })
    };
    client.says(update(&[("hand", "1")], "Name 1"));
    assert!(client.messages.is_empty(), "the controller decides");
    let [(purpose, Request::UpdateParticipant { name, metadata, .. })] = &client.requests[..]
    else {
        panic!("{:?}", client.requests);
    };
    assert_eq!((name, metadata), (&None, &None), "what is repeated is not changed");
    let purpose = *purpose;
    client.adapter.handle_response(purpose, Ok(Response::Done));
    client.drain();
    assert_eq!(reason(&client), (12, Reason::Ok));
    client.says(update(&[("lectern.role", "owner")], ""));
    assert_eq!(reason(&client), (12, Reason::NotAllowed));
    client.says(update(&[], "bad\u{202e}name"));
    assert_eq!(reason(&client), (12, Reason::InvalidRequest));
    client.says(Ask::PublishDataTrackRequest(proto::PublishDataTrackRequest {
        pub_handle: 1,
        name: "x".to_owned(),
        ..Default::default()
    }));
    assert_eq!(reason(&client).1, Reason::UnsupportedType);
    client.says(Ask::GetDataBlobRequest(proto::GetDataBlobRequest {
        request_id: 8,
        ..Default::default()
    }));
    assert_eq!(reason(&client), (8, Reason::UnsupportedType));
}

#[test]
fn what_is_not_known_or_not_a_message_is_ignored() {
    let mut client = Client::join(vec![]);
    let now = client.now();
    assert_eq!(client.adapter.handle_message(&[0xff; 40], now), Outcome::Undecodable);
    assert_eq!(client.adapter.handle_message(&[], now), Outcome::Ignored);
    let mut unknown = Vec::new();
    prost::encoding::string::encode(900, &"from the future".to_owned(), &mut unknown);
    assert_eq!(client.adapter.handle_message(&unknown, now), Outcome::Ignored);
    assert_eq!(client.says(Ask::Simulate(proto::SimulateScenario::default())), Outcome::Ignored);
    let permission = proto::SubscriptionPermission { all_participants: true, ..Default::default() };
    assert_eq!(client.says(Ask::SubscriptionPermission(permission)), Outcome::Handled);
    assert!(client.messages.is_empty());
    for candidate in ["", "{}", "{\"candidate\":7}", "[", "{\"candidate\":\"\"}"] {
        let trickle =
            proto::TrickleRequest { candidate_init: candidate.to_owned(), ..Default::default() };
        client.says(Ask::Trickle(trickle));
        assert!(client.messages.is_empty() && client.requests.is_empty(), "{candidate}");
    }
}

#[test]
fn a_description_nobody_can_use_ends_the_session_for_its_client_alone() {
    let mut client = Client::join(vec![]);
    client.says(offer("v=0\r\nnonsense", 1));
    let [Tell::Leave(leave)] = &client.messages[..] else { panic!("{:?}", client.messages) };
    assert_eq!(leave.action(), proto::leave_request::Action::Disconnect);
    assert_eq!(leave.reason(), proto::DisconnectReason::MediaFailure);
    assert!(matches!(client.requests[..], [(_, Request::Leave { .. })]));
    assert!(client.adapter.session().is_over());
    client.says(offer(CAMERA, 2));
    assert!(client.messages.is_empty(), "nothing follows");
}

#[test]
fn tracks_we_do_not_serve_are_refused_with_what_was_asked() {
    let mut client = Client::join(vec![]);
    let add = |sid: &str, encryption: proto::encryption::Type| {
        Ask::AddTrack(proto::AddTrackRequest {
            cid: "x".to_owned(),
            sid: sid.to_owned(),
            encryption: encryption.into(),
            r#type: proto::TrackType::Video.into(),
            ..Default::default()
        })
    };
    for ask in [
        add("TR_1", proto::encryption::Type::None),
        add("", proto::encryption::Type::Gcm),
        Ask::AddTrack(proto::AddTrackRequest {
            r#type: proto::TrackType::Data.into(),
            ..Default::default()
        }),
    ] {
        client.says(ask);
        let [Tell::RequestResponse(response)] = &client.messages[..] else { panic!("refused") };
        assert!(matches!(response.request, Some(proto::request_response::Request::AddTrack(_))));
    }
}

#[test]
fn speakers_are_told_by_what_changed() {
    let mut client = Client::join(vec![participant(2), participant(3)]);
    let told = |client: &Client| match &client.messages[..] {
        [] => Vec::new(),
        [Tell::SpeakersChanged(changed)] => {
            changed.speakers.iter().map(|s| (s.sid.clone(), s.level, s.active)).collect()
        }
        other => panic!("{other:?}"),
    };
    let speakers = |speakers: &[(u64, f32)]| Notice::Speakers {
        speakers: speakers.iter().map(|(id, level)| (ParticipantId(*id), *level)).collect(),
    };
    let sid = |id| ParticipantId(id).to_string();
    client.hears(&speakers(&[(2, 0.5), (3, 0.25)]));
    assert_eq!(told(&client).len(), 2);
    client.hears(&speakers(&[(2, 0.5), (3, 0.25)]));
    assert!(told(&client).is_empty());
    client.hears(&speakers(&[(2, 0.75)]));
    assert_eq!(told(&client), [(sid(2), 0.75, true), (sid(3), 0.0, false)]);
    client.hears(&speakers(&[]));
    assert_eq!(told(&client), [(sid(2), 0.0, false)]);
}

#[test]
fn a_publisher_is_told_that_somebody_receives_its_track() {
    let mut client = Client::join(vec![participant(2)]);
    let subscribed = |id| Notice::TrackSubscribed(ParticipantId(id), TrackId(20));
    client.hears(&subscribed(2));
    assert!(client.messages.is_empty(), "somebody else's");
    client.hears(&subscribed(1));
    let [Tell::TrackSubscribed(told)] = &client.messages[..] else { panic!("told") };
    assert_eq!(told.track_sid, TrackId(20).to_string());
}

#[test]
fn quality_is_told_when_it_changes() {
    let mut client = Client::join(vec![participant(2)]);
    let quality = |uplink_loss| Notice::Quality {
        participant: ParticipantId(2),
        quality: Quality { uplink_loss, downlink_loss: 0.0, rtt_ms: 20 },
    };
    client.hears(&quality(0.0));
    assert_eq!(client.messages.len(), 1);
    client.hears(&quality(0.001));
    assert!(client.messages.is_empty());
    client.hears(&quality(0.5));
    let [Tell::ConnectionQuality(update)] = &client.messages[..] else { panic!("told") };
    assert_eq!(update.updates[0].quality(), proto::ConnectionQuality::Poor);
}

#[test]
fn who_comes_changes_and_goes_is_told() {
    let mut client = Client::join(vec![]);
    let mut other = participant(2);
    let mut screen = Track::new(TrackId(20), MediaKind::Video, Source::Screen);
    screen.width = 1920;
    other.tracks.push(screen);
    client.hears(&Notice::Participant(other));
    let [Tell::Update(update)] = &client.messages[..] else { panic!("{:?}", client.messages) };
    let info = &update.participants[0];
    assert_eq!(info.tracks[0].source(), proto::TrackSource::ScreenShare);
    assert_eq!(
        (info.tracks[0].width, info.state()),
        (1920, proto::participant_info::State::Active)
    );
    client.hears(&Notice::ParticipantLeft {
        participant: ParticipantId(2),
        identity: "identity-2".to_owned(),
        reason: LeaveReason::Removed,
    });
    let [Tell::Update(update)] = &client.messages[..] else { panic!("{:?}", client.messages) };
    let info = &update.participants[0];
    assert_eq!(info.state(), proto::participant_info::State::Disconnected);
    assert_eq!(info.disconnect_reason(), proto::DisconnectReason::ParticipantRemoved);
}

#[test]
fn a_move_names_the_new_place_and_asks_the_page_to_resume() {
    let mut client = Client::join(vec![]);
    client.says(offer(CAMERA, 1));
    let [Tell::Answer(answer)] = &client.messages[..] else { panic!("answered") };
    let ufrag = answer.sdp.split("a=ice-ufrag:").nth(1).and_then(|rest| rest.lines().next());
    let ufrag = ufrag.expect("a fragment").to_owned();
    client.hears(&Notice::Moved { placement: placement(2) });
    let [Tell::Trickle(trickle), Tell::Leave(leave)] = &client.messages[..] else {
        panic!("{:?}", client.messages);
    };
    assert_eq!(trickle.target(), proto::SignalTarget::Publisher);
    let init: serde_json::Value = serde_json::from_str(&trickle.candidate_init).expect("JSON");
    assert!(init["candidate"].as_str().is_some_and(|line| line.contains("203.0.113.2 7000")));
    assert_eq!(init["usernameFragment"], ufrag);
    assert_eq!(leave.action(), proto::leave_request::Action::Resume);
    assert!(!client.adapter.session().is_over());
}

#[test]
fn a_flood_ends_the_session_and_is_told_to_the_controller() {
    let mut client = Client::join(vec![]);
    let track_sids = vec!["TR_1".to_owned(); 100];
    let pause = proto::UpdateTrackSettings { track_sids, disabled: true, ..Default::default() };
    let outcomes: Vec<Outcome> =
        (0..6).map(|_| client.says(Ask::TrackSetting(pause.clone()))).collect();
    assert_eq!(outcomes[4..], [Outcome::Handled, Outcome::Flood]);
    assert!(client.adapter.session().is_over());
    assert!(matches!(client.requests[..], [(_, Request::Leave { .. })]));
}

#[test]
fn changes_that_come_too_fast_are_refused_and_harm_nothing_else() {
    use proto::request_response::Reason;
    let mut client = Client::join(vec![]);
    let mut refused = 0;
    for number in 0..30 {
        client.says(Ask::UpdateMetadata(proto::UpdateParticipantMetadata {
            request_id: number,
            attributes: [("hand".to_owned(), number.to_string())].into(),
            ..Default::default()
        }));
        refused += client
            .messages
            .iter()
            .filter(|message| match message {
                Tell::RequestResponse(response) => response.reason() == Reason::LimitExceeded,
                _ => false,
            })
            .count();
        assert_eq!(client.messages.len() + client.requests.len(), 1, "each gets one answer");
    }
    assert_eq!(refused, 10);
    assert!(!client.adapter.session().is_over());
}

#[test]
fn who_may_share_a_screen_only_is_told_so_and_held_to_it() {
    let screens = Sources::Only(vec![Source::Screen]);
    let mut client = Client::with(screens, vec![participant(2)]);
    let permitted = |info: &proto::ParticipantInfo| {
        info.permission.as_ref().map(|permission| permission.can_publish_sources.clone())
    };
    let Tell::Join(join) = &client.messages[0] else { panic!("join comes first") };
    let me = join.participant.as_ref().expect("me");
    assert_eq!(permitted(me), Some(vec![proto::TrackSource::ScreenShare.into()]));
    assert_eq!(permitted(&join.other_participants[0]), Some(vec![]));
    client.adds(CAMERA_KEY);
    let [Tell::RequestResponse(response)] = &client.messages[..] else { panic!("refused") };
    assert_eq!(response.reason(), proto::request_response::Reason::NotAllowed);
    client.says(Ask::AddTrack(proto::AddTrackRequest {
        cid: "screen".to_owned(),
        r#type: proto::TrackType::Video.into(),
        source: proto::TrackSource::ScreenShare.into(),
        ..Default::default()
    }));
    assert!(matches!(client.messages[..], [Tell::TrackPublished(_)]));
    client.hears(&Notice::Participant(Participant { version: 2, ..participant(1) }));
    let [Tell::Update(update)] = &client.messages[..] else { panic!("{:?}", client.messages) };
    assert_eq!(permitted(&update.participants[0]).map(|sources| sources.len()), Some(1));
}

#[test]
fn leaving_is_told_to_the_controller() {
    let mut client = Client::join(vec![]);
    client.says(Ask::Leave(proto::LeaveRequest::default()));
    assert!(client.messages.is_empty());
    let [(_, Request::Leave { reason, .. })] = &client.requests[..] else { panic!("left") };
    assert_eq!(*reason, LeaveReason::ClientLeft);
}
