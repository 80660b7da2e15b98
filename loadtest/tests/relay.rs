//! The relay as a process, between a client and an echo, in real time.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A relay that ends with the test.
struct Relay {
    process: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Relay {
    fn start(forward: SocketAddr, arguments: &[&str]) -> Relay {
        let mut process = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["relay", "--listen", "127.0.0.1:0", "--forward", &forward.to_string()])
            .args(["--seed", "1", "--duration-s", "60"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the relay starts");
        let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut line = || {
            let mut line = String::new();
            output.read_line(&mut line).expect("a line");
            line.trim().to_owned()
        };
        let listening = line();
        let address = listening.strip_prefix("listening ").expect("an address").parse();
        assert_eq!(line(), "ready");
        Relay { process, output, address: address.expect("an address") }
    }

    /// Asks the relay to end and returns its counters.
    fn end(mut self) -> serde_json::Value {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(asked.expect("kill runs").success());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("the rest");
        assert!(self.process.wait().expect("it ends").success());
        serde_json::from_str(&rest).expect("one line of JSON")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ended = self.process.kill();
    }
}

/// Answers every datagram with itself, for as long as the test runs.
fn echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut buffer = [0; 65_535];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            if socket.send_to(&buffer[..len], from).is_err() {
                return;
            }
        }
    });
    address
}

fn client(relay: &Relay) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(relay.address).expect("connects");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    socket
}

#[test]
fn datagrams_come_back_after_the_round_trip_asked_for() {
    let relay = Relay::start(echo(), &["--rtt-ms", "60"]);
    let clients = [client(&relay), client(&relay)];
    let mut buffer = [0; 2_000];
    for number in 0..10u8 {
        for (index, client) in clients.iter().enumerate() {
            let sent = [number, index as u8].repeat(600);
            let at = Instant::now();
            client.send(&sent).expect("sends");
            let len = client.recv(&mut buffer).expect("an answer");
            let passed = at.elapsed();
            assert_eq!(buffer[..len], sent);
            let expected = Duration::from_millis(60)..Duration::from_millis(160);
            assert!(expected.contains(&passed), "{passed:?}");
        }
    }
    let counters = relay.end();
    assert_eq!(counters["clients"], 2);
    assert_eq!(counters["up"]["delivered"], 20);
    assert_eq!(counters["down"]["delivered"], 20);
    assert_eq!(counters["send_errors"], 0);
}

#[test]
fn losses_are_counted() {
    let relay = Relay::start(echo(), &["--loss", "0.3"]);
    let client = client(&relay);
    for _ in 0..500 {
        client.send(b"datagram").expect("sends");
        std::thread::sleep(Duration::from_micros(200));
    }
    let mut buffer = [0; 100];
    let answers = std::iter::from_fn(|| client.recv(&mut buffer).ok()).count() as u64;
    // A half comes back of what goes two ways at 30 % each.
    assert!((150..350).contains(&answers), "{answers}");
    let counters = relay.end();
    let up = counters["up"]["delivered"].as_u64().expect("a number");
    assert_eq!(up + counters["up"]["lost"].as_u64().expect("a number"), 500);
    assert_eq!(counters["down"]["delivered"], answers);
}

#[test]
fn one_direction_may_be_bad_alone() {
    let relay = Relay::start(echo(), &["--loss", "0.5", "--only", "down"]);
    let client = client(&relay);
    for _ in 0..200 {
        client.send(b"datagram").expect("sends");
        std::thread::sleep(Duration::from_micros(200));
    }
    let mut buffer = [0; 100];
    let answers = std::iter::from_fn(|| client.recv(&mut buffer).ok()).count() as u64;
    let counters = relay.end();
    assert_eq!(counters["up"]["delivered"], 200);
    assert_eq!(counters["down"]["delivered"], answers);
    assert!((60..140).contains(&answers), "{answers}");
}

#[test]
fn the_relay_ends_by_itself_and_refuses_what_makes_no_sense() {
    let relay = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["relay", "--listen", "127.0.0.1:0", "--forward", "127.0.0.1:9"])
            .args(arguments)
            .output()
            .expect("it runs")
    };
    assert!(relay(&["--duration-s", "0"]).status.success());
    for arguments in
        [["--loss", "1.5"], ["--rtt-ms", "-1"], ["--outage-ms", "5"], ["--rate-at", "7"]]
    {
        assert!(!relay(&arguments).status.success(), "{arguments:?}");
    }
}
