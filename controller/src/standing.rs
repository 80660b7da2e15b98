//! What was decided about somebody in a meeting, where it differs from what the session says.

use lectern_control::room::Role;

/// People remembered of one room. Who is decided about beyond that displaces the oldest; a few
/// hundred kilobytes.
pub const MAX_STANDINGS: usize = 10_000;

/// A decision about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The role a moderator gave it.
    pub role: Option<Role>,
    /// It stays out.
    pub out: Option<Out>,
    /// When it was decided, in milliseconds since 1970.
    pub at_unix_ms: u64,
}

/// Why somebody stays out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// A moderator removed it.
    Removed,
    /// A moderator refused it in the lobby.
    Refused,
    /// It ended its session itself.
    Ended,
}

impl Out {
    /// As the records have it.
    pub fn text(self) -> &'static str {
        match self {
            Out::Removed => "removed",
            Out::Refused => "refused",
            Out::Ended => "ended",
        }
    }

    /// From the records' word.
    pub fn of_text(text: &str) -> Option<Out> {
        [Out::Removed, Out::Refused, Out::Ended].into_iter().find(|out| out.text() == text)
    }
}
