//! Lost packets: asked for from the publisher, served to the subscriber.

use crate::client::{Client, Rtp};
use crate::forwarding::{meeting, received, tick};
use crate::stream::Stream;
use crate::world::{
    SUBSCRIBER_OFFSET, VP8_RTX, World, camera, peer, subscriber_ssrc, subscription, track_id,
};
use lectern_control::media::SubscriptionParameters;
use lectern_control::node::Command;
use lectern_media::DropReason;
use lectern_wire::Ssrc;
use lectern_wire::rtcp::{Packet, packets};

/// Numbers a client was asked for, by stream.
fn asked(client: &Client) -> Vec<(u32, u16)> {
    let all = client.rtcp.iter().flat_map(|compound| packets(compound));
    let nacks = all.filter_map(|packet| match packet {
        Ok(Packet::Nack(nack)) => Some(nack),
        _ => None,
    });
    nacks.flat_map(|nack| nack.sequences().map(move |number| (nack.media.0, number))).collect()
}

fn nack(world: &mut World, place: usize, numbers: &[u64]) {
    let media = Ssrc(subscriber_ssrc(1));
    let numbers: Vec<u16> = numbers.iter().map(|number| *number as u16).collect();
    world.clients[place].send_rtcp(|writer| {
        writer.nack(Ssrc(1), media, numbers).expect("room");
    });
}

fn repairs(world: &World, place: usize) -> Vec<Rtp> {
    let ssrc = subscriber_ssrc(1) + 1;
    world.clients[place].rtp.iter().filter(|packet| packet.ssrc == ssrc).cloned().collect()
}

#[test]
fn what_a_subscriber_lost_comes_again_on_the_stream_of_retransmissions() {
    let (mut world, mut video, mut audio) = meeting(1);
    for frame in 0..20 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    world.run_ms(20);
    let sent = received(&world, 1, 1);
    let lost: Vec<u64> = [3, 10, 11, 40].map(|place: usize| sent[place].index).to_vec();
    nack(&mut world, 1, &lost);
    world.run_ms(50);
    let repairs = repairs(&world, 1);
    assert_eq!(repairs.len(), 4);
    for (repair, place) in repairs.iter().zip([3, 10, 11, 40]) {
        let original: &Rtp = &sent[place];
        let (number, payload) = repair.payload.split_at(2);
        assert_eq!(number, (original.index as u16).to_be_bytes());
        assert_eq!(payload, original.payload);
        assert_eq!((repair.timestamp, repair.marker), (original.timestamp, original.marker));
        assert_eq!(repair.payload_type, VP8_RTX + SUBSCRIBER_OFFSET);
    }
    assert!(repairs.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
    assert_eq!(world.engines[0].counters().rtx_out, 4);
}

#[test]
fn a_packet_is_not_sent_twice_at_once_and_one_that_is_gone_is_counted() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(20);
    let first = received(&world, 1, 1)[0].index;
    for _ in 0..5 {
        nack(&mut world, 1, &[first]);
    }
    nack(&mut world, 1, &[first.wrapping_sub(5), first + 100]);
    world.run_ms(50);
    assert_eq!(repairs(&world, 1).len(), 1);
    assert_eq!(world.dropped(DropReason::NackRate), 4);
    assert_eq!(world.dropped(DropReason::NackMissed), 2);
}

#[test]
fn a_storm_of_nacks_takes_a_bounded_share() {
    let (mut world, mut video, mut audio) = meeting(2);
    let mut numbers: Vec<u64> = Vec::new();
    for frame in 0..300 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
        numbers = received(&world, 1, 1).iter().rev().take(60).map(|p| p.index).collect();
        numbers.reverse();
        nack(&mut world, 1, &numbers);
    }
    assert!(!numbers.is_empty());
    let forwarded: usize = received(&world, 1, 1).iter().map(|packet| packet.payload.len()).sum();
    let again: usize = repairs(&world, 1).iter().map(|packet| packet.payload.len()).sum();
    assert!(again < (256 << 10) + forwarded, "{again} of {forwarded} bytes were sent again");
    assert!(world.dropped(DropReason::NackRate) > 1_000);
    assert_eq!(received(&world, 2, 1).len(), 900, "others lose nothing");
}

