//! The scenarios: what the network does, what people do, and what is asked of the result.

use super::bots;
use super::call::{Act, Action, Camera, Plan, Presenter, Screen, Viewer};
use super::camera;
use super::judge::{CAMERA, SCREEN, VIEWER};
use super::server::Ways;
use super::timeline::{DROP_S, LINK, NARROW, OUTAGES_S, SLIDES_S, TURN};
use super::verdict;
use super::verdict::Judge;
use super::words;
use crate::relay::Network;
use lectern_sim::network::{Config, Order, Outage, Place, RateStep};
use lectern_wire::Bitrate;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

/// The round trip where nothing else stands.
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// The link that jitters: a little more than what is sent, so that nobody may give up a layer.
const JITTERING: Bitrate = Bitrate::kbps(2_500);
/// The link that a TCP flow shares: less than what is sent.
const SHARED: Bitrate = Bitrate::kbps(4_000);
/// What a camera in its three layers and a screen need after they were slow at first.
const SETTLE: Duration = Duration::from_secs(12);

/// Who is behind the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// The viewer: what the node sends suffers.
    Viewer,
    /// The presenter: what the node receives suffers.
    Presenter,
}

impl Behind {
    /// The way before which the relay stands.
    pub fn of(self, ways: &Ways) -> SocketAddr {
        match self {
            Behind::Viewer => ways.viewer,
            Behind::Presenter => ways.presenter,
        }
    }
}

/// One of the scenarios.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// As `--only` takes it.
    pub name: &'static str,
    /// What it is, for a plot's title.
    pub title: &'static str,
    /// Who is behind the relay.
    pub behind: Behind,
    /// The network until the beginning.
    pub before: Network,
    /// The network from the beginning on.
    pub network: Network,
    /// How long everything runs before the beginning.
    pub settle: Duration,
    /// How long it goes on from there.
    pub length: Duration,
    /// Whether a TCP flow shares the link.
    pub has_competitor: bool,
    /// Who publishes what.
    pub sources: Sources,
    /// How the camera is published, where not as the app does it.
    pub camera_options: Option<serde_json::Value>,
    /// Clients that are no browsers.
    pub crowd: Option<Crowd>,
    /// What people do.
    pub actions: Vec<Action>,
    /// What is asked of the result.
    pub judge: Judge,
}

/// Clients that are no browsers.
#[derive(Debug, Clone, Copy)]
pub enum Crowd {
    /// Watch, and come when the timeline begins.
    Joiners(bots::Config),
    /// Talk by turns, which begin with the timeline, and are there before; and so many who listen.
    Talkers(bots::Config, u32),
}

/// What the presenter publishes beside a voice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sources {
    /// A camera in layers.
    pub camera: bool,
    /// A shared tab.
    pub screen: bool,
    /// A tab that is never at rest, and needs all it may have.
    pub motion: bool,
}

const ALL: Sources = Sources { camera: true, screen: true, motion: false };
const SCREEN_ONLY: Sources = Sources { camera: false, screen: true, motion: false };
const NOTHING: Sources = Sources { camera: false, screen: false, motion: false };
const CAMERA_ONLY: Sources = Sources { camera: true, screen: false, motion: false };

