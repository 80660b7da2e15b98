//! Films of recordings that FFmpeg made: what is seen when, and what is heard.

use crate::support::*;
use bytes::Bytes;
use lectern_compose::{Error, Note, compose};
use lectern_control::media::{CodecName, MediaKind, Source};
use lectern_control::recorder::Event;
use lectern_control::recording::Layout;
use lectern_control::{ParticipantId, TrackId};
use lectern_mux::{Size, Unit};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

const SMALL: Size = Size { width: 320, height: 180 };
/// White for a tenth of a second every second.
const FLASH: &str =
    "color=c=black:s=320x180:r=30,drawbox=color=white:t=fill:enable='lt(mod(t,1),0.1)'";
const BEEP: &str = "if(lt(mod(t,1),0.1),0.5*sin(2*PI*1000*t),0)";
/// In the middle of a canvas without a shared screen, on which one person is seen.
const MIDDLE: (u32, u32, u32, u32) = (600, 300, 80, 80);

fn colour(name: &str, codec: CodecName, seconds: f64, size: Size) -> Vec<Unit> {
    let filter = format!("color=c={name}:s={}x{}:r=30", size.width, size.height);
    video(codec, &filter, seconds, size)
}

/// The colour in the middle of a place, of one moment, by name.
fn seen(watched: &Watched, at_s: f64, (x, y): (u32, u32)) -> &'static str {
    let [red, green, blue] = watched.pixel(at_s, x, y);
    match (red > 128, green > 128, blue > 128) {
        (true, false, false) => "red",
        (false, true, false) => "lime",
        (false, false, true) => "blue",
        (true, true, false) => "yellow",
        (true, true, true) => "white",
        (false, false, false) => "dark",
        _ => "another",
    }
}

#[test]
fn sound_and_picture_are_together() {
    let mut recording = Recording::default();
    recording.add(1, 1, Source::Camera, moved(video(CodecName::Vp8, FLASH, 3.0, SMALL), 500_000));
    recording.add(2, 1, Source::Microphone, moved(sound(BEEP, 3.0), 500_000));
    let watched = Watched::of(&recording, &plan(Layout::Grid, 3.5));
    let (flashes, beeps) = (watched.flashes(MIDDLE), watched.beeps());
    assert_eq!((flashes.len(), beeps.len()), (3, 3), "{flashes:?} {beeps:?}");
    for (index, expected) in [0.5, 1.5, 2.5].into_iter().enumerate() {
        // 500 ms is a frame's time: the picture has to be exact, the sound to a quarter millisecond.
        assert!((flashes[index] - expected).abs() < 0.001, "{flashes:?}");
        assert!((beeps[index] - expected).abs() < 0.000_25, "{beeps:?}");
    }
}

#[test]
fn a_picture_is_seen_with_the_frame_that_is_nearest() {
    let mut recording = Recording::default();
    // 7 ms after a frame's time.
    let units = moved(video(CodecName::H264, FLASH, 2.0, SMALL), 307_000);
    recording.add(1, 1, Source::Camera, units);
    let flashes = Watched::of(&recording, &plan(Layout::Grid, 2.3)).flashes(MIDDLE);
    // With the first one its track begins, of which nothing is seen before.
    assert!((0.0..0.034).contains(&(flashes[0] - 0.307)), "{flashes:?}");
    assert!((-0.017..0.017).contains(&(flashes[1] - 1.307)), "{flashes:?}");
    assert_eq!(flashes.len(), 2);
}

#[test]
fn a_shared_screen_is_seen_pixel_for_pixel() {
    let size = Size { width: 1_200, height: 700 };
    // Lines of one pixel, which do not survive any scaling.
    let lines = "color=c=gray:s=1200x700:r=5,geq=lum='if(mod(X,2),235,16)':cb=128:cr=128";
    let mut recording = Recording::default();
    recording.add(1, 1, Source::Screen, video(CodecName::H264, lines, 1.0, size));
    let mut plan = plan(Layout::Beside, 1.0);
    plan.events = vec![(0, joined(1, "Ada")), (0, published(1, 1, Source::Screen))];
    let watched = Watched::of(&recording, &plan);
    let (picture, width, height) = watched.picture(0.5);
    // The smallest canvas that has room for it, and a column for people.
    assert_eq!((width, height), (1_536, 720));
    // In the middle of the screen's place: (1,280 - 1,200) / 2 from the left.
    let row = &picture[(360 * width as usize + 40) * 3..][..1_200 * 3];
    for (x, pixel) in row.chunks_exact(3).enumerate() {
        let wanted = if x % 2 == 1 { 200..=255 } else { 0..=55 };
        assert!(wanted.contains(&pixel[1]), "{x}: {pixel:?}");
    }
    assert_eq!(watched.film.chapters[0].title, "Screen: Ada");
}

