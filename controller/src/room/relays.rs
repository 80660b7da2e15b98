//! What nodes send to the recorder and what it is told: brought from what was said to what is true.
//!
//! Recorded is what everybody may receive. A publisher that names who may receive its tracks has not
//! named those who will see the recording.

use super::output::Issued;
use super::recording::{Recorder, Recording};
use super::told::{Person, Shown};
use super::{Output, Room};
use crate::clock::Now;
use lectern_control::node::Command;
use lectern_control::recorder::Event;
use lectern_control::room::Audience;
use lectern_control::{NodeId, ParticipantId, RecordingId, TrackId};
use std::collections::{BTreeMap, BTreeSet};

type Relays = BTreeMap<NodeId, BTreeSet<TrackId>>;

impl Room {
    /// Tells nodes and the recorder what has changed since they were told last.
    pub(super) fn sync_recording(&mut self, now: Now) {
        self.stop_if_empty(now);
        let Some(mut recording) = self.recording.take() else { return };
        if recording.recorder.is_some() {
            let tracks = self.recordable();
            // Nodes first: what must not be recorded is not sent a moment longer.
            self.sync_relays(&mut recording, &tracks);
            self.sync_notes(&mut recording, tracks);
        }
        self.recording = Some(recording);
    }

    /// Who speaks is noted as it is told to everybody.
    pub(super) fn note_speakers(&mut self, speakers: &[(ParticipantId, f32)]) {
        let Some(recording) = self.recording() else { return };
        let speakers = speakers.iter().map(|(speaker, _)| *speaker).collect();
        self.out.push_back(Output::Note { recording, event: Event::Speakers { speakers } });
    }

    /// Nodes send what they have, and what they kept for the former recorder, to the one of now.
    pub(super) fn redirect_relays(&mut self) {
        let Some(Recording { recorder: Some(recorder), shown, relays, .. }) = &self.recording
        else {
            return;
        };
        let (id, open) = (shown.recording, open(shown.recording, recorder));
        for node in relays.keys().cloned().collect::<Vec<_>>() {
            self.command_for(node, open.clone(), Issued::Relay(id));
        }
    }

    /// A node has forgotten what it was told to send.
    pub(super) fn forget_relays(&mut self, node: &NodeId) {
        if let Some(recording) = &mut self.recording {
            recording.relays.remove(node);
        }
    }

    fn recordable(&self) -> BTreeMap<TrackId, Shown> {
        let open = |participant: ParticipantId| {
            let publisher = self.roster.get(participant);
            publisher.is_some_and(|publisher| publisher.audience == Audience::Everybody)
        };
        let published =
            self.publications.iter().filter(|(_, one)| open(one.participant) && !one.backup);
        let shown = published.map(|(track, one)| {
            let (participant, muted) = (one.participant, one.muted);
            (*track, Shown { participant, kind: one.kind, source: one.source, muted })
        });
        shown.collect()
    }

    /// What each node should send: the room's own all of it, the one it moves to what is there already,
    /// and the one it has left what still comes there.
    fn wanted(&self, told: &Relays, tracks: &BTreeMap<TrackId, Shown>) -> Relays {
        let mut wanted = Relays::new();
        for removal in &self.removals {
            if let Some(sent) = told.get(&removal.node) {
                let still = sent.iter().filter(|track| tracks.contains_key(track));
                wanted.insert(removal.node.clone(), still.copied().collect());
            }
        }
        if let Some(relocation) = &self.relocation {
            let is_there = |track: &&TrackId| {
                let publication = self.publications.get(track);
                publication.is_some_and(|one| relocation.is_restored(one.peer))
            };
            let there: BTreeSet<TrackId> = tracks.keys().filter(is_there).copied().collect();
            if !there.is_empty() {
                wanted.insert(relocation.target().clone(), there);
            }
        }
        wanted.insert(self.home.primary.node.clone(), tracks.keys().copied().collect());
        wanted
    }

    fn sync_relays(&mut self, recording: &mut Recording, tracks: &BTreeMap<TrackId, Shown>) {
        let Some(recorder) = recording.recorder.clone() else { return };
        let id = recording.shown.recording;
        let wanted = self.wanted(&recording.relays, tracks);
        for node in recording.relays.keys().filter(|node| !wanted.contains_key(node)) {
            self.command(node.clone(), Command::CloseRelay { recording: id });
        }
        for (node, tracks) in &wanted {
            let none = BTreeSet::new();
            let sent = recording.relays.get(node);
            if sent.is_none() {
                self.command_for(node.clone(), open(id, &recorder), Issued::Relay(id));
            }
            let sent = sent.unwrap_or(&none);
            for track in sent.difference(tracks).copied() {
                self.command(node.clone(), Command::UnrelayTrack { recording: id, track });
            }
            for track in tracks.difference(sent).copied() {
                self.command(node.clone(), Command::RelayTrack { recording: id, track });
            }
        }
        recording.relays = wanted;
    }

    fn sync_notes(&mut self, recording: &mut Recording, tracks: BTreeMap<TrackId, Shown>) {
        let (told, mut notes) = (&mut recording.told, Vec::new());
        let node = &self.home.primary.node;
        if told.node.as_ref() != Some(node) {
            told.node = Some(node.clone());
            notes.push(Event::Node { node: node.clone() });
        }
        let gone = |known: &BTreeMap<TrackId, Shown>, track: &TrackId, shown: &Shown| {
            let same = |new: &Shown| Shown { muted: shown.muted, ..*new } == *shown;
            !known.get(track).is_some_and(same)
        };
        for (track, _) in told.tracks.extract_if(.., |track, shown| gone(&tracks, track, shown)) {
            notes.push(Event::TrackEnded { track });
        }
        for participant in told.people.keys().filter(|id| self.roster.get(**id).is_none()) {
            notes.push(Event::Left { participant: *participant });
        }
        told.people.retain(|id, _| self.roster.get(*id).is_some());
        for one in self.roster.participants() {
            let is_known =
                |known: &Person| known.identity == one.identity && known.name == one.name;
            if told.people.get(&one.id).is_some_and(is_known) {
                continue;
            }
            let (participant, identity, name) = (one.id, one.identity.clone(), one.name.clone());
            told.people.insert(one.id, Person { identity: identity.clone(), name: name.clone() });
            notes.push(Event::Joined { participant, identity, name });
        }
        for (track, shown) in tracks {
            let Shown { participant, kind, source, muted } = shown;
            match told.tracks.insert(track, shown) {
                None => notes.push(Event::Track { track, participant, kind, source, muted }),
                Some(known) if known.muted != muted => notes.push(Event::Muted { track, muted }),
                Some(_) => {}
            }
        }
        let id = recording.shown.recording;
        let note = |event| Output::Note { recording: id, event };
        self.out.extend(notes.into_iter().map(note));
    }
}

fn open(recording: RecordingId, recorder: &Recorder) -> Command {
    let Recorder { name: recorder, addresses } = recorder.clone();
    Command::OpenRelay { recording, recorder, addresses }
}
