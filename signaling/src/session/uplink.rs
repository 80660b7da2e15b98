//! The transport that the client offers: credentials, restarts, the node's parameters. What is
//! published over it is the matter of [`super::publication`].

use super::Error;
use super::random;
use crate::sdp::answer::Origin;
use crate::sdp::candidate::{self, Loopback};
use crate::sdp::transport::{Setup, Transport};
use lectern_control::PeerId;
use lectern_control::limits::MAX_CANDIDATES_PER_PEER;
use lectern_control::media::ExtensionId;
use lectern_control::transport::{Candidate, DtlsRole, IceCredentials, RemoteParameters};
use rand::rngs::StdRng;

/// What an offer means for the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The first: the peer is made.
    Open(RemoteParameters),
    /// New credentials on both sides.
    Restart,
    /// Nothing new.
    None,
}

/// Our part of the handshake, given the client's wish: we wait wherever we may.
pub fn dtls_role(setup: Setup) -> (DtlsRole, Setup) {
    match setup {
        Setup::ActPass | Setup::Active => (DtlsRole::Server, Setup::Passive),
        Setup::Passive => (DtlsRole::Client, Setup::Active),
    }
}

/// The upper transport.
#[derive(Debug)]
pub struct Uplink {
    /// Its id.
    pub peer: PeerId,
    /// Our credentials.
    pub ice: IceCredentials,
    /// The client's side.
    pub remote: Option<Transport>,
    /// Extensions the node knows.
    pub extensions: Vec<ExtensionId>,
    /// Names our answers.
    pub origin: Origin,
    /// Our candidates stand in the next answer.
    pub announce_candidates: bool,
    candidates: usize,
}

impl Uplink {
    /// A transport that no offer has come for.
    pub fn new(rng: &mut StdRng) -> Uplink {
        Uplink {
            peer: PeerId(random::id(rng)),
            ice: random::credentials(rng),
            remote: None,
            extensions: Vec::new(),
            origin: Origin { session: random::id(rng), version: 0 },
            announce_candidates: true,
            candidates: 0,
        }
    }

    /// Takes the transport of an offer.
    pub fn offered(&mut self, offered: &Transport, rng: &mut StdRng) -> Result<Change, Error> {
        let Some(known) = &self.remote else {
            let (dtls_role, _) = dtls_role(offered.setup);
            self.remote = Some(offered.clone());
            self.candidates = offered.candidates.len();
            return Ok(Change::Open(RemoteParameters {
                ice: offered.ice.clone(),
                fingerprint: offered.fingerprint,
                dtls_role,
                candidates: offered.candidates.clone(),
            }));
        };
        if known.fingerprint != offered.fingerprint {
            return Err(Error::FingerprintChanged);
        }
        // An offer of a later negotiation says `actpass` again; the roles stay (RFC 8842 section 5.5).
        let setup = known.setup;
        let restart = known.ice != offered.ice;
        self.remote = Some(Transport { setup, ..offered.clone() });
        if !restart {
            return Ok(Change::None);
        }
        self.ice = random::credentials(rng);
        self.candidates = offered.candidates.len();
        self.announce_candidates = true;
        Ok(Change::Restart)
    }

    /// What our answer says about the handshake.
    pub fn setup(&self) -> Setup {
        let theirs = self.remote.as_ref().map_or(Setup::ActPass, |remote| remote.setup);
        dtls_role(theirs).1
    }

    /// A candidate that trickled in; `None` where it is not used.
    pub fn candidate(&mut self, line: &str, loopback: Loopback) -> Option<Candidate> {
        self.remote.as_ref()?;
        count(&mut self.candidates, candidate::parse(line, loopback).ok()?)
    }
}

/// Lets a candidate pass while the client has not named too many.
pub fn count(candidates: &mut usize, candidate: Candidate) -> Option<Candidate> {
    if *candidates >= MAX_CANDIDATES_PER_PEER {
        return None;
    }
    *candidates += 1;
    Some(candidate)
}
