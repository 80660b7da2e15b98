//! Who may do what: every call of the API's own description and every message of signaling, by somebody
//! without a token, with the first of two only, with one that has ended, of another room, and by a
//! viewer, a presenter and an owner. Against the real binary.

mod api;
#[path = "../cluster/mod.rs"]
#[expect(dead_code, reason = "clusters of several processes are for other tests")]
mod cluster;
mod signals;

use cluster::{Browser, Cluster, Participant, Process};
use lectern_control::{LinkId, RoomId};
use livekit_protocol as proto;
use proto::signal_response::Message as Tell;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Nobody,
    FirstTokenOnly,
    Expired,
    OtherRoom,
    Viewer,
    Presenter,
    Owner,
}

const ASKERS: [Asker; 7] = [
    Asker::Nobody,
    Asker::FirstTokenOnly,
    Asker::Expired,
    Asker::OtherRoom,
    Asker::Viewer,
    Asker::Presenter,
    Asker::Owner,
];

/// A meeting, and what opens it.
struct Meeting {
    id: String,
    owner_key: String,
    viewer_link: String,
    viewer_link_id: String,
    presenter_link: String,
}

/// A server with two meetings.
struct House {
    cluster: Cluster,
    browser: Browser,
    here: Meeting,
    elsewhere: Meeting,
    _process: Process,
}

impl House {
    async fn open() -> House {
        let cluster = Cluster::new();
        let process = cluster.serve();
        let browser = Browser::new(&cluster, &process.first_line());
        let here = Meeting::make(&browser).await;
        let elsewhere = Meeting::make(&browser).await;
        House { cluster, browser, here, elsewhere, _process: process }
    }

    /// A fresh token of somebody; its holder is in no room yet.
    async fn token(&self, asker: Asker) -> String {
        let by_link = |link: String| async move {
            let entry = self.browser.entry(&link).await;
            self.browser.session(&entry, "Somebody").await
        };
        match asker {
            Asker::Nobody => String::new(),
            Asker::FirstTokenOnly => {
                let entry = self.browser.entry(&self.here.presenter_link).await;
                entry["entry_token"].as_str().expect("a token").to_owned()
            }
            Asker::Expired => self.expired(),
            Asker::OtherRoom => by_link(self.elsewhere.presenter_link.clone()).await,
            Asker::Viewer => by_link(self.here.viewer_link.clone()).await,
            Asker::Presenter => by_link(self.here.presenter_link.clone()).await,
            Asker::Owner => {
                let path = format!("/api/v1/meetings/{}/entries", self.here.id);
                let (status, entry) =
                    self.browser.call("POST", &path, &self.here.owner_key, &Value::Null).await;
                assert_eq!(status, 200, "{entry}");
                self.browser.session(&entry, "Host").await
            }
        }
    }

    /// A viewer's token that ended an hour ago, otherwise as good as any.
    fn expired(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let link: LinkId = self.here.viewer_link_id.parse().expect("an id");
        let room: RoomId = self.here.id.parse().expect("an id");
        let claims = json!({
            "iss": "lectern", "aud": "lectern-session", "sub": "late", "name": "Late",
            "nbf": now - 4_200, "exp": now - 3_600,
            "video": { "room": room.to_string(), "roomJoin": true, "canPublish": false },
            "lectern": { "link": link.to_string(), "role": "viewer", "admitted": true },
        });
        let key = jsonwebtoken::EncodingKey::from_secret(&self.cluster.token_key());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("signed")
    }

    /// Comes in; the first message has been heard.
    async fn enter(&self, token: &str) -> Participant {
        let mut participant = self.browser.enter(token).await;
        participant.wait(|message| matches!(message, Tell::Join(_)).then_some(())).await;
        participant
    }
}

impl Meeting {
    async fn make(browser: &Browser) -> Meeting {
        let (status, made) = browser.post("/api/v1/meetings", &json!({})).await;
        assert_eq!(status, 201, "{made}");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Meeting {
            id: text(&made["meeting"]["id"]),
            owner_key: text(&made["owner_key"]),
            viewer_link: text(&made["links"]["viewer"]["url"]),
            viewer_link_id: text(&made["links"]["viewer"]["id"]),
            presenter_link: text(&made["links"]["presenter"]["url"]),
        }
    }
}
