//! Leases and stores: what goes on without them, and what does not.

use super::*;

fn live() -> (Bench, u64, u64, ParticipantId) {
    let mut bench = Bench::new();
    let (node, edge) = (bench.node("a", &[]), bench.edge("e1"));
    let ada = bench.join(edge, "ada");
    bench.forget();
    (bench, node, edge, ada)
}

fn lose_lease(bench: &mut Bench) {
    let lease = bench.controller.lease.id().expect("a lease");
    bench.input(Input::Lease(LeaseDone::KeptAlive(lease, KeptAlive::Gone)));
}

#[test]
fn while_the_stores_are_out_live_rooms_go_on_and_new_ones_wait() {
    let (mut bench, node, edge, ada) = live();
    for outage in [Store::Silent, Store::Fails] {
        (bench.records, bench.coordination) = (outage, outage);
        bench.tick_with(20_000, &[node]);
        let revision = bench.controller.rooms[&ROOM].revision();
        assert!(revision.is_some(), "no answer is not a loss");
        let bob = bench.join(edge, &format!("bob {outage:?}"));
        bench.open(edge, bob, bob.0);
        bench.must(
            edge,
            Request::UpdateParticipant {
                room: ROOM,
                participant: ada,
                name: Some("Ada".to_owned()),
                metadata: None,
                attributes: BTreeMap::new(),
            },
        );
    }
    let mut other = join("eve");
    if let Request::Join { room, .. } = &mut other {
        *room = RoomId(99);
    }
    let request = bench.ask(edge, other);
    assert!(matches!(bench.answer(request), Some(Err(RequestError::Unavailable(_)))));
    let create = Request::CreateMeeting {
        keep_recordings_days: None,
        name: "new".to_owned(),
        expires_at_unix_ms: FOREVER_MS,
        owner_key_hash: [0; 32],
        lobby: false,
        pin: lectern_control::access::PinChange::Keep,
    };
    let request = bench.ask(edge, create);
    assert!(matches!(bench.answer(request), Some(Err(RequestError::Unavailable(_)))));
}

#[test]
fn a_lost_lease_stops_commands_until_the_rooms_are_regained_under_a_higher_revision() {
    let (mut bench, node, edge, ada) = live();
    let before = bench.controller.rooms[&ROOM].revision().expect("owned");
    bench.open(edge, ada, 9);
    bench.coordination = Store::Silent;
    lose_lease(&mut bench);
    bench.forget();
    let request = bench.ask(edge, open(ada, 10, 0));
    assert!(matches!(bench.answer(request), Some(Err(RequestError::Unavailable(_)))));
    let leave = Request::Leave {
        room: ROOM,
        participant: ada,
        reason: lectern_control::room::LeaveReason::ClientLeft,
    };
    bench.must(edge, leave);
    bench.tick_with(1_000, &[node]);
    assert!(bench.commands(node).is_empty(), "nobody is commanded without a lease");
    bench.coordination = Store::Works;
    bench.input(Input::Lease(LeaseDone::Granted(Some(LeaseId(50)))));
    let after = bench.controller.rooms[&ROOM].revision().expect("owned again");
    assert!(after > before);
    let remove = Command::RemovePeer { peer: PeerId(9) };
    assert_eq!(bench.commands(node), [(ROOM, after, remove)], "what was due is done now");
}

#[test]
fn a_room_that_somebody_else_took_is_given_up_and_its_people_come_again() {
    let (mut bench, node, edge, _) = live();
    bench.others = Some("another");
    lose_lease(&mut bench);
    bench.tick_with(100, &[node]);
    let notices = bench.notices(edge);
    let reason = lectern_control::room::LeaveReason::ServerShutdown;
    assert!(matches!(&notices[..], [Notice::ParticipantLeft { reason: r, .. }] if *r == reason));
    assert!(bench.commands(node).is_empty());
    assert!(bench.controller.rooms.is_empty());
    let request = bench.ask(edge, join("ada"));
    assert!(matches!(bench.answer(request), Some(Err(RequestError::Unavailable(_)))));
}

#[test]
fn a_node_that_was_told_by_another_owner_ends_ours() {
    let (mut bench, node, edge, ada) = live();
    bench.open(edge, ada, 10);
    let sent = bench.to_node.last().expect("a command").1.clone();
    let ToNode::Command { request, .. } = sent else { panic!("a command") };
    let error = lectern_control::node::CommandError::Fenced;
    let event = lectern_control::node::Event::CommandFailed { request, error };
    bench.input(Input::FromNode { link: node, message: news(event) });
    assert!(bench.controller.rooms.is_empty());
    assert_eq!(bench.controller.metrics.rooms_lost.get(), 1);
}

#[test]
fn a_claim_that_failed_is_made_again_without_haste() {
    let (mut bench, node, _, _) = live();
    bench.coordination = Store::Fails;
    lose_lease(&mut bench);
    bench.input(Input::Lease(LeaseDone::Granted(Some(LeaseId(60)))));
    bench.forget();
    bench.tick_with(10_000, &[node]);
    let claims = bench.lease_jobs.iter().filter(|job| matches!(job, LeaseJob::Claim { .. }));
    assert!((1..=4).contains(&claims.count()), "not in a hurry");
    bench.coordination = Store::Works;
    bench.tick_with(5_000, &[node]);
    assert!(bench.controller.rooms[&ROOM].revision().is_some());
}

#[test]
fn a_claim_under_a_lease_that_is_gone_counts_for_nothing() {
    let mut bench = Bench::new();
    bench.node("a", &[]);
    let edge = bench.edge("e1");
    bench.coordination = Store::Silent;
    let request = bench.ask(edge, join("ada"));
    lose_lease(&mut bench);
    let result = Claimed::Ours(Revision(500));
    bench.input(Input::Lease(LeaseDone::Claimed { room: ROOM, lease: LeaseId(1), result }));
    assert!(matches!(bench.answer(request), Some(Err(RequestError::Unavailable(_)))));
    assert!(bench.controller.rooms.is_empty() && bench.controller.opening.is_empty());
}

#[test]
fn a_room_that_closes_is_released() {
    let (mut bench, node, edge, ada) = live();
    let revision = bench.controller.rooms[&ROOM].revision().expect("owned");
    let leave = Request::Leave {
        room: ROOM,
        participant: ada,
        reason: lectern_control::room::LeaveReason::ClientLeft,
    };
    bench.must(edge, leave);
    bench.tick_with(20_100, &[node]);
    assert!(bench.controller.rooms.is_empty());
    assert_eq!(bench.closes(node), [(ROOM, revision)]);
    assert!(bench.lease_jobs.contains(&LeaseJob::Release { room: ROOM, revision }));
    bench.join(edge, "ada");
    assert!(bench.controller.rooms[&ROOM].revision().expect("owned") > revision);
}
