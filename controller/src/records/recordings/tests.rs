//! Recordings on the real database: begun, said of, shown, shared, read, destroyed.

use super::*;
use crate::records::doom::Doomed;
use crate::records::{Answer, NewMeeting, Present, ask_catalogue};
use lectern_control::access::Moderator;
use lectern_control::edge::{Reader, Request, Response};
use lectern_control::recording::{
    Change, File, FileKind, Job, JobKind, Layout, MAX_JOBS, MAX_SHARES, Person, Progress,
    Recording, Share, Trouble, TroubleKind,
};
use lectern_control::{JobId, ParticipantId, TrackId};
use std::path::Path;

const OWNER: [u8; 32] = [1; 32];
const ROOM: RoomId = RoomId(5);
const NAMED: RoomId = RoomId(1 << 63 | 9);
const NOW: u64 = 1_700_000_000_000;

fn recorder(name: &str) -> RecorderId {
    name.parse().expect("a name")
}

fn id(number: u64) -> RecordingId {
    RecordingId(number)
}

fn new(number: u64, room: RoomId, started_unix_ms: u64) -> NewRecording {
    NewRecording {
        id: id(number),
        room,
        title: "Weekly — Überblick".to_owned(),
        started_by: "Ada".to_owned(),
        started_unix_ms,
        recorder: recorder("r1"),
    }
}

fn file(name: &str, kind: FileKind) -> File {
    File {
        name: name.to_owned(),
        kind,
        content_type: "video/mp4".to_owned(),
        bytes: 1_000,
        duration_ms: 60_000,
        width: 1_920,
        height: 1_080,
    }
}

/// A film, a picture of it and a track.
fn files(job: u64) -> Vec<File> {
    let track =
        FileKind::Track { track: TrackId(job), participant: ParticipantId(1), offset_ms: 0 };
    vec![
        file(&format!("film-{job}.mp4"), FileKind::Composed { job: JobId(job) }),
        file(&format!("thumbnail-{job}.jpg"), FileKind::Thumbnail { job: JobId(job), at_ms: 5 }),
        file(&format!("track-{job}.webm"), track),
    ]
}

fn status(number: u64, state: State, version: u64) -> Status {
    let made = matches!(state, State::Ready);
    Status {
        recording: id(number),
        room: ROOM,
        version,
        state,
        started_unix_ms: NOW,
        duration_ms: 60_000,
        trouble: None,
        jobs: Vec::new(),
        files: if made { files(number) } else { Vec::new() },
        people: vec![Person { participant: ParticipantId(1), name: "Ada".to_owned() }],
    }
}

fn meeting(room: RoomId, keep_recordings_days: Option<u32>) -> NewMeeting {
    NewMeeting {
        room,
        name: "Weekly".to_owned(),
        expires_at_unix_ms: NOW + 7 * DAY_MS,
        owner_key_hash: OWNER,
        lobby: false,
        pin: None,
        keep_recordings_days,
    }
}

fn present() -> Present {
    let reachable = [recorder("r1"), recorder("r2")].into();
    Present { now_unix_ms: NOW, fresh: rand::random(), reachable }
}

async fn open(file: Option<&Path>) -> Records {
    let records = Records::open(file).await.expect("records");
    records.create_meeting(NOW, meeting(ROOM, None)).await.expect("a meeting");
    records
}

/// A recording that has ended, with files.
async fn ready(records: &Records, number: u64) {
    records.begin_recording(&new(number, ROOM, NOW)).await.expect("begun");
    records.end_recording(NOW, id(number)).await.expect("ended");
    let ready = status(number, State::Ready, 4);
    assert_eq!(records.keep_status(&recorder("r1"), &ready).await.expect("kept"), Kept::Kept);
}

async fn ask(records: &Records, request: Request) -> Result<Answer, Error> {
    ask_catalogue(records, &request, &present()).await
}

fn owner() -> Moderator {
    Moderator::Owner { owner_key_hash: OWNER }
}

async fn shown(records: &Records, number: u64) -> Result<Recording, Error> {
    let request = Request::Recording { room: ROOM, by: owner(), recording: id(number) };
    match ask(records, request).await? {
        Answer::Plain(Response::Recording(recording)) => Ok(*recording),
        other => panic!("{other:?}"),
    }
}

