//! A line that becomes slow while much of a shared screen waits for it: the lower layer begins soon.

use crate::client::Rtp;
use crate::forwarding::received;
use crate::keyframes::requested;
use crate::stream::Stream;
use crate::world::{World, camera};
use lectern_control::media::{PublicationParameters, Source};
use lectern_wire::{Bitrate, Ssrc};

const LOW: u32 = 510;
const HIGH: u32 = 520;

fn screen() -> PublicationParameters {
    PublicationParameters { source: Source::Screen, ..camera("0", &["q", "f"]) }
}

fn send(world: &mut World, stream: &mut Stream, packets: u8, keyframe: bool) {
    stream.frame(packets, keyframe).iter().for_each(|packet| world.clients[0].send(packet));
}

fn estimate(world: &mut World, kbps: u64) {
    world.clients[1].send_rtcp(|writer| {
        writer.bitrate_estimate(Ssrc(1), Bitrate::kbps(kbps), &[]).expect("room");
    });
    world.run_ms(15);
}

/// A screen in two layers, seen for so many frames since the lower one's keyframe; then a new slide, and
/// the line becomes slow before it has left. Gives what the viewer had received until then, too.
fn narrowed(frames: usize) -> (World, [Stream; 2], usize) {
    let mut world = World::with_clients(2);
    world.publish(0, 1, screen());
    world.subscribe(1, 1);
    let [mut low, mut high] =
        [(LOW, "q"), (HIGH, "f")].map(|(ssrc, rid)| Stream::new(ssrc, "0", Some(rid)));
    estimate(&mut world, 3_000);
    for frame in 0..frames {
        send(&mut world, &mut low, 1, frame == 0);
        send(&mut world, &mut high, 6, frame == 0);
        world.run_ms(33);
    }
    let before = received(&world, 1, 1).len();
    assert!(before > frames * 5, "the better layer is sent: {before}");
    send(&mut world, &mut high, 255, false);
    estimate(&mut world, 180);
    (world, [low, high], before)
}

/// The lower layer's packets are the only ones of their frame.
fn is_low(packets: &[Rtp], place: usize) -> bool {
    let timestamp = packets[place].timestamp;
    packets.iter().filter(|packet| packet.timestamp == timestamp).count() == 1
}

#[test]
fn slides_of_long_ago_are_not_sent_before_the_new_one() {
    let (mut world, [mut low, mut high], before) = narrowed(150);
    world.run_ms(300);
    let asked = requested(&world.clients[0]);
    assert!(asked.contains(&Ssrc(LOW)), "a new keyframe is sooner: {asked:?}");
    let waited = received(&world, 1, 1).len() - before;
    assert!(waited < 200, "neither the slide nor the old group is sent on: {waited}");
    send(&mut world, &mut low, 4, true);
    send(&mut world, &mut high, 6, false);
    world.run_ms(100);
    let packets = received(&world, 1, 1);
    let newest = packets.last().expect("packets");
    assert_eq!(newest.payload.get(5), Some(&0), "the keyframe is the next");
    assert_eq!(packets.iter().filter(|one| one.timestamp == newest.timestamp).count(), 4);
    assert!(world.engines[0].counters().dropped(lectern_media::DropReason::Withdrawn) > 0);
}

#[test]
fn a_young_group_is_sent_again_and_nobody_is_asked() {
    let (mut world, [mut low, _], before) = narrowed(60);
    let asked = requested(&world.clients[0]).len();
    world.run_ms(1_500);
    assert!(requested(&world.clients[0])[asked..].is_empty(), "the others need no keyframe");
    send(&mut world, &mut low, 1, false);
    world.run_ms(200);
    let packets = received(&world, 1, 1);
    let group = (before..packets.len()).filter(|place| is_low(&packets, *place)).count();
    assert!(group >= 55, "all of the lower layer's group has come: {group}");
}

#[test]
fn without_an_answer_the_old_group_is_sent_after_all() {
    let (mut world, _, before) = narrowed(150);
    world.run_ms(4_000);
    let packets = received(&world, 1, 1);
    let group = (before..packets.len()).filter(|place| is_low(&packets, *place)).count();
    assert!(group >= 100, "the group that is there will do: {group}");
}
