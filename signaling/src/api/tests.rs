//! Every call with good and bad input, against a controller that keeps meetings in a table.

mod recordings;

use super::*;
use crate::token::InvalidToken;
use crate::token::scope::Scope;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use lectern_control::access::{
    Access, Admission, Entry, EntryKey, Moderation, Moderator, Opened, PinChange,
};
use lectern_control::delivery::Number;
use lectern_control::edge::{
    self, FromEdge, LinkInfo, Meeting, Reader, RequestError, Response, ToEdge,
};
use lectern_control::room::Role;
use lectern_control::{EntryId, LinkId, RoomId, Secret, Version, frame};
use recordings::Catalogue;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const OPERATOR_KEY: &str = "an operator's key of 32 bytes at least";

/// The far end of a link: as much of a controller as the API needs, over the real messages.
#[derive(Default)]
struct Meetings {
    meetings: HashMap<RoomId, (Meeting, [u8; 32])>,
    secrets: HashMap<[u8; 32], (RoomId, LinkId)>,
    entries: Vec<Option<(RoomId, LinkInfo)>>,
    pins: HashMap<RoomId, String>,
    catalogue: Catalogue,
}

impl Meetings {
    fn owned(&mut self, room: RoomId, hash: [u8; 32]) -> Result<&mut Meeting, RequestError> {
        let known = self.meetings.get_mut(&room).filter(|(_, key)| *key == hash);
        known.map(|(meeting, _)| meeting).ok_or(RequestError::NotFound)
    }

    fn answer(&mut self, body: edge::Request) -> Result<Response, RequestError> {
        match body {
            edge::Request::CreateMeeting {
                name,
                expires_at_unix_ms,
                owner_key_hash,
                lobby,
                pin,
                ..
            } => {
                let room = RoomId(self.meetings.len() as u64 + 1);
                let meeting = Meeting {
                    room,
                    name,
                    created_at_unix_ms: 0,
                    expires_at_unix_ms,
                    links: vec![],
                    access: Access { locked: false, lobby, pin_set: pin != PinChange::Keep },
                };
                if let PinChange::Set(pin) = pin {
                    self.pins.insert(room, pin.expose().clone());
                }
                self.meetings.insert(room, (meeting.clone(), owner_key_hash));
                Ok(Response::Meeting(meeting))
            }
            edge::Request::Meeting { room, owner_key_hash } => {
                Ok(Response::Meeting(self.owned(room, owner_key_hash)?.clone()))
            }
            edge::Request::CreateLink {
                room,
                owner_key_hash,
                role,
                expires_at_unix_ms,
                secret_hash,
            } => {
                let id = LinkId(self.secrets.len() as u64 + 1);
                let link = LinkInfo { id, role, expires_at_unix_ms, revoked: false };
                self.owned(room, owner_key_hash)?.links.push(link.clone());
                self.secrets.insert(secret_hash, (room, id));
                Ok(Response::Link(link))
            }
            edge::Request::RevokeLink { room, owner_key_hash, link } => {
                let links = &mut self.owned(room, owner_key_hash)?.links;
                let link = links.iter_mut().find(|known| known.id == link);
                link.ok_or(RequestError::Absent)?.revoked = true;
                Ok(Response::Done)
            }
            edge::Request::Moderate { room, by: Moderator::Owner { owner_key_hash }, action } => {
                self.owned(room, owner_key_hash)?;
                // Nobody is here.
                match action {
                    Moderation::Remove { .. } => Err(RequestError::Absent),
                    _ => Ok(Response::Done),
                }
            }
            edge::Request::Nodes => Ok(Response::Nodes(vec![])),
            edge::Request::Rooms => Ok(Response::Rooms(vec![])),
            edge::Request::MoveRoom { room, .. } if self.meetings.contains_key(&room) => {
                Ok(Response::Done)
            }
            other => self.of_recordings(other),
        }
    }

