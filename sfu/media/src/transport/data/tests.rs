//! Channels of two ends: opening, moving, limits, and packets that mean harm.

use super::*;
use std::time::Duration;

fn parameters(label: &str, max_retransmits: Option<u16>) -> ChannelParameters {
    let ordered = max_retransmits.is_none();
    ChannelParameters { label: label.to_owned(), ordered, max_retransmits }
}

/// Two ends with nothing between them.
struct Pair {
    now: Instant,
    ours: Channels,
    theirs: Channels,
    our_events: Vec<Event>,
    their_events: Vec<Event>,
}

impl Pair {
    fn new(wanted: &[ChannelParameters]) -> Pair {
        let now = Instant::now();
        let ours = Channels::new(now, DtlsRole::Server, wanted);
        let theirs = Channels::new(now, DtlsRole::Client, &[]);
        let mut pair = Pair { now, ours, theirs, our_events: Vec::new(), their_events: Vec::new() };
        pair.exchange();
        pair
    }

    fn exchange(&mut self) {
        for _ in 0..1_000 {
            let mut is_quiet = true;
            while let Some(packet) = self.ours.poll_packet() {
                is_quiet = false;
                assert!(packet.len() <= MTU);
                self.theirs.handle(self.now, &packet).unwrap_or(());
            }
            while let Some(packet) = self.theirs.poll_packet() {
                is_quiet = false;
                self.ours.handle(self.now, &packet).unwrap_or(());
            }
            self.our_events.extend(std::iter::from_fn(|| self.ours.poll_event()));
            self.their_events.extend(std::iter::from_fn(|| self.theirs.poll_event()));
            if is_quiet {
                return;
            }
        }
        panic!("the two never fall quiet");
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.exchange();
            let deadlines = [self.ours.deadline(), self.theirs.deadline()];
            let next = deadlines.into_iter().flatten().min().filter(|next| *next <= end);
            let Some(next) = next else { break };
            self.now = next;
            self.ours.handle_timeout(next);
            self.theirs.handle_timeout(next);
        }
        self.now = end;
    }
}

fn opened(label: &str) -> Event {
    Event::Opened(label.to_owned())
}

#[test]
fn channels_are_opened_by_either_side() {
    let mut pair = Pair::new(&[parameters("a", None), parameters("b", Some(0))]);
    assert_eq!(pair.our_events, [opened("a"), opened("b")]);
    assert_eq!(pair.their_events, [opened("a"), opened("b")]);
    pair.theirs.open(pair.now, &[parameters("c", Some(2)), parameters("a", None)]);
    pair.exchange();
    assert_eq!(pair.our_events.last(), Some(&opened("c")));
    let streams = |channels: &Channels| -> Vec<u16> {
        channels.channels.iter().map(|channel| channel.stream).collect()
    };
    assert_eq!(streams(&pair.ours), [1, 3, 0]);
    assert_eq!(streams(&pair.theirs), [1, 3, 0]);
    assert_eq!(pair.ours.channels[2].parameters, parameters("c", Some(2)));
}

#[test]
fn without_channels_of_ours_the_association_is_the_clients_to_begin() {
    let mut pair = Pair::new(&[]);
    assert!(pair.ours.poll_packet().is_none() && pair.ours.deadline().is_none());
    pair.theirs.open(pair.now, &[parameters("x", None)]);
    pair.exchange();
    assert_eq!(pair.our_events, [opened("x")]);
    pair.ours.send(pair.now, "x", false, b"hello").expect("open");
    pair.exchange();
    let (label, payload) = ("x".to_owned(), Bytes::from_static(b"hello"));
    assert_eq!(pair.their_events.last(), Some(&Event::Message { label, binary: false, payload }));
}

#[test]
fn a_client_that_opens_many_channels_gets_only_so_many() {
    let mut pair = Pair::new(&[parameters("a", None)]);
    for n in 0..100_u16 {
        let open = dcep::Message::Open(parameters(&format!("c{n}"), None)).build();
        let message = Message::new(StreamId(2 * n), PpId(PPID_DCEP), open);
        let sent = pair.theirs.socket.send(message, &SendOptions::default());
        assert!(sent.is_ok());
        pair.theirs.collect();
        pair.exchange();
    }
    assert_eq!(pair.ours.channels.len(), MAX_CHANNELS_PER_PEER);
    pair.ours.send(pair.now, "a", true, b"x").expect("the others go on");
    pair.exchange();
    assert!(matches!(pair.their_events.last(), Some(Event::Message { .. })));
}

