//! Frames into RTP packets, as browsers send them.

use crate::clip::{Frame, nal_units};
use lectern_control::TrackId;
use lectern_control::media::CodecName;
use lectern_control::relay::{Content, Record};

/// Bytes of a payload: what browsers send in one packet.
const PAYLOAD_BYTES: usize = 1_170;
/// NAL units up to this size go together into one packet.
const SMALL_BYTES: usize = 400;
/// H.264 (RFC 6184): several units in one packet, a part of one unit.
const STAP_A: u8 = 0x78;
const FU_A: u8 = 28;
/// NAL unit types: additional information and parameter sets.
const INFORMATION: u8 = 6;
const SEQUENCE: u8 = 7;
const PICTURE: u8 = 8;
const PAYLOAD_TYPE: u8 = 96;
const MARKER: u8 = 0x80;

/// A stream of packets with running numbers.
#[derive(Debug, Clone)]
pub struct Stream {
    /// The track.
    pub track: TrackId,
    /// Which life of it.
    pub stream: u32,
    /// The codec.
    pub codec: CodecName,
    first_rtp: u32,
    number: u64,
    picture: u16,
}

/// A packet of it.
#[derive(Debug, Clone)]
pub struct Packet {
    number: u64,
    keyframe: bool,
    rtp: Vec<u8>,
}

impl Stream {
    /// A stream whose numbers begin somewhere.
    pub fn new(
        track: TrackId,
        stream: u32,
        codec: CodecName,
        random: &mut fastrand::Rng,
    ) -> Stream {
        let (first_rtp, number) = (random.u32(..), u64::from(random.u16(..)));
        Stream { track, stream, codec, first_rtp, number, picture: random.u16(..) }
    }

    /// What the stream's clock shows so many ticks after its beginning.
    pub fn rtp_at(&self, ticks: u64) -> u32 {
        self.first_rtp.wrapping_add(ticks as u32)
    }

    /// The packets of a frame that was taken so many ticks after the beginning.
    pub fn packets(&mut self, frame: &Frame, ticks: u64) -> Vec<Packet> {
        self.picture = self.picture.wrapping_add(1);
        let payloads = match self.codec {
            CodecName::H264 => h264(&frame.data),
            CodecName::Vp8 => vp8(&frame.data, self.picture),
            _ => vec![frame.data.clone()],
        };
        let last = payloads.len().saturating_sub(1);
        let video = self.codec != CodecName::Opus;
        let rtp = self.rtp_at(ticks);
        let packet = |(index, payload): (usize, Vec<u8>)| {
            let marker = if video && index == last { MARKER } else { 0 };
            let number = self.number;
            self.number += 1;
            let mut bytes = vec![0x80, marker | PAYLOAD_TYPE];
            bytes.extend((number as u16).to_be_bytes());
            bytes.extend(rtp.to_be_bytes());
            bytes.extend(self.stream.to_be_bytes());
            bytes.extend(payload);
            Packet { number, keyframe: frame.keyframe && index == 0, rtp: bytes }
        };
        payloads.into_iter().enumerate().map(packet).collect()
    }

    /// A packet as a node hands it on; `level` is how loud it is, in -dBov.
    pub fn record<'p>(&self, packet: &'p Packet, unix_us: u64, level: Option<u8>) -> Record<'p> {
        let content = Content::Packet {
            number: packet.number,
            codec: self.codec,
            keyframe: packet.keyframe && self.codec != CodecName::Opus,
            quarter_turns: 0,
            level,
            rtp: &packet.rtp,
        };
        Record { track: self.track, stream: self.stream, arrival_unix_us: unix_us, content }
    }

    /// A sender report: `ntp` is the moment so many ticks after the beginning.
    pub fn report(&self, ticks: u64, ntp: u64, unix_us: u64) -> Record<'static> {
        let content = Content::Report { ntp, rtp: self.rtp_at(ticks) };
        Record { track: self.track, stream: self.stream, arrival_unix_us: unix_us, content }
    }
}

/// Microseconds since 1970 in the 64 bits of NTP (RFC 5905).
pub fn ntp_of(unix_us: u64) -> u64 {
    let seconds = unix_us / 1_000_000 + 2_208_988_800;
    let fraction = (u128::from(unix_us % 1_000_000) << 32) / 1_000_000;
    seconds << 32 | fraction as u64
}

/// With a picture id of 15 bits (RFC 7741 section 4.2).
fn vp8(data: &[u8], picture: u16) -> Vec<Vec<u8>> {
    let [high, low] = (picture | 0x8000).to_be_bytes();
    let payload = |(piece, data): (usize, &[u8])| {
        let first = if piece == 0 { 0x90 } else { 0x80 };
        [&[first, 0x80, high, low], data].concat()
    };
    data.chunks(PAYLOAD_BYTES).enumerate().map(payload).collect()
}

/// Parameter sets together, then slices, whole or in parts (RFC 6184).
fn h264(data: &[u8]) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let mut together = vec![STAP_A];
    for unit in nal_units(data) {
        let Some((first, rest)) = unit.split_first() else { continue };
        match first & 0x1f {
            INFORMATION => continue,
            SEQUENCE | PICTURE if unit.len() <= SMALL_BYTES => {
                together.extend((unit.len() as u16).to_be_bytes());
                together.extend_from_slice(unit);
                continue;
            }
            _ => {}
        }
        if together.len() > 1 {
            payloads.push(std::mem::replace(&mut together, vec![STAP_A]));
        }
        if unit.len() <= PAYLOAD_BYTES {
            payloads.push(unit.to_vec());
            continue;
        }
        let last = rest.len().div_ceil(PAYLOAD_BYTES) - 1;
        for (piece, part) in rest.chunks(PAYLOAD_BYTES).enumerate() {
            let starts = if piece == 0 { 0x80 } else { 0 };
            let ends = if piece == last { 0x40 } else { 0 };
            let header = [first & 0xe0 | FU_A, starts | ends | first & 0x1f];
            payloads.push([&header, part].concat());
        }
    }
    payloads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_units_go_in_parts_and_parameter_sets_together() {
        let data = [&[0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65][..], &[9; 2_000]].concat();
        let payloads = h264(&data);
        assert_eq!(payloads[0], [STAP_A, 0, 2, 0x67, 1, 0, 2, 0x68, 2]);
        let parts: Vec<&[u8]> = payloads[1..].iter().map(|payload| &payload[..2]).collect();
        assert_eq!(parts, [&[0x7c, 0x85][..], &[0x7c, 0x45]]);
    }

    #[test]
    fn numbers_and_times_go_on() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut stream = Stream::new(TrackId(1), 1, CodecName::Vp8, &mut random);
        let frame = Frame { data: vec![0; 3_000], keyframe: true };
        let packets = [stream.packets(&frame, 0), stream.packets(&frame, 3_000)].concat();
        assert_eq!(packets.len(), 6);
        assert!(packets.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
        let keyframes = packets.iter().map(|packet| packet.keyframe);
        assert_eq!(keyframes.collect::<Vec<_>>(), [true, false, false, true, false, false]);
    }
}
