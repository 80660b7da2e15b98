//! What was seen of one stream's clock, in bounded memory: the least delayed packet of each second,
//! and the sender reports.

use lectern_wire::NtpTime;

/// How long a bin is at first.
const BIN_US: f64 = 1e6;
/// Bins of a stream: four and a half hours, then each becomes twice as long.
const MAX_BINS: usize = 16_384;
/// Reports of a stream: browsers send one in one to five seconds. Beyond, every other one is left out.
const MAX_REPORTS: usize = 16_384;
/// Reports that came before the first packet and wait for it.
const MAX_WAITING: usize = 8;
/// Two packets whose delays differ by more are not of one bin: the stream's clock may have stepped
/// between them. Jitter of the Internet is less.
pub const STEP_US: f64 = 400e3;
const WRAP: f64 = 4_294_967_296.0;

/// The least delayed packet of a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// When the first packet of the bin came.
    pub from_us: f64,
    /// When the least delayed one came.
    pub arrival_us: f64,
    /// Its timestamp, unwrapped, in microseconds of the stream's clock.
    pub media_us: f64,
}

impl Bin {
    /// Arrival less timestamp: the clocks' difference and the packet's delay.
    pub fn delay_us(&self) -> f64 {
        self.arrival_us - self.media_us
    }
}

/// A sender report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    /// When it came.
    pub arrival_us: f64,
    /// Its timestamp, unwrapped, in microseconds of the stream's clock.
    pub media_us: f64,
    /// The publisher's clock, in microseconds since 1900.
    pub ntp_us: f64,
}

impl Said {
    /// From the stream's clock to the publisher's.
    pub fn offset_us(&self) -> f64 {
        self.ntp_us - self.media_us
    }

    /// From the publisher's clock to the session's, and the report's delay.
    pub fn delay_us(&self) -> f64 {
        self.arrival_us - self.ntp_us
    }
}

/// One stream.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Ticks a second.
    pub rate: f64,
    /// In the order of arrival.
    pub bins: Vec<Bin>,
    /// In the order of arrival.
    pub reports: Vec<Said>,
    bin_us: f64,
    waiting: Vec<(f64, u64, u32)>,
    highest: u64,
    /// Unwrapped ticks and arrival of the packet with the highest number.
    last: Option<(f64, f64)>,
}

impl Observed {
    /// Nothing was seen yet.
    pub fn new(rate: u32) -> Observed {
        Observed {
            rate: f64::from(rate.max(1)),
            bins: Vec::new(),
            reports: Vec::new(),
            bin_us: BIN_US,
            waiting: Vec::new(),
            highest: 0,
            last: None,
        }
    }

    /// Takes note of a packet. One that was sent again, or overtaken, tells nothing.
    pub fn packet(&mut self, number: u64, rtp: u32, arrival_us: f64) {
        if self.last.is_some() && number <= self.highest {
            return;
        }
        self.highest = number;
        let ticks = match self.last {
            Some(last) => self.unwrapped(last, rtp, arrival_us),
            None => f64::from(rtp),
        };
        let before = self.last.replace((ticks, arrival_us));
        self.bin(ticks, arrival_us, before);
        if before.is_none() {
            for (arrival_us, ntp, rtp) in std::mem::take(&mut self.waiting) {
                self.report(ntp, rtp, arrival_us);
            }
        }
    }

    /// Takes note of a report. A clock that is not set tells nothing.
    pub fn report(&mut self, ntp: u64, rtp: u32, arrival_us: f64) {
        if ntp == 0 {
            return;
        }
        let Some(last) = self.last else {
            if self.waiting.len() < MAX_WAITING {
                self.waiting.push((arrival_us, ntp, rtp));
            }
            return;
        };
        if self.reports.len() >= MAX_REPORTS {
            let mut is_kept = false;
            self.reports.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
        let ticks = self.unwrapped(last, rtp, arrival_us);
        self.reports.push(Said {
            arrival_us,
            media_us: self.micros(ticks),
            ntp_us: micros_of(NtpTime(ntp)),
        });
    }

    /// The unwrapped ticks nearest to where the clock should be by now.
    fn unwrapped(&self, last: (f64, f64), rtp: u32, arrival_us: f64) -> f64 {
        let (ticks, at_us) = last;
        nearest(rtp, ticks + (arrival_us - at_us) * self.rate / 1e6)
    }

    fn micros(&self, ticks: f64) -> f64 {
        ticks * 1e6 / self.rate
    }

    fn bin(&mut self, ticks: f64, arrival_us: f64, before: Option<(f64, f64)>) {
        let media_us = self.micros(ticks);
        let seen = Bin { from_us: arrival_us, arrival_us, media_us };
        let before_us = before.map(|(ticks, at_us)| at_us - self.micros(ticks));
        let is_step = before_us.is_some_and(|before| (seen.delay_us() - before).abs() > STEP_US);
        match self.bins.last_mut() {
            Some(bin) if !is_step && arrival_us < bin.from_us + self.bin_us => {
                if seen.delay_us() < bin.delay_us() {
                    *bin = Bin { from_us: bin.from_us, ..seen };
                }
            }
            _ => self.bins.push(seen),
        }
        if self.bins.len() >= MAX_BINS {
            self.bin_us *= 2.0;
            let pairs = self.bins.chunks(2).filter_map(|pair| {
                let least = pair.iter().min_by(|a, b| a.delay_us().total_cmp(&b.delay_us()))?;
                Some(Bin { from_us: pair.first()?.from_us, ..*least })
            });
            self.bins = pairs.collect();
        }
    }
}

/// The number nearest to `near` whose low 32 bits are `rtp`.
pub fn nearest(rtp: u32, near: f64) -> f64 {
    let rtp = f64::from(rtp);
    rtp + ((near - rtp) / WRAP).round() * WRAP
}

fn micros_of(ntp: NtpTime) -> f64 {
    let seconds = (ntp.0 >> 32) as f64;
    let fraction = (ntp.0 & 0xffff_ffff) as f64;
    seconds * 1e6 + fraction * 1e6 / WRAP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_unwrapped_over_hours_of_silence() {
        let mut stream = Observed::new(90_000);
        stream.packet(1, u32::MAX - 90_000, 0.0);
        stream.packet(2, 90_000, 2e6);
        // Twenty hours later: the clock has wrapped once more on the way.
        let later = 20.0 * 3_600.0;
        let ticks = (u64::from(u32::MAX - 90_000) + 20 * 3_600 * 90_000) as u32;
        stream.packet(3, ticks, later * 1e6);
        let spans: Vec<f64> = stream.bins.iter().map(Bin::delay_us).collect();
        assert!(spans.iter().all(|delay| (delay - spans[0]).abs() < 100.0), "{spans:?}");
    }

    #[test]
    fn a_report_waits_for_the_first_packet() {
        let mut stream = Observed::new(48_000);
        stream.report(1 << 63, 48_000, 0.0);
        stream.report(0, 48_000, 0.0);
        assert!(stream.reports.is_empty());
        stream.packet(1, 48_000, 0.0);
        assert_eq!(stream.reports.len(), 1);
        assert_eq!(stream.reports[0].media_us, 1e6);
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut stream = Observed::new(48_000);
        for number in 0..200_000u64 {
            let rtp = (number as u32).wrapping_mul(0x9e37_79b9);
            stream.packet(number, rtp, number as f64 * 20e3);
            stream.report(number << 20, rtp, number as f64 * 20e3);
        }
        assert!(stream.bins.len() < MAX_BINS && stream.reports.len() <= MAX_REPORTS);
    }
}
