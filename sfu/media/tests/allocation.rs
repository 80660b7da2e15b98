//! No packet allocates after warm-up: one publisher, fifty subscribers, with losses, retransmissions,
//! reports and keyframe requests going on, under an allocator that counts.

#![allow(unsafe_code)]

#[path = "engine/client.rs"]
mod client;

use client::{Client, Introduction, Rtp};
use lectern_control::media::{
    Codec, CodecName, Feedback, MediaKind, PayloadMapping, PublicationParameters, SlotCodec,
    SoundSlot, Source, SubscriptionParameters,
};
use lectern_control::node::Command;
use lectern_control::transport::{DataParameters, Permissions};
use lectern_control::{PeerId, RecordingId, RequestId, Revision, RoomId, TrackId};
use lectern_media::relay::Relay;
use lectern_media::{Config, Datagram, Engine, Output, Progress};
use lectern_wire::rtcp::{ReportBlock, SenderInfo};
use lectern_wire::{Class, NtpTime, PayloadType, RtpTime, Ssrc, classify, red};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const SUBSCRIBERS: usize = 50;
const VIDEO: u64 = 1;
const AUDIO: u64 = 2;
/// A second voice, whose publisher sends redundancy.
const REDUNDANT: u64 = 3;
const OPUS: u8 = 111;
const RED: u8 = 63;
const TICK: Duration = Duration::from_millis(20);

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts what a thread asks of it.
struct Counting;

// SAFETY: every call is passed on unchanged to the system's allocator, whose contract it is; the
// count is a thread-local cell without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count() {
    // A thread that ends has no counter any more, and nobody who asks for it.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations during `work`, and its result.
fn counted<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ALLOCATIONS.with(Cell::get);
    let result = work();
    (ALLOCATIONS.with(Cell::get) - before, result)
}

fn node() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1], 3_478))
}

struct Hall {
    now: Instant,
    engine: Engine,
    clients: Vec<Client>,
    /// Allocations while packets were handled, and packets handled, since the warm-up.
    allocations: u64,
    packets: u64,
    /// Allocations in timeouts in which no transport sent a check.
    in_timeouts: u64,
    timeouts: u64,
}

impl Hall {
    fn new() -> Hall {
        let now = Instant::now();
        let config = Config {
            seed: [7; 32],
            addresses: vec![node()],
            epoch: (now, Duration::from_secs(1_700_000_000)),
            outbox_bytes: 4 << 20,
            estimates: true,
        };
        let engine = Engine::new(now, config);
        let clients = Vec::new();
        let (allocations, packets, in_timeouts, timeouts) = (0, 0, 0, 0);
        let mut hall = Hall { now, engine, clients, allocations, packets, in_timeouts, timeouts };
        for place in 0..=SUBSCRIBERS {
            hall.join(place);
        }
        for _ in 0..100 {
            hall.pass(Duration::from_millis(10));
        }
        assert!(hall.clients.iter().all(|client| client.is_connected));
        hall
    }

    fn command(&mut self, command: Command) {
        self.engine.handle_command(self.now, RoomId(1), Revision(1), RequestId(1), command);
    }

    fn join(&mut self, place: usize) {
        let introduction = Introduction {
            name: format!("n{place}"),
            participant: place as u64,
            offers: false,
            permissions: Permissions::ALL,
            data: DataParameters::default(),
        };
        let address = SocketAddr::from(([203, 0, 113, 1 + place as u8], 40_000));
        let (client, parameters) =
            Client::new(self.now, &introduction, address, node(), place as u8);
        self.clients.push(client);
        let peer = PeerId(place as u64);
        self.command(Command::AddPeer { peer, parameters: Box::new(parameters) });
    }

    fn publish(&mut self, track: u64, mid: &str, kind: MediaKind, codec: CodecName, pt: u8) {
        let nack = kind == MediaKind::Video;
        let is_sound = kind == MediaKind::Audio;
        let codec = Codec {
            name: codec,
            payload_type: pt,
            rtx_payload_type: nack.then_some(pt + 1),
            format: String::new(),
            feedback: Feedback { nack, pli: nack, ..Feedback::default() },
        };
        let parameters = PublicationParameters {
            kind,
            source: Source::Unknown,
            mid: mid.to_owned(),
            codecs: match is_sound {
                true => {
                    vec![Codec { name: CodecName::Red, payload_type: RED, ..codec.clone() }, codec]
                }
                false => vec![codec],
            },
            encodings: Vec::new(),
            muted: false,
        };
        self.command(Command::Publish { peer: PeerId(0), track: TrackId(track), parameters });
        for place in 1..=SUBSCRIBERS {
            let parameters = SubscriptionParameters {
                mid: mid.to_owned(),
                ssrc: 100 * track as u32,
                rtx_ssrc: nack.then_some(100 * track as u32 + 1),
                payloads: vec![PayloadMapping { from: pt, to: pt, rtx: nack.then_some(pt + 1) }],
                // Every other one knows redundancy.
                red: (is_sound && place % 2 == 0).then_some(RED),
                repeats: is_sound,
            };
            let peer = PeerId(place as u64);
            self.command(Command::Subscribe { peer, track: TrackId(track), parameters });
        }
    }

