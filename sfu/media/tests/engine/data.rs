//! Data messages: to all others, with the sender's identity, and only from those who may.

use crate::world::{World, participant, peer};
use bytes::Bytes;
use lectern_control::node::Command;
use lectern_control::transport::{ChannelParameters, DataParameters, Envelope, Permissions};
use lectern_media::DropReason;

const LABELS: [&str; 2] = ["_reliable", "_lossy"];

fn parameters(identity: &str) -> DataParameters {
    let channel = |label: &str| ChannelParameters {
        label: label.to_owned(),
        ordered: label == LABELS[0],
        max_retransmits: (label == LABELS[1]).then_some(0),
    };
    DataParameters {
        channels: LABELS.map(channel).to_vec(),
        receives: true,
        address: Bytes::copy_from_slice(identity.as_bytes()),
        envelope: Some(Envelope {
            splice: field(SENDER, identity).into(),
            reserved: vec![SERVER_ONLY],
            destination: Some(DESTINATION),
        }),
    }
}

/// Fields of the messages here.
const TEXT: u8 = 1;
const DESTINATION: u32 = 2;
const SERVER_ONLY: u32 = 3;
const SENDER: u8 = 4;

/// A protobuf field with a text inside.
fn field(number: u8, text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).expect("a short text");
    [&[number << 3 | 2, len][..], text.as_bytes()].concat()
}

/// Text and sender of a message, as a receiver reads it.
fn read(message: &[u8]) -> String {
    let fields = lectern_wire::protobuf::fields(message).map(|field| field.expect("a field"));
    let texts = fields.filter(|field| field.number != DESTINATION).filter_map(|f| f.content);
    texts.map(|text| std::str::from_utf8(text).expect("text")).collect()
}

/// Participant 1 with two transports, participant 3 and participant 4, who may not send.
fn meeting() -> World {
    let mut world = World::new(1);
    let mute = Permissions { publish_data: false, ..Permissions::ALL };
    world.join_as(1, Permissions::ALL, parameters("<a>"));
    world.join_as(1, Permissions::ALL, parameters("<a>"));
    world.join_as(3, Permissions::ALL, parameters("<c>"));
    world.join_as(4, mute, parameters("<d>"));
    world.run_ms(3_000);
    assert!(world.clients.iter().all(|client| client.is_connected));
    world
}

fn say(world: &mut World, place: usize, label: &str, text: &str) {
    send(world, place, label, &field(TEXT, text));
}

fn send(world: &mut World, place: usize, label: &str, message: &[u8]) {
    let now = world.now;
    let client = &mut world.clients[place];
    client.transport.send_message(now, label, true, message).expect("an open channel");
    client.collect();
    world.run_ms(200);
}

fn heard(world: &World, place: usize) -> Vec<(&str, String)> {
    let messages = world.clients[place].messages.iter();
    messages.map(|(label, bytes)| (label.as_str(), read(bytes))).collect()
}

#[test]
fn a_message_goes_to_all_others_by_the_channel_of_the_same_label() {
    let mut world = meeting();
    for label in LABELS {
        say(&mut world, 0, label, "hello");
    }
    let expected = LABELS.map(|label| (label, "hello<a>".to_owned()));
    assert_eq!(heard(&world, 2), expected);
    assert_eq!(heard(&world, 3), expected);
    assert!(heard(&world, 0).is_empty());
    assert!(heard(&world, 1).is_empty(), "not to the sender's other transport");
    assert_eq!(world.engines[0].counters().messages_in, 2);
    assert_eq!(world.engines[0].counters().messages_out, 4);
}

#[test]
fn who_may_not_send_is_not_heard() {
    let mut world = meeting();
    say(&mut world, 3, LABELS[0], "hello");
    assert!((0..3).all(|place| heard(&world, place).is_empty()));
    assert_eq!(world.dropped(DropReason::DataNotPermitted), 1);
}

#[test]
fn who_does_not_receive_is_left_out() {
    let mut world = meeting();
    let data = DataParameters { receives: false, ..parameters("<c>") };
    world.command(0, Command::SetData { peer: peer(2), data });
    say(&mut world, 0, LABELS[0], "hello");
    assert!(heard(&world, 2).is_empty());
    assert_eq!(heard(&world, 3).len(), 1);
}

#[test]
fn the_server_s_own_messages_go_to_those_it_names() {
    let mut world = meeting();
    let send = |to: Vec<_>| Command::SendData {
        label: LABELS[0].to_owned(),
        to,
        payload: field(TEXT, "news").into(),
    };
    let news = [(LABELS[0], "news".to_owned())];
    world.command(0, send(vec![participant(2)]));
    world.run_ms(200);
    assert_eq!(heard(&world, 2), news);
    assert!(heard(&world, 3).is_empty());
    world.command(0, send(Vec::new()));
    world.run_ms(200);
    assert_eq!(heard(&world, 3), news);
    assert_eq!(heard(&world, 0), news);
}

#[test]
fn a_flood_is_cut_and_the_room_goes_on() {
    let mut world = meeting();
    for _ in 0..50 {
        for _ in 0..20 {
            let now = world.now;
            let client = &mut world.clients[0];
            // The client's own buffer may be full.
            let _ = client.transport.send_message(now, LABELS[1], true, &field(TEXT, "spam"));
            client.collect();
        }
        world.run_ms(20);
    }
    assert!(world.dropped(DropReason::DataRate) > 100);
    say(&mut world, 2, LABELS[0], "fine");
    assert_eq!(heard(&world, 3).last(), Some(&(LABELS[0], "fine<c>".to_owned())));
}

#[test]
fn a_message_that_names_receivers_goes_to_them_alone() {
    let mut world = meeting();
    let message = [field(TEXT, "psst"), field(DESTINATION as u8, "<d>")].concat();
    send(&mut world, 0, LABELS[0], &message);
    assert!(heard(&world, 2).is_empty(), "it is for somebody else");
    assert_eq!(heard(&world, 3), [(LABELS[0], "psst<a>".to_owned())]);
}

#[test]
fn who_wants_to_speak_as_somebody_else_is_not_heard() {
    let mut world = meeting();
    let swallowed = field(SENDER, "<c>").len() as u8;
    let forged = [&field(TEXT, "hello")[..], &field(SENDER, "<c>"), &[15 << 3 | 2, swallowed]];
    send(&mut world, 0, LABELS[0], &forged.concat());
    send(&mut world, 0, LABELS[0], &field(SERVER_ONLY as u8, "loud"));
    assert!((0..4).all(|place| heard(&world, place).is_empty()));
    assert_eq!(world.dropped(DropReason::DataMalformed), 2);
    let overruled = [field(TEXT, "hello"), field(SENDER, "<c>")].concat();
    send(&mut world, 0, LABELS[0], &overruled);
    assert_eq!(heard(&world, 3), [(LABELS[0], "hello<c><a>".to_owned())], "the last one counts");
}

#[test]
fn a_transport_without_an_envelope_passes_nothing_on() {
    let mut world = meeting();
    let data = DataParameters { envelope: None, ..parameters("<a>") };
    world.command(0, Command::SetData { peer: peer(0), data });
    say(&mut world, 0, LABELS[0], "hello");
    assert!((0..4).all(|place| heard(&world, place).is_empty()));
    assert_eq!(world.dropped(DropReason::DataNotPermitted), 1);
}
