//! Recordings, for those who keep them: owners by key or in the room, and integrators by token.

pub mod view;

use super::entry::unix_ms;
use super::meetings::{rfc3339, unexpected};
use super::problem::Body;
use super::{Api, Problem, clean_title, secret};
use crate::token::media::Media;
use crate::token::scope::Scope;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use lectern_control::edge::{Reader, Request, Response};
use lectern_control::limits::MAX_PARTICIPANTS_PER_ROOM;
use lectern_control::recording::{Change, Readable};
use lectern_control::{ParticipantId, RecordingId, ShareId};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};
use utoipa::{IntoParams, ToSchema};
use view::{LayoutName, RecordingView};

/// How long a link to a recording lasts: a minute to a year.
const SHARE_LIFETIME_S: std::ops::RangeInclusive<u64> = 60..=31_536_000;

/// Which recordings.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub struct RecordingsQuery {
    /// Only those that began before (RFC 3339): the last one's `started_at` gives the next page.
    before: Option<String>,
}

/// Recordings, latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingsView {
    /// As many as go into one answer.
    recordings: Vec<RecordingView>,
    /// There are earlier ones.
    more: bool,
}

/// Gives a recording another title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The title, 1 to 120 characters.
    title: String,
}

/// Makes another film of a recording.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeFilm {
    /// How it looks.
    layout: LayoutName,
    /// Who is left out, picture and sound: ids of `people`.
    #[serde(default)]
    without: Vec<String>,
}

/// Shares a recording by a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareRecording {
    /// Seconds until the link ends, 60 to 31,536,000; no later than the recording.
    expires_in_s: u64,
    /// It may be downloaded as well as played.
    #[serde(default)]
    download: bool,
}

/// A link to a recording with its secret: shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewShare {
    /// Its id.
    id: String,
    /// What to send to people; the secret stands after `#`, which browsers send to no server.
    url: String,
    /// When it ends (RFC 3339).
    expires_at: String,
    /// It may be downloaded as well as played.
    download: bool,
}

/// Opens a file.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OpenFile {
    /// To keep it, not only to play it.
    download: bool,
}

/// Where a file can be read for a while.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileAddress {
    /// The address, on this server; good for whoever has it.
    url: String,
    /// When it ends (RFC 3339).
    expires_at: String,
}

type Address = ConnectInfo<SocketAddr>;

/// The recordings of a meeting, latest first.
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting}/recordings",
    params(("meeting" = String, Path), RecordingsQuery),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 200, body = RecordingsView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem))
)]
pub async fn list(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(meeting): Path<String>,
    query: Result<Query<RecordingsQuery>, QueryRejection>,
) -> Result<Json<RecordingsView>, Problem> {
    // Before the key is looked at: a slip of the pen is no wrong guess.
    let before = query.ok().map(|Query(query)| query.before).unwrap_or_default();
    let before = before.map(|text| {
        view::unix_ms(&text).ok_or_else(|| Problem::invalid("before must be a time (RFC 3339)"))
    });
    let before_unix_ms = before.transpose()?;
    let caller = api.caller_for(Scope::Record, connection, &headers, &meeting)?;
    let (room, by) = (caller.room, caller.by.clone());
    let request = Request::Recordings { room, by, before_unix_ms };
    match caller.judge(api.controller.request(request).await)? {
        Response::Recordings { recordings, more } => {
            let recordings = recordings.into_iter().map(RecordingView::from).collect();
            Ok(Json(RecordingsView { recordings, more }))
        }
        other => Err(unexpected(&other)),
    }
}

/// One recording.
#[utoipa::path(
    get, path = "/api/v1/meetings/{meeting}/recordings/{recording}",
    params(("meeting" = String, Path), ("recording" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 200, body = RecordingView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn show(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, recording)): Path<(String, String)>,
) -> Result<Json<RecordingView>, Problem> {
    let caller = api.caller_for(Scope::Record, connection, &headers, &meeting)?;
    let (room, by) = (caller.room, caller.by.clone());
    let asked = match recording.parse() {
        Ok(recording) => api.controller.request(Request::Recording { room, by, recording }).await,
        Err(_) => return Err(caller.absent()),
    };
    shown(caller.judge(asked)?)
}

/// Gives a recording another title.
#[utoipa::path(
    patch, path = "/api/v1/meetings/{meeting}/recordings/{recording}",
    params(("meeting" = String, Path), ("recording" = String, Path)), request_body = Rename,
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 200, body = RecordingView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn rename(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(path): Path<(String, String)>,
    Body(body): Body<Rename>,
) -> Result<Json<RecordingView>, Problem> {
    let change = Change::Rename { title: clean_title("title", &body.title)? };
    shown(api.change_recording(connection, &headers, &path, change).await?)
}

/// Destroys a recording, with all its files and links, wherever they are.
#[utoipa::path(
    delete, path = "/api/v1/meetings/{meeting}/recordings/{recording}",
    params(("meeting" = String, Path), ("recording" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem))
)]
pub async fn delete(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    done(&api.change_recording(connection, &headers, &path, Change::Delete).await?)
}

