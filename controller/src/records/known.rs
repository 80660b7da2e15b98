//! A recording as the records know it, and as its owner sees it.

use super::parts::{self, Liveness};
use super::recordings::{self, DAY_MS};
use super::{Error, shares};
use lectern_control::recording::{Recording, State, Status};
use lectern_control::{RecorderId, RecordingId, RoomId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeSet;

/// How it is just now, beside what the records know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// Milliseconds since 1970.
    pub now_unix_ms: u64,
    /// An id for what is made, if something is.
    pub fresh: u64,
    /// Recorders that can be told something.
    pub reachable: BTreeSet<RecorderId>,
}

/// A recording's row.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: RecordingId,
    pub(super) room: RoomId,
    pub(super) title: String,
    pub(super) started_by: String,
    pub(super) started_unix_ms: u64,
    pub(super) liveness: Liveness,
    /// By its meeting's wish or the operator's, whichever is sooner.
    pub(super) expires_at_unix_ms: Option<u64>,
}

/// How long the operator keeps recordings, in days; `None` for ever.
pub(super) type KeepDays = Option<u32>;

/// A recording that is not about to be destroyed.
pub(super) async fn find(
    tx: &mut SqliteConnection,
    keep_days: KeepDays,
    id: RecordingId,
) -> Result<Known, Error> {
    let row = sqlx::query("SELECT * FROM recordings WHERE id = ? AND doomed = 0")
        .bind(id.0.cast_signed())
        .fetch_optional(tx)
        .await?;
    read(&row.ok_or(Error::Absent)?, keep_days)
}

/// The same, if it is of that room.
pub(super) async fn find_in(
    tx: &mut SqliteConnection,
    keep_days: KeepDays,
    room: RoomId,
    id: RecordingId,
) -> Result<Known, Error> {
    let known = find(tx, keep_days, id).await?;
    if known.room == room { Ok(known) } else { Err(Error::Absent) }
}

/// A recording from its row.
pub(super) fn read(row: &SqliteRow, keep_days: KeepDays) -> Result<Known, Error> {
    let started_unix_ms = row.try_get::<i64, _>("started_unix_ms")?.cast_unsigned();
    let ended: Option<i64> = row.try_get("ended_unix_ms")?;
    let wished: Option<i64> = row.try_get("expires_at_unix_ms")?;
    let days = keep_days.map(u64::from);
    let kept = days.map(|days| started_unix_ms.saturating_add(days.saturating_mul(DAY_MS)));
    Ok(Known {
        id: RecordingId(row.try_get::<i64, _>("id")?.cast_unsigned()),
        room: RoomId(row.try_get::<i64, _>("room")?.cast_unsigned()),
        title: row.try_get("title")?,
        started_by: row.try_get("started_by")?,
        started_unix_ms,
        liveness: if ended.is_none() { Liveness::Live } else { Liveness::Ended },
        expires_at_unix_ms: [wished.map(i64::cast_unsigned), kept].into_iter().flatten().min(),
    })
}

/// A recording as its owner sees it.
pub(super) async fn shown(
    tx: &mut SqliteConnection,
    known: &Known,
    present: &Present,
) -> Result<Recording, Error> {
    let parts = recordings::parts(tx, known.id).await?;
    let shares = shares::shares(tx, present.now_unix_ms, known.id).await?;
    Ok(Recording {
        id: known.id,
        room: known.room,
        title: known.title.clone(),
        started_by: known.started_by.clone(),
        expires_at_unix_ms: known.expires_at_unix_ms,
        status: parts::whole(nothing(known), &parts, known.liveness),
        shares,
        unreachable: parts.iter().any(|part| !present.reachable.contains(&part.recorder)),
    })
}

/// A recording of which no recorder has said anything.
pub(super) fn nothing(known: &Known) -> Status {
    Status {
        recording: known.id,
        room: known.room,
        version: 0,
        state: State::Recording,
        started_unix_ms: known.started_unix_ms,
        duration_ms: 0,
        trouble: None,
        jobs: Vec::new(),
        files: Vec::new(),
        people: Vec::new(),
    }
}
