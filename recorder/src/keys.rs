//! The operator's master keys, as they lie in a file or stand in the configuration.

use crate::config::{Config, InvalidConfig};
use lectern_journal::key::{self, DataKey, MasterKeys, WrappedKey};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The keys cannot be had.
    #[error("master keys: {0}")]
    Key(#[from] key::Error),
    /// The configuration does not say where they are.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// There are recordings, but not the key that opens them.
    #[error(
        "{0} is missing, but there are recordings that it opens: put it back from its copy, or remove \
         the recordings' folder"
    )]
    Missing(PathBuf),
}

/// What is to be done where there is no file of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// One is made: nothing was sealed yet.
    Make,
    /// That is an error: recordings wait for it.
    Refuse,
}

/// The ring in use; it follows its file.
#[derive(Debug)]
pub(crate) struct Keys {
    ring: Mutex<MasterKeys>,
    file: Option<PathBuf>,
}

impl Keys {
    /// Reads them, or makes the first.
    pub(crate) fn open(config: &Config, absent: Absent) -> Result<Keys, Error> {
        if let Some(text) = &config.master_keys {
            return Ok(Keys {
                ring: Mutex::new(MasterKeys::from_text(text.expose())?),
                file: None,
            });
        }
        let file = config.key_file()?;
        let ring = match MasterKeys::load(&file) {
            Err(key::Error::File(error)) if error.kind() == io::ErrorKind::NotFound => {
                if absent == Absent::Refuse {
                    return Err(Error::Missing(file));
                }
                let ring = MasterKeys::generate(&file)?;
                tracing::warn!(
                    file = %file.display(),
                    "made a master key: keep a copy of it elsewhere, without it no recording can be read"
                );
                ring
            }
            ring => ring?,
        };
        Ok(Keys { ring: Mutex::new(ring), file: Some(file) })
    }

    /// The file that can be changed, where there is one.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        self.file.as_ref()
    }

    /// Wraps a key by the primary, as the file has it now.
    pub(crate) fn wrap(&self, key: &DataKey) -> Result<WrappedKey, key::Error> {
        self.reload()?;
        self.ring().wrap(key)
    }

    /// Wraps a key anew where another than the primary wrapped it; `None` where that is not needed.
    pub(crate) fn rewrap(
        &self,
        key: &DataKey,
        wrapped: &WrappedKey,
    ) -> Result<Option<WrappedKey>, key::Error> {
        if let Err(error) = self.reload() {
            // What is wrapped already stays readable; the file may come back.
            tracing::error!(%error, "the master keys cannot be read again");
        }
        let ring = self.ring();
        if ring.ids().next() == Some(&wrapped.master) {
            return Ok(None);
        }
        ring.wrap(key).map(Some)
    }

    /// Unwraps a key. One by a master that is not known may be newer than what was read.
    pub(crate) fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, key::Error> {
        let first = self.ring().unwrap(wrapped);
        if !matches!(first, Err(key::Error::Unknown(_))) {
            return first;
        }
        self.reload()?;
        self.ring().unwrap(wrapped)
    }

    fn reload(&self) -> Result<(), key::Error> {
        if let Some(file) = &self.file {
            let ring = MasterKeys::load(file)?;
            *self.ring() = ring;
        }
        Ok(())
    }

    fn ring(&self) -> MutexGuard<'_, MasterKeys> {
        // A ring is replaced as a whole: who panicked has not left half of one.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::Secret;

    fn config(folder: &tempfile::TempDir) -> Config {
        Config { data_dir: Some(folder.path().to_owned()), ..Config::default() }
    }

    #[test]
    fn the_first_key_is_made_but_never_in_place_of_one_that_was_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(&folder);
        assert!(matches!(Keys::open(&config, Absent::Refuse), Err(Error::Missing(_))));
        let key = DataKey::random().expect("random");
        let wrapped = Keys::open(&config, Absent::Make).expect("made").wrap(&key).expect("wraps");
        let keys = Keys::open(&config, Absent::Refuse).expect("there");
        assert!(keys.unwrap(&wrapped).is_ok());
    }

    #[test]
    fn a_key_that_a_newer_master_wrapped_is_unwrapped_by_reading_the_file_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(&folder);
        let (old, new) = (Keys::open(&config, Absent::Make), Keys::open(&config, Absent::Refuse));
        let (old, new) = (old.expect("made"), new.expect("there"));
        MasterKeys::rotate(old.file().expect("a file")).expect("rotates");
        let wrapped = new.wrap(&DataKey::random().expect("random")).expect("wraps");
        assert!(old.unwrap(&wrapped).is_ok());
    }

    #[test]
    fn keys_in_the_configuration_need_no_file() {
        let text = format!("k1 {}\n", "07".repeat(32));
        let config = Config { master_keys: Some(Secret::new(text)), ..Config::default() };
        let keys = Keys::open(&config, Absent::Refuse).expect("reads");
        let wrapped = keys.wrap(&DataKey::random().expect("random")).expect("wraps");
        assert!(keys.file().is_none() && keys.unwrap(&wrapped).is_ok());
    }
}
