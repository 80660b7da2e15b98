//! Against `str0m`, which shares no line with us: handshakes, media, feedback and data, under loss.

use crate::world::*;
use lectern_control::transport::{DataParameters, DtlsRole, Fingerprint, IceRole};
use lectern_media::transport::Event;
use lectern_sim::client::Outgoing;
use lectern_sim::frame::Codec;
use lectern_sim::negotiated::{Config, Remote};
use lectern_sim::{Client, client};
use std::net::SocketAddr;
use std::time::Duration;

/// SSRCs of what the node sends and the client publishes.
pub const DOWN: u32 = 0x1111;
pub const UP: u32 = 0x2222;
const FIRST_PAYLOAD_TYPE: u8 = 96;

pub fn client_config(is_controlling: bool, begins_dtls: bool) -> Config {
    Config {
        address: address(CLIENT),
        ufrag: credentials("client").ufrag,
        password: credentials("client").pwd.expose().clone(),
        is_controlling,
        begins_dtls,
        first_payload_type: FIRST_PAYLOAD_TYPE,
        first_extension: 1,
    }
}

/// A node and a client that has its description, with these candidates.
pub fn meet(world: &mut World, role: IceRole, dtls: DtlsRole, candidates: &[(SocketAddr, u32)]) {
    let (identity, fingerprint) = identity();
    let is_controlling = role == IceRole::Controlled;
    let mut client =
        Client::new(world.now, client_config(is_controlling, dtls == DtlsRole::Server));
    let client_fingerprint = Fingerprint(client.fingerprint());
    let mut node = parameters(&identity);
    node.ice_role = role;
    node.remote = Some(remote(credentials("client"), client_fingerprint, dtls, &[]));
    node.data = DataParameters {
        channels: vec![channel("reliable", None), channel("lossy", Some(0))],
        ..DataParameters::default()
    };
    world.add_node(NODE_A, &node);
    client.connect(&Remote {
        ufrag: credentials("node").ufrag,
        password: credentials("node").pwd.expose().clone(),
        fingerprint: fingerprint.0,
        candidates: candidates.to_vec(),
    });
    client.publish("up", Codec::Opus, &[(UP, None, None)]);
    client.expect("down", Codec::Opus, DOWN, None);
    world.add_browser(client);
}

pub fn both_connected(world: &mut World) -> bool {
    world.node(NODE_A).is_connected() && world.browser().is_connected()
}

pub fn client_sends(world: &mut World, index: u64) {
    let now = world.now;
    let packet = Outgoing {
        ssrc: UP,
        codec: Codec::Opus,
        sequence: index,
        timestamp: index as u32 * 960,
        marker: false,
        below_overload_db: Some(30),
        payload: index.to_be_bytes().to_vec(),
    };
    world.browser().client.send(now, packet);
}

const ROLES: [(IceRole, DtlsRole); 4] = [
    (IceRole::Controlling, DtlsRole::Server),
    (IceRole::Controlled, DtlsRole::Server),
    (IceRole::Controlling, DtlsRole::Client),
    (IceRole::Controlled, DtlsRole::Client),
];

#[test]
fn media_feedback_and_data_pass_in_every_combination_of_roles() {
    for (role, dtls) in ROLES {
        let mut world = World::new(20);
        meet(&mut world, role, dtls, &[(address(NODE_A), 100)]);
        let connected = world.run_until(Duration::from_secs(10), both_connected);
        assert!(connected, "{role:?} {dtls:?}");
        let security = world.node(NODE_A).events.iter().find_map(|event| match event {
            Event::Connected(security) => Some(security.clone()),
            _ => None,
        });
        let srtp = security.expect("connected").srtp;
        assert_eq!(srtp, "AEAD_AES_128_GCM", "{role:?} {dtls:?}");
        world.run(Duration::from_secs(1));
        for index in 1..=500 {
            client_sends(&mut world, index);
            world.send_rtp(NODE_A, DOWN, index, &index.to_be_bytes());
            if index % 50 == 0 {
                world.send_rtcp(NODE_A, UP);
            }
            world.run(Duration::from_millis(20));
        }
        let up: Vec<u64> =
            world.node(NODE_A).rtp.iter().filter(|r| r.0 == UP).map(|r| r.1).collect();
        assert_eq!(up, (1..=500).collect::<Vec<u64>>());
        let down: Vec<u64> = world.browser().received().map(|r| r.sequence).collect();
        assert_eq!(down, (1..=500).collect::<Vec<u64>>());
        assert!(world.browser().received().all(|r| r.payload[..] == r.sequence.to_be_bytes()));
        let is_wanted =
            |event: &&client::Event| matches!(event, client::Event::KeyframeWanted { .. });
        assert_eq!(world.browser().events.iter().filter(is_wanted).count(), 10);
        assert!(world.node(NODE_A).rtcp > 1, "reports came");
    }
}

