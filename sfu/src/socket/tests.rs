//! The batched socket over loopback: what goes in comes out, however it travels.

use super::*;
use std::collections::BTreeMap;
use std::time::Instant;

const PATIENCE: Duration = Duration::from_secs(5);

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn socket(address: SocketAddr, gso: bool, gro: bool) -> Socket {
    let config = Config { gso, gro, ..Config::default() };
    Socket::bind(address, Sharing::Alone, &config).expect("binds")
}

/// Packet `number` for receiver `owner`, so that no two packets are alike.
fn packet(owner: usize, number: usize, len: usize) -> Vec<u8> {
    let mut bytes = vec![number as u8; len];
    bytes[0] = owner as u8;
    bytes[1..5].copy_from_slice(&(number as u32).to_be_bytes());
    bytes
}

/// All datagrams that come until there are `expected`, in order of their coming.
fn receive(socket: &mut Socket, expected: usize) -> Vec<Vec<u8>> {
    let mut inbox = Inbox::default();
    let mut received = Vec::new();
    let end = Instant::now() + PATIENCE;
    while received.len() < expected && Instant::now() < end {
        let datagrams = socket.recv(&mut inbox).expect("receives");
        let before = received.len();
        received.extend(inbox.datagrams().map(|datagram| datagram.bytes.to_vec()));
        assert_eq!(received.len() - before, datagrams, "the count and the datagrams agree");
    }
    received
}

/// Sends what `lens` says to each of `receivers`, and returns what each got.
fn exchange(
    gso: bool,
    gro: bool,
    lens: &[usize],
    receivers: usize,
) -> (SendReport, Vec<Vec<Vec<u8>>>) {
    let mut sender = socket(loopback(), gso, gro);
    let mut ends: Vec<_> = (0..receivers).map(|_| socket(loopback(), gso, gro)).collect();
    let mut outbox = Outbox::new(1 << 20);
    // As the engine puts them out: those of one destination next to each other.
    for (owner, end) in ends.iter().enumerate() {
        for (number, len) in lens.iter().enumerate() {
            assert!(outbox.push(owner as u32, end.local_addr(), &packet(owner, number, *len)));
        }
    }
    let report = sender.send(&outbox);
    (report, ends.iter_mut().map(|end| receive(end, lens.len())).collect())
}

#[test]
fn a_thousand_packets_to_ten_destinations_arrive_in_order_with_and_without_runs() {
    // Frames as an encoder makes them: equal packets and a shorter one, then sound in between.
    let lens: Vec<usize> = [1180, 1180, 1180, 1180, 640, 90, 1200, 1200, 1199, 91].repeat(10);
    let expected: Vec<Vec<Vec<u8>>> = (0..10)
        .map(|owner| lens.iter().enumerate().map(|(n, len)| packet(owner, n, *len)).collect())
        .collect();
    for (gso, gro) in [(false, false), (true, false), (false, true), (true, true)] {
        let (report, received) = exchange(gso, gro, &lens, 10);
        assert!(received == expected, "gso {gso}, gro {gro}: other bytes than were sent");
        assert_eq!((report.packets, report.refused_packets()), (1000, 0));
        assert_eq!(report.bytes, 10 * lens.iter().sum::<usize>() as u64);
        let runs = if gso { 10 * 10 * 4 } else { 1000 };
        assert_eq!(report.runs, runs, "gso {gso}");
    }
}

#[test]
fn a_run_longer_than_the_kernel_takes_is_cut() {
    let lens = [1200; 200];
    let (report, received) = exchange(true, true, &lens, 1);
    assert_eq!(received[0].len(), 200);
    assert!(received[0].iter().enumerate().all(|(n, bytes)| *bytes == packet(0, n, 1200)));
    // Each run of 64 × 1,200 bytes is over 65,000 bytes and becomes 54 + 10 packets.
    assert_eq!((report.runs, report.runs_refused), (7, 0));
}

