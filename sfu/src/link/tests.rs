//! The link's protocol through outages, damage and other versions.

use super::*;
use lectern_control::PeerId;
use lectern_control::node::{Capacity, CommandError, DisconnectReason};

const ROOM: RoomId = RoomId(5);

fn hello() -> Hello {
    Hello {
        version: Version::CURRENT,
        node: "node-1".parse().expect("a name"),
        region: "here".to_owned(),
        failure_domain: "rack".to_owned(),
        capacity: Capacity { workers: 1, peers: 1, egress_bps: 1 },
        addresses: Vec::new(),
        rooms: vec![ROOM],
        heard: None,
        kept_after: Number::default(),
    }
}

fn encoded(message: &ToNode) -> Bytes {
    frame::encode(message).expect("encodes")
}

fn welcome(major: u16) -> Bytes {
    let (heard, said) = (Number::default(), Number(100));
    encoded(&ToNode::Welcome { version: Version { major, minor: 99 }, heard, said })
}

/// The welcome of a controller that has heard so many events.
fn goes_on(heard: u64) -> Bytes {
    let (heard, said) = (Number(heard), Number(101));
    encoded(&ToNode::Welcome { version: Version::CURRENT, heard, said })
}

fn command() -> Bytes {
    let (request, revision) = (RequestId(3), Revision(4));
    let (command, number) = (Command::CloseRoom, Number(101));
    encoded(&ToNode::Command { request, room: ROOM, revision, command, number })
}

fn gone(peer: u64) -> Event {
    Event::PeerDisconnected { peer: PeerId(peer), reason: DisconnectReason::Closed }
}

fn linked() -> Protocol {
    let mut protocol = Protocol::default();
    let first = protocol.begin(hello()).expect("encodes");
    assert_eq!(frame::decode::<FromNode>(&first).expect("decodes"), FromNode::Hello(hello()));
    assert_eq!(protocol.receive(&welcome(Version::CURRENT.major)), Received::Welcomed);
    protocol
}

#[test]
fn commands_count_after_the_welcome_only() {
    let mut protocol = Protocol::default();
    protocol.begin(hello()).expect("encodes");
    assert_eq!(protocol.receive(&command()), Received::Ignored);
    protocol.receive(&welcome(Version::CURRENT.major));
    assert!(matches!(protocol.receive(&command()), Received::Command { room: ROOM, .. }));
    protocol.end();
    protocol.begin(hello()).expect("encodes");
    assert_eq!(protocol.receive(&command()), Received::Ignored, "a new link begins anew");
    assert_eq!(protocol.counts().ignored, 2);
}

#[test]
fn another_major_version_is_told_apart_from_another_minor_one() {
    let mut protocol = Protocol::default();
    protocol.begin(hello()).expect("encodes");
    let version = Version { major: Version::CURRENT.major + 1, minor: 99 };
    assert_eq!(protocol.receive(&welcome(version.major)), Received::Incompatible(version));
    assert_eq!(protocol.receive(&command()), Received::Ignored);
    assert_eq!(protocol.counts().incompatible, 1);
}

#[test]
fn damaged_and_unknown_messages_are_counted_and_the_next_is_read() {
    let mut protocol = linked();
    #[derive(serde::Serialize)]
    enum Later {
        Invented { later: u8 },
    }
    let unknown = frame::encode(&Later::Invented { later: 1 }).expect("encodes");
    let cut = command().slice(..20);
    for (count, damaged) in [&unknown[..], &cut[..], b"", &[0xc1; 99]].into_iter().enumerate() {
        assert_eq!(protocol.receive(damaged), Received::Ignored);
        assert_eq!(protocol.counts().ignored, count as u64 + 1);
    }
    assert!(matches!(protocol.receive(&command()), Received::Command { .. }));
}

fn event(number: u64, event: Event) -> FromNode {
    FromNode::Event { room: ROOM, event, number: Number(number) }
}

fn said(protocol: &mut Protocol) -> Vec<FromNode> {
    let events = std::iter::from_fn(|| protocol.next_event());
    let events = events.map(|event| frame::decode(&event.expect("encodes")).expect("decodes"));
    events.collect()
}

#[test]
fn events_of_an_outage_come_with_the_next_link_in_their_order() {
    let mut protocol = linked();
    let failed = Event::CommandFailed { request: RequestId(1), error: CommandError::UnknownPeer };
    protocol.keep(ROOM, gone(1));
    protocol.end();
    assert!(!protocol.has_news() && protocol.next_event().is_none());
    protocol.keep(ROOM, Event::Speakers { speakers: Vec::new() });
    protocol.keep(ROOM, failed.clone());
    protocol.keep(ROOM, gone(2));
    protocol.begin(hello()).expect("encodes");
    assert!(!protocol.has_news(), "not before the welcome");
    protocol.receive(&goes_on(0));
    let expected = [event(1, gone(1)), event(2, failed), event(3, gone(2))];
    assert_eq!(said(&mut protocol), expected, "all but what was true for a moment");
    assert!(!protocol.has_news());
}

#[test]
fn what_was_on_its_way_when_a_link_broke_is_said_again_until_it_is_heard() {
    let mut protocol = linked();
    for peer in 1..=3 {
        protocol.keep(ROOM, gone(peer));
    }
    assert_eq!(said(&mut protocol).len(), 3);
    protocol.receive(&encoded(&ToNode::Heard { event: Number(1) }));
    protocol.receive(&command());
    protocol.end();
    let first = protocol.begin(hello()).expect("encodes");
    let expected = Hello { heard: Some(Number(101)), kept_after: Number(1), ..hello() };
    assert_eq!(frame::decode::<FromNode>(&first).expect("decodes"), FromNode::Hello(expected));
    protocol.receive(&goes_on(2));
    assert_eq!(said(&mut protocol), [event(3, gone(3))]);
}

#[test]
fn a_long_outage_costs_the_oldest_events_and_no_more_memory() {
    let mut protocol = Protocol::default();
    for peer in 0..MAX_UNCONFIRMED as u64 + 5 {
        protocol.keep(ROOM, gone(peer));
    }
    assert_eq!(protocol.counts().events_lost, 5);
    let first = protocol.begin(hello()).expect("encodes");
    let FromNode::Hello(hello) = frame::decode(&first).expect("decodes") else { panic!("hello") };
    assert_eq!(hello.kept_after, Number(5), "the controller can tell that some are missing");
    protocol.receive(&goes_on(0));
    let said = said(&mut protocol);
    assert_eq!((said.len(), &said[0]), (MAX_UNCONFIRMED, &event(6, gone(5))));
}

#[test]
fn heartbeats_count_up_from_one_on_each_link() {
    let mut protocol = linked();
    for sequence in 1..=3 {
        let beat = protocol.heartbeat(Heartbeat::default()).expect("encodes");
        let heartbeat = Heartbeat { sequence, heard: Number(100), ..Heartbeat::default() };
        let expected = FromNode::Heartbeat(heartbeat);
        assert_eq!(frame::decode::<FromNode>(&beat).expect("decodes"), expected);
    }
}
