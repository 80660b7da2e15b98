//! Real sound and pictures, as RTP packets of a publisher.

use lectern_control::TrackId;
use lectern_control::media::CodecName;
use lectern_control::relay::{Content, Record};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Bytes of an RTP header without extensions (RFC 3550 section 5.1).
const RTP_HEADER: usize = 12;
/// Bytes of payload in one packet.
const PAYLOAD: usize = 1_100;
/// Seconds of the clip.
pub(super) const SECONDS: u64 = 3;

/// A packet and when it is sent, in microseconds from the beginning.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) at_us: u64,
    pub(super) number: u64,
    pub(super) codec: CodecName,
    pub(super) keyframe: bool,
    pub(super) rtp: Vec<u8>,
}

impl Sent {
    /// The packet as a node sends it to a recorder.
    pub(super) fn record(&self, track: TrackId, started_unix_us: u64) -> Record<'_> {
        Record {
            track,
            stream: 1,
            arrival_unix_us: started_unix_us + self.at_us,
            content: Content::Packet {
                number: self.number,
                codec: self.codec,
                keyframe: self.keyframe,
                quarter_turns: 0,
                level: None,
                rtp: &self.rtp,
            },
        }
    }
}

fn ffmpeg(args: &str) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-loglevel", "error"]).args(args.split(' '));
    let output = command.stdin(Stdio::null()).output().expect("ffmpeg is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Three seconds of a moving picture in VP8, 320 × 180 at 15 pictures a second.
pub(super) fn vp8() -> &'static [Sent] {
    static CLIP: OnceLock<Vec<Sent>> = OnceLock::new();
    CLIP.get_or_init(|| {
        let ivf = ffmpeg(
            "-f lavfi -i testsrc=size=320x180:rate=15:duration=3 -c:v libvpx -deadline realtime \
             -cpu-used 8 -b:v 300k -g 15 -f ivf -",
        );
        let mut rest = &ivf[32..];
        let mut packets = Vec::new();
        for index in 0_u64.. {
            let Some((header, body)) = rest.split_first_chunk::<12>() else { break };
            let len = u32::from_le_bytes(header[..4].try_into().expect("four bytes")) as usize;
            let (frame, after) = body.split_at(len);
            // RFC 7741 section 4.3: the lowest bit of a frame's first byte is 0 in keyframes.
            picture(&mut packets, index, frame, frame[0] & 1 == 0);
            rest = after;
        }
        packets
    })
}

fn picture(packets: &mut Vec<Sent>, index: u64, frame: &[u8], keyframe: bool) {
    let at_us = index * 1_000_000 / 15;
    let timestamp = (index * 6_000) as u32;
    let parts = frame.chunks(PAYLOAD).count();
    for (part, payload) in frame.chunks(PAYLOAD).enumerate() {
        let number = 1_000 + packets.len() as u64;
        let mut rtp = header(96, number, timestamp, 7, part + 1 == parts);
        rtp.push(if part == 0 { 0x10 } else { 0 });
        rtp.extend_from_slice(payload);
        let keyframe = keyframe && part == 0;
        packets.push(Sent { at_us, number, codec: CodecName::Vp8, keyframe, rtp });
    }
}

/// Three seconds of a tone in Opus, 20 ms a packet.
pub(super) fn opus() -> &'static [Sent] {
    static CLIP: OnceLock<Vec<Sent>> = OnceLock::new();
    CLIP.get_or_init(|| {
        let ogg = ffmpeg(
            "-f lavfi -i sine=frequency=440:duration=3:sample_rate=48000 -c:a libopus -b:a 32k \
             -frame_duration 20 -f ogg -",
        );
        // The first two packets are headers (RFC 7845 section 3).
        let sound = packets_of_ogg(&ogg).into_iter().skip(2).take(150).enumerate();
        sound
            .map(|(index, payload)| {
                let number = 50 + index as u64;
                let mut rtp = header(111, number, index as u32 * 960, 9, false);
                rtp.extend_from_slice(&payload);
                let at_us = index as u64 * 20_000;
                Sent { at_us, number, codec: CodecName::Opus, keyframe: false, rtp }
            })
            .collect()
    })
}

/// Packets of an Ogg stream (RFC 3533 section 6).
fn packets_of_ogg(mut ogg: &[u8]) -> Vec<Vec<u8>> {
    let (mut packets, mut open) = (Vec::new(), Vec::new());
    while ogg.len() > 27 {
        let segments = usize::from(ogg[26]);
        let (lacing, mut body) = ogg[27..].split_at(segments);
        for len in lacing {
            let (bytes, rest) = body.split_at(usize::from(*len));
            open.extend_from_slice(bytes);
            body = rest;
            if *len < 255 {
                packets.push(std::mem::take(&mut open));
            }
        }
        ogg = body;
    }
    packets
}

fn header(payload_type: u8, number: u64, timestamp: u32, ssrc: u32, marker: bool) -> Vec<u8> {
    let mut rtp = Vec::with_capacity(RTP_HEADER + PAYLOAD + 1);
    rtp.extend_from_slice(&[0x80, payload_type | u8::from(marker) << 7]);
    rtp.extend_from_slice(&(number as u16).to_be_bytes());
    rtp.extend_from_slice(&timestamp.to_be_bytes());
    rtp.extend_from_slice(&ssrc.to_be_bytes());
    rtp
}

/// What the packets hold that must not be found where they are kept sealed: long enough not to be
/// there by chance.
pub(super) fn canaries(packets: &[Sent]) -> impl Iterator<Item = &[u8]> {
    packets.iter().filter(|sent| sent.rtp.len() > 80).map(|sent| &sent.rtp[40..72])
}

/// What ffprobe says of a file.
pub(super) fn probe(file: &[u8]) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, file).expect("written");
    let mut command = Command::new("ffprobe");
    command.args(["-loglevel", "error", "-of", "json", "-show_streams", "-show_format"]);
    let output = command.arg("-count_packets").arg(&path).output().expect("ffprobe is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
