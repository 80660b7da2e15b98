//! Moderators act on others, and on nobody above them; the node enforces it before anybody is told.

use super::*;
use lectern_control::access::{AccessChange, Moderation, Moderator, PinChange};
use lectern_control::room::{Audience, Listener};

/// Ada presents, bob watches, cleo presents too; bob and cleo are on another edge.
fn meeting() -> (Bench, ParticipantId, ParticipantId, ParticipantId) {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let bob = bench.join("e2", "bob", VIEWER_LINK).participant.id;
    let cleo = bench.join("e2", "cleo", PRESENTER_LINK).participant.id;
    for (edge, who, peer) in [("e1", ada, 10), ("e2", bob, 20), ("e2", cleo, 30)] {
        bench.connected(edge, who, peer, false);
    }
    (bench, ada, bob, cleo)
}

fn publish(bench: &mut Bench, who: ParticipantId, peer: u64, id: u64, source: Source) {
    let track = Track::new(TrackId(id), source_kind(source), source);
    bench.command("e2", who, super::publish(peer, id)).expect("published");
    bench.must("e2", Request::AddTrack { room: ROOM, participant: who, track });
}

fn source_kind(source: Source) -> MediaKind {
    match source {
        Source::Microphone | Source::ScreenAudio => MediaKind::Audio,
        _ => MediaKind::Video,
    }
}

fn remove(identity: &str) -> Moderation {
    Moderation::Remove { identity: identity.to_owned() }
}

fn set_role(identity: &str, role: Role) -> Moderation {
    Moderation::SetRole { identity: identity.to_owned(), role }
}

