//! Meetings and their links. Whoever makes a meeting gets the key to manage it.

use super::caller::unknown;
use super::limits::Guess;
use super::problem::Body;
use super::secret;
use super::{Api, Code, Problem, clean_name};
use crate::controller_link::Controller;
use crate::tls;
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use lectern_control::access::{Access, PinChange};
use lectern_control::edge::{LinkInfo, Meeting, Request, Response};
use lectern_control::room::Role;
use lectern_control::{LinkId, RoomId, Secret};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// How long a meeting lasts where nothing is said.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(7 * 86_400);
/// The shortest: shorter is a mistake.
const MIN_LIFETIME: Duration = Duration::from_secs(60);
/// The longest: links do not lie about for ever.
const MAX_LIFETIME: Duration = Duration::from_secs(365 * 86_400);
/// How long a meeting's recordings may be kept: ten years at most.
const KEEP_RECORDINGS_DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;
/// The name of a meeting where nothing is said.
const DEFAULT_NAME: &str = "Screen share";

/// Makes a meeting.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CreateMeeting {
    /// Its name, 1 to 64 characters.
    name: Option<String>,
    /// Seconds until it and its links end: 60 to 31,536,000; seven days where it is not said.
    expires_in_s: Option<u64>,
    /// With a lobby: viewers wait until somebody admits them.
    lobby: bool,
    /// With a PIN, 6 to 10 digits.
    #[schema(value_type = Option<String>)]
    pin: Option<Secret<String>>,
    /// Days for which its recordings are kept, 1 to 3,650, and no longer than the operator keeps them;
    /// as long as that where it is not said.
    keep_recordings_days: Option<u32>,
}

/// Makes a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// What it lets its holder be.
    role: LinkRole,
    /// Seconds until it ends; with the meeting where it is not said.
    expires_in_s: Option<u64>,
}

/// What a link lets its holder be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkRole {
    /// Sees and hears; chats.
    Viewer,
    /// Shares and speaks besides.
    Presenter,
}

impl From<LinkRole> for Role {
    fn from(role: LinkRole) -> Role {
        match role {
            LinkRole::Viewer => Role::Viewer,
            LinkRole::Presenter => Role::Presenter,
        }
    }
}

/// What somebody is in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleView {
    /// Sees and hears; chats.
    Viewer,
    /// Shares, speaks and moderates besides.
    Presenter,
    /// A presenter who owns the meeting.
    Owner,
}

impl From<Role> for RoleView {
    fn from(role: Role) -> RoleView {
        match role {
            Role::Viewer => RoleView::Viewer,
            Role::Presenter => RoleView::Presenter,
            Role::Owner => RoleView::Owner,
        }
    }
}

/// How a meeting receives people.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct AccessView {
    /// Nobody new comes in.
    locked: bool,
    /// Viewers wait until somebody admits them.
    lobby: bool,
    /// A PIN is asked for.
    pin_set: bool,
}

impl From<Access> for AccessView {
    fn from(access: Access) -> AccessView {
        let Access { locked, lobby, pin_set } = access;
        AccessView { locked, lobby, pin_set }
    }
}

/// A meeting, without secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeetingView {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// When it was made (RFC 3339).
    created_at: String,
    /// When it and its links end (RFC 3339).
    expires_at: String,
    /// Its links, without their secrets.
    links: Vec<LinkView>,
    /// How it receives people.
    access: AccessView,
}

/// A link, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// Its id.
    id: String,
    /// What it lets its holder be.
    role: RoleView,
    /// When it ends (RFC 3339).
    expires_at: String,
    /// Ended before its time.
    revoked: bool,
}

/// A link with its secret: shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewLink {
    /// Its id.
    id: String,
    /// What it lets its holder be.
    role: RoleView,
    /// What to send to people; the secret stands after `#`, which browsers send to no server.
    url: String,
    /// When it ends (RFC 3339).
    expires_at: String,
}

/// A meeting was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewMeeting {
    /// The meeting.
    meeting: MeetingView,
    /// Manages the meeting: `Authorization: Bearer …`. Shown this once.
    owner_key: String,
    /// Its first two links.
    links: NewLinks,
}

/// The links a meeting begins with.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewLinks {
    /// For those who share and speak.
    presenter: NewLink,
    /// For those who watch and listen.
    viewer: NewLink,
}

