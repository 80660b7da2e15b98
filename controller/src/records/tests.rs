//! Meetings, links and the audit log, on the real database.

use super::*;
use crate::standing::{Out, Standing};
use lectern_control::access::{AccessChange, PinChange};
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_MS: u64 = 86_400_000;
const OWNER: Hash = [1; 32];
const ROOM: RoomId = RoomId(u64::MAX - 5);

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64
}

fn new_meeting(expires_at_unix_ms: u64) -> NewMeeting {
    NewMeeting {
        room: ROOM,
        name: "Weekly — Überblick".to_owned(),
        expires_at_unix_ms,
        owner_key_hash: OWNER,
        lobby: false,
        pin: None,
        keep_recordings_days: None,
    }
}

fn new_link(number: u64, expires_at_unix_ms: u64) -> NewLink {
    let mut secret_hash = [0; 32];
    secret_hash[..8].copy_from_slice(&number.to_be_bytes());
    NewLink {
        id: LinkId(number),
        room: ROOM,
        owner_key_hash: OWNER,
        role: Role::Viewer,
        expires_at_unix_ms,
        secret_hash,
    }
}

impl Records {
    /// Makes so many meetings that end at one time.
    pub(crate) async fn fill(&self, count: u64, expires_at_unix_ms: u64) {
        sqlx::query(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?) \
             INSERT INTO meetings SELECT n, 'filler', 0, ?, zeroblob(32), 0, 0, NULL, NULL FROM number",
        )
        .bind(count.cast_signed())
        .bind(expires_at_unix_ms.cast_signed())
        .execute(&self.pool)
        .await
        .expect("meetings");
    }

    /// How many meetings there are, ended or not.
    pub(crate) async fn count(&self) -> i64 {
        let row = sqlx::query("SELECT count(*) AS count FROM meetings").fetch_one(&self.pool).await;
        row.and_then(|row| row.try_get("count")).expect("a number")
    }
}

async fn with_meeting(now: u64) -> Records {
    let records = Records::open(None).await.expect("records");
    records.create_meeting(now, new_meeting(now + DAY_MS)).await.expect("a meeting");
    records
}

#[tokio::test]
async fn a_meeting_is_shown_to_whoever_holds_its_key_and_to_nobody_else() {
    let now = now();
    let records = with_meeting(now).await;
    let link = records.create_link(now, new_link(7, now + DAY_MS)).await.expect("a link");
    let meeting = records.owned_meeting(now, ROOM, &OWNER).await.expect("the owner's");
    assert_eq!((meeting.name.as_str(), meeting.created_at_unix_ms), ("Weekly — Überblick", now));
    assert_eq!(meeting.links, [link]);
    for (room, key) in [(ROOM, [2; 32]), (RoomId(3), OWNER)] {
        let refused = records.owned_meeting(now, room, &key).await;
        assert!(matches!(refused, Err(Error::NotFound)));
    }
}

