//! What a client may not do to others, however hard it tries.

use super::*;
use lectern_control::LinkId;
use lectern_control::limits::MAX_METADATA_BYTES;
use lectern_control::room::{Audience, Listener};

fn update(request: u32, key: &str, bytes: usize) -> ClientEvent {
    let attributes = [(key.to_owned(), "x".repeat(bytes))].into();
    ClientEvent::Update { request, name: None, metadata: None, attributes }
}

/// How many of many changes pass, none of them answered yet.
fn changes_that_pass(stay: &mut Stay, bytes: usize) -> usize {
    let passes = |number: &u32| {
        stay.does(update(*number, &format!("key-{number}"), bytes)).expect("no description");
        matches!(stay.requests[..], [(Purpose::Update(_), Request::UpdateParticipant { .. })])
    };
    (0..1_000).take_while(passes).count()
}

#[test]
fn who_came_by_a_link_says_little_of_itself_even_piece_by_piece() {
    let by_link = Entrance { link: Some(LinkId(3)), ..entrance(TrackIds::Shown, Permissions::ALL) };
    let mut stay = Stay::with(by_link, vec![]);
    let passed = changes_that_pass(&mut stay, 1_000);
    assert_eq!(passed, 4, "changes that are on their way count as well");
    let refused = ClientNotice::Updated { request: 4, result: Err(Refusal::Limit) };
    assert_eq!(stay.notices, [refused]);
    stay.does(update(5, "key-0", 0)).expect("no description");
    stay.does(update(6, "key-6", 900)).expect("no description");
    assert_eq!(stay.requests.len(), 1, "what is taken away makes room");
    // The controller did none of it after all.
    stay.session.handle_response(Purpose::Update(6), Err(RequestError::NotPermitted));
    stay.drain();
    assert_eq!(changes_that_pass(&mut stay, 1_000), 4);
}

#[test]
fn an_integrator_s_participant_says_as_much_as_the_controller_takes() {
    let mut stay = Stay::begin(vec![]);
    assert_eq!(changes_that_pass(&mut stay, 1_000), MAX_METADATA_BYTES / 1_014);
}

fn screens_and_cameras(screen: u64) -> Vec<Participant> {
    let cameras: Vec<Track> = (1_000..1_120)
        .map(|id| Track { source: Source::Camera, ..track(id, CodecName::Vp8) })
        .collect();
    vec![participant(2, cameras), participant(3, vec![track(screen, CodecName::Vp8)])]
}

fn refused(stay: &Stay) -> Vec<TrackId> {
    let of = |notice: &ClientNotice| match notice {
        ClientNotice::SubscriptionRefused { track, why: Refusal::Limit } => Some(*track),
        _ => None,
    };
    stay.notices.iter().filter_map(of).collect()
}

#[test]
fn cameras_do_not_crowd_out_a_screen_and_what_is_too_much_is_said_once() {
    // Its id is higher than all others: it is not first by chance.
    let stay = Stay::begin(screens_and_cameras(9_000));
    let (_, sdp) = stay.offer().expect("an offer");
    assert_eq!(sdp.matches("m=video 9").count(), downlink::MAX_SUBSCRIPTIONS);
    assert!(sdp.contains(&TrackId(9_000).to_string()), "the screen");
    assert_eq!(refused(&stay).len(), 21);

    let mut others = screens_and_cameras(9_000);
    let late = others.pop().expect("the one with the screen");
    let mut stay = Stay::begin(others);
    assert_eq!(refused(&stay).len(), 20);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    assert!(refused(&stay).is_empty(), "said before");
    stay.hears(&Notice::Participant(late));
    assert_eq!(refused(&stay).len(), 1, "one camera makes room");
    let (_, sdp) = stay.offer().expect("an offer");
    assert!(sdp.contains(&TrackId(9_000).to_string()));
    let dropped =
        stay.commands().iter().filter(|c| matches!(c, Command::Unsubscribe { .. })).count();
    assert_eq!(dropped, 1);
}

