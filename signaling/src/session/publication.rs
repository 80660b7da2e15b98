//! What a participant publishes: announcements and media sections, matched with each other in
//! whichever order they come.

mod backup;
mod sound;

use super::event::{AnnouncedLayer, Announcement, Refusal};
use super::layers;
use super::random;
use super::roster::TrackIds;
use crate::sdp::answer::Verdict;
use crate::sdp::codec;
use crate::sdp::offer::{Content, Media, Offer};
use lectern_control::TrackId;
use lectern_control::limits::MAX_TRACKS_PER_PARTICIPANT;
use lectern_control::media::{Codec, EncodingParameters, MediaKind, PublicationParameters, Source};
use lectern_control::room::{Backup, Track};
use rand::rngs::StdRng;
use sound::{codecs, with_sound_format};
use std::collections::BTreeSet;

/// What the node and the controller must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A track has both announcement and section.
    Began(TrackId),
    /// A track has ended.
    Ended(TrackId),
}

/// A track of the participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// As others see it; codecs and encodings are empty until its section has come.
    pub track: Track,
    announcement: Announcement,
    mid: Option<String>,
}

/// A section whose announcement has not come.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Waiting {
    mid: String,
    media: Media,
    codec: Codec,
}

/// All tracks of a participant.
#[derive(Debug)]
pub struct Publications {
    track_ids: TrackIds,
    all: Vec<Publication>,
    waiting: Vec<Waiting>,
    /// Sections that carried a track which has ended.
    retired: BTreeSet<String>,
}

impl Publications {
    /// None so far.
    pub fn new(track_ids: TrackIds) -> Publications {
        Publications { track_ids, all: Vec::new(), waiting: Vec::new(), retired: BTreeSet::new() }
    }

    /// A track by its id.
    pub fn find(&self, track: TrackId) -> Option<&Publication> {
        self.all.iter().find(|publication| publication.track.id == track)
    }

    /// Tracks without a section so far: their announcement may not have been heard of.
    pub fn pending(&self) -> impl Iterator<Item = (&str, &Track)> {
        let pending = self.all.iter().filter(|publication| publication.mid.is_none());
        pending.filter_map(|publication| {
            let shown = self.find(publication.stands_for().unwrap_or(publication.track.id))?;
            Some((publication.announcement.key.as_str(), &shown.track))
        })
    }

    /// Tracks as others know them.
    pub fn shown(&self) -> Vec<TrackId> {
        let shown = self.all.iter().filter(|publication| publication.stands_for().is_none());
        shown.map(|publication| publication.track.id).collect()
    }

    /// Takes an announcement; tells of the track and, where its section is here already, that it
    /// begins.
    pub fn announce(
        &mut self,
        announcement: Announcement,
        rng: &mut StdRng,
    ) -> Result<(Track, Option<Change>), Refusal> {
        let key = &announcement.key;
        let track_ids = self.track_ids;
        // Announced again before its section came: the later word counts.
        self.all.retain(|known| known.mid.is_some() || known.announcement.key != *key);
        if self.all.len() >= MAX_TRACKS_PER_PARTICIPANT {
            return Err(Refusal::Limit);
        }
        let shown = self.check_backup(&announcement)?.cloned();
        let waiting = self.waiting.iter().position(|waiting| {
            waiting.media.kind == announcement.kind && is_of(&waiting.media, track_ids, key)
        });
        let waiting = waiting.map(|index| self.waiting.remove(index));
        let id = TrackId(random::id(rng));
        let mut track = track(id, &announcement);
        if let Some(shown) = &shown {
            (track.source, track.muted) = (shown.source, shown.muted);
        }
        self.all.push(Publication { track, announcement, mid: None });
        let publication = self.all.last_mut().ok_or(Refusal::Limit)?;
        let began = waiting.map(|waiting| {
            publication.bind(waiting.mid, &waiting.media, waiting.codec);
            Change::Began(id)
        });
        Ok((shown.unwrap_or_else(|| publication.track.clone()), began))
    }

    /// Judges the sections of an offer.
    pub fn offered(&mut self, offer: &Offer, may_publish: bool) -> (Vec<Verdict>, Vec<Change>) {
        let mut changes = self.end_missing(offer);
        self.settle_backups();
        self.waiting.clear();
        // The section that carries the group must not be rejected (RFC 8843 section 7.3.3).
        let tag = offer.bundle.first().cloned().unwrap_or_default();
        let mut verdicts = Vec::with_capacity(offer.sections.len());
        for section in &offer.sections {
            let verdict = match &section.content {
                Content::Unusable => Verdict::Reject,
                Content::Data => Verdict::Data,
                Content::Media(media) => {
                    let sends = media.sends && may_publish;
                    let verdict = if sends {
                        self.sending(&section.mid, media, &mut changes)
                    } else {
                        self.silent(&section.mid, media, media.sends, &mut changes)
                    };
                    match verdict {
                        Verdict::Reject if section.mid == tag => inactive(media),
                        verdict => verdict,
                    }
                }
            };
            verdicts.push(verdict);
        }
        self.settle_backups();
        (verdicts, changes)
    }

