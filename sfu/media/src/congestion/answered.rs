//! How much of what was sent is known to have arrived, lately.

use super::history::{Fate, Judged};
use super::loss::is_outage;
use super::meter::Meter;
use super::units::{MILLI, Micros};

/// A part of less than this, in bits, says nothing: it may be one packet of a keyframe.
const LEAST_BITS: f64 = 96_000.0;
/// Where nothing has come for longer than this, that is no short cut any more.
const LONGEST_OUTAGE: Micros = 600 * MILLI;

/// What is known of, and what of it arrived, by our clock when that became clear. Never grows.
#[derive(Debug)]
pub struct Answered {
    known: Meter,
    arrived: Meter,
    /// Packets since one arrived, their bytes, and when the first of them was sent.
    run_packets: f64,
    run_bytes: u32,
    run_began: Micros,
}

impl Answered {
    /// Nothing is known yet.
    pub fn new() -> Answered {
        Answered {
            known: Meter::new(20 * MILLI),
            arrived: Meter::new(20 * MILLI),
            run_packets: 0.0,
            run_bytes: 0,
            run_began: 0,
        }
    }

    /// The fate of a packet became clear, in the order of sending. While the path was cut for a
    /// moment neither packets nor feedback came: that says nothing of the rate.
    pub fn add(&mut self, at: Micros, judged: &Judged) {
        let (sent, size) = (judged.packet.sent, u32::from(judged.packet.size));
        if self.run_packets == 0.0 {
            self.run_began = sent;
        }
        let lasted = sent.saturating_sub(self.run_began);
        if !matches!(judged.fate, Fate::Arrived(_)) {
            self.run_packets += 1.0;
            // Of what nothing was reported nothing is known: feedback was lost.
            let is_lost = judged.fate == Fate::Lost;
            self.run_bytes = self.run_bytes.saturating_add(if is_lost { size } else { 0 });
            if lasted > LONGEST_OUTAGE {
                self.known.add(at, std::mem::take(&mut self.run_bytes));
            }
            return;
        }
        let bytes = std::mem::take(&mut self.run_bytes);
        if !is_outage(std::mem::take(&mut self.run_packets), lasted) || lasted > LONGEST_OUTAGE {
            self.known.add(at, bytes);
        }
        self.known.add(at, size);
        self.arrived.add(at, size);
    }

    /// The part that arrived in the last `window`, 0 to 1; `None` where too little is known.
    pub fn part(&self, window: Micros) -> Option<f64> {
        let known = self.known.rate(window)?;
        let is_enough = known * window as f64 / 1e6 >= LEAST_BITS;
        is_enough.then(|| self.arrived.rate(window).unwrap_or(0.0) / known)
    }
}
