//! All scenes of a film, in order.

use crate::decode::Fit;
use crate::draw::{Card, Corners, Rect, Speaking};
use crate::film::Chapter;
use crate::media::Track;
use crate::plan::Plan;
use crate::scene::arrange::{Scheme, canvas_size};
use crate::scene::chapters::chapters;
use crate::scene::room::{Person, Published, Room};
use crate::scene::speakers::Speakers;
use lectern_control::media::MediaKind;
use lectern_control::recorder::Event;
use lectern_control::{ParticipantId, TrackId};
use lectern_mux::Size;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a whole film shows.
#[derive(Debug)]
pub struct Timeline {
    /// Of the canvas.
    pub size: Size,
    /// In order; the first is from the beginning.
    pub scenes: Vec<Scene>,
    /// In order; the first is at zero.
    pub chapters: Vec<Chapter>,
}

/// What is shown from one moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// In microseconds of the film.
    pub from_us: i64,
    /// What is on the canvas.
    pub tiles: Vec<Tile>,
}

/// A place and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Where.
    pub place: Rect,
    /// The picture, where there is one.
    pub shown: Option<Shown>,
    /// Whose it is; `None` for a large shared screen, of which nothing is covered.
    pub card: Option<Card>,
}

/// Whose picture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The track.
    pub track: TrackId,
    /// How it fits its place.
    pub fit: Fit,
    /// Pictures up to this time are not shown.
    pub hidden_until_us: i64,
}

enum Change {
    Happens(Event),
    Held(ParticipantId),
    Heard(ParticipantId, Speaking),
}

impl Timeline {
    /// Works out what a film shows; `screen` is the largest picture of a shared screen in it.
    pub fn of(plan: &Plan, tracks: &[Track], screen: Option<Size>) -> Timeline {
        let left_out: BTreeSet<ParticipantId> = plan.without.iter().copied().collect();
        let tracks: Vec<Track> =
            tracks.iter().filter(|track| !left_out.contains(&track.participant)).copied().collect();
        let mut director = Director {
            plan,
            size: canvas_size(plan.layout, screen),
            room: Room::new(&tracks),
            held: None,
            seated: Vec::new(),
        };
        let (mut scenes, mut shared) = (Vec::<Scene>::new(), Vec::new());
        let mut changes = changes(plan, &tracks, &left_out).into_iter().peekable();
        let mut at_us = 0;
        loop {
            while let Some((_, change)) = changes.next_if(|(change_us, _)| *change_us <= at_us) {
                director.apply(at_us, change);
            }
            let tiles = director.tiles();
            if scenes.last().is_none_or(|last| last.tiles != tiles) {
                scenes.push(Scene { from_us: at_us, tiles });
            }
            let screen = director.room.screen();
            if shared
                .last()
                .map_or(screen.is_some(), |(_, last, _)| *last != screen.map(|screen| screen.track))
            {
                let owner = screen.map(|screen| director.name(screen.participant));
                shared.push((at_us, screen.map(|screen| screen.track), owner));
            }
            match changes.peek() {
                Some((next_us, _)) if *next_us < plan.duration_us => at_us = *next_us,
                _ => break,
            }
        }
        let ms = |us: i64| us.max(0) as u64 / 1_000;
        let shared: Vec<_> =
            shared.into_iter().map(|(at_us, _, owner)| (ms(at_us), owner)).collect();
        let chapters = chapters(&shared);
        Timeline { size: director.size, scenes, chapters }
    }
}

/// All that happens, in order of time; what the events lack is told by the tracks themselves.
fn changes(
    plan: &Plan,
    tracks: &[Track],
    left_out: &BTreeSet<ParticipantId>,
) -> Vec<(i64, Change)> {
    let mut known = BTreeSet::new();
    let mut said = Vec::new();
    let mut changes: Vec<(i64, Change)> = Vec::new();
    let mut events: Vec<&(i64, Event)> = plan.events.iter().collect();
    events.sort_by_key(|(at_us, _)| *at_us);
    for (at_us, event) in events {
        match event {
            Event::Joined { participant, .. } | Event::Track { participant, .. }
                if left_out.contains(participant) =>
            {
                continue;
            }
            Event::Track { track, .. } => {
                known.insert(*track);
            }
            Event::Speakers { speakers } => {
                let mut speakers = speakers.clone();
                speakers.retain(|speaker| !left_out.contains(speaker));
                said.push((*at_us, speakers));
                continue;
            }
            _ => {}
        }
        changes.push((*at_us, Change::Happens(event.clone())));
    }
    for Track { id, participant, kind, source, from_us, until_us } in tracks {
        if known.contains(id) {
            continue;
        }
        let (track, participant, kind, source) = (*id, *participant, *kind, *source);
        let begins = Event::Track { track, participant, kind, source, muted: false };
        changes.push((*from_us, Change::Happens(begins)));
        changes.push((*until_us, Change::Happens(Event::TrackEnded { track })));
    }
    let speakers = Speakers::of(&said, plan.duration_us);
    changes.extend(speakers.held.into_iter().map(|(at_us, who)| (at_us, Change::Held(who))));
    for (who, from_us, until_us) in speakers.heard {
        changes.push((from_us, Change::Heard(who, Speaking::Yes)));
        changes.push((until_us, Change::Heard(who, Speaking::No)));
    }
    changes.sort_by_key(|(at_us, _)| *at_us);
    changes
}

/// Chooses who is seen, and keeps them where they are.
struct Director<'a> {
    plan: &'a Plan,
    size: Size,
    room: Room,
    held: Option<ParticipantId>,
    /// Who has a tile, in the order of the tiles.
    seated: Vec<ParticipantId>,
}

