//! Payloads whose bytes tell what they are: a stamp, filling that follows from it, and a checksum,
//! behind the descriptor of a real codec. The descriptors are read back with `lectern-wire`.

use lectern_wire::{h264, opus, vp8, vp9};

/// The codecs that sources send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Opus, 20 ms a packet.
    Opus,
    /// VP8 with a picture id of 15 bits and one temporal layer.
    Vp8,
    /// VP9 in the non-flexible mode, likewise.
    Vp9,
    /// H.264 in packetization mode 1.
    H264,
}

impl Codec {
    /// Whether it carries pictures.
    pub fn is_video(self) -> bool {
        self != Codec::Opus
    }

    /// Ticks of the RTP clock a second.
    pub fn clock_rate(self) -> u32 {
        if self.is_video() { 90_000 } else { 48_000 }
    }

    /// Whether its descriptor numbers the pictures.
    pub fn has_picture_id(self) -> bool {
        matches!(self, Codec::Vp8 | Codec::Vp9)
    }
}

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The track.
    pub track: u8,
    /// How often its publisher had begun anew.
    pub incarnation: u8,
    /// The frame, counted from 0 in each incarnation, the same for all encodings.
    pub frame: u32,
    /// The encoding.
    pub encoding: u8,
    /// The packet within the frame.
    pub index: u8,
    /// Packets of the frame.
    pub count: u8,
    /// The frame depends on no other.
    pub is_key: bool,
}

impl Stamp {
    /// Whether it is the frame's last packet.
    pub fn is_last(&self) -> bool {
        self.index + 1 == self.count
    }

    /// Whether it is the first packet of a keyframe.
    pub fn starts_keyframe(&self) -> bool {
        self.is_key && self.index == 0
    }
}

/// What a codec's descriptor says beside the stamp; the forwarder rewrites it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// 15 bits.
    pub picture_id: u16,
    /// Counts frames of the lowest temporal layer.
    pub tl0_picture_index: u8,
}

/// A payload that was read and found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// What it is.
    pub stamp: Stamp,
    /// What its descriptor says; zero for codecs without.
    pub numbers: Numbers,
}

/// Bytes of stamp, filling's length and checksum.
const FIXED_LEN: usize = 12 + 4;

/// A payload of about `len` bytes.
pub fn encode(codec: Codec, stamp: &Stamp, numbers: Numbers, len: usize) -> Vec<u8> {
    let mut payload = descriptor(codec, stamp, numbers);
    let filling = len.saturating_sub(payload.len() + FIXED_LEN).min(usize::from(u16::MAX)) as u16;
    let start = payload.len();
    payload.extend([stamp.track, stamp.incarnation, stamp.encoding, u8::from(stamp.is_key)]);
    payload.extend(stamp.frame.to_be_bytes());
    payload.extend([stamp.index, stamp.count]);
    payload.extend(filling.to_be_bytes());
    let seed = checksum(&payload[start..]);
    payload.extend((0..filling).map(|at| (seed >> (at % 4 * 8)) as u8 ^ at as u8));
    let sum = checksum(&payload[start..]);
    payload.extend(sum.to_be_bytes());
    if starts_with_parameters(codec, stamp) {
        let unit = (payload.len() - start + 1) as u16;
        payload[1..3].copy_from_slice(&unit.to_be_bytes());
        payload.extend([0, 2, PICTURE_PARAMETERS, 0xce]);
    }
    payload
}

const SEQUENCE_PARAMETERS: u8 = 0x67;
const PICTURE_PARAMETERS: u8 = 0x68;
const IDR_SLICE: u8 = 0x65;
const SLICE: u8 = 0x41;
const STAP_A: u8 = 0x78;
const FU_A: u8 = 28;
/// Width and height of every keyframe.
const SIZE: (u16, u16) = (640, 360);

/// An H.264 keyframe begins with an aggregate of parameter sets; the stamp lies in the first.
fn starts_with_parameters(codec: Codec, stamp: &Stamp) -> bool {
    codec == Codec::H264 && stamp.starts_keyframe() && stamp.count > 1
}

