//! The key that signs our own tokens: from the configuration, where several edges share one, else
//! from the data folder, so that it outlives the process.

use crate::config::Config;
use data_encoding::HEXLOWER;
use lectern_control::Secret;
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The file in the data folder.
const FILE: &str = "token.key";

/// Key of HMAC-SHA-256, as long as its output (RFC 2104 section 3).
pub type Key = [u8; 32];

/// Why there is no key.
#[derive(Debug, Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The file holds something else.
    #[error("{0} is not a key of 64 hexadecimal digits: remove it, and people join anew")]
    NotAKey(PathBuf),
}

/// The configured key, else the one in the data folder, which is made from `fresh` at the first time;
/// without a folder it is `fresh` itself.
pub fn load(config: &Config, fresh: Key) -> Result<Key, Error> {
    if let Some(secret) = &config.token_key {
        return Ok(Sha256::digest(secret.expose().as_bytes()).into());
    }
    let Some(folder) = &config.data_dir else { return Ok(fresh) };
    let path = folder.join(FILE);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(folder, &path, &fresh).and_then(|()| fs::read_to_string(&path))
        }
        read => read,
    };
    let text = match text {
        Ok(text) => Secret::new(text),
        Err(error) => return Err(Error::File(path, error)),
    };
    let bytes = HEXLOWER.decode(text.expose().trim().as_bytes()).ok();
    bytes.and_then(|bytes| Key::try_from(bytes).ok()).ok_or(Error::NotAKey(path))
}

/// Written beside and put in its place as a whole, unless another process was faster: a power cut
/// leaves the whole key or none, and whoever shares the folder shares the key.
fn make(folder: &Path, path: &Path, key: &Key) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(HEXLOWER.encode(key).as_bytes())?;
    file.sync_all()?;
    let placed = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match placed {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        placed => placed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config(folder: &Path) -> Config {
        Config { data_dir: Some(folder.to_owned()), ..Config::default() }
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(&folder.path().join("edge"));
        assert_eq!(load(&config, [1; 32]).expect("made"), [1; 32]);
        assert_eq!(load(&config, [2; 32]).expect("read"), [1; 32]);
        let path = folder.path().join("edge").join(FILE);
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("edge")).expect("a folder").count(), 1);
        fs::write(&path, "123").expect("written");
        assert!(matches!(load(&config, [3; 32]), Err(Error::NotAKey(_))));
    }

    #[test]
    fn processes_that_begin_at_once_in_one_folder_agree() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path());
        let keys: Vec<Key> = std::thread::scope(|scope| {
            let begin = |n| {
                scope.spawn({
                    let config = &config;
                    move || load(config, [n; 32])
                })
            };
            let all: Vec<_> = (0..16).map(begin).collect();
            all.into_iter().map(|one| one.join().expect("ran").expect("a key")).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    #[test]
    fn edges_with_one_configured_key_agree_and_nothing_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = |text: &str| Some(Secret::new(text.repeat(40)));
        let one = Config { token_key: secret("a"), ..config(folder.path()) };
        let other = Config { token_key: secret("b"), ..config(folder.path()) };
        let key = load(&one, [1; 32]).expect("configured");
        assert_eq!(key, load(&one, [2; 32]).expect("configured"));
        assert_ne!(key, load(&other, [1; 32]).expect("configured"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
        assert_eq!(load(&Config::default(), [4; 32]).expect("nowhere to keep it"), [4; 32]);
    }
}
