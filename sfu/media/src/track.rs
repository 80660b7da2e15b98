//! A track: what a publisher sends, in one or more encodings, and to whom it is forwarded.

mod wanted;

use crate::arena::{PeerKey, RoomKey};
use crate::cache::Pool;
use crate::encoding::Encoding;
use crate::forwarder::{Earlier, Forwarder, Source};
use crate::layers;
use crate::levels::Level;
use crate::limits::{LAYER_SILENCE, MAX_LAYERS_PER_TRACK};
use crate::pacer::Class;
use crate::relay;
use crate::rewrite::Stream;
use crate::voice::Voice;
use crate::watched::Watched;
use lectern_control::limits::{MAX_CODECS_PER_TRACK, MAX_ENCODINGS_PER_TRACK};
use lectern_control::media::{self as control, CodecName, MediaKind, PublicationParameters};
use lectern_control::{ParticipantId, TrackId};
use lectern_wire::{Mid, PayloadType, Rid, Ssrc};
use smallvec::SmallVec;
use std::time::Instant;

/// One codec the publisher may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Which codec.
    pub codec: CodecName,
    /// Its payload type at the publisher.
    pub payload_type: PayloadType,
    /// The payload type of its retransmissions.
    pub repair: Option<PayloadType>,
    /// Lost packets may be asked for.
    pub nack: bool,
    /// Keyframes are asked for by PLI, otherwise by FIR.
    pub picture_loss: bool,
}

/// Whether a stream carries packets for the first time or again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// For the first time.
    Media,
    /// Again (RFC 4588).
    Repair,
}

/// One published source.
#[derive(Debug)]
pub struct Track {
    /// Its id.
    pub id: TrackId,
    /// Its room.
    pub room: RoomKey,
    /// Who sends it.
    pub publisher: PeerKey,
    /// Whose it is.
    pub participant: ParticipantId,
    /// How it was announced; its `muted` is kept up to date.
    pub parameters: PublicationParameters,
    /// Its mid, where it has one.
    pub mid: Option<Mid>,
    /// Its codecs.
    pub formats: Vec<Format>,
    /// Its first packet has come and was told of.
    pub started: bool,
    /// Its encodings, lowest quality first; never none.
    pub encodings: Vec<Encoding>,
    /// Its subscriptions.
    pub forwarders: Vec<Forwarder>,
    /// The recorders that get it.
    pub relays: SmallVec<[relay::Subscription; 1]>,
    /// How loud it is.
    pub level: Level,
    /// How far that is believed.
    pub voice: Voice,
    /// Sound slots may carry it.
    pub is_open: bool,
    /// The canonical name of all the participant's streams (RFC 3550 section 6.5.1).
    pub canonical_name: String,
    best: Option<usize>,
    /// Since when a lower layer has come without the best one.
    alone_since: Option<Instant>,
    streams: u32,
    watched: Watched,
}