#[test]
fn a_channel_that_is_closed_is_forgotten() {
    let mut pair = Pair::new(&[parameters("a", None), parameters("b", None)]);
    pair.theirs.socket.reset_streams(&[StreamId(1)]).expect("connected");
    pair.theirs.collect();
    pair.wait(Duration::from_secs(1));
    assert_eq!(pair.our_events.last(), Some(&Event::Closed("a".to_owned())));
    let refused = pair.ours.send(pair.now, "a", true, b"x");
    assert_eq!(refused, Err(DropReason::DataUnknownChannel));
    assert_eq!(pair.ours.send(pair.now, "b", true, b"x"), Ok(()));
}

#[test]
fn an_association_goes_on_elsewhere_with_what_was_under_way() {
    let mut pair = Pair::new(&[parameters("a", None)]);
    for n in 0..50_u8 {
        pair.ours.send(pair.now, "a", true, &[n; 3_000]).expect("room");
    }
    // Nothing of it has arrived; all of it moves.
    while pair.ours.poll_packet().is_some() {}
    assert!(pair.ours.is_export_ready());
    let state = pair.ours.export(pair.now);
    let encoded = rmp_serde::to_vec_named(&state).expect("encodes");
    let decoded: State = rmp_serde::from_slice(&encoded).expect("decodes");
    assert_eq!(decoded, state);
    pair.ours = Channels::restore(pair.now, &decoded);
    pair.wait(Duration::from_secs(10));
    let messages = pair.their_events.iter().filter_map(|event| match event {
        Event::Message { payload, .. } => Some(payload[0]),
        _ => None,
    });
    assert_eq!(messages.collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    assert!(!pair.our_events.iter().any(|event| matches!(event, Event::Closed(_))));
}

#[test]
fn where_a_message_is_half_received_the_association_begins_anew_under_the_same_channels() {
    let mut pair = Pair::new(&[parameters("a", None)]);
    pair.theirs.send(pair.now, "a", true, &[7; 10_000]).expect("room");
    let first = pair.theirs.poll_packet().expect("several");
    pair.ours.handle(pair.now, &first).expect("good");
    assert!(!pair.ours.is_export_ready());
    let state = pair.ours.export(pair.now);
    while pair.theirs.poll_packet().is_some() {}
    pair.ours = Channels::restore(pair.now, &state);
    pair.wait(Duration::from_secs(10));
    pair.our_events.clear();
    pair.their_events.clear();
    pair.ours.send(pair.now, "a", true, b"down").expect("open");
    pair.theirs.send(pair.now, "a", true, b"up").expect("open");
    pair.wait(Duration::from_secs(5));
    let is = |wanted: &'static [u8]| move |event: &Event| matches!(event, Event::Message { payload, .. } if payload == wanted);
    assert!(pair.their_events.iter().any(is(b"down")), "{:?}", pair.their_events);
    assert!(pair.our_events.iter().any(is(b"up")), "{:?}", pair.our_events);
}

/// CRC32c (RFC 9260 appendix A) in its place.
fn sign(packet: &mut [u8]) {
    packet[8..12].fill(0);
    let crc = packet.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 }
        })
    });
    packet[8..12].copy_from_slice(&(!crc).to_le_bytes());
}

fn packet(tag: u32, chunks: &[&[u8]]) -> Vec<u8> {
    let mut packet = vec![0x13, 0x88, 0x13, 0x88];
    packet.extend(tag.to_be_bytes());
    packet.extend([0; 4]);
    chunks.iter().for_each(|chunk| packet.extend(*chunk));
    sign(&mut packet);
    packet
}

