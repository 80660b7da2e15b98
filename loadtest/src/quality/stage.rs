//! One run of a scenario: server, relay and browsers are started, play, and end.

use super::bots::{self, Crowd, Times};
use super::call::{Call, Links, Plan};
use super::camera;
use super::clock::Clock;
use super::competitor::Competitor;
use super::estimate::Reader;
use super::figures::Figures;
use super::judge::{self, Evidence, Heard};
use super::plot;
use super::scenario::{self, Behind, Scenario};
use super::seen::Seen;
use super::series::Series;
use super::server::{Peer, Setup};
use crate::relay::{Handle, Tunnel};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How fine a link is traced.
const TRACE_EVERY: Duration = Duration::from_millis(20);
/// The timeline begins so long after everybody is told, in milliseconds.
const AHEAD_MS: f64 = 300.0;

/// What all runs share.
pub struct Stage {
    repository: PathBuf,
    peer: Peer,
    binary: PathBuf,
    folder: PathBuf,
    camera_file: PathBuf,
}

impl Stage {
    /// Makes the folder, and the pictures of the camera; `binary` is the peer's program.
    pub fn prepare(repository: &Path, peer: Peer, binary: PathBuf, folder: &Path) -> Result<Stage> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let camera_file = folder.join("camera.y4m");
        camera::write(&camera_file)?;
        Ok(Stage { repository: repository.canonicalize()?, peer, binary, folder, camera_file })
    }

    /// Plays a scenario once and judges it.
    pub fn run(&self, scenario: &Scenario, seed: u64, number: u64) -> Result<Figures> {
        let name = match self.peer {
            Peer::Lectern => scenario.name.to_owned(),
            other => format!("{}-{}", other.name(), scenario.name),
        };
        let folder = self.folder.join(format!("{name}-{}", number + 1));
        // What an earlier run left there must not be taken for this one's.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let evidence = self.play(scenario, seed, &folder)?;
        let title = format!("{name}: {}", scenario.title);
        plot::draw(&folder.join("plot.png"), &title, &evidence)?;
        let mut figures = (scenario.judge)(&evidence)?;
        let full = judge::presenter_full(&evidence.seen, evidence.t0, evidence.end);
        figures.told("presenter_full", full);
        figures.told("server_cpu", Some(evidence.server_cpu));
        figures.say("peer", self.peer.name().to_owned());
        Ok(figures)
    }

    fn play(&self, scenario: &Scenario, seed: u64, folder: &Path) -> Result<Evidence> {
        let clock = Clock::start();
        let ways = self.peer.ways()?;
        let tunnel = scenario.has_competitor.then(Tunnel::new);
        let before = scenario.before.clone();
        let relay =
            Handle::start(scenario.behind.of(&ways), before, seed, TRACE_EVERY, tunnel.clone())?;
        let data = tempfile::tempdir()?;
        let server = self.peer.start(&Setup {
            binary: &self.binary,
            data: data.path(),
            log: &folder.join("server.log"),
            ways: &ways,
            relay: relay.address(),
        })?;
        let estimates = server.admin.map(|admin| Reader::start(admin, clock));
        let plan = Plan {
            peer: self.peer,
            origin: server.origin.clone(),
            folder: folder.to_owned(),
            camera_file: self.camera_file.clone(),
            ..scenario.plan(&ways, relay.address())
        };
        let mut call = Call::start(&self.repository, &plan)?;
        ways.let_viewers_in();
        let links = call.ready()?;
        let mut crowds = gather(scenario, &server.origin, links.as_ref())?;
        let t0 = clock.now_ms() + scenario.settle.as_secs_f64() * 1e3 + AHEAD_MS;
        crowds.go(&clock, t0)?;
        clock.sleep_until(t0 - AHEAD_MS);
        call.begin(t0)?;
        clock.sleep_until(t0);
        relay.begin(scenario.network.clone())?;
        let cpu_before = server.cpu_ms();
        let competitor =
            tunnel.as_ref().map(|tunnel| Competitor::start(tunnel, clock)).transpose()?;
        let end = t0 + scenario.length.as_secs_f64() * 1e3;
        clock.sleep_until(end);
        let cpu_after = server.cpu_ms();
        let used = cpu_after.zip(cpu_before).map_or(0.0, |(after, before)| after - before);
        let server_cpu = used / (end - t0);
        let (heard, crowd_packets) = crowds.end(&clock);
        let passed = relay.seen()?;
        let competitor = competitor.map(Competitor::end).unwrap_or_default();
        let estimates = estimates.map(Reader::end).unwrap_or_default();
        let seen = Seen::read(&call.end(Duration::ZERO)?)?;
        check_ways(scenario.behind, &seen, relay.address().port())?;
        let [up, down] = [&passed.up, &passed.down].map(|traces| Series::busiest(traces, &clock));
        let decode_errors = match scenario.sources.camera || scenario.sources.screen {
            true => decode_errors(&folder.join("chromium.log"))?,
            false => 0,
        };
        Ok(Evidence {
            seen,
            down,
            up,
            estimates,
            competitor,
            heard,
            crowd_packets,
            decode_errors,
            server_cpu,
            t0,
            end,
        })
    }
}

