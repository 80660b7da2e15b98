//! Reports both ways: loss, round trips, the sender's clock, and transport-wide feedback.

use crate::client::Client;
use crate::forwarding::{meeting, tick};
use crate::stream::Stream;
use crate::world::{World, camera, participant, subscriber_ssrc};
use lectern_control::node::Event;
use lectern_wire::rtcp::report::{SenderInfo, delay_units};
use lectern_wire::rtcp::{Packet, ReportBlock, packets};
use lectern_wire::{NtpTime, RtpTime, Ssrc};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn blocks(client: &Client) -> Vec<ReportBlock> {
    let all = client.rtcp.iter().flat_map(|compound| packets(compound));
    let reports = all.filter_map(|packet| match packet {
        Ok(Packet::ReceiverReport(report)) => Some(report),
        _ => None,
    });
    reports.flat_map(|report| report.blocks()).collect()
}

fn sender_reports(client: &Client, ssrc: u32) -> Vec<SenderInfo> {
    let all = client.rtcp.iter().flat_map(|compound| packets(compound));
    let infos = all.filter_map(|packet| match packet {
        Ok(Packet::SenderReport(report)) if report.ssrc.0 == ssrc => Some(report.info),
        _ => None,
    });
    infos.collect()
}

/// The publisher says what its timestamps mean: it began at `began`, on a clock of its own.
fn report_clock(world: &mut World, stream: &Stream, base: u32, rate: u128, began: Instant) {
    let passed = world.now - began;
    let ntp = NtpTime::from_unix(Duration::from_secs(1_600_000_000) + passed);
    let rtp = RtpTime(base.wrapping_add((passed.as_nanos() * rate / 1_000_000_000) as u32));
    let info = SenderInfo { ntp, rtp, packets: 1, payload_bytes: 1 };
    let ssrc = Ssrc(stream.ssrc);
    world.clients[0].send_rtcp(|writer| writer.sender_report(ssrc, &info, &[]).expect("room"));
}

#[test]
fn the_publisher_is_told_what_was_lost_and_its_own_report_is_quoted() {
    let (mut world, mut video, mut audio) = meeting(1);
    let began = world.now;
    let base = audio.timestamp;
    report_clock(&mut world, &audio, base, 48_000, began);
    for frame in 0..120 {
        if frame % 10 == 9 {
            audio.index += 1;
        }
        tick(&mut world, &mut video, &mut audio, frame == 0);
        if frame == 60 {
            let ntp = world.now - began;
            report_clock(&mut world, &audio, base, 48_000, began);
            assert!(ntp > Duration::from_secs(1));
        }
    }
    let blocks = blocks(&world.clients[0]);
    let sound: Vec<_> = blocks.iter().filter(|block| block.ssrc.0 == audio.ssrc).collect();
    let picture: Vec<_> = blocks.iter().filter(|block| block.ssrc.0 == video.ssrc).collect();
    assert!((3..=5).contains(&sound.len()), "{} reports in 4 s", sound.len());
    let last = sound[sound.len() - 1];
    assert!((9..=12).contains(&last.cumulative_lost), "{last:?}");
    assert!((15..=35).contains(&last.fraction_lost), "one of eleven: {last:?}");
    assert!(
        last.last_sender_report != 0 && last.delay_since_last < delay_units(Duration::from_secs(3))
    );
    assert!(picture.iter().all(|block| block.cumulative_lost == 0));
}

#[test]
fn lips_stay_in_step_at_the_subscriber() {
    let (mut world, mut video, mut audio) = meeting(1);
    let (began, video_base, audio_base) = (world.now, video.timestamp, audio.timestamp);
    for frame in 0..150 {
        let passed = (world.now - began).as_nanos();
        video.timestamp = video_base.wrapping_add((passed * 90_000 / 1_000_000_000) as u32);
        audio.timestamp = audio_base.wrapping_add((passed * 48_000 / 1_000_000_000) as u32);
        tick(&mut world, &mut video, &mut audio, frame == 0);
        if frame == 10 {
            report_clock(&mut world, &video, video_base, 90_000, began);
            world.run_ms(7);
            report_clock(&mut world, &audio, audio_base, 48_000, began);
        }
    }
    let client = &world.clients[1];
    let (pictures, sounds) =
        (sender_reports(client, subscriber_ssrc(1)), sender_reports(client, subscriber_ssrc(2)));
    assert!(pictures.len() >= 3 && sounds.len() >= 3, "a report each second");
    // When was each packet sampled, on the one clock of the publisher?
    let moment = |info: &SenderInfo, rtp: u32, rate: f64| {
        let unix = info.ntp.to_unix().as_secs_f64();
        unix + f64::from(RtpTime(rtp).since(info.rtp)) / rate
    };
    let first = |ssrc: u32| {
        let mut packets = client.rtp.iter().filter(|packet| packet.ssrc == ssrc);
        packets.next().expect("packets").timestamp
    };
    for picture in &pictures {
        for sound in &sounds {
            let seen = moment(picture, first(subscriber_ssrc(1)), 90_000.0);
            let heard = moment(sound, first(subscriber_ssrc(2)), 48_000.0);
            assert!((seen - heard).abs() < 0.001, "{} ms apart", (seen - heard) * 1e3);
        }
    }
    assert!(pictures.last().is_some_and(|info| info.packets > 300 && info.payload_bytes > 0));
}

