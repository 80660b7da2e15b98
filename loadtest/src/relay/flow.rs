//! The flows of a relay: for each client address a socket to the node, and links on which its datagrams
//! travel: its own, or one that all flows share.

use super::Answer;
use super::network::{Network, WAYS, Way};
use anyhow::Result;
use lectern_sim::Link;
use lectern_sim::network::{Counters, Trace};
use lectern_wire::DataSize;
use std::collections::{BTreeMap, HashMap};
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

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// From this client to the node.
    Node(SocketAddr),
    /// From the node to this client.
    Client(SocketAddr),
    /// Out of the network device with the other flow, at the end of this direction.
    Competitor(Way),
}

/// A packet on a link.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Where it goes.
    pub to: End,
    /// The datagram, or the whole IP packet of a competitor.
    pub bytes: Vec<u8>,
}

/// Whose link it is: of one client, or of all.
type Owner = Option<SocketAddr>;

/// One client's way to the node and back.
pub struct Flow {
    upstream: Arc<UdpSocket>,
    reader: AbortHandle,
    used: Instant,
}

impl Flow {
    /// A flow over a connected socket; `reader` ends with it.
    pub fn new(now: Instant, upstream: Arc<UdpSocket>, reader: AbortHandle) -> Flow {
        Flow { upstream, reader, used: now }
    }

    /// The socket to the node.
    pub fn upstream(&self) -> &UdpSocket {
        &self.upstream
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// All flows, by client address, and all links.
pub struct Flows {
    forward: SocketAddr,
    network: Network,
    seed: u64,
    trace_every: Option<Duration>,
    flows: HashMap<SocketAddr, Flow>,
    links: BTreeMap<(Owner, Way), Link<Parcel>>,
    ended: BTreeMap<Way, Counters>,
    /// Client addresses seen.
    pub clients: u64,
    /// Datagrams of clients for which there was no room.
    pub refused: u64,
}

impl Flows {
    /// No flow yet; each link writes down what happens in steps of `trace_every`.
    pub fn new(
        forward: SocketAddr,
        network: Network,
        seed: u64,
        trace_every: Option<Duration>,
    ) -> Flows {
        Flows {
            forward,
            network,
            seed,
            trace_every,
            flows: HashMap::new(),
            links: BTreeMap::new(),
            ended: BTreeMap::new(),
            clients: 0,
            refused: 0,
        }
    }

    /// Makes a flow for a client, if it has none. Says whether it has one then.
    pub(super) async fn admit(
        &mut self,
        now: Instant,
        client: SocketAddr,
        answers: &mpsc::Sender<Answer>,
    ) -> Result<bool> {
        if !self.flows.contains_key(&client) {
            self.drop_idle(now);
            if self.flows.len() >= MAX_FLOWS {
                self.refused += 1;
                return Ok(false);
            }
            self.clients += 1;
            let flow = Flow::open(now, self.forward, client, answers).await?;
            self.flows.insert(client, flow);
        }
        if let Some(flow) = self.flows.get_mut(&client) {
            flow.used = now;
        }
        Ok(true)
    }

    /// The flow of a client that has one.
    pub fn get(&self, client: SocketAddr) -> Option<&Flow> {
        self.flows.get(&client)
    }

    /// A packet sets out.
    pub fn push(&mut self, now: Instant, parcel: Parcel) {
        let (client, way, headers_len) = match parcel.to {
            End::Node(client) => (Some(client), Way::Up, HEADERS_LEN),
            End::Client(client) => (Some(client), Way::Down, HEADERS_LEN),
            End::Competitor(way) => (None, way, 0),
        };
        let size = DataSize::bytes(parcel.bytes.len() as u64 + headers_len);
        let owner = if self.network.is_shared { None } else { client };
        self.link(now, owner, way).push(now, size, parcel);
    }

    fn link(&mut self, now: Instant, owner: Owner, way: Way) -> &mut Link<Parcel> {
        let count = self.links.len() as u64;
        self.links.entry((owner, way)).or_insert_with(|| {
            let config = self.network.of(way).clone();
            let mut link = Link::new(now, config, self.seed.wrapping_add(count));
            if let Some(every) = self.trace_every {
                link.start_trace(now, every);
            }
            link
        })
    }

    /// Changes the network for all flows, with times that count from `now`.
    pub fn begin(&mut self, now: Instant, network: Network) {
        for ((_, way), link) in &mut self.links {
            link.begin(now, network.of(*way).clone());
        }
        self.network = network;
    }

    /// What has come to its end by `now`.
    pub fn pop(&mut self, now: Instant) -> Option<Parcel> {
        self.links.values_mut().find_map(|link| link.pop(now))
    }

    /// When to look again.
    pub fn deadline(&self) -> Option<Instant> {
        self.links.values().filter_map(Link::deadline).min()
    }

    /// What became of the datagrams of every flow there is or was in one direction.
    pub fn counters(&self, way: Way) -> Counters {
        let mut sum = self.ended.get(&way).copied().unwrap_or_default();
        let of_way = self.links.iter().filter(|((_, which), _)| *which == way);
        of_way.for_each(|(_, link)| sum += link.counters());
        sum
    }

    /// What every link of one direction wrote down.
    pub fn traces(&self, way: Way) -> Vec<Trace> {
        let of_way = self.links.iter().filter(|((_, which), _)| *which == way);
        of_way.filter_map(|(_, link)| link.trace().cloned()).collect()
    }

    fn drop_idle(&mut self, now: Instant) {
        let is_idle = |flow: &Flow| now.saturating_duration_since(flow.used) > IDLE_FLOW;
        let idle: Vec<SocketAddr> = self
            .flows
            .iter()
            .filter(|(_, flow)| is_idle(flow))
            .map(|(client, _)| *client)
            .collect();
        for client in idle {
            self.flows.remove(&client);
            for way in WAYS {
                if let Some(link) = self.links.remove(&(Some(client), way)) {
                    *self.ended.entry(way).or_default() += link.counters();
                }
            }
        }
    }
}
