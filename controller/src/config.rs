//! What a controller is told.

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
}

impl Default for Config {
    fn default() -> Self {
        Config { name: "controller".to_owned(), data_dir: None, node_silence_ms: 2_000 }
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
