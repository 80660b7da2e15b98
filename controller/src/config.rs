//! What a controller is told.

use crate::recordings::ROOM_AWAITED;
use lectern_control::EdgeId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What a controller is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Its name: letters, digits, `-`, `_`, `.`. A process that starts under a name takes over
    /// what the former one of that name has left.
    pub name: String,
    /// The folder of its stores; without one they are in memory and end with the process.
    pub data_dir: Option<PathBuf>,
    /// How long a node may be silent before its rooms begin anew elsewhere, in milliseconds. Nodes
    /// say something every 100 ms. Shorter finds deaths sooner, and sees them where a node or the
    /// network only paused: transports do not survive being placed anew, so that a wrong alarm
    /// costs everybody more than a late one.
    pub node_silence_ms: u64,
    /// Recordings.
    pub recordings: Recordings,
}

/// What a controller is told about recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recordings {
    /// How long they are kept, in days, counted from their beginning; then they are destroyed wherever
    /// they are. Meetings may ask for less, and not for more. Without it they are kept until their
    /// owners delete them.
    pub keep_days: Option<u32>,
    /// How long one waits, in seconds, for people to come back after the controller was started anew;
    /// then it ends, and its film is made.
    pub await_room_s: u64,
}

impl Recordings {
    pub(crate) fn room_awaited(self) -> Duration {
        Duration::from_secs(self.await_room_s)
    }
}

impl Default for Recordings {
    fn default() -> Self {
        Recordings { keep_days: None, await_room_s: ROOM_AWAITED.as_secs() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            name: "controller".to_owned(),
            data_dir: None,
            node_silence_ms: 2_000,
            recordings: Recordings::default(),
        }
    }
}

impl Config {
    /// Whether the name is one; names of controllers are like names of edges.
    pub(crate) fn has_valid_name(&self) -> bool {
        self.name.parse::<EdgeId>().is_ok()
    }

    pub(crate) fn node_silence(&self) -> Duration {
        Duration::from_millis(self.node_silence_ms.max(1))
    }
}
