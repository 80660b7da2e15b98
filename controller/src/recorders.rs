//! Recorders: who is there, who is alive, what they carry, and which of them takes a recording. Pure.
//!
//! What is said to one is said again on its next link as a whole: nothing is kept for it here.

use crate::clock::Now;
use crate::placement::distance;
use crate::room::Recorder as Place;
use lectern_control::recorder::Load;
use lectern_control::{RecorderId, Version};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long a recorder may be silent before its recordings go on elsewhere: longer than a restart,
/// after which it has all that nodes kept for it; shorter than people would talk for nothing.
pub const SILENCE: Duration = Duration::from_secs(10);
/// Recorders known at once: one for each few dozen meetings of the largest cluster.
pub const MAX_RECORDERS: usize = 1_000;
/// How long a recorder that is gone is remembered.
const FORGET_AFTER: Duration = Duration::from_secs(600);
/// Addresses of one recorder: each is tried by nodes and edges.
const MAX_ADDRESSES: usize = 16;
/// A region's name.
const MAX_REGION_BYTES: usize = 128;

/// Why a recorder is not welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Another major version.
    #[error("it speaks another version")]
    Version,
    /// Something in its introduction cannot be used.
    #[error("its introduction cannot be used: {0}")]
    Invalid(&'static str),
    /// There are too many.
    #[error("the limit on recorders is reached")]
    TooMany,
}

/// A recorder's introduction.
#[derive(Debug, Clone)]
pub struct Hello {
    /// Its version.
    pub version: Version,
    /// Its name.
    pub name: RecorderId,
    /// Its region.
    pub region: String,
    /// Where nodes and edges reach it.
    pub addresses: Vec<SocketAddr>,
}

#[derive(Debug)]
struct Recorder {
    region: String,
    addresses: Vec<SocketAddr>,
    link: Option<u64>,
    heard_at: Instant,
    load: Load,
    alive: bool,
}

/// How a recorder is, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Takes recordings.
    Free,
    /// Takes no new ones.
    Full,
    /// Silent.
    Dead,
}

/// All recorders.
#[derive(Debug, Default)]
pub struct Recorders {
    all: BTreeMap<RecorderId, Recorder>,
    by_link: BTreeMap<u64, RecorderId>,
}

impl Recorders {
    /// A recorder introduces itself on a link; the link it had before, which must go.
    pub fn handle_hello(
        &mut self,
        now: Now,
        link: u64,
        hello: Hello,
    ) -> Result<Option<u64>, Refusal> {
        check(&hello)?;
        let Hello { name, region, addresses, .. } = hello;
        if !self.all.contains_key(&name) && self.all.len() >= MAX_RECORDERS {
            return Err(Refusal::TooMany);
        }
        let former = self.all.remove(&name);
        let load = former.as_ref().map(|former| former.load).unwrap_or_default();
        let replaced = former.and_then(|former| former.link).filter(|former| *former != link);
        if let Some(replaced) = replaced {
            self.by_link.remove(&replaced);
        }
        self.by_link.insert(link, name.clone());
        let (link, heard_at, alive) = (Some(link), now.at, true);
        self.all.insert(name, Recorder { region, addresses, link, heard_at, load, alive });
        Ok(replaced)
    }

    /// A recorder should be there, as the records say, and may take a moment to link.
    pub fn expect(&mut self, now: Now, name: &RecorderId) {
        let absent = || Recorder {
            region: String::new(),
            addresses: Vec::new(),
            link: None,
            heard_at: now.at,
            load: Load { full: true, ..Load::default() },
            alive: true,
        };
        self.all.entry(name.clone()).or_insert_with(absent);
    }

    /// The recorder on a link says something: it lives.
    pub fn handle_sign_of_life(&mut self, now: Now, link: u64) -> Option<RecorderId> {
        let name = self.by_link.get(&link)?.clone();
        let recorder = self.all.get_mut(&name)?;
        (recorder.heard_at, recorder.alive) = (now.at, true);
        Some(name)
    }

    /// What a recorder carries now.
    pub fn handle_heartbeat(&mut self, name: &RecorderId, load: Load) {
        if let Some(recorder) = self.all.get_mut(name) {
            recorder.load = load;
        }
    }

    /// A link is gone. The recorder has as long to come back as it may be silent.
    pub fn handle_unlinked(&mut self, link: u64) {
        let Some(name) = self.by_link.remove(&link) else { return };
        if let Some(recorder) = self.all.get_mut(&name) {
            recorder.link = None;
        }
    }

