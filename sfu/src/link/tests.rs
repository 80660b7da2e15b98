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
    }
}

fn encoded(message: &ToNode) -> Bytes {
    frame::encode(message).expect("encodes")
}

fn welcome(major: u16) -> Bytes {
    encoded(&ToNode::Welcome { version: Version { major, minor: 99 } })
}

fn command() -> Bytes {
    let (request, revision) = (RequestId(3), Revision(4));
    encoded(&ToNode::Command { request, room: ROOM, revision, command: Command::CloseRoom })
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

#[test]
fn events_of_an_outage_come_with_the_next_link_in_their_order() {
    let mut protocol = linked();
    let error = CommandError::UnknownPeer;
    protocol.keep(ROOM, Event::CommandFailed { request: RequestId(1), error: error.clone() });
    protocol.keep(ROOM, gone(1));
    protocol.end();
    assert!(!protocol.has_news() && protocol.next_event().is_none());
    protocol.keep(ROOM, Event::Speakers { speakers: Vec::new() });
    protocol.keep(ROOM, Event::CommandFailed { request: RequestId(2), error });
    protocol.keep(ROOM, gone(2));
    protocol.begin(hello()).expect("encodes");
    assert!(!protocol.has_news(), "not before the welcome");
    protocol.receive(&welcome(Version::CURRENT.major));
    for peer in [1, 2] {
        let event = protocol.next_event().expect("an event").expect("encodes");
        let expected = FromNode::Event { room: ROOM, event: gone(peer) };
        assert_eq!(frame::decode::<FromNode>(&event).expect("decodes"), expected);
    }
    assert!(protocol.next_event().is_none());
}

#[test]
fn a_long_outage_costs_the_oldest_events_and_no_more_memory() {
    let mut protocol = Protocol::default();
    for peer in 0..MAX_PENDING as u64 + 5 {
        protocol.keep(ROOM, gone(peer));
    }
    assert_eq!(protocol.pending.len(), MAX_PENDING);
    assert_eq!(protocol.counts().events_lost, 5);
    assert_eq!(protocol.pending.front(), Some(&(ROOM, gone(5))));
}

#[test]
fn heartbeats_count_up_from_one_on_each_link() {
    let mut protocol = linked();
    for sequence in 1..=3 {
        let beat = protocol.heartbeat(Heartbeat::default()).expect("encodes");
        let expected = FromNode::Heartbeat(Heartbeat { sequence, ..Heartbeat::default() });
        assert_eq!(frame::decode::<FromNode>(&beat).expect("decodes"), expected);
    }
}
