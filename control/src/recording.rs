//! Recordings as the records keep them and people see them, and how edges read their files.

use crate::{JobId, ParticipantId, RecordingId, RoomId, Secret, ShareId, TrackId, Version};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A recording's title, in bytes of UTF-8.
pub const MAX_TITLE_BYTES: usize = 256;
/// Recordings in one answer; more are asked for by the last one's start.
pub const MAX_RECORDINGS_SHOWN: usize = 100;
/// Links by which one recording is shared at once.
pub const MAX_SHARES: usize = 50;
/// Jobs of one recording that are remembered: the first ones and some other layouts.
pub const MAX_JOBS: usize = 32;
/// Bytes of a [`Status`] in a message: it stands in an answer to an edge with what else is known.
pub const MAX_STATUS_BYTES: usize = 768 << 10;
/// Bytes of a file in one [`FromRecorder::Data`].
pub const MAX_DATA_BYTES: usize = 256 << 10;

/// What everybody in a room sees of its recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The recording.
    pub recording: RecordingId,
    /// Who turned it on, by the name shown.
    pub by: String,
    /// Since when, in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// It has stopped by itself, for this reason; shown until somebody turns it on or off. Where it
    /// waits for its recorder, it goes on when that comes back.
    pub trouble: Option<Trouble>,
}

/// A recording and all that may be known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// The room that was recorded.
    pub room: RoomId,
    /// The title, as its owner wishes it.
    pub title: String,
    /// Who turned it on.
    pub started_by: String,
    /// When it is destroyed by itself, in milliseconds since 1970.
    pub expires_at_unix_ms: Option<u64>,
    /// How it is.
    pub status: Status,
    /// By which links it is shared.
    pub shares: Vec<Share>,
    /// Nobody can reach the recorder that has it, for now.
    pub unreachable: bool,
}

/// A link by which a recording is shared, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its id.
    pub id: ShareId,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_unix_ms: u64,
    /// It may be downloaded as well as played.
    pub download: bool,
}

/// How a recording is, as its recorder says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The recording.
    pub recording: RecordingId,
    /// The room.
    pub room: RoomId,
    /// Grows with each change.
    pub version: u64,
    /// What is being done with it.
    pub state: State,
    /// When it began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// How long it is, in milliseconds; of a live one as far as it is written.
    pub duration_ms: u64,
    /// Why it is not all that it should be.
    pub trouble: Option<Trouble>,
    /// Work on it, oldest first.
    pub jobs: Vec<Job>,
    /// What there is to play and to download.
    pub files: Vec<File>,
    /// Who was in it: for composing it again without somebody.
    pub people: Vec<Person>,
}

/// What is being done with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It goes on.
    Recording,
    /// Files are being made.
    Processing,
    /// All is done.
    Ready,
    /// Nothing can be made of it.
    Failed,
    /// It is destroyed.
    Deleted,
}

/// Why a recording is not all that it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Its kind.
    pub kind: TroubleKind,
    /// In words for operators; no secrets, no names.
    pub detail: String,
}

/// Kinds of [`Trouble`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// There is no room left where it is written.
    DiskFull,
    /// What was to be written could not be.
    WriteFailed,
    /// The recorder could not be reached.
    RecorderLost,
    /// Nothing can decode or compose it.
    ComposeFailed,
    /// It could not be put where recordings are kept.
    StorageFailed,
}

/// Somebody in a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub participant: ParticipantId,
    /// The name shown.
    pub name: String,
}

/// Work on a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is made.
    pub kind: JobKind,
    /// How far it is.
    pub progress: Progress,
}

/// What a job makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobKind {
    /// A file of each track, as it was sent.
    Tracks,
    /// One film.
    Compose {
        /// How it looks.
        layout: Layout,
        /// Who is left out.
        without: Vec<ParticipantId>,
    },
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Others come first.
    Waiting,
    /// It runs.
    Running {
        /// Thousandths that are done.
        permille: u16,
    },
    /// It is done.
    Done,
    /// It cannot be done.
    Failed {
        /// Why, and what to do about it.
        reason: String,
    },
}

/// How a composed film looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The shared screen large, pixel for pixel where it fits, cameras beside it.
    #[default]
    Beside,
    /// The shared screen alone; who speaks where none is shared.
    Screen,
    /// Who speaks large, the others beside.
    Speaker,
    /// All of the same size.
    Grid,
}

/// Something to play or to download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Names it in the recording: letters, digits, `-`, `_` and one dot.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// Its media type, such as `video/mp4`.
    pub content_type: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// How long it plays, in milliseconds; 0 for pictures.
    pub duration_ms: u64,
    /// Pixels, 0 for sound.
    pub width: u32,
    /// Pixels, 0 for sound.
    pub height: u32,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// A composed film.
    Composed {
        /// The job that made it.
        job: JobId,
    },
    /// A picture of a film.
    Thumbnail {
        /// The job that made it.
        job: JobId,
        /// Of which moment, in milliseconds of the film.
        at_ms: u64,
    },
    /// One track, as it was sent.
    Track {
        /// Which.
        track: TrackId,
        /// Whose.
        participant: ParticipantId,
        /// When it begins, in milliseconds of the recording.
        offset_ms: u64,
    },
}

/// What is done with a recording that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Gives it another title.
    Rename {
        /// The title.
        title: String,
    },
    /// Destroys it.
    Delete,
    /// Makes a link by which it is played.
    Share {
        /// SHA-256 of the link's secret.
        secret_hash: [u8; 32],
        /// When it ends, in milliseconds since 1970.
        expires_at_unix_ms: u64,
        /// It may be downloaded as well.
        download: bool,
    },
    /// Ends such a link.
    Unshare {
        /// Which.
        share: ShareId,
    },
    /// Makes another film of it.
    Compose {
        /// How it looks.
        layout: Layout,
        /// Who is left out.
        without: Vec<ParticipantId>,
    },
}

/// What opens one file of one recording for a while.
pub type Ticket = [u8; 16];

/// A file that may be read now, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readable {
    /// Where the recorder is; empty where everything is in one process.
    pub addresses: Vec<SocketAddr>,
    /// What opens it there.
    pub ticket: Secret<Ticket>,
    /// By which link it was asked for.
    pub share: Option<ShareId>,
    /// The recording's title.
    pub title: String,
    /// The file.
    pub file: File,
}

/// What an edge sends to a recorder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromEdge {
    /// The first message.
    Hello {
        /// The edge's version.
        version: Version,
    },
    /// Asks for a part of a file; answered by [`FromRecorder::Data`] until all is said, or by one
    /// [`FromRecorder::Refused`]. At most one read is under way on a link.
    Read {
        /// What opens it.
        ticket: Secret<Ticket>,
        /// The first byte.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
}

/// What a recorder sends to an edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromRecorder {
    /// The answer to [`FromEdge::Hello`].
    Welcome {
        /// The recorder's version.
        version: Version,
    },
    /// The next bytes; none of them mean that nothing more comes.
    Data {
        /// At most [`MAX_DATA_BYTES`].
        bytes: Bytes,
    },
    /// It cannot be read.
    Refused(Refusal),
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The ticket opens nothing, or no longer.
    #[error("the ticket opens nothing, or no longer")]
    Ticket,
    /// The file is gone, or shorter.
    #[error("the file is gone, or shorter")]
    Gone,
    /// Where files are kept does not answer, or what it gives was changed.
    #[error("the file cannot be read: {0}")]
    Storage(String),
}
