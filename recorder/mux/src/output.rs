//! What a file writer gives: pieces of the file, in order.

use bytes::Bytes;

/// Bytes from the beginning of a file within which [`Output::Rewrite`] stays. A sink that writes in
/// order can hold the first so many bytes back until the end; one that cannot leaves them as they were
/// first written, and the file is playable all the same, without a duration or an index at its front.
pub const HEAD_BYTES: u64 = 16 << 10;

/// A step of writing a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Goes to the end of the file.
    Append(Bytes),
    /// Goes over what was written before, within the first [`HEAD_BYTES`].
    Rewrite {
        /// The place of the first byte.
        at: u64,
        /// The bytes.
        bytes: Bytes,
    },
}
