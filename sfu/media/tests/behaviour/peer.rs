//! A client in the virtual world, its path to the nodes, what it sends and what it receives.

use crate::audit::{Audit, Trace};
use lectern_control::media::{Codec, CodecName, ExtensionId, Feedback, MediaKind, PayloadMapping};
use lectern_control::transport::{
    DataParameters, DtlsIdentity, DtlsRole, Duty, Fingerprint, IceCredentials, IceRole,
    PeerParameters, Permissions, RemoteParameters,
};
use lectern_control::{ParticipantId, PeerId, Secret};
use lectern_sim::client::{ChannelId, Received};
use lectern_sim::frame;
use lectern_sim::negotiated::{CODECS, Config, HeaderExtension, Remote};
use lectern_sim::network;
use lectern_sim::{Client, Ledger, Link, Listener, Source};
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Instant;

/// A node's certificate. One is made for each participant; tests may share it.
static IDENTITY: LazyLock<(DtlsIdentity, Fingerprint)> = LazyLock::new(|| {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::new(vec!["node.test".to_owned()])
        .and_then(|parameters| parameters.self_signed(&key))
        .expect("a certificate");
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate.der());
    let fingerprint = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
    let identity = DtlsIdentity {
        certificate: certificate.der().to_vec(),
        private_key: Secret::new(key.serialize_der()),
    };
    (identity, Fingerprint(fingerprint))
});

/// The certificate that nodes show.
pub fn identity() -> DtlsIdentity {
    IDENTITY.0.clone()
}

/// The fingerprint of [`identity`].
pub fn fingerprint() -> Fingerprint {
    IDENTITY.1
}

/// How a client joins.
#[derive(Debug, Clone)]
pub struct Join {
    /// Its network, in each direction.
    pub network: network::Config,
    /// Who nominates: the client where the browser offers.
    pub client_is_controlling: bool,
    /// Another node that holds the peer warm, listed as a candidate from the beginning.
    pub standby: Option<usize>,
    /// What it may do.
    pub permissions: Permissions,
    /// Data channels.
    pub data: DataParameters,
}

impl Join {
    pub fn over(network: &network::Config) -> Join {
        Join {
            network: network.clone(),
            client_is_controlling: false,
            standby: None,
            permissions: Permissions::ALL,
            data: DataParameters::default(),
        }
    }
}

/// A data message as a client received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub label: String,
    pub bytes: Vec<u8>,
}

/// A client with all that belongs to it.
pub struct Peer {
    pub id: PeerId,
    pub began: Instant,
    pub parameters: PeerParameters,
    /// The node that is active for it.
    pub node: usize,
    pub standby: Option<usize>,
    pub client: Client,
    pub up: Link<(SocketAddr, Vec<u8>)>,
    pub down: Link<(SocketAddr, Vec<u8>)>,
    pub sources: Vec<Source>,
    pub ledgers: Vec<Ledger>,
    pub listeners: Vec<Listener>,
    pub audit: Audit,
    pub trace: Trace,
    /// Datagrams it sends, while they are being captured.
    pub captured: Option<Vec<Vec<u8>>>,
    pub connected_at: Option<Instant>,
    pub is_closed: bool,
    pub keyframe_requests: u64,
    /// When it last asked for a keyframe itself.
    pub asked_at: Option<Instant>,
    pub channels: Vec<(ChannelId, String)>,
    pub messages: Vec<Message>,
    /// Packets of streams that nobody announced.
    pub strays: Vec<Received>,
}

/// What a peer is made from.
pub struct Make<'a> {
    pub number: u16,
    pub began: Instant,
    pub now: Instant,
    pub node: (usize, lectern_control::transport::Candidate),
    pub standby: Option<(usize, lectern_control::transport::Candidate)>,
    pub join: &'a Join,
    pub seed: u64,
}

