//! A second codec for those who do not know the first: asked for, published, and sent in its place.

use super::*;
use lectern_control::room::{Backup, BackupTrack};

/// A camera in VP9, which can be had in VP8 as well.
fn camera(published: bool) -> Track {
    let BackupTrack { id, codecs, encodings } = BackupTrack {
        id: TrackId(21),
        codecs: track(21, CodecName::Vp8).codecs,
        encodings: track(21, CodecName::Vp8).encodings,
    };
    let published = published.then_some(BackupTrack { id, codecs, encodings });
    let backup = Some(Backup { codec: CodecName::Vp8, published });
    Track { source: Source::Camera, backup, ..track(20, CodecName::Vp9) }
}

fn owner(version: u32, camera: Track) -> Participant {
    Participant { version, ..participant(2, vec![camera]) }
}

/// The client answers that it knows nothing but VP8.
fn knows_vp8(stay: &mut Stay, offer: &(u32, String)) {
    let sdp = accepting(&offer.1).replace("VP9/90000", "XYZ/90000");
    stay.does(ClientEvent::Answer { offer: offer.0, sdp }).expect("a good answer");
}

fn asks(stay: &Stay) -> usize {
    let asks = |(_, request): &&(Purpose, Request)| {
        matches!(request, Request::AskBackup { track: TrackId(20), .. })
    };
    stay.requests.iter().filter(asks).count()
}

fn subscribed(stay: &Stay) -> Vec<TrackId> {
    let subscribed = stay.commands().into_iter().filter_map(|command| match command {
        Command::Subscribe { track, .. } => Some(*track),
        _ => None,
    });
    subscribed.collect()
}

#[test]
fn who_cannot_decode_a_track_is_told_asks_for_the_backup_and_is_sent_it() {
    let mut stay = Stay::begin(vec![owner(1, camera(false))]);
    let offer = stay.offer().expect("an offer");
    knows_vp8(&mut stay, &offer);
    let refused = ClientNotice::SubscriptionRefused { track: TrackId(20), why: Refusal::Codec };
    assert!(stay.notices.contains(&refused), "{:?}", stay.notices);
    assert_eq!((asks(&stay), subscribed(&stay)), (1, vec![]));
    stay.hears(&Notice::Participant(owner(2, camera(true))));
    let offer = stay.offer().expect("an offer");
    let sid = TrackId(20).to_string();
    assert!(offer.1.contains("VP8/90000") && offer.1.contains(&sid), "{}", offer.1);
    assert!(!offer.1.contains(&TrackId(21).to_string()), "it is the same track to its client");
    let view = View { size: Size::Pixels { width: 640, height: 360 }, ..View::default() };
    stay.does(ClientEvent::View { tracks: vec![TrackId(20)], view }).expect("no description");
    knows_vp8(&mut stay, &offer);
    assert_eq!((asks(&stay), subscribed(&stay)), (0, vec![TrackId(21)]));
    let wished = stay.commands().iter().any(|command| {
        matches!(command, Command::SetWish { track: TrackId(21), wish, .. } if wish.width == 640)
    });
    assert!(wished, "{:?}", stay.commands());
    let states = vec![(TrackId(21), lectern_control::node::StreamState::Paused)];
    stay.hears(&Notice::StreamStates { participant: ME, states });
    let paused = vec![(TrackId(20), lectern_control::node::StreamState::Paused)];
    assert_eq!(stay.notices, [ClientNotice::StreamStates(paused)]);
    let unwanted = ClientEvent::Subscribe { tracks: vec![TrackId(20)], wanted: false };
    stay.does(unwanted).expect("no description");
    let ended =
        |command: &&Command| matches!(command, Command::Unsubscribe { track: TrackId(21), .. });
    assert!(stay.commands().iter().any(ended));
}

#[test]
fn who_can_decode_the_first_codec_is_sent_that() {
    let mut stay = Stay::begin(vec![owner(1, camera(true))]);
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
    assert_eq!((asks(&stay), subscribed(&stay)), (0, vec![TrackId(20)]));
}

#[test]
fn who_can_decode_neither_is_told_and_asks_once() {
    let mut stay = Stay::begin(vec![owner(1, camera(false))]);
    let mut asked = 0;
    for version in 2..10 {
        if let Some((id, sdp)) = stay.offer() {
            let sdp = accepting(&sdp).replace("/90000", "X/90000");
            stay.does(ClientEvent::Answer { offer: id, sdp }).expect("a good answer");
            asked += asks(&stay);
            assert!(subscribed(&stay).is_empty());
        }
        stay.hears(&Notice::Participant(owner(version, camera(version > 3))));
    }
    assert_eq!(asked, 1);
}

impl Stay {
    fn announces(&mut self, change: impl FnOnce(&mut Announcement)) -> Option<Track> {
        let mut announcement = Announcement {
            key: CAMERA_KEY.to_owned(),
            kind: MediaKind::Video,
            source: Source::Camera,
            name: String::new(),
            stream: String::new(),
            muted: false,
            width: 1280,
            height: 720,
            codec: Some(CodecName::Vp9),
            backup: Some(CodecName::Vp8),
            stands_for: None,
            layers: Vec::new(),
            stereo: false,
            disable_dtx: false,
            disable_red: false,
        };
        change(&mut announcement);
        self.does(ClientEvent::Announce(Box::new(announcement))).expect("no description");
        self.notices.iter().find_map(|notice| match notice {
            ClientNotice::Announced { track, .. } => Some((**track).clone()),
            _ => None,
        })
    }

