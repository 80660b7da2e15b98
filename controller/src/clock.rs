//! The time, as an argument: the pure parts read no clock.

use std::time::Instant;

/// One moment, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For what lasts: never goes back.
    pub at: Instant,
    /// For what people and other processes see: milliseconds since 1970.
    pub unix_ms: u64,
}
