//! Edges: their links, and the notices they have not heard yet. Pure.

use crate::clock::Now;
use lectern_control::delivery::{Number, Unconfirmed};
use lectern_control::edge::{Notice, ToEdge};
use lectern_control::{EdgeId, RoomId, Version};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long participants of an edge whose link is gone stay: their sockets live on, and their
/// media does. Longer would show people who are not there.
pub const RESUME: Duration = Duration::from_secs(60);
/// Edges known at once.
pub const MAX_EDGES: usize = 1_000;
/// Notices kept until an edge has heard them: half of what may wait on a link, so that they can be said
/// again at once. One that misses more has lost its participants.
const MAX_UNCONFIRMED: usize = 8_192;
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

/// An edge's introduction.
#[derive(Debug)]
pub struct Hello {
    /// Its version.
    pub version: Version,
    /// Its name.
    pub name: EdgeId,
    /// Its region.
    pub region: String,
    /// The last notice it has heard.
    pub heard: Option<Number>,
}

/// What an edge's introduction led to.
#[derive(Debug, Default, PartialEq)]
pub struct Welcomed {
    /// The link it had before, which must go.
    pub replaced: Option<u64>,
    /// The welcome, and the notices it has not heard yet.
    pub messages: Vec<ToEdge>,
    /// It was here before, and is another process now or missed more than could be kept: its
    /// participants are gone.
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
    notices: Unconfirmed<ToEdge>,
}

/// All edges.
#[derive(Debug, Default)]
pub struct Edges {
    all: BTreeMap<EdgeId, Edge>,
    by_link: BTreeMap<u64, EdgeId>,
}

impl Edges {
    /// An edge introduces itself on a link. Where nothing can be gone on from, its notices are
    /// counted from `start`, which is random.
    pub fn handle_hello(
        &mut self,
        now: Now,
        link: u64,
        hello: Hello,
        start: Number,
    ) -> Result<Welcomed, Refusal> {
        let Hello { version, name, region, heard } = hello;
        if !version.is_compatible(Version::CURRENT) {
            return Err(Refusal::Version);
        }
        if region.len() > MAX_REGION_BYTES {
            return Err(Refusal::Region);
        }
        if !self.all.contains_key(&name) && self.all.len() >= MAX_EDGES {
            return Err(Refusal::TooMany);
        }
        let former = self.all.remove(&name);
        let since = former.as_ref().map(|_| now.at);
        let replaced = former.as_ref().and_then(|former| former.link);
        let replaced = replaced.filter(|former| *former != link);
        if let Some(replaced) = replaced {
            self.by_link.remove(&replaced);
        }
        self.by_link.insert(link, name.clone());
        let known = former.is_some();
        let notices = former.map(|former| former.notices);
        let notices = notices.filter(|notices| heard.is_some_and(|h| notices.after(h).is_some()));
        let lost = known && notices.is_none();
        let said = heard.filter(|_| notices.is_some()).unwrap_or(start);
        let mut notices = notices.unwrap_or_else(|| Unconfirmed::new(start, MAX_UNCONFIRMED));
        notices.confirm(said);
        let mut messages = vec![ToEdge::Welcome { version: Version::CURRENT, said }];
        messages.extend(notices.after(said).into_iter().flatten().cloned());
        self.all.insert(name, Edge { region, link: Some(link), since, notices });
        Ok(Welcomed { replaced, messages, lost })
    }

