//! Who is in the meeting and what they publish, as events tell.

use crate::draw::{Speaking, cleaned};
use crate::media::Track;
use lectern_control::media::{MediaKind, Source};
use lectern_control::recorder::Event;
use lectern_control::{ParticipantId, TrackId};
use std::collections::{BTreeMap, BTreeSet};

/// A picture may come so long before it is said that its track is not muted any more: it is shown,
/// since of a screen that stands still it may be the only one.
const EARLY_US: i64 = 500_000;

/// A meeting at one moment.
#[derive(Debug, Default)]
pub struct Room {
    people: BTreeMap<ParticipantId, Person>,
    published: Vec<Published>,
    recorded: BTreeSet<TrackId>,
    joined: u64,
}

/// Somebody in it.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// The name shown, made harmless.
    pub name: String,
    /// The same after coming again.
    pub identity: String,
    /// Counts those who came, from the first.
    pub order: u64,
    /// When they were last the one to look at.
    pub held_us: Option<i64>,
    /// They are heard now.
    pub speaking: Speaking,
    /// They came, and did not leave.
    joined: bool,
}

/// A track that is published now.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Its id.
    pub track: TrackId,
    /// Whose.
    pub participant: ParticipantId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: Source,
    /// Nothing is seen of it now.
    pub muted: bool,
    /// Pictures up to this time are from before it was muted, or while it was, and are not shown.
    pub hidden_until_us: i64,
}

impl Room {
    /// Nobody is in it; these tracks were recorded.
    pub fn new(tracks: &[Track]) -> Room {
        Room { recorded: tracks.iter().map(|track| track.id).collect(), ..Room::default() }
    }

    /// Something happens.
    pub fn apply(&mut self, at_us: i64, event: &Event) {
        match event {
            Event::Joined { participant, identity, name } => {
                let person = self.enter(*participant);
                person.joined = true;
                // Short from here on: it is in every scene.
                person.name = cleaned(name);
                person.identity.clone_from(identity);
            }
            Event::Left { participant } => {
                if let Some(person) = self.people.get_mut(participant) {
                    person.joined = false;
                }
                self.published.retain(|published| published.participant != *participant);
            }
            Event::Track { track, participant, kind, source, muted } => {
                let known = self.published.iter_mut().find(|known| known.track == *track);
                if known.is_some() {
                    self.mute(at_us, *track, *muted);
                    return;
                }
                self.enter(*participant);
                self.published.push(Published {
                    track: *track,
                    participant: *participant,
                    kind: *kind,
                    source: *source,
                    muted: *muted,
                    hidden_until_us: i64::MIN,
                });
            }
            Event::Muted { track, muted } => self.mute(at_us, *track, *muted),
            Event::TrackEnded { track } => {
                self.published.retain(|published| published.track != *track);
            }
            Event::Speakers { .. } | Event::Node { .. } => {}
        }
    }

    /// Somebody becomes the one to look at.
    pub fn hold(&mut self, at_us: i64, participant: ParticipantId) {
        if let Some(person) = self.people.get_mut(&participant) {
            person.held_us = Some(at_us);
        }
    }

    /// Somebody is heard from now on, or no more.
    pub fn hear(&mut self, participant: ParticipantId, speaking: Speaking) {
        if let Some(person) = self.people.get_mut(&participant) {
            person.speaking = speaking;
        }
    }

    fn enter(&mut self, participant: ParticipantId) -> &mut Person {
        let joined = &mut self.joined;
        self.people.entry(participant).or_insert_with(|| {
            *joined += 1;
            Person { order: *joined, ..Person::default() }
        })
    }

    fn mute(&mut self, at_us: i64, track: TrackId, muted: bool) {
        let known = self.published.iter_mut().find(|published| published.track == track);
        let Some(published) = known.filter(|published| published.muted != muted) else { return };
        published.muted = muted;
        let until_us = if muted { at_us } else { at_us.saturating_sub(EARLY_US) };
        published.hidden_until_us = published.hidden_until_us.max(until_us);
    }

    /// Somebody, by their id.
    pub fn person(&self, participant: ParticipantId) -> Option<&Person> {
        self.people.get(&participant)
    }

    /// The screen that is shared now: the latest one, where there are several.
    pub fn screen(&self) -> Option<Published> {
        let screen =
            |published: &&Published| published.source == Source::Screen && self.is_seen(published);
        self.published.iter().rev().find(screen).copied()
    }

    /// Somebody's camera: the latest one, where there are several.
    pub fn camera(&self, participant: ParticipantId) -> Option<Published> {
        let camera = |published: &&Published| {
            published.participant == participant
                && published.source != Source::Screen
                && self.is_seen(published)
        };
        self.published.iter().rev().find(camera).copied()
    }

    fn is_seen(&self, published: &Published) -> bool {
        published.kind == MediaKind::Video
            && !published.muted
            && self.recorded.contains(&published.track)
    }

    /// Who takes part, in the order in which they came: those who publish something; all who are
    /// there where nobody does.
    pub fn cast(&self) -> Vec<ParticipantId> {
        let publish: BTreeSet<ParticipantId> =
            self.published.iter().map(|published| published.participant).collect();
        let is_in = |(id, person): &(&ParticipantId, &Person)| {
            if publish.is_empty() { person.joined } else { publish.contains(*id) }
        };
        let cast = self.people.iter().filter(is_in);
        let mut cast: Vec<_> = cast.map(|(id, person)| (person.order, *id)).collect();
        cast.sort();
        cast.into_iter().map(|(_, id)| id).collect()
    }
}
