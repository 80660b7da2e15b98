//! Packets, feedback, reports and time of any kind: the estimate stays within its bounds, and what
//! is remembered does too.
#![no_main]

use arbitrary::Arbitrary;
use lectern_media::congestion::{Config, Estimator, Sent};
use lectern_media::limits::SENT_PACKETS;
use lectern_wire::rtcp::transport_wide::FeedbackHeader;
use lectern_wire::rtcp::{Packet, Writer, packets};
use lectern_wire::{Bitrate, DataSize, Ssrc};
use libfuzzer_sys::fuzz_target;
use std::time::{Duration, Instant};

#[derive(Debug, Arbitrary)]
enum Step<'a> {
    Pass { micros: u32 },
    PassLong { millis: u32 },
    Send { size: u16, count: u8 },
    /// The cluster that is asked for, or as much of it.
    Probe { most: u8 },
    /// About the packets that were sent last, as a receiver would write it.
    Feedback { back: u8, arrivals: Vec<Option<u16>> },
    /// About any packets.
    Wild { first: u16, arrivals: Vec<Option<u64>> },
    Bytes(&'a [u8]),
    Remb(u64),
    Report { lost: f64, packets: u32 },
    RoundTrip(u64),
    Wanted(u64),
    Backlog(u64),
    Timeout,
}

struct World {
    estimator: Estimator,
    now: Instant,
    began: Instant,
    last: u16,
}

impl World {
    fn read(&mut self, bytes: &[u8]) {
        for packet in packets(bytes) {
            match packet {
                Ok(Packet::TransportFeedback(feedback)) => {
                    self.estimator.handle_transport_feedback(self.now, &feedback);
                }
                Ok(Packet::BitrateEstimate(remb)) => {
                    self.estimator.handle_remb(self.now, remb.bitrate);
                }
                _ => {}
            }
        }
    }

    fn feed(&mut self, first: u16, arrivals: &[Option<Duration>]) {
        let header = FeedbackHeader {
            sender: Ssrc(1),
            media: Ssrc(2),
            base_sequence: first,
            feedback_count: 0,
        };
        let mut bytes = [0; 1_400];
        let mut writer = Writer::new(&mut bytes);
        if writer.transport_feedback(&header, arrivals).is_ok() {
            let len = writer.len();
            self.read(&bytes[..len]);
        }
    }

    fn step(&mut self, step: Step<'_>) {
        let now = self.now;
        match step {
            Step::Pass { micros } => self.now += Duration::from_micros(u64::from(micros) >> 12),
            Step::PassLong { millis } => self.now += Duration::from_millis(millis.into()),
            Step::Send { size, count } => {
                for _ in 0..count {
                    self.last = self.estimator.sent(now, DataSize::bytes(size.into()), Sent::Media);
                }
            }
            Step::Probe { most } => {
                for _ in 0..most {
                    let Some(probe) = self.estimator.probe() else { break };
                    let size = DataSize::bytes(1_200);
                    self.last = self.estimator.sent(now, size, Sent::Probe(probe.id));
                }
            }
            Step::Feedback { back, arrivals } => {
                let first = self.last.wrapping_sub(back.into());
                let since = now - self.began + Duration::from_secs(100);
                let late = |micros: Option<u16>| Some(since + Duration::from_micros(micros?.into()));
                let arrivals: Vec<_> = arrivals.into_iter().map(late).collect();
                self.feed(first, &arrivals);
            }
            Step::Wild { first, arrivals } => {
                let time = |micros: Option<u64>| Some(Duration::from_micros(micros?));
                let arrivals: Vec<_> = arrivals.into_iter().map(time).collect();
                self.feed(first, &arrivals);
            }
            Step::Bytes(bytes) => self.read(bytes),
            Step::Remb(bps) => self.estimator.handle_remb(now, Bitrate::bps(bps)),
            Step::Report { lost, packets } => self.estimator.handle_report(now, lost, packets),
            Step::RoundTrip(micros) => {
                self.estimator.handle_round_trip(now, Duration::from_micros(micros));
            }
            Step::Wanted(bps) => self.estimator.set_wanted(now, Bitrate::bps(bps)),
            Step::Backlog(bytes) => self.estimator.set_backlog(now, DataSize::bytes(bytes)),
            Step::Timeout => self.estimator.handle_timeout(now),
        }
    }
}

fuzz_target!(|input: (u64, Vec<Step<'_>>)| {
    let (seed, steps) = input;
    let now = Instant::now();
    let (least, most) = (Bitrate::kbps(60), Bitrate::kbps(20_000));
    let start = Bitrate::kbps(600);
    let config = Config { least, start, most, sequence: seed as u16, seed };
    let estimator = Estimator::new(now, config);
    let mut world = World { estimator, now, began: now, last: seed as u16 };
    for step in steps {
        world.step(step);
        let estimator = &world.estimator;
        assert!((least..=most).contains(&estimator.target()));
        assert!((0.0..=1.0).contains(&estimator.loss()));
        assert!(estimator.pacing_rate() <= Bitrate::kbps(40_000));
        let state = estimator.state();
        assert!(state.trend.0.is_finite() && state.trend.1.is_finite());
        assert!(state.outstanding.as_bytes() <= SENT_PACKETS as u64 * 0xffff);
        if let Some(probe) = estimator.probe() {
            assert!(probe.rate <= most && probe.bytes <= DataSize::bytes(1 << 17));
        }
    }
});
