//! Edges: their links, and the notices they miss while a link is made anew. Pure.

use crate::clock::Now;
use lectern_control::edge::Notice;
use lectern_control::{EdgeId, RoomId, Version};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long participants of an edge whose link is gone stay: their sockets live on, and their
/// media does. Longer would show people who are not there.
pub const RESUME: Duration = Duration::from_secs(60);
/// Edges known at once.
pub const MAX_EDGES: usize = 1_000;
/// Notices kept for an edge that is away; one that misses more has lost its participants.
const MAX_MISSED: usize = 8_192;
/// A region's name.
const MAX_REGION_BYTES: usize = 128;

/// Why an edge is not welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Another major version.
    #[error("it speaks another version")]
    Version,
    /// Its region's name is too long.
    #[error("a region has at most 128 bytes")]
    Region,
    /// There are too many.
    #[error("the limit on edges is reached")]
    TooMany,
}

/// What an edge's introduction led to.
#[derive(Debug, Default, PartialEq)]
pub struct Welcomed {
    /// The link it had before, which must go.
    pub replaced: Option<u64>,
    /// Notices it missed, in their order.
    pub missed: Vec<(RoomId, Notice)>,
    /// It missed more than could be kept: it comes as if it had never been here.
    pub lost: bool,
}

/// What became of an edge with time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elapsed {
    /// It did not come back: its participants have left.
    Lost(EdgeId),
    /// It came back a while ago, perhaps as another process: who has no transport by now is not
    /// there any more.
    Settled(EdgeId),
}

#[derive(Debug)]
struct Edge {
    region: String,
    link: Option<u64>,
    /// Without a link since then, or back since then.
    since: Option<Instant>,
    missed: VecDeque<(RoomId, Notice)>,
    missed_too_much: bool,
}

/// All edges.
#[derive(Debug, Default)]
pub struct Edges {
    all: BTreeMap<EdgeId, Edge>,
    by_link: BTreeMap<u64, EdgeId>,
}

impl Edges {
    /// An edge introduces itself on a link.
    pub fn handle_hello(
        &mut self,
        now: Now,
        link: u64,
        version: Version,
        name: EdgeId,
        region: String,
    ) -> Result<Welcomed, Refusal> {
        if !version.is_compatible(Version::CURRENT) {
            return Err(Refusal::Version);
        }
        if region.len() > MAX_REGION_BYTES {
            return Err(Refusal::Region);
        }
        if !self.all.contains_key(&name) && self.all.len() >= MAX_EDGES {
            return Err(Refusal::TooMany);
        }
        let mut welcomed = Welcomed::default();
        let mut since = None;
        if let Some(former) = self.all.remove(&name) {
            welcomed.replaced = former.link.filter(|former| *former != link);
            welcomed.lost = former.missed_too_much;
            since = Some(now.at);
            if !welcomed.lost {
                welcomed.missed = former.missed.into();
            }
        }
        if let Some(replaced) = welcomed.replaced {
            self.by_link.remove(&replaced);
        }
        self.by_link.insert(link, name.clone());
        let edge = Edge {
            region,
            link: Some(link),
            since,
            missed: VecDeque::new(),
            missed_too_much: false,
        };
        self.all.insert(name, edge);
        Ok(welcomed)
    }

    /// A link is gone.
    pub fn handle_unlinked(&mut self, now: Now, link: u64) {
        let Some(name) = self.by_link.remove(&link) else { return };
        if let Some(edge) = self.all.get_mut(&name) {
            (edge.link, edge.since) = (None, Some(now.at));
        }
    }

    /// What the time has brought.
    pub fn handle_timeout(&mut self, now: Now) -> Vec<Elapsed> {
        let mut elapsed = Vec::new();
        for (name, edge) in &mut self.all {
            let over = edge.since.is_some_and(|since| now.at >= since + RESUME);
            if edge.link.is_none() && (over || edge.missed_too_much) {
                elapsed.push(Elapsed::Lost(name.clone()));
            } else if over {
                edge.since = None;
                elapsed.push(Elapsed::Settled(name.clone()));
            }
        }
        for gone in &elapsed {
            if let Elapsed::Lost(name) = gone {
                self.all.remove(name);
            }
        }
        elapsed
    }

    /// The edge that introduced itself on a link.
    pub fn on_link(&self, link: u64) -> Option<&EdgeId> {
        self.by_link.get(&link)
    }

    /// The region of an edge; empty where it is not known.
    pub fn region(&self, edge: &EdgeId) -> &str {
        self.all.get(edge).map_or("", |edge| edge.region.as_str())
    }

