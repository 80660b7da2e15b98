//! Recordings through the API, against a controller with a catalogue and a recorder that serves bytes.

use super::*;
use crate::controller_link::Link;
use crate::recorder_link::Dial;
use lectern_control::edge::{Reader, Request as Ask};
use lectern_control::recording::{
    Change, File, FileKind, FromEdge as Reads, FromRecorder as Data, Job, JobKind, Layout, Person,
    Progress, Readable, Recorded, Recording, Refusal, Share, State, Status, Trouble, TroubleKind,
};
use lectern_control::{JobId, ParticipantId, RecordingId, ShareId, TrackId};
use std::sync::Mutex;

/// Bytes of the film: more than one message, and not a round number.
const FILM_BYTES: u64 = 700_001;
const STARTED_MS: u64 = 1_700_000_000_123;
const ID: RecordingId = RecordingId(77);

/// What the film's bytes are.
fn film(range: std::ops::Range<u64>) -> Vec<u8> {
    range.map(|at| (at % 251) as u8).collect()
}

fn path(made: &Value, rest: &str) -> String {
    format!("/meetings/{}/recordings{rest}", made["meeting"]["id"].as_str().expect("an id"))
}

fn key(made: &Value) -> &str {
    made["owner_key"].as_str().expect("a key")
}

/// As much of a catalogue as the API needs: one recording of every room.
#[derive(Default)]
pub struct Catalogue {
    pub no_recorder: bool,
    recorded: Option<Recorded>,
    title: Option<String>,
    deleted: bool,
    jobs: Vec<Job>,
    shares: Vec<(Share, [u8; 32])>,
    /// Who asked, and for what.
    pub asked: Arc<Mutex<Vec<Ask>>>,
    /// What a recorder was told to open.
    tickets: Arc<Mutex<Vec<[u8; 16]>>>,
}

impl Catalogue {
    fn files() -> Vec<File> {
        let file = |name: &str, kind, content_type: &str, bytes| File {
            name: name.to_owned(),
            kind,
            content_type: content_type.to_owned(),
            bytes,
            duration_ms: 60_000,
            width: 1_920,
            height: 1_080,
        };
        let (track, participant, offset_ms) = (TrackId(4), ParticipantId(5), 250);
        let job = JobId(3);
        vec![
            file("film.mp4", FileKind::Composed { job }, "video/mp4", FILM_BYTES),
            file("page.jpg", FileKind::Thumbnail { job, at_ms: 9 }, "text/html", 3),
            file("track.webm", FileKind::Track { track, participant, offset_ms }, "video/webm", 0),
        ]
    }

    fn recording(&self, room: RoomId) -> Recording {
        Recording {
            id: ID,
            room,
            title: self.title.clone().unwrap_or_else(|| "Weekly: \"one\"".to_owned()),
            started_by: "Ada".to_owned(),
            expires_at_unix_ms: Some(STARTED_MS + 86_400_000),
            status: Status {
                recording: ID,
                room,
                version: 1,
                state: State::Ready,
                started_unix_ms: STARTED_MS,
                duration_ms: 60_000,
                trouble: Some(Trouble { kind: TroubleKind::DiskFull, detail: "secret".to_owned() }),
                jobs: self.jobs.clone(),
                files: Catalogue::files(),
                people: vec![Person { participant: ParticipantId(5), name: "Ada".to_owned() }],
            },
            shares: self.shares.iter().map(|(share, _)| share.clone()).collect(),
            unreachable: false,
        }
    }

    fn shared(&self, hash: &[u8; 32]) -> Result<Share, RequestError> {
        let known = self.shares.iter().find(|(_, known)| known == hash);
        let known = known.filter(|_| !self.deleted).ok_or(RequestError::NotFound)?;
        Ok(known.0.clone())
    }

