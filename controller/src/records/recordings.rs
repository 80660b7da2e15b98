//! Recordings from their beginning to their end: what recorders say of them is kept here.

use super::parts::Part;
use super::{Error, Records};
use lectern_control::frame;
use lectern_control::limits::MAX_NAME_BYTES;
use lectern_control::recording::{MAX_STATUS_BYTES, MAX_TITLE_BYTES, State, Status};
use lectern_control::{RecorderId, RecordingId, RoomId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Recordings of one meeting that are kept: one a day for years. A switch that is turned on and off
/// without end stops here.
pub const MAX_RECORDINGS_PER_MEETING: u32 = 1_000;
/// All recordings: as many as meetings. The catalogue stays some hundred megabytes.
pub const MAX_RECORDINGS: u32 = 100_000;
/// Milliseconds of a day.
pub(super) const DAY_MS: u64 = 86_400_000;

/// A recording to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecording {
    /// Its id: random.
    pub id: RecordingId,
    /// The room.
    pub room: RoomId,
    /// Its title, to begin with.
    pub title: String,
    /// Who turned it on, by the name shown.
    pub started_by: String,
    /// When, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Where it goes.
    pub recorder: RecorderId,
}

/// A recording that goes on, as far as the records know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRecording {
    /// Its id.
    pub id: RecordingId,
    /// The room.
    pub room: RoomId,
    /// Who turned it on, by the name shown.
    pub started_by: String,
    /// When, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Where it goes.
    pub recorder: RecorderId,
}

/// What became of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept, or a later one is.
    Kept,
    /// There is no such recording, or no longer.
    Unknown,
}

impl Records {
    /// Makes a recording that begins now.
    pub async fn begin_recording(&self, new: &NewRecording) -> Result<(), Error> {
        if new.title.len() > MAX_TITLE_BYTES || new.started_by.len() > MAX_NAME_BYTES {
            return Err(Error::Limit("the length of a title"));
        }
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let made = sqlx::query(
            "INSERT INTO recordings SELECT ?1, ?2, ?3, ?4, ?5, NULL, \
             ?5 + (SELECT keep_recordings_days FROM meetings WHERE room = ?2) * ?6, 0 \
             WHERE (SELECT count(*) FROM recordings WHERE room = ?2) < ?7 \
             AND (SELECT count(*) FROM recordings) < ?8",
        )
        .bind(new.id.0.cast_signed())
        .bind(new.room.0.cast_signed())
        .bind(&new.title)
        .bind(&new.started_by)
        .bind(new.started_unix_ms.cast_signed())
        .bind(DAY_MS.cast_signed())
        .bind(MAX_RECORDINGS_PER_MEETING)
        .bind(MAX_RECORDINGS)
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            return Err(Error::Limit("recordings"));
        }
        take_over(&mut tx, new.id, &new.recorder).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A recording goes on at this recorder.
    pub async fn take_over(&self, id: RecordingId, recorder: &RecorderId) -> Result<(), Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        take_over(&mut tx, id, recorder).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A recording has ended. Ending it twice is not an error.
    pub async fn end_recording(&self, now_unix_ms: u64, id: RecordingId) -> Result<(), Error> {
        let end = "UPDATE recordings SET ended_unix_ms = coalesce(ended_unix_ms, ?) WHERE id = ?";
        sqlx::query(end)
            .bind(now_unix_ms.cast_signed())
            .bind(id.0.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A recording never began: no recorder was told of it.
    pub async fn forget_recording(&self, id: RecordingId) -> Result<(), Error> {
        let forget = "DELETE FROM recordings WHERE id = ?";
        sqlx::query(forget).bind(id.0.cast_signed()).execute(&self.pool).await?;
        Ok(())
    }

    /// Recordings that go on, each with the recorder that took it over last.
    pub async fn live_recordings(&self) -> Result<Vec<LiveRecording>, Error> {
        // What no recorder has any more cannot go on.
        sqlx::query(
            "UPDATE recordings SET ended_unix_ms = started_unix_ms WHERE ended_unix_ms IS NULL \
             AND NOT EXISTS (SELECT 1 FROM recording_parts WHERE recording = recordings.id)",
        )
        .execute(&self.pool)
        .await?;
        let rows = sqlx::query(
            "SELECT id, room, started_by, started_unix_ms, \
             (SELECT recorder FROM recording_parts WHERE recording = id \
              ORDER BY turn DESC LIMIT 1) AS recorder \
             FROM recordings WHERE ended_unix_ms IS NULL ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        let live = |row: &SqliteRow| -> Result<LiveRecording, Error> {
            Ok(LiveRecording {
                id: RecordingId(row.try_get::<i64, _>("id")?.cast_unsigned()),
                room: RoomId(row.try_get::<i64, _>("room")?.cast_unsigned()),
                started_by: row.try_get("started_by")?,
                started_unix_ms: row.try_get::<i64, _>("started_unix_ms")?.cast_unsigned(),
                recorder: recorder(row)?,
            })
        };
        rows.iter().map(live).collect()
    }

    /// Keeps what a recorder says of a recording. What is destroyed there is forgotten here, and the
    /// recording itself with the last part of it.
    pub async fn keep_status(&self, recorder: &RecorderId, status: &Status) -> Result<Kept, Error> {
        let id = status.recording;
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if status.state == State::Deleted {
            forget_part(&mut tx, id, recorder).await?;
            tx.commit().await?;
            return Ok(Kept::Kept);
        }
        let bytes = frame::encode(status).ok().filter(|bytes| bytes.len() <= MAX_STATUS_BYTES);
        let bytes = bytes.ok_or(Error::Limit("bytes of a status"))?;
        let known = sqlx::query("SELECT 1 FROM recordings WHERE id = ?")
            .bind(id.0.cast_signed())
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Ok(Kept::Unknown);
        }
        sqlx::query(
            "INSERT INTO recording_parts SELECT ?1, ?2, \
             (SELECT coalesce(min(turn), 0) - 1 FROM recording_parts WHERE recording = ?1), ?3, ?4 \
             WHERE true ON CONFLICT (recording, recorder) DO UPDATE \
             SET version = excluded.version, status = excluded.status \
             WHERE excluded.version >= recording_parts.version",
        )
        .bind(id.0.cast_signed())
        .bind(recorder.as_str())
        .bind(status.version.cast_signed())
        .bind(&bytes[..])
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Kept::Kept)
    }
}