#[test]
fn exchanging_all_tracks_again_and_again_keeps_the_description_in_bounds() {
    let tracks = |round: u64, name| (0..100).map(|id| track(round * 100 + id, name)).collect();
    let mut stay = Stay::begin(vec![]);
    let mut offer = stay.offer();
    for round in 1..8 {
        let name = if round % 4 < 2 { CodecName::Vp8 } else { CodecName::Opus };
        let version = u32::try_from(round).expect("small");
        let all = Participant { version, ..participant(2, tracks(round, name)) };
        stay.hears(&Notice::Participant(all));
        offer = stay.offer().or(offer);
        while let Some(open) = offer.take() {
            assert!(open.1.matches("m=").count() <= sdp::MAX_SECTIONS, "round {round}");
            stay.does(answers(&open)).expect("a good answer");
            offer = stay.offer();
        }
        assert_eq!(stay.session.down.tracks().len(), 100, "round {round}");
    }
}

#[test]
fn candidates_that_are_named_twice_or_too_often_end_nothing() {
    let limit = lectern_control::limits::MAX_CANDIDATES_PER_PEER;
    let mut stay = Stay::begin(vec![]);
    let (id, sdp) = stay.offer().expect("an offer");
    let line = |port: usize| format!("candidate:1 1 udp 9 198.51.100.1 {port} typ host");
    for port in 0..limit {
        let line = line(5_000 + port);
        stay.does(ClientEvent::Candidate { side: Side::Down, line }).expect("no description");
    }
    let mut described = String::new();
    (0..limit).for_each(|port| described += &format!("a={}\r\n", line(5_016 + port)));
    let sdp = accepting(&sdp).replacen("a=setup", &(described + "a=setup"), 1);
    stay.does(ClientEvent::Answer { offer: id, sdp }).expect("a good answer");
    let Command::SetRemote { remote, .. } = stay.commands()[0] else { panic!("connects") };
    let mut ports: Vec<u16> = remote.candidates.iter().map(|one| one.address.port()).collect();
    assert_eq!(ports.len(), limit);
    ports.dedup();
    assert_eq!(ports.len(), limit, "each once");
}

