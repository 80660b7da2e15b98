//! The edge: what clients talk to. HTTPS, the web app, the HTTP API, and LiveKit-compatible signaling.

mod api;
mod assets;
mod bucket;
mod config;
mod controller_link;
mod failures;
mod http;
mod livekit;
mod news;
mod origin;
mod places;
mod rates;
mod recorder_link;
pub mod sdp;
mod serve;
pub mod session;
mod tls;
mod token;
mod token_key;

pub use config::{Config, InvalidConfig};
pub use controller_link::Link;
pub use recorder_link::Dial;

use api::Api;
use controller_link::Controller;
use livekit::Signaling;
use recorder_link::Recorders;
use std::net::SocketAddr;
use std::sync::Arc;
use thiserror::Error;
use token::Tokens;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Why an edge cannot run.
#[derive(Debug, Error)]
pub enum Error {
    /// Its configuration cannot be used.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// HTTPS cannot be served.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// There is no key for tokens.
    #[error(transparent)]
    TokenKey(#[from] token_key::Error),
    /// Its counters exist already.
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The socket has no address.
    #[error("cannot tell where it listens: {0}")]
    Address(#[from] std::io::Error),
}

/// Runs an edge until it is stopped. Each link that comes replaces the former one to the
/// controller; links to recorders are dialled by whoever takes what comes out of `recorders`;
/// `on_ready` hears where clients reach it.
pub async fn run(
    config: Config,
    registry: prometheus::Registry,
    links: mpsc::Receiver<Link>,
    recorders: mpsc::Sender<Dial>,
    on_ready: oneshot::Sender<SocketAddr>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let name = config.check()?;
    let config = Arc::new(config);
    let metrics = livekit::Metrics::new(&registry)?;
    let server = tls::Server::bind(&config, tls::Metrics::new(&registry)?).await?;
    let address = server.address()?;
    let controller = Controller::new(controller_link::Metrics::new(&registry)?);
    let link = controller.clone().run(name, config.region.clone(), links, stop.clone());
    let link = tokio::spawn(link);
    let tokens = Arc::new(Tokens::new(&config, token_key::load(&config, rand::random())?));
    let signaling =
        Signaling::new(controller.clone(), tokens.clone(), metrics, &config, stop.clone());
    let api = Api::new(config, controller, Recorders::new(recorders), tokens);
    let routes = livekit::router(signaling.clone());
    let router = http::router(api, routes, server.has_real_certificate);
    // Whoever started us may not wait for the address.
    let _ = on_ready.send(address);
    server.run(router, stop).await;
    signaling.drained().await;
    link.abort();
    Ok(())
}