    /// Recorders that have just fallen silent.
    pub fn handle_timeout(&mut self, now: Now) -> Vec<RecorderId> {
        let silent_for = |recorder: &Recorder| now.at.saturating_duration_since(recorder.heard_at);
        self.all.retain(|_, one| one.link.is_some() || silent_for(one) <= FORGET_AFTER);
        let mut fallen = Vec::new();
        for (name, recorder) in &mut self.all {
            if recorder.alive && silent_for(recorder) > SILENCE {
                recorder.alive = false;
                fallen.push(name.clone());
            }
        }
        fallen
    }

    /// The controller itself stood still for so long: nobody's silence says anything.
    pub fn excuse(&mut self, stood_still: Duration) {
        for recorder in self.all.values_mut().filter(|recorder| recorder.alive) {
            recorder.heard_at += stood_still;
        }
    }

    /// The link of a recorder.
    pub fn link(&self, name: &RecorderId) -> Option<u64> {
        self.all.get(name)?.link
    }

    /// Whether a recorder was heard of lately.
    pub fn is_alive(&self, name: &RecorderId) -> bool {
        self.all.get(name).is_some_and(|recorder| recorder.alive)
    }

    /// A recorder with its addresses.
    pub fn place(&self, name: &RecorderId) -> Option<Place> {
        let recorder = self.all.get(name)?;
        Some(Place { name: name.clone(), addresses: recorder.addresses.clone() })
    }

    /// Those that can be told something now.
    pub fn linked(&self) -> BTreeSet<RecorderId> {
        self.by_link.values().cloned().collect()
    }

    /// How each of them is.
    pub fn states(&self) -> impl Iterator<Item = State> {
        self.all.values().map(|recorder| match (recorder.alive, recorder.load.full) {
            (false, _) => State::Dead,
            (true, true) => State::Full,
            (true, false) => State::Free,
        })
    }

    /// Which recorder takes a recording near a region: the nearest, then the least busy, then the one
    /// with the most room. `placed` says how many were given to one: its own reports are a second old.
    pub fn choose(
        &self,
        region: &str,
        placed: impl Fn(&RecorderId) -> u32,
        avoid: Option<&RecorderId>,
    ) -> Option<Place> {
        let takes = |(name, recorder): &(&RecorderId, &Recorder)| {
            let linked = recorder.alive && recorder.link.is_some();
            linked && !recorder.load.full && Some(*name) != avoid
        };
        let order = |(name, recorder): &(&RecorderId, &Recorder)| {
            let recordings = recorder.load.recordings.max(placed(name));
            let busy = u64::from(recordings) + u64::from(recorder.load.jobs);
            let far = distance(&recorder.region, region);
            (far, busy, Reverse(recorder.load.free_bytes), (*name).clone())
        };
        let (name, _) = self.all.iter().filter(takes).min_by_key(order)?;
        self.place(name)
    }
}

