//! Nodes and edges that fall silent, come back, or come back as somebody else.

use super::*;
use lectern_control::node::{DisconnectReason, Event, Security};
use lectern_control::room::LeaveReason;

/// Two nodes, an edge, and Ada in a room on the first node with a transport.
fn live() -> (Bench, u64, u64, u64, ParticipantId) {
    let mut bench = Bench::new();
    let (a, b, edge) = (bench.node("a", &[]), bench.node("b", &[]), bench.edge("e1"));
    let ada = bench.join(edge, "ada");
    bench.open(edge, ada, 10);
    let security = Security { dtls: "DTLS 1.2".into(), srtp: "AEAD_AES_128_GCM".into() };
    let event = Event::PeerConnected { peer: PeerId(10), security };
    bench.input(Input::FromNode { link: a, message: news(event) });
    bench.forget();
    (bench, a, b, edge, ada)
}

#[test]
fn a_silent_node_s_rooms_begin_anew_elsewhere_within_a_tick() {
    let (mut bench, _, b, edge, ada) = live();
    bench.tick_with(300, &[b]);
    assert!(bench.notices(edge).is_empty());
    bench.tick_with(50, &[b]);
    let notices = bench.notices(edge);
    let reason = DisconnectReason::ConsentExpired;
    let gone = Notice::PeerDisconnected { participant: ada, peer: PeerId(10), reason };
    assert_eq!(notices[0], gone);
    let Notice::Moved { placement } = &notices[1] else { panic!("moved") };
    assert_eq!((placement.node.as_str(), &placement.standby), ("b", &None));
    assert_eq!(notices.len(), 2);
}

#[test]
fn the_rooms_of_a_dead_node_are_placed_after_one_look_at_the_others() {
    let mut bench = Bench::new();
    let (a, edge) = (bench.node("a", &[]), bench.edge("e1"));
    for number in 0..20 {
        let mut request = join("ada");
        if let Request::Join { room, .. } = &mut request {
            *room = RoomId(number);
        }
        bench.must(edge, request);
    }
    bench.input(Input::Unlinked { link: a, role: Role::Node });
    bench.tick(1_000);
    let before = bench.controller.surveys.get();
    bench.tick(25);
    let looks = bench.controller.surveys.get() - before;
    assert!((1..=2).contains(&looks), "{looks} looks in the two ticks of 25 ms");
    let others = [bench.node("b", &[]), bench.node("c", &[])];
    bench.tick_with(25, &others);
    let at = |name: &str| {
        let homes = bench.controller.rooms.values().map(|room| room.home());
        homes.filter(|home| home.primary.node.as_str() == name).count()
    };
    assert_eq!((at("a"), at("b"), at("c")), (0, 10, 10), "and not all go to one of them");
}

#[test]
fn a_node_that_was_thought_dead_ends_the_rooms_it_no_longer_has() {
    let (mut bench, a, b, edge, _) = live();
    bench.tick_with(400, &[b]);
    assert!(bench.closes(a).is_empty());
    bench.tick_with(50, &[a, b]);
    let revision = bench.controller.rooms[&ROOM].revision().expect("owned");
    assert_eq!(bench.closes(a), [(ROOM, revision)]);
    assert_eq!(bench.controller.rooms[&ROOM].home().primary.node.as_str(), "b");
    bench.forget();
    bench.tick_with(500, &[a, b]);
    assert!(bench.closes(a).is_empty() && bench.notices(edge).is_empty());
}

#[test]
fn the_only_node_keeps_its_rooms_however_long_it_is_silent() {
    let mut bench = Bench::new();
    let (a, edge) = (bench.node("a", &[]), bench.edge("e1"));
    let ada = bench.join(edge, "ada");
    bench.open(edge, ada, 10);
    bench.forget();
    bench.tick(10_000);
    bench.open(edge, ada, 11);
    assert_eq!(bench.commands(a).len(), 1, "it may hear, even if nothing is heard of it");
    bench.tick_with(100, &[a]);
    assert!(bench.notices(edge).is_empty() && bench.closes(a).is_empty());
    assert_eq!(bench.controller.rooms[&ROOM].peer_count(), 2);
}

#[test]
fn a_controller_that_stood_still_takes_nobody_for_dead() {
    let (mut bench, a, b, edge, _) = live();
    bench.ms += 2_000;
    bench.tick(100);
    assert_eq!(bench.controller.metrics.node_deaths.get(), 0, "its own pause says nothing");
    bench.tick_with(200, &[a, b]);
    assert!(bench.notices(edge).is_empty());
    assert_eq!(bench.controller.rooms[&ROOM].home().primary.node.as_str(), "a");
}

