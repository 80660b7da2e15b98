//! A UDP relay in real time on the network model of `lectern-sim`: clients send to it, it passes
//! on to the node from one socket for each client address, and the answers go back the same way.

mod arguments;
mod flow;
mod handle;
mod network;
mod tunnel;

pub use arguments::Arguments;
pub use handle::Handle;
pub use network::Network;
pub use tunnel::Tunnel;

use anyhow::{Context, Result};
use flow::{End, Flow, Flows, MAX_DATAGRAM_LEN, Parcel};
use lectern_sim::network::{Counters, Trace};
use network::WAYS;
use rand::random;
use serde::Serialize;
use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, sleep_until};

/// Answers of the node that wait for the relay's turn; the kernel's socket buffers hold the rest.
const ANSWERS_WAITING: usize = 4_096;
/// Where nothing is due, the relay still looks around this often.
const IDLE: Duration = Duration::from_secs(1);

/// A datagram that the node sent to a client.
struct Answer {
    client: SocketAddr,
    bytes: Vec<u8>,
}

/// What a relay is asked for while it runs.
#[derive(Debug)]
pub enum Order {
    /// Change the network from now on; answered with when that was.
    Begin(Box<Network>, oneshot::Sender<Instant>),
    /// Tell what happened so far.
    Tell(oneshot::Sender<Seen>),
}

/// What a relay saw so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What every link from clients to the node did over time.
    pub up: Vec<Trace>,
    /// What every link from the node to clients did over time.
    pub down: Vec<Trace>,
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

impl From<Counters> for Direction {
    fn from(counters: Counters) -> Direction {
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
    let seed = arguments.seed.unwrap_or_else(random);
    let network = arguments.network()?;
    let mut relay = Bound::bind(arguments.listen, arguments.forward, network, seed, None).await?;
    say(&format!("listening {}", relay.address()?))?;
    say("ready")?;
    let duration = arguments.duration_s.map(Duration::from_secs);
    let ends = async {
        match duration {
            Some(duration) => sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (_orders, incoming) = mpsc::channel(1);
    tokio::select! {
        ended = relay.run(incoming) => ended?,
        () = ends => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    say(&serde_json::to_string(&relay.summary())?)
}

/// Prints a line at once, also into a pipe.
fn say(line: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

/// A relay that has its port.
struct Bound {
    socket: UdpSocket,
    flows: Flows,
    send_errors: u64,
    competitor: Option<tunnel::Devices>,
}

impl Bound {
    async fn bind(
        listen: SocketAddr,
        forward: SocketAddr,
        network: Network,
        seed: u64,
        trace_every: Option<Duration>,
    ) -> Result<Bound> {
        let socket =
            UdpSocket::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let flows = Flows::new(forward, network, seed, trace_every);
        Ok(Bound { socket, flows, send_errors: 0, competitor: None })
    }

    fn address(&self) -> Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    /// Relays until nobody can give orders any more.
    async fn run(&mut self, mut orders: mpsc::Receiver<Order>) -> Result<()> {
        let (answers, mut answered) = mpsc::channel(ANSWERS_WAITING);
        let mut buffer = vec![0; MAX_DATAGRAM_LEN];
        let mut rival = vec![0; MAX_DATAGRAM_LEN];
        loop {
            let now = Instant::now();
            self.deliver(now).await;
            let wake = self.flows.deadline().unwrap_or(now + IDLE).min(now + IDLE);
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((len, client)) => {
                        let now = Instant::now();
                        if self.flows.admit(now, client, &answers).await? {
                            let bytes = buffer[..len].to_vec();
                            self.flows.push(now, Parcel { to: End::Node(client), bytes });
                        }
                    }
                    // An earlier datagram found nobody (ICMP): not this socket's failure.
                    Err(_) => self.send_errors += 1,
                },
                Some(Answer { client, bytes }) = answered.recv() => {
                    if self.flows.get(client).is_some() {
                        let to = End::Client(client);
                        self.flows.push(Instant::now(), Parcel { to, bytes });
                    }
                }
                read = tunnel::receive(&self.competitor, &mut rival) => {
                    let (way, len) = read?;
                    let bytes = rival[..len].to_vec();
                    let to = End::Competitor(way);
                    self.flows.push(Instant::now(), Parcel { to, bytes });
                }
                order = orders.recv() => match order {
                    Some(order) => self.handle_order(order),
                    None => return Ok(()),
                },
                () = sleep_until(wake.into()) => {}
            }
        }
    }

    fn handle_order(&mut self, order: Order) {
        match order {
            Order::Begin(network, done) => {
                let now = Instant::now();
                self.flows.begin(now, *network);
                // Who asked may have gone.
                let _ = done.send(now);
            }
            Order::Tell(done) => {
                let [up, down] = WAYS.map(|way| self.flows.traces(way));
                let _ = done.send(Seen { up, down });
            }
        }
    }

    /// Sends whatever has come to its end of the links.
    async fn deliver(&mut self, now: Instant) {
        while let Some(Parcel { to, bytes }) = self.flows.pop(now) {
            let sent = match to {
                End::Node(client) => match self.flows.get(client) {
                    Some(flow) => flow.upstream().send(&bytes).await,
                    None => continue,
                },
                End::Client(client) => self.socket.send_to(&bytes, client).await,
                End::Competitor(way) => tunnel::send(&self.competitor, way, &bytes).await,
            };
            self.send_errors += u64::from(sent.is_err());
        }
    }

    fn summary(&self) -> Summary {
        let [up, down] = WAYS.map(|way| self.flows.counters(way).into());
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
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

impl Flow {
    /// Opens the socket from which a client's datagrams go to the node.
    async fn open(
        now: Instant,
        forward: SocketAddr,
        client: SocketAddr,
        answers: &mpsc::Sender<Answer>,
    ) -> Result<Flow> {
        let any: SocketAddr =
            if forward.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        let upstream = UdpSocket::bind(any).await.context("cannot open a socket to the node")?;
        upstream.connect(forward).await.context("cannot reach the node")?;
        let upstream = std::sync::Arc::new(upstream);
        let reader = tokio::spawn(read_answers(upstream.clone(), client, answers.clone()));
        Ok(Flow::new(now, upstream, reader.abort_handle()))
    }
}