    /// Who keeps recordings was looked at before.
    pub fn answer(&mut self, body: Ask) -> Result<Response, RequestError> {
        self.asked.lock().expect("no panic").push(body.clone());
        match body {
            Ask::Record { on: false, .. } => {
                self.recorded = None;
                Ok(Response::Recorded(None))
            }
            Ask::Record { .. } if self.no_recorder => Err(RequestError::NoRecorder),
            Ask::Record { .. } => {
                let by = "Ada".to_owned();
                let fresh = Recorded { recording: ID, by, since_unix_ms: 1_000, trouble: None };
                Ok(Response::Recorded(Some(self.recorded.get_or_insert(fresh).clone())))
            }
            Ask::Recordings { room, before_unix_ms, .. } => {
                let all = !self.deleted && before_unix_ms.is_none_or(|before| STARTED_MS < before);
                let recordings = if all { vec![self.recording(room)] } else { Vec::new() };
                Ok(Response::Recordings { recordings, more: all })
            }
            Ask::Recording { room, recording, .. } if recording == ID && !self.deleted => {
                Ok(Response::Recording(Box::new(self.recording(room))))
            }
            Ask::ChangeRecording { room, recording, change, .. } if recording == ID => {
                self.change(room, change)
            }
            Ask::SharedRecording { secret_hash } => {
                let share = self.shared(&secret_hash)?;
                let mut recording = self.recording(RoomId(1));
                recording.status.files.truncate(2);
                (recording.shares, recording.status.people) = (vec![share], Vec::new());
                Ok(Response::Recording(Box::new(recording)))
            }
            Ask::ReadRecording { by, recording, file, download } if recording == ID => {
                self.read(&by, &file, download)
            }
            _ => Err(RequestError::Absent),
        }
    }

    fn change(&mut self, room: RoomId, change: Change) -> Result<Response, RequestError> {
        match change {
            Change::Rename { title } => self.title = Some(title),
            Change::Delete => {
                self.deleted = true;
                return Ok(Response::Done);
            }
            Change::Share { secret_hash, expires_at_unix_ms, download } => {
                let id = ShareId(self.shares.len() as u64 + 1);
                let share = Share { id, expires_at_unix_ms, download };
                self.shares.push((share.clone(), secret_hash));
                return Ok(Response::Shared(share));
            }
            Change::Unshare { share } => {
                let before = self.shares.len();
                self.shares.retain(|(known, _)| known.id != share);
                let gone = before != self.shares.len();
                return if gone { Ok(Response::Done) } else { Err(RequestError::Absent) };
            }
            Change::Compose { layout, without } => {
                let kind = JobKind::Compose { layout, without };
                let progress = Progress::Running { permille: 250 };
                self.jobs.push(Job { id: JobId(8), kind, progress });
            }
        }
        Ok(Response::Recording(Box::new(self.recording(room))))
    }

    fn read(&mut self, by: &Reader, name: &str, download: bool) -> Result<Response, RequestError> {
        let share = match by {
            Reader::Moderator { .. } => None,
            Reader::Share { secret_hash } => Some(self.shared(secret_hash)?),
            Reader::Granted { share } => {
                let known = self.shares.iter().find(|(known, _)| Some(known.id) == *share);
                if share.is_some() && known.is_none() {
                    return Err(RequestError::Absent);
                }
                known.map(|(share, _)| share.clone())
            }
        };
        if download && share.as_ref().is_some_and(|share| !share.download) {
            return Err(RequestError::NotPermitted);
        }
        let file = Catalogue::files().into_iter().find(|file| file.name == name);
        let file = file.filter(|_| !self.deleted).ok_or(RequestError::Absent)?;
        let ticket = rand::random();
        let tickets = self.tickets.clone();
        // Tickets travel on another way than answers, and may come later.
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(60)).await;
            tickets.lock().expect("no panic").push(ticket);
        });
        let share = share.map(|share| share.id);
        let ticket = Secret::new(ticket);
        let (title, addresses) = (self.recording(RoomId(1)).title, Vec::new());
        Ok(Response::Readable(Box::new(Readable { addresses, ticket, share, title, file })))
    }

    /// Serves the film to whoever has a ticket.
    pub fn serve(&self, mut dials: mpsc::Receiver<Dial>) {
        let tickets = self.tickets.clone();
        tokio::spawn(async move {
            while let Some(dial) = dials.recv().await {
                let (near, incoming) = mpsc::channel(2);
                let (outgoing, from_far) = mpsc::channel(2);
                drop(dial.link.send((near, from_far)));
                tokio::spawn(serve_one((outgoing, incoming), tickets.clone()));
            }
        });
    }
}