#[test]
fn malformed_and_forged_chunks_do_no_harm() {
    let mut pair = Pair::new(&[parameters("a", None)]);
    let tag = match pair.ours.send(pair.now, "a", true, b"x") {
        Ok(()) => pair.ours.poll_packet().expect("sent"),
        Err(reason) => panic!("{reason:?}"),
    };
    pair.theirs.handle(pair.now, &tag).expect("good");
    pair.exchange();
    // The tag that we expect stands in what they send.
    pair.theirs.send(pair.now, "a", true, b"y").expect("open");
    let theirs = pair.theirs.poll_packet().expect("sent");
    pair.ours.handle(pair.now, &theirs).expect("good");
    pair.exchange();
    let tag = u32::from_be_bytes(theirs[4..8].try_into().expect("4 bytes"));
    let init = {
        let mut chunk = vec![1, 0, 0, 20];
        chunk.extend([0, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1]);
        chunk
    };
    let mut chunks: Vec<Vec<u8>> = vec![init];
    for kind in 0..=u8::MAX {
        for len in [0_u16, 1, 3, 4, 5, 8, 16, 0xffff] {
            let mut chunk = vec![kind, 0xff];
            chunk.extend(len.to_be_bytes());
            chunk.extend([0xa5; 28]);
            chunks.push(chunk);
        }
    }
    // FORWARD-TSN far ahead, gap blocks without end, a forged COOKIE-ECHO.
    chunks.push([&[192, 0, 0, 8][..], &[0x7f, 0xff, 0xff, 0xff]].concat());
    chunks.push([&[3, 0, 0, 16][..], &[0, 0, 0, 1, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff]].concat());
    chunks.push([&[10, 0, 0, 64][..], &[0x5a; 60]].concat());
    for chunk in &chunks {
        for tag in [0, 1, tag ^ 1] {
            pair.ours.handle(pair.now, &packet(tag, &[chunk])).unwrap_or(());
            while pair.ours.poll_packet().is_some() {}
        }
    }
    assert_eq!(pair.ours.channels.len(), 1, "a wrong tag does nothing");
    pair.our_events.clear();
    pair.theirs.send(pair.now, "a", true, b"still here").expect("open");
    pair.wait(Duration::from_secs(10));
    assert!(pair.our_events.iter().any(|event| matches!(event, Event::Message { .. })));
    // With the right tag the client harms itself alone; nothing panics or grows.
    for chunk in &chunks {
        pair.ours.handle(pair.now, &packet(tag, &[chunk])).unwrap_or(());
        while pair.ours.poll_packet().is_some() {}
        while pair.ours.poll_event().is_some() {}
    }
}

#[test]
fn packets_changed_at_random_never_panic() {
    let mut random = 7_u64;
    let mut next = move || {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) as usize
    };
    for _ in 0..40 {
        let mut pair = Pair::new(&[parameters("a", None), parameters("b", Some(0))]);
        for _ in 0..50 {
            let sent = pair.theirs.send(pair.now, ["a", "b"][next() % 2], true, &[1; 4_000]);
            if sent.is_err() {
                pair.now += Duration::from_secs(1);
                pair.theirs.handle_timeout(pair.now);
            }
            while let Some(mut packet) = pair.theirs.poll_packet() {
                for _ in 0..next() % 4 {
                    let place = 12 + next() % (packet.len() - 12);
                    packet[place] = next() as u8;
                }
                packet.truncate(12 + next() % (packet.len() - 11));
                sign(&mut packet);
                pair.ours.handle(pair.now, &packet).unwrap_or(());
            }
            while let Some(packet) = pair.ours.poll_packet() {
                pair.theirs.handle(pair.now, &packet).unwrap_or(());
            }
            while pair.ours.poll_event().is_some() {}
        }
    }
}

/// A DATA chunk (RFC 9260 section 3.3.1) with a payload of one byte.
fn data(tsn: u32, stream: u16, ssn: u16, flags: u8) -> Vec<u8> {
    let mut chunk = vec![0, flags, 0, 17];
    chunk.extend(tsn.to_be_bytes());
    chunk.extend(stream.to_be_bytes());
    chunk.extend(ssn.to_be_bytes());
    chunk.extend([0, 0, 0, 53, 7, 0, 0, 0]);
    chunk
}

