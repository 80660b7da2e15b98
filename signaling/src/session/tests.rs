//! One participant's stay, event by event, with descriptions of real browsers.

mod backup;
mod limits;
mod redundancy;
mod sound;
mod streams;

use super::*;
use lectern_control::media::{
    Codec, CodecName, EncodingParameters, Extension, MediaKind, Source, Wish,
};
use lectern_control::node::{Quality, Security};
use lectern_control::room::{Role, Track};
use lectern_control::transport::{
    Candidate, DataParameters, DtlsIdentity, DtlsRole, Fingerprint, Permissions, candidate_priority,
};
use lectern_control::{EdgeId, ParticipantId, RoomId, Secret};
use rand::SeedableRng;
use std::collections::BTreeMap;

const ROOM: RoomId = RoomId(9);
const ME: ParticipantId = ParticipantId(1);
const CAMERA: &str = include_str!("../../tests/sdp/chromium-camera.sdp");
/// Keys of the microphone and the camera in [`CAMERA`].
const MICROPHONE_KEY: &str = "269537e5-455f-4ce5-84a2-8adbe243cf8f";
const CAMERA_KEY: &str = "6e0695e9-98a9-4f02-a753-826e5e83e0f8";
const FIREFOX: &str = include_str!("../../tests/sdp/firefox-camera.sdp");
const ANSWER: &str = include_str!("../../tests/sdp/chromium-answer.sdp");

fn participant(id: u64, tracks: Vec<Track>) -> Participant {
    Participant {
        audience: lectern_control::room::Audience::Everybody,
        id: ParticipantId(id),
        identity: format!("identity-{id}"),
        name: format!("Name {id}"),
        role: Role::Presenter,
        permissions: Permissions::ALL,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        joined_at_unix_ms: id,
        version: 1,
        tracks,
        edge: "edge-1".parse::<EdgeId>().expect("a name"),
    }
}

fn track(id: u64, name: CodecName) -> Track {
    let codec = Codec {
        name,
        payload_type: 45,
        rtx_payload_type: Some(46),
        format: String::new(),
        feedback: Default::default(),
    };
    let source = match name.kind() {
        MediaKind::Audio => Source::Microphone,
        MediaKind::Video => Source::Screen,
    };
    Track {
        stream: "screen".to_owned(),
        codecs: vec![codec],
        encodings: vec![EncodingParameters::default()],
        ..Track::new(TrackId(id), name.kind(), source)
    }
}

fn placement(generation: u16) -> Placement {
    let candidate = |generation: u16| Candidate {
        address: ([203, 0, 113, generation as u8], 7_000).into(),
        priority: candidate_priority(generation, 0),
    };
    Placement {
        room: ROOM,
        node: format!("node-{}", generation + 1).parse().expect("a name"),
        standby: Some(format!("node-{}", generation + 2).parse().expect("a name")),
        generation,
        candidates: vec![candidate(generation)],
        standby_candidates: vec![candidate(generation + 1)],
    }
}

fn entrance(track_ids: TrackIds, permissions: Permissions) -> Entrance {
    Entrance {
        admitted: false,
        issued_at_unix_ms: 0,
        room: ROOM,
        link: None,
        identity: "identity-1".to_owned(),
        name: "Name 1".to_owned(),
        role: Role::Presenter,
        permissions,
        sources: Sources::All,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        auto_subscribe: true,
        track_ids,
        sound: SoundSlots::NONE,
    }
}

/// A session and what it said so far.
struct Stay {
    session: Session,
    requests: Vec<(Purpose, Request)>,
    notices: Vec<ClientNotice>,
}

impl Stay {
    fn begin(others: Vec<Participant>) -> Stay {
        Stay::with(entrance(TrackIds::Shown, Permissions::ALL), others)
    }