#[test]
fn what_a_broken_link_swallows_is_mended_by_coming_again() {
    let other = participant(2, vec![track(20, CodecName::Vp8)]);
    let mut stay = Stay::begin(vec![other]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    let purpose = stay.requests.iter().find_map(|(purpose, request)| match request {
        Request::Node { command: Command::Subscribe { .. }, .. } => Some(*purpose),
        _ => None,
    });
    let purpose = purpose.expect("subscribed");
    stay.notices.clear();
    stay.session.handle_response(purpose, Err(RequestError::NotFound));
    stay.drain();
    assert!(stay.notices.is_empty() && !stay.session.is_over(), "the track has just ended");
    let lost = RequestError::Unavailable("the link broke".to_owned());
    stay.session.handle_response(purpose, Err(lost));
    stay.drain();
    assert_eq!(stay.notices, [ClientNotice::Ended(End::Rejoin(LeaveReason::ConnectionLost))]);
}

fn by_link(permissions: Permissions) -> Stay {
    let link = Some(LinkId(3));
    Stay::with(Entrance { link, ..entrance(TrackIds::Shown, permissions) }, vec![])
}

fn only(identities: &[&str]) -> Audience {
    let listener = |identity: &&str| Listener { identity: (*identity).to_owned(), tracks: None };
    Audience::Only(identities.iter().map(listener).collect())
}

/// Says who may receive, and tells what of that was asked.
fn asked(stay: &mut Stay, audience: Audience) -> Option<Audience> {
    stay.does(ClientEvent::Audience(audience)).expect("no description");
    audience_of(stay)
}

fn audience_of(stay: &Stay) -> Option<Audience> {
    match &stay.requests[..] {
        [] => None,
        [(Purpose::Essential, Request::SetAudience { audience, .. })] => Some(audience.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_last_word_on_an_audience_counts_however_fast_the_words_follow_each_other() {
    let mut stay = by_link(Permissions::ALL);
    assert_eq!(asked(&mut stay, Audience::Everybody), None, "as it is");
    let bob = only(&["bob"]);
    assert_eq!(asked(&mut stay, bob.clone()), Some(bob.clone()));
    let me = Participant { audience: bob.clone(), version: 2, ..participant(1, vec![]) };
    stay.hears(&Notice::Participant(me));
    // Within one round trip: the room still says Bob throughout.
    assert_eq!(asked(&mut stay, Audience::Everybody), Some(Audience::Everybody));
    assert_eq!(asked(&mut stay, bob.clone()), Some(bob.clone()));
    assert_eq!(asked(&mut stay, bob), None);
}

#[test]
fn who_came_by_a_link_names_no_more_of_an_audience_than_others_bear() {
    let names: Vec<String> = (0..1_000).map(|n| format!("somebody-{n:06}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(Audience::Only(kept)) = asked(&mut by_link(Permissions::ALL), only(&names)) else {
        panic!("asked")
    };
    let bytes: usize = kept.iter().map(|listener| listener.identity.len()).sum();
    assert!((100..names.len()).contains(&kept.len()) && bytes <= 4 << 10, "{}", kept.len());
    assert!(kept.iter().all(|one| names.contains(&one.identity.as_str())), "nobody more");
    let mut integrators = Stay::begin(vec![]);
    assert_eq!(asked(&mut integrators, only(&names)), Some(only(&names)));
}

#[test]
fn a_viewer_s_audience_is_asked_for_when_it_may_publish() {
    let mut stay = by_link(Role::Viewer.permissions());
    assert_eq!(asked(&mut stay, only(&["bob"])), None, "nobody else need hear of it");
    let told = |permissions, version| {
        Notice::Participant(Participant { permissions, version, ..participant(1, vec![]) })
    };
    stay.hears(&told(Role::Viewer.permissions(), 2));
    assert_eq!(audience_of(&stay), None);
    stay.hears(&told(Permissions::ALL, 3));
    assert_eq!(audience_of(&stay), Some(only(&["bob"])));
    stay.hears(&told(Permissions::ALL, 4));
    assert_eq!(audience_of(&stay), None);
}

#[test]
fn a_track_that_is_not_for_somebody_is_said_so_each_time_it_is_asked_for() {
    let only_bob =
        Participant { audience: only(&["bob"]), ..participant(2, vec![track(20, CodecName::Vp8)]) };
    let mut stay = Stay::begin(vec![only_bob, participant(3, vec![track(30, CodecName::Vp8)])]);
    let (publisher, track) = (ParticipantId(2), TrackId(20));
    let barred = ClientNotice::Permitted { publisher, track, allowed: false };
    assert!(stay.notices.contains(&barred));
    for (wanted, told) in [(false, false), (true, true), (true, true)] {
        stay.does(ClientEvent::Subscribe { tracks: vec![track, TrackId(30)], wanted })
            .expect("no description");
        assert_eq!(stay.notices.contains(&barred), told);
        let permitted = |notice: &&ClientNotice| matches!(notice, ClientNotice::Permitted { .. });
        assert_eq!(stay.notices.iter().filter(permitted).count(), usize::from(told));
    }
}

#[test]
fn who_came_by_a_link_says_what_it_publishes() {
    let announcement = |source| Announcement {
        key: "key".to_owned(),
        kind: MediaKind::Audio,
        source,
        name: String::new(),
        stream: String::new(),
        muted: false,
        width: 0,
        height: 0,
        codec: None,
        backup: None,
        stands_for: None,
        layers: vec![],
        stereo: false,
        disable_dtx: false,
        disable_red: false,
    };
    let unknown = ClientEvent::Announce(Box::new(announcement(Source::Unknown)));
    let mut stay = by_link(Permissions::ALL);
    stay.does(unknown.clone()).expect("no description");
    let why = Refusal::Invalid;
    assert_eq!(stay.notices, [ClientNotice::AnnounceRefused { key: "key".to_owned(), why }]);
    let microphone = ClientEvent::Announce(Box::new(announcement(Source::Microphone)));
    stay.does(microphone).expect("no description");
    assert!(matches!(stay.notices[..], [ClientNotice::Announced { .. }]));
    let mut integrators = Stay::begin(vec![]);
    integrators.does(unknown).expect("no description");
    assert!(matches!(integrators.notices[..], [ClientNotice::Announced { .. }]));
}
