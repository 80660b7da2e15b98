//! Films of H.264 and AAC that FFmpeg encoded in parts, as FFmpeg reads them.

use crate::elementary::{Frame, pictures, units};
use crate::ffmpeg::{decode, duration, file, make, probe};
use bytes::Bytes;
use lectern_control::media::CodecName;
use lectern_mux::Size;
use lectern_mux::mp4::film::{Chapter, Config, Film, Sample, Sound, Video};

/// Packets of AAC with the header of each taken off, and their AudioSpecificConfig.
fn aac(seconds: u32) -> (Vec<Vec<u8>>, Bytes) {
    let source =
        format!("-f lavfi -i sine=440:r=48000:d={seconds} -ac 2 -c:a aac -b:a 96k -f adts");
    let stream = make(&source);
    let mut rest = &stream[..];
    let mut packets = Vec::new();
    while rest.len() > 7 {
        let len =
            usize::from(rest[3] & 3) << 11 | usize::from(rest[4]) << 3 | usize::from(rest[5] >> 5);
        packets.push(rest[7..len].to_vec());
        rest = &rest[len..];
    }
    // AAC-LC, 48 kHz, two channels.
    (packets, Bytes::from_static(&[0x11, 0x90]))
}

fn with_lengths(frame: &Frame) -> Vec<u8> {
    let with_length = |unit: &&[u8]| [&(unit.len() as u32).to_be_bytes()[..], unit].concat();
    units(&frame.data).iter().flat_map(with_length).collect()
}

fn set(frame: &Frame, kind: u8) -> Bytes {
    let units = units(&frame.data);
    let found = units.iter().find(|unit| unit[0] & 0x1f == kind).expect("a parameter set");
    Bytes::copy_from_slice(found)
}

fn config(first: &Frame, specific_config: Bytes, chapters: Vec<Chapter>) -> Config {
    Config {
        video: Video {
            size: Size { width: 320, height: 240 },
            timescale: 90_000,
            sequence_parameters: set(first, 7),
            picture_parameters: set(first, 8),
        },
        sound: Some(Sound { rate: 48_000, channels: 2, specific_config, priming: 1_024 }),
        title: "Sitzung am Montag – „Größe“".to_owned(),
        chapters,
    }
}

fn chapter(second: i64, title: &str) -> Chapter {
    Chapter { at_us: second * 1_000_000, title: title.to_owned() }
}

/// Picture and sound of each second together.
fn film(seconds: u32, chapters: Vec<Chapter>) -> Vec<u8> {
    let frames = pictures(CodecName::H264, "320x240", seconds);
    let (packets, specific_config) = aac(seconds);
    let mut film = Film::new(config(&frames[0], specific_config, chapters)).expect("a film");
    let mut data = Vec::new();
    let mut sound = packets.iter();
    for (second, pictures) in frames.chunks(30).enumerate() {
        for frame in pictures {
            let bytes = with_lengths(frame);
            let len = bytes.len() as u32;
            let keyframe = frame.keyframe;
            let sample = Sample { len, duration: 3_000, composition_offset: 0, keyframe };
            film.video(sample).expect("a picture");
            data.extend(bytes);
        }
        let until = if second + 1 == seconds as usize { usize::MAX } else { 47 };
        for packet in sound.by_ref().take(until) {
            film.sound(packet.len() as u32).expect("sound");
            data.extend_from_slice(packet);
        }
    }
    assert_eq!(film.data_len(), data.len() as u64);
    let head = film.head(i64::from(seconds) * 1_000_000).expect("a head");
    [head.concat(), data].concat()
}

#[test]
fn a_film_decodes_without_a_word_and_lasts_as_long_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let chapters = vec![chapter(0, "Anfang"), chapter(2, "Frau Öztürk teilt"), chapter(4, "Ende")];
    let bytes = film(5, chapters);
    let path = file(folder.path(), "film.mp4", &bytes);
    assert_eq!(decode(&path), 150);
    assert!((duration(&path) - 5.0).abs() < 0.001, "{}", duration(&path));
    let streams = probe(&path, "stream=codec_name,start_time,duration");
    assert_eq!(streams[..2], ["h264,0.000000,5.000000", "aac,0.000000,5.000000"]);
    assert_eq!(probe(&path, "format_tags=title"), ["Sitzung am Montag – „Größe“"]);
    let movie = bytes.windows(4).position(|kind| kind == b"moov");
    assert!(movie < bytes.windows(4).position(|kind| kind == b"mdat"));
}

#[test]
fn chapters_are_told_in_both_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    let chapters = vec![chapter(2, "Zwei – 二"), chapter(0, "Eins"), chapter(9, "nie")];
    let bytes = film(3, chapters);
    let expected = ["0.000000,2.000000,Eins", "2.000000,3.000000,Zwei – 二"];
    let told = |bytes: &[u8], name: &str| {
        let path = file(folder.path(), name, bytes);
        probe(&path, "chapter=start_time,end_time:chapter_tags=title")
    };
    assert_eq!(told(&bytes, "both.mp4"), expected);
    // Each way alone.
    let hide = |kind: &[u8; 4]| {
        let mut bytes = bytes.clone();
        let at = bytes.windows(4).position(|found| found == kind).expect("the box");
        bytes[at..at + 4].copy_from_slice(b"free");
        bytes
    };
    assert_eq!(told(&hide(b"chpl"), "track.mp4"), expected);
    let mut list = hide(b"chap");
    let at = list.windows(4).position(|found| found == b"chap").expect("the sound's reference");
    list[at..at + 4].copy_from_slice(b"free");
    assert_eq!(told(&list, "list.mp4"), expected);
}
