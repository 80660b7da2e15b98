//! The others in the room, and which of their tracks this participant wants.

use super::event::{Size, View};
use super::layers;
use super::slot::Wanted;
use lectern_control::media::{MediaKind, Source, Wish};
use lectern_control::room::{Audience, LeaveReason, Participant, Track};
use lectern_control::{ParticipantId, TrackId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Participants who left are remembered for clients that were away while it happened.
pub const MAX_LEAVERS: usize = 64;
/// Tracks of which a client has said something: it may name them before we do.
const MAX_SAID: usize = 1_000;

/// A side of an element: several times the largest screen.
const MAX_PIXELS: u32 = 1 << 15;

/// Whether `a=msid` carries the ids by which an application knows its tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackIds {
    /// Both ways, as in Chromium and Safari. Tracks of one stream are played in step.
    Shown,
    /// Neither way, as in Firefox: what is published is told by kind and order, and what is
    /// received by the stream, which is then the track's own.
    Hidden,
}

/// What a client says about one track.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    wanted: Option<bool>,
    view: View,
    /// It does not know the codec.
    undecodable: bool,
}

/// Somebody who left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// Who.
    pub participant: ParticipantId,
    /// Its identity.
    pub identity: String,
    /// Why.
    pub reason: LeaveReason,
}

/// The others.
#[derive(Debug)]
pub struct Roster {
    others: BTreeMap<ParticipantId, Participant>,
    leavers: VecDeque<Leaver>,
    said: BTreeMap<TrackId, Said>,
    auto_subscribe: bool,
    track_ids: TrackIds,
}

impl Roster {
    /// Those who were in the room before.
    pub fn new(others: Vec<Participant>, auto_subscribe: bool, track_ids: TrackIds) -> Roster {
        let others = others.into_iter().map(|other| (other.id, other)).collect();
        Roster {
            others,
            leavers: VecDeque::new(),
            said: BTreeMap::new(),
            auto_subscribe,
            track_ids,
        }
    }

    /// Everybody else.
    pub fn others(&self) -> impl Iterator<Item = &Participant> {
        self.others.values()
    }

    /// Those who left lately and did not come back under the same identity.
    pub fn leavers(&self) -> impl Iterator<Item = &Leaver> {
        let present = |identity: &str| self.others.values().any(|other| other.identity == identity);
        self.leavers.iter().filter(move |leaver| !present(&leaver.identity))
    }

    /// News of somebody; false where it is older than what is known.
    pub fn update(&mut self, participant: &Participant) -> bool {
        if let Some(known) = self.others.get(&participant.id)
            && known.version > participant.version
        {
            return false;
        }
        self.others.insert(participant.id, participant.clone());
        true
    }

    /// Somebody left; false where nobody knew of them.
    pub fn leave(&mut self, leaver: Leaver) -> bool {
        let Some(left) = self.others.remove(&leaver.participant) else { return false };
        for track in left.tracks {
            self.said.remove(&track.id);
        }
        if self.leavers.len() == MAX_LEAVERS {
            self.leavers.pop_front();
        }
        self.leavers.push_back(leaver);
        true
    }

    /// A track that is in the room.
    pub fn track(&self, track: TrackId) -> Option<(&Participant, &Track)> {
        let all = self.others.values();
        all.flat_map(|owner| owner.tracks.iter().map(move |t| (owner, t)))
            .find(|(_, t)| t.id == track)
    }

    /// Whether a track is not for somebody: its publisher has named others.
    pub fn is_barred(&self, track: TrackId, me: &str) -> bool {
        self.track(track).is_some_and(|(owner, _)| !owner.audience.admits(me, track))
    }

    /// Tracks of one publisher that are not for somebody.
    pub fn barred_of(&self, publisher: ParticipantId, me: &str) -> BTreeSet<TrackId> {
        let Some(owner) = self.others.get(&publisher) else { return BTreeSet::new() };
        let ids = owner.tracks.iter().map(|track| track.id);
        ids.filter(|track| !owner.audience.admits(me, *track)).collect()
    }

