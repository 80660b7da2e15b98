//! What outlives a room: meetings, their links, their recordings, and the audit log, in SQL.
//!
//! Secrets come in as SHA-256 hashes and are found by them; nothing here can be turned back into
//! a link.

mod access;
mod ask;
mod audit;
mod catalogue;
mod doom;
mod known;
mod parts;
mod pin;
mod purge;
mod reading;
mod recordings;
mod shares;
#[cfg(test)]
mod tests;

pub use access::Standings;
pub use ask::{Answer, ask, ask_catalogue};
pub use audit::{AuditEntry, AuditKind};
pub use doom::Doomed;
pub use known::Present;
pub use purge::ROWS_AT_ONCE;
pub use reading::Found;
pub use recordings::{Kept, LiveRecording, NewRecording};

use lectern_control::access::Access;
use lectern_control::edge::{LinkInfo, Meeting};
use lectern_control::limits::MAX_NAME_BYTES;
use lectern_control::room::Role;
use lectern_control::{LinkId, RoomId, Secret};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row, SqliteConnection};
use std::path::Path;
use std::time::Duration;
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Links of one meeting that have not ended: one for each guest of a small conference; all of them stand in one answer.
pub const MAX_LINKS_PER_MEETING: usize = 256;
/// Meetings that have not ended: years of a big company's, and a few dozen megabytes. A flood of
/// meetings that nobody needs ends here, and not when the disk is full.
pub const MAX_LIVE_MEETINGS: u32 = 100_000;
/// The longest life of a meeting: a series within a year, and no link that is good for ever.
pub const MAX_MEETING_LIFETIME: Duration = Duration::from_secs(366 * 86_400);
/// Connections to a file: one writes at a time, others read meanwhile.
const CONNECTIONS: u32 = 4;
/// How long a call waits for a connection, and SQLite for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Why a record cannot be had or made.
#[derive(Debug, Error)]
pub enum Error {
    /// There is none, or the secret is another, or it has ended. Which of these is not said.
    #[error("not found, expired or revoked")]
    NotFound,
    /// Who asks may, but what it asks for is not there, or no longer.
    #[error("not there, or no longer")]
    Absent,
    /// Who asks may not do this.
    #[error("not permitted")]
    NotPermitted,
    /// A recorder that is needed cannot be told anything now.
    #[error("the recorder cannot be reached")]
    Unreachable,
    /// A named limit is reached.
    #[error("the limit on {0} is reached")]
    Limit(&'static str),
    /// Something cannot be stored.
    #[error("cannot be stored: {0}")]
    Invalid(&'static str),
    /// The database cannot be reached, or fails.
    #[error("the records are unavailable: {0}")]
    Unavailable(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Error::Unavailable(error.to_string())
    }
}

/// A meeting to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMeeting {
    /// Its room: random.
    pub room: RoomId,
    /// Its name.
    pub name: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_unix_ms: u64,
    /// The owner's secret.
    pub owner_key_hash: Hash,
    /// With a lobby.
    pub lobby: bool,
    /// With a PIN.
    pub pin: Option<Secret<String>>,
    /// How long its recordings are kept, in days.
    pub keep_recordings_days: Option<u32>,
}

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// Its id: random.
    pub id: LinkId,
    /// The meeting's room.
    pub room: RoomId,
    /// The owner's secret.
    pub owner_key_hash: Hash,
    /// What its holder may be.
    pub role: Role,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_unix_ms: u64,
    /// The link's secret.
    pub secret_hash: Hash,
}

/// The records; cheap to clone.
#[derive(Debug, Clone)]
pub struct Records {
    pool: SqlitePool,
    /// How long recordings are kept, in days.
    keep_days: Option<u32>,
}

