//! The sandbox as a program of its own, for tests; under other names a program that misbehaves in it.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn main() {
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    let name = Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let asked: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    if name == "compose-program" {
        let error = lectern_compose::confine(std::env::args_os().skip(1));
        eprintln!("the sandbox cannot be entered: {error}");
        std::process::exit(1);
    }
    if answer(&asked) {
        return;
    }
    match name.as_str() {
        "hang" => std::thread::sleep(Duration::from_secs(120)),
        "crash" => std::process::abort(),
        "fail" => {
            eprintln!("this is not for me");
            std::process::exit(3);
        }
        "eat" => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(vec![1_u8; 16 << 20]);
            }
        }
        "chatter" => loop {
            eprintln!("a long story, that nobody wants to hear");
        },
        "quit" => {}
        "spy" => spy(),
        other => println!("no such program: {other}"),
    }
}

/// What a composer asks of FFmpeg first.
fn answer(asked: &[String]) -> bool {
    let has = |question: &str| asked.iter().any(|arg| arg == question);
    if has("-version") {
        println!("ffmpeg version 7.1 of nobody");
    } else if has("-encoders") {
        for name in ["libx264", "aac", "mjpeg", "rawvideo", "pcm_f32le"] {
            println!(" V..... {name} it");
        }
    } else if has("-decoders") {
        for name in ["libopus", "h264", "vp8", "vp9", "libdav1d"] {
            println!(" V..... {name} it");
        }
    } else {
        return false;
    }
    std::io::stdout().flush().expect("standard output");
    true
}

/// Tries what a program that was taken over would try; says for each whether it could.
fn spy() {
    let file = std::env::args().next_back().unwrap_or_default();
    let parent = rustix::process::getppid().expect("a parent");
    let tries: [(&str, bool); 11] = [
        ("reads its own library", std::fs::read_dir("/usr/lib").is_ok()),
        ("opens a socket", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("connects", TcpStream::connect("127.0.0.1:9").err().is_none_or(is_about_the_peer)),
        ("talks to a service", UnixDatagram::unbound().is_ok()),
        ("reads the list of users", std::fs::read("/etc/passwd").is_ok()),
        ("reads a file of its user", std::fs::read(&file).is_ok()),
        ("writes a file", std::fs::write(&file, "changed").is_ok()),
        ("makes a file", std::fs::write(format!("{file}.new"), "new").is_ok()),
        ("removes a file", std::fs::remove_file(&file).is_ok()),
        ("starts a program", Command::new("/bin/true").spawn().is_ok()),
        ("ends another process", rustix::process::test_kill_process(parent).is_ok()),
    ];
    for (what, could) in tries {
        println!("{what}: {}", if could { "yes" } else { "no" });
    }
    println!("variables: {}", std::env::vars_os().count());
    let again = std::thread::spawn(|| 2 + 2).join().expect("a thread");
    println!("threads: {again}");
}

fn is_about_the_peer(error: std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::ConnectionRefused
}