async fn change(records: &Records, number: u64, change: Change) -> Result<Answer, Error> {
    let (by, recording) = (owner(), id(number));
    ask(records, Request::ChangeRecording { room: ROOM, by, recording, change }).await
}

async fn listed(records: &Records, room: RoomId, by: Moderator, before: Option<u64>) -> Listed {
    let answer = ask(records, Request::Recordings { room, by, before_unix_ms: before }).await?;
    match answer {
        Answer::Plain(Response::Recordings { recordings, more }) => {
            Ok((recordings.iter().map(|one| one.id.0).collect(), more))
        }
        other => panic!("{other:?}"),
    }
}

type Listed = Result<(Vec<u64>, bool), Error>;

async fn read(records: &Records, by: Reader, number: u64, file: &str) -> Result<Answer, Error> {
    let (recording, file) = (id(number), file.to_owned());
    ask(records, Request::ReadRecording { by, recording, file, download: false }).await
}

async fn share(records: &Records, number: u64, secret: u8, download: bool) -> Share {
    let expires_at_unix_ms = NOW + DAY_MS;
    let made = Change::Share { secret_hash: [secret; 32], expires_at_unix_ms, download };
    match change(records, number, made).await.expect("shared") {
        Answer::Plain(Response::Shared(share)) => share,
        other => panic!("{other:?}"),
    }
}

async fn doomed(records: &Records, now: u64) -> Doomed {
    records.doomed(now, &present().reachable).await.expect("looked for")
}

#[tokio::test]
async fn a_recording_is_shown_as_its_recorder_says_and_to_its_owner_only() {
    let records = open(None).await;
    records.begin_recording(&new(1, ROOM, NOW)).await.expect("begun");
    let live = shown(&records, 1).await.expect("shown");
    assert_eq!((live.status.state, live.title.as_str()), (State::Recording, "Weekly — Überblick"));
    assert_eq!((live.started_by.as_str(), live.expires_at_unix_ms), ("Ada", None));
    records.end_recording(NOW, id(1)).await.expect("ended");
    let ended = shown(&records, 1).await.expect("shown");
    assert_eq!(ended.status.state, State::Processing, "the recorder has not said so yet");
    let ready = status(1, State::Ready, 4);
    records.keep_status(&recorder("r1"), &ready).await.expect("kept");
    let older = Status { version: 3, ..status(1, State::Processing, 3) };
    records.keep_status(&recorder("r1"), &older).await.expect("passed over");
    assert_eq!(shown(&records, 1).await.expect("shown").status, ready);
    for (room, key) in [(ROOM, [2; 32]), (RoomId(6), OWNER), (RoomId(6), [0; 32])] {
        let by = Moderator::Owner { owner_key_hash: key };
        let request = Request::Recording { room, by, recording: id(1) };
        assert!(matches!(ask(&records, request).await, Err(Error::NotFound)));
    }
    let elsewhere = Request::Recording { room: NAMED, by: Moderator::Integrator, recording: id(1) };
    assert!(matches!(ask(&records, elsewhere).await, Err(Error::Absent)), "another room's");
    assert!(matches!(shown(&records, 2).await, Err(Error::Absent)));
    let unknown = records.keep_status(&recorder("r1"), &status(7, State::Ready, 1)).await;
    assert_eq!(unknown.expect("asked"), Kept::Unknown);
}

#[tokio::test]
async fn a_list_comes_page_by_page_latest_first() {
    let records = open(None).await;
    for number in 0..150 {
        records.begin_recording(&new(number, ROOM, NOW + number)).await.expect("begun");
    }
    let (first, more) = listed(&records, ROOM, owner(), None).await.expect("listed");
    assert_eq!((first.len(), first[0], first[99], more), (100, 149, 50, true));
    let (rest, more) = listed(&records, ROOM, owner(), Some(NOW + 50)).await.expect("listed");
    assert_eq!((rest.len(), rest[0], rest[49], more), (50, 49, 0, false));
    assert!(listed(&records, NAMED, owner(), None).await.is_err());
    let of_others = listed(&records, NAMED, Moderator::Integrator, None).await.expect("listed");
    assert_eq!(of_others, (vec![], false));
}

