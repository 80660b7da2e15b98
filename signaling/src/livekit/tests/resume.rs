//! Coming back: what was missed in order, and then the latest of everything else.

use super::*;

fn left(id: u64) -> Notice {
    Notice::ParticipantLeft {
        participant: ParticipantId(id),
        identity: format!("identity-{id}"),
        reason: LeaveReason::ClientLeft,
    }
}

fn with_screen(id: u64, version: u32) -> Participant {
    let screen = Track::new(TrackId(20), MediaKind::Video, Source::Screen);
    Participant { version, tracks: vec![screen], ..participant(id) }
}

fn kind(message: &Tell) -> &'static str {
    match message {
        Tell::Join(_) => "join",
        Tell::Reconnect(_) => "reconnect",
        Tell::Update(_) => "update",
        Tell::TrackPublished(_) => "published",
        Tell::RequestResponse(_) => "response",
        Tell::SpeakersChanged(_) => "speakers",
        Tell::Offer(_) => "offer",
        Tell::RefreshToken(_) => "token",
        Tell::Leave(_) => "leave",
        Tell::SubscriptionPermissionUpdate(_) => "permission",
        other => panic!("{other:?}"),
    }
}

impl Client {
    /// The first message after a return, and what it was told in order.
    fn back(&mut self) -> Vec<&'static str> {
        self.messages.clear();
        self.adapter.cut();
        assert!(self.adapter.resume(self.began));
        self.adapter.refresh_token("a token".to_owned());
        self.drain();
        self.messages.iter().map(kind).collect()
    }

    fn heard_all(&mut self) {
        if let Some(number) = self.adapter.unheard() {
            assert_eq!(self.adapter.acknowledge(number, self.began), Outcome::Handled);
        }
    }

    /// Whom updates were about: id, state, tracks and name.
    fn updates(&self) -> Vec<(String, bool, usize, String)> {
        let updates = self.messages.iter().filter_map(|message| match message {
            Tell::Update(update) => Some(&update.participants),
            _ => None,
        });
        let active = proto::participant_info::State::Active;
        let of = |one: &proto::ParticipantInfo| {
            (one.sid.clone(), one.state() == active, one.tracks.len(), one.name.clone())
        };
        updates.flatten().map(of).collect()
    }
}

fn sid(id: u64) -> String {
    ParticipantId(id).to_string()
}

#[test]
fn what_was_missed_comes_first_and_in_order() {
    let mut client = Client::join(vec![participant(2), participant(3)]);
    client.heard_all();
    client.hears(&Notice::Speakers { speakers: vec![(ParticipantId(2), 0.5)] });
    client.adapter.cut();
    client.hears(&Notice::Participant(participant(4)));
    client.hears(&Notice::Participant(with_screen(4, 2)));
    client.hears(&Notice::Participant(Participant { version: 3, ..participant(4) }));
    client.hears(&left(4));
    let name = "Another name".to_owned();
    client.hears(&Notice::Participant(Participant { name, version: 2, ..participant(2) }));
    client.hears(&left(3));
    // Six that were missed, and then all who are here.
    let updates = ["update"; 7];
    let expected = [&["reconnect"], &updates[..], &["speakers", "offer", "token"]].concat();
    assert_eq!(client.back(), expected);
    let named = |id: u64| format!("Name {id}");
    assert_eq!(
        client.updates(),
        [
            (sid(4), true, 0, named(4)),
            (sid(4), true, 1, named(4)),
            (sid(4), true, 0, named(4)),
            (sid(4), false, 0, String::new()),
            (sid(2), true, 0, "Another name".to_owned()),
            (sid(3), false, 0, String::new()),
            (sid(1), true, 0, named(1)),
            (sid(2), true, 0, "Another name".to_owned()),
        ]
    );
    let state = proto::SyncState {
        subscription: Some(proto::UpdateSubscription::default()),
        track_sids_disabled: vec!["TR_none".to_owned()],
        ..Default::default()
    };
    assert_eq!(client.says(Ask::SyncState(state)), Outcome::Handled);
}

#[test]
fn who_missed_nothing_is_told_once_who_is_here() {
    let mut client = Client::join((2..500).map(participant).collect());
    client.hears(&Notice::Participant(Participant { version: 2, ..participant(2) }));
    client.heard_all();
    assert_eq!(client.back(), ["reconnect", "update", "offer", "token"]);
    assert_eq!(client.updates().len(), 499);
}