    /// A recorder gets tracks too.
    fn record(&mut self, tracks: &[u64]) {
        let (recording, recorder) = (RecordingId(1), "recorder-1".parse().expect("a name"));
        self.command(Command::OpenRelay { recording, recorder, addresses: Vec::new() });
        for track in tracks {
            self.command(Command::RelayTrack { recording, track: TrackId(*track) });
        }
    }

    /// Delivers everything, then lets time pass.
    fn pass(&mut self, time: Duration) {
        for place in 0..self.clients.len() {
            let from = self.clients[place].address;
            for (_, mut bytes) in std::mem::take(&mut self.clients[place].outgoing) {
                let is_media = matches!(classify(&bytes), Class::Rtp | Class::Rtcp);
                let (now, local) = (self.now, node());
                let datagram = Datagram { local, remote: from, bytes: &mut bytes };
                let batch = std::iter::once(datagram);
                let (allocated, progress) = counted(|| self.engine.handle_batch(now, batch));
                assert_eq!(progress, Progress::Done);
                if is_media {
                    self.allocations += allocated;
                    self.packets += 1;
                }
            }
        }
        self.flush();
        self.now += time;
        let now = self.now;
        let (allocated, ()) = counted(|| self.engine.handle_timeout(now));
        if !self.flush() {
            self.in_timeouts += allocated;
            self.timeouts += 1;
        }
        for client in &mut self.clients {
            client.transport.handle_timeout(now);
            client.collect();
        }
    }

    /// Sends what there is; whether anything but media was among it.
    fn flush(&mut self) -> bool {
        let now = self.now;
        let (allocated, Output { outbox, events, .. }) = counted(|| self.engine.poll(now));
        let mut others = false;
        for packet in outbox.packets() {
            let bytes = outbox.bytes(packet);
            others |= !matches!(classify(bytes), Class::Rtp | Class::Rtcp);
            let client = self.clients.iter_mut().find(|client| client.address == packet.remote);
            client.expect("a client").receive(now, node(), &mut bytes.to_vec());
        }
        drop(events);
        let (also, ()) = counted(|| {
            self.engine.sent();
            // As a worker does: a recorder gets everything too.
            self.engine.outgoing_relays().for_each(Relay::taken);
            self.engine.sweep_relays();
        });
        self.allocations += allocated + also;
        others
    }
}

struct Stream {
    ssrc: u32,
    mid: &'static str,
    payload_type: u8,
    index: u64,
    timestamp: u32,
}

impl Stream {
    fn packet(&mut self, payload: Vec<u8>, marker: bool) -> Rtp {
        self.index += 1;
        let extensions = vec![
            (4, self.mid.as_bytes().to_vec()),
            (3, (self.index as u16).to_be_bytes().to_vec()),
            (1, vec![0x80 | 30]),
        ];
        Rtp {
            ssrc: self.ssrc,
            index: self.index,
            timestamp: self.timestamp,
            payload_type: self.payload_type,
            marker,
            extensions,
            payload,
        }
    }
}

