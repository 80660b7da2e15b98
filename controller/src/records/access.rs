//! How meetings receive people, and what was decided about them.

use super::{Error, Hash, Records, link_of, meeting, owned, pin, role, role_text};
use crate::standing::{MAX_STANDINGS, Out, Standing};
use lectern_control::access::{Access, AccessChange, PinChange};
use lectern_control::edge::Meeting;
use lectern_control::room::Role;
use lectern_control::{LinkId, RoomId, Secret};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Decisions about people, by identity.
pub type Standings = Vec<(String, Standing)>;

impl Records {
    /// Changes how a meeting receives people.
    pub async fn set_access(
        &self,
        now_unix_ms: u64,
        room: RoomId,
        change: &AccessChange,
    ) -> Result<Access, Error> {
        let hash = match &change.pin {
            PinChange::Set(pin) => Some(pin::hash(pin).await?),
            PinChange::Keep | PinChange::Clear => None,
        };
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        meeting(&mut tx, now_unix_ms, room).await?;
        let row = sqlx::query(
            "UPDATE meetings SET locked = coalesce(?, locked), lobby = coalesce(?, lobby), \
             pin_hash = CASE WHEN ? THEN pin_hash ELSE ? END WHERE room = ? \
             RETURNING locked, lobby, pin_hash",
        )
        .bind(change.locked)
        .bind(change.lobby)
        .bind(change.pin == PinChange::Keep)
        .bind(hash)
        .bind(room.0.cast_signed())
        .fetch_one(&mut *tx)
        .await?;
        let access = access(&row)?;
        tx.commit().await?;
        Ok(access)
    }

    /// Whether a key is the owner's, for what is done by owners outside the room.
    pub async fn check_owner(
        &self,
        now_unix_ms: u64,
        room: RoomId,
        owner_key_hash: &Hash,
    ) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        owned(&mut tx, now_unix_ms, room, owner_key_hash).await.map(|_| ())
    }

    /// The second step into a meeting: the link is still good, and the PIN, where one is asked for, is
    /// right. `Ok(None)` where it is not.
    pub async fn enter(
        &self,
        now_unix_ms: u64,
        room: RoomId,
        link: Option<LinkId>,
        pin: Option<&Secret<String>>,
    ) -> Result<Option<Meeting>, Error> {
        let mut tx = self.pool.begin().await?;
        let (mut meeting, row) = meeting(&mut tx, now_unix_ms, room).await?;
        meeting.links.clear();
        let Some(link) = link else { return Ok(Some(meeting)) };
        if !link_of(&mut tx, link).await?.is_some_and(|link| link.is_good(now_unix_ms)) {
            return Err(Error::NotFound);
        }
        drop(tx);
        let Some(hash) = row.try_get::<Option<String>, _>("pin_hash")? else {
            return Ok(Some(meeting));
        };
        let right = match pin {
            Some(pin) => pin::is_right(pin, &hash).await?,
            None => false,
        };
        Ok(right.then_some(meeting))
    }

    /// What was decided about people, latest first; who must stay out before all others.
    pub async fn standings(&self, room: RoomId) -> Result<Standings, Error> {
        let rows = sqlx::query(
            "SELECT identity, role, out, at_unix_ms FROM standings WHERE room = ? \
             ORDER BY coalesce(out, '') = 'removed' DESC, at_unix_ms DESC LIMIT ?",
        )
        .bind(room.0.cast_signed())
        .bind(i64::try_from(MAX_STANDINGS).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(standing).collect()
    }

    /// Keeps a decision about somebody, in place of an earlier one.
    pub async fn remember(
        &self,
        room: RoomId,
        identity: &str,
        standing: Standing,
    ) -> Result<(), Error> {
        // Of a meeting that was deleted meanwhile nothing needs to be kept.
        sqlx::query(
            "INSERT INTO standings SELECT ?1, ?2, ?3, ?4, ?5 \
             WHERE EXISTS (SELECT 1 FROM meetings WHERE room = ?1) \
             AND (?4 IS NOT 'ended' OR (SELECT count(*) FROM standings WHERE room = ?1) < ?6) \
             ON CONFLICT (room, identity) DO UPDATE SET role = excluded.role, out = excluded.out, \
             at_unix_ms = excluded.at_unix_ms \
             WHERE excluded.at_unix_ms >= standings.at_unix_ms",
        )
        .bind(room.0.cast_signed())
        .bind(identity)
        .bind(standing.role.map(role_text))
        .bind(standing.out.map(Out::text))
        .bind(standing.at_unix_ms.cast_signed())
        .bind(i64::try_from(MAX_STANDINGS).unwrap_or(i64::MAX))
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// How a meeting receives people, from its row.
pub(super) fn access(row: &SqliteRow) -> Result<Access, sqlx::Error> {
    Ok(Access {
        locked: row.try_get("locked")?,
        lobby: row.try_get("lobby")?,
        pin_set: row.try_get::<Option<String>, _>("pin_hash")?.is_some(),
    })
}

fn standing(row: &SqliteRow) -> Result<(String, Standing), Error> {
    let known: Option<Role> = row.try_get::<Option<&str>, _>("role")?.map(role).transpose()?;
    let standing = Standing {
        role: known,
        out: row.try_get::<Option<&str>, _>("out")?.and_then(Out::of_text),
        at_unix_ms: row.try_get::<i64, _>("at_unix_ms")?.cast_unsigned(),
    };
    Ok((row.try_get("identity")?, standing))
}