    fn of_recordings(&mut self, body: edge::Request) -> Result<Response, RequestError> {
        match body {
            edge::Request::Record { room, ref by, .. }
            | edge::Request::Recordings { room, ref by, .. }
            | edge::Request::Recording { room, ref by, .. }
            | edge::Request::ChangeRecording { room, ref by, .. }
            | edge::Request::ReadRecording { by: Reader::Moderator { room, ref by }, .. } => {
                if let Moderator::Owner { owner_key_hash } = by {
                    self.owned(room, *owner_key_hash)?;
                }
                self.catalogue.answer(body)
            }
            edge::Request::ReadRecording { .. } | edge::Request::SharedRecording { .. } => {
                self.catalogue.answer(body)
            }
            other => self.let_in(other),
        }
    }

    /// The way in.
    fn let_in(&mut self, body: edge::Request) -> Result<Response, RequestError> {
        match body {
            edge::Request::OpenEntry { key: EntryKey::Link { secret_hash } } => {
                let (room, id) = *self.secrets.get(&secret_hash).ok_or(RequestError::NotFound)?;
                let meeting = self.meetings[&room].0.clone();
                let link = meeting.links.iter().find(|link| link.id == id && !link.revoked);
                let link = link.cloned().ok_or(RequestError::NotFound)?;
                let id = EntryId(self.entries.len() as u64);
                self.entries.push(Some((room, link.clone())));
                let entry = Entry { id, role: link.role, link: Some(link), meeting };
                Ok(Response::Entry(Box::new(entry)))
            }
            edge::Request::OpenSession { entry, pin } => {
                let open = self.entries.get_mut(entry.0 as usize);
                let open = open.ok_or(RequestError::EntryInvalid)?;
                let (room, link) = open.clone().ok_or(RequestError::EntryInvalid)?;
                if self.pins.get(&room) != pin.as_ref().map(Secret::expose) {
                    return Err(RequestError::PinWrong);
                }
                *open = None;
                let meeting = self.meetings[&room].0.clone();
                let opened = Opened { role: link.role, link: Some(link.id), meeting };
                Ok(Response::Opened(Box::new(opened)))
            }
            edge::Request::Knock { room, knock } => {
                let meeting = &self.meetings[&room].0;
                let admission = if meeting.access.lobby && knock.role == Role::Viewer {
                    Admission::Waiting { position: 1, waiting: 1, message: String::new() }
                } else {
                    Admission::Admitted { lasting: false }
                };
                let room_name = meeting.name.clone();
                Ok(Response::Admission { admission, role: knock.role, room_name })
            }
            _ => Err(RequestError::NotFound),
        }
    }
}

struct Client {
    router: Router,
    tokens: Arc<Tokens>,
    /// What was asked about recordings.
    asked: Arc<Mutex<Vec<edge::Request>>>,
    _links: mpsc::Sender<crate::controller_link::Link>,
}

async fn client(config: Config) -> Client {
    let (to_edge, incoming) = mpsc::channel::<Bytes>(16);
    let (outgoing, mut from_edge) = mpsc::channel::<Bytes>(16);
    let (links, receiver) = mpsc::channel(1);
    let controller = Controller::new(
        crate::controller_link::Metrics::new(&prometheus::Registry::new()).expect("fresh names"),
    );
    let edge = "edge-1".parse().expect("a name");
    tokio::spawn(controller.clone().run(edge, String::new(), receiver, CancellationToken::new()));
    links.send((outgoing, incoming)).await.expect("running");
    let (linked, ready) = tokio::sync::oneshot::channel();
    let (dials, dialled) = mpsc::channel(4);
    let no_recorder = config.region == "no recorder";
    let mut catalogue = Catalogue::default();
    catalogue.no_recorder = no_recorder;
    let asked = catalogue.asked.clone();
    catalogue.serve(dialled);
    tokio::spawn(async move {
        let mut meetings = Meetings { catalogue, ..Meetings::default() };
        let mut linked = Some(linked);
        while let Some(message) = from_edge.recv().await {
            let reply = match frame::decode(&message).expect("a message of an edge") {
                FromEdge::Hello { .. } => {
                    ToEdge::Welcome { version: Version::CURRENT, said: Number::default() }
                }
                FromEdge::Heard { .. } => continue,
                FromEdge::Request { request, body } => {
                    ToEdge::Response { request, result: meetings.answer(body) }
                }
            };
            to_edge.send(frame::encode(&reply).expect("encodes")).await.expect("open");
            linked.take().map(|linked| linked.send(()));
        }
    });
    ready.await.expect("linked");
    let tokens = Arc::new(Tokens::new(&config, [1; 32]));
    let recorders = Recorders::new(dials);
    let router = router(Api::new(Arc::new(config), controller, recorders, tokens.clone()));
    let address: SocketAddr = "192.0.2.1:1000".parse().expect("an address");
    let router = router.layer(axum::Extension(ConnectInfo(address)));
    Client { router, tokens, asked, _links: links }
}

