//! What those do with recordings who keep them: look, rename, share, make films, destroy.

use super::known::{self, Known, Present};
use super::parts::{self, Liveness};
use super::recordings;
use super::shares::NewShare;
use super::{Error, Records};
use lectern_control::edge::Response;
use lectern_control::frame;
use lectern_control::recording::{
    Change, Job, JobKind, MAX_JOBS, MAX_RECORDINGS_SHOWN, MAX_STATUS_BYTES, MAX_TITLE_BYTES,
    Progress, Recording, State, Status,
};
use lectern_control::{JobId, RecorderId, RecordingId, RoomId, ShareId};
use sqlx::SqliteConnection;

/// Bytes of recordings in one answer: it stays well below a frame; the rest is asked for again.
const ANSWER_BYTES: usize = 512 << 10;

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// Nothing follows but the answer.
    Done(Response),
    /// Recorders are to make another film.
    Composed {
        /// The recording as it is then.
        recording: Box<Recording>,
        /// Who makes which.
        jobs: Vec<(RecorderId, JobId)>,
    },
}

impl Records {
    /// Recordings of a room, latest first.
    pub async fn recordings(
        &self,
        room: RoomId,
        before_unix_ms: Option<u64>,
        present: &Present,
    ) -> Result<Response, Error> {
        let before = before_unix_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(i64::MAX);
        let mut tx = self.pool.begin().await?;
        let rows = sqlx::query(
            "SELECT * FROM recordings WHERE room = ? AND started_unix_ms < ? AND doomed = 0 \
             ORDER BY started_unix_ms DESC, id LIMIT ?",
        )
        .bind(room.0.cast_signed())
        .bind(before)
        .bind(i64::try_from(MAX_RECORDINGS_SHOWN + 1).unwrap_or(i64::MAX))
        .fetch_all(&mut *tx)
        .await?;
        let (mut recordings, mut bytes, mut more) = (Vec::new(), 0, false);
        for row in &rows {
            let known = known::read(row, self.keep_days)?;
            let recording = known::shown(&mut tx, &known, present).await?;
            bytes += frame::encode(&recording).map_or(ANSWER_BYTES, |encoded| encoded.len());
            let full = recordings.len() >= MAX_RECORDINGS_SHOWN || bytes > ANSWER_BYTES;
            if full && !recordings.is_empty() {
                more = true;
                break;
            }
            recordings.push(recording);
        }
        Ok(Response::Recordings { recordings, more })
    }

    /// One recording of a room.
    pub async fn recording(
        &self,
        room: RoomId,
        id: RecordingId,
        present: &Present,
    ) -> Result<Response, Error> {
        let mut tx = self.pool.begin().await?;
        let known = known::find_in(&mut tx, self.keep_days, room, id).await?;
        let shown = known::shown(&mut tx, &known, present).await?;
        Ok(Response::Recording(Box::new(shown)))
    }

    /// Does something with a recording of a room.
    pub async fn change_recording(
        &self,
        room: RoomId,
        id: RecordingId,
        change: &Change,
        present: &Present,
    ) -> Result<Changed, Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let known = known::find_in(&mut tx, self.keep_days, room, id).await?;
        let changed = match change {
            Change::Rename { title } => {
                rename(&mut tx, id, title).await?;
                let known = Known { title: title.clone(), ..known };
                let shown = known::shown(&mut tx, &known, present).await?;
                Changed::Done(Response::Recording(Box::new(shown)))
            }
            Change::Delete => {
                super::doom::doom(&mut tx, id, present.now_unix_ms).await?;
                Changed::Done(Response::Done)
            }
            Change::Share { secret_hash, expires_at_unix_ms, download } => {
                let ends = known.expires_at_unix_ms.unwrap_or(u64::MAX);
                let new = NewShare {
                    id: ShareId(present.fresh),
                    recording: id,
                    secret_hash: *secret_hash,
                    expires_at_unix_ms: ends.min(*expires_at_unix_ms),
                    download: *download,
                };
                let share = super::shares::add(&mut tx, present.now_unix_ms, new).await?;
                Changed::Done(Response::Shared(share))
            }
            Change::Unshare { share } => {
                super::shares::remove(&mut tx, id, *share).await?;
                Changed::Done(Response::Done)
            }
            Change::Compose { layout, without } => {
                let kind = JobKind::Compose { layout: *layout, without: without.clone() };
                compose(&mut tx, &known, &kind, present).await?
            }
        };
        tx.commit().await?;
        Ok(changed)
    }
}

async fn rename(tx: &mut SqliteConnection, id: RecordingId, title: &str) -> Result<(), Error> {
    if title.is_empty() || title.len() > MAX_TITLE_BYTES {
        return Err(Error::Invalid("a title has 1 to 256 bytes"));
    }
    sqlx::query("UPDATE recordings SET title = ? WHERE id = ?")
        .bind(title)
        .bind(id.0.cast_signed())
        .execute(tx)
        .await?;
    Ok(())
}

/// Each recorder that has a part makes a film of it. It is shown at once, and not only when the recorder
/// says so.
async fn compose(
    tx: &mut SqliteConnection,
    known: &Known,
    kind: &JobKind,
    present: &Present,
) -> Result<Changed, Error> {
    if known.liveness == Liveness::Live {
        return Err(Error::Invalid("the recording goes on"));
    }
    let mut parts = recordings::parts(tx, known.id).await?;
    let all = parts::whole(known::nothing(known), &parts, known.liveness);
    if all.jobs.len() >= MAX_JOBS {
        return Err(Error::Limit("films of a recording"));
    }
    let is_there = |status: &&mut Status| matches!(status.state, State::Processing | State::Ready);
    let mut jobs = Vec::new();
    for (part, number) in parts.iter_mut().zip(present.fresh..) {
        let Some(status) = part.status.as_mut().filter(is_there) else { continue };
        if !present.reachable.contains(&part.recorder) {
            return Err(Error::Unreachable);
        }
        let (id, progress) = (JobId(number), Progress::Waiting);
        status.jobs.push(Job { id, kind: kind.clone(), progress });
        replace(tx, known.id, &part.recorder, status).await?;
        jobs.push((part.recorder.clone(), id));
    }
    if jobs.is_empty() {
        return Err(Error::Invalid("there is nothing to make a film of"));
    }
    let recording = Box::new(known::shown(tx, known, present).await?);
    Ok(Changed::Composed { recording, jobs })
}

async fn replace(
    tx: &mut SqliteConnection,
    id: RecordingId,
    recorder: &RecorderId,
    status: &Status,
) -> Result<(), Error> {
    let bytes = frame::encode(status).ok().filter(|bytes| bytes.len() <= MAX_STATUS_BYTES);
    let bytes = bytes.ok_or(Error::Limit("bytes of a status"))?;
    sqlx::query("UPDATE recording_parts SET status = ? WHERE recording = ? AND recorder = ?")
        .bind(&bytes[..])
        .bind(id.0.cast_signed())
        .bind(recorder.as_str())
        .execute(tx)
        .await?;
    Ok(())
}
