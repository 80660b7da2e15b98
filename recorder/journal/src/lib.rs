//! The journal of a recording: what came, when, and sealed; readable up to wherever it was cut off.
//!
//! `docs/journal.md` beside the recorder describes the bytes. A [`Writer`] appends blocks to a [`Disk`], a
//! [`Reader`] finds the good ones again; [`seal`] keeps finished files, [`key`] the keys of both.

mod block;
mod disk;
mod entry;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod index;
mod inspect;
pub mod key;
mod reader;
mod scan;
pub mod seal;
mod writer;

pub use block::{Kinds, MAX_BLOCK_BYTES, VERSION};
pub use disk::{Apart, Disk, Source, SyncsApart};
pub use entry::{Entry, MAX_RECORDS_BYTES};
pub use index::{Index, MAX_STRETCHES, Stretch};
pub use inspect::{Gap, Inside, Report, TrackReport, inspect};
pub use reader::Reader;
pub use scan::Damage;
pub use writer::{MAX_PENDING_BYTES, MAX_UNSYNCED_BYTES, Synced, Syncing, Writer};

use std::io;

/// Why a journal cannot be written or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no: what was appended stays, and the next commit tries again.
    #[error("the journal cannot be written: {0}")]
    Disk(#[from] io::Error),
    /// More was appended than [`MAX_PENDING_BYTES`] without a commit that succeeded.
    #[error("too much waits to be written")]
    Behind,
    /// One entry is too large, or its records are not well-formed.
    #[error("the entry is too large or damaged")]
    Entry,
    /// Another process writes this journal.
    #[error("another process writes this journal")]
    Busy,
    /// The journal was sealed with another key, or under another label.
    #[error("the journal belongs to another key or another label")]
    Key,
    /// A newer version of the format has written to it.
    #[error("the journal was written by a newer version")]
    Newer,
    /// No more blocks or lives can be counted, or no random numbers can be had.
    #[error("the journal cannot be sealed")]
    Seal,
}