    /// Tracks whose section is gone: it was rejected, or is used anew under another mid.
    fn end_missing(&mut self, offer: &Offer) -> Vec<Change> {
        let live: BTreeSet<&str> = offer.live().map(|section| section.mid.as_str()).collect();
        self.retired.retain(|mid| live.contains(mid.as_str()));
        let mut changes = Vec::new();
        self.all.retain(|publication| {
            let gone = publication.mid.as_deref().is_some_and(|mid| !live.contains(mid));
            if gone {
                changes.push(Change::Ended(publication.track.id));
            }
            !gone
        });
        changes
    }

    fn sending(&mut self, mid: &str, media: &Media, changes: &mut Vec<Change>) -> Verdict {
        if let Some(known) = self.all.iter().find(|known| known.mid.as_deref() == Some(mid)) {
            return receive(known.track.codecs.clone());
        }
        let track_ids = self.track_ids;
        let fits = |known: &&mut Publication| {
            let announced = &known.announcement;
            known.mid.is_none()
                && announced.kind == media.kind
                && is_of(media, track_ids, &announced.key)
        };
        // Where only kind and order tell, the number of encodings helps.
        let publication =
            self.all.iter_mut().filter(fits).min_by_key(|known| {
                known.announcement.layers.len().max(1) != media.encodings.len()
            });
        let wish = publication.as_ref().and_then(|publication| publication.announcement.codec);
        let Some(codec) = codec::choose(&media.codecs, media.kind, wish) else {
            return Verdict::Reject;
        };
        match publication {
            Some(publication) => {
                publication.bind(mid.to_owned(), media, codec);
                changes.push(Change::Began(publication.track.id));
                receive(publication.track.codecs.clone())
            }
            None => {
                let codecs = codecs(media, codec.clone(), None);
                let (mid, media) = (mid.to_owned(), media.clone());
                self.waiting.push(Waiting { mid, media, codec });
                receive(codecs)
            }
        }
    }

    fn silent(
        &mut self,
        mid: &str,
        media: &Media,
        refused: bool,
        changes: &mut Vec<Change>,
    ) -> Verdict {
        let carried = self.all.iter().position(|known| known.mid.as_deref() == Some(mid));
        if let Some(index) = carried {
            changes.push(Change::Ended(self.all.remove(index).track.id));
            self.retired.insert(mid.to_owned());
        }
        // A rejected section can be used anew, so that descriptions do not grow with every share.
        if refused || self.retired.contains(mid) { Verdict::Reject } else { inactive(media) }
    }

    /// Mutes a track of ours; false where there is none.
    pub fn mute(&mut self, track: TrackId, muted: bool) -> bool {
        let parts = self.all.iter_mut().filter(|known| {
            known.track.id == track || known.announcement.stands_for == Some(track)
        });
        parts.map(|publication| publication.track.muted = muted).count() > 0
    }

    /// A track has another size; as others see it then, where they see it and it is new to them.
    pub fn resize(
        &mut self,
        track: TrackId,
        (width, height): (u32, u32),
        layers: &[AnnouncedLayer],
    ) -> Option<Track> {
        let publication = self.all.iter_mut().find(|known| known.track.id == track)?;
        let before = publication.track.clone();
        if publication.track.kind == MediaKind::Video && width > 0 && height > 0 {
            (publication.track.width, publication.track.height) = (width, height);
        }
        for (index, encoding) in publication.track.encodings.iter_mut().enumerate() {
            let rank = layers::rank(&before.encodings, index);
            let named =
                layers.iter().find(|layer| layer.rid == encoding.rid && !layer.rid.is_empty());
            let layer = named.or_else(|| layers.iter().find(|layer| layer.rank == rank));
            if let Some(layer) = layer.filter(|layer| layer.width > 0 && layer.height > 0) {
                (encoding.width, encoding.height) = (layer.width, layer.height);
            }
        }
        let changed = publication.track != before;
        (changed && publication.is_live()).then(|| publication.track.clone())
    }

    /// Forgets a track that the controller did not take.
    pub fn remove(&mut self, track: TrackId) -> Option<Publication> {
        let index = self.all.iter().position(|known| known.track.id == track)?;
        let publication = self.all.remove(index);
        self.retired.extend(publication.mid.clone());
        self.settle_backups();
        Some(publication)
    }
}

