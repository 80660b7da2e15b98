//! Who is in a meeting, and who waits at its door.

use super::meetings::{AccessView, RoleView, rfc3339, unexpected};
use super::{Api, Problem};
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use lectern_control::access::{Moderation, Waiting};
use lectern_control::edge::{People, Response};
use lectern_control::media::{MediaKind, Source};
use lectern_control::room::{Participant, Track};
use serde::Serialize;
use std::net::SocketAddr;
use utoipa::ToSchema;

/// Who is in a meeting and who wants to be.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeopleView {
    /// How people are received.
    #[serde(flatten)]
    access: AccessView,
    /// In the meeting.
    people: Vec<PersonView>,
    /// In the lobby: the first of them.
    waiting: Vec<WaitingView>,
    /// How many wait.
    waiting_count: u32,
}

/// Somebody in a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonView {
    /// Who.
    identity: String,
    /// The name shown.
    name: String,
    /// The role.
    role: RoleView,
    /// Since when (RFC 3339).
    joined_at: String,
    /// What it publishes.
    tracks: Vec<TrackView>,
}

/// A published track.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrackView {
    /// Its id.
    id: String,
    /// `audio` or `video`.
    kind: &'static str,
    /// `camera`, `microphone`, `screen`, `screen_audio` or `unknown`.
    source: &'static str,
    /// Muted.
    muted: bool,
}

/// Somebody in the lobby.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingView {
    /// Who.
    identity: String,
    /// The name.
    name: String,
    /// A word to those who admit.
    message: String,
    /// Since when (RFC 3339).
    since: String,
}

/// Who is in a meeting, and who waits.
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting}/people", params(("meeting" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 200, body = PeopleView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn show(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(meeting): Path<String>,
) -> Result<Json<PeopleView>, Problem> {
    match api.moderate(connection, &headers, &meeting, Moderation::Look).await? {
        Response::People(people) => Ok(Json(people_view(*people))),
        other => Err(unexpected(&other)),
    }
}

fn people_view(people: People) -> PeopleView {
    let waiting = |one: Waiting| WaitingView {
        identity: one.identity,
        name: one.name,
        message: one.message,
        since: rfc3339(one.since_unix_ms),
    };
    PeopleView {
        access: people.reception.access.into(),
        people: people.participants.into_iter().map(person_view).collect(),
        waiting: people.reception.waiting.into_iter().map(waiting).collect(),
        waiting_count: people.reception.waiting_count,
    }
}

fn person_view(one: Participant) -> PersonView {
    PersonView {
        identity: one.identity,
        name: one.name,
        role: one.role.into(),
        joined_at: rfc3339(one.joined_at_unix_ms),
        tracks: one.tracks.iter().map(track_view).collect(),
    }
}

fn track_view(track: &Track) -> TrackView {
    TrackView {
        id: track.id.to_string(),
        kind: match track.kind {
            MediaKind::Audio => "audio",
            MediaKind::Video => "video",
        },
        source: match track.source {
            Source::Unknown => "unknown",
            Source::Camera => "camera",
            Source::Microphone => "microphone",
            Source::Screen => "screen",
            Source::ScreenAudio => "screen_audio",
        },
        muted: track.muted,
    }
}
