//! The credentials of one ICE generation and the pairs checked under them.

use super::pair::Pair;
use lectern_control::transport::IceCredentials;
use lectern_wire::stun::Key;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Pairs of one session: a client's candidates, and the addresses its checks come from.
pub const MAX_PAIRS: usize = 64;
/// A pair may give way to a new one only after this: an authenticated client that sends from many
/// addresses makes us send checks to at most [`MAX_PAIRS`] of them in that time.
const MIN_PAIR_AGE: Duration = Duration::from_secs(10);

/// The client's side of the credentials.
pub struct Remote {
    /// Its user fragment.
    pub ufrag: String,
    /// Its password, ready for use.
    pub key: Key,
}

/// Our credentials of before a restart, as far as a client may go on naming them.
pub struct Former {
    /// The user fragment.
    pub ufrag: String,
    /// The password, ready for use.
    pub key: Key,
}

/// One ICE generation (RFC 8445 section 2.4).
pub struct Session {
    /// Both sides as they came, to be exported.
    pub local: IceCredentials,
    /// The client's, once its description has come.
    pub remote_credentials: Option<IceCredentials>,
    /// Our password, ready for use.
    pub local_key: Key,
    /// The client's side.
    pub remote: Option<Remote>,
    /// The pair media goes over.
    pub selected: Option<SocketAddr>,
    /// The pair we nominate, where we are controlling.
    pub nominee: Option<SocketAddr>,
    /// The pair whose nomination the client has answered.
    pub nominated: Option<SocketAddr>,
    pairs: Vec<Pair>,
}

impl Session {
    /// A session without pairs.
    pub fn new(local: IceCredentials) -> Session {
        let local_key = Key::new(local.pwd.expose().as_bytes());
        Session {
            local,
            remote_credentials: None,
            local_key,
            remote: None,
            selected: None,
            nominee: None,
            nominated: None,
            pairs: Vec::new(),
        }
    }

    /// The client's credentials have come.
    pub fn set_remote(&mut self, remote: IceCredentials) {
        let key = Key::new(remote.pwd.expose().as_bytes());
        self.remote = Some(Remote { ufrag: remote.ufrag.clone(), key });
        self.remote_credentials = Some(remote);
    }

    /// Whether the client calls itself so.
    pub fn is_client(&self, ufrag: &[u8]) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.ufrag.as_bytes() == ufrag)
    }

    /// What stays of our credentials when others take their place.
    pub fn former(&self) -> Former {
        Former { ufrag: self.local.ufrag.clone(), key: self.local_key.clone() }
    }

    /// All pairs.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// All pairs.
    pub fn pairs_mut(&mut self) -> &mut [Pair] {
        &mut self.pairs
    }

    /// The pair of an address.
    pub fn pair(&self, remote: SocketAddr) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.remote == remote)
    }

    /// The pair of an address.
    pub fn pair_mut(&mut self, remote: SocketAddr) -> Option<&mut Pair> {
        self.pairs.iter_mut().find(|pair| pair.remote == remote)
    }

    /// The selected pair.
    pub fn selected_pair(&self) -> Option<&Pair> {
        self.pair(self.selected?)
    }

    /// The pair of an address, made where it is missing. `None` where the table is full of pairs
    /// that may not give way.
    pub fn pair_or_new(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        priority: u32,
    ) -> Option<&mut Pair> {
        if let Some(place) = self.pairs.iter().position(|pair| pair.remote == remote) {
            return self.pairs.get_mut(place);
        }
        if self.pairs.len() >= MAX_PAIRS {
            let idle = self.pairs.iter().enumerate().filter(|(_, pair)| {
                self.selected != Some(pair.remote)
                    && self.nominee != Some(pair.remote)
                    && now.saturating_duration_since(pair.made) >= MIN_PAIR_AGE
            });
            let (place, _) = idle.min_by_key(|(_, pair)| pair.heard)?;
            self.pairs.remove(place);
        }
        self.pairs.push(Pair::new(now, remote, priority));
        self.pairs.last_mut()
    }

    /// Whether an authenticated message has come from the address.
    pub fn has_heard(&self, remote: SocketAddr) -> bool {
        self.pair(remote).is_some_and(|pair| pair.heard.is_some())
    }
}