/// An association, the tag that ours expects, and the number of their next chunk.
fn connected() -> (Pair, u32, u32) {
    let mut pair = Pair::new(&[parameters("a", None)]);
    pair.theirs.send(pair.now, "a", true, b"y").expect("open");
    let sent = pair.theirs.poll_packet().expect("sent");
    pair.ours.handle(pair.now, &sent).expect("good");
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().expect("4 bytes"));
    let data = guard::chunks(&sent).find(|(kind, ..)| *kind == 0);
    let (.., body) = data.expect("a DATA chunk");
    pair.exchange();
    let (tag, next) = (number(&sent[4..]), number(body).wrapping_add(1));
    (pair, tag, next)
}

/// Sends chunks one by one, each a millisecond later; gives how many passed.
fn pass(pair: &mut Pair, tag: u32, chunks: impl Iterator<Item = Vec<u8>>) -> usize {
    let passed = chunks.filter(|chunk| {
        pair.now += Duration::from_millis(1);
        let result = pair.ours.handle(pair.now, &packet(tag, &[chunk]));
        while pair.ours.poll_packet().is_some() {}
        while pair.ours.poll_event().is_some() {}
        result.is_ok()
    });
    passed.count()
}

#[test]
fn chunks_far_ahead_that_never_make_a_message_do_not_pile_up() {
    let (mut pair, tag, next) = connected();
    let descending = (1..20_000).rev().map(|n| data(next.wrapping_add(2 * n), 0, 0, 4 | 1));
    let passed = pass(&mut pair, tag, descending);
    assert!((400..600).contains(&passed), "{passed} chunks in a window of 1,024 numbers");
}

#[test]
fn ends_without_beginnings_do_not_pile_up() {
    let (mut pair, tag, next) = connected();
    let ends = (0..20_000).map(|n| data(next.wrapping_add(n), 0, 9, 1));
    let passed = pass(&mut pair, tag, ends);
    assert!(passed < 600, "{passed} pass, those before which one is missing");
    let (mut pair, tag, next) = connected();
    let middles = (0..20_000_u32).map(|n| data(next.wrapping_add(n), 0, 20_000 - n as u16, 0));
    let passed = pass(&mut pair, tag, middles);
    assert!(passed < 600, "{passed} pass, those before which one is missing");
}

#[test]
fn messages_that_wait_for_one_that_never_comes_do_not_pile_up() {
    let (mut pair, tag, next) = connected();
    let whole = |n: u32| data(next.wrapping_add(n), 0, 20_000 - n as u16, 3);
    let passed = pass(&mut pair, tag, (0..20_000).map(whole));
    assert!(passed < 2_000, "{passed} messages wait");
}

#[test]
fn a_restart_that_is_none_ends_the_association() {
    let (mut pair, tag, next) = connected();
    let far = next.wrapping_add(50_000);
    let mut init = vec![1, 0, 0, 20, 0, 0, 0, 9, 0, 1, 0, 0, 0, 4, 0, 4];
    init.extend(far.to_be_bytes());
    pair.ours.handle(pair.now, &packet(0, &[&init])).unwrap_or(());
    while pair.ours.poll_packet().is_some() {}
    let cookie = [10, 0, 0, 8, 1, 2, 3, 4];
    let bundle = packet(tag, &[&cookie, &data(far.wrapping_add(5), 0, 0, 5)]);
    let passed = (0..100).filter(|_| pair.ours.handle(pair.now, &bundle).is_ok()).count();
    assert_eq!(passed, 1);
}

#[test]
fn streams_beyond_those_negotiated_are_not_used() {
    let (mut pair, tag, next) = connected();
    let streams = (0..60_000).map(|n| data(next, MAX_STREAMS + n % 5_000, 0, 3));
    assert_eq!(pass(&mut pair, tag, streams), 0);
    let skipped = (0..5_000_u16).map(|n| {
        let [high, low] = (MAX_STREAMS + n).to_be_bytes();
        let mut chunk = vec![192, 0, 0, 12];
        chunk.extend(next.to_be_bytes());
        chunk.extend([high, low, 0, 1]);
        chunk
    });
    assert_eq!(pass(&mut pair, tag, skipped), 0);
}

