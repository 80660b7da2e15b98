//! Writes one track as a stream: lengths are known before what they measure, and nothing is gone back
//! to. Each frame has a cluster of its own, so times may lie any distance apart.

use crate::matroska::id;
use lectern_control::media::CodecName;
use lectern_mux::Size;

/// What the one track holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Encoded pictures.
    Video(CodecName, Size),
    /// Packets of Opus.
    Opus,
    /// Pictures in planar YUV 4:2:0.
    Raw(Size),
}

/// Writes a stream, times in milliseconds.
#[derive(Debug)]
pub struct Writer {
    buffer: Vec<u8>,
}

/// A length that is not known: until the end.
const UNKNOWN: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const TICK_NS: u64 = 1_000_000;
/// The head of a cluster with one block, in which the block's length and the time are variable.
const MAX_HEAD_BYTES: usize = 48;

impl Writer {
    /// Begins a stream: the first call of [`Writer::take`] gives its head.
    pub fn new(content: Content) -> Writer {
        let mut buffer = Vec::new();
        element(&mut buffer, id::EBML, &ebml());
        put_id(&mut buffer, id::SEGMENT);
        buffer.extend_from_slice(&UNKNOWN);
        let mut info = Vec::new();
        number(&mut info, id::TIMESTAMP_SCALE, TICK_NS);
        element(&mut info, id::MUXING_APP, b"lectern");
        element(&mut info, id::WRITING_APP, b"lectern");
        element(&mut buffer, id::INFO, &info);
        let mut tracks = Vec::new();
        element(&mut tracks, id::TRACK_ENTRY, &track(content));
        element(&mut buffer, id::TRACKS, &tracks);
        Writer { buffer }
    }

    /// What is to be written before a frame's bytes: everything else.
    pub fn head(&mut self, at_ms: u64, keyframe: Keyframe, len: usize) -> &[u8] {
        let mut time = Vec::with_capacity(MAX_HEAD_BYTES);
        number(&mut time, id::TIMESTAMP, at_ms);
        // Track 1, no distance to the cluster's time, flags.
        let flags = if keyframe == Keyframe::Yes { 0x80 } else { 0 };
        let block = [0x81, 0, 0, flags];
        let block_len = (block.len() + len) as u64;
        let mut head = Vec::with_capacity(MAX_HEAD_BYTES);
        put_id(&mut head, id::SIMPLE_BLOCK);
        put_len(&mut head, block_len);
        head.extend_from_slice(&block);
        put_id(&mut self.buffer, id::CLUSTER);
        put_len(&mut self.buffer, (time.len() + head.len() + len) as u64);
        self.buffer.extend_from_slice(&time);
        self.buffer.extend_from_slice(&head);
        &self.buffer
    }

    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }
}

/// Whether a frame needs none before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyframe {
    /// It needs none.
    Yes,
    /// It needs some.
    No,
}

fn ebml() -> Vec<u8> {
    let mut body = Vec::new();
    number(&mut body, 0x4286, 1); // EBMLVersion
    number(&mut body, 0x42f7, 1); // EBMLReadVersion
    number(&mut body, 0x42f2, 4); // EBMLMaxIDLength
    number(&mut body, 0x42f3, 8); // EBMLMaxSizeLength
    element(&mut body, 0x4282, b"matroska"); // DocType
    number(&mut body, 0x4287, 4); // DocTypeVersion
    number(&mut body, 0x4285, 2); // DocTypeReadVersion
    body
}

fn track(content: Content) -> Vec<u8> {
    let mut entry = Vec::new();
    number(&mut entry, id::TRACK_NUMBER, 1);
    number(&mut entry, id::TRACK_UID, 1);
    match content {
        Content::Video(codec, size) => {
            number(&mut entry, id::TRACK_TYPE, 1);
            element(&mut entry, id::CODEC_ID, codec_id(codec).as_bytes());
            element(&mut entry, id::VIDEO, &pixels(size));
        }
        Content::Raw(size) => {
            number(&mut entry, id::TRACK_TYPE, 1);
            // A film's rate, which says what level of H.264 it needs.
            number(&mut entry, id::DEFAULT_DURATION, 1_000_000_000 / 30);
            element(&mut entry, id::CODEC_ID, b"V_UNCOMPRESSED");
            let mut video = pixels(size);
            element(&mut video, id::COLOUR_SPACE, b"I420");
            element(&mut entry, id::VIDEO, &video);
        }
        Content::Opus => {
            number(&mut entry, id::TRACK_TYPE, 2);
            element(&mut entry, id::CODEC_ID, b"A_OPUS");
            element(&mut entry, id::CODEC_PRIVATE, &OPUS_HEAD);
            let mut audio = Vec::new();
            element(&mut audio, id::SAMPLING_FREQUENCY, &48_000_f64.to_be_bytes());
            number(&mut audio, id::CHANNELS, 2);
            element(&mut entry, id::AUDIO, &audio);
        }
    }
    entry
}

/// Version 1, two channels (mono packets are decoded to both), no pre-skip, 48 kHz, no gain, one
/// stream (RFC 7845 section 5.1).
const OPUS_HEAD: [u8; 19] =
    [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', 1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0];

fn codec_id(codec: CodecName) -> &'static str {
    match codec {
        CodecName::Vp8 => "V_VP8",
        CodecName::Vp9 => "V_VP9",
        CodecName::Av1 => "V_AV1",
        // In-band parameter sets, start codes: see `units`.
        CodecName::H264 => "V_MPEG4/ISO/AVC",
        CodecName::Opus | CodecName::Red => "A_OPUS",
    }
}

fn pixels(size: Size) -> Vec<u8> {
    let mut video = Vec::new();
    number(&mut video, id::PIXEL_WIDTH, u64::from(size.width));
    number(&mut video, id::PIXEL_HEIGHT, u64::from(size.height));
    video
}

fn element(out: &mut Vec<u8>, id: u32, body: &[u8]) {
    put_id(out, id);
    put_len(out, body.len() as u64);
    out.extend_from_slice(body);
}

fn number(out: &mut Vec<u8>, id: u32, value: u64) {
    element(out, id, &value.to_be_bytes());
}

fn put_id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    let skip = (id.leading_zeros() / 8) as usize;
    out.extend_from_slice(bytes.get(skip..).unwrap_or_default());
}

/// In eight bytes always: lengths of raw pictures are long anyway.
fn put_len(out: &mut Vec<u8>, len: u64) {
    out.extend_from_slice(&(len | 1 << 56).to_be_bytes());
}
