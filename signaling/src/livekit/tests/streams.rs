//! What a client asks of tracks, and what it is told of streams, in its own words.

use super::*;
use crate::session::layers;
use lectern_control::media::{Codec, CodecName, EncodingParameters, Wish};
use lectern_control::node::{Command, LayerWanted, StreamState};
use proto::VideoQuality::{High, Low, Medium};

fn video(id: u64, name: CodecName, rids: &[&str]) -> Track {
    let codec = Codec {
        name,
        payload_type: 45,
        rtx_payload_type: Some(46),
        format: String::new(),
        feedback: Default::default(),
    };
    let encoding = |(index, rid): (usize, &&str)| EncodingParameters {
        rid: (*rid).to_owned(),
        width: 320 << index,
        height: 180 << index,
        ..Default::default()
    };
    Track {
        stream: "camera".to_owned(),
        codecs: vec![codec],
        encodings: rids.iter().enumerate().map(encoding).collect(),
        ..Track::new(TrackId(id), MediaKind::Video, Source::Camera)
    }
}

/// A client that receives a camera of three layers.
fn watching() -> Client {
    const ANSWER: &str = include_str!("../../../tests/sdp/chromium-answer.sdp");
    let track = video(20, CodecName::Vp8, &["q", "h", "f"]);
    let mut client = Client::join(vec![Participant { tracks: vec![track], ..participant(2) }]);
    let offer = client.messages.iter().find_map(|message| match message {
        Tell::Offer(offer) => Some(offer.clone()),
        _ => None,
    });
    let offer = offer.expect("an offer");
    let head = ANSWER.split("m=").next().expect("a head");
    let data = ANSWER.split("m=").nth(1).expect("data");
    let sent = offer.sdp.split("m=").nth(2).expect("a section");
    let accepted = sent.replace("a=sendonly", "a=recvonly");
    let ours = ["a=ssrc", "a=msid", "a=ice", "a=fingerprint", "a=setup", "a=candidate", "a=end"];
    let lines = accepted.lines().filter(|line| !ours.iter().any(|start| line.starts_with(start)));
    let section = lines.fold(String::new(), |all, line| all + line + "\r\n");
    let answer = proto::SessionDescription {
        r#type: "answer".to_owned(),
        sdp: format!("{head}m={data}m={section}"),
        id: offer.id,
        ..Default::default()
    };
    client.says(Ask::Answer(answer));
    let subscribed = client.requests.iter().any(|(_, request)| {
        matches!(request, Request::Node { command: Command::Subscribe { .. }, .. })
    });
    assert!(subscribed, "{:?}", client.requests);
    client
}

impl Client {
    fn wishes(&mut self, setting: proto::UpdateTrackSettings) -> Option<Wish> {
        let track_sids = vec![TrackId(20).to_string()];
        self.says(Ask::TrackSetting(proto::UpdateTrackSettings { track_sids, ..setting }));
        self.requests.iter().find_map(|(_, request)| match request {
            Request::Node { command: Command::SetWish { wish, .. }, .. } => Some(*wish),
            _ => None,
        })
    }
}

#[test]
fn settings_of_a_track_become_a_wish() {
    let mut client = watching();
    let setting =
        proto::UpdateTrackSettings { width: 300, height: 200, fps: 10, ..Default::default() };
    let wish = Wish { width: 300, height: 200, frames_per_second: 10, ..Wish::default() };
    assert_eq!(client.wishes(setting.clone()), Some(wish));
    assert_eq!(client.wishes(setting), None, "said before");
    let of_quality = |quality: proto::VideoQuality| proto::UpdateTrackSettings {
        quality: quality.into(),
        ..Default::default()
    };
    let wish = Wish { width: 320, height: 180, ..Wish::default() };
    assert_eq!(client.wishes(of_quality(Low)), Some(wish));
    let wish = Wish { width: 640, height: 360, ..Wish::default() };
    assert_eq!(client.wishes(of_quality(Medium)), Some(wish));
    assert_eq!(client.wishes(of_quality(High)), Some(Wish::default()));
    let hidden = proto::UpdateTrackSettings { disabled: true, ..of_quality(High) };
    let wish = Wish { hidden: true, ..Wish::default() };
    assert_eq!(client.wishes(hidden), Some(wish));
    let mut last = u32::MAX;
    for priority in [1, 2, 5, 1_000, 100_000, 0] {
        let setting = proto::UpdateTrackSettings { priority, ..of_quality(High) };
        let wish = client.wishes(setting);
        assert!(wish.is_none_or(|wish| wish.priority <= last), "the first is served first");
        last = wish.map_or(last, |wish| wish.priority);
    }
    assert_eq!(last, 0, "which is what nothing said means");
}

