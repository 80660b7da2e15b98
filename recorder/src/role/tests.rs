//! A recorder among a controller, nodes and edges that speak as the real ones do.

mod clip;
mod destroy;
mod disk;
mod faults;
mod hostile;
mod playback;
mod restart;
mod stage;
mod store;
