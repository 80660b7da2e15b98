//! RTP header extensions of a media section (RFC 8285 section 5): read, accepted, offered.

use super::description::Section;
use lectern_control::limits::MAX_EXTENSIONS_PER_PEER;
use lectern_control::media::{Extension, ExtensionId, MediaKind};

/// The extensions we offer to subscribers, each with the same id in every section (RFC 8843
/// section 9.1). Ids up to 14 fit the one-byte form.
const OFFERED: [(u8, Extension); 10] = [
    (1, Extension::Mid),
    (2, Extension::TransportWideSequence),
    (4, Extension::AudioLevel),
    (5, Extension::AbsoluteCaptureTime),
    (6, Extension::PlayoutDelay),
    (7, Extension::VideoOrientation),
    (8, Extension::VideoContentType),
    (9, Extension::DependencyDescriptor),
    (10, Extension::ColorSpace),
    (11, Extension::VideoTiming),
];

/// Who may use an extension, seen from the client that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// In packets the client sends.
    Sent,
    /// In packets the client receives.
    Received,
}

/// Extensions of a section that we know, for packets of one direction. An id or a URI that stands
/// twice counts once.
pub fn read(section: &Section<'_>, wanted: Use) -> Vec<ExtensionId> {
    let mut extensions: Vec<ExtensionId> = Vec::new();
    for value in section.values("extmap") {
        let Some(read) = parse(value, wanted) else { continue };
        let taken =
            extensions.iter().any(|known| known.id == read.id || known.extension == read.extension);
        if !taken && extensions.len() < MAX_EXTENSIONS_PER_PEER {
            extensions.push(read);
        }
    }
    extensions
}

fn parse(value: &str, wanted: Use) -> Option<ExtensionId> {
    let mut words = value.split_whitespace();
    let (id, uri) = (words.next()?, words.next()?);
    let (id, direction) = id.split_once('/').unwrap_or((id, "sendrecv"));
    let fits = match direction {
        "sendrecv" => true,
        "sendonly" => wanted == Use::Sent,
        "recvonly" => wanted == Use::Received,
        _ => false,
    };
    // 15 is reserved in the one-byte form, 0 is padding (RFC 8285 section 4.2).
    let id: u8 = id.parse().ok().filter(|id| *id != 0 && *id != 15)?;
    let extension = Extension::from_uri(uri)?;
    fits.then_some(ExtensionId { id, extension })
}

/// Adds to the extensions of a peer what another section has; ids that are taken stay as they are.
pub fn merge(all: &mut Vec<ExtensionId>, section: &[ExtensionId]) {
    for new in section {
        let taken = all.iter().any(|known| known.id == new.id || known.extension == new.extension);
        if !taken && all.len() < MAX_EXTENSIONS_PER_PEER {
            all.push(*new);
        }
    }
}

/// What we offer in a section of a subscriber.
pub fn offered(kind: MediaKind) -> Vec<ExtensionId> {
    let fits = |extension| match extension {
        Extension::Mid | Extension::TransportWideSequence | Extension::AbsoluteCaptureTime => true,
        Extension::AudioLevel => kind == MediaKind::Audio,
        _ => kind == MediaKind::Video,
    };
    let known = OFFERED.iter().filter(|(_, extension)| fits(*extension));
    known.map(|(id, extension)| ExtensionId { id: *id, extension: *extension }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::description::Description;
    use super::*;

    fn ids(lines: &str, wanted: Use) -> Vec<(u8, Extension)> {
        let text = format!("v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\n{lines}");
        let description = Description::parse(&text).expect("a description");
        let read = read(&description.sections[0], wanted);
        read.iter().map(|extension| (extension.id, extension.extension)).collect()
    }

    #[test]
    fn directions_and_unknown_uris_are_minded() {
        let lines = "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\n\
            a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\n\
            a=extmap:9/sendonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\n\
            a=extmap:5 urn:example:other\n";
        assert_eq!(ids(lines, Use::Sent), [(3, Extension::Mid), (9, Extension::Rid)]);
        assert_eq!(ids(lines, Use::Received), [(3, Extension::Mid), (6, Extension::PlayoutDelay)]);
    }

    #[test]
    fn hostile_ids_are_left_out() {
        let lines = "a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid\n\
            a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid\n\
            a=extmap:256 urn:ietf:params:rtp-hdrext:sdes:mid\na=extmap:x y\na=extmap:\n\
            a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n\
            a=extmap:4 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n\
            a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid\n";
        assert_eq!(ids(lines, Use::Sent), [(4, Extension::Mid)]);
    }

    #[test]
    fn offered_ids_are_distinct_and_fit_one_byte() {
        let mut all = offered(MediaKind::Audio);
        merge(&mut all, &offered(MediaKind::Video));
        assert_eq!(all.len(), OFFERED.len());
        assert!(all.iter().all(|extension| (1..=14).contains(&extension.id)));
    }
}
