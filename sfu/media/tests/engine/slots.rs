//! Sound slots: who is heard in them, and that each is one stream without a seam.

use crate::client::{Client, Rtp};
use crate::moving::export;
use crate::stream::{AUDIO_TICKS, Stream};
use crate::world::{World, microphone, node_address, peer, subscriber_ssrc, track_id};
use lectern_control::Revision;
use lectern_control::media::{
    Codec, CodecName, Feedback, PublicationParameters, SlotCodec, SoundSlot, Source,
};
use lectern_control::node::{Command, CommandError, Event};
use lectern_control::transport::{PeerParameters, Permissions};
use lectern_media::{Config, DropReason, Engine};
use lectern_wire::rtcp::{Packet, SenderInfo, packets};
use lectern_wire::{NtpTime, RtpTime, Ssrc};
use std::time::Duration;

const SILENT: u8 = 127;
const SLOT_OPUS: u8 = 100;
const SLOT_RTX: u8 = 101;
/// What publishers call Opus, each in its own way.
const PAYLOAD_TYPES: [u8; 3] = [111, 109, 96];

fn slot_ssrc(place: usize) -> u32 {
    30_000 + 10 * place as u32
}

fn slots(count: usize) -> Vec<SoundSlot> {
    let slot = |place: usize| SoundSlot {
        mid: format!("a{place}"),
        ssrc: slot_ssrc(place),
        rtx_ssrc: Some(slot_ssrc(place) + 1),
        codecs: vec![SlotCodec {
            name: CodecName::Opus,
            payload_type: SLOT_OPUS,
            rtx_payload_type: Some(SLOT_RTX),
        }],
        repeats: false,
    };
    (0..count).map(slot).collect()
}

fn track_of(place: usize) -> u64 {
    1 + place as u64
}

/// A microphone whose Opus has another number at each publisher.
fn own_microphone(place: usize) -> PublicationParameters {
    let codec = Codec {
        name: CodecName::Opus,
        payload_type: PAYLOAD_TYPES[place % 3],
        rtx_payload_type: None,
        format: String::new(),
        feedback: Feedback::default(),
    };
    PublicationParameters { codecs: vec![codec], ..microphone("0") }
}

/// People with microphones who all have slots, and may be heard by everybody.
struct Hall {
    world: World,
    streams: Vec<Stream>,
    sent: Vec<Vec<Rtp>>,
}

impl Hall {
    fn new(people: usize, count: usize) -> Hall {
        let mut world = World::with_clients_who_offer(people, |_| false);
        for place in 0..people {
            world.publish(place, track_of(place), own_microphone(place));
            let track = track_id(track_of(place));
            world.command(0, Command::SetOpen { track, open: true });
            let slots = slots(count);
            world.command(0, Command::SetSoundSlots { peer: peer(place), slots });
        }
        let stream = |place: usize| Stream::new(500 + 100 * place as u32, "0", None);
        Hall { world, streams: (0..people).map(stream).collect(), sent: vec![Vec::new(); people] }
    }

    /// For so long some speak, each at a level, and the others send silence.
    fn speak(&mut self, milliseconds: u64, who: &[(usize, u8)]) {
        for _ in 0..milliseconds / 20 {
            for (place, stream) in self.streams.iter_mut().enumerate() {
                let level = who.iter().find(|(one, _)| *one == place).map_or(SILENT, |(_, l)| *l);
                let mut packet = stream.sound(level);
                packet.payload_type = PAYLOAD_TYPES[place % 3];
                packet.payload[0] = place as u8;
                if self.world.clients[place].transport.send_to().is_some() {
                    self.world.clients[place].send(&packet);
                    self.sent[place].push(packet);
                }
            }
            self.world.run_ms(20);
        }
    }

    fn slot(&self, place: usize, slot: usize) -> Vec<Rtp> {
        let of_slot = |packet: &&Rtp| packet.ssrc == slot_ssrc(slot);
        self.world.clients[place].rtp.iter().filter(of_slot).cloned().collect()
    }

    /// Who was heard in a slot, one after another.
    fn heard(&self, place: usize, slot: usize) -> Vec<usize> {
        let mut who: Vec<usize> = voices(&self.slot(place, slot));
        who.dedup();
        who
    }

    fn told(&self) -> Vec<Vec<Option<u64>>> {
        let lists = self.world.events.iter().filter_map(|(_, event)| match event {
            Event::SoundSeats { seats } => {
                assert!(seats.iter().flatten().all(|seat| seat.participant.0 == seat.track.0));
                Some(seats.iter().map(|seat| seat.map(|seat| seat.track.0)).collect())
            }
            _ => None,
        });
        lists.collect()
    }

