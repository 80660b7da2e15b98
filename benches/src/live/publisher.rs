//! Who shares a screen of some 2.5 Mbit/s, on a thread of its own.

use super::node::{Joined, Node};
use super::sent::Sent;
use anyhow::Result;
use lectern_control::TrackId;
use lectern_control::media::{
    Codec, CodecName, EncodingParameters, Feedback, MediaKind, PublicationParameters, Source,
};
use lectern_control::node::Command;
use lectern_sim::frame::{self, Codec as SimCodec};
use lectern_sim::{client, source};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// What is shared.
pub const TRACK: TrackId = TrackId(1);
/// Thirty frames a second, each of nine packets on average: 2.5 Mbit/s.
const FRAME: Duration = Duration::from_micros(33_333);
const PAYLOAD_LEN: usize = 1_100;
const MAX_PACKETS: u8 = 18;
const SSRC: u32 = 10_001;
const RTX_SSRC: u32 = 20_001;
const MID: &str = "m1";
/// How long it waits for datagrams at most.
const LOOK: Duration = Duration::from_millis(5);

/// Joins, and publishes until it is told to stop.
pub fn start(
    node: &mut Node,
    sent: Arc<Sent>,
    stop: Arc<AtomicBool>,
) -> Result<JoinHandle<Result<()>>> {
    let mut joined = node.join(1)?;
    let (payload_type, rtx_payload_type) = joined.client.config().payload_types(SimCodec::Vp8);
    joined.client.publish(MID, SimCodec::Vp8, &[(SSRC, Some(RTX_SSRC), None)]);
    let feedback =
        Feedback { nack: true, pli: true, fir: false, transport_wide: true, remb: false };
    let encoding = EncodingParameters {
        ssrc: Some(SSRC),
        rtx_ssrc: Some(RTX_SSRC),
        ..EncodingParameters::default()
    };
    let parameters = PublicationParameters {
        kind: MediaKind::Video,
        source: Source::Screen,
        mid: MID.to_owned(),
        codecs: vec![Codec {
            name: CodecName::Vp8,
            payload_type,
            rtx_payload_type,
            format: String::new(),
            feedback,
        }],
        encodings: vec![encoding],
        muted: false,
    };
    node.command(Command::Publish { peer: joined.peer, track: TRACK, parameters })?;
    let publish = move || publish(joined, &sent, &stop);
    Ok(std::thread::Builder::new().name("publisher".to_owned()).spawn(publish)?)
}

fn config() -> source::Config {
    source::Config {
        track: TRACK.0 as u8,
        incarnation: 0,
        codec: SimCodec::Vp8,
        mid: MID.to_owned(),
        interval: FRAME,
        payload_len: PAYLOAD_LEN,
        encodings: vec![source::EncodingConfig {
            ssrc: SSRC,
            rtx: Some(RTX_SSRC),
            rid: None,
            first_sequence: 1,
            first_timestamp: 7,
            max_packets: MAX_PACKETS,
        }],
    }
}

fn publish(mut joined: Joined, sent: &Sent, stop: &AtomicBool) -> Result<()> {
    let mut source: Option<lectern_sim::Source> = None;
    while !stop.load(Ordering::Relaxed) {
        let next = source.as_ref().map(lectern_sim::Source::deadline);
        let look = Instant::now() + LOOK;
        joined.wait(next.map_or(look, |next| next.min(look)))?;
        let now = Instant::now();
        let packets = source.as_mut().map(|source| source.produce(now)).unwrap_or_default();
        for packet in packets {
            let stamp = frame::decode(SimCodec::Vp8, &packet.payload).ok().map(|it| it.stamp);
            joined.client.send(now, packet);
            if let Some(stamp) = stamp {
                sent.note(&stamp, SystemTime::now());
            }
            joined.flush()?;
        }
        joined.flush()?;
        while let Some(event) = joined.client.poll_event() {
            match event {
                client::Event::Connected => {
                    source = Some(lectern_sim::Source::new(Instant::now(), config(), 1));
                }
                client::Event::KeyframeWanted { .. } => {
                    source.iter_mut().for_each(|source| source.request_keyframe(None));
                }
                client::Event::Failed(error) => anyhow::bail!("the publisher: {error}"),
                _ => {}
            }
        }
    }
    Ok(())
}
