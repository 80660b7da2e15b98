//! The stage: a recorder in a folder of its own, and who speaks to it.

use super::super::{Links, Surroundings, run_in};
use super::clip::{self, Sent};
use crate::jobs::Patience;
use crate::storage::Retry;
use crate::{Config, Error, Link};
use bytes::Bytes;
use lectern_control::frame;
use lectern_control::media::{MediaKind, Source};
use lectern_control::recorder::{Event, FromRecorder, Load, ToRecorder};
use lectern_control::recording::{self, FromEdge, Status};
use lectern_control::relay::{FromNode, ToNode};
use lectern_control::{ParticipantId, RecordingId, RoomId, Secret, TrackId, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Nothing on the stage takes longer, on a slow machine either.
const PATIENCE: Duration = Duration::from_secs(40);
pub(super) const RECORDING: RecordingId = RecordingId(0x1234_5678_9abc_def0);
pub(super) const ROOM: RoomId = RoomId(42);
pub(super) const ANNA: ParticipantId = ParticipantId(1);
pub(super) const SCREEN: TrackId = TrackId(11);
pub(super) const VOICE: TrackId = TrackId(12);

/// A folder, and what a recorder in it is told.
pub(super) struct Stage {
    pub(super) folder: tempfile::TempDir,
    pub(super) config: Config,
    pub(super) surroundings: Surroundings,
}

impl Stage {
    /// Of a recorder that finds no program to make films with: they take time, and few tests look at
    /// them.
    pub(super) fn new() -> Stage {
        let mut stage = Stage::with_films();
        stage.config.ffmpeg = "/nonexistent/ffmpeg".into();
        stage
    }

    pub(super) fn with_films() -> Stage {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = Some(folder.path().join("recorder"));
        let confine = ["/bin/sh", "-c", "shift 2; exec \"$@\"", "unconfined"];
        let config = Config {
            data_dir,
            min_free_bytes: 1 << 20,
            confine: confine.map(Into::into).to_vec(),
            ..Config::default()
        };
        let patience = Patience {
            first: Duration::from_millis(100),
            longest: Duration::from_millis(400),
            failures: 2,
        };
        let retry = Retry { tries: 2, within: Duration::from_secs(2) };
        let surroundings = Surroundings { retry, patience, ..Surroundings::real() };
        Stage { folder, config, surroundings }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.config.data_dir.clone().expect("a folder")
    }

    /// What a kill would leave behind now, as a stage of its own.
    pub(super) fn as_killed(&self) -> Stage {
        let stage = Stage::new();
        copy(&self.data(), &stage.data());
        let surroundings = self.surroundings.clone();
        let config = Config { data_dir: stage.config.data_dir.clone(), ..self.config.clone() };
        Stage { config, surroundings, ..stage }
    }

    pub(super) fn start(&self) -> Running {
        let (controller, controller_links) = mpsc::channel(4);
        let (nodes, node_links) = mpsc::channel(4);
        let (edges, edge_links) = mpsc::channel(4);
        let links = Links { controller: controller_links, nodes: node_links, edges: edge_links };
        let (stop, registry) = (CancellationToken::new(), prometheus::Registry::new());
        let (config, surroundings) = (self.config.clone(), self.surroundings.clone());
        let task =
            tokio::spawn(run_in(surroundings, config, registry.clone(), links, stop.clone()));
        Running { controller, nodes, edges, stop, registry, task }
    }

    /// Whether some bytes stand anywhere in the folder.
    pub(super) fn holds(&self, needles: &[&[u8]]) -> Option<PathBuf> {
        files_in(&self.data()).into_iter().find(|path| {
            let bytes = std::fs::read(path).unwrap_or_default();
            needles.iter().any(|needle| bytes.windows(needle.len()).any(|window| window == *needle))
        })
    }
}

pub(super) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files_in(&path)),
            path => found.push(path),
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else if let Err(error) = std::fs::copy(entry.path(), target) {
            // A file that went away meanwhile would have been gone a moment later.
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        }
    }
}

/// A recorder that runs.
pub(super) struct Running {
    controller: mpsc::Sender<Link>,
    nodes: mpsc::Sender<Link>,
    edges: mpsc::Sender<Link>,
    stop: CancellationToken,
    pub(super) registry: prometheus::Registry,
    task: JoinHandle<Result<(), Error>>,
}

impl Running {
    pub(super) async fn controller(&self, live: &[RecordingId]) -> Controller {
        let mut end = linked(&self.controller).await;
        let hello: FromRecorder = end.hear().await;
        let FromRecorder::Hello { version, .. } = hello else { panic!("{hello:?}") };
        end.say(&ToRecorder::Welcome { version, live: live.to_vec() }).await;
        Controller { end, statuses: BTreeMap::new(), load: Load::default() }
    }

