//! A live transport moves from node A to node B while a client of another make goes on.

use crate::interop::{DOWN, UP, both_connected, client_config, client_sends};
use crate::world::*;
use lectern_control::transport::{
    DataParameters, DtlsRole, Duty, Fingerprint, IceRole, PeerParameters, candidate_priority,
};
use lectern_media::DropReason;
use lectern_media::transport::{Event, INDEX_JUMP, State, Transport};
use lectern_sim::Client;
use lectern_sim::frame::Codec;
use lectern_sim::negotiated::Remote;
use lectern_wire::stun::{Kind, Message};
use lectern_wire::{Class, classify};
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_millis(20);
const GCM_TAG_LEN_BEFORE_INDEX: usize = 0;

/// A call over node A, and what is needed to make node B.
struct Call {
    world: World,
    parameters: PeerParameters,
    up: u64,
    down: u64,
}

impl Call {
    /// Node A, a standby B where the server offers, and a client that has A (and B) in its
    /// description.
    fn begin(seed: u64, role: IceRole) -> Call {
        let mut world = World::new(seed);
        world.wire = Some(Vec::new());
        let (identity, fingerprint) = identity();
        let is_controlling = role == IceRole::Controlled;
        let mut client = Client::new(world.now, client_config(is_controlling, true));
        let promised = Fingerprint(client.fingerprint());
        let parameters = PeerParameters {
            ice_role: role,
            remote: Some(remote(credentials("client"), promised, DtlsRole::Server, &[])),
            data: DataParameters {
                channels: vec![channel("reliable", None), channel("lossy", Some(0))],
                ..DataParameters::default()
            },
            ..parameters(&identity)
        };
        let standby = PeerParameters { duty: Duty::Standby, generation: 1, ..parameters.clone() };
        world.add_node(NODE_A, &parameters);
        let mut candidates = vec![(address(NODE_A), candidate_priority(0, 0))];
        if role == IceRole::Controlling {
            world.add_node(NODE_B, &standby);
            candidates.push((address(NODE_B), candidate_priority(1, 0)));
        }
        client.connect(&Remote {
            ufrag: credentials("node").ufrag,
            password: credentials("node").pwd.expose().clone(),
            fingerprint: fingerprint.0,
            candidates,
        });
        client.publish("up", Codec::Opus, &[(UP, None, None)]);
        client.expect("down", Codec::Opus, DOWN, None);
        world.add_browser(client);
        Call { world, parameters: standby, up: 0, down: 0 }
    }

    fn connect(&mut self) {
        assert!(self.world.run_until(Duration::from_secs(25), both_connected));
        let opened = |world: &mut World| {
            let is_open = |event: &&Event| matches!(event, Event::ChannelOpen { .. });
            world.node(NODE_A).events.iter().filter(is_open).count() == 2
        };
        assert!(self.world.run_until(Duration::from_secs(25), opened));
    }

    /// Sends both ways for some frames, from `at`.
    fn talk(&mut self, at: &str, frames: usize) {
        for _ in 0..frames {
            self.up += 1;
            self.down += 1;
            client_sends(&mut self.world, self.up);
            let payload = self.down.to_be_bytes();
            self.world.send_rtp(at, DOWN, self.down, &payload);
            if self.down.is_multiple_of(10) {
                self.world.send_rtcp(at, UP);
            }
            self.world.run(FRAME);
        }
    }

    fn export(&mut self) -> State {
        let now = self.world.now;
        let state = self.world.node(NODE_A).transport.export(now).expect("connected");
        let bytes = state.encode().expect("encodes");
        assert_eq!(State::decode(&bytes).as_ref(), Ok(&state));
        assert_eq!(state.sealed(), [(DOWN, self.down)]);
        self.down += u64::from(INDEX_JUMP);
        state
    }

    fn take_over(&mut self, state: &State) {
        let now = self.world.now;
        self.world.node(NODE_B).transport.take_over(now, 1, state).expect("takes over");
    }

    fn received_down(&mut self) -> Vec<u64> {
        self.world.browser().received().map(|received| received.sequence).collect()
    }
}

fn first_check(world: &mut World, at: &str) -> bool {
    world.node(at).events.contains(&Event::FirstCheck)
}

