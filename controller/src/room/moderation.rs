//! What moderators do about others: who may do what to whom, and what follows.

use super::Room;
use crate::clock::Now;
use crate::records::AuditKind;
use crate::standing::Out;
use lectern_control::access::{Admission, Moderation, Moderator, People};
use lectern_control::edge::{Notice, RequestError, Response};
use lectern_control::limits::MAX_KNOCK_BYTES;
use lectern_control::media::{MediaKind, Source};
use lectern_control::node::Command;
use lectern_control::room::{LeaveReason, Participant, Role, Track};
use lectern_control::transport::Permissions;
use lectern_control::{ParticipantId, PeerId, TrackId};

/// Who acts, once it is known to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// As what.
    role: Role,
    /// As the audit log names it.
    actor: String,
    /// As somebody in the room.
    identity: Option<String>,
}

impl Authority {
    /// Somebody who has shown the owner's key, outside the room.
    pub fn owner_key() -> Authority {
        Authority { role: Role::Owner, actor: "owner".to_owned(), identity: None }
    }

    /// An integrator, whose token an edge has looked at.
    pub fn integrator() -> Authority {
        Authority { role: Role::Owner, actor: "integrator".to_owned(), identity: None }
    }

    /// As the audit log names it.
    pub fn actor(&self) -> &str {
        &self.actor
    }
}

type Answer = Result<Response, RequestError>;

impl Room {
    /// Whether somebody may do something at all; owners' keys are the records' to check.
    pub fn authority(
        &mut self,
        by: &Moderator,
        action: &Moderation,
    ) -> Result<Authority, RequestError> {
        self.permit(by, least(action), action.label())
    }

    /// Whether somebody is at least that; owners' keys are the records' to check.
    pub fn permit(
        &mut self,
        by: &Moderator,
        least: Role,
        what: &str,
    ) -> Result<Authority, RequestError> {
        let authority = match by {
            Moderator::Participant(identity) => {
                let id = self.roster.by_identity(identity);
                let participant = id.and_then(|id| self.roster.get(id));
                let participant = participant.ok_or(RequestError::NotPermitted)?;
                Authority {
                    role: participant.role,
                    actor: identity.clone(),
                    identity: Some(identity.clone()),
                }
            }
            Moderator::Owner { .. } => return Err(RequestError::NotPermitted),
            Moderator::Integrator => Authority::integrator(),
        };
        if authority.role >= least {
            return Ok(authority);
        }
        let detail = format!("{what} by a {:?}", authority.role);
        self.audit(AuditKind::ModerationRefused, authority.actor, detail);
        Err(RequestError::NotPermitted)
    }

    /// The name under which somebody acts, as others in the room see it.
    pub fn shown_name(&self, by: &Authority) -> String {
        let Some(identity) = &by.identity else { return format!("the {}", by.actor) };
        let known = self.roster.by_identity(identity).and_then(|id| self.roster.get(id));
        let name = known.map(|known| known.name.clone()).filter(|name| !name.is_empty());
        name.unwrap_or_else(|| identity.clone())
    }

    /// Does what a moderator wants.
    pub fn moderate(&mut self, now: Now, by: &Authority, action: Moderation) -> Answer {
        if self.closed {
            return Err(RequestError::Absent);
        }
        if self.revision.is_none() {
            return Err(RequestError::Unavailable("the room's lease is lost".to_owned()));
        }
        match action {
            Moderation::Look => {
                let participants = self.roster.participants().cloned().collect();
                let people = People { participants, reception: self.reception() };
                return Ok(Response::People(Box::new(people)));
            }
            // Rooms that integrators name have no record to keep it in.
            Moderation::SetAccess(change) => {
                let mut access = self.meeting.access;
                access.locked = change.locked.unwrap_or(access.locked);
                access.lobby = change.lobby.unwrap_or(access.lobby);
                self.audit(AuditKind::AccessChanged, by.actor.clone(), change.describe());
                self.set_access(now, access);
                return Ok(Response::Access(access));
            }
            Moderation::Admit { identity } => self.admit_one(now, by, &identity)?,
            Moderation::AdmitAll => {
                for waiter in self.lobby.take_if(|_| true) {
                    self.audit(
                        AuditKind::Admitted,
                        by.actor.clone(),
                        waiter.shown.identity.clone(),
                    );
                    self.admit(now, waiter);
                }
                self.reception_changed();
            }
            Moderation::Refuse { identity, message } => self.refuse(now, by, &identity, message)?,
            Moderation::Mute { identity, track } => {
                let known = self.subject(by, &identity)?;
                let tracks = to_mute(known, track)?;
                let id = known.id;
                self.mute_tracks(by, id, &tracks);
            }
            Moderation::MuteAll => self.mute_all(by),
            Moderation::StopShare { identity } => {
                let known = self.subject(by, &identity)?;
                let (id, tracks) = (known.id, ids(known, is_share));
                if tracks.is_empty() {
                    return Err(RequestError::Absent);
                }
                self.audit(AuditKind::ShareStopped, by.actor.clone(), identity);
                self.unpublish(id, &tracks);
            }
            Moderation::Remove { identity } => self.remove(now, by, &identity)?,
            Moderation::SetRole { identity, role } => self.set_role(now, by, &identity, role)?,
            Moderation::HandOver { identity } => self.hand_over(now, by, &identity)?,
            Moderation::End => {
                self.audit(AuditKind::MeetingEnded, by.actor.clone(), String::new());
                self.close(now);
            }
        }
        Ok(Response::Done)
    }

