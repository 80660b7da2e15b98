//! What a packet costs in the batched socket, by the length of runs. `cargo bench -p lectern-sfu`.
//!
//! Packets of 1,200 bytes over loopback to 100 sockets that are never read: what is measured is the
//! sender's CPU with delivery, and the kernel drops what does not fit.

use lectern_media::Outbox;
use lectern_sfu::socket::{Config, Inbox, SendReport, Sharing, Socket};
use rustix::time::{ClockId, clock_gettime};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

const DESTINATIONS: usize = 100;
const PACKET_BYTES: usize = 1_200;
const PACKETS: u64 = 200_000;
const ROUNDS: usize = 5;

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Nanoseconds of CPU for each packet, and packets in each run.
fn send(gso: bool, burst: usize, destinations: &[SocketAddr]) -> (f64, f64) {
    let config = Config { gso, ..Config::default() };
    let mut socket = Socket::bind(loopback(), Sharing::Alone, &config).expect("binds");
    let mut outbox = Outbox::new(4 << 20);
    for (owner, remote) in destinations.iter().enumerate() {
        for _ in 0..burst {
            assert!(outbox.push(owner as u32, *remote, &[7; PACKET_BYTES]));
        }
    }
    let mut sum = SendReport::default();
    let begun = cpu_time();
    while sum.packets < PACKETS {
        sum.add(&socket.send(&outbox));
    }
    let nanoseconds = (cpu_time() - begun).as_nanos() as f64;
    assert_eq!(sum.refused_packets(), 0);
    (nanoseconds / sum.packets as f64, sum.packets as f64 / sum.runs as f64)
}

/// Nanoseconds of CPU for each packet received, which were sent in bursts.
fn receive(gro: bool, burst: usize) -> f64 {
    let config = Config { gro, ..Config::default() };
    let mut receiver = Socket::bind(loopback(), Sharing::Alone, &config).expect("binds");
    let config = Config { gso: true, ..Config::default() };
    let mut sender = Socket::bind(loopback(), Sharing::Alone, &config).expect("binds");
    let mut outbox = Outbox::new(1 << 20);
    for _ in 0..burst {
        assert!(outbox.push(0, receiver.local_addr(), &[7; PACKET_BYTES]));
    }
    let mut inbox = Inbox::default();
    let (mut received, mut spent) = (0, Duration::ZERO);
    while received < PACKETS / 4 {
        for _ in 0..(256 / burst) {
            assert_eq!(sender.send(&outbox).packets, burst as u64);
        }
        let begun = cpu_time();
        loop {
            let packets = receiver.recv(&mut inbox).expect("receives");
            if packets == 0 {
                break;
            }
            received += packets as u64;
        }
        spent += cpu_time() - begun;
    }
    spent.as_nanos() as f64 / received as f64
}

fn least(measure: impl Fn() -> f64) -> f64 {
    (0..ROUNDS).map(|_| measure()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let ends: Vec<_> =
        (0..DESTINATIONS).map(|_| UdpSocket::bind(loopback()).expect("binds")).collect();
    let destinations: Vec<_> = ends.iter().map(|end| end.local_addr().expect("bound")).collect();
    println!("sending, ns of CPU a packet, least of {ROUNDS} rounds");
    for burst in [1, 2, 4, 8, 16, 48] {
        let plain = least(|| send(false, burst, &destinations).0);
        let runs = least(|| send(true, burst, &destinations).0);
        let length = send(true, burst, &destinations).1;
        let gain = plain / runs;
        println!(
            "{burst:3} each: packets {plain:5.0}  runs of {length:4.1} {runs:5.0}  gain {gain:.2}"
        );
    }
    println!("receiving, ns of CPU a packet, least of {ROUNDS} rounds");
    for burst in [1, 4, 16] {
        let plain = least(|| receive(false, burst));
        let joined = least(|| receive(true, burst));
        println!(
            "{burst:3} each: packets {plain:5.0}  joined {joined:5.0}  gain {:.2}",
            plain / joined
        );
    }
}
