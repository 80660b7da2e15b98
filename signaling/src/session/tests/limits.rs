//! What a client may not do to others, however hard it tries.

use super::*;
use lectern_control::LinkId;
use lectern_control::limits::MAX_METADATA_BYTES;

fn update(request: u32, key: &str, bytes: usize) -> ClientEvent {
    let attributes = [(key.to_owned(), "x".repeat(bytes))].into();
    ClientEvent::Update { request, name: None, metadata: None, attributes }
}

/// How many of many changes pass, none of them answered yet.
fn changes_that_pass(stay: &mut Stay, bytes: usize) -> usize {
    let passes = |number: &u32| {
        stay.does(update(*number, &format!("key-{number}"), bytes)).expect("no description");
        matches!(stay.requests[..], [(Purpose::Update(_), Request::UpdateParticipant { .. })])
    };
    (0..1_000).take_while(passes).count()
}

#[test]
fn who_came_by_a_link_says_little_of_itself_even_piece_by_piece() {
    let by_link = Entrance { link: Some(LinkId(3)), ..entrance(TrackIds::Shown, Permissions::ALL) };
    let mut stay = Stay::with(by_link, vec![]);
    let passed = changes_that_pass(&mut stay, 1_000);
    assert_eq!(passed, 4, "changes that are on their way count as well");
    let refused = ClientNotice::Updated { request: 4, result: Err(Refusal::Limit) };
    assert_eq!(stay.notices, [refused]);
    stay.does(update(5, "key-0", 0)).expect("no description");
    stay.does(update(6, "key-6", 900)).expect("no description");
    assert_eq!(stay.requests.len(), 1, "what is taken away makes room");
    // The controller did none of it after all.
    stay.session.handle_response(Purpose::Update(6), Err(RequestError::NotPermitted));
    stay.drain();
    assert_eq!(changes_that_pass(&mut stay, 1_000), 4);
}

#[test]
fn an_integrator_s_participant_says_as_much_as_the_controller_takes() {
    let mut stay = Stay::begin(vec![]);
    assert_eq!(changes_that_pass(&mut stay, 1_000), MAX_METADATA_BYTES / 1_014);
}
