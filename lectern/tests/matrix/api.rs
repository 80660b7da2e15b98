//! Every call of the description, by everybody.

use super::{ASKERS, Asker, House};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a call answers to each asker, in the order of [`ASKERS`].
type Answers = [u16; 7];

/// Whoever asks gets the same.
const fn everybody(status: u16) -> Answers {
    [status; 7]
}

/// Only the owner's key opens these, and tokens are no keys.
const KEY_ONLY: Answers = [401, 404, 404, 404, 404, 404, 404];
/// For presenters and owners in the room.
const fn moderators(status: u16) -> Answers {
    [401, 401, 401, 404, 403, status, status]
}
/// For owners in the room.
const fn owners(status: u16) -> Answers {
    [401, 401, 401, 404, 403, 403, status]
}

const RECORDING: &str = "/api/v1/meetings/{meeting}/recordings/{recording}";
const FILMS: &str = "/api/v1/meetings/{meeting}/recordings/{recording}/films";
const SHARES: &str = "/api/v1/meetings/{meeting}/recordings/{recording}/shares";
const SHARE: &str = "/api/v1/meetings/{meeting}/recordings/{recording}/shares/{share}";
const FILE: &str = "/api/v1/meetings/{meeting}/recordings/{recording}/files/{file}";
/// Of a link that nobody made.
const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

type Row = (&'static str, &'static str, Value, Answers);

/// A call: method, path, body, and what is expected. Whom it is about is not there, where that would
/// change the room: who may do it hears so with a 404, and who may not with a 403.
fn expected(house: &House) -> Vec<Row> {
    let no_one = Value::Null;
    let link = json!({ "link": house.here.viewer_link });
    vec![
        ("post", "/api/v1/meetings", json!({}), everybody(201)),
        ("post", "/api/v1/entries", link, everybody(200)),
        ("get", "/api/v1/meetings/{meeting}", no_one.clone(), KEY_ONLY),
        ("post", "/api/v1/meetings/{meeting}/links", json!({ "role": "viewer" }), KEY_ONLY),
        ("delete", "/api/v1/meetings/{meeting}/links/{link}", no_one.clone(), KEY_ONLY),
        ("post", "/api/v1/meetings/{meeting}/entries", no_one.clone(), KEY_ONLY),
        ("get", "/api/v1/operator/nodes", no_one.clone(), everybody(401)),
        ("get", "/api/v1/operator/rooms", no_one.clone(), everybody(401)),
        ("post", "/api/v1/operator/rooms/{room}/move", json!({}), everybody(401)),
        (
            "post",
            "/api/v1/sessions",
            json!({ "name": "Somebody" }),
            [401, 201, 401, 401, 401, 401, 401],
        ),
        ("get", "/api/v1/sessions/current", no_one.clone(), [401, 401, 401, 200, 200, 200, 200]),
        ("post", "/api/v1/sessions/renew", no_one.clone(), [401, 401, 200, 200, 200, 200, 200]),
        ("get", "/api/v1/meetings/{meeting}/people", no_one.clone(), moderators(200)),
        ("patch", "/api/v1/meetings/{meeting}/access", json!({}), moderators(200)),
        ("patch", "/api/v1/meetings/{meeting}/access", json!({ "pin": null }), owners(200)),
        ("post", "/api/v1/meetings/{meeting}/lobby/admit", no_one.clone(), moderators(204)),
        (
            "post",
            "/api/v1/meetings/{meeting}/lobby/{identity}/admit",
            no_one.clone(),
            moderators(404),
        ),
        ("post", "/api/v1/meetings/{meeting}/lobby/{identity}/refuse", json!({}), moderators(404)),
        ("post", "/api/v1/meetings/{meeting}/mute", no_one.clone(), moderators(204)),
        ("post", "/api/v1/meetings/{meeting}/people/{identity}/mute", json!({}), moderators(404)),
        (
            "post",
            "/api/v1/meetings/{meeting}/people/{identity}/stop-share",
            no_one.clone(),
            moderators(404),
        ),
        ("delete", "/api/v1/meetings/{meeting}/people/{identity}", no_one.clone(), moderators(404)),
        (
            "put",
            "/api/v1/meetings/{meeting}/people/{identity}/role",
            json!({ "role": "viewer" }),
            moderators(404),
        ),
        (
            "post",
            "/api/v1/meetings/{meeting}/people/{identity}/hand-over",
            no_one.clone(),
            moderators(404),
        ),
        ("get", "/api/v1/meetings/{meeting}/audit", no_one.clone(), owners(200)),
        // What ends something comes last.
        ("delete", "/api/v1/sessions/current", no_one.clone(), [401, 401, 401, 204, 204, 204, 204]),
        ("post", "/api/v1/meetings/{meeting}/end", no_one, owners(204)),
    ]
}

/// Calls about recordings. There is no recorder here, and nothing was recorded.
fn expected_of_recordings() -> Vec<Row> {
    let no_one = Value::Null;
    vec![
        ("post", "/api/v1/meetings/{meeting}/recording", no_one.clone(), moderators(200)),
        ("delete", "/api/v1/meetings/{meeting}/recording", no_one.clone(), moderators(204)),
        ("get", "/api/v1/meetings/{meeting}/recordings", no_one.clone(), owners(200)),
        ("get", RECORDING, no_one.clone(), owners(404)),
        ("patch", RECORDING, json!({ "title": "Talk" }), owners(404)),
        ("delete", RECORDING, no_one.clone(), owners(404)),
        ("post", FILMS, json!({ "layout": "grid" }), owners(404)),
        ("post", SHARES, json!({ "expires_in_s": 60 }), owners(404)),
        ("delete", SHARE, no_one.clone(), owners(404)),
        ("post", FILE, json!({ "download": true }), owners(404)),
        ("post", "/api/v1/shared-recordings", json!({ "secret": SECRET }), everybody(404)),
        (
            "post",
            "/api/v1/shared-recordings/files/{file}",
            json!({ "secret": SECRET }),
            everybody(404),
        ),
        ("get", "/api/v1/media/{token}", no_one.clone(), everybody(401)),
    ]
}

