//! A client's offer, read into what a session needs: one transport, and sections with codecs,
//! encodings and extensions.

use super::candidate::Loopback;
use super::description::{Description, Section};
use super::extension::{self, Use};
use super::transport::{self, Transport};
use super::{Error, Msid, codec, encoding};
use lectern_control::media::{Codec, EncodingParameters, ExtensionId, MediaKind};

/// The longest mid; browsers count up from 0, and a mid travels in a header extension.
const MAX_MID_BYTES: usize = 16;

/// What stands in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Sound or picture.
    Media(Box<Media>),
    /// Data channels (RFC 8841).
    Data,
    /// Rejected by the client, or nothing we know: answered with port 0.
    Unusable,
}

/// Sound or picture of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Which of both.
    pub kind: MediaKind,
    /// The client sends on it.
    pub sends: bool,
    /// Stream and track, where the client names them.
    pub msid: Option<Msid>,
    /// Codecs in its order of preference; those we do not know are left out.
    pub codecs: Vec<Codec>,
    /// Extensions of packets it sends.
    pub extensions: Vec<ExtensionId>,
    /// Encodings it sends, in its order.
    pub encodings: Vec<EncodingParameters>,
}

/// A section of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedSection {
    /// Its identification tag; empty where the client uses none.
    pub mid: String,
    /// As in the `m=` line, for the answer.
    pub media: String,
    /// As in the `m=` line, for the answer.
    pub protocol: String,
    /// As in the `m=` line, for an answer that rejects it.
    pub formats: Vec<String>,
    /// What stands in it.
    pub content: Content,
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The client's side of the transport.
    pub transport: Transport,
    /// The sections in order.
    pub sections: Vec<OfferedSection>,
    /// Mids in the BUNDLE group.
    pub bundle: Vec<String>,
    /// Extension headers of both forms may be mixed (RFC 8285 section 6).
    pub extmap_allow_mixed: bool,
}

impl Offer {
    /// Reads an offer.
    pub fn parse(text: &str, loopback: Loopback) -> Result<Offer, Error> {
        let description = Description::parse(text)?;
        let transport = transport::read(&description, loopback)?;
        let bundle: Vec<String> = description.bundle().into_iter().map(str::to_owned).collect();
        let mut sections: Vec<OfferedSection> = Vec::with_capacity(description.sections.len());
        for section in &description.sections {
            let section = read(section)?;
            let live = section.content != Content::Unusable;
            let twice = sections.iter().any(|other| {
                !other.mid.is_empty()
                    && other.mid == section.mid
                    && other.content != Content::Unusable
            });
            if live && twice {
                return Err(Error::Invalid("a mid that stands twice"));
            }
            sections.push(section);
        }
        let offer = Offer {
            transport,
            sections,
            bundle,
            extmap_allow_mixed: description.value("extmap-allow-mixed").is_some()
                || description.sections.iter().any(|section| section.has("extmap-allow-mixed")),
        };
        offer.check_bundle()?;
        Ok(offer)
    }

    /// One transport carries everything: a second live section must be in the group.
    fn check_bundle(&self) -> Result<(), Error> {
        let live: Vec<&OfferedSection> = self.live().collect();
        let grouped = |section: &&OfferedSection| self.bundle.contains(&section.mid);
        if live.len() > 1 && !live.iter().all(grouped) {
            return Err(Error::NotBundled);
        }
        let known = |mid: &String| self.sections.iter().any(|section| section.mid == *mid);
        if !self.bundle.iter().all(known) {
            return Err(Error::Invalid("a BUNDLE group of unknown mids"));
        }
        let data = self.sections.iter().filter(|section| section.content == Content::Data).count();
        if data > 1 {
            return Err(Error::Invalid("a second section of data channels"));
        }
        Ok(())
    }

    /// Sections that are not rejected.
    pub fn live(&self) -> impl Iterator<Item = &OfferedSection> {
        self.sections.iter().filter(|section| section.content != Content::Unusable)
    }

    /// All extensions of packets the client sends.
    pub fn extensions(&self) -> Vec<ExtensionId> {
        let mut all = Vec::new();
        for section in &self.sections {
            if let Content::Media(media) = &section.content {
                extension::merge(&mut all, &media.extensions);
            }
        }
        all
    }
}

fn read(section: &Section<'_>) -> Result<OfferedSection, Error> {
    let mid = section.value("mid").unwrap_or_default();
    let is_token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+');
    if mid.len() > MAX_MID_BYTES || !mid.bytes().all(is_token) {
        return Err(Error::Invalid("mid"));
    }
    Ok(OfferedSection {
        mid: mid.to_owned(),
        media: section.media.to_owned(),
        protocol: section.protocol.to_owned(),
        formats: section.formats.iter().map(|format| (*format).to_owned()).collect(),
        content: content(section),
    })
}

fn content(section: &Section<'_>) -> Content {
    // Port 0 rejects; with `bundle-only` it merely waits for the group (RFC 8843 section 6).
    if section.port == 0 && !section.has("bundle-only") {
        return Content::Unusable;
    }
    let kind = match section.media {
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        "application" if section.formats == ["webrtc-datachannel"] => return Content::Data,
        _ => return Content::Unusable,
    };
    // Secure profiles only: `UDP/TLS/RTP/SAVPF` and its kin (RFC 5764 section 8).
    if !section.protocol.contains("TLS/RTP/SAVP") {
        return Content::Unusable;
    }
    let direction = section.direction();
    Content::Media(Box::new(Media {
        kind,
        sends: direction.sends,
        msid: section.msid(),
        codecs: codec::read(section),
        extensions: extension::read(section, Use::Sent),
        encodings: encoding::read(section),
    }))
}