/// All of them, in the order of the table.
pub fn all() -> Vec<Scenario> {
    let lossy = |name, title, behind, loss, judge| {
        let path = Config { loss, losses_at: Place::AfterQueue, ..link() };
        let bad = match behind {
            Behind::Viewer => Network { down: path, ..clean() },
            Behind::Presenter => Network { up: path, ..clean() },
        };
        let length = Duration::from_secs(30);
        let sources = CAMERA_ONLY;
        Scenario { network: bad, behind, length, sources, ..plain(name, title, judge) }
    };
    vec![
        Scenario {
            settle: Duration::from_secs(1),
            length: Duration::from_secs(20),
            actions: vec![keep(CAMERA, "camera", (15.0, 16.0), 2_000)],
            ..plain("clean5", "a clean link of 5 Mbit/s", verdict::clean)
        },
        drop(),
        slide(),
        lossy("down10", "10 % loss to the viewer", Behind::Viewer, 0.1, verdict::down10),
        lossy("down30", "30 % loss to the viewer", Behind::Viewer, 0.3, verdict::down30),
        lossy("up10", "10 % loss from the presenter", Behind::Presenter, 0.1, verdict::up),
        lossy("up30", "30 % loss from the presenter", Behind::Presenter, 0.3, verdict::up),
        outages(),
        jitter(),
        tcp(),
        late_join(),
        talkers(),
        toggle(),
        codec("vp8", json!({ "simulcast": true, "videoCodec": "vp8" })),
        codec("h264", json!({ "simulcast": true, "videoCodec": "h264" })),
        codec("vp9", json!({ "videoCodec": "vp9", "scalabilityMode": "L3T3_KEY" })),
        codec("av1", json!({ "videoCodec": "av1", "scalabilityMode": "L3T3_KEY" })),
    ]
}

/// A hundred who come within a second; one of them is a browser, and is looked at.
fn late_join() -> Scenario {
    const BROWSER_MS: u64 = 500;
    let within = Duration::from_secs(1);
    let come = Act::View { name: VIEWER, way: None };
    Scenario {
        settle: Duration::from_secs(8),
        length: Duration::from_secs(8),
        sources: SCREEN_ONLY,
        crowd: Some(Crowd::Joiners(bots::Config { count: 99, within, turns: None })),
        actions: vec![Action { at: BROWSER_MS, act: come }],
        ..plain("late", "100 join a shared screen within a second", verdict::late)
    }
}

/// So many talkers, of whom each listener hears three.
fn talkers() -> Scenario {
    let path = Network::symmetric(Config { delay: ROUND_TRIP / 2, ..Config::default() });
    let talk = bots::Talk { length: Duration::from_secs(3), later: TURN };
    let config = bots::Config { count: 300, within: Duration::from_secs(20), turns: Some(talk) };
    Scenario {
        before: path.clone(),
        network: path,
        settle: Duration::from_secs(30),
        length: Duration::from_secs(20),
        sources: NOTHING,
        crowd: Some(Crowd::Talkers(config, 2)),
        actions: Vec::new(),
        ..plain("talkers", "300 talkers, three at a time", verdict::talkers)
    }
}

/// A viewer who changes their mind ten times a second.
fn toggle() -> Scenario {
    const CHANGES: usize = 200;
    let path = Network::symmetric(Config { delay: ROUND_TRIP / 2, ..Config::default() });
    let mut actions = plain("", "", verdict::toggle).actions;
    actions.extend(wants(CHANGES, 100, &["LOW", "HIGH"]));
    Scenario {
        before: path.clone(),
        network: path,
        settle: Duration::from_secs(6),
        sources: CAMERA_ONLY,
        actions,
        ..plain("toggle", "a viewer changes the layer ten times a second", verdict::toggle)
    }
}

/// Layers of one codec, forced up and down.
fn codec(name: &'static str, mut options: serde_json::Value) -> Scenario {
    const CHANGES: usize = 50;
    // Where a layer needs a keyframe to begin with, one a second is asked for at most.
    const EVERY_MS: u64 = 1_100;
    options["backupCodec"] = json!(false);
    let path = Network::symmetric(Config { delay: ROUND_TRIP / 2, ..Config::default() });
    let mut actions = plain("", "", verdict::layers).actions;
    actions.extend(wants(CHANGES, EVERY_MS, &["LOW", "HIGH", "MEDIUM", "HIGH", "LOW", "MEDIUM"]));
    Scenario {
        before: path.clone(),
        network: path,
        settle: Duration::from_secs(6),
        length: Duration::from_secs(58),
        sources: CAMERA_ONLY,
        camera_options: Some(options),
        actions,
        ..plain(name, "layers forced up and down 50 times", verdict::layers)
    }
}

