//! A TCP flow that takes what it can get: from a process in the tunnel's namespace to a thread here,
//! under Cubic (RFC 9438), the kernel's own.

use super::clock::Clock;
use crate::relay::Tunnel;
use anyhow::{Context, Result};
use socket2::SockRef;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const PORT: u16 = 5_201;
const PIECE: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a sender listens.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Sends to whoever connects here until they are gone.
    #[arg(long)]
    listen: SocketAddr,
}

/// Sends to the first who connects, as fast as it goes.
pub fn flood(arguments: &Arguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.listen)?;
    let (mut stream, _) = listener.accept()?;
    SockRef::from(&stream).set_tcp_congestion(b"cubic").context("this kernel has no Cubic")?;
    let piece = vec![0; PIECE];
    while stream.write_all(&piece).is_ok() {}
    Ok(())
}

/// A flow, and what came of it so far.
pub struct Competitor {
    sender: Child,
    stop: Arc<AtomicBool>,
    received: Arc<Mutex<Vec<(f64, u64)>>>,
    thread: Option<JoinHandle<()>>,
}

impl Competitor {
    /// Begins to send through a tunnel that a relay has opened.
    pub fn start(tunnel: &Tunnel, clock: Clock) -> Result<Competitor> {
        let address: SocketAddr = format!("{}:{PORT}", tunnel.far()).parse()?;
        let me = std::env::current_exe()?;
        let mut command = tunnel.command(&me.to_string_lossy());
        command.args(["flood", "--listen", &address.to_string()]).stdin(Stdio::null());
        let sender = command.spawn().context("cannot start a sender")?;
        let (stop, received) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut flow = Competitor { sender, stop, received, thread: None };
        let stream = flow.connect(address)?;
        let (stop, received) = (Arc::clone(&flow.stop), Arc::clone(&flow.received));
        flow.thread = Some(std::thread::spawn(move || receive(stream, clock, &stop, &received)));
        Ok(flow)
    }

    /// The sender may need a moment until it listens.
    fn connect(&self, address: SocketAddr) -> Result<TcpStream> {
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return Ok(stream),
                Err(error) if std::time::Instant::now() > until => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Ends, and gives how many bytes had come at which times, in milliseconds since 1970.
    pub fn end(mut self) -> Vec<(f64, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it noted before a failure is there all the same.
            let _ = thread.join();
        }
        self.received.lock().map(|mut all| std::mem::take(&mut *all)).unwrap_or_default()
    }
}

impl Drop for Competitor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.sender.kill();
        let _ = self.sender.wait();
    }
}

fn receive(mut stream: TcpStream, clock: Clock, stop: &AtomicBool, all: &Mutex<Vec<(f64, u64)>>) {
    const EVERY_MS: f64 = 100.0;
    let mut buffer = vec![0; PIECE];
    let (mut sum, mut noted) = (0, 0.0);
    // Without a limit a flow that is starved would keep the thread.
    if stream.set_read_timeout(Some(Duration::from_millis(100))).is_err() {
        return;
    }
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(len) => sum += len as u64,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
        let now = clock.now_ms();
        if now - noted >= EVERY_MS {
            noted = now;
            if let Ok(mut all) = all.lock() {
                all.push((now, sum));
            }
        }
    }
}
