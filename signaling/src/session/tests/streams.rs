//! What is asked of a node for a subscriber, and what comes back of it.

use super::*;
use lectern_control::node::{LayerWanted, StreamState};

fn camera(id: u64) -> Track {
    let encoding = |(rid, height): (&str, u32)| EncodingParameters {
        rid: rid.to_owned(),
        width: height * 16 / 9,
        height,
        ..Default::default()
    };
    Track {
        source: Source::Camera,
        encodings: [("q", 180), ("h", 360), ("f", 720)].map(encoding).into(),
        ..track(id, CodecName::Vp8)
    }
}

fn watching(tracks: Vec<Track>) -> Stay {
    let mut stay = Stay::begin(vec![participant(2, tracks)]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    stay
}

fn views(id: u64, view: View) -> ClientEvent {
    ClientEvent::View { tracks: vec![TrackId(id)], view }
}

fn of_size(size: Size) -> View {
    View { size, ..View::default() }
}

fn wishes(stay: &Stay) -> Vec<(u64, Wish)> {
    let wishes = stay.commands().into_iter().filter_map(|command| match command {
        Command::SetWish { track, wish, .. } => Some((track.0, *wish)),
        _ => None,
    });
    wishes.collect()
}

#[test]
fn how_a_track_is_shown_is_wished_for_once() {
    let mut stay = watching(vec![camera(20)]);
    let size = Size::Pixels { width: 640, height: 360 };
    let view = View { hidden: false, size, frames_per_second: 15, priority: 3 };
    stay.does(views(20, view)).expect("no description");
    let wish = Wish { hidden: false, width: 640, height: 360, frames_per_second: 15, priority: 3 };
    assert_eq!(wishes(&stay), [(20, wish)]);
    stay.does(views(20, view)).expect("no description");
    assert!(stay.requests.is_empty(), "said before");
    stay.does(ClientEvent::Hide { tracks: vec![TrackId(20)] }).expect("no description");
    assert_eq!(wishes(&stay), [(20, Wish { hidden: true, ..wish })], "the rest stays");
    let huge = Size::Pixels { width: u32::MAX, height: u32::MAX };
    stay.does(views(20, of_size(huge))).expect("no description");
    assert_eq!(wishes(&stay)[0].1.width, 1 << 15);
}

#[test]
fn a_layer_is_wished_for_by_its_size() {
    let mut stay = watching(vec![camera(20)]);
    for (size, wanted) in [
        (Size::Rank(0), (320, 180)),
        (Size::Rank(1), (640, 360)),
        (Size::Rank(2), (0, 0)),
        (Size::Rank(1), (640, 360)),
        (Size::Full, (0, 0)),
    ] {
        stay.does(views(20, of_size(size))).expect("no description");
        let wishes: Vec<_> = wishes(&stay).iter().map(|(_, w)| (w.width, w.height)).collect();
        assert_eq!(wishes, [wanted], "{size:?}");
    }
}

#[test]
fn what_is_said_of_a_track_before_it_is_there_counts_when_it_comes() {
    let mut stay = Stay::begin(vec![participant(2, vec![])]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    stay.does(views(20, of_size(Size::Rank(0)))).expect("no description");
    assert!(stay.requests.is_empty());
    let with = Participant { version: 2, ..participant(2, vec![camera(20)]) };
    stay.hears(&Notice::Participant(with));
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    let place = |is: fn(&&Command) -> bool| stay.commands().iter().position(&is);
    let subscribed = place(|command| matches!(command, Command::Subscribe { .. }));
    let wished = place(|command| matches!(command, Command::SetWish { .. }));
    assert!(subscribed.is_some() && subscribed < wished, "{:?}", stay.commands());
    assert_eq!(wishes(&stay)[0].1.width, 320);
}

#[test]
fn storms_and_tracks_nobody_has_cost_a_bounded_amount() {
    let mut stay = watching(vec![camera(20)]);
    for id in 0..5_000 {
        stay.does(views(1_000 + id, of_size(Size::Rank(0)))).expect("no description");
        assert!(stay.requests.is_empty());
    }
    stay.does(views(20, of_size(Size::Rank(0)))).expect("no description");
    assert!(stay.requests.is_empty(), "no more is kept");
}

#[test]
fn what_is_paused_is_told_and_told_again_to_who_was_away() {
    let mut stay = watching(vec![camera(20), camera(21)]);
    let said = |participant, states: &[(u64, StreamState)]| Notice::StreamStates {
        participant,
        states: states.iter().map(|(id, state)| (TrackId(*id), *state)).collect(),
    };
    let (paused, active) = (StreamState::Paused, StreamState::Active);
    stay.hears(&said(ParticipantId(2), &[(20, paused)]));
    assert!(stay.notices.is_empty(), "somebody else's");
    stay.hears(&said(ME, &[(20, paused), (21, paused), (99, paused)]));
    let told = |stay: &Stay| {
        let states = stay.notices.iter().filter_map(|notice| match notice {
            ClientNotice::StreamStates(states) => Some(states.clone()),
            _ => None,
        });
        states.flatten().map(|(track, state)| (track.0, state)).collect::<Vec<_>>()
    };
    assert_eq!(told(&stay), [(20, paused), (21, paused)], "of what is sent to it");
    stay.hears(&said(ME, &[(20, active)]));
    stay.does(ClientEvent::Resume { restart_down: false }).expect("no description");
    assert_eq!(told(&stay), [(20, active), (21, paused)]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    let without = Participant { version: 2, ..participant(2, vec![camera(20)]) };
    stay.hears(&Notice::Participant(without));
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    stay.does(ClientEvent::Resume { restart_down: false }).expect("no description");
    assert_eq!(told(&stay), [(20, active)], "what has ended is forgotten");
}

#[test]
fn a_publisher_hears_what_is_watched_of_its_own_tracks_and_again_when_it_is_back() {
    let mut stay = Stay::begin(vec![]);
    stay.announce(CAMERA_KEY, MediaKind::Video);
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let published = stay.requests.iter().find_map(|(_, request)| match request {
        Request::AddTrack { track, .. } => Some(track.id),
        _ => None,
    });
    let id = published.expect("published");
    let layers: Vec<LayerWanted> = [("q", true), ("h", false), ("f", false)]
        .map(|(rid, wanted)| LayerWanted { rid: rid.to_owned(), wanted })
        .into();
    let said = |participant, track| {
        let layers = layers.clone();
        Notice::LayersWanted { participant, track, layers }
    };
    stay.hears(&said(ME, TrackId(77)));
    assert!(stay.notices.is_empty(), "a track that is gone");
    stay.hears(&said(ParticipantId(2), id));
    assert!(stay.notices.is_empty(), "somebody else's");
    let told = |stay: &Stay| {
        let layers = stay.notices.iter().filter_map(|notice| match notice {
            ClientNotice::LayersWanted { track, layers, backup: None } => {
                Some((track.id, layers.clone()))
            }
            _ => None,
        });
        layers.collect::<Vec<_>>()
    };
    stay.hears(&said(ME, id));
    assert_eq!(told(&stay), [(id, layers.clone())]);
    stay.does(ClientEvent::Resume { restart_down: false }).expect("no description");
    assert_eq!(told(&stay), [(id, layers.clone())]);
}

#[test]
fn another_size_of_an_own_track_is_shown_to_others() {
    let mut stay = Stay::begin(vec![]);
    stay.announce(CAMERA_KEY, MediaKind::Video);
    let id = match &stay.notices[..] {
        [ClientNotice::Announced { track, .. }] => track.id,
        other => panic!("{other:?}"),
    };
    let layer =
        AnnouncedLayer { rid: "f".to_owned(), width: 1920, height: 1080, ..Default::default() };
    let resize = ClientEvent::Resize { track: id, width: 1920, height: 1080, layers: vec![layer] };
    stay.does(resize.clone()).expect("no description");
    assert!(stay.requests.is_empty(), "nobody sees it yet");
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let resize = ClientEvent::Resize { track: id, width: 2560, height: 1440, layers: vec![] };
    stay.does(resize.clone()).expect("no description");
    let [(Purpose::Courtesy, Request::AddTrack { track, .. })] = &stay.requests[..] else {
        panic!("{:?}", stay.requests)
    };
    assert_eq!((track.width, track.height), (2560, 1440));
    stay.does(resize).expect("no description");
    assert!(stay.requests.is_empty(), "nothing new");
    let foreign = ClientEvent::Resize { track: TrackId(5), width: 1, height: 1, layers: vec![] };
    stay.does(foreign).expect("no description");
    assert!(stay.requests.is_empty());
}

#[test]
fn what_is_not_wanted_is_not_sent() {
    let other = participant(2, vec![track(20, CodecName::Vp8)]);
    let mut stay = Stay::begin(vec![other]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    let tracks = vec![TrackId(20)];
    stay.does(ClientEvent::Hide { tracks: tracks.clone() }).expect("no description");
    assert!(matches!(stay.commands()[0], Command::SetWish { wish: Wish { hidden: true, .. }, .. }));
    stay.does(ClientEvent::Hide { tracks: tracks.clone() }).expect("no description");
    assert!(stay.requests.is_empty(), "said before");
    let unwanted = ClientEvent::Subscribe { tracks: tracks.clone(), wanted: false };
    stay.does(unwanted).expect("no description");
    assert!(matches!(stay.commands()[0], Command::Unsubscribe { .. }));
    let offer = stay.offer().expect("an offer");
    assert!(offer.1.contains("m=video 0"));
    stay.does(answers(&offer)).expect("a good answer");
    stay.does(ClientEvent::Subscribe { tracks, wanted: true }).expect("no description");
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    let kinds: Vec<bool> =
        stay.commands().iter().map(|c| matches!(c, Command::SetWish { .. })).collect();
    assert_eq!(kinds, [false, true], "subscribed again, and still not shown");
}

#[test]
fn a_codec_the_client_cannot_decode_is_said_and_not_sent() {
    let other = participant(2, vec![track(20, CodecName::Vp9)]);
    let mut stay = Stay::begin(vec![other]);
    let (id, sdp) = stay.offer().expect("an offer");
    let without = accepting(&sdp).replace("VP9/90000", "VP8/90000");
    stay.does(ClientEvent::Answer { offer: id, sdp: without }).expect("a good answer");
    assert!(!stay.commands().iter().any(|c| matches!(c, Command::Subscribe { .. })));
    let refused = ClientNotice::SubscriptionRefused { track: TrackId(20), why: Refusal::Codec };
    assert!(stay.notices.contains(&refused), "{:?}", stay.notices);
}
