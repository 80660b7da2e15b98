//! Which worker has which room, and which ICE user fragments lead there. Sans-IO.
//!
//! The controller link reads every command and every event through it before passing them on. It
//! holds what a node must know of itself: rooms, peers, and how many fit.

use lectern_control::node::{Command, CommandError, Event};
use lectern_control::{PeerId, RequestId, Revision, RoomId};
use std::collections::HashMap;

/// A worker's number in its node.
pub(crate) type WorkerIndex = usize;

/// User fragments of a peer that lead to it: the latest, and the one before an ICE restart, under
/// which checks still come until the client has the new one.
const UFRAGS_PER_PEER: usize = 2;

/// The rooms and peers of a node.
#[derive(Debug)]
pub(crate) struct Directory {
    workers: usize,
    max_peers: usize,
    peers: usize,
    rooms: HashMap<RoomId, Room>,
}

#[derive(Debug)]
struct Room {
    /// The highest revision of a command so far.
    revision: Revision,
    peers: HashMap<PeerId, Peer>,
}

#[derive(Debug)]
struct Peer {
    made_by: RequestId,
    ufrags: Vec<String>,
}

/// A user fragment leads to a worker from now on, or nowhere any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// Checks that name it belong to this worker.
    Add(String, WorkerIndex),
    /// No check names it any more.
    Remove(String),
}

impl Directory {
    /// Nothing yet, over so many workers, for so many peers.
    pub(crate) fn new(workers: usize, max_peers: usize) -> Directory {
        Directory { workers: workers.max(1), max_peers, peers: 0, rooms: HashMap::new() }
    }

    /// The worker on which a room lives, now and for ever: ids are random, and multiplying by the
    /// golden ratio spreads even those that are not.
    pub(crate) fn worker_of(&self, room: RoomId) -> WorkerIndex {
        let spread = room.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ((spread * self.workers as u64) >> 32) as usize
    }

    /// The rooms that have a peer here.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = RoomId> {
        self.rooms.keys().copied()
    }

    /// Reads a command that is about to be passed on, or refuses it.
    pub(crate) fn command(
        &mut self,
        room: RoomId,
        revision: Revision,
        request: RequestId,
        command: &Command,
    ) -> Result<Vec<Route>, CommandError> {
        self.fence(room, revision)?;
        match command {
            Command::AddPeer { peer, parameters } | Command::Restore { peer, parameters, .. } => {
                let entry = Peer { made_by: request, ufrags: vec![parameters.ice.ufrag.clone()] };
                self.add(room, revision, *peer, entry)
            }
            Command::RestartIce { peer, local, .. } => {
                Ok(self.restart(room, *peer, local.ufrag.clone()))
            }
            Command::RemovePeer { peer } => Ok(self.remove(room, *peer)),
            Command::CloseRoom => Ok(self.close(room)),
            _ => Ok(Vec::new()),
        }
    }

    /// A command under an older lease than the last one changes nothing; the engine refuses it as
    /// well. A room without peers has nothing to be changed.
    fn fence(&mut self, room: RoomId, revision: Revision) -> Result<(), CommandError> {
        let Some(room) = self.rooms.get_mut(&room) else { return Ok(()) };
        if revision < room.revision {
            return Err(CommandError::Fenced);
        }
        room.revision = revision;
        Ok(())
    }

    /// Reads an event of a worker.
    pub(crate) fn event(&mut self, room: RoomId, event: &Event) -> Vec<Route> {
        match event {
            Event::PeerDisconnected { peer, .. } => self.remove(room, *peer),
            Event::CommandFailed { request, .. } => {
                let made =
                    |(peer, entry): (&PeerId, &Peer)| (entry.made_by == *request).then_some(*peer);
                match self.rooms.get(&room).and_then(|room| room.peers.iter().find_map(made)) {
                    Some(peer) => self.remove(room, peer),
                    None => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    fn add(
        &mut self,
        room: RoomId,
        revision: Revision,
        peer: PeerId,
        entry: Peer,
    ) -> Result<Vec<Route>, CommandError> {
        let worker = self.worker_of(room);
        let added = |ufrag: &String| Route::Add(ufrag.clone(), worker);
        let routes: Vec<Route> = entry.ufrags.iter().map(added).collect();
        if self.rooms.get(&room).is_some_and(|room| room.peers.contains_key(&peer)) {
            // Made warm before and restored now, under the same credentials; or refused by the
            // engine. Either way the former request stays the one that made it.
            let again = entry.ufrags.into_iter().map(|ufrag| self.restart(room, peer, ufrag));
            return Ok(again.flatten().collect());
        }
        if self.peers >= self.max_peers {
            return Err(CommandError::Limit("peers of this node".to_owned()));
        }
        let room = self.rooms.entry(room);
        let room = room.or_insert_with(|| Room { revision, peers: HashMap::new() });
        room.peers.insert(peer, entry);
        self.peers += 1;
        Ok(routes)
    }

    fn restart(&mut self, room: RoomId, peer: PeerId, ufrag: String) -> Vec<Route> {
        let worker = self.worker_of(room);
        let peer = self.rooms.get_mut(&room).and_then(|room| room.peers.get_mut(&peer));
        let Some(peer) = peer.filter(|peer| !peer.ufrags.contains(&ufrag)) else {
            return Vec::new();
        };
        let mut routes = Vec::new();
        while peer.ufrags.len() >= UFRAGS_PER_PEER {
            routes.push(Route::Remove(peer.ufrags.remove(0)));
        }
        peer.ufrags.push(ufrag.clone());
        routes.push(Route::Add(ufrag, worker));
        routes
    }

    fn remove(&mut self, room: RoomId, peer: PeerId) -> Vec<Route> {
        let Some(known) = self.rooms.get_mut(&room) else { return Vec::new() };
        let Some(entry) = known.peers.remove(&peer) else { return Vec::new() };
        if known.peers.is_empty() {
            self.rooms.remove(&room);
        }
        self.peers -= 1;
        entry.ufrags.into_iter().map(Route::Remove).collect()
    }

    fn close(&mut self, room: RoomId) -> Vec<Route> {
        let peers = self.rooms.remove(&room).map(|room| room.peers).unwrap_or_default();
        self.peers -= peers.len();
        peers.into_values().flat_map(|peer| peer.ufrags).map(Route::Remove).collect()
    }
}

#[cfg(test)]
mod tests;
