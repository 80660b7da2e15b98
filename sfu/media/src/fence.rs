//! Fences: the revision under which each ended room was last commanded, so that a controller which
//! has lost its lease cannot bring it back.

use crate::hash::{Keyed, Map};
use crate::limits::MAX_FENCES;
use lectern_control::{Revision, RoomId};
use std::collections::VecDeque;

/// Revisions of rooms that have ended.
#[derive(Debug)]
pub struct Fences {
    revisions: Map<RoomId, Revision>,
    order: VecDeque<RoomId>,
}

impl Fences {
    /// No room has ended.
    pub fn new(keyed: Keyed) -> Fences {
        Fences { revisions: keyed.map(), order: VecDeque::new() }
    }

    /// The revision of a room that has ended.
    pub fn revision(&self, room: RoomId) -> Option<Revision> {
        self.revisions.get(&room).copied()
    }

    /// A room has ended.
    pub fn raise(&mut self, room: RoomId, revision: Revision) {
        if self.revisions.insert(room, revision).is_some() {
            return;
        }
        self.order.push_back(room);
        if self.order.len() > MAX_FENCES
            && let Some(oldest) = self.order.pop_front()
        {
            self.revisions.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn the_oldest_fences_fall_first() {
        let mut fences = Fences::new(Keyed::random(&mut StdRng::from_seed([1; 32])));
        for room in 0..MAX_FENCES as u64 + 10 {
            fences.raise(RoomId(room), Revision(room));
        }
        assert_eq!(fences.revision(RoomId(9)), None);
        assert_eq!(fences.revision(RoomId(10)), Some(Revision(10)));
        fences.raise(RoomId(10), Revision(99));
        assert_eq!(fences.revision(RoomId(10)), Some(Revision(99)));
        assert_eq!(fences.order.len(), MAX_FENCES);
    }
}