impl Publication {
    /// The client's own id.
    pub fn key(&self) -> &str {
        &self.announcement.key
    }

    /// The track that it stands in for.
    pub fn stands_for(&self) -> Option<TrackId> {
        self.announcement.stands_for
    }

    /// Whether its section has come.
    pub fn is_live(&self) -> bool {
        self.mid.is_some()
    }

    fn bind(&mut self, mid: String, media: &Media, codec: Codec) {
        self.mid = Some(mid);
        self.track.codecs = codecs(media, codec, Some(&self.announcement));
        self.track.encodings = encodings(media, &self.announcement);
    }

    /// What the node must know.
    pub fn parameters(&self) -> PublicationParameters {
        PublicationParameters {
            kind: self.track.kind,
            source: self.track.source,
            mid: self.mid.clone().unwrap_or_default(),
            codecs: self.track.codecs.clone(),
            encodings: self.track.encodings.clone(),
            muted: self.track.muted,
        }
    }
}

/// Whether a section may carry the track that the client announced under a key.
fn is_of(media: &Media, track_ids: TrackIds, key: &str) -> bool {
    match (&media.msid, track_ids) {
        (Some(msid), TrackIds::Shown) => msid.track == key,
        (_, TrackIds::Hidden) | (None, _) => true,
    }
}

fn receive(codecs: Vec<Codec>) -> Verdict {
    if codecs.is_empty() { Verdict::Reject } else { Verdict::Receive(codecs) }
}

fn inactive(media: &Media) -> Verdict {
    match codec::choose(&media.codecs, media.kind, None) {
        Some(codec) => Verdict::Inactive(Box::new(with_sound_format(codec, None))),
        None => Verdict::Reject,
    }
}

fn track(id: TrackId, announcement: &Announcement) -> Track {
    let by_source = match announcement.source {
        Source::Screen | Source::ScreenAudio => "screen",
        Source::Camera | Source::Microphone | Source::Unknown => "camera",
    };
    let stream = if announcement.stream.is_empty() { by_source } else { &announcement.stream };
    Track {
        name: announcement.name.clone(),
        stream: stream.to_owned(),
        muted: announcement.muted,
        width: announcement.width,
        height: announcement.height,
        stereo: announcement.stereo,
        disable_dtx: announcement.disable_dtx,
        disable_red: announcement.disable_red,
        backup: announcement.backup.map(|codec| Backup { codec, published: None }),
        ..Track::new(id, announcement.kind, announcement.source)
    }
}

/// Encodings, lowest quality first, with what the announcement says of each.
fn encodings(media: &Media, announcement: &Announcement) -> Vec<EncodingParameters> {
    if let [only] = media.encodings.as_slice() {
        let best = announcement.layers.iter().max_by_key(|layer| layer.rank);
        let max_bitrate_bps = best.map_or(0, |layer| layer.max_bitrate_bps);
        let (width, height) = (announcement.width, announcement.height);
        return vec![EncodingParameters { width, height, max_bitrate_bps, ..only.clone() }];
    }
    let rank = |encoding: &EncodingParameters| match layer(announcement, &encoding.rid) {
        Some(layer) => layer.rank,
        None => layers::rank_of_rid(&encoding.rid).unwrap_or(layers::BEST),
    };
    let mut encodings = media.encodings.clone();
    for encoding in &mut encodings {
        if let Some(layer) = layer(announcement, &encoding.rid) {
            encoding.width = layer.width;
            encoding.height = layer.height;
            encoding.max_bitrate_bps = layer.max_bitrate_bps;
        }
    }
    encodings.sort_by_key(rank);
    encodings
}

/// The layer of a rid: named, or by the rank the rid has by convention.
fn layer<'a>(announcement: &'a Announcement, rid: &str) -> Option<&'a AnnouncedLayer> {
    let layers = &announcement.layers;
    let rank = layers::rank_of_rid(rid).unwrap_or(layers::BEST);
    let named = layers.iter().find(|layer| layer.rid == rid);
    let unnamed = layers.iter().filter(|layer| layer.rid.is_empty());
    named.or_else(|| unnamed.into_iter().find(|layer| layer.rank == rank))
}

/// Whether a source goes with a kind of media.
pub fn source_fits(kind: MediaKind, source: Source) -> bool {
    match source {
        Source::Unknown => true,
        Source::Camera | Source::Screen => kind == MediaKind::Video,
        Source::Microphone | Source::ScreenAudio => kind == MediaKind::Audio,
    }
}
