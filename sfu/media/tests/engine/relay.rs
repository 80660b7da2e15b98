//! What a recorder gets: the packets of a track as they were sent, and its clock.

use crate::forwarding::{meeting, tick};
use crate::keyframes::requests;
use crate::stream::Stream;
use crate::world::{ROOM, VP8, World, camera, track_id};
use lectern_control::media::CodecName;
use lectern_control::node::{Command, CommandError};
use lectern_control::relay::{Content, Record, records};
use lectern_control::{RecordingId, Revision, TrackId};
use lectern_wire::rtcp::SenderInfo;
use lectern_wire::rtp::View;
use lectern_wire::{NtpTime, RtpTime, Ssrc};
use std::time::Duration;

const RECORDING: RecordingId = RecordingId(77);

/// A record without its lifetime.
#[derive(Debug, Clone)]
struct Kept {
    track: TrackId,
    stream: u32,
    arrival: u64,
    packet: Option<Packet>,
    report: Option<(u64, u32)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Packet {
    number: u64,
    keyframe: bool,
    level: Option<u8>,
    payload_type: u8,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

fn kept(record: &Record<'_>) -> Kept {
    let (mut packet, mut report) = (None, None);
    match record.content {
        Content::Packet { number, keyframe, level, rtp, codec, .. } => {
            let view = View::parse(rtp).expect("RTP");
            let fields = view.header.fields;
            assert_eq!(fields.sequence, number as u16);
            let is_sound = codec == CodecName::Opus;
            assert!(is_sound || codec == CodecName::Vp8);
            packet = Some(Packet {
                number,
                keyframe,
                level,
                payload_type: fields.payload_type.value(),
                timestamp: fields.timestamp.0,
                marker: fields.marker,
                payload: view.payload().to_vec(),
            });
        }
        Content::Report { ntp, rtp } => report = Some((ntp, rtp)),
        Content::Lost { .. } => panic!("nothing is lost here"),
    }
    let (track, stream, arrival) = (record.track, record.stream, record.arrival_unix_us);
    Kept { track, stream, arrival, packet, report }
}

fn open(world: &mut World) {
    let recorder = "recorder-1".parse().expect("a name");
    let command = Command::OpenRelay { recording: RECORDING, recorder, addresses: Vec::new() };
    world.command(0, command);
}

fn record(world: &mut World, track: u64) {
    let track = track_id(track);
    world.command(0, Command::RelayTrack { recording: RECORDING, track });
}

/// What waits for the recorder.
fn take(world: &mut World) -> Vec<Kept> {
    let mut all = Vec::new();
    for relay in world.engines[0].outgoing_relays() {
        assert_eq!((relay.recording, relay.room), (RECORDING, ROOM));
        let batch = records(relay.records()).collect::<Result<Vec<_>, _>>().expect("whole");
        all.extend(batch.iter().map(kept));
        relay.taken();
    }
    world.engines[0].sweep_relays();
    all
}

fn pictures(kept: &[Kept]) -> Vec<Packet> {
    let of_track = kept.iter().filter(|kept| kept.track == track_id(1));
    of_track.filter_map(|kept| kept.packet.clone()).collect()
}

#[test]
fn a_recorder_gets_every_packet_as_it_was_sent() {
    let (mut world, mut video, mut audio) = meeting(0);
    open(&mut world);
    record(&mut world, 1);
    record(&mut world, 2);
    let (first_picture, first_sound) = (video.clone(), audio.clone());
    for frame in 0..60 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    let kept = take(&mut world);
    let pictures = pictures(&kept);
    assert_eq!(pictures.len(), 180);
    let mut again = first_picture.clone();
    let sent = (0..60).flat_map(|frame| again.frame(3, frame == 0));
    for ((packet, sent), place) in pictures.iter().zip(sent).zip(0..) {
        assert_eq!(packet.payload, sent.payload);
        assert_eq!((packet.timestamp, packet.marker), (sent.timestamp, sent.marker));
        assert_eq!((packet.payload_type, packet.keyframe), (VP8, place == 0));
        assert_eq!(packet.number, pictures[0].number + place);
    }
    let sounds: Vec<_> = kept.iter().filter(|kept| kept.track == track_id(2)).collect();
    let sounds: Vec<_> = sounds.iter().filter_map(|kept| kept.packet.clone()).collect();
    assert_eq!(sounds.len(), 60);
    assert!(sounds.iter().all(|packet| packet.level == Some(30)));
    assert_eq!(sounds[0].timestamp, first_sound.timestamp);
    let began = Duration::from_secs(1_700_000_000).as_micros() as u64;
    assert!(kept.iter().all(|kept| (began..began + 10_000_000).contains(&kept.arrival)));
    assert!(kept.windows(2).all(|pair| pair[0].arrival <= pair[1].arrival));
    assert_eq!(world.engines[0].counters().relayed, 240);
}

#[test]
fn nothing_more_of_a_track_is_sent_that_is_not_to_be_recorded_any_longer() {
    let (mut world, mut video, mut audio) = meeting(0);
    open(&mut world);
    record(&mut world, 1);
    record(&mut world, 2);
    tick(&mut world, &mut video, &mut audio, true);
    assert!(!pictures(&take(&mut world)).is_empty());
    let (recording, track) = (RECORDING, track_id(1));
    world.command(0, Command::UnrelayTrack { recording, track });
    tick(&mut world, &mut video, &mut audio, true);
    let kept = take(&mut world);
    assert!(pictures(&kept).is_empty() && !kept.is_empty(), "the other one goes on");
    record(&mut world, 1);
    tick(&mut world, &mut video, &mut audio, true);
    assert!(!pictures(&take(&mut world)).is_empty());
}

#[test]
fn what_was_lost_and_sent_again_has_its_own_number_and_payload() {
    let (mut world, mut video, mut audio) = meeting(0);
    open(&mut world);
    record(&mut world, 1);
    tick(&mut world, &mut video, &mut audio, true);
    let frame = video.frame(3, false);
    world.clients[0].send(&frame[0]);
    world.clients[0].send(&frame[2]);
    world.run_ms(33);
    let repair = video.repair(&frame[1]);
    world.clients[0].send(&repair);
    world.run_ms(33);
    let mut pictures = pictures(&take(&mut world));
    assert_eq!(pictures.len(), 6);
    pictures.sort_by_key(|packet| packet.number);
    assert!(pictures.windows(2).all(|pair| pair[1].number == pair[0].number + 1));
    assert_eq!(pictures[4].payload, frame[1].payload);
    assert_eq!((pictures[4].payload_type, pictures[4].timestamp), (VP8, frame[1].timestamp));
}

#[test]
fn a_recording_that_begins_late_has_the_picture_at_once_and_nobody_is_asked() {
    let (mut world, mut video, mut audio) = meeting(0);
    for frame in 0..40 {
        tick(&mut world, &mut video, &mut audio, frame == 0);
    }
    world.run_ms(2_000);
    let before = requests(&world.clients[0]);
    open(&mut world);
    record(&mut world, 1);
    let pictures = pictures(&take(&mut world));
    assert_eq!(pictures.len(), 120, "the whole group");
    assert!(pictures[0].keyframe);
    world.run_ms(500);
    assert_eq!(requests(&world.clients[0]), before);
}

#[test]
fn a_recording_without_a_kept_group_begins_with_a_keyframe_that_it_asks_for() {
    let (mut world, mut video, mut audio) = meeting(0);
    for _ in 0..5 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    world.run_ms(1_000);
    let before = requests(&world.clients[0]);
    open(&mut world);
    record(&mut world, 1);
    tick(&mut world, &mut video, &mut audio, false);
    assert!(pictures(&take(&mut world)).is_empty());
    assert_eq!(requests(&world.clients[0]), before + 1);
    tick(&mut world, &mut video, &mut audio, true);
    assert_eq!(pictures(&take(&mut world)).len(), 3);
    world.run_ms(1_000);
    let now = world.now;
    world.engines[0].want_keyframe(now, RECORDING, track_id(1));
    world.run_ms(100);
    assert_eq!(requests(&world.clients[0]), before + 2);
    world.engines[0].want_keyframe(now, RecordingId(1), track_id(1));
    world.engines[0].want_keyframe(now, RECORDING, track_id(2));
}

#[test]
fn the_beginning_of_a_keyframe_that_comes_late_brings_the_rest() {
    let (mut world, mut video, mut audio) = meeting(0);
    open(&mut world);
    record(&mut world, 1);
    tick(&mut world, &mut video, &mut audio, false);
    let frame = video.frame(3, true);
    world.clients[0].send(&frame[1]);
    world.clients[0].send(&frame[2]);
    world.run_ms(33);
    assert!(pictures(&take(&mut world)).is_empty());
    let repair = video.repair(&frame[0]);
    world.clients[0].send(&repair);
    world.run_ms(33);
    let payloads: Vec<_> = pictures(&take(&mut world)).into_iter().map(|p| p.payload).collect();
    assert_eq!(payloads, frame.iter().map(|packet| packet.payload.clone()).collect::<Vec<_>>());
}

#[test]
fn of_several_layers_the_best_is_recorded_and_changes_at_a_keyframe() {
    let mut world = World::with_clients(1);
    world.publish(0, 1, camera("0", &["q", "f"]));
    open(&mut world);
    record(&mut world, 1);
    let (mut low, mut high) = (Stream::new(510, "0", Some("q")), Stream::new(530, "0", Some("f")));
    let mut send = |world: &mut World, with_high: bool, keyframe: bool| {
        let frames = [low.frame(1, keyframe), high.frame(4, keyframe)];
        for packet in frames.iter().take(1 + usize::from(with_high)).flatten() {
            world.clients[0].send(packet);
        }
        world.run_ms(33);
    };
    (0..10).for_each(|frame| send(&mut world, false, frame == 0));
    send(&mut world, true, true);
    (0..10).for_each(|_| send(&mut world, true, false));
    let kept = take(&mut world);
    let streams: Vec<u32> = kept.iter().map(|kept| kept.stream).collect();
    let lives: Vec<usize> = streams.chunk_by(|a, b| a == b).map(<[u32]>::len).collect();
    // The low layer of the frame with which the high one begins comes before it.
    assert_eq!(lives, [11, 44]);
}

#[test]
fn nothing_comes_while_muted_or_after_the_end_and_it_goes_on_with_a_keyframe() {
    let (mut world, mut video, mut audio) = meeting(0);
    open(&mut world);
    record(&mut world, 1);
    tick(&mut world, &mut video, &mut audio, true);
    assert_eq!(pictures(&take(&mut world)).len(), 3);
    let mute = |muted| Command::SetMuted { track: track_id(1), muted };
    world.command(0, mute(true));
    tick(&mut world, &mut video, &mut audio, true);
    world.command(0, mute(false));
    tick(&mut world, &mut video, &mut audio, false);
    assert!(take(&mut world).is_empty());
    tick(&mut world, &mut video, &mut audio, true);
    world.command(0, Command::CloseRelay { recording: RECORDING });
    tick(&mut world, &mut video, &mut audio, true);
    let ends: Vec<bool> =
        world.engines[0].outgoing_relays().map(|relay| relay.is_ended()).collect();
    assert_eq!(ends, [true]);
    assert_eq!(pictures(&take(&mut world)).len(), 3);
    tick(&mut world, &mut video, &mut audio, true);
    assert_eq!(world.engines[0].outgoing_relays().count(), 0);
}

#[test]
fn a_track_that_is_published_later_is_recorded_from_its_beginning() {
    let (mut world, mut video, mut audio) = meeting(0);
    world.command(0, Command::Unpublish { track: track_id(1) });
    open(&mut world);
    record(&mut world, 1);
    world.publish(0, 1, camera("0", &[]));
    tick(&mut world, &mut video, &mut audio, true);
    assert_eq!(pictures(&take(&mut world)).len(), 3);
    world.command(0, Command::CloseRoom);
    assert!(world.engines[0].outgoing_relays().all(|relay| relay.is_ended()));
}

#[test]
fn a_publisher_s_clock_goes_with_its_packets() {
    let (mut world, mut video, mut audio) = meeting(0);
    let report = |world: &mut World, stream: &Stream, seconds: u64| {
        let ntp = NtpTime::from_unix(Duration::from_secs(1_600_000_000 + seconds));
        let info = SenderInfo { ntp, rtp: RtpTime(seconds as u32), packets: 1, payload_bytes: 1 };
        let ssrc = Ssrc(stream.ssrc);
        world.clients[0].send_rtcp(|writer| writer.sender_report(ssrc, &info, &[]).expect("room"));
        world.run_ms(20);
        ntp.0
    };
    tick(&mut world, &mut video, &mut audio, true);
    let before = report(&mut world, &video, 5);
    open(&mut world);
    record(&mut world, 1);
    let after = report(&mut world, &video, 6);
    report(&mut world, &audio, 7);
    let kept = take(&mut world);
    let reports: Vec<_> = kept.iter().filter_map(|kept| kept.report).collect();
    assert_eq!(reports, [(before, 5), (after, 6)], "the one before it began too");
    assert!(kept[0].report.is_some(), "the clock is known before the first picture");
}

#[test]
fn a_relay_of_another_room_or_of_an_old_lease_is_refused() {
    let (mut world, _, _) = meeting(0);
    let track = Command::RelayTrack { recording: RECORDING, track: track_id(1) };
    let refused = world.try_command(0, Revision(1), track.clone());
    assert!(matches!(refused, Some(CommandError::Invalid(_))), "{refused:?}");
    open(&mut world);
    let fenced = world.try_command(0, Revision(0), track);
    assert_eq!(fenced, Some(CommandError::Fenced));
}
