//! When each packet was sent: written by the publisher, read by viewers.

use lectern_sim::frame::Stamp;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// Frames that are remembered: three minutes.
const FRAMES: usize = 30 * 60 * 3;
/// Packets of a frame at most.
const PACKETS: usize = 128;

/// Times of sending.
pub struct Sent {
    times: Vec<AtomicU64>,
    count: AtomicU64,
}

impl Sent {
    /// Nothing was sent.
    pub fn new() -> Sent {
        let times = (0..FRAMES * PACKETS).map(|_| AtomicU64::new(0)).collect();
        Sent { times, count: AtomicU64::new(0) }
    }

    fn place(&self, stamp: &Stamp) -> Option<&AtomicU64> {
        let index = usize::from(stamp.index).min(PACKETS - 1);
        self.times.get(stamp.frame as usize % FRAMES * PACKETS + index)
    }

    /// A packet goes out now.
    pub fn note(&self, stamp: &Stamp, now: SystemTime) {
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let nanos = since_epoch.as_nanos() as u64;
        if let Some(place) = self.place(stamp) {
            place.store(nanos.max(1), Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
    }

    /// When a packet went out.
    pub fn at(&self, stamp: &Stamp) -> Option<SystemTime> {
        let nanos = self.place(stamp)?.load(Relaxed);
        (nanos > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos))
    }

    /// Packets so far.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }
}
