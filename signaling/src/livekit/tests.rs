//! Signaling as a client sees it.
