//! What every store must do, written against the trait, and run for each implementation.
//!
//! A bench brings an empty store and lets time pass for it: by moving a clock, or by waiting.

use super::sqlite::Clock;
use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// An implementation under test.
trait Bench {
    type Store: Coordination;
    async fn open(&self) -> Self::Store;
    async fn pass(&self, time: Duration);
}

#[derive(Default)]
struct Sqlite {
    passed_ms: Arc<AtomicU64>,
}

impl Sqlite {
    fn clock(&self) -> Clock {
        let (start, passed) = (Instant::now(), self.passed_ms.clone());
        Clock(Arc::new(move || start + Duration::from_millis(passed.load(Ordering::SeqCst))))
    }
}

impl Bench for Sqlite {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        SqliteStore::open_with(None, self.clock()).await.expect("an empty store")
    }

    async fn pass(&self, time: Duration) {
        self.passed_ms.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }
}

fn compare(key: &str, relation: Relation, target: Target) -> Compare {
    Compare { key: key.into(), relation, target }
}

fn absent(key: &str) -> Compare {
    compare(key, Relation::Equal, Target::CreateRevision(Revision(0)))
}

fn put(key: &str, value: &str, lease: Option<LeaseId>) -> Op {
    Op::Put { key: key.into(), value: value.into(), lease }
}

fn next(revision: Revision) -> Revision {
    Revision(revision.0 + 1)
}

async fn every_change_has_its_own_revision(bench: impl Bench) {
    let store = bench.open().await;
    let start = store.range(b"", 10).await.expect("a range").revision;
    let first = store.put(b"a", b"1", None).await.expect("a put");
    let second = store.put(b"a", b"2", None).await.expect("a put");
    assert_eq!((first, second), (next(start), next(first)));
    let entry = store.get(b"a").await.expect("a read").expect("a key");
    assert_eq!((entry.create_revision, entry.mod_revision), (first, second));
    assert_eq!(entry.value, b"2");
    assert_eq!(store.delete(b"a").await.expect("a deletion"), 1);
    assert_eq!(store.delete(b"a").await.expect("a deletion"), 0, "nothing is left");
    assert_eq!(store.get(b"a").await.expect("a read"), None);
    let again = store.put(b"a", b"3", None).await.expect("a put");
    assert_eq!(again, Revision(second.0 + 2), "only what changed something counts");
    let entry = store.get(b"a").await.expect("a read").expect("a key");
    assert_eq!(entry.create_revision, again, "a key that was deleted begins anew");
}

async fn a_range_is_ordered_and_ends_with_its_prefix(bench: impl Bench) {
    let store = bench.open().await;
    for key in [&b"r/b"[..], b"r/a", b"q", b"s", b"r/\xff", b"r0"] {
        store.put(key, b"", None).await.expect("a put");
    }
    let range = store.range(b"r/", 10).await.expect("a range");
    let keys: Vec<&[u8]> = range.entries.iter().map(|entry| entry.key.as_slice()).collect();
    assert_eq!(keys, [&b"r/a"[..], b"r/b", b"r/\xff"]);
    assert!(!range.more);
    let range = store.range(b"r/", 2).await.expect("a range");
    assert_eq!((range.entries.len(), range.more), (2, true));
    assert_eq!(store.range(b"", 10).await.expect("a range").entries.len(), 6);
    store.put(b"\xff\xff", b"", None).await.expect("a put");
    assert_eq!(store.range(b"\xff", 10).await.expect("a range").entries.len(), 1);
}

async fn of_two_that_compare_and_swap_one_wins(bench: impl Bench) {
    let store = bench.open().await;
    let claim = |who: &str| Transaction {
        compare: vec![absent("room")],
        success: vec![put("room", who, None)],
        failure: vec![Op::Get { key: "room".into() }],
    };
    let (one, other) = tokio::join!(store.transact(claim("one")), store.transact(claim("other")));
    let (one, other) = (one.expect("an outcome"), other.expect("an outcome"));
    assert!(one.succeeded ^ other.succeeded);
    let (winner, loser) = if one.succeeded { (one, other) } else { (other, one) };
    assert_eq!(winner.results, [OpResult::Put]);
    let [OpResult::Got(Some(entry))] = loser.results.as_slice() else { panic!("the other's key") };
    assert_eq!(entry.create_revision, winner.revision);

    let swap = |seen| Transaction {
        compare: vec![compare("room", Relation::Equal, Target::ModRevision(seen))],
        success: vec![put("room", "next", None)],
        failure: vec![],
    };
    let swapped = store.transact(swap(winner.revision)).await.expect("an outcome");
    assert!(swapped.succeeded);
    let stale = store.transact(swap(winner.revision)).await.expect("an outcome");
    assert_eq!((stale.succeeded, stale.revision), (false, swapped.revision));
}

