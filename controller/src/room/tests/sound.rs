//! Sound slots: which voices they may carry, who has some, and who is told of whom they carry.

use super::*;
use lectern_control::media::{CodecName, SlotCodec, SoundSlot};
use lectern_control::node::SoundSeat;
use lectern_control::room::Audience;

fn publish_sound(peer: u64, track: u64, source: Source) -> Command {
    let parameters = PublicationParameters {
        kind: MediaKind::Audio,
        source,
        mid: "0".to_owned(),
        codecs: Vec::new(),
        encodings: Vec::new(),
        muted: false,
    };
    Command::Publish { peer: PeerId(peer), track: TrackId(track), parameters }
}

fn slots(peer: u64, count: usize) -> Command {
    let codec = SlotCodec { name: CodecName::Opus, payload_type: 111, rtx_payload_type: None };
    let slot = |place: usize| SoundSlot {
        mid: place.to_string(),
        ssrc: 1 + place as u32,
        rtx_ssrc: None,
        codecs: vec![codec],
        repeats: true,
    };
    Command::SetSoundSlots { peer: PeerId(peer), slots: (0..count).map(slot).collect() }
}

fn meeting() -> (Bench, ParticipantId, ParticipantId) {
    let mut bench = Bench::new();
    let ada = bench.join("e1", "ada", PRESENTER_LINK).participant.id;
    let bob = bench.join("e2", "bob", VIEWER_LINK).participant.id;
    bench.connected("e1", ada, 10, false);
    bench.connected("e2", bob, 20, false);
    bench.forget();
    (bench, ada, bob)
}

/// Which tracks nodes were told to be open or not, and what else was said in between.
fn opened(bench: &Bench) -> Vec<(u64, bool)> {
    let said = bench.commands.iter().filter_map(|(_, _, command)| match command {
        Command::SetOpen { track, open } => Some((track.0, *open)),
        _ => None,
    });
    said.collect()
}

#[test]
fn a_voice_is_open_while_it_is_for_everybody() {
    let (mut bench, ada, bob) = meeting();
    bench.command("e1", ada, publish_sound(10, 5, Source::Microphone)).expect("passes");
    bench.command("e1", ada, publish_sound(10, 6, Source::ScreenAudio)).expect("passes");
    bench.command("e1", ada, publish(10, 7)).expect("passes");
    assert_eq!(opened(&bench), [(5, true)], "neither a tab's sound nor a picture");
    assert_eq!(bench.told()[..2], ["Publish at a", "SetOpen at a"]);
    bench.command("e2", bob, subscribe(20, 5)).expect("passes");
    bench.must("e1", add_track(ada, 5));
    bench.forget();
    let set = |audience| Request::SetAudience { room: ROOM, participant: ada, audience };
    bench.must("e1", set(Audience::Only(Vec::new())));
    assert_eq!(opened(&bench), [(5, false)]);
    assert_eq!(bench.told(), ["SetOpen at a", "EndSubscriptions at a"]);
    bench.command("e1", ada, publish_sound(10, 8, Source::Microphone)).expect("passes");
    assert_eq!(opened(&bench).last(), Some(&(8, false)));
    bench.forget();
    bench.must("e1", set(Audience::Everybody));
    assert_eq!(opened(&bench), [(5, true), (8, true)]);
}

#[test]
fn slots_are_for_ones_own_transport_and_no_more_than_a_node_takes() {
    let (mut bench, ada, bob) = meeting();
    bench.command("e2", bob, slots(20, 3)).expect("passes");
    assert_eq!(bench.told(), ["SetSoundSlots at a"]);
    assert_eq!(bench.command("e1", ada, slots(20, 3)), Err(RequestError::NotPermitted));
    let many = bench.command("e2", bob, slots(20, 9));
    assert!(matches!(many, Err(RequestError::Limit(_))));
    let open = Command::SetOpen { track: TrackId(5), open: true };
    assert_eq!(bench.command("e1", ada, open), Err(RequestError::NotPermitted), "the room's word");
}

#[test]
fn everybody_is_told_who_is_heard_by_the_room_s_own_node() {
    let (mut bench, ada, _) = meeting();
    let seat = SoundSeat { participant: ada, track: TrackId(5) };
    let seats = vec![Some(seat), None];
    bench.event("b", Event::SoundSeats { seats: seats.clone() });
    assert!(bench.story.is_empty());
    bench.event("a", Event::SoundSeats { seats: seats.clone() });
    assert_eq!(bench.story, ["SoundSeats for e1", "SoundSeats for e2"]);
    assert!(bench.notices.contains(&(edge("e2"), Notice::SoundSeats { seats })));
}
