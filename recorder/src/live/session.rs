//! What a recording's session journal has been told already: nothing is written twice when a
//! controller or a node comes back and says all again.

use lectern_control::recorder::Event;
use lectern_control::recording::Person;
use lectern_control::{NodeId, ParticipantId, TrackId};
use lectern_journal::Entry;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::manifest::MAX_PEOPLE;

/// Nodes of one recording: a room moves some times a day at most.
const MAX_NODES: usize = 1_024;
/// People and tracks that are remembered; a meeting that has more of them has its events written
/// again at times, which harms nothing.
const MAX_KNOWN: usize = 20_000;

/// How long a controller that has come may take to say all that is true: it does so at once.
const CONFIRM_WITHIN: Duration = Duration::from_secs(3);

/// What is known of a session.
#[derive(Debug, Default)]
pub(super) struct Session {
    nodes: HashMap<NodeId, u16>,
    people: HashMap<ParticipantId, Known<Event>>,
    tracks: HashMap<TrackId, Known<Event>>,
    muted: HashMap<TrackId, bool>,
    speakers: Vec<ParticipantId>,
    node: Option<NodeId>,
    last_unix_us: u64,
    unconfirmed: Option<Unconfirmed>,
}

/// What a controller that has come has not said yet.
#[derive(Debug)]
struct Unconfirmed {
    since: Instant,
    at_unix_ms: u64,
    people: BTreeSet<ParticipantId>,
    tracks: BTreeSet<TrackId>,
}

#[derive(Debug, PartialEq, Eq)]
enum Known<T> {
    Here(T),
    Gone,
}

impl Session {
    /// Takes note of what is written.
    pub(super) fn replay(&mut self, entry: &Entry) {
        match entry {
            Entry::Node { index, node } => {
                self.nodes.insert(node.clone(), *index);
            }
            Entry::Clock { at_unix_us, .. } => self.passes(*at_unix_us),
            Entry::Event { at_unix_ms, event } => {
                self.passes(at_unix_ms.saturating_mul(1_000));
                self.is_news(event);
            }
            Entry::Records { .. } | Entry::End => {}
        }
    }

    /// Time has come so far.
    pub(super) fn passes(&mut self, unix_us: u64) {
        self.last_unix_us = self.last_unix_us.max(unix_us);
    }

    /// The last moment that is written of, in microseconds since 1970.
    pub(super) fn last_unix_us(&self) -> u64 {
        self.last_unix_us
    }

    /// A node's number, where it has one.
    pub(super) fn node(&self, node: &NodeId) -> Option<u16> {
        self.nodes.get(node).copied()
    }

    /// The node of a number.
    pub(super) fn node_of(&self, index: u16) -> Option<&NodeId> {
        self.nodes.iter().find(|(_, known)| **known == index).map(|(node, _)| node)
    }

    /// Gives a node a number, unless there are too many.
    pub(super) fn number(&mut self, node: &NodeId) -> Option<u16> {
        if self.nodes.len() >= MAX_NODES {
            return None;
        }
        let used = self.nodes.values().copied().max();
        let next = used.map_or(Some(0), |used| used.checked_add(1))?;
        self.nodes.insert(node.clone(), next);
        Some(next)
    }

    /// A controller is about to say all that is true.
    pub(super) fn opened(&mut self, now: Instant, at_unix_ms: u64) {
        let people = self.people.iter().filter(|(_, person)| **person != Known::Gone);
        let tracks = self.tracks.iter().filter(|(_, track)| **track != Known::Gone);
        self.unconfirmed = Some(Unconfirmed {
            since: now,
            at_unix_ms,
            people: people.map(|(id, _)| *id).collect(),
            tracks: tracks.map(|(id, _)| *id).collect(),
        });
    }

    /// What has ended unseen, once all that is true must have been said.
    pub(super) fn missing(&mut self, now: Instant) -> Vec<(u64, Event)> {
        let over = |unconfirmed: &mut Unconfirmed| {
            now.saturating_duration_since(unconfirmed.since) >= CONFIRM_WITHIN
        };
        let Some(Unconfirmed { at_unix_ms, people, tracks, .. }) = self.unconfirmed.take_if(over)
        else {
            return Vec::new();
        };
        let tracks = tracks.into_iter().map(|track| Event::TrackEnded { track });
        let people = people.into_iter().map(|participant| Event::Left { participant });
        tracks.chain(people).map(|event| (at_unix_ms, event)).collect()
    }

    fn confirm(&mut self, event: &Event) {
        let Some(unconfirmed) = &mut self.unconfirmed else { return };
        match event {
            Event::Joined { participant, .. } => {
                unconfirmed.people.remove(participant);
            }
            Event::Track { track, .. } => {
                unconfirmed.tracks.remove(track);
            }
            _ => {}
        }
    }

