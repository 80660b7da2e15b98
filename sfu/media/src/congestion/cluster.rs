//! One cluster of probe packets: what was sent, what came of it, and what that says of the link.

use super::history::Packet;
use super::units::{MILLI, Micros, rate_of, seconds};

/// Of a cluster at least so many packets must have come to say anything.
const LEAST_PACKETS: f64 = 5.0;
/// A slope of the delay under this is an empty queue: the link takes more than was sent.
const EMPTY_SLOPE: f64 = 0.12;
/// A slope that is not known better than this says nothing.
const MOST_DOUBT: f64 = 0.35;
/// Of the rate that passed when the link was full, what is taken for an estimate.
const SATURATED: f64 = 0.95;
/// Packets of a cluster may be lost as others are, and so many more.
const MORE_LOST: f64 = 0.1;
/// What arrives this much faster than it was sent was held back somewhere.
const CLUMPED: f64 = 1.4;
/// A slope below this is jitter: no queue of ours drains so fast.
const STEEPEST_DRAIN: f64 = -0.5;

/// What a cluster says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// The link took it all: bits a second that were sent.
    Passed(f64),
    /// The link was full: bits a second that it took.
    Full(f64),
    /// Too much jitter, or too few packets.
    Unclear,
}

/// Sums over the packets of a cluster; times are milliseconds from its first packet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cluster {
    first_sent: Option<Micros>,
    last_sent: Micros,
    sent_bytes: f64,
    sent_packets: f64,
    first_bytes: f64,
    base: Option<(Micros, Micros)>,
    earliest: (Micros, f64),
    latest: Micros,
    count: f64,
    bytes: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Cluster {
    /// A packet went out.
    pub fn sent(&mut self, now: Micros, size: u16) {
        if self.first_sent.is_none() {
            self.first_sent = Some(now);
            self.first_bytes = f64::from(size);
        }
        self.last_sent = self.last_sent.max(now);
        self.sent_bytes += f64::from(size);
        self.sent_packets += 1.0;
    }

    /// Bytes and packets that went out.
    pub fn sent_so_far(&self) -> (f64, f64) {
        (self.sent_bytes, self.sent_packets)
    }

    /// Whether each packet that went out has arrived.
    pub fn is_whole(&self) -> bool {
        self.count >= self.sent_packets
    }

    /// One of its packets arrived.
    pub fn arrived(&mut self, packet: &Packet, arrival: Micros) {
        let bytes = f64::from(packet.size);
        let (sent, came) = *self.base.get_or_insert((packet.sent, arrival));
        if self.count == 0.0 || arrival < self.earliest.0 {
            self.earliest = (arrival, bytes);
        }
        self.latest = if self.count == 0.0 { arrival } else { self.latest.max(arrival) };
        self.count += 1.0;
        self.bytes += bytes;
        let x = seconds(packet.sent.saturating_sub(sent)).clamp(-1e3, 1e3);
        let y = seconds(arrival.saturating_sub(came)).clamp(-1e3, 1e3) - x;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    /// What the cluster says, where a part `inherent` of all packets is lost anyhow.
    pub fn finding(&self, inherent: f64) -> Finding {
        let Some(began) = self.first_sent else { return Finding::Unclear };
        let lasted = self.last_sent.saturating_sub(began);
        let sent = rate_of(self.sent_bytes - self.first_bytes, lasted);
        if self.count < LEAST_PACKETS || sent <= 0.0 || lasted < MILLI {
            return Finding::Unclear;
        }
        let received = self.received();
        let chance = 1.5 * (inherent.max(0.05) * (1.0 - inherent) / self.sent_packets).sqrt();
        if self.count / self.sent_packets < 1.0 - inherent - MORE_LOST - chance {
            return Finding::Full(SATURATED * received.min(sent));
        }
        let Some((slope, doubt)) = self.slope() else { return Finding::Unclear };
        if slope - 1.5 * doubt > EMPTY_SLOPE {
            // The delay grows by what the link takes longer than the sender.
            return Finding::Full(SATURATED * sent / (1.0 + slope));
        }
        // Packets that were held back and let go together tell of jitter, not of the link.
        let is_clumped = received > CLUMPED * sent;
        if is_clumped || doubt > MOST_DOUBT || slope < STEEPEST_DRAIN {
            return Finding::Unclear;
        }
        if slope > EMPTY_SLOPE {
            return Finding::Full(SATURATED * sent / (1.0 + slope));
        }
        Finding::Passed(sent)
    }

    fn received(&self) -> f64 {
        rate_of(self.bytes - self.earliest.1, self.latest.saturating_sub(self.earliest.0))
    }

    /// The growth of the delay, seconds a second, and its standard error.
    fn slope(&self) -> Option<(f64, f64)> {
        let n = self.count;
        let xx = self.xx - self.x * self.x / n;
        let xy = self.xy - self.x * self.y / n;
        let yy = self.yy - self.y * self.y / n;
        if !(xx > 1e-12 && n > 2.0) {
            return None;
        }
        let slope = xy / xx;
        let rest = (yy - slope * xy).max(0.0) / (n - 2.0);
        Some((slope, (rest / xx).sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty packets at 4.8 Mbit/s through a link of so many bits a second.
    fn send(link: f64, loss_every: usize) -> Finding {
        let (mut cluster, mut free) = (Cluster::default(), 0);
        for number in 0..20 {
            let sent = number as i64 * 2 * MILLI;
            cluster.sent(sent, 1_200);
            free = free.max(sent) + (9_600.0 / link * 1e6) as i64;
            if loss_every == 0 || number % loss_every != 0 {
                let packet = Packet { sent, size: 1_200, cluster: 1 };
                cluster.arrived(&packet, 70_000 + free);
            }
        }
        cluster.finding(if loss_every == 0 { 0.0 } else { 1.0 / loss_every as f64 })
    }

    #[test]
    fn a_link_with_room_passes_what_was_sent_and_a_full_one_tells_its_rate() {
        for loss_every in [0, 3] {
            let Finding::Passed(bps) = send(20e6, loss_every) else { panic!("has room") };
            assert!((bps - 4.8e6).abs() < 1e5, "{bps}");
            let Finding::Full(bps) = send(2e6, loss_every) else { panic!("is full") };
            assert!((bps - 0.95 * 2e6).abs() < 1e5, "{bps}");
        }
    }

    #[test]
    fn few_packets_and_garbage_say_nothing() {
        let mut cluster = Cluster::default();
        assert_eq!(cluster.finding(0.0), Finding::Unclear);
        for at in [0, i64::MAX, i64::MIN, 7, -7, 0, 1 << 50] {
            cluster.sent(at, 1_200);
            cluster.arrived(&Packet { sent: at, size: u16::MAX, cluster: 1 }, at.wrapping_mul(3));
            for inherent in [0.0, 0.5, 1.0] {
                match cluster.finding(inherent) {
                    Finding::Passed(bps) | Finding::Full(bps) => assert!(bps.is_finite()),
                    Finding::Unclear => {}
                }
            }
        }
    }
}