async fn take_over(
    tx: &mut SqliteConnection,
    id: RecordingId,
    recorder: &RecorderId,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO recording_parts SELECT ?1, ?2, \
         (SELECT coalesce(max(turn), 0) + 1 FROM recording_parts WHERE recording = ?1), 0, NULL \
         WHERE EXISTS (SELECT 1 FROM recordings WHERE id = ?1) \
         ON CONFLICT (recording, recorder) DO UPDATE SET turn = excluded.turn",
    )
    .bind(id.0.cast_signed())
    .bind(recorder.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

async fn forget_part(
    tx: &mut SqliteConnection,
    id: RecordingId,
    recorder: &RecorderId,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM recording_parts WHERE recording = ? AND recorder = ?")
        .bind(id.0.cast_signed())
        .bind(recorder.as_str())
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "DELETE FROM recordings WHERE id = ?1 AND ended_unix_ms IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM recording_parts WHERE recording = ?1)",
    )
    .bind(id.0.cast_signed())
    .execute(tx)
    .await?;
    Ok(())
}

/// All that recorders have of a recording, in the order in which they took it over.
pub(super) async fn parts(tx: &mut SqliteConnection, id: RecordingId) -> Result<Vec<Part>, Error> {
    let query = "SELECT recorder, status FROM recording_parts WHERE recording = ? ORDER BY turn";
    let rows = sqlx::query(query).bind(id.0.cast_signed()).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            let status: Option<Vec<u8>> = row.try_get("status")?;
            // What a later version wrote, and this one cannot read, is as good as not said yet.
            let status = status.and_then(|bytes| frame::decode(&bytes).ok());
            Ok(Part { recorder: recorder(row)?, status })
        })
        .collect()
}

fn recorder(row: &SqliteRow) -> Result<RecorderId, Error> {
    let name: Option<String> = row.try_get("recorder")?;
    let name =
        name.ok_or_else(|| Error::Unavailable("a recording without a recorder".to_owned()))?;
    name.parse().map_err(|_| Error::Unavailable("a recorder without a name".to_owned()))
}

#[cfg(test)]
mod tests;
