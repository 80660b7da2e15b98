//! What the node believes of the way to a subscriber, read from its metrics ten times a second. This is
//! the only place that knows how the node tells it.

use super::clock::Clock;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bits a second that may be sent to a subscriber, by peer.
const TARGET: &str = "lectern_node_subscriber_target_bps";
/// Milliseconds that packets wait in a subscriber's pacer, by peer.
const QUEUE: &str = "lectern_node_subscriber_queue_ms";

const EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(1);

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Milliseconds since 1970.
    pub at: f64,
    /// Bits a second; of several subscribers the best one's.
    pub target_bps: f64,
    /// Milliseconds; of several subscribers the worst one's.
    pub queue_ms: f64,
}

/// Reads on a thread of its own until it is asked for what it read.
pub struct Reader {
    stop: Arc<AtomicBool>,
    read: Arc<Mutex<Vec<Estimate>>>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Begins.
    pub fn start(admin: SocketAddr, clock: Clock) -> Reader {
        let (stop, read) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let thread = std::thread::spawn({
            let (stop, read) = (Arc::clone(&stop), Arc::clone(&read));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let found = metrics(admin).ok().and_then(|text| find(clock.now_ms(), &text));
                    if let (Some(found), Ok(mut read)) = (found, read.lock()) {
                        read.push(found);
                    }
                    std::thread::sleep(EVERY);
                }
            }
        });
        Reader { stop, read, thread: Some(thread) }
    }

    /// Ends, and gives what was read; nothing where the node tells nothing.
    pub fn end(mut self) -> Vec<Estimate> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A reading that panicked has no more to say.
            let _ = thread.join();
        }
        self.read.lock().map(|mut read| std::mem::take(&mut *read)).unwrap_or_default()
    }
}

fn metrics(admin: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&admin, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// Finds a reading in the text form of Prometheus.
fn find(at: f64, text: &str) -> Option<Estimate> {
    let values = |name: &'static str| {
        let lines = text.lines().filter(move |line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        lines.filter_map(|line| line.rsplit_once(' ')?.1.trim().parse::<f64>().ok())
    };
    let target_bps = values(TARGET).reduce(f64::max)?;
    Some(Estimate { at, target_bps, queue_ms: values(QUEUE).reduce(f64::max).unwrap_or_default() })
}

/// How long after `from_ms` the estimate is at least so much for the first time, in seconds.
pub fn reaches(estimates: &[Estimate], from_ms: f64, least_bps: f64) -> Option<f64> {
    let later = estimates.iter().filter(|one| one.at >= from_ms);
    later.clone().find(|one| one.target_bps >= least_bps).map(|one| (one.at - from_ms) / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_target_and_the_worst_queue_are_found() {
        let text = "# HELP x\nlectern_node_subscriber_target_bps{peer=\"1\"} 250000\n\
            lectern_node_subscriber_target_bps{peer=\"2\"} 1.5e6\n\
            lectern_node_subscriber_target_bps_total 9\n\
            lectern_node_subscriber_queue_ms{peer=\"2\"} 12\n";
        let found = Estimate { at: 1.0, target_bps: 1.5e6, queue_ms: 12.0 };
        assert_eq!(find(1.0, text), Some(found));
        assert_eq!(find(1.0, "lectern_node_peers 2\n"), None);
        assert_eq!(reaches(&[found], 0.0, 1.4e6), Some(0.001));
        assert_eq!(reaches(&[found], 0.0, 1.6e6), None);
    }
}
