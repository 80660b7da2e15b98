//! Starts roles and links them: all in this process, or one of them towards a cluster.

use crate::admin::{self, Status};
use crate::cluster::{self, Role};
use crate::config::Config;
use crate::link::{Link, crossed, watched};
use crate::quic;
use anyhow::{Context, Result, anyhow};
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

type Tasks = JoinSet<(&'static str, Result<()>)>;
type Ended = Result<(&'static str, Result<()>), JoinError>;

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
        process.carriers.spawn(async { ("admin listener", serve.await) });
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

    fn start_controller(&mut self) -> (mpsc::Sender<Link>, mpsc::Sender<Link>) {
        let (nodes, node_links) = mpsc::channel(QUEUED_LINKS);
        let (edges, edge_links) = mpsc::channel(QUEUED_LINKS);
        let mut config = self.config.controller.clone();
        config.data_dir.get_or_insert_with(|| self.config.data_dir.join("controller"));
        let (registry, stop) = (self.registry.clone(), self.stop.clone());
        self.start_role("controller", async move {
            lectern_controller::run(config, registry, node_links, edge_links, stop).await?;
            Ok(())
        });
        (nodes, edges)
    }

    fn start_edge(&mut self) -> (mpsc::Sender<Link>, oneshot::Receiver<SocketAddr>) {
        self.status.miss(EDGE_LISTENS);
        self.status.miss(EDGE_LINKED);
        let (edges, links) = mpsc::channel(QUEUED_LINKS);
        let (on_ready, ready) = oneshot::channel();
        let mut config = self.config.edge.clone();
        config.data_dir.get_or_insert_with(|| self.config.data_dir.join("edge"));
        let (registry, stop) = (self.registry.clone(), self.stop.clone());
        self.start_role("edge", async move {
            lectern_signaling::run(config, registry, links, on_ready, stop).await?;
            Ok(())
        });
        (edges, ready)
    }

    fn start_node(&mut self) -> mpsc::Sender<Link> {
        self.status.miss(NODE_LINKED);
        let (nodes, links) = mpsc::channel(QUEUED_LINKS);
        let config = self.config.node.clone();
        let (registry, stop) = (self.registry.clone(), self.stop.clone());
        self.start_role("node", async move {
            lectern_sfu::run(config, registry, links, stop).await?;
            Ok(())
        });
        nodes
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
        let dial = dialer.run(dialed, self.stop_carriers.clone());
        self.carriers.spawn(async { ("link to the controller", dial.await) });
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
    let (nodes, edges) = process.start_controller();
    let node = process.start_node();
    let (edge, listens) = process.start_edge();
    let (node_end, controller_end) = crossed();
    let node_end = watched(node_end, process.stands(NODE_LINKED));
    let node_links = (nodes.send(controller_end).await, node.send(node_end).await);
    let (edge_end, controller_end) = crossed();
    let edge_end = watched(edge_end, process.stands(EDGE_LINKED));
    let edge_links = (edges.send(controller_end).await, edge.send(edge_end).await);
    if !matches!((node_links, edge_links), ((Ok(()), Ok(())), (Ok(()), Ok(())))) {
        // A role has ended already: its task says why.
        return process.until_the_end().await;
    }
    let result = announce(process, listens).await;
    drop((nodes, edges, node, edge));
    result
}

/// The controller alone.
pub async fn controller(config: Config) -> Result<()> {
    let identity = cluster::load(&config.cluster.certificates, Role::Controller)?;
    let endpoint = quic::listen(config.cluster.listen, identity)?;
    let mut process = Process::new(config);
    let (nodes, edges) = process.start_controller();
    let accept = quic::accept(endpoint, nodes, edges, process.stop_carriers.clone());
    process.carriers.spawn(async { ("link endpoint", accept.await) });
    process.until_the_end().await
}

/// The edge alone.
pub async fn edge(config: Config) -> Result<()> {
    let mut process = Process::new(config);
    let (links, listens) = process.start_edge();
    process.dial(Role::Edge, EDGE_LINKED, links)?;
    announce(process, listens).await
}

/// A media node alone.
pub async fn node(config: Config) -> Result<()> {
    let mut process = Process::new(config);
    let links = process.start_node();
    process.dial(Role::Node, NODE_LINKED, links)?;
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
