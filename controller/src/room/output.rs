//! What comes out of a room.

use crate::records::AuditKind;
use crate::standing::Standing;
use lectern_control::edge::{Notice, RequestError, Response};
use lectern_control::node::Command;
use lectern_control::recorder::Event;
use lectern_control::{
    EdgeId, NodeId, ParticipantId, PeerId, RecordingId, RequestId, Revision, TrackId,
};
use std::time::Duration;

/// Who asked, so that the answer finds its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The edge.
    pub edge: EdgeId,
    /// The link on which it asked; an answer on another one would be taken for something else.
    pub link: u64,
    /// The request.
    pub request: RequestId,
}

/// Something to do for a room.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Answer a request.
    Respond(Ticket, Result<Response, RequestError>),
    /// Tell a node.
    Command {
        /// Which.
        node: NodeId,
        /// Names it in a failure; unique in the room.
        request: RequestId,
        /// Under which revision.
        revision: Revision,
        /// What to do.
        command: Command,
    },
    /// Tell an edge.
    Notice {
        /// Which.
        edge: EdgeId,
        /// The news.
        notice: Notice,
    },
    /// Write into the audit log.
    Audit {
        /// What happened.
        kind: AuditKind,
        /// Who did it; empty where it was the system.
        actor: String,
        /// More, in words.
        detail: String,
    },
    /// Keep a decision about somebody for longer than the room lives.
    Remember {
        /// Who.
        identity: String,
        /// What was decided.
        standing: Standing,
    },
    /// Something to be noted in the recording.
    Note {
        /// Which.
        recording: RecordingId,
        /// What.
        event: Event,
    },
    /// A recording has ended here.
    RecordingOver {
        /// Which.
        recording: RecordingId,
    },
    /// A move is over; edges were told.
    Moved {
        /// From its beginning until every transport was handed to the new node.
        took: Duration,
    },
    /// A move was given up; the room is where it was.
    MoveFailed,
    /// Somebody else owns the room, or it can no longer be commanded: it must be forgotten.
    Lost,
    /// The room is over.
    Closed,
}

/// What a command was for, should it fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issued {
    /// Sent for a participant, about one of its transports or about none.
    For(ParticipantId, Option<PeerId>),
    /// Makes a transport.
    Open(PeerId),
    /// Publishes a track on a transport.
    Publish(PeerId, TrackId),
    /// Takes a transport's state.
    Export(PeerId),
    /// Gives a transport its state.
    Restore(PeerId),
    /// Sends tracks to a recorder.
    Relay(RecordingId),
}
