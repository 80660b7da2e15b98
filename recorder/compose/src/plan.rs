//! What film is wanted.

use crate::tools::Tools;
use lectern_control::ParticipantId;
use lectern_control::recorder::Event;
use lectern_control::recording::Layout;

/// A film to be made of a recording.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How it looks.
    pub layout: Layout,
    /// Who is left out, picture, sound and name.
    pub without: Vec<ParticipantId>,
    /// How long the recording is, in microseconds: so long is the film.
    pub duration_us: i64,
    /// What happened, with times in microseconds of the recording; in any order.
    pub events: Vec<(i64, Event)>,
    /// What decodes and encodes.
    pub tools: Tools,
    /// Processor cores that are busy with it at most, the same for all films at the same time.
    pub cores: usize,
}
