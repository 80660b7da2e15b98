//! Our HTTP API: meetings, their links, joining, and what operators see. Described by OpenAPI.

mod join;
mod meetings;
mod name;
mod operator;
mod problem;
mod secret;

use crate::bucket::Quota;
use crate::config::Config;
use crate::controller_link::Controller;
use crate::rates::{Network, Rates};
use crate::tls;
use crate::token::Tokens;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::http::{HeaderMap, header};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use lectern_control::edge::{RequestError, Response};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;
use utoipa::OpenApi;

pub use name::clean_name;
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
    /// Bounds guessing of links and of owners' keys.
    pub guesses: Arc<Rates<Network>>,
    /// Bounds the making of meetings.
    pub creations: Arc<Rates<Network>>,
    /// What the operator said.
    pub config: Arc<Config>,
}

impl Api {
    /// The handlers' shared state; the configuration has been checked.
    pub fn new(config: Arc<Config>, controller: Controller, tokens: Arc<Tokens>) -> Api {
        let per_minute = NonZeroU32::new(config.guesses_per_minute).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(per_minute, per_minute);
        Api {
            controller,
            tokens,
            guesses: Arc::new(Rates::new(quota)),
            creations: Arc::new(Rates::new(quota)),
            config,
        }
    }

    /// Takes a guess before it is known to be one, so that many at once are counted as well.
    fn guess(&self, connection: ConnectInfo<SocketAddr>) -> Result<Guess<'_>, Problem> {
        let network = tls::client(connection);
        self.guesses.take(network, Instant::now()).map_err(Problem::too_many)?;
        Ok(Guess { rates: &self.guesses, network })
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

/// A try that counts as a guess unless the controller knows what was shown: an office behind one
/// address may open as many good links as it has people.
struct Guess<'a> {
    rates: &'a Rates<Network>,
    network: Network,
}

impl Guess<'_> {
    /// Gives the try back where it was no wrong guess, and passes the answer on.
    fn judge(self, answer: Result<Response, RequestError>) -> Result<Response, RequestError> {
        if !matches!(answer, Err(RequestError::NotFound)) {
            self.rates.give_back(&self.network);
        }
        answer
    }
}

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lectern",
        description = "Meetings, their links, and joining by a link.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        meetings::create,
        meetings::show,
        meetings::create_link,
        meetings::revoke_link,
        join::inspect,
        join::join,
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
        for name in ["owner_key", "operator_key"] {
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
        .route("/links/inspect", post(join::inspect))
        .route("/join", post(join::join))
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

#[cfg(test)]
mod tests;