    /// The link on which to tell an edge; without one the notice is kept until there is one.
    pub fn notify(&mut self, edge: &EdgeId, room: RoomId, notice: Notice) -> Option<(u64, Notice)> {
        let edge = self.all.get_mut(edge)?;
        if let Some(link) = edge.link {
            return Some((link, notice));
        }
        // What is true for a moment only is of no use later.
        let momentary = matches!(notice, Notice::Speakers { .. } | Notice::Quality { .. });
        if !momentary && edge.missed.len() < MAX_MISSED {
            edge.missed.push_back((room, notice));
        } else if !momentary {
            edge.missed_too_much = true;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::ParticipantId;
    use lectern_control::node::Quality;

    fn at(start: Instant, ms: u64) -> Now {
        Now { at: start + Duration::from_millis(ms), unix_ms: ms }
    }

    fn name() -> EdgeId {
        "edge-1".parse().expect("a name")
    }

    fn hello(edges: &mut Edges, now: Now, link: u64) -> Welcomed {
        let welcomed = edges.handle_hello(now, link, Version::CURRENT, name(), "eu".to_owned());
        welcomed.expect("welcome")
    }

    #[test]
    fn an_edge_that_comes_back_gets_what_it_missed_in_order() {
        let start = Instant::now();
        let mut edges = Edges::default();
        assert_eq!(hello(&mut edges, at(start, 0), 1), Welcomed::default());
        assert_eq!(edges.region(&name()), "eu");
        assert_eq!(
            edges.notify(&name(), RoomId(1), Notice::RoomClosed),
            Some((1, Notice::RoomClosed))
        );
        edges.handle_unlinked(at(start, 10), 1);
        let quality =
            Notice::Quality { participant: ParticipantId(1), quality: Quality::default() };
        for (room, notice) in [(2, Notice::RoomClosed), (1, quality), (3, Notice::RoomClosed)] {
            assert_eq!(edges.notify(&name(), RoomId(room), notice), None);
        }
        let welcomed = hello(&mut edges, at(start, 1_000), 2);
        let missed = [(RoomId(2), Notice::RoomClosed), (RoomId(3), Notice::RoomClosed)];
        assert_eq!(welcomed.missed, missed, "all but what was true for a moment");
        assert!(edges.handle_timeout(at(start, 60_999)).is_empty());
        assert_eq!(edges.handle_timeout(at(start, 61_000)), [Elapsed::Settled(name())]);
        assert!(edges.handle_timeout(at(start, 200_000)).is_empty());
    }

    #[test]
    fn an_edge_that_stays_away_is_lost_after_the_resume_time() {
        let start = Instant::now();
        let mut edges = Edges::default();
        hello(&mut edges, at(start, 0), 1);
        edges.handle_unlinked(at(start, 10), 1);
        assert!(edges.handle_timeout(at(start, 60_009)).is_empty());
        assert_eq!(edges.handle_timeout(at(start, 60_010)), [Elapsed::Lost(name())]);
        assert!(edges.handle_timeout(at(start, 60_020)).is_empty());
    }

    #[test]
    fn an_edge_that_misses_too_much_is_lost_at_once() {
        let start = Instant::now();
        let mut edges = Edges::default();
        hello(&mut edges, at(start, 0), 1);
        edges.handle_unlinked(at(start, 10), 1);
        for _ in 0..=MAX_MISSED {
            edges.notify(&name(), RoomId(1), Notice::RoomClosed);
        }
        assert_eq!(edges.handle_timeout(at(start, 20)), [Elapsed::Lost(name())]);

        hello(&mut edges, at(start, 30), 2);
        edges.handle_unlinked(at(start, 40), 2);
        for _ in 0..=MAX_MISSED {
            edges.notify(&name(), RoomId(1), Notice::RoomClosed);
        }
        let welcomed = hello(&mut edges, at(start, 50), 3);
        assert!(welcomed.lost && welcomed.missed.is_empty(), "part of the news is no news");
    }

    #[test]
    fn a_new_link_replaces_the_former_one() {
        let start = Instant::now();
        let mut edges = Edges::default();
        hello(&mut edges, at(start, 0), 1);
        assert_eq!(hello(&mut edges, at(start, 5), 2).replaced, Some(1));
        edges.handle_unlinked(at(start, 6), 1);
        assert_eq!(edges.on_link(2), Some(&name()));
        let told = edges.notify(&name(), RoomId(1), Notice::RoomClosed);
        assert_eq!(told, Some((2, Notice::RoomClosed)));
    }

    #[test]
    fn another_version_is_refused() {
        let mut edges = Edges::default();
        let version = Version { major: Version::CURRENT.major + 1, minor: 0 };
        let now = at(Instant::now(), 0);
        let refused = edges.handle_hello(now, 1, version, name(), String::new());
        assert_eq!(refused, Err(Refusal::Version));
        assert_eq!(edges.on_link(1), None);
    }
}