async fn every_relation_and_target_compares(bench: impl Bench) {
    let store = bench.open().await;
    let lease = store.grant(Duration::from_secs(60)).await.expect("a lease");
    let first = store.put(b"k", b"m", Some(lease)).await.expect("a put");
    let second = store.put(b"k", b"m", Some(lease)).await.expect("a put");
    let holds = [
        ("k", Relation::Equal, Target::CreateRevision(first)),
        ("k", Relation::NotEqual, Target::CreateRevision(second)),
        ("k", Relation::Greater, Target::ModRevision(first)),
        ("k", Relation::Less, Target::ModRevision(next(second))),
        ("k", Relation::Equal, Target::Lease(Some(lease))),
        ("k", Relation::NotEqual, Target::Lease(None)),
        ("k", Relation::Equal, Target::Value("m".into())),
        ("k", Relation::Greater, Target::Value("l".into())),
        ("k", Relation::Less, Target::Value("n".into())),
        ("none", Relation::Equal, Target::CreateRevision(Revision(0))),
        ("none", Relation::Equal, Target::Lease(None)),
    ];
    let fails = [
        ("k", Relation::Greater, Target::ModRevision(second)),
        ("k", Relation::Less, Target::CreateRevision(first)),
        ("none", Relation::Equal, Target::Value(Vec::new())),
        ("none", Relation::NotEqual, Target::Value("m".into())),
    ];
    let all = holds.into_iter().map(|case| (case, true)).chain(fails.map(|case| (case, false)));
    for ((key, relation, target), expected) in all {
        let condition = compare(key, relation, target);
        let transaction =
            Transaction { compare: vec![condition.clone()], ..Transaction::default() };
        let outcome = store.transact(transaction).await.expect("an outcome");
        assert_eq!(outcome.succeeded, expected, "{condition:?}");
        assert_eq!(outcome.revision, second, "reading changes nothing");
    }
}

async fn a_transaction_is_one_change_or_none(bench: impl Bench) {
    let store = bench.open().await;
    store.put(b"old", b"", None).await.expect("a put");
    let transaction = Transaction {
        success: vec![
            put("a", "1", None),
            Op::Get { key: "a".into() },
            Op::Delete { key: "old".into() },
            put("b", "2", None),
        ],
        ..Transaction::default()
    };
    let outcome = store.transact(transaction).await.expect("an outcome");
    let OpResult::Got(Some(read)) = &outcome.results[1] else { panic!("reads its own write") };
    assert_eq!(read.value, b"1");
    for key in [b"a", b"b"] {
        let entry = store.get(key).await.expect("a read").expect("a key");
        assert_eq!(entry.mod_revision, outcome.revision);
    }
    let doomed = Transaction {
        success: vec![put("c", "3", None), put("d", "4", Some(LeaseId(999)))],
        ..Transaction::default()
    };
    assert!(matches!(store.transact(doomed).await, Err(Error::LeaseNotFound)));
    assert_eq!(store.get(b"c").await.expect("a read"), None, "nothing of it was done");
    assert_eq!(store.range(b"", 1).await.expect("a range").revision, outcome.revision);
}

async fn what_cannot_be_done_is_refused(bench: impl Bench) {
    let store = bench.open().await;
    let of = |success| Transaction { success, ..Transaction::default() };
    let twice = of(vec![put("a", "1", None), Op::Delete { key: "a".into() }]);
    assert!(matches!(store.transact(twice).await, Err(Error::DuplicateKey)));
    let key = "k".repeat(MAX_KEY_BYTES + 1);
    assert!(matches!(store.transact(of(vec![put(&key, "", None)])).await, Err(Error::Limit(_))));
    let value = "v".repeat(MAX_VALUE_BYTES + 1);
    assert!(matches!(store.transact(of(vec![put("k", &value, None)])).await, Err(Error::Limit(_))));
    let many = (0..=MAX_TRANSACTION_OPS).map(|n| put(&n.to_string(), "", None)).collect();
    assert!(matches!(store.transact(of(many)).await, Err(Error::Limit(_))));
    assert!(store.range(b"", 1).await.expect("a range").entries.is_empty());
}

async fn a_lease_takes_its_keys_with_it(bench: impl Bench) {
    let store = bench.open().await;
    let ttl = Duration::from_secs(10);
    let kept = store.grant(ttl).await.expect("a lease");
    let left = store.grant(ttl).await.expect("a lease");
    assert_ne!(kept, left);
    for (key, lease) in [(b"k1", kept), (b"l1", left), (b"l2", left)] {
        store.put(key, b"", Some(lease)).await.expect("a put");
    }
    store.put(b"l3", b"", Some(left)).await.expect("a put");
    let latest = store.put(b"l3", b"", None).await.expect("a put without the lease");
    bench.pass(Duration::from_secs(6)).await;
    store.keep_alive(kept).await.expect("alive");
    bench.pass(Duration::from_secs(6)).await;
    assert!(matches!(store.keep_alive(left).await, Err(Error::LeaseNotFound)));
    let range = store.range(b"", 10).await.expect("a range");
    let keys: Vec<&[u8]> = range.entries.iter().map(|entry| entry.key.as_slice()).collect();
    assert_eq!(keys, [&b"k1"[..], b"l3"], "a key taken off the lease stays");
    assert_eq!(range.revision, next(latest), "all keys of a lease go under one revision");
    store.revoke(kept).await.expect("revoked");
    assert_eq!(store.get(b"k1").await.expect("a read"), None);
    assert!(matches!(store.revoke(kept).await, Err(Error::LeaseNotFound)));
    assert!(matches!(store.put(b"k1", b"", Some(kept)).await, Err(Error::LeaseNotFound)));
}

