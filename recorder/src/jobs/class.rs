//! Kinds of work, in the order in which people miss what comes of it.

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The film that everybody waits for.
    FirstFilm,
    /// Files of tracks.
    Tracks,
    /// A safe place for the journals.
    Keep,
    /// Films that somebody wanted besides.
    Film,
}
