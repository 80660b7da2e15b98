//! Does the controller's jobs about recordings on the records. Decides nothing.

use crate::job::{RecordingDone, RecordingJob, Turn};
use crate::records::{self, Error, Records};
use std::time::Duration;
use tokio::time::timeout;

/// How long the records may take: an edge's patience is longer.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Does a job.
pub async fn done(records: &Records, job: RecordingJob) -> RecordingDone {
    match job {
        RecordingJob::Catalogue { ticket, request, present } => {
            let result = in_time(records::ask_catalogue(records, &request, &present)).await;
            RecordingDone::Catalogue { ticket, request, result }
        }
        RecordingJob::Begin(new) => {
            let result = in_time(records.begin_recording(&new)).await;
            RecordingDone::Begun { new, result }
        }
        RecordingJob::Note(recording, turn) => {
            let result = match &turn {
                Turn::Ended(at) => in_time(records.end_recording(*at, recording)).await,
                Turn::TakenOver(recorder) => in_time(records.take_over(recording, recorder)).await,
                Turn::Forgotten => in_time(records.forget_recording(recording)).await,
            };
            RecordingDone::Noted { recording, turn, result }
        }
        RecordingJob::KeepStatus(recorder, status) => {
            let result = in_time(records.keep_status(&recorder, &status)).await;
            RecordingDone::StatusKept { recorder, status, result }
        }
        RecordingJob::Live => RecordingDone::Live(in_time(records.live_recordings()).await),
        RecordingJob::Doomed { now_unix_ms, reachable } => {
            RecordingDone::Doomed(in_time(records.doomed(now_unix_ms, &reachable)).await)
        }
    }
}

/// The answer to a job that is not done.
pub fn refused(job: RecordingJob, error: Error) -> RecordingDone {
    match job {
        RecordingJob::Catalogue { ticket, request, .. } => {
            RecordingDone::Catalogue { ticket, request, result: Err(error) }
        }
        RecordingJob::Begin(new) => RecordingDone::Begun { new, result: Err(error) },
        RecordingJob::Note(recording, turn) => {
            RecordingDone::Noted { recording, turn, result: Err(error) }
        }
        RecordingJob::KeepStatus(recorder, status) => {
            RecordingDone::StatusKept { recorder, status, result: Err(error) }
        }
        RecordingJob::Live => RecordingDone::Live(Err(error)),
        RecordingJob::Doomed { .. } => RecordingDone::Doomed(Err(error)),
    }
}

/// Why a job failed, if it did.
pub fn error(done: &RecordingDone) -> Option<&Error> {
    match done {
        RecordingDone::Catalogue { result, .. } => result.as_ref().err(),
        RecordingDone::Begun { result, .. } | RecordingDone::Noted { result, .. } => {
            result.as_ref().err()
        }
        RecordingDone::StatusKept { result, .. } => result.as_ref().err(),
        RecordingDone::Live(result) => result.as_ref().err(),
        RecordingDone::Doomed(result) => result.as_ref().err(),
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Error::Unavailable("no answer in time".to_owned());
    timeout(PATIENCE, work).await.map_err(late).flatten()
}
