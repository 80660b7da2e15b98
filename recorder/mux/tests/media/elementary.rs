//! Streams of single frames, from what FFmpeg writes.

use crate::ffmpeg::make;
use lectern_control::media::CodecName;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A frame as the encoder gave it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// H.264 in NAL units with start codes; all else as codecs have it.
    pub data: Vec<u8>,
    /// Samples at 48 kHz, or ticks at 90 kHz.
    pub duration: u32,
    /// Needs none before it.
    pub keyframe: bool,
}

/// Streams that were made already: several tests ask for the same.
static MADE: Mutex<BTreeMap<(CodecName, String, u32), Vec<Frame>>> = Mutex::new(BTreeMap::new());

/// Pictures of a codec at 30 a second, a keyframe each second.
pub fn pictures(codec: CodecName, size: &str, seconds: u32) -> Vec<Frame> {
    let mut made = MADE.lock().expect("no test panicked here");
    let key = (codec, size.to_owned(), seconds);
    made.entry(key).or_insert_with(|| encoded(codec, size, seconds)).clone()
}

fn encoded(codec: CodecName, size: &str, seconds: u32) -> Vec<Frame> {
    let source = format!("-f lavfi -i testsrc2=s={size}:r=30:d={seconds} -pix_fmt yuv420p");
    let ivf =
        |encoder: &str| frames_of_ivf(&make(&format!("{source} -c:v {encoder} -g 30 -f ivf")));
    let mut frames = match codec {
        CodecName::Vp8 => ivf("libvpx -deadline realtime -cpu-used 8 -lag-in-frames 0 -b:v 800k"),
        CodecName::Vp9 => {
            ivf("libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -b:v 800k")
        }
        CodecName::Av1 => ivf("libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0 -b:v 800k"),
        CodecName::H264 => {
            let encoder =
                "libx264 -preset ultrafast -tune zerolatency -profile:v baseline -b:v 800k";
            let options = "-g 30 -x264-params aud=1:slices=2 -f h264";
            access_units(&make(&format!("{source} -c:v {encoder} {options}")))
        }
        CodecName::Opus | CodecName::Red => panic!("no pictures"),
    };
    for (index, frame) in frames.iter_mut().enumerate() {
        frame.keyframe = index % 30 == 0;
    }
    assert_eq!(frames.len(), 30 * seconds as usize, "{codec:?}");
    frames
}

/// Opus in packets of 20 ms.
pub fn sound(seconds: u32) -> Vec<Frame> {
    let source = format!("-f lavfi -i sine=440:r=48000:d={seconds} -c:a libopus -b:a 32k");
    let packets = packets_of_ogg(&make(&format!("{source} -f ogg")));
    let sound = packets.into_iter().skip(2);
    sound.map(|data| Frame { data, duration: 960, keyframe: true }).collect()
}

/// Two spatial layers of 24 pictures, as Chromium 156 sends them (L3T3_KEY, 640 x 360): IVF with one
/// entry for each layer.
pub fn layers() -> Vec<Vec<Vec<u8>>> {
    let bytes = include_bytes!("vp9_layers.ivf");
    let frames = frames_of_ivf(bytes);
    frames.chunks(2).map(|pair| pair.iter().map(|frame| frame.data.clone()).collect()).collect()
}

fn frames_of_ivf(bytes: &[u8]) -> Vec<Frame> {
    let mut rest = &bytes[32..];
    let mut frames = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<12>() {
        let len = u32::from_le_bytes(*header.first_chunk().expect("four bytes")) as usize;
        let (data, after) = after.split_at(len);
        frames.push(Frame { data: data.to_vec(), duration: 3_000, keyframe: false });
        rest = after;
    }
    frames
}

/// NAL units of a stream with start codes.
pub fn units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        stream.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let mut unit = &stream[start + 3..end];
            while let Some((0, rest)) = unit.split_last() {
                unit = rest;
            }
            unit
        })
        .collect()
}

fn access_units(stream: &[u8]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for unit in units(stream) {
        if unit[0] & 0x1f == 9 {
            frames.push(Frame { data: Vec::new(), duration: 3_000, keyframe: false });
            continue;
        }
        let frame = frames.last_mut().expect("a delimiter first");
        frame.data.extend([0, 0, 0, 1]);
        frame.data.extend_from_slice(unit);
    }
    frames
}

fn packets_of_ogg(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut packet = Vec::new();
    let mut rest = bytes;
    while rest.len() > 27 {
        let count = usize::from(rest[26]);
        let (header, mut data) = rest.split_at(27 + count);
        for len in &header[27..] {
            let (piece, after) = data.split_at(usize::from(*len));
            packet.extend_from_slice(piece);
            data = after;
            if *len < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        rest = data;
    }
    packets
}
