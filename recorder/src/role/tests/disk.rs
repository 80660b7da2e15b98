//! A disk that is full, broken or slow when a test wants it to be.

use crate::disks::{Disks, Local, Opened};
use lectern_journal::{Apart, Disk, Source, SyncsApart};
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What is wrong with the disk.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Bytes that may still be written, and what is said then.
    pub(super) write: Option<(u64, io::ErrorKind)>,
    /// What is said to a sync.
    pub(super) sync: Option<io::ErrorKind>,
    /// Syncs beside the writing wait until this is over.
    pub(super) sync_stuck: bool,
    /// Room that is left.
    pub(super) free_bytes: Option<u64>,
    /// Writes wait until this is over.
    pub(super) stuck: bool,
}

/// Disks with one fault for all.
#[derive(Debug, Clone, Default)]
pub(super) struct FaultyDisks(Arc<(Mutex<Faults>, Condvar)>);

impl FaultyDisks {
    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.0.0.lock().expect("no panic")
    }

    pub(super) fn unstick(&self) {
        let mut faults = self.faults();
        (faults.stuck, faults.sync_stuck) = (false, false);
        drop(faults);
        self.0.1.notify_all();
    }
}

impl Disks for FaultyDisks {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        let Opened(file) = Local.open(path)?;
        Ok(Opened(Box::new(Faulty { file, disks: self.clone() })))
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let free = self.faults().free_bytes;
        free.map_or_else(|| Local.free_bytes(folder), Ok)
    }
}

struct Faulty {
    file: Box<dyn SyncsApart + Send>,
    disks: FaultyDisks,
}

impl Source for Faulty {
    fn size(&mut self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(at, buffer)
    }
}

impl SyncsApart for Faulty {
    fn sync_apart(&self) -> io::Result<Apart> {
        let (sync, disks) = (self.file.sync_apart()?, self.disks.clone());
        Ok(Box::new(move || {
            let mut faults = disks.faults();
            while faults.sync_stuck {
                faults = disks.0.1.wait(faults).expect("no panic");
            }
            let fault = faults.sync;
            drop(faults);
            fault.map_or_else(sync, |kind| Err(kind.into()))
        }))
    }
}

impl Disk for Faulty {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut faults = self.disks.faults();
        while faults.stuck {
            faults = self.disks.0.1.wait(faults).expect("no panic");
        }
        let mut written = bytes;
        if let Some((room, kind)) = &mut faults.write {
            // A disk that fails may have taken a part.
            let fits = usize::try_from(*room).expect("small").min(bytes.len());
            *room -= fits as u64;
            written = &bytes[..fits];
            if fits < bytes.len() {
                self.file.write_at(at, written)?;
                return Err((*kind).into());
            }
        }
        self.file.write_at(at, written)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.cut(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        let fault = self.disks.faults().sync;
        match fault {
            Some(kind) => Err(kind.into()),
            None => self.file.sync(),
        }
    }
}