#[test]
fn a_flood_of_chunks_is_held_to_a_rate() {
    let (mut pair, tag, _) = connected();
    let heartbeat = [4, 0, 0, 12, 0, 1, 0, 8, 1, 2, 3, 4];
    let many: Vec<&[u8]> = vec![&heartbeat; 90];
    let many = packet(tag, &many);
    let passed = (0..1_000).filter(|_| pair.ours.handle(pair.now, &many).is_ok()).count();
    assert!((30..50).contains(&passed), "{passed} packets of 90 chunks at once");
    pair.now += Duration::from_secs(1);
    assert!(pair.ours.handle(pair.now, &many).is_ok());
}

#[test]
fn all_channels_are_closed_where_the_client_resets_all_streams() {
    let mut pair = Pair::new(&[parameters("a", None), parameters("b", None)]);
    pair.our_events.clear();
    pair.ours.forget(&[]);
    pair.exchange();
    let closed = |label: &str| Event::Closed(label.to_owned());
    assert_eq!(pair.our_events, [closed("a"), closed("b")]);
}

#[test]
fn a_lossy_path_does_not_make_an_honest_client_suspect() {
    let mut random = 11_u64;
    let mut is_lost = move || {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33).is_multiple_of(7)
    };
    let mut pair = Pair::new(&[parameters("a", None), parameters("b", Some(0))]);
    let mut sent = 0_u32;
    let end = pair.now + Duration::from_secs(120);
    while pair.now < end {
        for (label, len) in [("a", 1 + 37 * (sent as usize % 400)), ("b", 3_000)] {
            let mut payload = vec![0; len.max(4)];
            payload[..4].copy_from_slice(&sent.to_be_bytes());
            if pair.theirs.send(pair.now, label, true, &payload).is_ok() && label == "a" {
                sent += 1;
            }
        }
        while let Some(packet) = pair.theirs.poll_packet() {
            if !is_lost() {
                assert_eq!(pair.ours.handle(pair.now, &packet), Ok(()));
            }
        }
        while let Some(packet) = pair.ours.poll_packet() {
            if !is_lost() {
                pair.theirs.handle(pair.now, &packet).expect("good");
            }
        }
        pair.our_events.extend(std::iter::from_fn(|| pair.ours.poll_event()));
        pair.now += Duration::from_millis(10);
        pair.ours.handle_timeout(pair.now);
        pair.theirs.handle_timeout(pair.now);
    }
    pair.wait(Duration::from_secs(60));
    let reliable = pair.our_events.iter().filter_map(|event| match event {
        Event::Message { label, payload, .. } if label == "a" => {
            Some(u32::from_be_bytes(payload[..4].try_into().expect("4 bytes")))
        }
        _ => None,
    });
    assert!(sent > 1_000);
    assert_eq!(reliable.collect::<Vec<_>>(), (0..sent).collect::<Vec<_>>());
}

#[test]
fn an_export_carries_no_streams_without_channels() {
    let mut pair = Pair::new(&[parameters("a", None)]);
    pair.ours.send(pair.now, "a", true, b"x").expect("open");
    pair.exchange();
    let plain = rmp_serde::to_vec_named(&pair.ours.export(pair.now)).expect("encodes").len();
    let mut pair = Pair::new(&[parameters("a", None)]);
    for stream in 10..900 {
        let message = Message::new(StreamId(stream), PpId(PPID_BINARY), vec![1]);
        pair.theirs.socket.send(message, &SendOptions::default()).expect("room");
        pair.theirs.collect();
        pair.now += Duration::from_millis(10);
        pair.exchange();
    }
    pair.wait(Duration::from_secs(5));
    assert!(pair.ours.is_export_ready(), "{}", pair.ours.socket.get_handover_readiness());
    let state = pair.ours.export(pair.now);
    let encoded = rmp_serde::to_vec_named(&state).expect("encodes");
    assert!(encoded.len() < plain + 64, "{} bytes instead of {plain}", encoded.len());
    pair.ours = Channels::restore(pair.now, &state);
    pair.our_events.clear();
    pair.theirs.send(pair.now, "a", true, b"still here").expect("open");
    pair.wait(Duration::from_secs(5));
    let events = &pair.our_events;
    assert!(matches!(events.last(), Some(Event::Message { .. })), "{events:?}");
}
