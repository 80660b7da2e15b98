//! Who is in the room, what others hear of it, and what is refused.

use super::*;
use lectern_control::limits::{
    MAX_METADATA_BYTES, MAX_NAME_BYTES, MAX_PARTICIPANTS_PER_ROOM, MAX_TRACKS_PER_PARTICIPANT,
};

#[test]
fn whoever_comes_in_learns_of_the_others_and_they_of_it_after_its_answer() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK);
    bench.forget();
    let bob = bench.join("e2", "bob", VIEWER_LINK);
    assert_eq!(bob.others.iter().map(|other| other.id).collect::<Vec<_>>(), [ada.participant.id]);
    assert_eq!((bob.room_name.as_str(), bob.participant.version), ("Weekly", 1));
    assert_eq!(bob.placement.node, node("a"));
    assert_eq!(bob.placement.standby, Some(node("b")));
    assert!(
        bob.placement.standby_candidates[0].priority > bob.placement.candidates[0].priority,
        "the standby is listed higher, and never nominated"
    );
    assert_eq!(bench.story, ["ok to e2", "Participant for e1", "Participant for e2"]);
    assert_eq!(bench.audit.last(), Some(&(AuditKind::Joined, "bob".to_owned())));
}

#[test]
fn a_link_gives_no_more_than_its_role() {
    let mut bench = Bench::new();
    let Request::Join { room, identity, name, metadata, attributes, .. } =
        join_request("eve", Some(VIEWER_LINK))
    else {
        unreachable!()
    };
    let ask = |link, role| Request::Join {
        room,
        link,
        identity: identity.clone(),
        name: name.clone(),
        role,
        permissions: Permissions::ALL,
        metadata: metadata.clone(),
        attributes: attributes.clone(),
        admitted: false,
        issued_at_unix_ms: 0,
    };
    for claimed in [Role::Owner, Role::Presenter, Role::Viewer] {
        let asked = bench.must("e1", ask(Some(VIEWER_LINK), claimed));
        let Response::Joined(joined) = asked else { panic!("joined") };
        let given = (joined.participant.role, joined.participant.permissions);
        assert_eq!(given, (Role::Viewer, Role::Viewer.permissions()));
    }
    let Response::Joined(joined) = bench.must("e1", ask(None, Role::Viewer)) else {
        panic!("joined")
    };
    assert_eq!(joined.participant.permissions, Permissions::ALL, "a token says what it says");
}

#[test]
fn a_link_that_is_unknown_revoked_or_over_lets_nobody_in() {
    let mut bench = Bench::new();
    let refused = bench.try_ask("e1", join_request("eve", Some(LinkId(9))));
    assert_eq!(refused, Err(RequestError::NotFound));
    bench.join("e1", "ada", VIEWER_LINK);
    bench.room.revoke_link(bench.now(), VIEWER_LINK);
    bench.settle();
    let refused = bench.try_ask("e1", join_request("eve", Some(VIEWER_LINK)));
    assert_eq!(refused, Err(RequestError::NotFound));
    assert_eq!(bench.room.participant_count(), 0, "who came by it goes");
    let late =
        LinkInfo { id: LinkId(3), role: Role::Presenter, expires_at_unix_ms: 500, revoked: false };
    bench.room.add_link(late);
    bench.ms = 499;
    bench.join("e1", "bob", LinkId(3));
    bench.ms = 500;
    let refused = bench.try_ask("e1", join_request("eve", Some(LinkId(3))));
    assert_eq!(refused, Err(RequestError::NotFound));
}

#[test]
fn the_same_identity_replaces_the_former_one_and_its_edge_hears_why() {
    let mut bench = Bench::new();
    let first = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.connected("e1", first, 10, true);
    bench.forget();
    let second = bench.join("e2", "ada", PRESENTER_LINK);
    assert_ne!(second.participant.id, first);
    assert!(second.others.is_empty());
    assert_eq!(bench.told(), ["RemovePeer at a", "RemovePeer at b"]);
    let left = Notice::ParticipantLeft {
        participant: first,
        identity: "ada".to_owned(),
        reason: LeaveReason::DuplicateIdentity,
    };
    assert!(bench.notices.contains(&(edge("e1"), left)));
    assert_eq!(bench.room.participant_count(), 1);
    let late = bench.try_ask("e1", leave(first, LeaveReason::ClientLeft));
    assert_eq!(late, Err(RequestError::NotFound));
    assert_eq!(bench.room.participant_count(), 1, "the second one is not taken for the first");
}

#[test]
fn what_is_as_it_was_is_told_to_nobody() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let attributes = BTreeMap::from([("hand".to_owned(), "up".to_owned())]);
    let (name, metadata) = (Some("Ada L.".to_owned()), Some("about".to_owned()));
    let update =
        Request::UpdateParticipant { room: ROOM, participant: ada, name, metadata, attributes };
    let mute = Request::MuteTrack { room: ROOM, participant: ada, track: TrackId(5), muted: true };
    for request in [update, add_track(ada, 6), add_track(ada, 5), mute] {
        bench.must("e1", request.clone());
        bench.forget();
        if !matches!(request, Request::AddTrack { .. }) {
            bench.must("e1", request);
        }
        assert!(bench.notices.is_empty(), "{:?}", bench.notices);
    }
    assert_eq!(bench.room.roster.get(ada).map(|ada| ada.version), Some(5));
}

