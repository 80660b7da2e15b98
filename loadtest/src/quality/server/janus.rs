//! Janus as an operator of its VideoRoom plugin would set it up (its own documentation, and the comments
//! in its sample configuration); `docs/quality.md` says why each setting is what it is.

use super::process::Process;
use super::{Server, Setup, Ways, free_tcp};
use anyhow::{Context, Result, bail, ensure};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Where Debian has it.
const BINARY: &str = "/usr/bin/janus";
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pairs of ports that are tried until both are free.
const TRIES: usize = 64;
/// The most that the room lets a publisher send, told by REMB: nearly twice what ours sends, so that it
/// is never what limits.
const BITRATE_BPS: u32 = 10_000_000;
/// Packets are kept so long for retransmissions, in milliseconds: its sample's value, above the default of
/// 200, which a queue of this length would outlast.
const NACK_QUEUE_MS: u32 = 500;
/// What it would load beside VideoRoom and WebSockets.
const OTHER_PLUGINS: &[&str] = &[
    "audiobridge",
    "duktape",
    "echotest",
    "lua",
    "nosip",
    "recordplay",
    "sip",
    "streaming",
    "textroom",
    "videocall",
    "voicemail",
];
const OTHER_TRANSPORTS: &[&str] = &["http", "mqtt", "nanomsg", "pfunix", "rabbitmq"];

/// The program, where it is installed.
pub fn binary() -> Result<PathBuf> {
    let binary = PathBuf::from(BINARY);
    ensure!(binary.exists(), "there is no {BINARY}: install Debian's package janus");
    Ok(binary)
}

/// Two neighbouring ports, one for each connection. Janus takes any free one of its range; the viewer's is
/// held until the presenter has the other.
pub fn ways() -> Result<Ways> {
    neighbours(own_address()?)
}

fn neighbours(own: IpAddr) -> Result<Ways> {
    for _ in 0..TRIES {
        let lower = UdpSocket::bind((own, 0))?.local_addr()?;
        let Some(port) = lower.port().checked_add(1) else { continue };
        if let Ok(held) = UdpSocket::bind((own, port)) {
            let viewer = held.local_addr()?;
            return Ok(Ways { presenter: lower, viewer, held: Some(held) });
        }
    }
    bail!("there are no two free ports side by side")
}

/// An address of this machine that is not loopback's, where Janus takes none. Nothing is sent.
fn own_address() -> Result<IpAddr> {
    /// RFC 5737: nobody has it.
    const ELSEWHERE: &str = "198.51.100.1:9";
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let way = socket.connect(ELSEWHERE).and_then(|()| socket.local_addr());
    Ok(way.context("Janus needs an address beside loopback, and this machine has none")?.ip())
}

/// Starts it with a configuration of its own, and waits until its API is there.
pub fn start(setup: &Setup) -> Result<Server> {
    let api = free_tcp()?;
    for (name, text) in [
        ("janus.jcfg", core(setup.ways)),
        ("janus.transport.websockets.jcfg", websockets(api)),
        ("janus.plugin.videoroom.jcfg", room()),
    ] {
        std::fs::write(setup.data.join(name), text)?;
    }
    let mut command = Command::new(setup.binary);
    command.arg("--configs-folder").arg(setup.data).arg("--disable-stdout");
    command.arg("--log-file").arg(setup.log);
    let mut process = Process::start(command, setup.log)?;
    wait(&mut process, api, setup.log)?;
    Ok(Server { process, origin: format!("http://{api}"), admin: None })
}

fn wait(process: &mut Process, api: SocketAddr, log: &Path) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect_timeout(&api, PATIENCE).is_err() {
        let is_starting = process.is_alive()? && Instant::now() < until;
        ensure!(is_starting, "Janus does not start; see {}", log.display());
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn core(ways: &Ways) -> String {
    let libraries = |names: &[&str]| {
        let files = names.iter().map(|name| format!("libjanus_{name}.so"));
        files.collect::<Vec<_>>().join(",")
    };
    format!(
        "general: {{ debug_level = 3  debug_colors = false  debug_timestamps = true }}\n\
         media: {{ rtp_port_range = \"{}-{}\"  min_nack_queue = {NACK_QUEUE_MS} }}\n\
         nat: {{ ice_lite = true  ice_enforce_list = \"{}\" }}\n\
         plugins: {{ disable = \"{}\" }}\n\
         transports: {{ disable = \"{}\" }}\n\
         loggers: {{ disable = \"{}\" }}\n",
        ways.presenter.port(),
        ways.viewer.port(),
        ways.viewer.ip(),
        libraries(OTHER_PLUGINS),
        libraries(OTHER_TRANSPORTS),
        libraries(&["jsonlog"]),
    )
}

fn websockets(api: SocketAddr) -> String {
    let (address, port) = (api.ip(), api.port());
    format!(
        "general: {{ json = \"compact\"  ws = true  ws_port = {port}  ws_ip = \"{address}\" }}\n"
    )
}

/// The pages know it by its number.
fn room() -> String {
    format!(
        "room-1: {{\n  description = \"Quality\"\n  publishers = 1\n  bitrate = {BITRATE_BPS}\n  \
         fir_freq = 0\n  audiocodec = \"opus\"\n  opus_fec = true\n  videocodec = \"vp8\"\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn janus_may_take_the_viewers_port_only_after_the_presenters() {
        let ways = neighbours(Ipv4Addr::LOCALHOST.into()).expect("two ports");
        let (presenter, viewer) = (ways.presenter, ways.viewer);
        assert_eq!(presenter.port() + 1, viewer.port());
        let range = format!("rtp_port_range = \"{}-{}\"", presenter.port(), viewer.port());
        assert!(core(&ways).contains(&range));
        assert!(UdpSocket::bind(viewer).is_err());
        ways.let_viewers_in();
        assert!(UdpSocket::bind(viewer).is_ok());
    }
}
