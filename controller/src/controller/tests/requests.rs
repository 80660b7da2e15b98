//! Who may ask, what is answered, and what becomes of what cannot be understood.

use super::*;

#[test]
fn the_first_to_come_opens_the_room_and_all_who_waited_get_in() {
    let mut bench = Bench::new();
    bench.node("a", &[]);
    let (one, two) = (bench.edge("e1"), bench.edge("e2"));
    bench.records = Store::Silent;
    let first = bench.ask(one, join("ada"));
    let second = bench.ask(two, join("bob"));
    assert!(bench.answer(first).is_none());
    bench.records = Store::Works;
    let done = RecordsDone::Loaded { room: ROOM, result: Ok((meeting(ROOM), Vec::new())) };
    bench.input(Input::Records(done));
    let Some(Ok(Response::Joined(ada))) = bench.answer(first) else { panic!("joined") };
    let Some(Ok(Response::Joined(bob))) = bench.answer(second) else { panic!("joined") };
    assert_eq!((ada.others.len(), bob.others.len()), (0, 1));
    let claims = bench.lease_jobs.iter().filter(|job| matches!(job, LeaseJob::Claim { .. }));
    assert_eq!(claims.count(), 1, "the room is claimed once");
    let Response::Rooms(rooms) = bench.must(one, Request::Rooms) else { panic!("rooms") };
    assert_eq!((rooms.len(), rooms[0].participants), (1, 2));
}

#[test]
fn a_room_that_an_integrator_names_opens_without_a_meeting_and_by_no_link() {
    let mut bench = Bench::new();
    bench.node("a", &[]);
    let edge = bench.edge("e1");
    bench.records = Store::Fails;
    let come = |identity: &str, room: RoomId, by: Option<LinkId>| {
        let mut request = join(identity);
        if let Request::Join { room: to, link, .. } = &mut request {
            (*to, *link) = (room, by);
        }
        request
    };
    let named = RoomId::of_name(9);
    let refused = bench.ask(edge, come("eve", named, Some(LINK)));
    assert_eq!(bench.answer(refused), Some(Err(RequestError::NotFound)));
    for identity in ["ada", "bob"] {
        bench.must(edge, come(identity, named, None));
    }
    assert_eq!(bench.controller.rooms[&named].participant_count(), 2);
    let meeting = bench.ask(edge, come("ada", RoomId::of_meeting(9), None));
    assert!(matches!(bench.answer(meeting), Some(Err(RequestError::Unavailable(_)))));
}

#[test]
fn a_room_for_which_there_is_no_node_is_given_up_again() {
    let mut bench = Bench::new();
    let edge = bench.edge("e1");
    let request = bench.ask(edge, join("ada"));
    assert_eq!(bench.answer(request), Some(Err(RequestError::NoNode)));
    let revision = Revision(bench.revision);
    assert!(bench.lease_jobs.contains(&LeaseJob::Release { room: ROOM, revision }));
    bench.node("a", &[]);
    bench.join(edge, "ada");
}

#[test]
fn whoever_has_gone_does_not_come_in_afterwards() {
    let mut bench = Bench::new();
    bench.node("a", &[]);
    let (one, two) = (bench.edge("e1"), bench.edge("e2"));
    bench.records = Store::Silent;
    bench.ask(one, join("ada"));
    let second = bench.ask(two, join("bob"));
    bench.input(Input::Unlinked { link: one, role: Role::Edge });
    let done = RecordsDone::Loaded { room: ROOM, result: Ok((meeting(ROOM), Vec::new())) };
    bench.input(Input::Records(done));
    let Some(Ok(Response::Joined(bob))) = bench.answer(second) else { panic!("joined") };
    assert!(bob.others.is_empty());
}

#[test]
fn a_link_that_changes_while_the_room_opens_counts() {
    let mut bench = Bench::new();
    bench.node("a", &[]);
    let edge = bench.edge("e1");
    bench.records = Store::Silent;
    let request = bench.ask(edge, join("ada"));
    let ticket = Ticket { edge: "e1".parse().expect("a name"), link: edge, request: RequestId(99) };
    let revoke = Request::RevokeLink { room: ROOM, owner_key_hash: [0; 32], link: LINK };
    let result = Ok(Response::Done);
    bench.input(Input::Records(RecordsDone::Answered { ticket, request: revoke, result }));
    let done = RecordsDone::Loaded { room: ROOM, result: Ok((meeting(ROOM), Vec::new())) };
    bench.input(Input::Records(done));
    assert_eq!(bench.answer(request), Some(Err(RequestError::NotFound)));
}

#[test]
fn a_request_before_the_introduction_or_about_no_room_is_not_granted() {
    let mut bench = Bench::new();
    let stranger = bench.link(Role::Edge);
    let request = bench.ask(stranger, Request::Nodes);
    assert_eq!(bench.answer(request), None);
    let edge = bench.edge("e1");
    let leave = Request::Leave {
        room: ROOM,
        participant: ParticipantId(1),
        reason: lectern_control::room::LeaveReason::ClientLeft,
    };
    for body in [leave, Request::MoveRoom { room: ROOM, node: None }] {
        let request = bench.ask(edge, body);
        assert_eq!(bench.answer(request), Some(Err(RequestError::NotFound)));
    }
    bench.tick(5_000);
    assert_eq!(bench.unlinked, [stranger], "who does not say who it is must go");
}