fn descriptor(codec: Codec, stamp: &Stamp, numbers: Numbers) -> Vec<u8> {
    let [high, low] = numbers.picture_id.to_be_bytes();
    let tl0 = numbers.tl0_picture_index;
    match codec {
        Codec::Opus => vec![0x78],
        Codec::Vp8 => {
            let start = if stamp.index == 0 { 0x10 } else { 0 };
            let mut bytes = vec![0x80 | start, 0xe0, 0x80 | high, low, tl0, 0x00];
            match (stamp.index, stamp.is_key) {
                (0, true) => {
                    bytes.extend([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a]);
                    bytes.extend([SIZE.0.to_le_bytes(), SIZE.1.to_le_bytes()].concat());
                }
                (0, false) => bytes.extend([0x11, 0x02, 0x00]),
                _ => {}
            }
            bytes
        }
        Codec::Vp9 => {
            let inter = if stamp.is_key { 0 } else { 0x40 };
            let begins = if stamp.index == 0 { 0x08 } else { 0 };
            let ends = if stamp.is_last() { 0x04 } else { 0 };
            let structure = if stamp.starts_keyframe() { 0x02 } else { 0 };
            let flags = 0x80 | inter | 0x20 | begins | ends | structure;
            let mut bytes = vec![flags, 0x80 | high, low, 0x00, tl0];
            if structure != 0 {
                bytes.push(0x10);
                bytes.extend([SIZE.0.to_be_bytes(), SIZE.1.to_be_bytes()].concat());
            }
            bytes
        }
        Codec::H264 => h264_descriptor(stamp),
    }
}

fn h264_descriptor(stamp: &Stamp) -> Vec<u8> {
    let slice = if stamp.is_key { IDR_SLICE } else { SLICE };
    if starts_with_parameters(Codec::H264, stamp) {
        return vec![STAP_A, 0, 0, SEQUENCE_PARAMETERS];
    }
    // The packets of the slice itself: of a keyframe all but the parameters.
    let first = u8::from(stamp.is_key && stamp.count > 1);
    if stamp.count == first + 1 {
        return vec![slice];
    }
    let start = if stamp.index == first { 0x80 } else { 0 };
    let end = if stamp.is_last() { 0x40 } else { 0 };
    vec![slice & 0xe0 | FU_A, start | end | slice & 0x1f]
}

/// Reads a payload back. Says what is wrong where it is not as [`encode`] made it.
pub fn decode(codec: Codec, payload: &[u8]) -> Result<Payload, String> {
    let (len, numbers, starts_keyframe) = read_descriptor(codec, payload)?;
    let stamp = read_body(payload.get(len..).ok_or("no body")?)?;
    if starts_keyframe.is_some_and(|starts| starts != stamp.starts_keyframe()) {
        return Err(format!("the descriptor does not fit {stamp:?}"));
    }
    let expected = descriptor(codec, &stamp, numbers);
    let same = if starts_with_parameters(codec, &stamp) {
        payload[0] == STAP_A && payload[3] == SEQUENCE_PARAMETERS
    } else {
        payload.starts_with(&expected)
    };
    if !same {
        return Err(format!("the descriptor was changed: {:02x?}", &payload[..expected.len()]));
    }
    Ok(Payload { stamp, numbers })
}

