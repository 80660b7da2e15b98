//! What strangers, and clients that mean ill, can send: nothing panics, nothing moves, little is
//! answered.

use crate::connect::pair;
use crate::world::*;
use lectern_control::node::DisconnectReason;
use lectern_control::transport::{Candidate, DtlsRole, IceRole};
use lectern_media::DropReason;
use lectern_media::transport::{Event, Transport};
use lectern_wire::stun::{Builder, Key, Kind, MAX_BUILT_LEN, Message, Role, TransactionId};
use std::net::SocketAddr;
use std::time::Duration;

const STRANGER: &str = "203.0.113.66:6666";

fn connected(seed: u64) -> World {
    let mut world = World::new(seed);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    let done = world.run_until(Duration::from_secs(5), |world| {
        world.node(NODE_A).is_connected() && world.node(CLIENT).is_connected()
    });
    assert!(done);
    world.run(Duration::from_secs(1));
    world.node(NODE_A).drops.clear();
    world
}

/// Whether media and data still pass both ways.
fn assert_alive(world: &mut World, index: u64) {
    world.node(NODE_A).rtp.clear();
    world.node(CLIENT).rtp.clear();
    world.send_rtp(NODE_A, 7, index, b"down");
    world.send_rtp(CLIENT, 8, index, b"up");
    let now = world.now;
    let label = format!("{index}");
    for at in [NODE_A, CLIENT] {
        let transport = &mut world.node(at).transport;
        transport.send_message(now, "reliable", true, label.as_bytes()).expect("room");
    }
    world.run(Duration::from_millis(500));
    assert_eq!(world.node(CLIENT).rtp, [(7, index, b"down".to_vec())]);
    assert_eq!(world.node(NODE_A).rtp, [(8, index, b"up".to_vec())]);
    for at in [NODE_A, CLIENT] {
        assert_eq!(world.node(at).messages("reliable").last(), Some(&label.clone().into_bytes()));
    }
}

/// A check of the client's, made by hand.
pub fn check(key: &str, username: (&str, &str), role: Option<Role>, nominating: bool) -> Vec<u8> {
    let mut buffer = [0; MAX_BUILT_LEN];
    let transaction = TransactionId([9; 12]);
    let mut builder = Builder::new(&mut buffer, Kind::Request, transaction)
        .and_then(|builder| builder.username(username.0.as_bytes(), username.1.as_bytes()))
        .expect("fits");
    if let Some(role) = role {
        builder = builder.role(role).expect("fits");
    }
    if nominating {
        builder = builder.use_candidate().expect("fits");
    }
    let len = builder.finish(&Key::new(key.as_bytes())).expect("fits");
    buffer[..len].to_vec()
}

fn good_check(nominating: bool) -> Vec<u8> {
    let node = credentials("node");
    let username = (node.ufrag.as_str(), "ufrag-client");
    check(node.pwd.expose(), username, Some(Role::Controlled(1)), nominating)
}

/// What the node sends in answer to a datagram.
pub fn answers(world: &mut World, from: SocketAddr, datagram: &[u8]) -> Vec<Vec<u8>> {
    let now = world.now;
    let node = world.node(NODE_A);
    node.receive(now, address(NODE_A), from, &mut datagram.to_vec());
    let transmits = std::iter::from_fn(|| node.transport.poll_transmit());
    transmits.map(|transmit| transmit.bytes.to_vec()).collect()
}

#[test]
fn datagrams_of_every_first_byte_and_length_do_no_harm() {
    let mut world = connected(40);
    for from in [address(CLIENT), address(STRANGER)] {
        for first in 0..=u8::MAX {
            for len in 1..=64 {
                for fill in [0x00, 0x55, 0xff] {
                    let mut datagram = vec![fill; len];
                    datagram[0] = first;
                    assert!(answers(&mut world, from, &datagram).is_empty(), "{first} {len}");
                }
            }
        }
    }
    assert_eq!(world.node(NODE_A).drops.len(), 2 * 256 * 64 * 3, "all were counted");
    assert_alive(&mut world, 1);
}

