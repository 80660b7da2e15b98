//! What a subscriber gets of a track: each packet once, in its own numbers.

use crate::client::Rtp;
use crate::stream::{AUDIO_TICKS, FRAME_TICKS, Stream};
use crate::world::{
    OPUS, SUBSCRIBER_OFFSET, VP8, World, camera, microphone, participant, subscriber_ssrc, track_id,
};
use lectern_control::node::Event;
use lectern_media::DropReason;
use lectern_wire::NtpTime;
use lectern_wire::extension::{AbsoluteCaptureTime, PlayoutDelay};
use std::collections::BTreeSet;
use std::time::Duration;

/// Header extensions of a client, as it has mapped them.
const TRANSPORT_SEQUENCE: u8 = 3;
const MID: u8 = 4;

/// What a client has received of a track.
pub fn received(world: &World, place: usize, track: u64) -> Vec<Rtp> {
    let ssrc = subscriber_ssrc(track);
    world.clients[place].rtp.iter().filter(|packet| packet.ssrc == ssrc).cloned().collect()
}

/// One publisher of a camera (track 1) and a microphone (track 2), and so many subscribers.
pub fn meeting(subscribers: usize) -> (World, Stream, Stream) {
    meeting_of(World::with_clients(1 + subscribers))
}

/// The same with clients who are connected already; the first one publishes.
pub fn meeting_of(mut world: World) -> (World, Stream, Stream) {
    let subscribers = world.clients.len() - 1;
    world.publish(0, 1, camera("0", &[]));
    world.publish(0, 2, microphone("1"));
    for place in 1..=subscribers {
        world.subscribe(place, 1);
        world.subscribe(place, 2);
    }
    (world, Stream::new(500, "0", None), Stream::new(600, "1", None))
}

/// Sends a frame and a packet of sound, and lets a frame's time pass.
pub fn tick(world: &mut World, video: &mut Stream, audio: &mut Stream, keyframe: bool) {
    for packet in video.frame(3, keyframe) {
        world.clients[0].send(&packet);
    }
    let sound = audio.sound(30);
    world.clients[0].send(&sound);
    world.run_ms(33);
}

#[test]
fn every_subscriber_gets_every_packet_once_and_in_its_own_numbers() {
    let (mut world, mut video, mut audio) = meeting(2);
    for frame in 0..300 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    world.run_ms(100);
    for place in 1..=2 {
        let pictures = received(&world, place, 1);
        assert_eq!(pictures.len(), 900);
        assert!(pictures.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
        assert!(pictures.iter().all(|packet| packet.payload_type == VP8 + SUBSCRIBER_OFFSET));
        assert_eq!(pictures.iter().filter(|packet| packet.marker).count(), 300);
        let times: BTreeSet<u32> = pictures.iter().map(|packet| packet.timestamp).collect();
        assert_eq!(times.len(), 300);
        let span = pictures[899].timestamp.wrapping_sub(pictures[0].timestamp);
        assert_eq!(span, 299 * FRAME_TICKS);
        let sound = received(&world, place, 2);
        assert_eq!(sound.len(), 300);
        assert!(sound.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
        assert!(sound.iter().all(|packet| packet.payload_type == OPUS + SUBSCRIBER_OFFSET));
        assert!(sound.iter().all(|packet| packet.extensions.contains(&(1, vec![0x80 | 30]))));
    }
    assert!(world.clients[0].rtp.is_empty(), "the publisher gets nothing back");
    let first = |place: usize| received(&world, place, 1)[0].index;
    assert_ne!(first(1), first(2), "numbers begin at random");
}

#[test]
fn timestamps_go_on_evenly_for_days() {
    const STEP: u32 = 1 << 28;
    let (mut world, mut video, mut audio) = meeting(1);
    for frame in 0..40 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
        video.timestamp = video.timestamp.wrapping_add(STEP - FRAME_TICKS);
        audio.timestamp = audio.timestamp.wrapping_add(STEP - AUDIO_TICKS);
    }
    world.run_ms(100);
    for (track, packets) in [(1, 120), (2, 40)] {
        let mut times: Vec<u32> = received(&world, 1, track).iter().map(|p| p.timestamp).collect();
        assert_eq!(times.len(), packets);
        times.dedup();
        assert!(times.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == STEP), "{times:?}");
    }
}

#[test]
fn extensions_between_neighbours_stop_here_and_the_mid_is_the_subscriber_s() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    world.run_ms(100);
    for packet in received(&world, 1, 1) {
        let [(TRANSPORT_SEQUENCE, number), (MID, mid)] = packet.extensions.as_slice() else {
            panic!("{:?}", packet.extensions)
        };
        assert_eq!((number.len(), mid.as_slice()), (2, b"s1".as_slice()));
    }
}

