//! Links by which recordings are shared. Of their secrets only the SHA-256 is kept.

use super::{Error, Hash, same};
use lectern_control::recording::{MAX_SHARES, Share};
use lectern_control::{RecordingId, ShareId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewShare {
    /// Its id: random.
    pub(super) id: ShareId,
    /// The recording.
    pub(super) recording: RecordingId,
    /// Its secret.
    pub(super) secret_hash: Hash,
    /// When it ends, in milliseconds since 1970.
    pub(super) expires_at_unix_ms: u64,
    /// It may be downloaded as well.
    pub(super) download: bool,
}

/// Makes a link.
pub(super) async fn add(
    tx: &mut SqliteConnection,
    now_unix_ms: u64,
    new: NewShare,
) -> Result<Share, Error> {
    let NewShare { id, recording, secret_hash, expires_at_unix_ms, download } = new;
    if expires_at_unix_ms <= now_unix_ms {
        return Err(Error::Invalid("it would have ended already"));
    }
    // What cannot be stored is as good as for ever.
    let expires = i64::try_from(expires_at_unix_ms).unwrap_or(i64::MAX);
    if shares(tx, now_unix_ms, recording).await?.len() >= MAX_SHARES {
        return Err(Error::Limit("links to a recording"));
    }
    let added = sqlx::query(
        "INSERT INTO shares VALUES (?, ?, ?, ?, ?) ON CONFLICT (secret_hash) DO NOTHING",
    )
    .bind(id.0.cast_signed())
    .bind(recording.0.cast_signed())
    .bind(&secret_hash[..])
    .bind(expires)
    .bind(download)
    .execute(tx)
    .await?;
    if added.rows_affected() == 0 {
        return Err(Error::Invalid("a link's secret is used once"));
    }
    Ok(Share { id, expires_at_unix_ms: expires.cast_unsigned(), download })
}

/// Ends a link.
pub(super) async fn remove(
    tx: &mut SqliteConnection,
    recording: RecordingId,
    share: ShareId,
) -> Result<(), Error> {
    let ended = sqlx::query("DELETE FROM shares WHERE id = ? AND recording = ?")
        .bind(share.0.cast_signed())
        .bind(recording.0.cast_signed())
        .execute(tx)
        .await?;
    if ended.rows_affected() == 0 { Err(Error::Absent) } else { Ok(()) }
}

/// The links of a recording that have not ended.
pub(super) async fn shares(
    tx: &mut SqliteConnection,
    now_unix_ms: u64,
    recording: RecordingId,
) -> Result<Vec<Share>, Error> {
    let query = "SELECT id, expires_at_unix_ms, download FROM shares \
                 WHERE recording = ? AND expires_at_unix_ms > ? ORDER BY expires_at_unix_ms, id";
    let rows = sqlx::query(query)
        .bind(recording.0.cast_signed())
        .bind(now_unix_ms.cast_signed())
        .fetch_all(tx)
        .await?;
    rows.iter().map(|row| Ok(share(row)?)).collect()
}

/// The link of a secret, and what it leads to, while it is good.
pub(super) async fn of_secret(
    tx: &mut SqliteConnection,
    now_unix_ms: u64,
    secret_hash: &Hash,
) -> Result<(RecordingId, Share), Error> {
    let row = sqlx::query("SELECT * FROM shares WHERE secret_hash = ?")
        .bind(&secret_hash[..])
        .fetch_optional(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let share = share(&row)?;
    if !same(&row, "secret_hash", secret_hash)? || share.expires_at_unix_ms <= now_unix_ms {
        return Err(Error::NotFound);
    }
    Ok((RecordingId(row.try_get::<i64, _>("recording")?.cast_unsigned()), share))
}

fn share(row: &SqliteRow) -> Result<Share, sqlx::Error> {
    Ok(Share {
        id: ShareId(row.try_get::<i64, _>("id")?.cast_unsigned()),
        expires_at_unix_ms: row.try_get::<i64, _>("expires_at_unix_ms")?.cast_unsigned(),
        download: row.try_get("download")?,
    })
}