impl Records {
    /// Opens the records in a file, or in memory, and brings them up to date.
    pub async fn open(file: Option<&Path>) -> Result<Records, Error> {
        let options = match file {
            Some(file) => SqliteConnectOptions::new().filename(file).create_if_missing(true),
            None => SqliteConnectOptions::new().in_memory(true),
        };
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is deleted is overwritten: a copy of the file does not tell it.
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY_TIMEOUT);
        // What is in memory is gone with its connection: there is one, and it is never closed.
        let connections = if file.is_some() { CONNECTIONS } else { 1 };
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        sqlx::migrate!("migrations/records")
            .run(&pool)
            .await
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Records { pool, keep_days: None })
    }

    /// The same records, with recordings kept for so many days and no longer.
    pub fn keeping(self, keep_days: Option<u32>) -> Records {
        Records { keep_days, ..self }
    }

    /// Makes a meeting.
    pub async fn create_meeting(
        &self,
        now_unix_ms: u64,
        meeting: NewMeeting,
    ) -> Result<Meeting, Error> {
        if meeting.name.len() > MAX_NAME_BYTES {
            return Err(Error::Limit("the length of a name"));
        }
        check_expiry(now_unix_ms, meeting.expires_at_unix_ms)?;
        let pin_hash = match &meeting.pin {
            Some(pin) => Some(pin::hash(pin).await?),
            None => None,
        };
        let access = Access { locked: false, lobby: meeting.lobby, pin_set: pin_hash.is_some() };
        let made = sqlx::query(
            "INSERT INTO meetings SELECT ?1, ?2, ?3, ?4, ?5, 0, ?7, ?8, ?9 \
             WHERE (SELECT count(*) FROM meetings WHERE expires_at_unix_ms > ?3) < ?6",
        )
        .bind(meeting.room.0.cast_signed())
        .bind(&meeting.name)
        .bind(now_unix_ms.cast_signed())
        .bind(meeting.expires_at_unix_ms.cast_signed())
        .bind(&meeting.owner_key_hash[..])
        .bind(MAX_LIVE_MEETINGS)
        .bind(meeting.lobby)
        .bind(pin_hash)
        .bind(meeting.keep_recordings_days)
        .execute(&self.pool)
        .await?;
        if made.rows_affected() == 0 {
            return Err(Error::Limit("meetings"));
        }
        Ok(Meeting {
            room: meeting.room,
            name: meeting.name,
            created_at_unix_ms: now_unix_ms,
            expires_at_unix_ms: meeting.expires_at_unix_ms,
            links: Vec::new(),
            access,
        })
    }

    /// A meeting that has not ended, for its room.
    pub async fn meeting(&self, now_unix_ms: u64, room: RoomId) -> Result<Meeting, Error> {
        let mut tx = self.pool.begin().await?;
        Ok(meeting(&mut tx, now_unix_ms, room).await?.0)
    }

    /// A meeting that has not ended, for its owner.
    pub async fn owned_meeting(
        &self,
        now_unix_ms: u64,
        room: RoomId,
        owner_key_hash: &Hash,
    ) -> Result<Meeting, Error> {
        let mut tx = self.pool.begin().await?;
        owned(&mut tx, now_unix_ms, room, owner_key_hash).await
    }

    /// Adds a link to a meeting.
    pub async fn create_link(&self, now_unix_ms: u64, link: NewLink) -> Result<LinkInfo, Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let meeting = owned(&mut tx, now_unix_ms, link.room, &link.owner_key_hash).await?;
        check_expiry(now_unix_ms, link.expires_at_unix_ms)?;
        if link.expires_at_unix_ms > meeting.expires_at_unix_ms {
            return Err(Error::Invalid("a link ends no later than its meeting"));
        }
        let ended = |link: &LinkInfo| link.revoked || link.expires_at_unix_ms <= now_unix_ms;
        if meeting.links.len() >= MAX_LINKS_PER_MEETING {
            if !meeting.links.iter().any(ended) {
                return Err(Error::Limit("links of a meeting"));
            }
            forget_ended_links(&mut tx, now_unix_ms, link.room).await?;
        }
        let added = sqlx::query(
            "INSERT INTO links VALUES (?, ?, ?, ?, NULL, ?) ON CONFLICT (secret_hash) DO NOTHING",
        )
        .bind(link.id.0.cast_signed())
        .bind(link.room.0.cast_signed())
        .bind(role_text(link.role))
        .bind(link.expires_at_unix_ms.cast_signed())
        .bind(&link.secret_hash[..])
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(Error::Invalid("a link's secret is used once"));
        }
        tx.commit().await?;
        Ok(LinkInfo {
            id: link.id,
            role: link.role,
            expires_at_unix_ms: link.expires_at_unix_ms,
            revoked: false,
        })
    }

    /// Ends a link for good. Ending it twice is not an error.
    pub async fn revoke_link(
        &self,
        now_unix_ms: u64,
        room: RoomId,
        owner_key_hash: &Hash,
        link: LinkId,
    ) -> Result<(), Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        owned(&mut tx, now_unix_ms, room, owner_key_hash).await?;
        let ended = sqlx::query(
            "UPDATE links SET revoked_at_unix_ms = coalesce(revoked_at_unix_ms, ?) \
             WHERE id = ? AND room = ?",
        )
        .bind(now_unix_ms.cast_signed())
        .bind(link.0.cast_signed())
        .bind(room.0.cast_signed())
        .execute(&mut *tx)
        .await?;
        if ended.rows_affected() == 0 {
            return Err(Error::NotFound);
        }
        tx.commit().await?;
        Ok(())
    }

    /// What a link gives, and the meeting without its other links: they are its owner's to see.
    pub async fn resolve_link(
        &self,
        now_unix_ms: u64,
        secret_hash: &Hash,
    ) -> Result<(LinkInfo, Meeting), Error> {
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query("SELECT * FROM links WHERE secret_hash = ?")
            .bind(&secret_hash[..])
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(Error::NotFound)?;
        if !same(&row, "secret_hash", secret_hash)? {
            return Err(Error::NotFound);
        }
        let link = link(&row)?;
        if !link.is_good(now_unix_ms) {
            return Err(Error::NotFound);
        }
        let room = RoomId(row.try_get::<i64, _>("room")?.cast_unsigned());
        let (mut meeting, _) = meeting(&mut tx, now_unix_ms, room).await?;
        meeting.links.clear();
        Ok((link, meeting))
    }

    /// Closes the database after what is under way.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Links that have ended are shown to their owner until others need the room in the answer.