    pub(super) async fn node(&self, name: &str, life: u64) -> Node {
        let end = linked(&self.nodes).await;
        let node = name.parse().expect("a name");
        end.say(&FromNode::Hello { version: Version::CURRENT, node, life }).await;
        Node { end, kept: BTreeMap::new(), keyframes: Vec::new(), next: 1, offset_us: 0 }
    }

    pub(super) async fn edge(&self) -> Edge {
        let mut end = linked(&self.edges).await;
        end.say(&FromEdge::Hello { version: Version::CURRENT }).await;
        let welcome: recording::FromRecorder = end.hear().await;
        assert!(matches!(welcome, recording::FromRecorder::Welcome { .. }), "{welcome:?}");
        Edge { end }
    }

    /// Ends in order.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let ended = timeout(PATIENCE, self.task).await.expect("in time").expect("no panic");
        ended.expect("an orderly end");
    }

    /// Waits for its end by itself.
    pub(super) async fn ended(self) -> Result<(), Error> {
        timeout(PATIENCE, self.task).await.expect("in time").expect("no panic")
    }

    pub(super) fn metric(&self, line: &str) -> f64 {
        let text = prometheus::TextEncoder::new().encode_to_string(&self.registry.gather());
        let text = text.expect("encodes");
        let value = text.lines().find_map(|found| found.strip_prefix(line));
        value.map_or(0.0, |value| value.trim().parse().expect("a number"))
    }
}

async fn linked(links: &mpsc::Sender<Link>) -> End {
    let (to_it, from_us) = mpsc::channel(1_024);
    let (to_us, from_it) = mpsc::channel(1_024);
    links.send((to_us, from_us)).await.expect("it takes links");
    End { out: to_it, incoming: from_it }
}

/// One end of a link.
pub(super) struct End {
    pub(super) out: mpsc::Sender<Bytes>,
    pub(super) incoming: mpsc::Receiver<Bytes>,
}

impl End {
    pub(super) async fn say(&self, message: &impl Serialize) {
        let message = frame::encode(message).expect("encodes");
        self.out.send(message).await.expect("it listens");
    }

    pub(super) async fn hear<M: DeserializeOwned>(&mut self) -> M {
        let message = timeout(PATIENCE, self.incoming.recv()).await.expect("in time");
        frame::decode(&message.expect("it speaks")).expect("decodes")
    }
}

/// A controller.
pub(super) struct Controller {
    pub(super) end: End,
    pub(super) statuses: BTreeMap<RecordingId, Status>,
    pub(super) load: Load,
}

impl Controller {
    pub(super) async fn open(&self, recording: RecordingId, started_unix_ms: u64) {
        self.end.say(&ToRecorder::Open { recording, room: ROOM, started_unix_ms }).await;
    }

    /// Anna shares her screen, and speaks.
    pub(super) async fn notes(&self, recording: RecordingId, at_unix_ms: u64) {
        let (identity, name) = ("anna".to_owned(), "Anna Žluťoučká".to_owned());
        let track = |track, kind, source| Event::Track {
            track,
            participant: ANNA,
            kind,
            source,
            muted: false,
        };
        for event in [
            Event::Joined { participant: ANNA, identity, name },
            track(SCREEN, MediaKind::Video, Source::Screen),
            track(VOICE, MediaKind::Audio, Source::Microphone),
            Event::Speakers { speakers: vec![ANNA] },
        ] {
            self.end.say(&ToRecorder::Note { recording, at_unix_ms, event }).await;
        }
    }

    pub(super) async fn close(&self, recording: RecordingId) {
        self.end.say(&ToRecorder::Close { recording }).await;
    }

    /// Listens until a status is as wished, and says that it was heard.
    pub(super) async fn until(
        &mut self,
        recording: RecordingId,
        wished: impl Fn(&Status) -> bool,
    ) -> Status {
        let mut last = None;
        let heard = timeout(PATIENCE, async {
            loop {
                let status = self.next_status().await;
                if status.recording == recording && wished(&status) {
                    let version = status.version;
                    self.end.say(&ToRecorder::Heard { recording, version }).await;
                    return status;
                }
                last = Some(status);
            }
        });
        match heard.await {
            Ok(status) => status,
            Err(_) => panic!("the last was {last:#?}"),
        }
    }

    async fn next_status(&mut self) -> Status {
        loop {
            match self.end.hear().await {
                FromRecorder::Status(status) => {
                    let known = self.statuses.insert(status.recording, *status.clone());
                    assert!(known.is_none_or(|known| known.version <= status.version));
                    return *status;
                }
                FromRecorder::Heartbeat(load) => self.load = load,
                FromRecorder::Hello { .. } => panic!("twice hello"),
            }
        }
    }

    /// Listens for one sign of life.
    pub(super) async fn beat(&mut self) -> Load {
        loop {
            if let FromRecorder::Heartbeat(load) = self.end.hear().await {
                return load;
            }
        }
    }