#[tokio::test]
async fn a_page_is_never_too_large_for_a_message() {
    let records = open(None).await;
    for number in 0..4 {
        records.begin_recording(&new(number, ROOM, NOW + number)).await.expect("begun");
        let mut large = status(number, State::Ready, 1);
        large.files = (0..4_000).flat_map(|number| files(number).into_iter().take(1)).collect();
        records.keep_status(&recorder("r1"), &large).await.expect("kept");
    }
    let (first, more) = listed(&records, ROOM, owner(), None).await.expect("listed");
    assert_eq!((first, more), (vec![3], true), "one at least");
    let mut huge = status(0, State::Ready, 2);
    huge.files = (0..10_000).flat_map(files).collect();
    let refused = records.keep_status(&recorder("r1"), &huge).await;
    assert!(matches!(refused, Err(Error::Limit(_))));
}

#[tokio::test]
async fn what_two_recorders_have_is_one_recording() {
    let records = open(None).await;
    ready(&records, 1).await;
    records.take_over(id(1), &recorder("r2")).await.expect("taken over");
    assert_eq!(shown(&records, 1).await.expect("shown").status.state, State::Ready);
    let mut other = status(1, State::Processing, 1);
    (other.duration_ms, other.files) = (90_000, files(2));
    other.trouble = Some(Trouble { kind: TroubleKind::DiskFull, detail: String::new() });
    records.keep_status(&recorder("r2"), &other).await.expect("kept");
    let whole = shown(&records, 1).await.expect("shown").status;
    assert_eq!((whole.state, whole.duration_ms), (State::Processing, 90_000));
    assert_eq!((whole.files.len(), whole.people.len()), (6, 1));
    assert!(whole.trouble.is_some());
    let by = || Reader::Moderator { room: ROOM, by: owner() };
    for (name, at) in [("film-1.mp4", "r1"), ("film-2.mp4", "r2")] {
        let Ok(Answer::Found(found)) = read(&records, by(), 1, name).await else { panic!("found") };
        assert_eq!(found.recorder, recorder(at));
    }
    let mut away = present();
    away.reachable = [recorder("r1")].into();
    let request = Request::ReadRecording {
        by: by(),
        recording: id(1),
        file: "film-2.mp4".to_owned(),
        download: false,
    };
    assert!(matches!(ask_catalogue(&records, &request, &away).await, Err(Error::Unreachable)));
    assert!(shown(&records, 1).await.is_ok_and(|shown| !shown.unreachable));
    let request = Request::Recording { room: ROOM, by: owner(), recording: id(1) };
    let Ok(Answer::Plain(Response::Recording(shown))) =
        ask_catalogue(&records, &request, &away).await
    else {
        panic!("shown")
    };
    assert!(shown.unreachable);
}

#[tokio::test]
async fn what_goes_on_is_known_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records.db");
    let records = open(Some(&path)).await;
    records.begin_recording(&new(1, ROOM, NOW)).await.expect("begun");
    records.begin_recording(&new(2, NAMED, NOW)).await.expect("begun");
    records.take_over(id(2), &recorder("r2")).await.expect("taken over");
    records.begin_recording(&new(3, ROOM, NOW)).await.expect("begun");
    records.end_recording(NOW, id(3)).await.expect("ended");
    records.begin_recording(&new(4, ROOM, NOW)).await.expect("begun");
    records.forget_recording(id(4)).await.expect("forgotten");
    records.close().await;
    let records = Records::open(Some(&path)).await.expect("records");
    let live = records.live_recordings().await.expect("read");
    let live: Vec<_> = live.iter().map(|one| (one.id.0, one.room, one.recorder.as_str())).collect();
    assert_eq!(live, [(1, ROOM, "r1"), (2, NAMED, "r2")]);
}

