//! Sound that gets lost: redundancy that is passed on, taken off and added, and repeats.

use crate::client::{Client, Rtp};
use crate::stream::{AUDIO_TICKS, Stream};
use crate::world::{
    OPUS, SUBSCRIBER_OFFSET, World, codec, microphone, peer, subscriber_ssrc, subscription,
    track_id,
};
use lectern_control::media::{CodecName, PublicationParameters, SubscriptionParameters};
use lectern_control::node::Command;
use lectern_media::DropReason;
use lectern_wire::rtcp::{Packet, ReportBlock, packets};
use lectern_wire::{PayloadType, Ssrc, red};

/// Redundant sound at the publisher and at subscribers.
const RED: u8 = 63;
const SUBSCRIBER_RED: u8 = 77;
const MY_OPUS: u8 = OPUS + SUBSCRIBER_OFFSET;
/// The subscribers: one that knows redundancy and asks again, one that does neither.
const ABLE: usize = 1;
const PLAIN: usize = 2;

/// A publisher of sound and both kinds of subscribers.
fn meeting(parameters: &PublicationParameters) -> (World, Stream) {
    let mut world = World::with_clients(3);
    world.publish(0, 1, parameters.clone());
    let able = SubscriptionParameters {
        rtx_ssrc: None,
        red: Some(SUBSCRIBER_RED),
        repeats: true,
        ..subscription(1)
    };
    let plain = SubscriptionParameters { rtx_ssrc: None, ..subscription(1) };
    for (place, parameters) in [(ABLE, able), (PLAIN, plain)] {
        let track = track_id(1);
        world.command(0, Command::Subscribe { peer: peer(place), track, parameters });
    }
    (world, Stream::new(4_000, "0", None))
}

/// A microphone that may send redundancy, and that lost packets may be asked of.
fn redundant_microphone() -> PublicationParameters {
    let mut parameters = microphone("0");
    parameters.codecs[0].feedback.nack = true;
    parameters.codecs.push(codec(CodecName::Red, RED, None));
    parameters
}

/// The next packet: a voice whose bytes tell its number.
fn voice(stream: &mut Stream) -> Rtp {
    let mut packet = stream.sound(30);
    let bytes = packet.payload.len() - 4;
    packet.payload.splice(1..5, (packet.index as u32).to_be_bytes());
    packet.payload.truncate(bytes + 4);
    packet
}

/// The same with copies of the packets before it, oldest first.
fn with_copies(packet: &Rtp, copies: &[&Rtp]) -> Rtp {
    let opus = PayloadType::from_low_bits(OPUS);
    let blocks = copies.iter().map(|copy| {
        let age = packet.timestamp.wrapping_sub(copy.timestamp) as i32;
        red::Block::redundant(opus, age, &copy.payload).expect("fits")
    });
    let blocks: Vec<_> = blocks.collect();
    let mut payload = vec![0; 1_400];
    let len = red::write(&mut payload, &blocks, (opus, &packet.payload)).expect("room");
    payload.truncate(len);
    Rtp { payload_type: RED, payload, ..packet.clone() }
}

/// What a client got of the track, in the order of its numbers.
fn received(world: &World, place: usize) -> Vec<Rtp> {
    let ssrc = subscriber_ssrc(1);
    let mut all: Vec<Rtp> =
        world.clients[place].rtp.iter().filter(|packet| packet.ssrc == ssrc).cloned().collect();
    all.sort_by_key(|packet| packet.index);
    all
}

/// Payload type, age and bytes of each block.
fn blocks(packet: &Rtp) -> Vec<(u8, u16, Vec<u8>)> {
    let blocks = red::Blocks::parse(&packet.payload).expect("blocks");
    blocks.map(|b| (b.payload_type.value(), b.timestamp_offset, b.data.to_vec())).collect()
}

/// Sends voices, 20 ms apart; gives them.
fn speak(world: &mut World, stream: &mut Stream, count: usize) -> Vec<Rtp> {
    let one = |_| {
        let packet = voice(stream);
        world.clients[0].send(&packet);
        world.run_ms(20);
        packet
    };
    (0..count).map(one).collect()
}