#[test]
fn sizes_codecs_and_turns_may_change_at_any_time() {
    let wide = Size { width: 640, height: 360 };
    let tall = Size { width: 180, height: 320 };
    let mut units = colour("red", CodecName::Vp8, 0.5, SMALL);
    units.extend(moved(colour("lime", CodecName::Vp8, 0.5, wide), 500_000));
    units.extend(moved(colour("blue", CodecName::Vp9, 0.5, SMALL), 1_000_000));
    units.extend(moved(colour("yellow", CodecName::H264, 0.5, wide), 1_500_000));
    units.extend(moved(colour("white", CodecName::Av1, 0.5, SMALL), 2_000_000));
    let turned = moved(colour("red", CodecName::H264, 0.5, tall), 2_500_000);
    units.extend(turned.into_iter().map(|unit| Unit { quarter_turns: 3, ..unit }));
    let mut recording = Recording::default();
    recording.add(1, 1, Source::Camera, units);
    let watched = Watched::of(&recording, &plan(Layout::Grid, 3.0));
    let expected = ["red", "lime", "blue", "yellow", "white", "red"];
    for (index, expected) in expected.into_iter().enumerate() {
        let at_s = index as f64 / 2.0 + 0.25;
        assert_eq!(seen(&watched, at_s, (640, 360)), expected, "{at_s}");
        // The last is upright after its turn, and fills the tile to its sides.
        assert_eq!(seen(&watched, at_s, (60, 360)), expected, "{at_s}");
    }
    assert_eq!(watched.film.notes, []);
}

#[test]
fn what_is_muted_or_gone_shows_its_owner_s_tile_and_no_frozen_picture() {
    let mut units = colour("lime", CodecName::Vp8, 1.0, SMALL);
    units.extend(moved(colour("lime", CodecName::Vp8, 1.0, SMALL), 7_000_000));
    units.extend(moved(colour("blue", CodecName::Vp8, 1.0, SMALL), 9_000_000));
    let mut recording = Recording::default();
    recording.add(1, 1, Source::Camera, units);
    let mut plan = plan(Layout::Grid, 10.0);
    plan.events = vec![
        (0, joined(1, "Ada")),
        (0, published(1, 1, Source::Camera)),
        (7_500_000, Event::Muted { track: TrackId(1), muted: true }),
        (8_500_000, Event::Muted { track: TrackId(1), muted: false }),
    ];
    let watched = Watched::of(&recording, &plan);
    let corner = (100, 100);
    // Shown, still shown for a while, away, back, muted, no picture after it yet, back.
    let moments = [
        (0.5, "lime"),
        (3.0, "lime"),
        (6.0, "dark"),
        (7.2, "lime"),
        (7.7, "dark"),
        (8.7, "dark"),
        (9.5, "blue"),
    ];
    for (at_s, expected) in moments {
        assert_eq!(seen(&watched, at_s, corner), expected, "{at_s}");
    }
}

#[test]
fn people_come_late_leave_and_are_left_out() {
    let mut recording = Recording::default();
    recording.add(1, 1, Source::Camera, colour("red", CodecName::Vp8, 3.0, SMALL));
    recording.add(
        2,
        2,
        Source::Camera,
        moved(colour("blue", CodecName::Vp8, 1.0, SMALL), 1_000_000),
    );
    recording.add(3, 2, Source::Microphone, moved(sound(BEEP, 1.0), 1_000_000));
    let mut plan = plan(Layout::Grid, 3.0);
    let watched = Watched::of(&recording, &plan);
    // Alone, two beside each other, alone again.
    for (at_s, left, right) in [(0.5, "red", "red"), (1.5, "red", "blue"), (2.5, "red", "red")] {
        assert_eq!(seen(&watched, at_s, (320, 360)), left, "{at_s}");
        assert_eq!(seen(&watched, at_s, (960, 360)), right, "{at_s}");
    }
    assert_eq!(watched.beeps().len(), 1);
    plan.without = vec![ParticipantId(2)];
    let watched = Watched::of(&recording, &plan);
    assert_eq!(seen(&watched, 1.5, (960, 360)), "red");
    assert_eq!(watched.beeps(), Vec::<f64>::new());
}

