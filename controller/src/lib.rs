//! The controller: owns rooms under leases, places them on nodes, and moves them.

mod archive;
mod attempts;
pub mod clock;
mod config;
pub mod controller;
pub mod coordination;
pub mod edges;
pub mod entries;
pub mod job;
pub mod lease;
mod link;
pub mod metrics;
pub mod nodes;
pub mod placement;
pub mod recorders;
pub mod recordings;
pub mod records;
pub mod room;
mod shell;
pub mod standing;
mod stores;

pub use config::{Config, Recordings};
pub use link::Link;
pub use shell::run;

use thiserror::Error;

/// Why a controller cannot run.
#[derive(Debug, Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error("the controller's configuration: {0}")]
    Config(String),
    /// The folder of the stores cannot be made.
    #[error("the controller's folder: {0}")]
    Folder(#[from] std::io::Error),
    /// The coordination store cannot be opened.
    #[error("the coordination store: {0}")]
    Coordination(#[from] coordination::Error),
    /// The records cannot be opened.
    #[error("the records: {0}")]
    Records(#[from] records::Error),
    /// The metrics cannot be registered: another controller has the same registry.
    #[error("the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}
