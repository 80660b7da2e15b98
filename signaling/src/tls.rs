//! HTTPS: rustls, a certificate from files or one made for development, and bounded connections.

use crate::config::Config;
use crate::rates::Network;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
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
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at once; each costs tens of kilobytes, and a room of thousands fits.
const MAX_CONNECTIONS: usize = 20_000;
/// A handshake takes a few round trips; who takes longer is holding a place.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A request's head likewise.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's head; tokens of 8 KiB may stand in it.
const MAX_HEAD_BYTES: usize = 32 << 10;
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

/// A listener that is bound, and whether its certificate is a real one.
pub struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    /// The certificate comes from files: browsers may be told to insist on HTTPS.
    pub has_real_certificate: bool,
}

impl Server {
    /// Binds, and loads or makes the certificate.
    pub async fn bind(config: &Config) -> Result<Server, Error> {
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
        Ok(Server {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            has_real_certificate: config.certificate.is_some(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until stopped, then lets running requests end.
    pub async fn run(self, router: Router, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
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
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            let (acceptor, router, stop) = (self.acceptor.clone(), router.clone(), stop.clone());
            connections.spawn(async move {
                if let Err(error) = connection(stream, address, acceptor, router, stop).await {
                    tracing::debug!(%address, %error, "a connection ended");
                }
                drop(place);
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
    acceptor: TlsAcceptor,
    router: Router,
    stop: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??;
    let router = router.layer(axum::Extension(ConnectInfo(address)));
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES);
    let service = TowerToHyperService::new(router);
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        result = serving.as_mut() => return result,
        () = stop.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    serving.await
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