/// STUN requests that an address sent since an instant, with what they nominate.
fn checks(world: &World, from: &str, since: Instant) -> Vec<(Instant, bool, u32)> {
    let from = address(from);
    let wire = world.wire.as_deref().unwrap_or_default().iter();
    let checks = wire.filter(|sent| sent.from == from && sent.at >= since).filter_map(|sent| {
        let message = Message::parse(&sent.bytes).ok().filter(|m| m.kind == Kind::Request)?;
        Some((sent.at, message.use_candidate, message.priority.unwrap_or(0)))
    });
    checks.collect()
}

#[test]
fn a_standby_is_mute_until_it_is_warmed_then_answers_and_never_nominates() {
    let mut call = Call::begin(30, IceRole::Controlling);
    call.connect();
    let (b, mut sent_by_b) = (address(NODE_B), 0);
    for sent in call.world.wire.as_deref().unwrap_or_default() {
        sent_by_b += usize::from(sent.from == b);
    }
    assert_eq!(sent_by_b, 0, "mute");
    assert!(call.world.node(NODE_B).drops.contains(&DropReason::Mute));
    let now = call.world.now;
    call.world.node(NODE_B).transport.warm(now);
    let since = call.world.now;
    call.talk(NODE_A, 3_500);
    let checks = checks(&call.world, NODE_B, since);
    assert!(checks.iter().all(|(_, nominating, _)| !nominating));
    assert!((4..=9).contains(&checks.len()), "{} checks in 70 s", checks.len());
    let to_client = call.world.wire.as_deref().unwrap_or_default().iter();
    assert!(to_client.filter(|s| s.from == b).all(|s| classify(&s.bytes) == Class::Stun));
    let a = &mut call.world.node(NODE_A);
    assert_eq!(a.rtp.len(), call.up as usize, "media stayed with A");
    let node = call.world.node(NODE_B);
    assert!(!node.transport.is_connected() && node.transport.send_to().is_none());
    assert!(node.events.is_empty());
}

#[test]
fn a_warm_standby_takes_over_within_a_round_trip() {
    let mut worst = (Duration::ZERO, Duration::ZERO);
    for seed in 0..20 {
        let mut call = Call::begin(seed, IceRole::Controlling);
        call.world.loss = if seed < 4 { 0.0 } else { 0.05 };
        call.connect();
        let now = call.world.now;
        call.world.node(NODE_B).transport.warm(now);
        call.talk(NODE_A, 300);
        let state = call.export();
        call.world.dead.insert(address(NODE_A));
        let died = call.world.now;
        call.take_over(&state);
        let handshakes = count_clear_dtls(&call.world);
        let frames_before = call.received_down().len();
        let (mut down_again, mut up_again) = (None, None);
        for _ in 0..100 {
            call.talk(NODE_B, 1);
            let now = call.world.now;
            if call.received_down().len() > frames_before {
                down_again.get_or_insert(now - died);
            }
            if !call.world.node(NODE_B).rtp.is_empty() {
                up_again.get_or_insert(now - died);
            }
        }
        assert!(first_check(&mut call.world, NODE_B), "seed {seed}");
        let gaps = down_again.zip(up_again).expect("media flows again");
        worst = (worst.0.max(gaps.0), worst.1.max(gaps.1));
        assert_eq!(count_clear_dtls(&call.world), handshakes, "no new handshake");
        let claims = checks(&call.world, NODE_B, died);
        let nominating = claims.iter().filter(|(_, nominating, _)| *nominating).count();
        assert!((20..=28).contains(&nominating), "{nominating} nominating checks");
        let wire = call.world.wire.take().unwrap_or_default();
        let nodes = [NODE_A, NODE_B];
        let indices = assert_no_index_twice(&wire, &nodes, GCM_TAG_LEN_BEFORE_INDEX);
        assert!(indices.rtp.len() == 400 && indices.rtcp.len() >= 39 && !indices.dtls.is_empty());
    }
    println!("worst gap at 20 ms round trip: {:?} down, {:?} up", worst.0, worst.1);
    assert!(worst.0 < Duration::from_millis(150), "{:?} down", worst.0);
    assert!(worst.1 < Duration::from_millis(300), "{:?} up", worst.1);
}

/// DTLS records in the clear on the wire: those of handshakes.
fn count_clear_dtls(world: &World) -> usize {
    let wire = world.wire.as_deref().unwrap_or_default().iter();
    wire.filter(|sent| classify(&sent.bytes) == Class::Dtls && sent.bytes[3..5] == [0, 0]).count()
}

