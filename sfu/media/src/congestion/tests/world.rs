//! A sender with a pacer, a link, a receiver that gives feedback, and perhaps a competitor: all in
//! virtual time, all chance from a seed.

use super::cubic::{self, Cubic};
use crate::congestion::{Config, Estimator, Sent};
use lectern_sim::network::{self, Link};
use lectern_wire::rtcp::transport_wide::FeedbackHeader;
use lectern_wire::rtcp::{Packet, Writer, packets};
use lectern_wire::{Bitrate, DataSize, Ssrc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

pub const MS: Duration = Duration::from_millis(1);
const PACKET: u64 = 1_200;
const FRAME: Duration = Duration::from_micros(33_333);

/// How the receiver treats the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Honesty {
    Honest,
    /// Every packet that came took the same time, and the others are not spoken of.
    NoDelay,
    /// Everything that was sent has come, and took the same time.
    Everything,
    /// Says nothing but REMB and reports.
    Remb,
}

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    pub seed: u64,
    pub link: network::Config,
    /// The way of the feedback.
    pub back: network::Config,
    pub feedback: Duration,
    pub honesty: Honesty,
    /// Added to each packet's delay, independently: packets overtake each other.
    pub scatter: Duration,
    pub start: Bitrate,
    pub most: Bitrate,
}

/// A link of so many kbit/s, 50 ms there and back, with a drop-tail queue of one
/// bandwidth-delay product.
pub fn link(kbps: u64) -> network::Config {
    let rate = Bitrate::kbps(kbps);
    network::Config {
        rate: Some(rate),
        queue: rate.data_in(50 * MS),
        delay: 25 * MS,
        ..network::Config::default()
    }
}

