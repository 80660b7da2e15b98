//! What was made.

use lectern_control::TrackId;

/// A film that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Film {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// How long it plays, in milliseconds.
    pub duration_ms: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Pictures of it, in order.
    pub thumbnails: Vec<Thumbnail>,
    /// Its chapters, in order; the first begins at zero.
    pub chapters: Vec<Chapter>,
    /// What could not be shown as it should be.
    pub notes: Vec<Note>,
}

/// A picture of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The moment, in milliseconds of the film.
    pub at_ms: u64,
    /// A JPEG file.
    pub jpeg: Vec<u8>,
}

/// From where another screen is shared, or none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// Where it begins, in milliseconds of the film.
    pub at_ms: u64,
    /// What players show for it.
    pub title: String,
}

/// Something that is missing in a film which could be made all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// There is no font for names, or for some letters of them: these are left out. Installing fonts
    /// helps (Debian: apt-get install fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji).
    NoFont,
    /// Part of a track could not be decoded, for this reason.
    Undecoded {
        /// Which.
        track: TrackId,
        /// Why, for operators.
        reason: String,
    },
}
