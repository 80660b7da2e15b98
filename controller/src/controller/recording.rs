//! Recordings on and off: who may, where they go, and what becomes of them when a recorder is lost.

use super::Controller;
use super::edge::request_error;
use crate::clock::Now;
use crate::job::{RecordingDone, RecordingJob, RecordsJob, Turn};
use crate::recordings::{Live, MAX_ASKED, Starting};
use crate::records::{self, AuditKind, LiveRecording, NewRecording};
use crate::room::{self, Authority, Ticket};
use lectern_control::access::Moderator;
use lectern_control::edge::{Request, RequestError, Response};
use lectern_control::recorder::{Event, ToRecorder};
use lectern_control::recording::Recorded;
use lectern_control::room::Role;
use lectern_control::{RecorderId, RecordingId, RoomId};
use rand::Rng;
use std::time::Duration;

/// How soon the records are asked again what goes on, where they did not say.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Somebody who may turn recording on and off.
#[derive(Debug)]
struct Asker {
    actor: String,
    shown: String,
}

impl Controller {
    /// Whether it is known which recordings go on. Before, no recorder can be told what to go on with.
    pub fn knows_recordings(&self) -> bool {
        self.settled && self.knows_recordings
    }

    /// Somebody turns recording on or off. Owners' keys are the records' matter.
    pub(super) fn record(&mut self, now: Now, ticket: Ticket, request: Request) {
        let Request::Record { room: id, ref by, on } = request else { return };
        if matches!(by, Moderator::Owner { .. }) {
            return self.ask_records(now, ticket, request);
        }
        if *by == Moderator::Integrator {
            return self.record_from_outside(now, ticket, (id, on), &Authority::integrator());
        }
        let mut allowed = Err(RequestError::Absent);
        self.with_room(now, id, |room| {
            allowed = room.permit(by, Role::Presenter, "record").map(|by| asker(room, &by));
        });
        match allowed {
            Ok(asker) => self.switch(now, ticket, id, asker, on),
            Err(error) => self.conclude(&ticket, Err(error)),
        }
    }

    /// The records know the key of an owner who turns recording on or off.
    pub(super) fn record_as_owner(&mut self, now: Now, ticket: Ticket, request: &Request) {
        let Request::Record { room, on, .. } = request else { return };
        self.record_from_outside(now, ticket, (*room, *on), &Authority::owner_key());
    }

    /// Somebody who needs not be in the room, and may, turns recording on or off.
    fn record_from_outside(
        &mut self,
        now: Now,
        ticket: Ticket,
        (id, on): (RoomId, bool),
        by: &Authority,
    ) {
        let mut known = None;
        self.with_room(now, id, |room| known = Some(asker(room, by)));
        if let Some(asker) = known {
            return self.switch(now, ticket, id, asker, on);
        }
        // It may wait for a room that is not live yet again.
        let waiting = self.recordings.of_room(id).map(|(waiting, _)| waiting);
        let Some(waiting) = waiting.filter(|_| !on) else {
            return self.conclude(&ticket, Err(RequestError::Absent));
        };
        self.conclude(&ticket, Ok(Response::Recorded(None)));
        let by = (by.actor(), waiting.to_string());
        self.audit(now, AuditKind::RecordingStopped, Some(id), by);
        self.recording_over(now, waiting);
    }

    fn switch(&mut self, now: Now, ticket: Ticket, id: RoomId, asker: Asker, on: bool) {
        if on {
            return self.turn_on(now, ticket, id, asker);
        }
        if let Some(starting) = self.recordings.starting(id) {
            starting.cancelled = true;
        }
        self.conclude(&ticket, Ok(Response::Recorded(None)));
        self.with_room(now, id, |room| room.stop_recording(now, &asker.actor));
    }

    fn turn_on(&mut self, now: Now, ticket: Ticket, id: RoomId, asker: Asker) {
        let room = self.rooms.get(&id);
        let shown = room.filter(|room| room.recording().is_some()).and_then(|room| room.recorded());
        if let Some(shown) = shown.cloned() {
            return self.conclude(&ticket, Ok(Response::Recorded(Some(shown))));
        }
        if let Some(starting) = self.recordings.starting(id) {
            if starting.asked.len() >= MAX_ASKED {
                let error = RequestError::Unavailable("the recording is being made".to_owned());
                return self.conclude(&ticket, Err(error));
            }
            starting.cancelled = false;
            return starting.asked.push(ticket);
        }
        if !self.start_recording(now, id, &asker, (Some(ticket.clone()), None)) {
            self.conclude(&ticket, Err(RequestError::NoRecorder));
        }
    }

