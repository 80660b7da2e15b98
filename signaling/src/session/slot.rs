//! A section of the transport that we offer: the track it carries, and what the client said to it.

use crate::sdp::client_answer::AnsweredSection;
use crate::sdp::codec;
use crate::sdp::server_offer::{SentSection, SentTrack};
use lectern_control::TrackId;
use lectern_control::media::{Codec, MediaKind, PayloadMapping, Source, SubscriptionParameters};

/// A track the participant should receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which, as the client knows it.
    pub track: TrackId,
    /// Which, as nodes know it: the track itself, or its backup.
    pub sent: TrackId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: Source,
    /// What its publisher sends.
    pub codecs: Vec<Codec>,
    /// Its sound may be sent with redundancy: its publisher does not rule that out.
    pub may_be_redundant: bool,
    /// Stream id for the client.
    pub stream: String,
    /// Ties the sender's streams to one clock.
    pub cname: String,
}

impl Wanted {
    /// Whether it is the same track, in the same codec.
    pub fn is_same(&self, other: &Wanted) -> bool {
        (self.track, self.sent) == (other.track, other.sent)
    }

    /// Whether it is what people came to see, or its sound.
    pub fn is_of_screen(&self) -> bool {
        matches!(self.source, Source::Screen | Source::ScreenAudio)
    }
}

/// A section after the one of the data channels.
#[derive(Debug)]
pub struct Slot {
    /// Its identification tag.
    pub mid: String,
    /// Sound or picture: a section keeps its kind for good.
    pub kind: MediaKind,
    /// What it carries.
    pub state: State,
}

/// What a section carries.
#[derive(Debug)]
pub enum State {
    /// A track.
    Sending(Box<Sending>),
    /// Nothing.
    Rejected {
        /// The client knows that the section is free once it has answered.
        acknowledged: bool,
    },
}

/// A track that is sent.
#[derive(Debug)]
pub struct Sending {
    /// Which.
    pub wanted: Wanted,
    /// As the publisher has it, and as this subscriber has it.
    pub codecs: Vec<(Codec, Codec)>,
    /// Redundancy around its sound (RFC 2198), as this subscriber has it.
    pub red: Option<Codec>,
    /// Of its packets.
    pub ssrc: u32,
    /// Of packets that are sent again.
    pub rtx_ssrc: Option<u32>,
    /// The client has answered an offer with it.
    pub answered: bool,
}

impl Slot {
    /// As it stands in an offer.
    pub fn section(&self) -> SentSection {
        let track = match &self.state {
            State::Rejected { .. } => None,
            State::Sending(sending) => Some(SentTrack {
                stream: sending.wanted.stream.clone(),
                track: sending.wanted.track.to_string(),
                cname: sending.wanted.cname.clone(),
                codecs: sending.offered().cloned().collect(),
                ssrc: sending.ssrc,
                rtx_ssrc: sending.rtx_ssrc,
            }),
        };
        SentSection { mid: self.mid.clone(), kind: self.kind, track }
    }
}

impl Sending {
    /// The codecs that we offer. Redundancy comes after what it is around: browsers take the first
    /// for one that they could send too, and ask for lost sound as that one says.
    fn offered(&self) -> impl Iterator<Item = &Codec> {
        self.codecs.iter().map(|(_, ours)| ours).chain(&self.red)
    }

    /// How the track is sent, given what the client accepted; `None` where it accepted no codec.
    pub fn parameters(
        &self,
        mid: &str,
        section: &AnsweredSection,
    ) -> Option<SubscriptionParameters> {
        if !section.receives {
            return None;
        }
        let mapping = |(theirs, ours): &(Codec, Codec)| {
            let mut fitting = section.codecs.iter().filter(|codec| codec::answers(codec, ours));
            let same = fitting.clone().find(|codec| codec.payload_type == ours.payload_type);
            let answered = same.or_else(|| fitting.next())?;
            let (from, to) = (theirs.payload_type, answered.payload_type);
            Some(PayloadMapping { from, to, rtx: answered.rtx_payload_type })
        };
        let payloads: Vec<PayloadMapping> = self.codecs.iter().filter_map(mapping).collect();
        let has_rtx = payloads.iter().any(|mapping| mapping.rtx.is_some());
        let is_known = |codec: &&Codec| {
            payloads.iter().any(|mapping| codec::is_around(codec, mapping.to)) && self.red.is_some()
        };
        let red = section.codecs.iter().find(is_known).map(|codec| codec.payload_type);
        (!payloads.is_empty()).then(|| SubscriptionParameters {
            mid: mid.to_owned(),
            ssrc: self.ssrc,
            rtx_ssrc: self.rtx_ssrc.filter(|_| has_rtx),
            red,
            // Browsers ask again once that was offered, and repeat nothing of it in their answer.
            repeats: self.wanted.kind == MediaKind::Audio,
            payloads,
        })
    }
}
