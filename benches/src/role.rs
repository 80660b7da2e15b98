//! A whole recorder in this process, and the controller's end of its link: it finds a recording that
//! has ended, does its jobs, and tells how far they are.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use lectern_control::recorder::{FromRecorder, ToRecorder};
use lectern_control::recording::{JobKind, Progress, Status};
use lectern_control::{Version, frame};
use lectern_recorder::{Config, Link};
use prometheus::Registry;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Messages of the link that wait.
const QUEUED: usize = 256;
/// A recorder says something every second; one that is silent for so long has hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets a recorder do all jobs of the one recording in its folder, then ends it. `done` is called when
/// they are done, before it ends. Gives how the recording is then.
pub fn work(
    config: Config,
    registry: Registry,
    done: impl FnOnce() -> Result<()>,
) -> Result<Status> {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_all().build()?;
    let stop = CancellationToken::new();
    let (links, controller_links) = mpsc::channel(1);
    // Nobody else links.
    let ((_nodes, node_links), (_edges, edge_links)) = (mpsc::channel(1), mpsc::channel(1));
    let recorder = lectern_recorder::run(
        config,
        registry,
        controller_links,
        node_links,
        edge_links,
        stop.clone(),
    );
    runtime.block_on(async {
        let recorder = tokio::spawn(recorder);
        let (to_controller, mut from_recorder) = mpsc::channel(QUEUED);
        let (to_recorder, from_controller) = mpsc::channel(QUEUED);
        let link: Link = (to_controller, from_controller);
        links.send(link).await.context("the recorder does not start")?;
        let status = watch(&mut from_recorder, &to_recorder).await;
        let told = status.as_ref().map(|_| ()).map_or(Ok(()), |()| done());
        stop.cancel();
        recorder.await??;
        told.and(status)
    })
}

async fn watch(
    from_recorder: &mut mpsc::Receiver<Bytes>,
    to_recorder: &mpsc::Sender<Bytes>,
) -> Result<Status> {
    let mut told = 0;
    loop {
        let message = tokio::time::timeout(PATIENCE, from_recorder.recv()).await;
        let message = message.context("the recorder has hung")?;
        match frame::decode(&message.context("the recorder has ended")?)? {
            FromRecorder::Hello { .. } => {
                let welcome = ToRecorder::Welcome { version: Version::CURRENT, live: Vec::new() };
                to_recorder.send(frame::encode(&welcome)?).await?;
            }
            FromRecorder::Heartbeat(_) => {}
            FromRecorder::Status(status) => {
                if is_done(&status)? {
                    return Ok(*status);
                }
                let permille = progress(&status);
                if permille / 100 != told / 100 {
                    told = permille;
                    eprintln!("jobs are done to {} %", permille / 10);
                }
            }
        }
    }
}

fn is_done(status: &Status) -> Result<bool> {
    for job in &status.jobs {
        if let Progress::Failed { reason } = &job.progress {
            bail!("a job failed: {reason}");
        }
    }
    Ok(status.jobs.iter().all(|job| job.progress == Progress::Done))
}

fn progress(status: &Status) -> u64 {
    let permille = status.jobs.iter().map(|job| match job.progress {
        Progress::Running { permille } => u64::from(permille),
        Progress::Done => 1_000,
        Progress::Waiting | Progress::Failed { .. } => 0,
    });
    permille.sum::<u64>() / status.jobs.len().max(1) as u64
}

/// Seconds that jobs of a kind took in a recorder with this registry.
pub fn job_seconds(registry: &Registry, kind: &JobKind) -> f64 {
    let wanted = match kind {
        JobKind::Tracks => "tracks",
        JobKind::Compose { .. } => "film",
    };
    let families = registry.gather();
    let seconds = families.iter().filter(|family| family.name() == "lectern_recorder_job_seconds");
    let of_kind = seconds
        .flat_map(|family| family.get_metric())
        .filter(|metric| metric.get_label().iter().any(|label| label.value() == wanted));
    of_kind.map(|metric| metric.get_histogram().get_sample_sum()).sum()
}
