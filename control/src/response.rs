//! What a controller answers to an edge.

use crate::access::{Access, Admission, AuditLine, Entry, Opened, People, Reception};
use crate::meeting::{LinkInfo, Meeting};
use crate::recording::{Readable, Recorded, Recording, Share};
use crate::room::{Participant, Placement, Role};
use crate::{NodeId, RoomId};
use serde::{Deserialize, Serialize};

/// What a controller answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// It is done.
    Done,
    /// A meeting.
    Meeting(Meeting),
    /// A link was made.
    Link(LinkInfo),
    /// An entry was opened.
    Entry(Box<Entry>),
    /// A session was opened.
    Opened(Box<Opened>),
    /// How it stands with who knocked.
    Admission {
        /// May it come in.
        admission: Admission,
        /// What it is.
        role: Role,
        /// The meeting's name.
        #[serde(default)]
        room_name: String,
    },
    /// Who is there.
    People(Box<People>),
    /// How people are received from now on.
    Access(Access),
    /// Lines of the audit log.
    Audit(Vec<AuditLine>),
    /// The participant is in.
    Joined(Box<Joined>),
    /// A room is recorded, or no longer.
    Recorded(Option<Recorded>),
    /// Recordings, latest first.
    Recordings {
        /// As many as go into one answer.
        recordings: Vec<Recording>,
        /// There are earlier ones.
        more: bool,
    },
    /// One recording.
    Recording(Box<Recording>),
    /// A link to a recording was made.
    Shared(Share),
    /// A file may be read.
    Readable(Box<Readable>),
    /// All nodes.
    Nodes(Vec<NodeInfo>),
    /// All rooms that are live, with their node and number of participants.
    Rooms(Vec<RoomInfo>),
}

/// A participant is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// The participant itself.
    pub participant: Participant,
    /// The others.
    pub others: Vec<Participant>,
    /// The meeting's name.
    pub room_name: String,
    /// When the room began, in milliseconds since 1970.
    pub created_at_unix_ms: u64,
    /// Where its transports go.
    pub placement: Placement,
    /// How the room receives people.
    #[serde(default)]
    pub reception: Reception,
}

/// A node as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Its name.
    pub node: NodeId,
    /// Its region.
    pub region: String,
    /// Its load.
    pub load: crate::node::Load,
    /// Heard of lately.
    pub alive: bool,
    /// Takes no new rooms.
    pub draining: bool,
}

/// A live room as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// The room.
    pub room: RoomId,
    /// Its node.
    pub node: NodeId,
    /// Its standby.
    pub standby: Option<NodeId>,
    /// People in it.
    pub participants: u32,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RequestError {
    /// No such meeting, link, room, participant or track; or it has expired or was revoked.
    #[error("not found, expired or revoked")]
    NotFound,
    /// Who asks may, but the person or thing it is about is not there, or no longer.
    #[error("not there, or no longer")]
    Absent,
    /// The asker may not do this.
    #[error("not permitted")]
    NotPermitted,
    /// A named limit is reached.
    #[error("the limit on {0} is reached")]
    Limit(String),
    /// Something in the request cannot be used.
    #[error("the request cannot be used: {0}")]
    Invalid(String),
    /// The entry is unknown, over, or was used.
    #[error("the entry is not good, or was used")]
    EntryInvalid,
    /// The PIN is wrong, or missing.
    #[error("the PIN is wrong")]
    PinWrong,
    /// Too many wrong tries.
    #[error("too many tries: again in {retry_after_s} seconds")]
    TooOften {
        /// How long to wait.
        retry_after_s: u64,
    },
    /// The room lets nobody in now.
    #[error("the meeting is locked")]
    Locked,
    /// Somebody must admit it first.
    #[error("somebody must admit you first")]
    InLobby,
    /// It was removed, or refused, and stays out; or it has ended its session itself.
    #[error("removed from the meeting")]
    Removed,
    /// No recorder can take it.
    #[error("no recorder is available")]
    NoRecorder,
    /// No node can take it.
    #[error("no media node is available")]
    NoNode,
    /// The controller cannot answer now: its store or its lease is gone. Try again.
    #[error("the controller cannot answer now: {0}")]
    Unavailable(String),
}

impl RequestError {
    /// Its kind as one word, for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            RequestError::NotFound => "not_found",
            RequestError::Absent => "absent",
            RequestError::NotPermitted => "not_permitted",
            RequestError::Limit(_) => "limit",
            RequestError::Invalid(_) => "invalid",
            RequestError::EntryInvalid => "entry_invalid",
            RequestError::PinWrong => "pin_wrong",
            RequestError::TooOften { .. } => "too_often",
            RequestError::Locked => "locked",
            RequestError::InLobby => "in_lobby",
            RequestError::Removed => "removed",
            RequestError::NoRecorder => "no_recorder",
            RequestError::NoNode => "no_node",
            RequestError::Unavailable(_) => "unavailable",
        }
    }
}
