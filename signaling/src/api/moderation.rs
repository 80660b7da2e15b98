//! What moderators do about others: admit, mute, stop, remove, hand over, lock, end.

use super::meetings::{AccessView, LinkRole, unexpected};
use super::problem::Body;
use super::{Api, Problem, clean_message};
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use lectern_control::Secret;
use lectern_control::access::{AccessChange, Moderation, PinChange};
use lectern_control::edge::{Request, Response};
use lectern_control::room::Role;
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use utoipa::ToSchema;

/// Changes how people are received; what is not said stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeAccess {
    /// Nobody new comes in.
    locked: Option<bool>,
    /// Viewers wait until somebody admits them.
    lobby: Option<bool>,
    /// The PIN, 6 to 10 digits; `null` takes it away. For owners.
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    pin: Option<Option<Secret<String>>>,
}

/// Tells `null` from what is not there.
fn said<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Secret<String>>>, D::Error> {
    Option::<Secret<String>>::deserialize(deserializer).map(Some)
}

/// Refuses somebody.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Refuse {
    /// A word to it, at most 200 characters.
    message: String,
}

/// Mutes somebody.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mute {
    /// Which track; the microphone where it is not said.
    track: Option<String>,
}

/// Gives somebody a role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// Viewer or presenter.
    role: LinkRole,
}

type Address = ConnectInfo<SocketAddr>;
type Nothing = Result<StatusCode, Problem>;

/// Locks a meeting, gives it a lobby, or a PIN; or takes them away.
#[utoipa::path(
    patch, path = "/api/v1/meetings/{meeting}/access", params(("meeting" = String, Path)),
    request_body = ChangeAccess, security(("session_token" = []), ("owner_key" = [])),
    responses((status = 200, body = AccessView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn change_access(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(meeting): Path<String>,
    Body(body): Body<ChangeAccess>,
) -> Result<Json<AccessView>, Problem> {
    let pin = match body.pin {
        None => PinChange::Keep,
        Some(None) => PinChange::Clear,
        Some(Some(pin)) => PinChange::Set(pin),
    };
    let change = AccessChange { locked: body.locked, lobby: body.lobby, pin };
    let action = Moderation::SetAccess(change);
    match api.moderate(connection, &headers, &meeting, action).await? {
        Response::Access(access) => Ok(Json(access.into())),
        other => Err(unexpected(&other)),
    }
}

/// Admits somebody from the lobby.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/lobby/{identity}/admit",
    params(("meeting" = String, Path), ("identity" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn admit(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, identity)): Path<(String, String)>,
) -> Nothing {
    api.act(connection, &headers, &meeting, Moderation::Admit { identity }).await
}

/// Admits all who wait in the lobby.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/lobby/admit", params(("meeting" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn admit_all(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(meeting): Path<String>,
) -> Nothing {
    api.act(connection, &headers, &meeting, Moderation::AdmitAll).await
}

/// Refuses somebody in the lobby, who then stays out.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/lobby/{identity}/refuse",
    params(("meeting" = String, Path), ("identity" = String, Path)), request_body = Refuse,
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem),
        (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn refuse(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, identity)): Path<(String, String)>,
    Body(body): Body<Refuse>,
) -> Nothing {
    let message = clean_message("message", &body.message)?;
    api.act(connection, &headers, &meeting, Moderation::Refuse { identity, message }).await
}

/// Mutes somebody, who may unmute again.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/people/{identity}/mute",
    params(("meeting" = String, Path), ("identity" = String, Path)), request_body = Mute,
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem),
        (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn mute(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, identity)): Path<(String, String)>,
    Body(body): Body<Mute>,
) -> Nothing {
    let track = body.track.map(|track| track.parse()).transpose();
    let track = track.map_err(|error| Problem::invalid(format!("track: {error}")))?;
    api.act(connection, &headers, &meeting, Moderation::Mute { identity, track }).await
}

/// Mutes every microphone but the asker's.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/mute", params(("meeting" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn mute_all(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(meeting): Path<String>,
) -> Nothing {
    api.act(connection, &headers, &meeting, Moderation::MuteAll).await
}

/// Ends what somebody shares.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/people/{identity}/stop-share",
    params(("meeting" = String, Path), ("identity" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn stop_share(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, identity)): Path<(String, String)>,
) -> Nothing {
    api.act(connection, &headers, &meeting, Moderation::StopShare { identity }).await
}

/// Removes somebody, who then stays out.
#[utoipa::path(
    delete, path = "/api/v1/meetings/{meeting}/people/{identity}",
    params(("meeting" = String, Path), ("identity" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn remove(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, identity)): Path<(String, String)>,
) -> Nothing {
    api.act(connection, &headers, &meeting, Moderation::Remove { identity }).await
}

/// Makes somebody a viewer or a presenter.
#[utoipa::path(
    put, path = "/api/v1/meetings/{meeting}/people/{identity}/role",
    params(("meeting" = String, Path), ("identity" = String, Path)), request_body = SetRole,
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem),
        (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn set_role(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, identity)): Path<(String, String)>,
    Body(body): Body<SetRole>,
) -> Nothing {
    let role: Role = body.role.into();
    api.act(connection, &headers, &meeting, Moderation::SetRole { identity, role }).await
}

/// Hands presenting over: the other presents, and an asking presenter does so no longer.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/people/{identity}/hand-over",
    params(("meeting" = String, Path), ("identity" = String, Path)),
    security(("session_token" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn hand_over(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, identity)): Path<(String, String)>,
) -> Nothing {
    api.act(connection, &headers, &meeting, Moderation::HandOver { identity }).await
}

/// Ends a meeting for everybody who is in it.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/end", params(("meeting" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn end(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(meeting): Path<String>,
) -> Nothing {
    api.act(connection, &headers, &meeting, Moderation::End).await
}

impl Api {
    pub(super) async fn moderate(
        &self,
        connection: Address,
        headers: &HeaderMap,
        meeting: &str,
        action: Moderation,
    ) -> Result<Response, Problem> {
        let caller = self.caller(connection, headers, meeting)?;
        let (room, by) = (caller.room, caller.by.clone());
        caller.judge(self.controller.request(Request::Moderate { room, by, action }).await)
    }

    async fn act(
        &self,
        connection: Address,
        headers: &HeaderMap,
        meeting: &str,
        action: Moderation,
    ) -> Nothing {
        match self.moderate(connection, headers, meeting, action).await? {
            Response::Done => Ok(StatusCode::NO_CONTENT),
            other => Err(unexpected(&other)),
        }
    }
}
