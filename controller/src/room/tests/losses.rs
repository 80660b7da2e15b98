//! Nodes that die or come back empty.

use super::*;
use lectern_control::node::DisconnectReason;

fn live() -> (Bench, ParticipantId) {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.connected("e1", ada, 11, true);
    bench.command("e1", ada, publish(10, 5)).expect("passes");
    bench.must("e1", add_track(ada, 5));
    bench.forget();
    (bench, ada)
}

fn disconnected(participant: ParticipantId, peer: u64) -> Notice {
    let reason = DisconnectReason::ConsentExpired;
    Notice::PeerDisconnected { participant, peer: PeerId(peer), reason }
}

#[test]
fn when_the_node_dies_transports_are_reported_gone_and_then_where_to_go() {
    let (mut bench, ada) = live();
    bench.room.handle_node_lost(bench.now(), Some((place("c", 3), Some(place("d", 4)))));
    bench.settle();
    let notices: Vec<&Notice> = bench.notices.iter().map(|(_, notice)| notice).collect();
    assert_eq!(notices[..2], [&disconnected(ada, 10), &disconnected(ada, 11)]);
    let Notice::Moved { placement } = notices[2] else { panic!("{:?}", notices[2]) };
    assert_eq!((&placement.node, placement.standby.as_ref()), (&node("c"), Some(&node("d"))));
    assert_eq!(placement.generation, 2, "above the standby's candidates");
    assert!(bench.told().contains(&"RemovePeer at b".to_owned()), "the standby's share goes too");
    assert_eq!(bench.room.participant_count(), 1, "people stay in the room");
    assert_eq!(bench.audit.last().map(|(kind, _)| *kind), Some(AuditKind::NodeLost));
    bench.forget();
    bench.open("e1", ada, 12, true);
    assert_eq!(bench.told(), ["AddPeer at c", "AddPeer at d"]);
    bench.command("e1", ada, publish(12, 5)).expect("the same track, on a new transport");
}

#[test]
fn when_the_node_dies_and_there_is_no_other_the_room_waits_as_it_is() {
    let (mut bench, _) = live();
    bench.room.handle_node_lost(bench.now(), None);
    bench.settle();
    assert!(bench.story.is_empty());
    assert_eq!(bench.room.peer_count(), 2, "it may only have been silent");
}

#[test]
fn when_the_standby_dies_peers_go_on_without_one() {
    let (mut bench, ada) = live();
    bench.room.handle_standby_lost();
    bench.settle();
    assert!(bench.story.is_empty());
    let peer = PeerId(11);
    bench.command("e1", ada, Command::SetRemote { peer, remote: remote("r") }).expect("passes");
    bench.open("e1", ada, 12, true);
    assert_eq!(bench.told(), ["SetRemote at a", "AddPeer at a"]);
    assert_eq!(bench.room.home.placement(ROOM).standby, None);
}

#[test]
fn a_node_that_comes_back_empty_has_lost_its_transports() {
    let (mut bench, ada) = live();
    bench.room.handle_node_emptied(bench.now(), &node("c"));
    bench.settle();
    assert!(bench.story.is_empty(), "another node's memory is no matter");
    bench.room.handle_node_emptied(bench.now(), &node("b"));
    bench.settle();
    assert!(bench.story.is_empty());
    bench.room.handle_node_emptied(bench.now(), &node("a"));
    bench.settle();
    assert_eq!(bench.notices[0].1, disconnected(ada, 10));
    assert_eq!(bench.room.home.primary.node, node("a"), "the room begins anew where it was");
    assert_eq!((bench.room.peer_count(), bench.room.participant_count()), (0, 1));
    bench.forget();
    bench.room.handle_node_emptied(bench.now(), &node("a"));
    bench.settle();
    assert!(bench.story.is_empty(), "a room without transports has nothing to lose");
}
