//! What a film is made of: tracks, and their units with times.

use lectern_control::media::{MediaKind, Source};
use lectern_control::{ParticipantId, TrackId};
use lectern_mux::Unit;
use std::io;

/// The units of one track, in the order in which they are decoded.
pub type Units = Box<dyn Iterator<Item = io::Result<Unit>> + Send>;

/// A recording, as its composer reads it. Nothing is asked for twice without need: a track is opened
/// once where it is shown without a pause.
pub trait Media: Sync {
    /// All tracks, in any order.
    fn tracks(&self) -> Vec<Track>;

    /// The units of a track from the last keyframe at or before `from_us`, to its end; from the first
    /// keyframe where there is none before. Called on the composer's thread, read on others. Pictures
    /// and sound may be asked for from different times.
    fn units(&self, track: TrackId, from_us: i64) -> io::Result<Units>;
}

/// One published source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    /// Its id.
    pub id: TrackId,
    /// Whose.
    pub participant: ParticipantId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: Source,
    /// Its first moment, in microseconds of the recording.
    pub from_us: i64,
    /// Its end.
    pub until_us: i64,
}
