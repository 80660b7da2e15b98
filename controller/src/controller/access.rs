//! The way in: entries, sessions, and what moderators ask; between the records and the rooms.

use super::edge::request_error;
use super::{Controller, Output};
use crate::attempts::Try;
use crate::clock::Now;
use crate::entries::Opens;
use crate::job::{RecordsDone, RecordsJob};
use crate::records::{self, AuditKind};
use crate::room::{Authority, Ticket};
use lectern_control::access::{Moderation, Moderator, Opened};
use lectern_control::edge::{Meeting, Request, RequestError, Response};
use lectern_control::{EntryId, RoomId, Secret};
use std::time::Duration;

/// Refused links written to the audit log in a minute: a flood of guesses must not fill the disk.
/// The metrics count them all.
const REFUSALS_PER_MINUTE: u32 = 60;

/// Decisions and other news that wait for the records: an hour of a busy cluster's.
pub(super) const MAX_UNKEPT: usize = 4_096;
/// How often the records are asked again, and for how many.
const KEEP_AGAIN: Duration = Duration::from_secs(1);
const KEEP_AT_ONCE: usize = 64;

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

/// Somebody tries to open a session.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    entry: EntryId,
    opens: Opens,
    /// With a PIN.
    tried: bool,
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
                    self.audit_asked(now, AuditKind::PinBlocked, Some(opens.room), &ticket);
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
        attempt: Attempt,
        result: Result<Option<Meeting>, records::Error>,
    ) {
        let Attempt { entry, opens, tried } = attempt;
        let wrong = matches!(result, Ok(None));
        // Owners are asked for none: what they send was never taken, and is not given back.
        if tried && !wrong && opens.link.is_some() {
            self.attempts.right(opens.room);
        }
        let answer = match result {
            Ok(Some(meeting)) if self.entries.take(now.at, entry) => {
                let detail = format!("{:?}", opens.role);
                let by = (ticket.edge.as_str(), detail);
                self.audit(now, AuditKind::SessionOpened, Some(opens.room), by);
                let Opens { link, role, .. } = opens;
                Ok(Response::Opened(Box::new(Opened { role, link, meeting })))
            }
            // Two at once: one of them.
            Ok(Some(_)) => Err(RequestError::EntryInvalid),
            Ok(None) => {
                if tried && self.refusals.may_log(now) {
                    self.audit_asked(now, AuditKind::PinRefused, Some(opens.room), ticket);
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
            _ => {
                let error = RequestError::Invalid("nothing a moderator asks".to_owned());
                return self.conclude(&ticket, Err(error));
            }
        };
        let is_owner = matches!(by, Moderator::Owner { .. });
        let lasting = matches!(action, Moderation::SetAccess(_)) && !room.is_named();
        let is_for_records = is_owner || lasting || matches!(request, Request::Audit { .. });
        if !is_for_records {
            if !self.rooms.contains_key(&room) {
                return self.conclude(&ticket, Err(RequestError::Absent));
            }
            return self.with_room(now, room, |room| room.handle_request(now, ticket, request));
        }
        // The records know owners' keys; who is what in a live room, the room does.
        if !is_owner {
            let mut allowed = Err(RequestError::Absent);
            self.with_room(now, room, |room| allowed = room.authority(by, action).map(|_| ()));
            if let Err(error) = allowed {
                return self.conclude(&ticket, Err(error));
            }
        }
        self.ask_records(now, ticket, request);
    }

    pub(super) fn records_done(&mut self, now: Now, done: RecordsDone) {
        match done {
            RecordsDone::Loaded { room, result } => self.loaded(room, result),
            RecordsDone::Entered { ticket, entry, opens, tried, result } => {
                self.entered(now, &ticket, Attempt { entry, opens, tried }, result);
            }
            RecordsDone::Remembered { job, result } => self.remembered(*job, &result),
            RecordsDone::Recording(done) => self.archive_done(now, done),
            RecordsDone::Answered { ticket, request, result } => {
                self.records_answered(now, &ticket, &request, &result);
                if matches!((&request, &result), (Request::Record { .. }, Ok(_))) {
                    return self.record_as_owner(now, ticket, &request);
                }
                if let (Request::Moderate { room, by, action }, Ok(response)) = (request, &result) {
                    return self.permitted(now, ticket, room, (&by, action), response.clone());
                }
                self.conclude(&ticket, result.map_err(request_error));
            }
        }
    }

    /// The records have nothing against what a moderator wants: the room does it, if it is live.
    fn permitted(
        &mut self,
        now: Now,
        ticket: Ticket,
        id: RoomId,
        (by, action): (&Moderator, Moderation),
        response: Response,
    ) {
        if let Response::Access(access) = response {
            let actor = match by {
                Moderator::Participant(identity) => identity.as_str(),
                Moderator::Owner { .. } => "owner",
                Moderator::Integrator => "integrator",
            };
            let detail = match &action {
                Moderation::SetAccess(change) => change.describe(),
                other => other.label().to_owned(),
            };
            self.audit(now, AuditKind::AccessChanged, Some(id), (actor, detail));
            self.with_room(now, id, |room| room.set_access(now, access));
            if let Some(opening) = self.opening.get_mut(&id) {
                opening.access = Some(access);
            }
            return self.conclude(&ticket, Ok(response));
        }
        if !self.rooms.contains_key(&id) {
            // The key is right; there is nobody to act on.
            let answer = match action {
                Moderation::Look => Ok(Response::People(Box::default())),
                _ => Err(RequestError::Absent),
            };
            return self.conclude(&ticket, answer);
        }
        let by = Authority::owner_key();
        self.with_room(now, id, |room| room.handle_moderation(now, ticket, by, action));
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
                self.audit_asked(now, AuditKind::MeetingCreated, Some(meeting.room), ticket);
            }
            (Request::CreateLink { room, .. }, Ok(Response::Link(link))) => {
                self.audit_asked(now, AuditKind::LinkCreated, Some(*room), ticket);
                if let Some(live) = self.rooms.get_mut(room) {
                    live.add_link(link.clone());
                }
                if let Some(opening) = self.opening.get_mut(room) {
                    opening.links_made.push(link.clone());
                }
            }
            (Request::RevokeLink { room, link, .. }, Ok(_)) => {
                self.audit_asked(now, AuditKind::LinkRevoked, Some(*room), ticket);
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
            (Request::OpenEntry { .. }, Err(records::Error::NotFound)) => {
                self.link_refused(now, ticket);
            }
            _ => {}
        }
    }

    /// Somebody showed a link that opens nothing.
    pub(super) fn link_refused(&mut self, now: Now, ticket: &Ticket) {
        if self.refusals.may_log(now) {
            self.audit_asked(now, AuditKind::LinkRefused, None, ticket);
        }
    }

    /// Writes what an edge asked for; who asked the edge, it alone knows.
    fn audit_asked(&mut self, now: Now, kind: AuditKind, room: Option<RoomId>, ticket: &Ticket) {
        self.audit(now, kind, room, (ticket.edge.as_str(), String::new()));
    }

    /// What could not be kept is tried again: it holds in the live room, and must hold afterwards.
    fn remembered(&mut self, job: RecordsJob, result: &Result<(), records::Error>) {
        if result.is_ok() {
            return;
        }
        self.keep_later(job);
    }

    /// What the records could not keep is tried again.
    pub(super) fn keep_later(&mut self, job: RecordsJob) {
        self.unkept.push_back(job);
        if self.unkept.len() > MAX_UNKEPT {
            self.unkept.pop_front();
            tracing::error!("something is lost: the records are away for too long");
        }
    }

    /// Tries once more to keep what could not be kept.
    pub(super) fn keep_again(&mut self, now: Now) {
        if self.keep_again_at.is_some_and(|at| now.at < at) {
            return;
        }
        self.keep_again_at = Some(now.at + KEEP_AGAIN);
        let count = self.unkept.len().min(KEEP_AT_ONCE);
        self.out.extend(self.unkept.drain(..count).map(Output::Records));
    }
}
