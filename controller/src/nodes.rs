//! Media nodes: who is there, who is alive, what they carry. Pure.
//!
//! A node is as alive as its last sign of life is recent; the store has no part in it.

use crate::clock::Now;
use crate::placement::Site;
use crate::room::Place;
use lectern_control::edge::NodeInfo;
use lectern_control::node::{Heartbeat, Hello, ToNode};
use lectern_control::{NodeId, RoomId, Version};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Nodes known at once: the list of them fits one message.
pub const MAX_NODES: usize = 1_000;
/// How long a node that died is still shown to operators.
pub const FORGET_AFTER: Duration = Duration::from_secs(600);
/// Addresses of one node: each is a candidate in every description.
const MAX_ADDRESSES: usize = 16;
/// A region's or failure domain's name.
const MAX_LABEL_BYTES: usize = 128;
/// Commands kept for a node whose link is being made anew. A node that missed more is taken for
/// one that lost everything.
const MAX_HELD: usize = 16_384;

/// Why a node is not welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Another major version.
    #[error("it speaks another version")]
    Version,
    /// Something in its introduction cannot be used.
    #[error("its introduction cannot be used: {0}")]
    Invalid(&'static str),
    /// There are too many.
    #[error("the limit on nodes is reached")]
    TooMany,
}

/// What a node's introduction led to.
#[derive(Debug, Default, PartialEq)]
pub struct Welcomed {
    /// The link it had before, which must go.
    pub replaced: Option<u64>,
    /// Commands that waited for it, after the welcome.
    pub held: Vec<ToNode>,
    /// More were lost than could be kept: it holds nothing that can be relied upon.
    pub missed_too_much: bool,
}

#[derive(Debug)]
struct Node {
    hello: Hello,
    link: Option<u64>,
    heard_at: Instant,
    heartbeat: Heartbeat,
    alive: bool,
    held: VecDeque<ToNode>,
    missed_too_much: bool,
    /// Rooms it had when it died; some of them may be elsewhere by now.
    rooms_at_death: BTreeSet<RoomId>,
}

/// All nodes.
#[derive(Debug)]
pub struct Nodes {
    silence: Duration,
    all: BTreeMap<NodeId, Node>,
    by_link: BTreeMap<u64, NodeId>,
}

impl Nodes {
    /// No nodes yet; one that is silent for so long will be dead.
    pub fn new(silence: Duration) -> Nodes {
        Nodes { silence, all: BTreeMap::new(), by_link: BTreeMap::new() }
    }

    /// A node introduces itself on a link.
    pub fn handle_hello(&mut self, now: Now, link: u64, hello: Hello) -> Result<Welcomed, Refusal> {
        check(&hello)?;
        if !self.all.contains_key(&hello.node) && self.all.len() >= MAX_NODES {
            return Err(Refusal::TooMany);
        }
        let name = hello.node.clone();
        let mut welcomed = Welcomed::default();
        if let Some(former) = self.all.remove(&name) {
            welcomed.replaced = former.link.filter(|former| *former != link);
            welcomed.held = former.held.into();
            welcomed.missed_too_much = former.missed_too_much;
        }
        if let Some(replaced) = welcomed.replaced {
            self.by_link.remove(&replaced);
        }
        self.by_link.insert(link, name.clone());
        let node = Node {
            hello,
            link: Some(link),
            heard_at: now.at,
            heartbeat: Heartbeat::default(),
            alive: true,
            held: VecDeque::new(),
            missed_too_much: false,
            rooms_at_death: BTreeSet::new(),
        };
        self.all.insert(name, node);
        Ok(welcomed)
    }

    /// The node on a link says something: it lives. Its name, and the rooms it had where it was
    /// dead until now.
    pub fn handle_sign_of_life(&mut self, now: Now, link: u64) -> Option<(NodeId, Vec<RoomId>)> {
        let name = self.by_link.get(&link)?.clone();
        let node = self.all.get_mut(&name)?;
        node.heard_at = now.at;
        node.alive = true;
        Some((name, std::mem::take(&mut node.rooms_at_death).into_iter().collect()))
    }

    /// What a node carries now.
    pub fn handle_heartbeat(&mut self, node: &NodeId, heartbeat: Heartbeat) {
        if let Some(node) = self.all.get_mut(node) {
            node.heartbeat = heartbeat;
        }
    }

    /// A link is gone. The node has as long to come back as it may be silent.
    pub fn handle_unlinked(&mut self, link: u64) {
        let Some(name) = self.by_link.remove(&link) else { return };
        if let Some(node) = self.all.get_mut(&name) {
            node.link = None;
        }
    }

