//! Our answer to a client's offer: we receive, or we do not.

use super::offer::{Content, Media, Offer, OfferedSection};
use super::writer::{Writer, payload_types};
use lectern_control::media::{Codec, Extension, ExtensionId};

pub use super::writer::{LocalTransport, Origin};

/// What is answered to a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// We receive these codecs; the client sends the first unless it prefers another.
    Receive(Vec<Codec>),
    /// It stays, and nobody sends.
    Inactive(Box<Codec>),
    /// Data channels are accepted.
    Data,
    /// Rejected: the client may use the section anew.
    Reject,
}

/// Writes the answer; `verdicts` stand in the order of the sections, a missing one rejects.
pub fn write(
    offer: &Offer,
    verdicts: &[Verdict],
    transport: LocalTransport<'_>,
    origin: Origin,
) -> String {
    let verdict = |index: usize| verdicts.get(index).unwrap_or(&Verdict::Reject);
    let accepted = |(index, section): (usize, &OfferedSection)| {
        let grouped = offer.bundle.contains(&section.mid) && *verdict(index) != Verdict::Reject;
        grouped.then(|| section.mid.clone())
    };
    let bundle: Vec<String> = offer.sections.iter().enumerate().filter_map(accepted).collect();
    let bundle: Vec<&str> = bundle.iter().map(String::as_str).collect();
    let mut writer = Writer::new(origin, &bundle, offer.extmap_allow_mixed);
    // Candidates stand once, in the section that carries the group (RFC 8843 section 7.3.1).
    let mut transport = transport;
    for (index, section) in offer.sections.iter().enumerate() {
        let (media, protocol) = (&section.media, &section.protocol);
        match (verdict(index), &section.content) {
            (Verdict::Data, Content::Data) => {
                let formats = section.formats.join(" ");
                let line = format_args!("{media} 9 {protocol} {formats}");
                writer.section(line, &section.mid, &transport);
                writer.data();
                transport.candidates = &[];
            }
            (Verdict::Receive(codecs), Content::Media(offered)) => {
                media_section(&mut writer, section, &transport, codecs);
                writer.line("a=recvonly");
                rids(&mut writer, offered);
                transport.candidates = &[];
            }
            (Verdict::Inactive(codec), Content::Media(_)) => {
                let codecs = std::slice::from_ref(&**codec);
                media_section(&mut writer, section, &transport, codecs);
                writer.line("a=inactive");
                transport.candidates = &[];
            }
            _ => {
                let formats = section.formats.join(" ");
                writer.rejected(format_args!("{media} 0 {protocol} {formats}"), &section.mid);
            }
        }
    }
    writer.finish()
}

fn media_section(
    writer: &mut Writer,
    section: &OfferedSection,
    transport: &LocalTransport<'_>,
    codecs: &[Codec],
) {
    let line = format_args!("{} 9 {} {}", section.media, section.protocol, payload_types(codecs));
    writer.section(line, &section.mid, transport);
    if let Content::Media(media) = &section.content {
        writer.extensions(&accepted_extensions(media));
    }
    writer.rtcp();
    codecs.iter().for_each(|codec| writer.codec(codec));
}

/// Everything we know is accepted, but not two ways of counting for the bandwidth estimate: with
/// transport-wide sequence numbers the absolute send time is bytes for nothing.
fn accepted_extensions(media: &Media) -> Vec<ExtensionId> {
    let has = |wanted| media.extensions.iter().any(|known| known.extension == wanted);
    let transport_wide = has(Extension::TransportWideSequence);
    let wanted =
        |known: &&ExtensionId| !(transport_wide && known.extension == Extension::AbsoluteSendTime);
    media.extensions.iter().filter(wanted).copied().collect()
}

/// All offered rids are received (RFC 8853 section 5.3).
fn rids(writer: &mut Writer, media: &Media) {
    let rids = media.encodings.iter().map(|encoding| encoding.rid.as_str());
    let rids: Vec<&str> = rids.filter(|rid| !rid.is_empty()).collect();
    for rid in &rids {
        writer.line(format_args!("a=rid:{rid} recv"));
    }
    if !rids.is_empty() {
        writer.line(format_args!("a=simulcast:recv {}", rids.join(";")));
    }
}
