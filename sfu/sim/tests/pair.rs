//! Two clients over a bad network, without anything between them: what the ledger says of a path
//! that only `str0m` repairs is what a node between them is measured by.

use lectern_sim::client::Event;
use lectern_sim::frame::Codec;
use lectern_sim::ledger::{Expected, Report};
use lectern_sim::negotiated::{Config, Remote};
use lectern_sim::network;
use lectern_sim::source::{self, EncodingConfig};
use lectern_sim::{Client, Ledger, Link, Source};
use lectern_wire::DataSize;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(20);
const SSRC: u32 = 1_000;
const RTX: u32 = 1_001;

/// A publisher and a subscriber with a link in each direction.
struct Pair {
    now: Instant,
    clients: [Client; 2],
    links: [Link<Vec<u8>>; 2],
}

impl Pair {
    fn new(network: &network::Config, seed: u64) -> Pair {
        let now = Instant::now();
        let mut clients = [0u8, 1].map(|side| {
            Client::new(
                now,
                Config {
                    address: SocketAddr::from(([10, 0, 0, side], 5_000)),
                    ufrag: format!("ufrag{side}"),
                    password: format!("a password of enough letters {side}"),
                    is_controlling: side == 0,
                    begins_dtls: side == 0,
                    first_payload_type: 96,
                    first_extension: 1,
                },
            )
        });
        let remotes = [1, 0].map(|other: usize| Remote {
            ufrag: clients[other].config().ufrag.clone(),
            password: clients[other].config().password.clone(),
            fingerprint: clients[other].fingerprint(),
            candidates: vec![(clients[other].config().address, 1 << 20)],
        });
        for (client, remote) in clients.iter_mut().zip(&remotes) {
            client.connect(remote);
        }
        let links = [0, 1].map(|side| Link::new(now, network.clone(), seed * 2 + side));
        Pair { now, clients, links }
    }

    /// Lets everything that happens until the next event happen; returns events by client.
    fn step(&mut self, until: Instant) -> Vec<(usize, Event)> {
        let clients = self.clients.iter().map(Client::deadline);
        let links = self.links.iter().filter_map(Link::deadline);
        let next = clients.chain(links).chain([until]).min().expect("some");
        self.now = self.now.max(next);
        for side in 0..2 {
            let other = self.clients[1 - side].config().address;
            while let Some(bytes) = self.links[1 - side].pop(self.now) {
                self.clients[side].handle_datagram(self.now, other, &bytes);
            }
            if self.clients[side].deadline() <= self.now {
                self.clients[side].handle_timeout(self.now);
            }
            while let Some((_, bytes)) = self.clients[side].poll_transmit() {
                let size = DataSize::bytes(bytes.len() as u64);
                self.links[side].push(self.now, size, bytes);
            }
        }
        let mut events = Vec::new();
        for (side, client) in self.clients.iter_mut().enumerate() {
            events.extend(std::iter::from_fn(|| client.poll_event()).map(|event| (side, event)));
        }
        events
    }
}

fn run(codec: Codec, network: &network::Config, seed: u64) -> Report {
    let mut pair = Pair::new(network, seed);
    let rtx = codec.is_video().then_some(RTX);
    pair.clients[0].publish("mid", codec, &[(SSRC, rtx, None)]);
    pair.clients[1].expect("mid", codec, SSRC, rtx);
    let (payload_type, _) = pair.clients[1].config().payload_types(codec);
    let expected = Expected { track: 7, codec, ssrc: SSRC, payload_type, interval: INTERVAL };
    let mut ledger = Ledger::new(expected);
    let mut source: Option<Source> = None;
    let mut connected = 0;
    let end = pair.now + Duration::from_secs(8);
    while pair.now < end {
        let next = source.as_ref().map_or(end, Source::deadline).min(end);
        for (side, event) in pair.step(next) {
            match event {
                Event::Connected => connected += 1,
                Event::Received(packet) => ledger.record(pair.now, &packet),
                Event::KeyframeWanted { .. } | Event::ChannelOpen { .. } => {}
                other => panic!("client {side}: {other:?}"),
            }
        }
        if connected == 2 {
            let config = source::Config {
                track: 7,
                codec,
                mid: "mid".to_owned(),
                incarnation: 0,
                interval: INTERVAL,
                payload_len: 1_000,
                encodings: vec![EncodingConfig {
                    ssrc: SSRC,
                    rtx,
                    rid: None,
                    first_sequence: 65_400,
                    first_timestamp: u32::MAX - 90_000,
                    max_packets: 3,
                }],
            };
            let now = pair.now;
            let source = source.get_or_insert_with(|| Source::new(now, config, seed));
            // The last half second is for repairs.
            if now + Duration::from_millis(500) < end {
                for packet in source.produce(now) {
                    pair.clients[0].send(now, packet);
                }
            } else {
                source.pause(Duration::from_secs(1));
            }
        }
    }
    assert_eq!(connected, 2, "both are connected");
    ledger.report()
}

#[test]
fn a_good_network_delivers_everything() {
    let network = network::Config { delay: 10 * MS, ..network::Config::default() };
    for codec in [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264] {
        let report = run(codec, &network, 1);
        assert_eq!((report.faults.as_slice(), report.missing), (&[][..], 0), "{codec:?}");
        assert!(report.received > 300 && report.whole_frames > 300, "{report:?}");
    }
}

#[test]
fn losses_are_repaired_and_duplicates_and_disorder_not_seen() {
    for seed in 0..5 {
        let network = network::Config {
            delay: 20 * MS,
            jitter: 5 * MS,
            loss: 0.02,
            reordering: 0.02,
            duplication: 0.02,
            ..network::Config::default()
        };
        let report = run(Codec::Vp8, &network, seed);
        assert_eq!((report.faults.as_slice(), report.missing), (&[][..], 0), "seed {seed}");
        assert!(report.whole_frames > 300, "{report:?}");
    }
}

const MS: Duration = Duration::from_millis(1);
