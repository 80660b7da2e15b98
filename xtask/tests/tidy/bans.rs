//! What the media core must not do, and where `unsafe` may stand.

use crate::sources::{Source, files, rust};

/// Folders that do no I/O, read no clock, take no lock, spawn nothing and log nothing.
const PURE: &[&str] = &["control/src", "sfu/wire/src", "sfu/media/src", "recorder/mux/src"];

/// What would break that.
const BANNED: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "std::fs",
    "std::net::Udp",
    "std::net::Tcp",
    "std::thread",
    "std::env",
    "Mutex",
    "RwLock",
    "Condvar",
    "RefCell",
    "println!",
    "eprintln!",
    "dbg!",
    "tokio",
    "tracing::",
    "log::",
    "thread_rng",
    "rand::rng(",
    "OsRng",
];

/// Types whose hashing or growth has no place on the packet path.
const BANNED_IN_MEDIA: &[&str] = &["HashMap::new", "HashSet::new", "Rc<", "std::sync::Arc"];

/// The handshake's library shares its certificates; no packet of media comes by here.
const HANDSHAKE: &str = "sfu/media/src/transport/dtls";

/// The batched socket: the one file in which `unsafe` earns its keep.
const UNSAFE: &[&str] = &["sfu/src/socket.rs"];

/// The allocation test counts allocations with an allocator of its own, which is `unsafe` by nature.
const UNSAFE_IN_TESTS: &[&str] = &["sfu/media/tests/allocation.rs"];

#[test]
fn the_media_core_does_no_io_and_reads_no_clock() {
    for folder in PURE {
        for source in files(folder, &[".rs"]).iter().filter(|source| !source.is_test()) {
            for banned in BANNED {
                assert_no_code(&source.path, source.code(), banned);
            }
        }
    }
}

#[test]
fn the_packet_path_has_no_slow_containers() {
    let sources = files("sfu/media/src", &[".rs"]);
    let on_path = |source: &&Source| !source.is_test() && !source.path.starts_with(HANDSHAKE);
    for source in sources.iter().filter(on_path) {
        for banned in BANNED_IN_MEDIA {
            assert_no_code(&source.path, source.code(), banned);
        }
    }
}

#[test]
fn unsafe_stands_in_the_batched_socket_only() {
    for source in rust() {
        let excused = UNSAFE.contains(&source.path.as_str())
            || UNSAFE_IN_TESTS.contains(&source.path.as_str())
            || source.path.starts_with("xtask/tests/tidy/");
        if excused {
            continue;
        }
        for banned in ["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code"] {
            assert_no_code(&source.path, &source.text, banned);
        }
    }
}

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    for path in UNSAFE {
        let source = rust().into_iter().find(|source| source.path == *path).expect("the socket");
        let lines: Vec<&str> = source.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//")
                || !(code.contains("unsafe {") || code.contains("unsafe impl"))
            {
                continue;
            }
            let before = &lines[index.saturating_sub(6)..index];
            let says = before.iter().any(|line| line.contains("SAFETY:"));
            assert!(says, "{path}:{}: an unsafe block without SAFETY", index + 1);
        }
    }
}

fn assert_no_code(path: &str, text: &str, banned: &str) {
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        assert!(!code.contains(banned), "{path}:{}: {banned:?} has no place here", index + 1);
    }
}
