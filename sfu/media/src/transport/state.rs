//! A transport as plain data: what one node gives away and another goes on with.

use super::{Error, data, dtls, srtp};
use lectern_control::transport::{Fingerprint, IceCredentials, IceRole};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The form of [`State`]; another one cannot be restored.
const VERSION: u16 = 1;

/// A transport as plain data; as secret as the keys in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    version: u16,
    pub(super) ice: Ice,
    pub(super) dtls: dtls::State,
    pub(super) srtp: srtp::State,
    pub(super) data: data::State,
    /// The fingerprint the client's certificate has.
    pub(super) fingerprint: Fingerprint,
}

/// What of ICE goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ice {
    pub role: IceRole,
    pub local: IceCredentials,
    pub remote: IceCredentials,
    /// Where the client was last.
    pub address: SocketAddr,
}

impl State {
    pub(super) fn new(
        ice: Ice,
        dtls: dtls::State,
        srtp: srtp::State,
        data: data::State,
        fingerprint: Fingerprint,
    ) -> State {
        State { version: VERSION, ice, dtls, srtp, data, fingerprint }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match self.version {
            VERSION => Ok(()),
            _ => Err(Error::Invalid("the state is of another version")),
        }
    }

    /// As bytes: MessagePack with named fields.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        rmp_serde::to_vec_named(self).map_err(|_| Error::Invalid("the state cannot be encoded"))
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Result<State, Error> {
        rmp_serde::from_slice(bytes).map_err(|_| Error::Invalid("the state cannot be decoded"))
    }

    /// The last index sealed for each SSRC: whoever goes on must begin above it.
    pub fn sealed(&self) -> &[(u32, u64)] {
        self.srtp.sealed()
    }

    /// Where the client was last.
    pub fn address(&self) -> SocketAddr {
        self.ice.address
    }
}
