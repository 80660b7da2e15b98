//! Who is in the room and what they publish, within its limits.

use lectern_control::edge::RequestError;
use lectern_control::limits::MAX_PARTICIPANTS_PER_ROOM;
use lectern_control::room::{Audience, Listener, Participant, Track};
use lectern_control::{EdgeId, ParticipantId, TrackId};
use std::collections::BTreeMap;

/// The whole roster, in bytes: it stands in one message to whoever joins, with room to spare for
/// the message around it.
pub const MAX_ROSTER_BYTES: usize = 900 << 10;
/// What names of fields and numbers of a participant take in a message.
const PARTICIPANT_BYTES: usize = 256;
/// The same for a track, a codec, an encoding.
const TRACK_BYTES: usize = 192;
const CODEC_BYTES: usize = 128;
const ENCODING_BYTES: usize = 128;
/// What one of an audience takes beside its identity, and each track that is named for it.
const LISTENER_BYTES: usize = 48;
const TRACK_ID_BYTES: usize = 16;
/// What an attribute takes beside its text.
pub(super) const ATTRIBUTE_BYTES: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Roster {
    participants: BTreeMap<ParticipantId, Participant>,
    identities: BTreeMap<String, ParticipantId>,
    tracks: BTreeMap<TrackId, ParticipantId>,
    edges: BTreeMap<EdgeId, usize>,
    bytes: usize,
}

impl Roster {
    pub(super) fn len(&self) -> usize {
        self.participants.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.participants.is_empty()
    }

    pub(super) fn get(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.get(&id)
    }

    /// A participant whose socket an edge holds.
    pub(super) fn of(
        &self,
        id: ParticipantId,
        edge: &EdgeId,
    ) -> Result<&Participant, RequestError> {
        let participant = self.participants.get(&id).ok_or(RequestError::NotFound)?;
        if participant.edge == *edge { Ok(participant) } else { Err(RequestError::NotPermitted) }
    }

    pub(super) fn by_identity(&self, identity: &str) -> Option<ParticipantId> {
        self.identities.get(identity).copied()
    }

    pub(super) fn owner_of(&self, track: TrackId) -> Option<ParticipantId> {
        self.tracks.get(&track).copied()
    }

    /// A track by its id or by that of its backup.
    pub(super) fn track(&self, track: TrackId) -> Option<&Track> {
        let owner = self.get(self.owner_of(track)?)?;
        owner.tracks.iter().find(|known| known.ids().any(|id| id == track))
    }

    /// The ids under which nodes have a track.
    pub(super) fn parts(&self, track: TrackId) -> Vec<TrackId> {
        let known = self.track(track).filter(|known| known.id == track);
        known.map_or_else(|| vec![track], |known| known.ids().collect())
    }

    pub(super) fn ids(&self) -> Vec<ParticipantId> {
        self.participants.keys().copied().collect()
    }

    pub(super) fn participants(&self) -> impl Iterator<Item = &Participant> {
        self.participants.values()
    }

    pub(super) fn others(&self, than: ParticipantId) -> Vec<Participant> {
        self.participants.values().filter(|other| other.id != than).cloned().collect()
    }

    pub(super) fn of_edge(&self, edge: &EdgeId) -> Vec<ParticipantId> {
        let here = self.participants.values().filter(|participant| participant.edge == *edge);
        here.map(|participant| participant.id).collect()
    }

    /// Edges that hold anybody's socket.
    pub(super) fn edges(&self) -> Vec<EdgeId> {
        self.edges.keys().cloned().collect()
    }

    /// Whether one more fits, in the place of `instead` where there is one.
    pub(super) fn admits(
        &self,
        participant: &Participant,
        instead: Option<ParticipantId>,
    ) -> Result<(), RequestError> {
        let instead = instead.and_then(|id| self.participants.get(&id));
        if self.len() - usize::from(instead.is_some()) >= MAX_PARTICIPANTS_PER_ROOM {
            return Err(RequestError::Limit("people in a room".to_owned()));
        }
        self.admits_bytes(weight(participant), instead.map_or(0, weight))
    }

