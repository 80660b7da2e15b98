//! Descriptions of real browsers (Chromium 156, Firefox ESR 153), our words in return, and
//! descriptions that nobody means well.

use super::answer::{self, LocalTransport, Origin, Verdict};
use super::candidate::Loopback;
use super::client_answer::ClientAnswer;
use super::offer::{Content, Media, Offer};
use super::server_offer::{self, SentSection, SentTrack};
use super::transport::Setup;
use super::{Error, MAX_SDP_BYTES, codec};
use lectern_control::Secret;
use lectern_control::media::{Codec, CodecName, Extension, Feedback, MediaKind};
use lectern_control::transport::{Candidate, Fingerprint, IceCredentials};
use proptest::prelude::*;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../tests/sdp/", $name, ".sdp"))
    };
}

const OFFERS: [(&str, &str); 14] = [
    ("chromium-data", recorded!("chromium-data")),
    ("chromium-camera", recorded!("chromium-camera")),
    ("chromium-camera-screen-simulcast", recorded!("chromium-camera-screen-simulcast")),
    ("chromium-screen", recorded!("chromium-screen")),
    ("chromium-before-unpublish", recorded!("chromium-before-unpublish")),
    ("chromium-unpublished", recorded!("chromium-unpublished")),
    ("chromium-ice-restart", recorded!("chromium-ice-restart")),
    ("firefox-data", recorded!("firefox-data")),
    ("firefox-camera", recorded!("firefox-camera")),
    ("firefox-camera-screen-simulcast", recorded!("firefox-camera-screen-simulcast")),
    ("firefox-screen", recorded!("firefox-screen")),
    ("firefox-before-unpublish", recorded!("firefox-before-unpublish")),
    ("firefox-unpublished", recorded!("firefox-unpublished")),
    ("firefox-ice-restart", recorded!("firefox-ice-restart")),
];

fn offer(name: &str) -> Offer {
    let (_, text) = OFFERS.iter().find(|(known, _)| *known == name).expect("a recorded offer");
    Offer::parse(text, Loopback::Refused).expect("a browser's offer")
}

fn media(offer: &Offer, index: usize) -> &Media {
    match &offer.sections[index].content {
        Content::Media(media) => media,
        other => panic!("{other:?}"),
    }
}

fn ice() -> IceCredentials {
    let pwd = Secret::new("0123456789abcdef01234567".to_owned());
    IceCredentials { ufrag: "edge/ufr".to_owned(), pwd }
}

fn candidates() -> Vec<Candidate> {
    let candidate =
        |last: u8, priority| Candidate { address: ([203, 0, 113, last], 7_000).into(), priority };
    vec![candidate(1, 2_113_994_751), candidate(2, 2_114_060_287)]
}

const ORIGIN: Origin = Origin { session: 84, version: 1 };

#[test]
fn every_recorded_offer_is_understood() {
    for (name, text) in OFFERS {
        let offer = Offer::parse(text, Loopback::Refused).expect(name);
        assert_eq!(offer.transport.setup, Setup::ActPass, "{name}");
        assert!(offer.sections.iter().any(|section| section.content == Content::Data), "{name}");
        assert_eq!(offer.live().count(), offer.bundle.len(), "{name}");
        assert!(offer.extmap_allow_mixed || offer.sections.len() == 1, "{name}");
    }
}

#[test]
fn a_camera_of_chromium_is_read() {
    let offer = offer("chromium-camera");
    let (sound, picture) = (media(&offer, 0), media(&offer, 1));
    assert!(sound.sends && picture.sends);
    assert_eq!(sound.codecs[0].name, CodecName::Opus);
    assert_eq!(sound.codecs[0].payload_type, 111);
    assert_eq!(sound.encodings[0].ssrc, Some(1_900_566_994));
    let rids: Vec<&str> = picture.encodings.iter().map(|e| e.rid.as_str()).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    let vp8 = codec::choose(&picture.codecs, MediaKind::Video, None).expect("a codec");
    assert_eq!((vp8.payload_type, vp8.rtx_payload_type), (96, Some(97)));
    let extensions = offer.extensions();
    for (id, extension) in [
        (1, Extension::AudioLevel),
        (3, Extension::TransportWideSequence),
        (4, Extension::Mid),
        (10, Extension::Rid),
        (11, Extension::RepairedRid),
        (12, Extension::DependencyDescriptor),
    ] {
        assert!(extensions.iter().any(|e| e.id == id && e.extension == extension), "{extension:?}");
    }
}

#[test]
fn a_camera_of_firefox_is_read() {
    let offer = offer("firefox-camera");
    let picture = media(&offer, 1);
    let rids: Vec<&str> = picture.encodings.iter().map(|e| e.rid.as_str()).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    assert!(picture.encodings.iter().all(|e| e.ssrc.is_none()), "packets carry the rid");
    let names: Vec<CodecName> = picture.codecs.iter().map(|codec| codec.name).collect();
    assert_eq!(names, [CodecName::Vp8, CodecName::Vp9, CodecName::Av1]);
    let received_only = Extension::PlayoutDelay;
    assert!(!picture.extensions.iter().any(|e| e.extension == received_only));
}