/// The clients of a run that are no browsers.
#[derive(Default)]
struct Crowds {
    /// They come with the timeline.
    joiners: Option<Crowd>,
    /// They are there before, and speak with the timeline.
    talkers: Option<Crowd>,
    listeners: Option<Crowd>,
}

fn gather(scenario: &Scenario, origin: &str, links: Option<&Links>) -> Result<Crowds> {
    let Some(crowd) = scenario.crowd else { return Ok(Crowds::default()) };
    let links = links.context("there are no links for a crowd")?;
    Ok(match crowd {
        scenario::Crowd::Joiners(config) => {
            let joiners = Some(Crowd::gather(origin, &links.viewer, config)?);
            Crowds { joiners, ..Crowds::default() }
        }
        scenario::Crowd::Talkers(config, count) => {
            let ears = bots::Config { count, turns: None, ..config };
            let listeners = Some(Crowd::gather(origin, &links.viewer, ears)?);
            let talkers = Some(Crowd::gather(origin, &links.presenter, config)?);
            Crowds { talkers, listeners, ..Crowds::default() }
        }
    })
}

impl Crowds {
    fn go(&mut self, clock: &Clock, t0: f64) -> Result<()> {
        let speak = clock.instant(t0);
        for crowd in self.joiners.iter_mut() {
            crowd.go(Times { come: speak, speak })?;
        }
        for crowd in self.talkers.iter_mut().chain(&mut self.listeners) {
            crowd.go(Times { come: Instant::now(), speak })?;
        }
        Ok(())
    }

    /// What listeners heard, and how many packets joiners received.
    fn end(self, clock: &Clock) -> (Vec<Heard>, u64) {
        let heard = self.listeners.as_ref().map(|crowd| crowd.received().heard());
        let heard = heard.unwrap_or_default().into_iter();
        let heard = heard.map(|packet| Heard { at: clock.ms(packet.at), packet }).collect();
        let packets = self.joiners.as_ref().map_or(0, |crowd| crowd.received().packets());
        (heard, packets)
    }
}

/// Counts the frames that could not be decoded in Chromium's log.
fn decode_errors(log: &Path) -> Result<usize> {
    const SAID: &str = "Failed to decode frame";
    /// Without any line of this file the log is not what it should be, and no errors say nothing.
    const FROM: &str = "video_receive_stream2.cc";
    let log = std::fs::read(log)?;
    let log = String::from_utf8_lossy(&log);
    ensure!(log.contains(FROM), "Chromium does not log what it decodes");
    Ok(log.matches(SAID).count())
}

/// Whoever should be behind the relay must not have found another way.
fn check_ways(behind: Behind, seen: &Seen, relay: u16) -> Result<()> {
    let viewers = seen.viewers.values().map(|person| (Behind::Viewer, person));
    for (who, person) in viewers.chain([(Behind::Presenter, &seen.presenter)]) {
        let mut ports = person.samples.iter().flat_map(|sample| &sample.ports);
        ensure!(
            ports.all(|port| (*port == relay) == (who == behind)),
            "{who:?} did not keep to its way to the server"
        );
    }
    Ok(())
}