#[tokio::test]
async fn a_title_is_changed_and_only_to_one_that_can_be_shown() {
    let records = open(None).await;
    ready(&records, 1).await;
    let rename = |title: &str| Change::Rename { title: title.to_owned() };
    change(&records, 1, rename("Talk")).await.expect("renamed");
    assert_eq!(shown(&records, 1).await.expect("shown").title, "Talk");
    for title in ["", &"x".repeat(MAX_TITLE_BYTES + 1)] {
        assert!(matches!(change(&records, 1, rename(title)).await, Err(Error::Invalid(_))));
    }
    assert!(matches!(change(&records, 2, rename("x")).await, Err(Error::Absent)));
}

#[tokio::test]
async fn a_link_shows_films_for_as_long_as_it_lasts_and_no_more() {
    let records = open(None).await;
    ready(&records, 1).await;
    ready(&records, 2).await;
    let made = share(&records, 1, 7, false).await;
    let request = Request::SharedRecording { secret_hash: [7; 32] };
    let Ok(Answer::Plain(Response::Recording(seen))) = ask(&records, request.clone()).await else {
        panic!("seen")
    };
    assert_eq!((seen.shares.as_slice(), seen.started_by.as_str()), (&[made.clone()][..], ""));
    assert_eq!((seen.status.files.len(), seen.status.people.len()), (2, 0));
    let by = || Reader::Share { secret_hash: [7; 32] };
    assert!(read(&records, by(), 1, "film-1.mp4").await.is_ok());
    assert!(matches!(read(&records, by(), 1, "track-1.webm").await, Err(Error::Absent)));
    assert!(matches!(read(&records, by(), 2, "film-2.mp4").await, Err(Error::NotFound)));
    let (file, recording, by_link) = ("film-1.mp4".to_owned(), id(1), by());
    let download = Request::ReadRecording { by: by_link, recording, file, download: true };
    assert!(matches!(ask(&records, download).await, Err(Error::NotPermitted)));
    let granted = || Reader::Granted { share: Some(made.id) };
    assert!(read(&records, granted(), 1, "film-1.mp4").await.is_ok());
    assert!(read(&records, granted(), 2, "film-2.mp4").await.is_err(), "of another recording");
    let late = Present { now_unix_ms: NOW + DAY_MS, ..present() };
    let over = ask_catalogue(&records, &request, &late).await;
    assert!(matches!(over, Err(Error::NotFound)));
    change(&records, 1, Change::Unshare { share: made.id }).await.expect("ended");
    assert!(matches!(ask(&records, request).await, Err(Error::NotFound)));
    assert!(matches!(read(&records, by(), 1, "film-1.mp4").await, Err(Error::NotFound)));
    assert!(matches!(read(&records, granted(), 1, "film-1.mp4").await, Err(Error::Absent)));
    assert!(read(&records, Reader::Granted { share: None }, 1, "track-1.webm").await.is_ok());
    let again = change(&records, 1, Change::Unshare { share: made.id }).await;
    assert!(matches!(again, Err(Error::Absent)));
}

#[tokio::test]
async fn links_and_films_are_bounded_and_a_link_ends_with_its_recording() {
    let records = Records::open(None).await.expect("records").keeping(Some(2));
    records.create_meeting(NOW, meeting(ROOM, Some(1))).await.expect("a meeting");
    ready(&records, 1).await;
    let longer = Change::Share {
        secret_hash: [99; 32],
        expires_at_unix_ms: NOW + 300 * DAY_MS,
        download: true,
    };
    let Ok(Answer::Plain(Response::Shared(longer))) = change(&records, 1, longer).await else {
        panic!("shared")
    };
    assert_eq!(longer.expires_at_unix_ms, NOW + DAY_MS, "as the recording");
    for secret in 1..MAX_SHARES as u8 {
        let share = share(&records, 1, secret, false).await;
        assert!(share.expires_at_unix_ms > NOW);
    }
    let full =
        Change::Share { secret_hash: [100; 32], expires_at_unix_ms: NOW + 1, download: false };
    assert!(matches!(change(&records, 1, full).await, Err(Error::Limit(_))));
    for number in 0..MAX_JOBS {
        let film = Change::Compose { layout: Layout::Grid, without: Vec::new() };
        let Ok(Answer::Composed { recording, jobs }) = change(&records, 1, film).await else {
            panic!("ordered")
        };
        assert_eq!((recording.status.jobs.len(), jobs.len()), (number + 1, 1));
        assert_eq!(recording.status.jobs[number].progress, Progress::Waiting);
    }
    let film = Change::Compose { layout: Layout::Grid, without: Vec::new() };
    assert!(matches!(change(&records, 1, film).await, Err(Error::Limit(_))));
}

