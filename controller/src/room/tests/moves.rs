//! Calm moves: in order, bounded in time, and never the same state twice.

use super::*;
use lectern_control::node::DisconnectReason;

/// Ada publishes over peer 10 (offered by the browser) and watches over 11 (held warm at `b`); Bob
/// watches over 20 (held warm at `b`).
fn live() -> (Bench, ParticipantId, ParticipantId) {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let bob = bench.join("e2", "bob", VIEWER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.connected("e1", ada, 11, true);
    bench.connected("e2", bob, 20, true);
    bench.command("e1", ada, publish(10, 5)).expect("passes");
    bench.command("e2", bob, subscribe(20, 5)).expect("passes");
    bench.forget();
    (bench, ada, bob)
}

impl Bench {
    fn begin(&mut self, to: Place, next_standby: Option<Place>) -> Result<(), RequestError> {
        let begun = self.room.begin_move(self.now(), to, next_standby);
        self.settle();
        begun
    }

    fn exported(&mut self, from: &str, peer: u64) {
        let state = state(&format!("state of {peer}"));
        self.event(from, Event::Exported { peer: PeerId(peer), state });
    }

    fn fails(&mut self, at: &str, wanted: impl Fn(&Command) -> bool, error: CommandError) {
        let request = self.asked(at, wanted);
        self.event(at, Event::CommandFailed { request, error });
    }

    /// Every state that was given to a node, with the peer and the generation.
    fn restored(&self) -> Vec<(String, u64, u16)> {
        let restore = |(node, _, command): &(NodeId, RequestId, Command)| match command {
            Command::Restore { peer, parameters, .. } => {
                Some((node.to_string(), peer.0, parameters.generation))
            }
            _ => None,
        };
        self.commands.iter().filter_map(restore).collect()
    }

    fn moved(&self) -> Option<&lectern_control::room::Placement> {
        self.notices.iter().rev().find_map(|(_, notice)| match notice {
            Notice::Moved { placement } => Some(placement),
            _ => None,
        })
    }
}

fn is_export(peer: u64) -> impl Fn(&Command) -> bool {
    move |command| matches!(command, Command::Export { peer: p } if p.0 == peer)
}

fn is_restore(peer: u64) -> impl Fn(&Command) -> bool {
    move |command| matches!(command, Command::Restore { peer: p, .. } if p.0 == peer)
}

#[test]
fn a_room_moves_to_its_standby_publishers_first_and_the_old_node_lets_go_later() {
    let (mut bench, _, _) = live();
    bench.begin(place("b", 2), Some(place("c", 3))).expect("begun");
    assert_eq!(bench.told(), ["Export at a"; 3]);
    let Command::Export { peer } = bench.commands[0].2 else { panic!("an export") };
    assert_eq!(peer, PeerId(10), "the publisher first");
    bench.forget();
    bench.exported("a", 20);
    assert!(bench.restored().is_empty(), "a subscriber waits for its publishers");
    bench.exported("a", 10);
    let restored = bench.restored();
    assert_eq!(restored, [("b".to_owned(), 10, 1), ("b".to_owned(), 20, 1)]);
    assert!(bench.moved().is_none(), "not before everybody is there");
    bench.exported("a", 11);
    assert_eq!(bench.restored().len(), 3);
    let placement = bench.moved().expect("moved");
    assert_eq!((placement.node.as_str(), placement.generation), ("b", 1));
    assert_eq!(placement.standby, Some(node("c")));
    assert_eq!(bench.story.last().map(String::as_str), Some("moved"));
    assert_eq!(bench.audit.last().map(|(kind, _)| *kind), Some(AuditKind::RoomMoved));
    bench.forget();
    bench.pass(499);
    assert!(bench.commands.is_empty(), "the old node goes on receiving");
    bench.pass(1);
    assert_eq!(bench.told(), ["RemovePeer at a"; 3]);
    assert_eq!(bench.room.peer_count(), 3);
}

#[test]
fn a_room_that_moves_past_its_standby_outranks_it_and_frees_it() {
    let (mut bench, _, _) = live();
    bench.begin(place("c", 3), Some(place("a", 1))).expect("begun");
    for peer in [10, 11, 20] {
        bench.exported("a", peer);
    }
    assert!(bench.restored().iter().all(|(node, _, generation)| node == "c" && *generation == 2));
    let told = bench.told();
    assert_eq!(told.iter().filter(|told| *told == "RemovePeer at b").count(), 2);
    assert_eq!(bench.room.home.standby.as_ref().map(|place| &place.node), Some(&node("a")));
}

#[test]
fn what_was_negotiated_before_the_move_is_restored_with_it() {
    let (mut bench, ada, _) = live();
    let peer = PeerId(10);
    bench.command("e1", ada, Command::SetRemote { peer, remote: remote("old") }).expect("passes");
    let restart = Command::RestartIce {
        peer,
        local: credentials("ours2"),
        remote: credentials("theirs2"),
        candidates: vec![candidate(1)],
    };
    bench.command("e1", ada, restart).expect("passes");
    let command = Command::AddCandidate { peer, candidate: candidate(2) };
    bench.command("e1", ada, command).expect("passes");
    bench.begin(place("b", 2), None).expect("begun");
    bench.exported("a", 10);
    let found = bench.commands.iter().find_map(|(_, _, command)| match command {
        Command::Restore { parameters, state, .. } => Some((parameters, state)),
        _ => None,
    });
    let (parameters, given) = found.expect("restored");
    assert_eq!(parameters.ice, credentials("ours2"));
    let remote = parameters.remote.as_ref().expect("a description");
    assert_eq!(remote.ice, credentials("theirs2"));
    assert_eq!(remote.candidates, [candidate(1), candidate(2)]);
    assert_eq!(*given, state("state of 10"));
    assert_eq!(parameters.duty, Duty::Active);
}

#[test]
fn what_edges_ask_during_a_move_is_done_after_it_in_order_and_at_the_new_node() {
    let (mut bench, ada, bob) = live();
    bench.begin(place("b", 2), None).expect("begun");
    bench.forget();
    let track = TrackId(5);
    let mute = Request::MuteTrack { room: ROOM, participant: ada, track, muted: true };
    let subscribe = Request::Node { room: ROOM, participant: bob, command: subscribe(20, 6) };
    let first = bench.ask("e2", subscribe);
    let second = bench.ask("e1", mute);
    let stale = bench.ask("e1", open_request(ada, 12, 0, true));
    assert!(bench.story.is_empty(), "everybody waits");
    for peer in [10, 11, 20] {
        bench.exported("a", peer);
    }
    assert_eq!(bench.answer(first), Some(&Ok(Response::Done)));
    assert_eq!(bench.answer(second), Some(&Err(RequestError::NotFound)), "it was not announced");
    let unavailable = Some(&Err(RequestError::Unavailable("the room has moved".to_owned())));
    assert_eq!(bench.answer(stale), unavailable, "its description names the old node");
    let at = |word: &str| bench.story.iter().position(|told| told == word).expect(word);
    assert!(at("Moved for e2") < at("ok to e2") && at("ok to e2") < at("Subscribe at b"));
    bench.open("e1", ada, 12, true);
}

#[test]
fn a_move_waits_a_while_for_handshakes_and_those_that_last_come_again() {
    let (mut bench, _, bob) = live();
    bench.open("e2", bob, 21, false);
    bench.open("e2", bob, 22, false);
    bench.forget();
    bench.begin(place("b", 2), None).expect("begun");
    bench.pass(2_900);
    assert!(bench.commands.is_empty());
    bench
        .command("e2", bob, Command::SetRemote { peer: PeerId(21), remote: remote("r") })
        .expect("the room works as ever");
    bench.connect("a", 21);
    bench.forget();
    bench.pass(100);
    let dropped = Notice::PeerDisconnected {
        participant: bob,
        peer: PeerId(22),
        reason: DisconnectReason::ConsentExpired,
    };
    assert_eq!(bench.notices, [(edge("e2"), dropped)]);
    assert_eq!(bench.told().iter().filter(|told| *told == "Export at a").count(), 4);
}

#[test]
fn a_room_without_transports_moves_at_once() {
    let mut bench = Bench::new();
    bench.join("e1", "ada", PRESENTER_LINK);
    bench.forget();
    bench.begin(place("c", 3), None).expect("begun");
    assert_eq!(bench.story, ["Moved for e1", "moved"]);
}

#[test]
fn a_move_that_cannot_be_is_refused_before_it_begins() {
    let (mut bench, _, _) = live();
    let there = bench.begin(place("a", 1), None);
    assert!(matches!(there, Err(RequestError::Invalid(_))));
    bench.begin(place("b", 2), None).expect("begun");
    let twice = bench.begin(place("c", 3), None);
    assert!(matches!(twice, Err(RequestError::Unavailable(_))));
    let home = Home { primary: place("a", 1), standby: None, generation: 253 };
    let mut worn = Bench::at(home);
    assert!(matches!(worn.begin(place("b", 2), None), Err(RequestError::Limit(_))));
    let mut unowned = Bench::new();
    unowned.room.set_revision(None);
    assert!(matches!(unowned.begin(place("b", 2), None), Err(RequestError::Unavailable(_))));
}

#[test]
fn a_node_that_gives_no_state_away_keeps_its_room() {
    let (mut bench, _, bob) = live();
    bench.begin(place("b", 2), None).expect("begun");
    let waiting =
        bench.ask("e2", Request::Node { room: ROOM, participant: bob, command: subscribe(20, 7) });
    bench.fails("a", is_export(10), CommandError::Invalid("no".to_owned()));
    assert!(bench.story.contains(&"move failed".to_owned()));
    assert!(bench.moved().is_none() && bench.restored().is_empty());
    assert_eq!(bench.room.home.primary.node, node("a"));
    assert_eq!(bench.answer(waiting), Some(&Ok(Response::Done)));
    assert_eq!(bench.audit.last().map(|(kind, _)| *kind), Some(AuditKind::MoveFailed));
    bench.forget();
    bench.exported("a", 20);
    assert_eq!(bench.restored(), [("a".to_owned(), 20, 0)], "what comes late goes back");
    bench.begin(place("b", 2), None).expect("it may be tried again");
}

#[test]
fn a_node_that_does_not_answer_keeps_its_room() {
    let (mut bench, _, _) = live();
    bench.begin(place("b", 2), None).expect("begun");
    bench.pass(999);
    assert!(!bench.story.contains(&"move failed".to_owned()));
    bench.pass(1);
    assert!(bench.story.contains(&"move failed".to_owned()));
    assert_eq!(bench.room.peer_count(), 3);
}

#[test]
fn one_transport_that_cannot_be_moved_does_not_hold_the_others() {
    let (mut bench, _, bob) = live();
    bench.begin(place("b", 2), None).expect("begun");
    bench.exported("a", 10);
    bench.fails("a", is_export(20), CommandError::UnknownPeer);
    let dropped = Notice::PeerDisconnected {
        participant: bob,
        peer: PeerId(20),
        reason: DisconnectReason::ConsentExpired,
    };
    assert!(bench.notices.contains(&(edge("e2"), dropped)));
    assert!(bench.moved().is_none());
    bench.pass(1_000);
    assert!(bench.moved().is_some(), "and one that never answers neither");
    assert_eq!(bench.room.peer_count(), 1);
    assert_eq!(bench.restored(), [("b".to_owned(), 10, 1)]);
}

#[test]
fn a_transport_that_the_new_node_refuses_is_reported() {
    let (mut bench, ada, _) = live();
    bench.begin(place("b", 2), None).expect("begun");
    for peer in [10, 11, 20] {
        bench.exported("a", peer);
    }
    bench.forget();
    bench.fails_after(10);
    let reason = DisconnectReason::ConsentExpired;
    let dropped = Notice::PeerDisconnected { participant: ada, peer: PeerId(10), reason };
    assert_eq!(bench.notices, [(edge("e1"), dropped)]);
    assert_eq!(bench.room.peer_count(), 2);
}

impl Bench {
    /// The restore of a peer fails, although its command is no longer at hand.
    fn fails_after(&mut self, peer: u64) {
        let wanted = Issued::Restore(PeerId(peer));
        let found = self.room.issued.iter().find(|(_, issued)| **issued == wanted);
        let request = *found.expect("issued").0;
        let error = CommandError::Limit("peers".to_owned());
        self.event("b", Event::CommandFailed { request, error });
    }
}

#[test]
fn if_the_new_node_dies_states_that_were_not_used_go_back_and_no_other() {
    let (mut bench, ada, _) = live();
    bench.command("e1", ada, publish(11, 6)).expect("a second publisher");
    bench.begin(place("b", 2), None).expect("begun");
    bench.exported("a", 10);
    bench.exported("a", 20);
    assert_eq!(bench.restored(), [("b".to_owned(), 10, 1)]);
    bench.forget();
    bench.room.handle_target_lost(bench.now());
    bench.settle();
    assert_eq!(bench.restored(), [("a".to_owned(), 20, 0)], "only what was not used");
    let reason = DisconnectReason::ConsentExpired;
    let dropped = Notice::PeerDisconnected { participant: ada, peer: PeerId(10), reason };
    assert!(bench.notices.contains(&(edge("e1"), dropped)));
    bench.exported("a", 11);
    assert_eq!(bench.restored().last(), Some(&("a".to_owned(), 11, 0)));
    assert_eq!(bench.room.home.primary.node, node("a"));
    assert_eq!(bench.room.peer_count(), 2);
}

#[test]
fn if_the_old_node_dies_whose_state_was_taken_lives_on() {
    let (mut bench, _, bob) = live();
    bench.begin(place("b", 2), Some(place("c", 3))).expect("begun");
    bench.exported("a", 10);
    bench.exported("a", 11);
    bench.room.handle_node_lost(bench.now(), Some((place("c", 3), None)));
    bench.settle();
    let placement = bench.moved().expect("moved");
    assert_eq!(placement.node, node("b"), "where the states went, not where the rest would go");
    let reason = DisconnectReason::ConsentExpired;
    let dropped = Notice::PeerDisconnected { participant: bob, peer: PeerId(20), reason };
    assert!(bench.notices.contains(&(edge("e2"), dropped)));
    assert_eq!(bench.room.peer_count(), 2);
}

#[test]
fn people_who_leave_during_a_move_are_gone_afterwards() {
    let (mut bench, _, bob) = live();
    bench.begin(place("b", 2), None).expect("begun");
    bench.exported("a", 10);
    bench.ask("e2", leave(bob, LeaveReason::ClientLeft));
    bench.exported("a", 20);
    bench.exported("a", 11);
    assert_eq!(bench.room.peer_count(), 2);
    assert_eq!(bench.told().last().map(String::as_str), Some("RemovePeer at b"));
    bench.forget();
    bench.room.handle_edge_lost(bench.now(), &edge("e1"));
    bench.settle();
    assert_eq!(bench.room.peer_count(), 0);
}

#[test]
fn an_edge_lost_during_a_move_takes_its_transports_out_of_it() {
    let (mut bench, _, _) = live();
    bench.begin(place("b", 2), None).expect("begun");
    bench.exported("a", 10);
    bench.forget();
    bench.room.handle_edge_lost(bench.now(), &edge("e1"));
    bench.settle();
    let told = bench.told();
    assert!(told.contains(&"RemovePeer at a".to_owned()), "{told:?}");
    assert!(told.contains(&"RemovePeer at b".to_owned()), "where it was restored already");
    bench.exported("a", 20);
    assert!(bench.moved().is_some());
    assert_eq!(bench.room.peer_count(), 1);
}

#[test]
fn a_room_that_moves_back_soon_is_not_cleared_away_as_a_leftover() {
    let (mut bench, _, _) = live();
    bench.begin(place("b", 2), None).expect("begun");
    for peer in [10, 11, 20] {
        bench.exported("a", peer);
    }
    bench.forget();
    bench.pass(100);
    bench.begin(place("a", 1), None).expect("begun");
    assert_eq!(bench.told()[..3], ["RemovePeer at a", "RemovePeer at a", "RemovePeer at a"]);
    for peer in [10, 11, 20] {
        bench.exported("b", peer);
    }
    bench.forget();
    bench.pass(450);
    assert!(bench.commands.is_empty(), "{:?}", bench.told());
    bench.pass(50);
    assert_eq!(bench.told(), ["RemovePeer at b"; 3]);
    assert_eq!(bench.room.home.generation, 2, "each takeover outranks all before it");
}

#[test]
fn a_transport_refused_in_the_middle_of_a_move_does_not_hold_it() {
    let (mut bench, _, _) = live();
    bench.begin(place("b", 2), None).expect("begun");
    bench.exported("a", 10);
    bench.fails("b", is_restore(10), CommandError::AlreadyExists);
    bench.exported("a", 11);
    bench.exported("a", 20);
    assert!(bench.moved().is_some());
    assert_eq!(bench.room.peer_count(), 2);
}

#[test]
fn a_state_that_comes_twice_is_used_once() {
    let (mut bench, _, _) = live();
    bench.begin(place("b", 2), None).expect("begun");
    bench.exported("a", 10);
    bench.exported("a", 10);
    assert_eq!(bench.restored(), [("b".to_owned(), 10, 1)]);
    bench.exported("a", 11);
    bench.exported("a", 20);
    bench.exported("a", 20);
    assert_eq!(bench.restored().len(), 3, "nothing goes back to a node that was left");
}
