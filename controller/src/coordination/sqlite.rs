//! The coordination store on SQLite: for one process, in a file or in memory.
//!
//! One task owns the connection and does one thing after the other, so every answer is
//! linearizable. Handles are cheap to clone; the task ends when the last one is gone.

mod writer;

use super::leases::Leases;
use super::{Coordination, Error, Event, LeaseId, Outcome, Range, Transaction, Watch};
use lectern_control::Revision;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Row};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot, watch};
use writer::Writer;

/// Calls that may wait for the store; more wait in front of it.
const QUEUED_CALLS: usize = 256;
/// Events of one page of a watch.
const WATCH_PAGE: usize = 512;
/// How long SQLite waits for a lock that a backup holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Reads the time; a test moves it.
#[derive(Clone)]
pub(super) struct Clock(pub(super) Arc<dyn Fn() -> Instant + Send + Sync>);

impl Clock {
    fn now(&self) -> Instant {
        (self.0)()
    }
}

/// Where a watch stands: behind this position of this revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cursor {
    revision: u64,
    position: i64,
}

impl Cursor {
    /// Before everything of a revision.
    fn before(revision: Revision) -> Cursor {
        Cursor { revision: revision.0, position: -1 }
    }

    /// Behind everything of a revision.
    fn behind(revision: Revision) -> Cursor {
        Cursor { revision: revision.0, position: i64::MAX }
    }

    /// The oldest revision of which something is still to be read.
    fn needs(self) -> u64 {
        if self.position == i64::MAX { self.revision + 1 } else { self.revision }
    }
}

/// One page of a watch.
struct Page {
    events: Vec<Event>,
    reached: Cursor,
}

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What the task is asked.
enum Call {
    Grant { ttl: Duration, reply: Reply<LeaseId> },
    KeepAlive { lease: LeaseId, reply: Reply<()> },
    Revoke { lease: LeaseId, reply: Reply<()> },
    Range { prefix: Vec<u8>, limit: usize, reply: Reply<Range> },
    Transact { transaction: Transaction, reply: Reply<Outcome> },
    Changes { prefix: Vec<u8>, cursor: Cursor, reply: Reply<Page> },
}

/// The store; a handle to the task that owns the connection.
#[derive(Clone)]
pub struct SqliteStore {
    calls: mpsc::Sender<Call>,
    changed: watch::Receiver<Revision>,
}

impl SqliteStore {
    /// Opens the store in a file, or in memory. A file belongs to one process at a time.
    pub async fn open(file: Option<&Path>) -> Result<SqliteStore, Error> {
        SqliteStore::open_with(file, Clock(Arc::new(Instant::now))).await
    }

    pub(super) async fn open_with(file: Option<&Path>, clock: Clock) -> Result<SqliteStore, Error> {
        // FULL: a revision given out must not come back after a power cut.
        let options = match file {
            Some(file) => SqliteConnectOptions::new().filename(file).create_if_missing(true),
            None => SqliteConnectOptions::new().in_memory(true),
        };
        let options = options
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let mut connection = options.connect().await?;
        // `run` would make this future one that no thread may take over (sqlx says so itself).
        sqlx::migrate!("migrations/coordination")
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        // A store that begins anew, beside nodes that do not, must not begin at revisions they
        // have seen: it begins at the milliseconds since 1970, which no store outruns.
        let floor = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let floor = i64::try_from(floor).unwrap_or(i64::MAX);
        sqlx::query("INSERT OR IGNORE INTO store VALUES (1, ?1, ?1 + 1, 0)")
            .bind(floor)
            .execute(&mut connection)
            .await?;
        let row = sqlx::query("SELECT revision, oldest, lease FROM store")
            .fetch_one(&mut connection)
            .await?;
        let mut leases = Leases::default();
        for lease in sqlx::query("SELECT id, ttl_ms FROM leases").fetch_all(&mut connection).await?
        {
            let id = LeaseId(lease.try_get::<i64, _>("id")?.cast_unsigned());
            let ttl = Duration::from_millis(lease.try_get::<i64, _>("ttl_ms")?.cast_unsigned());
            leases.insert(clock.now(), id, ttl);
        }
        let revision = Revision(row.try_get::<i64, _>("revision")?.cast_unsigned());
        let (notify, changed) = watch::channel(revision);
        let (calls, queue) = mpsc::channel(QUEUED_CALLS);
        let writer = Writer {
            connection,
            clock,
            leases,
            revision,
            oldest: Revision(row.try_get::<i64, _>("oldest")?.cast_unsigned()),
            latest_lease: row.try_get::<i64, _>("lease")?.cast_unsigned(),
            notify,
        };
        tokio::spawn(writer.run(queue));
        Ok(SqliteStore { calls, changed })
    }

    async fn ask<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Error> {
        let gone = || Error::Unavailable("the store has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.calls.send(call(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Coordination for SqliteStore {
    type Watch = SqliteWatch;

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, Error> {
        self.ask(|reply| Call::Grant { ttl, reply }).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), Error> {
        self.ask(|reply| Call::KeepAlive { lease, reply }).await
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), Error> {
        self.ask(|reply| Call::Revoke { lease, reply }).await
    }

    async fn range(&self, prefix: &[u8], limit: usize) -> Result<Range, Error> {
        let prefix = prefix.to_vec();
        self.ask(|reply| Call::Range { prefix, limit, reply }).await
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome, Error> {
        transaction.check()?;
        self.ask(|reply| Call::Transact { transaction, reply }).await
    }

    async fn watch(&self, prefix: &[u8], from: Revision) -> Result<SqliteWatch, Error> {
        Ok(SqliteWatch {
            store: self.clone(),
            prefix: prefix.to_vec(),
            cursor: Cursor::before(from),
        })
    }
}

/// Follows the changes of an SQLite store: asks for a page, and waits where there is none.
pub struct SqliteWatch {
    store: SqliteStore,
    prefix: Vec<u8>,
    cursor: Cursor,
}

impl Watch for SqliteWatch {
    async fn next(&mut self) -> Result<Vec<Event>, Error> {
        loop {
            self.store.changed.borrow_and_update();
            let (prefix, cursor) = (self.prefix.clone(), self.cursor);
            let page = self.store.ask(|reply| Call::Changes { prefix, cursor, reply }).await?;
            // A watch from a revision yet to come must not fall back behind it.
            self.cursor = self.cursor.max(page.reached);
            if !page.events.is_empty() {
                return Ok(page.events);
            }
            let gone = || Error::Unavailable("the store has stopped".to_owned());
            self.store.changed.changed().await.map_err(|_| gone())?;
        }
    }
}