/// A subscriber says that so many 256ths of the sound are lost.
fn report(world: &mut World, place: usize, fraction_lost: u8) {
    let block = ReportBlock {
        ssrc: Ssrc(subscriber_ssrc(1)),
        fraction_lost,
        cumulative_lost: 0,
        highest_sequence: 0,
        jitter: 0,
        last_sender_report: 0,
        delay_since_last: 0,
    };
    world.clients[place].send_rtcp(|writer| {
        writer.receiver_report(Ssrc(1), &[block]).expect("room");
    });
    world.run_ms(20);
}

fn nack(world: &mut World, place: usize, number: u64) {
    world.clients[place].send_rtcp(|writer| {
        writer.nack(Ssrc(1), Ssrc(subscriber_ssrc(1)), [number as u16]).expect("room");
    });
}

fn asked(client: &Client) -> Vec<u16> {
    let all = client.rtcp.iter().flat_map(|compound| packets(compound));
    let nacks = all.filter_map(|packet| match packet {
        Ok(Packet::Nack(nack)) => Some(nack),
        _ => None,
    });
    nacks.flat_map(|nack| nack.sequences()).collect()
}

#[test]
fn redundancy_of_a_publisher_is_passed_on_or_taken_off() {
    let (mut world, mut stream) = meeting(&redundant_microphone());
    let voices: Vec<Rtp> = (0..4).map(|_| voice(&mut stream)).collect();
    for (place, packet) in voices.iter().enumerate() {
        let copies: Vec<&Rtp> = voices[place.saturating_sub(2)..place].iter().collect();
        world.clients[0].send(&with_copies(packet, &copies));
        world.run_ms(20);
    }
    let (able, plain) = (received(&world, ABLE), received(&world, PLAIN));
    assert_eq!((able.len(), plain.len()), (4, 4));
    for (place, ((voice, able), plain)) in voices.iter().zip(&able).zip(&plain).enumerate() {
        assert_eq!((able.payload_type, plain.payload_type), (SUBSCRIBER_RED, MY_OPUS));
        assert_eq!(plain.payload, voice.payload);
        let mut expected: Vec<_> = (1..=place.min(2))
            .rev()
            .map(|age| (MY_OPUS, age as u16 * 960, voices[place - age].payload.clone()))
            .collect();
        expected.push((MY_OPUS, 0, voice.payload.clone()));
        assert_eq!(blocks(able), expected);
        assert_eq!(able.timestamp.wrapping_sub(plain.timestamp), able.timestamp - plain.timestamp);
    }
}

#[test]
fn redundancy_fills_the_holes_of_those_who_do_not_know_it() {
    let (mut world, mut stream) = meeting(&redundant_microphone());
    let voices: Vec<Rtp> = (0..8).map(|_| voice(&mut stream)).collect();
    for (place, packet) in voices.iter().enumerate() {
        // The third is lost, and the sixth and the seventh.
        if [2, 5, 6].contains(&place) {
            continue;
        }
        let copies: Vec<&Rtp> = voices[place.saturating_sub(2)..place].iter().collect();
        world.clients[0].send(&with_copies(packet, &copies));
        world.run_ms(20);
    }
    for place in [ABLE, PLAIN] {
        let got = received(&world, place);
        let numbers: Vec<u64> = got.iter().map(|packet| packet.index - got[0].index).collect();
        assert_eq!(numbers, (0..8).collect::<Vec<_>>(), "client {place}");
        let times = got.windows(2).map(|two| two[1].timestamp.wrapping_sub(two[0].timestamp));
        assert!(times.into_iter().all(|ticks| ticks == AUDIO_TICKS));
    }
    let got: Vec<Vec<u8>> =
        received(&world, PLAIN).into_iter().map(|packet| packet.payload).collect();
    assert_eq!(got, voices.iter().map(|voice| voice.payload.clone()).collect::<Vec<_>>());
    assert_eq!(world.engines[0].counters().restored, 3);
    assert!(asked(&world.clients[0]).is_empty(), "what came back is not asked for");
    // The third itself comes late.
    world.clients[0].send(&with_copies(&voices[2], &[]));
    world.run_ms(20);
    assert_eq!(world.dropped(DropReason::Duplicate), 1);
}

