//! What a link swallows as it breaks, before anybody knows that it is broken, comes with the next.

use super::*;
use lectern_control::node::{CommandError, DisconnectReason, Event};
use lectern_control::room::LeaveReason;

/// A node, two edges, and one person at each in a room, with a transport.
struct Live {
    bench: Bench,
    node: u64,
    one: u64,
    two: u64,
    ada: ParticipantId,
    bob: ParticipantId,
}

fn live() -> Live {
    let mut bench = Bench::new();
    let (node, one, two) = (bench.node("a", &[]), bench.edge("e1"), bench.edge("e2"));
    let (ada, bob) = (bench.join(one, "ada"), bench.join(two, "bob"));
    bench.open(one, ada, 10);
    bench.open(two, bob, 20);
    bench.forget();
    Live { bench, node, one, two, ada, bob }
}

fn leave(participant: ParticipantId) -> Request {
    Request::Leave { room: ROOM, participant, reason: LeaveReason::ClientLeft }
}

#[test]
fn whoever_was_removed_while_the_link_was_dying_receives_nothing_afterwards() {
    let Live { mut bench, node, one, ada, .. } = live();
    let heard = bench.said(node);
    bench.must(one, leave(ada));
    let remove = [Command::RemovePeer { peer: PeerId(10) }];
    let told = |bench: &Bench, link| {
        bench.commands(link).into_iter().map(|(_, _, command)| command).collect::<Vec<_>>()
    };
    assert_eq!(told(&bench, node), remove, "said to a link that was dead already");
    bench.input(Input::Unlinked { link: node, role: Role::Node });
    let again = bench.node_after("a", &[ROOM], heard);
    assert_eq!(told(&bench, again), remove);
    let all = bench.said(again);
    let last = bench.node_after("a", &[ROOM], all);
    assert!(told(&bench, last).is_empty(), "what was heard is not said again");
}

#[test]
fn an_edge_hears_of_what_happened_while_its_link_was_dying() {
    let Live { mut bench, one, two, bob, .. } = live();
    let heard = bench.said(one);
    bench.must(two, leave(bob));
    bench.input(Input::Unlinked { link: one, role: Role::Edge });
    bench.forget();
    let again = bench.edge_after("e1", heard);
    let reason = LeaveReason::ClientLeft;
    let left = Notice::ParticipantLeft { participant: bob, identity: "bob".to_owned(), reason };
    assert_eq!(bench.notices(again), [left]);
    assert_eq!(bench.controller.rooms[&ROOM].participant_count(), 1, "ada is still there");
}

#[test]
fn a_node_that_has_not_heard_everything_holds_nothing_that_counts() {
    let Live { mut bench, one, two, ada, bob, .. } = live();
    let again = bench.node_after("a", &[ROOM], Some(Number(1)));
    let revision = bench.controller.rooms[&ROOM].revision().expect("owned");
    assert_eq!(bench.closes(again), [(ROOM, revision)]);
    for (edge, participant, peer) in [(one, ada, 10), (two, bob, 20)] {
        let reason = DisconnectReason::ConsentExpired;
        let gone = Notice::PeerDisconnected { participant, peer: PeerId(peer), reason };
        assert!(bench.notices(edge).contains(&gone));
    }
    let end = bench.commands(again).len();
    bench.open(one, ada, 11);
    let opened = bench.commands(again).split_off(end);
    assert!(matches!(opened[..], [(ROOM, _, Command::AddPeer { .. })]), "the room begins anew");
}

#[test]
fn people_of_an_edge_that_is_another_process_have_left() {
    let Live { mut bench, two, ada, .. } = live();
    let again = bench.edge("e1");
    let reason = LeaveReason::ConnectionLost;
    let left = Notice::ParticipantLeft { participant: ada, identity: "ada".to_owned(), reason };
    assert_eq!(bench.notices(two), [left]);
    let welcome = bench.to_edge.iter().find(|(to, _)| *to == again).expect("told");
    assert!(matches!(welcome.1, ToEdge::Welcome { .. }), "the welcome is first");
}

#[test]
fn events_that_were_heard_are_confirmed_and_asked_for_no_more() {
    let Live { mut bench, node, .. } = live();
    for number in 1..=2 {
        let event =
            Event::CommandFailed { request: RequestId(0), error: CommandError::UnknownPeer };
        let message = FromNode::Event { room: ROOM, event, number: Number(number) };
        bench.input(Input::FromNode { link: node, message });
    }
    bench.tick_with(25, &[node]);
    let told = bench.to_node.iter().filter(|(to, _)| *to == node).map(|(_, message)| message);
    assert_eq!(told.collect::<Vec<_>>(), [&ToNode::Heard { event: Number(2) }]);
    let heard = bench.said(node);
    let again = bench.node_after("a", &[ROOM], heard);
    let (version, heard) = (Version::CURRENT, Number(2));
    let said = bench.said(again).expect("welcomed");
    let welcome = ToNode::Welcome { version, heard, said };
    assert!(bench.to_node.contains(&(again, welcome)));
}