#[tokio::test]
async fn a_link_resolves_until_it_is_revoked_or_has_ended() {
    let now = now();
    let records = with_meeting(now).await;
    let (kept, short) = (new_link(1, now + DAY_MS), new_link(2, now + 1_000));
    for link in [&kept, &short] {
        records.create_link(now, link.clone()).await.expect("a link");
    }
    let (link, meeting) = records.resolve_link(now, &kept.secret_hash).await.expect("a grant");
    assert_eq!((link.id, link.role, link.revoked), (LinkId(1), Role::Viewer, false));
    assert_eq!(meeting.room, ROOM);
    assert!(meeting.links.is_empty(), "the holder of one link sees no other");
    records.resolve_link(now + 999, &short.secret_hash).await.expect("not yet ended");
    let ended = records.resolve_link(now + 1_000, &short.secret_hash).await;
    assert!(matches!(ended, Err(Error::NotFound)));

    let stranger = records.revoke_link(now, ROOM, &[9; 32], LinkId(1)).await;
    assert!(matches!(stranger, Err(Error::NotFound)));
    records.resolve_link(now, &kept.secret_hash).await.expect("still good");
    for _ in 0..2 {
        records.revoke_link(now, ROOM, &OWNER, LinkId(1)).await.expect("revoked");
    }
    let revoked = records.resolve_link(now, &kept.secret_hash).await;
    assert!(matches!(revoked, Err(Error::NotFound)));
    let unknown = records.revoke_link(now, ROOM, &OWNER, LinkId(99)).await;
    assert!(matches!(unknown, Err(Error::NotFound)));
    let after = records.resolve_link(now + 2 * DAY_MS, &kept.secret_hash).await;
    assert!(matches!(after, Err(Error::NotFound)), "no link outlives its meeting");
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let now = now();
    let records = with_meeting(now).await;
    let mut long = new_meeting(now + DAY_MS);
    (long.room, long.name) = (RoomId(8), "é".repeat(MAX_NAME_BYTES));
    assert!(matches!(records.create_meeting(now, long).await, Err(Error::Limit(_))));
    for expires in [now, now - 1, now + 367 * DAY_MS, u64::MAX] {
        let meeting = NewMeeting { room: RoomId(9), ..new_meeting(expires) };
        assert!(matches!(records.create_meeting(now, meeting).await, Err(Error::Invalid(_))));
        let link = new_link(1, expires);
        assert!(matches!(records.create_link(now, link).await, Err(Error::Invalid(_))));
    }
    let late = new_link(1, now + DAY_MS + 1);
    assert!(matches!(records.create_link(now, late).await, Err(Error::Invalid(_))));
    records.create_link(now, new_link(1, now + DAY_MS)).await.expect("a link");
    let again = NewLink { id: LinkId(2), ..new_link(1, now + DAY_MS) };
    assert!(matches!(records.create_link(now, again).await, Err(Error::Invalid(_))));
    for number in 2..=MAX_LINKS_PER_MEETING as u64 {
        records.create_link(now, new_link(number, now + DAY_MS)).await.expect("a link");
    }
    let many = new_link(MAX_LINKS_PER_MEETING as u64 + 1, now + DAY_MS);
    assert!(matches!(records.create_link(now, many).await, Err(Error::Limit(_))));
}

#[tokio::test]
async fn a_flood_of_meetings_ends_at_the_limit_and_ended_ones_make_room() {
    let (now, records) = (now(), Records::open(None).await.expect("records"));
    records.fill(u64::from(MAX_LIVE_MEETINGS) - 1, now + DAY_MS).await;
    records.create_meeting(now, new_meeting(now + 2 * DAY_MS)).await.expect("the last one");
    let one_more = NewMeeting { room: RoomId(u64::MAX - 6), ..new_meeting(now + 3 * DAY_MS) };
    let refused = records.create_meeting(now, one_more.clone()).await;
    assert!(matches!(refused, Err(Error::Limit("meetings"))));
    records.create_meeting(now + DAY_MS, one_more).await.expect("others have ended");
}

#[tokio::test]
async fn links_that_have_ended_make_room_for_others() {
    let now = now();
    let records = with_meeting(now).await;
    let last = MAX_LINKS_PER_MEETING as u64;
    for number in 1..=last {
        let ends = if number == 1 { now + 1_000 } else { now + DAY_MS };
        records.create_link(now, new_link(number, ends)).await.expect("a link");
    }
    let refused = records.create_link(now, new_link(last + 1, now + DAY_MS)).await;
    assert!(matches!(refused, Err(Error::Limit(_))));
    records.revoke_link(now, ROOM, &OWNER, LinkId(2)).await.expect("revoked");
    records.create_link(now, new_link(last + 1, now + DAY_MS)).await.expect("for the revoked one");
    let later = now + 2_000;
    records
        .create_link(later, new_link(last + 2, now + DAY_MS))
        .await
        .expect("for the expired one");
    let links = records.owned_meeting(later, ROOM, &OWNER).await.expect("a meeting").links;
    assert_eq!(links.len(), MAX_LINKS_PER_MEETING, "all of them stand in one answer");
}

