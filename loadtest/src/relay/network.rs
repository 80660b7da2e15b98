//! What the network of a relay is like: each direction by itself, and whose links are shared.

use lectern_sim::network::Config;

/// One of the two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the clients to the node.
    Up,
    /// From the node to the clients.
    Down,
}

/// Both.
pub const WAYS: [Way; 2] = [Way::Up, Way::Down];

/// What the network does to the datagrams of clients.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// From the clients to the node.
    pub up: Config,
    /// From the node to the clients.
    pub down: Config,
    /// All flows go through one link in each direction, as behind one line; else each has its own.
    pub is_shared: bool,
}

impl Network {
    /// The same both ways.
    pub fn symmetric(config: Config) -> Network {
        Network { up: config.clone(), down: config, is_shared: false }
    }

    /// One direction's.
    pub fn of(&self, way: Way) -> &Config {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }
}