async fn forget_ended_links(
    tx: &mut SqliteConnection,
    now_unix_ms: u64,
    room: RoomId,
) -> Result<(), Error> {
    let ended = "DELETE FROM links WHERE room = ? \
                 AND (revoked_at_unix_ms IS NOT NULL OR expires_at_unix_ms <= ?)";
    sqlx::query(ended)
        .bind(room.0.cast_signed())
        .bind(now_unix_ms.cast_signed())
        .execute(tx)
        .await?;
    Ok(())
}

fn check_expiry(now_unix_ms: u64, expires_at_unix_ms: u64) -> Result<(), Error> {
    if expires_at_unix_ms <= now_unix_ms {
        return Err(Error::Invalid("it would have ended already"));
    }
    let lifetime = Duration::from_millis(expires_at_unix_ms - now_unix_ms);
    if lifetime > MAX_MEETING_LIFETIME {
        return Err(Error::Invalid("it would last longer than a year"));
    }
    Ok(())
}

/// A meeting with its links, and the row it stands in.
async fn meeting(
    tx: &mut SqliteConnection,
    now_unix_ms: u64,
    room: RoomId,
) -> Result<(Meeting, SqliteRow), Error> {
    let row = sqlx::query("SELECT * FROM meetings WHERE room = ? AND expires_at_unix_ms > ?")
        .bind(room.0.cast_signed())
        .bind(now_unix_ms.cast_signed())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound)?;
    let links = sqlx::query("SELECT * FROM links WHERE room = ? ORDER BY expires_at_unix_ms, id")
        .bind(room.0.cast_signed())
        .fetch_all(&mut *tx)
        .await?;
    let meeting = Meeting {
        room,
        access: access::access(&row)?,
        name: row.try_get("name")?,
        created_at_unix_ms: row.try_get::<i64, _>("created_at_unix_ms")?.cast_unsigned(),
        expires_at_unix_ms: row.try_get::<i64, _>("expires_at_unix_ms")?.cast_unsigned(),
        links: links.iter().map(link).collect::<Result<_, _>>()?,
    };
    Ok((meeting, row))
}

/// A meeting for its owner. Whether the room or the key is wrong takes the same look at the disk.
async fn owned(
    tx: &mut SqliteConnection,
    now_unix_ms: u64,
    room: RoomId,
    owner_key_hash: &Hash,
) -> Result<Meeting, Error> {
    let row = sqlx::query(
        "SELECT owner_key_hash FROM meetings WHERE room = ? AND expires_at_unix_ms > ?",
    )
    .bind(room.0.cast_signed())
    .bind(now_unix_ms.cast_signed())
    .fetch_optional(&mut *tx)
    .await?;
    let stored = match &row {
        Some(row) => row.try_get("owner_key_hash")?,
        // No key has this hash.
        None => vec![0; owner_key_hash.len()],
    };
    let same: bool = stored.ct_eq(owner_key_hash).into();
    if same { Ok(meeting(tx, now_unix_ms, room).await?.0) } else { Err(Error::NotFound) }
}

/// A link, by its id.
async fn link_of(tx: &mut SqliteConnection, id: LinkId) -> Result<Option<LinkInfo>, Error> {
    let row = sqlx::query("SELECT * FROM links WHERE id = ?")
        .bind(id.0.cast_signed())
        .fetch_optional(tx)
        .await?;
    Ok(row.as_ref().map(link).transpose()?)
}

/// Compares a stored hash in a time that does not depend on where they differ.
fn same(row: &SqliteRow, column: &str, hash: &Hash) -> Result<bool, sqlx::Error> {
    let stored: Vec<u8> = row.try_get(column)?;
    Ok(stored.ct_eq(hash).into())
}

fn link(row: &SqliteRow) -> Result<LinkInfo, sqlx::Error> {
    Ok(LinkInfo {
        id: LinkId(row.try_get::<i64, _>("id")?.cast_unsigned()),
        role: role(row.try_get("role")?)?,
        expires_at_unix_ms: row.try_get::<i64, _>("expires_at_unix_ms")?.cast_unsigned(),
        revoked: row.try_get::<Option<i64>, _>("revoked_at_unix_ms")?.is_some(),
    })
}

fn role_text(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Presenter => "presenter",
        Role::Owner => "owner",
    }
}

fn role(text: &str) -> Result<Role, sqlx::Error> {
    match text {
        "viewer" => Ok(Role::Viewer),
        "presenter" => Ok(Role::Presenter),
        "owner" => Ok(Role::Owner),
        _ => Err(sqlx::Error::Decode(format!("an unknown role {text:?}").into())),
    }
}
