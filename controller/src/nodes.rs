//! Media nodes: who is there, who is alive, what they carry. Pure.
//!
//! A node is as alive as its last sign of life is recent; the store has no part in it. What is said to
//! it is said again on its next link, until it has been heard.

use crate::clock::Now;
use crate::placement::Site;
use crate::room::Place;
use lectern_control::delivery::{Number, Unconfirmed};
use lectern_control::edge::NodeInfo;
use lectern_control::node::{Command, Heartbeat, Hello, ToNode};
use lectern_control::{NodeId, RequestId, Revision, RoomId, Version};
use std::collections::{BTreeMap, BTreeSet};
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
/// Commands kept until a node has heard them: what a move of a big room says within a heartbeat, and
/// half of what may wait on a link, so that it can be said again at once. A node that missed more is
/// taken for one that lost everything.
const MAX_UNCONFIRMED: usize = 8_192;

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
    /// The welcome, and the commands that it has not heard yet.
    pub messages: Vec<ToNode>,
    /// What passed between the two on former links is not all known: the node may be another
    /// process, and holds nothing that can be relied upon.
    pub began_anew: bool,
}

/// Something to tell a node.
#[derive(Debug)]
pub struct Order {
    /// Names it in a failure.
    pub request: RequestId,
    /// The room it is about.
    pub room: RoomId,
    /// Under which revision.
    pub revision: Revision,
    /// What to do.
    pub command: Command,
}

#[derive(Debug)]
struct Node {
    hello: Hello,
    link: Option<u64>,
    heard_at: Instant,
    heartbeat: Heartbeat,
    alive: bool,
    commands: Unconfirmed<ToNode>,
    /// The last event heard of it, and the last one that it was told has been heard.
    heard: Number,
    confirmed: Number,
    /// Rooms it had when it died; some of them may be elsewhere by now.
    rooms_at_death: BTreeSet<RoomId>,
}

impl Node {
    /// Whether nothing is missing between its former links and a new one, in either direction.
    fn goes_on(&self, hello: &Hello) -> bool {
        let heard = hello.heard.is_some_and(|heard| self.commands.after(heard).is_some());
        heard && hello.kept_after <= self.heard
    }
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

