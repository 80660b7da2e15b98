//! The edge as its clients meet it: HTTPS, WebSocket and protobuf, with a controller at the far
//! end of the link.

mod floods;
mod origin;
mod resume;
mod support;

use futures_util::{SinkExt, StreamExt};
use lectern_control::edge::{Notice, Request};
use lectern_control::node::Command;
use lectern_control::room::LeaveReason;
use lectern_control::{ParticipantId, RoomId, Secret};
use lectern_signaling::Config;
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message as Ask;
use proto::signal_response::Message as Tell;
use rustls::pki_types::ServerName;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::Controller;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;

const KEY: &str = "integrator";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CAMERA: &str = include_str!("../sdp/chromium-camera.sdp");
const CAMERA_KEY: &str = "6e0695e9-98a9-4f02-a753-826e5e83e0f8";

/// A running edge.
struct Edge {
    address: SocketAddr,
    controller: Controller,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), lectern_signaling::Error>>,
    registry: prometheus::Registry,
    links: mpsc::Sender<lectern_signaling::Link>,
}

fn config() -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        api_keys: [(KEY.to_owned(), Secret::new(SECRET.to_owned()))].into(),
        ..Config::default()
    }
}

async fn edge() -> Edge {
    edge_with(config()).await
}

async fn edge_with(config: Config) -> Edge {
    let (links, receiver) = mpsc::channel(1);
    let (link, controller) = Controller::start();
    links.send(link).await.expect("running");
    let (recorders, _dials) = mpsc::channel(1);
    let (on_ready, ready) = oneshot::channel();
    let (stop, registry) = (CancellationToken::new(), prometheus::Registry::new());
    let run = lectern_signaling::run(
        config,
        registry.clone(),
        receiver,
        recorders,
        on_ready,
        stop.clone(),
    );
    let running = tokio::spawn(run);
    let address = ready.await.expect("it runs");
    let edge = Edge { address, controller, stop, running, registry, links };
    for _ in 0..100 {
        if edge.get("/readyz", "").await.0 == 200 {
            return edge;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the edge does not become ready");
}

/// Takes whatever certificate the edge made for itself.
#[derive(Debug)]
struct AnyCertificate;

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        vec![rustls::SignatureScheme::ECDSA_NISTP256_SHA256, rustls::SignatureScheme::ED25519]
    }
}

impl Edge {
    async fn tls(&self) -> TlsStream<TcpStream> {
        self.try_tls().await.expect("TLS")
    }

    async fn try_tls(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate))
            .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        let name = ServerName::try_from("localhost").expect("a name");
        connector.connect(name, stream).await
    }

    /// Status, head and body.
    async fn get(&self, path: &str, headers: &str) -> (u16, String, String) {
        let mut stream = self.tls().await;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut response = Vec::new();
        // Servers may close without a TLS goodbye.
        let _ = stream.read_to_end(&mut response).await;
        let response = String::from_utf8_lossy(&response).into_owned();
        let (head, body) = response.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), head.to_lowercase(), body.to_owned())
    }

    async fn connect(&self, query: &str) -> Result<Client, tungstenite::Error> {
        let stream = self.tls().await;
        let url = format!("wss://localhost/rtc?{query}");
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        Ok(Client { socket })
    }

    /// Somebody in the room, past join and the first offer.
    async fn join(&self, identity: &str) -> (Client, proto::JoinResponse, String) {
        let query = format!("access_token={}&auto_subscribe=1", token(identity));
        let mut client = self.connect(&query).await.expect("a good token");
        let Tell::Join(join) = client.next().await else { panic!("join comes first") };
        let offer = client.wait(|message| match message {
            Tell::Offer(offer) => Some(offer.sdp),
            _ => None,
        });
        let offer = offer.await;
        (client, join, offer)
    }

    fn counted(&self, name: &str, label: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name).expect("a metric");
        let metric = family
            .get_metric()
            .iter()
            .find(|metric| metric.get_label().iter().any(|pair| pair.value() == label));
        metric.map_or(0.0, |metric| metric.get_counter().get_value())
    }
}

struct Client {
    socket: WebSocketStream<TlsStream<TcpStream>>,
}

impl Client {
    async fn say(&mut self, message: Ask) {
        let bytes = proto::SignalRequest { message: Some(message) }.encode_to_vec();
        self.socket.send(Message::Binary(bytes.into())).await.expect("open");
    }