async fn a_watch_tells_every_change_in_order_from_its_revision(bench: impl Bench) {
    let store = bench.open().await;
    let lease = store.grant(Duration::from_secs(10)).await.expect("a lease");
    store.put(b"w/a", b"old", None).await.expect("a put");
    let from = store.put(b"w/a", b"1", None).await.expect("a put");
    store.put(b"x", b"other", None).await.expect("a put");
    let mut watch = store.watch(b"w/", from).await.expect("a watch");
    let mut told = watch.next().await.expect("the past");
    store.put(b"w/b", b"2", Some(lease)).await.expect("a put");
    told.extend(watch.next().await.expect("the present"));
    let waiting = tokio::spawn(async move { (watch.next().await, watch) });
    store.delete(b"w/a").await.expect("a deletion");
    let (events, mut watch) = waiting.await.expect("ran");
    told.extend(events.expect("the deletion"));
    bench.pass(Duration::from_secs(11)).await;
    told.extend(watch.next().await.expect("the expiry"));
    let told: Vec<(u64, &str, Option<&[u8]>)> = told
        .iter()
        .map(|event| {
            let revision = event.revision().0 - from.0;
            match event {
                Event::Put(entry) => {
                    (revision, std::str::from_utf8(&entry.key).expect("text"), Some(&*entry.value))
                }
                Event::Deleted { key, .. } => {
                    (revision, std::str::from_utf8(key).expect("text"), None)
                }
            }
        })
        .collect();
    let expected =
        [(0, "w/a", Some(&b"1"[..])), (2, "w/b", Some(b"2")), (3, "w/a", None), (4, "w/b", None)];
    assert_eq!(told, expected);
}

async fn a_watch_from_a_compacted_revision_says_so(bench: impl Bench) {
    let store = bench.open().await;
    let first = store.put(b"k", b"", None).await.expect("a put");
    for _ in 0..(MAX_LOG_REVISIONS / MAX_TRANSACTION_OPS as u64 + 300) {
        store.put(b"k", b"", None).await.expect("a put");
    }
    let mut watch = store.watch(b"k", first).await.expect("a watch");
    assert_eq!(watch.next().await.expect("not compacted yet")[0].revision(), first);
    for _ in 0..MAX_LOG_REVISIONS {
        store.put(b"k", b"", None).await.expect("a put");
    }
    let mut watch = store.watch(b"k", first).await.expect("a watch");
    let Err(Error::Compacted { oldest }) = watch.next().await else { panic!("compacted") };
    assert!(oldest > first);
    let mut watch = store.watch(b"k", oldest).await.expect("a watch");
    assert_eq!(watch.next().await.expect("the oldest")[0].revision(), oldest);
}

macro_rules! conforms {
    ($($behaviour:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour(super::Sqlite::default()).await;
                }
            )*
        }
    };
}

conforms!(
    every_change_has_its_own_revision,
    a_range_is_ordered_and_ends_with_its_prefix,
    of_two_that_compare_and_swap_one_wins,
    every_relation_and_target_compares,
    a_transaction_is_one_change_or_none,
    what_cannot_be_done_is_refused,
    a_lease_takes_its_keys_with_it,
    a_watch_tells_every_change_in_order_from_its_revision,
    a_watch_from_a_compacted_revision_says_so,
);

#[tokio::test]
async fn sqlite_keeps_keys_leases_and_revisions_in_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("coordination.db");
    let bench = Sqlite::default();
    let store = SqliteStore::open_with(Some(&file), bench.clock()).await.expect("a store");
    let lease = store.grant(Duration::from_secs(10)).await.expect("a lease");
    store.put(b"a", b"1", None).await.expect("a put");
    let latest = store.put(b"b", b"2", Some(lease)).await.expect("a put");
    let second = SqliteStore::open(Some(&file)).await;
    assert!(second.is_err(), "a file belongs to one process at a time");
    drop(store);

    let store = reopen(&file, &bench).await;
    let range = store.range(b"", 10).await.expect("a range");
    assert_eq!((range.revision, range.entries.len()), (latest, 2));
    assert_eq!(range.entries[1].lease, Some(lease));
    assert!(store.put(b"c", b"3", None).await.expect("a put") > latest);
    assert_ne!(store.grant(Duration::from_secs(10)).await.expect("a lease"), lease);
    bench.pass(Duration::from_secs(11)).await;
    assert_eq!(store.get(b"b").await.expect("a read"), None, "leases end after a restart too");
}

/// The former store's task closes the file after its last handle is gone.
async fn reopen(file: &std::path::Path, bench: &Sqlite) -> SqliteStore {
    for _ in 0..100 {
        match SqliteStore::open_with(Some(file), bench.clock()).await {
            Ok(store) => return store,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("the file stays locked");
}
