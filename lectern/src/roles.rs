//! Starts roles and links them: all in this process, or one of them towards a cluster.

use crate::admin::{self, Status};
use crate::cluster::{self, Role};
use crate::config::Config;
use crate::dials::{self, Wanted};
use crate::link::{Link, QUEUED_BATCHES, QUEUED_MESSAGES, crossed, watched};
use crate::quic::{self, Caller, Doors};
use crate::recordings;
use anyhow::{Context, Result, anyhow, bail};
use prometheus::Registry;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Links waiting to be taken by a role.
const QUEUED_LINKS: usize = 64;
/// How long an orderly end may take: people are told, stores are closed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

const EDGE_LISTENS: &str = "the edge's listener";
const EDGE_LINKED: &str = "the edge's link to the controller";
const NODE_LINKED: &str = "the node's link to the controller";
const RECORDER_LINKED: &str = "the recorder's link to the controller";

type Tasks = JoinSet<(&'static str, Result<()>)>;
type Ended = Result<(&'static str, Result<()>), JoinError>;

/// Where a controller takes links.
struct ControllerQueues {
    nodes: mpsc::Sender<Link>,
    edges: mpsc::Sender<Link>,
    recorders: mpsc::Sender<Link>,
}

/// Where a recorder takes links.
struct RecorderQueues {
    controllers: mpsc::Sender<Link>,
    nodes: mpsc::Sender<Link>,
    edges: mpsc::Sender<Link>,
}

/// What leads into an edge, and out of it.
struct EdgeEnds {
    links: mpsc::Sender<Link>,
    dials: mpsc::Receiver<lectern_signaling::Dial>,
    listens: oneshot::Receiver<SocketAddr>,
}

/// The tasks of a process: the first that fails ends it.
struct Process {
    config: Config,
    status: Status,
    registry: Registry,
    stop: CancellationToken,
    roles: Tasks,
    /// Listeners and links of the process itself: they outlive the roles, which say farewell.
    carriers: Tasks,
    stop_carriers: CancellationToken,
}

impl Process {
    fn new(config: Config) -> Process {
        let registry = Registry::new();
        let mut process = Process {
            config,
            status: Status::new(registry.clone()),
            registry,
            stop: CancellationToken::new(),
            roles: JoinSet::new(),
            carriers: JoinSet::new(),
            stop_carriers: CancellationToken::new(),
        };
        let stop = process.stop_carriers.clone();
        let serve = admin::serve(process.config.admin, process.status.clone(), stop);
        process.carry("admin listener", serve);
        process
    }

    fn start_role(
        &mut self,
        name: &'static str,
        role: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        tracing::info!("starting the {name}");
        self.roles.spawn(async move { (name, role.await) });
    }

    fn start_controller(&mut self) -> ControllerQueues {
        let (nodes, node_links) = mpsc::channel(QUEUED_LINKS);
        let (edges, edge_links) = mpsc::channel(QUEUED_LINKS);
        let (recorders, recorder_links) = mpsc::channel(QUEUED_LINKS);
        let mut config = self.config.controller.clone();
        config.data_dir.get_or_insert_with(|| self.config.data_dir.join("controller"));
        let (registry, stop) = (self.registry.clone(), self.stop.clone());
        self.start_role("controller", async move {
            lectern_controller::run(config, registry, node_links, edge_links, recorder_links, stop)
                .await?;
            Ok(())
        });
        ControllerQueues { nodes, edges, recorders }
    }

    fn start_edge(&mut self) -> EdgeEnds {
        self.status.miss(EDGE_LISTENS);
        self.status.miss(EDGE_LINKED);
        let (links, links_in) = mpsc::channel(QUEUED_LINKS);
        let (dials_in, dials) = mpsc::channel(QUEUED_LINKS);
        let (on_ready, listens) = oneshot::channel();
        let mut config = self.config.edge.clone();
        config.data_dir.get_or_insert_with(|| self.config.data_dir.join("edge"));
        let (registry, stop) = (self.registry.clone(), self.stop.clone());
        self.start_role("edge", async move {
            lectern_signaling::run(config, registry, links_in, dials_in, on_ready, stop).await?;
            Ok(())
        });
        EdgeEnds { links, dials, listens }
    }

    fn start_node(&mut self) -> (mpsc::Sender<Link>, mpsc::Receiver<lectern_sfu::Dial>) {
        self.status.miss(NODE_LINKED);
        let (nodes, links) = mpsc::channel(QUEUED_LINKS);
        let (dials_in, dials) = mpsc::channel(QUEUED_LINKS);
        let config = self.config.node.clone();
        let (registry, stop) = (self.registry.clone(), self.stop.clone());
        self.start_role("node", async move {
            lectern_sfu::run(config, registry, links, dials_in, stop).await?;
            Ok(())
        });
        (nodes, dials)
    }

    fn start_recorder(&mut self) -> RecorderQueues {
        self.status.miss(RECORDER_LINKED);
        let (controllers, controller_links) = mpsc::channel(QUEUED_LINKS);
        let (nodes, node_links) = mpsc::channel(QUEUED_LINKS);
        let (edges, edge_links) = mpsc::channel(QUEUED_LINKS);
        let config = recordings::config(&self.config);
        let (registry, stop) = (self.registry.clone(), self.stop.clone());
        self.start_role("recorder", async move {
            let config = config?;
            lectern_recorder::run(config, registry, controller_links, node_links, edge_links, stop)
                .await?;
            Ok(())
        });
        RecorderQueues { controllers, nodes, edges }
    }

    fn carry(
        &mut self,
        what: &'static str,
        carrier: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        self.carriers.spawn(async move { (what, carrier.await) });
    }

    /// How a role's link tells the process that it stands.
    fn stands(&self, what: &'static str) -> impl Fn(bool) + Clone + Send + 'static {
        let status = self.status.clone();
        move |stands| if stands { status.have(what) } else { status.miss(what) }
    }

    fn dial(&mut self, role: Role, what: &'static str, links: mpsc::Sender<Link>) -> Result<()> {
        let identity = cluster::load(&self.config.cluster.certificates, role)?;
        let (dialed, mut new_links) = mpsc::channel(QUEUED_LINKS);
        let dialer = quic::Dialer::new(&self.config.cluster.controller, identity)?;
        self.carry("link to the controller", dialer.run(dialed, self.stop_carriers.clone()));
        let stands = self.stands(what);
        tokio::spawn(async move {
            while let Some(link) = new_links.recv().await {
                if links.send(watched(link, stands.clone())).await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Makes the links that a role wants to recorders.
    fn call_recorders<D: Into<Wanted> + Send + 'static>(
        &self,
        role: Role,
        dials: mpsc::Receiver<D>,
    ) -> Result<()> {
        let caller = Caller::new(cluster::load(&self.config.cluster.certificates, role)?)?;
        tokio::spawn(dials::over_quic(dials, caller, self.stop_carriers.clone()));
        Ok(())
    }

    /// Waits for `future`, unless a task or a signal ends the process before.
    async fn unless_ended<T>(&mut self, future: impl Future<Output = T>) -> Result<Option<T>> {
        let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
        let ended: Ended = tokio::select! {
            value = future => return Ok(Some(value)),
            _ = terminate.recv() => return Ok(None),
            _ = interrupt.recv() => return Ok(None),
            Some(ended) = self.roles.join_next() => ended,
            Some(ended) = self.carriers.join_next() => ended,
        };
        Err(untimely(ended))
    }

    /// Runs until a signal comes or the first task ends, then ends the rest in order.
    async fn until_the_end(mut self) -> Result<()> {
        let first = self.unless_ended(std::future::pending::<()>()).await.map(drop);
        self.end(first).await
    }

    async fn end(mut self, first: Result<()>) -> Result<()> {
        self.status.miss("nothing: it is stopping");
        tracing::info!("stopping");
        let orderly = async {
            let mut result = first;
            self.stop.cancel();
            join(&mut self.roles, &mut result).await;
            self.stop_carriers.cancel();
            join(&mut self.carriers, &mut result).await;
            result
        };
        tokio::select! {
            result = tokio::time::timeout(STOP_TIMEOUT, orderly) => {
                result.unwrap_or_else(|_| Err(anyhow!("it did not stop within {STOP_TIMEOUT:?}")))
            }
            () = another_signal() => Err(anyhow!("stopped at once by a second signal")),
        }
    }
}

async fn another_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Waits for all tasks; the first failure of all counts.
async fn join(tasks: &mut Tasks, result: &mut Result<()>) {
    while let Some(ended) = tasks.join_next().await {
        if !matches!(ended, Ok((_, Ok(())))) && result.is_ok() {
            *result = Err(untimely(ended));
        }
    }
}

fn untimely(ended: Ended) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => anyhow!("the {name} ended unasked"),
        Ok((name, Err(error))) => error.context(format!("the {name} failed")),
        Err(error) => anyhow::Error::from(error),
    }
}

/// Everything in one process. The roles still say everything in encoded messages.
pub async fn serve(config: Config) -> Result<()> {
    let mut process = Process::new(config);
    let controller = process.start_controller();
    let recorder = process.start_recorder();
    let (node, node_dials) = process.start_node();
    let edge = process.start_edge();
    tokio::spawn(dials::in_process(node_dials, recorder.nodes));
    tokio::spawn(dials::in_process(edge.dials, recorder.edges));
    let ends = [
        (NODE_LINKED, &node, &controller.nodes),
        (EDGE_LINKED, &edge.links, &controller.edges),
        (RECORDER_LINKED, &recorder.controllers, &controller.recorders),
    ];
    for (what, role, queue) in ends {
        let (near, far) = crossed(QUEUED_MESSAGES);
        let near = watched(near, process.stands(what));
        if queue.send(far).await.is_err() || role.send(near).await.is_err() {
            // A role has ended already: its task says why.
            return process.until_the_end().await;
        }
    }
    announce(process, edge.listens).await
}

/// The controller alone.
pub async fn controller(config: Config) -> Result<()> {
    let identity = cluster::load(&config.cluster.certificates, Role::Controller)?;
    let endpoint = quic::listen(config.cluster.listen, "cluster.listen", identity)?;
    let mut process = Process::new(config);
    let ControllerQueues { nodes, edges, recorders } = process.start_controller();
    let queues = vec![(Role::Node, nodes), (Role::Edge, edges), (Role::Recorder, recorders)];
    let doors = Doors { queues, queued_messages: QUEUED_MESSAGES };
    let accept = quic::accept(endpoint, doors, process.stop_carriers.clone());
    process.carry("link endpoint", accept);
    process.until_the_end().await
}

/// The edge alone.
pub async fn edge(config: Config) -> Result<()> {
    let mut process = Process::new(config);
    let edge = process.start_edge();
    process.dial(Role::Edge, EDGE_LINKED, edge.links)?;
    process.call_recorders(Role::Edge, edge.dials)?;
    announce(process, edge.listens).await
}

/// A media node alone.
pub async fn node(config: Config) -> Result<()> {
    let mut process = Process::new(config);
    let (links, dials) = process.start_node();
    process.dial(Role::Node, NODE_LINKED, links)?;
    process.call_recorders(Role::Node, dials)?;
    process.until_the_end().await
}

/// A recorder alone.
pub async fn recorder(config: Config) -> Result<()> {
    if config.recorder.advertise.is_empty() {
        bail!(
            "recorder.advertise: say where nodes and edges reach this recorder, such as \
             --set 'recorder.advertise=[\"192.0.2.7:7883\"]'"
        );
    }
    let identity = cluster::load(&config.cluster.certificates, Role::Recorder)?;
    let listen = config.cluster.recorder_listen;
    let endpoint = quic::listen(listen, "cluster.recorder_listen", identity)?;
    let mut process = Process::new(config);
    let RecorderQueues { controllers, nodes, edges } = process.start_recorder();
    process.dial(Role::Recorder, RECORDER_LINKED, controllers)?;
    let queues = vec![(Role::Node, nodes), (Role::Edge, edges)];
    let doors = Doors { queues, queued_messages: QUEUED_BATCHES };
    process.carry("link endpoint", quic::accept(endpoint, doors, process.stop_carriers.clone()));
    process.until_the_end().await
}

/// Prints where the page is, once everything is ready, and runs to the end.
async fn announce(mut process: Process, listens: oneshot::Receiver<SocketAddr>) -> Result<()> {
    let status = process.status.clone();
    let public_url = process.config.edge.public_url.clone();
    let ready = async move {
        let Ok(address) = listens.await else {
            // The edge has failed: its task says why.
            return std::future::pending().await;
        };
        status.have(EDGE_LISTENS);
        status.ready().await;
        public_url.unwrap_or_else(|| format!("https://{}", reachable(address)))
    };
    match process.unless_ended(ready).await {
        Ok(Some(url)) => {
            println!("Lectern is ready: open {}/", url.trim_end_matches('/'));
            process.until_the_end().await
        }
        Ok(None) => process.end(Ok(())).await,
        Err(error) => process.end(Err(error)).await,
    }
}

/// An address that a browser on this machine can open.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}
