//! Films, read back by their boxes.

use super::*;
use proptest::prelude::*;

fn config(chapters: Vec<Chapter>) -> Config {
    Config {
        video: Video {
            size: Size { width: 640, height: 360 },
            timescale: 30_000,
            sequence_parameters: Bytes::from_static(&[
                0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03,
                0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e,
            ]),
            picture_parameters: Bytes::from_static(&[0x68, 0xcb, 0x83, 0xcb, 0x20]),
        },
        sound: Some(Sound {
            rate: 48_000,
            channels: 2,
            specific_config: Bytes::from_static(&[0x11, 0x90]),
            priming: 1_024,
        }),
        title: "A film".to_owned(),
        chapters,
    }
}

fn sample(len: u32, composition_offset: i32) -> Sample {
    Sample { len, duration: 1_000, composition_offset, keyframe: true }
}

/// What follows the first box of a kind, which is not looked for inside of media.
fn body<'a>(head: &'a [u8], kind: &[u8; 4]) -> &'a [u8] {
    let at = head.windows(4).position(|bytes| bytes == kind).expect("the box");
    let len = u32::from_be_bytes(head[at - 4..at].try_into().expect("four bytes")) as usize;
    &head[at + 4..at - 4 + len]
}

fn u64s(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|b| u64::from_be_bytes(b.try_into().expect("eight"))).collect()
}

fn u32s(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|b| u32::from_be_bytes(b.try_into().expect("four"))).collect()
}

#[test]
fn places_beyond_four_gigabytes_have_64_bits() {
    let mut film = Film::new(config(Vec::new())).expect("a film");
    for _ in 0..6 {
        film.video(sample(1 << 30, 0)).expect("a picture");
        film.sound(100).expect("sound");
    }
    let data_len = film.data_len();
    let head = film.head(200_000).expect("a head").concat();
    let header_at = head.len() - 16;
    assert_eq!(head[header_at..header_at + 8], *b"\x00\x00\x00\x01mdat");
    assert_eq!(u64s(&head[header_at + 8..]), [data_len + 16]);
    let places = u64s(&body(&head, b"co64")[8..]);
    let expected: Vec<u64> =
        (0..6).map(|index| head.len() as u64 + index * ((1 << 30) + 100)).collect();
    assert_eq!(places, expected);
}

#[test]
fn samples_that_lie_together_are_one_chunk() {
    let mut film = Film::new(config(Vec::new())).expect("a film");
    for len in [10, 20, 30] {
        film.video(sample(len, 0)).expect("a picture");
    }
    film.sound(5).expect("sound");
    film.video(sample(40, 0)).expect("a picture");
    let head = film.head(i64::MAX).expect("a head").concat();
    let base = head.len() as u32;
    assert_eq!(u32s(&body(&head, b"stco")[8..]), [base, base + 65]);
    assert_eq!(u32s(&body(&head, b"stsc")[8..]), [1, 3, 1, 2, 1, 1]);
    assert_eq!(u32s(&body(&head, b"stsz")[12..]), [10, 20, 30, 40]);
}

#[test]
fn pictures_that_are_reordered_begin_with_the_first_shown() {
    let mut film = Film::new(config(Vec::new())).expect("a film");
    for offset in [2_000, 5_000, 2_000, 0, 1_000] {
        film.video(sample(10, offset)).expect("a picture");
    }
    let head = film.head(i64::MAX).expect("a head").concat();
    // Duration in ticks of the movie, and where in the media it begins.
    assert_eq!(u32s(&body(&head, b"elst")[8..]), [15_000, 2_000, 0x1_0000]);
    assert_eq!(u32s(&body(&head, b"ctts")[4..8]), [5]);
}

#[test]
fn sound_is_cut_where_the_film_ends() {
    let mut film = Film::new(config(Vec::new())).expect("a film");
    for _ in 0..100 {
        film.sound(10).expect("sound");
    }
    let head = film.head(1_000_000).expect("a head").concat();
    assert_eq!(u32s(&body(&head, b"elst")[8..]), [90_000, 1_024, 0x1_0000]);
}

#[test]
fn parameter_sets_that_cannot_be_read_are_refused() {
    let mut broken = config(Vec::new());
    broken.video.sequence_parameters = Bytes::from_static(&[0x67, 1]);
    assert_eq!(Film::new(broken).err(), Some(Error::Configuration));
    let mut timeless = config(Vec::new());
    timeless.video.timescale = 0;
    assert_eq!(Film::new(timeless).err(), Some(Error::Configuration));
}

proptest! {
    #[test]
    fn any_chapters_make_a_head(
        chapters in proptest::collection::vec((any::<i64>(), ".{0,300}"), 0..20),
        duration_us in any::<i64>(),
        title in ".{0,600}",
    ) {
        let chapters =
            chapters.into_iter().map(|(at_us, title)| Chapter { at_us, title }).collect();
        let mut film = Film::new(Config { title, ..config(chapters) }).expect("a film");
        film.video(sample(10, 0)).expect("a picture");
        let _ = film.head(duration_us);
    }
}
