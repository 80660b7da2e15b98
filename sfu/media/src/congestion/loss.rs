//! Which losses are congestion. A link that loses at random loses as much with empty queues as with
//! full ones; a queue that overflows loses when it is full. What the queue does not explain is
//! fitted to the rates at which it was lost (see `sfu/docs/congestion.md`).

use super::history::{Fate, Judged};
use super::units::{MILLI, Micros};

/// The time one observation lasts at least, and its packets.
const LENGTH: Micros = 200 * MILLI;
const LEAST_PACKETS: f64 = 10.0;
/// A wait that is no queue.
const LEAST_QUEUE_MILLIS: u16 = 10;
/// What jitter may make a packet wait, as a multiple of the mean difference of neighbours.
const JITTER_WAITS: Micros = 2;
/// What more than this of all packets is lost to is never taken for chance.
const MOST_INHERENT: f64 = 0.4;
/// Packets over which the inherent loss is learned.
const MEMORY_PACKETS: f64 = 300.0;

/// Where nothing at all has come for so long, the path was cut: that says nothing of its rate.
const OUTAGE: Micros = 60 * MILLI;
const OUTAGE_PACKETS: f64 = 8.0;

/// Whether so many packets in a row that did not come, sent over so long, say that the path was cut.
pub fn is_outage(packets: f64, lasted: Micros) -> bool {
    packets >= OUTAGE_PACKETS && lasted >= OUTAGE
}

/// Sent and lost packets of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    sent: f64,
    lost: f64,
}

impl Count {
    fn add(&mut self, is_lost: bool) {
        self.sent += 1.0;
        self.lost += f64::from(u8::from(is_lost));
    }
}

/// What a stretch of packets says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The part of all packets that was lost, 0 to 1.
    pub lost: f64,
    /// The part of all packets whose loss is congestion, 0 to 1.
    pub congestive: f64,
}

/// The losses of one transport.
#[derive(Debug)]
pub struct Loss {
    began: Option<Micros>,
    /// Of this observation: where packets waited, and where they did not.
    waiting: Count,
    passing: Count,
    /// Packets that were lost since one arrived, and when that began.
    run: Count,
    run_began: Micros,
    run_waits: bool,
    /// The wait of the last packet that arrived.
    queue_millis: u16,
    /// The part that is lost whatever the rate, and the packets it was learned from.
    inherent: f64,
    learned: f64,
    /// The part lost of late.
    recent: f64,
}

impl Loss {
    /// Without a packet yet.
    pub fn new() -> Loss {
        Loss {
            began: None,
            waiting: Count::default(),
            passing: Count::default(),
            run: Count::default(),
            run_began: 0,
            run_waits: false,
            queue_millis: 0,
            inherent: 0.0,
            learned: 0.0,
            recent: 0.0,
        }
    }

    /// The part lost of late, 0 to 1.
    pub fn recent(&self) -> f64 {
        self.recent
    }

    /// The part that is lost whatever the rate, 0 to 1.
    pub fn inherent(&self) -> f64 {
        self.inherent
    }

    /// The fate of a packet, in the order of sending. `longest` is the longest wait of late: half of it
    /// is a queue, and so is what jitter does not explain. The queue may have been longer before the
    /// link changed.
    pub fn add(&mut self, judged: &Judged, longest: Micros, jitter: Micros) -> Option<Verdict> {
        let sent = judged.packet.sent;
        let wait = (longest / 2).min(JITTER_WAITS * jitter) / MILLI;
        let full = u16::try_from(wait).unwrap_or(u16::MAX).max(LEAST_QUEUE_MILLIS);
        let millis = match judged.fate {
            Fate::Arrived(millis) => millis,
            Fate::Unreported => return None,
            Fate::Lost => {
                if self.run.sent == 0.0 {
                    self.run_began = sent;
                    self.run_waits = self.queue_millis > full;
                }
                self.run.add(true);
                return None;
            }
        };
        self.queue_millis = millis;
        self.end_run(sent);
        self.count(millis > full).add(false);
        let began = *self.began.get_or_insert(sent);
        let packets = self.waiting.sent + self.passing.sent;
        if sent.saturating_sub(began) < LENGTH || packets < LEAST_PACKETS {
            return None;
        }
        Some(self.conclude())
    }

    /// A packet arrived after others were lost.
    fn end_run(&mut self, sent: Micros) {
        let run = std::mem::take(&mut self.run);
        if !is_outage(run.sent, sent.saturating_sub(self.run_began)) {
            let count = self.count(self.run_waits);
            count.sent += run.sent;
            count.lost += run.lost;
        }
    }

    fn count(&mut self, waits: bool) -> &mut Count {
        if waits { &mut self.waiting } else { &mut self.passing }
    }

    /// A report without word of queues.
    pub fn report(&mut self, lost: f64, packets: f64) {
        self.recent += 0.3 * (lost - self.recent);
        // Chance is what is always lost: the inherent part falls at once and rises slowly.
        self.learned = (self.learned + packets).min(MEMORY_PACKETS);
        let speed = if lost < self.inherent { 0.5 } else { 0.05 };
        self.inherent = (self.inherent + speed * (lost - self.inherent)).clamp(0.0, MOST_INHERENT);
    }

    /// The part lost in a report above what is lost anyhow and above noise.
    pub fn above(&self, lost: f64, packets: f64) -> f64 {
        let noise = 2.0 * (self.inherent.max(0.02) / packets.max(1.0)).sqrt();
        (lost - self.inherent - noise).clamp(0.0, 1.0)
    }

    fn conclude(&mut self) -> Verdict {
        let (waiting, passing) = (self.waiting, self.passing);
        (self.waiting, self.passing, self.began) = Default::default();
        let packets = waiting.sent + passing.sent;
        let lost = (waiting.lost + passing.lost) / packets.max(1.0);
        self.recent += 0.3 * (lost - self.recent);
        // What is lost while nothing waits is chance; but chance does not take most of everything.
        self.learned = (self.learned + passing.sent).min(MEMORY_PACKETS);
        if passing.sent > 0.0 {
            let weight = (passing.sent / self.learned.max(1.0)).min(1.0);
            self.inherent += weight * (passing.lost / passing.sent - self.inherent);
            self.inherent = self.inherent.clamp(0.0, MOST_INHERENT);
        }
        let expected = self.inherent * waiting.sent;
        let noise = 2.0 * (expected * (1.0 - self.inherent)).sqrt() + 1.0;
        let above = (waiting.lost - expected - noise).max(0.0);
        Verdict { lost, congestive: (above / packets.max(1.0)).clamp(0.0, 1.0) }
    }
}