    /// Has the records make a recording; whether there is a recorder for it.
    fn start_recording(
        &mut self,
        now: Now,
        id: RoomId,
        asker: &Asker,
        (ticket, after): (Option<Ticket>, Option<RecordingId>),
    ) -> bool {
        let Some(recorder) = self.choose_recorder(id, None) else { return false };
        let Some(room) = self.rooms.get(&id) else { return false };
        let new = NewRecording {
            id: RecordingId(self.ids.next_u64()),
            room: id,
            title: room.name().to_owned(),
            started_by: asker.shown.clone(),
            started_unix_ms: now.unix_ms,
            recorder: recorder.name,
        };
        let (actor, asked) = (asker.actor.clone(), ticket.into_iter().collect());
        let starting = Starting { id: new.id, actor, asked, after, cancelled: false };
        self.recordings.start(id, starting);
        self.ask_archive(RecordingJob::Begin(new));
        true
    }

    fn choose_recorder(&self, id: RoomId, avoid: Option<&RecorderId>) -> Option<room::Recorder> {
        let room = self.rooms.get(&id)?;
        let near = self.nodes.region(&room.home().primary.node).unwrap_or(room.region());
        self.recorders.choose(near, |name| self.recordings.count_at(name), avoid)
    }

    /// The records have answered about recordings.
    pub(super) fn archive_done(&mut self, now: Now, done: RecordingDone) {
        match done {
            RecordingDone::Catalogue { ticket, request, result } => {
                self.catalogued(now, &ticket, &request, result);
            }
            RecordingDone::Begun { new, result } => self.begun(now, new, result),
            RecordingDone::Noted { recording, turn, result } => {
                if result.is_err() {
                    let job = RecordingJob::Note(recording, turn);
                    self.keep_later(RecordsJob::Recording(job));
                }
            }
            RecordingDone::StatusKept { recorder, status, result } => {
                self.status_kept(recorder, status, result);
            }
            RecordingDone::Live(result) => self.restore_recordings(now, result),
            RecordingDone::Doomed(result) => self.doomed(now, result),
        }
    }

    /// What a former process began goes on, if people come back to it.
    fn restore_recordings(&mut self, now: Now, live: Result<Vec<LiveRecording>, records::Error>) {
        let Ok(live) = live else { return };
        if std::mem::replace(&mut self.knows_recordings, true) {
            return;
        }
        for known in live {
            self.recorders.expect(now, &known.recorder);
            self.recordings.restore(now, known);
        }
    }

    fn begun(&mut self, now: Now, new: NewRecording, result: Result<(), records::Error>) {
        let (id, room) = (new.id, new.room);
        let Some(starting) = self.recordings.started(room, id) else { return };
        let Starting { actor, asked, after, cancelled, .. } = starting;
        let room_recording = self.rooms.get(&room).and_then(|room| room.recording());
        let is_live = self.rooms.contains_key(&room);
        // One that follows on another does not begin where that was ended meanwhile.
        let cancelled = cancelled || (after.is_some() && after != room_recording);
        let answer = match result {
            Err(error) => Err(request_error(error)),
            Ok(()) if cancelled || !is_live => {
                self.ask_archive(RecordingJob::Note(id, Turn::Forgotten));
                if cancelled { Ok(Response::Recorded(None)) } else { Err(RequestError::Absent) }
            }
            Ok(()) => {
                let (by, since_unix_ms) = (new.started_by.clone(), new.started_unix_ms);
                let shown = Recorded { recording: id, by, since_unix_ms, trouble: None };
                Ok(Response::Recorded(Some(shown)))
            }
        };
        let begins = matches!(answer, Ok(Response::Recorded(Some(_))));
        for ticket in asked {
            self.conclude(&ticket, answer.clone());
        }
        if begins {
            self.audit(now, AuditKind::RecordingStarted, Some(room), (&actor, id.to_string()));
            let NewRecording { started_by, started_unix_ms, recorder, .. } = new;
            self.recordings.begin(id, Live::new(room, started_by, started_unix_ms, recorder));
            self.record_in_room(now, id);
        }
    }