    /// Every slot of everybody is one stream: each number once, time without a jump.
    fn assert_no_seam(&self) {
        for (place, client) in self.world.clients.iter().enumerate() {
            for slot in 0..8 {
                let packets = self.slot(place, slot);
                for pair in packets.windows(2) {
                    assert_eq!(pair[1].index, pair[0].index + 1, "client {place} slot {slot}");
                    let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
                    assert!((AUDIO_TICKS..1 << 30).contains(&step), "{step} ticks");
                    let changes = pair[0].payload[0] != pair[1].payload[0];
                    assert!(pair[1].marker || !changes, "a talk spurt begins with a marker");
                }
                assert!(packets.iter().all(|packet| packet.payload_type == SLOT_OPUS));
            }
            assert_eq!(client.refused, 0);
        }
    }
}

fn voices(packets: &[Rtp]) -> Vec<usize> {
    packets.iter().map(|packet| usize::from(packet.payload[0])).collect()
}

#[test]
fn a_slot_carries_one_voice_after_another_as_one_stream() {
    let mut hall = Hall::new(6, 2);
    hall.speak(600, &[(1, 30)]);
    hall.speak(600, &[(1, 30), (2, 32)]);
    hall.speak(1_500, &[(2, 32)]);
    hall.speak(600, &[(2, 32), (3, 25)]);
    hall.speak(1_500, &[(2, 32), (3, 25), (4, 40)]);
    assert_eq!(hall.heard(0, 0), [1, 3]);
    assert_eq!(hall.heard(0, 1), [2]);
    assert_eq!(hall.heard(5, 0), [1, 3]);
    hall.assert_no_seam();
    assert_eq!(hall.told().last(), Some(&vec![Some(4), Some(3), Some(5)]));
    assert!(hall.world.clients.iter().all(|client| client.messages.is_empty()));
}

#[test]
fn a_new_voice_is_heard_within_200_ms_in_time_that_really_passed() {
    let mut hall = Hall::new(4, 1);
    hall.speak(1_000, &[(1, 30)]);
    hall.speak(3_000, &[]);
    let (before, sent) = (hall.slot(0, 0).len(), hall.sent[2].len());
    hall.speak(400, &[(2, 30)]);
    let packets = hall.slot(0, 0);
    let first = packets.iter().position(|packet| packet.payload[0] == 2).expect("heard");
    let spoken: Vec<u64> = hall.sent[2][sent..].iter().map(|packet| packet.index).collect();
    let heard = packets.iter().filter(|packet| packet.payload[0] == 2).count();
    assert!(spoken.len() - heard <= 8, "{} of {} packets", heard, spoken.len());
    assert!(first >= before - 1);
    let span = packets.last().map_or(0, |last| last.timestamp.wrapping_sub(packets[0].timestamp));
    let real = (packets.len() as u32 - 1) * AUDIO_TICKS;
    assert!(span.abs_diff(real) <= 2 * AUDIO_TICKS, "{span} ticks of {real}");
}

#[test]
fn nobody_hears_himself_and_everybody_else_the_loudest() {
    let mut hall = Hall::new(5, 2);
    hall.speak(2_000, &[(0, 20), (1, 24), (2, 28)]);
    assert_eq!((hall.heard(4, 0), hall.heard(4, 1)), (vec![0], vec![1]));
    assert_eq!((hall.heard(0, 0), hall.heard(0, 1)), (vec![2], vec![1]));
    assert_eq!((hall.heard(1, 0), hall.heard(1, 1)), (vec![0], vec![2]));
    assert_eq!((hall.heard(2, 0), hall.heard(2, 1)), (vec![0], vec![1]));
    hall.assert_no_seam();
}

#[test]
fn who_is_muted_closed_or_gone_is_heard_no_more() {
    let mut hall = Hall::new(5, 2);
    hall.speak(600, &[(1, 25), (2, 25)]);
    let muted = |track, muted| Command::SetMuted { track: track_id(track), muted };
    hall.world.command(0, muted(track_of(1), true));
    hall.world.command(0, Command::SetOpen { track: track_id(track_of(2)), open: false });
    hall.world.run_ms(40);
    let before = hall.world.clients[0].rtp.len();
    hall.speak(1_000, &[(1, 20), (2, 20)]);
    assert_eq!(hall.world.clients[0].rtp.len(), before, "not one packet");
    assert_eq!(hall.told().last(), Some(&vec![None, None, None]));
    hall.speak(600, &[(3, 40), (4, 42)]);
    assert_eq!((hall.heard(0, 0), hall.heard(0, 1)), (vec![1, 3], vec![2, 4]));
    hall.world.command(0, Command::Unpublish { track: track_id(track_of(3)) });
    hall.world.command(0, Command::RemovePeer { peer: peer(4) });
    hall.world.command(0, muted(track_of(1), false));
    hall.world.command(0, Command::SetOpen { track: track_id(track_of(2)), open: true });
    hall.speak(600, &[(1, 40), (2, 45)]);
    let last = |slot| hall.heard(0, slot).last().copied();
    assert_eq!([last(0), last(1)].map(Option::unwrap).iter().sum::<usize>(), 3);
    hall.assert_no_seam();
}

