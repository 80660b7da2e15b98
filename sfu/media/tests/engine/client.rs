//! A client made of one of our transports in the opposite role: it can send any packet it likes.

use lectern_control::media::{Extension, ExtensionId};
use lectern_control::transport::{
    Candidate, DataParameters, DtlsIdentity, DtlsRole, Duty, Fingerprint, IceCredentials, IceRole,
    PeerParameters, Permissions, RemoteParameters, candidate_priority,
};
use lectern_control::{ParticipantId, Secret};
use lectern_media::transport::{Event, Transport};
use lectern_wire::rtp::{Fields, Form, HeaderWriter, View};
use lectern_wire::stun::Message;
use lectern_wire::{Class, PayloadType, RtpTime, Ssrc, classify, rtcp};
use std::net::SocketAddr;
use std::time::Instant;

/// Ids of header extensions at every client.
pub const EXTENSIONS: [(u8, Extension); 8] = [
    (1, Extension::AudioLevel),
    (3, Extension::TransportWideSequence),
    (4, Extension::Mid),
    (5, Extension::AbsoluteCaptureTime),
    (6, Extension::PlayoutDelay),
    (10, Extension::Rid),
    (11, Extension::RepairedRid),
    (13, Extension::DependencyDescriptor),
];

pub fn extension_ids() -> Vec<ExtensionId> {
    EXTENSIONS.map(|(id, extension)| ExtensionId { id, extension }).to_vec()
}

/// A certificate with its key, and its fingerprint.
pub fn identity() -> (DtlsIdentity, Fingerprint) {
    let made = rcgen::generate_simple_self_signed(vec!["webrtc".to_owned()]).expect("a key");
    let certificate = made.cert.der().to_vec();
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
    let fingerprint = Fingerprint(digest.as_ref().try_into().expect("32 bytes"));
    let private_key = Secret::new(made.signing_key.serialize_der());
    (DtlsIdentity { certificate, private_key }, fingerprint)
}

pub fn credentials(name: &str) -> IceCredentials {
    let pwd = Secret::new(format!("{name}-password-of-many-bits"));
    IceCredentials { ufrag: format!("ufrag-{name}"), pwd }
}

fn candidate(address: SocketAddr, generation: u16) -> Candidate {
    Candidate { address, priority: candidate_priority(generation, 0) }
}

/// An RTP packet as a client sends or receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rtp {
    pub ssrc: u32,
    /// The extended sequence number.
    pub index: u64,
    pub timestamp: u32,
    pub payload_type: u8,
    pub marker: bool,
    pub extensions: Vec<(u8, Vec<u8>)>,
    pub payload: Vec<u8>,
}

/// A client and what it has received.
pub struct Client {
    pub transport: Transport,
    pub address: SocketAddr,
    pub is_connected: bool,
    pub rtp: Vec<Rtp>,
    /// Whole compounds in the clear.
    pub rtcp: Vec<Vec<u8>>,
    pub messages: Vec<(String, Vec<u8>)>,
    /// Datagrams that could not be opened.
    pub refused: usize,
    pub outgoing: Vec<(SocketAddr, Vec<u8>)>,
}

/// How a client and its peer on a node are introduced to each other.
pub struct Introduction {
    /// Names credentials and seeds; different for each client.
    pub name: String,
    pub participant: u64,
    /// The client offers, and nominates.
    pub offers: bool,
    pub permissions: Permissions,
    pub data: DataParameters,
}

impl Client {
    /// A client at `address` and the parameters of its peer on a node at `node`.
    pub fn new(
        now: Instant,
        introduction: &Introduction,
        address: SocketAddr,
        node: SocketAddr,
        seed: u8,
    ) -> (Client, PeerParameters) {
        let Introduction { name, participant, offers, permissions, data } = introduction;
        let (ours, fingerprint) = identity();
        let (theirs, node_fingerprint) = identity();
        let (client_ice, node_ice) = (credentials(&format!("{name}-c")), credentials(name));
        let (client_role, node_role) = match offers {
            true => (IceRole::Controlling, IceRole::Controlled),
            false => (IceRole::Controlled, IceRole::Controlling),
        };
        let client = PeerParameters {
            participant: ParticipantId(*participant),
            duty: Duty::Active,
            ice_role: client_role,
            ice: client_ice.clone(),
            generation: 0,
            dtls: ours,
            remote: Some(RemoteParameters {
                ice: node_ice.clone(),
                fingerprint: node_fingerprint,
                dtls_role: DtlsRole::Client,
                candidates: vec![candidate(node, 0)],
            }),
            extensions: Vec::new(),
            permissions: Permissions::NONE,
            data: DataParameters::default(),
        };
        let peer = PeerParameters {
            ice_role: node_role,
            ice: node_ice,
            dtls: theirs,
            remote: Some(RemoteParameters {
                ice: client_ice,
                fingerprint,
                dtls_role: DtlsRole::Server,
                candidates: vec![candidate(address, 0)],
            }),
            extensions: extension_ids(),
            permissions: *permissions,
            data: data.clone(),
            ..client.clone()
        };
        let transport =
            Transport::new(now, &client, &[address], [seed; 32]).expect("usable parameters");
        let client = Client {
            transport,
            address,
            is_connected: false,
            rtp: Vec::new(),
            rtcp: Vec::new(),
            messages: Vec::new(),
            refused: 0,
            outgoing: Vec::new(),
        };
        (client, peer)
    }

