//! What is known of one recording, as it lies beside it: how it is, and its wrapped key. Names of
//! people in it are sealed.

use crate::clock::unix_ms;
use data_encoding::BASE64;
use lectern_control::recording::{File, Person, State, Status};
use lectern_control::{JobId, RecordingId, RoomId};
use lectern_journal::key::{DataKey, WrappedKey};
use lectern_journal::seal::{self, HEADER_BYTES, Opener, SealWriter};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// The version of the format.
const FORMAT: u32 = 1;
/// People of one recording that are told of: with [`MAX_FILES`] a status still fits a frame.
pub(crate) const MAX_PEOPLE: usize = 1_500;
/// Files of one recording that are told of.
pub(crate) const MAX_FILES: usize = 1_500;

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is not one.
    #[error("the manifest is damaged")]
    Damaged,
    /// It was written by a later version.
    #[error("the manifest is of format {0}, which a later version wrote")]
    Format(u32),
    /// It belongs to another recording, or names files that it cannot have.
    #[error("the manifest belongs to another recording, or names files outside of it")]
    Foreign,
    /// Its key cannot be unwrapped.
    #[error(transparent)]
    Key(#[from] lectern_journal::key::Error),
    /// People cannot be sealed, or their seal is broken.
    #[error("the names in the manifest: {0}")]
    Seal(#[from] seal::Error),
}

/// Where the journals of a recording are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// On this machine.
    Here,
    /// In the store.
    Stored,
}

/// How far a recording is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// Its key is gone here; what it sealed may still be there.
    Begun,
    /// Nothing of it is left.
    Done,
}

/// How often a job was begun and did not come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Try {
    pub(crate) job: JobId,
    pub(crate) count: u8,
}

/// What is known of one recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// How it is; [`Status::people`] is empty where it lies.
    pub(crate) status: Status,
    /// The people, sealed.
    people: Option<String>,
    /// What opens it; none where it is destroyed.
    pub(crate) key: Option<WrappedKey>,
    /// Where its journals are.
    pub(crate) place: Place,
    /// Jobs that were begun.
    pub(crate) tries: Vec<Try>,
    /// The version that the controller has heard, once nothing is left to do.
    pub(crate) settled: Option<u64>,
    /// It is to be destroyed.
    pub(crate) end: Option<End>,
}

impl Manifest {
    /// Of a recording that begins.
    pub(crate) fn new(
        recording: RecordingId,
        room: RoomId,
        started_unix_ms: u64,
        key: Option<WrappedKey>,
    ) -> Manifest {
        let status = Status {
            recording,
            room,
            version: unix_ms(),
            state: State::Recording,
            started_unix_ms,
            duration_ms: 0,
            trouble: None,
            jobs: Vec::new(),
            files: Vec::new(),
            people: Vec::new(),
        };
        Manifest {
            format: FORMAT,
            status,
            people: None,
            key,
            place: Place::Here,
            tries: Vec::new(),
            settled: None,
            end: None,
        }
    }

    /// Takes all out of it but that it was: nothing opens what it sealed any more.
    pub(crate) fn destroy(&mut self) {
        self.key = None;
        self.people = None;
        self.tries.clear();
        self.end = Some(End::Begun);
        let status = &mut self.status;
        status.people.clear();
        status.files.clear();
        status.jobs.clear();
        status.trouble = None;
    }

    /// As it is written, with people under the recording's key; those that are sealed stay so.
    pub(crate) fn to_bytes(&self, key: Option<&DataKey>) -> Result<Vec<u8>, Error> {
        let mut written = self.clone();
        let people = std::mem::take(&mut written.status.people);
        if let Some(key) = key.filter(|_| !people.is_empty()) {
            written.people = Some(seal_people(&self.status, &people, key)?);
        }
        serde_json::to_vec(&written).map_err(|_| Error::Damaged)
    }

    /// Reads one; people stay sealed until [`Manifest::open_people`].
    pub(crate) fn from_bytes(bytes: &[u8], recording: RecordingId) -> Result<Manifest, Error> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(|_| Error::Damaged)?;
        if head.format != FORMAT {
            return Err(Error::Format(head.format));
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|_| Error::Damaged)?;
        let files = &manifest.status.files;
        if manifest.status.recording != recording || !files.iter().all(|file| is_name(&file.name)) {
            return Err(Error::Foreign);
        }
        Ok(manifest)
    }

    /// Opens the sealed names.
    pub(crate) fn open_people(&mut self, key: &DataKey) -> Result<(), Error> {
        let Some(sealed) = self.people.take() else { return Ok(()) };
        let sealed = BASE64.decode(sealed.as_bytes()).map_err(|_| Error::Damaged)?;
        let header = sealed.first_chunk::<HEADER_BYTES>().ok_or(Error::Damaged)?;
        let opener = Opener::new(key, &label(&self.status), header, sealed.len() as u64)?;
        let body = sealed.get(HEADER_BYTES..).unwrap_or_default();
        let people = opener.open(0, body)?;
        self.status.people = serde_json::from_slice(&people).map_err(|_| Error::Damaged)?;
        Ok(())
    }

    /// The file of a name, where there is one.
    pub(crate) fn file(&self, name: &str) -> Option<&File> {
        self.status.files.iter().find(|file| file.name == name)
    }

    /// Whether nothing is left to do with it, and the controller knows. Where its destruction was cut
    /// off, much is left.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled == Some(self.status.version) && self.end != Some(End::Begun)
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_final(&self) -> bool {
        let ended = matches!(self.status.state, State::Ready | State::Failed);
        let stored = self.place == Place::Stored || self.status.state == State::Failed;
        ended && stored && !self.has_work() && self.end.is_none()
    }

    /// Whether a job waits or runs.
    pub(crate) fn has_work(&self) -> bool {
        use lectern_control::recording::Progress::{Running, Waiting};
        self.status.jobs.iter().any(|job| matches!(job.progress, Waiting | Running { .. }))
    }
}

