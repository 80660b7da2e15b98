//! Participants, tracks and rooms in the words of LiveKit-compatible clients.

use crate::session::Leaver;
use lectern_control::media::{Codec, CodecName, EncodingParameters, MediaKind, Source};
use lectern_control::node::Quality;
use lectern_control::room::{LeaveReason, Participant, Role, Track};
use livekit_protocol as proto;

/// Attributes beginning so are ours; clients cannot set them.
pub const OWN_ATTRIBUTES: &str = "lectern.";
/// The attribute that shows a participant's role.
const ROLE_ATTRIBUTE: &str = "lectern.role";

/// What version clients are told: they decide by it which features we know, as a LiveKit server of that
/// version does. Calls between participants need 1.8; from 1.14 on, clients in browsers would publish
/// VP9 and AV1 in another way.
pub const SERVER_VERSION: &str = "1.9.0";
/// The newest protocol whose messages we know.
const PROTOCOL: i32 = 16;

/// A participant as clients see it.
pub fn participant(participant: &Participant) -> proto::ParticipantInfo {
    let mut attributes: std::collections::HashMap<String, String> =
        participant.attributes.clone().into_iter().collect();
    attributes.insert(ROLE_ATTRIBUTE.to_owned(), role(participant.role).to_owned());
    let permissions = participant.permissions;
    let milliseconds = i64::try_from(participant.joined_at_unix_ms).unwrap_or(i64::MAX);
    proto::ParticipantInfo {
        sid: participant.id.to_string(),
        identity: participant.identity.clone(),
        state: proto::participant_info::State::Active.into(),
        tracks: participant.tracks.iter().map(track).collect(),
        metadata: participant.metadata.clone(),
        joined_at: milliseconds / 1_000,
        joined_at_ms: milliseconds,
        name: participant.name.clone(),
        version: participant.version,
        permission: Some(proto::ParticipantPermission {
            can_subscribe: permissions.subscribe,
            can_publish: permissions.publish,
            can_publish_data: permissions.publish_data,
            can_update_metadata: true,
            ..Default::default()
        }),
        is_publisher: !participant.tracks.is_empty(),
        attributes,
        ..Default::default()
    }
}

/// Somebody who left, as clients see it.
pub fn leaver(leaver: &Leaver) -> proto::ParticipantInfo {
    proto::ParticipantInfo {
        sid: leaver.participant.to_string(),
        identity: leaver.identity.clone(),
        state: proto::participant_info::State::Disconnected.into(),
        // Later than whatever came before.
        version: u32::MAX,
        disconnect_reason: disconnect_reason(leaver.reason).into(),
        ..Default::default()
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Presenter => "presenter",
        Role::Owner => "owner",
    }
}

/// A track as clients see it.
#[expect(deprecated, reason = "older clients read the fields that newer ones have replaced")]
pub fn track(track: &Track) -> proto::TrackInfo {
    let layers: Vec<proto::VideoLayer> = match track.kind {
        MediaKind::Audio => Vec::new(),
        MediaKind::Video => track.encodings.iter().enumerate().map(layer(track)).collect(),
    };
    let codec = track.codecs.first();
    let mime_type = codec.map(mime_type).unwrap_or_default();
    let codecs = codec.map(|_| proto::SimulcastCodecInfo {
        mime_type: mime_type.clone(),
        layers: layers.clone(),
        ..Default::default()
    });
    let mut audio_features = Vec::new();
    if track.stereo {
        audio_features.push(proto::AudioTrackFeature::TfStereo.into());
    }
    if track.disable_dtx {
        audio_features.push(proto::AudioTrackFeature::TfNoDtx.into());
    }
    proto::TrackInfo {
        sid: track.id.to_string(),
        r#type: match track.kind {
            MediaKind::Audio => proto::TrackType::Audio.into(),
            MediaKind::Video => proto::TrackType::Video.into(),
        },
        name: track.name.clone(),
        muted: track.muted,
        width: track.width,
        height: track.height,
        simulcast: track.encodings.len() > 1,
        disable_dtx: track.disable_dtx,
        source: source(track.source).into(),
        layers,
        mime_type,
        codecs: codecs.into_iter().collect(),
        stereo: track.stereo,
        disable_red: track.disable_red,
        stream: track.stream.clone(),
        audio_features,
        ..Default::default()
    }
}