#[test]
fn redundancy_is_added_while_a_subscriber_loses_packets() {
    let (mut world, mut stream) = meeting(&microphone("0"));
    speak(&mut world, &mut stream, 5);
    assert!(received(&world, ABLE).iter().all(|packet| packet.payload_type == MY_OPUS));
    report(&mut world, ABLE, 26);
    report(&mut world, PLAIN, 26);
    let (before, from) = (received(&world, ABLE).len(), world.now);
    let voices = speak(&mut world, &mut stream, 50);
    let (able, plain) = (received(&world, ABLE), received(&world, PLAIN));
    for (place, packet) in able[before..].iter().enumerate().skip(2) {
        assert_eq!(packet.payload_type, SUBSCRIBER_RED);
        let expected =
            [(1_920, &voices[place - 2]), (960, &voices[place - 1]), (0, &voices[place])];
        let expected: Vec<_> =
            expected.map(|(age, voice)| (MY_OPUS, age, voice.payload.clone())).to_vec();
        assert_eq!(blocks(packet), expected);
    }
    assert!(plain.iter().all(|packet| packet.payload_type == MY_OPUS), "it does not know that");
    let payloads = |packets: &[Rtp]| packets.iter().map(|p| p.payload.len()).sum::<usize>();
    let (redundant, bare) = (payloads(&able[before..]), payloads(&plain[before..]));
    let seconds = (world.now - from).as_secs_f64();
    let rate = |bytes: usize| bytes as f64 * 8.0 / seconds / 1_000.0;
    println!("{:.1} kbit/s of payload instead of {:.1}", rate(redundant), rate(bare));
    assert!(redundant < bare * 3 + 9 * able.len(), "two copies and nine bytes");
    // One in fifty: one copy will do, after a while.
    for _ in 0..20 {
        report(&mut world, ABLE, 4);
        speak(&mut world, &mut stream, 50);
    }
    assert_eq!(received(&world, ABLE).last().map(|packet| blocks(packet).len()), Some(2));
    for _ in 0..18 {
        report(&mut world, ABLE, 0);
        speak(&mut world, &mut stream, 50);
    }
    assert_eq!(received(&world, ABLE).last().map(|packet| packet.payload_type), Some(MY_OPUS));
}

#[test]
fn no_copy_is_added_that_no_header_can_tell_of_or_that_makes_the_packet_too_long() {
    let (mut world, mut stream) = meeting(&microphone("0"));
    speak(&mut world, &mut stream, 5);
    report(&mut world, ABLE, 40);
    // A silence of half a second: what came before it is too old.
    stream.timestamp = stream.timestamp.wrapping_add(24_000);
    speak(&mut world, &mut stream, 2);
    let ages = |world: &World| -> Vec<Vec<u16>> {
        let tail = received(world, ABLE).split_off(5);
        let ages = |packet: &Rtp| match packet.payload_type {
            SUBSCRIBER_RED => blocks(packet).iter().map(|(_, age, _)| *age).collect(),
            _ => Vec::new(),
        };
        tail.iter().map(ages).collect()
    };
    assert_eq!(ages(&world), [vec![], vec![960, 0]]);
    // Music of 440 kbit/s: no copy fits, and none of it goes with anything. Then of 200: one does.
    for len in [1_100, 1_100, 500, 500, 500] {
        let mut packet = voice(&mut stream);
        packet.payload.resize(len, 9);
        world.clients[0].send(&packet);
        world.run_ms(20);
    }
    let lens: Vec<usize> = ages(&world).iter().map(Vec::len).collect();
    assert_eq!(lens[2..], [0, 0, 0, 2, 2]);
    assert!(received(&world, ABLE).iter().all(|packet| packet.payload.len() < 1_200));
}

#[test]
fn what_is_missing_above_is_no_part_of_what_is_added_below() {
    let (mut world, mut stream) = meeting(&microphone("0"));
    speak(&mut world, &mut stream, 5);
    report(&mut world, ABLE, 40);
    speak(&mut world, &mut stream, 3);
    voice(&mut stream);
    speak(&mut world, &mut stream, 3);
    let got = received(&world, ABLE);
    let ages: Vec<Vec<u16>> = got[got.len() - 3..]
        .iter()
        .map(|packet| blocks(packet).iter().map(|(_, age, _)| *age).collect())
        .collect();
    assert_eq!(ages, [vec![1_920, 0], vec![960, 0], vec![1_920, 960, 0]]);
}

