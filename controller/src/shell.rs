//! The process around the pure controller: stores, links, the clock. Decides nothing.
//!
//! Nothing here waits for a link or a store: what cannot be taken at once ends the link, or is
//! answered with a refusal.

use crate::clock::Now;
use crate::controller::{Controller, Input, Output, Role, TICK};
use crate::coordination::{Coordination, SqliteStore};
use crate::job::{Claimed, KeptAlive, LeaseDone, LeaseJob, RecordsJob};
use crate::link::{self, Link, Outgoing, QUEUED_MESSAGES};
use crate::metrics::Metrics;
use crate::records::{AuditEntry, Records};
use crate::stores::{self, Leases, QUEUED_AUDIT, QUEUED_JOBS};
use crate::{Config, Error};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Inputs that may wait; links wait behind them.
const QUEUED_INPUTS: usize = 4_096;
/// Inputs handled before the clock is looked at again.
const INPUTS_AT_ONCE: usize = 256;
/// How long the stores may take to write what is left when the process stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs a controller until it is stopped. A new link of a node, edge or recorder replaces its former
/// one.
pub async fn run(
    config: Config,
    registry: prometheus::Registry,
    node_links: mpsc::Receiver<Link>,
    edge_links: mpsc::Receiver<Link>,
    recorder_links: mpsc::Receiver<Link>,
    stop: CancellationToken,
) -> Result<(), Error> {
    if !config.has_valid_name() {
        return Err(Error::Config(format!("{:?} is not a name", config.name)));
    }
    if config.recordings.keep_days == Some(0) {
        let why = "recordings.keep_days must be at least 1, or not be there".to_owned();
        return Err(Error::Config(why));
    }
    let metrics = Metrics::new(&registry)?;
    if let Some(folder) = &config.data_dir {
        make_folder(folder)?;
    }
    let file = |name: &str| config.data_dir.as_ref().map(|folder| folder.join(name));
    let store = SqliteStore::open(file("coordination.db").as_deref()).await?;
    let records = Records::open(file("records.db").as_deref()).await?;
    let records = records.keeping(config.recordings.keep_days);
    let (inputs, queue) = mpsc::channel(QUEUED_INPUTS);
    let mut tasks = JoinSet::new();
    let controller = Controller::new(config.node_silence(), rand::random(), metrics.clone());
    let shell = Shell {
        controller: controller.awaiting_rooms(config.recordings.room_awaited()),
        stores: start_stores(&mut tasks, &config, store, &records, &metrics, &inputs),
        metrics,
        links: HashMap::new(),
        next_link: 0,
        inputs,
    };
    let links = NewLinks { nodes: node_links, edges: edge_links, recorders: recorder_links };
    shell.serve(queue, links, stop).await;
    // The queues are closed now: what is in them is written, then the tasks end.
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        tracing::warn!("the stores did not take what was left");
    }
    records.close().await;
    Ok(())
}

/// Only this user may read it: it holds names and times.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn start_stores<C: Coordination>(
    tasks: &mut JoinSet<()>,
    config: &Config,
    store: C,
    records: &Records,
    metrics: &Metrics,
    inputs: &mpsc::Sender<Input>,
) -> Stores {
    let (leases, lease_jobs) = mpsc::channel(QUEUED_JOBS);
    let (asks, records_jobs) = mpsc::channel(QUEUED_JOBS);
    let (audit, entries) = mpsc::channel(QUEUED_AUDIT);
    let name = config.name.clone();
    let worker = Leases { store, name, held: None, metrics: metrics.clone() };
    tasks.spawn(worker.run(lease_jobs, inputs.clone()));
    let (records, metrics) = (records.clone(), metrics.clone());
    let reader =
        stores::run_records(records.clone(), metrics.clone(), records_jobs, inputs.clone());
    tasks.spawn(reader);
    tasks.spawn(stores::run_audit(records, metrics, entries));
    Stores { leases, records: asks, audit }
}

/// Where links come from.
struct NewLinks {
    nodes: mpsc::Receiver<Link>,
    edges: mpsc::Receiver<Link>,
    recorders: mpsc::Receiver<Link>,
}

struct Stores {
    leases: mpsc::Sender<LeaseJob>,
    records: mpsc::Sender<RecordsJob>,
    audit: mpsc::Sender<AuditEntry>,
}

struct Writer {
    role: Role,
    messages: mpsc::Sender<Outgoing>,
    reader: AbortHandle,
}