fn check(hello: &Hello) -> Result<(), Refusal> {
    if !hello.version.is_compatible(Version::CURRENT) {
        return Err(Refusal::Version);
    }
    if hello.addresses.len() > MAX_ADDRESSES {
        return Err(Refusal::Invalid("a recorder has at most 16 addresses"));
    }
    if hello.region.len() > MAX_REGION_BYTES {
        return Err(Refusal::Invalid("a region has at most 128 bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64) -> Now {
        Now { at: start + Duration::from_millis(ms), unix_ms: ms }
    }

    fn hello(name: &str, region: &str) -> Hello {
        let name = name.parse().expect("a name");
        let addresses = vec![([192, 0, 2, 1], 7_900).into()];
        Hello { version: Version::CURRENT, name, region: region.to_owned(), addresses }
    }

    fn load(recordings: u32, free_bytes: u64) -> Load {
        Load { recordings, jobs: 0, free_bytes, full: false }
    }

    /// Recorders with a link each and their loads.
    fn recorders(of: &[(&str, &str, Load)]) -> Recorders {
        let (mut recorders, start) = (Recorders::default(), Instant::now());
        for (link, (name, region, load)) in of.iter().enumerate() {
            let hello = hello(name, region);
            let name = hello.name.clone();
            recorders.handle_hello(at(start, 0), link as u64, hello).expect("welcome");
            recorders.handle_heartbeat(&name, *load);
        }
        recorders
    }

    fn chosen(recorders: &Recorders, region: &str, avoid: Option<&str>) -> Option<String> {
        let avoid = avoid.map(|name| name.parse().expect("a name"));
        let place = recorders.choose(region, |_| 0, avoid.as_ref())?;
        Some(place.name.to_string())
    }

    #[test]
    fn the_nearest_then_the_least_busy_then_the_roomiest_is_chosen() {
        let all = [
            ("far", "us-east", load(0, 9)),
            ("busy", "eu-west", load(2, 9)),
            ("small", "eu-west", load(1, 5)),
            ("large", "eu-west", load(1, 6)),
        ];
        let recorders = recorders(&all);
        assert_eq!(chosen(&recorders, "eu-west", None).as_deref(), Some("large"));
        assert_eq!(chosen(&recorders, "eu-west", Some("large")).as_deref(), Some("small"));
        assert_eq!(chosen(&recorders, "us-east", None).as_deref(), Some("far"));
        let placed = |name: &RecorderId| if name.as_str() == "large" { 7 } else { 0 };
        let place = recorders.choose("eu-west", placed, None).expect("one");
        assert_eq!(place.name.as_str(), "small", "what was just given to one counts");
        assert_eq!(place.addresses.len(), 1);
    }

    #[test]
    fn one_that_is_full_away_or_only_expected_takes_nothing() {
        let full = Load { full: true, ..load(0, 9) };
        let mut recorders = recorders(&[("full", "eu", full), ("gone", "eu", load(0, 9))]);
        let start = Instant::now();
        recorders.handle_unlinked(1);
        recorders.expect(at(start, 0), &"awaited".parse().expect("a name"));
        assert_eq!(chosen(&recorders, "eu", None), None);
        assert_eq!(recorders.states().filter(|state| *state == State::Full).count(), 2);
    }

    #[test]
    fn silence_is_noticed_once_and_a_word_mends_it() {
        let (mut recorders, start) = (Recorders::default(), Instant::now());
        let name: RecorderId = "r".parse().expect("a name");
        recorders.handle_hello(at(start, 0), 1, hello("r", "eu")).expect("welcome");
        assert!(recorders.handle_timeout(at(start, 10_000)).is_empty());
        assert_eq!(recorders.handle_timeout(at(start, 10_001)), std::slice::from_ref(&name));
        assert!(recorders.handle_timeout(at(start, 10_026)).is_empty());
        assert!(!recorders.is_alive(&name));
        assert_eq!(recorders.handle_sign_of_life(at(start, 11_000), 1), Some(name.clone()));
        assert!(recorders.is_alive(&name));
        recorders.excuse(Duration::from_secs(5));
        assert!(recorders.handle_timeout(at(start, 25_000)).is_empty(), "nobody heard anybody");
        let replaced = recorders.handle_hello(at(start, 26_000), 2, hello("r", "eu"));
        assert_eq!(replaced, Ok(Some(1)));
        recorders.handle_unlinked(1);
        assert_eq!(recorders.link(&name), Some(2), "the former link's end is no news");
        recorders.handle_unlinked(2);
        recorders.handle_timeout(at(start, 26_000 + 600_001));
        assert!(recorders.all.is_empty(), "forgotten");
    }

    #[test]
    fn who_speaks_another_version_or_too_much_is_refused() {
        let (mut recorders, start) = (Recorders::default(), Instant::now());
        let major = Version::CURRENT.major + 1;
        let other = Hello { version: Version { major, minor: 0 }, ..hello("r", "eu") };
        assert_eq!(recorders.handle_hello(at(start, 0), 1, other), Err(Refusal::Version));
        let long = hello("r", &"x".repeat(129));
        let refused = recorders.handle_hello(at(start, 0), 1, long);
        assert!(matches!(refused, Err(Refusal::Invalid(_))));
        let many = vec![([192, 0, 2, 1], 1).into(); 17];
        let many = Hello { addresses: many, ..hello("r", "eu") };
        let refused = recorders.handle_hello(at(start, 0), 1, many);
        assert!(matches!(refused, Err(Refusal::Invalid(_))));
        for number in 0..MAX_RECORDERS {
            let hello = hello(&format!("r-{number}"), "eu");
            recorders.handle_hello(at(start, 0), number as u64, hello).expect("welcome");
        }
        let refused = recorders.handle_hello(at(start, 0), 9_999, hello("r", "eu"));
        assert_eq!(refused, Err(Refusal::TooMany));
    }
}
