//! What recorders say, and what they are to destroy.

use super::{Controller, Output, Role};
use crate::clock::Now;
use crate::job::{RecordingJob, RecordsJob};
use crate::recorders::{Hello, Refusal};
use crate::records::{self, AuditKind, Doomed, Kept};
use lectern_control::recorder::{FromRecorder, ToRecorder};
use lectern_control::recording::{State, Status, Trouble, TroubleKind};
use lectern_control::{RecorderId, RecordingId, Version};
use std::time::Duration;

/// How often recordings whose time is over are looked for, and recorders reminded of what they have not
/// destroyed yet.
const DOOM_EVERY: Duration = Duration::from_secs(60);

impl Controller {
    pub(super) fn recorder_said(&mut self, now: Now, link: u64, message: FromRecorder) {
        if let FromRecorder::Hello { version, recorder: name, region, addresses } = message {
            return self.recorder_hello(now, link, Hello { version, name, region, addresses });
        }
        let Some(recorder) = self.recorders.handle_sign_of_life(now, link) else {
            return self.ignore(Role::Recorder, "early");
        };
        match message {
            FromRecorder::Heartbeat(load) => self.recorders.handle_heartbeat(&recorder, load),
            FromRecorder::Status(status) => self.status_said(now, recorder, status),
            FromRecorder::Hello { .. } => {}
        }
    }

    fn recorder_hello(&mut self, now: Now, link: u64, hello: Hello) {
        let name = hello.name.clone();
        tracing::info!(recorder = %name, region = hello.region, "a recorder is here");
        let replaced = match self.recorders.handle_hello(now, link, hello) {
            Ok(replaced) => replaced,
            Err(refusal) => {
                // No welcome: one that names nothing would end what it records.
                tracing::warn!(recorder = %name, %refusal, "a recorder is refused");
                let reason = if refusal == Refusal::Version { "version" } else { "refused" };
                return self.end_link(Role::Recorder, link, reason);
            }
        };
        self.strangers.remove(&link);
        if let Some(replaced) = replaced {
            self.end_link(Role::Recorder, replaced, "replaced");
        }
        let live = self.recordings.at(&name);
        let version = Version::CURRENT;
        self.tell_recorder(&name, ToRecorder::Welcome { version, live: live.clone() });
        for id in live {
            self.record_there(now, id);
        }
        self.doom_due = Some(now.at);
    }

    pub(super) fn tell_recorder(&mut self, recorder: &RecorderId, message: ToRecorder) {
        // Without a link it hears of all that matters on the next one.
        if let Some(link) = self.recorders.link(recorder) {
            self.out.push_back(Output::ToRecorder { link, message });
        }
    }

    fn status_said(&mut self, now: Now, recorder: RecorderId, status: Box<Status>) {
        let live = self.recordings.get_mut(status.recording);
        if let Some(live) = live.filter(|live| live.recorder == recorder)
            && live.has_ended(&status)
        {
            let id = status.recording;
            tracing::warn!(recording = %id, %recorder, ?status.state, "a recording ended by itself");
            self.fail_recording(now, id, status.trouble.clone().unwrap_or_else(ended));
        }
        self.ask_archive(RecordingJob::KeepStatus(recorder, status));
    }

    pub(super) fn status_kept(
        &mut self,
        recorder: RecorderId,
        status: Box<Status>,
        result: Result<Kept, records::Error>,
    ) {
        let (recording, version) = (status.recording, status.version);
        match result {
            Ok(Kept::Kept) => {}
            Ok(Kept::Unknown) => {
                // The records may be younger than the recording: it is not destroyed for that.
                tracing::warn!(%recording, %recorder, "a recorder has what nobody knows of");
                return self.ignore(Role::Recorder, "no_such_recording");
            }
            Err(records::Error::Unavailable(_)) => {
                let job = RecordingJob::KeepStatus(recorder, status);
                return self.keep_later(RecordsJob::Recording(job));
            }
            Err(error) => {
                tracing::warn!(%recording, %recorder, %error, "a status cannot be kept");
            }
        }
        if status.state == State::Deleted {
            tracing::info!(%recording, %recorder, "a recording is destroyed");
        }
        self.tell_recorder(&recorder, ToRecorder::Heard { recording, version });
    }

    /// Looks for recordings whose time is over, if that is due.
    pub(super) fn look_for_doomed(&mut self, now: Now) {
        if self.doom_due.is_some_and(|due| now.at < due) {
            return;
        }
        self.doom_due = Some(now.at + DOOM_EVERY);
        let reachable = self.recorders.linked();
        self.ask_archive(RecordingJob::Doomed { now_unix_ms: now.unix_ms, reachable });
    }

    pub(super) fn doomed(&mut self, now: Now, result: Result<Doomed, records::Error>) {
        // It is looked again soon.
        let Ok(Doomed { expired, destroy }) = result else { return };
        for (room, id) in expired {
            let by = ("", id.to_string());
            self.audit(now, AuditKind::RecordingExpired, Some(room), by);
        }
        for (recorder, recording) in destroy {
            self.tell_recorder(&recorder, ToRecorder::Delete { recording });
        }
    }

    pub(super) fn ask_archive(&mut self, job: RecordingJob) {
        self.out.push_back(Output::Records(RecordsJob::Recording(job)));
    }

    /// A recorder has stopped a recording: everybody in the room is told.
    fn fail_recording(&mut self, now: Now, id: RecordingId, trouble: Trouble) {
        let Some(room) = self.recordings.get(id).map(|live| live.room) else { return };
        self.with_room(now, room, |room| {
            if room.recording() == Some(id) {
                room.fail_recording(now, trouble);
            }
        });
        // Where its room is not live, nobody else ends it.
        self.recording_over(now, id);
    }
}

fn ended() -> Trouble {
    let detail = "the recorder has stopped".to_owned();
    Trouble { kind: TroubleKind::WriteFailed, detail }
}