#[test]
fn what_is_lost_from_the_publisher_is_asked_for_and_filled_in() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    for _ in 0..30 {
        let frame = video.frame(3, false);
        world.clients[0].send(&frame[0]);
        world.clients[0].send(&frame[2]);
        let known = asked(&world.clients[0]).len();
        world.run_ms(40);
        let wanted = asked(&world.clients[0]);
        assert_eq!(wanted[known..], [(500, frame[1].index as u16)], "asked for once");
        let repair = video.repair(&frame[1]);
        world.clients[0].send(&repair);
        world.run_ms(40);
    }
    assert_eq!(world.engines[0].counters().rtx_in, 30);
    // Each repaired packet can be had by the subscriber, on either stream.
    let mut frames: std::collections::BTreeMap<u32, usize> = Default::default();
    let gaps: Vec<u64> = {
        let got: std::collections::BTreeSet<u64> =
            received(&world, 1, 1).iter().map(|packet| packet.index).collect();
        let (first, last) = (*got.first().expect("some"), *got.last().expect("some"));
        (first..last).filter(|number| !got.contains(number)).collect()
    };
    if !gaps.is_empty() {
        nack(&mut world, 1, &gaps);
        world.run_ms(50);
    }
    for packet in received(&world, 1, 1).iter().chain(&repairs(&world, 1)) {
        *frames.entry(packet.timestamp).or_default() += 1;
    }
    assert_eq!(frames.len(), 31);
    assert!(frames.values().all(|packets| *packets == 3), "{frames:?}");
}

#[test]
fn a_publisher_that_does_not_answer_is_asked_a_limited_number_of_times() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    video.index += 1;
    for _ in 0..90 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    let times = asked(&world.clients[0]).len();
    assert!((3..=10).contains(&times), "asked {times} times");
}

#[test]
fn sound_without_nack_is_not_asked_for() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    audio.index += 3;
    for _ in 0..10 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    assert!(asked(&world.clients[0]).is_empty());
}

#[test]
fn what_a_flood_of_nacks_asks_for_is_counted_and_served_up_to_the_limits() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(20);
    let first = received(&world, 1, 1)[0].index as u16;
    for _ in 0..20 {
        let numbers = (0..5_000_u16).map(|number| first.wrapping_add(number));
        let media = Ssrc(subscriber_ssrc(1));
        world.clients[1].send_rtcp(|writer| {
            assert_eq!(writer.nack(Ssrc(1), media, numbers), Ok(5_000));
        });
    }
    world.run_ms(20);
    let counters = world.engines[0].counters();
    assert_eq!(counters.nacked_in, 100_000);
    assert_eq!(counters.rtx_out, 3, "what there is to send again");
    let (missed, refused) =
        (world.dropped(DropReason::NackMissed), world.dropped(DropReason::NackRate));
    assert_eq!(missed + refused + 3, 100_000);
    assert!((3_900..4_050).contains(&missed), "{missed} were looked for");
}

#[test]
fn without_a_stream_of_retransmissions_nothing_is_looked_for() {
    let mut world = World::with_clients(2);
    world.publish(0, 1, camera("0", &[]));
    let parameters = SubscriptionParameters { rtx_ssrc: None, ..subscription(1) };
    let track = track_id(1);
    world.command(0, Command::Subscribe { peer: peer(1), track, parameters });
    let mut video = Stream::new(500, "0", None);
    video.frame(3, true).iter().for_each(|packet| world.clients[0].send(packet));
    world.run_ms(50);
    let first = received(&world, 1, 1)[0].index;
    nack(&mut world, 1, &[first, first + 1]);
    world.run_ms(50);
    assert_eq!(world.dropped(DropReason::UnmappedPayloadType), 2);
    assert_eq!(received(&world, 1, 1).len(), 3, "nor does it come again under its own number");
}

#[test]
fn retransmissions_go_on_under_another_ssrc_after_a_negotiation() {
    let (mut world, mut video, mut audio) = meeting(1);
    for frame in 0..3 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    let sent = received(&world, 1, 1);
    let again = |world: &mut World, place: usize, ssrc: u32| {
        let parameters = SubscriptionParameters { rtx_ssrc: Some(ssrc), ..subscription(1) };
        let track = track_id(1);
        world.command(0, Command::Subscribe { peer: peer(1), track, parameters });
        nack(world, 1, &[sent[place].index]);
        world.run_ms(50);
        let found = world.clients[1].rtp.iter().rfind(|packet| packet.ssrc == ssrc);
        found.expect("a retransmission").index
    };
    let (first_ssrc, other_ssrc) = (subscriber_ssrc(1) + 1, 9_001);
    let first = again(&mut world, 0, first_ssrc);
    again(&mut world, 1, other_ssrc);
    assert_eq!(again(&mut world, 2, first_ssrc), first + 1, "no index is used twice");
    assert_eq!(world.dropped(DropReason::SrtpIndexReused), 0);
}

#[test]
fn a_packet_longer_than_is_kept_is_dropped_and_not_asked_for() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    for payload in [1_300, 1_430] {
        let mut packet = video.frame(1, false).remove(0);
        packet.payload.resize(payload, 1);
        world.clients[0].send(&packet);
        world.run_ms(100);
    }
    assert_eq!(received(&world, 1, 1).len(), 4);
    assert_eq!(world.dropped(DropReason::TooLarge), 1);
    assert_eq!(world.engines[0].counters().uncached, 0);
    assert!(asked(&world.clients[0]).is_empty());
}
