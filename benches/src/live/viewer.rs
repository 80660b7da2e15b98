//! Who views, on a thread of its own, and notes how long each packet took.

use super::Way;
use super::node::{Joined, Node};
use super::publisher::TRACK;
use super::sent::Sent;
use anyhow::{Result, ensure};
use lectern_control::media::{PayloadMapping, SubscriptionParameters};
use lectern_control::node::Command;
use lectern_sim::client;
use lectern_sim::frame::{self, Codec};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long it waits for datagrams at most.
const LOOK: Duration = Duration::from_millis(20);

/// Joins, and views until it is told to stop.
pub fn start(
    node: &mut Node,
    number: u64,
    sent: Arc<Sent>,
    stop: Arc<AtomicBool>,
) -> Result<JoinHandle<Result<Vec<Way>>>> {
    let mut joined = node.join(100 + number)?;
    let (ssrc, rtx) = (30_001, 40_001);
    let (payload_type, rtx_payload_type) = joined.client.config().payload_types(Codec::Vp8);
    joined.client.expect("s1", Codec::Vp8, ssrc, Some(rtx));
    let mapping = PayloadMapping { from: payload_type, to: payload_type, rtx: rtx_payload_type };
    let parameters = SubscriptionParameters {
        mid: "s1".to_owned(),
        ssrc,
        rtx_ssrc: Some(rtx),
        payloads: vec![mapping],
        red: None,
        repeats: false,
    };
    node.command(Command::Subscribe { peer: joined.peer, track: TRACK, parameters })?;
    let view = move || view(joined, &sent, &stop);
    Ok(std::thread::Builder::new().name(format!("viewer-{number}")).spawn(view)?)
}

fn view(mut joined: Joined, sent: &Sent, stop: &AtomicBool) -> Result<Vec<Way>> {
    let mut ways = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let arrived = joined.wait(Instant::now() + LOOK)?;
        joined.flush()?;
        while let Some(event) = joined.client.poll_event() {
            match event {
                client::Event::Received(packet) => {
                    let read = frame::decode(Codec::Vp8, &packet.payload);
                    let Ok(read) = read else { continue };
                    let (Some(sent), Some(arrived)) = (sent.at(&read.stamp), arrived) else {
                        continue;
                    };
                    ways.push(Way { sent, took: arrived.duration_since(sent).unwrap_or_default() });
                }
                client::Event::Failed(error) => anyhow::bail!("a viewer: {error}"),
                _ => {}
            }
        }
    }
    ensure!(!ways.is_empty(), "a viewer has received nothing");
    Ok(ways)
}