#[test]
fn every_change_counts_the_version_up_and_reaches_every_edge() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.join("e2", "bob", VIEWER_LINK);
    bench.forget();
    let attributes = BTreeMap::from([("hand".to_owned(), "up".to_owned())]);
    let update = |attributes, name: Option<&str>| Request::UpdateParticipant {
        room: ROOM,
        participant: ada,
        name: name.map(str::to_owned),
        metadata: None,
        attributes,
    };
    bench.must("e1", update(attributes.clone(), Some("Ada L.")));
    bench.must("e1", add_track(ada, 5));
    let mute = Request::MuteTrack { room: ROOM, participant: ada, track: TrackId(5), muted: true };
    bench.must("e1", mute);
    let lowered = BTreeMap::from([("hand".to_owned(), String::new())]);
    bench.must("e1", update(lowered, None));
    bench.must("e1", Request::RemoveTrack { room: ROOM, participant: ada, track: TrackId(5) });
    let seen: Vec<Participant> = bench
        .notices
        .iter()
        .filter(|(to, _)| *to == edge("e2"))
        .map(|(_, notice)| match notice {
            Notice::Participant(participant) => participant.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen.iter().map(|one| one.version).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    assert_eq!((seen[0].name.as_str(), &seen[0].attributes), ("Ada L.", &attributes));
    assert!(!seen[1].tracks[0].muted && seen[2].tracks[0].muted);
    assert!(seen[3].attributes.is_empty(), "an empty value removes the key");
    assert!(seen[4].tracks.is_empty());
    assert_eq!(bench.notices.len(), 10, "its own edge is told as well");
}

#[test]
fn an_edge_speaks_for_its_own_participants_only() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.must("e1", add_track(ada, 5));
    bench.forget();
    let track = TrackId(5);
    let update = Request::UpdateParticipant {
        room: ROOM,
        participant: ada,
        name: Some("x".to_owned()),
        metadata: None,
        attributes: BTreeMap::new(),
    };
    let command = Command::RemovePeer { peer: PeerId(10) };
    let foreign = [
        update,
        add_track(ada, 6),
        Request::RemoveTrack { room: ROOM, participant: ada, track },
        Request::MuteTrack { room: ROOM, participant: ada, track, muted: true },
        open_request(ada, 11, 0, false),
        Request::Node { room: ROOM, participant: ada, command },
        leave(ada, LeaveReason::ClientLeft),
        // Moderators do so as themselves.
        leave(ada, LeaveReason::Removed),
    ];
    for request in foreign {
        assert_eq!(bench.try_ask("e2", request), Err(RequestError::NotPermitted));
    }
    assert!(bench.commands.is_empty() && bench.notices.is_empty());
    assert_eq!(bench.room.participant_count(), 1);
}

#[test]
fn a_viewer_publishes_nothing() {
    let mut bench = Bench::new();
    let eve = bench.join("e1", "eve", VIEWER_LINK).participant.id;
    bench.connected("e1", eve, 10, false);
    assert_eq!(bench.try_ask("e1", add_track(eve, 5)), Err(RequestError::NotPermitted));
    assert_eq!(bench.command("e1", eve, publish(10, 5)), Err(RequestError::NotPermitted));
    assert!(bench.command("e1", eve, subscribe(10, 5)).is_ok());
    assert!(bench.room.publications.is_empty());
}

#[test]
fn a_track_belongs_to_whoever_named_it_first() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let bob = bench.join("e1", "bob", PRESENTER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.connected("e1", bob, 20, false);
    bench.must("e1", add_track(ada, 5));
    assert_eq!(bench.try_ask("e1", add_track(bob, 5)), Err(RequestError::NotPermitted));
    assert_eq!(bench.command("e1", bob, publish(20, 5)), Err(RequestError::NotPermitted));
    bench.command("e1", bob, publish(20, 6)).expect("published before it is announced");
    assert_eq!(bench.try_ask("e1", add_track(ada, 6)), Err(RequestError::NotPermitted));
    for command in [
        Command::Unpublish { track: TrackId(6) },
        Command::SetMuted { track: TrackId(6), muted: true },
    ] {
        assert_eq!(bench.command("e1", ada, command), Err(RequestError::NotPermitted));
    }
    bench.forget();
    bench.must("e1", leave(bob, LeaveReason::ClientLeft));
    bench.must("e1", add_track(ada, 6));
}

