//! Clients that send what they should not, inside and outside of encryption.

use crate::client::Rtp;
use crate::forwarding::{meeting, received, tick};
use crate::stream::Stream;
use crate::world::{World, subscriber_ssrc};
use lectern_control::transport::Permissions;
use lectern_media::DropReason;
use lectern_wire::stun::{Builder, Key, Kind, MAX_BUILT_LEN, Role, TransactionId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[test]
fn datagrams_of_every_kind_and_length_are_dropped_with_a_reason() {
    let (mut world, mut video, mut audio) = meeting(1);
    let mut rng = StdRng::from_seed([9; 32]);
    let known = world.clients[0].address;
    let stranger = "192.0.2.1:9".parse().expect("an address");
    let drops =
        |world: &crate::world::World| -> u64 { world.engines[0].counters().drops.iter().sum() };
    let before = drops(&world);
    let mut given = 0;
    for first in 0..=255u8 {
        for len in (0..100).chain([1_200, 1_500, 9_000, 65_000]) {
            let mut bytes: Vec<u8> = (0..len).map(|_| rng.random()).collect();
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            for from in [known, stranger] {
                world.give(0, from, &mut bytes.clone());
                given += 1;
            }
        }
    }
    // A few pass as DTLS records that DTLS silently discards, as RFC 6347 section 4.1.2.7 wants.
    assert!(drops(&world) - before > given * 9 / 10);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    assert_eq!(received(&world, 1, 1).len(), 3, "nobody else notices");
}

#[test]
fn broken_contents_under_valid_authentication_hurt_nobody() {
    let (mut world, mut video, mut audio) = meeting(1);
    let mut rng = StdRng::from_seed([11; 32]);
    tick(&mut world, &mut video, &mut audio, true);
    for round in 0..3_000u64 {
        // RTP: any payload, any extension, on known and unknown streams.
        let mut packet = video.frame(1, round % 7 == 0).remove(0);
        packet.payload = (0..rng.random_range(0..40)).map(|_| rng.random()).collect();
        if rng.random_bool(0.3) {
            packet.extensions =
                (1..=14).map(|id| (id, vec![rng.random(); rng.random_range(1..16)])).collect();
        }
        if rng.random_bool(0.2) {
            packet.ssrc = rng.random();
            packet.payload_type = rng.random_range(0..128);
        }
        world.clients[0].send(&packet);
        // RTCP: a valid packet type around anything.
        let mut body: Vec<u8> = (0..4 * rng.random_range(1..30)).map(|_| rng.random()).collect();
        let words = (body.len() / 4) as u16;
        let [high, low] = words.to_be_bytes();
        let mut rtcp =
            vec![0x80 | rng.random_range(0..32u8), rng.random_range(200..=207), high, low];
        rtcp.append(&mut body);
        for place in 0..2 {
            let client = &mut world.clients[place];
            let remote = client.transport.send_to().expect("connected");
            let mut buffer = rtcp.clone();
            buffer.resize(rtcp.len() + 64, 0);
            let len = client.transport.seal_rtcp(&mut buffer, rtcp.len()).expect("room");
            client.outgoing.push((remote, buffer[..len].to_vec()));
        }
        if round % 50 == 0 {
            world.run_ms(5);
        }
    }
    // What the subscriber said of its path has lowered what it gets: that is over after a second.
    world.run_ms(1_500);
    assert!(world.dropped(DropReason::Malformed) > 100);
    let mut fresh = Stream::new(800, "0", None);
    for packet in fresh.frame(3, true) {
        world.clients[0].send(&packet);
    }
    world.run_ms(50);
    let last: Vec<Rtp> = received(&world, 1, 1).into_iter().rev().take(3).collect();
    assert!(last.iter().all(|packet| packet.payload[6..] == [packet.payload[6]; 100]));
    assert_eq!(last[0].ssrc, subscriber_ssrc(1));
}

#[test]
fn a_publisher_with_endless_ssrcs_fills_no_table() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    for ssrc in 0..5_000u32 {
        let mut stream = Stream::new(10_000 + ssrc, "0", None);
        stream.index = 5;
        let packet = stream.frame(1, false).remove(0);
        world.clients[0].send(&packet);
        if ssrc % 100 == 0 {
            world.run_ms(5);
        }
    }
    world.run_ms(50);
    let mut last = Stream::new(99_000, "0", None);
    last.index = 5;
    for packet in last.frame(3, true) {
        world.clients[0].send(&packet);
    }
    world.run_ms(50);
    let packets = received(&world, 1, 1);
    assert_eq!(packets.len(), 6, "the publisher itself goes on");
    assert!(packets.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
}

/// A check as a client could send it from any address.
fn check(world: &World, place: usize) -> Vec<u8> {
    let peer = &world.parameters[place];
    let theirs = &peer.remote.as_ref().expect("introduced").ice.ufrag;
    let mut bytes = vec![0; MAX_BUILT_LEN];
    let len = Builder::new(&mut bytes, Kind::Request, TransactionId([9; 12]))
        .and_then(|builder| builder.username(peer.ice.ufrag.as_bytes(), theirs.as_bytes()))
        .and_then(|builder| builder.priority(1))
        .and_then(|builder| builder.role(Role::Controlling(1)))
        .and_then(|builder| builder.finish(&Key::new(peer.ice.pwd.expose().as_bytes())))
        .expect("room");
    bytes.truncate(len);
    bytes
}

#[test]
fn a_forged_source_takes_nobody_s_address_away() {
    let (mut world, mut video, mut audio) = meeting(2);
    tick(&mut world, &mut video, &mut audio, true);
    // The third client, which the node controls as little as the first, claims the first's address.
    let victim = world.clients[0].address;
    let forged = check(&world, 2);
    for _ in 0..300 {
        world.give(0, victim, &mut forged.clone());
        tick(&mut world, &mut video, &mut audio, false);
    }
    world.run_ms(50);
    assert_eq!(received(&world, 1, 1).len(), 3 + 900, "the first one's media still come");
    assert_eq!(world.dropped(DropReason::AddressTaken), 300);
}

#[test]
fn a_claim_made_beforehand_does_not_keep_an_address() {
    let mut world = World::with_clients(1);
    let forged = check(&world, 0);
    let place = world.join(Permissions::ALL);
    let address = world.clients[place].address;
    for _ in 0..100 {
        world.give(0, address, &mut forged.clone());
        world.run_ms(20);
    }
    assert!(world.clients[place].is_connected);
    assert!(world.dropped(DropReason::AddressTaken) > 50, "from the first answer on");
}

#[test]
fn a_client_that_comes_back_under_its_former_address_finds_it_free() {
    let mut world = World::with_clients(1);
    // It has gone without a word, and its socket is another one's at once.
    let now = world.now;
    world.clients[0].transport.close(now);
    while world.clients[0].transport.poll_transmit().is_some() {}
    let place = world.join(Permissions::ALL);
    world.clients[place].address = world.clients[0].address;
    world.clients[0].address = "192.0.2.200:1".parse().expect("an address");
    world.run_ms(3_000);
    assert!(world.clients[place].is_connected);
}
