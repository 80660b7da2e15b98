//! Every message of signaling, by everybody who can send one: who has no session cannot even connect.

use super::{Asker, House, Participant, Tell};
use livekit_protocol as proto;
use proto::request_response::Reason;
use proto::signal_request::Message as Ask;

/// What comes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is taken, or passed over; the session goes on and others hear nothing of it.
    GoesOn,
    /// It is answered with a refusal.
    Refused(Reason),
    /// It is answered that it was done.
    Done,
    /// A track has its id.
    Announced,
    /// A track is not there.
    NoSuchTrack,
    /// The session ends.
    Ends,
}

use Outcome::{Announced, Done, Ends, GoesOn, NoSuchTrack, Refused};

/// Who has a socket: of another room, a viewer, a presenter, an owner.
const SPEAKERS: [Asker; 4] = [Asker::OtherRoom, Asker::Viewer, Asker::Presenter, Asker::Owner];

/// One message of every kind, about `track`, which is somebody else's. The `match` knows all kinds
/// there are: a new one does not compile until it is judged here.
#[expect(deprecated, reason = "older clients send what newer ones do not")]
fn expected(message: &Ask) -> [Outcome; 4] {
    let all = |outcome| [outcome; 4];
    match message {
        // A description that cannot be read: no working client sends one.
        Ask::Offer(_) => all(Ends),
        // Of an offer that was never made.
        Ask::Answer(_) => all(GoesOn),
        Ask::Trickle(_) => all(GoesOn),
        Ask::AddTrack(_) => [Announced, Refused(Reason::NotAllowed), Announced, Announced],
        // Of somebody else's track.
        Ask::Mute(_) => all(GoesOn),
        Ask::Subscription(_) => [NoSuchTrack, GoesOn, GoesOn, GoesOn],
        Ask::TrackSetting(_) => all(GoesOn),
        Ask::Leave(_) => all(Ends),
        Ask::UpdateLayers(_) | Ask::UpdateAudioTrack(_) | Ask::UpdateVideoTrack(_) => all(GoesOn),
        Ask::SubscriptionPermission(_) => all(GoesOn),
        Ask::SyncState(_) => all(GoesOn),
        Ask::Simulate(_) => all(GoesOn),
        Ask::Ping(_) | Ask::PingReq(_) => all(GoesOn),
        // Its own name; that it makes itself a host is refused below.
        Ask::UpdateMetadata(update) if update.attributes.is_empty() => all(Done),
        Ask::UpdateMetadata(_) => all(Refused(Reason::NotAllowed)),
        Ask::PublishDataTrackRequest(_) | Ask::UnpublishDataTrackRequest(_) => {
            all(Refused(Reason::UnsupportedType))
        }
        Ask::UpdateDataSubscription(_) => all(GoesOn),
        Ask::StoreDataBlobRequest(_) | Ask::GetDataBlobRequest(_) => {
            all(Refused(Reason::UnsupportedType))
        }
    }
}

#[expect(deprecated, reason = "older clients send what newer ones do not")]
fn messages(track: &str) -> Vec<Ask> {
    let sdp = |kind: &str| proto::SessionDescription {
        r#type: kind.to_owned(),
        sdp: "v=0\r\nnonsense".to_owned(),
        id: 77,
        ..Default::default()
    };
    let update = |key: &str| proto::UpdateParticipantMetadata {
        name: "Renamed".to_owned(),
        attributes: if key.is_empty() {
            Default::default()
        } else {
            [(key.to_owned(), "owner".to_owned())].into()
        },
        request_id: 5,
        ..Default::default()
    };
    let sids = vec![track.to_owned()];
    vec![
        Ask::Offer(sdp("offer")),
        Ask::Answer(sdp("answer")),
        Ask::Trickle(proto::TrickleRequest {
            candidate_init: r#"{"candidate":"nonsense"}"#.to_owned(),
            ..Default::default()
        }),
        Ask::AddTrack(proto::AddTrackRequest {
            cid: "camera".to_owned(),
            r#type: proto::TrackType::Video.into(),
            source: proto::TrackSource::Camera.into(),
            ..Default::default()
        }),
        Ask::Mute(proto::MuteTrackRequest { sid: track.to_owned(), muted: true }),
        Ask::Subscription(proto::UpdateSubscription {
            track_sids: sids.clone(),
            subscribe: true,
            ..Default::default()
        }),
        Ask::TrackSetting(proto::UpdateTrackSettings {
            track_sids: sids.clone(),
            disabled: true,
            ..Default::default()
        }),
        Ask::Leave(proto::LeaveRequest::default()),
        Ask::UpdateLayers(Default::default()),
        Ask::SubscriptionPermission(proto::SubscriptionPermission {
            all_participants: false,
            ..Default::default()
        }),
        Ask::SyncState(proto::SyncState { track_sids_disabled: sids, ..Default::default() }),
        Ask::Simulate(Default::default()),
        Ask::Ping(5),
        Ask::UpdateMetadata(update("")),
        Ask::UpdateMetadata(update("lectern.role")),
        Ask::PingReq(proto::Ping::default()),
        Ask::UpdateAudioTrack(Default::default()),
        Ask::UpdateVideoTrack(Default::default()),
        Ask::PublishDataTrackRequest(Default::default()),
        Ask::UnpublishDataTrackRequest(Default::default()),
        Ask::UpdateDataSubscription(Default::default()),
        Ask::StoreDataBlobRequest(Default::default()),
        Ask::GetDataBlobRequest(Default::default()),
    ]
}

