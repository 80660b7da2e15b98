//! Two transports of ours: ICE in both roles, DTLS in both roles, loss, restart, consent, the end.

use crate::attacks::{answers, check};
use crate::world::*;
use lectern_control::node::DisconnectReason;
use lectern_control::transport::{Candidate, DtlsRole, Fingerprint, IceRole, PeerParameters};
use lectern_media::DropReason;
use lectern_media::transport::Event;
use lectern_wire::stun::{Builder, Key, Kind, MAX_BUILT_LEN, Message, Role};
use std::time::Duration;

/// A world with a node and, in the client's place, another transport of ours.
pub fn pair(world: &mut World, node_role: IceRole, client_role: IceRole, node_dtls: DtlsRole) {
    let (node_identity, node_fingerprint) = identity();
    let (client_identity, client_fingerprint) = identity();
    let client_dtls = match node_dtls {
        DtlsRole::Client => DtlsRole::Server,
        DtlsRole::Server => DtlsRole::Client,
    };
    let (at_node, at_client) = ([address(NODE_A)], [address(CLIENT)]);
    let mut node = parameters(&node_identity);
    node.ice_role = node_role;
    node.remote = Some(remote(credentials("client"), client_fingerprint, node_dtls, &at_client));
    node.data.channels = vec![channel("reliable", None), channel("lossy", Some(0))];
    let mut client = parameters(&client_identity);
    client.ice_role = client_role;
    client.ice = credentials("client");
    client.remote = Some(remote(credentials("node"), node_fingerprint, client_dtls, &at_node));
    world.add_node(NODE_A, &node);
    world.add_node(CLIENT, &client);
}

fn both_connected(world: &mut World) -> bool {
    world.node(NODE_A).is_connected() && world.node(CLIENT).is_connected()
}

const ROLES: [(IceRole, IceRole); 4] = [
    (IceRole::Controlling, IceRole::Controlled),
    (IceRole::Controlled, IceRole::Controlling),
    (IceRole::Controlling, IceRole::Controlling),
    (IceRole::Controlled, IceRole::Controlled),
];

#[test]
fn every_combination_of_roles_connects_at_once() {
    for (node_role, client_role) in ROLES {
        for node_dtls in [DtlsRole::Server, DtlsRole::Client] {
            let mut world = World::new(1);
            pair(&mut world, node_role, client_role, node_dtls);
            let connected = world.run_until(Duration::from_secs(5), both_connected);
            assert!(connected, "{node_role:?} {client_role:?} {node_dtls:?}");
            let took = world.now - world.began;
            // Two of our kind both want to win; a browser's tie-breaker is random.
            let is_conflict = node_role == client_role && node_role == IceRole::Controlling;
            let limit = Duration::from_millis(if is_conflict { 500 } else { 150 });
            let case = (node_role, client_role, node_dtls);
            assert!(took < limit, "{case:?}: {took:?} at a round trip of 20 ms");
            let Some(Event::Connected(security)) = world.node(NODE_A).events.first().cloned()
            else {
                panic!("{:?}", world.node(NODE_A).events);
            };
            assert_eq!(security.srtp, "AEAD_AES_128_GCM");
            assert_eq!(security.dtls, "DTLS 1.2");
            world.run(Duration::from_secs(1));
            world.send_rtp(NODE_A, 7, 1, b"down");
            world.send_rtp(CLIENT, 8, 1, b"up");
            world.send_rtcp(NODE_A, 8);
            world.run(Duration::from_millis(50));
            assert_eq!(world.node(CLIENT).rtp, [(7, 1, b"down".to_vec())]);
            assert_eq!(world.node(NODE_A).rtp, [(8, 1, b"up".to_vec())]);
            assert_eq!(world.node(CLIENT).rtcp, 1);
            let opened = |world: &mut World, at: &str| {
                let is_open = |event: &&Event| matches!(event, Event::ChannelOpen { .. });
                world.node(at).events.iter().filter(is_open).count()
            };
            assert_eq!((opened(&mut world, NODE_A), opened(&mut world, CLIENT)), (2, 2));
        }
    }
}