#[test]
fn the_sound_of_a_shared_tab_and_what_was_not_opened_is_in_no_slot() {
    let mut hall = Hall::new(3, 2);
    let mut tab = own_microphone(1);
    tab.source = Source::ScreenAudio;
    hall.world.publish(1, track_of(1), tab);
    hall.world.command(0, Command::SetOpen { track: track_id(track_of(2)), open: false });
    hall.speak(1_000, &[(1, 10), (2, 10)]);
    assert!(hall.world.clients[0].rtp.is_empty());
}

#[test]
fn who_is_in_no_slot_costs_nothing_for_those_who_have_some() {
    let mut hall = Hall::new(5, 1);
    hall.speak(1_000, &[(1, 25)]);
    let counters = hall.world.engines[0].counters().clone();
    hall.speak(1_000, &[(1, 25), (2, 30), (3, 30)]);
    let now = hall.world.engines[0].counters();
    // One slot of each of four listeners, and the next voice for the one who speaks.
    let forwarded = now.rtp_out - counters.rtp_out;
    assert!((50 * 4 + 40..=50 * 5).contains(&forwarded), "{forwarded} packets");
    let dropped = |reason| now.dropped(reason) - counters.dropped(reason);
    assert_eq!(dropped(DropReason::Paused) + dropped(DropReason::NotSelected), 0);
}

#[test]
fn lost_packets_come_again_from_the_track_that_was_carried_then() {
    let mut hall = Hall::new(3, 1);
    hall.speak(400, &[(1, 30)]);
    hall.speak(600, &[]);
    hall.speak(300, &[(2, 30)]);
    let packets = hall.slot(0, 0);
    let changed = packets.iter().position(|packet| packet.payload[0] == 2).expect("heard");
    let asked = [&packets[changed - 1], &packets[changed], &packets[changed + 2]];
    let numbers = asked.map(|packet| packet.index as u16);
    hall.world.clients[0].send_rtcp(|writer| {
        writer.nack(Ssrc(1), Ssrc(slot_ssrc(0)), numbers).expect("room");
    });
    hall.world.run_ms(40);
    let repairs: Vec<&Rtp> =
        hall.world.clients[0].rtp.iter().filter(|packet| packet.ssrc == slot_ssrc(0) + 1).collect();
    assert_eq!(repairs.len(), 3);
    for (repair, original) in repairs.iter().zip(asked) {
        assert_eq!(repair.payload_type, SLOT_RTX);
        assert_eq!(repair.payload[..2], (original.index as u16).to_be_bytes());
        assert_eq!(repair.payload[2..], original.payload);
        assert_eq!((repair.timestamp, repair.marker), (original.timestamp, original.marker));
    }
}

/// The last sender report about a slot that a client got.
fn last_report(client: &Client, ssrc: u32) -> Option<SenderInfo> {
    let all = client.rtcp.iter().flat_map(|bytes| packets(bytes).flatten());
    let reports = all.filter_map(|packet| match packet {
        Packet::SenderReport(report) if report.ssrc == Ssrc(ssrc) => Some(report.info),
        _ => None,
    });
    reports.last()
}

#[test]
fn sender_reports_of_a_slot_follow_the_clock_of_whoever_is_heard() {
    let mut hall = Hall::new(3, 1);
    for place in [1, 2] {
        hall.speak(400, &[(place, 30)]);
        // Each publisher's wall clock is another one.
        let ntp = NtpTime::from_unix(Duration::from_secs(1_000_000 * place as u64));
        let rtp = RtpTime(hall.streams[place].timestamp);
        let (packets, ssrc) = (10, Ssrc(hall.streams[place].ssrc));
        let info = SenderInfo { ntp, rtp, packets, payload_bytes: 10 };
        hall.world.clients[place].send_rtcp(|writer| {
            writer.sender_report(ssrc, &info, &[]).expect("room");
        });
        hall.speak(1_400, &[(place, 30)]);
        let report = last_report(&hall.world.clients[0], slot_ssrc(0)).expect("a report");
        let since = report.ntp.to_unix() - Duration::from_secs(1_000_000 * place as u64);
        assert!(since < Duration::from_secs(2), "{since:?}");
        // The publisher's timestamp at that moment, as it is rewritten in the slot.
        let heard = hall.slot(0, 0).last().cloned().expect("heard");
        let sent = hall.sent[place].iter().rev().find(|one| one.payload == heard.payload);
        let ahead = hall.sent[place].last().expect("sent").timestamp;
        let offset = heard.timestamp.wrapping_sub(sent.expect("sent").timestamp);
        let expected = rtp.0.wrapping_add((since.as_secs_f64() * 48_000.0).round() as u32);
        let told = report.rtp.0.wrapping_sub(offset);
        assert!(told.abs_diff(expected) <= 3 * AUDIO_TICKS, "{told} {expected} {ahead}");
    }
}

