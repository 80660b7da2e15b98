//! SDP (RFC 8866): bounded reading of what clients describe, and building of what we describe.
//!
//! Pure: text in, types out, and back. Knows browsers' dialects, but no protocol around them.

pub mod answer;
pub mod candidate;
pub mod client_answer;
pub mod codec;
pub mod description;
pub mod encoding;
pub mod extension;
pub mod h264;
pub mod offer;
pub mod server_offer;
#[cfg(test)]
mod tests;
pub mod transport;
mod writer;

use thiserror::Error;

/// One whole description. Fifty video sections of Chromium fit; a message over the WebSocket is
/// bounded likewise.
pub const MAX_SDP_BYTES: usize = 256 << 10;
/// One line; the longest of browsers (fmtp, candidates) stay under 300 bytes.
pub const MAX_LINE_BYTES: usize = 4 << 10;
/// Lines of a description; Chromium writes about 130 for a video section.
pub const MAX_LINES: usize = 10_000;
/// Media sections: all that one participant receives, twice over while they are exchanged for others;
/// rejected ones are reused.
pub const MAX_SECTIONS: usize = 256;
/// Formats of one section: payload types have seven bits.
pub const MAX_FORMATS: usize = 128;

/// Why a description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// A named limit is passed.
    #[error("the description has more than {1} {0}")]
    Limit(&'static str, usize),
    /// The text is not SDP.
    #[error("line {0} is not SDP")]
    Syntax(usize),
    /// Something that must stand in a description is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value cannot be used.
    #[error("{0} cannot be used")]
    Invalid(&'static str),
    /// Sections that do not share one transport.
    #[error("all sections must share one transport (BUNDLE)")]
    NotBundled,
}

/// Whether a client sends on, receives on, or ignores a media section (RFC 8866 section 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    /// The one who wrote it sends.
    pub sends: bool,
    /// The one who wrote it receives.
    pub receives: bool,
}

/// Stream and track that a section carries, from `a=msid` (RFC 8830).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Msid {
    /// The media stream; `-` where there is none.
    pub stream: String,
    /// The track.
    pub track: String,
}
