//! Frames in files, as FFmpeg reads them.

use crate::elementary::{layers, pictures, sound};
use crate::ffmpeg::{decode, duration, file, make, probe, probe_from};
use crate::network::{self, assemble, rough};
use crate::packetise::{Start, WRAPPING, packets, vp9_layers};
use lectern_control::media::CodecName;
use lectern_mux::{TrackFile, Unit};

const ALL: [CodecName; 4] = [CodecName::Vp8, CodecName::Vp9, CodecName::H264, CodecName::Av1];

fn seconds(lines: &[String]) -> Vec<f64> {
    lines.iter().map(|line| line.parse().expect("a time")).collect()
}

fn rough_units(codec: CodecName) -> Vec<Unit> {
    let frames = pictures(codec, "320x240", 5);
    assemble(&rough(&packets(codec, &frames, WRAPPING))).0
}

#[test]
fn pictures_of_every_codec_decode_without_a_word() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in ALL {
        let units = rough_units(codec);
        let (writer, bytes) = network::file(&units, units[0].at_us);
        let name = format!("{codec:?}.{}", writer.extension());
        let path = file(folder.path(), &name, &bytes);
        assert_eq!(decode(&path), 150, "{codec:?}");
        assert!((duration(&path) - 5.0).abs() < 0.002, "{codec:?} {}", duration(&path));
        assert!((writer.duration_us() - 5_000_000).abs() < 1_000, "{codec:?}");
        let times = seconds(&probe(&path, "packet=pts_time"));
        assert_eq!((times.len(), times[0]), (150, 0.0), "{codec:?}");
        for (index, time) in times.iter().enumerate() {
            assert!((time - index as f64 / 30.0).abs() < 0.001, "{codec:?} {index}: {time}");
        }
        let label = probe(&path, "stream=codec_tag_string,width,height");
        let tag = match codec {
            CodecName::H264 => "avc1",
            CodecName::Vp9 => "vp09",
            CodecName::Av1 => "av01",
            _ => "[0][0][0][0]",
        };
        assert_eq!(label, [format!("{tag},320,240")], "{codec:?}");
    }
}

/// Two seconds of one size, then of another, then of the first again.
fn changing(codec: CodecName) -> Vec<Unit> {
    let mut frames = pictures(codec, "320x240", 2);
    frames.extend(pictures(codec, "640x360", 2));
    frames.extend(pictures(codec, "320x240", 2));
    assemble(&rough(&packets(codec, &frames, WRAPPING))).0
}

#[test]
fn a_change_of_size_stays_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in ALL {
        let units = changing(codec);
        let (writer, bytes) = network::file(&units, units[0].at_us);
        let path = file(folder.path(), &format!("{codec:?}.{}", writer.extension()), &bytes);
        assert_eq!(decode(&path), 180, "{codec:?}");
        assert_eq!(writer.size().map(|size| size.width), Some(640), "{codec:?}");
        let mut widths = probe(&path, "frame=width");
        widths.retain(|width| !width.is_empty());
        let changes: Vec<&String> = widths.chunk_by(|a, b| a == b).map(|run| &run[0]).collect();
        assert_eq!(changes, ["320", "640", "320"], "{codec:?}");
        if codec == CodecName::H264 {
            assert_eq!(probe(&path, "stream=codec_tag_string"), ["avc3"]);
        }
    }
}

#[test]
fn a_pause_takes_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in ALL {
        let mut frames = pictures(codec, "320x240", 2);
        frames[44].duration = 90_000 * 60;
        let (units, _) = assemble(&packets(codec, &frames, WRAPPING));
        let (writer, bytes) = network::file(&units, units[0].at_us);
        let path = file(folder.path(), &format!("{codec:?}.{}", writer.extension()), &bytes);
        assert_eq!(decode(&path), 60, "{codec:?}");
        let times = seconds(&probe(&path, "packet=pts_time"));
        assert!((times[45] - times[44] - 60.0).abs() < 0.002, "{codec:?}");
        assert!((duration(&path) - 61.97).abs() < 0.02, "{codec:?} {}", duration(&path));
    }
}