#[test]
fn what_is_over_a_limit_is_refused_and_changes_nothing() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    let refused = bench.try_ask("e1", join_request(&long, Some(VIEWER_LINK)));
    assert!(matches!(refused, Err(RequestError::Limit(_))));
    let refused = bench.try_ask("e1", join_request("", Some(VIEWER_LINK)));
    assert!(matches!(refused, Err(RequestError::Invalid(_))));
    let update = Request::UpdateParticipant {
        room: ROOM,
        participant: ada,
        name: Some("changed".to_owned()),
        metadata: Some("x".repeat(MAX_METADATA_BYTES + 1)),
        attributes: BTreeMap::new(),
    };
    assert!(matches!(bench.try_ask("e1", update), Err(RequestError::Limit(_))));
    let known = bench.room.roster.get(ada).expect("ada");
    assert_eq!((known.name.as_str(), known.version), ("ADA", 1), "all or nothing");
    for track in 0..MAX_TRACKS_PER_PARTICIPANT as u64 {
        bench.must("e1", add_track(ada, track));
    }
    let refused = bench.try_ask("e1", add_track(ada, 99));
    assert!(matches!(refused, Err(RequestError::Limit(_))));
    bench.must("e1", add_track(ada, 0));
    for peer in 0..4 {
        bench.open("e1", ada, peer, false);
    }
    let refused = bench.try_ask("e1", open_request(ada, 4, 0, false));
    assert!(matches!(refused, Err(RequestError::Limit(_))));
    let refused = bench.try_ask("e1", open_request(ada, 3, 0, false));
    assert!(matches!(refused, Err(RequestError::Invalid(_))), "a peer's id is used once");
    bench.room.roster.check();
}

#[test]
fn a_full_room_lets_in_only_who_replaces_somebody() {
    let mut bench = Bench::new();
    for number in 0..MAX_PARTICIPANTS_PER_ROOM {
        bench.join("e1", &format!("viewer {number}"), VIEWER_LINK);
        bench.forget();
    }
    let refused = bench.try_ask("e1", join_request("one more", Some(VIEWER_LINK)));
    assert!(matches!(refused, Err(RequestError::Limit(_))));
    bench.join("e1", "viewer 7", VIEWER_LINK);
    bench.room.roster.check();
}

#[test]
fn a_roster_fits_one_message_whatever_people_say_of_themselves() {
    let mut bench = Bench::new();
    let mut refused = 0;
    for number in 0..40 {
        let Request::Join { room, link, identity, name, role, permissions, attributes, .. } =
            join_request(&format!("p{number}"), Some(VIEWER_LINK))
        else {
            unreachable!()
        };
        let metadata = "x".repeat(MAX_METADATA_BYTES);
        let join = Request::Join {
            room,
            link,
            identity,
            name,
            role,
            permissions,
            metadata,
            attributes,
            admitted: false,
            issued_at_unix_ms: 0,
        };
        match bench.try_ask("e1", join) {
            Ok(Response::Joined(joined)) => {
                lectern_control::frame::encode(&joined).expect("fits one message");
            }
            Err(RequestError::Limit(_)) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(refused > 20);
    bench.join("e1", "somebody modest", VIEWER_LINK);
}

#[test]
fn an_empty_room_lingers_and_then_closes_everywhere() {
    let mut bench = Bench::new();
    bench.pass(EMPTY_ROOM_LINGER.as_millis() as u64 - 1);
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.pass(60_000);
    bench.must("e1", leave(ada, LeaveReason::ClientLeft));
    bench.pass(EMPTY_ROOM_LINGER.as_millis() as u64 - 1);
    bench.forget();
    bench.pass(1);
    assert_eq!(bench.story, ["CloseRoom at a", "CloseRoom at b", "closed"]);
    let late = bench.try_ask("e1", join_request("bob", Some(VIEWER_LINK)));
    assert_eq!(late, Err(RequestError::NotFound));
}

#[test]
fn a_meeting_that_ends_ends_for_everybody() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.forget();
    bench.pass(HOUR_MS);
    assert_eq!(
        bench.story,
        [
            "RoomClosed for e1",
            "RemovePeer at a",
            "ParticipantLeft for e1",
            "CloseRoom at a",
            "CloseRoom at b",
            "closed"
        ]
    );
}

#[test]
fn participants_of_a_lost_edge_leave_and_the_others_hear_of_it() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.join("e2", "bob", VIEWER_LINK);
    bench.forget();
    bench.room.handle_edge_lost(bench.now(), &edge("e1"));
    bench.settle();
    let left = Notice::ParticipantLeft {
        participant: ada,
        identity: "ada".to_owned(),
        reason: LeaveReason::ConnectionLost,
    };
    assert!(bench.notices.contains(&(edge("e2"), left)));
    assert_eq!(bench.told(), ["RemovePeer at a"]);
    assert_eq!(bench.room.participant_count(), 1);
}

#[test]
fn an_edge_that_came_back_has_lost_those_who_have_no_transport() {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.join("e1", "ghost", VIEWER_LINK);
    bench.connected("e1", ada, 10, false);
    bench.join("e2", "bob", VIEWER_LINK);
    bench.room.handle_edge_settled(bench.now(), &edge("e1"));
    bench.settle();
    assert_eq!(bench.room.participant_count(), 2);
    assert!(bench.room.roster.by_identity("ghost").is_none());
}
