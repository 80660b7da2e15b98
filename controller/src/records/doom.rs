//! Recordings that are to be destroyed: nobody sees them any more, and they are forgotten once every
//! recorder has said that it has destroyed what it had.

use super::recordings::DAY_MS;
use super::{Error, ROWS_AT_ONCE, Records};
use lectern_control::{RecorderId, RecordingId, RoomId};
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeSet;

/// Recordings that one recorder is asked to destroy at once; the others follow.
const DESTROYED_AT_ONCE: u32 = 256;

/// What is to be done about recordings whose time is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doomed {
    /// Those whose time has just run out.
    pub expired: Vec<(RoomId, RecordingId)>,
    /// What recorders that can be told are to destroy.
    pub destroy: Vec<(RecorderId, RecordingId)>,
}

/// A recording is to be destroyed; if it went on, it has ended.
pub(super) async fn doom(
    tx: &mut SqliteConnection,
    id: RecordingId,
    now_unix_ms: u64,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE recordings SET doomed = 1, ended_unix_ms = coalesce(ended_unix_ms, ?) WHERE id = ?",
    )
    .bind(now_unix_ms.cast_signed())
    .bind(id.0.cast_signed())
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM shares WHERE recording = ?")
        .bind(id.0.cast_signed())
        .execute(tx)
        .await?;
    Ok(())
}

impl Records {
    /// Finds recordings whose time is over, forgets those that nobody has any more, and says what is
    /// to be destroyed where.
    pub async fn doomed(
        &self,
        now_unix_ms: u64,
        reachable: &BTreeSet<RecorderId>,
    ) -> Result<Doomed, Error> {
        let kept = self.keep_days.map(|days| u64::from(days).saturating_mul(DAY_MS));
        let began_before = kept.map_or(0, |kept| now_unix_ms.saturating_sub(kept));
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let expired = sqlx::query(
            "UPDATE recordings SET doomed = 1 WHERE id IN (SELECT id FROM recordings \
             WHERE doomed = 0 AND ended_unix_ms IS NOT NULL \
             AND (expires_at_unix_ms <= ?1 OR started_unix_ms < ?2) LIMIT ?3) RETURNING id, room",
        )
        .bind(now_unix_ms.cast_signed())
        .bind(began_before.cast_signed())
        .bind(ROWS_AT_ONCE)
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM shares WHERE expires_at_unix_ms <= ? \
             OR recording IN (SELECT id FROM recordings WHERE doomed = 1)",
        )
        .bind(now_unix_ms.cast_signed())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM recordings WHERE doomed = 1 \
             AND NOT EXISTS (SELECT 1 FROM recording_parts WHERE recording = recordings.id)",
        )
        .execute(&mut *tx)
        .await?;
        let mut destroy = Vec::new();
        for recorder in reachable {
            let rows = sqlx::query(
                "SELECT recording FROM recording_parts JOIN recordings ON id = recording \
                 WHERE recorder = ? AND doomed = 1 LIMIT ?",
            )
            .bind(recorder.as_str())
            .bind(DESTROYED_AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
            for row in rows {
                let id = RecordingId(row.try_get::<i64, _>("recording")?.cast_unsigned());
                destroy.push((recorder.clone(), id));
            }
        }
        tx.commit().await?;
        let expired = expired.iter().map(|row| -> Result<_, Error> {
            let room = RoomId(row.try_get::<i64, _>("room")?.cast_unsigned());
            Ok((room, RecordingId(row.try_get::<i64, _>("id")?.cast_unsigned())))
        });
        Ok(Doomed { expired: expired.collect::<Result<_, _>>()?, destroy })
    }
}
