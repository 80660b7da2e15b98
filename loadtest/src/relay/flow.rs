//! The flows of a relay: for each client address a socket to the node and a link in each direction.

use super::Answer;
use anyhow::Result;
use lectern_sim::Link;
use lectern_sim::network::{Config, Counters};
use lectern_wire::DataSize;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// The longest UDP datagram.
pub const MAX_DATAGRAM_LEN: usize = 65_535;
/// Client addresses at once: each costs a socket and a task.
const MAX_FLOWS: usize = 512;
/// A flow as idle as this makes room for a new one; ICE checks come every few seconds.
const IDLE_FLOW: Duration = Duration::from_secs(60);
/// Bytes of IPv4 and UDP headers, which take their share of the rate.
const HEADERS_LEN: u64 = 28;

/// One client's way to the node and back.
pub struct Flow {
    upstream: Arc<UdpSocket>,
    reader: AbortHandle,
    up: Link<Vec<u8>>,
    down: Link<Vec<u8>>,
    used: Instant,
}

impl Flow {
    /// A flow over a connected socket; `reader` ends with it.
    pub fn new(
        now: Instant,
        upstream: Arc<UdpSocket>,
        reader: AbortHandle,
        network: &Config,
        seed: u64,
    ) -> Flow {
        let [up, down] = [0, 1].map(|way| Link::new(now, network.clone(), seed.wrapping_add(way)));
        Flow { upstream, reader, up, down, used: now }
    }

    /// The socket to the node.
    pub fn upstream(&self) -> &UdpSocket {
        &self.upstream
    }

    /// A datagram from the client.
    pub fn push_up(&mut self, now: Instant, bytes: &[u8]) {
        self.used = now;
        self.up.push(now, size(bytes), bytes.to_vec());
    }

    /// A datagram from the node.
    pub fn push_down(&mut self, now: Instant, bytes: Vec<u8>) {
        self.down.push(now, size(&bytes), bytes);
    }

    /// The next datagram due to the node.
    pub fn pop_up(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.up.pop(now)
    }

    /// The next datagram due to the client.
    pub fn pop_down(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.down.pop(now)
    }

    fn counters(&self) -> [Counters; 2] {
        [self.up.counters(), self.down.counters()]
    }

    fn deadline(&self) -> Option<Instant> {
        self.up.deadline().into_iter().chain(self.down.deadline()).min()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

fn size(bytes: &[u8]) -> DataSize {
    DataSize::bytes(bytes.len() as u64 + HEADERS_LEN)
}

/// All flows, by client address.
pub struct Flows {
    forward: SocketAddr,
    network: Config,
    seed: u64,
    flows: HashMap<SocketAddr, Flow>,
    ended: [Counters; 2],
    /// Client addresses seen.
    pub clients: u64,
    /// Datagrams of clients for which there was no room.
    pub refused: u64,
}

impl Flows {
    /// No flow yet.
    pub fn new(forward: SocketAddr, network: Config, seed: u64) -> Flows {
        let (flows, ended) = (HashMap::new(), [Counters::default(); 2]);
        Flows { forward, network, seed, flows, ended, clients: 0, refused: 0 }
    }

    /// The flow of a client, made now if it is new; `None` where there are too many.
    pub(super) async fn of(
        &mut self,
        now: Instant,
        client: SocketAddr,
        answers: &mpsc::Sender<Answer>,
    ) -> Result<Option<&mut Flow>> {
        if !self.flows.contains_key(&client) {
            self.drop_idle(now);
            if self.flows.len() >= MAX_FLOWS {
                self.refused += 1;
                return Ok(None);
            }
            self.clients += 1;
            // Two links to a flow, each with a seed of its own.
            let seed = self.seed.wrapping_add(2 * self.clients);
            let network = (&self.network, seed);
            let flow = Flow::open(now, self.forward, client, network, answers).await?;
            self.flows.insert(client, flow);
        }
        Ok(self.flows.get_mut(&client))
    }

    /// The flow of a client that has one.
    pub fn get(&mut self, client: SocketAddr) -> Option<&mut Flow> {
        self.flows.get_mut(&client)
    }

    /// All flows.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (SocketAddr, &mut Flow)> {
        self.flows.iter_mut().map(|(client, flow)| (*client, flow))
    }

    /// When the next datagram is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.flows.values().filter_map(Flow::deadline).min()
    }

    /// What became of the datagrams of every flow there is or was, up and down.
    pub fn counters(&self) -> [Counters; 2] {
        self.flows.values().fold(self.ended, |mut sum, flow| {
            sum.iter_mut().zip(flow.counters()).for_each(|(sum, more)| *sum += more);
            sum
        })
    }

    fn drop_idle(&mut self, now: Instant) {
        let ended = &mut self.ended;
        self.flows.retain(|_, flow| {
            let is_idle = now.saturating_duration_since(flow.used) > IDLE_FLOW;
            if is_idle {
                ended.iter_mut().zip(flow.counters()).for_each(|(sum, more)| *sum += more);
            }
            !is_idle
        });
    }
}