#[test]
fn who_was_away_has_its_wishes_kept_and_may_hide_more() {
    let mut client = watching();
    client.wishes(proto::UpdateTrackSettings { width: 300, height: 200, ..Default::default() });
    client.adapter.cut();
    assert!(client.adapter.resume(client.began));
    client.drain();
    let state = proto::SyncState {
        track_sids_disabled: vec![TrackId(20).to_string()],
        ..Default::default()
    };
    client.says(Ask::SyncState(state));
    let wish = Wish { hidden: true, width: 300, height: 200, ..Wish::default() };
    let [(_, Request::Node { command: Command::SetWish { wish: told, .. }, .. })] =
        &client.requests[..]
    else {
        panic!("{:?}", client.requests)
    };
    assert_eq!(*told, wish);
}

#[test]
fn a_stream_paused_for_want_of_bandwidth_is_told_and_told_again() {
    let mut client = watching();
    client.hears(&Notice::StreamStates {
        participant: ParticipantId(1),
        states: vec![(TrackId(20), StreamState::Paused)],
    });
    let told = |client: &Client| {
        let states = client.messages.iter().filter_map(|message| match message {
            Tell::StreamStateUpdate(update) => Some(update.stream_states.clone()),
            _ => None,
        });
        states.flatten().collect::<Vec<_>>()
    };
    let paused = proto::StreamStateInfo {
        participant_sid: ParticipantId(2).to_string(),
        track_sid: TrackId(20).to_string(),
        state: proto::StreamState::Paused.into(),
    };
    assert_eq!(told(&client), std::slice::from_ref(&paused));
    client.adapter.cut();
    client.hears(&Notice::StreamStates {
        participant: ParticipantId(1),
        states: vec![(TrackId(20), StreamState::Active)],
    });
    client.messages.clear();
    assert!(client.adapter.resume(client.began));
    client.drain();
    let state = proto::StreamState::Active.into();
    assert_eq!(told(&client), [proto::StreamStateInfo { state, ..paused }], "the latest, once");
}

#[expect(deprecated, reason = "older clients read the field that a newer one has replaced")]
#[test]
fn all_three_qualities_are_named_whatever_a_track_has() {
    let qualities = |rids: &[&str], wanted: &[bool]| {
        let track = video(20, CodecName::Vp9, rids);
        let layers: Vec<LayerWanted> = rids
            .iter()
            .zip(wanted)
            .map(|(rid, wanted)| LayerWanted { rid: (*rid).to_owned(), wanted: *wanted })
            .collect();
        let update = super::super::info::wanted_qualities((&track, &layers, None));
        assert_eq!(update.track_sid, TrackId(20).to_string());
        let [codec] = &update.subscribed_codecs[..] else { panic!("one codec") };
        assert_eq!(codec.codec, "vp9");
        assert_eq!(codec.qualities, update.subscribed_qualities);
        let named = codec.qualities.iter().map(|one| one.quality()).collect::<Vec<_>>();
        assert_eq!(named, [Low, Medium, High]);
        codec.qualities.iter().map(|one| one.enabled).collect::<Vec<bool>>()
    };
    assert_eq!(qualities(&["q", "h", "f"], &[true, false, true]), [true, false, true]);
    assert_eq!(qualities(&["q", "h"], &[true, false]), [true, false, false]);
    assert_eq!(qualities(&["q", "h"], &[false, true]), [false, true, true]);
    assert_eq!(qualities(&[""], &[true]), [true; 3]);
    assert_eq!(qualities(&[""], &[false]), [false; 3]);
    assert_eq!(qualities(&["q", "h", "f"], &[]), [true; 3], "nothing was said");
    assert_eq!(layers::BEST, 2);
}

#[test]
fn a_publisher_is_told_which_layers_are_watched_until_it_has_heard() {
    let mut client = Client::join(vec![]);
    client.adds(CAMERA_KEY);
    let [Tell::TrackPublished(published)] = &client.messages[..] else { panic!("published") };
    let sid = published.track.as_ref().expect("a track").sid.clone();
    client.says(offer(CAMERA, 1));
    let layers = ["q", "h", "f"].map(|rid| LayerWanted { rid: rid.into(), wanted: rid == "q" });
    let track = sid.parse().expect("an id");
    let told = |client: &Client| {
        let updates = client.messages.iter().filter_map(|message| match message {
            Tell::SubscribedQualityUpdate(update) => Some(update),
            _ => None,
        });
        let enabled = |update: &proto::SubscribedQualityUpdate| {
            update.subscribed_codecs[0].qualities.iter().map(|one| one.enabled).collect()
        };
        updates.map(enabled).collect::<Vec<Vec<bool>>>()
    };
    let participant = ParticipantId(1);
    client.hears(&Notice::LayersWanted { participant, track, layers: layers.into() });
    assert_eq!(told(&client), [[true, false, false]]);
    let mut again = Vec::new();
    for _ in 0..4 {
        client.says(Ask::Ping(1));
        again.push(told(&client).len());
    }
    assert_eq!(again, [0, 1, 0, 0], "a client may learn the track's id late");
    client.adapter.cut();
    client.messages.clear();
    assert!(client.adapter.resume(client.began));
    client.drain();
    assert_eq!(told(&client), [[true, false, false]]);
}