#[tokio::test]
async fn records_survive_their_process_and_hold_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("records.db");
    let now = now();
    let records = Records::open(Some(&file)).await.expect("records");
    records.create_meeting(now, new_meeting(now + DAY_MS)).await.expect("a meeting");
    records.create_link(now, new_link(5, now + DAY_MS)).await.expect("a link");
    records.close().await;
    let records = Records::open(Some(&file)).await.expect("records");
    let hash = new_link(5, 0).secret_hash;
    records.resolve_link(now, &hash).await.expect("a grant");
    let row = sqlx::query("SELECT * FROM links").fetch_one(&records.pool).await.expect("a row");
    assert_eq!(row.len(), 6, "id, room, role, two times and one hash; a secret would be a seventh");
    assert_eq!(row.try_get::<Vec<u8>, _>("secret_hash").expect("a hash"), hash);
}

#[tokio::test]
async fn the_audit_log_is_appended_to_and_cannot_be_changed() {
    let now = now();
    let records = Records::open(None).await.expect("records");
    let entry = |kind, actor: &str| AuditEntry {
        at_unix_ms: now,
        kind,
        room: Some(ROOM),
        actor: actor.to_owned(),
        detail: "ö".repeat(1_000),
    };
    let entries = [entry(AuditKind::Joined, "ada"), entry(AuditKind::Left, "ada")];
    records.append(&entries).await.expect("appended");
    records.append(&[entry(AuditKind::LinkRefused, "edge-1")]).await.expect("appended");
    let log = records.audit(ROOM, None, 10).await.expect("the log");
    let kinds: Vec<&str> = log.iter().map(|line| line.kind.as_str()).collect();
    assert_eq!(kinds, ["link_refused", "left", "joined"]);
    let before = records.audit(ROOM, Some(log[1].id), 10).await.expect("the log");
    assert_eq!(before, log[2..]);
    assert_eq!(log[0].detail, "ö".repeat(256), "clipped to whole characters");
    for change in ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"] {
        let refused = sqlx::query(change).execute(&records.pool).await;
        assert!(refused.expect_err("refused").to_string().contains("audit log"));
    }
    assert_eq!(records.audit(ROOM, None, 10).await.expect("the log"), log);
}

#[tokio::test]
async fn what_is_over_its_time_is_purged_and_nothing_else() {
    let now = now();
    let records = Records::open(None).await.expect("records");
    let old = now - 500 * DAY_MS;
    let ended = NewMeeting { room: RoomId(1), ..new_meeting(old + DAY_MS) };
    records.create_meeting(old, ended).await.expect("a meeting");
    let link = NewLink { room: RoomId(1), ..new_link(1, old + DAY_MS) };
    records.create_link(old, link).await.expect("a link");
    records.create_meeting(now, new_meeting(now + DAY_MS)).await.expect("a meeting");
    let entry = |at_unix_ms| AuditEntry {
        at_unix_ms,
        kind: AuditKind::Joined,
        room: Some(ROOM),
        actor: "ada".to_owned(),
        detail: String::new(),
    };
    records.append(&[entry(old), entry(now - 300 * DAY_MS), entry(now)]).await.expect("appended");
    assert_eq!(records.purge(now).await.expect("purged"), 2);
    assert_eq!(records.purge(now).await.expect("purged"), 0);
    records.meeting(now, ROOM).await.expect("the meeting that goes on");
    assert_eq!(records.audit(ROOM, None, 10).await.expect("the log").len(), 2);
    let links = sqlx::query("SELECT * FROM links").fetch_all(&records.pool).await.expect("rows");
    assert!(links.is_empty(), "links go with their meeting");
}

