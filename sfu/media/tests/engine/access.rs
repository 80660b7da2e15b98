//! Who may receive: the router sends not one byte to anybody else.

use crate::forwarding::{meeting, received, tick};
use crate::world::{World, peer, subscription, track_id};
use lectern_control::Revision;
use lectern_control::node::{Command, CommandError};
use lectern_control::transport::Permissions;
use lectern_media::DropReason;
use lectern_wire::{Class, classify};

/// Datagrams with media that an engine has made for a client and not sent yet.
fn media_in_outbox(world: &mut World, place: usize) -> usize {
    let (now, address) = (world.now, world.clients[place].address);
    let output = world.engines[0].poll(now);
    let outbox = output.outbox;
    let to_client = outbox.packets().iter().filter(|packet| packet.remote == address);
    to_client.filter(|p| matches!(classify(outbox.bytes(p)), Class::Rtp | Class::Rtcp)).count()
}

#[test]
fn a_removed_peer_gets_not_one_packet_more() {
    let (mut world, mut video, mut audio) = meeting(2);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    // A frame reaches the engine, and before anything is sent the peer is removed.
    let frame = video.frame(3, false);
    frame.iter().for_each(|packet| world.clients[0].send(packet));
    let from = world.clients[0].address;
    for (_, mut bytes) in std::mem::take(&mut world.clients[0].outgoing) {
        world.give(0, from, &mut bytes);
    }
    assert_eq!(media_in_outbox(&mut world, 1), 3);
    let before = received(&world, 1, 1).len();
    world.command(0, Command::RemovePeer { peer: peer(1) });
    for _ in 0..10 {
        tick(&mut world, &mut video, &mut audio, true);
    }
    world.run_ms(2_000);
    assert_eq!(received(&world, 1, 1).len(), before);
    assert_eq!(received(&world, 2, 1).len(), before + 33, "the other one has them all");
    assert_eq!(world.engines[0].counters().subscriptions, 2);
}

#[test]
fn whoever_is_removed_is_told_and_whoever_has_moved_is_not() {
    let (mut world, _, _) = meeting(3);
    let is_told = |world: &World, place: usize| !world.clients[place].transport.is_connected();
    world.command(0, Command::Export { peer: peer(3) });
    world.command(0, Command::RemovePeer { peer: peer(3) });
    world.command(0, Command::RemovePeer { peer: peer(1) });
    world.run_ms(50);
    assert!(is_told(&world, 1));
    assert!(!is_told(&world, 0) && !is_told(&world, 2));
    assert!(!is_told(&world, 3), "another node speaks to it now");
    world.command(0, Command::CloseRoom);
    world.run_ms(50);
    assert!(is_told(&world, 0) && is_told(&world, 2) && !is_told(&world, 3));
}

#[test]
fn everybody_is_told_when_the_node_shuts_down() {
    let (mut world, _, _) = meeting(2);
    let now = world.now;
    world.engines[0].close(now);
    world.run_ms(50);
    assert!(world.clients.iter().all(|client| !client.transport.is_connected()));
    assert_eq!(world.engines[0].counters().peers, 0);
}

#[test]
fn without_permission_nothing_is_received_and_nothing_is_forwarded() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    let before = world.clients[1].rtp.len();
    let deaf = Permissions { subscribe: false, ..Permissions::ALL };
    world.command(0, Command::SetPermissions { peer: peer(1), permissions: deaf });
    let rtcp = world.clients[1].rtcp.len();
    for _ in 0..40 {
        tick(&mut world, &mut video, &mut audio, true);
    }
    assert_eq!(world.clients[1].rtp.len(), before);
    assert_eq!(world.clients[1].rtcp.len(), rtcp, "nor is it told of any stream");
    let refused = world.try_command(
        0,
        Revision(1),
        Command::Subscribe { peer: peer(1), track: track_id(2), parameters: subscription(2) },
    );
    assert_eq!(refused, Some(CommandError::NotPermitted));
    world.command(0, Command::SetPermissions { peer: peer(1), permissions: Permissions::ALL });
    tick(&mut world, &mut video, &mut audio, false);
    world.run_ms(50);
    assert!(world.clients[1].rtp.len() > before);

    let mute = Permissions { publish: false, ..Permissions::ALL };
    world.command(0, Command::SetPermissions { peer: peer(0), permissions: mute });
    world.run_ms(50);
    let before = world.clients[1].rtp.len();
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    assert_eq!(world.clients[1].rtp.len(), before);
    assert!(world.dropped(DropReason::NotPermitted) >= 4);
}

#[test]
fn who_is_not_subscribed_gets_nothing() {
    let (mut world, mut video, mut audio) = meeting(1);
    let bystander = world.join(Permissions::ALL);
    world.run_ms(1_000);
    for _ in 0..10 {
        tick(&mut world, &mut video, &mut audio, true);
    }
    assert!(world.clients[bystander].is_connected);
    assert!(world.clients[bystander].rtp.is_empty());
}

#[test]
fn a_track_that_was_unpublished_is_gone_for_everybody() {
    let (mut world, mut video, mut audio) = meeting(2);
    tick(&mut world, &mut video, &mut audio, true);
    world.command(0, Command::Unpublish { track: track_id(1) });
    world.run_ms(50);
    let before = received(&world, 1, 1).len();
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    assert_eq!(received(&world, 1, 1).len(), before);
    assert_eq!(received(&world, 1, 2).len(), 2, "the other track goes on");
    assert_eq!(world.engines[0].counters().tracks, 1);
}

#[test]
fn a_stream_that_is_subscribed_again_goes_on_with_its_numbers() {
    let (mut world, mut video, mut audio) = meeting(2);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    let last = received(&world, 1, 1).last().expect("packets").index;
    for _ in 0..3 {
        world.command(0, Command::Unsubscribe { peer: peer(1), track: track_id(1) });
        tick(&mut world, &mut video, &mut audio, true);
        world.subscribe(1, 1);
        tick(&mut world, &mut video, &mut audio, true);
    }
    world.run_ms(50);
    let packets = received(&world, 1, 1);
    assert!(packets.len() > 12);
    assert!(packets.iter().skip(3).all(|packet| packet.index > last));
    assert!(packets.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
    assert_eq!(world.dropped(DropReason::SrtpIndexReused), 0);
}
