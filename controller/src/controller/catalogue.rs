//! What edges ask about recordings: who may, what is written into the audit log, and what recorders are
//! told for it.

use super::Controller;
use super::edge::request_error;
use crate::clock::Now;
use crate::job::RecordingJob;
use crate::records::{self, Answer, AuditKind, Found, Present};
use crate::room::Ticket;
use lectern_control::access::Moderator;
use lectern_control::edge::{Reader, Request, RequestError, Response};
use lectern_control::recorder::{Ticket as Opener, ToRecorder};
use lectern_control::recording::{Change, Readable, Recording, State};
use lectern_control::room::Role;
use lectern_control::{JobId, RecorderId, RecordingId, RoomId, Secret};
use rand::Rng;
use std::time::Duration;

/// How long a ticket opens a file: edges ask for another in time, and what was revoked is closed soon.
const GRANTED_FOR: Duration = Duration::from_secs(300);

impl Controller {
    /// Somebody asks about recordings. Owners' keys and links are the records' matter; integrators'
    /// tokens their edge has looked at; who is in the room must be its owner there.
    pub(super) fn ask_catalogue(&mut self, now: Now, ticket: Ticket, request: Request) {
        if let Some((room, by @ Moderator::Participant(_))) = keeper(&request) {
            let mut allowed = Err(RequestError::Absent);
            self.with_room(now, room, |room| {
                allowed = room.permit(by, Role::Owner, "keep recordings").map(|_| ());
            });
            if let Err(error) = allowed {
                return self.conclude(&ticket, Err(error));
            }
        }
        let (fresh, reachable) = (self.ids.next_u64(), self.recorders.linked());
        let present = Present { now_unix_ms: now.unix_ms, fresh, reachable };
        self.ask_archive(RecordingJob::Catalogue { ticket, request, present });
    }

    pub(super) fn catalogued(
        &mut self,
        now: Now,
        ticket: &Ticket,
        request: &Request,
        result: Result<Answer, records::Error>,
    ) {
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => {
                let shown = matches!(request, Request::SharedRecording { .. });
                if shown && matches!(error, records::Error::NotFound) {
                    self.link_refused(now, ticket);
                }
                return self.conclude(ticket, Err(request_error(error)));
            }
        };
        let response = match answer {
            Answer::Plain(response) => {
                self.changed(now, request, &response);
                response
            }
            Answer::Composed { recording, jobs } => {
                self.compose(now, request, jobs);
                Response::Recording(recording)
            }
            Answer::Found(found) => self.grant(now, request, *found),
        };
        self.conclude(ticket, Ok(self.brought_up(response)));
    }

    /// Writes down who did what to a recording.
    fn changed(&mut self, now: Now, request: &Request, response: &Response) {
        let Request::ChangeRecording { room, by, recording, change } = request else { return };
        let (kind, detail) = match (change, response) {
            (Change::Rename { .. }, _) => (AuditKind::RecordingRenamed, recording.to_string()),
            (Change::Delete, _) => (AuditKind::RecordingDeleted, recording.to_string()),
            (Change::Share { .. }, Response::Shared(share)) => {
                (AuditKind::RecordingShared, format!("{recording} {}", share.id))
            }
            (Change::Unshare { share }, _) => {
                (AuditKind::RecordingUnshared, format!("{recording} {share}"))
            }
            (Change::Share { .. } | Change::Compose { .. }, _) => return,
        };
        self.audit(now, kind, Some(*room), (actor(by), detail));
        if matches!(change, Change::Delete) {
            self.delete(now, *room, *recording, actor(by));
        }
    }

    /// What goes on ends first; then every recorder that has something of it is told.
    fn delete(&mut self, now: Now, room: RoomId, id: RecordingId, actor: &str) {
        self.with_room(now, room, |room| {
            if room.recording() == Some(id) {
                room.stop_recording(now, actor);
            }
        });
        self.recording_over(now, id);
        self.doom_due = Some(now.at);
    }

    fn compose(&mut self, now: Now, request: &Request, jobs: Vec<(RecorderId, JobId)>) {
        let Request::ChangeRecording { room, by, recording, change } = request else { return };
        let Change::Compose { layout, without } = change else { return };
        for (recorder, job) in jobs {
            let (recording, layout, without) = (*recording, *layout, without.clone());
            let compose = ToRecorder::Compose { recording, job, layout, without };
            self.tell_recorder(&recorder, compose);
            let by = (actor(by), format!("{recording} {job}"));
            self.audit(now, AuditKind::RecordingComposed, Some(*room), by);
        }
    }

    /// Lets an edge read a file for somebody.
    fn grant(&mut self, now: Now, request: &Request, found: Found) -> Response {
        let Found { recorder, room, title, file, share } = found;
        let addresses = self.recorders.place(&recorder).map(|place| place.addresses);
        let mut ticket = Opener::default();
        self.ids.fill_bytes(&mut ticket);
        let ticket = Secret::new(ticket);
        if let Request::ReadRecording { by, recording, download, .. } = request {
            let lifetime = u64::try_from(GRANTED_FOR.as_millis()).unwrap_or(u64::MAX);
            let grant = ToRecorder::Grant {
                ticket: ticket.clone(),
                recording: *recording,
                file: file.name.clone(),
                until_unix_ms: now.unix_ms.saturating_add(lifetime),
            };
            self.tell_recorder(&recorder, grant);
            let kind = match download {
                true => AuditKind::RecordingDownloaded,
                false => AuditKind::RecordingRead,
            };
            let detail = format!("{recording} {}", file.name);
            match by {
                Reader::Moderator { by, .. } => {
                    self.audit(now, kind, Some(room), (actor(by), detail));
                }
                Reader::Share { .. } => {
                    let by = share.map(|share| share.to_string()).unwrap_or_default();
                    self.audit(now, kind, Some(room), (&by, detail));
                }
                // Written down when it was granted.
                Reader::Granted { .. } => {}
            }
        }
        let addresses = addresses.unwrap_or_default();
        Response::Readable(Box::new(Readable { addresses, ticket, share, title, file }))
    }

    /// What is true just now and in no record yet: that a recording has ended, that a recorder is away.
    fn brought_up(&self, mut response: Response) -> Response {
        match &mut response {
            Response::Recording(recording) => self.bring_up(recording),
            Response::Recordings { recordings, .. } => {
                recordings.iter_mut().for_each(|recording| self.bring_up(recording));
            }
            _ => {}
        }
        response
    }

    fn bring_up(&self, recording: &mut Recording) {
        let Some(live) = self.recordings.get(recording.id) else {
            if recording.status.state == State::Recording && self.knows_recordings {
                recording.status.state = State::Processing;
            }
            return;
        };
        let shown = self.rooms.get(&live.room).and_then(|room| room.recorded());
        let shown = shown.filter(|shown| shown.recording == recording.id);
        if let Some(trouble) = shown.and_then(|shown| shown.trouble.clone()) {
            recording.status.trouble = Some(trouble);
        }
    }
}

/// Who asks as one who keeps the recordings of a room.
fn keeper(request: &Request) -> Option<(RoomId, &Moderator)> {
    match request {
        Request::Recordings { room, by, .. }
        | Request::Recording { room, by, .. }
        | Request::ChangeRecording { room, by, .. }
        | Request::ReadRecording { by: Reader::Moderator { room, by }, .. } => Some((*room, by)),
        _ => None,
    }
}

/// Whom the audit log names.
fn actor(by: &Moderator) -> &str {
    match by {
        Moderator::Participant(identity) => identity,
        Moderator::Owner { .. } => "owner",
        Moderator::Integrator => "integrator",
    }
}