    /// An edge has heard notices up to this one.
    pub fn handle_heard(&mut self, edge: &EdgeId, notice: Number) {
        if let Some(edge) = self.all.get_mut(edge) {
            edge.notices.confirm(notice);
        }
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
            if edge.link.is_none() && over {
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

    /// What to tell an edge, and on which link; without one it is told on the next.
    pub fn notify(&mut self, edge: &EdgeId, room: RoomId, notice: Notice) -> Option<(u64, ToEdge)> {
        let edge = self.all.get_mut(edge)?;
        // What is true for a moment only is of no use later.
        let momentary = matches!(notice, Notice::Speakers { .. } | Notice::Quality { .. });
        if momentary && edge.link.is_none() {
            return None;
        }
        let message = ToEdge::Notice { room, notice, number: edge.notices.next_number() };
        edge.notices.push(message.clone());
        Some((edge.link?, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::ParticipantId;
    use lectern_control::node::Quality;

    const START: Number = Number(1_000);

    fn at(start: Instant, ms: u64) -> Now {
        Now { at: start + Duration::from_millis(ms), unix_ms: ms }
    }

    fn name() -> EdgeId {
        "edge-1".parse().expect("a name")
    }

    fn hello(edges: &mut Edges, now: Now, link: u64, heard: Option<u64>) -> Welcomed {
        let (name, region, heard) = (name(), "eu".to_owned(), heard.map(Number));
        let hello = Hello { version: Version::CURRENT, name, region, heard };
        edges.handle_hello(now, link, hello, START).expect("welcome")
    }

    fn welcome(said: u64) -> ToEdge {
        ToEdge::Welcome { version: Version::CURRENT, said: Number(said) }
    }

    fn notice(room: u64, number: u64) -> ToEdge {
        let (room, number) = (RoomId(room), Number(number));
        ToEdge::Notice { room, notice: Notice::RoomClosed, number }
    }

    fn notify(edges: &mut Edges, room: u64) -> Option<(u64, ToEdge)> {
        edges.notify(&name(), RoomId(room), Notice::RoomClosed)
    }

    #[test]
    fn an_edge_that_comes_back_gets_what_it_has_not_heard_in_order() {
        let start = Instant::now();
        let mut edges = Edges::default();
        let welcomed = hello(&mut edges, at(start, 0), 1, None);
        assert_eq!(welcomed.messages, [welcome(1_000)]);
        assert!(!welcomed.lost, "it was never here");
        assert_eq!(edges.region(&name()), "eu");
        for room in 1..=3 {
            assert_eq!(notify(&mut edges, room), Some((1, notice(room, 1_000 + room))));
        }
        edges.handle_heard(&name(), Number(1_001));
        edges.handle_unlinked(at(start, 10), 1);
        let quality =
            Notice::Quality { participant: ParticipantId(1), quality: Quality::default() };
        assert_eq!(edges.notify(&name(), RoomId(1), quality), None);
        assert_eq!(notify(&mut edges, 4), None);
        let welcomed = hello(&mut edges, at(start, 1_000), 2, Some(1_002));
        let expected = [welcome(1_002), notice(3, 1_003), notice(4, 1_004)];
        assert_eq!(welcomed.messages, expected, "all but what was true for a moment");
        assert!(!welcomed.lost);
        assert!(edges.handle_timeout(at(start, 60_999)).is_empty());
        assert_eq!(edges.handle_timeout(at(start, 61_000)), [Elapsed::Settled(name())]);
        assert!(edges.handle_timeout(at(start, 200_000)).is_empty());
    }

    #[test]
    fn an_edge_that_stays_away_is_lost_after_the_resume_time() {
        let start = Instant::now();
        let mut edges = Edges::default();
        hello(&mut edges, at(start, 0), 1, None);
        edges.handle_unlinked(at(start, 10), 1);
        assert!(edges.handle_timeout(at(start, 60_009)).is_empty());
        assert_eq!(edges.handle_timeout(at(start, 60_010)), [Elapsed::Lost(name())]);
        assert!(edges.handle_timeout(at(start, 60_020)).is_empty());
        let welcomed = hello(&mut edges, at(start, 60_030), 2, Some(1_003));
        assert_eq!(welcomed.messages, [welcome(1_000)], "it learns that nobody knows it");
    }

    #[test]
    fn an_edge_that_misses_too_much_or_is_another_process_is_lost() {
        let start = Instant::now();
        let mut edges = Edges::default();
        hello(&mut edges, at(start, 0), 1, None);
        for _ in 0..=MAX_UNCONFIRMED {
            notify(&mut edges, 1);
        }
        let welcomed = hello(&mut edges, at(start, 50), 2, Some(1_000));
        assert_eq!(welcomed.messages, [welcome(1_000)], "part of the news is no news");
        assert!(welcomed.lost);
        assert!(hello(&mut edges, at(start, 60), 3, None).lost);
    }

    #[test]
    fn a_new_link_replaces_the_former_one() {
        let start = Instant::now();
        let mut edges = Edges::default();
        hello(&mut edges, at(start, 0), 1, None);
        assert_eq!(hello(&mut edges, at(start, 5), 2, Some(1_000)).replaced, Some(1));
        edges.handle_unlinked(at(start, 6), 1);
        assert_eq!(edges.on_link(2), Some(&name()));
        assert_eq!(notify(&mut edges, 1), Some((2, notice(1, 1_001))));
    }

    #[test]
    fn another_version_is_refused() {
        let mut edges = Edges::default();
        let version = Version { major: Version::CURRENT.major + 1, minor: 0 };
        let now = at(Instant::now(), 0);
        let hello = Hello { version, name: name(), region: String::new(), heard: None };
        assert_eq!(edges.handle_hello(now, 1, hello, START), Err(Refusal::Version));
        assert_eq!(edges.on_link(1), None);
    }
}