/// So many wishes, one after another.
fn wants(count: usize, every_ms: u64, qualities: &[&'static str]) -> Vec<Action> {
    let each = (0..count as u64).zip(qualities.iter().cycle());
    let want = |quality| Act::Want { who: VIEWER, source: CAMERA, quality };
    each.map(|(number, quality)| Action { at: 500 + number * every_ms, act: want(quality) })
        .collect()
}

fn link() -> Config {
    Config::bottleneck(LINK, ROUND_TRIP)
}

fn clean() -> Network {
    Network::symmetric(link())
}

fn plain(name: &'static str, title: &'static str, judge: Judge) -> Scenario {
    Scenario {
        name,
        title,
        behind: Behind::Viewer,
        before: clean(),
        network: clean(),
        settle: SETTLE,
        length: Duration::from_secs(24),
        has_competitor: false,
        sources: ALL,
        camera_options: None,
        crowd: None,
        actions: vec![keep(CAMERA, "camera", (0.0, 30.0), 5_000)],
        judge,
    }
}

fn drop() -> Scenario {
    let step = |at, rate| RateStep { at: Duration::from_secs_f64(at), rate: Some(rate) };
    let down = Config { rates: vec![step(DROP_S.0, NARROW), step(DROP_S.1, LINK)], ..link() };
    let actions = vec![
        keep(SCREEN, "slide", (DROP_S.0 - 1.0, DROP_S.1 + 1.0), 200),
        keep(CAMERA, "camera", (0.0, 26.0), 4_000),
        slide_at(DROP_S.0 + 0.05, 2),
        slide_at(8.0, 3),
    ];
    Scenario {
        network: Network { down, ..clean() },
        length: Duration::from_secs(26),
        actions,
        ..plain("drop", "5, then 0.8, then 5 Mbit/s", verdict::drop)
    }
}

fn slide() -> Scenario {
    let narrow = Network { down: Config::bottleneck(NARROW, ROUND_TRIP), ..clean() };
    let mut actions = vec![keep(CAMERA, "camera", (0.0, 20.0), 5_000)];
    for (number, at) in SLIDES_S.into_iter().enumerate() {
        actions.push(slide_at(at, 2 + number as u64));
        actions.push(keep(SCREEN, "slide", (at, at + 2.5), 60));
    }
    Scenario {
        network: narrow,
        length: Duration::from_secs(20),
        actions,
        ..plain("slide", "slides change at 0.8 Mbit/s", verdict::slide)
    }
}

fn outages() -> Scenario {
    let [start, length, every] =
        [OUTAGES_S.0, OUTAGES_S.1, OUTAGES_S.2].map(Duration::from_secs_f64);
    let outages = vec![Outage { start, length, every: Some(every) }];
    Scenario {
        network: Network::symmetric(Config { outages, losses_at: Place::AfterQueue, ..link() }),
        length: Duration::from_secs(24),
        sources: CAMERA_ONLY,
        ..plain("outage", "300 ms of loss every 5 s", verdict::outages)
    }
}

fn jitter() -> Scenario {
    let path = Config {
        jitter: Duration::from_millis(80),
        order: Order::Free,
        ..Config::bottleneck(JITTERING, ROUND_TRIP)
    };
    let network = Network::symmetric(path);
    Scenario {
        before: network.clone(),
        network,
        ..plain("jitter", "0 to 80 ms of jitter with reordering, 2.5 Mbit/s", verdict::jitter)
    }
}

fn tcp() -> Scenario {
    let shared = Config::bottleneck(SHARED, ROUND_TRIP);
    let network = Network { is_shared: true, ..Network::symmetric(shared) };
    Scenario {
        before: network.clone(),
        network,
        length: Duration::from_secs(40),
        has_competitor: true,
        sources: Sources { motion: true, ..ALL },
        ..plain("tcp", "against one Cubic TCP flow on 4 Mbit/s", verdict::tcp)
    }
}

fn keep(source: &'static str, name: &'static str, (from, until): (f64, f64), every: u64) -> Action {
    let [from, until] = [from, until].map(|seconds| (seconds * 1e3) as u64);
    Action { at: 0, act: Act::Keep { who: VIEWER, source, name, from, until, every } }
}

fn slide_at(seconds: f64, number: u64) -> Action {
    Action { at: (seconds * 1e3) as u64, act: Act::Slide { words: words::slide(number) } }
}

impl Scenario {
    /// Whether it asks for nothing that only our server and LiveKit's client can do.
    pub fn is_plain(&self) -> bool {
        self.crowd.is_none() && self.camera_options.is_none()
    }

    /// The plan for the browsers: one goes through the relay, the other by the server's own way.
    pub fn plan(&self, ways: &Ways, relay: SocketAddr) -> Plan {
        let [presenter, viewer] = match self.behind {
            Behind::Viewer => [ways.presenter, relay],
            Behind::Presenter => [relay, ways.viewer],
        };
        let comes_later = self.actions.iter().any(|action| matches!(action.act, Act::View { .. }));
        let actions = self.actions.iter().cloned().map(|action| match action.act {
            Act::View { name, .. } => {
                Action { act: Act::View { name, way: Some(viewer) }, ..action }
            }
            _ => action,
        });
        let at_first = (!comes_later).then_some(Viewer { name: VIEWER, way: viewer });
        Plan {
            presenter: Presenter {
                way: Some(presenter),
                microphone: true,
                camera: self.sources.camera.then(|| self.camera()),
                screen: self.sources.screen.then(|| screen(self.sources.motion)),
            },
            viewers: at_first.into_iter().collect(),
            actions: actions.collect(),
            length_ms: self.length.as_millis() as u64,
            ..Plan::default()
        }
    }

    /// As the app publishes it: LiveKit's defaults, three layers.
    fn camera(&self) -> Camera {
        let layers = || json!({ "simulcast": true });
        Camera {
            width: camera::WIDTH,
            height: camera::HEIGHT,
            frame_rate: camera::FRAME_RATE,
            options: self.camera_options.clone().unwrap_or_else(layers),
        }
    }
}

/// As the app captures and publishes it by default (`web/src/meeting/sharing.ts`): 1080p at 15 pictures
/// a second, for text, and all of its pixels once more for slow lines.
fn screen(has_motion: bool) -> Screen {
    // Larger than any screen: the library makes the layer smaller by the quotient of both.
    let undivided = json!({ "width": 7_680, "height": 4_320 });
    let slow_text = json!({
        "width": undivided["width"],
        "height": undivided["height"],
        "resolution": undivided,
        "encoding": { "maxBitrate": 500_000, "maxFramerate": 5 },
    });
    Screen {
        words: words::slide(1),
        has_motion,
        capture: json!({
            "audio": false,
            "resolution": { "width": 1920, "height": 1080, "frameRate": 15 },
            "contentHint": "detail",
            "surfaceSwitching": "include",
        }),
        publish: json!({
            "screenShareEncoding": { "maxBitrate": 2_488_320, "maxFramerate": 15 },
            "screenShareSimulcastLayers": [slow_text],
            "degradationPreference": "maintain-resolution",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_servers_are_asked_for_what_they_can_do() {
        let all = all();
        let plain: Vec<&str> =
            all.iter().filter(|one| one.is_plain()).map(|one| one.name).collect();
        assert!(
            ["clean5", "drop", "slide", "down10", "down30"].iter().all(|one| plain.contains(one))
        );
        assert!(["late", "talkers", "vp8", "av1"].iter().all(|one| !plain.contains(one)));
    }
}