#[test]
fn what_cannot_be_understood_is_counted_and_a_request_among_it_refused() {
    let mut bench = Bench::new();
    let edge = bench.edge("e1");
    let request = RequestId(7);
    let what = Unreadable::Unknown(Some(request));
    bench.input(Input::Unreadable { link: edge, role: Role::Edge, what });
    assert!(matches!(bench.answer(request), Some(Err(RequestError::Invalid(_)))));
    let count = |reason| bench_count(&bench, reason);
    assert_eq!((count("unknown_kind"), count("malformed")), (1, 0));
    for _ in 0..999 {
        let what = Unreadable::Malformed(None);
        bench.input(Input::Unreadable { link: edge, role: Role::Edge, what });
    }
    assert_eq!(bench.unlinked, [edge], "a link that says nothing else is ended");
}

fn bench_count(bench: &Bench, reason: &str) -> u64 {
    bench.controller.metrics.ignored.with_label_values(&["edge", reason]).get()
}

#[test]
fn another_version_is_told_ours_and_sent_away() {
    let mut bench = Bench::new();
    let link = bench.link(Role::Edge);
    let version = Version { major: Version::CURRENT.major + 1, minor: 0 };
    let edge = "e1".parse().expect("a name");
    let message = FromEdge::Hello { version, edge, region: String::new(), heard: None };
    bench.input(Input::FromEdge { link, message });
    let said = Number::default();
    assert_eq!(bench.to_edge, [(link, ToEdge::Welcome { version: Version::CURRENT, said })]);
    assert_eq!(bench.unlinked, [link]);
}

#[test]
fn guesses_are_audited_and_do_not_fill_the_disk() {
    let mut bench = Bench::new();
    let edge = bench.edge("e1");
    for _ in 0..200 {
        bench.ask(edge, Request::OpenEntry { key: EntryKey::Link { secret_hash: [1; 32] } });
    }
    let refused = |bench: &Bench| {
        bench.audit.iter().filter(|entry| entry.kind == AuditKind::LinkRefused).count()
    };
    assert_eq!(refused(&bench), 60);
    bench.ms += 60_000;
    bench.ask(edge, Request::OpenEntry { key: EntryKey::Link { secret_hash: [1; 32] } });
    assert_eq!(refused(&bench), 61);
}

#[test]
fn a_full_node_takes_no_more_transports_until_one_has_gone() {
    let mut bench = Bench::new();
    bench.capacity = 2;
    bench.node("a", &[]);
    let edge = bench.edge("e1");
    let ada = bench.join(edge, "ada");
    bench.open(edge, ada, 10);
    bench.open(edge, ada, 11);
    let bob = bench.join(edge, "bob");
    let request = bench.ask(edge, open(bob, 20, 0));
    assert!(matches!(bench.answer(request), Some(Err(RequestError::Limit(_)))));
    let command = Command::RemovePeer { peer: PeerId(11) };
    bench.must(edge, Request::Node { room: ROOM, participant: ada, command });
    bench.open(edge, bob, 20);
}

#[test]
fn a_move_goes_where_it_is_told_or_where_there_is_room() {
    let mut bench = Bench::new();
    let nodes = [bench.node("a", &[]), bench.node("b", &[]), bench.node("c", &[])];
    let edge = bench.edge("e1");
    bench.join(edge, "ada");
    let to = |node: Option<&str>| Request::MoveRoom {
        room: ROOM,
        node: node.map(|name| name.parse().expect("a name")),
    };
    let refused = |bench: &mut Bench, body| {
        let request = bench.ask(edge, body);
        bench.answer(request).expect("an answer").expect_err("refused")
    };
    assert_eq!(refused(&mut bench, to(Some("nobody"))), RequestError::NotFound);
    assert!(matches!(refused(&mut bench, to(Some("a"))), RequestError::Invalid(_)));
    let heartbeat = Heartbeat { draining: true, ..Heartbeat::default() };
    let message = FromNode::Heartbeat(heartbeat);
    bench.input(Input::FromNode { link: nodes[1], message });
    assert!(matches!(refused(&mut bench, to(Some("b"))), RequestError::Invalid(_)));
    bench.must(edge, to(None));
    let home = bench.controller.rooms[&ROOM].home().clone();
    assert_eq!(home.primary.node.as_str(), "c", "the only one left that takes rooms");
    assert_eq!(home.standby.map(|place| place.node.to_string()), Some("a".to_owned()));
    let Some(Notice::Moved { placement }) = bench.notices(edge).pop() else { panic!("moved") };
    assert_eq!((placement.node.as_str(), placement.generation), ("c", 2));
}
