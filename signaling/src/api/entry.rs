//! The first of two steps into a meeting: a link, or the owner's key, gives an entry token.

use super::meetings::{RoleView, rfc3339, unexpected};
use super::problem::Body;
use super::{Api, Code, Problem, secret};
use crate::tls;
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use lectern_control::RoomId;
use lectern_control::access::EntryKey;
use lectern_control::edge::{Entry, Meeting, Request, RequestError, Response};
use lectern_control::room::Role;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// Opens an entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenEntry {
    /// The link, or only the part after `#`.
    link: String,
}

/// An entry was opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Opens one session, and nothing else.
    entry_token: String,
    /// What its holder will be.
    role: RoleView,
    /// Where it leads.
    meeting: MeetingName,
    /// When the link ends (RFC 3339); for owners, the meeting.
    link_expires_at: String,
    /// When the entry token ends (RFC 3339).
    expires_at: String,
    /// A PIN is asked for.
    pin_required: bool,
    /// Viewers wait until somebody admits them.
    lobby: bool,
    /// Nobody new comes in.
    locked: bool,
}

/// A meeting as somebody sees it who has not joined.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeetingName {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
}

impl MeetingName {
    /// Of a meeting.
    pub fn of(meeting: &Meeting) -> MeetingName {
        MeetingName::new(meeting.room, meeting.name.clone())
    }

    /// Of a room and its name.
    pub fn new(room: RoomId, name: String) -> MeetingName {
        MeetingName { id: room.to_string(), name }
    }
}

/// Opens an entry by a link. One answer, after the same work, for links that are unknown, expired and
/// revoked.
#[utoipa::path(
    post, path = "/api/v1/entries", request_body = OpenEntry,
    responses((status = 200, body = EntryView), (status = 404, body = Problem),
        (status = 408, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem))
)]
pub async fn open(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    Body(body): Body<OpenEntry>,
) -> Result<Json<EntryView>, Problem> {
    let network = tls::client(connection);
    api.limits.entry(network)?;
    // People and programs hand over the whole link as well.
    let secret = body.link.rsplit_once('#').map_or(body.link.as_str(), |(_, secret)| secret);
    if !secret::is_plausible(secret) {
        return Err(link_invalid());
    }
    let guess = api.limits.guess(network)?;
    let key = EntryKey::Link { secret_hash: secret::hash(secret) };
    match guess.judge(api.controller.request(Request::OpenEntry { key }).await) {
        Ok(Response::Entry(entry)) => Ok(Json(api.entry_view(&entry))),
        Ok(other) => Err(unexpected(&other)),
        Err(RequestError::NotFound) => Err(link_invalid()),
        Err(error) => Err(error.into()),
    }
}

/// Opens an entry by the owner's key: the host comes in.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/entries", params(("meeting" = String, Path)),
    security(("owner_key" = [])),
    responses((status = 200, body = EntryView), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem))
)]
pub async fn open_as_owner(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(meeting): Path<String>,
) -> Result<Json<EntryView>, Problem> {
    let shown = secret::bearer(&headers)?;
    let (room, guess) = api.key(connection, shown, &meeting)?;
    let key = EntryKey::Owner { room, owner_key_hash: secret::hash(shown) };
    match guess.judge(api.controller.request(Request::OpenEntry { key }).await)? {
        Response::Entry(entry) => Ok(Json(api.entry_view(&entry))),
        other => Err(unexpected(&other)),
    }
}

impl Api {
    fn entry_view(&self, entry: &Entry) -> EntryView {
        let (entry_token, expires) = self.tokens.issue_entry(entry.id, SystemTime::now());
        let access = entry.meeting.access;
        let link = entry.link.as_ref();
        EntryView {
            entry_token,
            role: entry.role.into(),
            meeting: MeetingName::of(&entry.meeting),
            link_expires_at: rfc3339(
                link.map_or(entry.meeting.expires_at_unix_ms, |link| link.expires_at_unix_ms),
            ),
            expires_at: rfc3339(unix_ms(expires)),
            pin_required: access.pin_set && entry.role < Role::Owner,
            lobby: access.lobby,
            locked: access.locked,
        }
    }
}

/// Milliseconds since 1970.
pub fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A link that opens nothing: which of unknown, expired and revoked it is, is not said.
pub fn link_invalid() -> Problem {
    Problem::new(Code::LinkInvalid, "ask for a new link")
}
