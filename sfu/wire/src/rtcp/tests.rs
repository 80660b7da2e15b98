//! Tests of RTCP, compound packets, builders and readers.
