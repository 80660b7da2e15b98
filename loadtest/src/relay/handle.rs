//! A relay on a thread of its own, within this process.

use super::{Bound, Network, Order, Seen};
use anyhow::{Context, Result, anyhow};
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Orders that wait; there are a few in a run.
const ORDERS_WAITING: usize = 16;

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    orders: mpsc::Sender<Order>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Handle {
    /// Starts a relay on a free port of loopback that writes down what its links do.
    pub fn start(
        forward: SocketAddr,
        network: Network,
        seed: u64,
        trace_every: Duration,
        competitor: Option<super::tunnel::Tunnel>,
    ) -> Result<Handle> {
        let (orders, incoming) = mpsc::channel(ORDERS_WAITING);
        let (told, address) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let listen = SocketAddr::from(([127, 0, 0, 1], 0));
                let mut relay =
                    Bound::bind(listen, forward, network, seed, Some(trace_every)).await?;
                relay.competitor = competitor.map(super::tunnel::Tunnel::open).transpose()?;
                told.send(relay.address()?).ok().context("nobody waits for the relay")?;
                relay.run(incoming).await
            })
        })?;
        match address.recv() {
            Ok(address) => Ok(Handle { address, orders, thread: Some(thread) }),
            Err(_) => Err(thread.join().map_or(anyhow!("the relay panicked"), |ended| {
                ended.err().unwrap_or_else(|| anyhow!("the relay ended"))
            })),
        }
    }

    /// Where clients send to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the network from now on; gives when that was.
    pub fn begin(&self, network: Network) -> Result<Instant> {
        let (done, when) = oneshot::channel();
        self.orders.blocking_send(Order::Begin(Box::new(network), done)).context("no relay")?;
        when.blocking_recv().context("the relay ended")
    }

    /// What happened so far.
    pub fn seen(&self) -> Result<Seen> {
        let (done, seen) = oneshot::channel();
        self.orders.blocking_send(Order::Tell(done)).context("no relay")?;
        seen.blocking_recv().context("the relay ended")
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let (orders, _) = mpsc::channel(1);
        // The relay ends when nobody can give it orders any more.
        self.orders = orders;
        if let Some(Ok(Err(error))) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the relay: {error:#}");
        }
    }
}