    fn with(entrance: Entrance, others: Vec<Participant>) -> Stay {
        let joined = Joined {
            reception: lectern_control::edge::Reception::default(),
            participant: Participant {
                permissions: entrance.permissions,
                ..participant(1, vec![])
            },
            others,
            room_name: "A meeting".to_owned(),
            created_at_unix_ms: 0,
            placement: placement(0),
        };
        let equipment = Equipment {
            dtls: DtlsIdentity { certificate: vec![1], private_key: Secret::new(vec![2]) },
            fingerprint: Fingerprint([7; 32]),
            up_data: DataParameters::default(),
            down_data: DataParameters::default(),
        };
        let session = entrance.enter(joined, equipment, StdRng::seed_from_u64(5));
        let mut stay = Stay { session, requests: Vec::new(), notices: Vec::new() };
        stay.drain();
        stay
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Request { purpose, body } => self.requests.push((purpose, *body)),
                Output::Client(notice) => self.notices.push(notice),
            }
        }
    }

    /// Forgets what was said, then lets the client do something.
    fn does(&mut self, event: ClientEvent) -> Result<(), Error> {
        self.requests.clear();
        self.notices.clear();
        let result = self.session.handle_client(event);
        self.drain();
        result
    }

    fn hears(&mut self, notice: &Notice) {
        self.requests.clear();
        self.notices.clear();
        self.session.handle_notice(notice);
        self.drain();
    }

    /// Forgets what was said, then the controller refuses something.
    fn answered(&mut self, purpose: Purpose, error: RequestError) {
        self.requests.clear();
        self.notices.clear();
        self.session.handle_response(purpose, Err(error));
        self.drain();
    }

    fn commands(&self) -> Vec<&Command> {
        let commands = self.requests.iter().filter_map(|(_, request)| match request {
            Request::Node { command, .. } => Some(command),
            _ => None,
        });
        commands.collect()
    }

    fn offer(&self) -> Option<(u32, String)> {
        self.notices.iter().find_map(|notice| match notice {
            ClientNotice::Offer { id, sdp, .. } => Some((*id, sdp.clone())),
            _ => None,
        })
    }

    fn answer(&self) -> String {
        let answer = self.notices.iter().find_map(|notice| match notice {
            ClientNotice::Answer { sdp } => Some(sdp.clone()),
            _ => None,
        });
        answer.expect("an answer")
    }

    fn announce(&mut self, key: &str, kind: MediaKind) {
        self.announce_with(key, kind, false);
    }

    fn announce_with(&mut self, key: &str, kind: MediaKind, disable_red: bool) {
        let source = match kind {
            MediaKind::Audio => Source::Microphone,
            MediaKind::Video => Source::Camera,
        };
        let layer = |rid: &str, rank, height| AnnouncedLayer {
            rid: rid.to_owned(),
            rank,
            width: height * 16 / 9,
            height,
            max_bitrate_bps: 1_000 * u64::from(height),
        };
        let layers = match kind {
            MediaKind::Audio => Vec::new(),
            MediaKind::Video => vec![layer("f", 2, 720), layer("q", 0, 180), layer("h", 1, 360)],
        };
        let announcement = Announcement {
            key: key.to_owned(),
            kind,
            source,
            name: String::new(),
            stream: String::new(),
            muted: false,
            width: 1280,
            height: 720,
            codec: None,
            backup: None,
            stands_for: None,
            layers,
            stereo: false,
            disable_dtx: false,
            disable_red,
        };
        self.does(ClientEvent::Announce(Box::new(announcement))).expect("no description");
    }
}

/// A description of so many sections that accepts everything, in the words of Chromium.
fn accepting(offer: &str) -> String {
    let head = ANSWER.split("m=").next().expect("a head");
    let data = ANSWER.split("m=").nth(1).expect("data");
    let mut text = format!("{head}m={data}");
    for section in offer.split("m=").skip(2) {
        let section = section.replace("a=sendonly", "a=recvonly");
        let lines = section.lines().filter(|line| {
            !["a=ssrc", "a=msid", "a=ice", "a=fingerprint", "a=setup", "a=candidate", "a=end"]
                .iter()
                .any(|start| line.starts_with(start))
        });
        text.push_str("m=");
        lines.for_each(|line| text.push_str(&format!("{line}\r\n")));
    }
    text
}

fn says_offer(sdp: &str) -> ClientEvent {
    ClientEvent::Offer { sdp: sdp.to_owned() }
}

fn answers(offer: &(u32, String)) -> ClientEvent {
    ClientEvent::Answer { offer: offer.0, sdp: accepting(&offer.1) }
}

