//! What becomes of transports and of commands about them, as nodes tell it.

use crate::{ParticipantId, TrackId};
use serde::{Deserialize, Serialize};

/// What was negotiated with a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// Such as `DTLS 1.2`.
    pub dtls: String,
    /// Such as `AEAD_AES_128_GCM`.
    pub srtp: String,
}

/// Figures of a participant's transports over the last period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Packets lost on the way up, 0 to 1, after repair.
    pub uplink_loss: f32,
    /// Packets lost on the way down, 0 to 1, before repair.
    pub downlink_loss: f32,
    /// Round trip in milliseconds, 0 where unknown.
    pub rtt_ms: u32,
}

/// Why a command could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CommandError {
    /// No such peer here.
    #[error("no such peer on this node")]
    UnknownPeer,
    /// No such track here.
    #[error("no such track on this node")]
    UnknownTrack,
    /// The peer or track exists already.
    #[error("it exists already")]
    AlreadyExists,
    /// A named limit is reached.
    #[error("the limit on {0} is reached")]
    Limit(String),
    /// A parameter cannot be used.
    #[error("a parameter cannot be used: {0}")]
    Invalid(String),
    /// The peer may not do this.
    #[error("the peer may not do this")]
    NotPermitted,
    /// The command came under an old lease.
    #[error("the command came under an old lease")]
    Fenced,
}

/// Why a peer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DisconnectReason {
    /// No authenticated answer for 30 s (RFC 7675).
    ConsentExpired,
    /// No connection within the time a handshake may take.
    HandshakeTimeout,
    /// The handshake failed.
    HandshakeFailed,
    /// The certificate is not the one the description promised.
    FingerprintMismatch,
    /// The client closed DTLS.
    Closed,
    /// The node did not take it, as where it is full: coming again at once would end the same way.
    Refused,
}

/// Whether a subscriber is sent a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamState {
    /// It is sent.
    Active,
    /// It is not, as there is not bandwidth enough.
    Paused,
}

/// Whether anybody watches an encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerWanted {
    /// Its rid; empty where the track has one encoding without a rid.
    pub rid: String,
    /// Somebody watches it.
    pub wanted: bool,
}

/// Who is heard in a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundSeat {
    /// Who.
    pub participant: ParticipantId,
    /// By which track.
    pub track: TrackId,
}
