//! How a live transport leaves one node and goes on at another.

use super::dtls::RtcDtls;
use super::{Channels, Error, Phase, Promised, State, Transport, srtp, state};
use lectern_control::transport::{Duty, PeerParameters, candidate_priority};
use rand::RngExt;
use std::net::SocketAddr;
use std::time::Instant;

impl Transport {
    /// Takes over what another node exported, without having been warm: indices jump, and the
    /// path is claimed from where the client was last.
    pub fn restore(
        now: Instant,
        parameters: &PeerParameters,
        addresses: &[SocketAddr],
        random: [u8; 32],
        state: &State,
    ) -> Result<Transport, Error> {
        let parameters = PeerParameters { duty: Duty::Standby, remote: None, ..parameters.clone() };
        let mut transport = Transport::new(now, &parameters, addresses, random)?;
        transport.take_over(now, parameters.generation, state)?;
        Ok(transport)
    }

    /// Goes on, as a standby, with what the active node exported: indices jump, and the path is
    /// claimed at the address that our own checks have learned. [`Event::FirstCheck`] follows
    /// when the client has answered.
    pub fn take_over(&mut self, now: Instant, generation: u16, state: &State) -> Result<(), Error> {
        state.check()?;
        if !self.is_standby {
            return Err(Error::Invalid("only a standby takes over"));
        }
        let invalid = Error::Invalid("the SRTP state cannot be used");
        let srtp = srtp::Session::restore(&state.srtp).ok_or(invalid)?;
        let random = self.random.random();
        let dtls = RtcDtls::restore(now, &state.dtls, state.fingerprint, &random)?;
        self.remote = Some(Promised { fingerprint: state.fingerprint, role: state.dtls.role() });
        self.srtp = Some(srtp);
        self.dtls = Some(Box::new(dtls));
        self.channels = Some(Channels::restore(now, &state.data));
        self.phase = Phase::Connected;
        self.is_standby = false;
        let priority = candidate_priority(generation, 0);
        self.agent.adopt(state.ice.local.clone(), state.ice.remote.clone(), priority);
        self.agent.claim(now, state.ice.role, state.ice.address);
        self.settle(now)
            .map_err(|_| Error::Invalid("the state of the data channels cannot be used"))
    }

    /// Whether an export now would carry the data channels' messages over without loss. It is
    /// worth waiting some milliseconds for.
    pub fn is_export_ready(&self) -> bool {
        self.channels.as_ref().is_none_or(Channels::is_export_ready)
    }

    /// Gives the transport's state away. From then on it sends nothing; it still opens packets.
    pub fn export(&mut self, now: Instant) -> Result<State, Error> {
        let is_connected = self.phase == Phase::Connected;
        let (Some(remote), Some(credentials), Some(address), true) =
            (self.remote, self.agent.remote(), self.agent.send_to(), is_connected)
        else {
            return Err(Error::NotConnected);
        };
        let ice = state::Ice {
            role: self.agent.role(),
            local: self.agent.local().clone(),
            remote: credentials.clone(),
            address,
        };
        let (Some(dtls), Some(srtp), Some(channels)) =
            (self.dtls.as_ref().and_then(|dtls| dtls.export()), &self.srtp, &mut self.channels)
        else {
            return Err(Error::NotConnected);
        };
        let data = channels.export(now);
        let state = State::new(ice, dtls, srtp.export(), data, remote.fingerprint);
        self.agent.silence();
        self.dtls = None;
        self.channels = None;
        self.phase = Phase::Exported;
        Ok(state)
    }
}

/// `bytes` at an address that is a multiple of 16, as some serialised forms need; copied into
/// `room` where they lie elsewhere.
pub(super) fn align<'a>(bytes: &'a [u8], room: &'a mut Vec<u8>) -> &'a [u8] {
    const ALIGNMENT: usize = 16;
    if bytes.as_ptr().align_offset(ALIGNMENT) == 0 {
        return bytes;
    }
    room.resize(bytes.len() + ALIGNMENT, 0);
    let start = room.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    let Some(aligned) = room.get_mut(start..start + bytes.len()) else { return bytes };
    aligned.copy_from_slice(bytes);
    aligned
}
