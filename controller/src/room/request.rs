//! What edges ask of a room: who may ask it, and what it changes.

use super::door::Guest;
use super::output::Issued;
use super::peer::Peer;
use super::{Room, Ticket, check};
use crate::clock::Now;
use crate::records::AuditKind;
use lectern_control::edge::{Joined, Notice, Request, RequestError, Response};
use lectern_control::limits::{MAX_PEERS_PER_PARTICIPANT, MAX_TRACKS_PER_PARTICIPANT};
use lectern_control::node::Command;
use lectern_control::room::{Audience, LeaveReason, Participant, Track};
use lectern_control::transport::{Duty, PeerParameters, Permissions};
use lectern_control::{EdgeId, LinkId, ParticipantId, PeerId, TrackId};
use rand::Rng;
use std::collections::BTreeSet;

type Answer = Result<Response, RequestError>;

impl Room {
    pub(super) fn execute(&mut self, now: Now, ticket: &Ticket, request: Request) -> Answer {
        if self.closed {
            return Err(RequestError::NotFound);
        }
        if let Request::Leave { participant, reason, .. } = request {
            return self.asked_to_leave(now, &ticket.edge, participant, reason);
        }
        if self.revision.is_none() {
            return Err(RequestError::Unavailable("the room's lease is lost".to_owned()));
        }
        match request {
            Request::Join { .. } => self.asked_to_join(now, &ticket.edge, request),
            Request::Knock { knock, .. } => self.knock(now, &ticket.edge, knock),
            Request::EndSession { identity, .. } => Ok(self.end_session(now, &identity)),
            Request::Moderate { by, action, .. } => {
                let authority = self.authority(&by, &action)?;
                self.moderate(now, &authority, action)
            }
            Request::SetAudience { participant, audience, .. } => {
                self.roster.of(participant, &ticket.edge)?;
                self.set_audience(participant, audience)
            }
            Request::UpdateParticipant { .. } => self.update(&ticket.edge, request),
            Request::AddTrack { participant, track, .. } => {
                self.add_track(&ticket.edge, participant, track)
            }
            Request::RemoveTrack { participant, track, .. } => {
                self.remove_track(&ticket.edge, participant, track)
            }
            Request::MuteTrack { participant, track, muted, .. } => {
                self.mute_track(&ticket.edge, participant, track, muted)
            }
            Request::AskBackup { participant, track, .. } => {
                self.ask_backup(&ticket.edge, participant, track)
            }
            Request::OpenPeer { participant, peer, parameters, warm, .. } => {
                self.open_peer(&ticket.edge, participant, peer, parameters, warm)
            }
            Request::Node { participant, command, .. } => {
                let participant = self.roster.of(participant, &ticket.edge)?;
                let (id, permissions) = (participant.id, participant.permissions);
                self.node_command(id, permissions, command)
            }
            _ => Err(RequestError::Invalid("not a request about a live room".to_owned())),
        }
    }

    fn asked_to_join(&mut self, now: Now, edge: &EdgeId, request: Request) -> Answer {
        let Request::Join {
            link,
            identity,
            name,
            role,
            permissions,
            metadata,
            attributes,
            admitted,
            issued_at_unix_ms,
            ..
        } = request
        else {
            return Err(RequestError::Invalid("not a join".to_owned()));
        };
        let guest = Guest { identity: &identity, link, role, admitted, issued_at_unix_ms };
        let role = self.check_door(now, guest)?;
        // A role that a moderator gave lets publish or not; what else an integrator grants is its own.
        let by_token = Permissions {
            publish: if self.has_given_role(&identity) {
                role.permissions().publish
            } else {
                permissions.publish
            },
            ..permissions
        };
        let participant = Participant {
            id: ParticipantId(self.ids.next_u64()),
            identity,
            name,
            role,
            permissions: if link.is_some() { role.permissions() } else { by_token },
            metadata,
            attributes,
            joined_at_unix_ms: now.unix_ms,
            version: 1,
            tracks: Vec::new(),
            edge: edge.clone(),
            audience: Audience::Everybody,
        };
        self.join(now, link, participant)
    }