    /// Nodes that have just died.
    pub fn handle_timeout(&mut self, now: Now) -> Vec<NodeId> {
        let silence = self.silence;
        let forgotten = |node: &Node| {
            node.link.is_none() && now.at.saturating_duration_since(node.heard_at) > FORGET_AFTER
        };
        self.all.retain(|_, node| !forgotten(node));
        let mut died = Vec::new();
        for (name, node) in &mut self.all {
            if node.alive && now.at.saturating_duration_since(node.heard_at) > silence {
                node.alive = false;
                died.push(name.clone());
            }
        }
        died
    }

    /// Remembers what a node had when it died.
    pub fn note_death(&mut self, node: &NodeId, rooms: BTreeSet<RoomId>) {
        if let Some(node) = self.all.get_mut(node) {
            node.rooms_at_death = rooms;
        }
    }

    /// The controller itself stood still for so long: nobody's silence says anything.
    pub fn excuse(&mut self, stood_still: Duration) {
        for node in self.all.values_mut().filter(|node| node.alive) {
            node.heard_at += stood_still;
        }
    }

    /// The node that introduced itself on a link.
    pub fn on_link(&self, link: u64) -> Option<&NodeId> {
        self.by_link.get(&link)
    }

    /// Whether a node was heard of lately.
    pub fn is_alive(&self, node: &NodeId) -> bool {
        self.all.get(node).is_some_and(|node| node.alive)
    }

    /// Whether a node takes no new rooms; `None` where there is no such node.
    pub fn is_draining(&self, node: &NodeId) -> Option<bool> {
        self.all.get(node).map(|node| node.heartbeat.draining)
    }

    /// A node with its addresses.
    pub fn place(&self, node: &NodeId) -> Option<Place> {
        let addresses = self.all.get(node)?.hello.addresses.clone();
        Some(Place { node: node.clone(), addresses })
    }

    /// The link on which to say something to a node; without one it is kept until there is one.
    pub fn send(&mut self, node: &NodeId, message: ToNode) -> Option<(u64, ToNode)> {
        let node = self.all.get_mut(node)?;
        if let Some(link) = node.link {
            return Some((link, message));
        }
        if node.held.len() >= MAX_HELD {
            node.held.clear();
            node.missed_too_much = true;
        }
        if !node.missed_too_much {
            node.held.push_back(message);
        }
        None
    }

    /// All nodes as placement sees them. `placed` says how many rooms and peers were placed on
    /// one: its own reports are a moment old.
    pub fn sites(&self, placed: impl Fn(&NodeId) -> (u32, u32)) -> Vec<Site> {
        let site = |(name, node): (&NodeId, &Node)| {
            let (rooms, peers) = placed(name);
            let mut load = node.heartbeat.load;
            load.rooms = load.rooms.max(rooms);
            load.peers = load.peers.max(peers);
            Site {
                node: name.clone(),
                region: node.hello.region.clone(),
                failure_domain: node.hello.failure_domain.clone(),
                capacity: node.hello.capacity,
                load,
                // One without a link could not be told.
                alive: node.alive && node.link.is_some(),
                draining: node.heartbeat.draining,
            }
        };
        self.all.iter().map(site).collect()
    }

    /// All nodes as operators see them.
    pub fn infos(&self) -> Vec<NodeInfo> {
        let info = |(name, node): (&NodeId, &Node)| NodeInfo {
            node: name.clone(),
            region: node.hello.region.clone(),
            load: node.heartbeat.load,
            alive: node.alive,
            draining: node.heartbeat.draining,
        };
        self.all.iter().map(info).collect()
    }
}

