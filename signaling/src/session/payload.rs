//! Payload types of a subscriber's transport: one meaning for each, in all sections, for as long
//! as the transport lives (RFC 8843 section 10.1.2).

use crate::sdp::codec::subscriber_format;
use lectern_control::media::{Codec, CodecName, Feedback, MediaKind};

/// Dynamic payload types that browsers accept and that cannot be taken for RTCP (RFC 5761 section 4).
const POOL: [std::ops::RangeInclusive<u8>; 2] = [96..=127, 35..=63];

/// Payload types that are taken.
#[derive(Debug, Default)]
pub struct PayloadTypes {
    codecs: Vec<Codec>,
}

impl PayloadTypes {
    /// The codec as this subscriber is offered it; `None` when no payload type is left.
    pub fn offer(&mut self, published: &Codec) -> Option<Codec> {
        self.place(published.name, subscriber_format(published))
    }

    /// Redundancy around a codec (RFC 2198) as this subscriber is offered it.
    pub fn around(&mut self, codec: &Codec) -> Option<Codec> {
        let payload_type = codec.payload_type;
        self.place(CodecName::Red, format!("{payload_type}/{payload_type}"))
    }

    fn place(&mut self, name: CodecName, format: String) -> Option<Codec> {
        let known = self.codecs.iter().find(|known| known.name == name && known.format == format);
        if let Some(known) = known {
            return Some(known.clone());
        }
        let video = name.kind() == MediaKind::Video;
        let mut free = POOL.into_iter().flatten().filter(|payload_type| {
            let uses = |codec: &Codec| {
                codec.payload_type == *payload_type || codec.rtx_payload_type == Some(*payload_type)
            };
            !self.codecs.iter().any(uses)
        });
        let payload_type = free.next()?;
        let rtx_payload_type = if video { Some(free.next()?) } else { None };
        let codec =
            Codec { name, payload_type, rtx_payload_type, format, feedback: feedback(name) };
        self.codecs.push(codec.clone());
        Some(codec)
    }
}

/// What we take from subscribers. Sound has no stream of retransmissions: a node repeats what is asked
/// for as it was. Browsers ask as the codec says that redundancy is around.
fn feedback(name: CodecName) -> Feedback {
    let video = name.kind() == MediaKind::Video;
    let nack = name != CodecName::Red;
    Feedback { nack, pli: video, fir: video, transport_wide: true, remb: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(name: CodecName, format: &str) -> Codec {
        Codec {
            name,
            payload_type: 45,
            rtx_payload_type: None,
            format: format.to_owned(),
            feedback: Feedback::default(),
        }
    }

    #[test]
    fn one_codec_has_one_payload_type_however_often_it_is_offered() {
        let mut types = PayloadTypes::default();
        let vp8 = types.offer(&published(CodecName::Vp8, "max-fs=12288")).expect("a type");
        assert_eq!((vp8.payload_type, vp8.rtx_payload_type), (96, Some(97)));
        assert_eq!(types.offer(&published(CodecName::Vp8, "")), Some(vp8));
        let opus = types.offer(&published(CodecName::Opus, "")).expect("a type");
        assert_eq!((opus.payload_type, opus.rtx_payload_type), (98, None));
        assert!(opus.feedback.nack, "lost sound may be asked for");
        let stereo = types.offer(&published(CodecName::Opus, "stereo=1")).expect("a type");
        assert_eq!(stereo.payload_type, 99, "another format, another meaning");
        let around = [&opus, &stereo].map(|codec| types.around(codec).expect("a type"));
        let formats = around.each_ref().map(|red| (red.payload_type, red.format.as_str()));
        assert_eq!(formats, [(100, "98/98"), (101, "99/99")]);
        assert_eq!(types.around(&opus).as_ref(), Some(&around[0]));
    }

    #[test]
    fn whatever_publishers_write_there_are_types_for_everybody() {
        let mut types = PayloadTypes::default();
        for n in 0..=0xffff_u32 {
            let format = format!("packetization-mode=1;profile-level-id={n:04x}28;x={n}");
            assert!(types.offer(&published(CodecName::H264, &format)).is_some(), "{format}");
        }
        for name in [CodecName::Opus, CodecName::Vp8, CodecName::Vp9, CodecName::Av1] {
            for format in ["", "stereo=1", "profile-id=0;x=1", "x=2"] {
                assert!(types.offer(&published(name, format)).is_some(), "{format}");
            }
        }
        let all = types.codecs.iter();
        let all = all.flat_map(|codec| [Some(codec.payload_type), codec.rtx_payload_type]);
        let mut all: Vec<u8> = all.flatten().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "one meaning for each");
        assert!(all.iter().all(|pt| !(64..96).contains(pt)), "never taken for RTCP");
    }
}