    /// Somebody in the room on whom this authority may act: nobody acts on who is above.
    fn subject(&mut self, by: &Authority, identity: &str) -> Result<&Participant, RequestError> {
        let id = self.roster.by_identity(identity).ok_or(RequestError::Absent)?;
        let role = self.roster.get(id).ok_or(RequestError::Absent)?.role;
        if role > by.role {
            let detail = format!("acted on {identity}, a {role:?}");
            self.audit(AuditKind::ModerationRefused, by.actor.clone(), detail);
            return Err(RequestError::NotPermitted);
        }
        self.roster.get(id).ok_or(RequestError::Absent)
    }

    fn admit_one(&mut self, now: Now, by: &Authority, identity: &str) -> Result<(), RequestError> {
        let waiter = self.lobby.take(identity).ok_or(RequestError::Absent)?;
        self.audit(AuditKind::Admitted, by.actor.clone(), identity.to_owned());
        self.admit(now, waiter);
        self.reception_changed();
        Ok(())
    }

    fn refuse(
        &mut self,
        now: Now,
        by: &Authority,
        identity: &str,
        message: String,
    ) -> Result<(), RequestError> {
        if message.len() > MAX_KNOCK_BYTES {
            return Err(RequestError::Limit("the length of a message".to_owned()));
        }
        let waiter = self.lobby.take(identity).ok_or(RequestError::Absent)?;
        self.lobby.refuse(now.at, identity, &message);
        self.audit(AuditKind::Refused, by.actor.clone(), identity.to_owned());
        self.decide(now, identity, None, Some(Out::Refused));
        self.tell_waiter(waiter, Admission::Refused { message });
        self.reception_changed();
        Ok(())
    }

    /// Removes somebody, who stays out; who waits in the lobby or has just left as well.
    fn remove(&mut self, now: Now, by: &Authority, identity: &str) -> Result<(), RequestError> {
        let present = self.roster.by_identity(identity);
        if present.is_some() {
            self.subject(by, identity)?;
        }
        let waiter = self.lobby.take(identity);
        let departed = self.departed.iter().rev().find(|(known, _)| known == identity);
        if present.is_none() && waiter.is_none() {
            let role = departed.map(|(_, role)| *role).ok_or(RequestError::Absent)?;
            if role > by.role {
                return Err(RequestError::NotPermitted);
            }
        }
        self.audit(AuditKind::Removed, by.actor.clone(), identity.to_owned());
        // First of all the media: everything else may wait.
        if let Some(participant) = present {
            self.leave(now, participant, LeaveReason::Removed);
        }
        self.decide(now, identity, None, Some(Out::Removed));
        if let Some(waiter) = waiter {
            self.tell_waiter(waiter, Admission::Removed);
            self.reception_changed();
        }
        Ok(())
    }

    fn mute_all(&mut self, by: &Authority) {
        let others = self
            .roster
            .participants()
            .filter(|one| one.role <= by.role && by.identity.as_ref() != Some(&one.identity));
        let loud: Vec<(ParticipantId, Vec<TrackId>)> =
            others.map(|one| (one.id, ids(one, |track| is_voice(track) && !track.muted))).collect();
        for (id, tracks) in loud {
            self.mute_tracks(by, id, &tracks);
        }
    }

    fn mute_tracks(&mut self, by: &Authority, id: ParticipantId, tracks: &[TrackId]) {
        let Some(identity) = self.roster.get(id).map(|known| known.identity.clone()) else {
            return;
        };
        for track in tracks {
            self.audit(AuditKind::Muted, by.actor.clone(), format!("{identity} {track}"));
            self.set_muted(id, *track, true);
            self.notify(id, Notice::Muted { participant: id, track: *track });
        }
    }

