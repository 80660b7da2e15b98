//! Carries out what controllers say, one after the other, on a thread that may wait for a disk.

use crate::catalogue::{self, Catalogue, Entry};
use crate::clock::unix_ms;
use crate::disks::Disks;
use crate::errands::{Errand, Errands};
use crate::grants::Grants;
use crate::jobs::{Begun, Jobs};
use crate::live::{Demand, Ended, Live, MAX_LIVE, Order, Outcome};
use crate::manifest::{End, Manifest};
use crate::metrics::Metrics;
use crate::trouble;
use lectern_control::recorder::{Load, ToRecorder};
use lectern_control::recording::{State, Trouble, TroubleKind};
use lectern_control::{RecordingId, RoomId};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What the desk works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) live: Arc<Live>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) errands: Arc<Errands>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) disks: Arc<dyn Disks>,
    pub(crate) metrics: Metrics,
    /// Where recordings are written.
    pub(crate) folder: PathBuf,
    pub(crate) min_free_bytes: u64,
    pub(crate) orphan_after: Duration,
    /// A controller says what is live.
    pub(crate) linked: Arc<AtomicBool>,
    pub(crate) load: watch::Sender<Load>,
}

/// What the desk waits for.
enum Input {
    Stop,
    Ended(Ended),
    Controller(ToRecorder),
    Look,
}

/// What comes to the desk.
#[derive(Debug)]
pub(crate) struct Queues {
    pub(crate) commands: mpsc::Receiver<ToRecorder>,
    pub(crate) ended: mpsc::UnboundedReceiver<Ended>,
    /// Says when it is time to look after the disk; its end is that of the process.
    pub(crate) look: mpsc::Receiver<()>,
    pub(crate) stop: CancellationToken,
}

impl Queues {
    async fn next(&mut self) -> Input {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Input::Stop,
            Some(ended) = self.ended.recv() => Input::Ended(ended),
            look = self.look.recv() => look.map_or(Input::Stop, |()| Input::Look),
            Some(command) = self.commands.recv() => Input::Controller(command),
        }
    }
}

/// The desk.
#[derive(Debug)]
pub(crate) struct Desk {
    context: Context,
    /// Since when no controller says what is live.
    unlinked_since: Instant,
}

impl Desk {
    /// Goes on with what an earlier process left.
    pub(crate) fn new(context: Context) -> Desk {
        let desk = Desk { context, unlinked_since: Instant::now() };
        for entry in desk.context.catalogue.loaded() {
            desk.take_up(&entry);
        }
        desk
    }

    /// Works until the process ends. Blocks.
    pub(crate) fn run(mut self, handle: &Handle, mut queues: Queues) {
        loop {
            match handle.block_on(queues.next()) {
                Input::Stop => break,
                Input::Ended(ended) => self.ended(ended),
                Input::Controller(command) => self.carry_out(command),
                Input::Look => self.look(),
            }
        }
        self.context.jobs.stop();
        self.context.errands.stop();
        self.context.live.halt();
    }

    fn take_up(&self, entry: &Arc<Entry>) {
        let (state, end) = entry.look(|manifest| (manifest.status.state, manifest.end));
        match (end, state) {
            (Some(End::Begun), _) => self.context.errands.give(Errand::Purge(entry.id)),
            (Some(End::Done), _) => {}
            (None, State::Recording) => {
                tracing::info!(recording = %entry.id, "going on with a recording");
                self.begin(entry);
            }
            (None, _) => self.context.jobs.take_up(entry, Begun::Earlier),
        }
    }