#[test]
fn stun_that_is_not_authenticated_gets_no_answer() {
    let mut world = connected(41);
    let node = credentials("node");
    let password = node.pwd.expose().clone();
    let known = (node.ufrag.as_str(), "ufrag-client");
    let role = Some(Role::Controlled(1));
    let mut unsigned = [0; MAX_BUILT_LEN];
    let len = Builder::new(&mut unsigned, Kind::Request, TransactionId([1; 12]))
        .and_then(|builder| builder.username(b"ufrag-node", b"ufrag-client"))
        .and_then(|builder| builder.finish_unsigned())
        .expect("fits");
    let mut bad_fingerprint = good_check(true);
    *bad_fingerprint.last_mut().expect("not empty") ^= 1;
    let mut bad_integrity = good_check(true);
    let place = bad_integrity.len() - 20;
    bad_integrity[place] ^= 1;
    let cases: [(Vec<u8>, DropReason); 6] = [
        (unsigned[..len].to_vec(), DropReason::StunUnauthenticated),
        (check("wrong", known, role, true), DropReason::StunUnauthenticated),
        (check(&password, ("nobody", "ufrag-client"), role, true), DropReason::UnknownUfrag),
        (check(&password, ("", ""), role, true), DropReason::UnknownUfrag),
        (bad_fingerprint, DropReason::Malformed),
        (bad_integrity, DropReason::Malformed),
    ];
    for (datagram, reason) in cases {
        for from in [address(CLIENT), address(STRANGER)] {
            assert!(answers(&mut world, from, &datagram).is_empty());
            assert_eq!(world.node(NODE_A).drops.last(), Some(&reason));
        }
    }
    assert!(!world.node(NODE_A).transport.accepts(address(STRANGER)));
    assert_eq!(world.node(NODE_A).transport.send_to(), Some(address(CLIENT)));
    // The same bytes under the right key are answered: the cases above fail for their reason.
    assert!(!answers(&mut world, address(STRANGER), &good_check(false)).is_empty());
    assert_alive(&mut world, 1);
}

#[test]
fn a_check_without_priority_or_role_is_answered() {
    let mut world = connected(42);
    let node = credentials("node");
    let username = (node.ufrag.as_str(), "ufrag-client");
    let datagram = check(node.pwd.expose(), username, None, false);
    let answers = answers(&mut world, address(CLIENT), &datagram);
    let kinds: Vec<Kind> =
        answers.iter().filter_map(|bytes| Some(Message::parse(bytes).ok()?.kind)).collect();
    assert_eq!(kinds, [Kind::Success]);
    assert!(answers[0].len() <= datagram.len(), "no amplification");
}

#[test]
fn an_answer_nobody_waits_for_and_indications_are_dropped() {
    let mut world = connected(43);
    for kind in [Kind::Success, Kind::Error, Kind::Indication] {
        let mut buffer = [0; MAX_BUILT_LEN];
        let key = Key::new(credentials("client").pwd.expose().as_bytes());
        let len = Builder::new(&mut buffer, kind, TransactionId([3; 12]))
            .and_then(|builder| builder.finish(&key))
            .expect("fits");
        assert!(answers(&mut world, address(CLIENT), &buffer[..len]).is_empty());
        assert_eq!(world.node(NODE_A).drops.last(), Some(&DropReason::StunUnexpected));
    }
}

#[test]
fn media_and_hellos_from_other_addresses_move_nothing() {
    let mut world = connected(44);
    let stranger = address(STRANGER);
    let hello = [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4][..], &[1, 0, 0, 0]].concat();
    for _ in 0..1_000 {
        assert!(answers(&mut world, stranger, &hello).is_empty());
        assert!(
            answers(&mut world, stranger, &[&rtp(8, 5, b"x")[..], &[7; 16]].concat()).is_empty()
        );
    }
    assert!(world.node(NODE_A).drops.iter().all(|reason| *reason == DropReason::UnknownAddress));
    // Replayed from elsewhere, an authentic packet is not even looked at.
    let mut stolen = Vec::new();
    let packet = rtp(8, 50, b"stolen");
    stolen.extend(&packet);
    stolen.resize(packet.len() + Transport::MAX_OVERHEAD, 0);
    let client = &mut world.node(CLIENT).transport;
    let len = client.seal_rtp(50, &mut stolen, packet.len()).expect("seals");
    answers(&mut world, stranger, &stolen[..len]);
    assert!(world.node(NODE_A).rtp.is_empty());
    assert_eq!(world.node(NODE_A).transport.send_to(), Some(address(CLIENT)));
    assert_alive(&mut world, 60);
}

