//! Before the session: a participant asks to come in.

use super::{Session, SoundSlots, Sources, TrackIds};
use lectern_control::edge::{Joined, Request};
use lectern_control::room::Role;
use lectern_control::transport::{DataParameters, DtlsIdentity, Fingerprint, Permissions};
use lectern_control::{LinkId, RoomId};
use rand::rngs::StdRng;
use std::collections::BTreeMap;

/// Who asks, and how its client works.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// Where to.
    pub room: RoomId,
    /// The link it came by.
    pub link: Option<LinkId>,
    /// Who it is.
    pub identity: String,
    /// The name shown.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// What it may do.
    pub permissions: Permissions,
    /// What it may publish.
    pub sources: Sources,
    /// Free text.
    pub metadata: String,
    /// Free keys and values.
    pub attributes: BTreeMap<String, String>,
    /// Was admitted, or was in the room before.
    pub admitted: bool,
    /// When its token was signed, in milliseconds since 1970.
    pub issued_at_unix_ms: u64,
    /// Receives every track unless it says otherwise.
    pub auto_subscribe: bool,
    /// Whether its descriptions carry the application's track ids.
    pub track_ids: TrackIds,
    /// How it hears a large room.
    pub sound: SoundSlots,
}

/// What a transport of either direction needs for data and DTLS.
#[derive(Debug, Clone)]
pub struct Equipment {
    /// The participant's certificate.
    pub dtls: DtlsIdentity,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Data channels of the upper transport.
    pub up_data: DataParameters,
    /// Data channels of the lower transport.
    pub down_data: DataParameters,
}

impl Entrance {
    /// What to ask the controller.
    pub fn request(&self) -> Request {
        Request::Join {
            room: self.room,
            link: self.link,
            identity: self.identity.clone(),
            name: self.name.clone(),
            role: self.role,
            permissions: self.permissions,
            metadata: self.metadata.clone(),
            attributes: self.attributes.clone(),
            admitted: self.admitted,
            issued_at_unix_ms: self.issued_at_unix_ms,
        }
    }

    /// The controller let it in: the session begins and opens its lower transport.
    pub fn enter(&self, joined: Joined, equipment: Equipment, rng: StdRng) -> Session {
        Session::new(self, joined, equipment, rng)
    }
}
