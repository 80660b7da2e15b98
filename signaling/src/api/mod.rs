//! Our HTTP API: meetings, their links, joining, recordings, and what operators see. Described by OpenAPI.

mod audit;
mod caller;
mod entry;
mod limits;
mod media;
mod meetings;
mod moderation;
mod name;
mod operator;
mod people;
mod poll;
mod problem;
mod record;
mod recordings;
mod secret;
mod session;
mod shared;

use crate::config::Config;
use crate::controller_link::Controller;
use crate::recorder_link::Recorders;
use crate::token::Tokens;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use limits::Limits;
use poll::Polls;
use std::sync::Arc;
use utoipa::OpenApi;

pub use name::{clean_message, clean_name, clean_title};
pub use problem::{Code, Problem};

/// A request's body: names and secrets are short.
const MAX_BODY_BYTES: usize = 16 << 10;

/// What the API's handlers share.
#[derive(Clone)]
pub struct Api {
    /// Where rooms and records are.
    pub controller: Controller,
    /// Signs session tokens.
    pub tokens: Arc<Tokens>,
    /// How often it may be called.
    limits: Arc<Limits>,
    /// Who waits at the door.
    polls: Arc<Polls>,
    /// Where recordings are.
    recorders: Recorders,
    /// Which files may be read, as the controller said lately.
    granted: Arc<media::Granted>,
    /// What the operator said.
    pub config: Arc<Config>,
}

impl Api {
    /// The handlers' shared state; the configuration has been checked.
    pub fn new(
        config: Arc<Config>,
        controller: Controller,
        recorders: Recorders,
        tokens: Arc<Tokens>,
    ) -> Api {
        let limits = Arc::new(Limits::new(&config));
        let (polls, granted) = (Arc::default(), Arc::default());
        Api { controller, tokens, limits, polls, recorders, granted, config }
    }

    /// What links begin with: as configured, or as the browser asked for us.
    fn origin(&self, headers: &HeaderMap) -> Result<String, Problem> {
        if let Some(url) = &self.config.public_url {
            return Ok(url.clone());
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.ok_or_else(|| Problem::invalid("the Host header is missing"))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if host.is_empty() || host.len() > 255 || !host.chars().all(plain) {
            return Err(Problem::invalid("the Host header cannot be used"));
        }
        Ok(format!("https://{host}"))
    }
}

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lectern",
        description = "Meetings, their links, joining by a link, and recordings.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        meetings::create,
        meetings::show,
        meetings::create_link,
        meetings::revoke_link,
        entry::open,
        entry::open_as_owner,
        session::open,
        session::current,
        session::renew,
        session::end,
        people::show,
        moderation::change_access,
        moderation::admit,
        moderation::admit_all,
        moderation::refuse,
        moderation::mute,
        moderation::mute_all,
        moderation::stop_share,
        moderation::remove,
        moderation::set_role,
        moderation::hand_over,
        moderation::end,
        audit::show,
        record::start,
        record::stop,
        recordings::list,
        recordings::show,
        recordings::rename,
        recordings::delete,
        recordings::make_film,
        recordings::share,
        recordings::unshare,
        recordings::open_file,
        shared::show,
        shared::open_file,
        media::show,
        operator::nodes,
        operator::rooms,
        operator::move_room,
    ),
    components(schemas(Problem)),
    modifiers(&Bearer)
)]
struct Description;

/// How keys are shown: `Authorization: Bearer …`.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = openapi.components.get_or_insert_default();
        for name in ["owner_key", "operator_key", "entry_token", "session_token"] {
            let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
            components.add_security_scheme(name, scheme);
        }
    }
}

/// The API's routes, below `/api/v1`.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/meetings", post(meetings::create))
        .route("/meetings/{meeting}", get(meetings::show))
        .route("/meetings/{meeting}/links", post(meetings::create_link))
        .route("/meetings/{meeting}/links/{link}", delete(meetings::revoke_link))
        .route("/meetings/{meeting}/entries", post(entry::open_as_owner))
        .route("/meetings/{meeting}/people", get(people::show))
        .route("/meetings/{meeting}/access", patch(moderation::change_access))
        .route("/meetings/{meeting}/lobby/admit", post(moderation::admit_all))
        .route("/meetings/{meeting}/lobby/{identity}/admit", post(moderation::admit))
        .route("/meetings/{meeting}/lobby/{identity}/refuse", post(moderation::refuse))
        .route("/meetings/{meeting}/mute", post(moderation::mute_all))
        .route("/meetings/{meeting}/people/{identity}", delete(moderation::remove))
        .route("/meetings/{meeting}/people/{identity}/mute", post(moderation::mute))
        .route("/meetings/{meeting}/people/{identity}/stop-share", post(moderation::stop_share))
        .route("/meetings/{meeting}/people/{identity}/role", put(moderation::set_role))
        .route("/meetings/{meeting}/people/{identity}/hand-over", post(moderation::hand_over))
        .route("/meetings/{meeting}/end", post(moderation::end))
        .route("/meetings/{meeting}/audit", get(audit::show))
        .merge(recording_routes())
        .route("/entries", post(entry::open))
        .route("/sessions", post(session::open))
        .route("/sessions/current", get(session::current).delete(session::end))
        .route("/sessions/renew", post(session::renew))
        .route("/operator/nodes", get(operator::nodes))
        .route("/operator/rooms", get(operator::rooms))
        .route("/operator/rooms/{room}/move", post(operator::move_room))
        .route("/openapi.json", get(|| async { Json(Description::openapi()) }))
        .fallback(|| async { Problem::new(Code::NotFound, "there is no such call") })
        .method_not_allowed_fallback(|| async {
            Problem::new(Code::MethodNotAllowed, "the call does not know this method")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(api)
}

/// Recording, and what was recorded.
fn recording_routes() -> Router<Api> {
    const RECORDING: &str = "/meetings/{meeting}/recordings/{recording}";
    let below = |path: &str| format!("{RECORDING}/{path}");
    let one = get(recordings::show).patch(recordings::rename).delete(recordings::delete);
    Router::new()
        .route("/meetings/{meeting}/recording", post(record::start).delete(record::stop))
        .route("/meetings/{meeting}/recordings", get(recordings::list))
        .route(RECORDING, one)
        .route(&below("films"), post(recordings::make_film))
        .route(&below("shares"), post(recordings::share))
        .route(&below("shares/{share}"), delete(recordings::unshare))
        .route(&below("files/{file}"), post(recordings::open_file))
        .route("/shared-recordings", post(shared::show))
        .route("/shared-recordings/files/{file}", post(shared::open_file))
        .route("/media/{token}", get(media::show))
}

#[cfg(test)]
mod tests;