#[test]
fn packets_with_a_wrong_tag_in_the_clients_name_are_only_counted() {
    let mut world = connected(45);
    for n in 0..10_000_u64 {
        let forged = [&rtp(8 + (n % 300) as u32, n, b"forged")[..], &[7; 16]].concat();
        assert!(answers(&mut world, address(CLIENT), &forged).is_empty());
        let forged = [&[0x80, 200, 0, 6, 0, 0, 0, 8][..], &[7; 60], &[0x80, 0, 0, 1]].concat();
        assert!(answers(&mut world, address(CLIENT), &forged).is_empty());
    }
    let node = world.node(NODE_A);
    assert_eq!(node.drops.len(), 20_000);
    assert!(node.drops.iter().all(|reason| *reason == DropReason::SrtpUnauthenticated));
    assert_alive(&mut world, 1);
}

#[test]
fn nothing_forged_in_dtls_ends_a_connection() {
    let mut world = connected(46);
    let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    let close = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0];
    let data = [23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 3, 1, 2, 3];
    let sealed_alert = [&[21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 9, 9, 0, 26][..], &[7; 26]].concat();
    for forged in [&alert[..], &close, &data, &sealed_alert] {
        assert!(answers(&mut world, address(CLIENT), forged).is_empty());
    }
    use DropReason::{DtlsUnauthenticated, DtlsUnexpected};
    let expected = [DtlsUnexpected, DtlsUnexpected, DtlsUnexpected, DtlsUnauthenticated];
    assert_eq!(world.node(NODE_A).drops, expected);
    assert_alive(&mut world, 1);
}

#[test]
fn role_conflicts_without_end_are_answered_and_lead_nowhere() {
    let mut world = connected(47);
    let node = credentials("node");
    let username = (node.ufrag.as_str(), "ufrag-client");
    for n in 0..1_000_u64 {
        for role in [Role::Controlling(n), Role::Controlled(n), Role::Controlling(u64::MAX)] {
            let datagram = check(node.pwd.expose(), username, Some(role), n % 2 == 0);
            let sent = answers(&mut world, address(CLIENT), &datagram);
            assert_eq!(sent.len(), 1, "one answer, no check of our own");
            assert!(sent[0].len() <= datagram.len());
        }
    }
    assert_eq!(world.node(NODE_A).transport.send_to(), Some(address(CLIENT)));
    assert_alive(&mut world, 1);
}

#[test]
fn a_client_that_refuses_our_role_for_ever_gets_few_checks() {
    let mut world = connected(48);
    let node_at = address(NODE_A);
    // From now on the client answers each check with 487.
    let key = Key::new(credentials("client").pwd.expose().as_bytes());
    world.dead.insert(address(CLIENT));
    world.wire = Some(Vec::new());
    for _ in 0..3_000 {
        world.run(Duration::from_millis(10));
        let wire = world.wire.replace(Vec::new()).unwrap_or_default();
        for sent in wire.into_iter().filter(|sent| sent.from == node_at) {
            let Ok(message) = Message::parse(&sent.bytes) else { continue };
            if message.kind != Kind::Request {
                continue;
            }
            let mut buffer = [0; MAX_BUILT_LEN];
            let error = lectern_wire::stun::ErrorCode { code: 487, reason: b"no" };
            let len = Builder::new(&mut buffer, Kind::Error, message.transaction)
                .and_then(|builder| builder.error_code(error))
                .and_then(|builder| builder.finish(&key))
                .expect("fits");
            let now = world.now;
            world.node(NODE_A).receive(now, node_at, address(CLIENT), &mut buffer[..len].to_vec());
        }
    }
    let gone = Event::Disconnected(DisconnectReason::ConsentExpired);
    assert!(world.node(NODE_A).events.contains(&gone), "a refusal is no consent");
}