#[test]
fn a_stay_begins_with_a_warm_transport_and_both_nodes_in_its_first_offer() {
    let stay = Stay::begin(vec![]);
    let (Purpose::Essential, Request::OpenPeer { parameters, warm, .. }) = &stay.requests[0] else {
        panic!("{:?}", stay.requests);
    };
    assert!(warm);
    assert_eq!(parameters.ice_role, IceRole::Controlling);
    assert!(parameters.ice.ufrag.len() >= 8 && parameters.ice.pwd.expose().len() >= 22);
    let (_, sdp) = stay.offer().expect("an offer");
    assert!(sdp.contains("203.0.113.0 7000") && sdp.contains("203.0.113.1 7000"), "{sdp}");
    assert!(sdp.contains("a=setup:actpass"));
    assert!(sdp.contains(&format!("a=ice-ufrag:{}", parameters.ice.ufrag)));
    assert!(!sdp.contains("ice-lite"));
}

#[test]
fn a_track_that_is_there_is_offered_and_subscribed_once_the_client_answers() {
    let other = participant(2, vec![track(20, CodecName::Vp8), track(21, CodecName::Opus)]);
    let mut stay = Stay::begin(vec![other]);
    let offer = stay.offer().expect("an offer");
    let id = ParticipantId(2);
    assert!(offer.1.contains(&format!("a=msid:{id}|screen {}", TrackId(20))), "{}", offer.1);
    stay.does(answers(&offer)).expect("a good answer");
    let commands = stay.commands();
    let Command::SetRemote { remote, .. } = commands[0] else { panic!("{commands:?}") };
    assert_eq!(remote.dtls_role, DtlsRole::Server);
    assert_eq!(remote.ice.ufrag, "pmrH");
    let subscribed: Vec<_> = commands
        .iter()
        .filter_map(|command| match command {
            Command::Subscribe { track, parameters, .. } => Some((*track, parameters.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(subscribed.len(), 2);
    let (_, video) = subscribed.iter().find(|(track, _)| *track == TrackId(20)).expect("video");
    assert_eq!((video.payloads[0].from, video.payloads[0].to), (45, 96));
    assert_eq!(video.payloads[0].rtx, Some(97));
    let ssrcs = format!("a=ssrc-group:FID {} {}", video.ssrc, video.rtx_ssrc.expect("an SSRC"));
    assert!(offer.1.contains(&ssrcs));
    assert!(stay.offer().is_none(), "nothing is left to negotiate");
}

#[test]
fn one_offer_is_out_at_a_time_and_late_or_foreign_answers_are_ignored() {
    let mut stay = Stay::begin(vec![]);
    let first = stay.offer().expect("an offer");
    stay.hears(&Notice::Participant(participant(2, vec![track(20, CodecName::Vp8)])));
    assert!(stay.offer().is_none(), "the first is unanswered");
    let foreign = (first.0 + 7, first.1.clone());
    stay.does(answers(&foreign)).expect("ignored");
    assert!(stay.requests.is_empty());
    stay.does(answers(&first)).expect("a good answer");
    let second = stay.offer().expect("what changed meanwhile");
    assert!(second.0 > first.0 && second.1.contains("m=video 9"));
    assert!(!second.1.contains("candidate:"), "the client knows them");
    stay.does(answers(&first)).expect("ignored");
    assert!(stay.requests.is_empty());
}

#[test]
fn sections_keep_their_place_and_free_ones_are_used_anew() {
    let with = |tracks| Notice::Participant(Participant { version: 9, ..participant(2, tracks) });
    let mut stay = Stay::begin(vec![]);
    let mut offer = stay.offer().expect("an offer");
    let mut sections = Vec::new();
    for round in 0..20 {
        stay.does(answers(&offer)).expect("a good answer");
        let tracks = if round % 2 == 0 {
            vec![track(1, CodecName::Opus), track(100 + round, CodecName::Vp8)]
        } else {
            vec![track(1, CodecName::Opus)]
        };
        stay.hears(&with(tracks));
        offer = stay.offer().expect("an offer");
        sections.push(offer.1.matches("m=").count());
        assert!(offer.1.contains("a=mid:0\r\n"), "the sound stays where it was");
        let dropped = stay.commands().iter().any(|c| matches!(c, Command::Unsubscribe { .. }));
        assert!(!dropped, "the node has dropped a track that ended");
        assert_eq!(offer.1.contains("m=video 0"), round % 2 == 1);
    }
    assert!(sections.iter().all(|sections| *sections == 3), "{sections:?}");
    assert!(offer.1.contains("a=group:BUNDLE data 0\r\n"), "{}", offer.1);
}

#[test]
fn a_camera_and_a_microphone_are_published() {
    let mut stay = Stay::begin(vec![]);
    stay.announce(MICROPHONE_KEY, MediaKind::Audio);
    assert!(matches!(stay.notices[..], [ClientNotice::Announced { .. }]), "{:?}", stay.notices);
    assert!(stay.requests.is_empty(), "nobody hears of a track without a description");
    stay.announce(CAMERA_KEY, MediaKind::Video);
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let Request::OpenPeer { parameters, warm: false, .. } = &stay.requests[0].1 else {
        panic!("{:?}", stay.requests[0]);
    };
    assert_eq!(parameters.ice_role, IceRole::Controlled);
    let remote = parameters.remote.as_ref().expect("the client's side");
    assert_eq!((remote.ice.ufrag.as_str(), remote.dtls_role), ("dyUc", DtlsRole::Server));
    assert!(parameters.extensions.iter().any(|e| e.extension == Extension::RepairedRid));
    let published: Vec<_> = stay
        .requests
        .iter()
        .filter_map(|(_, request)| match request {
            Request::AddTrack { track, .. } => Some(track),
            _ => None,
        })
        .collect();
    assert_eq!(published.len(), 2);
    let camera = published.iter().find(|track| track.kind == MediaKind::Video).expect("a camera");
    let rids: Vec<(&str, u32)> =
        camera.encodings.iter().map(|e| (e.rid.as_str(), e.height)).collect();
    assert_eq!(rids, [("q", 180), ("h", 360), ("f", 720)], "lowest first, whatever was announced");
    assert_eq!(camera.stream, "camera");
    let publish = stay.commands().into_iter().find_map(|command| match command {
        Command::Publish { track, parameters, .. } if *track == camera.id => Some(parameters),
        _ => None,
    });
    assert_eq!(publish.expect("published").mid, "1");
    let answer = stay.answer();
    assert!(answer.contains("a=simulcast:recv q;h;f"));
    assert!(answer.contains("a=setup:passive") && answer.contains("203.0.113.0 7000"));
    assert!(!answer.contains("203.0.113.1"), "no standby where the client offers");
}

#[test]
fn a_section_may_come_before_its_announcement() {
    let mut stay = Stay::begin(vec![]);
    stay.does(says_offer(CAMERA)).expect("a good offer");
    assert!(stay.answer().contains("a=recvonly"));
    assert!(!stay.requests.iter().any(|(_, r)| matches!(r, Request::AddTrack { .. })));
    stay.announce(CAMERA_KEY, MediaKind::Video);
    let (publish, add) = (&stay.requests[0].1, &stay.requests[1].1);
    assert!(matches!(publish, Request::Node { command: Command::Publish { .. }, .. }));
    assert!(matches!(add, Request::AddTrack { track, .. } if track.encodings.len() == 3));
}

#[test]
fn firefox_is_matched_by_kind_though_it_hides_its_ids() {
    let mut stay = Stay::with(entrance(TrackIds::Hidden, Permissions::ALL), vec![]);
    stay.announce("{page-knows-this-one}", MediaKind::Video);
    stay.announce("{and-this-one}", MediaKind::Audio);
    stay.does(says_offer(FIREFOX)).expect("a good offer");
    let added = stay.requests.iter().filter(|(_, r)| matches!(r, Request::AddTrack { .. }));
    assert_eq!(added.count(), 2);
    let other = participant(2, vec![track(20, CodecName::Vp8)]);
    let stay = Stay::with(entrance(TrackIds::Hidden, Permissions::ALL), vec![other]);
    let stream = format!("a=msid:{}|{} ", ParticipantId(2), TrackId(20));
    assert!(stay.offer().expect("an offer").1.contains(&stream));
}

#[test]
fn an_unpublished_section_is_given_back() {
    let before = include_str!("../../tests/sdp/chromium-before-unpublish.sdp");
    let after = include_str!("../../tests/sdp/chromium-unpublished.sdp");
    let mut stay = Stay::begin(vec![]);
    stay.announce("25b14584-807c-4d7d-970f-a1b3301d746c", MediaKind::Video);
    stay.does(says_offer(before)).expect("a good offer");
    let before_count = stay.requests.len();
    assert!(before_count >= 3, "{:?}", stay.requests);
    stay.does(says_offer(after)).expect("a good offer");
    assert!(matches!(stay.requests[..], [(_, Request::RemoveTrack { .. })]), "{:?}", stay.requests);
    let answer = stay.answer();
    assert!(answer.contains("m=video 0 ") && answer.contains("a=group:BUNDLE 0 2"), "{answer}");
}

#[test]
fn an_ice_restart_renews_both_sides_and_names_the_node_again() {
    let before = include_str!("../../tests/sdp/chromium-unpublished.sdp");
    let after = include_str!("../../tests/sdp/chromium-ice-restart.sdp");
    let mut stay = Stay::begin(vec![]);
    stay.does(says_offer(before)).expect("a good offer");
    let first = stay.answer();
    stay.does(says_offer(before)).expect("a good offer");
    assert!(!stay.answer().contains("candidate:"), "known");
    assert!(stay.requests.is_empty(), "{:?}", stay.requests);
    stay.does(says_offer(after)).expect("a good offer");
    let commands = stay.commands();
    let [Command::RestartIce { local, .. }] = commands[..] else { panic!("{commands:?}") };
    let answer = stay.answer();
    assert!(answer.contains(&format!("a=ice-ufrag:{}", local.ufrag)));
    assert!(!first.contains(&format!("a=ice-ufrag:{}", local.ufrag)), "new credentials");
    assert!(answer.contains("candidate:"));
    let forged = after
        .replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:")
        .lines()
        .map(|line| match line.strip_prefix("a=fingerprint:sha-256 ") {
            Some(hex) => format!("a=fingerprint:sha-256 {}", &hex[..95]),
            None => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\r\n");
    let refused = stay.session.handle_client(says_offer(&forged));
    assert_eq!(refused, Err(Error::FingerprintChanged));
}

#[test]
fn a_client_that_will_be_passive_is_met_actively() {
    let mut stay = Stay::begin(vec![]);
    let passive = CAMERA.replace("setup:actpass", "setup:passive");
    stay.does(says_offer(&passive)).expect("a good offer");
    let Request::OpenPeer { parameters, .. } = &stay.requests[0].1 else { panic!("no peer") };
    let remote = parameters.remote.as_ref().expect("the client's side");
    assert_eq!(remote.dtls_role, DtlsRole::Client);
    assert!(stay.answer().contains("a=setup:active"));
}

#[test]
fn a_viewer_publishes_nothing() {
    let viewer = entrance(TrackIds::Shown, Role::Viewer.permissions());
    let mut stay = Stay::with(viewer, vec![]);
    stay.announce(CAMERA_KEY, MediaKind::Video);
    let refused = |why| ClientNotice::AnnounceRefused { key: CAMERA_KEY.to_owned(), why };
    assert_eq!(stay.notices, [refused(Refusal::NotPermitted)]);
    stay.does(says_offer(CAMERA)).expect("a good offer");
    assert!(!stay.commands().iter().any(|c| matches!(c, Command::Publish { .. })));
    assert!(!stay.answer().contains("a=recvonly"));
    assert!(stay.answer().contains("m=application 9"), "chat is for everybody");
}

#[test]
fn tracks_have_a_limit_and_names_a_length() {
    let mut stay = Stay::begin(vec![]);
    for number in 0..lectern_control::limits::MAX_TRACKS_PER_PARTICIPANT {
        stay.announce(&format!("key-{number}"), MediaKind::Video);
        assert!(matches!(stay.notices[..], [ClientNotice::Announced { .. }]));
    }
    stay.announce("one too many", MediaKind::Video);
    let refusal = |stay: &Stay| match &stay.notices[..] {
        [ClientNotice::AnnounceRefused { why, .. }] => Some(*why),
        _ => None,
    };
    assert_eq!(refusal(&stay), Some(Refusal::Limit));
    stay.announce(&"x".repeat(1_000), MediaKind::Video);
    assert_eq!(refusal(&stay), Some(Refusal::Invalid));
    stay.announce("", MediaKind::Video);
    assert_eq!(refusal(&stay), Some(Refusal::Invalid));
    let attributes = [("key".to_owned(), "x".repeat(70_000))].into();
    let update = ClientEvent::Update { request: 3, name: None, metadata: None, attributes };
    stay.does(update).expect("no description");
    assert_eq!(stay.notices, [ClientNotice::Updated { request: 3, result: Err(Refusal::Limit) }]);
}

#[test]
fn a_track_the_controller_refuses_is_taken_back() {
    let mut stay = Stay::begin(vec![]);
    stay.announce(CAMERA_KEY, MediaKind::Video);
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let purpose = stay.requests.iter().find_map(|(purpose, request)| match request {
        Request::AddTrack { .. } => Some(*purpose),
        _ => None,
    });
    let error = RequestError::Limit("tracks".to_owned());
    stay.answered(purpose.expect("added"), error);
    assert!(matches!(stay.requests[..], [(_, Request::RemoveTrack { .. })]));
    assert!(matches!(
        stay.notices[..],
        [ClientNotice::PublicationRefused { why: Refusal::Limit, .. }]
    ));
}

/// Somebody begins to share while a moderator makes it a viewer.
#[test]
fn a_publication_that_is_refused_in_both_parts_is_told_once_and_ends_nothing() {
    let asked = |stay: &Stay| -> Vec<Purpose> {
        let of = |request: &Request| match request {
            Request::AddTrack { .. } => true,
            Request::Node { command, .. } => matches!(command, Command::Publish { .. }),
            _ => false,
        };
        stay.requests.iter().filter(|(_, request)| of(request)).map(|(why, _)| *why).collect()
    };
    let mut stay = Stay::begin(vec![]);
    stay.announce(CAMERA_KEY, MediaKind::Video);
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let [publish, add] = asked(&stay)[..] else { panic!("{:?}", stay.requests) };
    stay.answered(publish, RequestError::NotPermitted);
    let [ClientNotice::PublicationRefused { why: Refusal::NotPermitted, .. }] = stay.notices[..]
    else {
        panic!("{:?}", stay.notices)
    };
    assert!(matches!(stay.requests[..], [(_, Request::RemoveTrack { .. })]));
    stay.answered(add, RequestError::NotPermitted);
    assert!(stay.notices.is_empty() && stay.requests.is_empty());
    assert!(!stay.session.is_over(), "it goes on watching");

    for lost in [RequestError::NotFound, RequestError::Absent] {
        let mut stay = Stay::begin(vec![]);
        stay.announce(CAMERA_KEY, MediaKind::Video);
        stay.does(says_offer(CAMERA)).expect("a good offer");
        let [publish, add] = asked(&stay)[..] else { panic!("{:?}", stay.requests) };
        stay.answered(publish, lost.clone());
        let again = ClientNotice::Ended(End::Rejoin(LeaveReason::MediaFailed));
        assert_eq!(stay.notices, [again], "the controller has lost it: it comes as new");
        stay.answered(add, lost);
        assert!(stay.notices.is_empty());
    }
}

#[test]
fn what_a_node_does_not_take_is_told_and_not_tried_again() {
    let mut stay = Stay::begin(vec![]);
    stay.announce(CAMERA_KEY, MediaKind::Video);
    let [ClientNotice::Announced { track, .. }] = &stay.notices[..] else { panic!("announced") };
    let (track, participant) = (track.id, stay.session.me().id);
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let error = CommandError::Limit("tracks".to_owned());
    stay.hears(&Notice::TrackRefused { participant, track, error });
    let why = Refusal::Limit;
    let refused = ClientNotice::PublicationRefused { track, key: CAMERA_KEY.into(), why };
    assert!(stay.notices.contains(&refused));
    let (peer, reason) = (stay.session.down.peer, DisconnectReason::Refused);
    stay.hears(&Notice::PeerDisconnected { participant, peer, reason });
    let out = End::Out(LeaveReason::MediaFailed);
    assert_eq!(stay.notices, [ClientNotice::Ended(out)]);
}

#[test]
fn a_muted_track_is_muted_for_the_room() {
    let mut stay = Stay::begin(vec![]);
    stay.announce(CAMERA_KEY, MediaKind::Video);
    let [ClientNotice::Announced { track, .. }] = &stay.notices[..] else { panic!("announced") };
    let id = track.id;
    stay.does(ClientEvent::Mute { track: id, muted: true }).expect("no description");
    assert!(stay.requests.is_empty(), "nobody has heard of it");
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let added = stay.requests.iter().any(|(_, request)| match request {
        Request::AddTrack { track, .. } => track.muted,
        _ => false,
    });
    assert!(added);
    stay.does(ClientEvent::Mute { track: id, muted: false }).expect("no description");
    assert!(matches!(stay.requests[..], [(_, Request::MuteTrack { muted: false, .. })]));
    stay.does(ClientEvent::Mute { track: TrackId(999), muted: true }).expect("no description");
    assert!(stay.requests.is_empty(), "not its own");
}

#[test]
fn candidates_pass_in_bounds() {
    let mut stay = Stay::begin(vec![]);
    let (offer, line) = (stay.offer().expect("an offer"), "candidate:1 1 udp 9 198.51.100.1");
    let candidate =
        |side, port: u32| ClientEvent::Candidate { side, line: format!("{line} {port} typ host") };
    stay.does(candidate(Side::Down, 5_000)).expect("no description");
    stay.does(candidate(Side::Up, 5_000)).expect("no description");
    assert!(stay.requests.is_empty(), "nothing is described yet");
    stay.does(answers(&offer)).expect("a good answer");
    let Command::SetRemote { remote, .. } = stay.commands()[0] else { panic!("connects") };
    assert_eq!(remote.candidates.len(), 1, "the early one is not lost");
    let mut passed = 0;
    for port in 5_001..15_001 {
        stay.does(candidate(Side::Down, port)).expect("no description");
        passed += stay.commands().len();
    }
    assert_eq!(passed, lectern_control::limits::MAX_CANDIDATES_PER_PEER - 1);
}

#[test]
fn coming_back_renews_the_path_of_the_lower_transport() {
    let mut stay = Stay::begin(vec![]);
    let offer = stay.offer().expect("an offer");
    stay.does(ClientEvent::Resume { restart_down: true }).expect("no description");
    let again = stay.offer().expect("the first offer may be lost");
    assert!(again.0 > offer.0 && again.1.contains("candidate:"));
    stay.does(answers(&again)).expect("a good answer");
    stay.does(ClientEvent::Resume { restart_down: true }).expect("no description");
    let restart = stay.offer().expect("an offer");
    assert!(restart.1.contains("203.0.113.0") && !restart.1.contains("203.0.113.1 "));
    stay.does(answers(&restart)).expect("a good answer");
    let [Command::RestartIce { local, .. }] = stay.commands()[..] else { panic!("a restart") };
    assert!(restart.1.contains(&format!("a=ice-ufrag:{}", local.ufrag)));
}

#[test]
fn a_restart_in_the_middle_of_a_restart_is_made_after_it() {
    let mut stay = Stay::begin(vec![]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    stay.hears(&Notice::Moved { placement: placement(5) });
    let first = stay.offer().expect("this node was never warm");
    stay.hears(&Notice::Moved { placement: placement(8) });
    assert!(stay.offer().is_none(), "one at a time");
    stay.does(answers(&first)).expect("a good answer");
    let [Command::RestartIce { local, .. }] = stay.commands()[..] else { panic!("a restart") };
    assert!(first.1.contains(&format!("a=ice-ufrag:{}", local.ufrag)));
    let second = stay.offer().expect("the second restart");
    assert!(!second.1.contains(&format!("a=ice-ufrag:{}", local.ufrag)));
    assert!(second.1.contains("203.0.113.8 7000"));
    stay.does(answers(&second)).expect("a good answer");
    assert!(matches!(stay.commands()[..], [Command::RestartIce { .. }]));
    assert!(stay.offer().is_none());
}

#[test]
fn a_move_to_the_warm_standby_renews_only_what_the_client_offers() {
    let mut stay = Stay::begin(vec![]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    stay.does(says_offer(CAMERA)).expect("a good offer");
    stay.hears(&Notice::Moved { placement: placement(1) });
    let [ClientNotice::UpMoved { candidates }] = &stay.notices[..] else { panic!("moved") };
    assert_eq!(candidates[0].address.to_string(), "203.0.113.1:7000");
    stay.does(ClientEvent::Resume { restart_down: true }).expect("no description");
    let quiet = stay.offer().expect("an offer").1;
    assert!(!quiet.contains("candidate:"), "the lower transport has moved by itself");
    stay.does(says_offer(CAMERA)).expect("a good offer");
    assert!(stay.answer().contains("203.0.113.1 7000"), "the new place");
}

#[test]
fn a_move_to_a_cold_node_renews_the_lower_transport_at_once() {
    let mut stay = Stay::begin(vec![]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    stay.hears(&Notice::Moved { placement: placement(1) });
    assert!(stay.notices.is_empty(), "warm, and nothing is published");
    stay.hears(&Notice::Moved { placement: placement(2) });
    let restart = stay.offer().expect("transports that moved have no standby any more");
    assert!(restart.1.contains("203.0.113.2 7000") && !restart.1.contains("203.0.113.3 "));
    stay.does(answers(&restart)).expect("a good answer");
    assert!(matches!(stay.commands()[..], [Command::RestartIce { .. }]));
}

#[test]
fn old_news_is_not_told_again() {
    let mut stay = Stay::begin(vec![]);
    let news = |version| Notice::Participant(Participant { version, ..participant(2, vec![]) });
    stay.hears(&news(5));
    assert_eq!(stay.notices.len(), 1);
    stay.hears(&news(4));
    assert!(stay.notices.is_empty());
    let me = Participant { version: 0, ..participant(1, vec![]) };
    stay.hears(&Notice::Participant(me));
    assert!(stay.notices.is_empty());
}

#[test]
fn those_who_leave_are_remembered_until_they_come_back() {
    let mut stay = Stay::begin(vec![participant(2, vec![]), participant(3, vec![])]);
    let left = |id: u64| Notice::ParticipantLeft {
        participant: ParticipantId(id),
        identity: format!("identity-{id}"),
        reason: LeaveReason::ClientLeft,
    };
    stay.hears(&left(2));
    assert!(matches!(stay.notices[..], [ClientNotice::Left { .. }]));
    stay.hears(&left(2));
    assert!(stay.notices.is_empty(), "gone before");
    stay.hears(&left(3));
    assert_eq!(stay.session.leavers().count(), 2);
    let back = Participant { identity: "identity-3".to_owned(), ..participant(30, vec![]) };
    stay.hears(&Notice::Participant(back));
    assert_eq!(stay.session.leavers().count(), 1);
}

#[test]
fn every_end_is_told_once() {
    let end = |stay: &Stay| match &stay.notices[..] {
        [ClientNotice::Ended(end)] => Some(*end),
        _ => None,
    };
    let mut stay = Stay::begin(vec![]);
    stay.does(ClientEvent::Leave).expect("no description");
    assert!(matches!(stay.requests[..], [(_, Request::Leave { .. })]) && stay.session.is_over());
    stay.does(ClientEvent::Leave).expect("no description");
    assert!(stay.requests.is_empty());

    let mut stay = Stay::begin(vec![]);
    let identity = "identity-1".to_owned();
    let reason = LeaveReason::DuplicateIdentity;
    stay.hears(&Notice::ParticipantLeft { participant: ME, identity, reason });
    assert_eq!(end(&stay), Some(End::Out(reason)));
    assert!(stay.requests.is_empty(), "the controller knows");

    for (why, wanted) in [
        (DisconnectReason::ConsentExpired, End::Rejoin(LeaveReason::MediaFailed)),
        (DisconnectReason::HandshakeFailed, End::Out(LeaveReason::MediaFailed)),
    ] {
        let mut stay = Stay::begin(vec![]);
        let peer = stay.session.down.peer;
        let foreign = Notice::PeerDisconnected { participant: ME, peer: PeerId(3), reason: why };
        stay.hears(&foreign);
        assert_eq!(end(&stay), None);
        stay.hears(&Notice::PeerDisconnected { participant: ME, peer, reason: why });
        assert_eq!(end(&stay), Some(wanted));
    }

    let mut stay = Stay::begin(vec![]);
    let unknown =
        |participant| Notice::CommandFailed { participant, error: CommandError::UnknownPeer };
    stay.hears(&unknown(ParticipantId(99)));
    assert_eq!(end(&stay), None, "somebody else's");
    stay.hears(&unknown(ME));
    assert_eq!(end(&stay), Some(End::Rejoin(LeaveReason::MediaFailed)));

    let mut stay = Stay::begin(vec![]);
    stay.notices.clear();
    stay.session.handle_response(Purpose::Essential, Err(RequestError::NotFound));
    stay.drain();
    assert_eq!(end(&stay), Some(End::Rejoin(LeaveReason::MediaFailed)));
}

#[test]
fn news_of_no_consequence_changes_nothing() {
    let mut stay = Stay::begin(vec![]);
    let peer = stay.session.down.peer;
    let security = Security { dtls: "DTLS 1.2".to_owned(), srtp: "AEAD_AES_128_GCM".to_owned() };
    stay.hears(&Notice::PeerConnected { participant: ME, peer, security });
    stay.hears(&Notice::TrackStarted { participant: ME, track: TrackId(1) });
    assert!(stay.notices.is_empty() && stay.requests.is_empty());
    stay.hears(&Notice::Quality { participant: ME, quality: Quality::default() });
    assert_eq!(stay.notices.len(), 1);
}
