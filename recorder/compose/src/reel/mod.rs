//! The film in pieces: a minute of pictures each, and all of its sound, made one after the other and
//! kept as parts.

mod index;
mod pictures;
mod sound;
mod stage;

pub use index::{Index, Sample};
pub use pictures::{Pictures, REEL_FRAMES, at_us};
pub use sound::sound;

use crate::error::Error;
use crate::parts::Parts;
use std::io::{self, Read, Write};

/// What is in parts, and how; parts of another kind are made again.
const KIND: &str = "f1";

/// Names of a piece's two parts: the data, and what tells how long each sample of it is. The second
/// is finished last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    data: String,
    index: String,
}

impl Piece {
    /// A minute of pictures, counted from zero.
    pub fn pictures(number: u64) -> Piece {
        Piece::named(&format!("pictures-{number:04}"))
    }

    /// All of the sound.
    pub fn sound() -> Piece {
        Piece::named("sound")
    }

    fn named(name: &str) -> Piece {
        Piece { data: format!("{KIND}-{name}"), index: format!("{KIND}-{name}-index") }
    }

    /// Whether it was finished.
    pub fn is_there(&self, parts: &dyn Parts) -> bool {
        parts.has(&self.data) && parts.has(&self.index)
    }

    /// Keeps it; `data` are the samples' bytes.
    pub fn keep<'d>(
        &self,
        parts: &dyn Parts,
        data: impl Iterator<Item = &'d [u8]>,
        index: &Index,
    ) -> Result<(), Error> {
        let keep = || -> io::Result<()> {
            let mut part = parts.put(&self.data)?;
            for bytes in data {
                part.write_all(bytes)?;
            }
            part.finish()?;
            self.keep_index(parts, index)
        };
        keep().map_err(Error::Parts)
    }

    /// Keeps what tells how long each sample is, after the data.
    pub fn keep_index(&self, parts: &dyn Parts, index: &Index) -> io::Result<()> {
        let mut part = parts.put(&self.index)?;
        part.write_all(&index.encoded())?;
        part.finish()
    }

    /// The name of its data.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Reads what tells how long each sample is.
    pub fn index(&self, parts: &dyn Parts) -> Result<Index, Error> {
        let mut bytes = Vec::new();
        let read = parts.get(&self.index).and_then(|mut part| part.read_to_end(&mut bytes));
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a part is damaged");
        read.and_then(|_| Index::decoded(&bytes).ok_or_else(damaged)).map_err(Error::Parts)
    }
}
