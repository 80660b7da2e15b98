//! A UDP relay in real time on the network model of `lectern-sim`: clients send to it, it passes
//! on to the node from one socket for each client address, and the answers go back the same way.

mod arguments;
mod flow;

pub use arguments::Arguments;

use anyhow::{Context, Result};
use flow::{Flow, Flows, MAX_DATAGRAM_LEN};
use lectern_sim::network;
use rand::random;
use serde::Serialize;
use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

/// Answers of the node that wait for the relay's turn; the kernel's socket buffers hold the rest.
const ANSWERS_WAITING: usize = 4_096;
/// Where nothing is due, the relay still looks around this often.
const IDLE: Duration = Duration::from_secs(1);

/// A datagram that the node sent to a client.
struct Answer {
    client: SocketAddr,
    bytes: Vec<u8>,
}

/// What the relay prints in the end.
#[derive(Debug, Serialize)]
struct Summary {
    clients: u64,
    refused: u64,
    send_errors: u64,
    up: Direction,
    down: Direction,
}

/// What became of the datagrams of one direction.
#[derive(Debug, Serialize)]
struct Direction {
    received: u64,
    delivered: u64,
    lost: u64,
    cut: u64,
    overflowed: u64,
    reordered: u64,
    duplicated: u64,
}

impl From<network::Counters> for Direction {
    fn from(counters: network::Counters) -> Direction {
        Direction {
            received: counters.pushed,
            delivered: counters.popped,
            lost: counters.lost,
            cut: counters.cut,
            overflowed: counters.overflowed,
            reordered: counters.reordered,
            duplicated: counters.duplicated,
        }
    }
}

/// Relays until the duration is over or the process is asked to end, then prints one line of JSON.
pub async fn run(arguments: Arguments) -> Result<()> {
    let socket = UdpSocket::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let seed = arguments.seed.unwrap_or_else(random);
    let flows = Flows::new(arguments.forward, arguments.network(), seed);
    let mut relay = Relay { socket, flows, send_errors: 0 };
    say(&format!("listening {}", relay.socket.local_addr()?))?;
    say("ready")?;
    let ends = arguments.duration_s.map(Duration::from_secs);
    relay.run(ends).await?;
    say(&serde_json::to_string(&relay.summary())?)
}

/// Prints a line at once, also into a pipe.
fn say(line: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

struct Relay {
    socket: UdpSocket,
    flows: Flows,
    send_errors: u64,
}

impl Relay {
    async fn run(&mut self, duration: Option<Duration>) -> Result<()> {
        let (answers, mut answered) = mpsc::channel(ANSWERS_WAITING);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let began = Instant::now();
        let end = duration.map(|duration| began + duration);
        let mut buffer = vec![0; MAX_DATAGRAM_LEN];
        loop {
            let now = Instant::now();
            if end.is_some_and(|end| end <= now) {
                return Ok(());
            }
            self.deliver(now).await;
            let idle = now + IDLE;
            let wake = self.flows.deadline().unwrap_or(idle).min(end.unwrap_or(idle)).min(idle);
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((len, client)) => {
                        let flow = self.flows.of(Instant::now(), client, &answers).await?;
                        if let Some(flow) = flow {
                            flow.push_up(Instant::now(), &buffer[..len]);
                        }
                    }
                    // An earlier datagram found nobody (ICMP): not this socket's failure.
                    Err(_) => self.send_errors += 1,
                },
                Some(Answer { client, bytes }) = answered.recv() => {
                    if let Some(flow) = self.flows.get(client) {
                        flow.push_down(Instant::now(), bytes);
                    }
                }
                () = sleep_until(wake.into()) => {}
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    /// Sends whatever has come to its end of the links.
    async fn deliver(&mut self, now: Instant) {
        let socket = &self.socket;
        for (client, flow) in self.flows.iter_mut() {
            while let Some(bytes) = flow.pop_up(now) {
                let sent = flow.upstream().send(&bytes).await;
                self.send_errors += u64::from(sent.is_err());
            }
            while let Some(bytes) = flow.pop_down(now) {
                let sent = socket.send_to(&bytes, client).await;
                self.send_errors += u64::from(sent.is_err());
            }
        }
    }

    fn summary(&self) -> Summary {
        let [up, down] = self.flows.counters().map(Direction::from);
        let Flows { clients, refused, .. } = self.flows;
        Summary { clients, refused, send_errors: self.send_errors, up, down }
    }
}

/// Reads the node's answers to one client until the flow is dropped.
async fn read_answers(
    upstream: std::sync::Arc<UdpSocket>,
    client: SocketAddr,
    answers: mpsc::Sender<Answer>,
) {
    let mut buffer = vec![0; MAX_DATAGRAM_LEN];
    loop {
        match upstream.recv(&mut buffer).await {
            Ok(len) => {
                let bytes = buffer[..len].to_vec();
                if answers.send(Answer { client, bytes }).await.is_err() {
                    return;
                }
            }
            // The node's port is closed for now (ICMP); do not spin on it.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

impl Flow {
    /// Opens the socket from which a client's datagrams go to the node.
    async fn open(
        now: Instant,
        forward: SocketAddr,
        client: SocketAddr,
        (network, seed): (&network::Config, u64),
        answers: &mpsc::Sender<Answer>,
    ) -> Result<Flow> {
        let any: SocketAddr =
            if forward.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        let upstream = UdpSocket::bind(any).await.context("cannot open a socket to the node")?;
        upstream.connect(forward).await.context("cannot reach the node")?;
        let upstream = std::sync::Arc::new(upstream);
        let reader = tokio::spawn(read_answers(upstream.clone(), client, answers.clone()));
        Ok(Flow::new(now, upstream, reader.abort_handle(), network, seed))
    }
}
