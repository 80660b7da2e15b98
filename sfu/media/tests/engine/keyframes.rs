//! Keyframes: asked for sparingly, repeated until they come, and kept for those who come late.

use crate::client::Client;
use crate::forwarding::{meeting, received, tick};
use crate::stream::{FRAME_TICKS, Stream};
use crate::world::{World, peer, subscriber_ssrc, track_id};
use lectern_control::media::Wish;
use lectern_control::node::Command;
use lectern_control::transport::Permissions;
use lectern_media::DropReason;
use lectern_wire::Ssrc;
use lectern_wire::rtcp::{Packet, packets};

/// The streams of which a client was asked for keyframes, once for each request.
pub fn requested(client: &Client) -> Vec<Ssrc> {
    let all = client.rtcp.iter().flat_map(|compound| packets(compound));
    let asked = all.filter_map(|packet| match packet {
        Ok(Packet::PictureLoss(request)) => Some(request.media),
        _ => None,
    });
    asked.collect()
}

/// Keyframe requests a client has received.
pub fn requests(client: &Client) -> usize {
    requested(client).len()
}

fn lose_picture(world: &mut World, place: usize) {
    let media = Ssrc(subscriber_ssrc(1));
    world.clients[place].send_rtcp(|writer| {
        writer.picture_loss(Ssrc(1), media).expect("room");
    });
}

#[test]
fn a_storm_of_requests_is_passed_on_twice_a_second() {
    let (mut world, mut video, mut audio) = meeting(3);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(1_000);
    let before = requests(&world.clients[0]);
    let until = world.now + std::time::Duration::from_secs(4);
    while world.now < until {
        (1..=3).for_each(|place| lose_picture(&mut world, place));
        tick(&mut world, &mut video, &mut audio, false);
    }
    let passed_on = requests(&world.clients[0]) - before;
    assert!((7..=9).contains(&passed_on), "{passed_on} requests in 4 s");
    assert!(world.engines[0].counters().keyframe_requests_in > 300);
}

#[test]
fn a_request_is_repeated_until_the_keyframe_comes() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(1_000);
    let before = requests(&world.clients[0]);
    lose_picture(&mut world, 1);
    for _ in 0..60 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    let asked = requests(&world.clients[0]) - before;
    assert!((3..=5).contains(&asked), "{asked} requests in 2 s");
    tick(&mut world, &mut video, &mut audio, true);
    for _ in 0..60 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    assert_eq!(requests(&world.clients[0]) - before, asked);
}

#[test]
fn nothing_is_sent_before_a_keyframe() {
    let (mut world, mut video, mut audio) = meeting(1);
    for _ in 0..10 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    assert!(received(&world, 1, 1).is_empty());
    assert_eq!(world.dropped(DropReason::AwaitsKeyframe), 30);
    assert!(requests(&world.clients[0]) >= 1, "a keyframe is asked for when somebody joins");
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(50);
    assert_eq!(received(&world, 1, 1).len(), 3);
    assert_eq!(received(&world, 1, 2).len(), 11, "sound does not wait");
}

#[test]
fn a_late_joiner_gets_the_picture_at_once_and_nobody_is_asked() {
    let (mut world, mut video, mut audio) = meeting(1);
    for frame in 0..60 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    let before = requests(&world.clients[0]);
    let late = world.join(Permissions::ALL);
    world.run_ms(1_000);
    world.subscribe(late, 1);
    world.run_ms(15);
    let caught_up = received(&world, late, 1);
    assert_eq!(caught_up.len(), 180, "all of the group is sent at once");
    for _ in 0..30 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    world.run_ms(50);
    let all = received(&world, late, 1);
    assert_eq!(all.len(), 270);
    assert!(all.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
    let span = caught_up[179].timestamp.wrapping_sub(caught_up[0].timestamp);
    assert!(span < FRAME_TICKS * 2, "what is old is shown quickly: {span} ticks");
    let live = all[269].timestamp.wrapping_sub(all[180].timestamp);
    assert_eq!(live, 29 * FRAME_TICKS, "what is live is not");
    assert_eq!(requests(&world.clients[0]), before);
}

#[test]
fn a_keyframe_whose_beginning_came_late_is_followed_by_what_came_before_it() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, false);
    let keyframe = video.frame(3, true);
    keyframe[1..].iter().for_each(|packet| world.clients[0].send(packet));
    world.run_ms(33);
    tick(&mut world, &mut video, &mut audio, false);
    assert!(received(&world, 1, 1).is_empty());
    let repair = video.repair(&keyframe[0]);
    world.clients[0].send(&repair);
    world.run_ms(30);
    let caught_up = received(&world, 1, 1);
    assert_eq!(caught_up.len(), 6, "the keyframe, and the frame after it");
    tick(&mut world, &mut video, &mut audio, false);
    let all = received(&world, 1, 1);
    assert!(all.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
    let spans = [(0, 3), (3, 6)].map(|(a, b)| all[b].timestamp.wrapping_sub(all[a].timestamp));
    assert!(spans[0] < FRAME_TICKS && spans[1] == FRAME_TICKS, "{spans:?}");
}