fn filled(path: &str, house: &House) -> String {
    path.replace("{meeting}", &house.here.id)
        .replace("{room}", &house.here.id)
        .replace("{identity}", "nobody")
        .replace("{link}", "LK_0000000000000")
        .replace("{recording}", "RC_0000000000000")
        .replace("{share}", "SH_0000000000000")
        .replace("{file}", "film.mp4")
        .replace("{token}", "a.b.c")
}

/// Calls of the description, as method and path.
async fn described(house: &House) -> BTreeSet<(String, String)> {
    let (status, description) =
        house.browser.call("GET", "/api/v1/openapi.json", "", &Value::Null).await;
    assert_eq!(status, 200);
    let paths = description["paths"].as_object().expect("paths").clone();
    let methods = |(path, calls): (String, Value)| {
        let calls = calls.as_object().expect("calls").clone();
        calls.into_iter().map(move |(method, _)| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(methods).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_answers_each_asker_as_it_should() {
    let house = House::open().await;
    let mut table = expected_of_recordings();
    // What ends something comes last.
    table.extend(expected(&house));
    let known: BTreeSet<(String, String)> =
        table.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(known, described(&house).await, "the table names every call there is");

    // In their rooms, as those who act on others must be.
    let mut inside = BTreeMap::new();
    let mut tokens = BTreeMap::new();
    for asker in ASKERS {
        let token = house.token(asker).await;
        if asker as u8 >= Asker::OtherRoom as u8 {
            inside.insert(asker as u8, house.enter(&token).await);
        }
        tokens.insert(asker as u8, token);
    }
    let mut cells = 0;
    for (method, path, body, answers) in &table {
        for (asker, wanted) in ASKERS.into_iter().zip(answers) {
            let ends_it = (*method, *path) == ("delete", "/api/v1/sessions/current");
            let uses_it_up = (*method, *path) == ("post", "/api/v1/sessions");
            let token = if ends_it || uses_it_up {
                house.token(asker).await
            } else {
                tokens[&(asker as u8)].clone()
            };
            let method = method.to_uppercase();
            let (status, answer) =
                house.browser.call(&method, &filled(path, &house), &token, body).await;
            assert_eq!(status, *wanted, "{method} {path} by {asker:?}: {answer}");
            if status >= 400 {
                assert_eq!(answer["status"], status, "a problem says what it is: {answer}");
            }
            if status == 401 && asker == Asker::Expired && is_for_sessions(path) {
                assert_eq!(answer["code"], "token_expired", "{method} {path}");
            }
            cells += 1;
        }
    }
    println!("{cells} cells: {} calls by {} askers", table.len(), ASKERS.len());
}

fn is_for_sessions(path: &str) -> bool {
    path.contains("/people") || path.ends_with("/audit") || path.ends_with("/sessions/current")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_s_key_opens_its_own_meeting_and_no_other() {
    let house = House::open().await;
    let (key, foreign) = (&house.here.owner_key, &house.elsewhere.owner_key);
    // Somebody must be there: an empty room has nobody to act on.
    let _viewer = house.enter(&house.token(Asker::Viewer).await).await;
    for (method, path, body, ok) in [
        ("GET", "/api/v1/meetings/{meeting}", Value::Null, 200),
        ("POST", "/api/v1/meetings/{meeting}/entries", Value::Null, 200),
        ("GET", "/api/v1/meetings/{meeting}/people", Value::Null, 200),
        ("PATCH", "/api/v1/meetings/{meeting}/access", json!({ "locked": false }), 200),
        ("PATCH", "/api/v1/meetings/{meeting}/access", json!({ "pin": "135790" }), 200),
        ("PATCH", "/api/v1/meetings/{meeting}/access", json!({ "pin": "1" }), 422),
        ("GET", "/api/v1/meetings/{meeting}/audit?limit=5", Value::Null, 200),
        ("DELETE", "/api/v1/meetings/{meeting}/people/{identity}", Value::Null, 404),
        ("POST", "/api/v1/meetings/{meeting}/mute", Value::Null, 204),
        ("POST", "/api/v1/meetings/{meeting}/recording", Value::Null, 200),
        ("DELETE", "/api/v1/meetings/{meeting}/recording", Value::Null, 204),
        ("GET", "/api/v1/meetings/{meeting}/recordings", Value::Null, 200),
        ("GET", RECORDING, Value::Null, 404),
        ("PATCH", RECORDING, json!({ "title": "Talk" }), 404),
        ("DELETE", RECORDING, Value::Null, 404),
        ("POST", FILMS, json!({ "layout": "grid" }), 404),
        ("POST", SHARES, json!({ "expires_in_s": 60 }), 404),
        ("DELETE", SHARE, Value::Null, 404),
        ("POST", FILE, json!({}), 404),
        ("POST", "/api/v1/meetings/{meeting}/end", Value::Null, 204),
    ] {
        let path = filled(path, &house);
        let refused = house.browser.call(method, &path, foreign, &body).await.0;
        assert_eq!(refused, 404, "{method} {path} with another meeting's key");
        let answer = house.browser.call(method, &path, key, &body).await;
        assert_eq!(answer.0, ok, "{method} {path}: {}", answer.1);
    }
}