#[test]
fn sound_plays_as_long_as_it_lasted_with_its_pauses() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut frames = sound(10);
    frames[99].duration = 48_000 * 30;
    // Silence, as an encoder says it when it stops sending.
    frames[98].data.truncate(1);
    frames[99].data.truncate(1);
    let (units, _) = assemble(&rough(&packets(CodecName::Opus, &frames, WRAPPING)));
    let (writer, bytes) = network::file(&units, units[0].at_us);
    let path = file(folder.path(), "sound.mp4", &bytes);
    let expected = frames.len() as f64 * 0.02 + 29.98;
    assert_eq!(decode(&path), frames.len());
    assert!((duration(&path) - expected).abs() < 0.01, "{}", duration(&path));
    assert!((writer.duration_us() as f64 / 1e6 - expected).abs() < 0.01);
    let times = seconds(&probe(&path, "packet=pts_time"));
    for (index, time) in times.iter().enumerate() {
        let pause = if index >= 100 { 29.98 } else { 0.0 };
        let expected = index as f64 * 0.02 + pause;
        assert!((time - expected).abs() < 0.001, "{index}: {time}");
    }
}

#[test]
fn a_file_may_begin_before_its_first_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in ALL.into_iter().chain([CodecName::Opus]) {
        let frames = match codec {
            CodecName::Opus => sound(3),
            _ => pictures(codec, "320x240", 3),
        };
        let start = Start { at_us: 100_000_000, ..WRAPPING };
        let (units, _) = assemble(&packets(codec, &frames, start));
        let (writer, bytes) = network::file(&units, units[0].at_us - 90_000_000);
        let path = file(folder.path(), &format!("{codec:?}.{}", writer.extension()), &bytes);
        assert_eq!(decode(&path), frames.len(), "{codec:?}");
        let times = seconds(&probe(&path, "packet=pts_time"));
        assert!((times[0] - 90.0).abs() < 0.001, "{codec:?} {}", times[0]);
        assert!((writer.duration_us() - 93_000_000).abs() < 40_000, "{codec:?}");
    }
}

#[test]
fn a_file_that_was_never_ended_plays_as_far_as_it_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in ALL {
        let units = rough_units(codec);
        let mut writer = TrackFile::new(&units[0], units[0].at_us).expect("a file");
        let mut bytes = Vec::new();
        for unit in &units {
            writer.push(unit.clone()).expect("a frame");
            network::drain(&mut writer, &mut bytes);
        }
        let path = file(folder.path(), &format!("{codec:?}.{}", writer.extension()), &bytes);
        let decoded = decode(&path);
        assert!((120..=150).contains(&decoded), "{codec:?} {decoded}");
    }
}

#[test]
fn a_player_finds_the_keyframe_before_a_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in ALL {
        let units = rough_units(codec);
        let (writer, bytes) = network::file(&units, units[0].at_us);
        let path = file(folder.path(), &format!("{codec:?}.{}", writer.extension()), &bytes);
        let from = probe_from(&path, "3.5");
        assert!((from - 3.0).abs() < 0.001, "{codec:?} {from}");
    }
}

#[test]
fn of_spatial_layers_every_decoder_shows_the_highest() {
    let folder = tempfile::tempdir().expect("a folder");
    let (units, counts) = assemble(&vp9_layers(&layers(), WRAPPING));
    assert_eq!((units.len(), counts.dropped), (24, 0));
    assert_eq!(units[0].size.map(|size| size.width), Some(640));
    let (_, bytes) = network::file(&units, units[0].at_us);
    let path = file(folder.path(), "layers.mp4", &bytes);
    assert_eq!(decode(&path), 24);
    let mut widths = probe(&path, "frame=width");
    widths.retain(|width| !width.is_empty());
    assert!(widths.iter().all(|width| width == "640"), "{widths:?}");
    // One decoder splits superframes and shows what is marked, the other one the last layer.
    let pictures = |decoder: &str| {
        let path = path.to_str().expect("a path");
        make(&format!("-c:v {decoder} -i {path} -fps_mode passthrough -f rawvideo"))
    };
    assert!(pictures("vp9") == pictures("libvpx-vp9"));
}
