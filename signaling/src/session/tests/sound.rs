//! Tests of who hears by slots, from when on, and what the page is told.

use super::*;
use lectern_control::edge::Request;
use lectern_control::media::SoundSlot;
use lectern_control::node::SoundSeat;
use lectern_control::room::{Audience, Listener};

const OFFERED: SoundSlots = SoundSlots { count: 3, above: 4 };

fn microphone(id: u64) -> Track {
    track(id, CodecName::Opus)
}

fn others(count: u64) -> Vec<Participant> {
    (0..count).map(|nth| participant(10 + nth, vec![microphone(10 + nth)])).collect()
}

fn stay(count: u64) -> Stay {
    let entrance = entrance(TrackIds::Shown, Permissions::ALL);
    Stay::with(Entrance { sound: OFFERED, ..entrance }, others(count))
}

fn answer(stay: &mut Stay) {
    let offer = stay.offer().expect("an offer");
    stay.does(answers(&offer)).expect("a good answer");
}

fn slots(stay: &Stay) -> Vec<&Vec<SoundSlot>> {
    let commands = stay.commands().into_iter();
    let set = commands.filter_map(|command| match command {
        Command::SetSoundSlots { slots, .. } => Some(slots),
        _ => None,
    });
    set.collect()
}

fn count(stay: &Stay, is: fn(&Command) -> bool) -> usize {
    stay.commands().into_iter().filter(|command| is(command)).count()
}

fn subscribes(command: &Command) -> bool {
    matches!(command, Command::Subscribe { .. })
}

fn unsubscribes(command: &Command) -> bool {
    matches!(command, Command::Unsubscribe { .. })
}

#[test]
fn a_small_room_is_heard_track_by_track_with_the_slots_ready() {
    let mut stay = stay(2);
    let (_, sdp) = stay.offer().expect("an offer");
    assert_eq!(sdp.matches("m=audio").count(), 3 + 2);
    assert_eq!(sdp.matches("a=msid:sound|").count(), 3);
    answer(&mut stay);
    assert!(slots(&stay).is_empty());
    assert_eq!(count(&stay, subscribes), 2);
    assert!(stay.offer().is_none());
}

#[test]
fn a_large_room_is_heard_by_slots_from_the_first_offer_on() {
    let mut stay = stay(60);
    let (_, sdp) = stay.offer().expect("an offer");
    assert_eq!(sdp.matches("m=audio").count(), 3);
    answer(&mut stay);
    let set = slots(&stay);
    assert_eq!(set.len(), 1);
    assert_eq!(set[0].len(), 3);
    assert!(set[0].iter().all(|slot| slot.codecs[0].name == CodecName::Opus));
    assert_eq!(count(&stay, subscribes), 0);
    // Another one comes, and nothing is negotiated.
    stay.hears(&Notice::Participant(participant(900, vec![microphone(900)])));
    assert!(stay.offer().is_none() && stay.commands().is_empty());
}

#[test]
fn a_room_that_grows_goes_over_to_slots_before_its_tracks_end() {
    let mut stay = stay(4);
    answer(&mut stay);
    assert_eq!(count(&stay, subscribes), 4);
    stay.hears(&Notice::Participant(participant(900, vec![microphone(900)])));
    let commands = stay.commands();
    assert!(matches!(commands[0], Command::SetSoundSlots { slots, .. } if slots.len() == 3));
    assert_eq!(commands[1..].iter().filter(|command| unsubscribes(command)).count(), 4);
    // What is left of the tracks is taken out once; after that nothing is negotiated any more.
    answer(&mut stay);
    for nth in 901..950 {
        stay.hears(&Notice::Participant(participant(nth, vec![microphone(nth)])));
        assert!(stay.offer().is_none() && stay.commands().is_empty());
    }
}

#[test]
fn a_voice_that_is_not_for_everybody_stays_a_track() {
    let mut stay = stay(20);
    answer(&mut stay);
    let only_me = Participant {
        audience: Audience::Only(vec![Listener {
            identity: "identity-1".to_owned(),
            tracks: None,
        }]),
        ..participant(900, vec![microphone(900)])
    };
    stay.hears(&Notice::Participant(only_me));
    answer(&mut stay);
    assert_eq!(count(&stay, subscribes), 1);
}

#[test]
fn a_client_that_refuses_slots_hears_tracks() {
    let mut stay = stay(20);
    let offer = stay.offer().expect("an offer");
    let text = accepting(&offer.1).replacen("a=recvonly", "a=inactive", 1);
    stay.does(ClientEvent::Answer { offer: offer.0, sdp: text }).expect("a good answer");
    assert!(slots(&stay).is_empty());
    answer(&mut stay);
    assert_eq!(count(&stay, subscribes), 20);
}

#[test]
fn who_does_not_play_slots_is_offered_none() {
    let stay = Stay::with(entrance(TrackIds::Shown, Permissions::ALL), others(20));
    let (_, sdp) = stay.offer().expect("an offer");
    assert!(!sdp.contains("a=msid:sound|"));
    assert_eq!(sdp.matches("m=audio").count(), 20);
    assert!(stay.requests.iter().all(|(_, request)| !matches!(request, Request::Node { .. })));
}

#[test]
fn the_page_is_told_of_those_who_are_heard() {
    let mut stay = stay(20);
    answer(&mut stay);
    let speakers: Vec<_> = [10, 11, 12, 13, 1].map(|who| (ParticipantId(who), 0.5)).to_vec();
    stay.hears(&Notice::Speakers { speakers: speakers.clone() });
    assert_eq!(told(&stay), Some(vec![10, 11, 12, 13, 1]), "nothing is known of seats");
    let seat = |who: u64| Some(SoundSeat { participant: ParticipantId(who), track: TrackId(who) });
    stay.hears(&Notice::SoundSeats { seats: vec![seat(10), seat(12), None, seat(13)] });
    assert_eq!(told(&stay), Some(vec![10, 12, 1]));
    // This one has a seat, and hears the last one in its slot.
    stay.hears(&Notice::SoundSeats { seats: vec![seat(10), seat(1), None, seat(13)] });
    assert_eq!(told(&stay), Some(vec![10, 13, 1]));
}

fn told(stay: &Stay) -> Option<Vec<u64>> {
    stay.notices.iter().find_map(|notice| match notice {
        ClientNotice::Speakers(speakers) => Some(speakers.iter().map(|(who, _)| who.0).collect()),
        _ => None,
    })
}