    /// Ends tracks on the node and in the roster, and tells their publisher.
    fn unpublish(&mut self, id: ParticipantId, tracks: &[TrackId]) {
        for track in tracks {
            self.end_on_node(id, *track);
            self.withdraw(id, *track);
            self.notify(id, Notice::Unpublished { participant: id, track: *track });
        }
    }

    fn set_role(
        &mut self,
        now: Now,
        by: &Authority,
        identity: &str,
        role: Role,
    ) -> Result<(), RequestError> {
        if role == Role::Owner {
            return Err(RequestError::NotPermitted);
        }
        let known = self.subject(by, identity)?;
        let (id, former) = (known.id, known.role);
        if former == Role::Owner {
            return Err(RequestError::NotPermitted);
        }
        if former != role {
            let detail = format!("{identity} {role:?}");
            self.audit(AuditKind::RoleChanged, by.actor.clone(), detail);
            self.decide(now, identity, Some(role), None);
            self.change_role(id, role);
        }
        Ok(())
    }

    /// The other one presents from now on, and who asks does so no longer.
    fn hand_over(&mut self, now: Now, by: &Authority, identity: &str) -> Result<(), RequestError> {
        let me = by.identity.clone().ok_or(RequestError::NotPermitted)?;
        if me == *identity {
            return Err(RequestError::Invalid("handed over to oneself".to_owned()));
        }
        if self.subject(by, identity)?.role < Role::Presenter {
            self.set_role(now, by, identity, Role::Presenter)?;
        }
        if by.role == Role::Owner {
            // An owner stays one, and stops sharing for the other.
            let known = self.subject(by, &me)?;
            let (id, tracks) = (known.id, ids(known, is_share));
            self.audit(AuditKind::HandedOver, me, identity.to_owned());
            self.unpublish(id, &tracks);
            return Ok(());
        }
        self.audit(AuditKind::HandedOver, me.clone(), identity.to_owned());
        self.set_role(now, by, &me, Role::Viewer)
    }

    /// Everything that a role allows changes at once, on the node before anywhere else.
    fn change_role(&mut self, id: ParticipantId, role: Role) {
        let Some(known) = self.roster.get(id) else { return };
        // What an integrator's token says of receiving and of data is not a moderator's to change.
        let permissions = if self.came_by.contains_key(&id) {
            role.permissions()
        } else {
            Permissions { publish: role.permissions().publish, ..known.permissions }
        };
        let own = |(peer, one): (&PeerId, &super::Peer)| (one.participant() == id).then_some(*peer);
        for peer in self.peers.iter().filter_map(own).collect::<Vec<_>>() {
            if let Some(one) = self.peers.get_mut(&peer) {
                one.parameters.permissions = permissions;
            }
            self.tell_both(id, peer, Command::SetPermissions { peer, permissions });
        }
        if !permissions.publish {
            let tracks = self.roster.get(id).map(|known| ids(known, |_| true)).unwrap_or_default();
            self.unpublish(id, &tracks);
            // What a node was told of before the roster was.
            let early = self.publications.iter().filter(|(_, one)| one.participant == id);
            let early: Vec<TrackId> = early.map(|(track, _)| *track).collect();
            self.unpublish(id, &early);
        }
        let changed = self.change(id, |known| {
            (known.role, known.permissions) = (role, permissions);
            Ok(())
        });
        debug_assert!(changed.is_ok(), "a role takes no room");
        self.reception_changed();
    }
}

/// The least that one must be.
fn least(action: &Moderation) -> Role {
    match action {
        Moderation::SetAccess(change) if change.pin != Default::default() => Role::Owner,
        Moderation::End => Role::Owner,
        _ => Role::Presenter,
    }
}

fn is_share(track: &Track) -> bool {
    matches!(track.source, Source::Screen | Source::ScreenAudio)
}

fn is_voice(track: &Track) -> bool {
    track.kind == MediaKind::Audio && track.source != Source::ScreenAudio
}

fn ids(participant: &Participant, wanted: impl Fn(&Track) -> bool) -> Vec<TrackId> {
    participant.tracks.iter().filter(|track| wanted(track)).map(|track| track.id).collect()
}

/// The track that is named, or the voice.
fn to_mute(known: &Participant, track: Option<TrackId>) -> Result<Vec<TrackId>, RequestError> {
    let tracks = match track {
        Some(track) => ids(known, |one| one.id == track),
        None => ids(known, is_voice),
    };
    if tracks.is_empty() { Err(RequestError::Absent) } else { Ok(tracks) }
}
