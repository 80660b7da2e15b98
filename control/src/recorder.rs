//! Controller ↔ recorder: what is to be recorded and made of it, and how far that is.
//!
//! Commands may be said again, and mean the same: on each new link the controller says what is live,
//! and the recorder says every [`Status`] that was not heard.

use crate::media::{MediaKind, Source};
pub use crate::recording::Ticket;

use crate::recording::{Layout, Status};
use crate::{
    JobId, NodeId, ParticipantId, RecorderId, RecordingId, RoomId, Secret, TrackId, Version,
};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What a recorder sends to a controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromRecorder {
    /// The first message.
    Hello {
        /// The recorder's version.
        version: Version,
        /// Its name.
        recorder: RecorderId,
        /// Its region: meetings are recorded near their node.
        region: String,
        /// Where nodes and edges link to it; empty where everything is in one process.
        addresses: Vec<SocketAddr>,
    },
    /// Sent every second.
    Heartbeat(Load),
    /// How a recording is now.
    Status(Box<Status>),
}

/// What a recorder carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Meetings being recorded.
    pub recordings: u32,
    /// Jobs that wait or run.
    pub jobs: u32,
    /// Bytes free where it writes.
    pub free_bytes: u64,
    /// It takes no new recordings: it stops, or its disk is nearly full.
    pub full: bool,
}

/// What a controller sends to a recorder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToRecorder {
    /// The answer to [`FromRecorder::Hello`].
    Welcome {
        /// The controller's version.
        version: Version,
        /// What this recorder is to go on recording; whatever else it has open has ended.
        live: Vec<RecordingId>,
    },
    /// A status was heard, and need not be said again.
    Heard {
        /// The recording.
        recording: RecordingId,
        /// The status's version.
        version: u64,
    },
    /// Begins a recording, or goes on with it. All that is true then is noted after it: who or what is
    /// not named again has gone meanwhile.
    Open {
        /// Its id.
        recording: RecordingId,
        /// The room.
        room: RoomId,
        /// When it began, in milliseconds since 1970: zero of its session clock.
        started_unix_ms: u64,
    },
    /// Something happened that the picture must show; all that is true now is said again on a new link.
    Note {
        /// The recording.
        recording: RecordingId,
        /// When, in milliseconds since 1970.
        at_unix_ms: u64,
        /// What.
        event: Event,
    },
    /// Ends a recording: what nodes have sent is written, then files are made of it.
    Close {
        /// The recording.
        recording: RecordingId,
    },
    /// Makes another film of a recording that has ended.
    Compose {
        /// The recording.
        recording: RecordingId,
        /// Names the work; a job that is known is not begun again.
        job: JobId,
        /// How it looks.
        layout: Layout,
        /// Who is left out, picture and sound.
        without: Vec<ParticipantId>,
    },
    /// Destroys a recording: its key first.
    Delete {
        /// The recording.
        recording: RecordingId,
    },
    /// Somebody may read a file.
    Grant {
        /// What it shows.
        ticket: Secret<Ticket>,
        /// The recording.
        recording: RecordingId,
        /// The file's name, as in [`Status::files`].
        file: String,
        /// Until when, in milliseconds since 1970.
        until_unix_ms: u64,
    },
}

/// What the picture of a recording must show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Somebody is in the meeting.
    Joined {
        /// Who.
        participant: ParticipantId,
        /// The same after coming again.
        identity: String,
        /// The name shown.
        name: String,
    },
    /// Somebody left.
    Left {
        /// Who.
        participant: ParticipantId,
    },
    /// A track is published.
    Track {
        /// Its id.
        track: TrackId,
        /// Whose.
        participant: ParticipantId,
        /// Sound or picture.
        kind: MediaKind,
        /// Where it comes from.
        source: Source,
        /// Nothing is to be seen or heard of it now.
        muted: bool,
    },
    /// A track is muted or not.
    Muted {
        /// Which.
        track: TrackId,
        /// Muted.
        muted: bool,
    },
    /// A track has ended.
    TrackEnded {
        /// Which.
        track: TrackId,
    },
    /// Who speaks now, loudest first.
    Speakers {
        /// Who.
        speakers: Vec<ParticipantId>,
    },
    /// Packets come from this node from now on.
    Node {
        /// Which.
        node: NodeId,
    },
}
