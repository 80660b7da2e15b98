//! Lectern as it is shipped: `lectern serve` on free ports of loopback, with data of its own.

use super::process::Process;
use super::{Server, Setup, Ways, free_tcp, free_udp};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::Command;
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

/// One port for everybody.
pub fn ways() -> Result<Ways> {
    let node = free_udp()?;
    Ok(Ways { presenter: node, viewer: node, held: None })
}

/// Starts it; the node tells clients its own address and the relay's.
pub fn start(setup: &Setup) -> Result<Server> {
    let admin = free_tcp()?;
    let node = setup.ways.viewer;
    let settings = [
        ("data_dir", setup.data.join("data").display().to_string()),
        ("admin", admin.to_string()),
        ("edge.listen", free_tcp()?.to_string()),
        ("node.listen", node.to_string()),
        ("node.advertise", format!("[\"{node}\",\"{}\"]", setup.relay)),
        ("node.trace_paths", true.to_string()),
        ("controller.node_silence_ms", NODE_SILENCE_MS.to_string()),
        // A crowd comes from one address.
        ("edge.connects_per_minute", CROWD.to_string()),
    ];
    let mut command = Command::new(setup.binary);
    // It reads its environment as configuration, and this one names the program.
    command.arg("serve").env_remove("LECTERN_BIN");
    for (key, value) in settings {
        command.args(["--set", &format!("{key}={value}")]);
    }
    let mut process = Process::start(command, setup.log)?;
    let origin = origin(process.output()?).context("the server does not start; see its log")?;
    Ok(Server { process, origin, admin: Some(admin) })
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
