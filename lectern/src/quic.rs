//! Links between processes: QUIC with mutual TLS, one bidirectional stream a link.

use crate::cluster::{self, Identity, Role};
use crate::link::{Link, QUEUED_BATCHES, QUEUED_MESSAGES, pumped};
use anyhow::{Context, Result, anyhow, bail};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{Connection, Endpoint, IdleTimeout, RecvStream, SendStream, TransportConfig, VarInt};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::lookup_host;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// What both sides speak; another major version of the protocol would have another name.
const PROTOCOL: &[u8] = b"lectern-control/1";
/// A link with nothing to say sends this often.
const KEEP_ALIVE: Duration = Duration::from_millis(500);
/// Silence after which a link is dead. Node liveness is judged far sooner, by heartbeats.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);
/// A controller that is there answers a handshake sooner, from anywhere on earth.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The first wait before a link is tried again; doubles up to [`RETRY_LONGEST`].
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest wait: a controller that comes back is found within seconds.
const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// A peer that connects must open its stream within this time.
const STREAM_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a link's end may take to be told.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// Links a controller accepts at once: far more than a cluster has processes.
const MAX_LINKS: usize = 1_024;

/// Where the links of a process that listens go, by the role at their far end.
#[derive(Clone)]
pub struct Doors {
    /// Roles that may link here, and the queue of each.
    pub queues: Vec<(Role, mpsc::Sender<Link>)>,
    /// Messages that may wait in each direction of a link.
    pub queued_messages: usize,
}

impl Doors {
    fn of(&self, role: Role) -> Option<&mpsc::Sender<Link>> {
        self.queues.iter().find(|(known, _)| *known == role).map(|(_, queue)| queue)
    }
}

/// Opens the endpoint at which links are accepted; `key` is where the address was configured.
pub fn listen(listen: SocketAddr, key: &str, identity: Identity) -> Result<Endpoint> {
    Endpoint::server(server_config(identity)?, listen)
        .with_context(|| format!("{key}: cannot listen for links on UDP {listen}"))
}

/// Accepts links and hands each to the queue of the role its certificate names.
pub async fn accept(endpoint: Endpoint, doors: Doors, stop: CancellationToken) -> Result<()> {
    tracing::info!(address = %endpoint.local_addr()?, "accepting links");
    let places = Arc::new(tokio::sync::Semaphore::new(MAX_LINKS));
    loop {
        let incoming = tokio::select! {
            () = stop.cancelled() => break,
            incoming = endpoint.accept() => incoming.context("the link endpoint is closed")?,
        };
        // Whoever only pretends to be at an address never sends again what is sent back to it.
        if !incoming.remote_address_validated() {
            if let Err(error) = incoming.retry() {
                error.into_incoming().refuse();
            }
            continue;
        }
        let Ok(place) = places.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let doors = doors.clone();
        tokio::spawn(async move {
            let address = incoming.remote_address();
            if let Err(error) = serve(incoming, doors).await {
                tracing::info!(%address, error = format!("{error:#}"), "a link ended");
            }
            drop(place);
        });
    }
    hang_up(&endpoint, b"the process stops").await;
    Ok(())
}

/// Tells the far side that it is over, if it listens.
async fn hang_up(endpoint: &Endpoint, reason: &[u8]) {
    endpoint.close(VarInt::from_u32(0), reason);
    if tokio::time::timeout(CLOSE_TIMEOUT, endpoint.wait_idle()).await.is_err() {
        tracing::debug!("a link did not close in time");
    }
}

async fn serve(incoming: quinn::Incoming, doors: Doors) -> Result<()> {
    let connection = incoming.await.context("the handshake failed")?;
    let role = peer_role(&connection)?;
    let Some(links) = doors.of(role) else { bail!("a {role} does not link here") };
    let stream = tokio::time::timeout(STREAM_TIMEOUT, connection.accept_bi());
    let stream = stream.await.context("no stream was opened in time")??;
    let (link, pump) = pumped(stream, doors.queued_messages);
    tracing::info!(address = %connection.remote_address(), %role, "linked");
    links.send(link).await.ok().context("the role stops")?;
    pump.await
}

/// Links a role to its controller.
pub struct Dialer {
    controller: String,
    config: quinn::ClientConfig,
}

impl Dialer {
    /// For the controller at a name or address with a port.
    pub fn new(controller: &str, identity: Identity) -> Result<Dialer> {
        Ok(Dialer { controller: controller.to_owned(), config: client_config(identity)? })
    }