#[test]
fn every_size_up_to_the_largest_packet_passes() {
    let lens: Vec<usize> = (5..1400).step_by(7).collect();
    for gso in [false, true] {
        let (report, received) = exchange(gso, true, &lens, 2);
        assert_eq!(report.packets, 2 * lens.len() as u64);
        for (owner, packets) in received.iter().enumerate() {
            let right = |(n, bytes): (usize, &Vec<u8>)| *bytes == packet(owner, n, lens[n]);
            assert!(packets.len() == lens.len() && packets.iter().enumerate().all(right));
        }
    }
}

#[test]
fn a_dual_stack_socket_speaks_both_families_with_plain_addresses() {
    let mut both = socket(SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0)), true, true);
    let port = both.local_addr().port();
    for ip in ["127.0.0.1", "127.0.0.2", "::1"] {
        let ip: IpAddr = ip.parse().expect("an address");
        let mut client = socket(SocketAddr::new(ip, 0), true, true);
        let mut outbox = Outbox::new(1 << 16);
        assert!(outbox.push(0, SocketAddr::new(ip, port), b"question"));
        assert_eq!(client.send(&outbox).packets, 1);

        let mut inbox = Inbox::default();
        let end = Instant::now() + PATIENCE;
        while both.recv(&mut inbox).expect("receives") == 0 && Instant::now() < end {}
        let datagram = inbox.datagrams().next().expect("a datagram");
        assert_eq!(datagram.remote, client.local_addr());
        assert_eq!(datagram.local, SocketAddr::new(ip, port));

        let mut outbox = Outbox::new(1 << 16);
        for _ in 0..3 {
            assert!(outbox.push(0, client.local_addr(), b"answer"));
        }
        let report = both.send(&outbox);
        assert_eq!((report.runs, report.packets), (1, 3), "{report:?}");
        assert_eq!(receive(&mut client, 3), vec![b"answer".to_vec(); 3]);
    }
}

#[test]
fn a_client_is_answered_from_the_address_it_spoke_to() {
    for any in ["0.0.0.0:0", "[::]:0"] {
        let mut server = socket(any.parse().expect("an address"), true, true);
        let port = server.local_addr().port();
        let mut client = socket(loopback(), true, true);
        // Routing answers 127.0.0.1 from 127.0.0.1.
        let spoken_to: IpAddr = [127, 0, 0, 9].into();
        server.answer_from(Instant::now(), client.local_addr(), spoken_to);
        let mut outbox = Outbox::new(1 << 16);
        for _ in 0..3 {
            assert!(outbox.push(0, client.local_addr(), b"answer"));
        }
        assert_eq!(server.send(&outbox).packets, 3);
        let mut inbox = Inbox::default();
        let mut seen = 0;
        let end = Instant::now() + PATIENCE;
        while seen < 3 && Instant::now() < end {
            seen += client.recv(&mut inbox).expect("receives");
            assert!(inbox.datagrams().all(|d| d.remote == SocketAddr::new(spoken_to, port)));
        }
        assert_eq!(seen, 3);
    }
}

#[test]
fn what_the_kernel_refuses_is_counted_by_cause_and_the_rest_is_sent() {
    let mut sender = socket(loopback(), true, true);
    let mut end = socket(loopback(), true, true);
    let mut outbox = Outbox::new(1 << 20);
    assert!(outbox.push(0, end.local_addr(), b"before"));
    // Port 0 is no destination, and this socket speaks no IPv6.
    assert!(outbox.push(1, SocketAddr::from(([127, 0, 0, 1], 0)), b"nowhere"));
    assert!(outbox.push(2, "[::1]:9".parse().expect("an address"), b"unspoken"));
    assert!(outbox.push(3, end.local_addr(), b"after"));
    let report = sender.send(&outbox);
    assert_eq!(report.packets, 2);
    assert_eq!(report.refused(Refusal::Other), 1, "{report:?}");
    assert_eq!(report.refused(Refusal::Unreachable), 1, "{report:?}");
    assert_eq!(receive(&mut end, 2), [b"before".to_vec(), b"after".to_vec()]);
}

