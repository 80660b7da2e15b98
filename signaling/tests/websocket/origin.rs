//! Pages of others: what is ours is not for them, and integrators say where theirs are.

use super::*;
use sha2::{Digest, Sha256};

const OWN: &str = "origin: https://localhost\r\n";
const FOREIGN: [&str; 7] = [
    "origin: https://elsewhere.example\r\n",
    "origin: null\r\n",
    "origin: https://evil.localhost\r\n",
    "origin: https://localhost.evil.com\r\n",
    "origin: http://localhost\r\n",
    "origin: https://localhost:8443\r\n",
    "origin: https://localhost\r\norigin: https://localhost\r\n",
];

impl Edge {
    /// The status of an upgrade.
    async fn upgrade(&self, token: &str, headers: &str) -> u16 {
        let upgrade = "upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let mut stream = self.tls().await;
        let request = format!(
            "GET /rtc?access_token={token} HTTP/1.1\r\nhost: localhost\r\n\
             connection: upgrade\r\n{upgrade}{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.expect("an answer");
        let line = String::from_utf8_lossy(&line).into_owned();
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    async fn validates(&self, token: &str, headers: &str) -> (u16, String) {
        let (status, _, body) =
            self.get(&format!("/rtc/validate?access_token={token}"), headers).await;
        (status, body)
    }
}

/// A token as the API gives it to who came by a link.
fn token_by_link() -> String {
    let mut claims = claims("ana");
    claims["iss"] = json!("lectern");
    claims["aud"] = json!("lectern-session");
    claims["video"]["room"] = json!(RoomId(9).to_string());
    claims["lectern"] = json!({ "role": "viewer", "link": lectern_control::LinkId(3).to_string() });
    let key = jsonwebtoken::EncodingKey::from_secret(&Sha256::digest(TOKEN_KEY));
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("a token")
}

const TOKEN_KEY: &str = "fedcba9876543210fedcba9876543210";

async fn edge_that_allows(allowed: &[&str]) -> Edge {
    edge_with(Config {
        token_key: Some(Secret::new(TOKEN_KEY.to_owned())),
        allowed_origins: allowed.iter().map(|origin| (*origin).to_owned()).collect(),
        ..config()
    })
    .await
}

#[tokio::test]
async fn a_token_by_a_link_is_for_our_page_alone() {
    let edge = edge_that_allows(&[]).await;
    let ours = token_by_link();
    for good in ["", OWN, "origin: HTTPS://LOCALHOST:443\r\n"] {
        assert_eq!(edge.validates(&ours, good).await.0, 200, "{good}");
        assert_eq!(edge.upgrade(&ours, good).await, 101, "{good}");
    }
    for foreign in FOREIGN {
        assert_eq!(edge.upgrade(&ours, foreign).await, 403, "{foreign}");
        let (status, why) = edge.validates(&ours, foreign).await;
        assert_eq!(status, 403, "{foreign}");
        assert!(why.contains("the edge's own page") && why.contains("edge.public_url"), "{why}");
    }
    let refused = edge.counted("lectern_edge_entries_total", "foreign_page");
    assert_eq!(refused, 2.0 * FOREIGN.len() as f64);
}

#[tokio::test]
async fn an_integrator_s_page_is_anywhere_and_stays_so_with_the_tokens_we_renew() {
    let edge = edge_that_allows(&[]).await;
    for foreign in FOREIGN {
        assert_eq!(edge.upgrade(&token("ana"), foreign).await, 101, "{foreign}");
    }
    let (ana, join, _) = edge.join("ana").await;
    let me = join.participant.expect("me").sid;
    drop(ana);
    let query = format!("access_token={}&reconnect=1&sid={me}", token("ana"));
    let mut ana = edge.connect(&query).await.expect("a good token");
    let renewed = ana.wait(|message| match message {
        Tell::RefreshToken(token) => Some(token),
        _ => None,
    });
    assert_eq!(edge.validates(&renewed.await, FOREIGN[0]).await.0, 200);
}

#[tokio::test]
async fn where_integrators_pages_are_named_no_other_is_let_in() {
    let edge = edge_that_allows(&["https://app.example.com"]).await;
    let known = "origin: https://app.example.com\r\n";
    for good in ["", OWN, known] {
        assert_eq!(edge.upgrade(&token("ana"), good).await, 101, "{good}");
    }
    for foreign in FOREIGN {
        assert_eq!(edge.upgrade(&token("ana"), foreign).await, 403, "{foreign}");
        let (status, why) = edge.validates(&token("ana"), foreign).await;
        assert_eq!((status, why.contains("edge.allowed_origins")), (403, true), "{why}");
    }
    assert_eq!(edge.validates(&token_by_link(), known).await.0, 403, "not with what is ours");
}

#[tokio::test]
async fn no_foreign_page_changes_anything_by_the_api() {
    let edge = edge().await;
    let call = async |headers: &str| {
        let mut stream = edge.tls().await;
        let request = format!(
            "POST /api/v1/entries HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: 2\r\n{headers}\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8_lossy(&response).into_owned()
    };
    for foreign in FOREIGN {
        let response = call(foreign).await;
        assert!(response.starts_with("HTTP/1.1 403"), "{foreign}: {response}");
        assert!(response.contains("application/problem+json"), "{response}");
        assert!(response.contains("\"code\":\"not_permitted\""), "{response}");
        let looked = edge.get("/api/v1/openapi.json", foreign).await;
        assert_eq!(looked.0, 200, "{foreign}");
    }
    for good in ["", OWN] {
        assert!(call(good).await.starts_with("HTTP/1.1 422"), "an empty body is no link");
    }
}