#[test]
fn bundle_only_sections_with_port_0_live() {
    let live = |text: &str| Offer::parse(text, Loopback::Refused).map(|offer| offer.live().count());
    let zero = recorded!("firefox-camera").replace("m=video 9", "m=video 0");
    assert_eq!(live(&zero), Ok(2), "rejected by the client");
    let waiting = zero.replace("a=mid:1", "a=bundle-only\r\na=mid:1");
    assert_eq!(live(&waiting), Ok(3), "waits for the group");
}

#[test]
fn an_unpublished_section_sends_no_more() {
    for browser in ["chromium", "firefox"] {
        assert!(media(&offer(&format!("{browser}-before-unpublish")), 1).sends);
        assert!(!media(&offer(&format!("{browser}-unpublished")), 1).sends);
    }
}

#[test]
fn an_ice_restart_shows_in_the_credentials() {
    for browser in ["chromium", "firefox"] {
        let before = offer(&format!("{browser}-unpublished")).transport;
        let after = offer(&format!("{browser}-ice-restart")).transport;
        assert_ne!(before.ice, after.ice);
        assert_eq!(before.fingerprint, after.fingerprint);
        assert!(!before.candidates.is_empty(), "candidates in the description are taken");
    }
}

#[test]
fn answers_stay_as_they_were_when_browsers_took_them() {
    let offer = offer("chromium-camera");
    let choose = |index: usize| {
        let media = media(&offer, index);
        codec::choose(&media.codecs, media.kind, None).expect("a codec")
    };
    let sound = Codec { format: "minptime=10;useinbandfec=1;usedtx=1".to_owned(), ..choose(0) };
    let red = codec::redundancy(&media(&offer, 0).codecs, &sound).expect("offered");
    let verdicts =
        [Verdict::Receive(vec![sound, red]), Verdict::Receive(vec![choose(1)]), Verdict::Data];
    let (ice, candidates) = (ice(), candidates());
    let transport = LocalTransport {
        ice: &ice,
        fingerprint: Fingerprint([0xab; 32]),
        setup: Setup::Passive,
        candidates: &candidates[..1],
    };
    let text = answer::write(&offer, &verdicts, transport, ORIGIN);
    assert_eq!(text.replace("\r\n", "\n"), recorded!("expected-answer"));
}

#[test]
fn a_rejected_section_leaves_the_group() {
    let offer = offer("chromium-unpublished");
    let ice = ice();
    let transport = LocalTransport {
        ice: &ice,
        fingerprint: Fingerprint([0; 32]),
        setup: Setup::Passive,
        candidates: &[],
    };
    let sound = codec::choose(&media(&offer, 0).codecs, MediaKind::Audio, None).expect("a codec");
    let verdicts = [Verdict::Receive(vec![sound]), Verdict::Reject, Verdict::Data];
    let text = answer::write(&offer, &verdicts, transport, ORIGIN);
    assert!(text.contains("a=group:BUNDLE 0 2\r\n"), "{text}");
    assert!(text.contains("m=video 0 UDP/TLS/RTP/SAVPF 96 97 "), "{text}");
    assert!(!text.contains("candidate"), "{text}");
}

fn sent(kind: MediaKind, name: CodecName, payload_type: u8) -> SentTrack {
    let video = kind == MediaKind::Video;
    let feedback =
        Feedback { nack: video, pli: video, fir: video, transport_wide: true, remb: false };
    let rtx_payload_type = video.then_some(payload_type + 1);
    let codec = Codec { name, payload_type, rtx_payload_type, format: String::new(), feedback };
    SentTrack {
        stream: "PA_1|camera".to_owned(),
        track: format!("TR_{payload_type}"),
        cname: "PA_1".to_owned(),
        codecs: vec![codec],
        ssrc: 100 + u32::from(payload_type),
        rtx_ssrc: video.then_some(200 + u32::from(payload_type)),
    }
}

#[test]
fn offers_stay_as_they_were_when_browsers_took_them() {
    let section = |mid: &str, kind, track| SentSection { mid: mid.to_owned(), kind, track };
    let sections = [
        section("0", MediaKind::Audio, Some(sent(MediaKind::Audio, CodecName::Opus, 96))),
        section("4", MediaKind::Video, Some(sent(MediaKind::Video, CodecName::Vp8, 97))),
        section("2", MediaKind::Video, None),
    ];
    let (ice, candidates) = (ice(), candidates());
    let transport = LocalTransport {
        ice: &ice,
        fingerprint: Fingerprint([0xcd; 32]),
        setup: Setup::ActPass,
        candidates: &candidates,
    };
    let text = server_offer::write(&sections, transport, ORIGIN);
    assert_eq!(text.replace("\r\n", "\n"), recorded!("expected-offer"));
}

