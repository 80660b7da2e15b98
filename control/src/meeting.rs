//! Meetings and their links, as the records keep them and owners see them.

use crate::room::Role;
use crate::{LinkId, RoomId};
use serde::{Deserialize, Serialize};

/// A meeting, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// Its room.
    pub room: RoomId,
    /// Its name.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at_unix_ms: u64,
    /// When it ends.
    pub expires_at_unix_ms: u64,
    /// Its links.
    pub links: Vec<LinkInfo>,
    /// How it receives people.
    #[serde(default)]
    pub access: Access,
}

/// How a meeting receives people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Nobody new comes in; who was in comes back.
    pub locked: bool,
    /// Viewers wait until somebody admits them.
    pub lobby: bool,
    /// A PIN is asked of everybody but owners.
    pub pin_set: bool,
}

/// A link, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkInfo {
    /// Its id.
    pub id: LinkId,
    /// What it lets its holder be.
    pub role: Role,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_unix_ms: u64,
    /// Ended before its time.
    pub revoked: bool,
}

impl LinkInfo {
    /// Whether it opens anything now.
    pub fn is_good(&self, now_unix_ms: u64) -> bool {
        !self.revoked && self.expires_at_unix_ms > now_unix_ms
    }
}
