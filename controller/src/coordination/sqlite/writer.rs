//! The one writer: owns the connection, the revision and the leases' deadlines.

use super::{Call, Clock, Cursor, Page, WATCH_PAGE};
use crate::coordination::leases::Leases;
use crate::coordination::{
    Entry, Error, Event, LeaseId, MAX_LOG_REVISIONS, MIN_LEASE_TTL, Op, OpResult, Outcome, Range,
    Transaction,
};
use lectern_control::Revision;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How often leases are looked at when nobody asks anything.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
/// Revisions between two compactions of the log.
const COMPACT_EVERY: u64 = 256;

pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) clock: Clock,
    pub(super) leases: Leases,
    pub(super) revision: Revision,
    /// The oldest revision that can be watched from.
    pub(super) oldest: Revision,
    pub(super) latest_lease: u64,
    pub(super) notify: watch::Sender<Revision>,
}

impl Writer {
    pub(super) async fn run(mut self, mut calls: mpsc::Receiver<Call>) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                call = calls.recv() => match call {
                    Some(call) => self.answer(call).await,
                    None => break,
                },
                _ = sweep.tick() => {
                    if let Err(error) = self.expire().await {
                        tracing::warn!(%error, "cannot end expired leases; trying again");
                    }
                }
            }
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the coordination store was not closed cleanly");
        }
    }

    async fn answer(&mut self, call: Call) {
        // A dropped receiver has given up waiting; the change stands either way.
        match call {
            Call::Grant { ttl, reply } => drop(reply.send(self.grant(ttl).await)),
            Call::KeepAlive { lease, reply } => drop(reply.send(self.keep_alive(lease).await)),
            Call::Revoke { lease, reply } => drop(reply.send(self.revoke(lease).await)),
            Call::Range { prefix, limit, reply } => {
                drop(reply.send(self.range(prefix, limit).await));
            }
            Call::Transact { transaction, reply } => {
                drop(reply.send(self.transact(transaction).await));
            }
            Call::Changes { prefix, cursor, reply } => {
                drop(reply.send(self.changes(prefix, cursor).await));
            }
        }
    }

    async fn grant(&mut self, ttl: Duration) -> Result<LeaseId, Error> {
        let ttl = ttl.max(MIN_LEASE_TTL);
        let ttl_ms = i64::try_from(ttl.as_millis()).map_err(|_| Error::Limit("a lease's time"))?;
        let id = self.latest_lease + 1;
        let mut tx = self.connection.begin().await?;
        sqlx::query("UPDATE store SET lease = ?").bind(id.cast_signed()).execute(&mut *tx).await?;
        sqlx::query("INSERT INTO leases VALUES (?, ?)")
            .bind(id.cast_signed())
            .bind(ttl_ms)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.latest_lease = id;
        self.leases.insert(self.clock.now(), LeaseId(id), ttl);
        Ok(LeaseId(id))
    }

    async fn keep_alive(&mut self, lease: LeaseId) -> Result<(), Error> {
        self.expire().await?;
        let alive = self.leases.keep_alive(self.clock.now(), lease);
        if alive { Ok(()) } else { Err(Error::LeaseNotFound) }
    }

    async fn revoke(&mut self, lease: LeaseId) -> Result<(), Error> {
        self.expire().await?;
        if !self.leases.contains(lease) {
            return Err(Error::LeaseNotFound);
        }
        self.end_lease(lease).await
    }

    async fn expire(&mut self) -> Result<(), Error> {
        for lease in self.leases.expired(self.clock.now()) {
            self.end_lease(lease).await?;
        }
        Ok(())
    }

    /// Deletes a lease and its keys, under one revision.
    async fn end_lease(&mut self, lease: LeaseId) -> Result<(), Error> {
        let id = lease.0.cast_signed();
        let mut tx = self.connection.begin().await?;
        let mut change = Change::after(self.revision);
        let rows = sqlx::query("SELECT key FROM keys WHERE lease = ? ORDER BY key")
            .bind(id)
            .fetch_all(&mut *tx)
            .await?;
        for row in rows {
            change.delete(&mut tx, row.try_get("key")?).await?;
        }
        sqlx::query("DELETE FROM leases WHERE id = ?").bind(id).execute(&mut *tx).await?;
        let oldest = change.finish(&mut tx).await?;
        tx.commit().await?;
        self.leases.remove(lease);
        self.committed(&change, oldest);
        Ok(())
    }

    async fn range(&mut self, prefix: Vec<u8>, limit: usize) -> Result<Range, Error> {
        self.expire().await?;
        let end = prefix_end(&prefix);
        let rows = sqlx::query(
            "SELECT * FROM keys WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key LIMIT ?3",
        )
        .bind(prefix)
        .bind(end)
        .bind(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX))
        .fetch_all(&mut self.connection)
        .await?;
        let mut entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok(Range { revision: self.revision, entries, more })
    }

    async fn transact(&mut self, transaction: Transaction) -> Result<Outcome, Error> {
        self.expire().await?;
        let mut tx = self.connection.begin().await?;
        let mut succeeded = true;
        for compare in &transaction.compare {
            let entry = read(&mut tx, &compare.key).await?;
            succeeded &= compare.holds(entry.as_ref());
        }
        let ops = if succeeded { transaction.success } else { transaction.failure };
        let mut change = Change::after(self.revision);
        let mut results = Vec::with_capacity(ops.len());
        for op in ops {
            results.push(match op {
                Op::Put { lease: Some(lease), .. } if !self.leases.contains(lease) => {
                    return Err(Error::LeaseNotFound);
                }
                Op::Put { key, value, lease } => {
                    change.put(&mut tx, key, value, lease).await?;
                    OpResult::Put
                }
                Op::Delete { key } => {
                    let exists = read(&mut tx, &key).await?.is_some();
                    if exists {
                        change.delete(&mut tx, key).await?;
                    }
                    OpResult::Deleted(usize::from(exists))
                }
                Op::Get { key } => OpResult::Got(read(&mut tx, &key).await?),
            });
        }
        let oldest = change.finish(&mut tx).await?;
        tx.commit().await?;
        self.committed(&change, oldest);
        Ok(Outcome { succeeded, revision: self.revision, results })
    }

    fn committed(&mut self, change: &Change, oldest: Option<Revision>) {
        if let Some(oldest) = oldest {
            self.oldest = self.oldest.max(oldest);
        }
        if change.position > 0 {
            self.revision = change.revision;
            self.notify.send_replace(self.revision);
        }
    }

    async fn changes(&mut self, prefix: Vec<u8>, cursor: Cursor) -> Result<Page, Error> {
        self.expire().await?;
        if cursor.needs() < self.oldest.0 {
            return Err(Error::Compacted { oldest: self.oldest });
        }
        let end = prefix_end(&prefix);
        let rows = sqlx::query(
            "SELECT * FROM log WHERE (revision, position) > (?1, ?2) \
             AND key >= ?3 AND (?4 IS NULL OR key < ?4) ORDER BY revision, position LIMIT ?5",
        )
        .bind(cursor.revision.cast_signed())
        .bind(cursor.position)
        .bind(prefix)
        .bind(end)
        .bind(WATCH_PAGE as i64)
        .fetch_all(&mut self.connection)
        .await?;
        let mut reached = Cursor::behind(self.revision);
        if rows.len() == WATCH_PAGE
            && let Some(last) = rows.last()
        {
            let revision = last.try_get::<i64, _>("revision")?.cast_unsigned();
            reached = Cursor { revision, position: last.try_get("position")? };
        }
        let events = rows.iter().map(event).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { events, reached })
    }
}