impl Track {
    /// A track of which nothing has come. `Err` says what in the parameters cannot be used.
    pub fn new(
        id: TrackId,
        room: RoomKey,
        publisher: PeerKey,
        participant: ParticipantId,
        parameters: &PublicationParameters,
    ) -> Result<Track, &'static str> {
        let class = class_of(parameters);
        let mut encodings = Vec::new();
        if parameters.encodings.len() > MAX_ENCODINGS_PER_TRACK {
            return Err("encodings");
        }
        for encoding in &parameters.encodings {
            encodings.push(Encoding::new(parse_rid(&encoding.rid)?, class));
        }
        if encodings.is_empty() {
            encodings.push(Encoding::new(None, class));
        }
        Ok(Track {
            id,
            room,
            publisher,
            participant,
            parameters: parameters.clone(),
            mid: parse_mid(&parameters.mid)?,
            formats: formats(parameters)?,
            started: false,
            encodings,
            forwarders: Vec::new(),
            relays: SmallVec::new(),
            level: Level::default(),
            voice: Voice::default(),
            is_open: false,
            canonical_name: participant.to_string(),
            best: None,
            alone_since: None,
            streams: 0,
            watched: Watched::default(),
        })
    }

    /// The publisher negotiated again. Encodings that were there go on, those that are new are
    /// added at the place where they stand.
    pub fn set_parameters(
        &mut self,
        pool: &mut Pool,
        parameters: &PublicationParameters,
    ) -> Result<(), &'static str> {
        let fresh = Track::new(self.id, self.room, self.publisher, self.participant, parameters)?;
        if parameters.kind != self.parameters.kind {
            return Err("kind");
        }
        let best = self.best().map(|best| best.rid);
        let mut former = std::mem::replace(&mut self.encodings, fresh.encodings);
        for encoding in &mut self.encodings {
            if let Some(place) = former.iter().position(|known| known.rid == encoding.rid) {
                *encoding = former.swap_remove(place);
            }
        }
        former.iter_mut().for_each(|encoding| encoding.cache.clear(pool));
        self.mid = fresh.mid;
        self.formats = fresh.formats;
        // Muting is a step of its own, with consequences.
        let muted = self.parameters.muted;
        self.parameters = PublicationParameters { muted, ..fresh.parameters };
        self.best = best.and_then(|rid| self.encoding_of(rid));
        self.watched.tell_again();
        Ok(())
    }

    /// Gives all memory back: the track ends.
    pub fn clear(&mut self, pool: &mut Pool) {
        self.encodings.iter_mut().for_each(|encoding| encoding.cache.clear(pool));
    }

    /// Sound or picture.
    #[inline]
    pub fn kind(&self) -> MediaKind {
        self.parameters.kind
    }

    /// Somebody speaks: sound, but not a shared tab's.
    pub fn is_voice(&self) -> bool {
        self.kind() == MediaKind::Audio && self.parameters.source != control::Source::ScreenAudio
    }

    /// Nothing is forwarded.
    #[inline]
    pub fn is_muted(&self) -> bool {
        self.parameters.muted
    }

    /// The codec of a payload type, and whether that type means a retransmission.
    #[inline]
    pub fn format(&self, payload_type: PayloadType) -> Option<(Format, Role)> {
        self.formats.iter().find_map(|format| {
            if format.payload_type == payload_type {
                return Some((*format, Role::Media));
            }
            (format.repair == Some(payload_type)).then_some((*format, Role::Repair))
        })
    }

    /// The encoding with a rid; the only encoding where neither has one.
    pub fn encoding_of(&self, rid: Option<Rid>) -> Option<usize> {
        self.encodings.iter().position(|encoding| encoding.rid == rid)
    }

    /// Binds an encoding, or its retransmissions, to an SSRC; gives the one it had before.
    pub fn bind(&mut self, pool: &mut Pool, place: usize, role: Role, ssrc: Ssrc) -> Option<Ssrc> {
        let encoding = self.encodings.get_mut(place)?;
        match role {
            Role::Repair => encoding.repair_ssrc.replace(ssrc),
            Role::Media => {
                let before = encoding.ssrc;
                self.streams = self.streams.wrapping_add(1);
                encoding.bind(pool, ssrc, Stream { track: self.id, life: self.streams });
                before
            }
        }
    }

    /// All SSRCs bound to the track: to which encoding, and for what.
    pub fn ssrcs(&self) -> impl Iterator<Item = (usize, Role, Ssrc)> {
        self.encodings.iter().enumerate().flat_map(|(place, encoding)| {
            let bound = [(Role::Media, encoding.ssrc), (Role::Repair, encoding.repair_ssrc)];
            bound.into_iter().filter_map(move |(role, ssrc)| Some((place, role, ssrc?)))
        })
    }

    /// A packet of an encoding has come: chooses the best one that is live. A better layer is taken
    /// at once; the present one is given up when a lower one goes on alone for a while. A still
    /// screen may be silent in all layers, and that changes nothing.
    pub fn heard(&mut self, now: Instant, place: usize) {
        let best = match self.best {
            Some(best) if place == best => {
                self.alone_since = None;
                return;
            }
            Some(best) if place < best => {
                let since = *self.alone_since.get_or_insert(now);
                if now.saturating_duration_since(since) < LAYER_SILENCE {
                    return;
                }
                let is_live = |encoding: &Encoding| encoding.heard.is_some_and(|at| at >= since);
                self.encodings.iter().rposition(is_live).unwrap_or(place)
            }
            _ => place,
        };
        self.best = Some(best);
        self.alone_since = None;
        let Some(encoding) = self.encodings.get(best) else { return };
        let stream = Some(encoding.stream);
        let lacks = self.forwarders.iter().any(|forwarder| {
            forwarder.stream() != stream
                && forwarder.wanted(&self.encodings, self.best) == Some(best)
        });
        if let Some(encoding) = self.encodings.get_mut(best).filter(|_| lacks) {
            encoding.keyframes.want();
        }
    }

    /// The best encoding that is live, or that was last.
    pub fn best(&self) -> Option<&Encoding> {
        self.encodings.get(self.best?)
    }

    /// The place of that encoding.
    pub fn best_place(&self) -> Option<usize> {
        self.best
    }

    /// How much it matters when packets leave.
    pub fn class(&self) -> Class {
        class_of(&self.parameters)
    }

    /// Whether an encoding is that one.
    #[inline]
    pub fn is_best(&self, place: usize) -> bool {
        self.best == Some(place)
    }

    /// What there is to choose from: every encoding that was heard, and every layer of it.
    pub fn layers(&self, now: Instant) -> SmallVec<[layers::Report; MAX_LAYERS_PER_TRACK]> {
        let mut reports = SmallVec::new();
        for (place, encoding) in (0u8..).zip(&self.encodings) {
            if let Some(known) = encoding.layers.as_deref().filter(|_| encoding.heard.is_some()) {
                known.report(now, place, |report| reports.push(report));
            }
        }
        reports
    }

    /// The packets of an encoding as forwarders see them, and the forwarders.
    #[inline]
    pub fn split(&mut self, place: usize) -> Option<(Source<'_>, &mut [Forwarder])> {
        let source = Source {
            kind: self.parameters.kind,
            class: self.class(),
            encodings: &self.encodings,
            encoding: self.encodings.get(place)?,
            place,
            best: self.best,
            earlier: Earlier::default(),
        };
        Some((source, &mut self.forwarders))
    }

    /// The same for the encoding that a subscription is to get.
    pub fn split_for(&mut self, slot: usize) -> Option<(Source<'_>, &mut [Forwarder])> {
        self.split(self.wanted(slot)?)
    }
}

