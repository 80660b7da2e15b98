//! How streams are found: by SSRC, mid, rid and repaired rid, or by payload type alone.

use crate::forwarding::received;
use crate::stream::Stream;
use crate::world::{VP8_RTX, World, camera, microphone};
use lectern_media::DropReason;

/// Sends a frame of three packets without any header extension.
fn send_bare(world: &mut World, stream: &mut Stream) {
    for mut packet in stream.frame(3, true) {
        packet.extensions.clear();
        world.clients[0].send(&packet);
    }
    world.run_ms(50);
}

#[test]
fn a_client_without_mid_is_understood_by_its_payload_types() {
    let mut world = World::with_clients(2);
    world.publish(0, 1, camera("", &[]));
    world.publish(0, 2, microphone(""));
    world.subscribe(1, 1);
    world.subscribe(1, 2);
    let (mut video, mut audio) = (Stream::new(500, "", None), Stream::new(600, "", None));
    send_bare(&mut world, &mut video);
    let mut sound = audio.sound(30);
    sound.extensions.clear();
    world.clients[0].send(&sound);
    world.run_ms(50);
    assert_eq!(received(&world, 1, 1).len(), 3);
    assert_eq!(received(&world, 1, 2).len(), 1);
}

#[test]
fn where_two_tracks_could_be_meant_none_is() {
    let mut world = World::with_clients(2);
    world.publish(0, 1, camera("0", &[]));
    world.publish(0, 3, camera("1", &[]));
    world.subscribe(1, 1);
    world.subscribe(1, 3);
    send_bare(&mut world, &mut Stream::new(500, "", None));
    assert!(world.clients[1].rtp.is_empty());
    assert_eq!(world.dropped(DropReason::UnknownStream), 3);
}

#[test]
fn ssrcs_that_were_announced_need_no_extension() {
    let mut world = World::with_clients(2);
    for (track, ssrc) in [(1, 500), (3, 700)] {
        let mut parameters = camera("", &[""]);
        parameters.encodings[0].ssrc = Some(ssrc);
        parameters.encodings[0].rtx_ssrc = Some(ssrc + 1);
        world.publish(0, track, parameters);
        world.subscribe(1, track);
    }
    send_bare(&mut world, &mut Stream::new(500, "", None));
    send_bare(&mut world, &mut Stream::new(700, "", None));
    assert_eq!(received(&world, 1, 1).len(), 3);
    assert_eq!(received(&world, 1, 3).len(), 3);
}

#[test]
fn retransmissions_of_a_layer_are_found_by_the_repaired_rid() {
    let mut world = World::with_clients(2);
    world.publish(0, 1, camera("0", &["q", "f"]));
    world.subscribe(1, 1);
    let mut streams = [Stream::new(510, "0", Some("q")), Stream::new(520, "0", Some("f"))];
    let mut lost = Vec::new();
    for frame in 0..10 {
        for stream in &mut streams {
            for (place, packet) in stream.frame(3, frame == 0).into_iter().enumerate() {
                if frame == 5 && place == 1 {
                    lost.push(packet);
                } else {
                    world.clients[0].send(&packet);
                }
            }
        }
        world.run_ms(33);
    }
    assert!(world.engines[0].counters().nacked_out >= 2);
    for (stream, packet) in streams.iter_mut().zip(&lost) {
        let repair = stream.repair(packet);
        assert_eq!(repair.payload_type, VP8_RTX);
        world.clients[0].send(&repair);
    }
    world.run_ms(50);
    assert_eq!(world.engines[0].counters().rtx_in, 2);
    let packets = received(&world, 1, 1);
    let mut numbers: Vec<u64> = packets.iter().map(|packet| packet.index).collect();
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "the hole is filled");
    let filled = packets.iter().filter(|packet| packet.payload[5..] == lost[1].payload[5..]);
    assert!(filled.count() > 0);
}

#[test]
fn a_rid_nobody_announced_goes_nowhere() {
    let mut world = World::with_clients(2);
    world.publish(0, 1, camera("0", &["q", "f"]));
    world.subscribe(1, 1);
    for packet in Stream::new(510, "0", Some("x")).frame(2, true) {
        world.clients[0].send(&packet);
    }
    let mut bare = Stream::new(520, "0", None).frame(1, true).remove(0);
    world.clients[0].send(&bare);
    bare.extensions.clear();
    world.run_ms(50);
    assert!(world.clients[1].rtp.is_empty());
    assert_eq!(world.dropped(DropReason::UnknownStream), 3);
}

#[test]
fn a_retransmission_of_what_never_came_goes_nowhere() {
    let mut world = World::with_clients(2);
    world.publish(0, 1, camera("0", &[]));
    world.subscribe(1, 1);
    let mut stream = Stream::new(500, "0", None);
    let packet = stream.frame(1, true).remove(0);
    let repair = stream.repair(&packet);
    world.clients[0].send(&repair);
    // One with nothing but padding, and one too short for a number.
    for payload in [vec![], vec![1]] {
        let mut odd = stream.repair(&packet);
        odd.payload = payload;
        world.clients[0].send(&odd);
    }
    world.run_ms(50);
    assert!(world.clients[1].rtp.is_empty());
    assert_eq!(world.dropped(DropReason::UnknownStream), 1);
    assert_eq!(world.dropped(DropReason::Padding), 1);
    assert_eq!(world.dropped(DropReason::Malformed), 1);
}

#[test]
fn layers_that_stand_elsewhere_after_a_negotiation_go_on() {
    let mut world = World::with_clients(2);
    world.publish(0, 1, camera("0", &["q", "h", "f"]));
    world.subscribe(1, 1);
    let rids = [("q", 510), ("h", 520), ("f", 530)];
    let mut streams = rids.map(|(rid, ssrc)| Stream::new(ssrc, "0", Some(rid)));
    let send = |world: &mut World, streams: &mut [Stream], keyframe: bool, named: bool| {
        for stream in streams {
            for mut packet in stream.frame(3, keyframe) {
                // After its first packets a browser names neither mid nor rid.
                packet.extensions.retain(|_| named);
                world.clients[0].send(&packet);
            }
        }
        world.run_ms(33);
    };
    send(&mut world, &mut streams, true, true);
    let before = received(&world, 1, 1).len();
    let unknown = world.dropped(DropReason::UnknownStream);
    // The best one goes, and the others change places.
    world.publish(0, 1, camera("0", &["h", "q"]));
    for _ in 0..40 {
        send(&mut world, &mut streams[..2], true, false);
    }
    let packets = received(&world, 1, 1);
    assert!(packets.len() >= before + 3 * 10, "{} packets", packets.len() - before);
    assert!(packets.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
    assert_eq!(world.dropped(DropReason::UnknownStream), unknown);
    send(&mut world, &mut streams[2..], true, false);
    assert!(world.dropped(DropReason::UnknownStream) > unknown, "the one that went is unknown");
}
