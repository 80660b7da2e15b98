//! Which of this host's addresses a client is answered from, where routing would choose another.
//!
//! On most hosts the table stays empty, and then costs nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Clients with an address of their own to be answered from: ten times what one worker carries.
/// When the table is full, further ones are answered from where routing says.
const MAX_SOURCES: usize = 16_384;
/// A client without a check for this long is forgotten; consent ends after 30 s (RFC 7675).
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// How often forgotten clients are swept out.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Remote address → local address, and when it was last learned.
#[derive(Debug)]
pub(super) struct Sources {
    by_remote: HashMap<SocketAddr, (IpAddr, Instant)>,
    swept: Option<Instant>,
    /// A socket bound to one address cannot send from any other.
    bound_to_all: bool,
}

impl Sources {
    /// For a socket bound to `bound`.
    pub(super) fn new(bound: SocketAddr) -> Sources {
        let bound_to_all = bound.ip().is_unspecified();
        Sources { by_remote: HashMap::new(), swept: None, bound_to_all }
    }

    /// Notes that `remote` is to be answered from `local`.
    pub(super) fn learn(&mut self, now: Instant, remote: SocketAddr, local: IpAddr) {
        if !self.bound_to_all {
            return;
        }
        self.sweep(now);
        let known = self.by_remote.get_mut(&remote);
        if let Some((_, heard)) = known.filter(|(known, _)| *known == local) {
            *heard = now;
        } else if routed_source(remote).is_none_or(|routed| routed == local) {
            self.by_remote.remove(&remote);
        } else if self.by_remote.len() < MAX_SOURCES || self.by_remote.contains_key(&remote) {
            self.by_remote.insert(remote, (local, now));
        }
    }

    fn sweep(&mut self, now: Instant) {
        let swept = *self.swept.get_or_insert(now);
        if now.saturating_duration_since(swept) >= SWEEP_EVERY {
            self.swept = Some(now);
            self.by_remote
                .retain(|_, (_, heard)| now.saturating_duration_since(*heard) < FORGET_AFTER);
        }
    }

    /// The address to answer from, where routing would choose another.
    pub(super) fn of(&self, remote: SocketAddr) -> Option<IpAddr> {
        match self.by_remote.is_empty() {
            true => None,
            false => self.by_remote.get(&remote).map(|(local, _)| *local),
        }
    }
}

/// The address from which routing sends to `remote`: a connected socket tells it, and sends
/// nothing. About 3 µs, once for each check of a client that routing answers right.
fn routed_source(remote: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(remote).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_gone_makes_room_for_others() {
        let start = Instant::now();
        let mut sources = Sources::new("0.0.0.0:0".parse().expect("an address"));
        // Routing answers 127.0.0.1 from 127.0.0.1.
        let local: IpAddr = [127, 0, 0, 9].into();
        let client = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        sources.learn(start, client(1), local);
        sources.learn(start, client(2), local);
        let later = start + FORGET_AFTER / 2;
        sources.learn(later, client(2), local);
        let end = start + FORGET_AFTER + SWEEP_EVERY;
        sources.learn(end, client(3), local);
        assert_eq!(
            [1, 2, 3].map(|port| sources.of(client(port))),
            [None, Some(local), Some(local)]
        );
    }
}
