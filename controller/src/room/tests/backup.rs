//! A backup is a part of its track: watched, muted, barred and ended with it, and not recorded.

use super::*;
use lectern_control::media::CodecName;
use lectern_control::room::{Audience, Backup, BackupTrack, Listener};

fn with_backup(who: ParticipantId, published: Option<u64>) -> Request {
    let published = published.map(|id| BackupTrack {
        id: TrackId(id),
        codecs: Vec::new(),
        encodings: Vec::new(),
    });
    let backup = Some(Backup { codec: CodecName::Vp8, published });
    let track = Track { backup, ..Track::new(TrackId(5), MediaKind::Video, Source::Camera) };
    Request::AddTrack { room: ROOM, participant: who, track }
}

/// Ada publishes track 5 and its backup 6 over peer 10, Bob watches over 20.
fn live() -> (Bench, ParticipantId, ParticipantId) {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let bob = bench.join("e2", "bob", VIEWER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.connected("e2", bob, 20, false);
    bench.command("e1", ada, publish(10, 5)).expect("passes");
    bench.must("e1", with_backup(ada, None));
    bench.must("e1", with_backup(ada, Some(6)));
    bench.command("e1", ada, publish(10, 6)).expect("passes");
    bench.forget();
    (bench, ada, bob)
}

fn ask(who: ParticipantId, track: u64) -> Request {
    Request::AskBackup { room: ROOM, participant: who, track: TrackId(track) }
}

#[test]
fn the_publisher_hears_that_somebody_needs_its_backup() {
    let (mut bench, ada, bob) = live();
    bench.must("e2", ask(bob, 5));
    assert!(bench.notices.is_empty(), "it is there");
    bench.must("e1", with_backup(ada, None));
    bench.forget();
    bench.must("e2", ask(bob, 5));
    let wanted = Notice::BackupWanted { participant: ada, track: TrackId(5) };
    assert_eq!(bench.notices, [(edge("e1"), wanted)]);
    assert_eq!(bench.try_ask("e2", ask(bob, 99)), Err(RequestError::NotFound));
    assert_eq!(bench.try_ask("e1", ask(bob, 5)), Err(RequestError::NotPermitted));
    bench.must("e1", add_track(ada, 5));
    assert_eq!(bench.try_ask("e2", ask(bob, 5)), Err(RequestError::NotFound), "it has none");
}

#[test]
fn a_backup_is_muted_and_ended_with_its_track() {
    let (mut bench, ada, _) = live();
    bench.room.set_muted(ada, TrackId(5), true);
    bench.settle();
    let muted: Vec<&Command> = bench.commands.iter().map(|(_, _, command)| command).collect();
    let mute = |id| Command::SetMuted { track: TrackId(id), muted: true };
    assert_eq!(muted, [&mute(5), &mute(6)]);
    bench.forget();
    let track = TrackId(5);
    bench.must("e1", Request::RemoveTrack { room: ROOM, participant: ada, track });
    let ended: Vec<&Command> = bench.commands.iter().map(|(_, _, command)| command).collect();
    let end = |id| Command::Unpublish { track: TrackId(id) };
    assert_eq!(ended, [&end(5), &end(6)]);
    assert!(bench.room.publications.is_empty());
}

#[test]
fn a_backup_that_comes_after_a_moderators_mute_is_muted() {
    let (mut bench, ada, _) = live();
    bench.room.set_muted(ada, TrackId(5), true);
    bench.settle();
    bench.command("e1", ada, Command::Unpublish { track: TrackId(6) }).expect("passes");
    bench.forget();
    bench.command("e1", ada, publish(10, 6)).expect("passes");
    assert_eq!(bench.told(), ["Publish at a", "SetMuted at a"]);
}

#[test]
fn who_may_not_receive_a_track_may_not_receive_its_backup() {
    let (mut bench, ada, bob) = live();
    let only = |identity: &str| {
        let tracks = Some(vec![TrackId(5)]);
        Audience::Only(vec![Listener { identity: identity.to_owned(), tracks }])
    };
    let set = |audience| Request::SetAudience { room: ROOM, participant: ada, audience };
    bench.must("e1", set(only("bob")));
    bench.command("e2", bob, subscribe(20, 6)).expect("it is a part of track 5");
    bench.forget();
    bench.must("e1", set(only("eve")));
    let ended: Vec<TrackId> = bench
        .commands
        .iter()
        .filter_map(|(_, _, command)| match command {
            Command::EndSubscriptions { track, peers } if *peers == [PeerId(20)] => Some(*track),
            _ => None,
        })
        .collect();
    assert_eq!(ended, [TrackId(5), TrackId(6)]);
    for track in [5, 6] {
        let refused = bench.command("e2", bob, subscribe(20, track));
        assert_eq!(refused, Err(RequestError::NotPermitted));
    }
    assert_eq!(bench.try_ask("e2", ask(bob, 5)), Err(RequestError::NotPermitted));
}

#[test]
fn a_backup_cannot_be_somebody_elses_track() {
    let (mut bench, ada, _) = live();
    let eve = bench.join("e1", "eve", PRESENTER_LINK).participant.id;
    bench.connected("e1", eve, 30, false);
    bench.command("e1", eve, publish(30, 7)).expect("passes");
    bench.must("e1", add_track(eve, 7));
    assert_eq!(bench.try_ask("e1", with_backup(ada, Some(7))), Err(RequestError::NotPermitted));
    let stolen = bench.command("e1", eve, publish(30, 6));
    assert_eq!(stolen, Err(RequestError::NotPermitted));
}

#[test]
fn a_node_that_does_not_take_a_backup_leaves_its_track() {
    let (mut bench, ada, _) = live();
    bench.command("e1", ada, Command::Unpublish { track: TrackId(6) }).expect("passes");
    bench.command("e1", ada, publish(10, 6)).expect("passes");
    let request = bench.asked("a", |command| matches!(command, Command::Publish { .. }));
    let error = CommandError::Limit("tracks".to_owned());
    bench.event("a", Event::CommandFailed { request, error });
    let shown = &bench.room.roster.get(ada).expect("there").tracks;
    assert_eq!((shown.len(), shown[0].backup_track()), (1, None));
    assert!(bench.room.publications.contains_key(&TrackId(5)));
}