#[test]
fn lost_sound_is_repeated_as_it_left() {
    let (mut world, mut stream) = meeting(&microphone("0"));
    let address = world.clients[ABLE].address;
    speak(&mut world, &mut stream, 3);
    report(&mut world, ABLE, 40);
    speak(&mut world, &mut stream, 3);
    world.lose_to = Some(address);
    let voices = speak(&mut world, &mut stream, 1);
    speak(&mut world, &mut stream, 1);
    let lost = world.lost.pop().expect("one was lost");
    let numbers: Vec<u64> = received(&world, ABLE).iter().map(|packet| packet.index).collect();
    let missing = numbers[numbers.len() - 2] + 1;
    assert_eq!(numbers.last(), Some(&(missing + 1)));
    nack(&mut world, ABLE, missing);
    world.run_ms(11);
    assert!(world.is_flying(&lost), "the very same bytes");
    world.run_ms(20);
    let got = received(&world, ABLE);
    let repeat = got.iter().find(|packet| packet.index == missing).expect("repeated");
    assert_eq!(repeat.payload_type, SUBSCRIBER_RED);
    assert_eq!(blocks(repeat).last().map(|block| &block.2), Some(&voices[0].payload));
    assert_eq!(world.engines[0].counters().rtx_out, 1);
    // Again at once is too much; and what nobody has kept is not made anew.
    let missed = world.dropped(DropReason::NackMissed);
    nack(&mut world, ABLE, numbers[0]);
    world.run_ms(30);
    assert_eq!(world.dropped(DropReason::NackMissed), missed + 1);
    assert_eq!(world.dropped(DropReason::SrtpIndexReused), 0);
    // Who did not negotiate that gets nothing.
    nack(&mut world, PLAIN, missing);
    world.run_ms(30);
    assert_eq!(world.dropped(DropReason::UnmappedPayloadType), 1);
}

#[test]
fn what_is_asked_for_again_begins_redundancy() {
    let (mut world, mut stream) = meeting(&microphone("0"));
    speak(&mut world, &mut stream, 20);
    let first = received(&world, ABLE)[0].index;
    for number in [3, 9, 9, 9] {
        nack(&mut world, ABLE, first + number);
        world.run_ms(20);
    }
    speak(&mut world, &mut stream, 2);
    assert_eq!(received(&world, ABLE).last().map(|packet| blocks(packet).len()), Some(3));
    assert_eq!(received(&world, PLAIN).last().map(|packet| packet.payload_type), Some(MY_OPUS));
}

#[test]
fn lost_sound_is_asked_of_a_publisher_who_is_near_enough() {
    for (delay_ms, is_near) in [(20, true), (60, false)] {
        let mut parameters = microphone("0");
        parameters.codecs[0].feedback.nack = true;
        let mut world = World::with_clients(3);
        world.delay = std::time::Duration::from_millis(delay_ms);
        // Checks have told the round trip before anything is sent.
        world.run_ms(6_000);
        world.publish(0, 1, parameters);
        world.subscribe(ABLE, 1);
        let mut stream = Stream::new(4_000, "0", None);
        speak(&mut world, &mut stream, 3);
        let lost = voice(&mut stream);
        world.clients[0].send(&lost);
        let (to, sealed) = world.clients[0].outgoing.pop().expect("sealed");
        speak(&mut world, &mut stream, 2);
        world.run_ms(60);
        assert_eq!(asked(&world.clients[0]).contains(&(lost.index as u16)), is_near, "{delay_ms}");
        world.clients[0].outgoing.push((to, sealed));
        world.run_ms(200);
        assert_eq!(received(&world, ABLE).len(), 6, "it is forwarded, however late");
    }
}

#[test]
fn broken_redundancy_is_dropped_and_counted() {
    let (mut world, mut stream) = meeting(&redundant_microphone());
    speak(&mut world, &mut stream, 1);
    for payload in [vec![], vec![0xef, 0, 3], vec![0xef, 0, 3, 0xff, OPUS, 1], vec![0xff; 100]] {
        let packet = Rtp { payload_type: RED, payload, ..voice(&mut stream) };
        world.clients[0].send(&packet);
        world.run_ms(20);
    }
    assert_eq!(world.dropped(DropReason::Malformed), 3);
    assert_eq!(world.dropped(DropReason::Padding), 1);
    speak(&mut world, &mut stream, 1);
    assert_eq!(received(&world, PLAIN).len(), 2);
}