#[tokio::test]
async fn a_film_is_made_of_what_has_ended_where_its_recorder_is_there() {
    let records = open(None).await;
    records.begin_recording(&new(1, ROOM, NOW)).await.expect("begun");
    let film = || Change::Compose { layout: Layout::Screen, without: vec![ParticipantId(1)] };
    assert!(matches!(change(&records, 1, film()).await, Err(Error::Invalid(_))));
    ready(&records, 2).await;
    let away = Present { reachable: [].into(), ..present() };
    let change =
        Request::ChangeRecording { room: ROOM, by: owner(), recording: id(2), change: film() };
    let refused = ask_catalogue(&records, &change, &away).await;
    assert!(matches!(refused, Err(Error::Unreachable)));
    assert!(shown(&records, 2).await.expect("shown").status.jobs.is_empty(), "nothing waits");
    let Ok(Answer::Composed { jobs, .. }) = ask(&records, change).await else { panic!("ordered") };
    let [(at, job)] = &jobs[..] else { panic!("one recorder, one film") };
    assert_eq!(*at, recorder("r1"));
    let kind = JobKind::Compose { layout: Layout::Screen, without: vec![ParticipantId(1)] };
    let job = Job { id: *job, kind, progress: Progress::Running { permille: 5 } };
    let running = Status { jobs: vec![job.clone()], ..status(2, State::Processing, 5) };
    records.keep_status(&recorder("r1"), &running).await.expect("kept");
    assert_eq!(shown(&records, 2).await.expect("shown").status.jobs, [job]);
}

#[tokio::test]
async fn what_is_deleted_is_seen_by_nobody_and_forgotten_when_it_is_destroyed() {
    let records = open(None).await;
    ready(&records, 1).await;
    records.take_over(id(1), &recorder("r2")).await.expect("taken over");
    share(&records, 1, 7, true).await;
    change(&records, 1, Change::Delete).await.expect("deleted");
    assert!(matches!(shown(&records, 1).await, Err(Error::Absent)));
    let link = Request::SharedRecording { secret_hash: [7; 32] };
    assert!(matches!(ask(&records, link).await, Err(Error::NotFound)));
    let granted = Reader::Granted { share: None };
    assert!(matches!(read(&records, granted, 1, "film-1.mp4").await, Err(Error::Absent)));
    assert_eq!(listed(&records, ROOM, owner(), None).await.expect("listed"), (vec![], false));
    // Both are told, again and again, and one that is away when it comes back.
    for _ in 0..2 {
        let destroy = doomed(&records, NOW).await.destroy;
        assert_eq!(destroy, [(recorder("r1"), id(1)), (recorder("r2"), id(1))]);
    }
    assert_eq!(records.doomed(NOW, &[].into()).await.expect("looked for"), Doomed::default());
    records.keep_status(&recorder("r1"), &status(1, State::Ready, 9)).await.expect("late news");
    records.keep_status(&recorder("r1"), &status(1, State::Deleted, 10)).await.expect("kept");
    assert_eq!(doomed(&records, NOW).await.destroy, [(recorder("r2"), id(1))]);
    records.keep_status(&recorder("r2"), &status(1, State::Deleted, 2)).await.expect("kept");
    assert_eq!(doomed(&records, NOW).await, Doomed::default());
    let unknown = records.keep_status(&recorder("r2"), &status(1, State::Ready, 3)).await;
    assert_eq!(unknown.expect("asked"), Kept::Unknown, "nothing is left of it");
    let said = records.keep_status(&recorder("r2"), &status(1, State::Deleted, 2)).await;
    assert_eq!(said.expect("asked"), Kept::Kept, "whoever says so again is heard");
}