#[test]
fn browsers_answers_are_read() {
    for text in [recorded!("chromium-answer"), recorded!("firefox-answer")] {
        let answer = ClientAnswer::parse(text, 5, Loopback::Refused).expect("an answer");
        assert_eq!(answer.transport.setup, Setup::Active);
        for section in &answer.sections[1..] {
            assert!(section.receives && section.codecs.len() == 1, "{section:?}");
            assert!(section.extensions.iter().any(|e| e.extension == Extension::Mid));
        }
        assert_eq!(answer.sections[2].codecs[0].rtx_payload_type, Some(98));
        assert_eq!(
            ClientAnswer::parse(text, 4, Loopback::Refused),
            Err(Error::Invalid("the number of sections"))
        );
        let actpass = text.replace("setup:active", "setup:actpass");
        assert_eq!(
            ClientAnswer::parse(&actpass, 5, Loopback::Refused),
            Err(Error::Invalid("setup"))
        );
    }
}

#[test]
fn hostile_offers_are_refused_or_bounded() {
    let refuse = |text: &str| Offer::parse(text, Loopback::Refused).expect_err("hostile");
    let camera = recorded!("chromium-camera");
    let twice = camera.replace("a=mid:1\r", "a=mid:0\r").replace("a=mid:1\n", "a=mid:0\n");
    assert_eq!(refuse(&twice), Error::Invalid("a mid that stands twice"));
    let unknown = camera.replace("BUNDLE 0 1 2", "BUNDLE 0 1 2 9");
    assert_eq!(refuse(&unknown), Error::Invalid("a BUNDLE group of unknown mids"));
    let apart = camera.replace("BUNDLE 0 1 2", "BUNDLE 0 1");
    assert_eq!(refuse(&apart), Error::NotBundled);
    let long_mid = camera.replace("mid:1", &format!("mid:{}", "x".repeat(300)));
    assert_eq!(refuse(&long_mid), Error::Invalid("mid"));
    let header = camera.replace("mid:1", "mid:1 a=b");
    assert_eq!(refuse(&header), Error::Invalid("mid"));
    let plain = camera.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
    let plain = Offer::parse(&plain, Loopback::Refused).expect("data channels are left");
    assert_eq!(plain.live().count(), 1, "media in the clear is rejected");
    let two = format!("{camera}{}", &camera[camera.find("m=application").expect("data")..])
        .replacen("a=mid:2", "a=mid:3", 1)
        .replace("BUNDLE 0 1 2", "BUNDLE 0 1 2 3");
    assert_eq!(refuse(&two), Error::Invalid("a second section of data channels"));
    assert_eq!(refuse(&"a=x\n".repeat(MAX_SDP_BYTES)), Error::Limit("bytes", MAX_SDP_BYTES));
    for text in ["v=0", "v=0\nm=audio 0 UDP/TLS/RTP/SAVPF 111", "\u{feff}v=0", "v\0=\x000"] {
        refuse(text);
    }
}

/// Lines of real descriptions, changed, doubled, dropped and mixed.
fn mangled() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0_u8..6, any::<prop::sample::Index>(), ".{0,40}");
    let edits = prop::collection::vec(edit, 1..12);
    (0..OFFERS.len(), edits).prop_map(|(which, edits)| {
        let mut lines: Vec<String> = OFFERS[which].1.lines().map(str::to_owned).collect();
        for (at, what, other, noise) in edits {
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match what {
                0 => lines[at] = lines[other].clone(),
                1 => {
                    let line = lines[at].clone();
                    lines.insert(other, line);
                }
                2 if lines.len() > 1 => {
                    lines.remove(at);
                }
                3 => {
                    let line = &lines[at];
                    let middle = line.char_indices().map(|(i, _)| i).nth(line.len() / 2);
                    lines[at].insert_str(middle.unwrap_or(0), &noise);
                }
                4 => lines[at] = format!("a={noise}"),
                _ => lines[at] = lines[at].chars().take(3).collect(),
            }
        }
        lines.join("\r\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_mangled_offer_never_panics_and_its_answer_is_a_description(text in mangled()) {
        if let Ok(offer) = Offer::parse(&text, Loopback::Refused) {
            let verdicts: Vec<Verdict> = offer.sections.iter().map(|section| match &section.content {
                Content::Media(media) => match codec::choose(&media.codecs, media.kind, None) {
                    Some(codec) => Verdict::Receive(vec![codec]),
                    None => Verdict::Reject,
                },
                Content::Data => Verdict::Data,
                Content::Unusable => Verdict::Reject,
            }).collect();
            let ice = ice();
            let transport = LocalTransport {
                ice: &ice, fingerprint: Fingerprint([0; 32]), setup: Setup::Passive, candidates: &[],
            };
            let text = answer::write(&offer, &verdicts, transport, ORIGIN);
            let lines = text.split_terminator("\r\n");
            prop_assert!(lines.clone().all(|line| line.len() > 1 && line.as_bytes()[1] == b'='));
            prop_assert_eq!(lines.filter(|line| line.starts_with("m=")).count(), offer.sections.len());
        }
    }

    #[test]
    fn noise_never_panics(text in "\\PC{0,400}") {
        let _ = Offer::parse(&text, Loopback::Allowed);
        let _ = ClientAnswer::parse(&text, 1, Loopback::Allowed);
        let _ = super::candidate::parse(&text, Loopback::Allowed);
    }
}
