//! What nodes say of themselves: who they are, what they can carry, and what they carry now.

use crate::delivery::Number;
use crate::{NodeId, RoomId, Version};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A node introduces itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The node's version.
    pub version: Version,
    /// Its name.
    pub node: NodeId,
    /// Its region, such as `eu-central`.
    pub region: String,
    /// What must not fail together with it, such as a rack or a zone.
    pub failure_domain: String,
    /// What it can carry.
    pub capacity: Capacity,
    /// Where clients reach it, best first.
    pub addresses: Vec<SocketAddr>,
    /// Rooms it still holds, after a link that broke.
    pub rooms: Vec<RoomId>,
    /// The last command it has heard, over all links; `None` for a process that has heard none.
    #[serde(default)]
    pub heard: Option<Number>,
    /// It can say again all of its events after this one.
    #[serde(default)]
    pub kept_after: Number,
}

/// What a node can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Threads that forward.
    pub workers: u16,
    /// Peers at once.
    pub peers: u32,
    /// Outgoing bits a second.
    pub egress_bps: u64,
}

/// A sign of life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Counts up.
    pub sequence: u64,
    /// What the node carries now.
    pub load: Load,
    /// The node takes no new rooms.
    pub draining: bool,
    /// Commands up to this one have been heard.
    #[serde(default)]
    pub heard: Number,
}

/// What a node carries now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Peers.
    pub peers: u32,
    /// Rooms.
    pub rooms: u32,
    /// Outgoing bits a second over the last second.
    pub egress_bps: u64,
    /// Time the busiest worker was busy over the last second, in thousandths.
    pub busy_permille: u16,
}
