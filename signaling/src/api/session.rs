//! The second of two steps into a meeting: an entry token is traded for a session token, which every
//! later call and socket carries; the lobby, renewal, and the end of a session.

use super::caller::{refused, session_token};
use super::entry::{MeetingName, link_invalid, unix_ms};
use super::meetings::{RoleView, rfc3339, unexpected};
use super::problem::Body;
use super::{Api, Code, Problem, clean_message, clean_name};
use crate::controller_link::Following;
use crate::session::Sources;
use crate::tls;
use crate::token::{LetInBy, Session};
use axum::Json;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode};
use data_encoding::BASE64URL_NOPAD;
use lectern_control::Secret;
use lectern_control::access::Knock;
use lectern_control::edge::{Admission, Notice, Request, RequestError, Response};
use lectern_control::room::KNOCK_EVERY;
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use utoipa::{IntoParams, ToSchema};

/// The longest that a call waits for a decision: proxies end what is quiet for longer.
const MAX_WAIT: Duration = Duration::from_secs(25);
/// How often who waits is told of a better place in the line.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Who waits knocks often enough not to lose its place.
const _: () = assert!(LOOK_EVERY.as_secs() < KNOCK_EVERY.as_secs());

/// Opens a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    /// The name shown to others, 1 to 64 characters.
    name: String,
    /// The meeting's PIN, where it has one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pin: Option<Secret<String>>,
    /// A word to those who admit, at most 200 characters.
    #[serde(default)]
    message: String,
}

/// What is needed to connect.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// The session token, for `/rtc` and all other calls.
    token: String,
    /// Where to connect, such as `wss://meet.example.org`.
    url: String,
    /// What the holder is.
    role: RoleView,
    /// Who the holder is in the room.
    identity: String,
    /// Where it leads.
    meeting: MeetingName,
    /// When the token ends (RFC 3339); renew it before, or within twelve hours.
    expires_at: String,
    /// Whether it may connect.
    admission: AdmissionView,
}

/// How it stands with somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AdmissionView {
    /// It may connect.
    Admitted,
    /// It waits in the lobby.
    Waiting {
        /// Its place in the line, from 1.
        position: u32,
        /// How many wait.
        waiting: u32,
        /// Its own word to those who admit.
        #[serde(skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// Somebody refused it.
    Refused {
        /// A word from who did.
        #[serde(skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// It was removed, and stays out.
    Removed,
    /// The meeting is locked.
    Locked,
    /// Its session is over, or its link was ended.
    Ended,
}

/// How it stands with a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionState {
    /// Whether it may connect.
    admission: AdmissionView,
    /// What the holder is.
    role: RoleView,
    /// The token to use from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// When that one ends (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// How long to wait for a decision.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub struct Wait {
    /// Seconds, 0 to 25; 0 answers at once.
    wait_s: u64,
}

/// Trades an entry token for a session.
#[utoipa::path(
    post, path = "/api/v1/sessions", request_body = OpenSession, security(("entry_token" = [])),
    responses((status = 201, body = SessionView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem))
)]
pub async fn open(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(body): Body<OpenSession>,
) -> Result<(StatusCode, Json<SessionView>), Problem> {
    let network = tls::client(connection);
    api.limits.session(network)?;
    let entry = api.tokens.verify_entry(session_token(&headers)?).map_err(refused)?;
    let name = clean_name("name", &body.name)?;
    let message = clean_message("message", &body.message)?;
    let origin = api.origin(&headers)?;
    let tried = match body.pin {
        Some(_) => Some(api.limits.pin(network).await?),
        None => None,
    };
    let answer = api.controller.request(Request::OpenSession { entry, pin: body.pin }).await;
    if let Some(tried) = tried
        && answer != Err(RequestError::PinWrong)
    {
        tried.was_right();
    }
    let opened = match answer {
        Ok(Response::Opened(opened)) => *opened,
        Ok(other) => return Err(unexpected(&other)),
        Err(RequestError::NotFound) => return Err(link_invalid()),
        Err(error) => return Err(error.into()),
    };
    let session = Session {
        room: opened.meeting.room,
        link: opened.link,
        identity: identity(),
        name,
        role: opened.role,
        permissions: opened.role.permissions(),
        sources: Sources::All,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        may_update: true,
        admitted: false,
        issued_at_unix_ms: 0,
        let_in_by: LetInBy::Us,
    };
    let (session, door) = api.knock(session, message).await?;
    Ok((StatusCode::CREATED, Json(api.view(&session, &origin, door)?)))
}