#[test]
fn slots_come_and_go_and_no_number_is_used_twice() {
    let mut hall = Hall::new(3, 2);
    hall.speak(400, &[(1, 30), (2, 30)]);
    let set = |count| Command::SetSoundSlots { peer: peer(0), slots: slots(count) };
    hall.world.command(0, set(0));
    let before = hall.world.clients[0].rtp.len();
    hall.speak(400, &[(1, 30), (2, 30)]);
    assert!(hall.world.clients[0].rtp.len() <= before + 4, "what was on its way");
    hall.world.command(0, set(1));
    hall.speak(400, &[(1, 30), (2, 30)]);
    hall.world.command(0, set(2));
    hall.speak(400, &[(1, 30), (2, 30)]);
    assert_eq!((hall.heard(0, 0), hall.heard(0, 1)), (vec![1], vec![2]));
    hall.assert_no_seam();
}

#[test]
fn what_cannot_be_a_slot_is_refused() {
    let mut hall = Hall::new(2, 1);
    let world = &mut hall.world;
    let try_slots = |world: &mut World, slots| {
        world.try_command(0, Revision(1), Command::SetSoundSlots { peer: peer(0), slots })
    };
    assert_eq!(try_slots(world, slots(9)), Some(CommandError::Limit("sound slots".to_owned())));
    let mut twice = slots(2);
    twice[1].ssrc = twice[0].ssrc;
    let mut video = slots(1);
    video[0].codecs[0].name = CodecName::Vp8;
    let mut long = slots(1);
    long[0].codecs[0].payload_type = 128;
    let mut empty = slots(1);
    empty[0].codecs.clear();
    world.publish(1, 9, microphone("3"));
    world.subscribe(0, 9);
    let mut taken = slots(1);
    taken[0].ssrc = subscriber_ssrc(9);
    for wrong in [twice, video, long, empty, taken] {
        assert!(matches!(try_slots(world, wrong), Some(CommandError::Invalid(_))));
    }
    let stranger = world.join(Permissions { subscribe: false, ..Permissions::ALL });
    let command = Command::SetSoundSlots { peer: peer(stranger), slots: slots(1) };
    assert_eq!(world.try_command(0, Revision(1), command), Some(CommandError::NotPermitted));
    let track = track_id(77);
    let open = Command::SetOpen { track, open: true };
    assert_eq!(world.try_command(0, Revision(1), open), Some(CommandError::UnknownTrack));
}

#[test]
fn slots_and_seats_move_to_another_node_with_those_who_have_them() {
    let mut hall = Hall::new(4, 2);
    hall.speak(600, &[(1, 30)]);
    hall.speak(600, &[(1, 30), (2, 30)]);
    let before: Vec<Rtp> = (0..2).filter_map(|slot| hall.slot(0, slot).last().cloned()).collect();
    let world = &mut hall.world;
    let config = Config {
        seed: [42; 32],
        addresses: vec![node_address(1)],
        epoch: (world.began, Duration::from_secs(1_700_000_000)),
        outbox_bytes: 1 << 20,
        estimates: false,
    };
    world.engines.push(Engine::new(world.now, config));
    for place in [0, 2, 3, 1] {
        let state = export(world, place);
        let parameters =
            Box::new(PeerParameters { generation: 1, ..world.parameters[place].clone() });
        world.command(1, Command::Restore { peer: peer(place), parameters, state });
    }
    world.run_ms(300);
    let counts = [hall.slot(0, 0).len(), hall.slot(0, 1).len()];
    hall.speak(600, &[(1, 30), (2, 30)]);
    for (slot, (before, count)) in before.iter().zip(counts).enumerate() {
        let packets = hall.slot(0, slot);
        let next = &packets[count];
        assert_eq!(voices(&packets[count..]), vec![slot + 1; packets.len() - count]);
        assert!((512..1 << 15).contains(&(next.index - before.index)), "indices jump");
        assert!(packets.len() > count + 20, "sound goes on at once");
        let span = next.timestamp.wrapping_sub(before.timestamp);
        assert!((AUDIO_TICKS..48_000).contains(&span), "{span} ticks");
    }
    assert_eq!(hall.world.engines[1].counters().unattached, 0);
}
