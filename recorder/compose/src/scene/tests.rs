//! Scenes of meetings, and where tiles stand.

use super::arrange::{SCREEN, Scheme, canvas_size};
use super::chapters::chapters;
use super::speakers::Speakers;
use super::{Scene, Timeline};
use crate::draw::{Rect, Speaking};
use crate::media::Track;
use crate::plan::Plan;
use crate::tools::Tools;
use lectern_control::media::{MediaKind, Source};
use lectern_control::recorder::Event;
use lectern_control::recording::Layout;
use lectern_control::{ParticipantId, TrackId};
use lectern_mux::Size;

const SECOND: i64 = 1_000_000;

fn plan(layout: Layout, events: Vec<(i64, Event)>) -> Plan {
    let tools = Tools::new("ffmpeg".into(), Vec::new());
    let duration_us = 60 * SECOND;
    Plan { layout, without: Vec::new(), duration_us, events, tools, cores: 1 }
}

fn track(id: u64, who: u64, source: Source) -> Track {
    let kind = match source {
        Source::Microphone | Source::ScreenAudio => MediaKind::Audio,
        _ => MediaKind::Video,
    };
    let (id, participant) = (TrackId(id), ParticipantId(who));
    Track { id, participant, kind, source, from_us: 0, until_us: 60 * SECOND }
}

fn joined(who: u64) -> Event {
    let name = format!("Person {who}");
    Event::Joined { participant: ParticipantId(who), identity: name.clone(), name }
}

fn published(Track { id, participant, kind, source, .. }: Track) -> Event {
    Event::Track { track: id, participant, kind, source, muted: false }
}

fn speaking(speakers: &[u64]) -> Event {
    Event::Speakers { speakers: speakers.iter().map(|id| ParticipantId(*id)).collect() }
}

/// People with a camera each, from the beginning.
fn people(count: u64) -> (Vec<Track>, Vec<(i64, Event)>) {
    let tracks: Vec<Track> = (1..=count).map(|who| track(who, who, Source::Camera)).collect();
    let events =
        tracks.iter().flat_map(|track| [(0, joined(track.participant.0)), (0, published(*track))]);
    let events = events.collect();
    (tracks, events)
}

fn names(scene: &Scene) -> Vec<&str> {
    let name = |tile: &'_ super::Tile| tile.card.is_some();
    let named = scene.tiles.iter().filter(|tile| name(tile));
    named.filter_map(|tile| tile.card.as_ref().map(|card| &card.name[..])).collect()
}

fn at(timeline: &Timeline, at_us: i64) -> &Scene {
    timeline.scenes.iter().rev().find(|scene| scene.from_us <= at_us).expect("a scene")
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    let apart = a.x + a.width <= b.x
        || b.x + b.width <= a.x
        || a.y + a.height <= b.y
        || b.y + b.height <= a.y;
    !apart
}

#[test]
fn tiles_lie_on_the_canvas_and_not_on_each_other() {
    let canvases = [(2_304, 1_080), (1_920, 1_080), (1_280, 720), (640, 360)];
    for (width, height) in canvases {
        for scheme in [Scheme::Column, Scheme::Alone, Scheme::Large, Scheme::Even] {
            for tiles in 0..20 {
                let places = scheme.places(Size { width, height }, tiles);
                let case = format!("{scheme:?} {width}x{height} {tiles}: {places:?}");
                assert_eq!(places.len(), tiles.min(scheme.seats()), "{case}");
                for (index, place) in places.iter().enumerate() {
                    let Rect { x, y, width: w, height: h } = *place;
                    assert!(x + w <= width && y + h <= height && w > 0 && h > 0, "{case}");
                    assert!([x, y, w, h].iter().all(|side| side % 2 == 0), "{case}");
                    let others = &places[index + 1..];
                    assert!(!others.iter().any(|other| overlap(place, other)), "{case}");
                }
            }
        }
    }
}

#[test]
fn a_screen_of_full_high_definition_is_not_scaled_beside_people() {
    let canvas = canvas_size(Layout::Beside, Some(SCREEN));
    let places = Scheme::Column.places(canvas, 6);
    assert_eq!(places[0], Rect { x: 0, y: 0, width: 1_920, height: 1_080 });
    assert!(places[1..].iter().all(|place| place.x >= 1_920 && place.width >= 320));
}

