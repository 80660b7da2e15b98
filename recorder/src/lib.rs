//! The recorder: takes packets from nodes, writes journals, makes files of them, and keeps those.
//!
//! It decodes nothing while it records, and knows no people but by the names it is told to show.

mod archive;
mod catalogue;
mod clock;
mod config;
mod controller;
mod desk;
mod disks;
mod edge;
mod errands;
mod grants;
mod jobs;
mod keys;
mod live;
mod manifest;
mod media;
mod metrics;
mod node;
mod role;
mod storage;
mod timeline;
mod trouble;

pub use archive::{Line, Request, Rotated, compose, inspect, list, rotate};
pub use config::{Config, Folder, InvalidConfig, S3, Store};
pub use lectern_compose::{Film, confine};
pub use role::run;

use bytes::Bytes;
use std::io;
use tokio::sync::mpsc;

/// A link to another role: messages out, messages in, encoded by `control::frame`.
pub type Link = (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>);

/// Why a recorder cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The master keys cannot be had.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// The store cannot be opened.
    #[error("recorder.store: {0}")]
    Store(String),
    /// The data folder cannot be used.
    #[error("recorder.data_dir: {0}")]
    Folder(#[from] io::Error),
    /// Another process uses the data folder.
    #[error("recorder.data_dir: another recorder uses it")]
    Busy,
    /// The registry has these metrics already.
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The thread that carries out commands has ended.
    #[error("a fault of the program: see the log above")]
    Fault,
    /// A recording that was named cannot be read.
    #[error("the recording cannot be read: {0}")]
    Recording(String),
}
