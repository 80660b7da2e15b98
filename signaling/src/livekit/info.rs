//! Participants, tracks and rooms in the words of LiveKit-compatible clients.

use crate::session::{Leaver, Watched, layers};
use lectern_control::media::{CodecName, EncodingParameters, MediaKind, Source};
use lectern_control::node::{LayerWanted, Quality, StreamState};
use lectern_control::room::{LeaveReason, Participant, Role, Track};
use lectern_control::{ParticipantId, TrackId};
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
    let layers = match track.kind {
        MediaKind::Audio => Vec::new(),
        MediaKind::Video => video_layers(&track.encodings),
    };
    // Redundancy is a matter between each end and its node; to others the sound is what is in it.
    let shown = track.codecs.iter().find(|codec| codec.name != CodecName::Red);
    let name = shown.map(|codec| codec.name);
    let mime_type = name.map(mime_type).unwrap_or_default();
    let first = name.map(|_| (mime_type.clone(), layers.clone()));
    let backup = track.backup.as_ref().filter(|_| name.is_some()).map(|backup| {
        let published = backup.published.as_ref();
        let layers = published.map(|published| video_layers(&published.encodings));
        (self::mime_type(backup.codec), layers.unwrap_or_default())
    });
    let codecs = first.into_iter().chain(backup).map(|(mime_type, layers)| {
        proto::SimulcastCodecInfo { mime_type, layers, ..Default::default() }
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
        codecs: codecs.collect(),
        stereo: track.stereo,
        disable_red: track.disable_red,
        stream: track.stream.clone(),
        audio_features,
        ..Default::default()
    }
}

fn video_layers(encodings: &[EncodingParameters]) -> Vec<proto::VideoLayer> {
    let layer = |(index, encoding): (usize, &EncodingParameters)| proto::VideoLayer {
        quality: quality_of_rank(layers::rank(encodings, index)).into(),
        width: encoding.width,
        height: encoding.height,
        bitrate: u32::try_from(encoding.max_bitrate_bps).unwrap_or(u32::MAX),
        ssrc: encoding.ssrc.unwrap_or_default(),
        spatial_layer: i32::try_from(index).unwrap_or_default(),
        rid: encoding.rid.clone(),
        ..Default::default()
    };
    encodings.iter().enumerate().map(layer).collect()
}

fn quality_of_rank(rank: u8) -> proto::VideoQuality {
    match rank {
        0 => proto::VideoQuality::Low,
        1 => proto::VideoQuality::Medium,
        _ => proto::VideoQuality::High,
    }
}

/// Which layers of a participant's own track anybody watches, in each codec.
#[expect(deprecated, reason = "older clients read the field that a newer one has replaced")]
pub fn wanted_qualities((track, layers, backup): Watched<'_>) -> proto::SubscribedQualityUpdate {
    let codec = |name: CodecName, qualities: &[proto::SubscribedQuality]| proto::SubscribedCodec {
        codec: name.encoding_name().to_lowercase(),
        qualities: qualities.to_vec(),
    };
    let own = qualities(&track.encodings, layers);
    let first = track.codecs.first().map(|first| codec(first.name, &own));
    let second = backup.zip(track.backup.as_ref()).map(|(layers, backup)| {
        let encodings = backup.published.as_ref().map(|published| published.encodings.as_slice());
        codec(backup.codec, &qualities(encodings.unwrap_or_default(), layers))
    });
    proto::SubscribedQualityUpdate {
        track_sid: track.id.to_string(),
        subscribed_codecs: first.into_iter().chain(second).collect(),
        subscribed_qualities: own,
    }
}

/// All three qualities are named: clients take a track of one encoding for the lowest, and one of two has
/// no highest. What nothing was said of is wanted.
fn qualities(
    encodings: &[EncodingParameters],
    wanted: &[LayerWanted],
) -> Vec<proto::SubscribedQuality> {
    let ranked = encodings.iter().enumerate().map(|(index, encoding)| {
        let wanted = wanted.iter().find(|layer| layer.rid == encoding.rid);
        (layers::rank(encodings, index), wanted.is_none_or(|layer| layer.wanted))
    });
    let ranked: Vec<(u8, bool)> = ranked.collect();
    let quality = |rank: u8| {
        let of_rank = ranked.iter().filter(|(known, _)| *known == rank);
        let enabled = match of_rank.map(|(_, wanted)| *wanted).reduce(|a, b| a || b) {
            Some(enabled) => enabled,
            None => ranked.last().is_none_or(|(_, wanted)| *wanted),
        };
        proto::SubscribedQuality { quality: quality_of_rank(rank).into(), enabled }
    };
    (0..=layers::BEST).map(quality).collect()
}

/// What a participant is sent of somebody's track.
pub fn stream_state(
    publisher: ParticipantId,
    track: TrackId,
    state: StreamState,
) -> proto::StreamStateInfo {
    let state = match state {
        StreamState::Active => proto::StreamState::Active,
        StreamState::Paused => proto::StreamState::Paused,
    };
    proto::StreamStateInfo {
        participant_sid: publisher.to_string(),
        track_sid: track.to_string(),
        state: state.into(),
    }
}

fn mime_type(codec: CodecName) -> String {
    let kind = match codec.kind() {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    };
    format!("{kind}/{}", codec.encoding_name())
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
