//! The process around it all: threads, links, the end in order. Decides nothing.

use crate::catalogue::{Catalogue, recordings_in};
use crate::config::{Config, Store};
use crate::desk::{Desk, Queues};
use crate::disks::{Disks, Local, make_folder};
use crate::errands::Errands;
use crate::grants::Grants;
use crate::jobs::{Jobs, Patience};
use crate::keys::{Absent, Keys};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::storage::{Retry, Storage};
use crate::{Error, Link, controller, desk, edge, errands, jobs, live, node};
use lectern_compose::Tools;
use lectern_control::recorder::{Load, ToRecorder};
use prometheus::Registry;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Commands that wait for the desk: a controller that came back says all that is live.
const QUEUED_COMMANDS: usize = 4_096;
/// Links of nodes and edges at once, of each; more are ended at once.
const MAX_LINKS: usize = 1_024;
/// How often the disk's room and forgotten recordings are looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long jobs may take to stop; then they are left to the end of the process.
const FAREWELL: Duration = Duration::from_secs(5);

/// What surrounds a recorder; tests bring other ones.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) disks: Arc<dyn Disks>,
    pub(crate) retry: Retry,
    pub(crate) patience: Patience,
}

impl Surroundings {
    /// The real ones.
    pub(crate) fn real() -> Surroundings {
        let (retry, patience) = (Retry::USUAL, Patience::USUAL);
        Surroundings { disks: Arc::new(Local), retry, patience }
    }
}

/// Runs a recorder until it is told to stop. A new link of the controller replaces the former one;
/// without any, recordings go on, and what has ended becomes playable.
pub async fn run(
    config: Config,
    registry: Registry,
    controller_links: mpsc::Receiver<Link>,
    node_links: mpsc::Receiver<Link>,
    edge_links: mpsc::Receiver<Link>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let links = Links { controller: controller_links, nodes: node_links, edges: edge_links };
    run_in(Surroundings::real(), config, registry, links, stop).await
}

/// Where links come from.
pub(crate) struct Links {
    pub(crate) controller: mpsc::Receiver<Link>,
    pub(crate) nodes: mpsc::Receiver<Link>,
    pub(crate) edges: mpsc::Receiver<Link>,
}

/// All of a recorder but its links.
struct Recorder {
    _lock: File,
    controller: controller::Context,
    nodes: node::Context,
    edges: edge::Context,
    look: mpsc::Sender<()>,
    desk: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
}

pub(crate) async fn run_in(
    surroundings: Surroundings,
    config: Config,
    registry: Registry,
    mut links: Links,
    stop: CancellationToken,
) -> Result<(), Error> {
    let (handle, stopped) = (Handle::current(), stop.clone());
    let start = move || start(&surroundings, &config, &registry, &handle, stopped);
    // Reading all manifests takes a while, and so may a disk.
    let recorder = tokio::task::spawn_blocking(start).await.map_err(|_| Error::Fault)??;
    tracing::info!(recorder = %recorder.controller.recorder, "the recorder is up");
    let mut tasks = JoinSet::new();
    let serve = controller::serve(recorder.controller, links.controller, stop.clone());
    tasks.spawn(async {
        serve.await;
        Kind::Controller
    });
    let (mut nodes, mut edges) = (0, 0);
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let result = loop {
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            Some(link) = links.nodes.recv() => {
                let serve = node::serve(recorder.nodes.clone(), link, stop.clone());
                spawn_counted(&mut tasks, &mut nodes, Kind::Node, serve);
            }
            Some(link) = links.edges.recv() => {
                let serve = edge::serve(recorder.edges.clone(), link, stop.clone());
                spawn_counted(&mut tasks, &mut edges, Kind::Edge, serve);
            }
            Some(ended) = tasks.join_next() => match ended {
                Ok(Kind::Node) => nodes -= 1,
                Ok(Kind::Edge) => edges -= 1,
                Ok(Kind::Controller) => {}
                Err(error) => tracing::error!(%error, "a link has ended by a fault of the program"),
            },
            _ = look.tick() => {
                if recorder.desk.is_finished() && !stop.is_cancelled() {
                    break Err(Error::Fault);
                }
                // A desk that is busy looks when it is done.
                let _ = recorder.look.try_send(());
            }
        }
    };
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    let (desk, others) = (recorder.desk, recorder.others);
    let join = tokio::task::spawn_blocking(move || {
        // The desk first: it halts the recordings and stops the others.
        let desk = desk.join();
        others.into_iter().for_each(|thread| drop(thread.join()));
        desk.is_ok()
    });
    match tokio::time::timeout(FAREWELL, join).await {
        Ok(Ok(true)) => result,
        Ok(_) => Err(Error::Fault),
        Err(_) => {
            tracing::warn!(
                "a job does not stop; it is left behind, and begun again at the next start"
            );
            result
        }
    }
}

/// Whose link a task serves.
enum Kind {
    Controller,
    Node,
    Edge,
}

