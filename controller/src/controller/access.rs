//! The way in: entries, sessions, and what moderators ask; between the records and the rooms.

use super::edge::request_error;
use super::{Controller, Output};
use crate::attempts::Try;
use crate::clock::Now;
use crate::entries::Opens;
use crate::job::{RecordsDone, RecordsJob};
use crate::records::{self, AuditEntry, AuditKind};
use crate::room::{Authority, Ticket};
use lectern_control::access::{Moderation, Moderator, Opened};
use lectern_control::edge::{Meeting, Request, RequestError, Response};
use lectern_control::{EntryId, RoomId, Secret};

/// Refused links written to the audit log in a minute: a flood of guesses must not fill the disk.
/// The metrics count them all.
const REFUSALS_PER_MINUTE: u32 = 60;

/// Counts what went into the audit log in the present minute.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    minute: u64,
    count: u32,
}

impl Refusals {
    fn may_log(&mut self, now: Now) -> bool {
        let minute = now.unix_ms / 60_000;
        if self.minute != minute {
            *self = Refusals { minute, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= REFUSALS_PER_MINUTE
    }
}

impl Controller {
    /// The second step into a meeting. The PIN counts as a wrong one until it is known to be right.
    pub(super) fn open_session(
        &mut self,
        now: Now,
        ticket: Ticket,
        entry: EntryId,
        pin: Option<Secret<String>>,
    ) {
        let Some(opens) = self.entries.get(now.at, entry) else {
            return self.conclude(&ticket, Err(RequestError::EntryInvalid));
        };
        if pin.is_some() && opens.link.is_some() {
            match self.attempts.take(opens.room, now.at) {
                Try::Granted => {}
                Try::Last => {
                    self.audit_room(now, AuditKind::PinBlocked, opens.room, String::new());
                }
                Try::Blocked { wait } => {
                    let retry_after_s = wait.as_secs() + 1;
                    return self.conclude(&ticket, Err(RequestError::TooOften { retry_after_s }));
                }
            }
        }
        let now_unix_ms = now.unix_ms;
        let job = RecordsJob::Enter { ticket, entry, opens, pin, now_unix_ms };
        self.out.push_back(Output::Records(job));
    }

    fn entered(
        &mut self,
        now: Now,
        ticket: &Ticket,
        (entry, opens, tried): (EntryId, Opens, bool),
        result: Result<Option<Meeting>, records::Error>,
    ) {
        let wrong = matches!(result, Ok(None));
        if tried && !wrong {
            self.attempts.right(opens.room);
        }
        let answer = match result {
            Ok(Some(meeting)) if self.entries.take(now.at, entry) => {
                let detail = format!("{:?}", opens.role);
                self.audit_room(now, AuditKind::SessionOpened, opens.room, detail);
                let Opens { link, role, .. } = opens;
                Ok(Response::Opened(Box::new(Opened { role, link, meeting })))
            }
            // Two at once: one of them.
            Ok(Some(_)) => Err(RequestError::EntryInvalid),
            Ok(None) => {
                if tried && self.refusals.may_log(now) {
                    self.audit_room(now, AuditKind::PinRefused, opens.room, String::new());
                }
                Err(RequestError::PinWrong)
            }
            Err(error) => Err(request_error(error)),
        };
        self.conclude(ticket, answer);
    }

    /// Somebody acts on others. Owners' keys, and what outlives the room, are the records' matter.
    pub(super) fn moderate(&mut self, now: Now, ticket: Ticket, request: Request) {
        let (room, by, action) = match &request {
            Request::Moderate { room, by, action } => (*room, by, action),
            // The log is its owner's, as the end of the meeting is.
            Request::Audit { room, by, .. } => (*room, by, &Moderation::End),
            _ => return,
        };
        let is_owner = matches!(by, Moderator::Owner { .. });
        if !is_owner {
            let mut allowed = Err(RequestError::NotFound);
            let (by, action) = (by.clone(), action.clone());
            self.with_room(now, room, |room| allowed = room.authority(&by, &action).map(|_| ()));
            if let Err(error) = allowed {
                return self.conclude(&ticket, Err(error));
            }
        }
        let lasting = matches!(action, Moderation::SetAccess(_)) && !room.is_named();
        if is_owner || lasting || matches!(request, Request::Audit { .. }) {
            return self.ask_records(now, ticket, request);
        }
        self.with_room(now, room, |room| room.handle_request(now, ticket, request));
    }

    pub(super) fn records_done(&mut self, now: Now, done: RecordsDone) {
        match done {
            RecordsDone::Loaded { room, result } => self.loaded(room, result),
            RecordsDone::Entered { ticket, entry, opens, tried, result } => {
                self.entered(now, &ticket, (entry, opens, tried), result);
            }
            // It holds while the room is live; that it was not kept is counted and logged.
            RecordsDone::Remembered { .. } => {}
            RecordsDone::Answered { ticket, request, result } => {
                self.records_answered(now, &ticket, &request, &result);
                if let (Request::Moderate { room, by, action }, Ok(response)) = (request, &result) {
                    return self.permitted(now, &ticket, room, &by, action, response.clone());
                }
                self.conclude(&ticket, result.map_err(request_error));
            }
        }
    }

    /// The records have nothing against what a moderator wants: the room does it, if it is live.
    fn permitted(
        &mut self,
        now: Now,
        ticket: &Ticket,
        id: RoomId,
        by: &Moderator,
        action: Moderation,
        response: Response,
    ) {
        if let Response::Access(access) = response {
            let actor = match by {
                Moderator::Participant(identity) => identity.as_str(),
                Moderator::Owner { .. } => "owner",
                Moderator::Integrator => "integrator",
            };
            let at_unix_ms = now.unix_ms;
            let (actor, detail) = (actor.to_owned(), format!("{access:?}"));
            let kind = AuditKind::AccessChanged;
            self.out.push_back(Output::Audit(AuditEntry {
                at_unix_ms,
                kind,
                room: Some(id),
                actor,
                detail,
            }));
            self.with_room(now, id, |room| room.set_access(now, access));
            if let Some(opening) = self.opening.get_mut(&id) {
                opening.access = Some(access);
            }
            return self.conclude(ticket, Ok(response));
        }
        let mut answer = Err(RequestError::NotFound);
        self.with_room(now, id, |room| {
            answer = room.moderate(now, &Authority::owner_key(), action);
        });
        self.conclude(ticket, answer);
    }

    fn records_answered(
        &mut self,
        now: Now,
        ticket: &Ticket,
        request: &Request,
        result: &Result<Response, records::Error>,
    ) {
        match (request, result) {
            (Request::CreateMeeting { .. }, Ok(Response::Meeting(meeting))) => {
                self.audit(now, AuditKind::MeetingCreated, Some(meeting.room), &ticket.edge);
            }
            (Request::CreateLink { room, .. }, Ok(Response::Link(link))) => {
                self.audit(now, AuditKind::LinkCreated, Some(*room), &ticket.edge);
                if let Some(live) = self.rooms.get_mut(room) {
                    live.add_link(link.clone());
                }
                if let Some(opening) = self.opening.get_mut(room) {
                    opening.links_made.push(link.clone());
                }
            }
            (Request::RevokeLink { room, link, .. }, Ok(_)) => {
                self.audit(now, AuditKind::LinkRevoked, Some(*room), &ticket.edge);
                self.with_room(now, *room, |room| room.revoke_link(now, *link));
                if let Some(opening) = self.opening.get_mut(room) {
                    opening.links_revoked.push(*link);
                }
            }
            (Request::OpenEntry { .. }, Ok(Response::Entry(entry))) => {
                let (room, role) = (entry.meeting.room, entry.role);
                let link = entry.link.as_ref().map(|link| link.id);
                self.entries.open(now.at, entry.id, Opens { room, link, role });
            }
            (Request::OpenEntry { .. }, Err(records::Error::NotFound))
                if self.refusals.may_log(now) =>
            {
                self.audit(now, AuditKind::LinkRefused, None, &ticket.edge);
            }
            _ => {}
        }
    }

    fn audit_room(&mut self, now: Now, kind: AuditKind, room: RoomId, detail: String) {
        let (at_unix_ms, room, actor) = (now.unix_ms, Some(room), String::new());
        self.out.push_back(Output::Audit(AuditEntry { at_unix_ms, kind, room, actor, detail }));
    }
}