    /// A node introduces itself on a link. Where nothing can be gone on from, its commands are
    /// counted from `start`, which is random.
    pub fn handle_hello(
        &mut self,
        now: Now,
        link: u64,
        hello: Hello,
        start: Number,
    ) -> Result<Welcomed, Refusal> {
        check(&hello)?;
        if !self.all.contains_key(&hello.node) && self.all.len() >= MAX_NODES {
            return Err(Refusal::TooMany);
        }
        let name = hello.node.clone();
        let former = self.all.remove(&name);
        let replaced = former.as_ref().and_then(|former| former.link);
        let replaced = replaced.filter(|former| *former != link);
        if let Some(replaced) = replaced {
            self.by_link.remove(&replaced);
        }
        self.by_link.insert(link, name.clone());
        let former = former.filter(|former| former.goes_on(&hello));
        let began_anew = former.is_none();
        let (mut commands, heard) = match former {
            Some(former) => (former.commands, former.heard),
            None => (Unconfirmed::new(start, MAX_UNCONFIRMED), hello.kept_after),
        };
        let said = hello.heard.filter(|_| !began_anew).unwrap_or(start);
        commands.confirm(said);
        let mut messages = vec![ToNode::Welcome { version: Version::CURRENT, heard, said }];
        messages.extend(commands.after(said).into_iter().flatten().cloned());
        let node = Node {
            hello,
            link: Some(link),
            heard_at: now.at,
            heartbeat: Heartbeat::default(),
            alive: true,
            commands,
            heard,
            confirmed: heard,
            rooms_at_death: BTreeSet::new(),
        };
        self.all.insert(name, node);
        Ok(Welcomed { replaced, messages, began_anew })
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

    /// What a node carries now, and which commands it has heard.
    pub fn handle_heartbeat(&mut self, node: &NodeId, heartbeat: Heartbeat) {
        if let Some(node) = self.all.get_mut(node) {
            node.commands.confirm(heartbeat.heard);
            node.heartbeat = heartbeat;
        }
    }

    /// An event of a node was heard.
    pub fn handle_event(&mut self, node: &NodeId, number: Number) {
        if let Some(node) = self.all.get_mut(node) {
            node.heard = node.heard.max(number);
        }
    }

    /// What nodes are to be told of their events, so that they need not keep them.
    pub fn confirmations(&mut self) -> Vec<(u64, ToNode)> {
        let mut confirmations = Vec::new();
        for node in self.all.values_mut().filter(|node| node.confirmed < node.heard) {
            let Some(link) = node.link else { continue };
            node.confirmed = node.heard;
            confirmations.push((link, ToNode::Heard { event: node.heard }));
        }
        confirmations
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

    /// How many peers a node can carry; `None` where there is no such node.
    pub fn capacity(&self, node: &NodeId) -> Option<usize> {
        self.all.get(node).map(|node| node.hello.capacity.peers as usize)
    }

    /// The region of a node.
    pub fn region(&self, node: &NodeId) -> Option<&str> {
        self.all.get(node).map(|node| node.hello.region.as_str())
    }

    /// A node with its addresses.
    pub fn place(&self, node: &NodeId) -> Option<Place> {
        let addresses = self.all.get(node)?.hello.addresses.clone();
        Some(Place { node: node.clone(), addresses })
    }

    /// What to say to a node, and on which link; without one it is said on the next.
    pub fn send(&mut self, node: &NodeId, order: Order) -> Option<(u64, ToNode)> {
        let node = self.all.get_mut(node)?;
        let Order { request, room, revision, command } = order;
        let number = node.commands.next_number();
        let message = ToNode::Command { request, room, revision, command, number };
        node.commands.push(message.clone());
        Some((node.link?, message))
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

    const START: Number = Number(1_000);
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
            heard: None,
            kept_after: Number(0),
        }
    }

    /// The same process on a new link.
    fn again(name: &str, heard: u64, kept_after: u64) -> Hello {
        Hello { heard: Some(Number(heard)), kept_after: Number(kept_after), ..hello(name) }
    }

    fn order(request: u64) -> Order {
        let (request, room, revision) = (RequestId(request), RoomId(1), Revision(1));
        Order { request, room, revision, command: Command::CloseRoom }
    }

    fn message(number: u64) -> ToNode {
        let Order { request, room, revision, command } = order(number);
        ToNode::Command { request, room, revision, command, number: Number(START.0 + number) }
    }

    fn welcome(heard: u64, said: u64) -> ToNode {
        let (heard, said) = (Number(heard), Number(said));
        ToNode::Welcome { version: Version::CURRENT, heard, said }
    }

    #[test]
    fn a_silent_node_dies_once_and_comes_back_with_the_rooms_it_had() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        nodes.handle_hello(at(start, 0), 1, hello("a"), START).expect("welcome");
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
        nodes.handle_hello(at(start, 0), 1, hello("a"), START).expect("welcome");
        nodes.excuse(Duration::from_millis(2_000));
        assert!(nodes.handle_timeout(at(start, 2_200)).is_empty());
        assert_eq!(nodes.handle_timeout(at(start, 2_301)).len(), 1);
    }

