//! Redundant sound (RFC 2198) and repeats, as they are negotiated on both sides.

use super::*;
use lectern_control::media::SubscriptionParameters;

/// The section of sound in a description.
fn sound(sdp: &str) -> String {
    sdp.split("m=").find(|section| section.starts_with("audio")).expect("sound").to_owned()
}

/// How a track is to be sent once its offer is answered so.
fn subscribed(track: Track, answer: impl Fn(String) -> String) -> (String, SubscriptionParameters) {
    let mut stay = Stay::begin(vec![participant(2, vec![track])]);
    let (offer, sdp) = stay.offer().expect("an offer");
    let answer = ClientEvent::Answer { offer, sdp: answer(accepting(&sdp)) };
    stay.does(answer).expect("a good answer");
    let parameters = stay.commands().into_iter().find_map(|command| match command {
        Command::Subscribe { parameters, .. } => Some(parameters.clone()),
        _ => None,
    });
    (sound(&sdp), parameters.expect("subscribed"))
}

#[test]
fn subscribers_are_offered_redundancy_behind_the_sound_it_is_around() {
    let (offer, parameters) = subscribed(track(21, CodecName::Opus), |answer| answer);
    assert!(offer.starts_with("audio 9 UDP/TLS/RTP/SAVPF 96 97\r\n"), "{offer}");
    for line in [
        "a=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 nack\r\n",
        "a=rtpmap:97 red/48000/2\r\na=rtcp-fb:97 transport-cc\r\na=fmtp:97 96/96\r\n",
        "a=fmtp:96 minptime=10;useinbandfec=1\r\n",
    ] {
        assert!(offer.contains(line), "{line}: {offer}");
    }
    assert_eq!((parameters.red, parameters.repeats), (Some(97), true));
    assert_eq!(parameters.payloads.len(), 1, "nothing is mapped twice: {parameters:?}");
}

#[test]
fn who_does_not_know_redundancy_gets_plain_sound() {
    let without = |answer: String| {
        let lines = answer.lines().filter(|line| !line.contains(":97 "));
        let lines: Vec<String> =
            lines.map(|line| line.replace("SAVPF 96 97", "SAVPF 96")).collect();
        lines.join("\r\n") + "\r\n"
    };
    let (_, parameters) = subscribed(track(21, CodecName::Opus), without);
    assert_eq!((parameters.red, parameters.payloads.len()), (None, 1));
    // Nor is it sent around a codec that the answer does not name so.
    let other = |answer: String| answer.replace("96/96", "96/98");
    assert_eq!(subscribed(track(21, CodecName::Opus), other).1.red, None);
}

#[test]
fn a_publisher_who_rules_redundancy_out_has_none_put_around_its_sound() {
    let plain = Track { disable_red: true, ..track(21, CodecName::Opus) };
    let (offer, parameters) = subscribed(plain, |answer| answer);
    assert!(!offer.contains("red/48000"), "{offer}");
    assert_eq!((parameters.red, parameters.repeats), (None, true));
}

/// The answer to a camera and a microphone, and the codecs that are published.
fn published(announce: impl Fn(&mut Stay)) -> (String, Vec<CodecName>) {
    let mut stay = Stay::begin(vec![]);
    announce(&mut stay);
    stay.does(says_offer(CAMERA)).expect("a good offer");
    let codecs = stay.requests.iter().find_map(|(_, request)| match request {
        Request::AddTrack { track, .. } if track.kind == MediaKind::Audio => Some(&track.codecs),
        _ => None,
    });
    let names = codecs.into_iter().flatten().map(|codec| codec.name).collect();
    (sound(&stay.answer()), names)
}

#[test]
fn a_publisher_is_asked_for_redundancy_where_its_client_means_to_send_it() {
    let (answer, codecs) = published(|stay| stay.announce(MICROPHONE_KEY, MediaKind::Audio));
    assert!(answer.starts_with("audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:63 red/48000/2\r\n") && answer.contains("a=fmtp:63 111/111"));
    assert!(answer.contains("a=rtcp-fb:111 nack\r\n"), "lost sound is asked for: {answer}");
    assert!(answer.contains("a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n"), "{answer}");
    assert_eq!(codecs, [CodecName::Red, CodecName::Opus]);
}

#[test]
fn a_publisher_is_not_asked_for_redundancy_it_did_not_speak_of_or_ruled_out() {
    let (answer, _) = published(|_| {});
    assert!(answer.starts_with("audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n"), "it may: {answer}");
    let (answer, codecs) =
        published(|stay| stay.announce_with(MICROPHONE_KEY, MediaKind::Audio, true));
    assert!(answer.starts_with("audio 9 UDP/TLS/RTP/SAVPF 111\r\n"), "{answer}");
    assert_eq!(codecs, [CodecName::Opus]);
}

#[test]
fn firefox_is_answered_as_before() {
    let mut stay = Stay::with(entrance(TrackIds::Hidden, Permissions::ALL), vec![]);
    stay.announce("{microphone}", MediaKind::Audio);
    stay.does(says_offer(FIREFOX)).expect("a good offer");
    let answer = sound(&stay.answer());
    assert!(!answer.contains("red/48000") && !answer.contains(" nack"), "{answer}");
}