fn check(hello: &Hello) -> Result<(), Refusal> {
    if !hello.version.is_compatible(Version::CURRENT) {
        return Err(Refusal::Version);
    }
    if hello.addresses.is_empty() || hello.addresses.len() > MAX_ADDRESSES {
        return Err(Refusal::Invalid("a node has 1 to 16 addresses"));
    }
    if hello.region.len() > MAX_LABEL_BYTES || hello.failure_domain.len() > MAX_LABEL_BYTES {
        return Err(Refusal::Invalid("a region or failure domain has at most 128 bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::node::{Capacity, Load};
    use lectern_control::{RequestId, Revision, RoomId};

    const SILENCE: Duration = Duration::from_millis(300);

    fn at(start: Instant, ms: u64) -> Now {
        Now { at: start + Duration::from_millis(ms), unix_ms: ms }
    }

    fn hello(name: &str) -> Hello {
        Hello {
            version: Version::CURRENT,
            node: name.parse().expect("a name"),
            region: "eu".to_owned(),
            failure_domain: "rack-1".to_owned(),
            capacity: Capacity { workers: 1, peers: 100, egress_bps: 1_000 },
            addresses: vec![([192, 0, 2, 1], 7_882).into()],
            rooms: Vec::new(),
        }
    }

    fn message(number: u64) -> ToNode {
        ToNode::Command {
            request: RequestId(number),
            room: RoomId(1),
            revision: Revision(1),
            command: lectern_control::node::Command::CloseRoom,
        }
    }

    #[test]
    fn a_silent_node_dies_once_and_comes_back_with_the_rooms_it_had() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        nodes.handle_hello(at(start, 0), 1, hello("a")).expect("welcome");
        let name = "a".parse().expect("a name");
        assert!(nodes.handle_timeout(at(start, 300)).is_empty());
        assert_eq!(nodes.handle_timeout(at(start, 301)), [&name].map(Clone::clone));
        assert!(nodes.handle_timeout(at(start, 400)).is_empty());
        assert!(!nodes.is_alive(&name));
        nodes.note_death(&name, BTreeSet::from([RoomId(7)]));
        assert_eq!(
            nodes.handle_sign_of_life(at(start, 500), 1),
            Some((name.clone(), vec![RoomId(7)]))
        );
        assert!(nodes.is_alive(&name));
        assert_eq!(nodes.handle_sign_of_life(at(start, 600), 1), Some((name, Vec::new())));
    }

    #[test]
    fn a_controller_that_stood_still_blames_nobody() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        nodes.handle_hello(at(start, 0), 1, hello("a")).expect("welcome");
        nodes.excuse(Duration::from_millis(2_000));
        assert!(nodes.handle_timeout(at(start, 2_200)).is_empty());
        assert_eq!(nodes.handle_timeout(at(start, 2_301)).len(), 1);
    }

    #[test]
    fn commands_wait_for_a_link_that_is_made_anew() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        nodes.handle_hello(at(start, 0), 1, hello("a")).expect("welcome");
        let name: NodeId = "a".parse().expect("a name");
        assert_eq!(nodes.send(&name, message(1)), Some((1, message(1))));
        nodes.handle_unlinked(1);
        for number in 2..4 {
            assert_eq!(nodes.send(&name, message(number)), None);
        }
        let welcomed = nodes.handle_hello(at(start, 100), 2, hello("a")).expect("welcome");
        assert_eq!(welcomed.held, [message(2), message(3)]);
        assert!(!welcomed.missed_too_much);
        assert_eq!(nodes.send(&name, message(4)), Some((2, message(4))));
        let welcomed = nodes.handle_hello(at(start, 200), 3, hello("a")).expect("welcome");
        assert_eq!(welcomed.replaced, Some(2), "a new link replaces the former one");
        nodes.handle_unlinked(2);
        assert_eq!(nodes.send(&name, message(5)), Some((3, message(5))));
        nodes.handle_unlinked(3);
        for number in 0..=MAX_HELD as u64 {
            nodes.send(&name, message(number));
        }
        let welcomed = nodes.handle_hello(at(start, 300), 4, hello("a")).expect("welcome");
        assert_eq!((welcomed.held.len(), welcomed.missed_too_much), (0, true));
    }

    #[test]
    fn an_unusable_introduction_is_refused() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        let mut refused = |change: fn(&mut Hello)| {
            let mut hello = hello("a");
            change(&mut hello);
            nodes.handle_hello(at(start, 0), 1, hello).expect_err("refused")
        };
        assert_eq!(refused(|hello| hello.version.major += 1), Refusal::Version);
        assert!(matches!(refused(|hello| hello.addresses.clear()), Refusal::Invalid(_)));
        assert!(matches!(refused(|h| h.addresses = vec![h.addresses[0]; 17]), Refusal::Invalid(_)));
        assert!(matches!(refused(|h| h.region = "r".repeat(129)), Refusal::Invalid(_)));
        assert!(nodes.infos().is_empty());
    }

    #[test]
    fn what_was_placed_counts_before_the_node_reports_it() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        nodes.handle_hello(at(start, 0), 1, hello("a")).expect("welcome");
        let load = Load { peers: 5, rooms: 1, egress_bps: 9, busy_permille: 8 };
        let name = "a".parse().expect("a name");
        nodes.handle_heartbeat(&name, Heartbeat { sequence: 1, load, draining: true });
        let site = nodes.sites(|_| (3, 4)).remove(0);
        assert_eq!((site.load.rooms, site.load.peers, site.load.egress_bps), (3, 5, 9));
        assert!(site.draining && site.alive);
        nodes.handle_unlinked(1);
        assert!(!nodes.sites(|_| (0, 0)).remove(0).alive, "without a link it takes no room");
        assert!(nodes.is_alive(&name), "but its rooms are left alone for a moment");
    }

    #[test]
    fn a_node_that_stays_away_is_forgotten() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        nodes.handle_hello(at(start, 0), 1, hello("a")).expect("welcome");
        nodes.handle_unlinked(1);
        assert_eq!(nodes.handle_timeout(at(start, 400)).len(), 1);
        assert_eq!(nodes.infos().len(), 1);
        nodes.handle_timeout(at(start, 600_001));
        assert!(nodes.infos().is_empty());
    }
}