fn layer(track: &Track) -> impl Fn((usize, &EncodingParameters)) -> proto::VideoLayer {
    let only = track.encodings.len() == 1;
    move |(index, encoding)| {
        use proto::VideoQuality::{High, Low, Medium};
        let quality = match (only, index) {
            (true, _) => High,
            (false, 0) => Low,
            (false, 1) => Medium,
            (false, _) => High,
        };
        proto::VideoLayer {
            quality: quality.into(),
            width: encoding.width,
            height: encoding.height,
            bitrate: u32::try_from(encoding.max_bitrate_bps).unwrap_or(u32::MAX),
            ssrc: encoding.ssrc.unwrap_or_default(),
            spatial_layer: i32::try_from(index).unwrap_or_default(),
            rid: encoding.rid.clone(),
            ..Default::default()
        }
    }
}

fn mime_type(codec: &Codec) -> String {
    let kind = match codec.name.kind() {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    };
    format!("{kind}/{}", codec.name.encoding_name())
}

/// The codecs a client may publish, the one it falls back to first of its kind.
pub fn enabled_codecs() -> Vec<proto::Codec> {
    let known = [CodecName::Opus, CodecName::Vp8, CodecName::H264, CodecName::Vp9, CodecName::Av1];
    let codec = |name: CodecName| {
        let kind = if name == CodecName::Opus { "audio" } else { "video" };
        proto::Codec { mime: format!("{kind}/{}", name.encoding_name()), ..Default::default() }
    };
    known.map(codec).into()
}

/// What a server says of itself; no node or host is named.
pub fn server(region: &str) -> proto::ServerInfo {
    proto::ServerInfo {
        edition: proto::server_info::Edition::Standard.into(),
        version: SERVER_VERSION.to_owned(),
        protocol: PROTOCOL,
        region: region.to_owned(),
        ..Default::default()
    }
}

/// A source in the clients' words.
pub fn source(source: Source) -> proto::TrackSource {
    match source {
        Source::Unknown => proto::TrackSource::Unknown,
        Source::Camera => proto::TrackSource::Camera,
        Source::Microphone => proto::TrackSource::Microphone,
        Source::Screen => proto::TrackSource::ScreenShare,
        Source::ScreenAudio => proto::TrackSource::ScreenShareAudio,
    }
}

/// Why somebody left, in the clients' words.
pub fn disconnect_reason(reason: LeaveReason) -> proto::DisconnectReason {
    match reason {
        LeaveReason::ClientLeft => proto::DisconnectReason::ClientInitiated,
        LeaveReason::ConnectionLost => proto::DisconnectReason::SignalClose,
        LeaveReason::DuplicateIdentity => proto::DisconnectReason::DuplicateIdentity,
        LeaveReason::NotAdmitted => proto::DisconnectReason::JoinFailure,
        LeaveReason::Removed => proto::DisconnectReason::ParticipantRemoved,
        LeaveReason::RoomClosed => proto::DisconnectReason::RoomDeleted,
        LeaveReason::MediaFailed => proto::DisconnectReason::MediaFailure,
        LeaveReason::ServerShutdown => proto::DisconnectReason::ServerShutdown,
    }
}

/// A participant's connection in one word, and as a score from 1 to 5.
///
/// Two hundredths lost, or a quarter second of round trip, begin to be noticed in a conversation
/// (ITU-T G.114); a twelfth lost, or half a second, disturb it.
pub fn quality(quality: &Quality) -> (proto::ConnectionQuality, f32) {
    let loss = quality.uplink_loss.max(quality.downlink_loss).clamp(0.0, 1.0);
    let word = if loss < 0.02 && quality.rtt_ms < 250 {
        proto::ConnectionQuality::Excellent
    } else if loss < 0.08 && quality.rtt_ms < 500 {
        proto::ConnectionQuality::Good
    } else {
        proto::ConnectionQuality::Poor
    };
    let late = (quality.rtt_ms.min(1_000) as f32) / 1_000.0;
    (word, (5.0 - 20.0 * loss - 2.0 * late).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_is_judged_by_the_worse_figure() {
        let judge = |uplink_loss, downlink_loss, rtt_ms| {
            quality(&Quality { uplink_loss, downlink_loss, rtt_ms }).0
        };
        assert_eq!(judge(0.0, 0.0, 20), proto::ConnectionQuality::Excellent);
        assert_eq!(judge(0.0, 0.03, 20), proto::ConnectionQuality::Good);
        assert_eq!(judge(0.0, 0.0, 300), proto::ConnectionQuality::Good);
        assert_eq!(judge(0.2, 0.0, 20), proto::ConnectionQuality::Poor);
        assert_eq!(judge(f32::NAN, 2.0, 0), proto::ConnectionQuality::Poor);
    }

    #[test]
    fn vp8_is_what_clients_fall_back_to() {
        let codecs = enabled_codecs();
        let video = codecs.iter().find(|codec| codec.mime.starts_with("video/"));
        assert_eq!(video.map(|codec| codec.mime.as_str()), Some("video/VP8"));
    }
}