fn enter_owner(bench: &mut Bench) -> ParticipantId {
    let mut owner = join_request("host", None);
    if let Request::Join { role, .. } = &mut owner {
        *role = Role::Owner;
    }
    match bench.must("e1", owner) {
        Response::Joined(joined) => joined.participant.id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_removed_person_receives_nothing_before_anybody_hears_of_it() {
    let (mut bench, ..) = meeting();
    bench.forget();
    bench.moderate("ada", remove("bob")).expect("removed");
    assert_eq!(
        bench.story,
        ["ok to e1", "RemovePeer at a", "ParticipantLeft for e1", "ParticipantLeft for e2",]
    );
    assert_eq!(bench.audit.iter().filter(|(kind, _)| *kind == AuditKind::Removed).count(), 1);
}

#[test]
fn viewers_moderate_nobody_and_nobody_acts_on_who_is_above() {
    let (mut bench, ..) = meeting();
    enter_owner(&mut bench);
    let everything = [
        Moderation::Look,
        Moderation::SetAccess(AccessChange { locked: Some(true), ..AccessChange::default() }),
        Moderation::Admit { identity: "x".to_owned() },
        Moderation::AdmitAll,
        Moderation::Refuse { identity: "x".to_owned(), message: String::new() },
        Moderation::Mute { identity: "ada".to_owned(), track: None },
        Moderation::MuteAll,
        Moderation::StopShare { identity: "ada".to_owned() },
        remove("ada"),
        set_role("bob", Role::Presenter),
        Moderation::HandOver { identity: "ada".to_owned() },
        Moderation::End,
    ];
    bench.forget();
    for action in everything {
        for who in ["bob", "nobody"] {
            let refused = bench.moderate(who, action.clone());
            assert_eq!(refused, Err(RequestError::NotPermitted), "{who}: {action:?}");
        }
    }
    assert!(bench.commands.is_empty() && bench.notices.is_empty());
    let refused = |kind: &(AuditKind, String)| kind.0 == AuditKind::ModerationRefused;
    assert_eq!(bench.audit.iter().filter(|line| refused(line)).count(), 12);
    for action in [
        remove("host"),
        set_role("host", Role::Viewer),
        set_role("bob", Role::Owner),
        Moderation::Mute { identity: "host".to_owned(), track: None },
        Moderation::End,
        Moderation::SetAccess(AccessChange { pin: PinChange::Clear, ..AccessChange::default() }),
    ] {
        let refused = bench.moderate("ada", action.clone());
        assert_eq!(refused, Err(RequestError::NotPermitted), "{action:?}");
    }
    let by = Moderator::Owner { owner_key_hash: [0; 32] };
    let request = Request::Moderate { room: ROOM, by, action: Moderation::End };
    assert_eq!(bench.try_ask("e1", request), Err(RequestError::NotPermitted), "not checked here");
    bench.moderate("host", remove("ada")).expect("the owner may");
}

#[test]
fn one_and_all_are_muted_and_their_clients_told() {
    let (mut bench, ada, _, cleo) = meeting();
    publish(&mut bench, cleo, 30, 1, Source::Microphone);
    publish(&mut bench, cleo, 30, 2, Source::Camera);
    bench.forget();
    bench
        .moderate("ada", Moderation::Mute { identity: "cleo".to_owned(), track: None })
        .expect("done");
    assert_eq!(
        bench.story,
        ["ok to e1", "SetMuted at a", "Participant for e1", "Participant for e2", "Muted for e2"]
    );
    assert!(bench.room.roster.get(cleo).expect("here").tracks[0].muted);
    // She unmutes herself, and may.
    let (track, muted) = (TrackId(1), false);
    bench.must("e2", Request::MuteTrack { room: ROOM, participant: cleo, track, muted });
    bench.moderate("ada", Moderation::MuteAll).expect("done");
    let tracks = &bench.room.roster.get(cleo).expect("here").tracks;
    assert!(tracks[0].muted && !tracks[1].muted, "voices, not pictures");
    let camera = Moderation::Mute { identity: "cleo".to_owned(), track: Some(TrackId(2)) };
    bench.moderate("ada", camera).expect("done");
    assert!(bench.room.roster.get(cleo).expect("here").tracks[1].muted);
    let foreign = Moderation::Mute { identity: "ada".to_owned(), track: Some(TrackId(2)) };
    assert_eq!(bench.moderate("cleo", foreign), Err(RequestError::Absent));
    assert!(bench.room.roster.get(ada).is_some());
}

#[test]
fn a_stopped_share_ends_on_the_node_and_for_its_publisher() {
    let (mut bench, _, _, cleo) = meeting();
    publish(&mut bench, cleo, 30, 1, Source::Screen);
    publish(&mut bench, cleo, 30, 2, Source::Camera);
    bench.forget();
    let stop = Moderation::StopShare { identity: "cleo".to_owned() };
    bench.moderate("ada", stop.clone()).expect("stopped");
    assert_eq!(
        bench.story,
        [
            "ok to e1",
            "Unpublish at a",
            "Participant for e1",
            "Participant for e2",
            "Unpublished for e2"
        ]
    );
    assert_eq!(bench.moderate("ada", stop), Err(RequestError::Absent), "nothing is shared");
    assert_eq!(bench.room.roster.get(cleo).expect("here").tracks.len(), 1);
}

#[test]
fn presenting_is_handed_over_and_the_node_knows_it_first() {
    let (mut bench, ada, bob, _) = meeting();
    bench.must("e1", add_track(ada, 5));
    bench.forget();
    bench.moderate("ada", Moderation::HandOver { identity: "bob".to_owned() }).expect("done");
    let permissions = |bench: &Bench, id| bench.room.roster.get(id).expect("here").permissions;
    assert_eq!(permissions(&bench, bob), Permissions::ALL);
    assert_eq!(permissions(&bench, ada), Role::Viewer.permissions());
    assert!(bench.room.roster.get(ada).expect("here").tracks.is_empty(), "viewers publish nothing");
    let told: Vec<_> = bench.told();
    assert_eq!(told[..2], ["SetPermissions at a", "SetPermissions at a"]);
    assert_eq!(bench.try_ask("e1", add_track(ada, 6)), Err(RequestError::NotPermitted));
    bench.must("e2", add_track(bob, 7));
    assert_eq!(bench.moderate("ada", Moderation::MuteAll), Err(RequestError::NotPermitted));
    // Both come back as what they were made.
    let again = bench.join("e1", "ada", PRESENTER_LINK).participant;
    assert_eq!(again.role, Role::Viewer);
    let again = bench.join("e2", "bob", VIEWER_LINK).participant;
    assert_eq!((again.role, again.permissions), (Role::Presenter, Permissions::ALL));
}

#[test]
fn an_owner_hands_over_and_stays_one() {
    let (mut bench, _, bob, _) = meeting();
    let host = enter_owner(&mut bench);
    bench.moderate("host", Moderation::HandOver { identity: "bob".to_owned() }).expect("done");
    assert_eq!(bench.room.roster.get(host).expect("here").role, Role::Owner);
    assert_eq!(bench.room.roster.get(bob).expect("here").role, Role::Presenter);
    let oneself = Moderation::HandOver { identity: "host".to_owned() };
    assert!(matches!(bench.moderate("host", oneself), Err(RequestError::Invalid(_))));
}

#[test]
fn the_end_is_for_everybody() {
    let (mut bench, ..) = meeting();
    enter_owner(&mut bench);
    bench.forget();
    bench.moderate("host", Moderation::End).expect("ended");
    assert!(bench.story.contains(&"CloseRoom at a".to_owned()));
    assert_eq!(bench.story.last().map(String::as_str), Some("closed"));
    assert_eq!(bench.moderate("host", Moderation::Look), Err(RequestError::NotFound));
}

#[test]
fn a_publisher_s_audience_is_enforced_on_the_node() {
    let (mut bench, ada, bob, cleo) = meeting();
    publish(&mut bench, cleo, 30, 1, Source::Camera);
    publish(&mut bench, cleo, 30, 2, Source::Microphone);
    let subscribe = |bench: &mut Bench, by: &str, who, peer, track| {
        bench.command(by, who, super::subscribe(peer, track))
    };
    subscribe(&mut bench, "e2", bob, 20, 1).expect("everybody may");
    bench.forget();
    let listener = Listener { identity: "ada".to_owned(), tracks: Some(vec![TrackId(1)]) };
    let audience = Audience::Only(vec![listener]);
    let set = Request::SetAudience { room: ROOM, participant: cleo, audience: audience.clone() };
    assert_eq!(bench.try_ask("e1", set.clone()), Err(RequestError::NotPermitted), "not hers");
    bench.must("e2", set);
    let ended = bench.commands.iter().filter_map(|(_, _, command)| match command {
        Command::EndSubscriptions { track, peers } => Some((track.0, peers.clone())),
        _ => None,
    });
    let ended: Vec<(u64, Vec<PeerId>)> = ended.collect();
    let [ada_s, bob_s] = [10, 20].map(PeerId);
    assert_eq!(ended, [(1, vec![bob_s]), (2, vec![ada_s, bob_s])]);
    assert_eq!(subscribe(&mut bench, "e2", bob, 20, 1), Err(RequestError::NotPermitted));
    assert_eq!(subscribe(&mut bench, "e1", ada, 10, 2), Err(RequestError::NotPermitted));
    subscribe(&mut bench, "e1", ada, 10, 1).expect("she may");
    publish(&mut bench, cleo, 30, 3, Source::Screen);
    assert_eq!(subscribe(&mut bench, "e1", ada, 10, 3), Err(RequestError::NotPermitted));
    let many = vec![Listener { identity: "x".to_owned(), tracks: None }; 501];
    let audience = Audience::Only(many);
    let refused =
        bench.try_ask("e2", Request::SetAudience { room: ROOM, participant: cleo, audience });
    assert!(matches!(refused, Err(RequestError::Limit(_))));
}

#[test]
fn a_removal_does_not_wait_for_a_move() {
    let (mut bench, ..) = meeting();
    let (to, standby) = (place("b", 2), None);
    bench.room.begin_move(bench.now(), to, standby).expect("begun");
    bench.settle();
    bench.forget();
    let waits = bench.ask(
        "e1",
        Request::Moderate {
            room: ROOM,
            by: Moderator::Participant("ada".to_owned()),
            action: Moderation::MuteAll,
        },
    );
    assert!(bench.answer(waits).is_none(), "the node it would be told of is about to change");
    bench.moderate("ada", remove("bob")).expect("removed at once");
    assert!(bench.told().contains(&"RemovePeer at a".to_owned()), "{:?}", bench.told());
    let exported = state("ada");
    bench.event("a", Event::Exported { peer: PeerId(10), state: exported });
    for _ in 0..200 {
        bench.pass(25);
    }
    let restored = bench
        .commands
        .iter()
        .any(|(_, _, command)| matches!(command, Command::Restore { peer: PeerId(20), .. }));
    assert!(!restored, "who is out is not taken along");
}

#[test]
fn an_owner_outside_the_room_waits_for_a_move_like_everybody() {
    let (mut bench, ..) = meeting();
    bench.room.begin_move(bench.now(), place("b", 2), None).expect("begun");
    bench.settle();
    let ticket = Ticket { edge: edge("e1"), link: 0, request: RequestId(9_000) };
    let by = Authority::owner_key();
    let demote = set_role("cleo", Role::Viewer);
    bench.room.handle_moderation(bench.now(), ticket, by, demote);
    bench.settle();
    assert!(bench.answer(9_000).is_none());
    for _ in 0..200 {
        bench.pass(25);
    }
    assert!(matches!(bench.answer(9_000), Some(Ok(Response::Done))));
}

#[test]
fn what_an_integrator_granted_is_not_widened_by_a_role() {
    let (mut bench, ..) = meeting();
    let mut guest = join_request("guest", None);
    if let Request::Join { permissions, .. } = &mut guest {
        *permissions = Permissions { publish: true, subscribe: false, publish_data: false };
    }
    bench.must("e1", guest.clone());
    bench.moderate("ada", set_role("guest", Role::Viewer)).expect("done");
    let none = Permissions { publish: false, subscribe: false, publish_data: false };
    let permissions = |bench: &Bench| {
        let id = bench.room.roster.by_identity("guest").expect("here");
        bench.room.roster.get(id).expect("here").permissions
    };
    assert_eq!(permissions(&bench), none);
    bench.must("e1", guest);
    assert_eq!(permissions(&bench), none, "and not by coming again");
}
