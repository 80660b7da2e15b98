//! Why a file cannot be made of what was given.

use thiserror::Error;

/// Why a file cannot take a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The frame is of another codec, or needs another decoder configuration, than the file was begun
    /// with: it belongs into a new file.
    #[error("the frame needs another decoder configuration than the file has")]
    OtherConfiguration,
    /// A file begins with a keyframe that tells its size.
    #[error("a file begins with a keyframe that tells its size")]
    NotAKeyframe,
    /// This kind of file does not hold this codec.
    #[error("this kind of file does not hold this codec")]
    Codec,
    /// A configuration record, parameter set or header cannot be read.
    #[error("the decoder configuration cannot be read")]
    Configuration,
    /// Longer, or more of it, than the format or a named limit allows.
    #[error("more than the file can hold")]
    TooMuch,
    /// A box could not be written.
    #[error("a box could not be written")]
    Box,
}
