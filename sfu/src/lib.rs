//! The node process: sockets, worker threads, controller link, metrics.
//!
//! A node forwards media and obeys a controller. It knows no SDP, no names and no tokens, and its
//! engine (`lectern-media`) knows nothing of what is here.

mod address;
mod alarm;
mod directory;
mod handover;
mod link;
mod load;
mod metrics;
mod node;
mod relay;
pub mod socket;
mod steer;
mod worker;

pub use address::Advertised;
pub use relay::Dial;

use crate::alarm::Alarm;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::socket::{Sharing, Socket};
use crate::worker::{Failure, Handle, Plan};
use bytes::Bytes;
use lectern_control::NodeId;
use lectern_control::Version;
use lectern_control::delivery::Number;
use lectern_control::node::{Capacity, Hello};
use prometheus::Registry;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// A link to a controller: messages out, messages in, encoded by `control::frame`.
pub type Link = (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>);

/// Workers of one node: the rings between them grow with the square.
const MAX_WORKERS: u16 = 128;
/// Bytes an engine puts out before it is flushed: some 800 packets, a tenth of the socket's buffer.
const OUTBOX_BYTES: usize = 1 << 20;

/// What a node is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Its name in the cluster; no two nodes may share one. Empty: the host's name.
    pub name: String,
    /// Where it is, such as `eu-central`.
    pub region: String,
    /// What must not fail together with it, such as a rack or a zone. Empty: its name.
    pub failure_domain: String,
    /// Where its one UDP port is. `[::]` takes IPv4 as well.
    pub listen: SocketAddr,
    /// Where clients reach it, best first: an IP address, or one with a port. Empty: the machine's
    /// addresses.
    pub advertise: Vec<Advertised>,
    /// Threads that forward; 0: one for each core.
    pub workers: u16,
    /// Pins each worker to a core: right where the node has the machine to itself.
    pub pin: bool,
    /// Peers it takes at once.
    pub max_peers: u32,
    /// What its network can send, in bits a second.
    pub egress_bps: u64,
    /// Estimates what the path to each subscriber can take, paces what it is sent, and shares that out
    /// among what it watches; without it everything is sent at once.
    pub estimate_bandwidth: bool,
    /// Tells of the path to each subscriber ten times a second, in metrics with a series for each
    /// peer: for who looks for a fault, not for every day.
    pub trace_paths: bool,
    /// Its sockets.
    pub socket: socket::Config,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            name: String::new(),
            region: "local".to_owned(),
            failure_domain: String::new(),
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 7882)),
            advertise: Vec::new(),
            workers: 0,
            pin: false,
            max_peers: 2_000,
            egress_bps: 1_000_000_000,
            estimate_bandwidth: true,
            trace_paths: false,
            socket: socket::Config::default(),
        }
    }
}

/// Why a node cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name cannot be one.
    #[error("node.name: {0:?} cannot be the name of a node: {1}")]
    Name(String, lectern_control::id::InvalidId),
    /// Too many workers.
    #[error("node.workers: {0} is over the limit of {MAX_WORKERS}")]
    Workers(u16),
    /// The port cannot be had.
    #[error("node.listen: cannot bind UDP {0}: {1}")]
    Bind(SocketAddr, io::Error),
    /// The machine's addresses cannot be listed.
    #[error("cannot list this machine's addresses: {0}; set node.advertise")]
    Interfaces(io::Error),
    /// An address that no client can reach.
    #[error("node.advertise: clients cannot reach {0}")]
    Advertise(SocketAddr),
    /// No address at all.
    #[error("this machine has no address that clients can reach; set node.advertise")]
    NoAddress,
    /// Threads or descriptors are used up.
    #[error("cannot start a worker: {0}")]
    Start(io::Error),
    /// The registry has these metrics already.
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A worker ended before its time. Its rooms are gone, so the process must end.
    #[error("worker {worker} ended: {failure}")]
    Worker {
        /// Which.
        worker: usize,
        /// Why.
        failure: Failure,
    },
    /// A worker does not come back from its work.
    #[error("worker {0} hangs")]
    WorkerHangs(usize),
    /// All workers ended.
    #[error("no worker is left")]
    NoWorkers,
}

/// Runs a node until it is told to stop. A new link replaces the former one; without any, media go
/// on. Links to recorders are asked for through `dials`.
pub async fn run(
    config: Config,
    registry: Registry,
    links: mpsc::Receiver<Link>,
    dials: mpsc::Sender<Dial>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let mut node = start(&config, &registry, dials)?;
    tracing::info!(
        node = %node.hello.node,
        addresses = ?node.hello.addresses,
        workers = node.hello.capacity.workers,
        "the node is up"
    );
    let result = node.run(links, stop).await;
    if let Err(error) = &result {
        tracing::error!(%error, "the node cannot go on");
    }
    node.shut_down().await;
    result
}

