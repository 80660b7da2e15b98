//! Messages to a client that more than one place writes.

use super::info;
use crate::news::News;
use crate::session::{End, Leaver, Watched};
use bytes::Bytes;
use lectern_control::edge::Notice;
use lectern_control::{ParticipantId, TrackId};
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_response::Message;

/// A message as it is sent.
pub fn encode(message: Message) -> Bytes {
    proto::SignalResponse { message: Some(message) }.encode_to_vec().into()
}

/// What others are told of somebody who came, changed or left.
pub fn told(news: &News) -> Bytes {
    news.told(|notice| match notice {
        Notice::Participant(one) => encode(update(info::participant(one))),
        Notice::ParticipantLeft { participant, identity, reason } => {
            let (participant, reason) = (*participant, *reason);
            encode(left(&Leaver { participant, identity: identity.clone(), reason }))
        }
        // Told to each in words of its own.
        _ => Bytes::new(),
    })
}

/// Somebody came, or something about them changed.
pub fn update(participant: proto::ParticipantInfo) -> Message {
    Message::Update(proto::ParticipantUpdate { participants: vec![participant] })
}

/// Somebody left.
pub fn left(leaver: &Leaver) -> Message {
    update(info::leaver(leaver))
}

/// A request to publish, as it stands in the answer to it.
pub fn request(add_track: proto::AddTrackRequest) -> proto::request_response::Request {
    proto::request_response::Request::AddTrack(add_track)
}

/// An announced track has its id.
pub fn published(cid: String, track: proto::TrackInfo) -> Message {
    Message::TrackPublished(proto::TrackPublishedResponse { cid, track: Some(track) })
}

/// A track is no longer published.
pub fn unpublished(track: TrackId) -> Message {
    let track_sid = track.to_string();
    Message::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid })
}

/// A moderator muted a track of the client's own.
pub fn muted(track: TrackId) -> Message {
    Message::Mute(proto::MuteTrackRequest { sid: track.to_string(), muted: true })
}

/// A publisher lets the client receive a track, or no longer.
pub fn permitted(publisher: ParticipantId, track: TrackId, allowed: bool) -> Message {
    Message::SubscriptionPermissionUpdate(proto::SubscriptionPermissionUpdate {
        participant_sid: publisher.to_string(),
        track_sid: track.to_string(),
        allowed,
    })
}

/// Which layers of a track of the client's own are watched.
pub fn qualities(watched: Watched<'_>) -> Message {
    Message::SubscribedQualityUpdate(info::wanted_qualities(watched))
}

/// Somebody receives a track of the client's own.
pub fn subscribed(track: TrackId) -> Message {
    Message::TrackSubscribed(proto::TrackSubscribed { track_sid: track.to_string() })
}

/// A description, with the track of each section.
pub fn description(
    kind: &str,
    id: u32,
    sdp: String,
    tracks: Vec<(String, TrackId)>,
) -> proto::SessionDescription {
    let mid_to_track_id = tracks.into_iter().map(|(mid, track)| (mid, track.to_string())).collect();
    proto::SessionDescription { r#type: kind.to_owned(), sdp, id, mid_to_track_id }
}

/// The answer to a numbered request.
pub fn response(
    request_id: u32,
    reason: proto::request_response::Reason,
    request: Option<proto::request_response::Request>,
) -> Message {
    let message = reason.as_str_name().to_lowercase().replace('_', " ");
    Message::RequestResponse(proto::RequestResponse {
        request_id,
        reason: reason.into(),
        message,
        request,
    })
}

/// The end of a session, in the client's words.
pub fn leave(end: End) -> Message {
    use proto::leave_request::Action;
    let (action, reason) = match end {
        End::Rejoin(reason) => (Action::Reconnect, reason),
        End::Out(reason) => (Action::Disconnect, reason),
    };
    Message::Leave(proto::LeaveRequest {
        can_reconnect: action == Action::Reconnect,
        reason: info::disconnect_reason(reason).into(),
        action: action.into(),
        ..Default::default()
    })
}

/// Whether a message says that its client is out for good.
pub fn is_final(message: &Message) -> bool {
    let Message::Leave(leave) = message else { return false };
    leave.action() == proto::leave_request::Action::Disconnect
}

/// A session that is asked for and not known: the client joins as new.
pub fn state_mismatch() -> Message {
    Message::Leave(proto::LeaveRequest {
        can_reconnect: true,
        reason: proto::DisconnectReason::StateMismatch.into(),
        action: proto::leave_request::Action::Reconnect.into(),
        ..Default::default()
    })
}