/// The changes of one transaction, under one revision.
struct Change {
    revision: Revision,
    /// Changes so far.
    position: i64,
}

impl Change {
    fn after(revision: Revision) -> Change {
        Change { revision: Revision(revision.0 + 1), position: 0 }
    }

    async fn put(
        &mut self,
        tx: &mut SqliteConnection,
        key: Vec<u8>,
        value: Vec<u8>,
        lease: Option<LeaseId>,
    ) -> Result<(), sqlx::Error> {
        let lease = lease.map(|lease| lease.0.cast_signed());
        let row = sqlx::query(
            "INSERT INTO keys VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT (key) DO UPDATE \
             SET value = ?2, mod_revision = ?3, lease = ?4 RETURNING create_revision",
        )
        .bind(&key)
        .bind(&value)
        .bind(self.revision.0.cast_signed())
        .bind(lease)
        .fetch_one(&mut *tx)
        .await?;
        self.note(tx, key, Some(value), row.try_get("create_revision")?, lease).await
    }

    async fn delete(&mut self, tx: &mut SqliteConnection, key: Vec<u8>) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM keys WHERE key = ?").bind(&key).execute(&mut *tx).await?;
        self.note(tx, key, None, 0, None).await
    }

    async fn note(
        &mut self,
        tx: &mut SqliteConnection,
        key: Vec<u8>,
        value: Option<Vec<u8>>,
        create_revision: i64,
        lease: Option<i64>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)")
            .bind(self.revision.0.cast_signed())
            .bind(self.position)
            .bind(key)
            .bind(value)
            .bind(create_revision)
            .bind(lease)
            .execute(&mut *tx)
            .await?;
        self.position += 1;
        Ok(())
    }

    /// Writes the revision, and now and then compacts the log: the oldest revision left.
    async fn finish(&self, tx: &mut SqliteConnection) -> Result<Option<Revision>, sqlx::Error> {
        if self.position == 0 {
            return Ok(None);
        }
        let revision = self.revision.0;
        sqlx::query("UPDATE store SET revision = ?")
            .bind(revision.cast_signed())
            .execute(&mut *tx)
            .await?;
        if !revision.is_multiple_of(COMPACT_EVERY) {
            return Ok(None);
        }
        let oldest = (revision + 1).saturating_sub(MAX_LOG_REVISIONS);
        sqlx::query("DELETE FROM log WHERE revision < ?")
            .bind(oldest.cast_signed())
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE store SET oldest = max(oldest, ?)")
            .bind(oldest.cast_signed())
            .execute(&mut *tx)
            .await?;
        Ok(Some(Revision(oldest)))
    }
}

