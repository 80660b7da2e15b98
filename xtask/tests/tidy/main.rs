//! The rules of the house, as ordinary tests: who may use whom, how long things may be, what the
//! media core must not do, which words and licences may stand in the tree.

mod arrows;
mod bans;
mod licences;
mod rings;
mod sizes;
mod sources;
mod words;
