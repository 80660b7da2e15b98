//! News of a room, shared by everybody at this edge who hears of it.

use bytes::Bytes;
use lectern_control::edge::Notice;
use std::sync::OnceLock;

/// A notice, and what clients are told of it: written once, however many they are.
#[derive(Debug)]
pub struct News {
    /// As the controller said it.
    pub notice: Notice,
    told: OnceLock<Bytes>,
}

impl News {
    /// Told to nobody yet.
    pub fn new(notice: Notice) -> News {
        News { notice, told: OnceLock::new() }
    }

    /// What clients are told of it; `write` is the same for all of them.
    pub fn told(&self, write: impl FnOnce(&Notice) -> Bytes) -> Bytes {
        self.told.get_or_init(|| write(&self.notice)).clone()
    }
}

/// Two are the same when they say the same; what was made of them follows from it.
impl PartialEq for News {
    fn eq(&self, other: &News) -> bool {
        self.notice == other.notice
    }
}
