//! Who owns what, agreed on by all controllers: a key-value store with the semantics of etcd.
//!
//! Revisioned keys, compare-and-swap transactions, leases, watches. One trait; [`sqlite`] holds it
//! for one process, and the conformance suite says what any other must do as well.

#[cfg(test)]
mod conformance;
mod leases;
pub mod sqlite;

pub use sqlite::SqliteStore;

use lectern_control::Revision;
use std::collections::BTreeSet;
use std::time::Duration;
use thiserror::Error;

/// The longest key: keys are short paths, and stand in an index.
pub const MAX_KEY_BYTES: usize = 1 << 10;
/// The longest value: etcd refuses requests over 1.5 MB.
pub const MAX_VALUE_BYTES: usize = 1 << 20;
/// Comparisons, and operations of either branch, in one transaction: etcd's own default.
pub const MAX_TRANSACTION_OPS: usize = 128;
/// Revisions that can still be watched from; older ones are compacted. A watcher that is further
/// behind reads everything anew, which costs more the more keys there are.
pub const MAX_LOG_REVISIONS: u64 = 10_000;
/// The shortest time to live of a lease; a shorter one would end between two keep-alives.
pub const MIN_LEASE_TTL: Duration = Duration::from_secs(1);

/// A lease: keys attached to it are deleted when it is revoked or expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u64);

/// A key with its value and history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
    /// The revision at which the key came into being; another one after it was deleted.
    pub create_revision: Revision,
    /// The revision of the latest change.
    pub mod_revision: Revision,
    /// The lease it is attached to.
    pub lease: Option<LeaseId>,
}

/// Keys in their order, as of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The store's revision: a watch from the next one misses nothing.
    pub revision: Revision,
    /// The keys.
    pub entries: Vec<Entry>,
    /// There are more than were asked for.
    pub more: bool,
}

/// What of a key is compared. A key that does not exist has revisions 0 and no lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Its create revision.
    CreateRevision(Revision),
    /// Its latest revision.
    ModRevision(Revision),
    /// Its lease.
    Lease(Option<LeaseId>),
    /// Its value; no relation holds where the key does not exist.
    Value(Vec<u8>),
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Is the same.
    Equal,
    /// Is another.
    NotEqual,
    /// The key's is greater.
    Greater,
    /// The key's is less.
    Less,
}

/// One condition of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// The key.
    pub key: Vec<u8>,
    /// The relation of the key's to the target's.
    pub relation: Relation,
    /// With what it is compared.
    pub target: Target,
}

/// One operation of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Sets a key, and attaches it to the lease, or to none.
    Put {
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
        /// The lease.
        lease: Option<LeaseId>,
    },
    /// Deletes a key, if there is one.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
    /// Reads a key, as the operations before it left it.
    Get {
        /// The key.
        key: Vec<u8>,
    },
}

/// All or nothing: where every comparison holds, one list of operations, else the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Conditions.
    pub compare: Vec<Compare>,
    /// Done where all hold.
    pub success: Vec<Op>,
    /// Done where one does not.
    pub failure: Vec<Op>,
}

/// What an operation answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpResult {
    /// The key was set.
    Put,
    /// How many keys were deleted.
    Deleted(usize),
    /// What was read.
    Got(Option<Entry>),
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// All comparisons held.
    pub succeeded: bool,
    /// The store's revision afterwards; the one of its changes where there were any.
    pub revision: Revision,
    /// Answers, one for each operation.
    pub results: Vec<OpResult>,
}

/// A change, as a watch tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A key was set.
    Put(Entry),
    /// A key was deleted, by an operation or with its lease.
    Deleted {
        /// The key.
        key: Vec<u8>,
        /// The revision of the deletion.
        revision: Revision,
    },
}

impl Event {
    /// The revision of the change.
    pub fn revision(&self) -> Revision {
        match self {
            Event::Put(entry) => entry.mod_revision,
            Event::Deleted { revision, .. } => *revision,
        }
    }
}

/// Why the store did not do as asked.
#[derive(Debug, Error)]
pub enum Error {
    /// No such lease: it has expired or was revoked.
    #[error("no such lease")]
    LeaseNotFound,
    /// The revision was compacted away.
    #[error("revisions before {} are compacted", .oldest.0)]
    Compacted {
        /// The oldest that can be watched from.
        oldest: Revision,
    },
    /// A transaction writes a key twice.
    #[error("a transaction writes a key twice")]
    DuplicateKey,
    /// A named limit is exceeded.
    #[error("over the limit on {0}")]
    Limit(&'static str),
    /// The store cannot be reached, or fails.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Error::Unavailable(error.to_string())
    }
}

