//! The audit log: appended to, never changed.

use super::{Error, Records};
use lectern_control::RoomId;
use sqlx::Row;
use std::fmt;

/// The longest actor or detail kept, in bytes: they come from outside, and the log lasts.
const MAX_TEXT_BYTES: usize = 512;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditKind {
    /// A meeting was made.
    MeetingCreated,
    /// A link was made.
    LinkCreated,
    /// A link was ended.
    LinkRevoked,
    /// Somebody showed a link that is unknown, expired or revoked.
    LinkRefused,
    /// Somebody came into a room.
    Joined,
    /// Somebody left a room.
    Left,
    /// A live room was moved to another node.
    RoomMoved,
    /// A live room could not be moved, or not all of it.
    MoveFailed,
    /// A room was placed anew because its node died.
    NodeLost,
}

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuditKind::MeetingCreated => "meeting_created",
            AuditKind::LinkCreated => "link_created",
            AuditKind::LinkRevoked => "link_revoked",
            AuditKind::LinkRefused => "link_refused",
            AuditKind::Joined => "joined",
            AuditKind::Left => "left",
            AuditKind::RoomMoved => "room_moved",
            AuditKind::MoveFailed => "move_failed",
            AuditKind::NodeLost => "node_lost",
        })
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// What.
    pub kind: AuditKind,
    /// Where.
    pub room: Option<RoomId>,
    /// Who: an identity, or the edge that asked.
    pub actor: String,
    /// More, in words.
    pub detail: String,
}

impl Records {
    /// Appends entries, all or none of them.
    pub async fn append(&self, entries: &[AuditEntry]) -> Result<(), Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for entry in entries {
            sqlx::query(
                "INSERT INTO audit (at_unix_ms, kind, room, actor, detail) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(entry.at_unix_ms.cast_signed())
            .bind(entry.kind.to_string())
            .bind(entry.room.map(|room| room.0.cast_signed()))
            .bind(clip(&entry.actor))
            .bind(clip(&entry.detail))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The last `limit` entries about a room, oldest first: time, kind, actor, detail.
    pub async fn audit(
        &self,
        room: RoomId,
        limit: u32,
    ) -> Result<Vec<(u64, String, String, String)>, Error> {
        let rows = sqlx::query("SELECT * FROM audit WHERE room = ? ORDER BY id DESC LIMIT ?")
            .bind(room.0.cast_signed())
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let at = row.try_get::<i64, _>("at_unix_ms")?.cast_unsigned();
            Ok((at, row.try_get("kind")?, row.try_get("actor")?, row.try_get("detail")?))
        };
        rows.iter().rev().map(read).collect()
    }
}

/// At most [`MAX_TEXT_BYTES`] of a text, whole characters.
fn clip(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