    fn update(&mut self, edge: &EdgeId, request: Request) -> Answer {
        let Request::UpdateParticipant { participant, name, metadata, attributes, .. } = request
        else {
            return Err(RequestError::Invalid("not an update".to_owned()));
        };
        self.roster.of(participant, edge)?;
        self.change(participant, |known| {
            known.name = name.unwrap_or_else(|| std::mem::take(&mut known.name));
            known.metadata = metadata.unwrap_or_else(|| std::mem::take(&mut known.metadata));
            known.attributes.extend(attributes);
            known.attributes.retain(|_, value| !value.is_empty());
            check::participant(known)
        })
    }

    fn join(&mut self, now: Now, link: Option<LinkId>, participant: Participant) -> Answer {
        check::participant(&participant)?;
        let former = self.roster.by_identity(&participant.identity);
        self.roster.admits(&participant, former)?;
        if let Some(former) = former {
            self.leave(now, former, LeaveReason::DuplicateIdentity);
        }
        let id = participant.id;
        let detail = format!("{id} {:?} on {}", participant.role, participant.edge);
        self.audit(AuditKind::Joined, participant.identity.clone(), detail);
        self.roster.insert(participant.clone());
        if let Some(link) = link {
            self.came_by.insert(id, link);
        }
        self.empty_since = None;
        self.notify_all(&Notice::Participant(participant.clone()));
        self.reception_changed();
        Ok(Response::Joined(Box::new(Joined {
            participant,
            others: self.roster.others(id),
            room_name: self.meeting.name.clone(),
            created_at_unix_ms: self.began_at_unix_ms,
            placement: self.home.placement(self.id()),
            reception: self.reception(),
        })))
    }

    fn asked_to_leave(
        &mut self,
        now: Now,
        edge: &EdgeId,
        participant: ParticipantId,
        reason: LeaveReason,
    ) -> Answer {
        // Whoever removes others does so as a moderator.
        self.roster.of(participant, edge)?;
        self.leave(now, participant, reason);
        Ok(Response::Done)
    }

    fn add_track(&mut self, edge: &EdgeId, id: ParticipantId, track: Track) -> Answer {
        let participant = self.roster.of(id, edge)?;
        if !participant.permissions.publish {
            return Err(RequestError::NotPermitted);
        }
        check::track(&track)?;
        for part in track.ids() {
            self.check_track_owner(id, part)?;
        }
        self.change(id, |known| {
            if let Some(former) = known.tracks.iter_mut().find(|one| one.id == track.id) {
                // What was decided about it meanwhile stays.
                *former = Track { muted: former.muted, ..track };
                return Ok(());
            }
            if known.tracks.len() >= MAX_TRACKS_PER_PARTICIPANT {
                return Err(RequestError::Limit("tracks of a participant".to_owned()));
            }
            known.tracks.push(track);
            Ok(())
        })
    }

    fn remove_track(&mut self, edge: &EdgeId, id: ParticipantId, track: TrackId) -> Answer {
        self.roster.of(id, edge)?;
        let known = self.roster.owner_of(track) == Some(id);
        let published = self.publications.get(&track).is_some_and(|one| one.participant == id);
        if known || published {
            self.end_on_node(id, track);
        }
        match (known, published) {
            (true, _) => {
                self.withdraw(id, track);
                Ok(Response::Done)
            }
            (false, true) => Ok(Response::Done),
            (false, false) => Err(RequestError::NotFound),
        }
    }

    /// Ends a track, and its backup with it.
    pub(super) fn end_on_node(&mut self, id: ParticipantId, track: TrackId) {
        for track in self.roster.parts(track) {
            if self.publications.remove(&track).is_some() {
                self.tell_active(id, None, Command::Unpublish { track });
            }
        }
    }

    /// Shows a track, or a backup, to nobody any more.
    pub(super) fn withdraw(&mut self, participant: ParticipantId, track: TrackId) {
        if self.roster.owner_of(track) != Some(participant) {
            return;
        }
        let withdrawn = self.change(participant, |known| {
            known.tracks.retain(|one| one.id != track);
            for backup in known.tracks.iter_mut().filter_map(|one| one.backup.as_mut()) {
                backup.published.take_if(|published| published.id == track);
            }
            Ok(())
        });
        debug_assert!(withdrawn.is_ok(), "what makes a roster smaller is never refused");
    }