/// Makes a status a newer one than all that were said, here or elsewhere: wall clocks differ less
/// between machines than a recording needs to come from one to the other.
pub(crate) fn renew(status: &mut Status) {
    status.version = status.version.saturating_add(1).max(unix_ms());
}

/// Whether a text can be the name of a recording's file: letters, digits, `-`, `_` and one dot, so
/// that it never leads out of its folder.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match name.split_once('.') {
        Some((stem, ending)) => {
            let whole = !stem.is_empty() && !ending.is_empty() && name.len() <= 128;
            whole && stem.bytes().chain(ending.bytes()).all(plain)
        }
        None => false,
    }
}

fn label(status: &Status) -> String {
    format!("{}/people", status.recording)
}

fn seal_people(status: &Status, people: &[Person], key: &DataKey) -> Result<String, Error> {
    let plain = serde_json::to_vec(people).map_err(|_| Error::Damaged)?;
    let begun = SealWriter::new(Vec::new(), key, &label(status));
    let mut writer = begun.map_err(|_| Error::Damaged)?;
    writer.write_all(&plain).map_err(|_| Error::Damaged)?;
    let sealed = writer.finish().map_err(|_| Error::Damaged)?;
    Ok(BASE64.encode(&sealed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::ParticipantId;

    const RECORDING: RecordingId = RecordingId(7);

    fn manifest() -> Manifest {
        let mut manifest = Manifest::new(RECORDING, RoomId(1), 1_700_000_000_000, None);
        let name = "Käthe Größenwahn".to_owned();
        manifest.status.people.push(Person { participant: ParticipantId(1), name });
        manifest
    }

    #[test]
    fn names_are_sealed_and_come_back_under_the_key_only() {
        let key = DataKey::random().expect("random");
        let bytes = manifest().to_bytes(Some(&key)).expect("writes");
        assert!(!String::from_utf8_lossy(&bytes).contains("Käthe"));
        let people = manifest().status.people;
        let mut read = Manifest::from_bytes(&bytes, RECORDING).expect("reads");
        assert!(read.status.people.is_empty());
        assert!(read.clone().open_people(&DataKey::random().expect("random")).is_err());
        read.open_people(&key).expect("opens");
        assert_eq!(read.status.people, people);
    }

    #[test]
    fn what_is_destroyed_says_nothing_of_it() {
        let mut manifest = manifest();
        manifest.destroy();
        let bytes = manifest.to_bytes(None).expect("writes");
        let read = Manifest::from_bytes(&bytes, RECORDING).expect("reads");
        assert!(read.key.is_none() && read.end == Some(End::Begun) && !read.is_final());
    }

    #[test]
    fn a_manifest_of_another_recording_or_a_later_version_is_refused() {
        let bytes = manifest().to_bytes(None).expect("writes");
        assert!(matches!(Manifest::from_bytes(&bytes, RecordingId(8)), Err(Error::Foreign)));
        assert!(matches!(
            Manifest::from_bytes(br#"{"format": 2, "new": 1}"#, RECORDING),
            Err(Error::Format(2))
        ));
        for len in 0..bytes.len() {
            assert!(Manifest::from_bytes(&bytes[..len], RECORDING).is_err());
        }
    }

    #[test]
    fn a_file_s_name_never_leads_out_of_its_folder() {
        for name in ["film-JB_0.mp4", "track-TR_1-0.webm"] {
            assert!(is_name(name), "{name}");
        }
        let long = format!("{}.mp4", "a".repeat(200));
        for name in ["", ".", "..", "../x.mp4", "a/b.mp4", "a..mp4", "a.b.mp4", ".mp4", "a.", &long]
        {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn versions_only_grow() {
        let mut status = manifest().status;
        for known in [0, status.version, u64::MAX - 1, u64::MAX] {
            status.version = known;
            renew(&mut status);
            assert!(status.version > known || known == u64::MAX);
        }
    }
}
