//! Tests of STUN.
