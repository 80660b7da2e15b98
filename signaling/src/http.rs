//! All routes of the edge under one roof, with the headers that every answer carries.

use crate::api::{self, Api, Code, Problem};
use crate::assets;
use crate::controller_link::{Controller, Standing};
use crate::origin::Origins;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What the page may load and whom it may call: its own origin, and nothing else (CSP level 3).
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; \
     connect-src 'self' wss:; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; \
     style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Devices are for our own page; nothing else is asked for.
const PERMISSIONS_POLICY: &str = "camera=(self), microphone=(self), display-capture=(self), \
     autoplay=(self), fullscreen=(self), screen-wake-lock=(self), speaker-selection=(self), \
     geolocation=(), payment=(), usb=()";

/// Browsers insist on HTTPS for a year, once the certificate is a real one.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
    // A link's secret stands in the address of the page.
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// All routes: the API, signaling, health, and the web app for everything else.
pub fn router(api: Api, signaling: Router, has_real_certificate: bool) -> Router {
    let controller = api.controller.clone();
    let origins = api.config.origins();
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready).with_state(controller))
        .nest("/api/v1", api::router(api).layer(from_fn_with_state(origins, guard)))
        .merge(signaling)
        .fallback(assets::serve)
        .layer(from_fn(move |request: Request, next: Next| async move {
            secure(next.run(request).await, has_real_certificate)
        }))
}

/// Ready is who can reach a controller; alive is who can answer at all.
async fn ready(State(controller): State<Controller>) -> (StatusCode, &'static str) {
    match controller.standing() {
        Standing::Linked => (StatusCode::OK, "ready\n"),
        Standing::Away => (StatusCode::SERVICE_UNAVAILABLE, "no link to the controller\n"),
    }
}

/// Nothing is changed for a page of somebody else.
async fn guard(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    match origins.admit_call(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(foreign) => Problem::new(Code::NotPermitted, foreign.to_string()).into_response(),
    }
}

fn secure(mut response: Response, has_real_certificate: bool) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if has_real_certificate {
        let value = HeaderValue::from_static(STRICT_TRANSPORT_SECURITY);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
