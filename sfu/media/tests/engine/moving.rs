//! A peer moves from one node to another: nothing is sent twice under one index, and the stream
//! goes on.

use crate::client::{Client, Rtp};
use crate::forwarding::{meeting_of, received, tick};
use crate::stream::{FRAME_TICKS, Stream};
use crate::world::{World, node_address, peer, subscriber_ssrc};
use lectern_control::node::{Command, CommandError, DisconnectReason, Event};
use lectern_control::transport::PeerParameters;
use lectern_control::{PeerId, Revision, Secret};
use lectern_media::{Config, Engine};
use lectern_wire::{Bitrate, Ssrc};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A meeting in which the server offers to everybody, so that it can move whoever it likes.
fn meeting(subscribers: usize) -> (World, Stream, Stream) {
    meeting_of(World::with_clients_who_offer(1 + subscribers, |_| false))
}

/// A second node joins the world of a meeting.
fn with_second_node(world: &mut World) {
    let config = Config {
        seed: [42; 32],
        addresses: vec![node_address(1)],
        epoch: (world.began, Duration::from_secs(1_700_000_000)),
        outbox_bytes: 1 << 20,
        estimates: true,
    };
    world.engines.push(Engine::new(world.now, config));
}

pub fn export(world: &mut World, place: usize) -> Secret<Vec<u8>> {
    world.command(0, Command::Export { peer: peer(place) });
    world.run_ms(60);
    let found = world.events.iter().find_map(|(_, event)| match event {
        Event::Exported { peer: id, state } if *id == peer(place) => Some(state.clone()),
        _ => None,
    });
    found.expect("the state")
}

fn moved_parameters(world: &World, place: usize) -> Box<PeerParameters> {
    Box::new(PeerParameters { generation: 1, ..world.parameters[place].clone() })
}

fn restore(world: &mut World, place: usize, state: Secret<Vec<u8>>) {
    let parameters = moved_parameters(world, place);
    world.command(1, Command::Restore { peer: peer(place), parameters, state });
}

fn has_moved(world: &World, id: PeerId) -> bool {
    world.events.iter().any(|(node, event)| *node == 1 && *event == Event::PeerMoved { peer: id })
}

fn assert_no_index_twice(packets: &[Rtp]) {
    let indices: BTreeSet<u64> = packets.iter().map(|packet| packet.index).collect();
    assert_eq!(indices.len(), packets.len());
}

/// The transport-wide number of a packet.
fn number(packet: &Rtp) -> u16 {
    let (_, value) = packet.extensions.iter().find(|(id, _)| *id == 3).expect("a number");
    u16::from_be_bytes([value[0], value[1]])
}

/// Receivers order by transport-wide numbers: after the move they go on above the former ones, and
/// not by so much that it would be taken for a step back.
fn assert_numbers_go_on(client: &Client, place: usize, before: usize) {
    let (former, next) = client.rtp.split_at(before);
    let last = number(former.last().expect("packets before"));
    let jump = number(next.first().expect("packets after")).wrapping_sub(last);
    assert!((2_048..1 << 15).contains(&jump), "client {place}: numbers jump by {jump}");
}

/// The estimates of a node's paths, by peer.
fn targets(world: &World, node: usize) -> BTreeMap<u64, Bitrate> {
    world.engines[node].paths().map(|path| (path.peer.0, path.target)).collect()
}

#[test]
fn a_room_moves_while_it_is_live() {
    let (mut world, mut video, mut audio) = meeting(2);
    for frame in 0..30 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    world.run_ms(50);
    let last: Vec<Rtp> =
        (1..=2).map(|place| received(&world, place, 1).pop().expect("packets")).collect();
    let all_before: Vec<usize> = world.clients.iter().map(|client| client.rtp.len()).collect();
    for client in &mut world.clients[1..] {
        client.send_rtcp(|writer| {
            writer.bitrate_estimate(Ssrc(1), Bitrate::kbps(1_500), &[]).expect("room");
        });
    }
    world.run_ms(50);
    let estimates = targets(&world, 0);
    assert_eq!(estimates[&peer(1).0], Bitrate::kbps(1_500));
    with_second_node(&mut world);
    // In an order in which no subscriber's track is there when it comes.
    for place in [1, 2, 0] {
        let state = export(&mut world, place);
        restore(&mut world, place, state);
    }
    world.run_ms(300);
    assert!((0..3).all(|place| has_moved(&world, peer(place))));
    assert_eq!(targets(&world, 1), estimates, "what is known of the paths goes along");
    let before: Vec<usize> = (1..=2).map(|place| received(&world, place, 1).len()).collect();
    for frame in 0..30 {
        tick(&mut world, &mut video, &mut audio, frame == 5);
    }
    world.run_ms(50);
    for (place, (last, before)) in (1..=2).zip(last.iter().zip(before)) {
        let packets = received(&world, place, 1);
        assert_no_index_twice(&packets);
        assert_eq!(packets.len(), before + 25 * 3, "from the keyframe on");
        let next = &packets[before];
        assert_eq!(next.payload[5] & 1, 0, "a keyframe");
        let jump = next.index - last.index;
        assert!((512..1 << 15).contains(&jump), "indices jump by {jump}");
        let passed = next.timestamp.wrapping_sub(last.timestamp);
        assert_eq!(passed, 6 * FRAME_TICKS, "timestamps keep their distance over the move");
        let sound = received(&world, place, 2);
        assert_no_index_twice(&sound);
        assert_eq!(sound.len(), 60, "sound goes on at once");
        assert_numbers_go_on(&world.clients[place], place, all_before[place]);
    }
    assert!(world.engines[1].counters().keyframe_requests_out > 0);
    assert_eq!(world.engines[1].counters().unattached, 0);
}