#[test]
fn a_broken_track_costs_the_others_nothing() {
    fastrand::seed(7);
    let broken = |mut units: Vec<Unit>| {
        for unit in &mut units {
            let noise: Vec<u8> = unit.data.iter().map(|_| fastrand::u8(..)).collect();
            unit.data = Bytes::from(noise);
        }
        units
    };
    let mut recording = Recording::default();
    recording.add(1, 1, Source::Camera, colour("lime", CodecName::Vp8, 1.0, SMALL));
    recording.add(2, 1, Source::Microphone, sound(BEEP, 1.0));
    for (index, codec) in
        [CodecName::Vp8, CodecName::Vp9, CodecName::H264, CodecName::Av1].into_iter().enumerate()
    {
        let id = 10 + index as u64;
        recording.add(id, id, Source::Camera, broken(colour("red", codec, 1.0, SMALL)));
    }
    recording.add(20, 20, Source::Microphone, broken(sound(BEEP, 1.0)));
    // Nothing at all is no end.
    for (track, units) in &mut recording.tracks[..2] {
        let nothing = Unit { data: Bytes::new(), keyframe: false, ..units[3].clone() };
        units.insert(if track.kind == MediaKind::Audio { 1 } else { 3 }, nothing);
    }
    let watched = Watched::of(&recording, &plan(Layout::Grid, 1.0));
    assert_eq!(seen(&watched, 0.5, (100, 220)), "lime");
    let beep =
        watched.sound()[1_440..3_360].iter().fold(0.0_f32, |most, part| most.max(part.abs()));
    assert!(beep > 0.3, "{beep}");
    let named = |note: &Note| !matches!(note, Note::Undecoded { reason, .. } if reason.is_empty());
    assert!(watched.film.notes.iter().all(named), "{:?}", watched.film.notes);
}

#[test]
fn a_film_plays_anywhere_and_has_chapters_and_thumbnails() {
    let size = Size { width: 640, height: 480 };
    let mut recording = Recording::default();
    recording.add(
        1,
        1,
        Source::Screen,
        moved(colour("white", CodecName::Vp8, 4.0, size), 4_000_000),
    );
    recording.add(2, 1, Source::Microphone, sound(BEEP, 12.0));
    let mut plan = plan(Layout::Screen, 12.0);
    plan.events = vec![
        (0, joined(1, "Ada\u{202e} \u{7}Lovelace")),
        (0, published(2, 1, Source::Microphone)),
        (4_000_000, published(1, 1, Source::Screen)),
        (8_000_000, Event::TrackEnded { track: TrackId(1) }),
    ];
    let watched = Watched::of(&recording, &plan);
    let film = &watched.film;
    assert_eq!((film.width, film.height, film.duration_ms), (1_280, 720, 12_000));
    let chapters: Vec<_> = film.chapters.iter().map(|it| (it.at_ms, &it.title[..])).collect();
    let screen = "Screen: Ada Lovelace";
    assert_eq!(chapters, [(0, "Conversation"), (4_000, screen), (8_000, "Conversation")]);
    let listed = watched.probed(&["-show_chapters", "-of", "compact"]);
    assert!(listed.contains("start_time=4.000000") && listed.contains(screen), "{listed}");
    assert_eq!(film.bytes, std::fs::metadata(&watched.path).expect("a file").len());
    let streams = watched.probed(&["-show_streams", "-of", "compact"]);
    for wanted in [
        "codec_name=h264",
        "profile=High",
        "level=31",
        "pix_fmt=yuv420p",
        "color_space=smpte170m",
        "codec_name=aac",
        "profile=LC",
        "sample_rate=48000",
        "channels=2",
        "duration=12.000000",
    ] {
        assert!(streams.contains(wanted), "{wanted}: {streams}");
    }
    let file = std::fs::read(&watched.path).expect("a file");
    let at = |name: &[u8]| file.windows(4).position(|four| four == name).expect("a box");
    assert!(at(b"moov") < at(b"mdat"), "the index stands before the data");
    let moments: Vec<u64> = film.thumbnails.iter().map(|it| it.at_ms).collect();
    assert_eq!(moments, [1_200, 3_600, 6_000, 8_400, 10_800]);
    for thumbnail in &film.thumbnails {
        assert!(
            thumbnail.jpeg.starts_with(&[0xff, 0xd8]) && thumbnail.jpeg.ends_with(&[0xff, 0xd9])
        );
    }
    // A keyframe every four seconds, and one where the screen begins.
    let frames = watched.probed(&[
        "-select_streams",
        "v",
        "-show_entries",
        "packet=pts_time,flags",
        "-of",
        "csv=p=0",
    ]);
    let keys: Vec<&str> = frames.lines().filter(|line| line.contains(",K")).collect();
    assert!(keys[0].starts_with("0.000000") && keys.len() >= 3, "{keys:?}");
}

