//! Who comes in, who waits, who stays out; and that nobody gets past by leaving a step out.

use super::*;
use crate::standing::Out;
use lectern_control::access::{Knock, Moderation, Moderator};
use lectern_control::edge::Admission;

impl Bench {
    fn set(&mut self, access: Access) {
        self.room.set_access(self.now(), access);
        self.settle();
        self.pass(250);
    }

    fn knock(&mut self, by: &str, identity: &str) -> Admission {
        match self.must(by, knock_request(identity, Some(VIEWER_LINK), false)) {
            Response::Admission { admission, .. } => admission,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn moderate(
        &mut self,
        who: &str,
        action: Moderation,
    ) -> Result<Response, RequestError> {
        let by = Moderator::Participant(who.to_owned());
        self.try_ask("e1", Request::Moderate { room: ROOM, by, action })
    }

    /// What edges were told of the door last.
    fn reception(&mut self) -> Option<&lectern_control::edge::Reception> {
        self.pass(250);
        self.notices.iter().rev().find_map(|(_, notice)| match notice {
            Notice::Reception(reception) => Some(reception),
            _ => None,
        })
    }
}

fn knock_request(identity: &str, link: Option<LinkId>, admitted: bool) -> Request {
    let role = if link == Some(VIEWER_LINK) { Role::Viewer } else { Role::Presenter };
    let (identity, name) = (identity.to_owned(), identity.to_uppercase());
    let message = "hello".to_owned();
    let knock = Knock { link, identity, name, role, admitted, message };
    Request::Knock { room: ROOM, knock }
}

fn returning(identity: &str) -> Request {
    let mut request = join_request(identity, Some(VIEWER_LINK));
    if let Request::Join { admitted, .. } = &mut request {
        *admitted = true;
    }
    request
}

/// In the line, with the word that was said.
fn waits(position: u32, waiting: u32) -> Admission {
    Admission::Waiting { position, waiting, message: "hello".to_owned() }
}

const LOBBY: Access = Access { locked: false, lobby: true, pin_set: false };
const LOCKED: Access = Access { locked: true, lobby: false, pin_set: false };

#[test]
fn who_waits_is_in_no_roster_and_comes_in_once_admitted() {
    let mut bench = Bench::new();
    bench.set(LOBBY);
    bench.join("e1", "ada", PRESENTER_LINK);
    assert_eq!(bench.knock("e2", "bob"), waits(1, 1));
    assert_eq!(bench.knock("e2", "eve"), waits(2, 2));
    assert_eq!(bench.room.participant_count(), 1);
    let shown: Vec<_> = bench.reception().expect("told").waiting.iter().collect();
    assert_eq!((shown[0].name.as_str(), shown[0].message.as_str()), ("BOB", "hello"));
    let refused = bench.try_ask("e2", join_request("bob", Some(VIEWER_LINK)));
    assert_eq!(refused, Err(RequestError::InLobby), "not by leaving the knock out");
    assert!(bench.notices.iter().all(|(edge, _)| edge.as_str() == "e1"), "nothing for who waits");
    bench.forget();
    bench.moderate("ada", Moderation::Admit { identity: "bob".to_owned() }).expect("admitted");
    let decided = Notice::Decided {
        identity: "bob".to_owned(),
        admission: Admission::Admitted { lasting: true },
    };
    assert!(bench.notices.contains(&(edge("e2"), decided)));
    assert_eq!(bench.knock("e2", "bob"), Admission::Admitted { lasting: true });
    assert_eq!(bench.knock("e2", "eve"), waits(1, 1));
    bench.join("e2", "bob", VIEWER_LINK);
    let kinds: Vec<_> = bench.audit.iter().map(|(kind, _)| *kind).collect();
    for kind in [AuditKind::Knocked, AuditKind::JoinRefused, AuditKind::Admitted] {
        assert!(kinds.contains(&kind), "{kind}");
    }
}

#[test]
fn the_refused_and_the_removed_stay_out_and_the_records_keep_it() {
    let mut bench = Bench::new();
    bench.set(LOBBY);
    bench.join("e1", "ada", PRESENTER_LINK);
    bench.knock("e2", "bob");
    let message = "not today".to_owned();
    let refuse = Moderation::Refuse { identity: "bob".to_owned(), message: message.clone() };
    bench.moderate("ada", refuse).expect("refused");
    let admission = Admission::Refused { message };
    let decided = Notice::Decided { identity: "bob".to_owned(), admission };
    assert!(bench.notices.contains(&(edge("e2"), decided)));
    assert!(matches!(bench.knock("e2", "bob"), Admission::Refused { .. }));
    bench.set(Access::default());
    let refused = bench.try_ask("e2", join_request("bob", Some(VIEWER_LINK)));
    assert_eq!(refused, Err(RequestError::Removed), "not even once the lobby is gone");
    bench.join("e2", "eve", VIEWER_LINK);
    bench.moderate("ada", Moderation::Remove { identity: "eve".to_owned() }).expect("removed");
    assert_eq!(bench.try_ask("e2", returning("eve")), Err(RequestError::Removed));
    assert_eq!(bench.knock("e2", "eve"), Admission::Removed);
    let kept: Vec<_> = bench.kept.iter().map(|(who, one)| (who.as_str(), one.out)).collect();
    assert_eq!(kept, [("bob", Some(Out::Refused)), ("eve", Some(Out::Removed))]);
}

#[test]
fn what_the_records_kept_holds_in_a_room_that_opens_again() {
    let removed = Standing { role: None, out: Some(Out::Removed), at_unix_ms: 5 };
    let promoted = Standing { role: Some(Role::Presenter), out: None, at_unix_ms: 6 };
    let standings = vec![("bob".to_owned(), removed), ("eve".to_owned(), promoted)];
    let mut bench = Bench::new();
    bench.room.standings = super::super::door::Standings::new(standings);
    assert_eq!(bench.try_ask("e1", returning("bob")), Err(RequestError::Removed));
    let eve = bench.join("e1", "eve", VIEWER_LINK).participant;
    assert_eq!((eve.role, eve.permissions), (Role::Presenter, Permissions::ALL));
}

#[test]
fn a_locked_room_lets_in_who_was_in_and_nobody_else() {
    let mut bench = Bench::new();
    bench.join("e1", "ada", PRESENTER_LINK);
    let bob = bench.join("e2", "bob", VIEWER_LINK).participant.id;
    bench.set(LOCKED);
    let leave = LeaveReason::ConnectionLost;
    bench.must("e2", Request::Leave { room: ROOM, participant: bob, reason: leave });
    for link in [VIEWER_LINK, PRESENTER_LINK] {
        let refused = bench.try_ask("e2", join_request("eve", Some(link)));
        assert_eq!(refused, Err(RequestError::Locked));
    }
    assert_eq!(bench.knock("e2", "eve"), Admission::Locked);
    bench.must("e2", returning("bob"));
    let mut owner = join_request("host", None);
    if let Request::Join { role, .. } = &mut owner {
        *role = Role::Owner;
    }
    bench.must("e1", owner);
}

#[test]
fn an_early_session_is_no_way_around_a_lobby_that_comes_later() {
    let mut bench = Bench::new();
    assert_eq!(bench.knock("e2", "bob"), Admission::Admitted { lasting: false });
    bench.set(LOBBY);
    let refused = bench.try_ask("e2", join_request("bob", Some(VIEWER_LINK)));
    assert_eq!(refused, Err(RequestError::InLobby));
    assert_eq!(bench.knock("e2", "bob"), waits(1, 1));
    bench.set(Access::default());
    assert_eq!(bench.room.lobby.len(), 0, "whoever waited comes in when the lobby goes");
    assert_eq!(bench.knock("e2", "bob"), Admission::Admitted { lasting: true });
}

#[test]
fn who_asks_no_more_loses_the_place_and_who_waits_keeps_the_room() {
    let mut bench = Bench::new();
    bench.set(LOBBY);
    bench.knock("e1", "bob");
    for _ in 0..12 {
        bench.pass(10_000);
        bench.knock("e1", "eve");
    }
    assert_eq!(bench.knock("e1", "eve"), waits(1, 1));
    assert!(!bench.story.contains(&"closed".to_owned()), "two minutes with nobody in it");
    for _ in 0..7 {
        bench.pass(10_000);
    }
    assert!(bench.story.contains(&"closed".to_owned()));
}

#[test]
fn a_revoked_link_ends_who_came_by_it_and_who_waits_with_it() {
    let mut bench = Bench::new();
    bench.join("e1", "ada", PRESENTER_LINK);
    bench.join("e1", "bob", VIEWER_LINK);
    bench.set(LOBBY);
    bench.knock("e2", "eve");
    bench.room.revoke_link(bench.now(), VIEWER_LINK);
    bench.settle();
    assert_eq!(bench.room.participant_count(), 1);
    let admission = Admission::Ended;
    let decided = Notice::Decided { identity: "eve".to_owned(), admission };
    assert!(bench.notices.contains(&(edge("e2"), decided)));
    for request in [returning("bob"), knock_request("eve", Some(VIEWER_LINK), true)] {
        assert_eq!(bench.try_ask("e2", request), Err(RequestError::NotFound));
    }
}

#[test]
fn a_session_that_its_holder_ended_is_over() {
    let mut bench = Bench::new();
    bench.join("e1", "ada", PRESENTER_LINK);
    bench.join("e1", "bob", VIEWER_LINK);
    bench.must("e1", Request::EndSession { room: ROOM, identity: "bob".to_owned() });
    assert_eq!(bench.room.participant_count(), 1);
    assert_eq!(bench.try_ask("e1", returning("bob")), Err(RequestError::Removed));
    assert_eq!(bench.knock("e1", "bob"), Admission::Ended);
}

#[test]
fn an_integrator_lets_somebody_in_again_by_a_token_that_is_newer() {
    let mut bench = Bench::new();
    bench.ms = 10_000;
    bench.join("e1", "ada", PRESENTER_LINK);
    bench.must("e1", join_request("agent", None));
    bench.moderate("ada", Moderation::Remove { identity: "agent".to_owned() }).expect("removed");
    let with = |issued| {
        let mut request = join_request("agent", None);
        if let Request::Join { issued_at_unix_ms, .. } = &mut request {
            *issued_at_unix_ms = issued;
        }
        request
    };
    assert_eq!(bench.try_ask("e1", with(9_000)), Err(RequestError::Removed), "the same token");
    bench.must("e1", with(11_000));
}

#[test]
fn hosts_who_come_and_go_are_told_of_and_a_lobby_has_a_bound() {
    let mut bench = Bench::new();
    bench.join("e1", "bob", VIEWER_LINK);
    assert!(!bench.room.reception().host);
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    assert!(bench.reception().expect("told").host);
    let reason = LeaveReason::ClientLeft;
    bench.must("e1", Request::Leave { room: ROOM, participant: ada, reason });
    assert!(!bench.reception().expect("told").host);
    bench.set(LOBBY);
    for n in 0..lectern_control::limits::MAX_WAITING {
        bench.knock("e2", &format!("w{n}"));
    }
    let one_more = bench.try_ask("e2", knock_request("more", Some(VIEWER_LINK), false));
    assert!(matches!(one_more, Err(RequestError::Limit(_))));
    let shown = bench.reception().expect("told");
    assert_eq!((shown.waiting.len(), shown.waiting_count), (50, 1_000));
    let long = Knock { message: "x".repeat(2_000), ..knock_of("long") };
    let refused = bench.try_ask("e2", Request::Knock { room: ROOM, knock: long });
    assert!(matches!(refused, Err(RequestError::Invalid(_))));
}

fn knock_of(identity: &str) -> Knock {
    match knock_request(identity, Some(VIEWER_LINK), false) {
        Request::Knock { knock, .. } => knock,
        _ => unreachable!(),
    }
}

#[test]
fn a_word_to_and_from_who_waits_is_not_lost_between_two_questions() {
    let mut bench = Bench::new();
    bench.set(LOBBY);
    bench.join("e1", "ada", PRESENTER_LINK);
    bench.knock("e2", "bob");
    let again = Knock { message: String::new(), ..knock_of("bob") };
    bench.must("e2", Request::Knock { room: ROOM, knock: again });
    assert_eq!(bench.reception().expect("told").waiting[0].message, "hello");
    let message = "tomorrow".to_owned();
    let refuse = Moderation::Refuse { identity: "bob".to_owned(), message: message.clone() };
    bench.moderate("ada", refuse).expect("refused");
    assert_eq!(bench.knock("e2", "bob"), Admission::Refused { message });
    bench.pass(601_000);
    assert_eq!(bench.knock("e2", "bob"), Admission::Refused { message: String::new() });
}

#[test]
fn who_was_removed_stays_so_by_ending_the_session_and_by_a_newer_token() {
    let mut bench = Bench::new();
    bench.ms = 10_000;
    bench.join("e1", "ada", PRESENTER_LINK);
    bench.join("e2", "eve", VIEWER_LINK);
    bench.moderate("ada", Moderation::Remove { identity: "eve".to_owned() }).expect("removed");
    bench.must("e2", Request::EndSession { room: ROOM, identity: "eve".to_owned() });
    assert_eq!(bench.knock("e2", "eve"), Admission::Removed);
    let mut renewed = returning("eve");
    if let Request::Join { issued_at_unix_ms, .. } = &mut renewed {
        *issued_at_unix_ms = 99_000;
    }
    assert_eq!(bench.try_ask("e2", renewed), Err(RequestError::Removed), "links are for all alike");
    let ended = (0..2 * crate::standing::MAX_STANDINGS).map(|n| format!("x{n}"));
    for identity in ended.collect::<Vec<_>>() {
        bench.must("e2", Request::EndSession { room: ROOM, identity });
    }
    assert_eq!(bench.knock("e2", "eve"), Admission::Removed, "whatever else is forgotten");
}

#[test]
fn who_has_just_left_can_still_be_removed() {
    let mut bench = Bench::new();
    bench.join("e1", "ada", PRESENTER_LINK);
    let eve = bench.join("e2", "eve", VIEWER_LINK).participant.id;
    let reason = LeaveReason::ClientLeft;
    bench.must("e2", Request::Leave { room: ROOM, participant: eve, reason });
    bench.moderate("ada", Moderation::Remove { identity: "eve".to_owned() }).expect("removed");
    assert_eq!(bench.try_ask("e2", returning("eve")), Err(RequestError::Removed));
    let nobody = Moderation::Remove { identity: "nobody".to_owned() };
    assert_eq!(bench.moderate("ada", nobody), Err(RequestError::Absent));
}

#[test]
fn a_crowd_at_the_door_is_told_of_a_few_times() {
    let mut bench = Bench::new();
    bench.set(LOBBY);
    bench.join("e1", "ada", PRESENTER_LINK);
    bench.pass(250);
    bench.forget();
    for n in 0..500 {
        bench.knock("e2", &format!("w{n}"));
        bench.pass(2);
    }
    let told = bench.notices.iter().filter(|(_, one)| matches!(one, Notice::Reception(_)));
    assert!((4..=5).contains(&told.count()), "four times a second");
    assert_eq!(bench.reception().expect("told").waiting_count, 500);
}
