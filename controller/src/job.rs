//! What the controller asks of its stores, and what they answer. Data only.

use crate::coordination::LeaseId;
use crate::entries::Opens;
use crate::records::{self, Standings};
use crate::room::Ticket;
use crate::standing::Standing;
use lectern_control::edge::{Meeting, Request, Response};
use lectern_control::{EntryId, Revision, RoomId, Secret};

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
    /// To [`RecordsJob::Load`].
    Loaded {
        /// The room.
        room: RoomId,
        /// Its meeting, and what was decided about people.
        result: Result<(Meeting, Standings), records::Error>,
    },
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
