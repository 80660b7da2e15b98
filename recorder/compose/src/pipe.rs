//! What both readers of pipes need.

use std::io::{self, Read};

/// What makes no sense.
pub fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the stream makes no sense")
}

/// Leaves bytes out.
pub fn skip(from: &mut impl Read, len: u64) -> io::Result<()> {
    let skipped = io::copy(&mut from.take(len), &mut io::sink())?;
    if skipped == len { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
