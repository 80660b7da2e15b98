//! Parameters of tracks: sources, codecs, encodings, header extensions.

use serde::{Deserialize, Serialize};

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// Where a track comes from; the allocator serves shared screens first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// Not said.
    #[default]
    Unknown,
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// A shared screen, window or tab.
    Screen,
    /// The sound of a shared screen, window or tab.
    ScreenAudio,
}

/// The codecs that a node can forward with a keyframe and a rewritten descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CodecName {
    /// Opus, RFC 7587.
    Opus,
    /// Redundant audio, RFC 2198, around Opus.
    Red,
    /// VP8, RFC 7741.
    Vp8,
    /// VP9, RFC 9628.
    Vp9,
    /// H.264, RFC 6184.
    H264,
    /// AV1, the AOM's RTP payload specification.
    Av1,
}

impl CodecName {
    /// Whether it carries sound or picture.
    pub fn kind(self) -> MediaKind {
        match self {
            CodecName::Opus | CodecName::Red => MediaKind::Audio,
            CodecName::Vp8 | CodecName::Vp9 | CodecName::H264 | CodecName::Av1 => MediaKind::Video,
        }
    }

    /// Ticks of the RTP clock a second.
    pub fn clock_rate(self) -> u32 {
        match self.kind() {
            MediaKind::Audio => 48_000,
            MediaKind::Video => 90_000,
        }
    }

    /// The encoding name of `a=rtpmap` (RFC 8866 section 6.6), compared without case.
    pub fn encoding_name(self) -> &'static str {
        match self {
            CodecName::Opus => "opus",
            CodecName::Red => "red",
            CodecName::Vp8 => "VP8",
            CodecName::Vp9 => "VP9",
            CodecName::H264 => "H264",
            CodecName::Av1 => "AV1",
        }
    }
}

/// One codec as negotiated with one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codec {
    /// Which codec.
    pub name: CodecName,
    /// Its payload type, 0 to 127.
    pub payload_type: u8,
    /// The payload type of its retransmissions (RFC 4588), where negotiated.
    pub rtx_payload_type: Option<u8>,
    /// The value of `a=fmtp`, as the client wrote it; empty where there is none.
    pub format: String,
    /// `a=rtcp-fb` the client accepted.
    pub feedback: Feedback,
}

/// RTCP feedback negotiated for a codec (RFC 4585, RFC 5104, draft-holmer-rmcat-transport-wide-cc).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// `nack`.
    pub nack: bool,
    /// `nack pli`.
    pub pli: bool,
    /// `ccm fir`.
    pub fir: bool,
    /// `transport-cc`.
    pub transport_wide: bool,
    /// `goog-remb`.
    pub remb: bool,
}

/// RTP header extensions a node understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Extension {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid`, RFC 8843.
    Mid,
    /// `urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id`, RFC 8852.
    Rid,
    /// `urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id`, RFC 8852.
    RepairedRid,
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level`, RFC 6464.
    AudioLevel,
    /// `http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01`.
    TransportWideSequence,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time`.
    AbsoluteSendTime,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time`.
    AbsoluteCaptureTime,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/playout-delay`.
    PlayoutDelay,
    /// `urn:3gpp:video-orientation`.
    VideoOrientation,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/video-content-type`.
    VideoContentType,
    /// `https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension`.
    DependencyDescriptor,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00`.
    VideoLayersAllocation,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/color-space`.
    ColorSpace,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/video-timing`.
    VideoTiming,
    /// `urn:ietf:params:rtp-hdrext:toffset`, RFC 5450.
    TransmissionOffset,
}

