//! What goes into the controller, and what comes out.

use crate::job::{LeaseDone, LeaseJob, RecordsDone, RecordsJob};
use crate::records::AuditEntry;
use lectern_control::RequestId;
use lectern_control::edge::{FromEdge, ToEdge};
use lectern_control::node::{FromNode, ToNode};
use lectern_control::recorder::{FromRecorder, ToRecorder};

/// Who is at the other end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A media node.
    Node,
    /// An edge.
    Edge,
    /// A recorder.
    Recorder,
}

impl Role {
    /// As metric labels have it.
    pub fn label(self) -> &'static str {
        match self {
            Role::Node => "node",
            Role::Edge => "edge",
            Role::Recorder => "recorder",
        }
    }
}

/// A message that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Of a kind that this version does not know; a request where it was one.
    Unknown(Option<RequestId>),
    /// Damaged; a request where that much could be read.
    Malformed(Option<RequestId>),
}

/// Something that came in. Links have numbers, never used twice.
#[derive(Debug)]
pub enum Input {
    /// There is a new link.
    Linked {
        /// Its number.
        link: u64,
        /// Who is at its end.
        role: Role,
    },
    /// A link is gone.
    Unlinked {
        /// Its number.
        link: u64,
        /// Who was at its end.
        role: Role,
    },
    /// A node says something.
    FromNode {
        /// On which link.
        link: u64,
        /// What.
        message: FromNode,
    },
    /// An edge says something.
    FromEdge {
        /// On which link.
        link: u64,
        /// What.
        message: FromEdge,
    },
    /// A recorder says something.
    FromRecorder {
        /// On which link.
        link: u64,
        /// What.
        message: FromRecorder,
    },
    /// Somebody says something that cannot be read.
    Unreadable {
        /// On which link.
        link: u64,
        /// Who.
        role: Role,
        /// As far as it could be read.
        what: Unreadable,
    },
    /// The records have answered.
    Records(RecordsDone),
    /// The coordination store has answered.
    Lease(LeaseDone),
}

/// Something to be done.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Say something to a node.
    ToNode {
        /// On which link.
        link: u64,
        /// What.
        message: ToNode,
    },
    /// Say something to an edge.
    ToEdge {
        /// On which link.
        link: u64,
        /// What.
        message: ToEdge,
    },
    /// Say something to a recorder.
    ToRecorder {
        /// On which link.
        link: u64,
        /// What.
        message: ToRecorder,
    },
    /// End a link, after what was said on it.
    Unlink {
        /// Its number.
        link: u64,
    },
    /// Ask the records.
    Records(RecordsJob),
    /// Ask the coordination store.
    Lease(LeaseJob),
    /// Write into the audit log.
    Audit(AuditEntry),
}