#[test]
fn a_fifth_of_all_packets_lost_does_not_keep_two_sides_apart() {
    let mut slowest = Duration::ZERO;
    for seed in 0..60 {
        let (node_role, client_role) = ROLES[seed as usize % 2];
        let node_dtls = [DtlsRole::Server, DtlsRole::Client][seed as usize / 2 % 2];
        let mut world = World::new(seed);
        world.loss = 0.2;
        pair(&mut world, node_role, client_role, node_dtls);
        assert!(world.run_until(Duration::from_secs(30), both_connected), "seed {seed}");
        slowest = slowest.max(world.now - world.began);
    }
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
}

#[test]
fn messages_arrive_through_loss_on_the_reliable_channel_all_and_in_order() {
    let mut world = World::new(3);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    assert!(world.run_until(Duration::from_secs(5), both_connected));
    world.run(Duration::from_secs(1));
    world.loss = 0.1;
    let sent: Vec<Vec<u8>> =
        (0..300_u32).map(|n| vec![n as u8; 1 + (n as usize * 37) % 3_000]).collect();
    for message in &sent {
        let now = world.now;
        let node = &mut world.node(NODE_A).transport;
        node.send_message(now, "reliable", true, message).expect("room");
        node.send_message(now, "lossy", false, message).expect("room");
        world.run(Duration::from_millis(20));
    }
    world.run(Duration::from_secs(20));
    assert_eq!(world.node(CLIENT).messages("reliable"), sent);
    let lossy = world.node(CLIENT).messages("lossy").len();
    assert!((150..300).contains(&lossy), "{lossy} of 300 lossy messages");
}

#[test]
fn messages_of_every_size_and_kind_pass_and_bigger_ones_are_refused() {
    let mut world = World::new(4);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    assert!(world.run_until(Duration::from_secs(5), both_connected));
    world.run(Duration::from_secs(1));
    let now = world.now;
    for (binary, len) in [(true, 0), (false, 0), (true, 1), (false, 65_536), (true, 65_536)] {
        let transport = &mut world.node(CLIENT).transport;
        transport.send_message(now, "reliable", binary, &vec![b'x'; len]).expect("room");
        world.run(Duration::from_secs(3));
        let last = world.node(NODE_A).events.last().cloned();
        let payload = vec![b'x'; len].into();
        assert_eq!(last, Some(Event::Message { label: "reliable".to_owned(), binary, payload }));
    }
    let now = world.now;
    let transport = &mut world.node(CLIENT).transport;
    let big = vec![0; 70_000];
    assert_eq!(transport.send_message(now, "reliable", true, &big), Err(DropReason::DataTooLarge));
    assert_eq!(
        transport.send_message(now, "nothing", true, &[1]),
        Err(DropReason::DataUnknownChannel)
    );
}

#[test]
fn a_reader_that_is_too_slow_is_refused_more() {
    let mut world = World::new(5);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    assert!(world.run_until(Duration::from_secs(5), both_connected));
    world.run(Duration::from_secs(1));
    world.dead.insert(address(CLIENT));
    let now = world.now;
    let transport = &mut world.node(NODE_A).transport;
    for label in ["lossy", "reliable"] {
        let mut bytes = 0;
        let refused = loop {
            match transport.send_message(now, label, true, &[7; 10_000]) {
                Ok(()) => bytes += 10_000,
                Err(reason) => break reason,
            }
            assert!(bytes < 1 << 20, "no limit on {label}");
        };
        assert_eq!(refused, DropReason::DataBufferFull);
    }
}

