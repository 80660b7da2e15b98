//! The disk that recordings are written to, as far as it can fail.

use lectern_journal::{Apart, Disk, Source, SyncsApart};
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Where journals lie. Tests bring disks that are full or broken.
pub(crate) trait Disks: Send + Sync + fmt::Debug {
    /// Opens a journal, or makes it.
    fn open(&self, path: &Path) -> io::Result<Opened>;
    /// Bytes that may still be written in a folder.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;
}

/// A journal's file.
pub(crate) struct Opened(pub(crate) Box<dyn SyncsApart + Send>);

impl Source for Opened {
    fn size(&mut self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(at, buffer)
    }
}

impl Disk for Opened {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(at, bytes)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

impl SyncsApart for Opened {
    fn sync_apart(&self) -> io::Result<Apart> {
        self.0.sync_apart()
    }
}

/// The real ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local;

impl Disks for Local {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        let made = !path.exists();
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = file.open(path)?;
        if made {
            sync_folder_of(path)?;
        }
        Ok(Opened(Box::new(file)))
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let room = rustix::fs::statvfs(folder)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
}

/// A folder that only this user may read.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a name in a folder survive a power cut.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Writes a file in one step that survives a power cut: after a crash the old one is there, or the
/// new one. Gives the old one, open, where there was one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<Option<File>> {
    let old = match OpenOptions::new().write(true).open(path) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = write_synced(&new, bytes).and_then(|()| std::fs::rename(&new, path));
    if let Err(error) = written {
        // It may be what fills the disk.
        let _ = std::fs::remove_file(&new);
        return Err(error);
    }
    sync_folder_of(path)?;
    Ok(old)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes a file or a folder with all that is in it; none is as good.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_the_old_one_given_for_wiping() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("manifest.json");
        assert!(replace(&path, b"one").expect("written").is_none());
        assert!(replace(&path, b"two").expect("written").is_some());
        assert_eq!(std::fs::read(&path).expect("there"), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
        remove(&path).expect("gone");
        remove(&path).expect("still gone");
    }

    #[test]
    fn what_cannot_be_replaced_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("manifest.json");
        replace(&path, b"one").expect("written");
        std::fs::create_dir(folder.path().join("manifest.json.new")).expect("in the way");
        assert!(replace(&path, b"two").is_err());
        assert_eq!(std::fs::read(&path).expect("there"), b"one");
    }

    #[test]
    fn the_real_disk_has_room_and_keeps_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Local.free_bytes(folder.path()).expect("known") > 0);
        let path = folder.path().join("a.journal");
        Local.open(&path).expect("made").write_at(0, b"abc").expect("written");
        assert_eq!(Local.open(&path).expect("there").size().expect("known"), 3);
    }
}