#[test]
fn a_standby_behind_another_port_of_a_nat_goes_on_to_the_port_it_learned() {
    let mut call = Call::begin(31, IceRole::Controlling);
    call.world.nat = Nat::before(address(CLIENT));
    call.connect();
    let now = call.world.now;
    call.world.node(NODE_B).transport.warm(now);
    call.talk(NODE_A, 1_000);
    let at_a = call.world.node(NODE_A).transport.send_to().expect("connected");
    let state = call.export();
    assert_eq!(state.address(), at_a);
    call.world.dead.insert(address(NODE_A));
    call.take_over(&state);
    let at_b = call.world.node(NODE_B).transport.send_to().expect("connected");
    assert_ne!(at_a, at_b, "the NAT gives each node another port");
    let before = call.received_down().len();
    call.talk(NODE_B, 50);
    assert!(call.received_down().len() >= before + 48);
    assert!(call.world.node(NODE_B).rtp.len() > 40);
}

#[test]
fn where_nothing_was_warm_a_request_of_higher_priority_goes_out_at_once() {
    for role in [IceRole::Controlling, IceRole::Controlled] {
        let mut call = Call::begin(32, role);
        call.connect();
        call.talk(NODE_A, 100);
        let state = call.export();
        call.world.dead.insert(address(NODE_A));
        let died = call.world.now;
        let random = call.world.random();
        let parameters = PeerParameters { duty: Duty::Active, ..call.parameters.clone() };
        let at = [address(NODE_B)];
        let restored = Transport::restore(died, &parameters, &at, random, &state);
        if role == IceRole::Controlling {
            // The standby that was never warmed gives way to the one made now.
            call.world.dead.remove(&address(NODE_A));
            call.world.node(NODE_B).transport = restored.expect("restores");
            call.world.dead.insert(address(NODE_A));
        } else {
            call.world.add_transport(NODE_B, restored.expect("restores"));
        }
        call.talk(NODE_B, 25);
        assert!(first_check(&mut call.world, NODE_B), "{role:?}");
        let claims = checks(&call.world, NODE_B, died);
        assert!(claims.len() >= 20, "{role:?}: {}", claims.len());
        assert_eq!(claims[0].0, died);
        assert!(claims.iter().all(|claim| claim.2 > candidate_priority(0, 0)));
        let nominates = role == IceRole::Controlling;
        assert!(claims.iter().take(20).all(|claim| claim.1 == nominates), "{role:?}");
        let last = call.received_down().last().copied();
        assert!(last > Some(512), "{role:?}: media from B is heard: {last:?}");
    }
}

#[test]
fn reliable_messages_are_neither_lost_nor_doubled_by_a_calm_move() {
    let mut waits = Vec::new();
    for seed in 0..30 {
        let mut call = Call::begin(seed, IceRole::Controlling);
        call.connect();
        let now = call.world.now;
        call.world.node(NODE_B).transport.warm(now);
        call.talk(NODE_A, 50);
        call.world.loss = 0.1;
        let theirs = call.world.browser().client.open_channel("theirs", None);
        call.world.run(Duration::from_secs(5));
        let (mut down, mut up) = (Vec::new(), Vec::new());
        let mut at = NODE_A;
        for n in 0..200_u8 {
            let message = vec![n; 1 + usize::from(n) * 11];
            let now = call.world.now;
            let node = &mut call.world.node(at).transport;
            node.send_message(now, "reliable", true, &message).expect("room");
            down.push(message.clone());
            if call.world.browser().client.send_message(theirs, &message) {
                up.push(message);
            }
            call.world.run(Duration::from_millis(7));
            if n == 100 {
                let asked = call.world.now;
                let ready = call.world.run_until(Duration::from_secs(20), |world| {
                    world.node(NODE_A).transport.is_export_ready()
                });
                assert!(ready, "seed {seed}");
                waits.push(call.world.now - asked);
                let state = call.export();
                call.take_over(&state);
                at = NODE_B;
            }
        }
        call.world.run(Duration::from_secs(20));
        assert!(call.world.browser().messages() == down, "seed {seed} down");
        let mut received = call.world.node(NODE_A).messages("theirs");
        received.extend(call.world.node(NODE_B).messages("theirs"));
        assert!(received == up, "seed {seed} up: {} of {}", received.len(), up.len());
        let wire = call.world.wire.take().unwrap_or_default();
        assert_no_index_twice(&wire, &[NODE_A, NODE_B], GCM_TAG_LEN_BEFORE_INDEX);
    }
    waits.sort();
    println!("waited for an export: {:?} median, {:?} at most", waits[15], waits[29]);
}