    pub(super) async fn grant(&self, recording: RecordingId, file: &str, ticket: u8) {
        let (file, ticket) = (file.to_owned(), Secret::new([ticket; 16]));
        let until_unix_ms = crate::clock::unix_ms() + 60_000;
        self.end.say(&ToRecorder::Grant { ticket, recording, file, until_unix_ms }).await;
    }
}

/// A node.
pub(super) struct Node {
    pub(super) end: End,
    pub(super) kept: BTreeMap<RecordingId, u64>,
    pub(super) keyframes: Vec<TrackId>,
    next: u64,
    /// Its clock less the recorder's.
    pub(super) offset_us: i64,
}

impl Node {
    /// Sends one batch, and says its number.
    pub(super) async fn batch(&mut self, recording: RecordingId, records: Vec<u8>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.batch_again(recording, number, records).await;
        number
    }

    pub(super) async fn batch_again(
        &mut self,
        recording: RecordingId,
        number: u64,
        records: Vec<u8>,
    ) {
        let records = Bytes::from(records);
        self.end.say(&FromNode::Batch { recording, number, records }).await;
    }

    /// Sends what Anna's browser sent.
    pub(super) async fn clip(&mut self, recording: RecordingId, started_unix_us: u64) -> u64 {
        let mut last = 0;
        for batch in batches(started_unix_us.saturating_add_signed(self.offset_us)) {
            last = self.batch(recording, batch).await;
        }
        last
    }

    pub(super) async fn end(&self, recording: RecordingId) {
        self.end.say(&FromNode::End { recording }).await;
    }

    /// Answers what it is asked, until a batch is kept.
    pub(super) async fn until_kept(&mut self, recording: RecordingId, number: u64) {
        while self.kept.get(&recording).is_none_or(|kept| *kept < number) {
            self.answer().await;
        }
    }

    /// Answers one message.
    pub(super) async fn answer(&mut self) {
        match self.end.hear().await {
            ToNode::Welcome { .. } => {}
            ToNode::Kept { recording, number } => {
                self.kept.insert(recording, number);
            }
            ToNode::WantKeyframe { track, .. } => self.keyframes.push(track),
            ToNode::Ping { sent_unix_us } => {
                let at_unix_us = crate::clock::unix_us().saturating_add_signed(self.offset_us);
                self.end.say(&FromNode::Pong { sent_unix_us, at_unix_us }).await;
            }
        }
    }
}

/// The clip in batches of a hundred milliseconds.
pub(super) fn batches(started_unix_us: u64) -> Vec<Vec<u8>> {
    let mut batches: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let mut put = |track: TrackId, packets: &[Sent]| {
        for sent in packets {
            let batch = batches.entry(sent.at_us / 100_000).or_default();
            assert!(sent.record(track, started_unix_us).encode(batch));
        }
    };
    put(SCREEN, clip::vp8());
    put(VOICE, clip::opus());
    batches.into_values().collect()
}

/// An edge.
pub(super) struct Edge {
    pub(super) end: End,
}

impl Edge {
    /// Reads a part of a file.
    pub(super) async fn read(
        &mut self,
        ticket: u8,
        offset: u64,
        len: u64,
    ) -> Result<Vec<u8>, recording::Refusal> {
        let ticket = Secret::new([ticket; 16]);
        self.end.say(&FromEdge::Read { ticket, offset, len }).await;
        let mut read = Vec::new();
        loop {
            match self.end.hear().await {
                recording::FromRecorder::Data { bytes } if bytes.is_empty() => return Ok(read),
                recording::FromRecorder::Data { bytes } => read.extend_from_slice(&bytes),
                recording::FromRecorder::Refused(refusal) => return Err(refusal),
                recording::FromRecorder::Welcome { .. } => panic!("twice welcome"),
            }
        }
    }

    /// Reads until it may: a grant may still be on its way.
    pub(super) async fn read_all(&mut self, ticket: u8) -> Vec<u8> {
        for _ in 0..100 {
            match self.read(ticket, 0, u64::MAX).await {
                Err(recording::Refusal::Ticket) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                read => return read.expect("it may be read"),
            }
        }
        panic!("the ticket opens nothing");
    }
}

/// A whole recording of the clip, up to its files.
pub(super) async fn record(running: &Running) -> (Controller, Node, Status) {
    let mut controller = running.controller(&[]).await;
    let mut node = running.node("node-1", 1).await;
    let started_unix_us = crate::clock::unix_us() - 1_000_000 * clip::SECONDS;
    controller.open(RECORDING, started_unix_us / 1_000).await;
    controller.notes(RECORDING, started_unix_us / 1_000).await;
    let last = node.clip(RECORDING, started_unix_us / 1_000 * 1_000).await;
    node.until_kept(RECORDING, last).await;
    node.end(RECORDING).await;
    controller.close(RECORDING).await;
    let is_over = |status: &Status| {
        use recording::State::{Failed, Ready};
        matches!(status.state, Ready | Failed)
    };
    let status = controller.until(RECORDING, is_over).await;
    (controller, node, status)
}