#[test]
fn an_ice_restart_keeps_media_flowing_and_moves_it_to_the_new_pair() {
    let mut world = World::new(6);
    pair(&mut world, IceRole::Controlled, IceRole::Controlling, DtlsRole::Server);
    assert!(world.run_until(Duration::from_secs(5), both_connected));
    world.run(Duration::from_secs(1));
    let now = world.now;
    let (node, client) = (credentials("node2"), credentials("client2"));
    // The node hears of it first; the client goes on for a while with what it had.
    world.node(NODE_A).transport.restart_ice(now, node.clone(), client.clone(), &[]);
    let mut index = 0;
    for _ in 0..200 {
        index += 1;
        world.send_rtp(NODE_A, 7, index, b"down");
        world.send_rtp(CLIENT, 8, index, b"up");
        world.run(Duration::from_millis(20));
    }
    assert_eq!(world.node(NODE_A).transport.send_to(), Some(address(CLIENT)));
    let now = world.now;
    let at = Candidate { address: address(NODE_A), priority: 1 };
    world.node(CLIENT).transport.restart_ice(now, client, node, &[at]);
    for _ in 0..2_000 {
        index += 1;
        world.send_rtp(NODE_A, 7, index, b"down");
        world.send_rtp(CLIENT, 8, index, b"up");
        world.run(Duration::from_millis(20));
    }
    world.run(Duration::from_millis(100));
    assert_eq!(world.node(CLIENT).rtp.len() as u64, index, "nothing was lost");
    assert_eq!(world.node(NODE_A).rtp.len() as u64, index);
    assert!(world.node(NODE_A).transport.is_connected());
    assert!(world.node(CLIENT).transport.is_connected());
}

/// Chromium stays on a pair that it selected between its own restart and our answer, names our
/// former fragment in its checks, and refuses checks that name another one.
#[test]
fn a_restarted_client_may_go_on_naming_the_former_fragment() {
    let mut world = World::new(6);
    pair(&mut world, IceRole::Controlled, IceRole::Controlling, DtlsRole::Server);
    assert!(world.run_until(Duration::from_secs(5), both_connected));
    let now = world.now;
    let (former, client) = (credentials("node"), credentials("client2"));
    world.node(NODE_A).transport.restart_ice(now, credentials("node2"), client.clone(), &[]);
    let elsewhere = address("203.0.113.9:40001");
    let username = (former.ufrag.as_str(), client.ufrag.as_str());
    let request = check(former.pwd.expose(), username, Some(Role::Controlling(1)), true);
    let sent = answers(&mut world, elsewhere, &request);
    let parsed: Vec<_> = sent.iter().map(|bytes| Message::parse(bytes).expect("ours")).collect();
    assert_eq!(parsed.first().map(|message| message.kind), Some(Kind::Success));
    let ours = parsed.iter().find(|message| message.kind == Kind::Request).expect("a check back");
    let named = (client.ufrag.as_bytes(), former.ufrag.as_bytes());
    assert_eq!(ours.username_fragments(), Some(named));
    let key = Key::new(client.pwd.expose().as_bytes());
    assert!(ours.verify(&key));

    let mut buffer = [0; MAX_BUILT_LEN];
    let len = Builder::new(&mut buffer, Kind::Success, ours.transaction)
        .and_then(|builder| builder.mapped_address(address(NODE_A)))
        .and_then(|builder| builder.finish(&key))
        .expect("fits");
    answers(&mut world, elsewhere, &buffer[..len]);
    let transport = &world.node(NODE_A).transport;
    assert_eq!(transport.send_to(), Some(elsewhere), "media follows the client");
    assert!(transport.accepts(elsewhere));
}

#[test]
fn a_client_that_falls_silent_is_given_up_after_thirty_seconds() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
        assert!(world.run_until(Duration::from_secs(5), both_connected));
        world.run(Duration::from_secs(100));
        assert!(world.node(NODE_A).transport.is_connected(), "checks keep the consent fresh");
        world.dead.insert(address(CLIENT));
        let silent = world.now;
        let gone = Event::Disconnected(DisconnectReason::ConsentExpired);
        let ended = world
            .run_until(Duration::from_secs(60), |world| world.node(NODE_A).events.contains(&gone));
        let after = world.now - silent;
        assert!(ended && after <= Duration::from_secs(30), "{after:?}");
        assert!(after >= Duration::from_secs(23), "{after:?}");
        let transport = &mut world.node(NODE_A).transport;
        assert_eq!(transport.send_to(), None);
        let mut packet = vec![0x80; 64];
        assert_eq!(transport.seal_rtp(0x8080, &mut packet, 40), Err(DropReason::NotConnected));
        assert_eq!(transport.deadline(), None);
    }
}