fn config() -> Config {
    Config {
        operator_key: Some(Secret::new(OPERATOR_KEY.to_owned())),
        guesses_per_minute: 1_000,
        ..Config::default()
    }
}

impl Client {
    async fn raw(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("a body");
        (head.status, head.headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header("host", "meet.test");
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).expect("a request");
        let (status, _, body) = self.raw(request).await;
        (status, body)
    }

    async fn entry(&self, link: &str) -> String {
        let (status, entry) =
            self.call(Method::POST, "/entries", "", json!({ "link": link })).await;
        assert_eq!(status, StatusCode::OK, "{entry}");
        entry["entry_token"].as_str().expect("a token").to_owned()
    }

    async fn meeting(&self) -> Value {
        let (status, made) =
            self.call(Method::POST, "/meetings", "", json!({ "name": "Weekly" })).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made
    }

    async fn code(&self, method: Method, path: &str, key: &str, body: Value) -> (u16, String) {
        let (status, problem) = self.call(method, path, key, body).await;
        assert_eq!(problem["status"], status.as_u16());
        (status.as_u16(), problem["code"].as_str().unwrap_or_default().to_owned())
    }
}

fn secret_of(link: &Value) -> String {
    let url = link["url"].as_str().expect("a link");
    let secret = url.strip_prefix("https://meet.test/j#").expect("our own origin");
    assert!(secret.len() >= 22, "128 bits at least");
    secret.to_owned()
}

#[tokio::test]
async fn a_link_leads_to_a_token_that_grants_its_role() {
    let client = client(config()).await;
    let made = client.meeting().await;
    for (name, publishes) in [("viewer", false), ("presenter", true)] {
        let link = secret_of(&made["links"][name]);
        for shown in [json!(link), made["links"][name]["url"].clone()] {
            let body = json!({ "link": shown });
            let (status, entry) = client.call(Method::POST, "/entries", "", body).await;
            assert_eq!((status, &entry["role"]), (StatusCode::OK, &json!(name)));
            assert_eq!(entry["meeting"]["name"], "Weekly");
        }
        let entry = client.entry(&link).await;
        let body = json!({ "name": "  Ana  B " });
        let (status, joined) = client.call(Method::POST, "/sessions", &entry, body.clone()).await;
        assert_eq!(status, StatusCode::CREATED, "{joined}");
        assert_eq!(joined["admission"], json!({ "state": "admitted" }));
        let again = client.code(Method::POST, "/sessions", &entry, body).await;
        assert_eq!(again, (401, "token_invalid".to_owned()), "one entry, one session");
        assert_eq!(joined["url"], "wss://meet.test");
        let session = client.tokens.verify(joined["token"].as_str().expect("a token"));
        let session = session.expect("a good token");
        assert_eq!(session.name, "Ana B");
        assert_eq!(session.permissions.publish, publishes);
        assert_eq!(session.identity, joined["identity"].as_str().expect("an identity"));
    }
    assert_eq!(client.tokens.verify("x"), Err(InvalidToken::Invalid));
}

#[tokio::test]
async fn a_revoked_link_gets_the_answer_of_one_that_never_was() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let (id, key) = (made["meeting"]["id"].as_str().expect("an id"), &made["owner_key"]);
    let key = key.as_str().expect("a key");
    let viewer = &made["links"]["viewer"];
    let link = secret_of(viewer);
    let path = format!("/meetings/{id}/links/{}", viewer["id"].as_str().expect("an id"));
    let (status, _) = client.call(Method::DELETE, &path, key, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let inspect = |link: String| client.call(Method::POST, "/entries", "", json!({ "link": link }));
    let revoked = inspect(link).await;
    assert_eq!(revoked.0, StatusCode::NOT_FOUND);
    assert_eq!(revoked, inspect("A".repeat(32)).await);
    let (_, meeting) = client.call(Method::GET, &format!("/meetings/{id}"), key, Value::Null).await;
    assert_eq!(meeting["links"][1]["revoked"], true);
}

