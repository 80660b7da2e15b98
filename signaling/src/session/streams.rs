//! What becomes of streams on their way: which of others the client is sent no more for want of
//! bandwidth, and which encodings of its own anybody watches. The latest of each is kept, to be said
//! again to a client that was away.

use super::Session;
use super::event::{AnnouncedLayer, ClientNotice, Purpose, View};
use super::publication::Publication;
use lectern_control::TrackId;
use lectern_control::edge::{Notice, Request};
use lectern_control::media::Wish;
use lectern_control::node::{Command, LayerWanted, StreamState};
use lectern_control::room::Track;
use std::collections::{BTreeMap, BTreeSet};

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Streams {
    states: BTreeMap<TrackId, StreamState>,
    layers: BTreeMap<TrackId, Vec<LayerWanted>>,
    /// Tracks whose backup somebody needs.
    backups: BTreeSet<TrackId>,
}

/// What is watched of a track: as others see it, of its own encodings, and of those of its backup.
pub type Watched<'a> = (&'a Track, &'a [LayerWanted], Option<&'a [LayerWanted]>);

impl Streams {
    /// A subscription begins: it is sent until something else is said.
    pub(super) fn subscribed(&mut self, track: TrackId) {
        self.states.remove(&track);
    }
}

impl Session {
    /// The client shows tracks in another way.
    pub(super) fn view(&mut self, tracks: &[TrackId], change: impl Fn(&mut View)) {
        for track in tracks {
            if let Some(wish) = self.roster.view(*track, &change)
                && let Some(sent) = self.down.sent_as(*track)
            {
                self.wish(sent, wish);
            }
        }
    }

    /// Tells the node what the client wants of a track.
    pub(super) fn wish(&mut self, track: TrackId, wish: Wish) {
        let peer = self.down.peer;
        self.command(Purpose::Courtesy, Command::SetWish { peer, track, wish });
    }

    /// A track of the client's own has another size.
    pub(super) fn resize(&mut self, track: TrackId, size: (u32, u32), layers: &[AnnouncedLayer]) {
        if let Some(track) = self.publications.resize(track, size, layers) {
            let (room, participant) = (self.placement.room, self.me.id);
            self.request(Purpose::Courtesy, Request::AddTrack { room, participant, track });
        }
    }

    /// News of streams and tracks; those of others concern nobody here.
    pub(super) fn of_tracks(&mut self, notice: &Notice) {
        let me = self.me.id;
        match notice {
            Notice::StreamStates { participant, states } if *participant == me => {
                self.stream_states(states);
            }
            Notice::LayersWanted { participant, track, layers } if *participant == me => {
                self.layers_wanted(*track, layers);
            }
            Notice::BackupWanted { participant, track } if *participant == me => {
                self.backup_wanted(*track);
            }
            Notice::Muted { participant, track } if *participant == me => {
                self.publications.mute(*track, true);
                self.tell(ClientNotice::Muted(*track));
            }
            Notice::Unpublished { participant, track } if *participant == me => {
                let removed = self.publications.remove(*track);
                // The client knows no backup by its id.
                if removed.is_none_or(|removed| removed.stands_for().is_none()) {
                    self.tell(ClientNotice::Unpublished(*track));
                }
            }
            Notice::TrackSubscribed(participant, track) if *participant == me => {
                let stands_for = self.publications.find(*track).and_then(Publication::stands_for);
                self.tell(ClientNotice::TrackSubscribed(stands_for.unwrap_or(*track)));
            }
            _ => {}
        }
    }

    fn stream_states(&mut self, states: &[(TrackId, StreamState)]) {
        self.forget_streams();
        let shown =
            |(sent, state): &(TrackId, StreamState)| Some((self.down.shown_as(*sent)?, *state));
        let sent: Vec<(TrackId, StreamState)> = states.iter().filter_map(shown).collect();
        self.streams.states.extend(sent.iter().copied());
        if !sent.is_empty() {
            self.tell(ClientNotice::StreamStates(sent));
        }
    }

    fn layers_wanted(&mut self, track: TrackId, layers: &[LayerWanted]) {
        self.forget_streams();
        if let Some(publication) = self.publications.find(track) {
            let shown = publication.stands_for().unwrap_or(track);
            self.streams.layers.insert(track, layers.to_vec());
            self.tell_layers(shown);
        }
    }

    /// Somebody cannot decode a track of the client's own.
    fn backup_wanted(&mut self, track: TrackId) {
        self.forget_streams();
        let publication = self.publications.find(track);
        if publication.is_some_and(|publication| publication.track.backup.is_some())
            && self.streams.backups.insert(track)
        {
            self.tell_layers(track);
        }
    }

    /// The client cannot decode a track: its publisher may have another codec.
    pub(super) fn ask_backup(&mut self, track: TrackId) {
        let backup = self.roster.track(track).and_then(|(_, track)| track.backup.clone());
        if self.roster.cannot_decode(track)
            && backup.is_some_and(|backup| backup.published.is_none())
        {
            let (room, participant) = (self.placement.room, self.me.id);
            let request = Request::AskBackup { room, participant, track };
            self.request(Purpose::Courtesy, request);
        }
    }

    /// What is watched of a track of the client's own, where anything was said.
    pub fn watched(&self, track: TrackId) -> Option<Watched<'_>> {
        let shown = &self.publications.find(track)?.track;
        let said = |id: TrackId| self.streams.layers.get(&id).map(Vec::as_slice);
        let layers = said(track);
        let backup = match shown.backup_track() {
            Some(backup) => Some(said(backup.id).unwrap_or_default()),
            None => self.streams.backups.contains(&track).then_some(&[][..]),
        };
        (layers.is_some() || backup.is_some()).then(|| (shown, layers.unwrap_or_default(), backup))
    }

    fn tell_layers(&mut self, track: TrackId) {
        if let Some((track, layers, backup)) = self.watched(track) {
            let (track, layers) = (Box::new(track.clone()), layers.to_vec());
            let backup = backup.map(<[LayerWanted]>::to_vec);
            self.tell(ClientNotice::LayersWanted { track, layers, backup });
        }
    }

    /// The client was away: it is told the latest of all.
    pub(super) fn tell_streams(&mut self) {
        self.forget_streams();
        if !self.streams.states.is_empty() {
            let states = self.streams.states.iter().map(|(track, state)| (*track, *state));
            self.tell(ClientNotice::StreamStates(states.collect()));
        }
        for track in self.publications.shown() {
            self.tell_layers(track);
        }
    }

    /// Forgets tracks that have ended.
    fn forget_streams(&mut self) {
        self.streams.states.retain(|track, _| self.down.is_sending(*track));
        self.streams.layers.retain(|track, _| self.publications.find(*track).is_some());
        self.streams.backups.retain(|track| self.publications.find(*track).is_some());
    }
}
