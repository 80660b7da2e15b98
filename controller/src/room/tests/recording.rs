//! Recordings of a room: what nodes send, what the recorder is told, and what everybody knows of it.

use super::*;
use lectern_control::recorder::Event as Note;
use lectern_control::recording::{Trouble, TroubleKind};
use lectern_control::room::{Audience, Listener};

const ID: RecordingId = RecordingId(500);
const RESTRICTED: bool = true;

fn recorder(name: &str) -> Recorder {
    Recorder { name: name.parse().expect("a name"), addresses: Vec::new() }
}

/// Ada publishes the tracks 1 and 2 over peer 10; bob watches.
fn live() -> (Bench, ParticipantId, ParticipantId) {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let bob = bench.join("e2", "bob", VIEWER_LINK).participant.id;
    bench.connected("e1", ada, 10, true);
    bench.connected("e2", bob, 20, false);
    for track in [1, 2] {
        bench.command("e1", ada, publish(10, track)).expect("published");
        bench.must("e1", add_track(ada, track));
    }
    bench.forget();
    (bench, ada, bob)
}

impl Bench {
    fn record(&mut self) {
        let (by, since_unix_ms) = ("Ada".to_owned(), self.ms);
        let begin = Begin { id: ID, by, since_unix_ms, recorder: Some(recorder("r1")) };
        self.room.begin_recording(self.now(), begin);
        self.settle();
    }

    fn stop(&mut self) {
        self.room.stop_recording(self.now(), "ada");
        self.settle();
    }

    fn limit(&mut self, by: &str, who: ParticipantId, restricted: bool) {
        let listener = Listener { identity: "bob".to_owned(), tracks: None };
        let audience = match restricted {
            true => Audience::Only(vec![listener]),
            false => Audience::Everybody,
        };
        self.must(by, Request::SetAudience { room: ROOM, participant: who, audience });
    }

    /// What a node sends to the recorder, as it was told.
    fn relayed(&self, at: &str) -> Option<Vec<u64>> {
        let tracks = self.relays.get(&node(at))?;
        Some(tracks.iter().map(|track| track.0).collect())
    }

    fn shown(&self) -> Option<lectern_control::recording::Recorded> {
        let told = self.notices.iter().rev().find_map(|(_, notice)| match notice {
            Notice::Reception(reception) => Some(reception.recorded.clone()),
            _ => None,
        });
        told.expect("told of it")
    }

    fn noted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes).iter().map(name_of).collect()
    }
}

#[test]
fn everybody_is_told_before_anything_is_recorded_and_whoever_comes_later_at_once() {
    let (mut bench, ada, bob) = live();
    bench.record();
    assert_eq!(
        bench.all,
        ["Reception", "Reception", "OpenRelay", "RelayTrack", "RelayTrack"],
        "both edges, then the node"
    );
    let shown = bench.shown().expect("recorded");
    assert_eq!((shown.recording, shown.by.as_str(), shown.trouble), (ID, "Ada", None));
    assert_eq!(bench.relayed("a"), Some(vec![1, 2]));
    let people = bench.notes.iter().filter_map(|note| match note {
        Note::Joined { participant, name, .. } => Some((*participant, name.as_str())),
        _ => None,
    });
    let people: BTreeMap<_, _> = people.collect();
    assert_eq!(people, BTreeMap::from([(ada, "ADA"), (bob, "BOB")]));
    assert_eq!(bench.noted(), ["Node", "Joined", "Joined", "Track", "Track"]);
    let cleo = bench.join("e3", "cleo", PRESENTER_LINK);
    assert_eq!(cleo.reception.recorded.expect("told in the answer").recording, ID);
    assert_eq!(bench.noted(), ["Joined"]);
}

