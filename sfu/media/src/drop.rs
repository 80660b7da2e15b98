//! Why a packet was dropped. Every drop is counted under one of these reasons, none is logged.

/// Why a packet was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// The first byte belongs to no protocol of RFC 9443.
    UnknownProtocol,
    /// Too short, too long, or contradicting itself.
    Malformed,
    /// From an address that no authenticated check has opened.
    UnknownAddress,
}
