//! Behaviour of a peer's transport: against another of its kind and against `str0m`, in virtual
//! time, under loss, moved between nodes, and attacked.

mod attacks;
mod connect;
mod interop;
mod takeover;
mod world;
