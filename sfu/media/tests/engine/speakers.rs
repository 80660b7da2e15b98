//! Who speaks, as the room is told.

use crate::stream::Stream;
use crate::world::{World, microphone, participant};
use lectern_control::media::Source;
use lectern_control::node::Event;

fn told(world: &World) -> Vec<Vec<u64>> {
    let lists = world.events.iter().filter_map(|(_, event)| match event {
        Event::Speakers { speakers } => {
            assert!(speakers.iter().all(|(_, level)| (0.0..=1.0).contains(level)));
            Some(speakers.iter().map(|(who, _)| who.0).collect::<Vec<_>>())
        }
        _ => None,
    });
    let mut lists: Vec<_> = lists.collect();
    lists.dedup();
    lists
}

fn speak(world: &mut World, streams: &mut [Stream], milliseconds: u64, levels: [u8; 2]) {
    for _ in 0..milliseconds / 20 {
        for (place, (stream, level)) in streams.iter_mut().zip(levels).enumerate() {
            let packet = stream.sound(level);
            world.clients[place].send(&packet);
        }
        world.run_ms(20);
    }
}

#[test]
fn the_room_is_told_who_speaks_and_the_dominant_one_comes_first() {
    let mut world = World::with_clients(2);
    world.publish(0, 1, microphone("0"));
    world.publish(1, 2, microphone("0"));
    let mut streams = [Stream::new(500, "0", None), Stream::new(600, "0", None)];
    let (a, b) = (participant(0).0, participant(1).0);
    speak(&mut world, &mut streams, 1_000, [110, 120]);
    assert!(told(&world).is_empty());
    speak(&mut world, &mut streams, 2_000, [25, 120]);
    speak(&mut world, &mut streams, 2_000, [25, 30]);
    speak(&mut world, &mut streams, 3_000, [120, 30]);
    speak(&mut world, &mut streams, 3_000, [120, 120]);
    assert_eq!(told(&world), [vec![a], vec![a, b], vec![b], vec![]]);
}

#[test]
fn the_sound_of_a_shared_tab_is_no_speaker() {
    let mut world = World::with_clients(1);
    let mut parameters = microphone("0");
    parameters.source = Source::ScreenAudio;
    world.publish(0, 1, parameters);
    let mut streams = [Stream::new(500, "0", None)];
    speak(&mut world, &mut streams, 3_000, [10, 0]);
    assert!(told(&world).is_empty());
}
