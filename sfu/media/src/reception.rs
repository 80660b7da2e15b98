//! Reception statistics of one stream: what receiver reports say (RFC 3550 sections 6.4.1, A.3, A.8).

use crate::clock::SenderClock;
use lectern_wire::rtcp::ReportBlock;
use lectern_wire::rtcp::report::delay_units;
use lectern_wire::{MediaTime, RtpTime, SeqNo, Ssrc};
use std::time::Instant;

/// Counts what has come of one stream.
#[derive(Debug, Default)]
pub struct Reception {
    base: Option<SeqNo>,
    highest: SeqNo,
    received: u64,
    repaired: u64,
    /// At the last report.
    expected_before: u64,
    received_before: u64,
    /// At the last look at quality.
    quality_expected: u64,
    quality_complete: u64,
    /// The last packet in order: its arrival and timestamp.
    last: Option<(Instant, RtpTime)>,
    jitter_ticks: f64,
}

impl Reception {
    /// A packet came on its own stream, for the first time.
    pub fn receive(&mut self, now: Instant, number: SeqNo, timestamp: RtpTime, rate: u32) {
        if self.base.is_none() {
            self.highest = number;
        }
        let base = self.base.get_or_insert(number);
        *base = (*base).min(number);
        self.received += 1;
        if number < self.highest {
            return;
        }
        self.highest = number;
        self.measure_jitter(now, timestamp, rate);
    }

    /// A packet that was missing came as a retransmission.
    pub fn repair(&mut self) {
        self.repaired += 1;
    }

    /// The block about this stream; begins a new interval of loss.
    pub fn report(&mut self, now: Instant, ssrc: Ssrc, clock: Option<&SenderClock>) -> ReportBlock {
        let expected = self.expected();
        let expected_now = expected - self.expected_before;
        let lost_now = expected_now.saturating_sub(self.received - self.received_before);
        self.expected_before = expected;
        self.received_before = self.received;
        let fraction_lost = (lost_now << 8).checked_div(expected_now).unwrap_or(0).min(255) as u8;
        let cumulative = i64::try_from(expected).unwrap_or(i64::MAX)
            - i64::try_from(self.received).unwrap_or(i64::MAX);
        let cumulative_lost = cumulative.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        let since = |clock: &SenderClock| now.saturating_duration_since(clock.heard());
        ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost,
            highest_sequence: (self.highest.0 & 0xffff_ffff) as u32,
            jitter: self.jitter_ticks as u32,
            last_sender_report: clock.map_or(0, |clock| clock.reported().middle()),
            delay_since_last: clock.map_or(0, |clock| delay_units(since(clock))),
        }
    }

    /// Packets expected and packets that came, repaired ones included, since the last call.
    pub fn take_quality(&mut self) -> (u64, u64) {
        let (expected, complete) = (self.expected(), self.received + self.repaired);
        let expected_now = expected - self.quality_expected;
        let complete_now = (complete - self.quality_complete).min(expected_now);
        self.quality_expected = expected;
        self.quality_complete = complete;
        (expected_now, complete_now)
    }

    /// Whether anything has come.
    pub fn is_empty(&self) -> bool {
        self.base.is_none()
    }

    fn expected(&self) -> u64 {
        self.base.map_or(0, |base| self.highest.since(base).unwrap_or(0) + 1)
    }

    /// RFC 3550 section A.8; packets of one frame share a timestamp and are skipped but for the
    /// first, since a burst is no jitter.
    fn measure_jitter(&mut self, now: Instant, timestamp: RtpTime, rate: u32) {
        let Some((before, timestamp_before)) = self.last else {
            self.last = Some((now, timestamp));
            return;
        };
        if timestamp == timestamp_before {
            return;
        }
        let passed = MediaTime::from_duration(now.saturating_duration_since(before), rate).ticks();
        let deviation = passed.saturating_sub(i64::from(timestamp.since(timestamp_before)));
        // A silence or a new clock is no jitter either.
        if deviation.unsigned_abs() < u64::from(rate) * 5 {
            self.jitter_ticks += (deviation.unsigned_abs() as f64 - self.jitter_ticks) / 16.0;
        }
        self.last = Some((now, timestamp));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_wire::NtpTime;
    use std::time::Duration;

    const RATE: u32 = 48_000;

    /// One packet each 20 ms, sent with numbers from `from`; `lost` says which do not come.
    fn receive(
        reception: &mut Reception,
        start: Instant,
        range: std::ops::Range<u64>,
        lost: fn(u64) -> bool,
    ) {
        for number in range.filter(|number| !lost(*number)) {
            let now = start + Duration::from_millis(20 * number);
            reception.receive(now, SeqNo(0x1_0000 + number), RtpTime(960 * number as u32), RATE);
        }
    }

    #[test]
    fn a_report_tells_loss_since_the_last_one_and_in_all() {
        let start = Instant::now();
        let mut reception = Reception::default();
        receive(&mut reception, start, 0..100, |number| number % 4 == 1);
        let block = reception.report(start, Ssrc(9), None);
        assert_eq!((block.fraction_lost, block.cumulative_lost), (64, 25));
        assert_eq!(block.highest_sequence, 0x1_0000 + 99);
        receive(&mut reception, start, 100..200, |_| false);
        let block = reception.report(start, Ssrc(9), None);
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 25));
        assert_eq!(reception.report(start, Ssrc(9), None).fraction_lost, 0);
    }

    #[test]
    fn steady_packets_have_no_jitter_and_swaying_ones_have_theirs() {
        let start = Instant::now();
        let mut steady = Reception::default();
        receive(&mut steady, start, 0..500, |_| false);
        assert_eq!(steady.report(start, Ssrc(9), None).jitter, 0);
        let mut swaying = Reception::default();
        for number in 0..500u64 {
            let now = start + Duration::from_millis(20 * number + 10 * (number % 2));
            swaying.receive(now, SeqNo(number), RtpTime(960 * number as u32), RATE);
        }
        let jitter = swaying.report(start, Ssrc(9), None).jitter;
        assert!((460..=490).contains(&jitter), "10 ms are 480 ticks, not {jitter}");
    }

    #[test]
    fn quality_counts_repaired_packets_as_come() {
        let start = Instant::now();
        let mut reception = Reception::default();
        receive(&mut reception, start, 0..100, |number| number % 10 == 1);
        (0..8).for_each(|_| reception.repair());
        assert_eq!(reception.take_quality(), (100, 98));
        assert_eq!(reception.take_quality(), (0, 0));
    }

    #[test]
    fn a_report_quotes_the_sender_s_last_report() {
        let start = Instant::now();
        let mut reception = Reception::default();
        receive(&mut reception, start, 0..1, |_| false);
        let ntp = NtpTime(0xb44d_b705_2000_0000);
        let clock = SenderClock::new(ntp, RtpTime(0), start, RATE);
        let later = start + Duration::from_millis(5_250);
        let block = reception.report(later, Ssrc(9), Some(&clock));
        assert_eq!(block.last_sender_report, 0xb705_2000);
        assert_eq!(block.delay_since_last, 0x0005_4000);
    }
}