fn start(config: &Config, registry: &Registry, dials: mpsc::Sender<Dial>) -> Result<Node, Error> {
    let workers = worker_count(config)?;
    let name = name(&config.name)?;
    let sockets = bind(config, workers)?;
    let bound = sockets.first().ok_or(Error::NoWorkers)?.local_addr();
    let addresses = address::candidates(&config.advertise, bound)?;
    let metrics = Metrics::new(registry, workers.into(), config.trace_paths)?;
    let failure_domain = match config.failure_domain.as_str() {
        "" => name.as_str().to_owned(),
        domain => domain.to_owned(),
    };
    let hello = Hello {
        version: Version::CURRENT,
        node: name,
        region: config.region.clone(),
        failure_domain,
        capacity: Capacity { workers, peers: config.max_peers, egress_bps: config.egress_bps },
        addresses: addresses.clone(),
        rooms: Vec::new(),
        heard: None,
        kept_after: Number::default(),
    };
    let notify = Arc::new(Notify::new());
    let (ended_out, ended) = mpsc::channel(workers.into());
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = (Instant::now(), since_1970);
    let (relays, rings): (Vec<_>, Vec<_>) = (0..workers).map(|_| relay::ring()).unzip();
    let plans = plans(config, epoch, sockets, relays, &addresses).map_err(Error::Start)?;
    let relays = relay::start(hello.node.clone(), epoch, rings, dials, registry)?;
    let handles = plans
        .into_iter()
        .map(|plan| worker::spawn(plan, Arc::clone(&notify), ended_out.clone()))
        .collect::<io::Result<Vec<Handle>>>()
        .map_err(Error::Start)?;
    Ok(Node::new(hello, handles, notify, ended, relays, metrics))
}

fn worker_count(config: &Config) -> Result<u16, Error> {
    match config.workers {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            Ok(u16::try_from(cores).unwrap_or(MAX_WORKERS).min(MAX_WORKERS))
        }
        workers if workers > MAX_WORKERS => Err(Error::Workers(workers)),
        workers => Ok(workers),
    }
}

/// The configured name, or what of the host's name can be one.
fn name(configured: &str) -> Result<NodeId, Error> {
    let name = match configured {
        "" => {
            let host = rustix::system::uname();
            let host = host.nodename().to_string_lossy().to_ascii_lowercase();
            let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let host: String = host.chars().filter(allowed).take(NodeId::MAX_LEN).collect();
            if host.is_empty() { "node".to_owned() } else { host }
        }
        name => name.to_owned(),
    };
    name.parse().map_err(|error| Error::Name(name, error))
}

/// One socket for each worker, all on one port.
fn bind(config: &Config, workers: u16) -> Result<Vec<Socket>, Error> {
    let bind = |address, sharing| {
        Socket::bind(address, sharing, &config.socket).map_err(|error| Error::Bind(address, error))
    };
    // Alone first: another process that shares the port would take our clients unnoticed.
    let first = match bind(config.listen, Sharing::Alone) {
        Err(Error::Bind(_, error)) if without_ipv6(config.listen, &error) => {
            tracing::warn!("this machine has no IPv6: only IPv4 is served");
            bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, config.listen.port())), Sharing::Alone)?
        }
        first => first?,
    };
    let (received, sent) =
        first.buffer_bytes().map_err(|error| Error::Bind(config.listen, error))?;
    if received.min(sent) < config.socket.buffer_bytes {
        tracing::warn!(
            received,
            sent,
            "the kernel grants smaller buffers than asked for: raise net.core.rmem_max and wmem_max"
        );
    }
    tracing::info!(gso = first.sends_runs(), gro = first.receives_runs(), "batched socket");
    if workers < 2 {
        return Ok(vec![first]);
    }
    let address = first.local_addr();
    drop(first);
    (0..workers).map(|_| bind(address, Sharing::Shared)).collect()
}

fn without_ipv6(address: SocketAddr, error: &io::Error) -> bool {
    let unspecified = address.ip() == Ipv6Addr::UNSPECIFIED;
    let missing = matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL));
    unspecified && missing
}

/// What each worker is made from, with rings between all of them.
fn plans(
    config: &Config,
    epoch: (Instant, Duration),
    sockets: Vec<Socket>,
    relays: Vec<relay::Outward>,
    addresses: &[SocketAddr],
) -> io::Result<Vec<Plan>> {
    let workers = sockets.len();
    let cores = core_affinity::get_core_ids().filter(|_| config.pin).unwrap_or_default();
    let mut plans = Vec::with_capacity(workers);
    for (index, (socket, relays)) in sockets.into_iter().zip(relays).enumerate() {
        plans.push(Plan {
            index,
            workers,
            core: cores.iter().cycle().nth(index).copied(),
            engine: lectern_media::Config {
                seed: rand::random(),
                addresses: addresses.to_vec(),
                epoch,
                outbox_bytes: OUTBOX_BYTES,
                estimates: config.estimate_bandwidth,
            },
            traces_paths: config.trace_paths,
            socket,
            alarm: Alarm::new()?,
            outward: Vec::with_capacity(workers),
            inward: Vec::new(),
            relays,
        });
    }
    for from in 0..workers {
        for to in 0..workers {
            let ring = (from != to).then(|| handover::between(workers, plans[to].alarm.clone()));
            let (outward, inward) = ring.unzip();
            plans[from].outward.push(outward);
            plans[to].inward.extend(inward);
        }
    }
    Ok(plans)
}