/// The first key behind all keys that begin with `prefix`; `None` where there is no end.
fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

async fn read(tx: &mut SqliteConnection, key: &[u8]) -> Result<Option<Entry>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM keys WHERE key = ?").bind(key.to_vec());
    row.fetch_optional(tx).await?.as_ref().map(entry).transpose()
}

fn entry(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
    Ok(Entry {
        key: row.try_get("key")?,
        value: row.try_get("value")?,
        create_revision: Revision(row.try_get::<i64, _>("create_revision")?.cast_unsigned()),
        mod_revision: Revision(row.try_get::<i64, _>("mod_revision")?.cast_unsigned()),
        lease: lease(row)?,
    })
}

fn lease(row: &SqliteRow) -> Result<Option<LeaseId>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>("lease")?.map(|lease| LeaseId(lease.cast_unsigned())))
}

fn event(row: &SqliteRow) -> Result<Event, sqlx::Error> {
    let revision = Revision(row.try_get::<i64, _>("revision")?.cast_unsigned());
    let key = row.try_get("key")?;
    let Some(value) = row.try_get("value")? else { return Ok(Event::Deleted { key, revision }) };
    Ok(Event::Put(Entry {
        key,
        value,
        create_revision: Revision(row.try_get::<i64, _>("create_revision")?.cast_unsigned()),
        mod_revision: revision,
        lease: lease(row)?,
    }))
}