#[test]
fn media_alone_is_no_consent() {
    let mut world = World::new(7);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    assert!(world.run_until(Duration::from_secs(5), both_connected));
    let client = address(CLIENT);
    world.filter = Some(Box::new(move |sent| sent.from == client && sent.bytes[0] < 4));
    let mut index = 0;
    let gone = Event::Disconnected(DisconnectReason::ConsentExpired);
    while world.now - world.began < Duration::from_secs(33) {
        index += 1;
        world.send_rtp(CLIENT, 8, index, b"up");
        world.run(Duration::from_millis(100));
        if world.node(NODE_A).events.contains(&gone) {
            break;
        }
    }
    assert!(world.node(NODE_A).events.contains(&gone));
    assert!(world.node(NODE_A).rtp.len() > 200, "media was flowing all the time");
}

#[test]
fn a_client_that_never_comes_is_given_up_after_thirty_seconds() {
    let mut world = World::new(8);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    world.dead.insert(address(CLIENT));
    let gone = Event::Disconnected(DisconnectReason::HandshakeTimeout);
    let ended =
        world.run_until(Duration::from_secs(60), |world| world.node(NODE_A).events.contains(&gone));
    assert!(ended);
    assert_eq!(world.now - world.began, Duration::from_secs(30));
}

#[test]
fn a_handshake_that_stalls_is_given_up_after_thirty_seconds() {
    for node_dtls in [DtlsRole::Server, DtlsRole::Client] {
        let mut world = World::new(9);
        pair(&mut world, IceRole::Controlling, IceRole::Controlled, node_dtls);
        let is_dtls = |sent: &Sent| (20..64).contains(&sent.bytes[0]);
        world.filter = Some(Box::new(is_dtls));
        let gone = Event::Disconnected(DisconnectReason::HandshakeTimeout);
        let ended = world
            .run_until(Duration::from_secs(60), |world| world.node(NODE_A).events.contains(&gone));
        assert!(ended);
        assert_eq!(world.now - world.began, Duration::from_secs(30), "{node_dtls:?}");
    }
}

#[test]
fn a_good_bye_ends_the_other_side_at_once() {
    let mut world = World::new(10);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    assert!(world.run_until(Duration::from_secs(5), both_connected));
    let now = world.now;
    world.node(CLIENT).transport.close(now);
    world.run(Duration::from_millis(50));
    let gone = Event::Disconnected(DisconnectReason::Closed);
    assert_eq!(world.node(NODE_A).events.last(), Some(&gone));
    assert_eq!(world.node(NODE_A).transport.send_to(), None);
    assert!(!world.node(CLIENT).transport.is_connected());
}

#[test]
fn what_a_client_sends_before_its_description_has_come_is_used_then() {
    let mut world = World::new(13);
    let (node_identity, node_fingerprint) = identity();
    let (client_identity, client_fingerprint) = identity();
    let mut client = parameters(&client_identity);
    client.ice_role = IceRole::Controlled;
    client.ice = credentials("client");
    let at_node = [address(NODE_A)];
    let theirs = remote(credentials("node"), node_fingerprint, DtlsRole::Client, &at_node);
    client.remote = Some(theirs);
    world.add_node(NODE_A, &parameters(&node_identity));
    world.add_node(CLIENT, &client);
    world.run(Duration::from_secs(2));
    assert!(world.node(NODE_A).transport.accepts(address(CLIENT)), "its checks are answered");
    let now = world.now;
    let ours = remote(credentials("client"), client_fingerprint, DtlsRole::Server, &[]);
    world.node(NODE_A).transport.set_remote(now, &ours).expect("good");
    let done = world.run_until(Duration::from_secs(2), both_connected);
    assert!(done && world.now - now < Duration::from_millis(150), "{:?}", world.now - now);
}