    /// A recording begins, or goes on, in its room, which is live.
    pub(super) fn record_in_room(&mut self, now: Now, id: RecordingId) {
        let Some(live) = self.recordings.get(id).cloned() else { return };
        let Live { room, by, started_unix_ms: since_unix_ms, recorder, .. } = live;
        let begin = room::Begin { id, by, since_unix_ms, recorder: None };
        self.with_room(now, room, |room| room.begin_recording(now, begin));
        if self.recorders.link(&recorder).is_some() {
            self.record_there(now, id);
        }
    }

    /// The recorder of a recording, which is linked, is told of it, with all that is true in its room.
    pub(super) fn record_there(&mut self, now: Now, id: RecordingId) {
        let Some(live) = self.recordings.get_mut(id) else { return };
        live.lost = false;
        let (recorder, room) = (live.recorder.clone(), live.room);
        let started_unix_ms = live.started_unix_ms;
        self.tell_recorder(&recorder, ToRecorder::Open { recording: id, room, started_unix_ms });
        let Some(place) = self.recorders.place(&recorder) else { return };
        self.with_room(now, room, |room| {
            if room.recording() == Some(id) {
                room.record_at(now, place);
            }
        });
    }

    pub(super) fn note(&mut self, now: Now, recording: RecordingId, event: Event) {
        let Some(live) = self.recordings.get(recording) else { return };
        let (recorder, at_unix_ms) = (live.recorder.clone(), now.unix_ms);
        self.tell_recorder(&recorder, ToRecorder::Note { recording, at_unix_ms, event });
    }

    /// A recording has ended, for whatever reason.
    pub(super) fn recording_over(&mut self, now: Now, id: RecordingId) {
        let Some(live) = self.recordings.end(id) else { return };
        self.tell_recorder(&live.recorder, ToRecorder::Close { recording: id });
        self.ask_archive(RecordingJob::Note(id, Turn::Ended(now.unix_ms)));
    }

    /// Brings recordings from what is to what should be.
    pub(super) fn look_after_recordings(&mut self, now: Now) {
        if !self.knows_recordings {
            if self.ask_live_at.is_none_or(|at| now.at >= at) {
                self.ask_live_at = Some(now.at + ASK_AGAIN);
                self.ask_archive(RecordingJob::Live);
            }
            return;
        }
        self.look_for_doomed(now);
        for id in self.recordings.ids() {
            self.look_after_recording(now, id);
        }
    }

    fn look_after_recording(&mut self, now: Now, id: RecordingId) {
        let Some(live) = self.recordings.get(id).cloned() else { return };
        let room = self.rooms.get(&live.room);
        if room.is_none_or(|room| room.recording() != Some(id)) {
            if self.recordings.await_room(now, id) {
                let by = ("", format!("{id} nobody came back"));
                self.audit(now, AuditKind::RecordingStopped, Some(live.room), by);
                self.recording_over(now, id);
            }
            return;
        }
        self.recordings.room_found(id);
        if self.recorders.is_alive(&live.recorder) {
            if live.lost && self.recorders.link(&live.recorder).is_some() {
                self.record_there(now, id);
            }
        } else {
            self.rescue(now, id, &live);
        }
        if live.is_long(now) && self.recordings.starting(live.room).is_none() {
            let asker = Asker { actor: String::new(), shown: live.by.clone() };
            // Without a recorder it just goes on.
            self.start_recording(now, live.room, &asker, (None, Some(id)));
        }
    }

    /// The recorder is silent: the recording goes on at another one, or waits.
    fn rescue(&mut self, now: Now, id: RecordingId, live: &Live) {
        let Some(other) = self.choose_recorder(live.room, Some(&live.recorder)) else {
            if !live.lost {
                tracing::warn!(recording = %id, recorder = %live.recorder, "no recorder is left");
                if let Some(live) = self.recordings.get_mut(id) {
                    live.lost = true;
                }
                self.with_room(now, live.room, |room| room.recorder_lost(now));
            }
            return;
        };
        tracing::warn!(recording = %id, from = %live.recorder, to = %other.name, "taken over");
        self.metrics.recordings_moved.inc();
        if let Some(live) = self.recordings.get_mut(id) {
            live.take_over(other.name.clone());
        }
        self.ask_archive(RecordingJob::Note(id, Turn::TakenOver(other.name)));
        self.record_there(now, id);
    }
}

fn asker(room: &room::Room, by: &Authority) -> Asker {
    Asker { actor: by.actor().to_owned(), shown: room.shown_name(by) }
}
