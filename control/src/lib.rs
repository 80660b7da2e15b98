//! What the roles say to each other: versioned messages, ids and parameters.
//!
//! Data only: no I/O, no clock, no lock, no task. An edge talks to the controller ([`edge`]), the
//! controller talks to nodes ([`node`]) and recorders ([`recorder`]); nodes send media to recorders ([`relay`]), and
//! edges read recordings there ([`recording`]). All protocols travel as [`frame`]s over any byte stream, and
//! lose nothing where one stream follows on another ([`delivery`]).

pub mod access;
pub mod delivery;
pub mod edge;
pub mod frame;
pub mod id;
pub mod limits;
pub mod media;
pub mod meeting;
pub mod node;
mod outcome;
pub mod recorder;
pub mod recording;
pub mod relay;
mod request;
mod response;
pub mod room;
pub mod secret;
mod standing;
pub mod transport;

pub use id::{
    EdgeId, EntryId, JobId, LinkId, NodeId, ParticipantId, PeerId, RecorderId, RecordingId,
    RequestId, RoomId, ShareId, TrackId,
};
pub use secret::Secret;

use serde::{Deserialize, Serialize};

/// The version of a protocol, exchanged in the first message of each direction.
///
/// Peers of different `minor` talk to each other: fields are added with defaults, and unknown
/// variants are counted and ignored. A different `major` ends the link with a clear error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Incompatible changes.
    pub major: u16,
    /// Additions.
    pub minor: u16,
}

impl Version {
    /// The version this build speaks.
    pub const CURRENT: Version = Version { major: 1, minor: 5 };

    /// Whether both sides can understand each other.
    pub fn is_compatible(self, other: Version) -> bool {
        self.major == other.major
    }
}

/// The revision under which a controller owns a room: a command with a lower one than a node has
/// seen for that room is refused, so that a controller which lost its lease can do no harm.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Revision(pub u64);
