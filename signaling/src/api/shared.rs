//! Recordings, for whoever has a link to one.

use super::entry::link_invalid;
use super::meetings::{rfc3339, unexpected};
use super::problem::Body;
use super::recordings::FileAddress;
use super::recordings::view::{FileView, exact};
use super::{Api, Problem, secret};
use crate::tls;
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use lectern_control::edge::{Reader, Request, RequestError, Response};
use lectern_control::recording::Recording;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;

/// Shows a recording by its link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowShared {
    /// The link, or only the part after `#`.
    secret: String,
}

/// Opens a file of a recording by its link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenShared {
    /// The link, or only the part after `#`.
    secret: String,
    /// To keep it, not only to play it.
    #[serde(default)]
    download: bool,
}

/// A recording, as whoever has a link sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedView {
    /// Its title.
    title: String,
    /// When it began (RFC 3339).
    started_at: String,
    /// How long it is.
    duration_ms: u64,
    /// It may be downloaded as well as played.
    download: bool,
    /// When the link ends (RFC 3339).
    expires_at: String,
    /// Films, and pictures of them.
    files: Vec<FileView>,
}

/// A recording, by a link to it. One answer, after the same work, for links that are unknown, expired
/// and ended, and for recordings that are gone.
#[utoipa::path(
    post, path = "/api/v1/shared-recordings", request_body = ShowShared,
    responses((status = 200, body = SharedView), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn show(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    Body(body): Body<ShowShared>,
) -> Result<Json<SharedView>, Problem> {
    let (recording, _) = api.shared(connection, &body.secret).await?;
    let share = recording.shares.first().ok_or_else(link_invalid)?;
    Ok(Json(SharedView {
        title: recording.title.clone(),
        started_at: exact(recording.status.started_unix_ms),
        duration_ms: recording.status.duration_ms,
        download: share.download,
        expires_at: rfc3339(share.expires_at_unix_ms),
        files: recording.status.files.into_iter().map(FileView::from).collect(),
    }))
}

/// Gives the address of a film or a picture, good for an hour and no longer than the link.
#[utoipa::path(
    post, path = "/api/v1/shared-recordings/files/{file}", params(("file" = String, Path)),
    request_body = OpenShared,
    responses((status = 200, body = FileAddress), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem))
)]
pub async fn open_file(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    Path(file): Path<String>,
    Body(body): Body<OpenShared>,
) -> Result<Json<FileAddress>, Problem> {
    let (recording, secret_hash) = api.shared(connection, &body.secret).await?;
    let (by, recording) = (Reader::Share { secret_hash }, recording.id);
    let download = body.download;
    let request = Request::ReadRecording { by, recording, file, download };
    match api.controller.request(request).await? {
        Response::Readable(readable) => Ok(Json(api.address(recording, &readable, download))),
        other => Err(unexpected(&other)),
    }
}

impl Api {
    /// What a link shows, and the hash of its secret. A wrong one counts as a guess; a right one as a
    /// call of whoever has it.
    async fn shared(
        &self,
        connection: ConnectInfo<SocketAddr>,
        link: &str,
    ) -> Result<(Recording, [u8; 32]), Problem> {
        // People and programs hand over the whole link as well.
        let secret = link.rsplit_once('#').map_or(link, |(_, secret)| secret);
        if !secret::is_plausible(secret) {
            return Err(link_invalid());
        }
        let guess = self.limits.guess(tls::client(connection))?;
        let secret_hash = secret::hash(secret);
        let request = Request::SharedRecording { secret_hash };
        match guess.judge(self.controller.request(request).await) {
            Ok(Response::Recording(recording)) => {
                self.limits.call(recording.room, secret)?;
                Ok((*recording, secret_hash))
            }
            Ok(other) => Err(unexpected(&other)),
            Err(RequestError::NotFound) => Err(link_invalid()),
            Err(error) => Err(error.into()),
        }
    }
}