    fn carry_out(&mut self, command: ToRecorder) {
        match command {
            ToRecorder::Welcome { live, .. } => self.welcome(&live.into_iter().collect()),
            ToRecorder::Heard { recording, version } => self.heard(recording, version),
            ToRecorder::Open { recording, room, started_unix_ms } => {
                self.open(recording, room, started_unix_ms);
            }
            ToRecorder::Note { recording, at_unix_ms, event } => {
                let Some(handle) = self.context.live.get(recording) else { return };
                handle.hear();
                if !handle.order(Order::Event { at_unix_ms, event }) {
                    tracing::error!(%recording, "an event is lost: the disk does not keep up");
                }
            }
            ToRecorder::Close { recording } => self.close(recording),
            ToRecorder::Compose { recording, job, layout, without } => {
                self.context.errands.give(Errand::Compose { recording, job, layout, without });
            }
            ToRecorder::Delete { recording } => self.delete(recording),
            ToRecorder::Grant { ticket, recording, file, until_unix_ms } => {
                self.context.grants.grant(&ticket, recording, file, until_unix_ms);
            }
        }
    }

    fn welcome(&self, goes_on: &BTreeSet<RecordingId>) {
        for (recording, handle) in self.context.live.all() {
            if !goes_on.contains(&recording) {
                tracing::info!(%recording, "a recording has ended while no controller was linked");
                handle.demand(Demand::Close);
            }
        }
    }

    fn heard(&self, recording: RecordingId, version: u64) {
        let Some(entry) = self.context.catalogue.get(recording) else { return };
        let (is_last, end, is_final) = entry.look(|manifest| {
            (manifest.status.version == version, manifest.end, manifest.is_final())
        });
        if is_last && end == Some(End::Done) {
            if let Err(error) = self.context.catalogue.remove(recording) {
                tracing::warn!(%recording, %error, "a destroyed recording's folder stays");
            }
        } else if is_last && is_final {
            let news = entry.edit(|manifest| manifest.settled.replace(version) != Some(version));
            if news && let Err(error) = entry.save() {
                tracing::warn!(%recording, %error, "a manifest cannot be written");
            }
        }
    }