    fn admits_bytes(&self, more: usize, less: usize) -> Result<(), RequestError> {
        // What makes the roster smaller is always welcome.
        if more > less && self.bytes - less + more > MAX_ROSTER_BYTES {
            return Err(RequestError::Limit("bytes of a roster".to_owned()));
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, participant: Participant) {
        self.bytes += weight(&participant);
        self.identities.insert(participant.identity.clone(), participant.id);
        *self.edges.entry(participant.edge.clone()).or_default() += 1;
        self.participants.insert(participant.id, participant);
    }

    pub(super) fn remove(&mut self, id: ParticipantId) {
        let Some(participant) = self.participants.remove(&id) else { return };
        self.bytes -= weight(&participant);
        if self.identities.get(&participant.identity) == Some(&id) {
            self.identities.remove(&participant.identity);
        }
        self.tracks.retain(|_, owner| *owner != id);
        if let Some(count) = self.edges.get_mut(&participant.edge) {
            *count -= 1;
            if *count == 0 {
                self.edges.remove(&participant.edge);
            }
        }
    }

    /// Changes what others see of a participant, all of it or nothing, and counts the version up;
    /// `None` where nothing is different.
    pub(super) fn change(
        &mut self,
        id: ParticipantId,
        change: impl FnOnce(&mut Participant) -> Result<(), RequestError>,
    ) -> Result<Option<&Participant>, RequestError> {
        let former = self.participants.get(&id).ok_or(RequestError::NotFound)?;
        let mut changed = former.clone();
        change(&mut changed)?;
        if changed == *former {
            return Ok(None);
        }
        changed.version = changed.version.saturating_add(1);
        let (more, less) = (weight(&changed), weight(former));
        self.admits_bytes(more, less)?;
        self.bytes = self.bytes - less + more;
        for track in former.tracks.iter().flat_map(Track::ids) {
            self.tracks.remove(&track);
        }
        for track in changed.tracks.iter().flat_map(Track::ids) {
            self.tracks.insert(track, id);
        }
        self.participants.insert(id, changed);
        Ok(self.participants.get(&id))
    }

    /// What must hold after every step; for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        assert!(self.len() <= MAX_PARTICIPANTS_PER_ROOM && self.bytes <= MAX_ROSTER_BYTES);
        assert_eq!(self.bytes, self.participants.values().map(weight).sum::<usize>());
        assert_eq!(self.identities.len(), self.len(), "an identity is in the room once");
        for (identity, id) in &self.identities {
            assert_eq!(self.participants[id].identity, *identity);
        }
        assert_eq!(self.edges.values().sum::<usize>(), self.len());
        for (edge, count) in &self.edges {
            assert_eq!(self.of_edge(edge).len(), *count);
        }
        let ids = |p: &Participant| p.tracks.iter().flat_map(Track::ids).collect::<Vec<_>>();
        let tracks = self.participants.values().flat_map(|p| ids(p).into_iter().map(|t| (t, p.id)));
        assert_eq!(tracks.clone().count(), self.tracks.len(), "a track belongs to one");
        assert_eq!(tracks.collect::<BTreeMap<_, _>>(), self.tracks);
    }
}

/// What a participant takes in a message, at most.
fn weight(participant: &Participant) -> usize {
    let attributes = participant.attributes.iter();
    PARTICIPANT_BYTES
        + participant.identity.len()
        + participant.name.len()
        + participant.metadata.len()
        + participant.edge.as_str().len()
        + attributes.map(|(key, value)| key.len() + value.len() + ATTRIBUTE_BYTES).sum::<usize>()
        + participant.tracks.iter().map(track_weight).sum::<usize>()
        + audience_weight(&participant.audience)
}

fn audience_weight(audience: &Audience) -> usize {
    let Audience::Only(listeners) = audience else { return 0 };
    let tracks = |listener: &Listener| listener.tracks.as_ref().map_or(0, |tracks| tracks.len());
    let weight = |listener: &Listener| {
        LISTENER_BYTES + listener.identity.len() + tracks(listener) * TRACK_ID_BYTES
    };
    listeners.iter().map(weight).sum()
}

fn track_weight(track: &Track) -> usize {
    TRACK_BYTES
        + track.name.len()
        + track.stream.len()
        + track.codecs.iter().map(|codec| CODEC_BYTES + codec.format.len()).sum::<usize>()
        + track.encodings.iter().map(|one| ENCODING_BYTES + one.rid.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::frame;
    use lectern_control::media::{
        Codec, CodecName, EncodingParameters, Feedback, MediaKind, Source,
    };
    use lectern_control::room::Role;
    use lectern_control::transport::Permissions;

    #[test]
    fn the_estimate_of_a_participant_is_no_less_than_its_message() {
        let codec = Codec {
            name: CodecName::Opus,
            payload_type: 127,
            rtx_payload_type: Some(127),
            format: "x".repeat(300),
            feedback: Feedback::default(),
        };
        let encoding = EncodingParameters {
            rid: "q".repeat(16),
            ssrc: Some(u32::MAX),
            rtx_ssrc: Some(u32::MAX),
            width: u32::MAX,
            height: u32::MAX,
            max_bitrate_bps: u64::MAX,
        };
        let mut track = Track::new(TrackId(u64::MAX), MediaKind::Video, Source::ScreenAudio);
        (track.name, track.stream) = ("n".repeat(256), "s".repeat(256));
        (track.width, track.height) = (u32::MAX, u32::MAX);
        track.codecs = vec![codec; 16];
        track.encodings = vec![encoding; 4];
        let mut participant = Participant {
            id: ParticipantId(u64::MAX),
            identity: "i".repeat(256),
            name: "n".repeat(256),
            role: Role::Presenter,
            permissions: Permissions::ALL,
            metadata: "m".repeat(1_000),
            attributes: BTreeMap::from([("k".repeat(300), "v".repeat(300))]),
            joined_at_unix_ms: u64::MAX,
            version: u32::MAX,
            tracks: Vec::new(),
            edge: "e".repeat(64).parse().expect("a name"),
            audience: Audience::Only(vec![
                Listener {
                    identity: "l".repeat(256),
                    tracks: Some(vec![TrackId(u64::MAX); 16]),
                };
                100
            ]),
        };
        for _ in 0..3 {
            let message = frame::encode(&participant).expect("encodes");
            assert!(message.len() <= weight(&participant), "{} bytes", message.len());
            participant.tracks.push(track.clone());
        }
    }
}