/// How it stands with a session: who waits in the lobby waits here, and keeps its place by that. A
/// later call of the same session ends the earlier one, which is answered at once.
#[utoipa::path(
    get, path = "/api/v1/sessions/current", params(Wait), security(("session_token" = [])),
    responses((status = 200, body = SessionState), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn current(
    State(api): State<Api>,
    headers: HeaderMap,
    wait: Result<Query<Wait>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<SessionState>, Problem> {
    let session = api.session(&headers)?;
    let Query(Wait { wait_s }) =
        wait.map_err(|_| Problem::invalid("wait_s must be a number of seconds"))?;
    let until = Instant::now() + Duration::from_secs(wait_s).min(MAX_WAIT);
    let polls = api.polls.clone();
    let mut poll = polls.begin(session.room, &session.identity);
    // Followed from before the question, so that no decision is missed.
    let mut notices = api.controller.follow(session.room);
    let (mut session, mut door) = api.knock(session, String::new()).await?;
    let first = door.admission.clone();
    while matches!(door.admission, Admission::Waiting { .. }) && door.admission == first {
        let now = Instant::now();
        if now >= until {
            break;
        }
        let look_at = until.min(now + LOOK_EVERY);
        let decided = tokio::select! {
            decided = decision(&mut notices, &session, look_at) => decided,
            () = poll.replaced() => break,
        };
        match decided {
            Some(decided @ Admission::Refused { .. }) => door.admission = decided,
            _ => (session, door) = api.knock(session, String::new()).await?,
        }
    }
    let admission = door.admission;
    let lasting = admission == Admission::Admitted { lasting: true };
    let issued = lasting.then(|| api.tokens.issue(&session, SystemTime::now()));
    let (token, expires_at) = issued.map(|(token, until)| (token, rfc3339(unix_ms(until)))).unzip();
    let (admission, role) = (admission.into(), session.role.into());
    Ok(Json(SessionState { admission, role, token, expires_at }))
}

/// Renews a session token; one that has ended as well, for twelve hours.
#[utoipa::path(
    post, path = "/api/v1/sessions/renew", security(("session_token" = [])),
    responses((status = 200, body = SessionView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn renew(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Json<SessionView>, Problem> {
    let session = api.tokens.verify_to_renew(session_token(&headers)?).map_err(refused)?;
    api.limits.call(session.room, &session.identity)?;
    let origin = api.origin(&headers)?;
    let (session, door) = api.knock(session, String::new()).await?;
    Ok(Json(api.view(&session, &origin, door)?))
}

/// Ends a session for good: its holder leaves, and its token is worth nothing any more.
#[utoipa::path(
    delete, path = "/api/v1/sessions/current", security(("session_token" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 429, body = Problem))
)]
pub async fn end(State(api): State<Api>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let Session { room, identity, .. } = api.session(&headers)?;
    match api.controller.request(Request::EndSession { room, identity }).await? {
        Response::Done => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(&other)),
    }
}

impl Api {
    /// Asks whether a session may come in, and brings it up to date. Who stays out gets no token.
    async fn knock(
        &self,
        mut session: Session,
        message: String,
    ) -> Result<(Session, Door), Problem> {
        let knock = Knock {
            link: session.link,
            identity: session.identity.clone(),
            name: session.name.clone(),
            role: session.role,
            admitted: session.admitted,
            message,
        };
        let request = Request::Knock { room: session.room, knock };
        let (admission, role, room_name) = match self.controller.request(request).await {
            Ok(Response::Admission { admission, role, room_name }) => (admission, role, room_name),
            Ok(other) => return Err(unexpected(&other)),
            Err(RequestError::NotFound) => return Err(link_invalid()),
            Err(error) => return Err(error.into()),
        };
        if session.link.is_some() || role != session.role {
            (session.role, session.permissions) = (role, role.permissions());
        }
        session.admitted |= admission == Admission::Admitted { lasting: true };
        let meeting = MeetingName::new(session.room, room_name);
        Ok((session, Door { admission, meeting }))
    }

    /// A session with a fresh token, unless its holder stays out.
    fn view(
        &self,
        session: &Session,
        origin: &str,
        Door { admission, meeting }: Door,
    ) -> Result<SessionView, Problem> {
        let out = |code, detail| Err(Problem::new(code, detail));
        match &admission {
            Admission::Admitted { .. } | Admission::Waiting { .. } => {}
            Admission::Locked => return out(Code::Locked, "nobody new comes in now"),
            Admission::Removed | Admission::Refused { .. } => {
                return out(Code::Removed, "you were removed from the meeting");
            }
            Admission::Ended => return out(Code::TokenInvalid, "the session was ended"),
        }
        let (token, expires) = self.tokens.issue(session, SystemTime::now());
        Ok(SessionView {
            token,
            url: origin.replacen("https://", "wss://", 1),
            role: session.role.into(),
            identity: session.identity.clone(),
            meeting,
            expires_at: rfc3339(unix_ms(expires)),
            admission: admission.into(),
        })
    }
}

/// What somebody is told at the door.
struct Door {
    admission: Admission,
    meeting: MeetingName,
}

/// Waits until it is decided about a session, or until a time.
async fn decision(notices: &mut Following, session: &Session, until: Instant) -> Option<Admission> {
    let decided = async {
        loop {
            let news = notices.next().await;
            match news.as_deref().map(|news| &news.notice) {
                Some(Notice::Decided { identity, admission }) if *identity == session.identity => {
                    return Some(admission.clone());
                }
                Some(_) => {}
                // More news than could be taken: asking again tells.
                None => return None,
            }
        }
    };
    tokio::time::timeout_at(until.into(), decided).await.ok().flatten()
}

impl From<Admission> for AdmissionView {
    fn from(admission: Admission) -> AdmissionView {
        match admission {
            Admission::Admitted { .. } => AdmissionView::Admitted,
            Admission::Waiting { position, waiting, message } => {
                AdmissionView::Waiting { position, waiting, message }
            }

            Admission::Refused { message } => AdmissionView::Refused { message },
            Admission::Removed => AdmissionView::Removed,
            Admission::Locked => AdmissionView::Locked,
            Admission::Ended => AdmissionView::Ended,
        }
    }
}

/// Random, so that nobody can take another's place by guessing who it is.
fn identity() -> String {
    let mut bytes = [0; 15];
    rand::rng().fill_bytes(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes)
}