#[test]
fn everything_works_through_loss() {
    for seed in 0..24 {
        let (role, dtls) = ROLES[seed as usize % 4];
        let mut world = World::new(seed);
        world.loss = 0.1;
        meet(&mut world, role, dtls, &[(address(NODE_A), 100)]);
        assert!(world.run_until(Duration::from_secs(25), both_connected), "seed {seed}");
        let opened = world.run_until(Duration::from_secs(20), |world| {
            let is_open = |event: &&Event| matches!(event, Event::ChannelOpen { .. });
            world.node(NODE_A).events.iter().filter(is_open).count() == 2
        });
        assert!(opened, "seed {seed}");
        let sent: Vec<Vec<u8>> =
            (0..60_u32).map(|n| vec![n as u8; 1 + (n as usize * 97) % 2_000]).collect();
        for (index, message) in (1..).zip(&sent) {
            let now = world.now;
            let node = &mut world.node(NODE_A).transport;
            node.send_message(now, "reliable", true, message).expect("room");
            client_sends(&mut world, index);
            world.send_rtp(NODE_A, DOWN, index, &index.to_be_bytes());
            world.run(Duration::from_millis(20));
        }
        let arrived = world.run_until(Duration::from_secs(30), |world| {
            world.browser().messages().len() == sent.len()
        });
        assert!(arrived, "seed {seed}: {} of {}", world.browser().messages().len(), sent.len());
        assert_eq!(world.browser().messages(), sent, "seed {seed}");
        let (up, down) = (world.node(NODE_A).rtp.len(), world.browser().received().count());
        assert!(up > 40 && down > 40, "seed {seed}: {up} up, {down} down");
        assert!(
            !world.node(NODE_A).drops.contains(&lectern_media::DropReason::SrtpUnauthenticated)
        );
    }
}

#[test]
fn a_client_opens_channels_and_sends_on_them() {
    for (role, dtls) in ROLES {
        let mut world = World::new(21);
        meet(&mut world, role, dtls, &[(address(NODE_A), 100)]);
        assert!(world.run_until(Duration::from_secs(10), both_connected));
        world.run(Duration::from_secs(1));
        let reliable = world.browser().client.open_channel("theirs", None);
        let lossy = world.browser().client.open_channel("theirs too", Some(0));
        world.run(Duration::from_secs(1));
        for (channel, label) in [(reliable, "theirs"), (lossy, "theirs too")] {
            for n in 0..20_u8 {
                assert!(world.browser().client.send_message(channel, &vec![n; 500]));
            }
            world.run(Duration::from_secs(2));
            let mut messages = world.node(NODE_A).messages(label);
            if channel == lossy {
                messages.sort();
            }
            assert!(messages == (0..20).map(|n| vec![n; 500]).collect::<Vec<_>>(), "{label}");
            let now = world.now;
            let node = &mut world.node(NODE_A).transport;
            node.send_message(now, label, true, b"back").expect("room");
            world.run(Duration::from_secs(1));
            assert_eq!(world.browser().messages().last(), Some(&b"back".to_vec()));
        }
    }
}

#[test]
fn a_rollover_is_passed_both_ways_under_loss() {
    let mut world = World::new(22);
    meet(&mut world, IceRole::Controlling, DtlsRole::Server, &[(address(NODE_A), 100)]);
    assert!(world.run_until(Duration::from_secs(10), both_connected));
    world.loss = 0.3;
    // Half the sequence space at once is the most that may be missed; begin within reach.
    for index in 32_000..=67_000 {
        if index > 33_000 && index < 65_000 {
            continue;
        }
        client_sends(&mut world, index);
        world.send_rtp(NODE_A, DOWN, index, &index.to_be_bytes());
        world.run(Duration::from_millis(2));
    }
    world.run(Duration::from_secs(1));
    let beyond = |index: u64| index > 65_536;
    let up = world.node(NODE_A).rtp.iter().filter(|r| r.0 == UP && beyond(r.1)).count();
    let down = world.browser().received().filter(|r| beyond(r.sequence)).count();
    assert!(up > 900 && down > 900, "{up} up and {down} down of 1464 after the rollover");
}

#[test]
fn a_client_whose_nat_changes_its_port_is_followed() {
    for (role, limit) in [(IceRole::Controlling, 6), (IceRole::Controlled, 12)] {
        let mut world = World::new(23);
        world.nat = Nat::before(address(CLIENT));
        meet(&mut world, role, DtlsRole::Server, &[(address(NODE_A), 100)]);
        assert!(world.run_until(Duration::from_secs(10), both_connected));
        world.run(Duration::from_secs(1));
        let before = world.node(NODE_A).transport.send_to();
        world.nat.rebind();
        let rebound = world.now;
        let moved = world.run_until(Duration::from_secs(20), |world| {
            world.node(NODE_A).events.iter().any(|event| matches!(event, Event::Moved(_)))
        });
        let took = world.now - rebound;
        assert!(moved && took < Duration::from_secs(limit), "{role:?}: {took:?}");
        assert_ne!(world.node(NODE_A).transport.send_to(), before);
        for index in 1..=50 {
            client_sends(&mut world, index);
            world.send_rtp(NODE_A, DOWN, index, &index.to_be_bytes());
            world.run(Duration::from_millis(20));
        }
        world.run(Duration::from_millis(100));
        assert_eq!(world.browser().received().count(), 50);
        assert_eq!(world.node(NODE_A).rtp.iter().filter(|r| r.0 == UP).count(), 50);
    }
}
