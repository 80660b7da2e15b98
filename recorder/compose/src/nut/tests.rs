//! What FFmpeg writes is read, and nonsense is refused.

use super::{Frame, Reader};
use std::process::Command;

/// What FFmpeg writes with these arguments.
fn output(args: &[&str]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error"]).args(args).arg("pipe:1");
    let output = command.output().expect("FFmpeg runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The pixels of moving pictures of a size, and what FFmpeg makes of them, so many milliseconds later.
fn made(size: &str, seconds: &str, later_ms: &str) -> (Vec<u8>, Vec<u8>) {
    let source = format!("testsrc=size={size}:rate=25:duration={seconds}");
    let format = ["-pix_fmt", "yuv420p", "-f", "rawvideo"];
    let pixels = output(&[&["-f", "lavfi", "-i", &source][..], &format].concat());
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &pixels).expect("written");
    let path = file.path().to_string_lossy();
    let given = ["-f", "rawvideo", "-video_size", size, "-framerate", "25", "-i", &path];
    let later = format!("setpts=PTS+{later_ms}/1000/TB");
    let taken = ["-vf", &later, "-enc_time_base", "1:1000", "-c:v", "rawvideo", "-f", "nut"];
    let stream = output(&[&given[..], &taken].concat());
    (pixels, stream)
}

fn frames(stream: &[u8]) -> Vec<Frame> {
    let mut reader = Reader::new(stream);
    std::iter::from_fn(|| reader.next(Vec::new()).expect("a stream")).collect()
}

#[test]
fn every_picture_is_read_with_its_time() {
    // One that is so small that bytes may be left out, a usual one, and more than an hour of them.
    for (size, seconds, every_ms, delay) in [
        ("16x16", "2", 40, "0"),
        ("640x360", "3", 40, "0"),
        ("320x180", "1", 40, "14400000"),
        ("64x36", "400", 40, "0"),
    ] {
        let (pixels, stream) = made(size, seconds, delay);
        let found = frames(&stream);
        let count = 25 * seconds.parse::<usize>().expect("a number");
        assert_eq!(found.len(), count, "{size}");
        let first_ms: i64 = delay.parse().expect("a number");
        for (number, frame) in (0_i64..).zip(&found) {
            assert_eq!(frame.at_ms, first_ms + number * every_ms, "{size}");
        }
        let together: Vec<u8> = found.into_iter().flat_map(|frame| frame.data).collect();
        assert!(together == pixels, "{size}");
    }
}

#[test]
fn a_stream_that_is_cut_or_makes_no_sense_ends_with_an_error() {
    assert!(Reader::new(&b""[..]).next(Vec::new()).expect("nothing").is_none());
    assert!(Reader::new(&b"nut"[..]).next(Vec::new()).is_err());
    let (_, stream) = made("16x16", "1", "0");
    let mut cut = Reader::new(&stream[..stream.len() / 2]);
    let read = std::iter::from_fn(|| cut.next(Vec::new()).transpose());
    assert!(read.last().is_some_and(|last| last.is_err()));
    fastrand::seed(12);
    for _ in 0..2_000 {
        let mut noise = stream.clone();
        // Where most of what is not pixels stands.
        for _ in 0..fastrand::usize(1..8) {
            let at = fastrand::usize(..noise.len().min(600));
            noise[at] = fastrand::u8(..);
        }
        let mut reader = Reader::new(&noise[..]);
        // It ends, whatever it finds.
        while let Ok(Some(_)) = reader.next(Vec::new()) {}
    }
}