#[tokio::test]
async fn only_the_owner_s_key_manages_a_meeting() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let other = client.meeting().await;
    let path = format!("/meetings/{}", made["meeting"]["id"].as_str().expect("an id"));
    let foreign = other["owner_key"].as_str().expect("a key");
    for (key, expected) in [("", 401), (foreign, 404), ("x", 404), (&"x".repeat(4_000)[..], 404)] {
        assert_eq!(client.code(Method::GET, &path, key, Value::Null).await.0, expected);
        let links = format!("{path}/links");
        let body = json!({ "role": "viewer" });
        assert_eq!(client.code(Method::POST, &links, key, body).await.0, expected);
        let link = format!("{links}/{}", made["links"]["viewer"]["id"].as_str().expect("an id"));
        assert_eq!(client.code(Method::DELETE, &link, key, Value::Null).await.0, expected);
    }
    let own = made["owner_key"].as_str().expect("a key");
    let body = json!({ "role": "viewer", "expires_in_s": 3600 });
    let (status, link) = client.call(Method::POST, &format!("{path}/links"), own, body).await;
    assert_eq!(status, StatusCode::CREATED);
    secret_of(&link);
    assert_eq!(client.code(Method::GET, "/meetings/nonsense", own, Value::Null).await.0, 404);
}

#[tokio::test]
async fn bad_fields_are_named_and_nothing_is_made() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let link = secret_of(&made["links"]["viewer"]);
    for body in [
        json!({ "name": "" }),
        json!({ "name": "x".repeat(65) }),
        json!({ "name": "a\u{202e}b" }),
        json!({ "name": 7 }),
        json!({ "expires_in_s": 59 }),
        json!({ "expires_in_s": u64::MAX }),
        json!({ "expires_in_s": -1 }),
        json!({ "keep_recordings_days": 0 }),
        json!({ "keep_recordings_days": 3_651 }),
        json!({ "unknown": true }),
        json!("text"),
    ] {
        let answer = client.code(Method::POST, "/meetings", "", body.clone()).await;
        assert_eq!(answer, (422, "invalid".to_owned()), "{body}");
    }
    let entry = client.entry(&link).await;
    for name in [
        json!(""),
        json!("\u{0}"),
        json!("a\u{202e}b"),
        json!("a\u{2066}b"),
        json!("y".repeat(65)),
        json!("y".repeat(12_000)),
        Value::Null,
    ] {
        let body = json!({ "name": name });
        assert_eq!(client.code(Method::POST, "/sessions", &entry, body).await.0, 422, "{name}");
    }
    let body = json!({ "name": "Ana", "message": "z".repeat(201) });
    assert_eq!(client.code(Method::POST, "/sessions", &entry, body).await.0, 422);
    let body = json!({ "name": "<b>Ana</b> & \"Bo\"" });
    let (status, _) = client.call(Method::POST, "/sessions", &entry, body).await;
    assert_eq!(status, StatusCode::CREATED, "markup is text as any other");
    for link in ["", "x", "é", &"x".repeat(10_000)] {
        let body = json!({ "link": link });
        let answer = client.code(Method::POST, "/entries", "", body).await;
        assert_eq!(answer, (404, "link_invalid".to_owned()));
    }
}

