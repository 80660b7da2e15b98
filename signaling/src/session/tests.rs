//! Behaviour of a session.