    /// Dials and hands over a link, again and again, until stopped.
    pub async fn run(self, links: mpsc::Sender<Link>, stop: CancellationToken) -> Result<()> {
        let mut wait = RETRY_FIRST;
        while !stop.is_cancelled() {
            let begun = Instant::now();
            if let Err(error) = self.dial(&links, &stop).await {
                let (controller, error) = (&self.controller, format!("{error:#}"));
                tracing::warn!(controller, error, "no link to the controller; trying again");
            }
            if begun.elapsed() > RETRY_LONGEST {
                wait = RETRY_FIRST;
            }
            // Half of the wait is random, so that a cluster does not come back in one instant.
            let jittered = wait / 2 + wait.mul_f64(rand::random::<f64>() / 2.0);
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(jittered) => {}
            }
            wait = (wait * 2).min(RETRY_LONGEST);
        }
        Ok(())
    }

    async fn dial(&self, links: &mpsc::Sender<Link>, stop: &CancellationToken) -> Result<()> {
        let addresses = lookup_host(&self.controller).await;
        let addresses = addresses
            .with_context(|| format!("cluster.controller: cannot resolve {:?}", self.controller))?;
        let mut failure = anyhow!("cluster.controller: {:?} has no address", self.controller);
        for address in addresses {
            let endpoint = towards(address)?;
            let result = tokio::select! {
                result = self.link(&endpoint, address, links) => result,
                () = stop.cancelled() => Ok(()),
            };
            hang_up(&endpoint, b"the link is over").await;
            match result {
                Ok(()) => return Ok(()),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn link(
        &self,
        endpoint: &Endpoint,
        address: SocketAddr,
        links: &mpsc::Sender<Link>,
    ) -> Result<()> {
        let stream = open(endpoint, self.config.clone(), address, Role::Controller).await?;
        let (link, pump) = pumped(stream, QUEUED_MESSAGES);
        tracing::info!(%address, "connected to the controller");
        links.send(link).await.ok().context("the role has stopped")?;
        pump.await
    }
}

/// Links a role to recorders, each time it asks.
#[derive(Clone)]
pub struct Caller {
    config: quinn::ClientConfig,
}

impl Caller {
    /// Calls under this identity.
    pub fn new(identity: Identity) -> Result<Caller> {
        Ok(Caller { config: client_config(identity)? })
    }

    /// Links to the first of the addresses that answers, and pumps the link to its end.
    pub async fn call(
        self,
        addresses: Vec<SocketAddr>,
        link_out: oneshot::Sender<Link>,
        stop: CancellationToken,
    ) -> Result<()> {
        let mut failure = anyhow!("the recorder has no address");
        for address in addresses {
            let endpoint = towards(address)?;
            let opened = open(&endpoint, self.config.clone(), address, Role::Recorder).await;
            match opened {
                Ok(stream) => {
                    let (link, pump) = pumped(stream, QUEUED_BATCHES);
                    // Whoever asked may have gone on without it.
                    let wanted = link_out.send(link).is_ok();
                    let result = tokio::select! {
                        result = pump, if wanted => result,
                        () = stop.cancelled() => Ok(()),
                        else => Ok(()),
                    };
                    hang_up(&endpoint, b"the link is over").await;
                    return result;
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

fn towards(address: SocketAddr) -> Result<Endpoint> {
    let local: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    Ok(Endpoint::client(local)?)
}

/// Connects to a process of a role, and opens the stream of a link.
async fn open(
    endpoint: &Endpoint,
    config: quinn::ClientConfig,
    address: SocketAddr,
    role: Role,
) -> Result<(SendStream, RecvStream)> {
    let connecting = endpoint.connect_with(config, address, &role.subject())?;
    let connection = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
    let connection = connection.context("it does not answer")??;
    Ok(connection.open_bi().await?)
}

fn peer_role(connection: &Connection) -> Result<Role> {
    let identity = connection.peer_identity().context("no certificate")?;
    let chain = identity.downcast::<Vec<CertificateDer<'static>>>().ok();
    let chain = chain.context("no certificate")?;
    cluster::role_of(chain.first().context("no certificate")?)
}

fn transport() -> Result<Arc<TransportConfig>> {
    let mut transport = TransportConfig::default();
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    transport.max_idle_timeout(Some(IdleTimeout::try_from(IDLE_TIMEOUT)?));
    transport.max_concurrent_bidi_streams(VarInt::from_u32(1));
    transport.max_concurrent_uni_streams(VarInt::from_u32(0));
    Ok(Arc::new(transport))
}

fn roots(identity: &Identity) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(identity.authority.clone()).context("the cluster's authority cannot be used")?;
    Ok(roots)
}

fn server_config(identity: Identity) -> Result<quinn::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(roots(&identity)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build()?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![identity.certificate], identity.key)?;
    tls.alpn_protocols = vec![PROTOCOL.to_vec()];
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(transport()?);
    Ok(config)
}

fn client_config(identity: Identity) -> Result<quinn::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = roots(&identity)?;
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![identity.certificate], identity.key)?;
    tls.alpn_protocols = vec![PROTOCOL.to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(transport()?);
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tempfile::TempDir;

    fn certificates() -> TempDir {
        let directory = tempfile::tempdir().expect("a folder");
        cluster::init(directory.path()).expect("certificates");
        directory
    }

    struct Cluster {
        directory: TempDir,
        nodes: mpsc::Receiver<Link>,
        edges: mpsc::Receiver<Link>,
        address: SocketAddr,
        stop: CancellationToken,
    }

    fn controller() -> Cluster {
        let directory = certificates();
        let (node_links, nodes) = mpsc::channel(4);
        let (edge_links, edges) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let identity = cluster::load(directory.path(), Role::Controller).expect("an identity");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let endpoint = listen(any, "cluster.listen", identity).expect("a port");
        let address = endpoint.local_addr().expect("an address");
        let queues = vec![(Role::Node, node_links), (Role::Edge, edge_links)];
        let doors = Doors { queues, queued_messages: QUEUED_MESSAGES };
        tokio::spawn(accept(endpoint, doors, stop.clone()));
        Cluster { directory, nodes, edges, address, stop }
    }

    impl Cluster {
        fn dial(&self, identity: Identity) -> mpsc::Receiver<Link> {
            let (links, dialed) = mpsc::channel(4);
            let dialer = Dialer::new(&self.address.to_string(), identity).expect("a dialer");
            tokio::spawn(dialer.run(links, self.stop.clone()));
            dialed
        }

        fn identity(&self, role: Role) -> Identity {
            cluster::load(self.directory.path(), role).expect("an identity")
        }
    }

    impl Drop for Cluster {
        fn drop(&mut self) {
            self.stop.cancel();
        }
    }

    #[tokio::test]
    async fn a_certificate_s_role_decides_which_queue_a_link_goes_to() {
        let mut cluster = controller();
        let mut edge = cluster.dial(cluster.identity(Role::Edge));
        let (to_controller, mut from_controller) = edge.recv().await.expect("a link");
        to_controller.send(Bytes::from_static(b"hello")).await.expect("open");
        let (to_edge, mut from_edge) = cluster.edges.recv().await.expect("a link");
        assert_eq!(from_edge.recv().await.as_deref(), Some(&b"hello"[..]));
        to_edge.send(Bytes::from_static(b"welcome")).await.expect("open");
        assert_eq!(from_controller.recv().await.as_deref(), Some(&b"welcome"[..]));
        assert!(cluster.nodes.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_link_that_ends_is_dialed_again() {
        let mut cluster = controller();
        let mut node = cluster.dial(cluster.identity(Role::Node));
        for _ in 0..2 {
            let (to_controller, _from_controller) = node.recv().await.expect("a link");
            to_controller.send(Bytes::from_static(b"hello")).await.expect("open");
            let (to_node, mut from_node) = cluster.nodes.recv().await.expect("a link");
            assert!(from_node.recv().await.is_some());
            drop((to_node, from_node));
        }
    }

    #[tokio::test]
    async fn whoever_has_not_shown_its_address_is_asked_to_and_takes_no_place() {
        let cluster = controller();
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let config = client_config(cluster.identity(Role::Node)).expect("a configuration");
        let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let address = socket.local_addr().expect("an address");
        let name = Role::Controller.subject();
        let _connecting = endpoint.connect_with(config, address, &name).expect("dials");
        let mut datagram = [0; 2_048];
        let (bytes, _) = socket.recv_from(&mut datagram).await.expect("an Initial packet");
        socket.send_to(&datagram[..bytes], cluster.address).await.expect("sent");
        loop {
            let (_, from) = socket.recv_from(&mut datagram).await.expect("an answer");
            if from == cluster.address {
                break;
            }
        }
        // A long header of the type Retry (RFC 9000 section 17.2.5).
        assert_eq!(datagram[0] & 0xf0, 0xf0, "{:02x}", datagram[0]);
    }

    #[tokio::test]
    async fn a_certificate_of_another_authority_is_refused() {
        let mut cluster = controller();
        let foreign = certificates();
        let own = cluster.identity(Role::Node);
        let mut identity = cluster::load(foreign.path(), Role::Node).expect("an identity");
        identity.authority = own.authority;
        let mut node = cluster.dial(identity);
        let message = async {
            // A client learns of the refusal after its own handshake: the link opens and dies.
            let (to_controller, _from) = node.recv().await.expect("a link");
            let _ = to_controller.send(Bytes::from_static(b"hello")).await;
            cluster.nodes.recv().await
        };
        assert!(tokio::time::timeout(Duration::from_secs(1), message).await.is_err());
    }
}
