//! What passes to nodes, to which of them, and what nodes say in return.

use super::*;
use lectern_control::media::{Extension, ExtensionId, Wish};
use lectern_control::node::{DisconnectReason, Quality};
use lectern_control::transport::Envelope;

fn bench_with_ada(warm: bool) -> (Bench, ParticipantId) {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.forget();
    bench.open("e1", ada, 10, warm);
    (bench, ada)
}

#[test]
fn a_warm_peer_is_made_on_both_nodes_the_standby_mute_and_a_generation_higher() {
    let (bench, _) = bench_with_ada(true);
    let made: Vec<(&str, Duty, u16)> = bench
        .commands
        .iter()
        .map(|(node, _, command)| match command {
            Command::AddPeer { parameters, .. } => {
                (node.as_str(), parameters.duty, parameters.generation)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(made, [("a", Duty::Active, 0), ("b", Duty::Standby, 1)]);
}

#[test]
fn a_peer_that_the_browser_offers_is_made_on_the_active_node_alone() {
    let (bench, _) = bench_with_ada(false);
    assert_eq!(bench.told(), ["AddPeer at a"]);
}

#[test]
fn an_edge_cannot_give_a_peer_more_than_its_participant_may() {
    let mut bench = Bench::new();
    let eve = bench.join("e1", "eve", VIEWER_LINK).participant.id;
    bench.open("e1", eve, 10, false);
    let Command::AddPeer { parameters, .. } = bench.commands[0].2.clone() else { panic!("made") };
    assert_eq!(parameters.permissions, Role::Viewer.permissions());
    let other = bench.join("e1", "mallory", VIEWER_LINK).participant.id;
    let mut stolen = parameters.clone();
    stolen.participant = other;
    let request = Request::OpenPeer {
        room: ROOM,
        participant: eve,
        peer: PeerId(11),
        parameters: stolen,
        warm: false,
    };
    assert_eq!(bench.try_ask("e1", request), Err(RequestError::NotPermitted));
}

#[test]
fn what_concerns_the_transport_goes_to_both_nodes_and_the_rest_to_the_active_one() {
    let (mut bench, ada) = bench_with_ada(true);
    bench.forget();
    let peer = PeerId(10);
    let extensions = vec![ExtensionId { id: 1, extension: Extension::Mid }];
    let both = [
        Command::SetRemote { peer, remote: remote("theirs") },
        Command::AddCandidate { peer, candidate: candidate(1) },
        Command::SetExtensions { peer, extensions },
        Command::RestartIce {
            peer,
            local: credentials("new"),
            remote: credentials("newer"),
            candidates: vec![candidate(2)],
        },
    ];
    for command in both {
        bench.command("e1", ada, command.clone()).expect("passes");
        let told: Vec<(&str, &Command)> =
            bench.commands.iter().map(|(node, _, command)| (node.as_str(), command)).collect();
        assert_eq!(told, [("a", &command), ("b", &command)]);
        bench.forget();
    }
    let active = [
        publish(10, 5),
        subscribe(10, 6),
        Command::Unsubscribe { peer, track: TrackId(6) },
        Command::SetWish { peer, track: TrackId(6), wish: Wish::default() },
        Command::SetMuted { track: TrackId(5), muted: true },
        Command::SetData { peer, data: DataParameters::default() },
        Command::SendData { label: "l".into(), to: Vec::new(), payload: vec![1].into() },
        Command::Unpublish { track: TrackId(5) },
    ];
    for command in active {
        bench.command("e1", ada, command.clone()).expect("passes");
        assert_eq!(bench.commands.len(), 1);
        assert_eq!((bench.commands[0].0.as_str(), &bench.commands[0].2), ("a", &command));
        bench.forget();
    }
    bench.command("e1", ada, Command::RemovePeer { peer }).expect("passes");
    assert_eq!(bench.told(), ["RemovePeer at a", "RemovePeer at b"]);
    assert_eq!(bench.room.peer_count(), 0);
}

#[test]
fn commands_that_are_the_controllers_own_do_not_pass() {
    let (mut bench, ada) = bench_with_ada(true);
    bench.forget();
    let peer = PeerId(10);
    let own = [
        Command::AddPeer { peer: PeerId(11), parameters: parameters(ada, 0) },
        Command::SetPermissions { peer, permissions: Permissions::ALL },
        Command::WarmStandby { peer },
        Command::Export { peer },
        Command::Restore { peer, parameters: parameters(ada, 0), state: state("x") },
        Command::CloseRoom,
    ];
    for command in own {
        assert_eq!(bench.command("e1", ada, command), Err(RequestError::NotPermitted));
    }
    assert!(bench.commands.is_empty());
}

#[test]
fn a_participant_commands_its_own_peers_only() {
    let (mut bench, _) = bench_with_ada(true);
    let eve = bench.join("e1", "eve", PRESENTER_LINK).participant.id;
    bench.forget();
    let peer = PeerId(10);
    let foreign = [
        Command::SetRemote { peer, remote: remote("mine") },
        Command::AddCandidate { peer, candidate: candidate(1) },
        Command::SetExtensions { peer, extensions: Vec::new() },
        Command::SetData { peer, data: DataParameters::default() },
        Command::RemovePeer { peer },
        publish(10, 5),
        subscribe(10, 5),
        Command::Unsubscribe { peer, track: TrackId(5) },
        Command::SetWish { peer, track: TrackId(5), wish: Wish::default() },
    ];
    for command in foreign {
        assert_eq!(bench.command("e1", eve, command), Err(RequestError::NotPermitted));
    }
    let unknown = bench.command("e1", eve, Command::RemovePeer { peer: PeerId(99) });
    assert_eq!(unknown, Err(RequestError::NotFound));
    assert!(bench.commands.is_empty());
}

#[test]
fn what_is_too_long_for_a_node_does_not_reach_it() {
    let (mut bench, ada) = bench_with_ada(false);
    bench.forget();
    let peer = PeerId(10);
    let mut many = remote("r");
    many.candidates = vec![candidate(1); 33];
    let long = [
        Command::SetRemote { peer, remote: many },
        Command::SetRemote { peer, remote: remote(&"u".repeat(257)) },
        Command::SetExtensions {
            peer,
            extensions: vec![ExtensionId { id: 1, extension: Extension::Mid }; 33],
        },
        Command::SendData { label: "l".into(), to: Vec::new(), payload: vec![0; 65_537].into() },
        Command::SetData {
            peer,
            data: DataParameters { address: vec![0; 1_025].into(), ..DataParameters::default() },
        },
        Command::SetData {
            peer,
            data: DataParameters {
                envelope: Some(Envelope { splice: vec![0; 1_025].into(), ..Envelope::default() }),
                ..DataParameters::default()
            },
        },
    ];
    for command in long {
        let refused = bench.command("e1", ada, command);
        assert!(matches!(refused, Err(RequestError::Limit(_))), "{refused:?}");
    }
    bench.command("e1", ada, Command::SetRemote { peer, remote: remote("r") }).expect("passes");
    for last in 0..32 {
        let candidate = candidate(last);
        let command = Command::AddCandidate { peer, candidate };
        bench.command("e1", ada, command).expect("passes");
    }
    let command = Command::AddCandidate { peer, candidate: candidate(99) };
    assert!(matches!(bench.command("e1", ada, command), Err(RequestError::Limit(_))));
}

#[test]
fn the_standby_is_warmed_when_the_handshake_is_done_and_not_before() {
    let (mut bench, _) = bench_with_ada(true);
    bench.forget();
    bench.connect("b", 10);
    assert!(bench.story.is_empty(), "the standby's own word counts for nothing");
    bench.connect("a", 10);
    assert_eq!(bench.story, ["WarmStandby at b", "PeerConnected for e1"]);
}

#[test]
fn news_of_a_peer_go_to_its_edge_and_news_of_the_room_to_all() {
    let (mut bench, ada) = bench_with_ada(false);
    bench.join("e2", "bob", VIEWER_LINK);
    bench.command("e1", ada, publish(10, 5)).expect("passes");
    bench.forget();
    let quality = Quality::default();
    bench.event("a", Event::TrackStarted { track: TrackId(5) });
    bench.event("a", Event::Quality { participant: ada, quality });
    let speakers = vec![(ada, 0.5), (ParticipantId(999), 0.4)];
    bench.event("a", Event::Speakers { speakers });
    let reason = DisconnectReason::Closed;
    bench.event("a", Event::PeerDisconnected { peer: PeerId(10), reason });
    let expected = [
        "TrackStarted for e1",
        "TrackStarted for e2",
        "Quality for e1",
        "Quality for e2",
        "Speakers for e1",
        "Speakers for e2",
        "RemovePeer at a",
        "PeerDisconnected for e1",
    ];
    assert_eq!(bench.story, expected);
    let speakers = vec![(ada, 0.5)];
    assert!(bench.notices.contains(&(edge("e2"), Notice::Speakers { speakers })));
    assert!(bench.room.publications.is_empty(), "tracks go with their transport");
}

#[test]
fn news_of_nodes_that_have_nothing_to_do_with_the_room_are_stale() {
    let (mut bench, ada) = bench_with_ada(true);
    bench.command("e1", ada, publish(10, 5)).expect("passes");
    bench.forget();
    for from in ["b", "c"] {
        bench.connect(from, 10);
        bench.event(from, Event::TrackStarted { track: TrackId(5) });
        bench.event(from, Event::Exported { peer: PeerId(10), state: state("x") });
        let reason = DisconnectReason::ConsentExpired;
        bench.event(from, Event::PeerDisconnected { peer: PeerId(10), reason });
    }
    assert!(bench.story.is_empty(), "{:?}", bench.story);
    assert_eq!(bench.room.peer_count(), 1);
    bench.connect("a", 10);
    assert_eq!(bench.story, ["PeerConnected for e1"], "a standby that lost it is not warmed");
}

#[test]
fn a_failure_is_told_to_whom_it_concerns_while_it_concerns_anybody() {
    let (mut bench, ada) = bench_with_ada(false);
    bench.join("e2", "bob", VIEWER_LINK);
    bench.command("e1", ada, subscribe(10, 5)).expect("passes");
    let request = bench.asked("a", |command| matches!(command, Command::Subscribe { .. }));
    bench.forget();
    let error = CommandError::UnknownTrack;
    bench.event("a", Event::CommandFailed { request, error: error.clone() });
    let told = (edge("e1"), Notice::CommandFailed { participant: ada, error: error.clone() });
    assert_eq!(bench.notices, [told]);
    bench.event("a", Event::CommandFailed { request, error: error.clone() });
    bench.event("a", Event::CommandFailed { request: RequestId(3), error });
    assert_eq!(bench.notices.len(), 1, "once, and nothing that nobody asked");

    bench.command("e1", ada, subscribe(10, 6)).expect("passes");
    let request = bench.asked("a", |command| matches!(command, Command::Subscribe { .. }));
    let reason = DisconnectReason::Closed;
    bench.event("a", Event::PeerDisconnected { peer: PeerId(10), reason });
    bench.forget();
    bench.event("a", Event::CommandFailed { request, error: CommandError::UnknownPeer });
    assert!(bench.notices.is_empty(), "of its end its edge has heard");
}

#[test]
fn a_transport_that_the_node_does_not_take_is_gone_and_its_edge_told() {
    let (mut bench, ada) = bench_with_ada(true);
    let request = bench.asked("a", |command| matches!(command, Command::AddPeer { .. }));
    bench.forget();
    let error = CommandError::Limit("peers of this node".to_owned());
    bench.event("a", Event::CommandFailed { request, error });
    let (participant, peer) = (ada, PeerId(10));
    let reason = DisconnectReason::Refused;
    let gone = Notice::PeerDisconnected { participant, peer, reason };
    assert_eq!(bench.notices, [(edge("e1"), gone)]);
    assert!(bench.told().contains(&"RemovePeer at b".to_owned()));
    assert_eq!(bench.room.peer_count(), 0);
}

#[test]
fn a_track_that_the_node_does_not_take_is_shown_to_nobody() {
    let (mut bench, ada) = bench_with_ada(false);
    bench.join("e2", "bob", VIEWER_LINK);
    bench.command("e1", ada, publish(10, 5)).expect("passes");
    bench.must("e1", add_track(ada, 5));
    let request = bench.asked("a", |command| matches!(command, Command::Publish { .. }));
    bench.forget();
    let error = CommandError::Limit("tracks of this room".to_owned());
    bench.event("a", Event::CommandFailed { request, error: error.clone() });
    assert_eq!(bench.story, ["Participant for e1", "Participant for e2", "TrackRefused for e1"]);
    let Notice::Participant(shown) = &bench.notices[1].1 else { panic!("shown") };
    assert!(shown.tracks.is_empty() && bench.room.publications.is_empty());
    let refused = Notice::TrackRefused { participant: ada, track: TrackId(5), error };
    assert_eq!(bench.notices[2].1, refused);
    bench.command("e1", ada, publish(10, 5)).expect("it may be tried again");
}

#[test]
fn what_a_node_did_long_ago_is_not_remembered() {
    let (mut bench, ada) = bench_with_ada(false);
    let pause = |bench: &mut Bench| {
        let peer = PeerId(10);
        let command = Command::SetWish { peer, track: TrackId(5), wish: Wish::default() };
        bench.command("e1", ada, command).expect("passes");
    };
    for _ in 0..100 {
        pause(&mut bench);
    }
    bench.pass(14_000);
    assert_eq!(bench.room.issued.len(), 101, "a failure may be on its way");
    bench.pass(1_000);
    pause(&mut bench);
    bench.pass(15_000);
    assert_eq!(bench.room.issued.len(), 1);
}

#[test]
fn a_publisher_hears_once_that_somebody_subscribes() {
    let (mut bench, ada) = bench_with_ada(false);
    let bob = bench.join("e2", "bob", VIEWER_LINK).participant.id;
    bench.open("e2", bob, 20, false);
    bench.command("e1", ada, publish(10, 5)).expect("passes");
    bench.forget();
    for track in [5, 5, 6] {
        bench.command("e2", bob, subscribe(20, track)).expect("passes");
    }
    let told = Notice::TrackSubscribed(ada, TrackId(5));
    assert_eq!(bench.notices, [(edge("e1"), told)]);
}

#[test]
fn a_node_that_obeys_another_owner_ends_the_ownership() {
    let (mut bench, _) = bench_with_ada(false);
    let request = bench.asked("a", |command| matches!(command, Command::AddPeer { .. }));
    bench.forget();
    bench.event("a", Event::CommandFailed { request, error: CommandError::Fenced });
    assert_eq!(bench.story, ["lost"]);
    bench.room.forsake(bench.now());
    bench.settle();
    assert_eq!(bench.story, ["lost", "ParticipantLeft for e1"], "no node is told anything");
}

#[test]
fn without_a_lease_nothing_is_commanded_and_with_it_what_was_due() {
    let (mut bench, ada) = bench_with_ada(true);
    bench.connect("a", 10);
    bench.join("e2", "bob", VIEWER_LINK);
    bench.room.set_revision(None);
    bench.forget();
    let refused = bench.command("e1", ada, publish(10, 5));
    assert!(matches!(refused, Err(RequestError::Unavailable(_))));
    let refused = bench.try_ask("e2", join_request("eve", Some(VIEWER_LINK)));
    assert!(matches!(refused, Err(RequestError::Unavailable(_))));
    bench.must("e1", leave(ada, LeaveReason::ClientLeft));
    assert!(bench.commands.is_empty());
    assert!(bench.story.contains(&"ParticipantLeft for e2".to_owned()), "people may still go");
    bench.room.set_revision(Some(Revision(9)));
    bench.settle();
    assert_eq!(bench.told(), ["RemovePeer at a", "RemovePeer at b"]);
}
