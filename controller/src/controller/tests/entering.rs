//! The two steps into a meeting, and what moderators ask from outside.

use super::*;
use crate::entries::Opens;
use lectern_control::access::{Moderation, Moderator};

fn entry(bench: &mut Bench, edge: u64) -> EntryId {
    let key = EntryKey::Link { secret_hash: GOOD_SECRET };
    match bench.must(edge, Request::OpenEntry { key }) {
        Response::Entry(entry) => entry.id,
        other => panic!("{other:?}"),
    }
}

fn open(entry: EntryId, pin: Option<&str>) -> Request {
    Request::OpenSession { entry, pin: pin.map(|pin| Secret::new(pin.to_owned())) }
}

fn try_pin(bench: &mut Bench, edge: u64, entry: EntryId, pin: &str) -> Result<(), RequestError> {
    let request = bench.ask(edge, open(entry, Some(pin)));
    bench.answer(request).expect("an answer").clone().map(|_| ())
}

#[test]
fn an_entry_opens_one_session_however_many_race_for_it() {
    let mut bench = Bench::new();
    let edge = bench.edge("e1");
    let entry = entry(&mut bench, edge);
    let asked: Vec<RequestId> = (0..100).map(|_| bench.ask(edge, open(entry, None))).collect();
    let opened = asked
        .iter()
        .filter(|request| matches!(bench.answer(**request), Some(Ok(Response::Opened(_)))));
    assert_eq!(opened.count(), 1);
    assert_eq!(try_pin(&mut bench, edge, EntryId(1), RIGHT_PIN), Err(RequestError::EntryInvalid));
    let late = super::entering::entry(&mut bench, edge);
    bench.ms += 300_000;
    assert_eq!(try_pin(&mut bench, edge, late, RIGHT_PIN), Err(RequestError::EntryInvalid));
}

#[test]
fn a_mistyped_pin_may_be_typed_again_with_the_same_entry() {
    let mut bench = Bench::new();
    let edge = bench.edge("e1");
    let entry = entry(&mut bench, edge);
    assert_eq!(try_pin(&mut bench, edge, entry, "135791"), Err(RequestError::PinWrong));
    assert_eq!(try_pin(&mut bench, edge, entry, RIGHT_PIN), Ok(()));
}

/// The whole of it in virtual time: from many edges, each guess with an entry of its own.
#[test]
fn an_hour_of_guessing_from_everywhere_makes_a_handful_of_tries() {
    let mut bench = Bench::new();
    let edges: Vec<u64> = (0..8).map(|n| bench.edge(&format!("e{n}"))).collect();
    let (mut tries, mut blocked) = (0, 0);
    for guess in 0..36_000_u32 {
        let edge = edges[guess as usize % edges.len()];
        let entry = entry(&mut bench, edge);
        match try_pin(&mut bench, edge, entry, &format!("{guess:06}")) {
            Err(RequestError::PinWrong) => tries += 1,
            Err(RequestError::TooOften { retry_after_s }) => {
                assert!((1..=901).contains(&retry_after_s));
                blocked += 1;
            }
            other => panic!("{other:?}"),
        }
        bench.ms += 100;
        bench.forget();
    }
    println!("36,000 guesses in an hour: {tries} looked at, {blocked} blocked");
    assert_eq!(tries, 19);
    // Nobody's PIN is taken now: else the block would tell when a guess is right.
    let edge = edges[0];
    let entry = entry(&mut bench, edge);
    let refused = try_pin(&mut bench, edge, entry, RIGHT_PIN);
    assert!(matches!(refused, Err(RequestError::TooOften { .. })), "{refused:?}");
    let kinds = |kind| bench.audit.iter().filter(|entry| entry.kind == kind).count();
    assert_eq!(kinds(AuditKind::PinBlocked), 4);
    assert!(kinds(AuditKind::PinRefused) >= 19);
}

#[test]
fn who_is_in_no_room_moderates_none() {
    let mut bench = Bench::new();
    bench.node("a", &[]);
    let edge = bench.edge("e1");
    let end = |by| Request::Moderate { room: ROOM, by, action: Moderation::End };
    let request = bench.ask(edge, end(Moderator::Integrator));
    assert_eq!(bench.answer(request), Some(Err(RequestError::Absent)), "no live room");
    bench.must(edge, join("ada"));
    for by in
        [Moderator::Participant("ada".to_owned()), Moderator::Participant("nobody".to_owned())]
    {
        let request = bench.ask(edge, end(by));
        assert_eq!(bench.answer(request), Some(Err(RequestError::NotPermitted)));
    }
    // The records do not know this key.
    let by = Moderator::Owner { owner_key_hash: [3; 32] };
    let request = bench.ask(edge, end(by));
    assert_eq!(bench.answer(request), Some(Err(RequestError::NotFound)));
    assert_eq!(bench.must(edge, end(Moderator::Integrator)), Response::Done);
    let Response::Rooms(rooms) = bench.must(edge, Request::Rooms) else { panic!("rooms") };
    assert!(rooms.is_empty());
}

#[test]
fn what_the_records_could_not_keep_is_kept_once_they_are_back() {
    let mut bench = Bench::new();
    let node = bench.node("a", &[]);
    let edge = bench.edge("e1");
    bench.must(edge, join("ada"));
    bench.must(edge, join("bob"));
    bench.records = Store::Fails;
    let remove = Moderation::Remove { identity: "bob".to_owned() };
    let by = Moderator::Participant("ada".to_owned());
    bench.must(edge, Request::Moderate { room: ROOM, by, action: remove });
    assert_eq!(bench.kept.len(), 1);
    let wait = |bench: &mut Bench| bench.tick_with(1_250, &[node]);
    wait(&mut bench);
    assert!(bench.kept.len() > 1, "tried again");
    bench.records = Store::Works;
    wait(&mut bench);
    let tries = bench.kept.len();
    assert!(bench.kept.iter().all(|job| *job == bench.kept[0]), "the same decision each time");
    wait(&mut bench);
    assert_eq!(bench.kept.len(), tries, "and it is kept once");
}

#[test]
fn an_owner_who_sends_a_pin_lifts_no_block() {
    let mut bench = Bench::new();
    let edge = bench.edge("e1");
    let viewer = entry(&mut bench, edge);
    while try_pin(&mut bench, edge, viewer, "000000") == Err(RequestError::PinWrong) {}
    let now = bench.now().at;
    let opens = Opens { room: ROOM, link: None, role: MeetingRole::Owner };
    bench.controller.entries.open(now, EntryId(77), opens);
    assert_eq!(try_pin(&mut bench, edge, EntryId(77), RIGHT_PIN), Ok(()));
    let refused = try_pin(&mut bench, edge, viewer, RIGHT_PIN);
    assert!(matches!(refused, Err(RequestError::TooOften { .. })), "{refused:?}");
}
