//! A publisher's track: frames in virtual time, each packet stamped, one or more encodings.

use crate::client::Outgoing;
use crate::frame::{self, Codec, Numbers, Stamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

/// How loud sound is, in decibels below overload.
const USUAL_LEVEL: u8 = 20;

/// What a source is made from.
#[derive(Debug, Clone)]
pub struct Config {
    /// Stands in every stamp.
    pub track: u8,
    /// How it is packed.
    pub codec: Codec,
    /// The m-line it is sent on.
    pub mid: String,
    /// Stands in every stamp until the source begins anew.
    pub incarnation: u8,
    /// From frame to frame.
    pub interval: Duration,
    /// Bytes of a full packet's payload.
    pub payload_len: usize,
    /// Its encodings, lowest quality first.
    pub encodings: Vec<EncodingConfig>,
}

/// One encoding of a track.
#[derive(Debug, Clone)]
pub struct EncodingConfig {
    /// Its stream.
    pub ssrc: u32,
    /// The stream of its retransmissions.
    pub rtx: Option<u32>,
    /// Its rid.
    pub rid: Option<String>,
    /// The first packet's sequence number.
    pub first_sequence: u16,
    /// The first packet's timestamp.
    pub first_timestamp: u32,
    /// Most packets of an ordinary frame; a keyframe has three to five times as many.
    pub max_packets: u8,
}

/// A track that is being published.
#[derive(Debug)]
pub struct Source {
    config: Config,
    random: StdRng,
    incarnation: u8,
    frame: u32,
    next_at: Instant,
    encodings: Vec<Encoding>,
    sent: u64,
    below_overload_db: u8,
}

#[derive(Debug)]
struct Encoding {
    config: EncodingConfig,
    sequence: u64,
    picture_id: u16,
    tl0_picture_index: u8,
    wants_keyframe: bool,
    is_live: bool,
}

impl Encoding {
    fn new(config: EncodingConfig, random: &mut StdRng) -> Encoding {
        Encoding {
            sequence: u64::from(config.first_sequence),
            config,
            picture_id: random.random(),
            tl0_picture_index: random.random(),
            wants_keyframe: true,
            is_live: true,
        }
    }
}

impl Source {
    /// A source whose first frame, a keyframe, is due at `now`.
    pub fn new(now: Instant, config: Config, seed: u64) -> Source {
        let mut random = StdRng::seed_from_u64(seed);
        let encodings =
            config.encodings.iter().map(|e| Encoding::new(e.clone(), &mut random)).collect();
        let incarnation = config.incarnation;
        let (frame, next_at, sent, below_overload_db) = (0, now, 0, USUAL_LEVEL);
        Source { config, random, incarnation, frame, next_at, encodings, sent, below_overload_db }
    }

    /// What it was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// When the next frame is due.
    pub fn deadline(&self) -> Instant {
        self.next_at
    }

    /// Packets made so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The number of the next frame, and of its incarnation.
    pub fn next_frame(&self) -> (u8, u32) {
        (self.incarnation, self.frame)
    }

    /// The next frame of an encoding will be a keyframe; of all encodings without a rid.
    pub fn request_keyframe(&mut self, rid: Option<&str>) {
        for encoding in &mut self.encodings {
            let is_meant = rid.is_none() || encoding.config.rid.as_deref() == rid;
            encoding.wants_keyframe |= is_meant;
        }
    }

    /// Sends an encoding, or does not; it comes back with a keyframe.
    pub fn set_live(&mut self, encoding: usize, is_live: bool) {
        let encoding = &mut self.encodings[encoding];
        encoding.wants_keyframe |= is_live && !encoding.is_live;
        encoding.is_live = is_live;
    }

    /// How loud sound is from now on, in decibels below overload.
    pub fn set_level(&mut self, below_overload_db: u8) {
        self.below_overload_db = below_overload_db;
    }

    /// Leaves out sequence numbers, as a sender does that was suspended.
    pub fn skip_sequences(&mut self, count: u64) {
        for encoding in &mut self.encodings {
            encoding.sequence += count;
        }
    }

    /// Sends nothing until `now + pause`. The timestamps go on with the clock.
    pub fn pause(&mut self, pause: Duration) {
        let frames = pause.as_nanos() / self.config.interval.as_nanos().max(1);
        let frames = u32::try_from(frames).unwrap_or(u32::MAX).max(1);
        self.frame += frames;
        self.next_at += self.config.interval * frames;
    }

    /// Begins anew under other SSRCs, sequence numbers, timestamps and picture ids.
    pub fn restart(&mut self, encodings: Vec<EncodingConfig>) {
        self.incarnation += 1;
        self.frame = 0;
        let random = &mut self.random;
        self.encodings = encodings.iter().map(|e| Encoding::new(e.clone(), random)).collect();
        self.config.encodings = encodings;
    }

    /// The packets of all frames that are due.
    pub fn produce(&mut self, now: Instant) -> Vec<Outgoing> {
        let mut packets = Vec::new();
        while self.next_at <= now {
            for index in 0..self.encodings.len() {
                self.produce_frame(index, &mut packets);
            }
            self.frame += 1;
            self.next_at += self.config.interval;
        }
        self.sent += packets.len() as u64;
        packets
    }

    fn produce_frame(&mut self, index: usize, packets: &mut Vec<Outgoing>) {
        let codec = self.config.codec;
        let encoding = &mut self.encodings[index];
        if !encoding.is_live {
            return;
        }
        let is_key = codec.is_video() && std::mem::take(&mut encoding.wants_keyframe);
        let most = encoding.config.max_packets.max(1);
        let count = match (codec.is_video(), is_key) {
            (false, _) => 1,
            (true, false) => self.random.random_range(1..=most),
            (true, true) => self.random.random_range(3 * most..=5 * most),
        };
        encoding.picture_id = (encoding.picture_id + 1) & 0x7fff;
        encoding.tl0_picture_index = encoding.tl0_picture_index.wrapping_add(1);
        let numbers = Numbers {
            picture_id: encoding.picture_id,
            tl0_picture_index: encoding.tl0_picture_index,
        };
        let ticks = u128::from(codec.clock_rate())
            * (self.config.interval * self.frame).as_micros()
            / 1_000_000;
        for packet in 0..count {
            let stamp = Stamp {
                track: self.config.track,
                incarnation: self.incarnation,
                frame: self.frame,
                encoding: index as u8,
                index: packet,
                count,
                is_key,
            };
            let len = if stamp.is_last() {
                self.random.random_range(self.config.payload_len / 8..=self.config.payload_len)
            } else {
                self.config.payload_len
            };
            packets.push(Outgoing {
                ssrc: encoding.config.ssrc,
                codec,
                sequence: encoding.sequence,
                timestamp: encoding.config.first_timestamp.wrapping_add(ticks as u32),
                marker: codec.is_video() && stamp.is_last(),
                below_overload_db: (!codec.is_video()).then_some(self.below_overload_db),
                payload: frame::encode(codec, &stamp, numbers, len),
            });
            encoding.sequence += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(codec: Codec) -> (Instant, Source) {
        let now = Instant::now();
        let encoding = |ssrc, rid: &str| EncodingConfig {
            ssrc,
            rtx: None,
            rid: Some(rid.to_owned()),
            first_sequence: 65_530,
            first_timestamp: u32::MAX,
            max_packets: 3,
        };
        let config = Config {
            track: 1,
            codec,
            mid: "v".to_owned(),
            incarnation: 0,
            interval: Duration::from_millis(20),
            payload_len: 1_000,
            encodings: vec![encoding(1, "q"), encoding(2, "f")],
        };
        (now, Source::new(now, config, 1))
    }

    #[test]
    fn frames_come_in_their_time_and_numbers_go_on() {
        let (now, mut source) = source(Codec::Vp8);
        let packets = source.produce(now + Duration::from_millis(199));
        for ssrc in [1, 2] {
            let mine: Vec<_> = packets.iter().filter(|packet| packet.ssrc == ssrc).collect();
            assert_eq!(mine.iter().filter(|packet| packet.marker).count(), 10);
            assert!(mine.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence));
            let last = mine.last().expect("some").timestamp;
            assert_eq!(last, u32::MAX.wrapping_add(9 * 1_800));
        }
        assert_eq!(source.sent(), packets.len() as u64);
    }

    #[test]
    fn keyframes_come_first_and_on_request() {
        let (now, mut source) = source(Codec::H264);
        let keyframes = |packets: Vec<Outgoing>| -> Vec<u32> {
            let stamps = packets.iter().map(|packet| {
                let payload = frame::decode(Codec::H264, &packet.payload).expect("whole");
                (packet.ssrc, payload.stamp.starts_keyframe())
            });
            stamps.filter(|(_, starts)| *starts).map(|(ssrc, _)| ssrc).collect()
        };
        assert_eq!(keyframes(source.produce(now)), [1, 2]);
        let mut at = now;
        let mut next = || {
            at += Duration::from_millis(20);
            at
        };
        assert_eq!(keyframes(source.produce(next())), [0; 0]);
        source.request_keyframe(Some("f"));
        assert_eq!(keyframes(source.produce(next())), [2]);
        source.set_live(0, false);
        assert!(source.produce(next()).iter().all(|packet| packet.ssrc == 2));
        source.set_live(0, true);
        assert_eq!(keyframes(source.produce(next())), [1]);
    }
}
