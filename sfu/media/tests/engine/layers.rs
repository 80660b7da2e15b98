//! Simulcast: the best layer that is live, without a seam for the subscriber.

use crate::client::Rtp;
use crate::forwarding::received;
use crate::stream::{Stream, picture_id, tl0_index};
use crate::world::{World, camera, peer, track_id};
use lectern_control::media::Wish;
use lectern_control::node::{Command, Event};
use lectern_wire::rtcp::SenderInfo;
use lectern_wire::{NtpTime, RtpTime, Ssrc};
use std::time::Duration;

const RIDS: [&str; 3] = ["q", "h", "f"];

fn simulcast() -> (World, Vec<Stream>) {
    let mut world = World::with_clients(2);
    world.publish(0, 1, camera("0", &RIDS));
    world.subscribe(1, 1);
    let streams = RIDS.iter().zip([510u32, 520, 530]);
    let streams = streams.map(|(rid, ssrc)| Stream::new(ssrc, "0", Some(rid)));
    (world, streams.collect())
}

/// Sends a frame of each layer named, lowest first; each layer has as many packets as its place.
fn tick(world: &mut World, streams: &mut [Stream], layers: &[usize], keyframe: bool) {
    for (layer, stream) in streams.iter_mut().enumerate() {
        let frame = stream.frame(1 + layer as u8, keyframe);
        if layers.contains(&layer) {
            frame.iter().for_each(|packet| world.clients[0].send(packet));
        } else {
            // The encoder is off: it does not count on.
            stream.index -= frame.len() as u64;
        }
    }
    world.run_ms(33);
}

/// Packets of each frame received.
fn frame_sizes(packets: &[Rtp]) -> Vec<usize> {
    packets.chunk_by(|a, b| a.timestamp == b.timestamp).map(<[Rtp]>::len).collect()
}

fn assert_seamless(packets: &[Rtp]) {
    assert!(packets.windows(2).all(|pair| pair[1].index == pair[0].index + 1), "no gap");
    for pair in packets.windows(2) {
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!(step < 90_000 * 2, "timestamps go on: {step}");
        let picture = (picture_id(&pair[1]).wrapping_sub(picture_id(&pair[0]))) & 0x7fff;
        assert!(picture <= 1, "picture ids go on: {picture}");
        assert!(tl0_index(&pair[1]).wrapping_sub(tl0_index(&pair[0])) <= 1);
        assert_eq!(picture == 0, step == 0, "one picture has one timestamp");
    }
}

#[test]
fn the_highest_layer_is_forwarded_although_no_ssrc_was_announced() {
    let (mut world, mut streams) = simulcast();
    for frame in 0..60 {
        tick(&mut world, &mut streams, &[0, 1, 2], frame == 0);
    }
    let packets = received(&world, 1, 1);
    let sizes = frame_sizes(&packets);
    assert!(sizes.len() >= 59, "{} frames", sizes.len());
    assert!(sizes[2..].iter().all(|size| *size == 3), "{sizes:?}");
    assert_seamless(&packets);
}

#[test]
fn a_layer_that_stops_is_replaced_and_taken_again_when_it_comes_back() {
    let (mut world, mut streams) = simulcast();
    for frame in 0..30 {
        tick(&mut world, &mut streams, &[0, 1, 2], frame == 0);
    }
    for frame in 0..90 {
        tick(&mut world, &mut streams, &[0, 1], frame % 45 == 44);
    }
    // It begins with a keyframe, which is enough for those who want it.
    let requests = world.engines[0].counters().keyframe_requests_out;
    for frame in 0..60 {
        tick(&mut world, &mut streams, &[0, 1, 2], frame == 0);
    }
    assert_eq!(world.engines[0].counters().keyframe_requests_out, requests);
    world.run_ms(50);
    let packets = received(&world, 1, 1);
    let sizes = frame_sizes(&packets);
    let switched_down = sizes.iter().position(|size| *size == 2).expect("the middle layer");
    assert!(sizes[switched_down..].iter().filter(|size| **size == 2).count() > 20, "{sizes:?}");
    assert!(sizes[sizes.len() - 50..].iter().all(|size| *size == 3), "{sizes:?}");
    assert_seamless(&packets);
}

#[test]
fn a_still_screen_changes_no_layer() {
    let (mut world, mut streams) = simulcast();
    for frame in 0..30 {
        tick(&mut world, &mut streams, &[0, 1, 2], frame == 0);
    }
    let requests = world.engines[0].counters().keyframe_requests_out;
    for _ in 0..5 {
        world.run(Duration::from_secs(3));
        tick(&mut world, &mut streams, &[0, 1, 2], false);
        tick(&mut world, &mut streams, &[0, 1, 2], false);
    }
    world.run_ms(50);
    let sizes = frame_sizes(&received(&world, 1, 1));
    assert!(sizes[2..].iter().all(|size| *size == 3), "{sizes:?}");
    assert_eq!(world.engines[0].counters().keyframe_requests_out, requests);
}

