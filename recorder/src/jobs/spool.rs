//! A sealed file whose beginning is known only at its end: it waits on this machine, sealed, and goes
//! to the store in a second pass.

use super::retry::Failure;
use crate::storage::Storage;
use lectern_control::RecordingId;
use lectern_journal::key::DataKey;
use lectern_journal::seal::{SealReader, SealWriter};
use lectern_mux::{HEAD_BYTES, Output};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file of one track that is being made.
pub(super) struct Spool {
    writer: SealWriter<BufWriter<File>>,
    path: PathBuf,
    key: DataKey,
    label: String,
    /// What the file begins with, as far as it may change.
    head: Vec<u8>,
    len: u64,
}

impl Spool {
    /// Begins a file on this machine.
    pub(super) fn new(path: &Path, key: &DataKey, label: &str) -> io::Result<Spool> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = BufWriter::new(options.open(path)?);
        let writer = SealWriter::new(file, key, label)?;
        let (path, key, label) = (path.to_owned(), key.clone(), label.to_owned());
        Ok(Spool { writer, path, key, label, head: Vec::new(), len: 0 })
    }

    /// Takes the next piece.
    pub(super) fn take(&mut self, output: &Output) -> io::Result<()> {
        match output {
            Output::Append(bytes) => {
                let room = (HEAD_BYTES as usize).saturating_sub(self.head.len());
                self.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                self.len += bytes.len() as u64;
                self.writer.write_all(bytes)
            }
            Output::Rewrite { at, bytes } => {
                let from = usize::try_from(*at).map_err(|_| io::ErrorKind::InvalidInput)?;
                let to = from.checked_add(bytes.len()).ok_or(io::ErrorKind::InvalidInput)?;
                let place = self.head.get_mut(from..to).ok_or(io::ErrorKind::InvalidInput)?;
                place.copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Seals it anew, with its final beginning, into the store. The label is the file's there.
    pub(super) fn store(
        self,
        storage: &Storage,
        recording: RecordingId,
        name: &str,
    ) -> Result<(), Failure> {
        let Spool { writer, path, key, label, head, .. } = self;
        writer.finish().map_err(Failure::writing)?;
        let file = BufReader::new(File::open(&path).map_err(Failure::writing)?);
        let mut rest = SealReader::new(file, &key, &label).map_err(Failure::writing)?;
        let upload = storage.upload(recording, name)?;
        let mut sealed = SealWriter::new(upload, &key, &format!("{recording}/{name}"))
            .map_err(Failure::writing)?;
        let begun = io::copy(&mut (&mut rest).take(head.len() as u64), &mut io::sink());
        begun
            .and_then(|_| sealed.write_all(&head))
            .and_then(|()| io::copy(&mut rest, &mut sealed))
            .map_err(Failure::writing)?;
        sealed.finish().map_err(Failure::writing)?.finish()?;
        crate::disks::remove(&path).map_err(Failure::writing)
    }
}
