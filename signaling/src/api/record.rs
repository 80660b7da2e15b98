//! Recording on and off.

use super::meetings::{rfc3339, unexpected};
use super::recordings::view::trouble;
use super::{Api, Problem};
use crate::token::scope::Scope;
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use lectern_control::edge::{Request, Response};
use lectern_control::recording::Recorded;
use serde::Serialize;
use std::net::SocketAddr;
use utoipa::ToSchema;

/// A meeting is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedView {
    /// The recording.
    id: String,
    /// Who turned it on, by the name shown.
    by: String,
    /// Since when (RFC 3339).
    since: String,
    /// Why it has stopped, or waits: `disk_full`, `write_failed` or `recorder_lost`.
    trouble: Option<&'static str>,
}

impl From<Recorded> for RecordedView {
    fn from(recorded: Recorded) -> RecordedView {
        RecordedView {
            id: recorded.recording.to_string(),
            by: recorded.by,
            since: rfc3339(recorded.since_unix_ms),
            trouble: recorded.trouble.map(|known| trouble(known.kind)),
        }
    }
}

type Address = ConnectInfo<SocketAddr>;

/// Turns recording on; everybody in the meeting is told. Where it is on, nothing changes. For
/// presenters and owners, and for integrators with `roomRecord` or `roomAdmin`.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/recording", params(("meeting" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 200, body = RecordedView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem))
)]
pub async fn start(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(meeting): Path<String>,
) -> Result<Json<RecordedView>, Problem> {
    match api.record(connection, &headers, &meeting, Switch::On).await? {
        Some(recorded) => Ok(Json(recorded.into())),
        // Somebody was faster and turned it off again.
        None => Err(Problem::new(super::Code::Unavailable, "it was turned off again")),
    }
}

/// Turns recording off. Where it is off, nothing changes. For the same.
#[utoipa::path(
    delete, path = "/api/v1/meetings/{meeting}/recording", params(("meeting" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem))
)]
pub async fn stop(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(meeting): Path<String>,
) -> Result<StatusCode, Problem> {
    api.record(connection, &headers, &meeting, Switch::Off).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

impl Api {
    async fn record(
        &self,
        connection: Address,
        headers: &HeaderMap,
        meeting: &str,
        switch: Switch,
    ) -> Result<Option<Recorded>, Problem> {
        let caller = self.caller_for(Scope::Record, connection, headers, meeting)?;
        let (room, by) = (caller.room, caller.by.clone());
        let request = Request::Record { room, by, on: switch == Switch::On };
        match caller.judge(self.controller.request(request).await)? {
            Response::Recorded(recorded) => Ok(recorded),
            other => Err(unexpected(&other)),
        }
    }
}