#[test]
fn timestamps_follow_the_sender_s_clock_over_a_switch() {
    let (mut world, mut streams) = simulcast();
    let began = world.now;
    let bases: Vec<u32> = streams.iter().map(|stream| stream.timestamp).collect();
    let mut sent = Vec::new();
    for frame in 0..120u64 {
        if frame == 10 {
            // All layers say what their timestamps mean on the one clock of their sender.
            let passed = world.now - began;
            let ntp = NtpTime::from_unix(Duration::from_secs(1_600_000_000) + passed);
            for (stream, base) in streams.iter().zip(&bases) {
                let ticks = (passed.as_nanos() * 90_000 / 1_000_000_000) as u32;
                let rtp = RtpTime(base.wrapping_add(ticks));
                let info = SenderInfo { ntp, rtp, packets: 1, payload_bytes: 1 };
                let ssrc = Ssrc(stream.ssrc);
                world.clients[0].send_rtcp(|writer| {
                    writer.sender_report(ssrc, &info, &[]).expect("room");
                });
            }
        }
        let layers: &[usize] = if frame < 40 { &[0, 1, 2] } else { &[0, 1] };
        // Capture times that follow the clock: 33 ms apart, not 33 and a third.
        let captured = ((world.now - began).as_nanos() * 90_000 / 1_000_000_000) as u32;
        for (stream, base) in streams.iter_mut().zip(&bases) {
            stream.timestamp = base.wrapping_add(captured);
        }
        sent.push(captured);
        tick(&mut world, &mut streams, layers, frame == 0 || frame == 80);
    }
    let packets = received(&world, 1, 1);
    assert!(frame_sizes(&packets).contains(&2), "the middle layer was taken");
    let mut times: Vec<u32> = packets.iter().map(|packet| packet.timestamp).collect();
    times.dedup();
    let first = times[0];
    for time in times {
        let since = time.wrapping_sub(first) + sent[0];
        let error = sent.iter().map(|captured| captured.abs_diff(since)).min().expect("some");
        assert!(error <= 2, "{since} is {error} ticks from any capture time");
    }
}

#[test]
fn a_publisher_that_begins_anew_is_followed_without_a_seam() {
    let (mut world, mut streams) = simulcast();
    for frame in 0..30 {
        tick(&mut world, &mut streams, &[0, 1, 2], frame == 0);
    }
    world.run_ms(300);
    let mut fresh: Vec<Stream> = RIDS
        .iter()
        .zip([610u32, 620, 630])
        .map(|(rid, ssrc)| Stream::new(ssrc, "0", Some(rid)))
        .collect();
    for frame in 0..30 {
        tick(&mut world, &mut fresh, &[0, 1, 2], frame == 0);
    }
    world.run_ms(50);
    let packets = received(&world, 1, 1);
    let sizes = frame_sizes(&packets);
    assert!(sizes.len() >= 58, "{} frames", sizes.len());
    assert!(sizes[sizes.len() - 25..].iter().all(|size| *size == 3), "{sizes:?}");
    assert_seamless(&packets);
}

/// What the publisher is to send of its layers, each time that was told.
fn told(world: &World) -> Vec<Vec<bool>> {
    let layers = world.events.iter().filter_map(|(_, event)| match event {
        Event::LayersWanted { layers, .. } => Some(layers),
        _ => None,
    });
    layers.map(|layers| layers.iter().map(|layer| layer.wanted).collect()).collect()
}

#[test]
fn layers_that_nobody_watches_are_told_of_late_and_wanted_again_at_once() {
    let mut world = World::with_clients(3);
    let mut parameters = camera("0", &RIDS);
    for (encoding, height) in parameters.encodings.iter_mut().zip([180, 360, 720]) {
        (encoding.width, encoding.height) = (height * 16 / 9, height);
    }
    world.publish(0, 1, parameters);
    let shows = |world: &mut World, place: usize, height| {
        let wish = Wish { height, hidden: height == 0, ..Wish::default() };
        world.command(0, Command::SetWish { peer: peer(place), track: track_id(1), wish });
    };
    world.subscribe(1, 1);
    world.subscribe(2, 1);
    shows(&mut world, 1, 180);
    shows(&mut world, 2, 360);
    world.run_ms(4_500);
    assert_eq!(told(&world), [[false; 3]; 0], "not at once");
    world.run_ms(1_500);
    assert_eq!(told(&world), [[true, true, false]]);
    shows(&mut world, 1, 0);
    shows(&mut world, 2, 0);
    world.run_ms(6_000);
    assert_eq!(told(&world)[1..], [[false; 3]]);
    shows(&mut world, 2, 1_080);
    assert_eq!(told(&world)[2..], [[true; 3]], "at once");
    // Who comes wants all.
    shows(&mut world, 2, 180);
    world.run_ms(6_000);
    assert_eq!(told(&world)[3..], [[true, false, false]]);
    world.command(0, Command::Unsubscribe { peer: peer(2), track: track_id(1) });
    world.subscribe(2, 1);
    assert_eq!(told(&world)[4..], [[true; 3]]);
}
