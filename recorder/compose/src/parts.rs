//! Finished pieces of a film, kept so that a restart need not make them again.

use std::io;

/// Where finished pieces lie. Names are letters, digits and `-`; what is in them shows people, so it
/// is kept sealed. They are of one film, and may be thrown away once it is written or given up.
pub trait Parts {
    /// Whether a part was finished.
    fn has(&self, name: &str) -> bool;

    /// Begins a part, in place of one of the same name.
    fn put(&self, name: &str) -> io::Result<Box<dyn Part>>;

    /// Reads a finished part from its first byte.
    fn get(&self, name: &str) -> io::Result<Box<dyn io::Read>>;
}

/// A part that is being written; one that is dropped without [`Part::finish`] was never there.
pub trait Part: io::Write {
    /// The part is whole: from now on it is found.
    fn finish(self: Box<Self>) -> io::Result<()>;
}