async fn serve_one((outgoing, mut incoming): Link, tickets: Arc<Mutex<Vec<[u8; 16]>>>) {
    let say = |message: Data| {
        let outgoing = outgoing.clone();
        async move { outgoing.send(frame::encode(&message).expect("encodes")).await.is_ok() }
    };
    while let Some(message) = incoming.recv().await {
        match frame::decode(&message).expect("a message of an edge") {
            Reads::Hello { .. } => {
                say(Data::Welcome { version: Version::CURRENT }).await;
            }
            Reads::Read { ticket, offset, len } => {
                let known = tickets.lock().expect("no panic").contains(ticket.expose());
                if !known {
                    say(Data::Refused(Refusal::Ticket)).await;
                    continue;
                }
                for chunk in film(offset..offset + len).chunks(100_000) {
                    if !say(Data::Data { bytes: Bytes::copy_from_slice(chunk) }).await {
                        return;
                    }
                }
            }
        }
    }
}

impl Client {
    async fn fetch(&self, method: Method, url: &str, head: &[(&str, &str)]) -> Fetched {
        let path = url.strip_prefix("/api/v1").expect("an address of ours");
        let mut request = Request::builder().method(method).uri(path).header("host", "meet.test");
        for (name, value) in head {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 1 << 22).await.expect("a whole body");
        Fetched { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn address(&self, path: &str, key: &str, body: Value) -> String {
        let (status, opened) = self.call(Method::POST, path, key, body).await;
        assert_eq!(status, StatusCode::OK, "{opened}");
        assert!(opened["expires_at"].is_string());
        opened["url"].as_str().expect("an address").to_owned()
    }

    fn last(&self) -> Ask {
        self.asked.lock().expect("no panic").last().cloned().expect("something was asked")
    }
}

struct Fetched {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Fetched {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

#[tokio::test]
async fn recording_is_turned_on_and_off() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let path = path(&made, "").replace("recordings", "recording");
    for _ in 0..2 {
        let (status, on) = client.call(Method::POST, &path, key(&made), Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{on}");
        let id = ID.to_string();
        let wanted =
            json!({ "id": id, "by": "Ada", "since": "1970-01-01T00:00:01Z", "trouble": null });
        assert_eq!(on, wanted);
    }
    let (status, _) = client.call(Method::DELETE, &path, key(&made), Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(matches!(client.last(), Ask::Record { by: Moderator::Owner { .. }, on: false, .. }));
    let wrong = client.code(Method::POST, &path, "wrong", Value::Null).await;
    assert_eq!(wrong, (404, "not_found".to_owned()));
    let none = client.code(Method::POST, &path, "", Value::Null).await;
    assert_eq!(none, (401, "token_invalid".to_owned()));
}

#[tokio::test]
async fn where_no_recorder_is_the_answer_says_so() {
    let client = client(Config { region: "no recorder".to_owned(), ..config() }).await;
    let made = client.meeting().await;
    let path = path(&made, "").replace("recordings", "recording");
    let refused = client.code(Method::POST, &path, key(&made), Value::Null).await;
    assert_eq!(refused, (503, "no_recorder".to_owned()));
}

#[tokio::test]
async fn integrators_record_and_keep_what_their_tokens_let_them() {
    let secret = "an integrator's secret of 32 bytes";
    let api_keys = [("app".to_owned(), Secret::new(secret.to_owned()))].into();
    let client = client(Config { api_keys, ..config() }).await;
    let token = |grant: Value| {
        let exp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let exp = exp.expect("after 1970").as_secs() + 60;
        let claims = json!({ "iss": "app", "sub": "me", "nbf": 0, "exp": exp, "video": grant });
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("signed")
    };
    let recorder = token(json!({ "room": "standup", "roomRecord": true }));
    let admin = token(json!({ "room": "standup", "roomAdmin": true }));
    let room = client.tokens.verify_scope(&admin, Scope::Administer).expect("named");
    let path = format!("/meetings/{room}");
    for token in [&recorder, &admin] {
        let (status, _) =
            client.call(Method::POST, &format!("{path}/recording"), token, Value::Null).await;
        assert_eq!(status, StatusCode::OK);
        assert!(matches!(client.last(), Ask::Record { by: Moderator::Integrator, .. }));
        let list = format!("{path}/recordings");
        let (status, list) = client.call(Method::GET, &list, token, Value::Null).await;
        assert_eq!(
            (status, list["recordings"].as_array().map(Vec::len)),
            (StatusCode::OK, Some(1))
        );
        assert!(matches!(client.last(), Ask::Recordings { by: Moderator::Integrator, .. }));
        let elsewhere = format!("/meetings/{}/recordings", RoomId(5));
        assert_eq!(client.code(Method::GET, &elsewhere, token, Value::Null).await.0, 404);
    }
    let moderate = format!("{path}/mute");
    assert_eq!(client.code(Method::POST, &moderate, &recorder, Value::Null).await.0, 401);
    let guest = token(json!({ "room": "standup", "roomJoin": true }));
    client.call(Method::GET, &format!("{path}/recordings"), &guest, Value::Null).await;
    let asked = client.last();
    assert!(
        matches!(&asked, Ask::Recordings { by: Moderator::Participant(me), .. } if me == "me"),
        "the room decides: {asked:?}"
    );
}

#[tokio::test]
async fn a_recording_is_shown_in_full_to_those_who_keep_it() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let (status, list) = client.call(Method::GET, &path(&made, ""), key(&made), Value::Null).await;
    assert_eq!((status, &list["more"]), (StatusCode::OK, &json!(true)));
    let shown = &list["recordings"][0];
    assert_eq!(shown["started_at"], "2023-11-14T22:13:20.123Z");
    assert_eq!(shown["expires_at"], "2023-11-15T22:13:20Z");
    assert_eq!((&shown["state"], &shown["trouble"]), (&json!("ready"), &json!("disk_full")));
    assert!(!shown.to_string().contains("secret"), "details are for operators");
    assert_eq!(
        shown["people"][0],
        json!({ "participant": ParticipantId(5).to_string(), "name": "Ada" })
    );
    let job = JobId(3).to_string();
    assert_eq!(
        shown["files"][0],
        json!({ "name": "film.mp4", "kind": "film", "content_type": "video/mp4",
            "bytes": FILM_BYTES, "duration_ms": 60_000, "width": 1_920, "height": 1_080,
            "job": job })
    );
    assert_eq!(
        (&shown["files"][1]["at_ms"], &shown["files"][1]["kind"]),
        (&json!(9), &json!("thumbnail"))
    );
    assert_eq!(shown["files"][2]["offset_ms"], 250);
    assert_eq!(shown["files"][2]["track"], TrackId(4).to_string());
    let before = path(&made, "?before=2023-11-14T22:13:20.123Z");
    let (_, list) = client.call(Method::GET, &before, key(&made), Value::Null).await;
    assert_eq!(list, json!({ "recordings": [], "more": false }));
    let wrong = path(&made, "?before=yesterday");
    assert_eq!(client.code(Method::GET, &wrong, key(&made), Value::Null).await.0, 422);
    let one = path(&made, &format!("/{ID}"));
    let (status, one) = client.call(Method::GET, &one, key(&made), Value::Null).await;
    assert_eq!((status, &one), (StatusCode::OK, shown));
}

#[tokio::test]
async fn what_is_no_id_is_not_there_and_is_no_guess() {
    let client = client(Config { guesses_per_minute: 3, ..config() }).await;
    let made = client.meeting().await;
    for id in ["x", "RC_1", &RecordingId(5).to_string()] {
        for (method, rest, body) in [
            (Method::GET, "", Value::Null),
            (Method::PATCH, "", json!({ "title": "x" })),
            (Method::DELETE, "", Value::Null),
            (Method::POST, "/films", json!({ "layout": "grid" })),
            (Method::POST, "/shares", json!({ "expires_in_s": 60 })),
            (Method::DELETE, "/shares/x", Value::Null),
            (Method::POST, "/files/x", json!({})),
        ] {
            let path = path(&made, &format!("/{id}{rest}"));
            let answer = client.code(method, &path, key(&made), body).await;
            assert_eq!(answer, (404, "not_found".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn a_recording_is_renamed_filmed_again_and_deleted() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let one = path(&made, &format!("/{ID}"));
    let rename =
        |title: &str| client.call(Method::PATCH, &one, key(&made), json!({ "title": title }));
    let (status, renamed) = rename("  Talk \t of the year ").await;
    assert_eq!((status, &renamed["title"]), (StatusCode::OK, &json!("Talk of the year")));
    for title in ["", " ", "a\u{202e}b", "a\u{0}", &"x".repeat(121), &"\u{1f600}".repeat(65)] {
        assert_eq!(rename(title).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{title:?}");
    }
    let films = format!("{one}/films");
    let who = ParticipantId(5).to_string();
    let body = json!({ "layout": "screen", "without": [who] });
    let (status, filmed) = client.call(Method::POST, &films, key(&made), body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(
        filmed["jobs"][0],
        json!({ "id": JobId(8).to_string(), "kind": "film", "layout": "screen",
            "without": [who], "state": "running", "progress": 0.25 })
    );
    let asked = client.last();
    let Ask::ChangeRecording { change: Change::Compose { layout, without }, .. } = asked else {
        panic!("{asked:?}")
    };
    assert_eq!((layout, without), (Layout::Screen, vec![ParticipantId(5)]));
    for body in [
        json!({}),
        json!({ "layout": "circle" }),
        json!({ "layout": "grid", "without": ["Ada"] }),
        json!({ "layout": "grid", "color": "red" }),
    ] {
        let answer = client.code(Method::POST, &films, key(&made), body.clone()).await;
        assert_eq!(answer, (422, "invalid".to_owned()), "{body}");
    }
    let (status, _) = client.call(Method::DELETE, &one, key(&made), Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(client.code(Method::GET, &one, key(&made), Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_link_shows_films_and_nothing_else_and_ends() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let shares = path(&made, &format!("/{ID}/shares"));
    for seconds in [json!(59), json!(31_536_001), json!(-1), json!("60"), Value::Null] {
        let body = json!({ "expires_in_s": seconds });
        assert_eq!(client.code(Method::POST, &shares, key(&made), body).await.0, 422, "{seconds}");
    }
    let body = json!({ "expires_in_s": 3_600 });
    let (status, share) = client.call(Method::POST, &shares, key(&made), body).await;
    assert_eq!((status, &share["download"]), (StatusCode::CREATED, &json!(false)));
    let url = share["url"].as_str().expect("a link");
    let secret = url.strip_prefix("https://meet.test/recording#").expect("our own page");
    for shown in [secret, url] {
        let body = json!({ "secret": shown });
        let (status, seen) = client.call(Method::POST, "/shared-recordings", "", body).await;
        assert_eq!(status, StatusCode::OK, "{seen}");
        assert_eq!(seen["files"].as_array().map(Vec::len), Some(2));
        assert_eq!(seen["started_at"], "2023-11-14T22:13:20.123Z");
        let keys: Vec<&String> = seen.as_object().expect("an object").keys().collect();
        let wanted = ["download", "duration_ms", "expires_at", "files", "started_at", "title"];
        assert_eq!(keys, wanted, "nobody's name, no ids");
    }
    let film = "/shared-recordings/files/film.mp4";
    let address = client.address(film, "", json!({ "secret": secret })).await;
    assert_eq!(client.fetch(Method::GET, &address, &[]).await.body.len() as u64, FILM_BYTES);
    let body = json!({ "secret": secret, "download": true });
    let refused = client.code(Method::POST, film, "", body).await;
    assert_eq!(refused, (403, "not_permitted".to_owned()));
    let id = share["id"].as_str().expect("an id");
    let (status, _) =
        client.call(Method::DELETE, &format!("{shares}/{id}"), key(&made), Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for path in ["/shared-recordings", film] {
        let gone = client.code(Method::POST, path, "", json!({ "secret": secret })).await;
        assert_eq!(gone, (404, "link_invalid".to_owned()));
    }
    let address = client.fetch(Method::GET, &address, &[]).await;
    assert_eq!(address.status, 200, "for a moment what was granted is still read");
}

#[tokio::test]
async fn guessing_links_to_recordings_is_blocked_and_good_ones_are_no_guesses() {
    let client = client(Config { guesses_per_minute: 5, ..config() }).await;
    let made = client.meeting().await;
    let shares = path(&made, &format!("/{ID}/shares"));
    let body = json!({ "expires_in_s": 3_600, "download": true });
    let (_, share) = client.call(Method::POST, &shares, key(&made), body).await;
    let good = json!({ "secret": share["url"] });
    for _ in 0..20 {
        let (status, _) = client.call(Method::POST, "/shared-recordings", "", good.clone()).await;
        assert_eq!(status, StatusCode::OK);
    }
    for number in 0..5 {
        let path = ["/shared-recordings", "/shared-recordings/files/film.mp4"][number % 2];
        let wrong = json!({ "secret": "A".repeat(32) });
        let answer = client.code(Method::POST, path, "", wrong).await;
        assert_eq!(answer, (404, "link_invalid".to_owned()));
    }
    let answer = client.code(Method::POST, "/shared-recordings", "", good).await;
    assert_eq!(answer, (429, "too_many_requests".to_owned()), "nor can it tell any more");
    let answer = client.code(Method::POST, "/entries", "", json!({ "link": "A".repeat(32) })).await;
    assert_eq!(answer.0, 429, "one budget for all links");
}

#[tokio::test]
async fn a_file_is_read_whole_and_in_parts_as_players_ask() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let file = path(&made, &format!("/{ID}/files/film.mp4"));
    let url = client.address(&file, key(&made), json!({})).await;
    let whole = client.fetch(Method::GET, &url, &[]).await;
    assert_eq!((whole.status, whole.header("content-type")), (200, "video/mp4"));
    assert!(whole.body == film(0..FILM_BYTES), "every byte");
    assert_eq!(whole.header("content-length"), FILM_BYTES.to_string());
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("cache-control"), "private, no-store");
    assert_eq!(whole.header("content-security-policy"), "sandbox");
    assert!(whole.header("content-disposition").starts_with("inline; filename=\"Weekly one.mp4\""));
    for (range, bytes) in [
        ("bytes=0-0", 0..1),
        ("bytes=300000-", 300_000..FILM_BYTES),
        ("bytes=99999-200000", 99_999..200_001),
        ("bytes=-500", FILM_BYTES - 500..FILM_BYTES),
        ("bytes=0-99999999", 0..FILM_BYTES),
    ] {
        let part = client.fetch(Method::GET, &url, &[("range", range)]).await;
        assert_eq!(part.status, 206, "{range}");
        let wanted = format!("bytes {}-{}/{FILM_BYTES}", bytes.start, bytes.end - 1);
        assert_eq!(part.header("content-range"), wanted);
        assert!(part.body == film(bytes), "{range}");
    }
    let beyond = client.fetch(Method::GET, &url, &[("range", "bytes=700001-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */700001"));
    for head in
        [&[("range", "bytes=0-1,5-6")][..], &[("range", "bytes=0-1"), ("if-range", "\"x\"")]]
    {
        assert_eq!(client.fetch(Method::GET, &url, head).await.status, 200, "{head:?}");
    }
    let asked = client.asked.lock().expect("no panic").len();
    let head = client.fetch(Method::HEAD, &url, &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), FILM_BYTES.to_string());
    let head = client.fetch(Method::HEAD, &url, &[("range", "bytes=0-9")]).await;
    assert_eq!((head.status, head.header("content-length")), (206, "10"));
    let still = client.asked.lock().expect("no panic").len();
    assert_eq!(still, asked, "the controller is not asked for every part");
}

#[tokio::test]
async fn a_download_has_a_name_and_what_is_no_medium_is_never_shown_as_one() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let file = |name: &str| path(&made, &format!("/{ID}/files/{name}"));
    let url = client.address(&file("film.mp4"), key(&made), json!({ "download": true })).await;
    let kept = client.fetch(Method::HEAD, &url, &[]).await;
    assert!(
        kept.header("content-disposition").starts_with("attachment; filename=\"Weekly one.mp4\"")
    );
    let url = client.address(&file("page.jpg"), key(&made), json!({})).await;
    let page = client.fetch(Method::GET, &url, &[]).await;
    assert_eq!(page.header("content-type"), "application/octet-stream", "whatever it says it is");
    let url = client.address(&file("track.webm"), key(&made), json!({})).await;
    let empty = client.fetch(Method::GET, &url, &[]).await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    assert_eq!(client.code(Method::POST, &file("other"), key(&made), json!({})).await.0, 404);
}

#[tokio::test]
async fn an_address_opens_one_file_for_an_hour_and_nothing_that_was_taken_back() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let file = path(&made, &format!("/{ID}/files/film.mp4"));
    let url = client.address(&file, key(&made), json!({})).await;
    let token = url.rsplit('/').next().expect("a token");
    let entry = client.entry(&secret_of(&made["links"]["viewer"])).await;
    let (_, opened) =
        client.call(Method::POST, "/sessions", &entry, json!({ "name": "Ana" })).await;
    let session = opened["token"].as_str().expect("a token");
    for wrong in ["x", &token[..token.len() - 2], session, "a.b.c"] {
        let answer = client.code(Method::GET, &format!("/media/{wrong}"), "", Value::Null).await;
        assert_eq!(answer, (401, "token_invalid".to_owned()), "{wrong:.20}");
    }
    let old = std::time::SystemTime::now() - Duration::from_secs(3_700);
    let media = client.tokens.verify_media(token).expect("good");
    let (old, _) = client.tokens.issue_media(&media, old);
    let answer = client.code(Method::GET, &format!("/media/{old}"), "", Value::Null).await;
    assert_eq!(answer, (401, "token_expired".to_owned()));
    let one = path(&made, &format!("/{ID}"));
    client.call(Method::DELETE, &one, key(&made), Value::Null).await;
    let gone = client.code(Method::GET, &format!("/media/{token}"), "", Value::Null).await;
    assert_eq!(gone, (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_loop_over_one_address_is_slowed() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let file = path(&made, &format!("/{ID}/files/film.mp4"));
    let url = client.address(&file, key(&made), json!({})).await;
    let mut parts = 0;
    while client.fetch(Method::HEAD, &url, &[]).await.status == 200 {
        parts += 1;
        assert!(parts < 200);
    }
    assert!(parts >= 60, "{parts}");
}

#[tokio::test]
async fn whoever_does_not_take_a_file_does_not_make_the_recorder_send_it() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let file = path(&made, &format!("/{ID}/files/film.mp4"));
    let url = client.address(&file, key(&made), json!({})).await;
    let path = url.strip_prefix("/api/v1").expect("an address of ours");
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = client.router.clone().oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::OK);
    drop(response);
    // Its link is closed, and others are served.
    let part = client.fetch(Method::GET, &url, &[("range", "bytes=5-9")]).await;
    assert!(part.body == film(5..10));
}
