//! What is kept, what is told again, and what is forgotten.

use super::*;
use lectern_control::EdgeId;
use lectern_control::room::{LeaveReason, Participant, Role};
use lectern_control::transport::Permissions;

fn came(id: u64, identity: &str, version: u32) -> Arc<News> {
    Arc::new(News::new(Notice::Participant(Participant {
        audience: lectern_control::room::Audience::Everybody,
        id: ParticipantId(id),
        identity: identity.to_owned(),
        name: String::new(),
        role: Role::Viewer,
        permissions: Permissions::ALL,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        joined_at_unix_ms: 0,
        version,
        tracks: Vec::new(),
        edge: "edge-1".parse::<EdgeId>().expect("a name"),
    })))
}

fn left(id: u64, identity: &str) -> Arc<News> {
    let (participant, identity) = (ParticipantId(id), identity.to_owned());
    let reason = LeaveReason::ClientLeft;
    Arc::new(News::new(Notice::ParticipantLeft { participant, identity, reason }))
}

fn response(request_id: u32) -> Message {
    Message::RequestResponse(proto::RequestResponse { request_id, ..Default::default() })
}

struct Bench {
    replay: Replay,
    now: Instant,
}

impl Bench {
    fn new() -> Bench {
        let now = Instant::now();
        Bench { replay: Replay::new(now), now }
    }

    fn back(&mut self) -> Missed {
        self.replay.cut();
        self.replay.missed(self.now, 64)
    }

    fn after(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.replay.heard_of(self.now);
    }
}

fn news(all: &[&Arc<News>]) -> Missed {
    Missed::Events(all.iter().map(|news| Said::News((*news).clone())).collect())
}

#[test]
fn what_was_on_its_way_and_what_came_later_is_told_in_order() {
    let mut bench = Bench::new();
    let (one, two, three) = (came(2, "bob", 1), came(2, "bob", 2), left(2, "bob"));
    bench.replay.keep_news(&one);
    bench.replay.keep_own(&response(7));
    bench.replay.cut();
    bench.replay.keep_news(&two);
    bench.replay.keep_news(&three);
    let told = bench.replay.missed(bench.now, 64);
    let own = Said::Own(Box::new(response(7)));
    assert_eq!(
        told,
        Missed::Events(vec![Said::News(one), own, Said::News(two), Said::News(three)])
    );
}

#[test]
fn what_was_acknowledged_is_not_told_again() {
    let mut bench = Bench::new();
    assert_eq!(bench.replay.unheard(), None);
    let (one, two) = (came(2, "bob", 1), came(2, "bob", 2));
    bench.replay.keep_news(&one);
    let number = bench.replay.unheard().expect("something");
    bench.replay.keep_news(&two);
    bench.replay.acknowledge(number);
    assert_eq!(bench.back(), news(&[&two]));
    bench.replay.acknowledge(u64::MAX);
    assert_eq!((bench.replay.unheard(), bench.replay.bytes), (None, 0));
    assert_eq!(bench.back(), news(&[]));
}

#[test]
fn one_cut_after_another_loses_nothing() {
    let mut bench = Bench::new();
    let (one, two, three) = (came(2, "bob", 1), came(3, "eve", 1), left(2, "bob"));
    bench.replay.keep_news(&one);
    assert_eq!(bench.back(), news(&[&one]));
    bench.replay.keep_news(&two);
    assert_eq!(bench.back(), news(&[&one, &two]));
    bench.replay.cut();
    bench.replay.keep_news(&three);
    assert_eq!(bench.back(), news(&[&one, &two, &three]));
}

#[test]
fn states_are_no_events() {
    let mut bench = Bench::new();
    for state in [
        Message::Pong(1),
        Message::RefreshToken(String::new()),
        Message::Leave(proto::LeaveRequest::default()),
        Message::Offer(proto::SessionDescription::default()),
        Message::Reconnect(proto::ReconnectResponse::default()),
        Message::SpeakersChanged(proto::SpeakersChanged::default()),
        Message::ConnectionQuality(proto::ConnectionQualityUpdate::default()),
        Message::StreamStateUpdate(proto::StreamStateUpdate::default()),
        Message::SubscribedQualityUpdate(proto::SubscribedQualityUpdate::default()),
    ] {
        bench.replay.keep_own(&state);
    }
    assert_eq!(bench.replay.unheard(), None);
}