/// Where the body begins, the descriptor's numbers, and whether it says that a keyframe begins.
fn read_descriptor(codec: Codec, payload: &[u8]) -> Result<(usize, Numbers, Option<bool>), String> {
    let broken = |error| format!("no descriptor: {error}");
    match codec {
        Codec::Opus => {
            opus::Toc::parse(payload).map_err(broken)?;
            Ok((1, Numbers::default(), None))
        }
        Codec::Vp8 => {
            let read = vp8::Descriptor::parse(payload).map_err(broken)?;
            let numbers = Numbers {
                picture_id: read.picture_id.ok_or("no picture id")?.value(),
                tl0_picture_index: read.tl0_picture_index.ok_or("no TL0PICIDX")?,
            };
            let frame_header = match (read.starts_frame, read.starts_keyframe) {
                (true, true) => 10,
                (true, false) => 3,
                (false, _) => 0,
            };
            Ok((read.len + frame_header, numbers, Some(read.starts_keyframe)))
        }
        Codec::Vp9 => {
            let read = vp9::Descriptor::parse(payload).map_err(broken)?;
            let layer = read.layer.ok_or("no layer")?;
            let numbers = Numbers {
                picture_id: read.picture_id.ok_or("no picture id")?.value(),
                tl0_picture_index: layer.tl0_picture_index.ok_or("no TL0PICIDX")?,
            };
            Ok((read.len, numbers, Some(read.starts_keyframe())))
        }
        Codec::H264 => {
            let read = h264::Payload::parse(payload).map_err(broken)?;
            let len = match payload.first().map(|first| first & 0x1f) {
                Some(24) => 4,
                Some(FU_A) => 2,
                _ => 1,
            };
            Ok((len, Numbers::default(), (len != 1).then_some(read.starts_keyframe())))
        }
    }
}

fn read_body(body: &[u8]) -> Result<Stamp, String> {
    let fixed: &[u8; 12] = body.first_chunk().ok_or("no stamp")?;
    let [track, incarnation, encoding, is_key, f0, f1, f2, f3, index, count, l0, l1] = *fixed;
    let len = fixed.len() + usize::from(u16::from_be_bytes([l0, l1]));
    let sum = body.get(len..len + 4).ok_or("the filling was cut")?;
    if checksum(&body[..len]).to_be_bytes() != sum {
        return Err("the checksum is wrong".to_owned());
    }
    let frame = u32::from_be_bytes([f0, f1, f2, f3]);
    Ok(Stamp { track, incarnation, frame, encoding, index, count, is_key: is_key != 0 })
}

/// FNV-1a with 32 bits.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODECS: [Codec; 4] = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264];

    fn every_packet() -> impl Iterator<Item = (Codec, Stamp)> {
        let shapes = [(true, 1), (true, 2), (true, 5), (false, 1), (false, 3)];
        CODECS.into_iter().flat_map(move |codec| {
            shapes.into_iter().flat_map(move |(is_key, count)| {
                (0..count).map(move |index| {
                    let is_key = is_key && codec.is_video();
                    let (track, incarnation, encoding, frame) = (1, 2, 3, 70_000);
                    (codec, Stamp { track, incarnation, frame, encoding, index, count, is_key })
                })
            })
        })
    }

    #[test]
    fn every_packet_reads_back() {
        for (codec, stamp) in every_packet() {
            let numbers = if codec.has_picture_id() {
                Numbers { picture_id: 0x7abc, tl0_picture_index: 9 }
            } else {
                Numbers::default()
            };
            for len in [0, 100, 1_100] {
                let payload = encode(codec, &stamp, numbers, len);
                assert!(payload.len() <= len.max(60) + 6, "{codec:?}: {} bytes", payload.len());
                assert_eq!(decode(codec, &payload), Ok(Payload { stamp, numbers }), "{codec:?}");
            }
        }
    }

    #[test]
    fn every_changed_byte_is_noticed_except_the_numbers_that_are_rewritten() {
        for (codec, stamp) in every_packet() {
            let whole = encode(codec, &stamp, Numbers::default(), 80);
            let read = decode(codec, &whole).expect("whole");
            for at in 0..whole.len() {
                let mut payload = whole.clone();
                payload[at] ^= 0x01;
                match decode(codec, &payload) {
                    Err(_) => {}
                    Ok(changed) if changed.numbers != read.numbers => {}
                    // The second parameter set, and what no decoder looks at.
                    Ok(_) => {
                        assert!(codec == Codec::H264 && stamp.starts_keyframe(), "{codec:?} {at}")
                    }
                }
            }
        }
    }
}