impl Setup {
    pub fn new(seed: u64, link: network::Config) -> Setup {
        let back = network::Config { delay: 25 * MS, ..network::Config::default() };
        Setup {
            seed,
            link,
            back,
            feedback: 50 * MS,
            honesty: Honesty::Honest,
            scatter: Duration::ZERO,
            start: Bitrate::kbps(600),
            most: Bitrate::kbps(20_000),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Item {
    Rtp { sequence: u16, sent: Instant, size: u64 },
    Segment(u64),
}

/// What was measured in ten milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    /// Seconds since the start.
    pub at: f64,
    /// Bits a second.
    pub target: f64,
    /// Bytes sent, and bytes arrived, of ours and of the competitor.
    pub sent: u64,
    pub arrived: u64,
    pub competitor: u64,
    /// Milliseconds above the path's own delay, of the packets that arrived.
    pub queue: f64,
}

pub struct World {
    pub setup: Setup,
    pub estimator: Estimator,
    pub now: Instant,
    pub began: Instant,
    pub random: StdRng,
    link: Link<Item>,
    back: Link<Vec<u8>>,
    scattered: BTreeMap<(Instant, u64), (u16, Instant, u64)>,
    scattered_count: u64,
    /// What the tracks could use, and what they have now, in bits a second.
    pub wanted: f64,
    pub content: f64,
    /// What can be chosen from, in bits a second, least first; anything where there is nothing here.
    pub layers: &'static [f64],
    queue: VecDeque<u64>,
    backlog: u64,
    next_frame: Instant,
    next_sound: Instant,
    paced_at: Instant,
    budget: f64,
    probe_budget: f64,
    unreported: BTreeMap<u16, Duration>,
    reported_to: u16,
    highest: Option<u16>,
    next_feedback: Instant,
    feedbacks: u8,
    pub jump: Duration,
    reports: (u64, u64, Instant),
    arrived_since: u64,
    sent_since: u64,
    pub cubic: Option<Cubic>,
    acks: VecDeque<(Instant, u64)>,
    pub samples: Vec<Sample>,
    sample: Sample,
    pub probes: u64,
    /// Changes feedback on its way.
    pub mutilate: bool,
}

impl World {
    pub fn new(setup: Setup) -> World {
        let now = Instant::now();
        let config = Config {
            least: Bitrate::kbps(60),
            start: setup.start,
            most: setup.most,
            sequence: setup.seed as u16 & 0x7fff,
            seed: setup.seed,
        };
        let mut random = StdRng::seed_from_u64(setup.seed);
        let phase = FRAME.mul_f64(random.random());
        World {
            estimator: Estimator::new(now, config),
            now,
            began: now,
            link: Link::new(now, setup.link.clone(), setup.seed),
            back: Link::new(now, setup.back.clone(), setup.seed + 1),
            scattered: BTreeMap::new(),
            scattered_count: 0,
            wanted: 8e6,
            content: f64::INFINITY,
            layers: &[],
            queue: VecDeque::new(),
            backlog: 0,
            next_frame: now + phase,
            next_sound: now,
            paced_at: now,
            budget: 0.0,
            probe_budget: 0.0,
            unreported: BTreeMap::new(),
            reported_to: config.sequence,
            highest: None,
            next_feedback: now + setup.feedback.mul_f64(random.random()),
            feedbacks: 0,
            jump: Duration::ZERO,
            reports: (0, 0, now + Duration::from_secs(1)),
            arrived_since: 0,
            sent_since: 0,
            cubic: None,
            acks: VecDeque::new(),
            samples: Vec::new(),
            sample: Sample::default(),
            probes: 0,
            mutilate: false,
            random,
            setup,
        }
    }

    pub fn seconds(&self) -> f64 {
        (self.now - self.began).as_secs_f64()
    }

    pub fn set_link(&mut self, config: network::Config) {
        self.link.set_config(config);
    }

    /// Lets so many seconds pass.
    pub fn run(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while self.now < until {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now += MS;
        let now = self.now;
        self.estimator.set_wanted(now, Bitrate::bps(self.wanted as u64));
        self.produce();
        self.estimator.set_backlog(now, DataSize::bytes(self.backlog));
        if self.estimator.deadline().is_some_and(|at| at <= now) {
            self.estimator.handle_timeout(now);
        }
        self.pace();
        self.compete();
        self.receive();
        self.answer();
        while let Some(bytes) = self.back.pop(now) {
            for packet in packets(&bytes) {
                match packet {
                    Ok(Packet::TransportFeedback(feedback)) => {
                        self.estimator.handle_transport_feedback(now, &feedback);
                    }
                    Ok(Packet::BitrateEstimate(remb)) => {
                        self.estimator.handle_remb(now, remb.bitrate);
                    }
                    _ => {}
                }
            }
        }
        if (now - self.began).as_millis().is_multiple_of(10) {
            self.sample.at = self.seconds();
            self.sample.target = self.estimator.target().as_bps() as f64;
            self.samples.push(std::mem::take(&mut self.sample));
        }
    }

    fn produce(&mut self) {
        if self.now >= self.next_sound {
            self.next_sound += 20 * MS;
            self.queue.push_front(140);
            self.backlog += 140;
        }
        if self.now < self.next_frame {
            return;
        }
        self.next_frame += FRAME;
        let target = self.estimator.target().as_bps() as f64;
        let most = target - 56_000.0;
        let layer = self.layers.iter().copied().rfind(|layer| *layer <= most);
        let most = if self.layers.is_empty() { most } else { layer.unwrap_or(0.0) };
        let rate = most.min(self.wanted).min(self.content).max(0.0);
        let mut bytes =
            (rate * FRAME.as_secs_f64() / 8.0 * self.random.random_range(0.7..1.3)) as u64;
        // What does not leave within a quarter of a second is dropped, as a pacer would.
        let most = (target / 8.0 * 0.25) as u64 + PACKET;
        while bytes > 0 && self.backlog < most {
            let size = bytes.min(PACKET);
            self.queue.push_back(size.max(100));
            self.backlog += size.max(100);
            bytes -= size;
        }
    }

    fn pace(&mut self) {
        if let Some(probe) = self.estimator.probe() {
            self.probe_budget += probe.rate.as_bps() as f64 / 8_000.0;
            while self.probe_budget > 0.0 {
                let Some(probe) = self.estimator.probe() else { break };
                let size = self.queue.pop_front();
                self.backlog -= size.unwrap_or(0);
                let size = size.unwrap_or(PACKET);
                self.probe_budget -= size as f64;
                self.probes += size;
                self.send(size, Sent::Probe(probe.id));
            }
            self.paced_at = self.now;
            return;
        }
        self.probe_budget = 0.0;
        if self.now - self.paced_at < 5 * MS {
            return;
        }
        let passed = (self.now - self.paced_at).as_secs_f64();
        self.paced_at = self.now;
        let rate = self.estimator.pacing_rate().as_bps() as f64 / 8.0;
        self.budget = (self.budget + rate * passed).min(rate * 0.01);
        while self.budget > 0.0 {
            let Some(size) = self.queue.pop_front() else { break };
            self.backlog -= size;
            self.budget -= size as f64;
            self.send(size, Sent::Media);
        }
    }

    fn send(&mut self, size: u64, kind: Sent) {
        let sequence = self.estimator.sent(self.now, DataSize::bytes(size), kind);
        self.sample.sent += size;
        self.sent_since += 1;
        let item = Item::Rtp { sequence, sent: self.now, size };
        self.link.push(self.now, DataSize::bytes(size), item);
    }

    fn compete(&mut self) {
        while self.acks.front().is_some_and(|(at, _)| *at <= self.now) {
            let (at, number) = self.acks.pop_front().expect("there is one");
            if let Some(cubic) = &mut self.cubic {
                cubic.acknowledge(at, number);
            }
        }
        let Some(cubic) = &mut self.cubic else { return };
        // Two segments are answered by one acknowledgement, and sent at once.
        for _ in 0..10 {
            let Some(number) = cubic.poll(self.now) else { break };
            self.link.push(self.now, DataSize::bytes(cubic::SEGMENT), Item::Segment(number));
        }
    }

    fn receive(&mut self) {
        while let Some(at) = self.link.deadline().filter(|at| *at <= self.now) {
            match self.link.pop(self.now) {
                Some(Item::Segment(number)) => {
                    self.sample.competitor += cubic::SEGMENT;
                    self.acks.push_back((at + 25 * MS, number));
                }
                Some(Item::Rtp { sequence, sent, size }) => {
                    let waited = (at - sent).as_secs_f64() * 1e3 - 25.0;
                    self.sample.queue = self.sample.queue.max(waited);
                    let scatter = self.setup.scatter.mul_f64(self.random.random());
                    self.scattered_count += 1;
                    let key = (at + scatter, self.scattered_count);
                    self.scattered.insert(key, (sequence, sent, size));
                }
                None => break,
            }
        }
        while let Some(first) = self.scattered.first_entry().filter(|e| e.key().0 <= self.now) {
            let ((at, _), (sequence, sent, size)) = first.remove_entry();
            self.sample.arrived += size;
            self.arrived_since += 1;
            let time = match self.setup.honesty {
                Honesty::NoDelay => sent - self.began + 25 * MS,
                Honesty::Everything => {
                    // Whatever was not seen has come at the same time as this.
                    let from = self.highest.unwrap_or(sequence.wrapping_sub(1));
                    let missing = sequence.wrapping_sub(from).min(500);
                    for number in 1..missing {
                        self.unreported.insert(sequence.wrapping_sub(number), sent - self.began);
                    }
                    self.highest = Some(sequence);
                    sent - self.began
                }
                _ => at - self.began,
            };
            self.unreported.entry(sequence).or_insert(time);
        }
    }

    fn answer(&mut self) {
        if self.setup.honesty == Honesty::Remb {
            return self.report();
        }
        if self.now < self.next_feedback {
            return;
        }
        self.next_feedback += self.setup.feedback;
        let reported_to = self.reported_to;
        let mut order: Vec<(i16, u16)> = Vec::new();
        for sequence in self.unreported.keys() {
            order.push((sequence.wrapping_sub(reported_to).cast_signed(), *sequence));
        }
        order.sort_unstable();
        let Some((first, _)) = order.first().copied() else { return };
        let Some((last, newest)) = order.last().copied() else { return };
        let first = first.min(0);
        let base = reported_to.wrapping_add_signed(first);
        let mut arrivals = vec![None; usize::try_from(last - first).expect("sorted") + 1];
        for (place, sequence) in order {
            let place = usize::try_from(place - first).expect("sorted");
            let time = self.unreported.remove(&sequence);
            arrivals[place] = time.map(|time| time + self.jump + Duration::from_secs(3_000));
        }
        if last >= 0 {
            self.reported_to = newest.wrapping_add(1);
        }
        let mut base = base;
        let mut rest = &arrivals[..];
        while rest.iter().any(Option::is_some) {
            let header = FeedbackHeader {
                sender: Ssrc(1),
                media: Ssrc(2),
                base_sequence: base,
                feedback_count: self.feedbacks,
            };
            self.feedbacks = self.feedbacks.wrapping_add(1);
            let mut bytes = vec![0; 1_400];
            let mut writer = Writer::new(&mut bytes);
            let count = writer.transport_feedback(&header, rest).expect("some arrived");
            let len = writer.len();
            bytes.truncate(len);
            rest = &rest[count..];
            base = base.wrapping_add(count as u16);
            if self.mutilate && self.random.random_bool(0.2) {
                let place = self.random.random_range(8..len);
                bytes[place] ^= 1 << self.random.random_range(0..8);
            }
            self.back.push(self.now, DataSize::bytes(len as u64), bytes);
        }
    }

    /// What a client without transport-wide feedback says, once a second.
    fn report(&mut self) {
        self.unreported.clear();
        if self.now < self.reports.2 {
            return;
        }
        self.reports.2 += Duration::from_secs(1);
        let sent = std::mem::take(&mut self.sent_since);
        let arrived = std::mem::take(&mut self.arrived_since);
        let lost = 1.0 - arrived as f64 / sent.max(1) as f64;
        self.estimator.handle_report(self.now, lost, sent as u32);
        let rate = self.setup.link.rate.map_or(1e7, |rate| rate.as_bps() as f64);
        let bytes_rate =
            (self.samples.iter().rev().take(100).map(|s| s.arrived).sum::<u64>() * 8) as f64;
        let remb = (0.95 * rate).min(1.5 * bytes_rate + 100_000.0);
        let mut bytes = vec![0; 100];
        let mut writer = Writer::new(&mut bytes);
        writer.bitrate_estimate(Ssrc(1), Bitrate::bps(remb as u64), &[Ssrc(2)]).expect("room");
        let len = writer.len();
        bytes.truncate(len);
        self.back.push(self.now, DataSize::bytes(len as u64), bytes);
    }

    /// The samples of a span of time, in seconds.
    pub fn span(&self, from: f64, to: f64) -> &[Sample] {
        let place = |at: f64| self.samples.partition_point(|sample| sample.at <= at);
        &self.samples[place(from)..place(to)]
    }
}

/// Mean of a number over samples.
pub fn mean(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    samples.iter().map(of).sum::<f64>() / samples.len().max(1) as f64
}