/// One tick: a frame, a sound, and whatever clients answer.
fn tick(hall: &mut Hall, streams: &mut [Stream; 3], number: u64) {
    let [video, audio, redundant] = streams;
    video.timestamp = video.timestamp.wrapping_add(1_800);
    audio.timestamp = audio.timestamp.wrapping_add(960);
    for part in 0..5u8 {
        let start = if part == 0 { 0x10 } else { 0 };
        let id = (number as u16 & 0x7fff) | 0x8000;
        let [high, low] = id.to_be_bytes();
        let mut payload =
            vec![0x80 | start, 0x80, high, low, u8::from(!number.is_multiple_of(100))];
        payload.resize(1_100, part);
        let packet = video.packet(payload, part == 4);
        // The publisher's path loses a packet in a hundred.
        if (number * 5 + u64::from(part)) % 100 != 37 {
            hall.clients[0].send(&packet);
        }
    }
    let sound = audio.packet(vec![0x78; 80], false);
    hall.clients[0].send(&sound);
    redundant.timestamp = redundant.timestamp.wrapping_add(960);
    let opus = PayloadType::from_low_bits(OPUS);
    let copy = red::Block::redundant(opus, 960, &[0x78; 80]).expect("fits");
    let mut payload = vec![0; 200];
    let len = red::write(&mut payload, &[copy], (opus, &[0x78; 80])).expect("room");
    payload.truncate(len);
    let sound = redundant.packet(payload, false);
    // Its path loses one in twenty-five, which the next one brings back.
    if !number.is_multiple_of(25) {
        hall.clients[0].send(&sound);
    }
    if number.is_multiple_of(50) {
        let ntp = NtpTime::from_unix(Duration::from_millis(1_600_000_000_000 + 20 * number));
        for stream in [&*video, &*audio, &*redundant] {
            let rtp = RtpTime(stream.timestamp);
            let info = SenderInfo { ntp, rtp, packets: 1, payload_bytes: 1 };
            let ssrc = Ssrc(stream.ssrc);
            hall.clients[0].send_rtcp(|writer| {
                writer.sender_report(ssrc, &info, &[]).expect("room");
            });
        }
    }
    answer(hall, number);
    hall.clients.iter_mut().for_each(|client| {
        client.rtp.clear();
        client.rtcp.clear();
    });
    hall.pass(TICK);
}

/// Subscribers report, lose packets, and lose their picture now and then.
fn answer(hall: &mut Hall, number: u64) {
    for place in 1..=SUBSCRIBERS {
        let client = &mut hall.clients[place];
        let media = Ssrc(100 * VIDEO as u32);
        let last = client.rtp.iter().rev().find(|packet| packet.ssrc == media.0);
        let Some(last) = last.map(|packet| packet.index as u16) else { continue };
        answer_sound(client, number + place as u64);
        if (number + place as u64).is_multiple_of(10) {
            let lost = [last.wrapping_sub(4), last.wrapping_sub(2)];
            client.send_rtcp(|writer| {
                writer.nack(Ssrc(1), media, lost).expect("room");
            });
        }
        if (number + place as u64).is_multiple_of(50) {
            let block = ReportBlock {
                ssrc: media,
                fraction_lost: 3,
                cumulative_lost: 3,
                highest_sequence: u32::from(last),
                jitter: 0,
                last_sender_report: 0,
                delay_since_last: 0,
            };
            client.send_rtcp(|writer| {
                writer.receiver_report(Ssrc(1), &[block]).expect("room");
                writer.picture_loss(Ssrc(1), media).expect("room");
            });
        }
    }
}

/// A tenth of the sound is lost below, and asked for again.
fn answer_sound(client: &mut Client, number: u64) {
    let media = Ssrc(100 * AUDIO as u32);
    let last = client.rtp.iter().rev().find(|packet| packet.ssrc == media.0);
    let Some(last) = last.map(|packet| packet.index as u16) else { return };
    if number.is_multiple_of(10) {
        client.send_rtcp(|writer| {
            writer.nack(Ssrc(1), media, [last.wrapping_sub(3)]).expect("room");
        });
    }
    if number.is_multiple_of(50) {
        let block = ReportBlock {
            ssrc: media,
            fraction_lost: 26,
            cumulative_lost: 3,
            highest_sequence: u32::from(last),
            jitter: 0,
            last_sender_report: 0,
            delay_since_last: 0,
        };
        client.send_rtcp(|writer| writer.receiver_report(Ssrc(1), &[block]).expect("room"));
    }
}

