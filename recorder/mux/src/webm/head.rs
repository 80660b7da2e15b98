//! What stands before the clusters of a WebM file (RFC 9559 section 5), and where it is written over.

use super::ebml::{UNKNOWN_SIZE, bytes, float, id, nest, unsigned, void};
use crate::error::Error;
use crate::unit::Unit;
use lectern_control::media::CodecName;

/// Element ids (RFC 9559 section 27).
pub mod element {
    pub const EBML: u32 = 0x1a45_dfa3;
    pub const SEGMENT: u32 = 0x1853_8067;
    pub const SEEK_HEAD: u32 = 0x114d_9b74;
    pub const INFO: u32 = 0x1549_a966;
    pub const TRACKS: u32 = 0x1654_ae6b;
    pub const CLUSTER: u32 = 0x1f43_b675;
    pub const TIMESTAMP: u32 = 0xe7;
    pub const SIMPLE_BLOCK: u32 = 0xa3;
    pub const CUES: u32 = 0x1c53_bb6b;
    pub const CUE_POINT: u32 = 0xbb;
    pub const CUE_TIME: u32 = 0xb3;
    pub const CUE_TRACK_POSITIONS: u32 = 0xb7;
    pub const CUE_TRACK: u32 = 0xf7;
    pub const CUE_CLUSTER_POSITION: u32 = 0xf1;
}

const SEEK: u32 = 0x4dbb;
const SEEK_ID: u32 = 0x53ab;
const SEEK_POSITION: u32 = 0x53ac;
const DURATION: u32 = 0x4489;
const APPLICATION: &[u8] = b"Lectern";
/// Opus decoders need this long to converge (RFC 7845 section 4.6).
const OPUS_PREROLL_NS: u64 = 80_000_000;

/// Places in the file that are written over in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The segment's size, eight bytes.
    pub segment_size: u64,
    /// The first byte inside of the segment: positions count from here.
    pub segment: u64,
    /// Space for [`duration`].
    pub duration: u64,
    /// Space for [`seek_to_cues`].
    pub cues: u64,
}

/// The head of a file that begins with this frame.
pub fn head(first: &Unit) -> Result<(Vec<u8>, Places), Error> {
    let mut out = Vec::new();
    nest(&mut out, element::EBML, |out| {
        unsigned(out, 0x4286, 1);
        unsigned(out, 0x42f7, 1);
        unsigned(out, 0x42f2, 4);
        unsigned(out, 0x42f3, 8);
        bytes(out, 0x4282, b"webm");
        unsigned(out, 0x4287, 4);
        unsigned(out, 0x4285, 2);
    });
    id(&mut out, element::SEGMENT);
    let segment_size = out.len() as u64;
    out.extend_from_slice(&UNKNOWN_SIZE);
    let segment = out.len() as u64;
    let mut info = Vec::new();
    nest(&mut info, element::INFO, |out| {
        unsigned(out, 0x2a_d7b1, 1_000_000);
        bytes(out, 0x4d80, APPLICATION);
        bytes(out, 0x5741, APPLICATION);
        void(out, &duration(0.0));
    });
    let mut tracks = Vec::new();
    let entry = track_entry(first)?;
    nest(&mut tracks, element::TRACKS, |out| bytes(out, 0xae, &entry));
    let seek_len = seek_head(0, 0).len() as u64;
    let tracks_at = seek_len.saturating_add(info.len() as u64);
    out.extend(seek_head(seek_len, tracks_at));
    let cues = out.len().saturating_sub(seek_to_cues(0).len()) as u64;
    out.extend(info);
    let duration = out.len().saturating_sub(duration(0.0).len()) as u64;
    out.extend(tracks);
    Ok((out, Places { segment_size, segment, duration, cues }))
}

/// How long the file plays, in milliseconds.
pub fn duration(ms: f64) -> Vec<u8> {
    let mut out = Vec::new();
    float(&mut out, DURATION, ms);
    out
}

/// Where the index is, which is written last.
pub fn seek_to_cues(at: u64) -> Vec<u8> {
    seek(element::CUES, at)
}

/// Where things are, with space for where the index is.
fn seek_head(info_at: u64, tracks_at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    nest(&mut out, element::SEEK_HEAD, |out| {
        out.extend(seek(element::INFO, info_at));
        out.extend(seek(element::TRACKS, tracks_at));
        void(out, &seek_to_cues(0));
    });
    out
}

fn seek(kind: u32, at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    nest(&mut out, SEEK, |out| {
        bytes(out, SEEK_ID, &kind.to_be_bytes());
        bytes(out, SEEK_POSITION, &at.to_be_bytes());
    });
    out
}

fn track_entry(first: &Unit) -> Result<Vec<u8>, Error> {
    let codec: &[u8] = match first.codec {
        CodecName::Vp8 => b"V_VP8",
        CodecName::Vp9 => b"V_VP9",
        CodecName::Opus => b"A_OPUS",
        CodecName::H264 | CodecName::Av1 | CodecName::Red => return Err(Error::Codec),
    };
    let mut out = Vec::new();
    unsigned(&mut out, 0xd7, 1);
    unsigned(&mut out, 0x73c5, 1);
    unsigned(&mut out, 0x9c, 0);
    bytes(&mut out, 0x22_b59c, b"und");
    bytes(&mut out, 0x86, codec);
    if first.codec == CodecName::Opus {
        unsigned(&mut out, 0x83, 2);
        unsigned(&mut out, 0x56bb, OPUS_PREROLL_NS);
        bytes(&mut out, 0x63a2, &opus_head());
        nest(&mut out, 0xe1, |out| {
            float(out, 0xb5, 48_000.0);
            unsigned(out, 0x9f, 2);
        });
        return Ok(out);
    }
    let size = first.size.ok_or(Error::NotAKeyframe)?;
    unsigned(&mut out, 0x83, 1);
    nest(&mut out, 0xe0, |out| {
        unsigned(out, 0xb0, u64::from(size.width));
        unsigned(out, 0xba, u64::from(size.height));
        if first.quarter_turns & 3 != 0 {
            nest(out, 0x7670, |out| {
                unsigned(out, 0x7671, 0);
                float(out, 0x7675, roll(first.quarter_turns));
            });
        }
    });
    Ok(out)
}

/// ProjectionPoseRoll counts against the clock (RFC 9559 section 5.1.4.1.28.46).
fn roll(quarter_turns: u8) -> f64 {
    match quarter_turns & 3 {
        1 => -90.0,
        2 => 180.0,
        3 => 90.0,
        _ => 0.0,
    }
}

/// RFC 7845 section 5.1: two channels, no samples to skip, 48 kHz, no gain.
fn opus_head() -> [u8; 19] {
    let mut head = *b"OpusHead\x01\x02\0\0\0\0\0\0\0\0\0";
    if let Some(rate) = head.get_mut(12..16) {
        rate.copy_from_slice(&48_000u32.to_le_bytes());
    }
    head
}