/// Says something and finds out what comes of it. Where nothing should, a ping that is answered after it
/// ends the waiting.
async fn outcome(speaker: &mut Participant, message: Ask, wanted: Outcome) -> Outcome {
    speaker.say(message).await;
    let marker = 123_456_789;
    speaker.say(Ask::PingReq(proto::Ping { timestamp: marker, rtt: 0 })).await;
    let mut outcome = GoesOn;
    speaker
        .wait_or_end(|message| {
            match message {
                Tell::RequestResponse(response) if response.reason() == Reason::Ok => {
                    outcome = Done
                }
                Tell::RequestResponse(response) => outcome = Refused(response.reason()),
                Tell::TrackPublished(_) => outcome = Announced,
                Tell::SubscriptionResponse(_) => outcome = NoSuchTrack,
                Tell::Leave(_) => outcome = Ends,
                Tell::PongResp(pong) if pong.last_ping_timestamp == marker && wanted == GoesOn => {
                    return Some(());
                }
                _ => {}
            }
            (outcome != GoesOn).then_some(())
        })
        .await
        .map_or(Ends, |()| outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_does_what_its_sender_may_and_nothing_else() {
    let house = House::open().await;
    for asker in [Asker::Nobody, Asker::FirstTokenOnly, Asker::Expired] {
        let token = house.token(asker).await;
        let query = format!("access_token={token}");
        let refused = house.browser.try_open(&query).await.err();
        assert_eq!(refused, Some(401), "{asker:?} cannot even connect");
    }
    let (mut publisher, track) = house.publisher().await;
    let mut cells = 0;
    for message in messages(&track) {
        for (asker, wanted) in SPEAKERS.into_iter().zip(expected(&message)) {
            let mut speaker = house.enter(&house.token(asker).await).await;
            let got = outcome(&mut speaker, message.clone(), wanted).await;
            assert_eq!(got, wanted, "{asker:?}: {message:?}");
            cells += 1;
        }
    }
    println!("{cells} cells, and three who cannot connect");
    // Whatever they said of the track, it is as it was.
    let mut viewer = house.browser.enter(&house.token(Asker::Viewer).await).await;
    let join = viewer.wait(|message| match message {
        Tell::Join(join) => Some(join),
        _ => None,
    });
    let others = join.await.other_participants;
    let shown = others.iter().flat_map(|one| &one.tracks).find(|known| known.sid == track);
    assert!(!shown.expect("still published").muted);
    let still = outcome(&mut publisher, Ask::Ping(1), GoesOn).await;
    assert_eq!(still, GoesOn);
}

impl House {
    /// Somebody in the room with a track, as a browser describes it.
    async fn publisher(&self) -> (Participant, String) {
        const CAMERA: &str = include_str!("../../../signaling/tests/sdp/chromium-camera.sdp");
        const CAMERA_KEY: &str = "6e0695e9-98a9-4f02-a753-826e5e83e0f8";
        let mut publisher = self.enter(&self.token(Asker::Presenter).await).await;
        let add = proto::AddTrackRequest {
            cid: CAMERA_KEY.to_owned(),
            r#type: proto::TrackType::Video.into(),
            source: proto::TrackSource::Camera.into(),
            ..Default::default()
        };
        publisher.say(Ask::AddTrack(add)).await;
        let offer = proto::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: CAMERA.to_owned(),
            id: 1,
            ..Default::default()
        };
        publisher.say(Ask::Offer(offer)).await;
        let published = publisher.wait(|message| match message {
            Tell::Update(update) => {
                let tracks = update.participants.into_iter().flat_map(|one| one.tracks);
                tracks.map(|track| track.sid).next()
            }
            _ => None,
        });
        let track = published.await;
        (publisher, track)
    }
}
