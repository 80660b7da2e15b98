//! Our offer to a subscriber: data channels first, then one section for each track.

use super::extension;
use super::writer::{Writer, payload_types};
use lectern_control::media::{Codec, MediaKind};

pub use super::writer::{LocalTransport, Origin};

/// The mid of the section with the data channels: it stands first, carries the BUNDLE group and is
/// never rejected.
pub const DATA_MID: &str = "data";

/// A track as it is sent to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentTrack {
    /// Stream id of `a=msid`.
    pub stream: String,
    /// Track id of `a=msid`.
    pub track: String,
    /// Ties streams of one sender to one clock (RFC 7022).
    pub cname: String,
    /// Codecs, each with the payload types of this subscriber.
    pub codecs: Vec<Codec>,
    /// SSRC of the stream.
    pub ssrc: u32,
    /// SSRC of its retransmissions.
    pub rtx_ssrc: Option<u32>,
}

/// A media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentSection {
    /// Its mid.
    pub mid: String,
    /// Sound or picture.
    pub kind: MediaKind,
    /// The track; none rejects the section, so that it can be used anew.
    pub track: Option<SentTrack>,
}

/// Writes an offer.
pub fn write(sections: &[SentSection], transport: LocalTransport<'_>, origin: Origin) -> String {
    let live = sections.iter().filter(|section| section.track.is_some());
    let mids: Vec<&str> =
        std::iter::once(DATA_MID).chain(live.map(|section| section.mid.as_str())).collect();
    let mut writer = Writer::new(origin, &mids, true);
    let data = format_args!("application 9 UDP/DTLS/SCTP webrtc-datachannel");
    writer.section(data, DATA_MID, &transport);
    writer.data();
    let transport = LocalTransport { candidates: &[], ..transport };
    for section in sections {
        let media = match section.kind {
            MediaKind::Audio => "audio",
            MediaKind::Video => "video",
        };
        match &section.track {
            Some(track) => sent(&mut writer, section, media, track, &transport),
            None => {
                writer.rejected(format_args!("{media} 0 UDP/TLS/RTP/SAVPF 0"), &section.mid);
            }
        }
    }
    writer.finish()
}

fn sent(
    writer: &mut Writer,
    section: &SentSection,
    media: &str,
    track: &SentTrack,
    transport: &LocalTransport<'_>,
) {
    let payload_types = payload_types(&track.codecs);
    let line = format_args!("{media} 9 UDP/TLS/RTP/SAVPF {payload_types}");
    writer.section(line, &section.mid, transport);
    writer.extensions(&extension::offered(section.kind));
    writer.line("a=sendonly");
    writer.line(format_args!("a=msid:{} {}", track.stream, track.track));
    writer.rtcp();
    for codec in &track.codecs {
        writer.codec(codec);
    }
    if let Some(rtx) = track.rtx_ssrc {
        writer.line(format_args!("a=ssrc-group:FID {} {rtx}", track.ssrc));
    }
    for ssrc in std::iter::once(track.ssrc).chain(track.rtx_ssrc) {
        writer.line(format_args!("a=ssrc:{ssrc} cname:{}", track.cname));
    }
}