    #[test]
    fn what_a_node_has_not_heard_is_said_again_on_its_next_link() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        let welcomed = nodes.handle_hello(at(start, 0), 1, hello("a"), START).expect("welcome");
        assert_eq!((welcomed.messages, welcomed.began_anew), (vec![welcome(0, 1_000)], true));
        let name: NodeId = "a".parse().expect("a name");
        for number in 1..=3 {
            assert_eq!(nodes.send(&name, order(number)), Some((1, message(number))));
        }
        let heartbeat = Heartbeat { heard: Number(1_001), ..Heartbeat::default() };
        nodes.handle_heartbeat(&name, heartbeat);
        nodes.handle_unlinked(1);
        assert_eq!(nodes.send(&name, order(4)), None, "kept until there is a link");
        let hello = again("a", 1_002, 0);
        let welcomed = nodes.handle_hello(at(start, 100), 2, hello, Number(9)).expect("welcome");
        assert_eq!(welcomed.messages, [welcome(0, 1_002), message(3), message(4)]);
        assert!(!welcomed.began_anew);
        assert_eq!(nodes.send(&name, order(5)), Some((2, message(5))));
    }

    #[test]
    fn a_new_link_replaces_the_former_one() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        nodes.handle_hello(at(start, 0), 1, hello("a"), START).expect("welcome");
        let hello = again("a", 1_000, 0);
        let welcomed = nodes.handle_hello(at(start, 200), 2, hello, START).expect("welcome");
        assert_eq!(welcomed.replaced, Some(1));
        nodes.handle_unlinked(1);
        let name: NodeId = "a".parse().expect("a name");
        assert_eq!(nodes.send(&name, order(1)), Some((2, message(1))));
    }

    #[test]
    fn where_anything_is_missing_both_sides_begin_anew() {
        let start = Instant::now();
        let name: NodeId = "a".parse().expect("a name");
        let after = |commands: u64, hello: Hello| {
            let mut nodes = Nodes::new(SILENCE);
            nodes.handle_hello(at(start, 0), 1, self::hello("a"), START).expect("welcome");
            nodes.handle_event(&name, Number(5));
            for number in 1..=commands {
                nodes.send(&name, order(number));
            }
            nodes.handle_hello(at(start, 9), 2, hello, Number(7)).expect("welcome")
        };
        assert!(!after(3, again("a", 1_003, 5)).began_anew);
        let another_process = after(3, hello("a"));
        let missed_commands = after(MAX_UNCONFIRMED as u64 + 1, again("a", 1_000, 0));
        let of_another_controller = after(3, again("a", 1_004, 0));
        for welcomed in [another_process, missed_commands, of_another_controller] {
            assert_eq!((welcomed.messages, welcomed.began_anew), (vec![welcome(0, 7)], true));
        }
        let lost_events = after(3, again("a", 1_003, 6));
        assert_eq!((lost_events.messages, lost_events.began_anew), (vec![welcome(6, 7)], true));
    }

    #[test]
    fn a_node_is_told_once_which_of_its_events_were_heard() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        nodes.handle_hello(at(start, 0), 1, hello("a"), START).expect("welcome");
        let name: NodeId = "a".parse().expect("a name");
        assert!(nodes.confirmations().is_empty());
        nodes.handle_event(&name, Number(1));
        nodes.handle_event(&name, Number(2));
        assert_eq!(nodes.confirmations(), [(1, ToNode::Heard { event: Number(2) })]);
        assert!(nodes.confirmations().is_empty());
    }

    #[test]
    fn an_unusable_introduction_is_refused() {
        let start = Instant::now();
        let mut nodes = Nodes::new(SILENCE);
        let mut refused = |change: fn(&mut Hello)| {
            let mut hello = hello("a");
            change(&mut hello);
            nodes.handle_hello(at(start, 0), 1, hello, START).expect_err("refused")
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
        nodes.handle_hello(at(start, 0), 1, hello("a"), START).expect("welcome");
        let load = Load { peers: 5, rooms: 1, egress_bps: 9, busy_permille: 8 };
        let name = "a".parse().expect("a name");
        nodes.handle_heartbeat(&name, Heartbeat { load, draining: true, ..Heartbeat::default() });
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
        nodes.handle_hello(at(start, 0), 1, hello("a"), START).expect("welcome");
        nodes.handle_unlinked(1);
        assert_eq!(nodes.handle_timeout(at(start, 400)).len(), 1);
        assert_eq!(nodes.infos().len(), 1);
        nodes.handle_timeout(at(start, 600_001));
        assert!(nodes.infos().is_empty());
    }
}
