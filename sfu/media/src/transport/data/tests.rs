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
