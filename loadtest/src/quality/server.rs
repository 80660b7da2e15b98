//! The server under test, whichever it is: its process, where pages come from, and where media passes.

mod janus;
mod lectern;
mod process;

use anyhow::{Context, Result};
use process::Process;
use serde::Serialize;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

/// Whose server it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// Ours.
    #[default]
    Lectern,
    /// Meetecho's, as Debian ships it, with its VideoRoom plugin.
    Janus,
}

/// Where a server sends and receives media, chosen before it starts so that a relay can stand there.
#[derive(Debug)]
pub struct Ways {
    /// The presenter's.
    pub presenter: SocketAddr,
    /// The viewers', which may be the same.
    pub viewer: SocketAddr,
    /// Keeps the viewers' way free until the presenter has taken another.
    held: Option<UdpSocket>,
}

/// What a server is started with.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The program.
    pub binary: &'a Path,
    /// A folder of its own.
    pub data: &'a Path,
    /// Where it may complain.
    pub log: &'a Path,
    /// Where media passes.
    pub ways: &'a Ways,
    /// Where the relay takes what is meant for one of the two ways.
    pub relay: SocketAddr,
}

/// A server that ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    process: Process,
    /// Where pages and API are.
    pub origin: String,
    /// Where its metrics are, if it has any.
    pub admin: Option<SocketAddr>,
}

impl Peer {
    /// As it stands in figures and names of folders.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Lectern => "lectern",
            Peer::Janus => "janus",
        }
    }

    /// Its program; Lectern's is at `lectern`.
    pub fn binary(self, lectern: &Path) -> Result<PathBuf> {
        match self {
            Peer::Lectern => lectern
                .canonicalize()
                .context("there is no server: build it, or name it by --server"),
            Peer::Janus => janus::binary(),
        }
    }

    /// Free ways for media.
    pub fn ways(self) -> Result<Ways> {
        match self {
            Peer::Lectern => lectern::ways(),
            Peer::Janus => janus::ways(),
        }
    }

    /// Starts a server.
    pub fn start(self, setup: &Setup) -> Result<Server> {
        match self {
            Peer::Lectern => lectern::start(setup),
            Peer::Janus => janus::start(setup),
        }
    }
}

impl Ways {
    /// The presenter has taken a way; the viewers' is the server's to take from now on.
    pub fn let_viewers_in(self) {
        drop(self.held);
    }
}

impl Server {
    /// The processor time it has used, in milliseconds.
    pub fn cpu_ms(&self) -> Option<f64> {
        self.process.cpu_ms()
    }
}

/// A port of loopback that nobody holds, for UDP.
fn free_udp() -> Result<SocketAddr> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}

fn free_tcp() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