/// A store that controllers agree by.
///
/// Every change has a revision, one higher than the change before it; all operations of one
/// transaction, and all keys of one lease, change under the same revision.
pub trait Coordination: Clone + Send + Sync + 'static {
    /// How changes are followed.
    type Watch: Watch;

    /// A lease that lives for `ttl` after each keep-alive.
    fn grant(&self, ttl: Duration) -> impl Future<Output = Result<LeaseId, Error>> + Send;

    /// Lets a lease live for its whole time again.
    fn keep_alive(&self, lease: LeaseId) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends a lease, and deletes its keys.
    fn revoke(&self, lease: LeaseId) -> impl Future<Output = Result<(), Error>> + Send;

    /// The first `limit` keys that begin with `prefix`.
    fn range(
        &self,
        prefix: &[u8],
        limit: usize,
    ) -> impl Future<Output = Result<Range, Error>> + Send;

    /// Compares and swaps.
    fn transact(
        &self,
        transaction: Transaction,
    ) -> impl Future<Output = Result<Outcome, Error>> + Send;

    /// Every change of keys that begin with `prefix`, from the revision `from` on, in order.
    fn watch(
        &self,
        prefix: &[u8],
        from: Revision,
    ) -> impl Future<Output = Result<Self::Watch, Error>> + Send;

    /// One key.
    fn get(&self, key: &[u8]) -> impl Future<Output = Result<Option<Entry>, Error>> + Send {
        async move {
            match self.one(Op::Get { key: key.to_vec() }).await? {
                (OpResult::Got(entry), _) => Ok(entry),
                _ => Err(Error::Unavailable("a read was not answered".to_owned())),
            }
        }
    }

    /// Sets one key.
    fn put(
        &self,
        key: &[u8],
        value: &[u8],
        lease: Option<LeaseId>,
    ) -> impl Future<Output = Result<Revision, Error>> + Send {
        async move {
            let put = Op::Put { key: key.to_vec(), value: value.to_vec(), lease };
            Ok(self.one(put).await?.1)
        }
    }

    /// Deletes one key; the number of keys deleted.
    fn delete(&self, key: &[u8]) -> impl Future<Output = Result<usize, Error>> + Send {
        async move {
            match self.one(Op::Delete { key: key.to_vec() }).await? {
                (OpResult::Deleted(count), _) => Ok(count),
                _ => Err(Error::Unavailable("a deletion was not answered".to_owned())),
            }
        }
    }

    /// One operation without a condition: its answer, and the store's revision.
    fn one(&self, op: Op) -> impl Future<Output = Result<(OpResult, Revision), Error>> + Send {
        async move {
            let transaction = Transaction { success: vec![op], ..Transaction::default() };
            let mut outcome = self.transact(transaction).await?;
            let unanswered = || Error::Unavailable("an operation was not answered".to_owned());
            Ok((outcome.results.pop().ok_or_else(unanswered)?, outcome.revision))
        }
    }
}

/// Follows changes in order. One that was not read for too long ends with [`Error::Compacted`].
pub trait Watch: Send {
    /// The next changes, at least one; waits for them.
    fn next(&mut self) -> impl Future<Output = Result<Vec<Event>, Error>> + Send;
}

impl Transaction {
    /// Checks the limits, and that no key is written twice.
    fn check(&self) -> Result<(), Error> {
        let counts = [self.compare.len(), self.success.len(), self.failure.len()];
        if counts.into_iter().any(|count| count > MAX_TRANSACTION_OPS) {
            return Err(Error::Limit("operations of a transaction"));
        }
        if self.compare.iter().any(|compare| compare.key.len() > MAX_KEY_BYTES) {
            return Err(Error::Limit("the length of a key"));
        }
        for branch in [&self.success, &self.failure] {
            let mut written = BTreeSet::new();
            for op in branch {
                let (key, value, writes) = match op {
                    Op::Put { key, value, .. } => (key, value.as_slice(), true),
                    Op::Delete { key } => (key, &[][..], true),
                    Op::Get { key } => (key, &[][..], false),
                };
                if key.len() > MAX_KEY_BYTES {
                    return Err(Error::Limit("the length of a key"));
                }
                if value.len() > MAX_VALUE_BYTES {
                    return Err(Error::Limit("the length of a value"));
                }
                if writes && !written.insert(key) {
                    return Err(Error::DuplicateKey);
                }
            }
        }
        Ok(())
    }
}

impl Compare {
    /// Whether it holds for the key as it is.
    fn holds(&self, entry: Option<&Entry>) -> bool {
        let create = entry.map_or(Revision(0), |entry| entry.create_revision);
        let latest = entry.map_or(Revision(0), |entry| entry.mod_revision);
        let lease = entry.and_then(|entry| entry.lease);
        let order = match &self.target {
            Target::CreateRevision(wanted) => create.cmp(wanted),
            Target::ModRevision(wanted) => latest.cmp(wanted),
            Target::Lease(wanted) => lease.cmp(wanted),
            Target::Value(wanted) => match entry {
                Some(entry) => entry.value.cmp(wanted),
                None => return false,
            },
        };
        match self.relation {
            Relation::Equal => order.is_eq(),
            Relation::NotEqual => order.is_ne(),
            Relation::Greater => order.is_gt(),
            Relation::Less => order.is_lt(),
        }
    }
}