    /// All tracks that are not for somebody, with their publishers.
    pub fn barred(&self, me: &str) -> Vec<(ParticipantId, TrackId)> {
        let of = |id: &ParticipantId| {
            let id = *id;
            self.barred_of(id, me).into_iter().map(move |track| (id, track))
        };
        self.others.keys().flat_map(of).collect()
    }

    fn said(&mut self, track: TrackId) -> Option<&mut Said> {
        if !self.said.contains_key(&track) && self.said.len() >= MAX_SAID {
            return None;
        }
        Some(self.said.entry(track).or_default())
    }

    /// The client wants a track, or no longer; false where it has spoken of too many.
    pub fn want(&mut self, track: TrackId, wanted: bool) -> bool {
        self.said(track).map(|said| said.wanted = Some(wanted)).is_some()
    }

    /// The client shows a track in another way; what it wants of it then, where that is new.
    pub fn view(&mut self, track: TrackId, change: impl FnOnce(&mut View)) -> Option<Wish> {
        let before = self.wish(track);
        change(&mut self.said(track)?.view);
        let after = self.wish(track);
        (after != before).then_some(after)
    }

    /// What the client wants of a track.
    pub fn wish(&self, track: TrackId) -> Wish {
        let view = self.said.get(&track).map(|said| said.view).unwrap_or_default();
        let (width, height) = match view.size {
            Size::Full => (0, 0),
            Size::Pixels { width, height } => (width.min(MAX_PIXELS), height.min(MAX_PIXELS)),
            Size::Rank(rank) => {
                self.track(track).map_or((0, 0), |(_, track)| layers::size(track, rank))
            }
        };
        let View { hidden, frames_per_second, priority, .. } = view;
        Wish { hidden, width, height, frames_per_second, priority }
    }

    /// Tracks that the participant should receive: those whose publisher has said how it sends.
    pub fn wanted(&self, me: &str) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for owner in self.others.values() {
            for track in owner.tracks.iter().filter(|track| !track.codecs.is_empty()) {
                if !owner.audience.admits(me, track.id) {
                    continue;
                }
                let said = self.said.get(&track.id).and_then(|said| said.wanted);
                if said.unwrap_or(self.auto_subscribe) {
                    wanted.push(self.describe(owner, track));
                }
            }
        }
        wanted
    }

    /// Voices that everybody may hear: sound slots carry them.
    pub fn voices(&self) -> BTreeSet<TrackId> {
        let open = self.others.values().filter(|owner| owner.audience == Audience::Everybody);
        let voices = open
            .flat_map(|owner| &owner.tracks)
            .filter(|track| track.kind == MediaKind::Audio && track.source != Source::ScreenAudio);
        voices.map(|track| track.id).collect()
    }

    /// The client does not know a track's codec. False where it has said so before.
    pub fn cannot_decode(&mut self, track: TrackId) -> bool {
        let said = self.said(track);
        said.is_some_and(|said| !std::mem::replace(&mut said.undecodable, true))
    }

    fn describe(&self, owner: &Participant, track: &Track) -> Wanted {
        let undecodable = self.said.get(&track.id).is_some_and(|said| said.undecodable);
        let backup = track.backup_track().filter(|_| undecodable);
        let (sent, codecs) =
            backup.map_or((track.id, &track.codecs), |backup| (backup.id, &backup.codecs));
        let stream = match self.track_ids {
            TrackIds::Shown => format!("{}|{}", owner.id, token(&track.stream)),
            TrackIds::Hidden => format!("{}|{}", owner.id, track.id),
        };
        Wanted {
            track: track.id,
            sent,
            kind: track.kind,
            source: track.source,
            codecs: codecs.clone(),
            may_be_redundant: track.kind == MediaKind::Audio && !track.disable_red,
            stream,
            cname: owner.id.to_string(),
        }
    }
}

/// A name chosen by a client, made fit for `a=msid` (RFC 8830 section 2).
fn token(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    name.chars().take(48).map(plain).collect()
}