#[test]
fn an_answer_that_was_on_its_way_is_told_again() {
    let mut client = Client::join(vec![]);
    client.heard_all();
    client.adds(CAMERA_KEY);
    assert_eq!(client.back(), ["reconnect", "published", "update", "offer", "token"]);
    client.heard_all();
    assert_eq!(client.back(), ["reconnect", "update", "offer", "token"]);
}

#[test]
fn a_track_that_has_ended_is_not_announced_again() {
    let mut client = Client::join(vec![]);
    client.adds(CAMERA_KEY);
    client.says(offer(CAMERA, 1));
    assert!(client.back().contains(&"published"), "its offer may overtake our answer");
    client.says(offer(&CAMERA.replace("a=sendonly", "a=inactive"), 2));
    assert!(!client.back().contains(&"published"));
}

#[test]
fn a_move_is_not_told_to_who_is_back_anyway() {
    let mut client = Client::join(vec![]);
    client.says(offer(CAMERA, 1));
    client.heard_all();
    client.adapter.cut();
    client.hears(&Notice::Moved { placement: placement(2) });
    assert!(!client.back().contains(&"leave"));
}

#[test]
fn who_missed_too_much_is_told_the_room_as_it_is() {
    let mut client = Client::join(vec![participant(2), participant(3)]);
    client.adds(CAMERA_KEY);
    client.hears(&left(3));
    client.adapter.cut();
    for version in 2..3_000 {
        client.hears(&Notice::Participant(Participant { version, ..participant(2) }));
    }
    assert_eq!(client.back(), ["reconnect", "update", "published", "offer", "token"]);
    let told: Vec<_> =
        client.updates().into_iter().map(|(sid, active, ..)| (sid, active)).collect();
    assert_eq!(told, [(sid(1), true), (sid(2), true), (sid(3), false)]);
    client.heard_all();
    assert_eq!(client.back(), ["reconnect", "update", "offer", "token"]);
}

#[test]
fn who_missed_more_departures_than_are_remembered_begins_anew() {
    let mut client = Client::join((2..200).map(participant).collect());
    client.adapter.cut();
    for version in 2..3_000 {
        client.hears(&Notice::Participant(Participant { version, ..participant(199) }));
    }
    (2..70).for_each(|id| client.hears(&left(id)));
    client.messages.clear();
    assert!(client.adapter.resume(client.began));
    client.drain();
    let [Tell::Leave(leave)] = &client.messages[..] else { panic!("{:?}", client.messages) };
    assert_eq!(leave.action(), proto::leave_request::Action::Reconnect);
    assert!(client.adapter.session().is_over());
}

#[test]
fn coming_back_does_not_fill_the_budget_again() {
    let mut client = Client::join(vec![participant(2)]);
    let mut messages = 0;
    while !client.adapter.session().is_over() && messages < 10_000 {
        for _ in 0..100 {
            messages += 1;
            client.says(Ask::Ping(1));
        }
        client.adapter.resume(client.began);
    }
    assert!(messages <= 500, "{messages}");
    assert!(!client.adapter.resume(client.began));
}

#[test]
fn pongs_that_nobody_asked_for_are_a_flood_like_any_other() {
    let mut client = Client::join(vec![]);
    let pongs = (0..2_000)
        .take_while(|number| client.adapter.acknowledge(*number, client.began) == Outcome::Handled);
    assert_eq!(pongs.count(), 500);
    assert!(client.adapter.session().is_over());
}

#[test]
fn who_is_back_hears_again_which_tracks_are_not_for_it() {
    use lectern_control::room::Audience;
    let nobody =
        |id, version| Participant { audience: Audience::Only(vec![]), ..with_screen(id, version) };
    let mut client = Client::join(vec![participant(2), nobody(3, 1)]);
    client.heard_all();
    let expected = ["reconnect", "update", "permission", "offer", "token"];
    assert_eq!(client.back(), expected, "its client forgets");
    client.heard_all();
    client.adapter.cut();
    for version in 2..3_000 {
        client.hears(&Notice::Participant(nobody(3, version)));
    }
    assert_eq!(client.back(), expected, "told as it is");
    let told = client.messages.iter().find_map(|message| match message {
        Tell::SubscriptionPermissionUpdate(update) => Some(update),
        _ => None,
    });
    let told = told.expect("told");
    assert_eq!((&told.participant_sid, &told.track_sid), (&sid(3), &TrackId(20).to_string()));
    assert!(!told.allowed);
}
