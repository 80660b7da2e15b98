//! A client that seals whatever it likes: our own transport, playing the client's part. What it
//! sends is authenticated, and its contents need not make sense.

use crate::peer::{fingerprint, identity};
use crate::world::World;
use lectern_control::media::{
    Codec, CodecName, EncodingParameters, ExtensionId, Feedback, PublicationParameters, Source,
};
use lectern_control::node::Command;
use lectern_control::transport::{
    Candidate, DataParameters, DtlsRole, Duty, IceCredentials, IceRole, PeerParameters,
    Permissions, RemoteParameters,
};
use lectern_control::{ParticipantId, PeerId, Secret, TrackId};
use lectern_media::transport::Transport;
use std::net::SocketAddr;
use std::time::Duration;

/// Codecs it publishes, each on a track and an SSRC of its own: payload type, then that of repairs.
pub const TRACKS: [(CodecName, u8, Option<u8>); 6] = [
    (CodecName::Opus, 96, None),
    (CodecName::Red, 97, None),
    (CodecName::Vp8, 98, Some(99)),
    (CodecName::Vp9, 100, Some(101)),
    (CodecName::H264, 102, Some(103)),
    (CodecName::Av1, 104, Some(105)),
];
/// The SSRC of its first track; the next ones follow.
pub const FIRST_SSRC: u32 = 0xbad_0000;
/// The SSRC of the first track's repairs.
pub const FIRST_RTX_SSRC: u32 = 0xbad_1000;
/// The ids of its header extensions.
pub const MID_ID: u8 = 4;
const NUMBER: u64 = 200;
const ADDRESS: ([u8; 4], u16) = ([10, 66, 6, 6], 6_666);
/// A handshake over no distance takes a few steps.
const MAX_ROUNDS: usize = 200;

/// The intruder.
pub struct Intruder {
    transport: Transport,
    pub address: SocketAddr,
    node: SocketAddr,
    next_index: u64,
}

impl Intruder {
    /// Connects to the first node, and publishes a track of each codec.
    pub fn join(world: &mut World, extensions: &[ExtensionId]) -> Intruder {
        let address = SocketAddr::from(ADDRESS);
        let node = world.nodes[0].address;
        let (ours, theirs) = (credentials("intruder"), credentials("nodeforintruder"));
        let candidate = |address| Candidate { address, priority: 1 };
        let remote = |ice: &IceCredentials, dtls_role, address| RemoteParameters {
            ice: ice.clone(),
            fingerprint: fingerprint(),
            dtls_role,
            candidates: vec![candidate(address)],
        };
        let at_node = PeerParameters {
            participant: ParticipantId(NUMBER),
            duty: Duty::Active,
            ice_role: IceRole::Controlled,
            ice: theirs.clone(),
            generation: 0,
            dtls: identity(),
            remote: Some(remote(&ours, DtlsRole::Server, address)),
            extensions: extensions.to_vec(),
            permissions: Permissions::ALL,
            data: DataParameters::default(),
        };
        let here = PeerParameters {
            ice_role: IceRole::Controlling,
            ice: ours,
            remote: Some(remote(&theirs, DtlsRole::Client, node)),
            ..at_node.clone()
        };
        let peer = PeerId(NUMBER);
        world.command(0, Command::AddPeer { peer, parameters: Box::new(at_node) });
        let transport = Transport::new(world.now, &here, &[address], [66; 32]);
        let transport = transport.expect("the parameters can be used");
        let mut intruder = Intruder { transport, address, node, next_index: 1_000 };
        intruder.handshake(world);
        for (place, codec) in TRACKS.iter().enumerate() {
            let parameters = publication(place, *codec);
            let track = TrackId(NUMBER + place as u64);
            world.command(0, Command::Publish { peer, track, parameters });
        }
        intruder
    }

