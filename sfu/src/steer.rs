//! Whose datagram it is, when several workers share one port.
//!
//! The kernel spreads clients over the workers' sockets by address, but a room lives on one worker:
//! what came to the wrong one is handed over. The rule stands in `sfu/docs/steering.md`.

use crate::directory::{Route, WorkerIndex};
use lectern_media::Datagram;
use lectern_wire::stun::{Kind, Message};
use lectern_wire::{Class, classify};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Addresses one worker remembers for others: ten times what it carries. Where the table is full,
/// new clients of other workers wait until an old address is forgotten.
const MAX_ADDRESSES: usize = 16_384;
/// Addresses that one user fragment may have at a time: a client's interfaces, both families, and
/// what its NAT makes of them. Who knows one fragment cannot fill the table with forged sources.
const MAX_ADDRESSES_PER_UFRAG: usize = 8;
/// An address without a check for this long is forgotten; consent ends after 30 s (RFC 7675).
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// A check for another worker moves an address only after this much silence from the former one:
/// a forged check with a valid user fragment cannot divert the media of somebody who is connected.
const HOLD: Duration = Duration::from_secs(10);
/// How often forgotten addresses are swept out.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// What one worker knows of where datagrams belong.
#[derive(Debug)]
pub(crate) struct Steering {
    me: WorkerIndex,
    alone: bool,
    by_ufrag: HashMap<String, Named>,
    by_address: HashMap<SocketAddr, Claim>,
    swept: Instant,
    refused: u64,
}

/// What a user fragment names.
#[derive(Debug)]
struct Named {
    worker: WorkerIndex,
    /// Its checks came from here, oldest first.
    addresses: Vec<SocketAddr>,
}

#[derive(Debug, Clone, Copy)]
struct Claim {
    worker: WorkerIndex,
    heard: Instant,
}

impl Steering {
    /// For worker `me` of `workers`.
    pub(crate) fn new(me: WorkerIndex, workers: usize, now: Instant) -> Steering {
        Steering {
            me,
            alone: workers < 2,
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            swept: now,
            refused: 0,
        }
    }

    /// A user fragment leads elsewhere from now on. The controller link bounds how many there are.
    pub(crate) fn change(&mut self, route: Route) {
        match route {
            Route::Add(ufrag, worker) => {
                self.by_ufrag.insert(ufrag, Named { worker, addresses: Vec::new() });
            }
            Route::Remove(ufrag) => {
                self.by_ufrag.remove(&ufrag);
            }
        }
    }

    /// Says which worker has a datagram's room, this one where nobody knows; and remembers the
    /// address of a check.
    pub(crate) fn judge(&mut self, now: Instant, datagram: &Datagram<'_>) -> WorkerIndex {
        if self.alone {
            return self.me;
        }
        let named = named_ufrag(datagram.bytes).and_then(|ufrag| self.by_ufrag.get_mut(ufrag));
        if let Some(named) = named {
            let known = learn(&mut self.by_address, now, datagram.remote, named);
            self.refused += u64::from(!known);
            return named.worker;
        }
        let learned = match self.by_address.is_empty() {
            true => None,
            false => self.by_address.get(&datagram.remote).map(|claim| claim.worker),
        };
        learned.unwrap_or(self.me)
    }

    /// Forgets addresses that fell silent. Cheap where there is nothing to do.
    pub(crate) fn sweep(&mut self, now: Instant) {
        if now.saturating_duration_since(self.swept) >= SWEEP_EVERY {
            self.swept = now;
            self.by_address
                .retain(|_, claim| now.saturating_duration_since(claim.heard) < FORGET_AFTER);
        }
    }

    /// Checks so far whose address was not remembered because there was no room for it.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }
}

/// Notes where a check came from; whether there was room for it.
fn learn(
    by_address: &mut HashMap<SocketAddr, Claim>,
    now: Instant,
    remote: SocketAddr,
    named: &mut Named,
) -> bool {
    let worker = named.worker;
    let is_silent = |claim: &Claim| now.saturating_duration_since(claim.heard) >= HOLD;
    if let Some(claim) = by_address.get_mut(&remote) {
        if claim.worker == worker || is_silent(claim) {
            *claim = Claim { worker, heard: now };
        }
        return true;
    }
    if named.addresses.len() >= MAX_ADDRESSES_PER_UFRAG {
        named.addresses.retain(|address| match by_address.get(address) {
            Some(claim) if claim.worker == worker && is_silent(claim) => {
                by_address.remove(address);
                false
            }
            claim => claim.is_some(),
        });
    }
    if named.addresses.len() >= MAX_ADDRESSES_PER_UFRAG || by_address.len() >= MAX_ADDRESSES {
        return false;
    }
    named.addresses.push(remote);
    by_address.insert(remote, Claim { worker, heard: now });
    true
}

/// Our user fragment in the USERNAME of a STUN request (RFC 8445 section 7.2.2).
fn named_ufrag(bytes: &[u8]) -> Option<&str> {
    if classify(bytes) != Class::Stun {
        return None;
    }
    let message = Message::parse(bytes).ok().filter(|message| message.kind == Kind::Request)?;
    let (ours, _) = message.username_fragments()?;
    std::str::from_utf8(ours).ok()
}

#[cfg(test)]
mod tests;