#[test]
fn a_node_whose_link_is_made_anew_in_time_goes_on_with_what_it_missed() {
    let (mut bench, a, b, edge, ada) = live();
    let heard = bench.said(a);
    bench.input(Input::Unlinked { link: a, role: Role::Node });
    bench.open(edge, ada, 11);
    bench.tick_with(200, &[b]);
    assert!(bench.commands(a).is_empty());
    let again = bench.node_after("a", &[ROOM], heard);
    let commands = bench.commands(again);
    assert!(matches!(commands[..], [(ROOM, _, Command::AddPeer { peer: PeerId(11), .. })]));
    let welcome = bench.to_node.iter().position(|(to, _)| *to == again).expect("told");
    assert!(matches!(bench.to_node[welcome].1, ToNode::Welcome { .. }), "the welcome is first");
    bench.tick_with(500, &[again, b]);
    assert_eq!(bench.controller.rooms[&ROOM].peer_count(), 2);
    assert!(!bench.notices(edge).iter().any(|notice| matches!(notice, Notice::Moved { .. })));
}

#[test]
fn a_node_that_comes_back_as_another_process_has_lost_its_transports() {
    let (mut bench, a, b, edge, _) = live();
    bench.input(Input::Unlinked { link: a, role: Role::Node });
    bench.tick_with(100, &[b]);
    bench.node("a", &[]);
    let notices = bench.notices(edge);
    assert!(matches!(notices[0], Notice::PeerDisconnected { .. }));
    let Notice::Moved { placement } = &notices[1] else { panic!("moved") };
    assert_eq!((placement.node.as_str(), placement.generation), ("a", 2));
}

#[test]
fn rooms_that_nobody_knows_are_claimed_and_then_ended_on_the_node() {
    let mut bench = Bench::new();
    let node = bench.node("a", &[RoomId(1), RoomId(2)]);
    let closes = bench.closes(node);
    assert_eq!(closes.iter().map(|(room, _)| *room).collect::<Vec<_>>(), [RoomId(1), RoomId(2)]);
    assert!(closes.iter().all(|(_, revision)| *revision > Revision(100)), "under a new revision");
    let released = bench.lease_jobs.iter().filter(|job| matches!(job, LeaseJob::Release { .. }));
    assert_eq!(released.count(), 2);

    bench.others = Some("another");
    let node = bench.node("b", &[RoomId(3)]);
    assert!(bench.closes(node).is_empty(), "what another controller has is its own");
}

#[test]
fn a_node_with_rooms_that_comes_before_the_lease_is_cleared_when_there_is_one() {
    let mut bench = Bench::new();
    let lease = bench.controller.lease.id().expect("a lease");
    bench.coordination = Store::Silent;
    bench.input(Input::Lease(LeaseDone::KeptAlive(lease, KeptAlive::Gone)));
    let node = bench.node("a", &[RoomId(1)]);
    assert!(bench.closes(node).is_empty());
    bench.tick(25);
    bench.coordination = Store::Works;
    bench.input(Input::Lease(LeaseDone::Granted(Some(LeaseId(50)))));
    assert_eq!(bench.closes(node).len(), 1);
}

#[test]
fn an_edge_that_comes_back_in_time_finds_its_participants_and_what_it_missed() {
    let (mut bench, a, b, one, _) = live();
    let two = bench.edge("e2");
    let heard = bench.said(one);
    bench.input(Input::Unlinked { link: one, role: Role::Edge });
    let bob = bench.join(two, "bob");
    bench.forget();
    bench.tick_with(30_000, &[a, b]);
    let again = bench.edge_after("e1", heard);
    let missed = bench.notices(again);
    assert!(matches!(&missed[..], [Notice::Participant(participant)] if participant.id == bob));
    assert_eq!(bench.controller.rooms[&ROOM].participant_count(), 2);
    bench.join(again, "ghost");
    bench.tick_with(60_100, &[a, b]);
    let names = bench.controller.rooms[&ROOM].participant_count();
    assert_eq!(names, 2, "of that edge, who has no transport by now is gone; nobody else is");
}

#[test]
fn participants_of_an_edge_that_stays_away_leave_after_the_resume_time() {
    let (mut bench, a, b, one, ada) = live();
    let two = bench.edge("e2");
    let bob = bench.join(two, "bob");
    bench.open(two, bob, 20);
    bench.input(Input::Unlinked { link: one, role: Role::Edge });
    bench.forget();
    bench.tick_with(59_900, &[a, b]);
    assert!(bench.notices(two).is_empty());
    bench.tick_with(200, &[a, b]);
    let left = Notice::ParticipantLeft {
        participant: ada,
        identity: "ada".to_owned(),
        reason: LeaveReason::ConnectionLost,
    };
    assert_eq!(bench.notices(two), [left]);
}

#[test]
fn a_new_link_of_a_node_or_edge_replaces_the_former_one() {
    let (mut bench, a, _, edge, ada) = live();
    let (node_heard, edge_heard) = (bench.said(a), bench.said(edge));
    let again = bench.node_after("a", &[ROOM], node_heard);
    let edge_again = bench.edge_after("e1", edge_heard);
    assert_eq!(bench.unlinked, [a, edge]);
    for (link, role) in [(a, Role::Node), (edge, Role::Edge)] {
        bench.input(Input::Unlinked { link, role });
    }
    bench.forget();
    bench.open(edge_again, ada, 11);
    assert_eq!(bench.commands(again).len(), 1);
}
