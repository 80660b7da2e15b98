//! Parameters of a peer's transport: ICE, DTLS, data channels, permissions.

use crate::media::ExtensionId;
use crate::{ParticipantId, Secret};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// User fragment and password of one side (RFC 8445 section 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceCredentials {
    /// 4 to 256 characters; ours carry at least 48 random bits.
    pub ufrag: String,
    /// 22 to 256 characters; ours carry at least 128 random bits.
    pub pwd: Secret<String>,
}

/// Who nominates (RFC 8445 section 6.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IceRole {
    /// The node nominates: where the server offers.
    Controlling,
    /// The client nominates: where the browser offers.
    Controlled,
}

/// Which part a node plays for a peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Duty {
    /// Runs the handshake and sends media.
    #[default]
    Active,
    /// Holds the peer warm: mute until [`crate::node::Command::WarmStandby`], then answers checks
    /// and sends one about every 15 s, never nominates, sends no media.
    Standby,
}

/// A candidate of one side. Only UDP host candidates of nodes, and whatever a client names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Candidate {
    /// Address and port.
    pub address: SocketAddr,
    /// Priority (RFC 8445 section 5.1.2).
    pub priority: u32,
}

/// The priority of a node's candidate in the `generation`-th place a transport lives at.
///
/// The first node has generation 0 and its standby 1; each takeover needs a higher priority than
/// all before it, so the first is low and leaves room (RFC 8445 section 5.1.2.1: type preference of
/// a host candidate 126, component 1). `rank` orders the addresses of one node, best first.
pub fn candidate_priority(generation: u16, rank: u8) -> u32 {
    const TYPE_PREFERENCE_HOST: u32 = 126;
    const COMPONENT_RTP: u32 = 1;
    let generation = u32::from(generation.min(254));
    let local_preference = (generation << 8) | u32::from(255 - rank);
    (TYPE_PREFERENCE_HOST << 24) | (local_preference << 8) | (256 - COMPONENT_RTP)
}

/// The SHA-256 fingerprint of a certificate (RFC 8122 section 5). Older hashes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    /// As in `a=fingerprint`: `sha-256 AB:CD:…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha-256 ")?;
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

/// Who begins the DTLS handshake (RFC 5763 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DtlsRole {
    /// The node sends the ClientHello: the client said `setup:passive`.
    Client,
    /// The node waits: the client said `setup:active`.
    Server,
}

/// Our side of DTLS: one certificate for each participant, made by the edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DtlsIdentity {
    /// The certificate, DER.
    #[serde(with = "serde_bytes")]
    pub certificate: Vec<u8>,
    /// Its private key, PKCS#8 DER, ECDSA P-256.
    pub private_key: Secret<Vec<u8>>,
}

/// What the client's description says about its transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteParameters {
    /// Its ICE credentials.
    pub ice: IceCredentials,
    /// The fingerprint its certificate must have.
    pub fingerprint: Fingerprint,
    /// Our part in the handshake.
    pub dtls_role: DtlsRole,
    /// Its candidates so far. Empty is fine: checks from the client make peer-reflexive ones.
    pub candidates: Vec<Candidate>,
}

/// What a peer may do; enforced by the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// May publish tracks.
    pub publish: bool,
    /// May receive tracks.
    pub subscribe: bool,
    /// May send data messages.
    pub publish_data: bool,
}

impl Permissions {
    /// A presenter's.
    pub const ALL: Permissions = Permissions { publish: true, subscribe: true, publish_data: true };
    /// Nothing: in the lobby, or removed.
    pub const NONE: Permissions =
        Permissions { publish: false, subscribe: false, publish_data: false };
}

/// A data channel that the node opens with the client (RFC 8832).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelParameters {
    /// The label; messages go from a channel to the channels of the same label.
    pub label: String,
    /// In order.
    pub ordered: bool,
    /// Retransmissions before a message is given up; `None` for a reliable channel.
    pub max_retransmits: Option<u16>,
}

/// Data channels of a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataParameters {
    /// Channels the node opens. Others may be opened by the client.
    pub channels: Vec<ChannelParameters>,
    /// Whether messages of the room's other participants are sent to this peer.
    pub receives: bool,
    /// How messages that are not for everybody name this peer's participant.
    pub address: Bytes,
    /// What the messages that this peer sends look like. Without it none is passed on.
    pub envelope: Option<Envelope>,
}

/// All that a node knows of the messages it passes on: each is a row of protobuf fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Fields appended to each message: its sender, as the edge's protocol has it. A later field
    /// replaces an earlier one, so that whatever a client claims to be is overruled.
    pub splice: Bytes,
    /// Numbers of fields that only a server may fill: a message with one is dropped.
    pub reserved: Vec<u32>,
    /// The number of the field that names, as often as it is there, who alone gets the message.
    pub destination: Option<u32>,
}

/// All that a node must know to make a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerParameters {
    /// Whose transport it is.
    pub participant: ParticipantId,
    /// Active here, or held warm.
    pub duty: Duty,
    /// Who nominates.
    pub ice_role: IceRole,
    /// Our ICE credentials.
    pub ice: IceCredentials,
    /// Which takeover this is, see [`candidate_priority`].
    pub generation: u16,
    /// Our certificate.
    pub dtls: DtlsIdentity,
    /// The client's side, if its description has come already.
    pub remote: Option<RemoteParameters>,
    /// Header extensions negotiated; ids are the same in all m-lines of a BUNDLE group (RFC 8843 section 9.1).
    pub extensions: Vec<ExtensionId>,
    /// What the peer may do.
    pub permissions: Permissions,
    /// Data channels.
    pub data: DataParameters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_generation_beats_every_address_of_an_earlier_one() {
        for generation in 0..254 {
            assert!(candidate_priority(generation + 1, 255) > candidate_priority(generation, 0));
        }
        assert!(candidate_priority(3, 0) > candidate_priority(3, 1));
        assert!(candidate_priority(u16::MAX, 0) < 1 << 31);
    }

    #[test]
    fn a_fingerprint_prints_as_in_sdp() {
        let text = Fingerprint([0xab; 32]).to_string();
        assert!(text.starts_with("sha-256 AB:AB:"));
        assert_eq!(text.len(), 8 + 32 * 3 - 1);
    }
}