#[test]
fn a_run_the_kernel_refuses_goes_out_packet_by_packet() {
    let mut sender = socket(loopback(), true, true);
    let mut end = socket(loopback(), false, false);
    // No path here refuses a run. So one is laid out, and the error is the one that a path with a
    // small MTU (EINVAL) or an interface without checksums (EIO) gives.
    let name = Name::new(end.local_addr(), sender.family).expect("reachable");
    let packets: Vec<Vec<u8>> = (0..4).map(|n| packet(0, n, 700)).collect();
    for errno in [libc::EINVAL, libc::EIO] {
        sender.gso = true;
        let mut report = SendReport::default();
        sender.batch.clear();
        sender.batch.push(name, None, packets.iter().map(Vec::as_slice));
        sender.refused(0, &io::Error::from_raw_os_error(errno), &mut report);
        assert_eq!((report.packets, report.runs_refused), (4, 1));
        assert_eq!(sender.sends_runs(), errno != libc::EIO);
        assert_eq!(receive(&mut end, 4), packets);
    }
    (sender.gso, sender.gso_refusals) = (true, 0);
    for refusals in 1..=GSO_REFUSALS {
        sender.batch.clear();
        sender.batch.push(name, None, packets.iter().map(Vec::as_slice));
        sender.refused(0, &io::Error::from_raw_os_error(libc::EINVAL), &mut SendReport::default());
        assert_eq!(sender.sends_runs(), refusals < GSO_REFUSALS, "after {refusals} refusals");
    }
}

#[test]
fn an_empty_or_oversized_datagram_is_counted_and_harms_none() {
    let mut end = socket(loopback(), true, true);
    let plain = UdpSocket::bind(loopback()).expect("binds");
    let to = end.local_addr();
    plain.send_to(b"", to).expect("sends");
    plain.send_to(&[7; 65_507], to).expect("sends");
    plain.send_to(b"after", to).expect("sends");
    let received = receive(&mut end, 2);
    assert_eq!(received.iter().map(Vec::len).collect::<Vec<_>>(), [65_507, 5]);
    let mut inbox = Inbox::default();
    plain.send_to(b"", to).expect("sends");
    let end_of_wait = Instant::now() + PATIENCE;
    while inbox.unusable() == 0 && Instant::now() < end_of_wait {
        assert_eq!(end.recv(&mut inbox).expect("receives"), 0);
    }
    assert_eq!(inbox.unusable(), 1);
}

#[test]
fn a_port_in_use_is_refused_unless_it_is_shared() {
    let config = Config::default();
    let first = Socket::bind(loopback(), Sharing::Shared, &config).expect("binds");
    assert!(Socket::bind(first.local_addr(), Sharing::Shared, &config).is_ok());
    let error = Socket::bind(first.local_addr(), Sharing::Alone, &config).expect_err("in use");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn shared_sockets_lose_nothing_between_them() {
    let config = Config::default();
    let mut first = Socket::bind(loopback(), Sharing::Shared, &config).expect("binds");
    let mut second = Socket::bind(first.local_addr(), Sharing::Shared, &config).expect("binds");
    let clients: Vec<_> = (0..64).map(|_| UdpSocket::bind(loopback()).expect("binds")).collect();
    for client in &clients {
        client.send_to(b"hello", first.local_addr()).expect("sends");
    }
    let mut per_client: BTreeMap<SocketAddr, usize> = BTreeMap::new();
    let mut inbox = Inbox::default();
    let end = Instant::now() + PATIENCE;
    while per_client.len() < clients.len() && Instant::now() < end {
        for socket in [&mut first, &mut second] {
            socket.recv(&mut inbox).expect("receives");
            for datagram in inbox.datagrams() {
                *per_client.entry(datagram.remote).or_default() += 1;
            }
        }
    }
    assert_eq!(per_client.len(), clients.len());
    assert!(per_client.values().all(|datagrams| *datagrams == 1));
}