#[test]
fn a_group_with_a_hole_is_not_replayed() {
    let (mut world, mut video, mut audio) = meeting(1);
    for frame in 0..20 {
        if frame == 10 {
            video.index += 1;
        }
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    let before = requests(&world.clients[0]);
    let late = world.join(Permissions::ALL);
    world.run_ms(1_000);
    world.subscribe(late, 1);
    world.run_ms(100);
    assert!(received(&world, late, 1).is_empty());
    assert!(requests(&world.clients[0]) > before);
}

#[test]
fn pausing_and_going_on_begins_with_a_keyframe_and_leaves_no_gap() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    let pause = |hidden| {
        let wish = Wish { hidden, ..Wish::default() };
        Command::SetWish { peer: peer(1), track: track_id(1), wish }
    };
    world.command(0, pause(true));
    for _ in 0..30 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    assert_eq!(received(&world, 1, 1).len(), 3);
    world.command(0, pause(false));
    for _ in 0..5 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    world.run_ms(50);
    let packets = received(&world, 1, 1);
    assert!(packets.len() > 90, "the group that was kept, and what came since");
    assert!(packets.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
    assert_eq!(packets[3].payload[5] & 1, 0, "a keyframe");
}

#[test]
fn muting_stops_everything_and_unmuting_begins_with_a_new_keyframe() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(20);
    world.command(0, Command::SetMuted { track: track_id(1), muted: true });
    let before = received(&world, 1, 1).len();
    for _ in 0..10 {
        tick(&mut world, &mut video, &mut audio, true);
    }
    assert_eq!(received(&world, 1, 1).len(), before);
    assert_eq!(world.dropped(DropReason::Muted), 30);
    let asked = requests(&world.clients[0]);
    world.command(0, Command::SetMuted { track: track_id(1), muted: false });
    tick(&mut world, &mut video, &mut audio, false);
    world.run_ms(20);
    assert_eq!(received(&world, 1, 1).len(), before);
    assert!(requests(&world.clients[0]) > asked);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(20);
    let packets = received(&world, 1, 1);
    assert_eq!(packets.len(), before + 3);
    assert!(packets.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
}

#[test]
fn publishing_again_mutes_and_unmutes_as_well() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(20);
    let before = received(&world, 1, 1).len();
    let camera = |muted| {
        let mut parameters = crate::world::camera("0", &[]);
        parameters.muted = muted;
        parameters
    };
    world.publish(0, 1, camera(true));
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(20);
    assert_eq!(received(&world, 1, 1).len(), before);
    world.publish(0, 1, camera(false));
    tick(&mut world, &mut video, &mut audio, false);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(20);
    let packets = received(&world, 1, 1);
    assert_eq!(packets.len(), before + 3, "from the new keyframe on");
    assert!(packets.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
}

#[test]
fn a_client_that_wants_fir_only_is_asked_by_fir() {
    let mut world = World::with_clients(2);
    let mut parameters = crate::world::camera("0", &[]);
    parameters.codecs[0].feedback.pli = false;
    parameters.codecs[0].feedback.fir = true;
    world.publish(0, 1, parameters);
    world.subscribe(1, 1);
    let mut video = Stream::new(500, "0", None);
    for packet in video.frame(1, false) {
        world.clients[0].send(&packet);
    }
    world.run_ms(1_500);
    let all = world.clients[0].rtcp.iter().flat_map(|compound| packets(compound));
    let entries = all.filter_map(|packet| match packet {
        Ok(Packet::FullIntraRequest(request)) => Some(request.entries().collect::<Vec<_>>()),
        _ => None,
    });
    let sequences: Vec<u8> = entries.flatten().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, [0, 1, 2]);
}
