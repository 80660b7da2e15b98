//! What a recorder is told.

use lectern_control::{RecorderId, Secret};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Never synced less often, whatever is configured: what a power cut costs stays under a second.
const MAX_SYNC: Duration = Duration::from_millis(500);
/// Never synced more often: a disk that does nothing but sync writes nothing.
const MIN_SYNC: Duration = Duration::from_millis(50);

/// What a recorder is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Its name: letters, digits, `-`, `_`, `.`; no two recorders may share one.
    pub name: String,
    /// Where it is, such as `eu-central`: meetings are recorded near their node.
    pub region: String,
    /// Where nodes and edges link to it; empty where everything is in one process.
    pub advertise: Vec<SocketAddr>,
    /// The folder of its journals, its master key and, where nothing else is said, its store.
    pub data_dir: Option<PathBuf>,
    /// Where finished files are kept.
    pub store: Store,
    /// The file of the master keys, `master.key` in the data folder by default. It is made at the first
    /// start. Keep a copy elsewhere: without it nothing can be read.
    pub master_key_file: Option<PathBuf>,
    /// The master keys themselves, one `id hex` a line, instead of a file.
    pub master_keys: Option<Secret<String>>,
    /// The program that decodes and encodes.
    pub ffmpeg: PathBuf,
    /// The program, and its first arguments, that becomes the former with hardly any rights; see
    /// `lectern_compose::confine`. It is set by the program itself, not by operators.
    #[serde(skip)]
    pub confine: Vec<OsString>,
    /// Processor cores for jobs, the last of the machine: films are made behind all else, but take what
    /// is left. Beside a node that forwards close to what it can, give that the other cores
    /// (`node.workers`, and `node.pin = true`): a worker that may run anywhere meets a film now and then.
    pub cores: usize,
    /// No recording begins with less room on the disk, and all stop at half of it: what is written can
    /// still be made playable then.
    pub min_free_bytes: u64,
    /// How often what is written is made to survive a power cut, in milliseconds; 500 at most.
    pub sync_every_ms: u64,
    /// A recording of which nothing comes, while no controller says that it goes on, ends after so many
    /// seconds.
    pub orphan_after_s: u64,
}

/// Where finished files are kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Store {
    /// A folder, `store` in the data folder by default.
    #[default]
    Local,
    /// Another folder, such as a mounted one.
    Folder(Folder),
    /// A bucket of S3 or of what speaks like it.
    S3(S3),
}

/// A folder to keep files in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Which.
    pub path: PathBuf,
}

/// A bucket.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    /// The bucket's name.
    pub bucket: String,
    /// Where it is asked for, such as `https://s3.example.org`; by default Amazon's.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: Option<String>,
    /// What the names of all objects begin with.
    pub prefix: String,
    /// Who asks; without it what the environment says (`AWS_ACCESS_KEY_ID`, and so on) or the machine's
    /// role.
    pub access_key_id: Option<String>,
    /// The secret to it.
    pub secret_access_key: Option<Secret<String>>,
    /// A file with the secret, where it stands nowhere else.
    pub secret_access_key_file: Option<PathBuf>,
    /// Asks without TLS: only inside of one machine or a trusted network.
    pub allow_http: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            name: "recorder".to_owned(),
            region: "local".to_owned(),
            advertise: Vec::new(),
            data_dir: None,
            store: Store::Local,
            master_key_file: None,
            master_keys: None,
            ffmpeg: PathBuf::from("ffmpeg"),
            confine: Vec::new(),
            cores: 1,
            min_free_bytes: 2 << 30,
            sync_every_ms: 500,
            orphan_after_s: 120,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    /// The name is not one.
    #[error("recorder.name: {0}")]
    Name(#[from] lectern_control::id::InvalidId),
    /// There is no folder to write in.
    #[error("recorder.data_dir: a recorder needs a folder")]
    NoFolder,
    /// Keys that stand in the configuration cannot be changed in a file.
    #[error("recorder.master_keys: keys in the configuration are changed there")]
    KeysInConfiguration,
    /// A bucket without a name.
    #[error("recorder.store.bucket: a bucket has a name")]
    NoBucket,
    /// The secret cannot be read from its file.
    #[error("recorder.store.secret_access_key_file: {0}")]
    SecretFile(std::io::Error),
}

impl Config {
    /// Its name, checked.
    pub(crate) fn id(&self) -> Result<RecorderId, InvalidConfig> {
        Ok(self.name.parse()?)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> Result<&Path, InvalidConfig> {
        self.data_dir.as_deref().ok_or(InvalidConfig::NoFolder)
    }

    /// The file of its master keys.
    pub(crate) fn key_file(&self) -> Result<PathBuf, InvalidConfig> {
        match &self.master_key_file {
            Some(file) => Ok(file.clone()),
            None => Ok(self.folder()?.join("master.key")),
        }
    }

    pub(crate) fn sync_every(&self) -> Duration {
        Duration::from_millis(self.sync_every_ms).clamp(MIN_SYNC, MAX_SYNC)
    }

    pub(crate) fn orphan_after(&self) -> Duration {
        Duration::from_secs(self.orphan_after_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_survives_being_written_down_and_what_is_unknown_is_refused() {
        let s3 = S3 { bucket: "films".to_owned(), ..S3::default() };
        for store in [Store::Local, Store::S3(s3)] {
            let config = Config { store, ..Config::default() };
            let text = serde_json::to_string(&config).expect("serialises");
            let read: Config = serde_json::from_str(&text).expect("reads");
            assert_eq!(serde_json::to_string(&read).expect("serialises"), text);
        }
        for text in [
            r#"{"colour": 1}"#,
            r#"{"store": {"kind": "s3", "colour": 1}}"#,
            r#"{"store": {"kind": "tape"}}"#,
        ] {
            assert!(serde_json::from_str::<Config>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = || Some(Secret::new("k1 0123".to_owned()));
        let s3 = S3 { secret_access_key: secret(), ..S3::default() };
        let config = Config { master_keys: secret(), store: Store::S3(s3), ..Config::default() };
        assert!(!format!("{config:?}").contains("0123"));
    }

    #[test]
    fn syncs_are_neither_rare_nor_all_it_does() {
        let every = |sync_every_ms| Config { sync_every_ms, ..Config::default() }.sync_every();
        assert_eq!((every(0), every(10_000)), (MIN_SYNC, MAX_SYNC));
    }
}