    /// The tracks it publishes.
    pub fn tracks() -> impl Iterator<Item = (TrackId, CodecName, u8, Option<u8>)> {
        let tracks = TRACKS.iter().enumerate();
        tracks.map(|(place, (name, pt, rtx))| (TrackId(NUMBER + place as u64), *name, *pt, *rtx))
    }

    fn handshake(&mut self, world: &mut World) {
        for _ in 0..MAX_ROUNDS {
            if self.transport.is_connected() && world.connected_peers(0) > world.peers.len() {
                return;
            }
            world.run_for(Duration::from_millis(5));
            self.exchange(world);
        }
        panic!("the intruder is not connected");
    }

    /// Carries datagrams between the two until neither has any.
    pub fn exchange(&mut self, world: &mut World) {
        self.transport.handle_timeout(world.now);
        loop {
            let arrived = world.take_for(self.address);
            for mut bytes in arrived.iter().cloned() {
                self.take(world, &mut bytes);
            }
            let sent: Vec<_> =
                std::iter::from_fn(|| self.transport.poll_transmit()).map(|t| t.bytes).collect();
            for bytes in &sent {
                world.inject(0, self.address, bytes.to_vec());
            }
            if arrived.is_empty() && sent.is_empty() {
                return;
            }
        }
    }

    /// What it receives of media does not matter to it.
    fn take(&mut self, world: &World, bytes: &mut [u8]) {
        use lectern_wire::{Class, classify, stun};
        let handled = match classify(bytes) {
            Class::Stun => stun::Message::parse(bytes)
                .map_err(|_| lectern_media::DropReason::Malformed)
                .and_then(|m| self.transport.handle_stun(world.now, self.address, self.node, &m)),
            Class::Dtls => self.transport.handle_dtls(world.now, self.node, bytes),
            Class::Rtcp => self.transport.open_rtcp(bytes).map(|_| ()),
            Class::Rtp | Class::Unknown => Ok(()),
        };
        handled.expect("the node speaks the truth");
    }

    /// Sends an RTP packet, given without its sequence number; bytes 2 and 3 are overwritten.
    pub fn send_rtp(&mut self, world: &mut World, packet: &[u8]) {
        let index = self.next_index;
        self.next_index += 1;
        let mut buffer = packet.to_vec();
        buffer[2..4].copy_from_slice(&(index as u16).to_be_bytes());
        buffer.resize(packet.len() + Transport::MAX_OVERHEAD, 0);
        let len = self.transport.seal_rtp(index, &mut buffer, packet.len()).expect("can be sealed");
        buffer.truncate(len);
        world.inject(0, self.address, buffer);
    }

    /// Sends an RTCP datagram.
    pub fn send_rtcp(&mut self, world: &mut World, packet: &[u8]) {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + Transport::MAX_OVERHEAD, 0);
        let len = self.transport.seal_rtcp(&mut buffer, packet.len()).expect("can be sealed");
        buffer.truncate(len);
        world.inject(0, self.address, buffer);
    }
}

fn credentials(name: &str) -> IceCredentials {
    let pwd = Secret::new(format!("the password of {name}, long enough"));
    IceCredentials { ufrag: name.to_owned(), pwd }
}

fn publication(
    place: usize,
    (name, payload_type, rtx): (CodecName, u8, Option<u8>),
) -> PublicationParameters {
    let feedback = Feedback { nack: true, pli: true, ..Feedback::default() };
    let codec =
        Codec { name, payload_type, rtx_payload_type: rtx, format: String::new(), feedback };
    let encoding = EncodingParameters {
        ssrc: Some(FIRST_SSRC + place as u32),
        rtx_ssrc: rtx.map(|_| FIRST_RTX_SSRC + place as u32),
        ..EncodingParameters::default()
    };
    PublicationParameters {
        kind: name.kind(),
        source: Source::Camera,
        mid: format!("i{place}"),
        codecs: vec![codec],
        encodings: vec![encoding],
        muted: false,
    }
}