#[expect(deprecated, reason = "older clients read the field that a newer one has replaced")]
#[test]
fn what_is_announced_of_layers_is_told_to_all() {
    let layer = |quality: proto::VideoQuality, rid: &str, height: u32| proto::VideoLayer {
        quality: quality.into(),
        rid: rid.to_owned(),
        width: height * 16 / 9,
        height,
        bitrate: height * 1_000,
        ..Default::default()
    };
    let mut client = Client::join(vec![]);
    let layers = vec![layer(Low, "q", 180), layer(Medium, "h", 360), layer(High, "f", 720)];
    let codec = proto::SimulcastCodec {
        codec: "vp8".to_owned(),
        cid: CAMERA_KEY.to_owned(),
        layers: layers.clone(),
        ..Default::default()
    };
    client.says(Ask::AddTrack(proto::AddTrackRequest {
        cid: CAMERA_KEY.to_owned(),
        r#type: proto::TrackType::Video.into(),
        source: proto::TrackSource::Camera.into(),
        width: 1280,
        height: 720,
        simulcast_codecs: vec![codec],
        ..Default::default()
    }));
    client.says(offer(CAMERA, 1));
    let added = client.requests.iter().find_map(|(_, request)| match request {
        Request::AddTrack { track, .. } => Some(track.clone()),
        _ => None,
    });
    let info = super::super::info::track(&added.expect("added"));
    let told = info.layers.iter().map(|layer| {
        (layer.quality(), layer.rid.as_str(), layer.width, layer.height, layer.bitrate)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (Low, "q", 320, 180, 180_000),
            (Medium, "h", 640, 360, 360_000),
            (High, "f", 1280, 720, 720_000)
        ]
    );
    assert_eq!((info.mime_type.as_str(), info.codecs.len()), ("video/VP8", 1));
    assert_eq!(info.codecs[0].layers, info.layers);
}

#[test]
fn a_storm_of_settings_ends_the_session_of_who_sends_it() {
    let mut client = watching();
    let mut wishes = 0;
    for width in 1..2_000 {
        let setting = proto::UpdateTrackSettings { width, height: 100, ..Default::default() };
        wishes += usize::from(client.wishes(setting).is_some());
    }
    assert!(wishes <= 500, "{wishes}");
    assert!(client.adapter.session().is_over());
}

#[test]
fn a_second_codec_is_asked_for_and_belongs_to_its_track() {
    let codec = |name: &str, cid: &str| proto::SimulcastCodec {
        codec: name.to_owned(),
        cid: cid.to_owned(),
        ..Default::default()
    };
    let add = |cid: &str, sid: &str, simulcast_codecs| {
        Ask::AddTrack(proto::AddTrackRequest {
            cid: cid.to_owned(),
            sid: sid.to_owned(),
            r#type: proto::TrackType::Video.into(),
            source: proto::TrackSource::Camera.into(),
            simulcast_codecs,
            ..Default::default()
        })
    };
    let mut client = Client::join(vec![]);
    client.says(add(CAMERA_KEY, "", vec![codec("vp9", CAMERA_KEY), codec("vp8", "")]));
    let [Tell::TrackPublished(published)] = &client.messages[..] else { panic!("published") };
    let sid = published.track.as_ref().expect("a track").sid.clone();
    client.says(offer(CAMERA, 1));
    let shown = client.requests.iter().find_map(|(_, request)| match request {
        Request::AddTrack { track, .. } => Some(super::super::info::track(track)),
        _ => None,
    });
    let mimes: Vec<String> =
        shown.expect("shown").codecs.into_iter().map(|codec| codec.mime_type).collect();
    assert_eq!(mimes, ["video/VP9", "video/VP8"]);
    let track = sid.parse().expect("an id");
    client.hears(&Notice::BackupWanted { participant: ParticipantId(1), track });
    let [Tell::SubscribedQualityUpdate(update)] = &client.messages[..] else {
        panic!("{:?}", client.messages)
    };
    let told = update
        .subscribed_codecs
        .iter()
        .map(|codec| (codec.codec.as_str(), codec.qualities.iter().all(|quality| quality.enabled)));
    assert_eq!(told.collect::<Vec<_>>(), [("vp9", true), ("vp8", true)]);
    client.says(add("second", &sid, vec![codec("vp8", "second")]));
    let [Tell::TrackPublished(published)] = &client.messages[..] else {
        panic!("{:?}", client.messages)
    };
    let told = published.track.as_ref().map(|track| track.sid.as_str());
    assert_eq!((published.cid.as_str(), told), ("second", Some(sid.as_str())));
    for stranger in [TrackId(77).to_string(), "TR_".to_owned()] {
        client.says(add("third", &stranger, vec![codec("vp8", "third")]));
        assert!(matches!(client.messages[..], [Tell::RequestResponse(_)]));
    }
}