    /// The next message; `None` when the socket is closed.
    async fn hear(&mut self) -> Option<Tell> {
        let limit = Duration::from_secs(10);
        loop {
            let message = tokio::time::timeout(limit, self.socket.next()).await;
            match message.expect("nothing came")?.ok()? {
                Message::Binary(bytes) => {
                    let response = proto::SignalResponse::decode(bytes.as_ref()).expect("protobuf");
                    return Some(response.message.expect("a message"));
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    async fn next(&mut self) -> Tell {
        self.hear().await.expect("open")
    }

    async fn wait<T>(&mut self, mut wanted: impl FnMut(Tell) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn signed(claims: &serde_json::Value, algorithm: jsonwebtoken::Algorithm, secret: &str) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::new(algorithm), claims, &key).expect("a token")
}

fn claims(identity: &str) -> serde_json::Value {
    json!({
        "iss": KEY, "sub": identity, "name": identity, "nbf": now() - 1, "exp": now() + 60,
        "video": { "room": "daily", "roomJoin": true, "canUpdateOwnMetadata": true },
    })
}

fn token(identity: &str) -> String {
    signed(&claims(identity), jsonwebtoken::Algorithm::HS256, SECRET)
}

fn sid(id: u64) -> String {
    ParticipantId(id).to_string()
}

#[tokio::test]
async fn a_presenter_publishes_and_a_viewer_is_offered_it() {
    let mut edge = edge().await;
    let (mut ana, join, _) = edge.join("ana").await;
    assert_eq!(join.participant.expect("me").sid, sid(1));
    let (mut bob, join, _) = edge.join("bob").await;
    assert_eq!(join.other_participants[0].identity, "ana");
    ana.say(Ask::AddTrack(proto::AddTrackRequest {
        cid: CAMERA_KEY.to_owned(),
        r#type: proto::TrackType::Video.into(),
        source: proto::TrackSource::ScreenShare.into(),
        width: 1920,
        height: 1080,
        ..Default::default()
    }))
    .await;
    let offer = proto::SessionDescription {
        r#type: "offer".to_owned(),
        sdp: CAMERA.to_owned(),
        id: 5,
        ..Default::default()
    };
    ana.say(Ask::Offer(offer)).await;
    let track = ana.wait(|message| match message {
        Tell::TrackPublished(published) => published.track.map(|track| track.sid),
        _ => None,
    });
    let track = track.await;
    let answered = ana.wait(|message| match message {
        Tell::Answer(answer) => Some(answer.id),
        _ => None,
    });
    assert_eq!(answered.await, 5);
    let published = edge.controller.wait(|request| match request {
        Request::Node { command: Command::Publish { parameters, .. }, .. } => {
            Some(parameters.encodings.len())
        }
        _ => None,
    });
    assert_eq!(published.await, 3);
    let seen = bob.wait(|message| match message {
        Tell::Update(update) => {
            update.participants.into_iter().find_map(|p| p.tracks.first().map(|t| t.sid.clone()))
        }
        _ => None,
    });
    assert_eq!(seen.await, track);
    edge.stop.cancel();
    edge.running.await.expect("ran").expect("stopped well");
}

#[tokio::test]
async fn only_a_good_token_lets_anybody_in() {
    let edge = edge().await;
    let other_key = signed(&claims("x"), jsonwebtoken::Algorithm::HS256, &"y".repeat(40));
    let other_algorithm = signed(&claims("x"), jsonwebtoken::Algorithm::HS512, SECRET);
    let with = |claim: &str, value: serde_json::Value| {
        let mut claims = claims("x");
        claims[claim] = value;
        signed(&claims, jsonwebtoken::Algorithm::HS256, SECRET)
    };
    let good = token("x");
    let unsigned = format!("{}.", good.rsplit_once('.').expect("a signature").0);
    let none = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).expect("claims"));
    let bad = [
        String::new(),
        "garbage".to_owned(),
        "a".repeat(20_000),
        unsigned,
        none,
        other_key,
        other_algorithm,
        with("iss", json!("lectern")),
        with("iss", json!("nobody")),
        with("exp", json!(now() - 100)),
        with("exp", json!("2100")),
        with("exp", serde_json::Value::Null),
        with("video", json!({ "room": "daily" })),
        with("sub", json!("")),
        with("sub", json!("x".repeat(300))),
    ];
    for token in bad {
        let short = &token[..token.len().min(40)];
        let refused = edge.connect(&format!("access_token={token}")).await.err();
        let status = match refused {
            Some(tungstenite::Error::Http(response)) => response.status().as_u16(),
            other => panic!("{short}: {other:?}"),
        };
        assert_eq!(status, 401, "{short}");
        let (status, head, body) =
            edge.get(&format!("/rtc/validate?access_token={token}"), "").await;
        assert_eq!(status, 401, "{short}");
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
        assert!(token.is_empty() || !body.contains(&token), "a token is not repeated");
    }
    let (status, _, _) = edge.get(&format!("/rtc/validate?access_token={good}"), "").await;
    assert_eq!(status, 200);
    let header = format!("authorization: Bearer {good}\r\n");
    assert_eq!(edge.get("/rtc/validate", &header).await.0, 200);
    assert!(edge.counted("lectern_edge_entries_total", "bad_token") >= 30.0);
}

#[tokio::test]
async fn a_token_of_a_megabyte_is_not_even_read() {
    let edge = edge().await;
    let mut stream = edge.tls().await;
    let request = format!("GET /rtc?access_token={} HTTP/1.1\r\n", "a".repeat(1 << 20));
    // The edge may answer and close before all is written.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response).await;
    let response = String::from_utf8_lossy(&response);
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 4"), "{response}");
    assert_eq!(edge.get("/livez", "").await.0, 200, "others do not notice");
}

#[tokio::test]
async fn version_1_is_not_there_and_says_so_to_every_origin() {
    let edge = edge().await;
    for path in ["/rtc/v1?join_request=x", "/rtc/v1/validate"] {
        let (status, head, body) = edge.get(path, "origin: https://elsewhere.example\r\n").await;
        assert_eq!(status, 404);
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
        assert!(!body.contains("requested room does not exist"), "clients would give up");
    }
}

#[tokio::test]
async fn a_lost_socket_is_resumed_and_a_lost_session_is_not() {
    let edge = edge().await;
    let (ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    drop(ana);
    let query = format!("access_token={}&reconnect=1&sid={}", token("ana"), sid(1));
    let mut ana = edge.connect(&query).await.expect("a good token");
    assert!(matches!(ana.next().await, Tell::Reconnect(_)));
    let token_of_ours = ana.wait(|message| match message {
        Tell::RefreshToken(token) => Some(token),
        _ => None,
    });
    let token_of_ours = token_of_ours.await;
    let query = format!("access_token={token_of_ours}&reconnect=1&sid={}", sid(1));
    let mut again = edge.connect(&query).await.expect("the fresh token is good");
    assert!(matches!(again.next().await, Tell::Reconnect(_)));
    while ana.hear().await.is_some() {}

    // Somebody else's session, and none at all.
    for (identity, sid) in [("mallory", sid(1)), ("ana", sid(77)), ("ana", "?".to_owned())] {
        let query = format!("access_token={}&reconnect=1&sid={sid}", token(identity));
        let mut client = edge.connect(&query).await.expect("a good token");
        let Tell::Leave(leave) = client.next().await else { panic!("leave") };
        assert_eq!(leave.reason(), proto::DisconnectReason::StateMismatch);
        assert_eq!(leave.action(), proto::leave_request::Action::Reconnect);
        assert!(client.hear().await.is_none(), "closed");
    }
    bob.say(Ask::PingReq(proto::Ping::default())).await;
    bob.wait(|message| matches!(message, Tell::PongResp(_)).then_some(())).await;
    assert_eq!(edge.counted("lectern_edge_entries_total", "resumed"), 2.0);
    assert_eq!(edge.counted("lectern_edge_sockets_closed_total", "replaced"), 1.0);
}

#[tokio::test]
async fn what_is_asked_while_the_controller_is_away_is_asked_when_it_is_back() {
    let mut edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    edge.controller.cut();
    while edge.get("/readyz", "").await.0 == 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let attributes = [("hand".to_owned(), "1".to_owned())].into();
    let update = proto::UpdateParticipantMetadata { attributes, ..Default::default() };
    ana.say(Ask::UpdateMetadata(update)).await;
    ana.say(Ask::PingReq(proto::Ping::default())).await;
    ana.wait(|message| matches!(message, Tell::PongResp(_)).then_some(())).await;
    bob.say(Ask::Leave(proto::LeaveRequest::default())).await;
    while bob.hear().await.is_some() {}
    let (link, controller) = Controller::start();
    edge.controller = controller;
    edge.links.send(link).await.expect("running");
    let (mut updated, mut left) = (false, false);
    while !(updated && left) {
        let heard = edge.controller.wait(|request| match request {
            Request::UpdateParticipant { attributes, .. } => Some(attributes.contains_key("hand")),
            Request::Leave { participant, .. } => Some(*participant != ParticipantId(2)),
            _ => None,
        });
        match heard.await {
            true => updated = true,
            false => left = true,
        }
    }
}

#[tokio::test]
async fn leaving_is_heard_by_the_others_and_closes_the_socket() {
    let mut edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    ana.say(Ask::Leave(proto::LeaveRequest::default())).await;
    while ana.hear().await.is_some() {}
    let gone = bob.wait(|message| match message {
        Tell::Update(update) => update.participants.into_iter().find(|p| {
            p.identity == "ana" && p.state() == proto::participant_info::State::Disconnected
        }),
        _ => None,
    });
    assert_eq!(gone.await.disconnect_reason(), proto::DisconnectReason::ClientInitiated);
    let reason = edge.controller.wait(|request| match request {
        Request::Leave { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(reason.await, LeaveReason::ClientLeft);
}

#[tokio::test]
async fn the_controller_can_end_a_stay_and_a_meeting() {
    let mut edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    let room = edge.controller.wait(|request| match request {
        Request::Join { room, .. } => Some(*room),
        _ => None,
    });
    let room: RoomId = room.await;
    let leave = |message| match message {
        Tell::Leave(leave) => Some((leave.reason(), leave.action())),
        _ => None,
    };
    let participant = ParticipantId(1);
    let (identity, reason) = ("ana".to_owned(), LeaveReason::DuplicateIdentity);
    edge.controller.notice(room, Notice::ParticipantLeft { participant, identity, reason });
    let out = proto::leave_request::Action::Disconnect;
    let told = ana.wait(leave).await;
    assert_eq!(told, (proto::DisconnectReason::DuplicateIdentity, out));
    edge.controller.notice(room, Notice::RoomClosed);
    assert_eq!(bob.wait(leave).await, (proto::DisconnectReason::RoomDeleted, out));
    assert!(bob.hear().await.is_none());
}

#[tokio::test]
async fn who_connects_too_often_is_told_to_wait_before_anybody_hears_of_it() {
    let mut edge = edge_with(Config { connects_per_minute: 1, ..config() }).await;
    let mut joined = 0;
    let refused = loop {
        let query = format!("access_token={}&auto_subscribe=1", token("ana"));
        match edge.connect(&query).await {
            Ok(mut client) => assert!(matches!(client.next().await, Tell::Join(_))),
            Err(tungstenite::Error::Http(response)) => break response,
            Err(other) => panic!("{other:?}"),
        }
        joined += 1;
        // Five at once, and one a minute: this machine may be slow, but not that slow.
        assert!(joined < 20, "nobody is told to wait");
    };
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    let mut asked = 0;
    while let Ok(request) = edge.controller.requests.try_recv() {
        asked += usize::from(matches!(request, Request::Join { .. }));
    }
    assert_eq!(asked, joined);
    assert_eq!(edge.counted("lectern_edge_entries_total", "too_often"), 1.0);
    let validate = format!("/rtc/validate?access_token={}", token("ana"));
    assert_eq!(edge.get(&validate, "").await.0, 200, "else clients would give up for good");
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_gets_them_back() {
    let edge = edge_with(Config { connections_per_address: 8, ..config() }).await;
    let mut held = Vec::new();
    while let Ok(stream) = edge.try_tls().await {
        held.push(stream);
        assert!(held.len() <= 8);
    }
    assert!(edge.counted("lectern_edge_connections_refused_total", "address") >= 1.0);
    held.clear();
    let mut tries = 0;
    while edge.try_tls().await.is_err() {
        tries += 1;
        assert!(tries < 1_000, "the places are not free again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_token_of_ours_outlives_the_process_that_signed_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = || Config { data_dir: Some(folder.path().to_owned()), ..config() };
    let edge = edge_with(config()).await;
    let (ana, _, _) = edge.join("ana").await;
    drop(ana);
    let query = format!("access_token={}&reconnect=1&sid={}", token("ana"), sid(1));
    let mut ana = edge.connect(&query).await.expect("a good token");
    let token_of_ours = ana.wait(|message| match message {
        Tell::RefreshToken(token) => Some(token),
        _ => None,
    });
    let query = format!("access_token={}", token_of_ours.await);
    edge.stop.cancel();
    edge.running.await.expect("ran").expect("stopped well");
    let again = edge_with(config()).await;
    assert_eq!(again.get(&format!("/rtc/validate?{query}"), "").await.0, 200);
    let mut ana = again.connect(&query).await.expect("the token is still good");
    assert!(matches!(ana.next().await, Tell::Join(_)));
    let other = edge_with(self::config()).await;
    assert_eq!(other.get(&format!("/rtc/validate?{query}"), "").await.0, 401);
}

#[tokio::test]
async fn an_edge_that_stops_sends_its_clients_elsewhere() {
    let edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    edge.stop.cancel();
    let leave = ana.wait(|message| match message {
        Tell::Leave(leave) => Some((leave.reason(), leave.action())),
        _ => None,
    });
    let again = proto::leave_request::Action::Reconnect;
    assert_eq!(leave.await, (proto::DisconnectReason::ServerShutdown, again));
    edge.running.await.expect("ran").expect("stopped well");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_the_page() {
    let edge = edge().await;
    for path in ["/", "/j", "/livez", "/api/v1/openapi.json", "/nowhere.js"] {
        let (_, head, _) = edge.get(path, "").await;
        for header in [
            "content-security-policy: default-src 'self'",
            "connect-src 'self' wss:",
            "frame-ancestors 'none'",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "permissions-policy: camera=(self)",
        ] {
            assert!(head.contains(header), "{path}: {header}\n{head}");
        }
        assert!(!head.contains("strict-transport-security"), "not with a made-up certificate");
    }
}
