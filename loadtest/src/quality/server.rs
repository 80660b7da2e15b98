//! The server under test: `lectern serve` on free ports of loopback, with data of its own.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the server says when people may come, before the address.
const READY: &str = "open http";
/// A machine that encodes video beside it may hold the node up for so long, in milliseconds.
const NODE_SILENCE_MS: u32 = 10_000;
/// More than come in any scenario.
const CROWD: u32 = 10_000;

/// A server that ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// Where pages and API are.
    pub origin: String,
    /// Where its metrics are.
    pub admin: SocketAddr,
}

/// A port of loopback that nobody holds, for UDP.
pub fn free_udp() -> Result<SocketAddr> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}

fn free_tcp() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Server {
    /// Starts it: its node at `node`, told to clients under the addresses in `advertised`.
    pub fn start(
        binary: &Path,
        folder: &Path,
        node: SocketAddr,
        advertised: &[SocketAddr],
    ) -> Result<Server> {
        let admin = free_tcp()?;
        let quoted = advertised.iter().map(|address| format!("\"{address}\""));
        let advertised = quoted.collect::<Vec<_>>().join(",");
        let settings = [
            ("data_dir", folder.join("data").display().to_string()),
            ("admin", admin.to_string()),
            ("edge.listen", free_tcp()?.to_string()),
            ("node.listen", node.to_string()),
            ("node.advertise", format!("[{advertised}]")),
            ("node.trace_paths", true.to_string()),
            ("controller.node_silence_ms", NODE_SILENCE_MS.to_string()),
            // A crowd comes from one address.
            ("edge.connects_per_minute", CROWD.to_string()),
        ];
        let log = std::fs::File::create(folder.join("server.log"))?;
        let mut command = Command::new(binary);
        command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        for (key, value) in settings {
            command.args(["--set", &format!("{key}={value}")]);
        }
        let started = command.spawn();
        let mut process = started.with_context(|| format!("cannot run {}", binary.display()))?;
        let output = process.stdout.take().context("no pipe")?;
        let mut server = Server { process, origin: String::new(), admin };
        server.origin = origin(output).context("the server does not start; see server.log")?;
        Ok(server)
    }

    /// The processor time it has used, in milliseconds, as Linux counts it (proc(5)).
    pub fn cpu_ms(&self) -> Option<f64> {
        const TICKS_OF_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        let (_, after_name) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) * 1e3 / TICKS_OF_SECOND)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended by itself where these fail.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads the output until the address stands in it, and goes on reading what nobody needs.
fn origin(output: impl std::io::Read + Send + 'static) -> Result<String> {
    let (told, address) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(at) = line.find(READY) {
                let address = line[at + "open ".len()..].split_whitespace().next();
                let address = address.unwrap_or_default().trim_end_matches('/').to_owned();
                // Only the first is waited for.
                let _ = told.send(address);
            }
        }
    });
    match address.recv_timeout(PATIENCE) {
        Ok(address) => Ok(address),
        Err(_) => bail!("it does not say where it is"),
    }
}