    fn shown(&self) -> Option<Track> {
        self.requests.iter().find_map(|(_, request)| match request {
            Request::AddTrack { track, .. } => Some(track.clone()),
            _ => None,
        })
    }
}

const BACKUP_KEY: &str = "11111111-2222-3333-4444-555555555555";

/// [`CAMERA`] with a second video section of the same source.
fn with_backup() -> String {
    let video = CAMERA.split("m=").find(|section| section.starts_with("video")).expect("video");
    let mid = video.lines().find(|line| line.starts_with("a=mid:")).expect("a mid");
    let second = video.replace(mid, "a=mid:99").replace(CAMERA_KEY, BACKUP_KEY);
    let number = mid.trim_start_matches("a=mid:");
    let group = CAMERA.lines().find(|line| line.starts_with("a=group:BUNDLE")).expect("a group");
    assert!(group.split(' ').any(|mid| mid == number));
    let head = CAMERA.replace(group, &format!("{group} 99"));
    format!("{head}m={second}")
}

fn backup_of(id: TrackId) -> impl FnOnce(&mut Announcement) {
    move |announcement| {
        announcement.key = BACKUP_KEY.to_owned();
        announcement.codec = Some(CodecName::Vp8);
        announcement.backup = None;
        announcement.stands_for = Some(id);
    }
}

#[test]
fn a_publisher_is_asked_for_its_backup_which_is_shown_under_the_same_id() {
    let mut stay = Stay::begin(vec![]);
    let shown = stay.announces(|_| {}).expect("announced");
    let id = shown.id;
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let published = stay.shown().expect("shown");
    assert_eq!(published.codecs[0].name, CodecName::Vp9);
    assert_eq!(published.backup, Some(Backup { codec: CodecName::Vp8, published: None }));
    stay.hears(&Notice::BackupWanted { participant: ME, track: id });
    let [ClientNotice::LayersWanted { backup: Some(_), .. }] = &stay.notices[..] else {
        panic!("{:?}", stay.notices)
    };
    stay.hears(&Notice::BackupWanted { participant: ME, track: id });
    assert!(stay.notices.is_empty(), "asked before");

    let shown = stay.announces(backup_of(id)).expect("announced");
    assert_eq!(shown.id, id, "its client knows it as the same track");
    stay.does(says_offer(&with_backup())).expect("a good offer");
    let shown = stay.shown().expect("shown");
    let backup = shown.backup_track().expect("published").clone();
    assert_eq!((shown.id, backup.codecs[0].name), (id, CodecName::Vp8));
    let published = stay.commands().into_iter().find_map(|command| match command {
        Command::Publish { track, parameters, .. } => Some((*track, parameters.mid.clone())),
        _ => None,
    });
    assert_eq!(published, Some((backup.id, "99".to_owned())));
    let track = backup.id;
    let layers = vec![lectern_control::node::LayerWanted { rid: "q".into(), wanted: false }];
    let said = Notice::LayersWanted { participant: ME, track, layers: layers.clone() };
    stay.hears(&said);
    let [ClientNotice::LayersWanted { track, backup: Some(told), .. }] = &stay.notices[..] else {
        panic!("{:?}", stay.notices)
    };
    assert_eq!((track.id, told), (id, &layers));

    stay.does(ClientEvent::Mute { track: id, muted: true }).expect("no description");
    stay.answered(Purpose::Publish(backup.id), RequestError::Limit("tracks".to_owned()));
    let refused = |notice: &ClientNotice| matches!(notice, ClientNotice::AnnounceRefused { .. });
    assert!(stay.notices.iter().all(refused), "the track goes on: {:?}", stay.notices);
    assert!(stay.session.publishes(id) && !stay.session.publishes(backup.id));
}

#[test]
fn a_backup_goes_with_its_track() {
    let mut stay = Stay::begin(vec![]);
    let id = stay.announces(|_| {}).expect("announced").id;
    stay.does(says_offer(CAMERA)).expect("a good offer");
    stay.announces(backup_of(id)).expect("announced");
    stay.does(says_offer(&with_backup())).expect("a good offer");
    let backup = stay.shown().and_then(|track| track.backup_track().cloned()).expect("shown").id;
    stay.hears(&Notice::Unpublished { participant: ME, track: id });
    assert_eq!(stay.notices, [ClientNotice::Unpublished(id)]);
    assert!(!stay.session.publishes(backup));
}

#[test]
fn nobody_announces_a_backup_of_what_has_none_or_is_not_theirs() {
    let mut stay = Stay::begin(vec![owner(1, camera(false))]);
    assert!(stay.announces(backup_of(TrackId(20))).is_none(), "somebody else's");
    assert!(stay.announces(backup_of(TrackId(77))).is_none(), "nobody's");
    let id = stay.announces(|announcement| announcement.backup = None).expect("announced").id;
    assert!(stay.announces(backup_of(id)).is_none(), "it has none");
    let id =
        stay.announces(|announcement| announcement.key = "x".to_owned()).expect("announced").id;
    let wrong = stay.announces(|announcement| {
        backup_of(id)(announcement);
        announcement.codec = Some(CodecName::H264);
    });
    assert!(wrong.is_none(), "another codec");
    assert!(stay.announces(backup_of(id)).is_some());
    let second = stay.announces(|announcement| {
        backup_of(id)(announcement);
        announcement.key = "y".to_owned();
    });
    assert!(second.is_none(), "one is enough");
}
