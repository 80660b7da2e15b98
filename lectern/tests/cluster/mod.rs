//! Processes of the real binary on loopback, and a client that speaks HTTPS and WebSocket.

use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use prost::Message as _;
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Nothing here takes longer, even on a machine that does other things.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The key by which an integrator signs tokens, where everything is in one process.
pub const API_KEY: &str = "acme";
pub const API_SECRET: &str = "0123456789abcdef0123456789abcdef";
const BINARY: &str = env!("CARGO_BIN_EXE_lectern");

/// One process of the cluster; killed when dropped.
pub struct Process {
    name: &'static str,
    /// The process itself.
    pub child: Child,
    lines: Receiver<String>,
    /// Where its operator's listener is.
    pub admin: SocketAddr,
}

impl Process {
    /// The first line it prints.
    pub fn first_line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.unwrap_or_else(|error| panic!("the {} said nothing: {error}", self.name))
    }

    /// Asks it to stop, and says how it did.
    pub fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("it runs");
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it was started here") {
                return status;
            }
            assert!(Instant::now() < end, "the {} does not stop", self.name);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it without a word.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started here");
    }

    /// Status and body of its operator's listener.
    pub fn operator(&self, path: &str) -> (u16, String) {
        let Ok(mut stream) = TcpStream::connect(self.admin) else { return (0, String::new()) };
        let request = format!("GET {path} HTTP/1.1\r\nhost: operator\r\nconnection: close\r\n\r\n");
        let mut response = String::new();
        let exchange = stream.write_all(request.as_bytes()).and_then(|()| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.read_to_string(&mut response)
        });
        exchange.unwrap_or_else(|error| panic!("the {}: {error}", self.name));
        split(&response)
    }

    /// Waits until its operator's listener says what is wanted.
    pub fn wait_for(&self, path: &str, wanted: impl Fn(u16, &str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let (status, body) = self.operator(path);
            if wanted(status, &body) {
                return body;
            }
            assert!(Instant::now() < end, "the {} says {status}: {body}", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it is ready, or is not.
    pub fn wait_until_ready(&self, ready: bool) -> String {
        self.wait_for("/readyz", |status, _| status == if ready { 200 } else { 503 })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails where it has ended already.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

/// A folder with a cluster's certificates, and the ports of its processes.
pub struct Cluster {
    directory: TempDir,
    controller: SocketAddr,
    /// Where the node takes media.
    pub media: SocketAddr,
}

impl Cluster {
    /// A new cluster, of which nothing runs yet.
    pub fn new() -> Cluster {
        let directory = tempfile::tempdir().expect("a folder");
        let certificates = directory.path().join("certificates");
        let mut init = Command::new(BINARY);
        init.args(["cluster", "init", "--dir"]).arg(&certificates);
        let made = init.output().expect("the binary runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Cluster { directory, controller: free_udp_port(), media: free_udp_port() }
    }

    /// The folder of the certificates.
    pub fn certificates(&self) -> PathBuf {
        self.directory.path().join("certificates")
    }

    /// Starts the controller.
    pub fn controller(&self) -> Process {
        self.start("controller", &[format!("cluster.listen={}", self.controller)])
    }

    /// Starts the node.
    pub fn node(&self) -> Process {
        let (listen, name) = (format!("node.listen={}", self.media), "node.name=node-1".to_owned());
        self.start("node", &[listen, name, "node.workers=1".to_owned()])
    }

    /// Starts the edge.
    pub fn edge(&self) -> Process {
        self.start("edge", &["edge.listen=127.0.0.1:0".to_owned()])
    }

    /// Starts a second edge, whose link takes a path of its own.
    pub fn edge_over(&self, path: &LinkPath) -> Process {
        let controller = format!("cluster.controller={}", path.address);
        let name = "edge.name=edge-2".to_owned();
        self.start("edge", &["edge.listen=127.0.0.1:0".to_owned(), name, controller])
    }

    /// A path to the controller.
    pub fn path(&self) -> LinkPath {
        LinkPath::to(self.controller)
    }

    /// Starts everything in one process.
    pub fn serve(&self) -> Process {
        let data_dir = format!("data_dir={}", self.directory.path().display());
        let node = format!("node.listen={}", self.media);
        let key = format!("edge.api_keys.{API_KEY}={API_SECRET}");
        Process::start("serve", [data_dir, node, key, "edge.listen=127.0.0.1:0".to_owned()].iter())
    }

    /// Starts an edge with the certificates of another folder.
    pub fn edge_with(&self, certificates: &Path) -> Process {
        let certificates = format!("cluster.certificates={}", certificates.display());
        self.start("edge", &["edge.listen=127.0.0.1:0".to_owned(), certificates])
    }

    /// Signs as the edge of everything in one process does.
    pub fn token_key(&self) -> Vec<u8> {
        let path = self.directory.path().join("edge/token.key");
        let text = std::fs::read_to_string(path).expect("the edge's key");
        let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
        (0..32).map(|byte| digit(2 * byte)).collect()
    }

    /// The certificate that the edge made for development, alone or in one process with all.
    pub fn edge_certificate(&self) -> CertificateDer<'static> {
        let paths = ["edge/edge/development.pem", "edge/development.pem"];
        let paths = paths.map(|path| self.directory.path().join(path));
        let path = paths.iter().find(|path| path.exists()).expect("the edge's certificate");
        CertificateDer::from_pem_file(path).expect("a certificate")
    }

    fn start(&self, role: &'static str, settings: &[String]) -> Process {
        let common = [
            format!("data_dir={}", self.directory.path().join(role).display()),
            format!("cluster.certificates={}", self.certificates().display()),
            format!("cluster.controller={}", self.controller),
        ];
        Process::start(role, common.iter().chain(settings))
    }
}

impl Process {
    /// Starts a role of the binary.
    fn start<'a>(role: &'static str, settings: impl Iterator<Item = &'a String>) -> Process {
        let admin = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let admin = admin.expect("a free port");
        let mut command = Command::new(BINARY);
        command.args([role, "--set", &format!("admin={admin}")]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (say, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // Nobody may listen any more.
                let _ = say.send(line);
            }
        });
        Process { name: role, child, lines, admin }
    }
}

/// Carries the datagrams of links to a controller, or swallows them.
pub struct LinkPath {
    address: SocketAddr,
    broken: Arc<AtomicBool>,
}

impl LinkPath {
    fn to(controller: SocketAddr) -> LinkPath {
        let front = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = front.local_addr().expect("bound");
        let broken = Arc::new(AtomicBool::new(false));
        let swallows = broken.clone();
        std::thread::spawn(move || carry(&Arc::new(front), controller, &swallows));
        LinkPath { address, broken }
    }

    /// Swallows everything from now on.
    pub fn cut(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// Carries everything from now on.
    pub fn mend(&self) {
        self.broken.store(false, Ordering::SeqCst);
    }
}

/// Each link has a port of its own, and so has its way on; the threads end with the process.
fn carry(front: &Arc<UdpSocket>, controller: SocketAddr, broken: &Arc<AtomicBool>) {
    let mut ways = HashMap::new();
    let mut buffer = [0; 1 << 16];
    while let Ok((bytes, from)) = front.recv_from(&mut buffer) {
        if broken.load(Ordering::SeqCst) {
            continue;
        }
        let way = ways.entry(from).or_insert_with(|| {
            let way = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a free port"));
            way.connect(controller).expect("an address");
            let (back, front, broken) = (way.clone(), front.clone(), broken.clone());
            std::thread::spawn(move || {
                let mut buffer = [0; 1 << 16];
                loop {
                    // The controller may not listen yet; then the next datagram tells.
                    let Ok(bytes) = back.recv(&mut buffer) else { continue };
                    if !broken.load(Ordering::SeqCst) {
                        let _ = front.send_to(&buffer[..bytes], from);
                    }
                }
            });
            way
        });
        // What cannot be sent is lost, as on any path.
        let _ = way.send(&buffer[..bytes]);
    }
}

fn free_udp_port() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("bound")
}

fn split(response: &str) -> (u16, String) {
    let Some((head, body)) = response.split_once("\r\n\r\n") else {
        return (0, response.to_owned());
    };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or(0), body.to_owned())
}

/// A browser's part: trusts the edge's certificate and nothing else.
pub struct Browser {
    address: SocketAddr,
    tls: TlsConnector,
}

impl Browser {
    /// For the edge that printed `line`.
    pub fn new(cluster: &Cluster, line: &str) -> Browser {
        let address = line.strip_prefix("Lectern is ready: open https://");
        let address = address.and_then(|rest| rest.strip_suffix('/')?.parse().ok());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(cluster.edge_certificate()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Browser {
            address: address.unwrap_or_else(|| panic!("no address in {line:?}")),
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    async fn connect(&self) -> TlsStream<tokio::net::TcpStream> {
        let stream = tokio::net::TcpStream::connect(self.address).await.expect("it listens");
        let name = ServerName::from(self.address.ip());
        self.tls.connect(name, stream).await.expect("TLS")
    }

    /// Posts JSON to the API, and reads JSON.
    pub async fn post(&self, path: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
        self.call("POST", path, "", body).await
    }

    /// Calls the API with a key or a token, where one is given; what is no JSON is `null`.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: &serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let (body, host) = (body.to_string(), self.address);
        let key = match key {
            "" => String::new(),
            key => format!("authorization: Bearer {key}\r\n"),
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{key}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut response = Vec::new();
        // A server may close without a TLS goodbye; what has come is looked at.
        let _ = stream.read_to_end(&mut response).await;
        let (status, body) = split(&String::from_utf8_lossy(&response));
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    /// Opens a session by an entry token.
    pub async fn session(&self, entry: &serde_json::Value, name: &str) -> String {
        let entry = entry["entry_token"].as_str().expect("an entry");
        let body = serde_json::json!({ "name": name });
        let (status, opened) = self.call("POST", "/api/v1/sessions", entry, &body).await;
        assert_eq!(status, 201, "{opened}");
        opened["token"].as_str().expect("a token").to_owned()
    }

    /// Opens an entry by a link.
    pub async fn entry(&self, link: &str) -> serde_json::Value {
        let body = serde_json::json!({ "link": link });
        let (status, entry) = self.post("/api/v1/entries", &body).await;
        assert_eq!(status, 200, "{entry}");
        entry
    }

    /// Makes a meeting, and takes its viewer link.
    pub async fn viewer_link(&self) -> String {
        let (status, made) = self.post("/api/v1/meetings", &serde_json::json!({})).await;
        assert_eq!(status, 201, "{made}");
        let url = made["links"]["viewer"]["url"].as_str().expect("a link");
        url.split_once('#').expect("a secret in the fragment").1.to_owned()
    }

    /// Comes into the meeting of a link.
    pub async fn join(&self, link: &str, name: &str) -> Participant {
        let entry = self.entry(link).await;
        self.enter(&self.session(&entry, name).await).await
    }

    /// Comes in with a token.
    pub async fn enter(&self, token: &str) -> Participant {
        self.open(&format!("auto_subscribe=1&access_token={token}")).await
    }

    /// Opens a WebSocket.
    pub async fn open(&self, query: &str) -> Participant {
        self.try_open(query).await.expect("let in")
    }

    /// Opens a WebSocket, or says with which status it was refused.
    pub async fn try_open(&self, query: &str) -> Result<Participant, u16> {
        let url = format!("wss://{}/rtc?{query}", self.address);
        let stream = self.connect().await;
        match tokio_tungstenite::client_async(url, stream).await {
            Ok((socket, _)) => Ok(Participant { socket }),
            Err(tokio_tungstenite::tungstenite::Error::Http(refused)) => {
                Err(refused.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Somebody's WebSocket.
pub struct Participant {
    /// What it speaks by.
    pub socket: WebSocketStream<TlsStream<tokio::net::TcpStream>>,
}

impl Participant {
    /// Waits for a message that is wanted.
    pub async fn wait<T>(
        &mut self,
        wanted: impl FnMut(proto::signal_response::Message) -> Option<T>,
    ) -> T {
        self.wait_or_end(wanted).await.expect("the socket was closed")
    }

    /// Waits for a message that is wanted, or for the end of the socket.
    pub async fn wait_or_end<T>(
        &mut self,
        mut wanted: impl FnMut(proto::signal_response::Message) -> Option<T>,
    ) -> Option<T> {
        let found = async {
            loop {
                let bytes = match self.socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => continue,
                };
                let response = proto::SignalResponse::decode(bytes.as_ref()).expect("protobuf");
                if let Some(found) = response.message.and_then(&mut wanted) {
                    return Some(found);
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("the message does not come")
    }

    /// Says something.
    pub async fn say(&mut self, message: proto::signal_request::Message) {
        let bytes = proto::SignalRequest { message: Some(message) }.encode_to_vec();
        self.socket.send(Message::Binary(bytes.into())).await.expect("open");
    }

    /// Leaves, as clients do.
    pub async fn leave(mut self) {
        self.say(proto::signal_request::Message::Leave(proto::LeaveRequest::default())).await;
    }
}
