//! Commands that cannot be carried out, and commands under an old lease.

use crate::world::{ROOM, World, camera, microphone, peer, subscription, track_id};
use lectern_control::media::Wish;
use lectern_control::node::{Command, CommandError, Event};
use lectern_control::transport::Permissions;
use lectern_control::{RequestId, Revision, RoomId};

#[test]
fn what_is_not_here_cannot_be_changed() {
    let mut world = World::with_clients(1);
    let (known, unknown) = (peer(0), peer(9));
    let fails = |world: &mut World, command| world.try_command(0, Revision(1), command);
    let parameters = microphone("0");
    for command in [
        Command::RemovePeer { peer: unknown },
        Command::Export { peer: unknown },
        Command::WarmStandby { peer: unknown },
        Command::SetPermissions { peer: unknown, permissions: Permissions::NONE },
        Command::Publish { peer: unknown, track: track_id(1), parameters },
        Command::Subscribe { peer: unknown, track: track_id(1), parameters: subscription(1) },
    ] {
        assert_eq!(fails(&mut world, command), Some(CommandError::UnknownPeer));
    }
    for command in [
        Command::Unpublish { track: track_id(1) },
        Command::SetMuted { track: track_id(1), muted: true },
        Command::Subscribe { peer: known, track: track_id(1), parameters: subscription(1) },
        Command::Unsubscribe { peer: known, track: track_id(1) },
        Command::SetWish { peer: known, track: track_id(1), wish: Wish::default() },
    ] {
        assert_eq!(fails(&mut world, command), Some(CommandError::UnknownTrack));
    }
}

#[test]
fn a_peer_or_track_of_another_room_is_not_here() {
    let mut world = World::with_clients(1);
    world.publish(0, 1, microphone("0"));
    let other = RoomId(2);
    let mut second = world.parameters[0].clone();
    second.ice = crate::client::credentials("elsewhere");
    let now = world.now;
    let parameters = Box::new(second);
    let engine = &mut world.engines[0];
    let add = Command::AddPeer { peer: peer(50), parameters };
    engine.handle_command(now, other, Revision(1), RequestId(1), add);
    let remove = Command::RemovePeer { peer: peer(0) };
    engine.handle_command(now, other, Revision(1), RequestId(2), remove);
    let parameters = subscription(1);
    let subscribe = Command::Subscribe { peer: peer(50), track: track_id(1), parameters };
    engine.handle_command(now, other, Revision(1), RequestId(3), subscribe);
    let events: Vec<_> = engine.poll(now).events.collect();
    let failed =
        |request, error| (other, Event::CommandFailed { request: RequestId(request), error });
    assert_eq!(
        events,
        [failed(2, CommandError::UnknownPeer), failed(3, CommandError::UnknownTrack)]
    );
}

#[test]
fn a_controller_without_lease_can_do_no_harm() {
    let mut world = World::with_clients(1);
    let remove = || Command::RemovePeer { peer: peer(0) };
    let harmless = || Command::SetPermissions { peer: peer(0), permissions: Permissions::ALL };
    assert_eq!(world.try_command(0, Revision(7), harmless()), None);
    assert_eq!(world.try_command(0, Revision(6), remove()), Some(CommandError::Fenced));
    assert_eq!(world.try_command(0, Revision(6), Command::CloseRoom), Some(CommandError::Fenced));
    assert_eq!(world.engines[0].counters().peers, 1);
    assert_eq!(world.try_command(0, Revision(7), remove()), None);
    // The room has ended, and an old command does not bring it back.
    assert_eq!(world.engines[0].rooms().count(), 0);
    let parameters = Box::new(world.parameters[0].clone());
    let again = |parameters| Command::AddPeer { peer: peer(0), parameters };
    let refused = world.try_command(0, Revision(6), again(parameters.clone()));
    assert_eq!(refused, Some(CommandError::Fenced));
    assert_eq!(world.try_command(0, Revision(8), again(parameters)), None);
    assert_eq!(world.engines[0].rooms().collect::<Vec<_>>(), [ROOM]);
}

#[test]
fn the_same_peer_twice_is_refused_and_the_same_track_of_the_same_peer_is_changed() {
    let mut world = World::with_clients(2);
    let parameters = Box::new(world.parameters[0].clone());
    let again = Command::AddPeer { peer: peer(0), parameters: parameters.clone() };
    assert_eq!(world.try_command(0, Revision(1), again), Some(CommandError::AlreadyExists));
    let same_fragment = Command::AddPeer { peer: peer(77), parameters };
    let error = world.try_command(0, Revision(1), same_fragment);
    assert!(matches!(error, Some(CommandError::Invalid(_))));

    world.publish(0, 1, camera("0", &["q"]));
    world.publish(0, 1, camera("0", &["q", "h"]));
    let stolen =
        Command::Publish { peer: peer(1), track: track_id(1), parameters: camera("0", &[]) };
    assert_eq!(world.try_command(0, Revision(1), stolen), Some(CommandError::AlreadyExists));
    assert_eq!(world.engines[0].counters().tracks, 1);
}

#[test]
fn limits_are_kept() {
    let mut world = World::with_clients(1);
    for track in 0..16 {
        world.publish(0, track, microphone("0"));
    }
    let more = Command::Publish { peer: peer(0), track: track_id(99), parameters: microphone("0") };
    let error = world.try_command(0, Revision(1), more);
    assert_eq!(error, Some(CommandError::Limit("tracks".to_owned())));
    let mut parameters = camera("0", &["a", "b", "c", "d", "e"]);
    let too_many =
        Command::Publish { peer: peer(0), track: track_id(1), parameters: parameters.clone() };
    let error = world.try_command(0, Revision(1), too_many);
    assert_eq!(error, Some(CommandError::Invalid("encodings".to_owned())));
    parameters.encodings.truncate(1);
    parameters.mid = "not a token".to_owned();
    let broken = Command::Publish { peer: peer(0), track: track_id(1), parameters };
    let error = world.try_command(0, Revision(1), broken);
    assert_eq!(error, Some(CommandError::Invalid("mid".to_owned())));
}

#[test]
fn closing_a_room_leaves_nothing_behind() {
    let mut world = World::with_clients(3);
    world.publish(0, 1, camera("0", &[]));
    world.subscribe(1, 1);
    world.subscribe(2, 1);
    world.command(0, Command::CloseRoom);
    let counters = world.engines[0].counters();
    assert_eq!((counters.rooms, counters.peers), (0, 0));
    assert_eq!((counters.tracks, counters.subscriptions), (0, 0));
    let now = world.now;
    assert_eq!(world.engines[0].poll(now).deadline, None, "no timer is left");
}
