//! Finished pieces of a film, sealed beside its journals until it is whole.

use crate::disks::{make_folder, remove, sync_folder_of};
use lectern_compose::{Part, Parts};
use lectern_journal::key::DataKey;
use lectern_journal::seal::{SealReader, SealWriter};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The parts of one film.
pub(crate) struct SealedParts {
    folder: PathBuf,
    key: DataKey,
    label: String,
    /// Told each time that a part is whole.
    finished: Arc<dyn Fn()>,
}

impl SealedParts {
    /// In a folder of their own, which is made; the label names the film.
    pub(crate) fn new(
        folder: PathBuf,
        key: DataKey,
        label: String,
        finished: Arc<dyn Fn()>,
    ) -> io::Result<SealedParts> {
        make_folder(&folder)?;
        Ok(SealedParts { folder, key, label, finished })
    }

    /// The film is whole, or given up.
    pub(crate) fn clear(&self) -> io::Result<()> {
        remove(&self.folder)
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if name.is_empty() || name.len() > 128 || !plain {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        Ok(self.folder.join(format!("{name}.part")))
    }

    fn label(&self, name: &str) -> String {
        format!("{}/{name}", self.label)
    }
}

impl Parts for SealedParts {
    fn has(&self, name: &str) -> bool {
        self.path(name).is_ok_and(|path| path.exists())
    }

    fn put(&self, name: &str) -> io::Result<Box<dyn Part>> {
        let path = self.path(name)?;
        let new = path.with_extension("new");
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let writer = SealWriter::new(BufWriter::new(file), &self.key, &self.label(name))?;
        Ok(Box::new(NewPart { writer, new, path, finished: Arc::clone(&self.finished) }))
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read>> {
        let file = File::open(self.path(name)?)?;
        Ok(Box::new(SealReader::new(file, &self.key, &self.label(name))?))
    }
}

/// A part that is being written.
struct NewPart {
    writer: SealWriter<BufWriter<File>>,
    new: PathBuf,
    path: PathBuf,
    finished: Arc<dyn Fn()>,
}

impl Write for NewPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Part for NewPart {
    fn finish(self: Box<Self>) -> io::Result<()> {
        let file = self.writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&self.new, &self.path)?;
        sync_folder_of(&self.path)?;
        (self.finished)();
        Ok(())
    }
}
