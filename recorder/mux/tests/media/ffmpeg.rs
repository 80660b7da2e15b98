//! Running FFmpeg's tools.

use std::path::{Path, PathBuf};
use std::process::Command;

fn run(program: &str, args: &[&str]) -> (Vec<u8>, String) {
    let output = Command::new(program).args(args).output().expect("FFmpeg is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {said}");
    (output.stdout, said)
}

/// What FFmpeg writes to its output, for arguments separated by spaces.
pub fn make(args: &str) -> Vec<u8> {
    let mut all = vec!["-v", "error", "-nostdin", "-threads", "2"];
    all.extend(args.split_whitespace());
    all.push("pipe:1");
    run("ffmpeg", &all).0
}

/// A file in a folder of the test's own.
pub fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// Decodes a file: nothing may be said. Gives the frames that came out of its first stream.
pub fn decode(path: &Path) -> usize {
    let path = path.to_str().expect("a path");
    let args = ["-v", "warning", "-nostdin", "-i", path, "-fps_mode", "passthrough"];
    let (_, said) = run("ffmpeg", &[&args[..], &["-f", "null", "-"]].concat());
    assert_eq!(said.trim(), "", "{path}");
    let args = ["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames"];
    let (counted, said) = run("ffprobe", &[&args[..], &["-of", "csv=p=0", path]].concat());
    assert_eq!(said.trim(), "", "{path}");
    let counted = String::from_utf8(counted).expect("text");
    let first = counted.lines().next().expect("a stream");
    first.trim_matches(',').parse().expect("a number of frames")
}

/// What FFprobe tells, entry by entry.
pub fn probe(path: &Path, what: &str) -> Vec<String> {
    let path = path.to_str().expect("a path");
    let args = ["-v", "error", "-show_entries", what, "-of", "csv=p=0", path];
    let (told, said) = run("ffprobe", &args);
    assert_eq!(said.trim(), "", "{path}");
    let told = String::from_utf8(told).expect("text");
    told.lines().map(|line| line.trim_matches(',').to_owned()).collect()
}

/// Seconds at which the packet stands that a player begins with to show `second`.
pub fn probe_from(path: &Path, second: &str) -> f64 {
    let path = path.to_str().expect("a path");
    let interval = format!("{second}%+#1");
    let args = ["-v", "error", "-read_intervals", &interval];
    let what = ["-show_entries", "packet=pts_time", "-of", "csv=p=0", path];
    let (told, _) = run("ffprobe", &[&args[..], &what].concat());
    let told = String::from_utf8(told).expect("text");
    told.trim().trim_matches(',').parse().expect("a time")
}

/// Seconds that a file plays.
pub fn duration(path: &Path) -> f64 {
    probe(path, "format=duration")[0].parse().expect("a duration")
}
