//! Entries: the first of two steps into a meeting. Each opens one session, soon, and nothing else.
//! Sans-IO.
//!
//! They live in memory: after a restart none is good, so that none can be used twice.

use lectern_control::access::ENTRY_LIFETIME as LIFETIME;
use lectern_control::room::Role;
use lectern_control::{EntryId, LinkId, RoomId};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// Entries that are open: several for each person who may join within five minutes. Beyond, the oldest
/// is closed, and its holder asks again.
const MAX_ENTRIES: usize = 50_000;

/// What an entry opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opens {
    /// The room.
    pub room: RoomId,
    /// The link; `None` for owners.
    pub link: Option<LinkId>,
    /// What its holder will be.
    pub role: Role,
}

/// All entries that are open.
#[derive(Debug, Default)]
pub struct Entries {
    open: BTreeMap<EntryId, Opens>,
    order: VecDeque<(Instant, EntryId)>,
}

impl Entries {
    /// Opens an entry.
    pub fn open(&mut self, now: Instant, id: EntryId, opens: Opens) {
        self.expire(now);
        while self.order.len() >= MAX_ENTRIES {
            self.order.pop_front().and_then(|(_, oldest)| self.open.remove(&oldest));
        }
        self.open.insert(id, opens);
        self.order.push_back((now + LIFETIME, id));
    }

    /// What an entry opens, while it is good.
    pub fn get(&mut self, now: Instant, id: EntryId) -> Option<Opens> {
        self.expire(now);
        self.open.get(&id).copied()
    }

    /// Uses an entry up; false where somebody was faster.
    pub fn take(&mut self, now: Instant, id: EntryId) -> bool {
        self.expire(now);
        self.open.remove(&id).is_some()
    }

    fn expire(&mut self, now: Instant) {
        while let Some((until, id)) = self.order.front().copied()
            && until <= now
        {
            self.order.pop_front();
            self.open.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENS: Opens = Opens { room: RoomId(1), link: Some(LinkId(1)), role: Role::Viewer };

    #[test]
    fn an_entry_opens_one_session_and_not_for_long() {
        let (mut entries, now) = (Entries::default(), Instant::now());
        entries.open(now, EntryId(1), OPENS);
        entries.open(now, EntryId(2), OPENS);
        assert_eq!(entries.get(now, EntryId(1)), Some(OPENS));
        assert!(entries.take(now, EntryId(1)));
        assert!(!entries.take(now, EntryId(1)), "used once");
        assert_eq!(entries.get(now, EntryId(3)), None);
        assert_eq!(entries.get(now + LIFETIME, EntryId(2)), None, "over");
        assert!(!entries.take(now + LIFETIME, EntryId(2)));
    }

    #[test]
    fn memory_has_a_bound() {
        let (mut entries, now) = (Entries::default(), Instant::now());
        for id in 0..MAX_ENTRIES as u64 + 10 {
            entries.open(now, EntryId(id), OPENS);
        }
        assert_eq!((entries.open.len(), entries.order.len()), (MAX_ENTRIES, MAX_ENTRIES));
        assert!(entries.get(now, EntryId(9)).is_none());
        assert!(entries.get(now, EntryId(10)).is_some());
    }
}