#[test]
fn a_client_that_answers_no_pings_has_heard_what_it_was_told_long_before_it_spoke() {
    let mut bench = Bench::new();
    let (one, two) = (came(2, "bob", 1), came(2, "bob", 2));
    bench.after(20);
    bench.replay.keep_news(&one);
    bench.after(19);
    assert_eq!(bench.back(), news(&[&one]));
    bench.replay.keep_news(&two);
    bench.after(20);
    assert_eq!(bench.back(), news(&[&two]), "told again when it came back, and since then");
    bench.after(20);
    assert_eq!(bench.back(), news(&[]));
}

#[test]
fn news_of_a_former_stay_does_not_undo_what_was_heard_of_a_later_one() {
    let mut bench = Bench::new();
    let (first, gone, second) = (came(2, "bob", 1), left(2, "bob"), came(3, "bob", 1));
    for one in [&first, &gone, &second] {
        bench.replay.keep_news(one);
    }
    assert_eq!(bench.back(), news(&[&second]));
    let mut away = Bench::new();
    away.replay.cut();
    for one in [&first, &gone, &second] {
        away.replay.keep_news(one);
    }
    let told = away.replay.missed(away.now, 64);
    assert_eq!(told, news(&[&first, &gone, &second]), "it cannot have heard any of it");
}

#[test]
fn too_many_events_become_the_state_of_the_room_until_that_is_heard() {
    let mut bench = Bench::new();
    for version in 0..=MAX_EVENTS {
        bench.replay.keep_news(&came(2, "bob", u32::try_from(version).expect("few")));
    }
    assert!(bench.replay.events.is_empty(), "nothing is kept for nothing");
    assert_eq!(bench.back(), Missed::Snapshot);
    bench.replay.keep_news(&came(3, "eve", 1));
    assert_eq!(bench.back(), Missed::Snapshot, "the first may be lost as well");
    let number = bench.replay.unheard().expect("a snapshot");
    let last = left(3, "eve");
    bench.replay.keep_news(&last);
    bench.replay.acknowledge(number);
    assert_eq!(bench.back(), news(&[&last]));
}

#[test]
fn long_events_are_bounded_in_bytes() {
    let mut bench = Bench::new();
    let long = proto::RequestResponse { message: "x".repeat(60 << 10), ..Default::default() };
    for _ in 0..=MAX_BYTES / (60 << 10) {
        assert!(bench.replay.bytes <= MAX_BYTES);
        bench.replay.keep_own(&Message::RequestResponse(long.clone()));
    }
    assert_eq!((bench.back(), bench.replay.bytes), (Missed::Snapshot, 0));
}

#[test]
fn where_those_who_left_are_not_all_remembered_the_client_begins_anew() {
    let fill = |leaves: u64| {
        let mut bench = Bench::new();
        bench.replay.cut();
        for id in 0..leaves {
            bench.replay.keep_news(&left(id, &id.to_string()));
        }
        for _ in 0..MAX_EVENTS {
            bench.replay.keep_own(&response(1));
        }
        bench.back()
    };
    assert_eq!(fill(64), Missed::Snapshot);
    assert_eq!(fill(65), Missed::Everything);
}

#[test]
fn everybody_s_news_are_written_once() {
    let (one, mut benches) = (came(2, "bob", 1), [Bench::new(), Bench::new()]);
    for bench in &mut benches {
        bench.replay.keep_news(&one);
    }
    let (here, there) = (told(&one), told(&one));
    assert_eq!(here.as_ptr(), there.as_ptr());
    assert_eq!(std::mem::size_of::<Said>(), 16);
}
