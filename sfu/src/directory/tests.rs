//! Rooms, peers and user fragments through commands and events.

use super::*;
use lectern_control::node::DisconnectReason;
use lectern_control::transport::{
    DataParameters, DtlsIdentity, Duty, IceCredentials, IceRole, PeerParameters, Permissions,
};
use lectern_control::{ParticipantId, Secret};

const ROOM: RoomId = RoomId(77);
const REVISION: Revision = Revision(5);

fn credentials(ufrag: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.to_owned(), pwd: Secret::new("p".repeat(22)) }
}

fn add(peer: u64, ufrag: &str) -> Command {
    let parameters = PeerParameters {
        participant: ParticipantId(1),
        duty: Duty::Active,
        ice_role: IceRole::Controlled,
        ice: credentials(ufrag),
        generation: 0,
        dtls: DtlsIdentity { certificate: Vec::new(), private_key: Secret::new(Vec::new()) },
        remote: None,
        extensions: Vec::new(),
        permissions: Permissions::ALL,
        data: DataParameters::default(),
    };
    Command::AddPeer { peer: PeerId(peer), parameters: Box::new(parameters) }
}

fn restart(peer: u64, ufrag: &str) -> Command {
    let (local, remote) = (credentials(ufrag), credentials("remote"));
    Command::RestartIce { peer: PeerId(peer), local, remote, candidates: Vec::new() }
}

fn given(directory: &mut Directory, request: u64, command: Command) -> Vec<Route> {
    directory.command(ROOM, REVISION, RequestId(request), &command).expect("accepted")
}

fn added(ufrag: &str, worker: WorkerIndex) -> Route {
    Route::Add(ufrag.to_owned(), worker)
}

fn removed(ufrag: &str) -> Route {
    Route::Remove(ufrag.to_owned())
}

#[test]
fn rooms_spread_over_all_workers_and_stay_where_they_are() {
    for workers in 1..=16 {
        let directory = Directory::new(workers, 10);
        let mut rooms_on = vec![0; workers];
        for id in 0..1_600 {
            rooms_on[directory.worker_of(RoomId(id))] += 1;
            assert_eq!(directory.worker_of(RoomId(id)), directory.worker_of(RoomId(id)));
        }
        let expected = 1_600 / workers;
        let even = |rooms: &usize| (expected * 7 / 10..=expected * 13 / 10).contains(rooms);
        assert!(rooms_on.iter().all(even), "{workers} workers: {rooms_on:?}");
    }
}

#[test]
fn a_user_fragment_leads_to_its_room_s_worker_until_its_peer_is_gone() {
    let mut directory = Directory::new(4, 10);
    let worker = directory.worker_of(ROOM);
    assert_eq!(given(&mut directory, 1, add(1, "aaaa")), [added("aaaa", worker)]);
    assert_eq!(directory.rooms().collect::<Vec<_>>(), [ROOM]);
    let gone = Command::RemovePeer { peer: PeerId(1) };
    assert_eq!(given(&mut directory, 2, gone.clone()), [removed("aaaa")]);
    assert_eq!(given(&mut directory, 3, gone), []);
    assert_eq!(directory.rooms().count(), 0);

    given(&mut directory, 4, add(2, "bbbb"));
    let reason = DisconnectReason::ConsentExpired;
    let event = Event::PeerDisconnected { peer: PeerId(2), reason };
    assert_eq!(directory.event(ROOM, &event), [removed("bbbb")]);
    assert_eq!(directory.peers, 0);
}

#[test]
fn an_ice_restart_keeps_the_former_fragment_and_drops_the_one_before() {
    let mut directory = Directory::new(1, 10);
    given(&mut directory, 1, add(1, "aaaa"));
    assert_eq!(given(&mut directory, 2, restart(1, "bbbb")), [added("bbbb", 0)]);
    assert_eq!(given(&mut directory, 3, restart(1, "cccc")), [removed("aaaa"), added("cccc", 0)]);
    assert_eq!(given(&mut directory, 4, restart(1, "cccc")), []);
    assert_eq!(given(&mut directory, 5, restart(9, "dddd")), [], "no such peer");
    let mut removed_with_room = given(&mut directory, 6, Command::CloseRoom);
    removed_with_room.sort_by_key(|route| format!("{route:?}"));
    assert_eq!(removed_with_room, [removed("bbbb"), removed("cccc")]);
}

#[test]
fn a_peer_that_the_engine_refused_takes_no_place() {
    let mut directory = Directory::new(1, 1);
    given(&mut directory, 1, add(1, "aaaa"));
    let refused = directory.command(ROOM, REVISION, RequestId(2), &add(2, "bbbb"));
    assert!(matches!(refused, Err(CommandError::Limit(_))));
    let error = CommandError::Invalid("its certificate".to_owned());
    let other = Event::CommandFailed { request: RequestId(9), error: error.clone() };
    assert_eq!(directory.event(ROOM, &other), []);
    let failed = Event::CommandFailed { request: RequestId(1), error };
    assert_eq!(directory.event(ROOM, &failed), [removed("aaaa")]);
    given(&mut directory, 3, add(2, "bbbb"));
}

#[test]
fn adding_a_peer_again_does_not_count_it_twice() {
    let mut directory = Directory::new(1, 1);
    given(&mut directory, 1, add(1, "aaaa"));
    assert_eq!(given(&mut directory, 2, add(1, "aaaa")), []);
    // The engine refuses the second one; the first goes on.
    let error = CommandError::AlreadyExists;
    assert_eq!(directory.event(ROOM, &Event::CommandFailed { request: RequestId(2), error }), []);
    assert_eq!(directory.peers, 1);
}

#[test]
fn a_command_under_an_older_lease_changes_nothing() {
    let mut directory = Directory::new(1, 10);
    given(&mut directory, 1, add(1, "aaaa"));
    let newer = Revision(REVISION.0 + 1);
    let routes = directory.command(ROOM, newer, RequestId(2), &restart(1, "bbbb"));
    assert_eq!(routes, Ok(vec![added("bbbb", 0)]));
    let gone = Command::RemovePeer { peer: PeerId(1) };
    for command in [Command::CloseRoom, gone.clone(), add(2, "cccc"), restart(1, "dddd")] {
        let refused = directory.command(ROOM, REVISION, RequestId(3), &command);
        assert_eq!(refused, Err(CommandError::Fenced));
    }
    assert_eq!(directory.peers, 1);
    let routes = directory.command(ROOM, newer, RequestId(4), &gone);
    assert_eq!(routes, Ok(vec![removed("aaaa"), removed("bbbb")]));
}
