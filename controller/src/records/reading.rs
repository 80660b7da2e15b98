//! Who may read which file of a recording, and where it lies.
//!
//! Whether somebody in a live room may ask, the room has said before. Owners' keys are looked at here:
//! for recordings they are good as long as there are any, be the meeting over or not.

use super::known::{self, Known, Present};
use super::{Error, Hash, Records, parts, recordings, shares};
use lectern_control::access::Moderator;
use lectern_control::edge::{Reader, Response};
use lectern_control::recording::File;
use lectern_control::{RecorderId, RecordingId, RoomId, ShareId};
use sqlx::{Row, SqliteConnection};
use subtle::ConstantTimeEq;

/// A file that may be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The recorder that has it.
    pub recorder: RecorderId,
    /// The room that was recorded.
    pub room: RoomId,
    /// The recording's title.
    pub title: String,
    /// The file.
    pub file: File,
    /// By which link it was asked for.
    pub share: Option<ShareId>,
}

/// What somebody wants to read.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The recording.
    pub recording: RecordingId,
    /// The file's name.
    pub file: &'a str,
    /// To keep it, not only to play it.
    pub download: bool,
}

impl Records {
    /// Whether somebody keeps the recordings of a room.
    pub async fn check_keeper(&self, room: RoomId, by: &Moderator) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        check_keeper(&mut tx, room, by).await
    }

    /// What a link to a recording shows.
    pub async fn shared(&self, secret_hash: &Hash, present: &Present) -> Result<Response, Error> {
        let mut tx = self.pool.begin().await?;
        let (id, share) = shares::of_secret(&mut tx, present.now_unix_ms, secret_hash).await?;
        let known = known::find(&mut tx, self.keep_days, id).await.map_err(hidden)?;
        let mut recording = known::shown(&mut tx, &known, present).await?;
        recording.started_by.clear();
        recording.shares = vec![share];
        recording.status.jobs.clear();
        recording.status.people.clear();
        recording.status.files.retain(parts::is_shared);
        Ok(Response::Recording(Box::new(recording)))
    }

    /// A file, for somebody who may read it.
    pub async fn readable(
        &self,
        by: &Reader,
        wanted: Wanted<'_>,
        present: &Present,
    ) -> Result<Found, Error> {
        let mut tx = self.pool.begin().await?;
        let share = allowed(&mut tx, by, wanted, present.now_unix_ms).await?;
        let known = known::find(&mut tx, self.keep_days, wanted.recording).await;
        let known = known.map_err(|error| if share.is_some() { hidden(error) } else { error })?;
        let elsewhere = |room: &RoomId| *room != known.room;
        if let Reader::Moderator { room, .. } = by
            && elsewhere(room)
        {
            return Err(Error::Absent);
        }
        let parts = recordings::parts(&mut tx, known.id).await?;
        let (recorder, file) = parts::find(&parts, wanted.file).ok_or(Error::Absent)?;
        if share.is_some() && !parts::is_shared(file) {
            return Err(Error::Absent);
        }
        if !present.reachable.contains(recorder) {
            return Err(Error::Unreachable);
        }
        let Known { room, title, .. } = known;
        Ok(Found { recorder: recorder.clone(), room, title, file: file.clone(), share })
    }
}

/// By which link somebody reads; `None` for those who keep the recording.
async fn allowed(
    tx: &mut SqliteConnection,
    by: &Reader,
    wanted: Wanted<'_>,
    now_unix_ms: u64,
) -> Result<Option<ShareId>, Error> {
    match by {
        Reader::Moderator { room, by } => check_keeper(tx, *room, by).await.map(|()| None),
        Reader::Share { secret_hash } => {
            let (recording, share) = shares::of_secret(tx, now_unix_ms, secret_hash).await?;
            if recording != wanted.recording {
                return Err(Error::NotFound);
            }
            if wanted.download && !share.download {
                return Err(Error::NotPermitted);
            }
            Ok(Some(share.id))
        }
        Reader::Granted { share: None } => Ok(None),
        Reader::Granted { share: Some(share) } => {
            let open = shares::shares(tx, now_unix_ms, wanted.recording).await?;
            let is_open = open.iter().any(|known| known.id == *share);
            if is_open { Ok(Some(*share)) } else { Err(Error::Absent) }
        }
    }
}

/// Of those who keep recordings only owners outside a room are the records' to know.
async fn check_keeper(
    tx: &mut SqliteConnection,
    room: RoomId,
    by: &Moderator,
) -> Result<(), Error> {
    let Moderator::Owner { owner_key_hash } = by else { return Ok(()) };
    let row = sqlx::query("SELECT owner_key_hash FROM meetings WHERE room = ?")
        .bind(room.0.cast_signed())
        .fetch_optional(tx)
        .await?;
    let stored = match &row {
        Some(row) => row.try_get("owner_key_hash")?,
        // No key has this hash.
        None => vec![0; owner_key_hash.len()],
    };
    let same: bool = stored.ct_eq(owner_key_hash).into();
    if same && row.is_some() { Ok(()) } else { Err(Error::NotFound) }
}

/// Whoever shows a link hears of what is gone as of a link that never was.
fn hidden(error: Error) -> Error {
    if matches!(error, Error::Absent) { Error::NotFound } else { error }
}
