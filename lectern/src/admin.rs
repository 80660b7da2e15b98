//! The operator's listener: metrics and health, apart from what clients reach.

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the listener shows: the process's metrics, and what it still waits for.
#[derive(Clone)]
pub struct Status {
    registry: Registry,
    missing: watch::Sender<BTreeSet<&'static str>>,
}

impl Status {
    /// Waits for nothing.
    pub fn new(registry: Registry) -> Status {
        Status { registry, missing: watch::Sender::default() }
    }

    /// The process is not ready without this.
    pub fn miss(&self, what: &'static str) {
        self.missing.send_modify(|missing| {
            missing.insert(what);
        });
    }

    /// It has come.
    pub fn have(&self, what: &'static str) {
        self.missing.send_modify(|missing| {
            missing.remove(what);
        });
    }

    /// Waits until nothing is missing.
    pub async fn ready(&self) {
        let mut missing = self.missing.subscribe();
        // Cannot fail: the sender is here.
        let _ = missing.wait_for(BTreeSet::is_empty).await;
    }

    fn missing(&self) -> BTreeSet<&'static str> {
        self.missing.borrow().clone()
    }
}

/// Answers `/metrics`, `/livez` and `/readyz` until stopped.
pub async fn serve(listen: SocketAddr, status: Status, stop: CancellationToken) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("admin: cannot listen for operators on {listen}"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics and health");
    axum::serve(listener, router(status))
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("the operators' listener failed")
}

fn router(status: Status) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state(status)
}

async fn metrics(State(status): State<Status>) -> Response {
    match TextEncoder::new().encode_to_string(&status.registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            let text = format!("cannot encode the metrics: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

async fn ready(State(status): State<Status>) -> (StatusCode, String) {
    let missing: Vec<&str> = status.missing().into_iter().collect();
    match missing.is_empty() {
        true => (StatusCode::OK, "ready\n".to_owned()),
        false => (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {}\n", missing.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    async fn fetch(status: &Status, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = router(status.clone()).oneshot(request).await.expect("an answer");
        let code = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        (code, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_process_is_ready_when_nothing_is_missing_and_alive_before() {
        let status = Status::new(Registry::new());
        status.miss("the controller");
        status.miss("the listener");
        let waiting = "waiting for the controller, the listener\n";
        assert_eq!(fetch(&status, "/readyz").await, (503, waiting.to_owned()));
        assert_eq!(fetch(&status, "/livez").await.0, 200);
        status.have("the listener");
        status.have("the controller");
        status.ready().await;
        assert_eq!(fetch(&status, "/readyz").await, (200, "ready\n".to_owned()));
        status.miss("the controller");
        assert_eq!(fetch(&status, "/readyz").await.0, 503);
    }

    #[tokio::test]
    async fn metrics_are_those_of_the_registry() {
        let registry = Registry::new();
        let counter = prometheus::IntCounter::new("cups_total", "Cups of tea.").expect("a counter");
        registry.register(Box::new(counter.clone())).expect("registers");
        counter.inc_by(3);
        let (code, text) = fetch(&Status::new(registry), "/metrics").await;
        assert_eq!(code, 200);
        assert!(text.contains("# HELP cups_total Cups of tea.") && text.contains("cups_total 3"));
    }
}
