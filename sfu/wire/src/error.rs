//! Why bytes are not what they should be. Small and `Copy`: the hot path counts these, no more.

use thiserror::Error;

/// Why bytes cannot be read, or a value cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Error {
    /// The bytes end before the value does.
    #[error("ends too early")]
    Truncated,
    /// A length inside contradicts another or the size of the whole.
    #[error("a length contradicts the size")]
    Length,
    /// The version is not the one of the protocol.
    #[error("unknown version")]
    Version,
    /// The padding is empty or longer than what it pads (RFC 3550 section 5.1).
    #[error("impossible padding")]
    Padding,
    /// More of something than a named limit allows.
    #[error("more than the limit")]
    TooMany,
    /// A value outside what the protocol allows.
    #[error("a value is out of range")]
    Invalid,
    /// Well-formed, but of a kind that is not ours.
    #[error("not of a known kind")]
    Unsupported,
    /// A checksum does not fit.
    #[error("the checksum does not fit")]
    Checksum,
    /// The buffer given has no room for the value.
    #[error("no room in the buffer")]
    NoSpace,
}
