//! Codecs of a media section: payload types, formats, retransmission, feedback; and which of the
//! offered ones a publisher is asked to send.

use super::description::Section;
use super::h264::{self, Profile};
use lectern_control::limits::MAX_CODECS_PER_TRACK;
use lectern_control::media::{Codec, CodecName, Feedback, MediaKind};

/// Payload types have seven bits.
const PAYLOAD_TYPES: usize = 128;

/// Codecs in the order in which a publisher is asked for them where it names no wish: all browsers
/// decode the first.
const PREFERENCE: [CodecName; 5] =
    [CodecName::Opus, CodecName::Vp8, CodecName::H264, CodecName::Vp9, CodecName::Av1];

/// A parameter of a format such as `profile-id=0;tier=0` (RFC 8866 section 6.15).
pub fn parameter<'a>(format: &'a str, name: &str) -> Option<&'a str> {
    let pairs = format.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// Reads the codecs we know, in the client's order of preference.
pub fn read(section: &Section<'_>) -> Vec<Codec> {
    let mut maps: [Option<&str>; PAYLOAD_TYPES] = [None; PAYLOAD_TYPES];
    let mut formats: [Option<&str>; PAYLOAD_TYPES] = [None; PAYLOAD_TYPES];
    fill(&mut maps, section.values("rtpmap"));
    fill(&mut formats, section.values("fmtp"));
    let mut feedback = [Feedback::default(); PAYLOAD_TYPES];
    for value in section.values("rtcp-fb") {
        let Some((payload_type, kind)) = value.split_once(' ') else { continue };
        match payload_type {
            "*" => feedback.iter_mut().for_each(|feedback| note(feedback, kind)),
            text => {
                if let Some(feedback) = index(text).and_then(|index| feedback.get_mut(index)) {
                    note(feedback, kind);
                }
            }
        }
    }
    let payload_types = || section.formats.iter().filter_map(|format| index(format));
    let rtx_of = |codec: usize| {
        payload_types().find(|candidate| {
            let is_rtx =
                maps[*candidate].is_some_and(|map| encoding(map).0.eq_ignore_ascii_case("rtx"));
            let apt = formats[*candidate].and_then(|format| parameter(format, "apt"));
            is_rtx && apt.and_then(index) == Some(codec)
        })
    };
    let mut codecs: Vec<Codec> = Vec::new();
    for payload_type in payload_types() {
        let Some(name) = maps[payload_type].and_then(name) else { continue };
        let seen = codecs.iter().any(|codec| usize::from(codec.payload_type) == payload_type);
        if seen || codecs.len() == MAX_CODECS_PER_TRACK {
            continue;
        }
        codecs.push(Codec {
            name,
            payload_type: payload_type as u8,
            rtx_payload_type: rtx_of(payload_type).map(|rtx| rtx as u8),
            format: formats[payload_type].unwrap_or_default().to_owned(),
            feedback: feedback[payload_type],
        });
    }
    codecs
}

fn index(text: &str) -> Option<usize> {
    text.parse::<usize>().ok().filter(|payload_type| *payload_type < PAYLOAD_TYPES)
}

fn fill<'a>(table: &mut [Option<&'a str>; PAYLOAD_TYPES], values: impl Iterator<Item = &'a str>) {
    for value in values {
        let Some((payload_type, rest)) = value.split_once(' ') else { continue };
        if let Some(entry) = index(payload_type).and_then(|index| table.get_mut(index)) {
            entry.get_or_insert(rest.trim());
        }
    }
}