impl Director<'_> {
    fn apply(&mut self, at_us: i64, change: Change) {
        match change {
            Change::Happens(event) => self.room.apply(at_us, &event),
            Change::Heard(who, speaking) => self.room.hear(who, speaking),
            Change::Held(who) => {
                self.room.hold(at_us, who);
                self.held = Some(who);
            }
        }
    }

    fn name(&self, participant: ParticipantId) -> String {
        self.room.person(participant).map(|person| person.name.clone()).unwrap_or_default()
    }

    fn tiles(&mut self) -> Vec<Tile> {
        let mut cast = self.room.cast();
        let screen = self.room.screen();
        let screens = usize::from(screen.is_some());
        let scheme = Scheme::of(self.plan.layout, screens, cast.len());
        let speaker = self.speaker(&cast);
        // Where one tile is larger, it is the screen's, or the speaker's, who is not among the others.
        let first = match (scheme, screen) {
            (Scheme::Column | Scheme::Alone, Some(screen)) => self.screen_alone(screen),
            (Scheme::Large | Scheme::Alone, _) => speaker.and_then(|id| self.person(id)),
            (Scheme::Even, _) | (Scheme::Column, None) => None,
        };
        let large = first.is_some();
        if let (Scheme::Large, Some(speaker)) = (scheme, speaker) {
            cast.retain(|id| *id != speaker);
        }
        let also = screen.filter(|_| matches!(scheme, Scheme::Large | Scheme::Even));
        let also = also.and_then(|screen| self.screen_among(screen));
        let taken = usize::from(large) + usize::from(also.is_some());
        self.seat(&cast, scheme.seats().saturating_sub(taken));
        let people = self.seated.iter().filter_map(|id| self.person(*id));
        let tiles: Vec<_> = first.into_iter().chain(also).chain(people).collect();
        let places = scheme.places(self.size, tiles.len());
        let corners = if scheme == Scheme::Alone { Corners::Square } else { Corners::Round };
        let single = places.len() == 1;
        let place = |(mut tile, place): (Tile, Rect)| {
            tile.place = place;
            if let Some(card) = &mut tile.card {
                card.corners = corners;
                // There is nobody else who could be meant.
                card.speaking = if single { Speaking::No } else { card.speaking };
            }
            tile
        };
        tiles.into_iter().zip(places).map(place).collect()
    }

    /// The one to look at: who was last, or who came first.
    fn speaker(&self, cast: &[ParticipantId]) -> Option<ParticipantId> {
        let held = self.held.filter(|held| cast.contains(held));
        let seen = cast.iter().find(|id| self.room.camera(**id).is_some());
        held.or(seen.copied()).or(cast.first().copied())
    }

    /// Gives seats to those who spoke last, then to those with a camera, then to those who came
    /// first; who has a seat keeps it.
    fn seat(&mut self, cast: &[ParticipantId], seats: usize) {
        let rank = |id: &ParticipantId| {
            let held_us = self.room.person(*id).and_then(|person| person.held_us);
            (held_us, self.room.camera(*id).is_some())
        };
        let mut best: Vec<ParticipantId> = cast.to_vec();
        best.sort_by_key(|id| std::cmp::Reverse(rank(id)));
        best.truncate(seats);
        let mut coming = cast.iter().filter(|id| best.contains(id) && !self.seated.contains(id));
        let mut seated = Vec::with_capacity(seats);
        for id in &self.seated {
            if best.contains(id) {
                seated.push(*id);
            } else {
                // The seat is free for one who comes.
                seated.extend(coming.next());
            }
        }
        seated.extend(coming);
        seated.truncate(seats);
        self.seated = seated;
    }

    fn person(&self, id: ParticipantId) -> Option<Tile> {
        let person = self.room.person(id)?;
        let shown = self.room.camera(id).map(|camera| shown(camera, Fit::Camera));
        Some(tile(shown, Some(card(id, person))))
    }

    fn screen_alone(&self, screen: Published) -> Option<Tile> {
        Some(tile(Some(shown(screen, Fit::Screen)), None))
    }

    fn screen_among(&self, screen: Published) -> Option<Tile> {
        let mut card = card(screen.participant, self.room.person(screen.participant)?);
        card.speaking = Speaking::No;
        Some(tile(Some(shown(screen, Fit::Screen)), Some(card)))
    }
}

fn tile(shown: Option<Shown>, card: Option<Card>) -> Tile {
    Tile { place: Rect { x: 0, y: 0, width: 0, height: 0 }, shown, card }
}

fn shown(published: Published, fit: Fit) -> Shown {
    let Published { track, hidden_until_us, .. } = published;
    Shown { track, fit, hidden_until_us }
}

fn card(id: ParticipantId, person: &Person) -> Card {
    let mut hasher = DefaultHasher::new();
    person.identity.hash(&mut hasher);
    if person.identity.is_empty() {
        id.0.hash(&mut hasher);
    }
    Card {
        name: person.name.clone(),
        person: hasher.finish(),
        speaking: person.speaking,
        corners: Corners::Round,
    }
}

/// Sound is not shown, but heard: all tracks of it that are in the film.
pub fn heard<'t>(plan: &'t Plan, tracks: &'t [Track]) -> impl Iterator<Item = &'t Track> {
    let in_film = |track: &&Track| {
        track.kind == MediaKind::Audio && !plan.without.contains(&track.participant)
    };
    tracks.iter().filter(in_film)
}
