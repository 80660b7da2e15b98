//! Errors as clients get them: `application/problem+json` (RFC 9457).

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lectern_control::edge::RequestError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a body may take: it is a few hundred bytes, and who sends them slowly holds a place.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A field cannot be used.
    Invalid,
    /// No such meeting or call.
    NotFound,
    /// The link is unknown, has expired or was revoked: which of them is not said.
    LinkInvalid,
    /// The key is missing or wrong.
    Unauthorized,
    /// The token is missing, not good, of another kind, or was used.
    TokenInvalid,
    /// The token has ended.
    TokenExpired,
    /// The key or token is good, but not for this.
    NotPermitted,
    /// The PIN is wrong, or missing.
    PinWrong,
    /// Nobody new comes in.
    Locked,
    /// Somebody must admit it first.
    InLobby,
    /// It was removed, or refused, and stays out.
    Removed,
    /// The call does not know the method.
    MethodNotAllowed,
    /// The body is too large.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The file has no such bytes.
    NoSuchRange,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// Too many tries; `Retry-After` says how long to wait.
    TooManyRequests,
    /// A limit is reached, such as the people in a room.
    LimitReached,
    /// No recorder can take it now.
    NoRecorder,
    /// Nothing can be done now; try again.
    Unavailable,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Code::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Code::NotFound | Code::LinkInvalid => StatusCode::NOT_FOUND,
            Code::Unauthorized | Code::TokenInvalid | Code::TokenExpired => {
                StatusCode::UNAUTHORIZED
            }
            Code::NotPermitted | Code::PinWrong | Code::Locked | Code::InLobby | Code::Removed => {
                StatusCode::FORBIDDEN
            }
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Code::NoSuchRange => StatusCode::RANGE_NOT_SATISFIABLE,
            Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Code::LimitReached => StatusCode::CONFLICT,
            Code::NoRecorder | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Code::Invalid => "A field cannot be used",
            Code::NotFound => "Not found",
            Code::LinkInvalid => "The link does not work, or no longer",
            Code::Unauthorized => "A key is needed",
            Code::TokenInvalid => "The token is not good",
            Code::TokenExpired => "The token has ended",
            Code::NotPermitted => "Not permitted",
            Code::PinWrong => "The PIN is wrong",
            Code::Locked => "The meeting is locked",
            Code::InLobby => "Somebody must admit you first",
            Code::Removed => "Removed from the meeting",
            Code::MethodNotAllowed => "Method not allowed",
            Code::TooLarge => "The request is too large",
            Code::TooSlow => "The request came too slowly",
            Code::NoSuchRange => "The file has no such bytes",
            Code::UnsupportedMediaType => "The request is not JSON",
            Code::TooManyRequests => "Too many tries",
            Code::LimitReached => "A limit is reached",
            Code::NoRecorder => "No recorder is available",
            Code::Unavailable => "Not available now",
        }
    }
}

/// An error, as the body of a response.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code says it all.
    #[serde(rename = "type")]
    kind: &'static str,
    /// For people, the same for each code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// For programs.
    code: Code,
    /// For people, about this very request.
    detail: String,
    /// Seconds to wait before the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

impl Problem {
    /// An error of a kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem {
            kind: "about:blank",
            title: code.title(),
            status: code.status().as_u16(),
            code,
            detail: detail.into(),
            retry_after_s: None,
        }
    }

    /// A field cannot be used.
    pub fn invalid(detail: impl Into<String>) -> Problem {
        Problem::new(Code::Invalid, detail)
    }

    /// Too many tries.
    pub fn too_many(wait: Duration) -> Problem {
        let seconds = wait.as_secs() + 1;
        let mut problem =
            Problem::new(Code::TooManyRequests, format!("try again in {seconds} seconds"));
        problem.retry_after_s = Some(seconds);
        problem
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Problem {
        if let RequestError::TooOften { retry_after_s } = error {
            return Problem::too_many(Duration::from_secs(retry_after_s.saturating_sub(1)));
        }
        let code = match &error {
            RequestError::NotFound | RequestError::Absent => Code::NotFound,
            RequestError::NotPermitted => Code::NotPermitted,
            RequestError::EntryInvalid => Code::TokenInvalid,
            RequestError::PinWrong => Code::PinWrong,
            RequestError::TooOften { .. } => Code::TooManyRequests,
            RequestError::Locked => Code::Locked,
            RequestError::InLobby => Code::InLobby,
            RequestError::Removed => Code::Removed,
            RequestError::Limit(_) => Code::LimitReached,
            RequestError::Invalid(_) => Code::Invalid,
            RequestError::NoRecorder => Code::NoRecorder,
            RequestError::NoNode | RequestError::Unavailable(_) => Code::Unavailable,
        };
        Problem::new(code, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        // A struct of plain fields always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A JSON body; what is wrong with it becomes a [`Problem`].
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read(request, state, BODY_TIMEOUT).await
    }
}

async fn read<T: DeserializeOwned, S: Send + Sync>(
    request: Request,
    state: &S,
    limit: Duration,
) -> Result<Body<T>, Problem> {
    let body = axum::Json::<T>::from_request(request, state);
    match tokio::time::timeout(limit, body).await {
        Ok(Ok(axum::Json(value))) => Ok(Body(value)),
        Ok(Err(rejection)) => Err(refused(&rejection)),
        Err(_) => {
            let seconds = limit.as_secs();
            Err(Problem::new(Code::TooSlow, format!("send the body within {seconds} seconds")))
        }
    }
}

fn refused(rejection: &JsonRejection) -> Problem {
    let code = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        _ => Code::Invalid,
    };
    Problem::new(code, rejection.body_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let body = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        let request = Request::post("/join").header("content-type", "application/json");
        let request = request.body(axum::body::Body::from_stream(body)).expect("a request");
        let read = read::<serde_json::Value, ()>(request, &(), Duration::from_millis(1)).await;
        let problem = read.err().expect("too slow").into_response();
        assert_eq!(problem.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