#[test]
fn what_comes_goes_and_changes_is_sent_and_noted() {
    let (mut bench, ada, _) = live();
    bench.record();
    bench.noted();
    bench.command("e1", ada, publish(10, 3)).expect("published");
    assert_eq!(bench.relayed("a"), Some(vec![1, 2, 3]));
    assert_eq!(bench.noted(), ["Track"]);
    let (track, muted) = (TrackId(1), true);
    bench.must("e1", Request::MuteTrack { room: ROOM, participant: ada, track, muted });
    assert_eq!(bench.notes, [Note::Muted { track, muted }]);
    bench.command("e1", ada, Command::SetMuted { track, muted: false }).expect("told");
    bench.noted();
    bench.must("e1", Request::RemoveTrack { room: ROOM, participant: ada, track });
    assert_eq!(bench.relayed("a"), Some(vec![2, 3]));
    assert_eq!(bench.notes, [Note::TrackEnded { track }]);
    bench.noted();
    let renamed = Request::UpdateParticipant {
        room: ROOM,
        participant: ada,
        name: Some("Countess".to_owned()),
        metadata: None,
        attributes: BTreeMap::new(),
    };
    bench.must("e1", renamed);
    assert!(matches!(&bench.notes[..], [Note::Joined { name, .. }] if name == "Countess"));
    bench.event("a", Event::Speakers { speakers: vec![(ada, 0.5), (ParticipantId(1), 0.4)] });
    assert_eq!(bench.notes[1], Note::Speakers { speakers: vec![ada] }, "no strangers");
    bench.noted();
    bench.must("e1", leave(ada, LeaveReason::ClientLeft));
    assert_eq!(bench.noted(), ["TrackEnded", "TrackEnded", "Left"]);
    assert_eq!(bench.relayed("a"), Some(vec![]));
}

#[test]
fn a_track_that_is_not_for_everybody_is_not_recorded_not_for_a_moment() {
    let (mut bench, ada, _) = live();
    bench.limit("e1", ada, RESTRICTED);
    bench.record();
    assert_eq!(bench.relayed("a"), Some(vec![]));
    assert_eq!(bench.noted(), ["Node", "Joined", "Joined"], "the recorder knows of none");
    bench.limit("e1", ada, !RESTRICTED);
    assert_eq!(bench.relayed("a"), Some(vec![1, 2]));
    bench.forget();
    bench.limit("e1", ada, RESTRICTED);
    assert_eq!(bench.relayed("a"), Some(vec![]), "at once");
    assert_eq!(bench.noted(), ["Track", "Track", "TrackEnded", "TrackEnded"]);
    bench.command("e1", ada, publish(10, 3)).expect("published");
    assert_eq!(bench.relayed("a"), Some(vec![]), "nor what is published later");
    assert!(bench.noted().is_empty());
}

#[test]
fn a_room_that_moves_is_recorded_on_both_nodes_until_the_old_one_lets_go() {
    let (mut bench, ..) = live();
    bench.record();
    bench.noted();
    bench.room.begin_move(bench.now(), place("b", 2), None).expect("begun");
    bench.settle();
    bench.event("a", Event::Exported { peer: PeerId(10), state: state("of 10") });
    assert_eq!(bench.relayed("b"), Some(vec![1, 2]), "as soon as the publisher is there");
    assert_eq!(bench.relayed("a"), Some(vec![1, 2]));
    assert!(bench.noted().is_empty(), "not yet");
    bench.event("a", Event::Exported { peer: PeerId(20), state: state("of 20") });
    assert_eq!(bench.notes, [Note::Node { node: node("b") }]);
    assert_eq!(bench.relayed("a"), Some(vec![1, 2]), "late packets still come there");
    bench.pass(500);
    assert_eq!((bench.relayed("a"), bench.relayed("b")), (None, Some(vec![1, 2])));
}

#[test]
fn a_move_that_is_given_up_leaves_nothing_open_elsewhere() {
    let (mut bench, ..) = live();
    bench.record();
    bench.room.begin_move(bench.now(), place("b", 2), None).expect("begun");
    bench.settle();
    bench.event("a", Event::Exported { peer: PeerId(10), state: state("of 10") });
    bench.room.handle_target_lost(bench.now());
    bench.pass(25);
    assert_eq!(bench.relayed("b"), None);
    assert_eq!(bench.relayed("a"), Some(vec![]), "its publisher was lost with it");
}

#[test]
fn after_the_death_of_a_node_the_next_one_sends_what_comes_again() {
    let (mut bench, ada, _) = live();
    bench.record();
    bench.noted();
    bench.room.handle_node_lost(bench.now(), Some((place("c", 3), None)));
    bench.pass(25);
    assert_eq!(bench.relayed("c"), Some(vec![]));
    assert_eq!(bench.noted(), ["Node", "TrackEnded", "TrackEnded"]);
    bench.connected("e1", ada, 11, false);
    bench.command("e1", ada, publish(11, 1)).expect("published");
    assert_eq!(bench.relayed("c"), Some(vec![1]));
    assert_eq!(bench.noted(), ["Track"]);
}

#[test]
fn a_node_that_comes_back_empty_is_told_again_after_what_it_held_has_ended() {
    let (mut bench, ..) = live();
    bench.record();
    bench.forget();
    bench.room.handle_node_emptied(bench.now(), &node("a"));
    bench.room.end_on(&node("a"));
    bench.pass(25);
    let told = bench.told();
    let of = |word: &str| told.iter().position(|told| told.starts_with(word));
    assert!(of("CloseRoom").expect("ended") < of("OpenRelay").expect("told again"), "{told:?}");
    assert_eq!(bench.relayed("a"), Some(vec![]));
}

