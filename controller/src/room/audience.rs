//! Who may receive a publisher's tracks, as the publisher says: enforced on the node, not in pages.

use super::Room;
use lectern_control::edge::{RequestError, Response};
use lectern_control::limits::{MAX_AUDIENCE, MAX_NAME_BYTES, MAX_TRACKS_PER_PARTICIPANT};
use lectern_control::node::Command;
use lectern_control::room::Audience;
use lectern_control::{ParticipantId, PeerId, TrackId};

impl Room {
    /// A publisher says who may receive its tracks: whoever may not any more receives nothing at once.
    pub(super) fn set_audience(
        &mut self,
        id: ParticipantId,
        audience: Audience,
    ) -> Result<Response, RequestError> {
        check(&audience)?;
        let may = self.roster.get(id).is_some_and(|known| known.permissions.publish);
        if !may && audience != Audience::Everybody {
            return Err(RequestError::NotPermitted);
        }
        let done = self.change(id, |known| {
            known.audience = audience;
            Ok(())
        })?;
        let Some(publisher) = self.roster.get(id) else { return Ok(done) };
        let tracks: Vec<TrackId> = publisher.tracks.iter().map(|track| track.id).collect();
        let barred = |participant: ParticipantId, track: TrackId| {
            let subscriber = self.roster.get(participant);
            participant != id
                && subscriber.is_some_and(|one| !publisher.audience.admits(&one.identity, track))
        };
        let peers_barred = |track: TrackId| -> Vec<PeerId> {
            let barred = self.peers.iter().filter(|(_, one)| barred(one.participant(), track));
            barred.map(|(peer, _)| *peer).collect()
        };
        let ended: Vec<(TrackId, Vec<PeerId>)> =
            tracks.iter().map(|track| (*track, peers_barred(*track))).collect();
        let ended: Vec<(TrackId, Vec<PeerId>)> = ended
            .into_iter()
            .flat_map(|(track, peers)| {
                let parts = self.roster.parts(track).into_iter();
                parts.map(move |part| (part, peers.clone()))
            })
            .collect();
        // A node may have a track before the roster shows it.
        let published = self.publications.iter().filter(|(_, one)| one.participant == id);
        for track in published.map(|(track, _)| *track).collect::<Vec<_>>() {
            self.tell_open(id, track);
        }
        for (track, peers) in ended.into_iter().filter(|(_, peers)| !peers.is_empty()) {
            // Most of these transports do not receive the track; the node passes over them.
            self.tell_active(id, None, Command::EndSubscriptions { track, peers });
        }
        Ok(done)
    }

    /// Whether everybody may hear a voice: only then sound slots carry it.
    pub(super) fn tell_open(&mut self, id: ParticipantId, track: TrackId) {
        let Some(publication) = self.publications.get(&track) else { return };
        if !publication.is_voice() {
            return;
        }
        let publisher = self.roster.get(id);
        let open = publisher.is_some_and(|one| one.audience == Audience::Everybody);
        self.tell_active(id, None, Command::SetOpen { track, open });
    }

    /// Whether a participant may receive a track.
    pub(super) fn may_receive(&self, id: ParticipantId, track: TrackId) -> bool {
        // A node may have a track before the roster shows it.
        let published = self.publications.get(&track).map(|publication| publication.participant);
        let owner = self.roster.owner_of(track).or(published);
        let owner = owner.and_then(|owner| self.roster.get(owner));
        let Some((owner, subscriber)) = owner.zip(self.roster.get(id)) else { return true };
        let shown = self.roster.track(track).map_or(track, |known| known.id);
        owner.id == id || owner.audience.admits(&subscriber.identity, shown)
    }
}

fn check(audience: &Audience) -> Result<(), RequestError> {
    let Audience::Only(listeners) = audience else { return Ok(()) };
    if listeners.len() > MAX_AUDIENCE {
        return Err(RequestError::Limit("people of an audience".to_owned()));
    }
    for listener in listeners {
        let tracks = listener.tracks.as_ref().map_or(0, Vec::len);
        if listener.identity.len() > MAX_NAME_BYTES || tracks > MAX_TRACKS_PER_PARTICIPANT {
            return Err(RequestError::Limit("what is said of one of an audience".to_owned()));
        }
    }
    Ok(())
}
