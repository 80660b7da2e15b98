//! What FFmpeg may do, and what becomes of one that misbehaves.

use crate::support::*;
use lectern_compose::{Error, Tools, compose};
use lectern_control::media::{CodecName, Source};
use lectern_control::recording::Layout;
use lectern_mux::Size;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_compose-program");

/// A program that misbehaves, by its name.
fn program(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::copy(PROGRAM, &path).expect("a copy");
    path
}

/// A film that is to be made with such a program.
fn outcome(name: &str) -> (Error, Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = plan(Layout::Grid, 1.0);
    plan.tools = Tools {
        ffmpeg: program(folder.path(), name),
        patience: Duration::from_secs(1),
        memory_bytes: 256 << 20,
        ..plan.tools
    };
    let mut recording = Recording::default();
    recording.add(1, 1, Source::Microphone, sound("0", 0.1));
    let (began, stop) = (Instant::now(), AtomicBool::new(false));
    let film = compose(&recording, &plan, &Kept::default(), &mut Vec::new(), &|_| {}, &stop);
    (film.expect_err("no film"), began.elapsed())
}

#[test]
fn a_confined_program_has_no_files_no_sockets_and_no_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "secret").expect("a file");
    let output = Command::new(PROGRAM)
        .args(["1073741824", "10"])
        .arg(program(folder.path(), "spy"))
        .arg(&file)
        .env("SECRET", "1")
        .output()
        .expect("a program");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().collect();
    let refused = [
        "opens a socket: no",
        "connects: no",
        "talks to a service: no",
        "reads the list of users: no",
        "reads a file of its user: no",
        "writes a file: no",
        "makes a file: no",
        "removes a file: no",
        "starts a program: no",
        "ends another process: no",
    ];
    assert_eq!(lines[0], "reads its own library: yes");
    assert_eq!(lines[1..11], refused);
    assert_eq!(lines[11..], ["variables: 0", "threads: 4"]);
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "secret");
}

#[test]
fn what_is_not_asked_for_as_it_should_be_is_not_run() {
    for args in [&[][..], &["1"], &["1", "2"], &["much", "2", "/bin/true"]] {
        let output = Command::new(PROGRAM).args(args).output().expect("a program");
        assert!(!output.status.success(), "{args:?}");
    }
}

#[test]
fn a_program_that_hangs_is_given_up() {
    let (error, took) = outcome("hang");
    assert!(error.to_string().ends_with("it hangs"), "{error}");
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_program_that_crashes_or_fails_is_told_of_with_what_it_said() {
    let (error, _) = outcome("crash");
    assert!(error.to_string().contains("it was ended by signal 6"), "{error}");
    let (error, _) = outcome("fail");
    assert!(error.to_string().ends_with("it failed with 3: this is not for me"), "{error}");
    let (error, _) = outcome("quit");
    assert!(error.to_string().ends_with("it ended too early"), "{error}");
}

#[test]
fn a_program_that_eats_memory_is_stopped() {
    let (error, took) = outcome("eat");
    assert!(error.to_string().contains("it needs more than 256 MiB of memory"), "{error}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_program_that_chatters_is_given_up_and_not_remembered() {
    let (error, took) = outcome("chatter");
    assert!(error.to_string().contains("it hangs"), "{error}");
    assert!(error.to_string().len() < 4_096);
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_missing_or_poor_ffmpeg_says_what_to_install() {
    let stop = AtomicBool::new(false);
    let missing = Tools { ffmpeg: "no-such-ffmpeg".into(), ..tools() };
    let error = missing.check(&stop).expect_err("missing");
    assert!(error.to_string().contains("apt-get install ffmpeg"), "{error}");
    let unconfined = Tools { confine: vec!["/no/such/program".into()], ..tools() };
    let error = unconfined.check(&stop).expect_err("unconfined");
    assert!(error.to_string().contains("/no/such/program cannot be run"), "{error}");
    tools().check(&stop).expect("the real one");
}

#[test]
fn told_to_stop_it_stops_at_once_and_leaves_no_process() {
    let size = Size { width: 320, height: 180 };
    let mut recording = Recording::default();
    let units = video(CodecName::Vp8, "testsrc2=s=320x180:r=30", 20.0, size);
    recording.add(1, 1, Source::Camera, units);
    let (plan, stop) = (plan(Layout::Grid, 20.0), AtomicBool::new(false));
    let told = |permille: u16| stop.store(permille >= 50, Ordering::Relaxed);
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let film = compose(&recording, &plan, &Kept::default(), &mut Vec::new(), &told, &stop);
            assert!(matches!(film, Err(Error::Stopped)), "{film:?}");
            stopped.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let began = Instant::now();
        while !stopped.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    });
}