    /// Takes a datagram of the node.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &mut [u8]) {
        match classify(bytes) {
            Class::Stun => {
                let message = Message::parse(bytes).expect("a STUN message");
                self.refused += usize::from(
                    self.transport.handle_stun(now, self.address, from, &message).is_err(),
                );
            }
            Class::Dtls => {
                self.refused += usize::from(self.transport.handle_dtls(now, from, bytes).is_err());
            }
            Class::Rtp => match self.transport.open_rtp(bytes) {
                Ok(opened) => self.rtp.push(read(&bytes[..opened.len], opened.index)),
                Err(_) => self.refused += 1,
            },
            Class::Rtcp => match self.transport.open_rtcp(bytes) {
                Ok(len) => self.rtcp.push(bytes[..len].to_vec()),
                Err(_) => self.refused += 1,
            },
            Class::Unknown => panic!("the node sent what belongs to no protocol"),
        }
        self.collect();
    }

    /// Takes what the transport has to say and to send.
    pub fn collect(&mut self) {
        while let Some(event) = self.transport.poll_event() {
            match event {
                Event::Connected(_) => self.is_connected = true,
                Event::Message { label, payload, .. } => {
                    self.messages.push((label, payload.to_vec()));
                }
                _ => {}
            }
        }
        while let Some(transmit) = self.transport.poll_transmit() {
            self.outgoing.push((transmit.remote, transmit.bytes.to_vec()));
        }
    }

    /// Sends a packet to wherever media goes.
    pub fn send(&mut self, packet: &Rtp) {
        let remote = self.transport.send_to().expect("connected");
        let mut buffer = vec![0; 1_500];
        let len = write(packet, &mut buffer);
        let sealed = self.transport.seal_rtp(packet.index, &mut buffer, len).expect("a new index");
        buffer.truncate(sealed);
        self.outgoing.push((remote, buffer));
    }

    /// Sends RTCP.
    pub fn send_rtcp(&mut self, write: impl FnOnce(&mut rtcp::Writer<'_>)) {
        let remote = self.transport.send_to().expect("connected");
        let mut buffer = vec![0; 1_500];
        let mut writer = rtcp::Writer::new(&mut buffer);
        write(&mut writer);
        let len = writer.len();
        let sealed = self.transport.seal_rtcp(&mut buffer, len).expect("a new index");
        buffer.truncate(sealed);
        self.outgoing.push((remote, buffer));
    }
}

/// Writes a packet in the clear; gives its length.
pub fn write(packet: &Rtp, buffer: &mut [u8]) -> usize {
    let fields = Fields {
        marker: packet.marker,
        payload_type: PayloadType::from_low_bits(packet.payload_type),
        sequence: packet.index as u16,
        timestamp: RtpTime(packet.timestamp),
        ssrc: Ssrc(packet.ssrc),
    };
    let long = packet.extensions.iter().any(|(_, value)| value.len() > 16);
    let form = if long { Form::TwoByte } else { Form::OneByte };
    let mut writer = HeaderWriter::new(buffer, &fields, form).expect("room");
    for (id, value) in &packet.extensions {
        writer.extension(*id, value).expect("room");
    }
    let start = writer.finish().expect("room");
    let len = start + packet.payload.len();
    buffer[start..len].copy_from_slice(&packet.payload);
    len
}

fn read(bytes: &[u8], index: u64) -> Rtp {
    let view = View::parse(bytes).expect("the node sends well-formed packets");
    let fields = view.header.fields;
    assert_eq!(fields.sequence, index as u16);
    Rtp {
        ssrc: fields.ssrc.0,
        index,
        timestamp: fields.timestamp.0,
        payload_type: fields.payload_type.value(),
        marker: fields.marker,
        extensions: view.extensions().map(|(id, value)| (id, value.to_vec())).collect(),
        payload: view.payload().to_vec(),
    }
}