#[test]
fn capture_times_and_playout_delays_are_passed_on_as_they_came() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    let captured = NtpTime(0x1234_5678_9abc_def0);
    let captured = AbsoluteCaptureTime { captured, clock_offset: Some(-7) };
    let (captured, captured_len) = captured.to_bytes();
    let delay = PlayoutDelay { min_centiseconds: 0, max_centiseconds: 40 }.to_bytes();
    let told = [(5, captured[..captured_len].to_vec()), (6, delay.to_vec())];
    for mut packet in video.frame(2, false) {
        packet.extensions.extend(told.clone());
        world.clients[0].send(&packet);
    }
    world.run_ms(50);
    let last = received(&world, 1, 1).split_off(3);
    assert_eq!(last.len(), 2);
    for packet in last {
        let passed = packet.extensions.iter().filter(|(id, _)| [5, 6].contains(id)).cloned();
        assert_eq!(passed.collect::<Vec<_>>(), told);
    }
}

#[test]
fn the_mid_is_left_out_once_the_subscriber_has_reported() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    let ssrc = lectern_wire::Ssrc(subscriber_ssrc(1));
    let block = lectern_wire::rtcp::ReportBlock {
        ssrc,
        fraction_lost: 0,
        cumulative_lost: 0,
        highest_sequence: 0,
        jitter: 0,
        last_sender_report: 0,
        delay_since_last: 0,
    };
    world.clients[1].send_rtcp(|writer| {
        writer.receiver_report(lectern_wire::Ssrc(1), &[block]).expect("room");
    });
    world.run_ms(50);
    tick(&mut world, &mut video, &mut audio, false);
    world.run_ms(50);
    let last = received(&world, 1, 1).pop().expect("packets");
    let ids: Vec<u8> = last.extensions.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [TRANSPORT_SEQUENCE]);
}

#[test]
fn a_track_says_once_that_it_has_started() {
    let (mut world, mut video, mut audio) = meeting(1);
    for _ in 0..10 {
        tick(&mut world, &mut video, &mut audio, true);
    }
    for track in [1, 2] {
        let started = Event::TrackStarted { track: track_id(track) };
        assert_eq!(world.events.iter().filter(|(_, event)| *event == started).count(), 1);
    }
}

#[test]
fn padding_leaves_no_gap() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    for _ in 0..20 {
        let mut padding = video.frame(1, false).remove(0);
        padding.payload.clear();
        world.clients[0].send(&padding);
        tick(&mut world, &mut video, &mut audio, false);
    }
    world.run_ms(50);
    let pictures = received(&world, 1, 1);
    assert_eq!(pictures.len(), 63);
    assert!(pictures.windows(2).all(|pair| pair[1].index == pair[0].index + 1));
    assert_eq!(world.dropped(DropReason::Padding), 20);
}

#[test]
fn packets_that_swapped_places_reach_the_subscriber() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    for _ in 0..50 {
        let (first, second) = (audio.sound(30), audio.sound(30));
        world.clients[0].send(&first);
        world.clients[0].send(&second);
        // The second overtakes the first on the way.
        world.clients[0].outgoing.reverse();
        world.run_ms(40);
    }
    let sound: BTreeSet<u64> = received(&world, 1, 2).iter().map(|packet| packet.index).collect();
    assert_eq!(sound.len(), 101, "none is lost for coming late");
}

#[test]
fn an_unknown_stream_or_payload_type_is_counted_and_goes_nowhere() {
    let (mut world, mut video, mut audio) = meeting(1);
    tick(&mut world, &mut video, &mut audio, true);
    let before = world.clients[1].rtp.len();
    let mut stranger = Stream::new(900, "nowhere", None).frame(1, true).remove(0);
    world.clients[0].send(&stranger);
    stranger.ssrc = 901;
    stranger.extensions.clear();
    stranger.payload_type = 55;
    world.clients[0].send(&stranger);
    let mut unmapped = video.frame(1, true).remove(0);
    unmapped.payload_type = 55;
    world.clients[0].send(&unmapped);
    world.run_ms(50);
    assert_eq!(world.clients[1].rtp.len(), before);
    assert_eq!(world.dropped(DropReason::UnknownStream), 2);
    assert_eq!(world.dropped(DropReason::UnknownPayloadType), 1);
}

#[test]
fn quality_is_told_of_both_sides_every_five_seconds() {
    let (mut world, mut video, mut audio) = meeting(1);
    for frame in 0..330 {
        // One packet of sound in four does not come.
        if frame % 4 == 0 {
            audio.index += 1;
        }
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    let quality = |place: usize| {
        let told = world.events.iter().filter_map(move |(_, event)| match event {
            Event::Quality { participant: who, quality } if *who == participant(place) => {
                Some(*quality)
            }
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let publisher = quality(0);
    assert!((2..=3).contains(&publisher.len()), "{publisher:?}");
    let loss = publisher[1].uplink_loss;
    assert!((0.04..0.08).contains(&loss), "one of five sounds, one of twenty packets: {loss}");
    assert_eq!(quality(1).len(), publisher.len());
    assert!(world.now - world.began > Duration::from_secs(10));
}
