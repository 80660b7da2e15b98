//! A recorder's folder with one recording that has ended: journals in it as a recorder writes them, and
//! a manifest that says what is to be made.

use anyhow::{Context, Result};
use bytes::BytesMut;
use lectern_control::recorder::Event;
use lectern_control::recording::{Job, JobKind, Progress, State, Status};
use lectern_control::relay::{MAX_BATCH_BYTES, Record};
use lectern_control::{JobId, NodeId, RecordingId, RoomId, TrackId};
use lectern_journal::key::{DataKey, MasterKeys, WrappedKey};
use lectern_journal::seal::SealReader;
use lectern_journal::{Entry, Writer};
use lectern_recorder::Config;
use serde_json::json;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// A recorder writes so often; so long are blocks.
const BLOCK_US: u64 = 100_000;
/// The format of manifests that is written here.
const MANIFEST_FORMAT: u32 = 1;

/// The folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The recording in it.
    pub recording: RecordingId,
    key: DataKey,
    wrapped: WrappedKey,
    started_unix_ms: u64,
}

impl Folder {
    /// A recorder's new folder, and in it a recording that began then.
    pub fn new(path: &Path, started_unix_ms: u64) -> Result<Folder> {
        std::fs::create_dir_all(path)?;
        let keys = MasterKeys::generate(&path.join("master.key"))?;
        let key = DataKey::random()?;
        let wrapped = keys.wrap(&key)?;
        let recording = RecordingId(started_unix_ms);
        let folder = Folder { path: path.to_owned(), recording, key, wrapped, started_unix_ms };
        std::fs::create_dir_all(folder.live())?;
        Ok(folder)
    }

    fn live(&self) -> PathBuf {
        self.path.join("live").join(self.recording.to_string())
    }

    /// When the recording began, in microseconds since 1970.
    pub fn started_unix_us(&self) -> u64 {
        self.started_unix_ms * 1_000
    }

    /// Begins the journal of a track.
    pub fn track(&self, track: TrackId) -> Result<Journal> {
        self.journal(&format!("{track}.journal"))
    }

    /// Begins the journal of the session.
    pub fn session(&self) -> Result<Journal> {
        self.journal("session.journal")
    }

    fn journal(&self, name: &str) -> Result<Journal> {
        let label = format!("{}/{name}", self.recording);
        let writer = Writer::create_file(&self.live().join(name), &self.key, &label)?;
        let (node, batch) = (None, BytesMut::new());
        Ok(Journal { writer, node, batch, block_unix_us: 0 })
    }

    /// Says that the recording has ended, and what is to be made of it.
    pub fn wants(&self, duration_ms: u64, kinds: &[JobKind]) -> Result<()> {
        let job = |(index, kind): (usize, &JobKind)| Job {
            id: JobId(index as u64 + 1),
            kind: kind.clone(),
            progress: Progress::Waiting,
        };
        let status = Status {
            recording: self.recording,
            room: RoomId(1),
            version: 1,
            state: State::Processing,
            started_unix_ms: self.started_unix_ms,
            duration_ms,
            trouble: None,
            jobs: kinds.iter().enumerate().map(job).collect(),
            files: Vec::new(),
            people: Vec::new(),
        };
        let manifest = json!({
            "format": MANIFEST_FORMAT, "status": status, "people": null, "key": self.wrapped,
            "place": "here", "tries": [], "settled": null, "end": null,
        });
        std::fs::write(self.live().join("manifest.json"), manifest.to_string())?;
        Ok(())
    }

    /// The same recording in another folder, for another run: journals are not copied.
    pub fn twin(&self, path: &Path) -> Result<Folder> {
        std::fs::create_dir_all(path)?;
        std::fs::copy(self.path.join("master.key"), path.join("master.key"))?;
        let twin = Folder {
            path: path.to_owned(),
            recording: self.recording,
            key: self.key.clone(),
            wrapped: self.wrapped.clone(),
            started_unix_ms: self.started_unix_ms,
        };
        std::fs::create_dir_all(twin.live())?;
        for file in std::fs::read_dir(self.live())? {
            let file = file?;
            if file.path().extension().is_some_and(|ending| ending == "journal") {
                std::fs::hard_link(file.path(), twin.live().join(file.file_name()))?;
            }
        }
        Ok(twin)
    }

    /// Bytes of all journals.
    pub fn journal_bytes(&self) -> Result<u64> {
        let files = std::fs::read_dir(self.live())?;
        files.map(|file| Ok(file?.metadata()?.len())).sum()
    }

    /// How a recorder of this folder is configured, that works on so many cores.
    pub fn config(&self, cores: usize) -> Result<Config> {
        let program = std::env::current_exe().context("this program")?;
        Ok(Config {
            data_dir: Some(self.path.clone()),
            confine: vec![program.into(), OsString::from("confine")],
            cores,
            min_free_bytes: 0,
            ..Config::default()
        })
    }

    /// Reads a finished file.
    pub fn stored(&self, name: &str) -> Result<impl Read + use<>> {
        let path = self.path.join("store").join(self.recording.to_string()).join(name);
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        let label = format!("{}/{name}", self.recording);
        Ok(SealReader::new(BufReader::new(file), &self.key, &label)?)
    }
}

/// A journal that is written in the time of what it tells.
pub struct Journal {
    writer: Writer<File>,
    node: Option<u16>,
    batch: BytesMut,
    block_unix_us: u64,
}

impl Journal {
    /// Says a node's name.
    pub fn node(&mut self, index: u16, name: &str) -> Result<()> {
        let node: NodeId = name.parse()?;
        self.entry(&Entry::Node { index, node })
    }

    /// Takes what a node says; in the order in which it came.
    pub fn record(&mut self, node: u16, record: &Record<'_>) -> Result<()> {
        let full = self.batch.len() + record.encoded_len() > MAX_BATCH_BYTES;
        if full || self.node.is_some_and(|last| last != node) {
            self.put()?;
        }
        if record.arrival_unix_us >= self.block_unix_us + BLOCK_US {
            self.commit()?;
            self.block_unix_us = record.arrival_unix_us;
        }
        self.node = Some(node);
        record.encode(&mut self.batch);
        Ok(())
    }

    /// Takes something that happened.
    pub fn event(&mut self, at_unix_ms: u64, event: Event) -> Result<()> {
        self.entry(&Entry::Event { at_unix_ms, event })
    }

    /// Takes an entry that is no record.
    pub fn entry(&mut self, entry: &Entry) -> Result<()> {
        self.put()?;
        Ok(self.writer.append(entry)?)
    }

    fn put(&mut self) -> Result<()> {
        let records = self.batch.split().freeze();
        if let Some(node) = self.node.filter(|_| !records.is_empty()) {
            self.writer.append(&Entry::Records { node, records })?;
        }
        Ok(())
    }

    /// Writes what was taken.
    pub fn commit(&mut self) -> Result<()> {
        self.put()?;
        Ok(self.writer.commit()?)
    }

    /// Nothing is missing after this.
    pub fn end(mut self) -> Result<()> {
        self.entry(&Entry::End)?;
        self.commit()?;
        Ok(self.writer.sync()?)
    }
}