impl Peer {
    pub fn new(make: &Make<'_>) -> Peer {
        let Make { number, now, join, .. } = *make;
        let [high, low] = number.to_be_bytes();
        let config = Config {
            address: SocketAddr::from(([10, 0, high, low], 5_000)),
            ufrag: format!("clientufrag{number}"),
            password: format!("a client's password, long enough {number}"),
            is_controlling: join.client_is_controlling,
            begins_dtls: true,
            // Every client has other payload types and extension ids: the engine must map them.
            first_payload_type: 96 + 8 * (low % 3),
            first_extension: 1 + low % 8,
        };
        let mut client = Client::new(now, config);
        let parameters = parameters(number, &mut client, join);
        let candidates = make.standby.into_iter().chain([make.node]).map(|(_, c)| c);
        let remote = Remote {
            ufrag: parameters.ice.ufrag.clone(),
            password: parameters.ice.pwd.expose().clone(),
            fingerprint: fingerprint().0,
            candidates: candidates.map(|c| (c.address, c.priority)).collect(),
        };
        match join.data.channels.is_empty() {
            true => client.connect_media(&remote),
            false => client.connect(&remote),
        }
        let link = |way: u64| Link::new(make.began, join.network.clone(), make.seed ^ way << 32);
        Peer {
            id: PeerId(u64::from(number)),
            began: make.began,
            parameters,
            node: make.node.0,
            standby: make.standby.map(|(node, _)| node),
            client,
            up: link(1),
            down: link(2),
            sources: Vec::new(),
            ledgers: Vec::new(),
            listeners: Vec::new(),
            audit: Audit::default(),
            trace: Trace::default(),
            captured: None,
            connected_at: None,
            is_closed: false,
            keyframe_requests: 0,
            asked_at: None,
            channels: Vec::new(),
            messages: Vec::new(),
            strays: Vec::new(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.client.config().address
    }

    /// The codec as this client negotiated it.
    pub fn codec(&self, codec: frame::Codec) -> Codec {
        let (payload_type, rtx_payload_type) = self.client.config().payload_types(codec);
        let is_video = codec.is_video();
        let feedback = Feedback {
            nack: is_video,
            pli: is_video,
            fir: is_video,
            transport_wide: true,
            remb: false,
        };
        let name = codec_name(codec);
        Codec { name, payload_type, rtx_payload_type, format: String::new(), feedback }
    }

    /// How a publisher's payload types become this client's.
    pub fn payloads_from(&self, publisher: &Peer) -> Vec<PayloadMapping> {
        let mapping = |codec| {
            let (from, _) = publisher.client.config().payload_types(codec);
            let (to, rtx) = self.client.config().payload_types(codec);
            PayloadMapping { from, to, rtx }
        };
        CODECS.map(mapping).to_vec()
    }
}

pub fn codec_name(codec: frame::Codec) -> CodecName {
    match codec {
        frame::Codec::Opus => CodecName::Opus,
        frame::Codec::Vp8 => CodecName::Vp8,
        frame::Codec::Vp9 => CodecName::Vp9,
        frame::Codec::H264 => CodecName::H264,
    }
}

pub fn media_kind(codec: frame::Codec) -> MediaKind {
    codec_name(codec).kind()
}

/// What the node is told about a client.
fn parameters(number: u16, client: &mut Client, join: &Join) -> PeerParameters {
    let fingerprint_of_client = Fingerprint(client.fingerprint());
    let config = client.config();
    let ice = |ufrag: String, pwd: String| IceCredentials { ufrag, pwd: Secret::new(pwd) };
    PeerParameters {
        participant: ParticipantId(1_000 + u64::from(number)),
        duty: Duty::Active,
        ice_role: if join.client_is_controlling {
            IceRole::Controlled
        } else {
            IceRole::Controlling
        },
        ice: ice(format!("nodeufrag{number}"), format!("a node's password, long enough {number}")),
        generation: 0,
        dtls: identity(),
        remote: Some(RemoteParameters {
            ice: ice(config.ufrag.clone(), config.password.clone()),
            fingerprint: fingerprint_of_client,
            dtls_role: DtlsRole::Server,
            candidates: Vec::new(),
        }),
        extensions: config.extension_ids().map(|(id, name)| extension(id, name)).collect(),
        permissions: join.permissions,
        data: join.data.clone(),
    }
}

fn extension(id: u8, name: HeaderExtension) -> ExtensionId {
    use lectern_control::media::Extension;
    let extension = match name {
        HeaderExtension::AudioLevel => Extension::AudioLevel,
        HeaderExtension::AbsoluteSendTime => Extension::AbsoluteSendTime,
        HeaderExtension::TransportSequence => Extension::TransportWideSequence,
        HeaderExtension::Mid => Extension::Mid,
        HeaderExtension::Rid => Extension::Rid,
        HeaderExtension::RepairedRid => Extension::RepairedRid,
    };
    ExtensionId { id, extension }
}
