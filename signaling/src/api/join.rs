//! From a link to a session token.

use super::meetings::{LinkRole, rfc3339, unexpected};
use super::problem::Body;
use super::secret;
use super::{Api, Code, Problem, clean_name};
use crate::session::Sources;
use crate::token::Session;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use data_encoding::BASE64URL_NOPAD;
use lectern_control::edge::{LinkInfo, Meeting, Request, RequestError, Response};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// Asks what a link is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectLink {
    /// The link, or only the part after `#`.
    link: String,
}

/// What a link is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkPurpose {
    /// What it lets its holder be.
    role: LinkRole,
    /// Where it leads.
    meeting: MeetingName,
    /// When it ends (RFC 3339).
    expires_at: String,
}

/// A meeting as somebody sees it who has not joined.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeetingName {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
}

/// Joins by a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinByLink {
    /// The link, or only the part after `#`.
    link: String,
    /// The name shown to others, 1 to 64 characters.
    name: String,
}

/// What is needed to connect.
#[derive(Debug, Serialize, ToSchema)]
pub struct Joined {
    /// The session token, for `/rtc`.
    token: String,
    /// Where to connect, such as `wss://meet.example.org`.
    url: String,
    /// What the holder may be.
    role: LinkRole,
    /// Who the holder is in the room.
    identity: String,
    /// Where it leads.
    meeting: MeetingName,
    /// When the token ends (RFC 3339); connect before.
    expires_at: String,
}

/// Says what a link is for, before a name is typed.
#[utoipa::path(
    post, path = "/api/v1/links/inspect", request_body = InspectLink,
    responses((status = 200, body = LinkPurpose), (status = 404, body = Problem),
        (status = 408, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem))
)]
pub async fn inspect(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    Body(body): Body<InspectLink>,
) -> Result<Json<LinkPurpose>, Problem> {
    let (link, meeting) = resolve(&api, connection, &body.link).await?;
    Ok(Json(LinkPurpose {
        role: link.role.into(),
        meeting: name(&meeting),
        expires_at: rfc3339(link.expires_at_unix_ms),
    }))
}

/// Exchanges a link and a name for a session token.
#[utoipa::path(
    post, path = "/api/v1/join", request_body = JoinByLink,
    responses((status = 200, body = Joined), (status = 404, body = Problem),
        (status = 408, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem))
)]
pub async fn join(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(body): Body<JoinByLink>,
) -> Result<Json<Joined>, Problem> {
    let shown = clean_name("name", &body.name)?;
    let (link, meeting) = resolve(&api, connection, &body.link).await?;
    let origin = api.origin(&headers)?;
    let session = Session {
        room: meeting.room,
        link: Some(link.id),
        identity: identity(),
        name: shown,
        role: link.role,
        permissions: link.role.permissions(),
        sources: Sources::All,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        may_update: true,
    };
    let (token, expires) = api.tokens.issue(&session, SystemTime::now());
    let expires = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Json(Joined {
        token,
        url: origin.replacen("https://", "wss://", 1),
        role: link.role.into(),
        identity: session.identity,
        meeting: name(&meeting),
        expires_at: rfc3339(u64::try_from(expires.as_millis()).unwrap_or(u64::MAX)),
    }))
}

/// One answer, after the same work, for links that are unknown, expired and revoked.
async fn resolve(
    api: &Api,
    connection: ConnectInfo<SocketAddr>,
    link: &str,
) -> Result<(LinkInfo, Meeting), Problem> {
    let invalid = || Problem::new(Code::LinkInvalid, "ask for a new link");
    let guess = api.guess(connection)?;
    // People and programs hand over the whole link as well.
    let secret = link.rsplit_once('#').map_or(link, |(_, secret)| secret);
    if !secret::is_plausible(secret) {
        return Err(invalid());
    }
    let secret_hash = secret::hash(secret);
    match guess.judge(api.controller.request(Request::ResolveLink { secret_hash }).await) {
        Ok(Response::Grant { link, meeting }) => Ok((link, meeting)),
        Ok(other) => Err(unexpected(&other)),
        Err(RequestError::NotFound) => Err(invalid()),
        Err(error) => Err(error.into()),
    }
}

fn name(meeting: &Meeting) -> MeetingName {
    MeetingName { id: meeting.room.to_string(), name: meeting.name.clone() }
}

/// Random, so that nobody can take another's place by guessing who it is.
fn identity() -> String {
    let mut bytes = [0; 15];
    rand::rng().fill_bytes(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes)
}
