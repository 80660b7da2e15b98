//! The room's recording: how it begins and ends, and what everybody is told of it.
//!
//! It chooses no recorder and keeps no record of what was recorded; what nodes and the recorder are
//! told is brought up to date elsewhere in the room.

use super::told::Told;
use super::{EMPTY_ROOM_LINGER, Output, Room};
use crate::clock::Now;
use crate::records::AuditKind;
use lectern_control::node::{Command, CommandError};
use lectern_control::recording::{Recorded, Trouble, TroubleKind};
use lectern_control::{NodeId, RecorderId, RecordingId, TrackId};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Instant;

/// A recorder, and where nodes reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorder {
    /// Its name.
    pub name: RecorderId,
    /// Its addresses; none where everything is in one process.
    pub addresses: Vec<SocketAddr>,
}

/// A recording that begins, or goes on in a room that went live again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Its id.
    pub id: RecordingId,
    /// Who turned it on, by the name shown.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// Where it goes; `None` while that is not known.
    pub recorder: Option<Recorder>,
}

/// The recording of a room.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) shown: Recorded,
    /// It has not stopped by itself.
    is_live: bool,
    /// Where it goes; `None` while that is not known, and once it has stopped.
    pub(super) recorder: Option<Recorder>,
    /// Which tracks each node was told to send.
    pub(super) relays: BTreeMap<NodeId, BTreeSet<TrackId>>,
    /// What the recorder was told.
    pub(super) told: Told,
    /// Nobody is in the room since then; who waits at the door keeps the room, and no recording.
    empty_since: Option<Instant>,
}

impl Room {
    /// The meeting's name: so its recordings are called until they are renamed.
    pub fn name(&self) -> &str {
        &self.meeting.name
    }

    /// The recording that goes on here.
    pub fn recording(&self) -> Option<RecordingId> {
        let recording = self.recording.as_ref().filter(|recording| recording.is_live)?;
        Some(recording.shown.recording)
    }

    /// What everybody in the room knows of its recording.
    pub fn recorded(&self) -> Option<&Recorded> {
        self.recording.as_ref().map(|recording| &recording.shown)
    }

    /// What is said from now on is recorded, and everybody told so first. A recording before it ends.
    pub fn begin_recording(&mut self, now: Now, begin: Begin) {
        self.end_recording("");
        let Begin { id, by, since_unix_ms, recorder } = begin;
        let shown = Recorded { recording: id, by, since_unix_ms, trouble: None };
        let (relays, told) = (BTreeMap::new(), Told::default());
        let (is_live, empty_since) = (true, None);
        self.recording = Some(Recording { shown, is_live, recorder, relays, told, empty_since });
        self.tell_recorded(now);
        self.sync_recording(now);
    }

    /// Where the recording goes from now on, be it another recorder or the same on a new link: all that
    /// is true is noted.
    pub fn record_at(&mut self, now: Now, recorder: Recorder) {
        let Some(recording) = self.recording.as_mut().filter(|one| one.is_live) else { return };
        recording.told = Told::default();
        let mended = recording.shown.trouble.take().is_some();
        let former = recording.recorder.replace(recorder.clone());
        if former.is_some_and(|former| former != recorder) {
            self.redirect_relays();
        }
        if mended {
            self.tell_recorded(now);
        }
        self.sync_recording(now);
    }

    /// The recorder is away, and no other takes its place: it goes on when one is there.
    pub fn recorder_lost(&mut self, now: Now) {
        let Some(recording) = self.recording.as_mut().filter(|one| one.is_live) else { return };
        let detail = "the recorder could not be reached".to_owned();
        recording.shown.trouble = Some(Trouble { kind: TroubleKind::RecorderLost, detail });
        let id = recording.shown.recording;
        self.audit(AuditKind::RecordingFailed, String::new(), format!("{id} recorder lost"));
        self.tell_recorded(now);
    }

    /// Somebody turned it off, or there is nothing more to record.
    pub fn stop_recording(&mut self, now: Now, actor: &str) {
        if self.recording.is_none() {
            return;
        }
        self.end_recording(actor);
        self.tell_recorded(now);
    }

    /// It cannot go on; everybody is told why, until somebody turns it on or off.
    pub fn fail_recording(&mut self, now: Now, trouble: Trouble) {
        self.close_relays();
        let Some(recording) = self.recording.as_mut().filter(|one| one.is_live) else { return };
        (recording.is_live, recording.recorder) = (false, None);
        let id = recording.shown.recording;
        let detail = format!("{id} {}", trouble.detail);
        recording.shown.trouble = Some(trouble);
        self.audit(AuditKind::RecordingFailed, String::new(), detail);
        self.out.push_back(Output::RecordingOver { recording: id });
        self.tell_recorded(now);
    }

    /// A node does not send to the recorder: what is not recorded must not look as if it were.
    pub(super) fn relay_failed(&mut self, now: Now, id: RecordingId, error: &CommandError) {
        if self.recording() == Some(id) {
            let detail = format!("the media node: {error}");
            self.fail_recording(now, Trouble { kind: TroubleKind::WriteFailed, detail });
        }
    }

    /// Ends a recording of which nobody has been in the room for a while.
    pub(super) fn stop_if_empty(&mut self, now: Now) {
        let empty = self.roster.is_empty();
        let Some(recording) = &mut self.recording else { return };
        if !empty {
            recording.empty_since = None;
            return;
        }
        let since = *recording.empty_since.get_or_insert(now.at);
        if now.at >= since + EMPTY_ROOM_LINGER {
            self.stop_recording(now, "");
        }
    }

    fn end_recording(&mut self, actor: &str) {
        let id = self.recording();
        self.close_relays();
        self.recording = None;
        if let Some(id) = id {
            self.audit(AuditKind::RecordingStopped, actor.to_owned(), id.to_string());
            self.out.push_back(Output::RecordingOver { recording: id });
        }
    }

    fn close_relays(&mut self) {
        let Some(recording) = &mut self.recording else { return };
        let (id, relays) = (recording.shown.recording, std::mem::take(&mut recording.relays));
        for node in relays.into_keys() {
            self.command(node, Command::CloseRelay { recording: id });
        }
    }

    /// Nobody waits for this news as long as for who is at the door.
    fn tell_recorded(&mut self, now: Now) {
        self.reception_changed();
        self.reception_at = now.at;
        self.tell_reception(now);
    }
}
