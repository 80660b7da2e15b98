//! What was done in a meeting, for its owner.

use super::meetings::{rfc3339, unexpected};
use super::{Api, Problem};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::HeaderMap;
use lectern_control::access::AuditLine;
use lectern_control::edge::{Request, Response};
use lectern_control::limits::MAX_AUDIT_LINES;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::{IntoParams, ToSchema};

/// Which lines of the audit log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub struct AuditQuery {
    /// Only those before this one.
    before: Option<u64>,
    /// At most so many, 1 to 500.
    limit: Option<u32>,
}

/// Lines of the audit log, latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditView {
    /// The lines.
    events: Vec<AuditLineView>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLineView {
    /// Its number.
    id: u64,
    /// When (RFC 3339).
    at: String,
    /// What happened.
    kind: String,
    /// Who did it.
    actor: String,
    /// More, in words.
    detail: String,
}

/// The audit log of a meeting, latest first. For owners.
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting}/audit",
    params(("meeting" = String, Path), AuditQuery),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 200, body = AuditView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn show(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(meeting): Path<String>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Json<AuditView>, Problem> {
    // Before the key is looked at: a slip of the pen is no wrong guess.
    let Query(AuditQuery { before, limit }) =
        query.map_err(|_| Problem::invalid("before and limit must be numbers"))?;
    let limit = limit.unwrap_or(MAX_AUDIT_LINES).clamp(1, MAX_AUDIT_LINES);
    let caller = api.caller(connection, &headers, &meeting)?;
    let (room, by) = (caller.room, caller.by.clone());
    let request = Request::Audit { room, by, before, limit };
    match caller.judge(api.controller.request(request).await)? {
        Response::Audit(lines) => {
            let line = |line: AuditLine| AuditLineView {
                id: line.id,
                at: rfc3339(line.at_unix_ms),
                kind: line.kind,
                actor: line.actor,
                detail: line.detail,
            };
            Ok(Json(AuditView { events: lines.into_iter().map(line).collect() }))
        }
        other => Err(unexpected(&other)),
    }
}