/// Encoding name and clock rate of an `a=rtpmap`.
fn encoding(map: &str) -> (&str, &str) {
    let mut parts = map.split('/');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn name(map: &str) -> Option<CodecName> {
    let (encoding, rate) = encoding(map);
    let all = PREFERENCE.iter().chain(&[CodecName::Red]);
    let known = all.copied().find(|name| name.encoding_name().eq_ignore_ascii_case(encoding))?;
    // `red` names redundancy for video as well, at another clock rate.
    rate.parse().is_ok_and(|rate: u32| rate == known.clock_rate()).then_some(known)
}

fn note(feedback: &mut Feedback, kind: &str) {
    match kind.trim() {
        "nack" => feedback.nack = true,
        "nack pli" => feedback.pli = true,
        "ccm fir" => feedback.fir = true,
        "transport-cc" => feedback.transport_wide = true,
        "goog-remb" => feedback.remb = true,
        _ => {}
    }
}

/// The H.264 profile of a codec; where nothing is said, what browsers mean by that.
fn profile(codec: &Codec) -> Option<Profile> {
    let id = parameter(&codec.format, "profile-level-id").unwrap_or("42001f");
    if codec.name == CodecName::H264 { h264::profile(id) } else { None }
}

/// Whether a node can forward the codec in this format.
fn is_forwardable(codec: &Codec) -> bool {
    let is = |name, wanted: &str| parameter(&codec.format, name).unwrap_or("0") == wanted;
    match codec.name {
        CodecName::Opus | CodecName::Vp8 => true,
        CodecName::Red => false,
        // Profile 0: 8 bits, what every decoder reads. Single-NAL mode cannot carry big frames.
        CodecName::Vp9 => is("profile-id", "0"),
        CodecName::H264 => is("packetization-mode", "1") && profile(codec).is_some(),
        CodecName::Av1 => is("profile", "0"),
    }
}

/// The one codec a publisher is asked to send: its wish where it has one and we can forward it,
/// else our preference. One codec keeps payload mappings and every subscriber's section short.
pub fn choose(offered: &[Codec], kind: MediaKind, wish: Option<CodecName>) -> Option<Codec> {
    let usable = |name: CodecName| {
        let of_name = offered.iter().filter(move |codec| codec.name == name);
        of_name.filter(|codec| is_forwardable(codec)).min_by_key(|codec| profile(codec))
    };
    let names = wish.into_iter().chain(PREFERENCE).filter(|name| name.kind() == kind);
    let chosen = names.filter_map(usable).next()?;
    let mut codec = chosen.clone();
    // REMB is for clients without transport-wide feedback.
    codec.feedback.remb &= !codec.feedback.transport_wide;
    // Browsers on libwebrtc, which alone offer redundancy of sound, repeat sound that a NACK names
    // although they offer no `nack` for it, and take it in an answer.
    codec.feedback.nack |= redundancy(offered, &codec).is_some();
    Some(codec)
}

/// The offered redundancy (RFC 2198) around a codec, where there is such: its format names the codec's
/// payload type for every block, as in `111/111`.
pub fn redundancy(offered: &[Codec], around: &Codec) -> Option<Codec> {
    let found = offered.iter().find(|codec| is_around(codec, around.payload_type))?;
    Some(Codec { feedback: Feedback::default(), ..found.clone() })
}

/// Whether a codec is redundancy around that of a payload type and no other.
pub fn is_around(codec: &Codec, payload_type: u8) -> bool {
    let mut blocks = codec.format.split('/');
    let is_it = |block: &str| block.trim().parse() == Ok(payload_type);
    codec.name == CodecName::Red && codec.format.contains('/') && blocks.all(is_it)
}

/// The format under which a codec is offered to subscribers: what decides whether it can be
/// decoded, without what only its sender wrote for itself. There are few of them whatever publishers
/// write: each takes payload types of every subscriber's transport for good.
pub fn subscriber_format(codec: &Codec) -> String {
    match codec.name {
        CodecName::Opus if parameter(&codec.format, "stereo") == Some("1") => {
            "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1".to_owned()
        }
        CodecName::Opus => "minptime=10;useinbandfec=1".to_owned(),
        CodecName::H264 => {
            let profile = profile(codec).unwrap_or(Profile::Baseline);
            let id = profile.offered();
            format!("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={id}")
        }
        CodecName::Vp9 => "profile-id=0".to_owned(),
        CodecName::Vp8 | CodecName::Av1 | CodecName::Red => String::new(),
    }
}

/// Whether a client that wrote `answered` decodes what we offered as `offered`.
pub fn answers(answered: &Codec, offered: &Codec) -> bool {
    if answered.name != offered.name {
        return false;
    }
    let value = |codec: &Codec, name| parameter(&codec.format, name).unwrap_or("0").to_owned();
    match offered.name {
        CodecName::H264 => {
            value(answered, "packetization-mode") == value(offered, "packetization-mode")
                && profile(answered) == profile(offered)
        }
        CodecName::Vp9 => value(answered, "profile-id") == value(offered, "profile-id"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::description::Description;
    use super::*;

    fn codecs(lines: &str) -> Vec<Codec> {
        let text = format!("v=0\n{lines}");
        let description = Description::parse(&text).expect("a description");
        read(&description.sections[0])
    }

    const CHROMIUM: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 108 109 98 100 118\n\
        a=rtpmap:96 VP8/90000\na=rtcp-fb:96 goog-remb\na=rtcp-fb:96 transport-cc\n\
        a=rtcp-fb:96 ccm fir\na=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\na=rtpmap:97 rtx/90000\n\
        a=fmtp:97 apt=96\na=rtpmap:102 H264/90000\n\
        a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\n\
        a=rtpmap:103 rtx/90000\na=fmtp:103 apt=102\na=rtpmap:104 H264/90000\n\
        a=fmtp:104 packetization-mode=0;profile-level-id=42e01f\na=rtpmap:108 H264/90000\n\
        a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\n\
        a=rtpmap:109 rtx/90000\na=fmtp:109 apt=108\na=rtpmap:98 VP9/90000\n\
        a=fmtp:98 profile-id=0\na=rtpmap:100 VP9/90000\na=fmtp:100 profile-id=2\n\
        a=rtpmap:118 red/90000\n";

    #[test]
    fn payload_types_retransmission_and_feedback_are_read() {
        let codecs = codecs(CHROMIUM);
        let vp8 = &codecs[0];
        assert_eq!(
            (vp8.name, vp8.payload_type, vp8.rtx_payload_type),
            (CodecName::Vp8, 96, Some(97))
        );
        let all = Feedback { nack: true, pli: true, fir: true, transport_wide: true, remb: true };
        assert_eq!(vp8.feedback, all);
        assert_eq!(codecs.len(), 6, "video redundancy is none of ours");
    }

    #[test]
    fn a_publishers_wish_is_met_where_it_can_be_forwarded() {
        let offered = codecs(CHROMIUM);
        let chosen =
            |wish| choose(&offered, MediaKind::Video, wish).map(|codec| codec.payload_type);
        assert_eq!(chosen(None), Some(96));
        assert_eq!(chosen(Some(CodecName::H264)), Some(108), "constrained baseline");
        assert_eq!(chosen(Some(CodecName::Vp9)), Some(98), "profile 0");
        assert_eq!(chosen(Some(CodecName::Av1)), Some(96), "not offered");
        assert_eq!(chosen(Some(CodecName::Opus)), Some(96), "no codec for pictures");
        assert!(choose(&[], MediaKind::Video, None).is_none());
    }

    #[test]
    fn hostile_payload_types_are_left_out() {
        let lines = "m=video 9 UDP/TLS/RTP/SAVPF 200 -1 96 96 x 255\na=rtpmap:200 VP8/90000\n\
            a=rtpmap:96 VP8/90000\na=rtpmap:96 VP9/90000\na=rtpmap:x VP8/90000\na=rtpmap:97\n\
            a=rtcp-fb:900 nack\na=fmtp:-3 x\na=rtcp-fb:*\n";
        let codecs = codecs(lines);
        assert_eq!(codecs.len(), 1);
        assert_eq!((codecs[0].name, codecs[0].payload_type), (CodecName::Vp8, 96));
    }

    #[test]
    fn no_more_codecs_than_a_track_may_have() {
        let mut lines = "m=video 9 UDP/TLS/RTP/SAVPF".to_owned();
        (0..127).for_each(|pt| lines.push_str(&format!(" {pt}")));
        lines.push('\n');
        (0..127).for_each(|pt| lines.push_str(&format!("a=rtpmap:{pt} VP8/90000\n")));
        assert_eq!(codecs(&lines).len(), MAX_CODECS_PER_TRACK);
    }

    #[test]
    fn an_answer_must_name_the_same_profile() {
        let offered = codecs(CHROMIUM);
        let (baseline, constrained) = (&offered[1], &offered[3]);
        assert!(answers(constrained, constrained));
        assert!(!answers(baseline, constrained));
        assert!(!answers(&offered[2], constrained), "another packetization mode");
    }

    #[test]
    fn a_profile_nobody_decodes_is_not_asked_for() {
        let lines = "m=video 9 UDP/TLS/RTP/SAVPF 102 103\na=rtpmap:102 H264/90000\n\
            a=fmtp:102 packetization-mode=1;profile-level-id=zz001f\na=rtpmap:103 H264/90000\n\
            a=fmtp:103 packetization-mode=1;profile-level-id=640028\n";
        let chosen = choose(&codecs(lines), MediaKind::Video, Some(CodecName::H264));
        assert_eq!(chosen.map(|codec| codec.payload_type), Some(103));
    }
}