    /// Somebody cannot decode a track: its publisher hears that its backup is needed.
    fn ask_backup(&mut self, edge: &EdgeId, id: ParticipantId, track: TrackId) -> Answer {
        self.roster.of(id, edge)?;
        if !self.may_receive(id, track) {
            return Err(RequestError::NotPermitted);
        }
        let known = self.roster.track(track).filter(|known| known.id == track);
        let backup = known.and_then(|known| known.backup.as_ref()).ok_or(RequestError::NotFound)?;
        if backup.published.is_none()
            && let Some(participant) = self.roster.owner_of(track)
        {
            self.notify(participant, Notice::BackupWanted { participant, track });
        }
        Ok(Response::Done)
    }

    fn mute_track(
        &mut self,
        edge: &EdgeId,
        id: ParticipantId,
        track: TrackId,
        muted: bool,
    ) -> Answer {
        self.roster.of(id, edge)?;
        let known = self.roster.owner_of(track) == Some(id);
        if !known {
            return Err(RequestError::NotFound);
        }
        self.set_muted(id, track, muted);
        Ok(Response::Done)
    }

    /// Mutes a track in the roster and on the node, or does so no longer.
    pub(super) fn set_muted(&mut self, id: ParticipantId, track: TrackId, muted: bool) {
        // On the node first: what must not be heard is not heard for a moment longer.
        for track in self.roster.parts(track) {
            if let Some(publication) = self.publications.get_mut(&track) {
                publication.muted = muted;
                self.tell_active(id, None, Command::SetMuted { track, muted });
            }
        }
        let changed = self.change(id, |known| {
            known.tracks.iter_mut().filter(|one| one.id == track).for_each(|one| one.muted = muted);
            Ok(())
        });
        debug_assert!(changed.is_ok(), "a flag takes no room");
    }

    fn open_peer(
        &mut self,
        edge: &EdgeId,
        id: ParticipantId,
        peer: PeerId,
        mut parameters: Box<PeerParameters>,
        warm: bool,
    ) -> Answer {
        let participant = self.roster.of(id, edge)?;
        if parameters.participant != id {
            return Err(RequestError::NotPermitted);
        }
        check::parameters(&parameters)?;
        if self.peers.contains_key(&peer) {
            return Err(RequestError::Invalid("a peer's id is used once".to_owned()));
        }
        let count = self.peers.values().filter(|one| one.participant() == id).count();
        if count >= MAX_PEERS_PER_PARTICIPANT {
            return Err(RequestError::Limit("peers of a participant".to_owned()));
        }
        if parameters.generation < self.home.generation {
            // Its description names the candidates of a node that the room has left.
            return Err(RequestError::Unavailable("the room has moved".to_owned()));
        }
        parameters.duty = Duty::Active;
        parameters.generation = self.home.generation;
        parameters.permissions = participant.permissions;
        let standby = self.home.standby.as_ref().filter(|_| warm).map(|place| place.node.clone());
        let known = Peer {
            parameters: parameters.clone(),
            standby,
            connected: false,
            paused: BTreeSet::new(),
        };
        let standby = known.standby.clone();
        self.peers.insert(peer, known);
        let mut held_warm = parameters.clone();
        let node = self.home.primary.node.clone();
        self.command_for(node, Command::AddPeer { peer, parameters }, Issued::Open(peer));
        if let Some(node) = standby {
            held_warm.duty = Duty::Standby;
            held_warm.generation += 1;
            self.command(node, Command::AddPeer { peer, parameters: held_warm });
        }
        Ok(Response::Done)
    }

    /// A track's id belongs to whoever named it first, on the node and in the roster alike.
    pub(super) fn check_track_owner(
        &self,
        participant: ParticipantId,
        track: TrackId,
    ) -> Result<(), RequestError> {
        let published = self.publications.get(&track).map(|publication| publication.participant);
        let owners = [self.roster.owner_of(track), published];
        if owners.into_iter().flatten().any(|owner| owner != participant) {
            return Err(RequestError::NotPermitted);
        }
        Ok(())
    }

    pub(super) fn change(
        &mut self,
        participant: ParticipantId,
        change: impl FnOnce(&mut Participant) -> Result<(), RequestError>,
    ) -> Answer {
        // What is as it was goes to nobody: else one client's repetitions fill everybody's line.
        if let Some(changed) = self.roster.change(participant, change)?.cloned() {
            self.notify_all(&Notice::Participant(changed));
        }
        Ok(Response::Done)
    }
}