#[test]
fn candidates_that_no_client_can_have_get_not_one_packet() {
    let mut world = World::new(49);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    world.dead.insert(address(CLIENT));
    world.wire = Some(Vec::new());
    let bad = [
        "0.0.0.0:5000",
        "255.255.255.255:5000",
        "224.0.0.251:5353",
        "169.254.169.254:8080",
        "127.0.0.1:5000",
        "10.0.0.1:5000",
        "192.168.1.1:5000",
        "8.8.8.8:0",
        "8.8.8.8:53",
        "[::1]:5000",
        "[fe80::1]:5000",
        "[ff02::1]:5000",
        "[::ffff:10.0.0.1]:5000",
    ];
    let now = world.now;
    for n in 0..10_000_u32 {
        let address = address(bad[n as usize % bad.len()]);
        world.node(NODE_A).transport.add_candidate(now, Candidate { address, priority: n });
    }
    world.run(Duration::from_secs(20));
    let client = address(CLIENT);
    let wire = world.wire.take().unwrap_or_default();
    assert!(wire.iter().filter(|sent| sent.from == address(NODE_A)).all(|sent| sent.to == client));
}

#[test]
fn candidates_without_end_get_few_packets_at_a_steady_pace() {
    let mut world = World::new(50);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    world.dead.insert(address(CLIENT));
    world.wire = Some(Vec::new());
    let now = world.now;
    for n in 0..10_000_u16 {
        let address = SocketAddr::from(([203, 0, 113, (n % 200) as u8 + 1], 10_000 + n));
        let candidate = Candidate { address, priority: n.into() };
        world.node(NODE_A).transport.add_candidate(now, candidate);
    }
    world.run(Duration::from_secs(25));
    let wire = world.wire.take().unwrap_or_default();
    let targets: std::collections::BTreeSet<SocketAddr> = wire.iter().map(|s| s.to).collect();
    assert!(targets.len() <= 33, "{} targets", targets.len());
    assert!(wire.len() <= 33 * 7, "{} packets", wire.len());
    let mut first: Vec<_> = targets
        .iter()
        .filter_map(|target| Some(wire.iter().find(|sent| sent.to == *target)?.at))
        .collect();
    first.sort();
    let pace = first.windows(2).map(|pair| pair[1] - pair[0]).min();
    assert!(pace >= Some(Duration::from_millis(20)), "{pace:?}");
}

#[test]
fn checks_from_addresses_without_end_are_answered_and_checked_within_bounds() {
    let mut world = connected(51);
    let datagram = good_check(false);
    let (mut answered, mut checked) = (0, 0);
    for n in 0..10_000_u16 {
        let from = SocketAddr::from(([203, 0, 113, (n % 200) as u8 + 1], 10_000 + n));
        for bytes in answers(&mut world, from, &datagram) {
            match Message::parse(&bytes).expect("well-formed").kind {
                Kind::Request => checked += 1,
                _ => answered += 1,
            }
        }
    }
    assert_eq!(answered, 10_000);
    assert!(checked <= 64, "{checked} checks");
    assert_eq!(world.node(NODE_A).transport.send_to(), Some(address(CLIENT)));
    assert_alive(&mut world, 1);
}

#[test]
fn a_nomination_does_not_move_media_before_the_address_has_answered() {
    let mut world = World::new(52);
    pair(&mut world, IceRole::Controlled, IceRole::Controlling, DtlsRole::Server);
    let done = world.run_until(Duration::from_secs(5), |world| {
        world.node(NODE_A).is_connected() && world.node(CLIENT).is_connected()
    });
    assert!(done);
    // A client that names a victim's address as its own: the victim never answers a check.
    let node = credentials("node");
    let username = (node.ufrag.as_str(), "ufrag-client");
    let datagram = check(node.pwd.expose(), username, Some(Role::Controlling(1)), true);
    for _ in 0..100 {
        let sent = answers(&mut world, address(STRANGER), &datagram);
        assert!(sent.iter().map(Vec::len).sum::<usize>() <= 2 * datagram.len());
        world.run(Duration::from_millis(100));
        assert_eq!(world.node(NODE_A).transport.send_to(), Some(address(CLIENT)));
    }
}