#[test]
fn an_exported_transport_sends_nothing_and_still_opens_what_comes() {
    let mut call = Call::begin(33, IceRole::Controlling);
    call.connect();
    call.talk(NODE_A, 50);
    let state = call.export();
    let sent = |call: &Call| {
        let wire = call.world.wire.as_deref().unwrap_or_default().iter();
        wire.filter(|sent| sent.from == address(NODE_A)).count()
    };
    let before = sent(&call);
    for _ in 0..100 {
        call.up += 1;
        let up = call.up;
        client_sends(&mut call.world, up);
        call.world.run(FRAME);
    }
    assert_eq!(sent(&call), before);
    assert_eq!(call.world.node(NODE_A).rtp.len() as u64, call.up, "it still opens");
    let now = call.world.now;
    let transport = &mut call.world.node(NODE_A).transport;
    let mut packet = rtp(DOWN, 10_000, b"late");
    let len = packet.len();
    packet.resize(len + Transport::MAX_OVERHEAD, 0);
    assert_eq!(transport.seal_rtp(10_000, &mut packet, len), Err(DropReason::NotConnected));
    assert_eq!(transport.seal_rtcp(&mut packet, 12), Err(DropReason::NotConnected));
    let refused = transport.send_message(now, "reliable", true, b"late");
    assert_eq!(refused, Err(DropReason::NotConnected));
    assert!(transport.export(now).is_err() && transport.deadline().is_none());
    assert!(transport.take_over(now, 2, &state).is_err(), "only a standby takes over");
}

#[test]
fn a_move_back_and_forth_never_repeats_an_index() {
    let mut call = Call::begin(34, IceRole::Controlling);
    call.world.loss = 0.03;
    call.connect();
    let now = call.world.now;
    call.world.node(NODE_B).transport.warm(now);
    call.talk(NODE_A, 100);
    let mut at = NODE_A;
    let mut state = call.export();
    for generation in 1..=20_u16 {
        let to = if at == NODE_A { NODE_B } else { NODE_A };
        let random = call.world.random();
        let parameters = PeerParameters { generation, ..call.parameters.clone() };
        let now = call.world.now;
        let there = [address(to)];
        let transport = Transport::restore(now, &parameters, &there, random, &state);
        call.world.node(to).transport = transport.expect("restores");
        call.world.node(to).events.clear();
        call.talk(to, 60);
        assert!(first_check(&mut call.world, to), "generation {generation}");
        let now = call.world.now;
        let node = &mut call.world.node(to).transport;
        node.send_message(now, "lossy", true, b"still here").expect("room");
        call.talk(to, 10);
        let now = call.world.now;
        state = call.world.node(to).transport.export(now).expect("connected");
        call.down += u64::from(INDEX_JUMP);
        at = to;
    }
    let received = call.received_down();
    assert!(received.last() > Some(&(20 * 512)), "{:?}", received.last());
    let wire = call.world.wire.take().unwrap_or_default();
    let indices = assert_no_index_twice(&wire, &[NODE_A, NODE_B], GCM_TAG_LEN_BEFORE_INDEX);
    assert!(indices.rtp.len() > 1_400 && indices.dtls.len() > 20);
}

#[test]
fn damaged_states_are_refused_and_never_panic() {
    let mut call = Call::begin(35, IceRole::Controlling);
    call.connect();
    call.talk(NODE_A, 20);
    let state = call.export();
    let bytes = state.encode().expect("encodes");
    println!("an exported transport has {} bytes", bytes.len());
    let now = call.world.now;
    let parameters = call.parameters.clone();
    let mut restored = 0;
    for place in 0..bytes.len() {
        assert!(State::decode(&bytes[..place]).is_err());
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        if let Ok(state) = State::decode(&damaged) {
            let random = call.world.random();
            let at = [address(NODE_B)];
            restored +=
                usize::from(Transport::restore(now, &parameters, &at, random, &state).is_ok());
        }
    }
    assert!(restored < bytes.len());
}
