//! Behaviour of the media core: whole calls in a virtual world, each with a seed.
//!
//! The clients are `str0m`, the networks are `lectern-sim`'s, every byte that arrives is checked.
//! A failing seed prints the command that replays it; `LECTERN_SEEDS` says how many there are.

mod audit;
mod intruder;
mod node;
mod peer;
mod scenarios;
mod seeds;
mod world;