#[test]
fn another_recorder_gets_everything_from_the_moment_the_first_had_it() {
    let (mut bench, ..) = live();
    bench.record();
    bench.noted();
    bench.forget();
    bench.room.record_at(bench.now(), recorder("r1"));
    bench.settle();
    assert!(bench.told().is_empty(), "the same one on a new link");
    assert_eq!(bench.noted(), ["Node", "Joined", "Joined", "Track", "Track"], "all is said again");
    bench.room.recorder_lost(bench.now());
    bench.settle();
    assert_eq!(bench.shown().and_then(|shown| shown.trouble).expect("seen").kind, LOST);
    assert_eq!(bench.room.recording(), Some(ID), "it goes on when one is there");
    bench.room.record_at(bench.now(), recorder("r2"));
    bench.settle();
    assert_eq!(bench.told(), ["OpenRelay at a"], "what was kept for the first goes there as well");
    assert_eq!(bench.relayed("a"), Some(vec![1, 2]));
    assert_eq!(bench.noted().len(), 5);
    assert_eq!(bench.shown().and_then(|shown| shown.trouble), None);
}

const LOST: TroubleKind = TroubleKind::RecorderLost;

#[test]
fn a_full_disk_ends_it_and_is_shown_until_somebody_turns_it_on_or_off() {
    let (mut bench, ..) = live();
    bench.record();
    let trouble = Trouble { kind: TroubleKind::DiskFull, detail: "no space".to_owned() };
    bench.room.fail_recording(bench.now(), trouble.clone());
    bench.settle();
    assert_eq!((bench.relayed("a"), bench.room.recording()), (None, None));
    assert_eq!(
        (bench.shown().expect("shown").trouble, &bench.over[..]),
        (Some(trouble), &[ID][..])
    );
    bench.notes.clear();
    bench.pass(25);
    assert!(bench.notes.is_empty());
    bench.record();
    assert_eq!(bench.shown().expect("shown").trouble, None);
    bench.stop();
    assert_eq!((bench.shown(), &bench.over[..]), (None, &[ID, ID][..]));
    bench.stop();
    assert_eq!(bench.over.len(), 2, "once");
}

#[test]
fn a_node_that_cannot_send_ends_it() {
    let (mut bench, ..) = live();
    bench.record();
    let request = bench.asked("a", |command| matches!(command, Command::OpenRelay { .. }));
    let error = CommandError::Limit("relays".to_owned());
    bench.event("a", Event::CommandFailed { request, error });
    let trouble = bench.shown().expect("shown").trouble.expect("trouble");
    assert_eq!((trouble.kind, &bench.over[..]), (TroubleKind::WriteFailed, &[ID][..]));
}

#[test]
fn an_empty_room_is_not_recorded_for_long_even_if_somebody_waits_at_its_door() {
    let (mut bench, ada, bob) = live();
    bench.record();
    bench.room.set_access(bench.now(), Access { lobby: true, ..Access::default() });
    bench.must("e1", leave(ada, LeaveReason::ClientLeft));
    bench.must("e2", leave(bob, LeaveReason::ClientLeft));
    bench.pass(25);
    bench.pass(10_000);
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    bench.pass(15_000);
    assert_eq!(bench.room.recording(), Some(ID), "somebody came back");
    bench.must("e1", leave(ada, LeaveReason::ClientLeft));
    for _ in 0..3 {
        let knock = lectern_control::access::Knock {
            link: Some(VIEWER_LINK),
            identity: "guest".to_owned(),
            name: "Guest".to_owned(),
            role: Role::Viewer,
            admitted: false,
            message: String::new(),
        };
        bench.must("e2", Request::Knock { room: ROOM, knock });
        bench.pass(10_000);
    }
    assert_eq!((bench.room.recording(), &bench.over[..]), (None, &[ID][..]));
    assert!(!bench.story.contains(&"closed".to_owned()), "the room goes on");
}

#[test]
fn a_room_that_closes_lets_go_of_the_recorder_first() {
    let (mut bench, ..) = live();
    bench.record();
    bench.forget();
    bench.room.close(bench.now());
    bench.settle();
    let told = bench.told();
    assert_eq!(told[0], "CloseRelay at a");
    assert!(told.contains(&"CloseRoom at a".to_owned()));
    assert_eq!(bench.over, [ID]);
}