/// Makes another film of a recording that has ended; it is shown among its jobs.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/recordings/{recording}/films",
    params(("meeting" = String, Path), ("recording" = String, Path)), request_body = MakeFilm,
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 202, body = RecordingView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem))
)]
pub async fn make_film(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(path): Path<(String, String)>,
    Body(body): Body<MakeFilm>,
) -> Result<(StatusCode, Json<RecordingView>), Problem> {
    if body.without.len() > MAX_PARTICIPANTS_PER_ROOM {
        return Err(Problem::invalid("without names too many"));
    }
    let without = body.without.iter().map(|id| id.parse::<ParticipantId>()).collect();
    let without: Result<Vec<_>, _> = without;
    let without = without.map_err(|error| Problem::invalid(format!("without: {error}")))?;
    let change = Change::Compose { layout: body.layout.into(), without };
    let made = shown(api.change_recording(connection, &headers, &path, change).await?)?;
    Ok((StatusCode::ACCEPTED, made))
}

/// Makes a link by which a recording's films are played.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/recordings/{recording}/shares",
    params(("meeting" = String, Path), ("recording" = String, Path)),
    request_body = ShareRecording, security(("session_token" = []), ("owner_key" = [])),
    responses((status = 201, body = NewShare), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem))
)]
pub async fn share(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path(path): Path<(String, String)>,
    Body(body): Body<ShareRecording>,
) -> Result<(StatusCode, Json<NewShare>), Problem> {
    if !SHARE_LIFETIME_S.contains(&body.expires_in_s) {
        return Err(Problem::invalid("expires_in_s must be 60 to 31536000"));
    }
    let origin = api.origin(&headers)?;
    let (secret, secret_hash) = secret::generate();
    let ends = SystemTime::now() + Duration::from_secs(body.expires_in_s);
    let (expires_at_unix_ms, download) = (unix_ms(ends), body.download);
    let change = Change::Share { secret_hash, expires_at_unix_ms, download };
    match api.change_recording(connection, &headers, &path, change).await? {
        Response::Shared(share) => {
            let made = NewShare {
                id: share.id.to_string(),
                url: format!("{origin}/recording#{secret}"),
                expires_at: rfc3339(share.expires_at_unix_ms),
                download: share.download,
            };
            Ok((StatusCode::CREATED, Json(made)))
        }
        other => Err(unexpected(&other)),
    }
}

/// Ends a link to a recording: who is just watching by it is cut off within minutes.
#[utoipa::path(
    delete, path = "/api/v1/meetings/{meeting}/recordings/{recording}/shares/{share}",
    params(("meeting" = String, Path), ("recording" = String, Path), ("share" = String, Path)),
    security(("session_token" = []), ("owner_key" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem))
)]
pub async fn unshare(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, recording, share)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    // An id that is none belongs to nothing.
    let share = share.parse().unwrap_or(ShareId(0));
    let path = (meeting, recording);
    done(&api.change_recording(connection, &headers, &path, Change::Unshare { share }).await?)
}

/// Gives the address of a file, good for an hour.
#[utoipa::path(
    post, path = "/api/v1/meetings/{meeting}/recordings/{recording}/files/{file}",
    params(("meeting" = String, Path), ("recording" = String, Path), ("file" = String, Path)),
    request_body = OpenFile, security(("session_token" = []), ("owner_key" = [])),
    responses((status = 200, body = FileAddress), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem))
)]
pub async fn open_file(
    State(api): State<Api>,
    connection: Address,
    headers: HeaderMap,
    Path((meeting, recording, file)): Path<(String, String, String)>,
    Body(body): Body<OpenFile>,
) -> Result<Json<FileAddress>, Problem> {
    let caller = api.caller_for(Scope::Record, connection, &headers, &meeting)?;
    let by = Reader::Moderator { room: caller.room, by: caller.by.clone() };
    let Ok(recording) = recording.parse() else { return Err(caller.absent()) };
    let download = body.download;
    let request = Request::ReadRecording { by, recording, file, download };
    match caller.judge(api.controller.request(request).await)? {
        Response::Readable(readable) => Ok(Json(api.address(recording, &readable, download))),
        other => Err(unexpected(&other)),
    }
}

impl Api {
    async fn change_recording(
        &self,
        connection: Address,
        headers: &HeaderMap,
        (meeting, recording): &(String, String),
        change: Change,
    ) -> Result<Response, Problem> {
        let caller = self.caller_for(Scope::Record, connection, headers, meeting)?;
        let (room, by) = (caller.room, caller.by.clone());
        let Ok(recording) = recording.parse() else { return Err(caller.absent()) };
        let request = Request::ChangeRecording { room, by, recording, change };
        caller.judge(self.controller.request(request).await)
    }

    /// The address of a file that somebody may read.
    pub(super) fn address(
        &self,
        recording: RecordingId,
        readable: &Readable,
        download: bool,
    ) -> FileAddress {
        let media = Media {
            id: rand::rng().next_u64(),
            recording,
            file: readable.file.name.clone(),
            download,
            share: readable.share,
        };
        let (token, expires) = self.tokens.issue_media(&media, SystemTime::now());
        let url = format!("/api/v1/media/{token}");
        FileAddress { url, expires_at: rfc3339(unix_ms(expires)) }
    }
}

fn shown(response: Response) -> Result<Json<RecordingView>, Problem> {
    match response {
        Response::Recording(recording) => Ok(Json((*recording).into())),
        other => Err(unexpected(&other)),
    }
}

fn done(response: &Response) -> Result<StatusCode, Problem> {
    match response {
        Response::Done => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(other)),
    }
}