#[tokio::test]
async fn bodies_that_are_large_or_no_json_are_refused() {
    let client = client(config()).await;
    let send = |kind: &'static str, body: String| {
        let request = Request::post("/meetings").header("host", "meet.test");
        client.raw(request.header("content-type", kind).body(Body::from(body)).expect("a request"))
    };
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(MAX_BODY_BYTES));
    assert_eq!(send("application/json", large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send("text/plain", "{}".to_owned()).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, headers, _) = send("application/json", "{".repeat(5_000)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn guessing_links_is_blocked_for_a_while_and_says_how_long() {
    let client = client(Config { guesses_per_minute: 5, ..config() }).await;
    let body = json!({ "link": "A".repeat(32) });
    for _ in 0..5 {
        let answer = client.code(Method::POST, "/entries", "", body.clone()).await;
        assert_eq!(answer.0, 404);
    }
    let (status, problem) = client.call(Method::POST, "/entries", "", body).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(problem["retry_after_s"].as_u64().is_some_and(|s| (890..=901).contains(&s)));
}

#[tokio::test]
async fn good_links_and_good_keys_are_no_guesses() {
    let client = client(Config { guesses_per_minute: 3, ..config() }).await;
    let made = client.meeting().await;
    let link = secret_of(&made["links"]["viewer"]);
    let (id, key) = (made["meeting"]["id"].as_str(), made["owner_key"].as_str());
    let (path, key) = (format!("/meetings/{}", id.expect("an id")), key.expect("a key"));
    for _ in 0..20 {
        client.entry(&link).await;
        assert_eq!(client.call(Method::GET, &path, key, Value::Null).await.0, StatusCode::OK);
    }
    for _ in 0..3 {
        assert_eq!(client.code(Method::GET, &path, "wrong", Value::Null).await.0, 404);
    }
    let body = json!({ "link": link });
    let (status, _) = client.call(Method::POST, "/entries", "", body).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "who has guessed too often cannot tell");
}

#[tokio::test]
async fn what_is_not_there_is_no_wrong_key() {
    let client = client(Config { guesses_per_minute: 3, ..config() }).await;
    let made = client.meeting().await;
    let path = format!("/meetings/{}", made["meeting"]["id"].as_str().expect("an id"));
    let key = made["owner_key"].as_str().expect("a key");
    let absent = (404, "not_found".to_owned());
    for _ in 0..10 {
        let person = format!("{path}/people/nobody");
        assert_eq!(client.code(Method::DELETE, &person, key, Value::Null).await, absent);
        let link = format!("{path}/links/{}", LinkId(99));
        assert_eq!(client.code(Method::DELETE, &link, key, Value::Null).await, absent);
    }
    assert_eq!(client.call(Method::GET, &path, key, Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn one_person_s_loop_of_calls_is_slowed_and_told_how_long_to_wait() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let entry = client.entry(&secret_of(&made["links"]["viewer"])).await;
    let body = json!({ "name": "Ana" });
    let (_, opened) = client.call(Method::POST, "/sessions", &entry, body).await;
    let path = format!("/meetings/{}/mute", made["meeting"]["id"].as_str().expect("an id"));
    let (token, key) = (opened["token"].as_str(), made["owner_key"].as_str());
    for (method, path, key) in
        [(Method::POST, "/sessions/renew", token), (Method::POST, &path[..], key)]
    {
        let call = || client.call(method.clone(), path, key.expect("a key"), Value::Null);
        let mut calls = 0;
        let problem = loop {
            let (status, body) = call().await;
            match status {
                StatusCode::TOO_MANY_REQUESTS => break body,
                _ => calls += 1,
            }
            assert!(calls < 100 && status.is_success(), "{body}");
        };
        assert!(calls >= 60 && problem["retry_after_s"] == 1, "{calls} {problem}");
    }
    for (method, path) in
        [(Method::GET, "/sessions/current"), (Method::DELETE, "/sessions/current")]
    {
        let answer = client.code(method, path, token.expect("a token"), Value::Null).await;
        assert_eq!(answer, (429, "too_many_requests".to_owned()), "one budget for all calls");
    }
}

#[tokio::test]
async fn a_loop_of_good_links_from_one_address_does_not_go_on() {
    let client = client(Config { connects_per_minute: 5, ..config() }).await;
    let made = client.meeting().await;
    let link = secret_of(&made["links"]["viewer"]);
    let entries = [(); 25].map(|()| client.entry(&link));
    let entries = futures_util::future::join_all(entries).await;
    let body = json!({ "link": link });
    let answer = client.code(Method::POST, "/entries", "", body).await;
    assert_eq!(answer, (429, "too_many_requests".to_owned()));
    let body = json!({ "name": "Ana" });
    for entry in &entries {
        let opened = client.call(Method::POST, "/sessions", entry, body.clone()).await;
        assert_eq!(opened.0, StatusCode::CREATED);
    }
    let answer = client.code(Method::POST, "/sessions", &entries[0], body).await;
    assert_eq!(answer, (429, "too_many_requests".to_owned()));
}

#[tokio::test]
async fn operators_need_their_key() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let id = made["meeting"]["id"].as_str().expect("an id");
    let own = made["owner_key"].as_str().expect("a key");
    let path = format!("/operator/rooms/{id}/move");
    for key in ["", own, "wrong"] {
        assert_eq!(client.code(Method::GET, "/operator/nodes", key, Value::Null).await.0, 401);
        assert_eq!(client.code(Method::POST, &path, key, json!({})).await.0, 401);
    }
    let (status, _) = client.call(Method::GET, "/operator/rooms", OPERATOR_KEY, Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) =
        client.call(Method::POST, &path, OPERATOR_KEY, json!({ "node": "n-2" })).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let answer = client.code(Method::POST, &path, OPERATOR_KEY, json!({ "node": "N 2" })).await;
    assert_eq!(answer.0, 422);
}

#[tokio::test]
async fn the_description_names_every_call() {
    let client = client(config()).await;
    let (status, description) = client.call(Method::GET, "/openapi.json", "", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let paths = description["paths"].as_object().expect("paths");
    for path in [
        "/api/v1/meetings",
        "/api/v1/meetings/{meeting}",
        "/api/v1/meetings/{meeting}/links",
        "/api/v1/meetings/{meeting}/links/{link}",
        "/api/v1/meetings/{meeting}/entries",
        "/api/v1/meetings/{meeting}/people",
        "/api/v1/meetings/{meeting}/access",
        "/api/v1/meetings/{meeting}/lobby/admit",
        "/api/v1/meetings/{meeting}/lobby/{identity}/admit",
        "/api/v1/meetings/{meeting}/lobby/{identity}/refuse",
        "/api/v1/meetings/{meeting}/mute",
        "/api/v1/meetings/{meeting}/people/{identity}",
        "/api/v1/meetings/{meeting}/people/{identity}/mute",
        "/api/v1/meetings/{meeting}/people/{identity}/stop-share",
        "/api/v1/meetings/{meeting}/people/{identity}/role",
        "/api/v1/meetings/{meeting}/people/{identity}/hand-over",
        "/api/v1/meetings/{meeting}/end",
        "/api/v1/meetings/{meeting}/audit",
        "/api/v1/meetings/{meeting}/recording",
        "/api/v1/meetings/{meeting}/recordings",
        "/api/v1/meetings/{meeting}/recordings/{recording}",
        "/api/v1/meetings/{meeting}/recordings/{recording}/films",
        "/api/v1/meetings/{meeting}/recordings/{recording}/shares",
        "/api/v1/meetings/{meeting}/recordings/{recording}/shares/{share}",
        "/api/v1/meetings/{meeting}/recordings/{recording}/files/{file}",
        "/api/v1/shared-recordings",
        "/api/v1/shared-recordings/files/{file}",
        "/api/v1/media/{token}",
        "/api/v1/entries",
        "/api/v1/sessions",
        "/api/v1/sessions/current",
        "/api/v1/sessions/renew",
        "/api/v1/operator/nodes",
        "/api/v1/operator/rooms",
        "/api/v1/operator/rooms/{room}/move",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    assert_eq!(paths.len(), 35);
    assert_eq!(client.code(Method::GET, "/nothing", "", Value::Null).await.0, 404);
    assert_eq!(client.code(Method::PUT, "/entries", "", Value::Null).await.0, 405);
}

#[tokio::test]
async fn wrong_pins_block_an_address_and_right_ones_never_do() {
    let client = client(config()).await;
    let body = json!({ "name": "Weekly", "pin": "246810", "lobby": true });
    let (_, made) = client.call(Method::POST, "/meetings", "", body).await;
    assert_eq!(
        made["meeting"]["access"],
        json!({ "locked": false, "lobby": true, "pin_set": true })
    );
    let link = secret_of(&made["links"]["viewer"]);
    let with = |pin: Value| {
        let (client, link) = (&client, link.clone());
        async move {
            let entry = client.entry(&link).await;
            client
                .call(Method::POST, "/sessions", &entry, json!({ "name": "Ana", "pin": pin }))
                .await
        }
    };
    for _ in 0..20 {
        assert_eq!(with(json!("246810")).await.0, StatusCode::CREATED);
    }
    let entry = client.entry(&link).await;
    let none = client.code(Method::POST, "/sessions", &entry, json!({ "name": "Ana" })).await;
    assert_eq!(none, (403, "pin_wrong".to_owned()), "asking without one is no try");
    for wrong in ["1", "246811", "", "abc", "２４６８１０"] {
        let (status, problem) = with(json!(wrong)).await;
        assert_eq!((status.as_u16(), &problem["code"]), (403, &json!("pin_wrong")), "{wrong}");
    }
    let (status, problem) = with(json!("246810")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{problem}");
    for pin in [json!("12345"), json!("abcdef"), json!("1".repeat(13)), json!(246810)] {
        // The controller judges the PIN of a new meeting; this one takes any text.
        if pin.is_number() {
            let body = json!({ "name": "Weekly", "pin": pin });
            assert_eq!(client.code(Method::POST, "/meetings", "", body).await.0, 422);
        }
    }
}

#[tokio::test]
async fn of_two_calls_that_wait_for_one_person_the_earlier_is_answered_at_once() {
    let client = client(config()).await;
    let body = json!({ "name": "Weekly", "lobby": true });
    let (_, made) = client.call(Method::POST, "/meetings", "", body).await;
    let entry = client.entry(&secret_of(&made["links"]["viewer"])).await;
    let body = json!({ "name": "Ana" });
    let (_, opened) = client.call(Method::POST, "/sessions", &entry, body).await;
    let token = opened["token"].as_str().expect("a token");
    let client = &client;
    let wait = |seconds: u32| {
        let path = format!("/sessions/current?wait_s={seconds}");
        async move {
            let (status, state) = client.call(Method::GET, &path, token, Value::Null).await;
            assert_eq!((status, &state["admission"]["state"]), (StatusCode::OK, &json!("waiting")));
            Instant::now()
        }
    };
    let later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        wait(1).await
    };
    let (earlier, later) = tokio::join!(wait(25), later);
    assert!(earlier + Duration::from_millis(500) < later);
}

#[tokio::test]
async fn a_page_of_another_kind_of_token_gets_nowhere() {
    let client = client(config()).await;
    let made = client.meeting().await;
    let link = secret_of(&made["links"]["viewer"]);
    let entry = client.entry(&link).await;
    let body = json!({ "name": "Ana" });
    let (_, opened) = client.call(Method::POST, "/sessions", &entry, body.clone()).await;
    let session = opened["token"].as_str().expect("a token").to_owned();
    let invalid = (401, "token_invalid".to_owned());
    for token in ["", "x", "a.b.c", &session, made["owner_key"].as_str().expect("a key")] {
        let refused = client.code(Method::POST, "/sessions", token, body.clone()).await;
        assert_eq!(refused, invalid, "{token:.12}");
    }
    let fresh = client.entry(&link).await;
    for (method, path) in [
        (Method::GET, "/sessions/current"),
        (Method::POST, "/sessions/renew"),
        (Method::DELETE, "/sessions/current"),
    ] {
        let refused = client.code(method, path, &fresh, Value::Null).await;
        assert_eq!(refused, invalid, "{path}");
    }
    let (status, renewed) =
        client.call(Method::POST, "/sessions/renew", &session, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{renewed}");
    assert_eq!(renewed["identity"], opened["identity"], "the same person");
    assert_eq!(renewed["meeting"]["name"], "Weekly");
    let query = "/sessions/current?wait_s=x";
    assert_eq!(client.code(Method::GET, query, &session, Value::Null).await.0, 422);
}
