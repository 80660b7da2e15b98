//! The file of the master keys: made, read and changed so that no reader ever sees half of it.

use super::{Error, KeyId, MAX_MASTER_KEYS, Master, MasterKeys};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of the file at most: a full ring, and comments.
const MAX_FILE_BYTES: usize = 64 << 10;
/// The owner alone reads and writes it.
const MODE: u32 = 0o600;
/// The group may read, as orchestrators' secrets want it; nobody else may do anything.
const OPEN_MODE: u32 = 0o037;

impl MasterKeys {
    /// Reads a ring from its file; one that others can read is refused.
    pub fn load(path: &Path) -> Result<MasterKeys, Error> {
        let file = File::open(path)?;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & OPEN_MODE != 0 {
            return Err(Error::Open(mode));
        }
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES + 1));
        let read = file.take(MAX_FILE_BYTES as u64 + 1).read_to_string(&mut text)?;
        if read > MAX_FILE_BYTES {
            return Err(Error::Damaged(text.lines().count()));
        }
        MasterKeys::from_text(&text)
    }

    /// Makes a file with one new key; one that exists is left alone.
    pub fn generate(path: &Path) -> Result<MasterKeys, Error> {
        let folder = lock(path)?;
        if fs::exists(path)? {
            return Err(Error::Exists);
        }
        let ring = MasterKeys(vec![Master::random()?]);
        store(&ring, path, &folder)?;
        Ok(ring)
    }

    /// Adds a new primary to the file; all else still unwraps. Processes that loaded it before must
    /// load it again before they meet a key that the new one wrapped.
    pub fn rotate(path: &Path) -> Result<KeyId, Error> {
        let folder = lock(path)?;
        let mut ring = MasterKeys::load(path)?;
        if ring.0.len() >= MAX_MASTER_KEYS {
            return Err(Error::Full);
        }
        let master = Master::random()?;
        let id = master.id.clone();
        ring.0.insert(0, master);
        store(&ring, path, &folder)?;
        Ok(id)
    }

    /// Takes an older key out of the file: what only it unwraps is lost, see [`MasterKeys::rewrap`].
    pub fn retire(path: &Path, id: &KeyId) -> Result<(), Error> {
        let folder = lock(path)?;
        let mut ring = MasterKeys::load(path)?;
        let place = ring.ids().position(|known| known == id);
        match place {
            None => return Err(Error::Unknown(id.clone())),
            Some(0) => return Err(Error::Primary(id.clone())),
            Some(index) => ring.0.remove(index),
        };
        store(&ring, path, &folder)
    }
}

/// The file's folder, locked against other processes that change the file while it is open.
fn lock(path: &Path) -> Result<File, Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// Replaces the file in one step that survives a power cut.
fn store(ring: &MasterKeys, path: &Path, folder: &File) -> Result<(), Error> {
    let new = beside(path)?;
    let written = write(ring, &new).and_then(|()| fs::rename(&new, path));
    if let Err(error) = written {
        // The rest of a failed write holds keys.
        let _ = fs::remove_file(&new);
        return Err(error.into());
    }
    folder.sync_all()?;
    Ok(())
}

fn write(ring: &MasterKeys, path: &Path) -> io::Result<()> {
    // A file of this name is left over from a process that died, as the folder is locked.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(ring.to_text().as_bytes())?;
    file.sync_all()
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut new = name.to_owned();
    new.push(".new");
    Ok(path.with_file_name(new))
}