#[test]
fn the_canvas_is_as_large_as_the_largest_screen_needs() {
    let of = |width, height| {
        let size = canvas_size(Layout::Beside, Some(Size { width, height }));
        (size.width, size.height)
    };
    assert_eq!(of(1_920, 1_080), (2_304, 1_080));
    assert_eq!(of(1_280, 720), (1_536, 720));
    assert_eq!(of(1_600, 900), (1_920, 900));
    // Smaller than small is made larger, larger than large smaller, and tall ones fit in height.
    assert_eq!(of(640, 360), (1_536, 720));
    assert_eq!(of(u32::MAX, u32::MAX), (2_304, 1_080));
    assert_eq!(of(600, 1_080), (2_304, 1_080));
    let none = canvas_size(Layout::Beside, None);
    assert_eq!((none.width, none.height), (1_280, 720));
}

#[test]
fn the_largest_grid_is_chosen() {
    let canvas = Size { width: 1_280, height: 720 };
    let columns = |tiles| {
        let places = Scheme::Even.places(canvas, tiles);
        places.iter().filter(|place| place.y == places[0].y).count()
    };
    let chosen: Vec<usize> = [1, 2, 4, 6, 9, 12, 16].into_iter().map(columns).collect();
    assert_eq!(chosen, [1, 2, 2, 3, 3, 4, 4]);
}

#[test]
fn a_cough_makes_nobody_large() {
    let who = |id| ParticipantId(id);
    let said = [
        (0, vec![who(1)]),
        (10 * SECOND, vec![who(2)]),
        (10 * SECOND + 500_000, vec![who(1)]),
        (20 * SECOND, vec![]),
        (21 * SECOND, vec![who(3)]),
        (30 * SECOND, vec![who(1)]),
    ];
    let speakers = Speakers::of(&said, 60 * SECOND);
    let held = [(0, who(1)), (21 * SECOND, who(3)), (30 * SECOND, who(1))];
    assert_eq!(speakers.held, held);
}

#[test]
fn the_picture_does_not_flip_faster_than_it_can_be_looked_at() {
    let said: Vec<_> =
        (0..200).map(|step| (step * 300_000, vec![ParticipantId(1 + step as u64 % 2)])).collect();
    let speakers = Speakers::of(&said, 60 * SECOND);
    assert!(speakers.held.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 2 * SECOND));
    // Who is heard is shown all the same, without gaps for pauses.
    assert_eq!(speakers.heard.len(), 2);
}

#[test]
fn a_screen_stands_first_and_people_beside_it() {
    let (mut tracks, mut events) = people(2);
    let screen = track(9, 2, Source::Screen);
    tracks.push(screen);
    events.push((10 * SECOND, published(screen)));
    events.push((20 * SECOND, Event::TrackEnded { track: screen.id }));
    let timeline = Timeline::of(&plan(Layout::Beside, events), &tracks, Some(SCREEN));
    assert_eq!(timeline.size, Size { width: 2_304, height: 1_080 });
    assert_eq!(names(at(&timeline, 5 * SECOND)), ["Person 1", "Person 2"]);
    let shared = at(&timeline, 15 * SECOND);
    assert_eq!(shared.tiles[0].card, None);
    assert_eq!(shared.tiles[0].shown.map(|shown| shown.track), Some(screen.id));
    assert_eq!(names(shared), ["Person 1", "Person 2"]);
    assert_eq!(at(&timeline, 25 * SECOND).tiles, at(&timeline, 5 * SECOND).tiles);
    let titles: Vec<&str> = timeline.chapters.iter().map(|it| &it.title[..]).collect();
    assert_eq!(titles, ["Conversation", "Screen: Person 2", "Conversation"]);
}

#[test]
fn who_speaks_is_large_and_swaps_places_with_who_was() {
    let (tracks, mut events) = people(4);
    events.push((10 * SECOND, speaking(&[3])));
    events.push((20 * SECOND, speaking(&[2, 3])));
    let timeline = Timeline::of(&plan(Layout::Speaker, events), &tracks, Some(SCREEN));
    let seen = |second: i64| names(at(&timeline, second * SECOND)).join(" ").replace("Person ", "");
    assert_eq!(seen(5), "1 2 3 4");
    assert_eq!(seen(15), "3 2 1 4");
    assert_eq!(seen(25), "2 3 1 4");
    let loud: Vec<bool> = at(&timeline, 25 * SECOND)
        .tiles
        .iter()
        .map(|tile| tile.card.as_ref().is_some_and(|card| card.speaking == Speaking::Yes))
        .collect();
    assert_eq!(loud, [true, true, false, false]);
}