    /// Takes note of an event, and says whether it was not known.
    pub(super) fn is_news(&mut self, event: &Event) -> bool {
        self.confirm(event);
        if self.people.len() + self.tracks.len() > MAX_KNOWN {
            self.people.retain(|_, person| *person != Known::Gone);
            self.tracks.retain(|_, track| *track != Known::Gone);
        }
        match event {
            Event::Joined { participant, .. } => put(&mut self.people, *participant, event),
            Event::Left { participant } => gone(&mut self.people, *participant),
            Event::Track { track, muted, .. } => {
                let was = self.muted.insert(*track, *muted);
                put(&mut self.tracks, *track, &shown(event)) || was != Some(*muted)
            }
            Event::Muted { track, muted } => {
                self.muted.len() < MAX_KNOWN && self.muted.insert(*track, *muted) != Some(*muted)
            }
            Event::TrackEnded { track } => {
                self.muted.remove(track);
                gone(&mut self.tracks, *track)
            }
            Event::Speakers { speakers } => {
                std::mem::replace(&mut self.speakers, speakers.clone()) != *speakers
            }
            Event::Node { node } => self.node.replace(node.clone()).as_ref() != Some(node),
        }
    }
}

/// A track's event without what changes while it lasts.
fn shown(event: &Event) -> Event {
    let mut event = event.clone();
    if let Event::Track { muted, .. } = &mut event {
        *muted = false;
    }
    event
}

fn put<K: Eq + std::hash::Hash>(
    known: &mut HashMap<K, Known<Event>>,
    id: K,
    event: &Event,
) -> bool {
    let now = Known::Here(event.clone());
    let same = known.get(&id) == Some(&now);
    if !same {
        known.insert(id, now);
    }
    !same
}

fn gone<K: Eq + std::hash::Hash>(known: &mut HashMap<K, Known<Event>>, id: K) -> bool {
    known.insert(id, Known::Gone) != Some(Known::Gone)
}

/// Adds somebody to the people of a recording; says whether that changed them.
pub(super) fn add_person(people: &mut Vec<Person>, event: &Event) -> bool {
    let Event::Joined { participant, name, .. } = event else { return false };
    let person = Person { participant: *participant, name: name.clone() };
    let room = people.len() < MAX_PEOPLE;
    match people.iter_mut().find(|known| known.participant == *participant) {
        Some(known) => std::mem::replace(known, person.clone()) != person,
        None if room => {
            people.push(person);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(name: &str) -> Event {
        let name = name.to_owned();
        Event::Joined { participant: ParticipantId(1), identity: "i".to_owned(), name }
    }

    fn track(muted: bool) -> Event {
        Event::Track {
            track: TrackId(1),
            participant: ParticipantId(1),
            kind: lectern_control::media::MediaKind::Video,
            source: lectern_control::media::Source::Screen,
            muted,
        }
    }

    #[test]
    fn what_is_said_again_is_no_news() {
        let mut session = Session::default();
        let speakers = |who: u64| Event::Speakers { speakers: vec![ParticipantId(who)] };
        let muted = |muted| Event::Muted { track: TrackId(1), muted };
        let node = Event::Node { node: "n1".parse().expect("a name") };
        for event in [joined("A"), track(false), speakers(1), node] {
            assert!(session.is_news(&event), "{event:?}");
            assert!(!session.is_news(&event), "{event:?}");
        }
        for (event, news) in [
            (muted(false), false),
            (muted(true), true),
            (track(true), false),
            (track(false), true),
            (speakers(2), true),
            (joined("B"), true),
            (Event::TrackEnded { track: TrackId(1) }, true),
            (Event::TrackEnded { track: TrackId(1) }, false),
            (track(false), true),
            (Event::Left { participant: ParticipantId(1) }, true),
            (joined("B"), true),
        ] {
            assert_eq!(session.is_news(&event), news, "{event:?}");
        }
    }

    #[test]
    fn what_a_controller_does_not_say_again_has_ended_when_it_came() {
        let (mut session, now) = (Session::default(), Instant::now());
        session.is_news(&joined("A"));
        session.is_news(&track(false));
        session.opened(now, 7_000);
        assert!(!session.is_news(&joined("A")));
        assert_eq!(session.missing(now + CONFIRM_WITHIN / 2), []);
        let ended = Event::TrackEnded { track: TrackId(1) };
        assert_eq!(session.missing(now + CONFIRM_WITHIN), [(7_000, ended.clone())]);
        assert!(session.is_news(&ended));
        assert_eq!(session.missing(now + 2 * CONFIRM_WITHIN), []);
    }

    #[test]
    fn nodes_keep_their_numbers_over_a_restart() {
        let (one, two) = ("n1".parse().expect("a name"), "n2".parse().expect("a name"));
        let mut session = Session::default();
        session.replay(&Entry::Node { index: 3, node: one });
        assert_eq!(session.node(&"n1".parse().expect("a name")), Some(3));
        assert_eq!((session.node(&two), session.number(&two)), (None, Some(4)));
    }

    #[test]
    fn people_are_listed_once_and_under_their_last_name() {
        let mut people = Vec::new();
        assert!(add_person(&mut people, &joined("A")));
        assert!(!add_person(&mut people, &joined("A")));
        assert!(add_person(&mut people, &joined("B")));
        assert!(!add_person(&mut people, &track(true)));
        assert_eq!((people.len(), people[0].name.as_str()), (1, "B"));
    }
}
