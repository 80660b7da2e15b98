//! Where a room's transports live.

use lectern_control::room::Placement;
use lectern_control::transport::{Candidate, candidate_priority};
use lectern_control::{NodeId, RoomId};
use std::net::SocketAddr;

/// The last generation whose candidates outrank all before it; see [`candidate_priority`].
pub const MAX_GENERATION: u16 = 253;

/// A node, and where clients reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The node.
    pub node: NodeId,
    /// Its addresses, best first.
    pub addresses: Vec<SocketAddr>,
}

impl Place {
    fn candidates(&self, generation: u16) -> Vec<Candidate> {
        let rank = |index: usize| u8::try_from(index).unwrap_or(u8::MAX);
        let candidate = |(index, address): (usize, &SocketAddr)| Candidate {
            address: *address,
            priority: candidate_priority(generation, rank(index)),
        };
        self.addresses.iter().enumerate().map(candidate).collect()
    }
}

/// A room's node and standby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The node that is active.
    pub primary: Place,
    /// The node held warm.
    pub standby: Option<Place>,
    /// Takeovers so far; the standby's transports have the next one.
    pub generation: u16,
}

impl Home {
    /// As edges are told.
    pub fn placement(&self, room: RoomId) -> Placement {
        let standby = self.standby.as_ref();
        Placement {
            room,
            node: self.primary.node.clone(),
            standby: standby.map(|place| place.node.clone()),
            generation: self.generation,
            candidates: self.primary.candidates(self.generation),
            standby_candidates: standby
                .map(|place| place.candidates(self.generation + 1))
                .unwrap_or_default(),
        }
    }

    /// The generation of the next place: above what clients know of the present node, and above
    /// the standby's candidates unless it is the standby itself.
    pub(super) fn next_generation(&self, next: &NodeId) -> u16 {
        let is_standby = self.standby.as_ref().is_none_or(|standby| standby.node == *next);
        self.generation.saturating_add(if is_standby { 1 } else { 2 })
    }
}