#[test]
fn of_many_those_who_spoke_last_are_seen_and_keep_their_seats() {
    let (mut tracks, mut events) = people(12);
    let screen = track(90, 1, Source::Screen);
    tracks.push(screen);
    events.push((0, published(screen)));
    events.push((10 * SECOND, speaking(&[9])));
    events.push((20 * SECOND, speaking(&[10])));
    let timeline = Timeline::of(&plan(Layout::Beside, events), &tracks, Some(SCREEN));
    let seen = |second: i64| names(at(&timeline, second * SECOND)).join(" ").replace("Person ", "");
    assert_eq!(seen(5), "1 2 3 4 5");
    assert_eq!(seen(15), "1 2 3 4 9");
    assert_eq!(seen(25), "1 2 3 10 9");
}

#[test]
fn who_is_left_out_is_nowhere() {
    let (mut tracks, mut events) = people(3);
    let screen = track(9, 2, Source::Screen);
    tracks.push(screen);
    events.push((0, published(screen)));
    events.push((SECOND, speaking(&[2, 1])));
    for layout in [Layout::Beside, Layout::Screen, Layout::Speaker, Layout::Grid] {
        let mut plan = plan(layout, events.clone());
        plan.without = vec![ParticipantId(2)];
        let timeline = Timeline::of(&plan, &tracks, Some(SCREEN));
        for scene in &timeline.scenes {
            assert!(!names(scene).contains(&"Person 2"), "{layout:?}");
            let shown = scene.tiles.iter().filter_map(|tile| tile.shown);
            assert!(shown.clone().all(|it| ![TrackId(2), screen.id].contains(&it.track)));
        }
        assert_eq!(timeline.chapters.len(), 1);
    }
}

#[test]
fn cameras_go_off_and_on_and_others_take_over() {
    let (mut tracks, mut events) = people(1);
    let other = track(7, 1, Source::Camera);
    tracks.push(other);
    let muted = |muted| Event::Muted { track: TrackId(1), muted };
    events.push((10 * SECOND, muted(true)));
    events.push((20 * SECOND, muted(false)));
    events.push((30 * SECOND, published(other)));
    events.push((40 * SECOND, Event::Left { participant: ParticipantId(1) }));
    let timeline = Timeline::of(&plan(Layout::Grid, events), &tracks, Some(SCREEN));
    let seen = |second: i64| {
        let tile = at(&timeline, second * SECOND).tiles.first();
        tile.map(|tile| tile.shown.map(|shown| (shown.track.0, shown.hidden_until_us)))
    };
    assert_eq!(seen(5), Some(Some((1, i64::MIN))));
    assert_eq!(seen(15), Some(None));
    assert_eq!(seen(25), Some(Some((1, 19 * SECOND + 500_000))));
    assert_eq!(seen(35), Some(Some((7, i64::MIN))));
    assert_eq!(seen(45), None);
}

#[test]
fn tracks_of_which_no_event_tells_are_seen_while_they_last() {
    let mut late = track(1, 1, Source::Camera);
    (late.from_us, late.until_us) = (10 * SECOND, 20 * SECOND);
    let timeline = Timeline::of(&plan(Layout::Grid, Vec::new()), &[late], Some(SCREEN));
    let seen = |second: i64| {
        let tiles = &at(&timeline, second * SECOND).tiles;
        tiles.iter().filter(|tile| tile.shown.is_some()).count()
    };
    assert_eq!((seen(5), seen(15), seen(25)), (0, 1, 0));
}

#[test]
fn a_hundred_silent_listeners_are_not_on_stage() {
    let (tracks, mut events) = people(2);
    events.extend((100..200).map(|who| (0, joined(who))));
    let timeline = Timeline::of(&plan(Layout::Grid, events.clone()), &tracks, Some(SCREEN));
    assert_eq!(names(at(&timeline, SECOND)), ["Person 1", "Person 2"]);
    let nobody = Timeline::of(&plan(Layout::Grid, events[4..].to_vec()), &[], Some(SCREEN));
    assert_eq!(at(&nobody, SECOND).tiles.len(), 16);
}

#[test]
fn a_slip_makes_no_chapter() {
    let shared = |name: &str| Some(name.to_owned());
    let changes = [
        (0, shared("Ada")),
        (10_000, None),
        (11_000, shared("Ada")),
        (20_000, shared("")),
        (30_000, None),
    ];
    let made = chapters(&changes);
    let made: Vec<_> = made.iter().map(|it| (it.at_ms, &it.title[..])).collect();
    assert_eq!(made, [(0, "Screen: Ada"), (20_000, "Screen"), (30_000, "Conversation")]);
    assert_eq!(chapters(&[]).len(), 1);
    let many: Vec<_> = (0..1_000).map(|it| (it * 5_000, shared(&it.to_string()))).collect();
    assert_eq!(chapters(&many).len(), 200);
}