#[test]
fn a_candidate_that_comes_before_the_description_is_checked_after_it() {
    let mut world = World::new(15);
    let (node_identity, _) = identity();
    let (_, client_fingerprint) = identity();
    world.add_node(NODE_A, &parameters(&node_identity));
    world.wire = Some(Vec::new());
    let now = world.now;
    let candidate = Candidate { address: address(CLIENT), priority: 1 };
    world.node(NODE_A).transport.add_candidate(now, candidate);
    world.run(Duration::from_secs(1));
    assert_eq!(world.wire.as_ref().map(Vec::len), Some(0), "nothing to sign a check with");
    let now = world.now;
    let ours = remote(credentials("client"), client_fingerprint, DtlsRole::Server, &[]);
    world.node(NODE_A).transport.set_remote(now, &ours).expect("good");
    world.run(Duration::from_secs(1));
    let wire = world.wire.take().unwrap_or_default();
    assert!(wire.iter().any(|sent| sent.to == address(CLIENT)));
}

#[test]
fn a_description_may_come_twice_but_not_change() {
    let mut world = World::new(14);
    pair(&mut world, IceRole::Controlling, IceRole::Controlled, DtlsRole::Server);
    assert!(world.run_until(Duration::from_secs(5), both_connected));
    let now = world.now;
    let (_, other) = identity();
    let transport = &mut world.node(NODE_A).transport;
    let changed = remote(credentials("client"), other, DtlsRole::Server, &[]);
    assert!(transport.set_remote(now, &changed).is_err());
    assert!(transport.is_connected());
}

#[test]
fn a_wrong_certificate_ends_the_handshake_on_either_side_before_anything_flows() {
    for node_dtls in [DtlsRole::Server, DtlsRole::Client] {
        for at in [NODE_A, CLIENT] {
            let mut world = World::new(11);
            pair(&mut world, IceRole::Controlling, IceRole::Controlled, node_dtls);
            let mut replaced = World::new(12);
            deceive(&mut replaced, at, node_dtls);
            world = replaced;
            let gone = Event::Disconnected(DisconnectReason::FingerprintMismatch);
            let ended = world
                .run_until(Duration::from_secs(15), |world| world.node(at).events.contains(&gone));
            assert!(ended, "{node_dtls:?} {at}");
            let node = world.node(at);
            assert!(!node.is_connected() && !node.transport.is_connected());
            assert!(node.drops.contains(&DropReason::DtlsRefused));
        }
    }
}

/// As [`pair`], but the side at `at` was promised another certificate.
fn deceive(world: &mut World, at: &str, node_dtls: DtlsRole) {
    let (node_identity, node_fingerprint) = identity();
    let (client_identity, client_fingerprint) = identity();
    let client_dtls = match node_dtls {
        DtlsRole::Client => DtlsRole::Server,
        DtlsRole::Server => DtlsRole::Client,
    };
    let promised = |fingerprint: Fingerprint, side: &str| match side == at {
        true => Fingerprint([1; 32]),
        false => fingerprint,
    };
    let (at_node, at_client) = ([address(NODE_A)], [address(CLIENT)]);
    let expected = promised(client_fingerprint, NODE_A);
    let node = PeerParameters {
        remote: Some(remote(credentials("client"), expected, node_dtls, &at_client)),
        ..parameters(&node_identity)
    };
    let expected = promised(node_fingerprint, CLIENT);
    let client = PeerParameters {
        ice: credentials("client"),
        ice_role: IceRole::Controlled,
        remote: Some(remote(credentials("node"), expected, client_dtls, &at_node)),
        ..parameters(&client_identity)
    };
    world.add_node(NODE_A, &node);
    world.add_node(CLIENT, &client);
}
