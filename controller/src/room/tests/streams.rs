//! What nodes say of streams reaches whom it concerns, also in a room that moves.

use super::*;
use lectern_control::node::{LayerWanted, StreamState};

/// Ada publishes track 5 over peer 10, Bob watches over 20.
fn live() -> (Bench, ParticipantId, ParticipantId) {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let bob = bench.join("e2", "bob", VIEWER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.connected("e2", bob, 20, true);
    bench.command("e1", ada, publish(10, 5)).expect("passes");
    bench.forget();
    (bench, ada, bob)
}

fn layers(wanted: [bool; 2]) -> Vec<LayerWanted> {
    let layer = |(rid, wanted): (&str, bool)| LayerWanted { rid: rid.to_owned(), wanted };
    ["q", "h"].into_iter().zip(wanted).map(layer).collect()
}

fn wanted(of: [bool; 2]) -> Event {
    Event::LayersWanted { track: TrackId(5), layers: layers(of) }
}

fn state_of(peer: u64, state: StreamState) -> Event {
    Event::StreamStates { peer: PeerId(peer), states: vec![(TrackId(5), state)] }
}

impl Bench {
    fn told_of_streams(&self) -> Vec<(EdgeId, Notice)> {
        let is_of_streams = |notice: &Notice| {
            matches!(notice, Notice::StreamStates { .. } | Notice::LayersWanted { .. })
        };
        self.notices.iter().filter(|(_, notice)| is_of_streams(notice)).cloned().collect()
    }

    fn exports(&mut self, from: &str, peer: u64) {
        let state = state(&format!("state of {peer}"));
        self.event(from, Event::Exported { peer: PeerId(peer), state });
    }
}

fn states_for(bob: ParticipantId, state: StreamState) -> (EdgeId, Notice) {
    let states = vec![(TrackId(5), state)];
    (edge("e2"), Notice::StreamStates { participant: bob, states })
}

fn layers_for(ada: ParticipantId, of: [bool; 2]) -> (EdgeId, Notice) {
    let (track, layers) = (TrackId(5), layers(of));
    (edge("e1"), Notice::LayersWanted { participant: ada, track, layers })
}

#[test]
fn a_subscriber_and_a_publisher_hear_of_their_own_streams_alone() {
    let (mut bench, ada, bob) = live();
    bench.command("e2", bob, subscribe(20, 5)).expect("passes");
    bench.forget();
    bench.event("a", state_of(20, StreamState::Paused));
    bench.event("a", wanted([true, false]));
    let told = [states_for(bob, StreamState::Paused), layers_for(ada, [true, false])];
    assert_eq!(bench.told_of_streams(), told);
    bench.forget();
    for from in ["b", "c"] {
        bench.event(from, state_of(20, StreamState::Active));
        bench.event(from, wanted([true, true]));
    }
    let track = TrackId(99);
    bench.event("a", Event::LayersWanted { track, layers: layers([true, true]) });
    bench.event("a", state_of(99, StreamState::Active));
    assert!(bench.story.is_empty(), "{:?}", bench.story);
}

#[test]
fn nobody_stops_to_send_before_anybody_could_have_come() {
    let (mut bench, ada, bob) = live();
    bench.event("a", wanted([false, false]));
    assert!(bench.told_of_streams().is_empty());
    bench.event("a", wanted([true, false]));
    assert_eq!(bench.told_of_streams(), [layers_for(ada, [true, false])], "recorders watch too");
    bench.command("e2", bob, subscribe(20, 5)).expect("passes");
    bench.forget();
    bench.event("a", wanted([false, false]));
    assert_eq!(bench.told_of_streams(), [layers_for(ada, [false, false])]);
}

#[test]
fn another_node_begins_anew_and_is_heard_from_then_on() {
    let (mut bench, ada, bob) = live();
    bench.command("e2", bob, subscribe(20, 5)).expect("passes");
    bench.event("a", state_of(20, StreamState::Paused));
    bench.event("a", wanted([true, false]));
    bench.forget();
    bench.room.begin_move(bench.now(), place("b", 2), None).expect("begun");
    bench.settle();
    bench.event("b", wanted([false, true]));
    assert!(bench.told_of_streams().is_empty(), "it has nothing yet");
    bench.exports("a", 10);
    assert_eq!(bench.told_of_streams(), [layers_for(ada, [true, true])]);
    bench.forget();
    bench.event("a", wanted([false, false]));
    assert!(bench.told_of_streams().is_empty(), "the former node has no say any more");
    bench.event("b", wanted([false, true]));
    bench.exports("a", 20);
    bench.event("b", state_of(20, StreamState::Paused));
    let told = [
        layers_for(ada, [false, true]),
        states_for(bob, StreamState::Active),
        states_for(bob, StreamState::Paused),
    ];
    assert_eq!(bench.told_of_streams(), told);
}

#[test]
fn a_wish_goes_to_the_node_that_holds_the_subscriber() {
    let (mut bench, _, bob) = live();
    let wish = lectern_control::media::Wish { width: 320, height: 180, ..Default::default() };
    let set = Command::SetWish { peer: PeerId(20), track: TrackId(5), wish };
    bench.command("e2", bob, set.clone()).expect("passes");
    assert_eq!((bench.commands[0].0.as_str(), &bench.commands[0].2), ("a", &set));
    bench.room.begin_move(bench.now(), place("b", 2), None).expect("begun");
    bench.settle();
    bench.exports("a", 10);
    bench.exports("a", 20);
    bench.forget();
    bench.command("e2", bob, set.clone()).expect("passes");
    assert_eq!((bench.commands[0].0.as_str(), &bench.commands[0].2), ("b", &set));
}

#[test]
fn a_track_shown_anew_stays_muted_where_a_moderator_has_muted_it() {
    let (mut bench, ada, _) = live();
    bench.must("e1", add_track(ada, 5));
    bench.room.set_muted(ada, TrackId(5), true);
    bench.settle();
    bench.must("e1", add_track(ada, 5));
    assert!(bench.room.roster.get(ada).expect("there").tracks[0].muted);
}