struct Shell {
    controller: Controller,
    stores: Stores,
    metrics: Metrics,
    links: HashMap<u64, Writer>,
    next_link: u64,
    inputs: mpsc::Sender<Input>,
}

impl Shell {
    async fn serve(
        mut self,
        mut queue: mpsc::Receiver<Input>,
        mut links: NewLinks,
        stop: CancellationToken,
    ) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(INPUTS_AT_ONCE);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = tick.tick() => {
                    self.drain_waiting(&mut queue);
                    self.controller.handle_timeout(now());
                }
                // Who comes before the lease was asked for would only be refused.
                Some(link) = links.nodes.recv(), if self.controller.is_settled() => {
                    self.take_link(Role::Node, link);
                }
                Some(link) = links.edges.recv(), if self.controller.is_settled() => {
                    self.take_link(Role::Edge, link);
                }
                Some(link) = links.recorders.recv(), if self.controller.knows_recordings() => {
                    self.take_link(Role::Recorder, link);
                }
                _ = queue.recv_many(&mut batch, INPUTS_AT_ONCE) => {
                    for input in batch.drain(..) {
                        self.handle(input);
                    }
                }
            }
            self.carry_out();
        }
        for link in self.links.into_values() {
            link.reader.abort();
        }
    }

    /// What has come counts before the silence of those it came from.
    fn drain_waiting(&mut self, queue: &mut mpsc::Receiver<Input>) {
        for _ in 0..QUEUED_INPUTS {
            let Ok(input) = queue.try_recv() else { break };
            self.handle(input);
            self.carry_out();
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Unlinked { link, .. } = &input {
            self.links.remove(link);
        }
        self.controller.handle(now(), input);
    }

    fn take_link(&mut self, role: Role, (outgoing, incoming): Link) {
        let link = self.next_link;
        self.next_link += 1;
        let (messages, queue) = mpsc::channel(QUEUED_MESSAGES);
        self.controller.handle(now(), Input::Linked { link, role });
        tokio::spawn(link::write(queue, outgoing));
        let reader = tokio::spawn(link::read(link, role, incoming, self.inputs.clone()));
        self.links.insert(link, Writer { role, messages, reader: reader.abort_handle() });
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.controller.poll() {
            match output {
                Output::ToNode { link, message } => self.send(link, Outgoing::Node(message)),
                Output::ToEdge { link, message } => self.send(link, Outgoing::Edge(message)),
                Output::ToRecorder { link, message } => {
                    self.send(link, Outgoing::Recorder(message));
                }
                Output::Unlink { link } => self.unlink(link),
                Output::Records(job) => {
                    if let Err(error) = self.stores.records.try_send(job) {
                        let done = stores::refused(error.into_inner());
                        self.controller.handle(now(), Input::Records(done));
                    }
                }
                Output::Lease(job) => {
                    if let Err(error) = self.stores.leases.try_send(job)
                        && let Some(done) = unavailable(error.into_inner())
                    {
                        self.controller.handle(now(), Input::Lease(done));
                    }
                }
                Output::Audit(entry) => {
                    if self.stores.audit.try_send(entry).is_err() {
                        self.metrics.audit_lost.inc();
                    }
                }
            }
        }
    }

    fn send(&mut self, link: u64, message: Outgoing) {
        let Some(writer) = self.links.get(&link) else { return };
        if writer.messages.try_send(message).is_err() {
            let role = writer.role;
            tracing::warn!(link, role = role.label(), "a link does not keep up: it is ended");
            self.metrics.links_ended.with_label_values(&[role.label(), "slow"]).inc();
            self.unlink(link);
        }
    }

    /// Ends a link: what was said is still sent, nothing more is heard.
    fn unlink(&mut self, link: u64) {
        let Some(writer) = self.links.remove(&link) else { return };
        writer.reader.abort();
        self.controller.handle(now(), Input::Unlinked { link, role: writer.role });
    }
}

/// The answer to a job that cannot even wait.
fn unavailable(job: LeaseJob) -> Option<LeaseDone> {
    match job {
        LeaseJob::Grant => Some(LeaseDone::Granted(None)),
        LeaseJob::KeepAlive(lease) => Some(LeaseDone::KeptAlive(lease, KeptAlive::Unavailable)),
        LeaseJob::Claim { room, lease } => {
            Some(LeaseDone::Claimed { room, lease, result: Claimed::Unavailable })
        }
        // The key goes with the lease, or is found ours at the next claim.
        LeaseJob::Release { .. } => None,
    }
}

fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { at: Instant::now(), unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
}