#[test]
fn who_only_talks_has_a_tile_with_a_name() {
    let mut recording = Recording::default();
    recording.add(1, 1, Source::Microphone, sound("0.15*sin(2*PI*300*t)", 2.0));
    recording.add(2, 2, Source::Microphone, sound("0.15*sin(2*PI*500*t)", 2.0));
    let mut plan = plan(Layout::Speaker, 2.0);
    plan.events = vec![
        (0, joined(1, "Ada Lovelace")),
        (0, joined(2, &"\u{1f600}x".repeat(5_000))),
        (0, published(1, 1, Source::Microphone)),
        (0, published(2, 2, Source::Microphone)),
        (500_000, Event::Speakers { speakers: vec![ParticipantId(2)] }),
    ];
    let watched = Watched::of(&recording, &plan);
    assert_eq!((watched.film.width, watched.film.height), (1_280, 720));
    // The disc behind the initials is no background, and the frame is green.
    assert_ne!(watched.pixel(0.2, 520, 280), watched.pixel(0.2, 520, 100));
    let frame = (16..1_000).map(|x| watched.pixel(1.0, x, 360)).find(|pixel| pixel[1] > 150);
    assert!(frame.is_some(), "nobody is seen to speak");
    let loudest = watched.sound().iter().fold(0.0_f32, |most, part| most.max(part.abs()));
    assert!((0.25..0.5).contains(&loudest), "{loudest}");
}

#[test]
fn a_film_that_was_stopped_goes_on_where_it_was_and_is_the_same() {
    let mut recording = Recording::default();
    let filter = "testsrc=s=320x180:r=2";
    recording.add(1, 1, Source::Camera, video(CodecName::Vp8, filter, 66.0, SMALL));
    recording.add(2, 1, Source::Microphone, sound(BEEP, 66.0));
    let mut plan = plan(Layout::Grid, 66.0);
    plan.events = vec![(0, joined(1, "Ada")), (0, published(1, 1, Source::Camera))];
    let (whole, again) = (Kept::default(), Kept::default());
    let film = Watched::with(&recording, &plan, &whole);
    let stop = AtomicBool::new(false);
    let (mut nothing, told) = (Vec::new(), Mutex::new(Vec::new()));
    let progress = |permille: u16| {
        told.lock().expect("progress").push(permille);
        stop.store(permille > 850, Ordering::Relaxed);
    };
    let stopped = compose(&recording, &plan, &again, &mut nothing, &progress, &stop);
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert!(nothing.is_empty());
    let told = told.into_inner().expect("progress");
    assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
    let begun = std::mem::take(&mut *again.begun.lock().expect("parts"));
    assert_eq!(begun, ["f1-pictures-0000", "f1-pictures-0000-index"]);
    let second = Watched::with(&recording, &plan, &again);
    assert!(!again.begun.lock().expect("parts").iter().any(|name| name.contains("0000")));
    assert_eq!(second.film, film.film);
    let read = |watched: &Watched| std::fs::read(&watched.path).expect("a file");
    assert!(read(&second) == read(&film), "the files differ");
    // A third time all is there: it is only put together.
    again.begun.lock().expect("parts").clear();
    assert_eq!(Watched::with(&recording, &plan, &again).film, film.film);
    assert_eq!(again.begun.lock().expect("parts").len(), 0);
    // Minutes later sound and picture are still together.
    let late = film.beeps().last().copied().unwrap_or_default();
    assert!((late - 65.0).abs() < 0.000_25, "{late}");
}