    fn open(&self, recording: RecordingId, room: RoomId, started_unix_ms: u64) {
        match self.context.catalogue.find_here(recording) {
            Ok(Some(entry)) if entry.status().state == State::Recording => {
                self.begin(&entry);
                if let Some(handle) = self.context.live.get(recording) {
                    handle.hear();
                    handle.order(Order::Opened { at_unix_ms: unix_ms() });
                }
                return;
            }
            // It has ended, which the controller does not know.
            Ok(Some(entry)) => return entry.update(|_| {}),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%recording, %error, "a recording cannot be gone on with");
                return;
            }
        }
        let manifest = Manifest::new(recording, room, started_unix_ms, None);
        let free = self.context.disks.free_bytes(&self.context.folder);
        let refusal = match free {
            Ok(free) if free < self.context.min_free_bytes => Some(trouble::disk_full()),
            Ok(_) if self.context.live.len() >= MAX_LIVE => {
                Some(trouble::write_failed("the recorder writes too many recordings already"))
            }
            _ => None,
        };
        if let Some(refusal) = refusal {
            return self.fail_to_open(manifest, refusal);
        }
        match self.context.catalogue.create(manifest.clone()) {
            Ok(entry) => {
                tracing::info!(%recording, "a recording begins");
                self.begin(&entry);
            }
            Err(error) => {
                tracing::error!(%recording, %error, "a recording cannot begin");
                let trouble = match &error {
                    catalogue::Error::Disk(error) => trouble::of_disk(error),
                    _ => trouble::write_failed("the recorder cannot write in its folder"),
                };
                self.fail_to_open(manifest, trouble);
            }
        }
    }

    fn begin(&self, entry: &Arc<Entry>) {
        if let Err(error) = self.context.live.open(entry) {
            tracing::error!(recording = %entry.id, %error, "a recording's thread cannot start");
            let detail = "the recorder has no threads left";
            self.finish(entry, Some(trouble::write_failed(detail)));
        }
    }

    fn fail_to_open(&self, mut manifest: Manifest, trouble: Trouble) {
        tracing::error!(recording = %manifest.status.recording, detail = trouble.detail, "no recording");
        self.context.metrics.troubles.with_label_values(&[kind_name(trouble.kind)]).inc();
        manifest.status.state = State::Failed;
        manifest.status.trouble = Some(trouble);
        self.context.catalogue.create_failed(manifest);
    }

    fn close(&self, recording: RecordingId) {
        match self.context.live.get(recording) {
            Some(handle) => handle.demand(Demand::Close),
            None => {
                if let Ok(Some(entry)) = self.context.catalogue.find_here(recording) {
                    entry.update(|_| {});
                }
            }
        }
    }

    /// Destroys what opens a recording at once; the rest takes as long as it takes.
    fn delete(&self, recording: RecordingId) {
        self.context.grants.revoke(recording);
        self.context.jobs.cancel(recording);
        if let Some(handle) = self.context.live.get(recording) {
            handle.demand(Demand::Abandon);
        }
        match self.context.catalogue.find_here(recording) {
            Ok(Some(entry)) if entry.look(|manifest| manifest.end.is_none()) => {
                if let Err(error) = entry.destroy() {
                    tracing::error!(%recording, %error, "a recording's key cannot be destroyed yet");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%recording, %error, "a recording cannot be opened"),
        }
        self.context.errands.give(Errand::Purge(recording));
    }

    fn ended(&self, ended: Ended) {
        let recording = ended.recording;
        self.context.live.remove(recording);
        let Some(entry) = self.context.catalogue.get(recording) else { return };
        match ended.outcome {
            Outcome::Closed => self.finish(&entry, None),
            Outcome::Failed(trouble) => self.finish(&entry, Some(trouble)),
            Outcome::Halted | Outcome::Abandoned => {}
        }
    }

    /// What was written becomes playable.
    fn finish(&self, entry: &Arc<Entry>, trouble: Option<Trouble>) {
        if let Some(trouble) = &trouble {
            let detail = &trouble.detail;
            tracing::error!(recording = %entry.id, detail, "a recording has stopped");
            self.context.metrics.troubles.with_label_values(&[kind_name(trouble.kind)]).inc();
        } else {
            tracing::info!(recording = %entry.id, "a recording has ended");
        }
        entry.update(|status| {
            status.state = State::Processing;
            status.trouble = trouble;
        });
        self.context.jobs.take_up(entry, Begun::Now);
    }

    /// Looks after the disk, and after recordings that nobody ends.
    fn look(&mut self) {
        let free = self.context.disks.free_bytes(&self.context.folder).unwrap_or(u64::MAX);
        self.context.metrics.free_bytes.set(i64::try_from(free).unwrap_or(i64::MAX));
        if free < self.context.min_free_bytes / 2 {
            for (_, handle) in self.context.live.all() {
                handle.demand(Demand::Fail(trouble::disk_full()));
            }
        }
        if self.context.linked.load(Relaxed) {
            self.unlinked_since = Instant::now();
        } else if self.unlinked_since.elapsed() >= self.context.orphan_after {
            self.close_orphans();
        }
        let recordings = u32::try_from(self.context.live.len()).unwrap_or(u32::MAX);
        self.context.load.send_replace(Load {
            recordings,
            jobs: u32::try_from(self.context.jobs.len()).unwrap_or(u32::MAX),
            free_bytes: free,
            full: free < self.context.min_free_bytes || recordings as usize >= MAX_LIVE,
        });
    }

    fn close_orphans(&self) {
        let patience = u64::try_from(self.context.orphan_after.as_millis()).unwrap_or(u64::MAX);
        for (recording, handle) in self.context.live.all() {
            if unix_ms().saturating_sub(handle.heard_unix_ms()) >= patience {
                tracing::warn!(%recording, "nothing comes of a recording, and nobody ends it: it ends");
                handle.demand(Demand::Close);
            }
        }
    }
}

/// A trouble as metrics name it.
fn kind_name(kind: TroubleKind) -> &'static str {
    match kind {
        TroubleKind::DiskFull => "disk_full",
        TroubleKind::WriteFailed => "write_failed",
        TroubleKind::RecorderLost => "recorder_lost",
        TroubleKind::ComposeFailed => "compose_failed",
        TroubleKind::StorageFailed => "storage_failed",
    }
}