#[test]
fn after_the_export_nothing_is_sent_and_everything_is_received() {
    let (mut world, mut video, mut audio) = meeting(2);
    tick(&mut world, &mut video, &mut audio, true);
    export(&mut world, 0);
    export(&mut world, 1);
    world.clients[0].rtcp.clear();
    let gone = world.clients[1].rtp.len();
    let other = received(&world, 2, 1).len();
    for _ in 0..90 {
        tick(&mut world, &mut video, &mut audio, true);
    }
    let media = Ssrc(subscriber_ssrc(1));
    world.clients[1].send_rtcp(|writer| {
        writer.nack(Ssrc(1), media, [1, 2, 3]).expect("room");
        writer.picture_loss(Ssrc(1), media).expect("room");
    });
    world.run_ms(2_000);
    assert_eq!(world.clients[1].rtp.len(), gone, "not a packet under the old indices");
    assert!(world.clients[0].rtcp.is_empty(), "nor a report");
    assert_eq!(received(&world, 2, 1).len(), other + 270, "those who stay are served");
    let again = world.try_command(0, Revision(1), Command::Export { peer: peer(1) });
    assert!(matches!(again, Some(CommandError::Invalid(_))));
}

#[test]
fn what_ended_before_the_move_does_not_begin_again_under_old_indices() {
    let (mut world, mut video, mut audio) = meeting(1);
    for frame in 0..30 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    let track = crate::world::track_id(1);
    world.command(0, Command::Unsubscribe { peer: peer(1), track });
    with_second_node(&mut world);
    for place in [0, 1] {
        let state = export(&mut world, place);
        restore(&mut world, place, state);
    }
    world.run_ms(300);
    let before = received(&world, 1, 1);
    let parameters = crate::world::subscription(1);
    world.command(1, Command::Subscribe { peer: peer(1), track, parameters });
    for _ in 0..3 {
        tick(&mut world, &mut video, &mut audio, true);
    }
    world.run_ms(50);
    let packets = received(&world, 1, 1);
    assert_no_index_twice(&packets);
    assert_eq!(packets.len(), before.len() + 9);
    assert!(packets[before.len()].index >= before[before.len() - 1].index + 512);
}

#[test]
fn a_snapshot_that_is_damaged_is_refused() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    let state = export(&mut world, 1);
    with_second_node(&mut world);
    let whole = state.expose().clone();
    for len in [0, 1, whole.len() / 2, whole.len() - 1] {
        let state = Secret::new(whole[..len].to_vec());
        let parameters = moved_parameters(&world, 1);
        let command = Command::Restore { peer: peer(1), parameters, state };
        let error = world.try_command(1, Revision(1), command);
        assert!(matches!(error, Some(CommandError::Invalid(_))), "{len} of {} bytes", whole.len());
        assert_eq!(world.engines[1].counters().peers, 0);
        assert_eq!(world.engines[1].counters().rooms, 0);
    }
    assert!(whole.len() < 64 << 10, "{} bytes", whole.len());
}

#[test]
fn a_publisher_s_streams_are_known_at_the_new_node_without_mid_or_rid() {
    let (mut world, mut video, mut audio) = meeting(1);
    // Another track has the same payload types: only the SSRC can tell.
    world.publish(0, 3, crate::world::camera("2", &[]));
    tick(&mut world, &mut video, &mut audio, true);
    with_second_node(&mut world);
    for place in [0, 1] {
        let state = export(&mut world, place);
        restore(&mut world, place, state);
    }
    world.run_ms(300);
    let before = received(&world, 1, 1).len();
    let send = |world: &mut World, stream: &mut Stream| {
        for mut packet in stream.frame(3, true) {
            packet.extensions.clear();
            world.clients[0].send(&packet);
        }
        world.run_ms(50);
    };
    send(&mut world, &mut video);
    assert_eq!(received(&world, 1, 1).len(), before + 3);
}

#[test]
fn a_peer_that_comes_back_finds_its_place_and_one_that_does_not_is_forgotten() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    with_second_node(&mut world);
    for place in [0, 1] {
        let state = export(&mut world, place);
        restore(&mut world, place, state);
    }
    world.run_ms(300);
    assert_eq!(world.engines[0].counters().peers, 2, "they are still received from");
    // Back again, before anybody has removed them.
    for place in [0, 1] {
        world.events.clear();
        world.command(1, Command::Export { peer: peer(place) });
        world.run_ms(300);
        let state = world.events.iter().find_map(|(_, event)| match event {
            Event::Exported { state, .. } => Some(state.clone()),
            _ => None,
        });
        let state = state.expect("the state");
        let parameters = moved_parameters(&world, place);
        let parameters = Box::new(PeerParameters { generation: 2, ..*parameters });
        world.command(0, Command::Restore { peer: peer(place), parameters, state });
    }
    let counters = world.engines[0].counters();
    assert_eq!((counters.peers, counters.tracks, counters.subscriptions), (2, 2, 2));
    world.run(Duration::from_secs(61));
    assert_eq!(world.engines[1].counters().peers, 0, "nobody removed them, and they are gone");
    for place in [0, 1] {
        let reason = DisconnectReason::ConsentExpired;
        let told = (1, Event::PeerDisconnected { peer: peer(place), reason });
        assert!(world.events.contains(&told), "and whoever counts them is told");
    }
    assert_eq!(world.engines[1].counters().rooms, 0);
}
