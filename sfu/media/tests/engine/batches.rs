//! Batches: what comes together leaves together, and a full outbox loses nothing.

use crate::forwarding::{meeting, tick};
use crate::stream::Stream;
use crate::world::{World, node_address};
use lectern_media::{Datagram, Progress};
use std::net::SocketAddr;

/// A frame of equal packets as datagrams of the first client, and where they come from.
fn frame(world: &mut World, video: &mut Stream, payload_len: usize) -> (SocketAddr, Vec<Vec<u8>>) {
    for mut packet in video.frame(5, false) {
        packet.payload.resize(payload_len, 7);
        world.clients[0].send(&packet);
    }
    sent_by_first(world)
}

/// What the first client has sent and the node has not got, and where it comes from.
fn sent_by_first(world: &mut World) -> (SocketAddr, Vec<Vec<u8>>) {
    let client = &mut world.clients[0];
    let datagrams = std::mem::take(&mut client.outgoing);
    (client.address, datagrams.into_iter().map(|(_, bytes)| bytes).collect())
}

#[test]
fn a_frame_is_one_run_for_each_subscriber() {
    let (mut world, mut video, mut audio) = meeting(3);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    let (remote, mut datagrams) = frame(&mut world, &mut video, 1_000);
    let (now, local) = (world.now, node_address(0));
    let batch = datagrams.iter_mut().map(|bytes| Datagram { local, remote, bytes });
    assert_eq!(world.engines[0].handle_batch(now, batch), Progress::Done);
    let output = world.engines[0].poll(now);
    let runs: Vec<(SocketAddr, usize)> =
        output.outbox.runs(64).map(|run| (run[0].remote, run.len())).collect();
    let expected: Vec<_> = (1..=3).map(|place| (world.clients[place].address, 5)).collect();
    assert_eq!(runs, expected);
}

#[test]
fn a_full_outbox_is_flushed_in_the_middle_of_a_batch_and_nothing_is_lost() {
    let (mut world, mut video, mut audio) = meeting(3);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    // More than the outbox of a megabyte, for 3 subscribers. Sound waits for no turn.
    for _ in 0..2_000 {
        let mut packet = audio.sound(30);
        packet.payload.resize(1_000, 7);
        world.clients[0].send(&packet);
    }
    let (remote, mut datagrams) = sent_by_first(&mut world);
    let (now, local) = (world.now, node_address(0));
    let mut batch = datagrams.iter_mut().map(|bytes| Datagram { local, remote, bytes });
    let (mut flushes, mut sent) = (0, 0);
    loop {
        let progress = world.engines[0].handle_batch(now, &mut batch);
        let packets = world.engines[0].poll(now).outbox.packets().len();
        sent += packets;
        world.engines[0].sent();
        if progress == Progress::Done {
            break;
        }
        flushes += 1;
        assert!(packets > 900, "a megabyte at once");
    }
    assert!((4..=8).contains(&flushes), "{flushes} flushes");
    assert!(sent >= 2_000 * 3, "{sent} datagrams");
}
