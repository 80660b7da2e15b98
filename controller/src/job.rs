//! What the controller asks of its stores, and what they answer. Data only.

use crate::coordination::LeaseId;
use crate::entries::Opens;
use crate::records::{self, Answer, Doomed, Kept, LiveRecording, NewRecording, Present, Standings};
use crate::room::Ticket;
use crate::standing::Standing;
use lectern_control::edge::{Meeting, Request, Response};
use lectern_control::recording::Status;
use lectern_control::{EntryId, RecorderId, RecordingId, Revision, RoomId, Secret};
use std::collections::BTreeSet;

/// Work for the records.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordsJob {
    /// A request about meetings and links.
    Ask {
        /// Who asked.
        ticket: Ticket,
        /// What.
        request: Request,
        /// The id of what is made, if something is.
        fresh: u64,
        /// The time of the request, in milliseconds since 1970.
        now_unix_ms: u64,
    },
    /// The second step into a meeting: is the link still good, and the PIN right.
    Enter {
        /// Who asked.
        ticket: Ticket,
        /// The entry.
        entry: EntryId,
        /// What it opens.
        opens: Opens,
        /// The PIN that was typed.
        pin: Option<Secret<String>>,
        /// The time, in milliseconds since 1970.
        now_unix_ms: u64,
    },
    /// Keeps a decision about somebody.
    Remember {
        /// The room.
        room: RoomId,
        /// Who.
        identity: String,
        /// What was decided.
        standing: Standing,
    },
    /// About recordings.
    Recording(RecordingJob),
    /// Reads the meeting of a room that is to go live.
    Load {
        /// The room.
        room: RoomId,
        /// The time, in milliseconds since 1970.
        now_unix_ms: u64,
    },
}

/// What the records answer.
#[derive(Debug)]
pub enum RecordsDone {
    /// To [`RecordsJob::Ask`].
    Answered {
        /// Who asked.
        ticket: Ticket,
        /// What.
        request: Request,
        /// The result.
        result: Result<Response, records::Error>,
    },
    /// To [`RecordsJob::Enter`].
    Entered {
        /// Who asked.
        ticket: Ticket,
        /// The entry.
        entry: EntryId,
        /// What it opens.
        opens: Opens,
        /// A PIN was typed.
        tried: bool,
        /// The meeting; `None` where the PIN is wrong.
        result: Result<Option<Meeting>, records::Error>,
    },
    /// To [`RecordsJob::Remember`].
    Remembered {
        /// The job, to be done again where it failed.
        job: Box<RecordsJob>,
        /// The result.
        result: Result<(), records::Error>,
    },
    /// To [`RecordsJob::Recording`].
    Recording(RecordingDone),
    /// To [`RecordsJob::Load`].
    Loaded {
        /// The room.
        room: RoomId,
        /// Its meeting, and what was decided about people.
        result: Result<(Meeting, Standings), records::Error>,
    },
}

/// Work for the records about recordings.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordingJob {
    /// A request about recordings.
    Catalogue {
        /// Who asked.
        ticket: Ticket,
        /// What.
        request: Request,
        /// How it is just now.
        present: Present,
    },
    /// Makes a recording, before anything is recorded.
    Begin(NewRecording),
    /// Keeps that a recording has changed.
    Note(RecordingId, Turn),
    /// Keeps what a recorder says.
    KeepStatus(RecorderId, Box<Status>),
    /// Reads which recordings go on: what a former process began.
    Live,
    /// Looks for recordings whose time is over.
    Doomed {
        /// The time, in milliseconds since 1970.
        now_unix_ms: u64,
        /// Recorders that can be told to destroy something.
        reachable: BTreeSet<RecorderId>,
    },
}

/// What happened to a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It ended, at this time in milliseconds since 1970.
    Ended(u64),
    /// It goes on at this recorder.
    TakenOver(RecorderId),
    /// It never began.
    Forgotten,
}

/// What the records answer about recordings.
#[derive(Debug)]
pub enum RecordingDone {
    /// To [`RecordingJob::Catalogue`].
    Catalogue {
        /// Who asked.
        ticket: Ticket,
        /// What.
        request: Request,
        /// The result.
        result: Result<Answer, records::Error>,
    },
    /// To [`RecordingJob::Begin`].
    Begun {
        /// What was to be made.
        new: NewRecording,
        /// The result.
        result: Result<(), records::Error>,
    },
    /// To [`RecordingJob::Note`].
    Noted {
        /// Which recording.
        recording: RecordingId,
        /// What happened to it; to be kept again where that failed.
        turn: Turn,
        /// The result.
        result: Result<(), records::Error>,
    },
    /// To [`RecordingJob::KeepStatus`].
    StatusKept {
        /// Which recorder.
        recorder: RecorderId,
        /// What it said; to be kept again where that failed.
        status: Box<Status>,
        /// The result.
        result: Result<Kept, records::Error>,
    },
    /// To [`RecordingJob::Live`].
    Live(Result<Vec<LiveRecording>, records::Error>),
    /// To [`RecordingJob::Doomed`].
    Doomed(Result<Doomed, records::Error>),
}

/// Work for the coordination store; done one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseJob {
    /// A lease for this controller.
    Grant,
    /// Keeps it alive.
    KeepAlive(LeaseId),
    /// Makes a room this controller's own.
    Claim {
        /// The room.
        room: RoomId,
        /// Under which lease.
        lease: LeaseId,
    },
    /// Gives a room up.
    Release {
        /// The room.
        room: RoomId,
        /// The revision under which it was owned.
        revision: Revision,
    },
}

/// What the coordination store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseDone {
    /// To [`LeaseJob::Grant`]; `None` where the store is unavailable.
    Granted(Option<LeaseId>),
    /// To [`LeaseJob::KeepAlive`].
    KeptAlive(LeaseId, KeptAlive),
    /// To [`LeaseJob::Claim`].
    Claimed {
        /// The room.
        room: RoomId,
        /// Under which lease.
        lease: LeaseId,
        /// The result.
        result: Claimed,
    },
}

/// How a keep-alive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptAlive {
    /// The lease lives.
    Alive,
    /// There is no such lease.
    Gone,
    /// The store did not answer.
    Unavailable,
}

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The room is ours, under this revision.
    Ours(Revision),
    /// Another controller has it.
    Others(String),
    /// The lease is gone.
    LeaseGone,
    /// The store did not answer.
    Unavailable,
}
