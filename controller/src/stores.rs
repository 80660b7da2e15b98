//! Does the controller's jobs on its stores, and brings the answers back. Decides nothing.

use crate::archive;
use crate::controller::Input;
use crate::coordination::{
    Compare, Coordination, Error, LeaseId, Op, OpResult, Relation, Target, Transaction,
};
use crate::job::{Claimed, KeptAlive, LeaseDone, LeaseJob, RecordsDone, RecordsJob};
use crate::lease::TTL;
use crate::metrics::Metrics;
use crate::records::{self, AuditEntry, Records, ask};
use lectern_control::access::{Moderation, PinChange};
use lectern_control::edge::Request;
use lectern_control::{Revision, RoomId};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// Jobs that may wait for either store; more are refused at once.
pub const QUEUED_JOBS: usize = 1_024;
/// Audit entries that may wait to be written; more are lost, and counted.
pub const QUEUED_AUDIT: usize = 16_384;
/// How long a store may take: an edge's patience is longer.
const PATIENCE: Duration = archive::PATIENCE;
/// Jobs of the records done at once.
const RECORDS_AT_ONCE: usize = 16;
/// Jobs with a PIN that wait for a core at once; more are refused, and tried again by people.
const HASHING_AT_ONCE: usize = 32;
/// Audit entries written together: one sync of the disk for all of them.
const AUDIT_BATCH: usize = 256;
/// Attempts to write audit entries before they are given up.
const AUDIT_ATTEMPTS: u32 = 5;
/// How often what is over its time is deleted.
const PURGE_EVERY: Duration = Duration::from_secs(600);
/// How soon it goes on where there was more than is deleted at once: 10,000 rows a second go, and the
/// writer's lock is free in between.
const PURGE_AGAIN: Duration = Duration::from_millis(100);

/// Where a room's owner is written.
fn room_key(room: RoomId) -> Vec<u8> {
    format!("rooms/{room}").into_bytes()
}

/// Where a controller's presence is written.
fn controller_key(name: &str) -> Vec<u8> {
    format!("controllers/{name}").into_bytes()
}

/// Does jobs on the coordination store, one after the other: a room that is given up and claimed
/// again must not be given up afterwards.
pub struct Leases<C> {
    /// The store.
    pub store: C,
    /// This controller's name.
    pub name: String,
    /// The lease it holds.
    pub held: Option<LeaseId>,
    /// What is measured.
    pub metrics: Metrics,
}

impl<C: Coordination> Leases<C> {
    /// Runs until there are no more jobs; then gives everything up, so that nobody has to wait.
    pub async fn run(mut self, mut jobs: mpsc::Receiver<LeaseJob>, inputs: mpsc::Sender<Input>) {
        while let Some(job) = jobs.recv().await {
            let began = Instant::now();
            let done = self.done(job).await;
            let elapsed = began.elapsed().as_secs_f64();
            self.metrics.store_seconds.with_label_values(&["coordination"]).observe(elapsed);
            let Some(done) = done else { continue };
            if inputs.send(Input::Lease(done)).await.is_err() {
                break;
            }
        }
        if let Some(lease) = self.held {
            self.checked(timeout(PATIENCE, self.store.revoke(lease)).await);
        }
    }

    async fn done(&mut self, job: LeaseJob) -> Option<LeaseDone> {
        match job {
            LeaseJob::Grant => {
                let granted = timeout(PATIENCE, self.grant()).await;
                let granted = self.checked(granted);
                self.held = granted.or(self.held);
                Some(LeaseDone::Granted(granted))
            }
            LeaseJob::KeepAlive(lease) => {
                let result = match timeout(PATIENCE, self.store.keep_alive(lease)).await {
                    Ok(Err(Error::LeaseNotFound)) => {
                        self.held = None;
                        KeptAlive::Gone
                    }
                    other => match self.checked(other) {
                        Some(()) => KeptAlive::Alive,
                        None => KeptAlive::Unavailable,
                    },
                };
                Some(LeaseDone::KeptAlive(lease, result))
            }
            LeaseJob::Claim { room, lease } => {
                let result = match timeout(PATIENCE, self.claim(room, lease)).await {
                    Ok(Err(Error::LeaseNotFound)) => Claimed::LeaseGone,
                    other => self.checked(other).unwrap_or(Claimed::Unavailable),
                };
                Some(LeaseDone::Claimed { room, lease, result })
            }
            LeaseJob::Release { room, revision } => {
                // Where this fails, the key goes with the lease, or is found ours at the next claim.
                self.checked(timeout(PATIENCE, self.release(room, revision)).await);
                None
            }
        }
    }

