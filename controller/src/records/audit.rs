//! The audit log: appended to, never changed.

use super::{Error, Records};
use lectern_control::RoomId;
use lectern_control::access::AuditLine;
use lectern_control::limits::MAX_AUDIT_LINES;
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
    /// A wrong PIN was typed.
    PinRefused,
    /// Too many wrong PINs: the meeting takes none for a while.
    PinBlocked,
    /// A session was opened with an entry.
    SessionOpened,
    /// A session was ended by its holder.
    SessionEnded,
    /// How a meeting receives people was changed.
    AccessChanged,
    /// Somebody waits in the lobby.
    Knocked,
    /// Somebody was admitted from the lobby.
    Admitted,
    /// Somebody was refused in the lobby.
    Refused,
    /// Somebody was not let in: locked, removed before, or not admitted.
    JoinRefused,
    /// A moderator muted somebody.
    Muted,
    /// A moderator ended what somebody shared.
    ShareStopped,
    /// A moderator removed somebody.
    Removed,
    /// A moderator gave somebody a role.
    RoleChanged,
    /// Presenting was handed over.
    HandedOver,
    /// A moderator was refused what it wanted to do.
    ModerationRefused,
    /// A meeting was ended for everybody.
    MeetingEnded,
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
    /// A meeting is recorded.
    RecordingStarted,
    /// A meeting is not recorded any more.
    RecordingStopped,
    /// A recording ended by itself, or waits for its recorder.
    RecordingFailed,
    /// A recording got another title.
    RecordingRenamed,
    /// A recording is destroyed, as somebody wished.
    RecordingDeleted,
    /// A recording is destroyed because its time is over.
    RecordingExpired,
    /// A link to a recording was made.
    RecordingShared,
    /// A link to a recording was ended.
    RecordingUnshared,
    /// Another film is made of a recording.
    RecordingComposed,
    /// A file of a recording may be played.
    RecordingRead,
    /// A file of a recording may be downloaded.
    RecordingDownloaded,
}

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuditKind::MeetingCreated => "meeting_created",
            AuditKind::LinkCreated => "link_created",
            AuditKind::LinkRevoked => "link_revoked",
            AuditKind::LinkRefused => "link_refused",
            AuditKind::PinRefused => "pin_refused",
            AuditKind::PinBlocked => "pin_blocked",
            AuditKind::SessionOpened => "session_opened",
            AuditKind::SessionEnded => "session_ended",
            AuditKind::AccessChanged => "access_changed",
            AuditKind::Knocked => "knocked",
            AuditKind::Admitted => "admitted",
            AuditKind::Refused => "refused",
            AuditKind::JoinRefused => "join_refused",
            AuditKind::Muted => "muted",
            AuditKind::ShareStopped => "share_stopped",
            AuditKind::Removed => "removed",
            AuditKind::RoleChanged => "role_changed",
            AuditKind::HandedOver => "handed_over",
            AuditKind::ModerationRefused => "moderation_refused",
            AuditKind::MeetingEnded => "meeting_ended",
            AuditKind::Joined => "joined",
            AuditKind::Left => "left",
            AuditKind::RoomMoved => "room_moved",
            AuditKind::MoveFailed => "move_failed",
            AuditKind::NodeLost => "node_lost",
            AuditKind::RecordingStarted => "recording_started",
            AuditKind::RecordingStopped => "recording_stopped",
            AuditKind::RecordingFailed => "recording_failed",
            AuditKind::RecordingRenamed => "recording_renamed",
            AuditKind::RecordingDeleted => "recording_deleted",
            AuditKind::RecordingExpired => "recording_expired",
            AuditKind::RecordingShared => "recording_shared",
            AuditKind::RecordingUnshared => "recording_unshared",
            AuditKind::RecordingComposed => "recording_composed",
            AuditKind::RecordingRead => "recording_read",
            AuditKind::RecordingDownloaded => "recording_downloaded",
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

    /// Entries about a room, latest first, and at most `limit`; only those before an entry where one
    /// is named.
    pub async fn audit(
        &self,
        room: RoomId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditLine>, Error> {
        let before = before.and_then(|id| i64::try_from(id).ok()).unwrap_or(i64::MAX);
        let rows =
            sqlx::query("SELECT * FROM audit WHERE room = ? AND id < ? ORDER BY id DESC LIMIT ?")
                .bind(room.0.cast_signed())
                .bind(before)
                .bind(limit.min(MAX_AUDIT_LINES))
                .fetch_all(&self.pool)
                .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(AuditLine {
                id: row.try_get::<i64, _>("id")?.cast_unsigned(),
                at_unix_ms: row.try_get::<i64, _>("at_unix_ms")?.cast_unsigned(),
                kind: row.try_get("kind")?,
                actor: row.try_get("actor")?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(read).collect()
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