#[tokio::test]
async fn a_recording_is_kept_as_long_as_its_meeting_wishes_and_the_operator_lets_it() {
    for (operator, meeting_days, days) in [
        (None, None, None),
        (None, Some(3), Some(3)),
        (Some(2), Some(3), Some(2)),
        (Some(5), None, Some(5)),
    ] {
        let records = Records::open(None).await.expect("records").keeping(operator);
        records.create_meeting(NOW, meeting(ROOM, meeting_days)).await.expect("a meeting");
        ready(&records, 1).await;
        records.begin_recording(&new(2, ROOM, NOW)).await.expect("goes on");
        let ends = days.map(|days| NOW + days * DAY_MS);
        assert_eq!(shown(&records, 1).await.expect("shown").expires_at_unix_ms, ends);
        let Some(ends) = ends else {
            assert_eq!(doomed(&records, NOW + 5_000 * DAY_MS).await, Doomed::default());
            continue;
        };
        assert_eq!(doomed(&records, ends - 1).await, Doomed::default());
        let over = doomed(&records, ends + 1).await;
        assert_eq!(over.expired, [(ROOM, id(1))], "what goes on is left alone");
        assert_eq!(over.destroy, [(recorder("r1"), id(1))]);
        assert!(matches!(shown(&records, 1).await, Err(Error::Absent)));
        assert!(doomed(&records, ends + 1).await.expired.is_empty(), "said once");
    }
}

#[tokio::test]
async fn a_meeting_s_end_ends_none_of_its_recordings_and_with_the_last_one_everything_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records.db");
    let records = open(Some(&path)).await;
    ready(&records, 1).await;
    let secret = "Secret title of a board meeting";
    change(&records, 1, Change::Rename { title: secret.to_owned() }).await.expect("renamed");
    let link = crate::records::NewLink {
        id: lectern_control::LinkId(1),
        room: ROOM,
        owner_key_hash: OWNER,
        role: lectern_control::room::Role::Viewer,
        expires_at_unix_ms: NOW + DAY_MS,
        secret_hash: [3; 32],
    };
    records.create_link(NOW, link).await.expect("a link");
    let later = NOW + 100 * DAY_MS;
    records.purge(later).await.expect("purged");
    assert!(matches!(records.meeting(later, ROOM).await, Err(Error::NotFound)), "it has ended");
    assert_eq!(shown(&records, 1).await.expect("its owner sees it still").title, secret);
    let links = sqlx::query("SELECT * FROM links").fetch_all(&records.pool).await.expect("rows");
    assert!(links.is_empty(), "people's links went with the meeting");
    change(&records, 1, Change::Delete).await.expect("deleted");
    records.keep_status(&recorder("r1"), &status(1, State::Deleted, 9)).await.expect("kept");
    doomed(&records, later).await;
    assert_eq!(records.purge(later).await.expect("purged"), 1, "the meeting");
    for table in ["recordings", "recording_parts", "shares", "meetings", "links", "standings"] {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM {table}")));
        let rows = rows.fetch_all(&records.pool).await.expect("rows");
        assert!(rows.is_empty(), "{table}");
    }
    records.close().await;
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        for word in [secret, "Weekly", "film-1.mp4", "Ada"] {
            assert!(!text.contains(word), "{word:?} is still on the disk");
        }
    }
}

#[tokio::test]
async fn a_switch_that_is_turned_without_end_stops_at_a_limit() {
    let records = open(None).await;
    sqlx::query(
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1) \
         INSERT INTO recordings SELECT n, ?2, '', '', 0, 0, NULL, 0 FROM number",
    )
    .bind(MAX_RECORDINGS_PER_MEETING)
    .bind(ROOM.0.cast_signed())
    .execute(&records.pool)
    .await
    .expect("recordings");
    let refused = records.begin_recording(&new(2_000, ROOM, NOW)).await;
    assert!(matches!(refused, Err(Error::Limit("recordings"))));
    records.begin_recording(&new(2_000, NAMED, NOW)).await.expect("another room's");
    let long = NewRecording { title: "x".repeat(300), ..new(2_001, NAMED, NOW) };
    assert!(matches!(records.begin_recording(&long).await, Err(Error::Limit(_))));
}