    /// A lease of ours; a former process of the same name gives up what it still holds.
    async fn grant(&self) -> Result<LeaseId, Error> {
        let key = controller_key(&self.name);
        if let Some(former) = self.store.get(&key).await?.and_then(|entry| entry.lease) {
            match self.store.revoke(former).await {
                Ok(()) | Err(Error::LeaseNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        let lease = self.store.grant(TTL).await?;
        self.store.put(&key, &[], Some(lease)).await?;
        Ok(lease)
    }

    async fn claim(&self, room: RoomId, lease: LeaseId) -> Result<Claimed, Error> {
        let key = room_key(room);
        let absent = Compare {
            key: key.clone(),
            relation: Relation::Equal,
            target: Target::CreateRevision(Revision(0)),
        };
        let value = self.name.clone().into_bytes();
        let transaction = Transaction {
            compare: vec![absent],
            success: vec![Op::Put { key: key.clone(), value, lease: Some(lease) }],
            failure: vec![Op::Get { key }],
        };
        let mut outcome = self.store.transact(transaction).await?;
        if outcome.succeeded {
            return Ok(Claimed::Ours(outcome.revision));
        }
        match outcome.results.pop() {
            // An earlier claim whose answer was lost.
            Some(OpResult::Got(Some(entry))) if entry.lease == Some(lease) => {
                Ok(Claimed::Ours(entry.create_revision))
            }
            Some(OpResult::Got(Some(entry))) => {
                Ok(Claimed::Others(String::from_utf8_lossy(&entry.value).into_owned()))
            }
            _ => Err(Error::Unavailable("a read was not answered".to_owned())),
        }
    }

    async fn release(&self, room: RoomId, revision: Revision) -> Result<(), Error> {
        let key = room_key(room);
        let ours = Compare {
            key: key.clone(),
            relation: Relation::Equal,
            target: Target::CreateRevision(revision),
        };
        let success = vec![Op::Delete { key }];
        let transaction = Transaction { compare: vec![ours], success, failure: Vec::new() };
        self.store.transact(transaction).await.map(|_| ())
    }

    fn checked<T>(
        &self,
        result: Result<Result<T, Error>, tokio::time::error::Elapsed>,
    ) -> Option<T> {
        let error = match result {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        self.metrics.store_errors.with_label_values(&["coordination"]).inc();
        tracing::warn!(error, "the coordination store did not do as asked");
        None
    }
}

/// Does jobs on the records, several at once.
pub async fn run_records(
    records: Records,
    metrics: Metrics,
    mut jobs: mpsc::Receiver<RecordsJob>,
    inputs: mpsc::Sender<Input>,
) {
    let permits = Arc::new(Semaphore::new(RECORDS_AT_ONCE));
    let hashing = Arc::new(Semaphore::new(HASHING_AT_ONCE));
    while let Some(job) = jobs.recv().await {
        // Who hashes waits for a core, and must not keep the records from everybody else meanwhile.
        let permit = if hashes(&job) {
            hashing.clone().try_acquire_owned().ok()
        } else {
            permits.clone().acquire_owned().await.ok()
        };
        let Some(permit) = permit else {
            let done = refused(job);
            metrics.store_errors.with_label_values(&["records"]).inc();
            let _ = inputs.send(Input::Records(done)).await;
            continue;
        };
        let (records, metrics, inputs) = (records.clone(), metrics.clone(), inputs.clone());
        tokio::spawn(async move {
            let began = Instant::now();
            let done = records_done(&records, job).await;
            let elapsed = began.elapsed().as_secs_f64();
            metrics.store_seconds.with_label_values(&["records"]).observe(elapsed);
            if failed(&done) {
                metrics.store_errors.with_label_values(&["records"]).inc();
            }
            // Where this fails the controller stops, and nobody waits for the answer.
            let _ = inputs.send(Input::Records(done)).await;
            drop(permit);
        });
    }
}

/// Whether a job hashes a PIN.
fn hashes(job: &RecordsJob) -> bool {
    let sets = |pin: &PinChange| matches!(pin, PinChange::Set(_));
    match job {
        RecordsJob::Enter { pin, .. } => pin.is_some(),
        RecordsJob::Ask { request: Request::CreateMeeting { pin, .. }, .. } => sets(pin),
        RecordsJob::Ask { request: Request::Moderate { action, .. }, .. } => {
            matches!(action, Moderation::SetAccess(change) if sets(&change.pin))
        }
        _ => false,
    }
}

fn failed(done: &RecordsDone) -> bool {
    let error = match done {
        RecordsDone::Answered { result, .. } => result.as_ref().err(),
        RecordsDone::Entered { result, .. } => result.as_ref().err(),
        RecordsDone::Remembered { result, .. } => result.as_ref().err(),
        RecordsDone::Loaded { result, .. } => result.as_ref().err(),
        RecordsDone::Recording(done) => archive::error(done),
    };
    match error {
        Some(records::Error::Unavailable(why)) => {
            tracing::warn!(why, "the records did not do as asked");
            true
        }
        _ => false,
    }
}

/// The answer to a job that cannot even wait.
pub fn refused(job: RecordsJob) -> RecordsDone {
    let error = || records::Error::Unavailable("too much is asked of the records".to_owned());
    match job {
        RecordsJob::Ask { ticket, request, .. } => {
            RecordsDone::Answered { ticket, request, result: Err(error()) }
        }
        RecordsJob::Enter { ticket, entry, opens, pin, .. } => {
            let tried = pin.is_some();
            RecordsDone::Entered { ticket, entry, opens, tried, result: Err(error()) }
        }
        RecordsJob::Remember { .. } => {
            RecordsDone::Remembered { job: Box::new(job), result: Err(error()) }
        }
        RecordsJob::Load { room, .. } => RecordsDone::Loaded { room, result: Err(error()) },
        RecordsJob::Recording(job) => RecordsDone::Recording(archive::refused(job, error())),
    }
}

async fn records_done(records: &Records, job: RecordsJob) -> RecordsDone {
    let late = |_| records::Error::Unavailable("no answer in time".to_owned());
    match job {
        RecordsJob::Ask { ticket, request, fresh, now_unix_ms } => {
            let asked = ask(records, &request, fresh, now_unix_ms);
            let result = timeout(PATIENCE, asked).await.map_err(late).flatten();
            RecordsDone::Answered { ticket, request, result }
        }
        RecordsJob::Enter { ticket, entry, opens, pin, now_unix_ms } => {
            let entered = records.enter(now_unix_ms, opens.room, opens.link, pin.as_ref());
            let result = timeout(PATIENCE, entered).await.map_err(late).flatten();
            RecordsDone::Entered { ticket, entry, opens, tried: pin.is_some(), result }
        }
        RecordsJob::Remember { room, identity, standing } => {
            let kept = records.remember(room, &identity, standing);
            let result = timeout(PATIENCE, kept).await.map_err(late).flatten();
            let job = Box::new(RecordsJob::Remember { room, identity, standing });
            RecordsDone::Remembered { job, result }
        }
        RecordsJob::Load { room, now_unix_ms } => {
            let loaded = async {
                let meeting = records.meeting(now_unix_ms, room).await?;
                Ok((meeting, records.standings(room).await?))
            };
            let result = timeout(PATIENCE, loaded).await.map_err(late).flatten();
            RecordsDone::Loaded { room, result }
        }
        RecordsJob::Recording(job) => RecordsDone::Recording(archive::done(records, job).await),
    }
}

/// Writes the audit log, and deletes what is over its time, until there are no more entries.
pub async fn run_audit(
    records: Records,
    metrics: Metrics,
    mut entries: mpsc::Receiver<AuditEntry>,
) {
    let mut purge = tokio::time::interval(PURGE_EVERY);
    let mut batch = Vec::with_capacity(AUDIT_BATCH);
    loop {
        tokio::select! {
            count = entries.recv_many(&mut batch, AUDIT_BATCH) => {
                if count == 0 {
                    return;
                }
                write_audit(&records, &metrics, &batch).await;
                batch.clear();
            }
            _ = purge.tick() => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
                match records.purge(now).await {
                    Ok(rows) if rows >= records::ROWS_AT_ONCE.into() => {
                        purge.reset_after(PURGE_AGAIN);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "could not delete what is over its time");
                    }
                }
            }
        }
    }
}

async fn write_audit(records: &Records, metrics: &Metrics, batch: &[AuditEntry]) {
    for attempt in 1..=AUDIT_ATTEMPTS {
        let Err(error) = records.append(batch).await else { return };
        metrics.store_errors.with_label_values(&["records"]).inc();
        tracing::warn!(%error, attempt, entries = batch.len(), "the audit log was not written");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    metrics.audit_lost.inc_by(batch.len() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_over_its_time_goes_however_much_it_is() {
        let records = Records::open(None).await.expect("records");
        let rows = u64::from(3 * records::ROWS_AT_ONCE + 1);
        records.fill(rows, 1_000).await;
        let metrics = Metrics::new(&prometheus::Registry::new()).expect("metrics");
        let (entries, queue) = mpsc::channel(1);
        let audit = tokio::spawn(run_audit(records.clone(), metrics, queue));
        let patience = Instant::now() + Duration::from_secs(60);
        while records.count().await > 0 {
            assert!(Instant::now() < patience, "{} meetings are left", records.count().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(entries);
        audit.await.expect("ends with its queue");
    }
}