#[test]
fn streams_of_one_participant_have_one_name() {
    let (mut world, mut video, mut audio) = meeting(1);
    let began = world.now;
    report_clock(&mut world, &video, 0, 90_000, began);
    tick(&mut world, &mut video, &mut audio, true);
    let (video_now, audio_now) = (video.timestamp, audio.timestamp);
    report_clock(&mut world, &video, video_now, 90_000, began);
    report_clock(&mut world, &audio, audio_now, 48_000, began);
    for _ in 0..40 {
        tick(&mut world, &mut video, &mut audio, false);
    }
    let mut names: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for packet in world.clients[1].rtcp.iter().flat_map(|compound| packets(compound)) {
        if let Ok(Packet::Description(description)) = packet {
            names.extend(description.items().map(|item| (item.ssrc.0, item.text.to_vec())));
        }
    }
    let expected = participant(0).to_string().into_bytes();
    assert_eq!(names.get(&subscriber_ssrc(1)), Some(&expected));
    assert_eq!(names.get(&subscriber_ssrc(2)), Some(&expected));
}

#[test]
fn the_subscriber_s_reports_tell_the_round_trip() {
    let (mut world, mut video, mut audio) = meeting(1);
    world.delay = Duration::from_millis(40);
    let began = world.now;
    let base = video.timestamp;
    tick(&mut world, &mut video, &mut audio, true);
    report_clock(&mut world, &video, base, 90_000, began);
    for _ in 0..200 {
        tick(&mut world, &mut video, &mut audio, false);
        let seen = sender_reports(&world.clients[1], subscriber_ssrc(1)).last().copied();
        if let Some(info) = seen {
            let block = ReportBlock {
                ssrc: Ssrc(subscriber_ssrc(1)),
                fraction_lost: 64,
                cumulative_lost: 0,
                highest_sequence: 0,
                jitter: 0,
                last_sender_report: info.ntp.middle(),
                delay_since_last: 0,
            };
            world.clients[1].rtcp.clear();
            world.clients[1].send_rtcp(|writer| {
                writer.receiver_report(Ssrc(1), &[block]).expect("room");
            });
        }
    }
    let quality = world.events.iter().rev().find_map(|(_, event)| match event {
        Event::Quality { participant: who, quality } if *who == participant(1) => Some(*quality),
        _ => None,
    });
    let quality = quality.expect("a quality event");
    // The report is answered at the end of a tick: up to 33 ms more than twice 40.
    assert!((80..=115).contains(&quality.rtt_ms), "{quality:?}");
    assert!((quality.downlink_loss - 0.25).abs() < 0.01, "{quality:?}");
}

#[test]
fn every_packet_of_the_publisher_is_in_its_transport_wide_feedback() {
    let (mut world, mut video, _) = meeting(1);
    let mut sent = Vec::new();
    for frame in 0..60 {
        for packet in video.frame(3, frame == 0) {
            sent.push((
                u16::from_be_bytes([packet.extensions[1].1[0], packet.extensions[1].1[1]]),
                world.now,
            ));
            world.clients[0].send(&packet);
        }
        world.run_ms(33);
    }
    world.run_ms(200);
    let mut arrivals = BTreeMap::new();
    let mut feedbacks = 0;
    for packet in world.clients[0].rtcp.iter().flat_map(|compound| packets(compound)) {
        if let Ok(Packet::TransportFeedback(feedback)) = packet {
            feedbacks += 1;
            arrivals
                .extend(feedback.statuses().map(|s| (s.sequence, s.arrival.expect("none lost"))));
        }
    }
    assert_eq!(arrivals.len(), sent.len());
    let spacing = Duration::from_secs(2).as_millis() / feedbacks;
    assert!((40..=110).contains(&spacing), "feedback every {spacing} ms");
    let (first, began) = sent[0];
    for (number, at) in sent {
        let told = arrivals[&number].micros_since(arrivals[&first]);
        assert!(told.abs_diff((at - began).as_micros() as i64) <= 500, "{number}");
    }
}

#[test]
fn feedback_that_nobody_can_get_wakes_nobody() {
    let mut world = World::with_clients(2);
    let quiet = world.count_timeouts(0, Duration::from_secs(5));
    let mut unknown = Stream::new(900, "0", None);
    let mut send = |world: &mut World| {
        for packet in unknown.frame(3, true) {
            world.clients[0].send(&packet);
        }
        world.run_ms(200);
    };
    // Before anything is published, and then on a stream that belongs to no track.
    send(&mut world);
    let idle = world.count_timeouts(0, Duration::from_secs(5));
    assert!(idle <= quiet + 20, "{idle} timeouts instead of {quiet}");
    world.publish(0, 1, camera("1", &[]));
    send(&mut world);
    let idle = world.count_timeouts(0, Duration::from_secs(5));
    assert!(idle <= quiet + 20, "{idle} timeouts instead of {quiet}");
    // Once there is a stream to name, its packets are reported, and no others.
    world.clients[0].rtcp.clear();
    let mut known = Stream::new(700, "1", None);
    known.transport_wide = 1_000;
    known.frame(3, true).iter().for_each(|packet| world.clients[0].send(packet));
    world.run_ms(200);
    let all = world.clients[0].rtcp.iter().flat_map(|compound| packets(compound));
    let reported = all.filter_map(|packet| match packet {
        Ok(Packet::TransportFeedback(feedback)) => Some(feedback.statuses().count()),
        _ => None,
    });
    assert!(reported.sum::<usize>() >= 3);
}