#[tokio::test]
async fn a_database_that_is_locked_is_unavailable_and_then_serves_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("records.db");
    let now = now();
    let records = Records::open(Some(&file)).await.expect("records");
    let other = Records::open(Some(&file)).await.expect("records");
    let lock = other.pool.begin_with("BEGIN EXCLUSIVE").await.expect("a lock");
    let refused = records.create_meeting(now, new_meeting(now + DAY_MS)).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))));
    drop(lock);
    records.create_meeting(now, new_meeting(now + DAY_MS)).await.expect("a meeting");
}

#[tokio::test]
async fn how_a_meeting_receives_people_outlives_everything_but_the_meeting() {
    let now = now();
    let records = with_meeting(now).await;
    let pin = |text: &str| Secret::new(text.to_owned());
    let change = |locked, lobby, pin| AccessChange { locked, lobby, pin };
    let set = |change| {
        let records = records.clone();
        async move { records.set_access(now, ROOM, &change).await.expect("set") }
    };
    let access = set(change(None, Some(true), PinChange::Set(pin("246810")))).await;
    assert_eq!(access, Access { locked: false, lobby: true, pin_set: true });
    let access = set(change(Some(true), None, PinChange::Keep)).await;
    assert_eq!(access, Access { locked: true, lobby: true, pin_set: true });
    assert_eq!(records.meeting(now, ROOM).await.expect("a meeting").access, access);
    records.create_link(now, new_link(1, now + DAY_MS)).await.expect("a link");
    let enter = |text: Option<&'static str>| {
        let (records, pin) = (records.clone(), text.map(pin));
        async move { records.enter(now, ROOM, Some(LinkId(1)), pin.as_ref()).await }
    };
    assert!(enter(None).await.expect("asked").is_none(), "a PIN is asked for");
    assert!(enter(Some("246811")).await.expect("asked").is_none());
    assert!(enter(Some("246810")).await.expect("asked").is_some());
    assert!(records.enter(now, ROOM, None, None).await.expect("asked").is_some(), "the owner");
    records.revoke_link(now, ROOM, &OWNER, LinkId(1)).await.expect("revoked");
    assert!(matches!(enter(Some("246810")).await, Err(Error::NotFound)), "whatever the PIN");
    let access = set(change(None, Some(false), PinChange::Clear)).await;
    assert_eq!(access, Access { locked: true, lobby: false, pin_set: false });
    let other = records.set_access(now, RoomId(5), &AccessChange::default()).await;
    assert!(matches!(other, Err(Error::NotFound)));
}

#[tokio::test]
async fn what_was_decided_about_people_is_kept_with_the_meeting() {
    let now = now();
    let records = with_meeting(now).await;
    let standing = |role, out, at_unix_ms| Standing { role, out, at_unix_ms };
    let removed = standing(None, Some(Out::Removed), 1);
    let promoted = standing(Some(Role::Presenter), None, 2);
    records.remember(ROOM, "bob", standing(None, Some(Out::Refused), 0)).await.expect("kept");
    records.remember(ROOM, "bob", removed).await.expect("kept");
    records.remember(ROOM, "eve", promoted).await.expect("kept");
    records.remember(RoomId(5), "eve", removed).await.expect("of no meeting: passed over");
    let known = records.standings(ROOM).await.expect("read");
    assert_eq!(known, [("bob".to_owned(), removed), ("eve".to_owned(), promoted)]);
    assert!(records.standings(RoomId(5)).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_room_are_told_alike() {
    let now = now();
    let records = with_meeting(now).await;
    for (room, key) in [(ROOM, [9; 32]), (RoomId(5), OWNER), (RoomId(5), [0; 32])] {
        let refused = records.check_owner(now, room, &key).await.expect_err("refused");
        assert_eq!(refused.to_string(), Error::NotFound.to_string());
    }
    records.check_owner(now, ROOM, &OWNER).await.expect("the owner");
}
