//! HTTPS: rustls, a certificate from files or one made for development, and bounded connections.

use crate::config::Config;
use crate::places::{Full, Limits, Place, Placed, Places};
use crate::rates::Network;
use crate::serve::{Patience, serve};
use axum::Router;
use axum::extract::ConnectInfo;
use prometheus::{IntCounterVec, Opts, Registry};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at once, WebSockets among them; each costs tens of kilobytes, and many rooms fit.
const MAX_CONNECTIONS: usize = 20_000;
/// A handshake takes a few round trips; who takes longer is holding a place.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A request's head likewise. The rest of it, with the answer, takes longest for the app itself: its
/// largest file, under a megabyte, passes at 150 kbit/s, and who has less could not follow a screen.
const PATIENCE: Patience =
    Patience { head: Duration::from_secs(10), request: Duration::from_secs(60) };
/// How long running requests may take to end when the edge stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// Files of the certificate for development.
const DEVELOPMENT: (&str, &str) = ("development.pem", "development.key");

/// Why HTTPS cannot be served.
#[derive(Debug, Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A PEM file holds no certificate or no key.
    #[error("{path}: {error}")]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        error: rustls::pki_types::pem::Error,
    },
    /// The certificate for development cannot be made.
    #[error("cannot make a certificate for development: {0}")]
    Make(#[from] rcgen::Error),
    /// The certificate and the key cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    /// The address is taken, or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
}

/// What the listener counts.
#[derive(Debug, Clone)]
pub struct Metrics {
    refused: IntCounterVec,
}

impl Metrics {
    /// Registers the counters.
    pub fn new(registry: &Registry) -> Result<Metrics, prometheus::Error> {
        let refused = Opts::new(
            "lectern_edge_connections_refused_total",
            "Connections closed at once because too many are open, in all or from one address",
        );
        let refused = IntCounterVec::new(refused, &["limit"])?;
        registry.register(Box::new(refused.clone()))?;
        Ok(Metrics { refused })
    }

    fn refused(&self, full: Full) {
        let limit = match full {
            Full::All => "all",
            Full::Network => "address",
        };
        self.refused.with_label_values(&[limit]).inc();
    }
}

/// A listener that is bound, and whether its certificate is a real one.
pub struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    places: Arc<Places>,
    metrics: Metrics,
    /// The certificate comes from files: browsers may be told to insist on HTTPS.
    pub has_real_certificate: bool,
}

impl Server {
    /// Binds, and loads or makes the certificate.
    pub async fn bind(config: &Config, metrics: Metrics) -> Result<Server, Error> {
        let (chain, key) = match (&config.certificate, &config.private_key) {
            (Some(certificate), Some(key)) => (read_chain(certificate)?, read_key(key)?),
            _ => development(config.data_dir.as_deref())?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        // A WebSocket begins as HTTP/1.1.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| Error::Listen(config.listen, error))?;
        let limits = Limits { all: MAX_CONNECTIONS, network: config.connections_per_address };
        Ok(Server {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            places: Places::new(limits),
            metrics,
            has_real_certificate: config.certificate.is_some(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until stopped, then lets running requests end.
    pub async fn run(self, router: Router, stop: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: others must end before one more begins.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let place = match self.places.take(Network::of(address.ip())) {
                Ok(place) => place,
                Err(full) => {
                    self.metrics.refused(full);
                    continue;
                }
            };
            let (acceptor, router, stop) = (self.acceptor.clone(), router.clone(), stop.clone());
            connections.spawn(async move {
                let ended = connection(stream, address, place, acceptor, router, stop).await;
                if let Err(error) = ended {
                    tracing::debug!(%address, %error, "a connection ended");
                }
            });
        }
        connections.close();
        // What does not end in time is cut when the process ends.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, connections.wait()).await;
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
    acceptor: TlsAcceptor,
    router: Router,
    stop: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??;
    let router = router.layer(axum::Extension(ConnectInfo(address)));
    serve(Placed::new(stream, place), router, PATIENCE, stop).await
}

type Certificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = |error| Error::Pem { path: path.to_owned(), error };
    CertificateDer::pem_file_iter(path).map_err(pem)?.collect::<Result<_, _>>().map_err(pem)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| Error::Pem { path: path.to_owned(), error })
}

/// The certificate for development: kept in the data folder, so that a browser asks only once.
fn development(folder: Option<&Path>) -> Result<Certificate, Error> {
    let paths = folder.map(|folder| (folder.join(DEVELOPMENT.0), folder.join(DEVELOPMENT.1)));
    if let Some((certificate, key)) = paths.as_ref().filter(|(c, k)| c.exists() && k.exists()) {
        return Ok((read_chain(certificate)?, read_key(key)?));
    }
    let key = rcgen::KeyPair::generate()?;
    let mut names = vec!["localhost".to_owned()];
    names.extend(["127.0.0.1", "::1"].map(|address: &str| address.to_owned()));
    let mut parameters = rcgen::CertificateParams::new(names)?;
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Lectern development");
    let certificate = parameters.self_signed(&key)?;
    if let Some((certificate_path, key_path)) = paths {
        write(&key_path, &key.serialize_pem(), 0o600)?;
        write(&certificate_path, &certificate.pem(), 0o644)?;
    }
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((vec![certificate.der().clone()], key))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let failed = |error| Error::File { path: path.to_owned(), error };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// The network a request came from.
pub fn client(ConnectInfo(address): ConnectInfo<SocketAddr>) -> Network {
    Network::of(address.ip())
}