/// All extensions with the URI that stands in `a=extmap`.
pub const EXTENSION_URIS: [(Extension, &str); 15] = [
    (Extension::Mid, "urn:ietf:params:rtp-hdrext:sdes:mid"),
    (Extension::Rid, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
    (Extension::RepairedRid, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
    (Extension::AudioLevel, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
    (
        Extension::TransportWideSequence,
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    ),
    (Extension::AbsoluteSendTime, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
    (
        Extension::AbsoluteCaptureTime,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    ),
    (Extension::PlayoutDelay, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
    (Extension::VideoOrientation, "urn:3gpp:video-orientation"),
    (
        Extension::VideoContentType,
        "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    ),
    (
        Extension::DependencyDescriptor,
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    ),
    (
        Extension::VideoLayersAllocation,
        "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    ),
    (Extension::ColorSpace, "http://www.webrtc.org/experiments/rtp-hdrext/color-space"),
    (Extension::VideoTiming, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"),
    (Extension::TransmissionOffset, "urn:ietf:params:rtp-hdrext:toffset"),
];

impl Extension {
    /// The extension an `a=extmap` names, if it is one of ours.
    pub fn from_uri(uri: &str) -> Option<Extension> {
        EXTENSION_URIS.iter().find(|(_, known)| *known == uri).map(|(extension, _)| *extension)
    }

    /// The URI that stands in `a=extmap`.
    pub fn uri(self) -> &'static str {
        EXTENSION_URIS.iter().find(|(known, _)| *known == self).map_or("", |(_, uri)| uri)
    }
}

/// A header extension and the id it has with one client (1 to 14 in the one-byte form).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionId {
    /// The id on the wire.
    pub id: u8,
    /// What it means.
    pub extension: Extension,
}

/// One encoding (rid) of a published track, as far as signaling knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodingParameters {
    /// The rid of `a=rid` (RFC 8851); empty where the track has one encoding without a rid.
    pub rid: String,
    /// Its SSRC where `a=ssrc` names one; unmodified browsers name none with simulcast.
    pub ssrc: Option<u32>,
    /// The SSRC of its retransmissions, from `a=ssrc-group:FID`.
    pub rtx_ssrc: Option<u32>,
    /// Width in pixels, where the client told it.
    pub width: u32,
    /// Height in pixels, where the client told it.
    pub height: u32,
    /// Upper bound in bits a second, where the client told it; 0 where not.
    pub max_bitrate_bps: u64,
}

/// What a node must know to receive a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationParameters {
    /// Sound or picture.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: Source,
    /// The `a=mid` of its m-line; empty where the client uses none.
    pub mid: String,
    /// Codecs the client may send, in its order of preference.
    pub codecs: Vec<Codec>,
    /// Encodings, lowest quality first (`q`, `h`, `f` in that order for LiveKit-compatible clients).
    pub encodings: Vec<EncodingParameters>,
    /// Nothing is forwarded while muted.
    pub muted: bool,
}

/// Maps one payload type of the publisher to the subscriber's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadMapping {
    /// The publisher's payload type.
    pub from: u8,
    /// The subscriber's.
    pub to: u8,
    /// The subscriber's payload type for retransmissions, where it negotiated RTX.
    pub rtx: Option<u8>,
}

/// What a node must know to send a track to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionParameters {
    /// The `a=mid` of the subscriber's m-line.
    pub mid: String,
    /// The SSRC of the stream, chosen by the edge, the same across nodes.
    pub ssrc: u32,
    /// The SSRC of its retransmissions. Without one no picture is sent again, as a node uses no SRTP
    /// index twice but for the very same bytes: a description that offers no RTX for pictures must not
    /// offer `nack` either.
    pub rtx_ssrc: Option<u32>,
    /// Payload types; a packet of an unmapped type is dropped and counted.
    pub payloads: Vec<PayloadMapping>,
    /// The payload type of redundant audio (RFC 2198) around the codecs above, where the subscriber
    /// negotiated it and the track may be wrapped so. A node without that field sends none.
    #[serde(default)]
    pub red: Option<u8>,
    /// Lost packets of sound may be asked for (`a=rtcp-fb` `nack`), and are repeated under their own
    /// numbers. A node without that field does not answer.
    #[serde(default)]
    pub repeats: bool,
}

/// One sound slot of a subscriber: a stream that carries whoever holds a seat among the loudest of
/// the room, one after another, under the same names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundSlot {
    /// The `a=mid` of the subscriber's m-line.
    pub mid: String,
    /// The SSRC of the stream, chosen by the edge, the same across nodes.
    pub ssrc: u32,
    /// The SSRC of its retransmissions; see [`SubscriptionParameters::rtx_ssrc`].
    pub rtx_ssrc: Option<u32>,
    /// The subscriber's payload types; a packet of another codec is dropped and counted. With RED among
    /// them, redundancy is passed on and made; see [`SubscriptionParameters::red`].
    pub codecs: Vec<SlotCodec>,
    /// See [`SubscriptionParameters::repeats`].
    #[serde(default)]
    pub repeats: bool,
}

/// A codec that a sound slot may carry, whatever its payload type is at the publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotCodec {
    /// Which codec.
    pub name: CodecName,
    /// Its payload type at the subscriber.
    pub payload_type: u8,
    /// The payload type of its retransmissions, where negotiated.
    pub rtx_payload_type: Option<u8>,
}

/// What a subscriber wants of a track. By default all of it, in its turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// It does not show the track for now: nothing is sent.
    pub hidden: bool,
    /// Width of the element that shows it, in pixels; 0 wants as much as there is.
    pub width: u32,
    /// Height of the element, in pixels; 0 wants as much as there is.
    pub height: u32,
    /// Frames a second, at most; 0 wants all.
    pub frames_per_second: u32,
    /// What has more of it is served first where bandwidth is short; 0 is usual.
    pub priority: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extension_has_one_uri() {
        for (extension, uri) in EXTENSION_URIS {
            assert_eq!(Extension::from_uri(uri), Some(extension));
            assert_eq!(extension.uri(), uri);
        }
        assert_eq!(Extension::from_uri("urn:unknown"), None);
    }
}