#[test]
fn no_packet_allocates_after_warm_up() {
    let mut hall = Hall::new();
    hall.publish(VIDEO, "0", MediaKind::Video, CodecName::Vp8, 96);
    hall.publish(AUDIO, "1", MediaKind::Audio, CodecName::Opus, OPUS);
    hall.publish(REDUNDANT, "2", MediaKind::Audio, CodecName::Opus, OPUS);
    hall.record(&[VIDEO, AUDIO, REDUNDANT]);
    let stream =
        |ssrc, mid, payload_type, index| Stream { ssrc, mid, payload_type, index, timestamp: 1 };
    let mut streams =
        [stream(5, "0", 96, 100), stream(6, "1", OPUS, 200), stream(7, "2", RED, 300)];
    let mut number = 0;
    let mut run = |hall: &mut Hall, ticks: u64| {
        for _ in 0..ticks {
            tick(hall, &mut streams, number);
            number += 1;
        }
    };
    // Longer than any period in the engine, so that every table has its size.
    run(&mut hall, 700);
    (hall.allocations, hall.packets) = (0, 0);
    (hall.in_timeouts, hall.timeouts) = (0, 0);
    let before = hall.engine.counters().clone();
    run(&mut hall, 700);
    let after = hall.engine.counters();
    let forwarded = after.rtp_out - before.rtp_out;
    println!(
        "{} packets in, {forwarded} forwarded, {} sent again, {} asked for, {} RTCP out: {} allocations; {} in {} timeouts",
        hall.packets,
        after.rtx_out - before.rtx_out,
        after.nacked_out - before.nacked_out,
        after.rtcp_out - before.rtcp_out,
        hall.allocations,
        hall.in_timeouts,
        hall.timeouts,
    );
    assert!(forwarded > 700 * 5 * SUBSCRIBERS as u64);
    assert!(after.relayed - before.relayed > 700 * 5, "and a recorder gets as much as anybody");
    assert!(after.rtx_out - before.rtx_out > 1_000);
    assert!(after.restored - before.restored > 20, "redundancy brings back what is lost above");
    let knows = hall.clients[2].rtp.iter().filter(|p| p.payload_type == RED).count();
    assert_eq!(knows, 2, "one of each voice in the last tick: one passed on, one added");
    assert!(after.nacked_out > before.nacked_out && after.rtcp_out > before.rtcp_out);
    assert!(hall.packets > 5_000 && hall.timeouts > 300);
    assert_eq!(hall.allocations, 0, "no packet allocates");
    assert_eq!(hall.in_timeouts, 0, "nor does a report or a request");
}

/// Everybody has a microphone, and three sound slots.
fn open_microphones(hall: &mut Hall) -> Vec<Stream> {
    let codec = Codec {
        name: CodecName::Opus,
        payload_type: 111,
        rtx_payload_type: None,
        format: String::new(),
        feedback: Feedback::default(),
    };
    let slot = |place: u32| SoundSlot {
        mid: place.to_string(),
        ssrc: 50 + place,
        rtx_ssrc: None,
        codecs: vec![SlotCodec {
            name: CodecName::Opus,
            payload_type: 111,
            rtx_payload_type: None,
        }],
        repeats: true,
    };
    let mut streams = Vec::new();
    for place in 0..=SUBSCRIBERS as u64 {
        let (peer, track) = (PeerId(place), TrackId(1_000 + place));
        let parameters = PublicationParameters {
            kind: MediaKind::Audio,
            source: Source::Microphone,
            mid: "0".to_owned(),
            codecs: vec![codec.clone()],
            encodings: Vec::new(),
            muted: false,
        };
        hall.command(Command::Publish { peer, track, parameters });
        hall.command(Command::SetOpen { track, open: true });
        hall.command(Command::SetSoundSlots { peer, slots: (0..3).map(slot).collect() });
        let ssrc = 1_000 + place as u32;
        streams.push(Stream { ssrc, mid: "0", payload_type: 111, index: 100, timestamp: ssrc });
    }
    streams
}

#[test]
fn no_packet_of_a_voice_allocates_whoever_is_heard() {
    let mut hall = Hall::new();
    let mut streams = open_microphones(&mut hall);
    let mut number = 0;
    let mut run = |hall: &mut Hall, ticks: usize| {
        for _ in 0..ticks {
            for (place, stream) in streams.iter_mut().enumerate() {
                stream.timestamp = stream.timestamp.wrapping_add(960);
                let mut packet = stream.packet(vec![0x78; 80], false);
                // Four at a time, and others each 800 ms.
                let speaks = (number / 40 + place * 17) % (SUBSCRIBERS + 1) < 4;
                packet.extensions[2].1 = vec![0x80 | if speaks { 30 } else { 90 }];
                hall.clients[place].send(&packet);
            }
            number += 1;
            hall.clients.iter_mut().for_each(|client| {
                client.rtp.clear();
                client.rtcp.clear();
            });
            hall.pass(TICK);
        }
    };
    run(&mut hall, 2_500);
    (hall.allocations, hall.packets) = (0, 0);
    let before = hall.engine.counters().rtp_out;
    run(&mut hall, 400);
    let forwarded = hall.engine.counters().rtp_out - before;
    println!(
        "{} packets in, {forwarded} forwarded: {} allocations",
        hall.packets, hall.allocations
    );
    assert!(forwarded > 400 * 3 * SUBSCRIBERS as u64 * 9 / 10, "three voices for everybody");
    assert!(forwarded <= 400 * 3 * (SUBSCRIBERS as u64 + 1));
    assert_eq!(hall.allocations, 0, "no packet allocates");
}