/// How much a track matters when packets leave.
fn class_of(parameters: &PublicationParameters) -> Class {
    match (parameters.kind, parameters.source) {
        (MediaKind::Audio, _) => Class::Sound,
        (MediaKind::Video, control::Source::Screen) => Class::Screen,
        (MediaKind::Video, _) => Class::Camera,
    }
}

/// A mid or rid may be absent, but not be something that no packet can carry.
fn parse_mid(mid: &str) -> Result<Option<Mid>, &'static str> {
    if mid.is_empty() { Ok(None) } else { mid.parse().map(Some).map_err(|_| "mid") }
}

fn parse_rid(rid: &str) -> Result<Option<Rid>, &'static str> {
    if rid.is_empty() { Ok(None) } else { rid.parse().map(Some).map_err(|_| "rid") }
}

fn formats(parameters: &PublicationParameters) -> Result<Vec<Format>, &'static str> {
    if parameters.codecs.len() > MAX_CODECS_PER_TRACK {
        return Err("codecs");
    }
    let format = |codec: &lectern_control::media::Codec| {
        let payload_type = PayloadType::new(codec.payload_type).ok_or("payload type")?;
        let repair = codec.rtx_payload_type.map(|rtx| PayloadType::new(rtx).ok_or("payload type"));
        Ok(Format {
            codec: codec.name,
            payload_type,
            repair: repair.transpose()?,
            nack: codec.feedback.nack,
            picture_loss: codec.feedback.pli || !codec.feedback.fir,
        })
    };
    parameters.codecs.iter().map(format).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Key;
    use lectern_control::media::{Codec, EncodingParameters, Feedback, Source};
    use std::time::Duration;

    fn parameters(rids: &[&str]) -> PublicationParameters {
        let encoding =
            |rid: &&str| EncodingParameters { rid: (*rid).to_owned(), ..Default::default() };
        let codec = |name, payload_type, rtx_payload_type| {
            let feedback = Feedback::default();
            Codec { name, payload_type, rtx_payload_type, format: String::new(), feedback }
        };
        PublicationParameters {
            kind: MediaKind::Video,
            source: Source::Camera,
            mid: "0".to_owned(),
            codecs: vec![
                codec(CodecName::Vp8, 96, Some(97)),
                codec(CodecName::H264, 102, Some(103)),
            ],
            encodings: rids.iter().map(encoding).collect(),
            muted: false,
        }
    }

    fn track(rids: &[&str]) -> Track {
        let (room, peer) = (RoomKey::from_index(0), PeerKey::from_index(0));
        Track::new(TrackId(1), room, peer, ParticipantId(1), &parameters(rids)).expect("usable")
    }

    fn hear(track: &mut Track, now: Instant, place: usize) {
        track.encodings[place].heard = Some(now);
        track.heard(now, place);
    }

    fn best(track: &Track) -> Option<String> {
        track.best().and_then(|best| best.rid).map(|rid| rid.to_string())
    }

    #[test]
    fn a_payload_type_names_a_codec_for_the_first_time_or_again() {
        let track = track(&[]);
        let named = |payload_type| {
            let payload_type = PayloadType::new(payload_type).expect("seven bits");
            track.format(payload_type).map(|(format, role)| (format.codec, role))
        };
        assert_eq!(named(96), Some((CodecName::Vp8, Role::Media)));
        assert_eq!(named(103), Some((CodecName::H264, Role::Repair)));
        assert_eq!(named(98), None);
        assert_eq!(track.encodings.len(), 1);
    }

    #[test]
    fn the_best_layer_is_given_up_only_when_a_lower_one_goes_on_alone() {
        let start = Instant::now();
        let mut track = track(&["q", "h", "f"]);
        assert_eq!(best(&track), None);
        hear(&mut track, start, 0);
        assert_eq!(best(&track).as_deref(), Some("q"));
        hear(&mut track, start, 2);
        assert_eq!(best(&track).as_deref(), Some("f"));
        // Silence of all, then the lower layer a moment before the higher one.
        let later = start + Duration::from_secs(60);
        hear(&mut track, later, 0);
        assert_eq!(best(&track).as_deref(), Some("f"));
        hear(&mut track, later + Duration::from_millis(3), 2);
        for step in 1..40 {
            let now = later + Duration::from_millis(33) * step;
            hear(&mut track, now, 0);
            hear(&mut track, now, 1);
            let expected = if now - later < LAYER_SILENCE { "f" } else { "h" };
            if (now - later).abs_diff(LAYER_SILENCE) > Duration::from_millis(70) {
                assert_eq!(best(&track).as_deref(), Some(expected), "after {:?}", now - later);
            }
        }
    }

    #[test]
    fn negotiating_again_keeps_the_encodings_that_stay() {
        let start = Instant::now();
        let mut pool = Pool::default();
        let mut track = track(&["q", "f"]);
        track.bind(&mut pool, 1, Role::Media, Ssrc(5));
        hear(&mut track, start, 1);
        track.set_parameters(&mut pool, &parameters(&["q", "h", "f"])).expect("usable");
        assert_eq!(track.encodings[2].ssrc, Some(Ssrc(5)));
        assert_eq!(track.encodings[1].ssrc, None);
        assert_eq!(best(&track).as_deref(), Some("f"));
        let sound = PublicationParameters { kind: MediaKind::Audio, ..parameters(&[]) };
        assert_eq!(track.set_parameters(&mut pool, &sound), Err("kind"));
        assert_eq!(track.ssrcs().collect::<Vec<_>>(), [(2, Role::Media, Ssrc(5))]);
    }

    #[test]
    fn every_life_of_an_encoding_has_its_own_number() {
        let mut pool = Pool::default();
        let mut track = track(&["q", "f"]);
        let mut streams = std::collections::BTreeSet::new();
        for ssrc in 0..10 {
            for place in 0..2 {
                track.bind(&mut pool, place, Role::Media, Ssrc(100 * ssrc + place as u32));
                assert!(streams.insert(track.encodings[place].stream));
            }
        }
        assert_eq!(track.bind(&mut pool, 0, Role::Repair, Ssrc(7)), None);
        assert_eq!(track.bind(&mut pool, 0, Role::Repair, Ssrc(8)), Some(Ssrc(7)));
    }

    #[test]
    fn what_no_packet_can_carry_is_refused() {
        let (room, peer) = (RoomKey::from_index(0), PeerKey::from_index(0));
        let make = |parameters: &PublicationParameters| {
            Track::new(TrackId(1), room, peer, ParticipantId(1), parameters).err()
        };
        let rid = parameters(&["not a rid"]);
        assert_eq!(make(&rid), Some("rid"));
        let mut payload_type = parameters(&[]);
        payload_type.codecs[0].payload_type = 128;
        assert_eq!(make(&payload_type), Some("payload type"));
        let mut codecs = parameters(&[]);
        codecs.codecs = vec![codecs.codecs[0].clone(); MAX_CODECS_PER_TRACK + 1];
        assert_eq!(make(&codecs), Some("codecs"));
    }
}
