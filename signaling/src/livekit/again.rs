//! What is said a second time of a client's own tracks.

use lectern_control::TrackId;
use std::collections::BTreeSet;
use std::mem::take;

/// What was said of the client's own tracks. Clients know a track by its id only once they have applied
/// our answer, and pass over what is said of it before: it is said again after two pings.
#[derive(Debug, Default)]
pub struct Again {
    fresh: BTreeSet<OfTrack>,
    pinged: BTreeSet<OfTrack>,
}

/// Something said of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OfTrack {
    /// The controller did not take it.
    Refused(TrackId),
    /// Which of its layers are watched.
    Layers(TrackId),
}

impl Again {
    /// Something that was said just now.
    pub fn later(&mut self, said: OfTrack) {
        self.fresh.insert(said);
    }

    /// A ping: what is due.
    pub fn pinged(&mut self) -> BTreeSet<OfTrack> {
        std::mem::replace(&mut self.pinged, take(&mut self.fresh))
    }
}
