//! What is deleted by itself: meetings that ended long ago, and the oldest audit entries.

use super::{Error, Records};
use std::time::Duration;

/// How long an ended meeting is kept, so that its owner's questions can be answered.
pub const MEETING_RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// How long audit entries are kept; a trigger keeps them from going before.
pub const AUDIT_RETENTION: Duration = Duration::from_secs(401 * 86_400);
/// Rows deleted at once: others must not wait long for the writer's lock.
pub const ROWS_AT_ONCE: u32 = 1_000;

impl Records {
    /// Deletes what is over its time, a bounded number of rows; how many went. Where it was
    /// [`ROWS_AT_ONCE`] or more, there may be more to delete.
    pub async fn purge(&self, now_unix_ms: u64) -> Result<u64, Error> {
        let before = |retention: Duration| {
            let retention = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
            now_unix_ms.saturating_sub(retention).cast_signed()
        };
        let meetings = sqlx::query(
            "DELETE FROM meetings WHERE room IN \
             (SELECT room FROM meetings WHERE expires_at_unix_ms < ?1 \
              AND NOT EXISTS (SELECT 1 FROM recordings WHERE room = meetings.room) LIMIT ?2)",
        )
        .bind(before(MEETING_RETENTION))
        .bind(ROWS_AT_ONCE)
        .execute(&self.pool)
        .await?;
        self.strip(before(MEETING_RETENTION)).await?;
        let entries = sqlx::query(
            "DELETE FROM audit WHERE id IN \
             (SELECT id FROM audit WHERE at_unix_ms < ? ORDER BY id LIMIT ?)",
        )
        .bind(before(AUDIT_RETENTION))
        .bind(ROWS_AT_ONCE)
        .execute(&self.pool)
        .await?;
        let rows = meetings.rows_affected() + entries.rows_affected();
        if rows < ROWS_AT_ONCE.into() {
            // What was deleted stands in the log of writes until that is written down.
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await?;
        }
        Ok(rows)
    }

    /// Of meetings that are kept because of their recordings, what these do not need: owners' keys
    /// stay, people and links go.
    async fn strip(&self, before: i64) -> Result<(), Error> {
        for strip in [
            "DELETE FROM links WHERE id IN (SELECT id FROM links JOIN meetings USING (room) \
             WHERE meetings.expires_at_unix_ms < ? LIMIT ?)",
            "DELETE FROM standings WHERE (room, identity) IN (SELECT room, identity FROM standings \
             JOIN meetings USING (room) WHERE meetings.expires_at_unix_ms < ? LIMIT ?)",
            "UPDATE meetings SET pin_hash = NULL WHERE room IN (SELECT room FROM meetings \
             WHERE expires_at_unix_ms < ? AND pin_hash IS NOT NULL LIMIT ?)",
        ] {
            sqlx::query(strip).bind(before).bind(ROWS_AT_ONCE).execute(&self.pool).await?;
        }
        Ok(())
    }
}