/// Makes a meeting and its first two links.
#[utoipa::path(
    post, path = "/api/v1/meetings", request_body = CreateMeeting,
    responses((status = 201, body = NewMeeting), (status = 408, body = Problem),
        (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem))
)]
pub async fn create(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(body): Body<CreateMeeting>,
) -> Result<(StatusCode, Json<NewMeeting>), Problem> {
    api.limits.creation(tls::client(connection))?;
    let origin = api.origin(&headers)?;
    let name = clean_name("name", body.name.as_deref().unwrap_or(DEFAULT_NAME))?;
    let expires_at_unix_ms = expiry(body.expires_in_s, DEFAULT_LIFETIME)?;
    let (owner_key, owner_key_hash) = secret::generate();
    let (lobby, pin) = (body.lobby, body.pin.map_or(PinChange::Keep, PinChange::Set));
    let keep_recordings_days = body.keep_recordings_days;
    if keep_recordings_days.is_some_and(|days| !KEEP_RECORDINGS_DAYS.contains(&days)) {
        return Err(Problem::invalid("keep_recordings_days must be 1 to 3650"));
    }
    let request = Request::CreateMeeting {
        name,
        expires_at_unix_ms,
        owner_key_hash,
        lobby,
        pin,
        keep_recordings_days,
    };
    let meeting = meeting(api.controller.request(request).await?)?;
    let owner = Owner { controller: &api.controller, room: meeting.room, owner_key_hash, origin };
    let presenter = owner.create_link(Role::Presenter, expires_at_unix_ms).await?;
    let viewer = owner.create_link(Role::Viewer, expires_at_unix_ms).await?;
    let made =
        NewMeeting { meeting: view(&meeting), owner_key, links: NewLinks { presenter, viewer } };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Shows a meeting and its links to its owner.
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting}", params(("meeting" = String, Path)),
    security(("owner_key" = [])),
    responses((status = 200, body = MeetingView), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem))
)]
pub async fn show(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<MeetingView>, Problem> {
    let (owner, guess) = owner(&api, connection, &headers, &id)?;
    Ok(Json(view(&owner.meeting(guess).await?)))
}

/// Adds a link to a meeting.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/links", params(("meeting" = String, Path)),
    request_body = CreateLink, security(("owner_key" = [])),
    responses((status = 201, body = NewLink), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem),
        (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn create_link(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Body(body): Body<CreateLink>,
) -> Result<(StatusCode, Json<NewLink>), Problem> {
    let (owner, guess) = owner(&api, connection, &headers, &id)?;
    let meeting = owner.meeting(guess).await?;
    let wanted = match body.expires_in_s {
        Some(_) => expiry(body.expires_in_s, DEFAULT_LIFETIME)?,
        None => meeting.expires_at_unix_ms,
    };
    let expires_at_unix_ms = wanted.min(meeting.expires_at_unix_ms);
    let link = owner.create_link(body.role.into(), expires_at_unix_ms).await?;
    Ok((StatusCode::CREATED, Json(link)))
}

/// Ends a link for good: nobody comes in by it any more, and who came by it leaves the meeting.
#[utoipa::path(
    delete, path = "/api/v1/meetings/{meeting}/links/{link}",
    params(("meeting" = String, Path), ("link" = String, Path)), security(("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn revoke_link(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path((id, link)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (owner, guess) = owner(&api, connection, &headers, &id)?;
    let link: LinkId = link.parse().map_err(|_| unknown())?;
    let (room, owner_key_hash) = (owner.room, owner.owner_key_hash);
    let request = Request::RevokeLink { room, owner_key_hash, link };
    match guess.judge(api.controller.request(request).await)? {
        Response::Done => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(&other)),
    }
}

/// Somebody who showed a meeting's key; the controller says whether it is the right one.
struct Owner<'a> {
    controller: &'a Controller,
    room: RoomId,
    owner_key_hash: [u8; 32],
    origin: String,
}

impl Owner<'_> {
    /// The meeting, if the key that was shown is its own.
    async fn meeting(&self, guess: Guess<'_>) -> Result<Meeting, Problem> {
        let request = Request::Meeting { room: self.room, owner_key_hash: self.owner_key_hash };
        meeting(guess.judge(self.controller.request(request).await)?)
    }

    async fn create_link(&self, role: Role, expires_at_unix_ms: u64) -> Result<NewLink, Problem> {
        let (secret, secret_hash) = secret::generate();
        let request = Request::CreateLink {
            room: self.room,
            owner_key_hash: self.owner_key_hash,
            role,
            expires_at_unix_ms,
            secret_hash,
        };
        match self.controller.request(request).await? {
            Response::Link(link) => Ok(NewLink {
                id: link.id.to_string(),
                role: link.role.into(),
                url: format!("{}/j#{secret}", self.origin),
                expires_at: rfc3339(link.expires_at_unix_ms),
            }),
            other => Err(unexpected(&other)),
        }
    }
}

fn owner<'a>(
    api: &'a Api,
    connection: ConnectInfo<SocketAddr>,
    headers: &HeaderMap,
    id: &str,
) -> Result<(Owner<'a>, Guess<'a>), Problem> {
    let key = secret::bearer(headers)?;
    let (room, guess) = api.key(connection, key, id)?;
    let owner = Owner {
        controller: &api.controller,
        room,
        owner_key_hash: secret::hash(key),
        origin: api.origin(headers)?,
    };
    Ok((owner, guess))
}

/// A response of another kind than the request's: two versions that do not fit.
pub fn unexpected(response: &Response) -> Problem {
    tracing::error!(?response, "the controller answered something else");
    Problem::new(Code::Unavailable, "the controller answered something else")
}

fn meeting(response: Response) -> Result<Meeting, Problem> {
    match response {
        Response::Meeting(meeting) => Ok(meeting),
        other => Err(unexpected(&other)),
    }
}

fn view(meeting: &Meeting) -> MeetingView {
    let link = |link: &LinkInfo| LinkView {
        id: link.id.to_string(),
        role: link.role.into(),
        expires_at: rfc3339(link.expires_at_unix_ms),
        revoked: link.revoked,
    };
    MeetingView {
        id: meeting.room.to_string(),
        name: meeting.name.clone(),
        created_at: rfc3339(meeting.created_at_unix_ms),
        expires_at: rfc3339(meeting.expires_at_unix_ms),
        links: meeting.links.iter().map(link).collect(),
        access: meeting.access.into(),
    }
}

/// Milliseconds since 1970 at which something ends that begins now.
fn expiry(seconds: Option<u64>, default: Duration) -> Result<u64, Problem> {
    let lifetime = seconds.map_or(default, Duration::from_secs);
    if !(MIN_LIFETIME..=MAX_LIFETIME).contains(&lifetime) {
        let (min, max) = (MIN_LIFETIME.as_secs(), MAX_LIFETIME.as_secs());
        return Err(Problem::invalid(format!("expires_in_s must be {min} to {max}")));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from((now + lifetime).as_millis()).unwrap_or(u64::MAX))
}

/// A time as RFC 3339 has it, to the second.
pub fn rfc3339(unix_ms: u64) -> String {
    let seconds = i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX);
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}
