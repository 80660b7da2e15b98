//! Files of recordings, read from a recorder and passed on as they come.

mod disposition;
mod granted;
mod range;

pub use granted::Granted;

use super::caller::{refused, unknown};
use super::meetings::unexpected;
use super::{Api, Code, Problem};
use crate::recorder_link::{Failure, Reading};
use crate::serve::Progress;
use crate::token::media::Media;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use disposition::Purpose;
use futures_util::stream;
use lectern_control::edge::{self, Reader, Request};
use lectern_control::recording::{Readable, Refusal};
use range::Part;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A ticket may be a moment slower on its way to the recorder than we are: so often it is tried again.
const TRIES: u32 = 6;
/// After so long, and twice as long each time.
const TRY_AGAIN: Duration = Duration::from_millis(25);
/// Media types that are passed on; what else a recorder may say is kept and not shown.
const MEDIA_TYPES: [&str; 7] = [
    "video/mp4",
    "video/webm",
    "audio/mp4",
    "audio/webm",
    "audio/ogg",
    "image/jpeg",
    "application/octet-stream",
];

/// A file, or a part of it. The address is all that is needed: it is given to those who may read.
#[utoipa::path(
    get, path = "/api/v1/media/{token}", params(("token" = String, Path)),
    responses((status = 200, description = "The file.", content_type = "video/mp4"),
        (status = 206, description = "A part of it.", content_type = "video/mp4"),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 416, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem))
)]
pub async fn show(
    State(api): State<Api>,
    method: Method,
    headers: HeaderMap,
    progress: Option<Extension<Progress>>,
    Path(token): Path<String>,
) -> Result<Response, Failed> {
    let media = api.tokens.verify_media(&token).map_err(refused)?;
    api.limits.read(media.id)?;
    let wanted = Wanted { method, headers };
    let (readable, answer) = match api.granted.get(media.id, Instant::now()) {
        Some(readable) => match api.reading(&wanted, &readable).await {
            // It may have been revoked, or the recorder began anew.
            Err(Failed::Read(Failure::Refused(_))) => api.ask_and_read(&media, &wanted).await?,
            other => (readable, other?),
        },
        None => api.ask_and_read(&media, &wanted).await?,
    };
    let progress = progress.map(|Extension(progress)| progress);
    Ok(response(&media, &readable, answer, progress))
}

/// What a client wants of a file.
struct Wanted {
    method: Method,
    headers: HeaderMap,
}

/// What it gets.
struct Answer {
    part: Part,
    /// The bytes, if any are wanted.
    reading: Option<Reading>,
}

/// Why a client gets nothing.
pub enum Failed {
    /// It may not, or nobody knows.
    Asked(Problem),
    /// The recorder does not give it.
    Read(Failure),
    /// There are no such bytes in a file of so many.
    Unsatisfiable(u64),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Failed {
        Failed::Asked(problem)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        match self {
            Failed::Asked(problem) => problem.into_response(),
            Failed::Read(Failure::Refused(Refusal::Gone)) => unknown().into_response(),
            Failed::Read(failure) => {
                tracing::warn!(%failure, "a file of a recording cannot be read");
                Problem::new(Code::Unavailable, failure.to_string()).into_response()
            }
            Failed::Unsatisfiable(size) => {
                let detail = format!("the file has {size} bytes");
                let mut response = Problem::new(Code::NoSuchRange, detail).into_response();
                if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                    response.headers_mut().insert(header::CONTENT_RANGE, value);
                }
                response
            }
        }
    }
}

impl Api {
    async fn ask_and_read(
        &self,
        media: &Media,
        wanted: &Wanted,
    ) -> Result<(Arc<Readable>, Answer), Failed> {
        let readable = Arc::new(self.ask(media).await?);
        let mut wait = TRY_AGAIN;
        for _ in 1..TRIES {
            match self.reading(wanted, &readable).await {
                Err(Failed::Read(Failure::Refused(Refusal::Ticket))) => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                Err(failed) => return Err(failed),
                Ok(answer) => {
                    self.granted.keep(media.id, readable.clone(), Instant::now());
                    return Ok((readable, answer));
                }
            }
        }
        let answer = self.reading(wanted, &readable).await?;
        Ok((readable, answer))
    }

    /// Asks the controller whether a file may still be read, and where.
    async fn ask(&self, media: &Media) -> Result<Readable, Problem> {
        let request = Request::ReadRecording {
            by: Reader::Granted { share: media.share },
            recording: media.recording,
            file: media.file.clone(),
            download: media.download,
        };
        match self.controller.request(request).await? {
            edge::Response::Readable(readable) => Ok(*readable),
            other => Err(unexpected(&other)),
        }
    }

    async fn reading(&self, wanted: &Wanted, readable: &Readable) -> Result<Answer, Failed> {
        let (headers, size) = (&wanted.headers, readable.file.bytes);
        // Without a validator of ours a condition cannot hold (RFC 9110 section 13.1.5).
        let asked = headers.get(header::RANGE).filter(|_| !headers.contains_key(header::IF_RANGE));
        let part = range::part(asked.and_then(|range| range.to_str().ok()), size);
        let bytes = match &part {
            Part::Whole => 0..size,
            Part::Range(range) => range.clone(),
            Part::Unsatisfiable => return Err(Failed::Unsatisfiable(size)),
        };
        if wanted.method == Method::HEAD || bytes.is_empty() {
            return Ok(Answer { part, reading: None });
        }
        let len = bytes.end - bytes.start;
        let reading =
            self.recorders.read(readable, bytes.start, len).await.map_err(Failed::Read)?;
        Ok(Answer { part, reading: Some(reading) })
    }
}

fn response(
    media: &Media,
    readable: &Readable,
    answer: Answer,
    progress: Option<Progress>,
) -> Response {
    let size = readable.file.bytes;
    let (status, len) = match &answer.part {
        Part::Range(range) => (StatusCode::PARTIAL_CONTENT, range.end - range.start),
        Part::Whole | Part::Unsatisfiable => (StatusCode::OK, size),
    };
    let body = answer.reading.map_or_else(Body::empty, |reading| body(reading, progress));
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let kind = MEDIA_TYPES.iter().find(|known| **known == readable.file.content_type);
    let kind = kind.copied().unwrap_or("application/octet-stream");
    let purpose = if media.download { Purpose::Keep } else { Purpose::Show };
    let disposition = disposition::header(purpose, &readable.title, &readable.file);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    // Whatever it holds, it is no page of ours (CSP level 3 section 6.2.2).
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(
        header::HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    if let Part::Range(range) = &answer.part {
        let value = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header::CONTENT_RANGE, value);
        }
    }
    response
}

/// What comes from the recorder, no sooner than the client takes it.
fn body(reading: Reading, progress: Option<Progress>) -> Body {
    Body::from_stream(stream::try_unfold((reading, progress), |(mut reading, progress)| async {
        let Some(bytes) = reading.next().await? else { return Ok(None) };
        // A long film takes longer than any other answer; who takes it does not hang.
        if let Some(progress) = &progress {
            progress.made();
        }
        Ok::<_, std::io::Error>(Some((bytes, (reading, progress))))
    }))
}