fn spawn_counted(
    tasks: &mut JoinSet<Kind>,
    count: &mut usize,
    kind: Kind,
    serve: impl Future<Output = ()> + Send + 'static,
) {
    if *count >= MAX_LINKS {
        tracing::warn!("too many links: a new one is ended");
        return;
    }
    *count += 1;
    tasks.spawn(async move {
        serve.await;
        kind
    });
}

fn start(
    surroundings: &Surroundings,
    config: &Config,
    registry: &Registry,
    handle: &Handle,
    stop: CancellationToken,
) -> Result<Recorder, Error> {
    let recorder = config.id()?;
    let folder = config.folder()?;
    make_folder(folder)?;
    let lock = lock(folder)?;
    let metrics = Metrics::new(registry)?;
    let errors = metrics.storage_errors.clone();
    let storage = Storage::open(config, surroundings.retry, handle.clone(), errors)?;
    let live_folder = folder.join("live");
    make_folder(&live_folder)?;
    let keys = Arc::new(open_keys(config, &live_folder)?);
    let catalogue = Arc::new(Catalogue::new(live_folder.clone(), keys)?);
    catalogue.load()?;
    let grants = Arc::<Grants>::default();
    let linked = Arc::new(AtomicBool::new(false));
    let (load_sender, load) = watch::channel(Load::default());
    let (commands_sender, commands) = mpsc::channel::<ToRecorder>(QUEUED_COMMANDS);
    let (ended_sender, ended) = mpsc::unbounded_channel();
    let (look_sender, look) = mpsc::channel(1);
    let live = Arc::new(Live::new(live::Context {
        disks: Arc::clone(&surroundings.disks),
        metrics: metrics.clone(),
        sync_every: config.sync_every(),
        ended: ended_sender,
    }));
    let (jobs, errands, others) =
        start_work(surroundings, config, &catalogue, &live, &storage, &metrics)?;
    let desk = Desk::new(desk::Context {
        catalogue: Arc::clone(&catalogue),
        live: Arc::clone(&live),
        jobs,
        errands,
        grants: Arc::clone(&grants),
        disks: Arc::clone(&surroundings.disks),
        metrics: metrics.clone(),
        folder: live_folder,
        min_free_bytes: config.min_free_bytes,
        orphan_after: config.orphan_after(),
        linked: Arc::clone(&linked),
        load: load_sender,
    });
    let (runtime, queues) = (handle.clone(), Queues { commands, ended, look, stop });
    let (region, addresses) = (config.region.clone(), config.advertise.clone());
    Ok(Recorder {
        _lock: lock,
        controller: controller::Context {
            recorder,
            region,
            addresses,
            catalogue: Arc::clone(&catalogue),
            load,
            desk: commands_sender,
            linked,
            metrics: metrics.clone(),
        },
        nodes: node::Context { live, catalogue: Arc::clone(&catalogue), metrics: metrics.clone() },
        edges: edge::Context { grants, catalogue, storage, metrics },
        look: look_sender,
        desk: spawn("desk", move || desk.run(&runtime, queues))?,
        others,
    })
}

/// What is done behind the live recordings, and the threads that do it.
type Work = (Arc<Jobs>, Arc<Errands>, Vec<JoinHandle<()>>);

/// Starts the threads behind the live recordings.
fn start_work(
    surroundings: &Surroundings,
    config: &Config,
    catalogue: &Arc<Catalogue>,
    live: &Arc<Live>,
    storage: &Storage,
    metrics: &Metrics,
) -> Result<Work, Error> {
    let jobs = Arc::new(Jobs::new(jobs::Context {
        storage: storage.clone(),
        metrics: metrics.clone(),
        tools: Tools::new(config.ffmpeg.clone(), config.confine.clone()),
        cores: config.cores.max(1),
        patience: surroundings.patience,
    }));
    let errands = Arc::new(Errands::new(errands::Context {
        catalogue: Arc::clone(catalogue),
        live: Arc::clone(live),
        jobs: Arc::clone(&jobs),
        storage: storage.clone(),
    }));
    let mut threads = jobs.start()?;
    let run = Arc::clone(&errands);
    threads.push(spawn("errands", move || run.run())?);
    Ok((jobs, errands, threads))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// Two recorders in one folder would write the same journals.
fn lock(folder: &Path) -> Result<File, Error> {
    let lock = File::create(folder.join("recorder.lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Busy),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// A first key is made where nothing was recorded yet. What lies in a bucket cannot be asked for
/// cheaply, and may be another recorder's: there a file that is missing is a new recorder's.
pub(crate) fn open_keys(config: &Config, live: &Path) -> Result<Keys, Error> {
    let mut known = recordings_in(live)?;
    if let (Store::Local, Ok(folder)) = (&config.store, config.folder()) {
        known.extend(recordings_in(&folder.join("store")).unwrap_or_default());
    }
    let absent = if known.is_empty() { Absent::Make } else { Absent::Refuse };
    Ok(Keys::open(config, absent)?)
}

#[cfg(test)]
mod tests;
